// A channel step by step: windows, requests, snapshots, silence, and what is said about each.
#include "tests/unit/feed/channel_rig.h"

// --- gaps ---

static void the_other_line_repairs_within_the_window(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_request = true});
    data(0, 1, 2, 0);
    data(0, 5, 2, 10);
    assert_int_equal(ch->state, CHANNEL_WAITING);
    assert_int_equal(spy.kept, 1);
    assert_int_equal(ch->deadline, 10 + WINDOW);
    timers(10 + WINDOW - 1);
    assert_int_equal(spy.requests, 0);
    data(1, 1, 6, 60); // cut elsewhere: 3 and 4 are new
    assert_applied(1, 7);
    assert_int_equal(spy.kept, 0);
    assert_int_equal(o.count.repaired, 1);
    assert_int_equal(o.count.gaps, 0);
    ASSERT_QUALITIES(QUALITY_GOOD);
    close_channel();
}

static void a_gap_is_declared_by_time(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_request = true});
    data(0, 1, 2, 0);
    data(0, 5, 2, 10);
    timers(10 + WINDOW);
    assert_int_equal(ch->state, CHANNEL_RECOVERING);
    assert_request(FEED_REQUEST_MESSAGES, 3, 5);
    assert_memory_equal(spy.request.session, ONE, SESSION_LEN);
    assert_int_equal(spy.last[EVENT_GAP_OPEN].gap.from, 3);
    assert_int_equal(spy.last[EVENT_GAP_OPEN].gap.to, 5);
    data(ARBITER_RECOVERY, 3, 1, 300);
    assert_int_equal(ch->state, CHANNEL_RECOVERING); // one of two
    data(ARBITER_RECOVERY, 4, 1, 310);
    assert_applied(1, 7);
    assert_int_equal(o.count.recovered_messages, 2);
    assert_int_equal(o.events[EVENT_GAP_CLOSED], 1);
    assert_int_equal(ch->state, CHANNEL_LIVE);
    ASSERT_QUALITIES(QUALITY_GOOD, QUALITY_SUSPECT, QUALITY_GOOD);
    close_channel();
}

static void a_gap_is_declared_by_frames(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_request = true, .reorder_frames = 2});
    data(0, 1, 2, 0);
    data(0, 5, 1, 1);
    data(0, 6, 1, 1);
    assert_int_equal(ch->state, CHANNEL_WAITING);
    data(0, 7, 1, 1);
    assert_int_equal(ch->state, CHANNEL_RECOVERING);
    assert_request(FEED_REQUEST_MESSAGES, 3, 5);
    close_channel();
}

// Behind a gap that closes is another: its window began when the packet behind it came.
static void the_window_of_a_second_gap(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_request = true});
    data(0, 1, 2, 0);
    data(0, 5, 1, 10);
    data(0, 8, 1, 20);
    data(1, 3, 2, 60);
    assert_applied(1, 6);
    assert_int_equal(ch->state, CHANNEL_WAITING);
    assert_int_equal(ch->deadline, 20 + WINDOW);
    assert_int_equal(o.count.repaired, 1);
    timers(20 + WINDOW);
    assert_request(FEED_REQUEST_MESSAGES, 6, 8);
    close_channel();
}

// The last messages are lost: only a heartbeat tells.
static void a_heartbeat_shows_what_is_missing_at_the_tail(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_request = true});
    data(0, 1, 2, 0);
    beat(0, 3, MOLD64_HEARTBEAT, 5);
    assert_int_equal(ch->state, CHANNEL_LIVE);
    beat(0, 5, MOLD64_HEARTBEAT, 10);
    assert_int_equal(o.lines[0].gap_messages, 2);
    timers(10 + WINDOW);
    assert_request(FEED_REQUEST_MESSAGES, 3, 5);
    data(ARBITER_RECOVERY, 3, 2, 200);
    assert_applied(1, 5);
    assert_int_equal(o.count.heartbeats, 2);
    close_channel();
}

