// Decoded messages as text, one `name=value` per field in wire order, for comparison with golden
// vectors. Everything goes through the readers of the tables, so a wrong offset, width or byte
// order shows.
#pragma once

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "dataplane/wire/deep10.h"
#include "dataplane/wire/itch50.h"

struct show {
    char text[1024];
    size_t len;
};

__attribute__((format(printf, 2, 3))) static inline void show_add(struct show *s, const char *fmt,
                                                                  ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(s->text + s->len, sizeof s->text - s->len, fmt, args);
    va_end(args);
    if (n > 0 && (size_t)n < sizeof s->text - s->len)
        s->len += (size_t)n;
}

#define SHOW_u8(name, value)     show_add(s, " %s=%u", name, (unsigned)(value));
#define SHOW_u16(name, value)    show_add(s, " %s=%u", name, (unsigned)(value));
#define SHOW_u32(name, value)    show_add(s, " %s=%" PRIu32, name, value);
#define SHOW_u48(name, value)    show_add(s, " %s=%" PRIu64, name, value);
#define SHOW_u64(name, value)    show_add(s, " %s=%" PRIu64, name, value);
#define SHOW_i64(name, value)    show_add(s, " %s=%" PRId64, name, value);
#define SHOW_chr(name, value)    show_add(s, " %s=%c", name, value);
#define SHOW_alpha2(name, value) show_add(s, " %s=%.2s", name, value);
#define SHOW_alpha4(name, value) show_add(s, " %s=%.4s", name, value);
#define SHOW_alpha8(name, value) show_add(s, " %s=%.8s", name, value);

// False for an unknown type or a length that is not the type's.
static inline bool show_itch50(struct show *s, const uint8_t *p, uint32_t len)
{
    s->len = 0;
    s->text[0] = 0;
    if (len == 0 || itch50_length(p[0]) != len)
        return false;
    switch (p[0]) {
#define ITCH50_MESSAGE(letter, upper, lower, length, title)                                       \
    case letter: {                                                                                \
        struct itch50_##lower m;                                                                  \
        itch50_##lower##_read(p, &m);                                                             \
        show_add(s, "%c locate=%u tracking=%u timestamp_ns=%" PRIu64, p[0], m.locate, m.tracking, \
                 m.timestamp_ns);
#define ITCH50_FIELD(lower, kind, field, offset) SHOW_##kind(#field, m.field)
#define ITCH50_END(lower) \
    break;                \
    }
#include "dataplane/wire/itch50.def"
    }
    return true;
}

// The same for DEEP 1.0, whose messages may be longer than the table says.
static inline bool show_deep10(struct show *s, const uint8_t *p, uint32_t len)
{
    s->len = 0;
    s->text[0] = 0;
    if (len == 0 || deep10_length(p[0]) == 0 || deep10_length(p[0]) > len)
        return false;
    show_add(s, "%c", p[0]);
    switch (p[0]) {
#define DEEP10_MESSAGE(letter, upper, lower, length, title) \
    case letter: {                                          \
        struct deep10_##lower m;                            \
        deep10_##lower##_read(p, &m);
#define DEEP10_FIELD(lower, kind, field, offset) SHOW_##kind(#field, m.field)
#define DEEP10_END(lower) \
    break;                \
    }
#include "dataplane/wire/deep10.def"
    }
    return true;
}
