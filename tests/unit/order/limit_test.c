// What the exchange says about price and side, held against what was asked for: just at the limit,
// and just beyond it. What is impossible is counted and quarantines the order, and is believed
// where that is the worse; an execution is in the position whatever its price.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/order_rig.h"

enum { REF = 10, CHANGE = 11, SHARES = 500, PRICE = 100100, TICK = 1 };

static uint64_t time_ns;

static int open_table(void **state)
{
    (void)state;
    const struct order_config config = {
        .orders = 64, .sessions = 1, .refs_max = 64, .executions = 64, .silence_ticks = 1000};
    table_make(&config);
    return 0;
}

static struct own_order *enter(char side, const struct ouch_extras *extras)
{
    const struct order_new new = {.ref = REF,
                                  .quantity = SHARES,
                                  .price = PRICE,
                                  .side = side,
                                  .time_in_force = '0',
                                  .display = 'Y'};
    close_table(NULL);
    open_table(NULL);
    const uint32_t index = orders_open(&table, &new);
    if (extras)
        order_extras_set(&table, index, extras);
    return orders_at(&table, index);
}

static struct order_outcome tell(struct own_order *o, enum ouch_report_kind kind, uint32_t ref,
                                 uint32_t price, char side)
{
    const bool fills = kind == REPORT_EXECUTED;
    time_ns++;
    const struct ouch_report r = {.kind = (uint8_t)kind,
                                  .letter = "AAUUCEFBJPITMR"[kind],
                                  .time_ns = time_ns,
                                  .ref = ref,
                                  .ref_was = REF,
                                  .quantity = fills || kind == REPORT_CANCELED ? 100 : SHARES,
                                  .price = price,
                                  .side = side,
                                  .match = fills ? time_ns : 0,
                                  .display = 'Y'};
    struct order_outcome out;
    char why[128] = "";
    order_report(&table, (uint32_t)(o - table.orders), &r, &out);
    if (!orders_check(&table, why, sizeof why))
        fail_msg("%s", why);
    return out;
}

static void judged(const struct own_order *o, const struct order_outcome *out, bool wrong)
{
    assert_int_equal((out->did & DID_WRONG) != 0, wrong);
    assert_int_equal((o->flags & ORDER_QUARANTINED) != 0, wrong);
    assert_int_equal(table.wrong, wrong);
}

// The price of each message, at the limit, one step better and one step worse.
static void a_price_beyond_the_limit_is_wrong(void **state)
{
    static const char sides[] = {'B', 'S', 'T', 'E'};
    (void)state;
    for (uint32_t i = 0; i < sizeof sides; i++)
        for (int worse = -1; worse <= 1; worse++) {
            const char side = sides[i];
            const uint32_t price = side == 'B' ? PRICE + (uint32_t)worse : PRICE - (uint32_t)worse;
            struct own_order *o = enter(side, NULL);
            struct order_outcome out = tell(o, REPORT_ACCEPTED, REF, price, side);
            judged(o, &out, worse > 0);
            assert_int_equal(o->life, LIFE_LIVE);
            assert_int_equal(o->price, price);
            o = enter(side, NULL);
            out = tell(o, REPORT_EXECUTED, REF, price, side); // before it was accepted
            judged(o, &out, worse > 0);
            assert_true(out.did & DID_FILL && out.shares == 100 && out.price == price);
            assert_int_equal(o->open, SHARES - 100);
            o = enter(side, NULL);
            tell(o, REPORT_ACCEPTED, REF, PRICE, side);
            assert_true(order_replace_begin(&table, 0, CHANGE, SHARES, price));
            out = tell(o, REPORT_EXECUTED, REF, price, side); // of the link as it is
            judged(o, &out, worse > 0);
        }
}

// Its own limit holds for the new link, whatever that of the old one was.
static void a_replace_has_a_limit_of_its_own(void **state)
{
    enum { BETTER = PRICE - 500 };
    (void)state;
    for (uint32_t beyond = 0; beyond <= 1; beyond++) {
        const uint32_t price = BETTER + beyond;
        struct own_order *o = enter('B', NULL);
        tell(o, REPORT_ACCEPTED, REF, PRICE, 'B');
        assert_true(order_replace_begin(&table, 0, CHANGE, SHARES, BETTER));
        struct order_outcome out = tell(o, REPORT_REPLACED, CHANGE, price, 'B');
        judged(o, &out, beyond);
        assert_int_equal(o->ref, CHANGE);
        assert_true(order_worst(o).notional == (uint64_t)SHARES * price);
        o = enter('B', NULL);
        tell(o, REPORT_ACCEPTED, REF, PRICE, 'B');
        assert_true(order_replace_begin(&table, 0, CHANGE, SHARES, BETTER));
        out = tell(o, REPORT_EXECUTED, CHANGE, price, 'B'); // shows that it was replaced
        judged(o, &out, beyond);
        // The limit of the old link is forgotten: its executions are as they are.
        o = enter('B', NULL);
        tell(o, REPORT_ACCEPTED, REF, PRICE, 'B');
        assert_true(order_replace_begin(&table, 0, CHANGE, SHARES, BETTER));
        tell(o, REPORT_REPLACED, CHANGE, BETTER, 'B');
        out = tell(o, REPORT_EXECUTED, REF, PRICE + beyond, 'B');
        judged(o, &out, false);
        assert_int_equal(o->open, SHARES);
    }
}

