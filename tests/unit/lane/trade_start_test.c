// From the text of a configuration to desks that trade, as the dataplane starts them: limits and
// their parts, sessions and strategies by number, errors that name their line, and two lanes that
// share an account.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/config/places.h"
#include "dataplane/lane/desk_gateway.h"
#include "tests/lib/trade_start_rig.h"

enum { STEPS = 20000 };

static void limits_and_their_parts(void **state)
{
    (void)state;
    start();
    assert_int_equal(config_trade_lanes(&config), 2);
    for (uint32_t i = 0; i < LANES; i++) {
        const struct limit_table *t = d.desks[i]->limits;
        assert_int_equal(t->symbol_count, 2);
        // Leased: nothing before the first grant is read, then half of an even part.
        assert_int_equal(t->firm.open_notional, 0);
        assert_int_equal(t->accounts[1].open_orders, 0);
        for (uint32_t n = 0; n < 2; n++)
            desk_leases_turn(&d.desks[i]->desk, now_ticks);
        assert_int_equal(t->firm.open_notional, open_notional / 4);
        assert_int_equal(t->accounts[1].open_orders, OPEN_ORDERS / 4);
        assert_int_equal(t->firm.open_orders, UINT32_MAX);
        assert_int_equal(t->accounts[1].position, POSITION / 2);
        assert_int_equal(t->accounts[1].quantity, 90);
        assert_int_equal(t->accounts[2].quantity, 0); // nobody's: refuses everything
        assert_int_equal(t->sessions[0].open_orders, 50);
        assert_int_equal(t->sessions[0].rate_ticks, HZ / 100 / RATE_UNIT);
        assert_int_equal(t->sessions[0].burst, 2);
        assert_int_equal(t->sessions[1].rate_ticks, 0);
        assert_int_equal(t->strategies[1].open_orders, UINT32_MAX);
        assert_int_equal(t->strategies[2].quantity, 0);
        assert_true(t->strategies[0].venues == UINT32_MAX);
        assert_int_equal(t->strategies[1].venues, 1u << 0); // s0
        assert_true(t->symbols[1].position == LIMIT_POSITION_MAX);
        assert_int_equal(t->symbols[1].price_high, 95000);
        assert_int_equal(t->symbols[1].quality, QUALITY_SUSPECT);
    }
}

// The same order on both lanes, every millisecond for a tenth of a second.
static uint32_t entered_together(uint16_t account)
{
    const struct desk_owner who = {.account = account, .strategy = 0};
    uint32_t entered = 0, index;
    for (uint32_t n = 0; n < 200; n++) {
        const uint32_t i = n % LANES;
        const struct desk_order ask = {.quantity = 1,
                                       .price = 10000,
                                       .instrument = 1,
                                       .session = (uint8_t)i,
                                       .side = 'B',
                                       .time_in_force = '0',
                                       .display = 'Y'};
        now_ticks += i == 0 ? HZ / 1000 : 0;
        lanes[i]->stamp = now_ticks;
        rigs[i].sent_len = 0;
        entered += desk_enter(&d.desks[i]->desk, &who, &ask, &index) == REFUSAL_NONE;
    }
    return entered;
}

// What is no sum and yet counts orders: two lanes in one symbol are together within it.
static void what_counts_orders_is_divided(void **state)
{
    (void)state;
    struct error err = {0};
    configure(100, STRATEGIES_DIR "/maker.so");
    prepare();
    config.trading.limits.open_notional = CONFIG_NOTIONAL_MAX;
    config.sessions[0].rate_per_s = UINT32_MAX;
    config.symbols[0].rate_per_s = 100;
    config.symbols[0].burst = 5;
    config.accounts[0].limits.order_ratio = 50;
    config.accounts[1].limits = config.accounts[0].limits;
    config.accounts[1].limits.duplicates = 5;
    if (!trade_make(&d, &err) || !trade_start(&d, &err))
        fail_msg("%s", err.text);
    for (uint32_t i = 0; i < LANES; i++) {
        const struct limit_table *t = d.desks[i]->limits;
        wire_rig_init(&rigs[i]);
        d.sessions[i]->session.transport = &rigs[i].transport;
        d.sessions[i]->session.state = SESSION_READY;
        assert_int_equal(t->symbols[1].rate_ticks, HZ / 50 / RATE_UNIT);
        assert_int_equal(t->symbols[1].burst, 1); // two at once
        assert_int_equal(t->accounts[0].owner.ratio, 50);
        assert_int_equal(t->accounts[0].owner.duplicates, UINT16_MAX);
        assert_int_equal(t->accounts[1].owner.duplicates, 2);
    }
    const uint32_t entered = entered_together(0);
    assert_true(entered <= 5 + 100 / 10 && entered >= 12);
    now_ticks += HZ;
    assert_int_equal(entered_together(1), 4);
}

