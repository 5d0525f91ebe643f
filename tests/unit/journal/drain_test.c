// The only reader of the rings: everything published is in the journal once, in order, and only
// what is durable is handed on and given back.
#include "tests/lib/drain_world.h"

static void test_everything_once_and_in_order(void **state)
{
    struct fixture *f = *state;
    begin(f);
    for (int round = 0; round < 40; round++) {
        for (uint32_t s = 0; s < SOURCES; s++) {
            publish(f, s, EVENT_RING_TRADING, 40 + s);
            publish(f, s, EVENT_RING_DIAGNOSTIC, 10);
        }
        settle(f);
    }
    assert_int_equal(f->log.count, 40 * (40 + 41 + 42 + 30));
    assert_int_equal(f->log.epoch, 7);
    assert_int_equal(f->log.orders.missed, 0);
    end(f);
    for (uint32_t s = 0; s < SOURCES; s++) {
        const uint32_t lane = s < 2 ? s : LANE_MAIN;
        assert_int_equal(written(f, 7, lane, EVENT_RING_TRADING, 1), 40 * (40 + s));
        assert_int_equal(written(f, 7, lane, EVENT_RING_DIAGNOSTIC, 1), 400);
        assert_int_equal(released(f, s, EVENT_RING_TRADING), 40 * (40 + s));
    }
}

// What stands in the rings at the end is written, too.
static void test_the_end_takes_what_is_there(void **state)
{
    struct fixture *f = *state;
    begin(f);
    publish(f, 1, EVENT_RING_TRADING, 30);
    end(f);
    assert_int_equal(written(f, 7, 1, EVENT_RING_TRADING, 1), 30);
    assert_int_equal(released(f, 1, EVENT_RING_TRADING), 30);
}

// As if the control plane had died between the disk and the ring: nothing is written twice.
static void test_a_successor_writes_nothing_twice(void **state)
{
    struct fixture *f = *state;
    begin(f);
    publish(f, 0, EVENT_RING_TRADING, 50);
    settle(f);
    end(f);
    atomic_store(&region_ring(&f->file.view, 0, EVENT_RING_TRADING)->committed, 20);
    begin(f);
    settle(f);
    assert_int_equal(released(f, 0, EVENT_RING_TRADING), 50);
    assert_int_equal(f->log.orders.missed, 50); // another has read them
    publish(f, 0, EVENT_RING_TRADING, 5);
    settle(f);
    assert_int_equal(f->log.count, 55);
    end(f);
    assert_int_equal(written(f, 7, 0, EVENT_RING_TRADING, 1), 55);
}

// The region goes away while it holds events: they are written, and then those of the next one.
static void test_the_last_events_of_a_region(void **state)
{
    struct fixture *f = *state;
    struct region_file old = f->file;
    begin(f);
    settle(f);
    publish(f, 0, EVENT_RING_TRADING, 60);
    contact_close(&f->contact);
    drain_attach(&f->drain, &f->contact); // it has let go
    unlink(old.path);
    region_new(f, 8);
    publish(f, 0, EVENT_RING_TRADING, 9);
    contact_init(&f->contact, f->file.path);
    assert_true(contact_look(&f->contact, 0));
    drain_attach(&f->drain, &f->contact);
    settle(f);
    assert_int_equal(f->log.count, 69);
    assert_int_equal(f->log.epoch, 8);
    end(f);
    assert_int_equal(written(f, 7, 0, EVENT_RING_TRADING, 1), 60);
    assert_int_equal(written(f, 8, 0, EVENT_RING_TRADING, 1), 9);
    munmap(old.view.base, old.view.length);
    close(old.fd);
}

static void test_losses_are_counted(void **state)
{
    struct fixture *f = *state;
    struct event event = {.type = EVENT_LINK_CHANGE};
    struct drain_status status;
    for (int i = 0; i < 70; i++) // six more than there are slots, and nobody reads
        event_write(&f->writers[0][EVENT_RING_TRADING], &event);
    begin(f);
    settle(f);
    publish(f, 0, EVENT_RING_TRADING, 1);
    settle(f);
    drain_status_take(&f->drain, &status);
    assert_int_equal(status.overrun, 6);
    assert_int_equal(status.gaps, 0);
    assert_int_equal(f->log.orders.missed, 6);
    end(f);
    assert_int_equal(written(f, 7, 0, EVENT_RING_TRADING, 1), 66);
}

