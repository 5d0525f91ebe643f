// Payload and FIN of the peer: in order at once out of the frame, out of order into a ring until
// what is missing has come.
#include <string.h>

#include "dataplane/tcp/parts.h"
#include "dataplane/tcp/ranges.h"

static void run_add(struct tcp_runs *runs, const uint8_t *data, uint32_t len)
{
    runs->run[runs->count++] = (struct tcp_run){data, len};
}

static void ring_keep(struct tcp *c, uint32_t seq, const uint8_t *p, uint32_t len)
{
    uint32_t at = seq & c->rcv_mask;
    uint32_t first = c->rcv_mask + 1 - at;
    if (first > len)
        first = len;
    memcpy(c->rcv_ring + at, p, first);
    memcpy(c->rcv_ring, p + first, len - first);
}

// What was held and follows now. Ranges lie apart, so that at most one does.
static COLD void held_release(struct tcp *c, struct tcp_runs *runs)
{
    ranges_drop(c->held, &c->hole_count, c->rcv_nxt);
    if (c->hole_count == 0 || c->held[0].from != c->rcv_nxt)
        return;
    uint32_t len = c->held[0].to - c->rcv_nxt;
    uint32_t at = c->rcv_nxt & c->rcv_mask;
    uint32_t first = c->rcv_mask + 1 - at;
    if (first > len)
        first = len;
    run_add(runs, c->rcv_ring + at, first);
    if (len > first)
        run_add(runs, c->rcv_ring, len - first);
    c->rcv_nxt += len;
    c->count.bytes_in += len;
    ranges_drop(c->held, &c->hole_count, c->rcv_nxt);
}

static COLD void held_add(struct tcp *c, uint32_t seq, const uint8_t *p, uint32_t len)
{
    struct tcp_range range = {seq, seq + len};
    switch (ranges_add(c->held, &c->hole_count, TCP_HOLES_MAX, range)) {
    case RANGES_FULL: c->count.out_of_order_dropped++; break;
    case RANGES_KNOWN:
        c->count.duplicates++;
        c->held_last = range;
        break;
    case RANGES_ADDED:
        c->count.out_of_order++;
        ring_keep(c, seq, p, len);
        c->held_last = range;
        break;
    }
    // At once, as it may be the peer's way to see the loss (RFC 5681, section 4.2).
    c->due |= TCP_DUE_ACK;
}

static void ack_plan(struct tcp *c, uint32_t len, uint64_t now_ns)
{
    uint32_t full = (uint32_t)c->config.mtu - FRAME_IP_LEN - TCP_HEADER_LEN;
    full -= c->timestamps ? TCP_TIMESTAMP_LEN : 0;
    c->unacked += len;
    if (c->config.ack_delay_us == 0 || c->unacked >= 2 * full)
        c->due |= TCP_DUE_ACK;
    else if (c->ack_at_ns == UINT64_MAX)
        c->ack_at_ns = now_ns + ns_of_us(c->config.ack_delay_us);
}

// Everything up to the peer's FIN is here.
static COLD void peer_fin_take(struct tcp *c, uint64_t now_ns)
{
    c->rcv_nxt++;
    c->peer_fin = true;
    c->hole_count = 0;
    c->due |= TCP_DUE_ACK;
    c->events |= TCP_EVENT_PEER_FIN;
    if (c->state == TCP_ESTABLISHED) {
        c->state = TCP_CLOSE_WAIT;
        c->want = 0;
        room_update(c);
    } else if (c->state == TCP_FIN_WAIT_1) {
        c->state = TCP_CLOSING;
    } else if (c->state == TCP_FIN_WAIT_2) {
        time_wait_enter(c, now_ns);
    }
}

// Where the stream of the peer ends. The first FIN that fits decides.
static COLD void peer_fin_note(struct tcp *c, uint32_t seq)
{
    bool inside = c->hole_count && seq_after(c->held[c->hole_count - 1].to, seq);
    if (c->peer_fin_known || inside)
        return;
    c->peer_fin_known = true;
    c->peer_fin_seq = seq;
}

void payload_take(struct tcp *c, const struct tcp_segment *s, uint64_t now_ns,
                  struct tcp_runs *runs)
{
    uint32_t seq = s->seq, len = s->payload_len;
    const uint8_t *p = s->payload;
    bool fin = s->flags & TCP_FIN;
    uint32_t edge = c->rcv_nxt + c->rcv_wnd;
    if (UNLIKELY(c->peer_fin_known && seq_before(c->peer_fin_seq, edge)))
        edge = c->peer_fin_seq;
    if (UNLIKELY(seq_before(seq, c->rcv_nxt))) {
        uint32_t old = c->rcv_nxt - seq;
        if (old >= len) {
            // Nothing new but perhaps the FIN: the peer has missed our acknowledgement.
            c->count.duplicates++;
            c->due |= TCP_DUE_ACK;
            old = len;
        }
        seq += old;
        p += old;
        len -= old;
    }
    if (UNLIKELY(seq_after(seq + len, edge))) {
        len = seq_after(edge, seq) ? edge - seq : 0;
        fin = false;
    }
    if (UNLIKELY(fin))
        peer_fin_note(c, seq + len);
    if (len && LIKELY(seq == c->rcv_nxt)) {
        run_add(runs, p, len);
        c->rcv_nxt += len;
        c->count.bytes_in += len;
        ack_plan(c, len, now_ns);
        if (UNLIKELY(c->hole_count)) {
            held_release(c, runs);
            c->due |= TCP_DUE_ACK;
        }
    } else if (len) {
        held_add(c, seq, p, len);
    } else if (fin && seq != c->rcv_nxt) {
        c->due |= TCP_DUE_ACK;
    }
    if (UNLIKELY(c->peer_fin_known && !c->peer_fin && c->rcv_nxt == c->peer_fin_seq))
        peer_fin_take(c, now_ns);
}
