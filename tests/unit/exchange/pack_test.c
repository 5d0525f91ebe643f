// Packet boundaries of the MoldUDP64 packetiser.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench/exchange/pack.h"

// A captured packet (Nasdaq TotalView, session 000010059B, one delete) comes out byte for byte.
static void captured_packet(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        0x30, 0x30, 0x30, 0x30, 0x31, 0x30, 0x30, 0x35, 0x39, 0x42, 0x00, 0x00, 0x00, 0x00,
        0x00, 0xe1, 0x49, 0xd0, 0x00, 0x01, 0x00, 0x13, 0x44, 0x0a, 0xb1, 0x00, 0x00, 0x1f,
        0x1a, 0xcf, 0x4c, 0x4e, 0xb7, 0x00, 0x00, 0x00, 0x00, 0x01, 0x66, 0x5d, 0x6a};
    struct pack p;
    uint8_t payload[PACK_PAYLOAD_MAX];
    pack_init(&p, "000010059B", PACK_PAYLOAD_MAX, PACK_COUNT_MAX);
    p.next = 14764496;
    pack_open(&p, payload);
    assert_true(pack_add(&p, expected + 22, 19));
    assert_int_equal(pack_close(&p), sizeof expected);
    assert_memory_equal(payload, expected, sizeof expected);
    assert_int_equal(p.next, 14764497);
}

// 38 adds of 36 bytes fill the payload of a 1,500-byte MTU to 1,464 of 1,472 bytes; the 39th does
// not fit.
static void full_packet(void **state)
{
    (void)state;
    struct pack p;
    uint8_t payload[PACK_PAYLOAD_MAX], message[50] = {'A'};
    pack_init(&p, "S", PACK_PAYLOAD_MAX, PACK_COUNT_MAX);
    pack_open(&p, payload);
    for (uint32_t i = 0; i < 38; i++)
        assert_true(pack_add(&p, message, 36));
    assert_false(pack_add(&p, message, 36));
    assert_true(pack_add(&p, message, 6)); // exactly the rest
    assert_false(pack_add(&p, message, 0));
    assert_int_equal(pack_close(&p), 1472);
    uint64_t sequence;
    uint32_t count, offset = PACK_HEADER;
    assert_true(pack_parse(payload, 1472, &sequence, &count));
    assert_int_equal(sequence, 1);
    assert_int_equal(count, 39);
    const uint8_t *m;
    for (uint32_t i = 0; i < 38; i++)
        assert_int_equal(pack_block(payload, &offset, &m), 36);
    assert_int_equal(pack_block(payload, &offset, &m), 6);
    assert_int_equal(offset, 1472);
    assert_memory_equal(payload, "S         ", 10);
}

static void messages_and_bytes_are_bounded(void **state)
{
    (void)state;
    struct pack p;
    uint8_t payload[PACK_PAYLOAD_MAX], message[50] = {'D'};
    pack_init(&p, "TOOLONGSESSION", 64, 2);
    pack_open(&p, payload);
    assert_true(pack_add(&p, message, 19));
    assert_true(pack_add(&p, message, 19));
    assert_false(pack_add(&p, message, 0)); // two messages a packet
    assert_int_equal(pack_close(&p), 62);
    assert_memory_equal(payload, "TOOLONGSES", 10);
    pack_open(&p, payload);
    assert_true(pack_add(&p, message, 19));
    assert_false(pack_add(&p, message, 22)); // 20 + 21 + 24 = 65
    assert_true(pack_add(&p, message, 21));
    pack_close(&p);
    assert_int_equal(p.next, 5);
    assert_int_equal(payload[17], 3); // first number of the second packet
}

static void malformed_packets_do_not_parse(void **state)
{
    (void)state;
    struct pack p;
    uint8_t payload[PACK_PAYLOAD_MAX], message[50] = {'D'};
    uint64_t sequence;
    uint32_t count;
    pack_init(&p, "S", PACK_PAYLOAD_MAX, PACK_COUNT_MAX);
    pack_open(&p, payload);
    pack_add(&p, message, 19);
    pack_add(&p, message, 0); // a zero-length message is legal
    uint32_t length = pack_close(&p);
    assert_true(pack_parse(payload, length, &sequence, &count));
    for (uint32_t cut = 0; cut < length; cut++)
        assert_false(pack_parse(payload, cut, &sequence, &count));
    assert_false(pack_parse(payload, length + 1, &sequence, &count));
    pack_header(payload, p.session, 3, PACK_COUNT_END);
    assert_true(pack_parse(payload, PACK_HEADER, &sequence, &count));
    assert_int_equal(sequence, 3);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captured_packet),
        cmocka_unit_test(full_packet),
        cmocka_unit_test(messages_and_bytes_are_bounded),
        cmocka_unit_test(malformed_packets_do_not_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
