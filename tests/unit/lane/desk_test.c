// The desk with an exchange as simple as can be on the other side: random histories, and after each
// step exposure is what counting gives and never less than what the exchange could still execute.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_parts.h"
#include "tests/lib/desk_history.h"

// The exchange can never execute more than what is reserved: by symbol and side, what is live there
// now, and all of it at the price where it is. Orders on their way are reserved too, which makes it
// more, not less.
static void exposure_covers_the_exchange(void)
{
    uint64_t buy[MODEL_SYMBOLS] = {0}, sell[MODEL_SYMBOLS] = {0}, notional = 0;
    for (uint32_t i = 0; i < w->model.order_count; i++) {
        const struct model_order *o = &w->model.orders[i];
        if (!o->live)
            continue;
        (o->side == 'B' ? buy : sell)[model_symbol(o->symbol)] += o->open;
        notional += (uint64_t)o->open * o->price;
    }
    assert_true(w->desk.risk.firm.notional >= notional);
    for (uint32_t s = 0; s < MODEL_SYMBOLS; s++) {
        assert_true(w->desk.risk.symbols[s].open_buy >= buy[s]);
        assert_true(w->desk.risk.symbols[s].open_sell >= sell[s]);
    }
}

// --- random histories ---

static void live(uint32_t steps)
{
    w->model.better = 300;
    w->model.prevented = 30;
    for (uint32_t i = 0; i < steps; i++) {
        for (uint32_t asks = draw(4); asks; asks--)
            ask_something();
        model_live(&w->model);
        if (w->max_cut && w->cut_after == 0)
            w->cut_after = 1 + draw((uint32_t)w->max_cut);
        if (w->max_cut && draw(80) == 0) // bytes to the exchange are lost with the connection
            break_connection();
        if (draw(30) == 0)
            w->rig.busy = !w->rig.busy;
        w->rig.refuse = draw(40) == 0;
        step();
        w->rig.refuse = false;
        check();
        exposure_covers_the_exchange();
    }
}

static void dust_settles(void)
{
    w->max_cut = w->cut_after = 0;
    w->rig.busy = false;
    w->model.late = w->model.missing = w->model.doubled = w->model.swapped = 0;
    desk_mass_cancel(&w->desk, TRADE_FIRM, 0);
    for (uint32_t i = 0; i < LOOSE_ENDS; i++) {
        step();
        if (i % 100 == 0)
            check();
        if (w->session.state == SESSION_READY && w->desk.orders.sessions[0].open_count == 0 &&
            w->model.sent == w->model.stream_count)
            break;
    }
    check();
}

// Position and money equal the exchange's; whatever is reserved belongs to an order in doubt.
static void everything_is_equal(bool silent_deaths)
{
    uint64_t open = 0, in_doubt = 0;
    for (uint32_t i = 0; i < w->model.order_count; i++)
        open += w->model.orders[i].live;
    assert_int_equal(open, 0);
    for (uint32_t s = 0; s < MODEL_SYMBOLS; s++) {
        const uint32_t at = position_open(&w->desk.risk, w->who.account, s);
        const struct position_money *m = &w->desk.risk.money[at];
        assert_true(w->desk.risk.positions[at].shares == w->model.position[s]);
        assert_true((int64_t)m->sold_value - (int64_t)m->bought_value == w->model.cash[s]);
    }
    for (uint32_t i = 0; i < ORDERS; i++) {
        const struct own_order *o = orders_at(&w->desk.orders, i);
        in_doubt += o->life != LIFE_DEAD;
        if (o->life != LIFE_DEAD)
            assert_true(o->flags & ORDER_QUARANTINED);
    }
    assert_int_equal(in_doubt, w->desk.orders.sessions[0].open_count);
    assert_int_equal(in_doubt, w->desk.risk.firm.orders);
    // An order whose death on arrival was never said stays in doubt, and reserved; nothing else
    // does.
    if (!silent_deaths)
        assert_true(in_doubt == 0 && w->desk.risk.firm.notional == 0);
    assert_int_equal(w->desk.count.unclaimed, 0);
}

static uint32_t seeds(uint32_t fallback)
{
    const char *text = getenv("TICKGATE_SEEDS");
    return text ? (uint32_t)strtoul(text, NULL, 10) : fallback;
}

