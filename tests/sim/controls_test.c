// Every control that is a limit, through the whole dataplane: books come from the lines, an order
// rests at the exchange, and then a limit is set that an enter, a replace and a modify would break.
// All three are refused by it, nothing leaves, and without the limit they pass.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/sim/controls_world.h"

// Checks by which an order was refused in any of the tests.
static bool seen[REFUSALS];

static void close_world(void)
{
    for (uint32_t i = 0; i < REFUSALS; i++)
        seen[i] |= sim->desk.count.refusals[i] > 0;
    end_world();
}

static enum refusal ask_for(uint32_t what)
{
    uint32_t index;
    struct desk_order o = passive();
    o.price = off_last();
    o.extras = extras;
    const char side = sells ? 'S' : 'B';
    return what == ENTER     ? desk_enter(&sim->desk, &owner, &o, &index)
           : what == REPLACE ? desk_replace(&sim->desk, &owner, own, 2 * SHARES, o.price)
                             : desk_modify(&sim->desk, &owner, own, SHARES, side);
}

static void one(const struct control *c, uint32_t what)
{
    open_world(sells);
    if ((c->refusal == REFUSAL_LAST_TRADE || c->refusal == REFUSAL_PRICE_PERIOD) &&
        what == MODIFY && off_last() != passive().price) {
        close_world(); // a modify keeps its price, which is that of the last trade
        return;
    }
    c->set();
    const uint64_t sent = sim->venues[0].session.count.sent;
    const uint32_t open = sim->desk.risk.firm.orders;
    const enum refusal refusal = ask_for(what);
    const enum refusal want = c->refused & what ? c->refusal : REFUSAL_NONE;
    if (refusal != want)
        fail_msg("%s of a %s: %s instead of %s",
                 what == ENTER     ? "enter"
                 : what == REPLACE ? "replace"
                                   : "modify",
                 sells ? "sale" : "buy", refusal_name(refusal), refusal_name(want));
    assert_int_equal(sim->venues[0].session.count.sent - sent, refusal == REFUSAL_NONE);
    if (refusal != REFUSAL_NONE) {
        assert_int_equal(sim->desk.risk.firm.orders, open);
        assert_int_equal(sim->desk.count.refusals[refusal], 1);
        assert_int_equal(desk_cancel(&sim->desk, own, 0), REFUSAL_NONE); // always passes
        trade_step();
        assert_int_equal(sim->event_count[EVENT_CANCEL_SENT] > 0, 1);
    }
    close_world();
}

static void every_control_holds_enter_replace_and_modify(void **state)
{
    (void)state;
    for (uint32_t side = 0; side < 2; side++)
        for (uint32_t i = 0; i < sizeof controls / sizeof controls[0]; i++)
            for (uint32_t what = ENTER; what <= MODIFY; what *= 2) {
                sells = side;
                if (controls[i].sides >> side & 1)
                    one(&controls[i], what);
            }
}

static void what_is_no_limit_refuses_as_well(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof standings / sizeof standings[0]; i++) {
        open_world(false);
        uint32_t index;
        struct desk_order o = passive();
        standings[i].set(&o);
        const uint64_t sent = sim->venues[0].session.count.sent;
        const enum refusal refusal = desk_enter(&sim->desk, &owner, &o, &index);
        if (refusal != standings[i].refusal)
            fail_msg("%s instead of %s", refusal_name(refusal), refusal_name(standings[i].refusal));
        assert_int_equal(sim->venues[0].session.count.sent, sent);
        close_world();
    }
}

// The row is the lower of two limits: the record says whose it was.
static void a_limit_of_the_brokers_is_told_as_his(void **state)
{
    (void)state;
    for (uint32_t broker = 0; broker < 2; broker++) {
        sells = false;
        open_world(false);
        uint32_t index;
        const struct desk_order o = passive();
        account_row()->quantity = SHARES - 1;
        limit_row_owners(account_row(), broker ? 1u << LIMIT_LIMITS_quantity : 0);
        assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_QUANTITY);
        const struct event_writer *w = &sim->lane.trading;
        const struct event *e = &w->slots[(w->tail - 1) & w->mask];
        assert_int_equal(e->type, EVENT_DECISION);
        assert_int_equal((e->decision.checks & CHECKS_OF_BROKER) != 0, broker);
        assert_int_equal(e->decision.scope, TRADE_ACCOUNT);
        assert_int_equal(e->decision.limit, SHARES - 1);
        close_world();
    }
}

