// What a session makes of the stream that an exchange has: with a hole, shorter than what was read,
// under another name. Byte by byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/lib/session_rig.h"

static void messages_that_are_missing_keep_it_from_ready(void **state)
{
    (void)state;
    log_in(5);
    assert_int_equal(s.state, SESSION_GAP);
    assert_true(s.count.missing == 4);
    assert_true(session_may_cancel(&s) && !session_may_enter(&s));
    assert_true(session_query(&s, 1, now));
    query_answer(1);
    deliver(100);
    session_go(&s, now);
    assert_int_equal(s.state, SESSION_GAP);
    assert_int_equal(s.halted, SESSION_HALT_GAP);
    session_halt(&s);
    assert_int_equal(s.halted, SESSION_HALT_ORDER);
}

// What is missing stays missing: the next connection, which asks for what is left, does not heal
// it.
static void a_gap_outlives_its_connection(void **state)
{
    (void)state;
    log_in(5);
    session_lost(&s, now);
    now += RETRY;
    rig.sent_len = 0;
    log_in(5);
    assert_memory_equal(rig.sent + 19, "      DAY1                   5", 30);
    assert_true(session_query(&s, 1, now));
    query_answer(1);
    deliver(100);
    session_go(&s, now);
    assert_int_equal(s.state, SESSION_READY);
    assert_true(session_may_cancel(&s) && !session_may_enter(&s));
    session_resume(&s, now);
    assert_true(session_may_enter(&s));
}

static void a_gap_ends_with_a_person(void **state)
{
    (void)state;
    for (int queries = 0; queries <= 1; queries++) {
        start(queries ? OUCH_50 : OUCH_42);
        log_in(5);
        if (queries) { // answered while it was a gap
            assert_true(session_query(&s, 1, now));
            query_answer(1);
            deliver(100);
            session_go(&s, now);
        }
        session_resume(&s, now);
        assert_int_equal(s.state, SESSION_REPLAY);
        assert_int_equal(s.wants_query, queries);
        replay_end();
        assert_true(session_may_enter(&s));
    }
}

static void messages_and_lost(uint32_t count)
{
    log_in(1);
    for (uint32_t i = 1; i <= count; i++)
        message(i);
    deliver(100);
    session_lost(&s, now);
    now += RETRY;
}

static void four_messages_and_lost(void)
{
    messages_and_lost(4);
    assert_true(s.next_sequence == 5 && s.count.sequenced == 4);
}

// An exchange that came back without the tail of its stream says so with the login: the number is
// that of the next message it sends.
static void a_stream_that_has_become_shorter_halts(void **state)
{
    (void)state;
    four_messages_and_lost();
    rig.sent_len = 0;
    log_in(3);
    assert_memory_equal(rig.sent + 19, "      DAY1                   5", 30);
    assert_true(s.halted == SESSION_HALT_SHORT && s.state == SESSION_GAP);
    assert_true(session_may_cancel(&s) && !session_may_enter(&s) && !s.wants_query);
    session_halt(&s); // whatever comes on top, a restart has to know of this
    assert_int_equal(s.halted, SESSION_HALT_SHORT);
    for (uint32_t i = 3; i <= 9; i++) { // also beyond what was read: there is a hole before it
        message(i);
        packet('H', NULL, 0);
    }
    assert_int_equal(deliver(7), 0);
    assert_true(s.next_sequence == 5 && s.count.repeated == 7 && !s.replayed && !s.wants_query);
    // It has grown meanwhile, even beyond.
    for (uint32_t from = 4; from <= 5; from++) {
        session_lost(&s, now);
        now += RETRY_MAX;
        log_in(from);
        message(from);
        assert_int_equal(deliver(100), 0);
        assert_true(s.halted == SESSION_HALT_SHORT && s.next_sequence == 5 && s.short_at == 3);
    }
}

