#include "dataplane/port/slow.h"

#include <string.h>

#include "dataplane/base/ip.h"
#include "dataplane/port/slow_parts.h"
#include "dataplane/wire/frame_build.h"

enum { RECEIVES_MAX = 4 }; // bursts of our own queue taken in one turn

void slow_link_up(struct slow_port *s, uint64_t now_ns)
{
    slow_igmp_rejoin(s, now_ns);
    slow_arp_link_up(s, now_ns);
}

// A tag of id 0 carries a priority and no VLAN.
static bool is_ours(const struct slow_port *s, const struct frame_udp *f)
{
    uint16_t vlan = f->vlan[0] == FRAME_NO_VLAN ? 0 : f->vlan[0];
    return vlan == s->vlan && f->vlan[1] == FRAME_NO_VLAN;
}

static void datagram_take(struct slow_port *s, const struct frame_udp *f, uint64_t now_ns)
{
    if (s->datagram && s->ip && f->dst_ip == s->ip && frame_ip_checksum_ok(f) &&
        frame_udp_checksum_ok(f))
        s->datagram(s->context, s->port, f, now_ns);
}

void slow_frame(struct slow_port *s, const struct frame *frame, uint64_t now_ns)
{
    struct frame_udp f;
    enum frame_code code = frame_parse(frame->data, frame->len, &f);
    if ((code != FRAME_ARP && code != FRAME_IGMP && code != FRAME_UDP) || !is_ours(s, &f))
        return;
    if (code == FRAME_ARP)
        slow_arp_frame(s, &f, now_ns);
    else if (code == FRAME_IGMP)
        slow_igmp_frame(s, &f, now_ns);
    else
        datagram_take(s, &f, now_ns);
}

uint32_t slow_receive(struct slow_port *s, uint64_t now_ns)
{
    struct frame frames[PORT_BURST];
    struct port *port = s->port;
    uint32_t taken = 0;
    if (port->main_queue == 0)
        return 0;
    for (int i = 0; i < RECEIVES_MAX; i++) {
        uint16_t n = port->ops->receive(port, port->main_queue, frames, PORT_BURST);
        for (uint16_t f = 0; f < n; f++) {
            if (frames[f].flags == 0)
                slow_frame(s, &frames[f], now_ns);
            port->ops->release(port, &frames[f]);
        }
        taken += n;
        if (n < PORT_BURST)
            break;
    }
    return taken;
}

uint32_t slow_turn(struct slow_port *s, uint64_t now_ns)
{
    return slow_igmp_turn(s, now_ns) + slow_arp_turn(s, now_ns);
}

// --- datagrams ---

// Who gets the frame on the way to <ip>; 0: nobody.
static uint32_t next_hop(const struct slow_port *s, uint32_t ip)
{
    const uint32_t mask = s->prefix_len ? ~UINT32_C(0) << (32 - s->prefix_len) : 0;
    if (s->ip == 0 || ip == 0)
        return 0;
    return ((ip ^ s->ip) & mask) == 0 ? ip : s->gateway;
}

void slow_neighbour_want(struct slow_port *s, uint32_t ip, uint64_t now_ns)
{
    uint32_t hop = ip_is_multicast(ip) ? 0 : next_hop(s, ip);
    struct slow_neighbour *n = hop ? slow_neighbour(s, hop, now_ns) : NULL;
    if (n)
        n->wanted = true;
}

bool slow_neighbour_mac(struct slow_port *s, uint32_t ip, uint8_t mac[6])
{
    const uint32_t hop = ip_is_multicast(ip) ? 0 : next_hop(s, ip);
    for (uint32_t i = 0; hop && i < SLOW_NEIGHBOURS_MAX; i++) {
        const struct slow_neighbour *n = &s->neighbours[i];
        if (n->state == NEIGHBOUR_KNOWN && n->ip == hop) {
            memcpy(mac, n->mac, sizeof n->mac);
            return true;
        }
    }
    return false;
}

enum slow_result slow_udp_send(struct slow_port *s, uint32_t dst_ip, uint16_t dst_port,
                               uint16_t src_port, const void *payload, uint32_t len,
                               uint64_t now_ns)
{
    uint8_t bytes[SLOW_FRAME_ROOM], mac[FRAME_MAC_LEN];
    if (len > SLOW_PAYLOAD_MAX || s->ip == 0)
        return SLOW_NO_ROUTE;
    if (ip_is_multicast(dst_ip)) {
        frame_mac_of_group(mac, dst_ip);
    } else {
        uint32_t hop = next_hop(s, dst_ip);
        struct slow_neighbour *n = hop ? slow_neighbour(s, hop, now_ns) : NULL;
        if (n == NULL)
            return SLOW_NO_ROUTE;
        n->used = true;
        if (n->state != NEIGHBOUR_KNOWN)
            return SLOW_RESOLVING;
        memcpy(mac, n->mac, sizeof mac);
    }
    const struct frame_udp_out out = {
        .dst_mac = mac,
        .src_mac = s->port->mac,
        .vlan = slow_tag(s),
        .src_port = src_port,
        .dst_port = dst_port,
        .src_ip = s->ip,
        .dst_ip = dst_ip,
    };
    uint32_t frame_len = frame_udp_build(bytes, &out, payload, (uint16_t)len);
    return s->send(s->context, s->port, bytes, frame_len) ? SLOW_SENT : SLOW_NO_ROOM;
}
