// A connection in the hands of a test: segments are made and pushed in, frames are taken out and
// looked at, time stands still until the test moves it. Whatever comes out is checked as a whole
// frame: lengths, checksums, and that a byte of the stream never changes.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "dataplane/port/port.h"
#include "dataplane/tcp/tcp.h"
#include "dataplane/wire/frame.h"
#include "dataplane/wire/frame_build.h"

enum { RIG_LOCAL_PORT = 40000, RIG_REMOTE_PORT = 9000 };

#ifndef RIG_STREAM_MAX
#define RIG_STREAM_MAX (1 << 20) // bytes of either stream that are looked at
#endif

#define RIG_MS(n) ((uint64_t)(n)*1000000u)
#define RIG_US(n) ((uint64_t)(n)*1000u)

static const uint32_t rig_local_ip = 0x0a4d0002, rig_remote_ip = 0x0a4d0009;
static const uint8_t rig_local_mac[6] = {2, 0, 0, 0, 0, 1}, rig_remote_mac[6] = {2, 0, 0, 0, 0, 9};

// Watches one direction of a stream on the wire: the value of every byte, wherever and however
// often it passes.
struct rig_watch {
    uint32_t first_seq; // of the stream's first byte
    uint32_t len;       // bytes seen from the start on, the highest
    uint64_t again;     // bytes seen more than once
    uint8_t bytes[RIG_STREAM_MAX];
    uint8_t seen[RIG_STREAM_MAX];
};

struct rig {
    struct tcp conn;
    struct tcp_config config;
    void *memory;
    uint64_t now_ns;
    struct rig_watch watch; // what we send
    bool watching;
    uint32_t isn;
    // What tcp_input handed over.
    uint8_t received[RIG_STREAM_MAX];
    uint32_t received_len;
    uint32_t events; // all that tcp_events said
    // The frame that came out last.
    uint8_t frame[PORT_FRAME_MAX];
    uint32_t frame_len;
    struct tcp_segment out;
    // What the peer's segments carry: the test plays it.
    uint32_t peer_ts;
};

// A broken frame or a byte that has changed ends the test program: there is no going on.
#define RIG_MUST(cond)                                                         \
    do {                                                                       \
        if (!(cond)) {                                                         \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                           \
        }                                                                      \
    } while (0)

static inline void rig_watch_see(struct rig_watch *w, const struct tcp_segment *s)
{
    uint32_t at = s->seq - w->first_seq;
    // A probe before the first byte has no data.
    for (uint32_t i = 0; i < s->payload_len; i++, at++) {
        RIG_MUST(at < RIG_STREAM_MAX);
        if (w->seen[at]) {
            RIG_MUST(w->bytes[at] == s->payload[i]);
            w->again++;
        }
        w->seen[at] = 1;
        w->bytes[at] = s->payload[i];
        if (at + 1 > w->len)
            w->len = at + 1;
    }
}

// Any frame that the connection made.
static inline void rig_look(struct rig *r, const uint8_t *frame, uint32_t len)
{
    struct frame_udp ip;
    RIG_MUST(len >= FRAME_LEN_MIN && len <= PORT_FRAME_MAX);
    RIG_MUST(frame_parse(frame, len, &ip) == FRAME_NOT_UDP && ip.protocol == IP_PROTOCOL_TCP);
    RIG_MUST(ip.trailing == 0 || len == FRAME_LEN_MIN);
    RIG_MUST(frame_ip_checksum_ok(&ip));
    RIG_MUST(tcp_parse(&ip, r->config.sums_by_card_out, &r->out) == TCP_SEGMENT);
    RIG_MUST(r->out.src_ip == rig_local_ip && r->out.dst_ip == rig_remote_ip);
    RIG_MUST(memcmp(frame, rig_remote_mac, 6) == 0 && memcmp(frame + 6, rig_local_mac, 6) == 0);
    RIG_MUST(r->out.payload_len + (r->out.payload - ip.ip) <= r->config.mtu);
    if (r->watching)
        rig_watch_see(&r->watch, &r->out);
}

static inline void rig_config(struct rig *r)
{
    memset(r, 0, sizeof *r);
    tcp_config_default(&r->config);
    r->config.local_ip = rig_local_ip;
    r->config.remote_ip = rig_remote_ip;
    r->config.remote_port = RIG_REMOTE_PORT;
    memcpy(r->config.local_mac, rig_local_mac, 6);
    r->isn = 0xfffff000; // numbers wrap soon
    r->peer_ts = 5000;
    r->now_ns = RIG_MS(3600000);
}

static inline void rig_make(struct rig *r)
{
    struct error err = {0};
    r->memory = calloc(1, tcp_memory_bytes(&r->config));
    RIG_MUST(r->memory && tcp_init(&r->conn, &r->config, r->memory, "rig", &err));
    tcp_neighbour_set(&r->conn, rig_remote_mac);
}

