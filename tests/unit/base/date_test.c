// Days, times of day, and what a time zone makes of an instant.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/date.h"
#include "dataplane/base/hints.h"

static int32_t day_of(const char *text)
{
    int32_t day = -1;
    assert_true(date_parse(text, strlen(text), &day));
    return day;
}

static void days_are_counted(void **state)
{
    (void)state;
    char text[DATE_LEN];
    assert_int_equal(day_of("1970-01-01"), 0);
    assert_int_equal(day_of("2000-02-29"), 11016);
    assert_int_equal(day_of("2026-11-23") - day_of("2026-10-31"), 23);
    assert_string_equal(date_text(text, day_of("2026-12-31") + 1), "2027-01-01");
    assert_int_equal(date_number(day_of("2026-03-09")), 20260309);
    assert_int_equal(date_weekday(day_of("2026-11-23")), 0); // a Monday
    assert_int_equal(date_weekday(day_of("2026-11-29")), 6);
}

static void what_is_no_day_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"",           "2026-2-03",   "2026-02-29", "2026-13-01",
                                      "2026-00-10", "2026-01-00",  "2026-04-31", "1969-12-31",
                                      "2026/01/02", "2026-01-02 ", "20260102",   "abcd-ef-gh"};
    int32_t day;
    for (uint32_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(date_parse(bad[i], strlen(bad[i]), &day));
}

static void times_are_seconds_of_the_day(void **state)
{
    (void)state;
    static const char *const bad[] = {"9:30",  "09:60", "24:01",   "09:30:60",
                                      "09.30", "",      "24:00:01"};
    uint32_t second;
    char text[TIME_LEN];
    assert_true(time_parse("09:30", 5, &second) && second == 34200);
    assert_true(time_parse("16:00:05", 8, &second) && second == 57605);
    assert_string_equal(time_text(text, second), "16:00:05");
    assert_true(time_parse("24:00", 5, &second) && second == DAY_SECONDS);
    for (uint32_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(time_parse(bad[i], strlen(bad[i]), &second));
}

static void is_local(uint64_t utc_s, const char *day, uint32_t second)
{
    const struct local_time at = local_time_at(utc_s * 1000000000);
    char text[DATE_LEN];
    const int64_t ahead = (int64_t)at.day * DAY_SECONDS + at.second - (int64_t)utc_s;
    assert_true(zone_ahead(at) == ahead || utc_s == 1793511000 || utc_s == 1793514600);
    assert_string_equal(date_text(text, at.day), day);
    assert_int_equal(at.second, second);
}

// New York of 2026: summer time from March 8 to November 1, two in the morning.
static void the_clock_on_the_wall_jumps_with_the_zone(void **state)
{
    (void)state;
    struct error err = {0};
    if (!zone_set("America/New_York", &err)) {
        print_message("no zone database here: %s\n", err.text);
        skip();
    }
    is_local(1772952900, "2026-03-08", 1 * 3600 + 55 * 60); // 06:55 UTC, five hours behind
    is_local(1772953200, "2026-03-08", 3 * 3600);           // 07:00 UTC, four
    is_local(1793511000, "2026-11-01", 1 * 3600 + 30 * 60); // 05:30 UTC
    is_local(1793514600, "2026-11-01", 1 * 3600 + 30 * 60); // the same hour again
    is_local(1795420800, "2026-11-23", 3 * 3600);           // 08:00 UTC
    is_local(1795406400, "2026-11-22", 23 * 3600);          // 04:00 UTC is the day before
}

static void an_unknown_zone_is_named(void **state)
{
    (void)state;
    static const char *const bad[] = {"America/Gotham", "../passwd", "/etc/passwd"};
    for (uint32_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error err = {0};
        assert_false(zone_set(bad[i], &err));
        assert_int_equal(err.code, EXIT_USAGE);
        assert_non_null(strstr(err.text, bad[i]));
        assert_non_null(strstr(err.text, "tzdata"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_counted),
        cmocka_unit_test(what_is_no_day_is_none),
        cmocka_unit_test(times_are_seconds_of_the_day),
        cmocka_unit_test(the_clock_on_the_wall_jumps_with_the_zone),
        cmocka_unit_test(an_unknown_zone_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