static void a_well_behaved_exchange_is_matched(void **state)
{
    (void)state;
    uint64_t fills = 0;
    for (uint64_t seed = 1; seed <= seeds(20); seed++) {
        world_open(seed);
        w->model.late = seed % 2 ? 300 : 0; // what is said crosses what is asked
        live(STEPS);
        dust_settles();
        everything_is_equal(false);
        fills += w->desk.count.fills;
        assert_true(w->desk.orders.wrong == 0 && w->desk.orders.duplicates == 0);
        world_close();
    }
    assert_true(fills > seeds(20) * 50);
}

static void broken_connections_lose_and_double_nothing(void **state)
{
    (void)state;
    uint64_t fills = 0, lost = 0;
    for (uint64_t seed = 1; seed <= seeds(20); seed++) {
        world_open(seed);
        w->max_cut = 3000;
        w->model.late = seed % 2 ? 300 : 0;
        live(STEPS);
        dust_settles();
        everything_is_equal(false);
        fills += w->desk.count.fills;
        lost += w->session.count.lost;
        assert_true(w->desk.orders.wrong == 0 && w->desk.orders.duplicates == 0);
        world_close();
    }
    assert_true(fills > seeds(20) * 20 && lost > seeds(20) * 10);
}

static void a_misbehaving_exchange_is_matched_too(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= seeds(20); seed++) {
        world_open(seed);
        w->max_cut = seed % 2 ? 5000 : 0;
        w->model.missing = 20;
        w->model.doubled = 20;
        w->model.swapped = 200;
        w->model.late = 300;
        live(STEPS);
        dust_settles();
        everything_is_equal(true);
        world_close();
    }
}

static uint64_t hash_of(uint64_t seed, uint32_t *events)
{
    world_open(seed);
    w->max_cut = 3000;
    live(400);
    dust_settles();
    uint64_t hash = w->event_hash;
    *events = (uint32_t)w->event_cursor;
    world_close();
    return hash;
}

static void the_same_inputs_give_the_same_events(void **state)
{
    (void)state;
    uint32_t first, again;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        const uint64_t hash = hash_of(seed, &first);
        assert_true(hash == hash_of(seed, &again));
        assert_int_equal(first, again);
        assert_true(first > 200);
    }
}

// --- single stories ---

static void ready(void)
{
    for (int i = 0; i < 20 && w->session.state != SESSION_READY; i++)
        step();
    assert_int_equal(w->session.state, SESSION_READY);
}

static const struct desk_order buy = {
    .quantity = 100, .price = 1000000, .side = 'B', .time_in_force = '0', .display = 'Y'};

static void refusals_say_why_and_leave_nothing(void **state)
{
    (void)state;
    uint32_t index = OWN_NONE;
    world_open(1);
    struct desk_order ask = buy;
    assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &index), REFUSAL_SESSION_DOWN);
    ready();
    w->rig.busy = true;
    assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &index), REFUSAL_SESSION_BUSY);
    w->rig.busy = false;
    w->rig.refuse = true;
    assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &index), REFUSAL_TRANSMIT);
    w->rig.refuse = false;
    assert_int_equal(w->desk.orders.sessions[0].next_ref, 1); // the number is not used up
    ask.instrument = MODEL_SYMBOLS;
    assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &index), REFUSAL_UNKNOWN_SYMBOL);
    ask = buy;
    ask.session = 1;
    assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &index), REFUSAL_UNKNOWN_ACCOUNT);
    ask = buy;
    ask.side = 'x';
    assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &index), REFUSAL_ORDER_FIELD);
    ask = buy;
    ask.quantity = 0;
    assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &index), REFUSAL_QUANTITY_RANGE);
    w->limits->symbols[0].quality = QUALITY_GOOD;
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_BOOK_QUALITY);
    assert_int_equal(desk_replace(&w->desk, &w->who, 3, 10, 10), REFUSAL_UNKNOWN_ORDER);
    assert_int_equal(desk_replace(&w->desk, &w->who, UINT32_MAX, 10, 10), REFUSAL_UNKNOWN_ORDER);
    check();
    assert_true(w->desk.risk.firm.orders == 0 && w->desk.risk.firm.notional == 0);
    assert_int_equal(w->event_count[EVENT_ORDER_SENT], 0);
    assert_int_equal(w->event_count[EVENT_ORDER_NOT_SENT], 1);
    assert_int_equal(w->desk.count.refusals[REFUSAL_SESSION_BUSY], 1);
    world_close();
}

