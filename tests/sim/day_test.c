// What the files of the day make tighter, through the whole dataplane: books come from the lines,
// an order rests at the exchange, the day's files say that it may not be, and then that it may
// again. Nothing leaves meanwhile but cancels.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/book/book.h"
#include "dataplane/config/bands.h"
#include "dataplane/config/calendar.h"
#include "dataplane/config/restricted.h"
#include "dataplane/config/windows.h"
#include "dataplane/control/day.h"
#include "dataplane/lane/desk_luld.h"
#include "tests/sim/trade_world.h"

enum { ACCOUNT = 1, SYMBOL = 4, SHARES = 50, STEPS_MAX = 4000, OPEN_S = 34200 };

static const struct desk_owner owner = {.account = ACCOUNT, .strategy = TRADE_DRIVER};
static const struct trade_config world = {
    .seed = 11, .steps = 1500, .messages = 3000, .bands = true};

static struct config config;
static struct day day;
static struct limit_table *untouched; // as it was filled
static char names[TRADE_SYMBOLS][8];
static uint32_t own, bid, ask_low;

static uint64_t table_bytes(void)
{
    return sizeof *sim->limits + sim->limits->symbol_count * sizeof sim->limits->symbols[0];
}

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
    return b && a && b->price < a->price && b->price > 20000;
}

static enum refusal enter(uint32_t quantity, char side)
{
    const struct desk_order ask = {.quantity = quantity,
                                   .price = side == 'B' ? bid : ask_low,
                                   .instrument = SYMBOL,
                                   .session = 0,
                                   .side = side,
                                   .time_in_force = '0',
                                   .display = 'Y'};
    return desk_enter(&sim->desk, &owner, &ask, &own);
}

static void steps(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        trade_step();
}

// Far enough into the day that there is a market, with an order of ours in it; the names of the
// symbols are known from then on.
static void open_world(void)
{
    struct error err = {0};
    trade_open(&world);
    for (uint32_t i = 0; i < STEPS_MAX; i++) {
        trade_step();
        if (i < 200 || !best())
            continue;
        assert_int_equal(enter(SHARES, 'B'), REFUSAL_NONE);
        steps(20);
        if (orders_at(&sim->desk.orders, own)->life == LIFE_LIVE && best())
            break;
    }
    assert_true(bid && ask_low);
    for (uint32_t i = 0; i < TRADE_SYMBOLS; i++)
        memcpy(names[i], sim->desk.instruments[i].symbol, sizeof names[i]);
    memset(&config, 0, sizeof config);
    memset(&day, 0, sizeof day);
    config.symbol_count = 1;
    config.symbols[0].names = (struct config_symbols){names, TRADE_SYMBOLS};
    strcpy(config.day.date, "2026-11-23");
    day.config = &config;
    day.today = day_wanted(&config, (struct local_time){0});
    assert_true(symbol_index_make(&day.index, &config, &err));
    day.force = calloc(1, sizeof *day.force + TRADE_SYMBOLS * sizeof day.force->symbols[0]);
    untouched = malloc(table_bytes());
    assert_true(day.force && untouched);
    day.force->count = TRADE_SYMBOLS;
    memcpy(untouched, sim->limits, table_bytes());
}

static void close_world(void)
{
    day_close(&day);
    free(untouched);
    trade_close();
}

// One row, of the symbol unless <head> ends before its place.
static void file_read(enum day_file file, const struct sheet_kind *kind,
                      bool (*check)(struct sheet *, const struct config *,
                                    const struct symbol_index *, int32_t, struct error *),
                      const char *head, const char *values)
{
    struct error err = {0};
    char text[512];
    snprintf(text, sizeof text, "%s%.8s%s", head, sim->desk.instruments[SYMBOL].symbol, values);
    sheet_free(&day.sheets[file]);
    if (!sheet_read(&day.sheets[file], kind, "f.csv", text, strlen(text), &err) ||
        !check(&day.sheets[file], &config, &day.index, day.today, &err))
        fail_msg("%s", err.text);
}

// The lane's table, as the main lcore makes it at a time of the day.
static void clock_is(uint32_t second)
{
    const uint32_t version = sim->limits->version;
    day_force_make(day.sheets, (struct local_time){day.today, second}, day.force);
    memcpy(sim->limits, untouched, table_bytes());
    day_tighten(&day, true, sim->limits);
    sim->limits->version = version + 1;
}

