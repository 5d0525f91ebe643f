// Checks that look at what was sent before: duplicates, repetitions, orders of the day and for
// executions.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/risk/duplicates.h"
#include "tests/lib/control_rig.h"

enum { WINDOW = 10 * DUPLICATE_UNIT }; // ticks

static void duplicates_set(uint16_t most)
{
    owner_of(TRADE_ACCOUNT)->duplicates = most;
    owner_of(TRADE_ACCOUNT)->duplicate_window = WINDOW / DUPLICATE_UNIT;
}

static void the_same_order_again_is_a_duplicate(void **state)
{
    (void)state;
    duplicates_set(2);
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    passes(&o);
    passes(&o);
    refused(&o, REFUSAL_DUPLICATE, TRADE_ACCOUNT, 3, 2);
    // A replace is not the same as an enter, nor is another side, price, quantity or symbol.
    o.asks = 1u << PERMISSION_REPLACE;
    passes(&o);
    o = order_of(SHARES, PRICE, 'S');
    passes(&o);
    o = order_of(SHARES, PRICE + 1, 'B');
    passes(&o);
    o = order_of(SHARES + 1, PRICE, 'B');
    passes(&o);
    o = order_of(SHARES, PRICE, 'B');
    o.owner.instrument = SYMBOL + 1;
    o.owner.position = position_open(&rig.risk, ACCOUNT, SYMBOL + 1);
    passes(&o);
    o = order_of(SHARES, PRICE, 'B');
    o.owner.account = ACCOUNT + 1;
    o.owner.position = position_open(&rig.risk, ACCOUNT + 1, SYMBOL);
    passes(&o);
}

// Whatever stands between them.
static void others_between_duplicates_hide_none(void **state)
{
    enum { OTHERS = 5 };
    (void)state;
    duplicates_set(1);
    for (uint32_t i = 0; i < OTHERS; i++) {
        const struct gate_order o = order_of(SHARES + i, PRICE, 'B');
        passes(&o);
    }
    for (uint32_t i = 0; i < OTHERS; i++) {
        const struct gate_order o = order_of(SHARES + i, PRICE, 'B');
        refused(&o, REFUSAL_DUPLICATE, TRADE_ACCOUNT, 2, 1);
    }
}

// In no time of the length there are more than so many, wherever it begins: the second one counts
// for as long as the first.
static void the_time_of_duplicates_slides(void **state)
{
    (void)state;
    duplicates_set(2);
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    const uint64_t first = o.now, second = first + WINDOW - 1;
    passes(&o);
    o.now = second;
    passes(&o);
    o.now = first + WINDOW; // at the edge the first counts
    refused(&o, REFUSAL_DUPLICATE, TRADE_ACCOUNT, 3, 2);
    o.now = first + WINDOW + 1; // and a tick later the second one only
    passes(&o);
    refused(&o, REFUSAL_DUPLICATE, TRADE_ACCOUNT, 3, 2);
    o.now = second + WINDOW;
    refused(&o, REFUSAL_DUPLICATE, TRADE_ACCOUNT, 3, 2);
    o.now++;
    passes(&o);
}

// What cannot be remembered is not taken; of another account it is.
static void an_account_has_so_many_orders_within_the_time(void **state)
{
    (void)state;
    duplicates_set(1);
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    const uint64_t first = o.now;
    for (uint32_t i = 0; i < RIG_PRIORS; i++) {
        o = order_of(SHARES + i, PRICE, 'B');
        o.now = first + i;
        passes(&o);
    }
    o = order_of(SHARES + RIG_PRIORS, PRICE, 'B');
    o.now = first + WINDOW;
    refused(&o, REFUSAL_DUPLICATE, TRADE_ACCOUNT, RIG_PRIORS + 1, RIG_PRIORS);
    struct gate_order other = o;
    rig.table->accounts[ACCOUNT + 1].owner = *owner_of(TRADE_ACCOUNT);
    other.owner.account = ACCOUNT + 1;
    other.owner.position = position_open(&rig.risk, ACCOUNT + 1, SYMBOL);
    passes(&other);
    o.now++;
    passes(&o);
    o.quantity++;
    refused(&o, REFUSAL_DUPLICATE, TRADE_ACCOUNT, RIG_PRIORS + 1, RIG_PRIORS);
}

// Where it is only told the oldest is forgotten, and only so long.
static void a_ring_that_overflowed_is_full_again(void **state)
{
    (void)state;
    duplicates_set(1);
    rig.table->actions[REFUSAL_BIT(REFUSAL_DUPLICATE)] = ACTION_NOTIFY;
    for (uint32_t i = 0; i < RIG_PRIORS + 3; i++) {
        const struct gate_order o = order_of(SHARES + i, PRICE, 'B');
        passes(&o);
    }
    assert_int_equal(rig.risk.noted, 3);
    rig.table->actions[REFUSAL_BIT(REFUSAL_DUPLICATE)] = ACTION_REFUSE;
    const struct gate_order last = order_of(SHARES + RIG_PRIORS + 2, PRICE, 'B');
    refused(&last, REFUSAL_DUPLICATE, TRADE_ACCOUNT, 2, 1);
    const struct gate_order other = order_of(1, PRICE, 'B');
    refused(&other, REFUSAL_DUPLICATE, TRADE_ACCOUNT, RIG_PRIORS + 1, RIG_PRIORS);
}

