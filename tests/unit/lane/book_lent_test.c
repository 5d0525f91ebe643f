// While the main lcore fills the book of a snapshot the lane reads nothing of it: whatever stands
// there is half of something, and no replay would find the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_luld.h"
#include "dataplane/lane/desk_parts.h"
#include "tests/lib/two_venues.h"

enum { A, B };
enum { BID = 999900, ASK = 1000000, MAD = 4242 };

static const struct desk_owner who = {.account = 1, .strategy = 2};

static struct channel *lent(void)
{
    return &w->venues[A].channel;
}

static struct book_symbol *symbol_of(uint32_t instrument)
{
    struct book *book = &lent()->book;
    const uint16_t slot = book_symbol_find(book, two_symbols[instrument]);
    assert_int_not_equal(slot, SYMBOL_NONE);
    return &book->symbols[slot];
}

// As a core that fills it would: other prices, trades and trust.
static void write_underneath(void)
{
    struct book_symbol *symbol = symbol_of(0);
    for (uint32_t side = BOOK_BID; side <= BOOK_ASK; side++)
        level_at(&lent()->book, symbol->side[side].top)->price = MAD + side;
    symbol->last_price = MAD;
    symbol->volume += MAD;
    symbol->changes += MAD;
    symbol->quality = QUALITY_SUSPECT;
}

// What the feed does when it asks for a snapshot (feed/loan.c).
static void lend(void)
{
    lent()->book_lent = true;
    lent()->quality = QUALITY_RECOVERING;
    write_underneath();
}

static void book_back(void)
{
    struct book_symbol *symbol = symbol_of(0);
    level_at(&lent()->book, symbol->side[BOOK_BID].top)->price = BID;
    level_at(&lent()->book, symbol->side[BOOK_ASK].top)->price = ASK;
    symbol->quality = QUALITY_GOOD;
    lent()->book_lent = false;
    lent()->quality = QUALITY_GOOD;
}

static int open_world(void **state)
{
    (void)state;
    two_open(1);
    for (uint32_t v = A; v <= B; v++) {
        feed_add(v, 0, 1, 'B', 100, BID);
        feed_add(v, 0, 2, 'S', 100, ASK);
        feed_add(v, 1, 3, 'S', 100, ASK);
    }
    turn();
    events_forget();
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    two_close();
    return 0;
}

static const struct event_decision *enter_side(uint32_t instrument, char side, enum refusal want)
{
    const struct desk_order ask = {.quantity = 10,
                                   .price = ASK,
                                   .instrument = (uint16_t)instrument,
                                   .session = A,
                                   .side = side,
                                   .time_in_force = '3',
                                   .display = 'Y'};
    uint32_t order;
    events_forget();
    assert_int_equal(desk_enter(&w->desk, &who, &ask, &order), want);
    turn();
    return &event_of(EVENT_DECISION, 0)->decision;
}

static const struct event_decision *enter(uint32_t instrument, enum refusal want)
{
    return enter_side(instrument, 'B', want);
}

static void shows_nothing(const struct event_decision *e)
{
    assert_true(e->bid == 0 && e->ask == 0 && e->bid_shares == 0 && e->ask_shares == 0);
    assert_int_equal(e->quality, QUALITY_SUSPECT);
}

static void a_decision_shows_nothing_of_it(void **state)
{
    (void)state;
    lend();
    shows_nothing(enter(0, REFUSAL_BOOK_QUALITY));
    // Who trades on a book that recovers has at least its prices.
    w->limits->symbols[0].quality = QUALITY_RECOVERING;
    shows_nothing(enter(0, REFUSAL_BOOK_QUALITY));
    w->limits->symbols[0].quality = QUALITY_SUSPECT;
    shows_nothing(enter(0, REFUSAL_NONE));
    book_back();
    const struct event_decision *e = enter(0, REFUSAL_NONE);
    assert_true(e->bid == BID && e->ask == ASK && e->quality == QUALITY_GOOD);
}

// Whether Rule 201 is in force stands in it. Who trades on a book that recovers may not sell short
// meanwhile, but short exempt; and in a symbol of which the feed has said nothing.
static void no_short_sale_without_its_state(void **state)
{
    (void)state;
    w->limits->symbols[0].quality = QUALITY_SUSPECT;
    w->limits->symbols[0].symbol.rule_201 = true;
    enter_side(0, 'T', REFUSAL_NONE);
    lend();
    enter_side(0, 'T', REFUSAL_SHORT_RESTRICTED);
    enter_side(0, 'E', REFUSAL_NONE);
    enter_side(0, 'B', REFUSAL_NONE);
    w->limits->symbols[0].symbol.rule_201 = false;
    enter_side(0, 'T', REFUSAL_NONE);
    w->limits->symbols[0].symbol.rule_201 = true;
    book_back();
    enter_side(0, 'T', REFUSAL_NONE);
    w->desk.instruments[0].slot[A] = SYMBOL_NONE;
    memcpy(w->desk.instruments[0].symbol, "NOBODY  ", 8);
    enter_side(0, 'T', REFUSAL_SHORT_RESTRICTED);
    enter_side(0, 'B', REFUSAL_NONE);
}

