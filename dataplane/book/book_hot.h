// Hot path. The operations of the book, inlined into the decoder of each feed.
//
// Each returns enum book_result bits. References and levels are reached by index; every loop is
// bounded (probe length, logarithm of a span, SPAN_LEVELS_MAX entries moved when a level far from
// the touch appears).
#pragma once

#include <emmintrin.h>
#include <string.h>

#include "dataplane/base/hints.h"
#include "dataplane/book/book.h"

// Prices are sorted by key so that on both sides the best is the largest and stands last.
HOT_INLINE uint32_t price_key(uint32_t price, enum book_side side)
{
    return side == BOOK_BID ? price : ~price;
}

// Bit i is set where keys[i] < key, for the 16 keys from <keys> on.
HOT_INLINE uint32_t keys_below(const uint32_t *keys, uint32_t key)
{
    // SSE compares signed: both sides are shifted by half the range.
    const __m128i half = _mm_set1_epi32(INT32_MIN);
    const __m128i want = _mm_xor_si128(_mm_set1_epi32((int)key), half);
    const __m128i *lines = (const __m128i *)(const void *)keys;
    __m128i below[4];
    for (int i = 0; i < 4; i++)
        below[i] = _mm_cmplt_epi32(_mm_xor_si128(_mm_loadu_si128(lines + i), half), want);
    return (uint32_t)_mm_movemask_epi8(
        _mm_packs_epi16(_mm_packs_epi32(below[0], below[1]), _mm_packs_epi32(below[2], below[3])));
}

// Number of keys of a side below <key>: its place, counted from the worst. The 16 best are compared
// at once and without a branch, because most of what happens, happens near the touch; the rest is
// halved. A span has at least 16 words from any of its keys that is 16 or more before its end, and
// from its start (the levels follow the keys).
HOT_INLINE uint32_t side_lower_bound(const uint32_t *keys, uint32_t count, uint32_t key)
{
    uint32_t from = count > SPAN_WINDOW ? count - SPAN_WINDOW : 0;
    uint32_t below = keys_below(keys + from, key) & ((1u << (count - from)) - 1);
    if (LIKELY(below || from == 0))
        return from + (uint32_t)__builtin_popcount(below);
    const uint32_t *base = keys;
    for (uint32_t n = from; n > 1;) {
        uint32_t step = n / 2;
        base = base[step - 1] < key ? base + step : base;
        n -= step;
    }
    return (uint32_t)(base - keys) + (*base < key);
}

// Level of <price>, LEVEL_NONE when the side has none; <at> gets its place (or where it belongs).
HOT_CALL uint32_t side_find(const struct book *book, const struct symbol_side *side, uint32_t key,
                            uint32_t *at)
{
    if (side->count == 0) {
        *at = 0;
        return LEVEL_NONE;
    }
    const uint32_t *keys = span_keys(&book->spans, side->span);
    uint32_t place = side_lower_bound(keys, side->count, key);
    *at = place;
    // The word behind the last key is inside the span; what it holds is checked by <place>.
    bool there = (place < side->count) & (keys[place] == key);
    uint32_t level = keys[span_capacity(side->size_class) + (there ? place : 0)];
    return there ? level : LEVEL_NONE;
}

// Moves a side to a span of another class. False when the arena has no such block.
bool side_resize(struct book *book, struct symbol_side *side, unsigned size_class) COLD;

HOT_INLINE void span_insert(uint32_t *array, uint32_t count, uint32_t at, uint32_t value)
{
    memmove(array + at + 1, array + at, (count - at) * sizeof *array);
    array[at] = value;
}

HOT_INLINE void span_erase(uint32_t *array, uint32_t count, uint32_t at)
{
    memmove(array + at, array + at + 1, (count - at - 1) * sizeof *array);
}

