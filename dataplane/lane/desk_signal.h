// Signals: numbers from models outside, told to the strategies that watch their symbol.
#pragma once

#include "dataplane/gateway/tickgate.h"
#include "dataplane/lane/desk.h"

enum { CONFIDENCE_MAX = 10000 };

// Records <s>, which has been checked, and tells the strategies. <strategy>: number of who sent it
// in the scopes; <source>: its place among the lane's clients.
enum refusal desk_signal(struct desk *d, uint16_t strategy, uint32_t source,
                         const struct tickgate_signal *s);
