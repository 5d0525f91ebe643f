// Time. A lane reads only the TSC, once per poll; conversion to nanoseconds is for whoever shows
// it.
#pragma once

#include <stdint.h>

// Calibration of the TSC against CLOCK_REALTIME (UTC). Written at start, published in the region
// header.
struct clock_calibration {
    uint64_t tsc_hz;    // ticks per second
    uint64_t tsc_at;    // a TSC value ...
    uint64_t utc_ns_at; // ... and the UTC nanoseconds since the Unix epoch at that moment
};

static inline uint64_t clock_tsc(void)
{
    return __builtin_ia32_rdtsc();
}

// Counts ticks against CLOCK_MONOTONIC_RAW, which nobody slews, for about <ms> milliseconds.
void clock_calibrate(struct clock_calibration *cal, uint32_t ms);

uint64_t clock_mono_ns(void);              // CLOCK_MONOTONIC
uint64_t clock_utc_ns(void);               // CLOCK_REALTIME
uint64_t clock_utc_pair(uint64_t *utc_ns); // the same, and the TSC at that moment
uint64_t clock_tsc_to_utc_ns(const struct clock_calibration *cal, uint64_t tsc); // absolute
uint64_t clock_ticks_to_ns(const struct clock_calibration *cal,
                           uint64_t ticks); // duration, rounded down
uint64_t clock_ns_to_ticks(const struct clock_calibration *cal,
                           uint64_t ns); // duration, rounded up
