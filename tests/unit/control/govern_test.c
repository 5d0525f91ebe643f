// What people order: which lanes are asked for what, what they answer, and every way to be refused.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/lib/rpc_rig.h"

// The next command that waits for <lane>, taken.
static const json_t *lane_row(const json_t *answer, size_t i)
{
    return json_array_get(json_object_get(json_object_get(answer, "result"), "lanes"), i);
}

// The words first, on every lane that trades; then each lane is asked for its word.
static void test_kill_all(void **state)
{
    struct fixture *f = *state;
    f->job.user = 501;
    posted(f, "kill", "{\"reason\":\"prices look wrong\"}");
    for (uint32_t lane = 0; lane < 2; lane++) {
        const struct kill_words *k =
            region_kill_words(&f->file.view, lane * KILL_ASKERS + KILL_BY_OPERATOR);
        assert_int_equal(k->all, 1);
        assert_int_equal(k->rung, 1);
    }
    struct command_slot *slot = taken(f, 0, COMMAND_KILL);
    assert_int_equal(slot->request.govern.scope, TRADE_FIRM);
    assert_int_equal(slot->request.govern.index, 0);
    assert_int_equal(slot->request.govern.user, 501);
    assert_string_equal(slot->request.govern.reason, "prices look wrong");
    slot->answer.govern.open_orders = 3;
    command_answer(slot, COMMAND_RESULT_OK, 4711);
    assert_null(resumed(f));
    command_answer(taken(f, 1, COMMAND_KILL), COMMAND_RESULT_OK, 0);
    json_t *answer = resumed(f);
    const json_t *result = json_object_get(answer, "result");
    assert_string_equal(text_of(result, "order"), "kill");
    assert_string_equal(text_of(result, "scope"), "global");
    assert_true(json_is_null(json_object_get(result, "name")));
    assert_int_equal(
        json_integer_value(json_object_get(lane_row(answer, 0), "in_force_from_event")), 4711);
    assert_int_equal(json_integer_value(json_object_get(lane_row(answer, 0), "open_orders")), 3);
    assert_true(json_is_null(json_object_get(lane_row(answer, 1), "in_force_from_event")));
    assert_int_equal(json_array_size(json_object_get(result, "in_force")), 2);
    json_decref(answer);
    posted(f, "kill", "{}"); // a kill asks for nothing
    assert_string_equal(taken(f, 0, COMMAND_KILL)->request.govern.reason, "no reason given");
    f->job.call.deadline_ns = 0;
    expect_error(resumed(f), -32002, "the kill words are set all the same");
}

// Each scope goes to the lanes that it concerns, by the name that they know it by.
static void test_scopes(void **state)
{
    struct fixture *f = *state;
    region_strategy_info(&f->file.view, 1)->lane = 1;
    region_strategy_info(&f->file.view, 1)->index = 0;
    static const struct {
        const char *params;
        uint32_t lanes, scope, index;
    } cases[] = {
        {"{\"scope\":\"account\",\"name\":\"ARB\",\"reason\":\"r\"}", 3, TRADE_ACCOUNT, 1},
        {"{\"scope\":\"account:ARB\",\"reason\":\"r\"}", 3, TRADE_ACCOUNT, 1},
        {"{\"scope\":\"symbol\",\"name\":\"ZVZZT\",\"reason\":\"r\"}", 3, TRADE_SYMBOL, 2},
        {"{\"scope\":\"strategy:takes\",\"reason\":\"r\"}", 2, TRADE_STRATEGY, 0},
        {"{\"scope\":\"session\",\"name\":\"iex\",\"reason\":\"r\"}", 2, TRADE_SESSION, 0},
        {"{\"scope\":\"strategy\",\"name\":\"takes\",\"reason\":\"r\"}", 2, TRADE_STRATEGY, 0},
        {"{\"scope\":\"global\",\"reason\":\"r\"}", 3, TRADE_FIRM, 0},
        {"{\"scope\":\"firm\",\"reason\":\"r\"}", 3, TRADE_FIRM, 0},
    };
    static const struct {
        const char *method;
        enum command_type type;
    } verbs[] = {{"kill", COMMAND_KILL},
                 {"halt", COMMAND_HALT},
                 {"reduce", COMMAND_REDUCE},
                 {"resume", COMMAND_RESUME},
                 {"cancel", COMMAND_CANCEL}};
    for (size_t v = 0; v < sizeof verbs / sizeof verbs[0]; v++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            json_t *answer = NULL;
            posted(f, verbs[v].method, cases[i].params);
            for (uint32_t lane = 0; lane < 2; lane++) {
                if (!(cases[i].lanes >> lane & 1))
                    continue;
                assert_null(answer);
                struct command_slot *slot = taken(f, lane, verbs[v].type);
                assert_int_equal(slot->request.govern.scope, cases[i].scope);
                assert_int_equal(slot->request.govern.index, cases[i].index);
                command_answer(slot, COMMAND_RESULT_OK, 5);
                answer = resumed(f);
            }
            assert_non_null(json_object_get(answer, "result"));
            json_decref(answer);
        }
    assert_int_equal(region_kill_words(&f->file.view, KILL_ASKERS)->sessions[0], 1);
    assert_int_equal(region_kill_words(&f->file.view, 0)->sessions[0], 0); // another lane's
    assert_int_equal(region_kill_words(&f->file.view, 0)->accounts[0], 2);
}

