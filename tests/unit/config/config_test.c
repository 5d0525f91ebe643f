#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/cpu.h"
#include "dataplane/base/hints.h"
#include "dataplane/config/config.h"

// Two cores that this process may use, for @MAIN and @LANE below.
static uint32_t cores[2];

static const char good[] = "node:\n"
                           "  name: ny4-1\n"
                           "  region: gate.1\n"
                           "  control_socket: /tmp/c.sock\n"
                           "  page_size: 1G\n"
                           "  memory_limit: 3GiB\n"
                           "  main_core: @MAIN\n"
                           "  huge_pages: false\n"
                           "  remote_memory: true\n"
                           "  trading_slots: 1024\n"
                           "  diagnostic_slots: 512\n"
                           "channels:\n" // line 12; names are used before they are described
                           "  - name: tv\n"
                           "    protocol: itch50\n"
                           "    lane: lane0\n"
                           "    symbols: 100\n"
                           "    orders: 5000\n"
                           "    levels: 4000\n"
                           "    matches: 2048\n"
                           "    reorder_frames: 7\n"
                           "    reorder_us: 2ms\n"
                           "    hold_frames: 300\n"
                           "    request_messages_max: 12345\n"
                           "    line_stale_ms: 4s\n"
                           "    start: snapshot\n"
                           "    filter: [AAPL, 'MSFT', NO]\n" // line 26
                           "    lines:\n"
                           "      - {name: A, port: md0, group: 233.54.12.1, udp_port: 26400}\n"
                           "      - name: B\n" // line 29
                           "        port: md1\n"
                           "        group: 10.1.0.2\n"
                           "        udp_port: 26401\n"
                           "        source: 10.9.9.9\n"
                           "    recovery:\n"
                           "      servers: ['10.0.0.1:18000', '10.0.0.2:18001']\n"
                           "      via: port\n"
                           "      retry_ms: 30\n"
                           "      retries: 2\n"
                           "      rate_per_s: 100\n"
                           "      messages_max: 50\n"
                           "    snapshot:\n"
                           "      server: 10.0.0.3:19000\n"
                           "      username: user01\n"
                           "      password: 'a:secret'\n"
                           "      timeout_ms: 5000\n"
                           "ports:\n" // line 46
                           "  - name: md0\n"
                           "    device: 0000:3b:00.0\n"
                           "    mac: 02:00:5E:00:00:01\n"
                           "    ip: 10.0.0.9\n"
                           "    prefix_len: 16\n"
                           "    gateway: 10.0.255.1\n"
                           "    vlan: 42\n"
                           "    rx_descriptors: 2048\n"
                           "    tx_descriptors: 512\n"
                           "    mbufs: 9000\n"
                           "    igmp_version: 3\n"
                           "    promiscuous: true\n"
                           "    verify_checksums: false\n"
                           "    flow_rules: false\n"
                           "  - name: md1\n" // line 61
                           "    device: net_memif0,role=client\n"
                           "    ip: 10.1.0.2\n"
                           "lanes:\n" // line 64
                           "  - name: lane0\n"
                           "    core: @LANE\n"
                           "    idle: yield\n";

static const char least[] = "ports: [{name: p, device: net_ring0}]\n"
                            "lanes: [{name: l, core: @LANE}]\n"
                            "channels:\n"
                            "  - name: c\n"
                            "    lane: l\n"
                            "    lines: [{name: A, port: p, group: 224.0.1.1, udp_port: 1}]\n"
                            "node: {main_core: @MAIN}\n";

static void put(FILE *file, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '@') { // @MAIN or @LANE
            fprintf(file, "%u", cores[text[i + 1] == 'L']);
            i += 4;
        } else {
            fputc(text[i], file);
        }
}

