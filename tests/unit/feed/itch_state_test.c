// Every message type of ITCH 5.0 into the state it concerns. Messages are written by offset here, a
// second time from the text.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "bench/book/offline.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/wire/itch50.h"

enum { LOCATE = 7 };

static struct offline o;
static struct event last; // of the last event
static uint8_t block[2 + ITCH50_LEN_MAX];
static uint8_t *const m = block + 2;

static void keep_event(void *context, const struct event *event)
{
    (void)context;
    o.events[event->type]++;
    last = *event;
}

static void begin(char type)
{
    memset(block, 0, sizeof block);
    m[0] = (uint8_t)type;
    be16_store(m + 1, LOCATE);
}

static void send(uint16_t len)
{
    be16_store(block, len);
    const struct feed_packet packet = {.count = 1, .len = len + 2u, .blocks = block};
    assert_int_equal(feed_itch50.apply(&o.channel, &packet, 0), 1);
}

static void stock_at(uint32_t offset)
{
    memcpy(m + offset, "ACME    ", 8);
}

static void trading(char state)
{
    begin('H');
    stock_at(11);
    m[19] = (uint8_t)state;
    memcpy(m + 21, "LUDP", 4);
    send(25);
}

static void add(uint64_t ref, char side, uint32_t shares, uint32_t price, const char *mpid)
{
    begin(mpid ? 'F' : 'A');
    be64_store(m + 11, ref);
    m[19] = (uint8_t)side;
    be32_store(m + 20, shares);
    stock_at(24);
    be32_store(m + 32, price);
    if (mpid)
        memcpy(m + 36, mpid, 4);
    send(mpid ? 40 : 36);
}

static int setup(void **state)
{
    (void)state;
    struct error err = {0};
    struct channel_config config = {
        .protocol = &feed_itch50, .hold_frames = 1, .book = {.symbols = 4, .orders = 1024}};
    book_config_defaults(&config.book);
    MUST(offline_init(&o, &config, &err));
    o.channel.sink.event = keep_event;
    begin('R');
    stock_at(11);
    memcpy(m + 19, "QN", 2);
    be32_store(m + 21, 100);
    memcpy(m + 25, "NCZ PN 1N", 9); // round lots only, class, sub-type, authenticity, ...
    m[30] = 'N';
    m[31] = 'Y';
    m[32] = '1';
    m[33] = 'Y';
    be32_store(m + 34, 3);
    m[38] = 'Y';
    send(39);
    trading('T');
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    offline_free(&o);
    return 0;
}

static const struct book_symbol *symbol(void)
{
    return &o.channel.book.symbols[o.channel.book.slot_of_locate[LOCATE]];
}

static const struct symbol_info *info(void)
{
    return &o.channel.book.infos[o.channel.book.slot_of_locate[LOCATE]];
}

static struct symbol_top top(void)
{
    struct symbol_top out;
    assert_true(symbol_top_read(&o.channel.tops[o.channel.book.slot_of_locate[LOCATE]], &out));
    return out;
}

static void test_directory(void **state)
{
    (void)state;
    assert_string_equal(info()->name, "ACME");
    assert_int_equal(info()->market_category, 'Q');
    assert_int_equal(info()->financial_status, 'N');
    assert_int_equal(info()->round_lot, 100);
    assert_int_equal(info()->round_lots_only, 'N');
    assert_int_equal(info()->classification, 'C');
    assert_memory_equal(info()->sub_type, "Z ", 2);
    assert_int_equal(info()->authenticity, 'P');
    assert_int_equal(info()->short_threshold, 'N');
    assert_int_equal(info()->ipo_flag, 'Y');
    assert_int_equal(info()->luld_tier, '1');
    assert_int_equal(info()->etp_flag, 'Y');
    assert_int_equal(info()->etp_leverage, 3);
    assert_int_equal(info()->inverse, 'Y');
    assert_true(symbol()->flags & SYMBOL_KNOWN);
}

static void test_system_event(void **state)
{
    (void)state;
    begin('S');
    m[11] = 'Q';
    send(12);
    assert_int_equal(o.channel.market.system_event, 'Q');
    assert_int_equal(last.type, EVENT_SYSTEM_EVENT);
    assert_int_equal(last.system_event.code, 'Q');
}

