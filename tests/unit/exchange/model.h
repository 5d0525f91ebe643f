// A slow and obvious model of a market, to judge what the exchange sends: every order in arrival
// order, no ladder, no index but a plain hash of references. Decodes ITCH by hand (offsets of the
// specification), sharing nothing with the code under test.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct model_order {
    uint64_t reference, arrival;
    uint32_t shares, price;
    uint16_t locate;
    char side;
    bool dead;
};

struct model_list {
    uint32_t *orders; // indexes into <orders>, in arrival order
    uint32_t count, room;
};

struct model {
    struct model_order *orders; // every order ever added
    uint64_t count, room;
    uint32_t *hash; // index + 1 of the order, by reference
    uint64_t hash_size;
    struct model_list symbols[65536];
    uint64_t live, arrivals;
    uint8_t name[65536][8];
    uint8_t state[65536]; // last H, ' ' before
    bool market_off[65536];
    char problem[200];
};

static inline uint64_t model_int(const uint8_t *p, uint32_t n)
{
    uint64_t v = 0;
    for (uint32_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static inline struct model *model_make(uint64_t orders_max)
{
    struct model *m = calloc(1, sizeof *m);
    m->room = orders_max;
    m->orders = malloc(orders_max * sizeof *m->orders);
    for (m->hash_size = 1; m->hash_size < orders_max * 2;)
        m->hash_size *= 2;
    m->hash = calloc(m->hash_size, sizeof *m->hash);
    memset(m->state, ' ', sizeof m->state);
    return m;
}

static inline void model_drop(struct model *m)
{
    for (uint32_t i = 0; i < 65536; i++)
        free(m->symbols[i].orders);
    free(m->orders);
    free(m->hash);
    free(m);
}

static inline bool model_fail(struct model *m, const char *what)
{
    strncpy(m->problem, what, sizeof m->problem - 1);
    return false;
}

static inline uint32_t *model_slot(struct model *m, uint64_t reference)
{
    uint64_t i = reference * 0x9e3779b97f4a7c15ull >> 20 & (m->hash_size - 1);
    while (m->hash[i] && m->orders[m->hash[i] - 1].reference != reference)
        i = (i + 1) & (m->hash_size - 1);
    return &m->hash[i];
}

// The live order of a reference, or NULL.
static inline struct model_order *model_find(struct model *m, uint64_t reference)
{
    uint32_t slot = *model_slot(m, reference);
    return slot && !m->orders[slot - 1].dead ? &m->orders[slot - 1] : NULL;
}

static inline bool model_add(struct model *m, uint16_t locate, uint64_t reference, char side,
                             uint32_t shares, uint32_t price)
{
    uint32_t *slot = model_slot(m, reference);
    if (*slot)
        return model_fail(m, "a reference was used twice");
    if (m->count == m->room)
        return model_fail(m, "the model is full");
    if (!shares || !price || (side != 'B' && side != 'S'))
        return model_fail(m, "an order without shares, price or side");
    m->orders[m->count++] =
        (struct model_order){reference, ++m->arrivals, shares, price, locate, side, false};
    *slot = (uint32_t)m->count;
    struct model_list *l = &m->symbols[locate];
    if (l->count == l->room) {
        l->room = l->room ? l->room * 2 : 64;
        l->orders = realloc(l->orders, l->room * sizeof *l->orders);
    }
    l->orders[l->count++] = (uint32_t)m->count - 1;
    m->live++;
    return true;
}

static inline void model_kill(struct model *m, struct model_order *o)
{
    struct model_list *l = &m->symbols[o->locate];
    uint32_t i = 0;
    while (l->orders[i] != o - m->orders)
        i++;
    memmove(&l->orders[i], &l->orders[i + 1], (--l->count - i) * sizeof *l->orders);
    o->dead = true;
    m->live--;
}

// First in price-time priority of a side, or NULL.
static inline struct model_order *model_best(struct model *m, uint16_t locate, char side)
{
    struct model_order *best = NULL;
    struct model_list *l = &m->symbols[locate];
    for (uint32_t i = 0; i < l->count; i++) {
        struct model_order *o = &m->orders[l->orders[i]];
        if (o->side != side)
            continue;
        if (!best || (side == 'B' ? o->price > best->price : o->price < best->price))
            best = o;
    }
    return best;
}

static inline bool model_reduce(struct model *m, struct model_order *o, uint32_t shares, bool whole)
{
    if (!shares || shares > o->shares || (!whole && shares == o->shares))
        return model_fail(m, "a reduction by nothing or by more than there is");
    o->shares -= shares;
    if (!o->shares)
        model_kill(m, o);
    return true;
}

// E, C, X, D, U: what happens to an order that must live.
static inline bool model_change(struct model *m, const uint8_t *p, bool strict)
{
    uint16_t locate = (uint16_t)model_int(p + 1, 2);
    struct model_order *o = model_find(m, model_int(p + 11, 8));
    if (!o || o->locate != locate)
        return model_fail(m, "an order that does not live, or of another symbol");
    char side = o->side;
    switch (p[0]) {
    case 'E':
    case 'C':
        if (strict && o != model_best(m, locate, side))
            return model_fail(m, "an execution that is not the first order at the best price");
        if (strict && (m->state[locate] != 'T' || m->market_off[locate]))
            return model_fail(m, "an execution in a halt");
        return model_reduce(m, o, (uint32_t)model_int(p + 19, 4), true);
    case 'X': return model_reduce(m, o, (uint32_t)model_int(p + 19, 4), false);
    case 'D': model_kill(m, o); return true;
    default: break;
    }
    model_kill(m, o);
    return model_add(m, locate, model_int(p + 19, 8), side, (uint32_t)model_int(p + 27, 4),
                     (uint32_t)model_int(p + 31, 4));
}

// Applies one message. False, with <problem> set, when it refers to an order that does not live,
// carries another instrument than its order, or leaves the book locked or crossed. With <strict>
// executions must hit the first order.
static inline bool model_apply(struct model *m, const uint8_t *p, bool strict)
{
    uint16_t locate = (uint16_t)model_int(p + 1, 2);
    switch (p[0]) {
    case 'R': memcpy(m->name[locate], p + 11, 8); return true;
    case 'H': m->state[locate] = p[19]; return true;
    case 'h': m->market_off[locate] = p[20] == 'H'; return true;
    case 'A':
    case 'F':
        if (memcmp(m->name[locate], p + 24, 8) != 0)
            return model_fail(m, "an add with another name than the directory");
        if (!model_add(m, locate, model_int(p + 11, 8), (char)p[19], (uint32_t)model_int(p + 20, 4),
                       (uint32_t)model_int(p + 32, 4)))
            return false;
        break;
    case 'E':
    case 'C':
    case 'X':
    case 'D':
    case 'U':
        if (!model_change(m, p, strict))
            return false;
        break;
    default: return true;
    }
    if (!strict)
        return true;
    struct model_order *bid = model_best(m, locate, 'B'), *ask = model_best(m, locate, 'S');
    return !bid || !ask || bid->price < ask->price ? true
                                                   : model_fail(m, "a locked or crossed book");
}

static inline uint32_t model_length(uint8_t type)
{
    static const struct {
        uint8_t type, length;
    } lengths[] = {{'S', 12}, {'R', 39}, {'H', 25}, {'Y', 20}, {'L', 26}, {'V', 35},
                   {'W', 12}, {'K', 28}, {'J', 35}, {'h', 21}, {'A', 36}, {'F', 40},
                   {'E', 31}, {'C', 36}, {'X', 23}, {'D', 19}, {'U', 35}, {'P', 44},
                   {'Q', 40}, {'B', 19}, {'I', 50}, {'N', 20}, {'O', 48}};
    for (uint32_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        if (lengths[i].type == type)
            return lengths[i].length;
    return 0;
}
