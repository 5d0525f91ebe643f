// The trading calendar, as the configuration in force names it; its file is read anew each time.
#include <stdlib.h>
#include <string.h>

#include "controlplane/control/live_config.h"
#include "controlplane/control/view.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/date.h"
#include "dataplane/config/calendar.h"
#include "dataplane/config/day_files.h"

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
// after midnight is still at the end of the day before.
static bool next_day(const struct config *config, const struct sheet *s, struct local_time now,
                     int32_t *next, struct error *err)
{
    uint32_t open, close;
    char until[DATE_LEN];
    const int32_t today = day_wanted(config, now);
    if (*config->day.date == 0 && calendar_hours(s, today, &open, &close) && now.second < open) {
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

static json_t *view(const struct config *config, struct error *err)
{
    const struct local_time now = local_time_at(clock_utc_ns());
    char today[DATE_LEN], next[DATE_LEN];
    struct sheet s;
    json_t *view = NULL;
    int32_t day;
    if (*config->day.calendar == 0) {
        error_set(err, EXIT_STATE, "the configuration names no calendar (day.calendar)");
        return NULL;
    }
    if (!day_file_load(DAY_CALENDAR, &s, config, NULL, day_wanted(config, now), err))
        return NULL;
    if (next_day(config, &s, now, &day, err))
        view = json_pack("{s:s,s:s,s:s}", "today", date_text(today, day_wanted(config, now)),
                         "next", date_text(next, day), "file", s.name);
    sheet_free(&s);
    return view;
}

void method_calendar(struct control *control, struct job *job)
{
    struct config *config = calloc(1, sizeof *config);
    struct error err = {0};
    char *text = NULL;
    if (config == NULL)
        error_set(&err, EXIT_FAILED, "no memory for a configuration");
    else if (config_now(control->live, config, &text, &err) && zone_good(config, &err))
        job->result = view(config, &err);
    if (job->result == NULL)
        job_fail(job, RPC_ERROR_STATE, "%.560s", err.text);
    free(text);
    if (config)
        config_free(config);
    free(config);
}
