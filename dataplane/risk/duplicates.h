// DUPLICATE: how many orders of the same kind, side, price and quantity an account has sent in a
// symbol within a time that slides: exact, to the tick.
//
// Each account has a ring of its last orders. Those of one symbol are chains, by their print, the
// newest first; where they begin, and when the last of them was, stands in the position, whose line
// an order needs anyway: nothing else is looked at where none was sent for so long. An order that
// would overwrite one which still counts is refused, so nothing that counts is ever forgotten: an
// account may send as many orders within the time as its ring has places.
#pragma once

#include "dataplane/risk/risk.h"
#include "dataplane/wire/ouch50.h"

// By which an order is known again.
HOT_INLINE uint64_t prior_print(const struct gate_order *o)
{
    return (uint64_t)o->quantity << 36 | (uint64_t)o->price << 4 |
           (uint64_t)(o->asks >> PERMISSION_REPLACE & 3) << 2 | (uint64_t)o->owner.sells << 1 | 1;
}
_Static_assert(OUCH50_QUANTITY_MAX < 1 << 20 && OUCH50_PRICE_MAX <= UINT32_MAX, "print");

HOT_INLINE uint32_t prior_chain(uint64_t print)
{
    const uint64_t mixed = print * 0x9E3779B97F4A7C15u >> 32;
    return (uint32_t)(mixed * POSITION_CHAINS >> 32);
}

HOT_INLINE struct prior *prior_of(const struct risk *r, uint32_t account, uint32_t number)
{
    return &r->priors[((uint64_t)account << r->prior_bits) +
                      (number & ((1u << r->prior_bits) - 1))];
}

// Walks the chain, until as many alike are found as are allowed.
uint32_t priors_like(const struct risk *r, const struct gate_order *o, const struct limit_owner *l);

// How many there were within the time; no more are counted than are allowed.
HOT_INLINE uint32_t priors_count(const struct risk *r, const struct gate_order *o,
                                 const struct limit_owner *l)
{
    // The age of what is older than 32 bits hold is wrong, and the chain says so.
    const uint32_t at = r->positions[o->owner.position].asked.at;
    const uint32_t age = (uint32_t)(o->now >> DUPLICATE_SHIFT) - at;
    return LIKELY(age > l->duplicate_window) ? 0 : priors_like(r, o, l);
}

// False: the order may overwrite one that counts (priors_room).
HOT_INLINE bool priors_free(const struct risk *r, uint32_t account)
{
    return LIKELY(r->prior_rings[account].last != r->prior_rings[account].free);
}

// Frees what does not count any more; false: nothing.
bool priors_room(struct risk *r, const struct gate_order *o, const struct limit_owner *l);

HOT_INLINE void prior_add(struct risk *r, const struct gate_order *o)
{
    const uint32_t account = o->owner.account;
    struct position_asked *asked = &r->positions[o->owner.position].asked;
    const uint64_t print = prior_print(o);
    uint32_t *newest = &asked->newest[prior_chain(print)];
    if (UNLIKELY(r->practises))
        return;
    const uint32_t number = ++r->prior_rings[account].last;
    struct prior *p = prior_of(r, account, number);
    *p = (struct prior){print, o->now, *newest};
    *newest = number;
    asked->at = (uint32_t)(o->now >> DUPLICATE_SHIFT);
    PREFETCHW(p + 2); // for the order after the next
}
