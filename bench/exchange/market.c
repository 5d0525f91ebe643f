#include "bench/exchange/market.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dataplane/base/check.h"
#include "dataplane/base/hints.h"

_Static_assert(sizeof(struct market_order) == 16, "four orders to a cache line");

enum {
    FINE = 256,
    MEDIUM = 384
}; // levels from the middle with steps of 1 and 10 ticks; beyond: 100

static int32_t level_ticks(uint32_t level)
{
    int32_t d = (int32_t)level - LADDER_MIDDLE;
    int32_t sign = d < 0 ? -1 : 1;
    d *= sign;
    int32_t ticks = d;
    if (d > FINE)
        ticks = FINE + 10 * (d - FINE);
    if (d > MEDIUM)
        ticks = FINE + 10 * (MEDIUM - FINE) + 100 * (d - MEDIUM);
    return sign * ticks;
}

uint32_t market_price(const struct market_symbol *s, uint32_t level)
{
    return s->reference_price + (uint32_t)(level_ticks(level) * (int32_t)s->tick);
}

// A dollar is where the tick changes: prices of a symbol with fine ticks stay below it.
static void levels_set(struct market_symbol *s)
{
    int64_t highest = s->tick == 1 ? 9999 : 1999999900;
    s->level_min = LADDER_MIDDLE;
    s->level_max = LADDER_MIDDLE;
    while (s->level_min > 0 &&
           (int64_t)s->reference_price + (int64_t)level_ticks(s->level_min - 1u) * s->tick > 0)
        s->level_min--;
    while (s->level_max < LADDER_LEVELS - 1 &&
           (int64_t)s->reference_price + (int64_t)level_ticks(s->level_max + 1u) * s->tick <=
               highest)
        s->level_max++;
}

// Room for the target and its fluctuations. Half as much again keeps the search of market_any
// short.
static uint32_t cap_for(uint32_t target)
{
    uint32_t cap = target + target / 2 + 64;
    return cap < MARKET_NIL ? cap : MARKET_NIL - 1;
}

