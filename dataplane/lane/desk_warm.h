// Practice: a lane without work goes now and then the whole way from a frame of market data to the
// frame of an order, up to a closed egress gate, so that the first real frame after a silence finds
// code and tables in the caches and branches predicted.
//
// Two halves, one after the other. The frame (desk_warm_market.c) comes from a port of its own and
// belongs to a channel of its own with a book of two orders, so it changes nothing that anybody
// looks at; strategies are called up to the call itself, and to practise where they have that. The
// order is one like any other (desk_enter), on a real symbol at a real price, whose every trace is
// taken back: what it changes is kept beforehand and put back byte by byte. It uses no reference
// and no number of an input, holds no exposure, charges no message rate, publishes no event and
// counts nowhere but here. Its records are written to slots of the trading ring that nobody may
// read yet, as they are what the next order needs.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/lane/desk.h"

enum {
    DESK_WARM_KEPT = 64,         // places that a practice order changes
    DESK_WARM_KEPT_BYTES = 8192, // of them together
    DESK_WARM_TRIES = 16,        // symbols looked at for one that can be practised
};

struct desk_warm {
    uint64_t every; // ticks between two practice orders at least; 0: none
    uint64_t at;    // when the next one is due
    uint64_t practised;
    uint64_t passed;                    // of them: approved, and stopped by the closed gate only
    uint32_t at_session, at_instrument; // of the last one: every pair has its turn
    uint32_t late;                      // the strategy whose practice took
    uint64_t late_ticks;                // so long, beyond its budget; 0: none
    uint32_t late_weight;               // and what it and those before it weigh
    uint32_t symbol;                    // asked for next
    uint32_t input;                     // of the lane, the same
    uint64_t page;                      // of a book, asked for next
    uint64_t book_bytes[SESSIONS_MAX];
    uint32_t kept;
    uint32_t kept_bytes;
    struct desk_kept {
        void *place;
        uint32_t at; // in bytes[]
        uint32_t len;
    } places[DESK_WARM_KEPT];
    struct desk_warm_market *market; // null: orders only
    struct event_ring ring;          // what would be published
    struct lane_counters count;
    struct lane_histograms histograms;
    uint8_t bytes[DESK_WARM_KEPT_BYTES];
};

uint64_t desk_warm_bytes(void);
// <memory>: desk_warm_bytes() zeroed bytes, aligned to a cache line. Once all sessions, and the
// lane's inputs and channels, are there.
void desk_warm_init(struct desk *d, void *memory, uint64_t every);
// Goes the way once; false: no session that is ready has a symbol with a book.
bool desk_practise(struct desk *d);

// Practice orders have a ring of events of their own: nothing outside of the lane hears of them.
HOT_INLINE bool desk_practises(const struct desk *d)
{
    return d->warm && d->lane->trading.ring == &d->warm->ring;
}

// A turn without work has ended.
static inline void desk_idle(struct desk *d, uint64_t now)
{
    struct desk_warm *w = d->warm;
    if (LIKELY(w == NULL || now < w->at))
        return;
    w->at = w->every ? now + w->every : UINT64_MAX;
    desk_practise(d);
}
