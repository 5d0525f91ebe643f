#include "controlplane/control/rpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

static json_t *error_object(int code, const char *message)
{
    return json_pack("{s:i,s:s}", "code", code, "message", message);
}

char *rpc_error_text(enum rpc_error error, const char *message)
{
    json_t *reply =
        json_pack("{s:s,s:n,s:o}", "jsonrpc", "2.0", "id", "error", error_object(error, message));
    char *text = json_dumps(reply, JSON_COMPACT);
    json_decref(reply);
    return text;
}

// Who changed what, or was not let, stands in the log.
static void changed_tell(const struct job *job)
{
    const char *reason = job_string(job, "reason");
    char *params = json_dumps(job->params, JSON_COMPACT);
    if (job->error == RPC_ERROR_APPROVAL)
        log_info(LOG_APPROVAL,
                 LOG_FIELDS(LOG_TEXT("method", job->method->name), LOG_NUMBER("user", job->user)),
                 "%s by user %u: %s", job->method->name, job->user, job->message);
    else if (job->approved && !job->error)
        log_info(LOG_CHANGED,
                 LOG_FIELDS(LOG_TEXT("method", job->method->name), LOG_NUMBER("user", job->asker),
                            LOG_NUMBER("approved_by", job->user), LOG_TEXT("reason", reason),
                            LOG_TEXT("params", params)),
                 "%s by user %u, approved by user %u (%s): %s", job->method->name, job->asker,
                 job->user, params ? params : "", reason ? reason : "no reason given");
    else if (job->error)
        log_warn(LOG_REFUSED,
                 LOG_FIELDS(LOG_TEXT("method", job->method->name), LOG_NUMBER("user", job->user),
                            LOG_TEXT("cause", job->message)),
                 "%s by user %u: %s", job->method->name, job->user, job->message);
    else
        log_info(LOG_CHANGED,
                 LOG_FIELDS(LOG_TEXT("method", job->method->name), LOG_NUMBER("user", job->user),
                            LOG_TEXT("reason", reason), LOG_TEXT("params", params)),
                 "%s by user %u (%s): %s", job->method->name, job->user, params ? params : "",
                 reason ? reason : "no reason given");
    free(params);
}

// Ends the job: its answer as text, or null for a notification.
static char *finish(struct job *job)
{
    char *text = NULL;
    if (job->error == 0 && job->result == NULL)
        job_fail(job, RPC_ERROR_INTERNAL, "out of memory");
    if (job->method && job->method->role > ROLE_VIEW)
        changed_tell(job);
    if (job->id || job->error == RPC_ERROR_PARSE || job->error == RPC_ERROR_REQUEST) {
        json_t *reply = json_object();
        json_object_set_new(reply, "jsonrpc", json_string("2.0"));
        json_object_set(reply, "id", job->id ? job->id : json_null());
        if (job->error)
            json_object_set_new(reply, "error", error_object(job->error, job->message));
        else
            json_object_set(reply, "result", job->result);
        text = json_dumps(reply, JSON_COMPACT);
        json_decref(reply);
    }
    job_clear(job);
    return text;
}

// What the call could not say by itself.
static void job_add(struct job *job)
{
    const size_t len = strlen(job->message);
    if (job->error && job->also && len + 3 < sizeof job->message)
        snprintf(job->message + len, sizeof job->message - len, "; %s", job->also);
}

// --- parameters ---

static bool length_fits(const struct param *param, size_t length)
{
    return (int64_t)length >= param->min && (int64_t)length <= param->max;
}

static bool strings_fit(const struct param *param, const json_t *value)
{
    if (!json_is_array(value) || !length_fits(param, json_array_size(value)))
        return false;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!json_is_string(json_array_get(value, i)))
            return false;
    return true;
}

static bool value_fits(const struct param *param, const json_t *value)
{
    switch (param->type) {
    case PARAM_STRING:
        return json_is_string(value) && length_fits(param, json_string_length(value));
    case PARAM_INTEGER:
        return json_is_integer(value) && json_integer_value(value) >= param->min &&
               json_integer_value(value) <= param->max;
    case PARAM_STRINGS: return strings_fit(param, value);
    }
    return false;
}

static const struct param *param_find(const struct method *method, const char *name)
{
    for (uint32_t i = 0; i < PARAMS_MAX && method->params[i].name; i++)
        if (strcmp(method->params[i].name, name) == 0)
            return &method->params[i];
    return NULL;
}

