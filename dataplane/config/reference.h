// Reference data and positions at the start of the day, from files (docs/reference.md): checked
// against the configuration and put in the order of its symbols; nothing is in force before all of
// a file is good.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/config/config.h"
#include "dataplane/config/sheet.h"

// A number for every symbol of the configuration, in its order: rows of `symbols`, their names.
struct symbol_index {
    struct symbol_place *places; // by name
    uint32_t count;
};

struct symbol_place {
    char name[8];
    uint32_t instrument;
};

bool symbol_index_make(struct symbol_index *index, const struct config *config, struct error *err);
void symbol_index_free(struct symbol_index *index);
#define SYMBOL_UNKNOWN UINT32_MAX

enum { SYMBOL_WORD_LEN = 9 };

// For messages: without the blanks behind it.
static inline const char *symbol_word(const char name[8], char out[SYMBOL_WORD_LEN])
{
    uint32_t len = 8;
    while (len && name[len - 1] == ' ')
        len--;
    memcpy(out, name, len);
    out[len] = 0;
    return out;
}
uint32_t symbol_find(const struct symbol_index *index, const char name[8]);

enum reference_column {
    REFERENCE_SYMBOL,
    REFERENCE_VOLUME,
    REFERENCE_CLOSE,
    REFERENCE_TICK,
    REFERENCE_LOT,
    REFERENCE_LOCATES,
};

struct reference_row {
    struct sheet_row head;
    char symbol[8];
    uint64_t average_volume;
    uint32_t previous_close; // price4
    uint32_t tick;
    uint32_t lot;
    uint32_t locates;
    uint32_t instrument; // SYMBOL_UNKNOWN: none of ours
};

struct position_row {
    struct sheet_row head;
    char account[NAME_LEN];
    char symbol[8];
    int64_t shares; // below 0: short
    uint32_t price; // price4, what one is worth at the start of the day
    char lane[NAME_LEN];
    uint32_t account_index;
    uint32_t lane_index;
    uint32_t instrument;
};

// The day that the configuration names, or that of <now>.
int32_t day_wanted(const struct config *config, struct local_time now);
// Nobody has said which day it is (day.date: today).
bool day_by_clock(const struct config *config);

// What reference data say of a symbol, by its key in the configuration.
bool reference_has(const char *key);

// Of a sheet that was read, for the day <today> (day_wanted), against the configuration.
extern const struct sheet_kind reference_kind, positions_kind;
bool reference_check(struct sheet *s, const struct config *config, const struct symbol_index *index,
                     int32_t today, struct error *err);
bool positions_check(struct sheet *s, const struct config *config, const struct symbol_index *index,
                     int32_t today, struct error *err);
