// Reading a journal while it is being written.
#include "tests/lib/journal_rig.h"

#include <grp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct journal_rig rig;
static struct journal_reader reader;

// Behind the first read from this byte on so many events are written, each in a block of its own.
static uint64_t written_at;
static uint32_t written_count;

ssize_t pread(int fd, void *to, size_t len, off_t from)
{
    const ssize_t got = syscall(SYS_pread64, fd, to, len, from);
    for (; written_count && (uint64_t)from == written_at; written_count--)
        assert_true(rig_send_all(&rig, 1));
    return got;
}

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

// Events that the reader gives out now; they are 1, 2, 3 ... over all calls. Returns the last.
static uint64_t take(uint64_t last)
{
    struct error err = {0};
    const struct journal_record *record;
    while ((record = journal_reader_next(&reader, &err)) != NULL) {
        struct event event;
        if (record->type != JOURNAL_EVENT)
            continue;
        memcpy(&event, record + 1, sizeof event);
        assert_int_equal(event.sequence, ++last);
    }
    assert_int_equal(err.code, EXIT_OK);
    assert_int_equal(reader.finding_count, 0);
    return last;
}

static uint64_t committed(void)
{
    return rig.journal.committed_mark.cursor[0][EVENT_RING_TRADING];
}

static void test_gives_out_what_is_durable_and_goes_on(void **state)
{
    (void)state;
    struct error err = {0};
    uint64_t last = 0;
    rig_open(&rig, 1);
    assert_true(journal_reader_open(&reader, rig.directory, 0, &err));
    journal_reader_follow(&reader, 0);
    while (rig.sent < 100000) { // several segments
        for (int i = 0; i < 50 + (int)(rig.sent % 400); i++)
            rig_send(&rig);
        rig_turn(&rig, rig.sent % 3 ? 0 : 100);
        reader.committed = rig.journal.committed;
        last = take(last);
        assert_int_equal(last, committed());
    }
    assert_true(journal_close(&rig.journal));
    reader.committed = UINT64_MAX;
    assert_int_equal(take(last), rig.sent);
    assert_true(reader.closed);
    assert_true(reader.at_segment >= 2);

    // The next writer, in a new segment.
    last = rig.sent;
    rig_open(&rig, 2);
    assert_true(rig_send(&rig));
    rig_turn(&rig, 0);
    while (committed() < rig.sent)
        rig_turn(&rig, 1000);
    assert_int_equal(take(last), rig.sent);
    assert_true(journal_close(&rig.journal));
    journal_reader_close(&reader);
}

static void test_nothing_before_it_is_durable(void **state)
{
    (void)state;
    struct error err = {0};
    rig_open(&rig, 1);
    while (committed() < 10 || rig.sent < 10) {
        rig_send(&rig);
        rig_turn(&rig, 1000);
    }
    assert_true(journal_reader_open(&reader, rig.directory, 0, &err));
    journal_reader_follow(&reader, 0);
    assert_int_equal(take(0), 0);
    reader.committed = 1; // its block holds more, all of them as durable
    assert_true(take(0) >= 1);
    journal_reader_close(&reader);
    assert_true(journal_close(&rig.journal));
}

static void test_begins_with_a_segment(void **state)
{
    (void)state;
    struct error err = {0};
    const struct journal_record *record;
    rig_open(&rig, 1);
    while (rig.sent < 100000) {
        rig_send(&rig);
        if (rig.sent % 100 == 0)
            rig_turn(&rig, 100);
    }
    assert_true(journal_close(&rig.journal));
    assert_true(journal_reader_open(&reader, rig.directory, 0, &err));
    journal_reader_from(&reader, 3);
    record = journal_reader_next(&reader, &err);
    assert_non_null(record);
    assert_int_equal(reader.header.segment, 3);
    assert_int_equal(record->number, reader.header.first_record);
    assert_true(record->number > 1);
    journal_reader_close(&reader);
}

// What a user without rights is told; runs in a process of its own.
static int ask_as_nobody(const char *directory, const char *place)
{
    struct error err = {0};
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
        return 2;
    const bool read = journal_reader_open(&reader, directory, 0, &err) &&
                      journal_reader_next(&reader, &err) != NULL;
    return !read && strstr(err.text, place) && strstr(err.text, "Permission denied; run this as");
}

static void segment_remove(uint64_t segment)
{
    char path[JOURNAL_PATH_MAX];
    assert_true(journal_segment_path(rig.directory, segment, path));
    assert_int_equal(unlink(path), 0);
}

