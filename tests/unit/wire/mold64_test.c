#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/wire/mold64.h"
#include "tests/lib/hex.h"

static void heartbeat_has_no_messages(void **state)
{
    (void)state;
    uint32_t len;
    uint8_t *p = hex_alloc("30303030303833363749000000000005d9210000", &len);
    struct mold64_header h;
    assert_true(mold64_parse(p, len, &h));
    assert_memory_equal(h.session, "000008367I", MOLD64_SESSION_LEN);
    assert_int_equal(h.sequence, 383265);
    assert_int_equal(h.count, MOLD64_HEARTBEAT);
    struct mold64_walk w;
    struct mold64_block b;
    mold64_walk_begin(&w, p, len, &h);
    assert_false(mold64_next(&w, &b));
    assert_int_equal(w.left, 0);
    assert_int_equal(mold64_trailing(&w), 0);
    free(p);
}

// Two blocks of different length, as captured on the ASX feed (same transport).
static const char two_blocks[] =
    "31353637333236303330000000000035c6dc00020005545d6e11750028410149317046df00012ce6535b3d7d0c47"
    "40400100000000003f325a0000002afffffffffffe7960";

static void blocks_are_walked(void **state)
{
    (void)state;
    uint32_t len;
    uint8_t *p = hex_alloc(two_blocks, &len);
    struct mold64_header h;
    struct mold64_walk w;
    struct mold64_block b;
    assert_true(mold64_parse(p, len, &h));
    assert_int_equal(h.sequence, 3524316);
    assert_int_equal(mold64_messages(&h), 2);
    mold64_walk_begin(&w, p, len, &h);
    assert_true(mold64_next(&w, &b));
    assert_int_equal(b.len, 5);
    assert_memory_equal(b.data, "T]n\x11u", 5);
    assert_true(mold64_next(&w, &b));
    assert_int_equal(b.len, 40);
    assert_int_equal(b.data[0], 'A');
    assert_false(mold64_next(&w, &b));
    assert_int_equal(mold64_trailing(&w), 0);
    free(p);
}

// Cut at every byte: whole blocks before the cut come out, the rest is reported missing, nothing
// past the end is read.
static void a_cut_packet_keeps_its_whole_blocks(void **state)
{
    (void)state;
    uint8_t whole[256];
    uint32_t len = hex_bytes(two_blocks, whole, sizeof whole);
    for (uint32_t cut = 0; cut < len; cut++) {
        uint8_t *p = malloc(cut ? cut : 1);
        memcpy(p, whole, cut);
        struct mold64_header h;
        struct mold64_walk w;
        struct mold64_block b;
        uint32_t blocks = 0;
        if (!mold64_parse(p, cut, &h)) {
            assert_true(cut < MOLD64_HEADER_LEN);
            free(p);
            continue;
        }
        mold64_walk_begin(&w, p, cut, &h);
        while (mold64_next(&w, &b))
            blocks++;
        assert_int_equal(blocks, cut >= 27 ? 1 : 0);
        assert_int_equal(w.left, 2 - blocks);
        assert_int_equal(mold64_trailing(&w), 0);
        free(p);
    }
}

static void end_of_session_is_no_count(void **state)
{
    (void)state;
    uint8_t p[24];
    uint32_t len = hex_bytes("30303030303130303539 0000000001220e83 ffff 0001 4100", p, sizeof p);
    struct mold64_header h;
    struct mold64_walk w;
    struct mold64_block b;
    assert_true(mold64_parse(p, len, &h));
    assert_int_equal(h.count, MOLD64_END);
    assert_int_equal(mold64_messages(&h), 0);
    mold64_walk_begin(&w, p, len, &h);
    assert_false(mold64_next(&w, &b));
    assert_int_equal(mold64_trailing(&w), 4);
}

static void an_empty_message_takes_a_number(void **state)
{
    (void)state;
    uint8_t p[32];
    uint32_t len =
        hex_bytes("30303030303130303539 0000000000000007 0003 0000 000141 0000 ee", p, sizeof p);
    struct mold64_header h;
    struct mold64_walk w;
    struct mold64_block b;
    assert_true(mold64_parse(p, len, &h));
    mold64_walk_begin(&w, p, len, &h);
    assert_true(mold64_next(&w, &b));
    assert_int_equal(b.len, 0);
    assert_true(mold64_next(&w, &b));
    assert_int_equal(b.len, 1);
    assert_true(mold64_next(&w, &b));
    assert_int_equal(b.len, 0);
    assert_false(mold64_next(&w, &b));
    assert_int_equal(mold64_trailing(&w), 1);
}

static void numbers_that_would_wrap_are_refused(void **state)
{
    (void)state;
    uint8_t p[32];
    struct mold64_header h;
    uint32_t len = hex_bytes("30303030303130303539 ffffffffffff0001 0001", p, sizeof p);
    assert_false(mold64_parse(p, len, &h));
    len = hex_bytes("30303030303130303539 ffffffffffff0000 fffe", p, sizeof p);
    assert_true(mold64_parse(p, len, &h));
    assert_true(h.sequence + mold64_messages(&h) > h.sequence);
}

static void sessions_compare_all_ten_bytes(void **state)
{
    (void)state;
    const uint8_t a[] = "000010059B";
    for (uint32_t i = 0; i < MOLD64_SESSION_LEN; i++) {
        uint8_t b[] = "000010059B";
        assert_true(mold64_session_equal(a, b));
        b[i] ^= 0x80;
        assert_false(mold64_session_equal(a, b));
    }
}

static void a_request_has_the_layout_of_a_header(void **state)
{
    (void)state;
    uint8_t got[MOLD64_REQUEST_LEN + 1], want[MOLD64_REQUEST_LEN];
    got[MOLD64_REQUEST_LEN] = 0x5a;
    mold64_request_write(got, (const uint8_t *)"000010059B", 19009155, 300);
    assert_int_equal(hex_bytes("30303030313030353942 0000000001220e83 012c", want, sizeof want),
                     MOLD64_REQUEST_LEN);
    memcpy(want, "000010059B", MOLD64_SESSION_LEN);
    assert_memory_equal(got, want, MOLD64_REQUEST_LEN);
    assert_int_equal(got[MOLD64_REQUEST_LEN], 0x5a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heartbeat_has_no_messages),
        cmocka_unit_test(blocks_are_walked),
        cmocka_unit_test(a_cut_packet_keeps_its_whole_blocks),
        cmocka_unit_test(end_of_session_is_no_count),
        cmocka_unit_test(an_empty_message_takes_a_number),
        cmocka_unit_test(numbers_that_would_wrap_are_refused),
        cmocka_unit_test(sessions_compare_all_ten_bytes),
        cmocka_unit_test(a_request_has_the_layout_of_a_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
