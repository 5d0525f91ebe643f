// Another session is heard on a line: what makes it the channel's, what does not, and that nothing
// of it is lost meanwhile.
#include "tests/unit/feed/channel_rig.h"

static void another(const char *session, uint32_t line, uint64_t sequence, uint64_t now)
{
    arrive(line, datagram(frame_next(), session, sequence, 1, 1), now);
}

static void another_beat(const char *session, uint32_t line, uint64_t next, uint64_t now)
{
    arrive(line, datagram(frame_next(), session, next, MOLD64_HEARTBEAT, 0), now);
}

static void open_lines(uint32_t hold)
{
    open_channel((struct channel_config){.line_stale_ticks = STALE, .hold_frames = hold});
    data(0, 1, 2, 1);
    data(1, 1, 2, 1);
}

static bool is_session(const char *session)
{
    return memcmp(ch->session, session, SESSION_LEN) == 0;
}

static void assert_messages(uint32_t behind, uint64_t from, uint64_t to)
{
    assert_int_equal(spy.applied_len, behind + to - from);
    for (uint64_t n = from; n < to; n++)
        assert_int_equal(spy.applied[behind + n - from], code_of(n));
}

// Its frame waits until the own session has gone on for long enough, and is then given back.
static void a_stray_datagram_is_not_entered(void **state)
{
    (void)state;
    open_lines(64);
    for (uint32_t i = 0; i < 5; i++)
        another_beat(TWO, 1, 7, 10);
    another(TWO, 1, 7, 20);
    another(TWO, 1, 7, 21); // a copy is not another packet
    assert_int_equal(spy.kept, 2);
    assert_int_equal(o.count.held, 2);
    assert_true(ch->deadline <= 20 + WINDOW);
    data(0, 3, 1, 30);
    timers(20 + WINDOW);
    assert_int_equal(spy.kept, 2); // a slower line may have had that to say
    data(0, 4, 1, 25 + WINDOW);
    channel_timers(ch, 30 + 2 * WINDOW, 19 + 2 * WINDOW); // that may wait in the receive ring
    assert_int_equal(spy.kept, 2);
    timers(30 + 2 * WINDOW);
    assert_int_equal(spy.kept, 0);
    assert_int_equal(o.count.foreign_returned, 2);
    assert_int_equal(o.count.foreign_sessions, 7);
    assert_int_equal(o.count.held, 0);
    assert_int_equal(o.events[EVENT_SESSION_FOREIGN], 1);
    assert_memory_equal(spy.last[EVENT_SESSION_FOREIGN].session.id, TWO, SESSION_LEN);
    assert_int_equal(spy.last[EVENT_SESSION_FOREIGN].session.sequence, 7);
    assert_int_equal(o.events[EVENT_SESSION_END] + spy.requests, 0);
    assert_applied(1, 5);
    ASSERT_QUALITIES(QUALITY_GOOD);
    close_channel();
}

// Between two packets of it, even of one burst, is one of the own session.
static void the_own_session_in_between_forgets_the_first(void **state)
{
    (void)state;
    open_channel((struct channel_config){.hold_frames = 64});
    data(0, 1, 2, 5);
    for (uint64_t n = 0; n < 10; n++) {
        another(TWO, 0, 1 + n, 10);
        data(0, 3 + n, 1, 10);
    }
    assert_true(is_session(ONE));
    assert_applied(1, 13);
    another(TWO, 0, 11, 11);
    assert_true(is_session(ONE));
    another(TWO, 0, 12, 12);
    assert_true(is_session(TWO));
    channel_book_returned(ch, 1, true, 20);
    assert_messages(12, 1, 13);
    assert_int_equal(o.count.foreign_returned, 0);
    close_channel();
}

// Nothing is heard of the own session, which is no sign that it goes on.
static void the_first_packet_waits_for_the_second(void **state)
{
    (void)state;
    open_channel((struct channel_config){.hold_frames = 64});
    data(0, 1, 2, 5);
    another(TWO, 0, 1, 10);
    for (uint64_t i = 1; i < 20; i++)
        timers(10 + i * WINDOW);
    assert_int_equal(spy.kept, 1);
    another(TWO, 0, 2, 30 * WINDOW);
    assert_true(is_session(TWO));
    channel_book_returned(ch, 1, true, 31 * WINDOW);
    assert_messages(2, 1, 3);
    close_channel();
}

