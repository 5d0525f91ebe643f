// Files of the day while everything runs: read again when a person asks for it, in force on all
// lanes between two orders or not at all, and what begins and ends by the clock.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/control/limits_table.h"
#include "tests/lib/day_live_rig.h"

static void a_list_is_read_again(void **state)
{
    (void)state;
    write_file("restricted", RESTRICTED "YY,all,,,\n");
    open_lanes("restricted");
    both_answer(YY, 'B', REFUSAL_RESTRICTED);
    both_answer(X, 'B', REFUSAL_NONE);
    const uint32_t version = d.desks[0]->desk.limits->version;

    write_file("restricted", RESTRICTED "X,short,,,hard to borrow\n");
    assert_int_equal(reload(1u << DAY_RESTRICTED), COMMAND_RESULT_OK);
    const struct reload_answer *a = &slot->answer.reload;
    assert_int_equal(a->lanes, 3);
    assert_int_equal(a->count, 1);
    assert_int_equal(a->files[0].file, DAY_RESTRICTED);
    assert_int_equal(a->files[0].rows, 1);
    assert_int_equal(a->files[0].date, 20261123);
    both_answer(YY, 'B', REFUSAL_NONE);
    both_answer(X, 'B', REFUSAL_NONE);
    both_answer(X, 'T', REFUSAL_RESTRICTED);
    for (uint32_t i = 0; i < LANES; i++) {
        const struct event *table = newest(&lanes[i]->trading, EVENT_LIMITS);
        assert_int_equal(table->limits.version, a->version[i]);
        assert_true(a->version[i] > version);
        assert_int_equal(newest(&lanes[i]->trading, EVENT_DECISION)->decision.limits_version,
                         a->version[i]);
    }
    const struct event *asked = newest(&d.events, EVENT_GOVERNED);
    assert_int_equal(asked->governed.command, COMMAND_RELOAD);
    assert_int_equal(asked->governed.user, 501);
    assert_int_equal(asked->governed.index, 1u << DAY_RESTRICTED);
    assert_string_equal(asked->governed.reason, "by compliance");
    const struct event *file = newest(&d.events, EVENT_DAY_FILE);
    assert_int_equal(file->day_file.kind, DAY_RESTRICTED);
    assert_true(file->day_file.hash == a->files[0].hash);
}

static void refused(uint32_t files, enum command_result wanted, const char *say)
{
    const uint32_t version = d.desks[0]->desk.limits->version;
    assert_int_equal(reload(files), wanted);
    if (say && strstr(slot->answer.reload.why, say) == NULL)
        fail_msg("'%s' does not say '%s'", slot->answer.reload.why, say);
    turn_all();
    assert_int_equal(d.desks[0]->desk.limits->version, version);
    both_answer(YY, 'B', REFUSAL_RESTRICTED); // the last good list stays
    both_answer(X, 'B', REFUSAL_NONE);
}

