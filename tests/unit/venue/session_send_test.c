// What a session lets out: every order's frame is what was approved, to the last byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/lib/session_rig.h"

static const struct frame_order order = {.ref = 7,
                                         .quantity = 100,
                                         .price = 1000000,
                                         .symbol = "MSFT    ",
                                         .side = 'B',
                                         .time_in_force = '0',
                                         .display = 'Y'};

static struct egress approval(void)
{
    return (struct egress){.ref = 7,
                           .quantity = 100,
                           .price = 1000000,
                           .symbol = "MSFT    ",
                           .side = 'B',
                           .letter = 'O',
                           .time_in_force = '0',
                           .display = 'Y'};
}

static void every_order_frame_needs_its_own_approval(void **state)
{
    (void)state;
    go();
    const struct frame_bytes *frame = frame_enter(&s.frames, &order);
    s.approved = approval();
    assert_int_equal(session_send_order(&s, frame, now), SESSION_SENT);
    assert_int_equal(rig.sent_len, 50);
    // The same frame again: the approval is used up.
    assert_int_equal(session_send_order(&s, frame, now), SESSION_EGRESS);
    assert_int_equal(rig.sent_len, 50);
    assert_true(s.halted && !session_may_enter(&s) && session_may_cancel(&s));
}

static void a_frame_that_differs_halts_the_session(void **state)
{
    (void)state;
    go();
    s.approved = approval();
    s.approved.letter = 'U';
    assert_int_equal(session_send_order(&s, frame_enter(&s.frames, &order), now), SESSION_EGRESS);
    assert_true(s.halted && s.count.egress == 1 && rig.sent_len == 0);
    start(OUCH_50); // an order in the clothes of a cancel
    go();
    assert_false(session_send_cancel(&s, frame_enter(&s.frames, &order), now));
    assert_true(s.halted && rig.sent_len == 0);
    s.frames.query = *frame_enter(&s.frames, &order); // or of a query
    s.query_at = 0;
    assert_false(session_query(&s, 1, now));
    assert_true(s.count.egress == 2 && rig.sent_len == 0);
}

#define HAS(tag) (1u << OUCH50_TAG_##tag)
static const struct ouch_extras own = {
    .options = {.present = HAS(FIRM) | HAS(MIN_QUANTITY) | HAS(EXPIRE_S),
                .firm = "OWNS",
                .min_quantity = 5,
                .expire_s = 60},
    .capacity = 'P',
    .iso = 'Y'};

// Kinds of frames: the sum of these.
enum { IN_42 = 1, REPLACES = 2, EXTRAS = 4, TIMED = 8, MODIFIES = 16, KINDS = 18 };

// A session that has approved order 7 and its frame.
static struct frame_bytes *frame_approved(uint32_t kind)
{
    struct frame_order o = order;
    start(kind & IN_42 ? OUCH_42 : OUCH_50);
    go();
    s.approved = approval();
    if (kind & MODIFIES) {
        s.approved = (struct egress){.ref = 7, .quantity = 100, .side = 'B', .letter = 'M'};
        frame_modify(&s.frames, 7, 'B', 100);
        return &s.frames.modify;
    }
    o.extras = s.approved_extras = kind & EXTRAS ? &own : NULL;
    o.time_in_force = s.approved.time_in_force = kind & TIMED ? '6' : '0';
    if (kind & REPLACES) {
        o.ref_was = s.approved.ref_was = 3;
        s.approved.letter = 'U';
        s.approved.side = 0;
        memset(s.approved.symbol, 0, sizeof s.approved.symbol);
        frame_replace(&s.frames, &o);
    } else {
        frame_enter(&s.frames, &o);
    }
    return kind & EXTRAS ? &s.frames.with : kind & REPLACES ? &s.frames.replace : &s.frames.enter;
}

