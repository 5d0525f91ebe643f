// The journal on real files: what is committed is there, whatever happens to the rest.
#include "tests/lib/journal_rig.h"

static struct journal_rig rig;
static struct journal_reader reader;

enum { NOBODY = 65534 };

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

static void send_all(uint32_t count)
{
    assert_true(rig_send_all(&rig, count));
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    rig_open(&rig, 1);
    send_all(100000); // several segments
    assert_int_equal(rig.journal.committed_mark.cursor[0][EVENT_RING_TRADING], 100000);
    assert_true(journal_close(&rig.journal));
    assert_int_equal(rig_read(&rig, &reader), 100000);
    assert_true(reader.segment_count >= 3);
    assert_true(reader.closed);
    assert_int_equal(reader.finding_count, 0);
}

static void test_an_empty_journal_is_none(void **state)
{
    (void)state;
    rig_open(&rig, 1);
    assert_true(journal_close(&rig.journal));
    assert_int_equal(rig_read(&rig, &reader), 0);
    assert_int_equal(reader.segment_count, 0);
}

static void test_goes_on_behind_what_is_there(void **state)
{
    (void)state;
    for (uint64_t run = 1; run <= 4; run++) {
        rig_open(&rig, run);
        assert_int_equal(rig.journal.cursors.sequence[0][EVENT_RING_TRADING], rig.sent);
        // What was read from the ring before and not released comes again.
        const uint64_t again = rig.sent < 50 ? rig.sent : 50;
        rig.sent -= again;
        send_all(1000);
        assert_true(journal_close(&rig.journal));
    }
    assert_int_equal(rig_read(&rig, &reader), 4 * 1000 - 3 * 50);
    assert_int_equal(reader.finding_count, 0);
    assert_int_equal(reader.segment_count, 4);
}

static void test_events_that_stand_there_are_released_without_a_record(void **state)
{
    (void)state;
    rig_open(&rig, 1);
    send_all(10);
    assert_true(journal_close(&rig.journal));
    rig_open(&rig, 2);
    rig.sent = 0;
    for (int i = 0; i < 10; i++)
        assert_true(rig_send(&rig));
    assert_true(journal_turn(&rig.journal, 1, 0));
    assert_int_equal(rig.journal.committed_mark.cursor[0][EVENT_RING_TRADING], 10);
    assert_int_equal(rig.journal.blocks, 0);
    assert_true(journal_close(&rig.journal));
}

static void test_an_instance_starts_its_sequences_anew(void **state)
{
    (void)state;
    struct journal_instance instance = {.epoch = 5, .node = "here"};
    rig_open(&rig, 1);
    assert_true(journal_instance(&rig.journal, &instance, 1));
    send_all(10);
    instance.epoch = 6;
    assert_true(journal_instance(&rig.journal, &instance, 1));
    rig.sent = 0;
    send_all(10);
    assert_int_equal(rig.journal.number, 1 + 2 + 20);
    assert_true(journal_close(&rig.journal));
    rig_open(&rig, 2);
    assert_int_equal(rig.journal.cursors.epoch, 6);
    assert_int_equal(rig.journal.header.instance.epoch, 6);
    assert_string_equal(rig.journal.header.instance.node, "here");
    assert_true(journal_close(&rig.journal));
}

static void test_a_second_writer_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    static struct journal_rig other;
    rig_open(&rig, 1);
    send_all(1);
    other = rig;
    assert_false(rig_try_open(&other, 2, &err));
    assert_non_null(strstr(err.text, "writes this journal"));
    send_all(1);
    assert_true(journal_close(&rig.journal));
}

static void test_commits_are_counted_by_their_time(void **state)
{
    (void)state;
    static const struct {
        uint64_t ns;
        uint32_t at;
    } took[] = {{0, 0},
                {1, 0},
                {1000, 0},
                {1001, 1},
                {2000, 1},
                {2001, 2},
                {64000, 6},
                {64001, 7},
                {1048576000, 20},
                {1048576001, 21},
                {UINT64_C(1) << 60, JOURNAL_LATENCIES - 1}};
    uint64_t sum = 0, wanted[JOURNAL_LATENCIES] = {0};
    rig_open(&rig, 1);
    for (uint32_t i = 0; i < sizeof took / sizeof took[0]; i++) {
        assert_true(rig_send(&rig));
        journal_turn(&rig.journal, rig.now_ns, 1); // it leaves
        rig.now_ns += took[i].ns;
        assert_true(journal_turn(&rig.journal, rig.now_ns, 1)); // and is there
        sum += took[i].ns;
        wanted[took[i].at]++;
        assert_memory_equal(rig.journal.latency, wanted, sizeof wanted);
        assert_int_equal(rig.journal.latency_ns, sum);
    }
    assert_true(journal_close(&rig.journal));
}