static void what_is_not_good_changes_nothing(void **state)
{
    (void)state;
    const uint32_t list = 1u << DAY_RESTRICTED;
    write_file("restricted", RESTRICTED "YY,all,,,\n");
    open_lanes("restricted");
    write_file("restricted", RESTRICTED "X,all,,,\nNONE,all,,,\n");
    refused(list, COMMAND_RESULT_DAY_REFUSED, "restricted:4: symbol: 'NONE");
    refused(0, COMMAND_RESULT_DAY_REFUSED, "add it, remove the row");
    write_file("restricted", RESTRICTED "X,some,,,\n");
    refused(list, COMMAND_RESULT_DAY_REFUSED, "restricted:3:3: restriction: 'some'");
    write_file("restricted", RESTRICTED "X,all,11:00,11:00,\n");
    refused(list, COMMAND_RESULT_DAY_REFUSED, "restricted:3: until: is not after 'from'");
    write_file("restricted", "tickgate,restricted,1,2026-11-20\nsymbol,restriction\n");
    refused(list, COMMAND_RESULT_DAY_REFUSED, "restricted:1: effective date: is of 2026-11-20");
    write_file("restricted", "tickgate,restricted,1,2026-11-24\nsymbol,restriction\n");
    refused(list, COMMAND_RESULT_DAY_REFUSED, "holds from 2026-11-24 on");
    unlink(path_of("restricted"));
    refused(list, COMMAND_RESULT_DAY_REFUSED, "No such file");
    refused(1u << DAY_REFERENCE, COMMAND_RESULT_DAY_REFUSED, "set day.reference");
    refused(1u << DAY_POSITIONS, COMMAND_RESULT_DAY_REFUSED, "positions hold from the start");
    refused(1u << DAY_FILES, COMMAND_RESULT_BAD_ARGUMENT, NULL);
    write_file("restricted", RESTRICTED);
    drained(LANES, &d.events, false);
    refused(list, COMMAND_RESULT_NO_ROOM, NULL); // for the record of who asked
    drained(LANES, &d.events, true);
    assert_int_equal(reload(0), COMMAND_RESULT_OK);
    both_answer(YY, 'B', REFUSAL_NONE);
}

// A lane that cannot record that it lets more pass keeps all lanes from it; what lets less pass
// waits for nobody.
static void nobody_drains(void **state)
{
    (void)state;
    write_file("restricted", RESTRICTED "YY,all,,,\n");
    open_lanes("restricted");
    write_file("restricted", RESTRICTED);
    drained(1, &lanes[1]->trading, false);
    assert_int_equal(reload(0), COMMAND_RESULT_NO_ROOM);
    both_answer(YY, 'B', REFUSAL_RESTRICTED);
    write_file("restricted", RESTRICTED "X,all,,,\nYY,all,,,\n");
    drained(1, &lanes[1]->trading, false);
    assert_int_equal(reload(0), COMMAND_RESULT_OK);
    both_answer(X, 'B', REFUSAL_RESTRICTED);
    write_file("restricted", RESTRICTED);
    journal = false; // who lets more pass is in the journal first
    assert_true(ask_reload(0));
    turn_all();
    both_answer(X, 'B', REFUSAL_RESTRICTED);
    journal = true;
    assert_int_equal(answered(), COMMAND_RESULT_OK);
    both_answer(X, 'B', REFUSAL_NONE);
}

// Just before, at and after the times of a row, on the machine's clock.
static void rows_begin_and_end_by_the_clock(void **state)
{
    (void)state;
    write_file("restricted", RESTRICTED "YY,all,10:30,10:45:30,news\nX,opening,10:40,,\n");
    open_lanes("restricted");
    both_answer(YY, 'B', REFUSAL_NONE);
    clock_set(10, 29, 59);
    turn_all();
    both_answer(YY, 'B', REFUSAL_NONE);
    clock_set(10, 30, 0);
    turn_all();
    both_answer(YY, 'B', REFUSAL_RESTRICTED);
    both_answer(X, 'B', REFUSAL_NONE);
    clock_set(10, 45, 29);
    turn_all();
    both_answer(YY, 'B', REFUSAL_RESTRICTED);
    both_answer(X, 'B', REFUSAL_RESTRICTED);
    clock_set(10, 45, 30);
    turn_all();
    both_answer(YY, 'B', REFUSAL_NONE);
    utc_ns +=
        20ull * DAY_SECONDS * 1000000000; // nobody gave it another list: what had no end holds
    turn_all();
    both_answer(X, 'B', REFUSAL_RESTRICTED);
    both_answer(YY, 'B', REFUSAL_NONE);
    const uint32_t version = d.desks[0]->desk.limits->version;
    turn_all();
    assert_int_equal(d.desks[0]->desk.limits->version,
                     version); // nothing is handed over for nothing
}

