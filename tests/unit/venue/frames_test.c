// Prepared frames, read again with the codec, in both versions.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/venue/frames.h"
#include "dataplane/wire/ouch42.h"

static struct frames frames;

static void prepare(enum ouch_version version, const char *firm)
{
    struct frames_config c = {.version = version, .capacity = 'P'};
    memcpy(c.firm, firm, 4);
    assert_true(ouch_prefix_set(&c.prefix, "TG"));
    frames_init(&frames, &c);
}

static const struct frame_order order = {.ref = 0x01020304,
                                         .ref_was = 0x01020303,
                                         .quantity = 225,
                                         .price = 630200,
                                         .symbol = "CVLT    ",
                                         .side = 'T',
                                         .time_in_force = '3',
                                         .display = 'N'};

static const uint8_t *payload(const struct frame_bytes *f, uint32_t len)
{
    assert_int_equal(f->len, len + 3);
    assert_int_equal(be16_load(f->bytes), len + 1);
    assert_int_equal(f->bytes[2], 'U');
    return f->bytes + 3;
}

static void an_enter_of_50_says_what_was_asked(void **state)
{
    (void)state;
    struct ouch50_message m;
    struct ouch50_enter e;
    prepare(OUCH_50, "    ");
    const uint8_t *p = payload(frame_enter(&frames, &order), 47);
    assert_int_equal(ouch50_in_check(p, 47, &m), OUCH50_OK);
    ouch50_enter_read(p, &e);
    assert_true(e.user_ref == order.ref && e.quantity == 225 && e.price == 630200);
    assert_true(e.side == 'T' && e.time_in_force == '3' && e.display == 'N' && e.capacity == 'P');
    assert_true(e.iso == 'N' && e.cross == 'N' && e.appendage_len == 0);
    assert_memory_equal(e.symbol, "CVLT    ", 8);
    assert_memory_equal(e.client_id, "              ", 14);
}

// Options of one order are gone from the next one's frame; the firm is in all.
static void options_belong_to_one_order(void **state)
{
    (void)state;
    const struct ouch_extras extras = {
        .options = {.present = 1u << OUCH50_TAG_POST_ONLY | 1u << OUCH50_TAG_MAX_FLOOR,
                    .post_only = 'P',
                    .max_floor = 100}};
    struct frame_order with = order;
    struct ouch50_message m;
    struct ouch50_options o;
    with.extras = &extras;
    prepare(OUCH_50, "TGTE");
    for (int round = 0; round < 3; round++) {
        const bool has = round == 1;
        const uint32_t len = 47 + 6 + (has ? 3 + 6 : 0);
        const uint8_t *p = payload(frame_enter(&frames, has ? &with : &order), len);
        assert_int_equal(ouch50_in_check(p, len, &m), OUCH50_OK);
        assert_true(ouch50_options_read(m.options, m.options_len, &o));
        assert_int_equal(o.present, 1u << OUCH50_TAG_FIRM | (has ? extras.options.present : 0));
        assert_memory_equal(o.firm, "TGTE", 4);
        const uint32_t replace_len = 40 + (has ? 9 : 0);
        p = payload(frame_replace(&frames, has ? &with : &order), replace_len);
        assert_int_equal(ouch50_in_check(p, replace_len, &m), OUCH50_OK);
        assert_int_equal(ouch50_replace_orig_user_ref(p), order.ref_was);
        assert_int_equal(ouch50_replace_user_ref(p), order.ref);
        assert_int_equal(ouch50_replace_quantity(p), 225);
        assert_true(ouch50_replace_price(p) == 630200 && ouch50_replace_time_in_force(p) == '3');
        assert_int_equal(ouch50_replace_display(p), 'N');
    }
}

static void the_rest_of_50(void **state)
{
    (void)state;
    prepare(OUCH_50, "    ");
    const uint8_t *p = payload(frame_cancel(&frames, 9, 300), 9);
    assert_true(p[0] == 'X' && ouch50_cancel_user_ref(p) == 9 && ouch50_cancel_quantity(p) == 300);
    p = payload(frame_modify(&frames, 9, 'E', 300), 10);
    assert_true(p[0] == 'M' && ouch50_modify_user_ref(p) == 9 && ouch50_modify_side(p) == 'E' &&
                ouch50_modify_quantity(p) == 300);
    assert_int_equal(payload(&frames.query, 1)[0], 'Q');
}

