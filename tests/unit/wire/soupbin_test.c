// SoupBinTCP packets as captured, what a client writes, streams cut at every byte; GLIMPSE's end of
// snapshot.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/base/hints.h"
#include "dataplane/wire/glimpse.h"
#include "dataplane/wire/soupbin.h"
#include "tests/lib/hex.h"

static const struct {
    const char *hex;
    uint8_t type;
    uint32_t len;
} captured[] = {
    {"0036554f0000007154000000e143564c54202020200000000000099db83059414e4e4838465542384956202020202"
     "020000605024c494d45",
     'U', 53},
    {"004a53410000289b4d64af8700753a8d42000000284144424520202020000000000048e7483559000000000f56b4f"
     "5414e4e4c3736383237303120202020202020000905024d4c524f021230",
     'S', 73},
    {"000a555800752e7100000000", 'U', 9},
    {"001353430000289b4d68131700753a8d0000002855", 'S', 18},
    {"000152", 'R', 0},
    {"000148", 'H', 0},
    {"002f4c75736572202070617373776f72642020202020202020202020202020202020202020202020202020202020"
     "202030",
     'L', 46},
    {"001f41313638393139323132312020202020202020202020202020202020313335", 'A', 30},
};

static void captured_packets_are_framed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(captured); i++) {
        uint32_t len, used;
        uint8_t *p = hex_alloc(captured[i].hex, &len);
        struct soupbin_packet packet;
        for (uint32_t cut = 0; cut < len; cut++)
            assert_int_equal(soupbin_next(p, cut, &used, &packet), SOUPBIN_MORE);
        assert_int_equal(soupbin_next(p, len, &used, &packet), SOUPBIN_PACKET);
        assert_int_equal(used, len);
        assert_int_equal(packet.type, captured[i].type);
        assert_int_equal(packet.len, captured[i].len);
        assert_ptr_equal(packet.payload, p + SOUPBIN_HEADER_LEN);
        free(p);
    }
}

// A stream of all captured packets, fed in pieces of every size.
static void a_stream_is_put_together(void **state)
{
    (void)state;
    uint8_t all[512], buffer[100];
    uint32_t len = 0;
    for (size_t i = 0; i < ARRAY_LEN(captured); i++)
        len += hex_bytes(captured[i].hex, all + len, sizeof all - len);
    for (uint32_t piece = 1; piece <= sizeof buffer; piece++) {
        struct soupbin_stream s;
        struct soupbin_packet packet;
        uint32_t at = 0, n = 0;
        soupbin_stream_init(&s, buffer, sizeof buffer);
        while (at < len) {
            uint32_t room, take = len - at < piece ? len - at : piece;
            uint8_t *to = soupbin_stream_room(&s, &room);
            take = take < room ? take : room;
            memcpy(to, all + at, take);
            soupbin_stream_received(&s, take);
            at += take;
            while (soupbin_stream_next(&s, &packet) == SOUPBIN_PACKET) {
                assert_int_equal(packet.type, captured[n].type);
                assert_int_equal(packet.len, captured[n].len);
                n++;
            }
        }
        assert_int_equal(n, ARRAY_LEN(captured));
    }
}

static void lost_framing_is_an_error(void **state)
{
    (void)state;
    uint8_t buffer[16];
    struct soupbin_stream s;
    struct soupbin_packet packet;
    uint32_t room, used;
    assert_int_equal(soupbin_next((const uint8_t *)"\0\0S", 3, &used, &packet), SOUPBIN_BAD);
    soupbin_stream_init(&s, buffer, sizeof buffer);
    memcpy(soupbin_stream_room(&s, &room), "\0\x0fS", 3); // 17 bytes in all: never whole here
    soupbin_stream_received(&s, 3);
    assert_int_equal(soupbin_stream_next(&s, &packet), SOUPBIN_BAD);
}

