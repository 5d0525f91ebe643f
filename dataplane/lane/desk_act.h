// What a control does beside refusing an order, as it is configured to (limit_table.actions):
// blocks the scope whose limit it is, cancels what is open of it, or logs the order's session out,
// until a person resumes. By the same means as a person: HALT, kill words, logout.
//
//     lane: refuses, acts ── acted ─► main lcore ── ANSWER_ACT ─► other lanes of the same scope
#pragma once

#include "dataplane/lane/desk_parts.h"

// After the DECISION that refuses is published.
void desk_act(struct desk *d, const struct event_decision *e, enum limit_owned owner);
// Another lane has: of the firm, an account or a symbol. <what>: act_word.
void desk_act_take(struct desk *d, uint64_t what);
// Checks that orders failed and passed all the same, since the last call.
void desk_notes_tell(struct desk *d);
// Number of the record; 0: it found no room.
uint64_t desk_state_set(struct desk *d, enum trade_scope scope, uint32_t index,
                        enum trading_state state);
// A session that is disabled is logged out once nothing of it is open.
void desk_disabled_look(struct desk *d, uint32_t session);

static inline uint64_t act_word(enum control_action action, enum trade_scope scope, uint32_t index)
{
    return (uint64_t)action << 40 | (uint64_t)scope << 32 | index;
}
