// Trading calendar and event windows: which days and times they mean, through holidays, half days
// and changes of the zone's offset, and what is wrong with them, with line and remedy.
#include <string.h>

#include "dataplane/config/calendar.h"
#include "dataplane/config/windows.h"
#include "tests/lib/sheet_rig.h"

static int32_t date(const char *text)
{
    int32_t day = 0;
    assert_true(date_parse(text, 10, &day));
    return day;
}

static int open_rig(void **state)
{
    (void)state;
    const int made = two_symbols();
    config.day.calendar_days = 1;
    return made;
}

static bool read_text(struct sheet *s, const char *text, struct error *err)
{
    return strstr(text, ",windows,")
               ? text_read(s, &windows_kind, windows_check, "c.csv", text, err)
               : text_read(s, &calendar_kind, calendar_check, "c.csv", text, err);
}

#define CALENDAR "tickgate,calendar,1,2026-01-01,2026-12-31\n"
#define WINDOWS  "tickgate,windows,1,2026-11-01,2026-12-31\n"

static enum trading_phase phase(const struct sheet *s, const char *day, uint32_t hour,
                                uint32_t minute)
{
    return calendar_phase(s, (struct local_time){date(day), hour * 3600 + minute * 60});
}

static void holidays_and_half_days(void **state)
{
    (void)state;
    struct sheet s, none = {.kind = &calendar_kind};
    good(&s, CALENDAR "days,open,close,name\n"
                      "2026-11-26,,,Thanksgiving\n"
                      "mon-fri,09:30,16:00,\n"
                      "2026-11-27,09:30,13:00,half day\n");
    assert_int_equal(phase(&s, "2026-11-23", 9, 29), PHASE_BEFORE);
    assert_int_equal(phase(&s, "2026-11-23", 9, 30), PHASE_TRADING);
    assert_int_equal(phase(&s, "2026-11-23", 15, 59), PHASE_TRADING);
    assert_int_equal(phase(&s, "2026-11-23", 16, 0), PHASE_AFTER);
    assert_int_equal(phase(&s, "2026-11-26", 12, 0), PHASE_AFTER); // holiday
    assert_int_equal(phase(&s, "2026-11-27", 12, 59), PHASE_TRADING);
    assert_int_equal(phase(&s, "2026-11-27", 13, 0), PHASE_AFTER); // half a day
    assert_int_equal(phase(&s, "2026-11-28", 12, 0), PHASE_AFTER); // a Saturday
    assert_int_equal(phase(&s, "2027-01-04", 12, 0), PHASE_AFTER); // beyond it
    assert_int_equal(phase(&s, "2025-12-31", 12, 0), PHASE_AFTER);
    assert_int_equal(phase(&none, "2026-11-23", 12, 0), PHASE_UNKNOWN);
    assert_string_equal(calendar_of(&s, date("2026-11-26"))->name, "Thanksgiving");
    assert_null(calendar_of(&s, date("2026-11-28")));
    sheet_free(&s);
}

// Opening is by the clock on the wall: an hour of UTC earlier once summer time has begun.
static void the_offset_of_the_zone_changes(void **state)
{
    (void)state;
    struct error err = {0};
    struct sheet s;
    if (!zone_set("America/New_York", &err))
        skip(); // the machine has no zone database
    good(&s, CALENDAR "days,open,close\nmon-fri,09:30,16:00\n");
    const uint64_t friday = (uint64_t)date("2026-03-06") * DAY_SECONDS + 14 * 3600 + 30 * 60;
    const uint64_t monday = friday + 3 * DAY_SECONDS - 3600; // summer time began on Sunday
    assert_int_equal(calendar_phase(&s, local_time_at((friday - 1) * 1000000000)), PHASE_BEFORE);
    assert_int_equal(calendar_phase(&s, local_time_at(friday * 1000000000)), PHASE_TRADING);
    assert_int_equal(calendar_phase(&s, local_time_at((monday - 1) * 1000000000)), PHASE_BEFORE);
    assert_int_equal(calendar_phase(&s, local_time_at(monday * 1000000000)), PHASE_TRADING);
    const uint64_t autumn = (uint64_t)date("2026-11-02") * DAY_SECONDS + 14 * 3600 + 30 * 60;
    assert_int_equal(calendar_phase(&s, local_time_at((autumn - 1) * 1000000000)), PHASE_BEFORE);
    assert_int_equal(calendar_phase(&s, local_time_at(autumn * 1000000000)), PHASE_TRADING);
    sheet_free(&s);
}

