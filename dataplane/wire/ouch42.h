// OUCH 4.2. Big-endian, fixed length per message; letters are reused across directions. ouch42.def
// is the table; from it come, for every message:
//
//   OUCH42_ENTER                the letter, 'O'
//   ouch42_enter_price(p)       one field off the wire
//   ouch42_enter_read(p, &m)    the whole message in host order, struct ouch42_enter
//   ouch42_enter_write(p, &m)   the same to the wire with its letter; its length
//
// <p> is the type byte. Readers take for granted that the length is ouch42_in_len or ouch42_out_len
// of the type.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/wire/fields.h"

enum {
    OUCH42_TOKEN_LEN = 14,
    OUCH42_MESSAGE_MAX = 80,
    OUCH42_TIF_IOC = 0, // time in force in seconds up to 99,997 ...
    OUCH42_TIF_MARKET_HOURS = 99998,
    OUCH42_TIF_SYSTEM_HOURS = 99999,
};

enum ouch42_in {
#define OUCH42_IN(letter, upper, lower, length, title) OUCH42_##upper = (letter),
#include "dataplane/wire/ouch42.def"
};

enum ouch42_out {
#define OUCH42_OUT(letter, upper, lower, length, title) OUCH42_##upper = (letter),
#include "dataplane/wire/ouch42.def"
};

enum ouch42_len {
#define OUCH42_IN(letter, upper, lower, length, title)  OUCH42_##upper##_LEN = (length),
#define OUCH42_OUT(letter, upper, lower, length, title) OUCH42_##upper##_LEN = (length),
#include "dataplane/wire/ouch42.def"
};

// Exact length of a message of this type; 0 for a letter that is no type.
static inline uint32_t ouch42_in_len(uint8_t type)
{
    static const uint8_t lengths[256] = {
#define OUCH42_IN(letter, upper, lower, length, title) [letter] = (length),
#include "dataplane/wire/ouch42.def"
    };
    return lengths[type];
}

static inline uint32_t ouch42_out_len(uint8_t type)
{
    static const uint8_t lengths[256] = {
#define OUCH42_OUT(letter, upper, lower, length, title) [letter] = (length),
#include "dataplane/wire/ouch42.def"
    };
    return lengths[type];
}

// As the specification heads its tables; "unknown" for a letter that is no type. Not for a lane.
static inline const char *ouch42_out_title(uint8_t type)
{
    static const char *const titles[256] = {
#define OUCH42_OUT(letter, upper, lower, length, title) [letter] = (title),
#include "dataplane/wire/ouch42.def"
    };
    return titles[type] ? titles[type] : "unknown";
}

// --- one accessor for every field of every message ---

#define OUCH42_FIELD(lower, kind, field, offset) \
    FIELD_GET_BE_##kind(ouch42_##lower##_##field, offset)
#include "dataplane/wire/ouch42.def"

// --- whole messages ---

// clang-format off
#define OUCH42_IN(letter, upper, lower, length, title)  struct ouch42_##lower { char type;
#define OUCH42_OUT(letter, upper, lower, length, title) struct ouch42_##lower { char type;
#define OUCH42_FIELD(lower, kind, field, offset) FIELD_MEMBER_##kind(field)
#define OUCH42_END(lower) };
#include "dataplane/wire/ouch42.def"
// clang-format on

#define OUCH42_READ(lower)                                                                 \
    static inline void ouch42_##lower##_read(const uint8_t *p, struct ouch42_##lower *out) \
    {                                                                                      \
        out->type = (char)p[0];
#define OUCH42_IN(letter, upper, lower, length, title)  OUCH42_READ(lower)
#define OUCH42_OUT(letter, upper, lower, length, title) OUCH42_READ(lower)
#define OUCH42_FIELD(lower, kind, field, offset) \
    FIELD_COPY_##kind(out->field, ouch42_##lower##_##field(p));
#define OUCH42_END(lower) }
#include "dataplane/wire/ouch42.def"

#define OUCH42_WRITE(letter, lower, length)                                                    \
    static inline uint32_t ouch42_##lower##_write(uint8_t *p, const struct ouch42_##lower *in) \
    {                                                                                          \
        enum { LENGTH = (length) };                                                            \
        p[0] = (letter);
#define OUCH42_IN(letter, upper, lower, length, title)  OUCH42_WRITE(letter, lower, length)
#define OUCH42_OUT(letter, upper, lower, length, title) OUCH42_WRITE(letter, lower, length)
#define OUCH42_FIELD(lower, kind, field, offset)        FIELD_PUT_BE_##kind(p, offset, in->field);
#define OUCH42_END(lower) \
    return LENGTH;        \
    }
#include "dataplane/wire/ouch42.def"

// --- the table against itself ---

// clang-format off
#define OUCH42_IN(letter, upper, lower, length, title)  struct ouch42_image_##lower { uint8_t type;
#define OUCH42_OUT(letter, upper, lower, length, title) struct ouch42_image_##lower { uint8_t type;
#define OUCH42_FIELD(lower, kind, field, offset) uint8_t field[FIELD_SIZE_##kind];
#define OUCH42_END(lower) };
#include "dataplane/wire/ouch42.def"
// clang-format on

#define OUCH42_IN(letter, upper, lower, length, title) \
    _Static_assert(sizeof(struct ouch42_image_##lower) == (length), "length of " title);
#define OUCH42_OUT(letter, upper, lower, length, title) \
    _Static_assert(sizeof(struct ouch42_image_##lower) == (length), "length of " title);
#define OUCH42_FIELD(lower, kind, field, offset) \
    _Static_assert(offsetof(struct ouch42_image_##lower, field) == (offset), #lower "." #field);
#include "dataplane/wire/ouch42.def"
