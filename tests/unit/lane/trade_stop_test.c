// How the trading half stops while its lanes still run.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/trade_start_rig.h"

// In the order in which it gets them.
static void answered(uint32_t lane, enum lane_answer_kind kind, uint32_t session)
{
    struct lane_answer a;
    assert_true(spsc_pop(&lanes[lane]->answers, &a));
    assert_true(a.kind == kind && a.session == session);
}

// Cancels whose rate is too slow for a stop leave without it, before the logout; those that wait
// for anything else are left alone.
static void a_stop_leaves_no_cancel_to_its_rate(void **state)
{
    (void)state;
    struct lane_answer a;
    start();
    for (uint32_t i = 0; i < LANES; i++) {
        struct desk *desk = &d.desks[i]->desk;
        desk->orders.sessions[i].open_count = desk->orders.sessions[i].cancel_count = 5;
        while (spsc_pop(&lanes[i]->answers, &a))
            ;
    }
    struct limit_row *row = &d.desks[0]->desk.limits->sessions[0];
    row->cancel_rate = CANCELS_WAIT;
    row->price_low = 1;
    trade_stop(&d, 0);
    answered(0, ANSWER_UNPACE, 0);
    for (uint32_t i = 0; i < LANES; i++) {
        answered(i, ANSWER_LOGOUT, i);
        assert_false(spsc_pop(&lanes[i]->answers, &a));
        struct desk *desk = &d.desks[i]->desk;
        desk->orders.sessions[i].open_count = desk->orders.sessions[i].cancel_count = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_stop_leaves_no_cancel_to_its_rate, tidy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
