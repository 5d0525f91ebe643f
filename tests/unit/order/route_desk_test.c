// Routed orders from the desk to two venues and back: what is sent where, what comes back, what is
// recorded; and by dice over many seeds.
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
    desk_route_venue(&w->desk, A, &(struct route_venue){.take_fee6 = 3000, .latency_ns = 100});
    desk_route_venue(&w->desk, B, &(struct route_venue){.take_fee6 = 2000, .latency_ns = 900});
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    two_close();
    return 0;
}

// 100 shares at 100.00 and 200 at 100.01 at A; 150 at 100.00 and 300 at 100.02 at B.
static void offers_show(void)
{
    feed_add(A, 0, 1, 'S', 100, 1000000);
    feed_add(A, 0, 2, 'S', 200, 1000100);
    feed_add(A, 0, 3, 'B', 100, 999900);
    feed_add(B, 0, 1, 'S', 150, 1000000);
    feed_add(B, 0, 2, 'S', 300, 1000200);
    feed_add(B, 0, 3, 'B', 400, 999900);
    turn();
    events_forget();
}

static struct desk_route wish_of(enum route_how how, enum route_rest rest, uint32_t quantity)
{
    return (struct desk_route){.client_id = 77,
                               .quantity = quantity,
                               .limit = 1000200,
                               .how = (uint8_t)how,
                               .rest = (uint8_t)rest,
                               .side = 'B'};
}

static const struct route *route_ask(enum route_how how, enum route_rest rest, uint32_t quantity)
{
    const struct desk_route ask = wish_of(how, rest, quantity);
    uint32_t route = ROUTE_NONE;
    events_forget();
    assert_int_equal(desk_route(&w->desk, &who, &ask, &route), REFUSAL_NONE);
    turn();
    const struct route *r = desk_route_of(&w->desk, &who, route);
    assert_non_null(r);
    return r;
}

static void entered_is(uint32_t v, uint32_t number, uint32_t quantity, uint32_t price, char tif)
{
    const struct ouch50_enter *e = entered(v, number);
    assert_int_equal(e->quantity, quantity);
    assert_int_equal(e->price, price);
    assert_int_equal(e->time_in_force, tif);
    assert_int_equal(e->side, 'B');
    assert_memory_equal(e->symbol, two_symbols[0], 8);
}

static const struct event_route_venue *venue_event(uint32_t v, uint32_t number)
{
    for (uint32_t i = 0;; i++) {
        const struct event *e = event_of(EVENT_ROUTE_VENUE, i);
        if (e->route_venue.session == v && number-- == 0)
            return &e->route_venue;
    }
}

static void ends(const struct route *r, enum route_ending ending, uint32_t filled)
{
    assert_int_equal(r->ending, ending);
    assert_int_equal(r->filled, filled);
    const struct event *e = event_of(EVENT_ROUTE_END, 0);
    assert_int_equal(e->route.ending, ending);
    assert_int_equal(e->route.filled, filled);
    assert_int_equal(e->route.wanted, r->quantity - filled);
    assert_int_equal(w->desk.risk.firm.orders, 0);
}

// --- how ---

static void best_sends_all_to_the_cheapest_of_equal_prices(void **state)
{
    (void)state;
    offers_show();
    const struct route *r = route_ask(ROUTE_BEST, ROUTE_REST_END, 120);
    assert_int_equal(w->venues[A].entered_count, 0);
    entered_is(B, 0, 120, 1000200, '3'); // the same price, the lower fee
    const struct event *e = event_of(EVENT_ROUTE, 0);
    assert_true(e->route.quantity == 120 && e->route.wanted == 120 && e->route.best == 1000000 &&
                e->route.round == 1 && e->route.client_id == 77);
    const struct event_route_venue *taken = venue_event(B, 0), *passed = venue_event(A, 0);
    assert_true(taken->verdict == VENUE_TAKES && taken->rank == 1 && taken->best == 1000000 &&
                taken->shares == 150 && taken->quantity == 120 && taken->net == 100002000);
    assert_true(passed->verdict == VENUE_LATER && passed->rank == 2 && passed->order == OWN_NONE &&
                passed->net == 100003000 && passed->decision == 0);
    const struct event *decision = event_of(EVENT_DECISION, 0);
    assert_int_equal(taken->decision, decision->sequence); // the gate's own record
    assert_int_equal(taken->order, decision->decision.order);
    say_accepted(B, 0);
    say_executed(B, 0, 120);
    turn();
    ends(r, ROUTE_ENDED_FILLED, 120);
}

