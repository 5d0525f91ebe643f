// A day out of extracts is the day out of its segments, whatever has become of the extracts.
#include "controlplane/journal/retain.h"
#include "tests/lib/day_rig.h"

enum { HISTORIES = 6 };

static void test_a_day_is_the_same_by_extracts(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < HISTORIES; i++) {
        char path[512];
        if (i)
            make(NULL);
        seed = 1000 + i;
        history(6);
        const struct taken whole = reads(0);
        assert_true(whole.count > 0);
        const uint32_t count = start(false);
        assert_true(count > 0);
        static struct day d;
        struct taken t;
        assert_true(read_as(&d, &t, false, 0));
        same(t, whole);
        assert_true(d.used_count > 0 && d.first + d.used_count == rig.journal.header.segment);
        // Every one of them missing in turn: those before it count.
        const uint64_t first = d.first;
        for (uint32_t k = 0; first + k < rig.journal.header.segment; k++) {
            size_t len;
            path_of(first + k, path);
            uint8_t *bytes = file_read(path, &len);
            unlink(path);
            same(reads(k), whole);
            file_write(path, bytes, len);
            free(bytes);
        }
        assert_true(read_as(&d, &t, true, 0));
        same(t, whole);
        assert_int_equal(d.used_count, 0);
        assert_true(journal_close(&rig.journal));
        if (i + 1 < HISTORIES)
            drop(NULL);
    }
}

static void test_every_torn_or_flipped_extract_is_found(void **state)
{
    (void)state;
    char path[512];
    size_t len;
    rig_into_memory(&rig);
    seed = 5;
    rig_open(&rig, 1);
    instance(TODAY);
    name(JOURNAL_NAME_ACCOUNT, 0, "house");
    events(10);
    writer_next();
    events(10);
    writer_next();
    instance(TOMORROW - 1);
    settle();
    const struct taken whole = reads(0);
    assert_int_equal(start(false), 2);
    same(reads(2), whole);
    path_of(2, path);
    uint8_t *bytes = file_read(path, &len);
    assert_in_range(len, 600, 4000);
    for (size_t at = 0; at < len; at++) {
        const uint8_t was = bytes[at];
        bytes[at] ^= (uint8_t)(1u << draw(8));
        file_write(path, bytes, len);
        same(reads(1), whole);
        bytes[at] = was;
        file_write(path, bytes, at);
        same(reads(1), whole);
    }
    bytes[len] = 0;
    file_write(path, bytes, len + 1);
    same(reads(1), whole);
    // The next start makes it anew.
    free(bytes);
    assert_int_equal(start(false), 2);
    same(reads(2), whole);
    assert_true(journal_close(&rig.journal));
}

static void test_extracts_of_others_are_passed_over(void **state)
{
    (void)state;
    char one[512], two[512];
    size_t len;
    static struct day d;
    struct taken t;
    seed = 6;
    rig_open(&rig, 1);
    instance(TODAY);
    for (int i = 0; i < 3; i++) {
        events(50);
        writer_next();
    }
    instance(TOMORROW - 1);
    settle();
    const struct taken whole = reads(0);
    assert_int_equal(start(false), 3);
    path_of(1, one);
    path_of(2, two);
    uint8_t *bytes = file_read(one, &len);
    file_write(two, bytes, len);
    assert_true(read_as(&d, &t, false, 0));
    same(t, whole);
    assert_int_equal(d.used_count, 1);
    assert_non_null(strstr(d.passed, "of another segment"));
    free(bytes);
    assert_true(journal_close(&rig.journal));
}

