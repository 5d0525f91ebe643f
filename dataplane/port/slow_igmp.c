// IGMP for a host (RFC 3376; RFC 2236 with an older querier). Reports of others are not listened
// to: switches that snoop want one from every host.
#include "dataplane/base/ip.h"
#include "dataplane/port/slow_parts.h"
#include "dataplane/wire/igmp.h"

static uint32_t version_now(const struct slow_port *s, uint64_t now_ns)
{
    return now_ns < s->igmp_older_until ? 2 : s->igmp_version;
}

// A pause drawn from the querier's response time, so that the hosts of a segment do not answer at
// once.
static uint64_t delay_ns(struct slow_port *s, uint32_t response_ds)
{
    s->random = s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (s->random >> 33) % (response_ds * 100 + 1) * slow_ms;
}

bool slow_group_add(struct slow_port *s, uint32_t group, uint32_t source, uint64_t now_ns)
{
    struct slow_group *g = NULL;
    for (uint32_t i = 0; i < s->group_count && g == NULL; i++)
        if (s->groups[i].group == group)
            g = &s->groups[i];
    if (g == NULL && s->group_count == SLOW_GROUPS_MAX)
        return false;
    if (g == NULL) {
        g = &s->groups[s->group_count++];
        *g = (struct slow_group){.group = group};
    } else if (g->source_count == 0) {
        return true; // from anybody already
    }
    g->reports = SLOW_REPORTS;
    g->report_at = now_ns;
    for (uint32_t i = 0; i < g->source_count; i++)
        if (g->sources[i] == source)
            return true;
    if (source == 0 || g->source_count == SLOW_SOURCES_MAX)
        g->source_count = 0;
    else
        g->sources[g->source_count++] = source;
    return true;
}

void slow_igmp_rejoin(struct slow_port *s, uint64_t now_ns)
{
    for (uint32_t i = 0; i < s->group_count; i++) {
        s->groups[i].reports = SLOW_REPORTS;
        s->groups[i].report_at = now_ns;
        s->groups[i].answer = false;
    }
}

// --- queries ---

// The query is about this group and, where it names senders, about one of ours.
static bool concerns(const struct igmp_query *query, const struct slow_group *g)
{
    if (query->group == 0)
        return true;
    if (query->group != g->group)
        return false;
    for (uint32_t i = 0; i < query->sources; i++)
        for (uint32_t j = 0; j < g->source_count; j++)
            if (be32_load(query->source_list + 4 * i) == g->sources[j])
                return true;
    return query->sources == 0 || g->source_count == 0;
}

void slow_igmp_frame(struct slow_port *s, const struct frame_udp *f, uint64_t now_ns)
{
    struct igmp_query query;
    s->count->igmp_in++;
    if (!ip_is_multicast(f->dst_ip) || !igmp_query_parse(f->payload, f->payload_len, &query))
        return;
    // Version 1 reports are not spoken: its routers take those of version 2 for the group's.
    if (query.version < 3)
        s->igmp_older_until = now_ns + SLOW_OLDER_MS * slow_ms;
    // One answer for all groups in version 3, one delay each in version 2.
    uint64_t delay = delay_ns(s, query.response_ds);
    for (uint32_t i = 0; i < s->group_count; i++) {
        struct slow_group *g = &s->groups[i];
        if (!concerns(&query, g))
            continue;
        uint64_t at = now_ns + delay;
        if (query.version < 3)
            delay = delay_ns(s, query.response_ds);
        if (at < g->report_at) {
            g->report_at = at;
            g->answer = true;
        }
    }
}

// --- reports ---

static struct igmp_host host_of(const struct slow_port *s)
{
    return (struct igmp_host){.mac = s->port->mac, .ip = s->ip, .vlan = slow_tag(s)};
}

enum purpose { JOIN, ANSWER, LEAVE };

