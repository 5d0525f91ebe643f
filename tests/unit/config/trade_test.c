// The sections of trading: what they become, and what is wrong with them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dataplane/abi/quality.h"
#include "dataplane/abi/trade.h"
#include "dataplane/base/cpu.h"
#include "dataplane/base/hints.h"
#include "dataplane/config/config.h"

static uint32_t cores[2]; // main, lane

static const char good[] = "node: {main_core: @M, trading_slots: 1024}\n"
                           "ports:\n"
                           "  - {name: md, device: net_ring0}\n"
                           "  - {name: oe, device: net_ring1, ip: 10.0.0.2, prefix_len: 24}\n" // 4
                           "lanes:\n"
                           "  - {name: l0, core: @L}\n"
                           "channels:\n"
                           "  - name: tv\n"
                           "    lane: l0\n"
                           "    lines: [{name: A, port: md, group: 224.0.1.1, udp_port: 1}]\n"
                           "trading:\n" // line 11
                           "  orders: 100\n"
                           "  executions: 128\n"
                           "  positions: 64\n"
                           "  silence_ms: 3s\n"
                           "  event_credit: 32\n"
                           "  limits: {open_notional: 1000000.5, state: reducing}\n"
                           "accounts:\n" // line 18
                           "  - {name: house, limits: {position: 0, open_orders: 5}}\n"
                           "  - {name: fund, limits: {}}\n"
                           "symbols:\n" // line 21
                           "  - {names: [AAPL, 'MSFT'], limits: {}, price_low: 1.25,"
                           " price_high: 300, quality: stale}\n"       // 22
                           "  - {names: [X], limits: {quantity: 7}}\n" // 23
                           "sessions:\n"                               // line 24
                           "  - name: nas\n"
                           "    protocol: ouch42\n"
                           "    server: 10.0.0.9:26400\n"
                           "    port: oe\n"
                           "    lane: l0\n"
                           "    channel: tv\n" // 30
                           "    account: fund\n"
                           "    username: alice\n"
                           "    password: secret\n"
                           "    session: DAY1\n"
                           "    sequence: 17\n"
                           "    firm: TGTE\n"
                           "    capacity: A\n"
                           "    token_prefix: T1\n" // 38
                           "    heartbeat_ms: 500\n"
                           "    silence_ms: 5s\n" // 40
                           "    login_ms: 2s\n"
                           "    retry_ms: 100\n"
                           "    retry_max_ms: 1s\n" // 43
                           "    timeout_ms: 9000\n"
                           "    references: 5000\n"
                           "    rate_per_s: 100\n"
                           "    burst: 3\n"
                           "    cancel_on_stop: false\n"
                           "    cancel_on_feed_loss: true\n"
                           "    mtu: 1400\n"
                           "    rto_min_us: 3ms\n"
                           "    user_timeout_ms: 4s\n"
                           "    keepalive_ms: 0\n"
                           "    fees: [3000, -2000]\n"
                           "    latency_ns: 900\n"
                           "    limits: {notional: 12.3456}\n"
                           "strategies:\n" // line 57
                           "  - name: mm\n"
                           "    lane: l0\n"
                           "    file: @F\n" // 60
                           "    account: fund\n"
                           "    symbols: [X, MSFT]\n" // 62
                           "    parameters: [100, -5]\n"
                           "    budget_us: 7\n"
                           "    enabled: false\n"
                           "    limits: {open_orders: 9}\n"
                           "gateway:\n" // 65
                           "  socket: /tmp/g.sock\n"
                           "  requests: 32\n"
                           "  answers: 128\n"
                           "clients:\n"
                           "  - name: c1\n" // 70
                           "    user: 1000\n"
                           "    lane: l0\n"
                           "    account: fund\n"
                           "    rate_per_s: 7\n"
                           "    burst: 5\n" // 75
                           "    heartbeat_ms: 2s\n"
                           "    limits: {open_orders: 3}\n"
                           "  - {name: c2, user: 0, lane: l0, account: fund}\n";

