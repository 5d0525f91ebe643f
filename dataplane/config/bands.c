#include "dataplane/config/bands.h"

#include "dataplane/config/sheet_check.h"

static const struct sheet_column bands_columns[] = {
    [BAND_SYMBOL] = COLUMN(band_row, symbol, CELL_SYMBOL, true, 0, 0, 0, ""),
    [BAND_LOW] = COLUMN(band_row, low, CELL_VALUE, true, OPTION_PRICE, 1, UINT32_MAX - 1, ""),
    [BAND_HIGH] = COLUMN(band_row, high, CELL_VALUE, true, OPTION_PRICE, 1, UINT32_MAX - 1, ""),
    [BAND_FROM] = COLUMN(band_row, from, CELL_TIME, false, 0, 0, 0, ""),
    [BAND_UNTIL] = COLUMN(band_row, until, CELL_TIME, false, 0, 0, 0, ""),
};

const struct sheet_kind bands_kind = {.name = "bands",
                                      .version = 1,
                                      .row_bytes = sizeof(struct band_row),
                                      .columns = bands_columns,
                                      .column_count = ARRAY_LEN(bands_columns)};

bool bands_check(struct sheet *s, const struct config *config, const struct symbol_index *index,
                 int32_t today, struct error *err)
{
    if (!sheet_of_today(s, config, today, err))
        return false;
    for (uint32_t i = 0; i < s->count; i++) {
        struct band_row *row = sheet_row_at(s, i);
        const uint32_t line = row->head.line;
        if (row->high < row->low)
            return sheet_fault(s, line, "high", err, "is below 'low'");
        if (sheet_gives(&row->head, BAND_UNTIL) && row->until <= row->from)
            return sheet_fault(s, line, "until", err,
                               "is not after 'from'; both are times of one day");
        if (!sheet_symbol(s, config, index, line, row->symbol, &row->instrument, err))
            return false;
    }
    return true;
}

bool band_holds(const struct sheet *s, const struct band_row *row, struct local_time now)
{
    return now.day == s->day && now.second >= row->from &&
           (!sheet_gives(&row->head, BAND_UNTIL) || now.second < row->until);
}
