// When each trigger of an open loop is due. The schedule is made before the run and never waits
// for an answer: what cannot be sent in time is late from the moment it was due.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/error.h"

enum schedule_kind { SCHEDULE_CONSTANT, SCHEDULE_POISSON, SCHEDULE_RECORDED };

struct schedule_options {
    enum schedule_kind kind;
    double rate;      // a second; constant and Poisson
    double seconds;   // length of the schedule
    uint64_t seed;    // Poisson
    const char *file; // recorded: pcap, pcapng or BinaryFILE, plain or gzip
    double speed;     // recorded: times as fast as recorded
};

struct schedule {
    uint64_t *due_ns; // ascending, from 0 on
    uint64_t count;
    double rate; // mean
    // Recorded: the busiest stretch of the recording that is as long as the run times its speed.
    double stretch_start_s, stretch_s;
};

// Triggers beyond <room> are left out. False: no memory, or the file cannot be read or is empty.
bool schedule_make(struct schedule *s, const struct schedule_options *o, uint64_t room,
                   struct error *err);
void schedule_free(struct schedule *s);
