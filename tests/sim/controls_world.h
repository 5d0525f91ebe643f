// A market of the simulation with an order of ours in it, and every control that is a limit: how to
// set it so that another order like it is refused. cmocka.h is included before this header.
#pragma once

#include "dataplane/book/book.h"
#include "dataplane/lane/desk_command.h"
#include "dataplane/lane/desk_luld.h"
#include "dataplane/lane/desk_self.h"
#include "tests/sim/trade_world.h"

enum { ACCOUNT = 1, SYMBOL = 4, SHARES = 50, STEPS_MAX = 4000 };

static const struct desk_owner owner = {.account = ACCOUNT, .strategy = TRADE_DRIVER};
static const struct trade_config config = {
    .seed = 11, .steps = 1500, .messages = 3000, .asks = 0, .bands = true};

static uint32_t own;                     // the resting order
static uint32_t bid, ask_low;            // of the book, when it was entered
static bool sells;                       // which side it is on
static const struct ouch_extras *extras; // of another order, null: none
static uint16_t instrument;              // of another order

static struct limit_row *symbol_row(void)
{
    return &sim->limits->symbols[SYMBOL];
}

static struct limit_row *account_row(void)
{
    return &sim->limits->accounts[ACCOUNT];
}

static struct limit_row *strategy_row(void)
{
    return &sim->limits->strategies[TRADE_DRIVER];
}

static struct limit_row *session_row(void)
{
    return &sim->limits->sessions[0];
}

// The symbol's book has both sides: true, with its best prices.
static bool best(void)
{
    const struct channel *ch = &sim->venues[0].channel;
    const uint16_t slot = book_symbol_find(&ch->book, sim->desk.instruments[SYMBOL].symbol);
    if (slot == SYMBOL_NONE || sim->venues[0].session.state != SESSION_READY)
        return false;
    const struct level *b = book_best(&ch->book, &ch->book.symbols[slot], BOOK_BID);
    const struct level *a = book_best(&ch->book, &ch->book.symbols[slot], BOOK_ASK);
    bid = b ? b->price : 0;
    ask_low = a ? a->price : 0;
    return b && a && b->price < a->price && b->price > 20000 &&
           ch->book.symbols[slot].last_price > 0;
}

static struct desk_order passive(void)
{
    return (struct desk_order){.quantity = SHARES,
                               .price = sells ? ask_low : bid,
                               .instrument = instrument,
                               .session = 0,
                               .side = sells ? 'S' : 'B',
                               .time_in_force = '0',
                               .display = 'Y'};
}

// Far enough into the day that there is a market, with an order of ours in it.
static void open_world(bool sell)
{
    sells = sell;
    extras = NULL;
    instrument = SYMBOL;
    trade_open(&config);
    for (uint32_t i = 0; i < STEPS_MAX; i++) {
        trade_step();
        if (i < 200 || !best())
            continue;
        const struct desk_order ask = passive();
        assert_int_equal(desk_enter(&sim->desk, &owner, &ask, &own), REFUSAL_NONE);
        for (uint32_t k = 0; k < 20; k++) // the market stands still, the exchange answers
            trade_step();
        if (orders_at(&sim->desk.orders, own)->life == LIFE_LIVE && best())
            return;
    }
    fail_msg("there never was a market");
}

// --- the controls ---

// An order behind the one that rests, so that it stays open: its index.
static uint32_t one_before(void)
{
    uint32_t index;
    struct desk_order o = passive();
    o.price += sells ? 100 : -100u;
    assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_NONE);
    return index;
}

// What executes at once on the same side, which the market marks down until a limit is broken.
static void lose(void)
{
    struct desk_order o = passive();
    uint32_t index;
    o.price = sells ? bid - 1000 : ask_low + 1000;
    o.time_in_force = '3';
    assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_NONE);
    for (uint32_t i = 0; i < STEPS_MAX && !sim->desk.risk.account_days[ACCOUNT].broken; i++)
        trade_step();
    assert_true(sim->desk.risk.account_days[ACCOUNT].traded > 0);
    assert_int_equal(orders_at(&sim->desk.orders, own)->life, LIFE_LIVE);
    assert_true(best());
}