// A modify that is lost cannot have left more at the exchange than is reserved.
static void a_modify_makes_no_order_larger(void **state)
{
    (void)state;
    uint32_t index;
    world_open(1);
    ready();
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    const struct own_order *o = orders_at(&w->desk.orders, index);
    for (int i = 0; i < 20 && o->life != LIFE_LIVE; i++) {
        model_live(&w->model);
        step();
    }
    assert_int_equal(o->life, LIFE_LIVE);
    const uint32_t most = o->filled + o->open;
    assert_int_equal(desk_modify(&w->desk, &w->who, index, most + 1, 'B'),
                     REFUSAL_REPLACE_QUANTITY);
    assert_int_equal(desk_modify(&w->desk, &w->who, index, o->filled, 'B'),
                     REFUSAL_REPLACE_QUANTITY);
    assert_int_equal(desk_modify(&w->desk, &w->who, index, most, 'B'), REFUSAL_NONE);
    assert_int_equal(o->held_shares, o->open);
    world_close();
}

static void the_order_table_fills_up_with_an_answer(void **state)
{
    (void)state;
    uint32_t index;
    world_open(1);
    ready();
    for (uint32_t i = 0; i < ORDERS; i++)
        assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_ORDER_TABLE_FULL);
    check();
    world_close();
}

// Nobody drains the events: orders stop before the ring is full, cancels go on.
static void a_ring_that_fills_up_stops_orders_not_cancels(void **state)
{
    (void)state;
    uint32_t index = 0, first = OWN_NONE;
    world_open(1);
    ready();
    enum refusal refusal = REFUSAL_NONE;
    struct desk_order ask = buy;
    for (uint32_t i = 0; i < 5000 && refusal != REFUSAL_EVENT_CREDIT; i++) {
        ask.quantity = first == OWN_NONE ? 100 : 0; // refused ones leave a record too
        refusal = desk_enter(&w->desk, &w->who, &ask, &index);
        first = refusal == REFUSAL_NONE ? index : first;
        if (refusal == REFUSAL_QUANTITY_RANGE && event_credit(&w->lane.trading) < 64)
            ask = buy;
        if (event_credit(&w->lane.trading) < 64)
            refusal = desk_enter(&w->desk, &w->who, &buy, &index);
    }
    assert_int_equal(refusal, REFUSAL_EVENT_CREDIT);
    assert_int_equal(desk_cancel(&w->desk, first, 0), REFUSAL_NONE);
    assert_true(orders_at(&w->desk.orders, first)->waits & WAIT_CANCEL);
    world_close();
}

// After the lane has seen a kill nothing enters, and the next bytes are one cancel per open order.
static void a_kill_stops_orders_and_cancels_what_is_open(void **state)
{
    (void)state;
    uint32_t index;
    world_open(3);
    w->model.missing = 0;
    ready();
    for (uint32_t i = 0; i < 40; i++)
        assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    const uint32_t open = w->desk.orders.sessions[0].open_count;
    w->rig.sent_len = 0;
    kill_ask(&w->desk.kills[KILL_BY_OPERATOR], TRADE_ACCOUNT, w->who.account);
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_KILLED);
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->rig.sent_len, DESK_CANCELS_A_TURN * 12); // bounded per turn
    desk_turn(&w->desk, w->now);
    desk_turn(&w->desk, w->now);
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->rig.sent_len, open * 12);
    for (uint32_t i = 0; i < open; i++)
        assert_memory_equal(w->rig.sent + i * 12, "\0\12UX", 4);
    check();
    assert_int_equal(w->event_count[EVENT_KILL], 1);
    assert_int_equal(w->event_count[EVENT_KILL_DONE], 1);
    assert_int_equal(w->event_count[EVENT_CANCEL_SENT], open);
    // Cancels that find no window wait, and leave in order when it opens.
    kill_lift(&w->desk.kills[KILL_BY_OPERATOR], TRADE_ACCOUNT, w->who.account);
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    w->rig.busy = true;
    kill_ask(&w->desk.kills[KILL_BY_MAIN], TRADE_FIRM, 0);
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->desk.orders.sessions[0].cancel_count, 1);
    w->rig.busy = false;
    w->rig.sent_len = 0;
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->rig.sent_len, 12);
    world_close();
}

