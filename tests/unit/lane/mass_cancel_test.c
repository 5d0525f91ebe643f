// A mass cancel takes off what its scope has, and nothing else. It is over once every order has its
// cancel, whatever another session waits for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/examples.h"

enum { TURNS = 1000, TAKEN_OFF = 0, ANOTHER = 5 };

static void enter(uint16_t strategy, uint8_t venue)
{
    const struct desk_owner who = {.account = 1, .strategy = strategy};
    const struct desk_order ask = {.client_id = 1,
                                   .quantity = 100,
                                   .price = 999900,
                                   .session = venue,
                                   .side = 'B',
                                   .time_in_force = '0',
                                   .display = 'Y'};
    uint32_t order = OWN_NONE;
    assert_int_equal(desk_enter(&w->desk, &who, &ask, &order), REFUSAL_NONE);
    turn();
    say_accepted(venue, w->venues[venue].entered_count - 1);
    turn();
}

static uint32_t cancelled(void)
{
    return w->venues[A].cancelled_count + w->venues[B].cancelled_count;
}

static void each_scope_takes_off_its_own(void **state)
{
    const struct {
        enum trade_scope scope;
        uint32_t misses, hits;
    } cases[] = {
        {TRADE_ACCOUNT, 3, 1}, {TRADE_STRATEGY, 5, 2}, {TRADE_SYMBOL, 1, 0}, {TRADE_SESSION, B, A}};
    (void)state;
    market_opens();
    for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
        enter(2, A);
        desk_mass_cancel(&w->desk, cases[i].scope, cases[i].misses);
        turn();
        turn();
        assert_int_equal(cancelled(), i);
        desk_mass_cancel(&w->desk, cases[i].scope, cases[i].hits);
        turn();
        turn();
        assert_int_equal(cancelled(), i + 1);
        say_cancelled(A, w->venues[A].entered_count - 1, 100, 'U');
        turn();
    }
}

static void disable(uint32_t session)
{
    w->desk.sessions[session].session->halted = SESSION_HALT_ORDER;
    w->desk.sessions[session].disabled = true;
    desk_mass_cancel(&w->desk, TRADE_SESSION, session);
    turn();
}

// A control has disabled A, whose exchange does not answer the cancel. One is taken off by a mass
// cancel and trades again at B; then somebody else is taken off.
static void it_ends_beside_a_disabled_session(void **state)
{
    (void)state;
    market_opens();
    enter(1, A);
    disable(A);
    assert_int_equal(w->venues[A].cancelled_count, 1);
    desk_mass_cancel(&w->desk, TRADE_STRATEGY, TAKEN_OFF);
    for (uint32_t i = 0; i < TURNS; i++)
        turn();
    assert_false(kill_bit(w->desk.mass.strategies, TAKEN_OFF));
    enter(TAKEN_OFF, B);
    desk_mass_cancel(&w->desk, TRADE_STRATEGY, ANOTHER);
    turn();
    turn();
    assert_int_equal(w->venues[B].cancelled_count, 0);
}

static void a_disabled_session_ends_with_its_last_order(void **state)
{
    (void)state;
    market_opens();
    enter(1, A);
    disable(A);
    for (uint32_t i = 0; i < TURNS; i++)
        turn();
    assert_true(w->desk.sessions[A].session->enabled);
    say_cancelled(A, w->venues[A].entered_count - 1, 100, 'U');
    turn();
    turn();
    assert_false(w->desk.sessions[A].session->enabled);
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(each_scope_takes_off_its_own),
        WORLD_TEST(it_ends_beside_a_disabled_session),
        WORLD_TEST(a_disabled_session_ends_with_its_last_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
