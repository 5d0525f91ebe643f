// A configuration is compared, put into force, confirmed, taken back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/control/live_config.h"
#include "controlplane/control/view.h"
#include "dataplane/base/clock.h"
#include "dataplane/config/diff.h"

enum { DIFFERENCES_MAX = 512, SHOWN_MAX = 6, CONFIRM_MAX_S = 24 * 3600 };
#define NS_PER_S UINT64_C(1000000000)

static void set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
}

// Two configurations as text and as what the text says.
struct pair {
    char *was_text, *now_text;
    uint64_t was_len, now_len;
    struct config *was, *now;
    struct config_difference rows[DIFFERENCES_MAX];
    uint32_t count;
};

static void pair_free(struct pair *p)
{
    if (p == NULL)
        return;
    if (p->was_text && p->was)
        config_free(p->was);
    if (p->now_text && p->now)
        config_free(p->now);
    free(p->was);
    free(p->now);
    free(p->was_text);
    free(p->now_text);
    free(p);
}

enum source { FROM_FILE, FROM_NEXT, FROM_BEFORE };

static char *source_text(const struct live_config *live, enum source source, const char *file,
                         uint64_t *len, struct error *err)
{
    switch (source) {
    case FROM_FILE: return live_config_file_text(live, file, len, err);
    case FROM_NEXT: return live_config_next(live, len, err);
    default: return live_config_text(live, live->version - 1, len, err);
    }
}

// What <source> says instead of what is in force. Null, and the job has failed.
static struct pair *pair_make(const struct live_config *live, struct job *job, enum source source,
                              const char *file)
{
    struct error err = {0};
    struct pair *p = calloc(1, sizeof *p);
    bool good = p && (p->was = calloc(1, sizeof *p->was)) && (p->now = calloc(1, sizeof *p->now));
    if (!good)
        error_set(&err, EXIT_FAILED, "no memory for two configurations");
    good = good && (p->was_text = live_config_text(live, live->version, &p->was_len, &err)) &&
           config_load_text(p->was, "what is in force", p->was_text, p->was_len, &err);
    good = good && (p->now_text = source_text(live, source, file, &p->now_len, &err)) &&
           config_load_text(p->now, source == FROM_BEFORE ? "the version before" : file,
                            p->now_text, p->now_len, &err);
    if (good) {
        p->count =
            config_diff(p->was_text, p->was_len, p->now_text, p->now_len, p->rows, DIFFERENCES_MAX);
        return p;
    }
    job_fail(job, err.code == EXIT_USAGE ? RPC_ERROR_PARAMS : RPC_ERROR_REFUSED,
             "%.560s; nothing was changed", err.text);
    pair_free(p);
    return NULL;
}

// What is in force is known. False: the job has failed.
static bool live_known(const struct control *control, struct job *job)
{
    const struct live_config *live = control->live;
    if (live && live->epoch)
        return true;
    job_fail(job, RPC_ERROR_STATE, "it is not known which configuration is in force: %.300s",
             live ? live->why : "the control plane keeps none");
    return false;
}

static const char *file_of(const struct control *control, const struct job *job)
{
    const char *file = job_string(job, "file");
    return file ? file : control->live->file;
}

static json_t *rows_view(const struct pair *p)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < p->count && i < DIFFERENCES_MAX; i++) {
        const struct config_difference *d = &p->rows[i];
        json_t *row = json_object();
        set(row, "key", json_string(d->key));
        set(row, "was", d->was[0] ? json_string(d->was) : json_null());
        set(row, "now", d->now[0] ? json_string(d->now) : json_null());
        set(row, "takes", json_string(config_takes_text(d->takes)));
        json_array_append_new(rows, row);
    }
    return rows;
}

