// The generator's own picture of the market: which orders live, in time priority, on a ladder of
// price levels for each symbol. It knows far less than an order book needs to (it never looks an
// order up by its reference), which is what makes generation cheap. Shares no code with the
// dataplane's book.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/error.h"

enum {
    LADDER_LEVELS = 1024, // prices a symbol can have during a day
    LADDER_MIDDLE = 512,  // level of the reference price
    LADDER_NONE_BID = -1, // best bid of an empty side
    LADDER_NONE_ASK = 1024,
    MARKET_SYMBOLS_MAX = 65535, // stock locate is 16 bits wide and 0 means none
    MARKET_SYMBOL_ORDERS =
        60000,           // live orders of one symbol: links inside a symbol are 16 bits wide
    MARKET_RECENT = 16,  // newest orders remembered for a symbol
    MARKET_NIL = 0xffff, // no order
};

// 16 bytes: four orders to a cache line, and a million and a half of them are what a deep market
// costs.
struct market_order {
    uint64_t reference : 40;
    uint64_t shares : 24; // 0: the place is free and <next> is the next free one
    uint64_t prev : 16;   // towards the front of the queue
    uint64_t next : 16;
    uint64_t level : 16;
    uint64_t bid : 1;
    uint64_t spare : 15;
};

struct market_ladder {
    uint64_t
        used[LADDER_LEVELS / 64]; // levels with orders; bids are below asks, so one map serves both
    struct {
        uint16_t head, tail; // places in the symbol's orders; head is first in time priority
    } queue[LADDER_LEVELS];
};

struct market_symbol {
    struct market_order *orders; // <cap> places
    struct market_ladder *ladder;
    uint16_t cap, high, free, count; // high: places ever used; free: first of the free list
    int16_t best_bid, best_ask;      // levels, or LADDER_NONE_*
    uint16_t level_min, level_max;   // levels with a legal price
    uint16_t middle;                 // level the fair price is just below; wanders
    uint16_t target;                 // live orders to hold
    uint16_t spread; // half of the new orders are less than this many levels from the fair price
    uint8_t engine;  // matching engine: decides the order references
    uint8_t recent_at;
    uint8_t name[8];                // as on the wire
    uint32_t reference_price, tick; // four decimals
    uint16_t recent[MARKET_RECENT]; // places of the newest orders, MARKET_NIL where never set
    uint16_t halted;                // a trading halt is in force
};

struct market {
    struct market_symbol *symbols; // [0] is the symbol of locate 1
    uint32_t count;
    uint32_t live;
    void *memory; // orders and ladders of all symbols
    uint64_t memory_bytes;
};

// Price of a level with four decimals. One tick a level near the reference price, then 10, then
// 100.
uint32_t market_price(const struct market_symbol *s, uint32_t level);

// Sizes the places of all symbols from their targets, which the caller has set together with prices
// and names.
bool market_init(struct market *m, struct error *err);
void market_free(struct market *m);

// Joins the end of the level's queue and answers the order's place. The caller made sure that the
// symbol has a free place (market_full) and that the level is on the right side of the other side's
// best.
uint16_t market_add(struct market *m, struct market_symbol *s, bool bid, uint32_t level,
                    uint64_t reference, uint32_t shares);
void market_remove(struct market *m, struct market_symbol *s, uint16_t place);

static inline bool market_full(const struct market_symbol *s)
{
    return s->free == MARKET_NIL && s->high == s->cap;
}

// A live order, uniformly over the symbol: places are tried from <random> on; MARKET_NIL when there
// is none.
uint16_t market_any(const struct market_symbol *s, uint64_t random);

// One of the newest orders that is still there; MARKET_NIL when none is.
uint16_t market_recent(const struct market_symbol *s, uint32_t random);

// First in priority at the best price of a side; MARKET_NIL when the side is empty.
static inline uint16_t market_front(const struct market_symbol *s, bool bid)
{
    if (bid)
        return s->best_bid == LADDER_NONE_BID ? MARKET_NIL : s->ladder->queue[s->best_bid].head;
    return s->best_ask == LADDER_NONE_ASK ? MARKET_NIL : s->ladder->queue[s->best_ask].head;
}
