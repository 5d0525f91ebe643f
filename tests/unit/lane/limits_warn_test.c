// Warnings: told once when the use of a limit reaches its percentage, and once when it is well
// below it again, for every sum at every scope; a lane that has used its part is not hidden by the
// other.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/base/hints.h"
#include "dataplane/control/limits_warn.h"
#include "tests/lib/limit_set_rig.h"

enum { LANE = 1, SYMBOL = 1, OTHER = 0, ROUND_NS = 1000000000 };

static const uint32_t indices[] = {0, ACCOUNT, 0, SYMBOL, LANE};
static uint64_t now_ns;

enum {
    FIRM = 1u << TRADE_FIRM,
    ACCOUNTS = 1u << TRADE_ACCOUNT,
    STRATEGIES = 1u << TRADE_STRATEGY,
    SYMBOLS = 1u << TRADE_SYMBOL,
    SESSIONS = 1u << TRADE_SESSION,
    HOLDERS = FIRM | ACCOUNTS,
    OWNERS = HOLDERS | STRATEGIES | SESSIONS,
};

static const struct sum {
    const char *name;
    enum limit_control control;
    uint32_t scopes;
    bool money;
    bool leased; // of firm and accounts the lanes have no fixed parts
} sums[] = {
    {"open_orders", LIMIT_LIMITS_open_orders, OWNERS | SYMBOLS, false, true},
    {"open_notional", LIMIT_LIMITS_open_notional, OWNERS | SYMBOLS, true, true},
    {"position", LIMIT_LIMITS_position, STRATEGIES | SYMBOLS, false, false},
    {"gross", LIMIT_LIMITS_gross, HOLDERS, true, false},
    {"day_value", LIMIT_LIMITS_day_value, OWNERS, true, false},
    {"credit", LIMIT_LIMITS_credit, HOLDERS, true, false},
    {"loss", LIMIT_LIMITS_loss, HOLDERS, true, false},
    {"drawdown", LIMIT_LIMITS_drawdown, HOLDERS, true, false},
    {"day_orders", LIMIT_LIMITS_day_orders, OWNERS, false, false},
    {"repeats", LIMIT_LIMITS_repeats, STRATEGIES, false, false},
    {"instruments", LIMIT_LIMITS_instruments, STRATEGIES, false, false},
    {"locates", LIMIT_SYMBOL_locates, SYMBOLS, false, false},
};

static void set(enum trade_scope scope, const char *control, const char *value)
{
    if (set_base(scope, indices[scope], control, value) != COMMAND_RESULT_OK)
        fail_msg("%s of %s: %s", control, scope_name(scope), slot->answer.limit_set.why);
}

static struct risk *risk_of(uint32_t lane)
{
    return &d.desks[lane]->desk.risk;
}

// What <lane> has used.
static void use_put(const struct sum *sum, enum trade_scope scope, uint32_t lane, uint64_t use)
{
    struct risk *r = risk_of(lane);
    struct risk_use *open[] = {&r->firm, &r->accounts[ACCOUNT], &r->strategies[0],
                               &r->symbols[SYMBOL].use, &r->sessions[LANE]};
    struct owner_day *days[] = {&r->day, &r->account_days[ACCOUNT], &r->strategy_days[0], NULL,
                                &r->session_days[LANE]};
    struct owner_day *day = days[scope];
    switch (sum->control) {
    case LIMIT_LIMITS_open_orders: open[scope]->orders = (uint32_t)use; break;
    case LIMIT_LIMITS_open_notional: open[scope]->notional = use; break;
    case LIMIT_LIMITS_position:
        if (scope == TRADE_STRATEGY) {
            r->traded_in[0][SYMBOL / 64] = 1ull << SYMBOL % 64;
            r->held[0][SYMBOL].shares = -(int64_t)use; // short is as far as long
        } else
            r->symbols[SYMBOL].shares = (int64_t)use;
        break;
    case LIMIT_LIMITS_gross: day->gross = use; break;
    case LIMIT_LIMITS_day_value: day->traded = use; break;
    case LIMIT_LIMITS_credit:
    case LIMIT_LIMITS_loss: day->paid = (int64_t)use; break;
    case LIMIT_LIMITS_drawdown: day->best = (int64_t)use; break;
    case LIMIT_LIMITS_day_orders: day->orders = (uint32_t)use; break;
    case LIMIT_LIMITS_repeats: day->applied = (uint32_t)use; break;
    case LIMIT_LIMITS_instruments: day->instruments = (uint32_t)use; break;
    default: r->symbols[SYMBOL].shares = -(int64_t)use; break;
    }
}

