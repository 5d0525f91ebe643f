#include "tests/sim/trade_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "bench/exchange/trade/order_log.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/book/book.h"
#include "dataplane/lane/desk_park.h"
#include "tests/sim/trade_cover.h"
#include "tests/sim/trade_people.h"

enum {
    HZ = 1000000000,
    MS = 1000000,
    LIVE = 120, // resting orders of a generated day
    SETTLE_STEPS = 20000,
    CROSS_STEPS = 1000, // of them: by then cancels were repeated often enough
    RING_SLOTS = 4096,
    PARKED = 32, // orders that may wait for the journal
};

struct trade_world *sim;

uint32_t trade_draw(uint32_t below)
{
    sim->random ^= sim->random << 13;
    sim->random ^= sim->random >> 7;
    sim->random ^= sim->random << 17;
    return below ? (uint32_t)((sim->random >> 11) % below) : 0;
}

static uint64_t world_now(void *clock)
{
    const struct trade_world *world = clock;
    return world->now;
}

static void *zeroed(uint64_t bytes)
{
    bytes = (bytes + 127) / 128 * 128;
    void *p = aligned_alloc(128, bytes);
    MUST(p && sim->block_count < TRADE_BLOCKS);
    memset(p, 0, bytes);
    sim->blocks[sim->block_count++] = p;
    return p;
}

// --- set-up ---

// The symbols of a generated day: all of its venues list the same.
static char (*symbols_of(const struct generator_config *gc))[8]
{
    static struct generator g;
    struct error err = {0};
    uint8_t m[GENERATOR_MESSAGE_MAX];
    char(*names)[8] = zeroed(TRADE_SYMBOLS * sizeof *names);
    uint32_t have = 0;
    MUST(generator_init(&g, gc, &err));
    while (have < TRADE_SYMBOLS && generator_next(&g, m) > 0)
        if (m[0] == 'R') {
            sim->locates[have] = be16_load(m + 1);
            memcpy(names[have++], m + 11, sizeof *names);
        }
    generator_free(&g);
    MUST(have == TRADE_SYMBOLS);
    return names;
}

static void lane_make(void)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    const struct region_shape shape = {.lanes = 1,
                                       .channels = TRADE_VENUES,
                                       .ports = 1,
                                       .pools = 1,
                                       .bill_items = 1,
                                       .accounts = TRADE_ACCOUNTS,
                                       .positions = TRADE_POSITIONS,
                                       .trading_slots = RING_SLOTS,
                                       .diagnostic_slots = 64,
                                       .symbols = {TRADE_SYMBOLS + 1, TRADE_SYMBOLS + 1}};
    const struct region_identity identity = {.epoch = 1};
    struct region_view view;
    void *region = zeroed(region_bytes(&shape));
    MUST(region_format(region, region_bytes(&shape), &shape, &identity, &view));
    lane_init(&sim->lane, &view, 0, zeroed(LANE_RING_LEN * sizeof(struct lane_note)),
              zeroed(LANE_RING_LEN * sizeof(struct lane_answer)));
    sim->lane.now = world_now;
    sim->lane.clock = sim;
    port_sim_init(&sim->port, "sim", mac);
    lane_input_add(&sim->lane, &sim->port.port, 0);
}

static void limits_make(void)
{
    struct limit_table *l = zeroed(sizeof *l + TRADE_SYMBOLS * sizeof(struct limit_row));
    l->version = 1;
    l->symbol_count = TRADE_SYMBOLS;
    limit_row_open(&l->firm);
    for (uint32_t i = 0; i < 8; i++) {
        limit_row_open(&l->accounts[i]);
        limit_row_open(&l->strategies[i]);
        limit_row_open(&l->sessions[i]);
    }
    for (uint32_t i = 0; i < TRADE_SYMBOLS; i++) {
        limit_symbol_open(&l->symbols[i]);
        l->symbols[i].quality = i % 2 ? QUALITY_GOOD : QUALITY_SUSPECT;
    }
    sim->limits = l;
}

// SIM_TRACE=1: the exchange's log and the lane's trading events on stderr, to look into a seed.
static void record(void *context, const struct bourse_record *r)
{
    struct trade_venue *v = context;
    if (sim->trace) {
        fprintf(stderr, "venue %u: ", v->index);
        order_log_line(stderr, &v->bourse, r);
        fputc('\n', stderr);
    }
    cover_record(v->index, r);
    ledger_record(&sim->ledger, v->index, v->index == 0 ? OUCH_50 : OUCH_42, r);
    if (r->event == BOURSE_SESSION_END)
        v->ended_messages += r->quantity;
}

static void publish(void *context, const uint8_t *message, uint32_t length)
{
    lines_message(context, message, length);
}

