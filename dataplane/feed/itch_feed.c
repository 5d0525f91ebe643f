// Hot path. ITCH 5.0 over MoldUDP64: a packet is the look-ahead. Its messages are walked, looked up
// and applied in four short passes, so that the cache lines of message n+30 are on their way while
// message n is applied. Applying computes more than it waits: meanwhile the orders of the packet
// behind are asked for, where the caller has it already.
#include "dataplane/feed/channel.h"
#include "dataplane/feed/itch_state.h"
#include "dataplane/feed/publish.h"

#include <string.h>

#include "dataplane/book/book_hot.h"
#include "dataplane/wire/itch50.h"
#include "dataplane/wire/mold64.h"

// Messages looked at before they are applied; packets with more are taken in pieces.
enum {
    AHEAD = 64,
    ITCH50_LEN_REF = ITCH50_HEAD_LEN + 8, // type to reference: all that a look from afar reads
};

enum itch_kind {
    KIND_STATE = 0,
    KIND_NOTHING, // zero length, unknown, wrong length, filtered
    KIND_LATE,    // an order of a symbol that is not there yet
    KIND_BAD,     // an add of neither side
    KIND_ADD,
    KIND_DELETE, // from here on it refers to an order
    KIND_REDUCE, // E C X
    KIND_REPLACE,
};

// What the passes know about one message.
struct ahead {
    const uint8_t *p;
    uint64_t level;      // of an add: the key of its level
    uint32_t order_line; // where its reference belongs in the order table
    uint32_t hint;       // of an add: its level; else the order it refers to
    uint16_t slot;
    uint16_t kind; // enum itch_kind
};

// Which messages of a batch are adds, which refer to an order and which of these replace it, and
// the sides whose prices will be searched: each pass runs over one list, so that it does not have
// to guess what comes next.
struct batch {
    struct ahead ahead[AHEAD];
    uint16_t adds[AHEAD];
    uint16_t refs[AHEAD];
    uint16_t replaces[AHEAD];
    const struct symbol_side *sides[AHEAD];
    uint32_t count, add_count, ref_count, replace_count;
};

