// What the locates of each channel were called when their events happened. A locate is a number of
// a session: the next one may give it to another symbol. Names are kept of the session that runs
// and of the one before it; the region, which knows the present ones only, is asked for those of
// the session that runs.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/region/contact.h"
#include "dataplane/abi/events.h"

enum { LOCATE_NAME_LEN = 12 };

struct session_names {
    char (*names)[LOCATE_NAME_LEN]; // LOCATES of them; null: none was needed yet
    uint64_t since_tsc;             // start of the session, 0: before anything was read
};

struct channel_names {
    struct session_names now, before;
    uint64_t newest_tsc; // the newest start of a session in a ring, also where it is not read yet
    bool asked;          // the region, since the last locate_names_look
};

struct locate_names {
    struct channel_names channels[CHANNELS_MAX];
};

// Forgets everything: the end, or another instance of the dataplane.
void locate_names_reset(struct locate_names *names);

// Before events of a ring are read: finds starts of sessions among those from <looked> on, and
// moves it behind them.
void locate_names_look(struct locate_names *names, const struct region_view *view, uint32_t source,
                       enum event_ring_kind kind, uint64_t *looked);

// Name of the symbol that <event> is about, as it was then; "" when it is about none, or the name
// is not known (any more). For every event in the order of its ring. The contact may be lost by it.
const char *locate_names_event(struct locate_names *names, struct contact *contact,
                               const struct event *event);
