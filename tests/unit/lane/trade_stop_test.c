// How the trading half stops while its lanes still run.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

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

static void *stops(void *wait_ms)
{
    trade_stop(&d, *(const uint32_t *)wait_ms);
    return NULL;
}

// Nothing enters while the cancels of another session are waited for; its own leave before.
static void a_session_whose_orders_stay_logs_out_at_once(void **state)
{
    (void)state;
    struct lane_answer a;
    uint32_t wait_ms = 10000;
    pthread_t thread;
    start();
    config.sessions[1].cancel_on_stop = false;
    uint32_t *const open = &d.desks[0]->desk.orders.sessions[0].open_count;
    *open = d.desks[1]->desk.orders.sessions[1].open_count = 1;
    for (uint32_t i = 0; i < LANES; i++)
        while (spsc_pop(&lanes[i]->answers, &a))
            ;
    uint32_t *const cancels = &d.desks[1]->desk.orders.sessions[1].cancel_count;
    *cancels = 1;
    assert_int_equal(pthread_create(&thread, NULL, stops, &wait_ms), 0);
    usleep(20000);
    bool told = spsc_pop(&lanes[1]->answers, &a);
    const bool before = told;
    __atomic_store_n(cancels, 0, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < 1000 && !told; i++) {
        usleep(1000);
        told = spsc_pop(&lanes[1]->answers, &a);
    }
    const bool waits = !spsc_pop(&lanes[0]->answers, &a);
    __atomic_store_n(open, 0, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    assert_true(!before && told && waits);
    answered(0, ANSWER_LOGOUT, 0);
    assert_false(spsc_pop(&lanes[1]->answers, &a));
    d.desks[1]->desk.orders.sessions[1].open_count = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_stop_leaves_no_cancel_to_its_rate, tidy),
        cmocka_unit_test_teardown(a_session_whose_orders_stay_logs_out_at_once, tidy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
