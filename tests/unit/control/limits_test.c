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

#define SET(scope, control, value)                                                  \
    "{\"scope\":\"" scope "\",\"control\":\"" control "\",\"value\":\"" value "\"," \
    "\"reason\":\"news\"}"

static void test_set(void **state)
{
    struct fixture *f = *state;
    f->job.user = 501;
    posted(f, "limit_set", SET("account:ARB", "gross", "1000000.5"));
    struct command_slot *slot = taken(f, LANE_MAIN, COMMAND_LIMIT_SET);
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
    a->changes[0] = (struct limit_changed){.was = LIMIT_NOTHING, .now = 10000005000};
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
        struct command_slot *slot = taken(f, LANE_MAIN, COMMAND_LIMIT_SET);
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
    struct command_slot *slot = taken(f, LANE_MAIN, COMMAND_LIMIT_SET);
    snprintf(slot->answer.limit_set.why, LIMIT_WHY_LEN, "touch_least: does nothing without touch");
    command_answer(slot, COMMAND_RESULT_LIMIT_REFUSED, 0);
    expect_error(resumed(f), -32005,
                 "symbol AAPL: touch_least: does nothing without touch; nothing was changed");
    posted(f, "limit_set", SET("firm", "gross", "7"));
    command_answer(taken(f, LANE_MAIN, COMMAND_LIMIT_SET), COMMAND_RESULT_NOTHING, 0);
    expect_error(resumed(f), -32006, "gross is 7 already");
    f->job.role = ROLE_OPERATE;
    refused_call(f, "limit_set", SET("firm", "gross", "7"), -32007, "takes risk");
}

#define SET_OWNER(owner)                                                                    \
    "{\"scope\":\"firm\",\"control\":\"gross\",\"value\":\"7\",\"reason\":\"r\",\"owner\":" \
    "\"" owner "\"}"

// The broker's limits are for whom control.broker names, whatever his role.
static void test_broker(void **state)
{
    struct fixture *f = *state;
    refused_call(f, "limit_set", SET_OWNER("desk"), -32602, "neither firm nor broker");
    refused_call(f, "limit_set", SET_OWNER("broker"), -32007, "that control.broker names");
    f->job.broker = true;
    posted(f, "limit_set", SET_OWNER("broker"));
    struct command_slot *slot = taken(f, LANE_MAIN, COMMAND_LIMIT_SET);
    assert_int_equal(slot->request.limit_set.changes[0].owner, LIMIT_OF_BROKER);
    slot->answer.limit_set.lanes = 1;
    slot->answer.limit_set.changes[0] =
        (struct limit_changed){.was = 50000, .now = 70000, .bound = 60000, .binds = LIMIT_OF_FIRM};
    command_answer(slot, COMMAND_RESULT_OK, 0);
    json_t *answer = resumed(f);
    const json_t *result = json_object_get(answer, "result");
    assert_string_equal(text_of(result, "owner"), "broker");
    assert_string_equal(text_of(result, "binds"), "firm");
    assert_string_equal(text_of(result, "bound"), "6.0000");
    assert_string_equal(text_of(result, "now"), "7.0000");
    json_decref(answer);
    f->job.role = ROLE_OPERATE;
    refused_call(f, "limit_set", SET_OWNER("broker"), -32007, "takes risk");
}

