// Frames that are not orders: SYN, FIN, RST, acknowledgements, probes, and bytes sent again.
#include <string.h>

#include "dataplane/tcp/parts.h"
#include "dataplane/wire/frame_build.h"

// A frame to be written: what differs from the template.
struct sketch {
    uint32_t seq;
    uint32_t data_len; // bytes of the send ring from <seq> on
    uint8_t flags;
};

static uint32_t options_write(const struct tcp *c, uint8_t *p, uint64_t now_ns)
{
    uint32_t at = 0;
    if (c->timestamps)
        at = tcp_option_timestamp_write(p, tcp_tick(c, now_ns), c->ts_recent);
    return at;
}

static uint32_t syn_options_write(const struct tcp *c, uint8_t *p, uint64_t now_ns)
{
    uint8_t shift = 0;
    while (shift < TCP_SHIFT_MAX && (c->rcv_mask + 1) >> shift > TCP_WINDOW_FIELD)
        shift++;
    uint32_t at =
        tcp_option_mss_write(p, (uint16_t)(c->config.mtu - FRAME_IP_LEN - TCP_HEADER_LEN));
    at += tcp_option_shift_write(p + at, shift);
    if (c->config.sack)
        at += tcp_option_sack_ok_write(p + at);
    if (c->config.timestamps)
        at += tcp_option_timestamp_write(p + at, tcp_tick(c, now_ns), 0);
    return at;
}

// What arrived last first, so that the peer learns of it even if it hears only this (RFC 2018,
// section 4).
static uint32_t sack_options_write(const struct tcp *c, uint8_t *p)
{
    struct tcp_range ranges[TCP_SACK_MAX];
    uint32_t count = 0, most = c->timestamps ? TCP_SACK_MAX - 1 : TCP_SACK_MAX;
    uint32_t first = c->hole_count;
    for (uint32_t i = 0; i < c->hole_count; i++)
        if (!seq_after(c->held[i].from, c->held_last.from) &&
            seq_after(c->held[i].to, c->held_last.from))
            first = i;
    if (first < c->hole_count)
        ranges[count++] = c->held[first];
    for (uint32_t i = 0; i < c->hole_count && count < most; i++)
        if (i != first)
            ranges[count++] = c->held[i];
    return tcp_option_sack_write(p, ranges, count);
}

static void ring_copy(const struct tcp *c, uint8_t *p, uint32_t seq, uint32_t len)
{
    uint32_t at = seq & c->send_mask;
    uint32_t first = c->send_mask + 1 - at;
    if (first > len)
        first = len;
    memcpy(p, c->send_ring + at, first);
    memcpy(p + first, c->send_ring, len - first);
}

// Lengths, checksums and padding of a frame whose TCP part of <len> bytes stands.
static uint32_t frame_finish(const struct tcp *c, uint8_t *out, uint16_t len)
{
    uint8_t *ip = out + c->eth_len;
    uint8_t *tcp = ip + FRAME_IP_LEN;
    uint32_t src = c->config.local_ip, dst = c->config.remote_ip;
    be16_store(ip + 2, (uint16_t)(FRAME_IP_LEN + len));
    checksum_store(ip + 10, checksum_finish(checksum_add(0, ip, FRAME_IP_LEN)));
    if (c->sums_by_card)
        checksum_store(tcp + 16, checksum_fold(checksum_pseudo(src, dst, IP_PROTOCOL_TCP, len)));
    else
        tcp_checksum_write(tcp, src, dst, len);
    return frame_pad(out, c->eth_len + FRAME_IP_LEN + len);
}