static void split_and_what_comes_back_ends(void **state)
{
    (void)state;
    offers_show();
    const struct route *r = route_ask(ROUTE_SPLIT, ROUTE_REST_END, 400);
    entered_is(A, 0, 100, 1000000, '3');
    entered_is(B, 0, 150, 1000000, '3');
    assert_int_equal(route_remainder(r), 150);
    say_accepted(A, 0);
    say_accepted(B, 0);
    say_executed(A, 0, 100);
    turn();
    assert_true(route_works(r) && r->filled == 100);
    say_executed(B, 0, 50);
    say_cancelled(B, 0, 100, 'I');
    turn();
    ends(r, ROUTE_ENDED_RETURNED, 150);
}

static void sweep_takes_levels_of_both(void **state)
{
    (void)state;
    offers_show();
    route_ask(ROUTE_SWEEP, ROUTE_REST_END, 500);
    entered_is(A, 0, 300, 1000100, '3');
    entered_is(B, 0, 200, 1000200, '3');
}

// --- the rest ---

static void what_comes_back_goes_to_who_has_not_failed(void **state)
{
    (void)state;
    offers_show();
    const struct route *r = route_ask(ROUTE_BEST, ROUTE_REST_AGAIN, 120);
    say_accepted(B, 0);
    say_executed(B, 0, 20);
    say_cancelled(B, 0, 100, 'I');
    turn();
    entered_is(A, 0, 100, 1000200, '3');
    assert_int_equal(event_of(EVENT_ROUTE, 1)->route.wanted, 100);
    assert_int_equal(venue_event(B, 1)->verdict, VENUE_SPENT);
    assert_int_equal(venue_event(A, 1)->verdict, VENUE_TAKES);
    say_accepted(A, 0);
    say_cancelled(A, 0, 100, 'I');
    turn();
    ends(r, ROUTE_ENDED_NO_VENUE, 20);
    assert_int_equal(r->rounds, 3);
}

static void a_rejected_share_goes_elsewhere(void **state)
{
    (void)state;
    offers_show();
    const struct route *r = route_ask(ROUTE_BEST, ROUTE_REST_AGAIN, 80);
    say_rejected(B, 0);
    turn();
    entered_is(A, 0, 80, 1000200, '3');
    assert_int_equal(venue_event(B, 1)->verdict, VENUE_FAILED);
    say_accepted(A, 0);
    say_executed(A, 0, 80);
    turn();
    ends(r, ROUTE_ENDED_FILLED, 80);
}

static void the_rest_is_posted_where_resting_pays(void **state)
{
    (void)state;
    desk_route_venue(&w->desk, A, &(struct route_venue){.take_fee6 = 3000, .post_fee6 = -1000});
    desk_route_venue(&w->desk, B, &(struct route_venue){.take_fee6 = 3000, .post_fee6 = -2000});
    offers_show();
    const struct route *r = route_ask(ROUTE_SPLIT, ROUTE_REST_POST, 400);
    say_accepted(A, 0);
    say_accepted(B, 0);
    say_executed(A, 0, 100);
    say_cancelled(B, 0, 150, 'I'); // gave back: it may still let the rest rest
    turn();
    entered_is(B, 1, 300, 1000200, '0');
    say_accepted(B, 1);
    say_executed(B, 1, 300);
    turn();
    ends(r, ROUTE_ENDED_FILLED, 400);
    // With nothing to take it rests at once.
    struct desk_route ask = wish_of(ROUTE_SWEEP, ROUTE_REST_POST, 50);
    uint32_t route;
    ask.limit = 990000;
    assert_int_equal(desk_route(&w->desk, &who, &ask, &route), REFUSAL_NONE);
    turn();
    entered_is(B, 2, 50, 990000, '0');
    events_forget();
    assert_int_equal(desk_route_cancel(&w->desk, &who, route), REFUSAL_NONE);
    turn();
    assert_int_equal(w->venues[B].cancelled[0], entered(B, 2)->user_ref);
    say_accepted(B, 2);
    say_cancelled(B, 2, 50, 'U');
    turn();
    ends(desk_route_of(&w->desk, &who, route), ROUTE_ENDED_CANCELLED, 0);
}

