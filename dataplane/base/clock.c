#include "dataplane/base/clock.h"

#include <time.h>

static const uint64_t second_ns = 1000000000;

static uint64_t clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * second_ns + (uint64_t)t.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t clock_utc_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

// TSC and a clock read together: the tightest of a few tries, because an interrupt in between would
// be calibrated in.
static uint64_t pair_read(clockid_t id, uint64_t *ns)
{
    uint64_t best = UINT64_MAX, at = 0;
    for (int i = 0; i < 16; i++) {
        uint64_t before = clock_tsc(), now = clock_ns(id), after = clock_tsc();
        if (after - before < best) {
            best = after - before;
            at = before + (after - before) / 2;
            *ns = now;
        }
    }
    return at;
}

uint64_t clock_utc_pair(uint64_t *utc_ns)
{
    return pair_read(CLOCK_REALTIME, utc_ns);
}

void clock_calibrate(struct clock_calibration *cal, uint32_t ms)
{
    uint64_t ns0 = 0, ns1 = 0;
    uint64_t tsc0 = pair_read(CLOCK_MONOTONIC_RAW, &ns0);
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
    uint64_t tsc1 = pair_read(CLOCK_MONOTONIC_RAW, &ns1);
    cal->tsc_hz = (uint64_t)((unsigned __int128)(tsc1 - tsc0) * second_ns / (ns1 - ns0));
    cal->tsc_at = pair_read(CLOCK_REALTIME, &cal->utc_ns_at);
}

uint64_t clock_ticks_to_ns(const struct clock_calibration *cal, uint64_t ticks)
{
    return (uint64_t)((unsigned __int128)ticks * second_ns / cal->tsc_hz);
}

uint64_t clock_ns_to_ticks(const struct clock_calibration *cal, uint64_t ns)
{
    return (uint64_t)(((unsigned __int128)ns * cal->tsc_hz + second_ns - 1) / second_ns);
}

uint64_t clock_tsc_to_utc_ns(const struct clock_calibration *cal, uint64_t tsc)
{
    return tsc >= cal->tsc_at ? cal->utc_ns_at + clock_ticks_to_ns(cal, tsc - cal->tsc_at)
                              : cal->utc_ns_at - clock_ticks_to_ns(cal, cal->tsc_at - tsc);
}
