// The files of the day while everything runs: they are read again when a person asks for it, and
// looked at once a second for what begins and ends. What they make of the limits goes to the lanes
// as another table, between two orders (limits_live.h). A file that is not good changes nothing.
#pragma once

#include "dataplane/control/dataplane.h"

// RELOAD: true: the slot will be answered when the lanes have taken it, else *<result> is the
// answer now.
bool day_reload(struct dataplane *d, struct command_slot *slot, uint64_t utc_ns,
                enum command_result *result);
// Once a turn of the main lcore.
uint32_t day_turn(struct dataplane *d, uint64_t now_ns, uint64_t utc_ns);
// After a restart, before anything runs: reference data were read again at this place of the
// record, so the file counts, and not what persons had set of its values before.
void day_restore_reference(struct dataplane *d);
