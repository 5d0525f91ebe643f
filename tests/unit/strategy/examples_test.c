// The examples as users load them: what each does on best price, trade, execution, partial
// execution, reject, doubt and disabling, between two venues.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/examples.h"

static void switch_off_and_on(void)
{
    desk_strategy_switch(&w->desk, 0, STRATEGY_OFF_ASKED);
    turn();
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
}

// B bids more than A asks, for 250 shares.
static void markets_cross(uint64_t ref)
{
    feed_add(A, 0, ref, 'S', 250, 1000000);
    feed_add(B, 0, ref, 'B', 500, 1000150);
    turn();
}

static void markets_part(uint64_t ref)
{
    feed_delete(A, 0, ref);
    feed_delete(B, 0, ref);
    turn();
}

// --- arbitrage: shares, gain, distance ---

static void arbitrage_takes_both_sides_at_once(void **state)
{
    (void)state;
    LOAD("arbitrage", 1000, 100, 500);
    market_opens();
    assert_int_equal(entered_by_all(), 0);
    markets_cross(10);
    entered_is(A, 0, 'B', 250, 1000000); // what both show
    entered_is(B, 0, 'S', 250, 1000150);
    assert_true(entered(A, 0)->time_in_force == '3' && entered(B, 0)->time_in_force == '3');
    markets_part(10);
    markets_cross(11); // it waits for its answers
    assert_int_equal(entered_by_all(), 2);
    say_accepted(A, 0);
    say_accepted(B, 0);
    say_executed(A, 0, 250);
    say_executed(B, 0, 250);
    turn();
    assert_int_equal(position(), 0);
    markets_part(11);
    markets_cross(12); // and goes on
    assert_int_equal(entered_by_all(), 4);
}

static void arbitrage_gives_back_what_executed_on_one_side(void **state)
{
    (void)state;
    LOAD("arbitrage", 100, 100, 500);
    market_opens();
    markets_cross(10);
    entered_is(A, 0, 'B', 100, 1000000);
    markets_part(10);
    say_accepted(A, 0);
    say_accepted(B, 0);
    say_executed(A, 0, 100);
    say_executed(B, 0, 30); // a partial execution
    say_cancelled(B, 0, 70, 'I');
    turn();
    assert_int_equal(position(), 70);
    // Sold where the bid is best, the limit is 500 below it: 99.98 at both, A has the lower number.
    entered_is(A, 1, 'S', 70, 999800);
    say_accepted(A, 1);
    say_executed(A, 1, 50);
    say_cancelled(A, 1, 20, 'I');
    turn();
    entered_is(B, 1, 'S', 20, 999800); // placed again by the router
    say_rejected(B, 1);
    turn();
    assert_int_equal(position(), 20);
    feed_add(B, 0, 20, 'B', 100, 999900); // the next change: once more
    turn();
    entered_is(B, 2, 'S', 20, 999900);
    say_accepted(B, 2);
    say_executed(B, 2, 20);
    turn();
    assert_int_equal(position(), 0);
}

static void arbitrage_and_a_reject(void **state)
{
    (void)state;
    LOAD("arbitrage", 100, 100, 500);
    market_opens();
    markets_cross(10);
    say_rejected(A, 0);
    say_rejected(B, 0);
    markets_part(10);
    assert_int_equal(entered_by_all(), 2);
    assert_int_equal(position(), 0);
    markets_cross(11);
    assert_int_equal(entered_by_all(), 4);
}

static void arbitrage_does_not_trade_on_a_book_in_doubt(void **state)
{
    (void)state;
    LOAD("arbitrage", 100, 100, 500);
    market_opens();
    feed_gap(B);
    markets_cross(10);
    assert_int_equal(entered_by_all(), 0);
}

static void arbitrage_when_disabled(void **state)
{
    (void)state;
    LOAD("arbitrage", 100, 100, 500);
    market_opens();
    desk_strategy_switch(&w->desk, 0, STRATEGY_OFF_ASKED);
    markets_cross(10);
    assert_int_equal(entered_by_all(), 0);
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    markets_part(10);
    markets_cross(11);
    assert_int_equal(entered_by_all(), 2);
    // Disabled with both legs on their way: they are cancelled, and what executed is kept account
    // of, and given back once it is enabled again.
    desk_strategy_switch(&w->desk, 0, STRATEGY_OFF_ASKED);
    turn();
    assert_int_equal(w->venues[A].cancelled_count + w->venues[B].cancelled_count, 2);
    say_accepted(A, 0);
    say_executed(A, 0, 100);
    say_rejected(B, 0);
    turn();
    assert_int_equal(position(), 100);
    assert_int_equal(entered_by_all(), 2);
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    markets_part(11);
    assert_int_equal(entered_by_all(), 3);
}

