// Self-trade prevention as the dataplane starts it, from the text of a configuration: two lanes
// with a session each. Whatever they ask for, in turn or at once, no two open orders of the firm
// could ever meet, and what is open stays below the limits that they share. The steps of two lanes
// by themselves, in every interleaving: tests/unit/risk/self_trade_test.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "dataplane/lane/desk_self.h"
#include "tests/lib/trade_start_rig.h"

enum { STEPS = 20000, PRICE = 50000 };

static bool shared_limits; // are those of the rig

// The configuration of the rig with a word more.
static void start_with(const char *behind, const char *more)
{
    static char with[4096], filled[4096];
    struct error err = {0};
    uint32_t cores[2] = {0}, found = 0;
    for (uint32_t core = 0; core < 1024 && found < 2; core++)
        if (cpu_allowed(core))
            cores[found++] = core;
    if (found < 2)
        skip();
    snprintf(filled, sizeof filled, text, cores[0], cores[0], cores[1], 100,
             STRATEGIES_DIR "/maker.so", STRATEGIES_DIR);
    const char *at = strstr(filled, behind);
    assert_non_null(at);
    at += strlen(behind);
    snprintf(with, sizeof with, "%.*s%s%s", (int)(at - filled), filled, more, at);
    if (!config_load_text(&config, "t.yaml", with, strlen(with), &err))
        fail_msg("%s", err.text);
    // Not what is looked at here.
    if (!shared_limits) {
        config.trading.limits.open_notional = CONFIG_NOTIONAL_MAX;
        config.accounts[1].limits.open_orders = UINT32_MAX;
    }
    config.accounts[1].limits.position = CONFIG_POSITION_MAX;
    prepare();
    if (!trade_make(&d, &err) || !trade_start(&d, &err))
        fail_msg("%s", err.text);
    for (uint32_t i = 0; i < LANES; i++) {
        wire_rig_init(&rigs[i]);
        d.sessions[i]->session.transport = &rigs[i].transport;
        d.sessions[i]->session.state = SESSION_READY;
    }
}

static enum refusal enter_shares(uint32_t lane, uint16_t account, char side, uint32_t quantity,
                                 uint32_t price, uint32_t *order)
{
    const struct desk_owner who = {.account = account, .strategy = (uint16_t)!lane};
    const struct desk_order ask = {.quantity = quantity,
                                   .price = price,
                                   .instrument = 1,
                                   .session = (uint8_t)lane,
                                   .side = side,
                                   .time_in_force = '0',
                                   .display = 'Y'};
    struct event_writer *w = &lanes[lane]->trading;
    w->committed = w->tail;
    atomic_store(&region_ring(&d.view, lane, EVENT_RING_TRADING)->committed, w->tail);
    lanes[lane]->stamp += HZ;
    rigs[lane].sent_len = 0;
    return desk_enter(&d.desks[lane]->desk, &who, &ask, order);
}

static enum refusal enter(uint32_t lane, uint16_t account, char side, uint32_t price,
                          uint32_t *order)
{
    return enter_shares(lane, account, side, 1, price, order);
}

static void over(uint32_t lane, uint32_t order)
{
    struct desk *desk = &d.desks[lane]->desk;
    struct order_outcome out;
    order_found_out(&desk->orders, order, ORDER_MESSAGE_NOT_SENT, &out);
    desk_hold(desk, orders_at(&desk->orders, order));
}

static void without_a_word_nothing_is_set_up(void **state)
{
    (void)state;
    start_with("state: active", "");
    for (uint32_t i = 0; i < LANES; i++)
        assert_null(d.desks[i]->desk.self);
}

static void the_firms_orders_meet_on_no_two_lanes(void **state)
{
    uint32_t order, index;
    (void)state;
    start_with("state: active", ", self_trade: oldest");
    assert_int_equal(enter(0, 0, 'S', PRICE, &order), REFUSAL_NONE);
    assert_int_equal(enter(1, 1, 'B', PRICE - 1, &index), REFUSAL_NONE);
    assert_int_equal(enter(1, 1, 'B', PRICE, &index), REFUSAL_SELF_TRADE);
    assert_int_equal(enter(1, 0, 'B', PRICE + 1, &index), REFUSAL_SELF_TRADE);
    over(0, order);
    assert_int_equal(enter(1, 1, 'B', PRICE, &index), REFUSAL_NONE);
}