static void exchange_make(struct trade_venue *v)
{
    const struct trade_config *c = sim->config;
    struct error err = {0};
    struct bourse_config config = {.name = "SIM",
                                   .seed = c->seed + v->index,
                                   .members = {{.user = "user",
                                                .password = "secret",
                                                .session = "TRADE00",
                                                .firm = "FIRM",
                                                .self_match = c->self_match,
                                                .cancel_on_disconnect = c->cancel_on_disconnect}},
                                   .member_count = 1,
                                   .rules = {.post_only_slides = c->slides},
                                   .faults = c->faults,
                                   .latency_in_us = 20,
                                   .latency_out_us = 10,
                                   .heartbeat_ms = 1,
                                   .silence_ms = 20,
                                   .login_ms = 20,
                                   .fee_add_micro = -2000,
                                   .fee_remove_micro = 3000,
                                   .context = v,
                                   .publish = publish,
                                   .record = record};
    config.members[0].protocol = v->index == 0 ? BOURSE_OUCH_50 : BOURSE_OUCH_42;
    v->bourse = config;
    v->b = bourse_make(&config, &err);
    MUST(v->b);
}

static void session_make(struct trade_venue *v)
{
    struct session_config sc = {.frames = {.firm = "    ", .capacity = 'P'},
                                .username = "user",
                                .password = "secret",
                                .sequence = 1,
                                .heartbeat_ticks = 2 * MS,
                                .silence_ticks = 6 * MS,
                                .login_ticks = 5 * MS,
                                .retry_ticks = MS / 10,
                                .retry_ticks_max = MS};
    struct error err = {0};
    sc.frames.mass_cancel = v->index == 0 && sim->config->seed % 2;
    if (v->index == 1) {
        sc.frames.version = OUCH_42;
        MUST(ouch_prefix_set(&sc.frames.prefix, "SIM"));
        sim->ledger.prefix = sc.frames.prefix;
    }
    MUST(session_init(&v->session, &sc, &v->transport, "session", &err));
}

static void venue_make(struct trade_venue *v, uint8_t index)
{
    struct error err = {0};
    const struct generator_config gc = {.seed = sim->config->seed,
                                        .symbols = TRADE_SYMBOLS,
                                        .live_max = LIVE,
                                        .messages = sim->config->messages - 100u * index};
    struct channel_config cc = {
        .luld = sim->config->bands,
        .protocol = &feed_itch50,
        .start = CHANNEL_START_FIRST,
        .can_request = true,
        .reorder_frames = 24,
        .reorder_ticks = MS / 10,
        .hold_frames = 64,
        .line_count = TRADE_LINES,
        .book = {.symbols = TRADE_SYMBOLS + 1, .orders = 4096, .matches = 4096}};
    v->w = sim;
    v->index = index;
    book_config_defaults(&cc.book);
    v->channel.index = index;
    channel_init(&v->channel, &cc, zeroed(channel_bytes(&cc, NULL)));
    v->channel.index = index;
    lane_channel_add(&sim->lane, &v->channel);
    lines_open(v);
    MUST(generator_init(&v->market, &gc, &err));
    exchange_make(v);
    wire_open(v);
    session_make(v);
}

static void strategy_join(const char *file, uint16_t symbol, struct strategy_parameters parameters)
{
    struct error err = {0};
    struct strategy_host *host = &sim->strategies.hosts[sim->strategies.count];
    MUST(strategy_load(&host->slot, file, file, &err));
    host->slot.setup.parameters = parameters;
    desk_strategy_add(&sim->desk, host, (uint16_t)(2 + sim->strategies.count), &symbol, 1, 5000);
    MUST(strategy_start(&host->slot, &err));
    desk_strategy_switch(&sim->desk, host->slot.index, STRATEGY_ON);
}

static void desk_make(const char (*symbols)[8])
{
    const struct desk_config config = {.orders = {.orders = TRADE_ORDERS,
                                                  .sessions = TRADE_VENUES,
                                                  .refs_max = TRADE_REFS,
                                                  .executions = TRADE_MATCHES,
                                                  .silence_ticks = MS},
                                       .instruments = TRADE_SYMBOLS,
                                       .positions = TRADE_POSITIONS,
                                       .strategies = 3,
                                       .accounts = 4,
                                       .event_credit_min = 64};
    void *watches[SESSIONS_MAX] = {NULL};
    desk_init(&sim->desk, &sim->lane, &config, symbols, sim->limits, zeroed(desk_bytes(&config)));
    for (uint8_t i = 0; i < TRADE_VENUES; i++) {
        venue_make(&sim->venues[i], i);
        desk_session_add(&sim->desk, &sim->venues[i].session, &sim->venues[i].channel, NULL);
        watches[i] = zeroed(desk_watch_bytes(TRADE_SYMBOLS + 1));
        if (sim->config->durable)
            desk_park_add(&sim->desk, i, PARKED, MS / 2, zeroed(desk_park_bytes(PARKED)));
    }
    desk_strategies_init(&sim->desk, &sim->strategies, HZ, watches);
    sim->lane.desk = &sim->desk;
    strategy_join(STRATEGIES_DIR "/maker.so", 1, (struct strategy_parameters){3, {200, 100, 2000}});
    strategy_join(STRATEGIES_DIR "/taker.so", 3,
                  (struct strategy_parameters){4, {100, 500, 1, 1500}});
}