// <text> with its first <from> replaced by <to> (null: nothing is replaced) and the cores filled
// in.
static char *text_make(const char *text, const char *from, const char *to)
{
    static char out[262144];
    const char *cut = from ? strstr(text, from) : text + strlen(text);
    assert_non_null(cut);
    FILE *file = fmemopen(out, sizeof out, "w");
    put(file, text, (size_t)(cut - text));
    if (from) {
        put(file, to, strlen(to));
        put(file, cut + strlen(from), strlen(cut + strlen(from)));
    }
    fclose(file);
    return out;
}

static bool load(struct config *config, const char *text, struct error *err)
{
    *err = (struct error){0};
    return config_load_text(config, "t.yaml", text, strlen(text), err);
}

static struct config config;

static void full_file_lands_in_every_member(void **state)
{
    (void)state;
    struct error err;
    if (!load(&config, text_make(good, NULL, NULL), &err))
        fail_msg("%s", err.text);
    const struct config_node *node = &config.node;
    assert_string_equal(node->name, "ny4-1");
    assert_string_equal(node->region, "gate.1");
    assert_string_equal(node->control_socket, "/tmp/c.sock");
    assert_int_equal(node->page_size, 1 << 30);
    assert_int_equal(node->memory_limit, 3ull << 30);
    assert_int_equal(node->main_core, cores[0]);
    assert_false(node->huge_pages);
    assert_true(node->remote_memory);
    assert_int_equal(node->trading_slots, 1024);
    assert_int_equal(node->diagnostic_slots, 512);

    assert_int_equal(config.port_count, 2);
    const struct config_port *port = &config.ports[0];
    assert_string_equal(port->device, "0000:3b:00.0");
    assert_memory_equal(port->mac, "\x02\x00\x5e\x00\x00\x01", 6);
    assert_int_equal(port->ip, 0x0a000009);
    assert_int_equal(port->prefix_len, 16);
    assert_int_equal(port->gateway, 0x0a00ff01);
    assert_int_equal(port->vlan, 42);
    assert_int_equal(port->rx_descriptors, 2048);
    assert_int_equal(port->tx_descriptors, 512);
    assert_int_equal(port->mbufs, 9000);
    assert_int_equal(port->igmp_version, 3);
    assert_true(port->promiscuous);
    assert_false(port->verify_checksums);
    assert_false(port->flow_rules);

    assert_int_equal(config.lane_count, 1);
    assert_int_equal(config.lanes[0].core, cores[1]);
    assert_int_equal(config.lanes[0].idle, CONFIG_IDLE_YIELD);
    config_free(&config);
}

static void full_file_lands_in_every_member_of_the_channel(void **state)
{
    (void)state;
    struct error err;
    assert_true(load(&config, text_make(good, NULL, NULL), &err));
    assert_int_equal(config.channel_count, 1);
    const struct config_channel *ch = &config.channels[0];
    assert_string_equal(ch->protocol, "itch50");
    assert_int_equal(ch->lane, 0);
    assert_int_equal(ch->symbols, 100);
    assert_int_equal(ch->orders, 5000);
    assert_int_equal(ch->levels, 4000);
    assert_int_equal(ch->matches, 2048);
    assert_int_equal(ch->reorder_frames, 7);
    assert_int_equal(ch->reorder_us, 2000);
    assert_int_equal(ch->hold_frames, 300);
    assert_int_equal(ch->request_messages_max, 12345);
    assert_int_equal(ch->line_stale_ms, 4000);
    assert_int_equal(ch->start, CONFIG_START_SNAPSHOT);
    assert_int_equal(ch->filter.count, 3);
    assert_memory_equal(ch->filter.names, "AAPL    MSFT    NO      ", 24);
    assert_int_equal(ch->line_count, 2);
    assert_int_equal(ch->lines[0].port, 0);
    assert_int_equal(ch->lines[0].group, 0xe9360c01);
    assert_int_equal(ch->lines[0].udp_port, 26400);
    assert_int_equal(ch->lines[0].source, 0);
    assert_int_equal(ch->lines[1].port, 1);
    assert_int_equal(ch->lines[1].group, 0x0a010002);
    assert_int_equal(ch->lines[1].source, 0x0a090909);
    const struct config_recovery *r = &ch->recovery;
    assert_int_equal(r->server_count, 2);
    assert_int_equal(r->servers[1].ip, 0x0a000002);
    assert_int_equal(r->servers[1].port, 18001);
    assert_int_equal(r->via, CONFIG_VIA_PORT);
    assert_int_equal(r->retry_ms, 30);
    assert_int_equal(r->retries, 2);
    assert_int_equal(r->rate_per_s, 100);
    assert_int_equal(r->messages_max, 50);
    assert_int_equal(ch->snapshot.server.port, 19000);
    assert_string_equal(ch->snapshot.username, "user01");
    assert_string_equal(ch->snapshot.password, "a:secret");
    assert_int_equal(ch->snapshot.timeout_ms, 5000);
    config_free(&config);
}