static void the_main_lcores_ring_is_full(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_request = true});
    spy.ring_full = true;
    data(0, 1, 2, 0);
    data(0, 5, 2, 10);
    timers(10 + WINDOW);
    assert_int_equal(spy.requests, 0);
    assert_true(ch->deadline <= 10 + WINDOW); // again at once
    spy.ring_full = false;
    timers(11 + WINDOW);
    assert_int_equal(spy.requests, 1);
    assert_request(FEED_REQUEST_MESSAGES, 3, 5);
    close_channel();
}

static void nobody_has_them(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_request = true});
    data(0, 1, 2, 0);
    data(0, 5, 2, 10);
    timers(10 + WINDOW);
    channel_request_failed(ch, 99); // an answer about another gap
    assert_int_equal(ch->state, CHANNEL_RECOVERING);
    channel_request_failed(ch, 3);
    assert_int_equal(o.count.lost_messages, 2);
    assert_int_equal(spy.last[EVENT_GAP_LOST].gap.from, 3);
    assert_int_equal(spy.last[EVENT_GAP_LOST].gap.to, 5);
    assert_int_equal(spy.applied_len, 4); // what waited is applied
    data(0, 7, 2, 400);
    assert_int_equal(ch->quality, QUALITY_SUSPECT); // for good
    ASSERT_QUALITIES(QUALITY_GOOD, QUALITY_SUSPECT);
    close_channel();
}

// A line was merely late with the first of them: what nobody has is the rest.
static void nobody_has_the_rest(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_request = true});
    data(0, 1, 2, 0);
    data(0, 9, 2, 10);
    timers(10 + WINDOW);
    assert_request(FEED_REQUEST_MESSAGES, 3, 9);
    data(1, 3, 2, 150);
    channel_request_failed(ch, 3);
    assert_int_equal(o.count.lost_messages, 4);
    assert_int_equal(spy.last[EVENT_GAP_LOST].gap.from, 5);
    assert_int_equal(spy.last[EVENT_GAP_LOST].gap.to, 9);
    assert_int_equal(ch->state, CHANNEL_LIVE);
    assert_int_equal(ch->quality, QUALITY_SUSPECT);
    // The answer to a request whose gap has closed says nothing about the next one.
    data(0, 15, 1, 300);
    timers(300 + WINDOW);
    assert_request(FEED_REQUEST_MESSAGES, 11, 15);
    channel_request_failed(ch, 5);
    assert_int_equal(ch->state, CHANNEL_RECOVERING);
    close_channel();
}

static void a_large_gap_is_the_snapshots(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_request = true, .can_snapshot = true});
    data(0, 1, 2, 0);
    data(0, 30, 2, 10); // 27 messages, and 20 may be asked for
    timers(10 + WINDOW);
    assert_int_equal(spy.request.kind, FEED_REQUEST_SNAPSHOT);
    assert_int_equal(ch->quality, QUALITY_RECOVERING);
    data(1, 3, 5, 120); // nothing is applied to a book that is elsewhere
    assert_applied(1, 3);
    channel_book_returned(ch, 31, true, 200);
    assert_int_equal(spy.applied[spy.applied_len - 1], code_of(31));
    assert_int_equal(spy.applied_len, 3);
    assert_int_equal(ch->arbiter.next, 32);
    ASSERT_QUALITIES(QUALITY_GOOD, QUALITY_RECOVERING, QUALITY_GOOD);
    close_channel();
}

static void a_snapshot_that_is_not_to_be_had(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_snapshot = true});
    data(0, 1, 2, 0);
    data(0, 5, 2, 10);
    timers(10 + WINDOW);
    channel_book_returned(ch, 0, false, 200);
    assert_int_equal(o.count.snapshots_failed, 1);
    assert_int_equal(o.events[EVENT_SNAPSHOT_FAILED], 1);
    assert_int_equal(ch->arbiter.next, 7);
    ASSERT_QUALITIES(QUALITY_GOOD, QUALITY_RECOVERING, QUALITY_SUSPECT);
    close_channel();
}

