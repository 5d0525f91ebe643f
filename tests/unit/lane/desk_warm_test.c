// Practice orders: they go the whole way, and nothing is different afterwards.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "bench/latency/lane_world.h"
#include "dataplane/lane/desk_warm_market.h"

enum { PRACTICES = 300, TRIPS = 200, PLACES = 12 };

static struct lane_world *w;
static uint64_t now;

static uint64_t test_now(void *clock)
{
    (void)clock;
    return now;
}

static int open_world(void **state)
{
    const struct lane_options o = {
        .seed = 7, .symbols = 80, .live = 500, .orders = 2000, .strategies = STRATEGIES_DIR};
    struct error err = {0};
    (void)state;
    w = lane_world_open(&o, &err);
    if (w == NULL) {
        print_error("%s\n", err.text);
        return 1;
    }
    now = w->lane.stamp;
    w->lane.now = test_now;
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    lane_world_close(w);
    return 0;
}

static void turn(void)
{
    now += 1000;
    lane_turn(&w->lane, now);
}

// --- state, byte by byte ---

struct copy {
    const void *place;
    uint64_t len;
    uint8_t *bytes;
};

// Everything that decides, and everything that others read. Contents of free buffers are nobody's.
static uint32_t copies_take(struct copy out[PLACES])
{
    struct desk *d = &w->desk;
    const uint8_t *tables = (const uint8_t *)d->orders.orders;
    const uint8_t *end = (const uint8_t *)(d->instruments + d->instrument_count);
    const struct copy places[] = {
        {&w->lane, sizeof w->lane, NULL},
        {d, sizeof *d, NULL},
        {tables, (uint64_t)(end - tables), NULL},
        {&w->strategies, sizeof w->strategies, NULL},
        {w->strategies.hosts[0].slot.state, w->strategies.hosts[0].slot.strategy->state_bytes,
         NULL},
        {&w->channel, sizeof w->channel, NULL},
        {&w->session, sizeof w->session, NULL},
        {&w->link.tcp, sizeof w->link.tcp, NULL},
        {&w->port, offsetof(struct port_sim, buffers), NULL},
        {w->lane.trading.ring, sizeof *w->lane.trading.ring, NULL},
        {w->lane.count, sizeof *w->lane.count, NULL},
        {w->lane.histograms, sizeof *w->lane.histograms, NULL},
    };
    _Static_assert(ARRAY_LEN(places) == PLACES, "places");
    for (uint32_t i = 0; i < PLACES; i++) {
        out[i] = places[i];
        out[i].bytes = malloc(places[i].len);
        assert_non_null(out[i].bytes);
        memcpy(out[i].bytes, places[i].place, places[i].len);
    }
    return PLACES;
}

static void copies_same(struct copy copies[PLACES])
{
    for (uint32_t i = 0; i < PLACES; i++) {
        const uint8_t *is = copies[i].place;
        for (uint64_t at = 0; at < copies[i].len; at++)
            if (is[at] != copies[i].bytes[at])
                fail_msg("place %u: byte %lu is another one", i, (unsigned long)at);
        free(copies[i].bytes);
    }
}

static void practise_many(void)
{
    struct copy copies[PLACES];
    copies_take(copies);
    for (uint32_t i = 0; i < PRACTICES; i++)
        assert_true(desk_practise(&w->desk));
    copies_same(copies);
}

static void trip(uint32_t i)
{
    const uint16_t locate = (uint16_t)(1 + i % LANE_WATCHED);
    const uint32_t got = w->venue.got;
    const uint64_t ref = lane_market_trigger(w, locate, i & 1);
    turn();
    assert_true(lane_venue_take(w));
    assert_int_equal(w->venue.got, got + 1);
    lane_venue_answer(w);
    turn();
    lane_market_executed(w, locate, ref);
    turn();
    assert_true(lane_venue_take(w));
}

// --- tests ---

static void a_practice_order_leaves_every_byte_as_it_was(void **state)
{
    (void)state;
    char why[256] = "";
    turn();
    practise_many(); // no position, no order before
    assert_int_equal(w->desk.warm->practised, PRACTICES);
    assert_int_equal(w->desk.warm->passed, PRACTICES); // approved, so the whole way
    assert_int_equal(w->desk.risk.position_count, 0);
    for (uint32_t i = 0; i < TRIPS; i++) {
        trip(i);
        practise_many();
    }
    lane_market_trigger(w, 1, true); // one is open, without an answer
    turn();
    practise_many();
    assert_int_equal(w->desk.orders.sessions[0].open_count, 1);
    if (!desk_check(&w->desk, why, sizeof why))
        fail_msg("%s", why);
}

