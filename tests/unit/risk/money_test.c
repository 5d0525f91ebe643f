// The controls on money, and profit: just inside, at and just outside the limit, at every scope.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/control_rig.h"

static const uint64_t notional = (uint64_t)SHARES * PRICE;

static void gross_exposure_counts_both_sides(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope <= TRADE_ACCOUNT; scope++) {
        close_rig(NULL);
        open_rig(NULL);
        struct gate_order o = order_of(SHARES, PRICE, 'S');
        fill(SHARES, PRICE, true); // short: counts without its sign
        reserve(&o);
        owner_of(scope)->gross = 3 * notional;
        passes(&o);
        owner_of(scope)->gross--;
        refused(&o, REFUSAL_GROSS, scope, 3 * notional, 3 * notional - 1);
        money_mark(&rig.risk, o.owner.position, PRICE / 2);
        passes(&o);
        struct gate_order same = o;
        same.held = o.worst;
        owner_of(scope)->gross = 0;
        passes(&same);
    }
}

static void the_value_of_the_day_grows_with_executions(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
        if (scope == TRADE_SYMBOL)
            continue;
        close_rig(NULL);
        open_rig(NULL);
        struct gate_order o = order_of(SHARES, PRICE, 'B');
        fill(SHARES, PRICE, false);
        fill(SHARES, PRICE, true);
        reserve(&o);
        owner_of(scope)->day_value = 4 * notional;
        passes(&o);
        owner_of(scope)->day_value--;
        refused(&o, REFUSAL_DAY_VALUE, scope, 4 * notional, 4 * notional - 1);
        exposure_break(&rig.risk, &o.owner, 1, PRICE);
        passes(&o);
    }
}

static void credit_is_used_by_buys_and_what_was_paid(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope <= TRADE_ACCOUNT; scope++) {
        close_rig(NULL);
        open_rig(NULL);
        struct gate_order o = order_of(SHARES, PRICE, 'B'), sale = order_of(SHARES, PRICE, 'S');
        fill(SHARES, PRICE, false);
        reserve(&o);
        reserve(&sale); // uses none
        owner_of(scope)->credit = 3 * notional;
        passes(&o);
        owner_of(scope)->credit--;
        refused(&o, REFUSAL_CREDIT, scope, 3 * notional, 3 * notional - 1);
        passes(&sale);
        exposure_move(&rig.risk, &o.owner, &o.worst, &o.held); // cancelled
        passes(&o);
    }
}

static void beyond_its_loss_an_account_only_reduces(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope <= TRADE_ACCOUNT; scope++) {
        close_rig(NULL);
        open_rig(NULL);
        struct gate_order buy = order_of(SHARES, PRICE, 'B'), sell = order_of(SHARES, PRICE, 'S');
        fill(SHARES, PRICE, false);
        owner_of(scope)->loss = 1000 * SHARES;
        money_mark(&rig.risk, buy.owner.position, PRICE - 1000);
        passes(&buy);
        money_mark(&rig.risk, buy.owner.position, PRICE - 1001);
        refused(&buy, REFUSAL_LOSS, scope, 1001 * SHARES, 1000 * SHARES);
        passes(&sell);
        // Realised losses stay when the position is gone.
        fill(SHARES, PRICE - 1001, true);
        refused(&buy, REFUSAL_LOSS, scope, 1001 * SHARES, 1000 * SHARES);
        refused(&sell, REFUSAL_LOSS, scope, 1001 * SHARES, 1000 * SHARES);
    }
}

// Broken once: it says how far it went, and what comes back in the market does not lift it.
static void a_broken_loss_stays_until_a_person_resumes(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope <= TRADE_ACCOUNT; scope++) {
        close_rig(NULL);
        open_rig(NULL);
        const uint32_t index = scope == TRADE_ACCOUNT ? ACCOUNT : 0;
        struct gate_order buy = order_of(SHARES, PRICE, 'B'), sell = order_of(SHARES, PRICE, 'S');
        const uint32_t at = buy.owner.position;
        fill(SHARES, PRICE, false);
        owner_of(scope)->loss = 1000 * SHARES;
        money_mark(&rig.risk, at, PRICE - 1000);
        assert_int_equal(rig.risk.broken, 0);
        money_mark(&rig.risk, at, PRICE - 1001);
        money_mark(&rig.risk, at, PRICE - 1500);
        assert_int_equal(rig.risk.broken, 1);
        money_mark(&rig.risk, at, PRICE + 9000);
        refused(&buy, REFUSAL_LOSS, scope, 1500 * SHARES, 1000 * SHARES);
        passes(&sell);
        money_mark(&rig.risk, at, PRICE - 1001);
        assert_int_equal(money_resume(&rig.risk, scope, index), 0); // still beyond
        refused(&buy, REFUSAL_LOSS, scope, 1500 * SHARES, 1000 * SHARES);
        money_mark(&rig.risk, at, PRICE - 1000);
        assert_int_equal(money_resume(&rig.risk, scope, index), 1u << LOSS_OF_DAY);
        passes(&buy);
        money_mark(&rig.risk, at, PRICE - 1001);
        refused(&buy, REFUSAL_LOSS, scope, 1001 * SHARES, 1000 * SHARES);
    }
}

