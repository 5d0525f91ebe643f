// Methods that show whole tables: counters, histograms.
#include <stdio.h>
#include <string.h>

#include "controlplane/control/view.h"
#include "controlplane/metrics/instance.h"

static json_t *instance_view(const struct instance *instance)
{
    json_t *view = json_object();
    json_object_set_new(view, "name", json_string(instance->name));
    if (instance->channel)
        json_object_set_new(view, "channel", json_string(instance->channel));
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
        if (only && strcmp(only, counter_scope_name(scope)) != 0)
            continue;
        known = true;
        json_t *list = json_array();
        for (uint32_t i = 0; instance_at(&control->snapshot, control->board, scope, i, &instance);
             i++) {
            if (instance.name[0] == 0)
                continue;
            json_t *view = instance_view(&instance);
            json_object_set_new(view, "counters", view_counters(scope, instance.counters));
            json_array_append_new(list, view);
        }
        json_object_set_new(result, counter_scope_name(scope), list);
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
        for (uint32_t i = 0;
             instance_at(&control->snapshot, control->board, info->scope, i, &instance); i++) {
            const struct histogram *histogram = histogram_of(&instance, info);
            if (instance.name[0] == 0)
                continue;
            json_t *view = instance_view(&instance);
            json_object_set_new(view, "histogram", json_string(info->name));
            json_object_set_new(view, "scope", json_string(counter_scope_name(info->scope)));
            json_object_set_new(view, "summary", view_latency(&control->contact, histogram));
            json_object_set_new(view, "buckets", buckets_view(histogram));
            json_array_append_new(list, view);
        }
    }
    job->result = json_pack("{s:o,s:o}", "edges_ns", edges, "histograms", list);
}