// <good> with its first <from> replaced, and cores and file filled in.
static char *text_make(const char *from, const char *to)
{
    static char out[1 << 17];
    char part[8];
    size_t len = 0;
    const char *cut = from ? strstr(good, from) : NULL;
    assert_true(from == NULL || cut != NULL);
    for (const char *p = good; *p;) {
        const char *put = part;
        if (p == cut) {
            put = to;
            p += strlen(from);
        } else if (*p == '@') {
            snprintf(part, sizeof part, "%u", cores[p[1] == 'L']);
            if (p[1] == 'F')
                put = "Makefile"; // is there: tests run in the root of the project
            p += 2;
        } else {
            part[0] = *p++;
            part[1] = '\0';
        }
        len += (size_t)snprintf(out + len, sizeof out - len, "%s", put);
    }
    return out;
}

static struct config config;

static bool load(const char *text, struct error *err)
{
    *err = (struct error){0};
    return config_load_text(&config, "t.yaml", text, strlen(text), err);
}

static void limits_land(void)
{
    assert_int_equal(config.trading.limits.open_notional, 10000005000);
    assert_int_equal(config.trading.limits.state, 1);
    assert_int_equal(config.trading.limits.quantity, UINT32_MAX);
    assert_true(config.trading.limits.notional == CONFIG_NOTIONAL_MAX);
    assert_int_equal(config.accounts[0].limits.position, 0);
    assert_int_equal(config.accounts[0].limits.open_orders, 5);
    assert_true(config.accounts[1].limits.position == CONFIG_POSITION_MAX);
    assert_int_equal(config.symbols[0].price_low, 12500);
    assert_int_equal(config.symbols[0].price_high, 3000000);
    assert_int_equal(config.symbols[0].quality, QUALITY_STALE);
    assert_int_equal(config.symbols[1].price_low, 0);
    assert_int_equal(config.symbols[1].price_high, UINT32_MAX);
    assert_int_equal(config.symbols[1].quality, QUALITY_GOOD);
    assert_int_equal(config.symbols[1].limits.quantity, 7);
    assert_memory_equal(config.symbols[0].names.names, "AAPL    MSFT    ", 16);
    assert_int_equal(config.sessions[0].limits.notional, 123456);
    assert_int_equal(config.sessions[0].limits.open_orders, UINT32_MAX);
    assert_int_equal(config.strategies[0].limits.open_orders, 9);
}

static void actions_land(void **state)
{
    struct error err;
    (void)state;
    if (!load(text_make("state: reducing}",
                        "state: reducing}\n  actions: {TOUCH: notify, GROSS: cancel}"),
              &err))
        fail_msg("%s", err.text);
    assert_int_equal(action_of(config.trading.actions.TOUCH), ACTION_NOTIFY);
    assert_int_equal(action_of(config.trading.actions.GROSS), ACTION_CANCEL);
    assert_int_equal(action_of(config.trading.actions.QUANTITY), ACTION_REFUSE);
    config_free(&config);
}

// What the second owner limits; without a word he limits nothing.
static void the_brokers_limits_land(void **state)
{
    static const char *const words[] = {"limits: {open_notional: 1000000.5, state: reducing}",
                                        "{name: fund, limits: {}}",
                                        "limits: {quantity: 7}",
                                        "limits: {notional: 12.3456}",
                                        "limits: {open_orders: 9}",
                                        "limits: {open_orders: 3}"};
    struct config_limits *const of[] = {&config.trading.broker,       &config.accounts[1].broker,
                                        &config.symbols[1].broker,    &config.sessions[0].broker,
                                        &config.strategies[0].broker, &config.clients[0].broker};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct error err;
        char to[128];
        if (i == 1)
            snprintf(to, sizeof to, "{name: fund, limits: {}, broker: {notional: 5}}");
        else if (i == 2)
            snprintf(to, sizeof to, "%s, broker: {notional: 5}", words[i]);
        else
            snprintf(to, sizeof to, "%s\n%sbroker: {notional: 5}", words[i], i ? "    " : "  ");
        if (!load(text_make(words[i], to), &err))
            fail_msg("%s", err.text);
        for (size_t k = 0; k < ARRAY_LEN(of); k++) {
            assert_int_equal(of[k]->notional, k == i ? 50000 : CONFIG_NOTIONAL_MAX);
            assert_int_equal(of[k]->quantity, UINT32_MAX);
            assert_int_equal(of[k]->order_ratio, UINT16_MAX);
        }
        config_free(&config);
    }
}

