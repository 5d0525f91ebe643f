// From a frame with market data to the frame with an order, in one turn of the lane.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "tests/lib/strategy_world.h"

static void a_book_change_becomes_an_order_in_the_same_turn(void **state)
{
    (void)state;
    struct notes *n = watcher(0, 0);
    announce();
    add(1, 'B', 300, 1000000);
    add(2, 'S', 200, 1000100);
    turn();
    assert_true(n->best > 0);
    assert_true(n->last.bid == 1000000 && n->last.ask == 1000100 && n->last.bid_shares == 300 &&
                n->last.quality == 0);
    n->fires = true;
    w->rig.sent_len = 0;
    const uint64_t from = w->lane.trading.tail;
    add(3, 'S', 50, 1000000 + 50);
    turn();
    assert_int_equal(n->refusal, REFUSAL_NONE);
    assert_int_equal(w->rig.sent_len, 3 + 47 + 3); // with the option that was asked for
    assert_int_equal(w->rig.sent[3], 'O');
    assert_int_equal(be32_load(w->rig.sent + 3 + 6), 100);
    // The record of the decision stands before the one of its sending, with what it saw.
    const struct event *e = &w->lane.trading.slots[from & w->lane.trading.mask];
    assert_int_equal(e[0].type, EVENT_ORDER_OPTIONS);
    assert_int_equal(e[0].order_options.post_only, 'N');
    e++;
    assert_int_equal(e[0].type, EVENT_DECISION);
    assert_int_equal(e[1].type, EVENT_ORDER_SENT);
    assert_true(e[0].decision.bid == 1000000 && e[0].decision.ask == 1000050 &&
                e[0].decision.refusal == REFUSAL_NONE && e[0].decision.quality == 0);
    assert_true(e[1].order_sent.decision == e[0].sequence);
    assert_int_equal(w->desk.risk.firm.orders, 1);
}

static void only_who_watches_is_told(void **state)
{
    (void)state;
    struct notes *n = watcher(0, 0), *other = watcher(1, 1);
    announce();
    add(1, 'B', 300, 1000000);
    turn();
    const uint32_t told = n->best;
    assert_true(told > 0);
    assert_int_equal(other->best + other->quality + other->trade, 0);
    turn(); // nothing has changed
    assert_int_equal(n->best, told);
    delete_order(1);
    turn();
    assert_int_equal(n->best, told + 1);
    assert_int_equal(n->last.bid, 0);
}

static void a_gap_tells_that_the_book_is_in_doubt(void **state)
{
    (void)state;
    struct notes *n = watcher(0, 0);
    announce();
    add(1, 'B', 300, 1000000);
    turn();
    const uint32_t told = n->quality;
    w->sequence += 2; // two messages are missing
    add(2, 'B', 300, 1000000);
    turn();
    w->now += 10000;
    lane_turn(&w->lane, w->now);
    w->now += 10000;
    lane_turn(&w->lane, w->now);
    turn();
    assert_int_equal(n->quality, told + 1);
    assert_int_equal(n->last.quality, QUALITY_SUSPECT);
    // What it then asks for is refused.
    uint32_t number;
    const struct strategy_order ask = {
        .quantity = 100, .price = 1000000, .side = 'B', .time_in_force = '0', .display = 'Y'};
    struct strategy_refusal why;
    assert_int_equal(n->setup.calls->submit(n->setup.host, &ask, &number), REFUSAL_BOOK_QUALITY);
    assert_true(n->setup.calls->refused(n->setup.host, REFUSAL_BOOK_QUALITY, &why));
    assert_true(why.value == QUALITY_SUSPECT && why.limit == QUALITY_GOOD && why.owner == 0);
    assert_int_equal(why.scope, STRATEGY_SCOPE_SYMBOL);
    // Of another refusal, or of somebody else's order, nothing is known.
    assert_false(n->setup.calls->refused(n->setup.host, REFUSAL_QUANTITY, &why));
    assert_true(why.value == 0 && why.scope == STRATEGY_SCOPE_NONE);
    w->desk.refused.strategy++;
    assert_false(n->setup.calls->refused(n->setup.host, REFUSAL_BOOK_QUALITY, &why));
}

