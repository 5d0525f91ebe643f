// What the compiler cannot know: likelihood, temperature, cache lines.
#pragma once

#include <stdint.h>

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define COLD        __attribute__((cold, noinline))
#define HOT_INLINE  static inline __attribute__((always_inline))
// Hot, but called from several places: one copy in the instruction cache beats saving the call.
#define HOT_CALL     static __attribute__((noinline, hot, unused))
#define CACHE_LINE   64
#define CACHE_ALIGN  _Alignas(CACHE_LINE)
#define PREFETCH(p)  __builtin_prefetch((p), 0, 3)
#define PREFETCHW(p) __builtin_prefetch((p), 1, 3)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

// Bytes, up to whole cache lines.
static inline uint64_t cache_lines(uint64_t bytes)
{
    return (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}
