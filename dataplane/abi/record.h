// What the control plane says about the journal: one word, which the lanes look at. And that it
// lives: another, which the main lcore looks at.
//
// state  writer: the control plane, release; readers: the lanes. Stays as it is when the control
//        plane is killed: whoever comes next says what is so then.
//
// beat   writer: the control plane, relaxed, several times a second: that it changes is all that it
//        says.
//
// That a record is durable says the ring: below its <committed> (ring.h) everything is, while the
// state is RECORD_WRITTEN.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "dataplane/abi/limits.h"

// RECORD_STATE(NAME, name, help)
#define RECORD_STATE_LIST(X)                                                          \
    X(ABSENT, "absent", "nobody writes a journal, or it has not begun yet")           \
    X(WRITTEN, "written", "events become durable")                                    \
    X(MEMORY, "memory", "events are written but not synced (durability: memory)")     \
    X(FULL, "full", "the disk is full")                                               \
    X(SLOW, "slow", "a commit takes too long")                                        \
    X(FAILED, "failed", "a write or a sync failed: what the disk holds is not known") \
    X(DAMAGED, "damaged", "what stands in the journal is not what was written")       \
    X(UNVERIFIED, "unverified", "the day that a start went on from is being verified")

enum record_state {
#define RECORD_STATE_ENUM(upper, lower, help) RECORD_##upper,
    RECORD_STATE_LIST(RECORD_STATE_ENUM)
#undef RECORD_STATE_ENUM
        RECORD_STATES
};

struct record_word {
    _Alignas(CACHE_LINE_LEN) _Atomic uint64_t state; // enum record_state
    _Atomic uint64_t beat;
    uint64_t unused[6];
};

// "?" for a number that this version does not know.
static inline const char *record_state_name(unsigned state)
{
    static const char *const names[RECORD_STATES] = {
#define RECORD_STATE_NAME(upper, lower, help) lower,
        RECORD_STATE_LIST(RECORD_STATE_NAME)
#undef RECORD_STATE_NAME
    };
    return state < RECORD_STATES ? names[state] : "?";
}

// No order may enter: its record would have no place. A state that this version does not know is
// one of these.
static inline int record_stops(uint64_t state)
{
    return state > RECORD_MEMORY;
}
