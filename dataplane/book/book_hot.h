// Hot path. The operations of the book, inlined into the decoder of each feed.
//
// Each returns enum book_result bits. References and levels are reached by index; every loop is
// bounded (probe length, logarithm of a span, SPAN_LEVELS_MAX keys moved when a level far from the
// touch appears).
#pragma once

#include "dataplane/base/hints.h"
#include "dataplane/book/book.h"
#include "dataplane/book/keys.h"

// --- names of orders and levels ---

// An order's reference and the line of the order table where it belongs.
struct order_key {
    uint64_t ref;
    uint32_t line;
};

HOT_INLINE struct order_key order_key(const struct book *book, uint64_t ref)
{
    return (struct order_key){.ref = ref, .line = pair_home(&book->order_table, ref)};
}

// ORDER_NONE when no live order has this reference. Reference 0 belongs to no order (ITCH 5.0, 1.6:
// P carries it), and marks an empty record.
HOT_INLINE uint32_t order_find(const struct book *book, struct order_key key)
{
    return LIKELY(key.ref) ? pair_find(&book->order_table, key.line, key.ref) : ORDER_NONE;
}

HOT_INLINE uint32_t owner_of(uint32_t slot, enum book_side side)
{
    return (slot + 1) << 1 | side;
}

HOT_INLINE uint64_t level_key(uint32_t owner, uint32_t price)
{
    return (uint64_t)owner << 32 | price;
}

HOT_INLINE uint32_t level_slot(const struct level *level)
{
    return (level->owner >> 1) - 1;
}

HOT_INLINE struct symbol_side *level_key_side(const struct book *book, uint64_t key)
{
    return &book->symbols[(key >> 33) - 1].side[key >> 32 & 1];
}

HOT_INLINE enum book_side level_side(const struct level *level)
{
    return level->owner & 1;
}

HOT_INLINE uint32_t level_find(const struct book *book, uint64_t key)
{
    return pair_find(&book->level_table, pair_home(&book->level_table, key), key);
}

HOT_INLINE bool level_is(const struct book *book, uint32_t index, uint64_t key)
{
    return book->records[index].key == key;
}

// --- levels ---

// Moves a side to a span of another class. False when the arena has no such block.
bool side_resize(struct book *book, struct symbol_side *side, unsigned size_class) COLD;

HOT_INLINE void side_set_top(struct book *book, struct symbol_side *side, uint32_t index)
{
    if (side->top != LEVEL_NONE)
        level_at(book, side->top)->best = 0;
    side->top = index;
    if (index != LEVEL_NONE)
        level_at(book, index)->best = 1;
}

// A new level; LEVEL_NONE when levels or spans are exhausted.
HOT_CALL uint32_t level_open(struct book *book, uint64_t key)
{
    struct symbol_side *side = level_key_side(book, key);
    const uint32_t price = (uint32_t)key, owner = (uint32_t)(key >> 32);
    if (UNLIKELY(side->span == SPAN_NONE || side->count == span_capacity(side->size_class))) {
        unsigned size_class = side->span == SPAN_NONE ? 0 : side->size_class + 1u;
        if (!side_resize(book, side, size_class))
            return LEVEL_NONE;
    }
    if (UNLIKELY(book->levels_live == book->config.levels))
        return LEVEL_NONE;
    uint32_t index = pair_take(&book->level_table, pair_home(&book->level_table, key), key);
    if (UNLIKELY(index == PAIR_NONE))
        return LEVEL_NONE;
    uint32_t *keys = span_keys(&book->spans, side->span);
    uint32_t sorted = price_key(price, owner & 1);
    uint32_t at = keys_lower_bound(keys, side->count, sorted);
    keys_insert(keys, side->count, at, sorted);
    struct level *level = level_at(book, index);
    level->best = 0;
    level->orders = 0;
    level->shares = 0;
    level->first = level->last = index;
    if (at == side->count)
        side_set_top(book, side, index);
    side->count++;
    book->levels_live++;
    return index;
}

HOT_CALL void level_close(struct book *book, uint32_t index)
{
    const struct level *level = level_at(book, index);
    const enum book_side side_of = level_side(level);
    const uint32_t owner = level->owner;
    const uint64_t key = level_key(owner, level->price);
    struct symbol_side *side = level_key_side(book, key);
    uint32_t *keys = span_keys(&book->spans, side->span);
    uint32_t at = keys_lower_bound(keys, side->count, price_key(level->price, side_of));
    uint32_t left = --side->count;
    keys_erase(keys, left + 1, at);
    pair_give(&book->level_table, pair_home(&book->level_table, key), index);
    book->levels_live--;
    if (at == left) {
        uint64_t next = left ? level_key(owner, price_key(keys[left - 1], side_of)) : 0;
        side->top = LEVEL_NONE;
        side_set_top(book, side, left ? level_find(book, next) : LEVEL_NONE);
    }
    if (UNLIKELY(side->size_class > 0 && left * 8u <= span_capacity(side->size_class)))
        side_resize(book, side, side->size_class - 1u);
}

