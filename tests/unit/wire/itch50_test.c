#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/base/hints.h"
#include "dataplane/wire/itch50.h"
#include "tests/lib/hex.h"
#include "tests/lib/vectors_show.h"

// Written down from the specification a second time, on purpose not from the table.
static const struct {
    char letter;
    uint8_t length;
} spec_lengths[] = {
    {'S', 12}, {'R', 39}, {'H', 25}, {'Y', 20}, {'L', 26}, {'V', 35}, {'W', 12}, {'K', 28},
    {'J', 35}, {'h', 21}, {'A', 36}, {'F', 40}, {'E', 31}, {'C', 36}, {'X', 23}, {'D', 19},
    {'U', 35}, {'P', 44}, {'Q', 40}, {'B', 19}, {'I', 50}, {'N', 20}, {'O', 48},
};

static void length_is_that_of_the_text(void **state)
{
    (void)state;
    uint32_t known = 0;
    for (size_t i = 0; i < ARRAY_LEN(spec_lengths); i++)
        assert_int_equal(itch50_length((uint8_t)spec_lengths[i].letter), spec_lengths[i].length);
    for (uint32_t type = 0; type < 256; type++)
        known += itch50_length((uint8_t)type) != 0;
    assert_int_equal(known, 23);
}

static const struct {
    const char *hex;
    const char *text;
} vectors[] = {
    {"53000000001f1acedb02f051", "S locate=0 tracking=0 timestamp_ns=34200000070384 event=Q"},
    {"482c3d00001f1e7036e4655a585a5a5420202050204c554450",
     "H locate=11325 tracking=0 timestamp_ns=34215592125541 stock=ZXZZT    state=P reserve"
     "d=  reason=LUDP"},
    {"5924bd00001f1ad5cc18b7534f50412020202031",
     "Y locate=9405 tracking=0 timestamp_ns=34200116533431 stock=SOPA     action=1"},
    {"4c0e9300001f2082daf82d4d41584d46474d4320202020594e41",
     "L locate=3731 tracking=0 timestamp_ns=34224494802989 mpid=MAXM stock=FGMC     primar"
     "y=Y mode=N state=A"},
    {"4a2c3d00001f1e703b4f955a585a5a5420202000020918000223440001aa9000000000",
     "J locate=11325 tracking=0 timestamp_ns=34215592415125 stock=ZXZZT    reference_price"
     "=133400 upper_price=140100 lower_price=109200 extension=0"},
    {"41159800001f1aced85306000000000166b53e420000064049564f4f20202020000d55ac",
     "A locate=5528 tracking=0 timestamp_ns=34199999894278 ref=23508286 side=B shares=1600"
     " stock=IVOO     price=873900"},
    {"4606ca00001f1aced99936000000000120be75530000006443415359202020200026fd40464c5455",
     "F locate=1738 tracking=0 timestamp_ns=34199999977782 ref=18923125 side=S shares=100 "
     "stock=CASY     price=2555200 mpid=FLTU"},
    {"45092900021f1aced8f061000000000166929a00000019000000000003e63b",
     "E locate=2345 tracking=2 timestamp_ns=34199999934561 ref=23499418 shares=25 match=25"
     "5547"},
    {"4313e400011f1aceebb03b00000000013113de0000133e000000000003e65d4e00036e20",
     "C locate=5092 tracking=1 timestamp_ns=34200001163323 ref=19993566 shares=4926 match="
     "255581 printable=N price=224800"},
    {"5824c500001f1acefe785d0000000002041a0000000064",
     "X locate=9413 tracking=0 timestamp_ns=34200002394205 ref=33823232 shares=100"},
    {"440dbd00001f1aced85ad80000000001668bd6",
     "D locate=3517 tracking=0 timestamp_ns=34199999896280 ref=23497686"},
    {"551db300001f1aced771e90000000000e6897f000000000145f2c700000064001036c8",
     "U locate=7603 tracking=0 timestamp_ns=34199999836649 ref=15108479 new_ref=21361351 s"
     "hares=100 price=1062600"},
    {"50119300021f1acee462a900000000000000004200000064474f4f474c202020001399f8000000000003"
     "e642",
     "P locate=4499 tracking=2 timestamp_ns=34200000684713 ref=0 side=B shares=100 stock=G"
     "OOGL    price=1284600 match=255554"},
    {"5113e400021f1aceebb03b0000000000001503494254472020202000036e20000000000003e65e4f",
     "Q locate=5092 tracking=2 timestamp_ns=34200001163323 shares=5379 stock=IBTG     pric"
     "e=224800 match=255582 cross_type=O"},
    {"49193e00001f1acede0ab2000000000000000100000000000000004e4d44432020202020000716100007"
     "1610000716104f4c",
     "I locate=6462 tracking=0 timestamp_ns=34200000268978 paired_shares=1 imbalance_share"
     "s=0 direction=N stock=MDC      far_price=464400 near_price=464400 reference_price=46"
     "4400 cross_type=O price_variation=L"},
    {"4e2b2b00001f1acecf049c584249202020202053",
     "N locate=11051 tracking=0 timestamp_ns=34199999284380 stock=XBI      interest=S"},
    {"52000100000a53a288705841202020202020204e20000000644e435a20504e20314e000000004e",
     "R locate=1 tracking=0 timestamp_ns=11354325413976 stock=A        market_category=N f"
     "inancial_status=  round_lot=100 round_lots_only=N classification=C sub_type=Z  authe"
     "nticity=P short_sale_threshold=N ipo_flag=  luld_tier=1 etp_flag=N etp_leverage=0 in"
     "verse=N"},
    // Types without a public capture, written by hand from the text.
    {"56000000031f1aced9f00100000063c5537e4e0000005d55eb849500000055d8e511c7",
     "V locate=0 tracking=3 timestamp_ns=34200000000001 level1=428512345678 level2=4008734"
     "56789 level3=368711111111"},
    {"57000000041f1aced9f00132", "W locate=0 tracking=4 timestamp_ns=34200000000001 level=2"},
    {"4b000000051f1aced9f0014142434420202020000093a84100029810",
     "K locate=0 tracking=5 timestamp_ns=34200000000001 stock=ABCD     release_s=37800 qua"
     "lifier=A price=170000"},
    {"68020100061f1aced9f00158595a20202020205148",
     "h locate=513 tracking=6 timestamp_ns=34200000000001 stock=XYZ      market=Q action=H"},
    {"420201fffffffffffffffffffffffffffffffe",
     "B locate=513 tracking=65535 timestamp_ns=281474976710655 match=18446744073709551614"},
    {"4fffff00081f1aced9f001444c43522020202059000138800002bf200001e208000020bdee920d150001"
     "b1d40002123c",
     "O locate=65535 tracking=8 timestamp_ns=34200000000001 stock=DLCR     open_eligibilit"
     "y=Y minimum_price=80000 maximum_price=180000 near_price=123400 near_time_ns=36000123"
     "456789 lower_price=111060 upper_price=135740"},
};