static void version_42_says_the_same(void **state)
{
    (void)state;
    struct ouch42_enter e;
    struct ouch42_replace r;
    prepare(OUCH_42, "TGTE");
    const uint8_t *p = payload(frame_enter(&frames, &order), 49);
    ouch42_enter_read(p, &e);
    assert_memory_equal(e.token, "TG01020304    ", 14);
    assert_true(e.type == 'O' && e.side == 'T' && e.quantity == 225 && e.price == 630200);
    assert_true(e.time_in_force == OUCH42_TIF_IOC && e.display == 'N' && e.capacity == 'P');
    assert_true(e.iso == 'N' && e.cross == 'N' && e.customer == 'N' && e.min_quantity == 0);
    assert_memory_equal(e.symbol, "CVLT    ", 8);
    assert_memory_equal(e.firm, "TGTE", 4);
    p = payload(frame_replace(&frames, &order), 47);
    ouch42_replace_read(p, &r);
    assert_memory_equal(r.orig_token, "TG01020303    ", 14);
    assert_memory_equal(r.token, "TG01020304    ", 14);
    assert_true(r.quantity == 225 && r.price == 630200 && r.time_in_force == OUCH42_TIF_IOC);
    p = payload(frame_cancel(&frames, 5, 0), 19);
    assert_memory_equal(p, "XTG00000005    \0\0\0\0", 19);
    p = payload(frame_modify(&frames, 5, 'S', 7), 20);
    assert_memory_equal(p, "MTG00000005    S\0\0\0\7", 20);
    assert_int_equal(frames.query.len, 0);
}

static void letters_that_a_version_lacks_are_refused(void **state)
{
    (void)state;
    struct frame_order o = order;
    const struct ouch_extras minute = {
        .options = {.present = 1u << OUCH50_TAG_EXPIRE_S, .expire_s = 60}};
    const struct ouch_extras floor = {
        .options = {.present = 1u << OUCH50_TAG_MAX_FLOOR, .max_floor = 100}};
    for (int v = 0; v < 2; v++) {
        prepare(v ? OUCH_42 : OUCH_50, "    ");
        o = order;
        assert_true(frames_can(&frames, &o));
        o.side = 'X';
        assert_false(frames_can(&frames, &o));
        o = order;
        o.display = 0;
        assert_false(frames_can(&frames, &o));
        o = order;
        o.time_in_force = '6'; // needs to know how long
        assert_false(frames_can(&frames, &o));
        o.extras = &minute;
        assert_true(frames_can(&frames, &o));
        if (v) {
            const uint8_t *p = payload(frame_enter(&frames, &o), 49);
            assert_int_equal(ouch42_enter_time_in_force(p), 60);
        }
        o.time_in_force = '0'; // has no end to tell
        assert_false(frames_can(&frames, &o));
        o.extras = NULL;
        o.time_in_force = 'E';
        assert_false(frames_can(&frames, &o)); // of a replace
        o.ref_was = 0;
        assert_int_equal(frames_can(&frames, &o), !v);
        o.ref_was = order.ref_was;
        o.time_in_force = '0';
        o.display = 'Y';
        o.extras = &floor;
        assert_int_equal(frames_can(&frames, &o), !v);
    }
}

