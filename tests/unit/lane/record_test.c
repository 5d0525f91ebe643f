// Orders enter only while their record has a place: what the control plane says about the journal.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "dataplane/lane/desk_parts.h"
#include "tests/lib/desk_world.h"

static const struct desk_order buy = {.client_id = 1,
                                      .quantity = 100,
                                      .price = 100000,
                                      .instrument = 0,
                                      .side = 'B',
                                      .time_in_force = '0',
                                      .display = 'Y'};

static void ready(void)
{
    for (int i = 0; i < LOOSE_ENDS && w->session.state != SESSION_READY; i++)
        step();
    assert_int_equal(w->session.state, SESSION_READY);
}

static void say(uint64_t state)
{
    atomic_store(&region_record_word(&w->lane.view, 0)->state, state);
    step();
}

static enum refusal enter(uint32_t *index)
{
    return desk_enter(&w->desk, &w->who, &buy, index);
}

static void orders_stop_with_the_journal_and_go_on_with_it(void **state)
{
    static const uint64_t bad[] = {RECORD_FULL,    RECORD_SLOW,       RECORD_FAILED,
                                   RECORD_DAMAGED, RECORD_UNVERIFIED, RECORD_STATES + 7};
    (void)state;
    uint32_t index, open;
    world_open(1);
    w->model.missing = 0;
    ready();
    assert_int_equal(enter(&open), REFUSAL_NONE); // nobody has come yet
    for (uint32_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const uint64_t input = w->lane.input;
        events_drain();
        const uint32_t said = w->event_count[EVENT_JOURNAL];
        say(bad[i]);
        events_drain();
        assert_true(w->lane.input > input);
        assert_int_equal(w->event_count[EVENT_JOURNAL], said + 1);
        assert_int_equal(w->desk.board->record, bad[i] < RECORD_STATES ? bad[i] : RECORD_STATES);
        assert_int_equal(enter(&index), REFUSAL_JOURNAL);
        assert_int_equal(enter(&index), REFUSAL_JOURNAL);
        say(i % 2 ? RECORD_WRITTEN : RECORD_MEMORY);
        assert_int_equal(enter(&index), REFUSAL_NONE);
        check();
    }
    say(RECORD_ABSENT); // it has ended in order: the ring has room
    assert_int_equal(enter(&index), REFUSAL_NONE);
    events_drain();
    const uint32_t said = w->event_count[EVENT_JOURNAL];
    for (int i = 0; i < 100; i++)
        step();
    events_drain();
    assert_int_equal(w->event_count[EVENT_JOURNAL], said); // once for every change
    world_close();
}

static int64_t shares(void)
{
    return w->desk.risk.positions[position_open(&w->desk.risk, w->who.account, 0)].shares;
}

// What is open goes on: answers and executions count, cancels leave.
static void fills_count_and_cancels_leave_meanwhile(void **state)
{
    (void)state;
    uint32_t index[8];
    world_open(2);
    w->model.missing = 0;
    ready();
    for (int i = 0; i < 8; i++)
        assert_int_equal(enter(&index[i]), REFUSAL_NONE);
    say(RECORD_FAILED);
    struct model_order *resting = w->model.orders;
    while (!resting->live || resting->open == 0)
        assert_true(++resting < w->model.orders + w->model.order_count);
    const uint64_t fills = w->desk.count.fills;
    const int64_t had = shares();
    model_execute(&w->model, resting, resting->open);
    for (int i = 0; i < LOOSE_ENDS && shares() != w->model.position[0]; i++) {
        step();
        check();
    }
    assert_true(shares() == w->model.position[0] && shares() > had);
    assert_true(w->desk.count.fills > fills);
    assert_true(w->desk.orders.sessions[0].open_count > 0);
    const uint64_t reports = w->desk.count.reports;
    for (int i = 0; i < 8; i++)
        desk_cancel(&w->desk, index[i], 0);
    for (int i = 0; i < LOOSE_ENDS && w->desk.orders.sessions[0].open_count; i++) {
        step();
        check();
    }
    assert_int_equal(w->desk.orders.sessions[0].open_count, 0);
    assert_true(w->desk.count.reports > reports);
    assert_int_equal(desk_replace(&w->desk, &w->who, index[0], 200, 100000),
                     REFUSAL_ORDER_NOT_LIVE);
    assert_int_equal(enter(&index[0]), REFUSAL_JOURNAL);
    world_close();
}

// A configuration that wants a journal first.
static void no_order_before_a_journal_where_one_is_needed(void **state)
{
    (void)state;
    uint32_t index;
    world_open(3);
    w->desk.record_needed = true;
    w->desk.risk.event_credit_min = RISK_NO_RECORD;
    ready();
    assert_int_equal(enter(&index), REFUSAL_JOURNAL);
    say(RECORD_DAMAGED);
    assert_int_equal(enter(&index), REFUSAL_JOURNAL);
    say(RECORD_ABSENT);
    assert_int_equal(enter(&index), REFUSAL_JOURNAL);
    say(RECORD_WRITTEN);
    assert_int_equal(enter(&index), REFUSAL_NONE);
    say(RECORD_ABSENT);
    assert_int_equal(enter(&index),
                     REFUSAL_NONE); // it was there once; the ring's credit counts now
    world_close();
}

// Both stop orders by the same word: whichever is left goes on stopping them, by its own code.
static void the_clock_stops_orders_beside_the_journal(void **state)
{
    (void)state;
    uint32_t index;
    world_open(4);
    w->desk.clock = CLOCK_DOUBTFUL; // as a desk begins that has a bound
    w->desk.risk.clock_limit = 50000;
    desk_credit_ask(&w->desk);
    ready();
    assert_int_equal(enter(&index), REFUSAL_CLOCK);
    say(RECORD_FULL);
    assert_int_equal(enter(&index), REFUSAL_JOURNAL);
    desk_clock_take(&w->desk, 50001);
    assert_int_equal(enter(&index), REFUSAL_JOURNAL);
    say(RECORD_WRITTEN);
    assert_int_equal(enter(&index), REFUSAL_CLOCK);
    events_drain();
    assert_int_equal(w->event_count[EVENT_CLOCK], 0); // it was doubtful before
    desk_clock_take(&w->desk, 50000);
    assert_int_equal(enter(&index), REFUSAL_NONE);
    events_drain();
    assert_int_equal(w->event_count[EVENT_CLOCK], 1);
    w->desk.risk.event_credit_min = UINT32_MAX; // the ring's own credit, once more
    assert_int_equal(enter(&index), REFUSAL_EVENT_CREDIT);
    world_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_stop_with_the_journal_and_go_on_with_it),
        cmocka_unit_test(fills_count_and_cancels_leave_meanwhile),
        cmocka_unit_test(no_order_before_a_journal_where_one_is_needed),
        cmocka_unit_test(the_clock_stops_orders_beside_the_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
