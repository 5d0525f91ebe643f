// The exchange's order entry for the lane under test: TCP, SoupBinTCP and OUCH 5.0, as much as a
// session without faults needs. Every frame that the lane sends is parsed, with its checksums.
#include <string.h>

#include "bench/latency/lane_wire.h"
#include "bench/latency/lane_world.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/wire/frame_build.h"
#include "dataplane/wire/soupbin.h"
#include "dataplane/wire/tcp.h"

enum { ISN = 7000, WINDOW = 65000, MSS = 1460 };

static void segment_push(struct lane_world *w, uint8_t flags, const void *payload, uint32_t len)
{
    uint8_t frame[PORT_FRAME_MAX];
    struct lane_venue *v = &w->venue;
    uint32_t options = 0;
    if (w->sockets) {
        w->sockets->stream(w, payload, len);
        return;
    }
    uint8_t *tcp = frame + FRAME_ETH_LEN + FRAME_IP_LEN, *option = tcp + TCP_HEADER_LEN;
    if (flags & TCP_SYN)
        options += tcp_option_mss_write(option, MSS);
    options += tcp_option_timestamp_write(option + options, ++v->ts_value, v->ts_echo);
    const uint32_t tcp_len = TCP_HEADER_LEN + options + len;
    const struct frame_ip_out ip = {.src_ip = LANE_VENUE_IP,
                                    .dst_ip = LANE_LOCAL_IP,
                                    .protocol = IP_PROTOCOL_TCP,
                                    .ttl = IP_TTL_DEFAULT};
    const struct tcp_segment s = {.src_port = LANE_VENUE_PORT,
                                  .dst_port = v->local_port,
                                  .seq = v->seq,
                                  .ack = v->ack,
                                  .flags = flags,
                                  .window = WINDOW};
    frame_eth_write(frame, lane_local_mac, lane_venue_mac, FRAME_NO_VLAN, ETHERTYPE_IPV4);
    frame_ip_write(frame + FRAME_ETH_LEN, &ip, (uint16_t)tcp_len);
    tcp_header_write(tcp, &s, options);
    if (len)
        memcpy(option + options, payload, len);
    tcp_checksum_write(tcp, LANE_VENUE_IP, LANE_LOCAL_IP, (uint16_t)tcp_len);
    v->seq += len + ((flags & TCP_SYN) != 0);
    lane_wire_push(w, frame, FRAME_ETH_LEN + FRAME_IP_LEN + tcp_len);
}

// --- what the lane says ---

static bool packet_take(struct lane_venue *v, const struct soupbin_packet *p, uint64_t at)
{
    switch (p->type) {
    case SOUPBIN_LOGIN_REQUEST: v->logged_in = true; return true;
    case SOUPBIN_CLIENT_HEARTBEAT: return true;
    case SOUPBIN_UNSEQUENCED: break;
    default: return false;
    }
    if (p->len >= 1 && p->payload[0] == 'Q') {
        v->asked = true;
        return true;
    }
    if (p->len < 47 || p->payload[0] != 'O')
        return false;
    ouch50_enter_read(p->payload, &v->last);
    v->orders[v->got % LANE_VENUE_ORDERS] = v->last;
    v->order_at[v->got++ % LANE_VENUE_ORDERS] = at;
    return true;
}

static bool payload_take(struct lane_venue *v, const uint8_t *bytes, uint32_t len, uint64_t arrived)
{
    struct soupbin_packet packet;
    uint32_t used, at = 0;
    bool ok = v->stream_len + len <= sizeof v->stream;
    if (!ok)
        return false;
    memcpy(v->stream + v->stream_len, bytes, len);
    v->stream_len += len;
    while (ok &&
           soupbin_next(v->stream + at, v->stream_len - at, &used, &packet) == SOUPBIN_PACKET) {
        ok = packet_take(v, &packet, arrived);
        at += used;
    }
    memmove(v->stream, v->stream + at, v->stream_len - at);
    v->stream_len -= at;
    return ok;
}