// Two packets are what it takes since the own session was last heard: heartbeats are none.
static void heartbeats_are_not_enough(void **state)
{
    (void)state;
    open_lines(64);
    another(TWO, 0, 1, 10);
    another(TWO, 0, 2, 11);
    data(1, 3, 1, 12);
    for (uint64_t i = 0; i < 5; i++) {
        another_beat(TWO, 0, 3, 13 + i);
        another_beat(TWO, 1, 3, 13 + i);
    }
    another(TWO, 1, 3, 20);
    assert_true(is_session(ONE));
    another(TWO, 0, 3, 21); // its copy
    assert_true(is_session(ONE));
    another(TWO, 0, 4, 22);
    assert_true(is_session(TWO));
    channel_book_returned(ch, 1, true, 30);
    assert_messages(3, 1, 5);
    close_channel();
}

// Line A carries something else, and has much to say; line B brings the own session, now and then.
// The own session keeps its half of the bill.
static void a_line_that_brings_another_session_for_good(void **state)
{
    (void)state;
    enum { BILL = 32 };
    open_lines(BILL);
    uint64_t now = 10, next = 3, foreign = 1;
    for (uint32_t i = 0; i < 400; i++) {
        for (uint32_t k = 0; k < 5; k++, now += 3)
            another(TWO, 0, foreign++, now);
        if (i % 10 == 0)
            data(1, next++, 1, now);
        if (i % 100 == 50) {
            data(1, next + 1, 1, now); // out of order
            data(1, next, 1, now);
            next += 2;
        }
        if (now >= ch->deadline)
            timers(now);
        assert_true(is_session(ONE));
        assert_true(spy.kept <= BILL / 4);
    }
    assert_applied(1, next);
    assert_int_equal(o.count.session_changes + o.count.gaps, 0);
    assert_int_equal(o.count.foreign_sessions, foreign - 1);
    assert_int_equal(o.count.foreign_returned + o.count.held_overflow + spy.kept, foreign - 1);
    assert_true(o.count.foreign_returned > BILL);
    assert_int_equal(o.lines[0].stale, 0);
    for (; now < 2 * STALE; now += STALE / 10) {
        another(TWO, 0, foreign++, now);
        data(1, next++, 1, now);
        timers(now);
    }
    assert_int_equal(o.lines[0].stale, 1); // as good as silent
    ASSERT_QUALITIES(QUALITY_GOOD);
    close_channel();
}

// The lines go over one after the other, without an end of session; what is left of it comes in
// between, and the first packet of the next one comes last. Nothing of it is lost.
static void both_lines_go_over(void **state)
{
    (void)state;
    open_lines(64);
    another(TWO, 0, 3, 10);
    data(1, 3, 1, 11);
    another(TWO, 0, 4, 12);
    another(TWO, 0, 2, 13);
    data(0, 4, 1, 14); // late on its own line
    another(TWO, 0, 5, 15);
    another(TWO, 0, 6, 16);
    assert_true(is_session(ONE)); // line B has not left it
    another(TWO, 1, 3, 20);
    assert_true(is_session(ONE)); // one packet may be a stray
    another(TWO, 1, 4, 21);
    assert_true(is_session(TWO));
    assert_int_equal(spy.last[EVENT_SESSION_START].session.sequence, 2);
    another(TWO, 1, 1, 21);
    assert_applied(1, 5);
    data(1, 5, 1, 22); // the session before: old news
    channel_book_returned(ch, 1, true, 30);
    assert_messages(4, 1, 7);
    assert_int_equal(spy.kept, 0);
    assert_int_equal(o.count.session_changes, 1);
    assert_int_equal(o.count.foreign_returned + o.count.lost_messages, 0);
    timers(30 + 2 * WINDOW);
    ASSERT_QUALITIES(QUALITY_GOOD, QUALITY_RECOVERING, QUALITY_GOOD);
    close_channel();
}

