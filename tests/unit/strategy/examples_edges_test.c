// The examples that quote and take, and what all of them do at the edges: parameters beyond their
// types, a venue that is not the first, orders that never arrived.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_command.h"
#include "dataplane/lane/desk_park.h"
#include "tests/lib/examples.h"

// --- maker: shares, distance, position ---

static void maker_after_executions_and_a_reject(void **state)
{
    (void)state;
    LOAD("maker", 100, 100, 150);
    feed_add(A, 0, 1, 'B', 300, 999800);
    feed_add(A, 0, 2, 'S', 400, 1000200);
    turn();
    entered_is(A, 0, 'B', 100, 999900);
    entered_is(A, 1, 'S', 100, 1000100);
    say_accepted(A, 0);
    say_rejected(A, 1);
    turn();
    say_executed(A, 0, 40); // a partial execution
    turn();
    feed_add(A, 0, 3, 'B', 10, 1000000);
    turn();
    turn();
    assert_int_equal(w->venues[A].entered_count, 3); // the rejected side is quoted anew
    entered_is(A, 2, 'S', 100, 1000200);
    assert_int_equal(w->venues[A].replaced_count, 1);
    assert_int_equal(w->venues[A].replaced[0].quantity, 140); // 40 of the total have executed
}

// --- taker: shares, spread, ratio, position ---

// Five times as many bid as ask.
static void thin_asks(void)
{
    feed_add(A, 0, 1, 'B', 1000, 999900);
    feed_add(A, 0, 2, 'S', 200, 1000000);
    turn();
}

static void more_bids(uint64_t ref)
{
    feed_add(A, 0, ref, 'B', 10, 999900);
    turn();
}

// All of it.
static void executes(uint32_t number)
{
    say_accepted(A, number);
    say_executed(A, number, entered(A, number)->quantity);
}

static void taker_takes_from_the_thin_side(void **state)
{
    (void)state;
    LOAD("taker", 50, 100, 3, 60);
    thin_asks();
    entered_is(A, 0, 'B', 50, 1000000);
    say_accepted(A, 0);
    say_executed(A, 0, 20);
    say_cancelled(A, 0, 30, 'I');
    turn();
    more_bids(3);
    assert_int_equal(w->venues[A].entered_count, 2);
    say_rejected(A, 1);
    turn();
    feed_status(A, 0, 'H');
    more_bids(4);
    assert_int_equal(w->venues[A].entered_count, 2);
}

static void taker_waits_for_the_last_order_only(void **state)
{
    (void)state;
    LOAD("taker", 50, 100, 3, 1000);
    thin_asks();
    executes(0);
    turn();
    more_bids(3);
    assert_int_equal(w->venues[A].entered_count, 2); // not answered yet
    say_broken(A, 0);
    turn();
    more_bids(4);
    assert_int_equal(w->venues[A].entered_count, 2);
}

static void reconnect(uint32_t v)
{
    lose_session(v);
    for (uint32_t i = 0; i < 100; i++)
        turn();
    assert_int_equal(w->venues[v].session.state, SESSION_READY);
}

static void oco_enters_again_what_was_not_received(void **state)
{
    (void)state;
    LOAD("oco", 0, 200, 999500, 1000400, 1000900, 1);
    market_opens();
    entered_is(B, 0, 'B', 200, 999500);
    reconnect(B);
    feed_add(B, 0, 9, 'B', 1, 999850);
    turn();
    assert_int_equal(entered_by_all(), 2);
}

static void iceberg_goes_on_after_what_was_not_received(void **state)
{
    (void)state;
    LOAD("iceberg", 0, 300, 100, 999900, 0);
    market_opens();
    assert_int_equal(entered_by_all(), 1);
    reconnect(A);
    feed_add(A, 0, 9, 'B', 1, 999850);
    turn();
    assert_int_equal(entered_by_all(), 2);
}

// Orders for A wait for the journal, which has them behind each turn.
static void durable(void)
{
    enum { PLACES = 8 };
    desk_park_add(&w->desk, A, PLACES, HZ, zeroed(desk_park_bytes(PLACES)));
    atomic_store(&region_record_word(&w->lane.view, 0)->state, RECORD_WRITTEN);
    turn();
}

