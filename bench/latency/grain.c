#include "bench/latency/grain.h"

enum {
    BATCHES = 64,
    READINGS = 64,
    GAPS = 4096,
    TICKS_LEAST = 4, // gaps below are two readings in one step
    STEPS_MOST = 16, // gaps beyond are pauses
    FITTING_PERCENT = 90,
};

uint64_t clock_reading_ns(const struct clock_calibration *cal)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < BATCHES; i++) {
        const uint64_t from = clock_tsc();
        for (uint32_t k = 1; k < READINGS; k++)
            clock_tsc();
        const uint64_t took = clock_tsc() - from;
        least = took < least ? took : least;
    }
    return (clock_ticks_to_ns(cal, least) + READINGS / 2) / READINGS;
}

static bool fits(double gap, double step)
{
    const double steps = (double)(uint64_t)(gap / step + 0.5);
    return gap - steps * step < 2 && steps * step - gap < 2;
}

double clock_step_of(const uint64_t *gaps, uint32_t count)
{
    uint64_t least = UINT64_MAX, sum = 0, n = 0, seen = 0, fitting = 0;
    for (uint32_t i = 0; i < count; i++)
        if (gaps[i] >= TICKS_LEAST && gaps[i] < least)
            least = gaps[i];
    for (uint32_t i = 0; i < count; i++)
        if (gaps[i] >= TICKS_LEAST && gaps[i] <= least + 2) {
            sum += gaps[i];
            n++;
        }
    const double step = n ? (double)sum / (double)n : 0;
    for (uint32_t i = 0; i < count; i++)
        if (gaps[i] >= TICKS_LEAST && (double)gaps[i] < STEPS_MOST * step) {
            seen++;
            fitting += fits((double)gaps[i], step);
        }
    // Multiples of a few ticks fit everything.
    return step >= 2 * TICKS_LEAST && fitting * 100 >= seen * FITTING_PERCENT ? step : 0;
}

uint64_t clock_step_ns(const struct clock_calibration *cal)
{
    static uint64_t gaps[GAPS];
    static bool looked;
    static uint64_t step_ns;
    if (looked)
        return step_ns;
    looked = true;
    for (uint32_t i = 0; i < GAPS; i++) {
        const uint64_t from = clock_tsc();
        for (volatile uint32_t wait = i % READINGS; wait > 0; wait--)
            ;
        gaps[i] = clock_tsc() - from;
    }
    step_ns = (uint64_t)(clock_step_of(gaps, GAPS) * 1e9 / (double)cal->tsc_hz + 0.5);
    return step_ns;
}
