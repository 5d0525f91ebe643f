// Orders with options on the desk: what they say on the wire, what they may execute at most, what
// is recorded of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_extras.h"
#include "dataplane/lane/desk_parts.h"
#include "tests/lib/desk_world.h"

enum { PRICE = 1000000 };

#define BIT(name) (1u << OUCH50_TAG_##name)

static int world_begin(void **state)
{
    (void)state;
    world_open(5);
    w->model.missing = 0;
    steps_until(SESSION_READY);
    events_drain();
    return 0;
}

static int world_end(void **state)
{
    (void)state;
    world_close();
    return 0;
}

static struct desk_order asked(char side, const struct ouch_extras *extras)
{
    return (struct desk_order){.quantity = 200,
                               .price = PRICE,
                               .side = side,
                               .time_in_force = '0',
                               .display = 'Y',
                               .extras = extras};
}

// The options of the last frame, an enter or a replace as <letter> says.
static struct ouch50_options sent(char letter)
{
    struct ouch50_message m;
    struct ouch50_options o;
    const uint8_t *p = w->rig.sent + 3;
    assert_true(w->rig.sent_len > 3 && (char)p[0] == letter);
    assert_int_equal(ouch50_in_check(p, w->rig.sent_len - 3, &m), OUCH50_OK);
    assert_true(ouch50_options_read(m.options, m.options_len, &o));
    return o;
}

// Enters until the exchange has taken one and it rests.
static uint32_t rests(char side, const struct ouch_extras *extras)
{
    const struct desk_order ask = asked(side, extras);
    for (int tries = 0; tries < 50; tries++) {
        uint32_t index;
        w->rig.sent_len = 0;
        assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &index), REFUSAL_NONE);
        assert_int_equal(sent('O').present, extras->options.present);
        const struct own_order *o = orders_at(&w->desk.orders, index);
        for (int i = 0; i < 20 && o->life == LIFE_PENDING; i++)
            step();
        check();
        if (o->life == LIFE_LIVE && o->filled == 0)
            return index;
        desk_cancel(&w->desk, index, 0);
        step();
    }
    fail_msg("no order rests");
    return OWN_NONE;
}

static const struct ouch_extras reserve = {
    .options = {.present = BIT(MAX_FLOOR) | BIT(FIRM) | BIT(GROUP),
                .max_floor = 100,
                .firm = "OWN ",
                .group = 12}};

static void a_replace_carries_them(void **state)
{
    (void)state;
    const uint32_t index = rests('B', &reserve);
    w->rig.sent_len = 0;
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 300, PRICE + 100), REFUSAL_NONE);
    const struct ouch50_options o = sent('U');
    assert_int_equal(o.present, BIT(MAX_FLOOR) | BIT(GROUP)); // the firm is the chain's
    assert_true(o.max_floor == 100 && o.group == 12);
    // The next order on the place of this one has none.
    const struct own_order *own = orders_at(&w->desk.orders, index);
    for (int i = 0; i < 200 && own->life != LIFE_DEAD; i++) {
        desk_cancel(&w->desk, index, 0);
        step();
    }
    assert_int_equal(own->life, LIFE_DEAD);
    const uint32_t generation = own->generation;
    const struct desk_order plain = asked('B', NULL);
    for (uint32_t i = 0; i < ORDERS && own->generation == generation; i++) {
        uint32_t next;
        assert_int_equal(desk_enter(&w->desk, &w->who, &plain, &next), REFUSAL_NONE);
        assert_null(order_extras(&w->desk.orders, next));
    }
    assert_int_equal(own->generation, generation + 1);
}

