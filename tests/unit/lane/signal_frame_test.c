// Signals by UDP through a lane: from the frame to the strategies, what is refused, and which of
// two sources is heard.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/base/ip.h"
#include "dataplane/lane/answer.h"
#include "dataplane/lane/desk_command.h"
#include "dataplane/lane/desk_signal.h"
#include "dataplane/lane/desk_strategy.h"
#include "dataplane/port/port_sim.h"
#include "dataplane/wire/frame_build.h"
#include "dataplane/wire/signal.h"
#include "tests/lib/desk_world.h"

enum { MS = 1000000, HZ = 1000000000 }; // a tick is a nanosecond
enum {
    GROUP = 0xEF070707,
    OTHER_GROUP = 0xEF070708,
    OWN = 0x0A000001,
    SENDER = 0x0A000009,
    FROM = 7000,
    TO = 7100
};
enum { FIRST = 0, SECOND = 2, ALONE = 3 }; // 1 is another lane's
static const uint64_t UTC_AT = 1800000000ull * HZ;

static struct port_sim port;
static struct desk_strategies strategies;
static struct desk_signals signals;
static void *places;
static uint64_t started;

struct notes {
    struct strategy_setup setup;
    uint32_t count;
    struct strategy_signal last;
};
static struct notes *heard;

static bool notes_start(void *state, const struct strategy_setup *setup, const char **why)
{
    (void)why;
    ((struct notes *)state)->setup = *setup;
    return true;
}

static void notes_signal(void *state, const struct strategy_signal *signal)
{
    struct notes *n = state;
    n->count++;
    n->last = *signal;
}

static const struct strategy notes = {.interface = STRATEGY_INTERFACE,
                                      .state_bytes = sizeof(struct notes),
                                      .name = "notes",
                                      .start = notes_start,
                                      .signal = notes_signal};

// --- the world

static void source_add(uint32_t source, uint16_t first, uint32_t group, uint16_t number)
{
    const struct signal_policy policy = {.rate_ticks = MS,
                                         .burst_ticks = 20ull * MS,
                                         .faults_ticks = HZ,
                                         .rest_ticks = 5ull * HZ,
                                         .silence_ticks = 2ull * HZ,
                                         .second_ticks = HZ,
                                         .ahead_ns = MS,
                                         .faults = 3};
    const struct desk_signal_way way = {.group = group,
                                        .sender = SENDER,
                                        .udp_port = TO,
                                        .sender_port = number == 9 ? 0 : FROM,
                                        .number = number,
                                        .client = SIGNAL_NO_CLIENT};
    desk_signal_add(&w->desk, source, "source", first, &policy, &way);
}

static int begin(void **state)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    static const uint16_t instruments[] = {1, 2};
    void *const nothing[SESSIONS_MAX] = {NULL};
    struct error err = {0};
    (void)state;
    world_open(3);
    w->now = 10ull * HZ;
    for (uint32_t i = 0; i < 1000 && w->session.state != SESSION_READY; i++)
        step();
    assert_int_equal(w->session.state, SESSION_READY);
    started = w->now;
    const struct desk_signal_clock clock = {.tsc_hz = HZ, .tsc_at = w->now, .utc_ns_at = UTC_AT};
    port_sim_init(&port, "sim", mac);
    lane_input_add(&w->lane, &port.port, 0);
    w->lane.desk = &w->desk;
    places = zeroed(desk_signals_bytes(MODEL_SYMBOLS));
    desk_signals_init(&w->desk, &signals, 4, &clock, places);
    source_add(FIRST, FIRST, GROUP, 7);
    source_add(SECOND, FIRST, GROUP, 8);
    source_add(ALONE, ALONE, OWN, 9);
    desk_strategies_init(&w->desk, &strategies, HZ, nothing);
    assert_true(strategy_attach(&strategies.hosts[0].slot, &notes, "notes", &err));
    desk_strategy_add(&w->desk, &strategies.hosts[0], 1, instruments, 2, 1000ull * MS);
    assert_true(strategy_start(&strategies.hosts[0].slot, &err));
    desk_strategy_switch(&w->desk, 0, STRATEGY_ON);
    heard = strategies.hosts[0].slot.state;
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_int_equal(port_sim_free(&port), SIM_BUFFERS); // every frame was given back
    strategy_unload(&strategies.hosts[0].slot);
    free(places);
    world_close();
    return 0;
}

// --- datagrams

struct addresses {
    uint32_t from, to;
    uint16_t from_port, to_port;
};
static const struct addresses usual = {SENDER, GROUP, FROM, TO};

