// A warning through the whole dataplane: orders that leave and rest at an exchange use a limit up,
// the main lcore tells of it once, and once more when the exchange has cancelled them.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/control/limits_warn.h"
#include "tests/sim/trade_world.h"

enum { ACCOUNT = 1, SYMBOL = 4, SHARES = 50, MOST = 5, ROUND_NS = 1000000000, STEPS_MAX = 4000 };

static const struct desk_owner owner = {.account = ACCOUNT, .strategy = TRADE_DRIVER};
static const struct trade_config world = {.seed = 12, .steps = 1500, .messages = 3000, .asks = 0};

static struct config config;
static struct dataplane d;
static struct dataplane_desk *mirror; // what the main lcore reads of the lane's desk
static uint64_t now_ns;

static void main_lcore_make(void)
{
    struct error err = {0};
    memset(&config, 0, sizeof config);
    memset(&d, 0, sizeof d);
    config.lane_count = config.session_count = 1;
    config.account_count = ACCOUNT + 1;
    config.trading.limits.warn_percent = 80;
    config.accounts[ACCOUNT].limits.open_orders = MOST;
    config.accounts[ACCOUNT].broker.open_orders = UINT32_MAX; // the broker limits nothing
    config.accounts[ACCOUNT].limits.warn_percent = CONFIG_WARN_NONE;
    d.config = &config;
    mirror = calloc(1, sizeof *mirror);
    assert_non_null(mirror);
    mirror->desk = sim->desk;
    mirror->limits = sim->limits;
    d.desks[0] = mirror;
    region_event_writer(&sim->lane.view, 1, EVENT_RING_TRADING, &d.events);
    assert_true(limits_start(&d, &err) && warnings_start(&d, &err));
}

// Told in a round of the main lcore: +1, -1, or 0 where nothing was.
static int look(void)
{
    const uint64_t before = d.events.tail;
    mirror->desk = sim->desk;
    warnings_turn(&d, now_ns += ROUND_NS);
    assert_true(d.events.tail - before <= 1);
    if (d.events.tail == before)
        return 0;
    const struct event_limit_warning *e =
        &d.events.slots[(d.events.tail - 1) & d.events.mask].limit_warning;
    assert_int_equal(e->scope, TRADE_ACCOUNT);
    assert_int_equal(e->index, ACCOUNT);
    assert_int_equal(e->control, LIMIT_LIMITS_open_orders);
    assert_int_equal(e->use, sim->desk.risk.accounts[ACCOUNT].orders);
    assert_int_equal(e->limit, MOST);
    return e->now ? 1 : -1;
}

static uint32_t bid_of_market(void)
{
    const struct channel *ch = &sim->venues[0].channel;
    const uint16_t slot = book_symbol_find(&ch->book, sim->desk.instruments[SYMBOL].symbol);
    if (slot == SYMBOL_NONE || sim->venues[0].session.state != SESSION_READY)
        return 0;
    const struct level *bid = book_best(&ch->book, &ch->book.symbols[slot], BOOK_BID);
    return bid && bid->price > 20000 ? bid->price : 0;
}

static void steps(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        trade_step();
}

static void orders_that_rest_are_warned_of_once(void **state)
{
    uint32_t index[MOST], spare, price = 0;
    (void)state;
    trade_open(&world);
    for (uint32_t i = 0; i < STEPS_MAX && (i < 200 || price == 0); i++) {
        trade_step();
        price = bid_of_market();
    }
    assert_true(price > 0);
    main_lcore_make();
    sim->limits->accounts[ACCOUNT].open_orders = MOST;
    const struct desk_order ask = {.quantity = SHARES,
                                   .price = price / 2 / 100 * 100, // far below: it rests
                                   .instrument = SYMBOL,
                                   .side = 'B',
                                   .time_in_force = '0',
                                   .display = 'Y'};
    for (uint32_t i = 0; i < MOST; i++) {
        assert_int_equal(desk_enter(&sim->desk, &owner, &ask, &index[i]), REFUSAL_NONE);
        steps(20);
        assert_int_equal(look(), i + 1 == 4); // 80 % of 5
        assert_int_equal(look(), 0);
    }
    assert_int_equal(desk_enter(&sim->desk, &owner, &ask, &spare), REFUSAL_OPEN_ORDERS);
    for (uint32_t i = 0; i < MOST; i++) {
        assert_int_equal(desk_cancel(&sim->desk, index[i], 0), REFUSAL_NONE);
        steps(100);
        assert_int_equal(orders_at(&sim->desk.orders, index[i])->life, LIFE_DEAD);
        assert_int_equal(look(), i == 1 ? -1 : 0); // 3 are below 4
    }
    warnings_free(&d);
    limits_free(&d);
    free(mirror);
    trade_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(orders_that_rest_are_warned_of_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
