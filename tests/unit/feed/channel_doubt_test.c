// What a channel does not believe at once: snapshots from another time, numbers that go back or
// leap, a clock while frames wait. And what it does in turns.
#include "dataplane/feed/number.h"
#include "tests/unit/feed/channel_rig.h"

static void joined(uint64_t sequence)
{
    open_channel((struct channel_config){
        .start = CHANNEL_START_SNAPSHOT, .can_snapshot = true, .line_stale_ticks = STALE});
    data(0, sequence, 2, 0);
    channel_book_returned(ch, sequence, true, 10);
    assert_int_equal(ch->quality, QUALITY_GOOD);
}

// Live data reaches the end of a snapshot that is a little ahead of it: only then it is good.
static void a_snapshot_ahead_of_the_lines(void **state)
{
    (void)state;
    open_channel((struct channel_config){.start = CHANNEL_START_SNAPSHOT, .can_snapshot = true});
    data(0, 100, 2, 0);
    channel_book_returned(ch, 104, true, 200);
    assert_int_equal(ch->quality, QUALITY_RECOVERING);
    data(0, 102, 1, 210);
    assert_int_equal(ch->quality, QUALITY_RECOVERING);
    data(1, 103, 3, 220);
    assert_applied(104, 106);
    assert_int_equal(o.count.snapshots_refused, 0);
    ASSERT_QUALITIES(QUALITY_RECOVERING, QUALITY_GOOD);
    close_channel();
}

// No line ever gets there: another one is asked for, and the lines are followed again.
static void a_snapshot_that_no_line_reaches(void **state)
{
    (void)state;
    open_channel((struct channel_config){
        .start = CHANNEL_START_SNAPSHOT, .can_snapshot = true, .line_stale_ticks = STALE});
    data(0, 100, 2, 0);
    channel_book_returned(ch, 5000, true, 200);
    for (uint64_t n = 0; n < 10; n++)
        data(0, 102 + n, 1, 300 + n * STALE / 10);
    assert_int_equal(ch->deadline, 200 + STALE);
    assert_int_equal(spy.requests, 1);
    timers(200 + STALE);
    assert_int_equal(o.count.snapshots_refused, 1);
    assert_int_equal(o.events[EVENT_SNAPSHOT_FAILED], 1);
    assert_int_equal(spy.requests, 2);
    data(0, 112, 1, 300 + STALE);
    channel_book_returned(ch, 112, true, 400 + STALE);
    assert_applied(112, 113);
    ASSERT_QUALITIES(QUALITY_RECOVERING, QUALITY_GOOD);
    close_channel();
}

static void a_snapshot_from_nowhere(void **state)
{
    (void)state;
    open_channel((struct channel_config){.start = CHANNEL_START_SNAPSHOT, .can_snapshot = true});
    data(0, 100, 2, 0);
    channel_book_returned(ch, UINT64_C(1) << 63, true, 200);
    assert_int_equal(o.count.snapshots_refused, 1);
    data(0, 102, 1, 210);
    assert_int_equal(ch->arbiter.next, 103);
    assert_int_equal(ch->quality, QUALITY_SUSPECT);
    const uint64_t again = ch->deadline;
    assert_true(again > 210 && again < UINT64_MAX);
    timers(again);
    assert_int_equal(spy.requests, 2);
    channel_book_returned(ch, 0, true, again + 10);
    assert_int_equal(o.count.snapshots_refused, 2);
    assert_int_equal(ch->quality, QUALITY_SUSPECT);
    close_channel();
}