static void a_calendar_that_is_wrong(void **state)
{
    (void)state;
    struct sheet s;
    static const char ends_today[] = "tickgate,calendar,1,2026-01-01,2026-11-23\ndays\nmon-fri\n";
    bad(ends_today, "c.csv:1: last day: ends on 2026-11-23, and the trading day is 2026-11-23; "
                    "take the next one");
    // A Saturday, and a holiday behind it, are no days of trading.
    static const char weekend[] = "tickgate,calendar,1,2026-01-01,2026-11-26\ndays,open,close\n"
                                  "mon,09:30,16:00\n2026-11-25,,\n";
    bad(weekend, "c.csv:1: last day: is 2026-11-26, and no day of trading follows the trading day "
                 "2026-11-23; take the next one, or set day.calendar_days to 0");
    good(&s, "tickgate,calendar,1,2026-01-01,2026-11-26\ndays,open,close\n"
             "mon,09:30,16:00\n2026-11-26,09:30,13:00\n");
    sheet_free(&s);
    config.day.calendar_days = 0;
    good(&s, ends_today);
    sheet_free(&s);
    good(&s, weekend);
    sheet_free(&s);
    bad("tickgate,calendar,1,2026-01-01,2026-11-22\ndays\n", "ended on 2026-11-22");
    bad("tickgate,calendar,1,2026-11-24,2026-12-31\ndays\n", "begins on 2026-11-24");
    bad("tickgate,calendar,1,2026-12-31,2026-01-01\ndays\n", "is before the first day");
    bad("tickgate,calendar,1,2026-11-23\ndays\n", "takes the first and the last day");
    bad(CALENDAR "days,open\nmon,09:30\n", "c.csv:3: close: is missing");
    bad(CALENDAR "days,close\nmon,09:30\n", "c.csv:3: open: is missing");
    bad(CALENDAR "days,open,close\nmon,09:30,09:30\n", "c.csv:3: close: is not after 'open'");
    bad(CALENDAR "days\n2027-01-01\n", "c.csv:3: days: is not between");
    bad(CALENDAR "days\nmon-fri\nwed\n", "c.csv:4: days: a day of the week stands in an earlier");
    bad(CALENDAR "days\n2026-12-25\nmon\n2026-12-25\n", "c.csv:5: days: the date stands in line 3");
    bad(CALENDAR "days\nfri-mon\n", "c.csv:3:1: days: 'fri-mon': it takes YYYY-MM-DD");
    bad(CALENDAR "days\n2026-02-29\n", "c.csv:3:1: days: '2026-02-29'");
}

static bool holds(const struct sheet *s, uint32_t row, const char *day, uint32_t second)
{
    return window_holds(s, sheet_row_at(s, row), (struct local_time){date(day), second});
}

static void windows_and_their_times(void **state)
{
    (void)state;
    struct sheet s;
    good(&s, WINDOWS "days,symbol,from,until,percent,reason\n"
                     "2026-12-09,*,13:55,14:30,50,FOMC\n"
                     "wed,X,10:30,10:31:01,0,inventories\n");
    const struct window_row *all = sheet_row_at(&s, 0), *x = sheet_row_at(&s, 1);
    assert_true(all->all && all->percent == 50);
    assert_true(!x->all && x->instrument == 1 && x->percent == 0);
    const uint32_t from = 13 * 3600 + 55 * 60, until = 14 * 3600 + 30 * 60;
    assert_false(holds(&s, 0, "2026-12-09", from - 1));
    assert_true(holds(&s, 0, "2026-12-09", from));
    assert_true(holds(&s, 0, "2026-12-09", until - 1));
    assert_false(holds(&s, 0, "2026-12-09", until));
    assert_false(holds(&s, 0, "2026-12-10", from));
    assert_true(holds(&s, 1, "2026-11-25", 10 * 3600 + 31 * 60));
    assert_false(holds(&s, 1, "2026-11-25", 10 * 3600 + 31 * 60 + 1));
    assert_false(holds(&s, 1, "2026-11-26", 10 * 3600 + 31 * 60));
    assert_false(holds(&s, 1, "2027-01-06", 10 * 3600 + 31 * 60)); // the file is over
    sheet_free(&s);
    bad(WINDOWS "days,symbol,from,until\n", "c.csv:2:1: column 'percent' is missing");
    bad(WINDOWS "days,symbol,from,until,percent\nmon,X,10:00,10:01,100\n",
        "c.csv:3:19: percent: '100' is not good here; it takes 0 to 99");
    bad(WINDOWS "days,symbol,from,until,percent\nmon,X,23:00,01:00,10\n",
        "c.csv:3: until: is not after 'from'");
    bad(WINDOWS "days,symbol,from,until,percent\nmon,Z,10:00,10:01,10\n",
        "c.csv:3: symbol: 'Z' has no row");
    bad(WINDOWS "days,symbol,from,until,percent\n2026-10-30,X,10:00,10:01,10\n",
        "c.csv:3: days: is not between");
    bad("tickgate,windows,1,2026-11-01,2026-11-22\ndays,symbol,from,until,percent\n",
        "c.csv:1: last day: ended on 2026-11-22, and the trading day is 2026-11-23");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        TEST(holidays_and_half_days), TEST(the_offset_of_the_zone_changes),
        TEST(a_calendar_that_is_wrong), TEST(windows_and_their_times)};
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
