// Reconciliation: whatever the exchanges, the wires and the market data lines do, after the dust
// settles orders, positions, exposure and money are what the log of the exchange says, and what is
// reserved is zero (trade_checks.h: which numbers are compared). Seeds: seeds.h.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

// Those of reconciliation share the seconds; determinism takes its part beside them.
#define SIM_PROPERTIES 7

#include "dataplane/base/hints.h"
#include "dataplane/book/book.h"
#include "tests/sim/seeds.h"
#include "tests/sim/trade_checks.h"
#include "tests/sim/trade_cover.h"
#include "tests/sim/trade_people.h"
#include "tests/sim/trade_world.h"

enum { PERCENT = 42949672, CHECK_STEPS = 32, RANDOM_ACCOUNT = 1 };

static struct desk_owner owner = {.account = RANDOM_ACCOUNT, .strategy = TRADE_DRIVER};

// --- the random client ---

// Around the best price of the venue, often through it, now and then off the tick.
static uint32_t price_drawn(uint32_t venue, uint32_t instrument, bool buys)
{
    const struct channel *ch = &sim->venues[venue].channel;
    const uint16_t slot = book_symbol_find(&ch->book, sim->desk.instruments[instrument].symbol);
    uint32_t price = 100000;
    if (slot != SYMBOL_NONE) {
        const struct book_symbol *symbol = &ch->book.symbols[slot];
        const struct level *level = book_best(&ch->book, symbol, buys ? BOOK_ASK : BOOK_BID);
        price = level ? level->price : price;
    }
    const uint32_t tick = price > 20000 ? 100 : 1;
    const uint32_t away = trade_draw(8) * tick;
    price = buys ? price + 2 * tick - (away < price ? away : 0) : price - 2 * tick + away;
    return trade_draw(50) ? price : price + 50;
}

