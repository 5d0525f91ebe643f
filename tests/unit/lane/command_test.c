// What people order of a lane, through the slots of the region: kill, halt, reduce, resume, cancel,
// strategies; and what the exchange sees of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_strategy.h"
#include "tests/lib/desk_world.h"

enum { CANCEL_LEN = 12 }; // SoupBinTCP length, U, and the nine bytes of a cancel

static const struct desk_order buy = {
    .quantity = 100, .price = 1000000, .side = 'B', .time_in_force = '0', .display = 'Y'};

static struct command_slot *slot;
static struct event seen[4096];
static uint32_t seen_count;

static void ready(void)
{
    w->lane.desk = &w->desk;
    steps_until(SESSION_READY);
    events_drain();
}

static void open_orders(uint32_t count)
{
    uint32_t index;
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    events_drain();
    to_exchange();
}

static enum refusal enter(void)
{
    uint32_t index;
    return desk_enter(&w->desk, &w->who, &buy, &index);
}

// Events since the last drain, left for it.
static void events_look(void)
{
    uint64_t cursor = w->event_cursor;
    assert_true(event_read(w->lane.trading.ring, w->lane.trading.slots, 4096, &cursor, seen, 4096,
                           &seen_count));
}

static const struct event *event_numbered(uint64_t sequence)
{
    events_look();
    for (uint32_t i = 0; i < seen_count; i++)
        if (seen[i].sequence == sequence)
            return &seen[i];
    return NULL;
}

static const struct event *event_of(uint16_t type)
{
    events_look();
    for (uint32_t i = 0; i < seen_count; i++)
        if (seen[i].type == type)
            return &seen[i];
    return NULL;
}

static void post(enum command_type type, enum trade_scope scope, uint32_t index)
{
    slot = command_claim(region_command_slot(&w->lane.view, 0));
    assert_non_null(slot);
    slot->type = type;
    slot->request.govern = (struct govern_request){
        .scope = scope, .index = index, .user = 1000, .reason = "because of the test"};
}

static enum command_result order(enum command_type type, enum trade_scope scope, uint32_t index)
{
    post(type, scope, index);
    return command_taken(slot);
}

// All that joined the stream since <from> is one cancel per order, and no order twice.
static void only_cancels(uint32_t from, uint32_t count)
{
    uint64_t cancelled[REFS / 64] = {0};
    assert_int_equal(w->rig.sent_len - from, count * CANCEL_LEN);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *p = w->rig.sent + from + i * CANCEL_LEN;
        const uint32_t ref = be32_load(p + 4);
        assert_memory_equal(p, "\0\12UX", 4);
        assert_int_equal(be32_load(p + 8), 0);
        assert_true(ref < REFS && !(cancelled[ref / 64] >> ref % 64 & 1));
        cancelled[ref / 64] |= 1ull << ref % 64;
    }
}

static int world_begin(void **state)
{
    (void)state;
    world_open(7);
    w->model.missing = 0;
    return 0;
}

static int world_end(void **state)
{
    (void)state;
    world_close();
    return 0;
}

// --- kill ---

// Acknowledged means: whatever strategies ask for from here on, no enter and no replace joins the
// stream; its next bytes are one cancel per open order, so many per turn.
static void nothing_but_cancels_after_a_kill_is_answered(void **state)
{
    (void)state;
    uint32_t index;
    ready();
    open_orders(40);
    step();
    step(); // accepted: they could be replaced now
    const uint32_t open = w->desk.orders.sessions[0].open_count;
    assert_true(open > 2 * DESK_CANCELS_A_TURN);
    w->rig.sent_len = 0;
    events_drain();
    assert_int_equal(order(COMMAND_KILL, TRADE_ACCOUNT, w->who.account), COMMAND_RESULT_OK);
    assert_int_equal(slot->answer.govern.open_orders, open);
    const struct event *e = event_numbered(slot->sequence);
    assert_non_null(e);
    assert_int_equal(e->type, EVENT_KILL);
    assert_int_equal(e->kill.asker, KILL_BY_OPERATOR);
    assert_int_equal(w->desk.board->kill_sequence[KILL_BY_OPERATOR], slot->sequence);
    e = event_of(EVENT_GOVERNED);
    assert_non_null(e);
    assert_string_equal(e->governed.reason, "because of the test");
    assert_int_equal(e->governed.command, COMMAND_KILL);
    assert_int_equal(e->governed.user, 1000);
    only_cancels(0, DESK_CANCELS_A_TURN); // of the turn that took the command
    for (uint32_t turn = 0; turn < 8; turn++) {
        const uint32_t before = w->rig.sent_len;
        assert_int_equal(enter(), REFUSAL_KILLED);
        for (index = 0; index < ORDERS; index++)
            if (desk_order_of(&w->desk, &w->who, index))
                assert_int_not_equal(desk_replace(&w->desk, &w->who, index, 200, 1000100),
                                     REFUSAL_NONE);
        assert_int_equal(w->rig.sent_len, before);
        lane_turn(&w->lane, w->now);
        assert_true(w->rig.sent_len - before <= DESK_CANCELS_A_TURN * CANCEL_LEN);
    }
    only_cancels(0, open);
    check();
    assert_int_equal(w->event_count[EVENT_KILL_DONE], 1);
    for (int i = 0; i < 10; i++)
        step();
    assert_int_equal(w->desk.orders.sessions[0].open_count, 0);
}

