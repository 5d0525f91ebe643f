// The stopwatch of kills: from asking to the last new order, by the lanes' own stamps.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/region/events.h"

struct kill_watch {
    uint64_t asked_ns;           // UTC of the newest kill; 0: none yet
    bool direct;                 // it came past the control plane
    uint64_t kills;              // that were asked for
    uint64_t noticed;            // lanes that have said so since
    uint64_t noticed_ns;         // UTC when the last of them did
    uint64_t last_order_ns;      // UTC when the last enter, replace or modify left; 0: none since
    uint64_t sent_ns[LANES_MAX]; // newest of each lane
};

// Somebody asks for a kill. <since_ns>: UTC when the command was given; in the future, or long ago:
// now counts.
void kill_watch_ask(struct kill_watch *k, uint64_t since_ns, uint64_t now_ns);
// Somebody says that he has killed past the control plane; the lanes may have said so before.
void kill_watch_told(struct kill_watch *k, uint64_t since_ns, uint64_t now_ns);
// The next trading event. A direct kill that nobody has told of begins when the first lane notices.
void kill_watch_event(struct kill_watch *k, const struct logged_event *logged, uint64_t tsc_hz);
