#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "dataplane/wire/tcp.h"
#include "tests/lib/hex.h"

// IP and TCP with options and payload, checksums right.
static uint32_t segment_build(uint8_t *p, const char *options, uint32_t payload_len)
{
    uint8_t bytes[TCP_OPTIONS_MAX + 8];
    uint32_t len = (uint32_t)hex_bytes(options, bytes, sizeof bytes);
    struct tcp_segment s = {.src_port = 40000,
                            .dst_port = 9000,
                            .seq = 0x01020304,
                            .ack = 0x0a0b0c0d,
                            .flags = TCP_ACK | TCP_PSH,
                            .window = 513};
    uint32_t total = TCP_HEADER_LEN + len + payload_len;
    memset(p, 0x5a, 1500);
    p[0] = 0x45;
    p[1] = 0;
    be16_store(p + 2, (uint16_t)(20 + total));
    memset(p + 4, 0, 16);
    p[8] = 64;
    p[9] = IP_PROTOCOL_TCP;
    be32_store(p + 12, 0x0a4d0009);
    be32_store(p + 16, 0x0a4d0002);
    checksum_store(p + 10, checksum_finish(checksum_add(0, p, 20)));
    tcp_header_write(p + 20, &s, len);
    memcpy(p + 40, bytes, len);
    tcp_checksum_write(p + 20, 0x0a4d0009, 0x0a4d0002, (uint16_t)total);
    return 20 + total;
}

static enum tcp_code parse(const uint8_t *p, uint32_t len, struct tcp_segment *s)
{
    uint8_t frame[1600] = {0};
    struct frame_udp ip;
    memcpy(frame + 14, p, len);
    be16_store(frame + 12, ETHERTYPE_IPV4);
    assert_int_equal(frame_parse(frame, 14 + len, &ip), FRAME_NOT_UDP);
    return tcp_parse(&ip, false, s);
}

static void fields_and_payload(void **state)
{
    (void)state;
    uint8_t p[1600];
    struct tcp_segment s;
    uint32_t len = segment_build(p, "", 11);
    assert_int_equal(parse(p, len, &s), TCP_SEGMENT);
    assert_int_equal(s.src_ip, 0x0a4d0009);
    assert_int_equal(s.dst_ip, 0x0a4d0002);
    assert_int_equal(s.src_port, 40000);
    assert_int_equal(s.dst_port, 9000);
    assert_int_equal(s.seq, 0x01020304);
    assert_int_equal(s.ack, 0x0a0b0c0d);
    assert_int_equal(s.window, 513);
    assert_int_equal(s.flags, TCP_ACK | TCP_PSH);
    assert_int_equal(s.payload_len, 11);
    assert_int_equal(s.options, 0);
    assert_int_equal(tcp_segment_len(&s), 11);
    s.flags = TCP_SYN | TCP_FIN;
    assert_int_equal(tcp_segment_len(&s), 13);
}

// In the order in which Linux writes them.
static void the_options_of_a_linux_syn(void **state)
{
    (void)state;
    struct tcp_segment s = {0};
    uint8_t options[20];
    uint32_t len =
        hex_bytes("020405b4 0402 080a3b9aca0000000000 01 030307", options, sizeof options);
    assert_int_equal(len, 20);
    assert_true(tcp_options_parse(options, 20, &s));
    assert_int_equal(s.options, TCP_HAS_MSS | TCP_HAS_SACK_OK | TCP_HAS_TIMESTAMP | TCP_HAS_SHIFT);
    assert_int_equal(s.mss, 1460);
    assert_int_equal(s.shift, 7);
    assert_int_equal(s.ts_value, 1000000000);
    assert_int_equal(s.ts_echo, 0);
}

