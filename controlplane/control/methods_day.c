// The trading day: its files, read again by the dataplane's main lcore.
#include <stdio.h>
#include <string.h>

#include "controlplane/control/view.h"

static void set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
}

void method_reload(struct control *control, struct job *job)
{
    struct reload_request *request = &job->call.request.reload;
    const json_t *names = json_object_get(job->params, "files"), *name;
    size_t i;
    memset(request, 0, sizeof *request);
    json_array_foreach(names, i, name)
    {
        const enum day_file file = day_file_find(json_string_value(name));
        if (file == DAY_FILES) {
            job_fail(job, RPC_ERROR_UNKNOWN, "no file '%.31s' of the day; nothing was changed",
                     json_string_value(name));
            return;
        }
        request->files |= 1u << file;
    }
    if (!job_board(control, job))
        return;
    request->user = job->user;
    snprintf(request->reason, sizeof request->reason, "%s", job_string(job, "reason"));
    text_clean(request->reason, sizeof request->reason);
    job->tolerant = true;
    job_call(control, job, COMMAND_RELOAD, LANE_MAIN);
}

// <number>: YYYYMMDD.
static json_t *date_view(uint32_t number)
{
    char date[16];
    snprintf(date, sizeof date, "%04u-%02u-%02u", number / 10000 % 10000, number / 100 % 100,
             number % 100);
    return json_string(date);
}

static json_t *file_view(const struct day_file_row *row)
{
    char hash[24];
    json_t *view = json_object();
    snprintf(hash, sizeof hash, "%016lx", row->hash);
    set(view, "file", json_string(day_file_name(row->file)));
    set(view, "date", date_view(row->date));
    set(view, "rows", view_count(row->rows));
    set(view, "hash", json_string(hash));
    return view;
}

void method_reload_answered(struct control *control, struct job *job)
{
    struct reload_answer *answer = &job->call.answer.reload;
    text_clean(answer->why, sizeof answer->why);
    if (job->call.result == COMMAND_RESULT_DAY_REFUSED) {
        job_fail(job, RPC_ERROR_REFUSED, "%s; what was in force stays", answer->why);
        return;
    }
    if (!job_board(control, job))
        return;
    json_t *files = json_array(), *lanes = json_array();
    for (uint32_t i = 0; i < answer->count && i < DAY_FILES_MAX; i++)
        json_array_append_new(files, file_view(&answer->files[i]));
    for (uint32_t i = 0; i < control->board->shape.lanes; i++)
        if (answer->lanes >> i & 1)
            json_array_append_new(lanes,
                                  json_pack("{s:s,s:I}", "lane", control->snapshot.lanes[i].name,
                                            "limits_version", (json_int_t)answer->version[i]));
    job->result = json_object();
    set(job->result, "files", files);
    set(job->result, "lanes", lanes);
    set(job->result, "started", date_view(answer->started));
    set(job->result, "today", date_view(answer->today));
    set(job->result, "reason", json_string(job->call.request.reload.reason));
}
