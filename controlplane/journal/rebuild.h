// The events of the day back to a dataplane that starts again: from the journal into the restore
// area of its region, up to the record that names the new instance. Nothing is known of a day of
// which something is missing: then the dataplane is told the place, and does not arm.
//
// What goes back has been checked by hashes, or, where no extract spares reading a long end of the
// journal, by checksums and numbers (day.h). All of the day is hashed behind it (behind.h): what
// does not fit then is damage to the drain, and orders stop.
//
// A thread of its own for each instance that asks. rebuild_start to rebuild_stop belong to one
// thread, the one that owns the contact.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "controlplane/journal/drain.h"
#include "controlplane/region/restore.h"

struct rebuild {
    const char *directory;             // null: no journal is kept
    const _Atomic uint64_t *committed; // the last record that is durable
    struct drain *drain;               // says why nothing becomes durable; null: nobody does
    bool verify;                       // all hashes are looked at before anything goes back
    pthread_t thread;
    bool started;
    bool inherited; // the drain's doubt: another control plane had it, of the region of then
    uint64_t given_epoch, given_last; // instance that got its day from us, and its last record
    atomic_bool stop;
    struct contact contact; // a way of its own
};

// The region that is attached now. Every call ends the work for the one before.
void rebuild_attach(struct rebuild *r, const struct contact *contact);
void rebuild_stop(struct rebuild *r);
