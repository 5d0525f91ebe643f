// Hot path: the checks of what an exchange sends.
#include "dataplane/wire/ouch50.h"

#include "dataplane/base/hints.h"

enum appendage { MAYBE, ALWAYS };

struct shape {
    uint8_t length; // 0: no such type
    uint8_t appendage;
};

static const struct shape in_shapes[256] = {
#define OUCH50_IN(letter, upper, lower, length, appendage, title) [letter] = {length, appendage},
#include "dataplane/wire/ouch50.def"
};

static const struct shape out_shapes[256] = {
#define OUCH50_OUT(letter, upper, lower, length, appendage, title) [letter] = {length, appendage},
#include "dataplane/wire/ouch50.def"
};

static enum ouch50_code check(const struct shape *shapes, const uint8_t *p, uint32_t len,
                              struct ouch50_message *out)
{
    out->options = NULL;
    out->options_len = 0;
    if (UNLIKELY(len == 0))
        return OUCH50_BAD_LENGTH;
    const struct shape *shape = &shapes[p[0]];
    if (UNLIKELY(shape->length == 0))
        return OUCH50_UNKNOWN_TYPE;
    if (UNLIKELY(len < shape->length))
        return OUCH50_BAD_LENGTH;
    uint32_t end = shape->length;
    if (shape->appendage == MAYBE) {
        if (LIKELY(len == end))
            return OUCH50_OK;
        end += 2; // revision 1.05: a length and options behind it
        if (len < end)
            return OUCH50_BAD_LENGTH;
    }
    out->options_len = be16_load(p + end - 2);
    out->options = p + end;
    return len == end + out->options_len ? OUCH50_OK : OUCH50_BAD_LENGTH;
}

enum ouch50_code ouch50_in_check(const uint8_t *p, uint32_t len, struct ouch50_message *out)
{
    return check(in_shapes, p, len, out);
}

enum ouch50_code ouch50_out_check(const uint8_t *p, uint32_t len, struct ouch50_message *out)
{
    return check(out_shapes, p, len, out);
}

// --- options ---

static const uint8_t option_sizes[256] = {
#define OUCH50_OPTION(tag, upper, lower, kind, help) [tag] = FIELD_SIZE_##kind,
#include "dataplane/wire/ouch50_options.def"
};

#define OUCH50_OPTION(number, upper, lower, kind, help) FIELD_GET_BE_##kind(value_of_##lower, 0)
#include "dataplane/wire/ouch50_options.def"

static void option_take(struct ouch50_options *out, uint8_t tag, const uint8_t *value)
{
    switch (tag) {
#define OUCH50_OPTION(number, upper, lower, kind, help)         \
    case number:                                                \
        FIELD_COPY_##kind(out->lower, value_of_##lower(value)); \
        break;
#include "dataplane/wire/ouch50_options.def"
    default: return;
    }
    out->present |= 1u << tag;
}

bool ouch50_options_read(const uint8_t *p, uint32_t len, struct ouch50_options *out)
{
    memset(out, 0, sizeof *out);
    while (len > 0) {
        const uint32_t element = p[0]; // tag and value
        if (element == 0 || element >= len)
            return false;
        const uint32_t size = option_sizes[p[1]];
        if (size && size != element - 1)
            return false;
        option_take(out, p[1], p + 2);
        p += 1 + element;
        len -= 1 + element;
    }
    return true;
}

uint32_t ouch50_options_write(uint8_t *p, const struct ouch50_options *in)
{
    const uint8_t *start = p;
#define OUCH50_OPTION(number, upper, lower, kind, help) \
    if (in->present & 1u << (number)) {                 \
        p[0] = 1 + FIELD_SIZE_##kind;                   \
        p[1] = (number);                                \
        FIELD_PUT_BE_##kind(p, 2, in->lower);           \
        p += 2 + FIELD_SIZE_##kind;                     \
    }
#include "dataplane/wire/ouch50_options.def"
    return (uint32_t)(p - start);
}

// All of them together fit what callers provide.
#define OUCH50_OPTION(number, upper, lower, kind, help) +2 + FIELD_SIZE_##kind
_Static_assert(0
#include "dataplane/wire/ouch50_options.def"
                   <= OUCH50_APPENDAGE_MAX,
               "OUCH50_APPENDAGE_MAX");

// --- titles ---

const char *ouch50_in_title(uint8_t type)
{
    static const char *const titles[256] = {
#define OUCH50_IN(letter, upper, lower, length, appendage, title) [letter] = (title),
#include "dataplane/wire/ouch50.def"
    };
    return titles[type] ? titles[type] : "unknown";
}

const char *ouch50_out_title(uint8_t type)
{
    static const char *const titles[256] = {
#define OUCH50_OUT(letter, upper, lower, length, appendage, title) [letter] = (title),
#include "dataplane/wire/ouch50.def"
    };
    return titles[type] ? titles[type] : "unknown";
}
