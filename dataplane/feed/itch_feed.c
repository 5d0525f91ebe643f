// Hot path. ITCH 5.0 over MoldUDP64: a packet is the look-ahead. Its messages are walked, looked up
// and applied in four short passes, so that the cache lines of message n+30 are on their way while
// message n is applied.
#include "dataplane/feed/channel.h"
#include "dataplane/feed/itch_state.h"
#include "dataplane/feed/publish.h"

#include <string.h>

#include "dataplane/book/book_hot.h"
#include "dataplane/wire/itch50.h"
#include "dataplane/wire/mold64.h"

enum {
    AHEAD = 64
}; // messages looked at before they are applied; packets with more are taken in pieces

// What the passes know about one message.
struct ahead {
    const uint8_t *p; // null: nothing to apply (zero length, unknown, wrong length, filtered)
    struct index_key key;
    uint32_t order; // guess: index of the order it refers to, ORDER_NONE
    uint32_t level; // guess: level an add will join, LEVEL_NONE
    uint16_t slot;
    uint8_t kind; // enum itch_kind
};

enum itch_kind { KIND_STATE = 0, KIND_ADD, KIND_REF, KIND_REPLACE };

// Which messages of a batch are adds, and which refer to an order: each pass runs over one list, so
// that it does not have to guess what comes next.
struct batch {
    struct ahead ahead[AHEAD];
    uint8_t adds[AHEAD];
    uint8_t refs[AHEAD];
    uint32_t count, add_count, ref_count;
};

static const uint8_t kind_of[256] = {
    [ITCH50_ADD] = KIND_ADD,         [ITCH50_ADD_MPID] = KIND_ADD,
    [ITCH50_EXECUTED] = KIND_REF,    [ITCH50_EXECUTED_PRICE] = KIND_REF,
    [ITCH50_CANCEL] = KIND_REF,      [ITCH50_DELETE] = KIND_REF,
    [ITCH50_REPLACE] = KIND_REPLACE,
};

static bool itch_parse(const uint8_t *payload, uint32_t len, struct feed_datagram *out)
{
    struct mold64_header h;
    if (UNLIKELY(!mold64_parse(payload, len, &h)))
        return false;
    memcpy(out->session, h.session, SESSION_LEN);
    out->packet.sequence = h.sequence;
    out->packet.count = mold64_messages(&h);
    out->packet.blocks = payload + MOLD64_HEADER_LEN;
    out->packet.len = len - MOLD64_HEADER_LEN;
    out->kind = h.count == MOLD64_END         ? FEED_END
                : h.count == MOLD64_HEARTBEAT ? FEED_HEARTBEAT
                                              : FEED_DATA;
    return true;
}

HOT_INLINE enum book_side side_of(char indicator)
{
    return indicator == 'B' ? BOOK_BID : BOOK_ASK;
}

// Pass 1: is it a message, do we want it, which bucket and which symbol will it touch.
HOT_INLINE void look(struct channel *ch, const struct mold64_block *block, struct batch *b)
{
    const struct book *book = &ch->book;
    struct ahead *a = &b->ahead[b->count];
    const uint8_t *p = block->data;
    b->count++;
    a->p = NULL;
    a->kind = KIND_STATE;
    a->level = LEVEL_NONE;
    if (UNLIKELY(block->len < ITCH50_LEN_MIN || block->len != itch50_length(p[0]))) {
        itch_refuse(ch, p, block->len);
        return;
    }
    uint16_t locate = itch50_locate(p);
    a->kind = kind_of[p[0]];
    if (UNLIKELY(!channel_wants(ch, locate)) && p[0] != ITCH50_DIRECTORY) {
        ch->count->filtered++;
        return;
    }
    a->p = p;
    a->slot = book->slot_of_locate[locate];
    if (a->kind == KIND_STATE)
        return;
    a->key = index_key(&book->index, itch50_ref(p));
    book_prefetch_ref(book, a->key);
    if (UNLIKELY(a->slot == SYMBOL_NONE))
        return;
    PREFETCHW(&book->symbols[a->slot]);
    PREFETCHW(&ch->tops[a->slot]);
    b->adds[b->add_count] = b->refs[b->ref_count] = (uint8_t)(a - b->ahead);
    b->add_count += a->kind == KIND_ADD;
    b->ref_count += a->kind != KIND_ADD;
    if (a->kind == KIND_REPLACE)
        book_prefetch_ref(book, index_key(&book->index, itch50_replace_new_ref(p)));
}

// Passes 2 and 3: the buckets are here, ask for the orders and the best prices; the orders are
// here, ask for their levels and neighbours, and look for the levels that adds will join.
HOT_INLINE void look_further(const struct book *book, struct batch *b)
{
    for (uint32_t i = 0; i < b->add_count; i++) {
        const struct ahead *a = &b->ahead[b->adds[i]];
        book_prefetch_side(book, &book->symbols[a->slot].side[side_of(itch50_add_side(a->p))]);
    }
    for (uint32_t i = 0; i < b->ref_count; i++) {
        struct ahead *a = &b->ahead[b->refs[i]];
        a->order = book_prefetch_order(book, a->key);
    }
    for (uint32_t i = 0; i < b->ref_count; i++)
        if (LIKELY(b->ahead[b->refs[i]].order != ORDER_NONE))
            book_prefetch_level(book, b->ahead[b->refs[i]].order);
    for (uint32_t i = 0; i < b->add_count; i++) {
        struct ahead *a = &b->ahead[b->adds[i]];
        a->level = book_hint(book, a->slot, side_of(itch50_add_side(a->p)), itch50_add_price(a->p));
    }
    for (uint32_t i = 0; i < b->ref_count; i++)
        if (LIKELY(b->ahead[b->refs[i]].order != ORDER_NONE))
            book_prefetch_close(book, b->ahead[b->refs[i]].order);
}

