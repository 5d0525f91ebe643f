// Price bands: what their rows mean and from when to when they hold, and what is wrong with them,
// with line and remedy.
#include <string.h>

#include "dataplane/config/bands.h"
#include "tests/lib/sheet_rig.h"

static int open_rig(void **state)
{
    (void)state;
    const int made = two_symbols();
    config.day.max_age_days = 3;
    return made;
}

static bool read_text(struct sheet *s, const char *text, struct error *err)
{
    return text_read(s, &bands_kind, bands_check, "b.csv", text, err);
}

#define FIRST "tickgate,bands,1,2026-11-23\n"

static void rows_and_their_times(void **state)
{
    (void)state;
    struct sheet s;
    good(&s, FIRST "high,until,low,symbol,from\n"
                   "199.5250,,180.5250,AAPL,\n"
                   "0.0002,16:00,0.0001,X,09:30\n"
                   "7,,7,X,15:35:01\n");
    const struct band_row *aapl = sheet_row_at(&s, 0), *x = sheet_row_at(&s, 1),
                          *late = sheet_row_at(&s, 2);
    const uint32_t open = 9 * 3600 + 30 * 60, end = 16 * 3600, from = 15 * 3600 + 35 * 60 + 1;
    assert_int_equal(s.count, 3);
    assert_int_equal(aapl->low, 1805250);
    assert_int_equal(aapl->high, 1995250);
    assert_int_equal(aapl->instrument, 0);
    assert_int_equal(x->instrument, 1);
    assert_true(x->low == 1 && x->high == 2 && late->low == 70000 && late->high == 70000);
    assert_true(band_holds(&s, aapl, (struct local_time){today, 0}));
    assert_true(band_holds(&s, aapl, (struct local_time){today, DAY_SECONDS - 1}));
    assert_false(band_holds(&s, aapl, (struct local_time){today + 1, 0}));
    assert_false(band_holds(&s, aapl, (struct local_time){today - 1, 0}));
    assert_false(band_holds(&s, x, (struct local_time){today, open - 1}));
    assert_true(band_holds(&s, x, (struct local_time){today, open}));
    assert_true(band_holds(&s, x, (struct local_time){today, end - 1}));
    assert_false(band_holds(&s, x, (struct local_time){today, end}));
    assert_false(band_holds(&s, late, (struct local_time){today, from - 1}));
    assert_true(band_holds(&s, late, (struct local_time){today, from}));
    sheet_free(&s);
}

static void what_is_wrong_has_a_place(void **state)
{
    (void)state;
    bad("tickgate,bands,2,2026-11-23\n", "b.csv:1:16: is not version 1");
    bad(FIRST "symbol,low\n", "b.csv:2:1: column 'high' is missing");
    bad(FIRST "symbol,low,high\nX,1,\n", "b.csv:3:5: high: is empty");
    bad(FIRST "symbol,low,high\nX,0,1\n", "b.csv:3:3: low: '0'");
    bad(FIRST "symbol,low,high\nX,none,1\n", "b.csv:3:3: low: 'none' is not good here");
    bad(FIRST "symbol,low,high\nX,1,none\n", "b.csv:3:5: high: 'none' is not good here");
    bad(FIRST "symbol,low,high\nX,1.0001,1\n", "b.csv:3: high: is below 'low'");
    bad(FIRST "symbol,low,high\nX,1,1.00001\n", "b.csv:3:5: high: '1.00001'");
    bad(FIRST "symbol,low,high,from,until\nX,1,2,10:00,10:00\n", "b.csv:3: until: is not after");
    bad(FIRST "symbol,low,high\nZ,1,2\n", "b.csv:3: symbol: 'Z' has no row");
    bad("tickgate,bands,1,2026-11-24\nsymbol,low,high\n", "holds from 2026-11-24 on");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_and_their_times, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(what_is_wrong_has_a_place, open_rig, close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
