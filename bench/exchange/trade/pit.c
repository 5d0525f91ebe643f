#include "bench/exchange/trade/pit.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/check.h"

enum { ROOM_FIRST = 1024, NAME_SLOTS = 2 * PIT_LOCATES };

bool pit_init(struct pit *p)
{
    memset(p, 0, sizeof *p);
    p->order_room = p->level_room = ROOM_FIRST;
    p->slot_count = 4 * ROOM_FIRST;
    p->orders = malloc(p->order_room * sizeof *p->orders);
    p->levels = malloc(p->level_room * sizeof *p->levels);
    p->slots = calloc(p->slot_count, sizeof *p->slots);
    p->symbols = calloc(PIT_LOCATES, sizeof *p->symbols);
    p->names = calloc(NAME_SLOTS, sizeof *p->names);
    p->order_count = p->level_count = 1; // number 0 is no order
    return p->orders && p->levels && p->slots && p->symbols && p->names;
}

void pit_free(struct pit *p)
{
    for (uint32_t i = 0; p->symbols && i < PIT_LOCATES; i++) {
        free(p->symbols[i].sides[0].levels);
        free(p->symbols[i].sides[1].levels);
    }
    free(p->orders);
    free(p->levels);
    free(p->slots);
    free(p->symbols);
    free(p->names);
    memset(p, 0, sizeof *p);
}

static uint32_t slot_of(const struct pit *p, uint64_t reference)
{
    return (uint32_t)(reference * 0x9e3779b97f4a7c15ull >> 32) & (p->slot_count - 1);
}

static uint32_t slot_find(const struct pit *p, uint64_t reference)
{
    uint32_t i = slot_of(p, reference);
    while (p->slots[i] && p->orders[p->slots[i]].reference != reference)
        i = (i + 1) & (p->slot_count - 1);
    return i;
}

uint32_t pit_find(const struct pit *p, uint64_t reference)
{
    return p->slots[slot_find(p, reference)];
}

static void slots_grow(struct pit *p)
{
    uint32_t *old = p->slots, count = p->slot_count;
    p->slot_count *= 2;
    p->slots = calloc(p->slot_count, sizeof *p->slots);
    MUST(p->slots);
    for (uint32_t i = 0; i < count; i++)
        if (old[i])
            p->slots[slot_find(p, p->orders[old[i]].reference)] = old[i];
    free(old);
}

// Closes the hole in the probe sequence (Knuth, 6.4, algorithm R).
static void slot_clear(struct pit *p, uint32_t hole)
{
    uint32_t mask = p->slot_count - 1;
    for (uint32_t i = (hole + 1) & mask; p->slots[i]; i = (i + 1) & mask) {
        uint32_t home = slot_of(p, p->orders[p->slots[i]].reference);
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        p->slots[hole] = p->slots[i];
        hole = i;
    }
    p->slots[hole] = 0;
}

static uint32_t order_take(struct pit *p)
{
    uint32_t number = p->order_free;
    if (number) {
        p->order_free = p->orders[number].next;
        return number;
    }
    if (p->order_count == p->order_room) {
        p->order_room *= 2;
        p->orders = realloc(p->orders, p->order_room * sizeof *p->orders);
        MUST(p->orders);
    }
    return p->order_count++;
}

static uint32_t level_take(struct pit *p, uint32_t price)
{
    uint32_t number = p->level_free;
    if (number) {
        p->level_free = p->levels[number].head[0];
    } else {
        if (p->level_count == p->level_room) {
            p->level_room *= 2;
            p->levels = realloc(p->levels, p->level_room * sizeof *p->levels);
            MUST(p->levels);
        }
        number = p->level_count++;
    }
    p->levels[number] = (struct pit_level){.price = price};
    return number;
}

// Place in the sorted array where a price is or would be. The best price stands last.
static uint32_t level_place(const struct pit *p, const struct pit_side *s, bool bid, uint32_t price)
{
    uint32_t low = 0, high = s->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2, there = p->levels[s->levels[middle]].price;
        if (bid ? there < price : there > price)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t level_get(struct pit *p, struct pit_side *s, bool bid, uint32_t price)
{
    uint32_t place = level_place(p, s, bid, price);
    if (place < s->count && p->levels[s->levels[place]].price == price)
        return s->levels[place];
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 16;
        s->levels = realloc(s->levels, s->room * sizeof *s->levels);
        MUST(s->levels);
    }
    memmove(s->levels + place + 1, s->levels + place, (s->count - place) * sizeof *s->levels);
    s->count++;
    return s->levels[place] = level_take(p, price);
}

static void level_drop(struct pit *p, struct pit_side *s, bool bid, uint32_t number)
{
    uint32_t place = level_place(p, s, bid, p->levels[number].price);
    memmove(s->levels + place, s->levels + place + 1, (s->count - place - 1) * sizeof *s->levels);
    s->count--;
    p->levels[number].head[0] = p->level_free;
    p->level_free = number;
}

