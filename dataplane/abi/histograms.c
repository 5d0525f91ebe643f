#include "dataplane/abi/histograms.h"

#include <stddef.h>

#define US 1000ull
#define MS 1000000ull
#define S  1000000000ull

// Ten per decade and more where trading happens; among them every edge that a classic exposition of
// such latencies uses (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.75, 4, 6, 10, 25, 50, 100 us, 1 and 10
// ms).
// clang-format off
const uint64_t histogram_edges_ns[HISTOGRAM_BUCKETS] = {
    10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 120, 140, 160, 180, 200,
    250, 300, 350, 400, 450, 500, 600, 700, 750, 800, 900, 1000,
    1250, 1500, 1750, 2000, 2250, 2500, 2750, 3000, 3500, 4 * US, 5 * US, 6 * US, 8 * US, 10 * US,
    15 * US, 20 * US, 25 * US, 35 * US, 50 * US, 75 * US, 100 * US, 150 * US, 250 * US, 500 * US,
    1 * MS, 2500 * US, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS,
    1 * S, 2500 * MS, 10 * S, UINT64_MAX,
};
// clang-format on

uint64_t histogram_edges_ticks[HISTOGRAM_BUCKETS];

void histogram_edges_init(uint64_t tsc_hz)
{
    for (uint32_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++)
        histogram_edges_ticks[i] =
            (uint64_t)((unsigned __int128)histogram_edges_ns[i] * tsc_hz / S);
    histogram_edges_ticks[HISTOGRAM_BUCKETS - 1] = UINT64_MAX;
}

uint64_t histogram_samples(const struct histogram *h)
{
    uint64_t samples = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        samples += h->bucket[i];
    return samples;
}

uint64_t histogram_quantile_ns(const struct histogram *h, double q)
{
    uint64_t samples = histogram_samples(h), seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS && samples; i++) {
        seen += h->bucket[i];
        if ((double)seen >= q * (double)samples)
            return histogram_edges_ns[i];
    }
    return 0;
}

#define STRUCT_OF_LANE    struct lane_histograms
#define STRUCT_OF_CHANNEL struct channel_histograms
#define STRUCT_OF_LINE    struct line_histograms

const struct histogram_info histogram_table[] = {
#define HISTOGRAM(scope, name, help) \
    {SCOPE_##scope, offsetof(STRUCT_OF_##scope, name), #name, help},
#include "dataplane/abi/histograms.def"
};

const uint32_t histogram_count = sizeof histogram_table / sizeof histogram_table[0];
