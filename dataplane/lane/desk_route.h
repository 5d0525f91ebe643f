// Routed orders at the desk: looks at the venues' books, sends the child orders through the gate,
// places again what comes back. Plan and account: dataplane/order/route.h.
#pragma once

#include "dataplane/lane/desk.h"
#include "dataplane/order/route.h"

// The last look at all venues.
struct desk_look {
    struct route_offer offers[SESSIONS_MAX];
    uint8_t quality[SESSIONS_MAX];
};

struct desk_routes {
    struct route_table table;
    struct route_venue venues[SESSIONS_MAX];
    // A routed order is over. Null: nobody wants to know. Fixed at READY.
    void (*told)(struct desk *d, const struct route *r, uint32_t route);
    uint64_t rounds;
    uint64_t children;
    struct desk_look seen;
    struct desk_refused refused; // what the preferred child's refusal has compared
};

// What is asked for. Letters as in OUCH 5.0.
struct desk_route {
    uint64_t client_id; // of the child orders too
    uint32_t quantity;
    uint32_t limit; // price4
    uint16_t instrument;
    uint16_t venues; // bit of a session that may be asked; 0: any
    uint8_t how;     // enum route_how
    uint8_t rest;    // enum route_rest
    char side;
};

// The best price of a side over all venues that may take an order now.
struct desk_best_of_all {
    uint64_t shares; // at that price, all venues together
    uint32_t price;  // 0: none
    uint8_t venue;   // preferred among those that show it
};

// Once the desk has its order table, before desk_strategies_init; <memory>: routes_bytes() for
// <routes> and the desk's orders.
void desk_routes_init(struct desk *d, struct desk_routes *r, uint32_t routes, void *memory);
void desk_route_venue(struct desk *d, uint32_t session, const struct route_venue *venue);

// REFUSAL_NONE: at least one child order is on the wire, *<route> is the order's number. Else what
// the gate said about the venue that was preferred, or REFUSAL_ROUTE: no venue could be asked.
enum refusal desk_route(struct desk *d, const struct desk_owner *who, const struct desk_route *ask,
                        uint32_t *route);
// The first venue of this lane that the order names, whose record it is; UINT8_MAX: none.
uint8_t desk_route_first(const struct desk *d, const struct desk_route *ask);
// No further round; what is open is cancelled.
enum refusal desk_route_cancel(struct desk *d, const struct desk_owner *who, uint32_t route);
// The owner's routed order, until its place is taken again; null: no such, or somebody else's.
const struct route *desk_route_of(const struct desk *d, const struct desk_owner *who,
                                  uint32_t route);
struct strategy_route_report;
void desk_route_facts(const struct route *r, uint32_t route, struct strategy_route_report *out);
bool desk_consolidated(struct desk *d, uint32_t instrument, struct desk_best_of_all *bid,
                       struct desk_best_of_all *ask);

// The routed order whose child an order is; ROUTE_NONE: none.
uint32_t desk_route_of_order(const struct desk *d, uint32_t order);

static inline bool desk_is_child(const struct desk *d, uint32_t order)
{
    return desk_route_of_order(d, order) != ROUTE_NONE;
}

// --- for the desk

// What a message did to an order; the routed order that has to go on, ROUTE_NONE: none.
uint32_t desk_route_report(struct desk *d, uint32_t order, const struct order_outcome *out);
// A cancel of an order is asked for: what it gives back is sent nowhere else.
void desk_route_taken_back(struct desk *d, uint32_t order);
// Places what came back, or ends the order.
void desk_route_next(struct desk *d, uint32_t route);
