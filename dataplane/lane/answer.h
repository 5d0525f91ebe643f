// What comes from the main lcore and from the control plane, a bounded number per turn.
#pragma once

#include "dataplane/lane/lane.h"

uint32_t answers_take(struct lane *lane, uint64_t now);
uint32_t commands_take(struct lane *lane);
