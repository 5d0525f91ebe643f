// What is too old goes while one writer goes on, and segments are of one day.
#include "tests/lib/journal_rig.h"

#include <unistd.h>

enum { OLD = 4, DAY_S = 86400 };

static struct journal_rig rig;

static int setup(void **state)
{
    (void)state;
    rig_make(&rig);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_remove(&rig);
    return 0;
}

static void send_one(void)
{
    assert_true(rig_send(&rig));
    for (int turns = 0; rig.journal.committed + 1 < rig.journal.number; turns++) {
        assert_in_range(turns, 0, 1000);
        rig_turn(&rig, 1000);
    }
}

static void is_there(uint64_t segment, bool there)
{
    char path[JOURNAL_PATH_MAX];
    assert_true(journal_segment_path(rig.directory, segment, path));
    assert_int_equal(access(path, F_OK) == 0, there);
}

static void age(uint64_t segment, int64_t days)
{
    char path[JOURNAL_PATH_MAX];
    struct timespec times[2];
    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= days * DAY_S;
    times[1] = times[0];
    assert_true(journal_segment_path(rig.directory, segment, path));
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

// What comes next is of another day, and goes into another segment.
static void day_passes(void)
{
    rig.journal.header.created_ns -= DAY_S * UINT64_C(1000000000);
}

// Nothing fills the segment, and nobody starts the writer again.
static void test_what_is_too_old_goes_meanwhile(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < OLD; i++) {
        rig_open(&rig, 1);
        send_one();
        assert_true(journal_close(&rig.journal));
        disk_close(&rig.journal.disk);
    }
    rig_open(&rig, 1);
    rig.journal.config.keep_ns = 2 * DAY_S * UINT64_C(1000000000);
    send_one();
    for (uint64_t i = 1; i <= OLD; i++)
        age(i, i < OLD - 1 ? 3 : 1);
    rig_turn(&rig, 0);
    is_there(1, true); // not at every turn
    rig.now_ns += JOURNAL_RETAIN_MS * UINT64_C(1000000);
    rig_turn(&rig, 0);
    for (uint64_t i = 1; i <= OLD + 1; i++)
        is_there(i, i >= OLD - 1);
    assert_true(journal_close(&rig.journal));
    disk_close(&rig.journal.disk);
}

static void test_a_day_has_segments_of_its_own(void **state)
{
    (void)state;
    rig_open(&rig, 1);
    send_one();
    send_one();
    is_there(2, false);
    day_passes();
    send_one();
    is_there(2, true);
    send_one();
    is_there(3, false);
    assert_true(journal_close(&rig.journal));
    disk_close(&rig.journal.disk);
}

static uint64_t events_left(uint64_t *first)
{
    static struct journal_reader r;
    struct error err = {0};
    const struct journal_record *record;
    uint64_t events = 0;
    assert_true(journal_reader_open(&r, rig.directory, 0, &err));
    *first = r.segments[0];
    while ((record = journal_reader_next(&r, &err)) != NULL)
        events += record->type == JOURNAL_EVENT;
    assert_int_equal(r.finding_count, 0);
    journal_reader_close(&r);
    return events;
}

// A store that is behind holds more than the limit, until the disk is full. What it takes then
// makes room, though nothing is written and no segment begins meanwhile.
static void test_a_store_that_catches_up_makes_room(void **state)
{
    (void)state;
    _Atomic uint64_t taken = 1;
    uint64_t first = 0;
    rig_open(&rig, 1);
    rig.journal.config.keep_bytes = 1;
    rig.journal.config.keep_from = &taken;
    rig.faults.segments_left = 2 * OLD;
    for (int i = 0; i < 2 * OLD; i++) {
        send_one();
        day_passes();
    }
    const uint64_t wait_ns = (JOURNAL_RETAIN_MS + JOURNAL_RETRY_MS) * UINT64_C(1000000);
    for (int hour = 0; hour < 100; hour++) {
        rig.now_ns += 3600 * UINT64_C(1000000000);
        assert_false(rig_send(&rig));
        rig_turn(&rig, 0);
        assert_int_equal(rig.journal.state, JOURNAL_FULL);
    }
    for (uint64_t i = 1; i <= 2 * OLD; i++)
        is_there(i, true);
    atomic_store(&taken, OLD);
    rig.now_ns += wait_ns;
    rig_turn(&rig, 0);
    assert_int_equal(rig.journal.state, JOURNAL_FULL);
    for (uint64_t i = 1; i <= 2 * OLD; i++)
        is_there(i, i >= OLD);
    rig.faults.segments_left = OLD - 1; // as many as went
    rig.now_ns += wait_ns;
    send_one();
    assert_int_equal(rig.journal.state, JOURNAL_WRITING);
    assert_int_equal(rig.sent, 2 * OLD + 1);
    assert_true(journal_close(&rig.journal));
    disk_close(&rig.journal.disk);
    assert_int_equal(events_left(&first), OLD + 2); // a segment each, from the first that is left
    assert_int_equal(first, OLD);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_too_old_goes_meanwhile),
        TEST(test_a_day_has_segments_of_its_own),
        TEST(test_a_store_that_catches_up_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