// --- iceberg: side, shares, slice, price, venue ---

static void iceberg_shows_a_slice_at_a_time(void **state)
{
    (void)state;
    LOAD("iceberg", 0, 250, 100, 999900, 1);
    market_opens();
    assert_int_equal(w->venues[A].entered_count, 0);
    entered_is(B, 0, 'B', 100, 999900);
    assert_int_equal(entered(B, 0)->time_in_force, '0');
    say_accepted(B, 0);
    say_executed(B, 0, 40); // a partial execution: the slice stays
    turn();
    assert_int_equal(entered_by_all(), 1);
    say_executed(B, 0, 60);
    turn();
    entered_is(B, 1, 'B', 100, 999900);
    say_accepted(B, 1);
    say_executed(B, 1, 100);
    turn();
    entered_is(B, 2, 'B', 50, 999900);
    say_accepted(B, 2);
    say_executed(B, 2, 50);
    turn();
    feed_add(B, 0, 9, 'B', 1, 999700);
    turn();
    assert_int_equal(entered_by_all(), 3);
    assert_int_equal(position(), 250);
}

static void iceberg_pulls_on_doubt_and_comes_back(void **state)
{
    (void)state;
    LOAD("iceberg", 1, 300, 100, 1000300, 0);
    market_opens();
    entered_is(A, 0, 'S', 100, 1000300);
    say_accepted(A, 0);
    say_executed(A, 0, 30);
    turn();
    feed_status(A, 0, 'H');
    turn();
    assert_int_equal(w->venues[A].cancelled_count, 1);
    say_cancelled(A, 0, 70, 'U');
    turn();
    assert_int_equal(entered_by_all(), 1);
    feed_status(A, 0, 'T');
    turn();
    entered_is(A, 1, 'S', 100, 1000300); // 270 are left
}

static void iceberg_stops_at_a_reject_and_takes_new_parameters(void **state)
{
    (void)state;
    LOAD("iceberg", 0, 300, 100, 999900, 0);
    market_opens();
    say_rejected(A, 0);
    turn();
    feed_add(A, 0, 9, 'B', 1, 999850);
    turn();
    assert_int_equal(entered_by_all(), 1);
    struct strategy_parameters p = {5, {0, 300, 100, 999900, 7}};
    desk_strategy_parameters(&w->desk, 0, &p); // no such venue: not taken
    p.value[4] = 0;
    p.value[3] = 999800;
    desk_strategy_parameters(&w->desk, 0, &p);
    feed_add(A, 0, 10, 'B', 1, 999860);
    turn();
    entered_is(A, 1, 'B', 100, 999800);
    say_accepted(A, 1);
    turn();
    p.value[3] = 999700; // the slice goes, the next one has the new price
    desk_strategy_parameters(&w->desk, 0, &p);
    turn();
    assert_int_equal(w->venues[A].cancelled_count, 1);
    say_cancelled(A, 1, 100, 'U');
    turn();
    feed_add(A, 0, 11, 'B', 1, 999870);
    turn();
    entered_is(A, 2, 'B', 100, 999700);
}

static void iceberg_when_disabled(void **state)
{
    (void)state;
    LOAD("iceberg", 0, 300, 100, 999900, 0);
    market_opens();
    say_accepted(A, 0);
    turn();
    switch_off_and_on();
    assert_int_equal(w->venues[A].cancelled_count, 1); // by the dataplane
    say_cancelled(A, 0, 100, 'U');
    turn();
    feed_add(A, 0, 9, 'B', 1, 999850);
    turn();
    entered_is(A, 1, 'B', 100, 999900);
}

// --- stop: side, shares, trigger, limit ---