static const uint8_t kind_of[256] = {
    [ITCH50_ADD] = KIND_ADD,         [ITCH50_ADD_MPID] = KIND_ADD,
    [ITCH50_EXECUTED] = KIND_REDUCE, [ITCH50_EXECUTED_PRICE] = KIND_REDUCE,
    [ITCH50_CANCEL] = KIND_REDUCE,   [ITCH50_DELETE] = KIND_DELETE,
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

HOT_INLINE bool side_known(char indicator)
{
    return (indicator == 'B') | (indicator == 'S');
}

// Of a side that is known.
HOT_INLINE enum book_side side_of(char indicator)
{
    return indicator == 'B' ? BOOK_BID : BOOK_ASK;
}

// Pass 1: is it a message, do we want it, which order and which symbol will it touch.
HOT_INLINE enum itch_kind look(struct channel *ch, const struct mold64_block *block,
                               struct ahead *a)
{
    const struct book *book = &ch->book;
    const uint8_t *p = block->data;
    if (UNLIKELY(block->len < ITCH50_LEN_MIN || block->len != itch50_length(p[0]))) {
        itch_refuse(ch, p, block->len);
        return KIND_NOTHING;
    }
    const uint16_t locate = itch50_locate(p);
    if (UNLIKELY(!channel_wants(ch, locate)) && p[0] != ITCH50_DIRECTORY) {
        ch->count->filtered++;
        return KIND_NOTHING;
    }
    const uint16_t slot = book->slot_of_locate[locate];
    const enum itch_kind kind = kind_of[p[0]];
    a->p = p;
    a->slot = slot;
    if (UNLIKELY(kind == KIND_STATE))
        return KIND_STATE;
    a->order_line = pair_home(&book->order_table, itch50_ref(p));
    pair_prefetch(&book->order_table, a->order_line);
    if (UNLIKELY(slot == SYMBOL_NONE))
        return KIND_LATE;
    PREFETCHW(&book->symbols[slot]);
    PREFETCHW(&ch->tops[slot]);
    return kind;
}

HOT_INLINE void look_at_all(struct channel *ch, struct mold64_walk *walk, struct batch *b)
{
    struct mold64_block block;
    uint32_t count = 0, adds = 0, refs = 0, replaces = 0;
    while (count < AHEAD && mold64_next(walk, &block)) {
        struct ahead *a = &b->ahead[count];
        const enum itch_kind kind = look(ch, &block, a);
        a->kind = (uint16_t)kind;
        b->adds[adds] = b->refs[refs] = b->replaces[replaces] = (uint16_t)count++;
        adds += kind == KIND_ADD;
        refs += kind >= KIND_DELETE;
        replaces += kind == KIND_REPLACE;
    }
    b->count = count;
    b->add_count = adds;
    b->ref_count = refs;
    b->replace_count = replaces;
}

HOT_INLINE uint64_t level_of_add(const uint8_t *p, uint32_t slot)
{
    return level_key(owner_of(slot, side_of(itch50_add_side(p))), itch50_add_price(p));
}

// For a replace: what its order told about the side, and where the new order will stand.
HOT_INLINE void look_replace(const struct book *book, const struct ahead *a)
{
    const uint32_t owner = level_at(book, order_at(book, a->hint)->level)->owner;
    const uint64_t level = level_key(owner, itch50_replace_price(a->p));
    uint64_t ref = itch50_replace_new_ref(a->p);
    pair_prefetch(&book->order_table, pair_home(&book->order_table, ref));
    pair_prefetch(&book->level_table, pair_home(&book->level_table, level));
}

// Pass 2: the lines of the orders are here, ask for their levels and neighbours. Pass 3: the levels
// are here, ask for what joining or leaving them will touch.
HOT_INLINE void look_further(const struct book *book, struct batch *b)
{
    uint32_t sides = 0;
    for (uint32_t i = 0; i < b->add_count; i++) {
        struct ahead *a = &b->ahead[b->adds[i]];
        if (UNLIKELY(!side_known(itch50_add_side(a->p))))
            a->kind = KIND_BAD;
        a->level = level_of_add(a->p, a->slot);
        a->hint = pair_home(&book->level_table, a->level);
        pair_prefetch(&book->level_table, a->hint);
        book_look_home(book, a->order_line);
    }
    for (uint32_t i = 0; i < b->ref_count; i++) {
        struct ahead *a = &b->ahead[b->refs[i]];
        a->hint = book_look_order(book, (struct order_key){itch50_ref(a->p), a->order_line});
    }
    for (uint32_t i = 0; i < b->add_count; i++) {
        struct ahead *a = &b->ahead[b->adds[i]];
        a->hint = book_look_level(book, a->hint, a->level);
        b->sides[sides] = &book->symbols[a->slot].side[a->level >> 32 & 1];
        sides += !level_is(book, a->hint, a->level);
    }
    for (uint32_t i = 0; i < b->ref_count; i++) {
        const struct ahead *a = &b->ahead[b->refs[i]];
        const struct level *level = level_at(book, order_at(book, a->hint)->level);
        b->sides[sides] = &book->symbols[a->slot].side[level_side(level)];
        sides += level->orders == 1;
    }
    for (uint32_t i = 0; i < b->replace_count; i++)
        look_replace(book, &b->ahead[b->replaces[i]]);
    for (uint32_t i = 0; i < sides; i++)
        book_look_side(book, b->sides[i]);
}

// One message of the packet behind. Nothing of it is known but where it may lie.
HOT_INLINE void look_behind(const struct book *book, struct mold64_walk *walk)
{
    struct mold64_block block;
    if (mold64_next(walk, &block) && LIKELY(block.len >= ITCH50_LEN_REF))
        pair_prefetch(&book->order_table, pair_home(&book->order_table, itch50_ref(block.data)));
}

// The messages of the packet behind, none where there is none or it is but a copy of <packet>.
HOT_INLINE void behind_begin(struct channel *ch, const struct feed_packet *packet,
                             struct mold64_walk *walk)
{
    struct mold64_header h;
    const uint32_t len = ch->behind_len;
    *walk = (struct mold64_walk){0};
    if (len == 0)
        return;
    ch->behind_len = 0;
    if (mold64_parse(ch->behind, len, &h) && h.sequence >= packet->sequence + packet->count)
        mold64_walk_begin(walk, ch->behind, len, &h);
}

// Pass 4: apply.
HOT_INLINE uint32_t mpid_of_add(const uint8_t *p)
{
    uint32_t mpid = 0;
    if (UNLIKELY(p[0] == ITCH50_ADD_MPID))
        memcpy(&mpid, itch50_add_mpid_mpid(p), sizeof mpid);
    return mpid;
}

HOT_INLINE uint32_t apply_add(struct channel *ch, const struct ahead *a)
{
    const uint8_t *p = a->p;
    return book_add(&ch->book, (struct book_add){
                                   .key = {itch50_ref(p), a->order_line},
                                   .level = a->level,
                                   .shares = itch50_add_shares(p),
                                   .mpid = mpid_of_add(p),
                                   .hint = a->hint,
                               });
}

HOT_INLINE uint32_t apply_replace(struct channel *ch, const struct ahead *a)
{
    const uint8_t *p = a->p;
    return book_replace(&ch->book, a->slot, (struct order_key){itch50_ref(p), a->order_line},
                        a->hint, order_key(&ch->book, itch50_replace_new_ref(p)),
                        itch50_replace_shares(p), itch50_replace_price(p));
}

HOT_INLINE uint32_t apply_ref(struct channel *ch, const struct ahead *a)
{
    const uint8_t *p = a->p;
    const struct order_key key = {itch50_ref(p), a->order_line};
    struct book *book = &ch->book;
    uint32_t price = 0, result;
    switch (p[0]) {
    case ITCH50_DELETE: return book_delete(book, a->slot, key, a->hint);
    case ITCH50_CANCEL:
        return book_reduce(book, a->slot, key, a->hint, itch50_cancel_shares(p), &price);
    case ITCH50_EXECUTED:
        result = book_reduce(book, a->slot, key, a->hint, itch50_executed_shares(p), &price);
        itch_executed(ch, a->slot, itch50_executed_match(p), itch50_executed_shares(p), price, true,
                      result);
        return result;
    default: // ITCH50_EXECUTED_PRICE: the level is the order's own price, the print is at another
        result = book_reduce(book, a->slot, key, a->hint, itch50_executed_price_shares(p), &price);
        itch_executed(ch, a->slot, itch50_executed_price_match(p), itch50_executed_price_shares(p),
                      itch50_executed_price_price(p), itch50_executed_price_printable(p) == 'Y',
                      result);
        if (UNLIKELY(!letter_in(itch50_executed_price_printable(p), "YN")))
            itch_bad_field(ch, a->slot);
        return result;
    }
}

// The symbol was not there when the packet was looked at: a directory entry of this very packet may
// have opened it, and an order opens one that nobody announced.
static COLD uint32_t apply_late(struct channel *ch, struct ahead *a)
{
    a->slot = ch->book.slot_of_locate[itch50_locate(a->p)];
    a->kind = kind_of[a->p[0]];
    if (a->kind == KIND_ADD && !side_known(itch50_add_side(a->p))) {
        itch_bad_field(ch, a->slot);
        return 0;
    }
    if (a->kind == KIND_ADD) {
        if (a->slot == SYMBOL_NONE)
            a->slot = itch_symbol_open(ch, itch50_locate(a->p), itch50_add_stock(a->p));
        if (a->slot == SYMBOL_NONE)
            return BOOK_FULL;
        a->level = level_of_add(a->p, a->slot);
        a->hint = book_level_any(&ch->book);
        return apply_add(ch, a);
    }
    a->hint = 2 * a->order_line; // some order
    if (a->slot == SYMBOL_NONE)
        return itch_unannounced(ch, a->p);
    return a->kind == KIND_REPLACE ? apply_replace(ch, a) : apply_ref(ch, a);
}

// What is no order of a known symbol.
static __attribute__((noinline)) uint32_t apply_other(struct channel *ch, struct ahead *a)
{
    if (a->kind == KIND_LATE)
        return apply_late(ch, a);
    if (a->kind == KIND_BAD)
        itch_bad_field(ch, a->slot);
    if (a->kind == KIND_STATE) {
        if (a->slot == SYMBOL_NONE)
            a->slot = ch->book.slot_of_locate[itch50_locate(a->p)];
        itch_state(ch, a->p, a->slot);
    }
    return 0;
}

HOT_INLINE void apply_one(struct channel *ch, struct ahead *a)
{
    uint32_t result;
    if (UNLIKELY(a->kind < KIND_ADD))
        result = apply_other(ch, a);
    else if (a->kind == KIND_ADD)
        result = apply_add(ch, a);
    else
        result = LIKELY(a->kind != KIND_REPLACE) ? apply_ref(ch, a) : apply_replace(ch, a);
    if (result & BOOK_BEST)
        best_publish(ch, a->slot, (result & BOOK_BEST) >> 1);
    if (UNLIKELY(result & ~(uint32_t)BOOK_BEST))
        itch_trouble(ch, a->p, a->slot, result);
}

static uint32_t itch_apply(struct channel *ch, const struct feed_packet *packet, uint32_t skip)
{
    struct mold64_walk walk = {
        .next = packet->blocks, .end = packet->blocks + packet->len, .left = packet->count};
    struct mold64_walk behind;
    struct mold64_block block;
    struct batch b;
    uint32_t done = 0;
    behind_begin(ch, packet, &behind);
    while (done < skip && mold64_next(&walk, &block))
        done++;
    for (;;) {
        look_at_all(ch, &walk, &b);
        if (b.count == 0)
            break;
        look_further(&ch->book, &b);
        for (uint32_t i = 0; i < b.count; i++) {
            apply_one(ch, &b.ahead[i]);
            look_behind(&ch->book, &behind);
        }
        done += b.count;
        if (b.add_count)
            ch->newest_ref = itch50_ref(b.ahead[b.adds[b.add_count - 1]].p);
        if (LIKELY(b.ahead[b.count - 1].kind != KIND_NOTHING))
            ch->time_ns = itch50_timestamp_ns(b.ahead[b.count - 1].p);
    }
    if (ch->book.orders_live > ch->book.orders_peak)
        ch->book.orders_peak = ch->book.orders_live;
    ch->count->messages += done > skip ? done - skip : 0;
    if (UNLIKELY(mold64_trailing(&walk)))
        ch->count->trailing_bytes++;
    return done;
}

const struct feed_protocol feed_itch50 = {
    .name = "itch50",
    .parse = itch_parse,
    .apply = itch_apply,
};
