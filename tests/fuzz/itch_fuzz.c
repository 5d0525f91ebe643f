// ITCH 5.0 packets of well-formed messages into a book, against a model that is slow and obvious.
//
// Input: a byte of configuration, then steps of six bytes: what, reference, other reference,
// shares, price, match number. After each packet the model's levels, queues, volumes, trust and
// counters are the book's, and its invariants hold. In a small table every message is a packet of
// its own, and whether the book is full is the book's to say.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/book/offline.h"
#include "dataplane/base/bytes.h"
#include "dataplane/wire/itch50.h"

enum { SYMBOLS = 4, REFS = 256, STEP = 6, PACKET_MAX = 80, MATCHES = 256 };

struct model_order {
    bool live;
    uint8_t slot, side;
    uint32_t shares, price;
    uint64_t born;
};

static struct offline o;
static struct model {
    struct model_order order[REFS];
    uint64_t born;
    uint8_t slot_of[SYMBOLS]; // by locate - 1; SYMBOLS: not there
    uint32_t symbols;
    uint64_t volume[SYMBOLS];
    uint32_t last_price[SYMBOLS];
    bool suspect[SYMBOLS], op_halt[SYMBOLS];
    char state[SYMBOLS];
    struct {
        uint8_t slot;
        uint32_t shares;
    } match[MATCHES]; // slot SYMBOLS: none
    uint64_t unknown, foreign, duplicate, clamped, empty, refused, unknown_locate, executed, broken;
    bool small;
} model;

#define SAME(a, b)                                                               \
    do {                                                                         \
        if ((uint64_t)(a) != (uint64_t)(b)) {                                    \
            fprintf(stderr, "line %d: " #a " is %lu, " #b " is %lu\n", __LINE__, \
                    (unsigned long)(a), (unsigned long)(b));                     \
            abort();                                                             \
        }                                                                        \
    } while (0)

static uint8_t model_open(uint32_t locate)
{
    uint8_t *slot = &model.slot_of[locate - 1];
    if (*slot == SYMBOLS)
        *slot = (uint8_t)model.symbols++;
    return *slot;
}

static void trouble(uint32_t slot, uint64_t *counter)
{
    ++*counter;
    if (slot == SYMBOLS)
        model.unknown_locate++;
    else
        model.suspect[slot] = true;
}

// The order a message of <slot> refers to, or null and the trouble is noted.
static struct model_order *model_order_of(uint32_t slot, uint32_t ref)
{
    struct model_order *order = &model.order[ref];
    if (slot == SYMBOLS || !order->live || ref == 0) {
        trouble(slot, &model.unknown);
        return NULL;
    }
    if (order->slot != slot) {
        trouble(slot, &model.foreign);
        return NULL;
    }
    return order;
}

static void model_add(uint32_t slot, uint32_t ref, uint32_t side, uint32_t shares, uint32_t price)
{
    if (ref == 0 || shares == 0)
        trouble(slot, &model.empty);
    else if (model.order[ref].live)
        trouble(slot, &model.duplicate);
    else
        model.order[ref] =
            (struct model_order){true, (uint8_t)slot, (uint8_t)side, shares, price, ++model.born};
}

static void model_print(uint32_t slot, uint32_t shares, uint32_t price, uint32_t match)
{
    model.volume[slot] += shares;
    if (price)
        model.last_price[slot] = price;
    model.match[match].slot = (uint8_t)slot;
    model.match[match].shares = shares;
}

static void model_reduce(uint32_t slot, uint32_t ref, uint32_t shares, char type, bool printable,
                         uint32_t price, uint32_t match)
{
    struct model_order *order = model_order_of(slot, ref);
    if (type == ITCH50_EXECUTED)
        price = order ? order->price : 0;
    else if (order == NULL && slot < SYMBOLS && model.order[ref].live && ref)
        price = 0; // another symbol's: nothing about it is believed
    if (type != ITCH50_CANCEL) {
        model.executed += shares;
        if (printable && slot < SYMBOLS)
            model_print(slot, shares, price, match);
    }
    if (order == NULL)
        return;
    if (shares > order->shares)
        trouble(slot, &model.clamped);
    order->live = shares < order->shares;
    order->shares -= order->live ? shares : 0;
}

static void model_replace(uint32_t slot, uint32_t ref, uint32_t new, uint32_t shares,
                          uint32_t price)
{
    struct model_order *order = model_order_of(slot, ref);
    if (order == NULL)
        return;
    if (new != ref &&new &&model.order[new].live) {
        trouble(slot, &model.duplicate);
        return;
    }
    order->live = false;
    model_add(slot, new, order->side, shares, price);
}

