// A copy of everything in the region that is not a symbol or an event, taken in one pass. What
// another process wrote is made safe here: texts end and are printable, indices are within their
// tables.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/region/contact.h"

struct snapshot {
    uint64_t tsc; // when it was taken
    bool whole;   // in one piece; it stays when the region has gone
    uint64_t heartbeat_tsc;
    uint32_t state; // enum region_state
    struct region_identity identity;
    struct region_shape shape;
    struct lane_info lanes[LANES_MAX];
    struct channel_info channels[CHANNELS_MAX];
    struct line_info lines[CHANNELS_MAX][CHANNEL_LINES];
    struct port_info ports[PORTS_MAX];
    struct pool_info pools[POOLS_MAX];
    struct bill_item bill[BILL_LINES_MAX];
    struct lane_counters lane_counters[LANES_MAX];
    struct channel_counters channel_counters[CHANNELS_MAX];
    struct line_counters line_counters[CHANNELS_MAX][CHANNEL_LINES];
    struct port_counters port_counters[PORTS_MAX];
    struct pool_counters pool_counters[POOLS_MAX];
    struct main_counters main_counters;
    struct lane_histograms lane_histograms[LANES_MAX];
    struct channel_histograms channel_histograms[CHANNELS_MAX];
    struct line_histograms line_histograms[CHANNELS_MAX][CHANNEL_LINES];
};

// False: the region has vanished.
bool snapshot_take(struct snapshot *snapshot, struct contact *contact);

// Zero-terminates <text> within <len> bytes and replaces what is not printable ASCII by '?'.
void text_clean(char *text, size_t len);
