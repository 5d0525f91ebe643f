// Methods that show whole tables: counters, histograms.
#include <stdio.h>
#include <string.h>

#include "controlplane/control/view.h"

static const char *const scope_names[SCOPES] = {
    [SCOPE_LANE] = "lane",       [SCOPE_CHANNEL] = "channel", [SCOPE_LINE] = "line",
    [SCOPE_PORT] = "port",       [SCOPE_POOL] = "pool",       [SCOPE_MAIN] = "main",
    [SCOPE_DESK] = "desk",       [SCOPE_SESSION] = "session", [SCOPE_STRATEGY] = "strategy",
    [SCOPE_ACCOUNT] = "account",
};

// Calls <each> for every instance of a scope: its name, its channel's name for lines (else null),
// its counters and its histograms (null where the scope has none).
struct instance {
    const char *name;
    const char *channel;
    const void *counters;
    const void *histograms;
};

static const char *line_name(const struct snapshot *s, uint32_t channel, uint32_t line)
{
    return line == CHANNEL_LINES - 1 ? "recovery" : s->lines[channel][line].name;
}

// What trades, by the board.
static bool trade_instance_at(const struct control *control, enum counter_scope scope, uint32_t i,
                              struct instance *out)
{
    const struct board *b = control->board;
    const uint32_t counts[SCOPES] = {
        [SCOPE_DESK] = board_trades(b) ? b->shape.lanes : 0,
        [SCOPE_SESSION] = b->shape.order_sessions,
        [SCOPE_STRATEGY] = b->shape.strategies,
        [SCOPE_ACCOUNT] = b->shape.accounts,
    };
    if (i >= counts[scope])
        return false;
    switch (scope) {
    case SCOPE_DESK:
        out->name = board_lane_trades(b, i) ? control->snapshot.lanes[i].name : "";
        out->counters = &b->desk_counters[i];
        break;
    case SCOPE_SESSION:
        out->name = b->sessions[i].name;
        out->counters = &b->session_counters[i];
        break;
    case SCOPE_STRATEGY:
        out->name = b->strategies[i].name;
        out->counters = &b->strategy_counters[i];
        break;
    default:
        out->name = b->accounts[i].name;
        out->counters = &b->account_counters[i];
        break;
    }
    return true;
}

// Instance <i> of the scope; false behind the last. Lines that a channel does not have are left out
// by an empty name.
static bool instance_at(const struct control *control, enum counter_scope scope, uint32_t i,
                        struct instance *out)
{
    const struct snapshot *s = &control->snapshot;
    uint32_t channel = i / CHANNEL_LINES, line = i % CHANNEL_LINES;
    memset(out, 0, sizeof *out);
    switch (scope) {
    case SCOPE_LANE:
        if (i >= s->shape.lanes)
            return false;
        *out =
            (struct instance){s->lanes[i].name, NULL, &s->lane_counters[i], &s->lane_histograms[i]};
        return true;
    case SCOPE_CHANNEL:
        if (i >= s->shape.channels)
            return false;
        *out = (struct instance){s->channels[i].name, NULL, &s->channel_counters[i],
                                 &s->channel_histograms[i]};
        return true;
    case SCOPE_LINE:
        if (channel >= s->shape.channels)
            return false;
        *out =
            (struct instance){line_name(s, channel, line), s->channels[channel].name,
                              &s->line_counters[channel][line], &s->line_histograms[channel][line]};
        return true;
    case SCOPE_PORT:
        *out = (struct instance){s->ports[i % PORTS_MAX].name, NULL,
                                 &s->port_counters[i % PORTS_MAX], NULL};
        return i < s->shape.ports;
    case SCOPE_POOL:
        *out = (struct instance){s->pools[i % POOLS_MAX].name, NULL,
                                 &s->pool_counters[i % POOLS_MAX], NULL};
        return i < s->shape.pools;
    case SCOPE_MAIN: *out = (struct instance){"main", NULL, &s->main_counters, NULL}; return i < 1;
    default: return trade_instance_at(control, scope, i, out);
    }
}

static json_t *instance_view(const struct instance *instance)
{
    json_t *view = json_object();
    json_object_set_new(view, "name", json_string(instance->name));
    if (instance->channel)
        json_object_set_new(view, "channel", json_string(instance->channel));
    return view;
}

static json_t *counters_view(enum counter_scope scope, const void *counters)
{
    json_t *view = json_object();
    for (uint32_t i = 0; i < counter_count; i++) {
        uint64_t value;
        if (counter_table[i].scope != scope)
            continue;
        memcpy(&value, (const char *)counters + counter_table[i].offset, sizeof value);
        json_object_set_new(view, counter_table[i].name, view_count(value));
    }
    return view;
}

void method_counters(struct control *control, struct job *job)
{
    const char *only = job_string(job, "scope");
    struct instance instance;
    bool known = only == NULL;
    if (!job_snapshot(control, job))
        return;
    if (!board_take(control->board, &control->contact)) {
        job_fail(job, RPC_ERROR_NOT_CONNECTED, "%s", control->contact.why);
        return;
    }
    json_t *result = json_object();
    for (int scope = 0; scope < SCOPES; scope++) {
        if (only && strcmp(only, scope_names[scope]) != 0)
            continue;
        known = true;
        json_t *list = json_array();
        for (uint32_t i = 0; instance_at(control, scope, i, &instance); i++) {
            if (instance.name[0] == 0)
                continue;
            json_t *view = instance_view(&instance);
            json_object_set_new(view, "counters", counters_view(scope, instance.counters));
            json_array_append_new(list, view);
        }
        json_object_set_new(result, scope_names[scope], list);
    }
    if (known)
        job->result = result;
    else {
        json_decref(result);
        job_fail(job, RPC_ERROR_PARAMS,
                 "counters: no scope '%.16s'; there are lane, channel, line, port, pool, main, "
                 "desk, session, strategy and account",
                 only);
    }
}

// --- histograms ---

static json_t *buckets_view(const struct histogram *histogram)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        json_array_append_new(list, view_count(histogram->bucket[i]));
    return list;
}

void method_histograms(struct control *control, struct job *job)
{
    struct instance instance;
    if (!job_snapshot(control, job))
        return;
    json_t *list = json_array(), *edges = json_array();
    for (uint32_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++)
        json_array_append_new(edges, view_count(histogram_edges_ns[i]));
    for (uint32_t h = 0; h < histogram_count; h++) {
        const struct histogram_info *info = &histogram_table[h];
        for (uint32_t i = 0; instance_at(control, info->scope, i, &instance); i++) {
            const char *base = instance.histograms;
            const struct histogram *histogram = (const void *)(base + info->offset);
            if (instance.name[0] == 0)
                continue;
            json_t *view = instance_view(&instance);
            json_object_set_new(view, "histogram", json_string(info->name));
            json_object_set_new(view, "scope", json_string(scope_names[info->scope]));
            json_object_set_new(view, "summary", view_latency(&control->contact, histogram));
            json_object_set_new(view, "buckets", buckets_view(histogram));
            json_array_append_new(list, view);
        }
    }
    job->result = json_pack("{s:o,s:o}", "edges_ns", edges, "histograms", list);
}
