#include "bench/book/plain.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/wire/itch50.h"
#include "dataplane/wire/mold64.h"

enum { SIDES = 2 * (UINT16_MAX + 1) };

struct plain_order {
    uint64_t ref; // 0: an empty place
    uint32_t price;
    uint32_t shares;
    uint32_t side; // index of its side
};

bool plain_open(struct plain_book *book, uint32_t orders)
{
    uint32_t places = 1;
    while (places < 2 * (uint64_t)orders)
        places *= 2;
    *book = (struct plain_book){
        .orders = calloc(places, sizeof *book->orders),
        .mask = places - 1,
        .sides = calloc(SIDES, sizeof *book->sides),
        .tops = calloc(SIDES, sizeof *book->tops),
    };
    return book->orders != NULL && book->sides != NULL && book->tops != NULL;
}

void plain_close(struct plain_book *book)
{
    for (uint32_t i = 0; i < SIDES; i++)
        free(book->sides[i].levels);
    free(book->orders);
    free(book->sides);
    free(book->tops);
}

static uint32_t home(const struct plain_book *book, uint64_t ref)
{
    return (uint32_t)(ref * UINT64_C(0x9E3779B97F4A7C15) >> 32) & book->mask;
}

// The place of <ref>, or the empty one where it belongs.
static struct plain_order *order_place(const struct plain_book *book, uint64_t ref)
{
    uint32_t at = home(book, ref);
    while (book->orders[at].ref != 0 && book->orders[at].ref != ref)
        at = (at + 1) & book->mask;
    return &book->orders[at];
}

// Those behind it move up, so that no search ends too early.
static void order_remove(struct plain_book *book, const struct plain_order *order)
{
    uint32_t hole = (uint32_t)(order - book->orders);
    for (uint32_t at = (hole + 1) & book->mask; book->orders[at].ref != 0;
         at = (at + 1) & book->mask) {
        const uint32_t from = home(book, book->orders[at].ref);
        if (((at - from) & book->mask) >= ((at - hole) & book->mask)) {
            book->orders[hole] = book->orders[at];
            hole = at;
        }
    }
    book->orders[hole].ref = 0;
}

// Bids are sorted by price, asks against it: the best is the last.
static uint32_t level_place(const struct plain_side *side, uint32_t price, bool ask)
{
    uint32_t low = 0, high = side->count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        const uint32_t there = side->levels[middle].price;
        if (ask ? there > price : there < price)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void level_insert(struct plain_side *side, uint32_t at, uint32_t price)
{
    if (side->count == side->room) {
        side->room = side->room ? 2 * side->room : 16;
        side->levels = realloc(side->levels, side->room * sizeof *side->levels);
        if (side->levels == NULL)
            abort();
    }
    memmove(side->levels + at + 1, side->levels + at, (side->count++ - at) * sizeof *side->levels);
    side->levels[at] = (struct plain_level){.price = price};
}

// A level gets or loses <shares> and <orders>; it opens with its first order and closes with its
// last.
static void level_change(struct plain_book *book, uint32_t index, uint32_t price, int64_t shares,
                         int32_t orders)
{
    struct plain_side *side = &book->sides[index];
    const uint32_t at = level_place(side, price, index & 1);
    if (at == side->count || side->levels[at].price != price)
        level_insert(side, at, price);
    struct plain_level *level = &side->levels[at];
    const bool best = at == side->count - 1;
    level->shares += (uint64_t)shares;
    level->orders += (uint32_t)orders;
    if (level->orders == 0)
        memmove(level, level + 1, (--side->count - at) * sizeof *level);
    if (best) {
        book->best_changes++;
        book->tops[index] = side->count ? side->levels[side->count - 1] : (struct plain_level){0};
    }
}

static void add(struct plain_book *book, uint64_t ref, uint32_t index, uint32_t shares,
                uint32_t price)
{
    *order_place(book, ref) =
        (struct plain_order){.ref = ref, .price = price, .shares = shares, .side = index};
    level_change(book, index, price, shares, 1);
}

static void reduce(struct plain_book *book, struct plain_order *order, uint32_t shares)
{
    const struct plain_order was = *order;
    if (was.ref == 0)
        return;
    if (shares >= was.shares) {
        order_remove(book, order);
        level_change(book, was.side, was.price, -(int64_t)was.shares, -1);
        return;
    }
    order->shares -= shares;
    level_change(book, was.side, was.price, -(int64_t)shares, 0);
}

static void message_apply(struct plain_book *book, const uint8_t *p)
{
    switch (p[0]) {
    case ITCH50_ADD:
    case ITCH50_ADD_MPID:
        add(book, itch50_ref(p), itch50_locate(p) * 2u + (itch50_add_side(p) == 'S'),
            itch50_add_shares(p), itch50_add_price(p));
        break;
    case ITCH50_DELETE: reduce(book, order_place(book, itch50_ref(p)), UINT32_MAX); break;
    case ITCH50_CANCEL:
        reduce(book, order_place(book, itch50_ref(p)), itch50_cancel_shares(p));
        break;
    case ITCH50_EXECUTED:
        reduce(book, order_place(book, itch50_ref(p)), itch50_executed_shares(p));
        break;
    case ITCH50_EXECUTED_PRICE:
        reduce(book, order_place(book, itch50_ref(p)), itch50_executed_price_shares(p));
        break;
    case ITCH50_REPLACE: {
        struct plain_order *order = order_place(book, itch50_ref(p));
        const uint32_t index = order->side;
        if (order->ref == 0)
            break;
        reduce(book, order, UINT32_MAX);
        add(book, itch50_replace_new_ref(p), index, itch50_replace_shares(p),
            itch50_replace_price(p));
        break;
    }
    default: break;
    }
}

void plain_apply(struct plain_book *book, const struct feed_packet *packet)
{
    struct mold64_walk walk = {
        .next = packet->blocks, .end = packet->blocks + packet->len, .left = packet->count};
    struct mold64_block block;
    while (mold64_next(&walk, &block))
        if (block.len == itch50_length(block.data[0]))
            message_apply(book, block.data);
}
