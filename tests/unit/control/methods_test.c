// Every method of the table, by the table: refused to a lower role and without a dataplane, and
// each parameter in every way that it can be wrong. A method that is added is tested by this too.
// What succeeds without parameters is in rpc_test.c, all others here or in a test of their own.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/lib/rpc_rig.h"

// What succeeds, for methods that need parameters or ask a lane: a result, or a posted command.
static const struct {
    const char *method, *params;
} good[] = {
    {"book", "{\"symbol\":\"AAPL\",\"channel\":\"itch\",\"depth\":3}"},
    {"queue_position", "{\"channel\":\"itch\",\"reference\":77}"},
    {"filter_set", "{\"lane\":\"lane0\",\"reason\":\"r\",\"symbols\":[\"AAPL\"]}"},
    {"kill", "{\"scope\":\"account\",\"name\":\"MM\",\"reason\":\"r\",\"asked_ns\":1}"},
    {"kill_told", "{\"asked_ns\":1}"},
    {"halt", "{\"reason\":\"r\"}"},
    {"reduce", "{\"scope\":\"symbol\",\"name\":\"AAPL\",\"reason\":\"r\"}"},
    {"resume", "{\"reason\":\"r\"}"},
    {"cancel", "{\"reason\":\"r\"}"},
    {"order_close", "{\"session\":\"nsdq\",\"ref\":17,\"reason\":\"r\"}"},
    {"strategy_enable", "{\"strategy\":\"quotes\",\"reason\":\"r\"}"},
    {"strategy_disable", "{\"strategy\":\"quotes\",\"reason\":\"r\"}"},
    {"strategy_set", "{\"strategy\":\"quotes\",\"values\":[\"shares=5\"],\"reason\":\"r\"}"},
    {"subscribe", "{\"topics\":[\"events\",\"logs\"]}"},
    {"limit_set", "{\"scope\":\"account:MM\",\"control\":\"gross\",\"value\":\"1\",\"reason\":"
                  "\"r\",\"for\":\"2h\"}"},
    {"limits", "{\"scope\":\"account:MM\"}"},
    {"approvals", "{}"},
    {"selftest", "{}"},
};

static const struct method *method_of(const char *name)
{
    for (uint32_t i = 0; i < method_count; i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}

static json_t *call(struct fixture *f, const struct method *method, json_t *params)
{
    json_t *request = json_pack("{s:s,s:i,s:s,s:O}", "jsonrpc", "2.0", "id", 7, "method",
                                method->name, "params", params);
    char *line = json_dumps(request, 0);
    assert_non_null(line);
    json_t *answer = ask_text(f, line);
    free(line);
    json_decref(request);
    return answer;
}

static int code_of(const json_t *answer)
{
    return (int)json_integer_value(json_object_get(json_object_get(answer, "error"), "code"));
}

static void is_refused(struct fixture *f, const struct method *method, json_t *params, int code,
                       const char *what)
{
    json_t *answer = call(f, method, params);
    if (answer == NULL || code_of(answer) != code)
        fail_msg("%s, %s: %d instead of %d", method->name, what, code_of(answer), code);
    const char *message =
        json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
    if (message == NULL || strlen(message) < 8)
        fail_msg("%s, %s: says nothing", method->name, what);
    json_decref(answer);
}

// --- success ---

static void test_success(void **state)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        void *rig;
        (void)state;
        setup(&rig); // a command that is on its way belongs to one job
        struct fixture *f = rig;
        const struct method *method = method_of(good[i].method);
        assert_non_null(method);
        json_t *params = json_loads(good[i].params, 0, NULL);
        json_t *answer = call(f, method, params);
        if (answer ? json_object_get(answer, "result") == NULL : !f->job.pending)
            fail_msg("%s: neither answered nor on its way: %d", method->name, code_of(answer));
        json_decref(answer);
        json_decref(params);
        teardown(&rig);
    }
}

// --- values made up from the table ---

static json_t *text(int64_t len)
{
    static char letters[70000];
    memset(letters, 'a', sizeof letters);
    return json_stringn(letters, (size_t)len < sizeof letters ? (size_t)len : sizeof letters);
}

static json_t *texts(int64_t count)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < count; i++)
        json_array_append_new(list, json_string("a"));
    return list;
}

