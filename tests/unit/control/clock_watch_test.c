// What the kernel says about its clock, and which lanes are told.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <cmocka.h>

#include "dataplane/base/kernel_clock.h"
#include "dataplane/control/dataplane.h"

enum { LIMIT_US = 100, ANSWERS = 8, TURN_NS = 1000000000 };

struct world {
    struct dataplane d;
    struct config config;
    struct lane lanes[3];
    struct dataplane_desk desk;
    struct lane_answer answers[3][ANSWERS];
    uint64_t now_ns;
};

static int setup(void **state)
{
    struct world *w = *state = calloc(1, sizeof *w);
    assert_non_null(w);
    w->d.config = &w->config;
    w->config.lane_count = 3;
    w->config.trading.clock_error_us = LIMIT_US;
    for (uint32_t i = 0; i < 3; i++) {
        w->d.lanes[i] = &w->lanes[i];
        spsc_init(&w->lanes[i].answers, w->answers[i], ANSWERS, sizeof(struct lane_answer));
    }
    w->d.desks[0] = w->d.desks[2] = &w->desk; // the second one does not trade
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static uint32_t look(struct world *w, uint64_t error)
{
    w->now_ns += TURN_NS;
    return clock_watch_turn(&w->d, w->now_ns, &error);
}

static uint64_t heard(struct world *w, uint32_t lane)
{
    struct lane_answer answer;
    assert_true(spsc_pop(&w->lanes[lane].answers, &answer));
    assert_int_equal(answer.kind, ANSWER_CLOCK);
    return answer.sequence;
}

static void what_the_kernel_says(void **state)
{
    struct timex t = {.maxerror = 123};
    (void)state;
    assert_int_equal(clock_error_of(TIME_OK, &t), 123000);
    t.status = STA_NANO | STA_PLL; // errors are microseconds all the same
    assert_int_equal(clock_error_of(TIME_INS, &t), 123000);
    t.maxerror = 0;
    assert_int_equal(clock_error_of(TIME_OK, &t), 0);
    assert_true(clock_error_of(TIME_ERROR, &t) == CLOCK_ERROR_UNKNOWN);
    assert_true(clock_error_of(-1, &t) == CLOCK_ERROR_UNKNOWN);
    t.status = STA_UNSYNC;
    assert_true(clock_error_of(TIME_OK, &t) == CLOCK_ERROR_UNKNOWN);
    t.status = 0;
    t.maxerror = -1;
    assert_true(clock_error_of(TIME_OK, &t) == CLOCK_ERROR_UNKNOWN);
}

static void lanes_that_trade_are_told_what_changes(void **state)
{
    struct world *w = *state;
    struct lane_answer none;
    assert_int_equal(look(w, 99999), 2);
    assert_int_equal(heard(w, 0), 99999);
    assert_int_equal(heard(w, 2), 99999);
    assert_int_equal(look(w, 100000), 0); // at the bound
    assert_int_equal(look(w, 100001), 2);
    assert_int_equal(heard(w, 0), 100001);
    assert_int_equal(look(w, 100001), 0);
    assert_int_equal(look(w, CLOCK_ERROR_UNKNOWN), 2);
    assert_true(heard(w, 0) == CLOCK_ERROR_UNKNOWN);
    assert_int_equal(look(w, 0), 2);
    assert_int_equal(heard(w, 0), 0);
    assert_false(spsc_pop(&w->lanes[1].answers, &none));
}

// A ring without room: the lane is told by a later look.
static void a_lane_that_is_busy_hears_of_it_later(void **state)
{
    struct world *w = *state;
    const struct lane_answer other = {.kind = ANSWER_SEND};
    struct lane_answer taken;
    while (spsc_push(&w->lanes[0].answers, &other))
        continue;
    assert_int_equal(look(w, 0), 1);
    while (spsc_pop(&w->lanes[0].answers, &taken))
        assert_int_equal(taken.kind, ANSWER_SEND);
    assert_int_equal(look(w, 0), 1);
    assert_int_equal(heard(w, 0), 0);
}

static void nobody_looks_without_a_bound_or_too_soon(void **state)
{
    struct world *w = *state;
    const uint64_t error = 0;
    w->config.trading.clock_error_us = 0;
    assert_int_equal(look(w, error), 0);
    w->config.trading.clock_error_us = LIMIT_US;
    assert_int_equal(look(w, error), 2);
    assert_int_equal(clock_watch_turn(&w->d, w->now_ns + 1, &(uint64_t){CLOCK_ERROR_UNKNOWN}), 0);
    // The kernel itself: whatever it says, the lanes know by now, or hear of it.
    w->now_ns += TURN_NS;
    const uint32_t told = clock_watch_turn(&w->d, w->now_ns, NULL);
    assert_int_equal(told, w->d.clock_watch.error_ns > LIMIT_US * 1000u ? 2 : 0);
}

// The refusal has the value of now, to a second.
static void a_doubt_that_grows_is_told(void **state)
{
    struct world *w = *state;
    assert_int_equal(look(w, 100001), 2);
    assert_int_equal(heard(w, 0), 100001);
    assert_int_equal(look(w, 5000000), 2);
    assert_int_equal(heard(w, 0), 5000000);
    const uint64_t soon = w->now_ns + TURN_NS - 1, then = w->now_ns + TURN_NS + TURN_NS / 4;
    assert_int_equal(clock_watch_turn(&w->d, soon, &(uint64_t){5000500}), 0);
    assert_int_equal(clock_watch_turn(&w->d, then, &(uint64_t){5000600}), 2);
    assert_int_equal(heard(w, 0), 5000600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_kernel_says),
        cmocka_unit_test_setup_teardown(lanes_that_trade_are_told_what_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lane_that_is_busy_hears_of_it_later, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_looks_without_a_bound_or_too_soon, setup, teardown),
        cmocka_unit_test_setup_teardown(a_doubt_that_grows_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