// Levels that stand first, then one that becomes the best and goes: every frame changes a price.
static void practice_frames_reach_a_book(void **state)
{
    enum { STANDING = 100 };
    (void)state;
    turn();
    for (uint32_t i = 0; i < STANDING; i++)
        assert_true(desk_practise(&w->desk));
    const uint64_t before = desk_warm_market_changes(w->desk.warm->market);
    for (uint32_t i = 0; i < PRACTICES; i++)
        assert_true(desk_practise(&w->desk));
    assert_int_equal(desk_warm_market_changes(w->desk.warm->market) - before, PRACTICES);
}

static struct {
    uint32_t calls, refusal;
    uint64_t slow; // bits: the calls that take too long
    struct strategy_best best;
} seen;

// What must not happen, and is refused.
static void practise_and_ask(void *state, const struct strategy_best *best)
{
    const struct strategy_setup *setup = &w->strategies.hosts[0].slot.setup;
    const struct strategy_order ask = {.quantity = 100,
                                       .price = best->ask,
                                       .symbol = best->symbol,
                                       .venue = best->venue,
                                       .side = 'B',
                                       .time_in_force = '3',
                                       .display = 'N'};
    uint32_t order;
    (void)state;
    seen.calls++;
    seen.best = *best;
    seen.refusal = setup->calls->submit(setup->host, &ask, &order);
}

static void a_strategy_practises_and_gets_no_order(void **state)
{
    (void)state;
    struct strategy_slot *slot = &w->strategies.hosts[0].slot;
    struct strategy own = *slot->strategy;
    own.practise = practise_and_ask;
    memset(&seen, 0, sizeof seen);
    for (uint32_t i = 0; i < LANE_WATCHED; i++)
        trip(i); // what it watches is known to the lane from the first change on
    slot->strategy = &own;
    const uint64_t approved = w->desk.count.approved, refused = w->desk.count.refused;
    practise_many();
    assert_true(seen.calls >= PRACTICES / 2);
    assert_int_equal(seen.refusal, REFUSAL_STRATEGY_DISABLED);
    assert_true(seen.best.bid > 0 && seen.best.ask > seen.best.bid);
    assert_int_equal(slot->off, STRATEGY_ON);
    assert_true(w->desk.count.approved == approved && w->desk.count.refused == refused);
    trip(0); // and goes on trading
}

// Each takes a tick longer than the one before.
static void practise_for_long(void *state, const struct strategy_best *best)
{
    (void)state;
    (void)best;
    if (seen.slow >> seen.calls++ & 1)
        now += w->strategies.hosts[0].slot.budget_ticks + seen.calls;
}

// Its calls of practise() are late as <slow> says, the first in the lowest bit. Returns how many
// events tell of it, and whether each says that it is disabled in *<off>, the last one first.
static uint32_t practise_slowly(uint64_t slow, uint32_t *off)
{
    struct strategy_slot *slot = &w->strategies.hosts[0].slot;
    const struct strategy *const was = slot->strategy;
    struct strategy own = *was;
    struct event e[64];
    uint32_t told = 0;
    own.practise = practise_for_long;
    memset(&seen, 0, sizeof seen);
    seen.slow = slow;
    lane_world_events(w, e, ARRAY_LEN(e));
    slot->strategy = &own;
    for (uint32_t i = 0; i < PRACTICES && seen.calls < 64; i++)
        assert_true(desk_practise(&w->desk));
    slot->strategy = was;
    for (uint32_t i = 0, n = lane_world_events(w, e, ARRAY_LEN(e)); i < n; i++)
        if (e[i].type == EVENT_STRATEGY) {
            told++;
            assert_int_equal(e[i].strategy.reason, STRATEGY_OFF_LATE);
            assert_true(e[i].strategy.ticks > slot->budget_ticks);
            *off = *off << 1 | !e[i].strategy.enabled;
        }
    return told;
}