// An order for an auction stays one through its changes: its quantity is held to the limit of
// auctions, and to that of other orders never.
static void an_auction_has_its_own_quantity(void **state)
{
    static const struct ouch_extras closing = {.cross = 'C'};
    (void)state;
    struct limit_row *row = &w->limits->symbols[0];
    const uint32_t index = rests('B', &closing);
    row->quantity = 10;
    row->auction_quantity = 299;
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 300, PRICE), REFUSAL_AUCTION_QUANTITY);
    assert_int_equal(desk_modify(&w->desk, &w->who, index, 150, 'B'), REFUSAL_NONE);
    for (int i = 0; i < 20; i++)
        step();
    row->auction_quantity = 99;
    assert_int_equal(desk_modify(&w->desk, &w->who, index, 100, 'B'), REFUSAL_AUCTION_QUANTITY);
    row->auction_quantity = 100;
    assert_int_equal(desk_modify(&w->desk, &w->who, index, 100, 'B'), REFUSAL_NONE);
    static const struct ouch_extras after_hours = {.cross = 'A'}; // OUCH 5.0 alone
    const struct desk_order ask = asked('B', &after_hours);
    uint32_t next;
    assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &next), REFUSAL_AUCTION_QUANTITY);
    row->auction_quantity = 200;
    assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &next), REFUSAL_NONE);
}

// It may execute up to its discretion: that is reserved, and that is what collars look at.
static void a_discretion_is_reserved(void **state)
{
    const struct ouch_extras far = {
        .options = {.present = BIT(DISCRETION_PRICE), .discretion_price = PRICE + 5000}};
    (void)state;
    const uint64_t before = w->desk.risk.firm.notional;
    const uint32_t index = rests('B', &far);
    const struct own_order *o = orders_at(&w->desk.orders, index);
    assert_int_equal(o->held_notional, 200ull * (PRICE + 5000));
    assert_true(w->desk.risk.firm.notional >= before + 200ull * (PRICE + 5000));
    w->limits->symbols[0].price_high = PRICE + 4999;
    const struct desk_order again = asked('B', &far), plain = asked('B', NULL);
    uint32_t next;
    assert_int_equal(desk_enter(&w->desk, &w->who, &again, &next), REFUSAL_PRICE_COLLAR);
    assert_int_equal(desk_enter(&w->desk, &w->who, &plain, &next), REFUSAL_NONE);
    // A price beyond the discretion contradicts it.
    w->limits->symbols[0].price_high = UINT32_MAX;
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 200, PRICE + 5001),
                     REFUSAL_ORDER_FIELD);
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 200, PRICE + 100), REFUSAL_NONE);
    assert_int_equal(o->held_notional, 200ull * (PRICE + 5000));
}

// A sale that goes below its price is judged there and reserved at its price, which is more.
static void a_sales_discretion_is_judged(void **state)
{
    const struct ouch_extras far = {
        .options = {.present = BIT(DISCRETION_PRICE), .discretion_price = PRICE - 5000}};
    (void)state;
    const uint32_t index = rests('S', &far);
    assert_int_equal(orders_at(&w->desk.orders, index)->held_notional, 200ull * PRICE);
    w->limits->symbols[0].price_low = PRICE - 4999;
    const struct desk_order again = asked('S', &far);
    uint32_t next;
    assert_int_equal(desk_enter(&w->desk, &w->who, &again, &next), REFUSAL_PRICE_COLLAR);
}

enum { REACH = 5000, HUGE_PRICE = OUCH50_PRICE_MAX + 100 };

static struct event last_of(uint16_t type);

