// Best prices and state of symbols, copied out of the region.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/region/contact.h"

struct symbol_row {
    char name[12]; // printable, "" where the directory has not named it
    uint16_t locate;
    uint8_t channel;
    bool torn;   // the writer was in the way each time: prices are not to be shown
    bool chosen; // for the caller; false after the copy
    struct symbol_top top;
};

struct symbol_table {
    struct symbol_row *rows;
    uint64_t count;
    uint64_t capacity;
};

// All symbols that are in use, sorted by name, then channel; grows the table as needed. False: no
// memory, or the region has vanished.
bool symbol_table_copy(struct symbol_table *table, struct contact *contact);
void symbol_table_free(struct symbol_table *table);

// Rows of that name stand together, one per channel that has it: the first of them, null when there
// is none, and their number.
struct symbol_row *symbol_table_find(const struct symbol_table *table, const char *name,
                                     uint64_t *count);

// The row of that name and channel, or the first of any channel (channel < 0); null when there is
// none.
const struct symbol_row *symbol_table_get(const struct symbol_table *table, const char *name,
                                          int channel);

// Name of a locate; "" when it is not known.
const char *symbol_table_name(const struct symbol_table *table, uint32_t channel, uint32_t locate);

// Order of the table.
int symbol_row_compare(const void *a, const void *b);
