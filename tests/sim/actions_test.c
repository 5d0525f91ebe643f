// What every control does beside refusing, through the whole dataplane: an order breaks a limit,
// and its scope is blocked, cancelled, logged out of its exchange, or the order passes and is told.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/lane/desk_act.h"
#include "tests/sim/controls_world.h"

enum { SETTLES = 300 }; // steps in which an exchange answers

static struct event_breach told;
static uint32_t breaches;

static void action_set(enum refusal refusal, enum control_action action)
{
    sim->limits->actions[REFUSAL_BIT(refusal)] = (uint8_t)action;
}

// The newest of the last <events> that the lane has published.
static bool breach_find(uint32_t events)
{
    const struct event_writer *w = &sim->lane.trading;
    for (uint32_t n = 1; n <= events && n <= w->tail; n++) {
        const struct event *e = &w->slots[(w->tail - n) & w->mask];
        if (e->type == EVENT_BREACH) {
            told = e->breach;
            return true;
        }
    }
    return false;
}

static enum command_result resume(enum trade_scope scope, uint32_t index)
{
    const struct govern_request ask = {.scope = scope, .index = index, .reason = "test"};
    struct govern_answer answer;
    uint64_t sequence;
    return desk_command(&sim->lane, COMMAND_RESUME, &ask, &answer, &sequence);
}

// What is broken in a test: a control of either table.
struct broken {
    enum refusal refusal;
    void (*limit)(void);                 // is set, and an order like the one that rests breaks it
    void (*order)(struct desk_order *o); // or: makes one that is refused
};

static bool goes_on(const struct control *c)
{
    return c->refusal != REFUSAL_NONE && c->refused & ENTER && c->sides >> sells & 1;
}

// The world in which <o> breaks it.
static void open_broken(const struct broken *b, enum control_action action, struct desk_order *o)
{
    open_world(sells);
    *o = passive();
    if (b->limit) {
        b->limit();
        o->price = off_last();
        o->extras = extras;
        o->instrument = instrument;
    }
    if (b->order)
        b->order(o);
    action_set(b->refusal, action);
}

static void breached(const struct broken *b, enum control_action action)
{
    struct desk_order o;
    uint32_t index;
    open_broken(b, action, &o);
    const enum refusal refusal = desk_enter(&sim->desk, &owner, &o, &index);
    if (refusal != b->refusal)
        fail_msg("%s instead of %s", refusal_name(refusal), refusal_name(b->refusal));
}

static enum refusal another(void)
{
    uint32_t index;
    const struct desk_order o = passive();
    return desk_enter(&sim->desk, &owner, &o, &index);
}

static void blocks(const struct broken *b)
{
    breached(b, ACTION_BLOCK);
    assert_true(breach_find(3));
    assert_int_equal(told.action, ACTION_BLOCK);
    assert_int_equal(told.refusal, b->refusal);
    const struct exposure_owner who = {
        .account = ACCOUNT, .strategy = TRADE_DRIVER, .instrument = SYMBOL, .session = 0};
    assert_int_equal(told.index, scope_index(&who, told.scope));
    assert_int_equal(limit_row_of(sim->limits, told.scope, told.index)->state, TRADING_HALTED);
    assert_int_equal(another(), REFUSAL_HALTED);
    assert_int_equal(orders_at(&sim->desk.orders, own)->life, LIFE_LIVE); // what is open stays
    assert_int_equal(desk_cancel(&sim->desk, own, 0), REFUSAL_NONE);
    assert_int_equal(resume(told.scope, told.index), COMMAND_RESULT_OK);
    assert_int_equal(limit_row_of(sim->limits, told.scope, told.index)->state, TRADING_ACTIVE);
    end_world();
}

static void cancels(const struct broken *b)
{
    breached(b, ACTION_CANCEL);
    assert_true(breach_find(3));
    assert_int_equal(told.action, ACTION_CANCEL);
    assert_int_equal(another(), REFUSAL_KILLED);
    for (uint32_t i = 0; i < SETTLES && orders_at(&sim->desk.orders, own)->life != LIFE_DEAD; i++)
        trade_step();
    assert_int_equal(orders_at(&sim->desk.orders, own)->life, LIFE_DEAD);
    assert_int_equal(sim->venues[0].session.state, SESSION_READY); // it stays
    assert_int_equal(another(), REFUSAL_KILLED);
    assert_int_equal(resume(told.scope, told.index), COMMAND_RESULT_OK);
    assert_int_not_equal(another(), REFUSAL_KILLED);
    end_world();
}

static void disables(const struct broken *b)
{
    breached(b, ACTION_DISABLE);
    struct session *s = &sim->venues[0].session;
    assert_true(breach_find(3));
    assert_int_equal(told.action, ACTION_DISABLE);
    const struct event_breach first = told;
    assert_true(s->enabled && s->halted); // cancels first
    assert_int_equal(another(), REFUSAL_KILLED);
    for (uint32_t i = 0; i < SETTLES && s->enabled; i++)
        trade_step();
    assert_false(s->enabled);
    assert_int_equal(orders_at(&sim->desk.orders, own)->life, LIFE_DEAD);
    assert_int_equal(sim->desk.orders.sessions[0].open_count, 0);
    for (uint32_t i = 0; i < SETTLES; i++)
        trade_step();
    assert_int_equal(s->state, SESSION_DOWN); // and stays so
    // Strategies go on asking while it comes back, and what they ask counts.
    session_row()->rate_ticks = symbol_row()->rate_ticks = 0;
    sim->desk.risk.rate_at[0] = sim->desk.risk.symbols[SYMBOL].rate_at = 0;
    if (first.scope != TRADE_SESSION)
        assert_int_equal(resume(first.scope, first.index), COMMAND_RESULT_OK);
    assert_int_equal(resume(TRADE_SESSION, 0), COMMAND_RESULT_OK);
    assert_true(s->enabled && !s->halted);
    for (uint32_t i = 0; i < 10 * SETTLES && s->state != SESSION_READY; i++)
        trade_step();
    assert_int_equal(s->state, SESSION_READY);
    end_world();
}