// A pipe that nobody reads may hold up the reader for longer than segments are kept.
static void test_what_goes_before_it_is_read_is_passed_over(void **state)
{
    (void)state;
    enum { FIRST_GONE = 2, LAST_GONE = 3 };
    struct error err = {0};
    uint64_t before = 0;
    const struct journal_record *record;
    rig_open(&rig, 3);
    while (rig.journal.header.segment <= LAST_GONE + 1) {
        rig_send(&rig);
        rig_turn(&rig, 0);
    }
    assert_true(journal_close(&rig.journal));
    assert_true(journal_reader_open(&reader, rig.directory, 0, &err));
    journal_reader_follow(&reader, UINT64_MAX);
    assert_non_null(journal_reader_next(&reader, &err));
    for (uint64_t segment = FIRST_GONE; segment <= LAST_GONE; segment++)
        segment_remove(segment);
    while ((record = journal_reader_next(&reader, &err)) != NULL)
        before = record->number;
    assert_int_equal(err.code, EXIT_FAILED);
    assert_true(journal_reader_pass(&reader, &err));
    assert_int_equal(err.code, EXIT_OK);
    record = journal_reader_next(&reader, &err);
    assert_non_null(record);
    assert_int_equal(reader.finding_count, 1);
    assert_int_equal(reader.damaged, 1);
    const struct journal_finding *f = &reader.findings[0];
    assert_int_equal(f->segment, LAST_GONE + 1);
    assert_int_equal(f->record, before + 1);
    assert_int_equal(f->lost, record->number - f->record);
    assert_true(f->lost > 0);
    assert_string_equal(f->what, "segments 2 to 3 are missing");
    while (journal_reader_next(&reader, &err) != NULL)
        continue;
    assert_int_equal(err.code, EXIT_OK);
    assert_int_equal(reader.finding_count, 1);
    assert_true(reader.closed);
    assert_false(journal_reader_pass(&reader, &err)); // nothing is gone
    journal_reader_close(&reader);
}

// All that it knew, and nothing behind it: that is no retention.
static void test_a_journal_that_is_gone_ends_it(void **state)
{
    (void)state;
    struct error err = {0};
    rig_open(&rig, 4);
    while (rig.journal.header.segment < 3) {
        rig_send(&rig);
        rig_turn(&rig, 0);
    }
    assert_true(journal_close(&rig.journal));
    assert_true(journal_reader_open(&reader, rig.directory, 0, &err));
    journal_reader_follow(&reader, UINT64_MAX);
    assert_non_null(journal_reader_next(&reader, &err));
    for (uint64_t segment = 2; segment <= rig.journal.header.segment; segment++)
        segment_remove(segment);
    while (journal_reader_next(&reader, &err) != NULL)
        continue;
    assert_int_equal(err.code, EXIT_FAILED);
    assert_false(journal_reader_pass(&reader, &err));
    assert_int_equal(err.code, EXIT_FAILED);
    journal_reader_close(&reader);
}

static void refused_as_nobody(const char *directory, const char *place)
{
    int status;
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0)
        _exit(ask_as_nobody(directory, place) == 1 ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_what_may_not_be_read_is_named(void **state)
{
    (void)state;
    char segment[JOURNAL_PATH_MAX];
    rig_open(&rig, 1);
    assert_true(rig_send(&rig));
    assert_true(journal_close(&rig.journal));
    assert_true(journal_segment_path(rig.directory, 1, segment));
    assert_int_equal(chmod(rig.directory, 0), 0);
    refused_as_nobody(rig.directory, rig.directory);
    assert_int_equal(chmod(rig.directory, 0755), 0);
    assert_int_equal(chmod(segment, 0), 0);
    refused_as_nobody(rig.directory, segment);
}

// Reading takes its time: the end that was looked at is none any more when what stands behind it
// is.
static void test_what_comes_while_it_is_looked_at_is_no_damage(void **state)
{
    (void)state;
    for (int follows = 0; follows < 2; follows++) {
        struct error err = {0};
        rig_open(&rig, 1);
        assert_true(rig_send_all(&rig, 1));
        written_at = rig.journal.offset;
        written_count = 3;
        assert_true(journal_reader_open(&reader, rig.directory, 0, &err));
        if (follows)
            journal_reader_follow(&reader, UINT64_MAX);
        const uint64_t last = take(0);
        assert_int_equal(written_count, 0);
        assert_int_equal(take(last), rig.sent);
        journal_reader_close(&reader);
        assert_true(journal_close(&rig.journal));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_gives_out_what_is_durable_and_goes_on, make, drop),
        cmocka_unit_test_setup_teardown(test_nothing_before_it_is_durable, make, drop),
        cmocka_unit_test_setup_teardown(test_begins_with_a_segment, make, drop),
        cmocka_unit_test_setup_teardown(test_what_goes_before_it_is_read_is_passed_over, make,
                                        drop),
        cmocka_unit_test_setup_teardown(test_what_comes_while_it_is_looked_at_is_no_damage, make,
                                        drop),
        cmocka_unit_test_setup_teardown(test_a_journal_that_is_gone_ends_it, make, drop),
        cmocka_unit_test_setup_teardown(test_what_may_not_be_read_is_named, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
