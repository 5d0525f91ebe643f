// Market orders, by the policy of their account: refused, or given a limit and no rest.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/limit_set_rig.h"

enum { SYMBOL = 1, LANE = 1 };

static void set(enum trade_scope scope, const char *control, const char *value)
{
    const uint32_t indices[] = {0, ACCOUNT, 0, SYMBOL, LANE};
    if (set_base(scope, indices[scope], control, value) != COMMAND_RESULT_OK)
        fail_msg("%s: %s", control, slot->answer.limit_set.why);
}

static const struct event_decision *decision(void)
{
    return &newest(LANE, EVENT_DECISION)->decision;
}

static void refused(const struct ouch_extras *extras)
{
    assert_int_equal(enter_with(LANE, 10, OUCH50_PRICE_MARKET, extras), REFUSAL_MARKET);
    assert_int_equal(decision()->scope, TRADE_ACCOUNT);
    assert_int_equal(decision()->price, OUCH50_PRICE_MARKET);
    assert_false(decision()->checks & CHECKS_OF_MARKET); // the price says it
}

static void converted(uint32_t price)
{
    assert_int_equal(enter(LANE, 10, OUCH50_PRICE_MARKET), REFUSAL_NONE);
    assert_int_equal(decision()->price, price);
    assert_true(decision()->checks == (refusal_checks() | CHECKS_OF_MARKET));
    assert_int_equal(decision()->time_in_force, '3');
    const struct own_order *o = orders_at(&d.desks[LANE]->desk.orders, decision()->order);
    assert_int_equal(o->price, price);
    assert_int_equal(o->time_in_force, '3');
    assert_int_equal(o->held_notional, 10ull * price);
}

static void the_account_says_what_becomes_of_them(void **state)
{
    (void)state;
    open_wide();
    set(TRADE_SYMBOL, "previous_close", "1.0");
    set(TRADE_SYMBOL, "last", "1000");
    refused(NULL); // without a word
    set(TRADE_ACCOUNT, "market", "convert");
    converted(11000);
    set(TRADE_SYMBOL, "tick", "0.03");
    converted(10800);
    set(TRADE_SYMBOL, "price_high", "1.05");
    converted(10500);
    // It is judged like any other: as immediate or cancel, and by its value.
    set(TRADE_SESSION, "forbid", "ioc");
    assert_int_equal(enter(LANE, 10, OUCH50_PRICE_MARKET), REFUSAL_PERMISSION);
    set(TRADE_SESSION, "forbid", "none");
    set(TRADE_ACCOUNT, "notional", "10");
    assert_int_equal(enter(LANE, 10, OUCH50_PRICE_MARKET), REFUSAL_NOTIONAL);
    assert_int_equal(decision()->value, 105000);
    assert_true(decision()->checks == (refusal_passed(REFUSAL_NOTIONAL) | CHECKS_OF_MARKET));
    assert_int_equal(enter(LANE, 10, 10500), REFUSAL_NOTIONAL); // what is asked for as a limit
    assert_true(decision()->checks == refusal_passed(REFUSAL_NOTIONAL));
    set(TRADE_ACCOUNT, "notional", "10.5");
    converted(10500);
    set(TRADE_ACCOUNT, "market", "refuse");
    refused(NULL);
    tidy(NULL);
}

static void what_has_no_price_is_refused(void **state)
{
    (void)state;
    open_wide();
    set(TRADE_ACCOUNT, "market", "convert");
    converted(95000); // the rig's collar
    set(TRADE_SYMBOL, "price_high", "none");
    refused(NULL); // nothing limits prices
    set(TRADE_SYMBOL, "last", "1000");
    refused(NULL); // nothing has traded
    set(TRADE_SYMBOL, "previous_close", "1.0");
    converted(11000);
    const struct ouch_extras cross = {.cross = 'C'}, sweep = {.iso = 'Y'};
    refused(&cross);
    refused(&sweep);
    tidy(NULL);
}

static void it_belongs_to_accounts_of_the_firm(void **state)
{
    (void)state;
    open_wide();
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
        const uint32_t index = scope == TRADE_ACCOUNT  ? ACCOUNT
                               : scope == TRADE_SYMBOL ? SYMBOL
                                                       : 0;
        const enum command_result want =
            scope == TRADE_ACCOUNT ? COMMAND_RESULT_OK : COMMAND_RESULT_LIMIT_REFUSED;
        assert_int_equal(set_base(scope, index, "market", "convert"), want);
    }
    assert_int_equal(set_owned(LIMIT_OF_BROKER, TRADE_ACCOUNT, ACCOUNT, "market", "refuse"),
                     COMMAND_RESULT_LIMIT_REFUSED);
    // What lets more pass takes more than what lets less pass.
    assert_true(limit_widens(LIMIT_LIMITS_market, MARKET_REFUSED, MARKET_CONVERTED));
    assert_false(limit_widens(LIMIT_LIMITS_market, MARKET_CONVERTED, MARKET_REFUSED));
    tidy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_account_says_what_becomes_of_them),
        cmocka_unit_test(what_has_no_price_is_refused),
        cmocka_unit_test(it_belongs_to_accounts_of_the_firm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
