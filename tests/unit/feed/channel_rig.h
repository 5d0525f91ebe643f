// A channel for tests that go step by step, and a spy on everything it says and asks for. Message n
// is a system event whose code is a letter of n, so that what was applied, and in which order, can
// be read.
#pragma once

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
    FRAMES = 256,
    FRAME_LEN = 600,
    S_LEN = 12,
    END = 0xffff
};

static struct offline o;
static struct channel *const ch = &o.channel;
static struct {
    char applied[8192]; // codes
    uint32_t applied_len;
    uint8_t bytes[FRAMES][FRAME_LEN];
    uint32_t frame_next;
    uint32_t kept;
    struct feed_request request; // the last
    uint32_t requests;
    bool ring_full;
    uint8_t qualities[512]; // of the channel, one after another
    uint32_t quality_len;
    struct event last[EVENT_TYPES];
} spy;

static inline void on_event(void *context, const struct event *event)
{
    (void)context;
    o.events[event->type]++;
    spy.last[event->type] = *event;
    assert_true(spy.applied_len < sizeof spy.applied && spy.quality_len < sizeof spy.qualities);
    if (event->type == EVENT_SYSTEM_EVENT)
        spy.applied[spy.applied_len++] = (char)event->system_event.code;
    if (event->type == EVENT_CHANNEL_QUALITY)
        spy.qualities[spy.quality_len++] = event->channel_quality.now;
}

static inline bool on_request(void *context, const struct feed_request *request)
{
    (void)context;
    if (spy.ring_full)
        return false;
    spy.request = *request;
    spy.requests++;
    return true;
}

static inline void on_release(void *context, struct frame *frame)
{
    (void)context;
    assert_non_null(frame->owner);
    spy.kept--;
}

static inline void open_channel(struct channel_config config)
{
    struct error err = {0};
    memset(&spy, 0, sizeof spy);
    config.protocol = &feed_itch50;
    config.reorder_frames = config.reorder_frames ? config.reorder_frames : 3;
    config.reorder_ticks = WINDOW;
    config.hold_frames = config.hold_frames ? config.hold_frames : HOLD;
    config.request_messages_max = 20;
    config.line_count = 2;
    config.book = (struct book_config){.symbols = 2, .orders = 1024};
    book_config_defaults(&config.book);
    MUST(offline_init(&o, &config, &err));
    ch->sink = (struct channel_sink){NULL, on_event, on_request, on_release};
}

static inline void close_channel(void)
{
    channel_drop_held(ch);
    assert_int_equal(spy.kept, 0);
    offline_free(&o);
}

static inline char code_of(uint64_t sequence)
{
    return (char)('a' + sequence % 26);
}

// A datagram of <count> messages, of which only the first <whole> are there.
static inline uint32_t datagram(uint8_t *p, const char *session, uint64_t sequence, uint16_t count,
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

static inline void arrive(uint32_t line, uint32_t len, uint64_t now)
{
    uint8_t *p = spy.bytes[spy.frame_next++ % FRAMES];
    const struct frame frame = {.data = p, .len = len, .owner = p};
    spy.kept++; // it may come back before the call does
    bool kept = line == ARBITER_RECOVERY ? channel_recovered(ch, p, len, &frame, now)
                                         : channel_datagram(ch, line, p, len, &frame, now);
    spy.kept -= !kept;
}

static inline uint8_t *frame_next(void)
{
    return spy.bytes[spy.frame_next % FRAMES];
}

static const char ONE[] = "SESSION001", TWO[] = "SESSION002";

static inline void data(uint32_t line, uint64_t sequence, uint16_t count, uint64_t now)
{
    arrive(line, datagram(frame_next(), ONE, sequence, count, count), now);
}

static inline void beat(uint32_t line, uint64_t next, uint16_t count, uint64_t now)
{
    arrive(line, datagram(frame_next(), ONE, next, count, 0), now);
}

// Nothing waits in a receive ring.
static inline void timers(uint64_t now)
{
    channel_timers(ch, now, now);
}

static inline void assert_applied(uint64_t from, uint64_t to)
{
    assert_int_equal(spy.applied_len, to - from);
    for (uint64_t n = from; n < to; n++)
        assert_int_equal(spy.applied[n - from], code_of(n));
}

static inline void assert_request(enum feed_request_kind kind, uint64_t from, uint64_t to)
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
