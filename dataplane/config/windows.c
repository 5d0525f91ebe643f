#include "dataplane/config/windows.h"

#include <string.h>

#include "dataplane/config/sheet_check.h"

static const struct sheet_column window_columns[] = {
    [WINDOW_DAYS] = COLUMN(window_row, days, CELL_DAYS, true, 0, 0, 0, ""),
    [WINDOW_SYMBOL] = COLUMN(window_row, symbol, CELL_SYMBOL, true, 0, 0, 0, ""),
    [WINDOW_FROM] = COLUMN(window_row, from, CELL_TIME, true, 0, 0, 0, ""),
    [WINDOW_UNTIL] = COLUMN(window_row, until, CELL_TIME, true, 0, 0, 0, ""),
    [WINDOW_PERCENT] = COLUMN(window_row, percent, CELL_VALUE, true, OPTION_U32, 0, 99, ""),
    [WINDOW_REASON] = VALUE(window_row, reason, OPTION_TEXT, 1, SHEET_REASON_LEN - 1, ""),
};

const struct sheet_kind windows_kind = {.name = "windows",
                                        .version = 1,
                                        .until = true,
                                        .row_bytes = sizeof(struct window_row),
                                        .columns = window_columns,
                                        .column_count = ARRAY_LEN(window_columns)};

bool windows_check(struct sheet *s, const struct config *config, const struct symbol_index *index,
                   int32_t today, struct error *err)
{
    if (!sheet_spans(s, today, 0, err))
        return false;
    for (uint32_t i = 0; i < s->count; i++) {
        struct window_row *row = sheet_row_at(s, i);
        if (!sheet_days_within(s, &row->head, &row->days, err))
            return false;
        if (row->until <= row->from)
            return sheet_fault(s, row->head.line, "until", err,
                               "is not after 'from'; both are times of one day, and what goes on "
                               "at night takes two rows");
        row->all = memcmp(row->symbol, "*       ", sizeof row->symbol) == 0;
        row->instrument = SYMBOL_UNKNOWN;
        if (!row->all &&
            !sheet_symbol(s, config, index, row->head.line, row->symbol, &row->instrument, err))
            return false;
    }
    return true;
}

bool window_holds(const struct sheet *s, const struct window_row *row, struct local_time now)
{
    return now.day >= s->day && now.day <= s->until && sheet_days_have(&row->days, now.day) &&
           now.second >= row->from && now.second < row->until;
}
