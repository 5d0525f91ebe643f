// Whatever loss, duplication, reordering and skew do to lines A and B: the books are right, or the
// channel says that they are not. Seeds: seeds.h.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SIM_PROPERTIES 8 // all seconds are theirs
#include "tests/sim/feed_world.h"
#include "tests/sim/seeds.h"

// A world from a seed: sizes and faults differ from one to the next.
static struct world_config world_of(uint64_t seed)
{
    uint64_t r = seed * 0xD6E8FEB86659FD93ull;
    struct world_config c = {
        .seed = seed,
        .messages = 3000 + (uint32_t)(r >> 8) % 6000,
        .symbols = 5 + (uint32_t)(r >> 20) % 60,
        .loss_ppm = {(uint32_t)(r >> 3) % 200000, (uint32_t)(r >> 13) % 200000},
        .duplicate_ppm = (uint32_t)(r >> 23) % 100000,
        .reorder_ppm = (uint32_t)(r >> 33) % 200000,
        .skew = {(r >> 5) % 100000, (r >> 15) % 100000},
        .delay_max = 1 + (r >> 25) % 100000,
        .cut_differs = seed % 2,
        .pause_ppm = seed % 5 ? 0 : 50000,
        .pause_max = 2000000, // five windows
        .zero_ppm = seed % 3 ? 0 : 20000,
        .stray_ppm = seed % 7 ? 0 : 50000,
        .breaks_off = seed % 4 < 2,
        .ends = (r >> 17) & 1,
        .channel = {.reorder_frames = 128,
                    .reorder_ticks = 400000,
                    .hold_frames = 4096,
                    .line_stale_ticks = 4000000},
    };
    c.live = 200 + (uint32_t)(r >> 30) % 800;
    histogram_edges_init(1000000000);
    return c;
}

static void compare(const struct world_config *c, struct offline *o)
{
    static struct offline clean;
    char why[200] = "";
    world_run_clean(c, &clean);
    if (!book_check(&o->channel.book, why, sizeof why) ||
        !world_books_equal(&clean.channel.book, &o->channel.book, why, sizeof why))
        fail_msg("seed %lu: %s", c->seed, why);
    offline_free(&clean);
}

// (a) Each packet on at least one line within the window: same books, and never a doubt.
static void one_line_is_enough(uint64_t seed)
{
    static struct offline o;
    struct world_result r;
    struct world_config c = world_of(seed);
    world_run(&c, &o, &r);
    compare(&c, &o);
    if (r.suspect_events || o.count.gaps || o.count.unknown_reference || r.lies ||
        o.channel.quality != QUALITY_GOOD)
        fail_msg("seed %lu: %u doubts, %lu gaps, %lu unknown references, %u lies", seed,
                 r.suspect_events, o.count.gaps, o.count.unknown_reference, r.lies);
    assert_int_equal(o.channel.state == CHANNEL_ENDED, c.ends);
    assert_int_equal(o.count.delivered, r.last_sequence);
    assert_int_equal(r.frames_out, 0);
    offline_free(&o);
}

// (b) Losses on both lines and a server: same books in the end.
static void server_repairs(uint64_t seed)
{
    static struct offline o;
    struct world_result r;
    struct world_config c = world_of(seed);
    c.both_ppm = 20000;
    c.server = true;
    c.server_loss_ppm = 100000;
    world_run(&c, &o, &r);
    compare(&c, &o);
    if (o.channel.quality != QUALITY_GOOD || o.count.lost_messages || r.lies ||
        o.count.delivered != r.last_sequence)
        fail_msg("seed %lu: quality %u, %lu lost, %lu of %lu delivered, state %d, %u lies", seed,
                 o.channel.quality, o.count.lost_messages, o.count.delivered, r.last_sequence,
                 o.channel.state, r.lies);
    if (r.lost_both)
        assert_true(o.count.recovered_messages > 0);
    assert_int_equal(r.frames_out, 0);
    offline_free(&o);
}

// (c) Nobody to ask: from the gap on the channel never again calls itself good.
static void nobody_to_ask(uint64_t seed)
{
    static struct offline o;
    struct world_result r;
    struct world_config c = world_of(seed);
    c.both_ppm = 5000;
    world_run(&c, &o, &r);
    if (r.lost_both) {
        if (r.good_after_loss || o.channel.quality != QUALITY_SUSPECT)
            fail_msg("seed %lu: good at %lu with a gap, quality %u at the end", seed,
                     r.good_after_loss, o.channel.quality);
        assert_true(o.count.lost_messages > 0);
        assert_int_equal(o.count.delivered + o.count.lost_messages, r.last_sequence);
        for (uint32_t slot = 0; slot < o.channel.book.symbol_count; slot++)
            assert_true(channel_symbol_quality(&o.channel, slot) >= QUALITY_SUSPECT);
    }
    assert_int_equal(r.lies, 0);
    assert_int_equal(r.frames_out, 0);
    offline_free(&o);
}

