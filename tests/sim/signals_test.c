// Signals by UDP through the whole dataplane, from seeds: three senders over wires that lose,
// repeat and reorder, and that stand still for a while. Senders flood, go back in time, run ahead,
// fall silent, send rubbish and begin anew, while a market goes on and two strategies trade. A
// strategy hears exactly what a plain model of docs/signals.md says, and orders are the same with
// signals and without them, unless a strategy makes one of them: under its own limits.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SIM_PROPERTIES 12
#include "dataplane/base/ip.h"
#include "dataplane/lane/desk_signal.h"
#include "dataplane/wire/frame_build.h"
#include "tests/sim/seeds.h"
#include "tests/sim/signal_model.h"
#include "tests/sim/trade_world.h"

enum { HZ = 1000000000, US = 1000, MS = 1000000 };
enum {
    STEPS = 2500,
    WATCHED = 4, // symbols that the listener trades, of TRADE_SYMBOLS
    RECORDS = 3, // of a datagram, at most
    ON_THE_WAY = 1024,
    HEARD = 4096,
    GROUP = 0xEF070707,
    SENDER = 0x0A000010,
    STRANGER = 0x0A000099,
    TO = 7100,
    LISTENER = 2, // places of the strategies behind the world's own
    FOLLOWER = 3,
    SHARES = 100, // of an order of the follower
};
static const uint64_t UTC_AT = 1800000000ull * HZ;
static const struct signal_rules rules = {.rate_ns = 100 * US,
                                          .burst_ns = 1 * MS,
                                          .faults_ns = 3 * MS,
                                          .rest_ns = 2 * MS,
                                          .silence_ns = 2 * MS,
                                          .ahead_ns = 50 * US,
                                          .faults = 5,
                                          .confidence = 500};

enum phase { STEADY, FLOOD, BACK, AHEAD, RUBBISH, UNKNOWN, FORGED, ANEW, HELD, SILENT, PHASES };

struct sender {
    uint64_t run, number, next_at;
    uint32_t left; // steps of the phase
    enum phase phase;
};

struct datagram {
    uint64_t due, order, run;
    uint32_t source, count, len;
    bool known, whole;   // of a sender who is one; of the format
    bool sound[RECORDS]; // the record is
    struct signal_record records[RECORDS];
    uint8_t bytes[SIGNAL_HEADER_LEN + RECORDS * SIGNAL_RECORD_LEN + 1];
};

static struct {
    struct port_sim port;
    struct desk_signals signals;
    struct signal_model model;
    struct sender senders[MODEL_SOURCES];
    struct datagram way[ON_THE_WAY];
    uint32_t way_count;
    uint64_t order, random, started, strangers;
    struct strategy_signal expected[HEARD], heard[HEARD];
    uint32_t expected_count, heard_count;
    uint64_t trades; // hash of all decisions, and of what was sent
    uint32_t approved, refused[REFUSALS], sent;
    bool quiet; // nobody sends
} * s;

static uint64_t totals[SIGNAL_VERDICTS], total_silences, total_opened, total_told, total_fallbacks;

static uint32_t draw(uint32_t below)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return (uint32_t)((s->random >> 11) % below);
}

static uint64_t utc(void)
{
    return UTC_AT + (sim->now - s->started);
}

// --- who listens ---

static bool listener_start(void *state, const struct strategy_setup *setup, const char **why)
{
    (void)state;
    (void)why;
    return setup->source_count == MODEL_SOURCES && strcmp(setup->sources[1], "beta") == 0;
}

static void listener_signal(void *state, const struct strategy_signal *signal)
{
    (void)state;
    assert_true(s->heard_count < HEARD);
    s->heard[s->heard_count++] = *signal;
}

static const struct strategy listener = {.interface = STRATEGY_INTERFACE,
                                         .name = "listener",
                                         .start = listener_start,
                                         .signal = listener_signal};

static void strategy_join(uint32_t place, const char *file)
{
    static const uint16_t symbols[WATCHED] = {0, 1, 2, 3};
    struct strategy_host *host = &sim->strategies.hosts[place];
    struct error err = {0};
    assert_true(file ? strategy_load(&host->slot, file, "follower", &err)
                     : strategy_attach(&host->slot, &listener, "listener", &err));
    host->slot.setup.parameters = (struct strategy_parameters){4, {SHARES, 100, 2000, 0}};
    desk_strategy_add(&sim->desk, host, 1, symbols, WATCHED, 5000);
    assert_true(strategy_start(&host->slot, &err));
    desk_strategy_switch(&sim->desk, place, STRATEGY_ON);
}

