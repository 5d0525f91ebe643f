#include <stdio.h>
#include <string.h>

#include "dataplane/book/book_hot.h"
#include "tests/sim/feed_world.h"

static bool side_equal(const struct book *a, uint32_t sa, const struct book *b, uint32_t sb,
                       enum book_side side)
{
    const struct symbol_side *x = &a->symbols[sa].side[side], *y = &b->symbols[sb].side[side];
    if (x->count != y->count)
        return false;
    for (uint32_t i = 0; i < x->count; i++) {
        uint32_t key = span_keys(&a->spans, x->span)[i];
        if (span_keys(&b->spans, y->span)[i] != key)
            return false;
        uint32_t price = price_key(key, side);
        uint32_t li = level_find(a, level_key(owner_of(sa, side), price));
        uint32_t mi = level_find(b, level_key(owner_of(sb, side), price));
        const struct level *l = level_at(a, li), *m = level_at(b, mi);
        if (l->orders != m->orders || l->shares != m->shares)
            return false;
        uint32_t p = l->first, q = m->first;
        while (p != li && q != mi) {
            const struct order *o = order_at(a, p), *r = order_at(b, q);
            if (o->ref != r->ref || o->shares != r->shares || o->mpid != r->mpid)
                return false;
            p = o->next, q = r->next;
        }
        if (p != li || q != mi)
            return false;
    }
    return true;
}

bool world_books_equal(const struct book *a, const struct book *b, char *why, uint32_t why_len)
{
    if (a->orders_live != b->orders_live || a->symbol_count != b->symbol_count) {
        snprintf(why, why_len, "%u orders and %u symbols, %u and %u", a->orders_live,
                 a->symbol_count, b->orders_live, b->symbol_count);
        return false;
    }
    for (uint32_t locate = 0; locate <= UINT16_MAX; locate++) {
        uint16_t sa = a->slot_of_locate[locate], sb = b->slot_of_locate[locate];
        bool equal = (sa == SYMBOL_NONE) == (sb == SYMBOL_NONE);
        if (equal && sa != SYMBOL_NONE)
            equal = side_equal(a, sa, b, sb, BOOK_BID) && side_equal(a, sa, b, sb, BOOK_ASK) &&
                    a->symbols[sa].volume == b->symbols[sb].volume &&
                    a->symbols[sa].trading_state == b->symbols[sb].trading_state &&
                    strcmp(a->infos[sa].name, b->infos[sb].name) == 0;
        if (!equal) {
            snprintf(why, why_len, "locate %u differs", locate);
            return false;
        }
    }
    return true;
}