// What the journal has of it is where the resume goes on.
static void a_shorter_stream_waits_for_a_person_over_a_restart(void **state)
{
    (void)state;
    s.halted = SESSION_HALT_SHORT;
    session_restore(&s, "DAY1\0\0\0\0\0", 3, false, 0);
    log_in(3);
    message(7);
    assert_int_equal(deliver(100), 0);
    session_resume(&s, now);
    log_in(3);
    message(7);
    assert_int_equal(deliver(100), 7);
    assert_true(!s.halted && s.next_sequence == 4);
}

// Whoever resumes has compared: all that the shorter stream says is applied, once.
static void a_shorter_stream_is_read_on_by_a_person(void **state)
{
    (void)state;
    enum { UP, DOWN, ON_ITS_WAY, ALL };
    for (int where = UP; where < ALL; where++)
        for (int queries = 0; queries <= 1; queries++) {
            start(queries ? OUCH_50 : OUCH_42);
            if (queries)
                four_messages_and_lost();
            else
                messages_and_lost(4);
            log_in(3);
            message(7);
            packet('H', NULL, 0);
            assert_int_equal(deliver(100), 0);
            if (where != UP)
                session_lost(&s, now);
            now += RETRY_MAX;
            if (where == ON_ITS_WAY)
                connect_up();
            session_resume(&s, now);
            assert_true(s.state == SESSION_DOWN && s.next_sequence == 3 && !s.halted);
            rig.sent_len = 0;
            log_in(3);
            assert_memory_equal(rig.sent + 19, "      DAY1                   3", 30);
            message(7);
            message(8);
            deliver(100);
            assert_true(s.next_sequence == 5 && s.count.repeated == 1);
            replay_end();
            assert_true(session_may_enter(&s));
        }
}

// The tail comes back before a person has looked, and with it the answer that was read in it.
static void an_answer_that_is_read_again_is_not_ours(void **state)
{
    (void)state;
    go(); // the answer is message 1
    message(2);
    deliver(100);
    session_lost(&s, now);
    now += RETRY;
    log_in(1);
    assert_true(s.halted == SESSION_HALT_SHORT);
    session_resume(&s, now);
    now += RETRY_MAX;
    log_in(1);
    assert_true(s.wants_query && session_query(&s, 9, now));
    query_answer(1);
    message(2);
    assert_int_equal(deliver(100), 2);
    assert_true(!s.replayed && session_query(&s, 9, now));
    query_answer(8);
    deliver(100);
    assert_true(!s.replayed && session_query(&s, 9, now)); // two messages are read again
    query_answer(8);
    deliver(100);
    assert_true(s.replayed && s.query_next == 8);
}

// Without a name: the same session answers, and is left.
static void asked_from_the_start(void)
{
    now += RETRY_MAX;
    rig.sent_len = 0;
    log_in(1);
    assert_memory_equal(rig.sent + 19, "                             1", 30);
    assert_int_equal(s.state, SESSION_DOWN);
}

// A login without a name begins at 1 and need not say at once how much there is: with the same name
// it is left and asked for what was not read, and no pause is taken for an end.
static void the_same_name_is_asked_how_far_it_is(void **state)
{
    (void)state;
    for (int shorter = 0; shorter <= 1; shorter++)
        for (int end = 0; end <= 1; end++) {
            start(OUCH_50);
            four_messages_and_lost();
            connect_up();
            if (end) {
                accept("DAY1", 5);
                packet('Z', NULL, 0);
            } else {
                packet('J', "S", 1);
            }
            deliver(100);
            asked_from_the_start();
            now += RETRY_MAX;
            rig.sent_len = 0;
            log_in(shorter ? 2 : 5);
            assert_memory_equal(rig.sent + 19, "                             5", 30);
            assert_int_equal(s.halted, shorter ? SESSION_HALT_SHORT : SESSION_HALT_NONE);
            for (int i = 0; i < 3; i++)
                packet('H', NULL, 0);
            message(5);
            assert_int_equal(deliver(100), shorter ? 0 : 5);
            assert_true(s.next_sequence == (shorter ? 5 : 6));
        }
}

