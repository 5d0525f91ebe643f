// A channel from session to session: ends, successors, late joiners.
#include "tests/unit/feed/channel_rig.h"

// The count of an end of session is no count, and its number no message.
static void end_of_session_waits_for_what_is_missing(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_request = true});
    data(0, 1, 2, 0);
    beat(0, 5, END, 10);
    assert_int_equal(o.count.end_of_session, 1);
    assert_int_equal(ch->arbiter.seen_end, 5);
    assert_int_equal(o.events[EVENT_SESSION_END], 0);
    data(1, 3, 2, 20);
    beat(1, 5, END, 30);
    assert_int_equal(ch->state, CHANNEL_ENDED);
    assert_int_equal(o.events[EVENT_SESSION_END], 1);
    assert_int_equal(spy.last[EVENT_SESSION_END].session.sequence, 5);
    beat(0, 5, END, 40);
    assert_int_equal(o.events[EVENT_SESSION_END], 1);
    assert_int_equal(o.count.end_of_session, 1);
    assert_applied(1, 5);
    close_channel();
}

static void another(const char *session, uint32_t line, uint64_t sequence, uint16_t count)
{
    arrive(line, datagram(frame_next(), session, sequence, count, count), 1000);
}

// The book is reset by the main lcore; nothing of the session before comes in any more, by a slow
// line or by a server.
static void a_session_follows(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_request = true});
    data(0, 1, 2, 0);
    data(0, 5, 2, 10);
    another(TWO, 0, 1, 2);
    another(TWO, 0, 3, 1);
    assert_request(FEED_REQUEST_RESET, 1, 1);
    assert_memory_equal(spy.request.session, TWO, SESSION_LEN);
    assert_int_equal(o.events[EVENT_SESSION_END], 1);
    assert_int_equal(spy.last[EVENT_SESSION_START].session.sequence, 1);
    data(1, 4, 1, 1001);
    data(ARBITER_RECOVERY, 3, 1, 1002);
    assert_int_equal(spy.kept, 2); // of the new session alone
    assert_applied(1, 3);
    channel_book_returned(ch, 1, true, 1010);
    assert_int_equal(spy.kept, 0);
    assert_int_equal(ch->arbiter.next, 4);
    data(1, 7, 1, 1011);
    data(ARBITER_RECOVERY, 4, 1, 1012);
    another(TWO, 1, 1, 2);
    another(TWO, 0, 4, 1);
    data(1, 8, 1, 1013);
    data(ARBITER_RECOVERY, 5, 1, 1014);
    assert_int_equal(o.count.session_changes, 1);
    assert_memory_equal(ch->session, TWO, SESSION_LEN);
    assert_int_equal(ch->arbiter.next, 5);
    assert_int_equal(spy.applied_len, 6);
    assert_int_equal(o.count.foreign_sessions, 2);
    assert_int_equal(ch->quality, QUALITY_GOOD);
    close_channel();
}

// Nobody repeats what comes while the book of the session before is put away: it waits, out of
// order or not, within the bill.
static void packets_of_the_next_session_wait_for_its_book(void **state)
{
    (void)state;
    open_channel((struct channel_config){.start = CHANNEL_START_FIRST});
    data(0, 1, 2, 0);
    another(TWO, 0, 1, 1);
    another(TWO, 0, 3, 2);
    another(TWO, 1, 1, 1);
    another(TWO, 1, 2, 1);
    assert_int_equal(spy.kept, 3);
    assert_applied(1, 3);
    assert_int_equal(ch->quality, QUALITY_RECOVERING);
    channel_book_returned(ch, 1, true, 1010);
    assert_int_equal(spy.kept, 0);
    assert_int_equal(ch->arbiter.next, 5);
    for (uint64_t n = 1; n < 5; n++)
        assert_int_equal(spy.applied[1 + n], code_of(n));
    timers(1010 + WINDOW);
    assert_int_equal(o.count.gaps + o.count.lost_messages, 0);
    ASSERT_QUALITIES(QUALITY_GOOD, QUALITY_RECOVERING, QUALITY_GOOD);
    close_channel();
}

// More of them than the bill holds: the rest is a loss like any other, and said to be one.
static void more_of_the_next_session_than_the_bill_is_lost_and_said_so(void **state)
{
    (void)state;
    open_channel((struct channel_config){.start = CHANNEL_START_FIRST});
    data(0, 1, 2, 0);
    for (uint64_t n = 1; n <= HOLD + 2; n++)
        another(TWO, 0, n, 1);
    assert_int_equal(spy.kept, HOLD);
    assert_int_equal(o.count.held_overflow, 2);
    channel_book_returned(ch, 1, true, 1010);
    assert_int_equal(ch->arbiter.next, HOLD + 1);
    assert_int_equal(ch->state, CHANNEL_WAITING);
    timers(1010 + WINDOW);
    assert_int_equal(o.count.lost_messages, 2);
    assert_int_equal(ch->quality, QUALITY_SUSPECT);
    another(TWO, 0, HOLD + 3, 1);
    assert_int_equal(ch->arbiter.next, HOLD + 4);
    assert_int_equal(ch->quality, QUALITY_SUSPECT);
    ASSERT_QUALITIES(QUALITY_GOOD, QUALITY_RECOVERING, QUALITY_GOOD, QUALITY_SUSPECT);
    close_channel();
}