void method_config_diff(struct control *control, struct job *job)
{
    struct pair *p = NULL;
    // What is wrong in a file is shown by its words: not in any file to whoever looks.
    if (job_string(job, "file") && job->role < ROLE_RISK)
        job_fail(job, RPC_ERROR_FORBIDDEN,
                 "config_diff: user %u has the role %s, and another file takes risk", job->user,
                 role_name(job->role));
    else if (live_known(control, job))
        p = pair_make(control->live, job, FROM_FILE, file_of(control, job));
    if (p == NULL)
        return;
    job->result = json_object();
    set(job->result, "version", view_count(control->live->version));
    set(job->result, "file", json_string(file_of(control, job)));
    set(job->result, "differences", view_count(p->count));
    set(job->result, "confirm_until", view_utc(control->live->confirm_ns));
    set(job->result, "rows", rows_view(p));
    pair_free(p);
}

// --- limits ---

struct gather {
    struct control *control;
    struct limit_set_request *request;
    uint32_t more; // that found no room
};

static void scope_gather(struct gather *g, enum trade_scope scope, const char *name,
                         enum limit_section section, const void *was, const void *now)
{
    struct board_target target;
    if (board_find(g->control->board, scope == TRADE_FIRM ? "global" : scope_name(scope), name,
                   &target) != BOARD_FOUND)
        return; // a symbol that the day's file left out
    for (unsigned i = 1; i < LIMIT_CONTROLS; i++) {
        if (!limit_control_has(scope, i) || limit_control_table[i].section != section ||
            config_limit_get(i, was) == config_limit_get(i, now))
            continue;
        if (g->request->count == LIMIT_CHANGES_MAX) {
            g->more++;
            continue;
        }
        struct limit_change *c = &g->request->changes[g->request->count++];
        c->scope = scope;
        c->index = target.lanes ? target.index[__builtin_ctzll(target.lanes)] : 0;
        snprintf(c->control, sizeof c->control, "%s", limit_control_name(i));
        config_limit_text(i, config_limit_get(i, now), c->value);
    }
}

// Every limit that differs, of two configurations that differ in nothing that takes a restart.
static void limits_gather(struct gather *g, const struct config *was, const struct config *now)
{
    scope_gather(g, TRADE_FIRM, NULL, LIMIT_LIMITS, &was->trading.limits, &now->trading.limits);
    scope_gather(g, TRADE_FIRM, NULL, LIMIT_ACTIONS, &was->trading.actions, &now->trading.actions);
    for (uint32_t i = 0; i < now->account_count; i++)
        scope_gather(g, TRADE_ACCOUNT, now->accounts[i].name, LIMIT_LIMITS,
                     &was->accounts[i].limits, &now->accounts[i].limits);
    for (uint32_t i = 0; i < now->strategy_count; i++)
        scope_gather(g, TRADE_STRATEGY, now->strategies[i].name, LIMIT_LIMITS,
                     &was->strategies[i].limits, &now->strategies[i].limits);
    for (uint32_t i = 0; i < now->client_count; i++)
        scope_gather(g, TRADE_STRATEGY, now->clients[i].name, LIMIT_LIMITS, &was->clients[i].limits,
                     &now->clients[i].limits);
    for (uint32_t i = 0; i < now->session_count; i++) {
        scope_gather(g, TRADE_SESSION, now->sessions[i].name, LIMIT_LIMITS,
                     &was->sessions[i].limits, &now->sessions[i].limits);
        scope_gather(g, TRADE_SESSION, now->sessions[i].name, LIMIT_SESSION, &was->sessions[i],
                     &now->sessions[i]);
    }
    for (uint32_t i = 0; i < now->symbol_count; i++)
        for (uint32_t k = 0; k < now->symbols[i].names.count; k++) {
            char name[9];
            snprintf(name, sizeof name, "%.8s", now->symbols[i].names.names[k]);
            name[strcspn(name, " ")] = 0;
            scope_gather(g, TRADE_SYMBOL, name, LIMIT_LIMITS, &was->symbols[i].limits,
                         &now->symbols[i].limits);
            scope_gather(g, TRADE_SYMBOL, name, LIMIT_SYMBOL, &was->symbols[i], &now->symbols[i]);
        }
}