static void options_good_and_bad(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool good;
        uint8_t options;
        uint8_t sacks;
    } cases[] = {
        {"0101080a0000000100000002", true, TCP_HAS_TIMESTAMP, 0},
        {"080a00000001000000020101", true, TCP_HAS_TIMESTAMP, 0},
        {"0101050a00000001000000020101", true, 0, 1},
        {"01010522"
         "0000000100000002"
         "0000000300000004"
         "0000000500000006"
         "0000000700000008",
         true, 0, 4},
        {"0204ffff", true, TCP_HAS_MSS, 0},
        {"030316"
         "00",
         true, TCP_HAS_SHIFT, 0}, // a shift above 14 counts as 14
        {"00ffffff", true, 0, 0}, // behind the end anything may stand
        {"fe04abcd", true, 0, 0}, // an unknown kind is skipped
        {"01010101", true, 0, 0},
        {"0200"
         "0000",
         false, 0, 0}, // length 0
        {"0201"
         "0000",
         false, 0, 0},
        {"02030000", false, 0, 0}, // not the length of its kind
        {"0101080b00000001"
         "00000002",
         false, 0, 0},
        {"01010204", false, 0, 0}, // beyond the header
        {"01010102", false, 0, 0}, // a kind without a length
        {"0502"
         "0101",
         false, 0, 0}, // no block
        {"0509000000010000000201"
         "01",
         false, 0, 0},
        {"fe"
         "05ab"
         "cd",
         false, 0, 0},
    };
    for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t bytes[TCP_OPTIONS_MAX];
        struct tcp_segment s = {0};
        uint32_t len = (uint32_t)hex_bytes(cases[i].hex, bytes, sizeof bytes);
        if (tcp_options_parse(bytes, len, &s) != cases[i].good)
            fail_msg("%s", cases[i].hex);
        if (cases[i].good) {
            assert_int_equal(s.options, cases[i].options);
            assert_int_equal(s.sack_count, cases[i].sacks);
            assert_true(s.shift <= TCP_SHIFT_MAX);
        }
    }
}

static void lengths_are_not_believed(void **state)
{
    (void)state;
    uint8_t p[1600];
    struct tcp_segment s;
    uint32_t len = segment_build(p, "0101080a0000000100000002", 4);
    assert_int_equal(parse(p, len, &s), TCP_SEGMENT);
    assert_int_equal(s.options, TCP_HAS_TIMESTAMP);
    // An offset below the header, and one beyond the segment.
    p[20 + 12] = 0x40;
    assert_int_equal(parse(p, len, &s), TCP_BAD_HEADER);
    p[20 + 12] = 0xf0;
    assert_int_equal(parse(p, len, &s), TCP_TRUNCATED);
    // IP ends inside the header.
    len = segment_build(p, "", 0);
    be16_store(p + 2, 39);
    assert_int_equal(parse(p, len, &s), TCP_TRUNCATED);
}

static void every_flipped_bit_is_seen(void **state)
{
    (void)state;
    uint8_t p[1600];
    struct tcp_segment s;
    uint32_t len = segment_build(p, "0101080a0000000100000002", 9);
    for (uint32_t bit = 12 * 8; bit < len * 8; bit++) {
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(parse(p, len, &s), TCP_SEGMENT);
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(parse(p, len, &s), TCP_SEGMENT);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    uint8_t options[TCP_OPTIONS_MAX];
    struct tcp_range blocks[TCP_SACK_MAX] = {{1, 2}, {3, 4}, {5, 6}, {7, 8}};
    struct tcp_segment s = {0};
    uint32_t len = tcp_option_mss_write(options, 1400);
    len += tcp_option_shift_write(options + len, 7);
    len += tcp_option_sack_ok_write(options + len);
    len += tcp_option_timestamp_write(options + len, 0xdeadbeef, 0xfeedface);
    assert_int_equal(len, 24);
    assert_true(tcp_options_parse(options, len, &s));
    assert_int_equal(s.options, TCP_HAS_MSS | TCP_HAS_SHIFT | TCP_HAS_SACK_OK | TCP_HAS_TIMESTAMP);
    assert_int_equal(s.mss, 1400);
    assert_int_equal(s.shift, 7);
    assert_int_equal(s.ts_value, 0xdeadbeef);
    assert_int_equal(s.ts_echo, 0xfeedface);
    for (uint32_t count = 1; count <= TCP_SACK_MAX; count++) {
        len = tcp_option_sack_write(options, blocks, count);
        assert_int_equal(len % 4, 0);
        assert_true(tcp_options_parse(options, len, &s));
        assert_int_equal(s.sack_count, count);
        assert_memory_equal(s.sack, blocks, count * sizeof *blocks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_and_payload),        cmocka_unit_test(the_options_of_a_linux_syn),
        cmocka_unit_test(options_good_and_bad),      cmocka_unit_test(lengths_are_not_believed),
        cmocka_unit_test(every_flipped_bit_is_seen), cmocka_unit_test(what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