// The control plane sets the word first; the command then only asks for the record.
static void a_kill_that_is_seen_before_its_command_is_answered_with_its_event(void **state)
{
    (void)state;
    ready();
    open_orders(3);
    kill_ask(&w->desk.kills[KILL_BY_OPERATOR], TRADE_FIRM, 0);
    assert_int_equal(enter(), REFUSAL_KILLED);
    lane_turn(&w->lane, w->now);
    only_cancels(0, 3);
    assert_int_equal(order(COMMAND_KILL, TRADE_FIRM, 0), COMMAND_RESULT_OK);
    assert_int_equal(event_numbered(slot->sequence)->type, EVENT_KILL);
    only_cancels(0, 3); // not again
    events_drain();
    assert_int_equal(w->event_count[EVENT_KILL], 1);
}

// Each scope stops what belongs to it, and nothing else.
static void scopes_are_apart(void **state)
{
    (void)state;
    const struct {
        enum trade_scope scope;
        uint32_t hits, misses;
    } cases[] = {{TRADE_ACCOUNT, 1, 3},
                 {TRADE_STRATEGY, 2, 5},
                 {TRADE_SYMBOL, 0, 1},
                 {TRADE_SESSION, 0, UINT32_MAX}};
    ready();
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_orders(1);
        if (cases[i].misses != UINT32_MAX)
            assert_int_equal(order(COMMAND_KILL, cases[i].scope, cases[i].misses),
                             COMMAND_RESULT_OK);
        assert_int_equal(w->rig.sent_len, 0);
        open_orders(1);
        assert_int_equal(order(COMMAND_KILL, cases[i].scope, cases[i].hits), COMMAND_RESULT_OK);
        assert_int_equal(enter(), REFUSAL_KILLED);
        only_cancels(0, 2);
        assert_int_equal(order(COMMAND_RESUME, cases[i].scope, cases[i].hits), COMMAND_RESULT_OK);
        assert_int_equal(slot->answer.govern.lifted, LIFT_KILL);
        assert_int_equal(event_numbered(slot->sequence)->type, EVENT_LIFTED);
        for (int k = 0; k < 10; k++)
            step();
        check();
        assert_int_equal(w->desk.orders.sessions[0].open_count, 0);
    }
}

// A kill narrows: it needs no room for its record.
static void a_full_ring_stops_no_kill_and_lets_nothing_wider(void **state)
{
    (void)state;
    ready();
    open_orders(2);
    struct event filler = {.type = EVENT_LANE_READY};
    while (event_write(&w->lane.trading, &filler))
        ;
    assert_int_equal(order(COMMAND_KILL, TRADE_FIRM, 0), COMMAND_RESULT_OK);
    assert_int_equal(slot->sequence, 0);
    only_cancels(0, 2);
    assert_int_equal(order(COMMAND_HALT, TRADE_FIRM, 0), COMMAND_RESULT_OK);
    assert_int_equal(order(COMMAND_RESUME, TRADE_FIRM, 0), COMMAND_RESULT_NO_ROOM);
    assert_int_equal(enter(), REFUSAL_KILLED);
    assert_int_equal(order(COMMAND_REDUCE, TRADE_FIRM, 0), COMMAND_RESULT_NO_ROOM);
    assert_int_equal(w->limits->firm.state, TRADING_HALTED);
    events_drain();
    assert_int_equal(order(COMMAND_RESUME, TRADE_FIRM, 0), COMMAND_RESULT_OK);
    assert_int_equal(slot->answer.govern.lifted, LIFT_KILL | LIFT_STATE);
    assert_int_equal(enter(), REFUSAL_NONE);
}

