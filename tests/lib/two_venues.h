// A lane with two venues, each with its own feed, book, session and an exchange at the other end:
// played by hand (a test says what the exchange answers) or by the dice of venue_model.h.
// cmocka.h is included before this header.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/lane/desk_route.h"
#include "dataplane/lane/desk_strategy.h"
#include "dataplane/port/port_sim.h"
#include "dataplane/wire/frame_build.h"
#include "tests/lib/venue_model.h"
#include "tests/lib/wire_rig.h"

enum {
    VENUES = 2,
    GROUP = 0xE9000001,
    UDP_PORT = 26400,
    SLOTS = 8,       // of a book
    INSTRUMENTS = 2, // SYMA, SYMB
    ORDERS = 64,
    ROUTES = 16,
    HZ = 1000000000, // a tick is a nanosecond
    TURN = 100,      // ticks
    EVENTS = 4096,
    TAKEN_MAX = 256,
};

struct venue {
    struct channel channel;
    struct session session;
    struct wire_rig rig;
    struct venue_model model;
    uint64_t sequence; // of the feed
    uint8_t packet[1200];
    uint32_t packet_len, packet_count;
    // By hand: what has arrived, oldest first.
    struct ouch50_enter entered[TAKEN_MAX];
    uint32_t entered_count;
    uint32_t cancelled[TAKEN_MAX]; // references
    uint32_t cancelled_count;
    struct ouch50_replace replaced[TAKEN_MAX];
    uint32_t replaced_count;
    uint64_t match;
};

struct two_venues {
    struct lane lane;
    struct desk desk;
    struct desk_strategies strategies;
    struct desk_routes routes;
    struct venue venues[VENUES];
    struct port_sim port;
    uint64_t now;
    struct limit_table *limits;
    bool dice; // venue_model.h answers
    uint64_t event_cursor;
    uint64_t event_hash;
    struct event last[EVENTS]; // since the last events_forget
    uint32_t last_count;
    void *blocks[24];
    uint32_t block_count;
};

static struct two_venues *w;

static const char two_symbols[INSTRUMENTS][8] = {"SYMA    ", "SYMB    "};

static inline uint64_t two_now(void *clock)
{
    const struct two_venues *world = clock;
    return world->now;
}

static inline void *zeroed(uint64_t bytes)
{
    bytes = (bytes + 127) / 128 * 128;
    void *p = aligned_alloc(128, bytes);
    assert_non_null(p);
    memset(p, 0, bytes);
    assert_true(w->block_count < sizeof w->blocks / sizeof *w->blocks);
    w->blocks[w->block_count++] = p;
    return p;
}

// --- the lane and its feeds ---

static inline void lane_make(void)
{
    const struct region_shape shape = {.lanes = 1,
                                       .channels = VENUES,
                                       .ports = 1,
                                       .pools = 1,
                                       .bill_items = 1,
                                       .trading_slots = EVENTS,
                                       .diagnostic_slots = 64,
                                       .symbols = {SLOTS, SLOTS}};
    const struct region_identity identity = {.epoch = 1};
    const struct channel_config cc = {
        .protocol = &feed_itch50,
        .start = CHANNEL_START_FIRST,
        .reorder_frames = 4,
        .reorder_ticks = 1000,
        .hold_frames = 16,
        .request_messages_max = 100,
        .line_count = 1,
        .book = {.symbols = SLOTS, .orders = 4096, .levels = 4096, .spans = 4096, .matches = 1024}};
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    struct region_view view;
    void *region = zeroed(region_bytes(&shape));
    assert_true(region_format(region, region_bytes(&shape), &shape, &identity, &view));
    lane_init(&w->lane, &view, 0, zeroed(LANE_RING_LEN * sizeof(struct lane_note)),
              zeroed(LANE_RING_LEN * sizeof(struct lane_answer)));
    w->lane.now = two_now;
    w->lane.clock = w;
    port_sim_init(&w->port, "sim", mac);
    lane_input_add(&w->lane, &w->port.port, 0);
    for (uint32_t v = 0; v < VENUES; v++) {
        struct channel *ch = &w->venues[v].channel;
        channel_init(ch, &cc, zeroed(channel_bytes(&cc, NULL)));
        lane_channel_add(&w->lane, ch);
        assert_true(lane_route_add(&w->lane, 0, GROUP + v, UDP_PORT, (uint8_t)v, 0));
        w->venues[v].sequence = 1;
        w->venues[v].match = 1000 * (v + 1);
    }
}

