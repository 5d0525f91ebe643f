// Which limit the limits on prices make of a market order: what the gate takes at it, and refuses
// one tick further.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/wire/ouch50.h"
#include "tests/lib/control_rig.h"

static struct gate_order o;

static struct limit_symbol *symbol(void)
{
    return &row_of(TRADE_SYMBOL)->symbol;
}

static void order(bool sells)
{
    close_rig(NULL);
    open_rig(NULL);
    o = order_of(SHARES, PRICE, sells ? 'S' : 'B');
    o.bid = PRICE - 1000;
    o.ask = PRICE + 1000;
    o.last = PRICE;
    rig.table->period_ticks = 100;
}

static uint32_t step(void)
{
    return symbol()->tick == 1 ? 100 : symbol()->tick;
}

static uint32_t price_of_it(void)
{
    return gate_furthest(&rig.risk, &o, 0, UINT32_MAX);
}

// The order at its furthest price passes; <refusal> is in the way of the next.
static void furthest(uint32_t price, enum refusal refusal)
{
    const uint32_t tick = price < 10000 ? 1 : step();
    assert_int_equal(price_of_it(), price);
    o.price = price;
    passes(&o);
    o.price = o.owner.sells ? price - tick : price + tick;
    assert_false(gate(&rig.risk, &o, &verdict));
    assert_string_equal(refusal_name(verdict.refusal), refusal_name(refusal));
}

static void each_limit_gives_a_price(void **state)
{
    (void)state;
    for (uint32_t sells = 0; sells < 2; sells++) {
        order(sells);
        assert_int_equal(price_of_it(), 0); // nothing does
        row_of(TRADE_SYMBOL)->price_high = PRICE + 90000;
        row_of(TRADE_SYMBOL)->price_low = PRICE - 90000;
        furthest(sells ? PRICE - 90000 : PRICE + 90000, REFUSAL_PRICE_COLLAR);
        symbol()->touch = 700;
        furthest(sells ? 929100 : 1071000, REFUSAL_TOUCH);
        symbol()->last = 500;
        furthest(sells ? PRICE - 50000 : PRICE + 50000, REFUSAL_LAST_TRADE);
        symbol()->last_least = 60000;
        furthest(sells ? PRICE - 60000 : PRICE + 60000, REFUSAL_LAST_TRADE);
        symbol()->period = 300;
        furthest(sells ? PRICE - 30000 : PRICE + 30000, REFUSAL_PRICE_PERIOD);
        o.last = 2 * PRICE; // of the period
        symbol()->last = LIMIT_BAND_OPEN;
        furthest(sells ? PRICE - 30000 : PRICE + 30000, REFUSAL_PRICE_PERIOD);
        o.now += 100;
        symbol()->touch = LIMIT_BAND_OPEN;
        row_of(TRADE_SYMBOL)->price_high = UINT32_MAX;
        row_of(TRADE_SYMBOL)->price_low = 0;
        furthest(sells ? 2 * PRICE - 60000 : 2 * PRICE + 60000, REFUSAL_PRICE_PERIOD);
    }
}

static void it_is_on_the_tick(void **state)
{
    (void)state;
    for (uint32_t tick = 1; tick < 20000; tick += 1237) // the first one: it is not set
        for (uint32_t sells = 0; sells < 2; sells++) {
            order(sells);
            symbol()->tick = tick;
            symbol()->tick_magic = multiple_magic(tick);
            symbol()->last = 537; // wider than all ticks
            o.last = PRICE + 12345;
            const uint32_t edge =
                sells ? o.last - o.last * 537ull / 10000 : o.last + o.last * 537ull / 10000;
            furthest((sells ? (edge + step() - 1) / step() : edge / step()) * step(),
                     REFUSAL_LAST_TRADE);
        }
    for (uint32_t tick = 1; tick <= 100; tick += 99) { // below one dollar
        order(false);
        symbol()->tick = tick;
        symbol()->tick_magic = multiple_magic(tick);
        symbol()->last = 10;
        o.last = 9001;
        furthest(9010, REFUSAL_LAST_TRADE);
    }
}

// Between the two limits there is no price that an exchange takes.
static void rounded_it_still_passes(void **state)
{
    (void)state;
    for (uint32_t sells = 0; sells < 2; sells++) {
        order(sells);
        row_of(TRADE_SYMBOL)->price_low = PRICE + 1;
        row_of(TRADE_SYMBOL)->price_high = PRICE + 99;
        assert_int_equal(price_of_it(), 0);
        row_of(TRADE_SYMBOL)->price_high = PRICE + 100;
        assert_int_equal(price_of_it(), PRICE + 100);
    }
}

// The band that the desk has estimated, which is on no tick.
static void a_band_counts_before_it_is_rounded(void **state)
{
    (void)state;
    for (uint32_t sells = 0; sells < 2; sells++) {
        const uint32_t want = sells ? PRICE - 8900 : PRICE + 8900;
        order(sells);
        assert_int_equal(gate_furthest(&rig.risk, &o, PRICE - 8999, PRICE + 8999), want);
        symbol()->last = 1000;
        assert_int_equal(gate_furthest(&rig.risk, &o, PRICE - 8999, PRICE + 8999), want);
        symbol()->last = 50;
        assert_int_equal(gate_furthest(&rig.risk, &o, PRICE - 8999, PRICE + 8999),
                         sells ? PRICE - 5000 : PRICE + 5000);
        o.last = 0; // the band makes up for no reference
        assert_int_equal(gate_furthest(&rig.risk, &o, PRICE - 8999, PRICE + 8999), 0);
    }
}

static void without_a_reference_there_is_none(void **state)
{
    (void)state;
    for (uint32_t sells = 0; sells < 2; sells++)
        for (uint32_t kind = 0; kind < 3; kind++) {
            order(sells);
            symbol()->touch = kind == 0 ? 100 : LIMIT_BAND_OPEN;
            symbol()->last = kind == 1 ? 100 : LIMIT_BAND_OPEN;
            symbol()->period = kind == 2 ? 100 : LIMIT_BAND16_OPEN;
            assert_true(price_of_it() > 0);
            o.bid = o.ask = o.last = 0;
            row_of(TRADE_SYMBOL)->price_high = PRICE;
            row_of(TRADE_SYMBOL)->price_low = PRICE / 2;
            assert_int_equal(price_of_it(), 0);
            symbol()->no_reference = NO_REFERENCE_PASSES;
            furthest(sells ? PRICE / 2 : PRICE, REFUSAL_PRICE_COLLAR);
            limit_band_set(row_of(TRADE_SYMBOL), UINT32_MAX, 0); // no price
            assert_int_equal(price_of_it(), 0);
        }
}

static void in_an_auction_the_book_gives_none(void **state)
{
    (void)state;
    for (uint32_t sells = 0; sells < 2; sells++) {
        order(sells);
        symbol()->touch = 100;
        o.collecting = true;
        o.bid = o.ask = 5 * PRICE;
        furthest(sells ? PRICE - 10000 : PRICE + 10000, REFUSAL_TOUCH);
    }
}

int main(void)
{
#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        GATE_TEST(each_limit_gives_a_price),          GATE_TEST(it_is_on_the_tick),
        GATE_TEST(rounded_it_still_passes),           GATE_TEST(a_band_counts_before_it_is_rounded),
        GATE_TEST(without_a_reference_there_is_none), GATE_TEST(in_an_auction_the_book_gives_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
