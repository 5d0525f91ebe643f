// A disk that fails below the journal: by chance below a model of it, and the system calls of both
// engines one by one. Nothing that was said to be durable is lost, and nothing becomes durable
// behind a failure.
#include "tests/lib/journal_rig.h"

#include <dlfcn.h>
#include <liburing.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static struct journal_rig rig;
static struct journal_reader reader;

static int make(void **state)
{
    (void)state;
    rig_make(&rig);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    rig_remove(&rig);
    return 0;
}

// --- by chance ---

static void troubles(void)
{
    struct fault_disk *f = &rig.faults;
    f->write_errors_in = fault_random(f, 4) ? 0 : 1 + fault_random(f, 30);
    f->sync_errors_in = fault_random(f, 3) ? 0 : 1 + fault_random(f, 30);
    f->segments_left = fault_random(f, 4) ? UINT32_MAX : fault_random(f, 3);
    f->full_in = fault_random(f, 3) ? 0 : 1 + fault_random(f, 30);
}

// Writes until something fails or it is over; the machine stops then. True: it has failed.
static bool history(uint64_t seed)
{
    rig_open(&rig, seed);
    troubles();
    const uint64_t there = rig.journal.cursors.sequence[0][EVENT_RING_TRADING];
    const uint32_t turns = 1 + fault_random(&rig.faults, 60);
    rig.sent = there;
    for (uint32_t i = 0; i < turns; i++) {
        for (uint32_t n = fault_random(&rig.faults, 300); n && rig_send(&rig); n--)
            continue;
        rig_turn(&rig, fault_random(&rig.faults, 2));
        if (rig.journal.state == JOURNAL_FULL && fault_random(&rig.faults, 4) == 0) {
            rig.faults.segments_left = UINT32_MAX;
            rig.faults.full = false;
            rig.now_ns += JOURNAL_RETRY_MS * UINT64_C(1000000);
        }
    }
    const bool failed = rig.journal.state == JOURNAL_FAILED;
    const uint64_t durable = rig.journal.committed_mark.cursor[0][EVENT_RING_TRADING];
    for (int i = 0; i < 5; i++) {
        rig.now_ns += 3600 * UINT64_C(1000000000);
        rig_turn(&rig, 1);
    }
    if (failed) // no later success makes it good
        assert_int_equal(rig.journal.committed_mark.cursor[0][EVENT_RING_TRADING], durable);
    const uint64_t acknowledged = rig.journal.committed_mark.cursor[0][EVENT_RING_TRADING];
    rig_crash(&rig);
    const uint64_t last = rig_read(&rig, &reader);
    assert_in_range(last, acknowledged > there ? acknowledged : there, rig.sent);
    assert_int_equal(reader.damaged, 0);
    return failed;
}

static void test_histories(void **state)
{
    (void)state;
    uint32_t failures = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        if (seed % 5 == 0) {
            rig_remove(&rig);
            rig_make(&rig);
        }
        failures += history(seed);
    }
    assert_in_range(failures, 20, 180);
}

// --- the engines' own calls ---

// What the next calls do; 0: nothing.
static struct {
    uint32_t short_writes; // so many in a row
    int write_error;
    int sync_error;
    int fsync_error; // of whole files
    uint32_t fsyncs; // that do before it
    int setup_error; // of io_uring
    int register_error;
    uint32_t told; // write errors
} wrong;

static int once(int *error)
{
    const int now = *error;
    *error = 0;
    errno = now;
    return now;
}

ssize_t pwritev2(int fd, const struct iovec *v, int count, off_t offset, int flags)
{
    struct iovec part = *v;
    assert_int_equal(count, 1);
    if (once(&wrong.write_error)) {
        wrong.told++;
        return -1;
    }
    if (wrong.short_writes && part.iov_len > FAULT_SECTOR) {
        wrong.short_writes--;
        part.iov_len = part.iov_len / 2 + 1;
        if (rig.journal.disk.direct) // such writes end at a sector
            part.iov_len = (part.iov_len + FAULT_SECTOR - 1) / FAULT_SECTOR * FAULT_SECTOR;
    }
    return syscall(SYS_pwritev2, fd, &part, 1, offset, 0, flags);
}

