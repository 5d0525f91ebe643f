// Matching of the trading exchange: priority, sizes, prices, what the lines and both members hear.
#include "tests/unit/exchange/trade_rig.h"

static void setup_50(void)
{
    rig_defaults(BOURSE_OUCH_50);
    rig_ready();
}

static void an_order_rests_and_is_published(void **state)
{
    (void)state;
    setup_50();
    uint32_t ref = rig_enter(0, 'B', 300, 1000000);
    struct entry a = rig_expect(0, 'A');
    assert_int_equal(a.ref, ref);
    assert_int_equal(a.quantity, 300);
    assert_int_equal(a.price, 1000000);
    assert_int_equal(a.state[0], 'L');
    assert_memory_equal(a.firm, "FRM0", 4);
    const uint8_t *m = rig_line('A');
    assert_int_equal(rig_int(m + 11, 8), a.reference);
    assert_int_equal(m[19], 'B');
    assert_int_equal(rig_int(m + 20, 4), 300);
    assert_memory_equal(m + 24, "AAPL    ", 8);
    assert_int_equal(rig_int(m + 32, 4), 1000000);
    assert_int_equal(rig_int(m + 5, 6), rig.day_ns);
    rig_line_silence();
    rig_silence(0);
    rig_silence(1);
    uint64_t shares;
    assert_int_equal(bourse_best(rig.b, 1, true, &shares), 1000000);
    assert_int_equal(shares, 300);
}

static void price_then_time(void **state)
{
    (void)state;
    setup_50();
    uint32_t late = rig_enter(0, 'S', 100, 1000100);
    uint32_t first = rig_enter(0, 'S', 100, 1000000);
    uint32_t second = rig_enter(0, 'S', 100, 1000000);
    rig_forget(0);
    rig_enter(1, 'B', 250, 1000200);
    rig_expect(1, 'A');
    const uint32_t order[] = {first, second, late};
    const uint32_t shares[] = {100, 100, 50};
    const uint64_t price[] = {1000000, 1000000, 1000100};
    uint64_t match = 0;
    for (uint32_t i = 0; i < 3; i++) {
        struct entry maker = rig_expect(0, 'E'), taker = rig_expect(1, 'E');
        assert_int_equal(maker.ref, order[i]);
        assert_int_equal(maker.quantity, shares[i]);
        assert_int_equal(maker.price, price[i]);
        assert_int_equal(maker.liquidity[0], 'A');
        assert_int_equal(taker.liquidity[0], 'R');
        assert_int_equal(taker.quantity, shares[i]);
        assert_int_equal(taker.price, price[i]);
        assert_int_equal(taker.match, maker.match);
        assert_true(taker.match > match);
        match = taker.match;
        const uint8_t *m = rig_line('E');
        assert_int_equal(rig_int(m + 19, 4), shares[i]);
        assert_int_equal(rig_int(m + 23, 8), match);
    }
    rig_line_silence(); // the taker never rested
    assert_int_equal(bourse_position(rig.b, 0, 1), -250);
    assert_int_equal(bourse_position(rig.b, 1, 1), 250);
    int64_t cash = (200 * 1000000ll + 50 * 1000100ll) * 100;
    assert_int_equal(bourse_cash_micro(rig.b, 0, 1), cash);
    assert_int_equal(bourse_cash_micro(rig.b, 1, 1), -cash);
    assert_int_equal(bourse_open_orders(rig.b, 0), 1);
}

static void what_is_not_taken_rests(void **state)
{
    (void)state;
    setup_50();
    rig_enter(0, 'S', 100, 1000000);
    rig_forget(0);
    rig_enter(1, 'B', 250, 1000000);
    struct entry a = rig_expect(1, 'A');
    assert_int_equal(a.quantity, 250);
    rig_expect(1, 'E');
    rig_line('E');
    const uint8_t *m = rig_line('A');
    assert_int_equal(rig_int(m + 11, 8), a.reference);
    assert_int_equal(rig_int(m + 20, 4), 150);
    uint64_t shares;
    assert_int_equal(bourse_best(rig.b, 1, true, &shares), 1000000);
    assert_int_equal(shares, 150);
    assert_int_equal(bourse_best(rig.b, 1, false, NULL), 0);
}

