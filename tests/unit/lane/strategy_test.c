// From a frame with market data to the frame with an order, in one turn of the lane.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
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

static uint64_t world_now(void *clock)
{
    const struct world *world = clock;
    return world->now;
}

static void *zeroed(uint64_t bytes)
{
    bytes = (bytes + 127) / 128 * 128;
    void *p = aligned_alloc(128, bytes);
    assert_non_null(p);
    memset(p, 0, bytes);
    w->blocks[w->block_count++] = p;
    return p;
}

static void lane_make(void)
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

static void desk_make(void)
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

static int open_world(void **state)
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

static int close_world(void **state)
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

static uint8_t *message(char type, uint32_t len)
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

static void add(uint64_t ref, char side, uint32_t shares, uint32_t price)
{
    uint8_t *p = message('A', 36);
    be64_store(p + 11, ref);
    p[19] = (uint8_t)side;
    be32_store(p + 20, shares);
    memcpy(p + 24, "MSFT    ", 8);
    be32_store(p + 32, price);
}

static void delete_order(uint64_t ref)
{
    be64_store(message('D', 19) + 11, ref);
}

// One turn of the lane with what was collected as one frame.
static void turn(void)
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

static void announce(void)
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
    uint64_t slow_order, slow_enabled;
    bool fires; // sends an order with the next change
    uint32_t refusal, number;
};

static struct notes *notes_of(uint32_t index)
{
    return w->strategies.hosts[index].slot.state;
}

static bool notes_start(void *state, const struct strategy_setup *setup, const char **why)
{
    struct notes *n = state;
    (void)why;
    n->setup = *setup;
    return setup->symbol_count > 0;
}

static void notes_best(void *state, const struct strategy_best *best)
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

static void notes_trade(void *state, const struct strategy_best *best)
{
    (void)best;
    ((struct notes *)state)->trade++;
}

static void notes_quality(void *state, const struct strategy_best *best)
{
    ((struct notes *)state)->quality++;
    ((struct notes *)state)->last = *best;
}

static void notes_order(void *state, const struct strategy_report *report)
{
    ((struct notes *)state)->order++;
    ((struct notes *)state)->report = *report;
    w->now += ((struct notes *)state)->slow_order;
}

static void notes_timer(void *state, uint64_t now_ns)
{
    (void)now_ns;
    ((struct notes *)state)->timer++;
}

static bool notes_parameters(void *state, const struct strategy_parameters *p)
{
    ((struct notes *)state)->parameters = p->count;
    return true;
}

static void notes_enabled(void *state, bool enabled)
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

static uint32_t strategy_join(uint32_t index, uint16_t instrument)
{
    struct error err = {0};
    struct strategy_host *host = &w->strategies.hosts[index];
    desk_strategy_add(&w->desk, host, 1, &instrument, 1, 5000);
    assert_true(strategy_start(&host->slot, &err));
    desk_strategy_switch(&w->desk, index, STRATEGY_ON);
    return index;
}

static struct notes *watcher(uint32_t index, uint16_t instrument)
{
    struct error err = {0};
    assert_true(strategy_attach(&w->strategies.hosts[index].slot, &notes, "notes", &err));
    return notes_of(strategy_join(index, instrument));
}

// --- tests ---

static void a_book_change_becomes_an_order_in_the_same_turn(void **state)
{
    (void)state;
    struct notes *n = watcher(0, 0);
    announce();
    add(1, 'B', 300, 1000000);
    add(2, 'S', 200, 1000100);
    turn();
    assert_true(n->best > 0);
    assert_true(n->last.bid == 1000000 && n->last.ask == 1000100 && n->last.bid_shares == 300 &&
                n->last.quality == 0);
    n->fires = true;
    w->rig.sent_len = 0;
    const uint64_t from = w->lane.trading.tail;
    add(3, 'S', 50, 1000000 + 50);
    turn();
    assert_int_equal(n->refusal, REFUSAL_NONE);
    assert_int_equal(w->rig.sent_len, 3 + 47 + 3); // with the option that was asked for
    assert_int_equal(w->rig.sent[3], 'O');
    assert_int_equal(be32_load(w->rig.sent + 3 + 6), 100);
    // The record of the decision stands before the one of its sending, with what it saw.
    const struct event *e = &w->lane.trading.slots[from & w->lane.trading.mask];
    assert_int_equal(e[0].type, EVENT_ORDER_OPTIONS);
    assert_int_equal(e[0].order_options.post_only, 'N');
    e++;
    assert_int_equal(e[0].type, EVENT_DECISION);
    assert_int_equal(e[1].type, EVENT_ORDER_SENT);
    assert_true(e[0].decision.bid == 1000000 && e[0].decision.ask == 1000050 &&
                e[0].decision.refusal == REFUSAL_NONE && e[0].decision.quality == 0);
    assert_true(e[1].order_sent.decision == e[0].sequence);
    assert_int_equal(w->desk.risk.firm.orders, 1);
}

