// Clients ask for routed orders: two venues with feeds of their own, the door, the library.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "dataplane/gateway/door.h"
#include "dataplane/lane/desk_gateway.h"
#include "tests/lib/two_venues.h"

enum { A, B };
enum { REQUESTS = 64, ANSWERS = 256, FIRST = 3, OPEN = 20 };

static struct gateway *gateway;
static struct desk_gateway at_desk;
static struct door door;
static char path[DOOR_PATH_LEN];
static const char names[VENUES][GATEWAY_NAME_LEN] = {"near", "far"};

static int open_world(void **state)
{
    static uint32_t number;
    struct error err = {0};
    const struct door_names known = {two_symbols, names, INSTRUMENTS, VENUES};
    struct gateway_client_config c = {.name = "alpha",
                                      .uid = getuid(),
                                      .account = 1,
                                      .open_orders = OPEN,
                                      .rate_per_s = 1000000,
                                      .burst = 1000};
    (void)state;
    two_open(1);
    desk_route_venue(&w->desk, A, &(struct route_venue){.take_fee6 = 3000});
    desk_route_venue(&w->desk, B, &(struct route_venue){.take_fee6 = 2000});
    w->limits->strategies[FIRST].open_orders = OPEN;
    gateway = zeroed(sizeof *gateway);
    assert_true(gateway_init(gateway, REQUESTS, ANSWERS, FIRST, &err));
    assert_true(gateway_client_add(gateway, &c, HZ, &err));
    desk_gateway_init(&w->desk, &at_desk, gateway, zeroed(desk_gateway_bytes(ORDERS, ROUTES)));
    memset(&door, 0, sizeof door);
    snprintf(path, sizeof path, "/tmp/tickgate-route-%d-%u", (int)getpid(), number++);
    if (!door_open(&door, path, &err))
        fail_msg("%s", err.text);
    door_gateway_add(&door, gateway, &known);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    door_close(&door);
    two_close();
    return 0;
}

struct attach {
    struct tickgate *client;
    int code;
    _Atomic bool done;
};

static void *attach_run(void *arg)
{
    struct attach *a = arg;
    a->client = tickgate_attach(path, "alpha", &a->code);
    atomic_store(&a->done, true);
    return NULL;
}

static struct tickgate *attach(void)
{
    struct attach a = {.client = NULL};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, attach_run, &a), 0);
    while (!atomic_load(&a.done)) {
        door.next_ns = 0;
        door_turn(&door, 1);
        usleep(50);
    }
    pthread_join(thread, NULL);
    turn();
    assert_non_null(a.client);
    return a.client;
}

// 100 shares at 100.00 and 200 at 100.01 at A; 150 at 100.00 and 300 at 100.02 at B.
static void offers_show(void)
{
    feed_add(A, 0, 1, 'S', 100, 1000000);
    feed_add(A, 0, 2, 'S', 200, 1000100);
    feed_add(B, 0, 1, 'S', 150, 1000000);
    feed_add(B, 0, 2, 'S', 300, 1000200);
    turn();
}

static struct tickgate_route wish_of(enum tickgate_how how, enum tickgate_rest rest,
                                     uint32_t quantity)
{
    return (struct tickgate_route){.client_id = 77,
                                   .quantity = quantity,
                                   .price = 1000200,
                                   .side = 'B',
                                   .how = (uint8_t)how,
                                   .rest = (uint8_t)rest};
}

static struct tickgate_answer next(struct tickgate *t)
{
    struct tickgate_answer a;
    for (uint32_t i = 0; i < 50; i++) {
        const int n = tickgate_poll(t, &a);
        assert_true(n >= 0);
        if (n == 1)
            return a;
        turn();
    }
    fail_msg("no answer");
    return a;
}

static void nothing_more(struct tickgate *t)
{
    struct tickgate_answer a;
    turn();
    assert_int_equal(tickgate_poll(t, &a), 0);
}

static struct tickgate_answer done(struct tickgate *t, uint32_t request)
{
    const struct tickgate_answer a = next(t);
    assert_true(request != 0 && a.request == request && a.client_id == 77);
    assert_int_equal(a.kind, TICKGATE_DONE);
    return a;
}

static enum refusal refused(struct tickgate *t, uint32_t request)
{
    const struct tickgate_answer a = next(t);
    assert_true(request != 0 && a.request == request);
    assert_int_equal(a.kind, TICKGATE_REFUSED);
    return (enum refusal)a.refusal;
}