static void sent_nothing(uint32_t quantity, char side, enum refusal refusal)
{
    const uint64_t sent = sim->venues[0].session.count.sent;
    const uint32_t open = sim->desk.risk.firm.orders;
    const enum refusal got = enter(quantity, side);
    if (got != refusal)
        fail_msg("%s instead of %s", refusal_name(got), refusal_name(refusal));
    assert_int_equal(sim->venues[0].session.count.sent, sent);
    assert_int_equal(sim->desk.risk.firm.orders, open);
}

static void a_list_from_and_until(void **state)
{
    (void)state;
    open_world();
    const uint32_t resting = own;
    file_read(DAY_RESTRICTED, &restricted_kind, restricted_check,
              "tickgate,restricted,1,2026-11-23\nsymbol,restriction,from,until\n",
              ",all,09:30,09:31\n");
    clock_is(OPEN_S - 1);
    assert_int_equal(enter(SHARES, 'B'), REFUSAL_NONE);
    clock_is(OPEN_S);
    sent_nothing(SHARES, 'B', REFUSAL_RESTRICTED);
    sent_nothing(SHARES, 'S', REFUSAL_RESTRICTED);
    assert_int_equal(desk_replace(&sim->desk, &owner, resting, 2 * SHARES, bid),
                     REFUSAL_RESTRICTED);
    assert_int_equal(desk_cancel(&sim->desk, resting, 0), REFUSAL_NONE); // always passes
    steps(20);
    assert_int_equal(orders_at(&sim->desk.orders, resting)->life, LIFE_DEAD);
    clock_is(OPEN_S + 60);
    assert_true(best());
    assert_int_equal(enter(SHARES, 'B'), REFUSAL_NONE);
    close_world();
}

// An order that fits into the limit does not fit into what a window leaves of it.
static void a_window_leaves_a_part(void **state)
{
    (void)state;
    open_world();
    const uint32_t resting = own;
    file_read(DAY_WINDOWS, &windows_kind, windows_check,
              "tickgate,windows,1,2026-11-23,2026-11-23\ndays,from,until,percent,symbol\n"
              "mon,09:30,09:31,50,",
              "\n");
    untouched->symbols[SYMBOL].quantity = 2 * SHARES - 1;
    clock_is(OPEN_S - 1);
    assert_int_equal(enter(SHARES, 'B'), REFUSAL_NONE);
    clock_is(OPEN_S);
    sent_nothing(SHARES, 'B', REFUSAL_QUANTITY);
    assert_int_equal(desk_replace(&sim->desk, &owner, resting, SHARES, bid), REFUSAL_QUANTITY);
    assert_int_equal(enter(SHARES - 1, 'B'), REFUSAL_NONE);
    assert_int_equal(desk_cancel(&sim->desk, resting, 0), REFUSAL_NONE);
    clock_is(OPEN_S + 60);
    assert_int_equal(enter(SHARES, 'B'), REFUSAL_NONE);
    close_world();
}

static enum refusal enter_at(uint32_t price, char side)
{
    bid = ask_low = price;
    return enter(SHARES, side);
}

// Inside, at and outside of a band that moves; without one a symbol that needs one is not traded.
static void bands_come_and_go(void **state)
{
    (void)state;
    open_world();
    const uint32_t resting = own, price = bid, low = price - 200, high = price + 300;
    char band[128];
    snprintf(band, sizeof band, ",%u.%04u,%u.%04u,09:30,09:31\n", low / 10000, low % 10000,
             high / 10000, high % 10000);
    file_read(DAY_BANDS, &bands_kind, bands_check,
              "tickgate,bands,1,2026-11-23\nsymbol,low,high,from,until\n", band);
    clock_is(OPEN_S - 1);
    assert_int_equal(enter_at(low - 1, 'B'), REFUSAL_NONE);
    clock_is(OPEN_S);
    for (uint32_t side = 0; side < 2; side++) {
        const char letter = side ? 'S' : 'B';
        bid = ask_low = low - 1;
        sent_nothing(SHARES, letter, REFUSAL_LULD);
        bid = ask_low = high + 1;
        sent_nothing(SHARES, letter, REFUSAL_LULD);
        assert_int_equal(enter_at(side ? high : low, letter), REFUSAL_NONE);
        assert_int_equal(enter_at(side ? high - 1 : low + 1, letter), REFUSAL_NONE);
    }
    assert_int_equal(desk_replace(&sim->desk, &owner, resting, SHARES, high + 1), REFUSAL_LULD);
    assert_int_equal(desk_replace(&sim->desk, &owner, resting, SHARES, low), REFUSAL_NONE);
    clock_is(OPEN_S + 60); // it is over
    assert_int_equal(enter_at(low - 1, 'B'), REFUSAL_NONE);
    untouched->symbols[SYMBOL].symbol.band_needed = 1;
    clock_is(OPEN_S + 61);
    bid = price;
    sent_nothing(SHARES, 'B', REFUSAL_LULD);
    steps(100); // the replace is answered
    assert_int_equal(desk_cancel(&sim->desk, resting, 0), REFUSAL_NONE);
    untouched->symbols[SYMBOL].symbol.no_reference = NO_REFERENCE_PASSES;
    clock_is(OPEN_S + 62);
    assert_int_equal(enter_at(low - 1, 'B'), REFUSAL_NONE);
    close_world();
}

