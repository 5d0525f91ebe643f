// What differs between two configurations, and what each key takes to be in force.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/abi/limit_control.h"
#include "dataplane/config/diff.h"

static struct config_difference rows[64];

static uint32_t diff(const char *was, const char *now)
{
    memset(rows, 0, sizeof rows);
    return config_diff(was, strlen(was), now, strlen(now), rows, 64);
}

static void expect(uint32_t i, const char *key, const char *was, const char *now,
                   enum config_takes takes)
{
    assert_string_equal(rows[i].key, key);
    assert_string_equal(rows[i].was, was);
    assert_string_equal(rows[i].now, now);
    assert_int_equal(rows[i].takes, takes);
}

static void test_keys(void **state)
{
    (void)state;
    assert_int_equal(diff("a: 1\nb: {c: 2}\n", "b: {c: 2}\na: 1\n"), 0); // the order says nothing
    assert_int_equal(diff("http: {listen: x}\n", "http: {listen: y}\nnode: {name: n}\n"), 2);
    expect(0, "http.listen", "x", "y", CONFIG_TAKES_CONTROLPLANE);
    expect(1, "node.name", "", "n", CONFIG_TAKES_DATAPLANE);
    assert_int_equal(diff("node: {name: n}\n", "node: {}\n"), 1);
    expect(0, "node.name", "n", "", CONFIG_TAKES_DATAPLANE);
}

// Lists are compared by name, symbols by the first of a row, what has no name by its number.
static void test_lists(void **state)
{
    (void)state;
    assert_int_equal(
        diff("accounts: [{name: A, limits: {gross: 1}}, {name: B, limits: {}}]\n",
             "accounts: [{name: B, limits: {gross: 2}}, {name: A, limits: {gross: 1}}]"),
        1);
    expect(0, "accounts[B].limits.gross", "", "2", CONFIG_TAKES_NOTHING);
    assert_int_equal(diff("symbols: [{names: [X, Y], touch: 5, limits: {position: 1}}]\n",
                          "symbols: [{names: [X], touch: 6, tick: 0.01, limits: {position: 2}}]\n"),
                     4);
    expect(0, "symbols[X].limits.position", "1", "2", CONFIG_TAKES_NOTHING);
    expect(1, "symbols[X].names", "X,Y", "X", CONFIG_TAKES_DATAPLANE);
    expect(2, "symbols[X].tick", "", "0.01", CONFIG_TAKES_NOTHING);
    expect(3, "symbols[X].touch", "5", "6", CONFIG_TAKES_NOTHING);
    assert_int_equal(diff("l: [{k: 1}, {k: 2}]\n", "l: [{k: 1}, {k: 3}]\n"), 1);
    assert_string_equal(rows[0].key, "l[1].k");
    assert_int_equal(diff("l: []\n", "l: [{}]\n"), 1);
}

// Over what a file of the day says nothing is put into force.
static void test_reference(void **state)
{
    static const char was[] =
        "day: {reference: r.csv, max_age_days: 1}\n"
        "symbols: [{names: [X], average_volume: 9, previous_close: 1, tick: 0.01,"
        " lot: 1, locates: 5, touch: 5, limits: {}}]\n";
    static const char now[] =
        "day: {reference: r.csv, max_age_days: 1}\n"
        "symbols: [{names: [X], average_volume: 8, previous_close: 2, tick: 0.05,"
        " lot: 2, touch: 6, limits: {}}]\n";
    static const char *const keys[] = {"average_volume", "locates", "lot", "previous_close",
                                       "tick"};
    char key[CONFIG_KEY_LEN];
    (void)state;
    assert_int_equal(diff(was, now), 6);
    for (uint32_t i = 0; i < 5; i++) {
        snprintf(key, sizeof key, "symbols[X].%s", keys[i]);
        assert_string_equal(rows[i].key, key);
        assert_int_equal(rows[i].takes, CONFIG_TAKES_DATAPLANE);
    }
    expect(5, "symbols[X].touch", "5", "6", CONFIG_TAKES_NOTHING);
    assert_int_equal(diff("day: {reference: ''}\nsymbols: [{names: [X], lot: 1}]\n",
                          "day: {reference: ''}\nsymbols: [{names: [X], lot: 2}]\n"),
                     1);
    expect(0, "symbols[X].lot", "1", "2", CONFIG_TAKES_NOTHING);
}

