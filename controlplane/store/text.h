// SQL that is put together. Grows by itself; clearing keeps the memory.
#pragma once

#include <stdint.h>

struct sql_text {
    char *text; // null until the first word
    uint64_t len, room;
};

void sql_add(struct sql_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// A string as a literal: 'it''s'. What is no printable ASCII becomes a question mark.
void sql_add_quoted(struct sql_text *t, const char *value, uint32_t len_max);
// Bytes as an expression of type bytea.
void sql_add_bytes(struct sql_text *t, const uint8_t *bytes, uint32_t len);
// As PostgreSQL reads a time: UTC, to the second.
void sql_add_time(struct sql_text *t, uint64_t utc_s);
void sql_clear(struct sql_text *t);
void sql_free(struct sql_text *t);
