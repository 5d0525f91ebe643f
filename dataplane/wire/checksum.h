// The internet checksum (RFC 1071). Sums are kept in machine order of 16-bit words until they are
// folded: byte order does not matter to one's complement addition as long as it is the same
// throughout.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/base/bytes.h"

// Adds <len> bytes to <sum>. An odd last byte is padded with zero, so only the last piece of a
// packet may be odd.
static inline uint64_t checksum_add(uint64_t sum, const void *data, uint32_t len)
{
    const uint8_t *p = data;
    // Words of 32 bits: 2^32 of them fit the 64-bit sum, so carries wait for the fold.
    for (; len >= 4; len -= 4, p += 4)
        sum += le32_load(p);
    if (len >= 2) {
        sum += le16_load(p);
        p += 2;
    }
    if (len & 1)
        sum += *p;
    return sum;
}

// Sum to 16 bits without complement. A packet whose checksum field is right folds to 0xffff.
static inline uint16_t checksum_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

// The value for a checksum field, to be stored as it is in memory (checksum_store).
static inline uint16_t checksum_finish(uint64_t sum)
{
    return (uint16_t)~checksum_fold(sum);
}

static inline void checksum_store(void *p, uint16_t checksum)
{
    memcpy(p, &checksum, sizeof checksum);
}

// True when data that contains its own checksum field is intact. Both zeros of one's complement are
// one value, so this sums to 0xffff instead of comparing the field.
static inline bool checksum_ok(const void *data, uint32_t len)
{
    return checksum_fold(checksum_add(0, data, len)) == 0xffff;
}

// Pseudo header of UDP and TCP: addresses in host order, <len> of the transport header and its
// payload.
static inline uint64_t checksum_pseudo(uint32_t src_ip, uint32_t dst_ip, uint8_t protocol,
                                       uint16_t len)
{
    uint8_t pseudo[12];
    be32_store(pseudo, src_ip);
    be32_store(pseudo + 4, dst_ip);
    pseudo[8] = 0;
    pseudo[9] = protocol;
    be16_store(pseudo + 10, len);
    return checksum_add(0, pseudo, sizeof pseudo);
}
