// Sweeps over more orders than one turn takes: nobody is passed over, whatever ends, enters or is
// lifted meanwhile, and nothing that waits for the journal leaves ahead of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/lane/desk_park.h"
#include "dataplane/lane/desk_parts.h"
#include "tests/lib/desk_world.h"

enum { APART = 100, BURST = 3, PLACES = 16 };

static const struct desk_order buy = {
    .quantity = 100, .price = 1000000, .side = 'B', .time_in_force = '0', .display = 'Y'};
static const struct desk_owner other = {.account = 3, .strategy = 4};
static void *places;

static int world_begin(void **state)
{
    (void)state;
    world_open(11);
    w->lane.desk = &w->desk;
    w->model.missing = 0;
    places = NULL;
    return 0;
}

static int world_end(void **state)
{
    (void)state;
    check();
    world_close();
    free(places);
    return 0;
}

static uint32_t enter_of(const struct desk_owner *who)
{
    uint32_t index;
    assert_int_equal(desk_enter(&w->desk, who, &buy, &index), REFUSAL_NONE);
    return index;
}

static void enter_many(uint32_t count)
{
    steps_until(SESSION_READY);
    for (uint32_t i = 0; i < count; i++)
        enter_of(&w->who);
}

static bool taken_off(uint32_t index)
{
    const struct own_order *o = orders_at(&w->desk.orders, index);
    return o->life != LIFE_DEAD && o->waits & WAIT_CANCEL && o->cancel_total == 0;
}

static uint32_t taken_off_count(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ORDERS; i++)
        count += taken_off(i);
    return count;
}

static void turns(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        lane_turn(&w->lane, w->now);
}

static enum command_result order(enum command_type type, enum trade_scope scope, uint32_t index)
{
    struct command_slot *slot = command_claim(region_command_slot(&w->lane.view, 0));
    assert_non_null(slot);
    slot->type = type;
    slot->request.govern = (struct govern_request){.scope = scope, .index = index};
    return command_taken(slot);
}

// The order that the sweep comes to next ends between two turns, and somebody else's takes its
// place, which is the last of the session.
static void a_place_that_is_taken_again_hides_nobody(void **state)
{
    (void)state;
    enter_many(ORDERS);
    desk_mass_cancel(&w->desk, TRADE_STRATEGY, w->who.strategy);
    turns(1);
    assert_int_equal(taken_off_count(), DESK_CANCELS_A_TURN);
    const uint32_t next = w->desk.sessions[0].sweep.at;
    const struct ouch_report fill = {.kind = REPORT_EXECUTED,
                                     .letter = 'E',
                                     .time_ns = 1,
                                     .ref = orders_at(&w->desk.orders, next)->ref,
                                     .quantity = 100,
                                     .price = 1000000,
                                     .match = 1};
    desk_report(&w->desk, 0, &fill);
    assert_int_equal(enter_of(&other), next);
    turns(ORDERS / DESK_CANCELS_A_TURN + 1);
    assert_int_equal(taken_off_count(), ORDERS - 1);
    assert_false(taken_off(next));
}

// It waits behind no cancel, and the single ones are as many less.
static void one_message_for_all_counts_as_a_cancel(void **state)
{
    struct error err = {0};
    struct session_config sc = w->session.config;
    struct limit_row *row = &w->limits->sessions[0];
    (void)state;
    sc.frames.mass_cancel = true;
    assert_true(session_init(&w->session, &sc, &w->rig.transport, "session x", &err));
    enter_many(2 * BURST);
    row->cancel_rate = CANCELS_WAIT;
    row->price_low = APART / RATE_UNIT;
    row->price_high = BURST - 1;
    desk_mass_cancel(&w->desk, TRADE_SESSION, 0);
    assert_int_equal(w->session.count.cancels, 1);
    turns(2);
    assert_int_equal(w->session.count.cancels, BURST);
    w->now += APART;
    turns(1);
    assert_int_equal(w->session.count.cancels, BURST + 1);
}