// Lanes poll while the main thread hangs: what narrows reaches them, what widens waits.
static void test_main_thread_is_silent(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *method;
        enum command_type type;
    } narrow[] = {{"halt", COMMAND_HALT}, {"reduce", COMMAND_REDUCE}, {"cancel", COMMAND_CANCEL}};
    f->control.contact.state = CONTACT_SILENT;
    snprintf(f->control.contact.why, sizeof f->control.contact.why, "no heartbeat");
    posted(f, "kill", "{}");
    assert_int_equal(region_kill_words(&f->file.view, 0)->all, 1);
    for (uint32_t lane = 0; lane < 2; lane++) {
        f->job.call.deadline_ns = 0;
        json_t *answer = resumed(f);
        if (answer) {
            expect_error(answer, -32002, "the kill words are set all the same");
            break;
        }
    }
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++) {
        json_t *answer = NULL;
        posted(f, narrow[i].method, "{\"reason\":\"r\"}");
        for (uint32_t lane = 0; lane < 2; lane++) {
            command_answer(taken(f, lane, narrow[i].type), COMMAND_RESULT_OK, 5);
            answer = resumed(f);
        }
        assert_non_null(json_object_get(answer, "result"));
        json_decref(answer);
    }
    refused_call(f, "resume", "{\"reason\":\"r\"}", -32002, "no heartbeat");
    refused_call(f, "limits", "{}", -32002, "no heartbeat");
}

static void test_resume(void **state)
{
    struct fixture *f = *state;
    // One lane had nothing to take back: that is no failure while the other had.
    posted(f, "resume", "{\"reason\":\"fixed\"}");
    command_answer(taken(f, 0, COMMAND_RESUME), COMMAND_RESULT_NOTHING, 0);
    assert_null(resumed(f));
    struct command_slot *slot = taken(f, 1, COMMAND_RESUME);
    slot->answer.govern.lifted = LIFT_KILL | LIFT_STATE;
    slot->answer.govern.was = TRADING_HALTED;
    command_answer(slot, COMMAND_RESULT_OK, 9);
    json_t *answer = resumed(f);
    assert_int_equal(json_array_size(json_object_get(json_object_get(answer, "result"), "lanes")),
                     1);
    assert_string_equal(text_of(lane_row(answer, 0), "lane"), "lane1");
    assert_string_equal(text_of(lane_row(answer, 0), "was"), "halted");
    assert_int_equal(json_array_size(json_object_get(lane_row(answer, 0), "lifted")), 2);
    json_decref(answer);
    // Nothing anywhere: what stands in the way is said.
    kill_ask(region_kill_words(&f->file.view, 0), TRADE_FIRM, 0);
    posted(f, "resume", "{\"scope\":\"session\",\"name\":\"nsdq\",\"reason\":\"fixed\"}");
    command_answer(taken(f, 0, COMMAND_RESUME), COMMAND_RESULT_NOTHING, 0);
    expect_error(resumed(f), -32006,
                 "nothing to take back for session nsdq; in force: kill of global");
    posted(f, "resume", "{\"reason\":\"fixed\"}");
    command_answer(taken(f, 0, COMMAND_RESUME), COMMAND_RESULT_NO_ROOM, 0);
    expect_error(resumed(f), -32006, "nobody drains the event ring");
}

