// Every check of the gate just inside, at and just outside its limit, at every scope that has it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/risk_rig.h"

enum { ACCOUNT = 3, STRATEGY = 5, SYMBOL = 2, SESSION = 1, PRICE = 1000000, SHARES = 100 };

static struct risk_rig rig;

static int open_rig(void **state)
{
    (void)state;
    risk_rig_open(&rig);
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    risk_rig_close(&rig);
    return 0;
}

static struct limit_row *row_of(enum trade_scope scope)
{
    switch (scope) {
    case TRADE_ACCOUNT: return &rig.table->accounts[ACCOUNT];
    case TRADE_STRATEGY: return &rig.table->strategies[STRATEGY];
    case TRADE_SYMBOL: return &rig.table->symbols[SYMBOL];
    case TRADE_SESSION: return &rig.table->sessions[SESSION];
    default: return &rig.table->firm;
    }
}

static void row_open(enum trade_scope scope)
{
    if (scope == TRADE_SYMBOL)
        limit_symbol_open(row_of(scope));
    else
        limit_row_open(row_of(scope));
}

static struct gate_order order_of(uint32_t shares, uint32_t price, bool sells)
{
    return (struct gate_order){
        .owner = {.position = position_open(&rig.risk, ACCOUNT, SYMBOL),
                  .account = ACCOUNT,
                  .strategy = STRATEGY,
                  .instrument = SYMBOL,
                  .session = SESSION,
                  .sells = sells},
        .worst = {.notional = (uint64_t)shares * price, .shares = shares, .orders = 1},
        .now = 1000000,
        .quantity = shares,
        .price = price,
        .session_up = true,
        .session_free = true,
    };
}

static void reserve(const struct gate_order *o)
{
    exposure_move(&rig.risk, &o->owner, &o->held, &o->worst);
}

static struct gate_verdict verdict;

static bool passes(const struct gate_order *o)
{
    memset(&verdict, 0xff, sizeof verdict);
    bool approved = gate(&rig.risk, o, &verdict);
    assert_int_equal(approved, verdict.refusal == REFUSAL_NONE);
    assert_int_equal(verdict.version, 7);
    return approved;
}

static void refused(const struct gate_order *o, enum refusal refusal, enum trade_scope scope,
                    uint64_t value, uint64_t limit)
{
    assert_false(passes(o));
    assert_string_equal(refusal_name(verdict.refusal), refusal_name(refusal));
    assert_int_equal(verdict.scope, scope);
    assert_true(verdict.value == value);
    assert_true(verdict.limit == limit);
}

static void an_order_within_all_limits_passes(void **state)
{
    (void)state;
    struct gate_order o = order_of(SHARES, PRICE, false);
    assert_true(passes(&o));
    o = order_of(999999, 1999999900, true);
    assert_true(passes(&o));
    o = order_of(1, 1, true);
    assert_true(passes(&o));
}

static void the_edges_of_the_types_are_refused(void **state)
{
    (void)state;
    struct gate_order o = order_of(0, PRICE, false);
    refused(&o, REFUSAL_QUANTITY_RANGE, TRADE_FIRM, 0, 999999);
    o = order_of(1000000, PRICE, false);
    refused(&o, REFUSAL_QUANTITY_RANGE, TRADE_FIRM, 1000000, 999999);
    o = order_of(UINT32_MAX, UINT32_MAX, false);
    refused(&o, REFUSAL_QUANTITY_RANGE, TRADE_FIRM, UINT32_MAX, 999999);
    o = order_of(SHARES, 0, false);
    refused(&o, REFUSAL_PRICE_RANGE, TRADE_FIRM, 0, 1999999900);
    o = order_of(SHARES, 1999999901, false);
    refused(&o, REFUSAL_PRICE_RANGE, TRADE_FIRM, 1999999901, 1999999900);
}

static void quantity_and_notional_bind_at_every_scope(void **state)
{
    (void)state;
    const uint64_t notional = (uint64_t)SHARES * PRICE;
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
        struct limit_row *row = row_of(scope);
        struct gate_order o = order_of(SHARES, PRICE, false);
        row->quantity = SHARES;
        assert_true(passes(&o));
        row->quantity = SHARES - 1;
        refused(&o, REFUSAL_QUANTITY, scope, SHARES, SHARES - 1);
        row_open(scope);
        row->notional = notional;
        assert_true(passes(&o));
        row->notional = notional - 1;
        refused(&o, REFUSAL_NOTIONAL, scope, notional, notional - 1);
        row_open(scope);
    }
}

