// Rows of the counter and histogram tables: every lane, channel, line ... with its name and its
// numbers.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/region/board.h"
#include "controlplane/region/snapshot.h"

// Points into the snapshot and the board that it was taken from.
struct instance {
    const char *name;
    const char *channel; // of a line; null for all others
    const void *counters;
    const void *histograms; // null where the scope has none
};

// Instance <i> of <scope>; false behind the last. One that is not in use has an empty name.
bool instance_at(const struct snapshot *snapshot, const struct board *board,
                 enum counter_scope scope, uint32_t i, struct instance *out);

// "lane", "channel", ... as the control socket and the metrics call it.
const char *counter_scope_name(enum counter_scope scope);

static inline uint64_t counter_value(const struct instance *instance,
                                     const struct counter_info *info)
{
    const char *base = instance->counters;
    return *(const uint64_t *)(const void *)(base + info->offset);
}

static inline const struct histogram *histogram_of(const struct instance *instance,
                                                   const struct histogram_info *info)
{
    const char *base = instance->histograms;
    return (const struct histogram *)(const void *)(base + info->offset);
}
