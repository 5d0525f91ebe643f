#include "bench/latency/lane_world.h"

#include <stdio.h>
#include <string.h>

#include "bench/latency/lane_wire.h"
#include "dataplane/base/check.h"
#include "dataplane/base/memory.h"
#include "dataplane/lane/desk_park.h"

enum { BUDGET_NS = 2000000000, PATIENCE_MS = 1000, HALF_USED = 2 };

static uint64_t tsc_now(void *clock)
{
    (void)clock;
    return clock_tsc();
}

// Huge pages, as the dataplane's tables have them; every page is there.
static void *table(struct lane_world *w, uint64_t bytes, struct error *err)
{
    bool huge;
    void *p = err->code ? NULL : memory_private(bytes, -1, true, &huge, err);
    w->memory += p ? bytes : 0;
    w->huge_pages &= p == NULL || huge;
    return p;
}

static uint64_t power_of_two(uint64_t least)
{
    uint64_t n = 1;
    while (n < least)
        n *= 2;
    return n;
}

// Recorded from the first turn on; who reads it is in time.
static void tape_make(struct lane_world *w, struct error *err)
{
    struct capture_ring *ring = region_capture_ring(&w->view, 0);
    w->tape = table(w, sizeof *w->tape, err);
    if (w->tape == NULL)
        return;
    atomic_store_explicit(&ring->wanted, 1, memory_order_relaxed);
    tape_init(w->tape, &w->lane, ring, region_capture_byte(&w->view, 0), LANE_CAPTURE_BYTES);
}

static void lane_make(struct lane_world *w, const struct lane_options *o, struct error *err)
{
    const struct region_shape shape = {
        .lanes = 1,
        .channels = 1,
        .ports = 1,
        .pools = 1,
        .bill_items = 1,
        .trading_slots =
            o->region || o->control != LANE_CONTROL_ALIVE ? LANE_REGION_SLOTS : LANE_RING_SLOTS,
        .diagnostic_slots = 64,
        .capture_bytes = o->capture ? LANE_CAPTURE_BYTES : 0,
        .symbols = {o->symbols + 1}};
    const struct region_identity identity = lane_region_identity(w);
    struct channel_config cc = {
        .protocol = &feed_itch50,
        .start = CHANNEL_START_FIRST,
        .reorder_frames = 8,
        .reorder_ticks = w->cal.tsc_hz / 1000,
        .hold_frames = 64,
        .request_messages_max = 1000,
        .line_count = 1,
        .book = {.symbols = o->symbols + 1, .orders = o->live + o->live / 4 + 8192}};
    book_config_defaults(&cc.book);
    void *region = o->region ? lane_region_open(w, o->region, region_bytes(&shape), err)
                             : table(w, region_bytes(&shape), err);
    void *notes = table(w, LANE_RING_LEN * sizeof(struct lane_note), err);
    void *answers = table(w, LANE_RING_LEN * sizeof(struct lane_answer), err);
    void *book = table(w, channel_bytes(&cc, NULL), err);
    w->resting = table(w, (o->live + 1) * sizeof *w->resting, err);
    if (err->code || !region_format(region, o->region ? w->region.length : region_bytes(&shape),
                                    &shape, &identity, &w->view)) {
        if (err->code == 0)
            error_set(err, EXIT_FAILED, "no memory for the lane; take fewer --live or --symbols");
        return;
    }
    lane_init(&w->lane, &w->view, 0, notes, answers);
    w->lane.now = tsc_now;
    w->lane.tsc_hz = w->cal.tsc_hz;
    w->lane.gauges_ticks = w->cal.tsc_hz / 1000; // as the dataplane
    w->lane.verify_checksums = true;
    port_sim_init(&w->port, "sim", lane_local_mac);
    w->ports = o->ports;
    w->sockets = o->sockets;
    w->sockets_state = o->sockets_state;
    if (w->ports.in == NULL)
        w->ports.in = w->ports.out = &w->port.port;
    lane_input_add(&w->lane, w->ports.in, 0);
    if (o->capture)
        tape_make(w, err);
    channel_init(&w->channel, &cc, book);
    lane_channel_add(&w->lane, &w->channel);
    lane_route_add(&w->lane, w->ports.in->index, LANE_GROUP, LANE_GROUP_PORT, 0, 0);
}

static void limits_make(struct lane_world *w)
{
    struct limit_table *t = w->limits;
    t->version = 1;
    t->symbol_count = LANE_WATCHED;
    limit_row_open(&t->firm);
    for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
        limit_row_open(&t->accounts[i]);
    for (uint32_t i = 0; i < STRATEGIES_MAX; i++)
        limit_row_open(&t->strategies[i]);
    for (uint32_t i = 0; i < SESSIONS_MAX; i++)
        limit_row_open(&t->sessions[i]);
    for (uint32_t i = 0; i < LANE_WATCHED; i++)
        limit_symbol_open(&t->symbols[i]);
}