// Of fewer than there are lanes none has a part.
static void a_rate_has_a_part_for_every_lane(void **state)
{
    (void)state;
    struct error err = {0};
    configure(100, STRATEGIES_DIR "/maker.so");
    prepare();
    config.symbols[0].rate_per_s = LANES;
    config.symbols[0].burst = LANES;
    assert_true(config_check_trade(&config, config.places, &err));
    config.symbols[0].burst = LANES - 1;
    assert_false(config_check_trade(&config, config.places, &err));
    assert_non_null(strstr(err.text, "symbols[0].burst: 2 lanes trade, and each has an equal"));
    config.symbols[0].rate_per_s = LANES - 1;
    err = (struct error){0};
    assert_false(config_check_trade(&config, config.places, &err));
    assert_non_null(strstr(err.text, "symbols[0].rate_per_s: 2 lanes trade"));
}

// As day_open reads them, from text.
static void files_read(const char *reference, const char *positions)
{
    struct error err = {0};
    d.day.config = &config;
    assert_true(symbol_index_make(&d.day.index, &config, &err));
    d.day.row_of = calloc(d.day.index.count, sizeof *d.day.row_of);
    if (!sheet_read(&d.day.sheets[DAY_REFERENCE], &reference_kind, "r.csv", reference,
                    strlen(reference), &err) ||
        !reference_check(&d.day.sheets[DAY_REFERENCE], &config, &d.day.index,
                         d.day.sheets[DAY_REFERENCE].day, &err) ||
        !sheet_read(&d.day.sheets[DAY_POSITIONS], &positions_kind, "p.csv", positions,
                    strlen(positions), &err) ||
        !positions_check(&d.day.sheets[DAY_POSITIONS], &config, &d.day.index,
                         d.day.sheets[DAY_POSITIONS].day, &err))
        fail_msg("%s", err.text);
    for (uint32_t i = 0; i < d.day.sheets[DAY_REFERENCE].count; i++)
        d.day.row_of[((struct reference_row *)sheet_row_at(&d.day.sheets[DAY_REFERENCE], i))
                         ->instrument] = i + 1;
}

static void files_of_the_day_come_before_the_configuration(void **state)
{
    (void)state;
    struct error err = {0};
    configure(100, STRATEGIES_DIR "/maker.so");
    prepare();
    config.symbols[0].volume_percent = 500;
    config.symbols[0].average_volume = 2000;
    files_read("tickgate,reference,1,2026-11-23\n"
               "symbol,average_volume,previous_close,tick,lot,locates\n"
               "YY,100000,12.5,0.05,10,41\n",
               "tickgate,positions,1,2026-11-23\n"
               "account,symbol,shares,price,lane\n"
               "b,YY,50,12.5,l1\n"
               "a,X,-7,3,l0\n");
    if (!trade_make(&d, &err) || !trade_start(&d, &err))
        fail_msg("%s", err.text);
    const struct limit_row *x = &d.desks[0]->limits->symbols[0], *yy = x + 1;
    assert_int_equal(yy->symbol.volume, 5000); // five percent
    assert_int_equal(yy->symbol.previous_close, 125000);
    assert_int_equal(yy->symbol.tick, 500);
    assert_int_equal(yy->symbol.lot, 10);
    assert_true(yy->symbol.lot_magic == multiple_magic(10));
    assert_int_equal(yy->symbol.locates, 20); // of two lanes
    assert_int_equal(x->symbol.volume, 100);  // no row: as configured
    assert_int_equal(x->symbol.lot, 1);
    struct desk *desk = &d.desks[1]->desk;
    const uint32_t at = position_open(&desk->risk, 1, 1);
    assert_int_equal(desk->risk.positions[at].shares, 50);
    assert_int_equal(desk->risk.money[at].mark, 125000);
    assert_int_equal(d.desks[1]->desk.risk.account_days[1].gross, 50 * 125000);
    assert_int_equal(d.desks[0]->desk.risk.symbols[0].shares, -7);
    assert_int_equal(d.desks[0]->desk.risk.symbols[1].shares, 0);
    day_close(&d.day);
}

