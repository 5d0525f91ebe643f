// The connection to a dataplane: attach to its region, see whether it lives, notice its end and
// attach to the next one.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/attach.h"

enum contact_state {
    CONTACT_ABSENT, // no region, or one that is refused: <why>
    CONTACT_DEAD,   // the process has ended; its region is still attached
    CONTACT_SILENT, // no heartbeat for CONTACT_SILENT_MS
    CONTACT_STARTING,
    CONTACT_LIVE,
};

enum { CONTACT_RETRY_MS = 250, CONTACT_SILENT_MS = 2000 };

struct contact {
    char where[256]; // name or path of the region, as given
    enum contact_state state;
    struct region_reader reader;
    uint64_t retry_ns;         // next attempt to attach, CLOCK_MONOTONIC
    uint64_t heartbeat_age_ns; // at the last look
    uint64_t attached;         // times attached
    enum region_fault refused; // by the last attempt that was answered
    bool replaced;             // another file has the name: drain, the next look lets go
    char why[512];             // one line: what is wrong and the remedy; "" while live
};

void contact_init(struct contact *contact, const char *where);
void contact_close(struct contact *contact);

// A second way to the attached region, for another thread: with a mapping of its own, which stays
// when <from> lets go. False: refused, <to->why> says why.
bool contact_share(const struct contact *from, struct contact *to);

// Looks at the dataplane; attaches if it is time for another try. Cheap: a few words and two system
// calls. True when <state>, the attached instance or the reason of a refusal has changed.
bool contact_look(struct contact *contact, uint64_t now_ns);

// A region is mapped; it may be that of a dead dataplane.
static inline bool contact_attached(const struct contact *contact)
{
    return contact->reader.fd >= 0;
}

// region_pass for the attached region; a region that has vanished is detached.
bool contact_pass(struct contact *contact,
                  void (*copy)(const struct region_view *view, void *context), void *context);

static inline const struct region_header *contact_header(const struct contact *contact)
{
    return &contact->reader.header;
}

// UTC in ns of a TSC value of the dataplane.
uint64_t contact_utc_ns(const struct contact *contact, uint64_t tsc);
// ns of a number of ticks.
uint64_t contact_ticks_ns(const struct contact *contact, uint64_t ticks);
