#include "dataplane/feed/itch_state.h"

#include <string.h>

#include "dataplane/feed/publish.h"
#include "dataplane/feed/told.h"
#include "dataplane/wire/itch50.h"

void itch_refuse(struct channel *ch, const uint8_t *p, uint32_t len)
{
    if (len == 0)
        return; // legal: the number is used up, there is nothing to deliver
    if (itch50_length(p[0]) == 0)
        ch->count->unknown_type++;
    else
        ch->count->bad_length++;
}

void itch_bad_field(struct channel *ch, uint16_t slot)
{
    ch->count->bad_field++;
    if (slot == SYMBOL_NONE)
        return;
    ch->book.symbols[slot].flags |= SYMBOL_SUSPECT;
    symbol_requalify(ch, slot);
}

static void symbol_named(struct channel *ch, uint16_t slot, const char *stock)
{
    if (!book_symbol_name(&ch->book, slot, stock))
        ch->count->symbol_conflicts++;
    symbol_name_publish(&ch->names[slot], ch->book.symbols[slot].locate, ch->book.infos[slot].name);
}

// Slot of a locate, opened if it is new.
static uint16_t slot_open(struct channel *ch, uint16_t locate, const char *stock)
{
    uint16_t slot = ch->book.slot_of_locate[locate];
    if (slot != SYMBOL_NONE)
        return slot;
    slot = book_symbol_open(&ch->book, locate);
    if (slot == SYMBOL_NONE) {
        ch->count->symbols_refused++;
        return slot;
    }
    ch->count->symbols = ch->book.symbol_count;
    symbol_named(ch, slot, stock);
    symbol_requalify(ch, slot);
    return slot;
}

uint16_t itch_symbol_open(struct channel *ch, uint16_t locate, const char *stock)
{
    return locate == 0 ? SYMBOL_NONE : slot_open(ch, locate, stock);
}

// --- prints ---

// Remembers an execution by its day-unique match number. Direct-mapped: numbers grow, so what a
// broken trade names is there unless <matches> later executions have come since.
static void match_remember(struct book *book, uint32_t slot, uint64_t number, uint64_t shares,
                           uint32_t price)
{
    book->matches[number & (book->config.matches - 1)] =
        (struct book_match){.number = number, .shares = shares, .price = price, .slot = slot};
}

// Odd lots are no last sale, so no eligible trade of the plan.
static __attribute__((noinline)) void band_traded(struct channel *ch, uint32_t slot,
                                                  uint32_t shares, uint32_t price)
{
    const uint32_t round_lot = ch->book.infos[slot].round_lot;
    if (shares >= (round_lot ? round_lot : 100))
        luld_trade(&ch->luld, slot, ch->book_number, ch->time_ns, price);
}

// Without a price (the order is not known) it is volume all the same, but no last trade.
static void printed(struct channel *ch, uint32_t slot, uint64_t match, uint32_t shares,
                    uint32_t price)
{
    struct book_symbol *sym = &ch->book.symbols[slot];
    sym->volume += shares;
    if (price) {
        sym->last_price = price;
        sym->last_shares = shares;
        if (UNLIKELY(ch->luld.of != NULL))
            band_traded(ch, slot, shares, price);
    }
    ch->count->printed_shares += shares;
    match_remember(&ch->book, slot, match, shares, price);
    symbol_publish(ch, slot);
}

void itch_executed(struct channel *ch, uint32_t slot, uint64_t match, uint32_t shares,
                   uint32_t price, bool printable, uint32_t result)
{
    ch->count->executed_shares += shares;
    if (result & BOOK_FOREIGN)
        price = 0;
    if (printable)
        printed(ch, slot, match, shares, price);
}

uint32_t itch_unannounced(struct channel *ch, const uint8_t *p)
{
    if (p[0] == ITCH50_EXECUTED || p[0] == ITCH50_EXECUTED_PRICE) {
        uint32_t shares = itch50_executed_shares(p);
        ch->count->executed_shares += shares;
        if (p[0] == ITCH50_EXECUTED || itch50_executed_price_printable(p) == 'Y')
            ch->count->printed_shares += shares;
    }
    return BOOK_UNKNOWN;
}

