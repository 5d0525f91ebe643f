// Two lanes with one account, of which an exchange tells one about orders that it was granted
// nothing for: neither takes any that makes the sum more than the limit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "tests/lib/limit_set_rig.h"

enum { STEPS = 20000, SETTLED = 16, TOLD_MOST = 10 };

static const char *const words[] = {"none", "0", "1", "3", "7", "12"};
static const uint32_t bounds[] = {UINT32_MAX, 0, 1, 3, 7, 12};

static uint32_t orders_of(uint32_t lane)
{
    return d.desks[lane]->desk.risk.accounts[ACCOUNT].orders;
}

static uint32_t orders(void)
{
    return orders_of(0) + orders_of(1);
}

// What the lane may have open of the account's orders.
static uint64_t may_of(uint32_t lane)
{
    const struct desk_leases *l = d.desks[lane]->desk.leases;
    const uint32_t share = 2 * (1 + ACCOUNT);
    return l->shares[share].whole == LEASE_NOT_SHARED ? 0 : lease_may(&l->lane, share);
}

// An order of an earlier run.
static void tell(uint32_t lane)
{
    struct desk *desk = &d.desks[lane]->desk;
    const uint16_t account = desk->sessions[lane].account;
    const struct ouch_report r = {.kind = REPORT_ACCEPTED,
                                  .letter = 'A',
                                  .ref = desk->orders.sessions[lane].next_ref,
                                  .quantity = 1,
                                  .price = 10000,
                                  .side = 'B',
                                  .display = 'Y',
                                  .symbol = "YY      "};
    const uint32_t before = orders_of(lane);
    drained(lane, true);
    desk->sessions[lane].account = ACCOUNT;
    d.sessions[lane]->session.state = SESSION_REPLAY;
    desk_report(desk, lane, &r);
    d.sessions[lane]->session.state = SESSION_READY;
    desk->sessions[lane].account = account;
    assert_int_equal(orders_of(lane), before + 1);
}

static bool order_ends(uint32_t lane)
{
    struct desk *desk = &d.desks[lane]->desk;
    const uint32_t index = desk->orders.sessions[lane].open.first;
    if (index == OWN_NONE)
        return false;
    const struct own_order *o = orders_at(&desk->orders, index);
    const bool live = o->life == LIFE_LIVE;
    const struct ouch_report r = {.kind = live ? REPORT_CANCELED : REPORT_REJECTED,
                                  .letter = live ? 'U' : 'E',
                                  .ref = o->ref,
                                  .quantity = o->open};
    drained(lane, true);
    desk_report(desk, lane, &r);
    return true;
}

static void settle(void)
{
    for (uint32_t n = 0; n < SETTLED; n++) {
        for (uint32_t i = 0; i < LANES; i++)
            drained(i, true);
        turn_all();
    }
}

static enum refusal enter_one(uint32_t lane)
{
    return enter(lane, 1, 10000);
}

// What is above the limit is asked back every 10 ms.
static void fill(uint32_t lane, uint32_t most)
{
    for (uint32_t n = 0; n < 5000 && orders() < most; n++) {
        if (enter_one(lane))
            usleep(1000);
        settle();
    }
    assert_int_equal(orders(), most);
}

static void what_one_is_told_of_the_other_has_no_more(void **state)
{
    (void)state;
    open_lanes();
    settle();
    fill(1, OPEN_ORDERS);
    while (orders_of(1) > 2)
        assert_true(order_ends(1));
    for (uint32_t n = 0; n < OPEN_ORDERS - 2; n++)
        tell(0);
    settle();
    assert_int_equal(enter_one(1), REFUSAL_LEASE);
    assert_int_equal(enter_one(0), REFUSAL_LEASE);
    // What ends is anybody's again.
    assert_true(order_ends(0) && order_ends(0));
    fill(1, OPEN_ORDERS - 1);
    fill(0, OPEN_ORDERS);
    for (uint32_t n = 0; n < 10; n++) {
        assert_int_not_equal(enter_one(n % LANES), REFUSAL_NONE);
        settle();
    }
}

