// Rates as they are configured: exactly the burst at once, then never more than the rate, at any
// rate of the clock; what an earlier table has charged is not waited for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/control/limits_fill.h"
#include "tests/lib/control_rig.h"

enum { BURST_MAX = 1000000 }; // options.def
static const uint64_t clocks[] = {999999937, 2100000000, 4500000000, 8589934590};
static const uint32_t rates[] = {2, 3, 7, 1000, 999983, UINT32_MAX - 1};

// --- from the configuration to the rows ---

// Orders and cancels have the same.
static const struct limit_table *table_of(uint32_t rate, uint32_t burst, uint32_t lanes,
                                          uint64_t hz)
{
    static CACHE_ALIGN uint8_t table[sizeof(struct limit_table) + sizeof(struct limit_row)];
    static CACHE_ALIGN uint8_t
        from[sizeof(struct limits_source) + sizeof(struct config_symbol_row)];
    struct limits_source *source = (struct limits_source *)from;
    source->session_count = source->symbol_count = 1;
    struct config_session *session = &source->sessions[0];
    session->rate_per_s = session->cancel_rate_per_s = rate;
    session->burst = session->cancel_burst = burst;
    session->cancel_pace = 1;
    source->symbols[0] =
        (struct config_symbol_row){.tick = 1, .lot = 1, .rate_per_s = rate, .burst = burst};
    memset(table, 0, sizeof table);
    limits_fill(source, lanes, hz, (struct limit_table *)table);
    return (struct limit_table *)table;
}

// Of the one scope; the other has none.
static void configure(enum trade_scope scope, uint32_t rate, uint32_t burst, uint64_t hz)
{
    const struct limit_table *t = table_of(rate, burst, 1, hz);
    const struct limit_row *from = scope == TRADE_SESSION ? &t->sessions[0] : t->symbols;
    row_of(scope)->rate_ticks = from->rate_ticks;
    row_of(scope)->burst = from->burst;
}

static void configure_cancels(uint32_t rate, uint32_t burst, uint64_t hz)
{
    const struct limit_row *from = &table_of(rate, burst, 1, hz)->sessions[0];
    row_of(TRADE_SESSION)->cancel_rate = from->cancel_rate;
    row_of(TRADE_SESSION)->price_low = from->price_low;
    row_of(TRADE_SESSION)->price_high = from->price_high;
}

static const enum trade_scope scopes[] = {TRADE_SESSION, TRADE_SYMBOL};
#define FOR_SCOPES(s) for (uint32_t s = 0; s < 2; s++)
#define FOR_CLOCKS(c) for (uint32_t c = 0; c < sizeof clocks / sizeof clocks[0]; c++)

static uint64_t second_of(uint64_t hz)
{
    return (hz + RATE_UNIT - 1) / RATE_UNIT * RATE_UNIT;
}

static bool again(struct gate_order *o)
{
    struct gate_verdict v;
    return gate(&rig.risk, o, &v);
}

static uint32_t at_once(struct gate_order *o, uint32_t most)
{
    uint32_t count = 0;
    while (count < most && again(o))
        count++;
    return count;
}

// --- exactly so many ---

static void ten_at_once_and_one_a_second(void **state)
{
    uint64_t now = 0;
    (void)state;
    FOR_SCOPES(s) FOR_CLOCKS(c)
    {
        const uint64_t second = second_of(clocks[c]);
        struct gate_order o = order_of(SHARES, PRICE, 'B');
        configure(scopes[s], 1, 10, clocks[c]);
        o.now = now += 1000 * second;
        assert_int_equal(at_once(&o, 9), 9);
        assert_int_equal(at_once(&o, 9), 1);
        refused(&o, REFUSAL_MESSAGE_RATE, scopes[s], 10 * second, 9 * second);
        for (uint32_t n = 0; n < 3; n++) {
            o.now += second - 1;
            refused(&o, REFUSAL_MESSAGE_RATE, scopes[s], 9 * second + 1, 9 * second);
            o.now++;
            assert_int_equal(at_once(&o, 9), 1);
        }
        o.now += 10 * second;
        assert_int_equal(at_once(&o, 99), 10);
        configure(scopes[s], UINT32_MAX, 1, clocks[c]);
    }
}

static void cancels_alike(void **state)
{
    (void)state;
    FOR_CLOCKS(c)
    {
        const uint64_t second = second_of(clocks[c]);
        struct gate_order o = order_of(SHARES, PRICE, 'B');
        configure_cancels(1, 10, clocks[c]);
        o.now = (1 + c) * 100 * second;
        for (uint32_t n = 0; n < 10; n++) {
            assert_true(gate_cancel_due(&rig.risk, SESSION, o.now));
            passes(&o);
            gate_cancel(&rig.risk, SESSION, o.now);
        }
        refused(&o, REFUSAL_CANCEL_RATE, TRADE_SESSION, 10 * second, 9 * second);
        assert_false(gate_cancel_due(&rig.risk, SESSION, o.now + second - 1));
        assert_true(gate_cancel_due(&rig.risk, SESSION, o.now + second));
        o.now += second;
        passes(&o);
    }
}

static void the_most_that_is_configured(void **state)
{
    const uint64_t hz = clocks[3], second = second_of(hz);
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    (void)state;
    configure(TRADE_SESSION, 1, BURST_MAX, hz);
    assert_int_equal(at_once(&o, BURST_MAX + 1), BURST_MAX);
    refused(&o, REFUSAL_MESSAGE_RATE, TRADE_SESSION, BURST_MAX * second, (BURST_MAX - 1) * second);
    o.now += second;
    assert_int_equal(at_once(&o, 2), 1);
    configure(TRADE_SESSION, UINT32_MAX - 1, BURST_MAX, hz);
    o.now += (BURST_MAX + 1) * second;
    assert_int_equal(at_once(&o, BURST_MAX + 1), BURST_MAX);
    configure(TRADE_SESSION, UINT32_MAX - 1, 1, hz);
    o.now += second;
    assert_int_equal(at_once(&o, 2), 1);
    o.now += 4; // 2 ticks and a little
    assert_int_equal(at_once(&o, 2), 1);
}