// The bill is reached: what is not held stays missing and is asked for once the first gap is
// closed.
static void the_bill_of_held_frames(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_request = true});
    data(0, 1, 2, 0);
    for (uint64_t i = 0; i < HOLD + 2; i++)
        data(0, 5 + i, 1, 10);
    assert_int_equal(spy.kept, HOLD);
    assert_int_equal(o.count.held, HOLD);
    assert_int_equal(o.count.held_overflow, 2);
    data(ARBITER_RECOVERY, 3, 2, 20);
    assert_applied(1, 5 + HOLD);
    assert_int_equal(spy.kept, 0);
    timers(20 + WINDOW);
    assert_request(FEED_REQUEST_MESSAGES, 5 + HOLD, 7 + HOLD);
    data(ARBITER_RECOVERY, 5 + HOLD, 2, 200);
    assert_applied(1, 7 + HOLD);
    assert_int_equal(ch->quality, QUALITY_GOOD);
    close_channel();
}

// A packet that ends before its count: what it holds counts, the rest is missing, and another copy
// is welcome.
static void a_packet_cut_short(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_request = true});
    arrive(0, datagram(frame_next(), ONE, 1, 4, 2), 0);
    assert_applied(1, 3);
    assert_int_equal(o.count.malformed, 1);
    assert_int_equal(ch->state, CHANNEL_WAITING);
    data(1, 1, 4, 5);
    assert_applied(1, 5);
    assert_int_equal(ch->state, CHANNEL_LIVE);
    close_channel();
}

static void no_datagram_of_the_protocol(void **state)
{
    (void)state;
    open_channel((struct channel_config){0});
    arrive(0, MOLD64_HEADER_LEN - 1, 0);
    assert_int_equal(o.lines[0].malformed, 1);
    assert_int_equal(ch->state, CHANNEL_IDLE);
    close_channel();
}

// A length of zero is legal: its number is used up, and nothing is applied.
static void a_message_without_length(void **state)
{
    (void)state;
    open_channel((struct channel_config){0});
    data(0, 1, 2, 0);
    uint32_t len = datagram(frame_next(), ONE, 3, 3, 0);
    uint8_t *p = frame_next() + len;
    memset(p, 0, 6); // three of them
    arrive(0, len + 6, 1);
    data(0, 6, 1, 2);
    assert_int_equal(spy.applied_len, 3);
    assert_int_equal(spy.applied[2], code_of(6));
    assert_int_equal(ch->arbiter.next, 7);
    assert_int_equal(o.count.gaps + o.count.malformed + o.count.bad_length, 0);
    close_channel();
}

// Numbers that go back within a session are an alarm, and never applied.
static void a_sequence_that_rewinds(void **state)
{
    (void)state;
    const uint64_t high = 1 << 22;
    open_channel((struct channel_config){.start = CHANNEL_START_LIVE});
    data(0, high, 2, 0);
    data(0, 1, 2, 10);
    data(0, 3, 2, 20);
    beat(1, 5, MOLD64_HEARTBEAT, 30);
    assert_int_equal(o.count.rewinds, 3);
    assert_int_equal(o.events[EVENT_SEQUENCE_REWIND], 1);
    assert_int_equal(spy.last[EVENT_SEQUENCE_REWIND].rewind.expected, high + 2);
    assert_applied(high, high + 2);
    data(0, high - 100, 2, 40); // merely late
    assert_int_equal(o.count.rewinds, 3);
    data(0, high + 2, 1, 50);
    assert_applied(high, high + 3);
    close_channel();
}

// --- silence ---

