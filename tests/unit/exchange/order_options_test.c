// Options of our orders as the exchange's codec, which shares no line with ours, reads them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bench/exchange/trade/entry.h"
#include "dataplane/venue/frames.h"

static struct frames frames;

// clang-format off
#define TAGS(X) \
    X(FIRM) \
    X(MIN_QUANTITY) \
    X(CUSTOMER) \
    X(MAX_FLOOR) \
    X(PRICE_TYPE) \
    X(PEG_OFFSET) \
    X(DISCRETION_PRICE) \
    X(DISCRETION_TYPE) \
    X(DISCRETION_OFFSET) \
    X(POST_ONLY) \
    X(RANDOM_RESERVES) \
    X(ROUTE) \
    X(EXPIRE_S) \
    X(TRADE_NOW) \
    X(HANDLE) \
    X(GROUP) \
    X(LOCATED)
// clang-format on
#define BIT(name) | 1u << OUCH50_TAG_##name

// Everything that the text of April 2023 lets an order say, at once.
static const struct ouch_extras everything = {.options = {.present = 0 TAGS(BIT),
                                                          .firm = "OWNF",
                                                          .min_quantity = 200,
                                                          .customer = 'R',
                                                          .max_floor = 100,
                                                          .price_type = 'R',
                                                          .peg_offset = -300,
                                                          .discretion_price = 999900,
                                                          .discretion_type = 'M',
                                                          .discretion_offset = -1,
                                                          .post_only = 'P',
                                                          .random_reserves = 20,
                                                          .route = "SCAN",
                                                          .expire_s = 86399,
                                                          .trade_now = 'Y',
                                                          .handle = 'I',
                                                          .group = 65535,
                                                          .located = 'Y'},
                                              .capacity = 'R',
                                              .iso = 'N',
                                              .cross = 'O'};

static const struct frame_order order = {.ref = 77,
                                         .ref_was = 76,
                                         .quantity = 500,
                                         .price = 1000000,
                                         .symbol = "CVLT    ",
                                         .side = 'T',
                                         .time_in_force = '6',
                                         .display = 'Y',
                                         .extras = &everything};

static void prepare(enum ouch_version version, const struct ouch50_options *options)
{
    struct frames_config c = {.version = version, .capacity = 'P', .firm = "SESS"};
    if (options)
        c.options = *options;
    assert_true(ouch_prefix_set(&c.prefix, "TG"));
    frames_init(&frames, &c);
}

static struct entry entry_of(enum entry_protocol protocol, const struct frame_bytes *f)
{
    struct entry e;
    assert_int_equal(f->bytes[0] << 8 | f->bytes[1], f->len - 2);
    assert_int_equal(entry_read(protocol, ENTRY_IN, f->bytes + 3, f->len - 3, &e), ENTRY_READ);
    return e;
}

static void same_everywhere(const struct entry *e)
{
    assert_true(e->min_quantity == 200 && e->max_floor == 100 && e->random_reserve == 20);
    assert_true(e->customer[0] == 'R' && e->price_type[0] == 'R' && e->post_only[0] == 'P');
    assert_int_equal((int32_t)e->peg_offset, -300);
    assert_true(e->discretion_price == 999900 && e->discretion_type[0] == 'M');
    assert_int_equal((int32_t)e->discretion_offset, -1);
    assert_true(e->expire_s == 86399 && e->trade_now[0] == 'Y' && e->handle_inst[0] == 'I');
    assert_true(e->group == 65535 && e->located[0] == 'Y');
    assert_true(e->quantity == 500 && e->price == 1000000 && e->tif[0] == '6');
}

