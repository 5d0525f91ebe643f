// Hot path. The hash table of the book: two records of 32 bytes to a cache line, which stay where
// they were put, so that an index into the table names a record for its whole life.
//
// The key is the first word of a record, and 0 marks an empty one. A record whose home line is full
// goes to one of the next lines; the home counts it (<away>) and remembers how far it may be
// (<reach>), so that a look-up reads one line unless its own home has overflowed, and there are no
// tombstones. Sized to at most half full (pair_lines).
//
// Two tables share one array: the indices of both are places in it. The rest of a record belongs to
// its owner (struct order, struct level), who never writes <key>, <away> and <reach>.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/hints.h"

enum {
    PAIR_RECORD = 32,
    PAIR_PROBE_MAX = 64, // lines that one look-up may touch; half full, a few are ever needed
};
#define PAIR_NONE UINT32_MAX

// What the table sees of a record. May alias: the owner's structure is the same memory.
struct __attribute__((may_alias)) pair_record {
    uint64_t key;
    uint8_t away;  // first of a line: records whose home this is and that stand further on
    uint8_t reach; // first of a line: lines between home and the farthest of them, at most
    uint8_t rest[14];
    uint32_t next, prev; // a ring of records: an order's neighbours, a level's ends
};
_Static_assert(sizeof(struct pair_record) == PAIR_RECORD, "two records to a cache line");
_Static_assert(2 * PAIR_PROBE_MAX <= UINT8_MAX, "away");

struct pair_table {
    struct pair_record *records; // of all tables, two a line, zeroed: empty
    uint32_t first;              // line of the table
    uint32_t lines;
};

// Lines of a table that is half full with <records> live ones: whole groups.
static inline uint32_t pair_lines(uint32_t records)
{
    return (records / PAIR_PROBE_MAX + 1) * PAIR_PROBE_MAX;
}

// Home line of a key. Keys are references that increase and prices that are multiples of a tick:
// multiplication by the golden ratio lays such series out more evenly than chance would, and any
// other keys no worse than chance.
HOT_INLINE uint32_t pair_home(const struct pair_table *t, uint64_t key)
{
    uint64_t h = key * UINT64_C(0x9E3779B97F4A7C15);
    return t->first + (uint32_t)((h >> 32) * t->lines >> 32);
}

// The lines that a record may stand in after its home: the other half of its aligned pair first,
// which the processor fetches along, then the rest of an aligned group.
HOT_INLINE uint32_t pair_line_after(const struct pair_table *t, uint32_t line, uint32_t steps)
{
    return t->first + ((line - t->first) ^ steps);
}

HOT_INLINE void pair_prefetch(const struct pair_table *t, uint32_t line)
{
    PREFETCHW(&t->records[2 * (uint64_t)line]);
}

// Which record of <line> has <key>; whoever asks must compare.
HOT_INLINE uint32_t pair_candidate(const struct pair_table *t, uint32_t line, uint64_t key)
{
    return 2 * line + (t->records[2 * (uint64_t)line + 1].key == key);
}

HOT_CALL uint32_t pair_find_far(const struct pair_table *t, uint32_t home, uint64_t key)
{
    uint32_t reach = t->records[2 * (uint64_t)home].reach;
    for (uint32_t i = 1; i <= reach; i++) {
        uint32_t at = pair_candidate(t, pair_line_after(t, home, i), key);
        if (t->records[at].key == key)
            return at;
    }
    return PAIR_NONE;
}

// Record with <key> (not 0), PAIR_NONE when there is none.
HOT_INLINE uint32_t pair_find(const struct pair_table *t, uint32_t home, uint64_t key)
{
    uint32_t at = pair_candidate(t, home, key);
    if (t->records[at].key == key)
        return at;
    return LIKELY(t->records[2 * (uint64_t)home].away == 0) ? PAIR_NONE
                                                            : pair_find_far(t, home, key);
}

HOT_CALL uint32_t pair_take_far(struct pair_table *t, uint32_t home, uint64_t key)
{
    struct pair_record *first = &t->records[2 * (uint64_t)home];
    for (uint32_t i = 1; i < PAIR_PROBE_MAX; i++) {
        uint32_t at = pair_candidate(t, pair_line_after(t, home, i), 0);
        if (t->records[at].key)
            continue;
        t->records[at].key = key;
        first->away++;
        first->reach = first->reach < i ? (uint8_t)i : first->reach;
        return at;
    }
    return PAIR_NONE;
}

// A record for <key>, which must not be there yet; PAIR_NONE when home and its neighbours are full.
HOT_INLINE uint32_t pair_take(struct pair_table *t, uint32_t home, uint64_t key)
{
    uint32_t at = 2 * home + (t->records[2 * (uint64_t)home].key != 0);
    if (UNLIKELY(t->records[at].key))
        return pair_take_far(t, home, key);
    t->records[at].key = key;
    return at;
}

HOT_INLINE void pair_give(struct pair_table *t, uint32_t home, uint32_t at)
{
    t->records[at].key = 0;
    if (UNLIKELY(at >> 1 != home)) {
        struct pair_record *first = &t->records[2 * (uint64_t)home];
        first->reach = --first->away ? first->reach : 0;
    }
}
