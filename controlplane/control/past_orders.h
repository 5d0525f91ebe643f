// Orders that were open before this control plane began: read back from the journal while events
// go on, and put under them where both meet.
//
//   journal: 1 2 3 4 5 6 7 8 | 9 10 11 12      the thread folds what is durable, from the first
//   log:               6 7 8 | 9 10 11 12 13   event of the instance on; what the log has beyond
//                                              that is folded on top
//
// An instance that went on from the journal has the orders of the day's instances before it, too:
// these are read first, the way it was given them (day.h).
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "controlplane/journal/drain.h"
#include "controlplane/journal/reader.h"

struct days_before;

struct past_orders {
    uint64_t epoch; // of the instance that was looked at last
    bool started;   // the thread runs, or has ended and was not joined
    pthread_t thread;
    atomic_bool done, stop;
    uint64_t committed;         // read up to this record
    bool open, ours;            // the reader is; events are of the instance
    struct journal_clock clock; // of the instance that is being read
    struct journal_reader reader;
    struct order_fold fold;   // the thread's while it runs
    struct days_before *days; // instances before it, still to be read; null: none
    struct error why;
};

// With every look at the events, which <log> already has: begins where something was missed, and
// ends it where it meets the log. <contact>: of the instance. All by one thread.
void past_orders_turn(struct past_orders *p, struct drain *drain, struct contact *contact,
                      struct event_log *log);
// The journal is being read.
static inline bool past_orders_reading(const struct past_orders *p)
{
    return p->started;
}
void past_orders_end(struct past_orders *p);
