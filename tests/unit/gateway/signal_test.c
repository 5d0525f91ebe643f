// Signals: numbers of a client, told to the strategies that have their symbol.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_signal.h"
#include "dataplane/lane/desk_strategy.h"
#include "tests/lib/gateway_rig.h"

enum { HZ = 1000000000, BUDGET = 5000 };

static struct desk_strategies strategies;
static struct desk_signals signals;
static void *places;

// --- a strategy that notes what it is told, and buys when it may

struct notes {
    struct strategy_setup setup;
    uint32_t signals;
    struct strategy_signal last;
    uint64_t slow; // ticks that a call takes
    bool fires;
    uint32_t refusal, order;
};

static bool notes_start(void *state, const struct strategy_setup *setup, const char **why)
{
    (void)why;
    ((struct notes *)state)->setup = *setup;
    return true;
}

static void notes_signal(void *state, const struct strategy_signal *signal)
{
    struct notes *n = state;
    n->signals++;
    n->last = *signal;
    w->now += n->slow;
    const struct strategy_order ask = {.quantity = 100,
                                       .price = (uint32_t)signal->value[0],
                                       .symbol = signal->symbol,
                                       .side = 'B',
                                       .time_in_force = '0',
                                       .display = 'Y'};
    if (n->fires)
        n->refusal = n->setup.calls->submit(n->setup.host, &ask, &n->order);
}

static const struct strategy notes = {.interface = STRATEGY_INTERFACE,
                                      .state_bytes = sizeof(struct notes),
                                      .name = "notes",
                                      .start = notes_start,
                                      .signal = notes_signal};
static const struct strategy deaf = {
    .interface = STRATEGY_INTERFACE, .name = "deaf", .start = notes_start, .state_bytes = 4096};

static struct notes *join(uint32_t index, const struct strategy *strategy, uint16_t first,
                          uint16_t second)
{
    struct error err = {0};
    struct strategy_host *host = &strategies.hosts[index];
    const uint16_t instruments[] = {first, second};
    assert_true(strategy_attach(&host->slot, strategy, strategy->name, &err));
    desk_strategy_add(&w->desk, host, 1, instruments, 2, BUDGET);
    assert_true(strategy_start(&host->slot, &err));
    desk_strategy_switch(&w->desk, index, STRATEGY_ON);
    return host->slot.state;
}

static void source_add(uint32_t source, const char *name, uint8_t of_client)
{
    const struct signal_policy policy = {.burst_ticks = UINT64_MAX,
                                         .rest_ticks = UINT64_MAX,
                                         .silence_ticks = UINT64_MAX,
                                         .second_ticks = HZ};
    const struct desk_signal_way way = {.client = of_client};
    desk_signal_add(&w->desk, source, name, (uint16_t)source, &policy, &way);
}

static int begin(void **state)
{
    void *const nothing[SESSIONS_MAX] = {NULL};
    (void)state;
    gateway_open(8);
    void (*const told)(struct desk *, uint32_t, const struct order_outcome *) = w->desk.told;
    const struct desk_signal_clock clock = {.tsc_hz = HZ}; // UTC is the lane's time
    places = zeroed(desk_signals_bytes(MODEL_SYMBOLS));
    desk_signals_init(&w->desk, &signals, 3, &clock, places);
    source_add(1, "model", 0);
    source_add(2, "other", 1);
    desk_strategies_init(&w->desk, &strategies, HZ, nothing);
    rig.desk.others = w->desk.told;
    w->desk.told = told;
    gateway_ready();
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < strategies.count; i++)
        strategy_unload(&strategies.hosts[i].slot);
    dust_settles();
    gateway_close();
    free(places);
    return 0;
}

static const struct tickgate_signal some_signal = {.as_of_ns = 1000,
                                                   .sequence = 1,
                                                   .value = {1000100, -7, INT64_MIN, INT64_MAX},
                                                   .horizon_ms = 250,
                                                   .ttl_ms = 30,
                                                   .symbol = 1,
                                                   .confidence = 9000};

