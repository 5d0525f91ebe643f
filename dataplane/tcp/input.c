// A segment arrives (RFC 9293, section 3.10.7, with RFC 7323 and RFC 5961 woven in).
#include "dataplane/tcp/parts.h"

// Time stamps older than this say nothing about order any more (RFC 7323, section 5.5): 24 days.
static const uint64_t ts_recent_ns_max = 24ull * 24 * 3600 * 1000000000;

// --- SYN-SENT

static void options_agree(struct tcp *c, const struct tcp_segment *s)
{
    uint32_t own = (uint32_t)c->config.mtu - FRAME_IP_LEN - TCP_HEADER_LEN;
    uint32_t mss = s->options & TCP_HAS_MSS ? s->mss : TCP_MSS_DEFAULT;
    if (mss < TCP_MSS_LEAST)
        mss = TCP_MSS_LEAST;
    c->mss = mss < own ? mss : own;
    c->timestamps = c->config.timestamps && s->options & TCP_HAS_TIMESTAMP;
    if (c->timestamps)
        c->mss -= TCP_TIMESTAMP_LEN;
    c->sack_ok = c->config.sack && s->options & TCP_HAS_SACK_OK;
    c->rcv_shift = 0;
    c->snd_shift = 0;
    if (s->options & TCP_HAS_SHIFT) {
        c->snd_shift = s->shift;
        while (c->rcv_shift < TCP_SHIFT_MAX && (c->rcv_mask + 1) >> c->rcv_shift > TCP_WINDOW_FIELD)
            c->rcv_shift++;
    }
    c->rcv_wnd = c->rcv_mask + 1;
    if (c->rcv_wnd >> c->rcv_shift > TCP_WINDOW_FIELD)
        c->rcv_wnd = (uint32_t)TCP_WINDOW_FIELD << c->rcv_shift;
}

static void connected(struct tcp *c, const struct tcp_segment *s, uint64_t now_ns)
{
    bool clean = c->timed_ns != 0;
    options_agree(c, s);
    c->rcv_nxt = s->seq + 1;
    c->last_ack = c->rcv_nxt;
    c->snd_una = s->ack;
    c->recover = s->ack - 1;
    c->rtx_nxt = c->rtx_end = s->ack;
    // The window of a SYN is never scaled (RFC 7323, section 2.2).
    c->snd_wnd = c->snd_wnd_max = s->window;
    c->snd_wl1 = s->seq;
    c->ts_recent = s->ts_value;
    c->ts_recent_ns = now_ns;
    c->backoff = 0;
    c->rto_ns = ns_of_us(c->config.rto_first_us);
    if (clean)
        rtt_sample(c, now_ns - c->timed_ns);
    c->timed_ns = 0;
    c->probes = 0;
    // After a SYN that had to be sent again the network gets one segment (RFC 5681, section 3.1).
    c->cwnd = clean ? cwnd_initial(c) : c->mss;
    c->rto_at_ns = now_ns + c->rto_ns;
    c->oldest_ns = now_ns;
    c->heard_ns = now_ns;
    if (c->config.keepalive_idle_ms)
        c->keep_at_ns = now_ns + ns_of_ms(c->config.keepalive_idle_ms);
    c->state = TCP_ESTABLISHED;
    c->events |= TCP_EVENT_OPEN;
    c->due = TCP_DUE_ACK;
    head_build(c);
    room_update(c);
}

static COLD void syn_sent_take(struct tcp *c, const struct tcp_segment *s, uint64_t now_ns)
{
    bool acks = (s->flags & TCP_ACK) != 0;
    if (acks && s->ack != c->snd_nxt) {
        c->count.blind_ack++;
        // A connection that the peer has not forgotten: it has to (RFC 9293, section 3.5.1).
        if (!(s->flags & TCP_RST)) {
            c->reset_seq = s->ack;
            c->reset_bare = true;
            c->due |= TCP_DUE_RESET;
        }
        return;
    }
    if (s->flags & TCP_RST) {
        if (acks)
            tcp_end(c, TCP_REASON_REFUSED, false);
        else
            c->count.blind_reset++;
        return;
    }
    // A SYN alone would be a simultaneous open: an exchange does not call its clients.
    if (acks && s->flags & TCP_SYN)
        connected(c, s, now_ns);
    else
        c->count.not_expected++;
}

// --- everything later

// Protection against old segments (RFC 7323, section 5.3). False: drop it.
static bool timestamp_check(struct tcp *c, const struct tcp_segment *s, uint64_t now_ns)
{
    if (s->flags & TCP_RST)
        return true;
    if (UNLIKELY(!(s->options & TCP_HAS_TIMESTAMP))) {
        c->count.timestamp_missing++;
        return false;
    }
    if (LIKELY(!seq_before(s->ts_value, c->ts_recent)) ||
        now_ns - c->ts_recent_ns > ts_recent_ns_max)
        return true;
    c->count.paws++;
    if (tcp_segment_len(s) && !(s->flags & TCP_SYN))
        c->due |= TCP_DUE_ACK;
    else
        challenge(c, now_ns);
    return false;
}

