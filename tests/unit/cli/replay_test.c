// What `tickgate replay` says of a journal and a capture, against a dataplane that makes the events
// that the test wants: what was not compared does not pass for the same.
#include "tests/lib/journal_rig.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/capture/pcapng.h"
#include "controlplane/cli/command.h"

enum { EPOCH = 5, HZ = 1000000000, EVENTS_MAX = 16 };

static struct {
    struct journal_rig rig;
    struct event made[EVENTS_MAX];
    uint32_t made_count;
    uint8_t file[4096]; // of the capture
    uint32_t len;
} w;

static void file_put(const char *name, const void *bytes, size_t len, mode_t mode)
{
    char path[512];
    rig_path(&w.rig, name, path);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static int make(void **state)
{
    char script[512];
    const struct capture_instance instance = {
        .version = CAPTURE_VERSION, .lanes = 2, .epoch = EPOCH, .clock = {.tsc_hz = HZ}};
    (void)state;
    memset(&w, 0, sizeof w);
    rig_make(&w.rig);
    rig_open(&w.rig, 1);
    snprintf(script, sizeof script,
             "#!/bin/sh\nPATH=/usr/bin:/bin\ncat >/dev/null\nexec cat %s/made\n", w.rig.directory);
    file_put("tickgate-dataplane", script, strlen(script), 0700);
    assert_int_equal(setenv("PATH", w.rig.directory, 1), 0);
    w.len = pcapng_section(w.file);
    w.len += pcapng_block(w.file + w.len, PCAPNG_INSTANCE, &instance, sizeof instance);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    rig_remove(&w.rig);
    return 0;
}

static void begins(void)
{
    const struct journal_instance i = {.epoch = EPOCH, .clock = {.tsc_hz = HZ}, .node = "here"};
    assert_true(journal_instance(&w.rig.journal, &i, 1));
}

static struct event event(uint64_t sequence, uint64_t tsc, uint16_t type)
{
    return (struct event){.sequence = sequence, .tsc = tsc, .type = type};
}

static void journaled(const struct event *e)
{
    const uint32_t source = e->lane < LANES_MAX ? e->lane : LANES_MAX;
    assert_true(journal_event(&w.rig.journal, source, EVENT_RING_TRADING, e, e->sequence, 1));
}

static void comes_out(const struct event *e)
{
    w.made[w.made_count++] = *e;
}

static void both(uint64_t sequence)
{
    const struct event e = event(sequence, sequence, EVENT_ORDER);
    journaled(&e);
    comes_out(&e);
}

// A lane's records as a piece of the file: its first input, a turn, and how it ends; END_OPEN: with
// the turn.
#define END_OPEN CAPTURE_KINDS
static void recorded(uint32_t lane, enum capture_kind end)
{
    struct {
        struct capture_piece_header header;
        struct capture_record start;
        struct capture_start first;
        struct capture_record turn;
        uint64_t now;
        struct capture_record end;
    } piece = {
        .header = {.lane = lane},
        .start = {.units = (uint16_t)capture_units(sizeof piece.first), .kind = CAPTURE_START},
        .first = {.version = CAPTURE_VERSION, .first = 1},
        .turn = {.units = 2, .kind = CAPTURE_TURN},
        .now = 100,
        .end = {.units = 1, .kind = (uint8_t)end}};
    const uint32_t len =
        (uint32_t)sizeof piece - (end == END_OPEN ? (uint32_t)sizeof piece.end : 0);
    piece.header.end = len - sizeof piece.header;
    w.len += pcapng_block(w.file + w.len, PCAPNG_RECORDS, &piece, len);
}

static void replays(enum exit_code code, const char *says)
{
    struct error err = {0};
    const struct invocation ask = {.options =
                                       json_pack("{s:s,s:s,s:s}", "JOURNAL", w.rig.directory,
                                                 "CAPTURE", w.rig.directory, "--config", "none")};
    file_put("made", w.made, w.made_count * sizeof w.made[0], 0600);
    file_put("0000000000000001.pcapng", w.file, w.len, 0600);
    run_replay(&ask, &err);
    json_decref(ask.options);
    if (err.code != code || !strstr(err.text, says))
        fail_msg("%d '%s' and not %d '%s'", err.code, err.text, code, says);
}

static void closed(void)
{
    assert_true(journal_close(&w.rig.journal));
}

static void test_the_same(void **state)
{
    (void)state;
    struct event of_main = event(1, 1, EVENT_LINK_CHANGE);
    of_main.lane = LANE_MAIN;
    begins();
    both(1);
    journaled(&of_main); // no lane recorded it
    both(2);
    closed();
    recorded(0, CAPTURE_END);
    replays(EXIT_OK, "");
}

static void test_nothing_is_recorded(void **state)
{
    (void)state;
    begins();
    both(1);
    closed();
    replays(EXIT_STATE, "nothing of lane 0 is in it, of which the journal has 1 events");
}

static void test_a_lane_is_not_recorded(void **state)
{
    (void)state;
    struct event other = event(1, 1, EVENT_ORDER);
    other.lane = 1;
    begins();
    both(1);
    journaled(&other);
    closed();
    recorded(0, CAPTURE_END);
    replays(EXIT_STATE, "nothing of lane 1 is in it");
}

static void test_nothing_comes_out(void **state)
{
    (void)state;
    const struct event e = event(1, 1, EVENT_ORDER);
    begins();
    journaled(&e);
    closed();
    recorded(0, CAPTURE_STOP);
    replays(EXIT_STATE, "no event of lane 0 was compared");
}

static void test_the_first_events_are_gone(void **state)
{
    (void)state;
    const struct event first = event(1, 1, EVENT_ORDER);
    begins();
    comes_out(&first);
    both(2);
    closed();
    recorded(0, CAPTURE_END);
    replays(EXIT_STATE, "event 1 is not in the journal");
}

// Retention has taken them with the first segment.
static void test_the_first_segment_is_gone(void **state)
{
    (void)state;
    char path[512];
    begins();
    both(1);
    closed();
    rig_open(&w.rig, 2);
    begins();
    both(2);
    closed();
    rig_path(&w.rig, "0000000000000001.journal", path);
    assert_int_equal(unlink(path), 0);
    recorded(0, CAPTURE_END);
    replays(EXIT_OK, "");
}

static void test_a_byte_of_no_field_differs(void **state)
{
    (void)state;
    struct event e = event(1, 1, EVENT_ORDER_SENT);
    begins();
    journaled(&e);
    ((uint8_t *)&e)[sizeof e - 1] = 7;
    comes_out(&e);
    closed();
    recorded(0, CAPTURE_END);
    replays(EXIT_STATE, "ORDER_SENT: byte 127 of 128 was 0x00, is 0x07");
}

// Two events are the same, then one more is only in the journal.
static void ends(enum capture_kind end, uint64_t tsc, uint16_t type)
{
    const struct event e = event(3, tsc, type);
    begins();
    both(1);
    both(2);
    journaled(&e);
    closed();
    recorded(0, end);
}

static void test_killed(void **state)
{
    (void)state;
    ends(END_OPEN, 100 + HZ, EVENT_ORDER); // the turn that it was in
    replays(EXIT_OK, "");
}

static void test_the_end_is_missing(void **state)
{
    (void)state;
    ends(END_OPEN, 101 + HZ, EVENT_ORDER);
    replays(EXIT_STATE, "1 events of the journal are behind its end");
}

static void test_the_end_in_order_is_missing(void **state)
{
    (void)state;
    ends(END_OPEN, 100, EVENT_LANE_STOPPED);
    replays(EXIT_STATE, "1 events of the journal are behind its end");
}

static void test_a_person_stopped_it(void **state)
{
    (void)state;
    ends(CAPTURE_STOP, 101 + HZ, EVENT_ORDER);
    replays(EXIT_OK, "");
}

static void test_the_last_does_not_come_out(void **state)
{
    (void)state;
    ends(CAPTURE_END, 100, EVENT_LANE_STOPPED);
    replays(EXIT_STATE, "the last 1 events of the journal are not in what comes out");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, make, drop)
    const struct CMUnitTest tests[] = {
        CASE(test_the_same),
        CASE(test_nothing_is_recorded),
        CASE(test_a_lane_is_not_recorded),
        CASE(test_nothing_comes_out),
        CASE(test_the_first_events_are_gone),
        CASE(test_the_first_segment_is_gone),
        CASE(test_a_byte_of_no_field_differs),
        CASE(test_killed),
        CASE(test_the_end_is_missing),
        CASE(test_the_end_in_order_is_missing),
        CASE(test_a_person_stopped_it),
        CASE(test_the_last_does_not_come_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