bool market_init(struct market *m, struct error *err)
{
    uint64_t places = 0;
    for (uint32_t i = 0; i < m->count; i++)
        places += cap_for(m->symbols[i].target);
    uint64_t ladders = (uint64_t)m->count * sizeof(struct market_ladder);
    m->memory_bytes = ladders + places * sizeof(struct market_order);
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    // cppcheck-suppress invalidFunctionArg ; -1 is what anonymous memory wants
    m->memory = mmap(NULL, m->memory_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (m->memory == MAP_FAILED) {
        m->memory = NULL;
        return error_set(
            err, EXIT_FAILED,
            "generator: no memory for %u symbols (%llu MiB); lower --symbols or --live", m->count,
            (unsigned long long)(m->memory_bytes >> 20));
    }
    // Fewer page-table walks for the random accesses below; where it is refused, generation is only
    // slower.
    (void)madvise(m->memory, m->memory_bytes, MADV_HUGEPAGE);
    struct market_ladder *ladder = m->memory;
    struct market_order *orders = (struct market_order *)((uint8_t *)m->memory + ladders);
    for (uint32_t i = 0; i < m->count; i++) {
        struct market_symbol *s = &m->symbols[i];
        s->ladder = &ladder[i];
        s->orders = orders;
        s->cap = (uint16_t)cap_for(s->target);
        orders += s->cap;
        s->high = s->count = 0;
        s->free = MARKET_NIL;
        s->best_bid = LADDER_NONE_BID;
        s->best_ask = LADDER_NONE_ASK;
        s->middle = LADDER_MIDDLE;
        memset(s->recent, 0xff, sizeof s->recent);
        levels_set(s);
    }
    m->live = 0;
    return true;
}

void market_free(struct market *m)
{
    if (m->memory)
        munmap(m->memory, m->memory_bytes);
    m->memory = NULL;
}

static void level_opened(struct market_symbol *s, bool bid, uint32_t level)
{
    s->ladder->used[level / 64] |= 1ull << level % 64;
    if (bid && (int32_t)level > s->best_bid)
        s->best_bid = (int16_t)level;
    if (!bid && (int32_t)level < s->best_ask)
        s->best_ask = (int16_t)level;
}

static int16_t next_below(const uint64_t *used, uint32_t level)
{
    uint64_t word = used[level / 64] & ((1ull << level % 64) - 1);
    for (int32_t w = (int32_t)(level / 64);;) {
        if (word)
            return (int16_t)(w * 64 + 63 - __builtin_clzll(word));
        if (--w < 0)
            return LADDER_NONE_BID;
        word = used[w];
    }
}

static int16_t next_above(const uint64_t *used, uint32_t level)
{
    uint64_t word = used[level / 64] & ~((1ull << level % 64) | ((1ull << level % 64) - 1));
    for (uint32_t w = level / 64;;) {
        if (word)
            return (int16_t)(w * 64 + (uint32_t)__builtin_ctzll(word));
        if (++w == LADDER_LEVELS / 64)
            return LADDER_NONE_ASK;
        word = used[w];
    }
}

static void level_closed(struct market_symbol *s, uint32_t level)
{
    uint64_t *used = s->ladder->used;
    used[level / 64] &= ~(1ull << level % 64);
    if ((int32_t)level == s->best_bid)
        s->best_bid = next_below(used, level);
    if ((int32_t)level == s->best_ask)
        s->best_ask = next_above(used, level);
}

uint16_t market_add(struct market *m, struct market_symbol *s, bool bid, uint32_t level,
                    uint64_t reference, uint32_t shares)
{
    uint16_t place = s->free;
    if (place != MARKET_NIL)
        s->free = s->orders[place].next;
    else
        place = s->high++;
    uint16_t tail = MARKET_NIL;
    if (s->ladder->used[level / 64] >> level % 64 & 1) {
        tail = s->ladder->queue[level].tail;
        s->orders[tail].next = place;
    } else {
        s->ladder->queue[level].head = place;
        level_opened(s, bid, level);
    }
    s->ladder->queue[level].tail = place;
    s->orders[place] = (struct market_order){.reference = reference,
                                             .shares = shares,
                                             .prev = tail,
                                             .next = MARKET_NIL,
                                             .level = level,
                                             .bid = bid};
    s->recent[s->recent_at++ % MARKET_RECENT] = place;
    s->count++;
    m->live++;
    return place;
}

void market_remove(struct market *m, struct market_symbol *s, uint16_t place)
{
    struct market_order *o = &s->orders[place];
    uint32_t level = o->level;
    if (o->prev != MARKET_NIL)
        s->orders[o->prev].next = o->next;
    else
        s->ladder->queue[level].head = o->next;
    if (o->next != MARKET_NIL)
        s->orders[o->next].prev = o->prev;
    else
        s->ladder->queue[level].tail = o->prev;
    if (o->prev == MARKET_NIL && o->next == MARKET_NIL)
        level_closed(s, level);
    o->shares = 0;
    o->next = s->free;
    s->free = place;
    s->count--;
    m->live--;
}

// Two of three places hold a live order while the symbol is near its target, so a few draws find
// one. The walk at the end bounds the search when the symbol is nearly empty.
uint16_t market_any(const struct market_symbol *s, uint64_t random)
{
    if (!s->count)
        return MARKET_NIL;
    uint32_t place = 0;
    for (uint32_t i = 0; i < 8; i++) {
        place = (uint32_t)((random & 0xffffffff) * s->high >> 32);
        if (s->orders[place].shares)
            return (uint16_t)place;
        random = random * 0x9e3779b97f4a7c15ull + 0x7f4a7c15;
        random ^= random >> 31;
    }
    for (;; place = place + 1 < s->high ? place + 1 : 0)
        if (s->orders[place].shares)
            return (uint16_t)place;
}

uint16_t market_recent(const struct market_symbol *s, uint32_t random)
{
    for (uint32_t i = 0; i < MARKET_RECENT; i++) {
        uint16_t place = s->recent[(random + i) % MARKET_RECENT];
        if (place != MARKET_NIL && s->orders[place].shares)
            return place;
    }
    return MARKET_NIL;
}
