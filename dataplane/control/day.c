#include "dataplane/control/day.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/abi/events.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/hints.h"
#include "dataplane/base/log.h"

static bool rows_index(struct day *day, struct error *err)
{
    day->row_of = calloc(day->index.count + 1, sizeof *day->row_of);
    if (day->row_of == NULL)
        return error_set(err, EXIT_FAILED, "no memory for reference data");
    for (uint32_t i = 0; i < day->reference.count; i++) {
        const struct reference_row *row = sheet_row_at(&day->reference, i);
        if (row->instrument != SYMBOL_UNKNOWN)
            day->row_of[row->instrument] = i + 1;
    }
    return true;
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
        log_warn("reference_missing",
                 "%s: no row for %u of %u symbols, %.8s the first of them: they have what the "
                 "configuration says",
                 day->reference.name, missing, day->index.count, one);
}

bool day_open(struct day *day, const struct config *config, struct error *err)
{
    struct error why = {0};
    memset(day, 0, sizeof *day);
    day->config = config;
    if (!zone_set(config->day.zone, &why))
        return config_fault(config, config->day.zone, err, "%s", why.text);
    day->today = day_wanted(config, local_time_at(clock_utc_ns()));
    if (!symbol_index_make(&day->index, config, err) ||
        !reference_load(&day->reference, config, &day->index, day->today, err) ||
        !positions_load(&day->positions, config, &day->index, day->today, err) ||
        !rows_index(day, err))
        return false;
    tell_missing(day);
    return true;
}

void day_close(struct day *day)
{
    sheet_free(&day->reference);
    sheet_free(&day->positions);
    symbol_index_free(&day->index);
    free(day->row_of);
    day->row_of = NULL;
}

void day_overlay(const struct day *day, uint32_t instrument, struct config_symbol_row *row)
{
    if (day->row_of == NULL || day->row_of[instrument] == 0)
        return;
    const struct reference_row *from = sheet_row_at(&day->reference, day->row_of[instrument] - 1);
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

void day_record(const struct day *day, struct event_writer *events)
{
    const struct sheet *sheets[] = {&day->reference, &day->positions};
    for (uint32_t i = 0; i < ARRAY_LEN(sheets); i++) {
        struct event event = {.type = EVENT_DAY_FILE, .tsc = clock_tsc()};
        if (sheets[i]->rows == NULL)
            continue;
        event.day_file.hash = sheets[i]->hash;
        event.day_file.date = date_number(sheets[i]->day);
        event.day_file.rows = sheets[i]->count;
        event.day_file.kind = (uint8_t)i;
        event_write(events, &event);
        log_info("day_file", "%s: %u rows of %u are in force", sheets[i]->name, sheets[i]->count,
                 event.day_file.date);
    }
}
