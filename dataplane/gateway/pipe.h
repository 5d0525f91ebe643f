// Hot path. The lane's end of a client's rings. Everything it decides by is here, in private
// memory; of the client's memory it believes nothing but what it has copied and checked.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/hints.h"
#include "dataplane/gateway/layout.h"

struct gateway_pipe {
    struct gateway_inward *inward;
    struct gateway_outward *outward;
    uint32_t requests_head;
    uint32_t requests_tail; // as last seen
    uint32_t requests_mask;
    uint32_t answers_tail;
    uint32_t answers_head; // as last seen
    uint32_t answers_mask;
};

enum pipe_look {
    PIPE_EMPTY,
    PIPE_TAKEN,
    PIPE_BROKEN, // the client's index is impossible: more than the ring holds, or it went back
};

// <requests>, <answers>: slots, powers of two; the memory is zeroed but for the outward's facts.
static inline void pipe_init(struct gateway_pipe *p, struct gateway_inward *inward,
                             struct gateway_outward *outward, uint32_t requests, uint32_t answers)
{
    *p = (struct gateway_pipe){.inward = inward,
                               .outward = outward,
                               .requests_mask = requests - 1,
                               .answers_mask = answers - 1};
}

// Word by word, each read once: what is checked is what is used, whatever the client writes
// meanwhile.
HOT_INLINE void request_copy(struct gateway_request *to, const struct gateway_request *from)
{
#pragma GCC unroll 8
    for (uint32_t i = 0; i < sizeof *to / sizeof(uint64_t); i++) {
        const uint64_t word =
            __atomic_load_n((const uint64_t *)(const void *)from + i, __ATOMIC_RELAXED);
        __builtin_memcpy((uint8_t *)to + i * sizeof word, &word, sizeof word);
    }
}

HOT_INLINE enum pipe_look pipe_take(struct gateway_pipe *p, struct gateway_request *out)
{
    if (LIKELY(p->requests_head == p->requests_tail)) {
        const uint32_t tail = atomic_load_explicit(&p->inward->requests_tail, memory_order_acquire);
        if (LIKELY(tail == p->requests_head))
            return PIPE_EMPTY;
        if (UNLIKELY(tail - p->requests_head > p->requests_mask + 1))
            return PIPE_BROKEN;
        p->requests_tail = tail;
    }
    request_copy(out, &p->inward->requests[p->requests_head & p->requests_mask]);
    atomic_store_explicit(&p->outward->requests_head, ++p->requests_head, memory_order_release);
    return PIPE_TAKEN;
}

// The slot behind a request that said so; false: the client has put none.
static inline bool pipe_take_more(struct gateway_pipe *p, union gateway_more *out)
{
    struct gateway_request slot;
    if (p->requests_head == p->requests_tail || pipe_take(p, &slot) != PIPE_TAKEN)
        return false;
    __builtin_memcpy(out, &slot, sizeof *out);
    return true;
}

// Looks at how far the client has read; false: its index is impossible.
HOT_INLINE bool pipe_look(struct gateway_pipe *p)
{
    const uint32_t head = atomic_load_explicit(&p->inward->answers_head, memory_order_acquire);
    if (UNLIKELY(head - p->answers_head > p->answers_tail - p->answers_head))
        return false;
    p->answers_head = head;
    return true;
}

// Slots for answers that are surely free; pipe_look may find more.
HOT_INLINE uint32_t pipe_room(const struct gateway_pipe *p)
{
    return p->answers_mask + 1 - (p->answers_tail - p->answers_head);
}

// There is room.
HOT_INLINE void pipe_put(struct gateway_pipe *p, const struct tickgate_answer *answer)
{
    p->outward->slots[p->answers_tail & p->answers_mask] = *answer;
    atomic_store_explicit(&p->outward->answers_tail, ++p->answers_tail, memory_order_release);
}