static void venues_are_bits_of_sessions(void **state)
{
    struct error err;
    (void)state;
    if (!load(text_make("strategies:\n",
                        "  - {name: two, protocol: ouch50, server: 10.0.0.9:26401, port: oe,"
                        " lane: l0, account: fund}\n"
                        "strategies:\n"
                        "  - {name: a, lane: l0, file: Makefile, account: fund, symbols: [X],"
                        " limits: {venues: [two, nas]}}\n"
                        "  - {name: b, lane: l0, file: Makefile, account: fund, symbols: [X],"
                        " limits: {venues: [two]}}\n"),
              &err))
        fail_msg("%s", err.text);
    assert_int_equal(config.strategies[0].limits.venues, 3);
    assert_int_equal(config.strategies[1].limits.venues, 2);
    assert_int_equal(config.strategies[2].limits.venues, 0);
    config_free(&config);
    if (!load(text_make("limits: {open_orders: 3}", "limits: {venues: [nas]}"), &err))
        fail_msg("%s", err.text);
    assert_int_equal(config.clients[0].limits.venues, 1);
    config_free(&config);
}

// Controls that the file leaves out control nothing, but for Rule 201.
static void controls_are_off(void)
{
    const struct config_symbol_row *s = &config.symbols[1];
    const struct config_limits *l = &config.accounts[1].limits;
    assert_true(s->tick == 100 && s->lot == 1 && s->average_volume == CONFIG_POSITION_MAX);
    assert_true(s->spread == CONFIG_BAND_MAX && s->touch == CONFIG_BAND_MAX);
    assert_true(s->period == CONFIG_BAND16_MAX && config.trading.price_period_ms == 60000);
    assert_true(s->last == CONFIG_BAND_MAX && s->locates == UINT32_MAX && s->restricted == 0);
    assert_true(!s->short_marking && s->rule_201 && s->phases == 0);
    assert_int_equal(s->rate_per_s, UINT32_MAX);
    assert_true(l->gross == CONFIG_NOTIONAL_MAX && l->day_value == CONFIG_NOTIONAL_MAX);
    assert_true(l->credit == CONFIG_NOTIONAL_MAX && l->loss == CONFIG_NOTIONAL_MAX);
    assert_true(l->drawdown == CONFIG_NOTIONAL_MAX && l->day_orders == UINT32_MAX);
    assert_true(l->order_ratio == UINT16_MAX && l->duplicates == UINT16_MAX && l->forbid == 0);
    assert_true(l->repeats == UINT32_MAX && l->instruments == UINT16_MAX);
    assert_int_equal(config.sessions[0].cancel_rate_per_s, UINT32_MAX);
    assert_int_equal(config.sessions[0].cancel_pace, 0);
}

static void controls_land(void **state)
{
    (void)state;
    struct error err;
    if (!load(
            text_make("limits: {quantity: 7}",
                      "limits: {forbid: [hidden, short]}, tick: 0.01, lot: 100,\n"
                      "     average_volume: 1000000, volume_percent: 50, spread: 200, touch: 300,"
                      " touch_least: 0.5,\n     last: 400, last_least: 0.25, previous_close: 10.5,"
                      " period: 500, period_least: 6.5534,"
                      " no_reference: collar,\n     price_low: 1, price_high: 2, locates: 900,"
                      " restricted: opening, short_marking: true,\n     rule_201: false,"
                      " phases: [trading, after], rate_per_s: 7, burst: 3"),
            &err))
        fail_msg("%s", err.text);
    const struct config_symbol_row *s = &config.symbols[1];
    assert_true(s->tick == 100 && s->lot == 100 && s->average_volume == 1000000);
    assert_true(s->volume_percent == 50 && s->spread == 200 && s->touch == 300);
    assert_true(s->touch_least == 5000 && s->last == 400 && s->last_least == 2500);
    assert_true(s->period == 500 && s->period_least == 65534);
    assert_true(s->previous_close == 105000 && s->no_reference == 1 && s->locates == 900);
    assert_int_equal(s->restricted, RESTRICTION_OPENING);
    assert_true(s->short_marking && !s->rule_201);
    assert_int_equal(s->phases, 1u << PHASE_TRADING | 1u << PHASE_AFTER);
    assert_true(s->rate_per_s == 7 && s->burst == 3);
    assert_int_equal(s->limits.forbid, 1u << PERMISSION_HIDDEN | 1u << PERMISSION_SHORT);
    config_free(&config);
}

