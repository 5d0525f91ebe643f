// Every message type of DEEP 1.0 as captured, field by field, and IEX-TP around it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/base/hints.h"
#include "dataplane/wire/deep10.h"
#include "dataplane/wire/iextp.h"
#include "tests/lib/hex.h"
#include "tests/lib/vectors_show.h"

static const struct {
    const char *hex;
    const char *text;
} vectors[] = {
    {"534fc43b10942e478a17", "S event=O timestamp_ns=1696246475036572612"},
    {"5000c43b10942e478a17412020202020202020",
     "P status=0 timestamp_ns=1696246475036572612 symbol=A        detail= "},
    {"4f4ec43b10942e478a174120202020202020",
     "O status=N timestamp_ns=1696246475036572612 symbol=A       "},
    {"4854c43b10942e478a17412020202020202020202020",
     "H status=T timestamp_ns=1696246475036572612 symbol=A        reason=    "},
    {"4920c43b10942e478a174120202020202020",
     "I indicator=  timestamp_ns=1696246475036572612 symbol=A       "},
    {"44800bc3a2952e478a175a4558495420202064000000a08601000000000001",
     "D flags=128 timestamp_ns=1696246475062952715 symbol=ZEXIT    round_lot=100 close_price=10"
     "0000 luld_tier=1"},
    {"3801d613e4ad91488a175442462020202020a60b000060d8030000000000",
     "8 flags=1 timestamp_ns=1696248000183276502 symbol=TBF      size=2982 price=252000"},
    {"35017e78f5ad91488a175442462020202020a60b000030e0030000000000",
     "5 flags=1 timestamp_ns=1696248000184416382 symbol=TBF      size=2982 price=254000"},
    {"546007e36ae191488a1754534c41202020200a000000a03e2600000000001f8c160000000000",
     "T flags=96 timestamp_ns=1696248001047749383 symbol=TSLA     size=10 price=2506400 trade_i"
     "d=1477663"},
    {"454f0162fc8b63acb8145a58494554202020",
     "E event=O timestamp_ns=1493132820023632385 symbol=ZXIET   "},
    {"42d090f326ef1dbbb8144141202020202020dc00000058a007000000000017ff010000000000",
     "B flags=208 timestamp_ns=1493149013714072464 symbol=AA       size=220 price=499800 trade_"
     "id=130839"},
    {"41484736456c65ae0d155a494558542020200000000010270000000000001027000000000000fb00000053005c"
     "826c5a1027000000000000000000000000000000000000000000000000000000000000",
     "A auction_type=H timestamp_ns=1517060400125130311 symbol=ZIEXT    paired_shares=0 "
     "reference_price=10000 indicative_price=10000 imbalance_shares=251 imbalance_side=S "
     "extension=0 scheduled_s=1517060700 book_price=10000 collar_reference_price=0 lower_price=0 "
     "upper_price=0"},
    {"5851f85f3a86d5b10d155a5849455420202040420f0000000000",
     "X price_type=Q timestamp_ns=1517064180131848184 symbol=ZXIET    price=1000000"},
};

static void captured_messages_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        uint32_t len;
        uint8_t *p = hex_alloc(vectors[i].hex, &len);
        struct show got;
        assert_true(show_deep10(&got, p, len));
        assert_string_equal(got.text, vectors[i].text);
        assert_int_equal(deep10_length(p[0]), len);
        assert_int_equal(deep10_timestamp_ns(p), (int64_t)le64_load(p + 2));
        free(p);
    }
}

// Written down from the text a second time, on purpose not from the table.
static void lengths_are_those_of_the_text(void **state)
{
    (void)state;
    static const struct {
        char letter;
        uint8_t length;
    } spec[] = {{'S', 10}, {'D', 31}, {'H', 22}, {'I', 18}, {'O', 18}, {'P', 19}, {'E', 18},
                {'8', 30}, {'5', 30}, {'T', 38}, {'X', 26}, {'B', 38}, {'A', 80}};
    uint32_t known = 0;
    for (size_t i = 0; i < ARRAY_LEN(spec); i++)
        assert_int_equal(deep10_length((uint8_t)spec[i].letter), spec[i].length);
    for (uint32_t type = 0; type < 256; type++)
        known += deep10_length((uint8_t)type) != 0;
    assert_int_equal(known, ARRAY_LEN(spec));
}

