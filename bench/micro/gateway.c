// bench-gateway: what a client's order costs the lane: from its request in the ring to the frame
// handed to the session's transport and the answer in the client's other ring. Gate, order table,
// records of the decision and encoding included; the exchange behind it accepts and cancels each
// order, outside of the measured stretch.
//
// Each order is timed by itself with the time stamp counter; the counter's own cost, measured in
// the same run, is taken off. A closed loop: one request at a time, everything warm.
//
// What the desk finds out before the gate is asked, each with 1: --book 1 the symbol's book, --luld
// its estimated band as well, --self own orders that it would meet, here and on another lane,
// --market the price of a market order. All of these orders pass.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/rig.h"
#include "bench/micro/takes_all.h"
#include "dataplane/base/clock.h"
#include "dataplane/gateway/door.h"
#include "dataplane/lane/desk_gateway.h"
#include "dataplane/lane/desk_luld.h"
#include "dataplane/lane/desk_self.h"

enum { REQUESTS = 256, ANSWERS = 1024, INSTRUMENTS = 16, SLOTS = 16384, STAMPS = 10000 };
enum { ORDERS = 4096, PRICE = 1000000, MARKET_PRICE = 2147483647, LANES = 2 };

static struct {
    struct lane lane;
    struct desk desk;
    struct session session;
    struct transport transport;
    struct channel channel;
    struct gateway gateway;
    struct desk_gateway at_desk;
    struct clock_calibration cal;
    struct gateway_inward *inward;
    struct gateway_outward *outward;
    uint64_t cursor;
    uint64_t frames;
    uint64_t bytes;
    uint64_t ns;    // of the exchange
    uint32_t price; // that is asked for
} b;

static void fail(const char *what)
{
    fprintf(stderr, "bench-gateway: %s\n", what);
    exit(EXIT_FAILED);
}

// --- the transport: takes everything, and counts it ---

static bool wire_send(struct transport *t, const void *payload, uint32_t len, uint64_t now)
{
    static uint8_t sent[2048];
    (void)t;
    (void)now;
    memcpy(sent, payload, len);
    b.frames++;
    b.bytes += len;
    return true;
}

static const struct transport_ops wire = {.open = take_open,
                                          .ready = take_ready,
                                          .send = wire_send,
                                          .close = take_close,
                                          .abort = take_abort};

// --- the exchange ---

static void sequenced(const uint8_t *message, uint32_t len, uint64_t now)
{
    uint8_t packet[128];
    packet[0] = 0;
    packet[1] = (uint8_t)(len + 1);
    packet[2] = 'S';
    memcpy(packet + 3, message, len);
    session_received(&b.session, packet, len + 3, now);
}

static void log_in(void)
{
    char login[34];
    uint8_t answer[32];
    const uint64_t now = clock_tsc();
    desk_turn(&b.desk, now);
    session_opened(&b.session, now);
    snprintf(login, sizeof login, "xxA%10s%20u", "BENCH", 1u);
    login[0] = 0;
    login[1] = 31;
    session_received(&b.session, (const uint8_t *)login, 33, now);
    for (uint32_t i = 0; i < 4; i++)
        desk_turn(&b.desk, now);
    const struct ouch50_query_answer a = {.timestamp_ns = ++b.ns, .next_user_ref = 1};
    sequenced(answer, ouch50_query_answer_write(answer, &a), now);
    for (uint32_t i = 0; i < 4; i++)
        desk_turn(&b.desk, now);
    if (b.session.state != SESSION_READY)
        fail("the session is not ready");
}

static void exchange_answers(uint32_t ref, uint64_t now)
{
    uint8_t p[128];
    struct ouch50_accepted a = {.timestamp_ns = ++b.ns,
                                .user_ref = ref,
                                .side = 'B',
                                .quantity = 100,
                                .price = PRICE,
                                .display = 'Y',
                                .order_ref = ref,
                                .state = 'L'};
    memcpy(a.symbol, b.desk.instruments[ref % INSTRUMENTS].symbol, sizeof a.symbol);
    sequenced(p, ouch50_accepted_write(p, &a), now);
    const struct ouch50_canceled c = {
        .timestamp_ns = ++b.ns, .user_ref = ref, .quantity = 100, .reason = 'U'};
    sequenced(p, ouch50_canceled_write(p, &c), now);
}

// --- set-up ---

static uint64_t now_ticks(void *clock)
{
    (void)clock;
    return clock_tsc();
}

