// The router: one order of an owner becomes child orders at several venues.
//
//     order ─► round: look at every venue ─► plan ─► child orders, each through the gate
//                ▲                                        │
//                └──── shares that came back ◄── executed, cancelled, rejected, refused
//
// Order of preference, for a plan and for every level of a sweep:
//     1. the better price
//     2. the better price net of the venue's fee
//     3. the lower latency
//     4. the lower number of the venue
//
// At any time quantity = used + open + remainder, where <used> has executed, <open> may still
// execute at a venue, and the remainder is nobody's; no round places more than the remainder. So
// the children together never execute more than the order, unless an exchange executes what it has
// reported as over (<excess>, zero otherwise).
//
// A venue that has refused or rejected a child takes no other share of the same order; one that has
// given back shares may let the rest of it rest, but is not asked for shares again: its book may
// not yet show what it has said. So an order ends after a bounded number of rounds.
//
// This room plans and keeps the account; who owns a desk looks at books and sends
// (dataplane/lane/desk_route.h). Prices are price4, quantities shares, fees fee6: 1/1,000,000 of
// the currency a share, 1/100 of a price4, negative for a rebate. One lane owns a table.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/limits.h"
#include "dataplane/abi/route.h"
#include "dataplane/base/hints.h"
#include "dataplane/order/order.h"

#define ROUTE_NONE UINT32_MAX

enum {
    ROUTE_LEVELS = 8,      // price levels of a venue that a sweep sees
    ROUTE_ROUNDS_MAX = 16, // of one order
    ROUTE_FEE6_PER_PRICE4 = 100,
};

// What the router knows of a venue beforehand.
struct route_venue {
    int32_t take_fee6; // for shares that execute at once
    int32_t post_fee6; // for shares that rest
    uint32_t latency_ns;
};

// --- planning

struct route_level {
    uint64_t shares;
    uint32_t price;
};

// A venue as a round sees it.
struct route_offer {
    struct route_level levels[ROUTE_LEVELS]; // best first
    uint32_t level_count;
    uint8_t verdict; // VENUE_TAKES: may take a share; else why not
};

struct route_wish {
    uint32_t quantity;
    uint32_t limit;
    uint8_t how; // enum route_how
    bool sells;
    bool rests; // not to be executed at once: one venue, at the limit
};

struct route_share {
    uint32_t quantity;
    uint32_t price; // limit of the child: the last level it is meant for
    uint8_t venue;
};

struct route_plan {
    struct route_share shares[SESSIONS_MAX]; // preferred first
    uint8_t verdicts[SESSIONS_MAX];
    uint8_t ranks[SESSIONS_MAX]; // by best price; 0: none
    uint32_t count;
    uint32_t best;     // best price within the limit, 0: none
    uint32_t unplaced; // what no venue shows
};

// The price that a share costs or brings, in 1/100 of a price4.
static inline int64_t route_net6(uint32_t price, int32_t fee6, bool sells)
{
    const int64_t gross = (int64_t)price * ROUTE_FEE6_PER_PRICE4;
    return sells ? gross - fee6 : gross + fee6;
}

// The order of preference above, <a> being the venue with the lower number: true when <b> is
// preferred. <rests>: shares that rest pay the other fee.
HOT_INLINE bool route_prefers_second(bool sells, bool rests, const struct route_venue *a,
                                     uint32_t price_a, const struct route_venue *b,
                                     uint32_t price_b)
{
    if (price_a != price_b)
        return sells ? price_b > price_a : price_b < price_a;
    const int32_t fee_a = rests ? a->post_fee6 : a->take_fee6;
    const int32_t fee_b = rests ? b->post_fee6 : b->take_fee6;
    if (fee_a != fee_b)
        return fee_b < fee_a; // the same price: net of the fee is by the fee
    return b->latency_ns < a->latency_ns;
}

