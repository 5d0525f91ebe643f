// The formula of the Limit Up-Limit Down Plan by examples worked out by hand.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/base/hints.h"
#include "dataplane/feed/luld.h"

enum { OPEN = LULD_OPEN_S, CLOSE = LULD_CLOSE_S, DAY = 1 };

static struct luld_symbol symbols[2];
static struct luld l;
static uint32_t low, high;
static struct luld_terms terms;

static int fresh(void **state)
{
    (void)state;
    memset(symbols, 0, sizeof symbols);
    l = (struct luld){.of = symbols};
    terms = (struct luld_terms){.tier = '1'};
    return 0;
}

static uint64_t at(uint32_t second)
{
    return second * 1000000000ull;
}

static void trade(uint32_t second, uint32_t price)
{
    luld_trade(&l, 0, DAY, at(second), price);
}

static void opens(uint32_t second, uint32_t price)
{
    luld_auction(&l, 0, DAY, at(second), price, 100, true);
}

static enum luld_known known(uint32_t second)
{
    low = high = 0;
    return luld_look(&l, 0, DAY, at(second), &terms, &low, &high);
}

#define BAND(second, lowest, highest)                           \
    do {                                                        \
        assert_int_equal(known(second), LULD_KNOWN);            \
        if (low != (lowest) || high != (highest))               \
            fail_msg("band %u to %u at %u", low, high, second); \
    } while (0)

// Appendix A at the borders of prices and tiers; the close of the day before says which.
static void widths(void **state)
{
    static const struct {
        char tier;
        uint32_t leverage, close, reference, low, high, late_low, late_high;
    } cases[] = {
        // more than $3.00: 5 % and 10 %; in the last minutes the first tier is doubled only
        {'1', 0, 1000000, 1000000, 950000, 1050000, 900000, 1100000},
        {'2', 0, 1000000, 1000000, 900000, 1100000, 900000, 1100000},
        {'1', 0, 30001, 30001, 28501, 31501, 27001, 33001}, // 1500.05, rounded inwards; 3000.1
        {'2', 0, 30001, 30001, 27001, 33001, 27001, 33001},
        // $0.75 to $3.00, both included: 20 %, doubled in both tiers
        {'1', 0, 30000, 30000, 24000, 36000, 18000, 42000},
        {'2', 0, 30000, 30000, 24000, 36000, 18000, 42000},
        {'2', 0, 7500, 7500, 6000, 9000, 4500, 10500},
        // below: the lesser of $0.15 and 75 %, doubled
        {'2', 0, 7499, 7499, 5999, 8999, 4499, 10499}, // 75 % are 5624
        {'1', 0, 2000, 2000, 500, 3500, 1, 5000},      // 75 % are 1500; 150 %: no price below 0
        {'1', 0, 1000, 1000, 250, 1750, 1, 2500},      // 75 %: 750
        // it is the close of the day before that decides, and the reference price where none is
        // known
        {'1', 0, 30000, 40000, 32000, 48000, 24000, 56000},
        {'1', 0, 30001, 20000, 19000, 21000, 18000, 22000},
        {'1', 0, 0, 40000, 38000, 42000, 36000, 44000},
        {'1', 0, 0, 20000, 16000, 24000, 12000, 28000},
        // leveraged products of the second tier: times the leverage
        {'2', 3, 1000000, 1000000, 700000, 1300000, 700000, 1300000},
        {'2', 2, 20000, 20000, 12000, 28000, 4000, 36000},
        {'1', 3, 1000000, 1000000, 950000, 1050000, 900000, 1100000},
        {'2', 1, 1000000, 1000000, 900000, 1100000, 900000, 1100000},
    };
    for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
        fresh(state);
        terms = (struct luld_terms){cases[i].tier, cases[i].leverage, cases[i].close};
        opens(OPEN, cases[i].reference);
        BAND(OPEN, cases[i].low, cases[i].high);
        BAND(CLOSE - LULD_WIDE_S - 1, cases[i].low, cases[i].high);
        BAND(CLOSE - LULD_WIDE_S, cases[i].late_low, cases[i].late_high);
        BAND(CLOSE - 1, cases[i].late_low, cases[i].late_high);
        assert_int_equal(known(CLOSE), LULD_OUT_OF_HOURS);
    }
}

