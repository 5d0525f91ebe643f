// The strategies of a lane: loaded, watched, switched.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/limits.h"
#include "dataplane/base/error.h"
#include "dataplane/base/hints.h"
#include "dataplane/strategy/strategy.h"

// Why a strategy is not enabled.
enum strategy_off {
    STRATEGY_ON,
    STRATEGY_OFF_CONFIGURED, // not enabled at start
    STRATEGY_OFF_ASKED,      // by a person
    STRATEGY_OFF_LATE,       // a call took longer than its budget
    STRATEGY_OFF_RESET,      // parameters that a person had set went with a restart
};

struct strategy_slot {
    CACHE_ALIGN const struct strategy *strategy;
    void *state;
    uint64_t budget_ticks;
    uint64_t timer_at; // ticks; UINT64_MAX: none
    uint64_t calls;
    uint64_t ticks; // spent in them
    uint64_t ticks_max;
    uint64_t late; // calls beyond the budget
    uint16_t index;
    uint16_t account;
    uint8_t off; // enum strategy_off
    void *library;
    char name[NAME_LEN];
    struct strategy_setup setup;
};

// Loads <path>, checks its interface and version, and gives it zeroed state. For set-up only.
// False: EXIT_USAGE with what is wrong, <slot> is as before.
bool strategy_load(struct strategy_slot *slot, const char *path, const char *name,
                   struct error *err);
// The same for a strategy that is linked in.
bool strategy_attach(struct strategy_slot *slot, const struct strategy *strategy, const char *name,
                     struct error *err);
// Calls its start with slot->setup.
bool strategy_start(struct strategy_slot *slot, struct error *err);
void strategy_unload(struct strategy_slot *slot);

// After a call of the strategy that took <ticks>; true: it was too late.
static inline bool strategy_called(struct strategy_slot *slot, uint64_t ticks)
{
    slot->calls++;
    slot->ticks += ticks;
    slot->ticks_max = ticks > slot->ticks_max ? ticks : slot->ticks_max;
    if (LIKELY(ticks <= slot->budget_ticks))
        return false;
    slot->late++;
    return true;
}
