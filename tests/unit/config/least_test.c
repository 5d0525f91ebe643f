// A limit of any owner that leaves no room for the smallest order of any symbol contradicts their
// lots and prices, whoever has set it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/abi/limit_control.h"
#include "dataplane/config/config.h"

enum { LOT = 50, PRICE = 100000 };
static const uint64_t money = (uint64_t)LOT * PRICE;

static struct config_least two_symbols(void)
{
    struct config_least least = CONFIG_LEAST_NONE;
    const struct config_symbol_row rows[] = {{.lot = 100, .tick = 100, .price_low = PRICE},
                                             {.lot = LOT, .tick = 100, .price_low = PRICE - 1}};
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        config_least_add(&least, &rows[i]);
    assert_int_equal(least.lot, LOT);
    assert_int_equal(least.money, money); // on the tick
    return least;
}

static struct config_limits open_limits(void)
{
    struct config_limits l;
    memset(&l, 0xff, sizeof l);
    return l;
}

static void what_leaves_no_order_is_refused(void **state)
{
    static const struct {
        const char *key;
        bool shares;
    } keys[] = {{"quantity", true},   {"auction_quantity", true}, {"position", true},
                {"notional", false},  {"open_notional", false},   {"gross", false},
                {"day_value", false}, {"credit", false}};
    const struct config_least least = two_symbols();
    const struct config_limits none = open_limits();
    (void)state;
    for (uint32_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const uint64_t smallest = keys[i].shares ? LOT : money;
        for (int64_t by = -1; by <= 1; by++) {
            struct config_limits l = open_limits();
            struct limit_fault f;
            const unsigned control = limit_control_find(TRADE_ACCOUNT, keys[i].key);
            assert_true(config_limit_put(control, &l, smallest + (uint64_t)by));
            assert_int_equal(config_least_fits(TRADE_ACCOUNT, &l, &none, &least, 1, &f), by >= 0);
            if (by < 0) {
                assert_string_equal(f.key, keys[i].key);
                assert_non_null(strstr(f.text, keys[i].shares ? "name 50 or more, or 0"
                                                              : "name 500.0000 or more, or 0"));
            }
            assert_true(config_limit_put(control, &l, 0)); // nothing is to enter
            assert_true(config_least_fits(TRADE_ACCOUNT, &l, &none, &least, 1, &f));
        }
    }
}

// Each lane has an equal part: where that takes no order, none enters on it, whoever set the limit.
static void what_leaves_a_lane_no_order_is_refused(void **state)
{
    enum { LANES = 3 };
    static const struct {
        enum trade_scope scope;
        const char *key;
        uint64_t least;
        const char *text;
    } keys[] = {{TRADE_FIRM, "position", LOT, "name 150 or more, or 0"},
                {TRADE_ACCOUNT, "position", LOT, "name 150 or more, or 0"},
                {TRADE_ACCOUNT, "day_orders", 1, "name 3 or more, or 0"},
                {TRADE_FIRM, "day_orders", 1, "name 3 or more, or 0"},
                {TRADE_ACCOUNT, "gross", (uint64_t)LOT * PRICE, "name 1500.0000 or more, or 0"},
                {TRADE_ACCOUNT, "day_value", (uint64_t)LOT * PRICE, "name 1500.0000 or more"},
                {TRADE_ACCOUNT, "credit", (uint64_t)LOT * PRICE, "name 1500.0000 or more"},
                {TRADE_SYMBOL, "position", LOT, "name 150 or more, or 0"},
                {TRADE_SYMBOL, "open_orders", 1, "name 3 or more, or 0"},
                {TRADE_SYMBOL, "open_notional", (uint64_t)LOT * PRICE, "name 1500.0000 or more"}};
    const struct config_limits none = open_limits();
    const struct config_least least = two_symbols();
    (void)state;
    for (uint32_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        for (int64_t by = -1; by <= 1; by++)
            for (uint32_t broker = 0; broker < 2; broker++) {
                struct config_symbol_row row = {.limits = none,
                                                .broker = none,
                                                .lot = LOT,
                                                .tick = 100,
                                                .price_low = PRICE,
                                                .rate_per_s = UINT32_MAX};
                struct config_limits *l = broker ? &row.broker : &row.limits;
                struct limit_fault f;
                const unsigned control = limit_control_find(keys[i].scope, keys[i].key);
                const uint64_t limit = LANES * keys[i].least + (uint64_t)by;
                assert_true(config_limit_put(control, l, limit));
                const bool good = keys[i].scope == TRADE_SYMBOL
                                      ? config_row_parts_good(&row, LANES, &f)
                                      : config_least_fits(keys[i].scope, &row.limits, &row.broker,
                                                          &least, LANES, &f);
                assert_int_equal(good, by >= 0);
                if (by < 0) {
                    assert_string_equal(f.key, keys[i].key);
                    assert_non_null(strstr(f.text, keys[i].text));
                }
                // A strategy is on one lane, and so is a session.
                assert_true(
                    config_least_fits(TRADE_STRATEGY, &row.limits, &row.broker, &least, LANES, &f));
                assert_true(config_limit_put(control, l, 0)); // nothing is to enter
                assert_true(config_row_parts_good(&row, LANES, &f));
                assert_true(
                    config_least_fits(TRADE_FIRM, &row.limits, &row.broker, &least, LANES, &f));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_leaves_no_order_is_refused),
                                       cmocka_unit_test(what_leaves_a_lane_no_order_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
