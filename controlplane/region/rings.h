// Event rings of an attached region, for the one thread that reads them: what stands in them, and
// giving slots back.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/region/contact.h"
#include "controlplane/region/names.h"

enum { EVENT_SOURCES_MAX = LANES_MAX + 1, RING_CHUNK = 256 };

// A place in every ring: by source (lanes, then the main lcore) and enum event_ring_kind.
struct ring_cursors {
    uint64_t at[EVENT_SOURCES_MAX][EVENT_RING_KINDS];
};

// The table of limits in force on a lane.
struct limits_seen {
    uint64_t version, hash;
};

// What the rings say, taken in one pass.
struct rings_seen {
    uint32_t sources;
    struct ring_cursors tail;
    struct ring_cursors committed;
    struct ring_cursors lost;
    struct limits_seen limits[LANES_MAX];
};

// A piece of one ring.
struct ring_chunk {
    uint32_t source;
    enum event_ring_kind kind;
    struct locate_names *names;
    uint64_t looked; // at for starts of sessions, up to here
    uint64_t cursor; // where to read; behind the last event afterwards
    uint32_t count;
    bool damaged; // the ring says something impossible: the cursor is at its tail now
    struct event events[RING_CHUNK];
};

// All return false when the region has vanished.
bool rings_look(struct contact *contact, struct rings_seen *seen);
bool ring_read(struct contact *contact, struct ring_chunk *chunk);
// Slots below the cursors may be used again; what is behind a ring's own word changes nothing.
bool rings_release(struct contact *contact, const struct ring_cursors *to);
// How it is with the journal, for the lanes.
bool rings_record(struct contact *contact, enum record_state state);
// A sign of life, for the dataplane. Of one thread.
bool rings_beat(struct contact *contact);
