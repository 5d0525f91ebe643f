// Half of the table of executions is used: no order enters. What is open goes on executing, and
// every execution of it is still known: one that comes twice moves the position once, one that is
// broken moves it back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_parts.h"
#include "tests/lib/desk_world.h"

enum { HALF = 16384 / 2, MORE = 20, SHARES = 2 * HALF };

static const struct desk_order buy = {
    .quantity = SHARES, .price = 1000000, .side = 'B', .time_in_force = '0', .display = 'Y'};
static uint32_t order;

static int world_begin(void **state)
{
    (void)state;
    world_open(11);
    return 0;
}

static int world_end(void **state)
{
    (void)state;
    world_close();
    return 0;
}

static void say(enum ouch_report_kind kind, uint32_t shares, uint64_t match, uint64_t time_ns)
{
    const struct ouch_report r = {.kind = kind,
                                  .ref = orders_at(&w->desk.orders, order)->ref,
                                  .quantity = shares,
                                  .price = 1000000,
                                  .match = match,
                                  .time_ns = time_ns,
                                  .side = 'B',
                                  .display = 'Y',
                                  .letter = kind == REPORT_ACCEPTED   ? 'A'
                                            : kind == REPORT_EXECUTED ? 'E'
                                                                      : 'B'};
    desk_report(&w->desk, 0, &r);
    events_drain();
}

static int64_t shares(void)
{
    return w->desk.risk.positions[orders_at(&w->desk.orders, order)->position].shares;
}

static void full(void)
{
    steps_until(SESSION_READY);
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &order), REFUSAL_NONE);
    say(REPORT_ACCEPTED, SHARES, 0, 1);
    uint64_t match = 0;
    while (!orders_full(&w->desk.orders)) {
        match++;
        say(REPORT_EXECUTED, 1, match, 1 + match);
    }
    assert_int_equal(shares(), match);
    uint32_t another;
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &another), REFUSAL_ORDER_TABLE_FULL);
}

static void an_execution_that_comes_twice_counts_once(void **state)
{
    (void)state;
    full();
    const int64_t before = shares();
    for (uint64_t m = 0; m < MORE; m++) {
        say(REPORT_EXECUTED, 1, 900000 + m, 900000 + m);
        say(REPORT_EXECUTED, 1, 900000 + m, 900000 + m);
    }
    assert_int_equal(shares(), before + MORE);
}

static void a_broken_one_moves_the_position_back(void **state)
{
    (void)state;
    full();
    const int64_t before = shares();
    for (uint64_t m = 0; m < MORE; m++) {
        say(REPORT_EXECUTED, 1, 900000 + m, 900000 + m);
        say(REPORT_BROKEN, 0, 900000 + m, 950000 + m);
    }
    assert_int_equal(shares(), before);
}

static void an_order_is_not_made_larger(void **state)
{
    (void)state;
    full();
    assert_int_equal(desk_replace(&w->desk, &w->who, order, SHARES + 100, 1000000),
                     REFUSAL_ORDER_TABLE_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_execution_that_comes_twice_counts_once, world_begin,
                                        world_end),
        cmocka_unit_test_setup_teardown(a_broken_one_moves_the_position_back, world_begin,
                                        world_end),
        cmocka_unit_test_setup_teardown(an_order_is_not_made_larger, world_begin, world_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
