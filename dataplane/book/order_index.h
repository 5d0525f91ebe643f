// Hot path. Order reference number -> order, as a hash table of cache-line buckets.
//
// A bucket has seven slots: a 32-bit tag and the order's index. The 64-bit reference itself stands
// in the order, whose line the caller needs anyway, so a look-up reads one bucket line and one
// order line. An entry that does not fit its home bucket goes to one of the next INDEX_PROBE_MAX -
// 1 buckets and the home bucket counts it in <displaced>: look-ups go on only while that count is
// not zero, so there are no tombstones and removal is exact.
//
// References are day-unique 64-bit numbers with no promise of order (ITCH 5.0; a promise that they
// increase was removed from the text in 2009): hence a multiplicative hash and no assumption about
// their range.
#pragma once

#include <emmintrin.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/hints.h"

enum {
    INDEX_SLOTS = 7,
    INDEX_PROBE_MAX = 8, // buckets that one look-up may touch
    INDEX_TAG_MASK = (1 << INDEX_SLOTS) - 1,
};
#define ORDER_NONE UINT32_MAX

struct index_bucket {
    CACHE_ALIGN uint32_t tag[INDEX_SLOTS]; // 0: empty slot
    uint32_t displaced;                    // entries whose home is here and that live further on
    uint32_t order[INDEX_SLOTS];
    uint32_t unused;
};
_Static_assert(sizeof(struct index_bucket) == CACHE_LINE, "a bucket is one cache line");

// What a price-time book keeps of one displayed order. Price, side and symbol are those of its
// level.
struct order {
    uint64_t ref;
    uint32_t shares; // displayed and still open
    uint32_t level;
    uint32_t next; // younger order of the same level, ORDER_NONE at the tail; next free order in
                   // the pool
    uint32_t prev; // older order of the same level, ORDER_NONE at the head
    uint32_t mpid; // attribution as on the wire, 0 without one
    uint32_t unused;
};
_Static_assert(sizeof(struct order) == 32, "two orders to a cache line");

struct order_index {
    struct index_bucket *buckets;
    uint32_t mask;  // buckets - 1
    uint32_t shift; // 64 - log2(buckets)
};

struct index_key {
    uint32_t bucket;
    uint32_t tag;
};

HOT_INLINE struct index_key index_key(const struct order_index *index, uint64_t ref)
{
    uint64_t h = ref * UINT64_C(0x9E3779B97F4A7C15);
    h ^= h >> 32;
    h *= UINT64_C(0xD6E8FEB86659FD93);
    return (struct index_key){.bucket = (uint32_t)(h >> index->shift), .tag = (uint32_t)h | 1};
}

// Bit i is set where slot i of <bucket> carries <tag>.
HOT_INLINE uint32_t bucket_match(const struct index_bucket *bucket, uint32_t tag)
{
    const __m128i *lines = (const __m128i *)(const void *)bucket->tag;
    const __m128i want = _mm_set1_epi32((int)tag);
    int low = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(_mm_load_si128(lines), want)));
    int high = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(_mm_load_si128(lines + 1), want)));
    return (uint32_t)(low | high << 4) & INDEX_TAG_MASK;
}

// First order of the home bucket whose tag fits: what to prefetch, not an answer.
HOT_INLINE uint32_t index_guess(const struct order_index *index, struct index_key key)
{
    const struct index_bucket *bucket = &index->buckets[key.bucket];
    uint32_t match = bucket_match(bucket, key.tag);
    return match ? bucket->order[__builtin_ctz(match)] : ORDER_NONE;
}

// Where a reference stands; slot is meaningful only when order is not ORDER_NONE.
struct index_place {
    uint32_t bucket;
    uint32_t slot;
    uint32_t order;
};

HOT_INLINE bool bucket_find(const struct order_index *index, const struct order *orders,
                            uint32_t at, uint32_t tag, uint64_t ref, struct index_place *place)
{
    const struct index_bucket *bucket = &index->buckets[at];
    for (uint32_t match = bucket_match(bucket, tag); match; match &= match - 1) {
        uint32_t slot = (uint32_t)__builtin_ctz(match);
        uint32_t order = bucket->order[slot];
        if (LIKELY(orders[order].ref == ref)) {
            *place = (struct index_place){.bucket = at, .slot = slot, .order = order};
            return true;
        }
    }
    return false;
}

HOT_INLINE struct index_place index_find(const struct order_index *index,
                                         const struct order *orders, struct index_key key,
                                         uint64_t ref)
{
    struct index_place place = {.order = ORDER_NONE};
    if (LIKELY(bucket_find(index, orders, key.bucket, key.tag, ref, &place)))
        return place;
    if (index->buckets[key.bucket].displaced == 0)
        return place;
    for (uint32_t i = 1; i < INDEX_PROBE_MAX; i++)
        if (bucket_find(index, orders, (key.bucket + i) & index->mask, key.tag, ref, &place))
            break;
    return place;
}

// False when home and all its neighbours are full: the order is refused, nothing changed. <key>
// must not be there yet.
HOT_INLINE bool index_insert(struct order_index *index, struct index_key key, uint32_t order)
{
    for (uint32_t i = 0; i < INDEX_PROBE_MAX; i++) {
        struct index_bucket *bucket = &index->buckets[(key.bucket + i) & index->mask];
        uint32_t empty = bucket_match(bucket, 0);
        if (LIKELY(empty)) {
            uint32_t slot = (uint32_t)__builtin_ctz(empty);
            bucket->tag[slot] = key.tag;
            bucket->order[slot] = order;
            index->buckets[key.bucket].displaced += i != 0;
            return true;
        }
    }
    return false;
}

HOT_INLINE void index_remove(struct order_index *index, struct index_key key,
                             struct index_place place)
{
    index->buckets[place.bucket].tag[place.slot] = 0;
    index->buckets[key.bucket].displaced -= place.bucket != key.bucket;
}