static void immediate_or_cancel(void **state)
{
    (void)state;
    setup_50();
    rig_enter(0, 'S', 100, 1000000);
    rig_forget(0);
    struct entry e = rig_order('B', 250, "AAPL", 1000000);
    e.tif[0] = '3';
    rig_say(1, &e);
    rig_expect(1, 'A');
    rig_expect(1, 'E');
    struct entry c = rig_expect(1, 'C');
    assert_int_equal(c.quantity, 150);
    assert_int_equal(c.code[0], 'I');
    rig_line('E');
    rig_line_silence();
    assert_int_equal(bourse_open_orders(rig.b, 1), 0);
}

static void fill_or_kill(void **state)
{
    (void)state;
    setup_50();
    rig_enter(0, 'S', 100, 1000000);
    rig_enter(0, 'S', 100, 1000100);
    rig_forget(0);
    struct entry e = rig_order('B', 201, "AAPL", 1000100);
    e.tif[0] = '3';
    e.min_quantity = 201;
    rig_option(&e, ENTRY_MIN_QUANTITY);
    rig_say(1, &e);
    rig_expect(1, 'A');
    assert_int_equal(rig_expect(1, 'C').quantity, 201);
    rig_silence(0);
    rig_line_silence();
    e = rig_order('B', 200, "AAPL", 1000100);
    e.tif[0] = '3';
    e.min_quantity = 200;
    rig_option(&e, ENTRY_MIN_QUANTITY);
    rig_say(1, &e);
    assert_int_equal(rig_expect(1, 'A').min_quantity, 200);
    rig_expect(1, 'E');
    rig_expect(1, 'E');
    rig_silence(1);
}

static void hidden_stands_behind_displayed(void **state)
{
    (void)state;
    setup_50();
    struct entry e = rig_order('S', 100, "AAPL", 1000000);
    e.display[0] = 'N';
    rig_say(0, &e);
    uint64_t hidden = e.ref;
    uint32_t shown = rig_enter(0, 'S', 100, 1000000);
    rig_line('A');
    rig_line_silence(); // of the hidden one nobody hears
    rig_forget(0);
    rig_enter(1, 'B', 150, 1000000);
    assert_int_equal(rig_expect(0, 'E').ref, shown);
    struct entry x = rig_expect(0, 'E');
    assert_int_equal(x.ref, hidden);
    assert_int_equal(x.liquidity[0], 'J');
    rig_line('E');
    const uint8_t *m = rig_line('P');
    assert_int_equal(rig_int(m + 11, 8), 0);
    assert_int_equal(rig_int(m + 20, 4), 50);
    assert_int_equal(rig_int(m + 36, 8), x.match);
    assert_int_equal(bourse_best(rig.b, 1, false, NULL), 0); // no displayed ask is left
}

static void a_reserve_shows_its_floor_and_refills(void **state)
{
    (void)state;
    setup_50();
    struct entry e = rig_order('S', 250, "AAPL", 1000000);
    e.max_floor = 100;
    rig_option(&e, ENTRY_MAX_FLOOR);
    rig_say(0, &e);
    assert_int_equal(rig_expect(0, 'A').max_floor, 100);
    uint64_t first = rig_int(rig_line('A') + 11, 8);
    rig_enter(0, 'S', 50, 1000000); // comes before the refilled part
    rig_forget(0);
    rig_enter(1, 'B', 120, 1000000);
    rig_expect(0, 'E');
    struct entry r = rig_expect(0, 'R');
    assert_int_equal(r.code[0], 'R');
    assert_int_equal(r.display_quantity, 100);
    assert_int_not_equal(r.secondary, first);
    assert_int_equal(rig_expect(0, 'E').ref, e.ref + 1);
    rig_line('E');
    const uint8_t *m = rig_line('A');
    assert_int_equal(rig_int(m + 11, 8), r.secondary);
    assert_int_equal(rig_int(m + 20, 4), 100);
    rig_line('E');
    rig_line_silence();
    rig_enter(1, 'B', 200, 1000000);
    rig_forget(0);
    rig_forget(1);
    struct bourse_order o;
    bourse_order_at(rig.b, 0, 0, &o);
    assert_int_equal(o.executed, 250);
    assert_int_equal(o.open, 0);
}

