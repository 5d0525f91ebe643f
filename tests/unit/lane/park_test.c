// Sessions that are durable: what leaves has its record in the journal, and everything else that
// was asked for gives back what it held.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "dataplane/lane/desk_park.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/strategy/strategy.h"
#include "tests/lib/desk_world.h"

enum { PLACES = 16, WAIT = 40 * STEP };

static const struct desk_order buy = {.client_id = 1,
                                      .quantity = 100,
                                      .price = 100000,
                                      .instrument = 0,
                                      .side = 'B',
                                      .time_in_force = '0',
                                      .display = 'Y'};

static void *places;
static struct event last[EVENT_TYPES];
static uint64_t seen;

static void say(uint64_t state)
{
    atomic_store(&region_record_word(&w->lane.view, 0)->state, state);
    step();
}

static int world_begin(void **state)
{
    (void)state;
    world_open(11);
    w->model.missing = 0;
    places = zeroed(desk_park_bytes(PLACES));
    desk_park_add(&w->desk, 0, PLACES, WAIT, places);
    for (int i = 0; i < LOOSE_ENDS && w->session.state != SESSION_READY; i++)
        step();
    say(RECORD_WRITTEN);
    memset(last, 0, sizeof last);
    seen = 0;
    return 0;
}

static int world_end(void **state)
{
    (void)state;
    world_close();
    free(places);
    return 0;
}

// The journal has everything so far.
static void commit(void)
{
    events_drain();
    event_commit(w->lane.trading.ring, w->lane.trading.tail);
}

// The last event of a type, without committing anything.
static const struct event *last_of(uint32_t type)
{
    const struct event_writer *ring = &w->lane.trading;
    for (uint64_t at = seen; at < ring->tail; at++)
        last[ring->slots[at & ring->mask].type] = ring->slots[at & ring->mask];
    seen = ring->tail;
    return &last[type];
}

static enum refusal enter(uint32_t *index)
{
    return desk_enter(&w->desk, &w->who, &buy, index);
}

static struct own_order *order(uint32_t index)
{
    return orders_at(&w->desk.orders, index);
}

static uint64_t sent(void)
{
    return w->session.count.sent;
}

static uint64_t counted(enum refusal refusal)
{
    return w->desk.count.refusals[refusal];
}

static void holds(void)
{
    char why[256] = "";
    if (!desk_check(&w->desk, why, sizeof why))
        fail_msg("%s", why);
    positions_are_shown();
}

static void nothing_waits(void)
{
    holds();
    assert_int_equal(w->desk.sessions[0].park->count, 0);
    assert_int_equal(w->desk.commits_wanted, 0);
}

// Asked for, released and accepted.
static uint32_t live_order(void)
{
    uint32_t index;
    for (int tries = 0; tries < 20; tries++) {
        assert_int_equal(enter(&index), REFUSAL_NONE);
        commit();
        for (int i = 0; i < 20 && order(index)->life == LIFE_PENDING; i++)
            step();
        commit();
        step();
        if (order(index)->life == LIFE_LIVE && order(index)->filled == 0)
            return index;
    }
    fail_msg("no order stays live");
    return OWN_NONE;
}

static void an_order_leaves_when_its_record_is_in_the_journal(void **state)
{
    (void)state;
    uint32_t index;
    const uint64_t before = sent(), parked = w->lane.histograms->parked.sum_ticks;
    assert_int_equal(enter(&index), REFUSAL_NONE);
    const uint64_t number = last_of(EVENT_DECISION)->sequence;
    assert_int_equal(last_of(EVENT_DECISION)->decision.ref, order(index)->ref);
    for (int i = 0; i < 10; i++) {
        step();
        assert_int_equal(sent(), before);
        assert_int_equal(w->desk.risk.firm.orders, 1); // it holds what it may execute
        holds();
    }
    event_commit(w->lane.trading.ring, number - 1); // all but its record
    step();
    assert_int_equal(sent(), before);
    const uint64_t input = w->lane.input;
    event_commit(w->lane.trading.ring, number);
    step();
    assert_int_equal(sent(), before + 1);
    assert_true(w->lane.input > input); // a commit is an input
    assert_int_equal(last_of(EVENT_ORDER_RELEASED)->order_released.decision, number);
    assert_int_equal(last_of(EVENT_ORDER_RELEASED)->order_released.refusal, REFUSAL_NONE);
    assert_int_equal(last_of(EVENT_ORDER_RELEASED)->order_released.parked, 12 * STEP);
    assert_int_equal(last_of(EVENT_ORDER_SENT)->order_sent.decision, number);
    assert_true(last_of(EVENT_ORDER_SENT)->sequence > last_of(EVENT_ORDER_RELEASED)->sequence);
    assert_int_equal(w->lane.histograms->parked.sum_ticks, parked + 12 * STEP);
    assert_int_equal(w->desk.risk.firm.orders, 1);
    nothing_waits();
}

