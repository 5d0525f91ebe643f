// Time passes: retransmission, window probes, delayed acknowledgements, keepalives, the end of
// waiting. Each call does a fixed amount of work.
#include "dataplane/tcp/parts.h"

void probe_arm(struct tcp *c, uint64_t now_ns)
{
    if (c->rto_at_ns == UINT64_MAX && c->state == TCP_ESTABLISHED && window_closed(c))
        c->rto_at_ns = now_ns + c->rto_ns;
}

// Nothing is out, but the window does not let anything out either: only the peer can say when that
// changes, and its word may have been lost (RFC 9293, section 3.8.6.1).
static void window_probe(struct tcp *c, uint64_t now_ns)
{
    if (c->probes == 0) {
        c->oldest_ns = now_ns;
    } else if (now_ns - c->oldest_ns >= ns_of_ms(c->config.user_timeout_ms)) {
        tcp_end(c, TCP_REASON_TIMEOUT, true);
        return;
    }
    uint32_t shift = c->probes < TCP_PROBE_SHIFT_MAX ? c->probes : TCP_PROBE_SHIFT_MAX;
    c->probes++;
    c->due |= TCP_DUE_PROBE;
    c->rto_at_ns = now_ns + ns_min(c->rto_ns << shift, ns_of_us(c->config.rto_max_us));
}

static void rto_expired(struct tcp *c, uint64_t now_ns)
{
    if (tcp_flight(c)) {
        if (now_ns - c->oldest_ns >= ns_of_ms(c->config.user_timeout_ms)) {
            tcp_end(c, TCP_REASON_TIMEOUT, true);
            return;
        }
        if (c->state != TCP_SYN_SENT) {
            loss_timeout(c, now_ns);
            room_update(c);
            return;
        }
        c->count.timeouts++;
        c->rto_ns = ns_min(2 * c->rto_ns, ns_of_us(c->config.rto_max_us));
        c->backoff += c->backoff < UINT8_MAX;
        c->rto_at_ns = now_ns + c->rto_ns;
        c->due |= TCP_DUE_SYN;
        return;
    }
    c->rto_at_ns = UINT64_MAX;
    if (c->state != TCP_ESTABLISHED)
        return;
    if (window_closed(c)) {
        window_probe(c, now_ns);
        return;
    }
    // Silence of a whole timer: the network is as unknown as at the start.
    uint32_t most = cwnd_initial(c);
    if (c->cwnd > most)
        c->cwnd = most;
    room_update(c);
}

static void keepalive_expired(struct tcp *c, uint64_t now_ns)
{
    uint64_t next = c->heard_ns + ns_of_ms(c->config.keepalive_idle_ms);
    if (next > now_ns) {
        c->keep_at_ns = next;
    } else if (tcp_flight(c)) {
        // What is out asks already, and gives up by itself.
        c->keep_at_ns = now_ns + ns_of_ms(c->config.keepalive_idle_ms);
    } else if (c->keepalives >= c->config.keepalive_count) {
        tcp_end(c, TCP_REASON_SILENT, true);
    } else {
        c->keepalives++;
        c->due |= TCP_DUE_KEEPALIVE;
        c->keep_at_ns = now_ns + ns_of_ms(c->config.keepalive_interval_ms);
    }
}

static void close_expired(struct tcp *c)
{
    // In FIN-WAIT-2 the peer keeps its half open for ever.
    tcp_end(c, TCP_REASON_TIMEOUT, true);
}

void tcp_timers(struct tcp *c, uint64_t now_ns)
{
    if (now_ns >= c->rto_at_ns)
        rto_expired(c, now_ns);
    if (now_ns >= c->keep_at_ns)
        keepalive_expired(c, now_ns);
    if (now_ns >= c->close_at_ns)
        close_expired(c);
    if (now_ns >= c->ack_at_ns) {
        c->ack_at_ns = UINT64_MAX;
        c->due |= TCP_DUE_ACK;
    }
    probe_arm(c, now_ns);
    deadline_update(c);
}