// Instead of the other limit, whichever is the lower one.
static void an_auction_has_a_quantity_of_its_own_at_every_scope(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
        struct limit_row *row = row_of(scope);
        struct gate_order o = order_of(SHARES - 1, PRICE, false);
        o.auction = true;
        row->quantity = 1;
        row->auction_quantity = SHARES;
        assert_true(passes(&o));
        o.quantity = SHARES;
        assert_true(passes(&o));
        o.quantity = SHARES + 1;
        refused(&o, REFUSAL_AUCTION_QUANTITY, scope, SHARES + 1, SHARES);
        o.auction = false;
        refused(&o, REFUSAL_QUANTITY, scope, SHARES + 1, 1);
        row->quantity = SHARES + 1;
        assert_true(passes(&o));
        row_open(scope);
    }
}

static void what_is_open_binds_at_every_scope(void **state)
{
    (void)state;
    const uint64_t notional = (uint64_t)SHARES * PRICE;
    struct gate_order o = order_of(SHARES, PRICE, false);
    reserve(&o);
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
        struct limit_row *row = row_of(scope);
        row->open_orders = 2;
        assert_true(passes(&o));
        row->open_orders = 1;
        refused(&o, REFUSAL_OPEN_ORDERS, scope, 2, 1);
        row_open(scope);
        row->open_notional = 2 * notional;
        assert_true(passes(&o));
        row->open_notional = 2 * notional - 1;
        refused(&o, REFUSAL_OPEN_NOTIONAL, scope, 2 * notional, 2 * notional - 1);
        row_open(scope);
    }
    // A replace that does not grow passes although the limit is below what is there.
    rig.table->firm.open_notional = notional / 2;
    rig.table->firm.open_orders = 0;
    struct gate_order replace = o;
    replace.held = o.worst;
    assert_true(passes(&replace));
    replace.worst.notional += 1;
    refused(&replace, REFUSAL_OPEN_NOTIONAL, TRADE_FIRM, notional + 1, notional / 2);
}

static void the_collar_holds_on_both_sides(void **state)
{
    (void)state;
    struct gate_order o = order_of(SHARES, PRICE, false);
    row_of(TRADE_SYMBOL)->price_low = PRICE;
    row_of(TRADE_SYMBOL)->price_high = PRICE;
    assert_true(passes(&o));
    o.price = PRICE - 1;
    refused(&o, REFUSAL_PRICE_COLLAR, TRADE_SYMBOL, PRICE - 1, PRICE);
    o.price = PRICE + 1;
    refused(&o, REFUSAL_PRICE_COLLAR, TRADE_SYMBOL, PRICE + 1, PRICE);
}

// Position and everything open on the same side; the other side does not help.
static void positions_are_taken_at_their_worst(void **state)
{
    (void)state;
    for (int sells = 0; sells < 2; sells++) {
        for (enum trade_scope scope = TRADE_ACCOUNT; scope <= TRADE_SYMBOL; scope += 2) {
            close_rig(NULL);
            open_rig(NULL);
            struct gate_order open = order_of(40, PRICE, sells);
            struct gate_order other = order_of(1000, PRICE, !sells);
            struct gate_order o = order_of(50, PRICE, sells);
            reserve(&open);
            reserve(&other);
            exposure_fill(&rig.risk, &o.owner, 10, PRICE, o.now);
            row_of(scope)->position = 100;
            assert_true(passes(&o));
            row_of(scope)->position = 99;
            refused(&o, REFUSAL_POSITION, scope, 100, 99);
            // From the other side of flat there is more room.
            exposure_fill(&rig.risk, &other.owner, 30, PRICE, other.now);
            assert_true(passes(&o));
            o = order_of(80, PRICE, sells);
            refused(&o, REFUSAL_POSITION, scope, 100, 99);
        }
    }
}