#define ASK_FOR(x, name, member, value) \
    ((x)->options.present |= 1u << OUCH50_TAG_##name, (x)->options.member = (value))

// One of the things that an order may ask for beside its price, good ones and bad.
static void extras_drawn(struct ouch_extras *x, struct desk_order *ask)
{
    const uint32_t beyond = 100 * trade_draw(4);
    switch (trade_draw(12)) {
    case 0: ASK_FOR(x, POST_ONLY, post_only, 'P'); break;
    case 1: ASK_FOR(x, MIN_QUANTITY, min_quantity, 1 + trade_draw(ask->quantity + 20)); break;
    case 2:
        ASK_FOR(x, MAX_FLOOR, max_floor, 100);
        if (trade_draw(2))
            ASK_FOR(x, RANDOM_RESERVES, random_reserves, 1 + trade_draw(99));
        break;
    case 3:
    case 4:
        ASK_FOR(x, DISCRETION_PRICE, discretion_price,
                ask->side == 'B' ? ask->price + beyond : ask->price - beyond);
        break;
    case 5:
    case 6:
        ask->display = 'N';
        ASK_FOR(x, PRICE_TYPE, price_type, "PMRm"[trade_draw(4)]);
        if (trade_draw(2))
            ASK_FOR(x, PEG_OFFSET, peg_offset, (int32_t)(100 * trade_draw(5)) - 200);
        break;
    case 7:
        ask->time_in_force = '6';
        ASK_FOR(x, EXPIRE_S, expire_s, 1 + trade_draw(100));
        break;
    case 8: ASK_FOR(x, LOCATED, located, 'Y'); break;
    case 9:
        ASK_FOR(x, CUSTOMER, customer, "RN"[trade_draw(2)]);
        ASK_FOR(x, TRADE_NOW, trade_now, 'Y');
        ASK_FOR(x, GROUP, group, 7);
        break;
    case 10: x->cross = "OCH"[trade_draw(3)]; break;
    default:
        x->capacity = "APRO"[trade_draw(4)];
        x->iso = 'Y';
        ASK_FOR(x, FIRM, firm[0], 'F');
        memcpy(x->options.firm, "FRM2", 4);
    }
}

static void enter(void)
{
    uint32_t index;
    const uint32_t venue = trade_draw(TRADE_VENUES), instrument = trade_draw(TRADE_SYMBOLS);
    const bool buys = trade_draw(2);
    struct ouch_extras extras = {.options = {.present = 0}};
    struct desk_order ask = {.client_id = trade_draw(1000),
                             .quantity = 1 + trade_draw(400),
                             .price = price_drawn(venue, instrument, buys),
                             .instrument = (uint16_t)instrument,
                             .session = (uint8_t)venue,
                             .side = buys ? 'B' : "SSET"[trade_draw(4)],
                             .time_in_force = trade_draw(4) ? '0' : '3',
                             .display = trade_draw(10) ? 'Y' : 'N'};
    if (sim->config->extras && trade_draw(3) == 0) {
        extras_drawn(&extras, &ask);
        ask.extras = &extras;
    }
    (void)desk_enter(&sim->desk, &owner, &ask, &index);
}

static void ask_something(void)
{
    const uint32_t order = trade_draw(TRADE_ORDERS), dice = trade_draw(16);
    const struct own_order *o = desk_order_of(&sim->desk, &owner, order);
    if (dice < 6)
        enter();
    else if (o == NULL || o->life == LIFE_DEAD)
        return;
    else if (dice < 11)
        (void)desk_replace(&sim->desk, &owner, order, o->filled + 1 + trade_draw(500),
                           price_drawn(o->session, o->instrument, !side_sells(o->side)));
    else if (dice < 13)
        (void)desk_cancel(&sim->desk, order, trade_draw(2) ? 0 : 1 + trade_draw(300));
    else
        (void)desk_modify(&sim->desk, &owner, order, o->filled + 1 + trade_draw(300),
                          o->side == 'S'   ? 'E'
                          : o->side == 'E' ? 'T'
                                           : o->side);
}

// Of all seeds of a property: that something happened.
static uint64_t executions, closed, released, given_up, taken_back;

static void live(void)
{
    const struct trade_config *c = sim->config;
    for (uint32_t i = 0; i < c->steps; i++) {
        for (uint32_t asks = trade_draw(c->asks + 1); asks; asks--)
            ask_something();
        if (c->people)
            people_step();
        trade_step();
        exposure_covers_the_exchanges();
        if (i % CHECK_STEPS == 0)
            check();
    }
}

// --- properties ---

static struct trade_config world_of(uint64_t seed)
{
    const uint64_t r = seed * 0xD6E8FEB86659FD93ull;
    return (struct trade_config){
        .seed = seed,
        .steps = 1500,
        .messages = 2500 + (uint32_t)(r >> 8) % 2000,
        .asks = 1 + (uint32_t)(r >> 20) % 3,
        .self_match = (enum bourse_self_match)((r >> 30) % 4),
        .cancel_on_disconnect = (r >> 33) & 1,
        .extras = true,
        .slides = (r >> 35) & 1,
        .wire_busy = (r >> 34) & 1 ? 40 : 0,
        .line_loss_ppm = (uint32_t)(r >> 13) % 100000,
        .both_loss_ppm = (uint32_t)(r >> 23) % 10000,
        .reorder_ppm = (uint32_t)(r >> 43) % 100000,
        .server_loss_ppm = 100000,
    };
}

static void none(uint64_t count, const char *what)
{
    if (count)
        fail_msg("seed %lu: %lu %s", sim->config->seed, count, what);
}

static void exact(bool all_arrived)
{
    settle();
    everything_is_equal(all_arrived);
    none((uint64_t)lost_messages(), "messages that nobody has read");
    none(sim->desk.count.unclaimed, "unclaimed executions");
    none(sim->contradictions, "impossible messages");
    none(sim->desk.orders.duplicates, "duplicates");
    // Without an account query (venue 1) an order that was lost with its connection stays in doubt.
    none(orders_in_doubt(all_arrived), "orders in doubt");
    closed += doubts_end();
    executions += sim->desk.count.fills;
    trade_close();
}

// Losses on the lines only.
static void honest(uint64_t seed)
{
    struct trade_config c = world_of(seed);
    trade_open(&c);
    live();
    exact(true);
}

// Connections that break at any byte, either way, and exchanges that fall silent or are late.
static void broken_connections(uint64_t seed)
{
    struct trade_config c = world_of(seed);
    c.wire_breaks = seed % 3 ? 100 : 0;
    c.faults = (struct bourse_faults){.cut_bytes = seed % 2 ? 4000 : 0,
                                      .cut_in_bytes = seed % 5 ? 0 : 2000,
                                      .cut_resets = seed & 4,
                                      .late_below = 2 * PERCENT,
                                      .late_us = 500,
                                      .silent_below = seed % 4 ? 0 : 50 * PERCENT};
    trade_open(&c);
    live();
    exact(false);
}

static struct bourse_faults misbehaviour_of(uint64_t seed)
{
    const uint64_t r = seed * 0x9E3779B97F4A7C15ull;
    struct bourse_faults f = {.late_below = 2 * PERCENT,
                              .late_us = 300,
                              .reject_below = 3 * PERCENT,
                              .cancel_below = 2 * PERCENT,
                              .break_below = 3 * PERCENT};
    if (r >> 20 & 1)
        f.duplicate_below = 2 * PERCENT;
    if (r >> 21 & 1)
        f.missing_below = 2 * PERCENT;
    if (r >> 25 & 1)
        memcpy(f.missing_types, "AU", 3);
    if (r >> 26 & 1)
        memcpy(f.reorder_types, "AUMCJPIEB", 10);
    if (r >> 22 & 1)
        f.reorder_below = 2 * PERCENT;
    if (r >> 23 & 1)
        f.garbage_below = PERCENT;
    if (r >> 24 & 1)
        f.cut_bytes = 5000;
    return f;
}

// Rejects, cancels and breaks at will are within the protocol: everything is exact.
static void an_unkind_exchange(uint64_t seed)
{
    struct trade_config c = world_of(seed);
    c.wire_breaks = seed % 2 ? 150 : 0;
    c.faults = misbehaviour_of(seed);
    c.faults.duplicate_below = c.faults.missing_below = c.faults.reorder_below = 0;
    trade_open(&c);
    live();
    exact(false);
}

// Answers that are missing, come twice or in another order are not: orders may stay in doubt, but
// trades and money are right, and nothing is reserved but for what is in doubt.
static void a_wrong_exchange(uint64_t seed)
{
    struct trade_config c = world_of(seed);
    c.wire_breaks = seed % 2 ? 150 : 0;
    c.faults = misbehaviour_of(seed);
    trade_open(&c);
    live();
    settle();
    assert_int_equal(lost_messages(), 0);
    everything_is_equal(false);
    closed += doubts_end();
    executions += sim->desk.count.fills;
    trade_close();
}

// Sessions that end or are forgotten in the middle of the day. Messages that nobody can read any
// more make the two differ; then and only then, and a session was halted for it.
static void sessions_that_end(uint64_t seed)
{
    struct trade_config c = world_of(seed);
    const bool forgets = seed % 4 == 1;
    c.wire_breaks = seed % 2 ? 200 : 0;
    c.faults = (struct bourse_faults){.reset_below = 5 * PERCENT,
                                      .cut_bytes = seed % 3 ? 0 : 6000,
                                      .forget_below = forgets ? 20 * PERCENT : 0};
    trade_open(&c);
    live();
    if (!forgets) {
        settle();
    } else {
        (void)trade_settle();
        check();
    }
    const int64_t lost = lost_messages();
    uint64_t told = 0;
    for (uint32_t k = 0; k < TRADE_VENUES; k++)
        told += sim->venues[k].session.count.renewed;
    if (lost == 0 || told == 0) { // what no login was answered for says nothing of an order
        everything_is_equal(false);
        assert_int_equal(orders_in_doubt(false), 0);
        closed += doubts_end();
    }
    executions += sim->desk.count.fills;
    trade_close();
}

// Orders leave when the journal has them, and it stalls and fails. Whatever is given up, refused
// the second time, cancelled or killed meanwhile holds nothing in the end; the rest is exact.
static void durable_sessions(uint64_t seed)
{
    struct trade_config c = world_of(seed);
    c.durable = true;
    c.journal_stalls = seed % 3 ? 60 : 0;
    c.wire_breaks = seed % 5 ? 0 : 150;
    c.faults = seed % 4 ? (struct bourse_faults){.late_below = 2 * PERCENT, .late_us = 300}
                        : misbehaviour_of(seed);
    c.faults.duplicate_below = c.faults.missing_below = c.faults.reorder_below = 0;
    trade_open(&c);
    live();
    released += sim->event_count[EVENT_ORDER_RELEASED];
    given_up += sim->desk.count.refusals[REFUSAL_PARK_LATE];
    taken_back += sim->desk.count.refusals[REFUSAL_PARK_CANCELLED];
    exact(false);
}

// People kill, lift, cancel by scopes, switch strategies and give them parameters, also while
// replaces are on their way and connections break.
static void people_in_between(uint64_t seed)
{
    struct trade_config c = world_of(seed);
    c.people = 40;
    c.durable = seed % 3 == 0;
    c.wire_breaks = seed % 2 ? 150 : 0;
    c.faults = misbehaviour_of(seed);
    c.faults.duplicate_below = c.faults.missing_below = c.faults.reorder_below = 0;
    trade_open(&c);
    people_begin();
    live();
    people_leave();
    exact(false);
}

// All of it, twice: the same events, byte for byte, and the same log.
static void twice_the_same(uint64_t seed)
{
    uint64_t events[2], total[2], log[2];
    struct trade_config c = world_of(seed);
    c.steps = 600;
    c.wire_breaks = 150;
    c.faults = misbehaviour_of(seed);
    c.faults.reset_below = PERCENT;
    c.durable = seed % 2;
    c.journal_stalls = 60;
    for (uint32_t i = 0; i < 2; i++) {
        trade_open(&c);
        live();
        (void)trade_settle();
        events[i] = sim->event_hash;
        total[i] = sim->event_total;
        log[i] = sim->ledger.log_hash;
        executions += sim->desk.count.fills;
        trade_close();
    }
    if (events[0] != events[1] || total[0] != total[1] || log[0] != log[1])
        fail_msg("seed %lu: %lu events, then %lu, or others", seed, total[0], total[1]);
}

#define PROPERTY_TEST(property)                                                            \
    static void test_##property(void **state)                                              \
    {                                                                                      \
        (void)state;                                                                       \
        executions = closed = 0;                                                           \
        seeds_run(property);                                                               \
        assert_true(executions > 0);                                                       \
        print_message("%lu executions, %lu orders closed in doubt\n", executions, closed); \
    }

PROPERTY_TEST(honest)
PROPERTY_TEST(broken_connections)
PROPERTY_TEST(an_unkind_exchange)
PROPERTY_TEST(a_wrong_exchange)
PROPERTY_TEST(sessions_that_end)
PROPERTY_TEST(people_in_between)
PROPERTY_TEST(twice_the_same)

static void test_durable_sessions(void **state)
{
    (void)state;
    executions = 0;
    seeds_run(durable_sessions);
    print_message("%lu released, %lu given up, %lu taken back, %lu executions\n", released,
                  given_up, taken_back, executions);
    assert_true(executions > 0 && released > 0 && given_up > 0 && taken_back > 0);
}

enum { COVER_SEEDS = 60 };

// The first seeds of all properties go through everything that there is.
static void test_cover(void **state)
{
    static void (*const properties[])(uint64_t) = {
        honest,           broken_connections, an_unkind_exchange,
        a_wrong_exchange, sessions_that_end,  people_in_between,
        twice_the_same,   durable_sessions};
    (void)state;
    cover_begin();
    for (uint32_t i = 0; i < ARRAY_LEN(properties); i++)
        for (uint64_t seed = 1; seed <= COVER_SEEDS; seed++)
            properties[i](seed);
    assert_true(cover_is_full());
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest),
        cmocka_unit_test(test_broken_connections),
        cmocka_unit_test(test_an_unkind_exchange),
        cmocka_unit_test(test_a_wrong_exchange),
        cmocka_unit_test(test_sessions_that_end),
        cmocka_unit_test(test_people_in_between),
        cmocka_unit_test(test_twice_the_same),
        cmocka_unit_test(test_durable_sessions),
        cmocka_unit_test(test_cover),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
