// The exchange's OUCH codec: captured messages, messages written out by hand from the
// specifications, and every length of every message.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench/exchange/trade/entry.h"
#include "tests/lib/hex.h"

static uint8_t bytes[ENTRY_MAX], again[ENTRY_MAX];

static struct entry read_hex(enum entry_protocol protocol, enum entry_direction direction,
                             const char *text)
{
    struct entry e;
    uint32_t length = hex_bytes(text, bytes, sizeof bytes);
    assert_int_equal(entry_read(protocol, direction, bytes, length, &e), ENTRY_READ);
    assert_int_equal(entry_write(protocol, direction, &e, again), length);
    assert_memory_equal(again, bytes, length);
    return e;
}

// Frames of Nasdaq ports (2023), as published by the Open Markets Initiative.
static void captured_messages(void **state)
{
    (void)state;
    struct entry e = read_hex(ENTRY_50, ENTRY_IN,
                              "4f0000007154000000e143564c54202020200000000000099db83059414e4e4838"
                              "465542384956202020202020000605024c494d45");
    assert_int_equal(e.ref, 113);
    assert_int_equal(e.side[0], 'T');
    assert_int_equal(e.quantity, 225);
    assert_memory_equal(e.symbol, "CVLT    ", 8);
    assert_int_equal(e.price, 630200);
    assert_int_equal(e.tif[0], '0');
    assert_int_equal(e.display[0], 'Y');
    assert_int_equal(e.capacity[0], 'A');
    assert_int_equal(e.sweep[0], 'N');
    assert_int_equal(e.cross[0], 'N');
    assert_memory_equal(e.token, "H8FUB8IV      ", 14);
    assert_int_equal(e.has, 1u << ENTRY_FIRM);
    assert_memory_equal(e.firm, "LIME", 4);

    e = read_hex(
        ENTRY_50, ENTRY_OUT,
        "410000289b4d64af8700753a8d42000000284144424520202020000000000048e7483559000000000f"
        "56b4f5414e4e4c3736383237303120202020202020000905024d4c524f021230");
    assert_int_equal(e.time, 44647483486087);
    assert_int_equal(e.ref, 7682701);
    assert_int_equal(e.quantity, 40);
    assert_int_equal(e.price, 4777800);
    assert_int_equal(e.tif[0], '5');
    assert_int_equal(e.reference, 257340661);
    assert_int_equal(e.state[0], 'L');
    assert_memory_equal(e.firm, "MLRO", 4);
    assert_int_equal(e.bbo_weight[0], '0');

    e = read_hex(ENTRY_50, ENTRY_IN, "5800752e7100000000");
    assert_int_equal(e.ref, 7679601);
    assert_int_equal(e.quantity, 0);

    e = read_hex(ENTRY_50, ENTRY_OUT, "430000289b4d68131700753a8d0000002855");
    assert_int_equal(e.time, 44647483708183);
    assert_int_equal(e.quantity, 40);
    assert_int_equal(e.code[0], 'U');
}

// Every field of a message gets bytes that name its offset: a field read from another place shows.
#define COUNTED_50_U \
    "55 00000001 00000002 00000003 0000000000000004 36 4e 59 4142434445464748494a4b4c4d4e 0000"

static void replace_and_modify_of_5_0(void **state)
{
    (void)state;
    struct entry e = read_hex(ENTRY_50, ENTRY_IN, COUNTED_50_U);
    assert_int_equal(e.original, 1);
    assert_int_equal(e.ref, 2);
    assert_int_equal(e.quantity, 3);
    assert_int_equal(e.price, 4);
    assert_int_equal(e.tif[0], '6');
    assert_int_equal(e.display[0], 'N');
    assert_int_equal(e.sweep[0], 'Y');
    assert_memory_equal(e.token, "ABCDEFGHIJKLMN", 14);
    e = read_hex(ENTRY_50, ENTRY_IN, "4d 0000000a 54 0000000b");
    assert_int_equal(e.ref, 10);
    assert_int_equal(e.side[0], 'T');
    assert_int_equal(e.quantity, 11);
    e = read_hex(ENTRY_50, ENTRY_IN, "43 0000000c 4c494d45 4144424520202020 0003 021b42");
    assert_int_equal(e.ref, 12);
    assert_memory_equal(e.firm, "LIME", 4);
    assert_memory_equal(e.symbol, "ADBE    ", 8);
    assert_int_equal(e.side[0], 'B');
}