static void test_trading_status_is_quality(void **state)
{
    (void)state;
    assert_int_equal(symbol()->quality, QUALITY_GOOD);
    static const uint8_t halted[] = {'H', 'P', 'Q'};
    for (size_t i = 0; i < sizeof halted; i++) {
        trading((char)halted[i]);
        assert_int_equal(symbol()->trading_state, halted[i]);
        assert_int_equal(symbol()->quality, QUALITY_HALTED);
        assert_int_equal(top().trading_state, halted[i]);
        assert_memory_equal(info()->halt_reason, "LUDP", 4);
        trading('T');
        assert_int_equal(symbol()->quality, QUALITY_GOOD);
    }
    assert_true(o.events[EVENT_TRADING_STATUS] >= 7);
}

static void test_operational_halt_of_this_market_only(void **state)
{
    (void)state;
    for (const char *market = "BXQ"; *market; market++) {
        begin('h');
        stock_at(11);
        m[19] = (uint8_t)*market;
        m[20] = 'H';
        send(21);
        assert_int_equal(symbol()->quality, *market == 'Q' ? QUALITY_HALTED : QUALITY_GOOD);
    }
    m[20] = 'T';
    send(21);
    assert_int_equal(symbol()->quality, QUALITY_GOOD);
}

static void test_reg_sho(void **state)
{
    (void)state;
    for (const char *action = "120"; *action; action++) {
        begin('Y');
        stock_at(11);
        m[19] = (uint8_t)*action;
        send(20);
        assert_int_equal(info()->reg_sho, *action);
        assert_int_equal((symbol()->flags & SYMBOL_SHORT_RESTRICTED) != 0, *action != '0');
    }
}

static void test_market_participants_are_counted(void **state)
{
    (void)state;
    static const struct {
        const char *mpid;
        char state;
        uint32_t active;
    } steps[] = {{"AAAA", 'A', 1}, {"BBBB", 'A', 2}, {"AAAA", 'A', 2},
                 {"AAAA", 'E', 1}, {"BBBB", 'W', 0}, {"BBBB", 'A', 1}};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        begin('L');
        memcpy(m + 11, steps[i].mpid, 4);
        stock_at(15);
        memcpy(m + 23, "YN", 2);
        m[25] = (uint8_t)steps[i].state;
        send(26);
        assert_int_equal(info()->market_makers, steps[i].active);
    }
}

static void test_circuit_breaker(void **state)
{
    (void)state;
    begin('V');
    be64_store(m + 11, 300000000000);
    be64_store(m + 19, 280000000000);
    be64_store(m + 27, 260000000000);
    send(35);
    assert_int_equal(o.channel.market.mwcb_levels[0], 300000000000);
    assert_int_equal(o.channel.market.mwcb_levels[1], 280000000000);
    assert_int_equal(o.channel.market.mwcb_levels[2], 260000000000);
    begin('W');
    m[11] = '2';
    send(12);
    assert_int_equal(o.channel.market.mwcb_breached, '2');
    assert_int_equal(last.type, EVENT_CIRCUIT_BREAKER);
    assert_int_equal(last.circuit_breaker.level, '2');
}

// Locate 0: found by name.
static void test_ipo_quotation(void **state)
{
    (void)state;
    begin('K');
    be16_store(m + 1, 0);
    stock_at(11);
    be32_store(m + 19, 34200);
    m[23] = 'A';
    be32_store(m + 24, 250000);
    send(28);
    assert_int_equal(info()->ipo_time_s, 34200);
    assert_int_equal(info()->ipo_qualifier, 'A');
    assert_int_equal(info()->ipo_price, 250000);
    memcpy(m + 11, "NOBODY  ", 8);
    send(28);
    assert_int_equal(o.count.unknown_locate, 1);
}

static void test_reopening_collar(void **state)
{
    (void)state;
    begin('J');
    stock_at(11);
    be32_store(m + 19, 133400);
    be32_store(m + 23, 140100);
    be32_store(m + 27, 109200);
    be32_store(m + 31, 1);
    send(35);
    assert_int_equal(info()->collar_reference, 133400);
    assert_int_equal(info()->collar_upper, 140100);
    assert_int_equal(info()->collar_lower, 109200);
    assert_int_equal(info()->collar_extension, 1);
}

