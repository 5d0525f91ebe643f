// The controls that compare a price with the market: just inside, at and just outside the limit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/control_rig.h"

static struct limit_symbol *symbol(void)
{
    return &row_of(TRADE_SYMBOL)->symbol;
}

static void a_crossed_or_wide_book_is_refused(void **state)
{
    (void)state;
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    o.bid = 999000;
    o.ask = 1001000; // 0.2 percent of the middle
    symbol()->spread = 20;
    passes(&o);
    o.ask++; // odd: the middle is rounded down
    refused(&o, REFUSAL_SPREAD, TRADE_SYMBOL, 2001, 2000);
    symbol()->spread = 19;
    o.ask--;
    refused(&o, REFUSAL_SPREAD, TRADE_SYMBOL, 2000, 1900);
    o.ask = o.bid; // locked
    passes(&o);
    o.ask--;
    refused(&o, REFUSAL_SPREAD, TRADE_SYMBOL, o.bid - o.ask, 0);
    symbol()->spread = LIMIT_BAND16_OPEN;
    passes(&o);
    symbol()->spread = 0;
    o.ask = 0; // one side only: other checks see to that
    passes(&o);
}

static void prices_stay_near_the_best_of_the_book(void **state)
{
    (void)state;
    symbol()->touch = 100; // one percent
    struct gate_order o = order_of(SHARES, 1010000, 'B');
    o.bid = 900000;
    o.ask = 1000000;
    passes(&o);
    o.price++;
    refused(&o, REFUSAL_TOUCH, TRADE_SYMBOL, 1010001, 1010000);
    o.price = 891000;
    passes(&o);
    o.price--;
    refused(&o, REFUSAL_TOUCH, TRADE_SYMBOL, 890999, 891000);
    // The sum counts where it is more.
    symbol()->touch_least = 20000;
    o.price = 1020000;
    passes(&o);
    o.price++;
    refused(&o, REFUSAL_TOUCH, TRADE_SYMBOL, 1020001, 1020000);
    symbol()->touch_least = 0;
    o = order_of(SHARES, 891000, 'S');
    o.bid = 900000;
    o.ask = 1000000;
    passes(&o);
    o.price--;
    refused(&o, REFUSAL_TOUCH, TRADE_SYMBOL, 890999, 891000);
    // Without an own side the other stands for it; without the other there is no reference.
    o.ask = 0;
    o.price = 909001;
    refused(&o, REFUSAL_TOUCH, TRADE_SYMBOL, 909001, 909000);
    o.price--;
    passes(&o);
    o.bid = 0;
    o.ask = 1000000;
    refused(&o, REFUSAL_REFERENCE, TRADE_SYMBOL, 0, 0);
    symbol()->no_reference = NO_REFERENCE_PASSES;
    passes(&o);
}

static void prices_stay_near_the_last_trade(void **state)
{
    (void)state;
    symbol()->last = 100;
    struct gate_order o = order_of(SHARES, 1010000, 'B');
    o.last = 1000000;
    passes(&o);
    o.price++;
    refused(&o, REFUSAL_LAST_TRADE, TRADE_SYMBOL, 1010001, 1010000);
    o.price = 989999;
    refused(&o, REFUSAL_LAST_TRADE, TRADE_SYMBOL, 989999, 990000);
    o.price++;
    passes(&o);
    o.last = 0;
    refused(&o, REFUSAL_REFERENCE, TRADE_SYMBOL, 0, 0);
    symbol()->previous_close = 2000000;
    refused(&o, REFUSAL_LAST_TRADE, TRADE_SYMBOL, 990000, 1980000);
    symbol()->previous_close = 990000;
    passes(&o);
    symbol()->last = 0; // nothing but the reference itself
    o.price++;
    refused(&o, REFUSAL_LAST_TRADE, TRADE_SYMBOL, 990001, 990000);
}