static void reducing_takes_only_what_makes_the_position_smaller(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
        row_of(scope)->state = TRADING_REDUCING;
        struct gate_order buy = order_of(100, PRICE, false), sell = order_of(100, PRICE, true);
        refused(&buy, REFUSAL_REDUCING, scope, 100, 0);
        refused(&sell, REFUSAL_REDUCING, scope, 100, 0);
        exposure_fill(&rig.risk, &buy.owner, 100, PRICE, buy.now); // long
        assert_true(passes(&sell));
        refused(&buy, REFUSAL_REDUCING, scope, 100, 0);
        reserve(&sell);
        struct gate_order one = order_of(1, PRICE, true);
        refused(&one, REFUSAL_REDUCING, scope, 101, 100);
        struct gate_order larger = sell; // a replace: what it adds counts, not all of it
        larger.held = sell.worst;
        larger.worst.shares += 10;
        refused(&larger, REFUSAL_REDUCING, scope, 110, 100);
        struct gate_order smaller = sell; // with less of everything
        smaller.held = sell.worst;
        smaller.worst.shares--;
        smaller.asks = 1u << PERMISSION_REPLACE;
        assert_true(passes(&smaller));
        exposure_fill(&rig.risk, &sell.owner, 1, PRICE, sell.now); // now it is too much
        refused(&smaller, REFUSAL_REDUCING, scope, 100, 99);
        smaller.asks = 1u << PERMISSION_MODIFY;
        assert_true(passes(&smaller));
        exposure_fill(&rig.risk, &buy.owner, 1, PRICE, buy.now);
        exposure_move(&rig.risk, &sell.owner, &sell.worst, &sell.held);
        exposure_fill(&rig.risk, &sell.owner, 150, PRICE, sell.now); // short
        refused(&buy, REFUSAL_REDUCING, scope, 100, 50);
        exposure_fill(&rig.risk, &sell.owner, 50, PRICE, sell.now);
        assert_true(passes(&buy));
        refused(&sell, REFUSAL_REDUCING, scope, 100, 0);
        exposure_fill(&rig.risk, &buy.owner, 100, PRICE, buy.now);
        row_open(scope);
    }
}

static void halted_refuses_at_every_scope(void **state)
{
    (void)state;
    struct gate_order o = order_of(SHARES, PRICE, false);
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
        row_of(scope)->state = TRADING_HALTED;
        refused(&o, REFUSAL_HALTED, scope, TRADING_HALTED, TRADING_REDUCING);
        row_open(scope);
    }
}

// Which is looked up only while there may be one: a lift that leaves another kill does not end
// that.
static void kills_are_looked_up_until_the_last_is_lifted(void **state)
{
    (void)state;
    struct gate_order o = order_of(SHARES, PRICE, false);
    kill_ask(&rig.kills[1], TRADE_ACCOUNT, ACCOUNT);
    kill_ask(&rig.kills[1], TRADE_ACCOUNT, ACCOUNT + 1);
    kill_lift(&rig.kills[1], TRADE_ACCOUNT, ACCOUNT + 1);
    risk_kills_look(&rig.risk);
    assert_true(rig.risk.kills_none[1] != rig.kills[1].rung);
    refused(&o, REFUSAL_KILLED, TRADE_ACCOUNT, 2, 0);
    kill_lift(&rig.kills[1], TRADE_ACCOUNT, ACCOUNT);
    risk_kills_look(&rig.risk);
    assert_true(rig.risk.kills_none[1] == rig.kills[1].rung);
    assert_true(passes(&o));
    kill_ask(&rig.kills[1], TRADE_ACCOUNT, ACCOUNT);
    refused(&o, REFUSAL_KILLED, TRADE_ACCOUNT, 2, 0);
    kill_lift(&rig.kills[1], TRADE_ACCOUNT, ACCOUNT);
}

static void a_kill_of_any_asker_refuses_at_once(void **state)
{
    (void)state;
    const uint32_t index[] = {0, ACCOUNT, STRATEGY, SYMBOL, SESSION};
    struct gate_order o = order_of(SHARES, PRICE, false);
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++) {
        for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
            uint64_t rung = rig.kills[asker].rung;
            kill_ask(&rig.kills[asker], scope, index[scope] + (scope != TRADE_FIRM));
            if (scope != TRADE_FIRM) // a neighbour's
                assert_true(passes(&o));
            kill_ask(&rig.kills[asker], scope, index[scope]);
            refused(&o, REFUSAL_KILLED, scope, asker + 1, 0);
            assert_true(rig.kills[asker].rung == rung + 2);
            kill_lift(&rig.kills[asker], scope, index[scope]);
            kill_lift(&rig.kills[asker], scope, index[scope] + (scope != TRADE_FIRM));
            assert_true(passes(&o));
        }
    }
}

