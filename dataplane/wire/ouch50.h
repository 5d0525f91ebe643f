// OUCH 5.0. Big-endian; letters are reused across directions, so a reader names the direction.
// ouch50.def is the table; from it come, for every message:
//
//   OUCH50_ENTER                the letter, 'O'
//   ouch50_enter_price(p)       one field off the wire
//   ouch50_enter_read(p, &m)    the fixed part in host order, struct ouch50_enter
//   ouch50_enter_write(p, &m)   the same to the wire with its letter; the fixed length
//
// <p> is the type byte. Readers take for granted that ouch50_in_check or ouch50_out_check said yes.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/wire/fields.h"

enum {
    OUCH50_QUANTITY_MAX = 999999,
    OUCH50_PRICE_MAX = 1999999900, // 199,999.9900, the highest limit price
    OUCH50_PRICE_MARKET = 0x7FFFFFFF,
    OUCH50_EXPIRE_S_MAX = 86400, // an order lives less long
    OUCH50_CLIENT_ID_LEN = 14,
    OUCH50_OPTION_MAX = 10,        // bytes of the longest element: length, tag, eight of value
    OUCH50_APPENDAGE_MAX = 160,    // of all options that a client may write, each once
    OUCH50_MESSAGE_MAX = 68 + 256, // longest fixed part with any options that are read
};

enum ouch50_in {
#define OUCH50_IN(letter, upper, lower, length, appendage, title) OUCH50_##upper = (letter),
#include "dataplane/wire/ouch50.def"
};

enum ouch50_out {
#define OUCH50_OUT(letter, upper, lower, length, appendage, title) OUCH50_##upper = (letter),
#include "dataplane/wire/ouch50.def"
};

// Bytes of each fixed part.
enum ouch50_len {
#define OUCH50_IN(letter, upper, lower, length, appendage, title)  OUCH50_##upper##_LEN = (length),
#define OUCH50_OUT(letter, upper, lower, length, appendage, title) OUCH50_##upper##_LEN = (length),
#include "dataplane/wire/ouch50.def"
};

enum ouch50_tag {
#define OUCH50_OPTION(tag, upper, lower, kind, help) OUCH50_TAG_##upper = (tag),
#include "dataplane/wire/ouch50_options.def"
};

// --- one accessor for every field of every message ---

#define OUCH50_FIELD(lower, kind, field, offset) \
    FIELD_GET_BE_##kind(ouch50_##lower##_##field, offset)
#include "dataplane/wire/ouch50.def"

// --- whole fixed parts ---

// clang-format off
#define OUCH50_IN(letter, upper, lower, length, appendage, title) \
    struct ouch50_##lower { char type;
#define OUCH50_OUT(letter, upper, lower, length, appendage, title) \
    struct ouch50_##lower { char type;
#define OUCH50_FIELD(lower, kind, field, offset) FIELD_MEMBER_##kind(field)
#define OUCH50_END(lower) };
#include "dataplane/wire/ouch50.def"
// clang-format on

#define OUCH50_READ(lower)                                                                 \
    static inline void ouch50_##lower##_read(const uint8_t *p, struct ouch50_##lower *out) \
    {                                                                                      \
        out->type = (char)p[0];
#define OUCH50_IN(letter, upper, lower, length, appendage, title)  OUCH50_READ(lower)
#define OUCH50_OUT(letter, upper, lower, length, appendage, title) OUCH50_READ(lower)
#define OUCH50_FIELD(lower, kind, field, offset) \
    FIELD_COPY_##kind(out->field, ouch50_##lower##_##field(p));
#define OUCH50_END(lower) }
#include "dataplane/wire/ouch50.def"

// The letter is written whatever ->type says.
#define OUCH50_WRITE(letter, lower, length)                                                    \
    static inline uint32_t ouch50_##lower##_write(uint8_t *p, const struct ouch50_##lower *in) \
    {                                                                                          \
        enum { LENGTH = (length) };                                                            \
        (void)in;                                                                              \
        p[0] = (letter);
#define OUCH50_IN(letter, upper, lower, length, appendage, title) \
    OUCH50_WRITE(letter, lower, length)
#define OUCH50_OUT(letter, upper, lower, length, appendage, title) \
    OUCH50_WRITE(letter, lower, length)
#define OUCH50_FIELD(lower, kind, field, offset) FIELD_PUT_BE_##kind(p, offset, in->field);
#define OUCH50_END(lower) \
    return LENGTH;        \
    }
#include "dataplane/wire/ouch50.def"

// --- options ---

struct ouch50_options {
    uint32_t present; // bit of a tag: the option is there
#define OUCH50_OPTION(tag, upper, lower, kind, help) FIELD_MEMBER_##kind(lower)
#include "dataplane/wire/ouch50_options.def"
};

// Elements that exactly fill <len> bytes. Tags that are not in the table are skipped, of an option
// that comes twice the last one counts. False: an element of length 0, one that runs past the end,
// or a known tag with a value of another size.
bool ouch50_options_read(const uint8_t *p, uint32_t len, struct ouch50_options *out);

// The options of <in->present>, in the order of their tags; returns the bytes written, at most
// OUCH50_APPENDAGE_MAX.
uint32_t ouch50_options_write(uint8_t *p, const struct ouch50_options *in);

// --- what a message must be before it is read ---

struct ouch50_message {
    uint32_t options_len;   // bytes of options ...
    const uint8_t *options; // ... here; null when the message has none
};

enum ouch50_code {
    OUCH50_OK,
    OUCH50_UNKNOWN_TYPE,
    OUCH50_BAD_LENGTH, // shorter than its fixed part, or its options do not end where it ends
};

enum ouch50_code ouch50_in_check(const uint8_t *p, uint32_t len, struct ouch50_message *out);
enum ouch50_code ouch50_out_check(const uint8_t *p, uint32_t len, struct ouch50_message *out);

// As the specification heads its tables; "unknown" for a letter that is no type.
const char *ouch50_in_title(uint8_t type);
const char *ouch50_out_title(uint8_t type);

// --- the table against itself ---

// clang-format off
#define OUCH50_IN(letter, upper, lower, length, appendage, title) \
    struct ouch50_image_##lower { uint8_t type;
#define OUCH50_OUT(letter, upper, lower, length, appendage, title) \
    struct ouch50_image_##lower { uint8_t type;
#define OUCH50_FIELD(lower, kind, field, offset) uint8_t field[FIELD_SIZE_##kind];
#define OUCH50_END(lower) };
#include "dataplane/wire/ouch50.def"
// clang-format on

#define OUCH50_IN(letter, upper, lower, length, appendage, title) \
    _Static_assert(sizeof(struct ouch50_image_##lower) == (length), "length of " title);
#define OUCH50_OUT(letter, upper, lower, length, appendage, title) \
    _Static_assert(sizeof(struct ouch50_image_##lower) == (length), "length of " title);
#define OUCH50_FIELD(lower, kind, field, offset) \
    _Static_assert(offsetof(struct ouch50_image_##lower, field) == (offset), #lower "." #field);
#include "dataplane/wire/ouch50.def"
