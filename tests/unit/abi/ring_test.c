// Event rings: order, full rings, the record of what is missing, readers that write nonsense.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "dataplane/abi/ring.h"

enum { SLOTS = 64 };

struct fixture {
    struct event_ring ring;
    struct event slots[SLOTS];
    struct event out[SLOTS];
    struct event_writer writer;
    uint64_t cursor;
};

static struct fixture *fixture_new(enum event_ring_kind kind)
{
    struct fixture *f = aligned_alloc(64, (sizeof *f + 63) / 64 * 64);
    memset(f, 0, sizeof *f);
    event_writer_init(&f->writer, kind, 3, &f->ring, f->slots, SLOTS);
    return f;
}

static bool write_number(struct fixture *f, uint64_t number)
{
    struct event event = {.type = EVENT_GAP_OPEN, .input = number};
    event.gap.from = number;
    return event_write(&f->writer, &event);
}

static uint32_t read_all(struct fixture *f)
{
    uint32_t count;
    assert_true(event_read(&f->ring, f->slots, SLOTS, &f->cursor, f->out, SLOTS, &count));
    return count;
}

static void test_in_order(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(EVENT_RING_TRADING);
    assert_int_equal(read_all(f), 0);
    uint64_t next = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        assert_true(write_number(f, i));
        if (i % 7 != 6)
            continue;
        uint32_t n = read_all(f);
        assert_int_equal(n, 7);
        for (uint32_t k = 0; k < n; k++, next++) {
            assert_int_equal(f->out[k].sequence, next + 1);
            assert_int_equal(f->out[k].gap.from, next);
            assert_int_equal(f->out[k].lane, 3);
            assert_int_equal(f->out[k].type, EVENT_GAP_OPEN);
        }
        event_commit(&f->ring, f->cursor);
    }
    assert_int_equal(f->ring.lost, 0);
    free(f);
}

// Reading is not enough: a slot is used again only after it was committed.
static void test_only_commit_frees(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(EVENT_RING_TRADING);
    for (uint64_t i = 0; i < SLOTS; i++)
        assert_true(write_number(f, i));
    assert_int_equal(read_all(f), SLOTS);
    assert_false(write_number(f, 99));
    assert_int_equal(f->slots[0].gap.from, 0);
    event_commit(&f->ring, 10);
    assert_int_equal(event_credit(&f->writer), 10);
    assert_true(write_number(f, 100));
    free(f);
}

static void test_overrun_is_told(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(EVENT_RING_TRADING);
    for (uint64_t i = 0; i < SLOTS; i++)
        assert_true(write_number(f, i));
    assert_int_equal(f->ring.overrun, 0);
    for (uint64_t i = 0; i < 5; i++)
        assert_false(write_number(f, 1000 + i));
    assert_int_equal(f->ring.lost, 5);
    assert_int_equal(f->ring.overrun, SLOTS + 1);
    // One free slot is too little: the record of the loss comes with the next event or not at all.
    read_all(f);
    event_commit(&f->ring, 1);
    assert_false(write_number(f, 2000));
    event_commit(&f->ring, 2);
    assert_true(write_number(f, 3000));
    assert_int_equal(read_all(f), 2);
    assert_int_equal(f->out[0].type, EVENT_OVERRUN);
    assert_int_equal(f->out[0].overrun.lost, 6);
    assert_int_equal(f->out[0].sequence, SLOTS + 1);
    assert_int_equal(f->out[0].input, 3000);
    assert_int_equal(f->out[1].gap.from, 3000);
    assert_int_equal(f->out[1].sequence, SLOTS + 2);
    event_commit(&f->ring, f->cursor);
    assert_true(write_number(f, 3001));
    assert_int_equal(read_all(f), 1);
    assert_int_equal(f->out[0].type, EVENT_GAP_OPEN);
    assert_int_equal(f->out[0].sequence, SLOTS + 3);
    assert_int_equal(f->ring.overrun, SLOTS + 1); // sticky
    free(f);
}

static void test_diagnostics_drop(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(EVENT_RING_DIAGNOSTIC);
    for (uint64_t i = 0; i < SLOTS + 3; i++)
        assert_int_equal(write_number(f, i), i < SLOTS);
    assert_int_equal(f->ring.lost, 3);
    assert_int_equal(f->ring.overrun, 0);
    assert_int_equal(read_all(f), SLOTS);
    event_commit(&f->ring, f->cursor);
    assert_true(write_number(f, 500));
    assert_int_equal(read_all(f), 1);
    assert_int_equal(f->out[0].sequence, SLOTS + 4); // three numbers are missing
    free(f);
}

// <committed> is written by another process: only what lies between the last value and tail is
// believed.
static void test_nonsense_from_the_reader(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(EVENT_RING_TRADING);
    for (uint64_t i = 0; i < SLOTS; i++)
        assert_true(write_number(f, i));
    event_commit(&f->ring, SLOTS + 1);
    assert_false(write_number(f, 1));
    event_commit(&f->ring, UINT64_MAX);
    assert_false(write_number(f, 2));
    event_commit(&f->ring, 40);
    assert_int_equal(event_credit(&f->writer), 40);
    event_commit(&f->ring, 10); // backwards: the credit that was given stays given
    assert_int_equal(event_credit(&f->writer), 40);
    free(f);
}

static void test_nonsense_from_the_writer(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(EVENT_RING_TRADING);
    uint32_t count = 7;
    f->ring.tail = SLOTS + 1;
    assert_false(event_read(&f->ring, f->slots, SLOTS, &f->cursor, f->out, SLOTS, &count));
    assert_int_equal(count, 0);
    f->cursor = 5;
    f->ring.tail = 4;
    assert_false(event_read(&f->ring, f->slots, SLOTS, &f->cursor, f->out, SLOTS, &count));
    assert_int_equal(f->cursor, 5);
    free(f);
}

enum { THREAD_EVENTS = 200000 };

static void *produce(void *context)
{
    struct fixture *f = context;
    for (uint64_t i = 0; i < THREAD_EVENTS; i++)
        while (event_credit(&f->writer) == 0 || !write_number(f, i))
            sched_yield();
    return NULL;
}

static void test_two_threads(void **state)
{
    (void)state;
    struct fixture *f = fixture_new(EVENT_RING_TRADING);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, produce, f), 0);
    uint64_t next = 0;
    while (next < THREAD_EVENTS) {
        uint32_t n = read_all(f);
        for (uint32_t k = 0; k < n; k++, next++) {
            assert_int_equal(f->out[k].sequence, next + 1);
            assert_int_equal(f->out[k].gap.from, next);
        }
        event_commit(&f->ring, f->cursor);
        if (n == 0)
            sched_yield();
    }
    pthread_join(thread, NULL);
    assert_int_equal(f->ring.lost, 0);
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_only_commit_frees),
        cmocka_unit_test(test_overrun_is_told),
        cmocka_unit_test(test_diagnostics_drop),
        cmocka_unit_test(test_nonsense_from_the_reader),
        cmocka_unit_test(test_nonsense_from_the_writer),
        cmocka_unit_test(test_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
