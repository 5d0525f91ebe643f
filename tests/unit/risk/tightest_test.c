// Where several scopes refuse the same sum, the tightest is named: the one that would have to be
// raised by most. Scopes that hold are never named, wherever they stand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/control_rig.h"

enum { OPEN = 3, RATIO_STEP = 10 };
#define NOTIONAL ((uint64_t)SHARES * PRICE)

// What a check finds used with one order more, and how a scope limits it.
static const struct {
    enum refusal refusal;
    uint32_t scopes; // bits
    uint64_t unit;
} sums[] = {
    {REFUSAL_OPEN_ORDERS, 0x1f, 1},
    {REFUSAL_OPEN_NOTIONAL, 0x1f, NOTIONAL},
    {REFUSAL_POSITION, 1u << TRADE_ACCOUNT | 1u << TRADE_STRATEGY | 1u << TRADE_SYMBOL, SHARES},
    {REFUSAL_GROSS, 1u << TRADE_FIRM | 1u << TRADE_ACCOUNT, NOTIONAL},
    {REFUSAL_DAY_VALUE, 0x1f & ~(1u << TRADE_SYMBOL), NOTIONAL},
    {REFUSAL_CREDIT, 1u << TRADE_FIRM | 1u << TRADE_ACCOUNT, NOTIONAL},
    {REFUSAL_DAY_ORDERS, 0x1f & ~(1u << TRADE_SYMBOL), 1},
    {REFUSAL_ORDER_RATIO, 0x1f & ~(1u << TRADE_SYMBOL), 1},
    {REFUSAL_LOSS, 1u << TRADE_FIRM | 1u << TRADE_ACCOUNT, SHARES},
    {REFUSAL_DRAWDOWN, 1u << TRADE_FIRM | 1u << TRADE_ACCOUNT, SHARES},
};

static void limit_set(enum refusal refusal, enum trade_scope scope, uint64_t to)
{
    struct limit_row *row = row_of(scope);
    switch (refusal) {
    case REFUSAL_OPEN_ORDERS: row->open_orders = (uint32_t)to; break;
    case REFUSAL_OPEN_NOTIONAL: row->open_notional = to; break;
    case REFUSAL_POSITION: row->position = to; break;
    case REFUSAL_GROSS: row->owner.gross = to; break;
    case REFUSAL_DAY_VALUE: row->owner.day_value = to; break;
    case REFUSAL_CREDIT: row->owner.credit = to; break;
    case REFUSAL_DAY_ORDERS: row->owner.day_orders = (uint32_t)to; break;
    case REFUSAL_ORDER_RATIO: row->owner.ratio = (uint16_t)to; break;
    case REFUSAL_LOSS: row->owner.loss = to; break;
    case REFUSAL_DRAWDOWN: row->owner.drawdown = to; break;
    default: fail();
    }
}

static void opened(void)
{
    close_rig(NULL);
    open_rig(NULL);
    for (enum trade_scope s = TRADE_FIRM; s < TRADE_SCOPES; s++)
        if (s != TRADE_SYMBOL) {
            row_of(s)->owner.ratio_step = RATIO_STEP;
            row_of(s)->owner.ratio = UINT16_MAX - 1; // counts, and lets pass
        }
    const struct gate_order o = order_of(SHARES, PRICE, 'B');
    for (uint32_t i = 0; i < OPEN; i++) {
        passes(&o);
        reserve(&o);
    }
}

// All scopes refuse, <tightest> by most.
static void one(uint32_t sum, enum trade_scope tightest, enum trade_scope holds)
{
    const uint64_t value = (OPEN + 1) * sums[sum].unit;
    opened();
    for (enum trade_scope s = TRADE_FIRM; s < TRADE_SCOPES; s++)
        if (sums[sum].scopes >> s & 1)
            limit_set(sums[sum].refusal, s,
                      value - (s == holds      ? 0
                               : s == tightest ? sums[sum].unit * 2
                                               : sums[sum].unit));
    habits_limits(&rig.risk);
    const struct gate_order o = order_of(SHARES, PRICE, 'B');
    if (sums[sum].refusal == REFUSAL_LOSS || sums[sum].refusal == REFUSAL_DRAWDOWN) {
        fill(SHARES, PRICE, false);
        money_mark(&rig.risk, o.owner.position, PRICE - OPEN - 1);
    }
    refused(&o, sums[sum].refusal, tightest, value, value - sums[sum].unit * 2);
}

static void the_tightest_of_all_scopes_is_named(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof sums / sizeof sums[0]; i++)
        for (enum trade_scope tightest = TRADE_FIRM; tightest < TRADE_SCOPES; tightest++)
            for (enum trade_scope holds = TRADE_FIRM; holds <= TRADE_SCOPES; holds++)
                if (sums[i].scopes >> tightest & 1 && holds != tightest)
                    one(i, tightest, holds);
}

static void of_two_alike_the_first_is_named(void **state)
{
    (void)state;
    opened();
    limit_set(REFUSAL_OPEN_ORDERS, TRADE_SYMBOL, OPEN);
    limit_set(REFUSAL_OPEN_ORDERS, TRADE_STRATEGY, OPEN);
    const struct gate_order o = order_of(SHARES, PRICE, 'B');
    refused(&o, REFUSAL_OPEN_ORDERS, TRADE_STRATEGY, OPEN + 1, OPEN);
}

// Where it is only told, every scope is.
static void what_is_only_told_is_told_of_every_scope(void **state)
{
    (void)state;
    opened();
    limit_set(REFUSAL_GROSS, TRADE_FIRM, NOTIONAL);
    limit_set(REFUSAL_GROSS, TRADE_ACCOUNT, 2 * NOTIONAL);
    rig.table->actions[REFUSAL_BIT(REFUSAL_GROSS)] = ACTION_NOTIFY;
    const struct gate_order o = order_of(SHARES, PRICE, 'B');
    passes(&o);
    assert_int_equal(rig.risk.noted, 2);
    assert_int_equal(rig.risk.notes[0].scope, TRADE_FIRM);
    assert_int_equal(rig.risk.notes[1].scope, TRADE_ACCOUNT);
}

#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATE_TEST(the_tightest_of_all_scopes_is_named),
        GATE_TEST(of_two_alike_the_first_is_named),
        GATE_TEST(what_is_only_told_is_told_of_every_scope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
