// Which venue gets how many shares, and the account of a routed order.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dataplane/order/route.h"

enum { A, B, C };

static struct route_offer offers[SESSIONS_MAX];
static struct route_venue venues[SESSIONS_MAX];
static struct route_plan plan;

static void offer(uint32_t v, uint32_t level, uint64_t shares, uint32_t price)
{
    offers[v].levels[level] = (struct route_level){shares, price};
    offers[v].level_count = level + 1;
}

static int forget(void **state)
{
    (void)state;
    memset(offers, 0, sizeof offers);
    memset(venues, 0, sizeof venues);
    return 0;
}

static void plan_make(enum route_how how, bool sells, uint32_t quantity, uint32_t limit)
{
    const struct route_wish wish = {
        .quantity = quantity, .limit = limit, .how = (uint8_t)how, .sells = sells};
    route_plan(&wish, offers, venues, 3, &plan);
}

static void share_is(uint32_t number, uint32_t venue, uint32_t quantity, uint32_t price)
{
    assert_true(number < plan.count);
    assert_int_equal(plan.shares[number].venue, venue);
    assert_int_equal(plan.shares[number].quantity, quantity);
    assert_int_equal(plan.shares[number].price, price);
}

static void the_better_price_is_preferred_whatever_the_fee(void **state)
{
    (void)state;
    offer(A, 0, 100, 1000100);
    offer(B, 0, 100, 1000000);
    offer(C, 0, 100, 1000200);
    venues[B].take_fee6 = 1000000;
    venues[B].latency_ns = 1000000;
    plan_make(ROUTE_BEST, false, 500, 1000200);
    assert_int_equal(plan.count, 1);
    share_is(0, B, 500, 1000200);
    assert_int_equal(plan.best, 1000000);
    assert_int_equal(plan.unplaced, 0);
    assert_true(plan.ranks[B] == 1 && plan.ranks[A] == 2 && plan.ranks[C] == 3);
    assert_true(plan.verdicts[B] == VENUE_TAKES && plan.verdicts[A] == VENUE_LATER);
    plan_make(ROUTE_BEST, true, 500, 1000050); // a seller wants the highest bid
    share_is(0, C, 500, 1000050);
    assert_int_equal(plan.verdicts[B], VENUE_PRICE);
    assert_int_equal(plan.ranks[B], 0);
}

static void then_the_fee_then_latency_then_the_number(void **state)
{
    (void)state;
    for (uint32_t v = A; v <= C; v++)
        offer(v, 0, 100, 1000000);
    venues[A].take_fee6 = 3000;
    venues[B].take_fee6 = -2000; // a rebate
    venues[B].latency_ns = 90;
    venues[C].take_fee6 = -2000;
    venues[C].latency_ns = 80;
    plan_make(ROUTE_SPLIT, false, 250, 1000000);
    assert_int_equal(plan.count, 3);
    share_is(0, C, 100, 1000000);
    share_is(1, B, 100, 1000000);
    share_is(2, A, 50, 1000000);
    venues[C].latency_ns = 90;
    plan_make(ROUTE_SPLIT, true, 100, 1000000);
    share_is(0, B, 100, 1000000);
    assert_int_equal(route_net6(1000000, -2000, false), 99998000);
    assert_int_equal(route_net6(1000000, -2000, true), 100002000);
}

static void split_takes_one_level_and_sweep_takes_all_within_the_limit(void **state)
{
    (void)state;
    offer(A, 0, 100, 1000000);
    offer(A, 1, 100, 1000100);
    offer(A, 2, 100, 1000300);
    offer(B, 0, 50, 1000100);
    offer(B, 1, 500, 1000200);
    offers[C].verdict = VENUE_SESSION;
    offer(C, 0, 1000, 999000);
    plan_make(ROUTE_SPLIT, false, 1000, 1000200);
    assert_int_equal(plan.count, 2);
    share_is(0, A, 100, 1000000);
    share_is(1, B, 50, 1000100);
    assert_int_equal(plan.unplaced, 850);
    plan_make(ROUTE_SWEEP, false, 1000, 1000200);
    assert_int_equal(plan.count, 2);
    share_is(0, A, 200, 1000100);
    share_is(1, B, 550, 1000200);
    assert_int_equal(plan.unplaced, 250);
    plan_make(ROUTE_SWEEP, false, 210, 1000200); // A's second level is before B's: its number
    share_is(0, A, 200, 1000100);
    share_is(1, B, 10, 1000100);
    assert_int_equal(plan.unplaced, 0);
    assert_int_equal(plan.verdicts[C], VENUE_SESSION);
    assert_int_equal(plan.best, 1000000);
}

