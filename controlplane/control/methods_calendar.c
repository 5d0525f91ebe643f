// The trading calendar, as the configuration in force names it; its file is read anew each time.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/control/live_config.h"
#include "controlplane/control/view.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/date.h"
#include "dataplane/config/calendar.h"
#include "dataplane/config/day_files.h"
#include "dataplane/config/sheet_check.h"
#include "dataplane/config/windows.h"

static bool config_now(const struct live_config *live, struct config *config, char **text,
                       struct error *err)
{
    uint64_t len;
    if (live == NULL || live->file[0] == 0)
        return error_set(err, EXIT_STATE, "the control plane was started without --config");
    *text = live->epoch ? live_config_text(live, live->version, &len, err)
                        : live_config_file_text(live, live->file, &len, err);
    return *text && config_load_text(config, live->file, *text, len, err);
}

// The days are those of the zone, which main has set.
static bool zone_good(const struct config *config, struct error *err)
{
    const char *zone = getenv("TZ");
    return (zone && strcmp(zone, config->day.zone) == 0) ||
           error_set(err, EXIT_STATE,
                     "the control plane was started with another zone than day.zone, %s, or the "
                     "machine's zone database has none of that name; start it again",
                     config->day.zone);
}

// A day that has not opened yet follows, as long as nobody has said which day it is: whoever asks
// after midnight is still at the end of the day before. <started>: the day of the dataplane, which
// does not follow itself; 0: there is none.
static bool next_day(const struct config *config, const struct sheet *s, struct local_time now,
                     int32_t started, int32_t *next, struct error *err)
{
    uint32_t open, close;
    char until[DATE_LEN];
    const int32_t today = day_wanted(config, now);
    if (day_by_clock(config) && started < today && calendar_hours(s, today, &open, &close) &&
        now.second < open) {
        *next = today;
        return true;
    }
    for (*next = today + 1; *next <= s->until; ++*next)
        if (calendar_hours(s, *next, &open, &close))
            return true;
    return error_set(err, EXIT_STATE,
                     "%s: has no trading day behind today, and ends on %s; "
                     "continue it",
                     s->name, date_text(until, s->until));
}

// --- day by day ---

// What is special about a day: no trading, another open or close than on other such days of the
// week, clocks that change.
static json_t *notes_of(const struct sheet *s, int32_t day)
{
    json_t *notes = json_array();
    const struct calendar_row *row = day > s->until ? NULL : calendar_of(s, day);
    uint32_t open, close, usual_open = 0, usual_close = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct calendar_row *usual = sheet_row_at(s, i);
        if (usual->days.weekdays && sheet_days_have(&usual->days, day)) {
            usual_open = usual->open;
            usual_close = usual->close;
        }
    }
    if (row && *row->name)
        json_array_append_new(notes, json_string(row->name));
    if (day > s->until)
        json_array_append_new(notes, json_string("beyond the calendar"));
    else if (!calendar_hours(s, day, &open, &close))
        json_array_append_new(notes, json_string("no trading"));
    else if (usual_close && close - open < usual_close - usual_open)
        json_array_append_new(notes, json_string("shorter day"));
    const struct local_time noon = {day, DAY_SECONDS / 2}, before = {day - 1, DAY_SECONDS / 2};
    if (zone_ahead(noon) != zone_ahead(before))
        json_array_append_new(notes, json_string("clocks change"));
    return notes;
}

static json_t *windows_of(const struct sheet *s, int32_t day)
{
    json_t *windows = json_array();
    for (uint32_t i = 0; i < s->count; i++) {
        const struct window_row *row = sheet_row_at(s, i);
        char from[TIME_LEN], until[TIME_LEN], symbol[SYMBOL_WORD_LEN], text[160];
        if (!window_holds(s, row, (struct local_time){day, row->from}))
            continue;
        snprintf(text, sizeof text, "%s-%s %s %u%%%s%s", time_text(from, row->from),
                 time_text(until, row->until), row->all ? "*" : symbol_word(row->symbol, symbol),
                 row->percent, *row->reason ? " " : "", row->reason);
        json_array_append_new(windows, json_string(text));
    }
    return windows;
}

