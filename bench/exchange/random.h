// Random numbers of the simulated exchange: the same seed gives the same day and the same faults on
// every machine, so nothing here depends on a C library, on floating point or on time.
#pragma once

#include <stdint.h>

struct random {
    uint64_t state;
};

// SplitMix64: turns any 64-bit value (seeds 0, 1, 2 ...; counters) into one that looks random. Used
// for seeding and for decisions that must depend only on a number, not on how often the generator
// was asked before.
static inline uint64_t random_mix(uint64_t v)
{
    v += 0x9e3779b97f4a7c15ull;
    v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9ull;
    v = (v ^ v >> 27) * 0x94d049bb133111ebull;
    return v ^ v >> 31;
}

static inline void random_seed(struct random *r, uint64_t seed)
{
    r->state = random_mix(seed);
}

// wyrand: one 64 x 64 -> 128 bit multiplication for each number.
static inline uint64_t random_next(struct random *r)
{
    r->state += 0xa0761d6478bd642full;
    __extension__ unsigned __int128 m =
        (unsigned __int128)r->state * (r->state ^ 0xe7037ed1a0b428dbull);
    return (uint64_t)(m >> 64) ^ (uint64_t)m;
}

// 0 .. n - 1, by multiplication instead of division; n = 0 gives 0. The bias (below n / 2^32) does
// not matter here.
static inline uint32_t random_below(struct random *r, uint32_t n)
{
    return (uint32_t)((random_next(r) >> 32) * n >> 32);
}
