// Files of the day that were read again, and what of them a restart from the journal and the end of
// a raise leave in force.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/base/clock.h"
#include "tests/lib/day_live_rig.h"

#define REFERENCE "tickgate,reference,1,2026-11-23\nsymbol,lot,locates\n"

enum { RAISE_MS = 20 };

static uint32_t lot_of(uint32_t lane)
{
    return d.desks[lane]->desk.limits->symbols[YY].symbol.lot;
}

static enum command_result set(const char *control, const char *value, uint64_t until_ns)
{
    slot = command_claim(region_command_slot(&d.view, 0));
    assert_non_null(slot);
    memset(&slot->request.limit_set, 0, sizeof slot->request.limit_set);
    slot->type = COMMAND_LIMIT_SET;
    struct limit_change *c = &slot->request.limit_set.changes[0];
    c->scope = TRADE_SYMBOL;
    c->index = YY;
    c->until_ns = until_ns;
    snprintf(c->control, sizeof c->control, "%s", control);
    snprintf(c->value, sizeof c->value, "%s", value);
    slot->request.limit_set.count = 1;
    slot->request.limit_set.user = 501;
    slot->request.limit_set.second = LIMIT_NOBODY;
    atomic_store(&slot->state, command_posted(LANE_MAIN));
    assert_true(command_take(slot, LANE_MAIN));
    if (limits_set(&d, slot, &result))
        return answered();
    command_release(slot);
    return result;
}

// A raise of what the file has replaced does not bring back what was there before it.
static void a_raise_ends_with_the_file(void **state)
{
    (void)state;
    write_file("reference", REFERENCE "YY,1,1000\n");
    open_lanes("reference");
    const uint64_t until = clock_utc_ns() + RAISE_MS * UINT64_C(1000000);
    assert_int_equal(set("quantity", "700", 0), COMMAND_RESULT_OK);
    assert_int_equal(set("quantity", "800", until + 1000000000), COMMAND_RESULT_OK);
    assert_int_equal(set("locates", "2000", until), COMMAND_RESULT_OK);
    assert_int_equal(set("lot", "2", until), COMMAND_RESULT_OK);
    write_file("reference", REFERENCE "YY,10,500\n");
    assert_int_equal(reload(1u << DAY_REFERENCE), COMMAND_RESULT_OK);
    assert_int_equal(limits_raised(&d)->count, 1); // that of no file
    while (clock_utc_ns() < until)
        usleep(1000);
    for (uint32_t n = 0; n < 10; n++)
        turn_all();
    assert_int_equal(limits_set_now(&d)->symbols[YY].locates, 500);
    for (uint32_t i = 0; i < LANES; i++)
        assert_int_equal(lot_of(i), 10);
    assert_int_equal(newest(&d.events, EVENT_LIMIT_RAISE)->limit_raise.state,
                     LIMIT_RAISE_TAKEN_BACK);
}

static void put(FILE *f, const struct event *e)
{
    assert_int_equal(fwrite(e, sizeof *e, 1, f), 1);
}

static struct event lot_is(uint32_t lot, uint32_t version)
{
    struct event e = {.type = EVENT_LIMIT_CHANGED};
    e.limit_changed.now = lot;
    e.limit_changed.index = YY;
    e.limit_changed.limits_version = version;
    e.limit_changed.scope = TRADE_SYMBOL;
    e.limit_changed.control = LIMIT_SYMBOL_lot;
    return e;
}

// What a person has set before the files were read again does not come back, what was set behind
// that does; no version of the tables of limits comes twice.
static void a_restart_takes_what_was_read_again(void **state)
{
    static const struct event begins = {.type = EVENT_NONE};
    struct event file = {.type = EVENT_DAY_FILE, .lane = LANE_MAIN};
    struct event asked = {.type = EVENT_GOVERNED, .lane = LANE_MAIN};
    struct event table = {.type = EVENT_LIMITS, .limits = {.version = 40}};
    struct event lease = {.type = EVENT_LEASE, .lane = 1};
    file.day_file.kind = DAY_REFERENCE;
    asked.governed.command = COMMAND_RELOAD;
    lease.lease.limits_version = 50;
    (void)state;
    for (uint32_t again = 0; again < 3; again++) { // no reload, one, and another change behind it
        struct event e = {.type = EVENT_RESTORED};
        struct error err = {0};
        FILE *f = tmpfile();
        assert_non_null(f);
        write_file("reference", REFERENCE "YY,10,\n");
        open_lanes("reference");
        put(f, &begins);
        put(f, &file);
        e.restored.events = 5 + 4 * (again > 0) + (again > 1);
        e.restored.instances = 2;
        e.restored.limits = 1 + (again > 1);
        const struct event before = lot_is(5, 30), behind = lot_is(2, 45);
        put(f, &before);
        if (again) {
            put(f, &asked);
            put(f, &table);
            put(f, &lease);
            put(f, &file);
        }
        if (again > 1)
            put(f, &behind);
        put(f, &begins);
        put(f, &file); // of the next start: nobody has asked for it
        put(f, &e);
        rewind(f);
        if (!restore_again(&d, f, now_ticks, &err))
            fail_msg("%s", err.text);
        assert_int_equal(fclose(f), 0);
        for (uint32_t i = 0; i < LANES; i++)
            assert_int_equal(lot_of(i), again == 0 ? 5 : again == 1 ? 10 : 2);
        assert_int_equal(d.desks[0]->desk.limits->version, again == 0 ? 30 : again == 1 ? 40 : 45);
        assert_int_equal(d.desks[1]->desk.limits->version, again == 0 ? 1 : 50);
        restore_free(&d);
        close_lanes(state);
    }
}

// The files of tomorrow hold what came today, which the journal has, too.
static void a_day_that_is_not_the_clocks_is_refused(void **state)
{
    struct error err = {0};
    (void)state;
    write_file("reference", REFERENCE "YY,10,\n");
    trading_day = "2026-11-23";
    open_lanes("reference");
    config.trading.start = CONFIG_TRADE_JOURNAL;
    d.day.today = local_time_at(clock_utc_ns()).day + 1;
    assert_false(restore_take(&d, &err));
    assert_int_equal(err.code, EXIT_STATE);
    assert_non_null(strstr(err.text, "day.date: the trading day is "));
    config.trading.start = CONFIG_TRADE_VENUE;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_raise_ends_with_the_file, close_lanes),
        cmocka_unit_test(a_restart_takes_what_was_read_again),
        cmocka_unit_test_teardown(a_day_that_is_not_the_clocks_is_refused, close_lanes),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