int fdatasync(int fd)
{
    return once(&wrong.sync_error) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    if (wrong.fsyncs == 0 && once(&wrong.fsync_error))
        return -1;
    wrong.fsyncs -= wrong.fsyncs > 0;
    return (int)syscall(SYS_fsync, fd);
}

static void *next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    assert_non_null(found);
    return found;
}

int io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags)
{
    int (*real)(unsigned, struct io_uring *, unsigned) = NULL;
    const void *found = next("io_uring_queue_init");
    memcpy(&real, &found, sizeof real);
    return once(&wrong.setup_error) ? -errno : real(entries, ring, flags);
}

int io_uring_register_buffers(struct io_uring *ring, const struct iovec *v, unsigned count)
{
    int (*real)(struct io_uring *, const struct iovec *, unsigned) = NULL;
    const void *found = next("io_uring_register_buffers");
    memcpy(&real, &found, sizeof real);
    return once(&wrong.register_error) ? -errno : real(ring, v, count);
}

// The write is made shorter, or its file none, before the kernel sees it.
int io_uring_submit(struct io_uring *ring)
{
    static int full = -1; // a file that always says ENOSPC
    int (*real)(struct io_uring *) = NULL;
    const void *found = next("io_uring_submit");
    memcpy(&real, &found, sizeof real);
    for (unsigned at = ring->sq.sqe_head; at != ring->sq.sqe_tail; at++) {
        struct io_uring_sqe *e = &ring->sq.sqes[at & ring->sq.ring_mask];
        const bool write = e->opcode == IORING_OP_WRITE_FIXED;
        if (write && wrong.short_writes && e->len > FAULT_SECTOR) {
            wrong.short_writes--;
            e->len = e->len / 2 / FAULT_SECTOR * FAULT_SECTOR;
        }
        const int error = write ? once(&wrong.write_error) : once(&wrong.sync_error);
        wrong.told += write && error;
        if (write && (error == ENOSPC || error == EDQUOT)) {
            if (full < 0)
                full = open("/dev/full", O_WRONLY | O_CLOEXEC);
            e->fd = full;
            e->flags &= (uint8_t)~IOSQE_FIXED_FILE;
        } else if (error) {
            e->fd = 1000; // no file is registered there: EBADF
        }
    }
    return real(ring);
}

static void engine_open(enum disk_engine engine)
{
    memset(&wrong, 0, sizeof wrong);
    rig_engine(&rig, engine);
}

static void send_some(uint32_t count)
{
    while (count)
        count -= rig_send(&rig);
    for (int i = 0; i < 5000 && rig.journal.committed + 1 < rig.journal.number; i++) {
        if (rig.journal.state != JOURNAL_WRITING)
            return;
        rig_turn(&rig, 1000);
    }
}

static void short_writes(enum disk_engine engine)
{
    engine_open(engine);
    for (uint32_t i = 0; i < 20; i++) {
        wrong.short_writes = 1 + i % 3;
        send_some(100);
        assert_int_equal(rig.journal.state, JOURNAL_WRITING);
        assert_int_equal(rig.journal.committed + 1, rig.journal.number);
    }
    assert_true(journal_close(&rig.journal));
    assert_int_equal(rig_read(&rig, &reader), 2000);
    assert_int_equal(reader.finding_count, 0);
}