static void what_we_cancel_is_not_sent_elsewhere(void **state)
{
    (void)state;
    offers_show();
    const struct route *r = route_ask(ROUTE_BEST, ROUTE_REST_AGAIN, 120);
    desk_mass_cancel(&w->desk, TRADE_SESSION, B);
    turn();
    assert_int_equal(w->venues[B].cancelled_count, 1);
    say_accepted(B, 0);
    say_executed(B, 0, 30);
    say_cancelled(B, 0, 90, 'U');
    turn();
    assert_int_equal(w->venues[A].entered_count, 0);
    ends(r, ROUTE_ENDED_CANCELLED, 30);
    const struct route *again = route_ask(ROUTE_BEST, ROUTE_REST_AGAIN, 120);
    w->venues[B].rig.busy = true; // the cancel waits
    desk_mass_cancel(&w->desk, TRADE_SESSION, B);
    turn();
    say_accepted(B, 1);
    say_cancelled(B, 1, 120, 'I');
    turn();
    assert_int_equal(w->venues[A].entered_count, 0);
    assert_int_equal(w->venues[B].cancelled_count, 1);
    ends(again, ROUTE_ENDED_CANCELLED, 0);
}

static void a_broken_trade_does_not_come_back(void **state)
{
    (void)state;
    offers_show();
    const struct route *r = route_ask(ROUTE_BEST, ROUTE_REST_AGAIN, 120);
    say_accepted(B, 0);
    say_executed(B, 0, 50);
    say_broken(B, 0);
    turn();
    assert_true(r->used == 50 && r->filled == 0 && r->open == 70 && route_remainder(r) == 0);
    say_executed(B, 0, 70);
    turn();
    assert_int_equal(r->ending, ROUTE_ENDED_FILLED);
    assert_int_equal(r->filled, 70);
}

// --- who takes no share ---

static void refused(enum refusal want)
{
    const struct desk_route ask = wish_of(ROUTE_SPLIT, ROUTE_REST_AGAIN, 100);
    uint32_t route = ROUTE_NONE;
    events_forget();
    assert_int_equal(desk_route(&w->desk, &who, &ask, &route), want);
    assert_int_equal(route, ROUTE_NONE);
    turn();
    assert_int_equal(event_of(EVENT_ROUTE_END, 0)->route.ending, ROUTE_ENDED_NO_VENUE);
}

static void a_book_in_doubt_takes_no_share(void **state)
{
    (void)state;
    offers_show();
    feed_status(B, 0, 'H');
    turn();
    route_ask(ROUTE_SPLIT, ROUTE_REST_END, 200);
    entered_is(A, 0, 100, 1000000, '3');
    assert_int_equal(w->venues[B].entered_count, 0);
    assert_int_equal(venue_event(B, 0)->verdict, VENUE_QUALITY);
    assert_int_equal(venue_event(B, 0)->quality, QUALITY_HALTED);
    assert_int_equal(venue_event(B, 0)->best, 1000000); // what it showed is recorded all the same
    feed_gap(A);
    refused(REFUSAL_ROUTE);
    assert_int_equal(venue_event(A, 0)->quality, QUALITY_SUSPECT);
}

