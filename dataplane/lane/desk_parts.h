// What the files of the desk share.
#pragma once

#include "dataplane/lane/desk.h"

// Publishes; false: the ring is full.
bool desk_publish(struct desk *d, struct event *event);
// Exposure follows what the order may still do.
void desk_hold(struct desk *d, struct own_order *o);
struct exposure_owner desk_burden(const struct own_order *o);
// Takes in what a message or a finding did to an order: exposure, position, event, owner, cancels.
void desk_settle(struct desk *d, uint32_t index, const struct ouch_report *r,
                 enum order_message message, const struct order_outcome *out);
void desk_report(struct desk *d, uint32_t session, const struct ouch_report *r);
bool desk_killed(const struct desk *d, const struct own_order *o);
