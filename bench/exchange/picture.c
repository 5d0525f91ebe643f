#include "bench/exchange/picture.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/base/hints.h"

enum { ROOM_FIRST = 1 << 12, SYMBOLS = 65536 };

struct picture *picture_make(uint64_t orders)
{
    struct picture *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->room = ROOM_FIRST;
    while (p->room < orders)
        p->room *= 2;
    p->slot_count = 4 * p->room;
    p->orders = malloc(p->room * sizeof *p->orders);
    p->slots = calloc(p->slot_count, sizeof *p->slots);
    p->symbols = calloc(SYMBOLS, sizeof *p->symbols);
    if (p->orders && p->slots && p->symbols)
        return p;
    picture_drop(p);
    return NULL;
}

void picture_drop(struct picture *p)
{
    if (!p)
        return;
    free(p->orders);
    free(p->slots);
    free(p->symbols);
    free(p);
}

static uint64_t slot_of(const struct picture *p, uint64_t reference)
{
    return reference * 0x9e3779b97f4a7c15ull >> 17 & (p->slot_count - 1);
}

// The slot of a reference, or the empty one where it would go.
static uint64_t slot_find(const struct picture *p, uint64_t reference)
{
    uint64_t i = slot_of(p, reference);
    while (p->slots[i] && p->orders[p->slots[i] - 1].reference != reference)
        i = (i + 1) & (p->slot_count - 1);
    return i;
}

// An exchange that has no memory for its own book cannot go on.
static void grow(struct picture *p)
{
    p->room *= 2;
    p->slot_count *= 2;
    p->orders = realloc(p->orders, p->room * sizeof *p->orders);
    free(p->slots);
    p->slots = calloc(p->slot_count, sizeof *p->slots);
    MUST(p->orders && p->slots);
    for (uint64_t i = 0; i < p->live; i++)
        p->slots[slot_find(p, p->orders[i].reference)] = (uint32_t)i + 1;
}

// Closes the hole in the probe sequence, so that no marks of deleted entries pile up (Knuth, 6.4,
// algorithm R).
static void slot_clear(struct picture *p, uint64_t hole)
{
    uint64_t mask = p->slot_count - 1;
    for (uint64_t i = (hole + 1) & mask; p->slots[i]; i = (i + 1) & mask) {
        uint64_t home = slot_of(p, p->orders[p->slots[i] - 1].reference);
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        p->slots[hole] = p->slots[i];
        hole = i;
    }
    p->slots[hole] = 0;
}

static void order_remove(struct picture *p, uint64_t slot)
{
    uint32_t index = p->slots[slot] - 1;
    slot_clear(p, slot);
    p->live--;
    if (index == p->live)
        return;
    uint64_t last = slot_find(p, p->orders[p->live].reference);
    p->orders[index] = p->orders[p->live];
    p->slots[last] = index + 1;
}

static void order_add(struct picture *p, const struct picture_order *o)
{
    if (p->live == p->room)
        grow(p);
    uint64_t slot = slot_find(p, o->reference);
    if (p->slots[slot])
        return; // used twice: the first one stands
    p->orders[p->live] = *o;
    p->orders[p->live].arrival = p->arrivals++;
    p->slots[slot] = (uint32_t)++p->live;
}

static uint64_t time_of(const uint8_t *m)
{
    return (uint64_t)be16_load(m + 5) << 32 | be32_load(m + 7);
}

static void add_apply(struct picture *p, const uint8_t *m)
{
    struct picture_order o = {
        .reference = be64_load(m + 11),
        .time_ns = time_of(m),
        .shares = be32_load(m + 20),
        .price = be32_load(m + 32),
        .locate = be16_load(m + 1),
        .side = (char)m[19],
        .attributed = m[0] == 'F',
    };
    if (o.attributed)
        memcpy(o.mpid, m + 36, sizeof o.mpid);
    order_add(p, &o);
}

// E, C, X: some shares go. D and U: all of them; U brings a new order of the same side, symbol and
// MPID.
static void order_apply(struct picture *p, const uint8_t *m)
{
    uint64_t slot = slot_find(p, be64_load(m + 11));
    if (!p->slots[slot]) {
        p->unknown++;
        return;
    }
    struct picture_order *o = &p->orders[p->slots[slot] - 1];
    if (m[0] == 'D') {
        order_remove(p, slot);
        return;
    }
    if (m[0] == 'U') {
        struct picture_order born = *o;
        born.reference = be64_load(m + 19);
        born.shares = be32_load(m + 27);
        born.price = be32_load(m + 31);
        born.time_ns = time_of(m);
        order_remove(p, slot);
        order_add(p, &born);
        return;
    }
    uint32_t shares = be32_load(m + 19);
    if (shares < o->shares)
        o->shares -= shares;
    else
        order_remove(p, slot);
}

// Lengths (ITCH 5.0) of the types that a snapshot shows or that change an order; everything else
// passes by.
static const uint8_t lengths[256] = {
    ['S'] = 12, ['R'] = 39, ['H'] = 25, ['Y'] = 20, ['h'] = 21, ['A'] = 36,
    ['F'] = 40, ['E'] = 31, ['C'] = 36, ['X'] = 23, ['D'] = 19, ['U'] = 35};

void picture_prefetch(const struct picture *p, const uint8_t *m, uint32_t length)
{
    if (length >= 19 && lengths[m[0]] == length)
        PREFETCHW(&p->slots[slot_of(p, be64_load(m + 11))]);
}

void picture_apply(struct picture *p, const uint8_t *m, uint32_t length)
{
    if (length < 11 || length != lengths[m[0]])
        return;
    uint16_t locate = be16_load(m + 1);
    struct picture_symbol *s = &p->symbols[locate];
    uint8_t *keep;
    switch (m[0]) {
    case 'A':
    case 'F': add_apply(p, m); return;
    case 'R': keep = s->directory; break;
    case 'H': keep = s->trading; break;
    case 'Y': keep = s->reg_sho; break;
    case 'h': keep = s->operational; break;
    case 'S': keep = p->system_event; break;
    default: order_apply(p, m); return;
    }
    memcpy(keep, m, length);
    if (locate > p->locate_max)
        p->locate_max = locate;
}

struct picture *picture_copy(const struct picture *p)
{
    struct picture *copy = malloc(sizeof *copy);
    if (!copy)
        return NULL;
    *copy = *p;
    size_t symbols = (p->locate_max + 1u) * sizeof *p->symbols;
    copy->slots = NULL;
    copy->room = p->live;
    copy->orders = malloc(p->live * sizeof *p->orders + 1);
    copy->symbols = malloc(symbols);
    if (!copy->orders || !copy->symbols) {
        picture_drop(copy);
        return NULL;
    }
    memcpy(copy->orders, p->orders, p->live * sizeof *p->orders);
    memcpy(copy->symbols, p->symbols, symbols);
    return copy;
}

static int order_compare(const void *x, const void *y)
{
    const struct picture_order *a = x, *b = y;
    if (a->locate != b->locate)
        return a->locate < b->locate ? -1 : 1;
    if (a->side != b->side)
        return a->side == 'B' ? -1 : 1;
    if (a->price != b->price)
        return (a->price < b->price) == (a->side == 'B') ? 1 : -1;
    return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
}

void picture_sort(struct picture *copy)
{
    qsort(copy->orders, copy->live, sizeof *copy->orders, order_compare);
}