// Somebody without a journal read before.
static void test_a_gap_is_reported(void **state)
{
    struct fixture *f = *state;
    struct drain_status status;
    publish(f, 0, EVENT_RING_TRADING, 10);
    event_commit(region_ring(&f->file.view, 0, EVENT_RING_TRADING), 4);
    begin(f);
    settle(f);
    drain_status_take(&f->drain, &status);
    assert_int_equal(status.gaps, 4);
    end(f);
    assert_int_equal(written(f, 7, 0, EVENT_RING_TRADING, 5), 10);
}

static void test_an_impossible_ring(void **state)
{
    struct fixture *f = *state;
    struct drain_status status;
    struct event_ring *ring = region_ring(&f->file.view, 1, EVENT_RING_TRADING);
    begin(f);
    settle(f);
    atomic_store(&ring->tail, 1000000);
    settle(f);
    drain_status_take(&f->drain, &status);
    assert_int_equal(status.damaged, 1);
    assert_int_equal(atomic_load(&ring->committed), 1000000); // goes on from there
    publish(f, 0, EVENT_RING_TRADING, 3);
    settle(f);
    assert_int_equal(f->log.count, 3);
    end(f);
}

// Nobody shows events for a while: the journal has them all, and the views know that they have not.
static void test_views_do_not_hold_up_the_journal(void **state)
{
    struct fixture *f = *state;
    uint32_t sent = 0;
    begin(f);
    for (; sent < DRAIN_VIEWS + 5000; sent += 50) {
        const uint64_t until = clock_mono_ns() + PATIENCE_S * UINT64_C(1000000000);
        while (event_credit(&f->writers[0][EVENT_RING_TRADING]) < 50)
            assert_true(clock_mono_ns() < until);
        publish(f, 0, EVENT_RING_TRADING, 50);
    }
    settle(f);
    assert_in_range(f->log.orders.missed, 5000, sent - EVENT_LOG_LEN);
    end(f);
    assert_int_equal(written(f, 7, 0, EVENT_RING_TRADING, 1), sent);
}

// Whatever is wrong with what stands there: nothing is added, nothing is given back.
static void test_damage_stops_it(void **state)
{
    struct fixture *f = *state;
    struct drain_status status;
    char path[512];
    begin(f);
    publish(f, 0, EVENT_RING_TRADING, 50);
    settle(f);
    end(f);
    rig_path(&f->rig, "0000000000000001.journal", path);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "x", 1, JOURNAL_ALIGN_MAX + 200), 1);
    close(fd);
    begin(f);
    publish(f, 0, EVENT_RING_TRADING, 5);
    settle(f);
    drain_status_take(&f->drain, &status);
    assert_int_equal(status.state, DRAIN_DAMAGED);
    assert_non_null(strstr(status.why, "segment 1 block"));
    assert_int_equal(released(f, 0, EVENT_RING_TRADING), 50);
    end(f);
}

// The lanes hear that their events become durable once the first are, and at the end that nobody
// writes any more.
static void test_lanes_hear_of_the_journal(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(record(f), RECORD_ABSENT);
    begin(f);
    settle(f);
    until_record(f, RECORD_MEMORY); // of a journal that does not sync
    end(f);
    assert_int_equal(record(f), RECORD_ABSENT);
    f->config.journal.cached = false;
    begin(f);
    settle(f);
    until_record(f, RECORD_WRITTEN);
    end(f);
    assert_int_equal(record(f), RECORD_ABSENT);
}

// A thread that hangs in the disk is watched by another; it speaks for itself again when it is
// back.
static void test_a_thread_that_hangs_is_noticed(void **state)
{
    struct fixture *f = *state;
    struct drain_status status;
    begin(f);
    settle(f);
    until_record(f, RECORD_MEMORY);
    pthread_mutex_lock(&f->drain.lock); // a turn ends with it
    const uint64_t later = clock_mono_ns() + 2 * f->config.stall_ns;
    drain_watch(&f->drain, &f->contact, later - f->config.stall_ns - f->config.stall_ns / 2);
    assert_int_equal(record(f), RECORD_MEMORY); // not yet
    drain_watch(&f->drain, &f->contact, later);
    assert_int_equal(record(f), RECORD_SLOW);
    pthread_mutex_unlock(&f->drain.lock);
    until_record(f, RECORD_MEMORY);
    drain_status_take(&f->drain, &status);
    assert_int_equal(status.state, DRAIN_WRITING);
    end(f);
}

