#include "dataplane/abi/histograms.h"

#define US 1000ull
#define MS 1000000ull
#define S  1000000000ull

const uint64_t histogram_edges_ns[HISTOGRAM_BUCKETS] = {
    20,       40,       60,       80,       100,      120,      140,      160,      180,      200,     250,
    300,      350,      400,      450,      500,      600,      700,      800,      900,      1000,    1200,
    1400,     1600,     1800,     2000,     2250,     2500,     2750,     3000,     3500,     4 * US,  5 * US,
    6 * US,   8 * US,   10 * US,  12500,    15 * US,  20 * US,  25 * US,  30 * US,  40 * US,  50 * US, 75 * US,
    100 * US, 150 * US, 200 * US, 300 * US, 500 * US, 750 * US, 1 * MS,   2 * MS,   5 * MS,   10 * MS, 20 * MS,
    50 * MS,  100 * MS, 200 * MS, 500 * MS, 1 * S,    2 * S,    5 * S,    10 * S,   UINT64_MAX,
};

uint64_t histogram_edges_ticks[HISTOGRAM_BUCKETS];

void histogram_edges_init(uint64_t tsc_hz)
{
    for (uint32_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++)
        histogram_edges_ticks[i] = (uint64_t)((unsigned __int128)histogram_edges_ns[i] * tsc_hz / S);
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