static void test_strategies(void **state)
{
    struct fixture *f = *state;
    posted(f, "strategy_enable", "{\"strategy\":\"takes\",\"reason\":\"start\"}");
    struct command_slot *slot = taken(f, 0, COMMAND_STRATEGY_ENABLE);
    assert_int_equal(slot->request.govern.scope, TRADE_STRATEGY);
    assert_int_equal(slot->request.govern.index, 1);
    command_answer(slot, COMMAND_RESULT_NOTHING, 0);
    expect_error(resumed(f), -32006, "takes is on already");
    posted(f, "strategy_disable", "{\"strategy\":\"quotes\",\"reason\":\"stop\"}");
    command_answer(taken(f, 0, COMMAND_STRATEGY_DISABLE), COMMAND_RESULT_OK, 3);
    json_decref(resumed(f));
    posted(f, "strategy_set",
           "{\"strategy\":\"quotes\",\"values\":[\"distance=-7\",\"0=9\"],\"reason\":\"wider\"}");
    slot = taken(f, 0, COMMAND_STRATEGY_SET);
    assert_int_equal(slot->request.govern.chosen, 3);
    assert_int_equal(slot->request.govern.parameters[0], 9);
    assert_int_equal(slot->request.govern.parameters[1], -7);
    command_answer(slot, COMMAND_RESULT_NO_PARAMETERS, 0);
    expect_error(resumed(f), -32006, "takes no parameters while it runs");
#define SET(values) "{\"strategy\":\"quotes\",\"reason\":\"r\",\"values\":[" values "]}"
    refused_call(f, "strategy_set", SET("\"width=5\""), -32003, "no parameter 'width'");
    refused_call(f, "strategy_set", SET("\"2=5\""), -32003, "no parameter '2'");
    refused_call(f, "strategy_set", SET("\"distance\""), -32602, "not NAME=VALUE");
    refused_call(f, "strategy_set", SET("\"=5\""), -32602, "not NAME=VALUE");
    refused_call(f, "strategy_set", SET("\"distance=\""), -32602, "no integer");
    refused_call(f, "strategy_set", SET("\"distance=1.5\""), -32602, "no integer");
    refused_call(f, "strategy_set", SET("\"distance=99999999999999999999\""), -32602, "no integer");
#undef SET
    refused_call(f, "strategy_set",
                 "{\"strategy\":\"takes\",\"reason\":\"r\",\"values\":[\"a=1\"]}", -32006,
                 "takes no parameters");
    refused_call(f, "strategy_enable", "{\"strategy\":\"x\",\"reason\":\"r\"}", -32003,
                 "no strategy 'x'");
    refused_call(f, "strategy_enable", "{\"strategy\":\"quotes\"}", -32602, "reason is missing");
}

