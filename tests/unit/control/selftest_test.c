// The self-test itself: it passes, knows every control there is, and finds one that does not hold.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/hints.h"
#include "dataplane/control/selftest.h"
#include "dataplane/control/selftest_desk.h"

static void every_control_holds(void **state)
{
    (void)state;
    struct selftest t;
    struct error err = {0};
    uint32_t seen = 0;
    if (!selftest_run(&t, &err))
        fail_msg("%s", err.text);
    for (uint32_t i = 0; i < REFUSALS; i++) {
        const bool control = refusal_is_check(i);
        assert_int_equal(t.rows[i].tried != NULL, control);
        if (!control)
            continue;
        seen++;
        assert_true(t.rows[i].passed);
        assert_int_equal(t.rows[i].at_limit, REFUSAL_NONE);
        assert_int_equal(t.rows[i].beyond, i);
        assert_null(strstr(t.rows[i].tried, "does not know"));
    }
    assert_int_equal(seen, __builtin_popcountll(refusal_checks()));
    assert_int_equal(t.controls, seen);
    assert_int_equal(t.failed, 0);
    assert_int_equal(t.untested, 0);
    assert_int_equal(t.rows[REFUSAL_QUANTITY].value, 101);
    assert_int_equal(t.rows[REFUSAL_QUANTITY].limit, 100);
    assert_int_equal(t.rows[REFUSAL_QUANTITY].scope, TRADE_FIRM);
    assert_int_equal(t.rows[REFUSAL_POSITION].value, 200);
    assert_int_equal(t.rows[REFUSAL_POSITION].scope, TRADE_ACCOUNT);
    assert_int_equal(t.rows[REFUSAL_OPEN_ORDERS].scope, TRADE_STRATEGY);
    assert_int_equal(t.rows[REFUSAL_RESTRICTED].scope, TRADE_SYMBOL);
    assert_int_equal(t.rows[REFUSAL_MESSAGE_RATE].scope, TRADE_SESSION);
}

// The desk of the test is one: an order gets to the closed gate and no further, one that is refused
// does not get there.
static void the_egress_gate_is_closed(void **state)
{
    (void)state;
    struct error err = {0};
    struct test_desk *t = test_desk_open(&err);
    assert_non_null(t);
    struct desk_order ask = {.quantity = TEST_SHARES,
                             .price = TEST_BID,
                             .side = 'B',
                             .time_in_force = '0',
                             .display = 'Y'};
    char why[256] = "";
    assert_int_equal(test_desk_ask(t, &ask), REFUSAL_NONE);
    assert_int_equal(t->reached, 1);
    assert_int_equal(t->session.count.sent, 1);
    assert_int_equal(t->last.refusal, REFUSAL_NONE);
    t->limits->accounts[TEST_ACCOUNT].quantity = TEST_SHARES - 1;
    assert_int_equal(test_desk_ask(t, &ask), REFUSAL_QUANTITY);
    assert_int_equal(t->reached, 1);
    assert_int_equal(t->last.value, TEST_SHARES);
    assert_int_equal(t->last.limit, TEST_SHARES - 1);
    assert_true(desk_check(&t->desk, why, sizeof why));
    t->busy = true;
    assert_int_equal(test_desk_ask(t, &ask), REFUSAL_SESSION_BUSY);
    test_desk_close(t);
}

static void the_record_lists_every_control(void **state)
{
    (void)state;
    static char text[1 << 16];
    char path[] = "/tmp/tickgate-selftest-XXXXXX";
    struct selftest t;
    struct error err = {0};
    const int fd = mkstemp(path);
    assert_true(fd >= 0 && selftest_run(&t, &err));
    t.rows[REFUSAL_LOT].passed = false;
    t.rows[REFUSAL_LOT].beyond = REFUSAL_NONE;
    t.failed = 1;
    assert_true(selftest_record(&t, path, 1795400000000000000, 0xabc, &err));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    close(fd);
    unlink(path);
    for (uint32_t i = 1; i < REFUSALS; i++) {
        char row[64];
        if (!refusal_is_check(i))
            continue;
        snprintf(row, sizeof row, "{\"control\": \"%s\", \"number\": %u,", refusal_name(i), i);
        assert_non_null(strstr(text, row));
    }
    assert_non_null(strstr(text, "\"config_hash\": \"0000000000000abc\""));
    assert_non_null(strstr(text, "\"failed\": 1,"));
    assert_non_null(strstr(text, "QUANTITY: shares=101 limit=100"));
    const char *lot = strstr(text, "{\"control\": \"LOT\"");
    assert_non_null(strstr(lot, "\"beyond\": \"approved\""));
    assert_non_null(strstr(lot, "\"passed\": false"));
    assert_false(selftest_record(&t, "/no/such/folder/record", 1, 1, &err));
    assert_non_null(strstr(err.text, "/no/such/folder/record"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_control_holds),
        cmocka_unit_test(the_egress_gate_is_closed),
        cmocka_unit_test(the_record_lists_every_control),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