// The opening is the first reference price; then the mean of the five minutes' trades, where it has
// moved by 1 %, and 30 seconds at least after the one before.
static void one_percent_and_thirty_seconds(void **state)
{
    (void)state;
    opens(OPEN + 10, 1000000);
    trade(OPEN + 11, 1009999); // 0.9999 %
    BAND(OPEN + 50, 950000, 1050000);
    trade(OPEN + 51, 1010001); // the mean is 101.0000: exactly 1 %
    BAND(OPEN + 51, 959500, 1060500);
    trade(OPEN + 52, 1500000); // the mean is 117.3333, 16 % away
    BAND(OPEN + 80, 959500, 1060500);
    BAND(OPEN + 81, 1114667, 1231999); // 30 seconds are over: 5 % of 1173333 are 58666
}

static void down_as_well(void **state)
{
    (void)state;
    opens(OPEN, 1000000);
    trade(OPEN + 31, 990001);
    BAND(OPEN + 31, 950000, 1050000);
    trade(OPEN + 32, 989999);
    BAND(OPEN + 32, 940500, 1039500); // 99.0000
}

// Trades of more than five minutes ago count no more; what was in force stays without any.
static void the_window_moves(void **state)
{
    (void)state;
    opens(OPEN, 1000000);
    trade(OPEN + 31, 1100000);
    BAND(OPEN + 31, 1045000, 1155000);
    trade(OPEN + 31 + 240, 1000000); // mean 105
    BAND(OPEN + 31 + 240, 997500, 1102500);
    BAND(OPEN + 359, 997500, 1102500);
    BAND(OPEN + 360, 950000, 1050000); // the first has left: 100
    BAND(OPEN + 7200, 950000, 1050000);
    trade(OPEN + 7200, 2000000);
    BAND(OPEN + 7200, 1900000, 2100000);
}

// Without an opening the first one is the mean of the first five minutes.
static void no_opening(void **state)
{
    (void)state;
    assert_int_equal(known(OPEN - 1), LULD_OUT_OF_HOURS);
    assert_int_equal(known(OPEN), LULD_UNKNOWN);
    trade(OPEN - 1, 10000); // before the hours
    trade(OPEN + 40, 1000000);
    trade(OPEN + 290, 1020000);
    assert_int_equal(known(OPEN + 299), LULD_UNKNOWN);
    BAND(OPEN + 300, 959500, 1060500); // 101
    opens(OPEN + 301, 2000000);        // too late to be the opening of the plan
    BAND(OPEN + 301, 959500, 1060500);
}

// Opened on quotes: the close before is the first reference price.
static void opened_on_quotes(void **state)
{
    (void)state;
    terms.previous_close = 500000;
    assert_int_equal(known(OPEN + 1), LULD_UNKNOWN);
    luld_auction(&l, 0, DAY, at(OPEN + 1), 0, 0, true);
    BAND(OPEN + 1, 475000, 525000);
    trade(OPEN + 100, 600000);
    BAND(OPEN + 300, 475000, 525000); // the feed was heard from a second past the open
    BAND(OPEN + 301, 570000, 630000);
}

// Nothing is known in a halt; its auction is the next reference price, or five minutes of trades.
static void halts(void **state)
{
    (void)state;
    opens(OPEN, 1000000);
    luld_halt(&l, 0, DAY, at(OPEN + 600), true);
    assert_int_equal(known(OPEN + 601), LULD_UNKNOWN);
    trade(OPEN + 602, 1000000);
    luld_auction(&l, 0, DAY, at(OPEN + 900), 800000, 500, false);
    luld_halt(&l, 0, DAY, at(OPEN + 900), false);
    BAND(OPEN + 900, 760000, 840000);
    luld_halt(&l, 0, DAY, at(OPEN + 1000), true);
    luld_halt(&l, 0, DAY, at(OPEN + 1300), false);
    trade(OPEN + 1301, 700000);
    assert_int_equal(known(OPEN + 1599), LULD_UNKNOWN);
    BAND(OPEN + 1600, 665000, 735000);
}

