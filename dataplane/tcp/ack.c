// What the peer says about the bytes we sent: acknowledgements, windows, SACK, round trips, losses.
#include <string.h>

#include "dataplane/tcp/parts.h"
#include "dataplane/tcp/ranges.h"

// --- round trip and retransmission timer (RFC 6298, section 2)

void rtt_sample(struct tcp *c, uint64_t rtt_ns)
{
    int64_t rtt = (int64_t)(rtt_ns ? rtt_ns : 1);
    if (c->srtt_ns == 0) {
        c->srtt_ns = (uint64_t)rtt;
        c->rttvar_ns = (uint64_t)rtt >> 1;
    } else {
        int64_t srtt = (int64_t)c->srtt_ns, var = (int64_t)c->rttvar_ns;
        int64_t off = srtt > rtt ? srtt - rtt : rtt - srtt;
        // Shifts of signed numbers round towards minus infinity: a nanosecond does not matter.
        var += (off - var) >> 2;
        srtt += (rtt - srtt) >> 3;
        c->srtt_ns = (uint64_t)(srtt > 0 ? srtt : 1);
        c->rttvar_ns = (uint64_t)var;
    }
    uint64_t rto = c->srtt_ns + 4 * c->rttvar_ns;
    uint64_t least = ns_of_us(c->config.rto_min_us), most = ns_of_us(c->config.rto_max_us);
    c->rto_ns = rto < least ? least : ns_min(rto, most);
    c->backoff = 0;
}

// A sample where there is a good one. What was sent again gives none (Karn), unless time stamps
// say which of the two was answered (RFC 7323, section 4); otherwise the backed-off timer stays.
static void rtt_take(struct tcp *c, const struct tcp_segment *s, uint64_t now_ns)
{
    if (c->timed_ns) {
        if (!seq_before(s->ack, c->timed_seq)) {
            rtt_sample(c, now_ns - c->timed_ns);
            c->timed_ns = 0;
        }
    } else if (c->backoff && c->timestamps && s->ts_echo) {
        uint32_t ticks = tcp_tick(c, now_ns) - s->ts_echo;
        uint64_t rtt = (uint64_t)ticks << TCP_TICK_SHIFT;
        if (rtt <= ns_of_ms(c->config.user_timeout_ms))
            rtt_sample(c, rtt);
    }
}

// --- congestion (RFC 5681, section 3; RFC 6582)

uint32_t cwnd_initial(const struct tcp *c)
{
    uint32_t most = 2 * c->mss > 14600 ? 2 * c->mss : 14600;
    return 10 * c->mss < most ? 10 * c->mss : most;
}

static void cwnd_set(struct tcp *c, uint32_t cwnd)
{
    uint32_t most = c->send_mask + 1;
    c->cwnd = cwnd < most ? cwnd : most;
    if (c->cwnd < c->mss)
        c->cwnd = c->mss;
}

static void cwnd_grow(struct tcp *c, uint32_t acked)
{
    if (c->cwnd < c->ssthresh) {
        cwnd_set(c, c->cwnd + (acked < c->mss ? acked : c->mss));
        return;
    }
    c->cwnd_acked += acked;
    if (c->cwnd_acked >= c->cwnd) {
        c->cwnd_acked -= c->cwnd;
        cwnd_set(c, c->cwnd + c->mss);
    }
}

static void ssthresh_halve(struct tcp *c)
{
    uint32_t half = tcp_flight(c) >> 1;
    c->ssthresh = half > 2 * c->mss ? half : 2 * c->mss;
}

static void credit_add(struct tcp *c, uint32_t segments)
{
    c->rtx_credit += segments;
    if (c->rtx_credit > TCP_CREDIT_MAX)
        c->rtx_credit = TCP_CREDIT_MAX;
    c->due |= TCP_DUE_RETRANSMIT;
}

static void retransmit_off(struct tcp *c)
{
    c->rtx_nxt = c->rtx_end = c->snd_una;
    c->rtx_credit = 0;
    c->due &= (uint8_t)~TCP_DUE_RETRANSMIT;
}

