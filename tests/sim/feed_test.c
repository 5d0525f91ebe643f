// Whatever loss, duplication, reordering and skew do to lines A and B: the books are right, or the
// channel says that they are not. SIM_SECONDS (default 60) bounds the run, or TICKGATE_SEEDS says
// how many seeds each property gets; they start at TICKGATE_SEED (default 1), and a failure names
// its own.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "tests/sim/feed_world.h"

static uint64_t env(const char *name, uint64_t value)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : value;
}

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
        .channel = {.reorder_frames = 128, .reorder_ticks = 400000, .hold_frames = 4096},
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
    if (r.suspect_events || o.count.gaps || o.count.unknown_reference ||
        o.channel.quality != QUALITY_GOOD)
        fail_msg("seed %lu: %u doubts, %lu gaps, %lu unknown references", seed, r.suspect_events,
                 o.count.gaps, o.count.unknown_reference);
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
    if (o.channel.quality != QUALITY_GOOD || o.count.lost_messages ||
        o.count.delivered != r.last_sequence)
        fail_msg("seed %lu: quality %u, %lu lost, %lu of %lu delivered, state %d", seed,
                 o.channel.quality, o.count.lost_messages, o.count.delivered, r.last_sequence,
                 o.channel.state);
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
    }
    assert_int_equal(r.frames_out, 0);
    offline_free(&o);
}

static void run_seeds(void (*property)(uint64_t seed), uint64_t share)
{
    uint64_t seed = env("TICKGATE_SEED", 1), count = env("TICKGATE_SEEDS", 0);
    double seconds = (double)env("SIM_SECONDS", 60) / (double)share;
    struct timespec start, now;
    uint64_t done = 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        property(seed + done++);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (count ? done < count
                   : (double)(now.tv_sec - start.tv_sec) +
                             (double)(now.tv_nsec - start.tv_nsec) / 1e9 <
                         seconds);
    print_message("%lu seeds from %lu\n", done, seed);
}

static void test_one_line_is_enough(void **state)
{
    (void)state;
    run_seeds(one_line_is_enough, 3);
}

static void test_server_repairs(void **state)
{
    (void)state;
    run_seeds(server_repairs, 3);
}

static void test_nobody_to_ask(void **state)
{
    (void)state;
    run_seeds(nobody_to_ask, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_line_is_enough),
        cmocka_unit_test(test_server_repairs),
        cmocka_unit_test(test_nobody_to_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