static void a_doubt_about_session_book_or_symbol_refuses(void **state)
{
    (void)state;
    struct gate_order o = order_of(SHARES, PRICE, false);
    o.session_up = false;
    refused(&o, REFUSAL_SESSION_DOWN, TRADE_SESSION, 0, 0);
    o.session_up = true;
    o.session_free = false;
    refused(&o, REFUSAL_SESSION_BUSY, TRADE_SESSION, 0, 0);
    o.session_free = true;
    o.quality = QUALITY_HALTED;
    refused(&o, REFUSAL_BOOK_QUALITY, TRADE_SYMBOL, QUALITY_HALTED, QUALITY_GOOD);
    row_of(TRADE_SYMBOL)->quality = QUALITY_HALTED;
    assert_true(passes(&o));
    o.quality = QUALITY_STALE;
    refused(&o, REFUSAL_BOOK_QUALITY, TRADE_SYMBOL, QUALITY_STALE, QUALITY_HALTED);
    o.quality = QUALITY_GOOD;
    rig.risk.symbols[SYMBOL].quarantined = true;
    refused(&o, REFUSAL_SYMBOL_QUARANTINED, TRADE_SYMBOL, 1, 0);
    rig.risk.symbols[SYMBOL].quarantined = false;
    rig.risk.event_credit = 9;
    rig.risk.event_credit_min = 10;
    refused(&o, REFUSAL_EVENT_CREDIT, TRADE_FIRM, 9, 10);
    rig.risk.event_credit = UINT32_MAX; // whatever there is
    rig.risk.event_credit_min = RISK_NO_RECORD;
    rig.risk.record = RECORD_FULL;
    refused(&o, REFUSAL_JOURNAL, TRADE_FIRM, RECORD_FULL, 0);
    rig.risk.clock_only = true;
    rig.risk.clock_error = 2000;
    rig.risk.clock_limit = 1000;
    refused(&o, REFUSAL_CLOCK, TRADE_FIRM, 2000, 1000);
    rig.risk.clock_only = false;
    rig.risk.event_credit_min = 10;
    rig.risk.event_credit = 10;
    assert_true(passes(&o));
}

// The collar and the band: each names itself, where both are broken the band does.
static void a_price_keeps_within_the_band(void **state)
{
    (void)state;
    struct gate_order o = order_of(SHARES, PRICE, false);
    struct limit_row *row = row_of(TRADE_SYMBOL);
    row->price_low = PRICE - 300;
    row->price_high = PRICE + 100;
    limit_band_set(row, PRICE - 200, PRICE + 200);
    assert_int_equal(row->price_low, PRICE - 200);
    assert_int_equal(row->price_high, PRICE + 100);
    static const struct {
        int32_t off;
        enum refusal refusal;
        int32_t limit;
    } prices[] = {{-199, REFUSAL_NONE, 0},
                  {-200, REFUSAL_NONE, 0},
                  {-201, REFUSAL_LULD, -200},
                  {-301, REFUSAL_LULD, -200},
                  {99, REFUSAL_NONE, 0},
                  {100, REFUSAL_NONE, 0},
                  {101, REFUSAL_PRICE_COLLAR, 100},
                  {200, REFUSAL_PRICE_COLLAR, 100},
                  {201, REFUSAL_LULD, 200}};
    for (uint32_t i = 0; i < sizeof prices / sizeof prices[0]; i++) {
        o.price = (uint32_t)(PRICE + prices[i].off);
        o.worst.notional = (uint64_t)o.quantity * o.price;
        if (prices[i].refusal == REFUSAL_NONE)
            assert_true(passes(&o));
        else
            refused(&o, prices[i].refusal, TRADE_SYMBOL, o.price,
                    (uint32_t)(PRICE + prices[i].limit));
    }
    limit_band_set(row, UINT32_MAX, 0); // none is known
    o.price = PRICE;
    refused(&o, REFUSAL_LULD, TRADE_SYMBOL, PRICE, 0);
}