void loss_timeout(struct tcp *c, uint64_t now_ns)
{
    c->count.timeouts++;
    if (!c->in_timeout) {
        c->cwnd_before = c->cwnd;
        c->ssthresh_before = c->ssthresh;
        ssthresh_halve(c);
        c->spurious = c->in_recovery ? SPURIOUS_NO : SPURIOUS_TO_STAMP;
    }
    c->cwnd = c->mss;
    c->cwnd_acked = 0;
    c->in_timeout = true;
    c->in_recovery = false;
    c->dup_acks = 0;
    c->timed_ns = 0;
    // A receiver may have dropped what it said it had (RFC 2018, section 8).
    c->sacked_count = 0;
    c->recover = c->snd_nxt;
    c->rtx_nxt = c->snd_una;
    c->rtx_end = c->snd_nxt;
    c->rtx_credit = 0;
    credit_add(c, 1);
    uint64_t most = ns_of_us(c->config.rto_max_us);
    c->rto_ns = ns_min(2 * c->rto_ns, most);
    c->backoff += c->backoff < UINT8_MAX;
    c->rto_at_ns = now_ns + c->rto_ns;
}

// The acknowledgement was under way before the first retransmission: it came before that was
// written, or echoes an older time stamp (RFC 3522).
static bool timeout_early(const struct tcp *c, const struct tcp_segment *s)
{
    if (c->spurious == SPURIOUS_TO_STAMP)
        return true;
    return c->spurious == SPURIOUS_STAMPED && s->ts_echo && seq_before(s->ts_echo, c->spurious_ts);
}

static void timeout_undo(struct tcp *c)
{
    c->count.spurious++;
    cwnd_set(c, c->cwnd_before);
    c->ssthresh = c->ssthresh_before;
    c->in_timeout = false;
    retransmit_off(c);
}

static void recovery_enter(struct tcp *c, uint64_t now_ns)
{
    c->count.fast_retransmits++;
    ssthresh_halve(c);
    cwnd_set(c, c->ssthresh + TCP_DUPLICATES * c->mss);
    c->in_recovery = true;
    c->recover = c->snd_nxt;
    c->rtx_nxt = c->snd_una;
    c->rtx_end = c->sacked_count ? c->sacked[c->sacked_count - 1].to : c->snd_nxt;
    c->rtx_credit = 0;
    c->timed_ns = 0;
    credit_add(c, 1);
    c->rto_at_ns = now_ns + c->rto_ns;
}

// Behind everything that was out at the last loss. Without SACK duplicates right there may be
// answers to what was sent again for nothing (RFC 6582, section 3.2, step 1).
static bool loss_is_new(const struct tcp *c)
{
    return c->sack_ok ? !seq_before(c->snd_una, c->recover) : seq_after(c->snd_una, c->recover);
}

static void duplicate_take(struct tcp *c, uint64_t now_ns)
{
    c->count.acks_duplicate++;
    if (c->in_timeout)
        return;
    if (c->in_recovery) {
        cwnd_set(c, c->cwnd + c->mss);
        // With SACK each duplicate shows that a segment has left the network, and where holes are.
        if (c->sacked_count) {
            c->rtx_end = c->sacked[c->sacked_count - 1].to;
            credit_add(c, 1);
        }
        return;
    }
    if (++c->dup_acks >= TCP_DUPLICATES && loss_is_new(c))
        recovery_enter(c, now_ns);
}

static void recovery_advance(struct tcp *c, uint32_t acked)
{
    if (!seq_before(c->snd_una, c->recover)) {
        uint32_t flight = tcp_flight(c);
        uint32_t cwnd = (flight > c->mss ? flight : c->mss) + c->mss;
        cwnd_set(c, c->ssthresh < cwnd ? c->ssthresh : cwnd);
        c->in_recovery = false;
        c->dup_acks = 0;
        retransmit_off(c);
        return;
    }
    // A partial acknowledgement: the next hole begins where it ends (RFC 6582, section 3.2).
    cwnd_set(c, (c->cwnd > acked ? c->cwnd - acked : 0) + (acked >= c->mss ? c->mss : 0));
    if (!c->sack_ok)
        c->rtx_end = c->recover;
    if (seq_before(c->rtx_nxt, c->snd_una) || !c->sack_ok)
        c->rtx_nxt = c->snd_una;
    if (seq_before(c->rtx_end, c->rtx_nxt))
        c->rtx_end = c->rtx_nxt;
    if (c->rtx_credit == 0)
        credit_add(c, 1);
}

