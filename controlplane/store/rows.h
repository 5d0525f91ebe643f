// Events into rows, in the form that PostgreSQL's COPY reads (FORMAT binary). Memory only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/journal/format.h"

enum store_table {
#define TABLE(name, event) TABLE_##name,
#define COLUMN(name, kind, value)
#define TABLE_END(name)
#include "controlplane/store/tables.def"
    TABLES
};

enum { ROW_LEN_MAX = 4096 }; // bytes of one row

struct row_column {
    const char *name;
    const char *type; // as information_schema calls it
};

struct row_table {
    const char *name;
    const struct row_column *columns; // all of them, in order
    uint32_t column_count;
};
extern const struct row_table row_tables[TABLES];

// Rows of one table. Grows by itself; the memory stays for the next batch.
struct rows {
    uint8_t *bytes;
    uint64_t len, room;
    uint64_t count;
};

// What an event does not say about itself.
struct row_writer {
    struct rows tables[TABLES];
    uint64_t used;              // bytes of all rows
    struct journal_clock clock; // of the instance
    uint64_t epoch;
    uint64_t block_ns; // UTC, when the block was closed: bounds the time of its events
    uint32_t journal;  // id in the database
    uint64_t number;   // of the record
    uint8_t ring;
    uint64_t at_ns; // UTC, of the event that was written last
    // Of an execution: the account's position behind it, and what closing it brought.
    int64_t position;
    int64_t realised;
    bool closed;
    char text[2048];
};

void row_writer_free(struct row_writer *w);
// Empties the tables, each to the header that COPY wants first.
void row_writer_clear(struct row_writer *w);
// Writes the end that COPY wants.
void row_writer_end(struct row_writer *w);

// UTC of the event in ns: its stamp by the instance's clock, if that is within a day of the time at
// which its block was closed, else that time.
uint64_t row_time(const struct row_writer *w, uint64_t tsc);
// ns of ticks, at most INT32_MAX.
int32_t row_ticks_ns(const struct row_writer *w, uint64_t ticks);

// Where an event stands. Every type has its table; unknown ones stand in events.
enum store_table row_table_of(uint16_t type);
// The row of the event; <table> is row_table_of(), or TABLE_executions for an order's.
void row_write(struct row_writer *w, enum store_table table, const struct event *e);

// Days since 1970 in UTC.
static inline int32_t row_day(uint64_t at_ns)
{
    return (int32_t)(at_ns / (86400 * UINT64_C(1000000000)));
}
