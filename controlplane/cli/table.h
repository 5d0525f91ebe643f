// Aligned tables out of JSON, driven by a list of columns.
#pragma once

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

enum column_kind {
    COLUMN_TEXT,     // to the left
    COLUMN_WORDS,    // array of strings, joined by commas
    COLUMN_COUNT,    // to the right, as are the rest
    COLUMN_PRICE,    // decimal text
    COLUMN_NS,       // 95ns 4.0us 12.5ms
    COLUMN_BYTES,    // 2.0MiB
    COLUMN_PERMILLE, // 12.5%
};

struct column {
    const char *title;
    const char *key; // path in the row, steps joined by dots; what is missing or null shows as "-"
    enum column_kind kind;
};

// One row per object of <rows>. <columns> ends with a null title.
void table_print(FILE *out, const struct column *columns, const json_t *rows);

// The text of one value; <text> is returned.
char *value_text(const json_t *value, enum column_kind kind, char *text, size_t text_len);

// Value at a path of keys joined by dots, null when a step is missing.
const json_t *value_at(const json_t *object, const char *path);