// --- the world ---

static void sources_open(void)
{
    static const char *const names[MODEL_SOURCES] = {"alpha", "beta", "gamma"};
    const struct desk_signal_clock clock = {.tsc_hz = HZ, .tsc_at = sim->now, .utc_ns_at = UTC_AT};
    const struct signal_policy policy = {.rate_ticks = rules.rate_ns,
                                         .burst_ticks = rules.burst_ns,
                                         .faults_ticks = rules.faults_ns,
                                         .rest_ticks = rules.rest_ns,
                                         .silence_ticks = rules.silence_ns,
                                         .second_ticks = HZ,
                                         .ahead_ns = rules.ahead_ns,
                                         .faults = rules.faults,
                                         .confidence = rules.confidence};
    void *places = aligned_alloc(CACHE_LINE, 4096);
    assert_true(places && desk_signals_bytes(TRADE_SYMBOLS) <= 4096);
    desk_signals_init(&sim->desk, &s->signals, MODEL_SOURCES, &clock, places);
    for (uint32_t i = 0; i < MODEL_SOURCES; i++) {
        const struct desk_signal_way way = {.group = GROUP,
                                            .sender = SENDER + i,
                                            .udp_port = TO,
                                            .number = (uint16_t)(7 + i),
                                            .client = SIGNAL_NO_CLIENT};
        desk_signal_add(&sim->desk, i, names[i], i == 2 ? 2 : 0, &policy, &way);
    }
    model_open(&s->model, &rules);
}

static void world_begin(const struct trade_config *config)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    trade_open(config);
    s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->random = config->seed * 0x9E3779B97F4A7C15ull + 11;
    s->started = sim->now;
    port_sim_init(&s->port, "signals", mac);
    lane_input_add(&sim->lane, &s->port.port, 0);
    sources_open();
    for (uint32_t i = 0; i < MODEL_SOURCES; i++)
        s->senders[i] = (struct sender){.run = 1, .number = draw(1000)};
    strategy_join(LISTENER, NULL);
}

static void world_end(void)
{
    assert_int_equal(port_sim_free(&s->port), SIM_BUFFERS); // every frame was given back
    free(s->signals.places);
    trade_close();
    free(s);
}

// --- the senders ---

static void way_add(const struct datagram *d, uint64_t later)
{
    if (s->way_count == ON_THE_WAY)
        return; // lost, as on a wire
    s->way[s->way_count] = *d;
    s->way[s->way_count].due = sim->now + later;
    s->way[s->way_count++].order = s->order++;
}

// Lost, or on its way, some late enough that others overtake it, some twice.
static void datagram_send(const struct sender *from, const struct datagram *d)
{
    uint64_t later = 5 * US + draw(10 * US);
    if (draw(100) == 0)
        return;
    if (draw(50) == 0)
        later += draw(400 * US);
    if (from->phase == HELD) // until the phase is over
        later += (uint64_t)from->left * TRADE_STEP_NS;
    way_add(d, later);
    if (draw(100) == 0)
        way_add(d, later + draw(200 * US));
}

static void record_make(struct sender *from, struct datagram *d, uint32_t at)
{
    struct signal_record *r = &d->records[at];
    *r = (struct signal_record){.number = ++from->number,
                                .as_of_ns = utc(),
                                .value = {draw(2) ? 30000 : -30000, (int64_t)s->order, INT64_MIN},
                                .horizon_ms = draw(1000),
                                .ttl_ms = draw(2),
                                .source = (uint16_t)(7 + d->source),
                                .confidence = (uint16_t)(500 + draw(9501))};
    memcpy(r->symbol, sim->ledger.symbols[draw(TRADE_SYMBOLS)], sizeof r->symbol);
    d->sound[at] = true;
    if (from->phase == AHEAD)
        r->as_of_ns += draw(400 * US);
    else if (from->phase == BACK && draw(2))
        r->as_of_ns -= draw(2 * MS);
    else if (from->phase == BACK)
        r->number = from->number -= from->number > 20 ? draw(20) : 0;
    else if (from->phase == RUBBISH && draw(2))
        r->number *= draw(2);
    else if (from->phase == RUBBISH)
        r->confidence = (uint16_t)(10000 + draw(2));
    else if (from->phase == UNKNOWN && draw(2))
        memcpy(r->symbol, "NOBODY  ", sizeof r->symbol);
    else if (from->phase == UNKNOWN)
        r->confidence = (uint16_t)(498 + draw(4));
}