// Positional parameters get their names from the table.
static bool params_name(struct job *job, const json_t *array)
{
    const struct param *params = job->method->params;
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i >= PARAMS_MAX || params[i].name == NULL) {
            job_fail(job, RPC_ERROR_PARAMS, "%s: %zu parameters given, it takes %zu",
                     job->method->name, json_array_size(array), i);
            return false;
        }
        json_object_set(job->params, params[i].name, json_array_get(array, i));
    }
    return true;
}

static void param_wrong(struct job *job, const struct param *param)
{
    const char *method = job->method->name;
    long long min = param->min, max = param->max;
    switch (param->type) {
    case PARAM_STRING:
        job_fail(job, RPC_ERROR_PARAMS, "%s: %s must be a string of %lld to %lld characters",
                 method, param->name, min, max);
        break;
    case PARAM_INTEGER:
        job_fail(job, RPC_ERROR_PARAMS, "%s: %s must be an integer from %lld to %lld", method,
                 param->name, min, max);
        break;
    case PARAM_STRINGS:
        job_fail(job, RPC_ERROR_PARAMS, "%s: %s must be an array of %lld to %lld strings", method,
                 param->name, min, max);
        break;
    }
}

static bool params_check(struct job *job)
{
    const char *name;
    json_t *value;
    json_object_foreach(job->params, name, value)
    {
        const struct param *param = param_find(job->method, name);
        if (param == NULL) {
            job_fail(job, RPC_ERROR_PARAMS, "%s: no parameter '%.64s'; `help` lists them",
                     job->method->name, name);
            return false;
        }
        if (!value_fits(param, value)) {
            param_wrong(job, param);
            return false;
        }
    }
    for (uint32_t i = 0; i < PARAMS_MAX && job->method->params[i].name; i++)
        if (job->method->params[i].required &&
            json_object_get(job->params, job->method->params[i].name) == NULL) {
            job_fail(job, RPC_ERROR_PARAMS, "%s: %s is missing (%s)", job->method->name,
                     job->method->params[i].name, job->method->params[i].help);
            return false;
        }
    return true;
}

static bool params_take(struct job *job, const json_t *params)
{
    job->params = json_object();
    if (params == NULL)
        return params_check(job);
    if (json_is_array(params))
        return params_name(job, params) && params_check(job);
    json_object_update(job->params, (json_t *)(uintptr_t)params);
    return params_check(job);
}

// --- requests ---

static bool members_known(struct job *job, json_t *request)
{
    static const char *const known[] = {"jsonrpc", "id", "method", "params"};
    const char *name;
    json_t *value;
    json_object_foreach(request, name, value)
    {
        bool is = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            is = is || strcmp(known[i], name) == 0;
        if (!is) {
            job_fail(job, RPC_ERROR_REQUEST,
                     "a request has no member '%.64s'; parameters stand in "
                     "params",
                     name);
            return false;
        }
    }
    return true;
}

static bool request_take(struct job *job, json_t *request)
{
    const json_t *id = json_object_get(request, "id");
    const char *version = json_string_value(json_object_get(request, "jsonrpc"));
    const char *name = json_string_value(json_object_get(request, "method"));
    const json_t *params = json_object_get(request, "params");
    if (json_is_array(request)) {
        job_fail(job, RPC_ERROR_REQUEST, "batches are not supported; send one request a line");
        return false;
    }
    if (!members_known(job, request))
        return false;
    if (id && !json_is_string(id) && !json_is_number(id) && !json_is_null(id)) {
        job_fail(job, RPC_ERROR_REQUEST, "id must be a string, a number or null");
        return false;
    }
    job->id = json_incref((json_t *)(uintptr_t)id);
    if (version == NULL || strcmp(version, "2.0") != 0 || name == NULL ||
        (params && !json_is_object(params) && !json_is_array(params))) {
        job_fail(job, RPC_ERROR_REQUEST,
                 "not a request: {\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": NAME, \"params\": "
                 "{...}}");
        return false;
    }
    for (uint32_t i = 0; i < method_count; i++)
        if (strcmp(methods[i].name, name) == 0)
            job->method = &methods[i];
    if (job->method == NULL) {
        job_fail(job, RPC_ERROR_METHOD, "no method '%.64s'; `help` lists them", name);
        return false;
    }
    return params_take(job, params);
}