// Part of it lies in the window (RFC 9293, section 3.10.7.4, first). The window is never zero. A
// bare acknowledgement may stand right behind it: a peer whose whole window was lost has no other
// number to acknowledge with, and both sides would wait for ever.
static bool acceptable(const struct tcp *c, const struct tcp_segment *s)
{
    uint32_t edge = c->rcv_nxt + c->rcv_wnd;
    uint32_t len = tcp_segment_len(s);
    if (len == 0)
        return !seq_before(s->seq, c->rcv_nxt) && !seq_after(s->seq, edge);
    return seq_before(s->seq, edge) && seq_after(s->seq + len, c->rcv_nxt);
}

static COLD void outside_take(struct tcp *c, const struct tcp_segment *s, uint64_t now_ns)
{
    uint32_t len = tcp_segment_len(s);
    if (s->flags & TCP_SYN) {
        c->count.blind_syn++;
        challenge(c, now_ns);
        return;
    }
    if (len && !seq_after(s->seq + len, c->rcv_nxt)) {
        // The peer has missed an acknowledgement and needs it: no limit, its timer is one.
        c->count.duplicates++;
        c->due |= TCP_DUE_ACK;
        if (c->state == TCP_TIME_WAIT && s->flags & TCP_FIN)
            time_wait_enter(c, now_ns);
        return;
    }
    c->count.outside_window++;
    // Keepalives and window probes land here. Two sides that answer each other's would not end.
    challenge(c, now_ns);
}

static COLD void reset_take(struct tcp *c, const struct tcp_segment *s, uint64_t now_ns)
{
    // Its own number counts, whatever it carries: only the very next one ends the connection (RFC
    // 5961, section 3.2).
    if (s->seq - c->rcv_nxt >= c->rcv_wnd) {
        c->count.outside_window++;
        return;
    }
    if (s->seq != c->rcv_nxt) {
        c->count.blind_reset++;
        challenge(c, now_ns);
        return;
    }
    bool finished = c->state == TCP_LAST_ACK || c->state == TCP_CLOSING;
    tcp_end(c, finished ? TCP_REASON_FIN : TCP_REASON_RESET, false);
}

// Our FIN has been acknowledged.
static COLD void fin_acked(struct tcp *c, uint64_t now_ns)
{
    if (c->state == TCP_FIN_WAIT_1) {
        c->state = TCP_FIN_WAIT_2;
        c->rto_at_ns = UINT64_MAX;
        c->close_at_ns = now_ns + ns_of_ms(c->config.user_timeout_ms);
    } else if (c->state == TCP_CLOSING) {
        time_wait_enter(c, now_ns);
    } else if (c->state == TCP_LAST_ACK) {
        tcp_end(c, TCP_REASON_FIN, false);
    }
}

static void segment_take(struct tcp *c, const struct tcp_segment *s, uint64_t now_ns,
                         struct tcp_runs *runs)
{
    if (c->timestamps && !timestamp_check(c, s, now_ns))
        return;
    if (UNLIKELY(s->flags & TCP_RST)) {
        reset_take(c, s, now_ns);
        return;
    }
    if (UNLIKELY(!acceptable(c, s))) {
        outside_take(c, s, now_ns);
        return;
    }
    if (UNLIKELY(s->flags & TCP_SYN)) {
        c->count.blind_syn++;
        challenge(c, now_ns);
        return;
    }
    if (UNLIKELY(!(s->flags & TCP_ACK))) {
        c->count.not_expected++;
        return;
    }
    if (!ack_take(c, s, now_ns))
        return;
    c->heard_ns = now_ns;
    c->keepalives = 0;
    if (c->timestamps && !seq_after(s->seq, c->last_ack)) {
        c->ts_recent = s->ts_value;
        c->ts_recent_ns = now_ns;
    }
    if (UNLIKELY(c->fin_sent && c->snd_una == c->snd_nxt))
        fin_acked(c, now_ns);
    if (tcp_segment_len(s) == 0 || c->state == TCP_CLOSED)
        return;
    if (UNLIKELY(c->peer_fin)) {
        // Behind the end of the peer's stream there is nothing.
        c->count.not_expected++;
        c->due |= TCP_DUE_ACK;
        return;
    }
    payload_take(c, s, now_ns, runs);
}

void tcp_input(struct tcp *c, const struct tcp_segment *s, uint64_t now_ns, struct tcp_runs *runs)
{
    runs->count = 0;
    if (UNLIKELY(c->state == TCP_CLOSED))
        return;
    c->count.segments_in++;
    if (UNLIKELY(c->state == TCP_SYN_SENT)) {
        syn_sent_take(c, s, now_ns);
    } else {
        segment_take(c, s, now_ns, runs);
        if (c->state != TCP_CLOSED) {
            head_update(c);
            probe_arm(c, now_ns);
        }
    }
    deadline_update(c);
}
