// An order of a durable session for which the lane has no lease any more when the journal has it:
// no breach of the limit, and no duplicate when it is sent again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_lease.h"
#include "dataplane/lane/desk_park.h"
#include "tests/lib/desk_world.h"

enum { PLACES = 16, ACCOUNTS = 4, WHOLE = 10, GRANTED = 3 };

static void *places, *leases;

static int begin(void **state)
{
    (void)state;
    world_open(7);
    w->lane.desk = &w->desk;
    w->limits->firm.open_orders = WHOLE;
    w->limits->actions[REFUSAL_BIT(REFUSAL_OPEN_ORDERS)] = ACTION_BLOCK;
    w->limits->accounts[w->who.account].owner.duplicates = 1;
    w->limits->accounts[w->who.account].owner.duplicate_window = UINT32_MAX;
    leases = zeroed(desk_leases_bytes(ACCOUNTS));
    desk_leases_init(&w->desk, leases, ACCOUNTS, 2, 1);
    places = zeroed(desk_park_bytes(PLACES));
    atomic_store(&region_record_word(&w->lane.view, 0)->state, RECORD_WRITTEN);
    steps_until(SESSION_READY);
    events_drain();
    desk_park_add(&w->desk, 0, PLACES, 1000 * STEP, places);
    return 0;
}

static int end(void **state)
{
    (void)state;
    w->desk.leases = NULL;
    world_close();
    free(leases);
    free(places);
    return 0;
}

// What the main lcore says of the firm's open orders.
static void noted(enum lease_word word, uint64_t amount)
{
    const struct lease_note note = {.amount = amount, .word = (uint8_t)word};
    assert_true(spsc_push(&w->desk.leases->lane.to_lane, &note));
    desk_leases_turn(&w->desk, w->now);
}

static enum refusal enter(void)
{
    const struct desk_order ask = {
        .quantity = 100, .price = 100000, .side = 'B', .time_in_force = '0', .display = 'Y'};
    uint32_t index;
    return desk_enter(&w->desk, &w->who, &ask, &index);
}

// The journal has it, so that it is gated again: what was said of it.
static struct event_order_released released(void)
{
    const struct event_writer *ring = &w->lane.trading;
    const uint64_t from = ring->tail;
    event_commit(ring->ring, from);
    w->now += STEP;
    w->lane.stamp = w->now;
    desk_park_turn(&w->desk, w->now);
    for (uint64_t at = from; at < ring->tail; at++)
        if (ring->slots[at & ring->mask].type == EVENT_ORDER_RELEASED)
            return ring->slots[at & ring->mask].order_released;
    fail_msg("nothing was released");
    return (struct event_order_released){0};
}

static void want_of_lease_is_no_breach_the_second_time(void **state)
{
    (void)state;
    noted(LEASE_GRANT, GRANTED);
    assert_int_equal(enter(), REFUSAL_NONE);
    noted(LEASE_SHED, GRANTED); // the limit was lowered, and the lane's part with it
    struct event_order_released r = released();
    assert_int_equal(r.refusal, REFUSAL_LEASE);
    assert_true(r.value == 1 && r.limit == 0 && r.scope == TRADE_FIRM);
    assert_int_equal(w->desk.count.refusals[REFUSAL_LEASE], 1);
    assert_int_equal(w->limits->firm.state, TRADING_ACTIVE);
    assert_true(w->desk.leases->lane.shares[0].waits); // more is asked for
    noted(LEASE_GRANT, GRANTED);
    assert_int_equal(enter(), REFUSAL_NONE); // no duplicate
    assert_int_equal(enter(), REFUSAL_DUPLICATE);
    assert_int_equal(released().refusal, REFUSAL_NONE);
}

static void the_limit_itself_is_one(void **state)
{
    (void)state;
    noted(LEASE_GRANT, GRANTED);
    assert_int_equal(enter(), REFUSAL_NONE);
    w->limits->firm.open_orders = 0;
    desk_leases_limits(&w->desk);
    noted(LEASE_SHED, GRANTED);
    const struct event_order_released r = released();
    assert_int_equal(r.refusal, REFUSAL_OPEN_ORDERS);
    assert_true(r.value == 1 && r.limit == 0);
    assert_int_equal(w->limits->firm.state, TRADING_HALTED);
}

static void open_notional_has_a_code_of_its_own(void **state)
{
    (void)state;
    w->limits->firm.open_orders = WHOLE; // a table has what all lanes may
    w->limits->firm.open_notional = 1000000000;
    desk_leases_limits(&w->desk);
    noted(LEASE_GRANT, GRANTED);
    assert_int_equal(enter(), REFUSAL_LEASE_NOTIONAL);
    const struct event_writer *ring = &w->lane.trading;
    const struct event *e = &ring->slots[(ring->tail - 1) & ring->mask];
    assert_true(e->type == EVENT_DECISION && e->decision.refusal == REFUSAL_LEASE_NOTIONAL);
    assert_true(e->decision.value == 100 * 100000 && e->decision.limit == 0);
    assert_true(w->desk.leases->lane.shares[1].waits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(want_of_lease_is_no_breach_the_second_time, begin, end),
        cmocka_unit_test_setup_teardown(the_limit_itself_is_one, begin, end),
        cmocka_unit_test_setup_teardown(open_notional_has_a_code_of_its_own, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
