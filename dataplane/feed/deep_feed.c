// Hot path. IEX DEEP 1.0 over IEX-TP: price levels instead of orders, symbols by name instead of by
// locate. A level update replaces the aggregate size of a level; the best price is published when
// the update says that its event is complete.
#include "dataplane/feed/channel.h"
#include "dataplane/feed/publish.h"
#include "dataplane/feed/told.h"

#include <string.h>

#include "dataplane/book/book_hot.h"
#include "dataplane/wire/deep10.h"
#include "dataplane/wire/iextp.h"

// The session id of IEX-TP is four bytes; channel and protocol are compared with it.
static bool deep_parse(const uint8_t *payload, uint32_t len, struct feed_datagram *out)
{
    struct iextp_header h;
    if (UNLIKELY(!iextp_parse(payload, len, &h) || h.protocol != IEXTP_DEEP10))
        return false;
    memset(out->session, 0, SESSION_LEN);
    memcpy(out->session, payload + 2, 10);
    out->packet.sequence = h.sequence;
    out->packet.count = h.count;
    out->packet.blocks = payload + IEXTP_HEADER_LEN;
    out->packet.len = h.payload_len;
    out->kind = h.count == 0 ? FEED_HEARTBEAT : FEED_DATA;
    return true;
}

// Slot of the symbol named in a message, opened at its first mention. DEEP has no locate: slot + 1
// stands in for it.
static uint16_t slot_of(struct channel *ch, const uint8_t *p)
{
    uint16_t slot = book_symbol_find(&ch->book, deep10_symbol(p));
    if (LIKELY(slot != SYMBOL_NONE))
        return slot;
    uint32_t count = ch->book.symbol_count;
    slot =
        count < SYMBOL_NONE - 1u ? book_symbol_open(&ch->book, (uint16_t)(count + 1)) : SYMBOL_NONE;
    if (slot == SYMBOL_NONE) {
        ch->count->symbols_refused++;
        return slot;
    }
    ch->count->symbols = ch->book.symbol_count;
    ch->book.symbols[slot].flags |=
        SYMBOL_OP_HALT; // until the spin says otherwise (DEEP 1.08, Trading Status)
    book_symbol_name(&ch->book, slot, deep10_symbol(p));
    channel_announced(ch, ch->book.symbols[slot].locate, deep10_symbol(p));
    symbol_name_publish(&ch->names[slot], ch->book.symbols[slot].locate, ch->book.infos[slot].name);
    return slot;
}

static COLD void deep_trouble(struct channel *ch, uint16_t slot, uint32_t result)
{
    ch->count->unknown_reference += (result & BOOK_UNKNOWN) != 0;
    ch->count->orders_refused += (result & BOOK_FULL) != 0;
    ch->book.symbols[slot].flags |= SYMBOL_SUSPECT;
    symbol_requalify(ch, slot);
}

// A field that decides something has a value that it does not have (DEEP 1.08): counted, not
// followed, and the symbol is not to be trusted. What is only passed on is shown as it came.
static COLD void bad_field(struct channel *ch, uint16_t slot)
{
    ch->count->bad_field++;
    deep_trouble(ch, slot, 0);
}

// A price that fits the book's 32 bits; otherwise the symbol is not to be trusted.
static bool price_of(struct channel *ch, uint16_t slot, int64_t wire, uint32_t *price)
{
    *price = (uint32_t)wire;
    if (LIKELY(wire >= 0 && wire <= UINT32_MAX))
        return true;
    ch->count->price_range++;
    deep_trouble(ch, slot, 0);
    return false;
}

static void on_level(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    struct book_symbol *sym = &ch->book.symbols[slot];
    const uint8_t flags = deep10_level_buy_flags(p);
    uint32_t price;
    if (UNLIKELY(flags > 1)) {
        bad_field(ch, slot);
        return;
    }
    if (!price_of(ch, slot, deep10_level_buy_price(p), &price))
        return;
    enum book_side side = p[0] == DEEP10_LEVEL_BUY ? BOOK_BID : BOOK_ASK;
    uint32_t result = book_level_set(&ch->book, slot, side, price, deep10_level_buy_size(p));
    if (result & BOOK_BEST)
        sym->flags |= SYMBOL_TRANSITION;
    if (UNLIKELY(result & ~(uint32_t)BOOK_BEST))
        deep_trouble(ch, slot, result);
    if (flags && sym->flags & SYMBOL_TRANSITION) {
        sym->flags &= (uint8_t)~SYMBOL_TRANSITION;
        best_publish(ch, slot, BOOK_BID);
        best_publish(ch, slot, BOOK_ASK);
    }
}

static void on_status(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    char status = deep10_trading_status_status(p);
    if (status != 'H' && status != 'O' && status != 'P' && status != 'T') {
        bad_field(ch, slot);
        return;
    }
    ch->book.symbols[slot].trading_state = status == 'O' ? 'Q' : (uint8_t)status;
    memcpy(ch->book.infos[slot].halt_reason, deep10_trading_status_reason(p), 4);
    if (UNLIKELY(ch->luld.of != NULL) && status != 'O')
        luld_halt(&ch->luld, slot, ch->book_number, ch->time_ns, status != 'T');
    told_status(ch, slot);
    symbol_requalify(ch, slot);
}

static void on_halt(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    const char status = deep10_operational_halt_status(p);
    if (status != 'O' && status != 'N') {
        bad_field(ch, slot);
        return;
    }
    if (status == 'O')
        ch->book.symbols[slot].flags |= SYMBOL_OP_HALT;
    else
        ch->book.symbols[slot].flags &= (uint8_t)~SYMBOL_OP_HALT;
    told_status(ch, slot);
    symbol_requalify(ch, slot);
}