static void a_session_that_is_not_ready_takes_no_share(void **state)
{
    (void)state;
    offers_show();
    lose_session(B);
    struct desk_route ask = wish_of(ROUTE_BEST, ROUTE_REST_END, 100);
    uint32_t route;
    assert_int_equal(desk_route(&w->desk, &who, &ask, &route), REFUSAL_NONE);
    turn();
    entered_is(A, 0, 100, 1000200, '3');
    assert_int_equal(venue_event(B, 0)->verdict, VENUE_SESSION);
    w->venues[A].session.halted = true;
    refused(REFUSAL_ROUTE);
    w->venues[A].session.halted = false;
}

static void the_gate_refuses_and_the_other_takes_its_share(void **state)
{
    (void)state;
    offers_show();
    w->limits->sessions[B].quantity = 50;
    const struct route *r = route_ask(ROUTE_BEST, ROUTE_REST_END, 100);
    entered_is(A, 0, 100, 1000200, '3');
    const struct event_route_venue *e = venue_event(B, 0);
    assert_true(e->verdict == VENUE_REFUSED && e->refusal == REFUSAL_QUANTITY && e->rank == 1);
    const struct event *decision = event_of(EVENT_DECISION, 0);
    assert_true(decision->decision.refusal == REFUSAL_QUANTITY &&
                decision->sequence == e->decision);
    assert_int_equal(venue_event(B, 1)->verdict, VENUE_FAILED);
    assert_true(r->rounds == 2 && r->open == 100);
    say_rejected(A, 0);
    turn();
    w->limits->sessions[A].quantity = 50;
    refused(REFUSAL_QUANTITY); // of the preferred venue
    kill_ask(&w->desk.kills[0], TRADE_ACCOUNT, 1);
    refused(REFUSAL_KILLED);
}

static void only_the_venues_that_are_named(void **state)
{
    (void)state;
    offers_show();
    struct desk_route ask = wish_of(ROUTE_BEST, ROUTE_REST_END, 100);
    uint32_t route;
    ask.venues = 1u << A;
    assert_int_equal(desk_route(&w->desk, &who, &ask, &route), REFUSAL_NONE);
    turn();
    entered_is(A, 0, 100, 1000200, '3');
    assert_int_equal(venue_event(B, 0)->verdict, VENUE_EXCLUDED);
}

static void the_consolidated_best_price(void **state)
{
    (void)state;
    struct desk_best_of_all bid, ask;
    offers_show();
    assert_true(desk_consolidated(&w->desk, 0, &bid, &ask));
    assert_true(bid.price == 999900 && bid.shares == 500 && bid.venue == B);
    assert_true(ask.price == 1000000 && ask.shares == 250 && ask.venue == B);
    feed_add(A, 0, 4, 'B', 10, 999950);
    feed_status(B, 0, 'H');
    turn();
    assert_true(desk_consolidated(&w->desk, 0, &bid, &ask));
    assert_true(bid.price == 999950 && bid.shares == 10 && bid.venue == A);
    assert_true(ask.price == 1000000 && ask.shares == 100 && ask.venue == A);
    assert_true(desk_consolidated(&w->desk, 1, &bid, &ask) && bid.price == 0 && ask.price == 0);
    assert_false(desk_consolidated(&w->desk, INSTRUMENTS, &bid, &ask));
}

// --- by dice ---

enum { STEPS = 300, CLIENTS = 512, REFS_KEPT = 8192 };

struct asked {
    uint32_t quantity, route;
    uint64_t told; // executed, as told by the order events
};

static struct asked asked[CLIENTS];
static uint16_t client_of[VENUES][REFS_KEPT];
static uint32_t asked_count;
static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 11) % below);
}

