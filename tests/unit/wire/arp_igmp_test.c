// ARP and IGMP as they go over the wire: what we build byte by byte, what we read, what we refuse.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/base/hints.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/frame.h"
#include "dataplane/wire/igmp.h"
#include "tests/lib/hex.h"

static const uint8_t own_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint32_t own_ip = 0x0a4d0002, group = 0xe9360c6f;

// A request of a Linux host, padded to 60 bytes by its card.
static const char arp_request[] = "ffffffffffff5254001234560806"
                                  "0001080006040001525400123456"
                                  "0a4d00090000000000000a4d0002"
                                  "000000000000000000000000000000000000";

static void a_request_is_read_and_written_again(void **state)
{
    (void)state;
    uint32_t len;
    uint8_t *p = hex_alloc(arp_request, &len), built[64];
    struct frame_udp f;
    struct arp arp;
    assert_int_equal(frame_parse(p, len, &f), FRAME_ARP);
    assert_true(arp_parse(f.payload, f.payload_len, &arp));
    assert_int_equal(arp.operation, ARP_REQUEST);
    assert_memory_equal(arp.sender_mac, p + 6, 6);
    assert_int_equal(arp.sender_ip, 0x0a4d0009);
    assert_int_equal(arp.target_ip, own_ip);
    assert_int_equal(arp_frame_build(built, FRAME_NO_VLAN, &arp), len);
    assert_memory_equal(built, p, len);
    free(p);
}

static void a_reply_goes_to_who_asked(void **state)
{
    (void)state;
    struct arp arp = {.operation = ARP_REPLY, .sender_ip = own_ip, .target_ip = 0x0a4d0009};
    uint8_t built[64], want[64];
    memcpy(arp.sender_mac, own_mac, 6);
    memcpy(arp.target_mac, "\x52\x54\x00\x12\x34\x56", 6);
    assert_int_equal(arp_frame_build(built, 141, &arp), 60);
    assert_int_equal(hex_bytes("525400123456 020000000001 8100008d 0806"
                               "0001080006040002 020000000001 0a4d0002"
                               "525400123456 0a4d0009"
                               "0000000000000000000000000000",
                               want, sizeof want),
                     60);
    assert_memory_equal(built, want, 60);
}

static void what_is_no_arp_of_ours_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct arp arp;
    hex_bytes(arp_request, bytes, sizeof bytes);
    for (uint32_t len = 0; len < ARP_LEN; len++)
        assert_false(arp_parse(bytes + 14, len, &arp));
    assert_true(arp_parse(bytes + 14, ARP_LEN, &arp));
    for (uint32_t at = 0; at < 6; at++) { // hardware, protocol, their lengths
        bytes[14 + at] ^= 0x10;
        assert_false(arp_parse(bytes + 14, ARP_LEN, &arp));
        bytes[14 + at] ^= 0x10;
    }
}

// --- IGMP ---

static void queries_of_all_versions(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        uint8_t version;
        uint32_t group, response_ds, sources;
    } queries[] = {
        {"1100eeff00000000", 1, 0, 100, 0},
        {"1164ee9b00000000", 2, 0, 100, 0},
        {"1164f8f5e9360c6f", 2, 0xe9360c6f, 100, 0},
        {"1164ec1e00000000027d0000", 3, 0, 100, 0},
        // Response code 0x9f: (15 | 16) << (1 + 3) tenths of a second; two sources.
        {"119fe18ee9360c6f027d00020a4d00090a4d000a", 3, 0xe9360c6f, 31 << 4, 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        uint32_t len;
        uint8_t *p = hex_alloc(queries[i].hex, &len);
        struct igmp_query q;
        assert_true(igmp_query_parse(p, len, &q));
        assert_int_equal(q.version, queries[i].version);
        assert_int_equal(q.group, queries[i].group);
        assert_int_equal(q.response_ds, queries[i].response_ds);
        assert_int_equal(q.sources, queries[i].sources);
        for (uint32_t cut = 0; cut < len; cut++)
            assert_false(igmp_query_parse(p, cut, &q));
        for (uint32_t at = 0; at < len; at++) { // any byte changed: the checksum says so
            p[at] ^= 0x5a;
            assert_false(igmp_query_parse(p, len, &q));
            p[at] ^= 0x5a;
        }
        free(p);
    }
}

static void version_2_frames(void **state)
{
    (void)state;
    const struct igmp_host host = {.mac = own_mac, .ip = own_ip, .vlan = FRAME_NO_VLAN};
    uint8_t built[64], want[64];
    assert_int_equal(igmp_v2_frame_build(built, &host, IGMP_REPORT_V2, group), 60);
    assert_int_equal(hex_bytes("01005e360c6f 020000000001 0800"
                               "46c00020 00004000 0102 0000 0a4d0002 e9360c6f 94040000"
                               "1600f459 e9360c6f"
                               "0000000000000000000000000000",
                               want, sizeof want),
                     60);
    // The sum of the IP header is checked, not compared.
    assert_true(checksum_ok(built + 14, 24));
    memset(built + 24, 0, 2);
    assert_memory_equal(built, want, 60);
    assert_int_equal(igmp_v2_frame_build(built, &host, IGMP_LEAVE_V2, group), 60);
    assert_memory_equal(built, "\x01\x00\x5e\x00\x00\x02", 6);
    assert_int_equal(built[38], IGMP_LEAVE_V2);
    assert_true(checksum_ok(built + 38, IGMP_LEN));
}

static void version_3_report_takes_whole_records(void **state)
{
    (void)state;
    const uint32_t sources[] = {0x0a4d0009, 0x0a4d000a};
    const struct igmp_record records[] = {
        {IGMP_TO_EXCLUDE, group, NULL, 0},
        {IGMP_TO_INCLUDE, group + 1, sources, 2},
    };
    uint8_t p[64], want[64];
    uint32_t written;
    uint32_t len = igmp_v3_write(p, sizeof p, records, 2, &written);
    assert_int_equal(len, 8 + 8 + 16);
    assert_int_equal(written, 2);
    assert_true(checksum_ok(p, len));
    memset(p + 2, 0, 2);
    hex_bytes("2200 0000 0000 0002 04000000 e9360c6f 03000002 e9360c70 0a4d0009 0a4d000a", want,
              sizeof want);
    assert_memory_equal(p, want, len);
    assert_int_equal(igmp_v3_write(p, 16 + 15, records, 2, &written),
                     16); // the second does not fit
    assert_int_equal(written, 1);
    assert_int_equal(igmp_v3_write(p, 15, records, 2, &written), 0);
    assert_int_equal(written, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_and_written_again),
        cmocka_unit_test(a_reply_goes_to_who_asked),
        cmocka_unit_test(what_is_no_arp_of_ours_is_refused),
        cmocka_unit_test(queries_of_all_versions),
        cmocka_unit_test(version_2_frames),
        cmocka_unit_test(version_3_report_takes_whole_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
