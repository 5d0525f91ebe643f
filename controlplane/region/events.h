// The newest events in memory, and the orders that they leave open. They come from the journal, or
// where there is none straight from the rings, which are then drained here.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/region/contact.h"
#include "controlplane/region/fold.h"
#include "controlplane/region/names.h"
#include "controlplane/region/rings.h"

enum { EVENT_LOG_LEN = 8192 };

struct logged_event {
    struct event event;
    uint64_t epoch; // with lane and sequence the identity of the event
    uint64_t utc_ns;
    uint64_t number;              // position in the log, from 1, never reused
    uint32_t ring;                // enum event_ring_kind
    uint32_t source;              // below EVENT_SOURCES_MAX
    char symbol[LOCATE_NAME_LEN]; // that its locate had when it happened; "": not known, or none
};

struct event_log {
    struct logged_event *records; // EVENT_LOG_LEN
    uint64_t count;               // ever logged; the newest is number <count>
    uint64_t drained[EVENT_RING_KINDS];
    uint64_t lost[EVENT_RING_KINDS]; // as the rings say, of the attached instance
    uint64_t damaged;                // rings that said something impossible
    uint64_t epoch;                  // of the instance that the cursors belong to
    struct ring_cursors cursor;
    struct locate_names names;
    struct order_fold orders; // open ones, of the attached instance
};

// False: no memory.
bool event_log_init(struct event_log *log);
void event_log_free(struct event_log *log);

// Another instance of the dataplane; <missed> of its trading events came before.
void event_log_begin(struct event_log *log, uint64_t epoch, uint64_t missed);
// The next event; its number is given here.
void event_log_add(struct event_log *log, const struct logged_event *logged);
// What the rings say that found no room.
void event_log_losses(struct event_log *log, const struct rings_seen *seen);

// Where there is no journal. Drains what is there, at most a ring's length of each ring; returns
// how many events came.
uint32_t event_log_drain(struct event_log *log, struct contact *contact);

// Record <number>; null when it is not in the log (any more).
const struct logged_event *event_log_at(const struct event_log *log, uint64_t number);
