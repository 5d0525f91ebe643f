// The self-test of the controls, as the dataplane's main lcore runs it.
#include <stdio.h>
#include <string.h>

#include "controlplane/control/view.h"

void method_selftest(struct control *control, struct job *job)
{
    memset(&job->call.request, 0, sizeof job->call.request);
    if (job_board(control, job))
        job_call(control, job, COMMAND_SELF_TEST, LANE_MAIN);
}

static json_t *row_view(const struct self_test_row *row)
{
    char verdict[REFUSAL_TEXT_LEN];
    refusal_text(verdict, row->beyond, row->value, row->limit, 0);
    json_t *view = json_object();
    json_object_set_new(view, "control", json_string(refusal_name(row->number)));
    json_object_set_new(view, "number", json_integer(row->number));
    json_object_set_new(view, "refuses", json_string(refusal_help(row->number)));
    json_object_set_new(view, "scope", json_string(scope_name(row->scope)));
    json_object_set_new(
        view, "at_limit",
        json_string(row->at_limit == REFUSAL_NONE ? "approved" : refusal_name(row->at_limit)));
    json_object_set_new(view, "beyond",
                        json_string(row->beyond == REFUSAL_NONE ? "approved" : verdict));
    json_object_set_new(view, "passed", json_boolean(row->passed));
    return view;
}

// Names of the controls that did not hold.
static void fail(struct job *job, const struct self_test_answer *answer)
{
    char names[512] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < COMMAND_CONTROLS_MAX && used < sizeof names; i++)
        if (answer->rows[i].number && !answer->rows[i].passed)
            used += (size_t)snprintf(names + used, sizeof names - used, " %s",
                                     refusal_name(answer->rows[i].number));
    job_fail(job, RPC_ERROR_STATE,
             "%u controls do not hold, %u have no self-test:%s; stop trading with this program",
             answer->failed, answer->untested, names);
}

void method_selftest_answered(struct control *control, struct job *job)
{
    const struct self_test_answer *answer = &job->call.answer.self_test;
    json_t *rows;
    (void)control;
    if (answer->failed || answer->untested) {
        fail(job, answer);
        return;
    }
    rows = json_array();
    for (uint32_t i = 0; i < COMMAND_CONTROLS_MAX && answer->rows[i].number; i++)
        json_array_append_new(rows, row_view(&answer->rows[i]));
    job->result = json_object();
    json_object_set_new(job->result, "controls", json_integer(answer->controls));
    json_object_set_new(job->result, "recorded", json_boolean(answer->recorded));
    json_object_set_new(job->result, "rows", rows);
}
