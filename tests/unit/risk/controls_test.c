// The controls on orders, market and habits: just inside, at and just outside the limit, at every
// scope that has it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/control_rig.h"

static struct limit_symbol *symbol(void)
{
    return &row_of(TRADE_SYMBOL)->symbol;
}

// --- the order itself ---

static void quantities_are_whole_lots(void **state)
{
    (void)state;
    symbol()->lot = 100;
    symbol()->lot_magic = multiple_magic(100);
    struct gate_order o = order_of(200, PRICE, 'B');
    passes(&o);
    o = order_of(199, PRICE, 'B');
    refused(&o, REFUSAL_LOT, TRADE_SYMBOL, 199, 100);
    o = order_of(201, PRICE, 'B');
    refused(&o, REFUSAL_LOT, TRADE_SYMBOL, 201, 100);
    for (uint32_t d = 1; d < 2000; d += 7)
        for (uint32_t n = 1; n < 5000; n += 3)
            assert_int_equal(multiple_of(n, multiple_magic(d)), n % d == 0);
    assert_true(multiple_of(UINT32_MAX, multiple_magic(UINT32_MAX)));
    assert_false(multiple_of(UINT32_MAX - 1, multiple_magic(UINT32_MAX)));
}

static void prices_are_whole_ticks_from_a_dollar_on(void **state)
{
    (void)state;
    symbol()->tick = 100;
    symbol()->tick_magic = multiple_magic(100);
    struct gate_order o = order_of(SHARES, 10000, 'B');
    passes(&o);
    o = order_of(SHARES, 10001, 'B');
    refused(&o, REFUSAL_TICK, TRADE_SYMBOL, 10001, 100);
    o = order_of(SHARES, 10099, 'B');
    refused(&o, REFUSAL_TICK, TRADE_SYMBOL, 10099, 100);
    o = order_of(SHARES, 9999, 'B');
    passes(&o);
}

static void what_is_forbidden_is_refused_at_every_scope(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++)
        for (uint32_t p = 0; p < PERMISSIONS; p++) {
            struct gate_order o = order_of(SHARES, PRICE, 'B');
            o.asks = (uint16_t)(1u << p);
            row_of(scope)->forbids = (uint16_t) ~(1u << p);
            passes(&o);
            row_of(scope)->forbids = (uint16_t)(1u << p);
            refused(&o, REFUSAL_PERMISSION, scope, p, 0);
            assert_string_not_equal(permission_name(p), "?");
            row_of(scope)->forbids = 0;
        }
}

static void an_order_is_a_part_of_the_days_volume(void **state)
{
    (void)state;
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    symbol()->volume = SHARES;
    passes(&o);
    symbol()->volume = SHARES - 1;
    refused(&o, REFUSAL_VOLUME, TRADE_SYMBOL, SHARES, SHARES - 1);
}

static void restricted_symbols_are_refused_by_degrees(void **state)
{
    (void)state;
    struct gate_order buy = order_of(SHARES, PRICE, 'B'), sell = order_of(SHARES, PRICE, 'S');
    symbol()->restricted = RESTRICTION_ALL;
    refused(&buy, REFUSAL_RESTRICTED, TRADE_SYMBOL, RESTRICTION_ALL, 0);
    symbol()->restricted = RESTRICTION_OPENING;
    refused(&buy, REFUSAL_RESTRICTED, TRADE_SYMBOL, RESTRICTION_OPENING, 0);
    refused(&sell, REFUSAL_RESTRICTED, TRADE_SYMBOL, RESTRICTION_OPENING, 0);
    symbol()->restricted = RESTRICTION_SHORT;
    passes(&buy);
    refused(&sell, REFUSAL_RESTRICTED, TRADE_SYMBOL, RESTRICTION_SHORT, 0);
    fill(SHARES, PRICE, false);
    passes(&sell);
    struct gate_order more = order_of(SHARES + 1, PRICE, 'S');
    refused(&more, REFUSAL_RESTRICTED, TRADE_SYMBOL, RESTRICTION_SHORT, 0);
    symbol()->restricted = RESTRICTION_OPENING;
    passes(&sell);
    refused(&more, REFUSAL_RESTRICTED, TRADE_SYMBOL, RESTRICTION_OPENING, 0);
    // A modify that adds nothing passes, whichever way; a replace is an order of its own.
    struct gate_order same = sell;
    same.held = sell.worst;
    reserve(&sell);
    fill(SHARES, PRICE, true);
    same.asks = 1u << PERMISSION_MODIFY;
    passes(&same);
    symbol()->restricted = RESTRICTION_SHORT;
    passes(&same);
    same.asks = 1u << PERMISSION_REPLACE;
    refused(&same, REFUSAL_RESTRICTED, TRADE_SYMBOL, RESTRICTION_SHORT, 0);
    symbol()->restricted = RESTRICTION_OPENING;
    refused(&same, REFUSAL_RESTRICTED, TRADE_SYMBOL, RESTRICTION_OPENING, 0);
    symbol()->restricted = RESTRICTION_ALL;
    refused(&same, REFUSAL_RESTRICTED, TRADE_SYMBOL, RESTRICTION_ALL, 0);
}

