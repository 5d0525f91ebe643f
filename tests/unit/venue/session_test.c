// The session against a server written by hand, byte by byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/lib/session_rig.h"

// --- tests ---

// SoupBinTCP 4.10: how long the server is to wait for us stands behind the login of 3.00.
static void a_login_may_name_the_servers_patience(void **state)
{
    (void)state;
    struct error err = {0};
    struct session_config c = config_of(OUCH_50);
    c.timeout_ms = 9000;
    assert_true(session_init(&s, &c, &rig.transport, "session x", &err));
    connect_up();
    assert_int_equal(rig.sent_len, 54);
    assert_memory_equal(rig.sent, "\0\x34Luser  secret    ", 19);
    assert_memory_equal(rig.sent + 19, "                             1 9000", 35);
    c.timeout_ms = SOUPBIN_TIMEOUT_MS_MAX + 1;
    assert_false(session_init(&s, &c, &rig.transport, "session x", &err));
}

static void a_login_asks_for_what_was_not_read(void **state)
{
    (void)state;
    log_in(1);
    assert_int_equal(s.state, SESSION_REPLAY);
    assert_int_equal(rig.sent_len, 49);
    assert_memory_equal(rig.sent, "\0\x2fLuser  secret    ", 19);
    assert_memory_equal(rig.sent + 19, "                             1", 30);
    message(10);
    message(20);
    assert_int_equal(deliver(7), 30);
    assert_true(s.next_sequence == 3);
    session_lost(&s, now);
    assert_int_equal(s.state, SESSION_DOWN);
    rig.sent_len = 0;
    now += RETRY;
    connect_up();
    assert_memory_equal(rig.sent + 19, "      DAY1                   3", 30);
}

// Whatever bytes arrive together, and wherever the connection breaks: nothing lost, nothing twice.
static void bytes_may_be_cut_anywhere(void **state)
{
    (void)state;
    uint32_t total = 0;
    for (uint32_t cut = 1;; cut++) {
        start(OUCH_50);
        log_in(1);
        uint32_t sum = 0;
        for (uint32_t i = 1; i <= 4; i++)
            message(i);
        total = bytes_len;
        if (cut > total)
            break;
        bytes_len = cut; // the connection breaks here
        sum += deliver(5);
        session_lost(&s, now);
        now += RETRY_MAX;
        const uint32_t next = (uint32_t)s.next_sequence;
        log_in(next);
        for (uint32_t i = next; i <= 4; i++)
            message(i);
        sum += deliver(11);
        assert_int_equal(sum, 10);
        assert_true(s.next_sequence == 5 && s.count.sequenced == 4);
    }
    assert_true(total > 80);
}

static void what_was_read_before_is_not_applied_again(void **state)
{
    (void)state;
    log_in(1);
    message(1);
    message(2);
    deliver(100);
    session_lost(&s, now);
    now += RETRY;
    log_in(1); // asked for 3, gets everything
    message(1);
    message(2);
    message(4);
    assert_int_equal(deliver(100), 4);
    assert_true(s.count.repeated == 2 && s.next_sequence == 4);
    assert_int_equal(s.state, SESSION_REPLAY);
}

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

static void four_messages_and_lost(void)
{
    log_in(1);
    for (uint32_t i = 1; i <= 4; i++)
        message(i);
    assert_int_equal(deliver(100), 10);
    session_lost(&s, now);
    now += RETRY;
}

// An exchange that was started again and has the same name for an empty stream.
static void a_stream_that_has_become_shorter_halts(void **state)
{
    (void)state;
    four_messages_and_lost();
    log_in(1);
    assert_false(s.halted); // it may repeat
    packet('H', NULL, 0);
    message(7); // its first: not told from one that was read
    packet('H', NULL, 0);
    assert_int_equal(deliver(100), 0);
    session_go(&s, now);
    assert_int_equal(s.state, SESSION_READY);
    assert_true(s.halted == SESSION_HALT_SHORT && !session_may_enter(&s));
    assert_true(s.next_sequence == 5);
    packet('H', NULL, 0);
    message(8);
    assert_int_equal(deliver(100), 8); // from here on nothing is dropped
    assert_true(s.halted == SESSION_HALT_ANEW && s.next_sequence == 3);
    session_resume(&s, now);
    packet('H', NULL, 0);
    deliver(100);
    assert_true(session_may_enter(&s));
}

