// A channel between sessions and silence.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "bench/book/offline.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/wire/mold64.h"

enum { STALE = 1000, LINES = 2 };

static struct offline o;

static int setup(void **state)
{
    (void)state;
    struct error err = {0};
    struct channel_config config = {.protocol = &feed_itch50,
                                    .reorder_frames = 4,
                                    .reorder_ticks = 50,
                                    .hold_frames = 16,
                                    .line_stale_ticks = STALE,
                                    .line_count = LINES,
                                    .book = {.symbols = 4, .orders = 1024}};
    book_config_defaults(&config.book);
    MUST(offline_init(&o, &config, &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    offline_free(&o);
    return 0;
}

// One packet of one system event, or of none.
static void packet(uint32_t line, const char *session, uint64_t sequence, uint16_t count,
                   uint64_t now)
{
    uint8_t bytes[MOLD64_HEADER_LEN + 2 + 12] = {0};
    const struct frame frame = {0};
    memcpy(bytes, session, MOLD64_SESSION_LEN);
    be64_store(bytes + 10, sequence);
    be16_store(bytes + 18, count);
    be16_store(bytes + 20, 12);
    bytes[22] = 'S';
    uint32_t len = count == 1 ? sizeof bytes : MOLD64_HEADER_LEN;
    assert_false(channel_datagram(&o.channel, line, bytes, len, &frame, now));
    if (now >= o.channel.deadline)
        channel_timers(&o.channel, now);
}

// The lane's turns, none of which brings a frame.
static void silence(uint64_t from, uint64_t to)
{
    for (uint64_t now = from; now <= to; now += 10)
        if (now >= o.channel.deadline)
            channel_timers(&o.channel, now);
}

// Nothing but data, never a heartbeat or a gap: its end is noticed all the same.
static void test_a_line_that_dies_is_stale(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 3; n++)
        for (uint32_t line = 0; line < LINES; line++)
            packet(line, "SESSION  1", n, 1, 100 * n);
    assert_int_equal(o.channel.quality, QUALITY_GOOD);
    silence(310, 300 + STALE - 20);
    assert_int_equal(o.channel.quality, QUALITY_GOOD);
    silence(300 + STALE, 300 + 2 * STALE);
    assert_int_equal(o.channel.quality, QUALITY_STALE);
    assert_int_equal(o.lines[0].stale, 1);
    assert_int_equal(o.events[EVENT_LINE_STALE], LINES);
    packet(1, "SESSION  1", 4, 1, 3000);
    assert_int_equal(o.channel.quality, QUALITY_GOOD);
    assert_int_equal(o.events[EVENT_LINE_ALIVE], 1);
    silence(3010, 3000 + 2 * STALE); // the other line has been silent all the time
    assert_int_equal(o.channel.quality, QUALITY_STALE);
}

// One line alone falls silent: said, and no doubt about the book.
static void test_one_silent_line_is_no_doubt(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 40; n++)
        packet(n > 3 ? 1 : n % 2, "SESSION  1", n, 1, 100 * n);
    assert_int_equal(o.lines[0].stale, 1);
    assert_int_equal(o.lines[1].stale, 0);
    assert_int_equal(o.channel.quality, QUALITY_GOOD);
}

static void test_each_session_has_its_own_end(void **state)
{
    (void)state;
    packet(0, "SESSION  1", 1, 1, 10);
    packet(0, "SESSION  1", 2, MOLD64_END, 20);
    packet(1, "SESSION  1", 2, MOLD64_END, 25);
    assert_int_equal(o.channel.state, CHANNEL_ENDED);
    assert_int_equal(o.count.end_of_session, 1);
    packet(0, "SESSION  2", 1, MOLD64_HEARTBEAT, 30); // the book is put away
    packet(0, "SESSION  2", 1, MOLD64_HEARTBEAT, 40);
    packet(0, "SESSION  2", 1, 1, 50);
    packet(0, "SESSION  2", 2, MOLD64_HEARTBEAT, 60); // in mid-session
    assert_int_equal(o.channel.state, CHANNEL_LIVE);
    assert_int_equal(o.count.session_changes, 1);
    packet(1, "SESSION  1", 2, MOLD64_END, 65); // old news of the slower line
    assert_int_equal(o.channel.state, CHANNEL_LIVE);
    packet(0, "SESSION  2", 2, MOLD64_END, 70);
    assert_int_equal(o.channel.state, CHANNEL_ENDED);
    assert_int_equal(o.count.end_of_session, 2);
    assert_int_equal(o.count.messages, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_line_that_dies_is_stale),
        TEST(test_one_silent_line_is_no_doubt),
        TEST(test_each_session_has_its_own_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
