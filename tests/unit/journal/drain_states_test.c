// A disk that is full, slow or fails, as the lanes hear of it: orders stop with the state that says
// why, and go on by themselves unless it is not known any more what the disk holds.
#include "tests/lib/drain_world.h"

#include <sys/syscall.h>
#include <sys/uio.h>

#include "dataplane/base/log.h"

// What the engine's calls say from now on, errno; 0: what the disk says.
static struct {
    _Atomic int room, segment_sync, write, sync;
    atomic_bool holds; // no sync comes back
} disk;

static bool fails(const _Atomic int *error)
{
    const int number = atomic_load(error);
    if (number)
        errno = number;
    return number != 0;
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
    return fails(&disk.room) ? -1 : (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

int fsync(int fd)
{
    return fails(&disk.segment_sync) ? -1 : (int)syscall(SYS_fsync, fd);
}

ssize_t pwritev2(int fd, const struct iovec *v, int count, off_t offset, int flags)
{
    return fails(&disk.write) ? -1 : syscall(SYS_pwritev2, fd, v, count, offset, 0, flags);
}

int fdatasync(int fd)
{
    while (atomic_load(&disk.holds))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return fails(&disk.sync) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

static int setup_synced(void **state)
{
    memset(&disk, 0, sizeof disk);
    if (setup(state) != 0)
        return -1;
    struct fixture *f = *state;
    f->config.journal.cached = false;
    f->config.journal.engine = DISK_THREAD;
    return 0;
}

static void is(struct fixture *f, enum drain_state state, const char *words)
{
    struct drain_status status;
    drain_status_take(&f->drain, &status);
    assert_int_equal(status.state, state);
    if (words && strstr(status.why, words) == NULL)
        fail_msg("no '%s' in: %s", words, status.why);
}

// Nothing is given back, and nobody sees what is not written down: no room for a segment, or for a
// block.
static void test_full(void **state)
{
    struct fixture *f = *state;
    static const struct {
        _Atomic int *call;
        int error;
    } wrong[] = {
        {&disk.room, ENOSPC}, {&disk.room, EDQUOT}, {&disk.write, ENOSPC}, {&disk.write, EDQUOT}};
    uint64_t sent = 0;
    for (uint32_t i = 0; i < 4; i++) {
        atomic_store(wrong[i].call, wrong[i].error);
        begin(f);
        publish(f, 0, EVENT_RING_TRADING, 30);
        until_record(f, RECORD_FULL);
        settle(f);
        is(f, DRAIN_FULL, "no order is taken; make room, it goes on by itself");
        assert_int_equal(released(f, 0, EVENT_RING_TRADING), sent);
        assert_int_equal(f->log.count, sent);
        atomic_store(wrong[i].call, 0);
        until_record(f, RECORD_WRITTEN);
        settle(f);
        is(f, DRAIN_WRITING, NULL);
        sent += 30;
        assert_int_equal(released(f, 0, EVENT_RING_TRADING), sent);
        assert_int_equal(f->log.count, sent);
        end(f);
    }
    assert_int_equal(written(f, 7, 0, EVENT_RING_TRADING, 1), sent);
}

static void test_slow(void **state)
{
    struct fixture *f = *state;
    f->config.stall_ns = 20 * UINT64_C(1000000); // a disk that is so slow by itself does no harm
    begin(f);
    publish(f, 0, EVENT_RING_TRADING, 30);
    settle(f);
    until_record(f, RECORD_WRITTEN);
    atomic_store(&disk.holds, true);
    publish(f, 0, EVENT_RING_TRADING, 30);
    until_record(f, RECORD_SLOW);
    is(f, DRAIN_SLOW, "a commit takes longer than 20 ms; no order is taken meanwhile");
    assert_int_equal(released(f, 0, EVENT_RING_TRADING), 30);
    assert_int_equal(record(f), RECORD_SLOW);
    atomic_store(&disk.holds, false);
    settle(f);
    until_record(f, RECORD_WRITTEN);
    is(f, DRAIN_WRITING, NULL);
    assert_int_equal(released(f, 0, EVENT_RING_TRADING), 60);
    end(f);
    assert_int_equal(record(f), RECORD_ABSENT);
    assert_int_equal(written(f, 7, 0, EVENT_RING_TRADING, 1), 60);
}

// The disk works again, and this control plane does not believe it; the next one reads what is
// there, and writes the rest.
static void stays_failed(struct fixture *f, uint64_t durable)
{
    struct drain_status status;
    drain_status_take(&f->drain, &status);
    const uint64_t committed = status.committed;
    is(f, DRAIN_FAILED, "until this control plane is started again");
    for (int i = 0; i < 20; i++)
        drain_settle(&f->drain);
    is(f, DRAIN_FAILED, "what the disk holds is not known any more");
    drain_status_take(&f->drain, &status);
    assert_int_equal(status.committed, committed);
    assert_int_equal(record(f), RECORD_FAILED);
    assert_int_equal(released(f, 0, EVENT_RING_TRADING), durable);
    end(f);
    assert_int_equal(record(f), RECORD_FAILED);
}

static void test_failed(void **state)
{
    struct fixture *f = *state;
    static const struct {
        _Atomic int *call;
        int error;
    } wrong[] = {{&disk.write, EIO}, {&disk.sync, EIO}, {&disk.sync, ENOSPC}};
    uint64_t sent = 0;
    for (uint32_t i = 0; i < 3; i++) {
        begin(f);
        until_record(f, RECORD_WRITTEN);
        publish(f, 0, EVENT_RING_TRADING, 10);
        settle(f);
        atomic_store(wrong[i].call, wrong[i].error);
        publish(f, 0, EVENT_RING_TRADING, 10);
        until_record(f, RECORD_FAILED);
        atomic_store(wrong[i].call, 0);
        publish(f, 0, EVENT_RING_TRADING, 10);
        stays_failed(f, sent + 10);
        sent += 30;
    }
    begin(f);
    until_record(f, RECORD_WRITTEN);
    settle(f);
    assert_int_equal(released(f, 0, EVENT_RING_TRADING), sent);
    end(f);
    assert_int_equal(written(f, 7, 0, EVENT_RING_TRADING, 1), sent);
}

// A disk that takes a new segment and is full when that is synced has failed: it is not waited for.
static void test_segment_not_synced(void **state)
{
    struct fixture *f = *state;
    atomic_store(&disk.segment_sync, ENOSPC);
    begin(f);
    publish(f, 0, EVENT_RING_TRADING, 10);
    settle(f);
    while (record(f) == RECORD_ABSENT)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(record(f), RECORD_FAILED);
    atomic_store(&disk.segment_sync, 0);
    stays_failed(f, 0);
    begin(f);
    until_record(f, RECORD_WRITTEN);
    settle(f);
    assert_int_equal(f->log.count, 10);
    end(f);
}

// --- the end that is found ---

// As the writer had been killed behind its last block, and with <destroyed> a bit has flipped
// since.
static void end_make(const struct fixture *f, uint32_t align, bool destroyed)
{
    static uint8_t bytes[RIG_SEGMENT];
    char path[512];
    rig_path(&f->rig, "0000000000000001.journal", path);
    const int fd = open(path, O_RDWR);
    ssize_t len =
        pread(fd, bytes, sizeof bytes, 0) - (ssize_t)align; // the block of the end in order
    assert_int_equal(ftruncate(fd, len), 0);
    while (len > 1 && bytes[len - 1] == 0)
        len--;
    assert_true(len > JOURNAL_ALIGN_MAX);
    bytes[len - 1] ^= 1;
    if (destroyed)
        assert_int_equal(pwrite(fd, &bytes[len - 1], 1, len - 1), 1);
    close(fd);
}

// What the region says was durable is missing: that was no crash.
static void test_an_end_that_was_durable(void **state)
{
    struct fixture *f = *state;
    for (int destroyed = 0; destroyed < 2; destroyed++) {
        begin(f);
        publish(f, 0, EVENT_RING_TRADING, 30);
        settle(f);
        const uint64_t durable = released(f, 0, EVENT_RING_TRADING);
        const uint32_t align = f->drain.journal.disk.align;
        end(f);
        end_make(f, align, destroyed);
        begin(f);
        settle(f);
        drain_doubt_lift(&f->drain); // as for another instance
        if (destroyed)
            until_record(f, RECORD_DAMAGED);
        else
            until_record(f, RECORD_WRITTEN);
        is(f, destroyed ? DRAIN_DAMAGED : DRAIN_WRITING,
           destroyed ? "1 events that were durable, as the region says, are not in it" : NULL);
        assert_int_equal(released(f, 0, EVENT_RING_TRADING), durable);
        publish(f, 0, EVENT_RING_TRADING, 1);
        if (!destroyed)
            settle(f);
        end(f);
        begin(f); // whoever started it has not looked
        settle(f);
        if (destroyed)
            until_record(f, RECORD_DAMAGED);
        else
            until_record(f, RECORD_WRITTEN);
        is(f, destroyed ? DRAIN_DAMAGED : DRAIN_WRITING, destroyed ? "nothing is written" : NULL);
        assert_int_equal(released(f, 0, EVENT_RING_TRADING), destroyed ? durable : durable + 1);
        end(f);
        rig_remove(&f->rig);
        rig_make(&f->rig);
    }
}

// --- the line of the start ---

static char said[LOG_LINE_MAX];

static void hear(const struct log_line *line)
{
    if (strstr(line->text, "goes on behind record"))
        snprintf(said, sizeof said, "%s", line->text);
}

static void test_the_start_says_how_it_writes(void **state)
{
    struct fixture *f = *state;
    static const enum disk_engine engines[] = {DISK_THREAD, DISK_AUTO};
    log_listen(hear);
    for (uint32_t i = 0; i < 2; i++) {
        struct drain_status status;
        char words[128];
        f->config.journal.engine = engines[i];
        begin(f);
        drain_status_take(&f->drain, &status);
        snprintf(words, sizeof words, ": %s, %s, blocks of %u bytes, synced",
                 i == 0 ? "pwritev2 and fdatasync" : status.engine,
                 f->drain.journal.disk.direct ? "O_DIRECT" : "not O_DIRECT", status.align);
        if (strstr(said, words) == NULL)
            fail_msg("no '%s' in: %s", words, said);
        assert_string_equal(status.engine, f->drain.journal.disk.ops->name);
        end(f);
        said[0] = 0;
    }
    log_listen(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_synced, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_full),
        TEST(test_slow),
        TEST(test_failed),
        TEST(test_segment_not_synced),
        TEST(test_an_end_that_was_durable),
        TEST(test_the_start_says_how_it_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