// The same three orders again and again: a duplicate, whatever it is.
static void duplicates_are_of_a_kind(void **state)
{
    (void)state;
    sells = false;
    open_world(false);
    uint32_t index;
    struct desk_order o = passive();
    o.price -= 100;
    account_row()->owner.duplicates = 1;
    account_row()->owner.duplicate_window = 1 << 30;
    assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_NONE);
    assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_DUPLICATE);
    assert_int_equal(desk_replace(&sim->desk, &owner, own, 2 * SHARES, o.price), REFUSAL_NONE);
    for (uint32_t i = 0; i < 20; i++)
        trade_step();
    assert_int_equal(desk_replace(&sim->desk, &owner, own, 2 * SHARES, o.price), REFUSAL_DUPLICATE);
    assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_DUPLICATE);
    close_world();
}

// A price is compared with the book that the lines have made.
static void prices_are_held_to_the_book(void **state)
{
    (void)state;
    sells = false;
    open_world(false);
    uint32_t index;
    struct desk_order o = passive();
    symbol_row()->symbol.touch = 1000;
    o.price = ask_low + ask_low / 10 + 1;
    assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_TOUCH);
    assert_int_equal(desk_replace(&sim->desk, &owner, own, SHARES, o.price), REFUSAL_TOUCH);
    o.price = bid - bid / 10 - 1;
    assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_TOUCH);
    o.price = bid - bid / 10 + 1;
    assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_NONE);
    close_world();
}

// A market order is a limit at the edge of what passes, on a cent, which the exchange executes and
// which does not rest.
static void market_orders_are_held_to_the_book(void **state)
{
    (void)state;
    for (uint32_t side = 0; side < 2; side++) {
        sells = side;
        open_world(side);
        uint32_t index;
        struct desk_order o = passive();
        o.price = OUCH50_PRICE_MARKET;
        account_row()->owner.market = MARKET_CONVERTED;
        symbol_row()->symbol.touch = 100;
        const uint32_t edge = sells ? bid - bid / 100 : ask_low + ask_low / 100;
        const uint32_t want = (sells ? edge + 99 : edge) / 100 * 100;
        assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_NONE);
        const struct own_order *sent = orders_at(&sim->desk.orders, index);
        assert_int_equal(sent->price, want);
        assert_int_equal(sent->time_in_force, '3');
        for (uint32_t k = 0; k < 20; k++)
            trade_step();
        assert_int_equal(sent->life, LIFE_DEAD);
        assert_true(sent->flags & ORDER_ACCEPTED && sent->filled > 0);
        assert_int_equal(desk_replace(&sim->desk, &owner, own, SHARES, OUCH50_PRICE_MARKET),
                         REFUSAL_PRICE_RANGE);
        account_row()->owner.market = MARKET_REFUSED;
        assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_MARKET);
        close_world();
    }
}

// A cross, and what waits while nothing is traded, is held to a reference, not to the book.
static void auctions_are_held_to_their_reference(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < 3; kind++) {
        sells = false;
        open_world(false);
        const struct ouch_extras cross = {.cross = "OC"[kind % 2]};
        uint32_t index;
        struct desk_order o = passive();
        o.extras = kind < 2 ? &cross : NULL;
        symbol_row()->symbol.touch = 100; // of it the reference is far from the book
        symbol_row()->symbol.previous_close = kind == 0 ? 2000000 : 4000000;
        book()->last_price = kind == 0 ? 4000000 : 2000000;
        if (kind == 2) {
            book()->trading_state = 'Q';
            symbol_row()->quality = QUALITY_HALTED;
        }
        o.price = 2020001;
        assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_TOUCH);
        o.price = 1979999;
        assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_TOUCH);
        o.price = 1980000;
        assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_NONE);
        o.price = 2020000;
        assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_NONE);
        if (kind < 2) // as a day order of the continuous market it is far from the book
            o.extras = NULL;
        else
            book()->trading_state = 'T';
        assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_TOUCH);
        close_world();
    }
}

