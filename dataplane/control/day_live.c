#include "dataplane/control/day_live.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/base/log.h"
#include "dataplane/control/limits_live.h"

enum {
    DAY_LOOK_MS = 1000,
    EVENTS_OF_A_RELOAD = 1 + DAY_FILES,
};

// --- what is asked for ---

static bool refuse(struct day_change *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct day_change *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->answer.why, sizeof c->answer.why, fmt, ap);
    va_end(ap);
    return false;
}

// Bits of the files that are meant; 0 with the reason in the answer.
static uint32_t files_wanted(struct day *day, uint32_t asked)
{
    struct day_change *c = &day->change;
    uint32_t files = 0;
    for (unsigned f = 0; f < DAY_FILES; f++) {
        const bool named = *day_file_path(day->config, f) != 0;
        if (asked >> f & 1 && !day_file_again(f))
            return refuse(c, "%s hold from the start of the day; they are not read again",
                          day_file_name(f));
        if (asked >> f & 1 && !named)
            return refuse(c, "the configuration names no such file; set day.%s", day_file_name(f));
        files |= named && day_file_again(f) ? 1u << f : 0;
    }
    if (files == 0)
        return refuse(c, "the configuration names no file that could be read again (section day)");
    return asked ? asked : files;
}

static void files_drop(struct day_change *c)
{
    for (unsigned f = 0; f < DAY_FILES; f++)
        sheet_free(&c->sheets[f]);
    free(c->row_of);
    c->row_of = NULL;
    c->files = 0;
    c->on = false;
}

// What is read now, for the day of <now>; the others as they are.
static bool files_read(struct day *day, uint32_t files, struct local_time now)
{
    struct day_change *c = &day->change;
    const int32_t today = day_wanted(day->config, now);
    struct error err = {0};
    for (unsigned f = 0; f < DAY_FILES; f++) {
        if (!(files >> f & 1))
            continue;
        if (!day_file_load(f, &c->sheets[f], day->config, &day->index, today, &err))
            return refuse(c, "%s", err.text);
        c->files |= 1u << f;
    }
    if (files >> DAY_REFERENCE & 1)
        c->row_of = day_rows(day, &c->sheets[DAY_REFERENCE]);
    return !(files >> DAY_REFERENCE & 1) || c->row_of || refuse(c, "no memory for reference data");
}

static void force_next_make(struct day *day, uint64_t utc_ns)
{
    const struct local_time now = local_time_at(utc_ns);
    struct sheet sheets[DAY_FILES];
    for (unsigned f = 0; f < DAY_FILES; f++)
        sheets[f] = day->change.files >> f & 1 ? day->change.sheets[f] : day->sheets[f];
    day_force_make(sheets, now, day->force_next);
    day->force_next->luld.zone_s = day_zone(now, utc_ns);
}

// What the configuration says of a symbol, with its row of the file over it; what persons have set
// of just these values is gone (raises_drop).
static void row_of_file(const struct sheet *reference, const uint32_t *row_of,
                        const struct config_symbol_row *from, uint32_t instrument,
                        struct config_symbol_row *to)
{
    to->average_volume = from->average_volume;
    to->previous_close = from->previous_close;
    to->tick = from->tick;
    to->lot = from->lot;
    to->locates = from->locates;
    day_overlay_of(reference, row_of, instrument, to);
}

static void rows_of_file(const struct config *config, const struct sheet *reference,
                         const uint32_t *row_of, struct limits_source *to)
{
    uint32_t at = 0;
    for (uint32_t r = 0; r < config->symbol_count; r++)
        for (uint32_t i = 0; i < config->symbols[r].names.count; i++, at++)
            row_of_file(reference, row_of, &config->symbols[r], at, &to->symbols[at]);
}

static void reference_change(const struct dataplane *d, struct limits_source *next)
{
    const struct day_change *c = &d->day.change;
    rows_of_file(d->config, &c->sheets[DAY_REFERENCE], c->row_of, next);
}