static void timeout_advance(struct tcp *c, uint32_t acked)
{
    cwnd_grow(c, acked);
    if (!seq_before(c->snd_una, c->recover)) {
        c->in_timeout = false;
        retransmit_off(c);
        return;
    }
    if (seq_before(c->rtx_nxt, c->snd_una))
        c->rtx_nxt = c->snd_una;
    credit_add(c, 2);
}

static void progress(struct tcp *c, const struct tcp_segment *s, uint64_t now_ns)
{
    uint32_t acked = s->ack - c->snd_una;
    c->snd_una = s->ack;
    ranges_drop(c->sacked, &c->sacked_count, c->snd_una);
    if (UNLIKELY(timeout_early(c, s)))
        timeout_undo(c);
    c->spurious = SPURIOUS_NO;
    rtt_take(c, s, now_ns);
    if (UNLIKELY(c->in_recovery)) {
        recovery_advance(c, acked);
    } else if (UNLIKELY(c->in_timeout)) {
        timeout_advance(c, acked);
    } else {
        // Pulled along, or half the sequence space later it would seem to lie ahead.
        c->recover = c->snd_una - 1;
        c->dup_acks = 0;
        cwnd_grow(c, acked);
    }
    c->oldest_ns = now_ns;
    c->probes = 0;
    // With nothing out the timer measures idleness (RFC 5681, section 4.1).
    c->rto_at_ns = now_ns + c->rto_ns;
}

// True when a block told something new.
static bool sack_take(struct tcp *c, const struct tcp_segment *s)
{
    bool news = false;
    for (uint32_t i = 0; i < s->sack_count; i++) {
        struct tcp_range block = s->sack[i];
        // What has been acknowledged may come back as a duplicate (RFC 2883).
        if (!seq_after(block.to, c->snd_una))
            continue;
        if (!seq_before(block.from, block.to) || seq_before(block.from, c->snd_una) ||
            seq_after(block.to, c->snd_nxt)) {
            c->count.sack_bad++;
            continue;
        }
        news |= ranges_add(c->sacked, &c->sacked_count, TCP_SACKED_MAX, block) == RANGES_ADDED;
    }
    return news;
}

// Not older than what the window was last taken from (RFC 9293, section 3.10.7.4, fifth; of the two
// numbers there the acknowledgement is never the older one here), or beside an acknowledgement of
// something new, which may stand on a segment that the peer sends again: the window counts from
// there, so the old one would reach too far.
static bool window_take(struct tcp *c, const struct tcp_segment *s)
{
    if (s->ack == c->snd_una && seq_before(s->seq, c->snd_wl1))
        return false;
    uint32_t before = c->snd_wnd;
    c->snd_wnd = (uint32_t)s->window << c->snd_shift;
    c->snd_wl1 = s->seq;
    if (c->snd_wnd > c->snd_wnd_max)
        c->snd_wnd_max = c->snd_wnd;
    if (c->snd_wnd >= c->want)
        c->want = 0;
    return before != c->snd_wnd;
}

bool ack_take(struct tcp *c, const struct tcp_segment *s, uint64_t now_ns)
{
    if (UNLIKELY(seq_after(s->ack, c->snd_nxt) ||
                 seq_before(s->ack, c->snd_una - c->snd_wnd_max))) {
        c->count.blind_ack++;
        challenge(c, now_ns);
        return false;
    }
    if (UNLIKELY(seq_before(s->ack, c->snd_una)))
        return true;
    bool out = tcp_flight(c) > 0;
    bool news = window_take(c, s);
    bool sacked = c->sack_ok && s->sack_count && sack_take(c, s);
    if (s->ack != c->snd_una) {
        progress(c, s, now_ns);
    } else if (out) {
        // With SACK whatever tells of more that has arrived, data beside it or not (RFC 6675,
        // section 2): an exchange that talks would hide every loss otherwise.
        if (c->sack_ok ? sacked : tcp_segment_len(s) == 0 && !news)
            duplicate_take(c, now_ns);
        // The peer lives and says that it has no room: that is no reason to give up (RFC 9293,
        // section 3.8.6.1).
        if (c->snd_wnd == 0)
            c->oldest_ns = now_ns;
    } else {
        c->oldest_ns = now_ns;
        if (!window_closed(c))
            c->probes = 0;
    }
    if (c->state == TCP_ESTABLISHED)
        room_update(c);
    return true;
}