static void buy_at_once(void)
{
    uint32_t index;
    struct desk_order o = passive();
    o.price = ask_low + 1000;
    o.time_in_force = '3';
    assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_NONE);
}

// A position is worth what the book says, and its account's profit follows.
static void positions_are_marked_by_the_book(void **state)
{
    (void)state;
    sells = false;
    open_world(false);
    buy_at_once();
    const uint32_t at = position_open(&sim->desk.risk, ACCOUNT, SYMBOL);
    const struct position *p = &sim->desk.risk.positions[at];
    const struct position_money *m = &sim->desk.risk.money[at];
    bool moved = false;
    uint32_t first = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        trade_step();
        const struct owner_day *day = &sim->desk.risk.account_days[ACCOUNT];
        first = first ? first : m->mark;
        moved |= p->shares && m->mark != first;
        assert_int_equal(owner_profit(day), position_profit(m));
    }
    assert_true(p->shares > 0 && moved);
    assert_true(best()); // all positions have had their turn since the last change
    for (uint32_t i = 0; i <= sim->desk.risk.position_mask; i++)
        lane_turn(&sim->lane, sim->now);
    assert_int_equal(m->mark, (bid + ask_low) / 2);
    assert_int_equal(m->marked, p->shares * (int64_t)m->mark);
    close_world();
}

// The market marks a position down and back up again: what was broken on the way stays broken until
// a person resumes the account.
static void a_loss_by_the_market_stays_broken(void **state)
{
    (void)state;
    sells = false;
    open_world(false);
    buy_at_once();
    const struct owner_day *day = &sim->desk.risk.account_days[ACCOUNT];
    uint32_t i = 0;
    int64_t least = 0;
    for (; i < 100 && day->traded == 0; i++)
        trade_step();
    account_row()->owner.drawdown = 1; // the next mark below the best breaks it
    for (; i < STEPS_MAX && !day->broken; i++)
        trade_step();
    assert_int_equal(day->broken, 1u << LOSS_FROM_BEST);
    for (least = owner_profit(day); i < STEPS_MAX && owner_profit(day) <= least; i++)
        trade_step();
    assert_true(owner_profit(day) > least);
    struct desk_order o = passive();
    uint32_t index;
    assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_DRAWDOWN);
    assert_int_equal(sim->event_count[EVENT_LOSS_BROKEN], 1);
    account_row()->owner.drawdown = LIMIT_NOTIONAL_MAX;
    assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_DRAWDOWN);
    const struct govern_request ask = {.scope = TRADE_ACCOUNT, .index = ACCOUNT, .reason = "test"};
    struct govern_answer answer;
    uint64_t sequence;
    assert_int_equal(desk_command(&sim->lane, COMMAND_RESUME, &ask, &answer, &sequence),
                     COMMAND_RESULT_OK);
    assert_int_equal(answer.lifted, LIFT_LOSS);
    assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_NONE);
    close_world();
}

// --- the clock ---

static void clock_is(uint64_t error)
{
    const struct lane_answer answer = {.kind = ANSWER_CLOCK, .sequence = error};
    assert_true(spsc_push(&sim->lane.answers, &answer));
    trade_step();
}