// A server whose snapshot always ends before the lines begin: twice at once, then after ever longer
// times, then never again in this session.
static void snapshots_that_do_not_help(void **state)
{
    (void)state;
    open_channel((struct channel_config){
        .start = CHANNEL_START_SNAPSHOT, .can_snapshot = true, .line_stale_ticks = STALE});
    uint64_t now = 0, asked[16] = {0}, next = 100;
    data(0, next++, 1, now);
    while (o.events[EVENT_SNAPSHOT_GIVEN_UP] == 0) {
        assert_true(spy.requests < 16 && now < 1000 * STALE);
        if (ch->book_lent) {
            asked[spy.requests] = now;
            channel_book_returned(ch, 50, true, now + 1);
        }
        now += STALE / 20;
        data(0, next++, 1, now);
        timers(now);
        assert_true(ch->quality != QUALITY_GOOD || ch->state == CHANNEL_WAITING);
    }
    assert_int_equal(spy.requests, 12);
    for (uint32_t i = 3; i <= 11; i += 2) { // the first of a pair after the last of the one before
        assert_true(asked[i] - asked[i - 1] >= (uint64_t)STALE << (i / 2 - 1));
        assert_true(asked[i + 1] - asked[i] < STALE);
    }
    for (uint32_t i = 0; i < 100; i++, now += STALE)
        timers(now);
    assert_int_equal(spy.requests, 12);
    assert_int_equal(o.events[EVENT_SNAPSHOT_GIVEN_UP], 1);
    assert_int_equal(o.count.snapshots_delayed, 5); // before each pair but the first
    assert_true(ch->lost);
    close_channel();
}

// Gaps come one after the other, and each snapshot closes its own: ever more rarely asked for, but
// never given up.
static void snapshots_that_help_each_time(void **state)
{
    (void)state;
    enum { ASKS = 30 };
    joined(1000);
    uint64_t now = 20, next = 1002, asked = 0;
    while (spy.requests < ASKS) {
        assert_true(now < UINT64_C(10000) * STALE);
        data(0, next + 1, 1, now);
        timers(now + WINDOW);
        next += 2;
        if (ch->book_lent) {
            assert_true(now - asked <= (uint64_t)STALE * 80);
            asked = now;
            channel_book_returned(ch, next, true, now + WINDOW + 1);
            assert_int_equal(ch->quality, QUALITY_GOOD);
        }
        now += STALE / 4;
    }
    assert_int_equal(o.events[EVENT_SNAPSHOT_GIVEN_UP], 0);
    assert_true(o.count.snapshots_delayed > ASKS / 4);
    close_channel();
}

// Both lines start again from 1: the book is of another past, and a snapshot brings the new one.
static void a_good_channel_rewinds(void **state)
{
    (void)state;
    const uint64_t high = 1 << 22;
    joined(high);
    data(0, 1, 2, 20); // perhaps a stray copy
    data(0, high + 2, 1, 30);
    data(0, 1, 2, 40);
    assert_int_equal(ch->quality, QUALITY_GOOD);
    data(1, 1, 2, 50);
    assert_int_equal(ch->quality, QUALITY_RECOVERING);
    assert_int_equal(spy.requests, 2);
    data(0, 3, 2, 60);
    channel_book_returned(ch, 4, true, 70);
    assert_int_equal(spy.applied[spy.applied_len - 1], code_of(4));
    assert_int_equal(ch->arbiter.next, 5);
    assert_int_equal(ch->arbiter.seen_end, 5);
    assert_int_equal(ch->quality, QUALITY_GOOD);
    assert_int_equal(o.events[EVENT_SEQUENCE_REWIND], 1);
    close_channel();
}

// Too little to be seen in one packet: nothing that is heard reaches what was delivered.
static void lines_that_stay_below(void **state)
{
    (void)state;
    open_channel((struct channel_config){.line_stale_ticks = STALE});
    data(0, 1, 9, 0);
    data(1, 1, 9, 0);
    for (uint64_t now = 100; now < 2 * STALE; now += 100) {
        beat(0, 5, MOLD64_HEARTBEAT, now);
        beat(1, now < STALE ? 10 : 5, MOLD64_HEARTBEAT, now); // merely the slower line till then
        timers(now);
        assert_int_equal(ch->quality, QUALITY_GOOD);
    }
    for (uint64_t now = 2 * STALE; now < 3 * STALE; now += 100) {
        beat(0, 5, MOLD64_HEARTBEAT, now);
        beat(1, 5, MOLD64_HEARTBEAT, now);
        timers(now);
    }
    assert_int_equal(o.events[EVENT_SEQUENCE_REWIND], 1);
    assert_int_equal(o.count.rewinds, 1);
    data(0, 10, 1, 3 * STALE);
    ASSERT_QUALITIES(QUALITY_GOOD, QUALITY_SUSPECT);
    close_channel();
}

