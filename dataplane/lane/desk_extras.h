// What strategies and clients say of options, as the wire takes it.
#pragma once

#include "dataplane/lane/desk.h"
#include "dataplane/strategy/strategy.h"
#include "dataplane/wire/ouch_extras.h"

// What is zero is not said. Values are judged with the order (ouch_extras_good).
void desk_extras_from(const struct strategy_options *said, struct ouch_extras *out);

// Publishes ORDER_OPTIONS, before the DECISION that they are of.
void desk_extras_publish(struct desk *d, const struct desk_owner *who, const struct event *decision,
                         const struct ouch_extras *extras);
