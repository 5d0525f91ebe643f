// Life of a connection: opening, closing, the template of its frames, what may be sent.
#include <string.h>

#include "dataplane/tcp/parts.h"
#include "dataplane/wire/frame_build.h"

void head_update(struct tcp *c)
{
    uint8_t *tcp = c->head + c->eth_len + FRAME_IP_LEN;
    uint32_t len = TCP_HEADER_LEN;
    be32_store(tcp + 8, c->rcv_nxt);
    if (c->timestamps) {
        be32_store(tcp + TCP_HEADER_LEN + 8, c->ts_recent);
        len += TCP_TIMESTAMP_LEN;
    }
    c->head_sum = checksum_fold(checksum_add(c->pseudo_sum, tcp, len));
}

void head_build(struct tcp *c)
{
    struct frame_ip_out ip = {
        .src_ip = c->config.local_ip,
        .dst_ip = c->config.remote_ip,
        .protocol = IP_PROTOCOL_TCP,
        .ttl = IP_TTL_DEFAULT,
        .tos = c->config.tos,
    };
    struct tcp_segment data = {
        .src_port = c->local_port,
        .dst_port = c->config.remote_port,
        .flags = TCP_ACK | TCP_PSH,
        .window = (uint16_t)(c->rcv_wnd >> c->rcv_shift),
    };
    uint8_t mac[FRAME_MAC_LEN];
    // The length belongs to it too, but changes with every frame.
    c->pseudo_sum = checksum_fold(checksum_pseudo(ip.src_ip, ip.dst_ip, IP_PROTOCOL_TCP, 0));
    memcpy(mac, c->head, sizeof mac);
    uint32_t at =
        frame_eth_write(c->head, mac, c->config.local_mac, c->config.vlan, ETHERTYPE_IPV4);
    c->eth_len = (uint8_t)at;
    frame_ip_write(c->head + at, &ip, 0);
    // Without length and checksum: both are patched into every frame.
    be16_store(c->head + at + 2, 0);
    be16_store(c->head + at + 10, 0);
    c->ip_sum = checksum_fold(checksum_add(0, c->head + at, FRAME_IP_LEN));
    at += FRAME_IP_LEN;
    uint32_t options = c->timestamps ? TCP_TIMESTAMP_LEN : 0;
    tcp_header_write(c->head + at, &data, options);
    if (c->timestamps)
        tcp_option_timestamp_write(c->head + at + TCP_HEADER_LEN, 0, 0);
    c->head_len = (uint16_t)(at + TCP_HEADER_LEN + options);
    head_update(c);
}

void room_update(struct tcp *c)
{
    uint32_t flight = tcp_flight(c);
    // One byte less than the buffer has: the last one acknowledged stays, for window probes, though
    // frames that the port refuses are written behind the end of the stream.
    uint32_t most = c->send_mask;
    if (c->snd_wnd < most)
        most = c->snd_wnd;
    if (c->cwnd < most)
        most = c->cwnd;
    bool open = c->state == TCP_ESTABLISHED && c->neighbour;
    c->room = open && most > flight ? most - flight : 0;
}

// Nothing of an earlier connection is left but configuration, buffers, counters and next hop.
static void state_clear(struct tcp *c)
{
    c->rto_at_ns = UINT64_MAX;
    c->ack_at_ns = UINT64_MAX;
    c->keep_at_ns = UINT64_MAX;
    c->close_at_ns = UINT64_MAX;
    c->timed_ns = 0;
    c->due = 0;
    c->events = 0;
    c->timestamps = false;
    c->sack_ok = 0;
    c->fin_sent = c->peer_fin_known = c->peer_fin = false;
    c->snd_wnd = c->snd_wnd_max = c->want = 0;
    c->rcv_nxt = c->last_ack = 0;
    c->snd_shift = c->rcv_shift = c->backoff = 0;
    c->cwnd_acked = c->rtx_credit = c->dup_acks = 0;
    c->in_recovery = c->in_timeout = false;
    c->spurious = SPURIOUS_NO;
    c->srtt_ns = c->rttvar_ns = 0;
    c->sacked_count = c->hole_count = 0;
    c->held_last = (struct tcp_range){0, 0};
    c->unacked = c->keepalives = c->probes = 0;
    c->challenges = 0;
}