// --- halt, reduce, resume ---

static void states_are_refused_shown_and_taken_back(void **state)
{
    (void)state;
    ready();
    open_orders(1);
    assert_int_equal(order(COMMAND_HALT, TRADE_SYMBOL, 0), COMMAND_RESULT_OK);
    assert_int_equal(w->rig.sent_len, 0); // what is open stays
    assert_int_equal(slot->answer.govern.was, TRADING_ACTIVE);
    assert_int_equal(slot->answer.govern.now, TRADING_HALTED);
    const struct event *e = event_numbered(slot->sequence);
    assert_int_equal(e->type, EVENT_TRADING_STATE);
    assert_int_equal(e->trading_state.scope, TRADE_SYMBOL);
    assert_int_equal(e->trading_state.limits_version, 2);
    assert_int_equal(w->desk.board->symbols[0], TRADING_HALTED);
    assert_int_equal(w->desk.board->limits_version, 2);
    assert_int_equal(enter(), REFUSAL_HALTED);
    struct desk_order other = buy;
    uint32_t index;
    other.instrument = 1;
    assert_int_equal(desk_enter(&w->desk, &w->who, &other, &index), REFUSAL_NONE);
    assert_int_equal(order(COMMAND_REDUCE, TRADE_SYMBOL, 0), COMMAND_RESULT_OK);
    assert_int_equal(enter(), REFUSAL_REDUCING);
    assert_int_equal(order(COMMAND_RESUME, TRADE_SYMBOL, 0), COMMAND_RESULT_OK);
    assert_int_equal(slot->answer.govern.lifted, LIFT_STATE);
    assert_int_equal(w->desk.board->symbols[0], TRADING_ACTIVE);
    assert_int_equal(enter(), REFUSAL_NONE);
    assert_int_equal(order(COMMAND_RESUME, TRADE_SYMBOL, 0), COMMAND_RESULT_NOTHING);
    // An account's halt is no symbol's.
    assert_int_equal(order(COMMAND_HALT, TRADE_ACCOUNT, w->who.account), COMMAND_RESULT_OK);
    assert_int_equal(order(COMMAND_RESUME, TRADE_SYMBOL, 0), COMMAND_RESULT_NOTHING);
    assert_int_equal(enter(), REFUSAL_HALTED);
}

// A resume lifts the kills of every asker, and claims what the lane stopped by itself.
static void a_resume_lifts_all_askers_and_claims(void **state)
{
    (void)state;
    ready();
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++)
        kill_ask(&w->desk.kills[asker], TRADE_SYMBOL, 0);
    w->desk.risk.symbols[0].quarantined = true;
    assert_int_equal(order(COMMAND_RESUME, TRADE_SYMBOL, 0), COMMAND_RESULT_OK);
    assert_int_equal(slot->answer.govern.lifted, LIFT_KILL | LIFT_QUARANTINE);
    assert_false(w->desk.risk.symbols[0].quarantined);
    events_look();
    for (uint32_t i = 0, kills = 0; i < seen_count; i++) {
        kills += seen[i].type == EVENT_KILL;
        assert_true(seen[i].type != EVENT_LIFTED || kills == KILL_ASKERS);
    }
    assert_int_equal(enter(), REFUSAL_NONE);
    events_drain();
    assert_int_equal(w->event_count[EVENT_KILL], KILL_ASKERS); // none was lifted unseen
    assert_int_equal(w->event_count[EVENT_LIFTED], KILL_ASKERS + 1);
    w->session.halted = true;
    assert_int_equal(enter(), REFUSAL_SESSION_DOWN);
    assert_int_equal(order(COMMAND_RESUME, TRADE_SESSION, 0), COMMAND_RESULT_OK);
    assert_int_equal(slot->answer.govern.lifted, LIFT_SESSION);
    assert_int_equal(enter(), REFUSAL_NONE);
}

// A strategy that was applied as often as it may is applied again when a person says so.
static void a_resume_counts_repeats_anew(void **state)
{
    (void)state;
    ready();
    w->limits->strategies[w->who.strategy].owner.repeats = 2;
    assert_int_equal(enter(), REFUSAL_NONE);
    assert_int_equal(order(COMMAND_RESUME, TRADE_STRATEGY, w->who.strategy),
                     COMMAND_RESULT_NOTHING);
    assert_int_equal(enter(), REFUSAL_NONE);
    assert_int_equal(enter(), REFUSAL_REPEATED);
    assert_int_equal(order(COMMAND_RESUME, TRADE_STRATEGY, w->who.strategy), COMMAND_RESULT_OK);
    assert_int_equal(slot->answer.govern.lifted, LIFT_REPEATS);
    assert_int_equal(event_numbered(slot->sequence)->type, EVENT_LIFTED);
    assert_int_equal(enter(), REFUSAL_NONE);
}