static inline void limits_make(void)
{
    w->limits = zeroed(sizeof *w->limits + INSTRUMENTS * sizeof(struct limit_row));
    w->limits->version = 1;
    w->limits->symbol_count = INSTRUMENTS;
    limit_row_open(&w->limits->firm);
    for (uint32_t i = 0; i < 8; i++) {
        limit_row_open(&w->limits->accounts[i]);
        limit_row_open(&w->limits->strategies[i]);
        limit_row_open(&w->limits->sessions[i]);
    }
    for (uint32_t i = 0; i < INSTRUMENTS; i++)
        limit_symbol_open(&w->limits->symbols[i]);
}

static inline void desk_make(uint64_t seed)
{
    const struct desk_config config = {.orders = {.orders = ORDERS,
                                                  .sessions = VENUES,
                                                  .refs_max = 8192,
                                                  .executions = 16384,
                                                  .silence_ticks = HZ},
                                       .instruments = INSTRUMENTS,
                                       .positions = 16,
                                       .strategies = 7,
                                       .accounts = 4,
                                       .event_credit_min = 64};
    const struct session_config sc = {.frames = {.firm = "    ", .capacity = 'P'},
                                      .username = "u",
                                      .password = "p",
                                      .sequence = 1,
                                      .heartbeat_ticks = HZ,
                                      .silence_ticks = 100ull * HZ,
                                      .login_ticks = HZ,
                                      .retry_ticks = 2 * TURN,
                                      .retry_ticks_max = 8 * TURN};
    struct error err = {0};
    void *watches[SESSIONS_MAX] = {NULL};
    limits_make();
    desk_init(&w->desk, &w->lane, &config, two_symbols, w->limits, zeroed(desk_bytes(&config)));
    for (uint32_t v = 0; v < VENUES; v++) {
        struct venue *venue = &w->venues[v];
        wire_rig_init(&venue->rig);
        model_init(&venue->model, seed * VENUES + v + 1);
        assert_true(session_init(&venue->session, &sc, &venue->rig.transport, "session", &err));
        desk_session_add(&w->desk, &venue->session, &venue->channel, NULL);
        watches[v] = zeroed(desk_watch_bytes(SLOTS));
    }
    desk_routes_init(&w->desk, &w->routes, ROUTES, zeroed(routes_bytes(ROUTES, ORDERS)));
    desk_strategies_init(&w->desk, &w->strategies, HZ, watches);
    w->lane.desk = &w->desk;
}

// --- time ---

static inline void packet_push(uint32_t v)
{
    struct venue *venue = &w->venues[v];
    uint8_t frame[PORT_FRAME_MAX];
    static const uint8_t from[6] = {2, 0, 0, 0, 0, 9}, to[6] = {1, 0, 0x5e, 0, 0, 1};
    if (venue->packet_count == 0)
        return;
    memcpy(venue->packet, "SESSION001", 10);
    be64_store(venue->packet + 10, venue->sequence);
    be16_store(venue->packet + 18, (uint16_t)venue->packet_count);
    venue->sequence += venue->packet_count;
    const struct frame_udp_out out = {.src_mac = from,
                                      .dst_mac = to,
                                      .src_ip = 0x0A000009,
                                      .dst_ip = GROUP + v,
                                      .src_port = 1,
                                      .dst_port = UDP_PORT,
                                      .vlan = FRAME_NO_VLAN};
    const uint32_t len = frame_udp_build(frame, &out, venue->packet, (uint16_t)venue->packet_len);
    assert_true(len > 0);
    assert_true(port_sim_push(&w->port, 0, frame, len, 0, 0));
    venue->packet_len = venue->packet_count = 0;
}