// A mass cancel takes back what waits for the journal at once, not when the sweep comes there: by
// then its record might be durable. What was taken back before is not counted again.
static void what_is_parked_does_not_leave_ahead_of_the_sweep(void **state)
{
    (void)state;
    enter_many(2 * DESK_CANCELS_A_TURN);
    places = zeroed(desk_park_bytes(PLACES));
    desk_park_add(&w->desk, 0, PLACES, SILENCE, places);
    atomic_store(&region_record_word(&w->lane.view, 0)->state, RECORD_WRITTEN);
    turns(1);
    const uint32_t parked = enter_of(&w->who), taken_back = enter_of(&w->who);
    const uint64_t sent = w->session.count.sent;
    assert_int_equal(desk_cancel(&w->desk, taken_back, 0), REFUSAL_NONE);
    desk_mass_cancel(&w->desk, TRADE_STRATEGY, w->who.strategy);
    events_drain(); // all of it is in the journal
    turns(1);
    assert_int_equal(w->session.count.sent, sent);
    assert_int_equal(orders_at(&w->desk.orders, parked)->reason, REFUSAL_PARK_CANCELLED);
    assert_int_equal(w->desk.sessions[0].park->cancelled, 0);
    assert_int_equal(w->desk.commits_wanted, 0);
}

// Whoever resumes takes the kill back, not the cancels that it has asked for: not where they are
// not all on their way yet, and not where the lane hears of both in one turn.
static void a_resume_leaves_the_cancels_of_the_kill(void **state)
{
    enum { COUNT = 3 * DESK_CANCELS_A_TURN };
    (void)state;
    for (uint32_t in_one_turn = 0; in_one_turn < 2; in_one_turn++) {
        enter_many(COUNT);
        if (in_one_turn)
            kill_ask(&w->desk.kills[KILL_BY_DIRECT], TRADE_ACCOUNT, w->who.account);
        else
            assert_int_equal(order(COMMAND_KILL, TRADE_ACCOUNT, w->who.account), COMMAND_RESULT_OK);
        assert_int_equal(order(COMMAND_RESUME, TRADE_ACCOUNT, w->who.account), COMMAND_RESULT_OK);
        turns(COUNT / DESK_CANCELS_A_TURN);
        assert_int_equal(taken_off_count(), COUNT);
        const uint32_t next = enter_of(&w->who); // it trades again
        turns(1);
        assert_false(taken_off(next));
        for (int i = 0; i < 100 && w->desk.orders.sessions[0].open_count; i++) {
            step();
            desk_cancel(&w->desk, next, 0);
        }
        assert_int_equal(w->desk.orders.sessions[0].open_count, 0);
    }
}

// However often, and for whatever reason, it is asked for while it waits: it leaves once, in its
// turn.
static void a_cancel_that_waits_leaves_once(void **state)
{
    enum { COUNT = 5, CANCEL_LEN = 12 };
    (void)state;
    enter_many(COUNT);
    w->rig.busy = true;
    kill_ask(&w->desk.kills[KILL_BY_OPERATOR], TRADE_ACCOUNT, w->who.account);
    turns(2);
    assert_int_equal(w->desk.orders.sessions[0].cancel_count, COUNT);
    w->rig.busy = false;
    w->rig.sent_len = 0;
    kill_ask(&w->desk.kills[KILL_BY_OPERATOR], TRADE_FIRM, 0);
    assert_int_equal(desk_cancel(&w->desk, COUNT - 1, 0), REFUSAL_NONE);
    turns(2);
    assert_int_equal(w->rig.sent_len, COUNT * CANCEL_LEN);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(be32_load(w->rig.sent + i * CANCEL_LEN + 4),
                         orders_at(&w->desk.orders, i)->ref);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)
    const struct CMUnitTest tests[] = {
        TEST(a_place_that_is_taken_again_hides_nobody),
        TEST(one_message_for_all_counts_as_a_cancel),
        TEST(what_is_parked_does_not_leave_ahead_of_the_sweep),
        TEST(a_resume_leaves_the_cancels_of_the_kill),
        TEST(a_cancel_that_waits_leaves_once),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