static void no_order_where_nothing_becomes_durable(void **state)
{
    static const uint64_t states[] = {RECORD_ABSENT, RECORD_MEMORY, RECORD_STATES + 3};
    (void)state;
    uint32_t index;
    for (uint32_t i = 0; i < 3; i++) {
        const uint64_t before = counted(REFUSAL_NOT_DURABLE);
        say(states[i]);
        assert_int_equal(enter(&index), REFUSAL_NOT_DURABLE);
        assert_int_equal(counted(REFUSAL_NOT_DURABLE), before + 1);
        assert_int_equal(last_of(EVENT_DECISION)->decision.refusal, REFUSAL_NOT_DURABLE);
        commit();
    }
    say(RECORD_WRITTEN);
    assert_int_equal(enter(&index), REFUSAL_NONE);
}

static void a_full_queue_refuses(void **state)
{
    (void)state;
    uint32_t index;
    for (int i = 0; i < PLACES; i++)
        assert_int_equal(enter(&index), REFUSAL_NONE);
    assert_int_equal(enter(&index), REFUSAL_PARK_FULL);
    assert_int_equal(w->desk.risk.firm.orders, PLACES);
    commit();
    const uint64_t before = sent();
    step();
    assert_int_equal(sent(), before + PLACES);
    nothing_waits();
    assert_int_equal(enter(&index), REFUSAL_NONE);
}

// Given up, and nothing is taken before the journal has caught up.
static void a_slow_journal_gives_up_orders(void **state)
{
    (void)state;
    uint32_t index, more;
    const uint64_t before = sent();
    assert_int_equal(enter(&index), REFUSAL_NONE);
    for (int i = 0; i < WAIT / STEP; i++)
        step();
    assert_int_equal(order(index)->life, LIFE_PENDING);
    step();
    assert_int_equal(order(index)->life, LIFE_DEAD);
    assert_int_equal(order(index)->reason, REFUSAL_PARK_LATE);
    assert_int_equal(last_of(EVENT_ORDER_NOT_SENT)->order_sent.refusal, REFUSAL_PARK_LATE);
    assert_int_equal(counted(REFUSAL_PARK_LATE), 1);
    assert_int_equal(w->desk.risk.firm.orders, 0);
    assert_int_equal(enter(&more), REFUSAL_NOT_DURABLE);
    holds();
    commit();
    step();
    nothing_waits();
    assert_int_equal(sent(), before);
    assert_int_equal(enter(&more), REFUSAL_NONE);
    commit();
    step();
    assert_int_equal(sent(), before + 1);
}

static void a_journal_that_fails_gives_up_all_at_once(void **state)
{
    (void)state;
    uint32_t index[3];
    const uint64_t before = sent();
    for (int i = 0; i < 3; i++)
        assert_int_equal(enter(&index[i]), REFUSAL_NONE);
    say(RECORD_FAILED);
    commit(); // too late
    step();
    for (int i = 0; i < 3; i++)
        assert_int_equal(order(index[i])->reason, REFUSAL_NOT_DURABLE);
    assert_int_equal(sent(), before);
    assert_int_equal(w->desk.risk.firm.orders, 0);
    nothing_waits();
}

// Another control plane writes without syncing: its commits mean nothing.
static void a_commit_of_another_state_covers_nothing(void **state)
{
    (void)state;
    uint32_t index;
    const uint64_t before = sent();
    assert_int_equal(enter(&index), REFUSAL_NONE);
    atomic_store(&region_record_word(&w->lane.view, 0)->state, RECORD_MEMORY);
    commit();
    step();
    assert_int_equal(sent(), before);
    assert_int_equal(order(index)->reason, REFUSAL_NOT_DURABLE);
    nothing_waits();
}

// --- the second look ---

static void refused_the_second_time(enum refusal refusal)
{
    uint32_t index;
    const uint64_t before = sent(), told = counted(refusal);
    assert_int_equal(w->desk.sessions[0].park->count, 1);
    index = w->desk.sessions[0].park->queue[w->desk.sessions[0].park->first & (PLACES - 1)].order;
    commit();
    step();
    assert_int_equal(sent(), before);
    assert_int_equal(order(index)->life, LIFE_DEAD);
    assert_int_equal(order(index)->reason, refusal);
    assert_int_equal(counted(refusal), told + 1);
    assert_int_equal(last_of(EVENT_ORDER_RELEASED)->order_released.refusal, refusal);
    assert_int_equal(last_of(EVENT_ORDER_NOT_SENT)->order_sent.refusal, refusal);
    assert_int_equal(w->desk.risk.firm.orders, 0);
    assert_true(w->desk.risk.firm.notional == 0);
    nothing_waits();
}

