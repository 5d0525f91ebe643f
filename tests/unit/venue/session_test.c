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

static void go_on(void)
{
    log_in((uint32_t)s.next_sequence);
    replay_end();
    assert_int_equal(s.state, SESSION_READY);
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
    log_in(1); // accepted, and dropped at once
    session_lost(&s, now);
    assert_true(s.reopen_at == now + RETRY_MAX);
    for (uint32_t held = 0; held < BEAT; held += BEAT - 1) { // ready, and dropped
        now += RETRY_MAX;
        go_on();
        now += held;
        session_lost(&s, now);
        assert_true(s.reopen_at == now + RETRY_MAX);
    }
    now += RETRY_MAX;
    go_on(); // a session that works starts over
    now += BEAT;
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
        cmocka_unit_test_setup(without_a_query_a_heartbeat_ends_the_replay, setup),
        cmocka_unit_test_setup(heartbeats_go_both_ways, setup),
        cmocka_unit_test_setup(back_off_doubles_up_to_its_limit, setup),
        cmocka_unit_test_setup(a_login_that_is_not_answered_is_given_up, setup),
        cmocka_unit_test_setup(nonsense_ends_the_connection_or_is_counted, setup),
        cmocka_unit_test_setup(a_stopped_session_stays_down, setup),
        cmocka_unit_test_setup(a_configuration_that_cannot_be_is_named, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
