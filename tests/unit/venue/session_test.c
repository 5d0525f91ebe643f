// The session against a server written by hand, byte by byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/venue/session.h"
#include "tests/lib/wire_rig.h"

enum { BEAT = 1000, SILENT = 5000, LOGIN = 3000, RETRY = 100, RETRY_MAX = 350 };

static struct session s;
static struct wire_rig rig;
static uint64_t now;

static struct session_config config_of(enum ouch_version version)
{
    struct session_config c = {.frames = {.version = version, .firm = "    ", .capacity = 'P'},
                               .username = "user",
                               .password = "secret",
                               .sequence = 1,
                               .heartbeat_ticks = BEAT,
                               .silence_ticks = SILENT,
                               .login_ticks = LOGIN,
                               .retry_ticks = RETRY,
                               .retry_ticks_max = RETRY_MAX};
    ouch_prefix_set(&c.frames.prefix, "T");
    return c;
}

static void start(enum ouch_version version)
{
    struct error err = {0};
    const struct session_config c = config_of(version);
    wire_rig_init(&rig);
    assert_true(session_init(&s, &c, &rig.transport, "session x", &err));
    now = 1000;
}

static int setup(void **state)
{
    (void)state;
    start(OUCH_50);
    return 0;
}

// --- the server ---

static uint8_t bytes[4096];
static uint32_t bytes_len;

static void packet(char type, const void *payload, uint32_t len)
{
    be16_store(bytes + bytes_len, (uint16_t)(len + 1));
    bytes[bytes_len + 2] = (uint8_t)type;
    if (len)
        memcpy(bytes + bytes_len + 3, payload, len);
    bytes_len += 3 + len;
}

static void accept(const char *session, uint32_t sequence)
{
    char text[31];
    snprintf(text, sizeof text, "%10.10s%20u", session, sequence);
    packet('A', text, 30);
}

// A cancel of one share of order <ref>: the messages of these tests are told apart by it.
static void message(uint32_t ref)
{
    uint8_t m[18];
    const struct ouch50_canceled c = {
        .timestamp_ns = ref, .user_ref = ref, .quantity = 1, .reason = 'U'};
    packet('S', m, ouch50_canceled_write(m, &c));
}

static void query_answer(uint32_t next)
{
    uint8_t m[13];
    const struct ouch50_query_answer q = {.timestamp_ns = 1, .next_user_ref = next};
    packet('S', m, ouch50_query_answer_write(m, &q));
}

// Hands everything over, in pieces of <piece> bytes; returns the references read, as a sum.
static uint32_t deliver(uint32_t piece)
{
    struct ouch_report r;
    uint32_t sum = 0;
    for (uint32_t at = 0; at < bytes_len; at += piece) {
        uint32_t len = bytes_len - at < piece ? bytes_len - at : piece;
        session_received(&s, bytes + at, len, now);
        while (session_next(&s, now, &r))
            sum += r.kind == REPORT_CANCELED ? r.ref : 0;
    }
    bytes_len = 0;
    return sum;
}

static void connect_up(void)
{
    session_timers(&s, now);
    assert_int_equal(s.state, SESSION_CONNECTING);
    session_opened(&s, now);
    assert_int_equal(s.state, SESSION_LOGIN);
}

static void log_in(uint32_t sequence)
{
    connect_up();
    accept("DAY1", sequence);
    deliver(100);
}

static void go(void)
{
    log_in(1);
    if (s.frames.query.len > 0) { // OUCH 4.2 has none: nothing ends the replay but a heartbeat
        assert_true(s.wants_query);
        assert_true(session_query(&s, 1, now));
        query_answer(1);
    } else {
        packet('H', NULL, 0);
    }
    deliver(100);
    assert_true(s.replayed);
    session_go(&s, now);
    assert_int_equal(s.state, SESSION_READY);
    rig.sent_len = 0;
}

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
}

