// The end of the lanes, and of the process where one of them does not come to an end.
#include <stdatomic.h>
#include <unistd.h>

#include "dataplane/control/dataplane.h"

enum { END_MS = 2000 };

bool lanes_end(struct dataplane *d)
{
    const uint64_t end = clock_mono_ns() + END_MS * 1000000ull;
    bool good = true;
    for (uint32_t i = 0; i < d->config->lane_count; i++)
        atomic_store_explicit(&d->lanes[i]->stop, true, memory_order_relaxed);
    for (uint32_t i = 0; i < d->config->lane_count; i++) {
        const uint32_t core = d->config->lanes[i].core;
        while (eal_runs(core) && clock_mono_ns() < end)
            usleep(1000);
        if (eal_runs(core)) {
            lane_given_up(d, i, END_MS * 1000000ull);
            good = false;
        } else {
            eal_join(core);
        }
    }
    return good;
}