static void least_file_gets_the_defaults(void **state)
{
    (void)state;
    struct error err;
    if (!load(&config, text_make(least, NULL, NULL), &err))
        fail_msg("%s", err.text);
    assert_string_equal(config.node.name, "tickgate");
    assert_string_equal(config.node.control_socket, "/run/tickgate/control.sock");
    assert_int_equal(config.node.page_size, 2 << 20);
    assert_int_equal(config.node.memory_limit, 512 << 20);
    assert_true(config.node.huge_pages);
    assert_int_equal(config.node.trading_slots, 16384);
    assert_int_equal(config.ports[0].rx_descriptors, 1024);
    assert_int_equal(config.ports[0].tx_descriptors, 1024);
    assert_int_equal(config.ports[0].igmp_version, 3);
    assert_true(config.ports[0].verify_checksums);
    assert_int_equal(config.lanes[0].idle, CONFIG_IDLE_POLL);
    const struct config_channel *ch = &config.channels[0];
    assert_string_equal(ch->protocol, "itch50");
    assert_int_equal(ch->symbols, 12000);
    assert_int_equal(ch->orders, 2000000);
    assert_int_equal(ch->matches, 262144);
    assert_int_equal(ch->reorder_frames, 64);
    assert_int_equal(ch->reorder_us, 200);
    assert_int_equal(ch->hold_frames, 4096);
    assert_int_equal(ch->line_stale_ms, 3000);
    assert_int_equal(ch->start, CONFIG_START_FIRST);
    assert_int_equal(ch->recovery.server_count, 0);
    assert_int_equal(ch->snapshot.server.ip, 0);
    assert_null(ch->filter.names);
    config_free(&config);
}

static void hash_is_of_the_bytes(void **state)
{
    (void)state;
    struct error err;
    assert_true(load(&config, text_make(least, NULL, NULL), &err));
    const uint64_t hash = config.hash;
    config_free(&config);
    assert_true(load(&config, text_make(least, NULL, NULL), &err));
    assert_int_equal(config.hash, hash);
    config_free(&config);
    assert_true(load(&config, text_make(least, "name: c\n", "name: c \n"), &err));
    assert_int_not_equal(config.hash, hash);
    config_free(&config);
}