static void shares_that_rest_go_where_resting_is_cheapest(void **state)
{
    (void)state;
    const struct route_wish wish = {.quantity = 300, .limit = 990000, .rests = true};
    offer(A, 0, 100, 1000000); // nothing within the limit: it need not be
    offers[C].verdict = VENUE_QUALITY;
    venues[A].post_fee6 = -1000;
    venues[B].post_fee6 = -2500;
    venues[C].post_fee6 = -9000;
    route_plan(&wish, offers, venues, 3, &plan);
    assert_int_equal(plan.count, 1);
    share_is(0, B, 300, 990000);
    assert_true(plan.ranks[B] == 1 && plan.ranks[A] == 2 && plan.ranks[C] == 0);
}

static void nobody_and_nothing(void **state)
{
    (void)state;
    plan_make(ROUTE_SWEEP, false, 100, 1000000);
    assert_int_equal(plan.count, 0);
    assert_int_equal(plan.best, 0);
    assert_int_equal(plan.unplaced, 100);
    assert_int_equal(plan.verdicts[A], VENUE_PRICE);
    offer(A, 0, 0, 1000000); // a level without shares gives none
    plan_make(ROUTE_SWEEP, false, 100, 1000000);
    assert_int_equal(plan.count, 0);
    assert_int_equal(plan.verdicts[A], VENUE_LATER);
    offer(A, 0, UINT64_MAX, 1);
    plan_make(ROUTE_SWEEP, false, UINT32_MAX, UINT32_MAX);
    share_is(0, A, UINT32_MAX, 1);
}

// --- against a plain way to say the same ---

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 11) % below);
}

struct flat {
    uint32_t venue, price;
    uint64_t shares;
};

static int flat_order(const void *a, const void *b)
{
    const struct flat *x = a, *y = b;
    if (x->price != y->price)
        return x->price < y->price ? -1 : 1;
    if (venues[x->venue].take_fee6 != venues[y->venue].take_fee6)
        return venues[x->venue].take_fee6 < venues[y->venue].take_fee6 ? -1 : 1;
    if (venues[x->venue].latency_ns != venues[y->venue].latency_ns)
        return venues[x->venue].latency_ns < venues[y->venue].latency_ns ? -1 : 1;
    return x->venue < y->venue ? -1 : 1;
}

// A sweep to buy is: all levels within the limit, sorted by the order of preference, from the
// first on.
static void a_sweep_is_the_sorted_list_of_levels(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 5000; seed++) {
        struct flat flat[3 * ROUTE_LEVELS];
        uint32_t flats = 0, want[3] = {0}, worst[3] = {0};
        const uint32_t quantity = 1 + draw(2000), limit = 995 + draw(20);
        random_state = seed * 0x9E3779B97F4A7C15ull;
        forget(NULL);
        for (uint32_t v = 0; v < 3; v++) {
            uint32_t price = 990 + draw(10);
            venues[v].take_fee6 = (int32_t)draw(3) - 1;
            venues[v].latency_ns = draw(2);
            for (uint32_t l = draw(ROUTE_LEVELS + 1); l > 0; l--, price += 1 + draw(4)) {
                offer(v, offers[v].level_count, 1 + draw(300), price);
                if (price <= limit)
                    flat[flats++] =
                        (struct flat){v, price, offers[v].levels[offers[v].level_count - 1].shares};
            }
        }
        qsort(flat, flats, sizeof *flat, flat_order);
        uint32_t left = quantity;
        for (uint32_t i = 0; i < flats && left; i++) {
            const uint32_t take = flat[i].shares < left ? (uint32_t)flat[i].shares : left;
            want[flat[i].venue] += take;
            worst[flat[i].venue] = flat[i].price;
            left -= take;
        }
        plan_make(ROUTE_SWEEP, false, quantity, limit);
        assert_int_equal(plan.unplaced, left);
        uint32_t got[3] = {0}, price[3] = {0};
        for (uint32_t i = 0; i < plan.count; i++) {
            got[plan.shares[i].venue] += plan.shares[i].quantity;
            price[plan.shares[i].venue] = plan.shares[i].price;
        }
        assert_memory_equal(got, want, sizeof got);
        assert_memory_equal(price, worst, sizeof price);
    }
}

