// Tables of limits: made of what is set and of the files of the day, one for the desk of each lane.
#pragma once

#include "dataplane/control/dataplane.h"
#include "dataplane/control/limits_fill.h"

// The spare one of the lane's desk. <back>: of what was in force before the change that is in work.
// Trading states are the lane's: it gets those that the lane has. Returns how many changes of them
// it knows of.
uint64_t limits_table_make(const struct dataplane *d, uint32_t lane,
                           const struct limits_source *source, bool back);
// It is made but for trading states: its hash.
void limits_table_seal(struct limit_table *t);
// The spare one is the desk's.
void limits_table_swap(struct dataplane_desk *dd);
// What persons had set (limits_restore) beside what files say now. False: a limit of the broker's
// would not hold. What leaves no order room is only told: nothing more passes for it, and a person
// sets it.
bool limits_restored_good(const struct dataplane *d, struct error *err);
// Before the lanes run: all desks have tables of what persons had set (limits_restore). <versions>:
// of the limits, by lane. Null-safe where nothing trades.
void limits_restored(struct dataplane *d, const uint32_t versions[LANES_MAX]);