static void frame_arrives(const uint8_t *payload, uint32_t len, const struct addresses *a)
{
    static const uint8_t remote[6] = {2, 0, 0, 0, 0, 9}, own[6] = {2, 0, 0, 0, 0, 1};
    uint8_t frame[1600], group[6];
    frame_mac_of_group(group, a->to);
    const struct frame_udp_out out = {.dst_mac = ip_is_multicast(a->to) ? group : own,
                                      .src_mac = remote,
                                      .vlan = FRAME_NO_VLAN,
                                      .src_port = a->from_port,
                                      .dst_port = a->to_port,
                                      .src_ip = a->from,
                                      .dst_ip = a->to};
    const uint32_t bytes = frame_udp_build(frame, &out, payload, (uint16_t)len);
    assert_true(port_sim_push(&port, 0, frame, bytes, 0, 0));
    assert_int_equal(lane_burst(&w->lane, 0), 1);
}

static uint64_t utc(void)
{
    return UTC_AT + (w->now - started);
}

static struct signal_record some(uint16_t source, uint64_t number)
{
    return (struct signal_record){.number = number,
                                  .as_of_ns = utc(),
                                  .value = {1000100, -7, INT64_MIN, INT64_MAX},
                                  .symbol = "SYMB    ",
                                  .horizon_ms = 250,
                                  .ttl_ms = 30,
                                  .source = source,
                                  .confidence = 9000};
}

static void arrives(const struct signal_record *r, uint32_t count, const struct addresses *a)
{
    uint8_t bytes[SIGNAL_HEADER_LEN + 4 * SIGNAL_RECORD_LEN];
    uint32_t len = SIGNAL_HEADER_LEN;
    assert_true(count <= 4);
    signal_header_write(bytes, 1, count);
    for (uint32_t i = 0; i < count; i++)
        len = signal_record_write(bytes, i, &r[i]);
    frame_arrives(bytes, len, a);
}

static void one(uint16_t source, uint64_t number)
{
    const struct signal_record r = some(source, number);
    arrives(&r, 1, &usual);
}

static void turn(uint64_t later)
{
    w->now += later;
    lane_turn(&w->lane, w->now);
}

// The newest event of <type>, null: none.
static const struct event *event_of(uint16_t type)
{
    const struct event_writer *e = &w->lane.trading;
    for (uint64_t at = e->tail; at-- > 0;)
        if (e->slots[at & e->mask].type == type)
            return &e->slots[at & e->mask];
    return NULL;
}

static uint32_t events_of(uint16_t type)
{
    const struct event_writer *e = &w->lane.trading;
    uint32_t count = 0;
    for (uint64_t at = 0; at < e->tail; at++)
        count += e->slots[at & e->mask].type == type;
    return count;
}

static const struct signal_counters *counts(uint32_t source)
{
    return &signals.table.sources[source].count;
}

// --- tests

static void strategies_hear_every_record_of_a_datagram(void **state)
{
    (void)state;
    struct signal_record r[3] = {some(7, 1), some(7, 2), some(7, 3)};
    memcpy(r[1].symbol, "SYMD    ", 8); // traded, but not by the strategy
    memcpy(r[2].symbol, "SYMC    ", 8);
    r[0].as_of_ns -= 10 * MS;
    r[1].as_of_ns = r[2].as_of_ns = r[0].as_of_ns;
    r[2].ttl_ms = 0;
    const uint64_t input = w->lane.input;
    arrives(r, 3, &usual);
    assert_int_equal(w->lane.input, input + 2); // the burst and its frame
    assert_true(heard->count == 2 && counts(FIRST)->told == 3);
    assert_true(heard->last.symbol == 2 && heard->last.sequence == 3);
    assert_true(heard->last.source == FIRST && heard->last.first == FIRST);
    assert_true(heard->last.value[0] == 1000100 && heard->last.value[3] == INT64_MAX);
    assert_true(heard->last.until_ns == UINT64_MAX && heard->last.confidence == 9000);
    const struct event *e = event_of(EVENT_SIGNAL);
    assert_true(e->input == w->lane.input && e->signal.number == 3 && e->signal.instrument == 2);
    assert_true(e->signal.source == FIRST && e->signal.told == 1 && e->signal.confidence == 9000);
    assert_true(e->signal.value_1 == -7 && e->signal.as_of_ns == r[0].as_of_ns);
    assert_int_equal(events_of(EVENT_SIGNAL), 3);
    // Good for 30 ms from its as-of on, of which 10 have gone by.
    one(7, 4);
    assert_int_equal(heard->last.until_ns, w->now + 30 * MS);
    struct signal_record old = some(7, 5);
    old.as_of_ns = utc();
    w->now += 10 * MS;
    arrives(&old, 1, &usual);
    assert_int_equal(heard->last.until_ns, w->now + 20 * MS);
    assert_int_equal(w->lane.count->signal_frames, 3);
}

