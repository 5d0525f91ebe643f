#include "dataplane/control/day.h"

#include <stdlib.h>

#include "dataplane/abi/events.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

uint32_t *day_rows(const struct day *day, const struct sheet *reference)
{
    uint32_t *row_of = calloc(day->index.count + 1, sizeof *row_of);
    for (uint32_t i = 0; row_of && i < reference->count; i++) {
        const struct reference_row *row = sheet_row_at(reference, i);
        if (row->instrument != SYMBOL_UNKNOWN)
            row_of[row->instrument] = i + 1;
    }
    return row_of;
}

// Symbols without a row have what the configuration says, which may not be meant.
static void tell_missing(const struct day *day)
{
    uint32_t missing = 0;
    const char *one = "";
    for (uint32_t i = 0; i < day->index.count; i++)
        if (day->row_of[day->index.places[i].instrument] == 0 && missing++ == 0)
            one = day->index.places[i].name;
    if (*day->config->day.reference && missing)
        log_warn(LOG_REFERENCE_MISSING,
                 LOG_FIELDS(LOG_TEXT("path", day->sheets[DAY_REFERENCE].name),
                            LOG_NUMBER("missing", missing),
                            LOG_NUMBER("symbols", day->index.count)),
                 "%s: no row for %u of %u symbols, %.8s the first of them: they have what the "
                 "configuration says",
                 day->sheets[DAY_REFERENCE].name, missing, day->index.count, one);
}

// Times of the day are the clock's, so nothing of another day's bands holds yet, or any more.
static void tell_date(const struct day *day, int32_t by_clock)
{
    char clock[DATE_LEN];
    if (day->today != by_clock)
        log_warn(LOG_DAY_DATE,
                 LOG_FIELDS(LOG_NUMBER("date", date_number(day->today)),
                            LOG_NUMBER("clock", date_number(by_clock))),
                 "day.date: the trading day is %s, and the clock's is %s: no band holds, and event "
                 "windows, the calendar and times of day go by the clock",
                 day->config->day.date, date_text(clock, by_clock));
}

// What the file says and what the configuration limits can be true together.
static bool rows_good(const struct day *day, struct error *err)
{
    const struct config *config = day->config;
    struct config_least least = CONFIG_LEAST_NONE;
    struct limit_fault f;
    uint32_t at = 0;
    for (uint32_t r = 0; r < config->symbol_count && *config->day.reference; r++)
        for (uint32_t i = 0; i < config->symbols[r].names.count; i++, at++) {
            struct config_symbol_row row = config->symbols[r];
            day_overlay(day, at, &row);
            if (!day_row_good(&day->sheets[DAY_REFERENCE], day->row_of, at, row.names.names[i],
                              &row, config_trade_lanes(config), err))
                return false;
            config_least_add(&least, &row);
        }
    return at == 0 || config_least_good(config, &least, &f) ||
           config_fault(config, f.member, err, "%s; lots and ticks are those of %s", f.text,
                        day->sheets[DAY_REFERENCE].name);
}

static struct day_force *force_new(uint32_t symbols)
{
    struct day_force *f = calloc(1, sizeof *f + symbols * sizeof f->symbols[0]);
    if (f)
        f->count = symbols;
    return f;
}

bool day_open(struct day *day, const struct config *config, uint64_t utc_ns, struct error *err)
{
    struct error why = {0};
    memset(day, 0, sizeof *day);
    day->config = config;
    if (!zone_set(config->day.zone, &why))
        return config_fault(config, config->day.zone, err, "%s", why.text);
    const struct local_time now = local_time_at(utc_ns);
    day->today = day_wanted(config, now);
    if (!symbol_index_make(&day->index, config, err))
        return false;
    for (unsigned f = 0; f < DAY_FILES; f++)
        if (!day_file_load(f, &day->sheets[f], config, &day->index, day->today, err))
            return false;
    day->row_of = day_rows(day, &day->sheets[DAY_REFERENCE]);
    day->force = force_new(day->index.count);
    day->force_next = force_new(day->index.count);
    if (day->row_of == NULL || day->force == NULL || day->force_next == NULL)
        return error_set(err, EXIT_FAILED, "no memory for the files of the day");
    if (!rows_good(day, err))
        return false;
    tell_missing(day);
    tell_date(day, now.day);
    day_force_make(day->sheets, now, day->force);
    day->force->luld.zone_s = day_zone(now, utc_ns);
    return true;
}

void day_close(struct day *day)
{
    for (unsigned f = 0; f < DAY_FILES; f++) {
        sheet_free(&day->sheets[f]);
        sheet_free(&day->change.sheets[f]);
    }
    symbol_index_free(&day->index);
    free(day->row_of);
    free(day->change.row_of);
    free(day->force);
    free(day->force_next);
    day->row_of = day->change.row_of = NULL;
    day->force = day->force_next = NULL;
}

void day_overlay_of(const struct sheet *reference, const uint32_t *row_of, uint32_t instrument,
                    struct config_symbol_row *row)
{
    if (row_of == NULL || row_of[instrument] == 0)
        return;
    const struct reference_row *from = sheet_row_at(reference, row_of[instrument] - 1);
    if (sheet_gives(&from->head, REFERENCE_VOLUME))
        row->average_volume = from->average_volume;
    if (sheet_gives(&from->head, REFERENCE_CLOSE))
        row->previous_close = from->previous_close;
    if (sheet_gives(&from->head, REFERENCE_TICK))
        row->tick = from->tick;
    if (sheet_gives(&from->head, REFERENCE_LOT))
        row->lot = from->lot;
    if (sheet_gives(&from->head, REFERENCE_LOCATES))
        row->locates = from->locates;
}

bool day_row_good(const struct sheet *reference, const uint32_t *row_of, uint32_t instrument,
                  const char name[8], const struct config_symbol_row *row, uint32_t lanes,
                  struct error *err)
{
    const uint32_t at = row_of ? row_of[instrument] : 0;
    const struct reference_row *given = at ? sheet_row_at(reference, at - 1) : NULL;
    struct limit_fault f;
    char word[SYMBOL_WORD_LEN];
    return (config_symbol_good(row, false, &f) && config_row_parts_good(row, lanes, &f)) ||
           sheet_fault(reference, given ? given->head.line : 1, "symbol", err, "'%s': %s: %s",
                       symbol_word(name, word), f.key, f.text);
}

void day_overlay(const struct day *day, uint32_t instrument, struct config_symbol_row *row)
{
    day_overlay_of(&day->sheets[DAY_REFERENCE], day->row_of, instrument, row);
}

void day_record(const struct day *day, uint32_t files, struct event_writer *events)
{
    for (unsigned f = 0; f < DAY_FILES; f++) {
        const struct sheet *s = &day->sheets[f];
        struct event event = {.type = EVENT_DAY_FILE, .tsc = clock_tsc()};
        if (*s->name == 0 || !(files >> f & 1))
            continue;
        event.day_file.hash = s->hash;
        event.day_file.date = date_number(s->day);
        event.day_file.rows = s->count;
        event.day_file.kind = (uint8_t)f;
        event_write(events, &event);
        log_info(LOG_DAY_FILE,
                 LOG_FIELDS(LOG_TEXT("path", s->name), LOG_NUMBER("rows", s->count),
                            LOG_NUMBER("date", event.day_file.date)),
                 "%s: %u rows of %u are in force", s->name, s->count, event.day_file.date);
    }
}
