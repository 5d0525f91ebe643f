// Two owners of limits at every scope: the lower of both binds, the refusal says whose it was, and
// whoever raises the other one changes nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/base/clock.h"
#include "dataplane/control/limits_table.h"
#include "tests/lib/limit_set_rig.h"

enum { PRICE = 10000, SYMBOL = 1, LANE = 1 };

static const char *const scopes[] = {"firm", "account", "strategy", "symbol", "session"};
static const uint32_t indices[] = {0, ACCOUNT, 0, SYMBOL, LANE};

// What one order of <shares> at a dollar, or the next of several, is compared with.
static const struct control {
    const char *name;
    enum refusal refusal;
    uint32_t scopes; // bits
    uint32_t parted; // bits: each of two lanes has half
    bool counts;     // orders, not shares
} controls[] = {
    {"quantity", REFUSAL_QUANTITY, 0x1f, 0, false},
    {"notional", REFUSAL_NOTIONAL, 0x1f, 0, false},
    {"open_orders", REFUSAL_OPEN_ORDERS,
     1u << TRADE_STRATEGY | 1u << TRADE_SYMBOL | 1u << TRADE_SESSION, 1u << TRADE_SYMBOL, true},
    {"open_notional", REFUSAL_OPEN_NOTIONAL,
     1u << TRADE_STRATEGY | 1u << TRADE_SYMBOL | 1u << TRADE_SESSION, 1u << TRADE_SYMBOL, false},
    {"position", REFUSAL_POSITION, 1u << TRADE_ACCOUNT | 1u << TRADE_STRATEGY | 1u << TRADE_SYMBOL,
     1u << TRADE_ACCOUNT | 1u << TRADE_SYMBOL, false},
    {"gross", REFUSAL_GROSS, 1u << TRADE_FIRM | 1u << TRADE_ACCOUNT,
     1u << TRADE_FIRM | 1u << TRADE_ACCOUNT, false},
    {"credit", REFUSAL_CREDIT, 1u << TRADE_FIRM | 1u << TRADE_ACCOUNT,
     1u << TRADE_FIRM | 1u << TRADE_ACCOUNT, false},
    {"day_value", REFUSAL_DAY_VALUE, 0x1f & ~(1u << TRADE_SYMBOL),
     1u << TRADE_FIRM | 1u << TRADE_ACCOUNT, false},
    {"day_orders", REFUSAL_DAY_ORDERS, 0x1f & ~(1u << TRADE_SYMBOL),
     1u << TRADE_FIRM | 1u << TRADE_ACCOUNT, true},
    {"order_ratio", REFUSAL_ORDER_RATIO, 0x1f & ~(1u << TRADE_SYMBOL), 0, true},
    {"duplicates", REFUSAL_DUPLICATE, 1u << TRADE_ACCOUNT, 1u << TRADE_ACCOUNT, true},
    {"repeats", REFUSAL_REPEATED, 1u << TRADE_STRATEGY, 0, true},
};

static void set(enum limit_owned owner, enum trade_scope scope, const struct control *c,
                uint32_t value)
{
    char number[16];
    snprintf(number, sizeof number, "%u", c->parted >> scope & 1 ? 2 * value : value);
    if (set_owned(owner, scope, indices[scope], c->name, number) != COMMAND_RESULT_OK)
        fail_msg("%s of %s: %s", c->name, scopes[scope], slot->answer.limit_set.why);
}

static enum refusal one(uint32_t shares)
{
    lanes[LANE]->stamp = now_ticks += HZ;
    return enter(LANE, shares, PRICE);
}