static void test_orders_and_best_prices(void **state)
{
    (void)state;
    add(1, 'B', 100, 10000, NULL);
    add(2, 'B', 50, 10000, "GSCO");
    add(3, 'S', 70, 10100, NULL);
    assert_int_equal(top().price[BOOK_BID], 10000);
    assert_int_equal(top().shares[BOOK_BID], 150);
    assert_int_equal(top().orders[BOOK_BID], 2);
    assert_int_equal(top().price[BOOK_ASK], 10100);
    begin('X');
    be64_store(m + 11, 1);
    be32_store(m + 19, 40);
    send(23);
    assert_int_equal(top().shares[BOOK_BID], 110);
    begin('U');
    be64_store(m + 11, 3);
    be64_store(m + 19, 4);
    be32_store(m + 27, 30);
    be32_store(m + 31, 10050);
    send(35);
    assert_int_equal(top().price[BOOK_ASK], 10050);
    assert_int_equal(top().shares[BOOK_ASK], 30);
    begin('D');
    be64_store(m + 11, 1);
    send(19);
    assert_int_equal(top().shares[BOOK_BID], 50);
    struct book_position position;
    assert_true(book_queue_position(&o.channel.book, 2, 10, &position));
    assert_int_equal(position.orders_ahead, 0);
}

// A letter that is none of its field's is counted, not followed, and the symbol is suspect.
static void assert_bad(uint64_t n)
{
    assert_int_equal(o.count.bad_field, n);
    assert_int_equal(symbol()->quality, QUALITY_SUSPECT);
    o.channel.book.symbols[0].flags &= (uint8_t)~SYMBOL_SUSPECT;
}

static void test_an_order_of_neither_side(void **state)
{
    (void)state;
    for (char side = 0; side < 127; side++)
        if (side != 'B' && side != 'S')
            add((uint64_t)side + 1, side, 100, 10000, side % 2 ? "MMAK" : NULL);
    assert_bad(125);
    assert_int_equal(o.channel.book.orders_live, 0);
    begin('A'); // ... and one of a symbol that it would open
    be16_store(m + 1, LOCATE + 1);
    m[19] = 'b';
    send(36);
    assert_int_equal(o.count.bad_field, 126);
    assert_int_equal(o.count.symbols, 1);
}

static void test_letters_that_decide(void **state)
{
    (void)state;
    trading('t');
    assert_int_equal(symbol()->trading_state, 'T');
    assert_bad(1);
    begin('h');
    stock_at(11);
    memcpy(m + 19, "Qx", 2); // neither halted nor released
    send(21);
    assert_bad(2);
    memcpy(m + 19, "qH", 2);
    send(21);
    assert_int_equal(symbol()->flags & SYMBOL_OP_HALT, 0);
    assert_bad(3);
    begin('Y');
    stock_at(11);
    m[19] = '3';
    send(20);
    assert_bad(4);
    assert_int_equal(symbol()->flags & SYMBOL_SHORT_RESTRICTED, 0);
    begin('W');
    be16_store(m + 1, 0);
    m[11] = '4';
    send(12);
    assert_int_equal(o.count.bad_field, 5);
    assert_int_equal(o.channel.market.mwcb_breached, 0);
}

static void execute(char type, uint64_t ref, uint32_t shares, uint64_t match, char printable,
                    uint32_t price)
{
    begin(type);
    be64_store(m + 11, ref);
    be32_store(m + 19, shares);
    be64_store(m + 23, match);
    m[31] = (uint8_t)printable;
    be32_store(m + 32, price);
    send(type == 'E' ? 31 : 36);
}

