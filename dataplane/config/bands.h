// Price bands: limit up, limit down, as a processor of the plan or a vendor gives them, each from a
// time of the day from which the file holds (docs/reference.md).
#pragma once

#include "dataplane/config/reference.h"

enum band_column {
    BAND_SYMBOL,
    BAND_LOW,
    BAND_HIGH,
    BAND_FROM,
    BAND_UNTIL,
};

struct band_row {
    struct sheet_row head;
    char symbol[8];
    uint32_t low;        // price4
    uint32_t high;       // not below <low>
    uint32_t from;       // second of the file's day
    uint32_t until;      // the first in which it does not hold any more, where it is given
    uint32_t instrument; // SYMBOL_UNKNOWN: none of ours
};

extern const struct sheet_kind bands_kind;
bool bands_check(struct sheet *s, const struct config *config, const struct symbol_index *index,
                 int32_t today, struct error *err);

// In force at <now>. Only on the file's own day: a band of yesterday says nothing. Of several rows
// of a symbol that hold, the one that began last counts.
bool band_holds(const struct sheet *s, const struct band_row *row, struct local_time now);