void trade_open(const struct trade_config *config)
{
    sim = calloc(1, sizeof *sim);
    MUST(sim);
    sim->config = config;
    sim->trace = getenv("SIM_TRACE") != NULL;
    const char *wire = getenv("SIM_WIRE");
    if (wire)
        sim->wire = fopen(wire, "wb");
    MUST(!wire || sim->wire);
    sim->now = 1000 * MS;
    sim->random = config->seed * 0x9E3779B97F4A7C15ull + 3;
    const struct generator_config gc = {.seed = config->seed,
                                        .symbols = TRADE_SYMBOLS,
                                        .live_max = LIVE,
                                        .messages = config->messages};
    const char(*symbols)[8] = (const char(*)[8])symbols_of(&gc);
    sim->ledger.symbols = symbols;
    sim->ledger.symbol_count = TRADE_SYMBOLS;
    lane_make();
    limits_make();
    desk_make(symbols);
}

void trade_close(void)
{
    for (uint32_t i = 0; i < sim->strategies.count; i++)
        strategy_unload(&sim->strategies.hosts[i].slot);
    for (uint32_t i = 0; i < TRADE_VENUES; i++) {
        struct trade_venue *v = &sim->venues[i];
        bourse_free(v->b);
        generator_free(&v->market);
        lines_close(v);
        free(v->to_client.bytes);
        free(v->to_exchange.bytes);
    }
    ledger_free(&sim->ledger);
    if (sim->wire)
        MUST(fclose(sim->wire) == 0);
    for (uint32_t i = 0; i < sim->block_count; i++)
        free(sim->blocks[i]);
    free(sim);
    sim = NULL;
}

// --- a step ---

static void market_step(struct trade_venue *v)
{
    const struct trade_config *c = sim->config;
    uint8_t m[GENERATOR_MESSAGE_MAX];
    const uint32_t mean = c->messages / c->steps + 1;
    for (uint32_t n = trade_draw(2 * mean + 1); n && !v->market_over; n--) {
        const uint32_t len = generator_next(&v->market, m);
        v->market_over = len == 0;
        if (len)
            bourse_market(v->b, m, len);
    }
}

// What the main lcore does for the lane.
static void main_step(void)
{
    struct lane_note note;
    while (spsc_pop(&sim->lane.notes, &note)) {
        if (note.kind == NOTE_REQUEST)
            lines_asked(&sim->venues[note.request.channel], &note.request);
        else if (note.kind == NOTE_RETURN) {
            free(note.frame.owner);
            sim->frames_out--;
        }
    }
}

static void events_step(void)
{
    struct event out[64];
    const struct event_ring *ring = sim->lane.trading.ring;
    uint32_t n;
    do {
        MUST(
            event_read(ring, sim->lane.trading.slots, RING_SLOTS, &sim->event_cursor, out, 64, &n));
        for (uint32_t i = 0; i < n; i++) {
            const uint8_t *p = (const uint8_t *)&out[i];
            sim->event_count[out[i].type]++;
            sim->event_total++;
            if (sim->config->durable && out[i].type == EVENT_ORDER_SENT)
                MUST(out[i].order_sent.decision <= sim->committed); // it left with its record
            if (out[i].type == EVENT_ORDER && out[i].order.did & DID_WRONG)
                sim->contradictions += out[i].order.message != ORDER_MESSAGE_SILENCE;
            for (uint32_t k = 0; k < sizeof out[i]; k++)
                sim->event_hash = (sim->event_hash ^ p[k]) * 0x100000001b3ull;
            ledger_event(&sim->ledger, &out[i]);
            cover_event(&out[i]);
            if (sim->trace)
                ledger_show(&out[i]);
        }
    } while (n);
}

