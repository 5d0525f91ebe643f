// What the files of the slow side share. Private to them.
#pragma once

#include "dataplane/port/slow.h"

enum { SLOW_FRAME_ROOM = PORT_FRAME_MAX };

static const uint64_t slow_ms = 1000000; // in ns

// Tag of what we send, as the frame builders want it.
static inline uint16_t slow_tag(const struct slow_port *s)
{
    return s->vlan ? s->vlan : FRAME_NO_VLAN;
}

void slow_igmp_frame(struct slow_port *s, const struct frame_udp *f, uint64_t now_ns);
uint32_t slow_igmp_turn(struct slow_port *s, uint64_t now_ns);
void slow_igmp_rejoin(struct slow_port *s, uint64_t now_ns);

void slow_arp_frame(struct slow_port *s, const struct frame_udp *f, uint64_t now_ns);
uint32_t slow_arp_turn(struct slow_port *s, uint64_t now_ns);
void slow_arp_link_up(struct slow_port *s, uint64_t now_ns);
// The neighbour that stands for <ip>, asked for if it was not yet; null when the table is full.
struct slow_neighbour *slow_neighbour(struct slow_port *s, uint32_t ip, uint64_t now_ns);
