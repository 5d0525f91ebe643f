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
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/hints.h"

// One per thread and device, in memory that outlives pollers_forget.
struct poller {
    CACHE_ALIGN _Atomic uint64_t looks; // writer: the thread that polls
    _Atomic uint32_t inside;            // in the driver; writer: the same
    _Atomic uint32_t paused;            // the pause that it has seen and keeps; writer: the same
    _Atomic uint32_t pause;             // not 0: keep out. Writer: main lcore
};

// Before every call into the driver. Release: what was done in the driver before is over.
static inline void poller_look(struct poller *poller)
{
    uint64_t looks = atomic_load_explicit(&poller->looks, memory_order_relaxed);
    atomic_store_explicit(&poller->looks, looks + 1, memory_order_release);
}

// True: the caller may go into the driver, and says poller_leave behind it.
//
// That <inside> is seen before <pause> is looked at takes no fence here: who sets <pause> makes
// every other thread of the process have one (poller_hold).
static inline bool poller_enter(struct poller *poller)
{
    poller_look(poller);
    atomic_store_explicit(&poller->inside, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    const uint32_t pause = atomic_load_explicit(&poller->pause, memory_order_acquire);
    if (LIKELY(pause == 0))
        return true;
    // Release: what this thread did in the driver comes before its answer.
    atomic_store_explicit(&poller->inside, 0, memory_order_release);
    atomic_store_explicit(&poller->paused, pause, memory_order_release);
    return false;
}

static inline void poller_leave(struct poller *poller)
{
    atomic_store_explicit(&poller->inside, 0, memory_order_release);
}

// For who polls none of them, without waiting: true, the poller is not in the driver and will not
// go there until poller_release. False: it may be.
bool poller_hold(struct poller *poller, uint32_t pause);
static inline void poller_release(struct poller *poller)
{
    atomic_store_explicit(&poller->pause, 0, memory_order_release);
}

// Pollers of a device that an unmapping waits for; at most LANES_MAX + 1 of each of PORTS_MAX
// devices. Not for those who poll.
void pollers_watch(struct poller *pollers, uint32_t count);
void pollers_forget(const struct poller *pollers);

// Calls <fn>(<arg>) on DPDK's interrupt thread and waits until it is done. What a driver does there
// by itself, like memif's handshake, does not happen at the same time. An unmapping in it waits for
// nobody.
void interrupt_thread_call(void (*fn)(void *arg), void *arg);