static void what_has_changed_meanwhile_counts(void **state)
{
    (void)state;
    uint32_t index;
    assert_int_equal(enter(&index), REFUSAL_NONE);
    w->limits->accounts[1].state = TRADING_HALTED;
    refused_the_second_time(REFUSAL_HALTED);
    w->limits->accounts[1].state = TRADING_ACTIVE;

    assert_int_equal(enter(&index), REFUSAL_NONE);
    w->limits->strategies[2].quantity = 99;
    refused_the_second_time(REFUSAL_QUANTITY);
    w->limits->strategies[2].quantity = UINT32_MAX;

    assert_int_equal(enter(&index), REFUSAL_NONE);
    w->limits->firm.open_orders = 0; // its own place does not count for it
    refused_the_second_time(REFUSAL_OPEN_ORDERS);
    w->limits->firm.open_orders = 1;
    assert_int_equal(enter(&index), REFUSAL_NONE);
    commit();
    const uint64_t before = sent();
    step();
    assert_int_equal(sent(), before + 1);
    w->limits->firm.open_orders = UINT32_MAX;

    w->rig.busy = true;
    assert_int_equal(enter(&index), REFUSAL_SESSION_BUSY);
    w->rig.busy = false;
}

static struct strategy_refusal compared;

static void ask_why(struct desk *d, uint32_t order_told, const struct order_outcome *out)
{
    (void)out;
    const struct own_order *o = orders_at(&d->orders, order_told);
    assert_true(desk_refused_tell(d, 2, (enum refusal)o->reason, &compared));
}

// What the second look refuses is a breach, too; what was noted before is not told again. Whose
// order it is, may ask what was compared.
static void the_second_look_acts(void **state)
{
    (void)state;
    uint32_t index;
    w->limits->firm.owner.day_value = 0;
    w->limits->actions[REFUSAL_BIT(REFUSAL_DAY_VALUE)] = ACTION_NOTIFY;
    assert_int_equal(enter(&index), REFUSAL_NONE);
    assert_int_equal(w->desk.risk.noted, 1);
    step();
    assert_int_equal(last_of(EVENT_BREACH)->breach.action, ACTION_NOTIFY);
    w->limits->strategies[2].quantity = 99;
    w->limits->actions[REFUSAL_BIT(REFUSAL_QUANTITY)] = ACTION_BLOCK;
    w->desk.told = ask_why;
    refused_the_second_time(REFUSAL_QUANTITY);
    w->desk.told = NULL;
    assert_true(compared.value == 100 && compared.limit == 99 && compared.owner == 0);
    assert_int_equal(compared.scope, STRATEGY_SCOPE_STRATEGY);
    const struct event_breach *b = &last_of(EVENT_BREACH)->breach;
    assert_true(b->action == ACTION_BLOCK && b->scope == TRADE_STRATEGY && b->index == 2);
    assert_int_equal(w->limits->strategies[2].state, TRADING_HALTED);
    assert_int_equal(w->desk.risk.noted, 1);
}

static void no_window_when_it_is_released(void **state)
{
    (void)state;
    uint32_t index;
    assert_int_equal(enter(&index), REFUSAL_NONE);
    w->rig.busy = true;
    refused_the_second_time(REFUSAL_SESSION_BUSY);
    w->rig.busy = false;
}

// Rates, repetitions and orders of the day count an order once.
static void it_is_counted_once(void **state)
{
    (void)state;
    uint32_t index;
    struct limit_row *session = &w->limits->sessions[0];
    session->rate_ticks = 1000 * STEP;
    session->burst = 0;
    w->limits->accounts[1].owner.duplicates = 1;
    w->limits->accounts[1].owner.duplicate_window = UINT32_MAX;
    w->limits->firm.owner.day_orders = w->desk.risk.day.orders + 1;
    assert_int_equal(enter(&index), REFUSAL_NONE);
    commit();
    const uint64_t before = sent();
    const uint32_t orders = w->desk.risk.day.orders;
    step();
    assert_int_equal(sent(), before + 1);
    assert_int_equal(w->desk.risk.day.orders, orders);
    nothing_waits();
}

// --- taking back ---

