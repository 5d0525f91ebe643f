// A channel step by step: windows, requests, snapshots, sessions, silence, and what is said about
// each. Message n is a system event whose code is a letter of n, so that what was applied, and in
// which order, can be read.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench/book/offline.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/wire/itch50.h"
#include "dataplane/wire/mold64.h"

enum {
    WINDOW = 100,
    STALE = 10000,
    HOLD = 4,
    FRAMES = 32,
    FRAME_LEN = 600,
    S_LEN = 12,
    END = 0xffff
};

static struct offline o;
static struct channel *const ch = &o.channel;
static struct {
    char applied[1024]; // codes
    uint32_t applied_len;
    uint8_t bytes[FRAMES][FRAME_LEN];
    uint32_t frame_next;
    uint32_t kept;
    struct feed_request request; // the last
    uint32_t requests;
    bool ring_full;
    uint8_t qualities[32]; // of the channel, one after another
    uint32_t quality_len;
    struct event last[EVENT_TYPES];
} spy;

static void on_event(void *context, const struct event *event)
{
    (void)context;
    o.events[event->type]++;
    spy.last[event->type] = *event;
    if (event->type == EVENT_SYSTEM_EVENT)
        spy.applied[spy.applied_len++] = (char)event->system_event.code;
    if (event->type == EVENT_CHANNEL_QUALITY)
        spy.qualities[spy.quality_len++] = event->channel_quality.now;
}

static bool on_request(void *context, const struct feed_request *request)
{
    (void)context;
    if (spy.ring_full)
        return false;
    spy.request = *request;
    spy.requests++;
    return true;
}

static void on_release(void *context, struct frame *frame)
{
    (void)context;
    assert_non_null(frame->owner);
    spy.kept--;
}

static void open_channel(struct channel_config config)
{
    struct error err = {0};
    memset(&spy, 0, sizeof spy);
    config.protocol = &feed_itch50;
    config.reorder_frames = config.reorder_frames ? config.reorder_frames : 3;
    config.reorder_ticks = WINDOW;
    config.hold_frames = HOLD;
    config.request_messages_max = 20;
    config.line_count = 2;
    config.book = (struct book_config){.symbols = 2, .orders = 1024};
    book_config_defaults(&config.book);
    MUST(offline_init(&o, &config, &err));
    ch->sink = (struct channel_sink){NULL, on_event, on_request, on_release};
}

static void close_channel(void)
{
    channel_drop_held(ch);
    assert_int_equal(spy.kept, 0);
    offline_free(&o);
}

static char code_of(uint64_t sequence)
{
    return (char)('a' + sequence % 26);
}

// A datagram of <count> messages, of which only the first <whole> are there.
static uint32_t datagram(uint8_t *p, const char *session, uint64_t sequence, uint16_t count,
                         uint16_t whole)
{
    memcpy(p, session, MOLD64_SESSION_LEN);
    be64_store(p + 10, sequence);
    be16_store(p + 18, count);
    uint32_t len = MOLD64_HEADER_LEN;
    for (uint32_t i = 0; i < whole; i++, len += 2 + S_LEN) {
        memset(p + len, 0, 2 + S_LEN);
        be16_store(p + len, S_LEN);
        p[len + 2] = 'S';
        p[len + 2 + 11] = (uint8_t)code_of(sequence + i);
    }
    return len;
}

static void arrive(uint32_t line, uint32_t len, uint64_t now)
{
    uint8_t *p = spy.bytes[spy.frame_next++ % FRAMES];
    const struct frame frame = {.data = p, .len = len, .owner = p};
    spy.kept++; // it may come back before the call does
    bool kept = line == ARBITER_RECOVERY ? channel_recovered(ch, p, len, &frame, now)
                                         : channel_datagram(ch, line, p, len, &frame, now);
    spy.kept -= !kept;
}

static uint8_t *frame_next(void)
{
    return spy.bytes[spy.frame_next % FRAMES];
}

static const char ONE[] = "SESSION001", TWO[] = "SESSION002";

static void data(uint32_t line, uint64_t sequence, uint16_t count, uint64_t now)
{
    arrive(line, datagram(frame_next(), ONE, sequence, count, count), now);
}

static void beat(uint32_t line, uint64_t next, uint16_t count, uint64_t now)
{
    arrive(line, datagram(frame_next(), ONE, next, count, 0), now);
}

static void assert_applied(uint64_t from, uint64_t to)
{
    assert_int_equal(spy.applied_len, to - from);
    for (uint64_t n = from; n < to; n++)
        assert_int_equal(spy.applied[n - from], code_of(n));
}

static void assert_request(enum feed_request_kind kind, uint64_t from, uint64_t to)
{
    assert_int_equal(spy.request.kind, kind);
    assert_int_equal(spy.request.sequence, from);
    assert_int_equal(spy.request.count, to - from);
}