// With a query its answer has a number that was read before; it comes to rest all the same.
static void a_shorter_stream_comes_to_an_answer(void **state)
{
    (void)state;
    four_messages_and_lost();
    log_in(1);
    assert_true(session_query(&s, 1, now));
    query_answer(1); // number 1
    packet('H', NULL, 0);
    packet('H', NULL, 0);
    deliver(100);
    assert_false(s.replayed);
    assert_true(s.halted == SESSION_HALT_ANEW && s.next_sequence == 2);
    now += LOGIN;
    session_timers(&s, now);
    assert_int_equal(s.state, SESSION_DOWN);
    now += RETRY_MAX;
    log_in(2);
    packet('H', NULL, 0);
    deliver(100);
    assert_true(session_query(&s, 1, now));
    query_answer(1);
    deliver(100);
    session_go(&s, now);
    assert_true(s.state == SESSION_READY && s.halted == SESSION_HALT_ANEW);
}

// A server that stops for a moment while it repeats is halted, and nothing is applied twice.
static void a_repetition_that_pauses_is_not_taken_for_news(void **state)
{
    (void)state;
    four_messages_and_lost();
    log_in(1);
    for (uint32_t i = 1; i <= 5; i++) {
        message(i);
        packet('H', NULL, 0);
    }
    assert_int_equal(deliver(100), 5);
    assert_true(s.halted == SESSION_HALT_SHORT && s.next_sequence == 6);
}

