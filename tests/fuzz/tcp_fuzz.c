// A connection against anything that can arrive, in any state, between orders, timers and calls of
// its owner. Input: settings, then a list of steps; most are segments whose numbers lie near what
// the connection expects, some are raw bytes. Nothing may be read or written out of bounds, each
// frame out is whole and right, a byte of the stream never changes, and the counts stay together.
#define RIG_STREAM_MAX (1 << 16)
#include <stdio.h>

#include "tests/lib/tcp_rig.h"

enum step {
    STEP_SEGMENT,
    STEP_RAW,
    STEP_PASS,
    STEP_SEND,
    STEP_OUTPUT,
    STEP_UNDO,
    STEP_OWNER,
    STEP_ACK,
    STEPS,
};

struct source {
    const uint8_t *p;
    size_t len;
};

static struct rig rig;

static uint32_t take(struct source *s, uint32_t bytes)
{
    uint32_t value = 0;
    for (; bytes && s->len; bytes--, s->len--)
        value = value << 8 | *s->p++;
    return value;
}

// Near zero on both sides more often than far away.
static uint32_t take_offset(struct source *s)
{
    uint32_t kind = take(s, 1);
    if (kind < 160)
        return (uint32_t)(int32_t)(int8_t)take(s, 1);
    if (kind < 240)
        return (uint32_t)(int32_t)(int16_t)take(s, 2);
    return take(s, 4);
}

static void invariants(void)
{
    const struct tcp *c = &rig.conn;
    uint32_t flight = c->snd_nxt - c->snd_una;
    RIG_MUST(c->state < TCP_STATES && c->reason < TCP_REASONS);
    RIG_MUST(flight <= c->send_mask + 2); // a FIN has no byte in the buffer
    RIG_MUST(c->room <= c->send_mask + 1);
    RIG_MUST(c->room == 0 || c->state == TCP_ESTABLISHED);
    RIG_MUST(c->hole_count <= TCP_HOLES_MAX && c->sacked_count <= TCP_SACKED_MAX);
    for (uint32_t i = 0; i < c->hole_count; i++) {
        RIG_MUST(seq_after(c->held[i].from, i ? c->held[i - 1].to : c->rcv_nxt));
        RIG_MUST(seq_after(c->held[i].to, c->held[i].from));
        RIG_MUST(c->held[i].to - c->rcv_nxt <= c->rcv_mask + 1);
    }
    for (uint32_t i = 0; i < c->sacked_count; i++) {
        RIG_MUST(!seq_before(c->sacked[i].from, i ? c->sacked[i - 1].to + 1 : c->snd_una));
        RIG_MUST(!seq_after(c->sacked[i].to, c->snd_nxt));
    }
    // Something out is always looked after by a timer.
    if (c->state != TCP_CLOSED && c->state != TCP_TIME_WAIT && flight)
        RIG_MUST(c->rto_at_ns != UINT64_MAX && c->deadline_ns <= c->rto_at_ns);
    if (c->state >= TCP_ESTABLISHED)
        RIG_MUST(c->mss >= TCP_MSS_LEAST - TCP_TIMESTAMP_LEN && c->cwnd >= c->mss);
}

// From memory of exactly its length, so that the sanitizer sees a read behind it.
static void arrive(const uint8_t *frame, uint32_t len)
{
    uint8_t *exact = malloc(len ? len : 1);
    RIG_MUST(exact);
    memcpy(exact, frame, len);
    rig.received_len = 0;
    rig_arrive(&rig, exact, len);
    struct frame_udp ip;
    struct tcp_segment s;
    uint8_t answer[PORT_FRAME_MAX];
    if (frame_parse(exact, len, &ip) == FRAME_NOT_UDP && ip.protocol == IP_PROTOCOL_TCP &&
        tcp_parse(&ip, true, &s) == TCP_SEGMENT) {
        uint32_t answer_len = tcp_refuse(&s, exact, answer);
        RIG_MUST(answer_len == 0 || (answer_len >= FRAME_LEN_MIN && answer_len <= PORT_FRAME_MAX));
    }
    free(exact);
}

