// The hint of what comes behind a packet: it may be anything, and changes no book.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench/book/offline.h"
#include "dataplane/base/bytes.h"
#include "dataplane/wire/itch50.h"
#include "dataplane/wire/mold64.h"

enum { ORDERS = 70, PACKETS = 3, BLOCK_MAX = 2 + ITCH50_LEN_MAX };

static struct offline plain, hinted;

// A packet of MoldUDP64: adds of the references from <first> on, or their deletion.
struct wire {
    uint8_t bytes[MOLD64_HEADER_LEN + ORDERS * BLOCK_MAX];
    uint32_t len;
    struct feed_packet packet;
};
static struct wire day[PACKETS];

static void wire_build(struct wire *w, char type, uint64_t first, uint64_t sequence)
{
    const uint16_t len = type == 'A' ? 36 : 19;
    memset(w, 0, sizeof *w);
    w->len = MOLD64_HEADER_LEN;
    for (uint32_t i = 0; i < ORDERS; i++) {
        uint8_t *m = w->bytes + w->len + 2;
        be16_store(m - 2, len);
        m[0] = (uint8_t)type;
        be16_store(m + 1, 7);
        be64_store(m + 11, first + i);
        if (type == 'A') {
            m[19] = i % 2 ? 'S' : 'B';
            be32_store(m + 20, 100 + i);
            memcpy(m + 24, "ACME    ", 8);
            be32_store(m + 32, i % 2 ? 200000 + i % 5 * 100 : 100000 - i % 7 * 100);
        }
        w->len += 2u + len;
    }
    be64_store(w->bytes + 10, sequence);
    be16_store(w->bytes + 18, ORDERS);
    struct feed_datagram d;
    assert_true(feed_itch50.parse(w->bytes, w->len, &d));
    w->packet = d.packet;
}

static int setup(void **state)
{
    (void)state;
    struct error err = {0};
    const struct channel_config config = {
        .protocol = &feed_itch50, .hold_frames = 1, .book = {.symbols = 4, .orders = 1024}};
    struct channel_config sized = config;
    book_config_defaults(&sized.book);
    if (!offline_init(&plain, &sized, &err) || !offline_init(&hinted, &sized, &err))
        return -1;
    wire_build(&day[0], 'A', 1, 1);
    wire_build(&day[1], 'A', 1000, 1 + ORDERS);
    wire_build(&day[2], 'D', 1, 1 + 2 * ORDERS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    offline_free(&plain);
    offline_free(&hinted);
    return 0;
}

static void assert_same(void)
{
    char why[256];
    const struct symbol_top *a = &plain.channel.tops[0], *b = &hinted.channel.tops[0];
    assert_true(book_check(&hinted.channel.book, why, sizeof why));
    assert_memory_equal(a, b, sizeof *a);
    assert_memory_equal(&plain.count, &hinted.count, sizeof plain.count);
    assert_int_equal(plain.channel.book.orders_live, hinted.channel.book.orders_live);
}

// Applies a packet to both books; one is told that <len> bytes come behind it, which lie alone in
// their memory.
static void apply_behind(const struct wire *w, const uint8_t *behind, uint32_t len)
{
    uint8_t *alone = malloc(len ? len : 1);
    assert_non_null(alone);
    if (len)
        memcpy(alone, behind, len);
    channel_expect(&hinted.channel, alone, len);
    assert_int_equal(feed_itch50.apply(&plain.channel, &w->packet, 0), ORDERS);
    assert_int_equal(feed_itch50.apply(&hinted.channel, &w->packet, 0), ORDERS);
    assert_int_equal(hinted.channel.behind_len, 0); // used once
    free(alone);
    assert_same();
}

static void test_the_packet_behind(void **state)
{
    (void)state;
    apply_behind(&day[0], day[1].bytes, day[1].len);
    assert_int_equal(hinted.channel.book.orders_live, ORDERS);
    apply_behind(&day[1], day[2].bytes, day[2].len);
    assert_int_equal(hinted.channel.book.orders_live, 2 * ORDERS);
    apply_behind(&day[2], NULL, 0);
    assert_int_equal(hinted.channel.book.orders_live, ORDERS);
}

static void test_a_copy_and_a_packet_of_before(void **state)
{
    (void)state;
    apply_behind(&day[0], day[0].bytes, day[0].len);
    apply_behind(&day[1], day[0].bytes, day[0].len);
    assert_int_equal(hinted.channel.book.orders_live, 2 * ORDERS);
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    for (uint32_t len = 0; len <= day[2].len; len++) {
        apply_behind(&day[0], day[2].bytes, len);
        apply_behind(&day[2], day[0].bytes, len < day[0].len ? len : day[0].len);
        assert_int_equal(hinted.channel.book.orders_live, 0);
    }
}

// A block that ends before a reference would, at the end of its memory.
static void test_short_blocks(void **state)
{
    (void)state;
    for (uint32_t len = 0; len <= ITCH50_LEN_MAX; len++) {
        uint8_t behind[MOLD64_HEADER_LEN + BLOCK_MAX] = {0};
        be64_store(behind + 10, 1000);
        be16_store(behind + 18, 1);
        be16_store(behind + MOLD64_HEADER_LEN, (uint16_t)len);
        apply_behind(&day[0], behind, MOLD64_HEADER_LEN + 2 + len);
        apply_behind(&day[2], behind, MOLD64_HEADER_LEN + 2 + len);
    }
}

static void test_anything(void **state)
{
    (void)state;
    uint8_t noise[512];
    uint32_t x = 12345;
    for (uint32_t turn = 0; turn < 500; turn++) {
        for (uint32_t i = 0; i < sizeof noise; i++) {
            x = x * 1664525u + 1013904223u;
            noise[i] = (uint8_t)(x >> 24);
        }
        noise[10] = 0x7f; // a number far ahead: it is looked at
        if (turn % 2)
            for (uint32_t i = MOLD64_HEADER_LEN; i + 1 < sizeof noise; i += 2 + noise[i + 1] % 30)
                noise[i] = 0; // blocks of a likely length
        apply_behind(&day[0], noise, x % (sizeof noise + 1));
        apply_behind(&day[2], noise, x % (sizeof noise + 1));
    }
    assert_int_equal(hinted.channel.book.orders_live, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_packet_behind), TEST(test_a_copy_and_a_packet_of_before),
        TEST(test_cut_anywhere),      TEST(test_short_blocks),
        TEST(test_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