// OUCH 4.2 has one letter for the display and some options, and its Accepted gives that letter
// back: the replace of the order starts from it.
static void what_42_gives_back_can_be_replaced(void **state)
{
    (void)state;
    static const struct {
        struct ouch_extras extras;
        char display, letter;
    } rows[] = {
#define ROW(tag, field, value, display, letter) \
    {{.options = {.present = 1u << OUCH50_TAG_##tag, .field = (value)}}, display, letter}
        ROW(POST_ONLY, post_only, 'P', 'Y', 'P'),
        ROW(POST_ONLY, post_only, 'P', 'A', 'L'),
        ROW(PRICE_TYPE, price_type, 'M', 'N', 'M'),
        ROW(PRICE_TYPE, price_type, 'm', 'N', 'm'),
        {{.options = {.present = 1u << OUCH50_TAG_HANDLE, .handle = 'I'}, .cross = 'O'}, 'N', 'I'},
        {{.options = {.present = 1u << OUCH50_TAG_POST_ONLY | 1u << OUCH50_TAG_PRICE_TYPE,
                      .post_only = 'P',
                      .price_type = 'M'}},
         'N',
         'W'},
    };
    prepare(OUCH_42, "    ");
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct frame_order o = order;
        struct ouch42_accepted a = {.quantity = 225, .price = 630200, .side = 'T', .state = 'L'};
        struct ouch42_priority t = {.price = 630200};
        uint8_t message[OUCH42_MESSAGE_MAX];
        struct ouch_report r;
        o.ref_was = 0;
        o.time_in_force = '0';
        o.display = rows[i].display;
        o.extras = &rows[i].extras;
        assert_true(frames_can(&frames, &o));
        a.display = t.display = ouch42_enter_display(payload(frame_enter(&frames, &o), 49));
        assert_int_equal(a.display, rows[i].letter);
        ouch_token_write(a.token, &frames.prefix, o.ref);
        memcpy(t.token, a.token, sizeof t.token);
        uint32_t len = ouch42_priority_write(message, &t);
        assert_int_equal(ouch42_report(message, len, &frames.prefix, &r), OUCH_OK);
        assert_int_equal(r.display, rows[i].display);
        len = ouch42_accepted_write(message, &a);
        assert_int_equal(ouch42_report(message, len, &frames.prefix, &r), OUCH_OK);
        o.ref_was = o.ref++;
        o.display = r.display;
        assert_true(frames_can(&frames, &o));
        const uint8_t *p = payload(frame_replace(&frames, &o), 47);
        assert_int_equal(ouch42_replace_display(p), rows[i].letter);
    }
}

static void egress_reads_what_stands_there(void **state)
{
    (void)state;
    struct egress e;
    for (int v = 0; v < 2; v++) {
        prepare(v ? OUCH_42 : OUCH_50, "    ");
        const struct frame_bytes *f = frame_enter(&frames, &order);
        assert_true(egress_read(&frames, f->bytes, f->len, &e));
        assert_true(e.letter == 'O' && e.ref == order.ref && e.quantity == 225 &&
                    e.price == 630200 && e.side == 'T' && e.ref_was == 0);
        assert_true(e.time_in_force == order.time_in_force && e.display == order.display);
        assert_memory_equal(e.symbol, "CVLT    ", 8);
        for (uint32_t i = 0; i < 3; i++) {
            struct frame_order other = order;
            other.time_in_force = "035"[i];
            other.display = "YNA"[i];
            f = i & 1 ? frame_replace(&frames, &other) : frame_enter(&frames, &other);
            assert_true(egress_read(&frames, f->bytes, f->len, &e));
            assert_true(e.time_in_force == other.time_in_force && e.display == other.display);
        }
        f = frame_replace(&frames, &order);
        assert_true(egress_read(&frames, f->bytes, f->len, &e));
        assert_true(e.letter == 'U' && e.ref == order.ref && e.ref_was == order.ref_was &&
                    e.quantity == 225 && e.price == 630200 && e.side == 0);
        f = frame_modify(&frames, 5, 'S', 7);
        assert_true(egress_read(&frames, f->bytes, f->len, &e));
        assert_true(e.letter == 'M' && e.ref == 5 && e.quantity == 7 && e.side == 'S');
        f = frame_cancel(&frames, 5, 0);
        assert_false(egress_read(&frames, f->bytes, f->len, &e));
    }
    assert_false(egress_read(&frames, (const uint8_t *)"\0\1R", 3, &e));
}

// Behind what every order patches, up to the last byte of the options that all have in common.
static void a_frame_is_what_the_session_prepared_to_its_last_byte(void **state)
{
    (void)state;
    struct frames_config c = {
        .firm = "TGTE",
        .capacity = 'P',
        .options = {.present = 1u << OUCH50_TAG_CUSTOMER | 1u << OUCH50_TAG_ROUTE |
                               1u << OUCH50_TAG_TRADE_NOW | 1u << OUCH50_TAG_GROUP,
                    .customer = 'R',
                    .route = "SCAN",
                    .trade_now = 'Y',
                    .group = 7}};
    frames_init(&frames, &c);
    for (uint32_t i = 0; i < 2; i++) {
        struct frame_bytes f = i ? *frame_replace(&frames, &order) : *frame_enter(&frames, &order);
        assert_true(f.len > 3 + (i ? 40 : 47));
        assert_true(egress_rest(&frames, &f));
        for (uint32_t at = 3 + (i ? 23 : 28); at < f.len; at++) {
            f.bytes[at] ^= 1;
            assert_false(egress_rest(&frames, &f));
            f.bytes[at] ^= 1;
        }
        f.len--;
        assert_false(egress_rest(&frames, &f));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_enter_of_50_says_what_was_asked),
        cmocka_unit_test(options_belong_to_one_order),
        cmocka_unit_test(the_rest_of_50),
        cmocka_unit_test(version_42_says_the_same),
        cmocka_unit_test(letters_that_a_version_lacks_are_refused),
        cmocka_unit_test(what_42_gives_back_can_be_replaced),
        cmocka_unit_test(egress_reads_what_stands_there),
        cmocka_unit_test(a_frame_is_what_the_session_prepared_to_its_last_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
