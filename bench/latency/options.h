// The command line of tickgate-bench.
#pragma once

#include "bench/latency/lane_world.h"
#include "bench/latency/measure.h"
#include "bench/latency/trip.h"

enum bench_mode { MODE_SPIN, MODE_FEED, MODE_LANE, MODE_TRIP, MODE_CORES, MODES };

struct bench_options {
    enum bench_mode mode;
    const char *out;
    int argc; // what was asked for, as it was said
    char **argv;
    double seconds; // of the jitter floor
    long core;      // -1: any
    uint64_t warm;  // orders before the measured ones
    bool first;     // with a real-time priority, where we may
    struct feed_options feed;
    struct lane_options lane;
    struct trip_options trip;
};

const char *bench_mode_name(enum bench_mode mode);
// False: EXIT_USAGE. --help ends the process.
bool bench_options_read(struct bench_options *o, int argc, char **argv, struct error *err);