// --- into force ---

// Nothing but what can be done while everything runs. False: the job has failed.
static bool all_live(struct job *job, const struct pair *p)
{
    char keys[400] = "";
    size_t used = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->count && i < DIFFERENCES_MAX; i++) {
        if (p->rows[i].takes == CONFIG_TAKES_NOTHING)
            continue;
        if (count++ < SHOWN_MAX && used < sizeof keys)
            used += (size_t)snprintf(
                keys + used, sizeof keys - used, "%s%.70s (%s)", used ? ", " : "", p->rows[i].key,
                p->rows[i].takes == CONFIG_TAKES_DATAPLANE ? "dataplane" : "control plane");
    }
    if (count)
        job_fail(job, RPC_ERROR_STATE,
                 "%u keys take a restart: %s%s; put them back, or restart what they name with the "
                 "file; nothing was changed",
                 count, keys, count > SHOWN_MAX ? ", ..." : "");
    else if (p->count > DIFFERENCES_MAX)
        job_fail(job, RPC_ERROR_STATE, "%u keys differ: restart with the file", p->count);
    return job->error == 0;
}

static void policy_take(struct control *control, const struct config *config)
{
    control->policy.second_person = config->control.second_person;
    control->policy.raise_max_ns = config->control.raise_max_ms * UINT64_C(1000000);
}

static bool goes_back(const struct job *job)
{
    return strcmp(job->method->name, "config_rollback") == 0;
}

// It is in force: <config> is what it says.
static void done(struct control *control, struct job *job, const struct config *config)
{
    struct live_config *live = control->live;
    if (goes_back(job))
        live_config_back(live);
    else
        live_config_keep(live, job->mark);
    policy_take(control, config);
    set(job->result, "version", view_count(live->version));
    set(job->result, "confirm_until", view_utc(live->confirm_ns));
    set(job->result, "approved_by", job->approved ? view_count(job->user) : json_null());
    set(job->result, "reason", json_string(job_string(job, "reason")));
}

// Posts the limits, or is done where none differ.
static void limits_post(struct control *control, struct job *job, const struct pair *p, bool dry)
{
    struct limit_set_request *request = &job->call.request.limit_set;
    struct gather g = {.control = control, .request = request};
    memset(request, 0, sizeof *request);
    limits_gather(&g, p->was, p->now);
    if (g.more) {
        job_fail(job, RPC_ERROR_STATE,
                 "%u limits differ, and %d are set at once; apply them in several steps",
                 request->count + g.more, LIMIT_CHANGES_MAX);
        return;
    }
    request->user = job_asker(job);
    request->second = job_second(job);
    request->flags = dry ? LIMIT_SET_DRY | LIMIT_SET_BASE : LIMIT_SET_BASE;
    snprintf(request->reason, sizeof request->reason, "%s", job_string(job, "reason"));
    text_clean(request->reason, sizeof request->reason);
    set(job->result, "limits", view_count(request->count));
    job->tolerant = true;
    if (request->count)
        job_call(control, job, COMMAND_LIMIT_SET, LANE_MAIN);
    else
        done(control, job, p->now);
}

// What a change of the policy lets: a second person is not done away with by one.
static bool policy_widens(const struct pair *p)
{
    return (p->was->control.second_person && !p->now->control.second_person) ||
           p->now->control.raise_max_ms > p->was->control.raise_max_ms;
}