static void an_enter_says_everything(void **state)
{
    (void)state;
    prepare(OUCH_50, NULL);
    assert_true(frames_can(&frames, &order));
    const struct entry e = entry_of(ENTRY_50, frame_enter(&frames, &order));
    assert_int_equal(e.has, everything.options.present);
    same_everywhere(&e);
    assert_memory_equal(e.firm, "OWNF", 4);
    assert_memory_equal(e.route, "SCAN", 4);
    assert_memory_equal(e.symbol, "CVLT    ", 8);
    assert_true(e.capacity[0] == 'R' && e.cross[0] == 'O' && e.sweep[0] == 'N' && e.ref == 77);
}

// Firm and route are not a replace's; the exchange keeps them for the chain.
static void a_replace_says_what_it_may(void **state)
{
    (void)state;
    prepare(OUCH_50, NULL);
    const struct entry e = entry_of(ENTRY_50, frame_replace(&frames, &order));
    assert_int_equal(e.has, everything.options.present & ouch_extras_replace);
    same_everywhere(&e);
    assert_true(e.ref == 77 && e.original == 76);
}

// What all orders of the session ask for stands in every frame, what one asks for in its own only.
static void the_sessions_stand_in_every_frame(void **state)
{
    const struct ouch50_options common = {.present = 0 BIT(CUSTOMER) BIT(GROUP) BIT(ROUTE),
                                          .customer = 'N',
                                          .group = 9,
                                          .route = "AB  "};
    const struct ouch_extras own = {.options = {.present = 0 BIT(GROUP), .group = 8}};
    const struct ouch_extras swept = {.iso = 'Y', .capacity = 'A'};
    struct frame_order o = order;
    (void)state;
    prepare(OUCH_50, &common);
    o.time_in_force = '0';
    for (uint32_t round = 0; round < 6; round++) {
        o.extras = round % 3 == 0 ? NULL : round % 3 == 1 ? &own : &swept;
        struct entry e = entry_of(ENTRY_50, frame_enter(&frames, &o));
        assert_int_equal(e.has, common.present BIT(FIRM));
        assert_memory_equal(e.firm, "SESS", 4);
        assert_memory_equal(e.route, "AB  ", 4);
        assert_int_equal(e.group, round % 3 == 1 ? 8 : 9);
        assert_int_equal(e.sweep[0], round % 3 == 2 ? 'Y' : 'N');
        assert_int_equal(e.capacity[0], round % 3 == 2 ? 'A' : 'P');
        e = entry_of(ENTRY_50, frame_replace(&frames, &o));
        assert_int_equal(e.has, 0 BIT(CUSTOMER) BIT(GROUP));
        assert_int_equal(e.group, round % 3 == 1 ? 8 : 9);
        assert_int_equal(e.sweep[0], round % 3 == 2 ? 'Y' : 'N');
    }
}

static void revision_105(void **state)
{
    const struct ouch_extras x = {
        .options = {.present = 0 BIT(LOCATE_BROKER) BIT(AIQ_STRATEGY) BIT(AIQ_GROUP),
                    .locate_broker = "LOCB",
                    .aiq_strategy = 'D',
                    .aiq_group = "G1"}};
    struct frame_order o = order;
    (void)state;
    prepare(OUCH_50, NULL);
    o.time_in_force = '0';
    o.extras = &x;
    assert_true(frames_can(&frames, &o));
    const struct entry e = entry_of(ENTRY_50, frame_enter(&frames, &o));
    assert_int_equal(e.has, x.options.present BIT(FIRM));
    assert_memory_equal(e.locate_broker, "LOCB", 4);
    assert_int_equal(e.aiq_strategy[0], 'D');
    assert_memory_equal(e.aiq_group, "G1", 2);
}

