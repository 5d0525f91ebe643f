// From the event rings into the journal, and from the journal to everybody else: the only reader of
// the rings. A thread of its own, so that neither a slow disk nor a large answer holds up the
// other.
//
//   ring ─► block ─► disk ─► durable: slots of the ring are free again, and the event goes to
//                            whoever shows events (drain_take)
//
// A control plane that dies leaves in the rings what was not durable, and the next one finds in the
// journal what it need not write again. So every event is in the journal once, in order.
//
// drain_start to drain_stop belong to one thread, the one that owns the contact.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "controlplane/journal/instance.h"
#include "controlplane/journal/journal.h"
#include "controlplane/journal/locates.h"
#include "controlplane/region/events.h"
#include "dataplane/base/spsc.h"

enum {
    DRAIN_VIEWS = 1 << 16, // events on their way to the views; what finds no room is counted
    DRAIN_REGIONS = 4,     // regions that wait to be drained, the attached one included
};

struct drain_config {
    struct journal_config journal;
    uint64_t stall_ns; // a commit that takes longer counts as none
    // Set to the last record that is durable, for who follows the journal; outlives the drain.
    // Null: nobody.
    _Atomic uint64_t *committed;
};

enum drain_state {
    DRAIN_WRITING,   // or ready to
    DRAIN_FULL,      // no space: goes on by itself
    DRAIN_SLOW,      // a commit takes longer than stall_ns
    DRAIN_FAILED,    // the disk refused: until the control plane is started again
    DRAIN_DAMAGED,   // what stands there is not what was written: until an operator decides
    DRAIN_VERIFYING, // writing; what a start went on from is being verified
};

// How far the day of a start is verified (behind.h).
struct drain_verified {
    uint64_t records, of, us;
};

// What the thread tells about itself.
struct drain_status {
    enum drain_state state;
    int error; // errno of FULL and FAILED
    bool direct;
    uint32_t align;
    char engine[32];
    char why[512]; // of a state other than WRITING, one line
    uint64_t segment, records, committed, bytes, blocks;
    uint64_t found;                    // records that were there when this control plane began
    uint64_t events[EVENT_RING_KINDS]; // written by this control plane
    uint64_t behind;                   // published and not durable yet
    uint64_t overrun;                  // lost in the rings, as they say
    uint64_t gaps;                     // numbers of trading events that are missing
    uint64_t damaged;                  // rings that said something impossible
    uint64_t latency[JOURNAL_LATENCIES], latency_ns; // as in struct journal
    struct drain_verified verified;                  // all zero: nothing is verified behind READY
    struct rings_seen rings;
};

struct drain {
    struct drain_config config;
    struct journal journal;
    bool opened; // the journal is
    pthread_t thread;
    bool started;
    atomic_bool stop;

    // Under <lock>.
    pthread_mutex_t lock;
    struct contact inbox[DRAIN_REGIONS]; // ways of our own; without a region: let go
    uint32_t inbox_count;
    struct drain_status shown;
    struct drain_verified verified;

    // Events that are durable, for the other thread.
    struct spsc views;
    void *views_memory;
    _Atomic uint64_t views_missed;
    uint64_t missed_seen; // the other thread's
    _Atomic uint64_t asked, answered;
    _Atomic uint64_t turned_ns; // when the thread was last heard of
    atomic_bool hangs;          // as the other thread has told the lanes
    atomic_bool doubted;        // <doubt> stands
    atomic_bool ends_short;     // ... of what was found at the start, until the next one
    atomic_bool verifying;      // what a start went on from
    char doubt[384];

    // The thread's own.
    struct contact contact;
    struct drain_status now;
    struct ring_chunk chunk;
    struct ring_cursors cursor;
    struct journal_instance instance;
    struct instance_notes names;
    uint64_t introduced;          // number of the instance's record; 0: not written yet
    uint64_t named_segment;       // in which the names stand
    struct locate_names locates;  // as the region says
    struct locates noted;         // as this segment of the journal says
    struct locates told_locates;  // as what is handed on says
    bool located[EVENT_TYPES];    // starts a session, or has a locate
    struct journal_instance told; // whose events are handed on
    uint64_t told_missed;
    enum record_state told_record; // to the lanes of the attached region
    uint64_t asking;               // being answered: when everything up to <target> is durable
    struct ring_cursors target;
};

// Opens the journal and starts. Damage and a newer format are no reason not to start: the state
// says so. False: EXIT_FAILED or EXIT_USAGE.
bool drain_start(struct drain *d, const struct drain_config *config, struct error *err);
// What is in the ring is written, and the journal closed.
void drain_stop(struct drain *d);

// The region that is to be drained from now on, after what the one before still holds. Called with
// every change of the contact, also when it has let go.
void drain_attach(struct drain *d, const struct contact *contact);
// Durable events into the log. Returns how many.
uint32_t drain_take(struct drain *d, struct event_log *log);
// Everything published up to here: drain_asked(d, drain_ask(d)) is true once it can be taken, or
// will not be for now.
uint64_t drain_ask(struct drain *d);
bool drain_asked(const struct drain *d, uint64_t ticket);
void drain_status_take(struct drain *d, struct drain_status *status);
// From any thread, once: what stands in the journal is not what was written. It is told as damage
// is.
void drain_doubt(struct drain *d, const char *why);
// It was of an instance that is no more, and the next one is looked at anew, unless it is of the
// journal's own end.
void drain_doubt_lift(struct drain *d);
// From any thread: until it is told false no order is taken. Set before a region is attached, its
// lanes have heard of it when the first record of their instance is durable.
void drain_verify(struct drain *d, bool verifying);
// From any thread, for the status: how far that is, and at last what it took.
void drain_verified(struct drain *d, const struct drain_verified *verified);

// Owner of the contact, now and then: a thread that hangs in the disk cannot tell the lanes itself.
void drain_watch(struct drain *d, struct contact *contact, uint64_t now_ns);

// Journal and ring number the main lcore differently.
static inline uint32_t drain_source(const struct drain *d, uint32_t source)
{
    return source + 1 == d->now.rings.sources ? LANES_MAX : source;
}

// --- drain_record.c, for drain.c

// Who wrote before has left so much of the region in the journal, and given so much back. <same>:
// the journal ends with its instance.
void drain_resume_look(struct drain *d, bool same);
void drain_record_tell(struct drain *d);
// A region that waits behind others. Under the lock.
void drain_record_greet(const struct drain *d, struct contact *way);
// Nobody writes any more.
void drain_record_end(struct drain *d);
// Why no order is taken while the day is verified.
void drain_verifying_text(const struct drain *d, struct drain_status *status);

const char *drain_state_name(enum drain_state state);
// Events become durable.
static inline bool drain_state_writes(enum drain_state state)
{
    return state == DRAIN_WRITING || state == DRAIN_VERIFYING;
}