static void every_type_decodes_field_by_field(void **state)
{
    (void)state;
    bool seen[256] = {false};
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        uint32_t len;
        uint8_t *p = hex_alloc(vectors[i].hex, &len);
        struct show got;
        assert_true(show_itch50(&got, p, len));
        assert_string_equal(got.text, vectors[i].text);
        // hex_alloc fills what it answers, which the analyzer does not see.
        // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.ArraySubscript)
        seen[p[0]] = true;
        free(p);
    }
    for (size_t i = 0; i < ARRAY_LEN(spec_lengths); i++)
        assert_true(seen[(uint8_t)spec_lengths[i].letter]);
}

static void another_length_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        uint8_t bytes[ITCH50_LEN_MAX + 1] = {0};
        uint32_t len = hex_bytes(vectors[i].hex, bytes, sizeof bytes);
        struct show got;
        assert_false(show_itch50(&got, bytes, len - 1));
        assert_false(show_itch50(&got, bytes, len + 1));
    }
}

// A book treats A and F, E and C alike: the layouts must really be the same where it does.
static void shared_layouts_agree(void **state)
{
    (void)state;
    uint8_t p[ITCH50_LEN_MAX];
    for (uint32_t i = 0; i < sizeof p; i++)
        p[i] = (uint8_t)(i * 37 + 11);
    assert_true(itch50_add_ref(p) == itch50_add_mpid_ref(p) && itch50_ref(p) == itch50_add_ref(p));
    assert_int_equal(itch50_add_side(p), itch50_add_mpid_side(p));
    assert_int_equal(itch50_add_shares(p), itch50_add_mpid_shares(p));
    assert_int_equal(itch50_add_price(p), itch50_add_mpid_price(p));
    assert_ptr_equal(itch50_add_stock(p), itch50_add_mpid_stock(p));
    assert_int_equal(itch50_executed_shares(p), itch50_executed_price_shares(p));
    assert_int_equal(itch50_executed_shares(p), itch50_cancel_shares(p));
    assert_true(itch50_executed_match(p) == itch50_executed_price_match(p));
    assert_true(itch50_ref(p) == itch50_replace_ref(p) && itch50_ref(p) == itch50_delete_ref(p));
}

static void titles_follow_the_types(void **state)
{
    (void)state;
    assert_string_equal(itch50_title('A'), "Add Order, no MPID");
    assert_string_equal(itch50_title('O'), "Direct Listing with Capital Raise Price Discovery");
    assert_string_equal(itch50_title('G'), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(length_is_that_of_the_text),
        cmocka_unit_test(every_type_decodes_field_by_field),
        cmocka_unit_test(another_length_is_refused),
        cmocka_unit_test(shared_layouts_agree),
        cmocka_unit_test(titles_follow_the_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