// A late joiner loads a snapshot, which may be older than what it holds, and splices; so it does
// with gaps that nobody resends.
static void late_joiner(uint64_t seed)
{
    static struct offline o;
    struct world_result r;
    struct world_config c = world_of(seed);
    c.snapshots = true;
    c.join_at = 2 + seed * 7919 % (c.messages / 2);
    c.both_ppm = seed % 2 ? 0 : 5000;
    c.server = seed % 4 < 2;
    world_run(&c, &o, &r);
    compare(&c, &o);
    if (o.channel.quality != QUALITY_GOOD || r.lies || o.count.snapshots == 0)
        fail_msg("seed %lu: quality %u, %u lies, %lu snapshots, state %d", seed, o.channel.quality,
                 r.lies, o.count.snapshots, o.channel.state);
    assert_int_equal(r.frames_out, 0);
    offline_free(&o);
}

// Snapshots that fail as often as not: whenever the channel calls itself good, it is.
static void snapshots_that_fail(uint64_t seed)
{
    static struct offline o;
    struct world_result r;
    struct world_config c = world_of(seed);
    c.snapshots = true;
    c.snapshot_fail_ppm = 500000;
    c.join_at = seed % 3 ? 0 : 2 + seed * 7919 % (c.messages / 2);
    c.both_ppm = 5000;
    world_run(&c, &o, &r);
    assert_int_equal(r.lies, 0);
    if (o.channel.quality == QUALITY_GOOD)
        compare(&c, &o);
    else
        assert_int_equal(o.channel.quality, QUALITY_SUSPECT);
    assert_int_equal(r.frames_out, 0);
    offline_free(&o);
}

// A session follows another at once, while a slow line still sends the one before: in the end the
// books are those of the new one alone.
static void next_session(uint64_t seed)
{
    static struct offline o;
    struct world_result r;
    struct world_config c = world_of(seed);
    c.days = 2;
    c.server = true;
    c.both_ppm = seed % 2 ? 0 : 10000;
    c.messages /= 2;
    world_run(&c, &o, &r);
    compare(&c, &o);
    if (o.channel.quality != QUALITY_GOOD || r.lies || o.count.session_changes != 1)
        fail_msg("seed %lu: quality %u, %u lies, %lu sessions changed, state %d", seed,
                 o.channel.quality, r.lies, o.count.session_changes, o.channel.state);
    assert_int_equal(o.channel.state == CHANNEL_ENDED, c.ends);
    assert_int_equal(r.frames_out, 0);
    offline_free(&o);
}

// The same with nobody to ask: what came on a line while the books of the session before were put
// away is in those of the new one, and nothing is in doubt.
static void next_session_alone(uint64_t seed)
{
    static struct offline o;
    struct world_result r;
    struct world_config c = world_of(seed);
    c.days = 2;
    c.messages /= 2;
    world_run(&c, &o, &r);
    compare(&c, &o);
    if (o.channel.quality != QUALITY_GOOD || r.lies || o.count.gaps || o.count.lost_messages ||
        o.count.session_changes != 1)
        fail_msg("seed %lu: quality %u, %u lies, %lu gaps, %lu lost, state %d", seed,
                 o.channel.quality, r.lies, o.count.gaps, o.count.lost_messages, o.channel.state);
    assert_int_equal(r.frames_out, 0);
    offline_free(&o);
}

// Line A carries something else from some message on, line B all of the session: nothing happens.
static void a_line_leaves(uint64_t seed)
{
    static struct offline o;
    struct world_result r;
    struct world_config c = world_of(seed);
    c.line_leaves = true;
    c.loss_ppm[1] = 0;
    world_run(&c, &o, &r);
    compare(&c, &o);
    if (o.channel.quality != QUALITY_GOOD || r.suspect_events || r.lies || o.count.gaps ||
        o.count.session_changes || o.count.foreign_sessions == 0)
        fail_msg("seed %lu: quality %u, %u doubts, %u lies, %lu gaps, %lu sessions changed", seed,
                 o.channel.quality, r.suspect_events, r.lies, o.count.gaps,
                 o.count.session_changes);
    assert_int_equal(r.frames_out, 0);
    offline_free(&o);
}

#define PROPERTY_TEST(property)               \
    static void test_##property(void **state) \
    {                                         \
        (void)state;                          \
        seeds_run(property);                  \
    }

PROPERTY_TEST(one_line_is_enough)
PROPERTY_TEST(server_repairs)
PROPERTY_TEST(nobody_to_ask)
PROPERTY_TEST(late_joiner)
PROPERTY_TEST(snapshots_that_fail)
PROPERTY_TEST(next_session)
PROPERTY_TEST(next_session_alone)
PROPERTY_TEST(a_line_leaves)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_line_is_enough),  cmocka_unit_test(test_server_repairs),
        cmocka_unit_test(test_nobody_to_ask),       cmocka_unit_test(test_late_joiner),
        cmocka_unit_test(test_snapshots_that_fail), cmocka_unit_test(test_next_session),
        cmocka_unit_test(test_next_session_alone),  cmocka_unit_test(test_a_line_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