// What never left is no reject either: taken back by a doubt while it waited, it comes back.
static void iceberg_goes_on_after_what_has_not_left(void **state)
{
    (void)state;
    durable();
    LOAD("iceberg", 0, 300, 100, 999900, 0);
    market_opens();
    feed_status(A, 0, 'H');
    turn();
    turn();
    assert_int_equal(entered_by_all(), 0);
    feed_status(A, 0, 'T');
    turn();
    turn();
    entered_is(A, 0, 'B', 100, 999900);
}

static void oco_enters_again_what_has_not_left(void **state)
{
    (void)state;
    durable();
    LOAD("oco", 0, 200, 999500, 1000400, 1000900, 0);
    market_opens();
    desk_strategy_switch(&w->desk, 0, STRATEGY_OFF_ASKED);
    turn();
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    turn();
    assert_int_equal(entered_by_all(), 0);
    feed_add(A, 0, 9, 'B', 1, 999850);
    turn();
    turn();
    entered_is(A, 0, 'B', 200, 999500);
}

static void maker_takes_no_distance_beyond_a_price(void **state)
{
    (void)state;
    LOAD("maker", 100, 100, 1000);
    market_opens();
    say_accepted(A, 0);
    say_accepted(A, 1);
    turn();
    const struct strategy_parameters p = {3, {100, 1ll << 32, 1000}};
    assert_false(desk_strategy_parameters(&w->desk, 0, &p));
    feed_add(A, 0, 9, 'B', 1, 999800);
    turn();
    assert_int_equal(w->venues[A].replaced_count, 0);
}

static bool starts(const char *path, struct strategy_parameters parameters)
{
    struct error err = {0};
    struct strategy_host *host = &w->strategies.hosts[0];
    const uint16_t symbol = 0;
    assert_true(strategy_load(&host->slot, path, "example", &err));
    host->slot.setup.parameters = parameters;
    desk_strategy_add(&w->desk, host, 1, &symbol, 1, 1000000);
    const bool yes = strategy_start(&host->slot, &err);
    strategy_unload(&host->slot);
    w->strategies.count = 0;
    return yes;
}

// What a type cannot hold, or would wrap, is refused at the start.
static void parameters_stay_within_their_types(void **state)
{
    (void)state;
#define STARTS(name, count, ...) \
    starts(STRATEGIES_DIR "/" name ".so", (struct strategy_parameters){count, {__VA_ARGS__}})
    assert_true(STARTS("taker", 4, 7, 100, 3, 1000));
    assert_false(STARTS("taker", 4, (1ll << 32) + 7, 100, 3, 1000));
    assert_false(STARTS("taker", 4, 7, 1ll << 32, 3, 1000));
    assert_false(STARTS("taker", 4, 7, 100, 1ll << 61, 1000));
    assert_false(STARTS("taker", 4, 7, 100, 3, INT64_MAX));
    assert_true(STARTS("maker", 3, 100, 100, 1000));
    assert_true(STARTS("maker", 4, 100, 100, 1000, 1));
    assert_false(STARTS("maker", 4, 100, 100, 1000, 2)); // there are two venues
    assert_false(STARTS("maker", 3, 100, 1ll << 32, 1000));
    assert_false(STARTS("maker", 3, 100, -100, 1000));
    assert_false(STARTS("maker", 3, 100, 100, INT64_MIN));
#undef STARTS
}

static void maker_keeps_to_its_largest_position(void **state)
{
    (void)state;
    LOAD("maker", 100, 100, 150);
    market_opens();
    say_accepted(A, 0);
    say_accepted(A, 1);
    say_executed(A, 0, 100);
    turn();
    feed_add(A, 0, 9, 'B', 1, 999850);
    turn();
    assert_int_equal(position(), 100);
    assert_int_equal(w->venues[A].entered_count, 3);
    executes(2);
    turn();
    assert_in_range(position(), 0, 150);
}