static void everything_lands_in_its_member(void **state)
{
    (void)state;
    struct error err;
    if (!load(text_make(NULL, NULL), &err))
        fail_msg("%s", err.text);
    assert_int_equal(config.trading.orders, 100);
    assert_int_equal(config.trading.executions, 128);
    assert_int_equal(config.trading.positions, 64);
    assert_int_equal(config.trading.silence_ms, 3000);
    assert_int_equal(config.trading.event_credit, 32);
    limits_land();
    controls_are_off();
    const struct config_session *s = &config.sessions[0];
    assert_string_equal(s->protocol, "ouch42");
    assert_int_equal(s->server.ip, 0x0A000009);
    assert_int_equal(s->server.port, 26400);
    assert_true(s->port == 1 && s->lane == 0 && s->channel == 0 && s->account == 1);
    assert_string_equal(s->username, "alice");
    assert_string_equal(s->password, "secret");
    assert_string_equal(s->session, "DAY1");
    assert_int_equal(s->sequence, 17);
    assert_string_equal(s->firm, "TGTE");
    assert_string_equal(s->capacity, "A");
    assert_string_equal(s->token_prefix, "T1");
    assert_true(s->heartbeat_ms == 500 && s->silence_ms == 5000 && s->login_ms == 2000);
    assert_true(s->retry_ms == 100 && s->retry_max_ms == 1000 && s->timeout_ms == 9000);
    assert_true(s->references == 5000 && s->rate_per_s == 100 && s->burst == 3);
    assert_true(!s->cancel_on_stop && s->cancel_on_feed_loss);
    assert_true(s->mtu == 1400 && s->rto_min_us == 3000 && s->user_timeout_ms == 4000);
    assert_int_equal(s->keepalive_ms, 0);
    assert_true(s->fees.count == 2 && s->fees.values[0] == 3000 && s->fees.values[1] == -2000);
    assert_int_equal(s->latency_ns, 900);
    assert_int_equal(config.trading.routes, 256);
    const struct config_strategy *mm = &config.strategies[0];
    assert_string_equal(mm->file, "Makefile");
    assert_int_equal(mm->account, 1);
    assert_memory_equal(mm->symbols.names, "X       MSFT    ", 16);
    assert_int_equal(mm->parameters.count, 2);
    assert_int_equal(mm->parameters.values[1], -5);
    assert_true(mm->budget_us == 7 && !mm->enabled);
    config_free(&config);
}

static void clients_land_where_they_belong(void **state)
{
    (void)state;
    struct error err;
    assert_true(load(text_make(NULL, NULL), &err));
    assert_string_equal(config.gateway.socket, "/tmp/g.sock");
    assert_true(config.gateway.requests == 32 && config.gateway.answers == 128);
    assert_int_equal(config.client_count, 2);
    const struct config_client *c = &config.clients[0];
    assert_string_equal(c->name, "c1");
    assert_true(c->user == 1000 && c->lane == 0 && c->account == 1);
    assert_true(c->rate_per_s == 7 && c->burst == 5 && c->heartbeat_ms == 2000);
    assert_int_equal(c->limits.open_orders, 3);
    assert_true(c[1].rate_per_s == 1000 && c[1].burst == 100 && c[1].heartbeat_ms == 0);
    assert_int_equal(c[1].limits.open_orders, UINT32_MAX);
    config_free(&config);
}

static void what_is_left_out_has_its_default(void **state)
{
    (void)state;
    struct error err;
    assert_true(load(text_make("    channel: tv\n", ""), &err) == false); // feed loss of what
    config_free(&config);
    if (!load(text_make(
                  "    channel: tv\n    account: fund\n    username: alice\n    password: secret\n"
                  "    session: DAY1\n    sequence: 17\n    firm: TGTE\n    capacity: A\n"
                  "    token_prefix: T1\n    heartbeat_ms: 500\n    silence_ms: 5s\n"
                  "    login_ms: 2s\n    retry_ms: 100\n    retry_max_ms: 1s\n"
                  "    timeout_ms: 9000\n    references: 5000\n    rate_per_s: 100\n"
                  "    burst: 3\n    cancel_on_stop: false\n    cancel_on_feed_loss: true\n",
                  "    account: house\n"),
              &err))
        fail_msg("%s", err.text);
    assert_int_equal(config.sessions[0].channel, CONFIG_NONE);
    assert_int_equal(config.sessions[0].rate_per_s, UINT32_MAX);
    assert_int_equal(config.sessions[0].sequence, 1);
    assert_int_equal(config.trading.control_loss_ms, 0);
    assert_false(config.sessions[0].cancel_on_disconnect);
    assert_true(config.sessions[0].cancel_on_stop && !config.sessions[0].cancel_on_feed_loss);
    config_free(&config);
}

