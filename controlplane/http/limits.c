// Limits for the page. Only the main lcore can say what is used of them, so they are asked for
// while somebody looks, and the page shows the answer before.
#include <stdlib.h>
#include <unistd.h>

#include "controlplane/control/rpc.h"
#include "controlplane/http/parts.h"

enum { NS_PER_MS = 1000000, LIMITS_SHOWN = 12 };

static json_int_t used_of(const json_t *limit)
{
    const json_t *used = json_object_get(limit, "used_permille");
    if (json_is_true(json_object_get(limit, "broken")))
        return INT64_MAX; // a limit that stopped something stands before all others
    return json_is_integer(used) ? json_integer_value(used) : -1;
}

static int more_used(const void *left, const void *right)
{
    const json_int_t a = used_of(*(json_t *const *)left), b = used_of(*(json_t *const *)right);
    return (a < b) - (a > b);
}

// The limits of which most is used; null: no answer, or no memory.
static json_t *nearest(const json_t *limits)
{
    const size_t count = json_array_size(limits);
    json_t **rows = json_is_array(limits) ? calloc(count + 1, sizeof(json_t *)) : NULL, *limit;
    size_t i;
    if (rows == NULL)
        return NULL;
    json_array_foreach(limits, i, limit) rows[i] = limit;
    qsort(rows, count, sizeof(json_t *), more_used);
    json_t *list = json_array();
    for (i = 0; i < count && i < LIMITS_SHOWN && used_of(rows[i]) >= 0; i++)
        json_array_append(list, rows[i]);
    free(rows);
    return list;
}

static void answered(struct http *http, const char *reply)
{
    json_t *answer = reply ? json_loads(reply, 0, NULL) : NULL;
    json_decref(http->limits);
    http->limits = nearest(json_object_get(json_object_get(answer, "result"), "limits"));
    json_decref(answer);
}

void limits_turn(struct http *http, uint64_t now_ns)
{
    static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"limits\"}";
    struct job *job = &http->limits_job;
    char *reply = NULL;
    if (job->pending) {
        rpc_resume(http->control, job, &reply);
    } else if (http->control->http.streams &&
               now_ns - http->limits_ns >= (uint64_t)HTTP_STATE_MS * NS_PER_MS) {
        http->limits_ns = now_ns;
        job->role = ROLE_VIEW;
        job->user = geteuid();
        rpc_handle(http->control, line, sizeof line - 1, job, &reply);
    } else {
        return;
    }
    if (!job->pending)
        answered(http, reply);
    free(reply);
}

void limits_end(struct http *http)
{
    if (http->limits_job.pending)
        call_drop(&http->limits_job.call, &http->control->contact);
    job_clear(&http->limits_job);
    json_decref(http->limits);
}