// As many as are <at> the limit, and then one more, all of them alike.
static void tries(const struct control *c, enum trade_scope scope, uint32_t at,
                  enum limit_owned owner)
{
    const bool duplicates = c->refusal == REFUSAL_DUPLICATE;
    const bool sums =
        !c->counts && c->refusal != REFUSAL_QUANTITY && c->refusal != REFUSAL_NOTIONAL;
    for (uint32_t n = 0; c->counts && n < at; n++) {
        if (n)
            now_ticks -= duplicates ? HZ * 2 : 0; // within the second that is looked at
        assert_int_equal(one(duplicates ? 1 : n + 1), REFUSAL_NONE);
    }
    if (!c->counts) {
        if (!sums)
            assert_int_equal(one(at - 1), REFUSAL_NONE); // inside
        else
            assert_int_equal(one(1), REFUSAL_NONE);
        assert_int_equal(one(sums ? at - 1 : at), REFUSAL_NONE); // at it
    }
    now_ticks -= duplicates ? HZ * 2 : 0;
    const enum refusal got = one(c->counts ? (duplicates ? 1 : at + 1) : sums ? 1 : at + 1);
    const struct event_decision *e = &newest(LANE, EVENT_DECISION)->decision;
    if (got != c->refusal || e->scope != scope ||
        ((e->checks & CHECKS_OF_BROKER) != 0) != (owner == LIMIT_OF_BROKER))
        fail_msg("%s of %s: %s of %s%s", c->name, scopes[scope], refusal_name(got),
                 scopes[e->scope], e->checks & CHECKS_OF_BROKER ? ", the broker's" : "");
}

static void each(void (*test)(const struct control *c, enum trade_scope scope))
{
    for (uint32_t i = 0; i < sizeof controls / sizeof controls[0]; i++)
        for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++)
            if (controls[i].scopes >> scope & 1) {
                open_wide();
                test(&controls[i], scope);
                tidy(NULL);
            }
}

static void broker_lower(const struct control *c, enum trade_scope scope)
{
    set(LIMIT_OF_FIRM, scope, c, 9);
    set(LIMIT_OF_BROKER, scope, c, 4);
    tries(c, scope, 4, LIMIT_OF_BROKER);
}

static void firm_lower(const struct control *c, enum trade_scope scope)
{
    set(LIMIT_OF_FIRM, scope, c, 4);
    set(LIMIT_OF_BROKER, scope, c, 9);
    tries(c, scope, 4, LIMIT_OF_FIRM);
}

static void broker_alone(const struct control *c, enum trade_scope scope)
{
    set(LIMIT_OF_BROKER, scope, c, 4);
    tries(c, scope, 4, LIMIT_OF_BROKER);
}

// Two that are the same: it is the firm's, as before there was another.
static void both_same(const struct control *c, enum trade_scope scope)
{
    set(LIMIT_OF_FIRM, scope, c, 4);
    set(LIMIT_OF_BROKER, scope, c, 4);
    tries(c, scope, 4, LIMIT_OF_FIRM);
}

static void the_lower_one_binds_at_every_scope(void **state)
{
    (void)state;
    each(broker_lower);
    each(firm_lower);
    each(broker_alone);
    each(both_same);
}

// The firm raises its own as much as it wants.
static void firm_raises(const struct control *c, enum trade_scope scope)
{
    set(LIMIT_OF_FIRM, scope, c, 2);
    set(LIMIT_OF_BROKER, scope, c, 4);
    set(LIMIT_OF_FIRM, scope, c, 400);
    const struct limit_changed *changed = &slot->answer.limit_set.changes[0];
    assert_int_equal(changed->binds, LIMIT_OF_BROKER);
    tries(c, scope, 4, LIMIT_OF_BROKER);
}

static void nobody_raises_above_the_other(void **state)
{
    (void)state;
    each(firm_raises);
}

static void raise(enum limit_owned owner, const char *value, uint64_t until)
{
    claim();
    ask_change(0, TRADE_ACCOUNT, ACCOUNT, "quantity", value);
    slot->request.limit_set.changes[0].owner = owner;
    slot->request.limit_set.changes[0].until_ns = until;
    assert_int_equal(post() ? answered() : result, COMMAND_RESULT_OK);
}