// <offers>, <venues>: <count> of them, at most SESSIONS_MAX.
void route_plan(const struct route_wish *wish, const struct route_offer *offers,
                const struct route_venue *venues, uint32_t count, struct route_plan *out);

// --- the account of an order

// The newest child at a venue.
struct route_child {
    uint32_t order; // OWN_NONE: there was none
    uint32_t generation;
    uint32_t quantity;
    uint32_t open; // what it may still execute
};

struct route {
    CACHE_ALIGN uint64_t client_id;
    uint32_t quantity;
    uint32_t limit;
    uint32_t used;   // executed; a broken trade does not give back
    uint32_t filled; // executed and not broken: what the position has
    uint32_t open;
    uint32_t excess;
    uint32_t generation;
    uint32_t rounds;
    uint16_t account;
    uint16_t strategy;
    uint16_t instrument;
    uint16_t failed;                           // bit of a venue that refused or rejected a child
    uint16_t spent;                            // of one that gave back shares
    uint16_t allowed;                          // bit of a venue that may be asked
    uint8_t how;                               // enum route_how
    uint8_t rest;                              // enum route_rest
    uint8_t ending;                            // enum route_ending
    uint8_t alive;                             // children that are not over
    char side;                                 // B S T E
    bool stopping;                             // no further round
    bool posted;                               // the rest rests
    bool due;                                  // a child has ended since the last round
    struct route_child children[SESSIONS_MAX]; // by venue
};

// Which order is whose child, by place of the order table.
struct route_of {
    uint32_t route; // + 1; 0: none
    uint32_t route_generation;
    uint32_t order_generation;
};

struct route_table {
    struct route *routes;
    struct route_of *of; // order_capacity of them
    uint32_t *ended;     // ring of free places, those that ended first come first
    uint32_t ended_first;
    uint32_t ended_count;
    uint32_t capacity;
    uint32_t order_capacity;
    uint64_t excess; // shares executed beyond an order, of all orders
};

struct route_new {
    uint64_t client_id;
    uint32_t quantity;
    uint32_t limit;
    uint16_t account;
    uint16_t strategy;
    uint16_t instrument;
    uint16_t allowed;
    uint8_t how;
    uint8_t rest;
    char side;
};

// <orders>: places of the order table.
uint64_t routes_bytes(uint32_t routes, uint32_t orders);
// <memory>: routes_bytes() zeroed bytes, aligned to a cache line.
void routes_init(struct route_table *t, uint32_t routes, uint32_t orders, void *memory);

// ROUTE_NONE: the table is full.
uint32_t route_open(struct route_table *t, const struct route_new *n);
// The order at <index> of the order table has left for <venue>.
void route_child_add(struct route_table *t, uint32_t route, uint32_t venue, uint32_t index,
                     const struct own_order *o);
// What a message did to an order is taken into the account; returns the order's route, ROUTE_NONE
// for an order that is no child, or whose route is not kept any more.
uint32_t route_report(struct route_table *t, uint32_t index, const struct own_order *o,
                      const struct order_outcome *out);
// It is over: its place may be taken again, behind all that ended before.
void route_close(struct route_table *t, uint32_t route, enum route_ending ending);
// The route of which an order is a child; ROUTE_NONE as above.
uint32_t route_of_order(const struct route_table *t, uint32_t index, uint32_t generation);

static inline struct route *route_at(const struct route_table *t, uint32_t route)
{
    return &t->routes[route];
}

static inline bool route_works(const struct route *r)
{
    return r->quantity > 0 && r->ending == ROUTE_ENDED_WORKS;
}

// Shares that are nobody's.
static inline uint32_t route_remainder(const struct route *r)
{
    const uint64_t taken = (uint64_t)r->used + r->open;
    return taken < r->quantity ? r->quantity - (uint32_t)taken : 0;
}

// --- invariants, for tests: false with a line of text. Walks everything.

bool routes_check(const struct route_table *t, const struct order_table *orders, char *why,
                  uint32_t why_len);
