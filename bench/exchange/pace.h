// When a message is due, in nanoseconds since the start: as recorded, N times as fast, at a fixed
// rate, or at once.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum pace_kind { PACE_MAX, PACE_RECORDED, PACE_RATE };

struct pace {
    enum pace_kind kind;
    uint32_t speed_1000;  // PACE_RECORDED: times as fast, in thousandths
    uint64_t rate;        // PACE_RATE: messages per second
    uint64_t idle_max_ns; // longer gaps are cut to this; 0: never
    bool started;
    uint64_t source_ns; // of the last message
    uint64_t due_ns;    // of the last message
    uint64_t rest;      // what the division of due_ns left over
};

// Time of the next message, which the source dates <source_ns>. Depends on nothing but the calls
// before.
static inline uint64_t pace_next(struct pace *p, uint64_t source_ns)
{
    uint64_t gap = p->started && source_ns > p->source_ns ? source_ns - p->source_ns : 0;
    p->started = true;
    p->source_ns = source_ns;
    switch (p->kind) {
    case PACE_MAX: return 0;
    case PACE_RATE: {
        // One message further is 1e9 / rate further; the remainder keeps the sum exact over any
        // length.
        uint64_t due = p->due_ns;
        uint64_t step = 1000000000ull + p->rest;
        p->due_ns += step / p->rate;
        p->rest = step % p->rate;
        return due;
    }
    case PACE_RECORDED: break;
    }
    uint64_t step = gap * 1000 + p->rest;
    uint64_t wait = step / p->speed_1000;
    p->rest = step % p->speed_1000;
    p->due_ns += p->idle_max_ns && wait > p->idle_max_ns ? p->idle_max_ns : wait;
    return p->due_ns;
}
