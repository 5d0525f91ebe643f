// What people order: kill, halt, reduce, resume, cancel, strategies. Each order goes to every lane
// that it concerns; a kill sets its words first and then asks the lanes for their word.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/control/view.h"
#include "dataplane/base/clock.h"

static const struct verb {
    const char *method;
    enum command_type type;
    bool widens; // "it is so already" of one lane is no failure while another had to do something
} verbs[] = {
    {"kill", COMMAND_KILL, false},
    {"halt", COMMAND_HALT, false},
    {"reduce", COMMAND_REDUCE, false},
    {"resume", COMMAND_RESUME, true},
    {"cancel", COMMAND_CANCEL, false},
    {"strategy_enable", COMMAND_STRATEGY_ENABLE, true},
    {"strategy_disable", COMMAND_STRATEGY_DISABLE, false},
    {"strategy_set", COMMAND_STRATEGY_SET, false},
    {"signal_stop", COMMAND_SIGNAL_STOP, false},
    {"signal_resume", COMMAND_SIGNAL_RESUME, true},
    {"order_close", COMMAND_ORDER_CLOSE, false},
};

static const struct verb *verb_of(const struct job *job)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].method, job->method->name) == 0)
            return &verbs[i];
    return &verbs[0]; // not reached: the table of methods names no other
}

// --- what is meant ---

static bool target_find(struct control *control, struct job *job, const char *scope,
                        const char *name)
{
    switch (board_find(control->board, scope, name, &job->target)) {
    case BOARD_FOUND: return true;
    case BOARD_NO_SCOPE:
        job_fail(job, RPC_ERROR_PARAMS, "no scope '%.16s'; there are " BOARD_SCOPES, scope);
        return false;
    case BOARD_NO_NAME:
        job_fail(job, RPC_ERROR_PARAMS,
                 job->target.scope == TRADE_FIRM
                     ? "firm takes no name; nothing was changed"
                     : "the name of the %s is missing: %s:NAME; nothing was changed",
                 scope_name(job->target.scope), scope_name(job->target.scope));
        return false;
    case BOARD_UNKNOWN: break;
    }
    job_fail(job, RPC_ERROR_UNKNOWN, "no %s '%s'; nothing was changed",
             scope_name(job->target.scope), job->target.name);
    return false;
}

// "NAME=VALUE" into its place of the request; names are those of the strategy, or numbers.
static bool parameter_take(struct job *job, const struct strategy_info *info,
                           const struct strategy_values *values, const char *text,
                           struct govern_request *request)
{
    const char *equals = strchr(text, '=');
    const size_t len = equals ? (size_t)(equals - text) : 0;
    char *end;
    uint32_t place = PARAMETERS_MAX;
    for (uint32_t i = 0; i < values->count && len; i++) {
        char number[8];
        snprintf(number, sizeof number, "%u", i);
        if ((strlen(info->parameters[i]) == len && memcmp(info->parameters[i], text, len) == 0) ||
            (strlen(number) == len && memcmp(number, text, len) == 0))
            place = i;
    }
    if (place == PARAMETERS_MAX) {
        job_fail(job, len ? RPC_ERROR_UNKNOWN : RPC_ERROR_PARAMS,
                 len ? "%s has no parameter '%.*s'; `strategies` shows them"
                     : "%s: '%.*s' is not NAME=VALUE",
                 info->name, len ? (int)len : 31, text);
        return false;
    }
    errno = 0;
    request->parameters[place] = strtoll(equals + 1, &end, 10);
    request->chosen |= 1u << place;
    if (equals[1] && *end == 0 && errno == 0)
        return true;
    job_fail(job, RPC_ERROR_PARAMS, "'%.63s': the value is no integer of 64 bits", text);
    return false;
}

