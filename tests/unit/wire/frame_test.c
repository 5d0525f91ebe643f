#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/wire/frame.h"
#include "tests/lib/hex.h"

// Captured: Nasdaq TotalView, one VLAN tag; ASX, eight bytes behind the datagram; Nasdaq ISE,
// untagged.
static const char tagged[] =
    "01005e360c6fd4aff7cb20d58100008d080045000056bbaa4000151165f4cec87f8ae9360c6fc1f5676d0042ba78"
    "303030303130303539420000000000e12f590001002441159800001f1aced85306000000000166b53e4200000640"
    "49564f4f20202020000d55ac";
static const char trailer[] =
    "01005e47b941001c736a38cd080045380030698040001d11e128cb12a540e947b941e3c84466001cdc8d31353637"
    "333236303330000000000034e3e90000fad23bea079fd811";
static const char untagged[] =
    "01005e360c9e28993a06421f080045000030e33d40001211d9b5cec8e72ce9360c9ea4884668001c94bc30303030"
    "303833363749000000000005d9210000";

static uint32_t ip(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    return a << 24 | b << 16 | c << 8 | d;
}

static void a_tagged_frame_parses(void **state)
{
    (void)state;
    uint32_t len;
    uint8_t *p = hex_alloc(tagged, &len);
    struct frame_udp f;
    assert_int_equal(frame_parse(p, len, &f), FRAME_UDP);
    assert_ptr_equal(f.dst_mac, p);
    assert_int_equal(f.vlan[0], 141);
    assert_int_equal(f.vlan[1], FRAME_NO_VLAN);
    assert_int_equal(f.ethertype, ETHERTYPE_IPV4);
    assert_int_equal(f.src_ip, ip(206, 200, 127, 138));
    assert_int_equal(f.dst_ip, ip(233, 54, 12, 111));
    assert_int_equal(f.src_port, 49653);
    assert_int_equal(f.dst_port, 26477);
    assert_ptr_equal(f.ip, p + 18);
    assert_ptr_equal(f.payload, p + 46);
    assert_int_equal(f.payload_len, 58);
    assert_int_equal(f.trailing, 0);
    assert_true(frame_ip_checksum_ok(&f));
    assert_true(frame_udp_checksum_ok(&f));
    free(p);
}

static void trailing_bytes_are_not_payload(void **state)
{
    (void)state;
    uint32_t len;
    uint8_t *p = hex_alloc(trailer, &len);
    struct frame_udp f;
    assert_int_equal(frame_parse(p, len, &f), FRAME_UDP);
    assert_int_equal(f.vlan[0], FRAME_NO_VLAN);
    assert_ptr_equal(f.payload, p + 42);
    assert_int_equal(f.payload_len, 20);
    assert_int_equal(f.trailing, 8);
    assert_true(frame_ip_checksum_ok(&f));
    assert_true(frame_udp_checksum_ok(&f));
    free(p);
}

// Takes <frame> apart at the end of the Ethernet header and puts <tags> between.
static uint32_t with_tags(const char *frame, const char *tags, uint8_t *out, size_t out_max)
{
    uint8_t whole[256];
    uint32_t len = hex_bytes(frame, whole, sizeof whole);
    memcpy(out, whole, 12);
    uint32_t tag_len = hex_bytes(tags, out + 12, out_max - 12);
    memcpy(out + 12 + tag_len, whole + 12, len - 12);
    return len + tag_len;
}

static void none_one_or_two_tags(void **state)
{
    (void)state;
    uint8_t p[256];
    struct frame_udp f;
    uint32_t len = with_tags(untagged, "", p, sizeof p);
    assert_int_equal(frame_parse(p, len, &f), FRAME_UDP);
    assert_int_equal(f.payload - p, 42);
    len = with_tags(untagged, "8100 6001", p, sizeof p);
    assert_int_equal(frame_parse(p, len, &f), FRAME_UDP);
    assert_int_equal(f.vlan[0], 1);
    assert_int_equal(f.payload - p, 46);
    len = with_tags(untagged, "88a8 0fff 8100 f00a", p, sizeof p);
    assert_int_equal(frame_parse(p, len, &f), FRAME_UDP);
    assert_int_equal(f.vlan[0], 4095);
    assert_int_equal(f.vlan[1], 10);
    assert_int_equal(f.payload - p, 50);
    assert_int_equal(f.payload_len, 20);
    len = with_tags(untagged, "88a8 0001 8100 0002 8100 0003", p, sizeof p);
    assert_int_equal(frame_parse(p, len, &f), FRAME_NOT_IPV4);
    assert_int_equal(f.ethertype, ETHERTYPE_VLAN);
}

// Every cut of every shape: never OK unless the datagram is whole; the sanitizer watches the reads.
static void a_cut_frame_is_truncated(void **state)
{
    (void)state;
    const char *const frames[] = {tagged, untagged};
    for (size_t i = 0; i < 2; i++) {
        uint8_t whole[256];
        uint32_t len = hex_bytes(frames[i], whole, sizeof whole);
        for (uint32_t cut = 0; cut < len; cut++) {
            uint8_t *p = malloc(cut ? cut : 1);
            memcpy(p, whole, cut);
            struct frame_udp f;
            assert_int_equal(frame_parse(p, cut, &f), FRAME_TRUNCATED);
            free(p);
        }
    }
}