static void test_order_close(void **state)
{
    struct fixture *f = *state;
    static const char params[] = "{\"session\":\"iex\",\"ref\":4000000000,\"reason\":\"gone\"}";
    posted(f, "order_close", params);
    struct command_slot *slot = taken(f, 1, COMMAND_ORDER_CLOSE);
    assert_int_equal(slot->request.govern.scope, TRADE_SESSION);
    assert_int_equal(slot->request.govern.index, 0);
    assert_int_equal(slot->request.govern.chosen, 4000000000);
    assert_string_equal(slot->request.govern.reason, "gone");
    command_answer(slot, COMMAND_RESULT_OK, 12);
    json_t *answer = resumed(f);
    assert_string_equal(text_of(json_object_get(answer, "result"), "name"), "iex");
    assert_int_equal(
        json_integer_value(json_object_get(lane_row(answer, 0), "in_force_from_event")), 12);
    json_decref(answer);
    posted(f, "order_close", params);
    command_answer(taken(f, 1, COMMAND_ORDER_CLOSE), COMMAND_RESULT_NOT_OPEN, 0);
    expect_error(resumed(f), -32003, "no open order of this reference");
    posted(f, "order_close", params);
    command_answer(taken(f, 1, COMMAND_ORDER_CLOSE), COMMAND_RESULT_NOT_IN_DOUBT, 0);
    expect_error(resumed(f), -32006, "not in doubt");
    refused_call(f, "order_close", "{\"session\":\"x\",\"ref\":1,\"reason\":\"r\"}", -32003,
                 "no session 'x'");
}

static void test_refused(void **state)
{
    struct fixture *f = *state;
    refused_call(f, "halt", "{}", -32602, "reason is missing");
    refused_call(f, "cancel", "{\"reason\":\"\"}", -32602, "reason must be");
    refused_call(f, "kill", "{\"scope\":\"desk\"}", -32602, "no scope 'desk'");
    refused_call(f, "kill", "{\"scope\":\"desk:A\"}", -32602, "no scope 'desk:A'");
    refused_call(f, "kill", "{\"name\":\"MM\"}", -32602, "firm takes no name");
    refused_call(f, "kill", "{\"scope\":\"firm:MM\"}", -32602, "firm takes no name");
    refused_call(f, "kill", "{\"scope\":\"global:MM\"}", -32602, "firm takes no name");
    refused_call(f, "kill", "{\"scope\":\"account:\"}", -32602, "name of the account is missing");
    refused_call(f, "kill", "{\"scope\":\"account:X\"}", -32003, "no account 'X'");
    refused_call(f, "kill", "{\"scope\":\"account:MM\",\"name\":\"MM\"}", -32602, "no scope");
    refused_call(f, "kill", "{\"scope\":\"account:a name that is longer than any is\"}", -32003,
                 "no account 'a name");
    refused_call(f, "kill", "{\"scope\":\"account\"}", -32602, "name of the account is missing");
    refused_call(f, "kill", "{\"scope\":\"account\",\"name\":\"X\"}", -32003, "no account 'X'");
    refused_call(f, "kill", "{\"scope\":\"symbol\",\"name\":\"X\"}", -32003, "no symbol 'X'");
    for (uint32_t i = 0; i < 2 * KILL_ASKERS; i++)
        assert_int_equal(region_kill_words(&f->file.view, i)->rung, 0); // nothing was changed
    // No slot is free: the kill is in force, and the answer says both.
    for (uint32_t i = 0; i < COMMAND_SLOTS; i++)
        assert_non_null(command_claim(region_command_slot(&f->file.view, 0)));
    refused_call(f, "kill", "{}", -32004, "the kill words are set all the same");
    assert_int_equal(region_kill_words(&f->file.view, KILL_BY_OPERATOR)->all, 1);
    refused_call(f, "halt", "{\"reason\":\"r\"}", -32004, "all 16 command slots");
}

// A reason is one line of printable text in the records, whatever was sent.
static void test_reasons(void **state)
{
    struct fixture *f = *state;
    posted(f, "halt", "{\"reason\":\"two\\nlines\"}");
    assert_string_equal(taken(f, 0, COMMAND_HALT)->request.govern.reason, "two?lines");
    call_drop(&f->job.call, &f->control.contact);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_kill_all),   TEST(test_scopes),
        TEST(test_resume),     TEST(test_main_thread_is_silent),
        TEST(test_strategies), TEST(test_refused),
        TEST(test_reasons),    TEST(test_order_close),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
