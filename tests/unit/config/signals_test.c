// The section of sources of signals: what it becomes, and what is wrong with it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dataplane/base/cpu.h"
#include "dataplane/base/hints.h"
#include "dataplane/config/config.h"
#include "dataplane/config/places.h"

static const char head[] =
    "node: {main_core: %u, trading_slots: 1024}\n"
    "ports: [{name: md, device: net_ring0, ip: 10.0.1.2}, {name: oe, device: net_ring1, ip: "
    "10.0.0.2}]\n"
    "lanes: [{name: l0, core: %u, idle: yield}, {name: l1, core: %u, idle: yield}]\n"
    "channels: [{name: c, lane: l1, lines: [{name: A, port: md, group: 224.0.1.1, udp_port: 1}]}]\n"
    "trading: {orders: 64, limits: {}}\n" // line 5
    "accounts: [{name: a, limits: {}}]\n"
    "symbols: [{names: [X], limits: {}}]\n"
    "sessions: [{name: s, server: '10.0.0.9:1', port: oe, lane: l0, account: a}]\n"
    "gateway: {socket: /tmp/g.sock}\n"
    "clients: [{name: c1, user: 0, lane: l0, account: a}]\n" // line 10
    "signals:\n";
#define UDP "lane: l0, port: md, group: 239.1.1.1, udp_port: 7, sender: 10.0.1.9, number: 1"

static struct config config;

static bool load(const char *rows, struct error *err)
{
    static char text[8192];
    uint32_t cores[2] = {0}, found = 0;
    for (uint32_t core = 0; core < 1024 && found < 2; core++)
        if (cpu_allowed(core))
            cores[found++] = core;
    if (found < 2) {
        print_message("needs two cores\n");
        skip();
    }
    int len = snprintf(text, sizeof text, head, cores[0], cores[0], cores[1]);
    len += snprintf(text + len, sizeof text - (size_t)len, "%s", rows);
    *err = (struct error){0};
    return config_load_text(&config, "t.yaml", text, (uint64_t)len, err);
}

static void what_it_becomes(void **state)
{
    struct error err;
    (void)state;
    if (!load("  - {name: one, " UDP "}\n"
              "  - {name: two, lane: l0, role: r, client: c1, rate_per_s: 7, burst: 3, confidence: "
              "9,\n"
              "     faults: 4, faults_ms: 2s, rest_ms: 0, silence_ms: 5s, ahead_us: 3ms}\n"
              "  - {name: own, lane: l0, role: r, port: md, group: 10.0.1.2, udp_port: 65535,\n"
              "     sender: 10.0.1.9, sender_port: 9, number: 65535}\n"
              "  - {name: with-one, lane: l0, port: md, group: 239.1.1.1, udp_port: 7,\n"
              "     sender: 10.0.1.9, number: 2}\n",
              &err))
        fail_msg("%s", err.text);
    assert_int_equal(config.signal_count, 4);
    const struct config_signal *s = config.signals;
    assert_true(s[0].client == CONFIG_NONE && s[0].port == 0 && s[0].group == 0xEF010101);
    assert_true(s[0].sender == 0x0A000109 && s[0].sender_port == 0 && s[0].udp_port == 7);
    assert_true(s[0].rate_per_s == 1000 && s[0].burst == 100 && s[0].confidence == 0);
    assert_true(s[0].faults == 10 && s[0].faults_ms == 1000 && s[0].rest_ms == 10000);
    assert_true(s[0].silence_ms == 0 && s[0].ahead_us == 1000 && s[0].role[0] == 0);
    assert_true(s[1].client == 0 && s[1].port == CONFIG_NONE && s[1].rate_per_s == 7);
    assert_true(s[1].burst == 3 && s[1].confidence == 9 && s[1].faults == 4 && s[1].rest_ms == 0);
    assert_true(s[1].faults_ms == 2000 && s[1].silence_ms == 5000 && s[1].ahead_us == 3000);
    assert_true(s[2].udp_port == 65535 && s[2].sender_port == 9 && s[2].number == 65535);
    assert_string_equal(s[2].role, "r");
    config_free(&config);
    assert_true(load("  - {name: one, " UDP "}\n", &err));
    config_free(&config);
}