static void only_who_watches_is_told(void **state)
{
    (void)state;
    struct notes *n = watcher(0, 0), *other = watcher(1, 1);
    announce();
    add(1, 'B', 300, 1000000);
    turn();
    const uint32_t told = n->best;
    assert_true(told > 0);
    assert_int_equal(other->best + other->quality + other->trade, 0);
    turn(); // nothing has changed
    assert_int_equal(n->best, told);
    delete_order(1);
    turn();
    assert_int_equal(n->best, told + 1);
    assert_int_equal(n->last.bid, 0);
}

static void a_gap_tells_that_the_book_is_in_doubt(void **state)
{
    (void)state;
    struct notes *n = watcher(0, 0);
    announce();
    add(1, 'B', 300, 1000000);
    turn();
    const uint32_t told = n->quality;
    w->sequence += 2; // two messages are missing
    add(2, 'B', 300, 1000000);
    turn();
    w->now += 10000;
    lane_turn(&w->lane, w->now);
    w->now += 10000;
    lane_turn(&w->lane, w->now);
    turn();
    assert_int_equal(n->quality, told + 1);
    assert_int_equal(n->last.quality, QUALITY_SUSPECT);
    // What it then asks for is refused.
    uint32_t number;
    const struct strategy_order ask = {
        .quantity = 100, .price = 1000000, .side = 'B', .time_in_force = '0', .display = 'Y'};
    struct strategy_refusal why;
    assert_int_equal(n->setup.calls->submit(n->setup.host, &ask, &number), REFUSAL_BOOK_QUALITY);
    assert_true(n->setup.calls->refused(n->setup.host, REFUSAL_BOOK_QUALITY, &why));
    assert_true(why.value == QUALITY_SUSPECT && why.limit == QUALITY_GOOD && why.owner == 0);
    assert_int_equal(why.scope, STRATEGY_SCOPE_SYMBOL);
    // Of another refusal, or of somebody else's order, nothing is known.
    assert_false(n->setup.calls->refused(n->setup.host, REFUSAL_QUANTITY, &why));
    assert_true(why.value == 0 && why.scope == STRATEGY_SCOPE_NONE);
    w->desk.refused.strategy++;
    assert_false(n->setup.calls->refused(n->setup.host, REFUSAL_BOOK_QUALITY, &why));
}

static void who_is_late_is_disabled_and_its_orders_cancelled(void **state)
{
    (void)state;
    struct notes *n = watcher(0, 0);
    announce();
    add(1, 'B', 300, 1000000);
    add(2, 'S', 300, 1000100);
    turn();
    n->fires = true;
    add(3, 'S', 300, 1000050);
    turn();
    assert_int_equal(w->desk.orders.sessions[0].open_count, 1);
    n->slow = 5001;
    delete_order(3);
    turn();
    assert_int_equal(w->strategies.hosts[0].slot.off, STRATEGY_OFF_LATE);
    assert_int_equal(w->strategies.hosts[0].slot.late, 1);
    turn();
    assert_int_equal(w->session.count.cancels, 1);
    const uint32_t told = n->best;
    n->slow = 0;
    delete_order(2);
    turn();
    assert_int_equal(n->best, told);
    // Of its orders it is told all the same: the cancel comes too late, and the order executes.
    struct own_order *o = orders_at(&w->desk.orders, n->number);
    const uint32_t orders = n->order;
    struct ouch_report r = {.kind = REPORT_EXECUTED,
                            .letter = 'E',
                            .time_ns = 1,
                            .ref = o->ref,
                            .quantity = 60,
                            .price = o->price,
                            .match = 1};
    desk_report(&w->desk, 0, &r);
    assert_true(n->order == orders + 1 && n->report.fill_shares == 60 && n->report.filled == 60);
    const uint64_t switched = w->lane.trading.sequence;
    n->slow_order = 5001; // late again: counted, it is off already
    r = (struct ouch_report){.kind = REPORT_CANCELED,
                             .letter = 'C',
                             .time_ns = 2,
                             .ref = o->ref,
                             .quantity = o->open,
                             .reason = 'U'};
    desk_report(&w->desk, 0, &r);
    n->slow_order = 0;
    assert_true(n->order == orders + 2 && n->report.state == STRATEGY_DEAD);
    assert_int_equal(w->strategies.hosts[0].slot.late, 2);
    assert_int_equal(w->strategies.hosts[0].slot.off, STRATEGY_OFF_LATE);
    assert_int_equal(w->lane.trading.sequence, switched + 1); // the order's record, no other
    const struct strategy_order ask = {
        .quantity = 1, .price = 1, .side = 'B', .time_in_force = '0', .display = 'Y'};
    assert_int_equal(n->setup.calls->submit(n->setup.host, &ask, &n->number),
                     REFUSAL_STRATEGY_DISABLED);
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON); // a person
    add(4, 'S', 300, 1000100);
    turn();
    assert_int_equal(n->best, told + 1);
}