// The pause of a machine falls into one: it does not count as a late strategy.
static void a_practice_that_is_late_is_only_told(void **state)
{
    (void)state;
    const struct strategy_slot *slot = &w->strategies.hosts[0].slot;
    uint32_t off = 0;
    for (uint32_t i = 0; i < LANE_WATCHED; i++)
        trip(i);
    const uint64_t calls = slot->calls, budget = slot->budget_ticks, input = w->lane.input;
    const uint64_t orders = w->desk.risk.strategies[0].orders;
    assert_int_equal(practise_slowly(0x5, &off), 2); // the first, the third
    assert_int_equal(off, 0);
    assert_int_equal(slot->off, STRATEGY_ON);
    assert_true(w->strategies.on & 1 && w->desk.risk.strategies[0].orders == orders);
    assert_true(slot->late == 2 && slot->calls == calls + 2 && w->lane.input == input + 2);
    assert_true(slot->budget_ticks == budget && slot->ticks_max == budget + 3);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(practise_slowly(0, &off), 0);
    for (uint32_t i = 0; i < 8; i++) // pauses that come again
        assert_int_equal(practise_slowly(1, &off), 1);
    assert_int_equal(slot->off, STRATEGY_ON);
    trip(0); // and goes on trading
}

// A frame that comes meanwhile would wait for its end.
static void a_strategy_that_is_late_in_practice_twice_is_disabled(void **state)
{
    (void)state;
    const struct strategy_slot *slot = &w->strategies.hosts[0].slot;
    uint32_t off = 0;
    for (uint32_t i = 0; i < LANE_WATCHED; i++)
        trip(i);
    const uint64_t calls = slot->calls;
    assert_int_equal(practise_slowly(~0ull - 3, &off), 2);
    assert_int_equal(off, 1); // the second one
    assert_int_equal(seen.calls, 4);
    assert_int_equal(slot->off, STRATEGY_OFF_LATE);
    assert_int_equal(w->strategies.on & 1, 0);
    assert_true(slot->late == 2 && slot->calls == calls + 2);
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    assert_int_equal(practise_slowly(1, &off), 1); // one is one again
    assert_int_equal(slot->off, STRATEGY_ON);
}

// Also one that is in time between whiles is late at its first call that counts.
static void a_strategy_that_is_late_every_second_practice_is_disabled(void **state)
{
    (void)state;
    const struct strategy_slot *slot = &w->strategies.hosts[0].slot;
    uint32_t off = 0;
    for (uint32_t i = 0; i < LANE_WATCHED; i++)
        trip(i);
    assert_int_equal(practise_slowly(UINT64_C(0x5555555555555555), &off), 3);
    assert_true(off == 1 && seen.calls == 5 && slot->off == STRATEGY_OFF_LATE);
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    off = 0;
    assert_int_equal(practise_slowly(UINT64_C(0x1111111111111111), &off), 3); // every fourth
    assert_true(off == 1 && seen.calls == 9 && slot->off == STRATEGY_OFF_LATE);
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    off = 0;
    assert_int_equal(practise_slowly(UINT64_C(1) << 40 | 1, &off), 2); // seldom
    assert_true(off == 0 && slot->off == STRATEGY_ON);
}

static void what_is_refused_leaves_none_either(void **state)
{
    (void)state;
    w->limits->firm.state = TRADING_HALTED;
    practise_many();
    assert_int_equal(w->desk.warm->passed, 0);
    assert_int_equal(w->desk.warm->practised, PRACTICES);
    assert_int_equal(w->desk.count.refused, 0);
    w->limits->firm.state = TRADING_ACTIVE;
    w->limits->sessions[0].rate_ticks = UINT32_MAX; // it would be charged
    practise_many();
    assert_int_equal(w->desk.warm->passed, PRACTICES);
    w->limits->firm.owner.day_orders = 0; // what a control does, it does not do for practice
    w->limits->actions[REFUSAL_BIT(REFUSAL_DAY_ORDERS)] = ACTION_CANCEL;
    practise_many();
    assert_int_equal(w->desk.warm->passed, PRACTICES);
    w->limits->actions[REFUSAL_BIT(REFUSAL_DAY_ORDERS)] = ACTION_NOTIFY;
    practise_many();
    assert_int_equal(w->desk.warm->passed, 2 * PRACTICES);
    assert_int_equal(w->desk.risk.noted, 0);
    w->limits->actions[REFUSAL_BIT(REFUSAL_DAY_ORDERS)] = ACTION_REFUSE;
}