static json_t *value_of(const struct param *p)
{
    switch (p->type) {
    case PARAM_INTEGER: return json_integer(p->min);
    case PARAM_STRINGS: return texts(p->min);
    default: return text(p->min);
    }
}

static json_t *params_of(const struct method *m)
{
    json_t *params = json_object();
    for (uint32_t k = 0; k < PARAMS_MAX && m->params[k].name; k++)
        if (m->params[k].required)
            json_object_set_new(params, m->params[k].name, value_of(&m->params[k]));
    return params;
}

static void with(struct fixture *f, const struct method *m, const struct param *p, json_t *value,
                 const char *what)
{
    json_t *params = params_of(m);
    char said[128];
    snprintf(said, sizeof said, "%s %s", p->name, what);
    json_object_set_new(params, p->name, value);
    is_refused(f, m, params, RPC_ERROR_PARAMS, said);
    json_decref(params);
}

static void test_wrong_values(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < method_count; i++)
        for (uint32_t k = 0; k < PARAMS_MAX && methods[i].params[k].name; k++) {
            const struct method *m = &methods[i];
            const struct param *p = &m->params[k];
            with(f, m, p, json_object(), "an object");
            with(f, m, p, json_true(), "true");
            with(f, m, p, json_real(1.5), "1.5");
            if (p->type != PARAM_INTEGER)
                with(f, m, p, json_integer(p->min), "a number");
            if (p->type == PARAM_INTEGER) {
                with(f, m, p, json_string("1"), "a string");
                if (p->min > INT64_MIN)
                    with(f, m, p, json_integer(p->min - 1), "too small");
                if (p->max < INT64_MAX)
                    with(f, m, p, json_integer(p->max + 1), "too large");
            } else if (p->type == PARAM_STRING) {
                with(f, m, p, texts(1), "a list");
                with(f, m, p, text(p->max + 1), "too long");
                if (p->min > 0)
                    with(f, m, p, text(p->min - 1), "too short");
            } else {
                with(f, m, p, json_string("a"), "a string");
                with(f, m, p, json_pack("[i]", 1), "a list of numbers");
                with(f, m, p, texts(p->max + 1), "too many");
                if (p->min > 0)
                    with(f, m, p, texts(p->min - 1), "too few");
            }
        }
}

static void test_missing_and_unknown(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < method_count; i++) {
        const struct method *m = &methods[i];
        json_t *params = params_of(m);
        json_object_set_new(params, "no_such", json_integer(1));
        is_refused(f, m, params, RPC_ERROR_PARAMS, "an unknown parameter");
        json_decref(params);
        for (uint32_t k = 0; k < PARAMS_MAX && m->params[k].name; k++)
            if (m->params[k].required) {
                params = params_of(m);
                json_object_del(params, m->params[k].name);
                is_refused(f, m, params, RPC_ERROR_PARAMS, "one is missing");
                json_decref(params);
            }
    }
}

// --- refusals ---

static void test_roles(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < method_count; i++) {
        json_t *params = params_of(&methods[i]);
        assert_in_range(methods[i].role, ROLE_VIEW, ROLE_RISK);
        f->job.role = (enum role)(methods[i].role - 1);
        is_refused(f, &methods[i], params, RPC_ERROR_FORBIDDEN, "a role below");
        json_decref(params);
    }
}

// Whoever needs a dataplane says that there is none; the others answer.
static void test_no_dataplane(void **state)
{
    struct fixture *f = *state;
    control_free(&f->control);
    assert_true(control_init(&f->control, "/tmp/there-is-no-such-region"));
    control_tick(&f->control, 1);
    for (uint32_t i = 0; i < method_count; i++) {
        json_t *params = params_of(&methods[i]);
        if (methods[i].need != NEEDS_NOTHING)
            is_refused(f, &methods[i], params, RPC_ERROR_NOT_CONNECTED, "no dataplane");
        json_decref(params);
    }
}

// Where the dataplane has set nothing aside for them.
static void test_no_capture(void **state)
{
    struct fixture *f = *state;
    refused_call(f, "capture_start", "{}", -32006, "no room for captures");
    refused_call(f, "capture_stop", "{}", -32006, "no room for captures");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_success), TEST(test_wrong_values),
        TEST(test_missing_and_unknown), TEST(test_roles),
        TEST(test_no_dataplane),        TEST(test_no_capture),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