static void past(uint32_t price, uint32_t edge)
{
    const struct event_writer *w = &sim->lane.trading;
    for (uint32_t side = 0; side < 2; side++) {
        bid = ask_low = price;
        sent_nothing(SHARES, side ? 'S' : 'B', REFUSAL_LULD_ESTIMATED);
        const struct event *e = &w->slots[(w->tail - 1) & w->mask];
        assert_true(e->type == EVENT_DECISION && e->decision.scope == TRADE_SYMBOL);
        assert_true(e->decision.value == price && e->decision.limit == edge);
    }
}

// What `show book` says, and that looking changes nothing that an order is judged by.
static void band_shows(enum band_source want, uint32_t low, uint32_t high)
{
    const struct channel *ch = &sim->venues[0].channel;
    const uint16_t slot = book_symbol_find(&ch->book, sim->desk.instruments[SYMBOL].symbol);
    const struct luld_symbol before = ch->luld.of[slot];
    uint32_t is_low = 0, is_high = 0;
    assert_int_equal(desk_luld_shown(&sim->desk, ch, slot, SYMBOL, &is_low, &is_high), want);
    if (want == BAND_OF_FILE || want == BAND_ESTIMATED)
        assert_true(is_low == low && is_high == high);
    assert_memory_equal(&ch->luld.of[slot], &before, sizeof before);
    assert_int_equal(desk_luld_shown(&sim->desk, ch, slot, SYMBOL + 1, &is_low, &is_high),
                     BAND_NONE); // another one's row
    assert_int_equal(desk_luld_shown(&sim->desk, ch, slot, UINT32_MAX, &is_low, &is_high),
                     BAND_NONE);
}

// The band that the lane itself has worked out from what it heard: 5 % around the opening cross and
// the trades since. Inside, at and outside of it; a band of the file goes before it; where none can
// be known no_reference decides; on a day without trading there is none.
static void bands_are_estimated(void **state)
{
    (void)state;
    open_world();
    const uint32_t resting = own, price = bid;
    struct channel *ch = &sim->venues[0].channel;
    const uint16_t slot = book_symbol_find(&ch->book, sim->desk.instruments[SYMBOL].symbol);
    const uint32_t reference = ch->luld.of[slot].reference;
    assert_true(reference > 30000 && ch->book.infos[slot].luld_tier == '1');
    const uint32_t low = reference - reference / 20, high = reference + reference / 20;
    clock_is(OPEN_S);
    assert_int_equal(enter_at(low - 1, 'B'), REFUSAL_NONE); // nothing is asked for
    band_shows(BAND_NONE, 0, 0);
    untouched->symbols[SYMBOL].symbol.band_estimate = 1;
    clock_is(OPEN_S);
    band_shows(BAND_ESTIMATED, low, high);
    past(low - 1, low);
    past(high + 1, high);
    for (uint32_t side = 0; side < 2; side++) {
        const char letter = side ? 'S' : 'B';
        assert_int_equal(enter_at(side ? high : low, letter), REFUSAL_NONE);
        assert_int_equal(enter_at(side ? high - 1 : low + 1, letter), REFUSAL_NONE);
    }
    assert_int_equal(desk_replace(&sim->desk, &owner, resting, SHARES, high + 1),
                     REFUSAL_LULD_ESTIMATED);
    char band[128];
    snprintf(band, sizeof band, ",%u.%04u,%u.%04u,09:30,09:31\n", low / 10000, low % 10000,
             (high + 1) / 10000, (high + 1) % 10000);
    file_read(DAY_BANDS, &bands_kind, bands_check,
              "tickgate,bands,1,2026-11-23\nsymbol,low,high,from,until\n", band);
    clock_is(OPEN_S);
    assert_int_equal(enter_at(high + 1, 'S'), REFUSAL_NONE);
    band_shows(BAND_OF_FILE, low, high + 1);
    bid = low - 1;
    sent_nothing(SHARES, 'B', REFUSAL_LULD);
    clock_is(OPEN_S + 60);
    past(high + 1, high);
    ch->luld.of[slot].reference = ch->luld.of[slot].trades = 0; // as before the first trade
    assert_int_equal(enter_at(low - 1, 'B'), REFUSAL_NONE);
    untouched->symbols[SYMBOL].symbol.band_needed = 1;
    clock_is(OPEN_S + 60);
    past(price, 0);
    band_shows(BAND_UNKNOWN, 0, 0);
    assert_int_equal(desk_cancel(&sim->desk, resting, 0), REFUSAL_NONE);
    untouched->symbols[SYMBOL].symbol.no_reference = NO_REFERENCE_PASSES;
    clock_is(OPEN_S + 60);
    assert_int_equal(enter_at(price, 'B'), REFUSAL_NONE);
    untouched->symbols[SYMBOL].symbol.no_reference = NO_REFERENCE_REFUSES;
    file_read(DAY_CALENDAR, &calendar_kind, calendar_check,
              "tickgate,calendar,1,2026-01-01,2026-12-31\ndays,open,close,name\n2026-11-23,,,",
              "\n");
    clock_is(OPEN_S + 60);
    desk_luld_limits(&sim->desk);
    assert_int_equal(enter_at(low - 1, 'B'), REFUSAL_NONE);
    close_world();
}

