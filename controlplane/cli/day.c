#include "controlplane/cli/day.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/cli/command.h"
#include "controlplane/cli/table.h"
#include "controlplane/control/view.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/file.h"

enum { LOOK_MS = 50 };

// --- answers ---

int64_t day_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

const char *day_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

json_t *day_ask(struct day *day, const char *method, json_t *params, struct error *err)
{
    return day->asks->call(day->asks->context, method, params, err);
}

json_t *day_change(struct day *day, const char *method, struct error *err)
{
    return day_ask(day, method, json_pack("{s:s}", "reason", day->order->reason), err);
}

bool day_again(const struct day *day)
{
    if (invocation_stopped() || clock_mono_ns() >= day->until_ns)
        return false;
    nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    return true;
}

// --- the record ---

static bool record_write(const struct day *day, struct error *err)
{
    char *text = json_dumps(day->record, JSON_INDENT(2));
    if (text == NULL)
        return error_set(err, EXIT_FAILED, "no memory for the record");
    const bool ok = file_replace(day->order->record, text, strlen(text), DAY_FILE_MODE, err);
    free(text);
    return ok;
}

void day_say(struct day *day, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    json_object_set_new(day->step, "said", json_string(text));
}

static void state_set(json_t *step, const char *state)
{
    json_object_set_new(step, "state", json_string(state));
}

// --- steps ---

// One step and what the record says of it. What fails last counts: also a record that cannot be
// written.
static bool step_go(struct day *day, const struct day_step *step, struct error *err)
{
    struct error unwritten = {0};
    day->until_ns = clock_mono_ns() + day->order->within_ms * 1000000;
    json_object_set_new(day->step, "began", view_utc(clock_utc_ns()));
    const bool ok = step->go(day, err);
    json_object_set_new(day->step, "ended", view_utc(clock_utc_ns()));
    state_set(day->step, ok ? "passed" : "failed");
    if (!ok) {
        const struct error said = *err;
        day_say(day, "%s", said.text);
        *err = (struct error){0};
        error_set(err, said.code, "%s: %s", step->name, said.text);
    }
    if (record_write(day, &unwritten))
        return ok;
    if (ok) {
        state_set(day->step, "failed");
        *err = unwritten;
    }
    return false;
}

json_t *day_sequence(const char *name, const struct day_step *steps, uint32_t count,
                     const struct day_asks *asks, const struct day_order *order, struct error *err)
{
    struct day day = {.asks = asks, .order = order};
    struct error unwritten = {0};
    json_t *list = json_array();
    bool ok = true;
    day.record =
        json_pack("{s:s,s:s,s:i,s:o,s:b,s:o}", "sequence", name, "reason", order->reason, "user",
                  (int)getuid(), "began", view_utc(clock_utc_ns()), "complete", 0, "steps", list);
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "step", steps[i].name, "state",
                                              "not reached", "said", ""));
    if (!record_write(&day, err)) { // before anything is touched
        json_decref(day.record);
        return NULL;
    }
    for (uint32_t i = 0; i < count && ok; i++) {
        day.step = json_array_get(list, i);
        ok = step_go(&day, &steps[i], err);
    }
    json_object_set_new(day.record, "ended", view_utc(clock_utc_ns()));
    json_object_set_new(day.record, "complete", json_boolean(ok));
    if (!record_write(&day, ok ? err : &unwritten))
        json_object_set_new(day.record, "complete", json_false());
    return day.record;
}

// --- what both ends of the day look at ---

// The first session that is not ready; null: all are.
static const json_t *session_lacking(const json_t *sessions)
{
    const json_t *row;
    size_t i;
    json_array_foreach(sessions, i, row)
    {
        if (strcmp(day_text(row, "state"), "ready") != 0 ||
            json_is_true(json_object_get(row, "halted")))
            return row;
    }
    return NULL;
}

bool day_sessions(struct day *day, struct error *err)
{
    do {
        *err = (struct error){0}; // what was wrong the last time
        json_t *answer = day_ask(day, "sessions", json_object(), err);
        const json_t *rows = json_object_get(answer, "sessions");
        const json_t *lacking = session_lacking(rows);
        const bool ready = lacking == NULL;
        if (answer == NULL)
            return false;
        if (ready)
            day_say(day, "%zu order sessions are ready", json_array_size(rows));
        else
            error_set(err, EXIT_STATE,
                      "order session %s is %s; see `tickgate show sessions`, and begin again once "
                      "it is ready",
                      day_text(lacking, "session"),
                      json_is_true(json_object_get(lacking, "halted"))
                          ? "stopped by its own checks (`tickgate resume session`)"
                          : day_text(lacking, "state"));
        json_decref(answer);
        if (ready)
            return true;
    } while (day_again(day));
    return false;
}
