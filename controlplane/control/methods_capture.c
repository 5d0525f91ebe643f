// What lanes take in: is it recorded, and where does it go.
#include <string.h>

#include "controlplane/capture/capture.h"
#include "controlplane/control/method.h"
#include "controlplane/control/view.h"

static void status_take(const struct control *control, struct capture_status *s)
{
    memset(s, 0, sizeof *s);
    if (control->capture)
        capture_status_take(control->capture, s);
}

static void capture_view(struct control *control, struct job *job)
{
    struct capture_status s;
    if (!job_snapshot(control, job))
        return;
    status_take(control, &s);
    bool recording = false, wanted = false;
    json_t *lanes = json_array();
    for (uint32_t i = 0; i < s.seen.lanes; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "lane", json_string(control->snapshot.lanes[i].name));
        json_object_set_new(row, "recording", json_boolean(s.seen.lane[i].recording));
        json_object_set_new(row, "frames", view_count(s.seen.lane[i].frames));
        json_object_set_new(row, "bytes", view_count(s.seen.lane[i].tail));
        json_object_set_new(row, "lost_turns", view_count(s.seen.lane[i].lost));
        json_object_set_new(row, "lost_frames", view_count(s.seen.lane[i].lost_frames));
        json_object_set_new(row, "gaps", view_count(s.seen.lane[i].gaps));
        json_object_set_new(row, "holes", view_count(s.seen.lane[i].holes));
        json_array_append_new(lanes, row);
        recording |= s.seen.lane[i].recording;
        wanted |= s.seen.lane[i].wanted;
    }
    job->result = json_object();
    json_object_set_new(job->result, "state",
                        json_string(!s.there    ? "off"
                                    : s.error   ? "failed"
                                    : recording ? "recording"
                                    : wanted    ? "starting"
                                                : "stopped"));
    json_object_set_new(job->result, "directory",
                        control->capture ? json_string(control->capture->config.directory)
                                         : json_null());
    json_object_set_new(job->result, "engine", json_string(s.engine));
    json_object_set_new(job->result, "file", view_count(s.file));
    json_object_set_new(job->result, "written_bytes", view_count(s.bytes));
    json_object_set_new(job->result, "behind_bytes", view_count(s.behind));
    json_object_set_new(job->result, "complete", json_boolean(captures_complete(&s.seen)));
    json_object_set_new(job->result, "lanes", lanes);
}

void method_capture(struct control *control, struct job *job)
{
    capture_view(control, job);
}

static void want(struct control *control, struct job *job, bool wanted)
{
    struct capture_status s;
    status_take(control, &s);
    if (!s.there) {
        job_fail(job, RPC_ERROR_STATE,
                 "this dataplane has no room for captures: give its configuration capture: "
                 "ring_size, and start it again");
        return;
    }
    if (s.error) {
        job_fail(job, RPC_ERROR_STATE, "%s cannot be written: the control plane's log says why",
                 control->capture->config.directory);
        return;
    }
    capture_want(control->capture, wanted);
    capture_view(control, job);
}

void method_capture_start(struct control *control, struct job *job)
{
    want(control, job, true);
}

void method_capture_stop(struct control *control, struct job *job)
{
    want(control, job, false);
}
