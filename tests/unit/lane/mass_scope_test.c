// A mass cancel takes off what its scope has, and nothing else.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/examples.h"

static void enter(uint16_t symbol, uint16_t account, uint16_t strategy, uint8_t venue)
{
    const struct desk_owner who = {.account = account, .strategy = strategy};
    const struct desk_order ask = {.client_id = 1,
                                   .quantity = 100,
                                   .price = 999900,
                                   .instrument = symbol,
                                   .session = venue,
                                   .side = 'B',
                                   .time_in_force = '0',
                                   .display = 'Y'};
    uint32_t order = OWN_NONE;
    assert_int_equal(desk_enter(&w->desk, &who, &ask, &order), REFUSAL_NONE);
    turn();
    say_accepted(venue, w->venues[venue].entered_count - 1);
    turn();
}

static uint32_t cancelled(void)
{
    return w->venues[A].cancelled_count + w->venues[B].cancelled_count;
}

static void each_scope_takes_off_its_own(void **state)
{
    const struct {
        enum trade_scope scope;
        uint32_t misses, hits;
    } cases[] = {
        {TRADE_ACCOUNT, 3, 1}, {TRADE_STRATEGY, 5, 2}, {TRADE_SYMBOL, 1, 0}, {TRADE_SESSION, B, A}};
    (void)state;
    market_opens();
    for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
        enter(0, 1, 2, A);
        desk_mass_cancel(&w->desk, cases[i].scope, cases[i].misses);
        turn();
        turn();
        assert_int_equal(cancelled(), i);
        desk_mass_cancel(&w->desk, cases[i].scope, cases[i].hits);
        turn();
        turn();
        assert_int_equal(cancelled(), i + 1);
        say_cancelled(A, w->venues[A].entered_count - 1, 100, 'U');
        turn();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_scope_takes_off_its_own, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