static void a_lower_limit_breaks_at_once(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope <= TRADE_ACCOUNT; scope++) {
        close_rig(NULL);
        open_rig(NULL);
        struct gate_order buy = order_of(SHARES, PRICE, 'B');
        fill(SHARES, PRICE, false);
        money_mark(&rig.risk, buy.owner.position, PRICE - 10);
        owner_of(scope)->loss = owner_of(scope)->drawdown = 10 * SHARES;
        money_limits(&rig.risk);
        passes(&buy);
        owner_of(scope)->drawdown--;
        money_limits(&rig.risk);
        refused(&buy, REFUSAL_DRAWDOWN, scope, 10 * SHARES, 10 * SHARES - 1);
        owner_of(scope)->loss--;
        money_limits(&rig.risk);
        refused(&buy, REFUSAL_LOSS, scope, 10 * SHARES, 10 * SHARES - 1);
    }
}

static void a_drawdown_counts_from_the_best_of_the_day(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope <= TRADE_ACCOUNT; scope++) {
        close_rig(NULL);
        open_rig(NULL);
        struct gate_order buy = order_of(SHARES, PRICE, 'B'), sell = order_of(SHARES, PRICE, 'S');
        fill(SHARES, PRICE, false);
        owner_of(scope)->drawdown = 1000 * SHARES;
        money_mark(&rig.risk, buy.owner.position, PRICE + 5000);
        money_mark(&rig.risk, buy.owner.position, PRICE + 4000);
        passes(&buy);
        money_mark(&rig.risk, buy.owner.position, PRICE + 3999);
        refused(&buy, REFUSAL_DRAWDOWN, scope, 1001 * SHARES, 1000 * SHARES);
        passes(&sell);
        // The best of the day comes back: broken all the same, until a person lets it begin anew.
        money_mark(&rig.risk, buy.owner.position, PRICE + 5000);
        refused(&buy, REFUSAL_DRAWDOWN, scope, 1001 * SHARES, 1000 * SHARES);
        money_mark(&rig.risk, buy.owner.position, PRICE + 3000);
        assert_int_equal(money_resume(&rig.risk, scope, scope == TRADE_ACCOUNT ? ACCOUNT : 0),
                         1u << LOSS_FROM_BEST);
        money_mark(&rig.risk, buy.owner.position, PRICE + 2000);
        passes(&buy);
        money_mark(&rig.risk, buy.owner.position, PRICE + 1999);
        refused(&buy, REFUSAL_DRAWDOWN, scope, 1001 * SHARES, 1000 * SHARES);
        assert_int_equal(rig.risk.broken, 2);
    }
}

// Average cost, realised and marked profit over a day that turns round, breaks and ends flat.
static void profit_is_realised_at_average_cost(void **state)
{
    (void)state;
    const struct gate_order o = order_of(1, PRICE, 'B');
    const struct position *p = &rig.risk.positions[o.owner.position];
    const struct position_money *m = &rig.risk.money[o.owner.position];
    fill(100, 100000, false);
    fill(100, 110000, false);
    assert_int_equal(m->cost, 200 * 105000);
    assert_int_equal(position_realised(m), 0);
    fill(50, 120000, true);
    assert_int_equal(m->cost, 150 * 105000);
    assert_int_equal(position_realised(m), 50 * 15000);
    fill(250, 100000, true); // turns round: 100 short
    assert_int_equal(m->cost, -100 * 100000);
    assert_int_equal(position_realised(m), 50 * 15000 - 150 * 5000);
    money_mark(&rig.risk, o.owner.position, 90000);
    assert_int_equal(position_profit(m), 50 * 15000 - 150 * 5000 + 100 * 10000);
    assert_int_equal(owner_profit(&rig.risk.day), position_profit(m));
    assert_int_equal(rig.risk.account_days[ACCOUNT].gross, 100 * 90000);
    exposure_break(&rig.risk,
                   &(struct exposure_owner){.position = o.owner.position,
                                            .account = ACCOUNT,
                                            .strategy = STRATEGY,
                                            .instrument = SYMBOL,
                                            .session = SESSION,
                                            .sells = true},
                   250, 100000);
    assert_int_equal(p->shares, 150);
    fill(150, 105000, true);
    assert_int_equal(p->shares, 0);
    assert_int_equal(m->cost, 0);
    assert_int_equal(position_realised(m),
                     50 * 120000 + 150 * 105000 - 100 * 100000 - 100 * 110000);
    assert_int_equal(owner_profit(&rig.risk.account_days[ACCOUNT]), position_realised(m));
    assert_int_equal(rig.risk.day.gross, 0);
    assert_int_equal(rig.risk.overflows, 0);
}

