// Spans: the sorted price arrays of the book, carved from one fixed arena by a binary buddy
// allocator.
//
// A span of class c holds SPAN_MIN << c price keys; a span of class 0 is one cache line. Neighbours
// that are both free are joined again, so a day's churn does not shatter the arena. Every operation
// is bounded by SPAN_CLASSES steps.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    SPAN_MIN = 16,     // keys of class 0, and what one comparison looks at
    SPAN_CLASSES = 11, // class 10 = 16,384 levels on one side of one book
    SPAN_LEVELS_MAX = SPAN_MIN << (SPAN_CLASSES - 1),
    SPAN_UNIT = SPAN_MIN * (int)sizeof(uint32_t), // bytes of class 0: a cache line
};
#define SPAN_NONE UINT32_MAX

struct span_arena {
    uint8_t *units; // <unit_count> units of SPAN_UNIT bytes
    uint8_t *state; // per unit: class of the block that starts here, SPAN_FREE, 0xff inside a block
    uint32_t unit_count;         // multiple of 1 << (SPAN_CLASSES - 1)
    uint32_t units_used;         // gauge
    uint32_t free[SPAN_CLASSES]; // head of each class's free list, SPAN_NONE when empty
};

// Bytes that the state array needs for <unit_count> units.
static inline uint64_t span_state_bytes(uint32_t unit_count)
{
    return unit_count;
}

// Rounds <unit_count> down to whole blocks of the largest class.
void span_init(struct span_arena *arena, void *units, void *state, uint32_t unit_count);

// First unit of a block of <class>, SPAN_NONE when no such block is left.
uint32_t span_alloc(struct span_arena *arena, unsigned size_class);
void span_free(struct span_arena *arena, uint32_t unit, unsigned size_class);

static inline uint32_t span_capacity(unsigned size_class)
{
    return (uint32_t)SPAN_MIN << size_class;
}

static inline uint32_t *span_keys(const struct span_arena *arena, uint32_t unit)
{
    return (uint32_t *)(void *)(arena->units + (uint64_t)unit * SPAN_UNIT);
}
