// Hex strings for golden vectors written into tests.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

// Writes the bytes of <text> (lower-case digits, blanks between bytes allowed) to <out> and returns
// how many there are. A wrong vector ends the program: no test goes on with half of one.
static inline uint32_t hex_bytes(const char *text, uint8_t *out, size_t out_max)
{
    uint32_t n = 0;
    for (; *text; text += 2) {
        while (*text == ' ')
            text++;
        if (!*text)
            break;
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0 || n == out_max)
            abort();
        out[n++] = (uint8_t)(high << 4 | low);
    }
    return n;
}

// The bytes of <text> in memory of exactly their size, so that the address sanitizer sees a read
// past the end. The caller frees.
static inline uint8_t *hex_alloc(const char *text, uint32_t *len)
{
    uint8_t scratch[16384];
    *len = hex_bytes(text, scratch, sizeof scratch);
    uint8_t *bytes = malloc(*len ? *len : 1);
    if (!bytes)
        abort();
    for (uint32_t i = 0; i < *len; i++)
        bytes[i] = scratch[i];
    return bytes;
}
