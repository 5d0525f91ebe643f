// What the arbiter does with packets: in order, copies, overlaps, gaps, late ones, a full bill.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/feed/arbiter.h"

enum { HELD_MAX = 4 };

static struct arbiter *arbiter_make(void)
{
    struct arbiter *a = malloc(sizeof *a);
    arbiter_init(a, HELD_MAX, aligned_alloc(64, arbiter_bytes(HELD_MAX)));
    arbiter_start(a, 1);
    return a;
}

static void arbiter_drop(struct arbiter *a)
{
    free(a->slots);
    free(a);
}

static struct arbiter_offer offer(struct arbiter *a, uint32_t line, uint64_t sequence,
                                  uint32_t count, uint64_t now)
{
    const struct feed_packet packet = {.sequence = sequence, .count = count};
    const struct frame frame = {0};
    struct arbiter_offer o = arbiter_offer(a, line, &packet, &frame, now, false);
    if (o.verdict == ARBITER_DELIVER)
        arbiter_advance(a, sequence + count);
    return o;
}

static void test_first_copy_wins_and_the_second_tells_its_lag(void **state)
{
    (void)state;
    struct arbiter *a = arbiter_make();
    assert_int_equal(offer(a, 0, 1, 10, 100).verdict, ARBITER_DELIVER);
    struct arbiter_offer copy = offer(a, 1, 1, 10, 130);
    assert_int_equal(copy.verdict, ARBITER_DUPLICATE);
    assert_true(copy.lag_known);
    assert_int_equal(copy.lag, 30);
    assert_int_equal(copy.first_line, 0);
    assert_false(copy.late);
    assert_false(offer(a, 1, 1, 10, 140).late); // the same line sends it twice
    assert_int_equal(a->next, 11);
    arbiter_drop(a);
}

static void test_overlap_skips_what_was_delivered(void **state)
{
    (void)state;
    struct arbiter *a = arbiter_make();
    offer(a, 0, 1, 10, 0);
    struct arbiter_offer o = offer(a, 1, 8, 6, 1);
    assert_int_equal(o.verdict, ARBITER_DELIVER);
    assert_int_equal(o.skip, 3);
    assert_int_equal(a->next, 14);
    arbiter_drop(a);
}

static void test_held_packets_come_out_in_order(void **state)
{
    (void)state;
    struct arbiter *a = arbiter_make();
    struct arbiter_held held;
    assert_int_equal(offer(a, 0, 30, 10, 3).verdict, ARBITER_HOLD);
    assert_int_equal(offer(a, 0, 11, 10, 4).verdict, ARBITER_HOLD);
    assert_int_equal(offer(a, 1, 11, 10, 5).verdict, ARBITER_DUPLICATE); // the copy of a held one
    assert_true(arbiter_gap(a));
    assert_int_equal(arbiter_gap_end(a), 11);
    assert_int_equal(arbiter_gap_arrived(a), 4);
    assert_false(arbiter_pop(a, false, &held));
    assert_int_equal(offer(a, 1, 1, 10, 6).verdict, ARBITER_DELIVER);
    assert_true(arbiter_pop(a, false, &held));
    assert_int_equal(held.packet.sequence, 11);
    arbiter_advance(a, 21);
    assert_false(arbiter_pop(a, false, &held)); // 21 to 29 are missing
    assert_int_equal(arbiter_gap_end(a), 30);
    arbiter_advance(a, 30);
    assert_true(arbiter_pop(a, false, &held));
    assert_int_equal(held.packet.sequence, 30);
    assert_int_equal(a->held, 0);
    arbiter_drop(a);
}

