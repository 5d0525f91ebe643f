// Signals over UDP: every field at its place, and what is no such datagram.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/wire/signal.h"

enum { LEN_MAX = SIGNAL_HEADER_LEN + SIGNAL_RECORDS_MAX * SIGNAL_RECORD_LEN };

// Two records, byte by byte as docs/signals.md has them.
static const uint8_t golden[] = {
    'T',  'G',  'S',  'G',  1,    2,    72,   0,
    0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, // header
    0x11, 0,    0,    0,    0,    0,    0,    0,
    0x22, 0x33, 0,    0,    0,    0,    0,    0x44, // number, as-of
    0x01, 0,    0,    0,    0,    0,    0,    0,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // values
    0,    0,    0,    0,    0,    0,    0,    0x80,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, //
    'A',  'A',  'P',  'L',  ' ',  ' ',  ' ',  ' ',
    0xfa, 0,    0,    0,    0xe8, 0x03, 0,    0, // symbol, times
    0x07, 0,    0x10, 0x27, 0,    0,    0,    0, // source, confidence
    0x12, 0,    0,    0,    0,    0,    0,    0,
    0x22, 0x33, 0,    0,    0,    0,    0,    0x44, //
    0,    0,    0,    0,    0,    0,    0,    0,
    0,    0,    0,    0,    0,    0,    0,    0, //
    0,    0,    0,    0,    0,    0,    0,    0,
    0,    0,    0,    0,    0,    0,    0,    0, //
    'Z',  'V',  'Z',  'Z',  'T',  ' ',  ' ',  ' ',
    0,    0,    0,    0,    0,    0,    0,    0, //
    0xff, 0xff, 0,    0,    0,    0,    0,    1, // the last four: not 0
};

static void fields_are_where_they_are_said_to_be(void **state)
{
    struct signal_header h;
    struct signal_record r;
    (void)state;
    assert_int_equal(sizeof golden, SIGNAL_HEADER_LEN + 2 * SIGNAL_RECORD_LEN);
    assert_true(signal_parse(golden, sizeof golden, &h));
    assert_true(h.records == 2 && h.run == 0x0102030405060708);
    assert_true(signal_read(golden, 0, &r));
    assert_true(r.number == 0x11 && r.as_of_ns == 0x4400000000003322);
    assert_true(r.value[0] == 1 && r.value[1] == -1);
    assert_true(r.value[2] == INT64_MIN && r.value[3] == INT64_MAX);
    assert_memory_equal(r.symbol, "AAPL    ", 8);
    assert_true(r.horizon_ms == 250 && r.ttl_ms == 1000 && r.source == 7 && r.confidence == 10000);
    assert_false(signal_read(golden, 1, &r));
    assert_true(r.number == 0x12 && r.source == UINT16_MAX);
}

static void what_is_written_is_read(void **state)
{
    uint8_t bytes[LEN_MAX];
    struct signal_header h;
    (void)state;
    for (uint32_t count = 1; count <= SIGNAL_RECORDS_MAX; count++) {
        uint32_t len = 0;
        signal_header_write(bytes, UINT64_MAX - count, count);
        for (uint32_t i = 0; i < count && i < SIGNAL_RECORDS_MAX; i++) {
            const struct signal_record r = {.number = i + 1,
                                            .as_of_ns = UINT64_MAX,
                                            .value = {INT64_MIN, i, -1, INT64_MAX},
                                            .symbol = "ABCDEFGH",
                                            .horizon_ms = UINT32_MAX,
                                            .ttl_ms = i,
                                            .source = (uint16_t)(65535 - i),
                                            .confidence = 1};
            len = signal_record_write(bytes, i, &r);
        }
        assert_true(signal_parse(bytes, len, &h));
        assert_true(h.records == count && h.run == UINT64_MAX - count);
        for (uint32_t i = 0; i < count; i++) {
            struct signal_record r;
            assert_true(signal_read(bytes, i, &r));
            assert_true(r.number == i + 1 && r.ttl_ms == i && r.source == 65535 - i);
            assert_true(r.value[0] == INT64_MIN && r.value[1] == (int64_t)i);
        }
        assert_false(signal_parse(bytes, len - 1, &h));
        assert_false(signal_parse(bytes, len + 1, &h));
    }
    assert_true(LEN_MAX <= 1472); // the payload of a frame that every network takes
}

static void other_datagrams_are_refused(void **state)
{
    uint8_t bytes[sizeof golden];
    struct signal_header h;
    (void)state;
    for (uint32_t len = 0; len < sizeof golden; len++)
        assert_false(signal_parse(golden, len, &h));
    for (uint32_t at = 0; at < 8; at++) { // magic, version, records, length of a record
        memcpy(bytes, golden, sizeof bytes);
        bytes[at] ^= 1;
        assert_false(signal_parse(bytes, sizeof bytes, &h));
    }
    signal_header_write(bytes, 1, 0);
    assert_false(signal_parse(bytes, SIGNAL_HEADER_LEN, &h));
    uint8_t many[SIGNAL_HEADER_LEN + 17 * SIGNAL_RECORD_LEN] = {0};
    signal_header_write(many, 1, 17);
    assert_false(signal_parse(many, sizeof many, &h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_where_they_are_said_to_be),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(other_datagrams_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
