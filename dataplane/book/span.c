#include "dataplane/book/span.h"

#include <string.h>

#include "dataplane/base/check.h"

// State of a unit: bit 7 = a block starts here, bit 6 = that block is free, low bits its class.
// Units inside a block hold SPAN_INSIDE.
enum { SPAN_START = 0x80, SPAN_FREE = 0x40, SPAN_CLASS = 0x0f, SPAN_INSIDE = 0 };

// A free block keeps its list neighbours in its own first bytes.
struct span_links {
    uint32_t next;
    uint32_t prev;
};

static struct span_links *links_of(const struct span_arena *arena, uint32_t unit)
{
    return (struct span_links *)(void *)(arena->units + (uint64_t)unit * SPAN_UNIT);
}

static void list_push(struct span_arena *arena, uint32_t unit, unsigned size_class)
{
    uint32_t head = arena->free[size_class];
    *links_of(arena, unit) = (struct span_links){.next = head, .prev = SPAN_NONE};
    if (head != SPAN_NONE)
        links_of(arena, head)->prev = unit;
    arena->free[size_class] = unit;
    arena->state[unit] = (uint8_t)(SPAN_START | SPAN_FREE | size_class);
}

static void list_remove(struct span_arena *arena, uint32_t unit, unsigned size_class)
{
    const struct span_links links = *links_of(arena, unit);
    if (links.prev == SPAN_NONE)
        arena->free[size_class] = links.next;
    else
        links_of(arena, links.prev)->next = links.next;
    if (links.next != SPAN_NONE)
        links_of(arena, links.next)->prev = links.prev;
    arena->state[unit] = SPAN_INSIDE;
}

void span_init(struct span_arena *arena, void *units, void *state, uint32_t unit_count)
{
    const uint32_t largest = 1u << (SPAN_CLASSES - 1);
    arena->units = units;
    arena->state = state;
    arena->unit_count = unit_count / largest * largest;
    arena->units_used = 0;
    memset(state, SPAN_INSIDE, unit_count);
    for (unsigned size_class = 0; size_class < SPAN_CLASSES; size_class++)
        arena->free[size_class] = SPAN_NONE;
    for (uint32_t unit = arena->unit_count; unit >= largest; unit -= largest)
        list_push(arena, unit - largest, SPAN_CLASSES - 1);
}

uint32_t span_alloc(struct span_arena *arena, unsigned size_class)
{
    unsigned from = size_class;
    while (from < SPAN_CLASSES && arena->free[from] == SPAN_NONE)
        from++;
    if (from >= SPAN_CLASSES)
        return SPAN_NONE;
    uint32_t unit = arena->free[from];
    list_remove(arena, unit, from);
    while (from > size_class) {
        from--;
        list_push(arena, unit + (1u << from), from);
    }
    arena->state[unit] = (uint8_t)(SPAN_START | size_class);
    arena->units_used += 1u << size_class;
    return unit;
}

void span_free(struct span_arena *arena, uint32_t unit, unsigned size_class)
{
    MUST(arena->state[unit] == (SPAN_START | size_class));
    arena->units_used -= 1u << size_class;
    arena->state[unit] = SPAN_INSIDE;
    while (size_class < SPAN_CLASSES - 1) {
        uint32_t buddy = unit ^ (1u << size_class);
        if (arena->state[buddy] != (SPAN_START | SPAN_FREE | size_class))
            break;
        list_remove(arena, buddy, size_class);
        unit &= ~(1u << size_class);
        size_class++;
    }
    list_push(arena, unit, size_class);
}