// It may have begun with one of the messages that are missing.
static void no_short_sale_behind_a_gap(void **state)
{
    (void)state;
    w->limits->symbols[0].quality = QUALITY_SUSPECT;
    w->limits->symbols[0].symbol.rule_201 = true;
    enter_side(0, 'T', REFUSAL_NONE);
    feed_gap(A);
    turn();
    enter_side(0, 'T', REFUSAL_SHORT_RESTRICTED);
    enter_side(0, 'E', REFUSAL_NONE);
    enter_side(0, 'B', REFUSAL_NONE);
}

static void no_symbol_is_looked_for_in_it(void **state)
{
    (void)state;
    uint16_t *slot = &w->desk.instruments[1].slot[A];
    *slot = SYMBOL_NONE;
    lend();
    shows_nothing(enter(1, REFUSAL_BOOK_QUALITY));
    const struct desk_route ask = {.quantity = 50, .limit = ASK, .instrument = 1, .side = 'B'};
    uint32_t route;
    assert_int_equal(desk_route(&w->desk, &who, &ask, &route), REFUSAL_NONE); // B takes it
    assert_int_equal(*slot, SYMBOL_NONE);
    book_back();
    enter(1, REFUSAL_NONE);
    assert_int_not_equal(*slot, SYMBOL_NONE);
}

static void a_routed_order_passes_it_over(void **state)
{
    (void)state;
    static const enum route_how hows[] = {ROUTE_BEST, ROUTE_SPLIT, ROUTE_SWEEP};
    struct desk_best_of_all bid, ask_best;
    lend();
    for (uint32_t i = 0; i < 3; i++) {
        const struct desk_route ask = {
            .quantity = 50, .limit = ASK, .how = (uint8_t)hows[i], .side = 'B'};
        uint32_t route;
        events_forget();
        assert_int_equal(desk_route(&w->desk, &who, &ask, &route), REFUSAL_NONE);
        turn();
        assert_int_equal(w->venues[A].entered_count, 0);
        assert_int_equal(w->venues[B].entered_count, i + 1);
        for (uint32_t n = 0; n < 2; n++) {
            const struct event_route_venue *e = &event_of(EVENT_ROUTE_VENUE, n)->route_venue;
            assert_int_equal(e->verdict, e->session == A ? VENUE_QUALITY : VENUE_TAKES);
            assert_int_equal(e->quality, e->session == A ? QUALITY_SUSPECT : QUALITY_GOOD);
            assert_int_equal(e->best, e->session == A ? 0 : ASK);
        }
    }
    assert_true(desk_consolidated(&w->desk, 0, &bid, &ask_best));
    assert_true(bid.venue == B && bid.price == BID && bid.shares == 100);
    assert_true(ask_best.venue == B && ask_best.price == ASK && ask_best.shares == 100);
}

// --- a strategy that writes down what it is told ---

struct notes {
    struct strategy_setup setup;
    uint32_t best, trade, quality;
    struct strategy_best last;
};

static bool notes_start(void *state, const struct strategy_setup *setup, const char **why)
{
    (void)why;
    ((struct notes *)state)->setup = *setup;
    return true;
}

static void notes_best(void *state, const struct strategy_best *best)
{
    ((struct notes *)state)->best += best->venue == A;
}

static void notes_trade(void *state, const struct strategy_best *best)
{
    ((struct notes *)state)->trade += best->venue == A;
}

static void notes_quality(void *state, const struct strategy_best *best)
{
    ((struct notes *)state)->quality++;
    ((struct notes *)state)->last = *best;
}

static const struct strategy notes = {.interface = STRATEGY_INTERFACE,
                                      .state_bytes = sizeof(struct notes),
                                      .name = "notes",
                                      .start = notes_start,
                                      .best = notes_best,
                                      .trade = notes_trade,
                                      .quality = notes_quality};

static struct notes *watcher(void)
{
    struct error err = {0};
    const uint16_t symbol = 0;
    struct strategy_host *host = &w->strategies.hosts[0];
    assert_true(strategy_attach(&host->slot, &notes, "notes", &err));
    desk_strategy_add(&w->desk, host, 1, &symbol, 1, HZ);
    assert_true(strategy_start(&host->slot, &err));
    for (uint32_t v = A; v <= B; v++)
        memset(w->strategies.watches[v], 0, SLOTS * sizeof(struct desk_watch));
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    feed_add(A, 0, 11, 'B', 100, BID);
    turn();
    return host->slot.state;
}

static void nothing_but_the_quality(const struct strategy_best *best)
{
    assert_true(best->bid == 0 && best->ask == 0 && best->bid_shares == 0 && best->ask_shares == 0);
    assert_true(best->last_price == 0 && best->symbol == 0 && best->venue == A);
    assert_int_equal(best->quality, QUALITY_RECOVERING);
}

