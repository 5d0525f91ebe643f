// When triggers of an open loop are due.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/latency/schedule.h"

enum { ROOM = 100000 };

static void a_constant_schedule_does_not_drift(void **state)
{
    const struct schedule_options o = {
        .kind = SCHEDULE_CONSTANT, .rate = 30000, .seconds = 2, .seed = 1};
    struct schedule s;
    struct error err = {0};
    (void)state;
    assert_true(schedule_make(&s, &o, ROOM, &err));
    assert_int_equal(s.count, 60000);
    for (uint64_t i = 0; i < s.count; i++)
        assert_int_equal(s.due_ns[i], (uint64_t)((double)i * (1e9 / 30000)));
    assert_true(s.rate > 29999 && s.rate < 30001);
    schedule_free(&s);
}

static void gaps_of_a_poisson_schedule_are_exponential(void **state)
{
    const struct schedule_options o = {
        .kind = SCHEDULE_POISSON, .rate = 40000, .seconds = 2, .seed = 3};
    struct schedule s, again;
    struct error err = {0};
    uint64_t longer = 0, twice = 0;
    (void)state;
    assert_true(schedule_make(&s, &o, ROOM, &err));
    assert_true(s.rate > 39000 && s.rate < 41000);
    for (uint64_t i = 1; i < s.count; i++) {
        assert_true(s.due_ns[i] >= s.due_ns[i - 1]);
        longer += s.due_ns[i] - s.due_ns[i - 1] > 25000; // the mean: 1/e of all
        twice += s.due_ns[i] - s.due_ns[i - 1] > 50000;  // 1/e^2
    }
    assert_in_range(1000 * longer / s.count, 355, 381);
    assert_in_range(1000 * twice / s.count, 125, 146);
    assert_true(schedule_make(&again, &o, ROOM, &err)); // a seed gives the same schedule
    assert_int_equal(again.count, s.count);
    assert_memory_equal(again.due_ns, s.due_ns, s.count * sizeof *s.due_ns);
    schedule_free(&again);
    schedule_free(&s);
}

static void what_does_not_fit_is_left_out_and_nothing_is_refused(void **state)
{
    struct schedule_options o = {
        .kind = SCHEDULE_CONSTANT, .rate = 1000000, .seconds = 1, .seed = 1};
    struct schedule s;
    struct error err = {0};
    (void)state;
    assert_true(schedule_make(&s, &o, ROOM, &err));
    assert_int_equal(s.count, ROOM);
    schedule_free(&s);
    o.kind = SCHEDULE_RECORDED;
    o.file = "no_such_folder/day.pcap";
    o.speed = 1;
    assert_false(schedule_make(&s, &o, ROOM, &err));
    assert_int_not_equal(err.code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_schedule_does_not_drift),
        cmocka_unit_test(gaps_of_a_poisson_schedule_are_exponential),
        cmocka_unit_test(what_does_not_fit_is_left_out_and_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
