// Memory that a driver shares with another process is unmapped only when nobody is inside the
// driver.
//
// DPDK's memif driver unmaps it on DPDK's interrupt thread the moment the peer is gone
// (memif_disconnect, memif_free_regions), and whoever polls may be in the middle of a burst. It
// first marks the device as not connected, and a burst that begins after that touches nothing: so
// the call of munmap has to wait for one more look of everybody who polls. The driver's call finds
// the munmap of this file, as a program's own functions come before those of the C library.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "dataplane/base/hints.h"

// One per thread and device, in memory that outlives pollers_forget.
struct poller {
    CACHE_ALIGN _Atomic uint64_t looks; // writer: the thread that polls
    _Atomic uint32_t paused;            // the pause that it has seen and keeps; writer: the same
};

// Before every call into the driver. Release: what was done in the driver before is over.
static inline void poller_look(struct poller *poller)
{
    uint64_t looks = atomic_load_explicit(&poller->looks, memory_order_relaxed);
    atomic_store_explicit(&poller->looks, looks + 1, memory_order_release);
}

// Pollers of a device that an unmapping waits for; at most LANES_MAX + 1 of each of PORTS_MAX
// devices. Not for those who poll.
void pollers_watch(struct poller *pollers, uint32_t count);
void pollers_forget(const struct poller *pollers);