static void messages_of_4_2(void **state)
{
    (void)state;
    struct entry e =
        read_hex(ENTRY_42, ENTRY_IN,
                 "4f 4142434445464748494a4b4c4d4e 42 00000064 4144424520202020 0048e748 0001869e "
                 "4c494d45 59 50 4e 00000032 4e 52");
    assert_memory_equal(e.token, "ABCDEFGHIJKLMN", 14);
    assert_int_equal(e.side[0], 'B');
    assert_int_equal(e.quantity, 100);
    assert_int_equal(e.price, 4777800);
    assert_int_equal(e.tif_s, 99998);
    assert_memory_equal(e.firm, "LIME", 4);
    assert_int_equal(e.capacity[0], 'P');
    assert_int_equal(e.min_quantity, 50);
    assert_int_equal(e.customer[0], 'R');
    e = read_hex(ENTRY_42, ENTRY_OUT,
                 "55 0000000000000001 3030303030303030303030303032 53 00000005 4144424520202020 "
                 "00000006 00000007 4c494d45 59 0000000000000008 41 4e 00000009 4e 4c "
                 "3030303030303030303030303031 30");
    assert_memory_equal(e.token, "00000000000002", 14);
    assert_memory_equal(e.token_original, "00000000000001", 14);
    assert_int_equal(e.reference, 8);
    assert_int_equal(e.min_quantity, 9);
    assert_int_equal(e.bbo_weight[0], '0');
}

// All types and their lengths once more, by hand from the tables of the two texts.
static void lengths(void **state)
{
    (void)state;
    static const struct {
        enum entry_protocol protocol;
        enum entry_direction direction;
        char type;
        uint32_t length;
        bool counted; // the last two bytes count the options
    } rows[] = {
        {ENTRY_50, ENTRY_IN, 'O', 47, true},   {ENTRY_50, ENTRY_IN, 'U', 40, true},
        {ENTRY_50, ENTRY_IN, 'X', 9, false},   {ENTRY_50, ENTRY_IN, 'M', 10, false},
        {ENTRY_50, ENTRY_IN, 'Q', 1, false},   {ENTRY_50, ENTRY_IN, 'C', 19, true},
        {ENTRY_50, ENTRY_IN, 'D', 11, true},   {ENTRY_50, ENTRY_IN, 'E', 11, true},
        {ENTRY_50, ENTRY_OUT, 'S', 10, false}, {ENTRY_50, ENTRY_OUT, 'A', 64, true},
        {ENTRY_50, ENTRY_OUT, 'U', 68, true},  {ENTRY_50, ENTRY_OUT, 'C', 18, false},
        {ENTRY_50, ENTRY_OUT, 'D', 32, false}, {ENTRY_50, ENTRY_OUT, 'E', 36, true},
        {ENTRY_50, ENTRY_OUT, 'B', 36, false}, {ENTRY_50, ENTRY_OUT, 'J', 29, false},
        {ENTRY_50, ENTRY_OUT, 'P', 13, false}, {ENTRY_50, ENTRY_OUT, 'I', 13, false},
        {ENTRY_50, ENTRY_OUT, 'T', 30, false}, {ENTRY_50, ENTRY_OUT, 'M', 18, false},
        {ENTRY_50, ENTRY_OUT, 'R', 16, true},  {ENTRY_50, ENTRY_OUT, 'Q', 13, false},
        {ENTRY_50, ENTRY_OUT, 'X', 27, true},  {ENTRY_50, ENTRY_OUT, 'G', 19, true},
        {ENTRY_50, ENTRY_OUT, 'K', 19, true},  {ENTRY_42, ENTRY_IN, 'O', 49, false},
        {ENTRY_42, ENTRY_IN, 'U', 47, false},  {ENTRY_42, ENTRY_IN, 'X', 19, false},
        {ENTRY_42, ENTRY_IN, 'M', 20, false},  {ENTRY_42, ENTRY_IN, 'N', 15, false},
        {ENTRY_42, ENTRY_OUT, 'S', 10, false}, {ENTRY_42, ENTRY_OUT, 'A', 66, false},
        {ENTRY_42, ENTRY_OUT, 'U', 80, false}, {ENTRY_42, ENTRY_OUT, 'C', 28, false},
        {ENTRY_42, ENTRY_OUT, 'D', 37, false}, {ENTRY_42, ENTRY_OUT, 'E', 40, false},
        {ENTRY_42, ENTRY_OUT, 'B', 32, false}, {ENTRY_42, ENTRY_OUT, 'G', 45, false},
        {ENTRY_42, ENTRY_OUT, 'F', 41, false}, {ENTRY_42, ENTRY_OUT, 'J', 24, false},
        {ENTRY_42, ENTRY_OUT, 'P', 23, false}, {ENTRY_42, ENTRY_OUT, 'I', 23, false},
        {ENTRY_42, ENTRY_OUT, 'T', 36, false}, {ENTRY_42, ENTRY_OUT, 'M', 28, false},
        {ENTRY_42, ENTRY_OUT, 'N', 23, false},
    };
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct entry e;
        // Every byte another one, so that a field that is cut short or shifted does not come back.
        for (uint32_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)(k * 7 + i + 1);
        bytes[0] = (uint8_t)rows[i].type;
        if (rows[i].counted)
            memset(bytes + rows[i].length - 2, 0, 2);
        for (uint32_t length = 0; length < rows[i].length; length++)
            assert_int_not_equal(entry_read(rows[i].protocol, rows[i].direction, bytes, length, &e),
                                 ENTRY_READ);
        assert_int_equal(entry_read(rows[i].protocol, rows[i].direction, bytes, rows[i].length, &e),
                         ENTRY_READ);
        assert_int_equal(entry_write(rows[i].protocol, rows[i].direction, &e, again),
                         rows[i].length);
        assert_memory_equal(again, bytes, rows[i].length); // the fields cover the message
        assert_int_not_equal(
            entry_read(rows[i].protocol, rows[i].direction, bytes, rows[i].length + 1, &e),
            ENTRY_READ);
    }
    struct entry e;
    bytes[0] = 'z';
    assert_int_equal(entry_read(ENTRY_50, ENTRY_IN, bytes, 47, &e), ENTRY_UNKNOWN);
    assert_int_equal(entry_read(ENTRY_50, ENTRY_IN, bytes, 0, &e), ENTRY_UNKNOWN);
    bytes[0] = 'N'; // of 4.2 only
    assert_int_equal(entry_read(ENTRY_50, ENTRY_IN, bytes, 15, &e), ENTRY_UNKNOWN);
}