static inline void events_drain(void)
{
    struct event out[64];
    uint32_t n;
    struct event_ring *ring = w->lane.trading.ring;
    do {
        assert_true(event_read(ring, w->lane.trading.slots, EVENTS, &w->event_cursor, out, 64, &n));
        for (uint32_t i = 0; i < n; i++) {
            const uint8_t *p = (const uint8_t *)&out[i];
            for (uint32_t b = 0; b < sizeof out[i]; b++)
                w->event_hash = (w->event_hash ^ p[b]) * 0x100000001b3ull;
            if (w->last_count < EVENTS)
                w->last[w->last_count++] = out[i];
        }
    } while (n);
    event_commit(ring, w->event_cursor);
}

static inline void taken_by_hand(struct venue *venue, const uint8_t *p)
{
    struct ouch50_cancel x;
    assert_true(venue->entered_count < TAKEN_MAX && venue->cancelled_count < TAKEN_MAX &&
                venue->replaced_count < TAKEN_MAX);
    switch (p[0]) {
    case 'O': ouch50_enter_read(p, &venue->entered[venue->entered_count++]); break;
    case 'U': ouch50_replace_read(p, &venue->replaced[venue->replaced_count++]); break;
    case 'X':
        ouch50_cancel_read(p, &x);
        venue->cancelled[venue->cancelled_count++] = x.user_ref;
        break;
    default: break;
    }
}

static inline void to_exchange(struct venue *venue)
{
    uint8_t login[33];
    const uint32_t len = venue->rig.sent_len;
    venue->rig.sent_len = 0;
    if (!venue->model.connected || len == 0)
        return;
    if (w->dice || venue->session.state != SESSION_READY) {
        if (model_receive(&venue->model, venue->rig.sent, len, login))
            session_received(&venue->session, login, sizeof login, w->now);
        return;
    }
    for (uint32_t at = 0; at < len; at += 2u + be16_load(venue->rig.sent + at))
        if (venue->rig.sent[at + 2] == 'U')
            taken_by_hand(venue, venue->rig.sent + at + 3);
}

static inline void venue_turn(struct venue *venue)
{
    uint8_t out[128];
    uint32_t len;
    if (venue->session.state == SESSION_CONNECTING) {
        venue->model.connected = true;
        session_opened(&venue->session, w->now);
    }
    to_exchange(venue);
    while (venue->model.connected && (len = model_send(&venue->model, out)) > 0)
        session_received(&venue->session, out, len, w->now);
}

static inline void check(void)
{
    char why[256] = "";
    if (!desk_check(&w->desk, why, sizeof why) ||
        !routes_check(&w->routes.table, &w->desk.orders, why, sizeof why))
        fail_msg("%s", why);
}

// What the exchanges have said arrives, then what their feeds have said, in one turn of the lane;
// then the exchanges read.
static inline void turn(void)
{
    w->now += TURN;
    for (uint32_t v = 0; v < VENUES; v++)
        venue_turn(&w->venues[v]);
    for (uint32_t v = 0; v < VENUES; v++)
        packet_push(v);
    lane_turn(&w->lane, w->now);
    for (uint32_t v = 0; v < VENUES; v++)
        to_exchange(&w->venues[v]);
    events_drain();
    check();
}

static inline void lose_session(uint32_t v)
{
    model_disconnect(&w->venues[v].model);
    w->venues[v].rig.sent_len = 0;
    session_lost(&w->venues[v].session, w->now);
}

// --- market data ---