static bool session_make(struct lane_world *w, struct transport *transport, struct error *err)
{
    const uint64_t hz = w->cal.tsc_hz;
    const struct session_config sc = {.frames = {.firm = "    ", .capacity = 'P'},
                                      .username = "bench",
                                      .password = "bench",
                                      .sequence = 1,
                                      .heartbeat_ticks = 3600 * hz,
                                      .silence_ticks = 7200 * hz,
                                      .login_ticks = 10 * hz,
                                      .retry_ticks = hz / 1000,
                                      .retry_ticks_max = hz};
    struct tcp_config tc;
    if (transport)
        return session_init(&w->session, &sc, transport, "session", err);
    tcp_config_default(&tc);
    tc.local_ip = LANE_LOCAL_IP;
    tc.remote_ip = LANE_VENUE_IP;
    tc.remote_port = LANE_VENUE_PORT;
    memcpy(tc.local_mac, lane_local_mac, sizeof tc.local_mac);
    void *buffers = table(w, tcp_memory_bytes(&tc), err);
    if (buffers == NULL ||
        !tcp_link_init(&w->link, &tc, buffers, tape_port_of(w->tape, w->ports.out), 0, hz,
                       "session", err) ||
        !session_init(&w->session, &sc, &w->link.transport, "session", err))
        return false;
    tcp_link_bind(&w->link, &w->session);
    tcp_neighbour_set(&w->link.tcp, lane_venue_mac);
    return true;
}

// Number <i> of <w->instances>: every so many-th watched symbol is its own.
static bool strategy_make(struct lane_world *w, uint32_t i, const char *directory,
                          struct error *err)
{
    char path[512], name[16];
    uint16_t symbols[LANE_WATCHED];
    uint32_t count = 0;
    struct strategy_host *host = &w->strategies.hosts[i];
    snprintf(name, sizeof name, "taker%u", i);
    snprintf(path, sizeof path, "%s/taker.so", directory);
    if (!strategy_load(&host->slot, path, name, err))
        return false;
    // 100 shares, at a spread of one tick, against three times as many, up to any position.
    host->slot.setup.parameters = (struct strategy_parameters){4, {100, 100, 3, 1ll << 40}};
    for (uint32_t symbol = i; symbol < LANE_WATCHED; symbol += w->instances)
        symbols[count++] = (uint16_t)symbol;
    desk_strategy_add(&w->desk, host, (uint16_t)(LANE_ACCOUNT + i), symbols, (uint16_t)count,
                      BUDGET_NS);
    if (!strategy_start(&host->slot, err))
        return false;
    desk_strategy_switch(&w->desk, i, STRATEGY_ON);
    return true;
}

static bool desk_make(struct lane_world *w, const struct lane_options *o, struct error *err)
{
    static char names[LANE_WATCHED][8];
    const struct desk_config config = {
        .orders = {.orders = LANE_ORDERS,
                   .sessions = 1,
                   .refs_max = (uint32_t)o->orders + 2,
                   .executions = (uint32_t)power_of_two(HALF_USED * o->orders + 64),
                   .silence_ticks = 3600 * w->cal.tsc_hz},
        .instruments = LANE_WATCHED,
        .positions = 1024,
        .strategies = UINT64_MAX >> (64 - STRATEGY_NOBODY),
        .accounts = ACCOUNTS_MAX,
        .event_credit_min = 64};
    void *watches[SESSIONS_MAX] = {NULL};
    for (uint32_t i = 0; i < LANE_WATCHED; i++)
        lane_symbol_name(names[i], i + 1);
    w->limits = table(w, sizeof *w->limits + LANE_WATCHED * sizeof(struct limit_row), err);
    void *memory = table(w, desk_bytes(&config), err);
    void *warm = table(w, desk_warm_bytes(), err);
    watches[0] = table(w, desk_watch_bytes(o->symbols + 1), err);
    if (err->code)
        return false;
    limits_make(w);
    desk_init(&w->desk, &w->lane, &config, names, w->limits, memory);
    w->lane.desk = &w->desk;
    if (w->tape)
        tape_kills(w->tape);
    if (!session_make(w, o->transport, err))
        return false;
    desk_session_add(&w->desk, &w->session, &w->channel, o->transport ? NULL : &w->link);
    if (o->durable) {
        void *park = table(w, desk_park_bytes(LANE_PARK_ORDERS), err);
        if (park == NULL)
            return false;
        desk_park_add(&w->desk, 0, LANE_PARK_ORDERS,
                      clock_ns_to_ticks(&w->cal, LANE_PARK_US * 1000ull), park);
    }
    desk_strategies_init(&w->desk, &w->strategies, w->cal.tsc_hz, watches);
    desk_warm_init(&w->desk, warm, 0);
    w->instances = o->instances ? o->instances : 1;
    for (uint32_t i = 0; i < w->instances; i++)
        if (!strategy_make(w, i, o->strategies, err))
            return false;
    return o->clients == 0 || lane_client_open(w, o->clients, table, err);
}