static const struct event *last_event(void)
{
    const struct event_writer *e = &w->lane.trading;
    return &e->slots[(e->tail - 1) & e->mask];
}

// --- tests

static void who_has_the_symbol_is_told(void **state)
{
    (void)state;
    struct notes *first = join(0, &notes, 0, 1), *second = join(1, &notes, 2, 3);
    join(2, &deaf, 0, 1);
    struct tickgate *t = gateway_attach("beta", NULL);
    const struct tickgate_answer a = answer_to(t, tickgate_signal(t, &some_signal));
    assert_int_equal(a.kind, TICKGATE_DONE);
    assert_true(first->signals == 1 && second->signals == 0);
    const struct strategy_signal *s = &first->last;
    assert_true(s->as_of_ns == 1000 && s->sequence == 1 && s->horizon_ms == 250);
    assert_true(s->symbol == 1 && s->source == 2 && s->first == 2 && s->confidence == 9000);
    assert_true(first->setup.source_count == 3 && first->setup.sources[0][0] == 0);
    assert_string_equal(first->setup.sources[2], "other");
    assert_memory_equal(s->value, some_signal.value, sizeof s->value);
    const struct event *e = last_event();
    assert_int_equal(e->type, EVENT_SIGNAL);
    assert_true(e->signal.source == 2 && e->signal.told == 1 && e->signal.instrument == 1 &&
                e->signal.number == 1 && e->signal.as_of_ns == 1000 && e->signal.ttl_ms == 30 &&
                e->signal.horizon_ms == 250 && e->signal.confidence == 9000);
    assert_true(e->signal.value_0 == 1000100 && e->signal.value_1 == -7 &&
                e->signal.value_2 == INT64_MIN && e->signal.value_3 == INT64_MAX);
    assert_int_equal(s->until_ns, 1000 + 30000000); // from its as-of on
    struct tickgate_signal stays = some_signal;
    stays.sequence = 2;
    stays.ttl_ms = 0;
    answer_to(t, tickgate_signal(t, &stays));
    assert_true(first->last.until_ns == UINT64_MAX && first->last.sequence == 2);
    // Who is not enabled is not told.
    desk_strategy_switch(&w->desk, 0, STRATEGY_OFF_ASKED);
    stays.sequence = 3;
    assert_int_equal(answer_to(t, tickgate_signal(t, &stays)).kind, TICKGATE_DONE);
    assert_int_equal(first->signals, 2);
    tickgate_detach(t);
}

// What it does then is its own decision, and goes through the gate; the client hears nothing of it.
static void it_is_no_order(void **state)
{
    (void)state;
    struct notes *n = join(0, &notes, 0, 1);
    struct tickgate *t = gateway_attach("alpha", NULL);
    struct tickgate_signal s = some_signal;
    const uint64_t sent = w->session.count.sent;
    answer_to(t, tickgate_signal(t, &s));
    assert_int_equal(w->session.count.sent, sent);
    n->fires = true;
    s.sequence = 2;
    const struct tickgate_answer a = answer_to(t, tickgate_signal(t, &s));
    assert_true(a.kind == TICKGATE_DONE && n->refusal == REFUSAL_NONE);
    assert_int_equal(w->session.count.sent, sent + 1);
    const struct own_order *o = orders_at(&w->desk.orders, n->order);
    assert_true(o->price == 1000100 && o->strategy == 0 && o->quantity == 100);
    kill_ask(&w->desk.kills[KILL_BY_OPERATOR], TRADE_FIRM, 0);
    s.sequence = 3;
    answer_to(t, tickgate_signal(t, &s));
    assert_int_equal(n->refusal, REFUSAL_KILLED);
    // One that takes too long over it is disabled.
    n->slow = BUDGET + 1;
    s.sequence = 4;
    assert_int_equal(answer_to(t, tickgate_signal(t, &s)).kind, TICKGATE_DONE);
    assert_int_equal(strategies.hosts[0].slot.off, STRATEGY_OFF_LATE);
    tickgate_detach(t);
}