static bool role_fits(struct job *job)
{
    if (job->role >= job->method->role)
        return true;
    job_fail(job, RPC_ERROR_FORBIDDEN,
             "%s: user %u has the role %s, and this takes %s; the section control of the "
             "configuration says who has which",
             job->method->name, job->user, role_name(job->role), role_name(job->method->role));
    return false;
}

// The dataplane that the method needs is there, and alive.
static bool dataplane_there(const struct control *control, struct job *job)
{
    const struct contact *contact = &control->contact;
    if (job->method->need == NEEDS_NOTHING)
        return true;
    switch (contact->state) {
    case CONTACT_ABSENT:
    case CONTACT_DEAD: job_fail(job, RPC_ERROR_NOT_CONNECTED, "%s", contact->why); return false;
    case CONTACT_SILENT:
        if (job->method->need == NEEDS_LANES)
            return true;
        job_fail(job, RPC_ERROR_NO_ANSWER, "%s", contact->why);
        return false;
    default: return true;
    }
}

void rpc_handle(struct control *control, const char *line, size_t len, struct job *job,
                char **reply)
{
    json_error_t error;
    *reply = NULL;
    job_clear(job);
    control->requests++;
    json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (request == NULL)
        job_fail(job, RPC_ERROR_PARSE, "column %d: %s", error.column, error.text);
    else if (request_take(job, request) && role_fits(job) && dataplane_there(control, job))
        job->method->run(control, job);
    job_add(job);
    json_decref(request);
    if (!job->pending)
        *reply = finish(job);
}

json_t *rpc_view(struct control *control, const char *method, char *why, size_t why_len)
{
    struct job job = {.role = ROLE_VIEW};
    json_t *result = NULL;
    for (uint32_t i = 0; i < method_count; i++)
        if (strcmp(methods[i].name, method) == 0)
            job.method = &methods[i];
    job.params = json_object();
    if (job.method && dataplane_there(control, &job))
        job.method->run(control, &job);
    if (job.error == 0 && !job.pending)
        result = json_incref(job.result);
    snprintf(why, why_len, "%s", job.message);
    job_clear(&job);
    return result;
}

static enum rpc_error error_of(uint32_t result)
{
    switch (result) {
    case COMMAND_RESULT_BUSY: return RPC_ERROR_BUSY;
    case COMMAND_RESULT_NO_SYMBOL:
    case COMMAND_RESULT_NO_ORDER:
    case COMMAND_RESULT_NOT_OPEN: return RPC_ERROR_UNKNOWN;
    case COMMAND_RESULT_NO_TRADING:
    case COMMAND_RESULT_NO_PARAMETERS:
    case COMMAND_RESULT_NOTHING:
    case COMMAND_RESULT_NOT_IN_DOUBT:
    case COMMAND_RESULT_NOT_RECORDED:
    case COMMAND_RESULT_NO_ROOM: return RPC_ERROR_STATE;
    default: return RPC_ERROR_REFUSED;
    }
}

// The method again, now that the events are there.
static void settle_look(struct control *control, struct job *job)
{
    const uint64_t now_ns = clock_mono_ns();
    if (!drain_asked(control->drain, job->ticket) && now_ns < job->deadline_ns)
        return;
    job->pending = job->settling = false;
    job->settled = true;
    job->method->run(control, job);
}

void rpc_resume(struct control *control, struct job *job, char **reply)
{
    *reply = NULL;
    if (job->settling) {
        settle_look(control, job);
        if (!job->pending)
            *reply = finish(job);
        return;
    }
    enum call_state state = call_look(&job->call, &control->contact, clock_mono_ns());
    if (state == CALL_PENDING)
        return;
    job->pending = false;
    if (state == CALL_TIMEOUT)
        job_fail(job, RPC_ERROR_NO_ANSWER,
                 "the dataplane took no notice of the command in time; `lanes` shows whether it "
                 "polls");
    else if (state != CALL_ANSWERED)
        job_fail(job, RPC_ERROR_NOT_CONNECTED, "the dataplane went away before it answered");
    else if (job->call.result == COMMAND_RESULT_OK ||
             (job->tolerant && (job->call.result == COMMAND_RESULT_NOTHING ||
                                job->call.result == COMMAND_RESULT_BEYOND ||
                                job->call.result == COMMAND_RESULT_LIMIT_REFUSED ||
                                job->call.result == COMMAND_RESULT_DAY_REFUSED)))
        job->method->answered(control, job);
    else
        job_fail(job, error_of(job->call.result), "%s", command_result_text(job->call.result));
    job_add(job);
    if (!job->pending)
        *reply = finish(job);
}
