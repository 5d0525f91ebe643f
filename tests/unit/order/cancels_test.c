// How often a cancel is sent again before somebody has to look.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/hints.h"
#include "dataplane/order/order.h"

enum { REF = 10, SHARES = 500, PRICE = 100100 };

static struct order_table table;
static void *memory;
static uint32_t order;

static int open_order(void **state)
{
    (void)state;
    const struct order_config config = {
        .orders = 4, .sessions = 1, .refs_max = 64, .executions = 16, .silence_ticks = 1000};
    const struct order_new new = {.ref = REF, .quantity = SHARES, .price = PRICE, .side = 'B'};
    const struct ouch_report accepted = {.kind = REPORT_ACCEPTED,
                                         .time_ns = 1,
                                         .ref = REF,
                                         .quantity = SHARES,
                                         .price = PRICE,
                                         .side = 'B'};
    const uint64_t bytes = (orders_bytes(&config) + 63) / 64 * 64;
    struct order_outcome out;
    memory = aligned_alloc(CACHE_LINE, bytes);
    assert_non_null(memory);
    memset(memory, 0, bytes);
    orders_init(&table, &config, memory);
    order = orders_open(&table, &new);
    order_report(&table, order, &accepted, &out);
    return 0;
}

static int close_order(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static uint32_t silence(void)
{
    struct order_outcome out;
    order_found_out(&table, order, ORDER_MESSAGE_SILENCE, &out);
    return out.did;
}

static void send_unanswered(uint32_t total)
{
    for (uint32_t i = 0; i < ORDER_CANCELS_MAX; i++)
        order_cancel_begin(&table, order, total);
}

static void somebody_looks_after_some(void **state)
{
    (void)state;
    const struct own_order *o = orders_at(&table, order);
    for (uint32_t i = 1; i < ORDER_CANCELS_MAX; i++) {
        order_cancel_begin(&table, order, 100);
        assert_int_equal(silence(), DO_CANCEL);
    }
    order_cancel_begin(&table, order, 100);
    assert_int_equal(silence(), DID_WRONG);
    assert_true(o->flags & ORDER_QUARANTINED);
}

// One that leaves the order all it has is never answered; the one of everything that follows is
// not its repeat.
static void another_total_is_another_cancel(void **state)
{
    (void)state;
    send_unanswered(SHARES);
    order_cancel_begin(&table, order, 0);
    assert_int_equal(orders_at(&table, order)->cancels, 1);
    assert_int_equal(silence(), DO_CANCEL);
    assert_int_equal(table.wrong, 0);
}

static void one_that_waits_for_its_turn_has_no_answer(void **state)
{
    (void)state;
    send_unanswered(100);
    order_cancel_enqueue(&table, order, 100);
    assert_int_equal(silence(), 0);
    order_cancel_enqueue(&table, order, 0);
    assert_int_equal(silence(), 0);
    assert_int_equal(order_cancel_dequeue(&table, 0), order);
    order_cancel_begin(&table, order, 0);
    assert_int_equal(silence(), DO_CANCEL);
    assert_int_equal(table.wrong, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_order, close_order)
    const struct CMUnitTest tests[] = {
        TEST(somebody_looks_after_some),
        TEST(another_total_is_another_cancel),
        TEST(one_that_waits_for_its_turn_has_no_answer),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
