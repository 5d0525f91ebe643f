// What two cores of this machine cost each other, whatever program runs on them: a line of memory
// handed over and back, and a thread woken. No way between them is shorter than the first; whoever
// sleeps pays the second.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/latency/hdr.h"
#include "dataplane/base/error.h"

// CORES_FIGURE(NAME, name, what)
#define CORES_FIGURE_LIST(X)                                                                  \
    X(LINE, line_round, "one word written, seen by the other core, answered in another line") \
    X(WAKE, wake_round,                                                                       \
      "the other core's thread sleeps in the kernel, is woken, answers by a line")            \
    X(BOTH, wakes_round, "both sleep: two wake-ups")

enum cores_figure {
#define CORES_FIGURE_ENUM(upper, lower, what) CORES_##upper,
    CORES_FIGURE_LIST(CORES_FIGURE_ENUM)
#undef CORES_FIGURE_ENUM
        CORES_FIGURES
};

struct cores_result {
    struct hdr figures[CORES_FIGURES]; // ns
    uint64_t ns;
};

// Each figure for <seconds>, between this thread on <far> and another on <near>.
bool cores_measure(long near, long far, double seconds, struct cores_result *r, struct error *err);
const char *cores_figure_name(enum cores_figure figure);
void cores_print(FILE *out, const struct cores_result *r);
// Members of a JSON object.
void cores_write(FILE *out, const struct cores_result *r);