// A commit takes two steps; while the journal stalls none begins. Before the ring runs full it goes
// on.
static void journal_step(void)
{
    struct event_ring *ring = sim->lane.trading.ring;
    _Atomic uint64_t *state = &region_record_word(&sim->lane.view, 0)->state;
    if (!sim->config->durable) {
        event_commit(ring, sim->event_cursor);
        return;
    }
    if (sim->now < sim->stall_until && sim->event_cursor - sim->committed < RING_SLOTS / 2)
        return;
    if (atomic_load(state) != RECORD_WRITTEN)
        atomic_store(state, RECORD_WRITTEN);
    if (sim->now < sim->commit_at)
        return;
    event_commit(ring, sim->commit_to);
    sim->commit_to = sim->event_cursor;
    sim->commit_at = sim->now + 2 * TRADE_STEP_NS;
}

static void journal_fails(void)
{
    sim->stall_until = sim->now + (1 + trade_draw(100)) * TRADE_STEP_NS;
    if (trade_draw(4) == 0)
        atomic_store(&region_record_word(&sim->lane.view, 0)->state,
                     trade_draw(2) ? RECORD_FULL : RECORD_ABSENT);
}

static void step(bool market)
{
    sim->now += TRADE_STEP_NS;
    for (uint32_t i = 0; i < TRADE_VENUES; i++) {
        struct trade_venue *v = &sim->venues[i];
        bourse_clock(v->b, sim->now, 0);
        if (market)
            market_step(v);
        wire_step(v);
        lines_step(v);
    }
    sim->committed = atomic_load(&sim->lane.trading.ring->committed);
    lane_turn(&sim->lane, sim->now);
    main_step();
    events_step();
    journal_step();
}

void trade_step(void)
{
    const struct trade_config *c = sim->config;
    for (uint32_t i = 0; i < TRADE_VENUES; i++) {
        struct trade_venue *v = &sim->venues[i];
        if (c->wire_busy && trade_draw(c->wire_busy) == 0)
            v->busy = !v->busy;
        if (c->wire_breaks && trade_draw(c->wire_breaks) == 0)
            wire_break(v);
    }
    if (c->journal_stalls && trade_draw(c->journal_stalls) == 0)
        journal_fails();
    people_lift_halts();
    step(true);
}

// --- rest ---

static bool at_rest(const struct trade_venue *v)
{
    return v->session.state == SESSION_READY && bourse_open_orders(v->b, 0) == 0 &&
           v->session.next_sequence == bourse_sequenced(v->b, 0) + 1 &&
           v->channel.arbiter.next == v->next_sequence && !v->session.query_at;
}

// The crosses that orders wait for, and take no cancel before, never come: the exchange ends them.
static void crosses_end(const struct trade_venue *v)
{
    for (uint32_t i = v->orders_over; i < bourse_order_count(v->b, 0); i++) {
        struct bourse_order order;
        bourse_order_at(v->b, 0, i, &order);
        if (order.open)
            MUST(bourse_cancel(v->b, order.reference, 'T'));
    }
}

// But for orders that a venue without account query says nothing about: they stay until a person
// has asked (trade_people.h).
static bool answers_due(void)
{
    const struct order_table *t = &sim->desk.orders;
    for (uint32_t i = t->timers.first; i != OWN_NONE; i = orders_at(t, i)->timer_next) {
        const struct own_order *o = orders_at(t, i);
        const bool asks = sim->venues[o->session].session.frames.query.len > 0;
        if (o->life != LIFE_PENDING || !(o->flags & ORDER_ASKED) || asks)
            return true;
    }
    return false;
}

bool trade_settle(void)
{
    static struct trade_config calm;
    uint32_t still = 0;
    calm = *sim->config;
    calm.wire_breaks = calm.line_loss_ppm = calm.both_loss_ppm = calm.reorder_ppm = 0;
    calm.server_loss_ppm = calm.journal_stalls = 0;
    sim->config = &calm;
    for (uint32_t i = 0; i < sim->strategies.count; i++)
        desk_strategy_switch(&sim->desk, i, STRATEGY_OFF_ASKED);
    desk_mass_cancel(&sim->desk, TRADE_FIRM, 0);
    for (uint32_t i = 0; i < TRADE_VENUES; i++) {
        bourse_behave(sim->venues[i].b);
        sim->venues[i].busy = false;
    }
    // Every cancel that stays unanswered is repeated; nothing else may happen for that long.
    for (uint32_t i = 0; i < SETTLE_STEPS && still < 100; i++) {
        step(false);
        bool rest = !answers_due();
        for (uint32_t k = 0; k < TRADE_VENUES && i == CROSS_STEPS; k++)
            crosses_end(&sim->venues[k]);
        for (uint32_t k = 0; k < TRADE_VENUES; k++)
            rest = rest && at_rest(&sim->venues[k]);
        still = rest ? still + 1 : 0;
    }
    return still == 100;
}

int64_t trade_lost(const struct trade_venue *v)
{
    return (int64_t)(v->ended_messages + bourse_sequenced(v->b, 0)) -
           (int64_t)v->session.count.sequenced;
}
