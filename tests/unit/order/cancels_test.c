// How often a cancel is sent again before somebody has to look.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/order_rig.h"

enum { REF = 10, SHARES = 500, PRICE = 100100 };

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
    struct order_outcome out;
    table_make(&config);
    order = orders_open(&table, &new);
    order_report(&table, order, &accepted, &out);
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

// A replace or modify that has no answer is asked about beside the cancel, and instead of one that
// is superfluous: nothing else would wake the order again.
static void a_change_without_an_answer_is_asked_about(void **state)
{
    (void)state;
    struct own_order *o = orders_at(&table, order);
    assert_true(order_replace_begin(&table, order, REF + 1, SHARES + 200, PRICE));
    order_cancel_begin(&table, order, SHARES + 200);
    assert_int_equal(silence(), DID_CHANGE | DO_ASK);
    assert_int_equal(o->waits, WAIT_REPLACE);
    order_cancel_begin(&table, order, SHARES);
    assert_int_equal(silence(), DO_CANCEL | DO_ASK);
    o->flags |= ORDER_QUARANTINED; // the answer was that nobody knows
    assert_int_equal(silence(), DO_CANCEL);
    order_cancel_begin(&table, order, SHARES + 200);
    assert_int_equal(silence(), DID_CHANGE | DO_ASK);
}

// In doubt all of it is cancelled, and the part that was cancelled before counts for nothing.
static void in_doubt_everything_is_cancelled(void **state)
{
    struct order_outcome out;
    (void)state;
    struct own_order *o = orders_at(&table, order);
    order_cancel_begin(&table, order, 100);
    assert_true(order_replace_begin(&table, order, REF + 1, SHARES, PRICE));
    order_found_out(&table, order, ORDER_MESSAGE_SEEN, &out);
    assert_true(out.did & DO_CANCEL && o->cancel_total == 0 && o->cancels == 0);
    order_cancel_begin(&table, order, o->cancel_total);
    order_found_out(&table, order, ORDER_MESSAGE_NO_QUERY, &out);
    assert_true(out.did & DO_CANCEL && o->cancels == 1); // the same again
    o->life = LIFE_PENDING;
    o->waits = 0;
    order_cancel_begin(&table, order, 100);
    order_found_out(&table, order, ORDER_MESSAGE_SEEN, &out);
    assert_true(out.did & DO_CANCEL && o->cancel_total == 0 && o->life == LIFE_UNKNOWN);
}

// The first answer is that to the cancel to less: the one to everything is still on its way.
static void two_cancels_have_two_answers(void **state)
{
    const struct ouch_report refused = {.kind = REPORT_CANCEL_REJECT, .time_ns = 2, .ref = REF};
    const struct ouch_report later = {.kind = REPORT_CANCEL_PENDING, .time_ns = 3, .ref = REF};
    struct order_outcome out;
    order_cancel_begin(&table, order, 100);
    order_report(&table, order, &refused, &out);
    order_report(&table, order, &later, &out);
    assert_true(out.did & DID_WRONG); // to what? Nobody has asked for everything

    close_table(state);
    open_order(state);
    order_cancel_begin(&table, order, 100);
    order_cancel_begin(&table, order, 0);
    order_report(&table, order, &refused, &out);
    assert_true(orders_at(&table, order)->waits & WAIT_CANCEL); // or it is lost with its connection
    order_report(&table, order, &later, &out);
    assert_int_equal(out.did, 0);
    assert_true(orders_at(&table, order)->waits & WAIT_CANCEL);
    assert_int_equal(table.wrong, 0);
}