static const struct fault {
    const char *from, *to, *place, *says;
} faults[] = {
    {"limits: {open_notional: 1000000.5, state: reducing}", "silence_ms: 1",
     "t.yaml:", "stands here a second time"},
    {"  limits: {open_notional: 1000000.5, state: reducing}\n", "",
     "t.yaml:12: trading.limits: ", "{} where there are none"},
    {"{name: fund, limits: {}}", "{name: fund}", "t.yaml:20: accounts[1].limits: ", "missing"},
    {"{name: house,", "{name: fund,", "t.yaml:20: accounts[1].name: ", "line 19"},
    {"open_notional: 1000000.5", "open_notional: 1.00005",
     "t.yaml:17: trading.limits.open_notional: ", "four decimals"},
    {"open_notional: 1000000.5", "open_notional: 999999999999999",
     "t.yaml:17: trading.limits.open_notional: ", "dollars"},
    {"open_notional: 1000000.5", "position: 5",
     "t.yaml:17: trading.limits.position: ", "accounts, strategies, clients and symbols"},
    {"position: 0", "position: -1", "t.yaml:19: accounts[0].limits.position: ", "none, or 0"},
    {"position: 0", "position: 1099511627776",
     "t.yaml:19: accounts[0].limits.position: ", "none, or 0 to 1099511627775"},
    {"state: reducing", "state: on", "t.yaml:17: trading.limits.state: ", "halted"},
    {"silence_ms: 3s", "control_loss_ms: 999", "t.yaml:15: trading.control_loss_ms: ", "1000"},
    {"event_credit: 32", "event_credit: 1024", "t.yaml:16: trading.event_credit: ", "1024"},
    {"names: [X]", "names: [X, AAPL]", "t.yaml:23: symbols[1].names: ", "'AAPL    ' stands"},
    {"names: [X]", "names: [X, X]", "t.yaml:23: symbols[1].names: ", "'X       ' stands"},
    {"names: [X]", "names: all", "t.yaml:23: symbols[1].names: ", "list of 1 to 4096"},
    {"price_low: 1.25", "price_low: 301", "t.yaml:22: symbols[0].price_low: ", "above"},
    {"port: oe", "port: x", "t.yaml:28: sessions[0].port: ", "no port 'x'"},
    {"port: oe", "port: md", "t.yaml:28: sessions[0].port: ", "set its ip"},
    {"channel: tv", "channel: x", "t.yaml:30: sessions[0].channel: ", "no channel 'x'"},
    {"account: fund\n    username", "account: x\n    username",
     "t.yaml:31: sessions[0].account: ", "no account 'x'"},
    {"server: 10.0.0.9", "server: 10.0.1.9", "t.yaml:27: sessions[0].server: ", "gateway"},
    {"silence_ms: 5s\n", "silence_ms: 500\n", "t.yaml:40: sessions[0].silence_ms: ", "heartbeat"},
    {"retry_max_ms: 1s", "retry_max_ms: 10", "t.yaml:43: sessions[0].retry_max_ms: ", "100"},
    {"token_prefix: T1", "token_prefix: T-1", "t.yaml:38: sessions[0].token_prefix: ", "letters"},
    {"protocol: ouch42", "protocol: ouch50", "t.yaml:38: sessions[0].token_prefix: ", "no tokens"},
    {"burst: 3\n", "burst: 3\n    mass_cancel: true\n",
     "t.yaml:48: sessions[0].mass_cancel: ", "OUCH 4.2"},
    {"burst: 3\n", "burst: 3\n    cancel_pace: wait\n",
     "t.yaml:48: sessions[0].cancel_pace: ", "set cancel_rate_per_s"},
    {"silence_ms: 3s", "price_period_ms: 600001",
     "t.yaml:15: trading.price_period_ms: ", "1 to 600000 milliseconds"},
    {"state: reducing}", "state: reducing}\n  actions: {HALTED: block}",
     "t.yaml:18: trading.actions.HALTED: ", "cannot block; it takes: refuse"},
    {"state: reducing}", "state: reducing}\n  actions: {QUANTITY: notify}",
     "t.yaml:18: trading.actions.QUANTITY: ", "it takes: refuse, block, cancel, disable"},
    {"state: reducing}", "state: reducing}\n  actions: {TOUCH: ignore}",
     "t.yaml:18: trading.actions.TOUCH: ", "notify refuse block cancel disable"},
    {"state: reducing}", "state: reducing}\n  actions: {UNKNOWN_SYMBOL: block}",
     "t.yaml:18: trading.actions.UNKNOWN_SYMBOL: ", "unknown key"},
    {"state: reducing}",
     "state: reducing}\n  actions: {DAY_ORDERS: notify}\n  broker: {day_orders: 5}",
     "t.yaml:18: trading.actions.DAY_ORDERS: ", "the broker limits day_orders"},
    {"limits: {notional: 12.3456}", "broker: {position: 1}",
     "t.yaml:56: sessions[0].broker.position: ", "not to sessions"},
    {"limits: {quantity: 7}", "limits: {}, broker: {credit: 7}",
     "t.yaml:23: symbols[1].broker.credit: ", "not to symbols"},
    {"limits: {open_orders: 9}", "broker: {forbid: [short]}",
     "t.yaml:66: strategies[0].broker.forbid: ", "unknown key"},
    {"limits: {open_orders: 9}", "broker: {warn_percent: 9}",
     "t.yaml:66: strategies[0].broker.warn_percent: ", "unknown key"},
    {"limits: {open_orders: 9}",
     "limits: {order_ratio: 9}\n    broker: {order_ratio: 8, order_ratio_ms: 7}",
     "t.yaml:67: strategies[0].broker.order_ratio: ", "within 7 ms, that of limits within 60000"},
    {"{name: fund, limits: {}}",
     "{name: fund, limits: {duplicates: 2, duplicate_ms: 9}, broker: {duplicates: 3}}",
     "t.yaml:20: accounts[1].broker.duplicates: ", "give both one duplicate_ms"},
    {"limits: {notional: 12.3456}", "limits: {position: 1}",
     "t.yaml:56: sessions[0].limits.position: ", "not to sessions"},
    {"fees: [3000, -2000]", "fees: [3000]", "t.yaml:54: sessions[0].fees: ", "two numbers"},
    {"fees: [3000, -2000]", "fees: [3000, -1000000001]",
     "t.yaml:54: sessions[0].fees: ", "either way"},
    {"file: @F", "file: /no/such/file.so", "t.yaml:60: strategies[0].file: ", "cannot be read"},
    {"symbols: [X, MSFT]", "symbols: [X, IBM]", "t.yaml:62: strategies[0].symbols: ", "IBM"},
    {"parameters: [100, -5]", "parameters: [100, five]",
     "t.yaml:63: strategies[0].parameters: ", "whole number"},
    {"limits: {open_orders: 9}", "limits: {venues: [nowhere]}",
     "t.yaml:66: strategies[0].limits.venues: ", "there is no session 'nowhere'"},
    {"limits: {open_orders: 9}", "limits: {venues: []}",
     "t.yaml:66: strategies[0].limits.venues: ", "1 to 16 names of sessions"},
    {"limits: {open_orders: 9}", "limits: {venues: [[nas]]}",
     "t.yaml:66: strategies[0].limits.venues: ", "one value is wanted"},
    {"position: 0,", "venues: [nas],", "t.yaml:19: accounts[0].limits.venues: ", "not to accounts"},
    {"limits: {open_orders: 9}", "limits: {credit: 9}",
     "t.yaml:66: strategies[0].limits.credit: ", "the firm and accounts, not to strategies"},
    {"limits: {open_orders: 9}", "limits: {duplicates: 9}",
     "t.yaml:66: strategies[0].limits.duplicates: ", "to accounts, not to strategies"},
    {"limits: {open_orders: 9}", "limits: {order_ratio: 0}",
     "t.yaml:66: strategies[0].limits.order_ratio: ", "none, or 1"},
    {"limits: {open_orders: 9}", "limits: {forbid: [hidden, market]}",
     "t.yaml:66: strategies[0].limits.forbid: ", "day ioc extended"},
    {"limits: {open_orders: 9}", "limits: {market: convert}",
     "t.yaml:66: strategies[0].limits.market: ", "to accounts, not to strategies"},
    {"limits: {open_orders: 9}", "broker: {market: convert}",
     "t.yaml:66: strategies[0].broker.market: ", "unknown key"},
    {"position: 0,", "repeats: 0,", "t.yaml:19: accounts[0].limits.repeats: ", "not to accounts"},
    {"limits: {quantity: 7}", "limits: {gross: 7}",
     "t.yaml:23: symbols[1].limits.gross: ", "not to symbols"},
    {"limits: {quantity: 7}", "limits: {day_value: 7}",
     "t.yaml:23: symbols[1].limits.day_value: ", "not to symbols"},
    {"limits: {quantity: 7}", "limits: {}, no_reference: collar",
     "t.yaml:23: symbols[1].no_reference: ", "price_low and price_high"},
    {"limits: {quantity: 7}", "limits: {}, touch_least: 1",
     "t.yaml:23: symbols[1].touch_least: ", "without touch"},
    {"limits: {quantity: 7}", "limits: {}, last_least: 1",
     "t.yaml:23: symbols[1].last_least: ", "without last"},
    {"limits: {quantity: 7}", "limits: {}, period_least: 1",
     "t.yaml:23: symbols[1].period_least: ", "without period"},
    {"limits: {quantity: 7}", "limits: {}, period: 1, period_least: none",
     "t.yaml:23: symbols[1].period_least: ",
     "'none' is not good here; it takes dollars from 0.0000 to 6.5534,"},
    {"limits: {quantity: 7}", "limits: {}, period: 65536",
     "t.yaml:23: symbols[1].period: ", "0 to 65534"},
    {"limits: {quantity: 7}", "limits: {}, period: 1, period_least: 6.5536",
     "t.yaml:23: symbols[1].period_least: ", "dollars"},
    {"limits: {quantity: 7}", "limits: {}, volume_percent: 1",
     "t.yaml:23: symbols[1].volume_percent: ", "average_volume"},
    {"limits: {quantity: 7}", "limits: {}, price_low: 199999.9901",
     "t.yaml:23: symbols[1].price_low: ", "name a lower one"},
    {"limits: {quantity: 7}", "limits: {}, price_low: none",
     "t.yaml:23: symbols[1].price_low: ", "'none' is not good here"},
    {"limits: {quantity: 7}", "limits: {}, previous_close: none",
     "t.yaml:23: symbols[1].previous_close: ", "'none' is not good here"},
    {"limits: {quantity: 7}", "limits: {}, touch: 1, touch_least: none",
     "t.yaml:23: symbols[1].touch_least: ", "'none' is not good here"},
    {"limits: {quantity: 7}", "limits: {}, tick: none",
     "t.yaml:23: symbols[1].tick: ", "'none' is not good here; it takes dollars from 0.0001"},
    {"limits: {quantity: 7}", "limits: {quantity: 99}, lot: 100",
     "t.yaml:23: symbols[1].limits.quantity: ", "is below lot (100): no order would enter; name 1"},
    {"limits: {quantity: 7}", "limits: {auction_quantity: 1}, lot: 2",
     "t.yaml:23: symbols[1].limits.auction_quantity: ", "name 2 or more, or 0"},
    {"limits: {quantity: 7}", "limits: {}, lot: 2, broker: {position: 1}",
     "t.yaml:23: symbols[1].broker.position: ", "is below lot (2)"},
    {"limits: {quantity: 7}", "limits: {notional: 1099.9999}, lot: 100, tick: 1, price_low: 10.01",
     "t.yaml:23: symbols[1].limits.notional: ", "leave (1100.0000): none would enter"},
    {"limits: {quantity: 7}", "limits: {open_notional: 0.0001}, lot: 2",
     "t.yaml:23: symbols[1].limits.open_notional: ", "leave (0.0002)"},
    {"quality: stale}\n  - {names: [X], limits: {quantity: 7}}",
     "quality: stale, lot: 50}\n  - {names: [X], limits: {}, lot: 20, price_low: 1}",
     "t.yaml:56: sessions[0].limits.notional: ", "name 20.0000 or more, or 0 if none is to"},
    {"limits: {quantity: 7}", "limits: {}, lot: 100, average_volume: 990, volume_percent: 10",
     "t.yaml:23: symbols[1].volume_percent: ", "is below lot (100): no order would enter"},
    {"limits: {quantity: 7}", "limits: {}, tick: 0.5, price_low: 10.0001, price_high: 10.4999",
     "t.yaml:23: symbols[1].tick: ", "no multiple between price_low and price_high"},
    {"limits: {quantity: 7}", "limits: {}, lot: 0", "t.yaml:23: symbols[1].lot: ", "1 to 999999"},
    {"limits: {quantity: 7}", "limits: {}, tick: 0", "t.yaml:23: symbols[1].tick: ", "dollars"},
    {"limits: {quantity: 7}", "limits: {}, phases: []",
     "t.yaml:23: symbols[1].phases: ", "a list of unknown trading"},
    {"limits: {quantity: 7}", "limits: {}, restricted: yes",
     "t.yaml:23: symbols[1].restricted: ", "none short opening all"},
    {"limits: {notional: 12.3456}", "limits: {loss: 1}",
     "t.yaml:56: sessions[0].limits.loss: ", "not to sessions"},
    {"requests: 32", "requests: 33", "t.yaml:69: gateway.requests: ", "power of two"},
    {"name: c2", "name: mm", "t.yaml:80: clients[1].name: ", "is the strategy of line"},
    {"name: c2", "name: c1", "t.yaml:80: clients[1].name: ", "taken"},
    {"    lane: l0\n    account: fund\n    rate", "    lane: l1\n    account: fund\n    rate",
     "t.yaml:74: clients[0].lane: ", "l1"},
    {"user: 1000\n", "user: root\n", "t.yaml:73: clients[0].user: ", "takes"},
    {"limits: {open_orders: 3}", "limits: {gross: 3}",
     "t.yaml:79: clients[0].limits.gross: ", "not to strategies and clients"},
    {"gateway:\n  socket: /tmp/g.sock\n  requests: 32\n  answers: 128\n", "",
     "t.yaml:68: clients[0].name: ", "section 'gateway'"},
    {"trading:\n  orders: 100\n  executions: 128\n  positions: 64\n  silence_ms: 3s\n"
     "  event_credit: 32\n  limits: {open_notional: 1000000.5, state: reducing}\n",
     "", "t.yaml:18: sessions[0].name: ", "section 'trading'"},
};

