// The restore area: how the events of the day come back from the journal to a dataplane that starts
// again, before its lanes run.
//
//   dataplane: <wanted> ─► control plane reads the journal ─► fills the slots, <filled> + 1
//   dataplane: checks <sum>, works the events in, <taken> = <filled> ─► the next ones, and so on
//   control plane: the last ones with RESTORE_DONE, or RESTORE_REFUSED with <why>
//
// Accepted once: a control plane that finds <taken> or <filled> above 0 from another one says
// RESTORE_REFUSED, and the dataplane starts anew. The slots belong to the control plane while
// <filled> = <taken>, else to the dataplane, which believes nothing in them.
#pragma once

#include <nmmintrin.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/abi/limits.h"

enum {
    RESTORE_EVENTS = 4096, // slots
    RESTORE_EVENTS_MAX = 1 << 20,
    RESTORE_WHY_LEN = 384,
};

enum restore_state {
    RESTORE_EMPTY,
    RESTORE_MORE,    // more events follow
    RESTORE_DONE,    // these were the last
    RESTORE_REFUSED, // <why>
};

// Of what a start went on from.
enum restore_verdict {
    RESTORE_UNVERIFIED,
    RESTORE_HASHED, // checksums, numbers, order and all hashes are good
    RESTORE_BAD,    // damage was found
};

struct restore_area {
    // Dataplane.
    _Alignas(CACHE_LINE_LEN) _Atomic uint64_t wanted; // 1, release, when what follows stands
    uint64_t from_ns; // UTC: instances of the day began in [from_ns, to_ns)
    uint64_t to_ns;
    _Atomic uint64_t taken; // release: how often the slots were worked in
    uint64_t unused1[4];
    // Control plane.
    _Alignas(CACHE_LINE_LEN) _Atomic uint64_t filled; // release: how often they were filled
    uint32_t state;                                   // enum restore_state
    uint32_t count;                                   // events in the slots
    uint32_t sum;                                     // restore_sum of them, from the one before on
    uint32_t instances;                               // of the day, so far
    uint32_t skipped;                                 // instances of other days
    uint32_t read_us;                                 // until the first events were there
    uint32_t extracts;         // the events came from so many, for the next control plane:
    uint32_t extracts_sum;     // restore_sum of their hashes
    uint64_t events;           // so far
    _Atomic uint64_t verdict;  // enum restore_verdict, release; for the next control plane
    char why[RESTORE_WHY_LEN]; // a sentence with its terminating zero
};

// Of whole events. Four checksums side by side: one would wait for itself at every word.
static inline uint32_t restore_sum(uint32_t sum, const void *bytes, uint64_t len)
{
    uint64_t crc[4] = {~sum, ~sum, ~sum, ~sum}, words[4];
    for (uint64_t i = 0; i + sizeof words <= len; i += sizeof words) {
        memcpy(words, (const uint8_t *)bytes + i, sizeof words);
        for (uint32_t k = 0; k < 4; k++)
            crc[k] = _mm_crc32_u64(crc[k], words[k]);
    }
    for (uint32_t k = 1; k < 4; k++)
        crc[0] = _mm_crc32_u64(crc[0], crc[k]);
    return ~(uint32_t)crc[0];
}
