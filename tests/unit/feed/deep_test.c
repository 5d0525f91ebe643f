// IEX DEEP 1.0: what a field may say, and what a message does that says something else. Messages
// are written by offset here, a second time from the text.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "bench/book/offline.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/wire/deep10.h"

static struct offline o;
static uint8_t block[2 + DEEP10_LEN_MAX];
static uint8_t *const m = block + 2;

static const struct book_symbol *symbol(void)
{
    return &o.channel.book.symbols[0];
}

static const struct symbol_info *info(void)
{
    return &o.channel.book.infos[0];
}

// A message of <type> whose second byte is <value>, as all of them begin.
static void begin(char type, uint8_t value)
{
    memset(block, 0, sizeof block);
    m[0] = (uint8_t)type;
    m[1] = value;
    memcpy(m + 10, "ZIEXT   ", 8);
}

static void send(uint16_t len)
{
    block[0] = (uint8_t)len;
    block[1] = 0;
    const struct feed_packet packet = {.count = 1, .len = len + 2u, .blocks = block};
    assert_int_equal(feed_deep10.apply(&o.channel, &packet, 0), 1);
}

static void status(uint8_t letter)
{
    begin('H', letter);
    memcpy(m + 18, "NA  ", 4);
    send(22);
}

static void halt(uint8_t letter)
{
    begin('O', letter);
    send(18);
}

static void level(char side, uint8_t flags, uint32_t size, uint32_t price)
{
    begin(side, flags);
    le32_store(m + 18, size);
    le32_store(m + 22, price);
    send(30);
}

static void short_sale(uint8_t value)
{
    begin('P', value);
    m[18] = ' ';
    send(19);
}

static void official(uint8_t type, uint32_t price)
{
    begin('X', type);
    le32_store(m + 18, price);
    send(26);
}

static void directory(uint8_t tier)
{
    begin('D', 0);
    le32_store(m + 18, 100);
    m[30] = tier;
    send(31);
}

static int setup(void **state)
{
    (void)state;
    struct error err = {0};
    struct channel_config config = {
        .protocol = &feed_deep10, .hold_frames = 1, .book = {.symbols = 4, .orders = 1024}};
    book_config_defaults(&config.book);
    MUST(offline_init(&o, &config, &err));
    status('T');
    halt('N');
    level('8', 1, 300, 1000000);
    level('5', 1, 200, 1010000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    offline_free(&o);
    return 0;
}

static void test_what_the_text_says_is_followed(void **state)
{
    (void)state;
    for (const char *letter = "HOPT"; *letter; letter++) {
        status((uint8_t)*letter);
        assert_int_equal(symbol()->trading_state, *letter == 'O' ? 'Q' : *letter);
    }
    halt('O');
    assert_true(symbol()->flags & SYMBOL_OP_HALT);
    halt('N');
    assert_false(symbol()->flags & SYMBOL_OP_HALT);
    for (int turn = 0; turn < 2; turn++) {
        const uint8_t on = turn == 0;
        short_sale(on);
        assert_int_equal((symbol()->flags & SYMBOL_SHORT_RESTRICTED) != 0, on);
        assert_int_equal(info()->reg_sho, '0' + on);
    }
    for (uint8_t tier = 0; tier <= 2; tier++) {
        directory(tier);
        assert_int_equal(info()->luld_tier, '0' + tier);
    }
    official('Q', 11);
    official('M', 12);
    assert_int_equal(info()->official_open, 11);
    assert_int_equal(info()->official_close, 12);
    level('8', 0, 0, 1000000); // the book is in transition ...
    assert_int_equal(o.channel.tops[0].price[BOOK_BID], 1000000);
    level('8', 1, 50, 990000); // ... until here
    assert_int_equal(o.channel.tops[0].price[BOOK_BID], 990000);
    assert_int_equal(o.count.bad_field, 0);
    assert_int_equal(symbol()->quality, QUALITY_GOOD);
}

static void assert_bad(uint64_t count)
{
    assert_int_equal(o.count.bad_field, count);
    assert_int_equal(o.count.symbols_suspect, 1);
    assert_int_equal(symbol()->quality, QUALITY_SUSPECT);
}

static struct event told;

static void keep_status(void *context, const struct event *event)
{
    (void)context;
    if (event->type == EVENT_TRADING_STATUS)
        told = *event;
}

static void assert_told(uint8_t state, bool halted)
{
    assert_int_equal(told.type, EVENT_TRADING_STATUS);
    assert_int_equal(told.trading_status.locate, symbol()->locate);
    assert_int_equal(told.trading_status.state, state);
    assert_int_equal(told.trading_status.operational_halt, halted);
    assert_memory_equal(told.trading_status.reason, "NA  ", 4);
    memset(&told, 0, sizeof told);
}

static void test_a_status_is_told(void **state)
{
    (void)state;
    o.channel.sink.event = keep_status;
    status('H');
    assert_told('H', false);
    halt('O');
    assert_told('H', true);
    halt('N');
    assert_told('H', false);
    status('T');
    assert_told('T', false);
    status('t'); // says nothing
    assert_int_equal(told.type, 0);
}

static void test_flags_of_a_level(void **state)
{
    (void)state;
    level('8', 2, 700, 1005000);
    assert_bad(1);
    level('5', 0x81, 0, 1010000);
    assert_bad(2);
    assert_int_equal(o.channel.tops[0].price[BOOK_BID], 1000000);
    assert_int_equal(o.channel.tops[0].price[BOOK_ASK], 1010000);
    assert_int_equal(o.channel.tops[0].shares[BOOK_BID], 300);
}

static void test_status_and_halt(void **state)
{
    (void)state;
    status('t');
    assert_bad(1);
    status('Q'); // Nasdaq's
    assert_bad(2);
    assert_int_equal(symbol()->trading_state, 'T');
    halt('H'); // Nasdaq's: neither halted nor released
    assert_bad(3);
    assert_false(symbol()->flags & SYMBOL_OP_HALT);
    halt('O');
    halt(0);
    assert_bad(4);
    assert_true(symbol()->flags & SYMBOL_OP_HALT);
}

static void test_the_rest(void **state)
{
    (void)state;
    short_sale('0'); // binary, not a digit
    assert_bad(1);
    short_sale('1');
    assert_bad(2);
    assert_false(symbol()->flags & SYMBOL_SHORT_RESTRICTED);
    official('C', 13);
    assert_bad(3);
    assert_int_equal(info()->official_open, 0);
    assert_int_equal(info()->official_close, 0);
    directory('1');
    assert_bad(4);
    assert_false(symbol()->flags & SYMBOL_KNOWN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_the_text_says_is_followed),
        TEST(test_a_status_is_told),
        TEST(test_flags_of_a_level),
        TEST(test_status_and_halt),
        TEST(test_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