// Which routed order a reference at a venue belongs to, from the records of decisions.
static void events_take(void)
{
    for (uint32_t i = 0; i < w->last_count; i++) {
        const struct event *e = &w->last[i];
        if (e->type == EVENT_DECISION && e->decision.refusal == REFUSAL_NONE)
            client_of[e->decision.session][e->decision.ref] = (uint16_t)e->decision.client_id;
        if (e->type == EVENT_ORDER && e->order.did & DID_FILL)
            asked[e->order.client_id].told += e->order.fill_shares;
    }
    events_forget();
}

static void market_moves(uint64_t *refs)
{
    for (uint32_t v = 0; v < VENUES; v++)
        for (uint32_t i = 0; i < 3; i++) {
            const uint32_t place = draw(12);
            const uint32_t at = v * 12 + place;
            const bool buy = place < 6;
            if (refs[at])
                feed_delete(v, 0, refs[at]);
            refs[at] = refs[at] && draw(3) == 0 ? 0 : refs[at] + at + 1000;
            if (refs[at])
                feed_add(v, 0, refs[at], buy ? 'B' : 'S', 1 + draw(300),
                         buy ? 1000000 - 100 * draw(4) : 1000100 + 100 * draw(4));
        }
}

static void route_by_dice(void)
{
    const bool buys = draw(2);
    const struct desk_route ask = {.client_id = asked_count,
                                   .quantity = 1 + draw(draw(2) ? 200 : 2000),
                                   .limit =
                                       buys ? 1000000 + 100 * draw(5) : 1000100 - 100 * draw(5),
                                   .how = (uint8_t)draw(ROUTE_HOWS),
                                   .rest = (uint8_t)draw(ROUTE_RESTS),
                                   .side = buys ? 'B' : 'S'};
    uint32_t route = ROUTE_NONE;
    if (asked_count == CLIENTS - 1)
        return;
    desk_route(&w->desk, &who, &ask, &route);
    asked[asked_count++] = (struct asked){.quantity = ask.quantity, .route = route};
}

static void step_by_dice(uint64_t *refs, bool misbehaves)
{
    if (draw(3) == 0)
        market_moves(refs);
    if (draw(4) == 0)
        route_by_dice();
    if (draw(20) == 0)
        desk_route_cancel(&w->desk, &who, draw(ROUTES));
    if (draw(60) == 0)
        desk_mass_cancel(&w->desk, draw(2) ? TRADE_SESSION : TRADE_FIRM, 0);
    if (misbehaves && draw(50) == 0)
        lose_session(draw(VENUES));
    for (uint32_t v = 0; v < VENUES; v++)
        model_live(&w->venues[v].model);
    turn();
    events_take();
}

// What the exchanges executed, by their own account, for each routed order.
static void exchanges_agree(void)
{
    uint64_t executed[CLIENTS] = {0};
    for (uint32_t v = 0; v < VENUES; v++) {
        const struct venue_model *m = &w->venues[v].model;
        for (uint32_t i = 0; i < m->order_count; i++)
            executed[client_of[v][m->orders[i].ref]] += m->orders[i].executed;
    }
    for (uint32_t i = 0; i < asked_count; i++) {
        if (executed[i] > asked[i].quantity)
            fail_msg("route %u: %llu of %u executed", i, (unsigned long long)executed[i],
                     asked[i].quantity);
        assert_int_equal(executed[i], asked[i].told);
    }
}

// An acknowledgement that said that an order is dead may have been lost: then nothing is ever said
// about the order again, and its shares stay reserved.
static void only_doubt_is_left(bool silent_deaths)
{
    uint32_t alive = 0;
    for (uint32_t i = 0; i < ROUTES; i++) {
        const struct route *r = route_at(&w->routes.table, i);
        for (uint32_t v = 0; v < VENUES && route_works(r); v++) {
            if (r->children[v].order == OWN_NONE)
                continue;
            alive++;
            assert_int_equal(orders_at(&w->desk.orders, r->children[v].order)->life, LIFE_UNKNOWN);
        }
    }
    assert_int_equal(w->desk.risk.firm.orders, alive);
    if (!silent_deaths)
        assert_int_equal(w->routes.table.ended_count, ROUTES);
}