static void sessions_and_strategies_have_one_number_in_all_lanes(void **state)
{
    (void)state;
    start();
    assert_int_equal(d.instrument_count, 2);
    assert_memory_equal(d.instruments[1], "YY      ", 8);
    for (uint32_t i = 0; i < LANES; i++) {
        const struct desk *desk = &d.desks[i]->desk;
        assert_ptr_equal(lanes[i]->desk, desk);
        assert_int_equal(desk->session_count, 2);
        assert_ptr_equal(desk->sessions[i].session, &d.sessions[i]->session);
        assert_null(desk->sessions[1 - i].session);
        assert_int_equal(desk->sessions[i].account, i);
    }
    assert_int_equal(d.sessions[0]->session.frames.version, OUCH_50);
    assert_int_equal(d.sessions[1]->session.frames.version, OUCH_42);
    assert_int_equal(d.sessions[0]->session.login_len, SOUPBIN_LOGIN_LEN_410); // its timeout_ms
    assert_int_equal(d.sessions[1]->session.login_len, SOUPBIN_LOGIN_LEN);
    assert_int_equal(d.sessions[1]->link.tcp.config.local_ip, 0x0A000102);
    assert_int_equal(d.sessions[1]->link.tcp.config.remote_ip, 0x0A000109);
    const struct desk_strategies *first = &d.desks[0]->strategies,
                                 *second = &d.desks[1]->strategies;
    assert_null(first->hosts[0].slot.strategy);
    assert_int_equal(first->hosts[1].slot.off, STRATEGY_OFF_CONFIGURED);
    assert_int_equal(first->on, 0);
    assert_int_equal(second->hosts[0].slot.off, STRATEGY_ON);
    assert_int_equal(second->on, 1);
    assert_int_equal(second->hosts[0].slot.account, 1);
    assert_int_equal(second->hosts[0].slot.budget_ticks, 50000);
    assert_int_equal(second->hosts[0].slot.setup.symbols[0], 1);
    assert_int_equal(second->hosts[0].slot.setup.parameters.value[2], 3);
    for (uint32_t turn = 0; turn < 3; turn++)
        for (uint32_t i = 0; i < LANES; i++)
            lane_turn(lanes[i], now_ticks += 1000);
    assert_int_equal(d.sessions[0]->session.state, SESSION_DOWN); // nobody knows the next hop
}

// From the start on, before anybody has changed one.
static void clients_see_the_lower_of_both_owners_limits(void **state)
{
    (void)state;
    struct error err = {0};
    appended = "gateway: {socket: /run/clients.sock}\n"
               "clients: [{name: first, user: 0, lane: l0, account: a, limits: {open_orders: 50},"
               " broker: {open_orders: 20}}, {name: second, user: 0, lane: l0, account: a,"
               " limits: {open_orders: 30}, broker: {open_orders: 40}}]\n";
    configure(100, STRATEGIES_DIR "/maker.so");
    appended = "";
    prepare();
    if (!trade_make(&d, &err))
        fail_msg("%s", err.text);
    trade_describe(&d);
    const uint32_t held[] = {20, 30};
    for (uint32_t i = 0; i < 2; i++) {
        const struct gateway *g = d.desks[0]->desk.gateway->door;
        const uint32_t at = gateway_strategy(&config, i) - g->first_strategy;
        assert_int_equal(region_client_info(&d.view, i)->open_orders, held[i]);
        assert_int_equal(g->clients[at].config.open_orders, held[i]); // what it is told
    }
}

