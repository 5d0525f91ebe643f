// What goes into the database in one transaction: rows, sums, and how far the journal is taken.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/store/link.h"
#include "controlplane/store/rows.h"
#include "controlplane/store/sums.h"
#include "controlplane/store/text.h"

enum { BATCH_DAYS = 8 };

struct batch_limits {
    uint64_t events;
    uint64_t bytes; // of the rows
};

struct batch {
    struct row_writer rows;
    struct sql_text before; // rows of tables that are not copied into
    struct sql_text sums;
    int32_t days[BATCH_DAYS]; // of its rows, since 1970
    uint32_t day_count;
    uint64_t from;    // the cursor that it moves ...
    uint64_t last;    // ... and where to
    uint64_t segment; // of the last record
    uint64_t events;
    uint64_t executions;
    uint64_t begun_ns; // CLOCK_MONOTONIC, of the first record
    uint64_t block_ns; // UTC, of the last record's block
};

void batch_free(struct batch *b);
// Empties it. <from>: the last record that was taken before.
void batch_begin(struct batch *b, uint64_t from);
static inline bool batch_empty(const struct batch *b)
{
    return b->last == b->from;
}
// False: the event's day does not fit any more.
bool batch_add(struct batch *b, struct sums *sums, const struct event *e);

// Writes the batch and moves the cursor, all or nothing. <again>: earlier starts of the node may
// have had its executions. False: link->why; whether it counts, the
// cursor in the database tells.
bool batch_send(struct batch *b, struct link *link, bool again);
