// Single-producer single-consumer ring of fixed-size records between a lane and the main lcore (one
// process).
//
// Writer of <tail>: the producer. Writer of <head>: the consumer. Both only grow and are compared
// through their unsigned difference. Release on publication pairs with acquire on the other side.
// Never waits: full and empty are answers.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/base/hints.h"

struct spsc {
    CACHE_ALIGN _Atomic uint32_t tail; // producer
    uint32_t head_seen;                // producer's last look at head
    CACHE_ALIGN _Atomic uint32_t head; // consumer
    uint32_t tail_seen;                // consumer's last look at tail
    CACHE_ALIGN uint32_t mask;         // capacity - 1, fixed at init
    uint32_t record_size;
    uint8_t *records;
};

// <memory> holds capacity * record_size bytes and outlives the ring; capacity is a power of two.
static inline void spsc_init(struct spsc *r, void *memory, uint32_t capacity, uint32_t record_size)
{
    memset(r, 0, sizeof *r);
    r->mask = capacity - 1;
    r->record_size = record_size;
    r->records = memory;
}

// Producer: <n> more records find room.
static inline bool spsc_room(struct spsc *r, uint32_t n)
{
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    if (LIKELY(tail - r->head_seen + n <= r->mask + 1))
        return true;
    r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
    return tail - r->head_seen + n <= r->mask + 1;
}

static inline bool spsc_push(struct spsc *r, const void *record)
{
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    if (UNLIKELY(tail - r->head_seen > r->mask)) {
        r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
        if (tail - r->head_seen > r->mask)
            return false;
    }
    memcpy(r->records + (size_t)(tail & r->mask) * r->record_size, record, r->record_size);
    atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
    return true;
}

static inline bool spsc_pop(struct spsc *r, void *record)
{
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    if (head == r->tail_seen) {
        r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
        if (head == r->tail_seen)
            return false;
    }
    memcpy(record, r->records + (size_t)(head & r->mask) * r->record_size, r->record_size);
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
    return true;
}