static uint64_t session_by_dice(uint64_t seed, bool misbehaves, uint64_t *executed,
                                uint64_t *ends_of)
{
    uint64_t refs[VENUES * 12] = {0};
    two_open(seed);
    memset(asked, 0, sizeof asked);
    memset(client_of, 0, sizeof client_of);
    asked_count = 1; // 0: nobody's
    random_state = seed * 0x9E3779B97F4A7C15ull + 5;
    w->dice = true;
    for (uint32_t v = 0; v < VENUES; v++) {
        desk_route_venue(
            &w->desk, v,
            &(struct route_venue){.take_fee6 = (int32_t)draw(3), .latency_ns = draw(2)});
        w->venues[v].model.late = draw(2) ? 0 : draw(700);
        w->venues[v].model.doubled = misbehaves ? draw(100) : 0;
        w->venues[v].model.swapped = misbehaves ? draw(100) : 0;
        w->venues[v].model.missing = seed % 4 == 3 ? draw(50) : 0;
    }
    for (uint32_t i = 0; i < STEPS; i++)
        step_by_dice(refs, misbehaves);
    // The dust settles: everything is cancelled, every session comes back, every message arrives.
    for (uint32_t i = 0; i < 2000 && w->routes.table.ended_count < ROUTES; i++) {
        if (i % 50 == 0)
            desk_mass_cancel(&w->desk, TRADE_FIRM, 0);
        for (uint32_t v = 0; v < VENUES; v++)
            w->venues[v].model.late = 0;
        if (i % 20 == 0)
            w->now += HZ / 10; // silence is noticed
        turn();
        events_take();
    }
    assert_int_equal(w->routes.table.excess, 0);
    only_doubt_is_left(seed % 4 == 3);
    exchanges_agree();
    for (uint32_t i = 1; i < asked_count; i++)
        *executed += asked[i].told;
    *ends_of += w->routes.children;
    const uint64_t hash = w->event_hash;
    two_close();
    return hash;
}

static void children_never_execute_more_than_their_order(void **state)
{
    (void)state;
    uint64_t executed = 0, children = 0;
    const char *text = getenv("TICKGATE_SEEDS");
    const uint64_t seeds = text ? strtoull(text, NULL, 10) : 150;
    for (uint64_t seed = 1; seed <= seeds; seed++)
        session_by_dice(seed, seed & 1, &executed, &children);
    assert_true(children > seeds * 20 && executed > seeds * 1000);
}

static void the_same_inputs_give_the_same_bytes(void **state)
{
    (void)state;
    uint64_t executed = 0, children = 0, last = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        const uint64_t first = session_by_dice(seed, seed & 1, &executed, &children);
        assert_true(first == session_by_dice(seed, seed & 1, &executed, &children));
        assert_true(first != last); // and others give others
        last = first;
    }
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(best_sends_all_to_the_cheapest_of_equal_prices),
        WORLD_TEST(split_and_what_comes_back_ends),
        WORLD_TEST(sweep_takes_levels_of_both),
        WORLD_TEST(what_comes_back_goes_to_who_has_not_failed),
        WORLD_TEST(a_rejected_share_goes_elsewhere),
        WORLD_TEST(the_rest_is_posted_where_resting_pays),
        WORLD_TEST(what_we_cancel_is_not_sent_elsewhere),
        WORLD_TEST(a_broken_trade_does_not_come_back),
        WORLD_TEST(a_book_in_doubt_takes_no_share),
        WORLD_TEST(a_session_that_is_not_ready_takes_no_share),
        WORLD_TEST(the_gate_refuses_and_the_other_takes_its_share),
        WORLD_TEST(only_the_venues_that_are_named),
        WORLD_TEST(the_consolidated_best_price),
        cmocka_unit_test(children_never_execute_more_than_their_order),
        cmocka_unit_test(the_same_inputs_give_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