static void the_end_of_a_session_starts_another(void **state)
{
    (void)state;
    go();
    packet('Z', NULL, 0);
    deliver(100);
    assert_int_equal(s.state, SESSION_DOWN);
    assert_true(s.next_sequence == 1 && s.session_id[0] == 0);
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

// --- what leaves ---

static const struct frame_order order = {.ref = 7,
                                         .quantity = 100,
                                         .price = 1000000,
                                         .symbol = "MSFT    ",
                                         .side = 'B',
                                         .time_in_force = '0',
                                         .display = 'Y'};

static struct egress approval(void)
{
    return (struct egress){.ref = 7,
                           .quantity = 100,
                           .price = 1000000,
                           .symbol = "MSFT    ",
                           .side = 'B',
                           .letter = 'O',
                           .time_in_force = '0',
                           .display = 'Y'};
}

static void every_order_frame_needs_its_own_approval(void **state)
{
    (void)state;
    go();
    const struct frame_bytes *frame = frame_enter(&s.frames, &order);
    s.approved = approval();
    assert_int_equal(session_send_order(&s, frame, now), SESSION_SENT);
    assert_int_equal(rig.sent_len, 50);
    // The same frame again: the approval is used up.
    assert_int_equal(session_send_order(&s, frame, now), SESSION_EGRESS);
    assert_int_equal(rig.sent_len, 50);
    assert_true(s.halted && !session_may_enter(&s) && session_may_cancel(&s));
}

static void a_frame_that_differs_halts_the_session(void **state)
{
    (void)state;
    go();
    s.approved = approval();
    s.approved.letter = 'U';
    assert_int_equal(session_send_order(&s, frame_enter(&s.frames, &order), now), SESSION_EGRESS);
    assert_true(s.halted && s.count.egress == 1 && rig.sent_len == 0);
    start(OUCH_50); // an order in the clothes of a cancel
    go();
    assert_false(session_send_cancel(&s, frame_enter(&s.frames, &order), now));
    assert_true(s.halted && rig.sent_len == 0);
    s.frames.query = *frame_enter(&s.frames, &order); // or of a query
    s.query_at = 0;
    assert_false(session_query(&s, 1, now));
    assert_true(s.count.egress == 2 && rig.sent_len == 0);
}

#define HAS(tag) (1u << OUCH50_TAG_##tag)
static const struct ouch_extras own = {
    .options = {.present = HAS(FIRM) | HAS(MIN_QUANTITY) | HAS(EXPIRE_S),
                .firm = "OWNS",
                .min_quantity = 5,
                .expire_s = 60},
    .capacity = 'P',
    .iso = 'Y'};

// Kinds of frames: the sum of these.
enum { IN_42 = 1, REPLACES = 2, EXTRAS = 4, TIMED = 8, MODIFIES = 16, KINDS = 18 };

// A session that has approved order 7 and its frame.
static struct frame_bytes *frame_approved(uint32_t kind)
{
    struct frame_order o = order;
    start(kind & IN_42 ? OUCH_42 : OUCH_50);
    go();
    s.approved = approval();
    if (kind & MODIFIES) {
        s.approved = (struct egress){.ref = 7, .quantity = 100, .side = 'B', .letter = 'M'};
        frame_modify(&s.frames, 7, 'B', 100);
        return &s.frames.modify;
    }
    o.extras = s.approved_extras = kind & EXTRAS ? &own : NULL;
    o.time_in_force = s.approved.time_in_force = kind & TIMED ? '6' : '0';
    if (kind & REPLACES) {
        o.ref_was = s.approved.ref_was = 3;
        s.approved.letter = 'U';
        s.approved.side = 0;
        memset(s.approved.symbol, 0, sizeof s.approved.symbol);
        frame_replace(&s.frames, &o);
    } else {
        frame_enter(&s.frames, &o);
    }
    return kind & EXTRAS ? &s.frames.with : kind & REPLACES ? &s.frames.replace : &s.frames.enter;
}

// Whichever byte of an order's frame is not what was approved, or what the session was set up with;
// nor is there one more.
static void no_byte_of_a_frame_may_differ(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        if ((kind & (TIMED | EXTRAS)) == TIMED)
            continue; // an extra says for how long
        const uint32_t len = frame_approved(kind)->len;
        for (uint32_t at = 0; at <= len + 1; at++) {
            struct frame_bytes *f = frame_approved(kind);
            if (at < len) // behind it is the one that leaves as it is
                f->bytes[at] ^= 1;
            struct frame_bytes copy = *f;
            copy.len += at > len;
            be16_store(copy.bytes, (uint16_t)(at < 2 ? be16_load(f->bytes) : copy.len - 2));
            const enum session_sent sent = session_send_order(&s, &copy, now);
            if ((sent == SESSION_SENT) != (at == len))
                fail_msg("kind %u, byte %u of %u: %d", kind, at, len, sent);
            assert_int_equal(s.halted, at != len);
            assert_null(s.approved_extras);
        }
    }
}

