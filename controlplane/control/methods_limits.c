// Limits: what is set, by whom, what of it is used; and how a person sets another one. The main
// lcore answers for all lanes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/control/view.h"
#include "dataplane/base/clock.h"

enum { DAY_S = 24 * 3600 };
#define NS_PER_S UINT64_C(1000000000)

static void set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
}

// --- what is meant ---

// <all>: a scope without a name is all of it.
static bool scope_take(struct control *control, struct job *job, const char *text, bool all,
                       bool *whole)
{
    *whole = false;
    for (unsigned i = TRADE_ACCOUNT; all && i < TRADE_SCOPES; i++)
        if (strcmp(text, scope_name(i)) == 0) {
            job->target = (struct board_target){.scope = (enum trade_scope)i};
            *whole = true;
            return true;
        }
    switch (board_find(control->board, text, NULL, &job->target)) {
    case BOARD_FOUND: return true;
    case BOARD_UNKNOWN:
        job_fail(job, RPC_ERROR_UNKNOWN, "no %s '%s'; nothing was changed",
                 scope_name(job->target.scope), job->target.name);
        return false;
    default:
        job_fail(job, RPC_ERROR_PARAMS, "'%.40s' is no scope of limits; there are " BOARD_SCOPES,
                 text);
        return false;
    }
}

// Scopes have the same index on every lane that they concern.
static uint32_t target_index(const struct board_target *target)
{
    return target->lanes ? target->index[__builtin_ctzll(target->lanes)] : 0;
}

static const char *name_of(const struct board *b, uint32_t scope, uint32_t index)
{
    switch (scope) {
    case TRADE_ACCOUNT: return index < b->shape.accounts ? b->accounts[index].name : "";
    case TRADE_SYMBOL: return index < b->shape.instruments ? b->instruments[index].symbol : "";
    case TRADE_SESSION: return index < b->shape.order_sessions ? b->sessions[index].name : "";
    case TRADE_STRATEGY:
        for (uint32_t i = 0; i < b->shape.strategies; i++)
            if (b->strategies[i].index == index)
                return b->strategies[i].name;
        return "";
    default: return "";
    }
}

// --- sessions by name ---

// "nas,two", or "all", as the dataplane takes it: by number, each once. False: the job has failed.
static bool venues_take(const struct control *control, struct job *job, const char *names,
                        char value[LIMIT_VALUE_LEN])
{
    const struct board *b = control->board;
    const uint32_t count =
        b->shape.order_sessions < SESSIONS_MAX ? b->shape.order_sessions : SESSIONS_MAX;
    uint64_t bits = 0;
    for (const char *at = names; strcmp(names, "all") != 0 && at;
         at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        const size_t len = strcspn(at, ",");
        uint32_t i = 0;
        while (i < count &&
               (strlen(b->sessions[i].name) != len || memcmp(b->sessions[i].name, at, len) != 0))
            i++;
        if (i == count) {
            job_fail(job, RPC_ERROR_UNKNOWN,
                     "venues: no session '%.*s'; name sessions separated by commas, or all",
                     len < NAME_LEN ? (int)len : NAME_LEN, at);
            return false;
        }
        bits |= UINT64_C(1) << i;
    }
    config_limit_text(LIMIT_LIMITS_venues, bits, value);
    return true;
}

// Only lists of sessions may be longer than what the dataplane takes.
static bool value_take(const struct control *control, struct job *job, struct limit_change *change)
{
    const char *value = job_string(job, "value");
    if (limit_control_find(change->scope, change->control) == LIMIT_LIMITS_venues)
        return venues_take(control, job, value, change->value);
    if (strlen(value) >= LIMIT_VALUE_LEN)
        job_fail(job, RPC_ERROR_PARAMS, "%s: value: at most %d characters", job->method->name,
                 LIMIT_VALUE_LEN - 1);
    else
        snprintf(change->value, sizeof change->value, "%s", value);
    return job->error == 0;
}

static const char *session_name(const void *board, uint32_t session)
{
    return name_of(board, TRADE_SESSION, session);
}