// --- who may not ---

// Opens <directory> of the rig as a user without rights, who is told <say>.
static void closed_to_others(const char *directory, const char *say)
{
    const struct journal_config config = {
        .directory = directory, .segment_bytes = RIG_SEGMENT, .commit_ns = 1000000};
    const bool root = geteuid() == 0;
    struct error err = {0};
    if (root && (setegid(NOBODY) != 0 || seteuid(NOBODY) != 0))
        skip();
    fault_disk_open(&rig.disk, &rig.faults, 1);
    const bool opened = journal_open(&rig.journal, &config, &rig.disk, &err);
    if (root && (seteuid(0) != 0 || setegid(0) != 0))
        abort();
    free(rig.disk.slots);
    assert_false(opened);
    assert_int_equal(err.code, EXIT_FAILED);
    if (strstr(err.text, say) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, say);
}

static void test_a_directory_of_somebody_else_is_refused(void **state)
{
    (void)state;
    char path[512];
    rig_path(&rig, "journal", path);
    assert_int_equal(chmod(rig.directory, 0500), 0); // mkdtemp: 0700, of whoever runs this
    closed_to_others(path, "Permission denied; give this user the directory above it");
    closed_to_others(rig.directory, "/writer: Permission denied; give this user the directory");
    // Its own, and it may write there: what is there it may not see.
    if (geteuid() == 0)
        assert_int_equal(chown(rig.directory, NOBODY, NOBODY), 0);
    assert_int_equal(chmod(rig.directory, 0300), 0);
    closed_to_others(rig.directory, "Permission denied; run this as its owner or as root");
    assert_int_equal(chmod(rig.directory, 0700), 0);
}

// --- crashes ---

static void test_a_crash_loses_nothing_that_was_committed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        if (seed % 5 == 0) { // four crashes in a row are enough for one journal
            rig_remove(&rig);
            rig_make(&rig);
        }
        rig_open(&rig, seed);
        const uint64_t recovered = rig.journal.cursors.sequence[0][EVENT_RING_TRADING];
        rig.sent = recovered;
        const uint32_t turns = 1 + fault_random(&rig.faults, 40);
        for (uint32_t i = 0; i < turns; i++) {
            for (uint32_t n = fault_random(&rig.faults, 30); n && rig_send(&rig); n--)
                continue;
            rig_turn(&rig, fault_random(&rig.faults, 2));
        }
        uint64_t committed = rig.journal.committed_mark.cursor[0][EVENT_RING_TRADING];
        if (committed < recovered)
            committed = recovered;
        rig_crash(&rig);
        const uint64_t last = rig_read(&rig, &reader);
        assert_in_range(last, committed, rig.sent);
        assert_int_equal(reader.damaged, 0);
        assert_false(reader.closed && last < rig.sent);
    }
}

// Writers that are killed before their first block leave segments without a record. What stood in
// the journal before is known all the same, and not written again.
static void test_killed_again_and_again_before_the_first_block(void **state)
{
    (void)state;
    struct journal_instance instance = {.epoch = 5};
    rig_open(&rig, 1);
    assert_true(journal_instance(&rig.journal, &instance, 1));
    send_all(10);
    rig_crash(&rig);
    for (uint64_t seed = 2; seed < 6; seed++) {
        rig_open(&rig, seed);
        assert_int_equal(rig.journal.cursors.epoch, 5);
        assert_int_equal(rig.journal.cursors.sequence[0][EVENT_RING_TRADING], 10);
        assert_true(rig_send(&rig)); // a segment, and a block that never leaves
        rig_crash(&rig);
        rig.sent = 10;
    }
    rig_open(&rig, 6);
    rig.sent = 0;
    send_all(12);
    assert_true(journal_close(&rig.journal));
    assert_int_equal(rig_read(&rig, &reader), 12);
    assert_int_equal(reader.damaged, 0);
}

// The first <keep> bytes of a segment, and zeros up to <length>.
static void copy_cut(const char *from, const char *to, size_t keep, off_t length)
{
    static uint8_t bytes[RIG_SEGMENT];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(in >= 0 && out >= 0);
    assert_int_equal(read(in, bytes, sizeof bytes), RIG_SEGMENT);
    assert_int_equal(write(out, bytes, keep), keep);
    assert_int_equal(ftruncate(out, length), 0);
    close(in);
    close(out);
}