// Reference data too; what a person has set of other limits stays, and both files come together.
static void reference_data_are_read_again(void **state)
{
    (void)state;
    write_file("reference", "tickgate,reference,1,2026-11-23\nsymbol,lot,tick\nYY,10,0.01\n");
    write_file("restricted", RESTRICTED "X,all,,,\n");
    open_lanes("reference restricted");
    assert_int_equal(d.desks[1]->desk.limits->symbols[YY].symbol.lot, 10);
    write_file("reference", "tickgate,reference,1,2026-11-23\nsymbol,lot,tick\nYY,100,\n");
    write_file("restricted", RESTRICTED "X,none,,,\n"); // not good: neither comes
    assert_int_equal(reload(0), COMMAND_RESULT_DAY_REFUSED);
    both_answer(YY, 'B', REFUSAL_NONE);
    both_answer(X, 'B', REFUSAL_RESTRICTED);
    write_file("restricted", RESTRICTED);
    assert_int_equal(reload(0), COMMAND_RESULT_OK);
    assert_int_equal(slot->answer.reload.count, 2);
    both_answer(YY, 'B', REFUSAL_LOT);
    both_answer(X, 'B', REFUSAL_NONE);
    struct config_limits *l = limits_base(limits_set_now(&d), TRADE_ACCOUNT, 0, LIMIT_LIMITS);
    l->quantity = 109; // not an order of any symbol with the next file
    write_file("reference", "tickgate,reference,1,2026-11-23\nsymbol,lot\nX,200\nYY,110\n");
    assert_int_equal(reload(1u << DAY_REFERENCE), COMMAND_RESULT_DAY_REFUSED);
    assert_non_null(strstr(slot->answer.reload.why, "reference:4: account 0: quantity: is below"));
    for (uint32_t i = 0; i < LANES; i++) {
        const struct limit_table *t = d.desks[i]->desk.limits;
        assert_int_equal(t->symbols[YY].symbol.tick, 1); // as configured again
        assert_int_equal(t->symbols[YY].quality, QUALITY_SUSPECT);
    }
    write_file("reference", "tickgate,reference,1,2026-11-23\nsymbol,lot\nYY,\n");
    assert_int_equal(reload(1u << DAY_REFERENCE), COMMAND_RESULT_OK);
    both_answer(YY, 'B', REFUSAL_NONE);
    assert_int_equal(slot->answer.reload.today, 20261123);
    write_file("reference", "tickgate,reference,1,2026-11-24\nsymbol,lot\nYY,\n");
    utc_ns += DAY_SECONDS * 1000000000ull; // positions are still those of the start
    assert_int_equal(reload(1u << DAY_REFERENCE), COMMAND_RESULT_OK);
    assert_int_equal(slot->answer.reload.started, 20261123);
    assert_int_equal(slot->answer.reload.today, 20261124);
}