static void what_makes_no_sense_is_refused_and_counted(void **state)
{
    static const struct {
        uint64_t sequence, as_of_ns;
        uint16_t symbol, confidence;
        enum refusal code;
        enum tickgate_signal_verdict why;
    } rows[] = {
        {0, 1000, 1, 0, REFUSAL_SIGNAL, TICKGATE_SIGNAL_FORMAT},
        {5, 1000, 1, 10000, REFUSAL_NONE, TICKGATE_SIGNAL_TAKEN},
        {5, 1000, 1, 0, REFUSAL_SIGNAL, TICKGATE_SIGNAL_DUPLICATE},
        {4, 1000, 1, 0, REFUSAL_SIGNAL, TICKGATE_SIGNAL_BACK},
        {6, 999, 1, 0, REFUSAL_SIGNAL, TICKGATE_SIGNAL_BACK}, // in time, too
        {7, 1000, 1, 10001, REFUSAL_SIGNAL, TICKGATE_SIGNAL_FORMAT},
        {7, 1000, 1, UINT16_MAX, REFUSAL_SIGNAL, TICKGATE_SIGNAL_FORMAT},
        {7, 1000, MODEL_SYMBOLS, 0, REFUSAL_UNKNOWN_SYMBOL, TICKGATE_SIGNAL_SYMBOL},
        {8, 1000, UINT16_MAX, 0, REFUSAL_UNKNOWN_SYMBOL, TICKGATE_SIGNAL_SYMBOL},
        {9, UINT64_MAX, 1, 0, REFUSAL_SIGNAL, TICKGATE_SIGNAL_FUTURE},
        {UINT64_MAX, 1000, 1, 0, REFUSAL_NONE, TICKGATE_SIGNAL_TAKEN},
        {UINT64_MAX, 1000, 1, 0, REFUSAL_SIGNAL, TICKGATE_SIGNAL_DUPLICATE},
    };
    (void)state;
    struct notes *n = join(0, &notes, 0, 1);
    struct tickgate *t = gateway_attach("alpha", NULL);
    uint64_t told = 0, refused_before = client(0)->refused;
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tickgate_signal s = some_signal;
        s.sequence = rows[i].sequence;
        s.as_of_ns = rows[i].as_of_ns;
        s.symbol = rows[i].symbol;
        s.confidence = rows[i].confidence;
        s.ttl_ms = 0;
        const struct tickgate_answer a = answer_to(t, tickgate_signal(t, &s));
        assert_int_equal(a.refusal, rows[i].code);
        assert_int_equal(a.reason, rows[i].why);
        told += rows[i].code == REFUSAL_NONE;
        assert_int_equal(n->signals, told);
    }
    assert_int_equal(client(0)->refused - refused_before, ARRAY_LEN(rows) - told);
    // Another attachment begins anew.
    tickgate_detach(t);
    for (uint32_t i = 0; i < 50; i++)
        gateway_step();
    t = gateway_attach("alpha", NULL);
    assert_int_equal(answer_to(t, tickgate_signal(t, &some_signal)).kind, TICKGATE_DONE);
    // One that is too old, and a client that is no source.
    struct tickgate_signal s = some_signal;
    s.sequence = 2;
    s.ttl_ms = 1;
    w->now += 1000000;
    assert_int_equal(answer_to(t, tickgate_signal(t, &s)).reason, TICKGATE_SIGNAL_LATE);
    struct tickgate *quiet = gateway_attach("quiet", NULL);
    const struct tickgate_answer a = answer_to(quiet, tickgate_signal(quiet, &some_signal));
    assert_true(a.refusal == REFUSAL_SIGNAL && a.reason == TICKGATE_SIGNAL_SENDER);
    assert_int_equal(w->lane.count->signal_strangers, 1);
    tickgate_detach(quiet);
    tickgate_detach(t);
}