static inline void rig_free(struct rig *r)
{
    free(r->memory);
    r->memory = NULL;
}

static inline bool rig_connect(struct rig *r)
{
    r->watch.first_seq = r->isn + 1;
    r->watching = true;
    return tcp_connect(&r->conn, RIG_LOCAL_PORT, r->isn, 77, r->now_ns);
}

// One frame out, looked at; false: none is due.
static inline bool rig_output(struct rig *r)
{
    if (!r->conn.due)
        return false;
    r->frame_len = tcp_output(&r->conn, r->now_ns, r->frame);
    if (r->frame_len == 0)
        return false;
    rig_look(r, r->frame, r->frame_len);
    return true;
}

// Time passes; the timers that are due run.
static inline void rig_pass(struct rig *r, uint64_t ns)
{
    r->now_ns += ns;
    if (r->now_ns >= r->conn.deadline_ns)
        tcp_timers(&r->conn, r->now_ns);
    r->events |= tcp_events(&r->conn);
}

static inline bool rig_send(struct rig *r, const void *payload, uint32_t len)
{
    if (!tcp_send_ready(&r->conn, len))
        return false;
    r->frame_len = tcp_frame(&r->conn, payload, len, r->now_ns, r->frame);
    RIG_MUST(r->frame_len > 0);
    rig_look(r, r->frame, r->frame_len);
    return true;
}

// --- the peer's side

// A whole frame from the peer, checksums right; <options> of <options_len> bytes as they stand.
static inline uint32_t rig_frame_build(uint8_t *p, const struct tcp_segment *s,
                                       const uint8_t *options, uint32_t options_len)
{
    struct frame_ip_out ip = {
        .src_ip = rig_remote_ip,
        .dst_ip = rig_local_ip,
        .protocol = IP_PROTOCOL_TCP,
        .ttl = IP_TTL_DEFAULT,
    };
    uint16_t len = (uint16_t)(TCP_HEADER_LEN + options_len + s->payload_len);
    uint32_t at = frame_eth_write(p, rig_local_mac, rig_remote_mac, FRAME_NO_VLAN, ETHERTYPE_IPV4);
    at += frame_ip_write(p + at, &ip, len);
    tcp_header_write(p + at, s, options_len);
    if (options_len)
        memcpy(p + at + TCP_HEADER_LEN, options, options_len);
    if (s->payload_len)
        memcpy(p + at + TCP_HEADER_LEN + options_len, s->payload, s->payload_len);
    tcp_checksum_write(p + at, ip.src_ip, ip.dst_ip, len);
    return frame_pad(p, at + len);
}

// A frame arrives. False: it is no segment of the connection.
static inline bool rig_arrive(struct rig *r, const uint8_t *frame, uint32_t len)
{
    struct frame_udp ip;
    struct tcp_segment s;
    struct tcp_runs runs;
    if (frame_parse(frame, len, &ip) != FRAME_NOT_UDP || ip.protocol != IP_PROTOCOL_TCP ||
        tcp_parse(&ip, r->config.sums_by_card_in, &s) != TCP_SEGMENT || !tcp_match(&r->conn, &s))
        return false;
    tcp_input(&r->conn, &s, r->now_ns, &runs);
    RIG_MUST(runs.count <= TCP_RUNS_MAX);
    for (uint32_t i = 0; i < runs.count; i++) {
        RIG_MUST(r->received_len + runs.run[i].len <= RIG_STREAM_MAX);
        memcpy(r->received + r->received_len, runs.run[i].data, runs.run[i].len);
        r->received_len += runs.run[i].len;
    }
    r->events |= tcp_events(&r->conn);
    return true;
}

// A segment from the peer with the time stamps that it would carry, if they are agreed on.
static inline bool rig_segment(struct rig *r, struct tcp_segment s)
{
    uint8_t frame[PORT_FRAME_MAX], options[TCP_OPTIONS_MAX];
    uint32_t len = 0;
    s.src_port = RIG_REMOTE_PORT;
    s.dst_port = RIG_LOCAL_PORT;
    if (s.options & TCP_HAS_MSS)
        len += tcp_option_mss_write(options + len, s.mss);
    if (s.options & TCP_HAS_SHIFT)
        len += tcp_option_shift_write(options + len, s.shift);
    if (s.options & TCP_HAS_SACK_OK)
        len += tcp_option_sack_ok_write(options + len);
    if (s.options & TCP_HAS_TIMESTAMP)
        len += tcp_option_timestamp_write(options + len, s.ts_value, s.ts_echo);
    if (s.sack_count)
        len += tcp_option_sack_write(options + len, s.sack, s.sack_count);
    return rig_arrive(r, frame, rig_frame_build(frame, &s, options, len));
}