// An order with a discretion stands for two prices: neither is beyond a limit because the other is
// not. <price>, <reach>: what is asked for; refused with <value>, at <limit>.
static void an_order_is_judged_at_both_its_prices(void **state)
{
    struct limit_row *row = &w->limits->symbols[0];
    static const struct {
        char side;
        uint32_t price, reach;
        enum refusal refusal;
        uint64_t value, limit;
    } rows[] = {
        {'S', PRICE, PRICE - REACH, REFUSAL_NOTIONAL, 200ull * PRICE, 200ull * PRICE - 1},
        {'B', PRICE - REACH, PRICE, REFUSAL_NOTIONAL, 200ull * PRICE, 200ull * PRICE - 1},
        {'S', PRICE + 1, PRICE - REACH, REFUSAL_TICK, PRICE + 1, 100},
        {'S', PRICE, PRICE - REACH + 1, REFUSAL_TICK, PRICE - REACH + 1, 100},
        {'B', PRICE + 1, PRICE + REACH, REFUSAL_TICK, PRICE + 1, 100},
        {'S', 2 * PRICE, PRICE - REACH, REFUSAL_PRICE_COLLAR, 2 * PRICE, PRICE},
        {'S', PRICE, PRICE - REACH, REFUSAL_PRICE_COLLAR, PRICE - REACH, PRICE - 100},
        {'B', PRICE - REACH, PRICE, REFUSAL_PRICE_COLLAR, PRICE - REACH, PRICE - 100},
        {'B', PRICE, PRICE + REACH, REFUSAL_PRICE_COLLAR, PRICE + REACH, PRICE},
        {'S', PRICE + REACH, PRICE, REFUSAL_LULD, PRICE + REACH, PRICE},
        {'B', PRICE - REACH, PRICE, REFUSAL_LULD, PRICE - REACH, PRICE - 100},
        {'S', 2 * PRICE, PRICE, REFUSAL_LAST_TRADE, 2 * PRICE, PRICE + PRICE / 100},
        {'B', PRICE / 2, PRICE, REFUSAL_LAST_TRADE, PRICE / 2, PRICE - PRICE / 100},
        {'B', PRICE / 2, 2 * PRICE, REFUSAL_LAST_TRADE, 2 * PRICE, PRICE + PRICE / 100},
        {'S', 2 * PRICE, PRICE, REFUSAL_PRICE_PERIOD, 2 * PRICE, PRICE + PRICE / 100},
        {'B', PRICE / 2, PRICE, REFUSAL_PRICE_PERIOD, PRICE / 2, PRICE - PRICE / 100},
        {'S', HUGE_PRICE, PRICE, REFUSAL_ORDER_FIELD, 0, 0},
        {'S', OUCH50_PRICE_MARKET, PRICE, REFUSAL_ORDER_FIELD, 0, 0},
        {'B', 0, PRICE, REFUSAL_ORDER_FIELD, 0, 0},
    };
    const struct limit_row was = *row;
    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        const bool low = rows[i].value < rows[i].limit;
        const struct ouch_extras far = {
            .options = {.present = BIT(DISCRETION_PRICE), .discretion_price = rows[i].reach}};
        struct desk_order ask = asked(rows[i].side, &far);
        uint32_t index;
        ask.price = rows[i].price;
        w->rig.sent_len = 0;
        *row = was;
        row->symbol.previous_close = PRICE;
        switch (rows[i].refusal) {
        case REFUSAL_NOTIONAL: row->notional = rows[i].limit; break;
        case REFUSAL_TICK:
            row->symbol.tick = 100;
            row->symbol.tick_magic = multiple_magic(100);
            break;
        case REFUSAL_PRICE_COLLAR:
            *(low ? &row->price_low : &row->price_high) = (uint32_t)rows[i].limit;
            break;
        case REFUSAL_LULD:
            limit_band_set(row, low ? (uint32_t)rows[i].limit : 0,
                           low ? UINT32_MAX : (uint32_t)rows[i].limit);
            break;
        case REFUSAL_LAST_TRADE: row->symbol.last = 100; break;
        case REFUSAL_PRICE_PERIOD: row->symbol.period = 100; break;
        default: break;
        }
        const enum refusal refusal = desk_enter(&w->desk, &w->who, &ask, &index);
        const struct event_decision e = last_of(EVENT_DECISION).decision;
        if (refusal != rows[i].refusal || e.value != rows[i].value || e.limit != rows[i].limit)
            fail_msg("row %u: %s %llu %llu", i, refusal_name(refusal), (unsigned long long)e.value,
                     (unsigned long long)e.limit);
        assert_int_equal(w->rig.sent_len, 0);
    }
    *row = was;
}

