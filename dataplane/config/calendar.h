// The trading calendar: on which days there is trading and when it opens and closes, by the clock
// on the wall of the day's zone (docs/reference.md).
#pragma once

#include "dataplane/abi/trade.h"
#include "dataplane/config/reference.h"

enum calendar_column { CALENDAR_DAYS, CALENDAR_OPEN, CALENDAR_CLOSE, CALENDAR_NAME };

// A date counts before a weekday. Without hours there is no trading.
struct calendar_row {
    struct sheet_row head;
    struct sheet_days days;
    uint32_t open; // second of the day
    uint32_t close;
    char name[SHEET_REASON_LEN];
};

extern const struct sheet_kind calendar_kind;
bool calendar_check(struct sheet *s, const struct config *config, const struct symbol_index *index,
                    int32_t today, struct error *err);

// The row of a day; null: there is none, and so no trading.
const struct calendar_row *calendar_of(const struct sheet *s, int32_t day);
// False: no trading on the day.
bool calendar_hours(const struct sheet *s, int32_t day, uint32_t *open, uint32_t *close);
// Before, trading or after; PHASE_UNKNOWN: there is no calendar. Days without trading, and days
// that the calendar does not reach, are after it.
enum trading_phase calendar_phase(const struct sheet *s, struct local_time now);