static void an_accounts_orders_are_its_own_business(void **state)
{
    uint32_t order, index;
    (void)state;
    start_with("quantity: 90", ", self_trade: newest");
    assert_int_equal(enter(0, 1, 'S', PRICE, &order), REFUSAL_NONE);
    assert_int_equal(enter(1, 0, 'B', PRICE, &index), REFUSAL_NONE); // another account
    assert_int_equal(enter(1, 1, 'B', PRICE, &index), REFUSAL_SELF_TRADE);
    assert_int_equal(enter(1, 1, 'B', PRICE - 1, &index), REFUSAL_NONE);
}

static void random_orders_of_two_lanes_never_meet(void **state)
{
    static struct {
        uint32_t lane, order, price;
        bool sells;
    } open[8];
    uint32_t count = 0, refused = 0, entered = 0;
    (void)state;
    start_with("state: active", ", self_trade: newest");
    for (uint32_t step = 0; step < STEPS; step++) {
        const uint32_t lane = draw(LANES), price = PRICE + draw(5), account = draw(2);
        const bool sells = draw(2);
        uint32_t order, meets = 0;
        if (count == 8 || (count && draw(3) == 0)) {
            const uint32_t i = draw(count);
            over(open[i].lane, open[i].order);
            open[i] = open[--count];
            continue;
        }
        for (uint32_t i = 0; i < count; i++)
            meets +=
                open[i].sells != sells && (sells ? open[i].price >= price : open[i].price <= price);
        const enum refusal refusal =
            enter(lane, (uint16_t)account, sells ? 'S' : 'B', price, &order);
        if (refusal == REFUSAL_LEASE || refusal == REFUSAL_LEASE_NOTIONAL ||
            refusal == REFUSAL_POSITION || refusal == REFUSAL_ORDER_TABLE_FULL ||
            refusal == REFUSAL_REFERENCES_USED)
            continue;
        assert_int_equal(refusal, meets ? REFUSAL_SELF_TRADE : REFUSAL_NONE);
        refused += meets > 0;
        if (meets)
            continue;
        entered++;
        open[count].lane = lane;
        open[count].order = order;
        open[count].price = price;
        open[count++].sells = sells;
    }
    assert_true(refused > STEPS / 20 && entered > STEPS / 20);
}

// --- both at once ---

enum { BATCHES = 20000, BATCH = 8, SPINS = 1000, OPEN_MAX = 6 };

struct trader {
    uint32_t lane;
    uint64_t random;
    uint32_t orders[OPEN_MAX];
    uint32_t shares[OPEN_MAX];
    _Atomic uint64_t held[OPEN_MAX]; // price << 1 | sells of what is open, 0: nothing is
    uint32_t entered, met_other, leased;
};

static struct trader traders[LANES];
static _Atomic uint32_t arrived, running, open_now, met, over_limit;
static _Atomic uint64_t notional_now;

static uint32_t pick(struct trader *t, uint32_t below)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    return (uint32_t)((t->random >> 20) % below);
}

static bool holds_against(struct trader *t, bool sells, uint32_t price)
{
    bool meets = false;
    for (uint32_t i = 0; i < OPEN_MAX; i++) {
        const uint64_t held = atomic_load(&t->held[i]);
        const uint32_t its = (uint32_t)(held >> 1);
        meets |= held && (held & 1) != sells && (sells ? its >= price : its <= price);
    }
    return meets;
}