// A third session while the book is away for the second, and a snapshot that was meant for the
// first.
static void sessions_change_while_a_snapshot_loads(void **state)
{
    (void)state;
    static const char THREE[] = "SESSION003";
    open_channel((struct channel_config){.can_snapshot = true});
    data(0, 1, 2, 0);
    data(0, 5, 2, 10);
    timers(10 + WINDOW);
    assert_int_equal(spy.request.kind, FEED_REQUEST_SNAPSHOT);
    another(TWO, 0, 1, 1);
    another(TWO, 0, 2, 1);
    assert_int_equal(spy.requests, 1); // one at a time
    channel_book_returned(ch, 6, true, 300);
    assert_int_equal(spy.request.kind, FEED_REQUEST_RESET); // it is of a session that is over
    another(THREE, 0, 1, 1);
    another(THREE, 0, 2, 1);
    another(TWO, 1, 1, 2); // late
    channel_book_returned(ch, 1, true, 310);
    assert_int_equal(spy.requests, 2); // empty is empty
    assert_memory_equal(ch->session, THREE, SESSION_LEN);
    assert_int_equal(ch->arbiter.next, 3);
    assert_int_equal(o.count.session_changes, 2);
    assert_int_equal(spy.applied_len, 4);
    assert_int_equal(spy.kept, 0);
    assert_int_equal(ch->quality, QUALITY_GOOD);
    close_channel();
}

// The next session is joined late as well: its snapshot stands for the reset.
static void a_session_that_follows_is_joined_late(void **state)
{
    (void)state;
    open_channel((struct channel_config){.start = CHANNEL_START_SNAPSHOT, .can_snapshot = true});
    data(0, 1, 2, 0);
    another(TWO, 0, 51, 1);
    another(TWO, 0, 50, 1);
    assert_int_equal(spy.request.kind, FEED_REQUEST_SNAPSHOT);
    assert_memory_equal(spy.request.session, TWO, SESSION_LEN);
    assert_int_equal(spy.last[EVENT_SESSION_START].session.sequence, 50);
    another("SESSION003", 0, 70, 1); // and so is the one after it, while the book is away
    another("SESSION003", 0, 71, 1);
    channel_book_returned(ch, 50, true, 1010);
    assert_int_equal(spy.requests, 2);
    assert_int_equal(spy.request.kind, FEED_REQUEST_SNAPSHOT);
    assert_memory_equal(spy.request.session, "SESSION003", SESSION_LEN);
    assert_int_equal(ch->quality, QUALITY_RECOVERING);
    channel_book_returned(ch, 70, true, 1020);
    assert_int_equal(ch->arbiter.next, 72);
    assert_int_equal(spy.applied_len, 4);
    assert_int_equal(ch->quality, QUALITY_GOOD);
    close_channel();
}

static void a_late_joiner_without_snapshot_is_suspect_until_the_next_session(void **state)
{
    (void)state;
    open_channel((struct channel_config){.start = CHANNEL_START_LIVE});
    data(0, 100, 2, 0);
    assert_applied(100, 102);
    assert_int_equal(ch->quality, QUALITY_SUSPECT);
    another(TWO, 0, 1, 1);
    another(TWO, 0, 2, 1);
    channel_book_returned(ch, 1, true, 1010);
    ASSERT_QUALITIES(QUALITY_SUSPECT, QUALITY_RECOVERING, QUALITY_GOOD);
    close_channel();
}

static void a_late_joiner_loads_a_snapshot(void **state)
{
    (void)state;
    open_channel((struct channel_config){
        .start = CHANNEL_START_SNAPSHOT, .can_snapshot = true, .can_request = true});
    data(0, 100, 2, 0);
    assert_int_equal(spy.request.kind, FEED_REQUEST_SNAPSHOT);
    data(0, 102, 2, 10);
    assert_int_equal(spy.applied_len, 0);
    assert_int_equal(spy.kept, 2);
    channel_book_returned(ch, 98, true, 200); // 98 and 99 are missing between it and what is held
    timers(200 + WINDOW);
    assert_request(FEED_REQUEST_MESSAGES, 98, 100);
    data(ARBITER_RECOVERY, 98, 2, 400);
    assert_applied(98, 104);
    assert_int_equal(o.events[EVENT_SNAPSHOT_DONE], 1);
    assert_int_equal(ch->quality, QUALITY_GOOD);
    assert_int_equal(spy.qualities[0], QUALITY_RECOVERING); // never good before
    close_channel();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(end_of_session_waits_for_what_is_missing),
        cmocka_unit_test(a_session_follows),
        cmocka_unit_test(packets_of_the_next_session_wait_for_its_book),
        cmocka_unit_test(more_of_the_next_session_than_the_bill_is_lost_and_said_so),
        cmocka_unit_test(sessions_change_while_a_snapshot_loads),
        cmocka_unit_test(a_session_that_follows_is_joined_late),
        cmocka_unit_test(a_late_joiner_without_snapshot_is_suspect_until_the_next_session),
        cmocka_unit_test(a_late_joiner_loads_a_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
