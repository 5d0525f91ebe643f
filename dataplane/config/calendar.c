#include "dataplane/config/calendar.h"

#include <stdlib.h>

#include "dataplane/config/sheet_check.h"

static const struct sheet_column calendar_columns[] = {
    [CALENDAR_DAYS] = COLUMN(calendar_row, days, CELL_DAYS, true, 0, 0, 0, ""),
    [CALENDAR_OPEN] = COLUMN(calendar_row, open, CELL_TIME, false, 0, 0, 0, ""),
    [CALENDAR_CLOSE] = COLUMN(calendar_row, close, CELL_TIME, false, 0, 0, 0, ""),
    [CALENDAR_NAME] = VALUE(calendar_row, name, OPTION_TEXT, 1, SHEET_REASON_LEN - 1, ""),
};

const struct sheet_kind calendar_kind = {.name = "calendar",
                                         .version = 1,
                                         .until = true,
                                         .row_bytes = sizeof(struct calendar_row),
                                         .columns = calendar_columns,
                                         .column_count = ARRAY_LEN(calendar_columns)};

static bool hours_check(const struct sheet *s, const struct calendar_row *row, struct error *err)
{
    if (sheet_gives(&row->head, CALENDAR_OPEN) != sheet_gives(&row->head, CALENDAR_CLOSE))
        return sheet_fault(s, row->head.line,
                           sheet_gives(&row->head, CALENDAR_OPEN) ? "close" : "open", err,
                           "is missing; a day has both, or neither where there is no trading");
    return !sheet_gives(&row->head, CALENDAR_OPEN) || row->close > row->open ||
           sheet_fault(s, row->head.line, "close", err, "is not after 'open'");
}

static int by_date(const void *a, const void *b)
{
    const struct calendar_row *const *x = a, *const *y = b;
    return (*x)->days.day < (*y)->days.day     ? -1
           : (*x)->days.day > (*y)->days.day   ? 1
           : (*x)->head.line < (*y)->head.line ? -1
                                               : 1;
}

// Every date stands once, and every day of the week.
static bool days_once(const struct sheet *s, struct error *err)
{
    const struct calendar_row **sorted = calloc(s->count + 1, sizeof *sorted);
    uint32_t weekdays = 0;
    bool ok = true;
    if (sorted == NULL)
        return error_set(err, EXIT_FAILED, "no memory for the calendar");
    for (uint32_t i = 0; ok && i < s->count; i++) {
        const struct calendar_row *row = sorted[i] = sheet_row_at(s, i);
        if (row->days.weekdays & weekdays)
            ok = sheet_fault(s, row->head.line, "days", err,
                             "a day of the week stands in an earlier row too; remove one");
        weekdays |= row->days.weekdays;
    }
    if (ok)
        qsort((void *)sorted, s->count, sizeof *sorted, by_date);
    for (uint32_t i = 1; ok && i < s->count; i++)
        if (sorted[i]->days.weekdays == 0 && sorted[i - 1]->days.weekdays == 0 &&
            sorted[i]->days.day == sorted[i - 1]->days.day)
            ok =
                sheet_fault(s, sorted[i]->head.line, "days", err,
                            "the date stands in line %u too; remove one", sorted[i - 1]->head.line);
    free((void *)sorted);
    return ok;
}

// A calendar that goes on over a weekend or holidays only ends today as well.
static bool goes_on(const struct sheet *s, int32_t today, struct error *err)
{
    char last[DATE_LEN], date[DATE_LEN];
    uint32_t open, close;
    for (int32_t day = today + 1; day <= s->until; day++)
        if (calendar_hours(s, day, &open, &close))
            return true;
    date_text(last, s->until);
    date_text(date, today);
    return sheet_fault(s, 1, "last day", err,
                       "is %s, and no day of trading follows the trading day %s; take the next "
                       "one, or set day.calendar_days to 0",
                       last, date);
}

bool calendar_check(struct sheet *s, const struct config *config, const struct symbol_index *index,
                    int32_t today, struct error *err)
{
    (void)index;
    if (!sheet_spans(s, today, config->day.calendar_days, err))
        return false;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct calendar_row *row = sheet_row_at(s, i);
        if (!sheet_days_within(s, &row->head, &row->days, err) || !hours_check(s, row, err))
            return false;
    }
    return days_once(s, err) && (config->day.calendar_days == 0 || goes_on(s, today, err));
}

const struct calendar_row *calendar_of(const struct sheet *s, int32_t day)
{
    const struct calendar_row *found = NULL;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct calendar_row *row = sheet_row_at(s, i);
        if (row->days.weekdays == 0 && row->days.day == day)
            return row;
        if (row->days.weekdays && sheet_days_have(&row->days, day))
            found = row;
    }
    return found;
}

bool calendar_hours(const struct sheet *s, int32_t day, uint32_t *open, uint32_t *close)
{
    const struct calendar_row *row = day < s->day || day > s->until ? NULL : calendar_of(s, day);
    if (row == NULL || !sheet_gives(&row->head, CALENDAR_OPEN))
        return false;
    *open = row->open;
    *close = row->close;
    return true;
}

enum trading_phase calendar_phase(const struct sheet *s, struct local_time now)
{
    uint32_t open, close;
    if (*s->name == 0)
        return PHASE_UNKNOWN;
    if (!calendar_hours(s, now.day, &open, &close))
        return PHASE_AFTER;
    return now.second < open ? PHASE_BEFORE : now.second < close ? PHASE_TRADING : PHASE_AFTER;
}
