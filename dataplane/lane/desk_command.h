// What people order of a lane that trades: commands KILL to STRATEGY_SET, and ORDER_CLOSE
// (abi/commands.h).
//
// What narrows (kill, halt, cancel, disabling) is done whatever state the event ring is in, and
// recorded where there is room. What widens is recorded first, and not done without room for that.
#pragma once

#include "dataplane/lane/lane.h"

// <request> is in shared memory and copied before it is looked at. *<sequence>: the event from
// which on it is in force; 0 where that found no room.
enum command_result desk_command(struct lane *lane, enum command_type type,
                                 const struct govern_request *request, struct govern_answer *answer,
                                 uint64_t *sequence);