// However many are alike, as many are counted as decide.
static void no_more_are_counted_than_are_allowed(void **state)
{
    (void)state;
    duplicates_set(UINT16_MAX - 1);
    const struct gate_order o = order_of(SHARES, PRICE, 'B');
    for (uint32_t i = 0; i < RIG_PRIORS; i++)
        passes(&o);
    struct limit_owner l = *owner_of(TRADE_ACCOUNT);
    assert_int_equal(priors_count(&rig.risk, &o, &l), RIG_PRIORS);
    l.duplicates = 3;
    assert_int_equal(priors_count(&rig.risk, &o, &l), 3);
}

// What was refused for want of a lease may be sent again; what was sent before still counts.
static void an_order_that_is_forgotten_is_no_duplicate(void **state)
{
    (void)state;
    duplicates_set(2);
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    const struct gate_order other = order_of(SHARES + 1, PRICE, 'B');
    passes(&o);
    o.now++;
    for (uint32_t i = 0; i < 2 * RIG_PRIORS; i++) {
        passes(&o);
        prior_forget(&rig.risk, &o, o.now);
    }
    prior_forget(&rig.risk, &o, o.now); // it was not counted: the first one stays
    passes(&o);
    refused(&o, REFUSAL_DUPLICATE, TRADE_ACCOUNT, 3, 2);
    // It has waited, and others were asked for meanwhile.
    struct gate_order later = o;
    later.now += 5;
    passes(&other);
    prior_forget(&rig.risk, &later, o.now);
    passes(&later);
    refused(&later, REFUSAL_DUPLICATE, TRADE_ACCOUNT, 3, 2);
}

// Practice leaves nothing behind, though it goes the whole way.
static void practice_is_nobodys_duplicate(void **state)
{
    (void)state;
    duplicates_set(1);
    const struct gate_order o = order_of(SHARES, PRICE, 'B');
    rig.risk.practises = true;
    passes(&o);
    passes(&o);
    rig.risk.practises = false;
    passes(&o);
    refused(&o, REFUSAL_DUPLICATE, TRADE_ACCOUNT, 2, 1);
}

static void a_strategy_is_applied_until_a_person_resumes_it(void **state)
{
    (void)state;
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    owner_of(TRADE_STRATEGY)->repeats = 2;
    passes(&o);
    passes(&o);
    refused(&o, REFUSAL_REPEATED, TRADE_STRATEGY, 3, 2);
    rig.risk.strategy_days[STRATEGY].applied = 0;
    passes(&o);
}

static void a_strategy_has_its_venues(void **state)
{
    (void)state;
    row_of(TRADE_STRATEGY)->venues = 1u << SESSION;
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    passes(&o);
    o.owner.session = SESSIONS_MAX - 1;
    refused(&o, REFUSAL_VENUES, TRADE_STRATEGY, SESSIONS_MAX - 1, 0);
    row_of(TRADE_STRATEGY)->venues = 1u << (SESSIONS_MAX - 1);
    passes(&o);
    o.owner.session = SESSION;
    refused(&o, REFUSAL_VENUES, TRADE_STRATEGY, SESSION, 0);
}

static void a_strategy_has_so_many_symbols(void **state)
{
    (void)state;
    owner_of(TRADE_STRATEGY)->instruments = 2;
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    for (uint16_t i = 0; i < 3; i++) {
        o.owner.instrument = i;
        o.owner.position = position_open(&rig.risk, ACCOUNT, i);
        if (i < 2)
            passes(&o);
        else
            refused(&o, REFUSAL_INSTRUMENTS, TRADE_STRATEGY, 3, 2);
    }
    o.owner.instrument = 0;
    passes(&o);
}

static void orders_of_the_day_bind_at_every_owner(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
        if (scope == TRADE_SYMBOL)
            continue;
        close_rig(NULL);
        open_rig(NULL);
        struct gate_order o = order_of(SHARES, PRICE, 'B');
        owner_of(scope)->day_orders = 2;
        passes(&o);
        o.price = 0; // refused ones are no orders
        refused(&o, REFUSAL_PRICE_RANGE, TRADE_FIRM, 0, 1999999900);
        o.price = PRICE;
        passes(&o);
        refused(&o, REFUSAL_DAY_ORDERS, scope, 3, 2);
    }
}

enum { STEP = 10 * RATIO_UNIT, RATIO_TIME = RATIO_STEPS * STEP, BEGIN = 1000 * STEP };