// A turn that takes longer than clocks may differ, or a lane that does not run meanwhile.
static void what_comes_in_a_turn_is_not_of_the_future(void **state)
{
    (void)state;
    struct tickgate *t = gateway_attach("alpha", NULL);
    const uint64_t turn_began = w->now;
    struct tickgate_answer a;
    struct tickgate_signal s = some_signal;
    s.as_of_ns = w->now = turn_began + 5000000;
    assert_int_not_equal(tickgate_signal(t, &s), 0);
    desk_turn(&w->desk, turn_began);
    assert_true(tickgate_poll(t, &a) == 1 && a.kind == TICKGATE_DONE);
    s.sequence++;
    s.as_of_ns++;
    assert_int_not_equal(tickgate_signal(t, &s), 0);
    desk_turn(&w->desk, turn_began);
    assert_true(tickgate_poll(t, &a) == 1 && a.reason == TICKGATE_SIGNAL_FUTURE);
    tickgate_detach(t);
}

// A flood ends at the client's rate; what is not recorded is not told.
static void a_flood_leaves_room_for_orders(void **state)
{
    (void)state;
    struct notes *n = join(0, &notes, 0, 1);
    struct tickgate *t = gateway_attach("alpha", NULL);
    struct tickgate_signal s = some_signal;
    uint32_t rate = 0;
    for (uint32_t i = 0; i < 20; i++) {
        for (uint32_t k = 0; k < RIG_REQUESTS / 2; k++, s.sequence++)
            assert_int_not_equal(tickgate_signal(t, &s), 0);
        struct tickgate_answer a;
        for (uint32_t k = 0; k < RIG_REQUESTS / 2 / GATEWAY_REQUESTS_A_TURN; k++)
            desk_turn(&w->desk, w->now);
        while (tickgate_poll(t, &a) == 1)
            rate += a.kind == TICKGATE_REFUSED && a.refusal == REFUSAL_CLIENT_RATE;
    }
    assert_true(rate > 0 && n->signals == 20 * RIG_REQUESTS / 2 - rate);
    for (uint32_t i = 0; i < 200; i++)
        gateway_step();
    // The ring of events runs short: signals first, orders after them.
    w->desk.risk.event_credit_min = 4096 / 2 + 1;
    s.sequence += 1000;
    struct tickgate_answer a = answer_to(t, tickgate_signal(t, &s));
    assert_int_equal(a.refusal, REFUSAL_EVENT_CREDIT);
    a = answer_to(t, tickgate_enter(t, &some_order));
    assert_int_equal(a.kind, TICKGATE_DONE);
    w->desk.risk.event_credit_min = RISK_NO_RECORD;
    s.sequence++;
    a = answer_to(t, tickgate_signal(t, &s));
    assert_true(a.refusal == REFUSAL_JOURNAL && a.reason == TICKGATE_SIGNAL_RECORD);
    w->desk.risk.event_credit_min = 64;
    s.sequence++;
    assert_int_equal(answer_to(t, tickgate_signal(t, &s)).kind, TICKGATE_DONE);
    tickgate_detach(t);
}

// A signal whose second slot is not there, and another kind that has one.
static void half_a_signal_cuts_off(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct tickgate *t = gateway_attach("alpha", NULL);
        assert_non_null(t);
        struct gateway_inward *in = client(0)->inward;
        in->requests[0] = (struct gateway_request){.kind = i == 2 ? GATEWAY_ROUTE : GATEWAY_SIGNAL,
                                                   .more = i != 1};
        atomic_store(&in->requests_tail, i == 0 ? 1 : 2);
        assert_int_equal(end_of(t), TICKGATE_REQUEST);
        tickgate_detach(t);
        for (uint32_t k = 0; k < 50; k++)
            gateway_step();
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(who_has_the_symbol_is_told),
        TEST(it_is_no_order),
        TEST(what_makes_no_sense_is_refused_and_counted),
        TEST(what_comes_in_a_turn_is_not_of_the_future),
        TEST(a_flood_leaves_room_for_orders),
        TEST(half_a_signal_cuts_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