// What rests may not come nearer to the market by a replace either, where it would open a position.
static void beyond_its_loss_no_replace_opens(void **state)
{
    (void)state;
    struct gate_order sale = order_of(100, PRICE, 'T'), other = order_of(1, PRICE, 'B');
    other.owner.instrument++;
    other.owner.position = position_open(&rig.risk, ACCOUNT, other.owner.instrument);
    reserve(&sale);
    owner_of(TRADE_ACCOUNT)->loss = 1000;
    exposure_fill(&rig.risk, &other.owner, 1, PRICE, other.now);
    money_mark(&rig.risk, other.owner.position, PRICE - 1001);
    struct gate_order nearer = order_of(100, PRICE - 100, 'T');
    nearer.held = sale.worst;
    nearer.asks = 1u << PERMISSION_REPLACE;
    refused(&nearer, REFUSAL_LOSS, TRADE_ACCOUNT, 1001, 1000);
    nearer.asks = 1u << PERMISSION_MODIFY;
    passes(&nearer);
}

// A broken sale is booked as a purchase at its price: the money is exact, the average is not what
// it was before (docs/trading.md).
static void a_broken_sale_leaves_the_profit_exact(void **state)
{
    (void)state;
    const struct gate_order sale = order_of(1, PRICE, 'S');
    const struct position_money *m = &rig.risk.money[sale.owner.position];
    const struct owner_day *day = &rig.risk.account_days[ACCOUNT];
    fill(100, 100000, false);
    const int64_t paid = day->paid, profit = owner_profit(day);
    fill(60, 120000, true);
    exposure_break(&rig.risk, &sale.owner, 60, 120000);
    assert_int_equal(day->paid, paid);
    assert_int_equal(owner_profit(day), profit);
    assert_int_equal(m->cost, 40 * 100000 + 60 * 120000);
}

// What an account brings into the day is worth its price: no profit, nothing traded, and sold it
// is profit or loss against that price.
static void carried_shares_are_worth_their_price(void **state)
{
    (void)state;
    const struct gate_order o = order_of(1, PRICE, 'B');
    const struct position *p = &rig.risk.positions[o.owner.position];
    const struct position_money *m = &rig.risk.money[o.owner.position];
    const struct owner_day *day = &rig.risk.account_days[ACCOUNT];
    exposure_carry(&rig.risk, &o.owner, 300, 100000);
    assert_int_equal(p->shares, 300);
    assert_int_equal((int64_t)m->bought - (int64_t)m->sold, 300);
    assert_int_equal(rig.risk.symbols[SYMBOL].shares, 300);
    assert_int_equal(position_profit(m), 0);
    assert_int_equal(owner_profit(day), 0);
    assert_int_equal(day->gross, 300 * 100000);
    assert_int_equal(day->paid, 300 * 100000);
    assert_int_equal(day->traded, 0);
    assert_int_equal(day->orders, 0);
    assert_int_equal(p->fills, 0);
    fill(100, 110000, true);
    assert_int_equal(position_realised(m), 100 * 10000);
    money_mark(&rig.risk, o.owner.position, 90000);
    assert_int_equal(owner_profit(day), 100 * 10000 - 200 * 10000);
    assert_int_equal(owner_profit(&rig.risk.day), owner_profit(day));
    assert_int_equal(day->traded, 100 * 110000);
}

