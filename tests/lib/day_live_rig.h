// Files of the day beside two lanes that trade, and a clock that a test sets. cmocka.h is included
// before this header.
#pragma once

#include <unistd.h>

#include "dataplane/control/day_live.h"
#include "dataplane/control/limits_live.h"
#include "dataplane/lane/answer.h"
#include "tests/lib/trade_start_rig.h"

enum { ACCOUNT = 1, X = 0, YY = 1 };

static char folder[] = "/tmp/tickgate-day-XXXXXX";
static struct command_slot *slot;
static enum command_result result;
static uint64_t turn_ns, utc_ns;
static bool journal; // takes what the main lcore says

// --- files ---

static inline const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline void write_file(const char *name, const char *bytes)
{
    FILE *f = fopen(path_of(name), "we");
    assert_non_null(f);
    assert_true(fputs(bytes, f) >= 0 && fclose(f) == 0);
}

static inline int folder_make(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static inline int folder_remove(void **state)
{
    static const char *const names[] = {"restricted", "reference", "windows", "calendar", "bands"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(path_of(names[i]));
    return rmdir(folder);
}

// --- rig ---

#define RESTRICTED "tickgate,restricted,1,2026-11-23\nsymbol,restriction,from,until,reason\n"

// Of 2026-11-23 in New York, five hours behind UTC.
static inline void clock_set(uint32_t hour, uint32_t minute, uint32_t second)
{
    int32_t day;
    assert_true(date_parse("2026-11-23", 10, &day));
    utc_ns = ((uint64_t)day * DAY_SECONDS + (hour + 5) * 3600 + minute * 60 + second) * 1000000000;
}

static inline void name_file(char path[PATH_LEN], const char *name)
{
    snprintf(path, PATH_LEN, "%s", path_of(name));
}

static const char *trading_day; // day.date; null: the clock's

// Two lanes that trade, with the files whose names are in <files>.
static inline void open_lanes(const char *files)
{
    struct error err = {0};
    configure(100, STRATEGIES_DIR "/maker.so");
    prepare();
    clock_set(10, 0, 0);
    journal = true;
    if (trading_day)
        snprintf(config.day.date, sizeof config.day.date, "%s", trading_day);
    if (strstr(files, "restricted"))
        name_file(config.day.restricted, "restricted");
    if (strstr(files, "windows"))
        name_file(config.day.windows, "windows");
    if (strstr(files, "bands"))
        name_file(config.day.bands, "bands");
    if (strstr(files, "calendar"))
        name_file(config.day.calendar, "calendar");
    if (strstr(files, "reference"))
        name_file(config.day.reference, "reference");
    config.accounts[ACCOUNT].limits.position = CONFIG_POSITION_MAX;
    config.accounts[ACCOUNT].limits.open_orders = UINT32_MAX;
    config.trading.limits.open_notional = CONFIG_NOTIONAL_MAX;
    region_event_writer(&d.view, LANES, EVENT_RING_TRADING, &d.events);
    if (!day_open(&d.day, &config, utc_ns, &err) || !trade_make(&d, &err) || !trade_start(&d, &err))
        fail_msg("%s", err.text);
    for (uint32_t i = 0; i < LANES; i++) {
        wire_rig_init(&rigs[i]);
        d.sessions[i]->session.transport = &rigs[i].transport;
        d.sessions[i]->session.state = SESSION_READY;
    }
}

static inline int close_lanes(void **state)
{
    day_close(&d.day);
    trading_day = NULL;
    return tidy(state);
}

static inline void drained(uint32_t ring, struct event_writer *w, bool drains)
{
    const uint64_t committed = drains ? w->tail : w->tail - w->mask - 1;
    w->committed = committed;
    atomic_store_explicit(&region_ring(&d.view, ring, EVENT_RING_TRADING)->committed, committed,
                          memory_order_relaxed);
}

// A second goes by.
static inline void turn_all(void)
{
    turn_ns += 1000000000;
    for (uint32_t n = 0; n < 4; n++) {
        day_turn(&d, turn_ns, utc_ns);
        if (journal)
            drained(LANES, &d.events, true);
        limits_turn(&d);
        for (uint32_t i = 0; i < LANES; i++) {
            answers_take(lanes[i], now_ticks += 1000);
            desk_leases_turn(&d.desks[i]->desk, now_ticks);
        }
        leases_turn(&d);
    }
}

static inline enum command_result answered(void)
{
    for (uint32_t n = 0; n < 50 && !command_done(slot); n++)
        turn_all();
    assert_true(command_done(slot));
    result = slot->result;
    command_release(slot);
    return result;
}

// False: it was answered at once.
static inline bool ask_reload(uint32_t files)
{
    slot = command_claim(region_command_slot(&d.view, 0));
    assert_non_null(slot);
    slot->type = COMMAND_RELOAD;
    slot->request.reload =
        (struct reload_request){.user = 501, .files = files, .reason = "by compliance"};
    atomic_store(&slot->state, command_posted(LANE_MAIN));
    assert_true(command_take(slot, LANE_MAIN));
    if (!day_reload(&d, slot, utc_ns, &result)) {
        command_release(slot);
        return false;
    }
    return true;
}

static inline enum command_result reload(uint32_t files)
{
    return ask_reload(files) ? answered() : result;
}

static inline enum refusal enter(uint32_t lane, uint32_t instrument, char side)
{
    const struct desk_owner who = {.account = ACCOUNT, .strategy = 0};
    const struct desk_order ask = {.quantity = 10,
                                   .price = 10000,
                                   .instrument = (uint16_t)instrument,
                                   .session = (uint8_t)lane,
                                   .side = side,
                                   .time_in_force = '0',
                                   .display = 'Y'};
    uint32_t index;
    drained(lane, &lanes[lane]->trading, true);
    lanes[lane]->stamp = now_ticks += HZ;
    rigs[lane].sent_len = 0;
    return desk_enter(&d.desks[lane]->desk, &who, &ask, &index);
}

static inline void both_answer(uint32_t instrument, char side, enum refusal refusal)
{
    for (uint32_t i = 0; i < LANES; i++) {
        const enum refusal got = enter(i, instrument, side);
        if (got != refusal)
            fail_msg("lane %u: %s instead of %s", i, refusal_name(got), refusal_name(refusal));
    }
}

static inline const struct event *newest(const struct event_writer *w, enum event_type type)
{
    for (uint64_t at = w->tail; at > 0 && w->tail - at <= w->mask; at--)
        if (w->slots[(at - 1) & w->mask].type == type)
            return &w->slots[(at - 1) & w->mask];
    fail_msg("no such event");
    return NULL;
}