static void being_switched_on_has_the_same_budget(void **state)
{
    (void)state;
    struct notes *n = watcher(0, 0);
    const struct strategy_slot *slot = &w->strategies.hosts[0].slot;
    // Switched off it is late with what does not matter any more: it stays off by that person.
    n->slow_enabled = 5001;
    desk_strategy_switch(&w->desk, 0, STRATEGY_OFF_ASKED);
    assert_true(slot->off == STRATEGY_OFF_ASKED && slot->late == 1);
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    assert_true(slot->off == STRATEGY_OFF_LATE && slot->late == 2);
    assert_int_equal(w->strategies.on, 0);
    desk_strategy_first(&w->desk, 0); // nobody's budget at the start
    assert_true(slot->off == STRATEGY_ON && slot->late == 2);
    n->slow_enabled = 0;
    desk_strategy_switch(&w->desk, 0, STRATEGY_OFF_ASKED);
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    assert_true(slot->off == STRATEGY_ON && slot->late == 2);
}

static void timers_parameters_and_reading(void **state)
{
    (void)state;
    struct notes *n = watcher(0, 0);
    struct strategy_best best;
    struct strategy_level levels[STRATEGY_DEPTH_MAX];
    struct strategy_position position;
    const struct strategy_calls *calls = n->setup.calls;
    announce();
    assert_string_equal(n->setup.names[0], "MSFT    ");
    add(1, 'B', 300, 1000000);
    add(2, 'B', 100, 999900);
    turn();
    assert_true(calls->best(n->setup.host, 0, 0, &best) && best.bid == 1000000);
    assert_false(calls->best(n->setup.host, 0, 1, &best)); // not on this channel
    assert_false(calls->best(n->setup.host, 5, 0, &best));
    assert_int_equal(calls->depth(n->setup.host, 0, 0, true, 100, levels), 2);
    assert_true(levels[1].price == 999900 && levels[1].shares == 100 && levels[1].orders == 1);
    assert_true(calls->position(n->setup.host, 0, &position) && position.shares == 0);
    assert_false(calls->position(n->setup.host, 2, &position));
    const uint32_t places = w->desk.risk.position_count;
    position.shares = 1;
    assert_true(calls->position(n->setup.host, 1, &position) && position.shares == 0);
    assert_int_equal(w->desk.risk.position_count, places); // who only asks takes no place
    calls->timer_set(n->setup.host, calls->now_ns(n->setup.host) + 1000);
    w->now += 998;
    lane_turn(&w->lane, w->now);
    assert_int_equal(n->timer, 0);
    w->now += 2;
    lane_turn(&w->lane, w->now);
    lane_turn(&w->lane, w->now);
    assert_int_equal(n->timer, 1);
    desk_strategy_parameters(&w->desk, 0, &(struct strategy_parameters){.count = 3});
    assert_int_equal(n->parameters, 3);
    assert_int_equal(n->enabled, 1);
    assert_int_equal(calls->cancel(n->setup.host, 0), REFUSAL_UNKNOWN_ORDER);
    assert_int_equal(calls->replace(n->setup.host, 99, 1, 1), REFUSAL_UNKNOWN_ORDER);
}

static void the_example_maker_quotes_moves_and_pulls(void **state)
{
    (void)state;
    struct error err = {0};
    struct strategy_slot *slot = &w->strategies.hosts[0].slot;
    if (!strategy_load(slot, STRATEGIES_DIR "/maker.so", "maker", &err))
        fail_msg("%s", err.text);
    slot->setup.parameters = (struct strategy_parameters){3, {200, 100, 1000}};
    strategy_join(0, 0);
    announce();
    add(1, 'B', 300, 1000000);
    add(2, 'S', 300, 1000200);
    turn();
    assert_int_equal(w->session.count.sent, 2);
    assert_int_equal(be32_load(w->rig.sent + 3 + 22), 1000000); // buys below the middle ...
    assert_int_equal(be32_load(w->rig.sent + 50 + 3 + 22), 1000200);
    // The exchange halts the symbol: both quotes go.
    uint8_t *p = message('H', 25);
    memcpy(p + 11, "MSFT    ", 8);
    p[19] = 'H';
    turn();
    assert_int_equal(w->session.count.cancels, 2);
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_book_change_becomes_an_order_in_the_same_turn),
        WORLD_TEST(only_who_watches_is_told),
        WORLD_TEST(a_gap_tells_that_the_book_is_in_doubt),
        WORLD_TEST(who_is_late_is_disabled_and_its_orders_cancelled),
        WORLD_TEST(being_switched_on_has_the_same_budget),
        WORLD_TEST(timers_parameters_and_reading),
        WORLD_TEST(the_example_maker_quotes_moves_and_pulls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