static void who_is_no_source_is_refused(void **state)
{
    (void)state;
    const struct addresses strangers[] = {
        {SENDER + 1, GROUP, FROM, TO}, {SENDER, GROUP, FROM + 1, TO}, {SENDER + 1, OWN, FROM, TO}};
    const struct signal_record r = some(7, 1), foreign = some(1, 1);
    for (uint32_t i = 0; i < ARRAY_LEN(strangers); i++)
        arrives(&r, 1, &strangers[i]);
    arrives(&foreign, 1, &usual); // a number that nobody of this sender has
    assert_true(heard->count == 0 && w->lane.count->signal_strangers == 4);
    assert_int_equal(events_of(EVENT_SIGNAL_REFUSED), 1); // one a second
    const struct event *e = event_of(EVENT_SIGNAL_REFUSED);
    assert_true(e->signal_refused.source == SIGNAL_NOBODY && e->signal_refused.count == 1);
    assert_true(e->signal_refused.verdict == SIGNAL_SENDER);
    assert_true(e->signal_refused.sender == SENDER + 1 && e->signal_refused.sender_port == FROM);
    w->now += HZ;
    arrives(&foreign, 1, &usual);
    e = event_of(EVENT_SIGNAL_REFUSED);
    assert_true(e->signal_refused.count == 4 && e->signal_refused.sender == SENDER);
    // A stranger opens nobody's breaker.
    assert_true(counts(FIRST)->faults == 0 && counts(SECOND)->faults == 0);
    // A sender that may use any of its ports, to our own address.
    const struct signal_record alone = some(9, 1);
    arrives(&alone, 1, &(struct addresses){SENDER, OWN, 40001, TO});
    assert_true(heard->count == 1 && counts(ALONE)->told == 1);
    // Another destination is no signal's.
    const uint64_t frames = w->lane.count->signal_frames, others = w->lane.count->frames_foreign;
    arrives(&r, 1, &(struct addresses){SENDER, GROUP, FROM, TO + 1});
    arrives(&r, 1, &(struct addresses){SENDER, OTHER_GROUP, FROM, TO});
    assert_int_equal(w->lane.count->signal_frames, frames);
    assert_int_equal(w->lane.count->frames_foreign, others + 2);
}

static void what_is_malformed_counts_for_its_sender(void **state)
{
    (void)state;
    uint8_t bytes[SIGNAL_HEADER_LEN + 2 * SIGNAL_RECORD_LEN];
    const struct signal_record r = some(8, 1);
    signal_header_write(bytes, 1, 1);
    const uint32_t len = signal_record_write(bytes, 0, &r);
    frame_arrives(bytes, len - 1, &usual);
    frame_arrives(bytes, len + 1, &usual);
    assert_int_equal(counts(FIRST)->refused_format, 2); // the first of this sender
    frame_arrives(bytes, 0, &usual);
    assert_int_equal(signals.table.sources[FIRST].state, SIGNAL_STATE_OPEN);
    const struct event *e = event_of(EVENT_SIGNAL_STATE);
    assert_true(e->signal_state.source == FIRST && e->signal_state.was == SIGNAL_STATE_WAITING);
    assert_true(e->signal_state.now == SIGNAL_STATE_OPEN && e->signal_state.faults == 3);
    assert_int_equal(e->signal_state.verdict, SIGNAL_FORMAT);
    frame_arrives(bytes, len, &usual); // the other of the sender is as it was
    assert_true(heard->count == 1 && heard->last.source == SECOND);
    struct signal_record foreign = some(8, 2);
    memcpy(foreign.symbol, "NOBODY  ", 8);
    arrives(&foreign, 1, &usual);
    assert_true(counts(SECOND)->refused_symbol == 1 && counts(SECOND)->faults == 0);
}

static void another_stands_in(void **state)
{
    (void)state;
    one(8, 1);
    assert_true(heard->last.source == SECOND && heard->last.first == FIRST);
    const struct event *e = event_of(EVENT_SIGNAL_FALLBACK);
    assert_true(e->signal_fallback.first == FIRST && e->signal_fallback.now == SECOND &&
                e->signal_fallback.was == SIGNAL_NOBODY);
    one(7, 1);
    assert_true(heard->last.source == FIRST && heard->count == 2);
    one(8, 2); // recorded, and stands by
    assert_int_equal(heard->count, 2);
    e = event_of(EVENT_SIGNAL);
    assert_true(e->signal.source == SECOND && e->signal.told == 0);
    for (uint32_t i = 0; i < 3; i++)
        one(7, 1); // three times the same
    e = event_of(EVENT_SIGNAL_FALLBACK);
    assert_true(e->signal_fallback.was == FIRST && e->signal_fallback.now == SECOND);
    one(8, 3);
    assert_true(heard->count == 3 && heard->last.source == SECOND);
    one(7, 2);
    assert_int_equal(counts(FIRST)->refused_breaker, 1);
    // Both are silent before the breaker closes: nobody is heard.
    turn(2ull * HZ);
    assert_int_equal(signals.table.sources[SECOND].state, SIGNAL_STATE_SILENT);
    e = event_of(EVENT_SIGNAL_FALLBACK);
    assert_true(e->signal_fallback.was == SECOND && e->signal_fallback.now == SIGNAL_NOBODY);
    turn(3ull * HZ);
    e = event_of(EVENT_SIGNAL_STATE);
    assert_true(e->signal_state.source == FIRST && e->signal_state.was == SIGNAL_STATE_OPEN &&
                e->signal_state.now == SIGNAL_STATE_WAITING);
    one(7, 3);
    assert_true(heard->count == 4 && heard->last.source == FIRST);
}

