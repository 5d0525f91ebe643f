// How a table of limits differs from the one that a lane has, for its capture: rows of the
// configuration, files of the day and what persons set all end in a table, so a replay needs
// nothing but this.
#pragma once

#include "dataplane/lane/desk_limits.h"

// Into s->runs, which was made here before or is null; limits_runs_free at last. <leased>: the lane
// shares limits with others and writes what it was granted into <was>; those are always told.
void limits_runs_make(struct limits_swap *s, const struct limit_table *was,
                      const struct limit_table *now, bool leased);
void limits_runs_free(struct limits_swap *s);
// One of them into a table that is as the one before. False: it is beyond its end.
bool limits_run_apply(const struct capture_limits *place, const uint8_t *bytes, uint32_t len,
                      struct limit_table *t);
static inline uint64_t limit_table_bytes(const struct limit_table *t)
{
    return sizeof *t + t->symbol_count * sizeof t->symbols[0];
}
