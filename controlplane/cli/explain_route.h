// The routed order that an order is a part of: why it went to this venue, and what was decided
// about the others.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "controlplane/cli/journal_events.h"

struct explain_round {
    json_t *before; // owned: what the round has said so far, until the order is known to be of it
    uint64_t input;
    uint32_t route, round; // 0: none has begun
    bool ours;
};

// Adds to the view of a ROUTE or ROUTE_VENUE what its numbers stand for.
void explain_round_add(json_t *row, const struct journal_events *f);
// Takes <row>, the view of an event of the story's lane: a round begins, or says something.
void explain_round_note(struct explain_round *r, const struct journal_events *f, json_t *row);
// Whether a ROUTE_VENUE is told in the story. <child>: it names the order.
bool explain_round_tells(struct explain_round *r, const struct event *e, bool child);
// Puts what was said before the order in front of its story, once. Takes <steps>.
json_t *explain_round_begin(struct explain_round *r, json_t *steps);