static enum entry_result options_read(const char *appendage, struct entry *e)
{
    uint32_t length = hex_bytes(COUNTED_50_U, bytes, sizeof bytes);
    uint32_t more = hex_bytes(appendage, bytes + length, sizeof bytes - length);
    bytes[length - 1] = (uint8_t)more;
    return entry_read(ENTRY_50, ENTRY_IN, bytes, length + more, e);
}

static void options(void **state)
{
    (void)state;
    struct entry e;
    assert_int_equal(options_read("05 03 0000000a 02 06 4d 05 07 ffffff9c 05 0f 0000003c "
                                  "09 09 0000000000000bb8 03 18 0102 02 1c 07",
                                  &e),
                     ENTRY_READ);
    assert_int_equal(e.min_quantity, 10);
    assert_int_equal(e.price_type[0], 'M');
    assert_int_equal((int32_t)e.peg_offset, -100);
    assert_int_equal(e.expire_s, 60);
    assert_int_equal(e.discretion_price, 3000);
    assert_int_equal(e.group, 0x102);
    assert_int_equal(e.ref_index, 7);
    assert_int_equal(e.has, 1u << 3 | 1u << 6 | 1u << 7 | 1u << 15 | 1u << 9 | 1u << 24 | 1u << 28);
    // Nobody knows tag 200, and Firm is not of a replace: both are skipped.
    assert_int_equal(options_read("04 c8 010203 05 02 4c494d45", &e), ENTRY_READ);
    assert_int_equal(e.has, 0);
    // The last of two counts.
    assert_int_equal(options_read("05 03 00000001 05 03 00000002", &e), ENTRY_READ);
    assert_int_equal(e.min_quantity, 2);
    static const char *const bad[] = {
        "00",               // length 0
        "05 03 000000",     // overruns the appendage
        "04 03 000001",     // three bytes for a number of four
        "06 03 0000000001", // five
        "02 06 4d 01",      // a length byte with nothing behind it
        "ff 06",            // far beyond
    };
    for (uint32_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(options_read(bad[i], &e), ENTRY_APPENDAGE);
    // The appendage must be all that follows.
    uint32_t length = hex_bytes(COUNTED_50_U "0206", bytes, sizeof bytes);
    bytes[39] = 1;
    assert_int_equal(entry_read(ENTRY_50, ENTRY_IN, bytes, length, &e), ENTRY_APPENDAGE);
}

// A later text lets options follow where this one has none: both forms are read.
static void options_behind_short_messages(void **state)
{
    (void)state;
    struct entry e;
    uint32_t length = hex_bytes("58 00000007 00000000 0003 02 1c 05", bytes, sizeof bytes);
    assert_int_equal(entry_read(ENTRY_50, ENTRY_IN, bytes, length, &e), ENTRY_READ);
    assert_int_equal(e.ref_index, 5);
    length = hex_bytes("58 00000007 00000000 0000", bytes, sizeof bytes);
    assert_int_equal(entry_read(ENTRY_50, ENTRY_IN, bytes, length, &e), ENTRY_READ);
    assert_int_equal(entry_read(ENTRY_50, ENTRY_IN, bytes, length - 1, &e), ENTRY_APPENDAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captured_messages), cmocka_unit_test(replace_and_modify_of_5_0),
        cmocka_unit_test(messages_of_4_2),   cmocka_unit_test(lengths),
        cmocka_unit_test(options),           cmocka_unit_test(options_behind_short_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