// Orders are open when lanes begin, more than the limit is by now.
static void what_is_open_at_the_start_is_not_taken_again(void **state)
{
    (void)state;
    struct error err = {0};
    configure(100, STRATEGIES_DIR "/maker.so");
    prepare();
    if (!trade_make(&d, &err))
        fail_msg("%s", err.text);
    for (uint32_t i = 0; i < LANES; i++) {
        wire_rig_init(&rigs[i]);
        d.sessions[i]->session.transport = &rigs[i].transport;
        for (uint32_t n = 0; n < OPEN_ORDERS - 1; n++)
            tell(i);
    }
    if (!trade_start(&d, &err))
        fail_msg("%s", err.text);
    region_event_writer(&d.view, LANES, EVENT_RING_TRADING, &d.events);
    settle();
    for (uint32_t i = 0; i < LANES; i++) {
        assert_true(order_ends(i));
        assert_int_equal(enter_one(i), REFUSAL_LEASE);
    }
    for (uint32_t n = 0; n < 200; n++) {
        const uint32_t before = orders(), lane = draw(LANES);
        settle();
        if (enter_one(lane) == REFUSAL_NONE)
            assert_true(before < OPEN_ORDERS);
        else if (before > OPEN_ORDERS / 2 && draw(2))
            order_ends(draw(LANES));
    }
    assert_true(orders() <= OPEN_ORDERS);
    fill(0, OPEN_ORDERS);
}

// The limit goes up, down and away meanwhile.
static void in_no_order_of_what_happens(void **state)
{
    (void)state;
    uint32_t limit = OPEN_ORDERS, coming = OPEN_ORDERS, sets = 0, taken = 0, above = 0;
    bool on_its_way = false, settled = false;
    open_lanes();
    for (uint32_t n = 0; n < STEPS; n++) {
        const uint32_t lane = draw(LANES), what = draw(14);
        if (on_its_way && command_done(slot)) {
            assert_int_equal(slot->result, COMMAND_RESULT_OK);
            command_release(slot);
            limit = coming;
            on_its_way = false;
        }
        const uint32_t most = on_its_way && coming > limit ? coming : limit;
        if (may_of(0) + may_of(1) > most)
            fail_msg("step %u: %lu and %lu of %u", n, may_of(0), may_of(1), most);
        if (what == 0 && !on_its_way && draw(8) == 0) {
            const uint32_t pick = draw(6);
            claim();
            ask_change(0, TRADE_ACCOUNT, ACCOUNT, "open_orders", words[pick]);
            slot->request.limit_set.flags = LIMIT_SET_BASE;
            on_its_way = post();
            coming = on_its_way ? bounds[pick] : limit;
            sets += on_its_way;
        } else if (what == 1 && draw(4) == 0 && orders() < TOLD_MOST) {
            tell(lane);
            settled = false;
        } else if (what == 2 && draw(4) == 0) {
            settle();
            settled = true;
        } else if (what < 5) {
            drained(lane, true);
            lane_reads(lane);
        } else if (what < 7) {
            atomic_store(&region_ring(&d.view, LANES, EVENT_RING_TRADING)->committed,
                         d.events.tail);
            limits_turn(&d);
            leases_turn(&d);
        } else if (what < 9) {
            order_ends(lane);
        } else if (enter_one(lane) == REFUSAL_NONE) {
            taken++;
            if (settled && orders() > most)
                fail_msg("step %u: %u orders are open, the limit is %u", n, orders(), most);
        } else {
            above += orders() > most;
        }
    }
    assert_true(sets > 50 && taken > STEPS / 50 && above > 100);
    for (uint32_t i = 0; i < LANES; i++) {
        char why[256];
        if (!desk_check(&d.desks[i]->desk, why, sizeof why))
            fail_msg("%s", why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_one_is_told_of_the_other_has_no_more, tidy),
        cmocka_unit_test_teardown(what_is_open_at_the_start_is_not_taken_again, tidy),
        cmocka_unit_test_teardown(in_no_order_of_what_happens, tidy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