// A broken limit on losses is recorded once, and only a person lifts it, not while the loss is
// still beyond it.
static void a_resume_lifts_a_broken_loss(void **state)
{
    (void)state;
    struct risk *r = &w->desk.risk;
    ready();
    assert_true(desk_carry(&w->desk, w->who.account, 1, 100, 1000000));
    const uint32_t at = position_open(r, w->who.account, 1);
    w->limits->accounts[w->who.account].owner.loss = 5000;
    money_mark(r, at, 1000000 - 51);
    assert_int_equal(enter(), REFUSAL_LOSS);
    lane_turn(&w->lane, w->now);
    lane_turn(&w->lane, w->now);
    const struct event *e = event_of(EVENT_LOSS_BROKEN);
    assert_non_null(e);
    assert_int_equal(e->loss_broken.value, 5100);
    assert_int_equal(e->loss_broken.limit, 5000);
    assert_int_equal(e->loss_broken.scope, TRADE_ACCOUNT);
    assert_int_equal(e->loss_broken.index, w->who.account);
    assert_int_equal(e->loss_broken.control, LIMIT_LIMITS_loss);
    assert_int_equal(order(COMMAND_RESUME, TRADE_FIRM, 0), COMMAND_RESULT_NOTHING);
    assert_int_equal(order(COMMAND_RESUME, TRADE_ACCOUNT, w->who.account), COMMAND_RESULT_BEYOND);
    money_mark(r, at, 1000000);
    assert_int_equal(enter(), REFUSAL_LOSS);
    assert_int_equal(order(COMMAND_RESUME, TRADE_ACCOUNT, w->who.account), COMMAND_RESULT_OK);
    assert_int_equal(slot->answer.govern.lifted, LIFT_LOSS);
    assert_int_equal(event_numbered(slot->sequence)->type, EVENT_LIFTED);
    assert_int_equal(enter(), REFUSAL_NONE);
    events_drain();
    assert_int_equal(w->event_count[EVENT_LOSS_BROKEN], 1);
}

// Of two limits on losses the one that is still beyond its limit stays broken, and the record says
// which was taken back.
static void a_resume_lifts_only_what_is_no_longer_lost(void **state)
{
    (void)state;
    struct risk *r = &w->desk.risk;
    struct limit_owner *limits = &w->limits->accounts[w->who.account].owner;
    ready();
    assert_true(desk_carry(&w->desk, w->who.account, 1, 100, 1000000));
    limits->loss = limits->drawdown = 5000;
    money_mark(r, position_open(r, w->who.account, 1), 1000000 - 51);
    assert_int_equal(order(COMMAND_RESUME, TRADE_ACCOUNT, w->who.account), COMMAND_RESULT_OK);
    const struct event *e = event_numbered(slot->sequence);
    assert_int_equal(e->type, EVENT_LIFTED);
    assert_int_equal(e->lifted.losses, 1u << LOSS_FROM_BEST);
    assert_int_equal(enter(), REFUSAL_LOSS);
}

// No room for the record: it waits for some, and the limit holds all the same.
static void a_broken_loss_waits_for_its_record(void **state)
{
    (void)state;
    ready();
    assert_true(desk_carry(&w->desk, w->who.account, 1, 100, 1000000));
    w->limits->firm.owner.drawdown = 0;
    struct event filler = {.type = EVENT_LANE_READY};
    while (event_write(&w->lane.trading, &filler))
        ;
    money_mark(&w->desk.risk, position_open(&w->desk.risk, w->who.account, 1), 999999);
    lane_turn(&w->lane, w->now);
    events_drain();
    assert_int_equal(w->event_count[EVENT_LOSS_BROKEN], 0);
    lane_turn(&w->lane, w->now);
    events_drain();
    assert_int_equal(w->event_count[EVENT_LOSS_BROKEN], 1);
    assert_int_equal(enter(), REFUSAL_DRAWDOWN);
}

