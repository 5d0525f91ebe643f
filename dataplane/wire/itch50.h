// Nasdaq TotalView-ITCH 5.0. Big-endian, fixed length per type. itch50.def is the table; from it
// come, for every type:
//
//   ITCH50_ADD                  the letter, 'A'
//   itch50_add_price(p)         one field off the wire, for code that wants one or two
//   itch50_add_read(p, &add)    the whole message in host order, struct itch50_add
//
// <p> is the type byte. Every reader and accessor takes for granted that the caller has compared
// the length that the transport gave with itch50_length(): an unknown type or another length is
// skipped and counted, never guessed.
#pragma once

#include <stdint.h>

#include "dataplane/wire/fields.h"

enum {
    ITCH50_HEAD_LEN = 11,         // type, stock locate, tracking number, time stamp
    ITCH50_LEN_MAX = 50,          // longest message (I)
    ITCH50_LEN_MIN = 12,          // shortest (S, W)
    ITCH50_PRICE_MAX = 2000000000 // 200,000.0000, the highest price the text allows
};

enum itch50_type {
#define ITCH50_MESSAGE(letter, upper, lower, length, title) ITCH50_##upper = (letter),
#include "dataplane/wire/itch50.def"
};

// Exact length of a message of this type in bytes; 0 for a letter that is no type.
static inline uint32_t itch50_length(uint8_t type)
{
    static const uint8_t lengths[256] = {
#define ITCH50_MESSAGE(letter, upper, lower, length, title) [letter] = (length),
#include "dataplane/wire/itch50.def"
    };
    return lengths[type];
}

// Name of the type as the specification heads its table; "unknown" for a letter that is no type.
// Not for a lane.
static inline const char *itch50_title(uint8_t type)
{
    static const char *const titles[256] = {
#define ITCH50_MESSAGE(letter, upper, lower, length, title) [letter] = (title),
#include "dataplane/wire/itch50.def"
    };
    return titles[type] ? titles[type] : "unknown";
}

// --- fields that all types share ---

static inline uint8_t itch50_type(const uint8_t *p)
{
    return p[0];
}

// Instrument index of the day, announced by R; 0 where no instrument is concerned (S, V, W, and K
// by the text).
static inline uint16_t itch50_locate(const uint8_t *p)
{
    return be16_load(p + 1);
}

static inline uint16_t itch50_tracking(const uint8_t *p)
{
    return be16_load(p + 3);
}

// Nanoseconds since midnight, US Eastern.
static inline uint64_t itch50_timestamp_ns(const uint8_t *p)
{
    return be48_load(p + 5);
}

// Order reference of A F E C X D, the one that dies of U, 0 in P. The other types have something
// else there.
static inline uint64_t itch50_ref(const uint8_t *p)
{
    return be64_load(p + 11);
}

// --- one accessor for every field of every type ---

#define ITCH50_FIELD(lower, kind, field, offset) \
    FIELD_GET_BE_##kind(itch50_##lower##_##field, offset)
#include "dataplane/wire/itch50.def"

// --- whole messages ---

#define ITCH50_MESSAGE(letter, upper, lower, length, title) \
    struct itch50_##lower {                                 \
        uint16_t locate;                                    \
        uint16_t tracking;                                  \
        uint64_t timestamp_ns;
#define ITCH50_FIELD(lower, kind, field, offset) FIELD_MEMBER_##kind(field)
// clang-format off
#define ITCH50_END(lower) };
// clang-format on
#include "dataplane/wire/itch50.def"

#define ITCH50_MESSAGE(letter, upper, lower, length, title)                                \
    static inline void itch50_##lower##_read(const uint8_t *p, struct itch50_##lower *out) \
    {                                                                                      \
        out->locate = itch50_locate(p);                                                    \
        out->tracking = itch50_tracking(p);                                                \
        out->timestamp_ns = itch50_timestamp_ns(p);
#define ITCH50_FIELD(lower, kind, field, offset) \
    FIELD_COPY_##kind(out->field, itch50_##lower##_##field(p));
#define ITCH50_END(lower) }
#include "dataplane/wire/itch50.def"

// --- the table against itself ---

// Byte images: each offset is the end of the field before it and each length the end of the last
// field.

#define ITCH50_MESSAGE(letter, upper, lower, length, title) \
    struct itch50_image_##lower {                           \
        uint8_t head[ITCH50_HEAD_LEN];
#define ITCH50_FIELD(lower, kind, field, offset) uint8_t field[FIELD_SIZE_##kind];
// clang-format off
#define ITCH50_END(lower) };
// clang-format on
#include "dataplane/wire/itch50.def"

#define ITCH50_MESSAGE(letter, upper, lower, length, title)                              \
    _Static_assert(sizeof(struct itch50_image_##lower) == (length), "length of " title); \
    _Static_assert((length) <= ITCH50_LEN_MAX && (length) >= ITCH50_LEN_MIN, "bounds of " title);
#define ITCH50_FIELD(lower, kind, field, offset) \
    _Static_assert(offsetof(struct itch50_image_##lower, field) == (offset), #lower "." #field);
#include "dataplane/wire/itch50.def"