static void a_discretion_is_the_limit(void **state)
{
    static const struct ouch_extras reaches = {
        .options = {.present = 1u << OUCH50_TAG_DISCRETION_PRICE, .discretion_price = PRICE + 200}};
    (void)state;
    for (uint32_t beyond = 0; beyond <= 1; beyond++) {
        struct own_order *o = enter('B', &reaches);
        const struct order_outcome out = tell(o, REPORT_EXECUTED, REF, PRICE + 200 + beyond, 'B');
        judged(o, &out, beyond);
    }
}

// What pegs, its discretion too, and what an earlier run has asked for: executed as it is.
static void what_has_no_limit_of_ours_is_believed(void **state)
{
    static const struct ouch_extras pegs[] = {
        {.options = {.present = 1u << OUCH50_TAG_PRICE_TYPE, .price_type = 'M'}},
        {.options = {.present = 1u << OUCH50_TAG_PRICE_TYPE, .price_type = 'P'}},
        {.options = {.present =
                         1u << OUCH50_TAG_DISCRETION_PRICE | 1u << OUCH50_TAG_DISCRETION_TYPE,
                     .discretion_price = PRICE,
                     .discretion_type = 'R'}},
    };
    static const struct ouch_extras limit = {
        .options = {.present = 1u << OUCH50_TAG_PRICE_TYPE, .price_type = 'L'}};
    (void)state;
    for (uint32_t i = 0; i <= ARRAY_LEN(pegs); i++) {
        struct own_order *o = enter('B', i < ARRAY_LEN(pegs) ? &pegs[i] : NULL);
        o->flags |= i < ARRAY_LEN(pegs) ? 0 : ORDER_ADOPTED;
        struct order_outcome out = tell(o, REPORT_ACCEPTED, REF, PRICE + TICK, 'B');
        judged(o, &out, false);
        out = tell(o, REPORT_PRIORITY, REF, PRICE + 2 * TICK, 'B');
        judged(o, &out, false);
        out = tell(o, REPORT_EXECUTED, REF, PRICE + 3 * TICK, 'B');
        judged(o, &out, false);
    }
    struct own_order *o = enter('B', &limit);
    const struct order_outcome out = tell(o, REPORT_EXECUTED, REF, PRICE + TICK, 'B');
    judged(o, &out, true);
}

// The chain goes on under the new number, as what it was.
static void a_replaced_message_of_the_other_side_is_wrong(void **state)
{
    static const char sides[] = {'B', 'S', 'T', 'E'};
    (void)state;
    for (uint32_t i = 0; i < sizeof sides; i++) {
        struct own_order *o = enter('S', NULL);
        tell(o, REPORT_ACCEPTED, REF, PRICE, 'S');
        assert_true(order_replace_begin(&table, 0, CHANGE, SHARES, PRICE));
        const struct order_outcome out = tell(o, REPORT_REPLACED, CHANGE, PRICE, sides[i]);
        judged(o, &out, sides[i] == 'B');
        assert_int_equal(o->ref, CHANGE);
        assert_int_equal(o->side, 'S');
    }
}

// The exchange refused the number, and now it executes or cancels it. When the order was over, too,
// nobody knows what is there: the symbol stops.
static void a_number_that_was_given_up_is_wrong(void **state)
{
    static const enum ouch_report_kind kinds[] = {REPORT_EXECUTED, REPORT_CANCELED};
    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(kinds); i++)
        for (uint32_t over = 0; over <= 1; over++) {
            const bool fills = kinds[i] == REPORT_EXECUTED;
            struct own_order *o = enter('B', NULL);
            tell(o, REPORT_ACCEPTED, REF, PRICE, 'B');
            assert_true(order_replace_begin(&table, 0, CHANGE, SHARES, PRICE));
            tell(o, REPORT_REJECTED, CHANGE, PRICE, 'B');
            for (uint32_t off = 0; over && off < SHARES; off += 100)
                tell(o, REPORT_CANCELED, REF, 0, 'B');
            const uint32_t open = o->open;
            const struct order_outcome out = tell(o, kinds[i], CHANGE, PRICE, 'B');
            judged(o, &out, true);
            assert_int_equal((out.did & DID_FILL) != 0, fills);
            assert_int_equal((out.did & DID_UNCLAIMED) != 0, fills && over);
            assert_int_equal(o->open, open);
        }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)
    const struct CMUnitTest tests[] = {
        TEST(a_price_beyond_the_limit_is_wrong),
        TEST(a_replace_has_a_limit_of_its_own),
        TEST(a_discretion_is_the_limit),
        TEST(what_has_no_limit_of_ours_is_believed),
        TEST(a_replaced_message_of_the_other_side_is_wrong),
        TEST(a_number_that_was_given_up_is_wrong),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