// A raise of the firm's until a time stays within the broker's limit, and each goes back alone.
static void raises_respect_both(void **state)
{
    const uint64_t until = clock_utc_ns() + UINT64_C(3600) * 1000000000;
    (void)state;
    open_wide();
    assert_int_equal(set_owned(LIMIT_OF_FIRM, TRADE_ACCOUNT, ACCOUNT, "quantity", "10"), 0);
    assert_int_equal(set_owned(LIMIT_OF_BROKER, TRADE_ACCOUNT, ACCOUNT, "quantity", "20"), 0);
    raise(LIMIT_OF_FIRM, "50", until);
    assert_int_equal(one(20), REFUSAL_NONE);
    assert_int_equal(one(21), REFUSAL_QUANTITY);
    raise(LIMIT_OF_BROKER, "60", until);
    assert_int_equal(limits_raised(&d)->count, 2);
    assert_int_equal(one(50), REFUSAL_NONE);
    assert_int_equal(one(51), REFUSAL_QUANTITY);
    assert_int_equal(newest(LANE, EVENT_DECISION)->decision.checks & CHECKS_OF_BROKER, 0);
    assert_int_equal(newest(LANE, EVENT_LIMIT_CHANGED)->limit_changed.owner, LIMIT_OF_BROKER);
    // Beyond what is configured for him the broker's takes an end, too.
    claim();
    ask_change(0, TRADE_ACCOUNT, ACCOUNT, "quantity", "70");
    slot->request.limit_set.changes[0].owner = LIMIT_OF_BROKER;
    assert_false(post());
    assert_int_equal(result, COMMAND_RESULT_LIMIT_REFUSED);
    tidy(NULL);
}

// A loss of a dollar is at the lower limit, a tick more is beyond it.
static void losses_break_the_lower_one(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope <= TRADE_ACCOUNT; scope++)
        for (uint32_t kind = 0; kind < 2 * LOSS_KINDS; kind++) {
            const bool day = kind % LOSS_KINDS == LOSS_OF_DAY, broker = kind < LOSS_KINDS;
            const char *control = day ? "loss" : "drawdown";
            open_wide();
            struct desk *desk = &d.desks[LANE]->desk;
            assert_true(desk_carry(desk, ACCOUNT, 0, 100, PRICE));
            const uint32_t at = position_open(&desk->risk, ACCOUNT, 0);
            set_owned(LIMIT_OF_FIRM, scope, indices[scope], control, broker ? "8" : "2");
            set_owned(LIMIT_OF_BROKER, scope, indices[scope], control, broker ? "2" : "8");
            money_mark(&desk->risk, at, PRICE - 100);
            assert_int_equal(one(1), REFUSAL_NONE);
            money_mark(&desk->risk, at, PRICE - 101);
            assert_int_equal(one(1), day ? REFUSAL_LOSS : REFUSAL_DRAWDOWN);
            const struct event_decision *e = &newest(LANE, EVENT_DECISION)->decision;
            assert_int_equal(e->scope, scope);
            assert_int_equal((e->checks & CHECKS_OF_BROKER) != 0, broker);
            tidy(NULL);
        }
}

static void symbols_of_a_strategy(void **state)
{
    const struct desk_owner who = {.account = ACCOUNT, .strategy = 0};
    struct desk_order ask = {.quantity = 1,
                             .price = PRICE,
                             .session = LANE,
                             .side = 'B',
                             .time_in_force = '0',
                             .display = 'Y'};
    uint32_t index;
    (void)state;
    open_wide();
    assert_int_equal(set_owned(LIMIT_OF_FIRM, TRADE_STRATEGY, 0, "instruments", "2"), 0);
    assert_int_equal(set_owned(LIMIT_OF_BROKER, TRADE_STRATEGY, 0, "instruments", "1"), 0);
    assert_int_equal(one(1), REFUSAL_NONE);
    assert_int_equal(one(2), REFUSAL_NONE);
    lanes[LANE]->stamp = now_ticks += HZ;
    assert_int_equal(desk_enter(&d.desks[LANE]->desk, &who, &ask, &index), REFUSAL_INSTRUMENTS);
    assert_true(newest(LANE, EVENT_DECISION)->decision.checks & CHECKS_OF_BROKER);
    tidy(NULL);
}

static const struct limit_entry *entry(enum trade_scope scope, uint32_t index, unsigned control)
{
    static struct limits_list_answer answer;
    const struct limits_list_request request = {.scope = scope, .index = index};
    assert_int_equal(limits_list(&d, &request, &answer), COMMAND_RESULT_OK);
    for (uint32_t i = 0; i < answer.count; i++)
        if (answer.entries[i].control == control)
            return &answer.entries[i];
    return NULL;
}

