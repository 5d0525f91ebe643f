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
    const struct event_decision *e = &event_of(EVENT_DECISION, 0)->decision;
    assert_true(e->refusal == REFUSAL_VENUES && e->scope == TRADE_STRATEGY && e->value == B);
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

// --- what is sent nowhere ---

static const struct desk_route good = {.client_id = 77,
                                       .quantity = 100,
                                       .limit = 1000200,
                                       .how = ROUTE_BEST,
                                       .rest = ROUTE_REST_END,
                                       .side = 'B'};

// Once, with its code, though no child of it says so.
static void recorded(const struct desk_route *wish, enum refusal code)
{
    uint32_t route = ROUTE_NONE;
    events_forget();
    assert_int_equal(desk_route(&w->desk, &who, wish, &route), code);
    assert_int_equal(route, ROUTE_NONE);
    turn();
    const struct event_decision *e = &event_of(EVENT_DECISION, 0)->decision;
    assert_int_equal(events_of(EVENT_DECISION), 1);
    assert_true(e->refusal == code && e->order == OWN_NONE && e->kind == 'O');
    assert_true(e->client_id == wish->client_id && e->quantity == wish->quantity &&
                e->price == wish->limit && e->instrument == wish->instrument &&
                e->account == who.account && e->strategy == who.strategy && e->session == A);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    struct desk_route wish;
    uint32_t route, full;
#define REFUSED(field, bad, code) \
    wish = good;                  \
    wish.field = (bad);           \
    recorded(&wish, code)
    REFUSED(quantity, 0, REFUSAL_QUANTITY_RANGE);
    REFUSED(limit, 0, REFUSAL_PRICE_RANGE);
    REFUSED(instrument, INSTRUMENTS, REFUSAL_UNKNOWN_SYMBOL);
    REFUSED(how, ROUTE_HOWS, REFUSAL_ORDER_FIELD);
    REFUSED(rest, ROUTE_RESTS, REFUSAL_ORDER_FIELD);
    REFUSED(side, 'X', REFUSAL_ORDER_FIELD);
    REFUSED(limit, 1, REFUSAL_ROUTE); // no venue is that cheap
    assert_int_equal(desk_route_cancel(&w->desk, &who, ROUTES), REFUSAL_UNKNOWN_ORDER);
    const struct desk_owner other = {.account = 1, .strategy = 3};
    wish = good;
    wish.quantity = 1;
    wish.rest = ROUTE_REST_POST;
    wish.limit = 1000; // rests
    for (full = 0; full < ROUTES; full++)
        assert_int_equal(desk_route(&w->desk, &who, &wish, &route), REFUSAL_NONE);
    assert_int_equal(desk_route_cancel(&w->desk, &other, route), REFUSAL_UNKNOWN_ORDER);
    turn();
    recorded(&wish, REFUSAL_ROUTES_FULL);
}

// Also what no message is made of counts for the rates, where the order names a venue of the lane.
static void a_loop_of_them_ends(void **state)
{
    enum { BURST = 3 };
    (void)state;
    struct desk_route wish = good;
    uint32_t route;
    w->limits->sessions[A].rate_ticks = HZ / RATE_UNIT;
    w->limits->sessions[A].burst = BURST - 1;
    wish.limit = 1;
    for (uint32_t i = 0; i < BURST; i++)
        recorded(&wish, REFUSAL_ROUTE);
    recorded(&wish, REFUSAL_MESSAGE_RATE);
    const struct event_decision *e = &event_of(EVENT_DECISION, 0)->decision;
    assert_true(e->scope == TRADE_SESSION && e->limit == (BURST - 1) * (uint64_t)HZ);
    wish.venues = 1u << 7; // another lane's
    assert_int_equal(desk_route(&w->desk, &who, &wish, &route), REFUSAL_VENUES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_best_of_those_that_he_may_use),
        WORLD_TEST(nowhere_is_refused),
        WORLD_TEST(the_control_does_what_it_is_configured_to),
        WORLD_TEST(a_venue_of_another_lane_is_refused_alone),
        WORLD_TEST(limits_change_between_two_orders),
        WORLD_TEST(what_makes_no_sense_is_refused),
        WORLD_TEST(a_loop_of_them_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