// Whichever byte of an order's frame is not what was approved, or what the session was set up with;
// nor is there one more.
static void no_byte_of_a_frame_may_differ(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        if ((kind & (TIMED | EXTRAS)) == TIMED)
            continue; // an extra says for how long
        const uint32_t len = frame_approved(kind)->len;
        for (uint32_t at = 0; at <= len + 1; at++) {
            struct frame_bytes *f = frame_approved(kind);
            if (at < len) // behind it is the one that leaves as it is
                f->bytes[at] ^= 1;
            struct frame_bytes copy = *f;
            copy.len += at > len;
            be16_store(copy.bytes, (uint16_t)(at < 2 ? be16_load(f->bytes) : copy.len - 2));
            const enum session_sent sent = session_send_order(&s, &copy, now);
            if ((sent == SESSION_SENT) != (at == len))
                fail_msg("kind %u, byte %u of %u: %d", kind, at, len, sent);
            assert_int_equal(s.halted, at != len);
            assert_null(s.approved_extras);
        }
    }
}

// In the frame of orders that have none, they would be missing.
static void what_was_approved_with_options_has_them(void **state)
{
    (void)state;
    for (uint32_t kind = EXTRAS; kind < TIMED; kind++) {
        struct frame_order o = order;
        frame_approved(kind);
        o.ref_was = 3;
        const struct frame_bytes *plain =
            kind & REPLACES ? frame_replace(&s.frames, &o) : frame_enter(&s.frames, &o);
        assert_int_equal(session_send_order(&s, plain, now), SESSION_EGRESS);
        assert_true(s.halted && s.approved_extras == NULL);
    }
    // Nor the other way round.
    const struct frame_bytes *with = frame_approved(EXTRAS);
    s.approved_extras = NULL;
    assert_int_equal(session_send_order(&s, with, now), SESSION_EGRESS);
    with = frame_approved(EXTRAS);
    rig.refuse = true;
    assert_int_equal(session_send_order(&s, with, now), SESSION_NOT_SENT);
    assert_null(s.approved_extras);
}

// A second packet behind the one that is looked at would leave unseen.
static void nothing_stands_behind_a_frame(void **state)
{
    (void)state;
    struct frame_bytes two;
    start(OUCH_50);
    go();
    const struct frame_bytes *enter = frame_enter(&s.frames, &order);
    two = *frame_cancel(&s.frames, 7, 0);
    memcpy(two.bytes + two.len, enter->bytes, enter->len);
    two.len += enter->len;
    assert_false(session_send_cancel(&s, &two, now));
    assert_true(s.halted && rig.sent_len == 0);
    start(OUCH_50);
    go();
    s.approved = approval();
    two = *frame_enter(&s.frames, &order);
    memcpy(two.bytes + two.len, enter->bytes, enter->len);
    two.len += enter->len;
    assert_int_equal(session_send_order(&s, &two, now), SESSION_EGRESS);
    assert_true(s.halted && rig.sent_len == 0);
}

// The approval came before the halt.
static void nothing_leaves_on_a_halted_session(void **state)
{
    (void)state;
    go();
    s.approved = approval();
    session_halt(&s);
    assert_int_equal(session_send_order(&s, frame_enter(&s.frames, &order), now), SESSION_EGRESS);
    assert_int_equal(rig.sent_len, 0);
}

static void a_refusal_of_the_transport_is_no_sending(void **state)
{
    (void)state;
    go();
    s.approved = approval();
    rig.refuse = true;
    assert_int_equal(session_send_order(&s, frame_enter(&s.frames, &order), now), SESSION_NOT_SENT);
    assert_false(s.halted);
    assert_false(session_send_cancel(&s, frame_cancel(&s.frames, 7, 0), now));
    rig.refuse = false;
    rig.busy = true;
    assert_false(session_free(&s, 1));
    assert_false(session_send_cancel(&s, frame_cancel(&s.frames, 7, 0), now));
    rig.busy = false;
    assert_true(session_send_cancel(&s, frame_cancel(&s.frames, 7, 0), now));
    assert_memory_equal(rig.sent, "\0\x0aUX\0\0\0\7\0\0\0\0", 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_order_frame_needs_its_own_approval, setup),
        cmocka_unit_test_setup(a_frame_that_differs_halts_the_session, setup),
        cmocka_unit_test_setup(no_byte_of_a_frame_may_differ, setup),
        cmocka_unit_test_setup(what_was_approved_with_options_has_them, setup),
        cmocka_unit_test_setup(nothing_stands_behind_a_frame, setup),
        cmocka_unit_test_setup(nothing_leaves_on_a_halted_session, setup),
        cmocka_unit_test_setup(a_refusal_of_the_transport_is_no_sending, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