// Damage that is found when the control plane starts: orders stop, also in what attaches later, and
// go on stopping when this control plane ends.
static void test_lanes_hear_of_damage(void **state)
{
    struct fixture *f = *state;
    char path[512];
    struct region_file old = f->file;
    begin(f);
    publish(f, 0, EVENT_RING_TRADING, 50);
    settle(f);
    end(f);
    rig_path(&f->rig, "0000000000000001.journal", path);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "x", 1, JOURNAL_ALIGN_MAX + 200), 1);
    close(fd);
    begin(f);
    until_record(f, RECORD_DAMAGED);
    contact_close(&f->contact);
    unlink(old.path);
    region_new(f, 8);
    contact_init(&f->contact, f->file.path);
    assert_true(contact_look(&f->contact, 0));
    drain_attach(&f->drain, &f->contact);
    until_record(f, RECORD_DAMAGED);
    end(f);
    assert_int_equal(record(f), RECORD_DAMAGED);
    munmap(old.view.base, old.view.length);
    close(old.fd);
}

// Damage that is found while it writes: orders stop, and events go on into the journal.
static void test_lanes_hear_of_a_doubt(void **state)
{
    struct fixture *f = *state;
    struct drain_status status;
    begin(f);
    publish(f, 0, EVENT_RING_TRADING, 50);
    settle(f);
    until_record(f, RECORD_MEMORY);
    drain_doubt(&f->drain, "segment 1 block 0 is not what was written");
    until_record(f, RECORD_DAMAGED);
    drain_status_take(&f->drain, &status);
    assert_int_equal(status.state, DRAIN_DAMAGED);
    assert_non_null(strstr(status.why, "segment 1 block 0"));
    const uint64_t before = status.committed;
    publish(f, 0, EVENT_RING_TRADING, 50);
    settle(f);
    drain_status_take(&f->drain, &status);
    assert_true(status.committed >= before + 50);
    end(f);
    assert_int_equal(record(f), RECORD_DAMAGED);
}

// What a start goes on from is being verified: its lanes know before anything of their instance is
// durable, events go into the journal meanwhile, and orders may enter once it is good.
static void test_lanes_hear_of_verifying(void **state)
{
    struct fixture *f = *state;
    struct drain_status status;
    _Atomic uint64_t durable = 0;
    struct error err = {0};
    f->config.committed = &durable;
    assert_true(drain_start(&f->drain, &f->config, &err));
    drain_verify(&f->drain, true);
    contact_init(&f->contact, f->file.path);
    assert_true(contact_look(&f->contact, 0));
    drain_attach(&f->drain, &f->contact);
    while (atomic_load(&durable) == 0)
        ;
    assert_int_equal(record(f), RECORD_UNVERIFIED);
    publish(f, 0, EVENT_RING_TRADING, 50);
    settle(f);
    assert_int_equal(released(f, 0, EVENT_RING_TRADING), 50);
    drain_status_take(&f->drain, &status);
    assert_int_equal(status.state, DRAIN_VERIFYING);
    assert_non_null(strstr(status.why, "no order is taken"));
    assert_int_equal(record(f), RECORD_UNVERIFIED);
    drain_verify(&f->drain, false);
    until_record(f, RECORD_MEMORY);
    drain_verify(&f->drain, true);
    until_record(f, RECORD_UNVERIFIED);
    end(f);
    assert_int_equal(record(f), RECORD_UNVERIFIED); // until somebody has verified it
    f->config.committed = NULL;
}

// Whoever asks what stands there is told at once.
static void test_what_is_durable_is_known_from_the_start(void **state)
{
    struct fixture *f = *state;
    struct drain_status status;
    _Atomic uint64_t durable = 0;
    struct error err = {0};
    begin(f);
    publish(f, 0, EVENT_RING_TRADING, 50);
    settle(f);
    end(f);
    f->config.committed = &durable;
    assert_true(drain_start(&f->drain, &f->config, &err));
    const uint64_t first = atomic_load(&durable);
    drain_status_take(&f->drain, &status);
    assert_true(first >= 50);
    assert_int_equal(first, status.found);
    drain_stop(&f->drain);
    f->config.committed = NULL;
}

// It is gone at once for whoever asks, though the thread has not come round.
static void test_a_doubt_is_lifted(void **state)
{
    struct fixture *f = *state;
    struct drain_status status;
    begin(f);
    settle(f);
    drain_doubt(&f->drain, "segment 1 block 0 is not what was written");
    until_record(f, RECORD_DAMAGED);
    drain_doubt_lift(&f->drain);
    drain_status_take(&f->drain, &status);
    assert_int_equal(status.state, DRAIN_WRITING);
    until_record(f, RECORD_MEMORY);
    end(f);
}

