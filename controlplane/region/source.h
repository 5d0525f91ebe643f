// The connection to a dataplane: attach to its region, see whether it lives, notice its end and
// attach to the next one.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/attach.h"

enum source_state {
    SOURCE_ABSENT, // no region, or one that is refused: <why>
    SOURCE_DEAD,   // the process has ended; its region is still attached
    SOURCE_SILENT, // no heartbeat for SOURCE_SILENT_MS
    SOURCE_STARTING,
    SOURCE_LIVE,
};

enum { SOURCE_RETRY_MS = 250, SOURCE_SILENT_MS = 2000 };

struct source {
    char where[256]; // name or path of the region, as given
    enum source_state state;
    struct region_reader reader;
    uint64_t retry_ns;         // next attempt to attach, CLOCK_MONOTONIC
    uint64_t heartbeat_age_ns; // at the last look
    uint64_t attached;         // times attached
    bool replaced;             // another file has the name: drain, the next look lets go
    char why[512];             // one line: what is wrong and the remedy; "" while live
};

void source_init(struct source *source, const char *where);
void source_close(struct source *source);

// Looks at the dataplane; attaches if it is time for another try. Cheap: a few words and two system
// calls. True when <state> or the attached instance has changed.
bool source_look(struct source *source, uint64_t now_ns);

// A region is mapped; it may be that of a dead dataplane.
static inline bool source_attached(const struct source *source)
{
    return source->reader.fd >= 0;
}

// region_pass for the attached region; a region that has vanished is detached.
bool source_pass(struct source *source, void (*copy)(const struct region_view *view, void *context),
                 void *context);

static inline const struct region_header *source_header(const struct source *source)
{
    return &source->reader.header;
}

// UTC in ns of a TSC value of the dataplane.
uint64_t source_utc_ns(const struct source *source, uint64_t tsc);
// ns of a number of ticks.
uint64_t source_ticks_ns(const struct source *source, uint64_t ticks);