static void stop_fires_when_the_price_falls(void **state)
{
    (void)state;
    LOAD("stop", 1, 500, 999700, 999000);
    market_opens();
    feed_trade(A, 0, 10, 999800);
    turn();
    assert_int_equal(entered_by_all(), 0);
    feed_trade(B, 0, 10, 999700);
    turn();
    // From all venues, level by level.
    entered_is(A, 0, 'S', 300, 999800);
    entered_is(B, 0, 'S', 200, 999800);
    say_accepted(A, 0);
    say_executed(A, 0, 300);
    say_accepted(B, 0);
    say_executed(B, 0, 150);
    say_cancelled(B, 0, 50, 'I');
    turn();
    // The rest is placed again: A shows no less than before, as far as we know.
    entered_is(A, 1, 'S', 50, 999800);
    say_rejected(A, 1);
    turn();
    assert_int_equal(entered_by_all(), 3);
    feed_add(A, 0, 9, 'B', 80, 999900); // a reject: the next change
    turn();
    entered_is(A, 2, 'S', 50, 999900);
    say_accepted(A, 2);
    say_executed(A, 2, 50);
    turn();
    feed_trade(B, 0, 10, 999000);
    turn();
    assert_int_equal(entered_by_all(), 4);
    assert_int_equal(position(), -500);
}

// The router decides about its children; they can be taken back, not changed.
static void a_child_of_a_routed_order_is_not_changed(void **state)
{
    (void)state;
    struct strategy_slot *slot = LOAD("stop", 1, 500, 999700, 999000);
    const struct strategy_calls *calls = slot->setup.calls;
    market_opens();
    feed_trade(A, 0, 10, 999700);
    turn();
    const uint32_t child = w->desk.orders.sessions[A].open.first;
    assert_true(child != OWN_NONE);
    say_accepted(A, 0);
    turn();
    assert_int_equal(calls->replace(slot->setup.host, child, 100, 999800), REFUSAL_ROUTED);
    assert_int_equal(calls->cancel(slot->setup.host, child), REFUSAL_NONE);
}

static void stop_is_not_fired_by_a_price_in_doubt(void **state)
{
    (void)state;
    LOAD("stop", 0, 100, 1000300, 1000500);
    market_opens();
    feed_gap(A);
    feed_trade(A, 0, 10, 1000400);
    turn();
    assert_int_equal(entered_by_all(), 0);
    feed_trade(B, 0, 10, 1000400);
    turn();
    assert_int_equal(w->venues[A].entered_count, 0); // takes only from the good book
    entered_is(B, 0, 'B', 100, 1000200);
}

static void stop_with_new_parameters_is_a_new_order(void **state)
{
    (void)state;
    LOAD("stop", 1, 100, 999700, 999000);
    market_opens();
    feed_trade(A, 0, 10, 999700);
    turn();
    entered_is(A, 0, 'S', 100, 999800);
    desk_strategy_parameters(&w->desk, 0,
                             &(struct strategy_parameters){4, {1, 60, 999500, 999000}});
    turn();
    assert_int_equal(w->venues[A].cancelled_count, 1);
    say_accepted(A, 0);
    say_executed(A, 0, 20); // of the earlier order
    say_cancelled(A, 0, 80, 'U');
    turn();
    feed_trade(A, 0, 10, 999600);
    turn();
    assert_int_equal(entered_by_all(), 1);
    feed_trade(A, 0, 10, 999400);
    turn();
    entered_is(A, 1, 'S', 60, 999800);
}

static void stop_when_disabled(void **state)
{
    (void)state;
    LOAD("stop", 1, 100, 999700, 999000);
    market_opens();
    desk_strategy_switch(&w->desk, 0, STRATEGY_OFF_ASKED);
    feed_trade(A, 0, 10, 999700);
    turn();
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    feed_add(A, 0, 9, 'B', 1, 999700);
    turn();
    assert_int_equal(entered_by_all(), 0); // what it was not told has not triggered it
    feed_trade(A, 0, 10, 999600);
    turn();
    assert_int_equal(entered_by_all(), 1);
    switch_off_and_on(); // the child order is cancelled, and not sent elsewhere
    assert_int_equal(w->venues[A].cancelled_count, 1);
    say_accepted(A, 0);
    say_cancelled(A, 0, 100, 'U');
    turn();
    assert_int_equal(entered_by_all(), 1);
    feed_add(A, 0, 10, 'B', 1, 999850); // enabled again: it is still triggered
    turn();
    assert_int_equal(entered_by_all(), 2);
}