// Whoever resumes as soon as the log asks for it: answers to orders would be dropped as read.
static void a_short_stream_is_not_replayed(void **state)
{
    (void)state;
    start(OUCH_42);
    log_in(1);
    for (uint32_t i = 1; i <= 4; i++)
        message(i);
    deliver(100);
    session_lost(&s, now);
    now += RETRY;
    log_in(1);
    packet('H', NULL, 0);
    deliver(100);
    assert_true(s.halted == SESSION_HALT_SHORT && s.next_sequence == 5);
    session_resume(&s, now);
    assert_false(s.replayed);
    packet('H', NULL, 0);
    packet('H', NULL, 0);
    deliver(100);
    assert_true(s.replayed && s.halted == SESSION_HALT_ANEW && s.next_sequence == 1);
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

static void without_a_query_a_heartbeat_ends_the_replay(void **state)
{
    (void)state;
    start(OUCH_42);
    log_in(1);
    assert_false(s.wants_query);
    assert_false(session_query(&s, 1, now));
    deliver(100);
    assert_false(s.replayed);
    packet('H', NULL, 0);
    deliver(100);
    assert_true(s.replayed);
    session_go(&s, now);
    assert_true(session_may_enter(&s));
}

static void heartbeats_go_both_ways(void **state)
{
    (void)state;
    go();
    now += BEAT - 1;
    session_timers(&s, now);
    assert_int_equal(rig.sent_len, 0);
    now += 1;
    session_timers(&s, now);
    assert_int_equal(rig.sent_len, 3);
    assert_memory_equal(rig.sent, "\0\1R", 3);
    packet('H', NULL, 0);
    deliver(100);
    const uint64_t heard = now;
    while (now < heard + SILENT - 1) {
        now++;
        session_timers(&s, now);
    }
    assert_int_equal(s.state, SESSION_READY);
    now++;
    session_timers(&s, now);
    assert_int_equal(s.state, SESSION_DOWN);
    assert_int_equal(rig.aborts, 1);
}

static void back_off_doubles_up_to_its_limit(void **state)
{
    (void)state;
    const uint32_t waits[] = {100, 200, 350, 350};
    rig.closed = true;
    for (uint32_t i = 0; i < 4; i++) {
        session_timers(&s, now);
        assert_int_equal(rig.opens, i + 1);
        now += waits[i] - 1;
        session_timers(&s, now);
        assert_int_equal(rig.opens, i + 1);
        now++;
    }
    rig.closed = false;
    log_in(1); // a login that works starts over
    session_lost(&s, now);
    assert_true(s.reopen_at == now + RETRY);
}

static void a_login_that_is_not_answered_is_given_up(void **state)
{
    (void)state;
    connect_up();
    now += LOGIN - 1;
    session_timers(&s, now);
    assert_int_equal(s.state, SESSION_LOGIN);
    now++;
    session_timers(&s, now);
    assert_int_equal(s.state, SESSION_DOWN);
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
    now += RETRY_MAX;
    rig.sent_len = 0;
    log_in(1);
    assert_memory_equal(rig.sent + 19, "                             1", 30);
    assert_int_equal(s.state, SESSION_REPLAY);
    assert_string_equal(s.session_id, "DAY1");
    // It was not available for a moment: it is the same, and what was read of it was read.
    message(1);
    message(2);
    assert_int_equal(deliver(100), 2);
    assert_true(s.count.repeated == 1 && s.count.renewed == 0);
    assert_false(s.halted);
}

static void another_session_before_the_end_halts(void **state)
{
    (void)state;
    for (int refused = 0; refused <= 1; refused++) {
        start(OUCH_50);
        go();
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

static void the_end_of_a_session_starts_another(void **state)
{
    (void)state;
    go(); // the answer of the query is its first message
    for (int other = 0; other <= 1; other++) {
        packet('Z', NULL, 0);
        deliver(100);
        assert_true(s.state == SESSION_DOWN && s.ended);
        now += RETRY_MAX;
        rig.sent_len = 0;
        log_in_to(other ? "DAY2" : "DAY1", 1);
        assert_memory_equal(rig.sent + 19, "                             1", 30);
        assert_false(s.ended || s.halted);
        message(3); // of the same session it was read before
        assert_int_equal(deliver(100), other ? 3 : 0);
        assert_true(s.next_sequence == 2 && s.count.renewed == 0);
    }
}

static void nonsense_ends_the_connection_or_is_counted(void **state)
{
    (void)state;
    go();
    packet('S', "?", 1); // OUCH that is none
    packet('x', NULL, 0);
    packet('U', "abc", 3);
    packet('+', "hello", 5);
    message(3);
    assert_int_equal(deliver(1), 3);
    assert_true(s.count.malformed == 2 && s.count.unsequenced == 1);
    assert_int_equal(s.state, SESSION_READY);
    memcpy(bytes, "\0\0", 2);
    bytes_len = 2;
    deliver(2);
    assert_int_equal(s.state, SESSION_DOWN);
    assert_int_equal(rig.aborts, 1);
    start(OUCH_50);
    connect_up();
    packet('A', "short", 5);
    deliver(100);
    assert_int_equal(s.state, SESSION_DOWN);
}

static void a_stopped_session_stays_down(void **state)
{
    (void)state;
    go();
    session_stop(&s, now);
    assert_memory_equal(rig.sent, "\0\1O", 3);
    assert_int_equal(rig.closes, 1);
    session_lost(&s, now);
    now += 100 * RETRY_MAX;
    session_timers(&s, now);
    assert_int_equal(s.state, SESSION_DOWN);
}

static void a_configuration_that_cannot_be_is_named(void **state)
{
    (void)state;
    struct error err = {0};
    struct session_config c = config_of(OUCH_50);
    c.sequence = 0;
    assert_false(session_init(&s, &c, &rig.transport, "session x", &err));
    assert_int_equal(err.code, EXIT_USAGE);
    assert_non_null(strstr(err.text, "session x: login"));
    c = config_of(OUCH_50);
    c.silence_ticks = BEAT;
    err = (struct error){0};
    assert_false(session_init(&s, &c, &rig.transport, "session x", &err));
    assert_non_null(strstr(err.text, "silence"));
    assert_string_equal(session_state_name(SESSION_GAP), "gap");
    assert_string_equal(session_state_name(SESSION_STATES), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_login_asks_for_what_was_not_read, setup),
        cmocka_unit_test_setup(a_login_may_name_the_servers_patience, setup),
        cmocka_unit_test_setup(bytes_may_be_cut_anywhere, setup),
        cmocka_unit_test_setup(what_was_read_before_is_not_applied_again, setup),
        cmocka_unit_test_setup(messages_that_are_missing_keep_it_from_ready, setup),
        cmocka_unit_test_setup(a_gap_outlives_its_connection, setup),
        cmocka_unit_test_setup(a_gap_ends_with_a_person, setup),
        cmocka_unit_test_setup(a_stream_that_has_become_shorter_halts, setup),
        cmocka_unit_test_setup(a_shorter_stream_comes_to_an_answer, setup),
        cmocka_unit_test_setup(a_repetition_that_pauses_is_not_taken_for_news, setup),
        cmocka_unit_test_setup(a_short_stream_is_not_replayed, setup),
        cmocka_unit_test_setup(a_gap_is_settled_once, setup),
        cmocka_unit_test_setup(without_a_query_a_heartbeat_ends_the_replay, setup),
        cmocka_unit_test_setup(heartbeats_go_both_ways, setup),
        cmocka_unit_test_setup(back_off_doubles_up_to_its_limit, setup),
        cmocka_unit_test_setup(a_login_that_is_not_answered_is_given_up, setup),
        cmocka_unit_test_setup(a_session_that_is_gone_is_left, setup),
        cmocka_unit_test_setup(another_session_before_the_end_halts, setup),
        cmocka_unit_test_setup(the_end_of_a_session_starts_another, setup),
        cmocka_unit_test_setup(nonsense_ends_the_connection_or_is_counted, setup),
        cmocka_unit_test_setup(a_stopped_session_stays_down, setup),
        cmocka_unit_test_setup(a_configuration_that_cannot_be_is_named, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
