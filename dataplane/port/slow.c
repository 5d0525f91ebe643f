#include "dataplane/port/slow.h"

#include <string.h>

#include "dataplane/wire/arp.h"
#include "dataplane/wire/frame.h"
#include "dataplane/wire/igmp.h"

enum { FRAME_ROOM = 1522 };

static const uint64_t ms_ns = 1000000;

void slow_group_add(struct slow_port *s, uint32_t group, uint64_t now_ns)
{
    for (uint32_t i = 0; i < s->group_count; i++)
        if (s->groups[i].group == group)
            return;
    if (s->group_count < SLOW_GROUPS_MAX)
        s->groups[s->group_count++] =
            (struct slow_group){.group = group, .report_at = now_ns, .reports = SLOW_REPORTS};
}

// Gratuitous requests of others are noise; what asks for our address is answered.
static void arp_take(struct slow_port *s, const struct frame_udp *f)
{
    struct arp request;
    uint8_t out[FRAME_ROOM];
    s->count->arp_in++;
    if (!arp_parse(f->payload, f->payload_len, &request) || request.operation != ARP_REQUEST ||
        s->ip == 0 || request.target_ip != s->ip)
        return;
    struct arp reply = {.operation = ARP_REPLY, .sender_ip = s->ip, .target_ip = request.sender_ip};
    memcpy(reply.sender_mac, s->port->mac, sizeof reply.sender_mac);
    memcpy(reply.target_mac, request.sender_mac, sizeof reply.target_mac);
    if (s->send(s->context, s->port, out, arp_frame_build(out, f->vlan[0], &reply)))
        s->count->arp_out++;
}

// A pause drawn from the querier's response time, so that the hosts of a segment do not answer at
// once.
static uint64_t answer_delay_ns(struct slow_port *s, uint32_t response_ds)
{
    s->random = s->random * 6364136223846793005ull + 1442695040888963407ull;
    return (s->random >> 33) % (response_ds * 100 + 1) * ms_ns;
}

static void igmp_take(struct slow_port *s, const struct frame_udp *f, uint64_t now_ns)
{
    struct igmp_query query;
    s->count->igmp_in++;
    if (!igmp_query_parse(f->payload, f->payload_len, &query))
        return;
    if (query.version < s->igmp_version)
        s->igmp_version = query.version < 2 ? 2 : query.version;
    for (uint32_t i = 0; i < s->group_count; i++) {
        struct slow_group *g = &s->groups[i];
        if (query.group != 0 && query.group != g->group)
            continue;
        uint64_t at = now_ns + answer_delay_ns(s, query.response_ds);
        g->answer = true;
        if (at < g->report_at)
            g->report_at = at;
    }
}

void slow_frame(struct slow_port *s, const struct frame *frame, uint64_t now_ns)
{
    struct frame_udp f;
    enum frame_code code = frame_parse(frame->data, frame->len, &f);
    if (code == FRAME_ARP)
        arp_take(s, &f);
    else if (code == FRAME_IGMP)
        igmp_take(s, &f, now_ns);
}

static bool report_send(struct slow_port *s, uint32_t group, enum igmp_record_type type)
{
    uint8_t out[FRAME_ROOM];
    const struct igmp_host host = {
        .mac = s->port->mac, .ip = s->ip, .vlan = s->vlan ? s->vlan : FRAME_NO_VLAN};
    const struct igmp_record record = {.type = type, .group = group};
    uint32_t written, len;
    if (s->igmp_version == 3)
        len = igmp_v3_frame_build(out, sizeof out, &host, &record, 1, &written);
    else
        len = igmp_v2_frame_build(out, &host,
                                  type == IGMP_TO_INCLUDE ? IGMP_LEAVE_V2 : IGMP_REPORT_V2, group);
    if (!s->send(s->context, s->port, out, len))
        return false;
    s->count->igmp_out++;
    return true;
}

uint32_t slow_turn(struct slow_port *s, uint64_t now_ns)
{
    uint32_t work = 0;
    for (uint32_t i = 0; i < s->group_count; i++) {
        struct slow_group *g = &s->groups[i];
        if (now_ns < g->report_at ||
            !report_send(s, g->group, g->answer ? IGMP_IS_EXCLUDE : IGMP_TO_EXCLUDE))
            continue;
        work++;
        g->answer = false;
        g->reports -= g->reports > 0;
        g->report_at = g->reports ? now_ns + SLOW_REPEAT_MS * ms_ns : UINT64_MAX;
    }
    return work;
}

void slow_leave(struct slow_port *s)
{
    for (uint32_t i = 0; i < s->group_count; i++)
        report_send(s, s->groups[i].group, IGMP_TO_INCLUDE);
}
