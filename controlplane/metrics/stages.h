// How long orders took from the burst that caused them to the port, stage by stage, out of the
// events that the lanes publish. The lanes only stamp.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/metrics/kills.h"
#include "controlplane/region/events.h"
#include "controlplane/trace/tree.h"

// STAGE(name, from and to, help). A stage ends where the next begins; the last is all of them.
#define STAGE_LIST(X)                                                                      \
    X(DECIDE, "decide", "Burst received to decision started: arbitration, book, strategy") \
    X(GATE, "gate", "Decision started to all risk checks made")                            \
    X(ENCODE, "encode", "Risk checks made to frame ready")                                 \
    X(SEND, "send", "Frame ready to frame handed to the port")                             \
    X(ORDER, "order", "Burst received to frame handed to the port")

enum stage {
#define STAGE_ENUM(upper, name, help) STAGE_##upper,
    STAGE_LIST(STAGE_ENUM)
#undef STAGE_ENUM
        STAGES
};

enum { STAGE_DECISIONS = 256 }; // remembered per source until it is known whether they left

// The newest order of a bucket whose trace is told.
struct stage_exemplar {
    struct trace_key key; // sequence 0: none
    uint64_t ticks;
    uint64_t utc_ns;
};

struct stages {
    bool traced; // by the one who owns this: traces are told, of one order in <one_in>
    uint32_t one_in;
    struct stage_exemplar exemplars[HISTOGRAM_BUCKETS]; // of STAGE_ORDER
    struct kill_watch kills;
    struct histogram histograms[STAGES]; // ticks of the attached instance
    uint64_t missed;                     // events that left the log unseen
    uint64_t next;                       // number in the log that is looked at next
    uint64_t epoch;
    struct stage_decision {
        uint64_t sequence; // 0: none
        uint64_t tsc;
        uint32_t encoded;
    } decisions[LANES_MAX][STAGE_DECISIONS];
};

const char *stage_name(enum stage stage);
const char *stage_help(enum stage stage);

// Takes what is new in the log. <tsc_hz>: of the instance that is attached.
void stages_take(struct stages *stages, const struct event_log *log, uint64_t tsc_hz);
