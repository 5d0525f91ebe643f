// The way of a session to its exchange by our own TCP on a port of the lane.
//
// The lane hands over segments (tcp_link_segment) and turns it (tcp_link_turn). An approved order
// leaves in the call: one frame is patched and given to the port, or taken back when the port
// refuses it. The next hop's address is resolved elsewhere (tcp_neighbour_set on <tcp>).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/port/port.h"
#include "dataplane/tcp/tcp.h"
#include "dataplane/venue/session.h"
#include "dataplane/venue/transport.h"

enum {
    TCP_LINK_RANDOMS = 1024,     // numbers for connections, drawn at set-up
    TCP_LINK_FRAMES_A_TURN = 8,  // of what is not an order
    TCP_LINK_PORT_FIRST = 49152, // local ports: the dynamic range of RFC 6335
    TCP_LINK_PORTS = 16384,
    TCP_LINK_STRAY_NS = 10000000, // between two answers to segments of no connection
};

struct tcp_link {
    struct transport transport; // for session_init
    struct tcp tcp;
    struct port *port;
    struct session *session;
    uint64_t ns_per_tick; // 32 bits behind the point
    uint64_t transmit_refused;
    uint64_t strays;
    uint64_t stray_at_ns; // the next one is answered from then on
    uint32_t connects;
    bool closed;    // practice: nothing goes to the port
    struct tcp was; // before it
    uint16_t queue;
    uint16_t frame_flags; // of what is sent
    uint32_t randoms[TCP_LINK_RANDOMS];
};

// Set-up. Checksums of what is sent are the card's where <port> says so. <memory>:
// tcp_memory_bytes(config). The session is given by tcp_link_bind once it is there. False:
// EXIT_USAGE or EXIT_FAILED with the cause; <place> starts the message.
bool tcp_link_init(struct tcp_link *l, const struct tcp_config *config, void *memory,
                   struct port *port, uint16_t queue, uint64_t tsc_hz, const char *place,
                   struct error *err);
static inline void tcp_link_bind(struct tcp_link *l, struct session *session)
{
    l->session = session;
}

// A segment that arrived; true: it is this connection's. The frame stays the caller's, and so is
// handing <runs> to session_received: a hole that closes may bring more than the session holds.
bool tcp_link_segment(struct tcp_link *l, const struct tcp_segment *segment, uint64_t now,
                      struct tcp_runs *runs);
// A segment between the two hosts that is no connection's: the peer is told (RST), so that it
// forgets what an earlier run of this program has left. True: it is from this link's peer.
bool tcp_link_stray(struct tcp_link *l, const struct tcp_segment *segment, const uint8_t *frame,
                    uint64_t now);
// Timers, and frames that are due. Returns how many left.
uint32_t tcp_link_turn(struct tcp_link *l, uint64_t now);