// In parts, as the main lcore answers; what is not known is not shown.
static void test_list(void **state)
{
    struct fixture *f = *state;
    posted(f, "limits", "{}");
    struct command_slot *slot = taken(f, LANE_MAIN, COMMAND_LIMITS_LIST);
    assert_int_equal(slot->request.limits_list.scope, TRADE_SCOPES);
    struct limits_list_answer *a = &slot->answer.limits_list;
    a->entries[0] = (struct limit_entry){.limit = {10000, 9000},
                                         .use = 8000,
                                         .room = 1000,
                                         .warn_at = 7200,
                                         .control = LIMIT_LIMITS_gross,
                                         .flags = LIMIT_ENTRY_USE | LIMIT_ENTRY_WARNED,
                                         .binds = LIMIT_OF_BROKER};
    a->entries[1] = (struct limit_entry){.control = 63}; // there is none
    a->count = 2;
    a->next = 100;
    command_answer(slot, COMMAND_RESULT_OK, 0);
    assert_null(resumed(f));
    slot = taken(f, LANE_MAIN, COMMAND_LIMITS_LIST);
    assert_int_equal(slot->request.limits_list.cursor, 100);
    a = &slot->answer.limits_list;
    a->entries[0] = (struct limit_entry){.limit = {40, LIMIT_NOTHING},
                                         .warn_at = LIMIT_NOTHING,
                                         .scope = TRADE_ACCOUNT,
                                         .control = LIMIT_LIMITS_position};
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
    assert_string_equal(text_of(row, "warn_at"), "0.7200");
    assert_true(json_is_true(json_object_get(row, "warned")));
    row = json_array_get(list, 1); // MM's largest position at worst, by its cells
    assert_string_equal(text_of(row, "name"), "MM");
    assert_true(json_integer_value(json_object_get(row, "use")) > 0);
    assert_true(json_is_null(json_object_get(row, "broker")));
    assert_true(json_is_null(json_object_get(row, "warn_at")));
    assert_true(json_is_false(json_object_get(row, "warned")));
    json_decref(answer);
    posted(f, "limits", "{\"scope\":\"symbol\"}");
    slot = taken(f, LANE_MAIN, COMMAND_LIMITS_LIST);
    assert_int_equal(slot->request.limits_list.scope, TRADE_SYMBOL);
    assert_int_equal(slot->request.limits_list.index, UINT32_MAX);
    command_answer(slot, COMMAND_RESULT_OK, 0);
    json_decref(resumed(f));
    posted(f, "limits", "{\"scope\":\"symbol:MSFT\"}");
    slot = taken(f, LANE_MAIN, COMMAND_LIMITS_LIST);
    assert_int_equal(slot->request.limits_list.index, 1);
    command_answer(slot, COMMAND_RESULT_OK, 0);
    json_decref(resumed(f));
    refused_call(f, "limits", "{\"scope\":\"symbol:X\"}", -32003, "no symbol 'X'");
}

#define FIVE(text) text text text text text

// Sessions go to the dataplane by number, each once however often it is named, and are shown by
// name.
static void test_venues(void **state)
{
    struct fixture *f = *state;
    posted(f, "limit_set", SET("strategy:takes", "venues", FIVE(FIVE("iex,")) "nsdq"));
    struct command_slot *slot = taken(f, LANE_MAIN, COMMAND_LIMIT_SET);
    assert_string_equal(slot->request.limit_set.changes[0].value, "0,1");
    slot->answer.limit_set.lanes = 1;
    slot->answer.limit_set.changes[0] =
        (struct limit_changed){.was = LIMIT_NOTHING, .now = 3, .bound = 2};
    command_answer(slot, COMMAND_RESULT_OK, 0);
    json_t *answer = resumed(f);
    const json_t *result = json_object_get(answer, "result");
    assert_string_equal(text_of(result, "was"), "all");
    assert_string_equal(text_of(result, "now"), "nsdq,iex");
    assert_string_equal(text_of(result, "bound"), "iex");
    json_decref(answer);
    refused_call(f, "limit_set", SET("strategy:takes", "venues", "nsdq,nas"), -32003, "'nas'");
    refused_call(f, "limit_set", SET("firm", "gross", FIVE(FIVE("1111"))), -32602,
                 "at most 95 characters");
}