static void what_a_strategy_refuses_names_its_line(void **state)
{
    (void)state;
    struct error err = {0};
    configure(0, STRATEGIES_DIR "/maker.so"); // no shares
    prepare();
    assert_false(trade_make(&d, &err) && trade_start(&d, &err));
    assert_int_equal(err.code, EXIT_USAGE);
    assert_non_null(strstr(err.text, "t.yaml:12: strategies[0].name: strategy quotes: wants one"));
}

static void venues_of_another_lane_name_their_line(void **state)
{
    (void)state;
    struct error err = {0};
    configure(100, STRATEGIES_DIR "/maker.so");
    prepare();
    config.strategies[1].limits.venues = 1u << 1;
    assert_false(config_check_trade(&config, config.places, &err));
    assert_string_equal(err.text,
                        "t.yaml:15: strategies[1].limits.venues: session 's1' belongs to lane "
                        "'l1', the orders to 'l0'; name sessions of that lane");
}

static void what_is_no_strategy_names_its_line(void **state)
{
    (void)state;
    struct error err = {0};
    configure(100, "Makefile");
    prepare();
    assert_false(trade_make(&d, &err) && trade_start(&d, &err));
    assert_int_equal(err.code, EXIT_USAGE);
    assert_non_null(strstr(err.text, "t.yaml:13: strategies[0].file: strategy quotes: "));
}

// --- two lanes, one account ---

// Orders of lanes that may trade become more, those of others fewer.
static bool enters(uint32_t lane, uint32_t trading)
{
    return trading >> lane & 1 && draw(3);
}

// An order of a lane, or the end of one; and lane and main lcore read what they have said to each
// other, now and then.
static void step(uint32_t lane, uint32_t trading)
{
    struct desk *desk = &d.desks[lane]->desk;
    const struct desk_owner who = {.account = 1, .strategy = 0};
    uint32_t index = desk->orders.sessions[lane].open.first;
    if (draw(2))
        desk_leases_turn(desk, now_ticks);
    if (draw(2))
        leases_turn(&d);
    now_ticks += HZ;
    lanes[lane]->stamp = now_ticks;
    lanes[lane]->trading.committed = lanes[lane]->trading.tail;
    atomic_store_explicit(&region_ring(&d.view, lane, EVENT_RING_TRADING)->committed,
                          lanes[lane]->trading.tail, memory_order_relaxed);
    rigs[lane].sent_len = 0;
    if (enters(lane, trading)) {
        const struct desk_order ask = {.quantity = 1 + draw(60),
                                       .price = 10000 + draw(90000),
                                       .instrument = (uint16_t)draw(2),
                                       .session = (uint8_t)lane,
                                       .side = draw(2) ? 'B' : 'S',
                                       .time_in_force = '0',
                                       .display = 'Y'};
        desk_enter(desk, &who, &ask, &index);
        return;
    }
    if (index == OWN_NONE)
        return;
    const struct own_order *o = orders_at(&desk->orders, index);
    const struct ouch_report r = {
        .kind = draw(2) ? REPORT_EXECUTED : REPORT_REJECTED,
        .letter = 'E',
        .ref = o->ref,
        .quantity = o->open,
        .price = o->price,
        .match = now_ticks,
        .time_ns = now_ticks,
    };
    desk_report(desk, lane, &r);
}