// One step, decoded.
struct step {
    char type;
    uint32_t locate, side, ref, other, shares, price, match;
};

static struct step step_of(const uint8_t *in)
{
    return (struct step){.type = "AFECXDUADPBHhRAD"[in[0] & 15],
                         .locate = 1 + (in[0] >> 4 & 3),
                         .side = in[0] >> 6 & 1,
                         .ref = in[1],
                         .other = in[2],
                         .shares = in[3],
                         .price = in[4] % 32 * 100u,
                         .match = in[5]};
}

// The message as a block at <p>, by the offsets of the text; returns the block's length.
static uint32_t step_write(const struct step *s, uint8_t *p)
{
    const uint32_t len = itch50_length((uint8_t)s->type);
    uint8_t *m = p + 2;
    char name[9];
    snprintf(name, sizeof name, "SYM%u    ", s->locate);
    memset(m, 0, len);
    be16_store(p, (uint16_t)len);
    m[0] = (uint8_t)s->type;
    be16_store(m + 1, (uint16_t)s->locate);
    be64_store(m + 11, s->type == 'B' ? s->match : s->ref);
    switch (s->type) {
    case 'A':
    case 'F':
    case 'P':
        m[19] = s->side == BOOK_BID ? 'B' : 'S';
        be32_store(m + 20, s->shares);
        memcpy(m + 24, name, 8);
        be32_store(m + 32, s->price);
        if (s->type == 'P')
            be64_store(m + 36, s->match);
        break;
    case 'E':
    case 'C':
        be32_store(m + 19, s->shares);
        be64_store(m + 23, s->match);
        if (s->type == 'E')
            break;
        m[31] = s->other & 1 ? 'Y' : 'N';
        be32_store(m + 32, s->price);
        break;
    case 'X': be32_store(m + 19, s->shares); break;
    case 'U':
        be64_store(m + 19, s->other);
        be32_store(m + 27, s->shares);
        be32_store(m + 31, s->price);
        break;
    case 'H': m[19] = (uint8_t) "THPQ"[s->other & 3]; break;
    case 'h': m[19] = 'Q', m[20] = s->other & 1 ? 'H' : 'T'; break;
    case 'R': memcpy(m + 11, name, 8); break;
    default: break;
    }
    return 2 + len;
}

static void model_broken(uint32_t slot, uint32_t match)
{
    model.broken++;
    if (match == 0 || model.match[match].slot != slot)
        return;
    model.volume[slot] -= model.match[match].shares;
    model.match[match].slot = SYMBOLS;
}

static void model_step(const struct step *s)
{
    const uint32_t slot = model.slot_of[s->locate - 1];
    const bool printable = s->type == 'E' || (s->type == 'C' && s->other & 1);
    struct model_order *order;
    switch (s->type) {
    case 'A':
    case 'F': model_add(model_open(s->locate), s->ref, s->side, s->shares, s->price); return;
    case 'P': model_print(model_open(s->locate), s->shares, s->price, s->match); return;
    case 'R': model_open(s->locate); return;
    case 'E':
    case 'C':
    case 'X': model_reduce(slot, s->ref, s->shares, s->type, printable, s->price, s->match); return;
    case 'U': model_replace(slot, s->ref, s->other, s->shares, s->price); return;
    case 'D':
        order = model_order_of(slot, s->ref);
        if (order)
            order->live = false;
        return;
    default: break;
    }
    if (slot == SYMBOLS)
        model.unknown_locate++;
    else if (s->type == 'B')
        model_broken(slot, s->match);
    else if (s->type == 'H')
        model.state[slot] = "THPQ"[s->other & 3];
    else
        model.op_halt[slot] = s->other & 1;
}

static bool before(uint32_t side, uint32_t a, uint32_t b)
{
    return side == BOOK_BID ? a > b : a < b;
}