// A cancel of everything is on its way or waits: one of less does not take its place.
static void a_cancel_is_not_weakened(void **state)
{
    (void)state;
    uint32_t index = 0;
    world_open(1);
    ready();
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    assert_int_equal(desk_cancel(&w->desk, index, 0), REFUSAL_NONE);
    assert_int_equal(desk_cancel(&w->desk, index, 50), REFUSAL_NONE);
    assert_int_equal(orders_at(&w->desk.orders, index)->cancel_total, 0);
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    w->rig.busy = true;
    assert_int_equal(desk_cancel(&w->desk, index, 70), REFUSAL_NONE);
    assert_int_equal(desk_cancel(&w->desk, index, 90), REFUSAL_NONE);
    assert_int_equal(orders_at(&w->desk.orders, index)->cancel_total, 70);
    assert_int_equal(desk_cancel(&w->desk, index, 30), REFUSAL_NONE);
    assert_int_equal(orders_at(&w->desk.orders, index)->cancel_total, 30);
    world_close();
}

// The exchange executes an order that nobody here entered.
static void an_unknown_execution_stops_the_session(void **state)
{
    (void)state;
    uint32_t index;
    uint8_t m[36], packet[39];
    world_open(1);
    ready();
    const struct ouch50_executed e = {
        .timestamp_ns = 9, .user_ref = 500, .quantity = 10, .price = 1000000, .match = 7};
    be16_store(packet, 37);
    packet[2] = 'S';
    ouch50_executed_write(m, &e);
    memcpy(packet + 3, m, sizeof m);
    session_received(&w->session, packet, sizeof packet, w->now);
    desk_turn(&w->desk, w->now);
    assert_true(w->session.halted);
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_SESSION_DOWN);
    events_drain();
    assert_int_equal(w->event_count[EVENT_UNCLAIMED], 1);
    world_close();
}

// A run that starts in the middle of the day takes its orders and positions from the venue's
// stream.
// A run that ends with orders open; the next one finds its exchange.
static struct venue_model earlier_run(uint32_t *open, int64_t *shares)
{
    uint32_t index;
    world_open(5);
    ready();
    for (uint32_t i = 0; i < 30; i++) {
        desk_enter(&w->desk, &w->who, &buy, &index);
        step();
        model_live(&w->model);
        if (i % 5 == 4)
            desk_replace(&w->desk, &w->who, index, 300, 1000100);
        step();
    }
    step();
    check();
    const struct venue_model model = w->model;
    w->model.stream = NULL;
    *shares = w->desk.risk.symbols[0].shares;
    *open = w->desk.orders.sessions[0].open_count;
    assert_true(*open > 0 && *shares != 0);
    world_close();
    return model;
}

static void next_run(const struct venue_model *model)
{
    world_open(6);
    free(w->model.stream);
    w->model = *model;
    model_disconnect(&w->model);
}

// What the stream tells of after the sweep of a kill is cancelled, too.
static void a_kill_holds_for_what_is_told_later(void **state)
{
    (void)state;
    uint32_t open, index;
    int64_t shares;
    const struct venue_model model = earlier_run(&open, &shares);
    next_run(&model);
    kill_ask(&w->desk.kills[KILL_BY_OPERATOR], TRADE_FIRM, 0);
    desk_turn(&w->desk, w->now);
    ready();
    assert_int_equal(w->desk.orders.sessions[0].open_count, open);
    for (int i = 0; i < 40 && w->desk.orders.sessions[0].open_count > 0; i++)
        step();
    assert_int_equal(w->desk.orders.sessions[0].open_count, 0);
    check();
    assert_int_equal(w->event_count[EVENT_CANCEL_SENT], open);
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_KILLED);
    world_close();
}