static void minimum_waits_unseen_for_enough(void **state)
{
    (void)state;
    setup_50();
    struct entry e = rig_order('S', 300, "AAPL", 1000000);
    e.display[0] = 'N';
    e.min_quantity = 200;
    rig_option(&e, ENTRY_MIN_QUANTITY);
    rig_say(0, &e);
    rig_enter(0, 'S', 100, 1000100);
    rig_forget(0);
    rig_enter(1, 'B', 100, 1000100); // too few for the first: the second trades
    assert_int_equal(rig_expect(0, 'E').ref, e.ref + 1);
    rig_enter(1, 'B', 200, 1000000);
    assert_int_equal(rig_expect(0, 'E').ref, e.ref);
}

static void post_only(void **state)
{
    (void)state;
    setup_50();
    rig_enter(0, 'S', 100, 1000000);
    rig_forget(0);
    struct entry e = rig_order('B', 100, "AAPL", 1000000);
    e.post_only[0] = 'P';
    rig_option(&e, ENTRY_POST_ONLY);
    rig_say(1, &e);
    struct entry a = rig_expect(1, 'A');
    assert_int_equal(a.state[0], 'D');
    assert_int_equal(a.quantity, 100);
    rig_silence(1);
    rig_silence(0);
    rig_line_silence();
    assert_int_equal(bourse_open_orders(rig.b, 1), 0);
}

static void post_only_slides_and_comes_back(void **state)
{
    (void)state;
    rig_defaults(BOURSE_OUCH_50);
    rig.config.rules.post_only_slides = true;
    rig_ready();
    uint32_t ask = rig_enter(0, 'S', 100, 1000000);
    rig_forget(0);
    struct entry e = rig_order('B', 100, "AAPL", 1000000);
    e.post_only[0] = 'P';
    rig_option(&e, ENTRY_POST_ONLY);
    rig_say(1, &e);
    struct entry a = rig_expect(1, 'A');
    assert_int_equal(a.state[0], 'L');
    assert_int_equal(a.price, 999900);
    assert_int_equal(rig_int(rig_line('A') + 32, 4), 999900);
    struct entry x = {.type = 'X', .ref = ask};
    rig_say(0, &x);
    struct entry t = rig_expect(1, 'T');
    assert_int_equal(t.price, 1000000);
    assert_int_not_equal(t.reference, a.reference);
    rig_line('D');
    const uint8_t *m = rig_line('U');
    assert_int_equal(rig_int(m + 11, 8), a.reference);
    assert_int_equal(rig_int(m + 19, 8), t.reference);
    assert_int_equal(rig_int(m + 31, 4), 1000000);
}

static void pegs_follow_the_market(void **state)
{
    (void)state;
    setup_50();
    rig_market_add(1, 'B', 500, 1000000);
    rig_market_add(2, 'S', 500, 1000200);
    struct entry e = rig_order('B', 100, "AAPL", 1000300);
    e.display[0] = 'N';
    e.price_type[0] = 'M';
    rig_option(&e, ENTRY_PRICE_TYPE);
    rig_say(0, &e);
    assert_int_equal(rig_expect(0, 'A').price, 1000100);
    rig_market_add(3, 'B', 100, 1000100); // the midpoint moves
    rig_forget(0);
    rig_enter(1, 'S', 100, 1000100); // half cents are the exchange's own
    struct entry x = rig_expect(0, 'E');
    assert_int_equal(x.price, 1000150);
    assert_int_equal(x.liquidity[0], 'k');
    rig_expect(1, 'A');
    assert_int_equal(rig_expect(1, 'E').liquidity[0], 'm');
}

static void discretion_takes_beyond_its_price(void **state)
{
    (void)state;
    setup_50();
    struct entry e = rig_order('B', 100, "AAPL", 1000000);
    e.discretion_price = 1000200;
    rig_option(&e, ENTRY_DISCRETION_PRICE);
    rig_say(0, &e);
    rig_expect(0, 'A');
    assert_int_equal(rig_int(rig_line('A') + 32, 4), 1000000);
    rig_market_add(7, 'S', 60, 1000300);
    rig_silence(0);
    rig_market_add(8, 'S', 60, 1000200);
    struct entry x = rig_expect(0, 'E');
    assert_int_equal(x.price, 1000200);
    assert_int_equal(x.quantity, 60);
    rig_silence(0);
}

