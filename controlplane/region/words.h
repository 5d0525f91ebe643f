// Copies of what the dataplane goes on writing.
#pragma once

#include <stddef.h>
#include <stdint.h>

// 64-bit words that their writer changes meanwhile (counters, histograms): each is loaded whole.
// <len>: bytes.
static inline void copy_words(void *to, const void *from, size_t len)
{
    uint64_t *out = to;
    const uint64_t *in = from;
    for (size_t i = 0; i < len / sizeof *out; i++)
        out[i] = __atomic_load_n(&in[i], __ATOMIC_RELAXED);
}