// Pass 4: apply.
HOT_INLINE uint32_t apply_add(struct channel *ch, struct ahead *a)
{
    const uint8_t *p = a->p;
    if (UNLIKELY(a->slot == SYMBOL_NONE)) {
        a->slot = itch_symbol_open(ch, itch50_locate(p), itch50_add_stock(p));
        if (a->slot == SYMBOL_NONE)
            return BOOK_FULL;
    }
    uint32_t mpid = 0;
    if (UNLIKELY(p[0] == ITCH50_ADD_MPID))
        memcpy(&mpid, itch50_add_mpid_mpid(p), sizeof mpid);
    return book_add_at(&ch->book, a->slot, side_of(itch50_add_side(p)), itch50_ref(p), a->key,
                       itch50_add_shares(p), itch50_add_price(p), mpid, a->level);
}

HOT_INLINE uint32_t apply_replace(struct channel *ch, const struct ahead *a)
{
    const uint8_t *p = a->p;
    uint64_t ref = itch50_replace_new_ref(p);
    return book_replace(&ch->book, a->slot, itch50_ref(p), a->key, ref,
                        index_key(&ch->book.index, ref), itch50_replace_shares(p),
                        itch50_replace_price(p), LEVEL_NONE);
}

HOT_INLINE uint32_t apply_ref(struct channel *ch, const struct ahead *a)
{
    const uint8_t *p = a->p;
    struct book *book = &ch->book;
    uint32_t price = 0, result;
    switch (p[0]) {
    case ITCH50_DELETE: return book_delete(book, a->slot, itch50_ref(p), a->key);
    case ITCH50_CANCEL:
        return book_reduce(book, a->slot, itch50_ref(p), a->key, itch50_cancel_shares(p), &price);
    case ITCH50_EXECUTED:
        result =
            book_reduce(book, a->slot, itch50_ref(p), a->key, itch50_executed_shares(p), &price);
        itch_executed(ch, a->slot, itch50_executed_match(p), itch50_executed_shares(p), price, true,
                      result);
        return result;
    default: // ITCH50_EXECUTED_PRICE: the level is the order's own price, the print is at another
        result = book_reduce(book, a->slot, itch50_ref(p), a->key, itch50_executed_price_shares(p),
                             &price);
        itch_executed(ch, a->slot, itch50_executed_price_match(p), itch50_executed_price_shares(p),
                      itch50_executed_price_price(p), itch50_executed_price_printable(p) == 'Y',
                      result);
        return result;
    }
}

HOT_INLINE void apply_one(struct channel *ch, struct ahead *a)
{
    uint32_t result;
    if (UNLIKELY(a->p == NULL))
        return;
    // A directory entry of this very packet may have opened the symbol.
    if (UNLIKELY(a->slot == SYMBOL_NONE))
        a->slot = ch->book.slot_of_locate[itch50_locate(a->p)];
    ch->time_ns = itch50_timestamp_ns(a->p);
    if (UNLIKELY(a->kind == KIND_STATE)) {
        itch_state(ch, a->p, a->slot);
        return;
    }
    if (a->kind == KIND_ADD)
        result = apply_add(ch, a);
    else if (UNLIKELY(a->slot == SYMBOL_NONE))
        result = itch_unannounced(ch, a->p);
    else
        result = a->kind == KIND_REF ? apply_ref(ch, a) : apply_replace(ch, a);
    if (result & BOOK_BEST)
        best_publish(ch, a->slot);
    if (UNLIKELY(result & ~(uint32_t)BOOK_BEST))
        itch_trouble(ch, a->p, a->slot, result);
}

static uint32_t itch_apply(struct channel *ch, const struct feed_packet *packet, uint32_t skip)
{
    struct mold64_walk walk = {
        .next = packet->blocks, .end = packet->blocks + packet->len, .left = packet->count};
    struct mold64_block block;
    struct batch b;
    uint32_t done = 0;
    while (done < skip && mold64_next(&walk, &block))
        done++;
    for (;;) {
        b.count = b.add_count = b.ref_count = 0;
        while (b.count < AHEAD && mold64_next(&walk, &block))
            look(ch, &block, &b);
        if (b.count == 0)
            break;
        look_further(&ch->book, &b);
        for (uint32_t i = 0; i < b.count; i++)
            apply_one(ch, &b.ahead[i]);
        done += b.count;
    }
    ch->count->messages += done > skip ? done - skip : 0;
    if (UNLIKELY(mold64_trailing(&walk)))
        ch->count->trailing_bytes++;
    return done;
}

// Look-ahead across packets of a burst: only the first pass, only the buckets.
static void itch_prefetch(const struct channel *ch, const uint8_t *payload, uint32_t len)
{
    struct mold64_header h;
    struct mold64_walk walk;
    struct mold64_block block;
    if (!mold64_parse(payload, len, &h))
        return;
    mold64_walk_begin(&walk, payload, len, &h);
    for (uint32_t i = 0; i < AHEAD && mold64_next(&walk, &block); i++)
        if (block.len == itch50_length(block.data[0]) && kind_of[block.data[0]] != KIND_STATE)
            book_prefetch_ref(&ch->book, index_key(&ch->book.index, itch50_ref(block.data)));
}

const struct feed_protocol feed_itch50 = {
    .name = "itch50",
    .parse = itch_parse,
    .prefetch = itch_prefetch,
    .apply = itch_apply,
};
