// Changes that wait for a second person: asked for by one user of the role risk, made when another
// one approves. They end with the control plane, with the dataplane that they were judged by, and
// after an hour.
#pragma once

#include <jansson.h>
#include <stdint.h>

enum { APPROVALS_MAX = 32, APPROVAL_S = 3600 };

struct control;
struct job;
struct method;

struct approval {
    uint64_t id;       // 0: the place is free
    uint64_t asked_ns; // CLOCK_MONOTONIC
    uint64_t asked_utc_ns;
    uint64_t attached; // contact.attached of then
    uint32_t user;
    const struct method *method; // to be run again
    json_t *params;
    uint64_t mark;  // of what the method looked at; it compares
    char what[768]; // whoever approves sees all of it
};

struct approvals {
    uint64_t count; // ever; ids are counted on
    struct approval rows[APPROVALS_MAX];
};

// The job's method waits: its parameters are kept, and the answer is an error that names the id.
void job_await_approval(struct control *control, struct job *job, uint64_t mark, const char *fmt,
                        ...) __attribute__((format(printf, 4, 5)));
// Who is recorded as the one who asked, and as the one who approved (LIMIT_NOBODY: nobody).
uint32_t job_asker(const struct job *job);
uint32_t job_second(const struct job *job);

void approvals_free(struct approvals *approvals);

void method_approvals(struct control *control, struct job *job);
void method_approve(struct control *control, struct job *job);
