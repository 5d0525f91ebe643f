// /benchmarks/run: every control of the gate is broken once, behind a closed egress gate, and how
// long that took. Not while an order could leave: then 409.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controlplane/control/rpc.h"
#include "controlplane/http/parts.h"
#include "dataplane/base/clock.h"

// --- armed ---

static bool lane_stopped(const struct board *b, uint32_t lane)
{
    const struct trade_board *t = &b->boards[lane];
    return board_killed(b, lane, TRADE_FIRM, 0) ||
           board_states((struct trade_board *)(uintptr_t)t, TRADE_FIRM)[0] >= TRADING_HALTED;
}

// A session over which an order could leave now; null: there is none.
static const char *session_armed(const struct board *b)
{
    for (uint32_t i = 0; i < b->shape.order_sessions; i++) {
        const struct order_session_counters *c = &b->session_counters[i];
        const uint32_t lane = b->sessions[i].lane;
        if (lane < b->shape.lanes && c->state == SESSION_READY && !c->halted &&
            !lane_stopped(b, lane))
            return b->sessions[i].name;
    }
    return NULL;
}

static char *said(const char *key, const char *text)
{
    json_t *view = json_pack("{s:b,s:s}", "passed", 0, key, text);
    char *report = json_dumps(view, JSON_INDENT(2));
    json_decref(view);
    return report;
}

static bool may_run(struct control *control, struct benchmark_report *report)
{
    char text[200];
    const char *session = NULL;
    if (contact_attached(&control->contact) && board_take(control->board, &control->contact))
        session = session_armed(control->board);
    if (session == NULL)
        return true;
    snprintf(text, sizeof text,
             "armed: session %s is ready, and orders may leave; halt or kill everything first",
             session);
    *report = (struct benchmark_report){409, said("error", text)};
    return false;
}

// --- the run ---

// What the answer to the request says.
static struct benchmark_report report_of(const struct http *http, const char *reply)
{
    json_t *answer = reply ? json_loads(reply, 0, NULL) : NULL;
    json_t *result = json_object_get(answer, "result");
    const json_t *error = json_object_get(answer, "error");
    const int code = (int)json_integer_value(json_object_get(error, "code"));
    const char *message = json_string_value(json_object_get(error, "message"));
    struct benchmark_report report = {200, NULL};
    if (result) {
        json_object_set_new(result, "passed", json_true());
        json_object_set_new(result, "took_ns",
                            json_integer((json_int_t)(clock_mono_ns() - http->benchmark_ns)));
        report.text = json_dumps(result, JSON_INDENT(2));
    } else {
        const bool away = code == RPC_ERROR_NOT_CONNECTED || code == RPC_ERROR_NO_ANSWER ||
                          code == RPC_ERROR_BUSY;
        report.status = away ? 503 : 500;
        report.text = said("error", message ? message : "no answer");
    }
    json_decref(answer);
    return report;
}

bool benchmark_begin(struct http *http, struct http_connection *asker)
{
    static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"selftest\"}";
    struct job *job = &http->benchmark;
    char *reply;
    if (http->benchmark.pending) {
        asker->report = (struct benchmark_report){503, said("error", "one runs already")};
        return true;
    }
    if (!may_run(http->control, &asker->report))
        return true;
    job->role = ROLE_OPERATE;
    job->user = geteuid();
    http->benchmark_ns = clock_mono_ns();
    rpc_handle(http->control, line, sizeof line - 1, job, &reply);
    http->asker = job->pending ? asker : NULL;
    if (!job->pending)
        asker->report = report_of(http, reply);
    free(reply);
    return !job->pending;
}

void benchmark_turn(struct http *http)
{
    struct http_connection *asker = http->asker;
    char *reply;
    if (!http->benchmark.pending)
        return;
    rpc_resume(http->control, &http->benchmark, &reply);
    if (http->benchmark.pending)
        return;
    if (asker) {
        asker->report = report_of(http, reply);
        asker->asleep = false;
        http->asker = NULL;
        MHD_resume_connection(asker->handle);
    }
    free(reply);
}

void benchmark_leave(struct http_connection *asker)
{
    if (asker->http->asker == asker)
        asker->http->asker = NULL;
    free(asker->report.text);
    asker->report.text = NULL;
}

void benchmark_end(struct http *http)
{
    if (http->benchmark.pending && !http->benchmark.settling)
        call_drop(&http->benchmark.call, &http->control->contact);
    job_clear(&http->benchmark);
}
