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
static bool check_level(struct checker *c, uint32_t index)
{
    const struct book *book = c->book;
    const struct level *level = level_at(book, index);
    uint64_t shares = 0;
    uint32_t orders = 0, prev = index;
    if (book->config.orders == 0) // a book of levels: no queue behind them
        return level->shares > 0 || broken(c, "level %u: no shares", index);
    for (uint32_t at = level->first; at != index; at = order_at(book, at)->next) {
        const struct order *order = order_at(book, at);
        if (order->prev != prev || order->level != index)
            return broken(c, "order %u (ref %lu): broken queue link in level %u", at, order->ref,
                          index);
        if (order->shares == 0)
            return broken(c, "order %u (ref %lu): no shares left", at, order->ref);
        if (order_find(book, order_key(book, order->ref)) != at)
            return broken(c, "order %u (ref %lu): its reference does not lead to it", at,
                          order->ref);
        shares += order->shares;
        prev = at;
        if (++orders > level->orders)
            return broken(c, "level %u: more orders in the queue than its count %u", index,
                          level->orders);
    }
    if (orders == 0 || orders != level->orders || shares != level->shares || prev != level->last)
        return broken(c, "level %u: counts %u orders %lu shares, queue has %u and %lu", index,
                      level->orders, level->shares, orders, shares);
    c->orders += orders;
    return true;
}

static bool check_side(struct checker *c, uint32_t slot, enum book_side side_of)
{
    const struct book *book = c->book;
    const struct symbol_side *side = &book->symbols[slot].side[side_of];
    uint32_t index = LEVEL_NONE;
    if (side->span == SPAN_NONE)
        return (side->count == 0 && side->top == LEVEL_NONE) ||
               broken(c, "symbol %u side %d: levels but no span", slot, side_of);
    if (side->count > span_capacity(side->size_class))
        return broken(c, "symbol %u side %d: %u levels in a span of %u", slot, side_of, side->count,
                      span_capacity(side->size_class));
    const uint32_t *keys = span_keys(&book->spans, side->span);
    for (uint32_t i = 0; i < side->count; i++) {
        if (i > 0 && keys[i - 1] >= keys[i])
            return broken(c, "symbol %u side %d: keys %u and %u out of order at %u", slot, side_of,
                          keys[i - 1], keys[i], i);
        index = level_find(book, level_key(owner_of(slot, side_of), price_key(keys[i], side_of)));
        if (index == LEVEL_NONE)
            return broken(c, "symbol %u side %d: no level for key %u", slot, side_of, keys[i]);
        if (level_at(book, index)->best != (i + 1 == side->count))
            return broken(c, "symbol %u side %d: level %u of %u says best=%u", slot, side_of, i,
                          side->count, level_at(book, index)->best);
        if (!check_level(c, index))
            return false;
    }
    if (side->top != index)
        return broken(c, "symbol %u side %d: top is level %u, last of span is %u", slot, side_of,
                      side->top, index);
    c->levels += side->count;
    c->units += 1u << side->size_class;
    return true;
}

bool book_check_symbol(const struct book *book, uint32_t slot, char *why, size_t why_len)
{
    struct checker c = {.book = book, .why = why, .why_len = why_len};
    return check_side(&c, slot, BOOK_BID) && check_side(&c, slot, BOOK_ASK);
}

// Every record is found by its key, and the records away from home are those that are counted.
static bool check_table(struct checker *c, const struct pair_table *t, const char *what,
                        uint32_t live)
{
    uint64_t records = 0, away = 0, counted = 0;
    for (uint32_t at = 2 * t->first; at < 2 * (t->first + t->lines); at++) {
        const struct pair_record *r = &t->records[at];
        counted += at % 2 ? 0 : r->away;
        if (r->key == 0)
            continue;
        uint32_t home = pair_home(t, r->key);
        if (pair_find(t, home, r->key) != at)
            return broken(c, "%s %u: its key %lx does not lead to it", what, at, r->key);
        records++;
        away += home != at / 2;
    }
    if (records != live || away != counted)
        return broken(c, "%s table holds %lu records (%lu away, %lu counted), book counts %u", what,
                      records, away, counted, live);
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
    return check_table(&c, &book->order_table, "order", book->orders_live) &&
           check_table(&c, &book->level_table, "level", book->levels_live);
}