static uint32_t frame_write(const struct tcp *c, const struct sketch *k, uint64_t now_ns,
                            uint8_t *out)
{
    uint8_t *ip = out + c->eth_len;
    uint8_t *tcp = ip + FRAME_IP_LEN;
    uint32_t options;
    struct tcp_segment s = {
        .src_port = c->local_port,
        .dst_port = c->config.remote_port,
        .seq = k->seq,
        .ack = k->flags & TCP_ACK ? c->rcv_nxt : 0,
        .flags = k->flags,
        .window = (uint16_t)(c->rcv_wnd >> c->rcv_shift),
    };
    memcpy(out, c->head, (size_t)c->eth_len + FRAME_IP_LEN);
    if (k->flags & TCP_SYN) {
        options = syn_options_write(c, tcp + TCP_HEADER_LEN, now_ns);
        s.window =
            c->rcv_mask + 1 > TCP_WINDOW_FIELD ? TCP_WINDOW_FIELD : (uint16_t)(c->rcv_mask + 1);
    } else {
        options = options_write(c, tcp + TCP_HEADER_LEN, now_ns);
        if (c->sack_ok && c->hole_count && k->data_len == 0 && !(k->flags & TCP_RST))
            options += sack_options_write(c, tcp + TCP_HEADER_LEN + options);
    }
    tcp_header_write(tcp, &s, options);
    ring_copy(c, tcp + TCP_HEADER_LEN + options, k->seq, k->data_len);
    uint16_t len = (uint16_t)(TCP_HEADER_LEN + options + k->data_len);
    return frame_finish(c, out, len);
}

// The number of a segment without data: the next one, but never outside a window that the peer has
// taken back, where it would not be looked at.
static uint32_t seq_bare(const struct tcp *c)
{
    uint32_t edge = c->snd_una + c->snd_wnd;
    return seq_after(c->snd_nxt, edge) ? edge : c->snd_nxt;
}

static void acked_now(struct tcp *c)
{
    c->due &= (uint8_t)~TCP_DUE_ACK;
    c->ack_at_ns = UINT64_MAX;
    c->unacked = 0;
    c->last_ack = c->rcv_nxt;
}

// The next piece of what has to be sent again, left out what the peer has. False: nothing (more)
// may go.
static bool sketch_again(struct tcp *c, struct sketch *k)
{
    uint32_t end = c->fin_sent ? c->fin_seq : c->snd_nxt;
    uint32_t limit = c->rtx_end;
    if (seq_before(c->rtx_nxt, c->snd_una))
        c->rtx_nxt = c->snd_una;
    for (uint32_t i = 0; i < c->sacked_count; i++) {
        if (!seq_after(c->sacked[i].to, c->rtx_nxt))
            continue;
        if (!seq_after(c->sacked[i].from, c->rtx_nxt)) {
            c->rtx_nxt = c->sacked[i].to;
            continue;
        }
        if (seq_before(c->sacked[i].from, limit))
            limit = c->sacked[i].from;
        break;
    }
    if (c->rtx_credit == 0 || !seq_before(c->rtx_nxt, limit))
        return false;
    // Into a window that is shut one byte may go, or a FIN: it asks for the window.
    uint32_t edge = c->snd_una + (c->snd_wnd ? c->snd_wnd : 1);
    if (seq_before(edge, limit))
        limit = edge;
    if (!seq_before(c->rtx_nxt, limit))
        return false;
    *k = (struct sketch){.seq = c->rtx_nxt, .flags = TCP_ACK};
    uint32_t stop = seq_before(limit, end) ? limit : end;
    uint32_t len = seq_before(c->rtx_nxt, stop) ? stop - c->rtx_nxt : 0;
    k->data_len = len < c->mss ? len : c->mss;
    if (k->data_len)
        k->flags |= TCP_PSH;
    if (c->fin_sent && k->seq + k->data_len == end && seq_after(limit, end))
        k->flags |= TCP_FIN;
    return true;
}

static uint32_t retransmit_write(struct tcp *c, uint64_t now_ns, uint8_t *out)
{
    struct sketch k;
    if (!sketch_again(c, &k)) {
        c->due &= (uint8_t)~TCP_DUE_RETRANSMIT;
        return 0;
    }
    c->rtx_nxt += k.data_len + ((k.flags & TCP_FIN) ? 1 : 0);
    c->rtx_credit--;
    c->timed_ns = 0;
    if (c->spurious == SPURIOUS_TO_STAMP) {
        c->spurious = c->timestamps ? SPURIOUS_STAMPED : SPURIOUS_NO;
        c->spurious_ts = tcp_tick(c, now_ns);
    }
    if (k.flags & TCP_FIN)
        c->due &= (uint8_t)~TCP_DUE_FIN;
    c->count.retransmits++;
    c->count.retransmit_bytes += k.data_len;
    if (c->hole_count == 0)
        acked_now(c);
    return frame_write(c, &k, now_ns, out);
}