static void lane_open(void)
{
    const struct region_shape shape = {.lanes = 1,
                                       .channels = 1,
                                       .ports = 1,
                                       .pools = 1,
                                       .bill_items = 1,
                                       .trading_slots = SLOTS,
                                       .diagnostic_slots = 64,
                                       .symbols = {4}};
    const struct region_identity identity = {.epoch = 1};
    struct region_view view;
    void *region = zeroed(region_bytes(&shape));
    if (!region_format(region, region_bytes(&shape), &shape, &identity, &view))
        fail("no region");
    lane_init(&b.lane, &view, 0, zeroed(LANE_RING_LEN * sizeof(struct lane_note)),
              zeroed(LANE_RING_LEN * sizeof(struct lane_answer)));
    b.lane.now = now_ticks;
}

static struct limit_table *desk_open(uint32_t orders)
{
    const struct desk_config config = {.orders = {.orders = ORDERS,
                                                  .sessions = 1,
                                                  .refs_max = orders + 2,
                                                  .executions = 1024,
                                                  .silence_ticks = UINT64_MAX / 4},
                                       .instruments = INSTRUMENTS,
                                       .positions = 1024,
                                       .strategies = 1,
                                       .accounts = 4,
                                       .event_credit_min = 64};
    const struct session_config sc = {.frames = {.firm = "    ", .capacity = 'P'},
                                      .username = "user",
                                      .password = "secret",
                                      .sequence = 1,
                                      .heartbeat_ticks = UINT64_MAX / 8,
                                      .silence_ticks = UINT64_MAX / 2,
                                      .login_ticks = UINT64_MAX / 4,
                                      .retry_ticks = 1,
                                      .retry_ticks_max = 1};
    static char symbols[INSTRUMENTS][8];
    struct error err = {0};
    struct limit_table *limits = zeroed(sizeof *limits + INSTRUMENTS * sizeof(struct limit_row));
    limits->version = 1;
    limits->symbol_count = INSTRUMENTS;
    limit_row_open(&limits->firm);
    limit_row_open(&limits->accounts[1]);
    limit_row_open(&limits->strategies[1]);
    limit_row_open(&limits->sessions[0]);
    for (uint32_t i = 0; i < INSTRUMENTS; i++) {
        memcpy(symbols[i], "SYM     ", 8);
        symbols[i][3] = (char)('A' + i);
        limit_symbol_open(&limits->symbols[i]);
        limits->symbols[i].quality = QUALITY_SUSPECT; // there is no feed here
    }
    desk_init(&b.desk, &b.lane, &config, symbols, limits, zeroed(desk_bytes(&config)));
    b.transport.ops = &wire;
    if (!session_init(&b.session, &sc, &b.transport, "session bench", &err))
        fail(err.text);
    desk_session_add(&b.desk, &b.session, NULL, NULL);
    return limits;
}

// --- what the desk looks up ---

static void book_open(void)
{
    static struct channel_counters count;
    const struct channel_config config = {.protocol = feed_protocol_find("itch50"),
                                          .hold_frames = 64,
                                          .luld = true,
                                          .book = {.symbols = 64, .orders = 1024}};
    struct channel_config with = config;
    book_config_defaults(&with.book);
    channel_init(&b.channel, &with, zeroed(channel_bytes(&with, NULL)));
    b.channel.count = &count;
    b.channel.quality = QUALITY_GOOD;
    b.channel.time_ns = 12ull * 3600 * 1000000000;
    for (uint32_t i = 0; i < INSTRUMENTS; i++) {
        const uint16_t slot = book_symbol_open(&b.channel.book, (uint16_t)(i + 1));
        book_symbol_name(&b.channel.book, slot, b.desk.instruments[i].symbol);
        b.channel.book.infos[slot].luld_tier = '1';
        luld_auction(&b.channel.luld, slot, b.channel.book_number, b.channel.time_ns, PRICE, 100,
                     false);
    }
    b.desk.sessions[0].channel = &b.channel;
}

static void luld_open(struct limit_table *limits)
{
    book_open();
    for (uint32_t i = 0; i < INSTRUMENTS; i++)
        limits->symbols[i].symbol.band_estimate = true;
    desk_luld_limits(&b.desk);
}

static void self_open(struct limit_table *limits)
{
    static struct self_reach reach = {.lanes = LANES, .instruments = INSTRUMENTS};
    reach.groups[0] = zeroed(self_group_bytes(LANES, INSTRUMENTS));
    reach.groups[2] = zeroed(self_group_bytes(LANES, INSTRUMENTS)); // of the client's account
    limits->firm.owner.self_trade = limits->accounts[1].owner.self_trade = SELF_TRADE_NEWEST;
    desk_self_init(&b.desk, zeroed(desk_self_bytes(ORDERS, INSTRUMENTS)), &reach, 0);
}

static void market_open(struct limit_table *limits)
{
    limits->accounts[1].owner.market = MARKET_CONVERTED;
    for (uint32_t i = 0; i < INSTRUMENTS; i++)
        limits->symbols[i].price_high = PRICE;
    b.price = MARKET_PRICE;
}