static void link_last(struct pit *p, uint32_t number)
{
    struct pit_order *o = &p->orders[number];
    struct pit_side *side = &p->symbols[o->locate].sides[o->bid];
    uint32_t level = level_get(p, side, o->bid, o->price);
    struct pit_level *l = &p->levels[level];
    o->level = level;
    o->prev = l->tail[o->hidden];
    o->next = PIT_NONE;
    if (o->prev)
        p->orders[o->prev].next = number;
    else
        l->head[o->hidden] = number;
    l->tail[o->hidden] = number;
    l->displayed += o->hidden ? 0 : o->shares;
}

uint32_t pit_add(struct pit *p, const struct pit_order *order)
{
    if (2 * (p->live + 1) > p->slot_count)
        slots_grow(p);
    uint32_t number = order_take(p);
    p->orders[number] = *order;
    p->orders[number].level = PIT_NONE;
    p->slots[slot_find(p, order->reference)] = number;
    p->live++;
    if (order->shares)
        link_last(p, number);
    return number;
}

void pit_unlink(struct pit *p, uint32_t number)
{
    struct pit_order *o = &p->orders[number];
    if (!o->level)
        return;
    struct pit_level *l = &p->levels[o->level];
    *(o->prev ? &p->orders[o->prev].next : &l->head[o->hidden]) = o->next;
    *(o->next ? &p->orders[o->next].prev : &l->tail[o->hidden]) = o->prev;
    l->displayed -= o->hidden ? 0 : o->shares;
    if (!l->head[0] && !l->head[1])
        level_drop(p, &p->symbols[o->locate].sides[o->bid], o->bid, o->level);
    o->level = PIT_NONE;
}

void pit_remove(struct pit *p, uint32_t number)
{
    pit_unlink(p, number);
    slot_clear(p, slot_find(p, p->orders[number].reference));
    p->live--;
    p->orders[number].next = p->order_free;
    p->order_free = number;
}

void pit_reduce(struct pit *p, uint32_t number, uint32_t shares)
{
    struct pit_order *o = &p->orders[number];
    MUST(shares <= o->shares);
    if (shares == o->shares) {
        pit_unlink(p, number);
        o->shares = 0;
        return;
    }
    o->shares -= shares;
    if (o->level && !o->hidden)
        p->levels[o->level].displayed -= shares;
}

static uint32_t level_front(const struct pit *p, uint32_t level)
{
    const struct pit_level *l = &p->levels[level];
    return l->head[0] ? l->head[0] : l->head[1];
}

uint32_t pit_front(const struct pit *p, uint16_t locate, bool bid)
{
    const struct pit_side *s = &p->symbols[locate].sides[bid];
    return s->count ? level_front(p, s->levels[s->count - 1]) : PIT_NONE;
}

uint32_t pit_behind(const struct pit *p, uint32_t number)
{
    const struct pit_order *o = &p->orders[number];
    const struct pit_level *l = &p->levels[o->level];
    if (o->next)
        return o->next;
    if (!o->hidden && l->head[1])
        return l->head[1];
    const struct pit_side *s = &p->symbols[o->locate].sides[o->bid];
    uint32_t place = level_place(p, s, o->bid, o->price);
    return place ? level_front(p, s->levels[place - 1]) : PIT_NONE;
}

uint32_t pit_best(const struct pit *p, uint16_t locate, bool bid, uint64_t *shares)
{
    const struct pit_side *s = &p->symbols[locate].sides[bid];
    for (uint32_t i = s->count; i-- > 0;) {
        const struct pit_level *l = &p->levels[s->levels[i]];
        if (!l->displayed)
            continue;
        if (shares)
            *shares = l->displayed;
        return l->price;
    }
    if (shares)
        *shares = 0;
    return 0;
}

static uint32_t name_find(const struct pit *p, const void *name)
{
    uint64_t word;
    memcpy(&word, name, sizeof word);
    uint32_t i = (uint32_t)(word * 0x9e3779b97f4a7c15ull >> 32) & (NAME_SLOTS - 1);
    while (p->names[i] && memcmp(p->symbols[p->names[i]].name, name, 8) != 0)
        i = (i + 1) & (NAME_SLOTS - 1);
    return i;
}

bool pit_name(struct pit *p, uint16_t locate, const void *name)
{
    struct pit_symbol *s = &p->symbols[locate];
    if (s->known)
        return memcmp(s->name, name, 8) == 0;
    uint32_t slot = name_find(p, name);
    if (!locate || p->names[slot])
        return false; // one locate a name, one name a locate
    memcpy(s->name, name, 8);
    s->known = true;
    s->round_lot = 100;
    p->names[slot] = locate;
    return true;
}

uint16_t pit_locate(const struct pit *p, const char name[8])
{
    return p->names[name_find(p, name)];
}