static void self_match_is_prevented(void **state)
{
    (void)state;
    static const struct {
        enum bourse_self_match way;
        uint32_t resting, incoming; // what is left open
        char letter;
    } rows[] = {{BOURSE_SELF_DECREMENT, 0, 50, 'D'},
                {BOURSE_SELF_NEWEST, 100, 0, 'N'},
                {BOURSE_SELF_OLDEST, 0, 150, 'O'}};
    for (uint32_t i = 0; i < 3; i++) {
        rig_defaults(BOURSE_OUCH_50);
        rig.config.members[0].self_match = rows[i].way;
        rig_ready();
        rig_enter(0, 'S', 100, 1000000);
        rig_enter(0, 'B', 150, 1000000);
        rig_expect(0, 'A');
        rig_expect(0, 'A');
        struct entry d = rig_expect(0, 'D');
        assert_int_equal(d.code[0], 'Q');
        assert_int_equal(d.prevented, 100);
        assert_int_equal(d.price, 1000000);
        assert_int_equal(d.strategy[0], rows[i].letter);
        struct bourse_order o;
        bourse_order_at(rig.b, 0, 0, &o);
        assert_int_equal(o.open, rows[i].resting);
        bourse_order_at(rig.b, 0, 1, &o);
        assert_int_equal(o.open, rows[i].incoming);
        assert_int_equal(bourse_position(rig.b, 0, 1), 0);
        assert_int_equal(rig_records(BOURSE_EXECUTED), 0);
        rig_stop(NULL);
    }
    rig_defaults(BOURSE_OUCH_50);
    rig_ready();
    rig_enter(0, 'S', 100, 1000000);
    rig_enter(0, 'B', 150, 1000000);
    assert_int_equal(rig_records(BOURSE_EXECUTED), 2);
}

static void fees_are_paid_and_earned(void **state)
{
    (void)state;
    rig_defaults(BOURSE_OUCH_50);
    rig.config.fee_add_micro = -2000;
    rig.config.fee_remove_micro = 3000;
    rig_ready();
    rig_enter(0, 'S', 100, 1000000);
    rig_enter(1, 'B', 100, 1000000);
    assert_int_equal(bourse_cash_micro(rig.b, 0, 1), 100 * 1000000ll * 100 + 200000);
    assert_int_equal(bourse_cash_micro(rig.b, 1, 1), -100 * 1000000ll * 100 - 300000);
}

static void a_broken_trade_is_as_if_it_had_not_been(void **state)
{
    (void)state;
    rig_defaults(BOURSE_OUCH_50);
    rig.config.fee_remove_micro = 3000;
    rig_ready();
    rig_enter(0, 'S', 100, 1000000);
    rig_enter(1, 'B', 100, 1000000);
    rig_expect(0, 'A');
    uint64_t match = rig_expect(0, 'E').match;
    rig_forget(1);
    assert_true(bourse_break(rig.b, match, 'E'));
    assert_false(bourse_break(rig.b, match, 'E'));
    assert_false(bourse_break(rig.b, match + 1, 'E'));
    struct entry x = rig_expect(0, 'B');
    assert_int_equal(x.match, match);
    assert_int_equal(x.code[0], 'E');
    assert_int_equal(rig_expect(1, 'B').match, match);
    assert_int_equal(rig_int(rig_line('B') + 11, 8), match);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(bourse_position(rig.b, i, 1), 0);
        assert_int_equal(bourse_cash_micro(rig.b, i, 1), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_order_rests_and_is_published, rig_stop),
        cmocka_unit_test_teardown(price_then_time, rig_stop),
        cmocka_unit_test_teardown(what_is_not_taken_rests, rig_stop),
        cmocka_unit_test_teardown(immediate_or_cancel, rig_stop),
        cmocka_unit_test_teardown(fill_or_kill, rig_stop),
        cmocka_unit_test_teardown(hidden_stands_behind_displayed, rig_stop),
        cmocka_unit_test_teardown(a_reserve_shows_its_floor_and_refills, rig_stop),
        cmocka_unit_test_teardown(minimum_waits_unseen_for_enough, rig_stop),
        cmocka_unit_test_teardown(post_only, rig_stop),
        cmocka_unit_test_teardown(post_only_slides_and_comes_back, rig_stop),
        cmocka_unit_test_teardown(pegs_follow_the_market, rig_stop),
        cmocka_unit_test_teardown(discretion_takes_beyond_its_price, rig_stop),
        cmocka_unit_test_teardown(self_match_is_prevented, rig_stop),
        cmocka_unit_test_teardown(fees_are_paid_and_earned, rig_stop),
        cmocka_unit_test_teardown(a_broken_trade_is_as_if_it_had_not_been, rig_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