static void test_full_bill_is_an_answer_and_the_numbers_stay_missing(void **state)
{
    (void)state;
    struct arbiter *a = arbiter_make();
    struct arbiter_held held;
    for (uint64_t i = 0; i < HELD_MAX; i++)
        assert_int_equal(offer(a, 0, 100 + 10 * i, 10, i).verdict, ARBITER_HOLD);
    assert_int_equal(offer(a, 0, 50, 10, 9).verdict, ARBITER_FULL);
    assert_int_equal(offer(a, 1, 50, 10, 9).verdict, ARBITER_FULL); // not taken for a copy
    assert_true(arbiter_pop(a, true, &held));
    assert_int_equal(offer(a, 1, 50, 10, 9).verdict, ARBITER_HOLD);
    assert_int_equal(a->seen_end, 140);
    arbiter_drop(a);
}

static void test_lines_account_for_what_they_skip(void **state)
{
    (void)state;
    struct arbiter *a = arbiter_make();
    offer(a, 0, 1, 10, 0);
    assert_int_equal(offer(a, 0, 21, 10, 1).line_gap, 10);
    struct arbiter_offer late = offer(a, 0, 11, 10, 2);
    assert_true(late.late);
    assert_int_equal(late.verdict, ARBITER_DELIVER);
    assert_int_equal(arbiter_heartbeat(a, 0, 41), 10); // tail loss: 31 to 40
    assert_int_equal(a->seen_end, 41);
    assert_int_equal(arbiter_heartbeat(a, 0, 41), 0);
    arbiter_drop(a);
}

static void test_hold_all_keeps_even_what_is_next(void **state)
{
    (void)state;
    struct arbiter *a = arbiter_make();
    const struct feed_packet packet = {.sequence = 1, .count = 5};
    const struct frame frame = {0};
    assert_int_equal(arbiter_offer(a, 0, &packet, &frame, 0, true).verdict, ARBITER_HOLD);
    struct arbiter_held held;
    arbiter_start(a, 3); // a snapshot up to message 2
    assert_true(arbiter_pop(a, false, &held));
    assert_int_equal(held.packet.sequence, 1);
    arbiter_drop(a);
}

// A snapshot that is older than what was delivered: what was here once is wanted again.
static void test_numbering_that_goes_back_is_delivered_again(void **state)
{
    (void)state;
    struct arbiter *a = arbiter_make();
    offer(a, 0, 1, 10, 0);
    offer(a, 0, 11, 10, 1);
    arbiter_start(a, 5);
    struct arbiter_offer again = offer(a, 1, 1, 10, 2);
    assert_int_equal(again.verdict, ARBITER_DELIVER);
    assert_int_equal(again.skip, 4);
    assert_int_equal(offer(a, ARBITER_RECOVERY, 11, 10, 3).verdict, ARBITER_DELIVER);
    assert_int_equal(offer(a, 1, 11, 10, 4).verdict, ARBITER_DUPLICATE);
    arbiter_drop(a);
}

// The same, and a packet that waits: it must not be kept twice.
static void test_going_back_keeps_what_waits(void **state)
{
    (void)state;
    struct arbiter *a = arbiter_make();
    struct arbiter_held held;
    offer(a, 0, 1, 10, 0);
    assert_int_equal(offer(a, 0, 21, 10, 1).verdict, ARBITER_HOLD);
    arbiter_start(a, 5);
    assert_int_equal(offer(a, 1, 1, 20, 2).verdict, ARBITER_DELIVER);
    assert_int_equal(offer(a, 1, 21, 10, 3).verdict, ARBITER_DUPLICATE);
    assert_true(arbiter_pop(a, false, &held));
    assert_int_equal(held.packet.sequence, 21);
    assert_int_equal(a->held, 0);
    arbiter_drop(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_copy_wins_and_the_second_tells_its_lag),
        cmocka_unit_test(test_overlap_skips_what_was_delivered),
        cmocka_unit_test(test_held_packets_come_out_in_order),
        cmocka_unit_test(test_full_bill_is_an_answer_and_the_numbers_stay_missing),
        cmocka_unit_test(test_lines_account_for_what_they_skip),
        cmocka_unit_test(test_hold_all_keeps_even_what_is_next),
        cmocka_unit_test(test_numbering_that_goes_back_is_delivered_again),
        cmocka_unit_test(test_going_back_keeps_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
