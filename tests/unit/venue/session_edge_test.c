// Logins, queries and ends where they are not expected, or one after the other.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/session_rig.h"

static void lose(void)
{
    session_lost(&s, now);
    now += RETRY_MAX;
    rig.sent_len = 0;
}

// Messages are numbered from 1: with 0 nobody could tell what was read.
static void a_login_that_names_no_message_is_no_login(void **state)
{
    (void)state;
    log_in(0);
    assert_int_equal(s.state, SESSION_DOWN);
    assert_true(s.count.malformed == 1 && s.count.logins == 0 && !s.halted);
}

// It would begin to count anew, and read messages twice.
static void a_second_login_ends_the_connection(void **state)
{
    (void)state;
    for (int ready = 0; ready <= 1; ready++) {
        start(OUCH_50);
        if (ready)
            go();
        else
            log_in(1);
        const uint64_t next = s.next_sequence;
        accept("DAY1", 1);
        message(7);
        assert_int_equal(deliver(100), 0);
        assert_true(s.state == SESSION_DOWN && s.count.malformed == 1 && s.next_sequence == next);
    }
}

// Nothing of it is applied, so nothing of ours is held against it either, in both versions.
static void a_stream_that_fell_short_has_no_end(void **state)
{
    (void)state;
    for (int queries = 0; queries <= 1; queries++) {
        start(queries ? OUCH_50 : OUCH_42);
        log_in(1);
        message(1);
        message(2);
        deliver(100);
        if (queries)
            assert_true(session_query(&s, 1, now)); // and it has no answer
        lose();
        log_in(2);
        assert_int_equal(s.halted, SESSION_HALT_SHORT);
        packet('H', NULL, 0);
        deliver(100);
        assert_true(!s.replayed && !s.wants_query);
    }
}

// The shortest of them is where it is read on.
static void a_stream_may_fall_short_again(void **state)
{
    (void)state;
    log_in(1);
    for (uint32_t i = 1; i <= 4; i++)
        message(i);
    deliver(100);
    lose();
    log_in(4);
    assert_int_equal(s.short_at, 4);
    lose();
    log_in(2);
    assert_int_equal(s.short_at, 2);
    lose();
    log_in(3);
    session_resume(&s, now);
    assert_int_equal(s.next_sequence, 2);
}

// Its answer may stand in what is repeated: ours leaves behind that, and is one of two.
static void a_query_without_an_answer_waits_for_the_end_of_the_replay(void **state)
{
    (void)state;
    log_in(1);
    assert_true(s.wants_query && session_query(&s, 1, now));
    lose();
    log_in(1);
    assert_false(s.wants_query);
    packet('H', NULL, 0);
    deliver(100);
    assert_true(s.wants_query && session_query(&s, 5, now));
    assert_int_equal(s.answers_left, 2);
}

// A server that talks and does not answer: another query would not tell which of them is answered.
static void a_query_is_not_waited_for_without_end(void **state)
{
    (void)state;
    log_in(1);
    assert_true(session_query(&s, 1, now));
    now += LOGIN - 1;
    packet('H', NULL, 0);
    deliver(100);
    session_timers(&s, now);
    assert_true(s.state == SESSION_REPLAY && !s.wants_query);
    now++;
    session_timers(&s, now);
    assert_int_equal(s.state, SESSION_DOWN);
}

// In another session no answer to a query of the last one can come.
static void answers_end_with_their_session(void **state)
{
    (void)state;
    log_in(1);
    assert_true(session_query(&s, 1, now));
    lose();
    log_in_to("DAY2", 1);
    assert_true(s.halted == SESSION_HALT_NAME && s.queries_due == 0);
    packet('H', NULL, 0);
    deliver(100);
    assert_true(session_query(&s, 1, now));
    query_answer(4);
    deliver(100);
    assert_true(s.replayed && s.query_next == 4);
}

// Asked once: not by a heartbeat behind its answer, not by a person before it.
static void a_gap_asks_once(void **state)
{
    (void)state;
    log_in(5);
    assert_true(session_query(&s, 1, now));
    session_resume(&s, now);
    assert_true(s.state == SESSION_REPLAY && !s.wants_query);
    start(OUCH_50);
    log_in(5);
    assert_true(session_query(&s, 1, now));
    query_answer(1);
    packet('H', NULL, 0);
    deliver(100);
    assert_false(s.wants_query);
}

// There was no session before: another name than the configured one loses nothing.
static void a_connection_that_never_logged_in_is_none(void **state)
{
    struct session_config c = config_of(OUCH_50);
    struct error err = {0};
    (void)state;
    memcpy(c.session, "DAY1", 5);
    assert_true(session_init(&s, &c, &rig.transport, "session x", &err));
    connect_up();
    lose();
    log_in_to("DAY2", 1);
    assert_true(s.state == SESSION_REPLAY && !s.halted && s.count.renewed == 0);
}

int main(void)
{
#define SESSION_TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        SESSION_TEST(a_login_that_names_no_message_is_no_login),
        SESSION_TEST(a_second_login_ends_the_connection),
        SESSION_TEST(a_stream_that_fell_short_has_no_end),
        SESSION_TEST(a_stream_may_fall_short_again),
        SESSION_TEST(a_query_without_an_answer_waits_for_the_end_of_the_replay),
        SESSION_TEST(a_query_is_not_waited_for_without_end),
        SESSION_TEST(answers_end_with_their_session),
        SESSION_TEST(a_gap_asks_once),
        SESSION_TEST(a_connection_that_never_logged_in_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
