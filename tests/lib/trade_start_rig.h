// Two lanes that trade, from the text of a configuration, as the dataplane starts them. cmocka.h is
// included before this header.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/cpu.h"
#include "dataplane/control/dataplane.h"
#include "dataplane/lane/desk_lease.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/port/port_sim.h"
#include "tests/lib/wire_rig.h"

enum { LANES = 2, HZ = 1000000000, OPEN_ORDERS = 7, POSITION = 101 };
static const uint64_t open_notional = 10000001; // price4 x shares, of 1000.0001 dollars

static const char text[] =
    "node: {main_core: %u, huge_pages: false, trading_slots: 65536}\n"
    "ports: [{name: p0, device: net_ring0, ip: 10.0.0.2}, {name: p1, device: net_ring1,"
    " ip: 10.0.1.2}]\n"
    "lanes: [{name: l0, core: %u, idle: yield}, {name: l1, core: %u, idle: yield}]\n"
    "channels: [{name: c, lane: l0, lines: [{name: A, port: p0, group: 224.0.1.1, udp_port: 1}]}]\n"
    "trading: {orders: 64, executions: 65536, positions: 16,"
    " limits: {open_notional: 1000.0001, state: active}}\n" // line 5
    "accounts: [{name: a, limits: {}}, {name: b, limits: {open_orders: 7, position: 101,"
    " quantity: 90}}]\n"
    "symbols: [{names: [X, YY], limits: {position: none}, quality: suspect, tick: 0.0001,"
    " price_high: 9.5}]\n"
    "sessions:\n" // 8
    "  - {name: s0, server: '10.0.0.9:1', port: p0, lane: l0, account: a, rate_per_s: 100,"
    " burst: 3, timeout_ms: 9000, limits: {open_orders: 50}}\n"
    "  - {name: s1, server: '10.0.1.9:1', port: p1, lane: l1, account: b, protocol: ouch42,"
    " token_prefix: T}\n" // 10
    "strategies:\n"
    "  - {name: quotes, lane: l1, account: b, symbols: [YY], parameters: [%d, 2, 3],\n" // 12
    "     file: %s}\n"
    "  - {name: off, lane: l0, account: a, symbols: [X], parameters: [1, 2, 3], enabled: false,\n"
    "     file: %s/maker.so, limits: {venues: [s0]}}\n";

static const char *appended = ""; // to the configuration
static uint32_t lot_of_day; // of all symbols, as from a file of the day; 0: the configuration's
static const char *reference_of_day = ""; // its name, as where a file of the day was read

static struct config config;
static struct dataplane d;
static struct port_sim sims[LANES];
static struct lane *lanes[LANES];
static __attribute__((unused)) struct wire_rig rigs[LANES]; // of tests that trade
static void *blocks[16];
static uint32_t block_count;

static uint64_t now_ticks = 5000;

static inline uint64_t now(void *clock)
{
    (void)clock;
    return now_ticks;
}

static inline void *zeroed(uint64_t bytes)
{
    bytes = (bytes + 127) / 128 * 128;
    void *p = aligned_alloc(128, bytes);
    assert_non_null(p);
    memset(p, 0, bytes);
    blocks[block_count++] = p;
    return p;
}

static inline void configure(int shares, const char *file)
{
    static char filled[4096];
    struct error err = {0};
    uint32_t cores[3] = {0}, found = 0;
    for (uint32_t core = 0; core < 1024 && found < 2; core++)
        if (cpu_allowed(core))
            cores[found++] = core;
    if (found < 2) {
        print_message("needs two cores\n");
        skip();
    }
    snprintf(filled, sizeof filled, text, cores[0], cores[0], cores[1], shares, file,
             STRATEGIES_DIR);
    strcat(filled, appended);
    if (!config_load_text(&config, "t.yaml", filled, strlen(filled), &err))
        fail_msg("%s", err.text);
}

// As far as start.c is when it calls trade_start.
static inline void prepare(void)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    struct region_shape shape = {.lanes = LANES,
                                 .channels = 1,
                                 .ports = LANES,
                                 .pools = 1,
                                 .bill_items = 1,
                                 .trading_slots = 65536,
                                 .diagnostic_slots = 64,
                                 .symbols = {4}};
    const struct region_identity identity = {.epoch = 1};
    trade_shape(&config, &shape);
    void *region = zeroed(region_bytes(&shape));
    memset(&d, 0, sizeof d);
    d.config = &config;
    d.clock.tsc_hz = HZ;
    assert_true(region_format(region, region_bytes(&shape), &shape, &identity, &d.view));
    for (uint32_t i = 0; i < LANES; i++) {
        lanes[i] = d.lanes[i] = zeroed(sizeof *lanes[i]);
        lane_init(lanes[i], &d.view, (uint8_t)i, zeroed(LANE_RING_LEN * sizeof(struct lane_note)),
                  zeroed(LANE_RING_LEN * sizeof(struct lane_answer)));
        lanes[i]->now = now;
        port_sim_init(&sims[i], "sim", mac);
        d.ports[i] = sims[i].port;
    }
}

static inline void start(void)
{
    struct error err = {0};
    configure(100, STRATEGIES_DIR "/maker.so");
    for (uint32_t i = 0; lot_of_day && i < config.symbol_count; i++)
        config.symbols[i].lot = lot_of_day;
    snprintf(config.day.reference, sizeof config.day.reference, "%s", reference_of_day);
    prepare();
    if (!trade_make(&d, &err) || !trade_start(&d, &err))
        fail_msg("%s", err.text);
}

static inline int tidy(void **state)
{
    (void)state;
    trade_free(&d);
    config_free(&config);
    while (block_count)
        free(blocks[--block_count]);
    return 0;
}

static inline uint32_t draw(uint32_t below)
{
    static uint64_t random = 88172645463325252ull;
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return (uint32_t)((random >> 11) % below);
}