// A new level at place <at> of its side; LEVEL_NONE when levels or spans are exhausted.
HOT_CALL uint32_t level_open(struct book *book, struct symbol_side *side, uint32_t owner,
                             uint32_t price, uint32_t at)
{
    if (UNLIKELY(side->span == SPAN_NONE || side->count == span_capacity(side->size_class))) {
        unsigned size_class = side->span == SPAN_NONE ? 0 : side->size_class + 1u;
        if (!side_resize(book, side, size_class))
            return LEVEL_NONE;
    }
    uint32_t index = book->level_free;
    if (LIKELY(index != LEVEL_NONE))
        book->level_free = book->levels[index].head;
    else if (book->level_next < book->config.levels)
        index = book->level_next++;
    else
        return LEVEL_NONE;
    uint32_t *keys = span_keys(&book->spans, side->span);
    span_insert(keys, side->count, at, price_key(price, owner & 1));
    span_insert(keys + span_capacity(side->size_class), side->count, at, index);
    side->count++;
    if (at + 1 == side->count)
        side->top = index;
    book->levels[index] =
        (struct level){.price = price, .owner = owner, .head = ORDER_NONE, .tail = ORDER_NONE};
    book->levels_live++;
    return index;
}

HOT_CALL void level_close(struct book *book, struct symbol_side *side, uint32_t index)
{
    struct level *level = &book->levels[index];
    uint32_t *keys = span_keys(&book->spans, side->span);
    uint32_t *ids = keys + span_capacity(side->size_class);
    uint32_t at = side_lower_bound(keys, side->count, price_key(level->price, level->owner & 1));
    span_erase(keys, side->count, at);
    span_erase(ids, side->count, at);
    side->count--;
    if (at == side->count && at > 0)
        side->top = ids[at - 1];
    level->owner = LEVEL_NONE;
    level->head = book->level_free;
    book->level_free = index;
    book->levels_live--;
    if (UNLIKELY(side->size_class > 0 && side->count * 8u <= span_capacity(side->size_class)))
        side_resize(book, side, side->size_class - 1u);
}

HOT_INLINE uint32_t order_take(struct book *book)
{
    uint32_t index = book->order_free;
    if (LIKELY(index != ORDER_NONE)) {
        book->order_free = book->orders[index].next;
        return index;
    }
    return book->order_next < book->config.orders ? book->order_next++ : ORDER_NONE;
}

HOT_INLINE void order_give(struct book *book, uint32_t index)
{
    book->orders[index].next = book->order_free;
    book->order_free = index;
}

// Appends an order to its level: last in time.
HOT_INLINE void level_append(struct book *book, uint32_t level_index, uint32_t index,
                             uint32_t shares)
{
    struct level *level = &book->levels[level_index];
    uint32_t tail = level->tail;
    book->orders[index].prev = tail;
    book->orders[index].next = ORDER_NONE;
    // Stores without a load: the older order's line need not be there.
    uint32_t *link = tail == ORDER_NONE ? &level->head : &book->orders[tail].next;
    *link = index;
    level->tail = index;
    level->orders++;
    level->shares += shares;
}

// A new order: <hint> is the level that look-ahead found for it, or LEVEL_NONE.
HOT_CALL uint32_t book_add_at(struct book *book, uint32_t slot, enum book_side side_of,
                              uint64_t ref, struct index_key key, uint32_t shares, uint32_t price,
                              uint32_t mpid, uint32_t hint)
{
    struct book_symbol *sym = &book->symbols[slot];
    struct symbol_side *side = &sym->side[side_of];
    const uint32_t owner = slot << 1 | side_of;
    if (UNLIKELY(shares == 0))
        return BOOK_EMPTY;
    if (UNLIKELY(index_find(&book->index, book->orders, key, ref).order != ORDER_NONE))
        return BOOK_DUPLICATE;
    uint32_t level = hint;
    if (hint == LEVEL_NONE || book->levels[hint].owner != owner ||
        book->levels[hint].price != price) {
        uint32_t at;
        level = side_find(book, side, price_key(price, side_of), &at);
        if (level == LEVEL_NONE) {
            level = level_open(book, side, owner, price, at);
            if (UNLIKELY(level == LEVEL_NONE))
                return BOOK_FULL;
        }
    }
    uint32_t index = order_take(book);
    bool placed = index != ORDER_NONE && index_insert(&book->index, key, index);
    if (UNLIKELY(!placed)) {
        if (index != ORDER_NONE)
            order_give(book, index);
        if (book->levels[level].orders == 0)
            level_close(book, side, level);
        return BOOK_FULL;
    }
    struct order *order = &book->orders[index];
    order->ref = ref;
    order->shares = shares;
    order->level = level;
    order->mpid = mpid;
    level_append(book, level, index, shares);
    if (++book->orders_live > book->orders_peak)
        book->orders_peak = book->orders_live;
    return side->top == level ? BOOK_BEST : 0;
}