// The first answer in the stream is that to the earlier run's query: orders behind it are adopted
// all the same, and no number is given a second time.
static void a_pause_ends_no_fresh_start(void **state)
{
    (void)state;
    uint32_t open, index;
    int64_t shares;
    bool went_back = false;
    const struct venue_model model = earlier_run(&open, &shares);
    next_run(&model);
    w->model.late = 900;
    for (int i = 0; i < 3000 && (w->model.sent < w->model.stream_count || i < 2000); i++) {
        const uint8_t was = w->session.state;
        step();
        went_back |= was == SESSION_READY && w->session.state == SESSION_REPLAY;
    }
    w->model.late = 0;
    steps_until(SESSION_READY);
    check();
    assert_true(went_back && w->desk.count.unclaimed == 0 && w->desk.orders.wrong == 0);
    assert_int_equal(w->desk.orders.sessions[0].open_count, open);
    assert_true(w->desk.risk.symbols[0].shares == shares);
    assert_int_equal(w->desk.orders.sessions[0].next_ref, w->model.next_ref);
    // An order of ours has left: what comes now is not from before.
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    const uint32_t next = w->desk.orders.sessions[0].next_ref;
    struct ouch_report r = {.kind = REPORT_ACCEPTED, .ref = next + 5, .quantity = 1, .side = 'B'};
    memcpy(r.symbol, w->desk.instruments[1].symbol, sizeof r.symbol);
    desk_report(&w->desk, 0, &r);
    assert_true(w->desk.risk.symbols[1].quarantined && w->session.state == SESSION_READY);
    assert_int_equal(w->desk.orders.sessions[0].next_ref, next + 6);
    world_close();
}

static void a_fresh_start_adopts_what_the_stream_tells(void **state)
{
    (void)state;
    uint32_t open;
    int64_t shares;
    const struct venue_model model = earlier_run(&open, &shares);
    next_run(&model);
    ready();
    check();
    assert_int_equal(w->desk.orders.sessions[0].open_count, open);
    assert_true(w->desk.risk.symbols[0].shares == shares);
    assert_int_equal(w->desk.orders.sessions[0].next_ref, w->model.next_ref);
    assert_int_equal(w->desk.count.unclaimed, 0);
    assert_int_equal(w->desk.orders.wrong, 0);
    // They are nobody's: not to be changed.
    uint32_t adopted = 0;
    for (uint32_t i = 0; i < w->desk.orders.capacity; i++) {
        const struct own_order *o = orders_at(&w->desk.orders, i);
        if (!(o->flags & ORDER_ADOPTED) || o->life != LIFE_LIVE)
            continue;
        const struct desk_owner as_it_says = {.account = o->account, .strategy = o->strategy};
        assert_null(desk_order_of(&w->desk, &as_it_says, i));
        assert_int_equal(desk_replace(&w->desk, &as_it_says, i, o->open + o->filled + 100, 1000100),
                         REFUSAL_UNKNOWN_ORDER);
        assert_int_equal(o->strategy, STRATEGY_NOBODY);
        adopted++;
    }
    assert_int_equal(adopted, open);
    // They count for firm, account and session, and for no strategy.
    const struct risk *risk = &w->desk.risk;
    assert_true(risk->firm.orders == open && risk->accounts[0].orders == open &&
                risk->sessions[0].orders == open);
    for (uint32_t i = 0; i < STRATEGY_NOBODY; i++)
        assert_true(risk->strategies[i].orders == 0 && risk->strategies[i].notional == 0);
    world_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_say_why_and_leave_nothing),
        cmocka_unit_test(a_modify_makes_no_order_larger),
        cmocka_unit_test(the_order_table_fills_up_with_an_answer),
        cmocka_unit_test(a_ring_that_fills_up_stops_orders_not_cancels),
        cmocka_unit_test(a_kill_stops_orders_and_cancels_what_is_open),
        cmocka_unit_test(a_cancel_is_not_weakened),
        cmocka_unit_test(an_unknown_execution_stops_the_session),
        cmocka_unit_test(a_kill_holds_for_what_is_told_later),
        cmocka_unit_test(a_fresh_start_adopts_what_the_stream_tells),
        cmocka_unit_test(a_pause_ends_no_fresh_start),
        cmocka_unit_test(a_well_behaved_exchange_is_matched),
        cmocka_unit_test(broken_connections_lose_and_double_nothing),
        cmocka_unit_test(a_misbehaving_exchange_is_matched_too),
        cmocka_unit_test(the_same_inputs_give_the_same_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
