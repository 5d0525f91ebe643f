// The step of a clock is found where there is one, and nowhere else.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/latency/grain.h"

enum { GAPS = 4096 };

static uint64_t gaps[GAPS];

// Readings that are 30 to 100 ticks apart, of a clock that counts <step> at a time.
static void readings_make(double step)
{
    double at = 0;
    for (uint32_t i = 0; i < GAPS; i++) {
        const double from = (double)(uint64_t)(at / step) * step;
        at += 30 + i % 71 + (i % 100 == 0 ? 5000 : 0);
        gaps[i] = (uint64_t)((double)(uint64_t)(at / step) * step) - (uint64_t)from;
    }
}

static void a_coarse_clock_is_seen(void **state)
{
    (void)state;
    readings_make(25.96);
    assert_in_range((uint64_t)(100 * clock_step_of(gaps, GAPS)), 2550, 2650);
    readings_make(100);
    assert_in_range((uint64_t)(clock_step_of(gaps, GAPS)), 99, 101);
}

static void a_fine_clock_has_none(void **state)
{
    (void)state;
    for (uint32_t step = 1; step <= 2; step++) {
        readings_make(step);
        assert_true(clock_step_of(gaps, GAPS) <= 0);
    }
    assert_true(clock_step_of(gaps, 0) <= 0);
}

static void a_reading_costs_something(void **state)
{
    struct clock_calibration cal;
    (void)state;
    clock_calibrate(&cal, 10);
    assert_in_range(clock_reading_ns(&cal), 1, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_coarse_clock_is_seen),
        cmocka_unit_test(a_fine_clock_has_none),
        cmocka_unit_test(a_reading_costs_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
