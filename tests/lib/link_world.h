// A lane with a session over our own TCP on a simulated port, and the exchange's end of it in the
// hands of a test. cmocka.h is included before this header.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/lane/desk.h"
#include "dataplane/port/port_sim.h"
#include "dataplane/wire/frame.h"
#include "dataplane/wire/frame_build.h"

enum { LOCAL = 0x0A000001, REMOTE = 0x0A000009, REMOTE_PORT = 9000, HZ = 1000000000 };

static const uint8_t local_mac[6] = {2, 0, 0, 0, 0, 1}, remote_mac[6] = {2, 0, 0, 0, 0, 9};

struct world {
    struct lane lane;
    struct desk desk;
    struct session session;
    struct tcp_link link;
    struct port_sim port;
    uint64_t now;
    struct limit_table *limits;
    void *blocks[8];
    uint32_t block_count;
    // The exchange's end.
    uint32_t peer_seq, peer_ack;
    uint16_t local_port;
    uint8_t got[4096];
    uint32_t got_len;
    uint8_t flags;   // of the last segment
    uint16_t window; // that it offers
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
                                       .symbols = {4}};
    const struct region_identity identity = {.epoch = 1};
    struct region_view view;
    void *region = zeroed(region_bytes(&shape));
    assert_true(region_format(region, region_bytes(&shape), &shape, &identity, &view));
    lane_init(&w->lane, &view, 0, zeroed(LANE_RING_LEN * sizeof(struct lane_note)),
              zeroed(LANE_RING_LEN * sizeof(struct lane_answer)));
    w->lane.now = world_now;
    w->lane.clock = w;
    w->lane.verify_checksums = true;
    port_sim_init(&w->port, "sim", local_mac);
    lane_input_add(&w->lane, &w->port.port, 0);
}

static inline void desk_make(void)
{
    static const char symbols[][8] = {"MSFT    "};
    const struct desk_config config = {.orders = {.orders = 16,
                                                  .sessions = 1,
                                                  .refs_max = 100,
                                                  .executions = 64,
                                                  .silence_ticks = HZ},
                                       .instruments = 1,
                                       .positions = 16,
                                       .strategies = 3,
                                       .accounts = 4,
                                       .event_credit_min = 8};
    const struct session_config sc = {
        .frames = {.firm = "    ", .capacity = 'P', .mass_cancel = true},
        .username = "u",
        .password = "p",
        .sequence = 1,
        .heartbeat_ticks = HZ,
        .silence_ticks = 10ull * HZ,
        .login_ticks = HZ,
        .retry_ticks = HZ / 10,
        .retry_ticks_max = HZ};
    struct tcp_config tc;
    struct error err = {0};
    w->limits = zeroed(sizeof *w->limits + sizeof(struct limit_row));
    limit_row_open(&w->limits->firm);
    limit_row_open(&w->limits->accounts[0]);
    limit_row_open(&w->limits->strategies[0]);
    limit_row_open(&w->limits->sessions[0]);
    limit_symbol_open(&w->limits->symbols[0]);
    w->limits->symbols[0].quality = QUALITY_SUSPECT; // there is no feed here
    desk_init(&w->desk, &w->lane, &config, symbols, w->limits, zeroed(desk_bytes(&config)));
    tcp_config_default(&tc);
    tc.local_ip = LOCAL;
    tc.remote_ip = REMOTE;
    tc.remote_port = REMOTE_PORT;
    tc.timestamps = tc.sack = false;
    memcpy(tc.local_mac, local_mac, 6);
    assert_true(tcp_link_init(&w->link, &tc, zeroed(tcp_memory_bytes(&tc)), &w->port.port, 0, HZ,
                              "session", &err));
    assert_true(session_init(&w->session, &sc, &w->link.transport, "session", &err));
    tcp_link_bind(&w->link, &w->session);
    desk_session_add(&w->desk, &w->session, NULL, &w->link);
    w->lane.desk = &w->desk;
}

static inline int open_world(void **state)
{
    (void)state;
    const size_t bytes = (sizeof *w + 127) / 128 * 128; // connections stand on a cache line
    w = aligned_alloc(128, bytes);
    if (w == NULL)
        return 1;
    memset(w, 0, bytes);
    w->now = 5000;
    w->window = 60000;
    lane_make();
    desk_make();
    return 0;
}

static inline int close_world(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < w->block_count; i++)
        free(w->blocks[i]);
    free(w);
    return 0;
}

// --- the peer ---

