// Limits over the control socket: what is asked of the main lcore, how its answers are shown, and
// every way to be refused.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/lib/rpc_rig.h"

static struct command_slot *taken(struct fixture *f, enum command_type type)
{
    struct command_slot *slot = region_command_slot(&f->file.view, f->job.call.slot);
    assert_true(f->job.pending);
    assert_int_equal(f->job.call.target, LANE_MAIN);
    assert_true(command_take(slot, LANE_MAIN));
    assert_int_equal(slot->type, type);
    return slot;
}

static void expect_error(json_t *answer, int code, const char *say)
{
    const json_t *error = json_object_get(answer, "error");
    assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
    if (strstr(text_of(error, "message"), say) == NULL)
        fail_msg("'%s' does not say '%s'", text_of(error, "message"), say);
    json_decref(answer);
}

#define SET(scope, control, value)                                                  \
    "{\"scope\":\"" scope "\",\"control\":\"" control "\",\"value\":\"" value "\"," \
    "\"reason\":\"news\"}"

static void test_set(void **state)
{
    struct fixture *f = *state;
    f->job.user = 501;
    posted(f, "limit_set", SET("account:ARB", "gross", "1000000.5"));
    struct command_slot *slot = taken(f, COMMAND_LIMIT_SET);
    const struct limit_set_request *r = &slot->request.limit_set;
    assert_true(r->count == 1 && r->user == 501);
    assert_string_equal(r->reason, "news");
    assert_true(r->changes[0].scope == TRADE_ACCOUNT && r->changes[0].index == 1);
    assert_string_equal(r->changes[0].control, "gross");
    assert_string_equal(r->changes[0].value, "1000000.5");
    struct limit_set_answer *a = &slot->answer.limit_set;
    a->lanes = 3;
    a->sequence[0] = 4711;
    a->version[0] = 2;
    a->version[1] = 9;
    a->changes[0] = (struct limit_changed){LIMIT_NOTHING, 10000005000};
    command_answer(slot, COMMAND_RESULT_OK, 4711);
    json_t *answer = resumed(f);
    const json_t *result = json_object_get(answer, "result");
    assert_string_equal(text_of(result, "scope"), "account");
    assert_string_equal(text_of(result, "name"), "ARB");
    assert_true(json_is_null(json_object_get(result, "was")));
    assert_string_equal(text_of(result, "now"), "1000000.5000");
    const json_t *lanes = json_object_get(result, "lanes");
    assert_int_equal(json_array_size(lanes), 2);
    const json_t *first = json_array_get(lanes, 0), *second = json_array_get(lanes, 1);
    assert_int_equal(json_integer_value(json_object_get(first, "in_force_from_event")), 4711);
    assert_true(json_is_null(json_object_get(second, "in_force_from_event")));
    assert_int_equal(json_integer_value(json_object_get(second, "limits_version")), 9);
    json_decref(answer);
}

static void test_scopes(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *params;
        uint32_t scope, index;
    } cases[] = {{SET("firm", "notional", "5"), TRADE_FIRM, 0},
                 {SET("global", "notional", "5"), TRADE_FIRM, 0},
                 {SET("symbol:ZVZZT", "spread", "5"), TRADE_SYMBOL, 2},
                 {SET("strategy:takes", "repeats", "5"), TRADE_STRATEGY, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        posted(f, "limit_set", cases[i].params);
        struct command_slot *slot = taken(f, COMMAND_LIMIT_SET);
        assert_int_equal(slot->request.limit_set.changes[0].scope, cases[i].scope);
        assert_int_equal(slot->request.limit_set.changes[0].index, cases[i].index);
        command_answer(slot, COMMAND_RESULT_NO_ROOM, 0);
        expect_error(resumed(f), -32006, "nobody drains the event ring");
    }
}

