// Members inside the replayed market: they take its shares, stand before it, and what the replay
// then says about shares that are gone is clamped, counted and published as what is left.
#include "tests/unit/exchange/trade_rig.h"

static uint8_t m[ITCH_MAX];

static void setup(void)
{
    rig_defaults(BOURSE_OUCH_50);
    rig_ready();
}

static struct itch_common stamp(void)
{
    return (struct itch_common){1, 0, ++rig.day_ns};
}

static void executed(uint64_t reference, uint32_t shares)
{
    struct itch_common c = stamp();
    bourse_market(rig.b, m, itch_executed(m, &c, reference, shares, 77));
}

static void cancelled(uint64_t reference, uint32_t shares)
{
    struct itch_common c = stamp();
    bourse_market(rig.b, m, itch_cancel(m, &c, reference, shares));
}

static void deleted(uint64_t reference)
{
    struct itch_common c = stamp();
    bourse_market(rig.b, m, itch_delete(m, &c, reference));
}

static void replaced(uint64_t old, uint64_t reference, uint32_t shares, uint32_t price)
{
    struct itch_common c = stamp();
    struct itch_order o = {reference, shares, price, 0};
    bourse_market(rig.b, m, itch_replace(m, &c, old, &o));
}

static void clamped(uint64_t messages, uint64_t shares)
{
    const struct bourse_counters *c = bourse_counters(rig.b);
    assert_int_equal(c->clamped_messages, messages);
    assert_int_equal(c->clamped_shares, shares);
    assert_int_equal(rig_records(BOURSE_CLAMPED), messages);
}

static uint64_t best(bool bid, uint64_t *shares)
{
    return bourse_best(rig.b, 1, bid, shares);
}

static void what_nobody_touched_is_published_as_it_is(void **state)
{
    (void)state;
    setup();
    rig_market_add(10, 'S', 500, 1000000);
    cancelled(10, 100);
    executed(10, 100);
    replaced(10, 11, 200, 1000100);
    deleted(11);
    static const char types[] = "AXEUD";
    for (uint32_t i = 0; i < 5; i++)
        rig_line(types[i]);
    rig_line_silence();
    clamped(0, 0);
    assert_int_equal(best(false, NULL), 0);
}

static void taken_shares_are_missing_from_executions(void **state)
{
    (void)state;
    setup();
    rig_market_add(10, 'S', 500, 1000000);
    rig_enter(0, 'B', 300, 1000000);
    rig_expect(0, 'A');
    assert_int_equal(rig_expect(0, 'E').quantity, 300);
    rig_line('A');
    assert_int_equal(rig_int(rig_line('E') + 19, 4), 300);
    executed(10, 150); // 200 are left of 500
    assert_int_equal(rig_int(rig_line('E') + 19, 4), 150);
    clamped(0, 0);
    executed(10, 350); // the replay's last ones: 50 are there
    assert_int_equal(rig_int(rig_line('E') + 19, 4), 50);
    clamped(1, 300);
    rig_line_silence();
    assert_int_equal(best(false, NULL), 0);
    executed(10, 1); // the replay is through with it: an unknown order, as it is
    rig_line('E');
}

static void an_empty_order_stays_known_until_the_replay_ends_it(void **state)
{
    (void)state;
    setup();
    rig_market_add(10, 'S', 100, 1000000);
    rig_market_add(20, 'S', 100, 1000000);
    rig_enter(0, 'B', 200, 1000000);
    rig_forget(0);
    assert_int_equal(best(false, NULL), 0);
    cancelled(10, 40);
    executed(10, 10);
    deleted(10);
    rig_line_silence(); // of shares that are gone nobody hears again
    clamped(3, 100);
    replaced(20, 21, 300, 1000000); // grows by 200, which are real
    const uint8_t *a = rig_line('A');
    assert_int_equal(rig_int(a + 11, 8), 21);
    assert_int_equal(rig_int(a + 20, 4), 200);
    clamped(4, 200);
    uint64_t shares;
    assert_int_equal(best(false, &shares), 1000000);
    assert_int_equal(shares, 200);
}

static void replaces_carry_what_is_missing(void **state)
{
    (void)state;
    setup();
    rig_market_add(10, 'S', 500, 1000000);
    rig_enter(0, 'B', 100, 1000000);
    rig_forget(0);
    replaced(10, 11, 400, 1000100);
    const uint8_t *u = rig_line('U');
    assert_int_equal(rig_int(u + 27, 4), 300);
    clamped(1, 100);
    replaced(11, 12, 80, 1000100); // fewer than are missing
    assert_int_equal(rig_int(rig_line('D') + 11, 8), 11);
    rig_line_silence();
    assert_int_equal(best(false, NULL), 0);
    deleted(12);
    rig_line_silence();
}

// The day's aggressor meets a member's order first.
static void who_crosses_a_member_trades_with_it(void **state)
{
    (void)state;
    setup();
    rig_enter(0, 'B', 300, 1000200);
    rig_forget(0);
    rig_market_add(10, 'S', 200, 1000200);
    assert_int_equal(rig_expect(0, 'E').quantity, 200);
    rig_line('E');
    rig_line_silence(); // nothing of it rests
    clamped(1, 200);
    rig_market_add(11, 'S', 150, 1000100);
    struct entry e = rig_expect(0, 'E');
    assert_int_equal(e.quantity, 100);
    assert_int_equal(e.price, 1000200); // the price of who was there first
    rig_line('E');
    assert_int_equal(rig_int(rig_line('A') + 20, 4), 50);
    clamped(2, 300);
    assert_int_equal(bourse_position(rig.b, 0, 1), 300);
}