static void test_what_says_another_thing_than_its_segment_is_found(void **state)
{
    (void)state;
    struct extract_maker m = {0};
    struct journal_reader r;
    struct journal_segment_header h, next;
    struct error err = {0};
    const struct journal_record *record;
    seed = 7;
    rig_open(&rig, 1);
    instance(TODAY);
    events(50);
    writer_next();
    instance(TOMORROW - 1);
    settle();
    const struct taken whole = reads(0);
    assert_true(journal_reader_open(&r, rig.directory, 0, &err));
    assert_true(journal_segment_header_of(&r, 1, &h) && journal_segment_header_of(&r, 2, &next));
    extract_begin(&m, &h);
    bool changed = false;
    while ((record = journal_reader_next(&r, &err)) != NULL && r.header.segment == 1) {
        _Alignas(8) uint8_t bytes[JOURNAL_PAYLOAD_MAX + sizeof *record];
        memcpy(bytes, record, record->len);
        struct event *e = (void *)(bytes + sizeof *record);
        if (record->type == JOURNAL_EVENT && extract_wants(e) && !changed) {
            e->order.client_id++;
            changed = true;
        }
        extract_take(&m, (void *)bytes);
    }
    journal_reader_close(&r);
    assert_true(changed);
    assert_true(extract_end(&m, &next));
    assert_true(extract_write(&m, rig.directory, &err));
    extract_maker_free(&m);
    const struct taken misled = reads(1);
    assert_int_not_equal(misled.sum, whole.sum);
    start(true);
    assert_non_null(strstr(doubts.doubt, "the extract of segment 1 says another thing"));
    same(reads(1), whole); // it was put right
    assert_true(journal_close(&rig.journal));
}

static void test_damage_of_a_segment_with_an_extract_is_found_behind(void **state)
{
    (void)state;
    char path[512];
    size_t len;
    static struct day d;
    struct taken t;
    seed = 8;
    rig_open(&rig, 1);
    instance(TODAY);
    events(50);
    writer_next();
    instance(TOMORROW - 1);
    settle();
    const struct taken whole = reads(0);
    assert_int_equal(start(false), 1);
    assert_true(journal_segment_path(rig.directory, 1, path));
    uint8_t *bytes = file_read(path, &len);
    bytes[4096 / 2] ^= 1;
    file_write(path, bytes, len);
    same(reads(1), whole);
    start(true);
    assert_false(admitted);
    assert_non_null(strstr(doubts.doubt, "segment 1 block"));
    assert_false(read_as(&d, &t, true, 0));
    assert_non_null(strstr(d.why, "segment 1 block"));
    // Without its header it is not passed over.
    bytes[4096 / 2] ^= 1;
    bytes[100] ^= 1;
    file_write(path, bytes, len);
    assert_false(read_as(&d, &t, false, 0));
    assert_non_null(strstr(d.why, "its header is damaged"));
    free(bytes);
    assert_true(journal_close(&rig.journal));
}

// Another stamp in the first event of a segment, with a checksum that fits: only hashes show it.
static void edit(uint8_t *bytes)
{
    struct journal_segment_header h;
    struct journal_record r;
    memcpy(&h, bytes, sizeof h);
    uint64_t at = h.align + sizeof(struct journal_block_header);
    for (memcpy(&r, bytes + at, sizeof r); r.type != JOURNAL_EVENT;
         memcpy(&r, bytes + at, sizeof r))
        at += r.len;
    bytes[at + sizeof r + offsetof(struct event, tsc)] ^= 1;
    r.crc = crc32c(bytes + at + sizeof r.crc, r.len - (uint32_t)sizeof r.crc);
    memcpy(bytes + at, &r, sizeof r);
}

static void test_no_order_enters_before_all_hashes_are_good(void **state)
{
    (void)state;
    enum { SEGMENTS = 3 };
    char path[512];
    size_t len;
    seed = 15;
    rig_open(&rig, 1);
    instance(TODAY);
    for (int i = 0; i < SEGMENTS; i++) {
        events(50);
        writer_next();
    }
    instance(TOMORROW - 1);
    settle();
    const struct taken whole = reads(0);
    assert_int_equal(start(false), SEGMENTS);
    assert_true(admitted);
    for (uint64_t segment = 1; segment <= SEGMENTS; segment++) {
        assert_true(journal_segment_path(rig.directory, segment, path));
        uint8_t *bytes = file_read(path, &len);
        edit(bytes);
        file_write(path, bytes, len);
        same(reads(SEGMENTS), whole);
        start(true);
        assert_false(admitted);
        assert_non_null(strstr(doubts.doubt, "changed"));
        edit(bytes);
        file_write(path, bytes, len);
        free(bytes);
        start(false);
    }
    assert_true(journal_close(&rig.journal));
}