static void every_fault_names_line_key_and_remedy(void **state)
{
    (void)state;
    uint32_t wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        const struct fault *f = &faults[i];
        struct error err;
        const bool ok = load(text_make(f->from, f->to), &err);
        config_free(&config);
        if (!ok && err.code == EXIT_USAGE && strstr(err.text, f->place) &&
            strstr(err.text, f->says))
            continue;
        wrong++;
        print_error("'%s' for '%s': \"%s\", wanted \"%s\" and \"%s\"\n", f->to, f->from, err.text,
                    f->place, f->says);
    }
    assert_int_equal(wrong, 0);
}

static void what_shows_later_is_named_as_well(void **state)
{
    (void)state;
    struct error err;
    assert_true(load(text_make(NULL, NULL), &err));
    assert_false(config_fault(&config, config.strategies[0].file, &err, "is %s", "old"));
    assert_string_equal(err.text, "t.yaml:60: strategies[0].file: is old");
    assert_int_equal(err.code, EXIT_USAGE);
    config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_lands_in_its_member),
        cmocka_unit_test(controls_land),
        cmocka_unit_test(the_brokers_limits_land),
        cmocka_unit_test(venues_are_bits_of_sessions),
        cmocka_unit_test(actions_land),
        cmocka_unit_test(clients_land_where_they_belong),
        cmocka_unit_test(what_is_left_out_has_its_default),
        cmocka_unit_test(every_fault_names_line_key_and_remedy),
        cmocka_unit_test(what_shows_later_is_named_as_well),
    };
    for (uint32_t core = 0, found = 0; core < 1024 && found < 2; core++)
        if (cpu_allowed(core))
            cores[found++] = core;
    if (cores[1] == 0) {
        print_message("needs two cores\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