#define ASSERT_QUALITIES(...)                                  \
    do {                                                       \
        static const uint8_t want[] = {__VA_ARGS__};           \
        assert_int_equal(spy.quality_len, sizeof want);        \
        assert_memory_equal(spy.qualities, want, sizeof want); \
    } while (0)

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
    channel_timers(ch, 10 + WINDOW - 1);
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
    channel_timers(ch, 10 + WINDOW);
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
    channel_timers(ch, 20 + WINDOW);
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
    channel_timers(ch, 10 + WINDOW);
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
    channel_timers(ch, 10 + WINDOW);
    assert_int_equal(spy.requests, 0);
    assert_true(ch->deadline <= 10 + WINDOW); // again at once
    spy.ring_full = false;
    channel_timers(ch, 11 + WINDOW);
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
    channel_timers(ch, 10 + WINDOW);
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

static void a_large_gap_is_the_snapshots(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_request = true, .can_snapshot = true});
    data(0, 1, 2, 0);
    data(0, 30, 2, 10); // 27 messages, and 20 may be asked for
    channel_timers(ch, 10 + WINDOW);
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
    channel_timers(ch, 10 + WINDOW);
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
    channel_timers(ch, 20 + WINDOW);
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

// --- sessions ---

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
    assert_int_equal(spy.request.kind, FEED_REQUEST_RESET);
    assert_int_equal(o.events[EVENT_SESSION_END], 1);
    data(1, 4, 1, 1001); // held at most
    channel_book_returned(ch, 1, true, 1010);
    assert_int_equal(ch->state, CHANNEL_IDLE);
    assert_int_equal(spy.kept, 0);
    data(1, 7, 1, 1011);
    data(ARBITER_RECOVERY, 3, 1, 1012);
    assert_int_equal(ch->state, CHANNEL_IDLE);
    assert_applied(1, 3);
    another(TWO, 1, 1, 2);
    another(TWO, 0, 3, 1);
    data(1, 8, 1, 1013);
    data(ARBITER_RECOVERY, 4, 1, 1014);
    assert_int_equal(o.count.session_changes, 1);
    assert_memory_equal(ch->session, TWO, SESSION_LEN);
    assert_int_equal(ch->arbiter.next, 4);
    assert_int_equal(spy.applied_len, 5);
    assert_int_equal(spy.last[EVENT_SESSION_START].session.sequence, 1);
    assert_int_equal(ch->quality, QUALITY_GOOD);
    close_channel();
}

// A third session while the book is away, and a snapshot that was meant for the first.
static void sessions_change_while_a_snapshot_loads(void **state)
{
    (void)state;
    open_channel((struct channel_config){.can_snapshot = true});
    data(0, 1, 2, 0);
    data(0, 5, 2, 10);
    channel_timers(ch, 10 + WINDOW);
    assert_int_equal(spy.request.kind, FEED_REQUEST_SNAPSHOT);
    another(TWO, 0, 1, 1);
    assert_int_equal(spy.requests, 1); // one at a time
    channel_book_returned(ch, 6, true, 300);
    assert_int_equal(spy.request.kind, FEED_REQUEST_RESET); // it is of a session that is over
    channel_book_returned(ch, 1, true, 310);
    another(TWO, 0, 1, 1);
    assert_int_equal(ch->arbiter.next, 2);
    assert_int_equal(ch->quality, QUALITY_GOOD);
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

static void a_late_joiner_without_snapshot_is_suspect_until_the_next_session(void **state)
{
    (void)state;
    open_channel((struct channel_config){.start = CHANNEL_START_LIVE});
    data(0, 100, 2, 0);
    assert_applied(100, 102);
    assert_int_equal(ch->quality, QUALITY_SUSPECT);
    another(TWO, 0, 1, 1);
    channel_book_returned(ch, 1, true, 1010);
    another(TWO, 1, 1, 1);
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
    channel_timers(ch, 200 + WINDOW);
    assert_request(FEED_REQUEST_MESSAGES, 98, 100);
    data(ARBITER_RECOVERY, 98, 2, 400);
    assert_applied(98, 104);
    assert_int_equal(o.events[EVENT_SNAPSHOT_DONE], 1);
    assert_int_equal(ch->quality, QUALITY_GOOD);
    assert_int_equal(spy.qualities[0], QUALITY_RECOVERING); // never good before
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
    channel_timers(ch, STALE + 10);
    assert_int_equal(o.events[EVENT_LINE_STALE], 1);
    assert_int_equal(spy.last[EVENT_LINE_STALE].line.line, 1);
    assert_int_equal(ch->quality, QUALITY_GOOD);
    channel_timers(ch, 2 * STALE - 1);
    assert_int_equal(ch->quality, QUALITY_GOOD);
    channel_timers(ch, 2 * STALE);
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
        cmocka_unit_test(a_large_gap_is_the_snapshots),
        cmocka_unit_test(a_snapshot_that_is_not_to_be_had),
        cmocka_unit_test(the_bill_of_held_frames),
        cmocka_unit_test(a_packet_cut_short),
        cmocka_unit_test(no_datagram_of_the_protocol),
        cmocka_unit_test(a_message_without_length),
        cmocka_unit_test(end_of_session_waits_for_what_is_missing),
        cmocka_unit_test(a_session_follows),
        cmocka_unit_test(sessions_change_while_a_snapshot_loads),
        cmocka_unit_test(a_sequence_that_rewinds),
        cmocka_unit_test(a_late_joiner_without_snapshot_is_suspect_until_the_next_session),
        cmocka_unit_test(a_late_joiner_loads_a_snapshot),
        cmocka_unit_test(silence_makes_lines_and_channel_stale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