// <line>: of the row that has brought the least.
static void least_add(const struct day_change *c, uint32_t at, const struct config_symbol_row *row,
                      struct config_least *least, uint32_t *line)
{
    const struct config_least before = *least;
    config_least_add(least, row);
    if (least->lot == before.lot && least->money == before.money)
        return;
    const struct reference_row *given =
        c->row_of[at] ? sheet_row_at(&c->sheets[DAY_REFERENCE], c->row_of[at] - 1) : NULL;
    *line = given ? given->head.line : 1;
}

// Who was limited so before is not held to it: another file may be what helps.
static bool least_good(struct dataplane *d, const struct config_least *least, uint32_t line)
{
    struct day_change *c = &d->day.change;
    struct limit_fault f, before;
    return limits_least_fits(limits_set_now(d), least, &f) ||
           !limits_least_good(limits_set_now(d), &before) ||
           refuse(c, "%s:%u: %s %u: %s: %s", c->sheets[DAY_REFERENCE].name, line,
                  scope_name(f.scope), f.index, f.key, f.text);
}

// The new rows beside what is limited now.
static bool reference_good(struct dataplane *d)
{
    const struct config *config = d->config;
    struct day_change *c = &d->day.change;
    struct config_least least = CONFIG_LEAST_NONE;
    struct error err = {0};
    uint32_t at = 0, line = 1;
    for (uint32_t r = 0; r < config->symbol_count && c->row_of; r++)
        for (uint32_t i = 0; i < config->symbols[r].names.count; i++, at++) {
            struct config_symbol_row row = limits_set_now(d)->symbols[at];
            row_of_file(&c->sheets[DAY_REFERENCE], c->row_of, &config->symbols[r], at, &row);
            if (!day_row_good(&c->sheets[DAY_REFERENCE], c->row_of, at,
                              config->symbols[r].names.names[i], &row, config_trade_lanes(config),
                              &err))
                return refuse(c, "%s", err.text);
            least_add(c, at, &row, &least, &line);
        }
    return at == 0 || least_good(d, &least, line);
}

static bool begin(struct dataplane *d)
{
    struct day *day = &d->day;
    const bool reference = day->change.files >> DAY_REFERENCE & 1;
    day->change.on = limits_again(d, reference || day_force_loosens(day->force, day->force_next),
                                  day->change.files != 0, reference ? reference_change : NULL);
    return day->change.on;
}

static void tell_asked(struct dataplane *d, const struct reload_request *request)
{
    struct event event = {.type = EVENT_GOVERNED, .tsc = clock_tsc()};
    event.governed.index = d->day.change.files;
    event.governed.user = request->user;
    event.governed.command = COMMAND_RELOAD;
    event.governed.scope = TRADE_FIRM;
    memcpy(event.governed.reason, request->reason, sizeof event.governed.reason);
    event_write(&d->events, &event);
}

bool day_reload(struct dataplane *d, struct command_slot *slot, uint64_t utc_ns,
                enum command_result *result)
{
    struct day *day = &d->day;
    struct day_change *c = &day->change;
    struct reload_request request = slot->request.reload;
    const struct local_time now = local_time_at(utc_ns);
    request.reason[REASON_LEN - 1] = 0;
    *result = COMMAND_RESULT_OK;
    if (d->limits == NULL || day->force == NULL)
        *result = COMMAND_RESULT_NO_TRADING;
    else if (c->on || limits_busy(d))
        *result = COMMAND_RESULT_BUSY;
    else if (request.files >> DAY_FILES)
        *result = COMMAND_RESULT_BAD_ARGUMENT;
    else if (event_credit(&d->events) < EVENTS_OF_A_RELOAD + limits_raised(d)->count)
        *result = COMMAND_RESULT_NO_ROOM;
    if (*result != COMMAND_RESULT_OK)
        return false;
    memset(&c->answer, 0, sizeof c->answer);
    c->answer.started = date_number(day->today);
    c->answer.today = date_number(day_wanted(day->config, now));
    const uint32_t files = files_wanted(day, request.files);
    if (files == 0 || !files_read(day, files, now) || !reference_good(d)) {
        log_warn(LOG_DAY_REFUSED, NULL, "%s; what was in force stays", c->answer.why);
        slot->answer.reload = c->answer;
        *result = COMMAND_RESULT_DAY_REFUSED;
    } else {
        force_next_make(day, utc_ns);
        tell_asked(d, &request);
        begin(d); // nothing else is in work
    }
    if (*result != COMMAND_RESULT_OK) {
        files_drop(c);
        return false;
    }
    c->slot = slot;
    return true;
}