static void no_halt(void)
{
}
static void halted(void)
{
    account_row()->state = TRADING_HALTED;
}
static void restricted(void)
{
    symbol_row()->symbol.restricted = RESTRICTION_ALL;
}
static void opening_restricted(void)
{
    symbol_row()->symbol.restricted = RESTRICTION_OPENING;
}
static void phase(void)
{
    symbol_row()->symbol.phases = 1u << PHASE_QUOTATION;
}
static void session_rate(void)
{
    session_row()->rate_ticks = 1000000000;
    one_before();
}
static void symbol_rate(void)
{
    symbol_row()->rate_ticks = 1000000000;
    one_before();
}
static void cancel_rate(void)
{
    session_row()->cancel_rate = 1;
    session_row()->price_low = 1000000000;
    session_row()->price_high = 1;
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(desk_cancel(&sim->desk, one_before(), 0), REFUSAL_NONE);
}
static void permission(void)
{
    strategy_row()->forbids = 1u << PERMISSION_DAY;
}
static void sweep(void)
{
    static const struct ouch_extras iso = {.iso = 'Y'};
    extras = &iso;
    account_row()->forbids = 1u << PERMISSION_ISO;
}
static void post_only(void)
{
    static const struct ouch_extras post = {
        .options = {.present = 1u << OUCH50_TAG_POST_ONLY, .post_only = 'P'}};
    extras = &post;
    session_row()->forbids = 1u << PERMISSION_POST_ONLY;
}
static void venues(void)
{
    strategy_row()->venues = ~1u;
}
static void lot(void)
{
    symbol_row()->symbol.lot = 1000;
    symbol_row()->symbol.lot_magic = multiple_magic(1000);
}
static void tick(void)
{
    symbol_row()->symbol.tick = 1999999900;
    symbol_row()->symbol.tick_magic = multiple_magic(1999999900);
}
static void quantity(void)
{
    sim->limits->firm.quantity = SHARES - 1;
}
static void auction(void)
{
    static const struct ouch_extras closing = {.cross = 'C'};
    extras = &closing;
    account_row()->auction_quantity = SHARES - 1;
}
static void notional(void)
{
    session_row()->notional = 1;
}
static void volume(void)
{
    symbol_row()->symbol.volume = SHARES - 1;
}
static void collar(void)
{
    symbol_row()->price_high = 1;
}
static void spread(void)
{
    symbol_row()->symbol.spread = 0;
}
static void last_trade(void)
{
    symbol_row()->symbol.last = 0;
}
static void period(void)
{
    sim->limits->period_ticks = UINT32_MAX;
    symbol_row()->symbol.period = 10000;
    one_before(); // its reference holds those that follow
    symbol_row()->symbol.period = 0;
}
static void marking(void)
{
    symbol_row()->symbol.short_marking = 1;
}
static void locates(void)
{
    symbol_row()->symbol.locates = SHARES;
}
static void repeats(void)
{
    strategy_row()->owner.repeats = 1;
}
static void instruments(void)
{
    strategy_row()->owner.instruments = 1; // which is that of the order that rests
    instrument = SYMBOL - 1;
}
static void day_orders(void)
{
    account_row()->owner.day_orders = 1;
}
static void ratio(void)
{
    session_row()->owner.ratio = 1;
    session_row()->owner.ratio_step = UINT32_MAX;
    habits_limits(&sim->desk.risk);
    one_before();
}
static void open_orders(void)
{
    account_row()->open_orders = 1;
}
static void open_notional(void)
{
    account_row()->open_notional = (uint64_t)SHARES * (sells ? ask_low : bid);
}
static void position(void)
{
    account_row()->position = SHARES;
}
static void gross(void)
{
    account_row()->owner.gross = (uint64_t)SHARES * (sells ? ask_low : bid);
}
static void day_value(void)
{
    strategy_row()->owner.day_value = (uint64_t)SHARES * (sells ? ask_low : bid);
}
static void credit(void)
{
    sim->limits->firm.owner.credit = (uint64_t)SHARES * bid;
}
static void loss(void)
{
    account_row()->owner.loss = 1;
    lose();
}
static void drawdown(void)
{
    account_row()->owner.drawdown = 1;
    lose();
}
static void reducing(void)
{
    session_row()->state = TRADING_REDUCING;
}

// A modify never makes an order larger: sums let it pass.
enum { ENTER = 1, REPLACE = 2, MODIFY = 4, GROWS = ENTER | REPLACE, ALL = GROWS | MODIFY };
enum { BUYS = 1, SELLS = 2, BOTH = BUYS | SELLS };