static void test_torn_at_every_byte(void **state)
{
    (void)state;
    char path[512], kept[512];
    rig_open(&rig, 1);
    send_all(3);
    for (int i = 0; i < 5; i++)
        assert_true(rig_send(&rig));
    const uint64_t block = rig.journal.offset;
    rig_turn(&rig, 0); // one block of five
    send_all(0);
    const uint64_t used =
        sizeof(struct journal_block_header) + 5 * (sizeof(struct journal_record) + EVENT_LEN);
    rig_crash(&rig);
    rig_path(&rig, "0000000000000001.journal", path);
    rig_path(&rig, "kept", kept);
    assert_int_equal(rename(path, kept), 0);
    uint64_t before = 3;
    for (uint64_t cut = 0; cut <= used; cut++) {
        copy_cut(kept, path, block + cut, (off_t)(block + used + 4096));
        const uint64_t last = rig_read(&rig, &reader);
        assert_true(last >= before && last <= 8);
        assert_int_equal(reader.damaged, 0);
        assert_int_equal(reader.torn, cut > 0 && last < 8); // what ends in zeros is whole earlier
        before = last;
    }
    assert_int_equal(before, 8);
}

// --- damage ---

static void flip(const char *path, uint64_t at, uint8_t bits)
{
    uint8_t byte;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
    byte ^= bits;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    close(fd);
}

// One bit of each byte, with hashes and without.
static void flips_are_found(const char *path, uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at < to; at++) {
        flip(path, at, (uint8_t)(1 << at % 8));
        for (int unhashed = 0; unhashed < 2; unhashed++) {
            rig_read_as(&rig, &reader, unhashed);
            if (reader.damaged == 0)
                fail_msg("byte %llu%s", (unsigned long long)at, unhashed ? ", no hashes" : "");
        }
        flip(path, at, (uint8_t)(1 << at % 8));
    }
}

static void test_every_flipped_bit_is_found(void **state)
{
    (void)state;
    char path[512];
    rig_into_memory(&rig);
    rig_open(&rig, 1);
    for (int i = 0; i < 6; i++)
        send_all(3);
    assert_true(rig_send(&rig)); // has not left when it is closed
    const uint64_t end = rig.journal.offset + 512;
    assert_true(journal_close(&rig.journal));
    rig_path(&rig, "0000000000000001.journal", path);
    assert_int_equal(truncate(path, (off_t)end + JOURNAL_ALIGN_MAX), 0);
    flips_are_found(path, 0, end);
    for (int unhashed = 0; unhashed < 2; unhashed++) {
        assert_int_equal(rig_read_as(&rig, &reader, unhashed), 19);
        assert_int_equal(reader.finding_count, 0);
    }
}

// The writer is killed while nothing comes: its last block has been called durable by then. The end
// itself may be torn at every byte.
static void test_damage_in_the_last_block_of_a_killed_writer(void **state)
{
    (void)state;
    char path[512], kept[512];
    rig_into_memory(&rig);
    rig_open(&rig, 1);
    send_all(3);
    const uint64_t last = rig.journal.offset;
    send_all(5);
    const uint64_t mark = rig.journal.offset;
    for (int i = 0; i < 100; i++)
        rig_turn(&rig, 1); // not yet
    assert_int_equal(rig.journal.offset, mark);
    rig.now_ns += JOURNAL_MARK_MS * UINT64_C(1000000);
    for (int i = 0; i < 100; i++)
        rig_turn(&rig, 1);
    assert_int_equal(rig.journal.offset, mark + FAULT_SECTOR); // once
    assert_true(journal_idle(&rig.journal));
    rig_crash(&rig);
    rig_path(&rig, "0000000000000001.journal", path);
    flips_are_found(path, last, mark);
    rig_path(&rig, "kept", kept);
    assert_int_equal(rename(path, kept), 0);
    for (uint64_t cut = 0; cut <= sizeof(struct journal_block_header); cut++) {
        copy_cut(kept, path, mark + cut, RIG_SEGMENT);
        assert_int_equal(rig_read(&rig, &reader), 8);
        assert_int_equal(reader.damaged, 0);
    }
}

