// The slow side of a port, on the main lcore and without a driver: ARP for our address and for our
// neighbours, IGMP membership of our groups, UDP to servers that the port reaches. Frames come in
// from the lane or from a queue of our own, and go out through <send>.
//
// Times are CLOCK_MONOTONIC in ns, addresses in host order. Nothing here waits: what cannot go out
// now is tried again in the next turn.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/counters.h"
#include "dataplane/abi/limits.h"
#include "dataplane/port/port.h"
#include "dataplane/wire/frame.h"

enum {
    SLOW_GROUPS_MAX = CHANNELS_MAX * LINES_MAX + SIGNALS_MAX,
    SLOW_SOURCES_MAX = 4, // senders of one group; more: any sender
    SLOW_NEIGHBOURS_MAX = 32,
    SLOW_PAYLOAD_MAX = 1472,

    SLOW_REPORTS = 2,        // unsolicited reports of a join, leaves (RFC 3376, section 8.1)
    SLOW_REPEAT_MS = 1000,   // between them (section 8.11)
    SLOW_OLDER_MS = 260000,  // an older querier is believed gone (section 8.12)
    SLOW_ANNOUNCES = 2,      // of our address (RFC 5227, section 1.1)
    SLOW_ANNOUNCE_MS = 2000, // between them
    SLOW_ASK_MS = 500,       // between requests for a neighbour
    SLOW_ASK_TRIES = 5,      // then it is not there
    SLOW_REFRESH_MS = 30000, // a neighbour in use is asked again
};

struct slow_group {
    uint32_t group;
    uint32_t sources[SLOW_SOURCES_MAX];
    uint32_t source_count; // 0: any sender
    uint64_t report_at;    // UINT64_MAX: nothing due
    uint32_t reports;      // unsolicited reports still to send
    bool answer;           // the next report answers a query
};

enum neighbour_state { NEIGHBOUR_FREE, NEIGHBOUR_ASKED, NEIGHBOUR_KNOWN };

struct slow_neighbour {
    enum neighbour_state state;
    bool wanted; // kept up to date although nothing is sent
    bool used;   // since it was last confirmed
    uint8_t mac[6];
    uint32_t ip;
    uint32_t tries; // requests without an answer
    uint64_t ask_at;
};

struct slow_port {
    // Set by the owner before the first call; everything else zero.
    struct port *port;
    struct port_counters *count;
    uint32_t ip; // 0: none
    uint32_t prefix_len;
    uint32_t gateway;     // 0: none
    uint16_t vlan;        // 0: untagged
    uint8_t igmp_version; // 2 or 3: what we speak unless a querier is older
    uint64_t random;      // seed of the delays
    // Way out; false: no room, try again later.
    bool (*send)(void *context, struct port *port, const uint8_t *frame, uint32_t len);
    // A UDP datagram to our address, checksums verified; may be null. Valid during the call.
    void (*datagram)(void *context, struct port *port, const struct frame_udp *datagram,
                     uint64_t now_ns);
    void *context;

    struct slow_group groups[SLOW_GROUPS_MAX];
    uint32_t group_count;
    uint64_t igmp_older_until; // version 2 until then
    struct slow_neighbour neighbours[SLOW_NEIGHBOURS_MAX];
    uint32_t announces; // still to send
    uint64_t announce_at;
    uint64_t conflict_at; // when another host was last seen with our address
};

// The group is joined from <source> (0: from anybody) in the next turn. False: no room in the
// table.
bool slow_group_add(struct slow_port *s, uint32_t group, uint32_t source, uint64_t now_ns);
// The link came up (the first time, or again): switches and routers have to be told anew, and
// neighbours that have not answered are asked at once.
void slow_link_up(struct slow_port *s, uint64_t now_ns);
// A frame that the lane handed over, or one from our own queue; the caller keeps it.
void slow_frame(struct slow_port *s, const struct frame *frame, uint64_t now_ns);
// Takes what has arrived on the main lcore's own queue, if the port has one. Returns how many.
uint32_t slow_receive(struct slow_port *s, uint64_t now_ns);
// Sends what is due. Returns how many frames.
uint32_t slow_turn(struct slow_port *s, uint64_t now_ns);
// Leaves every group (stop).
void slow_leave(struct slow_port *s, uint64_t now_ns);

enum slow_result {
    SLOW_SENT,
    SLOW_RESOLVING, // the neighbour is being asked for: send again in a while
    SLOW_NO_ROUTE,  // not in our subnet and no gateway, no address of our own, or no room for the
                    // neighbour
    SLOW_NO_ROOM,   // transmit ring or buffers
};

// Resolves <ip> (or the gateway on the way to it) now and keeps it up to date.
void slow_neighbour_want(struct slow_port *s, uint32_t ip, uint64_t now_ns);
// The Ethernet address of <ip> (or of the gateway on the way to it); false: not known now.
bool slow_neighbour_mac(struct slow_port *s, uint32_t ip, uint8_t mac[6]);
// One datagram of at most SLOW_PAYLOAD_MAX bytes, from our address.
enum slow_result slow_udp_send(struct slow_port *s, uint32_t dst_ip, uint16_t dst_port,
                               uint16_t src_port, const void *payload, uint32_t len,
                               uint64_t now_ns);