bool tcp_connect(struct tcp *c, uint16_t local_port, uint32_t isn, uint32_t ts_offset,
                 uint64_t now_ns)
{
    if (c->state != TCP_CLOSED && (c->state != TCP_TIME_WAIT || local_port == c->local_port))
        return false;
    state_clear(c);
    c->local_port = local_port;
    c->ts_offset = ts_offset;
    c->snd_una = isn;
    c->snd_nxt = isn + 1;
    c->first_seq = isn + 1;
    c->recover = isn;
    c->rtx_nxt = c->rtx_end = isn + 1;
    c->rto_ns = ns_of_us(c->config.rto_first_us);
    c->rto_at_ns = now_ns + c->rto_ns;
    c->oldest_ns = now_ns;
    c->heard_ns = now_ns;
    c->ssthresh = TCP_BUFFER_MAX;
    c->state = TCP_SYN_SENT;
    c->reason = TCP_REASON_NONE;
    c->due = TCP_DUE_SYN;
    head_build(c);
    room_update(c);
    deadline_update(c);
    return true;
}

// Our FIN takes the next sequence number; it is sent again like data.
static void fin_put(struct tcp *c, enum tcp_state state, uint64_t now_ns)
{
    if (tcp_flight(c) == 0) {
        c->oldest_ns = now_ns;
        c->rto_at_ns = now_ns + c->rto_ns;
    }
    c->fin_seq = c->snd_nxt++;
    c->fin_sent = true;
    c->want = 0;
    c->state = (uint8_t)state;
    c->due |= TCP_DUE_FIN;
    room_update(c);
    deadline_update(c);
}

void tcp_close(struct tcp *c, uint64_t now_ns)
{
    if (c->state == TCP_SYN_SENT)
        tcp_end(c, TCP_REASON_ABORTED, false);
    else if (c->state == TCP_ESTABLISHED)
        fin_put(c, TCP_FIN_WAIT_1, now_ns);
    else if (c->state == TCP_CLOSE_WAIT)
        fin_put(c, TCP_LAST_ACK, now_ns);
}

static void timers_off(struct tcp *c)
{
    c->rto_at_ns = UINT64_MAX;
    c->ack_at_ns = UINT64_MAX;
    c->keep_at_ns = UINT64_MAX;
    c->close_at_ns = UINT64_MAX;
}

void tcp_end(struct tcp *c, enum tcp_reason reason, bool reset)
{
    // TIME-WAIT has been reported when it began, and a reset there is of no use to anybody.
    bool reported = c->state == TCP_TIME_WAIT;
    c->due = 0;
    if (reset && !reported && c->state != TCP_SYN_SENT) {
        c->reset_seq = c->snd_nxt;
        c->reset_bare = false;
        c->due = TCP_DUE_RESET;
    }
    c->state = TCP_CLOSED;
    if (!reported) {
        c->reason = (uint8_t)reason;
        c->events |= TCP_EVENT_CLOSED;
    }
    timers_off(c);
    room_update(c);
    deadline_update(c);
}

void tcp_abort(struct tcp *c)
{
    if (c->state != TCP_CLOSED)
        tcp_end(c, TCP_REASON_ABORTED, true);
}

void time_wait_enter(struct tcp *c, uint64_t now_ns)
{
    if (c->state != TCP_TIME_WAIT) {
        c->state = TCP_TIME_WAIT;
        c->reason = TCP_REASON_FIN;
        c->events |= TCP_EVENT_CLOSED;
    }
    c->due &= (uint8_t) ~(TCP_DUE_RETRANSMIT | TCP_DUE_FIN);
    timers_off(c);
    c->close_at_ns = now_ns + ns_of_ms(c->config.time_wait_ms);
}

void challenge(struct tcp *c, uint64_t now_ns)
{
    uint64_t period = now_ns >> TCP_CHALLENGE_SHIFT;
    if (period != c->challenge_window) {
        c->challenge_window = period;
        c->challenges = 0;
    }
    if (c->challenges >= c->config.challenges_max) {
        c->count.challenges_limited++;
        return;
    }
    c->challenges++;
    c->count.challenges++;
    c->due |= TCP_DUE_ACK;
}

void tcp_neighbour_set(struct tcp *c, const uint8_t mac[FRAME_MAC_LEN])
{
    memcpy(c->head, mac, FRAME_MAC_LEN);
    c->neighbour = true;
    room_update(c);
}

void tcp_neighbour_clear(struct tcp *c)
{
    c->neighbour = false;
    room_update(c);
}