// The session changes between the two logins: it is read from its first message.
static void another_name_is_read_from_its_start(void **state)
{
    (void)state;
    four_messages_and_lost();
    log_in_to("DAY2", 3); // asked for 5
    assert_true(s.state == SESSION_DOWN && s.halted == SESSION_HALT_NAME && s.count.missing == 0);
    now += RETRY_MAX;
    rig.sent_len = 0;
    log_in_to("DAY2", 1);
    assert_memory_equal(rig.sent + 19, "      DAY2                   1", 30);
    message(6);
    message(7);
    assert_int_equal(deliver(100), 13);
    assert_true(s.state == SESSION_REPLAY && s.next_sequence == 3);
}

// What is unanswered is asked for once, not with every heartbeat until a person looks.
static void a_gap_is_settled_once(void **state)
{
    (void)state;
    start(OUCH_42);
    log_in(5);
    assert_int_equal(s.state, SESSION_GAP);
    for (int i = 0; i < 3; i++) {
        packet('H', NULL, 0);
        deliver(100);
        assert_int_equal(s.replayed, i != 1);
        session_go(&s, now);
        if (i == 1)
            session_resume(&s, now);
    }
    assert_true(session_may_enter(&s));
}

static void a_session_that_is_gone_is_left(void **state)
{
    (void)state;
    log_in(1);
    message(1);
    deliver(100);
    session_lost(&s, now);
    now += RETRY;
    connect_up();
    packet('J', "S", 1);
    deliver(100);
    assert_int_equal(s.state, SESSION_DOWN);
    assert_int_equal(s.reject, 'S');
    asked_from_the_start();
    // It was not available for a moment: it is the same, and what was read of it was read.
    now += RETRY_MAX;
    log_in(2);
    message(2);
    assert_int_equal(deliver(100), 2);
    assert_true(s.count.repeated == 0 && s.count.renewed == 0 && !s.halted);
    assert_string_equal(s.session_id, "DAY1");
}

static void another_session_before_the_end_halts(void **state)
{
    (void)state;
    for (int refused = 0; refused <= 1; refused++) {
        start(OUCH_50);
        go();
        message(1);
        deliver(100);
        session_lost(&s, now);
        now += RETRY_MAX;
        if (refused) {
            connect_up();
            packet('J', "S", 1);
            deliver(100);
            now += RETRY_MAX;
        }
        log_in_to("DAY2", 1);
        assert_true(s.halted == SESSION_HALT_NAME && s.count.renewed == 1);
        assert_string_equal(s.session_id, "DAY2");
        message(5);
        assert_int_equal(deliver(100), 5);
        assert_true(s.next_sequence == 2);
    }
}

static void end_of_session(void)
{
    packet('Z', NULL, 0);
    deliver(100);
    assert_true(s.state == SESSION_DOWN && s.ended);
    now += RETRY_MAX;
}

static void the_end_of_a_session_starts_another(void **state)
{
    (void)state;
    go();
    end_of_session();
    rig.sent_len = 0;
    log_in_to("DAY2", 1);
    assert_memory_equal(rig.sent + 19, "                             1", 30);
    assert_false(s.ended || s.halted);
    message(3);
    assert_int_equal(deliver(100), 3);
    assert_true(s.next_sequence == 2 && s.count.renewed == 0);
}

enum between { NOTHING, ORDER, MESSAGE, BETWEENS };

static void happen(enum between what)
{
    if (what == ORDER)
        s.count.sent++;
    if (what == MESSAGE) {
        message(9);
        deliver(100);
    }
}