// Takes an order out of its level and the pool; the level closes with its last order.
HOT_CALL uint32_t order_unlink(struct book *book, struct index_key key, struct index_place place)
{
    struct order *order = &book->orders[place.order];
    struct level *level = &book->levels[order->level];
    struct symbol_side *side = &book->symbols[level->owner >> 1].side[level->owner & 1];
    const uint32_t level_index = order->level;
    const uint32_t result = side->top == level_index ? BOOK_BEST : 0;
    level->shares -= order->shares;
    if (--level->orders == 0) {
        level_close(book, side, level_index);
    } else {
        const uint32_t prev = order->prev, next = order->next;
        uint32_t *before = prev == ORDER_NONE ? &level->head : &book->orders[prev].next;
        uint32_t *after = next == ORDER_NONE ? &level->tail : &book->orders[next].prev;
        *before = next;
        *after = prev;
    }
    index_remove(&book->index, key, place);
    order_give(book, place.order);
    book->orders_live--;
    return result;
}

HOT_INLINE uint32_t order_slot(const struct book *book, uint32_t index)
{
    return book->levels[book->orders[index].level].owner >> 1;
}

HOT_INLINE uint32_t book_delete(struct book *book, uint32_t slot, uint64_t ref,
                                struct index_key key)
{
    struct index_place place = index_find(&book->index, book->orders, key, ref);
    if (UNLIKELY(place.order == ORDER_NONE))
        return BOOK_UNKNOWN;
    if (UNLIKELY(order_slot(book, place.order) != slot))
        return BOOK_FOREIGN;
    return order_unlink(book, key, place);
}

// Takes <shares> off an order (execution or partial cancel); it keeps its priority and dies at
// zero. <price> gets the order's display price.
HOT_INLINE uint32_t book_reduce(struct book *book, uint32_t slot, uint64_t ref,
                                struct index_key key, uint32_t shares, uint32_t *price)
{
    struct index_place place = index_find(&book->index, book->orders, key, ref);
    if (UNLIKELY(place.order == ORDER_NONE))
        return BOOK_UNKNOWN;
    if (UNLIKELY(order_slot(book, place.order) != slot))
        return BOOK_FOREIGN;
    struct order *order = &book->orders[place.order];
    struct level *level = &book->levels[order->level];
    *price = level->price;
    if (shares >= order->shares) {
        uint32_t clamped = shares > order->shares ? BOOK_CLAMPED : 0;
        return clamped | order_unlink(book, key, place);
    }
    order->shares -= shares;
    level->shares -= shares;
    return book->symbols[slot].side[level->owner & 1].top == order->level ? BOOK_BEST : 0;
}

// The old order dies, the new one inherits side, symbol and attribution and goes to the end of its
// queue, even at the same price (OUCH 5.0: a replace gets a new time).
HOT_INLINE uint32_t book_replace(struct book *book, uint32_t slot, uint64_t old_ref,
                                 struct index_key old_key, uint64_t ref, struct index_key key,
                                 uint32_t shares, uint32_t price, uint32_t hint)
{
    struct index_place place = index_find(&book->index, book->orders, old_key, old_ref);
    if (UNLIKELY(place.order == ORDER_NONE))
        return BOOK_UNKNOWN;
    if (UNLIKELY(order_slot(book, place.order) != slot))
        return BOOK_FOREIGN;
    if (UNLIKELY(ref != old_ref &&
                 index_find(&book->index, book->orders, key, ref).order != ORDER_NONE))
        return BOOK_DUPLICATE;
    const uint32_t mpid = book->orders[place.order].mpid;
    const enum book_side side = book->levels[book->orders[place.order].level].owner & 1;
    uint32_t result = order_unlink(book, old_key, place);
    return result | book_add_at(book, slot, side, ref, key, shares, price, mpid, hint);
}

