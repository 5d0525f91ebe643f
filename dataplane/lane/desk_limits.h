// Another table of limits: the main lcore makes it, the lane takes it whole, between two frames.
//
//     main lcore ── ANSWER_LIMITS ─► lane: records and swaps ── <done> ─► main lcore
//
// What lets more pass is recorded first, and not taken without room for the record; what lets less
// pass is in force first.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/capture.h"
#include "dataplane/lane/desk.h"

enum limits_taken {
    LIMITS_TAKEN,
    LIMITS_AGAIN,   // a trading state has changed since the table was made: make it anew
    LIMITS_NO_ROOM, // for the records: the old table stays
};

// Written by the main lcore before it is handed over, then by the lane until <done>.
struct limits_swap {
    struct limit_table *table; // with the trading states of the lane's table
    uint32_t states;           // desk.limits_states when they were copied
    uint32_t count;
    bool widens;
    uint8_t taken; // enum limits_taken
    uint32_t version;
    uint64_t sequence; // of the first record, 0: it found no room
    struct event_limit_changed records[LIMIT_CHANGES_MAX];
    const uint8_t *runs; // for the capture: how <table> differs (limits_runs.h); null: no memory
    uint64_t runs_len;
    _Atomic bool done; // lane: the rest is the main lcore's again, and the old table too
};

// Bytes in which a table is another than the one before; they follow. Multiples of 8.
struct limits_run {
    uint32_t len;
    struct capture_limits place;
    uint32_t unused;
};
enum { LIMITS_RUN_MAX = CAPTURE_RECORD_MAX / 2 };

// Before the lane runs: <table>, from <version> on.
void desk_limits_restore(struct desk *d, struct limit_table *table, uint32_t version);
void desk_limits_swap(struct desk *d, struct limits_swap *swap);