// In an auction there are no best prices: the opening is compared with the previous close, all
// others with the last trade, and so is what waits for an auction while the symbol is not traded.
static void auctions_have_a_reference_of_their_own(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < 6; kind++) {
        close_rig(NULL);
        open_rig(NULL);
        const bool by_touch = kind % 2, opening = kind / 2 == 0;
        const enum refusal refusal = by_touch ? REFUSAL_TOUCH : REFUSAL_LAST_TRADE;
        *(by_touch ? &symbol()->touch : &symbol()->last) = 100;
        struct gate_order o = order_of(SHARES, PRICE, 'B');
        o.opening = opening;
        o.auction = kind / 2 < 2;
        o.collecting = kind / 2 == 2;
        o.bid = o.ask = 4 * PRICE; // a book, where nobody meets it
        symbol()->previous_close = opening ? PRICE : 2 * PRICE;
        o.last = opening ? 2 * PRICE : PRICE;
        o.price = PRICE + PRICE / 100 - 1;
        passes(&o);
        o.price++;
        passes(&o);
        o.price++;
        refused(&o, refusal, TRADE_SYMBOL, o.price, PRICE + PRICE / 100);
        o.price = PRICE - PRICE / 100 - 1;
        refused(&o, refusal, TRADE_SYMBOL, o.price, PRICE - PRICE / 100);
        o.price++;
        passes(&o);
        // Before the first trade the previous close stands for it, never the other way round.
        symbol()->previous_close = opening ? 0 : PRICE;
        o.last = opening ? PRICE : 0;
        if (opening)
            refused(&o, REFUSAL_REFERENCE, TRADE_SYMBOL, 0, 0);
        else
            passes(&o);
        symbol()->previous_close = o.last = 0;
        refused(&o, REFUSAL_REFERENCE, TRADE_SYMBOL, 0, 0);
        symbol()->no_reference = NO_REFERENCE_PASSES;
        passes(&o);
    }
}

// The reference is taken by the first order of a period, and stands until the period is over,
// wherever the market goes meanwhile.
static void prices_stay_near_those_of_the_period(void **state)
{
    (void)state;
    rig.table->period_ticks = 1000;
    symbol()->period = 100;
    struct gate_order o = order_of(SHARES, 1010000, 'B');
    o.last = 1000000;
    passes(&o);
    for (uint32_t step = 0; step < 10; step++) { // small steps lead as far as large ones
        o.now += 99;
        o.last = o.price++;
        refused(&o, REFUSAL_PRICE_PERIOD, TRADE_SYMBOL, o.price, 1010000);
        o.price = 1010000;
        passes(&o);
    }
    o.now += 9; // the last tick of it
    o.last = 1010000;
    o.price = 989999;
    refused(&o, REFUSAL_PRICE_PERIOD, TRADE_SYMBOL, 989999, 990000);
    o.price++;
    passes(&o);
    o.now++;
    o.price = 1020100;
    passes(&o);
    o.price++;
    refused(&o, REFUSAL_PRICE_PERIOD, TRADE_SYMBOL, 1020101, 1020100);
    symbol()->period_least = 20000;
    o.price = 1030000;
    passes(&o);
    o.price++;
    refused(&o, REFUSAL_PRICE_PERIOD, TRADE_SYMBOL, 1030001, 1030000);
    // Another symbol has its own.
    o.owner.instrument = SYMBOL + 1;
    o.owner.position = position_open(&rig.risk, ACCOUNT, SYMBOL + 1);
    rig.table->symbols[SYMBOL + 1].symbol.period = 0;
    o.last = o.price = 5000;
    passes(&o);
}

static void a_period_begins_with_a_price(void **state)
{
    (void)state;
    rig.table->period_ticks = 1000;
    symbol()->period = 100;
    struct gate_order o = order_of(SHARES, 1010000, 'B');
    refused(&o, REFUSAL_REFERENCE, TRADE_SYMBOL, 0, 0);
    assert_int_equal(rig.risk.symbols[SYMBOL].period_until, 0); // nothing began
    symbol()->previous_close = 1000000;
    passes(&o);
    o.last = 2000000;
    passes(&o);
    // A refused order takes it as well, one that is gated once more does not.
    o.now += 1000;
    refused(&o, REFUSAL_PRICE_PERIOD, TRADE_SYMBOL, 1010000, 1980000);
    o.last = 1000000;
    refused(&o, REFUSAL_PRICE_PERIOD, TRADE_SYMBOL, 1010000, 1980000);
    o.now += 1000;
    assert_true(gate_again(&rig.risk, &o, &verdict));
    o.last = 2000000;
    refused(&o, REFUSAL_PRICE_PERIOD, TRADE_SYMBOL, 1010000, 1980000);
    // Without a price the policy of the symbol decides.
    o.now += 1000;
    o.last = symbol()->previous_close = 0;
    symbol()->no_reference = NO_REFERENCE_PASSES;
    passes(&o);
}

#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATE_TEST(a_crossed_or_wide_book_is_refused),
        GATE_TEST(prices_stay_near_the_best_of_the_book),
        GATE_TEST(prices_stay_near_the_last_trade),
        GATE_TEST(auctions_have_a_reference_of_their_own),
        GATE_TEST(prices_stay_near_those_of_the_period),
        GATE_TEST(a_period_begins_with_a_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