// Final, also when every later call would do; and what had been durable is read by the next writer.
static void failure(enum disk_engine engine, int *error, int number)
{
    engine_open(engine);
    rig.sent = rig.journal.cursors.sequence[0][EVENT_RING_TRADING];
    send_some(100);
    const uint64_t durable = rig.journal.committed;
    const uint64_t events = rig.sent;
    *error = number;
    send_some(100);
    assert_int_equal(rig.journal.state, JOURNAL_FAILED);
    assert_int_equal(rig.journal.committed, durable);
    for (int i = 0; i < 20; i++) {
        rig.now_ns += 3600 * UINT64_C(1000000000);
        rig_turn(&rig, 100);
    }
    assert_int_equal(rig.journal.state, JOURNAL_FAILED);
    assert_int_equal(rig.journal.committed, durable);
    assert_int_equal(rig.journal.committed_mark.cursor[0][EVENT_RING_TRADING], events);
    assert_false(journal_close(&rig.journal));
    assert_in_range(rig_read(&rig, &reader), events, events + 100);
    assert_int_equal(reader.damaged, 0);
    assert_false(reader.closed);
}

static void each_failure(enum disk_engine engine)
{
    static const int errors[] = {EIO, ENOSPC, EDQUOT};
    failure(engine, &wrong.write_error, EIO);
    for (uint32_t i = 0; i < 3; i++)
        failure(engine, &wrong.sync_error, errors[i]);
}

// A block for which there is no room, on a file system that does not keep what it has promised, is
// written again until there is. Nothing counts before.
static void no_room(enum disk_engine engine, int number)
{
    engine_open(engine);
    rig.sent = rig.journal.cursors.sequence[0][EVENT_RING_TRADING];
    send_some(100);
    const uint64_t durable = rig.journal.committed;
    for (uint32_t tries = 1; tries <= 3; tries++) {
        wrong.write_error = number;
        if (tries == 1)
            send_some(100);
        for (int i = 0; i < 5000 && (wrong.told < tries ||
                                     rig.journal.slots[rig.journal.first].state == SLOT_ON_ITS_WAY);
             i++)
            rig_turn(&rig, 1000);
        assert_int_equal(wrong.told, tries);
        assert_int_equal(rig.journal.state, JOURNAL_FULL);
        assert_int_equal(rig.journal.committed, durable);
        rig_turn(&rig, 1000); // not before the next try is due
        assert_int_equal(rig.journal.state, JOURNAL_FULL);
        rig.now_ns += JOURNAL_RETRY_MS * UINT64_C(1000000);
    }
    for (int i = 0; i < 5000 && rig.journal.committed + 1 < rig.journal.number; i++)
        rig_turn(&rig, 1000);
    assert_int_equal(rig.journal.state, JOURNAL_WRITING);
    send_some(100);
    assert_int_equal(rig.journal.committed + 1, rig.journal.number);
    assert_true(journal_close(&rig.journal));
    assert_int_equal(rig_read(&rig, &reader), rig.sent);
    assert_int_equal(reader.finding_count, 0);
}

static void test_no_room_for_a_block_io_uring(void **state)
{
    (void)state;
    no_room(DISK_URING, ENOSPC);
}

static void test_no_room_for_a_block_thread(void **state)
{
    (void)state;
    no_room(DISK_THREAD, ENOSPC);
    no_room(DISK_THREAD, EDQUOT);
}

static void test_short_writes_io_uring(void **state)
{
    (void)state;
    short_writes(DISK_URING);
}

static void test_short_writes_thread(void **state)
{
    (void)state;
    short_writes(DISK_THREAD);
}

static void test_failures_io_uring(void **state)
{
    (void)state;
    each_failure(DISK_URING);
}

static void test_failures_thread(void **state)
{
    (void)state;
    each_failure(DISK_THREAD);
}

