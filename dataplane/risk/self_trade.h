// Self-trade prevention between lanes: how far the open orders of the firm, or of an account, reach
// in each symbol.
//
// A lane that wants to send an order says so first and looks at the others then:
//
//     own word := as if the order were open already      (sequentially consistent)
//     other lanes' words: does one of them reach it?     (sequentially consistent)
//     yes: own word back as it was, the order is refused
//
// Of two lanes that do this at once at least one sees the other, in whatever order their steps
// happen; both may, and then neither order leaves. A word says what an order does to it for as long
// as the order may execute.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/limits.h"
#include "dataplane/base/hints.h"

// What happens to an order that would meet one of the same owner, as limits.self_trade says.
enum self_trade {
    SELF_TRADE_PASSES,
    SELF_TRADE_NEWEST,    // it is refused
    SELF_TRADE_OLDEST,    // the ones that are open are cancelled, it follows them
    SELF_TRADE_BOTH,      // both
    SELF_TRADE_DECREMENT, // both become smaller by what they have in common
};

// Of a word: highest price of a buy << 32 | ~lowest price of a sale; 0 where there is none.
static inline uint64_t reach_with(uint64_t word, bool sells, uint32_t price)
{
    const uint32_t buy = (uint32_t)(word >> 32), sale = (uint32_t)word;
    if (sells)
        return (uint64_t)buy << 32 | (~price > sale ? ~price : sale);
    return (uint64_t)(price > buy ? price : buy) << 32 | sale;
}

// The best price of one side; 0: none.
static inline uint32_t reach_best(uint64_t word, bool sells)
{
    return !sells ? (uint32_t)(word >> 32) : (uint32_t)word ? ~(uint32_t)word : 0;
}

// Would an order at <price> meet what the word says of the other side?
static inline bool reach_meets(uint64_t word, bool sells, uint32_t price)
{
    const uint32_t other = reach_best(word, !sells);
    return other != 0 && (sells ? other >= price : other <= price);
}

// Of the firm (group 0) and of each account (1 + its index) that has a policy; null: it has none.
// All lanes of a symbol stand side by side.
struct self_reach {
    uint32_t lanes;
    uint32_t instruments;
    _Atomic uint64_t *groups[1 + ACCOUNTS_MAX];
};

static inline uint64_t self_group_bytes(uint32_t lanes, uint32_t instruments)
{
    return (uint64_t)lanes * instruments * sizeof(uint64_t);
}

static inline _Atomic uint64_t *self_word(const struct self_reach *s, uint32_t group, uint32_t lane,
                                          uint32_t instrument)
{
    return &s->groups[group][(uint64_t)instrument * s->lanes + lane];
}

// The lane's own word, which only it writes.
static inline uint64_t self_own(const struct self_reach *s, uint32_t group, uint32_t lane,
                                uint32_t instrument)
{
    return atomic_load_explicit(self_word(s, group, lane, instrument), memory_order_relaxed);
}

static inline void self_say(struct self_reach *s, uint32_t group, uint32_t lane,
                            uint32_t instrument, uint64_t word)
{
    atomic_store_explicit(self_word(s, group, lane, instrument), word, memory_order_seq_cst);
}

// The price of another lane's order that one at <price> would meet, 0: none. After self_say.
static inline uint32_t self_others(const struct self_reach *s, uint32_t group, uint32_t lane,
                                   uint32_t instrument, bool sells, uint32_t price)
{
    uint32_t met = 0;
    for (uint32_t i = 0; i < s->lanes; i++) {
        if (i == lane)
            continue;
        const uint64_t word =
            atomic_load_explicit(self_word(s, group, i, instrument), memory_order_seq_cst);
        if (UNLIKELY(reach_meets(word, sells, price)))
            met = reach_best(word, !sells);
    }
    return met;
}
