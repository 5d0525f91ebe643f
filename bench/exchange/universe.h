// The symbols of a generated day: names, prices, how active each is, how many orders it holds.
#pragma once

#include <stdint.h>

#include "bench/exchange/market.h"
#include "bench/exchange/random.h"

// Draws an index with given weights in constant time (alias method, Walker 1977).
struct alias {
    uint32_t count;
    struct {
        uint32_t keep;  // of 2^32: probability to stay at this index
        uint32_t other; // where to go otherwise
    } slot[MARKET_SYMBOLS_MAX];
};

static inline uint32_t alias_draw(const struct alias *a, uint64_t random)
{
    uint32_t i = (uint32_t)((random >> 32) * a->count >> 32);
    return (uint32_t)random < a->slot[i].keep ? i : a->slot[i].other;
}

// Weights need not add up to anything but must not all be 0. <work>: 2 x
// count words.
void alias_build(struct alias *a, const uint32_t *weights, uint32_t count, uint64_t *work);

// Fills names (unique, in ascending order of locate, as Nasdaq assigns them), prices, spreads and
// engines of <m>->symbols, and the rank of each symbol by activity (0 = busiest) into <rank>.
// False: out of memory.
bool universe_names(struct market *m, struct random *r);
void universe_prices(struct market *m, struct random *r);
void universe_ranks(uint32_t *rank, uint32_t count, struct random *r);

// Activity falls with rank^-0.75, the number of resting orders with rank^-0.5: the busiest of 8,000
// symbols gets 3 % of the messages and 0.6 % of the orders. Only square roots, which every machine
// rounds alike.
void universe_activity(uint32_t *weights, const uint32_t *rank, uint32_t count);
bool universe_targets(struct market *m, const uint32_t *rank, uint32_t live, struct error *err);
