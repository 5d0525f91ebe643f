// Requests to the control plane's methods as text, and a region that the test plays the dataplane
// in. cmocka.h is included before this header.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "controlplane/control/rpc.h"
#include "dataplane/base/clock.h"
#include "tests/lib/region_market.h"
#include "tests/lib/region_trade.h"

struct fixture {
    struct region_file file;
    struct control control;
    struct job job;
    char text[512];
};

static inline int setup(void **state)
{
    struct fixture *f = region_file_alloc(sizeof *f);
    struct region_shape shape = region_trade_shape();
    struct region_identity identity = region_file_identity();
    region_file_make(&f->file, &shape, &identity);
    region_market_fill(&f->file);
    region_trade_fill(&f->file.view);
    region_file_ready(&f->file);
    assert_true(control_init(&f->control, f->file.path));
    control_tick(&f->control, 1);
    f->job.role = ROLE_RISK;
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    job_clear(&f->job);
    control_free(&f->control);
    region_file_remove(&f->file);
    free(f);
    return 0;
}

static inline json_t *ask_text(struct fixture *f, const char *line)
{
    char *reply;
    rpc_handle(&f->control, line, strlen(line), &f->job, &reply);
    if (reply == NULL)
        return NULL;
    assert_null(strchr(reply, '\n'));
    json_t *answer = json_loads(reply, 0, NULL);
    assert_non_null(answer);
    assert_string_equal(json_string_value(json_object_get(answer, "jsonrpc")), "2.0");
    free(reply);
    return answer;
}

static inline const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "(none)";
}

// Expects an error of that code whose message holds <say>; releases the answer.
static inline void expect_error(json_t *answer, int code, const char *say)
{
    const json_t *error = json_object_get(answer, "error");
    assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
    if (strstr(text_of(error, "message"), say) == NULL)
        fail_msg("'%s' does not say '%s'", text_of(error, "message"), say);
    assert_null(json_object_get(answer, "result"));
    json_decref(answer);
}

static inline void refused(struct fixture *f, const char *line, int code, const char *say)
{
    expect_error(ask_text(f, line), code, say);
}

// Result of a method, to be released; <params> is JSON text.
static inline json_t *result_of(struct fixture *f, const char *method, const char *params)
{
    snprintf(f->text, sizeof f->text,
             "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"%s\",\"params\":%s}", method, params);
    json_t *answer = ask_text(f, f->text);
    assert_int_equal(json_integer_value(json_object_get(answer, "id")), 7);
    json_t *result = json_incref(json_object_get(answer, "result"));
    if (result == NULL)
        fail_msg("%s: no result", method);
    json_decref(answer);
    return result;
}

static inline void refused_call(struct fixture *f, const char *method, const char *params, int code,
                                const char *say)
{
    snprintf(f->text, sizeof f->text,
             "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"%s\",\"params\":%s}", method, params);
    refused(f, f->text, code, say);
}

// Posts a method that asks a lane; the slot it stands in.
static inline struct command_slot *posted(struct fixture *f, const char *method, const char *params)
{
    snprintf(f->text, sizeof f->text,
             "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"%s\",\"params\":%s}", method, params);
    assert_null(ask_text(f, f->text));
    assert_true(f->job.pending);
    return region_command_slot(&f->file.view, f->job.call.slot);
}

// What was posted is for <lane>, or LANE_MAIN, which has it now.
static inline struct command_slot *taken(struct fixture *f, uint32_t lane, enum command_type type)
{
    struct command_slot *slot = region_command_slot(&f->file.view, f->job.call.slot);
    assert_true(f->job.pending);
    assert_int_equal(f->job.call.target, lane);
    assert_true(command_take(slot, lane));
    assert_int_equal(slot->type, type);
    return slot;
}

static inline json_t *resumed(struct fixture *f)
{
    char *reply;
    rpc_resume(&f->control, &f->job, &reply);
    json_t *answer = reply ? json_loads(reply, 0, NULL) : NULL;
    free(reply);
    return answer;
}