static void a_mass_cancel_stops_nobody(void **state)
{
    (void)state;
    ready();
    open_orders(20);
    assert_int_equal(order(COMMAND_CANCEL, TRADE_STRATEGY, w->who.strategy), COMMAND_RESULT_OK);
    assert_int_equal(event_numbered(slot->sequence)->type, EVENT_GOVERNED);
    lane_turn(&w->lane, w->now);
    only_cancels(0, 20);
    assert_int_equal(enter(), REFUSAL_NONE);
    assert_int_equal(order(COMMAND_CANCEL, TRADE_STRATEGY, 9), COMMAND_RESULT_OK);
    lane_turn(&w->lane, w->now);
    assert_false(orders_at(&w->desk.orders, 20)->waits & WAIT_CANCEL); // the new one stays
}

// --- strategies ---

static uint32_t switches[2];
static int64_t told[PARAMETERS_MAX];

static bool start(void *state, const struct strategy_setup *setup, const char **why)
{
    (void)state;
    (void)setup;
    (void)why;
    return true;
}

static void enabled(void *state, bool on)
{
    (void)state;
    switches[on]++;
}

static bool parameters(void *state, const struct strategy_parameters *p)
{
    (void)state;
    if (p->value[0] == 0)
        return false;
    memcpy(told, p->value, sizeof told);
    return true;
}

static void strategies_are_switched_and_set(void **state)
{
    (void)state;
    static struct desk_strategies strategies;
    static const struct strategy plain = {.interface = STRATEGY_INTERFACE,
                                          .state_bytes = 8,
                                          .name = "plain",
                                          .start = start,
                                          .enabled = enabled,
                                          .parameters = parameters};
    void *const memory[SESSIONS_MAX] = {NULL};
    const uint16_t symbol = 0;
    struct error err = {0};
    ready();
    memset(&strategies, 0, sizeof strategies);
    memset(switches, 0, sizeof switches);
    assert_int_equal(order(COMMAND_STRATEGY_ENABLE, TRADE_STRATEGY, 0),
                     COMMAND_RESULT_BAD_ARGUMENT); // there are none yet
    desk_strategies_init(&w->desk, &strategies, 1000000000, memory);
    struct strategy_slot *host = &strategies.hosts[0].slot;
    assert_true(strategy_attach(host, &plain, "plain one", &err));
    desk_strategy_add(&w->desk, &strategies.hosts[0], 1, &symbol, 1, 1000000);
    host->setup.parameters = (struct strategy_parameters){.count = 2, .value = {10, 20}};
    w->who.strategy = 0;

    assert_int_equal(order(COMMAND_STRATEGY_ENABLE, TRADE_STRATEGY, 0), COMMAND_RESULT_OK);
    assert_int_equal(host->off, STRATEGY_ON);
    assert_int_equal(switches[1], 1);
    assert_non_null(event_of(EVENT_STRATEGY));
    assert_int_equal(order(COMMAND_STRATEGY_ENABLE, TRADE_STRATEGY, 0), COMMAND_RESULT_NOTHING);
    assert_int_equal(order(COMMAND_STRATEGY_ENABLE, TRADE_STRATEGY, 1),
                     COMMAND_RESULT_BAD_ARGUMENT);
    assert_int_equal(order(COMMAND_STRATEGY_ENABLE, TRADE_ACCOUNT, 0), COMMAND_RESULT_BAD_ARGUMENT);

    post(COMMAND_STRATEGY_SET, TRADE_STRATEGY, 0);
    slot->request.govern.chosen = 2;
    slot->request.govern.parameters[0] = 99; // not chosen
    slot->request.govern.parameters[1] = -5;
    assert_int_equal(command_taken(slot), COMMAND_RESULT_OK);
    assert_int_equal(told[0], 10);
    assert_int_equal(told[1], -5);
    assert_int_equal(region_strategy_values(&w->lane.view, 0)->value[1], -5);
    post(COMMAND_STRATEGY_SET, TRADE_STRATEGY, 0);
    slot->request.govern.chosen = 1; // which it refuses: nothing of it stays
    slot->request.govern.parameters[0] = 0;
    assert_int_equal(command_taken(slot), COMMAND_RESULT_PARAMETERS_REFUSED);
    assert_int_equal(host->setup.parameters.value[0], 10);
    assert_int_equal(region_strategy_values(&w->lane.view, 0)->value[0], 10);
    post(COMMAND_STRATEGY_SET, TRADE_STRATEGY, 0);
    slot->request.govern.chosen = 2;
    slot->request.govern.parameters[1] = 6;
    assert_int_equal(command_taken(slot), COMMAND_RESULT_OK);
    assert_int_equal(told[0], 10);
    assert_int_equal(told[1], 6);
    post(COMMAND_STRATEGY_SET, TRADE_STRATEGY, 0);
    slot->request.govern.chosen = 4; // it has two
    assert_int_equal(command_taken(slot), COMMAND_RESULT_BAD_ARGUMENT);
    assert_int_equal(order(COMMAND_STRATEGY_SET, TRADE_STRATEGY, 0), COMMAND_RESULT_BAD_ARGUMENT);

    open_orders(2);
    assert_int_equal(order(COMMAND_STRATEGY_DISABLE, TRADE_STRATEGY, 0), COMMAND_RESULT_OK);
    assert_int_equal(host->off, STRATEGY_OFF_ASKED);
    assert_int_equal(switches[0], 1);
    only_cancels(0, 2);
    assert_int_equal(order(COMMAND_STRATEGY_DISABLE, TRADE_STRATEGY, 0), COMMAND_RESULT_OK);
    assert_int_equal(switches[0], 1);
    strategy_unload(host);
}