// Every level, best first, and the place of every order in its queue.
static void side_same(uint32_t slot, uint32_t side)
{
    static struct book_level levels[REFS];
    const struct book *book = &o.channel.book;
    struct symbol_top top;
    uint32_t count = book_depth(book, slot, side, REFS, levels), live = 0, counted = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t shares = 0;
        uint32_t orders = 0;
        if (i && !before(side, levels[i - 1].price, levels[i].price))
            abort();
        for (uint32_t ref = 0; ref < REFS; ref++) {
            const struct model_order *order = &model.order[ref];
            if (!order->live || order->slot != slot || order->side != side ||
                order->price != levels[i].price)
                continue;
            struct book_position at;
            uint32_t ahead = 0;
            for (uint32_t k = 0; k < REFS; k++)
                ahead += model.order[k].live && model.order[k].slot == slot &&
                         model.order[k].side == side && model.order[k].price == order->price &&
                         model.order[k].born < order->born;
            if (!book_queue_position(book, ref, REFS, &at))
                abort();
            SAME(at.orders_ahead, ahead);
            SAME(at.shares, order->shares);
            shares += order->shares;
            orders++;
        }
        SAME(levels[i].shares, shares);
        SAME(levels[i].orders, orders);
        counted += orders;
    }
    for (uint32_t ref = 0; ref < REFS; ref++)
        live +=
            model.order[ref].live && model.order[ref].slot == slot && model.order[ref].side == side;
    SAME(counted, live);
    if (!symbol_top_read(&o.channel.tops[slot], &top))
        abort();
    SAME(top.shares[side], count ? levels[0].shares : 0);
    SAME(top.orders[side], count ? levels[0].orders : 0);
    if (count)
        SAME(top.price[side], levels[0].price);
}

static void same(void)
{
    char why[256];
    const struct book *book = &o.channel.book;
    SAME(book->symbol_count, model.symbols);
    for (uint32_t slot = 0; slot < model.symbols; slot++) {
        const struct book_symbol *sym = &book->symbols[slot];
        side_same(slot, BOOK_BID);
        side_same(slot, BOOK_ASK);
        SAME(sym->volume, model.volume[slot]);
        SAME(sym->last_price, model.last_price[slot]);
        bool trades = model.state[slot] == 'T' && !model.op_halt[slot];
        SAME(sym->quality, model.suspect[slot] ? QUALITY_SUSPECT
                           : trades            ? QUALITY_GOOD
                                               : QUALITY_HALTED);
    }
    SAME(o.count.unknown_reference, model.unknown);
    SAME(o.count.foreign_reference, model.foreign);
    SAME(o.count.duplicate_reference, model.duplicate);
    SAME(o.count.reduce_clamped, model.clamped);
    SAME(o.count.orders_empty, model.empty);
    SAME(o.count.orders_refused, model.refused);
    SAME(o.count.unknown_locate, model.unknown_locate);
    SAME(o.count.executed_shares, model.executed);
    SAME(o.count.broken_trades, model.broken);
    if (!book_check(book, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
}

// In a small table: an order that the book had no room for is not in the model either. A replaced
// order is gone all the same.
static void refusal_believed(uint32_t ref)
{
    if (o.count.orders_refused == model.refused)
        return;
    SAME(o.count.orders_refused, model.refused + 1);
    if (!model.order[ref].live)
        abort(); // refused what need not be kept
    trouble(model.order[ref].slot, &model.refused);
    model.order[ref].live = false;
}

static void packet_apply(const uint8_t *blocks, uint32_t len, uint32_t count)
{
    uint8_t *copy = malloc(len);
    memcpy(copy, blocks, len);
    const struct feed_packet packet = {.count = count, .len = len, .blocks = copy};
    SAME(feed_itch50.apply(&o.channel, &packet, 0), count);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t blocks[PACKET_MAX * (2 + ITCH50_LEN_MAX)];
    uint32_t len = 0, count = 0;
    struct error err = {0};
    if (size == 0)
        return 0;
    const bool small = data[0] & 1;
    const uint32_t packet_max = small ? 1 : 1 + data[0] / 2 % PACKET_MAX;
    const uint32_t orders = small ? 8 : 2 * REFS;
    const struct channel_config config = {.protocol = &feed_itch50,
                                          .hold_frames = 1,
                                          .book = {.symbols = SYMBOLS,
                                                   .orders = orders,
                                                   .levels = small ? 6 : orders,
                                                   .spans = 8192,
                                                   .matches = MATCHES}};
    if (!offline_init(&o, &config, &err))
        abort();
    memset(&model, 0, sizeof model);
    memset(model.slot_of, SYMBOLS, sizeof model.slot_of);
    for (uint32_t i = 0; i < MATCHES; i++)
        model.match[i].slot = SYMBOLS;
    for (size_t at = 1; at + STEP <= size; at += STEP) {
        const struct step s = step_of(data + at);
        len += step_write(&s, blocks + len);
        model_step(&s);
        if (++count < packet_max && at + 2 * STEP <= size)
            continue;
        packet_apply(blocks, len, count);
        if (small)
            refusal_believed(s.type == ITCH50_REPLACE ? s.other : s.ref);
        same();
        len = count = 0;
    }
    offline_free(&o);
    return 0;
}