static inline uint8_t *message(uint32_t v, uint32_t instrument, char type, uint32_t len)
{
    struct venue *venue = &w->venues[v];
    if (venue->packet_len + len + 2 > 1000)
        fail_msg("a turn has one packet a venue");
    if (venue->packet_len == 0)
        venue->packet_len = 20;
    uint8_t *p = venue->packet + venue->packet_len + 2;
    be16_store(p - 2, (uint16_t)len);
    memset(p, 0, len);
    p[0] = (uint8_t)type;
    be16_store(p + 1, (uint16_t)(instrument + 3));
    venue->packet_len += len + 2;
    venue->packet_count++;
    return p;
}

static inline void feed_add(uint32_t v, uint32_t instrument, uint64_t ref, char side,
                            uint32_t shares, uint32_t price)
{
    uint8_t *p = message(v, instrument, 'A', 36);
    be64_store(p + 11, ref);
    p[19] = (uint8_t)side;
    be32_store(p + 20, shares);
    memcpy(p + 24, two_symbols[instrument], 8);
    be32_store(p + 32, price);
}

static inline void feed_delete(uint32_t v, uint32_t instrument, uint64_t ref)
{
    be64_store(message(v, instrument, 'D', 19) + 11, ref);
}

// 'T' trades, 'H' halted.
static inline void feed_status(uint32_t v, uint32_t instrument, char status)
{
    uint8_t *p = message(v, instrument, 'H', 25);
    memcpy(p + 11, two_symbols[instrument], 8);
    p[19] = (uint8_t)status;
}

// Somebody trades, at a price that no order of the book showed.
static inline void feed_trade(uint32_t v, uint32_t instrument, uint32_t shares, uint32_t price)
{
    uint8_t *p = message(v, instrument, 'P', 44);
    p[19] = 'B';
    be32_store(p + 20, shares);
    memcpy(p + 24, two_symbols[instrument], 8);
    be32_store(p + 32, price);
    be64_store(p + 36, ++w->venues[v].match);
}

// Messages of the feed are missing, and nobody has them.
static inline void feed_gap(uint32_t v)
{
    w->venues[v].sequence += 2;
    feed_add(v, 0, 999999, 'B', 1, 1);
    turn();
    w->now += 10000;
    turn();
    turn();
}

// --- exchanges by hand ---

static inline const struct ouch50_enter *entered(uint32_t v, uint32_t number)
{
    assert_true(number < w->venues[v].entered_count);
    return &w->venues[v].entered[number];
}

static inline void say_accepted(uint32_t v, uint32_t number)
{
    const struct ouch50_enter *e = entered(v, number);
    uint8_t out[64];
    struct ouch50_accepted a = {.timestamp_ns = ++w->venues[v].model.clock_ns,
                                .user_ref = e->user_ref,
                                .side = e->side,
                                .quantity = e->quantity,
                                .price = e->price,
                                .display = 'Y',
                                .order_ref = e->user_ref + 70000,
                                .state = 'L'};
    memcpy(a.symbol, e->symbol, 8);
    model_append(&w->venues[v].model, out, ouch50_accepted_write(out, &a));
}

// After a replace <ref> is that of the replace.
static inline void say_executed_ref(uint32_t v, uint32_t ref, uint32_t quantity, uint32_t price)
{
    uint8_t out[36];
    const struct ouch50_executed e = {.timestamp_ns = ++w->venues[v].model.clock_ns,
                                      .user_ref = ref,
                                      .quantity = quantity,
                                      .price = price,
                                      .liquidity = 'R',
                                      .match = ++w->venues[v].match};
    model_append(&w->venues[v].model, out, ouch50_executed_write(out, &e));
}

static inline void say_executed(uint32_t v, uint32_t number, uint32_t quantity)
{
    const struct ouch50_enter *e = entered(v, number);
    say_executed_ref(v, e->user_ref, quantity, (uint32_t)e->price);
}