static void segment(struct source *in, bool plain)
{
    uint8_t frame[PORT_FRAME_MAX], options[TCP_OPTIONS_MAX] = {0}, payload[1400];
    struct tcp_segment s = {.src_port = RIG_REMOTE_PORT, .dst_port = RIG_LOCAL_PORT};
    s.flags = plain ? TCP_ACK : (uint8_t)take(in, 1);
    s.seq = rig.conn.rcv_nxt + (plain ? 0 : take_offset(in));
    s.ack = (plain ? rig.conn.snd_nxt : rig.conn.snd_una) + take_offset(in);
    s.window = plain ? 2000 : (uint16_t)take(in, 2);
    uint32_t options_len = plain ? 0 : take(in, 1) % 11 * 4;
    for (uint32_t i = 0; i < options_len; i++)
        options[i] = (uint8_t)take(in, 1);
    if (rig.conn.timestamps && options_len == 0 && !(s.flags & TCP_RST))
        options_len = tcp_option_timestamp_write(options, rig.conn.ts_recent + take(in, 1) % 3,
                                                 rig.out.ts_value - take(in, 1) % 3);
    s.payload_len = plain ? 0 : take(in, 2) % sizeof payload;
    memset(payload, (int)s.seq, s.payload_len);
    s.payload = payload;
    arrive(frame, rig_frame_build(frame, &s, options, options_len));
}

static void raw(struct source *in)
{
    uint8_t frame[2048];
    uint32_t len = take(in, 2) % sizeof frame;
    len = len < in->len ? len : (uint32_t)in->len;
    memcpy(frame, in->p, len);
    in->p += len;
    in->len -= len;
    arrive(frame, len);
}

static void owner(struct source *in)
{
    switch (take(in, 1) % 6) {
    case 0: tcp_close(&rig.conn, rig.now_ns); break;
    case 1: tcp_abort(&rig.conn); break;
    case 2: tcp_neighbour_clear(&rig.conn); break;
    case 3: tcp_neighbour_set(&rig.conn, rig_remote_mac); break;
    case 4:
        if (rig.conn.state == TCP_CLOSED) {
            memset(&rig.watch, 0, sizeof rig.watch);
            rig.isn = take(in, 4);
            rig_connect(&rig);
        }
        break;
    default: {
        uint8_t frame[PORT_FRAME_MAX];
        uint32_t len = tcp_reset_write(&rig.conn, take(in, 1) & 1, frame);
        if (len)
            rig_look(&rig, frame, len);
    }
    }
}

static void send(struct source *in, bool refused)
{
    uint8_t payload[1500];
    uint32_t len = 1 + take(in, 2) % sizeof payload;
    uint32_t start = rig.conn.snd_nxt - rig.isn - 1;
    // The watch follows so much of the stream.
    if (start + len >= RIG_STREAM_MAX - 1500)
        return;
    for (uint32_t i = 0; i < len; i++)
        payload[i] = (uint8_t)take(in, in->len > 64);
    bool watching = rig.watching;
    rig.watching = !refused;
    if (rig_send(&rig, payload, len) && refused)
        tcp_frame_undo(&rig.conn, len);
    rig.watching = watching;
}

static void step(struct source *in)
{
    switch (take(in, 1) % STEPS) {
    case STEP_SEGMENT: segment(in, false); break;
    case STEP_ACK: segment(in, true); break;
    case STEP_RAW: raw(in); break;
    case STEP_PASS: {
        uint32_t shift = take(in, 1) % 36;
        rig_pass(&rig, (uint64_t)take(in, 1) << shift);
        break;
    }
    case STEP_SEND: send(in, false); break;
    case STEP_UNDO: send(in, true); break;
    case STEP_OUTPUT:
        for (int i = 0; i < 200 && rig_output(&rig); i++)
            RIG_MUST(i < 199); // it comes to an end
        break;
    default: owner(in);
    }
    invariants();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source in = {data, size};
    uint32_t settings = take(&in, 1);
    rig_config(&rig);
    rig.config.timestamps = settings & 1;
    rig.config.sack = settings & 2;
    rig.config.receive_bytes = settings & 4 ? TCP_BUFFER_MIN : 1 << 17;
    rig.config.send_bytes = settings & 8 ? TCP_BUFFER_MIN : 1 << 14;
    rig.config.ack_delay_us = settings & 16 ? 500 : 0;
    rig.config.sums_by_card_in = settings & 32; // then wrong sums come through
    rig_make(&rig);
    rig_connect(&rig);
    if (settings & 64) {
        // Most inputs begin with an open connection.
        struct tcp_segment s = {.seq = 0xffffff00,
                                .ack = rig.isn + 1,
                                .flags = TCP_SYN | TCP_ACK,
                                .window = 8000,
                                .options = TCP_HAS_MSS | TCP_HAS_SHIFT | TCP_HAS_SACK_OK |
                                           TCP_HAS_TIMESTAMP,
                                .mss = 1000,
                                .shift = 3,
                                .ts_value = 9};
        rig_output(&rig);
        rig_segment(&rig, s);
        RIG_MUST(rig.conn.state == TCP_ESTABLISHED);
    }
    while (in.len)
        step(&in);
    rig_free(&rig);
    return 0;
}
