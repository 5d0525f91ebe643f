// What a lane publishes, and what it does when there is nothing to do.
#pragma once

#include "dataplane/lane/lane.h"

// Publishes in the trading ring; the lane's stamp and input number are filled in. A full ring is
// counted and leaves an OVERRUN in front of the next event that finds room.
void lane_event(struct lane *lane, struct event *event);

// The idle policy of the configuration. Only IDLE_POLL and IDLE_PAUSE make no system call: the
// others are for machines with fewer cores than lanes.
void lane_idle(const struct lane *lane);