static void silence_makes_lines_and_channel_stale(void **state)
{
    (void)state;
    open_channel((struct channel_config){.line_stale_ticks = STALE});
    data(0, 1, 2, 0);
    data(1, 1, 2, 10);
    data(0, 3, 1, STALE); // line 1 says no more
    timers(STALE + 10);
    assert_int_equal(o.events[EVENT_LINE_STALE], 1);
    assert_int_equal(spy.last[EVENT_LINE_STALE].line.line, 1);
    assert_int_equal(ch->quality, QUALITY_GOOD);
    timers(2 * STALE - 1);
    assert_int_equal(ch->quality, QUALITY_GOOD);
    timers(2 * STALE);
    assert_int_equal(o.events[EVENT_LINE_STALE], 2);
    assert_int_equal(ch->quality, QUALITY_STALE);
    assert_int_equal(o.count.stale_transitions, 2);
    beat(1, 4, MOLD64_HEARTBEAT, 2 * STALE + 5);
    assert_int_equal(o.events[EVENT_LINE_ALIVE], 1);
    assert_int_equal(o.lines[1].stale, 0);
    assert_int_equal(o.lines[0].stale, 1);
    ASSERT_QUALITIES(QUALITY_GOOD, QUALITY_STALE, QUALITY_GOOD);
    close_channel();
}

// What was missing comes while no line is heard any more: the book is whole, and still not of now.
static void a_gap_that_closes_in_silence(void **state)
{
    (void)state;
    open_channel((struct channel_config){.line_stale_ticks = STALE, .can_request = true});
    data(0, 1, 2, 0);
    data(1, 1, 2, 0);
    data(0, 4, 1, 10);
    timers(10 + WINDOW);
    assert_request(FEED_REQUEST_MESSAGES, 3, 4);
    timers(2 * STALE);
    assert_int_equal(o.events[EVENT_LINE_STALE], 2);
    data(ARBITER_RECOVERY, 3, 1, 2 * STALE + 10);
    assert_applied(1, 5);
    ASSERT_QUALITIES(QUALITY_GOOD, QUALITY_SUSPECT, QUALITY_STALE);
    beat(0, 5, MOLD64_HEARTBEAT, 2 * STALE + 20);
    ASSERT_QUALITIES(QUALITY_GOOD, QUALITY_SUSPECT, QUALITY_STALE, QUALITY_GOOD);
    close_channel();
}

// The same of a book that comes back.
static void a_snapshot_in_silence(void **state)
{
    (void)state;
    open_channel((struct channel_config){.line_stale_ticks = STALE, .can_snapshot = true});
    data(0, 1, 2, 0);
    data(0, 30, 1, 10);
    timers(10 + WINDOW);
    assert_int_equal(spy.request.kind, FEED_REQUEST_SNAPSHOT);
    timers(2 * STALE);
    channel_book_returned(ch, 30, true, 2 * STALE + 10);
    assert_int_equal(ch->arbiter.next, 31);
    ASSERT_QUALITIES(QUALITY_GOOD, QUALITY_RECOVERING, QUALITY_STALE);
    beat(1, 31, END, 2 * STALE + 20);
    assert_int_equal(ch->state, CHANNEL_ENDED);
    timers(4 * STALE);
    assert_int_equal(o.events[EVENT_LINE_STALE], 3);
    ASSERT_QUALITIES(QUALITY_GOOD, QUALITY_RECOVERING, QUALITY_STALE, QUALITY_GOOD);
    close_channel();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_other_line_repairs_within_the_window),
        cmocka_unit_test(a_gap_is_declared_by_time),
        cmocka_unit_test(a_gap_is_declared_by_frames),
        cmocka_unit_test(the_window_of_a_second_gap),
        cmocka_unit_test(a_heartbeat_shows_what_is_missing_at_the_tail),
        cmocka_unit_test(the_main_lcores_ring_is_full),
        cmocka_unit_test(nobody_has_them),
        cmocka_unit_test(nobody_has_the_rest),
        cmocka_unit_test(a_large_gap_is_the_snapshots),
        cmocka_unit_test(a_snapshot_that_is_not_to_be_had),
        cmocka_unit_test(the_bill_of_held_frames),
        cmocka_unit_test(a_packet_cut_short),
        cmocka_unit_test(no_datagram_of_the_protocol),
        cmocka_unit_test(a_message_without_length),
        cmocka_unit_test(a_sequence_that_rewinds),
        cmocka_unit_test(silence_makes_lines_and_channel_stale),
        cmocka_unit_test(a_gap_that_closes_in_silence),
        cmocka_unit_test(a_snapshot_in_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