// --- the account ---

static struct route_table table;
static struct own_order orders[4];
static struct order_table order_table = {.orders = orders, .capacity = 4};

static uint32_t route_begin(uint32_t quantity)
{
    const struct route_new new = {.client_id = 5, .quantity = quantity, .limit = 10, .side = 'B'};
    return route_open(&table, &new);
}

static void child(uint32_t route, uint32_t index, uint8_t venue, uint32_t quantity)
{
    orders[index] = (struct own_order){.generation = orders[index].generation + 1,
                                       .quantity = quantity,
                                       .open = quantity,
                                       .flags = ORDER_ACCEPTED,
                                       .session = venue,
                                       .life = LIFE_LIVE};
    route_child_add(&table, route, venue, index, &orders[index]);
}

static uint32_t tell(uint32_t index, uint32_t fill, uint32_t broken)
{
    const struct order_outcome out = {.did = (fill ? DID_FILL : 0u) | (broken ? DID_BREAK : 0u),
                                      .shares = fill,
                                      .executed = fill,
                                      .broken_shares = broken};
    return route_report(&table, index, &orders[index], &out);
}

static void account_holds(void)
{
    char why[160] = "";
    if (!routes_check(&table, &order_table, why, sizeof why))
        fail_msg("%s", why);
}

static void used_open_and_remainder_add_up(void **state)
{
    (void)state;
    void *memory = calloc(1, 2 * routes_bytes(2, 4));
    routes_init(&table, 2, 4, (void *)(((uintptr_t)memory + 63) & ~(uintptr_t)63));
    const uint32_t route = route_begin(1000);
    const struct route *r = route_at(&table, route);
    child(route, 0, 0, 400);
    child(route, 1, 1, 300);
    account_holds();
    assert_int_equal(route_remainder(r), 300);
    orders[0].open = 250;
    orders[0].filled = 150;
    assert_int_equal(tell(0, 150, 0), route);
    assert_true(r->used == 150 && r->filled == 150 && r->open == 550 && !r->due);
    assert_int_equal(route_remainder(r), 300);
    orders[0].filled = 0; // broken: the shares do not come back
    tell(0, 0, 150);
    assert_true(r->used == 150 && r->filled == 0 && route_remainder(r) == 300);
    account_holds();
    orders[1].open = 0; // rejected
    orders[1].life = LIFE_DEAD;
    orders[1].flags = 0;
    tell(1, 0, 0);
    assert_true(r->due && r->failed == 2 && r->spent == 2 && r->alive == 1 && !r->stopping);
    assert_int_equal(route_remainder(r), 600);
    account_holds();
    orders[0].open = 0; // cancelled by us
    orders[0].life = LIFE_DEAD;
    orders[0].cancels = 1;
    tell(0, 0, 0);
    assert_true(r->failed == 2 && r->spent == 3 && r->alive == 0 && r->stopping);
    assert_int_equal(route_remainder(r), 850);
    route_close(&table, route, ROUTE_ENDED_CANCELLED);
    account_holds();
    // What an exchange executes of an order that was over is seen, and counted when it is too much.
    tell(0, 250, 0);
    assert_true(r->used == 400 && r->excess == 0);
    tell(0, 700, 0);
    assert_true(r->excess == 100 && table.excess == 100 && route_remainder(r) == 0);
    free(memory);
}

static void places_are_taken_again_and_old_children_forgotten(void **state)
{
    (void)state;
    void *memory = calloc(1, 2 * routes_bytes(2, 4));
    routes_init(&table, 2, 4, (void *)(((uintptr_t)memory + 63) & ~(uintptr_t)63));
    const uint32_t first = route_begin(10), second = route_begin(10);
    child(first, 0, 0, 10);
    child(second, 1, 0, 10);
    assert_int_equal(route_begin(10), ROUTE_NONE);
    assert_int_equal(route_of_order(&table, 0, orders[0].generation), first);
    assert_int_equal(route_of_order(&table, 2, orders[2].generation), ROUTE_NONE);
    orders[0].life = LIFE_DEAD;
    orders[0].open = 0;
    tell(0, 0, 0);
    route_close(&table, first, ROUTE_ENDED_RETURNED);
    assert_int_equal(route_of_order(&table, 0, orders[0].generation), first); // until it is taken
    assert_int_equal(route_begin(20), first);
    assert_int_equal(tell(0, 5, 0), ROUTE_NONE);
    assert_int_equal(route_at(&table, first)->used, 0);
    child(second, 0, 1, 3); // the place of an order, taken again by another's child
    assert_int_equal(route_of_order(&table, 0, orders[0].generation), second);
    assert_int_equal(route_of_order(&table, 0, orders[0].generation - 1), ROUTE_NONE);
    free(memory);
}