// Of all lanes together, and no interval is longer than it has to be.
static void never_more_than_the_rate(void **state)
{
    (void)state;
    for (uint32_t r = 0; r < sizeof rates / sizeof rates[0]; r++)
        FOR_CLOCKS(c) for (uint32_t lanes = 1; lanes <= 2; lanes++)
        {
            const struct limit_table *t = table_of(rates[r], 7, lanes, clocks[c]);
            const struct limit_row *session = &t->sessions[0], *symbol = t->symbols;
            const uint64_t all = clocks[c] * lanes, each = (uint64_t)rates[r] * RATE_UNIT;
            assert_true(limit_apart(session) * rates[r] >= clocks[c]);
            assert_true(limit_apart(session) * rates[r] < clocks[c] + each);
            assert_int_equal(limit_cancels_apart(session), limit_apart(session));
            assert_true(limit_apart(symbol) * rates[r] >= all);
            assert_true(limit_apart(symbol) * rates[r] < all + each);
            assert_int_equal(session->burst + 1, 7);
            assert_int_equal(symbol->burst + 1, 7 / lanes);
        }
}

// --- another table ---

static void another_rate_holds_at_once(void **state)
{
    const uint64_t hz = clocks[1];
    (void)state;
    FOR_SCOPES(s)
    {
        struct gate_order o = order_of(SHARES, PRICE, 'B');
        o.now = (1 + s) * 1000 * hz;
        configure(scopes[s], 1, 100, hz);
        assert_int_equal(at_once(&o, 101), 100);
        configure(scopes[s], 1000, 3, hz);
        refused(&o, REFUSAL_MESSAGE_RATE, scopes[s], 3 * hz / 1000, 2 * hz / 1000);
        o.now += hz / 1000 - 1;
        assert_false(again(&o));
        o.now++;
        assert_int_equal(at_once(&o, 2), 1);
        configure(scopes[s], 1, 100, hz);
        assert_int_equal(at_once(&o, 50), 50);
        configure(scopes[s], UINT32_MAX, 1, hz);
        assert_int_equal(at_once(&o, 50), 50);
    }
}

static void of_cancels_as_well(void **state)
{
    const uint64_t hz = clocks[1];
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    (void)state;
    for (uint32_t orders = 0; orders < 2; orders++) {
        configure_cancels(1, 100, hz);
        o.now += 1000 * hz;
        for (uint32_t i = 0; i < 100; i++)
            gate_cancel(&rig.risk, SESSION, o.now);
        configure_cancels(1000, 3, hz);
        if (orders)
            refused(&o, REFUSAL_CANCEL_RATE, TRADE_SESSION, 3 * hz / 1000, 2 * hz / 1000);
        else
            assert_false(gate_cancel_due(&rig.risk, SESSION, o.now));
        assert_false(gate_cancel_due(&rig.risk, SESSION, o.now + hz / 1000 - 1));
        assert_true(gate_cancel_due(&rig.risk, SESSION, o.now + hz / 1000));
    }
}

static void charged_nothing(struct gate_order *o, enum trade_scope scope, bool kill)
{
    const uint32_t index[] = {0, ACCOUNT, STRATEGY, SYMBOL, SESSION};
    o->now += 1000 * second_of(clocks[0]);
    if (kill)
        kill_ask(&rig.kills[KILL_BY_LANE], scope, index[scope]);
    else
        row_of(scope)->state = TRADING_HALTED;
    for (uint32_t i = 0; i < 3; i++) {
        refused(o, kill ? REFUSAL_KILLED : REFUSAL_HALTED, scope,
                kill ? (uint64_t)KILL_BY_LANE + 1 : TRADING_HALTED, kill ? 0 : TRADING_REDUCING);
        assert_true(gate_refused_before(&rig.risk, &o->owner, o->now, &verdict));
    }
    row_of(scope)->state = TRADING_ACTIVE;
    kill_lift(&rig.kills[KILL_BY_LANE], scope, index[scope]);
    risk_kills_look(&rig.risk);
    passes(o);
    assert_false(gate_refused_before(&rig.risk, &o->owner, o->now, &verdict));
}

// In the gate and before it: who is stopped takes nothing from the others of session and symbol.
static void who_is_stopped_is_charged_nothing(void **state)
{
    struct gate_order o = order_of(SHARES, PRICE, 'B');
    (void)state;
    FOR_SCOPES(s)
    {
        configure(scopes[s], 1, 1, clocks[0]);
        for (uint32_t scope = 0; scope < TRADE_SCOPES; scope++) {
            charged_nothing(&o, (enum trade_scope)scope, false);
            charged_nothing(&o, (enum trade_scope)scope, true);
        }
        configure(scopes[s], UINT32_MAX, 1, clocks[0]);
    }
}

#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATE_TEST(ten_at_once_and_one_a_second),      GATE_TEST(cancels_alike),
        GATE_TEST(the_most_that_is_configured),       GATE_TEST(never_more_than_the_rate),
        GATE_TEST(another_rate_holds_at_once),        GATE_TEST(of_cancels_as_well),
        GATE_TEST(who_is_stopped_is_charged_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