// --- one handler per type ---

static void on_system_event(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    (void)slot;
    told_system_event(ch, (uint8_t)itch50_system_event_event(p));
}

static void on_directory(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    struct itch50_directory m;
    itch50_directory_read(p, &m);
    channel_announced(ch, m.locate, m.stock);
    if (!channel_wants(ch, m.locate))
        return;
    slot = itch_symbol_open(ch, m.locate, m.stock);
    if (slot == SYMBOL_NONE)
        return;
    struct symbol_info *info = &ch->book.infos[slot];
    ch->book.symbols[slot].flags |= SYMBOL_KNOWN;
    info->market_category = m.market_category;
    info->financial_status = m.financial_status;
    info->round_lot = m.round_lot;
    info->round_lots_only = m.round_lots_only;
    info->classification = m.classification;
    memcpy(info->sub_type, m.sub_type, sizeof info->sub_type);
    info->authenticity = m.authenticity;
    info->short_threshold = m.short_sale_threshold;
    info->ipo_flag = m.ipo_flag;
    info->luld_tier = m.luld_tier;
    info->etp_flag = m.etp_flag;
    info->etp_leverage = m.etp_leverage;
    info->inverse = m.inverse;
    symbol_requalify(ch, slot);
}

static void on_trading_action(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    const char state = itch50_trading_action_state(p);
    if (!letter_in(state, "HPQT")) {
        itch_bad_field(ch, slot);
        return;
    }
    ch->book.symbols[slot].trading_state = (uint8_t)state;
    memcpy(ch->book.infos[slot].halt_reason, itch50_trading_action_reason(p), 4);
    if (UNLIKELY(ch->luld.of != NULL) && state != 'Q')
        luld_halt(&ch->luld, slot, ch->book_number, itch50_timestamp_ns(p), state != 'T');
    told_status(ch, slot);
    symbol_requalify(ch, slot);
}

// Only Nasdaq's own market code concerns this book; B and X are the sister markets.
static void on_operational_halt(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    const char market = itch50_operational_halt_market(p),
               action = itch50_operational_halt_action(p);
    if (!letter_in(market, "QBX") || !letter_in(action, "HT")) {
        itch_bad_field(ch, slot);
        return;
    }
    if (market != 'Q')
        return;
    struct book_symbol *sym = &ch->book.symbols[slot];
    if (action == 'H')
        sym->flags |= SYMBOL_OP_HALT;
    else
        sym->flags &= (uint8_t)~SYMBOL_OP_HALT;
    told_status(ch, slot);
    symbol_requalify(ch, slot);
}

static void on_reg_sho(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    char action = itch50_reg_sho_action(p);
    if (!letter_in(action, "012")) {
        itch_bad_field(ch, slot);
        return;
    }
    ch->book.infos[slot].reg_sho = action;
    if (action == '0')
        ch->book.symbols[slot].flags &= (uint8_t)~SYMBOL_SHORT_RESTRICTED;
    else
        ch->book.symbols[slot].flags |= SYMBOL_SHORT_RESTRICTED;
}

static void on_participant(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    struct itch50_participant m;
    uint32_t mpid;
    itch50_participant_read(p, &m);
    memcpy(&mpid, m.mpid, sizeof mpid);
    struct participant *position = participants_get(&ch->participants, m.locate, mpid);
    if (position == NULL) {
        ch->count->participants_refused++;
        return;
    }
    struct symbol_info *info = &ch->book.infos[slot];
    info->market_makers -= position->state == 'A';
    position->state = m.state;
    position->flags = m.primary == 'Y' ? PARTICIPANT_PRIMARY : 0;
    info->market_makers += position->state == 'A';
}

