// Tables of limits that a lane got while it ran: each as it differed from the one before.
#pragma once

#include "dataplane/control/dataplane.h"
#include "dataplane/control/replay_source.h"
#include "dataplane/lane/desk_limits.h"

// CAPTURE_LIMITS has what its value says.
bool replay_limits_sound(const struct replay_record *r);
// The table that <r> differs from, and where.
bool replay_limits_put(struct dataplane *d, uint32_t lane, struct limits_swap *s,
                       const struct replay_record *r);
// What is asked with it, CAPTURE_ANSWER of ANSWER_LIMITS.
bool replay_limits_ask(struct dataplane *d, uint32_t lane, struct limits_swap *s,
                       const struct replay_record *r);
// Behind the turn.
void replay_limits_settle(struct dataplane *d, uint32_t lane, struct limits_swap *s);