static void version_42_says_what_it_can(void **state)
{
    const struct ouch_extras x = {.options = {.present = 0 BIT(FIRM) BIT(MIN_QUANTITY) BIT(CUSTOMER)
                                                  BIT(EXPIRE_S) BIT(POST_ONLY),
                                              .firm = "OWNF",
                                              .min_quantity = 200,
                                              .customer = 'R',
                                              .expire_s = 60,
                                              .post_only = 'P'},
                                  .capacity = 'A',
                                  .cross = 'O'};
    struct frame_order o = order;
    struct entry e;
    (void)state;
    prepare(OUCH_42, NULL);
    assert_false(frames_can(&frames, &o)); // options that it has no place for
    o.extras = &x;
    assert_true(frames_can(&frames, &o));
    for (uint32_t round = 0; round < 2; round++) {
        e = entry_of(ENTRY_42, frame_enter(&frames, &o));
        assert_memory_equal(e.firm, "OWNF", 4);
        assert_true(e.min_quantity == 200 && e.tif_s == 60 && e.display[0] == 'P');
        assert_true(e.customer[0] == 'R' && e.capacity[0] == 'A' && e.cross[0] == 'O');
        e = entry_of(ENTRY_42, frame_replace(&frames, &o));
        assert_true(e.min_quantity == 200 && e.tif_s == 60 && e.display[0] == 'P');
        struct frame_order next = o; // nothing of it is left in the next one
        next.extras = NULL;
        next.time_in_force = '0';
        e = entry_of(ENTRY_42, frame_enter(&frames, &next));
        assert_memory_equal(e.firm, "SESS", 4);
        assert_true(e.min_quantity == 0 && e.tif_s == 99998 && e.display[0] == 'Y');
        assert_true(e.customer[0] == 'N' && e.capacity[0] == 'P' && e.cross[0] == 'N');
        e = entry_of(ENTRY_42, frame_replace(&frames, &next));
        assert_true(e.min_quantity == 0 && e.display[0] == 'Y');
    }
}

// One option at a time: 4.2 takes those of its table and refuses the others.
static void version_42_refuses_the_rest(void **state)
{
    (void)state;
    for (int v = 0; v < 2; v++) {
        prepare(v ? OUCH_42 : OUCH_50, NULL);
#define ONE(name)                                                                                  \
    {                                                                                              \
        struct ouch_extras x = everything;                                                         \
        struct frame_order o = order;                                                              \
        x.options.present = 1u << OUCH50_TAG_##name;                                               \
        x.capacity = x.cross = x.iso = 0;                                                          \
        o.extras = &x;                                                                             \
        o.time_in_force = OUCH50_TAG_##name == OUCH50_TAG_EXPIRE_S ? '6' : '0';                    \
        const struct ouch_asked asked = {o.quantity, o.price, o.side, o.time_in_force, o.display}; \
        const bool can = ouch_extras_good(&x, &asked) && (!v || ouch42_display(&x, 'Y'));          \
        assert_int_equal(frames_can(&frames, &o), can);                                            \
        if (v && !(ouch_extras_42 >> OUCH50_TAG_##name & 1))                                       \
            assert_false(can);                                                                     \
    }
        TAGS(ONE)
    }
}

static void the_discretion_is_read_from_the_bytes(void **state)
{
    struct frame_bytes f;
    (void)state;
    prepare(OUCH_50, NULL);
    f = *frame_enter(&frames, &order);
    assert_int_equal(egress_reach(&frames, f.bytes, f.len), 999900);
    f = *frame_replace(&frames, &order);
    assert_int_equal(egress_reach(&frames, f.bytes, f.len), 999900);
    f.bytes[SOUPBIN_HEADER_LEN + OUCH50_REPLACE_LEN] = 200; // an element that runs past the end
    assert_int_equal(egress_reach(&frames, f.bytes, f.len), UINT32_MAX);
    struct frame_order o = order;
    o.extras = NULL;
    f = *frame_enter(&frames, &o);
    assert_int_equal(egress_reach(&frames, f.bytes, f.len), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_enter_says_everything),
        cmocka_unit_test(a_replace_says_what_it_may),
        cmocka_unit_test(the_sessions_stand_in_every_frame),
        cmocka_unit_test(revision_105),
        cmocka_unit_test(version_42_says_what_it_can),
        cmocka_unit_test(version_42_refuses_the_rest),
        cmocka_unit_test(the_discretion_is_read_from_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