static void test_refused(void **state)
{
    struct fixture *f = *state;
    refused_call(f, "limit_set", SET("desk:A", "gross", "1"), -32602, "is no scope of limits");
    refused_call(f, "limit_set", SET("account", "gross", "1"), -32602, "is no scope of limits");
    refused_call(f, "limit_set", SET("firm:A", "gross", "1"), -32602, "is no scope of limits");
    refused_call(f, "limit_set", SET("a-very-long-scope:A", "gross", "1"), -32602, "no scope");
    refused_call(f, "limit_set", SET("account:X", "gross", "1"), -32003, "no account 'X'");
    refused_call(f, "limit_set", "{\"scope\":\"firm\",\"control\":\"gross\",\"value\":\"1\"}",
                 -32602, "reason is missing");
    posted(f, "limit_set", SET("symbol:AAPL", "touch_least", "1"));
    struct command_slot *slot = taken(f, COMMAND_LIMIT_SET);
    snprintf(slot->answer.limit_set.why, LIMIT_WHY_LEN, "touch_least: does nothing without touch");
    command_answer(slot, COMMAND_RESULT_LIMIT_REFUSED, 0);
    expect_error(resumed(f), -32005,
                 "symbol AAPL: touch_least: does nothing without touch; nothing was changed");
    posted(f, "limit_set", SET("firm", "gross", "7"));
    command_answer(taken(f, COMMAND_LIMIT_SET), COMMAND_RESULT_NOTHING, 0);
    expect_error(resumed(f), -32006, "gross is 7 already");
    f->job.role = ROLE_OPERATE;
    refused_call(f, "limit_set", SET("firm", "gross", "7"), -32007, "takes risk");
}

// In parts, as the main lcore answers; what is not known is not shown.
static void test_list(void **state)
{
    struct fixture *f = *state;
    posted(f, "limits", "{}");
    struct command_slot *slot = taken(f, COMMAND_LIMITS_LIST);
    assert_int_equal(slot->request.limits_list.scope, TRADE_SCOPES);
    struct limits_list_answer *a = &slot->answer.limits_list;
    a->entries[0] = (struct limit_entry){.limit = {10000, 9000},
                                         .use = 8000,
                                         .room = 1000,
                                         .control = LIMIT_LIMITS_gross,
                                         .flags = LIMIT_ENTRY_USE,
                                         .binds = LIMIT_OF_BROKER};
    a->entries[1] = (struct limit_entry){.control = 63}; // there is none
    a->count = 2;
    a->next = 100;
    command_answer(slot, COMMAND_RESULT_OK, 0);
    assert_null(resumed(f));
    slot = taken(f, COMMAND_LIMITS_LIST);
    assert_int_equal(slot->request.limits_list.cursor, 100);
    a = &slot->answer.limits_list;
    a->entries[0] = (struct limit_entry){
        .limit = {40, LIMIT_NOTHING}, .scope = TRADE_ACCOUNT, .control = LIMIT_LIMITS_position};
    a->count = UINT32_MAX; // nonsense: no more than there are places
    a->next = 100;         // and no way back
    command_answer(slot, COMMAND_RESULT_OK, 0);
    json_t *answer = resumed(f);
    const json_t *list = json_object_get(json_object_get(answer, "result"), "limits");
    const json_t *row = json_array_get(list, 0);
    assert_string_equal(text_of(row, "limit"), "0.9000");
    assert_string_equal(text_of(row, "binds"), "broker");
    assert_string_equal(text_of(row, "firm"), "1.0000");
    assert_string_equal(text_of(row, "use"), "0.8000");
    assert_string_equal(text_of(row, "headroom"), "0.1000");
    row = json_array_get(list, 1); // MM's largest position at worst, by its cells
    assert_string_equal(text_of(row, "name"), "MM");
    assert_true(json_integer_value(json_object_get(row, "use")) > 0);
    assert_true(json_is_null(json_object_get(row, "broker")));
    json_decref(answer);
    posted(f, "limits", "{\"scope\":\"symbol\"}");
    slot = taken(f, COMMAND_LIMITS_LIST);
    assert_int_equal(slot->request.limits_list.scope, TRADE_SYMBOL);
    assert_int_equal(slot->request.limits_list.index, UINT32_MAX);
    command_answer(slot, COMMAND_RESULT_OK, 0);
    json_decref(resumed(f));
    posted(f, "limits", "{\"scope\":\"symbol:MSFT\"}");
    slot = taken(f, COMMAND_LIMITS_LIST);
    assert_int_equal(slot->request.limits_list.index, 1);
    command_answer(slot, COMMAND_RESULT_OK, 0);
    json_decref(resumed(f));
    refused_call(f, "limits", "{\"scope\":\"symbol:X\"}", -32003, "no symbol 'X'");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_set), TEST(test_scopes), TEST(test_refused),
                                       TEST(test_list)};
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