static void timers_parameters_and_reading(void **state)
{
    (void)state;
    struct notes *n = watcher(0, 0);
    struct strategy_best best;
    struct strategy_level levels[STRATEGY_DEPTH_MAX];
    struct strategy_position position;
    const struct strategy_calls *calls = n->setup.calls;
    announce();
    assert_string_equal(n->setup.names[0], "MSFT    ");
    add(1, 'B', 300, 1000000);
    add(2, 'B', 100, 999900);
    turn();
    assert_true(calls->best(n->setup.host, 0, 0, &best) && best.bid == 1000000);
    assert_false(calls->best(n->setup.host, 0, 1, &best)); // not on this channel
    assert_false(calls->best(n->setup.host, 5, 0, &best));
    assert_int_equal(calls->depth(n->setup.host, 0, 0, true, 100, levels), 2);
    assert_true(levels[1].price == 999900 && levels[1].shares == 100 && levels[1].orders == 1);
    assert_true(calls->position(n->setup.host, 0, &position) && position.shares == 0);
    assert_false(calls->position(n->setup.host, 2, &position));
    const uint32_t places = w->desk.risk.position_count;
    position.shares = 1;
    assert_true(calls->position(n->setup.host, 1, &position) && position.shares == 0);
    assert_int_equal(w->desk.risk.position_count, places); // who only asks takes no place
    calls->timer_set(n->setup.host, calls->now_ns(n->setup.host) + 1000);
    w->now += 998;
    lane_turn(&w->lane, w->now);
    assert_int_equal(n->timer, 0);
    w->now += 2;
    lane_turn(&w->lane, w->now);
    lane_turn(&w->lane, w->now);
    assert_int_equal(n->timer, 1);
    desk_strategy_parameters(&w->desk, 0, &(struct strategy_parameters){.count = 3});
    assert_int_equal(n->parameters, 3);
    assert_int_equal(n->enabled, 1);
    assert_int_equal(calls->cancel(n->setup.host, 0), REFUSAL_UNKNOWN_ORDER);
    assert_int_equal(calls->replace(n->setup.host, 99, 1, 1), REFUSAL_UNKNOWN_ORDER);
}

static void the_example_maker_quotes_moves_and_pulls(void **state)
{
    (void)state;
    struct error err = {0};
    struct strategy_slot *slot = &w->strategies.hosts[0].slot;
    if (!strategy_load(slot, STRATEGIES_DIR "/maker.so", "maker", &err))
        fail_msg("%s", err.text);
    slot->setup.parameters = (struct strategy_parameters){3, {200, 100, 1000}};
    strategy_join(0, 0);
    announce();
    add(1, 'B', 300, 1000000);
    add(2, 'S', 300, 1000200);
    turn();
    assert_int_equal(w->session.count.sent, 2);
    assert_int_equal(be32_load(w->rig.sent + 3 + 22), 1000000); // buys below the middle ...
    assert_int_equal(be32_load(w->rig.sent + 50 + 3 + 22), 1000200);
    // The exchange halts the symbol: both quotes go.
    uint8_t *p = message('H', 25);
    memcpy(p + 11, "MSFT    ", 8);
    p[19] = 'H';
    turn();
    assert_int_equal(w->session.count.cancels, 2);
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_book_change_becomes_an_order_in_the_same_turn),
        WORLD_TEST(only_who_watches_is_told),
        WORLD_TEST(a_gap_tells_that_the_book_is_in_doubt),
        WORLD_TEST(timers_parameters_and_reading),
        WORLD_TEST(the_example_maker_quotes_moves_and_pulls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