// One packet with an absurd number is refused, whatever it says; two that agree are believed.
static void a_number_far_beyond(void **state)
{
    (void)state;
    const uint64_t far = UINT64_C(1) << 30;
    const uint64_t t = UINT64_C(1) << 20;
    open_channel((struct channel_config){0});
    data(0, 1, 2, t + 0);
    data(0, UINT64_C(1) << 50, 2, t + 10);
    data(0, UINT64_C(1) << 50, 2, t + 10);
    data(1, (UINT64_C(1) << 50) + 2, 2, t + 10);
    beat(0, UINT64_C(1) << 63, MOLD64_HEARTBEAT, t + 20);
    beat(1, UINT64_MAX - 70000, MOLD64_HEARTBEAT, t + 20);
    data(0, far, 2, t + 30);
    data(0, far, 2, t + 31);
    assert_int_equal(o.count.implausible, 7);
    assert_int_equal(o.events[EVENT_SEQUENCE_LEAP], 1);
    assert_int_equal(ch->arbiter.seen_end, 3);
    data(0, 3, 1, t + 40);
    assert_applied(1, 4);
    assert_int_equal(o.lines[0].gap_messages + o.count.gaps + o.count.held, 0);
    ASSERT_QUALITIES(QUALITY_GOOD);
    data(1, far + 2, 1, t + 45);
    assert_int_equal(ch->state, CHANNEL_LIVE); // line A says otherwise by now
    data(0, far + 2, 1, t + 50);
    assert_int_equal(ch->state, CHANNEL_WAITING);
    timers(t + 50 + WINDOW);
    assert_int_equal(o.count.lost_messages, far + 2 - 4);
    assert_int_equal(ch->quality, QUALITY_SUSPECT);
    close_channel();
}

// A line that has nothing but heartbeats to say, and no other lives: it says it three times.
static void a_quiet_line_far_beyond(void **state)
{
    (void)state;
    const uint64_t far = UINT64_C(1) << 30, t = UINT64_C(1) << 20;
    open_channel((struct channel_config){.line_stale_ticks = STALE});
    data(0, 1, 2, t);
    data(1, 1, 2, t);
    for (uint32_t i = 0; i < 9; i++)
        beat(0, far, MOLD64_HEARTBEAT, t + i);
    assert_int_equal(ch->arbiter.seen_end, 3); // line B lives
    data(0, 3, 1, t + 10);
    data(0, 4, 1, t + STALE);
    beat(0, far + 10, MOLD64_HEARTBEAT, t + STALE + 1);
    beat(0, far + NUMBER_LEAP_MAX + 11, MOLD64_HEARTBEAT, t + STALE + 2);
    beat(0, far + NUMBER_LEAP_MAX + 11, MOLD64_HEARTBEAT, t + STALE + 3);
    assert_int_equal(ch->arbiter.seen_end, 5);
    beat(0, far + NUMBER_LEAP_MAX + 11, MOLD64_HEARTBEAT, t + STALE + 4);
    assert_int_equal(ch->arbiter.seen_end, far + NUMBER_LEAP_MAX + 11);
    assert_int_equal(o.count.implausible, 12);
    close_channel();
}