static void what_is_wrong(void **state)
{
    static const struct {
        const char *rows, *say;
    } cases[] = {
        {"  - {name: x, lane: l0}\n",
         "t.yaml:12: signals[0].name: comes from nowhere; set client, or"},
        {"  - {name: x, lane: l1, client: c1}\n",
         "t.yaml:12: signals[0].lane: lane 'l1' has no session"},
        {"  - {name: x, lane: l0, client: c2}\n", "there is no client 'c2'; name one of"},
        {"  - {name: x, lane: l0, client: c1, port: md}\n", "comes from a client or by UDP"},
        {"  - {name: x, lane: l0, client: c1}\n  - {name: y, lane: l0, client: c1}\n",
         "t.yaml:13: signals[1].client: client 'c1' is the source 'x' already (line 12)"},
        {"  - {name: x, " UDP "}\n  - {name: x, lane: l0, client: c1}\n",
         "'x' is taken by the entry of line 12"},
        {"  - {name: x, " UDP "}\n  - {name: y, " UDP "}\n",
         "t.yaml:13: signals[1].number: source 'x' (line 12) has this number of the same sender"},
        {"  - {name: x, lane: l0, port: md, group: 10.0.1.3, udp_port: 7, sender: 10.0.1.9, "
         "number: 1}\n",
         "signals[0].group: is neither a multicast group"},
        {"  - {name: x, lane: l0, port: md, udp_port: 7, sender: 10.0.1.9, number: 1}\n",
         "signals[0].group: is neither a multicast group"},
        {"  - {name: x, lane: l0, port: md, group: 239.1.1.1, sender: 10.0.1.9, number: 1}\n",
         "signals[0].udp_port: takes 1 to 65535"},
        {"  - {name: x, lane: l0, port: md, group: 239.1.1.1, udp_port: 7, number: 1}\n",
         "signals[0].sender: is the address of nobody"},
        {"  - {name: x, lane: l0, port: md, group: 239.1.1.1, udp_port: 7, sender: 239.1.1.1, "
         "number: "
         "1}\n",
         "signals[0].sender: is the address of nobody"},
        {"  - {name: x, lane: l0, port: md, group: 239.1.1.1, udp_port: 7, sender: 10.0.1.9}\n",
         "signals[0].number: takes 1 to 65535"},
        {"  - {name: x, lane: l0, port: md, group: 224.0.1.1, udp_port: 1, sender: 10.0.1.9, "
         "number: "
         "1}\n",
         "signals[0].udp_port: line 'A' of channel 'c' (line 4 of the file) has the same"},
        {"  - {name: x, " UDP ", rate_per_s: 0}\n", "signals[0].rate_per_s: '0' is not good here"},
        {"  - {name: x, " UDP ", burst: 0}\n", "signals[0].burst: '0' is not good here"},
        {"  - {name: x, " UDP ", confidence: 10001}\n",
         "signals[0].confidence: '10001' is not good"},
        {"  - {name: x, " UDP ", faults: 65536}\n", "signals[0].faults: '65536' is not good here"},
    };
    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err;
        assert_false(load(cases[i].rows, &err));
        assert_int_equal(err.code, EXIT_USAGE);
        if (strstr(err.text, cases[i].say) == NULL)
            fail_msg("'%s' does not say '%s'", err.text, cases[i].say);
        config_free(&config);
    }
}

// Half of the ring's free slots are the orders': with more than half as the least none would be
// left for a signal.
static void no_signal_would_be_taken(void **state)
{
    struct error err;
    (void)state;
    assert_true(load("  - {name: one, " UDP "}\n", &err));
    config.trading.event_credit = config.node.trading_slots / 2;
    assert_true(config_check_signals(&config, config.places, &err));
    config.trading.event_credit++;
    assert_false(config_check_signals(&config, config.places, &err));
    assert_non_null(strstr(err.text, "trading.event_credit: is above half of node.trading_slots "
                                     "(1024): no signal would be taken; name 512 or less"));
    config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_becomes),
        cmocka_unit_test(what_is_wrong),
        cmocka_unit_test(no_signal_would_be_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
