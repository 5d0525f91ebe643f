// bench-route: what a routed order costs.
//
//   plan   which venue gets how many shares: best prices or eight levels of every venue, sorted by
//          the order of preference
//   route  all of it at a desk with as many venues: books looked at, plan, and for every child
//   order
//          the gate, its exposure, its frame and its records; the transport only says that it took
//          them. Beside it one order by itself, through the same desk.
//
// Each call is timed by itself with the time stamp counter; the counter's own cost, measured in the
// same run, is taken off. What comes back (rejects) is taken in outside of the measured stretch.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/rig.h"
#include "bench/micro/takes_all.h"
#include "dataplane/base/clock.h"
#include "dataplane/book/book_hot.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_route.h"

enum { STAMPS = 10000, SYMBOLS = 4, SLOTS = 1 << 14, SHARES = 100, PRICE = 1000000 };

static struct clock_calibration cal;
static uint32_t *ticks;

static _Noreturn void fail(const char *why)
{
    fprintf(stderr, "bench-route: %s\n", why);
    exit(EXIT_FAILED);
}

static int by_ticks(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint32_t stamp_cost(void)
{
    static uint32_t cost[STAMPS];
    for (uint32_t i = 0; i < STAMPS; i++) {
        const uint64_t from = clock_tsc();
        cost[i] = (uint32_t)(clock_tsc() - from);
    }
    qsort(cost, STAMPS, sizeof *cost, by_ticks);
    return cost[STAMPS / 2];
}

static void show(const char *line, uint32_t venues, uint32_t orders)
{
    qsort(ticks, orders, sizeof *ticks, by_ticks);
    printf("%s venues=%u messages=%u p50=%lu ns p99=%lu ns\n", line, venues, orders,
           (unsigned long)clock_ticks_to_ns(&cal, ticks[orders / 2]),
           (unsigned long)clock_ticks_to_ns(&cal, ticks[(uint64_t)orders * 99 / 100]));
}

// --- the plan alone ---

static struct route_offer offers[SESSIONS_MAX];
static struct route_venue fees[SESSIONS_MAX];

// Splits, by themselves, so that their instructions can be counted.
static __attribute__((noinline)) void plan_once(const struct route_wish *wish, uint32_t venues,
                                                struct route_plan *plan)
{
    route_plan(wish, offers, fees, venues, plan);
}

static void plan_measure(const char *line, enum route_how how, uint32_t venues, uint32_t orders,
                         uint32_t own)
{
    uint64_t placed = 0;
    for (uint32_t v = 0; v < venues; v++) {
        offers[v].level_count = ROUTE_LEVELS;
        for (uint32_t l = 0; l < ROUTE_LEVELS; l++)
            offers[v].levels[l] = (struct route_level){SHARES, PRICE + 100 * (l + v % 3)};
        fees[v] = (struct route_venue){.take_fee6 = (int32_t)(v % 2), .latency_ns = v % 4};
    }
    for (uint32_t i = 0; i < orders; i++) {
        struct route_plan plan;
        const struct route_wish wish = {
            .quantity = SHARES * venues + i % SHARES, .limit = PRICE + 1000, .how = (uint8_t)how};
        const uint64_t from = clock_tsc();
        if (how == ROUTE_SPLIT)
            plan_once(&wish, venues, &plan);
        else
            route_plan(&wish, offers, fees, venues, &plan);
        const uint64_t took = clock_tsc() - from;
        ticks[i] = (uint32_t)(took > own ? took - own : 0);
        placed += plan.count;
    }
    if (placed == 0)
        fail("nothing was placed");
    show(line, venues, orders);
}

// --- a desk ---

static const struct transport_ops takes_all = {.open = take_open,
                                               .ready = take_ready,
                                               .send = take_send,
                                               .close = take_close,
                                               .abort = take_abort};

static struct lane lane;
static struct desk desk;
static struct desk_routes routes;
static struct session sessions[SESSIONS_MAX];
static struct channel channels[SESSIONS_MAX];
static struct transport transports[SESSIONS_MAX];
static const struct desk_owner who = {.account = 1, .strategy = 1};

static uint64_t tsc_clock(void *clock)
{
    (void)clock;
    return clock_tsc();
}

static struct limit_table *limits_make(void)
{
    struct limit_table *t = zeroed(sizeof *t + SYMBOLS * sizeof(struct limit_row));
    limit_row_open(&t->firm);
    for (uint32_t i = 0; i < 4; i++) {
        limit_row_open(&t->accounts[i]);
        limit_row_open(&t->strategies[i]);
    }
    for (uint32_t i = 0; i < SESSIONS_MAX; i++)
        limit_row_open(&t->sessions[i]);
    for (uint32_t i = 0; i < SYMBOLS; i++)
        limit_symbol_open(&t->symbols[i]);
    return t;
}

// One symbol that trades, with eight levels to sell.
static void book_make(struct channel *ch)
{
    struct book_config config = {.symbols = SYMBOLS, .orders = 1024};
    book_config_defaults(&config);
    book_init(&ch->book, &config, zeroed(book_bytes(&config, NULL)));
    const uint16_t slot = book_symbol_open(&ch->book, 1);
    book_symbol_name(&ch->book, slot, "SYMA    ");
    ch->book.symbols[slot].quality = QUALITY_GOOD;
    ch->quality = QUALITY_GOOD;
    for (uint32_t l = 0; l < ROUTE_LEVELS; l++)
        book_add(&ch->book,
                 (struct book_add){.key = order_key(&ch->book, l + 1),
                                   .level = level_key(owner_of(slot, BOOK_ASK), PRICE + 100 * l),
                                   .shares = SHARES,
                                   .hint = book_level_any(&ch->book)});
}

static void desk_make(uint32_t venues, uint32_t orders)
{
    static const char symbols[SYMBOLS][8] = {"SYMA    ", "SYMB    ", "SYMC    ", "SYMD    "};
    const struct region_shape shape = {.lanes = 1,
                                       .channels = 1,
                                       .ports = 1,
                                       .pools = 1,
                                       .bill_items = 1,
                                       .trading_slots = SLOTS,
                                       .diagnostic_slots = 64,
                                       .symbols = {SYMBOLS}};
    const struct region_identity identity = {.epoch = 1};
    const struct desk_config config = {.orders = {.orders = 4096,
                                                  .sessions = venues,
                                                  .refs_max = 2 * orders + 16,
                                                  .executions = 64,
                                                  .silence_ticks = UINT64_MAX / 2},
                                       .instruments = SYMBOLS,
                                       .positions = 16,
                                       .strategies = 1,
                                       .accounts = 4,
                                       .event_credit_min = 64};
    const struct session_config sc = {.frames = {.firm = "    ", .capacity = 'P'},
                                      .username = "u",
                                      .password = "p",
                                      .sequence = 1,
                                      .heartbeat_ticks = UINT64_MAX / 4,
                                      .silence_ticks = UINT64_MAX / 2,
                                      .login_ticks = UINT64_MAX / 2,
                                      .retry_ticks = 1,
                                      .retry_ticks_max = 1};
    struct region_view view;
    struct error err = {0};
    void *region = zeroed(region_bytes(&shape));
    if (!region_format(region, region_bytes(&shape), &shape, &identity, &view))
        fail("no region of this shape");
    lane_init(&lane, &view, 0, zeroed(LANE_RING_LEN * sizeof(struct lane_note)),
              zeroed(LANE_RING_LEN * sizeof(struct lane_answer)));
    lane.now = tsc_clock;
    desk_init(&desk, &lane, &config, symbols, limits_make(), zeroed(desk_bytes(&config)));
    for (uint32_t v = 0; v < venues; v++) {
        transports[v] = (struct transport){&takes_all, NULL};
        if (!session_init(&sessions[v], &sc, &transports[v], "session", &err))
            fail(err.text);
        sessions[v].state = SESSION_READY;
        book_make(&channels[v]);
        desk_session_add(&desk, &sessions[v], &channels[v], NULL);
    }
    desk_routes_init(&desk, &routes, 64, zeroed(routes_bytes(64, config.orders.orders)));
}

// Every exchange rejects, and the journal has read everything.
static void forget(uint32_t venues)
{
    for (uint32_t v = 0; v < venues; v++)
        for (uint32_t at; (at = desk.orders.sessions[v].open.first) != OWN_NONE;) {
            const struct ouch_report r = {
                .kind = REPORT_REJECTED, .letter = 'J', .ref = orders_at(&desk.orders, at)->ref};
            desk_report(&desk, v, &r);
        }
    event_commit(lane.trading.ring, lane.trading.tail);
    lane.trading.committed = lane.trading.tail;
}

// By itself, so that its instructions can be counted.
static __attribute__((noinline)) enum refusal route_once(const struct desk_route *ask,
                                                         uint32_t *route)
{
    return desk_route(&desk, &who, ask, route);
}

static uint64_t routes_measure(const char *line, enum route_how how, uint32_t venues,
                               uint32_t orders, uint32_t own)
{
    uint64_t children = routes.children;
    for (uint32_t i = 0; i < orders; i++) {
        const struct desk_route ask = {.client_id = i,
                                       .quantity = SHARES * venues,
                                       .limit = PRICE + 1000,
                                       .how = (uint8_t)how,
                                       .side = 'B'};
        uint32_t route;
        lane.stamp = clock_tsc();
        const uint64_t from = clock_tsc();
        const enum refusal refusal =
            how == ROUTE_SPLIT ? route_once(&ask, &route) : desk_route(&desk, &who, &ask, &route);
        const uint64_t took = clock_tsc() - from;
        ticks[i] = (uint32_t)(took > own ? took - own : 0);
        if (refusal)
            fail(refusal_help(refusal));
        forget(venues);
    }
    show(line, venues, orders);
    return routes.children - children;
}

static void order_measure(uint32_t venues, uint32_t orders, uint32_t own)
{
    for (uint32_t i = 0; i < orders; i++) {
        const struct desk_order ask = {
            .quantity = SHARES, .price = PRICE, .side = 'B', .time_in_force = '3', .display = 'Y'};
        uint32_t order;
        lane.stamp = clock_tsc();
        const uint64_t from = clock_tsc();
        const enum refusal refusal = desk_enter(&desk, &who, &ask, &order);
        const uint64_t took = clock_tsc() - from;
        ticks[i] = (uint32_t)(took > own ? took - own : 0);
        if (refusal)
            fail(refusal_help(refusal));
        forget(venues);
    }
    show("order", venues, orders);
}

int main(int argc, char **argv)
{
    const uint32_t orders = (uint32_t)option(argc, argv, "--orders", 200000);
    const uint32_t venues = (uint32_t)option(argc, argv, "--venues", 2);
    const uint32_t own = stamp_cost();
    if (venues == 0 || venues > SESSIONS_MAX || orders == 0 || orders > 1000000) {
        fprintf(stderr, "bench-route: 1 to %d venues, 1 to 1000000 orders\n", SESSIONS_MAX);
        return EXIT_USAGE;
    }
    ticks = zeroed(orders * sizeof *ticks);
    clock_calibrate(&cal, 100);
    plan_measure("plan-split", ROUTE_SPLIT, venues, orders, own);
    plan_measure("plan-sweep", ROUTE_SWEEP, venues, orders, own);
    desk_make(venues, 3 * orders);
    order_measure(venues, orders, own);
    routes_measure("route-best", ROUTE_BEST, venues, orders, own);
    // Every venue shows the same: each gets its part.
    const uint64_t children = routes_measure("route-split", ROUTE_SPLIT, venues, orders, own);
    return children == (uint64_t)venues * orders ? EXIT_OK : EXIT_FAILED;
}