static void phases_that_are_left_out_are_refused(void **state)
{
    (void)state;
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    symbol()->phases = 1u << PHASE_TRADING | 1u << PHASE_QUOTATION;
    for (uint8_t phase = 0; phase < TRADING_PHASES; phase++) {
        o.phase = phase;
        if (phase == PHASE_TRADING || phase == PHASE_QUOTATION)
            passes(&o);
        else
            refused(&o, REFUSAL_PHASE, TRADE_SYMBOL, phase, symbol()->phases);
    }
}

// --- rates ---

static void a_symbol_has_a_rate_of_its_own(void **state)
{
    (void)state;
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    row_of(TRADE_SYMBOL)->rate_ticks = 100 / RATE_UNIT;
    row_of(TRADE_SYMBOL)->burst = 1;
    row_of(TRADE_SESSION)->rate_ticks = 10 / RATE_UNIT;
    row_of(TRADE_SESSION)->burst = 4;
    passes(&o);
    passes(&o);
    refused(&o, REFUSAL_MESSAGE_RATE, TRADE_SYMBOL, 200, 100);
    // What the symbol refuses charges the session all the same.
    refused(&o, REFUSAL_MESSAGE_RATE, TRADE_SYMBOL, 200, 100);
    refused(&o, REFUSAL_MESSAGE_RATE, TRADE_SYMBOL, 200, 100);
    refused(&o, REFUSAL_MESSAGE_RATE, TRADE_SESSION, 50, 40);
    o.now += 100;
    passes(&o);
    o.owner.instrument = SYMBOL + 1;
    o.owner.position = position_open(&rig.risk, ACCOUNT, SYMBOL + 1);
    passes(&o);
}

static void cancels_pass_and_orders_wait_for_them(void **state)
{
    (void)state;
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    row_of(TRADE_SESSION)->cancel_rate = 1;
    row_of(TRADE_SESSION)->price_low = 100 / RATE_UNIT;
    row_of(TRADE_SESSION)->price_high = 2;
    gate_cancel(&rig.risk, SESSION, o.now);
    gate_cancel(&rig.risk, SESSION, o.now);
    passes(&o);
    gate_cancel(&rig.risk, SESSION, o.now);
    refused(&o, REFUSAL_CANCEL_RATE, TRADE_SESSION, 300, 200);
    o.now += 99;
    refused(&o, REFUSAL_CANCEL_RATE, TRADE_SESSION, 201, 200);
    o.now++;
    passes(&o);
    gate_cancel(&rig.risk, SESSION + 1, o.now); // has no rate
    assert_int_equal(rig.risk.cancel_at[SESSION + 1], 0);
}

// --- short sales ---

static void long_sales_are_covered(void **state)
{
    (void)state;
    symbol()->short_marking = 1;
    fill(SHARES, PRICE, false);
    struct gate_order o = order_of(SHARES, PRICE, 'S');
    passes(&o);
    reserve(&o);
    struct gate_order one = order_of(1, PRICE, 'S');
    refused(&one, REFUSAL_SHORT_MARK, TRADE_SYMBOL, SHARES + 1, SHARES);
    one.side = 'T';
    passes(&one);
    one.side = 'E';
    passes(&one);
    struct gate_order same = o; // a modify that adds nothing
    same.held = o.worst;
    same.asks = 1u << PERMISSION_MODIFY;
    passes(&same);
    reserve(&one);
    passes(&same);
    same.asks = 1u << PERMISSION_REPLACE; // an order of its own
    refused(&same, REFUSAL_SHORT_MARK, TRADE_SYMBOL, SHARES + 1, SHARES);
    same = one; // a modify makes the short sale a long one
    same.held = one.worst;
    same.side = 'S';
    same.turns = true;
    refused(&same, REFUSAL_SHORT_MARK, TRADE_SYMBOL, SHARES + 1, SHARES);
}

static void rule_201_refuses_short_sales(void **state)
{
    (void)state;
    struct gate_order o = order_of(SHARES, PRICE, 'T');
    o.short_rule = true;
    refused(&o, REFUSAL_SHORT_RESTRICTED, TRADE_SYMBOL, 1, 0);
    o.side = 'E';
    passes(&o);
    o.side = 'S';
    passes(&o);
    o.side = 'T';
    o.short_rule = false;
    passes(&o);
    o.short_rule = true;
    symbol()->rule_201 = 0;
    passes(&o);
}

static void nobody_is_shorter_than_what_was_located(void **state)
{
    (void)state;
    symbol()->locates = SHARES;
    struct gate_order o = order_of(SHARES, PRICE, 'T');
    passes(&o);
    reserve(&o);
    struct gate_order one = order_of(1, PRICE, 'S');
    refused(&one, REFUSAL_LOCATE, TRADE_SYMBOL, SHARES + 1, SHARES);
    one.owner.account = ACCOUNT + 1; // it is one stock for all accounts
    one.owner.position = position_open(&rig.risk, ACCOUNT + 1, SYMBOL);
    refused(&one, REFUSAL_LOCATE, TRADE_SYMBOL, SHARES + 1, SHARES);
    fill(1, PRICE, false);
    passes(&one);
}