static json_t *limit_view(const struct board *b, unsigned control, uint64_t value)
{
    return control == LIMIT_LIMITS_venues ? view_venues(value, session_name, b)
                                          : view_limit(control, value);
}

// --- set ---

// "90s", "30m", "2h"; 0: not a time.
static uint64_t duration_ns(const char *text)
{
    static const struct {
        char letter;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
    uint64_t number = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < 6; digits++)
        number = number * 10 + (uint64_t)(text[digits] - '0');
    for (size_t i = 0; digits && i < sizeof units / sizeof units[0]; i++)
        if (text[digits] == units[i].letter && text[digits + 1] == 0)
            return number * units[i].seconds * NS_PER_S;
    return 0;
}

bool job_duration(struct job *job, const char *name, uint64_t max_ns, const char *bound,
                  uint64_t *ns)
{
    const char *text = job_string(job, name);
    *ns = text ? duration_ns(text) : 0;
    if (text && *ns == 0)
        job_fail(job, RPC_ERROR_PARAMS, "%s: %s: '%s' is no time like 90s, 30m or 2h",
                 job->method->name, name, text);
    else if (*ns > max_ns)
        job_fail(job, RPC_ERROR_PARAMS, "%s: %s: at most %llu s (%s)", job->method->name, name,
                 (unsigned long long)(max_ns / NS_PER_S), bound);
    return job->error == 0;
}

// How long the raise lasts, 0: no end was said. False: it is not good.
static bool duration_take(const struct control *control, struct job *job, uint64_t *ns)
{
    const uint64_t max =
        control->policy.raise_max_ns ? control->policy.raise_max_ns : DAY_S * NS_PER_S;
    return job_duration(job, "for", max, "control.raise_max_ms", ns);
}

// Its end is counted from the moment that it is asked of the dataplane.
static void set_post(struct control *control, struct job *job, bool dry)
{
    struct limit_set_request *request = &job->call.request.limit_set;
    uint64_t ns = 0;
    if (!duration_take(control, job, &ns))
        return;
    request->changes[0].until_ns = ns ? clock_utc_ns() + ns : 0;
    request->flags = dry ? LIMIT_SET_DRY : 0;
    job_call(control, job, COMMAND_LIMIT_SET, LANE_MAIN);
}

// Whose limit is meant; the broker's is for whom control.broker names. False: the job has failed.
static bool owner_take(struct job *job, uint32_t *owner)
{
    const char *name = job_string(job, "owner");
    *owner = name ? limit_owner_find(name) : LIMIT_OF_FIRM;
    if (*owner == LIMIT_OWNERS)
        job_fail(job, RPC_ERROR_PARAMS, "%s: owner: '%s' is neither firm nor broker",
                 job->method->name, name);
    else if (*owner == LIMIT_OF_BROKER && !job->broker)
        job_fail(job, RPC_ERROR_FORBIDDEN,
                 "%s: the broker's limits are set by users that control.broker names; user %u is "
                 "none of them",
                 job->method->name, job->user);
    return job->error == 0;
}

void method_limit_set(struct control *control, struct job *job)
{
    struct limit_set_request *request = &job->call.request.limit_set;
    struct limit_change *change = &request->changes[0];
    const char *reason = job_string(job, "reason");
    bool whole;
    memset(request, 0, sizeof *request);
    if (!owner_take(job, &change->owner) || !job_board(control, job) ||
        !scope_take(control, job, job_string(job, "scope"), false, &whole))
        return;
    request->user = job_asker(job);
    request->second = job_second(job);
    request->count = 1;
    snprintf(request->reason, sizeof request->reason, "%s", reason);
    text_clean(request->reason, sizeof request->reason);
    change->scope = job->target.scope;
    change->index = target_index(&job->target);
    snprintf(change->control, sizeof change->control, "%s", job_string(job, "control"));
    if (!value_take(control, job, change))
        return;
    job->tolerant = true;
    set_post(control, job, control->policy.second_person && !job->approved);
}

