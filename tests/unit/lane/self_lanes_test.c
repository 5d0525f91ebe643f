// Self-trade prevention as the dataplane starts it, from the text of a configuration: two lanes
// with a session each. Whatever they ask for in turn, no two open orders of the firm could ever
// meet.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_self.h"
#include "tests/lib/trade_start_rig.h"

enum { STEPS = 20000, PRICE = 50000 };

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
    config.trading.limits.open_notional = CONFIG_NOTIONAL_MAX;
    config.accounts[1].limits.open_orders = UINT32_MAX;
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

static enum refusal enter(uint32_t lane, uint16_t account, char side, uint32_t price,
                          uint32_t *order)
{
    const struct desk_owner who = {.account = account, .strategy = (uint16_t)!lane};
    const struct desk_order ask = {.quantity = 1,
                                   .price = price,
                                   .instrument = 1,
                                   .session = (uint8_t)lane,
                                   .side = side,
                                   .time_in_force = '0',
                                   .display = 'Y'};
    struct event_writer *w = &lanes[lane]->trading;
    w->committed = w->tail;
    atomic_store(&region_ring(&d.view, lane, EVENT_RING_TRADING)->committed, w->tail);
    lanes[lane]->stamp = now_ticks += HZ;
    rigs[lane].sent_len = 0;
    return desk_enter(&d.desks[lane]->desk, &who, &ask, order);
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
        if (refusal == REFUSAL_LEASE || refusal == REFUSAL_POSITION ||
            refusal == REFUSAL_ORDER_TABLE_FULL || refusal == REFUSAL_REFERENCES_USED)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(without_a_word_nothing_is_set_up, tidy),
        cmocka_unit_test_teardown(the_firms_orders_meet_on_no_two_lanes, tidy),
        cmocka_unit_test_teardown(an_accounts_orders_are_its_own_business, tidy),
        cmocka_unit_test_teardown(random_orders_of_two_lanes_never_meet, tidy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
