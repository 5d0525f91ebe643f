// A drain that a test waits for.
#pragma once

#include "tests/lib/journal_rig.h"

#include <time.h>

#include "controlplane/journal/drain.h"
#include "dataplane/base/clock.h"

enum { PATIENCE_S = 60 };

// Until everything published is durable.
static inline void drain_settle(struct drain *d)
{
    const uint64_t ticket = drain_ask(d);
    const uint64_t until = clock_mono_ns() + PATIENCE_S * UINT64_C(1000000000);
    while (!drain_asked(d, ticket)) {
        assert_true(clock_mono_ns() < until);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}