static json_t *lanes_view(const struct control *control, const struct limit_set_answer *answer)
{
    json_t *lanes = json_array();
    for (uint32_t i = 0; i < control->board->shape.lanes; i++) {
        if (!(answer->lanes >> i & 1))
            continue;
        json_t *row = json_object();
        set(row, "lane", json_string(control->snapshot.lanes[i].name));
        set(row, "in_force_from_event",
            answer->sequence[i] ? view_count(answer->sequence[i]) : json_null());
        set(row, "limits_version", view_count(answer->version[i]));
        json_array_append_new(lanes, row);
    }
    return lanes;
}

void method_limit_set_answered(struct control *control, struct job *job)
{
    const struct limit_change *change = &job->call.request.limit_set.changes[0];
    struct limit_set_answer *answer = &job->call.answer.limit_set;
    const enum limit_control which = limit_control_find(job->target.scope, change->control);
    const bool named = *job->target.name != 0;
    const bool dry = job->call.request.limit_set.flags & LIMIT_SET_DRY;
    const char *lasts = job_string(job, "for");
    text_clean(answer->why, sizeof answer->why);
    if (job->call.result == COMMAND_RESULT_NOTHING) {
        job_fail(job, RPC_ERROR_STATE, "%s is %s already", change->control,
                 job_string(job, "value"));
    } else if (job->call.result == COMMAND_RESULT_LIMIT_REFUSED) {
        job_fail(job, RPC_ERROR_REFUSED, "%s%s%s: %s; nothing was changed",
                 job->target.scope == TRADE_FIRM ? "firm" : scope_name(job->target.scope),
                 named ? " " : "", job->target.name, answer->why);
    } else if (dry && answer->widens) {
        job_await_approval(control, job, 0, "%s%s%s: %s%s %s%s%s", scope_name(job->target.scope),
                           named ? " " : "", job->target.name,
                           change->owner == LIMIT_OF_BROKER ? "the broker's " : "", change->control,
                           job_string(job, "value"), lasts ? " for " : "", lasts ? lasts : "");
    } else if (dry) {
        set_post(control, job, false);
    } else if (job_board(control, job)) {
        job->result = json_object();
        set(job->result, "scope", json_string(scope_name(job->target.scope)));
        set(job->result, "name", named ? json_string(job->target.name) : json_null());
        set(job->result, "control", json_string(change->control));
        set(job->result, "owner", json_string(limit_owner_name(change->owner)));
        set(job->result, "binds", json_string(limit_owner_name(answer->changes[0].binds)));
        set(job->result, "bound", limit_view(control->board, which, answer->changes[0].bound));
        set(job->result, "was", limit_view(control->board, which, answer->changes[0].was));
        set(job->result, "now", limit_view(control->board, which, answer->changes[0].now));
        set(job->result, "reason", json_string(job->call.request.limit_set.reason));
        set(job->result, "until", view_utc(answer->changes[0].until_ns));
        set(job->result, "back",
            answer->changes[0].until_ns ? limit_view(control->board, which, answer->changes[0].back)
                                        : json_null());
        set(job->result, "approved_by", job->approved ? view_count(job->user) : json_null());
        set(job->result, "lanes", lanes_view(control, answer));
    }
}

// --- list ---

void method_limits(struct control *control, struct job *job)
{
    struct limits_list_request *request = &job->call.request.limits_list;
    const char *scope = job_string(job, "scope");
    bool whole = true;
    *request = (struct limits_list_request){.scope = TRADE_SCOPES, .index = UINT32_MAX};
    if (!job_board(control, job) || (scope && !scope_take(control, job, scope, true, &whole)))
        return;
    if (scope)
        request->scope = job->target.scope;
    if (!whole)
        request->index = target_index(&job->target);
    job->result = json_pack("{s:[]}", "limits");
    job_call(control, job, COMMAND_LIMITS_LIST, LANE_MAIN);
}

static uint64_t above_zero(int64_t value)
{
    return value > 0 ? (uint64_t)value : 0;
}