static void two_lanes_together_stay_below_the_limit(void **state)
{
    (void)state;
    uint64_t most_notional = 0, most_orders = 0, approved = 0, leased = 0;
    uint64_t most_of[LANES] = {0};
    int64_t most_shares = 0;
    start();
    for (uint32_t i = 0; i < LANES; i++) {
        wire_rig_init(&rigs[i]);
        d.sessions[i]->session.transport = &rigs[i].transport;
        d.sessions[i]->session.state = SESSION_READY;
    }
    for (uint32_t n = 0; n < STEPS; n++) {
        step(draw(LANES), 1 + n / 500 % 3); // the first, the second, both
        uint64_t notional = 0, orders = 0;
        int64_t shares[2] = {0};
        for (uint32_t i = 0; i < LANES; i++) {
            const struct risk *risk = &d.desks[i]->desk.risk;
            notional += risk->firm.notional;
            orders += risk->accounts[1].orders;
            if (risk->accounts[1].orders > most_of[i])
                most_of[i] = risk->accounts[1].orders;
            for (uint32_t s = 0; s < 2; s++)
                shares[s] += risk->symbols[s].shares;
        }
        for (uint32_t s = 0; s < 2; s++)
            most_shares = llabs(shares[s]) > most_shares ? llabs(shares[s]) : most_shares;
        most_notional = notional > most_notional ? notional : most_notional;
        most_orders = orders > most_orders ? orders : most_orders;
    }
    for (uint32_t i = 0; i < LANES; i++) {
        char why[256];
        approved += d.desks[i]->desk.count.approved;
        leased += d.desks[i]->desk.count.refusals[REFUSAL_LEASE] +
                  d.desks[i]->desk.count.refusals[REFUSAL_LEASE_NOTIONAL];
        assert_int_equal(most_of[i], OPEN_ORDERS); // what one does not use the other may
        if (!desk_check(&d.desks[i]->desk, why, sizeof why))
            fail_msg("%s", why);
    }
    assert_true(approved > STEPS / 10 && leased > 0);
    assert_true(most_notional <= open_notional && most_notional > open_notional / 2);
    assert_true(most_orders <= OPEN_ORDERS && most_orders > OPEN_ORDERS / 2);
    assert_true(most_shares <= POSITION && most_shares > POSITION / 2);
}

// What is refused for want of lease, and what for the limit; the record names the values compared.
// What was refused for want of it may be sent again: it is no duplicate.
static void want_of_lease_has_its_own_code(void **state)
{
    (void)state;
    uint32_t index;
    const struct desk_owner who = {.account = 1, .strategy = 0};
    const struct desk_order ask = {.quantity = 1,
                                   .price = 10000,
                                   .instrument = 1,
                                   .side = 'B',
                                   .time_in_force = '0',
                                   .display = 'Y'};
    start();
    struct desk *desk = &d.desks[0]->desk;
    wire_rig_init(&rigs[0]);
    d.sessions[0]->session.transport = &rigs[0].transport;
    d.sessions[0]->session.state = SESSION_READY;
    desk->limits->accounts[1].owner.duplicates = OPEN_ORDERS + 1;
    desk->limits->accounts[1].owner.duplicate_window = UINT32_MAX;
    lanes[0]->stamp = now_ticks += HZ;
    assert_int_equal(desk_enter(desk, &who, &ask, &index), REFUSAL_LEASE);
    const struct event *e = &lanes[0]->trading.slots[lanes[0]->trading.tail - 1];
    assert_true(e->type == EVENT_DECISION && e->decision.refusal == REFUSAL_LEASE);
    assert_true(e->decision.value == 1 && e->decision.limit == 0);
    assert_true(e->decision.checks == refusal_passed(REFUSAL_OPEN_ORDERS));
    // The first grant is there, and all of the rest is asked for as it is needed.
    uint32_t entered = 0;
    for (uint32_t n = 0; n < 200; n++) {
        lanes[0]->stamp = now_ticks += HZ;
        desk_leases_turn(desk, now_ticks);
        leases_turn(&d);
        entered += desk_enter(desk, &who, &ask, &index) == REFUSAL_NONE;
    }
    // The other lane was granted one, does not read, and keeps it.
    assert_int_equal(entered, OPEN_ORDERS - 1);
    assert_int_equal(desk_enter(desk, &who, &ask, &index), REFUSAL_LEASE);
    desk_leases_turn(&d.desks[1]->desk, now_ticks); // now it gives it back
    for (uint32_t n = 0; n < 20 && entered < OPEN_ORDERS; n++) {
        lanes[0]->stamp = now_ticks += HZ;
        leases_turn(&d);
        desk_leases_turn(desk, now_ticks);
        entered += desk_enter(desk, &who, &ask, &index) == REFUSAL_NONE;
    }
    assert_int_equal(entered, OPEN_ORDERS);
    assert_int_equal(desk_enter(desk, &who, &ask, &index), REFUSAL_OPEN_ORDERS);
    e = &lanes[0]->trading.slots[lanes[0]->trading.tail - 1];
    assert_true(e->decision.value == OPEN_ORDERS + 1 && e->decision.limit == OPEN_ORDERS);
}

