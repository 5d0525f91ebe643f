// The market half of practice: frames that only the lane itself receives.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/lane/lane.h"

struct desk_warm_market;

uint64_t desk_warm_market_bytes(void);
// Takes the place behind the lane's last input and channel. Null: there is none, or no channel of
// the lane speaks ITCH 5.0.
struct desk_warm_market *desk_warm_market_init(struct lane *lane, void *memory);
// One frame through the lane. The caller has the lane's counters elsewhere and puts its numbers
// back.
void desk_warm_market_turn(struct desk_warm_market *m, struct lane *lane);
// Best prices that practice frames have changed in the book of their own.
uint64_t desk_warm_market_changes(const struct desk_warm_market *m);