// In the frame of orders that have none, they would be missing.
static void what_was_approved_with_options_has_them(void **state)
{
    (void)state;
    for (uint32_t kind = EXTRAS; kind < TIMED; kind++) {
        struct frame_order o = order;
        frame_approved(kind);
        o.ref_was = 3;
        const struct frame_bytes *plain =
            kind & REPLACES ? frame_replace(&s.frames, &o) : frame_enter(&s.frames, &o);
        assert_int_equal(session_send_order(&s, plain, now), SESSION_EGRESS);
        assert_true(s.halted && s.approved_extras == NULL);
    }
    // Nor the other way round.
    const struct frame_bytes *with = frame_approved(EXTRAS);
    s.approved_extras = NULL;
    assert_int_equal(session_send_order(&s, with, now), SESSION_EGRESS);
    with = frame_approved(EXTRAS);
    rig.refuse = true;
    assert_int_equal(session_send_order(&s, with, now), SESSION_NOT_SENT);
    assert_null(s.approved_extras);
}

// A second packet behind the one that is looked at would leave unseen.
static void nothing_stands_behind_a_frame(void **state)
{
    (void)state;
    struct frame_bytes two;
    start(OUCH_50);
    go();
    const struct frame_bytes *enter = frame_enter(&s.frames, &order);
    two = *frame_cancel(&s.frames, 7, 0);
    memcpy(two.bytes + two.len, enter->bytes, enter->len);
    two.len += enter->len;
    assert_false(session_send_cancel(&s, &two, now));
    assert_true(s.halted && rig.sent_len == 0);
    start(OUCH_50);
    go();
    s.approved = approval();
    two = *frame_enter(&s.frames, &order);
    memcpy(two.bytes + two.len, enter->bytes, enter->len);
    two.len += enter->len;
    assert_int_equal(session_send_order(&s, &two, now), SESSION_EGRESS);
    assert_true(s.halted && rig.sent_len == 0);
}

static void a_refusal_of_the_transport_is_no_sending(void **state)
{
    (void)state;
    go();
    s.approved = approval();
    rig.refuse = true;
    assert_int_equal(session_send_order(&s, frame_enter(&s.frames, &order), now), SESSION_NOT_SENT);
    assert_false(s.halted);
    assert_false(session_send_cancel(&s, frame_cancel(&s.frames, 7, 0), now));
    rig.refuse = false;
    rig.busy = true;
    assert_false(session_free(&s, 1));
    assert_false(session_send_cancel(&s, frame_cancel(&s.frames, 7, 0), now));
    rig.busy = false;
    assert_true(session_send_cancel(&s, frame_cancel(&s.frames, 7, 0), now));
    assert_memory_equal(rig.sent, "\0\x0aUX\0\0\0\7\0\0\0\0", 12);
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
        cmocka_unit_test_setup(without_a_query_a_heartbeat_ends_the_replay, setup),
        cmocka_unit_test_setup(heartbeats_go_both_ways, setup),
        cmocka_unit_test_setup(back_off_doubles_up_to_its_limit, setup),
        cmocka_unit_test_setup(a_login_that_is_not_answered_is_given_up, setup),
        cmocka_unit_test_setup(a_session_that_is_gone_is_left, setup),
        cmocka_unit_test_setup(the_end_of_a_session_starts_another, setup),
        cmocka_unit_test_setup(nonsense_ends_the_connection_or_is_counted, setup),
        cmocka_unit_test_setup(every_order_frame_needs_its_own_approval, setup),
        cmocka_unit_test_setup(a_frame_that_differs_halts_the_session, setup),
        cmocka_unit_test_setup(no_byte_of_a_frame_may_differ, setup),
        cmocka_unit_test_setup(what_was_approved_with_options_has_them, setup),
        cmocka_unit_test_setup(nothing_stands_behind_a_frame, setup),
        cmocka_unit_test_setup(a_refusal_of_the_transport_is_no_sending, setup),
        cmocka_unit_test_setup(a_stopped_session_stays_down, setup),
        cmocka_unit_test_setup(a_configuration_that_cannot_be_is_named, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