// Checksums are for disks, hashes are for people.
static void test_a_record_with_a_new_checksum_is_found_by_hashes(void **state)
{
    (void)state;
    char path[512];
    uint8_t bytes[sizeof(struct journal_record) + EVENT_LEN];
    struct journal_record *record = (void *)bytes;
    const off_t at = JOURNAL_ALIGN_MIN + (off_t)sizeof(struct journal_block_header);
    rig_open(&rig, 1);
    for (int i = 0; i < 20; i++)
        send_all(3);
    assert_true(journal_close(&rig.journal));
    rig_path(&rig, "0000000000000001.journal", path);
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, bytes, sizeof bytes, at), sizeof bytes);
    assert_int_equal(record->type, JOURNAL_EVENT);
    ((struct event *)(void *)(record + 1))->tsc ^= 1;
    record->crc = crc32c(&record->len, record->len - (uint32_t)sizeof record->crc);
    assert_int_equal(pwrite(fd, bytes, sizeof bytes, at), sizeof bytes);
    close(fd);
    assert_int_equal(rig_read_as(&rig, &reader, true), 60);
    assert_int_equal(reader.finding_count, 0);
    rig_read(&rig, &reader);
    assert_int_equal(reader.damaged, 1);
    assert_int_equal(reader.findings[0].block, 1); // it says what stands before it
}

// Castagnoli's polynomial, bit by bit.
static void test_checksums_of_every_length(void **state)
{
    (void)state;
    uint8_t bytes[600];
    uint32_t slow = UINT32_MAX;
    for (uint32_t len = 0; len < sizeof bytes; len++) {
        assert_int_equal(crc32c(bytes, len), ~slow);
        bytes[len] = (uint8_t)(len * 37 + len / 7);
        slow ^= bytes[len];
        for (int bit = 0; bit < 8; bit++)
            slow = slow >> 1 ^ (slow & 1 ? 0x82F63B78u : 0);
    }
    assert_int_equal(crc32c("123456789", 9), 0xE3069283u); // RFC 3720 and others
}

// Blocks that were on their way together say of each other that nothing is committed; one that was
// made after them tells that all of them were.
static void test_damage_before_blocks_that_left_together(void **state)
{
    (void)state;
    char path[512];
    uint64_t first;
    rig_open(&rig, 1);
    send_all(5);
    first = rig.journal.offset;
    rig.faults.holds = true;
    for (int i = 0; i < DISK_SLOTS; i++) {
        assert_true(rig_send(&rig));
        rig.now_ns += 10000000;
        rig_turn(&rig, 0);
    }
    assert_int_equal(rig.journal.slots[rig.journal.filling].state, SLOT_ON_ITS_WAY); // all of them
    rig.faults.holds = false;
    send_all(1);
    send_all(1);
    rig_crash(&rig);
    rig_path(&rig, "0000000000000001.journal", path);
    flip(path, first + 150, 4);
    rig_read(&rig, &reader);
    assert_int_equal(reader.damaged, 1);
    assert_int_equal(reader.torn, 0);
    assert_int_equal(reader.findings[0].lost, 1);
    assert_int_equal(reader.findings[0].offset, first);
}

static void test_what_is_missing_is_named(void **state)
{
    (void)state;
    char path[512];
    struct error err = {0};
    rig_open(&rig, 1);
    send_all(100000);
    assert_true(journal_close(&rig.journal));
    rig_path(&rig, "0000000000000002.journal", path);
    assert_int_equal(unlink(path), 0);
    rig_read(&rig, &reader);
    assert_int_equal(reader.damaged, 1);
    assert_int_equal(reader.findings[0].segment, 3);
    assert_true(reader.findings[0].lost > 1000);
    // Whoever would write behind it is told.
    assert_false(rig_try_open(&rig, 2, &err));
    assert_non_null(strstr(err.text, "segment 2 is missing"));
}

// However many crashes have left a torn end before it.
static void test_damage_behind_many_torn_ends_is_named(void **state)
{
    (void)state;
    char path[512], name[32];
    for (uint32_t i = 1; i <= JOURNAL_FINDINGS_MAX + 2; i++) {
        rig_open(&rig, i);
        send_all(1);
        const uint64_t end = rig.journal.offset;
        rig_crash(&rig);
        snprintf(name, sizeof name, "%016u.journal", i);
        rig_path(&rig, name, path);
        flip(path, end, 1);
    }
    rig_open(&rig, 1);
    const uint64_t segment = rig.journal.header.segment + 1;
    send_all(1);
    const uint64_t first = rig.journal.offset;
    send_all(1);
    send_all(1);
    assert_true(journal_close(&rig.journal));
    snprintf(name, sizeof name, "%016u.journal", (unsigned)segment);
    rig_path(&rig, name, path);
    flip(path, first + 150, 4);
    rig_read(&rig, &reader);
    assert_int_equal(reader.torn, JOURNAL_FINDINGS_MAX + 2);
    assert_int_equal(reader.damaged, 1);
    assert_int_equal(reader.finding_count, JOURNAL_FINDINGS_MAX);
    const struct journal_finding *last = &reader.findings[JOURNAL_FINDINGS_MAX - 1];
    assert_false(last->torn);
    assert_int_equal(last->segment, segment);
    assert_int_equal(last->offset, first);
    assert_int_equal(reader.findings[0].segment, 1); // the oldest stay
    assert_int_equal(last[-1].segment, JOURNAL_FINDINGS_MAX - 1);
}