static bool sockets_take(struct lane_world *w)
{
    uint8_t bytes[2048];
    for (uint32_t n; (n = w->sockets->take(w, bytes, sizeof bytes)) > 0;)
        if (!payload_take(&w->venue, bytes, n, w->popped_at))
            return false;
    return true;
}

bool lane_venue_take(struct lane_world *w)
{
    struct lane_venue *v = &w->venue;
    struct frame frame;
    if (w->sockets)
        return sockets_take(w);
    while (lane_wire_pop(w, &frame)) {
        struct frame_udp ip;
        struct tcp_segment s;
        if (frame_parse(frame.data, frame.len, &ip) != FRAME_NOT_UDP ||
            tcp_parse(&ip, false, &s) != TCP_SEGMENT)
            return false;
        v->ts_echo = s.ts_value;
        if (s.flags & TCP_SYN) {
            v->local_port = s.src_port;
            v->ack = s.seq + 1;
            continue;
        }
        if (s.payload_len == 0)
            continue;
        if (s.seq != v->ack) { // we were away for so long that the lane sent it again
            v->again++;
            segment_push(w, TCP_ACK, NULL, 0);
            continue;
        }
        v->ack += s.payload_len;
        if (!payload_take(v, s.payload, s.payload_len, w->popped_at))
            return false;
    }
    return true;
}

// --- what it is told ---

static uint32_t sequenced(uint8_t *p, uint32_t len)
{
    be16_store(p, (uint16_t)(len + 1));
    p[2] = SOUPBIN_SEQUENCED;
    return SOUPBIN_HEADER_LEN + len;
}

void lane_venue_greet(struct lane_world *w)
{
    struct lane_venue *v = &w->venue;
    uint8_t p[64];
    if (v->seq == 0 && v->local_port) { // frames only
        v->seq = ISN;
        segment_push(w, TCP_SYN | TCP_ACK, NULL, 0);
    } else if (v->logged_in) {
        v->logged_in = false;
        be16_store(p, 31);
        p[2] = SOUPBIN_LOGIN_ACCEPTED;
        memcpy(p + 3, "      DAY1                   1", 30);
        segment_push(w, TCP_ACK | TCP_PSH, p, 33);
    } else if (v->asked) {
        v->asked = false;
        const struct ouch50_query_answer q = {.timestamp_ns = ++v->time_ns, .next_user_ref = 1};
        segment_push(w, TCP_ACK | TCP_PSH, p,
                     sequenced(p, ouch50_query_answer_write(p + SOUPBIN_HEADER_LEN, &q)));
    }
}

void lane_venue_answer(struct lane_world *w)
{
    struct lane_venue *v = &w->venue;
    uint8_t p[160];
    struct ouch50_accepted a = {.timestamp_ns = ++v->time_ns,
                                .user_ref = v->last.user_ref,
                                .side = v->last.side,
                                .quantity = v->last.quantity,
                                .price = v->last.price,
                                .time_in_force = v->last.time_in_force,
                                .display = v->last.display,
                                .order_ref = v->last.user_ref + (1ull << 32),
                                .capacity = 'P',
                                .iso = 'N',
                                .cross = 'N',
                                .state = 'L'};
    memcpy(a.symbol, v->last.symbol, sizeof a.symbol);
    const struct ouch50_executed e = {.timestamp_ns = ++v->time_ns,
                                      .user_ref = v->last.user_ref,
                                      .quantity = v->last.quantity,
                                      .price = v->last.price,
                                      .liquidity = 'R',
                                      .match = ++v->match};
    uint32_t len = sequenced(p, ouch50_accepted_write(p + SOUPBIN_HEADER_LEN, &a));
    len += sequenced(p + len, ouch50_executed_write(p + len + SOUPBIN_HEADER_LEN, &e));
    segment_push(w, TCP_ACK | TCP_PSH, p, len);
}
