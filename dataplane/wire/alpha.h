// ASCII fields of fixed width: names padded with blanks, and numbers in decimal digits.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// Characters of <p> without the blanks on the right.
static inline uint32_t alpha_len(const char *p, uint32_t width)
{
    while (width > 0 && p[width - 1] == ' ')
        width--;
    return width;
}

// <p> without blanks on the right as a string; <out> has width + 1 bytes. What does not print
// becomes '?': names come off a wire and go to terminals and into JSON.
static inline void alpha_text(char *out, const char *p, uint32_t width)
{
    uint32_t len = alpha_len(p, width);
    for (uint32_t i = 0; i < len; i++)
        out[i] = p[i] >= ' ' && p[i] <= '~' ? p[i] : '?';
    out[len] = 0;
}

// Writes <text> left-justified and padded. False when it is longer than the field; nothing is
// written then.
static inline bool alpha_write(char *out, uint32_t width, const char *text)
{
    size_t len = strlen(text);
    if (len > width)
        return false;
    memset(out, ' ', width);
    memcpy(out, text, len);
    return true;
}

// The same, right-justified.
static inline bool alpha_write_right(char *out, uint32_t width, const char *text)
{
    size_t len = strlen(text);
    if (len > width)
        return false;
    memset(out, ' ', width);
    memcpy(out + width - len, text, len);
    return true;
}

// A decimal number with blanks on either side: senders pad left or right. False for a blank field,
// another character (blanks between digits included) or a value above 64 bits.
static inline bool alpha_u64_read(const char *p, uint32_t width, uint64_t *value)
{
    uint32_t end = alpha_len(p, width);
    uint32_t at = 0;
    uint64_t v = 0;
    while (at < end && p[at] == ' ')
        at++;
    if (at == end)
        return false;
    for (; at < end; at++) {
        if (p[at] < '0' || p[at] > '9')
            return false;
        uint64_t digit = (uint64_t)(p[at] - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *value = v;
    return true;
}

// Right-justified, padded with blanks. False when the field is too narrow; its content is undefined
// then.
static inline bool alpha_u64_write(char *out, uint32_t width, uint64_t value)
{
    uint32_t at = width;
    memset(out, ' ', width);
    do {
        if (at == 0)
            return false;
        out[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return true;
}