static bool parameters_take(struct control *control, struct job *job)
{
    const json_t *list = json_object_get(job->params, "values");
    const int row = board_strategy(control->board, job->target.name);
    if (control->board->values[row].count == 0) {
        job_fail(job, RPC_ERROR_STATE, "%s takes no parameters", job->target.name);
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!parameter_take(job, &control->board->strategies[row], &control->board->values[row],
                            json_string_value(json_array_get(list, i)), &job->call.request.govern))
            return false;
    return true;
}

// --- lane after lane ---

// Posts the order for the next lane from job->step on; nothing is left when there is none.
static void govern_next(struct control *control, struct job *job)
{
    while (job->step < LANES_MAX && !(job->target.lanes >> job->step & 1))
        job->step++;
    if (job->step >= LANES_MAX)
        return;
    job->lane = job->step++;
    job->call.request.govern.index = job->target.index[job->lane];
    job_call(control, job, verb_of(job)->type, job->lane);
}

// A kill is in force when its words are set, whatever becomes of the commands.
static bool kill_first(struct control *control, struct job *job)
{
    uint64_t rung[LANES_MAX];
    kill_watch_ask(&control->stages.kills, (uint64_t)job_integer(job, "asked_ns", 0),
                   clock_utc_ns());
    if (!kill_set(&control->contact.reader, KILL_BY_OPERATOR, &job->target, rung)) {
        job_fail(job, RPC_ERROR_NOT_CONNECTED, "%s", control->contact.why);
        return false;
    }
    job->also = "the kill words are set all the same: a lane that polls obeys them";
    return true;
}

static void govern_start(struct control *control, struct job *job)
{
    const char *reason = job_string(job, "reason");
    struct govern_request *request = &job->call.request.govern;
    request->scope = job->target.scope;
    request->user = job->user;
    snprintf(request->reason, sizeof request->reason, "%s", reason ? reason : "no reason given");
    text_clean(request->reason, sizeof request->reason);
    job->tolerant = verb_of(job)->widens;
    if (verb_of(job)->type == COMMAND_KILL && !kill_first(control, job))
        return;
    job->result = json_object();
    json_object_set_new(job->result, "order", json_string(job->method->name));
    json_object_set_new(
        job->result, "scope",
        json_string(job->target.scope == TRADE_FIRM ? "global" : scope_name(job->target.scope)));
    json_object_set_new(job->result, "name",
                        *job->target.name ? json_string(job->target.name) : json_null());
    json_object_set_new(job->result, "reason", json_string(request->reason));
    json_object_set_new(job->result, "lanes", json_array());
    govern_next(control, job);
}

void method_govern(struct control *control, struct job *job)
{
    memset(&job->call.request.govern, 0, sizeof job->call.request.govern);
    if (job_board(control, job) &&
        target_find(control, job, job_string(job, "scope"), job_string(job, "name")))
        govern_start(control, job);
}

void method_govern_strategy(struct control *control, struct job *job)
{
    memset(&job->call.request.govern, 0, sizeof job->call.request.govern);
    if (job_board(control, job) &&
        target_find(control, job, "strategy", job_string(job, "strategy")) &&
        (verb_of(job)->type != COMMAND_STRATEGY_SET || parameters_take(control, job)))
        govern_start(control, job);
}

void method_govern_order(struct control *control, struct job *job)
{
    memset(&job->call.request.govern, 0, sizeof job->call.request.govern);
    job->call.request.govern.chosen = (uint32_t)job_integer(job, "ref", 0);
    if (job_board(control, job) && target_find(control, job, "session", job_string(job, "session")))
        govern_start(control, job);
}

// A source of signals: its lane's, in the place of a scope.
void method_govern_signal(struct control *control, struct job *job)
{
    const char *name = job_string(job, "source");
    memset(&job->call.request.govern, 0, sizeof job->call.request.govern);
    if (!job_board(control, job))
        return;
    const int source = board_signal(control->board, name);
    if (source < 0) {
        job_fail(job, RPC_ERROR_UNKNOWN, "no source of signals '%.31s'; nothing was changed", name);
        return;
    }
    memset(&job->target, 0, sizeof job->target);
    job->target.lanes = 1ull << control->board->signals[source].lane;
    snprintf(job->target.name, sizeof job->target.name, "%s", name);
    job->call.request.govern.chosen = (uint32_t)source;
    govern_start(control, job);
    if (job->result)
        json_object_set_new(job->result, "scope", json_string("signal"));
}