static void taker_keeps_to_its_largest_position(void **state)
{
    (void)state;
    LOAD("taker", 50, 100, 3, 60);
    thin_asks();
    executes(0);
    turn();
    more_bids(3);
    for (uint32_t i = 1; i < w->venues[A].entered_count; i++)
        executes(i);
    turn();
    assert_in_range(position(), 0, 60);
}

// Two sessions of one exchange, as desk_strategies_init finds them: one feed, watched under the
// first.
static void iceberg_at_the_second_session_of_a_feed(void **state)
{
    (void)state;
    w->desk.sessions[B].channel = &w->venues[A].channel;
    for (uint32_t i = 0; i < INSTRUMENTS; i++)
        w->desk.instruments[i].slot[B] = SYMBOL_NONE;
    LOAD("iceberg", 0, 300, 100, 999900, 1);
    w->strategies.watches[B] = NULL;
    feed_add(A, 0, 1, 'B', 300, 999800);
    feed_add(A, 0, 2, 'S', 400, 1000200);
    turn();
    entered_is(B, 0, 'B', 100, 999900);
}

static void maker_quotes_where_its_symbol_is(void **state)
{
    (void)state;
    LOAD("maker", 100, 100, 1000);
    feed_add(B, 0, 1, 'B', 300, 999800); // only the second venue of the lane shows it
    feed_add(B, 0, 2, 'S', 400, 1000200);
    turn();
    entered_is(B, 0, 'B', 100, 999900);
}

// As on a lane whose session is not the first of the file.
static void maker_on_the_second_lane(void **state)
{
    (void)state;
    w->desk.sessions[A].session = NULL;
    LOAD("maker", 100, 100, 1000);
    feed_add(B, 0, 1, 'B', 300, 999800);
    feed_add(B, 0, 2, 'S', 400, 1000200);
    w->now += TURN;
    packet_push(B);
    lane_turn(&w->lane, w->now);
    to_exchange(&w->venues[B]);
    events_drain();
    w->desk.sessions[A].session = &w->venues[A].session;
    entered_is(B, 0, 'B', 100, 999900);
}

static void maker_at_one_venue_is_not_moved_by_another(void **state)
{
    (void)state;
    LOAD("maker", 100, 100, 1000);
    feed_add(A, 0, 1, 'B', 300, 999800);
    feed_add(A, 0, 2, 'S', 400, 1000200);
    turn();
    say_accepted(A, 0);
    say_accepted(A, 1);
    turn();
    feed_add(B, 0, 1, 'B', 300, 899800); // another market altogether
    feed_add(B, 0, 2, 'S', 400, 900200);
    turn();
    assert_int_equal(w->venues[A].replaced_count, 0);
}

static void maker_is_not_pulled_by_a_gap_elsewhere(void **state)
{
    (void)state;
    LOAD("maker", 100, 100, 1000);
    market_opens();
    say_accepted(A, 0);
    say_accepted(A, 1);
    turn();
    feed_gap(B); // not where it quotes
    assert_int_equal(w->venues[A].cancelled_count, 0);
}

// Its venue is said, and the first to show a market is another.
static void maker_quotes_at_the_venue_it_is_given(void **state)
{
    (void)state;
    LOAD("maker", 100, 100, 1000, B);
    market_opens();
    assert_int_equal(w->venues[A].entered_count, 0);
    entered_is(B, 0, 'B', 100, 999900);
    const struct strategy_parameters other = {4, {100, 100, 1000, A}};
    assert_false(desk_strategy_parameters(&w->desk, 0, &other)); // its quotes are at B
}

// What was quoted before is not more than may still be bought.
static void maker_takes_back_what_is_too_much(void **state)
{
    (void)state;
    LOAD("maker", 100, 100, 150);
    market_opens();
    say_accepted(A, 0);
    say_accepted(A, 1);
    turn();
    const struct strategy_parameters less = {3, {100, 100, 60}};
    assert_true(desk_strategy_parameters(&w->desk, 0, &less));
    feed_add(A, 0, 9, 'B', 1, 999800); // no other price
    turn();
    assert_int_equal(w->venues[A].replaced_count, 2);
    assert_int_equal(w->venues[A].replaced[0].quantity, 60);
}

