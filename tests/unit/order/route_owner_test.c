// Routed orders of an owner whose limits name the venues that he may use.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/two_venues.h"

enum { A, B };

static const struct desk_owner who = {.account = 1, .strategy = 2};

static int open_world(void **state)
{
    (void)state;
    two_open(1);
    for (uint32_t v = A; v <= B; v++)
        feed_add(v, 0, 1, 'S', 100, 1000000 + 100 * v);
    turn();
    events_forget();
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    two_close();
    return 0;
}

// 100 shares of either venue; <venues>: bits of those that the order names, 0: any.
static enum refusal ask(uint32_t venues)
{
    const struct desk_route wish = {.quantity = 100,
                                    .limit = 1000200,
                                    .venues = (uint16_t)venues,
                                    .how = ROUTE_BEST,
                                    .rest = ROUTE_REST_END,
                                    .side = 'B'};
    uint32_t route;
    events_forget();
    const enum refusal refusal = desk_route(&w->desk, &who, &wish, &route);
    turn();
    return refusal;
}

static void owner_may(uint32_t venues)
{
    w->limits->strategies[who.strategy].venues = venues;
}

static enum route_verdict verdict_of(uint32_t venue)
{
    for (uint32_t i = 0;; i++) {
        const struct event_route_venue *e = &event_of(EVENT_ROUTE_VENUE, i)->route_venue;
        if (e->session == venue)
            return e->verdict;
    }
}

// A venue that the owner may not use is passed over: nobody asks the gate for it.
static void the_best_of_those_that_he_may_use(void **state)
{
    (void)state;
    owner_may(1u << B);
    assert_int_equal(ask(0), REFUSAL_NONE);
    assert_int_equal(verdict_of(A), VENUE_FORBIDDEN);
    assert_int_equal(verdict_of(B), VENUE_TAKES);
    assert_int_equal(w->venues[A].entered_count, 0);
    assert_int_equal(entered(B, 0)->quantity, 100);
    assert_int_equal(w->desk.count.refusals[REFUSAL_VENUES], 0);
}

static void nowhere_is_refused(void **state)
{
    (void)state;
    owner_may(1u << A);
    assert_int_equal(ask(1u << B), REFUSAL_VENUES);
    assert_int_equal(w->desk.count.refusals[REFUSAL_VENUES], 1);
    owner_may(1u << 7); // none of the lane's
    assert_int_equal(ask(0), REFUSAL_VENUES);
    assert_int_equal(w->desk.count.refusals[REFUSAL_VENUES], 2);
    assert_int_equal(w->desk.count.refused, 2);
    assert_int_equal(w->venues[A].entered_count + w->venues[B].entered_count, 0);
}

// As of an order that the gate refuses: of the venues that it names the first counts.
static void the_control_does_what_it_is_configured_to(void **state)
{
    (void)state;
    uint8_t *action = &w->limits->actions[REFUSAL_BIT(REFUSAL_VENUES)];
    owner_may(1u << A);
    *action = ACTION_REFUSE;
    assert_int_equal(ask(1u << B), REFUSAL_VENUES);
    assert_int_equal(w->limits->strategies[who.strategy].state, TRADING_ACTIVE);
    *action = ACTION_BLOCK;
    assert_int_equal(ask(1u << B), REFUSAL_VENUES);
    const struct event_breach *e = &event_of(EVENT_BREACH, 0)->breach;
    assert_true(e->scope == TRADE_STRATEGY && e->index == who.strategy && e->session == B);
    assert_true(e->refusal == REFUSAL_VENUES && e->action == ACTION_BLOCK && e->quantity == 100);
    assert_int_equal(w->limits->strategies[who.strategy].state, TRADING_HALTED);
    *action = ACTION_DISABLE;
    assert_int_equal(ask(1u << B), REFUSAL_VENUES);
    assert_true(w->desk.sessions[B].disabled && !w->desk.sessions[A].disabled);
    assert_int_equal(w->desk.count.refusals[REFUSAL_VENUES], 3);
    assert_int_equal(w->desk.count.refused, 3);
}

// A venue of another lane: there is nothing here to log out.
static void a_venue_of_another_lane_is_refused_alone(void **state)
{
    (void)state;
    w->limits->actions[REFUSAL_BIT(REFUSAL_VENUES)] = ACTION_DISABLE;
    assert_int_equal(ask(1u << 7), REFUSAL_VENUES);
    assert_true(!w->desk.sessions[A].disabled && !w->desk.sessions[B].disabled);
}

// From the next order on.
static void limits_change_between_two_orders(void **state)
{
    (void)state;
    owner_may(1u << B);
    assert_int_equal(ask(1u << A), REFUSAL_VENUES);
    owner_may(UINT32_MAX);
    assert_int_equal(ask(1u << A), REFUSAL_NONE);
    assert_int_equal(w->venues[A].entered_count, 1);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_best_of_those_that_he_may_use),
        WORLD_TEST(nowhere_is_refused),
        WORLD_TEST(the_control_does_what_it_is_configured_to),
        WORLD_TEST(a_venue_of_another_lane_is_refused_alone),
        WORLD_TEST(limits_change_between_two_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