// An exchange that serves the old name once more before its next day: nothing of it is missing,
// unless something was said or sent there.
static void a_name_that_comes_back_after_its_end_may_go(void **state)
{
    (void)state;
    for (int version = OUCH_50; version <= OUCH_42; version++)
        for (enum between what = NOTHING; what < BETWEENS; what++) {
            start((enum ouch_version)version);
            messages_and_lost(4);
            log_in(5);
            replay_end();
            end_of_session();
            log_in(1);
            assert_int_equal(s.state, SESSION_DOWN);
            now += RETRY_MAX;
            log_in((uint32_t)s.next_sequence);
            replay_end();
            happen(what);
            session_lost(&s, now);
            now += RETRY_MAX;
            log_in_to("DAY2", 1);
            assert_int_equal(s.halted, what == NOTHING ? SESSION_HALT_NONE : SESSION_HALT_NAME);
            assert_true(s.next_sequence == 1 && s.count.renewed == (what != NOTHING));
        }
}

// The first login of a day meets the session of the day before, of which nothing was read: it had
// nothing, as its heartbeat or the answer to the query has said. Without these it may have had.
static void a_name_that_has_said_nothing_may_go(void **state)
{
    (void)state;
    for (int version = OUCH_50; version <= OUCH_42; version++)
        for (int heard = 0; heard <= 1; heard++)
            for (enum between what = NOTHING; what < BETWEENS; what++) {
                start((enum ouch_version)version);
                log_in(1);
                if (heard)
                    replay_end();
                happen(what);
                session_lost(&s, now);
                now += RETRY_MAX;
                log_in_to("DAY2", 1);
                assert_int_equal(s.halted,
                                 heard && what == NOTHING ? SESSION_HALT_NONE : SESSION_HALT_NAME);
            }
}

// The journal says whether a session had ended; what stands open in it is not known here.
static void a_name_of_an_earlier_run_goes_with_its_end(void **state)
{
    (void)state;
    for (int ended = 0; ended <= 1; ended++) {
        start(OUCH_42);
        session_restore(&s, "DAY1\0\0\0\0\0", 1, ended, 0);
        rig.sent_len = 0;
        log_in(1);
        packet('H', NULL, 0);
        deliver(100);
        session_lost(&s, now);
        now += RETRY_MAX;
        log_in_to("DAY2", 1);
        assert_int_equal(s.halted, ended ? SESSION_HALT_NONE : SESSION_HALT_NAME);
    }
}

// The heartbeat that ended it stood in a pause, and the owner has seen that: the next one does.
static void a_replay_that_goes_on_has_another_end(void **state)
{
    (void)state;
    for (int version = OUCH_50; version <= OUCH_42; version++) {
        start((enum ouch_version)version);
        go();
        session_go_back(&s, now);
        assert_true(s.state == SESSION_REPLAY && !session_may_enter(&s) && !s.wants_query);
        packet('H', NULL, 0);
        deliver(100);
        if (version == OUCH_50) { // and what was taken was no answer to us
            assert_true(session_query(&s, 1, now));
            query_answer(1);
            deliver(100);
            assert_true(!s.replayed && session_query(&s, 1, now));
            query_answer(2);
            deliver(100);
        }
        assert_true(s.replayed);
        session_go(&s, now);
        assert_true(session_may_enter(&s));
    }
}

static void lost_before_the_answer(void)
{
    assert_true(session_query(&s, 1, now));
    session_lost(&s, now);
    now += RETRY_MAX;
}

// The exchange repeats its stream with a pause, bridged by a heartbeat, before the answer to what
// an earlier connection has asked. It says nothing of what was sent after that.
static void a_pause_does_not_make_an_answer_ours(void **state)
{
    (void)state;
    log_in(1);
    lost_before_the_answer();
    for (uint32_t earlier = 1; earlier <= 3; earlier++) {
        log_in(1);
        packet('H', NULL, 0);
        deliver(100);
        for (uint32_t i = 0; i < earlier; i++) {
            assert_true(s.wants_query && session_query(&s, 10 + i, now));
            assert_false(session_query(&s, 20, now)); // one after the other
            query_answer(1 + i);
            deliver(100);
            assert_true(!s.replayed && s.wants_query);
        }
        if (earlier < 3) { // they are repeated to the next connection
            lost_before_the_answer();
            s.next_sequence = 1;
        }
    }
    assert_true(session_query(&s, 14, now));
    query_answer(12);
    query_answer(13); // the next one has no question
    deliver(100);
    assert_true(s.replayed && s.query_next == 12 && s.query_ref == 10 && !s.wants_query);
}

