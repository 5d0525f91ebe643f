// Self-trade prevention: an order that would meet one of the same account, or of the same firm, is
// dealt with here before it leaves, across accounts, strategies, sessions and lanes.
//
// Within a lane the orders that it would meet are found one by one, and any policy can be followed;
// between lanes only their reach is known (dataplane/risk/self_trade.h): the newest is refused,
// whatever the policy. The account's own policy goes before the firm's.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/lane/desk.h"
#include "dataplane/risk/self_trade.h"

enum {
    SELF_STEPS = 1024,   // open orders of a symbol and side that are looked at
    SELF_FOUND_MAX = 16, // that are dealt with at once; where there are more the newest is refused
};

// An open order among those of its symbol and side.
struct self_link {
    uint32_t next, prev;
    uint32_t list;  // 2 x instrument + side + 1; 0: in none
    uint32_t price; // as far as it may reach
};

struct desk_self {
    struct self_reach *reach; // of all lanes
    struct self_link *links;  // by order
    uint32_t *first;          // by list - 1: newest order, OWN_NONE: none
    uint32_t lane;
    uint32_t kept; // order whose reach stays as it was said, OWN_NONE: none
    // In a replay: what other lanes' words said (tape_others). Null: they are looked at.
    uint32_t (*others)(void *context);
    void *context;
};

// What was found for an order that is asked for.
struct self_found {
    bool said; // the lane's words count it as open
    bool sells;
    bool whole;     // found all, they leave by the same session, and a cancel would be believed
    uint8_t policy; // enum self_trade; SELF_TRADE_PASSES: it meets nothing
    uint8_t scope;  // TRADE_FIRM, TRADE_ACCOUNT: whose policy
    uint8_t session;
    uint16_t account, instrument;
    uint32_t asked;  // its shares
    uint32_t price;  // as far as it may reach
    uint32_t met;    // price of one that it would meet; 0: none
    uint32_t order;  // which it changes, OWN_NONE: a new one
    uint32_t shares; // of those found
    uint32_t count;
    uint32_t found[SELF_FOUND_MAX];
};

uint64_t desk_self_bytes(uint32_t orders, uint32_t instruments);
// <memory>: desk_self_bytes() zeroed bytes, aligned to a cache line. <reach> outlives the desk.
void desk_self_init(struct desk *d, void *memory, struct self_reach *reach, uint32_t lane);

// Looks for what the order would meet, and says to other lanes that it comes. <f>: who and what it
// is. Afterwards desk_self_refused, or desk_hold for the order.
void desk_self_look(struct desk *d, struct self_found *f);
// The order must be refused for it, whatever the other checks say.
bool desk_self_refuses(const struct self_found *f);
// How many shares of a new order may leave: fewer where both are decremented.
uint32_t desk_self_quantity(const struct self_found *f);
// The order is approved: what it would meet is cancelled first. False: that could not leave, the
// order must not either.
bool desk_self_clear(struct desk *d, const struct self_found *f);
// The order does not leave. <own>: for its own sake; what it would have met is dealt with then.
void desk_self_refused(struct desk *d, struct self_found *f, bool own);
// What the order may do changes back and forth until it is let go: nobody may see that meanwhile.
static inline void desk_self_keep(struct desk *d, uint32_t order)
{
    if (UNLIKELY(d->self != NULL))
        d->self->kept = order;
}

// What an order may still do has changed.
void desk_self_follow(struct desk *d, uint32_t order);
static inline void desk_self_let_go(struct desk *d, uint32_t order)
{
    if (LIKELY(d->self == NULL))
        return;
    d->self->kept = OWN_NONE;
    desk_self_follow(d, order);
}