static inline void segment_push(uint8_t flags, const void *payload, uint32_t len)
{
    uint8_t frame[PORT_FRAME_MAX] = {0};
    const struct frame_ip_out ip = {
        .src_ip = REMOTE, .dst_ip = LOCAL, .protocol = IP_PROTOCOL_TCP, .ttl = 64};
    const struct tcp_segment s = {.src_port = REMOTE_PORT,
                                  .dst_port = w->local_port,
                                  .seq = w->peer_seq,
                                  .ack = w->peer_ack,
                                  .flags = flags,
                                  .window = w->window};
    uint32_t at = frame_eth_write(frame, local_mac, remote_mac, FRAME_NO_VLAN, ETHERTYPE_IPV4);
    at += frame_ip_write(frame + at, &ip, (uint16_t)(TCP_HEADER_LEN + len));
    uint8_t *tcp = frame + at;
    tcp_header_write(tcp, &s, 0);
    if (len)
        memcpy(tcp + TCP_HEADER_LEN, payload, len);
    const uint64_t sum =
        checksum_pseudo(REMOTE, LOCAL, IP_PROTOCOL_TCP, (uint16_t)(TCP_HEADER_LEN + len));
    checksum_store(tcp + 16, checksum_finish(checksum_add(sum, tcp, TCP_HEADER_LEN + len)));
    w->peer_seq += len + ((flags & (TCP_SYN | TCP_FIN)) != 0);
    assert_true(port_sim_push(&w->port, 0, frame, at + TCP_HEADER_LEN + len, 0, 0));
}

// What the card does to a frame that asks for it: the field holds the pseudo header's sum.
static inline void card_sums(const struct frame *frame)
{
    const uint32_t at = 14 + 20, len = (uint32_t)be16_load(frame->data + 16) - 20;
    uint8_t *tcp = (uint8_t *)(uintptr_t)frame->data + at;
    assert_int_equal(frame->flags, FRAME_SUM_TCP);
    checksum_store(tcp + 16, checksum_finish(checksum_add(0, tcp, len)));
}

// Takes what the lane sent; returns how many frames.
static inline uint32_t sent_take(void)
{
    struct frame frame;
    uint32_t n = 0;
    for (; port_sim_sent(&w->port, &frame); n++) {
        struct frame_udp ip;
        struct tcp_segment s;
        assert_int_equal(frame_parse(frame.data, frame.len, &ip), FRAME_NOT_UDP);
        if (w->port.port.sums_tcp)
            card_sums(&frame);
        assert_int_equal(tcp_parse(&ip, false, &s), TCP_SEGMENT);
        assert_memory_equal(frame.data, remote_mac, 6);
        w->flags = s.flags;
        w->local_port = s.src_port;
        memcpy(w->got + w->got_len, s.payload, s.payload_len);
        w->got_len += s.payload_len;
        if (s.flags & TCP_SYN || s.seq == w->peer_ack)
            w->peer_ack = s.seq + tcp_segment_len(&s);
    }
    return n;
}

static inline void turn(void)
{
    w->now += 1000;
    lane_turn(&w->lane, w->now);
}

static inline void packet_push(char type, const void *payload, uint32_t len)
{
    uint8_t p[128];
    be16_store(p, (uint16_t)(len + 1));
    p[2] = (uint8_t)type;
    memcpy(p + 3, payload, len);
    segment_push(TCP_ACK | TCP_PSH, p, len + 3);
}

static inline void connect_up(void)
{
    turn();
    assert_int_equal(sent_take(), 0); // nobody knows the next hop
    assert_int_equal(w->session.state, SESSION_DOWN);
    tcp_neighbour_set(&w->link.tcp, remote_mac);
    w->now += HZ;
    turn();
    assert_int_equal(sent_take(), 1);
    assert_int_equal(w->flags, TCP_SYN);
    w->peer_seq = 7000;
    segment_push(TCP_SYN | TCP_ACK, NULL, 0);
    turn();
    assert_true(sent_take() >= 1);
    assert_int_equal(w->session.state, SESSION_LOGIN);
    assert_int_equal(w->got_len, 49);
    assert_int_equal(w->got[2], 'L');
    packet_push('A', "      DAY1                   1", 30);
    turn();
    sent_take();
    assert_int_equal(w->session.state, SESSION_REPLAY);
    assert_int_equal(w->got_len, 49 + 4);
    assert_int_equal(w->got[49 + 3], 'Q');
    uint8_t m[13];
    const struct ouch50_query_answer q = {.timestamp_ns = 1, .next_user_ref = 1};
    packet_push('S', m, ouch50_query_answer_write(m, &q));
    turn();
    sent_take();
    assert_int_equal(w->session.state, SESSION_READY);
    w->got_len = 0;
}

static const struct desk_owner who = {0, 0};
static const struct desk_order buy = {
    .quantity = 100, .price = 1000000, .side = 'B', .time_in_force = '0', .display = 'Y'};

static inline void open_at_the_exchange(uint32_t *index)
{
    uint8_t m[64];
    const struct ouch50_accepted a = {.timestamp_ns = 2,
                                      .user_ref = 1,
                                      .side = 'B',
                                      .quantity = 100,
                                      .price = 1000000,
                                      .order_ref = 5,
                                      .display = 'Y',
                                      .state = 'L'};
    connect_up();
    assert_int_equal(desk_enter(&w->desk, &who, &buy, index), REFUSAL_NONE);
    sent_take();
    packet_push('S', m, ouch50_accepted_write(m, &a));
    turn();
    sent_take();
    w->got_len = 0;
}
