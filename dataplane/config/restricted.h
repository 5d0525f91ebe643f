// The restricted list: symbols that may not be sold short, not be opened, or not be traded at all,
// each from and until a time of the day from which the file holds (docs/reference.md).
#pragma once

#include "dataplane/config/reference.h"

enum restricted_column {
    RESTRICTED_SYMBOL,
    RESTRICTED_RESTRICTION,
    RESTRICTED_FROM,
    RESTRICTED_UNTIL,
    RESTRICTED_REASON,
};

struct restricted_row {
    struct sheet_row head;
    char symbol[8];
    uint32_t restriction; // enum restriction, not RESTRICTION_NONE
    uint32_t from;        // second of the file's day
    uint32_t until;       // the first that is not restricted any more, where it is given
    char reason[SHEET_REASON_LEN];
    uint32_t instrument; // SYMBOL_UNKNOWN: none of ours
};

extern const struct sheet_kind restricted_kind;
bool restricted_check(struct sheet *s, const struct config *config,
                      const struct symbol_index *index, int32_t today, struct error *err);

// In force at <now>. Days later a row without an end still is: a list ends with the next one.
bool restricted_holds(const struct sheet *s, const struct restricted_row *row,
                      struct local_time now);