static struct igmp_record record_of(const struct slow_group *g, enum purpose purpose)
{
    static const enum igmp_record_type any[] = {IGMP_TO_EXCLUDE, IGMP_IS_EXCLUDE, IGMP_TO_INCLUDE};
    static const enum igmp_record_type some[] = {IGMP_ALLOW, IGMP_IS_INCLUDE, IGMP_BLOCK};
    return (struct igmp_record){
        .type = g->source_count ? some[purpose] : any[purpose],
        .group = g->group,
        .sources = g->sources,
        .sources_len = (uint16_t)g->source_count,
    };
}

static bool frame_send(struct slow_port *s, const uint8_t *bytes, uint32_t len)
{
    if (len == 0 || !s->send(s->context, s->port, bytes, len))
        return false;
    s->count->igmp_out++;
    return true;
}

static void reported(struct slow_group *g, uint64_t now_ns)
{
    // An answer does not stand for a join that is still being repeated.
    if (!g->answer)
        g->reports -= g->reports > 0;
    g->answer = false;
    g->report_at = g->reports ? now_ns + SLOW_REPEAT_MS * slow_ms : UINT64_MAX;
}

static uint32_t turn_v2(struct slow_port *s, uint64_t now_ns)
{
    uint8_t out[SLOW_FRAME_ROOM];
    const struct igmp_host host = host_of(s);
    uint32_t sent = 0;
    for (uint32_t i = 0; i < s->group_count; i++) {
        struct slow_group *g = &s->groups[i];
        if (now_ns < g->report_at)
            continue;
        if (!frame_send(s, out, igmp_v2_frame_build(out, &host, IGMP_REPORT_V2, g->group)))
            break;
        reported(g, now_ns);
        sent++;
    }
    return sent;
}

// <count> records in as few frames as they fit. Returns how many records went out.
static uint32_t records_send(struct slow_port *s, const struct igmp_record *records, uint32_t count,
                             uint32_t *frames)
{
    uint8_t out[SLOW_FRAME_ROOM];
    const struct igmp_host host = host_of(s);
    uint32_t done = 0, written;
    while (done < count) {
        uint32_t len =
            igmp_v3_frame_build(out, sizeof out, &host, records + done, count - done, &written);
        if (!frame_send(s, out, len))
            break;
        done += written;
        ++*frames;
    }
    return done;
}

static uint32_t turn_v3(struct slow_port *s, uint64_t now_ns)
{
    struct igmp_record records[SLOW_GROUPS_MAX];
    struct slow_group *due[SLOW_GROUPS_MAX] = {0};
    uint32_t count = 0, frames = 0;
    for (uint32_t i = 0; i < s->group_count; i++) {
        struct slow_group *g = &s->groups[i];
        if (now_ns < g->report_at)
            continue;
        due[count] = g;
        records[count++] = record_of(g, g->answer ? ANSWER : JOIN);
    }
    uint32_t done = records_send(s, records, count, &frames);
    for (uint32_t i = 0; i < done && due[i]; i++)
        reported(due[i], now_ns);
    return frames;
}

uint32_t slow_igmp_turn(struct slow_port *s, uint64_t now_ns)
{
    return version_now(s, now_ns) == 3 ? turn_v3(s, now_ns) : turn_v2(s, now_ns);
}

void slow_leave(struct slow_port *s, uint64_t now_ns)
{
    struct igmp_record records[SLOW_GROUPS_MAX];
    uint8_t out[SLOW_FRAME_ROOM];
    const struct igmp_host host = host_of(s);
    uint32_t frames = 0;
    for (uint32_t i = 0; i < s->group_count; i++) {
        records[i] = record_of(&s->groups[i], LEAVE);
        s->groups[i].report_at = UINT64_MAX;
        if (version_now(s, now_ns) < 3)
            for (int twice = 0; twice < SLOW_REPORTS; twice++)
                frame_send(s, out,
                           igmp_v2_frame_build(out, &host, IGMP_LEAVE_V2, s->groups[i].group));
    }
    for (int twice = 0; twice < SLOW_REPORTS && version_now(s, now_ns) == 3; twice++)
        records_send(s, records, s->group_count, &frames);
}