// A market order stops at the estimated band, on a cent within it; a price that is missing
// elsewhere the band does not make up for.
static void market_orders_stop_at_the_estimate(void **state)
{
    (void)state;
    open_world();
    struct channel *ch = &sim->venues[0].channel;
    const uint16_t slot = book_symbol_find(&ch->book, sim->desk.instruments[SYMBOL].symbol);
    const uint32_t reference = bid / 2000 * 2000 + 1020, width = reference / 20;
    assert_true(reference > 30000 && (reference - width) % 100 && (reference + width) % 100);
    ch->luld.of[slot].reference = reference;
    ch->luld.of[slot].reference_s = LULD_NEVER_S; // stays
    untouched->symbols[SYMBOL].symbol.band_estimate = 1;
    untouched->accounts[ACCOUNT].owner.market = MARKET_CONVERTED;
    clock_is(OPEN_S);
    for (uint32_t side = 0; side < 2; side++) {
        assert_int_equal(enter_at(OUCH50_PRICE_MARKET, side ? 'S' : 'B'), REFUSAL_NONE);
        assert_int_equal(orders_at(&sim->desk.orders, own)->price,
                         side ? (reference - width + 99) / 100 * 100
                              : (reference + width) / 100 * 100);
    }
    untouched->symbols[SYMBOL].symbol.last = 1000;
    untouched->symbols[SYMBOL].symbol.previous_close = 0;
    ch->book.symbols[slot].last_price = 0;
    clock_is(OPEN_S);
    for (uint32_t side = 0; side < 2; side++) {
        bid = ask_low = OUCH50_PRICE_MARKET;
        sent_nothing(SHARES, side ? 'S' : 'B', REFUSAL_MARKET);
    }
    close_world();
}

// What the feed says counts before the calendar; where it says nothing the calendar does.
static void the_calendar_stands_in_for_the_feed(void **state)
{
    (void)state;
    open_world();
    struct channel *ch = &sim->venues[0].channel;
    file_read(DAY_CALENDAR, &calendar_kind, calendar_check,
              "tickgate,calendar,1,2026-01-01,2026-12-31\ndays,open,close,name\n"
              "mon-fri,09:30,16:00,",
              "\n");
    untouched->symbols[SYMBOL].symbol.phases = 1u << PHASE_TRADING;
    clock_is(OPEN_S - 1);
    ch->market.system_event = 'Q';
    assert_int_equal(enter(SHARES, 'B'), REFUSAL_NONE);
    ch->market.system_event = 0;
    sent_nothing(SHARES, 'B', REFUSAL_PHASE);
    clock_is(OPEN_S);
    assert_int_equal(enter(SHARES, 'B'), REFUSAL_NONE);
    ch->market.system_event = 'M';
    sent_nothing(SHARES, 'B', REFUSAL_PHASE);
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_from_and_until),
        cmocka_unit_test(a_window_leaves_a_part),
        cmocka_unit_test(bands_come_and_go),
        cmocka_unit_test(bands_are_estimated),
        cmocka_unit_test(market_orders_stop_at_the_estimate),
        cmocka_unit_test(the_calendar_stands_in_for_the_feed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