// --- a lane that hangs ---

// Connected, with <unanswered> bytes that the peer has not acknowledged.
static void connection_set(uint32_t session, uint32_t unanswered)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
    struct tcp *c = &d.sessions[session]->link.tcp;
    tcp_neighbour_set(c, mac);
    assert_true(tcp_connect(c, 50000, 1, 0, 1));
    c->state = TCP_ESTABLISHED;
    c->snd_una = 1000;
    c->snd_nxt = 1000 + unanswered;
}

// The next frame of a port is a reset with this number; its buffer is given back.
static void reset_sent(uint32_t port, uint32_t seq)
{
    struct frame frame;
    struct frame_udp ip;
    struct tcp_segment s;
    assert_true(port_sim_sent(&sims[port], &frame));
    assert_int_equal(frame_parse(frame.data, frame.len, &ip), FRAME_NOT_UDP);
    assert_int_equal(tcp_parse(&ip, false, &s), TCP_SEGMENT);
    assert_true(s.flags & TCP_RST && s.seq == seq && s.src_port == 50000);
    assert_int_equal(s.dst_ip, config.sessions[port].server.ip);
}

static void looks(uint64_t *now_ns, uint32_t count, bool lane0, bool lane1)
{
    for (uint32_t i = 0; i < count; i++) {
        lanes[0]->count->polls += lane0;
        lanes[1]->count->polls += lane1;
        *now_ns += 100000000;
        lanes_watch(&d, *now_ns);
    }
}

// What is counted so far, and what the last event says of the lane that hangs.
static void told(const struct main_counters *count, uint64_t hung, uint64_t reset, uint32_t resets)
{
    const struct event *e = &d.events.slots[d.events.tail - 1];
    assert_int_equal(count->lanes_hung, hung);
    assert_int_equal(count->sessions_reset, reset);
    assert_true(e->type == EVENT_LANE_HUNG && e->lane_hung.sessions == 1);
    assert_int_equal(e->lane_hung.resets, resets);
}

static void a_lane_that_hangs_has_its_sessions_reset(void **state)
{
    (void)state;
    static struct main_counters count;
    struct frame frame;
    uint64_t now_ns = 1000000000;
    start();
    d.count = &count;
    region_event_writer(&d.view, LANES, EVENT_RING_TRADING, &d.events);
    connection_set(0, 0);
    connection_set(1, 60);
    sims[0].port.main_queue = sims[1].port.main_queue = 1;
    d.ports[0].main_queue = d.ports[1].main_queue = 1;
    looks(&now_ns, 40, true, true);
    looks(&now_ns, 19, true, false); // 1.9 seconds
    now_ns += 10000000000;           // the whole machine stood still: 0.2 seconds of looking
    assert_false(port_sim_sent(&sims[1], &frame));
    assert_int_equal(count.lanes_hung, 0);
    const uint64_t tail = d.events.tail;
    looks(&now_ns, 10, true, false);
    told(&count, 1, 1, 1);
    assert_int_equal(d.events.slots[d.events.tail - 1].lane_hung.lane, 1);
    for (uint32_t i = 0; i < 3; i++) { // and repeated twice
        reset_sent(1, 1060);
        reset_sent(1, 1000);
    }
    assert_false(port_sim_sent(&sims[1], &frame));
    assert_false(port_sim_sent(&sims[0], &frame)); // the other lane's goes on
    looks(&now_ns, 1, true, true);
    const struct event *e = &d.events.slots[d.events.tail - 1];
    assert_true(e->type == EVENT_LANE_BACK && e->lane_hung.lane == 1);
    // Without a queue of its own the main lcore keeps out of a port that the lane stands in ...
    d.ports[0].main_queue = 0;
    sims[0].lane_inside = true;
    const uint32_t buffers = port_sim_free(&sims[0]);
    looks(&now_ns, 30, false, true);
    assert_false(port_sim_sent(&sims[0], &frame));
    assert_int_equal(port_sim_free(&sims[0]), buffers);
    told(&count, 2, 1, 0);
    // ... tries again with every look, and uses the lane's once it has left the port.
    sims[0].lane_inside = false;
    looks(&now_ns, 10, false, true);
    told(&count, 2, 2, 1);
    for (uint32_t i = 0; i < 3; i++)
        reset_sent(0, 1000);
    assert_false(port_sim_sent(&sims[0], &frame));
    assert_int_equal(d.events.tail - tail, 4); // hung and back, hung, one connection more
    // At the end of the process what could not be reset is tried once more.
    looks(&now_ns, 1, true, true);
    sims[0].lane_inside = true;
    looks(&now_ns, 30, false, true);
    told(&count, 3, 2, 0);
    sims[0].lane_inside = false;
    lane_given_up(&d, 0, 2000000000);
    told(&count, 3, 3, 1);
    reset_sent(0, 1000);
    assert_false(port_sim_sent(&sims[0], &frame));
    // Nobody looks.
    config.lanes[1].hung_ms = 0;
    looks(&now_ns, 1, true, true);
    looks(&now_ns, 100, true, false);
    assert_int_equal(count.lanes_hung, 3);
}