// An exchange's reason of the same number is a reject all the same.
static void iceberg_stops_at_a_reject_of_the_same_number(void **state)
{
    (void)state;
    LOAD("iceberg", 0, 300, 100, 999900, 0);
    market_opens();
    say_rejected_for(A, 0, REFUSAL_NOT_RECEIVED);
    turn();
    feed_add(A, 0, 9, 'B', 1, 999850);
    turn();
    assert_int_equal(entered_by_all(), 1);
}

static enum command_result set_one(uint32_t at, int64_t value)
{
    struct govern_request ask = {.scope = TRADE_STRATEGY, .index = 0, .chosen = 1u << at};
    struct govern_answer answer = {0};
    uint64_t sequence = 0;
    ask.parameters[at] = value;
    return desk_command(&w->lane, COMMAND_STRATEGY_SET, &ask, &answer, &sequence);
}

static void what_an_example_refuses_spoils_nothing_that_comes_later(void **state)
{
    (void)state;
    const struct strategy_slot *slot = LOAD("iceberg", 0, 300, 100, 999900, 0);
    market_opens();
    say_accepted(A, 0);
    turn();
    assert_int_equal(set_one(2, 0), COMMAND_RESULT_PARAMETERS_REFUSED);
    assert_int_equal(slot->setup.parameters.value[2], 100);
    assert_int_equal(set_one(3, 999800), COMMAND_RESULT_OK); // good by itself
    turn();
    assert_int_equal(w->venues[A].cancelled_count, 1); // the slice goes, as its table says
}

// Fewer shares in all, while a slice is open that would be too many: never more executes.
static void iceberg_executes_no_more_than_it_was_lowered_to(void **state)
{
    (void)state;
    LOAD("iceberg", 0, 300, 100, 999900, 0);
    market_opens();
    say_accepted(A, 0);
    say_executed(A, 0, 100);
    turn();
    entered_is(A, 1, 'B', 100, 999900);
    say_accepted(A, 1);
    turn();
    assert_int_equal(set_one(1, 150), COMMAND_RESULT_OK);
    turn();
    assert_int_equal(w->venues[A].cancelled_count, 1);
    say_cancelled(A, 1, 100, 'U');
    turn();
    feed_add(A, 0, 11, 'B', 1, 999870);
    turn();
    entered_is(A, 2, 'B', 50, 999900);
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(maker_after_executions_and_a_reject),
        WORLD_TEST(taker_takes_from_the_thin_side),
        WORLD_TEST(taker_waits_for_the_last_order_only),
        WORLD_TEST(oco_enters_again_what_was_not_received),
        WORLD_TEST(iceberg_goes_on_after_what_was_not_received),
        WORLD_TEST(iceberg_goes_on_after_what_has_not_left),
        WORLD_TEST(oco_enters_again_what_has_not_left),
        WORLD_TEST(maker_takes_no_distance_beyond_a_price),
        WORLD_TEST(parameters_stay_within_their_types),
        WORLD_TEST(maker_keeps_to_its_largest_position),
        WORLD_TEST(taker_keeps_to_its_largest_position),
        WORLD_TEST(iceberg_at_the_second_session_of_a_feed),
        WORLD_TEST(maker_quotes_where_its_symbol_is),
        WORLD_TEST(maker_on_the_second_lane),
        WORLD_TEST(maker_at_one_venue_is_not_moved_by_another),
        WORLD_TEST(maker_quotes_at_the_venue_it_is_given),
        WORLD_TEST(maker_takes_back_what_is_too_much),
        WORLD_TEST(iceberg_stops_at_a_reject_of_the_same_number),
        WORLD_TEST(maker_is_not_pulled_by_a_gap_elsewhere),
        WORLD_TEST(what_an_example_refuses_spoils_nothing_that_comes_later),
        WORLD_TEST(iceberg_executes_no_more_than_it_was_lowered_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