static void ratio_set(enum trade_scope scope)
{
    close_rig(NULL);
    open_rig(NULL);
    owner_of(scope)->ratio = 2;
    owner_of(scope)->ratio_step = STEP / RATIO_UNIT;
}

static struct gate_order order_at(uint64_t now)
{
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    o.now = now;
    return o;
}

static void executed_at(uint64_t now)
{
    const struct gate_order o = order_at(now);
    exposure_fill(&rig.risk, &o.owner, 1, PRICE, now);
}

#define FOR_RATIOS(scope)                                                      \
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; (scope)++) \
        if (scope != TRADE_SYMBOL)

static void orders_are_in_proportion_to_executions(void **state)
{
    (void)state;
    FOR_RATIOS(scope)
    {
        ratio_set(scope);
        const struct gate_order o = order_at(BEGIN);
        passes(&o);
        passes(&o);
        refused(&o, REFUSAL_ORDER_RATIO, scope, 3, 2);
        executed_at(BEGIN);
        passes(&o);
        passes(&o);
        refused(&o, REFUSAL_ORDER_RATIO, scope, 5, 4);
    }
}

// Orders at the end of one time and at the beginning of the next are within one that begins between
// them.
static void the_time_of_the_ratio_slides(void **state)
{
    (void)state;
    FOR_RATIOS(scope)
    {
        ratio_set(scope);
        struct gate_order o = order_at(BEGIN + STEP / 2);
        passes(&o);
        o.now = BEGIN + RATIO_TIME - 1;
        passes(&o);
        o.now = BEGIN + RATIO_TIME; // no edge of anything
        refused(&o, REFUSAL_ORDER_RATIO, scope, 3, 2);
        o.now =
            BEGIN + RATIO_TIME + STEP - 1; // the first: half a step too old, and the step counts
        refused(&o, REFUSAL_ORDER_RATIO, scope, 3, 2);
        o.now++;
        passes(&o);
        refused(&o, REFUSAL_ORDER_RATIO, scope, 3, 2);
        o.now = BEGIN + 2 * RATIO_TIME - 1; // the second counts until then
        refused(&o, REFUSAL_ORDER_RATIO, scope, 3, 2);
        o.now++;
        passes(&o);
        o.now += 1000 * RATIO_TIME; // and after a long silence nothing does
        passes(&o);
        passes(&o);
        refused(&o, REFUSAL_ORDER_RATIO, scope, 3, 2);
    }
}

// An execution while no order is sent counts from when it was, and not for longer than its time.
static void an_execution_counts_for_its_time(void **state)
{
    (void)state;
    FOR_RATIOS(scope)
    {
        ratio_set(scope);
        struct gate_order o = order_at(BEGIN);
        passes(&o);
        executed_at(BEGIN + 5 * STEP);
        o.now = BEGIN + 5 * STEP + RATIO_TIME - STEP; // the order is too old, not the execution
        for (uint32_t i = 0; i < 4; i++)
            passes(&o);
        refused(&o, REFUSAL_ORDER_RATIO, scope, 5, 4);
        o.now += STEP;
        refused(&o, REFUSAL_ORDER_RATIO, scope, 5, 2);
    }
}

// Another time begins anew, the same one does not.
static void another_table_keeps_the_same_time(void **state)
{
    (void)state;
    FOR_RATIOS(scope)
    {
        ratio_set(scope);
        struct gate_order o = order_at(BEGIN);
        passes(&o);
        passes(&o);
        habits_limits(&rig.risk);
        refused(&o, REFUSAL_ORDER_RATIO, scope, 3, 2);
        owner_of(scope)->ratio_step = STEP / RATIO_UNIT / 2;
        habits_limits(&rig.risk);
        passes(&o);
        passes(&o);
        refused(&o, REFUSAL_ORDER_RATIO, scope, 3, 2);
    }
}

#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATE_TEST(the_same_order_again_is_a_duplicate),
        GATE_TEST(others_between_duplicates_hide_none),
        GATE_TEST(the_time_of_duplicates_slides),
        GATE_TEST(an_account_has_so_many_orders_within_the_time),
        GATE_TEST(a_ring_that_overflowed_is_full_again),
        GATE_TEST(no_more_are_counted_than_are_allowed),
        GATE_TEST(an_order_that_is_forgotten_is_no_duplicate),
        GATE_TEST(practice_is_nobodys_duplicate),
        GATE_TEST(a_strategy_is_applied_until_a_person_resumes_it),
        GATE_TEST(a_strategy_has_its_venues),
        GATE_TEST(a_strategy_has_so_many_symbols),
        GATE_TEST(orders_of_the_day_bind_at_every_owner),
        GATE_TEST(orders_are_in_proportion_to_executions),
        GATE_TEST(the_time_of_the_ratio_slides),
        GATE_TEST(an_execution_counts_for_its_time),
        GATE_TEST(another_table_keeps_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
