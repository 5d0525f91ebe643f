// An exchange that counts messages never sees more of them than it takes, whatever is asked for:
// orders above their rate are refused, cancels above theirs wait and leave one by one. Through the
// whole dataplane, with kills, closed windows and lost connections.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/sim/trade_people.h"
#include "tests/sim/trade_world.h"

enum {
    US = 1000,
    STEPS = 3000,
    ORDER_APART = 100 * US, // of an order and the next in the long run
    ORDER_BURST = 12,
    CANCEL_APART = 200 * US,
    CANCEL_BURST = 4,
    KILL_EVERY = 600, // steps
};

static const struct desk_owner owner = {.account = 1, .strategy = TRADE_DRIVER};
static uint64_t at[STEPS], messages[STEPS];

static void rates_set(uint8_t cancels)
{
    struct limit_row *row = &sim->limits->sessions[0];
    row->rate_ticks = ORDER_APART / RATE_UNIT;
    row->burst = ORDER_BURST - 1;
    row->cancel_rate = cancels;
    row->price_low = CANCEL_APART / RATE_UNIT;
    row->price_high = CANCEL_BURST - 1;
}

// A buy that rests far below the market.
static void order_ask(void)
{
    const struct desk_order ask = {.quantity = 100,
                                   .price = 100,
                                   .instrument = (uint16_t)trade_draw(TRADE_SYMBOLS),
                                   .side = 'B',
                                   .time_in_force = '0',
                                   .display = 'Y'};
    uint32_t order;
    desk_enter(&sim->desk, &owner, &ask, &order);
}

static void orders_cancel_some(void)
{
    const struct order_table *t = &sim->desk.orders;
    for (uint32_t i = t->sessions[0].open.first; i != OWN_NONE; i = orders_at(t, i)->open_next)
        if (trade_draw(10) == 0)
            desk_cancel(&sim->desk, i, 0);
}

static void run(const struct trade_config *config, uint8_t cancels)
{
    trade_open(config);
    rates_set(cancels);
    for (uint32_t step = 0; step < STEPS; step++) {
        order_ask();
        if (trade_draw(20) == 0)
            orders_cancel_some();
        if (step % KILL_EVERY == KILL_EVERY - 1)
            desk_mass_cancel(&sim->desk, TRADE_SESSION, 0);
        trade_step();
        at[step] = sim->now;
        messages[step] = sim->venues[0].session.count.sent + sim->venues[0].session.count.cancels;
    }
}

// The first step after <from> at which there were more messages than the exchange takes; 0: none.
static uint32_t beyond(uint32_t from)
{
    for (uint32_t to = from + 1; to < STEPS; to++) {
        const uint64_t time = at[to] - at[from + 1];
        const uint64_t most = ORDER_BURST + time / ORDER_APART + CANCEL_BURST + time / CANCEL_APART;
        if (messages[to] - messages[from] > most)
            return to;
    }
    return 0;
}

static uint32_t windows_beyond(void)
{
    uint32_t count = 0;
    for (uint32_t from = 0; from + 1 < STEPS; from++)
        count += beyond(from) > 0;
    return count;
}

static void no_window_has_more_than_the_exchange_takes(void **state)
{
    (void)state;
    for (uint64_t seed = 2; seed <= 8; seed += 2) { // no mass cancels: one would pass by itself
        const struct trade_config config = {.seed = seed,
                                            .steps = STEPS,
                                            .messages = 2000,
                                            .wire_busy = seed > 4 ? 40 : 0,
                                            .wire_breaks = seed > 6 ? 400 : 0};
        run(&config, CANCELS_WAIT);
        const uint64_t *refusals = sim->desk.count.refusals;
        print_message("%lu messages, %u cancels waited, %lu orders refused by their rate, %lu "
                      "behind cancels\n",
                      messages[STEPS - 1], sim->event_count[EVENT_CANCEL_WAITS],
                      refusals[REFUSAL_MESSAGE_RATE], refusals[REFUSAL_CANCEL_RATE]);
        assert_int_equal(windows_beyond(), 0);
        assert_true(messages[STEPS - 1] > 100 && sim->event_count[EVENT_CANCEL_WAITS] > 50);
        assert_true(refusals[REFUSAL_MESSAGE_RATE] > 0 && refusals[REFUSAL_CANCEL_RATE] > 0);
        assert_true(trade_settle());
        people_close_doubts(); // a venue without account query leaves some
        assert_int_equal(sim->desk.risk.firm.orders, 0);
        trade_close();
    }
}

// What the test would see: the same without a pace.
static void cancels_that_pass_are_more(void **state)
{
    static const struct trade_config config = {.seed = 2, .steps = STEPS, .messages = 2000};
    (void)state;
    run(&config, CANCELS_PASS);
    assert_true(windows_beyond() > 0);
    assert_true(trade_settle());
    trade_close();
}

// They wait no longer than they have to.
static void what_waits_leaves_at_the_rate(void **state)
{
    enum { WAITING = 30, STEPS_APART = CANCEL_APART / TRADE_STEP_NS };
    static const struct trade_config config = {.seed = 4, .steps = STEPS, .messages = 2000};
    uint32_t steps = 0;
    (void)state;
    trade_open(&config);
    const struct session *s = &sim->venues[0].session;
    while (sim->desk.orders.sessions[0].open_count < WAITING) {
        order_ask();
        trade_step();
    }
    rates_set(CANCELS_WAIT);
    const uint64_t before = s->count.cancels;
    desk_mass_cancel(&sim->desk, TRADE_SESSION, 0);
    trade_step();
    for (; sim->desk.orders.sessions[0].cancel_count && steps < 2 * WAITING * STEPS_APART; steps++)
        trade_step();
    const uint64_t left = s->count.cancels - before; // an order may have ended while its own waited
    assert_in_range(left, WAITING - 5, WAITING + 5);
    assert_in_range(steps, (left - CANCEL_BURST) * STEPS_APART - STEPS_APART,
                    (left - CANCEL_BURST) * STEPS_APART + STEPS_APART);
    assert_true(trade_settle());
    trade_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_window_has_more_than_the_exchange_takes),
        cmocka_unit_test(cancels_that_pass_are_more),
        cmocka_unit_test(what_waits_leaves_at_the_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