// A replace carries the discretion on, and is judged like the order.
static void a_replace_is_judged_at_both_its_prices(void **state)
{
    const struct ouch_extras far = {
        .options = {.present = BIT(DISCRETION_PRICE), .discretion_price = PRICE - REACH}};
    (void)state;
    const uint32_t index = rests('S', &far);
    w->rig.sent_len = 0;
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 200, OUCH50_PRICE_MARKET),
                     REFUSAL_ORDER_FIELD);
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 200, HUGE_PRICE), REFUSAL_ORDER_FIELD);
    w->limits->symbols[0].price_high = PRICE;
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 200, PRICE + 1), REFUSAL_PRICE_COLLAR);
    assert_int_equal(w->rig.sent_len, 0);
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 200, PRICE), REFUSAL_NONE);
}

// A modify says neither of them again.
static void a_modify_is_judged_at_both_its_prices(void **state)
{
    const struct ouch_extras far = {
        .options = {.present = BIT(DISCRETION_PRICE), .discretion_price = PRICE - REACH}};
    (void)state;
    const uint32_t index = rests('S', &far);
    w->limits->symbols[0].price_low = PRICE - REACH + 1;
    assert_int_equal(desk_modify(&w->desk, &w->who, index, 100, 'S'), REFUSAL_PRICE_COLLAR);
    assert_int_equal(last_of(EVENT_DECISION).decision.value, PRICE - REACH);
    w->limits->symbols[0].price_low = PRICE - REACH;
    assert_int_equal(desk_modify(&w->desk, &w->who, index, 100, 'S'), REFUSAL_NONE);
}

// The exchange may accept a peg at a better price and move it back to its limit.
static void a_peg_is_reserved_at_its_limit(void **state)
{
    const struct ouch_extras peg = {.options = {.present = BIT(PRICE_TYPE), .price_type = 'R'}};
    struct desk_order ask = asked('B', &peg);
    uint32_t index;
    (void)state;
    ask.display = 'N';
    assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &index), REFUSAL_NONE);
    const struct own_order *o = orders_at(&w->desk.orders, index);
    struct ouch_report r = {.kind = REPORT_ACCEPTED,
                            .letter = 'A',
                            .time_ns = 1,
                            .ref = o->ref,
                            .quantity = 200,
                            .price = PRICE - 900,
                            .side = 'B',
                            .display = 'N'};
    desk_report(&w->desk, 0, &r);
    assert_true(o->life == LIFE_LIVE && o->price == PRICE - 900);
    assert_int_equal(o->held_notional, 200ull * PRICE);
    // Replaced to a lower limit: the lower one holds as soon as the exchange says so.
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 200, PRICE - 500), REFUSAL_NONE);
    assert_int_equal(o->held_notional, 200ull * PRICE);
    r = (struct ouch_report){.kind = REPORT_REPLACED,
                             .letter = 'U',
                             .time_ns = 2,
                             .ref = o->change_ref,
                             .ref_was = o->ref,
                             .quantity = 200,
                             .price = PRICE - 900,
                             .side = 'B',
                             .display = 'N'};
    desk_report(&w->desk, 0, &r);
    assert_int_equal(o->held_notional, 200ull * (PRICE - 500));
    check();
}

static void bad_ones_are_refused(void **state)
{
    const struct ouch_extras bad[] = {
        {.options = {.present = BIT(POST_ONLY), .post_only = 'Q'}},
        {.options = {.present = BIT(SECONDARY_REF), .secondary_ref = 1}},
        {.options = {.present = BIT(MIN_QUANTITY), .min_quantity = 201}},
        {.cross = 'x'},
    };
    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct desk_order ask = asked('B', &bad[i]);
        uint32_t index;
        w->rig.sent_len = 0;
        assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &index), REFUSAL_ORDER_FIELD);
        assert_int_equal(w->rig.sent_len, 0);
    }
    assert_int_equal(w->desk.risk.firm.orders, 0);
    check();
}

