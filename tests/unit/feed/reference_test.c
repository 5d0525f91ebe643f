// The ten-level book of a third party (real AAPL session, 10,000 events) against ours, row by row.
// The data is not part of this tree: without ../shared (or TICKGATE_SHARED) the test is skipped.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>

#include "bench/book/offline.h"
#include "dataplane/base/bytes.h"

enum { FIRST_PRICE_COLUMN = 17, DEPTH = 10, SEEDED = 60, ROWS = 10000, LINE_LEN = 2048 };

static struct offline offline;

static gzFile shared_open(const char *name)
{
    const char *root = getenv("TICKGATE_SHARED");
    char path[512];
    snprintf(path, sizeof path, "%s/data/itch/%s", root ? root : "../shared", name);
    return gzopen(path, "rb");
}

// The next message as a packet of its own; false at the end of the file.
static bool message_apply(gzFile file)
{
    uint8_t block[2 + 64];
    if (gzread(file, block, 2) != 2)
        return false;
    uint32_t len = be16_load(block);
    assert_true(len <= 64);
    assert_int_equal(gzread(file, block + 2, len), (int)len);
    const struct feed_packet packet = {.count = 1, .len = len + 2, .blocks = block};
    assert_int_equal(feed_itch50.apply(&offline.channel, &packet, 0), 1);
    return true;
}

// "163.3" -> 1633000. An empty field is 0.
static uint32_t price4(const char *text)
{
    uint32_t value = (uint32_t)strtoul(text, NULL, 10) * 10000, unit = 1000;
    const char *point = strchr(text, '.');
    for (const char *p = point ? point + 1 : ""; *p >= '0' && *p <= '9' && unit; p++, unit /= 10)
        value += (uint32_t)(*p - '0') * unit;
    return value;
}

static const char *column(char *line, uint32_t index)
{
    for (; index > 0 && line; index--) {
        line = strchr(line, ',');
        line = line ? line + 1 : NULL;
    }
    assert_non_null(line);
    return line;
}

static void row_compare(char *line, uint32_t row)
{
    static const uint32_t offset[2] = {[BOOK_ASK] = 0, [BOOK_BID] = 2};
    const struct book *book = &offline.channel.book;
    uint16_t slot = book->slot_of_locate[14];
    for (int side = 0; side < 2; side++) {
        struct book_level ours[DEPTH] = {0};
        book_depth(book, slot, side, DEPTH, ours);
        for (uint32_t level = 0; level < DEPTH; level++) {
            uint32_t at = FIRST_PRICE_COLUMN + 4 * level + offset[side];
            uint32_t price = price4(column(line, at));
            uint64_t shares = strtoull(column(line, at + 1), NULL, 10);
            if (ours[level].price != price || ours[level].shares != shares)
                fail_msg("row %u, %s level %u: theirs %lu x %u, ours %lu x %u", row,
                         side == BOOK_BID ? "bid" : "ask", level + 1, shares, price,
                         ours[level].shares, ours[level].price);
        }
    }
}

static void test_every_row_of_the_reference(void **state)
{
    (void)state;
    struct error err = {0};
    struct channel_config config = {
        .protocol = &feed_itch50, .hold_frames = 1, .book = {.symbols = 20, .orders = 20000}};
    gzFile messages = shared_open("aapl_20190130_0930.itch");
    gzFile levels = shared_open("aapl_20190130_0930_levels.csv.gz");
    char line[LINE_LEN], why[200];
    if (messages == NULL || levels == NULL)
        skip();
    book_config_defaults(&config.book);
    assert_true(offline_init(&offline, &config, &err));
    assert_non_null(gzgets(levels, line, sizeof line));
    for (uint32_t i = 0; i < SEEDED; i++)
        assert_true(message_apply(messages));
    uint32_t row = 0;
    for (; gzgets(levels, line, sizeof line); row++) {
        assert_true(message_apply(messages));
        row_compare(line, row + 1);
        if (!book_check_symbol(&offline.channel.book, 0, why, sizeof why))
            fail_msg("row %u: %s", row + 1, why);
    }
    assert_int_equal(row, ROWS);
    assert_false(message_apply(messages));
    assert_int_equal(offline.channel.book.orders_live, 5815);
    assert_int_equal(offline.count.executed_shares, 71750);
    assert_int_equal(offline.count.unknown_reference, 0);
    gzclose(messages);
    gzclose(levels);
    offline_free(&offline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_row_of_the_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