// An account's position is limited in each symbol: the one that is nearest to it.
static uint64_t worst_position(const struct board *b, uint32_t account)
{
    uint64_t worst = 0;
    for (uint32_t i = 0; i < b->position_count; i++) {
        const struct position_cell *c = &b->positions[i].sum;
        if (b->positions[i].account != account || b->positions[i].torn)
            continue;
        const uint64_t shares = (uint64_t)position_cell_shares(c);
        const uint64_t longer = above_zero((int64_t)(c->open_buy + shares));
        const uint64_t shorter = above_zero((int64_t)(c->open_sell - shares));
        worst = longer > worst ? longer : worst;
        worst = shorter > worst ? shorter : worst;
    }
    return worst;
}

// Thousandths of the limit that are used, in the limit's own unit; more than all: it was lowered.
static json_t *used_permille(uint64_t use, uint64_t limit)
{
    if (limit == LIMIT_NOTHING)
        return json_null();
    const double share = limit ? (double)use / (double)limit * 1000 : use ? 1000 : 0;
    return json_integer((json_int_t)(share < 1e9 ? share : 1e9));
}

static json_t *entry_view(const struct board *b, const struct limit_entry *e)
{
    const unsigned binds = e->binds < LIMIT_OWNERS ? e->binds : LIMIT_OF_FIRM;
    const uint64_t limit = e->limit[binds];
    const bool own_look = e->scope == TRADE_ACCOUNT && e->control == LIMIT_LIMITS_position;
    const bool used = own_look || e->flags & LIMIT_ENTRY_USE;
    const uint64_t use = own_look ? worst_position(b, e->index) : e->use;
    const uint64_t room = !own_look ? e->room : limit > use ? limit - use : 0;
    const char *name = name_of(b, e->scope, e->index);
    json_t *row = json_object();
    set(row, "scope", json_string(scope_name(e->scope)));
    set(row, "name", *name ? json_string(name) : json_null());
    set(row, "control", json_string(limit_control_name(e->control)));
    set(row, "limit", limit_view(b, e->control, limit));
    set(row, "binds", json_string(limit_owner_name(binds)));
    set(row, "firm", limit_view(b, e->control, e->limit[LIMIT_OF_FIRM]));
    set(row, "broker", view_limit(e->control, e->limit[LIMIT_OF_BROKER]));
    set(row, "use", used ? view_limit(e->control, use) : json_null());
    set(row, "headroom", used ? view_limit(e->control, room) : json_null());
    set(row, "used_permille", used ? used_permille(use, limit) : json_null());
    set(row, "parts", json_boolean(e->flags & LIMIT_ENTRY_PART));
    set(row, "warn_at", view_limit(e->control, e->warn_at));
    set(row, "warned", json_boolean(e->flags & LIMIT_ENTRY_WARNED));
    set(row, "broken", json_boolean(e->flags & LIMIT_ENTRY_BROKEN));
    set(row, "until", view_utc(e->until_ns));
    set(row, "back", e->until_ns ? limit_view(b, e->control, e->back) : json_null());
    return row;
}

void method_limits_answered(struct control *control, struct job *job)
{
    const struct limits_list_answer *answer = &job->call.answer.limits_list;
    json_t *list = json_object_get(job->result, "limits");
    if (!job_board(control, job))
        return;
    if (!board_take_positions(control->board, &control->contact)) {
        job_fail(job, RPC_ERROR_INTERNAL, "no memory for a copy of the positions");
        return;
    }
    for (uint32_t i = 0; i < answer->count && i < LIMIT_ENTRIES_MAX; i++)
        if (limit_control_has(answer->entries[i].scope, answer->entries[i].control))
            json_array_append_new(list, entry_view(control->board, &answer->entries[i]));
    // The cursor only grows: a dataplane that says nonsense ends the list.
    if (answer->next <= job->call.request.limits_list.cursor)
        return;
    job->call.request.limits_list.cursor = answer->next;
    job_call(control, job, COMMAND_LIMITS_LIST, LANE_MAIN);
}