// --- turn by turn ---

static void files_take(struct dataplane *d)
{
    struct day *day = &d->day;
    struct day_change *c = &day->change;
    struct day_force *old = day->force;
    day->force = day->force_next;
    day->force_next = old;
    for (unsigned f = 0; f < DAY_FILES; f++) {
        if (!(c->files >> f & 1))
            continue;
        sheet_free(&day->sheets[f]);
        day->sheets[f] = c->sheets[f];
        c->sheets[f].rows = NULL;
        c->answer.files[c->answer.count++] =
            (struct day_file_row){.hash = day->sheets[f].hash,
                                  .date = date_number(day->sheets[f].day),
                                  .rows = day->sheets[f].count,
                                  .file = (uint8_t)f};
    }
    if (c->row_of) {
        free(day->row_of);
        day->row_of = c->row_of;
        c->row_of = NULL;
    }
    day_record(day, c->files, &d->events);
}

static void finish(struct dataplane *d, enum command_result result,
                   const struct limit_set_answer *lanes)
{
    struct day_change *c = &d->day.change;
    if (result == COMMAND_RESULT_OK)
        files_take(d);
    if (c->slot) {
        c->answer.lanes = lanes->lanes;
        memcpy(c->answer.version, lanes->version, sizeof c->answer.version);
        c->slot->answer.reload = c->answer;
        command_answer(c->slot, result, 0);
        c->slot = NULL;
    } else if (result == COMMAND_RESULT_OK) {
        log_info(LOG_DAY_LIMITS, NULL, "what the day's files restrict is another from now on");
        c->look_ns = 0; // what it loosens comes behind what it tightens
        c->told = false;
    } else {
        if (!c->told)
            log_warn(LOG_DAY_WAITS, NULL,
                     "what the day's files permit from now on is not in force: a lane has no room "
                     "for the record; what they restrict is, and the rest is tried every second");
        c->told = true;
    }
    files_drop(c);
}

// What the clock begins goes first, and alone: what it ends at the same moment, of another symbol
// maybe, waits for the lanes' records.
static bool clock_begin(struct dataplane *d, uint64_t utc_ns)
{
    struct day *day = &d->day;
    force_next_make(day, utc_ns);
    if (day_force_same(day->force, day->force_next))
        return false;
    if (day_force_loosens(day->force, day->force_next)) {
        day_force_tighten(day->force, day->force_next);
        if (day_force_same(day->force, day->force_next))
            force_next_make(day, utc_ns);
    }
    return begin(d);
}

uint32_t day_turn(struct dataplane *d, uint64_t now_ns, uint64_t utc_ns)
{
    struct day *day = &d->day;
    struct day_change *c = &day->change;
    struct limit_set_answer lanes;
    enum command_result result;
    if (d->limits == NULL || day->force == NULL)
        return 0;
    if (c->on) {
        if (limits_again_over(d, &result, &lanes))
            finish(d, result, &lanes);
        return 1;
    }
    if (now_ns < c->look_ns)
        return 0;
    c->look_ns = now_ns + DAY_LOOK_MS * 1000000ull;
    return clock_begin(d, utc_ns);
}

// --- after a restart ---

void day_restore_reference(struct dataplane *d)
{
    struct limits_source *now = limits_set_now(d);
    if (now)
        rows_of_file(d->config, &d->day.sheets[DAY_REFERENCE], d->day.row_of, now);
}
