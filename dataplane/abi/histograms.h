// Latency histograms: counts per bucket of TSC ticks, one writer, plain adds.
//
// The edges are given in nanoseconds (histogram_edges_ns) and turned into ticks once, at start: a
// bucket holds the values at or below its edge and above the one before, the last holds the rest.
// One edge is exactly 2.75 us, the alarm line that operators of trading systems know.
#pragma once

#include <stdint.h>

#include "dataplane/abi/counters.h"

enum { HISTOGRAM_BUCKETS = 64 };

struct histogram {
    _Alignas(64) uint64_t bucket[HISTOGRAM_BUCKETS];
    uint64_t sum_ticks;
    uint64_t max_ticks;
    uint64_t unused[6];
};

#define HISTOGRAM_IN_LANE(x)
#define HISTOGRAM_IN_CHANNEL(x)
#define HISTOGRAM_IN_LINE(x)

struct lane_histograms {
#define HISTOGRAM(scope, name, help) HISTOGRAM_IN_##scope(struct histogram name;)
#undef HISTOGRAM_IN_LANE
#define HISTOGRAM_IN_LANE(x) x
#include "dataplane/abi/histograms.def"
#undef HISTOGRAM_IN_LANE
#define HISTOGRAM_IN_LANE(x)
};

struct channel_histograms {
#define HISTOGRAM(scope, name, help) HISTOGRAM_IN_##scope(struct histogram name;)
#undef HISTOGRAM_IN_CHANNEL
#define HISTOGRAM_IN_CHANNEL(x) x
#include "dataplane/abi/histograms.def"
#undef HISTOGRAM_IN_CHANNEL
#define HISTOGRAM_IN_CHANNEL(x)
};

struct line_histograms {
#define HISTOGRAM(scope, name, help) HISTOGRAM_IN_##scope(struct histogram name;)
#undef HISTOGRAM_IN_LINE
#define HISTOGRAM_IN_LINE(x) x
#include "dataplane/abi/histograms.def"
#undef HISTOGRAM_IN_LINE
#define HISTOGRAM_IN_LINE(x)
};

// One row per histogram, in the order of histograms.def; <offset> is in the struct of its scope.
struct histogram_info {
    enum counter_scope scope;
    uint32_t offset;
    const char *name;
    const char *help;
};

extern const struct histogram_info histogram_table[];
extern const uint32_t histogram_count;

extern const uint64_t histogram_edges_ns[HISTOGRAM_BUCKETS]; // the last is UINT64_MAX
extern uint64_t histogram_edges_ticks[HISTOGRAM_BUCKETS];    // set once before READY, read by lanes

void histogram_edges_init(uint64_t tsc_hz);

static inline void histogram_record(struct histogram *h, uint64_t ticks)
{
    uint32_t at = 0;
    for (uint32_t step = HISTOGRAM_BUCKETS / 2; step; step /= 2)
        at += histogram_edges_ticks[at + step - 1] < ticks ? step : 0;
    h->bucket[at]++;
    h->sum_ticks += ticks;
    if (ticks > h->max_ticks)
        h->max_ticks = ticks;
}

// Upper edge in ns of the bucket that holds quantile <q> (0..1); 0 when there are no samples. For
// display only.
uint64_t histogram_quantile_ns(const struct histogram *h, double q);
uint64_t histogram_samples(const struct histogram *h);