// It answers the cancel, not the replace, whose silence has to wake the order.
static void cancel_pending_leaves_a_replace_its_timer(void **state)
{
    const struct ouch_report later = {.kind = REPORT_CANCEL_PENDING, .time_ns = 3, .ref = REF};
    struct order_outcome out;
    for (int replaces = 0; replaces <= 1; replaces++) {
        if (replaces)
            assert_true(order_replace_begin(&table, order, REF + 1, SHARES, PRICE));
        order_cancel_begin(&table, order, 0);
        order_timer_start(&table, order, 5);
        order_report(&table, order, &later, &out);
        assert_int_equal(order_overdue(&table, 5 + 1000), replaces ? order : OWN_NONE);
        if (replaces)
            assert_int_equal(silence(), DO_CANCEL | DO_ASK);
        close_table(state);
        open_order(state);
    }
}

// One message for the whole session is answered for each of its orders, also for those whose own
// cancel has not left yet: that one would have no answer any more. Numbers above it are not meant.
static void a_cancel_of_everything_is_answered_for_each_order(void **state)
{
    const struct ouch_report later = {.kind = REPORT_CANCEL_PENDING, .time_ns = 3, .ref = REF};
    struct order_outcome out;
    for (int queued = 0; queued <= 1; queued++) {
        const struct own_order *o = orders_at(&table, order);
        if (queued)
            order_cancel_enqueue(&table, order, 100);
        order_mass_begin(&table, 0);
        order_report(&table, order, &later, &out);
        assert_int_equal(out.did, DID_CHANGE);
        assert_true(o->waits == WAIT_CANCEL && o->cancel_total == 0);
        assert_int_equal(o->flags & ORDER_CANCEL_QUEUED, 0);
        assert_int_equal(order_cancel_dequeue(&table, 0), OWN_NONE);
        assert_int_equal(table.wrong, 0);
        close_table(state);
        open_order(state);
    }
    assert_int_equal(orders_next_ref(&table, 0), REF + 1);
    order_mass_begin(&table, 0);
    assert_int_equal(orders_next_ref(&table, 0), REF + 2);
    assert_true(order_replace_begin(&table, order, REF + 2, SHARES, PRICE));
    struct ouch_report r = {.kind = REPORT_REPLACED,
                            .ref = REF + 2,
                            .ref_was = REF,
                            .quantity = SHARES,
                            .price = PRICE,
                            .side = 'B'};
    order_report(&table, order, &r, &out);
    r = (struct ouch_report){.kind = REPORT_CANCEL_PENDING, .time_ns = 9, .ref = REF + 2};
    order_report(&table, order, &r, &out);
    assert_int_equal(out.did, DID_WRONG);
}

// It met two resting orders of its own member: self-match prevention takes off both parts at one
// time. One that says all the same is the message that comes twice.
static void two_parts_go_at_one_time(void **state)
{
    (void)state;
    struct ouch_report r = {.kind = REPORT_CANCELED, .letter = 'D', .ref = REF, .reason = 'Q'};
    struct order_outcome out;
    r.time_ns = 7;
    for (r.quantity = 100; r.quantity <= 200; r.quantity += 100) {
        order_report(&table, order, &r, &out);
        assert_int_equal(out.did, DID_CHANGE);
        order_report(&table, order, &r, &out);
        assert_int_equal(out.did, DID_DUPLICATE);
    }
    assert_int_equal(orders_at(&table, order)->open, SHARES - 300);
    r.reason = 'I'; // and what is left of it is not to rest
    r.quantity = 200;
    order_report(&table, order, &r, &out);
    assert_int_equal(out.did, DID_CHANGE | DID_END);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_order, close_table)
    const struct CMUnitTest tests[] = {
        TEST(somebody_looks_after_some),
        TEST(another_total_is_another_cancel),
        TEST(one_that_waits_for_its_turn_has_no_answer),
        TEST(a_change_without_an_answer_is_asked_about),
        TEST(in_doubt_everything_is_cancelled),
        TEST(two_cancels_have_two_answers),
        TEST(cancel_pending_leaves_a_replace_its_timer),
        TEST(a_cancel_of_everything_is_answered_for_each_order),
        TEST(two_parts_go_at_one_time),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