static void lists_have_both_and_who_binds(void **state)
{
    (void)state;
    open_wide();
    assert_null(entry(TRADE_ACCOUNT, ACCOUNT, LIMIT_LIMITS_gross));
    assert_int_equal(set_owned(LIMIT_OF_BROKER, TRADE_ACCOUNT, ACCOUNT, "gross", "40"), 0);
    const struct limit_entry *e = entry(TRADE_ACCOUNT, ACCOUNT, LIMIT_LIMITS_gross);
    assert_true(e && e->limit[LIMIT_OF_FIRM] == LIMIT_NOTHING && e->room == 40 * PRICE);
    assert_true(e->limit[LIMIT_OF_BROKER] == 40 * PRICE && e->binds == LIMIT_OF_BROKER);
    assert_int_equal(set_owned(LIMIT_OF_FIRM, TRADE_ACCOUNT, ACCOUNT, "gross", "30"), 0);
    e = entry(TRADE_ACCOUNT, ACCOUNT, LIMIT_LIMITS_gross);
    assert_true(e->binds == LIMIT_OF_FIRM && e->room == 30 * PRICE);
    // A time is whose the number is, and is not there without one.
    assert_null(entry(TRADE_ACCOUNT, ACCOUNT, LIMIT_LIMITS_duplicate_ms));
    assert_int_equal(set_owned(LIMIT_OF_BROKER, TRADE_ACCOUNT, ACCOUNT, "duplicate_ms", "50"), 0);
    assert_int_equal(set_owned(LIMIT_OF_BROKER, TRADE_ACCOUNT, ACCOUNT, "duplicates", "2"), 0);
    e = entry(TRADE_ACCOUNT, ACCOUNT, LIMIT_LIMITS_duplicates);
    assert_true(e && e->binds == LIMIT_OF_BROKER);
    assert_int_equal(d.desks[LANE]->desk.limits->accounts[ACCOUNT].owner.duplicate_window,
                     ((uint64_t)HZ / 1000 * 50 + DUPLICATE_UNIT - 1) / DUPLICATE_UNIT);
    tidy(NULL);
}

static void what_is_not_the_brokers_is_refused(void **state)
{
    static const struct {
        enum trade_scope scope;
        const char *control, *value, *says;
    } rows[] = {
        {TRADE_SYMBOL, "touch", "5", "no limit of the broker's"},
        {TRADE_SESSION, "burst", "5", "no limit of the broker's"},
        {TRADE_FIRM, "warn_percent", "5", "no limit of the broker's"},
        {TRADE_SESSION, "position", "5", "not to sessions"},
        {TRADE_ACCOUNT, "duplicates", "5", "give both one duplicate_ms"},
    };
    (void)state;
    open_wide();
    assert_int_equal(set_base(TRADE_ACCOUNT, ACCOUNT, "duplicates", "7"), COMMAND_RESULT_OK);
    assert_int_equal(set_base(TRADE_ACCOUNT, ACCOUNT, "duplicate_ms", "70"), COMMAND_RESULT_OK);
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(set_owned(LIMIT_OF_BROKER, rows[i].scope, indices[rows[i].scope],
                                   rows[i].control, rows[i].value),
                         COMMAND_RESULT_LIMIT_REFUSED);
        assert_non_null(strstr(slot->answer.limit_set.why, rows[i].says));
    }
    assert_int_equal(set_owned(LIMIT_OWNERS, TRADE_FIRM, 0, "gross", "1"),
                     COMMAND_RESULT_LIMIT_REFUSED);
    tidy(NULL);
}

