// Events out of the region: every ring is drained into a log of the newest in memory, then
// committed.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/region/contact.h"
#include "controlplane/region/fold.h"
#include "controlplane/region/names.h"

enum { EVENT_LOG_LEN = 8192, EVENT_SOURCES_MAX = LANES_MAX + 1 };

struct logged_event {
    struct event event;
    uint64_t epoch; // with lane and sequence the identity of the event
    uint64_t utc_ns;
    uint64_t number;              // position in the log, from 1, never reused
    uint32_t ring;                // enum event_ring_kind
    char symbol[LOCATE_NAME_LEN]; // that its locate had when it happened; "": not known, or none
};

struct event_log {
    struct logged_event *records; // EVENT_LOG_LEN
    uint64_t count;               // ever logged; the newest is number <count>
    uint64_t drained[EVENT_RING_KINDS];
    uint64_t lost[EVENT_RING_KINDS]; // as the rings say, of the attached instance
    uint64_t damaged;                // rings that said something impossible
    uint64_t epoch;                  // of the instance that the cursors belong to
    uint64_t cursor[EVENT_SOURCES_MAX][EVENT_RING_KINDS];
    struct locate_names names;
    struct order_fold orders; // open ones, of the attached instance
};

// False: no memory.
bool event_log_init(struct event_log *log);
void event_log_free(struct event_log *log);

// Drains what is there, at most a ring's length of each ring; returns how many events came.
uint32_t event_log_drain(struct event_log *log, struct contact *contact);

// Record <number>; null when it is not in the log (any more).
const struct logged_event *event_log_at(const struct event_log *log, uint64_t number);
