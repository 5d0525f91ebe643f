// The time that a strategy may take in one call: seen when it returns.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/strategy_world.h"

static void who_is_late_is_disabled_and_its_orders_cancelled(void **state)
{
    (void)state;
    struct notes *n = watcher(0, 0);
    announce();
    add(1, 'B', 300, 1000000);
    add(2, 'S', 300, 1000100);
    turn();
    n->fires = true;
    add(3, 'S', 300, 1000050);
    turn();
    assert_int_equal(w->desk.orders.sessions[0].open_count, 1);
    n->slow = 5001;
    delete_order(3);
    turn();
    assert_int_equal(w->strategies.hosts[0].slot.off, STRATEGY_OFF_LATE);
    assert_int_equal(w->strategies.hosts[0].slot.late, 1);
    turn();
    assert_int_equal(w->session.count.cancels, 1);
    const uint32_t told = n->best;
    n->slow = 0;
    delete_order(2);
    turn();
    assert_int_equal(n->best, told);
    // Of its orders it is told all the same: the cancel comes too late, and the order executes.
    struct own_order *o = orders_at(&w->desk.orders, n->number);
    const uint32_t orders = n->order;
    struct ouch_report r = {.kind = REPORT_EXECUTED,
                            .letter = 'E',
                            .time_ns = 1,
                            .ref = o->ref,
                            .quantity = 60,
                            .price = o->price,
                            .match = 1};
    desk_report(&w->desk, 0, &r);
    assert_true(n->order == orders + 1 && n->report.fill_shares == 60 && n->report.filled == 60);
    const uint64_t switched = w->lane.trading.sequence;
    n->slow_order = 5001; // late again: counted, it is off already
    r = (struct ouch_report){.kind = REPORT_CANCELED,
                             .letter = 'C',
                             .time_ns = 2,
                             .ref = o->ref,
                             .quantity = o->open,
                             .reason = 'U'};
    desk_report(&w->desk, 0, &r);
    n->slow_order = 0;
    assert_true(n->order == orders + 2 && n->report.state == STRATEGY_DEAD);
    assert_int_equal(w->strategies.hosts[0].slot.late, 2);
    assert_int_equal(w->strategies.hosts[0].slot.off, STRATEGY_OFF_LATE);
    assert_int_equal(w->lane.trading.sequence, switched + 1); // the order's record, no other
    const struct strategy_order ask = {
        .quantity = 1, .price = 1, .side = 'B', .time_in_force = '0', .display = 'Y'};
    assert_int_equal(n->setup.calls->submit(n->setup.host, &ask, &n->number),
                     REFUSAL_STRATEGY_DISABLED);
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON); // a person
    add(4, 'S', 300, 1000100);
    turn();
    assert_int_equal(n->best, told + 1);
}

// Quality, trade and best of one frame are calls of their own: the first that is late is the last.
static void quality_and_change_of_one_frame(struct notes **to)
{
    struct notes *n = *to = watcher(0, 0);
    announce();
    add(1, 'B', 300, 1000000);
    add(2, 'S', 300, 1000100);
    turn();
    uint8_t *p = message('H', 25);
    memcpy(p + 11, "MSFT    ", 8);
    p[19] = 'H';
    turn();
    assert_true(n->last.quality != 0);
    n->quality = n->best = 0;
    p = message('H', 25);
    memcpy(p + 11, "MSFT    ", 8);
    p[19] = 'T';
    add(3, 'S', 300, 1000050);
}

static void who_is_late_with_one_call_is_not_called_again(void **state)
{
    (void)state;
    struct notes *n;
    quality_and_change_of_one_frame(&n);
    n->fires = true;
    n->slow_quality = 5001;
    turn();
    assert_int_equal(n->quality, 1);
    assert_int_equal(w->strategies.hosts[0].slot.off, STRATEGY_OFF_LATE);
    assert_int_equal(w->session.count.sent, 0);
    assert_int_equal(n->best, 0);
}

static void each_call_has_the_budget(void **state)
{
    (void)state;
    struct notes *n;
    quality_and_change_of_one_frame(&n);
    n->slow_quality = n->slow = 4000; // of 5000
    turn();
    assert_true(n->quality == 1 && n->best == 1);
    assert_int_equal(w->strategies.hosts[0].slot.off, STRATEGY_ON);
}

static void being_switched_on_has_the_same_budget(void **state)
{
    (void)state;
    struct notes *n = watcher(0, 0);
    const struct strategy_slot *slot = &w->strategies.hosts[0].slot;
    // Switched off it is late with what does not matter any more: it stays off by that person.
    n->slow_enabled = 5001;
    desk_strategy_switch(&w->desk, 0, STRATEGY_OFF_ASKED);
    assert_true(slot->off == STRATEGY_OFF_ASKED && slot->late == 1);
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    assert_true(slot->off == STRATEGY_OFF_LATE && slot->late == 2);
    assert_int_equal(w->strategies.on, 0);
    desk_strategy_first(&w->desk, 0); // nobody's budget at the start
    assert_true(slot->off == STRATEGY_ON && slot->late == 2);
    n->slow_enabled = 0;
    desk_strategy_switch(&w->desk, 0, STRATEGY_OFF_ASKED);
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    assert_true(slot->off == STRATEGY_ON && slot->late == 2);
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_is_late_is_disabled_and_its_orders_cancelled),
        WORLD_TEST(who_is_late_with_one_call_is_not_called_again),
        WORLD_TEST(each_call_has_the_budget),
        WORLD_TEST(being_switched_on_has_the_same_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