// A segment that cannot be made durable takes no events; one that is read again at the start is
// synced first, and one that cannot be is not believed.
static void test_syncs_of_whole_files(void **state)
{
    (void)state;
    struct error err = {0};
    const struct journal_config config = {
        .directory = rig.directory, .segment_bytes = RIG_SEGMENT, .engine = DISK_THREAD};
    engine_open(DISK_THREAD);
    wrong.fsync_error = EIO;
    assert_false(rig_send(&rig));
    assert_int_equal(rig.journal.state, JOURNAL_FAILED);
    assert_false(journal_close(&rig.journal));
    engine_open(DISK_THREAD);
    send_some(100);
    assert_true(journal_close(&rig.journal));
    wrong.fsync_error = EIO;
    assert_false(journal_open(&rig.journal, &config, NULL, &err));
    assert_int_equal(err.code, EXIT_FAILED);
    assert_non_null(strstr(err.text, "0000000000000001.journal: Input/output error"));
    engine_open(DISK_THREAD);
    assert_int_equal(rig.journal.cursors.sequence[0][EVENT_RING_TRADING], 100);
    assert_true(journal_close(&rig.journal));
}

// A new segment that cannot be made durable is final too: a full disk that says so only when it is
// synced does not become good when there is room. <synced>: the file is, its directory is not.
static void segment_failure(int error, uint32_t synced)
{
    engine_open(DISK_THREAD);
    wrong.fsync_error = error;
    wrong.fsyncs = synced;
    assert_false(rig_send(&rig));
    assert_int_equal(wrong.fsync_error, 0);
    assert_int_equal(rig.journal.state, JOURNAL_FAILED);
    for (int i = 0; i < 5; i++) {
        rig.now_ns += 3600 * UINT64_C(1000000000);
        assert_false(rig_send(&rig));
        rig_turn(&rig, 0);
    }
    assert_int_equal(rig.journal.state, JOURNAL_FAILED);
    assert_false(journal_close(&rig.journal));
}

static void test_segments_that_are_not_synced(void **state)
{
    (void)state;
    static const int errors[] = {EIO, ENOSPC, EDQUOT};
    for (uint32_t i = 0; i < 3; i++)
        for (uint32_t synced = 0; synced < 2; synced++)
            segment_failure(errors[i], synced);
}

// Where the kernel refuses io_uring, or the memory for it, the thread writes; whoever asked for
// io_uring by name is told.
static void refused(int *error, int number, const char *words)
{
    struct error err = {0};
    struct journal_config config = {
        .directory = rig.directory, .segment_bytes = RIG_SEGMENT, .commit_ns = 1000000};
    memset(&wrong, 0, sizeof wrong);
    *error = number;
    assert_true(journal_open(&rig.journal, &config, NULL, &err));
    assert_int_equal(*error, 0);
    assert_string_equal(rig.journal.disk.ops->name, "pwritev2 and fdatasync");
    rig.sent = rig.journal.cursors.sequence[0][EVENT_RING_TRADING];
    send_some(100);
    assert_true(journal_close(&rig.journal));
    assert_int_equal(rig_read(&rig, &reader), rig.sent);
    config.engine = DISK_URING;
    *error = number;
    assert_false(journal_open(&rig.journal, &config, NULL, &err));
    assert_int_equal(err.code, EXIT_FAILED);
    assert_non_null(strstr(err.text, words));
    assert_non_null(strstr(err.text, "let the engine be auto"));
}

static void test_io_uring_refused(void **state)
{
    (void)state;
    refused(&wrong.setup_error, EPERM, "io_uring: Operation not permitted");
    refused(&wrong.setup_error, ENOSYS, "io_uring: Function");
}

// The ring is there, and its buffers are not.
static void test_io_uring_without_buffers(void **state)
{
    (void)state;
    engine_open(DISK_URING); // or skipped
    journal_close(&rig.journal);
    refused(&wrong.register_error, ENOMEM, "io_uring: Cannot allocate memory");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, make, drop)
    const struct CMUnitTest tests[] = {
        CASE(test_histories),
        CASE(test_short_writes_io_uring),
        CASE(test_short_writes_thread),
        CASE(test_failures_io_uring),
        CASE(test_failures_thread),
        CASE(test_no_room_for_a_block_io_uring),
        CASE(test_no_room_for_a_block_thread),
        CASE(test_syncs_of_whole_files),
        CASE(test_segments_that_are_not_synced),
        CASE(test_io_uring_refused),
        CASE(test_io_uring_without_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
