// What a message table (itch50.def, deep10.def) expands with: one row names a field's kind and
// offset, and these macros turn the kind into a struct member, an accessor that reads the wire, and
// a copy. The caller of an accessor has checked the message length.
//
// Kinds: u8 u16 u32 u48 u64 i32 i64 (binary), chr (one ASCII character), alpha2 alpha4 alpha8
// alpha14 (ASCII, left-justified, padded with blanks; kept padded and without a terminating zero,
// see alpha.h). The kinds that a client sends have a FIELD_PUT_BE_ too.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/base/bytes.h"

#define FIELD_SIZE_u8      1
#define FIELD_SIZE_u16     2
#define FIELD_SIZE_u32     4
#define FIELD_SIZE_u48     6
#define FIELD_SIZE_u64     8
#define FIELD_SIZE_i64     8
#define FIELD_SIZE_chr     1
#define FIELD_SIZE_alpha2  2
#define FIELD_SIZE_alpha4  4
#define FIELD_SIZE_alpha8  8
#define FIELD_SIZE_alpha14 14
#define FIELD_SIZE_i32     4

#define FIELD_MEMBER_u8(name)      uint8_t name;
#define FIELD_MEMBER_u16(name)     uint16_t name;
#define FIELD_MEMBER_u32(name)     uint32_t name;
#define FIELD_MEMBER_u48(name)     uint64_t name;
#define FIELD_MEMBER_u64(name)     uint64_t name;
#define FIELD_MEMBER_i64(name)     int64_t name;
#define FIELD_MEMBER_chr(name)     char name;
#define FIELD_MEMBER_alpha2(name)  char name[2];
#define FIELD_MEMBER_alpha4(name)  char name[4];
#define FIELD_MEMBER_alpha8(name)  char name[8];
#define FIELD_MEMBER_alpha14(name) char name[14];
#define FIELD_MEMBER_i32(name)     int32_t name;

#define FIELD_ACCESSOR(fn, type, expr)      \
    static inline type fn(const uint8_t *p) \
    {                                       \
        return (expr);                      \
    }

#define FIELD_GET_BE_u16(fn, offset)    FIELD_ACCESSOR(fn, uint16_t, be16_load(p + (offset)))
#define FIELD_GET_BE_u32(fn, offset)    FIELD_ACCESSOR(fn, uint32_t, be32_load(p + (offset)))
#define FIELD_GET_BE_u48(fn, offset)    FIELD_ACCESSOR(fn, uint64_t, be48_load(p + (offset)))
#define FIELD_GET_BE_u64(fn, offset)    FIELD_ACCESSOR(fn, uint64_t, be64_load(p + (offset)))
#define FIELD_GET_BE_chr(fn, offset)    FIELD_ACCESSOR(fn, char, (char)p[offset])
#define FIELD_GET_BE_alpha2(fn, offset) FIELD_ACCESSOR(fn, const char *, (const char *)p + (offset))
#define FIELD_GET_BE_alpha4(fn, offset) FIELD_ACCESSOR(fn, const char *, (const char *)p + (offset))
#define FIELD_GET_BE_alpha8(fn, offset) FIELD_ACCESSOR(fn, const char *, (const char *)p + (offset))
#define FIELD_GET_BE_alpha14(fn, offset) \
    FIELD_ACCESSOR(fn, const char *, (const char *)p + (offset))
#define FIELD_GET_BE_u8(fn, offset)  FIELD_ACCESSOR(fn, uint8_t, p[offset])
#define FIELD_GET_BE_i32(fn, offset) FIELD_ACCESSOR(fn, int32_t, (int32_t)be32_load(p + (offset)))

#define FIELD_PUT_BE_u8(p, offset, value)      (p)[offset] = (value)
#define FIELD_PUT_BE_u16(p, offset, value)     be16_store((p) + (offset), (value))
#define FIELD_PUT_BE_u32(p, offset, value)     be32_store((p) + (offset), (value))
#define FIELD_PUT_BE_u64(p, offset, value)     be64_store((p) + (offset), (value))
#define FIELD_PUT_BE_i32(p, offset, value)     be32_store((p) + (offset), (uint32_t)(value))
#define FIELD_PUT_BE_chr(p, offset, value)     (p)[offset] = (uint8_t)(value)
#define FIELD_PUT_BE_alpha2(p, offset, value)  memcpy((p) + (offset), (value), 2)
#define FIELD_PUT_BE_alpha4(p, offset, value)  memcpy((p) + (offset), (value), 4)
#define FIELD_PUT_BE_alpha8(p, offset, value)  memcpy((p) + (offset), (value), 8)
#define FIELD_PUT_BE_alpha14(p, offset, value) memcpy((p) + (offset), (value), 14)

#define FIELD_GET_LE_u8(fn, offset)  FIELD_ACCESSOR(fn, uint8_t, p[offset])
#define FIELD_GET_LE_u32(fn, offset) FIELD_ACCESSOR(fn, uint32_t, le32_load(p + (offset)))
// clang-format off
#define FIELD_GET_LE_i64(fn, offset) \
    FIELD_ACCESSOR(fn, int64_t, (int64_t)le64_load(p + (offset)))
// clang-format on
#define FIELD_GET_LE_chr(fn, offset)    FIELD_ACCESSOR(fn, char, (char)p[offset])
#define FIELD_GET_LE_alpha4(fn, offset) FIELD_ACCESSOR(fn, const char *, (const char *)p + (offset))
#define FIELD_GET_LE_alpha8(fn, offset) FIELD_ACCESSOR(fn, const char *, (const char *)p + (offset))

#define FIELD_COPY_u8(to, from)      (to) = (from)
#define FIELD_COPY_u16(to, from)     (to) = (from)
#define FIELD_COPY_u32(to, from)     (to) = (from)
#define FIELD_COPY_u48(to, from)     (to) = (from)
#define FIELD_COPY_u64(to, from)     (to) = (from)
#define FIELD_COPY_i64(to, from)     (to) = (from)
#define FIELD_COPY_chr(to, from)     (to) = (from)
#define FIELD_COPY_alpha2(to, from)  memcpy((to), (from), 2)
#define FIELD_COPY_alpha4(to, from)  memcpy((to), (from), 4)
#define FIELD_COPY_alpha8(to, from)  memcpy((to), (from), 8)
#define FIELD_COPY_alpha14(to, from) memcpy((to), (from), 14)
#define FIELD_COPY_i32(to, from)     (to) = (from)