// --- operations ---

HOT_INLINE uint32_t best_bit(const struct level *level)
{
    return (uint32_t)level->best << level_side(level);
}

struct book_add {
    struct order_key key;
    uint64_t level; // level_key
    uint32_t shares;
    uint32_t mpid; // attribution, 0 without one
    uint32_t hint; // level it will join, as look-ahead found it; book_level_any when nobody looked
};

// A hint that says nothing: some record of the level table.
HOT_INLINE uint32_t book_level_any(const struct book *book)
{
    return 2 * book->level_table.first;
}

// The level that an order joins, opened if need be.
HOT_INLINE uint32_t level_join(struct book *book, uint64_t key, uint32_t hint)
{
    if (LIKELY(level_is(book, hint, key)))
        return hint;
    uint32_t level = level_find(book, key);
    return level != LEVEL_NONE ? level : level_open(book, key);
}

HOT_INLINE uint32_t book_add(struct book *book, struct book_add add)
{
    if (UNLIKELY(add.shares == 0 || add.key.ref == 0))
        return BOOK_EMPTY;
    if (UNLIKELY(pair_find(&book->order_table, add.key.line, add.key.ref) != PAIR_NONE))
        return BOOK_DUPLICATE;
    uint32_t level_index = level_join(book, add.level, add.hint);
    if (UNLIKELY(level_index == LEVEL_NONE))
        return BOOK_FULL;
    struct level *level = level_at(book, level_index);
    uint32_t index = LIKELY(book->orders_live < book->config.orders)
                         ? pair_take(&book->order_table, add.key.line, add.key.ref)
                         : PAIR_NONE;
    if (UNLIKELY(index == PAIR_NONE)) {
        if (level->orders == 0)
            level_close(book, level_index);
        return BOOK_FULL;
    }
    struct order *order = order_at(book, index);
    order->shares = add.shares;
    order->level = level_index;
    order->mpid = add.mpid;
    // Last in time: between the youngest order and the level.
    uint32_t last = level->last;
    order->next = level_index;
    order->prev = last;
    book->records[last].next = index;
    level->last = index;
    level->orders++;
    level->shares += add.shares;
    book->orders_live++;
    return best_bit(level);
}

// Takes an order out of its level and the table; the level closes with its last order.
HOT_INLINE uint32_t order_unlink(struct book *book, uint32_t line, uint32_t index)
{
    const struct order *order = order_at(book, index);
    const uint32_t level_index = order->level;
    struct level *level = level_at(book, level_index);
    const uint32_t result = best_bit(level);
    level->shares -= order->shares;
    book->records[order->prev].next = order->next;
    book->records[order->next].prev = order->prev;
    pair_give(&book->order_table, line, index);
    book->orders_live--;
    if (--level->orders == 0)
        level_close(book, level_index);
    return result;
}

// The order that a message of symbol <slot> refers to. <hint>: where look-ahead found it; any order
// record when nobody looked. On failure ORDER_NONE, and *result says why.
HOT_INLINE uint32_t order_of(const struct book *book, uint32_t slot, struct order_key key,
                             uint32_t hint, uint32_t *result)
{
    uint32_t index = hint;
    if (UNLIKELY(book->records[hint].key != key.ref || key.ref == 0)) {
        index = order_find(book, key);
        *result = BOOK_UNKNOWN;
        if (index == ORDER_NONE)
            return ORDER_NONE;
    }
    *result = BOOK_FOREIGN;
    return LIKELY(level_slot(level_at(book, order_at(book, index)->level)) == slot) ? index
                                                                                    : ORDER_NONE;
}

HOT_INLINE uint32_t book_delete(struct book *book, uint32_t slot, struct order_key key,
                                uint32_t hint)
{
    uint32_t result;
    uint32_t index = order_of(book, slot, key, hint, &result);
    if (UNLIKELY(index == ORDER_NONE))
        return result;
    return order_unlink(book, key.line, index);
}