static void flip(uint64_t segment, long at)
{
    char path[512];
    size_t len;
    assert_true(journal_segment_path(rig.directory, segment, path));
    uint8_t *bytes = file_read(path, &len);
    bytes[at] ^= 1;
    file_write(path, bytes, len);
    free(bytes);
}

// A control plane that dies while it verifies leaves that to the next one, and one that has
// verified leaves only what comes.
static void test_the_next_control_plane_goes_on_with_it(void **state)
{
    (void)state;
    enum { SEGMENTS = 4, AT = 4096 / 2 };
    seed = 14;
    rig_open(&rig, 1);
    instance(TODAY);
    for (int i = 0; i < SEGMENTS; i++) {
        events(50);
        writer_next();
    }
    instance(TOMORROW - 1);
    settle();
    assert_int_equal(start_resumed(RESTORE_UNVERIFIED, false), SEGMENTS); // there were none
    for (uint64_t segment = 1; segment <= SEGMENTS; segment++) {
        flip(segment, AT);
        start_resumed(RESTORE_UNVERIFIED, true);
        assert_non_null(strstr(doubts.doubt, "segment"));
        assert_false(admitted);
        flip(segment, AT);
    }
    // Nor is it good where the dataplane was given another thing, whatever extracts there are now.
    for (uint32_t i = 1; i <= 2; i++) {
        static struct day d;
        struct taken t;
        assert_true(read_as(&d, &t, false, 0));
        assert_int_equal(d.given.count, SEGMENTS);
        given = d.given;
        start_resumed(RESTORE_UNVERIFIED, false);
        given.sum ^= i & 1;
        given.count += i >> 1;
        start_resumed(RESTORE_UNVERIFIED, true);
        assert_non_null(strstr(doubts.doubt, "the extracts that the dataplane went on from"));
        assert_false(admitted);
    }
    given = (struct day_given){0};
    flip(1, AT);
    assert_int_equal(start_resumed(RESTORE_HASHED, false), SEGMENTS);
    events(50);
    writer_next();
    events(10);
    settle();
    assert_int_equal(start_resumed(RESTORE_HASHED, false), SEGMENTS + 1);
    assert_true(journal_close(&rig.journal));
}

// Of what was before an instance that has long begun: its record stands in an extract itself.
static void test_a_day_may_end_in_an_extract(void **state)
{
    (void)state;
    seed = 16;
    rig_open(&rig, 1);
    instance(TODAY);
    events(50);
    writer_next();
    instance(TODAY + 1);
    events(50);
    writer_next();
    instance(TOMORROW - 1);
    settle();
    asks = TODAY + 1;
    const struct taken whole = reads(0);
    asks = TOMORROW - 1;
    assert_int_equal(start(false), 2);
    asks = TODAY + 1;
    same(reads(2), whole);
    asks = TOMORROW - 1;
    assert_true(journal_close(&rig.journal));
}

static void test_missing_events_are_named_both_ways(void **state)
{
    (void)state;
    static struct day d;
    struct taken t;
    seed = 9;
    rig_open(&rig, 1);
    instance(TODAY);
    event(0, EVENT_ORDER);
    writer_next();
    sequences[0]++; // between two segments
    event(0, EVENT_ORDER);
    writer_next();
    instance(TOMORROW - 1);
    settle();
    assert_false(read_as(&d, &t, false, 0));
    assert_non_null(strstr(d.why, "events 2 to 2 of lane 0"));
    assert_true(extract_make(1) && extract_make(2));
    assert_false(read_as(&d, &t, false, 0));
    assert_non_null(strstr(d.why, "events 2 to 2 of lane 0"));
    assert_non_null(strstr(d.why, "(segment 2)"));
    assert_int_equal(d.used_count, 1);
    assert_true(journal_close(&rig.journal));
}