static enum command_result order(enum command_type type, uint32_t source)
{
    const struct govern_request ask = {.chosen = source, .user = 42, .reason = "why"};
    struct govern_answer answer;
    uint64_t sequence;
    return desk_command(&w->lane, type, &ask, &answer, &sequence);
}

static void a_person_stops_and_resumes(void **state)
{
    (void)state;
    one(7, 1);
    one(8, 1);
    assert_int_equal(order(COMMAND_SIGNAL_STOP, 1), COMMAND_RESULT_BAD_ARGUMENT); // not ours
    assert_int_equal(order(COMMAND_SIGNAL_STOP, 4), COMMAND_RESULT_BAD_ARGUMENT);
    assert_int_equal(order(COMMAND_SIGNAL_RESUME, FIRST), COMMAND_RESULT_NOTHING);
    assert_int_equal(order(COMMAND_SIGNAL_STOP, FIRST), COMMAND_RESULT_OK);
    const struct event *e = event_of(EVENT_GOVERNED);
    assert_true(e->governed.index == FIRST && e->governed.user == 42 &&
                e->governed.command == COMMAND_SIGNAL_STOP);
    one(7, 2);
    one(8, 2);
    assert_true(heard->last.source == SECOND && counts(FIRST)->refused_breaker == 1);
    turn(3600ull * HZ);
    assert_int_equal(signals.table.sources[FIRST].state, SIGNAL_STATE_STOPPED);
    assert_int_equal(order(COMMAND_SIGNAL_RESUME, FIRST), COMMAND_RESULT_OK);
    one(7, 3);
    assert_int_equal(heard->last.source, FIRST);
}

// What the main lcore has found of UTC since the start.
static void utc_moves(void **state)
{
    (void)state;
    const struct lane_answer answer = {.kind = ANSWER_UTC, .sequence = (uint64_t) - (100ll * MS)};
    one(7, 1);
    assert_true(spsc_push(&w->lane.answers, &answer));
    answers_take(&w->lane, w->now);
    w->now += 190 * MS;
    one(7, 2); // 100 ms ahead of what the lane takes for now
    assert_int_equal(counts(FIRST)->refused_future, 1);
    struct signal_record r = some(7, 3);
    r.as_of_ns = utc() - 99ull * MS + 1; // 1 ms is what clocks may differ by
    arrives(&r, 1, &usual);
    assert_int_equal(counts(FIRST)->refused_future, 2);
    r.number = 4;
    r.as_of_ns--;
    arrives(&r, 1, &usual);
    assert_true(heard->count == 2 && heard->last.sequence == 4);
}

// Nothing but signals, several rings of them, and a journal that keeps up: none is refused for
// room.
static void signals_alone_find_room(void **state)
{
    struct event_writer *events = &w->lane.trading;
    const uint32_t count = 3 * (events->mask + 1);
    (void)state;
    w->desk.risk.event_credit_min = 64;
    for (uint32_t i = 1; i <= count; i++) {
        w->now += MS;
        one(7, i);
        event_commit(events->ring, events->tail);
    }
    assert_true(heard->count == count && counts(FIRST)->refused_record == 0);
}

static void a_lane_without_sources_takes_none(void **state)
{
    (void)state;
    w->desk.signals = NULL;
    const uint64_t foreign = w->lane.count->frames_foreign;
    one(7, 1);
    assert_int_equal(w->lane.count->frames_foreign, foreign + 1);
    assert_int_equal(order(COMMAND_SIGNAL_STOP, FIRST), COMMAND_RESULT_BAD_ARGUMENT);
    turn(HZ);
    assert_int_equal(w->lane.count->signal_frames, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(strategies_hear_every_record_of_a_datagram),
        TEST(who_is_no_source_is_refused),
        TEST(what_is_malformed_counts_for_its_sender),
        TEST(another_stands_in),
        TEST(a_person_stops_and_resumes),
        TEST(utc_moves),
        TEST(signals_alone_find_room),
        TEST(a_lane_without_sources_takes_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