// A change of the good file, and what the error must say. Lines count from 1.
static const struct fault {
    const char *from, *to, *place, *says;
} faults[] = {
    // keys
    {"line_stale_ms:", "line_stale:", "t.yaml:24: channels[0].line_stale: ", "'line_stale_ms'"},
    {"igmp_version:", "igmp:", "t.yaml:57: ports[0].igmp: ", "'igmp_version'"},
    {"udp_port: 26401", "upd_port: 26401",
     "t.yaml:32: channels[0].lines[1].upd_port: ", "'udp_port'"},
    {"ports:\n", "porst:\n", "t.yaml:46: porst: ", "'ports'"},
    {"  name: ny4-1\n", "  xyzzy: 1\n", "t.yaml:2: node.xyzzy: ", "memory_limit"},
    {"    symbols: 100\n", "    name: tw\n", "t.yaml:16: channels[0].name: ", "second time"},
    {"lanes:\n", "node:\n", "t.yaml:64: node: ", "second time"},
    // kinds
    {"name: ny4-1", "name: [a]", "t.yaml:2: node.name: ", ""},
    {"region: gate.1", "region: a/b", "t.yaml:3: node.region: ", "'a/b'"},
    {"filter: [AAPL, 'MSFT', NO]", "filter: AAPL", "t.yaml:26: channels[0].filter: ", "list"},
    {"filter: [AAPL, 'MSFT', NO]", "filter: [TOOLONGNAME]",
     "t.yaml:26: channels[0].filter: ", "8 characters"},
    {"huge_pages: false", "huge_pages: maybe", "t.yaml:8: node.huge_pages: ", "true or false"},
    {"symbols: 100", "symbols: many", "t.yaml:16: channels[0].symbols: ", "'many'"},
    {"symbols: 100", "symbols: -1", "t.yaml:16: channels[0].symbols: ", "1 to "},
    {"symbols: 100", "symbols: 100.5", "t.yaml:16: channels[0].symbols: ", "1 to "},
    {"symbols: 100", "symbols: 0x10", "t.yaml:16: channels[0].symbols: ", "1 to "},
    {"symbols: 100", "symbols: 18446744073709551617", "t.yaml:16: channels[0].symbols: ", "1 to "},
    {"symbols: 100", "symbols:", "t.yaml:16: channels[0].symbols: ", "1 to "},
    {"page_size: 1G", "page_size: 4M", "t.yaml:5: node.page_size: ", "2MiB or 1GiB"},
    {"memory_limit: 3GiB", "memory_limit: 3", "t.yaml:6: node.memory_limit: ", "MiB"},
    {"memory_limit: 3GiB", "memory_limit: 99999999999G", "t.yaml:6: node.memory_limit: ", "MiB"},
    {"idle: yield", "idle: doze", "t.yaml:67: lanes[0].idle: ", "poll pause yield sleep"},
    {"protocol: itch50", "protocol: itch41", "t.yaml:14: channels[0].protocol: ", "deep10"},
    {"mac: 02:00:5E:00:00:01", "mac: 01:00:5E:00:00:01", "t.yaml:49: ports[0].mac: ", ""},
    {"mac: 02:00:5E:00:00:01", "mac: 02:00:5E:00:00", "t.yaml:49: ports[0].mac: ", ""},
    {"ip: 10.0.0.9", "ip: 10.0.0.256", "t.yaml:50: ports[0].ip: ", "IPv4"},
    {"ip: 10.0.0.9", "ip: 10.0.9", "t.yaml:50: ports[0].ip: ", "IPv4"},
    {"'10.0.0.2:18001'", "'10.0.0.1:18000'",
     "t.yaml:35: channels[0].recovery.servers: ", "server 2 is server 1 again"},
    {"'10.0.0.2:18001'", "'10.0.0.2'", "t.yaml:35: channels[0].recovery.servers: ", "address:port"},
    {"'10.0.0.2:18001'", "'10.0.0.2:70000'",
     "t.yaml:35: channels[0].recovery.servers: ", "address:port"},
    {"reorder_us: 2ms", "reorder_us: 2h", "t.yaml:21: channels[0].reorder_us: ", "microseconds"},
    {"username: user01", "username: user0123", "t.yaml:43: channels[0].snapshot.username: ", "6"},
    // ranges
    {"vlan: 42", "vlan: 4095", "t.yaml:53: ports[0].vlan: ", "0 to 4094"},
    {"igmp_version: 3", "igmp_version: 1", "t.yaml:57: ports[0].igmp_version: ", "2 to 3"},
    {"udp_port: 26401", "udp_port: 0", "t.yaml:32: channels[0].lines[1].udp_port: ", "1 to 65535"},
    {"udp_port: 26401", "udp_port: 65536", "t.yaml:32: channels[0].lines[1].udp_port: ", "65535"},
    {"orders: 5000", "orders: 0", "t.yaml:17: channels[0].orders: ", "to"},
    {"matches: 2048", "matches: 3000", "t.yaml:19: channels[0].matches: ", "power of two"},
    {"trading_slots: 1024", "trading_slots: 1000",
     "t.yaml:10: node.trading_slots: ", "power of two"},
    // missing
    {"    device: 0000:3b:00.0\n", "", "t.yaml:47: ports[0].device: ", "missing"},
    {"    core: @LANE\n", "", "t.yaml:65: lanes[0].core: ", "missing"},
    {"        port: md1\n", "", "t.yaml:29: channels[0].lines[1].port: ", "missing"},
    {"        group: 10.1.0.2\n", "", "t.yaml:29: channels[0].lines[1].group: ", "missing"},
    {"        udp_port: 26401\n", "", "t.yaml:29: channels[0].lines[1].udp_port: ", "missing"},
    {"lanes:\n  - name: lane0\n    core: @LANE\n    idle: yield\n", "", ": lanes: ", "missing"},
    {"channels:\n", "channels: []\nnode2:\n", "t.yaml:12: channels: ", "1 to 16"},
    // names and references
    {"lanes:\n", "  - {name: md1, device: x}\nlanes:\n", "t.yaml:64: ports[2].name: ", "line 61"},
    {"idle: yield\n", "idle: yield\n  - {name: lane0, core: 0}\n",
     "t.yaml:68: lanes[1].name: ", "line 65"},
    {"name: B", "name: A", "t.yaml:29: channels[0].lines[1].name: ", "line 28"},
    {"port: md1", "port: md2", "t.yaml:30: channels[0].lines[1].port: ", "no port 'md2'"},
    {"lane: lane0", "lane: lane1", "t.yaml:15: channels[0].lane: ", "no lane 'lane1'"},
    {"device: net_memif0,role=client", "device: net_memif0,roel=client",
     "t.yaml:62: ports[1].device: ", "did you mean 'role'"},
    {"device: net_memif0,role=client", "device: 0000:3b:00.0",
     "t.yaml:62: ports[1].device: ", "line 48"},
    // what belongs together
    {"main_core: @MAIN", "main_core: 1023", "t.yaml:7: node.main_core: ", "core 1023 does not"},
    {"core: @LANE", "core: 1023", "t.yaml:66: lanes[0].core: ", "take one of "},
    {"core: @LANE\n    idle: yield", "core: @LANE\n  - name: lane1\n    core: @LANE",
     "t.yaml:68: lanes[1].core: ", "'lane0' (line 66)"},
    {"core: @LANE\n    idle: yield", "core: @MAIN", "t.yaml:66: lanes[0].core: ", "lanes.idle"},
    {"core: @LANE\n    idle: yield", "core: @MAIN\n    idle: pause",
     "t.yaml:66: lanes[0].core: ", "lanes.idle"},
    {"group: 10.1.0.2", "group: 10.1.0.3", "t.yaml:31: channels[0].lines[1].group: ", "multicast"},
    {"port: md1\n        group: 10.1.0.2\n        udp_port: 26401\n        source: 10.9.9.9\n",
     "port: md0\n        group: 233.54.12.1\n        udp_port: 26400\n",
     "t.yaml:32: channels[0].lines[1].udp_port: ", "'A'"},
    {"gateway: 10.0.255.1", "gateway: 10.1.0.1", "t.yaml:52: ports[0].gateway: ", "subnet"},
    {"    ip: 10.0.0.9\n    prefix_len: 16\n    gateway: 10.0.255.1\n", "",
     "t.yaml:36: channels[0].recovery.via: ", "via: kernel"},
    {"    snapshot:\n      server: 10.0.0.3:19000\n      username: user01\n      password: "
     "'a:secret'\n      timeout_ms: 5000\n",
     "", "t.yaml:25: channels[0].start: ", "needs a server"},
    {"reorder_frames: 7", "reorder_frames: 301", "t.yaml:20: channels[0].reorder_frames: ", "300"},
    // form
    {"node:\n", "node: {\n", "t.yaml:", "not YAML"},
    {"node:\n", "- a\n", "t.yaml:", ""},
    {"    idle: yield\n", "    idle: yield\n---\na: 1\n", "t.yaml:69: ---: ", "second document"},
};

