// The rig with a connection that is open, and a peer that a test moves by hand.
#pragma once

#include "tests/lib/tcp_rig.h"

static const uint32_t open_peer_isn = 0xfffff800;

// Opens with what <r>->config offers; the peer agrees to it, with <window> (scaled by two bits).
static inline bool open_with(struct rig *r, uint16_t mss, uint32_t window)
{
    rig_make(r);
    if (!rig_connect(r) || !rig_output(r) || r->out.flags != TCP_SYN)
        return false;
    struct tcp_segment s = {
        .seq = open_peer_isn,
        .ack = r->isn + 1,
        .flags = TCP_SYN | TCP_ACK,
        .window = (uint16_t)window,
        .options = TCP_HAS_MSS | TCP_HAS_SHIFT,
        .mss = mss,
        .shift = 2,
    };
    if (r->config.sack)
        s.options |= TCP_HAS_SACK_OK;
    if (r->config.timestamps) {
        s.options |= TCP_HAS_TIMESTAMP;
        s.ts_value = r->peer_ts;
        s.ts_echo = r->out.ts_value;
    }
    r->now_ns += RIG_US(50);
    if (!rig_segment(r, s) || !rig_output(r) || r->conn.state != TCP_ESTABLISHED)
        return false;
    r->events = 0;
    // The window of the answer to the SYN was not scaled.
    r->conn.snd_wnd = r->conn.snd_wnd_max = window << 2;
    return true;
}

static inline bool open_plain(struct rig *r)
{
    rig_config(r);
    r->config.timestamps = false;
    r->config.sack = false;
    return open_with(r, 1460, 15000);
}

static inline bool open_sack(struct rig *r)
{
    rig_config(r);
    r->config.timestamps = false;
    return open_with(r, 1460, 15000);
}

static inline bool open_timestamps(struct rig *r)
{
    rig_config(r);
    return open_with(r, 1460, 15000);
}

// Each byte of the stream differs from its neighbours, so that a shift is seen.
static inline bool send_bytes(struct rig *r, uint32_t count, uint32_t len)
{
    uint8_t bytes[1500];
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < len; k++)
            bytes[k] = (uint8_t)((r->conn.snd_nxt + k) * 13);
        if (!rig_send(r, bytes, len))
            return false;
    }
    return true;
}

// Where the frame that came out last begins in our stream.
static inline uint32_t out_at(const struct rig *r)
{
    return r->out.seq - r->isn - 1;
}

// What the peer sends next in order: <ack> counts our bytes from the first one, <window> unscaled.
static inline struct tcp_segment peer_segment(struct rig *r, uint32_t ack, uint32_t window)
{
    struct tcp_segment s = {
        .seq = r->conn.rcv_nxt,
        .ack = r->isn + 1 + ack,
        .flags = TCP_ACK,
        .window = (uint16_t)(window >> 2),
    };
    if (r->conn.timestamps) {
        s.options = TCP_HAS_TIMESTAMP;
        s.ts_value = r->peer_ts;
        s.ts_echo = r->out.ts_value;
    }
    return s;
}

static inline bool peer_acks(struct rig *r, uint32_t ack, uint32_t window)
{
    return rig_segment(r, peer_segment(r, ack, window));
}

static inline bool peer_sacks(struct rig *r, uint32_t ack, uint32_t from, uint32_t to)
{
    struct tcp_segment s = peer_segment(r, ack, 60000);
    s.sack_count = 1;
    s.sack[0] = (struct tcp_range){r->isn + 1 + from, r->isn + 1 + to};
    return rig_segment(r, s);
}

// Byte <i> of the peer's stream. It has no period that a ring could hide behind.
static inline uint8_t open_byte(uint32_t i)
{
    return (uint8_t)((i + 1) * 0x9e3779b1u >> 24);
}

// Data of the peer at <offset> from what we wait for.
static inline bool peer_data(struct rig *r, int32_t offset, uint32_t len)
{
    uint8_t bytes[1500];
    struct tcp_segment s = peer_segment(r, r->conn.snd_una - r->isn - 1, 60000);
    s.seq += (uint32_t)offset;
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = open_byte(s.seq - open_peer_isn - 1 + i);
    s.payload = bytes;
    s.payload_len = len;
    return rig_segment(r, s);
}

static inline bool received_right(const struct rig *r)
{
    for (uint32_t i = 0; i < r->received_len; i++)
        if (r->received[i] != open_byte(i))
            return false;
    return true;
}
