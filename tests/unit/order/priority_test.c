// Where an exchange has an order, and what is reserved for it: accepted better, moved, moved back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/order_rig.h"

enum { REF = 10, CHANGE = 11, OLD = 9, SHARES = 500, PRICE = 100100 };

static int open_table(void **state)
{
    (void)state;
    const struct order_config config = {
        .orders = 4, .sessions = 1, .refs_max = 64, .executions = 16, .silence_ticks = 1000};
    table_make(&config);
    return 0;
}

static struct own_order *enter(char side)
{
    const struct order_new new = {.ref = REF,
                                  .quantity = SHARES,
                                  .price = PRICE,
                                  .side = side,
                                  .time_in_force = '0',
                                  .display = 'N'};
    return orders_at(&table, orders_open(&table, &new));
}

// <number>: time of the message, and its reference of the exchange.
static uint32_t tell(struct own_order *o, enum ouch_report_kind kind, uint32_t ref, uint32_t price,
                     uint64_t number)
{
    const struct ouch_report r = {.kind = (uint8_t)kind,
                                  .letter = kind == REPORT_PRIORITY ? 'T' : 'A',
                                  .time_ns = number,
                                  .ref = ref,
                                  .ref_was = REF,
                                  .quantity = SHARES,
                                  .price = price,
                                  .side = o->side,
                                  .display = kind == REPORT_PRIORITY ? 'Y' : 'N',
                                  .exchange_ref = number};
    struct order_outcome out;
    char why[128] = "";
    order_report(&table, (uint32_t)(o - table.orders), &r, &out);
    if (!orders_check(&table, why, sizeof why))
        fail_msg("%s", why);
    return out.did;
}

static void stands(const struct own_order *o, uint32_t price, uint32_t worst, uint64_t number,
                   char display)
{
    assert_int_equal(o->price, price);
    assert_int_equal(order_worst(o).shares, SHARES);
    assert_true(order_worst(o).notional == (uint64_t)SHARES * worst);
    assert_true(o->exchange_ref == number);
    assert_int_equal(o->display, display);
}

// From the moment of its acceptance on it may execute at its limit, before that is told.
static void a_buy_is_moved_back_to_its_limit(void **state)
{
    (void)state;
    struct own_order *o = enter('B');
    tell(o, REPORT_ACCEPTED, REF, PRICE - 100, 1);
    stands(o, PRICE - 100, PRICE, 1, 'N');
    assert_int_equal(tell(o, REPORT_PRIORITY, REF, PRICE, 2), DID_CHANGE);
    stands(o, PRICE, PRICE, 2, 'Y');
}

static void a_sale_is_moved_back_to_its_limit(void **state)
{
    (void)state;
    struct own_order *o = enter('S');
    tell(o, REPORT_ACCEPTED, REF, PRICE + 200, 1);
    stands(o, PRICE + 200, PRICE + 200, 1, 'N');
    tell(o, REPORT_PRIORITY, REF, PRICE + 100, 2);
    stands(o, PRICE + 100, PRICE + 100, 2, 'Y');
    tell(o, REPORT_PRIORITY, REF, PRICE, 3);
    stands(o, PRICE, PRICE, 3, 'Y');
}

// What the exchange says is believed, even beyond what was asked for, and somebody has to look.
static void a_move_beyond_the_limit_is_wrong_and_reserved(void **state)
{
    (void)state;
    struct own_order *o = enter('B');
    assert_int_equal(tell(o, REPORT_PRIORITY, REF, PRICE, 1), DID_CHANGE);
    assert_false(o->flags & ORDER_QUARANTINED);
    assert_int_equal(tell(o, REPORT_PRIORITY, REF, PRICE + 1, 2), DID_CHANGE | DID_WRONG);
    assert_int_equal(o->life, LIFE_LIVE);
    assert_true(o->flags & ORDER_QUARANTINED);
    stands(o, PRICE + 1, PRICE + 1, 2, 'Y');
}

static void a_replaced_order_has_the_limit_of_its_replace(void **state)
{
    (void)state;
    struct own_order *o = enter('B');
    tell(o, REPORT_ACCEPTED, REF, PRICE, 1);
    assert_true(order_replace_begin(&table, 0, CHANGE, SHARES, PRICE - 100));
    stands(o, PRICE, PRICE, 1, 'N');
    tell(o, REPORT_REPLACED, CHANGE, PRICE - 300, 2);
    stands(o, PRICE - 300, PRICE - 100, 2, 'N');
    tell(o, REPORT_PRIORITY, CHANGE, PRICE - 100, 3);
    stands(o, PRICE - 100, PRICE - 100, 3, 'Y');
}

// Of a link that was replaced, and of one that is not said to be.
static void another_link_of_the_chain_moves_nothing(void **state)
{
    static const uint32_t others[] = {OLD, CHANGE};
    (void)state;
    struct own_order *o = enter('B');
    tell(o, REPORT_ACCEPTED, REF, PRICE - 100, 1);
    assert_true(order_replace_begin(&table, 0, CHANGE, SHARES, PRICE + 100));
    for (uint32_t i = 0; i < ARRAY_LEN(others); i++) {
        tell(o, REPORT_PRIORITY, others[i], PRICE - 200, 2 + i);
        stands(o, PRICE - 100, PRICE + 100, 1, 'N');
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)
    const struct CMUnitTest tests[] = {
        TEST(a_buy_is_moved_back_to_its_limit),
        TEST(a_sale_is_moved_back_to_its_limit),
        TEST(a_move_beyond_the_limit_is_wrong_and_reserved),
        TEST(a_replaced_order_has_the_limit_of_its_replace),
        TEST(another_link_of_the_chain_moves_nothing),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