static void notifies(const struct broken *b)
{
    struct desk_order o;
    uint32_t index;
    open_broken(b, ACTION_NOTIFY, &o);
    const uint64_t sent = sim->venues[0].session.count.sent;
    const uint32_t before = sim->desk.risk.noted;
    const enum refusal refusal = desk_enter(&sim->desk, &owner, &o, &index);
    if (refusal != REFUSAL_NONE)
        fail_msg("%s: %s", refusal_name(b->refusal), refusal_name(refusal));
    assert_int_equal(sim->venues[0].session.count.sent, sent + 1);
    assert_int_equal(sim->desk.risk.noted, before + 1);
    breaches = sim->event_count[EVENT_BREACH];
    trade_step();
    assert_int_equal(sim->event_count[EVENT_BREACH], breaches + 1);
    assert_int_equal(sim->desk.noted, sim->desk.risk.noted);
    end_world();
}

static bool may(unsigned refusal, enum control_action action)
{
    return actions_permitted(refusal) >> action & 1;
}

// Every control that may have the action: one that no table breaks fails.
static void each(void (*test)(const struct broken *b), enum control_action action)
{
    bool tried[REFUSALS] = {false};
    unsigned check;
    for (uint32_t side = 0; side < 2; side++) {
        sells = side;
        for (uint32_t i = 0; i < sizeof controls / sizeof controls[0]; i++)
            if (goes_on(&controls[i]) && may(controls[i].refusal, action) &&
                (side == 0 || controls[i].sides == SELLS)) { // what both sides have, once
                test(&(struct broken){.refusal = controls[i].refusal, .limit = controls[i].set});
                tried[controls[i].refusal] = true;
            }
    }
    sells = false;
    for (uint32_t i = 0; i < sizeof standings / sizeof standings[0]; i++)
        if (may(standings[i].refusal, action)) {
            test(&(struct broken){.refusal = standings[i].refusal, .order = standings[i].set});
            tried[standings[i].refusal] = true;
        }
    for (unsigned i = 0; (check = refusal_check(i)) != REFUSAL_NONE; i++)
        if (may(check, action) && !tried[check])
            fail_msg("nothing breaks %s", refusal_name(check));
}

static void every_control_blocks(void **state)
{
    (void)state;
    each(blocks, ACTION_BLOCK);
}

static void every_control_cancels(void **state)
{
    (void)state;
    each(cancels, ACTION_CANCEL);
}

static void every_control_disables(void **state)
{
    (void)state;
    each(disables, ACTION_DISABLE);
}

static void what_may_only_tell_lets_pass(void **state)
{
    (void)state;
    each(notifies, ACTION_NOTIFY);
}

// With no action a refusal is what it was.
static void refusing_does_no_more(void **state)
{
    (void)state;
    sells = false;
    breached(&(struct broken){.refusal = REFUSAL_QUANTITY, .limit = quantity}, ACTION_REFUSE);
    assert_false(breach_find(3));
    sim->limits->firm.quantity = SHARES;
    assert_int_equal(another(), REFUSAL_NONE);
    end_world();
}

// More notes than there are places: the newest are told.
static void notes_are_bounded(void **state)
{
    (void)state;
    sells = false;
    open_world(false);
    symbol_row()->symbol.volume = SHARES - 1;
    action_set(REFUSAL_VOLUME, ACTION_NOTIFY);
    breaches = sim->event_count[EVENT_BREACH];
    for (uint32_t i = 0; i < RISK_NOTES + 8; i++) {
        sim->desk.risk.event_credit_min = 0;
        another();
    }
    const uint32_t noted = sim->desk.risk.noted;
    assert_true(noted > RISK_NOTES);
    trade_step();
    trade_step();
    assert_int_equal(sim->event_count[EVENT_BREACH], breaches + RISK_NOTES);
    assert_int_equal(sim->desk.noted, noted);
    end_world();
}

// An order of another lane has broken a limit of the firm.
static void other_lanes_are_told(void **state)
{
    (void)state;
    sells = false;
    for (uint32_t k = 0; k < 2; k++) {
        const enum control_action action = k ? ACTION_CANCEL : ACTION_BLOCK;
        open_world(false);
        const struct lane_answer answer = {.kind = ANSWER_ACT,
                                           .sequence = act_word(action, TRADE_ACCOUNT, ACCOUNT)};
        assert_true(spsc_push(&sim->lane.answers, &answer));
        breaches = sim->event_count[EVENT_BREACH];
        trade_step();
        trade_step();
        assert_int_equal(sim->event_count[EVENT_BREACH], breaches + 1);
        assert_int_equal(another(), k ? REFUSAL_KILLED : REFUSAL_HALTED);
        assert_int_equal(resume(TRADE_ACCOUNT, ACCOUNT), COMMAND_RESULT_OK);
        for (uint32_t i = 0; i < SETTLES; i++)
            trade_step();
        assert_int_equal(orders_at(&sim->desk.orders, own)->life == LIFE_DEAD, k);
        end_world();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_control_blocks),   cmocka_unit_test(every_control_cancels),
        cmocka_unit_test(every_control_disables), cmocka_unit_test(what_may_only_tell_lets_pass),
        cmocka_unit_test(refusing_does_no_more),  cmocka_unit_test(notes_are_bounded),
        cmocka_unit_test(other_lanes_are_told),
    };
    return cmocka_run_group_tests_name("actions", tests, NULL, NULL);
}
