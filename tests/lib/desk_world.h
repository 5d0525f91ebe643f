// A desk with one session, the simple exchange of venue_model.h at the other end, and a lane around
// it that has no feed. cmocka.h is included before this header.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "dataplane/lane/desk.h"
#include "tests/lib/venue_model.h"
#include "tests/lib/wire_rig.h"

enum { STEP = 1000, SILENCE = 200 * STEP, STEPS = 1500, LOOSE_ENDS = 20000 };
enum { ORDERS = 64, REFS = 8192 };

struct world {
    struct lane lane;
    struct desk desk;
    struct session session;
    struct wire_rig rig;
    struct venue_model model;
    struct limit_table *limits;
    void *region, *memory, *notes, *answers;
    uint64_t now;
    uint64_t random;
    uint64_t event_cursor;
    uint64_t event_hash;
    uint32_t event_count[EVENT_TYPES];
    struct event *log; // of every event, for who wants them; null: nobody
    uint32_t log_count, log_max;
    uint32_t cut_after; // bytes to the client until the connection breaks, 0: never
    uint64_t max_cut;
    struct desk_owner who;
};

static struct world *w;

static uint64_t world_now(void *clock)
{
    const struct world *world = clock;
    return world->now;
}

static inline uint32_t draw(uint32_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)((w->random >> 11) % below);
}

static const char symbols[MODEL_SYMBOLS][8] = {"SYMA    ", "SYMB    ", "SYMC    ", "SYMD    "};

static void *zeroed(uint64_t bytes)
{
    bytes = (bytes + 127) / 128 * 128;
    void *p = aligned_alloc(128, bytes);
    assert_non_null(p);
    memset(p, 0, bytes);
    return p;
}

static void limits_make(void)
{
    w->limits = zeroed(sizeof *w->limits + MODEL_SYMBOLS * sizeof(struct limit_row));
    w->limits->version = 1;
    w->limits->symbol_count = MODEL_SYMBOLS;
    limit_row_open(&w->limits->firm);
    for (uint32_t i = 0; i < 8; i++) {
        limit_row_open(&w->limits->accounts[i]);
        limit_row_open(&w->limits->strategies[i]);
        limit_row_open(&w->limits->sessions[i]);
    }
    for (uint32_t i = 0; i < MODEL_SYMBOLS; i++) {
        limit_symbol_open(&w->limits->symbols[i]);
        w->limits->symbols[i].quality = QUALITY_SUSPECT; // there is no feed here
    }
}

static void world_open(uint64_t seed)
{
    const struct region_shape shape = {.lanes = 1,
                                       .channels = 1,
                                       .ports = 1,
                                       .pools = 1,
                                       .bill_items = 1,
                                       .strategies = 1,
                                       .positions = 64,
                                       .trading_slots = 4096,
                                       .diagnostic_slots = 64,
                                       .symbols = {4}};
    const struct region_identity identity = {.epoch = 1};
    const struct desk_config config = {.orders = {.orders = ORDERS,
                                                  .sessions = 1,
                                                  .refs_max = REFS,
                                                  .executions = 16384,
                                                  .silence_ticks = SILENCE},
                                       .instruments = MODEL_SYMBOLS,
                                       .positions = 64,
                                       .strategies = 3,
                                       .accounts = 4,
                                       .event_credit_min = 64};
    struct session_config sc = {.frames = {.firm = "    ", .capacity = 'P'},
                                .username = "user",
                                .password = "secret",
                                .sequence = 1,
                                .heartbeat_ticks = 1000 * STEP,
                                .silence_ticks = 100000 * STEP,
                                .login_ticks = 500 * STEP,
                                .retry_ticks = 2 * STEP,
                                .retry_ticks_max = 8 * STEP};
    struct region_view view;
    struct error err = {0};
    w = zeroed(sizeof *w);
    w->region = zeroed(region_bytes(&shape));
    assert_true(region_format(w->region, region_bytes(&shape), &shape, &identity, &view));
    w->notes = zeroed(LANE_RING_LEN * sizeof(struct lane_note));
    w->answers = zeroed(LANE_RING_LEN * sizeof(struct lane_answer));
    lane_init(&w->lane, &view, 0, w->notes, w->answers);
    w->lane.now = world_now;
    w->lane.clock = w;
    w->now = 1000000;
    w->random = seed * 0x9E3779B97F4A7C15ull + 77;
    limits_make();
    w->memory = zeroed(desk_bytes(&config));
    desk_init(&w->desk, &w->lane, &config, symbols, w->limits, w->memory);
    wire_rig_init(&w->rig);
    assert_true(session_init(&w->session, &sc, &w->rig.transport, "session x", &err));
    desk_session_add(&w->desk, &w->session, NULL, NULL);
    model_init(&w->model, seed);
    w->who = (struct desk_owner){.account = 1, .strategy = 2};
}

