// Which symbols a channel follows: from the start by name, and changed while it runs.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "bench/book/offline.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"

static struct offline o;

static void block_apply(uint8_t *block, uint16_t len)
{
    be16_store(block, len);
    const struct feed_packet packet = {.count = 1, .len = len + 2u, .blocks = block};
    assert_int_equal(feed_itch50.apply(&o.channel, &packet, 0), 1);
}

static void directory(uint16_t locate, const char *stock)
{
    uint8_t block[2 + 39] = {0};
    block[2] = 'R';
    be16_store(block + 3, locate);
    memcpy(block + 2 + 11, stock, 8);
    block_apply(block, 39);
}

static void add(uint16_t locate, const char *stock, uint64_t ref)
{
    uint8_t block[2 + 36] = {0};
    block[2] = 'A';
    be16_store(block + 3, locate);
    be64_store(block + 2 + 11, ref);
    block[2 + 19] = 'B';
    be32_store(block + 2 + 20, 100);
    memcpy(block + 2 + 24, stock, 8);
    be32_store(block + 2 + 32, 10000);
    block_apply(block, 36);
}

static void open_channel(void)
{
    struct error err = {0};
    struct channel_config config = {
        .protocol = &feed_itch50, .hold_frames = 1, .book = {.symbols = 10, .orders = 2000}};
    book_config_defaults(&config.book);
    MUST(offline_init(&o, &config, &err));
}

static void test_names_of_the_start(void **state)
{
    (void)state;
    static const char names[1][8] = {"MSFT    "};
    open_channel();
    channel_follow(&o.channel, names, 1);
    directory(5, "AAPL    ");
    directory(7, "MSFT    ");
    add(5, "AAPL    ", 1);
    add(7, "MSFT    ", 2);
    assert_int_equal(o.channel.book.orders_live, 1);
    assert_int_equal(o.channel.book.slot_of_locate[5], SYMBOL_NONE);
    assert_int_equal(o.count.filtered, 1);
    offline_free(&o);
}

static void test_live_change_drops_orders_and_doubts_what_is_new(void **state)
{
    (void)state;
    static uint64_t bitmap[1024];
    open_channel();
    directory(5, "AAPL    ");
    directory(7, "MSFT    ");
    for (uint64_t ref = 1; ref <= 300; ref++)
        add(5, "AAPL    ", ref);
    bitmap[0] = 1ull << 7;
    channel_filter_begin(&o.channel, bitmap);
    uint32_t steps = 0;
    while (o.channel.filter_next && steps < 1000)
        steps += channel_filter_step(&o.channel);
    assert_true(steps > 4); // 300 orders are not dropped in one step
    assert_int_equal(o.events[EVENT_FILTER_CHANGED], 1);
    assert_int_equal(o.channel.book.orders_live, 0);
    add(5, "AAPL    ", 1000);
    add(7, "MSFT    ", 1001);
    assert_int_equal(o.channel.book.orders_live, 1);
    assert_int_equal(o.channel.book.symbols[o.channel.book.slot_of_locate[5]].quality,
                     QUALITY_SUSPECT);
    assert_int_not_equal(o.channel.book.symbols[o.channel.book.slot_of_locate[7]].quality,
                         QUALITY_SUSPECT);
    // AAPL again: its book is incomplete, and says so.
    bitmap[0] |= 1ull << 5;
    channel_filter_begin(&o.channel, bitmap);
    while (o.channel.filter_next)
        channel_filter_step(&o.channel);
    add(5, "AAPL    ", 1002);
    assert_int_equal(o.channel.book.symbols[o.channel.book.slot_of_locate[5]].quality,
                     QUALITY_SUSPECT);
    assert_int_equal(o.channel.book.orders_live, 2);
    offline_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_the_start),
        cmocka_unit_test(test_live_change_drops_orders_and_doubts_what_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