static void the_rate_allows_a_burst_and_then_the_interval(void **state)
{
    (void)state;
    struct gate_order o = order_of(SHARES, PRICE, false);
    row_of(TRADE_SESSION)->rate_ticks = 100 / RATE_UNIT;
    row_of(TRADE_SESSION)->burst = 3; // three ahead of time, and the one that is due
    for (int i = 0; i < 4; i++)
        assert_true(passes(&o));
    refused(&o, REFUSAL_MESSAGE_RATE, TRADE_SESSION, 400, 300);
    o.now += 99;
    refused(&o, REFUSAL_MESSAGE_RATE, TRADE_SESSION, 301, 300);
    o.now += 1;
    assert_true(passes(&o));
    // What another check refuses counts too: a loop of refused orders ends here.
    o.now += 1000000;
    o.price = 1;
    row_of(TRADE_SYMBOL)->price_low = 2;
    for (int i = 0; i < 4; i++)
        refused(&o, REFUSAL_PRICE_COLLAR, TRADE_SYMBOL, 1, 2);
    refused(&o, REFUSAL_MESSAGE_RATE, TRADE_SESSION, 400, 300);
    // Whatever refuses, but a kill or a halt: these stop the loop by themselves.
    o.now += 1000000;
    o.session_up = false;
    for (int i = 0; i < 2; i++)
        refused(&o, REFUSAL_SESSION_DOWN, TRADE_SESSION, 0, 0);
    o.session_up = true;
    o.quality = QUALITY_STALE;
    for (int i = 0; i < 2; i++)
        refused(&o, REFUSAL_BOOK_QUALITY, TRADE_SYMBOL, QUALITY_STALE, QUALITY_GOOD);
    refused(&o, REFUSAL_MESSAGE_RATE, TRADE_SESSION, 400, 300);
    row_of(TRADE_ACCOUNT)->state = TRADING_HALTED;
    refused(&o, REFUSAL_HALTED, TRADE_ACCOUNT, TRADING_HALTED, TRADING_REDUCING);
    row_of(TRADE_ACCOUNT)->state = TRADING_ACTIVE;
    refused(&o, REFUSAL_MESSAGE_RATE, TRADE_SESSION, 400, 300);
    o.quality = QUALITY_GOOD;
    // Another session has its own.
    o.price = PRICE;
    o.owner.session = SESSION + 1;
    assert_true(passes(&o));
}

static void the_tightest_row_is_named(void **state)
{
    (void)state;
    struct gate_order o = order_of(SHARES, PRICE, false);
    rig.table->firm.quantity = 50;
    row_of(TRADE_STRATEGY)->quantity = 20;
    row_of(TRADE_SESSION)->quantity = 30;
    refused(&o, REFUSAL_QUANTITY, TRADE_STRATEGY, SHARES, 20);
}

static void the_position_table_fills_up_with_an_answer(void **state)
{
    (void)state;
    uint32_t opened = 0;
    for (uint32_t account = 0; account < ACCOUNTS_MAX; account++)
        opened += position_open(&rig.risk, account, 1) != POSITION_NONE;
    assert_int_equal(opened, RIG_POSITIONS / 2);
    assert_int_equal(position_open(&rig.risk, 0, 1), position_open(&rig.risk, 0, 1));
    assert_int_equal(position_open(&rig.risk, 255, 7), POSITION_NONE);
}

static void refusals_have_names(void **state)
{
    (void)state;
    assert_string_equal(refusal_name(REFUSAL_PRICE_COLLAR), "PRICE_COLLAR");
    assert_string_equal(refusal_name(REFUSALS), "?");
    assert_string_equal(refusal_help(REFUSAL_NONE), "approved");
    assert_string_equal(refusal_help(1000), "?");
}

int main(void)
{
#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        GATE_TEST(an_order_within_all_limits_passes),
        GATE_TEST(the_edges_of_the_types_are_refused),
        GATE_TEST(quantity_and_notional_bind_at_every_scope),
        GATE_TEST(an_auction_has_a_quantity_of_its_own_at_every_scope),
        GATE_TEST(what_is_open_binds_at_every_scope),
        GATE_TEST(the_collar_holds_on_both_sides),
        GATE_TEST(a_price_keeps_within_the_band),
        GATE_TEST(positions_are_taken_at_their_worst),
        GATE_TEST(reducing_takes_only_what_makes_the_position_smaller),
        GATE_TEST(halted_refuses_at_every_scope),
        GATE_TEST(a_kill_of_any_asker_refuses_at_once),
        GATE_TEST(kills_are_looked_up_until_the_last_is_lifted),
        GATE_TEST(a_doubt_about_session_book_or_symbol_refuses),
        GATE_TEST(the_rate_allows_a_burst_and_then_the_interval),
        GATE_TEST(the_tightest_row_is_named),
        GATE_TEST(the_position_table_fills_up_with_an_answer),
        cmocka_unit_test(refusals_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
