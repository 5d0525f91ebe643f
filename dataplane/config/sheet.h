// Files of what changes from day to day: CSV with a first line that names the format, its version
// and the day from which it holds (docs/reference.md). One reader for all of them: a kind of file
// is a table of columns.
//
//     tickgate,reference,1,2026-11-23
//     symbol,average_volume,previous_close
//     AAPL,58000000,189.95
//
// Nothing of a file is trusted: every error names file, line, column and remedy, and what was read
// before stays with whoever has it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/date.h"
#include "dataplane/base/error.h"
#include "dataplane/config/option.h"

enum {
    SHEET_BYTES_MAX = 16 << 20,
    SHEET_LINE_MAX = 1024,
    SHEET_COLUMNS_MAX = 8,
    SHEET_ROWS_MAX = 65536,
    SHEET_REASON_LEN = 64,
};

enum sheet_cell {
    CELL_VALUE,  // as the option says: value_parse
    CELL_SYMBOL, // char[8], padded with blanks
    CELL_SHARES, // whole number, below 0 for short; int64_t
    CELL_TIME,   // HH:MM or HH:MM:SS; seconds of the day as uint32_t
    CELL_DAYS,   // YYYY-MM-DD, mon, or mon-fri; struct sheet_days
};

// One day (<weekdays> 0), or days of every week: bit 0 is Monday.
struct sheet_days {
    int32_t day;
    uint32_t weekdays;
};

struct sheet_column {
    enum sheet_cell cell;
    bool required;           // the column, and a value in every row
    struct option_row value; // key, place in the row; the rest for CELL_VALUE
};

struct sheet_kind {
    const char *name;
    uint32_t version;
    bool until; // the first line ends with the last day for which it holds
    uint32_t row_bytes;
    uint32_t column_count;
    const struct sheet_column *columns;
};

// Every row's structure begins with it.
struct sheet_row {
    uint32_t line;
    uint32_t given; // bits of the kind's columns that have a value
};

struct sheet {
    const struct sheet_kind *kind;
    char name[256]; // of the file
    int32_t day;    // from which it holds
    int32_t until;
    uint32_t count;
    uint32_t places;
    uint64_t hash; // of the file's bytes
    uint8_t *rows; // <count> of kind->row_bytes
};

// False with <err>, and nothing to free. EXIT_FAILED when the file cannot be read.
bool sheet_load(struct sheet *s, const struct sheet_kind *kind, const char *path,
                struct error *err);
// The same for text in memory; <name> stands for the path in errors.
bool sheet_read(struct sheet *s, const struct sheet_kind *kind, const char *name, const char *text,
                uint64_t len, struct error *err);
void sheet_free(struct sheet *s);

static inline void *sheet_row_at(const struct sheet *s, uint32_t row)
{
    return s->rows + (uint64_t)row * s->kind->row_bytes;
}

static inline bool sheet_gives(const struct sheet_row *row, uint32_t column)
{
    return row->given >> column & 1;
}

// What only shows when rows are put together: fills <err> with "file:line: column: " and the text.
// Always false.
bool sheet_fault(const struct sheet *s, uint32_t line, const char *column, struct error *err,
                 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