static void test_words(void **state)
{
    struct fixture *f = *state;
    posted(f, "limits", "{}");
    struct command_slot *slot = taken(f, LANE_MAIN, COMMAND_LIMITS_LIST);
    struct limits_list_answer *a = &slot->answer.limits_list;
    a->entries[0] = (struct limit_entry){.limit = {1, LIMIT_NOTHING},
                                         .warn_at = LIMIT_NOTHING,
                                         .scope = TRADE_ACCOUNT,
                                         .control = LIMIT_LIMITS_market};
    a->entries[1] = (struct limit_entry){.limit = {1, LIMIT_NOTHING},
                                         .warn_at = LIMIT_NOTHING,
                                         .scope = TRADE_SYMBOL,
                                         .control = LIMIT_SYMBOL_no_reference};
    a->count = 2;
    command_answer(slot, COMMAND_RESULT_OK, 0);
    json_t *answer = resumed(f);
    const json_t *list = json_object_get(json_object_get(answer, "result"), "limits");
    assert_string_equal(text_of(json_array_get(list, 0), "limit"), "convert");
    assert_string_equal(text_of(json_array_get(list, 0), "firm"), "convert");
    assert_string_equal(text_of(json_array_get(list, 1), "limit"), "collar");
    json_decref(answer);
}

// --- raises ---

#define RAISE(value, time)                                                                 \
    "{\"scope\":\"account:ARB\",\"control\":\"gross\",\"value\":\"" value "\",\"reason\":" \
    "\"news\",\"for\":\"" time "\"}"

static void test_raise(void **state)
{
    struct fixture *f = *state;
    static const char *const wrong[] = {
        RAISE("5", "10"),  RAISE("5", "0m"),       RAISE("5", "5d"), RAISE("5", "-1h"),
        RAISE("5", "1hh"), RAISE("5", "1234567s"), RAISE("5", "5")};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        refused_call(f, "limit_set", wrong[i], -32602, "is no time like 90s, 30m or 2h");
    refused_call(f, "limit_set", RAISE("5", "25h"), -32602, "at most 86400 s");
    f->control.policy.raise_max_ns = 3600 * UINT64_C(1000000000);
    refused_call(f, "limit_set", RAISE("5", "61m"), -32602,
                 "at most 3600 s (control.raise_max_ms)");
    const uint64_t before = clock_utc_ns();
    posted(f, "limit_set", RAISE("5", "60m"));
    struct command_slot *slot = taken(f, LANE_MAIN, COMMAND_LIMIT_SET);
    const struct limit_set_request *r = &slot->request.limit_set;
    const uint64_t until = r->changes[0].until_ns, hour = 3600 * UINT64_C(1000000000);
    assert_in_range(until, before + hour, clock_utc_ns() + hour);
    assert_true(r->flags == 0 && r->second == LIMIT_NOBODY);
    slot->answer.limit_set.lanes = 1;
    slot->answer.limit_set.changes[0].until_ns = until;
    slot->answer.limit_set.changes[0].back = 50000;
    command_answer(slot, COMMAND_RESULT_OK, 1);
    json_t *answer = resumed(f);
    const json_t *result = json_object_get(answer, "result");
    assert_string_equal(text_of(result, "reason"), "news");
    assert_true(json_is_string(json_object_get(result, "until")));
    assert_string_equal(text_of(result, "back"), "5.0000");
    assert_true(json_is_null(json_object_get(result, "approved_by")));
    json_decref(answer);
    posted(f, "limit_set", RAISE("5", "60m"));
    command_answer(taken(f, LANE_MAIN, COMMAND_LIMIT_SET), COMMAND_RESULT_NOT_RECORDED, 0);
    expect_error(resumed(f), -32006, "the journal has not taken the record in time");
}

// The dataplane says what it would do; what lets more pass then waits for somebody else.
static void dry_answer(struct fixture *f, bool widens)
{
    struct command_slot *slot = taken(f, LANE_MAIN, COMMAND_LIMIT_SET);
    assert_int_equal(slot->request.limit_set.flags, LIMIT_SET_DRY);
    slot->answer.limit_set.widens = widens;
    command_answer(slot, COMMAND_RESULT_OK, 0);
}