static const struct control {
    enum refusal refusal;
    void (*set)(void);
    uint32_t sides;
    uint32_t refused; // a change has an order already, and with it a place
} controls[] = {
    {REFUSAL_NONE, no_halt, BOTH, 0},
    {REFUSAL_HALTED, halted, BOTH, ALL},
    {REFUSAL_RESTRICTED, restricted, BOTH, ALL},
    {REFUSAL_RESTRICTED, opening_restricted, BOTH, GROWS},
    {REFUSAL_PHASE, phase, BOTH, ALL},
    {REFUSAL_MESSAGE_RATE, session_rate, BOTH, ALL},
    {REFUSAL_MESSAGE_RATE, symbol_rate, BOTH, ALL},
    {REFUSAL_CANCEL_RATE, cancel_rate, BOTH, ALL},
    {REFUSAL_PERMISSION, permission, BOTH, ALL},
    {REFUSAL_PERMISSION, sweep, BOTH, ENTER}, // the order that rests is neither
    {REFUSAL_PERMISSION, post_only, BOTH, ENTER},
    {REFUSAL_VENUES, venues, BOTH, ALL},
    {REFUSAL_LOT, lot, BOTH, ALL},
    {REFUSAL_TICK, tick, BOTH, GROWS},
    {REFUSAL_QUANTITY, quantity, BOTH, ALL},
    {REFUSAL_AUCTION_QUANTITY, auction, BOTH, ENTER}, // the order that rests is for none
    {REFUSAL_NOTIONAL, notional, BOTH, ALL},
    {REFUSAL_VOLUME, volume, BOTH, ALL},
    {REFUSAL_PRICE_COLLAR, collar, BOTH, ALL},
    {REFUSAL_SPREAD, spread, BOTH, ALL},
    {REFUSAL_LAST_TRADE, last_trade, BOTH, ALL},
    {REFUSAL_PRICE_PERIOD, period, BOTH, ALL},
    {REFUSAL_SHORT_MARK, marking, SELLS, GROWS},
    {REFUSAL_LOCATE, locates, SELLS, GROWS},
    {REFUSAL_REPEATED, repeats, BOTH, ALL},
    {REFUSAL_INSTRUMENTS, instruments, BOTH, ENTER},
    {REFUSAL_DAY_ORDERS, day_orders, BOTH, ALL},
    {REFUSAL_ORDER_RATIO, ratio, BOTH, ALL},
    {REFUSAL_OPEN_ORDERS, open_orders, BOTH, ENTER},
    {REFUSAL_OPEN_NOTIONAL, open_notional, BOTH, GROWS},
    {REFUSAL_POSITION, position, BOTH, GROWS},
    {REFUSAL_GROSS, gross, BOTH, GROWS},
    {REFUSAL_DAY_VALUE, day_value, BOTH, GROWS},
    {REFUSAL_CREDIT, credit, BUYS, GROWS},
    {REFUSAL_LOSS, loss, BOTH, GROWS},
    {REFUSAL_DRAWDOWN, drawdown, BOTH, GROWS},
    {REFUSAL_REDUCING, reducing, BOTH, GROWS},
};

// Three prices off the last trade, so that a band of nothing refuses them.
static uint32_t off_last(void)
{
    const struct channel *ch = &sim->venues[0].channel;
    const uint16_t slot = book_symbol_find(&ch->book, sim->desk.instruments[SYMBOL].symbol);
    const uint32_t price = orders_at(&sim->desk.orders, own)->price;
    return price == ch->book.symbols[slot].last_price ? price + (sells ? 100 : -100u) : price;
}

// --- self-trades ---

static _Atomic uint64_t words[TRADE_SYMBOLS];
static void *self_memory;
static struct self_reach reach = {.lanes = 1, .instruments = TRADE_SYMBOLS, .groups = {words}};

// The firm's policy is set from the first order on.
static void prevent(enum self_trade policy)
{
    const uint64_t bytes = desk_self_bytes(TRADE_ORDERS, TRADE_SYMBOLS);
    self_memory = aligned_alloc(CACHE_LINE, bytes);
    assert_non_null(self_memory);
    memset(self_memory, 0, bytes);
    memset(words, 0, sizeof words);
    assert_int_equal(sim->desk.orders.capacity, TRADE_ORDERS);
    desk_self_init(&sim->desk, self_memory, &reach, 0);
    sim->limits->firm.owner.self_trade = (uint8_t)policy;
    for (uint32_t i = 0; i < sim->desk.orders.capacity; i++) // what is open already
        if (orders_at(&sim->desk.orders, i)->held_orders)
            desk_self_follow(&sim->desk, i);
}

