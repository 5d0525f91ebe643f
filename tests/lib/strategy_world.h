// A lane with a feed, a desk and one session, and a strategy that writes down what it is told.
// cmocka.h is included before this header.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_strategy.h"
#include "dataplane/port/port_sim.h"
#include "dataplane/wire/frame_build.h"
#include "tests/lib/wire_rig.h"

enum { GROUP = 0xE9000001, UDP_PORT = 26400, SYMBOLS = 8, LOCATE = 3, HZ = 1000000000 };

struct world {
    struct lane lane;
    struct desk desk;
    struct desk_strategies strategies;
    struct channel channel;
    struct session session;
    struct wire_rig rig;
    struct port_sim port;
    uint64_t now, sequence;
    struct limit_table *limits;
    void *blocks[8];
    uint32_t block_count;
};

static struct world *w;

static inline uint64_t world_now(void *clock)
{
    const struct world *world = clock;
    return world->now;
}

static inline void *zeroed(uint64_t bytes)
{
    bytes = (bytes + 127) / 128 * 128;
    void *p = aligned_alloc(128, bytes);
    assert_non_null(p);
    memset(p, 0, bytes);
    w->blocks[w->block_count++] = p;
    return p;
}

static inline void lane_make(void)
{
    const struct region_shape shape = {.lanes = 1,
                                       .channels = 1,
                                       .ports = 1,
                                       .pools = 1,
                                       .bill_items = 1,
                                       .trading_slots = 1024,
                                       .diagnostic_slots = 64,
                                       .symbols = {SYMBOLS}};
    const struct region_identity identity = {.epoch = 1};
    const struct channel_config cc = {
        .protocol = &feed_itch50,
        .start = CHANNEL_START_FIRST,
        .reorder_frames = 4,
        .reorder_ticks = 1000,
        .hold_frames = 16,
        .request_messages_max = 100,
        .line_count = 1,
        .book = {
            .symbols = SYMBOLS, .orders = 1024, .levels = 1024, .spans = 1024, .matches = 1024}};
    struct region_view view;
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    void *region = zeroed(region_bytes(&shape));
    assert_true(region_format(region, region_bytes(&shape), &shape, &identity, &view));
    lane_init(&w->lane, &view, 0, zeroed(LANE_RING_LEN * sizeof(struct lane_note)),
              zeroed(LANE_RING_LEN * sizeof(struct lane_answer)));
    w->lane.now = world_now;
    w->lane.clock = w;
    port_sim_init(&w->port, "sim", mac);
    lane_input_add(&w->lane, &w->port.port, 0);
    channel_init(&w->channel, &cc, zeroed(channel_bytes(&cc, NULL)));
    lane_channel_add(&w->lane, &w->channel);
    assert_true(lane_route_add(&w->lane, 0, GROUP, UDP_PORT, 0, 0));
}

static inline void desk_make(void)
{
    static const char symbols[][8] = {"MSFT    ", "XYZ     "};
    const struct desk_config config = {.orders = {.orders = 16,
                                                  .sessions = 1,
                                                  .refs_max = 100,
                                                  .executions = 64,
                                                  .silence_ticks = HZ},
                                       .instruments = 2,
                                       .positions = 16,
                                       .strategies = 3,
                                       .accounts = 4,
                                       .event_credit_min = 8};
    const struct session_config sc = {.frames = {.firm = "    ", .capacity = 'P'},
                                      .username = "u",
                                      .password = "p",
                                      .sequence = 1,
                                      .heartbeat_ticks = HZ,
                                      .silence_ticks = 10ull * HZ,
                                      .login_ticks = HZ,
                                      .retry_ticks = HZ,
                                      .retry_ticks_max = HZ};
    struct error err = {0};
    void *watches[SESSIONS_MAX] = {NULL};
    w->limits = zeroed(sizeof *w->limits + 2 * sizeof(struct limit_row));
    limit_row_open(&w->limits->firm);
    for (uint32_t i = 0; i < 4; i++) {
        limit_row_open(&w->limits->accounts[i]);
        limit_row_open(&w->limits->strategies[i]);
        limit_row_open(&w->limits->sessions[i]);
    }
    limit_symbol_open(&w->limits->symbols[0]);
    limit_symbol_open(&w->limits->symbols[1]);
    desk_init(&w->desk, &w->lane, &config, symbols, w->limits, zeroed(desk_bytes(&config)));
    wire_rig_init(&w->rig);
    assert_true(session_init(&w->session, &sc, &w->rig.transport, "session", &err));
    desk_session_add(&w->desk, &w->session, &w->channel, NULL);
    watches[0] = zeroed(desk_watch_bytes(SYMBOLS));
    desk_strategies_init(&w->desk, &w->strategies, HZ, watches);
    w->lane.desk = &w->desk;
    w->session.state = SESSION_READY; // sessions have their own tests
    w->session.heard = w->now;
    w->session.last_sent = w->now;
}

static inline int open_world(void **state)
{
    (void)state;
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return 1;
    w->now = 5000;
    w->sequence = 1;
    lane_make();
    desk_make();
    return 0;
}

static inline int close_world(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < w->strategies.count; i++)
        strategy_unload(&w->strategies.hosts[i].slot);
    for (uint32_t i = 0; i < w->block_count; i++)
        free(w->blocks[i]);
    free(w);
    return 0;
}

// --- the exchange's market data ---

static uint8_t packet[1200];
static uint32_t packet_len, packet_count;

