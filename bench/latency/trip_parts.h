// What the files of a trip share.
#pragma once

#include "bench/latency/kernel.h"
#include "bench/latency/trip.h"

enum { ECHO_BYTES = 58 }; // MoldUDP64 with one new order, as a trigger has

struct trip_told {
    uint64_t stamped;
    uint32_t decide, gate, encode, handed; // ticks since
};

// A symbol whose order is awaited.
struct trip_wait {
    uint32_t index; // of the sample
    bool up;
    uint64_t ref; // of the exchange's order that it will hit
};

struct trip {
    const struct trip_options *options;
    struct lane_world *world;
    struct event_ring *ring; // what the lane says; this is its reader
    const struct event *slots;
    uint32_t slot_count;
    struct trip_sample *samples;
    struct trip_told *told; // of order k
    uint32_t *arrived;      // sample of order k
    uint32_t sent, arrivals, decided, taken;
    uint32_t turn;
    struct trip_wait waits[LANE_WATCHED + 1];
    uint64_t ticks; // of the round
    bool orders;    // not echoes
    bool broken;    // something came that must not
    struct quiet *quiet;
    struct kernel_watch kernel; // of the lane's thread, in this round
    uint64_t look_due;
    _Atomic bool stop; // for the echo's loop
    _Atomic int runs;  // the lane's thread has its core: its id; 0: not yet
};

// Ahead of every ordinary thread of its core, where we may; false: not allowed.
bool thread_first(bool first);

// The lane's side: on its own core, as an echo or as the whole lane (<orders>).
bool near_open(struct trip *t, const struct lane_options *lane, struct error *err);
bool near_start(struct trip *t, struct error *err);
void near_stop(struct trip *t);
void near_close(struct trip *t);

// The exchange's side of an echo.
void echo_send(struct trip *t);
uint32_t echo_take(struct trip *t);

// The same over sockets of the kernel.
bool sockets_open(struct trip *t, const struct lane_options *lane, struct error *err);
bool sockets_start(struct trip *t, struct error *err);
void sockets_stop(struct trip *t);
void sockets_close(void);
void sockets_echo_send(struct trip *t);
uint32_t sockets_echo_take(struct trip *t);