static uint32_t told(void)
{
    uint32_t count = 0;
    for (uint64_t at = 0; at < d.events.tail && at <= d.events.mask; at++)
        count += d.events.slots[at].type == EVENT_LIMIT_WARNING;
    return count;
}

static const struct event_limit_warning *last_told(void)
{
    for (uint64_t at = d.events.tail; at > 0; at--)
        if (d.events.slots[(at - 1) & d.events.mask].type == EVENT_LIMIT_WARNING)
            return &d.events.slots[(at - 1) & d.events.mask].limit_warning;
    fail_msg("nothing was told");
    return NULL;
}

// How many more were told in a round.
static uint32_t round_tells(void)
{
    const uint32_t before = told();
    atomic_store(&region_ring(&d.view, LANES, EVENT_RING_TRADING)->committed, d.events.tail);
    warnings_turn(&d, now_ns += ROUND_NS);
    return told() - before;
}

static void one(const struct sum *sum, enum trade_scope scope)
{
    const bool held = scope == TRADE_FIRM || scope == TRADE_ACCOUNT;
    const bool parts = scope == TRADE_SYMBOL || (held && !sum->leased);
    static const struct {
        uint64_t use;
        uint32_t tells;
        bool now;
    } steps[] = {{0, 0, false},   {799, 0, false}, {800, 1, true}, {1001, 0, true},
                 {800, 0, true},  {799, 0, true},  {750, 0, true}, {749, 1, false},
                 {799, 0, false}, {801, 1, true},  {0, 1, false}};
    open_wide();
    set(scope, "warn_percent", "80");
    set(scope, sum->name, sum->money ? parts ? "0.2" : "0.1" : parts ? "2000" : "1000");
    for (uint32_t i = 0; i < ARRAY_LEN(steps); i++) {
        use_put(sum, scope, LANE, steps[i].use);
        if (round_tells() != steps[i].tells)
            fail_msg("%s of %s: step %u", sum->name, scope_name(scope), i);
        assert_int_equal(round_tells(), 0);
        if (steps[i].tells == 0)
            continue;
        const struct event_limit_warning *e = last_told();
        assert_int_equal(e->use, steps[i].use);
        assert_int_equal(e->limit, 1000);
        assert_int_equal(e->scope, scope);
        assert_int_equal(e->index, indices[scope]);
        assert_int_equal(e->control, sum->control);
        assert_int_equal(e->percent, 80);
        assert_int_equal(e->now, steps[i].now);
        assert_int_equal(e->instrument, INSTRUMENT_NONE);
        if (e->now)
            assert_int_equal(e->of_lane, parts ? LANE : LANE_MAIN);
    }
    tidy(NULL);
}

static void every_sum_at_every_scope(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(sums); i++)
        for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++)
            if (sums[i].scopes >> scope & 1)
                one(&sums[i], scope);
}

// Leased limits are one, however the lanes have divided them.
static void lanes_count_together_where_they_lease(void **state)
{
    (void)state;
    open_wide();
    set(TRADE_ACCOUNT, "warn_percent", "50");
    set(TRADE_ACCOUNT, "open_orders", "10");
    use_put(&sums[0], TRADE_ACCOUNT, 0, 2);
    use_put(&sums[0], TRADE_ACCOUNT, 1, 2);
    assert_int_equal(round_tells(), 0);
    use_put(&sums[0], TRADE_ACCOUNT, 0, 3);
    assert_int_equal(round_tells(), 1);
    assert_int_equal(last_told()->use, 5);
    assert_int_equal(last_told()->limit, 10);
    tidy(NULL);
}

static void an_account_is_warned_of_each_symbol(void **state)
{
    (void)state;
    open_wide();
    set(TRADE_ACCOUNT, "position", "200"); // each lane half
    set(TRADE_FIRM, "warn_percent", "80");
    struct risk *r = risk_of(LANE);
    struct position *p[2];
    for (uint32_t i = 0; i < 2; i++)
        p[i] = &r->positions[position_open(r, ACCOUNT, i)];
    p[0]->shares = 70;
    p[0]->open_buy = 9;
    p[1]->shares = -10;
    p[1]->open_sell = 69;
    assert_int_equal(round_tells(), 0);
    p[0]->open_buy = 10;
    assert_int_equal(round_tells(), 1);
    assert_int_equal(last_told()->instrument, 0);
    assert_int_equal(last_told()->use, 80);
    p[1]->shares = -11;
    assert_int_equal(round_tells(), 1);
    assert_int_equal(last_told()->instrument, 1);
    assert_int_equal(last_told()->index, ACCOUNT);
    assert_int_equal(last_told()->control, LIMIT_LIMITS_position);
    assert_int_equal(last_told()->of_lane, LANE);
    const struct limit_entry e = {
        .scope = TRADE_ACCOUNT, .index = ACCOUNT, .control = LIMIT_LIMITS_position};
    assert_true(warning_on(&d, 1 + ACCOUNT, &e));
    p[0]->open_buy = 0;
    p[1]->open_sell = 0;
    assert_int_equal(round_tells(), 2);
    assert_false(warning_on(&d, 1 + ACCOUNT, &e));
    tidy(NULL);
}

