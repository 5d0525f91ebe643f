// Limits that were set while a captured lane ran. Private to replay.
#pragma once

#include "dataplane/control/dataplane.h"
#include "dataplane/lane/desk_limits.h"

// The table of <swap>'s records, beside the one that the lane has, as the main lcore made it.
// False: the configuration does not have such a limit.
bool replay_limits_make(struct dataplane *d, uint32_t lane, struct limits_swap *swap);
// Behind the turn in which the lane has seen it.
void replay_limits_settle(struct dataplane *d, uint32_t lane, struct limits_swap *swap);
