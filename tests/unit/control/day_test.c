// Files of the day over the control socket: what is asked of the main lcore, how its answer is
// shown, and every way to be refused.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <unistd.h>

#include "controlplane/control/live_config.h"
#include "dataplane/base/date.h"
#include "tests/lib/rpc_rig.h"

static void test_reload(void **state)
{
    struct fixture *f = *state;
    f->job.user = 501;
    posted(f, "reload", "{\"files\":[\"restricted\",\"reference\"],\"reason\":\"by law\"}");
    struct command_slot *slot = taken(f, LANE_MAIN, COMMAND_RELOAD);
    assert_int_equal(slot->request.reload.user, 501);
    assert_int_equal(slot->request.reload.files, 1u << DAY_RESTRICTED | 1u << DAY_REFERENCE);
    assert_string_equal(slot->request.reload.reason, "by law");
    struct reload_answer *a = &slot->answer.reload;
    a->lanes = 2;
    a->version[1] = 9;
    a->count = 1;
    a->started = 20261120;
    a->today = 20261123;
    a->files[0] = (struct day_file_row){
        .hash = 0xabcull, .date = 20261123, .rows = 7, .file = DAY_RESTRICTED};
    command_answer(slot, COMMAND_RESULT_OK, 0);
    json_t *answer = resumed(f);
    const json_t *result = json_object_get(answer, "result");
    const json_t *file = json_array_get(json_object_get(result, "files"), 0);
    const json_t *lanes = json_object_get(result, "lanes"), *lane = json_array_get(lanes, 0);
    assert_string_equal(text_of(file, "file"), "restricted");
    assert_string_equal(text_of(file, "date"), "2026-11-23");
    assert_string_equal(text_of(file, "hash"), "0000000000000abc");
    assert_int_equal(json_integer_value(json_object_get(file, "rows")), 7);
    assert_int_equal(json_array_size(lanes), 1);
    assert_int_equal(json_integer_value(json_object_get(lane, "limits_version")), 9);
    assert_string_equal(text_of(result, "started"), "2026-11-20");
    assert_string_equal(text_of(result, "today"), "2026-11-23");
    assert_string_equal(text_of(result, "reason"), "by law");
    json_decref(answer);
}

static void test_reload_all(void **state)
{
    struct fixture *f = *state;
    posted(f, "reload", "{\"reason\":\"r\"}");
    struct command_slot *slot = taken(f, LANE_MAIN, COMMAND_RELOAD);
    assert_int_equal(slot->request.reload.files, 0);
    slot->answer.reload.count = UINT32_MAX; // nonsense of another process
    slot->answer.reload.files[0].file = 255;
    command_answer(slot, COMMAND_RESULT_OK, 0);
    json_t *answer = resumed(f);
    const json_t *files = json_object_get(json_object_get(answer, "result"), "files");
    assert_int_equal(json_array_size(files), DAY_FILES_MAX);
    assert_string_equal(text_of(json_array_get(files, 0), "file"), "?");
    json_decref(answer);
}

static void test_refused(void **state)
{
    struct fixture *f = *state;
    refused_call(f, "reload", "{\"files\":[\"limits\"],\"reason\":\"r\"}", -32003,
                 "no file 'limits' of the day");
    refused_call(f, "reload", "{}", -32602, "reason is missing");
    posted(f, "reload", "{\"reason\":\"r\"}");
    struct command_slot *slot = taken(f, LANE_MAIN, COMMAND_RELOAD);
    memset(slot->answer.reload.why, 'x', DAY_WHY_LEN); // without an end
    memcpy(slot->answer.reload.why, "r.csv:3: symbol: ", 17);
    command_answer(slot, COMMAND_RESULT_DAY_REFUSED, 0);
    expect_error(resumed(f), -32005, "r.csv:3: symbol: xxx");
    posted(f, "reload", "{\"reason\":\"r\"}");
    command_answer(taken(f, LANE_MAIN, COMMAND_RELOAD), COMMAND_RESULT_NO_ROOM, 0);
    expect_error(resumed(f), -32006, "nobody drains the event ring");
    f->job.role = ROLE_OPERATE;
    refused_call(f, "reload", "{\"reason\":\"r\"}", -32007, "takes risk");
}

static char folder[] = "/tmp/tickgate-calendar-XXXXXX";

