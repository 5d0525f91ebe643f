// What tickgate-bench measures, and where. Each measurement stands beside the jitter floor of its
// core: the pauses of the machine that no code causes.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/latency/hdr.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/error.h"

struct jitter {
    uint64_t ns;                                 // how long it was looked for
    uint64_t above_1us, above_10us, above_100us; // gaps between two readings of the clock
    uint64_t max_ns;
    uint64_t lost_ns; // in gaps above 1 us
    uint64_t step_ns; // of the clock, 0: too small to be seen
};

// Reads the clock as fast as it can for <seconds>, on the core it runs on.
void jitter_look(struct jitter *j, const struct clock_calibration *cal, double seconds);
void jitter_print(const struct jitter *j, FILE *out);

struct feed_options {
    uint64_t seed;
    uint32_t symbols;
    uint32_t live;
    uint64_t messages;
    uint32_t messages_a_packet; // 0: as many as fit
    bool first;                 // with a real-time priority, where we may
};

struct feed_result {
    uint64_t packets, messages;
    uint64_t ns; // all of them
    uint32_t orders_live;
    uint64_t best_changes;
};

// Closed loop, in this process: from the datagram to the books, one packet after the other, each
// recorded in <h> (ns). The opening book is not measured.
bool feed_measure(const struct feed_options *options, const struct clock_calibration *cal,
                  struct hdr *h, struct feed_result *result, struct error *err);

// The machine's network cards, whoever drives them: place, ids, driver, interface and firmware; of
// more than fit into <len> bytes the last ones are left out.
void cards_print(char *out, size_t len);
// Machine and build as a JSON object; <indent> blanks before each line.
void environment_write(FILE *out, const char *indent);
// What of this machine distorts a measurement on <core>, a line each; returns how many. <first>: of
// threads with a real-time priority. <step_ns>: of the clock.
uint32_t environment_warn(FILE *out, int core, bool first, uint64_t step_ns);
