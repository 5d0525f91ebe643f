// A channel without a lane, a port or a region: the product's feed and book code over bytes in
// memory.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/error.h"
#include "dataplane/feed/channel.h"

struct offline {
    struct channel channel;
    struct channel_counters count;
    struct line_counters lines[ARBITER_LINES];
    struct histogram lag[ARBITER_LINES];
    struct histogram recovery;
    uint64_t events[EVENT_TYPES];
    void *memory;
    uint64_t bytes;  // of the channel's tables
    bool huge_pages; // the tables lie in 2 MiB pages
};

// Memory for the tables: 2 MiB pages where the machine has them reserved, ordinary pages with the
// kernel's advice otherwise. False when there is not enough.
bool offline_init(struct offline *o, const struct channel_config *config, struct error *err);
void offline_free(struct offline *o);