static void login_is_written_as_captured(void **state)
{
    (void)state;
    uint8_t p[SOUPBIN_LOGIN_LEN_410], want[64];
    struct soupbin_login login = {
        .username = "user", .password = "password", .session = "", .sequence = 0};
    assert_int_equal(soupbin_login_write(p, &login), SOUPBIN_LOGIN_LEN);
    assert_int_equal(hex_bytes(captured[6].hex, want, sizeof want), SOUPBIN_LOGIN_LEN);
    assert_memory_equal(p, want, SOUPBIN_LOGIN_LEN);
    login.timeout_ms = 15000;
    login.session = "ABC";
    login.sequence = 1234567890123;
    assert_int_equal(soupbin_login_write(p, &login), SOUPBIN_LOGIN_LEN_410);
    assert_memory_equal(p, "\0\x34Luser  password         ABC       123456789012315000",
                        SOUPBIN_LOGIN_LEN_410);
    login.username = "toolong";
    assert_int_equal(soupbin_login_write(p, &login), 0);
    login.username = "user";
    login.timeout_ms = SOUPBIN_TIMEOUT_MS_MAX + 1;
    assert_int_equal(soupbin_login_write(p, &login), 0);
}

static void small_packets_are_written(void **state)
{
    (void)state;
    uint8_t p[SOUPBIN_HEADER_LEN];
    assert_int_equal(soupbin_heartbeat_write(p), 3);
    assert_memory_equal(p, "\0\1R", 3);
    assert_int_equal(soupbin_logout_write(p), 3);
    assert_memory_equal(p, "\0\1O", 3);
    assert_int_equal(soupbin_unsequenced_write(p, 47), 3);
    assert_memory_equal(p, "\0\x30U", 3);
    assert_int_equal(soupbin_unsequenced_write(p, SOUPBIN_PAYLOAD_MAX + 1), 0);
}

static struct soupbin_packet packet_of(const char *text, char type)
{
    return (struct soupbin_packet){
        .type = (uint8_t)type, .payload = (const uint8_t *)text, .len = (uint32_t)strlen(text)};
}

static void login_answers_are_read(void **state)
{
    (void)state;
    struct soupbin_accepted a;
    struct soupbin_packet p = packet_of("1689192121                 135", 'A');
    assert_true(soupbin_accepted_read(&p, &a));
    assert_string_equal(a.session, "1689192121");
    assert_int_equal(a.sequence, 135);
    p = packet_of("       ABC                   1", 'A');
    assert_true(soupbin_accepted_read(&p, &a));
    // Names are compared with all their bytes: there is nothing behind the end of a short one.
    static const char short_name[SOUPBIN_SESSION_LEN + 1] = "ABC";
    assert_memory_equal(a.session, short_name, sizeof short_name);
    static const char *const wrong[] = {
        "1689192121                    ", // no number
        "1689192121                1x5 ", // no digit
        "168919212199999999999999999999", // beyond 64 bits
        "1689192121                 13",  // short
        "1689192121                 1355",
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        p = packet_of(wrong[i], 'A');
        assert_false(soupbin_accepted_read(&p, &a));
    }
    p = packet_of("1689192121                 135", 'J');
    assert_false(soupbin_accepted_read(&p, &a));
    p = packet_of("A", 'J');
    assert_int_equal(soupbin_rejected_read(&p), SOUPBIN_NOT_AUTHORIZED);
    p = (struct soupbin_packet){.type = 'J', .payload = (const uint8_t *)"", .len = 1};
    assert_int_equal(soupbin_rejected_read(&p), '?');
    p = packet_of("A", 'H');
    assert_int_equal(soupbin_rejected_read(&p), 0);
}

static void end_of_snapshot_gives_the_next_number(void **state)
{
    (void)state;
    uint64_t sequence = 0;
    assert_int_equal(glimpse_length(GLIMPSE_END), 21);
    assert_int_equal(glimpse_length('A'), 36);
    assert_int_equal(glimpse_length('z'), 0);
    assert_true(glimpse_end_read((const uint8_t *)"G            14764496", &sequence));
    assert_int_equal(sequence, 14764496);
    assert_true(glimpse_end_read((const uint8_t *)"G14764496            ", &sequence));
    assert_int_equal(sequence, 14764496);
    assert_false(glimpse_end_read((const uint8_t *)"G                    ", &sequence));
    assert_false(glimpse_end_read((const uint8_t *)"G          147 64496 ", &sequence));
    assert_false(glimpse_end_read((const uint8_t *)"G99999999999999999999", &sequence));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captured_packets_are_framed),
        cmocka_unit_test(a_stream_is_put_together),
        cmocka_unit_test(lost_framing_is_an_error),
        cmocka_unit_test(login_is_written_as_captured),
        cmocka_unit_test(small_packets_are_written),
        cmocka_unit_test(login_answers_are_read),
        cmocka_unit_test(end_of_snapshot_gives_the_next_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
