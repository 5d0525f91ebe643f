// What docs/signals.md says of sources, plain and with nothing of the lane's own code: a bucket for
// the rate, the list of faults for the breaker. The first two sources have one role, the third
// stands by itself. cmocka.h is included before this header.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/signal.h"
#include "dataplane/wire/signal.h"

enum { MODEL_SOURCES = 3, MODEL_FAULTS = 8192 };

// ns and messages. The same for all sources.
struct signal_rules {
    uint64_t rate_ns, burst_ns, faults_ns, rest_ns, silence_ns, ahead_ns;
    uint32_t faults;
    uint16_t confidence;
};

struct model_source {
    const struct signal_rules *rules;
    uint8_t state;
    uint16_t first;
    bool any;             // has come, and these are its last ones
    uint64_t run, number; // whatever became of it
    uint64_t as_of_ns;
    // The bucket: how full it was, and when.
    uint64_t full_ns, full_at;
    uint64_t fault_at[MODEL_FAULTS]; // since the breaker closed
    uint32_t fault_count, faults_from;
    uint64_t opened_at, heard_at;
    uint64_t verdicts[SIGNAL_VERDICTS];
    uint64_t missing, opened, silences;
};

struct signal_model {
    struct model_source sources[MODEL_SOURCES];
    uint64_t fallbacks;
    uint16_t heard[MODEL_SOURCES];
};

void model_open(struct signal_model *m, const struct signal_rules *rules);
// A record of a source arrives. <*told>: strategies hear it.
enum signal_verdict model_record(struct signal_model *m, uint32_t source, uint64_t run,
                                 const struct signal_record *r, bool sound, bool traded,
                                 uint64_t now, uint64_t utc_ns, bool *told);
// A datagram that is none.
void model_garbage(struct signal_model *m, uint32_t source, uint64_t now);
// The end of a turn.
void model_turn(struct signal_model *m, uint64_t now);