// A member's order with priority trades instead of the recorded one, whose shares leave all the
// same: volume and books stay those of the recording.
static void priority_displaces_recorded_executions(void **state)
{
    (void)state;
    setup();
    rig_enter(0, 'S', 100, 1000000);
    rig_market_add(10, 'S', 500, 1000000); // behind it
    rig_enter(0, 'S', 70, 1000000);        // behind both
    rig_forget(0);
    rig.itch_next = rig.itch_count;
    executed(10, 250);
    struct entry e = rig_expect(0, 'E');
    assert_int_equal(e.quantity, 100);
    assert_int_equal(e.liquidity[0], 'A');
    rig_silence(0);
    const uint8_t *x = rig_line('E');
    assert_int_equal(rig_int(x + 19, 4), 100); // the member's
    x = rig_line('E');
    assert_int_equal(rig_int(x + 11, 8), 10);
    assert_int_equal(rig_int(x + 19, 4), 150);
    x = rig_line('X');
    assert_int_equal(rig_int(x + 11, 8), 10);
    assert_int_equal(rig_int(x + 19, 4), 100);
    rig_line_silence();
    assert_int_equal(bourse_counters(rig.b)->displaced_shares, 100);
    uint64_t shares;
    assert_int_equal(best(false, &shares), 1000000);
    assert_int_equal(shares, 320);
}

static void a_better_price_trades_before_the_recorded_one(void **state)
{
    (void)state;
    setup();
    rig_market_add(10, 'B', 500, 1000000);
    rig_enter(0, 'B', 50, 1000100);
    rig_forget(0);
    executed(10, 80);
    struct entry e = rig_expect(0, 'E');
    assert_int_equal(e.quantity, 50);
    assert_int_equal(e.price, 1000100);
    uint64_t shares;
    assert_int_equal(best(true, &shares), 1000000);
    assert_int_equal(shares, 420);
}

static void crosses_are_taken_part_in(void **state)
{
    (void)state;
    setup();
    struct entry e = rig_order('B', 100, "AAPL", 1000500);
    e.cross[0] = 'C';
    e.tif[0] = '3';
    rig_say(0, &e);
    rig_expect(0, 'A');
    rig_silence(0);
    rig_line_silence();
    struct itch_common c = stamp();
    bourse_market(rig.b, m, itch_cross(m, &c, (const uint8_t *)"AAPL    ", 60, 1000200, 5, 'C'));
    struct entry x = rig_expect(0, 'E');
    assert_int_equal(x.quantity, 60);
    assert_int_equal(x.price, 1000200);
    assert_int_equal(rig_expect(0, 'C').quantity, 40);
    rig_line('Q');
    rig_line_silence();
}

static void halted_symbols_do_not_trade(void **state)
{
    (void)state;
    setup();
    rig_enter(0, 'B', 100, 1000000);
    rig_forget(0);
    assert_true(bourse_halt(rig.b, 1, 'H'));
    rig_market_add(10, 'S', 100, 1000000);
    rig_silence(0);
    assert_true(bourse_halt(rig.b, 1, 'T')); // trading goes on: what is crossed trades
    assert_int_equal(rig_expect(0, 'E').quantity, 100);
    assert_int_equal(best(true, NULL), 0);
    assert_int_equal(best(false, NULL), 0);
}

static void a_short_or_unknown_message_passes(void **state)
{
    (void)state;
    setup();
    static const uint8_t odd[] = "A23";
    bourse_market(rig.b, odd, 3);
    bourse_market(rig.b, odd + 1, 1);
    rig_line('A');
    rig_line('2');
    rig_market_add(10, 'S', 100, 1000000);
    rig_market_add(10, 'S', 100, 1000000); // the same number again
    rig_line('A');
    rig_line('A');
    uint64_t shares;
    assert_int_equal(best(false, &shares), 1000000);
    assert_int_equal(shares, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_nobody_touched_is_published_as_it_is, rig_stop),
        cmocka_unit_test_teardown(taken_shares_are_missing_from_executions, rig_stop),
        cmocka_unit_test_teardown(an_empty_order_stays_known_until_the_replay_ends_it, rig_stop),
        cmocka_unit_test_teardown(replaces_carry_what_is_missing, rig_stop),
        cmocka_unit_test_teardown(who_crosses_a_member_trades_with_it, rig_stop),
        cmocka_unit_test_teardown(priority_displaces_recorded_executions, rig_stop),
        cmocka_unit_test_teardown(a_better_price_trades_before_the_recorded_one, rig_stop),
        cmocka_unit_test_teardown(crosses_are_taken_part_in, rig_stop),
        cmocka_unit_test_teardown(halted_symbols_do_not_trade, rig_stop),
        cmocka_unit_test_teardown(a_short_or_unknown_message_passes, rig_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