// As it began the day, or when the locates became fewer: no shorter, and it can be bought back.
static void who_is_shorter_already_can_buy_back(void **state)
{
    (void)state;
    symbol()->locates = SHARES;
    fill(3 * SHARES, PRICE, true);
    const struct gate_order sale = order_of(1, PRICE, 'T'), buy = order_of(SHARES, PRICE, 'B');
    refused(&sale, REFUSAL_LOCATE, TRADE_SYMBOL, 3 * SHARES + 1, SHARES);
    passes(&buy);
}

// --- texts ---

static void refusals_say_value_and_limit(void **state)
{
    (void)state;
    char out[REFUSAL_TEXT_LEN];
    assert_string_equal(refusal_text(out, REFUSAL_PRICE_COLLAR, 1012500, 1010000, 0),
                        "PRICE_COLLAR: price=101.2500 limit=101.0000");
    assert_string_equal(refusal_text(out, REFUSAL_MESSAGE_RATE, 6000, 3000, 3000000000),
                        "MESSAGE_RATE: ahead=2us limit=1us");
    assert_string_equal(refusal_text(out, REFUSAL_BOOK_QUALITY, 4, 0, 0),
                        "BOOK_QUALITY: quality=suspect limit=good");
    assert_string_equal(refusal_text(out, REFUSAL_PERMISSION, PERMISSION_HIDDEN, 0, 0),
                        "PERMISSION: asks=hidden");
    assert_string_equal(refusal_text(out, REFUSAL_RESTRICTED, RESTRICTION_ALL, 0, 0),
                        "RESTRICTED: restriction=all");
    assert_string_equal(refusal_text(out, REFUSAL_PHASE, PHASE_HALTED, 1u << PHASE_TRADING, 0),
                        "PHASE: phase=halted");
    assert_string_equal(refusal_text(out, REFUSAL_VENUES, 3, 0, 0), "VENUES: session=3");
    assert_string_equal(refusal_text(out, REFUSAL_LEASE, 8, 7, 0), "LEASE: orders=8 limit=7");
    assert_string_equal(refusal_text(out, REFUSAL_LEASE_NOTIONAL, 1012500, 1010000, 0),
                        "LEASE_NOTIONAL: dollars=101.2500 limit=101.0000");
    assert_string_equal(refusal_text(out, REFUSAL_SESSION_DOWN, 0, 0, 0), "SESSION_DOWN");
    assert_string_equal(refusal_text(out, 1000, 1, 2, 3), "?");
    for (uint32_t n = 0; n < REFUSALS; n++)
        assert_true(strlen(refusal_text(out, n, UINT64_MAX, UINT64_MAX, 1)) < REFUSAL_TEXT_LEN);
}

static void what_was_passed_is_what_stands_above(void **state)
{
    (void)state;
    assert_int_equal(refusal_passed(REFUSAL_KILLED), 0);
    assert_int_equal(refusal_passed(REFUSAL_HALTED), 1u << REFUSAL_KILLED);
    assert_true(refusal_passed(REFUSAL_NONE) == refusal_checks());
    assert_true(refusal_passed(REFUSAL_SELF_TRADE) ==
                (refusal_checks() & ~(1ull << REFUSAL_BIT(REFUSAL_SELF_TRADE))));
    assert_false(refusal_is_check(REFUSAL_UNKNOWN_SYMBOL));
    assert_int_equal(refusal_check(0), REFUSAL_KILLED);
    assert_int_equal(refusal_check(1), REFUSAL_HALTED);
    assert_int_equal(refusal_check((unsigned)__builtin_popcountll(refusal_checks())), REFUSAL_NONE);
    for (unsigned n = 0; n < REFUSALS; n++)
        assert_int_equal(refusal_has_passed(refusal_checks(), n), refusal_is_check(n));
    assert_true(refusal_has_passed(refusal_passed(REFUSAL_HALTED), REFUSAL_KILLED));
    assert_false(refusal_has_passed(refusal_passed(REFUSAL_HALTED), REFUSAL_HALTED));
}

int main(void)
{
#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        GATE_TEST(quantities_are_whole_lots),
        GATE_TEST(prices_are_whole_ticks_from_a_dollar_on),
        GATE_TEST(what_is_forbidden_is_refused_at_every_scope),
        GATE_TEST(an_order_is_a_part_of_the_days_volume),
        GATE_TEST(restricted_symbols_are_refused_by_degrees),
        GATE_TEST(phases_that_are_left_out_are_refused),
        GATE_TEST(a_symbol_has_a_rate_of_its_own),
        GATE_TEST(cancels_pass_and_orders_wait_for_them),
        GATE_TEST(long_sales_are_covered),
        GATE_TEST(rule_201_refuses_short_sales),
        GATE_TEST(nobody_is_shorter_than_what_was_located),
        GATE_TEST(who_is_shorter_already_can_buy_back),
        cmocka_unit_test(refusals_say_value_and_limit),
        cmocka_unit_test(what_was_passed_is_what_stands_above),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