static void test_a_newer_format_is_refused(void **state)
{
    (void)state;
    char path[512];
    struct error err = {0};
    rig_open(&rig, 1);
    send_all(1);
    assert_true(journal_close(&rig.journal));
    rig_path(&rig, "0000000000000001.journal", path);
    flip(path, offsetof(struct journal_segment_header, version), 2);
    assert_false(rig_try_open(&rig, 2, &err));
    assert_non_null(strstr(err.text, "newer format"));
}

// --- the disk refuses ---

static void test_no_space_stops_and_goes_on(void **state)
{
    (void)state;
    rig_open(&rig, 1);
    rig.faults.segments_left = 1;
    uint32_t refused = 0;
    for (int i = 0; i < 60000; i++) {
        refused += !rig_send(&rig);
        rig_turn(&rig, 1);
    }
    assert_true(refused > 0);
    assert_int_equal(rig.journal.state, JOURNAL_FULL);
    assert_int_equal(rig.journal.error, ENOSPC);
    const uint64_t committed = rig.journal.committed;
    assert_int_equal(committed + 1, rig.journal.number); // what was taken is safe
    rig.faults.segments_left = 10;
    assert_false(rig_send(&rig)); // not before the next try is due
    rig.now_ns += JOURNAL_RETRY_MS * 1000000ull;
    assert_true(rig_send(&rig));
    assert_int_equal(rig.journal.state, JOURNAL_WRITING);
    send_all(10);
    assert_true(journal_close(&rig.journal));
    assert_int_equal(rig_read(&rig, &reader), rig.sent);
    assert_int_equal(reader.finding_count, 0);
}

static void test_a_failed_write_is_final(void **state)
{
    (void)state;
    rig_open(&rig, 1);
    send_all(100);
    const uint64_t committed = rig.journal.committed;
    rig.faults.write_errors_in = 1;
    assert_true(rig_send(&rig));
    for (int i = 0; i < 10; i++)
        rig_turn(&rig, 1);
    assert_int_equal(rig.journal.state, JOURNAL_FAILED);
    assert_int_equal(rig.journal.error, EIO);
    assert_int_equal(rig.journal.committed, committed);
    rig.now_ns += 3600ull * 1000000000;
    for (int i = 0; i < 10; i++)
        rig_turn(&rig, 1);
    while (rig_send(&rig))
        continue;
    assert_int_equal(rig.journal.committed, committed);
    assert_false(journal_close(&rig.journal));
    assert_true(rig_read(&rig, &reader) >= 100);
    assert_false(reader.closed);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_what_is_written_is_read),
        CASE(test_an_empty_journal_is_none),
        CASE(test_goes_on_behind_what_is_there),
        CASE(test_events_that_stand_there_are_released_without_a_record),
        CASE(test_an_instance_starts_its_sequences_anew),
        CASE(test_a_second_writer_is_refused),
        CASE(test_commits_are_counted_by_their_time),
        CASE(test_a_directory_of_somebody_else_is_refused),
        CASE(test_a_crash_loses_nothing_that_was_committed),
        CASE(test_killed_again_and_again_before_the_first_block),
        CASE(test_torn_at_every_byte),
        CASE(test_every_flipped_bit_is_found),
        CASE(test_damage_in_the_last_block_of_a_killed_writer),
        CASE(test_a_record_with_a_new_checksum_is_found_by_hashes),
        CASE(test_checksums_of_every_length),
        CASE(test_damage_before_blocks_that_left_together),
        CASE(test_what_is_missing_is_named),
        CASE(test_damage_behind_many_torn_ends_is_named),
        CASE(test_a_newer_format_is_refused),
        CASE(test_no_space_stops_and_goes_on),
        CASE(test_a_failed_write_is_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
