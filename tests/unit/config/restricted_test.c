// The restricted list: what its rows mean and from when to when they hold, and what is wrong with
// them, with line and remedy.
#include <string.h>

#include "dataplane/abi/trade.h"
#include "dataplane/config/restricted.h"
#include "tests/lib/sheet_rig.h"

static int open_rig(void **state)
{
    (void)state;
    return two_symbols();
}

static bool read_text(struct sheet *s, const char *text, struct error *err)
{
    return text_read(s, &restricted_kind, restricted_check, "r.csv", text, err);
}

#define FIRST "tickgate,restricted,1,2026-11-23\n"

static void rows_and_their_times(void **state)
{
    (void)state;
    struct sheet s;
    good(&s, FIRST "reason,until,restriction,symbol,from\n"
                   "by law,,short,AAPL,\n"
                   ",16:00,opening,X,09:30\n"
                   ",,all,X,23:59:59\n");
    const struct restricted_row *aapl = sheet_row_at(&s, 0), *x = sheet_row_at(&s, 1),
                                *late = sheet_row_at(&s, 2);
    assert_int_equal(s.count, 3);
    assert_int_equal(aapl->restriction, RESTRICTION_SHORT);
    assert_int_equal(aapl->instrument, 0);
    assert_string_equal(aapl->reason, "by law");
    assert_int_equal(x->restriction, RESTRICTION_OPENING);
    assert_int_equal(x->instrument, 1);
    assert_int_equal(late->restriction, RESTRICTION_ALL);
    const uint32_t open = 9 * 3600 + 30 * 60, end = 16 * 3600;
    assert_true(restricted_holds(&s, aapl, (struct local_time){today, 0}));
    assert_true(restricted_holds(&s, aapl, (struct local_time){today + 9, 0}));
    // day.date is ahead of the clock: what begins at no time of its day is restricted already.
    assert_true(restricted_holds(&s, aapl, (struct local_time){today - 1, 86399}));
    assert_false(restricted_holds(&s, x, (struct local_time){today - 1, open}));
    assert_false(restricted_holds(&s, x, (struct local_time){today, open - 1}));
    assert_true(restricted_holds(&s, x, (struct local_time){today, open}));
    assert_true(restricted_holds(&s, x, (struct local_time){today, end - 1}));
    assert_false(restricted_holds(&s, x, (struct local_time){today, end}));
    assert_false(restricted_holds(&s, x, (struct local_time){today + 1, open}));
    assert_false(restricted_holds(&s, late, (struct local_time){today, 86398}));
    assert_true(restricted_holds(&s, late, (struct local_time){today + 1, 0}));
    sheet_free(&s);
}

static void what_is_wrong_has_a_place(void **state)
{
    (void)state;
    struct error err = {0};
    struct sheet s;
    bad("tickgate,restricted,2,2026-11-23\n", "r.csv:1:21: is not version 1");
    bad(FIRST "symbol\nX\n", "r.csv:2:1: column 'restriction' is missing");
    bad(FIRST "symbol,restriction\nX,\n", "r.csv:3:3: restriction: is empty");
    bad(FIRST "symbol,restriction\nX,none\n", "r.csv:3:3: restriction: 'none'");
    bad(FIRST "symbol,restriction,from\nX,all,24:01\n", "r.csv:3:7: from: '24:01': it takes HH:MM");
    bad(FIRST "reason,until,restriction,symbol,from\n,16:00,opening,X,9:30\n",
        "r.csv:3:18: from: '9:30'");
    bad(FIRST "symbol,restriction,from,until\nX,all,10:00,10:00\n", "r.csv:3: until: is not after");
    bad(FIRST "symbol,restriction\nX,all\nZ,all\n",
        "r.csv:4: symbol: 'Z' has no row in the section 'symbols' of the configuration; add it");
    bad(FIRST "symbol,restriction\nZ,all\nX,all\nY,all\nENRN,all\n",
        "r.csv:3: symbol: 'Z' has no row in the section 'symbols' of the configuration (nor have 2 "
        "more, below); add it");
    bad("tickgate,restricted,1,2026-11-22\nsymbol,restriction\n", "take that day's file");
    bad("tickgate,restricted,1,2026-11-24\nsymbol,restriction\n", "holds from 2026-11-24 on");
    assert_false(sheet_load(&s, &restricted_kind, "/dev/null", &err)); // would not end, or wait
    assert_non_null(strstr(err.text, "/dev/null: no regular file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_and_their_times, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(what_is_wrong_has_a_place, open_rig, close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