// --- nonsense ---

static void what_is_out_of_range_changes_nothing(void **state)
{
    (void)state;
    ready();
    open_orders(1);
    const enum command_type types[] = {COMMAND_KILL, COMMAND_HALT, COMMAND_REDUCE, COMMAND_RESUME,
                                       COMMAND_CANCEL};
    for (uint32_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_int_equal(order(types[i], TRADE_FIRM, 1), COMMAND_RESULT_BAD_ARGUMENT);
        assert_int_equal(order(types[i], TRADE_ACCOUNT, ACCOUNTS_MAX), COMMAND_RESULT_BAD_ARGUMENT);
        assert_int_equal(order(types[i], TRADE_STRATEGY, STRATEGIES_MAX),
                         COMMAND_RESULT_BAD_ARGUMENT);
        assert_int_equal(order(types[i], TRADE_SYMBOL, MODEL_SYMBOLS), COMMAND_RESULT_BAD_ARGUMENT);
        assert_int_equal(order(types[i], TRADE_SESSION, 1), COMMAND_RESULT_BAD_ARGUMENT);
        assert_int_equal(order(types[i], TRADE_SCOPES, 0), COMMAND_RESULT_BAD_ARGUMENT);
        assert_int_equal(order(types[i], (enum trade_scope)UINT32_MAX, UINT32_MAX),
                         COMMAND_RESULT_BAD_ARGUMENT);
    }
    assert_int_equal(order(COMMAND_TYPES, TRADE_FIRM, 0), COMMAND_RESULT_UNKNOWN);
    assert_int_equal(w->rig.sent_len, 0);
    assert_int_equal(enter(), REFUSAL_NONE);
    events_drain();
    assert_int_equal(w->event_count[EVENT_GOVERNED], 0);
    w->lane.desk = NULL; // a lane without a desk
    assert_int_equal(order(COMMAND_KILL, TRADE_FIRM, 0), COMMAND_RESULT_NO_TRADING);
}

// A reason without its zero is cut, not read beyond its end.
static void a_reason_ends(void **state)
{
    (void)state;
    ready();
    post(COMMAND_HALT, TRADE_FIRM, 0);
    memset(slot->request.govern.reason, 'x', REASON_LEN);
    assert_int_equal(command_taken(slot), COMMAND_RESULT_OK);
    const struct event *e = event_of(EVENT_GOVERNED);
    assert_int_equal(e ? strlen(e->governed.reason) : 0, REASON_LEN - 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)
    const struct CMUnitTest tests[] = {
        TEST(nothing_but_cancels_after_a_kill_is_answered),
        TEST(a_kill_that_is_seen_before_its_command_is_answered_with_its_event),
        TEST(scopes_are_apart),
        TEST(a_full_ring_stops_no_kill_and_lets_nothing_wider),
        TEST(states_are_refused_shown_and_taken_back),
        TEST(a_resume_lifts_all_askers_and_claims),
        TEST(a_resume_counts_repeats_anew),
        TEST(a_resume_lifts_a_broken_loss),
        TEST(a_resume_lifts_only_what_is_no_longer_lost),
        TEST(a_resume_lifts_only_what_is_no_longer_lost),
        TEST(a_broken_loss_waits_for_its_record),
        TEST(a_mass_cancel_stops_nobody),
        TEST(strategies_are_switched_and_set),
        TEST(what_is_out_of_range_changes_nothing),
        TEST(a_reason_ends),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
