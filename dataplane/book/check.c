// The invariants of the book, walked from every side. For tests, self-tests and debugging: time
// grows with the book.
#include <stdarg.h>
#include <stdio.h>

#include "dataplane/book/book.h"
#include "dataplane/book/book_hot.h"

struct checker {
    const struct book *book;
    char *why;
    size_t why_len;
    uint64_t orders;
    uint64_t levels;
    uint64_t units;
};

static bool broken(const struct checker *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool broken(const struct checker *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->why, c->why_len, fmt, ap);
    va_end(ap);
    return false;
}

// One level: its queue forwards and back, its sums, and each order findable by its reference.
static bool check_level(struct checker *c, uint32_t index, uint32_t owner, uint32_t key)
{
    const struct book *book = c->book;
    const struct level *level = &book->levels[index];
    uint64_t shares = 0;
    uint32_t orders = 0, prev = ORDER_NONE;
    if (level->owner != owner || price_key(level->price, owner & 1) != key)
        return broken(c, "level %u: owner %u price %u, its span says owner %u key %u", index,
                      level->owner, level->price, owner, key);
    if (book->config.orders == 0) // a book of levels: no queue behind them
        return level->shares > 0 || broken(c, "level %u: no shares", index);
    for (uint32_t at = level->head; at != ORDER_NONE; at = book->orders[at].next) {
        const struct order *order = &book->orders[at];
        if (order->prev != prev || order->level != index)
            return broken(c, "order %u (ref %lu): broken queue link in level %u", at, order->ref,
                          index);
        if (order->shares == 0)
            return broken(c, "order %u (ref %lu): no shares left", at, order->ref);
        struct index_key k = index_key(&book->index, order->ref);
        if (index_find(&book->index, book->orders, k, order->ref).order != at)
            return broken(c, "order %u (ref %lu): the index does not find it", at, order->ref);
        shares += order->shares;
        prev = at;
        if (++orders > level->orders)
            return broken(c, "level %u: more orders in the queue than its count %u", index,
                          level->orders);
    }
    if (orders == 0 || orders != level->orders || shares != level->shares || prev != level->tail)
        return broken(c, "level %u: counts %u orders %lu shares, queue has %u and %lu", index,
                      level->orders, level->shares, orders, shares);
    c->orders += orders;
    return true;
}

static bool check_side(struct checker *c, uint32_t slot, enum book_side side_of)
{
    const struct book *book = c->book;
    const struct symbol_side *side = &book->symbols[slot].side[side_of];
    if (side->span == SPAN_NONE)
        return side->count == 0 ||
               broken(c, "symbol %u side %d: levels but no span", slot, side_of);
    if (side->count > span_capacity(side->size_class))
        return broken(c, "symbol %u side %d: %u levels in a span of %u", slot, side_of, side->count,
                      span_capacity(side->size_class));
    const uint32_t *keys = span_keys(&book->spans, side->span);
    const uint32_t *ids = span_levels(&book->spans, side->span, side->size_class);
    for (uint32_t i = 0; i < side->count; i++) {
        if (i > 0 && keys[i - 1] >= keys[i])
            return broken(c, "symbol %u side %d: keys %u and %u out of order at %u", slot, side_of,
                          keys[i - 1], keys[i], i);
        if (!check_level(c, ids[i], slot << 1 | side_of, keys[i]))
            return false;
    }
    if (side->count && side->top != ids[side->count - 1])
        return broken(c, "symbol %u side %d: top is level %u, last of span is %u", slot, side_of,
                      side->top, ids[side->count - 1]);
    c->levels += side->count;
    c->units += 1u << side->size_class;
    return true;
}

bool book_check_symbol(const struct book *book, uint32_t slot, char *why, size_t why_len)
{
    struct checker c = {.book = book, .why = why, .why_len = why_len};
    return check_side(&c, slot, BOOK_BID) && check_side(&c, slot, BOOK_ASK);
}

// Every tag of the index leads to a live order whose home it is; displaced counts add up.
static bool check_index(struct checker *c)
{
    const struct book *book = c->book;
    uint64_t entries = 0, away = 0, displaced = 0;
    for (uint64_t b = 0; b <= book->index.mask; b++) {
        const struct index_bucket *bucket = &book->index.buckets[b];
        displaced += bucket->displaced;
        for (uint32_t s = 0; s < INDEX_SLOTS; s++) {
            if (bucket->tag[s] == 0)
                continue;
            struct index_key key = index_key(&book->index, book->orders[bucket->order[s]].ref);
            uint32_t distance = ((uint32_t)b - key.bucket) & book->index.mask;
            if (key.tag != bucket->tag[s] || distance >= INDEX_PROBE_MAX)
                return broken(c, "bucket %lu slot %u: order %u does not belong here", b, s,
                              bucket->order[s]);
            entries++;
            away += distance != 0;
        }
    }
    if (entries != book->orders_live || away != displaced)
        return broken(c, "index holds %lu entries (%lu away, %lu counted), book %u orders", entries,
                      away, displaced, book->orders_live);
    return true;
}

bool book_check(const struct book *book, char *why, size_t why_len)
{
    struct checker c = {.book = book, .why = why, .why_len = why_len};
    for (uint32_t slot = 0; slot < book->symbol_count; slot++)
        if (!check_side(&c, slot, BOOK_BID) || !check_side(&c, slot, BOOK_ASK))
            return false;
    if (c.orders != book->orders_live || c.levels != book->levels_live)
        return broken(&c, "walk finds %lu orders and %lu levels, book counts %u and %u", c.orders,
                      c.levels, book->orders_live, book->levels_live);
    if (c.units != book->spans.units_used)
        return broken(&c, "sides hold %lu span units, arena counts %u", c.units,
                      book->spans.units_used);
    return check_index(&c);
}
