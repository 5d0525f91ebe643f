#include "dataplane/config/restricted.h"

#include "dataplane/abi/trade.h"
#include "dataplane/config/sheet_check.h"

// Words of a row: enum restriction without its first.
static const struct sheet_column restricted_columns[] = {
    [RESTRICTED_SYMBOL] = COLUMN(restricted_row, symbol, CELL_SYMBOL, true, 0, 0, 0, ""),
    [RESTRICTED_RESTRICTION] = COLUMN(restricted_row, restriction, CELL_VALUE, true, OPTION_ENUM, 0,
                                      0, "short opening all"),
    [RESTRICTED_FROM] = COLUMN(restricted_row, from, CELL_TIME, false, 0, 0, 0, ""),
    [RESTRICTED_UNTIL] = COLUMN(restricted_row, until, CELL_TIME, false, 0, 0, 0, ""),
    [RESTRICTED_REASON] = VALUE(restricted_row, reason, OPTION_TEXT, 1, SHEET_REASON_LEN - 1, ""),
};

const struct sheet_kind restricted_kind = {.name = "restricted",
                                           .version = 1,
                                           .row_bytes = sizeof(struct restricted_row),
                                           .columns = restricted_columns,
                                           .column_count = ARRAY_LEN(restricted_columns)};

bool restricted_check(struct sheet *s, const struct config *config,
                      const struct symbol_index *index, int32_t today, struct error *err)
{
    if (!sheet_of_today(s, config, today, err))
        return false;
    for (uint32_t i = 0; i < s->count; i++) {
        struct restricted_row *row = sheet_row_at(s, i);
        row->restriction += RESTRICTION_SHORT;
        if (sheet_gives(&row->head, RESTRICTED_UNTIL) && row->until <= row->from)
            return sheet_fault(s, row->head.line, "until", err,
                               "is not after 'from'; both are times of one day, and a row without "
                               "'until' holds until the next list");
        if (!sheet_symbol(s, config, index, row->head.line, row->symbol, &row->instrument, err))
            return false;
    }
    return true;
}

bool restricted_holds(const struct sheet *s, const struct restricted_row *row,
                      struct local_time now)
{
    const int64_t at = (int64_t)(now.day - s->day) * DAY_SECONDS + now.second;
    const bool begun = !sheet_gives(&row->head, RESTRICTED_FROM) || at >= row->from;
    return begun && (!sheet_gives(&row->head, RESTRICTED_UNTIL) || at < row->until);
}