// The oldest go, the rest is still one journal.
static void test_retention(void **state)
{
    struct fixture *f = *state;
    static struct journal_reader r;
    struct error err = {0};
    f->config.journal.keep_bytes = 3 * (uint64_t)RIG_SEGMENT;
    begin(f);
    for (int i = 0; i < 2500; i++) {
        const uint64_t until = clock_mono_ns() + PATIENCE_S * UINT64_C(1000000000);
        while (event_credit(&f->writers[0][EVENT_RING_TRADING]) < 60)
            assert_true(clock_mono_ns() < until);
        publish(f, 0, EVENT_RING_TRADING, 60);
    }
    end(f);
    assert_true(journal_reader_open(&r, f->rig.directory, 0, &err));
    assert_true(r.segment_count <= 4 && r.segments[0] > 1);
    const struct journal_record *record;
    uint64_t events = 0, names = 0;
    while ((record = journal_reader_next(&r, &err)) != NULL) {
        events += record->type == JOURNAL_EVENT;
        names += record->type == JOURNAL_NAMES;
    }
    assert_int_equal(r.finding_count, 0);
    assert_true(events > 30000 && events < 2500 * 60);
    assert_true(names >= 3); // those of the region, in what is left
    journal_reader_close(&r);
}

// A control plane that begins a segment, writes a little and ends.
static void one_segment(struct fixture *f)
{
    begin(f);
    publish(f, 0, EVENT_RING_TRADING, 10);
    settle(f);
    end(f);
}

static uint64_t oldest(const struct fixture *f)
{
    static struct journal_reader r;
    struct error err = {0};
    assert_true(journal_reader_open(&r, f->rig.directory, 0, &err));
    assert_true(r.segment_count > 0);
    const uint64_t first = r.segments[0];
    journal_reader_close(&r);
    return first;
}

// The limit says that all of it may go: what somebody has not read stays, and the newest two.
static void test_retention_waits_for_who_reads(void **state)
{
    struct fixture *f = *state;
    _Atomic uint64_t from = 0; // as before anybody has said where it reads
    f->config.journal.keep_bytes = 1;
    f->config.journal.keep_from = &from;
    for (int i = 0; i < 4; i++)
        one_segment(f);
    assert_int_equal(oldest(f), 1);
    atomic_store(&from, 1);
    one_segment(f);
    assert_int_equal(oldest(f), 1);
    atomic_store(&from, 3);
    one_segment(f);
    assert_int_equal(oldest(f), 3);
    assert_int_equal(written(f, 7, 0, EVENT_RING_TRADING, 21), 60);
    atomic_store(&from, 7);
    one_segment(f);
    assert_int_equal(oldest(f), 6);
}

static void age(const struct fixture *f, uint64_t segment, int days)
{
    char path[JOURNAL_PATH_MAX];
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
    clock_gettime(CLOCK_REALTIME, &times[1]);
    times[1].tv_sec -= days * 86400L;
    assert_true(journal_segment_path(f->rig.directory, segment, path));
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

// A segment goes when nothing has been written to it for so long, and nobody reads it.
static void test_retention_by_age(void **state)
{
    struct fixture *f = *state;
    _Atomic uint64_t from = 2;
    f->config.journal.keep_ns = 2 * 86400 * UINT64_C(1000000000);
    f->config.journal.keep_from = &from;
    for (int i = 0; i < 4; i++)
        one_segment(f);
    age(f, 1, 1);
    one_segment(f);
    assert_int_equal(oldest(f), 1);
    age(f, 1, 3);
    age(f, 2, 3);
    one_segment(f);
    assert_int_equal(oldest(f), 2);
    atomic_store(&from, UINT64_MAX);
    one_segment(f);
    assert_int_equal(oldest(f), 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_everything_once_and_in_order),
        TEST(test_the_end_takes_what_is_there),
        TEST(test_a_successor_writes_nothing_twice),
        TEST(test_the_last_events_of_a_region),
        TEST(test_losses_are_counted),
        TEST(test_a_gap_is_reported),
        TEST(test_an_impossible_ring),
        TEST(test_views_do_not_hold_up_the_journal),
        TEST(test_damage_stops_it),
        TEST(test_lanes_hear_of_the_journal),
        TEST(test_a_thread_that_hangs_is_noticed),
        TEST(test_lanes_hear_of_damage),
        TEST(test_lanes_hear_of_a_doubt),
        TEST(test_lanes_hear_of_verifying),
        TEST(test_what_is_durable_is_known_from_the_start),
        TEST(test_a_doubt_is_lifted),
        TEST(test_retention),
        TEST(test_retention_waits_for_who_reads),
        TEST(test_retention_by_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