void method_kill_told(struct control *control, struct job *job)
{
    kill_watch_told(&control->stages.kills, (uint64_t)job_integer(job, "asked_ns", 0),
                    clock_utc_ns());
    job->result = json_pack("{s:I}", "asked_ns", job_integer(job, "asked_ns", 0));
}

static json_t *lifted_view(uint64_t lifted)
{
    static const char *const words[] = {"kill",    "state",   "quarantine",
                                        "session", "repeats", "loss"};
    json_t *list = json_array();
    for (uint32_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (lifted >> i & 1)
            json_array_append_new(list, json_string(words[i]));
    return list;
}

// Nothing had to be done anywhere: says what else stands in the way.
static void nothing_done(struct control *control, struct job *job)
{
    char text[256] = "";
    size_t used = 0, i;
    json_t *force = trade_in_force(control), *row;
    json_array_foreach(force, i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        const int n = snprintf(
            text + used, sizeof text - used, "%s%s of %s%s%s",
            i ? ", " : "; in force: ", json_string_value(json_object_get(row, "what")),
            json_string_value(json_object_get(row, "scope")), name ? " " : "", name ? name : "");
        used += n > 0 && used + (size_t)n < sizeof text ? (size_t)n : 0;
    }
    json_decref(force);
    if (json_object_get(job->result, "beyond"))
        job_fail(job, RPC_ERROR_STATE,
                 "the loss of %s%s%s is still beyond its limit: set another limit first",
                 job->target.scope == TRADE_FIRM ? "the firm" : scope_name(job->target.scope),
                 *job->target.name ? " " : "", job->target.name);
    else if (verb_of(job)->type == COMMAND_SIGNAL_RESUME)
        job_fail(job, RPC_ERROR_STATE, "source %s is not stopped, and its breaker is not open",
                 job->target.name);
    else if (verb_of(job)->type == COMMAND_STRATEGY_ENABLE)
        job_fail(job, RPC_ERROR_STATE, "strategy %s is on already", job->target.name);
    else
        job_fail(job, RPC_ERROR_STATE, "there is nothing to take back for %s%s%s%s",
                 job->target.scope == TRADE_FIRM ? "all" : scope_name(job->target.scope),
                 *job->target.name ? " " : "", job->target.name, text);
}

void method_govern_answered(struct control *control, struct job *job)
{
    const struct govern_answer *answer = &job->call.answer.govern;
    json_t *lanes = json_object_get(job->result, "lanes");
    if (!job_board(control, job))
        return;
    if (job->call.result == COMMAND_RESULT_OK) {
        json_t *row = json_object();
        json_object_set_new(row, "lane", json_string(control->snapshot.lanes[job->lane].name));
        json_object_set_new(row, "in_force_from_event",
                            job->call.sequence ? view_count(job->call.sequence) : json_null());
        json_object_set_new(row, "open_orders", view_count(answer->open_orders));
        json_object_set_new(row, "was", json_string(trading_state_name(answer->was)));
        json_object_set_new(row, "now", json_string(trading_state_name(answer->now)));
        json_object_set_new(row, "limits_version", view_count(answer->limits_version));
        json_object_set_new(row, "lifted", lifted_view(answer->lifted));
        json_array_append_new(lanes, row);
    }
    if (job->call.result == COMMAND_RESULT_BEYOND)
        json_object_set_new(job->result, "beyond", json_true());
    govern_next(control, job);
    if (job->pending || job->error)
        return;
    if (json_array_size(lanes) == 0)
        nothing_done(control, job);
    else
        json_object_set_new(job->result, "in_force", trade_in_force(control));
}