static void go(struct control *control, struct job *job, struct pair *p, uint64_t back_ns)
{
    struct live_config *live = control->live;
    struct error err = {0};
    const bool ask = control->policy.second_person && !job->approved && job != &live->job;
    if (job->approved && job->mark && job->mark != p->now->hash) {
        job_fail(job, RPC_ERROR_STATE, "the file has changed since it was asked for: ask again");
        return;
    }
    job->result = json_object();
    set(job->result, "rows", rows_view(p));
    if (ask && policy_widens(p)) {
        job_await_approval(control, job, p->now->hash, "a configuration with %u differences",
                           p->count);
        return;
    }
    job->mark = back_ns;
    if (!goes_back(job) && !ask &&
        !live_config_write(live, p->now_text, p->now_len, back_ns, &err)) {
        job_fail(job, RPC_ERROR_STATE, "%.500s; nothing was changed", err.text);
        return;
    }
    limits_post(control, job, p, ask);
    if (job->error && !goes_back(job))
        live_config_drop(live);
}

static void begin(struct control *control, struct job *job)
{
    struct live_config *live = control->live;
    uint64_t lasts = 0;
    struct pair *p;
    if (!goes_back(job) && job_string(job, "confirm_within") &&
        !job_duration(job, "confirm_within", CONFIRM_MAX_S * NS_PER_S, "a day", &lasts))
        return;
    if (!goes_back(job) && live->confirm_ns) {
        job_fail(job, RPC_ERROR_STATE,
                 "version %u waits to be confirmed: config confirm, or config rollback",
                 live->version);
        return;
    }
    if ((p = pair_make(live, job, goes_back(job) ? FROM_BEFORE : FROM_FILE,
                       file_of(control, job))) == NULL)
        return;
    if (p->count == 0 && !goes_back(job))
        job_fail(job, RPC_ERROR_STATE, "%.300s says what is in force already",
                 file_of(control, job));
    else if (all_live(job, p))
        go(control, job, p, lasts ? clock_utc_ns() + lasts : 0);
    pair_free(p);
}

void method_config_apply(struct control *control, struct job *job)
{
    if (live_known(control, job) && job_board(control, job))
        begin(control, job);
}

void method_config_rollback(struct control *control, struct job *job)
{
    if (!live_known(control, job) || !job_board(control, job))
        return;
    if (control->live->version == 0)
        job_fail(job, RPC_ERROR_STATE,
                 "in force is what the dataplane was started with: there is none before it");
    else
        begin(control, job);
}

void method_config_answered(struct control *control, struct job *job)
{
    struct live_config *live = control->live;
    struct limit_set_answer *answer = &job->call.answer.limit_set;
    const bool dry = job->call.request.limit_set.flags & LIMIT_SET_DRY;
    struct pair *p;
    text_clean(answer->why, sizeof answer->why);
    if (job->call.result == COMMAND_RESULT_LIMIT_REFUSED) {
        job_fail(job, RPC_ERROR_REFUSED, "%s; nothing was changed", answer->why);
        if (!dry && !goes_back(job))
            live_config_drop(live);
        return;
    }
    const enum source source = goes_back(job) ? FROM_BEFORE : dry ? FROM_FILE : FROM_NEXT;
    if ((p = pair_make(live, job, source, file_of(control, job))) == NULL)
        return;
    if (dry && answer->widens) {
        job_await_approval(control, job, p->now->hash, "a configuration with %u differences",
                           p->count);
    } else if (dry) { // nobody has to approve: once more, and for good
        struct error err = {0};
        if (!goes_back(job) && !live_config_write(live, p->now_text, p->now_len, job->mark, &err))
            job_fail(job, RPC_ERROR_STATE, "%.500s; nothing was changed", err.text);
        else
            limits_post(control, job, p, false);
    } else {
        done(control, job, p->now);
    }
    pair_free(p);
}

void method_config_confirm(struct control *control, struct job *job)
{
    struct live_config *live = control->live;
    if (!live_known(control, job))
        return;
    if (live->confirm_ns == 0) {
        job_fail(job, RPC_ERROR_STATE, "nothing waits to be confirmed");
        return;
    }
    live_config_confirmed(live);
    job->result = json_object();
    set(job->result, "version", view_count(live->version));
}
