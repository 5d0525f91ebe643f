// IEX DEEP 1.0: price levels, no orders. Little-endian. deep10.def is the table; what comes from it
// is what itch50.h describes: DEEP10_TRADE, deep10_trade_price(p), deep10_trade_read(p, &trade).
//
// Unlike ITCH, a message longer than the table's length is good (the text reserves the right to
// append) and an unknown type is to be skipped. The caller of readers and accessors has checked
// that the message has at least deep10_length(type) bytes.
#pragma once

#include <stdint.h>

#include "dataplane/wire/fields.h"

enum {
    DEEP10_LEN_MAX = 80,
    // Flags of a trade: those that keep it out of last sale and high/low. Volume counts all.
    DEEP10_EXTENDED_HOURS = 0x40,
    DEEP10_ODD_LOT = 0x20,
};

enum deep10_type {
#define DEEP10_MESSAGE(letter, upper, lower, length, title) DEEP10_##upper = (letter),
#include "dataplane/wire/deep10.def"
};

// Least length of a message of this type in bytes; 0 for a letter that is no type.
static inline uint32_t deep10_length(uint8_t type)
{
    static const uint8_t lengths[256] = {
#define DEEP10_MESSAGE(letter, upper, lower, length, title) [letter] = (length),
#include "dataplane/wire/deep10.def"
    };
    return lengths[type];
}

// Nanoseconds since the Unix epoch, at the same place in all types.
static inline int64_t deep10_timestamp_ns(const uint8_t *p)
{
    return (int64_t)le64_load(p + 2);
}

// Eight padded characters, at the same place in all types but S, which has none.
static inline const char *deep10_symbol(const uint8_t *p)
{
    return (const char *)p + 10;
}

// --- one accessor for every field of every type ---

#define DEEP10_FIELD(lower, kind, field, offset) \
    FIELD_GET_LE_##kind(deep10_##lower##_##field, offset)
#include "dataplane/wire/deep10.def"

// --- whole messages ---

#define DEEP10_MESSAGE(letter, upper, lower, length, title) struct deep10_##lower {
#define DEEP10_FIELD(lower, kind, field, offset)            FIELD_MEMBER_##kind(field)
// clang-format off
#define DEEP10_END(lower) };
// clang-format on
#include "dataplane/wire/deep10.def"

#define DEEP10_MESSAGE(letter, upper, lower, length, title)                                \
    static inline void deep10_##lower##_read(const uint8_t *p, struct deep10_##lower *out) \
    {
#define DEEP10_FIELD(lower, kind, field, offset) \
    FIELD_COPY_##kind(out->field, deep10_##lower##_##field(p));
#define DEEP10_END(lower) }
#include "dataplane/wire/deep10.def"

// --- the table against itself, as in itch50.h ---

#define DEEP10_MESSAGE(letter, upper, lower, length, title) \
    struct deep10_image_##lower {                           \
        uint8_t type;
#define DEEP10_FIELD(lower, kind, field, offset) uint8_t field[FIELD_SIZE_##kind];
// clang-format off
#define DEEP10_END(lower) };
// clang-format on
#include "dataplane/wire/deep10.def"

#define DEEP10_MESSAGE(letter, upper, lower, length, title)                              \
    _Static_assert(sizeof(struct deep10_image_##lower) == (length), "length of " title); \
    _Static_assert((length) <= DEEP10_LEN_MAX, "bound of " title);
#define DEEP10_FIELD(lower, kind, field, offset) \
    _Static_assert(offsetof(struct deep10_image_##lower, field) == (offset), #lower "." #field);
#include "dataplane/wire/deep10.def"