static void datagram_make(struct sender *from, uint32_t source)
{
    struct datagram d = {.source = source, .known = from->phase != FORGED, .whole = true};
    d.count = 1 + (draw(4) == 0 ? draw(RECORDS) : 0);
    if (from->phase == ANEW && draw(4) == 0) {
        from->run += 1 + draw(2);
        from->number = draw(1000);
    }
    d.run = from->phase == BACK && draw(4) == 0 ? from->run - 1 : from->run;
    signal_header_write(d.bytes, d.run, d.count);
    for (uint32_t i = 0; i < d.count; i++) {
        record_make(from, &d, i);
        d.len = signal_record_write(d.bytes, i, &d.records[i]);
        if (from->phase == RUBBISH && draw(3) == 0) {
            d.bytes[d.len - 1 - draw(4)] = 1; // where zeros belong
            d.sound[i] = false;
        }
    }
    if (from->phase == RUBBISH && draw(3) == 0) {
        d.whole = false;
        switch (draw(3)) {
        case 0: d.len -= 1 + draw(d.len); break;
        case 1: d.len++; break;
        default: d.bytes[draw(6)] ^= 0x80; // magic, version, records
        }
    }
    datagram_send(from, &d);
}

static void sender_step(uint32_t source)
{
    struct sender *from = &s->senders[source];
    if (from->left == 0) {
        from->phase = draw(2) ? STEADY : (enum phase)draw(PHASES);
        from->left = 20 + draw(180);
    }
    from->left--;
    if (from->phase == FLOOD)
        for (uint32_t n = draw(5); n > 0; n--)
            datagram_make(from, source);
    else if (from->phase != SILENT && sim->now >= from->next_at)
        datagram_make(from, source);
    if (sim->now >= from->next_at)
        from->next_at = sim->now + rules.rate_ns + draw(200 * US);
}

// --- what arrives ---

static uint16_t symbol_index(const char symbol[8])
{
    for (uint16_t i = 0; i < TRADE_SYMBOLS; i++)
        if (memcmp(sim->ledger.symbols[i], symbol, 8) == 0)
            return i;
    return TRADE_SYMBOLS;
}

// What the strategy is to hear of the datagram.
static void expect(const struct datagram *d)
{
    bool told;
    if (!d->known) {
        s->strangers++;
        return;
    }
    if (!d->whole) {
        model_garbage(&s->model, d->source, sim->now);
        return;
    }
    for (uint32_t i = 0; i < d->count; i++) {
        const struct signal_record *r = &d->records[i];
        const uint16_t symbol = symbol_index(r->symbol);
        model_record(&s->model, d->source, d->run, r, d->sound[i], symbol < TRADE_SYMBOLS, sim->now,
                     utc(), &told);
        if (!told)
            continue;
        total_told++;
        if (symbol >= WATCHED)
            continue;
        assert_true(s->expected_count < HEARD);
        struct strategy_signal *e = &s->expected[s->expected_count++];
        *e = (struct strategy_signal){
            .as_of_ns = r->as_of_ns,
            .until_ns =
                r->ttl_ms ? r->as_of_ns + r->ttl_ms * (uint64_t)MS - utc() + sim->now : UINT64_MAX,
            .sequence = r->number,
            .horizon_ms = r->horizon_ms,
            .symbol = symbol,
            .source = (uint16_t)d->source,
            .confidence = r->confidence,
            .first = s->model.sources[d->source].first};
        memcpy(e->value, r->value, sizeof e->value);
    }
}

