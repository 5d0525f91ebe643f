#include "dataplane/config/sheet_check.h"

#include <stdio.h>

bool sheet_of_today(const struct sheet *s, const struct config *config, int32_t today,
                    struct error *err)
{
    char holds[DATE_LEN], wanted[DATE_LEN];
    date_text(holds, s->day);
    date_text(wanted, today);
    if (s->day > today)
        return sheet_fault(s, 1, "effective date", err,
                           "holds from %s on, and the trading day is %s; take that day's file, or "
                           "correct day.date or the clock",
                           holds, wanted);
    if (today - s->day > (int32_t)config->day.max_age_days)
        return sheet_fault(s, 1, "effective date", err,
                           "is of %s, and the trading day is %s; take that day's file, or let it "
                           "be older with day.max_age_days",
                           holds, wanted);
    return true;
}

// Symbols of rows behind <line> that are not ours either, in a file that has them.
static uint32_t unknown_behind(const struct sheet *s, const struct symbol_index *index,
                               uint32_t line)
{
    uint32_t offset = 0, count = 0;
    for (uint32_t i = 0; i < s->kind->column_count; i++)
        if (s->kind->columns[i].cell == CELL_SYMBOL)
            offset = s->kind->columns[i].value.offset;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct sheet_row *head = sheet_row_at(s, i);
        const char *symbol = (const char *)head + offset;
        count +=
            head->line > line && *symbol != '*' && symbol_find(index, symbol) == SYMBOL_UNKNOWN;
    }
    return count;
}

bool sheet_symbol(const struct sheet *s, const struct config *config,
                  const struct symbol_index *index, uint32_t line, const char symbol[8],
                  uint32_t *instrument, struct error *err)
{
    *instrument = symbol_find(index, symbol);
    if (*instrument != SYMBOL_UNKNOWN || config->day.unknown_symbols == CONFIG_UNKNOWN_SKIP)
        return true;
    char word[SYMBOL_WORD_LEN], more[48] = "";
    const uint32_t others = unknown_behind(s, index, line);
    if (others)
        snprintf(more, sizeof more, " (nor have %u more, below)", others);
    return sheet_fault(s, line, "symbol", err,
                       "'%s' has no row in the section 'symbols' of the configuration%s; add it, "
                       "remove the row, or set day.unknown_symbols to skip",
                       symbol_word(symbol, word), more);
}

bool sheet_spans(const struct sheet *s, int32_t today, uint32_t ahead, struct error *err)
{
    char first[DATE_LEN], last[DATE_LEN], wanted[DATE_LEN];
    date_text(first, s->day);
    date_text(last, s->until);
    date_text(wanted, today);
    if (s->day > today)
        return sheet_fault(s, 1, "first day", err,
                           "begins on %s, and the trading day is %s; take the one of today, or "
                           "correct day.date or the clock",
                           first, wanted);
    if (s->until < today)
        return sheet_fault(s, 1, "last day", err,
                           "ended on %s, and the trading day is %s; take the next one", last,
                           wanted);
    return s->until - today >= (int32_t)ahead ||
           sheet_fault(s, 1, "last day", err,
                       "ends on %s, and the trading day is %s; take the next one, or want fewer "
                       "days ahead with day.calendar_days",
                       last, wanted);
}

bool sheet_days_within(const struct sheet *s, const struct sheet_row *head,
                       const struct sheet_days *days, struct error *err)
{
    return days->weekdays || (days->day >= s->day && days->day <= s->until) ||
           sheet_fault(s, head->line, "days", err,
                       "is not between the first and the last day of the file");
}
