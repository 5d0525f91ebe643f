// Warnings before a limit binds: limits.warn_percent. The main lcore looks ten times a second at
// what the lanes have used, so that a warning costs a lane nothing. What is over again before it
// looks is not warned of; an order beyond the limit is refused and recorded all the same.
#pragma once

#include "dataplane/control/limits_fill.h"
#include "dataplane/control/limits_live.h"

struct limit_warnings;

// When desks and limits are there. Null-safe where nothing trades, as all that follow.
bool warnings_start(struct dataplane *d, struct error *err);
// A part of the round that is due: LIMIT_WARNING when the use of a limit has reached the percentage
// of it, once, and again when it has fallen 5 points of the limit below it.
void warnings_turn(struct dataplane *d, uint64_t now_ns);
// Use from which on a limit of <value> is warned of; LIMIT_NOTHING: never.
uint64_t warning_at(struct limits_source *s, enum trade_scope scope, uint32_t index,
                    uint64_t value);
// It is. <row>: number of the scope's row (limits_rows.h).
bool warning_on(const struct dataplane *d, uint64_t row, const struct limit_entry *e);
void warnings_free(struct dataplane *d);
