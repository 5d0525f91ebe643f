// Two lanes with one account, of which an exchange tells one about orders that it was granted
// nothing for: neither takes any that makes the sum more than the limit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "tests/lib/limit_set_rig.h"

enum { STEPS = 60000, SETTLED = 16, TOLD_MOST = 10, FIRST_TURNS = 3 };

static uint32_t orders_of(uint32_t lane)
{
    return d.desks[lane]->desk.risk.accounts[ACCOUNT].orders;
}

static uint32_t orders(void)
{
    return orders_of(0) + orders_of(1);
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

static void turn_main(void)
{
    atomic_store(&region_ring(&d.view, LANES, EVENT_RING_TRADING)->committed, d.events.tail);
    limits_turn(&d);
    leases_turn(&d);
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
    for (uint32_t n = 0; n < FIRST_TURNS; n++)
        for (uint32_t i = 0; i < LANES; i++)
            lane_reads(i);
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

// --- in any order ---

enum { ORDERS_SHARE = 2 * (1 + ACCOUNT), NOTIONAL_SHARE = 1, SUMS = 2 };

static const struct {
    enum trade_scope scope;
    uint32_t index, share;
    const char *control;
    const char *words[5];
    uint64_t bounds[5];
} sums[SUMS] = {
    {TRADE_ACCOUNT,
     ACCOUNT,
     ORDERS_SHARE,
     "open_orders",
     {"none", "0", "1", "7", "12"},
     {UINT64_MAX, 0, 1, OPEN_ORDERS, 12}},
    {TRADE_FIRM,
     0,
     NOTIONAL_SHARE,
     "open_notional",
     {"none", "0.01", "300", "1000.0001", "2000"},
     {UINT64_MAX, 100, 3000000, 10000001, 20000000}},
};

static struct {
    uint64_t limit[SUMS], coming[SUMS];
    uint64_t match;
    struct ouch_report executed[LANES]; // the last one
    uint32_t sets, taken, above;
    bool on_its_way, settled;
} any;

static uint64_t in_use(uint32_t sum)
{
    uint64_t used = 0;
    for (uint32_t i = 0; i < LANES; i++) {
        const struct risk *risk = &d.desks[i]->desk.risk;
        used += sum ? risk->firm.notional : risk->accounts[ACCOUNT].orders;
    }
    return used;
}

// What lanes may use beside each other; the larger limit counts while one is on its way.
static uint64_t most_of(uint32_t sum)
{
    return any.on_its_way && any.coming[sum] > any.limit[sum] ? any.coming[sum] : any.limit[sum];
}

static void leases_hold(uint32_t step)
{
    for (uint32_t sum = 0; sum < SUMS; sum++) {
        uint64_t may = 0;
        for (uint32_t i = 0; i < LANES; i++) {
            const struct desk_leases *l = d.desks[i]->desk.leases;
            if (l->shares[sums[sum].share].whole != LEASE_NOT_SHARED)
                may += lease_may(&l->lane, sums[sum].share);
        }
        if (may > most_of(sum))
            fail_msg("step %u: lanes may use %lu of %lu", step, may, most_of(sum));
    }
}

static void limit_moves(void)
{
    const uint32_t sum = draw(SUMS), pick = draw(5);
    if (any.on_its_way)
        return;
    claim();
    ask_change(0, sums[sum].scope, sums[sum].index, sums[sum].control, sums[sum].words[pick]);
    slot->request.limit_set.flags = LIMIT_SET_BASE;
    any.on_its_way = post();
    any.coming[sum] = any.on_its_way ? sums[sum].bounds[pick] : any.limit[sum];
    any.sets += any.on_its_way;
}

static uint32_t any_order(const struct desk *desk, uint32_t lane)
{
    uint32_t at = desk->orders.sessions[lane].open.first;
    for (uint32_t n = draw(6); n && at != OWN_NONE; n--) {
        const uint32_t next = orders_at(&desk->orders, at)->open_next;
        at = next == OWN_NONE ? at : next;
    }
    return at;
}

// What an exchange answers to an order or a replace.
static void answer_of(const struct own_order *o, struct ouch_report *r)
{
    if (o->life == LIFE_PENDING) {
        r->quantity = o->quantity;
        r->kind = draw(4) ? REPORT_ACCEPTED : draw(2) ? REPORT_ACCEPTED_DEAD : REPORT_REJECTED;
        r->price -= draw(100); // better than asked for
        return;
    }
    r->kind = draw(6) ? REPORT_REPLACED : REPORT_REPLACED_DEAD;
    r->ref_was = o->ref;
    r->ref = o->change_ref;
    r->price = o->change_price;
    r->quantity = o->change_total > o->executed ? o->change_total - o->executed : 1;
}

// What it says of one unasked; some of it makes what is in use more.
static void news_of(const struct own_order *o, struct ouch_report *r)
{
    static const uint8_t kinds[] = {REPORT_EXECUTED, REPORT_EXECUTED, REPORT_CANCELED,
                                    REPORT_PRIORITY, REPORT_RESTATED, REPORT_CANCEL_REJECT};
    memset(r->symbol, 0, sizeof r->symbol);
    r->kind = kinds[draw(sizeof kinds)];
    if (r->kind == REPORT_EXECUTED || (r->kind == REPORT_CANCELED && draw(2)))
        r->quantity = 1 + draw(o->open);
    if (r->kind == REPORT_PRIORITY)
        r->price += draw(50);
    if (r->kind == REPORT_RESTATED)
        r->quantity += draw(2);
    r->match = r->kind == REPORT_EXECUTED ? ++any.match : 0;
}

static void exchange_says(uint32_t lane)
{
    struct desk *desk = &d.desks[lane]->desk;
    const uint32_t at = any_order(desk, lane);
    drained(lane, true);
    if (draw(10) == 0 && any.executed[lane].ref) {
        struct ouch_report r = any.executed[lane];
        r.kind = REPORT_BROKEN;
        desk_report(desk, lane, &r);
        return;
    }
    if (at == OWN_NONE)
        return;
    const struct own_order *o = orders_at(&desk->orders, at);
    struct ouch_report r = {.ref = o->ref,
                            .quantity = o->open,
                            .price = o->price,
                            .side = o->side,
                            .display = 'Y',
                            .time_ns = now_ticks += 1};
    memcpy(r.symbol, o->instrument ? "YY      " : "X       ", sizeof r.symbol);
    if (o->life == LIFE_PENDING || (o->waits & WAIT_REPLACE && draw(2)))
        answer_of(o, &r);
    else
        news_of(o, &r);
    if (r.kind == REPORT_EXECUTED)
        any.executed[lane] = r;
    desk_report(desk, lane, &r);
}

// An order, a replace or a cancel.
static enum refusal asks(uint32_t lane)
{
    struct desk *desk = &d.desks[lane]->desk;
    const struct desk_owner who = {.account = ACCOUNT, .strategy = 0};
    const struct desk_order ask = {.quantity = 1 + draw(60),
                                   .price = 10000 + draw(90000),
                                   .instrument = (uint16_t)draw(2),
                                   .session = (uint8_t)lane,
                                   .side = draw(2) ? 'B' : 'S',
                                   .time_in_force = '0',
                                   .display = 'Y'};
    uint32_t at = any_order(desk, lane);
    drained(lane, true);
    lanes[lane]->stamp = now_ticks += HZ;
    rigs[lane].sent_len = 0;
    if (at == OWN_NONE || draw(3))
        return desk_enter(desk, &who, &ask, &at);
    return draw(4) ? desk_replace(desk, &who, at, ask.quantity, ask.price)
                   : desk_cancel(desk, at, 0);
}

// Nothing is taken that makes a sum more than its limit, once everybody has heard of what a lane
// was told.
static void taken_holds(uint32_t step, const uint64_t before[SUMS], enum refusal refusal)
{
    any.taken += refusal == REFUSAL_NONE;
    for (uint32_t sum = 0; sum < SUMS; sum++) {
        const uint64_t used = in_use(sum);
        any.above += refusal != REFUSAL_NONE && used > most_of(sum);
        if (any.settled && used > before[sum] && used > most_of(sum))
            fail_msg("step %u: %lu of %lu are in use", step, used, most_of(sum));
    }
}

static void any_step(uint32_t step)
{
    const uint32_t lane = draw(LANES), what = draw(72);
    const uint64_t before[SUMS] = {in_use(0), in_use(1)};
    if (what == 0)
        limit_moves();
    else if (what == 1 && orders() < TOLD_MOST)
        tell(lane);
    else if (what == 2)
        settle();
    else if (what < 12)
        lane_reads(lane);
    else if (what < 20)
        turn_main();
    else if (what < 40)
        exchange_says(lane);
    else
        taken_holds(step, before, asks(lane));
    if (what == 2)
        any.settled = true;
    else if (what < 40 && (in_use(0) > before[0] || in_use(1) > before[1]))
        any.settled = false;
}

// Limits go up, down and away; orders are filled, cut, restated, replaced and cancelled, and their
// executions broken.
static void in_no_order_of_what_happens(void **state)
{
    (void)state;
    memset(&any, 0, sizeof any);
    open_lanes();
    settle();
    assert_int_equal(set_base(TRADE_ACCOUNT, ACCOUNT, "position", "none"), COMMAND_RESULT_OK);
    for (uint32_t sum = 0; sum < SUMS; sum++)
        any.limit[sum] = any.coming[sum] = sums[sum].bounds[3];
    for (uint32_t n = 0; n < STEPS; n++) {
        if (any.on_its_way && command_done(slot)) {
            assert_int_equal(slot->result, COMMAND_RESULT_OK);
            command_release(slot);
            memcpy(any.limit, any.coming, sizeof any.limit);
            any.on_its_way = false;
        }
        leases_hold(n);
        any_step(n);
        for (uint32_t i = 0; i < LANES; i++) { // quarantine is another test's
            desk_quarantine(&d.desks[i]->desk, 0, false);
            desk_quarantine(&d.desks[i]->desk, 1, false);
        }
    }
    print_message("%u limits, %u taken, %u refused above\n", any.sets, any.taken, any.above);
    assert_true(any.sets > 50 && any.taken > STEPS / 200 && any.above > 100);
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
