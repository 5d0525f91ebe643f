#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "dataplane/base/clock.h"

// Figures of a fast machine far from its start: products need more than 64 bits.
static const struct clock_calibration fixed = {
    .tsc_hz = 3700000000, .tsc_at = 1ull << 62, .utc_ns_at = 1767225600000000000};

static void durations_round_as_documented(void **state)
{
    (void)state;
    const struct clock_calibration three = {.tsc_hz = 3000000000};
    assert_int_equal(clock_ticks_to_ns(&three, 3), 1);
    assert_int_equal(clock_ticks_to_ns(&three, 5), 1); // down
    const struct clock_calibration odd = {.tsc_hz = 2500000001};
    assert_int_equal(clock_ns_to_ticks(&odd, 2), 6); // 5.000000002, up
    assert_int_equal(clock_ns_to_ticks(&odd, 0), 0);
}

static void years_of_ticks_do_not_overflow(void **state)
{
    (void)state;
    const uint64_t year_ns = 31536000ull * 1000000000;
    uint64_t ticks = clock_ns_to_ticks(&fixed, 20 * year_ns);
    assert_int_equal(ticks, 20ull * 31536000 * 3700000000);
    assert_int_equal(clock_ticks_to_ns(&fixed, ticks), 20 * year_ns);
}

static void moments_before_and_after_the_calibration(void **state)
{
    (void)state;
    assert_int_equal(clock_tsc_to_utc_ns(&fixed, fixed.tsc_at), fixed.utc_ns_at);
    assert_int_equal(clock_tsc_to_utc_ns(&fixed, fixed.tsc_at + fixed.tsc_hz),
                     fixed.utc_ns_at + 1000000000);
    assert_int_equal(clock_tsc_to_utc_ns(&fixed, fixed.tsc_at - fixed.tsc_hz),
                     fixed.utc_ns_at - 1000000000);
}

// The calibrated clock agrees with the kernel's: between two readings of it.
static void calibration_agrees_with_the_kernel(void **state)
{
    (void)state;
    struct clock_calibration cal;
    clock_calibrate(&cal, 20);
    assert_true(cal.tsc_hz > 100000000 && cal.tsc_hz < 20000000000);
    uint64_t before = clock_utc_ns(), tsc = clock_tsc(), after = clock_utc_ns();
    uint64_t now = clock_tsc_to_utc_ns(&cal, tsc);
    const uint64_t slack = 100000; // a TSC reading is not at the moment of the kernel's
    assert_true(now + slack >= before && now <= after + slack);
    assert_true(clock_mono_ns() <= clock_mono_ns());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_round_as_documented),
        cmocka_unit_test(years_of_ticks_do_not_overflow),
        cmocka_unit_test(moments_before_and_after_the_calibration),
        cmocka_unit_test(calibration_agrees_with_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