// --- a control plane that dies ---

static void killed(uint32_t count)
{
    for (uint32_t lane = 0; lane < LANES; lane++) {
        const struct kill_words *k =
            region_kill_words(&d.view, (uint64_t)lane * KILL_ASKERS + KILL_BY_MAIN);
        assert_true(k->all == (count > 0) && k->rung == count);
    }
}

static void without_a_control_plane_everything_is_cancelled(void **state)
{
    (void)state;
    static struct main_counters count;
    uint64_t now_ns = 1000000000;
    start();
    count.control_lost = 0;
    d.count = &count;
    _Atomic uint64_t *beat = &region_record_word(&d.view, 0)->beat;
    config.trading.control_loss_ms = 2000;
    looks(&now_ns, 100, true, true); // it was never there
    killed(0);
    *beat = 1;
    looks(&now_ns, 20, true, true); // the first one sees it
    now_ns += 10000000000;          // the whole machine stood still: 0.2 seconds of looking
    killed(0);
    looks(&now_ns, 1, true, true);
    killed(1);
    looks(&now_ns, 100, true, true); // once
    killed(1);
    assert_int_equal(count.control_lost, 1);
    // It is back, and dies again. Nothing but a person's word lifts the kill.
    *beat = 2;
    looks(&now_ns, 1, true, true);
    killed(1);
    looks(&now_ns, 21, true, true);
    assert_int_equal(count.control_lost, 2);
    // Nobody asks for it.
    config.trading.control_loss_ms = 0;
    *beat = 3;
    looks(&now_ns, 200, true, true);
    assert_int_equal(count.control_lost, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(limits_and_their_parts, tidy),
        cmocka_unit_test_teardown(what_counts_orders_is_divided, tidy),
        cmocka_unit_test_teardown(a_rate_has_a_part_for_every_lane, tidy),
        cmocka_unit_test_teardown(files_of_the_day_come_before_the_configuration, tidy),
        cmocka_unit_test_teardown(sessions_and_strategies_have_one_number_in_all_lanes, tidy),
        cmocka_unit_test_teardown(clients_see_the_lower_of_both_owners_limits, tidy),
        cmocka_unit_test_teardown(what_a_strategy_refuses_names_its_line, tidy),
        cmocka_unit_test_teardown(venues_of_another_lane_name_their_line, tidy),
        cmocka_unit_test_teardown(what_is_no_strategy_names_its_line, tidy),
        cmocka_unit_test_teardown(two_lanes_together_stay_below_the_limit, tidy),
        cmocka_unit_test_teardown(want_of_lease_has_its_own_code, tidy),
        cmocka_unit_test_teardown(a_lane_that_hangs_has_its_sessions_reset, tidy),
        cmocka_unit_test_teardown(without_a_control_plane_everything_is_cancelled, tidy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
