// Event windows: from when to when limits are tighter, or nothing enters, in a symbol or in all of
// them (docs/reference.md).
#pragma once

#include "dataplane/config/reference.h"

enum window_column {
    WINDOW_DAYS,
    WINDOW_SYMBOL,
    WINDOW_FROM,
    WINDOW_UNTIL,
    WINDOW_PERCENT,
    WINDOW_REASON,
};

struct window_row {
    struct sheet_row head;
    struct sheet_days days;
    char symbol[8];   // or * for all
    uint32_t from;    // second of the day
    uint32_t until;   // the first that is outside again
    uint32_t percent; // what stays of the symbols' limits; 0: nothing enters
    char reason[SHEET_REASON_LEN];
    uint32_t instrument; // SYMBOL_UNKNOWN: none of ours
    bool all;
};

extern const struct sheet_kind windows_kind;
bool windows_check(struct sheet *s, const struct config *config, const struct symbol_index *index,
                   int32_t today, struct error *err);
bool window_holds(const struct sheet *s, const struct window_row *row, struct local_time now);
