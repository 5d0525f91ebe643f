// A connection of ours and a peer with a stack of its own, joined by a wire that loses, repeats,
// delays and reorders frames by a seed. Both sides send a stream that the other knows, so that
// every byte is checked where it arrives, and the rig's watch sees every byte that we send again.
//
// Time is an argument: virtual with a peer that can live in it, the clock with the kernel.
#pragma once

#include <stdio.h>

#include "tests/lib/tcp_rig.h"

enum { WORLD_FLYING_MAX = 1024 };

static inline uint64_t world_random(uint64_t *x)
{
    // xorshift64* : enough for dice, and the same everywhere.
    *x ^= *x >> 12;
    *x ^= *x << 25;
    *x ^= *x >> 27;
    return *x * 0x2545f4914f6cdd1dull;
}

static inline uint32_t world_below(uint64_t *x, uint32_t n)
{
    return (uint32_t)((world_random(x) >> 32) * n >> 32);
}

// Byte <i> of the stream of a side.
static inline uint8_t world_byte(uint32_t side, uint32_t i)
{
    uint32_t x = (i + 1) * 0x9e3779b1u + side * 0x85ebca6bu;
    return (uint8_t)(x >> 24 ^ x >> 11);
}

struct world_flying {
    uint64_t at_ns;
    uint64_t order; // of two at the same time the older first
    uint32_t len;
    bool to_peer;
    uint8_t frame[PORT_FRAME_MAX];
};

struct world_config {
    uint64_t seed;
    uint32_t loss_ppm, twice_ppm, late_ppm; // per frame
    uint32_t damage_ppm;                    // one bit flipped
    uint32_t delay_us, jitter_us;           // one way; jitter only for those that are late
    uint32_t send_total, receive_total;     // bytes of our stream and of the peer's
    uint32_t message_max;                   // of ours
    uint32_t refuse_ppm;                    // the port does not take a frame
    bool we_close_first;
};

struct world {
    struct rig rig;
    struct world_config config;
    uint64_t random;
    struct world_flying *flying;
    uint32_t flying_count;
    uint64_t order;
    uint64_t last_at_ns[2]; // frames that are not late keep their order
    uint32_t sent, received;
    uint64_t send_at_ns;
    uint64_t send_again_ns; // between messages, at most
    uint64_t lost, doubled, damaged, refused;
    bool closing;
    uint32_t edge; // of our stream: the peer has offered room up to here, at some time
    bool edge_known;
    // Hands a frame to the peer.
    void (*deliver)(struct world *w, const uint8_t *frame, uint32_t len);
    void *peer;
};

static inline void world_make(struct world *w, const struct world_config *config)
{
    w->config = *config;
    w->random = config->seed * 0x9e3779b97f4a7c15ull + 1;
    w->flying = calloc(WORLD_FLYING_MAX, sizeof *w->flying);
    RIG_MUST(w->flying);
    w->flying_count = 0;
    w->last_at_ns[0] = w->last_at_ns[1] = 0;
    w->sent = w->received = 0;
    w->send_at_ns = 0;
    w->send_again_ns = RIG_MS(2);
    w->lost = w->doubled = w->damaged = w->refused = 0;
    w->closing = false;
    w->edge_known = false;
}

static inline void world_free(struct world *w)
{
    free(w->flying);
    rig_free(&w->rig);
}

static inline void world_put(struct world *w, bool to_peer, const uint8_t *frame, uint32_t len)
{
    struct world_config *k = &w->config;
    if (w->flying_count == WORLD_FLYING_MAX) {
        w->lost++;
        return;
    }
    struct world_flying *f = &w->flying[w->flying_count++];
    f->at_ns = w->rig.now_ns + RIG_US(k->delay_us);
    if (world_below(&w->random, 1000000) < k->late_ppm) {
        f->at_ns += RIG_US(world_below(&w->random, k->jitter_us + 1));
    } else {
        if (f->at_ns < w->last_at_ns[to_peer])
            f->at_ns = w->last_at_ns[to_peer];
        w->last_at_ns[to_peer] = f->at_ns;
    }
    f->order = w->order++;
    f->len = len;
    f->to_peer = to_peer;
    memcpy(f->frame, frame, len);
    if (world_below(&w->random, 1000000) < k->damage_ppm) {
        // Not in the Ethernet header: nothing protects that here.
        uint32_t bit = 14 * 8 + world_below(&w->random, (len - 14) * 8);
        f->frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
        w->damaged++;
    }
}

// A frame enters the wire.
static inline void world_send(struct world *w, bool to_peer, const uint8_t *frame, uint32_t len)
{
    if (world_below(&w->random, 1000000) < w->config.loss_ppm) {
        w->lost++;
        return;
    }
    world_put(w, to_peer, frame, len);
    if (world_below(&w->random, 1000000) < w->config.twice_ppm) {
        w->doubled++;
        world_put(w, to_peer, frame, len);
    }
}

static inline bool world_refuses(struct world *w)
{
    if (world_below(&w->random, 1000000) >= w->config.refuse_ppm)
        return false;
    w->refused++;
    return true;
}

static inline uint64_t world_next(const struct world *w)
{
    uint64_t next = w->rig.conn.deadline_ns;
    if (w->rig.conn.state == TCP_ESTABLISHED && w->sent < w->config.send_total &&
        w->send_at_ns < next)
        next = w->send_at_ns;
    for (uint32_t i = 0; i < w->flying_count; i++)
        if (w->flying[i].at_ns < next)
            next = w->flying[i].at_ns;
    return next;
}