// From the handshake to READY.
static bool session_up(struct lane_world *w, struct error *err)
{
    const uint64_t end = clock_tsc() + clock_ns_to_ticks(&w->cal, PATIENCE_MS * 1000000ull);
    while (clock_tsc() < end && w->session.state != SESSION_READY) {
        lane_world_turn(w);
        if (!lane_venue_take(w))
            return error_set(err, EXIT_FAILED, "the lane sent a frame that makes no sense");
        lane_venue_greet(w);
    }
    return w->session.state == SESSION_READY || error_set(err, EXIT_FAILED, "the session stays %s",
                                                          session_state_name(w->session.state));
}

void lane_wire_push(struct lane_world *w, const void *bytes, uint32_t len)
{
    struct port *port = w->ports.far_out;
    struct frame frame = {0};
    const uint64_t end = clock_tsc() + clock_ns_to_ticks(&w->cal, PATIENCE_MS * 1000000ull);
    if (port == NULL) {
        MUST(port_sim_push(&w->port, 0, bytes, len, 0, 0));
        return;
    }
    while (!port->ops->buffer(port, 0, &frame))
        MUST(clock_tsc() < end); // nobody gives buffers back
    memcpy((void *)(uintptr_t)frame.data, bytes, len);
    frame.len = len;
    w->pushed = clock_tsc();
    while (port->ops->send(port, 0, &frame, 1) != 1)
        MUST(clock_tsc() < end); // nobody takes frames
}

bool lane_wire_pop(struct lane_world *w, struct frame *frame)
{
    struct port *port = w->ports.far_in;
    if (port == NULL)
        return port_sim_sent(&w->port, frame);
    if (w->popped.owner)
        port->ops->release(port, &w->popped);
    w->popped.owner = NULL;
    if (port->ops->receive(port, 0, &w->popped, 1) == 0)
        return false;
    w->popped_at = clock_tsc();
    *frame = w->popped;
    return true;
}

bool lane_world_settle(struct lane_world *w)
{
    const uint64_t end = clock_tsc() + clock_ns_to_ticks(&w->cal, PATIENCE_MS * 1000000ull);
    do
        lane_world_turn(w);
    while (w->channel.arbiter.next < w->sequence && clock_tsc() < end);
    return w->channel.arbiter.next >= w->sequence;
}

static bool opening(struct lane_world *w, const struct lane_options *o, struct error *err)
{
    if (o->control != LANE_CONTROL_ABSENT && !o->region) // one that has stopped leaves that behind
        atomic_store(&region_record_word(&w->lane.view, 0)->state, RECORD_WRITTEN);
    w->drained = o->control == LANE_CONTROL_ALIVE;
    lane_market_open(w, o->live);
    lane_world_events(w, NULL, 0);
    if (w->channel.quality != QUALITY_GOOD || w->channel.book.orders_live < o->live)
        return error_set(err, EXIT_FAILED, "the opening book is not whole: a defect");
    return o->region == NULL || lane_region_publish(w, err);
}

struct lane_world *lane_world_open(const struct lane_options *o, struct error *err)
{
    bool huge;
    struct lane_world *w = memory_private(sizeof *w, -1, true, &huge, err);
    if (w == NULL)
        return NULL;
    w->huge_pages = huge;
    clock_calibrate(&w->cal, 100);
    w->symbols = o->symbols > LANE_WATCHED ? o->symbols : LANE_WATCHED;
    w->sequence = 1;
    random_seed(&w->random, o->seed);
    lane_make(w, o, err);
    if (err->code == 0 && desk_make(w, o, err) && session_up(w, err) && opening(w, o, err)) {
        memory_stay();
        return w;
    }
    lane_region_close(w);
    return NULL;
}

void lane_world_close(struct lane_world *w)
{
    for (uint32_t i = 0; i < w->instances; i++)
        strategy_unload(&w->strategies.hosts[i].slot);
    lane_region_close(w);
}

uint32_t lane_world_events(struct lane_world *w, struct event *out, uint32_t max)
{
    const struct event_writer *ring = &w->lane.trading;
    uint32_t n = 0;
    const uint64_t fresh = ring->tail - w->events_read;
    for (uint64_t at = fresh > max ? ring->tail - max : w->events_read; out && at != ring->tail;
         at++)
        out[n++] = ring->slots[at & ring->mask];
    w->events_read = ring->tail;
    if (w->tape && !w->shared)
        atomic_store_explicit(&w->tape->ring->head,
                              atomic_load_explicit(&w->tape->ring->tail, memory_order_relaxed),
                              memory_order_release);
    if (!w->shared && w->drained)
        event_commit(ring->ring, w->events_read);
    return n;
}