static void frame_push(const struct datagram *d)
{
    static const uint8_t remote[6] = {2, 0, 0, 0, 0, 9};
    uint8_t frame[PORT_FRAME_MAX], group[6];
    frame_mac_of_group(group, GROUP);
    const struct frame_udp_out out = {.dst_mac = group,
                                      .src_mac = remote,
                                      .vlan = FRAME_NO_VLAN,
                                      .src_port = 7000,
                                      .dst_port = TO,
                                      .src_ip = d->known ? SENDER + d->source : STRANGER,
                                      .dst_ip = GROUP};
    const uint32_t len = frame_udp_build(frame, &out, d->bytes, (uint16_t)d->len);
    assert_true(port_sim_push(&s->port, 0, frame, len, 0, 0));
}

static bool earlier(const struct datagram *a, const struct datagram *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

// What will have arrived when the next step begins: as much as the lane takes at once.
static void arrivals(void)
{
    for (uint32_t n = 0; n < PORT_BURST; n++) {
        uint32_t first = 0;
        for (uint32_t i = 1; i < s->way_count; i++)
            if (earlier(&s->way[i], &s->way[first]))
                first = i;
        if (s->way_count == 0 || s->way[first].due > sim->now)
            return;
        frame_push(&s->way[first]);
        expect(&s->way[first]);
        s->way[first] = s->way[--s->way_count];
    }
}

// --- what comes of it ---

static void trade_hash(uint64_t word)
{
    s->trades = (s->trades ^ word) * 0x100000001b3ull;
}

static void trades_look(uint64_t from)
{
    const struct event_writer *w = &sim->lane.trading;
    assert_true(w->tail - from <= w->mask);
    for (uint64_t at = from; at < w->tail; at++) {
        const struct event *e = &w->slots[at & w->mask];
        if (e->type == EVENT_ORDER_SENT) {
            s->sent++;
            trade_hash((uint64_t)e->order_sent.order << 32 | e->order_sent.ref);
        } else if (e->type == EVENT_DECISION) {
            trade_hash((uint64_t)e->decision.quantity << 32 | e->decision.price);
            trade_hash((uint64_t)e->decision.strategy << 32 | (uint8_t)e->decision.side);
            trade_hash((uint64_t)e->decision.instrument << 32 | (uint16_t)e->decision.refusal);
            if (e->decision.strategy != FOLLOWER)
                continue;
            assert_int_equal(e->decision.quantity, SHARES);
            s->refused[e->decision.refusal]++;
            s->approved += e->decision.refusal == REFUSAL_NONE;
        }
    }
}

static void step(void)
{
    const uint64_t from = sim->lane.trading.tail;
    const uint32_t first = s->expected_count;
    for (uint32_t i = 0; i < MODEL_SOURCES && !s->quiet; i++)
        sender_step(i);
    sim->now += TRADE_STEP_NS; // trade_step sets the clock before frames are taken
    arrivals();
    model_turn(&s->model, sim->now);
    sim->now -= TRADE_STEP_NS;
    trade_step();
    trades_look(from);
    assert_int_equal(s->heard_count, s->expected_count);
    assert_memory_equal(&s->heard[first], &s->expected[first],
                        (s->expected_count - first) * sizeof s->heard[0]);
    for (uint32_t i = 0; i < MODEL_SOURCES; i++)
        assert_int_equal(s->signals.table.sources[i].state, s->model.sources[i].state);
}

// Whatever the policy: times of a source do not go back, what is told is still good, sure enough,
// and of the strategy's symbols.
static void heard_is_in_order(void)
{
    uint64_t as_of[MODEL_SOURCES] = {0};
    for (uint32_t i = 0; i < s->heard_count; i++) {
        const struct strategy_signal *h = &s->heard[i];
        assert_true(h->as_of_ns >= as_of[h->source] && h->until_ns > s->started);
        assert_true(h->confidence >= rules.confidence && h->symbol < WATCHED);
        as_of[h->source] = h->as_of_ns;
    }
}

static void counters_agree(void)
{
    uint64_t taken = 0;
    for (uint32_t i = 0; i < MODEL_SOURCES; i++) {
        const struct model_source *m = &s->model.sources[i];
        const struct signal_counters *c = &s->signals.table.sources[i].count;
        const uint64_t refused[SIGNAL_VERDICTS] = {
            [SIGNAL_FORMAT] = c->refused_format,   [SIGNAL_DUPLICATE] = c->refused_duplicate,
            [SIGNAL_BACK] = c->refused_back,       [SIGNAL_FUTURE] = c->refused_future,
            [SIGNAL_LATE] = c->refused_late,       [SIGNAL_RATE] = c->refused_rate,
            [SIGNAL_SYMBOL] = c->refused_symbol,   [SIGNAL_CONFIDENCE] = c->refused_confidence,
            [SIGNAL_BREAKER] = c->refused_breaker, [SIGNAL_RECORD] = c->refused_record};
        for (uint32_t v = SIGNAL_FORMAT; v <= SIGNAL_RECORD; v++)
            assert_int_equal(refused[v], m->verdicts[v]);
        assert_int_equal(c->told + c->stood_by, m->verdicts[SIGNAL_TAKEN]);
        assert_int_equal(c->missing, m->missing);
        assert_int_equal(c->opened, m->opened);
        assert_int_equal(c->silences, m->silences);
        taken += m->verdicts[SIGNAL_TAKEN];
        for (uint32_t v = 0; v < SIGNAL_VERDICTS; v++)
            totals[v] += m->verdicts[v];
        total_silences += m->silences;
        total_opened += m->opened;
    }
    assert_int_equal(sim->event_count[EVENT_SIGNAL], taken);
    assert_int_equal(sim->event_count[EVENT_SIGNAL_FALLBACK], s->model.fallbacks);
    assert_int_equal(sim->lane.count->signal_strangers, s->strangers);
    total_fallbacks += s->model.fallbacks;
}

// --- tests ---

static struct trade_config world_of(uint64_t seed)
{
    return (struct trade_config){.seed = seed,
                                 .steps = STEPS,
                                 .messages = 5000,
                                 .wire_breaks = 1500,
                                 .line_loss_ppm = 20000,
                                 .both_loss_ppm = 1000,
                                 .reorder_ppm = 20000};
}

static void run(uint64_t seed, bool quiet, uint64_t *trades, uint32_t *sent)
{
    const struct trade_config config = world_of(seed);
    world_begin(&config);
    s->quiet = quiet;
    for (uint32_t i = 0; i < STEPS; i++)
        step();
    heard_is_in_order();
    counters_agree();
    *trades = s->trades;
    *sent = s->sent;
    world_end();
}

static void property(uint64_t seed)
{
    uint64_t with, without;
    uint32_t sent_with, sent_without;
    print_message("seed %lu\n", seed);
    run(seed, false, &with, &sent_with);
    run(seed, true, &without, &sent_without);
    assert_int_equal(sent_with, sent_without);
    assert_true(sent_with > 10);
    assert_int_equal(with, without); // nobody here makes orders of signals
}

static void strategies_hear_what_they_should(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        property(seed);
    // These have met everything already.
    for (uint32_t v = 0; v < SIGNAL_RECORD; v++)
        if (totals[v] == 0)
            fail_msg("nothing was %s", signal_verdict_name(v));
    assert_true(total_told > 100 && total_silences && total_opened && total_fallbacks > 10);
    seeds_run(property);
}

static void follow(uint64_t seed, void (*limit)(struct limit_row *row))
{
    const struct trade_config config = world_of(seed);
    world_begin(&config);
    strategy_join(FOLLOWER, STRATEGIES_DIR "/follow.so");
    if (limit)
        limit(&sim->limits->strategies[FOLLOWER]);
    for (uint32_t i = 0; i < STEPS; i++)
        step();
    assert_true(s->heard_count > 50);
}

static void halts(struct limit_row *row)
{
    row->state = TRADING_HALTED;
}

static void too_few(struct limit_row *row)
{
    row->quantity = SHARES - 1;
}

// What a strategy makes of a signal is an order like any other: it passes the gate under the
// strategy's limits, or does not leave. However sure the model is and whatever it says.
static void a_signal_is_never_an_order(void **state)
{
    (void)state;
    follow(1, NULL);
    assert_true(s->approved > 5 && s->approved <= s->heard_count);
    world_end();
    follow(1, halts);
    assert_true(s->approved == 0 && s->refused[REFUSAL_HALTED] > 5);
    world_end();
    follow(1, too_few);
    assert_true(s->approved == 0 && s->refused[REFUSAL_QUANTITY] > 5);
    world_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strategies_hear_what_they_should),
        cmocka_unit_test(a_signal_is_never_an_order),
    };
    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