static void on_mwcb_levels(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    (void)slot;
    ch->market.mwcb_levels[0] = itch50_mwcb_levels_level1(p);
    ch->market.mwcb_levels[1] = itch50_mwcb_levels_level2(p);
    ch->market.mwcb_levels[2] = itch50_mwcb_levels_level3(p);
}

// A breach halts every symbol; the exchange then says T per symbol when it trades again. The
// symbols are marked by their own H messages; this one is the early warning.
static void on_mwcb_status(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    (void)slot;
    if (!letter_in(itch50_mwcb_status_level(p), "123")) {
        itch_bad_field(ch, SYMBOL_NONE);
        return;
    }
    told_breaker(ch, (uint8_t)itch50_mwcb_status_level(p));
}

// The text says locate 0 although the message names a stock: keyed by name.
static void on_ipo_quoting(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    slot = book_symbol_find(&ch->book, itch50_ipo_quoting_stock(p));
    if (slot == SYMBOL_NONE) {
        ch->count->unknown_locate++;
        return;
    }
    struct symbol_info *info = &ch->book.infos[slot];
    info->ipo_time_s = itch50_ipo_quoting_release_s(p);
    info->ipo_qualifier = itch50_ipo_quoting_qualifier(p);
    info->ipo_price = itch50_ipo_quoting_price(p);
}

static void on_luld_collar(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    struct symbol_info *info = &ch->book.infos[slot];
    info->collar_reference = itch50_luld_collar_reference_price(p);
    info->collar_upper = itch50_luld_collar_upper_price(p);
    info->collar_lower = itch50_luld_collar_lower_price(p);
    info->collar_extension = itch50_luld_collar_extension(p);
}

static void on_trade(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    printed(ch, slot, itch50_trade_match(p), itch50_trade_shares(p), itch50_trade_price(p));
    ch->count->hidden_shares += itch50_trade_shares(p);
}

static void on_cross(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    struct symbol_info *info = &ch->book.infos[slot];
    info->cross_shares = itch50_cross_shares(p);
    info->cross_price = itch50_cross_price(p);
    info->last_cross_type = itch50_cross_cross_type(p);
    if (UNLIKELY(ch->luld.of != NULL) && letter_in(info->last_cross_type, "OH"))
        luld_auction(&ch->luld, slot, ch->book_number, itch50_timestamp_ns(p), info->cross_price,
                     info->cross_shares, info->last_cross_type == 'O');
    if (info->cross_shares == 0)
        return; // sent for every issue, also where nothing crossed
    struct book_symbol *sym = &ch->book.symbols[slot];
    sym->volume += info->cross_shares;
    ch->count->cross_shares += info->cross_shares;
    match_remember(&ch->book, slot, itch50_cross_match(p), info->cross_shares, info->cross_price);
    sym->last_price = info->cross_price;
    sym->last_shares = info->cross_shares > UINT32_MAX ? UINT32_MAX : (uint32_t)info->cross_shares;
    symbol_publish(ch, slot);
}

static void on_broken_trade(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    uint64_t number = itch50_broken_trade_match(p);
    struct book_match *match = &ch->book.matches[number & (ch->book.config.matches - 1)];
    ch->count->broken_trades++;
    if (number == 0 || match->number != number || match->slot != slot) {
        ch->count->broken_unmatched++;
        return;
    }
    ch->book.symbols[slot].volume -= match->shares;
    match->number = 0;
    symbol_publish(ch, slot);
}

static void on_imbalance(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    ch->book.infos[slot].imbalance = (struct symbol_imbalance){
        .paired_shares = itch50_imbalance_paired_shares(p),
        .imbalance_shares = itch50_imbalance_imbalance_shares(p),
        .far_price = itch50_imbalance_far_price(p),
        .near_price = itch50_imbalance_near_price(p),
        .reference_price = itch50_imbalance_reference_price(p),
        .direction = itch50_imbalance_direction(p),
        .cross_type = itch50_imbalance_cross_type(p),
        .variation = itch50_imbalance_price_variation(p),
    };
}

static void on_rpii(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    ch->book.infos[slot].retail_interest = itch50_rpii_interest(p);
}