// Books of feeds that publish levels, not orders: <shares> replaces the level's aggregate, 0
// removes it. The level counts no orders. BOOK_UNKNOWN: removal of a level that is not there.
HOT_INLINE uint32_t book_level_set(struct book *book, uint32_t slot, enum book_side side_of,
                                   uint32_t price, uint64_t shares)
{
    struct symbol_side *side = &book->symbols[slot].side[side_of];
    uint32_t at;
    uint32_t index = side_find(book, side, price_key(price, side_of), &at);
    if (shares == 0) {
        if (index == LEVEL_NONE)
            return BOOK_UNKNOWN;
        bool best = side->top == index;
        level_close(book, side, index);
        return best ? BOOK_BEST : 0;
    }
    if (index == LEVEL_NONE)
        index = level_open(book, side, slot << 1 | side_of, price, at);
    if (UNLIKELY(index == LEVEL_NONE))
        return BOOK_FULL;
    book->levels[index].shares = shares;
    return side->top == index ? BOOK_BEST : 0;
}

// --- look-ahead: what a packet's messages will touch, asked for before they are applied ---

HOT_INLINE void book_prefetch_ref(const struct book *book, struct index_key key)
{
    PREFETCH(&book->index.buckets[key.bucket]);
}

// Second stage: the bucket has arrived, ask for the order.
HOT_INLINE uint32_t book_prefetch_order(const struct book *book, struct index_key key)
{
    uint32_t order = index_guess(&book->index, key);
    if (order != ORDER_NONE)
        PREFETCHW(&book->orders[order]);
    return order;
}

// Third stage: the order has arrived, ask for its level and its queue neighbours. A guess may be
// wrong (tag collision, order of an earlier message of this packet): prefetching the wrong line
// costs, but changes nothing.
HOT_INLINE void book_prefetch_level(const struct book *book, uint32_t order)
{
    const struct order *o = &book->orders[order];
    if (o->level < book->config.levels)
        PREFETCHW(&book->levels[o->level]);
    if (o->prev < book->config.orders)
        PREFETCHW(&book->orders[o->prev]);
    if (o->next < book->config.orders)
        PREFETCHW(&book->orders[o->next]);
}

// The lines of a side around its best prices: the window of a search, keys and levels.
HOT_INLINE void book_prefetch_side(const struct book *book, const struct symbol_side *side)
{
    if (side->count == 0)
        return;
    const uint32_t *keys = span_keys(&book->spans, side->span);
    const uint32_t *levels = keys + span_capacity(side->size_class);
    uint32_t last = side->count - 1u, from = last > SPAN_WINDOW ? last - SPAN_WINDOW : 0;
    PREFETCHW(keys + from);
    PREFETCHW(keys + last);
    PREFETCHW(levels + from);
    PREFETCHW(levels + last);
}

// Fourth stage: the level has arrived. If it closes with this order, its side will be searched and
// moved.
HOT_INLINE void book_prefetch_close(const struct book *book, uint32_t order)
{
    uint32_t index = book->orders[order].level;
    if (index >= book->config.levels)
        return;
    const struct level *level = &book->levels[index];
    if (level->orders == 1 && level->owner >> 1 < book->config.symbols)
        book_prefetch_side(book, &book->symbols[level->owner >> 1].side[level->owner & 1]);
}

// The level an add will join, if it is there already.
HOT_INLINE uint32_t book_hint(const struct book *book, uint32_t slot, enum book_side side_of,
                              uint32_t price)
{
    uint32_t at;
    uint32_t level =
        side_find(book, &book->symbols[slot].side[side_of], price_key(price, side_of), &at);
    if (level != LEVEL_NONE)
        PREFETCHW(&book->levels[level]);
    return level;
}