static json_t *day_view(const struct sheet *calendar, const struct sheet *windows, int32_t day)
{
    static const char *const weekdays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    char date[DATE_LEN], opens[TIME_LEN], closes[TIME_LEN], utc[16];
    uint32_t open = 0, close = 0;
    const bool trades = calendar_hours(calendar, day, &open, &close);
    const int32_t ahead = zone_ahead((struct local_time){day, trades ? open : DAY_SECONDS / 2});
    const uint32_t minutes = (uint32_t)(ahead < 0 ? -ahead : ahead) / 60;
    snprintf(utc, sizeof utc, "%c%02u:%02u", ahead < 0 ? '-' : '+', minutes / 60, minutes % 60);
    return json_pack("{s:s,s:s,s:s?,s:s?,s:s,s:o,s:o}", "date", date_text(date, day), "weekday",
                     weekdays[date_weekday(day)], "open", trades ? time_text(opens, open) : NULL,
                     "close", trades ? time_text(closes, close) : NULL, "utc", utc, "notes",
                     notes_of(calendar, day), "windows", windows_of(windows, day));
}

// A file of windows that is not good takes nothing from the calendar.
static bool windows_load(const struct config *config, int32_t today, struct sheet *s,
                         struct error *err)
{
    struct symbol_index index = {0};
    const bool good = symbol_index_make(&index, config, err) &&
                      day_file_load(DAY_WINDOWS, s, config, &index, today, err);
    symbol_index_free(&index);
    return good;
}

static void warn_of(json_t *warnings, const struct sheet *s, int32_t last)
{
    char until[DATE_LEN];
    if (*s->name && s->until < last)
        json_array_append_new(warnings, json_sprintf("%s ends on %s; continue it", s->name,
                                                     date_text(until, s->until)));
}

static void days_add(json_t *view, const struct config *config, const struct sheet *calendar,
                     int32_t today, int32_t days)
{
    struct sheet windows = {0};
    struct error err = {0};
    json_t *rows = json_array(), *warnings = json_array();
    if (!windows_load(config, today, &windows, &err)) {
        json_array_append_new(warnings, json_string(err.text));
        windows = (struct sheet){0};
    }
    for (int32_t day = today; day < today + days; day++)
        json_array_append_new(rows, day_view(calendar, &windows, day));
    warn_of(warnings, calendar, today + days - 1);
    warn_of(warnings, &windows, today + days - 1);
    sheet_free(&windows);
    json_object_set_new(view, "days", rows);
    json_object_set_new(view, "warnings", warnings);
}

// --- the method ---

// <epoch>: of the dataplane, and so the day that it was started for, whose positions and sums it
// has; 0: there is none, or none whose configuration is known. <days>: 0: only which day it is, and
// which follows.
static json_t *view(const struct config *config, uint64_t epoch, int32_t days, struct error *err)
{
    const struct local_time now = local_time_at(clock_utc_ns());
    const int32_t today = day_wanted(config, now);
    const int32_t started = epoch ? day_wanted(config, local_time_at(epoch)) : 0;
    char date[DATE_LEN], follows[DATE_LEN], until[DATE_LEN], began[DATE_LEN];
    struct error none = {0};
    struct sheet s;
    json_t *view = NULL;
    int32_t next;
    if (*config->day.calendar == 0) {
        error_set(err, EXIT_STATE, "the configuration names no calendar (day.calendar)");
        return NULL;
    }
    if (!day_file_load(DAY_CALENDAR, &s, config, NULL, today, err))
        return NULL;
    const bool known = next_day(config, &s, now, started, &next, days ? &none : err);
    if (known || days)
        view = json_pack("{s:s,s:s?,s:s?,s:s,s:s,s:s}", "today", date_text(date, today), "started",
                         started ? date_text(began, started) : NULL, "next",
                         known ? date_text(follows, next) : NULL, "file", s.name, "zone",
                         config->day.zone, "ends", date_text(until, s.until));
    if (view && days)
        days_add(view, config, &s, today, days);
    sheet_free(&s);
    return view;
}

static void answer(struct control *control, struct job *job, int32_t days)
{
    struct config *config = calloc(1, sizeof *config);
    struct error err = {0};
    char *text = NULL;
    if (config == NULL)
        error_set(&err, EXIT_FAILED, "no memory for a configuration");
    else if (config_now(control->live, config, &text, &err) && zone_good(config, &err))
        job->result = view(config, control->live->epoch, days, &err);
    if (job->result == NULL)
        job_fail(job, RPC_ERROR_STATE, "%.560s", err.text);
    free(text);
    if (config)
        config_free(config);
    free(config);
}

void method_calendar(struct control *control, struct job *job)
{
    answer(control, job, 0);
}

void method_calendar_days(struct control *control, struct job *job)
{
    answer(control, job, (int32_t)job_integer(job, "days", 10));
}