static void file_write(const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void unlink_file(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

// The day's section of a configuration that is whole, with a calendar beside it.
static void calendar_is(const char *day, const char *rows)
{
    char text[1024];
    snprintf(text, sizeof text,
             "node: {main_core: 0}\nports: [{name: p, device: net_ring0}]\n"
             "lanes: [{name: l, core: 0, idle: sleep}]\nchannels:\n"
             "  - {name: c, lane: l, lines: [{name: A, port: p,\n"
             "     group: 233.54.12.111, udp_port: 1}]}\n"
             "day: {%s, calendar: %s/calendar.csv}\n",
             day, folder);
    file_write("tickgate.yaml", text);
    snprintf(text, sizeof text, "tickgate,calendar,1,%s", rows);
    file_write("calendar.csv", text);
}

#define WEEK "2026-01-01,2026-12-31\ndays,open,close\nmon-fri,09:30,16:00\n2026-11-26,,\n"

static void follows(struct fixture *f, const char *date, const char *next)
{
    char day[64];
    snprintf(day, sizeof day, "date: %s", date);
    calendar_is(day, WEEK);
    json_t *answer = ask_text(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"calendar\"}");
    const json_t *result = json_object_get(answer, "result");
    assert_string_equal(text_of(result, "today"), date);
    assert_string_equal(text_of(result, "next"), next);
    json_decref(answer);
}

// The answer beside a dataplane that began at <epoch>, 0: none.
static json_t *beside(struct fixture *f, uint64_t epoch)
{
    struct live_config *live = f->control.live;
    char from[64], to[128];
    snprintf(from, sizeof from, "%s/tickgate.yaml", folder);
    snprintf(live->directory, sizeof live->directory, "%s", folder);
    live->epoch = epoch;
    snprintf(to, sizeof to, "%s/%016lx.0.yaml", folder, live->epoch);
    assert_int_equal(link(from, to), 0);
    json_t *answer = ask_text(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"calendar\"}");
    unlink(to);
    live->epoch = 0;
    live->directory[0] = 0;
    return answer;
}

// The day that the dataplane was started for is that of the zone, not of UTC.
static void started(struct fixture *f)
{
    calendar_is("date: today", "2000-01-01,2099-12-31\ndays,open,close\nmon-fri,09:30,16:00\n");
    json_t *answer = beside(f, 0);
    assert_true(json_is_null(json_object_get(json_object_get(answer, "result"), "started")));
    json_decref(answer);
    answer = beside(f, UINT64_C(1795489200000000000)); // 2026-11-24 03:00 UTC
    assert_string_equal(text_of(json_object_get(answer, "result"), "started"), "2026-11-23");
    json_decref(answer);
}

// Before it opens the day that it is follows, unless the dataplane was started for it already.
static void after_midnight(struct fixture *f)
{
    calendar_is("date: today", "2000-01-01,2099-12-31\ndays,open,close\nmon-sun,23:59:59,24:00\n");
    while (local_time_at(clock_utc_ns()).second > DAY_SECONDS - 5) // about to open
        sleep(1);
    for (uint32_t runs = 0; runs < 2; runs++) {
        json_t *answer = beside(f, runs ? clock_utc_ns() : 0);
        const json_t *result = json_object_get(answer, "result");
        const bool same = strcmp(text_of(result, "next"), text_of(result, "today")) == 0;
        assert_true(same == !runs);
        json_decref(answer);
    }
}

// The day that follows: the next one, over a weekend, over a holiday; and why there is none.
static const json_t *days_of(struct fixture *f, json_t **answer, uint32_t days)
{
    char text[128];
    snprintf(text, sizeof text,
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"calendar_days\",\"params\":{\"days\":%u}}",
             days);
    *answer = ask_text(f, text);
    return json_object_get(*answer, "result");
}

static void is_day(const json_t *result, uint32_t at, const char *want)
{
    const json_t *day = json_array_get(json_object_get(result, "days"), at), *more;
    const char *open = json_string_value(json_object_get(day, "open"));
    char is[512];
    size_t i, len = (size_t)snprintf(is, sizeof is, "%s %s %s-%s %s", text_of(day, "date"),
                                     text_of(day, "weekday"), open ? open : "",
                                     open ? text_of(day, "close") : "", text_of(day, "utc"));
    json_array_foreach(json_object_get(day, "notes"), i, more)
    {
        len += (size_t)snprintf(is + len, sizeof is - len, "; %s", json_string_value(more));
    }
    json_array_foreach(json_object_get(day, "windows"), i, more)
    {
        len += (size_t)snprintf(is + len, sizeof is - len, "| %s", json_string_value(more));
    }
    assert_string_equal(is, want);
}

static void is_warned(const json_t *result, const char *first, const char *second)
{
    const json_t *warnings = json_object_get(result, "warnings");
    assert_int_equal(json_array_size(warnings), !!first + !!second);
    if (first)
        assert_non_null(strstr(json_string_value(json_array_get(warnings, 0)), first));
    if (second)
        assert_non_null(strstr(json_string_value(json_array_get(warnings, 1)), second));
}

// Holidays, half days, a weekend over which the clocks change, windows, what ends meanwhile.
static void the_coming_days(struct fixture *f)
{
    char day[160];
    json_t *answer;
    snprintf(day, sizeof day, "date: 2026-10-30, unknown_symbols: skip, windows: %s/windows.csv",
             folder);
    file_write("windows.csv", "tickgate,windows,1,2026-10-01,2026-11-05\n"
                              "days,symbol,from,until,percent,reason\n"
                              "2026-11-04,*,13:55,14:30,50,FOMC\nwed,USO,10:29,10:35,0,\n");
    calendar_is(day, "2026-01-01,2026-11-06\ndays,open,close,name\nmon-fri,09:30,16:00,\n"
                     "2026-11-03,,,Election\n2026-11-05,09:30,13:00,half\n");
    const json_t *result = days_of(f, &answer, 9);
    assert_int_equal(json_array_size(json_object_get(result, "days")), 9);
    assert_string_equal(text_of(result, "next"), "2026-11-02");
    is_day(result, 0, "2026-10-30 Fri 09:30:00-16:00:00 -04:00");
    is_day(result, 1, "2026-10-31 Sat - -04:00; no trading");
    is_day(result, 2, "2026-11-01 Sun - -05:00; no trading; clocks change");
    is_day(result, 3, "2026-11-02 Mon 09:30:00-16:00:00 -05:00");
    is_day(result, 4, "2026-11-03 Tue - -05:00; Election; no trading");
    is_day(result, 5,
           "2026-11-04 Wed 09:30:00-16:00:00 -05:00| 13:55:00-14:30:00 * 50% FOMC"
           "| 10:29:00-10:35:00 USO 0%");
    is_day(result, 6, "2026-11-05 Thu 09:30:00-13:00:00 -05:00; half; shorter day");
    is_day(result, 7, "2026-11-06 Fri 09:30:00-16:00:00 -05:00");
    is_day(result, 8, "2026-11-07 Sat - -05:00; beyond the calendar");
    is_warned(result, "calendar.csv ends on 2026-11-06", "windows.csv ends on 2026-11-05");
    json_decref(answer);
    result = days_of(f, &answer, 7);
    is_warned(result, NULL, NULL);
    json_decref(answer);
    // What is wrong with the windows takes nothing from the calendar.
    file_write("windows.csv", "tickgate,windows,1,2026-10-01,2026-10-29\n"
                              "days,symbol,from,until,percent\n");
    result = days_of(f, &answer, 1);
    is_day(result, 0, "2026-10-30 Fri 09:30:00-16:00:00 -04:00");
    is_warned(result, "windows.csv:1: last day: ended on 2026-10-29", NULL);
    json_decref(answer);
    // The last day: wanted today, and nothing behind it.
    calendar_is("date: 2026-11-06, calendar_days: 0",
                "2026-01-01,2026-11-06\ndays,open,close\nmon-fri,09:30,16:00\n");
    answer = ask_text(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"calendar_days\"}");
    result = json_object_get(answer, "result");
    assert_true(json_is_null(json_object_get(result, "next")));
    assert_int_equal(json_array_size(json_object_get(result, "days")), 10);
    is_warned(result, "calendar.csv ends on 2026-11-06; continue it", NULL);
    json_decref(answer);
    unlink_file("windows.csv");
}

static void test_calendar(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    char path[64];
    assert_non_null(mkdtemp(folder));
    refused_call(f, "calendar", "{}", -32006, "started without --config");
    snprintf(path, sizeof path, "%s/tickgate.yaml", folder);
    f->control.live = live_config_new(path, "");
    assert_non_null(f->control.live);
    calendar_is("date: 2026-11-23", WEEK);
    unsetenv("TZ");
    refused_call(f, "calendar", "{}", -32006, "day.zone");
    assert_true(zone_set("America/New_York", &err));
    follows(f, "2026-11-23", "2026-11-24");
    follows(f, "2026-11-20", "2026-11-23");
    follows(f, "2026-11-25", "2026-11-27");
    started(f);
    after_midnight(f);
    the_coming_days(f);
    calendar_is("date: 2026-11-23, calendar_days: 0",
                "2026-01-01,2026-11-24\ndays,open,close\nmon,09:30,16:00\n");
    refused_call(f, "calendar", "{}", -32006,
                 "no trading day behind today, and ends on 2026-11-24");
    calendar_is("date: 2026-11-23", "2026-01-01,2026-11-23\ndays,open,close\nmon,09:30,16:00\n");
    refused_call(f, "calendar", "{}", -32006, "calendar.csv:1");
    calendar_is("date: 2026-11-23", "2026-01-01,2026-12-31\ndays,open,close\nmon,16:00,09:30\n");
    refused_call(f, "calendar", "{}", -32006, "is not after 'open'");
    file_write("tickgate.yaml", "node: {main_core: 0\n");
    refused_call(f, "calendar", "{}", -32006, "tickgate.yaml");
    live_config_free(f->control.live);
    f->control.live = NULL;
    unlink(path);
    unlink_file("calendar.csv");
    rmdir(folder);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_reload), TEST(test_reload_all), TEST(test_refused),
                                       TEST(test_calendar)};
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