static void world_close(void)
{
    free(w->model.stream);
    free(w->limits);
    free(w->memory);
    free(w->notes);
    free(w->answers);
    free(w->region);
    free(w);
}

// --- the wire ---

static inline void break_connection(void)
{
    model_disconnect(&w->model);
    w->rig.sent_len = 0;
    session_lost(&w->session, w->now);
}

static void to_client(const uint8_t *bytes, uint32_t len)
{
    bool cut = w->cut_after && len >= w->cut_after;
    if (cut)
        len = w->cut_after;
    session_received(&w->session, bytes, len, w->now);
    if (w->cut_after)
        w->cut_after -= len;
    if (cut) {
        desk_turn(&w->desk, w->now); // what has arrived is read first
        break_connection();
    }
}

static void to_exchange(void)
{
    uint8_t login[33];
    const uint32_t len = w->rig.sent_len;
    if (!w->model.connected || len == 0)
        return;
    w->rig.sent_len = 0;
    if (model_receive(&w->model, w->rig.sent, len, login))
        to_client(login, sizeof login);
}

static inline void events_drain(void)
{
    struct event out[64];
    uint32_t n;
    const struct event_ring *ring = w->lane.trading.ring;
    do {
        assert_true(event_read(ring, w->lane.trading.slots, 4096, &w->event_cursor, out, 64, &n));
        for (uint32_t i = 0; i < n; i++) {
            const uint8_t *p = (const uint8_t *)&out[i];
            w->event_count[out[i].type]++;
            if (w->log) {
                assert_true(w->log_count < w->log_max);
                w->log[w->log_count++] = out[i];
            }
            for (uint32_t b = 0; b < sizeof out[i]; b++)
                w->event_hash = (w->event_hash ^ p[b]) * 0x100000001b3ull;
        }
    } while (n);
    event_commit(w->lane.trading.ring, w->event_cursor);
}

// The region shows every position as it is.
static inline void positions_are_shown(void)
{
    for (uint32_t i = 0; i <= w->desk.risk.position_mask; i++) {
        const struct position *p = &w->desk.risk.positions[i];
        const struct position_money *m = &w->desk.risk.money[i];
        struct position_cell cell;
        assert_true(position_cell_read(&w->desk.shown[i], &cell));
        if (cell.key == 0) { // opened by an order that was refused
            assert_true(p->shares == 0 && p->open_buy == 0 && p->open_sell == 0 && m->bought == 0);
            continue;
        }
        assert_true(cell.key == p->key && position_cell_shares(&cell) == p->shares &&
                    cell.open_buy == p->open_buy && cell.open_sell == p->open_sell &&
                    cell.bought == m->bought && cell.sold == m->sold &&
                    cell.bought_value == m->bought_value && cell.sold_value == m->sold_value &&
                    cell.cost == m->cost);
    }
}

static inline void check(void)
{
    char why[256] = "";
    if (!desk_check(&w->desk, why, sizeof why))
        fail_msg("%s", why);
    positions_are_shown();
    assert_false(w->session.halted);
    events_drain();
}

static void step(void)
{
    uint8_t out[128];
    uint32_t len;
    w->now += STEP;
    w->lane.stamp = w->now;
    if (w->session.state == SESSION_CONNECTING) {
        w->model.connected = true;
        session_opened(&w->session, w->now);
    }
    to_exchange();
    while (w->model.connected && (len = model_send(&w->model, out)) > 0)
        to_client(out, len);
    desk_turn(&w->desk, w->now);
}

static inline void steps_until(enum session_state state)
{
    for (int i = 0; i < 200 && w->session.state != state; i++)
        step();
    assert_true(w->session.state == state);
}

// The lane takes a command in one turn. Its slot is free again, and has the answer until the next.
static inline enum command_result command_taken(struct command_slot *slot)
{
    command_post(slot, 0, region_command_bell(&w->lane.view, 0));
    lane_turn(&w->lane, w->now);
    assert_true(command_done(slot));
    const enum command_result result = slot->result;
    command_release(slot);
    return result;
}
