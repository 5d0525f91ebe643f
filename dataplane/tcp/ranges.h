// A short list of ranges of sequence numbers, in order, none touching another: what waits for bytes
// before it (receiver), what the peer has said it has (sender). Bounded by its capacity.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/wire/tcp.h"

enum ranges_result {
    RANGES_KNOWN, // all of it was there
    RANGES_ADDED,
    RANGES_FULL,
};

static inline enum ranges_result ranges_add(struct tcp_range *r, uint32_t *count, uint32_t max,
                                            struct tcp_range add)
{
    uint32_t n = *count, first = 0;
    while (first < n && seq_before(r[first].to, add.from))
        first++;
    uint32_t behind = first;
    struct tcp_range whole = add;
    for (; behind < n && !seq_after(r[behind].from, add.to); behind++) {
        if (seq_before(r[behind].from, whole.from))
            whole.from = r[behind].from;
        if (seq_after(r[behind].to, whole.to))
            whole.to = r[behind].to;
    }
    if (first == behind) {
        if (n == max)
            return RANGES_FULL;
        memmove(r + first + 1, r + first, (n - first) * sizeof *r);
        *count = n + 1;
    } else {
        if (behind == first + 1 && r[first].from == whole.from && r[first].to == whole.to)
            return RANGES_KNOWN;
        memmove(r + first + 1, r + behind, (n - behind) * sizeof *r);
        *count = n - (behind - first) + 1;
    }
    r[first] = whole;
    return RANGES_ADDED;
}

// Forgets what lies before <seq>.
static inline void ranges_drop(struct tcp_range *r, uint32_t *count, uint32_t seq)
{
    uint32_t gone = 0;
    while (gone < *count && !seq_after(r[gone].to, seq))
        gone++;
    *count -= gone;
    memmove(r, r + gone, *count * sizeof *r);
    if (*count && seq_before(r[0].from, seq))
        r[0].from = seq;
}