// What is only looked up for an order may be written as well.
static void what_the_gate_tidies_up_stays(void **state)
{
    (void)state;
    struct limit_row *session = &w->limits->sessions[0];
    struct risk *r = &w->desk.risk;
    const uint64_t charged = UINT64_MAX / 2; // by a rate of before
    r->cancel_at[0] = charged;
    session->cancel_rate = CANCELS_WAIT;
    session->price_low = 1;
    session->price_high = 0;
    practise_many();
    assert_int_equal(r->cancel_at[0], charged);
    session->cancel_rate = CANCELS_UNCOUNTED;
    for (uint32_t i = 0; i < ACCOUNTS_MAX; i++) {
        w->limits->accounts[i].owner.duplicates = 1;
        r->prior_rings[i].free = r->prior_rings[i].last; // the next one has to look for a place
    }
    practise_many();
    for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
        assert_int_equal(r->prior_rings[i].free, r->prior_rings[i].last);
}

static void nobody_practises_without_a_session_or_room(void **state)
{
    (void)state;
    const uint8_t ready = w->session.state;
    w->session.state = SESSION_REPLAY;
    assert_false(desk_practise(&w->desk));
    w->session.state = ready;
    const uint64_t committed = w->lane.trading.committed;
    w->lane.trading.committed = w->lane.trading.tail - LANE_RING_SLOTS + 1; // one slot
    assert_false(desk_practise(&w->desk));
    w->lane.trading.committed = committed;
    w->channel.book_lent = true;
    assert_false(desk_practise(&w->desk));
    w->channel.book_lent = false;
    assert_true(desk_practise(&w->desk));
}

static void only_a_lane_without_work_practises_and_not_too_often(void **state)
{
    (void)state;
    struct desk_warm *warm = w->desk.warm;
    turn();
    assert_int_equal(warm->practised, 0); // it was not asked for
    warm->every = 10000;
    warm->at = 0;
    lane_market_trigger(w, 2, true);
    turn();
    assert_int_equal(warm->practised, 0); // there was work
    assert_true(lane_venue_take(w));
    for (uint32_t i = 0; i < 30; i++)
        turn();
    assert_in_range(warm->practised, 2, 3);
}

// Stamps of the two runs start at other times: they are counted from the first one.
static uint64_t history(bool practises)
{
    struct event e[16];
    uint64_t hash = 0xcbf29ce484222325;
    assert_int_equal(open_world(NULL), 0);
    const uint64_t from = now;
    for (uint32_t i = 0; i < TRIPS; i++) {
        if (practises)
            for (uint32_t k = 0; k < 1 + i % 3; k++)
                assert_true(desk_practise(&w->desk));
        trip(i);
        for (uint32_t k = 0, n = lane_world_events(w, e, ARRAY_LEN(e)); k < n; k++) {
            e[k].tsc -= from;
            const uint8_t *p = (const uint8_t *)&e[k];
            for (uint32_t b = 0; b < sizeof e[k]; b++)
                hash = (hash ^ p[b]) * 0x100000001b3;
        }
    }
    lane_world_close(w);
    return hash;
}

static void the_events_are_the_same_with_and_without(void **state)
{
    (void)state;
    const uint64_t without = history(false);
    assert_true(history(true) == without);
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_practice_order_leaves_every_byte_as_it_was),
        WORLD_TEST(practice_frames_reach_a_book),
        WORLD_TEST(a_strategy_practises_and_gets_no_order),
        WORLD_TEST(a_practice_that_is_late_is_only_told),
        WORLD_TEST(a_strategy_that_is_late_in_practice_twice_is_disabled),
        WORLD_TEST(a_strategy_that_is_late_every_second_practice_is_disabled),
        WORLD_TEST(what_is_refused_leaves_none_either),
        WORLD_TEST(what_the_gate_tidies_up_stays),
        WORLD_TEST(nobody_practises_without_a_session_or_room),
        WORLD_TEST(only_a_lane_without_work_practises_and_not_too_often),
        cmocka_unit_test(the_events_are_the_same_with_and_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