static void a_sweep_takes_from_both(void **state)
{
    (void)state;
    struct tickgate *t = attach();
    offers_show();
    const struct tickgate_route wish = wish_of(TICKGATE_SWEEP, TICKGATE_REST_END, 400);
    const struct tickgate_answer a = done(t, tickgate_route(t, &wish));
    assert_true(a.route != TICKGATE_NO_ROUTE && a.open == 400 && a.filled == 0 && a.rounds == 1);
    turn();
    assert_int_equal(entered(A, 0)->quantity, 250); // both of its levels that come first
    assert_int_equal(entered(B, 0)->quantity, 150);
    say_accepted(A, 0);
    say_accepted(B, 0);
    say_executed(A, 0, 250);
    uint32_t filled = 0;
    for (uint32_t i = 0; i < 3; i++) {
        const struct tickgate_answer r = next(t);
        assert_true(r.kind == TICKGATE_REPORT && r.route == a.route && r.client_id == 77);
        filled += r.fill_shares;
        // A child can only be cancelled.
        if (r.venue == B)
            assert_int_equal(refused(t, tickgate_replace(t, r.order, 77, 200, 1000000)),
                             REFUSAL_ROUTED);
    }
    assert_int_equal(filled, 250);
    say_executed(B, 0, 150);
    assert_int_equal(next(t).fill_shares, 150);
    const struct tickgate_answer over = next(t);
    assert_true(over.kind == TICKGATE_ROUTED && over.route == a.route && over.request == 0);
    assert_true(over.ending == TICKGATE_FILLED && over.filled == 400 && over.open == 0);
    assert_int_equal(refused(t, tickgate_route_cancel(t, a.route, 77)), REFUSAL_ORDER_NOT_LIVE);
    nothing_more(t);
    tickgate_detach(t);
    turn();
}

static void split_and_best(void **state)
{
    (void)state;
    struct tickgate *t = attach();
    offers_show();
    struct tickgate_route wish = wish_of(TICKGATE_SPLIT, TICKGATE_REST_END, 200);
    done(t, tickgate_route(t, &wish));
    turn();
    assert_int_equal(entered(B, 0)->quantity, 150); // the lower fee comes first
    assert_int_equal(entered(A, 0)->quantity, 50);
    wish = wish_of(TICKGATE_BEST, TICKGATE_REST_END, 120);
    wish.venues = 1u << A;
    done(t, tickgate_route(t, &wish));
    turn();
    assert_int_equal(entered(A, 1)->quantity, 120);
    assert_int_equal(w->venues[B].entered_count, 1);
    tickgate_detach(t);
    turn();
}

// The preferred child's refusal says what it has compared, whatever another child met after it.
static void a_refusal_is_the_preferred_childs(void **state)
{
    (void)state;
    struct tickgate *t = attach();
    char text[96];
    offers_show();
    w->limits->sessions[B].quantity = 99; // asked first: its fee is lower
    w->limits->sessions[A].notional = 1;
    const struct tickgate_route wish = wish_of(TICKGATE_SPLIT, TICKGATE_REST_END, 250);
    assert_int_not_equal(tickgate_route(t, &wish), 0);
    const struct tickgate_answer a = next(t);
    assert_int_equal(a.kind, TICKGATE_REFUSED);
    assert_string_equal(tickgate_refusal_text(&a, text, sizeof text),
                        "QUANTITY: shares=150 limit=99");
    assert_int_equal(a.scope, TICKGATE_SCOPE_SESSION);
    tickgate_detach(t);
    turn();
}

