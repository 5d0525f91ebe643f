// Event rings in the region: one producer (a lane, or the main lcore), one reader (the control
// plane).
//
//   committed <= reader's cursor <= tail <= committed + slots        all three only grow, from 0
//
//   tail       writer: producer, with release after the record is written; the reader loads it with
//              acquire before it reads records below it
//   committed  writer: reader, with release after it is done with the records below it (journaled,
//   or
//              taken over); the producer loads it with acquire before it uses their slots again
//
// The producer never waits: a full ring is an answer. It works from its own copies of tail and
// capacity and believes of <committed> only what is between its last value and tail: a reader that
// writes nonsense harms what it reads, not the lane.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/abi/events.h"
#include "dataplane/abi/limits.h"

struct event_ring {
    _Alignas(CACHE_LINE_LEN) _Atomic uint64_t tail; // producer: records published
    _Atomic uint64_t lost;                          // producer: records that found the ring full
    _Atomic uint64_t overrun; // producer: tail at the last refusal + 1; sticky, 0 = never (trading)
    uint64_t unused1[5];
    _Alignas(CACHE_LINE_LEN) _Atomic uint64_t committed; // reader: records it is done with
    uint64_t unused2[7];
};

// The producer's side; private memory.
struct event_writer {
    struct event_ring *ring;
    struct event *slots;
    uint64_t tail;      // records published
    uint64_t committed; // last believed value
    uint64_t sequence;  // of the next record
    uint64_t lost;      // refused since the last record that was published
    uint32_t mask;      // slots - 1
    uint8_t lane;
    enum event_ring_kind kind;
};

// <slots> is a power of two.
static inline void event_writer_init(struct event_writer *w, enum event_ring_kind kind,
                                     uint8_t lane, struct event_ring *ring, struct event *memory,
                                     uint32_t slots)
{
    memset(w, 0, sizeof *w);
    w->ring = ring;
    w->slots = memory;
    w->sequence = 1;
    w->mask = slots - 1;
    w->lane = lane;
    w->kind = kind;
}

// Slots that may be written now.
static inline uint64_t event_credit(struct event_writer *w)
{
    uint64_t committed = atomic_load_explicit(&w->ring->committed, memory_order_acquire);
    if (committed >= w->committed && committed <= w->tail)
        w->committed = committed;
    return (uint64_t)w->mask + 1 - (w->tail - w->committed);
}

static inline void event_store(struct event_writer *w, const struct event *event)
{
    struct event *slot = &w->slots[w->tail & w->mask];
    *slot = *event;
    slot->sequence = w->sequence++;
    slot->lane = w->lane;
    atomic_store_explicit(&w->ring->tail, ++w->tail, memory_order_release);
}

// Publishes a copy of <event>; sequence and lane are filled in here. False: no room, and it is
// counted in ring->lost. In a trading ring the sequence has no hole then: the next record that
// finds room is preceded by an OVERRUN that says how many are missing. In a diagnostic ring the
// number is skipped.
static inline bool event_write(struct event_writer *w, const struct event *event)
{
    uint64_t room = (uint64_t)w->mask + 1 - (w->tail - w->committed);
    uint64_t need = 1 + (w->lost && w->kind == EVENT_RING_TRADING);
    if (__builtin_expect(room < need, 0) && event_credit(w) < need) {
        w->lost++;
        if (w->kind == EVENT_RING_DIAGNOSTIC)
            w->sequence++;
        else
            atomic_store_explicit(&w->ring->overrun, w->tail + 1, memory_order_relaxed);
        uint64_t lost = atomic_load_explicit(&w->ring->lost, memory_order_relaxed);
        atomic_store_explicit(&w->ring->lost, lost + 1, memory_order_relaxed);
        return false;
    }
    if (need > 1) {
        struct event overrun = {.type = EVENT_OVERRUN, .tsc = event->tsc, .input = event->input};
        overrun.overrun.lost = w->lost;
        event_store(w, &overrun);
    }
    w->lost = 0;
    event_store(w, event);
    return true;
}

// The reader's side. Copies up to <max> records from *<cursor> on and moves it; false when the ring
// says something impossible (tail behind the cursor, or more than <slots> ahead).
static inline bool event_read(const struct event_ring *ring, const struct event *memory,
                              uint32_t slots, uint64_t *cursor, struct event *out, uint32_t max,
                              uint32_t *count)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    *count = 0;
    if (tail - *cursor > slots)
        return false;
    while (*count < max && *cursor != tail)
        out[(*count)++] = memory[(*cursor)++ & (slots - 1)];
    return true;
}

static inline void event_commit(struct event_ring *ring, uint64_t cursor)
{
    atomic_store_explicit(&ring->committed, cursor, memory_order_release);
}