// Every trade counts towards volume; last sale only without the extended-hours and odd-lot
// conditions.
static void on_trade(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    struct book_symbol *sym = &ch->book.symbols[slot];
    uint32_t price, size = deep10_trade_size(p);
    if (!price_of(ch, slot, deep10_trade_price(p), &price))
        return;
    sym->volume += size;
    ch->count->printed_shares += size;
    if (!(deep10_trade_flags(p) & (DEEP10_EXTENDED_HOURS | DEEP10_ODD_LOT))) {
        sym->last_price = price;
        sym->last_shares = size;
        if (UNLIKELY(ch->luld.of != NULL))
            luld_trade(&ch->luld, slot, ch->book_number, ch->time_ns, price);
    }
    symbol_publish(ch, slot);
}

static void on_break(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    uint32_t size = deep10_trade_break_size(p);
    struct book_symbol *sym = &ch->book.symbols[slot];
    ch->count->broken_trades++;
    sym->volume -= size < sym->volume ? size : sym->volume;
    symbol_publish(ch, slot);
}

static void on_directory(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    struct symbol_info *info = &ch->book.infos[slot];
    const uint8_t tier = deep10_directory_luld_tier(p);
    if (tier > 2) {
        bad_field(ch, slot);
        return;
    }
    ch->book.symbols[slot].flags |= SYMBOL_KNOWN;
    info->round_lot = deep10_directory_round_lot(p);
    info->luld_tier = (char)('0' + tier);
    info->authenticity = deep10_directory_flags(p) & 0x80 ? 'T' : 'P';
    info->etp_flag = deep10_directory_flags(p) & 0x20 ? 'Y' : 'N';
}

static void on_short_sale(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    const uint8_t status = deep10_short_sale_status(p);
    if (status > 1) {
        bad_field(ch, slot);
        return;
    }
    if (status)
        ch->book.symbols[slot].flags |= SYMBOL_SHORT_RESTRICTED;
    else
        ch->book.symbols[slot].flags &= (uint8_t)~SYMBOL_SHORT_RESTRICTED;
    ch->book.infos[slot].reg_sho = status ? '1' : '0';
}

static void on_retail(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    ch->book.infos[slot].retail_interest = deep10_retail_liquidity_indicator(p);
}

static void on_official(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    const char type = deep10_official_price_price_type(p);
    uint32_t price;
    if (type != 'Q' && type != 'M') {
        bad_field(ch, slot);
        return;
    }
    if (!price_of(ch, slot, deep10_official_price_price(p), &price))
        return;
    if (type == 'Q')
        ch->book.infos[slot].official_open = price;
    else
        ch->book.infos[slot].official_close = price;
}

static void on_auction(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    struct symbol_imbalance *im = &ch->book.infos[slot].imbalance;
    uint32_t reference, clearing;
    if (!price_of(ch, slot, deep10_auction_reference_price(p), &reference) ||
        !price_of(ch, slot, deep10_auction_indicative_price(p), &clearing))
        return;
    im->paired_shares = deep10_auction_paired_shares(p);
    im->imbalance_shares = deep10_auction_imbalance_shares(p);
    im->direction = deep10_auction_imbalance_side(p);
    im->cross_type = deep10_auction_auction_type(p);
    im->reference_price = reference;
    im->near_price = clearing;
}

static void on_system_event(struct channel *ch, const uint8_t *p)
{
    told_system_event(ch, (uint8_t)deep10_system_event_event(p));
}

static void (*const handlers[256])(struct channel *, const uint8_t *, uint16_t) = {
    [DEEP10_LEVEL_BUY] = on_level,
    [DEEP10_LEVEL_SELL] = on_level,
    [DEEP10_TRADING_STATUS] = on_status,
    [DEEP10_OPERATIONAL_HALT] = on_halt,
    [DEEP10_TRADE] = on_trade,
    [DEEP10_TRADE_BREAK] = on_break,
    [DEEP10_DIRECTORY] = on_directory,
    [DEEP10_SHORT_SALE] = on_short_sale,
    [DEEP10_RETAIL_LIQUIDITY] = on_retail,
    [DEEP10_OFFICIAL_PRICE] = on_official,
    [DEEP10_AUCTION] = on_auction,
};

// New types may appear and messages may grow without notice (DEEP 1.08): skipped and counted, not
// refused.
static void deep_message(struct channel *ch, const uint8_t *p, uint32_t len)
{
    if (len == 0)
        return;
    uint32_t least = deep10_length(p[0]);
    if (least == 0 || len < least) {
        ch->count->unknown_type += least == 0;
        ch->count->bad_length += least != 0;
        return;
    }
    ch->time_ns = (uint64_t)deep10_timestamp_ns(p);
    if (p[0] == DEEP10_SYSTEM_EVENT) {
        on_system_event(ch, p);
        return;
    }
    if (handlers[p[0]] == NULL)
        return; // security event: announces the auctions, changes nothing here
    uint16_t slot = slot_of(ch, p);
    if (slot == SYMBOL_NONE)
        return;
    if (!channel_wants(ch, ch->book.symbols[slot].locate)) {
        ch->count->filtered++;
        return;
    }
    handlers[p[0]](ch, p, slot);
}

static uint32_t deep_apply(struct channel *ch, const struct feed_packet *packet, uint32_t skip)
{
    struct iextp_walk walk = {
        .next = packet->blocks, .end = packet->blocks + packet->len, .left = packet->count};
    struct iextp_block block;
    uint32_t done = 0;
    while (iextp_next(&walk, &block)) {
        if (done++ < skip)
            continue;
        deep_message(ch, block.data, block.len);
        ch->count->messages++;
    }
    return done;
}

const struct feed_protocol feed_deep10 = {
    .name = "deep10",
    .parse = deep_parse,
    .apply = deep_apply,
};