static void a_kill_takes_it_back(void **state)
{
    (void)state;
    uint32_t index;
    const uint64_t before = sent(), cancels = w->session.count.cancels;
    assert_int_equal(enter(&index), REFUSAL_NONE);
    kill_ask(&w->desk.kills[KILL_BY_OPERATOR], TRADE_ACCOUNT, 1);
    commit();
    step();
    assert_int_equal(order(index)->life, LIFE_DEAD);
    assert_int_equal(order(index)->reason, REFUSAL_PARK_CANCELLED);
    assert_true(sent() == before && w->session.count.cancels == cancels);
    nothing_waits();
    assert_int_equal(enter(&index), REFUSAL_KILLED);
}

static void a_mass_cancel_takes_back_what_it_names(void **state)
{
    (void)state;
    uint32_t index, other;
    const uint64_t before = sent();
    const struct desk_owner somebody = {.account = 3, .strategy = 4};
    assert_int_equal(enter(&index), REFUSAL_NONE);
    assert_int_equal(desk_enter(&w->desk, &somebody, &buy, &other), REFUSAL_NONE);
    desk_mass_cancel(&w->desk, TRADE_STRATEGY, 2);
    step();
    assert_int_equal(order(index)->life, LIFE_DEAD);
    assert_int_equal(order(other)->life, LIFE_PENDING);
    commit();
    step();
    assert_int_equal(sent(), before + 1);
    nothing_waits();
}

static void a_cancel_is_local(void **state)
{
    (void)state;
    uint32_t first, second;
    const uint64_t before = sent(), cancels = w->session.count.cancels;
    assert_int_equal(enter(&first), REFUSAL_NONE);
    assert_int_equal(enter(&second), REFUSAL_NONE);
    assert_int_equal(desk_cancel(&w->desk, second, 0), REFUSAL_NONE);
    assert_int_equal(desk_cancel(&w->desk, second, 0), REFUSAL_NONE);
    step(); // it need not wait for the first
    assert_int_equal(order(second)->life, LIFE_DEAD);
    assert_int_equal(order(first)->life, LIFE_PENDING);
    assert_int_equal(counted(REFUSAL_PARK_CANCELLED), 1);
    assert_int_equal(w->desk.risk.firm.orders, 1);
    holds();
    commit();
    step();
    assert_int_equal(sent(), before + 1);
    assert_int_equal(w->session.count.cancels, cancels);
    nothing_waits();
}

static void a_cancel_of_a_part_follows_the_order(void **state)
{
    (void)state;
    uint32_t index;
    const uint64_t cancels = w->session.count.cancels;
    assert_int_equal(enter(&index), REFUSAL_NONE);
    assert_int_equal(desk_cancel(&w->desk, index, 30), REFUSAL_NONE);
    step();
    assert_int_equal(w->session.count.cancels, cancels);
    commit();
    step();
    assert_int_equal(w->session.count.cancels, cancels + 1);
    assert_int_equal(last_of(EVENT_CANCEL_SENT)->cancel_sent.total, 30);
    assert_true(last_of(EVENT_CANCEL_SENT)->sequence > last_of(EVENT_ORDER_SENT)->sequence);
    nothing_waits();
}

static void a_lost_connection_gives_it_up(void **state)
{
    (void)state;
    uint32_t index;
    const uint64_t before = sent();
    assert_int_equal(enter(&index), REFUSAL_NONE);
    break_connection();
    step();
    assert_int_equal(order(index)->life, LIFE_DEAD);
    assert_int_equal(order(index)->reason, REFUSAL_SESSION_DOWN);
    nothing_waits();
    for (int i = 0; i < LOOSE_ENDS && w->session.state != SESSION_READY; i++)
        step();
    assert_int_equal(sent(), before);
    assert_int_equal(enter(&index), REFUSAL_NONE);
    commit();
    step();
    assert_int_equal(sent(), before + 1);
}

// --- changes ---

static void changes_wait_too(void **state)
{
    (void)state;
    const uint32_t index = live_order();
    const uint64_t before = sent();
    const uint64_t held = w->desk.risk.firm.notional;
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 200, 110000), REFUSAL_NONE);
    assert_true(w->desk.risk.firm.notional == held + 200 * 110000ull - 100 * 100000ull);
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 300, 110000), REFUSAL_ORDER_CHANGING);
    step();
    assert_int_equal(sent(), before);
    holds();
    commit();
    step();
    assert_int_equal(sent(), before + 1);
    assert_int_equal(last_of(EVENT_ORDER_RELEASED)->order_released.kind, 'U');
    for (int i = 0; i < 20 && order(index)->waits; i++)
        step();
    if (order(index)->life == LIFE_LIVE) {
        commit();
        assert_int_equal(desk_modify(&w->desk, &w->who, index, 50, 'B'), REFUSAL_NONE);
        step();
        assert_int_equal(sent(), before + 1);
        commit();
        step();
        assert_int_equal(sent(), before + 2);
    }
    nothing_waits();
}

