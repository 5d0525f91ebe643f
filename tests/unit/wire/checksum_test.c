// The internet checksum against a sum of 16-bit words as RFC 1071 has it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/wire/checksum.h"

enum { LEN_MAX = 200, ROUNDS = 50 };

static uint64_t random = 88172645463325252ull;

static uint8_t draw(void)
{
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return (uint8_t)(random >> 32);
}

// In network order, as the text of the RFC.
static uint16_t plain_sum(uint32_t sum, const uint8_t *p, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

static void fill(uint8_t *p, uint32_t kind)
{
    for (uint32_t i = 0; i < LEN_MAX; i++)
        p[i] = kind == 0 ? 0xff : kind == 1 ? 0 : draw();
}

static void every_length_adds_up(void **state)
{
    uint8_t p[LEN_MAX];
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        fill(p, round);
        for (uint32_t len = 0; len <= LEN_MAX; len++) {
            const uint16_t have = checksum_fold(checksum_add(0, p, len));
            assert_int_equal(__builtin_bswap16(have), plain_sum(0, p, len));
        }
    }
}

// In pieces, and carried on from the largest sum there is.
static void pieces_add_up(void **state)
{
    uint8_t p[LEN_MAX];
    (void)state;
    fill(p, 2);
    for (uint32_t at = 0; at <= LEN_MAX; at += 2) {
        const uint64_t head = checksum_add(0, p, at);
        assert_true(head < 1ull << 34);
        const uint16_t whole = plain_sum(0, p, LEN_MAX);
        assert_int_equal(__builtin_bswap16(checksum_fold(checksum_add(head, p + at, LEN_MAX - at))),
                         whole);
        assert_int_equal(
            __builtin_bswap16(checksum_fold(head + checksum_add(0, p + at, LEN_MAX - at))), whole);
        assert_int_equal(__builtin_bswap16(checksum_fold(checksum_add(UINT64_MAX, p, LEN_MAX))),
                         whole); // a multiple of 65535 more
    }
}

static void a_pseudo_header_is_its_bytes(void **state)
{
    uint8_t p[12];
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < sizeof p; i++)
            p[i] = draw();
        p[8] = 0;
        const uint64_t sum =
            checksum_pseudo(be32_load(p), be32_load(p + 4), p[9], be16_load(p + 10));
        assert_int_equal(__builtin_bswap16(checksum_fold(sum)), plain_sum(0, p, sizeof p));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_length_adds_up),
                                       cmocka_unit_test(pieces_add_up),
                                       cmocka_unit_test(a_pseudo_header_is_its_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
