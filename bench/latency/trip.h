// Through a port: a thread that is the exchange hands a frame of market data to its end of the
// port, a lane on another core takes it from the other end, and its order comes back the same way.
// An echo of the same frame by the lane's core, over the same port and in the same mode, stands
// beside it.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/latency/hdr.h"
#include "bench/latency/kernel.h"
#include "bench/latency/lane_world.h"
#include "bench/latency/measure.h"
#include "bench/latency/quiet.h"
#include "bench/latency/schedule.h"
#include "dataplane/port/eal.h"

// TRIP_FIGURE(NAME, name, from where to where)
#define TRIP_FIGURE_LIST(X)                                                                      \
    X(ECHO, echo, "the trigger's frame comes back from a loop that only returns it")             \
    X(ORDER, tick_to_order, "the trigger's frame leaves (open loop: is due), its order is here") \
    X(BOOK, frame_to_book,                                                                       \
      "the same frame leaves, its best price is where other processes read it")                  \
    X(REQUEST, request_to_wire, "a client's request is in its ring, its order is here")          \
    X(OUT, sent_stamped, "trigger handed to the port to burst stamped by the lane")              \
    X(DECIDE, receive_decide, "burst stamped to decision begun: parse, book, strategy")          \
    X(GATE, decide_approved, "decision begun to approved: checks")                               \
    X(ENCODE, approved_encoded, "approved to encoded: order, exposure, message")                 \
    X(SEND, encoded_sent, "encoded to the port has it: record, TCP, port")                       \
    X(BACK, sent_seen, "the port has the order to the exchange has it")

// The part of the way that is measured. TRIP_LEG(NAME, name, figure, from where to where)
#define TRIP_LEG_LIST(X)                                                              \
    X(TICK, tick, ORDER, "a frame of market data in, the order's frame out")          \
    X(FEED, feed, BOOK, "a frame of market data in, its best price in shared memory") \
    X(CLIENT, client, REQUEST, "a client's order in through the gateway, its frame out")

enum trip_leg {
#define TRIP_LEG_ENUM(upper, lower, figure, what) TRIP_LEG_##upper,
    TRIP_LEG_LIST(TRIP_LEG_ENUM)
#undef TRIP_LEG_ENUM
        TRIP_LEGS
};

enum trip_figure {
#define TRIP_FIGURE_ENUM(upper, lower, what) TRIP_##upper,
    TRIP_FIGURE_LIST(TRIP_FIGURE_ENUM)
#undef TRIP_FIGURE_ENUM
        TRIP_FIGURES
};

#define TRIP_PORT_LIST(X)                                                            \
    X(MEMIF, memif, "shared memory, memif")                                          \
    X(VHOST, vhost, "shared memory, virtio-user and vhost")                          \
    X(PHYSICAL, physical, "two ports of network cards, cabled to each other")        \
    X(RING, ring, "rings in one process")                                            \
    X(AF_PACKET, af_packet, "AF_PACKET on a veth pair")                              \
    X(AF_XDP, af_xdp, "AF_XDP on a veth pair")                                       \
    X(BLOCKING, blocking, "kernel sockets on a veth pair, the lane sleeps in epoll") \
    X(ASLEEP, asleep, "kernel sockets on a veth pair, both ends sleep")              \
    X(SPINNING, spinning, "kernel sockets on a veth pair, busy-polled")

enum trip_port {
#define TRIP_PORT_ENUM(upper, lower, what) TRIP_PORT_##upper,
    TRIP_PORT_LIST(TRIP_PORT_ENUM)
#undef TRIP_PORT_ENUM
        TRIP_PORTS
};

struct trip_options {
    enum trip_port port;
    enum trip_leg leg;
    const char *netns;      // of the exchange's sockets
    const char *near, *far; // interfaces of the lane and of the exchange
    long far_core;          // the exchange's; the lane is on --core
    long near_core;
    bool open;                        // open loop
    struct schedule_options schedule; // of the open loop: a round
    double seconds;                   // of a round, at most
    uint32_t rounds;                  // echo and orders in turn
    uint32_t practice_us;             // time between two practice orders, 0: none
    uint32_t pause_us;                // closed loop: between an answer and the next trigger
};

// What the lane was told at one stamp after the other, ticks.
struct trip_sample {
    uint64_t due, sent, stamped, done;     // done 0: it never came
    uint32_t decide, gate, encode, handed; // since <stamped>
};

// One of the slowest orders, and what the kernel did on the lane's core in the time around it.
struct trip_slow {
    struct trip_sample sample;
    uint64_t window; // between the looks before and after, ticks; 0: there were none
    struct kernel_counts kernel;
};

static inline uint64_t trip_slow_ticks(const struct trip_slow *s)
{
    return s->sample.done - s->sample.due;
}

enum { TRIP_SLOWEST = 100, TRIP_ROUNDS_MAX = 20 };

// One round of echoes or orders, ns: how much these differ is the noise of the machine.
struct trip_round {
    uint64_t p50, p99;
};

struct trip_result {
    struct hdr figures[TRIP_FIGURES]; // ns
    struct quiet quiet;               // of the lane's thread, all rounds of orders
    uint64_t sent[2], lost[2],
        late[2];    // echoes and orders; late: left over 1 us after they were due
    uint64_t ns[2]; // of the rounds
    double rate;    // open loop: of the schedule
    struct trip_round rounds[2][TRIP_ROUNDS_MAX];
    uint32_t round_count[2];
    uint32_t slowest_count;
    struct trip_slow slowest[TRIP_SLOWEST];
    uint64_t tsc_hz;
    struct port_facts ends[2]; // of a port of DPDK: the lane's, the exchange's
};

bool trip_measure(const struct trip_options *o, const struct lane_options *lane,
                  struct trip_result *r, struct error *err);
const char *trip_figure_name(enum trip_figure figure);
const char *trip_leg_name(enum trip_leg leg);
const char *trip_leg_what(enum trip_leg leg);
// What a leg measures, beside ECHO.
enum trip_figure trip_leg_figure(enum trip_leg leg);
const char *trip_port_name(enum trip_port port);
const char *trip_port_what(enum trip_port port);
void trip_print(FILE *out, const struct trip_options *o, const struct trip_result *r);
// Members of a JSON object.
void trip_write(FILE *out, const struct trip_options *o, const struct trip_result *r);

// --- the port

// Starts DPDK on the two cores and opens both ends.
bool trip_ports_open(const struct trip_options *o, struct lane_ports *out, struct error *err);
void trip_ports_close(void);
// Of the lane's and of the exchange's end.
const struct port_facts *trip_ports_facts(void);