static void heartbeat_has_no_messages(void **state)
{
    (void)state;
    uint32_t len;
    uint8_t *p = hex_alloc(
        "01000480010000000000dd480000000000000000000000000100000000000000af326a0223e05d16", &len);
    struct iextp_header h;
    struct iextp_walk w;
    struct iextp_block b;
    assert_true(iextp_parse(p, len, &h));
    assert_int_equal(h.protocol, IEXTP_DEEP10);
    assert_int_equal(h.channel, 1);
    assert_int_equal(h.session, 1222443008);
    assert_int_equal(h.payload_len, 0);
    assert_int_equal(h.count, 0);
    assert_int_equal(h.sequence, 1);
    assert_int_equal(h.send_time_ns, 1611690682637497007);
    iextp_walk_begin(&w, p, &h);
    assert_false(iextp_next(&w, &b));
    free(p);
}

static const char segment[] =
    "01000480010000000000b04c600003007de80e000000000008b30000000000008d70bade91488a171e0038017352"
    "b6de91488a17474c444d2020202064000000a88e0500000000001e00380154a6b6de91488a174350455220202020"
    "6400000028750300000000001e0035010814b7de91488a1744424f202020202064000000d4ba020000000000";

static void a_segment_gives_its_messages(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "8 flags=1 timestamp_ns=1696248001002361459 symbol=GLDM     size=100 price=364200",
        "8 flags=1 timestamp_ns=1696248001002382932 symbol=CPER     size=100 price=226600",
        "5 flags=1 timestamp_ns=1696248001002411016 symbol=DBO      size=100 price=178900",
    };
    uint32_t len, n = 0;
    uint8_t *p = hex_alloc(segment, &len);
    struct iextp_header h;
    struct iextp_walk w;
    struct iextp_block b;
    struct show got;
    assert_true(iextp_parse(p, len, &h));
    assert_int_equal(h.sequence, 45832);
    assert_int_equal(h.stream_offset, 977021);
    assert_int_equal(h.count, 3);
    iextp_walk_begin(&w, p, &h);
    for (; iextp_next(&w, &b); n++) {
        assert_true(show_deep10(&got, b.data, b.len));
        assert_string_equal(got.text, texts[n]);
    }
    assert_int_equal(n, 3);
    free(p);
}

// Cut at every byte: refused while the header's payload is not all there; a header that promises
// more messages than its payload holds gives the whole ones.
static void a_cut_segment_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[256];
    struct iextp_header h;
    struct iextp_walk w;
    struct iextp_block b;
    uint32_t len = hex_bytes(segment, bytes, sizeof bytes), n = 0;
    for (uint32_t cut = 0; cut < len; cut++) {
        uint32_t copied;
        uint8_t *p = hex_alloc(segment, &copied);
        uint8_t *shorter = realloc(p, cut ? cut : 1);
        assert_non_null(shorter);
        assert_false(iextp_parse(shorter, cut, &h));
        free(shorter);
    }
    bytes[14] = 5; // two more messages than there are
    assert_true(iextp_parse(bytes, len, &h));
    iextp_walk_begin(&w, bytes, &h);
    while (iextp_next(&w, &b))
        n++;
    assert_int_equal(n, 3);
    assert_int_equal(w.left, 2);
    bytes[0] = 2;
    assert_false(iextp_parse(bytes, len, &h)); // another version
}

static void a_request_names_its_ranges(void **state)
{
    (void)state;
    const struct iextp_header feed = {.protocol = IEXTP_DEEP10, .channel = 1, .session = 7};
    const struct iextp_range ranges[] = {{10, 20}, {30, 30}};
    uint8_t p[IEXTP_REQUEST_HEADER_LEN + 2 * IEXTP_RANGE_LEN], want[sizeof p];
    assert_int_equal(iextp_request_write(p, &feed, ranges, 2), sizeof p);
    assert_int_equal(hex_bytes("01010480010000000700000002000000"
                               "0a000000000000001400000000000000"
                               "1e000000000000001e00000000000000",
                               want, sizeof want),
                     sizeof p);
    assert_memory_equal(p, want, sizeof p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captured_messages_read),
        cmocka_unit_test(lengths_are_those_of_the_text),
        cmocka_unit_test(heartbeat_has_no_messages),
        cmocka_unit_test(a_segment_gives_its_messages),
        cmocka_unit_test(a_cut_segment_is_refused),
        cmocka_unit_test(a_request_names_its_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