static void end_world(void)
{
    if (self_memory)
        sim->desk.self = NULL;
    free(self_memory);
    self_memory = NULL;
    trade_close();
}

// --- what else stands in the way of an order: it is made so that it is refused ---

static struct channel *channel(void)
{
    return &sim->venues[0].channel;
}

static struct book_symbol *book(void)
{
    const uint16_t slot = book_symbol_find(&channel()->book, sim->desk.instruments[SYMBOL].symbol);
    return &channel()->book.symbols[slot];
}

static void killed(struct desk_order *o)
{
    (void)o;
    kill_ask(&sim->desk.kills[KILL_BY_OPERATOR], TRADE_STRATEGY, TRADE_DRIVER);
}
static void no_journal(struct desk_order *o)
{
    (void)o;
    sim->desk.risk.event_credit_min = RISK_NO_RECORD;
}
static void no_credit(struct desk_order *o)
{
    (void)o;
    sim->desk.risk.event_credit_min = UINT32_MAX;
}
static void no_session(struct desk_order *o)
{
    (void)o;
    sim->venues[0].session.halted = true;
}
static void quarantined(struct desk_order *o)
{
    (void)o;
    sim->desk.risk.symbols[SYMBOL].quarantined = true;
}
static void at_market(struct desk_order *o)
{
    o->price = OUCH50_PRICE_MARKET;
}
static void too_large(struct desk_order *o)
{
    o->quantity = 1000000;
}
static void too_dear(struct desk_order *o)
{
    o->price = 1999999901;
}
static void too_far(struct desk_order *o)
{
    symbol_row()->symbol.touch = 1000;
    o->price = ask_low + ask_low / 10 + 1;
}
static void out_of_band(struct desk_order *o)
{
    limit_band_set(symbol_row(), o->price + 1, UINT32_MAX);
}
static void no_last(struct desk_order *o)
{
    (void)o;
    symbol_row()->symbol.last = 0;
    book()->last_price = 0;
}
static void short_rule(struct desk_order *o)
{
    o->side = 'T';
    book()->flags |= SYMBOL_SHORT_RESTRICTED;
}
static void stale(struct desk_order *o)
{
    (void)o;
    channel()->quality = QUALITY_STALE;
    symbol_row()->quality = QUALITY_GOOD;
}

static void no_window(struct desk_order *o)
{
    (void)o;
    sim->venues[0].busy = true;
}
// No trade was heard yet, and a band is needed.
static void no_estimate(struct desk_order *o)
{
    (void)o;
    sim->limits->luld = (struct luld_hours){1, LULD_NEVER_S - 1, 0};
    desk_luld_limits(&sim->desk);
    symbol_row()->symbol.band_estimate = symbol_row()->symbol.band_needed = true;
    channel()->luld.of[book() - channel()->book.symbols].reference = 0;
}

static void again(struct desk_order *o)
{
    uint32_t index;
    account_row()->owner.duplicates = 1;
    account_row()->owner.duplicate_window = 1 << 30;
    o->price -= 100;
    assert_int_equal(desk_enter(&sim->desk, &owner, o, &index), REFUSAL_NONE);
}
static void meets_own(struct desk_order *o)
{
    prevent(SELF_TRADE_NEWEST);
    o->side = sells ? 'B' : 'S';
    o->price = orders_at(&sim->desk.orders, own)->price;
}

static const struct standing {
    enum refusal refusal;
    void (*set)(struct desk_order *o);
} standings[] = {
    {REFUSAL_KILLED, killed},
    {REFUSAL_JOURNAL, no_journal},
    {REFUSAL_EVENT_CREDIT, no_credit},
    {REFUSAL_SESSION_DOWN, no_session},
    {REFUSAL_SESSION_BUSY, no_window},
    {REFUSAL_SYMBOL_QUARANTINED, quarantined},
    {REFUSAL_BOOK_QUALITY, stale},
    {REFUSAL_MARKET, at_market},
    {REFUSAL_QUANTITY_RANGE, too_large},
    {REFUSAL_PRICE_RANGE, too_dear},
    {REFUSAL_LULD, out_of_band},
    {REFUSAL_LULD_ESTIMATED, no_estimate},
    {REFUSAL_REFERENCE, no_last},
    {REFUSAL_TOUCH, too_far},
    {REFUSAL_SHORT_RESTRICTED, short_rule},
    {REFUSAL_DUPLICATE, again},
    {REFUSAL_SELF_TRADE, meets_own},
};