static void a_change_that_is_refused_leaves_the_order_as_it_was(void **state)
{
    (void)state;
    const uint32_t index = live_order();
    const uint64_t before = sent(), held = w->desk.risk.firm.notional;
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 200, 110000), REFUSAL_NONE);
    w->limits->accounts[1].quantity = 150;
    commit();
    step();
    w->limits->accounts[1].quantity = UINT32_MAX;
    assert_int_equal(sent(), before);
    assert_int_equal(last_of(EVENT_ORDER_RELEASED)->order_released.refusal, REFUSAL_QUANTITY);
    assert_int_equal(order(index)->life, LIFE_LIVE);
    assert_int_equal(order(index)->waits, 0);
    assert_true(w->desk.risk.firm.notional == held);
    nothing_waits();
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 120, 100000), REFUSAL_NONE);
}

// Cancels never wait; what they overtake does not follow them.
static void a_cancel_overtakes_a_change(void **state)
{
    (void)state;
    const uint32_t index = live_order();
    const uint64_t before = sent(), cancels = w->session.count.cancels;
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 200, 110000), REFUSAL_NONE);
    assert_int_equal(desk_cancel(&w->desk, index, 0), REFUSAL_NONE);
    assert_int_equal(w->session.count.cancels, cancels + 1);
    commit();
    step();
    assert_int_equal(sent(), before);
    assert_int_equal(counted(REFUSAL_PARK_CANCELLED), 1);
    nothing_waits();
}

static void an_order_that_ends_takes_its_change_along(void **state)
{
    (void)state;
    const uint32_t index = live_order();
    const uint64_t before = sent();
    struct ouch_report fill = {.kind = REPORT_EXECUTED,
                               .ref = order(index)->ref,
                               .quantity = order(index)->open,
                               .price = 100000,
                               .match = 77,
                               .letter = 'E'};
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 200, 110000), REFUSAL_NONE);
    desk_report(&w->desk, 0, &fill);
    assert_int_equal(order(index)->life, LIFE_DEAD);
    holds();
    commit();
    step();
    assert_int_equal(sent(), before);
    assert_int_equal(last_of(EVENT_ORDER_NOT_SENT)->order_sent.refusal, REFUSAL_ORDER_NOT_LIVE);
    assert_int_equal(w->desk.risk.firm.orders, 0);
    nothing_waits();
}

// What somebody writes into the word that makes no sense covers nothing.
static void nonsense_in_the_word_is_not_believed(void **state)
{
    (void)state;
    uint32_t index;
    const uint64_t before = sent();
    assert_int_equal(enter(&index), REFUSAL_NONE);
    atomic_store(&w->lane.trading.ring->committed, UINT64_MAX);
    step();
    atomic_store(&w->lane.trading.ring->committed, w->lane.trading.tail + 1);
    step();
    assert_int_equal(sent(), before);
    commit();
    step();
    assert_int_equal(sent(), before + 1);
}

int main(void)
{
#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(an_order_leaves_when_its_record_is_in_the_journal),
        WORLD_TEST(no_order_where_nothing_becomes_durable),
        WORLD_TEST(a_full_queue_refuses),
        WORLD_TEST(a_slow_journal_gives_up_orders),
        WORLD_TEST(a_journal_that_fails_gives_up_all_at_once),
        WORLD_TEST(a_commit_of_another_state_covers_nothing),
        WORLD_TEST(what_has_changed_meanwhile_counts),
        WORLD_TEST(the_second_look_acts),
        WORLD_TEST(no_window_when_it_is_released),
        WORLD_TEST(it_is_counted_once),
        WORLD_TEST(a_kill_takes_it_back),
        WORLD_TEST(a_mass_cancel_takes_back_what_it_names),
        WORLD_TEST(a_cancel_is_local),
        WORLD_TEST(a_cancel_of_a_part_follows_the_order),
        WORLD_TEST(a_lost_connection_gives_it_up),
        WORLD_TEST(changes_wait_too),
        WORLD_TEST(a_change_that_is_refused_leaves_the_order_as_it_was),
        WORLD_TEST(a_cancel_overtakes_a_change),
        WORLD_TEST(an_order_that_ends_takes_its_change_along),
        WORLD_TEST(nonsense_in_the_word_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