static void every_fault_names_line_key_and_remedy(void **state)
{
    (void)state;
    uint32_t wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        const struct fault *f = &faults[i];
        struct error err;
        bool ok = load(&config, text_make(good, f->from, f->to), &err);
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

static void too_many_entries_name_the_limit(void **state)
{
    (void)state;
    static char many[8192], symbols[65536];
    struct error err;
    size_t at = (size_t)snprintf(many, sizeof many, "lanes:\n");
    for (uint32_t i = 0; i < LANES_MAX + 1; i++)
        at += (size_t)snprintf(many + at, sizeof many - at, "  - {name: l%u, core: 0}\n", i);
    assert_false(load(&config, text_make(good, "lanes:\n", many), &err));
    config_free(&config);
    assert_non_null(strstr(err.text, ": lanes: takes a list of 1 to 16"));

    at = (size_t)snprintf(symbols, sizeof symbols, "filter: [S0");
    for (uint32_t i = 1; i < FILTER_SYMBOLS_MAX; i++)
        at += (size_t)snprintf(symbols + at, sizeof symbols - at, ",S%u", i);
    snprintf(symbols + at, sizeof symbols - at, "]");
    assert_true(load(&config, text_make(good, "filter: [AAPL, 'MSFT', NO]", symbols), &err));
    assert_int_equal(config.channels[0].filter.count, FILTER_SYMBOLS_MAX);
    config_free(&config);
    snprintf(symbols + at, sizeof symbols - at, ",ONE]");
    assert_false(load(&config, text_make(good, "filter: [AAPL, 'MSFT', NO]", symbols), &err));
    config_free(&config);
    assert_non_null(strstr(err.text, "channels[0].filter: "));
    assert_non_null(strstr(err.text, "4096"));
}

static void files_that_cannot_be_read(void **state)
{
    (void)state;
    struct error err = {0};
    char path[64];
    snprintf(path, sizeof path, "/tmp/tickgate-config-test-%d.yaml", (int)getpid());
    assert_false(config_load(&config, path, &err));
    assert_int_equal(err.code, EXIT_FAILED);
    assert_non_null(strstr(err.text, path));
    err = (struct error){0};
    assert_false(config_load(&config, "/tmp", &err));
    assert_int_equal(err.code, EXIT_FAILED);
    assert_non_null(strstr(err.text, "name a readable file"));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    err = (struct error){0};
    assert_false(config_load(&config, path, &err)); // empty
    assert_int_equal(err.code, EXIT_USAGE);
    config_free(&config);
    fputs(text_make(least, NULL, NULL), file);
    fclose(file);
    err = (struct error){0};
    assert_true(config_load(&config, path, &err));
    config_free(&config);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_file_lands_in_every_member),
        cmocka_unit_test(full_file_lands_in_every_member_of_the_channel),
        cmocka_unit_test(least_file_gets_the_defaults),
        cmocka_unit_test(hash_is_of_the_bytes),
        cmocka_unit_test(every_fault_names_line_key_and_remedy),
        cmocka_unit_test(too_many_entries_name_the_limit),
        cmocka_unit_test(files_that_cannot_be_read),
    };
    uint32_t found = 0;
    for (uint32_t core = 0; core < 1024 && found < 2; core++)
        if (cpu_allowed(core))
            cores[found++] = core;
    if (found < 2) {
        fputs("needs two cores: one for the main thread, one for a lane\n", stderr);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