// The firm's percentage counts for whoever has none; without either nobody is warned; and a limit
// that a person sets moves what it is a part of.
static void percentages_are_ones_own_or_the_firms(void **state)
{
    (void)state;
    open_wide();
    set(TRADE_STRATEGY, "open_orders", "10");
    use_put(&sums[0], TRADE_STRATEGY, LANE, 10);
    assert_int_equal(round_tells(), 0);
    set(TRADE_FIRM, "warn_percent", "90");
    use_put(&sums[0], TRADE_STRATEGY, LANE, 8);
    assert_int_equal(round_tells(), 0);
    set(TRADE_STRATEGY, "warn_percent", "80");
    assert_int_equal(round_tells(), 1);
    set(TRADE_STRATEGY, "warn_percent", "none"); // the firm's again: 90, and 8 is not below 85
    assert_int_equal(round_tells(), 1);
    assert_int_equal(last_told()->now, 0);
    set(TRADE_STRATEGY, "open_orders", "8");
    assert_int_equal(round_tells(), 1);
    set(TRADE_STRATEGY, "open_orders", "none");
    assert_int_equal(round_tells(), 1);
    assert_int_equal(last_told()->now, 0);
    set(TRADE_STRATEGY, "open_orders", "0"); // nothing may be used: nothing to warn of
    use_put(&sums[0], TRADE_STRATEGY, LANE, 0);
    assert_int_equal(round_tells(), 0);
    tidy(NULL);
}

static void what_finds_no_room_is_told_later(void **state)
{
    (void)state;
    open_wide();
    set(TRADE_SESSION, "warn_percent", "99");
    set(TRADE_SESSION, "day_orders", "3");
    use_put(&sums[8], TRADE_SESSION, LANE, 3);
    const uint64_t full = d.events.tail - d.events.mask - 1;
    atomic_store(&region_ring(&d.view, LANES, EVENT_RING_TRADING)->committed, full);
    d.events.committed = full;
    const uint32_t before = told();
    warnings_turn(&d, now_ns += ROUND_NS);
    assert_int_equal(told(), before);
    d.events.committed = d.events.tail; // what it stood at is none that a ring gets to
    assert_int_equal(round_tells(), 1);
    warnings_turn(&d, now_ns); // the round is over, the next one is not due
    assert_int_equal(told(), before + 1);
    tidy(NULL);
}

static void the_list_shows_them(void **state)
{
    const struct limits_list_request request = {.scope = TRADE_SESSION, .index = LANE};
    static struct limits_list_answer answer;
    (void)state;
    open_wide();
    set(TRADE_SESSION, "warn_percent", "75");
    set(TRADE_SESSION, "day_orders", "11");
    set(TRADE_SESSION, "quantity", "50");
    for (uint32_t n = 0; n < 2; n++) {
        uint32_t seen = 0;
        assert_int_equal(limits_list(&d, &request, &answer), COMMAND_RESULT_OK);
        for (uint32_t i = 0; i < answer.count; i++) {
            const struct limit_entry *e = &answer.entries[i];
            const bool sum = e->control == LIMIT_LIMITS_day_orders;
            seen += sum;
            assert_true(e->warn_at == (sum ? 9 : LIMIT_NOTHING)); // 8.25, rounded up
            assert_int_equal(!!(e->flags & LIMIT_ENTRY_WARNED), sum && n);
        }
        assert_int_equal(seen, 1);
        use_put(&sums[8], TRADE_SESSION, LANE, 9);
        round_tells();
    }
    tidy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sum_at_every_scope),
        cmocka_unit_test(lanes_count_together_where_they_lease),
        cmocka_unit_test(an_account_is_warned_of_each_symbol),
        cmocka_unit_test(percentages_are_ones_own_or_the_firms),
        cmocka_unit_test(what_finds_no_room_is_told_later),
        cmocka_unit_test(the_list_shows_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