static void test_bounds(void **state)
{
    (void)state;
    assert_int_equal(config_diff("a: 1\nb: 2\nc: 3\n", 15, "{}", 2, rows, 2), 3);
    assert_string_equal(rows[1].key, "b");
    char text[600];
    memset(text, 'x', sizeof text);
    snprintf(text, 5, "a: '");
    text[4] = 'x';
    snprintf(text + 590, 10, "'\n");
    assert_int_equal(diff(text, "a: 1\n"), 1);
    assert_int_equal(strlen(rows[0].was), CONFIG_TEXT_LEN - 1);
}

static void test_secrets(void **state)
{
    (void)state;
    assert_int_equal(diff("sessions: [{name: s, password: one}]\nstore: {connection: a}\n",
                          "sessions: [{name: s, password: two}]\nstore: {connection: b}\n"),
                     2);
    expect(0, "sessions[s].password", "(hidden)", "(hidden)", CONFIG_TAKES_DATAPLANE);
    expect(1, "store.connection", "(hidden)", "(hidden)", CONFIG_TAKES_CONTROLPLANE);
}

// Every limit that can be set while it runs is live in each section that has it, and only there.
static void test_limits(void **state)
{
    (void)state;
    static const char *const sections[TRADE_SCOPES] = {[TRADE_FIRM] = "trading",
                                                       [TRADE_ACCOUNT] = "accounts[a]",
                                                       [TRADE_STRATEGY] = "strategies[a]",
                                                       [TRADE_SYMBOL] = "symbols[A]",
                                                       [TRADE_SESSION] = "sessions[a]"};
    for (unsigned scope = 0; scope < TRADE_SCOPES; scope++)
        for (unsigned i = 1; i < LIMIT_CONTROLS; i++) {
            char own[96], inside[96];
            if (limit_control_table[i].name == NULL)
                continue;
            snprintf(own, sizeof own, "%s.%s", sections[scope], limit_control_name(i));
            snprintf(inside, sizeof inside, "%s.limits.%s", sections[scope], limit_control_name(i));
            // Some names stand for a control of one scope and for another one of another.
            const enum limit_control c = limit_control_find(scope, limit_control_name(i));
            const bool has = c != LIMIT_CONTROL_NONE;
            const bool limits = limit_control_table[c].section == LIMIT_LIMITS;
            assert_int_equal(config_takes(inside),
                             has && limits ? CONFIG_TAKES_NOTHING : CONFIG_TAKES_DATAPLANE);
            const bool actions = limit_control_table[c].section == LIMIT_ACTIONS;
            assert_int_equal(config_takes(own), has && !limits && !actions
                                                    ? CONFIG_TAKES_NOTHING
                                                    : CONFIG_TAKES_DATAPLANE);
        }
    assert_int_equal(config_takes("clients[c].limits.quantity"), CONFIG_TAKES_NOTHING);
    assert_int_equal(config_takes("clients[c].rate_per_s"), CONFIG_TAKES_DATAPLANE);
    assert_int_equal(config_takes("clients[c].broker.quantity"), CONFIG_TAKES_DATAPLANE);
    assert_int_equal(config_takes("accounts[a].limits.self_trade"), CONFIG_TAKES_DATAPLANE);
    assert_int_equal(config_takes("accounts[a].limits.state"), CONFIG_TAKES_DATAPLANE);
    assert_int_equal(config_takes("accounts[a].limits.forbid"), CONFIG_TAKES_NOTHING);
    assert_int_equal(config_takes("accounts[a].broker.forbid"), CONFIG_TAKES_DATAPLANE);
    assert_int_equal(config_takes("trading.actions.TOUCH"), CONFIG_TAKES_NOTHING);
    assert_int_equal(config_takes("trading.limits.TOUCH"), CONFIG_TAKES_DATAPLANE);
    assert_int_equal(config_takes("trading.actions.gross"), CONFIG_TAKES_DATAPLANE);
    assert_int_equal(config_takes("trading.broker.gross"), CONFIG_TAKES_DATAPLANE);
    assert_int_equal(config_takes("control.risk"), CONFIG_TAKES_CONTROLPLANE);
    assert_int_equal(config_takes("control.second_person"), CONFIG_TAKES_NOTHING);
    assert_int_equal(config_takes("capture.keep_size"), CONFIG_TAKES_CONTROLPLANE);
    assert_int_equal(config_takes("capture.ring_size"), CONFIG_TAKES_DATAPLANE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),   cmocka_unit_test(test_lists),
        cmocka_unit_test(test_bounds), cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_limits), cmocka_unit_test(test_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