// Takes shares off the order.
static inline void say_cancelled(uint32_t v, uint32_t number, uint32_t quantity, char reason)
{
    uint8_t out[18];
    const struct ouch50_canceled c = {.timestamp_ns = ++w->venues[v].model.clock_ns,
                                      .user_ref = entered(v, number)->user_ref,
                                      .quantity = quantity,
                                      .reason = reason};
    model_append(&w->venues[v].model, out, ouch50_canceled_write(out, &c));
}

static inline void say_rejected_for(uint32_t v, uint32_t number, uint16_t reason)
{
    uint8_t out[29];
    const struct ouch50_rejected j = {.timestamp_ns = ++w->venues[v].model.clock_ns,
                                      .user_ref = entered(v, number)->user_ref,
                                      .reason = reason};
    model_append(&w->venues[v].model, out, ouch50_rejected_write(out, &j));
}

static inline void say_rejected(uint32_t v, uint32_t number)
{
    say_rejected_for(v, number, 15);
}

static inline void say_broken(uint32_t v, uint32_t number)
{
    uint8_t out[36];
    const struct ouch50_broken b = {.timestamp_ns = ++w->venues[v].model.clock_ns,
                                    .user_ref = entered(v, number)->user_ref,
                                    .match = w->venues[v].match,
                                    .reason = 'E'};
    model_append(&w->venues[v].model, out, ouch50_broken_write(out, &b));
}

// --- events ---

static inline void events_forget(void)
{
    w->last_count = 0;
}

// The <number>th event of a type since then.
static inline const struct event *event_of(enum event_type type, uint32_t number)
{
    for (uint32_t i = 0; i < w->last_count; i++)
        if (w->last[i].type == type && number-- == 0)
            return &w->last[i];
    fail_msg("no such event: %s", event_info((uint16_t)type)->name);
    return NULL;
}

static inline uint32_t events_of(enum event_type type)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->last_count; i++)
        count += w->last[i].type == type;
    return count;
}

// --- strategies ---

// Loads an example as the dataplane does, for the first symbol; enabled.
static inline struct strategy_slot *strategy_begin(const char *path,
                                                   const struct strategy_parameters *parameters)
{
    struct error err = {0};
    const uint16_t symbol = 0;
    struct strategy_host *host = &w->strategies.hosts[0];
    if (!strategy_load(&host->slot, path, "example", &err))
        fail_msg("%s", err.text);
    host->slot.setup.parameters = *parameters;
    desk_strategy_add(&w->desk, host, 1, &symbol, 1, 1000000);
    if (!strategy_start(&host->slot, &err))
        fail_msg("%s", err.text);
    for (uint32_t v = 0; v < VENUES; v++) // symbols that changed before it was there
        memset(w->strategies.watches[v], 0, SLOTS * sizeof(struct desk_watch));
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    return &host->slot;
}

// --- open and close ---

// Both sessions are ready, both feeds announce the symbols.
static inline void two_open(uint64_t seed)
{
    w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->now = 5000;
    lane_make();
    desk_make(seed);
    for (uint32_t v = 0; v < VENUES; v++)
        for (uint32_t i = 0; i < INSTRUMENTS; i++) {
            memcpy(message(v, i, 'R', 39) + 11, two_symbols[i], 8);
            feed_status(v, i, 'T');
        }
    for (uint32_t i = 0; i < 100; i++)
        turn();
    for (uint32_t v = 0; v < VENUES; v++)
        assert_int_equal(w->venues[v].session.state, SESSION_READY);
    events_forget();
}

static inline void two_close(void)
{
    for (uint32_t i = 0; i < w->strategies.count; i++)
        strategy_unload(&w->strategies.hosts[i].slot);
    for (uint32_t v = 0; v < VENUES; v++)
        free(w->venues[v].model.stream);
    for (uint32_t i = 0; i < w->block_count; i++)
        free(w->blocks[i]);
    free(w);
}