// What lanes lease of a limit is a part of the lower one.
static void leases_are_of_the_lower_one(void **state)
{
    (void)state;
    open_wide();
    assert_int_equal(set_owned(LIMIT_OF_FIRM, TRADE_FIRM, 0, "open_orders", "50"), 0);
    assert_int_equal(set_owned(LIMIT_OF_BROKER, TRADE_FIRM, 0, "open_orders", "3"), 0);
    uint32_t open = 0;
    for (uint32_t n = 0; n < 40; n++) {
        open += enter(LANE, n + 1, PRICE) == REFUSAL_NONE;
        for (uint32_t k = 0; k < 5; k++)
            turn_all();
    }
    assert_int_equal(open, 3);
    const struct event_decision *e = &newest(LANE, EVENT_DECISION)->decision;
    assert_true(e->refusal == REFUSAL_OPEN_ORDERS || e->refusal == REFUSAL_LEASE);
    assert_true(e->checks & CHECKS_OF_BROKER);
    tidy(NULL);
}

// The record of the broker's limit is the broker's after a restart.
static void a_restart_takes_it_from_its_record(void **state)
{
    const uint32_t versions[LANES_MAX] = {0};
    struct event_limit_changed set = {.now = 5,
                                      .index = ACCOUNT,
                                      .scope = TRADE_ACCOUNT,
                                      .owner = LIMIT_OF_BROKER,
                                      .control = LIMIT_LIMITS_quantity};
    (void)state;
    open_wide();
    assert_true(limits_restore(limits_set_now(&d), &set));
    limits_restored(&d, versions);
    assert_int_equal(one(5), REFUSAL_NONE);
    assert_int_equal(one(6), REFUSAL_QUANTITY);
    assert_true(newest(LANE, EVENT_DECISION)->decision.checks & CHECKS_OF_BROKER);
    set.owner = LIMIT_OWNERS;
    assert_false(limits_restore(limits_set_now(&d), &set));
    tidy(NULL);
}

// Files of the day that say other lots, and another action of a control, than when it was set.
static void a_restart_compares_it_with_the_files(void **state)
{
    struct event_limit_changed set = {.now = 99,
                                      .index = ACCOUNT,
                                      .scope = TRADE_ACCOUNT,
                                      .owner = LIMIT_OF_BROKER,
                                      .control = LIMIT_LIMITS_quantity};
    struct limit_fault f;
    struct error err = {0};
    (void)state;
    open_wide();
    struct limits_source *s = limits_set_now(&d);
    assert_true(limits_restore(s, &set));
    assert_true(limits_room_good(s, &f));
    for (uint32_t i = 0; i < s->symbol_count; i++)
        s->symbols[i].lot = 100;
    assert_false(limits_room_good(s, &f));
    assert_true(f.scope == TRADE_ACCOUNT && f.index == ACCOUNT);
    assert_string_equal(f.key, "quantity");
    assert_true(limits_restored_good(&d, &err)); // nothing more passes: it is told
    set.now = 100;
    assert_true(limits_restore(s, &set));
    assert_true(limits_room_good(s, &f));
    set = (struct event_limit_changed){
        .now = 99, .index = SYMBOL, .scope = TRADE_SYMBOL, .control = LIMIT_LIMITS_quantity};
    assert_true(limits_restore(s, &set));
    assert_false(limits_room_good(s, &f));
    assert_true(f.scope == TRADE_SYMBOL && f.index == SYMBOL);
    // The broker's limit, by a control that is only told now.
    set = (struct event_limit_changed){
        .now = 10000000, .owner = LIMIT_OF_BROKER, .control = LIMIT_LIMITS_gross};
    assert_true(limits_restore(s, &set));
    assert_true(limits_restored_good(&d, &err));
    s->actions.GROSS = 0; // notify
    assert_false(limits_restored_good(&d, &err));
    assert_non_null(strstr(err.text, "GROSS: the broker limits gross"));
    tidy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lower_one_binds_at_every_scope),
        cmocka_unit_test(nobody_raises_above_the_other),
        cmocka_unit_test(raises_respect_both),
        cmocka_unit_test(losses_break_the_lower_one),
        cmocka_unit_test(symbols_of_a_strategy),
        cmocka_unit_test(lists_have_both_and_who_binds),
        cmocka_unit_test(what_is_not_the_brokers_is_refused),
        cmocka_unit_test(leases_are_of_the_lower_one),
        cmocka_unit_test(a_restart_takes_it_from_its_record),
        cmocka_unit_test(a_restart_compares_it_with_the_files),
    };
    return cmocka_run_group_tests_name("limit_owners", tests, NULL, NULL);
}