// A change of many limits is a long one.
static void test_all_that_waits_is_told(void **state)
{
    struct fixture *f = *state;
    char what[700];
    memset(what, 'x', sizeof what - 1);
    what[sizeof what - 1] = 0;
    job_await_approval(&f->control, &f->job, 0, "%s", what);
    assert_non_null(strstr(f->job.message, what));
    assert_non_null(strstr(f->job.message, "nothing is changed before"));
}

static void test_second_person(void **state)
{
    struct fixture *f = *state;
    f->control.policy.second_person = true;
    f->job.user = 501;
    posted(f, "limit_set", RAISE("5", "60m"));
    dry_answer(f, true);
    expect_error(resumed(f), -32008,
                 "change 1 (account ARB: gross 5 for 60m) waits for another user of the role risk: "
                 "tickgate approve 1");
    json_t *waiting = result_of(f, "approvals", "{}");
    const json_t *row = json_array_get(json_object_get(waiting, "approvals"), 0);
    assert_int_equal(json_integer_value(json_object_get(row, "user")), 501);
    assert_string_equal(text_of(row, "reason"), "news");
    json_decref(waiting);
    refused_call(f, "approve", "{\"id\":1}", -32007, "another user of the role risk approves it");
    refused_call(f, "approve", "{\"id\":2}", -32003, "no change 2 waits");
    f->job.user = 502;
    f->job.role = ROLE_OPERATE;
    refused_call(f, "approve", "{\"id\":1}", -32007, "takes risk");
    f->job.role = ROLE_RISK;
    posted(f, "approve", "{\"id\":1}");
    struct command_slot *slot = taken(f, LANE_MAIN, COMMAND_LIMIT_SET);
    const struct limit_set_request *r = &slot->request.limit_set;
    assert_true(r->flags == 0 && r->user == 501 && r->second == 502);
    assert_string_equal(r->changes[0].value, "5");
    slot->answer.limit_set.lanes = 1;
    command_answer(slot, COMMAND_RESULT_OK, 9);
    json_t *answer = resumed(f);
    const json_t *result = json_object_get(answer, "result");
    assert_int_equal(json_integer_value(json_object_get(result, "approved_by")), 502);
    json_decref(answer);
    refused_call(f, "approve", "{\"id\":1}", -32003, "no change 1 waits"); // once
    // What lets less pass is done at once.
    posted(f, "limit_set", SET("account:ARB", "gross", "4"));
    dry_answer(f, false);
    assert_null(resumed(f));
    slot = taken(f, LANE_MAIN, COMMAND_LIMIT_SET);
    assert_true(slot->request.limit_set.flags == 0 &&
                slot->request.limit_set.second == LIMIT_NOBODY);
    slot->answer.limit_set.lanes = 1;
    command_answer(slot, COMMAND_RESULT_OK, 10);
    json_decref(resumed(f));
    // Another dataplane: what was asked of the one before is gone; and there is an end to waiting.
    posted(f, "limit_set", RAISE("5", "60m"));
    dry_answer(f, true);
    json_decref(resumed(f));
    f->control.contact.attached++;
    refused_call(f, "approve", "{\"id\":2}", -32003, "ask for it again");
    for (uint32_t i = 0; i < APPROVALS_MAX; i++) {
        posted(f, "limit_set", RAISE("5", "60m"));
        dry_answer(f, true);
        expect_error(resumed(f), -32008, "waits");
    }
    posted(f, "limit_set", RAISE("5", "60m"));
    dry_answer(f, true);
    expect_error(resumed(f), -32004, "32 changes wait for an approval already");
    f->control.approvals.rows[0].asked_ns -= (APPROVAL_S + 1) * UINT64_C(1000000000);
    posted(f, "limit_set", RAISE("5", "60m"));
    dry_answer(f, true);
    expect_error(resumed(f), -32008, "waits");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_set),           TEST(test_scopes),
                                       TEST(test_refused),       TEST(test_list),
                                       TEST(test_raise),         TEST(test_all_that_waits_is_told),
                                       TEST(test_second_person), TEST(test_broker),
                                       TEST(test_venues),        TEST(test_words)};
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