static void gateway_open(void)
{
    struct gateway_client_config c = {
        .name = "bench", .account = 1, .open_orders = 1000, .rate_per_s = 100000000, .burst = 1000};
    struct error err = {0};
    if (!gateway_init(&b.gateway, REQUESTS, ANSWERS, 1, &err) ||
        !gateway_client_add(&b.gateway, &c, b.cal.tsc_hz, &err))
        fail(err.text);
    desk_gateway_init(&b.desk, &b.at_desk, &b.gateway, zeroed(desk_gateway_bytes(ORDERS, 0)));
    b.inward = zeroed(gateway_inward_bytes(REQUESTS));
    b.outward = zeroed(gateway_outward_bytes(ANSWERS, 0, 0));
    b.gateway.clients[0].inward = b.inward; // as the door does it
    b.gateway.clients[0].outward = b.outward;
    atomic_store(&b.gateway.clients[0].attached, 1);
    gateway_ring(&b.gateway);
}

// --- a round ---

static void client_asks(uint32_t i)
{
    const struct gateway_request r = {.kind = GATEWAY_ENTER,
                                      .client_id = i,
                                      .request = i,
                                      .quantity = 100,
                                      .price = b.price,
                                      .symbol = (uint16_t)(i % INSTRUMENTS),
                                      .side = 'B',
                                      .time_in_force = '0',
                                      .display = 'Y'};
    const uint32_t tail = atomic_load_explicit(&b.inward->requests_tail, memory_order_relaxed);
    b.inward->requests[tail % REQUESTS] = r;
    atomic_store_explicit(&b.inward->requests_tail, tail + 1, memory_order_release);
}

static __attribute__((noinline)) uint32_t request_turn(uint64_t now)
{
    b.lane.stamp = now;
    return desk_gateway_turn(&b.desk, now);
}

// What the exchange says, what the client reads, what the control plane drains.
static void round_end(uint32_t ref)
{
    struct event events[16];
    uint32_t n;
    const uint64_t now = clock_tsc();
    exchange_answers(ref, now);
    desk_turn(&b.desk, now);
    atomic_store(&b.inward->answers_head, atomic_load(&b.outward->answers_tail));
    do
        if (!event_read(b.lane.trading.ring, b.lane.trading.slots, SLOTS, &b.cursor, events, 16,
                        &n))
            fail("the event ring is broken");
    while (n);
    event_commit(b.lane.trading.ring, b.cursor);
}

static int by_ticks(const void *x, const void *y)
{
    const uint32_t p = *(const uint32_t *)x, q = *(const uint32_t *)y;
    return p < q ? -1 : p > q;
}

static uint32_t stamp_cost(void)
{
    static uint32_t ticks[STAMPS];
    for (uint32_t i = 0; i < STAMPS; i++) {
        const uint64_t from = clock_tsc();
        ticks[i] = (uint32_t)(clock_tsc() - from);
    }
    qsort(ticks, STAMPS, sizeof *ticks, by_ticks);
    return ticks[STAMPS / 2];
}

static unsigned long ns(uint32_t ticks)
{
    return clock_ticks_to_ns(&b.cal, ticks);
}

int main(int argc, char **argv)
{
    const uint32_t orders = (uint32_t)option(argc, argv, "--orders", 500000);
    const uint64_t own = stamp_cost();
    uint32_t *ticks = zeroed((uint64_t)orders * sizeof *ticks + 1);
    if (orders == 0 || orders > 10000000) {
        fprintf(stderr, "bench-gateway: 1 to 10000000 orders\n");
        return EXIT_USAGE;
    }
    clock_calibrate(&b.cal, 100);
    lane_open();
    struct limit_table *limits = desk_open(orders);
    b.price = PRICE;
    if (option(argc, argv, "--book", 0))
        book_open();
    if (option(argc, argv, "--luld", 0))
        luld_open(limits);
    if (option(argc, argv, "--self", 0))
        self_open(limits);
    if (option(argc, argv, "--market", 0))
        market_open(limits);
    gateway_open();
    log_in();
    b.frames = 0;
    for (uint32_t i = 1; i <= orders; i++) {
        client_asks(i);
        const uint64_t from = clock_tsc();
        const uint32_t taken = request_turn(from);
        const uint64_t took = clock_tsc() - from;
        if (taken != 1 || b.frames != i)
            fail("an order was not sent");
        ticks[i - 1] = (uint32_t)(took > own ? took - own : 0);
        round_end(i);
    }
    qsort(ticks, orders, sizeof *ticks, by_ticks);
    printf("gateway messages=%u p50=%lu ns p99=%lu ns p99.9=%lu ns\n", orders,
           ns(ticks[orders / 2]), ns(ticks[(uint64_t)orders * 99 / 100]),
           ns(ticks[(uint64_t)orders * 999 / 1000]));
    return EXIT_OK;
}
