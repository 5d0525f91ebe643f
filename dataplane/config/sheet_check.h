// What the files of the day have in common beyond their format: columns as tables, whether a file
// is of the day, whose symbols are in it. For the kinds of files, not for their users.
#pragma once

#include <stddef.h>

#include "dataplane/base/hints.h"
#include "dataplane/config/reference.h"

#define COLUMN(type, member, cell_, required_, kind_, min_, max_, words_) \
    {                                                                     \
        .cell = (cell_), .required = (required_), .value = {              \
            .kind = (kind_),                                              \
            .key = #member,                                               \
            .min = (min_),                                                \
            .max = (max_),                                                \
            .words = (words_),                                            \
            .offset = offsetof(struct type, member),                      \
            .size = sizeof(((struct type *)0)->member)                    \
        }                                                                 \
    }
#define VALUE(type, member, kind_, min_, max_, words_) \
    COLUMN(type, member, CELL_VALUE, false, kind_, min_, max_, words_)

// Whether the file holds on the day <today>. False with <err>, as all that follow.
bool sheet_of_today(const struct sheet *s, const struct config *config, int32_t today,
                    struct error *err);

// The number of a row's symbol; SYMBOL_UNKNOWN where it is not ours and need not be.
bool sheet_symbol(const struct sheet *s, const struct config *config,
                  const struct symbol_index *index, uint32_t line, const char symbol[8],
                  uint32_t *instrument, struct error *err);

// A file that holds from a first to a last day: <today> is among them, and <ahead> days more.
bool sheet_spans(const struct sheet *s, int32_t today, uint32_t ahead, struct error *err);
// The date of a row is one of them.
bool sheet_days_within(const struct sheet *s, const struct sheet_row *head,
                       const struct sheet_days *days, struct error *err);

static inline bool sheet_days_have(const struct sheet_days *days, int32_t day)
{
    return days->weekdays ? days->weekdays >> date_weekday(day) & 1 : days->day == day;
}
