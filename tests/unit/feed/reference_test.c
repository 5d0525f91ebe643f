// Real sessions whose answers are known: the ten-level book of a third party (AAPL, 10,000 events)
// against ours, row by row, and counts, live orders and last books of the others. The data is not
// part of this tree: without ../shared (or TICKGATE_SHARED) the tests are skipped.
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

static uint32_t types[256]; // messages applied, by type

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
    types[block[2]]++;
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

struct best {
    uint32_t price, orders;
    uint64_t shares;
};

static const struct answer {
    const char *file;
    const char *types; // letters, and how many of each below
    uint32_t count[10];
    uint32_t symbols, live;
    uint64_t unknown, executed;
    struct best bid, ask; // of the only symbol; price 0: not asked
} answers[] = {
    {"aapl_20190130_0930.itch",
     "AFECXDUSRH",
     {7521, 109, 729, 17, 6, 1237, 437, 2, 1, 1},
     1,
     5815,
     0,
     71750,
     {1625000, 3, 245},
     {1625700, 1, 600}},
    {"aapl_20120621_0930_1030.itch",
     "",
     {0},
     1,
     380,
     0,
     350494,
     {5856900, 0, 10},
     {5859500, 0, 100}},
    {"multi_20191230_0400_500.itch", "ADU", {495, 4, 1}, 198, 491, 0, 0, {0}, {0}},
    {"two_per_type.itch", "ACDEUX", {2, 2, 2, 2, 2, 2}, 0, 2, 9, 160, {0}, {0}},
    {"start_of_day_1000.itch", "SRHY", {1, 993, 3, 3}, 993, 0, 0, 0, {0}, {0}},
};

static void best_is(enum book_side side, const struct best *want)
{
    const struct level *best =
        book_best(&offline.channel.book, &offline.channel.book.symbols[0], side);
    if (want->price == 0)
        return;
    assert_non_null(best);
    assert_int_equal(best->price, want->price);
    assert_int_equal(best->shares, want->shares);
    if (want->orders)
        assert_int_equal(best->orders, want->orders);
}

static void answer_holds(const struct answer *a)
{
    struct error err = {0};
    struct channel_config config = {
        .protocol = &feed_itch50, .hold_frames = 1, .book = {.symbols = 2000, .orders = 100000}};
    char why[200];
    gzFile file = shared_open(a->file);
    uint32_t messages = 0, expected = 0;
    if (file == NULL)
        skip();
    memset(types, 0, sizeof types);
    book_config_defaults(&config.book);
    assert_true(offline_init(&offline, &config, &err));
    const struct book *book = &offline.channel.book;
    while (message_apply(file))
        if (++messages % 1000 == 0 && !book_check(book, why, sizeof why))
            fail_msg("%s, message %u: %s", a->file, messages, why);
    for (uint32_t i = 0; a->types[i]; i++) {
        assert_int_equal(types[(uint8_t)a->types[i]], a->count[i]);
        expected += a->count[i];
    }
    assert_int_equal(messages, expected ? expected : 92081);
    if (a->symbols)
        assert_int_equal(book->symbol_count, a->symbols);
    assert_int_equal(book->orders_live, a->live);
    assert_int_equal(offline.count.unknown_reference, a->unknown);
    assert_int_equal(offline.count.executed_shares, a->executed);
    best_is(BOOK_BID, &a->bid);
    best_is(BOOK_ASK, &a->ask);
    gzclose(file);
    offline_free(&offline);
}

static void test_the_other_answers_hold(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(answers); i++)
        answer_holds(&answers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_of_the_reference),
        cmocka_unit_test(test_the_other_answers_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