// Inside, at and outside of the bound; what is open can be cancelled, and answers go on counting.
static void orders_stop_while_the_clock_is_doubtful(void **state)
{
    (void)state;
    sells = false;
    open_world(false);
    uint32_t index;
    const struct desk_order o = passive();
    clock_is(UINT64_MAX);
    assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), REFUSAL_NONE); // nobody asks
    sim->desk.risk.clock_limit = 100000;
    sim->desk.clock = CLOCK_DOUBTFUL; // as a desk begins that has a bound
    static const struct {
        uint64_t error;
        enum refusal refusal;
        uint32_t events;
    } looks[] = {{99999, REFUSAL_NONE, 1},          {100000, REFUSAL_NONE, 1},
                 {100001, REFUSAL_CLOCK, 2},        {UINT64_MAX, REFUSAL_CLOCK, 2},
                 {99999, REFUSAL_NONE, 3},          {UINT64_MAX, REFUSAL_CLOCK, 4},
                 {UINT64_MAX - 1, REFUSAL_CLOCK, 4}};
    for (uint32_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        clock_is(looks[i].error);
        const uint64_t sent = sim->venues[0].session.count.sent;
        const bool passes = looks[i].refusal == REFUSAL_NONE;
        assert_int_equal(sim->desk.board->clock, passes ? CLOCK_GOOD : CLOCK_DOUBTFUL);
        assert_int_equal(desk_enter(&sim->desk, &owner, &o, &index), looks[i].refusal);
        assert_int_equal(sim->venues[0].session.count.sent - sent, passes);
        trade_step();
        assert_int_equal(sim->event_count[EVENT_CLOCK], looks[i].events);
    }
    assert_int_equal(desk_replace(&sim->desk, &owner, own, 2 * SHARES, bid), REFUSAL_CLOCK);
    assert_int_equal(desk_modify(&sim->desk, &owner, own, SHARES, 'B'), REFUSAL_CLOCK);
    assert_int_equal(desk_cancel(&sim->desk, own, 0), REFUSAL_NONE);
    for (uint32_t k = 0; k < 100; k++)
        trade_step();
    assert_int_equal(orders_at(&sim->desk.orders, own)->life, LIFE_DEAD);
    close_world();
}

// --- self-trades ---

// On another session an order of another account and strategy would meet the one that rests.
static void an_order_does_not_meet_its_own(void **state)
{
    static const struct desk_owner other = {.account = 2, .strategy = TRADE_DRIVER};
    (void)state;
    for (uint32_t side = 0; side < 2; side++) {
        uint32_t index;
        sells = side;
        open_world(sells);
        prevent(SELF_TRADE_NEWEST);
        const uint32_t price = orders_at(&sim->desk.orders, own)->price;
        struct desk_order o = passive();
        o.side = sells ? 'B' : 'S';
        o.price = price + (sells ? -100u : 100u); // beside it
        assert_int_equal(desk_enter(&sim->desk, &other, &o, &index), REFUSAL_NONE);
        o.price = price;
        assert_int_equal(desk_enter(&sim->desk, &other, &o, &index), REFUSAL_SELF_TRADE);
        o.price = price + (sells ? 100u : -100u);
        assert_int_equal(desk_enter(&sim->desk, &other, &o, &index), REFUSAL_SELF_TRADE);
        if (sim->venues[1].session.state == SESSION_READY) {
            o.session = 1;
            assert_int_equal(desk_enter(&sim->desk, &other, &o, &index), REFUSAL_SELF_TRADE);
        }
        // Cancelled first, and the exchange executes nothing against it.
        o.session = 0;
        o.price = price;
        sim->limits->firm.owner.self_trade = SELF_TRADE_OLDEST;
        assert_int_equal(desk_enter(&sim->desk, &other, &o, &index), REFUSAL_NONE);
        for (uint32_t k = 0; k < 100; k++)
            trade_step();
        assert_int_equal(orders_at(&sim->desk.orders, own)->life, LIFE_DEAD);
        assert_int_equal(orders_at(&sim->desk.orders, own)->filled, 0);
        assert_int_equal(sim->event_count[EVENT_SELF_TRADE], 1);
        close_world();
    }
}

// The last of all: a check that no test above has seen refusing has none through the dataplane.
static void every_check_has_refused(void **state)
{
    unsigned check;
    (void)state;
    for (unsigned i = 0; (check = refusal_check(i)) != REFUSAL_NONE; i++)
        if (!seen[check])
            fail_msg("%s has refused nothing here", refusal_name(check));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_control_holds_enter_replace_and_modify),
        cmocka_unit_test(a_limit_of_the_brokers_is_told_as_his),
        cmocka_unit_test(duplicates_are_of_a_kind),
        cmocka_unit_test(prices_are_held_to_the_book),
        cmocka_unit_test(auctions_are_held_to_their_reference),
        cmocka_unit_test(market_orders_are_held_to_the_book),
        cmocka_unit_test(positions_are_marked_by_the_book),
        cmocka_unit_test(a_loss_by_the_market_stays_broken),
        cmocka_unit_test(orders_stop_while_the_clock_is_doubtful),
        cmocka_unit_test(an_order_does_not_meet_its_own),
        cmocka_unit_test(what_is_no_limit_refuses_as_well),
        cmocka_unit_test(every_check_has_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
