// Loads and stores of wire integers at any alignment. Nasdaq protocols are big-endian, IEX
// little-endian.
#pragma once

#include <stdint.h>
#include <string.h>

static inline uint16_t be16_load(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap16(v);
}

static inline uint32_t be32_load(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap32(v);
}

static inline uint64_t be64_load(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap64(v);
}

// 48-bit time stamp of ITCH. Two loads, so that no byte outside the field is touched.
static inline uint64_t be48_load(const void *p)
{
    const uint8_t *b = p;
    return (uint64_t)be16_load(b) << 32 | be32_load(b + 2);
}

static inline uint16_t le16_load(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t le32_load(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t le64_load(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void be16_store(void *p, uint16_t v)
{
    v = __builtin_bswap16(v);
    memcpy(p, &v, sizeof v);
}

static inline void be32_store(void *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, sizeof v);
}

static inline void be64_store(void *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, sizeof v);
}

static inline void le16_store(void *p, uint16_t v)
{
    memcpy(p, &v, sizeof v);
}

static inline void le32_store(void *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}

static inline void le64_store(void *p, uint64_t v)
{
    memcpy(p, &v, sizeof v);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "wire codecs assume a little-endian host");