// With data before it, the last byte that the peer has, so that it cannot but answer; stacks limit
// their answers to segments without any.
static uint32_t probe_write(struct tcp *c, uint32_t data_len, uint64_t now_ns, uint8_t *out)
{
    struct sketch k = {.seq = c->snd_una - 1, .data_len = data_len, .flags = TCP_ACK};
    return frame_write(c, &k, now_ns, out);
}

static uint32_t reset_frame_write(const struct tcp *c, uint32_t seq, bool bare, uint8_t *out)
{
    // Without options: a peer looks at the number only.
    struct tcp_segment s = {
        .src_port = c->local_port,
        .dst_port = c->config.remote_port,
        .seq = seq,
        .ack = bare ? 0 : c->rcv_nxt,
        .flags = bare ? TCP_RST : TCP_RST | TCP_ACK,
    };
    memcpy(out, c->head, (size_t)c->eth_len + FRAME_IP_LEN);
    tcp_header_write(out + c->eth_len + FRAME_IP_LEN, &s, 0);
    return frame_finish(c, out, TCP_HEADER_LEN);
}

static uint32_t syn_write(struct tcp *c, uint64_t now_ns, uint8_t *out)
{
    struct sketch k = {.seq = c->snd_una, .flags = TCP_SYN};
    // Its round trip is only known if it was sent once.
    c->timed_ns = c->probes == 0 ? now_ns : 0;
    c->count.retransmits += c->probes > 0;
    c->probes++;
    return frame_write(c, &k, now_ns, out);
}

static uint32_t fin_write(struct tcp *c, uint64_t now_ns, uint8_t *out)
{
    struct sketch k = {.seq = c->fin_seq, .flags = TCP_FIN | TCP_ACK};
    acked_now(c);
    return frame_write(c, &k, now_ns, out);
}

static uint32_t ack_write(struct tcp *c, uint64_t now_ns, uint8_t *out)
{
    struct sketch k = {.seq = seq_bare(c), .flags = TCP_ACK};
    acked_now(c);
    c->count.acks_alone++;
    return frame_write(c, &k, now_ns, out);
}

// A FIN takes a place in the window like a byte; alone it may ask whether the window is still shut.
static bool fin_fits(const struct tcp *c)
{
    return c->fin_seq == c->snd_una || seq_before(c->fin_seq, c->snd_una + c->snd_wnd);
}

// Serves the most urgent bit of <due> that has anything to say.
static uint32_t due_write(struct tcp *c, uint64_t now_ns, uint8_t *out)
{
    uint8_t due = c->due;
    uint32_t len;
    if (due & TCP_DUE_RESET) {
        c->due &= (uint8_t)~TCP_DUE_RESET;
        return reset_frame_write(c, c->reset_seq, c->reset_bare, out);
    }
    if (due & TCP_DUE_SYN) {
        c->due &= (uint8_t)~TCP_DUE_SYN;
        return syn_write(c, now_ns, out);
    }
    if (due & TCP_DUE_RETRANSMIT && (len = retransmit_write(c, now_ns, out)) > 0)
        return len;
    if (due & TCP_DUE_FIN && fin_fits(c)) {
        c->due &= (uint8_t)~TCP_DUE_FIN;
        return fin_write(c, now_ns, out);
    }
    if (due & TCP_DUE_PROBE) {
        c->due &= (uint8_t)~TCP_DUE_PROBE;
        c->count.window_probes++;
        return probe_write(c, c->snd_una != c->first_seq, now_ns, out);
    }
    if (due & TCP_DUE_KEEPALIVE) {
        c->due &= (uint8_t)~TCP_DUE_KEEPALIVE;
        c->count.keepalives++;
        return probe_write(c, 0, now_ns, out);
    }
    if (due & TCP_DUE_ACK)
        return ack_write(c, now_ns, out);
    return 0;
}

uint32_t tcp_output(struct tcp *c, uint64_t now_ns, void *out)
{
    if (!c->neighbour)
        return 0;
    uint32_t len = due_write(c, now_ns, out);
    c->count.segments_out += len > 0;
    deadline_update(c);
    return len;
}

uint32_t tcp_reset_write(const struct tcp *c, bool unanswered, void *out)
{
    if (c->state == TCP_CLOSED || c->state == TCP_SYN_SENT || !c->neighbour)
        return 0;
    return reset_frame_write(c, unanswered ? c->snd_una : c->snd_nxt, false, out);
}
