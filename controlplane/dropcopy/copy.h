// A drop copy: reads it and the journal, in a thread of its own, compares, and says what differs.
//
// Nobody waits for it. What it wants done to the dataplane (a record, new orders stopped) the owner
// of the contact does: act.h.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "controlplane/cli/journal_events.h"
#include "controlplane/dropcopy/keep.h"
#include "controlplane/dropcopy/link.h"
#include "controlplane/dropcopy/match.h"
#include "controlplane/dropcopy/ours.h"
#include "controlplane/journal/drain.h"

enum {
    DROP_ASKS = 1024, // records on their way; what finds no room is counted
    DROP_SHOWN = 64,  // differences that are shown one by one
};

// Counters of a copy, from its first day on: COUNT(name, help).
#define DROP_COUNTS(COUNT)                                                       \
    COUNT(messages, "Messages read from the copy")                               \
    COUNT(equal, "Messages that both sides have said the same")                  \
    COUNT(differences, "Differences that were told")                             \
    COUNT(settled, "Differences that are none any more")                         \
    COUNT(foreign, "Messages about accounts or orders that no session here has") \
    COUNT(unreadable, "Messages that are none")                                  \
    COUNT(dropped, "Messages that found no room and were not compared")          \
    COUNT(unrecorded, "Differences whose record found no room")

struct drop_counts {
#define DROP_COUNT(name, help) uint64_t name;
    DROP_COUNTS(DROP_COUNT)
#undef DROP_COUNT
};

// How far those that no later message settles were counted when the copy's session began.
struct drop_before {
    uint64_t foreign, dropped;
};
_Static_assert(sizeof(struct drop_before) == sizeof((struct drop_kept *)0)->before, "keep.h");
_Static_assert(sizeof(struct drop_counts) == sizeof((struct drop_kept *)0)->counts, "keep.h");

struct drop_status {
    char name[NAME_LEN];
    char server[24];
    enum drop_link_state state;
    bool lost;      // for longer than lost_ms, while an order session is up
    bool full;      // something was not compared
    bool following; // the journal is read to its end
    char session[SOUPBIN_SESSION_LEN + 1];
    uint64_t next; // number of the next message
    uint64_t silent_ms;
    uint64_t connects;
    uint32_t waiting, differing;
    struct drop_counts counts;
    struct drop_before before;
    char why[256]; // of the connection, or of the journal
    uint32_t shown;
    struct drop_copy_record rows[DROP_SHOWN]; // newest first
};

struct drop_copy {
    uint8_t place; // among drop_copies
    struct config_drop_copy config;
    struct drop_sessions sessions;
    char directory[JOURNAL_PATH_MAX]; // of the journal
    char path[JOURNAL_PATH_MAX];      // of what is kept
    struct drain *drain;              // whose state says whether the journal is written
    const _Atomic uint64_t *committed;
    pthread_t thread;
    bool started;
    atomic_bool stop;
    // Set by the owner of the contact: bits of the sessions, by place, that are ready.
    _Atomic uint32_t ready;
    // The dataplane whose orders were last stopped, or need not be.
    _Atomic uint64_t epoch;
    // Bits of the sessions whose new orders are to be stopped, bit 31: all. Taken by the owner of
    // the contact.
    _Atomic uint32_t wanted;
    _Atomic uint32_t standing; // the same, for as long as what differs does

    pthread_mutex_t lock; // of what follows, down to the thread's own
    struct drop_status status;
    struct drop_copy_record asks[DROP_ASKS];
    uint32_t first, count;

    // The thread's own.
    struct drop_link link;
    struct drop_table table;
    struct drop_ours ours;
    struct journal_events events;
    bool open;   // <events> are
    bool follow; // the journal was read to its end once
    bool begins; // nothing was kept: what an earlier day left is not compared
    struct drop_kept kept;
    char stream[SOUPBIN_SESSION_LEN + 1]; // of the copy, that was read last
    struct drop_counts counts;
    struct drop_before before;
    struct drop_holds holds;
    uint64_t ready_ns;        // since when one of them is; 0: none
    uint64_t down_ns;         // since when the copy is not read; 0: it is
    uint64_t due_ns, kept_ns; // when each was last done
    uint64_t open_ns;         // the journal is tried again not before
    bool lost, full, changed;
    char journal_why[160];
    char said[256];
};

enum { DROP_STOP_ALL = UINT32_C(1) << 31 };

// Null: EXIT_FAILED.
struct drop_copy *drop_copy_start(const struct config *config, uint32_t place,
                                  const char *directory, struct drain *drain,
                                  const _Atomic uint64_t *committed, struct error *err);
void drop_copy_stop(struct drop_copy *d);
// From any thread.
void drop_copy_look(struct drop_copy *d, struct drop_status *out);
