// Hot path. The sorted prices of a side, in a span: searched when a level opens or closes, and read
// for the next best price.
#pragma once

#include <smmintrin.h>
#include <stdint.h>

#include "dataplane/base/hints.h"
#include "dataplane/book/book.h"
#include "dataplane/book/span.h"

// Prices are sorted by key so that on both sides the best is the largest and stands last.
HOT_INLINE uint32_t price_key(uint32_t price, enum book_side side)
{
    return price ^ (0u - side);
}

// Bit i is set where keys[i] < key, for the SPAN_MIN keys from <keys> on.
HOT_INLINE uint32_t keys_below(const uint32_t *keys, uint32_t key)
{
    // SSE compares signed: both sides are shifted by half the range.
    const __m128i half = _mm_set1_epi32(INT32_MIN);
    const __m128i want = _mm_xor_si128(_mm_set1_epi32((int)key), half);
    const __m128i *lines = (const __m128i *)(const void *)keys;
    __m128i below[4];
    for (int i = 0; i < 4; i++)
        below[i] = _mm_cmplt_epi32(_mm_xor_si128(_mm_loadu_si128(lines + i), half), want);
    return (uint32_t)_mm_movemask_epi8(
        _mm_packs_epi16(_mm_packs_epi32(below[0], below[1]), _mm_packs_epi32(below[2], below[3])));
}

// Number of keys below <key>: its place, counted from the worst. The first keys of the lines are
// halved, then one line is compared as a whole: no branch depends on the prices, and no line is
// touched that the side does not use.
HOT_INLINE uint32_t keys_lower_bound(const uint32_t *keys, uint32_t count, uint32_t key)
{
    uint32_t line = 0;
    for (uint32_t lines = (count + SPAN_MIN - 1) / SPAN_MIN; lines > 1;) {
        uint32_t half = lines / 2;
        line += (keys[line + half * SPAN_MIN] < key) * half * SPAN_MIN;
        lines -= half;
    }
    uint32_t in_line = count - line < SPAN_MIN ? count - line : SPAN_MIN;
    uint32_t below = keys_below(keys + line, key) & ((1u << in_line) - 1);
    return line + (uint32_t)__builtin_popcount(below);
}

// Lines of keys are moved whole: which keys of a line are live does not matter, and a copy of a
// fixed size has nothing to mispredict.
HOT_INLINE void keys_copy(uint32_t *to, const uint32_t *from)
{
    __m128i v[4];
    for (int i = 0; i < 4; i++)
        v[i] = _mm_loadu_si128((const __m128i *)(const void *)from + i);
    for (int i = 0; i < 4; i++)
        _mm_storeu_si128((__m128i *)(void *)to + i, v[i]);
}

// Puts <moved> into the keys of a line from <from> on; those before stay.
HOT_INLINE void keys_blend(uint32_t *line, const __m128i moved[4], uint32_t from)
{
    const __m128i before = _mm_set1_epi32((int)from);
    __m128i lane = _mm_setr_epi32(0, 1, 2, 3);
    for (int i = 0; i < 4; i++) {
        __m128i *at = (__m128i *)(void *)line + i;
        __m128i keep = _mm_cmplt_epi32(lane, before);
        _mm_storeu_si128(at, _mm_blendv_epi8(moved[i], _mm_loadu_si128(at), keep));
        lane = _mm_add_epi32(lane, _mm_set1_epi32(4));
    }
}

// <count> keys become count + 1; the span has room.
HOT_INLINE void keys_insert(uint32_t *keys, uint32_t count, uint32_t at, uint32_t key)
{
    uint32_t line = count / SPAN_MIN * SPAN_MIN;
    for (; line > at; line -= SPAN_MIN)
        keys_copy(keys + line, keys + line - 1);
    const __m128i *old = (const __m128i *)(const void *)(keys + line);
    __m128i v[4], moved[4];
    for (int i = 0; i < 4; i++)
        v[i] = _mm_loadu_si128(old + i);
    moved[0] = _mm_slli_si128(v[0], 4);
    for (int i = 1; i < 4; i++)
        moved[i] = _mm_alignr_epi8(v[i], v[i - 1], 12);
    keys_blend(keys + line, moved, at - line);
    keys[at] = key;
}

// The keys of a line, moved down by one; <after> comes in behind.
HOT_INLINE void keys_down(const uint32_t *line, uint32_t after, __m128i moved[4])
{
    const __m128i *old = (const __m128i *)(const void *)line;
    __m128i v[5];
    for (int i = 0; i < 4; i++)
        v[i] = _mm_loadu_si128(old + i);
    v[4] = _mm_cvtsi32_si128((int)after);
    for (int i = 0; i < 4; i++)
        moved[i] = _mm_alignr_epi8(v[i + 1], v[i], 4);
}

// <count> keys become count - 1.
HOT_INLINE void keys_erase(uint32_t *keys, uint32_t count, uint32_t at)
{
    uint32_t line = at / SPAN_MIN * SPAN_MIN;
    __m128i moved[4];
    // Nothing is read from the next line unless this side has keys there: it may be far away.
    keys_down(keys + line, keys[line + SPAN_MIN < count ? line + SPAN_MIN : line], moved);
    keys_blend(keys + line, moved, at - line);
    for (line += SPAN_MIN; line < count; line += SPAN_MIN) {
        keys_down(keys + line, keys[line + SPAN_MIN < count ? line + SPAN_MIN : line], moved);
        for (int i = 0; i < 4; i++)
            _mm_storeu_si128((__m128i *)(void *)(keys + line) + i, moved[i]);
    }
}