// An execution is taken once, whatever the exchange makes of it, and in whatever order it says so.
static void what_becomes_of_an_execution(void **state)
{
    (void)state;
    enum { SHARES = 100, PRICE = 10 };
    static const struct {
        enum ouch_report_kind said[2]; // of one execution
        uint32_t shares[2];            // of them
        uint32_t filled;
    } stories[] = {
        {{REPORT_EXECUTED, REPORT_CORRECTED}, {SHARES, SHARES}, SHARES}, // changes nothing
        {{REPORT_EXECUTED, REPORT_CORRECTED}, {SHARES, 80}, 80},
        {{REPORT_EXECUTED, REPORT_BROKEN}, {SHARES, 0}, 0},
        {{REPORT_CORRECTED, REPORT_EXECUTED}, {SHARES, SHARES}, SHARES},
        {{REPORT_CORRECTED, REPORT_EXECUTED}, {80, SHARES}, 80},
        {{REPORT_BROKEN, REPORT_EXECUTED}, {0, SHARES}, 0},
    };
    const struct order_config config = {
        .orders = 8, .sessions = 1, .refs_max = 64, .executions = 64};
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++) {
        struct order_table with;
        struct order_outcome out;
        void *memory = aligned_alloc(CACHE_LINE, cache_lines(orders_bytes(&config)));
        void *routes = aligned_alloc(CACHE_LINE, cache_lines(routes_bytes(2, 8)));
        memset(memory, 0, cache_lines(orders_bytes(&config)));
        memset(routes, 0, cache_lines(routes_bytes(2, 8)));
        orders_init(&with, &config, memory);
        routes_init(&table, 2, 8, routes);
        const struct order_new new = {
            .ref = 1, .quantity = 3 * SHARES, .price = PRICE, .side = 'B', .time_in_force = '0'};
        const uint32_t order = orders_open(&with, &new), route = route_begin(3 * SHARES);
        const struct own_order *o = orders_at(&with, order);
        route_child_add(&table, route, 0, order, o);
        for (size_t k = 0; k < 2; k++) {
            const struct ouch_report r = {.kind = (uint8_t)stories[i].said[k],
                                          .letter = 'E',
                                          .time_ns = k + 1,
                                          .match = 7,
                                          .ref = 1,
                                          .quantity = stories[i].shares[k],
                                          .price = PRICE};
            order_report(&with, order, &r, &out);
            assert_int_equal(route_report(&table, order, o, &out), route);
        }
        const struct route *r = route_at(&table, route);
        assert_int_equal(r->used, SHARES);
        assert_int_equal(r->filled, stories[i].filled);
        assert_true(r->open == 2 * SHARES && route_remainder(r) == 0 && r->excess == 0);
        // Nor does it come back to the order: a cancel that leaves less is sent again.
        assert_int_equal(order_total(o), 3 * SHARES);
        order_cancel_begin(&with, order, 3 * SHARES - 1);
        order_found_out(&with, order, ORDER_MESSAGE_SILENCE, &out);
        assert_true(out.did & DO_CANCEL);
        order_cancel_begin(&with, order, 3 * SHARES);
        order_found_out(&with, order, ORDER_MESSAGE_SILENCE, &out);
        assert_int_equal(o->waits, 0); // nothing to take off, and nothing to wait for
        free(memory);
        free(routes);
    }
}

int main(void)
{
#define PLAN_TEST(name) cmocka_unit_test_setup(name, forget)
    const struct CMUnitTest tests[] = {
        PLAN_TEST(the_better_price_is_preferred_whatever_the_fee),
        PLAN_TEST(then_the_fee_then_latency_then_the_number),
        PLAN_TEST(split_takes_one_level_and_sweep_takes_all_within_the_limit),
        PLAN_TEST(shares_that_rest_go_where_resting_is_cheapest),
        PLAN_TEST(nobody_and_nothing),
        PLAN_TEST(a_sweep_is_the_sorted_list_of_levels),
        PLAN_TEST(used_open_and_remainder_add_up),
        PLAN_TEST(what_becomes_of_an_execution),
        PLAN_TEST(places_are_taken_again_and_old_children_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
