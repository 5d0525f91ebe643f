// How long simulations run, and with which seeds: SIM_SECONDS (default 60) is shared by
// SIM_PROPERTIES properties, which a program defines, or TICKGATE_SEEDS says how many seeds each
// property gets. They start at TICKGATE_SEED (default 1), and a failure names its own. cmocka.h is
// included before this header.
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t seeds_env(const char *name, uint64_t value)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : value;
}

static inline void seeds_run(void (*property)(uint64_t seed))
{
    uint64_t seed = seeds_env("TICKGATE_SEED", 1), count = seeds_env("TICKGATE_SEEDS", 0);
    double seconds = (double)seeds_env("SIM_SECONDS", 60) / SIM_PROPERTIES;
    struct timespec start, now;
    uint64_t done = 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        property(seed + done++);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (count ? done < count
                   : (double)(now.tv_sec - start.tv_sec) +
                             (double)(now.tv_nsec - start.tv_nsec) / 1e9 <
                         seconds);
    print_message("%lu seeds from %lu\n", done, seed);
}