// What no venue shows rests; the whole is cancelled with one request.
static void the_whole_is_cancelled(void **state)
{
    (void)state;
    struct tickgate *t = attach();
    offers_show();
    struct tickgate_route wish = wish_of(TICKGATE_BEST, TICKGATE_REST_POST, 100);
    wish.price = 990000; // nobody sells there
    const struct tickgate_answer a = done(t, tickgate_route(t, &wish));
    turn();
    const uint32_t at = w->venues[A].entered_count ? A : B;
    assert_int_equal(entered(at, 0)->time_in_force, '0');
    say_accepted(at, 0);
    assert_int_equal(next(t).state, TICKGATE_LIVE);
    assert_int_equal(refused(t, tickgate_route_cancel(t, a.route, 78)), REFUSAL_UNKNOWN_ORDER);
    assert_int_equal(refused(t, tickgate_route_cancel(t, ROUTES, 77)), REFUSAL_UNKNOWN_ORDER);
    assert_int_equal(done(t, tickgate_route_cancel(t, a.route, 77)).route, a.route);
    // A second one says no more, and is not sent.
    assert_int_equal(refused(t, tickgate_route_cancel(t, a.route, 77)), REFUSAL_ORDER_CHANGING);
    turn();
    assert_int_equal(w->venues[at].cancelled_count, 1);
    say_cancelled(at, 0, 100, 'U');
    assert_int_equal(next(t).state, TICKGATE_DEAD);
    const struct tickgate_answer over = next(t);
    assert_true(over.kind == TICKGATE_ROUTED && over.ending == TICKGATE_CANCELLED &&
                over.filled == 0 && over.open == 0);
    nothing_more(t);
    tickgate_detach(t);
    turn();
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    struct tickgate *t = attach();
    struct tickgate_route wish = wish_of(TICKGATE_SWEEP, TICKGATE_REST_END, 100);
    assert_int_equal(refused(t, tickgate_route(t, &wish)), REFUSAL_ROUTE); // nobody shows anything
    offers_show();
    wish.how = 3;
    assert_int_equal(refused(t, tickgate_route(t, &wish)), REFUSAL_ORDER_FIELD);
    wish = wish_of(TICKGATE_SWEEP, 3, 100);
    assert_int_equal(refused(t, tickgate_route(t, &wish)), REFUSAL_ORDER_FIELD);
    wish = wish_of(TICKGATE_SWEEP, TICKGATE_REST_END, 0);
    assert_int_equal(refused(t, tickgate_route(t, &wish)), REFUSAL_QUANTITY_RANGE);
    wish = wish_of(TICKGATE_SWEEP, TICKGATE_REST_END, 100);
    wish.symbol = INSTRUMENTS;
    assert_int_equal(refused(t, tickgate_route(t, &wish)), REFUSAL_UNKNOWN_SYMBOL);
    wish.symbol = 0;
    w->limits->symbols[0].price_high = 999999;
    assert_int_equal(refused(t, tickgate_route(t, &wish)), REFUSAL_PRICE_COLLAR);
    assert_int_equal(w->desk.risk.firm.orders, 0);
    tickgate_detach(t);
    turn();
}

// As of an order for one venue: the control acts, on the first venue that is named.
static void a_limit_that_is_used_up_acts(void **state)
{
    (void)state;
    struct tickgate *t = attach();
    struct tickgate_route wish = wish_of(TICKGATE_SWEEP, TICKGATE_REST_END, 100);
    offers_show();
    wish.venues = 1u << B;
    w->limits->strategies[FIRST].open_orders = 0;
    w->limits->actions[REFUSAL_BIT(REFUSAL_OPEN_ORDERS)] = ACTION_BLOCK;
    events_forget();
    assert_int_equal(refused(t, tickgate_route(t, &wish)), REFUSAL_OPEN_ORDERS);
    assert_int_equal(event_of(EVENT_DECISION, 0)->decision.session, B);
    assert_int_equal(event_of(EVENT_BREACH, 0)->breach.session, B);
    assert_int_equal(w->limits->strategies[FIRST].state, TRADING_HALTED);
    tickgate_detach(t);
    turn();
}

// Who goes has nothing placed again, and who attaches next is told nothing of it.
static void who_goes_is_cancelled(void **state)
{
    (void)state;
    struct tickgate *t = attach();
    offers_show();
    const struct tickgate_route wish = wish_of(TICKGATE_SPLIT, TICKGATE_REST_AGAIN, 200);
    const struct tickgate_answer a = done(t, tickgate_route(t, &wish));
    turn();
    say_accepted(A, 0);
    say_accepted(B, 0);
    turn();
    tickgate_detach(t);
    for (uint32_t i = 0; i < 4; i++) {
        door.next_ns = 0;
        door_turn(&door, 1);
        turn();
    }
    assert_true(w->venues[A].cancelled_count == 1 && w->venues[B].cancelled_count == 1);
    struct tickgate *u = attach();
    say_cancelled(A, 0, 50, 'U');
    say_cancelled(B, 0, 150, 'U');
    turn();
    const struct route *r = route_at(&w->routes.table, a.route);
    assert_true(r->ending == ROUTE_ENDED_CANCELLED && r->rounds == 1);
    assert_int_equal(w->venues[A].entered_count + w->venues[B].entered_count, 2);
    assert_int_equal(refused(u, tickgate_route_cancel(u, a.route, 77)), REFUSAL_UNKNOWN_ORDER);
    nothing_more(u);
    assert_int_equal(w->desk.risk.firm.orders, 0);
    tickgate_detach(u);
    turn();
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_sweep_takes_from_both),
        WORLD_TEST(split_and_best),
        WORLD_TEST(a_refusal_is_the_preferred_childs),
        WORLD_TEST(the_whole_is_cancelled),
        WORLD_TEST(what_cannot_be_is_refused),
        WORLD_TEST(a_limit_that_is_used_up_acts),
        WORLD_TEST(who_goes_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
