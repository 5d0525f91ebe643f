// The internet checksum (RFC 1071). Sums are kept in machine order of 16-bit words until they are
// folded: byte order does not matter to one's complement addition as long as it is the same
// throughout.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/base/bytes.h"

// Adds <len> bytes to <sum>. An odd last byte is padded with zero, so only the last piece of a
// packet may be odd. What comes out is below 2^34: sums can be added to each other.
static inline uint64_t checksum_add(uint64_t sum, const void *data, uint32_t len)
{
    const uint8_t *p = data;
    // Words of 64 bits, the carry added at the other end: 2^64 - 1 is a multiple of 2^16 - 1.
    for (; len >= 16; len -= 16, p += 16) {
        const uint64_t first = le64_load(p), second = le64_load(p + 8);
        sum += first;
        sum += sum < first;
        sum += second;
        sum += sum < second;
    }
    if (len & 8) {
        const uint64_t word = le64_load(p);
        sum += word;
        sum += sum < word;
        p += 8;
    }
    sum = (sum & 0xffffffff) + (sum >> 32);
    if (len & 4) {
        sum += le32_load(p);
        p += 4;
    }
    if (len & 2) {
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
    const uint32_t high = (uint32_t)(sum >> 32);
    uint32_t both = (uint32_t)sum + high;
    both += both < high;
    both += both << 16 | both >> 16; // either half plus the other, with the other's carry
    return (uint16_t)(both >> 16);
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
// payload. As its twelve bytes would add up, in machine order.
static inline uint64_t checksum_pseudo(uint32_t src_ip, uint32_t dst_ip, uint8_t protocol,
                                       uint16_t len)
{
    return (uint64_t)__builtin_bswap32(src_ip) + __builtin_bswap32(dst_ip) +
           ((uint32_t)protocol << 8) + __builtin_bswap16(len);
}