// A halt that began before the hours; another day; a feed that was entered late; half a day.
static void beginnings(void **state)
{
    (void)state;
    luld_halt(&l, 0, DAY, at(OPEN - 3600), true);
    luld_halt(&l, 0, DAY, at(OPEN - 3000), true);
    assert_int_equal(known(OPEN + 400), LULD_UNKNOWN);
    luld_halt(&l, 0, DAY, at(OPEN + 500), false);
    trade(OPEN + 501, 1000000);
    assert_int_equal(known(OPEN + 799), LULD_UNKNOWN);
    BAND(OPEN + 800, 950000, 1050000);
    assert_int_equal(luld_look(&l, 0, DAY + 1, at(OPEN + 900), &terms, &low, &high), LULD_UNKNOWN);
    luld_trade(&l, 0, DAY + 1, at(OPEN + 901), 1000000);
    assert_int_equal(luld_look(&l, 0, DAY + 1, at(OPEN + 1199), &terms, &low, &high), LULD_UNKNOWN);
    assert_int_equal(luld_look(&l, 0, DAY + 1, at(OPEN + 1200), &terms, &low, &high), LULD_KNOWN);
    fresh(state);
    l.hours = (struct luld_hours){OPEN, OPEN + 12600, 0}; // until 13:00
    opens(OPEN, 1000000);
    BAND(OPEN + 12600 - LULD_WIDE_S - 1, 950000, 1050000);
    BAND(OPEN + 12600 - LULD_WIDE_S, 900000, 1100000);
    assert_int_equal(known(OPEN + 12600), LULD_OUT_OF_HOURS);
    l.hours = (struct luld_hours){LULD_NEVER_S, LULD_NEVER_S, 0};
    assert_int_equal(known(OPEN + 1), LULD_OUT_OF_HOURS);
}

static void tiers(void **state)
{
    (void)state;
    opens(OPEN, 1000000);
    terms.tier = ' '; // rights, warrants: not of the plan
    assert_int_equal(known(OPEN), LULD_OUT_OF_HOURS);
    terms.tier = '0';
    assert_int_equal(known(OPEN), LULD_OUT_OF_HOURS);
    terms.tier = 0; // nobody has said it yet
    assert_int_equal(known(OPEN), LULD_UNKNOWN);
}

// Clocks that count from 1970 in UTC: 2026-11-23, New York, winter.
static void other_clocks(void **state)
{
    (void)state;
    l.hours.zone_s = -5 * 3600;
    assert_int_equal(luld_second(&l, 1795444200ull * 1000000000), OPEN); // 14:30 UTC
    assert_int_equal(luld_second(&l, 1795410000ull * 1000000000), 0);    // 05:00 UTC
    assert_int_equal(luld_second(&l, 1795409999ull * 1000000000), 86399);
    assert_int_equal(luld_second(&l, at(OPEN)), OPEN);
}

// Against the sums of all trades, kept and added up anew: a day of bursts, silences and jumps.
static void against_all_trades(void **state)
{
    static struct {
        uint32_t second, price;
    } all[20000];
    uint64_t random = 7;
    uint32_t second = OPEN, reference = 1000000, since = OPEN, price = 1000000;
    (void)state;
    opens(OPEN, reference);
    for (uint32_t n = 0; n < ARRAY_LEN(all) && second < CLOSE - LULD_WIDE_S - 700; n++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        second += (random >> 33) % 100 == 0 ? (uint32_t)(random >> 40) % 700 : (random >> 50) % 2;
        price += (uint32_t)(random >> 20) % 4001;
        price -= 2000;
        all[n].second = second;
        all[n].price = price;
        trade(second, price);
        // Each trade is looked at before it counts and behind it, so is the mean.
        for (uint32_t counted = n; counted <= n + 1; counted++) {
            uint64_t sum = 0, trades = 0;
            for (uint32_t i = counted; i-- > 0;) {
                if (all[i].second / 30 + LULD_BUCKETS <= second / 30)
                    break;
                sum += all[i].price;
                trades++;
            }
            const double mean = trades ? (double)sum / (double)trades : reference;
            const double moved =
                (mean > reference ? mean - reference : reference - mean) / reference;
            if (trades == 0 || second < since + 30 || moved < 0.01)
                continue;
            reference = (uint32_t)(mean + 0.5);
            since = second;
        }
        BAND(second, reference - (uint32_t)((uint64_t)reference * 5 / 100),
             reference + (uint32_t)((uint64_t)reference * 5 / 100));
    }
    assert_true(second > OPEN + 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(widths, fresh),
        cmocka_unit_test_setup(one_percent_and_thirty_seconds, fresh),
        cmocka_unit_test_setup(down_as_well, fresh),
        cmocka_unit_test_setup(the_window_moves, fresh),
        cmocka_unit_test_setup(no_opening, fresh),
        cmocka_unit_test_setup(opened_on_quotes, fresh),
        cmocka_unit_test_setup(halts, fresh),
        cmocka_unit_test_setup(beginnings, fresh),
        cmocka_unit_test_setup(tiers, fresh),
        cmocka_unit_test_setup(other_clocks, fresh),
        cmocka_unit_test_setup(against_all_trades, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
