// What the files of a trip share.
#pragma once

#include "bench/latency/kernel.h"
#include "bench/latency/trip.h"
#include "dataplane/abi/cell.h"
#include "dataplane/gateway/layout.h"

struct trip;

enum {
    ECHO_BYTES = 58,       // MoldUDP64 with one new order, as a trigger has
    ECHO_ORDER_BYTES = 76, // UDP's payload of a frame as long as an order's
};
#define TRIP_NOBODY UINT32_MAX

// One leg: how its triggers leave and what comes back, and the echo that does nothing else.
struct trip_leg_ops {
    void (*send)(struct trip *t, uint32_t index); // trigger <index> of the round
    uint32_t (*take)(struct trip *t);             // whatever has come; how much
    void (*echo_send)(struct trip *t);
    uint32_t (*echo_take)(struct trip *t);
    void (*echo_turn)(struct trip *t); // the lane's core
};

// What the exchange's thread and an echo of the lane's core share where there is no frame.
struct trip_words {
    CACHE_ALIGN _Atomic uint32_t asked; // exchange's thread
    struct gateway_request request;
    CACHE_ALIGN _Atomic uint32_t shown; // lane's core
    struct symbol_top top;
};

struct trip_told {
    uint64_t stamped;
    uint32_t decide, gate, encode, handed; // ticks since
};

// A symbol whose order is awaited.
struct trip_wait {
    uint32_t index; // of the sample
    bool up;
    uint64_t ref;   // of the exchange's order that it will hit
    uint32_t price; // feed: the best bid that shows that the frame was taken in
};

struct trip {
    const struct trip_options *options;
    const struct trip_leg_ops *leg;
    struct trip_words words;
    const struct symbol_top *tops[LANE_WATCHED + 1];
    uint16_t feed_waits;  // feed: locate whose best price is awaited, 0: none
    uint32_t echoes_seen; // of words.shown, words.asked
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

// Its port is sockets of the kernel.
bool trip_of_kernel(const struct trip *t);

// The lane's side: on its own core, as an echo or as the whole lane (<orders>).
bool near_open(struct trip *t, const struct lane_options *lane, struct error *err);
bool near_start(struct trip *t, struct error *err);
void near_stop(struct trip *t);
void near_close(struct trip *t);

extern const struct trip_leg_ops trip_legs[TRIP_LEGS];

// The same over sockets of the kernel.
bool sockets_open(struct trip *t, const struct lane_options *lane, struct error *err);
bool sockets_start(struct trip *t, struct error *err);
void sockets_stop(struct trip *t);
void sockets_close(void);
void sockets_echo_send(struct trip *t);
uint32_t sockets_echo_take(struct trip *t);
