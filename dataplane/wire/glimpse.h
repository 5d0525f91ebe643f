// Nasdaq GLIMPSE 5.0: the whole displayed book as ITCH 5.0 messages in SoupBinTCP Sequenced Data,
// closed by one message of its own. A spin belongs to a login with requested sequence 1.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/wire/alpha.h"
#include "dataplane/wire/itch50.h"

enum {
    GLIMPSE_END = 'G', // End of Snapshot
    GLIMPSE_END_LEN = 21,
};

// Exact length of a message of a spin in bytes; 0 for a letter that is no type. The list of what a
// spin holds differs between venues and texts, so every ITCH type passes.
static inline uint32_t glimpse_length(uint8_t type)
{
    return type == GLIMPSE_END ? GLIMPSE_END_LEN : itch50_length(type);
}

// End of Snapshot: the ITCH sequence number from which live messages are to be applied. Whether the
// message of that very number is already in the snapshot is not clear from the text: tolerate one
// duplicate. False when the field holds no number. The caller has checked the length.
static inline bool glimpse_end_read(const uint8_t *p, uint64_t *sequence)
{
    return alpha_u64_read((const char *)p + 1, GLIMPSE_END_LEN - 1, sequence);
}