// The first number of them all decides whether the session is joined late.
static void the_lowest_number_enters(void **state)
{
    (void)state;
    open_channel((struct channel_config){
        .start = CHANNEL_START_LIVE, .line_stale_ticks = STALE, .hold_frames = 64});
    data(0, 1, 2, 1);
    another(TWO, 0, 2, 10);
    another(TWO, 0, 1, 11);
    channel_book_returned(ch, 1, true, 20);
    assert_messages(2, 1, 3);
    assert_int_equal(ch->quality, QUALITY_GOOD);
    close_channel();
}

// Two lines, two other sessions: neither is both lines' choice. Then one of them is.
static void lines_that_disagree(void **state)
{
    (void)state;
    open_lines(64);
    for (uint64_t n = 1; n < 5; n++) {
        another(TWO, 0, n, 10 + n);
        another("SESSION003", 1, n, 10 + n);
    }
    assert_true(is_session(ONE));
    assert_int_equal(spy.kept, 8);
    another(TWO, 1, 1, 20);
    another(TWO, 1, 2, 21);
    assert_true(is_session(TWO));
    assert_int_equal(spy.kept, 4);
    channel_book_returned(ch, 1, true, 30);
    assert_messages(2, 1, 5);
    assert_int_equal(o.count.foreign_returned, 4);
    close_channel();
}

// Strays come while the next session begins: as many sessions as there are, and it loses nothing.
static void strays_in_between(void **state)
{
    (void)state;
    char stray[] = "STRAY0000A";
    open_lines(128);
    another(stray, 0, 1, 5); // its window is over before that of the next session begins
    timers(5 + WINDOW);
    data(0, 3, 1, 6 + WINDOW);
    another(TWO, 0, 11, 7 + WINDOW);
    data(1, 4, 1, 8 + WINDOW); // a slower line
    timers(5 + 2 * WINDOW);
    assert_int_equal(o.count.foreign_returned, 1);
    for (uint64_t n = 1; n < 10; n++) {
        another(TWO, 0, n, 210 + n);
        stray[9]++;
        another(stray, n % 2, 500 + n, 210 + n);
    }
    another(TWO, 1, 1, 220);
    another(TWO, 1, 2, 221);
    assert_true(is_session(TWO));
    channel_book_returned(ch, 1, true, 230);
    another(TWO, 1, 10, 240);
    assert_messages(4, 1, 12);
    assert_int_equal(o.count.foreign_returned, 10);
    assert_int_equal(spy.kept, 0);
    close_channel();
}

// One line is dead since before the change: the other decides once that is known.
static void a_dead_line_has_no_say(void **state)
{
    (void)state;
    open_lines(64);
    data(0, 3, 1, STALE - 10);
    another(TWO, 0, 1, STALE - 5);
    another(TWO, 0, 2, STALE - 4);
    assert_true(is_session(ONE));
    another(TWO, 0, 3, STALE + 1);
    assert_true(is_session(TWO));
    channel_book_returned(ch, 1, true, STALE + 10);
    assert_messages(3, 1, 4);
    close_channel();
}

// The session has said that it is over: two packets of any kind are enough.
static void a_session_after_the_end(void **state)
{
    (void)state;
    open_channel((struct channel_config){.line_stale_ticks = STALE});
    data(0, 1, 2, 1);
    beat(0, 3, END, 10);
    another_beat(TWO, 0, 1, 20);
    assert_true(is_session(ONE));
    another_beat(TWO, 0, 1, 30);
    assert_true(is_session(TWO));
    assert_int_equal(spy.request.kind, FEED_REQUEST_RESET);
    close_channel();
}

// The same after silence, and the way back is the same.
static void a_session_after_silence(void **state)
{
    (void)state;
    open_channel((struct channel_config){.line_stale_ticks = STALE});
    data(0, 1, 2, 1);
    another_beat(TWO, 0, 1, 1 + STALE);
    assert_int_equal(spy.requests, 0);
    another_beat(TWO, 0, 1, STALE + 10);
    assert_int_equal(spy.request.kind, FEED_REQUEST_RESET);
    channel_book_returned(ch, 1, true, STALE + 20);
    another_beat(TWO, 0, 1, STALE + 30);
    assert_true(is_session(TWO));
    data(0, 3, 1, STALE + 40); // of the session before
    data(0, 4, 1, STALE + 50);
    assert_int_equal(o.count.foreign_sessions, 2);
    assert_true(is_session(TWO));
    timers(STALE + 50 + WINDOW); // from here on it is like any other
    data(0, 3, 1, 3 * STALE);
    data(0, 4, 1, 3 * STALE + 10);
    channel_book_returned(ch, 1, true, 3 * STALE + 20);
    data(0, 5, 1, 3 * STALE + 30);
    assert_true(is_session(ONE));
    assert_int_equal(o.count.session_changes, 2);
    close_channel();
}