static void test_executions_print_or_not(void **state)
{
    (void)state;
    add(1, 'B', 100, 10000, NULL);
    execute('E', 1, 10, 901, 0, 0);
    assert_int_equal(symbol()->volume, 10);
    assert_int_equal(symbol()->last_price, 10000);
    assert_int_equal(top().shares[BOOK_BID], 90);
    execute('C', 1, 20, 902, 'Y', 9990); // at another price than the order's
    assert_int_equal(symbol()->volume, 30);
    assert_int_equal(symbol()->last_price, 9990);
    execute('C', 1, 30, 903, 'N', 9980); // counted by a cross elsewhere
    assert_int_equal(o.count.bad_field, 0);
    assert_int_equal(symbol()->volume, 30);
    assert_int_equal(symbol()->last_price, 9990);
    assert_int_equal(top().shares[BOOK_BID], 40);
    assert_int_equal(o.count.executed_shares, 60);
    assert_int_equal(o.count.printed_shares, 30);
    assert_int_equal(top().volume, 30);
    assert_int_equal(top().last_price, 9990);
}

static void test_hidden_trades_and_broken_ones(void **state)
{
    (void)state;
    begin('P');
    m[19] = 'B';
    be32_store(m + 20, 500);
    stock_at(24);
    be32_store(m + 32, 10020);
    be64_store(m + 36, 77);
    send(44);
    assert_int_equal(symbol()->volume, 500);
    assert_int_equal(symbol()->last_price, 10020);
    assert_int_equal(symbol()->last_shares, 500);
    assert_int_equal(o.count.hidden_shares, 500);
    begin('B');
    be64_store(m + 11, 77);
    send(19);
    assert_int_equal(symbol()->volume, 0);
    send(19); // once only
    assert_int_equal(symbol()->volume, 0);
    assert_int_equal(o.count.broken_trades, 2);
    assert_int_equal(o.count.broken_unmatched, 1);
}

static void broken(uint64_t match)
{
    begin('B');
    be64_store(m + 11, match);
    send(19);
}

// What is taken back is what that execution added, even where its order was never seen.
static void test_broken_executions_take_back_what_they_added(void **state)
{
    (void)state;
    add(1, 'B', 100, 10000, NULL);
    execute('E', 1, 10, 901, 0, 0);
    execute('C', 1, 20, 902, 'Y', 9990);
    execute('C', 1, 30, 903, 'N', 9980);
    execute('E', 4711, 7, 904, 0, 0); // no such order: volume, but no price
    assert_int_equal(symbol()->volume, 37);
    assert_int_equal(symbol()->last_price, 9990);
    broken(903); // never printed
    assert_int_equal(symbol()->volume, 37);
    assert_int_equal(o.count.broken_unmatched, 1);
    broken(904);
    assert_int_equal(symbol()->volume, 30);
    broken(901);
    assert_int_equal(symbol()->volume, 20);
    broken(902);
    assert_int_equal(symbol()->volume, 0);
    assert_int_equal(top().volume, 0);
    assert_int_equal(top().shares[BOOK_BID], 40); // a broken trade gives no order back
}

// Number 0 names no execution, however often it is sent.
static void test_match_number_0_is_nobodys(void **state)
{
    (void)state;
    execute('E', 4711, 7, 0, 0, 0);
    broken(0);
    broken(0);
    assert_int_equal(symbol()->volume, 7);
    assert_int_equal(o.count.broken_unmatched, 2);
}

// A match number of another symbol takes nothing back.
static void test_a_broken_trade_of_another_symbol(void **state)
{
    (void)state;
    add(1, 'B', 100, 10000, NULL);
    execute('E', 1, 10, 901, 0, 0);
    begin('R');
    be16_store(m + 1, LOCATE + 1);
    memcpy(m + 11, "OTHER   ", 8);
    send(39);
    begin('B');
    be16_store(m + 1, LOCATE + 1);
    be64_store(m + 11, 901);
    send(19);
    assert_int_equal(symbol()->volume, 10);
    assert_int_equal(o.count.broken_unmatched, 1);
}