// Takes <shares> off an order (execution or partial cancel); it keeps its priority and dies at
// zero. <price> gets the order's display price.
HOT_CALL uint32_t book_reduce(struct book *book, uint32_t slot, struct order_key key, uint32_t hint,
                              uint32_t shares, uint32_t *price)
{
    uint32_t result;
    uint32_t index = order_of(book, slot, key, hint, &result);
    if (UNLIKELY(index == ORDER_NONE))
        return result;
    struct order *order = order_at(book, index);
    struct level *level = level_at(book, order->level);
    *price = level->price;
    if (shares >= order->shares) {
        uint32_t clamped = shares > order->shares ? BOOK_CLAMPED : 0;
        return clamped | order_unlink(book, key.line, index);
    }
    order->shares -= shares;
    level->shares -= shares;
    return best_bit(level);
}

// The old order dies, the new one inherits side, symbol and attribution and goes to the end of its
// queue, even at the same price (OUCH 5.0: a replace gets a new time).
HOT_CALL uint32_t book_replace(struct book *book, uint32_t slot, struct order_key old,
                               uint32_t hint, struct order_key new, uint32_t shares, uint32_t price)
{
    uint32_t result;
    uint32_t index = order_of(book, slot, old, hint, &result);
    if (UNLIKELY(index == ORDER_NONE))
        return result;
    if (UNLIKELY(new.ref != old.ref &&order_find(book, new) != ORDER_NONE))
        return BOOK_DUPLICATE;
    const struct order *order = order_at(book, index);
    const struct book_add add = {
        .key = new,
        .level = level_key(level_at(book, order->level)->owner, price),
        .shares = shares,
        .mpid = order->mpid,
        .hint = book_level_any(book),
    };
    result = order_unlink(book, old.line, index);
    return result | book_add(book, add);
}

// Books of feeds that publish levels, not orders: <shares> replaces the level's aggregate, 0
// removes it. The level counts no orders. BOOK_UNKNOWN: removal of a level that is not there.
HOT_INLINE uint32_t book_level_set(struct book *book, uint32_t slot, enum book_side side,
                                   uint32_t price, uint64_t shares)
{
    const uint64_t key = level_key(owner_of(slot, side), price);
    uint32_t index = level_find(book, key);
    if (shares == 0) {
        if (index == LEVEL_NONE)
            return BOOK_UNKNOWN;
        uint32_t best = best_bit(level_at(book, index));
        level_close(book, index);
        return best;
    }
    if (index == LEVEL_NONE)
        index = level_open(book, key);
    if (UNLIKELY(index == LEVEL_NONE))
        return BOOK_FULL;
    level_at(book, index)->shares = shares;
    return best_bit(level_at(book, index));
}

// --- look-ahead: what a packet's messages will touch, asked for before they are applied ---
//
// Each stage reads what the one before has asked for. A hint may be wrong by the time its message
// is applied (an earlier message of the packet did it); the operation compares and looks again.

// The line where an order will stand has arrived: if it is full, the next is looked at too.
HOT_INLINE void book_look_home(const struct book *book, uint32_t line)
{
    const struct pair_record *pair = &book->records[2 * (uint64_t)line];
    if (UNLIKELY(((pair[0].key != 0) & (pair[1].key != 0)) | (pair->away != 0)))
        pair_prefetch(&book->order_table, pair_line_after(&book->order_table, line, 1));
}

// The order that a reference names, if it stands in its home line. Asks for its level and its
// neighbours in the queue.
HOT_INLINE uint32_t book_look_order(const struct book *book, struct order_key key)
{
    uint32_t index = pair_candidate(&book->order_table, key.line, key.ref);
    if (UNLIKELY(book->records[index].key != key.ref)) {
        index = order_find(book, key);
        if (index == ORDER_NONE)
            return 0;
    }
    const struct order *order = order_at(book, index);
    PREFETCHW(&book->records[order->level]);
    PREFETCHW(&book->records[order->prev]);
    PREFETCHW(&book->records[order->next]);
    return index;
}

// The prices of a side that a level joins or leaves: all lines of most sides, and where the search
// in a longer one begins.
HOT_INLINE void book_look_side(const struct book *book, const struct symbol_side *side)
{
    const uint32_t *keys = span_keys(&book->spans, side->span == SPAN_NONE ? 0 : side->span);
    const uint32_t count = side->count;
    PREFETCHW(keys + count / 4);
    PREFETCHW(keys + count / 2);
    PREFETCHW(keys + count - count / 4);
    PREFETCHW(keys + count);
}

// The level that an add joins, if it stands in its home line; asks for the order it will stand
// behind.
HOT_INLINE uint32_t book_look_level(const struct book *book, uint32_t line, uint64_t key)
{
    uint32_t index = pair_candidate(&book->level_table, line, key);
    PREFETCHW(&book->records[level_at(book, index)->last]);
    return index;
}
