#include "controlplane/control/approvals.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "controlplane/control/view.h"
#include "dataplane/base/clock.h"

static void row_free(struct approval *row)
{
    json_decref(row->params);
    memset(row, 0, sizeof *row);
}

void approvals_free(struct approvals *approvals)
{
    for (uint32_t i = 0; i < APPROVALS_MAX; i++)
        row_free(&approvals->rows[i]);
}

// What has waited too long, or for another dataplane, is gone.
static void look(struct control *control)
{
    const uint64_t now = clock_mono_ns();
    for (uint32_t i = 0; i < APPROVALS_MAX; i++) {
        struct approval *row = &control->approvals.rows[i];
        if (row->id && (now - row->asked_ns > APPROVAL_S * UINT64_C(1000000000) ||
                        row->attached != control->contact.attached))
            row_free(row);
    }
}

uint32_t job_asker(const struct job *job)
{
    return job->approved ? job->asker : job->user;
}

uint32_t job_second(const struct job *job)
{
    return job->approved ? job->user : LIMIT_NOBODY;
}

void job_await_approval(struct control *control, struct job *job, uint64_t mark, const char *fmt,
                        ...)
{
    struct approval *row = NULL;
    va_list args;
    look(control);
    for (uint32_t i = 0; i < APPROVALS_MAX && row == NULL; i++)
        if (control->approvals.rows[i].id == 0)
            row = &control->approvals.rows[i];
    if (row == NULL) {
        job_fail(job, RPC_ERROR_BUSY, "%d changes wait for an approval already", APPROVALS_MAX);
        return;
    }
    *row = (struct approval){.id = ++control->approvals.count,
                             .asked_ns = clock_mono_ns(),
                             .asked_utc_ns = clock_utc_ns(),
                             .attached = control->contact.attached,
                             .user = job->user,
                             .method = job->method,
                             .params = json_incref(job->params),
                             .mark = mark};
    va_start(args, fmt);
    vsnprintf(row->what, sizeof row->what, fmt, args);
    va_end(args);
    job_fail(job, RPC_ERROR_APPROVAL,
             "change %llu (%s) waits for another user of the role risk: tickgate approve %llu; "
             "nothing is changed before",
             (unsigned long long)row->id, row->what, (unsigned long long)row->id);
}

void method_approvals(struct control *control, struct job *job)
{
    json_t *list = json_array();
    look(control);
    for (uint32_t i = 0; i < APPROVALS_MAX; i++) {
        const struct approval *row = &control->approvals.rows[i];
        if (row->id == 0)
            continue;
        json_t *view = json_object();
        json_object_set_new(view, "id", view_count(row->id));
        json_object_set_new(view, "change", json_string(row->method->name));
        json_object_set_new(view, "what", json_string(row->what));
        json_object_set(view, "reason", json_object_get(row->params, "reason"));
        json_object_set_new(view, "user", view_count(row->user));
        json_object_set_new(view, "asked", view_utc(row->asked_utc_ns));
        json_array_append_new(list, view);
    }
    job->result = json_pack("{s:o}", "approvals", list);
}

void method_approve(struct control *control, struct job *job)
{
    const uint64_t id = (uint64_t)job_integer(job, "id", 0);
    struct approval *row = NULL;
    look(control);
    for (uint32_t i = 0; i < APPROVALS_MAX; i++)
        if (control->approvals.rows[i].id == id)
            row = &control->approvals.rows[i];
    if (row == NULL) {
        job_fail(job, RPC_ERROR_UNKNOWN,
                 "no change %llu waits for an approval; it may be an hour old, or of an earlier "
                 "control plane or dataplane: ask for it again",
                 (unsigned long long)id);
        return;
    }
    if (row->user == job->user) {
        job_fail(job, RPC_ERROR_FORBIDDEN,
                 "user %u has asked for change %llu: another user of the role risk approves it",
                 job->user, (unsigned long long)id);
        return;
    }
    job->approved = true;
    job->asker = row->user;
    job->mark = row->mark;
    job->method = row->method;
    json_decref(job->params);
    job->params = json_incref(row->params);
    row_free(row);
    job->method->run(control, job);
}