// One line has lost its way, the other one goes on: whatever it says, and however often.
static void a_line_that_leaps_or_rewinds_for_good(void **state)
{
    (void)state;
    const uint64_t high = 1 << 22;
    joined(high);
    data(1, high, 2, 20);
    uint64_t now = 30, leap = UINT64_C(1) << 30, next = high + 2;
    for (uint32_t i = 0; i < 200; i++, now += STALE / 20) {
        for (uint32_t k = 0; k < 5; k++)
            data(0, i < 100 ? leap++ : 1 + i + k, 1, now + k);
        if (i % 3 == 0)
            data(1, next++, 1, now + 10);
        timers(now + 10);
    }
    assert_int_equal(o.count.implausible, 500);
    assert_int_equal(o.count.rewinds, 500);
    assert_int_equal(ch->arbiter.seen_end, next);
    assert_int_equal(o.count.gaps + o.count.snapshots_refused, 0);
    assert_int_equal(o.count.snapshots, 1);
    assert_applied(high, next);
    ASSERT_QUALITIES(QUALITY_RECOVERING, QUALITY_GOOD);
    close_channel();
}

// --- a lane that is behind ---

// Time says nothing of a gap while frames may wait in the receive ring, not even when the next
// packet comes long after the window.
static void no_gap_by_time_before_the_ring_is_empty(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_request = true});
    data(0, 1, 2, 0);
    data(0, 5, 1, 10);
    data(0, 6, 1, 10 + 5 * WINDOW);
    assert_int_equal(ch->state, CHANNEL_WAITING);
    channel_timers(ch, 10 + 5 * WINDOW, 9 + WINDOW);
    assert_int_equal(ch->state, CHANNEL_WAITING);
    assert_true(ch->deadline <= 10 + 5 * WINDOW);
    data(1, 3, 4, 10 + 5 * WINDOW);
    assert_applied(1, 7);
    data(0, 9, 1, 20 + 5 * WINDOW);
    channel_timers(ch, 20 + 7 * WINDOW, 19 + 6 * WINDOW);
    assert_int_equal(o.count.gaps, 0);
    channel_timers(ch, 20 + 7 * WINDOW, 20 + 6 * WINDOW);
    assert_int_equal(o.count.gaps, 1);
    close_channel();
}

// A gap closes over more packets than a turn may apply: the rest waits for the next, and so does
// what comes in between.
static void a_closed_gap_drains_in_turns(void **state)
{
    (void)state;
    enum { WAITING = 2 * DRAIN_PACKETS + 10 };
    open_channel((struct channel_config){
        .can_request = true, .hold_frames = 2 * WAITING, .reorder_frames = 2 * WAITING});
    data(0, 1, 2, 0);
    for (uint64_t i = 0; i < WAITING; i++)
        data(0, 4 + i, 1, 10);
    timers(10 + WINDOW);
    data(ARBITER_RECOVERY, 3, 1, 200);
    assert_int_equal(spy.applied_len, 3 + DRAIN_PACKETS);
    assert_int_equal(ch->deadline, 0);
    assert_int_equal(ch->quality, QUALITY_SUSPECT);
    data(0, 4 + WAITING, 1, 200); // of the same turn
    assert_int_equal(spy.applied_len, 3 + DRAIN_PACKETS);
    timers(201);
    assert_int_equal(spy.applied_len, 3 + 2 * DRAIN_PACKETS);
    assert_int_equal(ch->state, CHANNEL_RECOVERING);
    timers(202);
    assert_applied(1, 4 + WAITING + 1);
    assert_int_equal(ch->state, CHANNEL_LIVE);
    assert_int_equal(o.count.gaps, 1);
    ASSERT_QUALITIES(QUALITY_GOOD, QUALITY_SUSPECT, QUALITY_GOOD);
    close_channel();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_ahead_of_the_lines),
        cmocka_unit_test(a_snapshot_that_no_line_reaches),
        cmocka_unit_test(a_snapshot_from_nowhere),
        cmocka_unit_test(snapshots_that_do_not_help),
        cmocka_unit_test(snapshots_that_help_each_time),
        cmocka_unit_test(a_good_channel_rewinds),
        cmocka_unit_test(lines_that_stay_below),
        cmocka_unit_test(a_number_far_beyond),
        cmocka_unit_test(a_quiet_line_far_beyond),
        cmocka_unit_test(a_line_that_leaps_or_rewinds_for_good),
        cmocka_unit_test(no_gap_by_time_before_the_ring_is_empty),
        cmocka_unit_test(a_closed_gap_drains_in_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