// A window may be taken back, but nothing is sent that no window ever had room for.
static inline void world_edge_learn(struct world *w, const uint8_t *frame, uint32_t len)
{
    struct frame_udp ip;
    struct tcp_segment s;
    if (frame_parse(frame, len, &ip) != FRAME_NOT_UDP || ip.protocol != IP_PROTOCOL_TCP ||
        tcp_parse(&ip, false, &s) != TCP_SEGMENT || !(s.flags & TCP_ACK) ||
        !tcp_match(&w->rig.conn, &s)) // the kernel may still speak of an earlier connection
        return;
    bool syn = s.flags & TCP_SYN;
    uint32_t shift = syn ? 0 : w->rig.conn.snd_shift;
    uint32_t edge = s.ack + ((uint32_t)s.window << shift);
    if (!w->edge_known || seq_after(edge, w->edge))
        w->edge = edge;
    w->edge_known = true;
}

static inline void world_edge_check(const struct world *w)
{
    const struct tcp_segment *s = &w->rig.out;
    uint32_t end = s->seq + s->payload_len;
    // One byte may ask for a window that is shut.
    bool asks = end == w->rig.conn.snd_una + 1;
    RIG_MUST(s->payload_len == 0 || asks || (w->edge_known && !seq_after(end, w->edge)));
}

// What has arrived is what the peer sends there.
static inline void world_check_received(struct world *w)
{
    for (; w->received < w->rig.received_len; w->received++)
        RIG_MUST(w->rig.received[w->received] == world_byte(1, w->received));
    RIG_MUST(w->received <= w->config.receive_total);
}

static inline void world_fly(struct world *w)
{
    for (;;) {
        uint32_t best = w->flying_count;
        for (uint32_t i = 0; i < w->flying_count; i++)
            if (w->flying[i].at_ns <= w->rig.now_ns &&
                (best == w->flying_count || w->flying[i].at_ns < w->flying[best].at_ns ||
                 (w->flying[i].at_ns == w->flying[best].at_ns &&
                  w->flying[i].order < w->flying[best].order)))
                best = i;
        if (best == w->flying_count)
            return;
        struct world_flying f = w->flying[best];
        w->flying[best] = w->flying[--w->flying_count];
        if (f.to_peer) {
            w->deliver(w, f.frame, f.len);
        } else {
            world_edge_learn(w, f.frame, f.len);
            rig_arrive(&w->rig, f.frame, f.len);
        }
        world_check_received(w);
    }
}

static inline void world_order(struct world *w)
{
    uint8_t payload[1500];
    uint32_t left = w->config.send_total - w->sent;
    uint32_t len = 1 + world_below(&w->random, w->config.message_max);
    len = len < left ? len : left;
    for (uint32_t i = 0; i < len; i++)
        payload[i] = world_byte(0, w->sent + i);
    w->send_at_ns = w->rig.now_ns + 1 + world_below(&w->random, (uint32_t)w->send_again_ns);
    if (!tcp_send_ready(&w->rig.conn, len))
        return;
    uint8_t frame[PORT_FRAME_MAX];
    uint32_t frame_len = tcp_frame(&w->rig.conn, payload, len, w->rig.now_ns, frame);
    RIG_MUST(frame_len > 0);
    if (world_refuses(w)) {
        tcp_frame_undo(&w->rig.conn, len);
        return;
    }
    rig_look(&w->rig, frame, frame_len);
    world_edge_check(w);
    w->sent += len;
    world_send(w, true, frame, frame_len);
}

// Everything that is due on our side now. The caller has set the time.
static inline void world_step(struct world *w)
{
    struct rig *r = &w->rig;
    world_fly(w);
    rig_pass(r, 0);
    if (r->conn.state == TCP_ESTABLISHED && w->sent < w->config.send_total &&
        r->now_ns >= w->send_at_ns)
        world_order(w);
    bool all = w->sent == w->config.send_total &&
               (r->received_len == w->config.receive_total || r->events & TCP_EVENT_PEER_FIN);
    if (!w->closing && all && (w->config.we_close_first || r->events & TCP_EVENT_PEER_FIN)) {
        w->closing = true;
        tcp_close(&r->conn, r->now_ns);
    }
    // Bounded, as a lane does it.
    for (int i = 0; i < 8 && rig_output(r); i++) {
        world_edge_check(w);
        if (!world_refuses(w))
            world_send(w, true, r->frame, r->frame_len);
    }
}

static inline bool world_over(const struct world *w)
{
    return w->rig.conn.state == TCP_CLOSED || w->rig.conn.state == TCP_TIME_WAIT;
}

static inline void world_print(const struct world *w, const char *what)
{
    const struct tcp *c = &w->rig.conn;
    fprintf(stderr,
            "%s: seed %lu, sent %u of %u, received %u of %u, state %s (%s), flight %u, window %u, "
            "room %u, lost %lu\n",
            what, w->config.seed, w->sent, w->config.send_total, w->received,
            w->config.receive_total, tcp_state_name((enum tcp_state)c->state),
            tcp_reason_name((enum tcp_reason)c->reason), c->snd_nxt - c->snd_una, c->snd_wnd,
            c->room, w->lost);
#define COUNTER(name, help) \
    if (c->count.name)      \
        fprintf(stderr, "  %s %lu", #name, c->count.name);
#include "dataplane/tcp/counters.def"
#undef COUNTER
    fprintf(stderr, "\n");
}