// One byte of the untagged frame changed; what it becomes.
static const struct {
    const char *what;
    uint32_t offset;
    uint8_t value;
    enum frame_code code;
} changes[] = {
    {"IPv6 in the version", 14, 0x65, FRAME_BAD_HEADER},
    {"header length 16", 14, 0x44, FRAME_BAD_HEADER},
    {"header length past the total", 14, 0x4f, FRAME_BAD_HEADER},
    {"total length below the header", 17, 0x13, FRAME_BAD_HEADER},
    {"total length without room for UDP", 17, 0x1b, FRAME_BAD_HEADER},
    {"total length past the frame", 17, 0x31, FRAME_TRUNCATED},
    {"more fragments", 20, 0x20, FRAME_FRAGMENT},
    {"fragment offset, high", 20, 0x10, FRAME_FRAGMENT},
    {"fragment offset, low", 21, 0x01, FRAME_FRAGMENT},
    {"do not fragment", 20, 0x40, FRAME_UDP},
    {"reserved flag", 20, 0x80, FRAME_UDP},
    {"TCP", 23, 6, FRAME_NOT_UDP},
    {"IGMP", 23, 2, FRAME_IGMP},
    {"UDP length below its header", 39, 0x07, FRAME_BAD_HEADER},
    {"UDP length past the IP length", 39, 0x1d, FRAME_BAD_HEADER},
    {"ARP", 13, 0x06, FRAME_ARP},
    {"another ethertype", 12, 0x86, FRAME_NOT_IPV4},
};

static void headers_that_lie_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        uint32_t len;
        uint8_t *p = hex_alloc(untagged, &len);
        struct frame_udp f;
        p[changes[i].offset] = changes[i].value;
        if (frame_parse(p, len, &f) != changes[i].code)
            fail_msg("%s", changes[i].what);
        free(p);
    }
}

static void udp_length_below_the_ip_length_ends_the_payload(void **state)
{
    (void)state;
    uint32_t len;
    uint8_t *p = hex_alloc(untagged, &len);
    struct frame_udp f;
    be16_store(p + 38, 8 + 5);
    assert_int_equal(frame_parse(p, len, &f), FRAME_UDP);
    assert_int_equal(f.payload_len, 5);
    assert_int_equal(f.trailing, 15);
    be16_store(p + 38, 8);
    assert_int_equal(frame_parse(p, len, &f), FRAME_UDP);
    assert_int_equal(f.payload_len, 0);
    free(p);
}

static void ip_options_are_skipped(void **state)
{
    (void)state;
    uint8_t p[80];
    // Router alert option; UDP 1000 -> 2000, payload "hi".
    uint32_t len = hex_bytes("01005e000001 020000000001 0800"
                             "4600 0022 0000 0000 01 11 0000 0a000001 e0000001 94040000"
                             "03e8 07d0 000a 0000 6869",
                             p, sizeof p);
    struct frame_udp f;
    assert_int_equal(frame_parse(p, len, &f), FRAME_UDP);
    assert_int_equal(f.src_port, 1000);
    assert_int_equal(f.dst_port, 2000);
    assert_int_equal(f.payload_len, 2);
    assert_memory_equal(f.payload, "hi", 2);
    assert_true(frame_udp_checksum_ok(&f)); // zero: the sender made none
    assert_false(frame_ip_checksum_ok(&f));
    checksum_store(p + 24, checksum_finish(checksum_add(0, p + 14, 24)));
    assert_true(frame_ip_checksum_ok(&f));
}

static void a_changed_bit_breaks_a_checksum(void **state)
{
    (void)state;
    uint32_t len;
    uint8_t *p = hex_alloc(trailer, &len);
    struct frame_udp f;
    assert_int_equal(frame_parse(p, len, &f), FRAME_UDP);
    for (uint32_t at = 42; at < 62; at++) {
        p[at] ^= 0x10;
        assert_false(frame_udp_checksum_ok(&f));
        p[at] ^= 0x10;
    }
    assert_true(frame_udp_checksum_ok(&f));
    p[62] ^= 0x10; // trailer: nobody's
    assert_true(frame_udp_checksum_ok(&f));
    p[22] ^= 1; // time to live
    assert_false(frame_ip_checksum_ok(&f));
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tagged_frame_parses),
        cmocka_unit_test(trailing_bytes_are_not_payload),
        cmocka_unit_test(none_one_or_two_tags),
        cmocka_unit_test(a_cut_frame_is_truncated),
        cmocka_unit_test(headers_that_lie_are_refused),
        cmocka_unit_test(udp_length_below_the_ip_length_ends_the_payload),
        cmocka_unit_test(ip_options_are_skipped),
        cmocka_unit_test(a_changed_bit_breaks_a_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