static void test_a_segment_with_a_hole_has_no_extract(void **state)
{
    (void)state;
    seed = 13;
    rig_open(&rig, 1);
    instance(TODAY);
    event(0, EVENT_ORDER);
    writer_next();
    event(0, EVENT_ORDER);
    sequences[0]++;
    event(0, EVENT_ORDER);
    writer_next();
    event(0, EVENT_OVERRUN);
    writer_next();
    event(0, EVENT_ORDER);
    settle();
    assert_true(extract_make(1));
    assert_false(extract_make(2));
    assert_false(extract_make(3));
    assert_true(journal_close(&rig.journal));
}

static void test_a_day_without_its_beginning_is_refused(void **state)
{
    (void)state;
    static struct day d;
    struct taken t;
    char path[512];
    seed = 10;
    rig_open(&rig, 1);
    instance(TODAY);
    events(50);
    writer_next();
    events(50);
    writer_next();
    instance(TOMORROW - 1);
    settle();
    assert_int_equal(start(false), 2);
    assert_true(journal_segment_path(rig.directory, 1, path));
    unlink(path);
    assert_false(read_as(&d, &t, false, 0));
    assert_non_null(strstr(d.why, "is not there any more"));
    assert_false(read_as(&d, &t, true, 0));
    assert_non_null(strstr(d.why, "is not there any more"));
    assert_true(journal_close(&rig.journal));
}

static void test_another_configuration_is_seen_in_extracts_too(void **state)
{
    (void)state;
    static struct day d;
    struct taken t;
    seed = 11;
    rig_open(&rig, 1);
    instance(TODAY);
    name(JOURNAL_NAME_ACCOUNT, 0, "other");
    events(5);
    writer_next();
    instance(TOMORROW - 1);
    settle();
    assert_true(read_as(&d, &t, false, 7)); // the same: names are not looked at
    assert_false(read_as(&d, &t, false, 0));
    assert_non_null(strstr(d.why, "account 0 was other and is house"));
    struct taken whole;
    assert_true(read_as(&d, &whole, false, 7));
    assert_true(d.used_count == 0);
    atomic_store(&stop, false);
    snprintf(house.name, sizeof house.name, "other");
    assert_int_equal(start(false), 1);
    snprintf(house.name, sizeof house.name, "house");
    assert_false(read_as(&d, &t, false, 0));
    assert_non_null(strstr(d.why, "account 0 was other and is house"));
    assert_true(read_as(&d, &t, false, 7));
    assert_int_equal(d.used_count, 1);
    same(t, whole);
    assert_true(journal_close(&rig.journal));
}

static void test_old_segments_take_their_extracts_along(void **state)
{
    (void)state;
    char path[512];
    seed = 12;
    rig_open(&rig, 1);
    instance(TODAY);
    for (int i = 0; i < 3; i++) {
        events(50);
        writer_next();
    }
    instance(TOMORROW - 1);
    settle();
    assert_int_equal(start(false), 3);
    rig.journal.config.keep_bytes = 1;
    journal_retain(&rig.journal);
    assert_int_equal(extracts(), 1);
    path_of(3, path);
    assert_int_equal(access(path, F_OK), 0);
    assert_true(journal_close(&rig.journal));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, make, drop)
    const struct CMUnitTest tests[] = {
        CASE(test_a_day_is_the_same_by_extracts),
        CASE(test_every_torn_or_flipped_extract_is_found),
        CASE(test_extracts_of_others_are_passed_over),
        CASE(test_what_says_another_thing_than_its_segment_is_found),
        CASE(test_damage_of_a_segment_with_an_extract_is_found_behind),
        CASE(test_no_order_enters_before_all_hashes_are_good),
        CASE(test_the_next_control_plane_goes_on_with_it),
        CASE(test_a_day_may_end_in_an_extract),
        CASE(test_missing_events_are_named_both_ways),
        CASE(test_a_segment_with_a_hole_has_no_extract),
        CASE(test_a_day_without_its_beginning_is_refused),
        CASE(test_another_configuration_is_seen_in_extracts_too),
        CASE(test_old_segments_take_their_extracts_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
