// The slow side of a port, on the main lcore and without a driver: ARP for our address, IGMP
// membership of our groups. Frames come in from the lane and go out through it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/counters.h"
#include "dataplane/abi/limits.h"
#include "dataplane/port/port.h"

enum {
    SLOW_GROUPS_MAX = CHANNELS_MAX * LINES_MAX,
    SLOW_REPORTS = 2,      // unsolicited reports of a join (RFC 3376, section 8.1: robustness)
    SLOW_REPEAT_MS = 1000, // between them
};

struct slow_group {
    uint32_t group;
    uint64_t report_at; // ns; UINT64_MAX: nothing due
    uint32_t reports;   // unsolicited reports still to send
    bool answer;        // the next report answers a query
};

struct slow_port {
    struct port *port;
    struct port_counters *count;
    uint32_t ip; // host order, 0: none
    uint16_t vlan;
    uint8_t igmp_version; // what we speak; lowered to the querier's
    struct slow_group groups[SLOW_GROUPS_MAX];
    uint32_t group_count;
    uint64_t random;
    // Way out; false: no room, try again later.
    bool (*send)(void *context, struct port *port, const uint8_t *frame, uint32_t len);
    void *context;
};

void slow_group_add(struct slow_port *s, uint32_t group, uint64_t now_ns);
// A frame that the lane handed over; the caller keeps it.
void slow_frame(struct slow_port *s, const struct frame *frame, uint64_t now_ns);
// Reports that are due. Returns how many were sent.
uint32_t slow_turn(struct slow_port *s, uint64_t now_ns);
// Leaves every group (stop).
void slow_leave(struct slow_port *s);