static void on_direct_listing(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    struct symbol_info *info = &ch->book.infos[slot];
    info->dlcr_eligible = itch50_direct_listing_open_eligibility(p);
    info->dlcr_min = itch50_direct_listing_minimum_price(p);
    info->dlcr_max = itch50_direct_listing_maximum_price(p);
    info->dlcr_near = itch50_direct_listing_near_price(p);
    info->dlcr_near_time = itch50_direct_listing_near_time_ns(p);
    info->dlcr_lower = itch50_direct_listing_lower_price(p);
    info->dlcr_upper = itch50_direct_listing_upper_price(p);
}

// Which handler, and whether it needs a symbol that the directory (or an order) has announced.
static const struct state_handler {
    void (*apply)(struct channel *ch, const uint8_t *p, uint16_t slot);
    bool no_symbol;
} handlers[256] = {
    [ITCH50_SYSTEM_EVENT] = {on_system_event, true},
    [ITCH50_DIRECTORY] = {on_directory, true},
    [ITCH50_TRADING_ACTION] = {on_trading_action, false},
    [ITCH50_REG_SHO] = {on_reg_sho, false},
    [ITCH50_PARTICIPANT] = {on_participant, false},
    [ITCH50_MWCB_LEVELS] = {on_mwcb_levels, true},
    [ITCH50_MWCB_STATUS] = {on_mwcb_status, true},
    [ITCH50_IPO_QUOTING] = {on_ipo_quoting, true},
    [ITCH50_LULD_COLLAR] = {on_luld_collar, false},
    [ITCH50_OPERATIONAL_HALT] = {on_operational_halt, false},
    [ITCH50_TRADE] = {on_trade, false},
    [ITCH50_CROSS] = {on_cross, false},
    [ITCH50_BROKEN_TRADE] = {on_broken_trade, false},
    [ITCH50_IMBALANCE] = {on_imbalance, false},
    [ITCH50_RPII] = {on_rpii, false},
    [ITCH50_DIRECT_LISTING] = {on_direct_listing, false},
};

void itch_state(struct channel *ch, const uint8_t *p, uint16_t slot)
{
    const struct state_handler *handler = &handlers[p[0]];
    // Announced by name in a message of its own: the directory entry was lost or comes later.
    if (slot == SYMBOL_NONE && !handler->no_symbol && p[0] == ITCH50_TRADE)
        slot = itch_symbol_open(ch, itch50_locate(p), itch50_trade_stock(p));
    if (slot == SYMBOL_NONE && !handler->no_symbol) {
        ch->count->unknown_locate++;
        return;
    }
    handler->apply(ch, p, slot);
}

void itch_trouble(struct channel *ch, const uint8_t *p, uint16_t slot, uint32_t result)
{
    struct channel_counters *count = ch->count;
    count->unknown_reference += (result & BOOK_UNKNOWN) != 0;
    count->foreign_reference += (result & BOOK_FOREIGN) != 0;
    count->duplicate_reference += (result & BOOK_DUPLICATE) != 0;
    count->reduce_clamped += (result & BOOK_CLAMPED) != 0;
    count->orders_empty += (result & BOOK_EMPTY) != 0;
    count->orders_refused += (result & BOOK_FULL) != 0;
    if (slot == SYMBOL_NONE) {
        count->unknown_locate++;
        return;
    }
    struct book_symbol *sym = &ch->book.symbols[slot];
    if (result & BOOK_FULL && !(sym->flags & SYMBOL_SUSPECT)) {
        struct event event = {.type = EVENT_BOOK_FULL};
        event.book_full.channel = ch->index;
        event.book_full.locate = sym->locate;
        event.book_full.reference = itch50_ref(p);
        event.book_full.orders_live = ch->book.orders_live;
        event.book_full.levels_live = ch->book.levels_live;
        ch->sink.event(ch->sink.context, &event);
    }
    sym->flags |= SYMBOL_SUSPECT;
    symbol_requalify(ch, slot);
}
