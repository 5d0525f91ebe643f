// Sessions that are durable: an order leaves when its record is in the journal, not before.
//
//     gate ─► DECISION published, exposure reserved ─► queue ─► commit covers the record
//          ─► gate again, on the market and the limits as they are by then ─► RELEASED ─► frame ─►
//          SENT
//
// What does not leave in the end, as the second look refuses it, somebody takes it back, the
// journal fails or time runs out, is NOT_SENT and gives back what it held. Cancels never wait.
// Message rates and whatever else counts orders count it once, when it is asked for.
//
// That a record is durable says the ring (abi/ring.h): it stands below <committed>, while the
// journal's state is RECORD_WRITTEN. The lane looks at that word in turns in which somebody waits
// for it; every new value is an input.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/lane/desk.h"

enum { DESK_RELEASES_A_TURN = 16 }; // of a session

struct desk_parked {
    uint64_t decision; // number of the record
    uint64_t tail;     // durable when so many records are
    uint64_t at;       // ticks: when it was asked for
    uint32_t order;
    uint32_t generation;
    uint32_t ref;   // its own; of a modify: what the next message would have had
    uint32_t total; // U M
    uint32_t price; // U
    char kind;      // O U M, 0: taken back, and told so
    char side;      // M
    bool cancelled;
};

struct desk_park {
    uint32_t mask; // places - 1
    uint32_t first;
    uint32_t count;
    uint32_t cancelled; // entries that were taken back, and are not told yet
    uint64_t wait_ticks;
    uint64_t stalled; // no order enters before so many records are durable
    struct desk_parked queue[];
};

uint64_t desk_park_bytes(uint32_t orders);
// The session is durable from here on. <memory>: desk_park_bytes() zeroed bytes for <orders>, a
// power of two; <wait_ticks>: how long an order waits at most.
void desk_park_add(struct desk *d, uint32_t session, uint32_t orders, uint64_t wait_ticks,
                   void *memory);

// Whether an order may be asked for at all: its record would become durable, and there is a place.
enum refusal desk_park_may(const struct desk *d, uint32_t session);

struct decision;
// The approved order <index> waits: published, its exposure is held already.
enum refusal desk_park_enter(struct desk *d, struct decision *c, uint32_t index);
// The approved replace (U) or modify (M) of an order waits; what it adds is held from here on.
enum refusal desk_park_change(struct desk *d, struct decision *c, uint32_t index, uint32_t total,
                              uint32_t price);
// A cancel of an order of which something waits. True: that is all there is to do, the exchange
// does not know the order.
bool desk_park_cancel(struct desk *d, uint32_t order, uint32_t total);
// What is hit by a kill or a mass cancel will not leave.
void desk_parks_sweep(struct desk *d);
// What has left the session so far ends before this reference.
uint32_t desk_park_next_ref(const struct desk *d, uint32_t session);

// Somebody waits for a commit: looks whether there is one. Returns how much there was to do.
uint32_t desk_park_turn(struct desk *d, uint64_t now);
