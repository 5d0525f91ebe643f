#include "bench/latency/grain.h"
#include "bench/latency/measure.h"

#include <string.h>

void jitter_look(struct jitter *j, const struct clock_calibration *cal, double seconds)
{
    const uint64_t us = cal->tsc_hz / 1000000;
    const uint64_t start = clock_tsc(), end = start + (uint64_t)(seconds * (double)cal->tsc_hz);
    uint64_t before = start, max = 0, lost = 0;
    memset(j, 0, sizeof *j);
    for (uint64_t now; before < end; before = now) {
        now = clock_tsc();
        uint64_t gap = now - before;
        if (gap <= us)
            continue;
        j->above_1us++;
        j->above_10us += gap > 10 * us;
        j->above_100us += gap > 100 * us;
        lost += gap;
        max = gap > max ? gap : max;
    }
    j->ns = clock_ticks_to_ns(cal, before - start);
    j->max_ns = clock_ticks_to_ns(cal, max);
    j->lost_ns = clock_ticks_to_ns(cal, lost);
    j->step_ns = clock_step_ns(cal);
}

void jitter_print(const struct jitter *j, FILE *out)
{
    fprintf(out,
            "jitter floor   %.1f s: %lu gaps above 1 us, %lu above 10 us, %lu above 100 us; "
            "longest %.1f us; %.2f %% of the time lost\n",
            (double)j->ns / 1e9, j->above_1us, j->above_10us, j->above_100us,
            (double)j->max_ns / 1e3, 100.0 * (double)j->lost_ns / (double)j->ns);
}