static void a_carried_short_is_bought_back(void **state)
{
    (void)state;
    const struct gate_order o = order_of(1, PRICE, 'B');
    const struct position *p = &rig.risk.positions[o.owner.position];
    const struct position_money *m = &rig.risk.money[o.owner.position];
    exposure_carry(&rig.risk, &o.owner, -50, 100000);
    assert_int_equal(p->shares, -50);
    assert_int_equal(m->cost, -50 * 100000);
    assert_int_equal(rig.risk.day.gross, 50 * 100000);
    assert_int_equal(rig.risk.day.paid, -50 * 100000);
    fill(50, 90000, false);
    assert_int_equal(position_realised(m), 50 * 10000);
    assert_int_equal(rig.risk.day.gross, 0);
    assert_int_equal(owner_profit(&rig.risk.day), 50 * 10000);
    rig.table->accounts[ACCOUNT].position = 40; // and it counts against limits
    struct gate_order sell = order_of(41, PRICE, 'S');
    refused(&sell, REFUSAL_POSITION, TRADE_ACCOUNT, 41, 40);
}

// The shares that were executed wrongly leave with their part of the cost before the right ones
// come, and no limit sees what stands in between: without them, or with both.
static void a_correction_is_one_movement(void **state)
{
    (void)state;
    const struct gate_order o = order_of(1, PRICE, 'B');
    const struct position *p = &rig.risk.positions[o.owner.position];
    const struct position_money *m = &rig.risk.money[o.owner.position];
    const struct exposure_trade was = {3, 100010}, now = {3, 100050};
    fill(7, 100000, false);
    fill(3, 100010, false);
    money_mark(&rig.risk, o.owner.position, 102000);
    const int64_t best = rig.risk.day.best;
    assert_int_equal(best, 10 * 2000 - 3 * 10);
    rig.table->firm.owner.drawdown = rig.table->accounts[ACCOUNT].owner.drawdown = 3 * 40;
    exposure_correct(&rig.risk, &o.owner, &was, &now);
    assert_int_equal(m->cost, 1000030 - 300009 + 3 * 100050); // 1000139 the other way round
    assert_true(p->shares == 10 && m->bought == 10 && m->bought_value == 700000 + 3 * 100050);
    assert_int_equal(p->fills, 2);
    assert_int_equal(rig.risk.day.best, best);
    assert_int_equal(rig.risk.broken, 0);
    const struct position before = *p;
    const struct position_money money = *m;
    exposure_correct(&rig.risk, &o.owner, &now, &now);
    assert_memory_equal(p, &before, sizeof before);
    assert_memory_equal(m, &money, sizeof money);
    assert_int_equal(rig.risk.overflows, 0);
}

// What no exchange trades: sums stay at their end, either way, and are counted.
static void sums_stay_at_their_end(void **state)
{
    (void)state;
    const int64_t most = LIMIT_NOTIONAL_MAX;
    const struct gate_order o = order_of(1, PRICE, 'B');
    const struct position_money *m = &rig.risk.money[o.owner.position];
    const struct owner_day *day = &rig.risk.account_days[ACCOUNT];
    fill(UINT32_MAX, 2000000000, false);
    assert_true(m->cost == most && day->paid == most && m->marked == most && day->marked == most);
    assert_true(day->gross == (uint64_t)most && day->traded == (uint64_t)most);
    assert_true(rig.risk.overflows > 0);
    const uint32_t before = rig.risk.overflows;
    fill(UINT32_MAX, 2000000000, true);
    fill(UINT32_MAX, 2000000000, true);
    assert_true(m->cost == -most && m->marked == -most && day->gross == (uint64_t)most);
    assert_true(day->paid == -most && owner_profit(day) <= most);
    assert_true(rig.risk.overflows > before);
}

int main(void)
{
#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        GATE_TEST(gross_exposure_counts_both_sides),
        GATE_TEST(the_value_of_the_day_grows_with_executions),
        GATE_TEST(credit_is_used_by_buys_and_what_was_paid),
        GATE_TEST(beyond_its_loss_an_account_only_reduces),
        GATE_TEST(a_broken_loss_stays_until_a_person_resumes),
        GATE_TEST(a_lower_limit_breaks_at_once),
        GATE_TEST(a_drawdown_counts_from_the_best_of_the_day),
        GATE_TEST(beyond_its_loss_no_replace_opens),
        GATE_TEST(profit_is_realised_at_average_cost),
        GATE_TEST(a_broken_sale_leaves_the_profit_exact),
        GATE_TEST(a_correction_is_one_movement),
        GATE_TEST(carried_shares_are_worth_their_price),
        GATE_TEST(a_carried_short_is_bought_back),
        GATE_TEST(sums_stay_at_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
