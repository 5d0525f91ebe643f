// A command to the dataplane: posted, then asked after until it is answered or the time is up.
// Never waits.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/region/contact.h"

enum call_state {
    CALL_PENDING,
    CALL_ANSWERED, // <result>, <sequence> and <answer> are filled in
    CALL_NO_SLOT,  // all command slots are in use
    CALL_TIMEOUT,  // posted or taken, but not answered in time
    CALL_LOST,     // the region has vanished or another instance has come
};

struct call {
    enum command_type type;
    uint32_t target; // lane, or LANE_MAIN
    uint32_t slot;
    uint32_t result; // enum command_result
    uint64_t sequence;
    uint64_t epoch;
    uint64_t deadline_ns; // CLOCK_MONOTONIC
    union {
        struct book_snapshot_request book_snapshot;
        struct queue_position_request queue_position;
        struct filter_set_request filter_set;
        struct govern_request govern;
        struct limit_set_request limit_set;
        struct limits_list_request limits_list;
        struct reload_request reload;
        struct drop_copy_request drop_copy;
    } request;
    union {
        struct book_snapshot_answer book_snapshot;
        struct queue_position_answer queue_position;
        struct filter_set_answer filter_set;
        struct self_test_answer self_test;
        struct govern_answer govern;
        struct limit_set_answer limit_set;
        struct limits_list_answer limits_list;
        struct reload_answer reload;
        struct drop_copy_answer drop_copy;
    } answer;
};

// Posts <type>, <target> and <request>, which the caller has filled in.
enum call_state call_post(struct call *call, struct contact *contact, uint64_t deadline_ns);
enum call_state call_look(struct call *call, struct contact *contact, uint64_t now_ns);
// Nobody wants the answer any more.
void call_drop(struct call *call, struct contact *contact);

// After attaching: slots that a control plane before this one left behind are made free.
void call_sweep(struct contact *contact);

const char *command_result_text(uint32_t result);