static void test_cross(void **state)
{
    (void)state;
    begin('Q');
    be64_store(m + 11, 0); // nothing crossed: only the price of the type is news
    stock_at(19);
    be32_store(m + 27, 10010);
    be64_store(m + 31, 5);
    m[39] = 'O';
    send(40);
    assert_int_equal(symbol()->volume, 0);
    be64_store(m + 11, 5000000000);
    send(40);
    assert_int_equal(symbol()->volume, 5000000000);
    assert_int_equal(symbol()->last_price, 10010);
    assert_int_equal(symbol()->last_shares, UINT32_MAX);
    assert_int_equal(info()->cross_shares, 5000000000);
    assert_int_equal(info()->cross_price, 10010);
    assert_int_equal(info()->last_cross_type, 'O');
    assert_int_equal(o.count.cross_shares, 5000000000);
    broken(5);
    assert_int_equal(symbol()->volume, 0);
}

static void test_imbalance(void **state)
{
    (void)state;
    begin('I');
    be64_store(m + 11, 111);
    be64_store(m + 19, 222);
    m[27] = 'B';
    stock_at(28);
    be32_store(m + 36, 1);
    be32_store(m + 40, 2);
    be32_store(m + 44, 3);
    m[48] = 'C';
    m[49] = 'L';
    send(50);
    const struct symbol_imbalance *i = &info()->imbalance;
    assert_int_equal(i->paired_shares, 111);
    assert_int_equal(i->imbalance_shares, 222);
    assert_int_equal(i->direction, 'B');
    assert_int_equal(i->far_price, 1);
    assert_int_equal(i->near_price, 2);
    assert_int_equal(i->reference_price, 3);
    assert_int_equal(i->cross_type, 'C');
    assert_int_equal(i->variation, 'L');
}

static void test_retail_interest_and_direct_listing(void **state)
{
    (void)state;
    begin('N');
    stock_at(11);
    m[19] = 'A';
    send(20);
    assert_int_equal(info()->retail_interest, 'A');
    begin('O');
    stock_at(11);
    m[19] = 'Y';
    for (uint32_t i = 0; i < 3; i++)
        be32_store(m + 20 + 4 * i, 1000 + i);
    be64_store(m + 32, 34200000000000);
    be32_store(m + 40, 1003);
    be32_store(m + 44, 1004);
    send(48);
    assert_int_equal(info()->dlcr_eligible, 'Y');
    assert_int_equal(info()->dlcr_min, 1000);
    assert_int_equal(info()->dlcr_max, 1001);
    assert_int_equal(info()->dlcr_near, 1002);
    assert_int_equal(info()->dlcr_near_time, 34200000000000);
    assert_int_equal(info()->dlcr_lower, 1003);
    assert_int_equal(info()->dlcr_upper, 1004);
}

// An unknown reference is doubt about one symbol; an unknown type, another length and zero length
// are counted and harm nobody.
static void test_trouble(void **state)
{
    (void)state;
    begin('z');
    send(30);
    assert_int_equal(o.count.unknown_type, 1);
    begin('D');
    send(20);
    assert_int_equal(o.count.bad_length, 1);
    send(0);
    assert_int_equal(o.count.bad_length, 1);
    assert_int_equal(symbol()->quality, QUALITY_GOOD);
    begin('D');
    be64_store(m + 11, 4711);
    send(19);
    assert_int_equal(o.count.unknown_reference, 1);
    assert_int_equal(symbol()->quality, QUALITY_SUSPECT);
    assert_int_equal(last.type, EVENT_SYMBOL_QUALITY);
    assert_int_equal(last.symbol_quality.was, QUALITY_GOOD);
    assert_int_equal(last.symbol_quality.now, QUALITY_SUSPECT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_directory),
        TEST(test_system_event),
        TEST(test_trading_status_is_quality),
        TEST(test_operational_halt_of_this_market_only),
        TEST(test_reg_sho),
        TEST(test_an_order_of_neither_side),
        TEST(test_letters_that_decide),
        TEST(test_market_participants_are_counted),
        TEST(test_circuit_breaker),
        TEST(test_ipo_quotation),
        TEST(test_reopening_collar),
        TEST(test_orders_and_best_prices),
        TEST(test_executions_print_or_not),
        TEST(test_hidden_trades_and_broken_ones),
        TEST(test_broken_executions_take_back_what_they_added),
        TEST(test_match_number_0_is_nobodys),
        TEST(test_a_broken_trade_of_another_symbol),
        TEST(test_cross),
        TEST(test_imbalance),
        TEST(test_retail_interest_and_direct_listing),
        TEST(test_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