// A part of the average volume holds while there is one: a file without it is not taken. Of one
// whose part is no lot, that symbol has no order.
static void a_part_of_the_volume_does_not_end_with_a_file(void **state)
{
    static const char head[] = "tickgate,reference,1,2026-11-23\nsymbol,average_volume,lot\n";
    char file[128];
    (void)state;
    snprintf(file, sizeof file, "%sYY,1000,1\n", head);
    write_file("reference", file);
    open_lanes("reference");
    limits_set_now(&d)->symbols[YY].volume_percent = 50; // by a person
    static const struct {
        const char *row, *why;
    } bad[] = {{"", "reference:1: symbol: 'YY': volume_percent: needs average_volume"},
               {"YY,none,1\n", "reference:3: symbol: 'YY': volume_percent: needs average_volume"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(file, sizeof file, "%s%s", head, bad[i].row);
        write_file("reference", file);
        assert_int_equal(reload(1u << DAY_REFERENCE), COMMAND_RESULT_DAY_REFUSED);
        if (strstr(slot->answer.reload.why, bad[i].why) == NULL)
            fail_msg("'%s' does not say '%s'", slot->answer.reload.why, bad[i].why);
        assert_int_equal(limits_set_now(&d)->symbols[YY].average_volume, 1000);
    }
    snprintf(file, sizeof file, "%sYY,1999,10\n", head);
    write_file("reference", file);
    assert_int_equal(reload(1u << DAY_REFERENCE), COMMAND_RESULT_OK);
    both_answer(YY, 'B', REFUSAL_VOLUME); // nine shares
    snprintf(file, sizeof file, "%sYY,2000,10\n", head);
    write_file("reference", file);
    assert_int_equal(reload(1u << DAY_REFERENCE), COMMAND_RESULT_OK);
    both_answer(YY, 'B', REFUSAL_NONE); // ten shares
    assert_int_equal(d.desks[1]->desk.limits->symbols[YY].symbol.volume, 10);
}

// What an event window leaves of a symbol's limits, and when.
static void windows_open_and_close(void **state)
{
    (void)state;
    write_file("windows",
               "tickgate,windows,1,2026-11-23,2026-11-30\n"
               "days,symbol,from,until,percent\n"
               "mon,YY,10:30,11:00,50\nmon,*,10:45,10:50,90\n2026-11-23,X,10:59,11:00,0\n");
    open_lanes("windows");
    struct config_limits *limits = limits_base(limits_set_now(&d), TRADE_SYMBOL, YY, LIMIT_LIMITS);
    limits->quantity = 19;
    limits->auction_quantity = 29;
    limits->notional = UINT64_C(10) << 40;
    clock_set(10, 30, 0);
    turn_all();
    for (uint32_t i = 0; i < LANES; i++) {
        const struct limit_row *row = &d.desks[i]->desk.limits->symbols[YY];
        assert_int_equal(row->quantity, 9);
        assert_int_equal(row->auction_quantity, 14);
        assert_true(row->notional == UINT64_C(5) << 40);
        assert_true(row->position == LIMIT_POSITION_MAX); // none stays none
        assert_int_equal(row->symbol.touch, LIMIT_BAND_OPEN);
    }
    both_answer(YY, 'B', REFUSAL_QUANTITY); // ten shares
    assert_int_equal(newest(&lanes[1]->trading, EVENT_DECISION)->decision.limit, 9);
    both_answer(X, 'B', REFUSAL_NONE);
    clock_set(10, 45, 0); // the tighter of two counts
    turn_all();
    both_answer(YY, 'B', REFUSAL_QUANTITY);
    assert_int_equal(d.desks[0]->desk.limits->symbols[YY].quantity, 9);
    clock_set(10, 59, 59);
    turn_all();
    both_answer(X, 'B', REFUSAL_RESTRICTED);
    clock_set(11, 0, 0);
    turn_all();
    both_answer(YY, 'B', REFUSAL_NONE);
    both_answer(X, 'B', REFUSAL_NONE);
    write_file("windows", "tickgate,windows,1,2026-11-23,2026-11-30\n"
                          "days,symbol,from,until,percent\nmon,*,10:00,24:00,0\n");
    assert_int_equal(reload(0), COMMAND_RESULT_OK);
    both_answer(YY, 'B', REFUSAL_RESTRICTED);
    both_answer(X, 'B', REFUSAL_RESTRICTED);
}

#define BANDS "tickgate,bands,1,2026-11-23\nsymbol,low,high,from\n"

// A band moves with every reload, either way; the later of two rows counts; the collar of the
// configuration is what it was when the band is gone.
static void bands_move(void **state)
{
    (void)state;
    write_file("bands", BANDS "YY,1,1.05,\nYY,1.0001,1.1,10:30\n");
    open_lanes("bands");
    both_answer(YY, 'B', REFUSAL_NONE); // a dollar
    both_answer(X, 'B', REFUSAL_NONE);
    clock_set(10, 29, 59);
    turn_all();
    both_answer(YY, 'B', REFUSAL_NONE);
    clock_set(10, 30, 0);
    turn_all();
    both_answer(YY, 'B', REFUSAL_LULD);
    const struct event *e = newest(&lanes[1]->trading, EVENT_DECISION);
    assert_true(e->decision.value == 10000 && e->decision.limit == 10001);
    assert_int_equal(e->decision.scope, TRADE_SYMBOL);
    write_file("bands", BANDS "YY,0.9,0.9999,\n");
    assert_int_equal(reload(1u << DAY_BANDS), COMMAND_RESULT_OK);
    both_answer(YY, 'S', REFUSAL_LULD);
    assert_int_equal(newest(&lanes[0]->trading, EVENT_DECISION)->decision.limit, 9999);
    write_file("bands", BANDS "YY,0.9,0.8,\n");
    assert_int_equal(reload(1u << DAY_BANDS), COMMAND_RESULT_DAY_REFUSED);
    both_answer(YY, 'S', REFUSAL_LULD); // the last good band stays
    write_file("bands", BANDS "YY,0.9,1,\n");
    assert_int_equal(reload(1u << DAY_BANDS), COMMAND_RESULT_OK);
    both_answer(YY, 'B', REFUSAL_NONE);
    assert_int_equal(d.desks[0]->desk.limits->symbols[YY].price_high, 10000);
    write_file("bands", BANDS);
    assert_int_equal(reload(0), COMMAND_RESULT_OK);
    both_answer(YY, 'B', REFUSAL_NONE);
    assert_int_equal(d.desks[0]->desk.limits->symbols[YY].price_high, 95000);
    struct config_symbol_row *row = limits_base(limits_set_now(&d), TRADE_SYMBOL, YY, LIMIT_SYMBOL);
    row->band_needed = true;
    assert_int_equal(reload(0), COMMAND_RESULT_OK);
    both_answer(YY, 'B', REFUSAL_LULD);
    assert_int_equal(newest(&lanes[0]->trading, EVENT_DECISION)->decision.limit, 0);
    both_answer(X, 'B', REFUSAL_NONE);
}

// A band is of its day by the clock: the day before, and the day after, nobody has worked one out.
// Who is not to trade without one does not; a list of that trading day holds already.
static void another_days_bands_do_not_hold(void **state)
{
    (void)state;
    write_file("bands", BANDS "YY,0.5,0.6,\nX,0.5,0.6,\n");
    write_file("restricted", RESTRICTED);
    trading_day = "2026-11-23";
    open_lanes("bands restricted");
    struct config_symbol_row *row = limits_base(limits_set_now(&d), TRADE_SYMBOL, YY, LIMIT_SYMBOL);
    row->band_needed = true;
    for (uint32_t hours = 0; hours <= 48; hours += 24) {
        clock_set(10, 0, 0);
        utc_ns += hours * 3600000000000ull - 86400000000000ull;
        assert_int_equal(reload(0), COMMAND_RESULT_OK);
        both_answer(YY, 'B', REFUSAL_LULD);
        assert_int_equal(newest(&lanes[0]->trading, EVENT_DECISION)->decision.limit,
                         hours == 24 ? 6000 : 0);
        both_answer(X, 'B', hours == 24 ? REFUSAL_LULD : REFUSAL_NONE);
    }
    clock_set(10, 0, 0);
    utc_ns -= 86400000000000ull;
    write_file("restricted", RESTRICTED "X,all,,,\n");
    assert_int_equal(reload(0), COMMAND_RESULT_OK);
    both_answer(X, 'B', REFUSAL_RESTRICTED);
}

// What a restart from the journal puts back are limits; what the files say is over them as before.
static void a_restart_does_not_lose_the_files(void **state)
{
    static const uint32_t versions[LANES_MAX] = {9, 9};
    (void)state;
    write_file("restricted", RESTRICTED "YY,all,,,\n");
    open_lanes("restricted");
    limits_restored(&d, versions);
    both_answer(YY, 'B', REFUSAL_RESTRICTED);
    both_answer(X, 'B', REFUSAL_NONE);
}

// A session without market data has the phases of the calendar.
static void the_calendar_opens_and_closes(void **state)
{
    (void)state;
    static const char hours[] = "tickgate,calendar,1,2026-01-01,2026-12-31\ndays,open,close\n"
                                "mon-fri,09:30,16:00\n2026-11-24,09:30,13:00\n2026-11-26,,\n";
    write_file("calendar", hours);
    open_lanes("calendar");
    for (uint32_t i = 0; i < 2; i++) {
        struct config_symbol_row *row =
            limits_base(limits_set_now(&d), TRADE_SYMBOL, i, LIMIT_SYMBOL);
        row->phases = 1u << PHASE_TRADING;
    }
    assert_int_equal(d.desks[0]->desk.limits->market, PHASE_TRADING);
    clock_set(9, 29, 59);
    turn_all();
    both_answer(YY, 'B', REFUSAL_PHASE);
    clock_set(9, 30, 0);
    turn_all();
    both_answer(YY, 'B', REFUSAL_NONE);
    clock_set(16, 0, 0);
    turn_all();
    both_answer(YY, 'B', REFUSAL_PHASE);
    assert_int_equal(d.desks[1]->desk.limits->market, PHASE_AFTER);
    clock_set(24 + 12, 59, 59); // a half day
    turn_all();
    both_answer(YY, 'B', REFUSAL_NONE);
    clock_set(24 + 13, 0, 0);
    turn_all();
    both_answer(YY, 'B', REFUSAL_PHASE);
    clock_set(72 + 12, 0, 0); // a holiday
    turn_all();
    both_answer(YY, 'B', REFUSAL_PHASE);
    clock_set(96 + 12, 0, 0);
    turn_all();
    both_answer(YY, 'B', REFUSAL_NONE);
    write_file("calendar", "tickgate,calendar,1,2026-01-01,2026-11-27\ndays,open,close\n");
    assert_int_equal(reload(1u << DAY_CALENDAR), COMMAND_RESULT_DAY_REFUSED);
    assert_non_null(strstr(slot->answer.reload.why, "calendar:1: last day: ends on 2026-11-27"));
    both_answer(YY, 'B', REFUSAL_NONE);
    clock_set(60 * 24 + 12, 0, 0); // beyond its last day there is no trading
    turn_all();
    both_answer(YY, 'B', REFUSAL_PHASE);
}

// One change at a time: a person's limit that is on its way, or a list that is.
static void one_change_at_a_time(void **state)
{
    (void)state;
    struct command_slot *limit;
    write_file("restricted", RESTRICTED "YY,all,,,\n");
    open_lanes("restricted");
    limit = command_claim(region_command_slot(&d.view, 0));
    assert_non_null(limit);
    limit->request.limit_set = (struct limit_set_request){
        .count = 1,
        .changes = {
            {.scope = TRADE_ACCOUNT, .index = ACCOUNT, .control = "quantity", .value = "9"}}};
    atomic_store(&limit->state, command_posted(LANE_MAIN));
    assert_true(command_take(limit, LANE_MAIN));
    assert_true(limits_set(&d, limit, &result));
    write_file("restricted", RESTRICTED);
    assert_int_equal(reload(0), COMMAND_RESULT_BUSY);
    for (uint32_t n = 0; n < 9 && !command_done(limit); n++)
        turn_all();
    assert_true(command_done(limit) && limit->result == COMMAND_RESULT_OK);
    command_release(limit);
    both_answer(YY, 'B', REFUSAL_RESTRICTED); // the new table has the old list
    both_answer(X, 'B', REFUSAL_QUANTITY);
    assert_int_equal(reload(0), COMMAND_RESULT_OK);
    both_answer(YY, 'B', REFUSAL_QUANTITY); // and the next one the person's limit
}

// What begins does not wait for the record of what ends at the same moment.
static void what_begins_as_another_ends_waits_for_nobody(void **state)
{
    (void)state;
    write_file("restricted", RESTRICTED "YY,all,10:20,10:30,news\nX,all,10:30,,news\n");
    open_lanes("restricted");
    clock_set(10, 29, 59);
    turn_all();
    both_answer(YY, 'B', REFUSAL_RESTRICTED);
    both_answer(X, 'B', REFUSAL_NONE);
    clock_set(10, 30, 0);
    drained(1, &lanes[1]->trading, false); // of lane 1; lane 0 has room
    for (uint32_t n = 0; n < 60; n++)
        turn_all();
    assert_int_equal(enter(0, X, 'B'), REFUSAL_RESTRICTED);
}

// Of bands what they make tighter: who needs one still has none, and one that is over still holds.
static void a_band_that_begins_waits_for_nobody(void **state)
{
    (void)state;
    write_file("bands", "tickgate,bands,1,2026-11-23\nsymbol,low,high,from,until\n"
                        "YY,0.5,2,10:30,\nX,0.5,0.6,10:30,10:40\nYY,1,3,10:40,\n");
    open_lanes("bands");
    struct config_symbol_row *row = limits_base(limits_set_now(&d), TRADE_SYMBOL, YY, LIMIT_SYMBOL);
    row->band_needed = true;
    assert_int_equal(reload(0), COMMAND_RESULT_OK);
    clock_set(10, 29, 59);
    turn_all();
    both_answer(YY, 'B', REFUSAL_LULD); // a dollar
    both_answer(X, 'B', REFUSAL_NONE);
    for (uint32_t minute = 30; minute <= 40; minute += 10) {
        clock_set(10, minute, 0);
        drained(1, &lanes[1]->trading, false);
        turn_all();
        turn_all();
        assert_int_equal(enter(0, YY, 'B'), minute == 30 ? REFUSAL_LULD : REFUSAL_NONE);
        assert_int_equal(enter(0, X, 'B'), REFUSAL_LULD);
        for (uint32_t i = 0; i < LANES; i++) {
            const struct limit_row *yy = &d.desks[i]->desk.limits->symbols[YY];
            assert_int_equal(yy->symbol.band_low, minute == 30 ? UINT32_MAX : 10000);
            assert_int_equal(yy->band_high, minute == 30 ? 0 : 20000);
        }
        drained(1, &lanes[1]->trading, true);
        turn_all();
        both_answer(YY, 'B', REFUSAL_NONE);
        both_answer(X, 'B', minute == 30 ? REFUSAL_LULD : REFUSAL_NONE);
        assert_int_equal(d.desks[1]->desk.limits->symbols[YY].band_high,
                         minute == 30 ? 20000 : 30000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_list_is_read_again, close_lanes),
        cmocka_unit_test_teardown(what_is_not_good_changes_nothing, close_lanes),
        cmocka_unit_test_teardown(nobody_drains, close_lanes),
        cmocka_unit_test_teardown(rows_begin_and_end_by_the_clock, close_lanes),
        cmocka_unit_test_teardown(reference_data_are_read_again, close_lanes),
        cmocka_unit_test_teardown(a_part_of_the_volume_does_not_end_with_a_file, close_lanes),
        cmocka_unit_test_teardown(windows_open_and_close, close_lanes),
        cmocka_unit_test_teardown(bands_move, close_lanes),
        cmocka_unit_test_teardown(another_days_bands_do_not_hold, close_lanes),
        cmocka_unit_test_teardown(a_restart_does_not_lose_the_files, close_lanes),
        cmocka_unit_test_teardown(the_calendar_opens_and_closes, close_lanes),
        cmocka_unit_test_teardown(one_change_at_a_time, close_lanes),
        cmocka_unit_test_teardown(a_band_that_begins_waits_for_nobody, close_lanes),
        cmocka_unit_test_teardown(what_begins_as_another_ends_waits_for_nobody, close_lanes),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