static void a_strategy_is_told_only_that_it_cannot_be_trusted(void **state)
{
    (void)state;
    struct notes *n = watcher();
    const struct strategy_calls *calls = n->setup.calls;
    struct strategy_best best;
    struct strategy_level levels[4];
    const uint32_t changes = n->best, trades = n->trade;
    assert_int_not_equal(changes, 0);
    lend();
    channel_touched(lent(), w->desk.instruments[0].slot[A]); // by a message before
    turn();
    assert_int_equal(n->quality, 1);
    nothing_but_the_quality(&n->last);
    assert_true(n->best == changes && n->trade == trades);
    assert_true(calls->best(n->setup.host, A, 0, &best));
    nothing_but_the_quality(&best);
    assert_int_equal(calls->depth(n->setup.host, A, 0, true, 4, levels), 0);
    assert_int_equal(calls->depth(n->setup.host, B, 0, true, 4, levels), 1);
    book_back();
    turn();
    assert_int_equal(n->quality, 2);
    assert_true(n->last.bid == BID && n->last.ask == ASK && n->last.quality == QUALITY_GOOD);
    assert_true(n->best == changes + 1 && n->trade == trades + 1); // what came meanwhile
    assert_int_equal(calls->depth(n->setup.host, A, 0, true, 4, levels), 1);
}

// The main lcore meets the symbols in another order than the day did.
static void filled_in_another_order(void)
{
    lend();
    channel_book_reset(lent());
    for (uint32_t slot = 0; slot < INSTRUMENTS; slot++) {
        const uint32_t instrument = INSTRUMENTS - 1 - slot;
        book_symbol_open(&lent()->book, (uint16_t)(instrument + 3));
        book_symbol_name(&lent()->book, (uint16_t)slot, two_symbols[instrument]);
    }
    lent()->request.kind = FEED_REQUEST_RESET;
    w->venues[B].channel.index = 1;
    const struct lane_answer back = {.kind = ANSWER_BOOK, .channel = lent()->index, .loaded = true};
    assert_true(spsc_push(&w->lane.answers, &back));
    turn();
}

static void its_symbols_may_come_back_elsewhere(void **state)
{
    (void)state;
    filled_in_another_order();
    for (uint32_t i = 0; i < INSTRUMENTS; i++) {
        feed_status(A, i, 'T');
        feed_add(A, i, i + 1, 'S', 100, ASK + i * 100);
    }
    turn();
    assert_int_equal(enter(0, REFUSAL_NONE)->ask, ASK);
    assert_int_equal(enter(1, REFUSAL_NONE)->ask, ASK + 100);
}

static void band_is(uint32_t instrument, uint32_t low, uint32_t high)
{
    struct gate_order o = {.owner = {.session = A, .instrument = (uint16_t)instrument}};
    uint32_t is_low, is_high;
    desk_slot(&w->desk, A, instrument); // as a decision does first
    desk_luld_band(&w->desk, &o, &is_low, &is_high);
    assert_int_equal(is_low, low);
    assert_int_equal(is_high, high);
}

static void auction(uint32_t instrument, uint32_t price)
{
    const uint16_t slot = book_symbol_find(&lent()->book, two_symbols[instrument]);
    lent()->book.infos[slot].luld_tier = '1';
    luld_auction(&lent()->luld, slot, lent()->book_number, lent()->time_ns, price, 100, false);
}

static void bands_begin(void)
{
    lent()->luld.of = zeroed(SLOTS * sizeof(struct luld_symbol));
    lent()->time_ns = 12ull * 3600 * HZ;
    for (uint32_t i = 0; i < INSTRUMENTS; i++)
        w->limits->symbols[i].symbol.band_estimate = true;
    desk_luld_limits(&w->desk);
    auction(0, ASK);
    band_is(0, ASK / 100 * 95, ASK / 100 * 105);
}

// The tier that makes a band stands in the book.
static void no_band_is_known_of_it(void **state)
{
    (void)state;
    bands_begin();
    lend();
    band_is(0, 0, UINT32_MAX);
}

// Another symbol stands where it stood, and what was traded meanwhile is not known of either.
static void a_band_is_not_another_symbols(void **state)
{
    (void)state;
    bands_begin();
    auction(1, 2 * ASK);
    filled_in_another_order();
    for (uint32_t i = 0; i < INSTRUMENTS; i++)
        lent()->book.infos[book_symbol_find(&lent()->book, two_symbols[i])].luld_tier = '1';
    band_is(0, 0, UINT32_MAX);
    band_is(1, 0, UINT32_MAX);
    auction(1, 2 * ASK);
    band_is(0, 0, UINT32_MAX);
    band_is(1, 2 * ASK / 100 * 95, 2 * ASK / 100 * 105);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_decision_shows_nothing_of_it, open_world, close_world),
        cmocka_unit_test_setup_teardown(no_short_sale_without_its_state, open_world, close_world),
        cmocka_unit_test_setup_teardown(no_short_sale_behind_a_gap, open_world, close_world),
        cmocka_unit_test_setup_teardown(no_symbol_is_looked_for_in_it, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_routed_order_passes_it_over, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_strategy_is_told_only_that_it_cannot_be_trusted,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(its_symbols_may_come_back_elsewhere, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(no_band_is_known_of_it, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_band_is_not_another_symbols, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