static inline uint8_t *message(char type, uint32_t len)
{
    uint8_t *p = packet + packet_len + 2;
    if (packet_len == 0) {
        packet_len = 20;
        p = packet + packet_len + 2;
    }
    be16_store(p - 2, (uint16_t)len);
    memset(p, 0, len);
    p[0] = (uint8_t)type;
    be16_store(p + 1, LOCATE);
    packet_len += len + 2;
    packet_count++;
    return p;
}

static inline void add(uint64_t ref, char side, uint32_t shares, uint32_t price)
{
    uint8_t *p = message('A', 36);
    be64_store(p + 11, ref);
    p[19] = (uint8_t)side;
    be32_store(p + 20, shares);
    memcpy(p + 24, "MSFT    ", 8);
    be32_store(p + 32, price);
}

static inline void delete_order(uint64_t ref)
{
    be64_store(message('D', 19) + 11, ref);
}

// One turn of the lane with what was collected as one frame.
static inline void turn(void)
{
    uint8_t frame[PORT_FRAME_MAX];
    static const uint8_t from[6] = {2, 0, 0, 0, 0, 9}, to[6] = {1, 0, 0x5e, 0, 0, 1};
    w->now += 100;
    if (packet_count) {
        memcpy(packet, "SESSION001", 10);
        be64_store(packet + 10, w->sequence);
        be16_store(packet + 18, (uint16_t)packet_count);
        w->sequence += packet_count;
        const struct frame_udp_out out = {.src_mac = from,
                                          .dst_mac = to,
                                          .src_ip = 0x0A000009,
                                          .dst_ip = GROUP,
                                          .src_port = 1,
                                          .dst_port = UDP_PORT,
                                          .vlan = FRAME_NO_VLAN};
        const uint32_t len = frame_udp_build(frame, &out, packet, (uint16_t)packet_len);
        assert_true(len > 0);
        assert_true(port_sim_push(&w->port, 0, frame, len, 0, 0));
    }
    packet_len = packet_count = 0;
    lane_turn(&w->lane, w->now);
}

static inline void announce(void)
{
    uint8_t *p = message('R', 39);
    memcpy(p + 11, "MSFT    ", 8);
    p = message('H', 25);
    memcpy(p + 11, "MSFT    ", 8);
    p[19] = 'T';
    turn();
}

// --- a strategy that writes down what it is told, and can be told what to do ---

struct notes {
    struct strategy_setup setup;
    uint32_t best, trade, quality, order, timer, enabled, parameters;
    struct strategy_best last;
    struct strategy_report report;
    uint64_t slow; // ticks that each call takes
    uint64_t slow_order, slow_enabled, slow_quality;
    bool fires; // sends an order with the next change
    uint32_t refusal, number;
};

static inline struct notes *notes_of(uint32_t index)
{
    return w->strategies.hosts[index].slot.state;
}

static inline bool notes_start(void *state, const struct strategy_setup *setup, const char **why)
{
    struct notes *n = state;
    (void)why;
    n->setup = *setup;
    return setup->symbol_count > 0;
}

static inline void notes_best(void *state, const struct strategy_best *best)
{
    struct notes *n = state;
    n->best++;
    n->last = *best;
    w->now += n->slow;
    if (!n->fires)
        return;
    n->fires = false;
    const struct strategy_options plain = {.post_only = 'N'};
    const struct strategy_order ask = {.client_id = 7,
                                       .quantity = 100,
                                       .price = best->ask,
                                       .symbol = best->symbol,
                                       .side = 'B',
                                       .time_in_force = '3',
                                       .display = 'Y',
                                       .options = &plain};
    n->refusal = n->setup.calls->submit(n->setup.host, &ask, &n->number);
}

static inline void notes_trade(void *state, const struct strategy_best *best)
{
    (void)best;
    ((struct notes *)state)->trade++;
}

static inline void notes_quality(void *state, const struct strategy_best *best)
{
    ((struct notes *)state)->quality++;
    ((struct notes *)state)->last = *best;
    w->now += ((struct notes *)state)->slow_quality;
}

static inline void notes_order(void *state, const struct strategy_report *report)
{
    ((struct notes *)state)->order++;
    ((struct notes *)state)->report = *report;
    w->now += ((struct notes *)state)->slow_order;
}

static inline void notes_timer(void *state, uint64_t now_ns)
{
    (void)now_ns;
    ((struct notes *)state)->timer++;
}

static inline bool notes_parameters(void *state, const struct strategy_parameters *p)
{
    ((struct notes *)state)->parameters = p->count;
    return true;
}

static inline void notes_enabled(void *state, bool enabled)
{
    ((struct notes *)state)->enabled += enabled;
    w->now += ((struct notes *)state)->slow_enabled;
}

static const struct strategy notes = {
    .interface = STRATEGY_INTERFACE,
    .state_bytes = sizeof(struct notes),
    .name = "notes",
    .start = notes_start,
    .best = notes_best,
    .trade = notes_trade,
    .quality = notes_quality,
    .order = notes_order,
    .timer = notes_timer,
    .parameters = notes_parameters,
    .enabled = notes_enabled,
};

static inline uint32_t strategy_join(uint32_t index, uint16_t instrument)
{
    struct error err = {0};
    struct strategy_host *host = &w->strategies.hosts[index];
    desk_strategy_add(&w->desk, host, 1, &instrument, 1, 5000);
    assert_true(strategy_start(&host->slot, &err));
    desk_strategy_switch(&w->desk, index, STRATEGY_ON);
    return index;
}

static inline struct notes *watcher(uint32_t index, uint16_t instrument)
{
    struct error err = {0};
    assert_true(strategy_attach(&w->strategies.hosts[index].slot, &notes, "notes", &err));
    return notes_of(strategy_join(index, instrument));
}