// --- oco: side, shares, target, trigger, limit, venue ---

static void oco_target_fills_and_the_stop_is_off(void **state)
{
    (void)state;
    LOAD("oco", 1, 200, 1000400, 999700, 999000, 0);
    market_opens();
    entered_is(A, 0, 'S', 200, 1000400);
    say_accepted(A, 0);
    say_executed(A, 0, 200);
    turn();
    feed_trade(A, 0, 10, 999600);
    turn();
    assert_int_equal(entered_by_all(), 1);
    assert_int_equal(w->venues[A].cancelled_count, 0);
    assert_int_equal(position(), -200);
}

static void oco_stop_cancels_the_target_first(void **state)
{
    (void)state;
    LOAD("oco", 1, 200, 1000400, 999700, 999000, 0);
    market_opens();
    say_accepted(A, 0);
    say_executed(A, 0, 50); // a partial execution
    turn();
    feed_trade(B, 0, 10, 999700);
    turn();
    assert_int_equal(w->venues[A].cancelled_count, 1);
    assert_int_equal(entered_by_all(), 1); // not before the exchange has confirmed
    say_executed(A, 0, 30);                // which crosses the cancel
    say_cancelled(A, 0, 120, 'U');
    turn();
    entered_is(A, 1, 'S', 120, 999800);
    say_accepted(A, 1);
    say_executed(A, 1, 120);
    turn();
    assert_int_equal(position(), -200);
    feed_trade(B, 0, 10, 999600);
    feed_add(B, 0, 9, 'B', 1, 999750);
    turn();
    assert_int_equal(entered_by_all(), 2);
}

static void oco_and_a_reject(void **state)
{
    (void)state;
    LOAD("oco", 0, 200, 999500, 1000400, 1000900, 1);
    market_opens();
    entered_is(B, 0, 'B', 200, 999500);
    say_rejected(B, 0);
    turn();
    feed_add(B, 0, 9, 'B', 1, 999850);
    turn();
    assert_int_equal(entered_by_all(), 1); // only the stop is left
    feed_trade(A, 0, 10, 1000400);
    turn();
    entered_is(A, 0, 'B', 200, 1000200);
}

static void oco_in_doubt_and_disabled(void **state)
{
    (void)state;
    LOAD("oco", 1, 200, 1000400, 999700, 999000, 0);
    market_opens();
    say_accepted(A, 0);
    turn();
    feed_gap(A);
    feed_trade(A, 0, 10, 999600);
    turn();
    assert_int_equal(w->venues[A].cancelled_count, 0); // the target rests, no stop by doubt
    switch_off_and_on();
    assert_int_equal(w->venues[A].cancelled_count, 1);
    say_cancelled(A, 0, 200, 'U');
    turn();
    feed_add(B, 0, 9, 'B', 1, 999850); // B's book is good, the target's venue is not: refused
    turn();
    assert_int_equal(entered_by_all(), 1);
    feed_trade(B, 0, 10, 999600);
    turn();
    entered_is(B, 0, 'S', 200, 999800); // all of B within the limit, nothing of A
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(arbitrage_takes_both_sides_at_once),
        WORLD_TEST(arbitrage_gives_back_what_executed_on_one_side),
        WORLD_TEST(arbitrage_and_a_reject),
        WORLD_TEST(arbitrage_does_not_trade_on_a_book_in_doubt),
        WORLD_TEST(arbitrage_when_disabled),
        WORLD_TEST(iceberg_shows_a_slice_at_a_time),
        WORLD_TEST(iceberg_pulls_on_doubt_and_comes_back),
        WORLD_TEST(iceberg_stops_at_a_reject_and_takes_new_parameters),
        WORLD_TEST(iceberg_when_disabled),
        WORLD_TEST(stop_fires_when_the_price_falls),
        WORLD_TEST(a_child_of_a_routed_order_is_not_changed),
        WORLD_TEST(stop_is_not_fired_by_a_price_in_doubt),
        WORLD_TEST(stop_with_new_parameters_is_a_new_order),
        WORLD_TEST(stop_when_disabled),
        WORLD_TEST(oco_target_fills_and_the_stop_is_off),
        WORLD_TEST(oco_stop_cancels_the_target_first),
        WORLD_TEST(oco_and_a_reject),
        WORLD_TEST(oco_in_doubt_and_disabled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
