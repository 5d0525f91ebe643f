// `tickgate limits history`: what was asked for, what came into force and what ended, from a
// journal.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/cli/command.h"
#include "controlplane/cli/journal_events.h"
#include "controlplane/cli/table.h"
#include "controlplane/control/view.h"

// What the three events have in common.
struct row {
    const char *what;
    uint64_t now, until_ns;
    uint32_t index, user, second, scope;
    unsigned control, owner;
    const char *reason;
};

static bool row_of(const struct event *e, struct row *r)
{
    static const char *const states[] = {"raised", "raise over", "raise taken back"};
    switch (e->type) {
    case EVENT_LIMIT_ASKED:
        *r = (struct row){"asked for",          e->limit_asked.now,     e->limit_asked.until_ns,
                          e->limit_asked.index, e->limit_asked.user,    e->limit_asked.second,
                          e->limit_asked.scope, e->limit_asked.control, e->limit_asked.owner,
                          e->limit_asked.reason};
        return true;
    case EVENT_LIMIT_CHANGED:
        *r = (struct row){"in force",
                          e->limit_changed.now,
                          0,
                          e->limit_changed.index,
                          e->limit_changed.user,
                          LIMIT_NOBODY,
                          e->limit_changed.scope,
                          e->limit_changed.control,
                          e->limit_changed.owner,
                          e->limit_changed.reason};
        return true;
    case EVENT_LIMIT_RAISE:
        *r = (struct row){
            e->limit_raise.state < sizeof states / sizeof states[0] ? states[e->limit_raise.state]
                                                                    : "?",
            e->limit_raise.state == LIMIT_RAISE_OVER ? e->limit_raise.back : e->limit_raise.now,
            e->limit_raise.until_ns,
            e->limit_raise.index,
            e->limit_raise.user,
            e->limit_raise.second,
            e->limit_raise.scope,
            e->limit_raise.control,
            e->limit_raise.owner,
            NULL};
        return true;
    default: return false;
    }
}

static json_t *user_view(uint32_t user)
{
    return user == LIMIT_NOBODY ? json_null() : json_integer(user);
}

// Sessions and strategies belong to one lane, whichever it is.
static const char *name_anywhere(const struct journal_events *f, enum journal_name_kind kind,
                                 uint32_t index)
{
    const char *name = "";
    for (uint32_t lane = 0; lane < LANES_MAX && *name == 0; lane++)
        name = journal_events_name(f, kind, lane, index);
    return name;
}

static const char *name_of(const struct journal_events *f, const struct row *r)
{
    static const enum journal_name_kind kinds[TRADE_SCOPES] = {
        [TRADE_ACCOUNT] = JOURNAL_NAME_ACCOUNT,
        [TRADE_STRATEGY] = JOURNAL_NAME_STRATEGY,
        [TRADE_SYMBOL] = JOURNAL_NAME_INSTRUMENT,
        [TRADE_SESSION] = JOURNAL_NAME_SESSION};
    if (r->scope == TRADE_FIRM || r->scope >= TRADE_SCOPES)
        return "";
    return name_anywhere(f, kinds[r->scope], r->index);
}

static const char *session_name(const void *events, uint32_t session)
{
    return name_anywhere(events, JOURNAL_NAME_SESSION, session);
}

static json_t *value_view(const struct journal_events *f, unsigned control, uint64_t value)
{
    if (control == LIMIT_LIMITS_venues)
        return view_venues(value, session_name, f);
    if (value == LIMIT_NOTHING)
        return json_string("none");
    return control < LIMIT_CONTROLS ? view_limit(control, value) : json_integer((json_int_t)value);
}

static json_t *row_view(const struct journal_events *f, const struct row *r)
{
    const char *name = name_of(f, r);
    char reason[REASON_LEN + 1] = "";
    json_t *view = json_object();
    if (r->reason) {
        memcpy(reason, r->reason, REASON_LEN);
        text_clean(reason, sizeof reason);
    }
    json_object_set_new(view, "time", view_utc(f->event.utc_ns));
    json_object_set_new(view, "what", json_string(r->what));
    json_object_set_new(view, "scope", json_string(scope_name(r->scope)));
    json_object_set_new(view, "name", *name ? json_string(name) : json_null());
    json_object_set_new(view, "control", json_string(limit_control_name(r->control)));
    json_object_set_new(view, "owner", json_string(limit_owner_name(r->owner)));
    json_object_set_new(view, "value", value_view(f, r->control, r->now));
    json_object_set_new(view, "until", view_utc(r->until_ns));
    json_object_set_new(view, "user", user_view(r->user));
    json_object_set_new(view, "approved_by", user_view(r->second));
    json_object_set_new(view, "reason", r->reason ? json_string(reason) : json_null());
    return view;
}

// Every lane says that a limit is in force there: once is enough.
static bool said_before(const json_t *rows, const json_t *view)
{
    static const char *const keys[] = {"what",  "scope", "name",  "control",
                                       "owner", "value", "reason"};
    const json_t *last = json_array_get(rows, json_array_size(rows) - 1);
    if (strcmp(json_string_value(json_object_get(view, "what")), "in force") != 0)
        return false;
    for (size_t i = 0; last && i < sizeof keys / sizeof keys[0]; i++)
        if (!json_equal(json_object_get(last, keys[i]), json_object_get(view, keys[i])))
            return false;
    return last != NULL;
}

void run_limits_history(const struct invocation *invocation, struct error *err)
{
    static struct journal_events f;
    static const struct column columns[] = {
        {"time", "time", COLUMN_TEXT},       {"what", "what", COLUMN_TEXT},
        {"scope", "scope", COLUMN_TEXT},     {"name", "name", COLUMN_TEXT},
        {"control", "control", COLUMN_TEXT}, {"owner", "owner", COLUMN_TEXT},
        {"value", "value", COLUMN_PRICE},    {"until", "until", COLUMN_TEXT},
        {"user", "user", COLUMN_COUNT},      {"approved by", "approved_by", COLUMN_COUNT},
        {"reason", "reason", COLUMN_TEXT},   {0}};
    const char *region = getenv("TICKGATE_REGION");
    const char *given = json_string_value(json_object_get(invocation->options, "DIR"));
    char directory[512];
    json_t *rows = json_array();
    const struct logged_event *e;
    struct row row;
    snprintf(directory, sizeof directory, "/var/lib/tickgate/%s",
             region && *region ? region : "tickgate");
    if (journal_events_open(&f, given ? given : directory, err)) {
        while (!invocation_stopped() && (e = journal_events_next(&f, err)) != NULL) {
            if (!row_of(&e->event, &row))
                continue;
            json_t *view = row_view(&f, &row);
            if (said_before(rows, view))
                json_decref(view);
            else
                json_array_append_new(rows, view);
        }
        if (invocation->json) {
            json_t *result = json_pack("{s:O}", "history", rows);
            json_dumpf(result, stdout, JSON_INDENT(2));
            fputc('\n', stdout);
            json_decref(result);
        } else {
            table_print(stdout, columns, rows);
        }
    }
    journal_events_close(&f);
    json_decref(rows);
}