// More than the line's part of the bill: the rest is lost and said so.
static void more_than_may_wait(void **state)
{
    (void)state;
    enum { BILL = 16, PART = BILL / 2 / 2 };
    open_lines(BILL);
    for (uint64_t n = 1; n <= PART + 3; n++)
        another(TWO, 0, n, 10 + n);
    assert_int_equal(spy.kept, PART);
    assert_int_equal(o.count.held_overflow, 3);
    another(TWO, 1, 1, 20);
    another(TWO, 1, 2, 20);
    channel_book_returned(ch, 1, true, 30);
    assert_messages(2, 1, PART + 1);
    another(TWO, 1, PART + 1, 40);
    assert_messages(2, 1, PART + 2);
    assert_int_equal(o.count.lost_messages, 0);
    close_channel();
}

// What was set aside was of the session that has begun: its line lives, and has its say in the next
// change.
static void what_was_set_aside_counts(void **state)
{
    (void)state;
    const uint64_t t = 100 * STALE;
    open_channel((struct channel_config){.line_stale_ticks = STALE, .hold_frames = 64});
    data(0, 1, 2, t);
    another(TWO, 1, 1, t + 10);
    another(TWO, 0, 1, t + 11);
    another(TWO, 0, 2, t + 12);
    assert_true(is_session(TWO));
    channel_book_returned(ch, 1, true, t + 20);
    another("SESSION003", 0, 1, t + 30);
    another("SESSION003", 0, 2, t + 31);
    assert_true(is_session(TWO));
    close_channel();
}

// One of the two that confirm the session has an absurd number: that is not believed with it.
static void an_absurd_number_confirms_no_more_than_the_session(void **state)
{
    (void)state;
    const uint64_t far = UINT64_C(1) << 35;
    open_channel((struct channel_config){.hold_frames = 64});
    data(0, 1, 2, 5);
    another(TWO, 0, 1, 10);
    another(TWO, 0, far, 11);
    assert_true(is_session(TWO));
    another("SESSION003", 0, far, 12);
    another("SESSION003", 0, 1, 13);
    assert_memory_equal(ch->session, "SESSION003", SESSION_LEN);
    channel_book_returned(ch, 1, true, 20);
    another("SESSION003", 0, 2, 21);
    assert_messages(2, 1, 3);
    assert_int_equal(ch->arbiter.seen_end, 3);
    assert_int_equal(o.count.implausible, 2);
    assert_int_equal(spy.kept, 0);
    close_channel();
}

// Stopped while they wait.
static void all_frames_go_back(void **state)
{
    (void)state;
    open_lines(64);
    data(0, 5, 1, 5);
    another(TWO, 0, 1, 10);
    another("SESSION003", 1, 1, 10);
    assert_int_equal(spy.kept, 3);
    close_channel();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stray_datagram_is_not_entered),
        cmocka_unit_test(the_own_session_in_between_forgets_the_first),
        cmocka_unit_test(the_first_packet_waits_for_the_second),
        cmocka_unit_test(heartbeats_are_not_enough),
        cmocka_unit_test(a_line_that_brings_another_session_for_good),
        cmocka_unit_test(both_lines_go_over),
        cmocka_unit_test(the_lowest_number_enters),
        cmocka_unit_test(lines_that_disagree),
        cmocka_unit_test(strays_in_between),
        cmocka_unit_test(a_dead_line_has_no_say),
        cmocka_unit_test(a_session_after_the_end),
        cmocka_unit_test(a_session_after_silence),
        cmocka_unit_test(more_than_may_wait),
        cmocka_unit_test(what_was_set_aside_counts),
        cmocka_unit_test(an_absurd_number_confirms_no_more_than_the_session),
        cmocka_unit_test(all_frames_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
