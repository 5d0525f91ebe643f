// FNV-1a, 64 bits: tells files and tables apart, no more.
#pragma once

#include <stdint.h>

static inline uint64_t hash_of(const void *bytes, uint64_t len)
{
    const uint8_t *p = bytes;
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (uint64_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}
