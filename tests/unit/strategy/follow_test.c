// The example that follows forecasts: what it does with a signal that is good, weak or too old,
// with its executions, a reject, a book in doubt, and while it is disabled.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_signal.h"
#include "tests/lib/two_venues.h"

enum { A, B };
enum { SHARES = 50, GAIN = 100, POSITION = 60, CONFIDENCE = 5000 };

static struct desk_signals signals;
static void *places;
static uint64_t number;

static const struct strategy_parameters parameters = {
    .count = 4, .value = {SHARES, GAIN, POSITION, CONFIDENCE}};

// 99.98 to 100.02 at both.
static int open_world(void **state)
{
    const struct signal_policy policy = {.burst_ticks = UINT64_MAX,
                                         .silence_ticks = UINT64_MAX,
                                         .rest_ticks = UINT64_MAX,
                                         .second_ticks = HZ};
    const struct desk_signal_way way = {.client = 0};
    (void)state;
    two_open(1);
    const struct desk_signal_clock clock = {.tsc_hz = HZ}; // UTC is the lane's time
    places = malloc(desk_signals_bytes(INSTRUMENTS));
    assert_non_null(places);
    desk_signals_init(&w->desk, &signals, 1, &clock, places);
    desk_signal_add(&w->desk, 0, "model", 0, &policy, &way);
    number = 0;
    strategy_begin(STRATEGIES_DIR "/follow.so", &parameters);
    for (uint32_t v = A; v <= B; v++) {
        feed_add(v, 0, 1, 'B', 300, 999800);
        feed_add(v, 0, 2, 'S', 400, 1000200);
    }
    turn();
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    two_close();
    free(places);
    return 0;
}

static uint32_t entered_by_all(void)
{
    return w->venues[A].entered_count + w->venues[B].entered_count;
}

static void forecast(int64_t change, uint16_t confidence, uint32_t ttl_ms)
{
    const struct tickgate_signal s = {.as_of_ns = w->lane.stamp,
                                      .sequence = ++number,
                                      .value = {change},
                                      .ttl_ms = ttl_ms,
                                      .confidence = confidence};
    enum signal_verdict verdict;
    assert_int_equal(desk_signal_client(&w->desk, 0, 1, &s, &verdict), REFUSAL_NONE);
    turn();
}

static void entered_is(uint32_t v, uint32_t at, char side, uint32_t quantity, uint32_t price)
{
    const struct ouch50_enter *e = entered(v, at);
    assert_int_equal(e->side, side);
    assert_int_equal(e->quantity, quantity);
    assert_int_equal(e->price, price);
    assert_int_equal(e->time_in_force, '3');
}

// The middle is 100.00: buying costs 200, and 100 is what it wants beyond that.
static void it_takes_what_is_worth_it(void **state)
{
    (void)state;
    forecast(299, 9000, 1000);
    assert_int_equal(entered_by_all(), 0);
    forecast(300, CONFIDENCE - 1, 1000); // not sure enough
    assert_int_equal(entered_by_all(), 0);
    forecast(300, CONFIDENCE, 1000);
    assert_int_equal(entered_by_all(), 1); // once, though both venues show it
    entered_is(A, 0, 'B', SHARES, 1000200);
    forecast(5000, 9000, 1000); // it waits for its answer
    assert_int_equal(entered_by_all(), 1);
    say_accepted(A, 0);
    say_executed(A, 0, 20);
    say_cancelled(A, 0, 30, 'I');
    turn();
    feed_add(A, 0, 3, 'B', 10, 999800); // the newer signal is still good
    turn();
    assert_int_equal(entered_by_all(), 2);
    say_accepted(A, 1);
    say_executed(A, 1, SHARES);
    turn();
    forecast(5000, 9000, 1000); // 70 shares: more than the position may grow
    assert_int_equal(entered_by_all(), 2);
    forecast(-300, 9000, 1000);
    entered_is(A, 2, 'S', SHARES, 999800);
}

static void one_signal_fires_once(void **state)
{
    (void)state;
    forecast(5000, 9000, 0);
    assert_int_equal(entered_by_all(), 1);
    say_rejected(A, 0);
    turn();
    feed_add(A, 0, 3, 'B', 10, 999800);
    turn();
    assert_int_equal(entered_by_all(),
                     1); // used up, and what the exchange rejects is not tried again
    forecast(5000, 9000, 0);
    assert_int_equal(entered_by_all(), 2);
    forecast(INT64_MAX, 9000, 0); // no price can be there
    say_rejected(A, 1);
    turn();
    feed_add(A, 0, 4, 'B', 10, 999800);
    turn();
    forecast(INT64_MIN, 9000, 0);
    assert_int_equal(entered_by_all(), 2);
}

static void a_late_book_does_not_wake_an_old_signal(void **state)
{
    (void)state;
    feed_status(A, 0, 'H');
    feed_status(B, 0, 'H');
    turn();
    forecast(5000, 9000, 10);
    assert_int_equal(entered_by_all(), 0); // a book in doubt
    w->now += 10 * (HZ / 1000);
    feed_status(A, 0, 'T');
    feed_add(A, 0, 3, 'B', 10, 999800);
    turn();
    assert_int_equal(entered_by_all(), 0);
    forecast(5000, 9000, 10);
    assert_int_equal(entered_by_all(), 1);
}

static void who_is_disabled_forgets(void **state)
{
    (void)state;
    feed_status(A, 0, 'H');
    feed_status(B, 0, 'H');
    turn();
    forecast(5000, 9000, 0);
    desk_strategy_switch(&w->desk, 0, STRATEGY_OFF_ASKED);
    forecast(5000, 9000, 0);
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    feed_status(A, 0, 'T');
    feed_add(A, 0, 3, 'B', 10, 999800);
    turn();
    assert_int_equal(entered_by_all(), 0);
    forecast(5000, 9000, 0);
    assert_int_equal(entered_by_all(), 1);
}

// It is not told that it was late: what it heard before is too old all the same.
static void who_was_late_forgets(void **state)
{
    (void)state;
    feed_status(A, 0, 'H');
    feed_status(B, 0, 'H');
    turn();
    forecast(5000, 9000, 0);
    desk_strategy_late(&w->desk, 0, HZ, STRATEGY_LATE_MOST);
    assert_int_equal(w->strategies.hosts[0].slot.off, STRATEGY_OFF_LATE);
    turn();
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    feed_status(A, 0, 'T');
    feed_add(A, 0, 3, 'B', 10, 999800);
    turn();
    assert_int_equal(entered_by_all(), 0);
}

static void without_a_source_it_does_not_start(void **state)
{
    struct strategy_slot slot = {.off = 0};
    struct error err = {0};
    (void)state;
    assert_true(strategy_load(&slot, STRATEGIES_DIR "/follow.so", "follow", &err));
    slot.setup.parameters = parameters;
    assert_false(strategy_start(&slot, &err));
    assert_non_null(strstr(err.text, "wants a source of signals"));
    strategy_unload(&slot);
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(it_takes_what_is_worth_it),
        WORLD_TEST(one_signal_fires_once),
        WORLD_TEST(a_late_book_does_not_wake_an_old_signal),
        WORLD_TEST(who_is_disabled_forgets),
        WORLD_TEST(who_was_late_forgets),
        WORLD_TEST(without_a_source_it_does_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