// It is counted from behind its approval until before its end, so never when it is not open.
static void counted(struct trader *t, uint32_t i, uint32_t shares, bool sells, uint32_t price)
{
    t->shares[i] = shares;
    atomic_store(&t->held[i], (uint64_t)price << 1 | sells);
    for (uint32_t lane = 0; lane < LANES; lane++)
        if (holds_against(&traders[lane], sells, price))
            atomic_fetch_add(&met, 1);
    const uint64_t value = (uint64_t)shares * price;
    if (atomic_fetch_add(&open_now, 1) + 1 > OPEN_ORDERS ||
        atomic_fetch_add(&notional_now, value) + value > open_notional)
        atomic_fetch_add(&over_limit, 1);
}

static void ends(struct trader *t, uint32_t i)
{
    const uint64_t held = atomic_exchange(&t->held[i], 0);
    atomic_fetch_sub(&open_now, 1);
    atomic_fetch_sub(&notional_now, t->shares[i] * (held >> 1));
    over(t->lane, t->orders[i]);
}

static void trade(struct trader *t)
{
    const uint32_t i = pick(t, OPEN_MAX), price = PRICE + pick(t, 5), shares = 1 + pick(t, 60);
    const bool sells = pick(t, 2);
    desk_leases_turn(&d.desks[t->lane]->desk, lanes[t->lane]->stamp);
    if (atomic_load(&t->held[i])) {
        ends(t, i);
        return;
    }
    switch (enter_shares(t->lane, 1, sells ? 'S' : 'B', shares, price, &t->orders[i])) {
    case REFUSAL_NONE:
        t->entered++;
        counted(t, i, shares, sells, price);
        return;
    case REFUSAL_SELF_TRADE: t->met_other += !holds_against(t, sells, price); return;
    case REFUSAL_LEASE:
    case REFUSAL_LEASE_NOTIONAL: t->leased++; return;
    default: return;
    }
}

// Lanes begin each batch together, within some nanoseconds where each has a core, with orders that
// are open: neither trades alone.
static void *trade_all(void *argument)
{
    struct trader *t = argument;
    for (uint32_t n = 0; n < BATCHES; n++) {
        atomic_fetch_add(&arrived, 1);
        for (uint32_t spins = 0; atomic_load(&arrived) < LANES * (n + 1); spins++)
            if (spins > SPINS)
                sched_yield();
        for (uint32_t k = 0; k < BATCH; k++)
            trade(t);
    }
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static void lanes_that_run_at_once_never_meet_nor_exceed(void **state)
{
    pthread_t threads[LANES];
    (void)state;
    shared_limits = true;
    start_with("state: active", ", self_trade: newest");
    shared_limits = false;
    running = LANES;
    arrived = 0;
    for (uint32_t i = 0; i < LANES; i++) {
        traders[i] = (struct trader){.lane = i, .random = 88172645463325252ull + i};
        assert_int_equal(pthread_create(&threads[i], NULL, trade_all, &traders[i]), 0);
    }
    while (atomic_load(&running)) { // the main lcore
        leases_turn(&d);
        sched_yield();
    }
    for (uint32_t i = 0; i < LANES; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(met, 0);
    assert_int_equal(over_limit, 0);
    for (uint32_t i = 0; i < LANES; i++) {
        char why[256];
        assert_true(traders[i].entered > BATCHES && traders[i].met_other > 0);
        for (uint32_t k = 0; k < OPEN_MAX; k++)
            if (traders[i].held[k])
                ends(&traders[i], k);
        if (!desk_check(&d.desks[i]->desk, why, sizeof why))
            fail_msg("%s", why);
        assert_int_equal(self_own(d.desks[i]->desk.self->reach, 0, i, 1), 0);
        assert_int_equal(d.desks[i]->desk.risk.firm.notional, 0);
    }
    assert_true(traders[0].leased + traders[1].leased > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(without_a_word_nothing_is_set_up, tidy),
        cmocka_unit_test_teardown(the_firms_orders_meet_on_no_two_lanes, tidy),
        cmocka_unit_test_teardown(an_accounts_orders_are_its_own_business, tidy),
        cmocka_unit_test_teardown(random_orders_of_two_lanes_never_meet, tidy),
        cmocka_unit_test_teardown(lanes_that_run_at_once_never_meet_nor_exceed, tidy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
