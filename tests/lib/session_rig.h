// A session against a server written by hand, byte by byte. cmocka.h is included before this
// header.
#pragma once

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

static inline void start(enum ouch_version version)
{
    struct error err = {0};
    const struct session_config c = config_of(version);
    wire_rig_init(&rig);
    assert_true(session_init(&s, &c, &rig.transport, "session x", &err));
    now = 1000;
}

static inline int setup(void **state)
{
    (void)state;
    start(OUCH_50);
    return 0;
}

// --- the server ---

static uint8_t bytes[4096];
static uint32_t bytes_len;

static inline void packet(char type, const void *payload, uint32_t len)
{
    be16_store(bytes + bytes_len, (uint16_t)(len + 1));
    bytes[bytes_len + 2] = (uint8_t)type;
    if (len)
        memcpy(bytes + bytes_len + 3, payload, len);
    bytes_len += 3 + len;
}

static inline void accept(const char *session, uint32_t sequence)
{
    char text[31];
    snprintf(text, sizeof text, "%10.10s%20u", session, sequence);
    packet('A', text, 30);
}

// A cancel of one share of order <ref>: the messages of these tests are told apart by it.
static inline void message(uint32_t ref)
{
    uint8_t m[18];
    const struct ouch50_canceled c = {
        .timestamp_ns = ref, .user_ref = ref, .quantity = 1, .reason = 'U'};
    packet('S', m, ouch50_canceled_write(m, &c));
}

static inline void query_answer(uint32_t next)
{
    uint8_t m[13];
    const struct ouch50_query_answer q = {.timestamp_ns = 1, .next_user_ref = next};
    packet('S', m, ouch50_query_answer_write(m, &q));
}

// Hands everything over, in pieces of <piece> bytes; returns the references read, as a sum.
static inline uint32_t deliver(uint32_t piece)
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

static inline void connect_up(void)
{
    session_timers(&s, now);
    assert_int_equal(s.state, SESSION_CONNECTING);
    session_opened(&s, now);
    assert_int_equal(s.state, SESSION_LOGIN);
}

static inline void log_in_to(const char *session, uint32_t sequence)
{
    connect_up();
    accept(session, sequence);
    deliver(100);
}

static inline void log_in(uint32_t sequence)
{
    log_in_to("DAY1", sequence);
}

static inline void replay_end(void)
{
    if (s.frames.query.len > 0) { // OUCH 4.2 has none: nothing ends the replay but a heartbeat
        do {
            assert_true(s.wants_query && session_query(&s, 1, now));
            query_answer(1);
            deliver(100);
        } while (s.answers_left);
    } else {
        packet('H', NULL, 0);
        deliver(100);
    }
    assert_true(s.replayed);
    session_go(&s, now);
}

static inline void go(void)
{
    log_in(1);
    replay_end();
    assert_int_equal(s.state, SESSION_READY);
    rig.sent_len = 0;
}