static struct event last_of(uint16_t type)
{
    struct event out[64], found = {0};
    uint32_t n;
    uint64_t cursor = w->event_cursor;
    assert_true(
        event_read(w->lane.trading.ring, w->lane.trading.slots, 4096, &cursor, out, 64, &n));
    for (uint32_t i = 0; i < n; i++)
        if (out[i].type == type)
            found = out[i];
    return found;
}

static void they_are_recorded_before_the_decision(void **state)
{
    const struct strategy_options said = {.min_quantity = 100,
                                          .max_floor = 100,
                                          .random_reserves = 7,
                                          .discretion_price = PRICE + 100,
                                          .group = 3,
                                          .customer = 'R',
                                          .capacity = 'A',
                                          .firm = "OWN ",
                                          .route = "SCAN",
                                          .aiq_group = "G1"};
    struct ouch_extras extras;
    uint32_t index;
    (void)state;
    desk_extras_from(&said, &extras);
    const struct desk_order ask = asked('B', &extras);
    assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &index), REFUSAL_NONE);
    const struct event options = last_of(EVENT_ORDER_OPTIONS), decision = last_of(EVENT_DECISION);
    const struct event_order_options *o = &options.order_options;
    assert_int_equal(options.sequence + 1, decision.sequence);
    assert_int_equal(o->present, extras.options.present);
    assert_true(o->min_quantity == 100 && o->max_floor == 100 && o->random_reserves == 7);
    assert_true(o->discretion_price == PRICE + 100 && o->group == 3 && o->customer == 'R');
    assert_true(o->capacity == 'A' && o->peg_offset == 0 && o->post_only == 0);
    assert_true(o->aiq_group_first == 'G' && o->aiq_group_second == '1');
    assert_memory_equal(o->firm, "OWN ", 4);
    assert_memory_equal(o->route, "SCAN", 4);
    assert_true(o->account == w->who.account && o->strategy == w->who.strategy);
}

// What would leave with another discretion than was approved does not leave.
static void a_frame_with_another_discretion_is_held_back(void **state)
{
    const struct ouch_extras far = {
        .options = {.present = BIT(DISCRETION_PRICE), .discretion_price = PRICE + 5000}};
    (void)state;
    w->session.frames.options.present = BIT(GROUP); // one that stands behind it
    const uint32_t index = rests('B', &reserve);
    (void)index;
    struct session *s = &w->session;
    s->approved = (struct egress){.ref = 900,
                                  .quantity = 200,
                                  .price = PRICE,
                                  .symbol = "SYMA    ",
                                  .letter = 'O',
                                  .side = 'B',
                                  .time_in_force = '0',
                                  .display = 'Y'};
    s->approved_extras = &far;
    const struct frame_order order = {.ref = 900,
                                      .quantity = 200,
                                      .price = PRICE,
                                      .symbol = "SYMA    ",
                                      .side = 'B',
                                      .time_in_force = '0',
                                      .display = 'Y',
                                      .extras = &far};
    frame_enter(&s->frames, &order);
    // Length, tag and eight bytes of the value: its last one.
    s->frames.with.bytes[SOUPBIN_HEADER_LEN + OUCH50_ENTER_LEN + 9] ^= 1;
    w->rig.sent_len = 0;
    assert_int_equal(session_send_order(s, &s->frames.with, w->now), SESSION_EGRESS);
    assert_true(s->halted && w->rig.sent_len == 0);
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_replace_carries_them),
        WORLD_TEST(an_auction_has_its_own_quantity),
        WORLD_TEST(a_discretion_is_reserved),
        WORLD_TEST(a_sales_discretion_is_judged),
        WORLD_TEST(an_order_is_judged_at_both_its_prices),
        WORLD_TEST(a_replace_is_judged_at_both_its_prices),
        WORLD_TEST(a_modify_is_judged_at_both_its_prices),
        WORLD_TEST(a_peg_is_reserved_at_its_limit),
        WORLD_TEST(bad_ones_are_refused),
        WORLD_TEST(they_are_recorded_before_the_decision),
        WORLD_TEST(a_frame_with_another_discretion_is_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