// However often it is lost, what is asked at once stays bounded.
static void queries_that_are_never_answered_are_bounded(void **state)
{
    (void)state;
    log_in(1);
    for (uint32_t i = 0; i < 300; i++) {
        lost_before_the_answer();
        log_in(1);
        packet('H', NULL, 0);
        deliver(100);
    }
    uint32_t asked = 0;
    while (!s.replayed) {
        assert_true(++asked <= SESSION_QUERIES_DUE_MAX + 1 && session_query(&s, 1, now));
        query_answer(1);
        deliver(100);
    }
    assert_int_equal(asked, SESSION_QUERIES_DUE_MAX + 1);
    session_go(&s, now);
    packet('Z', NULL, 0); // what is due stands in the stream that is over
    deliver(100);
    now += RETRY_MAX;
    log_in_to("DAY2", 1);
    replay_end();
    assert_int_equal(s.state, SESSION_READY);
}

// A run before may have asked and not read the answer, as often as its record says and once more.
static void a_restart_passes_answers_over(void **state)
{
    (void)state;
    for (uint32_t recorded = 0; recorded <= 2; recorded++) {
        start(OUCH_50);
        session_restore(&s, "DAY1\0\0\0\0\0", 1, false, (uint8_t)recorded);
        log_in(1);
        assert_false(s.wants_query);
        packet('H', NULL, 0);
        deliver(100);
        for (uint32_t stale = 0; stale <= recorded; stale++) {
            assert_true(session_query(&s, 9, now));
            query_answer(2);
            deliver(100);
            assert_false(s.replayed);
        }
        assert_true(session_query(&s, 9, now));
        query_answer(9);
        deliver(100);
        assert_true(s.replayed && s.query_next == 9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(messages_that_are_missing_keep_it_from_ready, setup),
        cmocka_unit_test_setup(a_gap_outlives_its_connection, setup),
        cmocka_unit_test_setup(a_gap_ends_with_a_person, setup),
        cmocka_unit_test_setup(a_stream_that_has_become_shorter_halts, setup),
        cmocka_unit_test_setup(a_shorter_stream_waits_for_a_person_over_a_restart, setup),
        cmocka_unit_test_setup(a_shorter_stream_is_read_on_by_a_person, setup),
        cmocka_unit_test_setup(an_answer_that_is_read_again_is_not_ours, setup),
        cmocka_unit_test_setup(the_same_name_is_asked_how_far_it_is, setup),
        cmocka_unit_test_setup(another_name_is_read_from_its_start, setup),
        cmocka_unit_test_setup(a_gap_is_settled_once, setup),
        cmocka_unit_test_setup(a_session_that_is_gone_is_left, setup),
        cmocka_unit_test_setup(another_session_before_the_end_halts, setup),
        cmocka_unit_test_setup(the_end_of_a_session_starts_another, setup),
        cmocka_unit_test_setup(a_name_that_comes_back_after_its_end_may_go, setup),
        cmocka_unit_test_setup(a_name_that_has_said_nothing_may_go, setup),
        cmocka_unit_test_setup(a_name_of_an_earlier_run_goes_with_its_end, setup),
        cmocka_unit_test_setup(a_replay_that_goes_on_has_another_end, setup),
        cmocka_unit_test_setup(a_pause_does_not_make_an_answer_ours, setup),
        cmocka_unit_test_setup(queries_that_are_never_answered_are_bounded, setup),
        cmocka_unit_test_setup(a_restart_passes_answers_over, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
