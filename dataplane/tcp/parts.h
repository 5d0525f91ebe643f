// What the files of this room share. Callers from outside use tcp.h.
#pragma once

#include "dataplane/tcp/tcp.h"

enum {
    TCP_DUPLICATES = 3, // acknowledgements that mean a loss (RFC 5681, section 3.2)
    TCP_CREDIT_MAX = 64,
    TCP_PROBE_SHIFT_MAX = 10,
    TCP_TICK_SHIFT = 20,      // a tick of our timestamps: 2^20 ns
    TCP_CHALLENGE_SHIFT = 30, // a period of the limit on challenges
};

// Bits of <due>, in the order in which tcp_output serves them.
enum tcp_due {
    TCP_DUE_RESET = 1u << 0,
    TCP_DUE_SYN = 1u << 1,
    TCP_DUE_RETRANSMIT = 1u << 2,
    TCP_DUE_FIN = 1u << 3,
    TCP_DUE_PROBE = 1u << 4,
    TCP_DUE_KEEPALIVE = 1u << 5,
    TCP_DUE_ACK = 1u << 6,
};

// After a time-out: may the next acknowledgement show that it came too early?
enum tcp_spurious {
    SPURIOUS_NO,
    SPURIOUS_TO_STAMP, // nothing has been sent again yet
    SPURIOUS_STAMPED,  // by its time stamp
};

static inline uint64_t ns_of_us(uint64_t us)
{
    return us * 1000;
}

static inline uint64_t ns_of_ms(uint64_t ms)
{
    return ms * 1000000;
}

static inline uint64_t ns_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint32_t tcp_flight(const struct tcp *c)
{
    return c->snd_nxt - c->snd_una;
}

static inline uint32_t tcp_tick(const struct tcp *c, uint64_t now_ns)
{
    return (uint32_t)(now_ns >> TCP_TICK_SHIFT) + c->ts_offset;
}

static inline void deadline_update(struct tcp *c)
{
    c->deadline_ns =
        ns_min(ns_min(c->rto_at_ns, c->ack_at_ns), ns_min(c->keep_at_ns, c->close_at_ns));
}

// The peer's window is too small for what somebody wanted to send, or shut.
static inline bool window_closed(const struct tcp *c)
{
    return c->snd_wnd < (c->want ? c->want : 1);
}

// --- tcp.c

// Fills head[] but for the destination MAC; when the options of data frames are settled.
void head_build(struct tcp *c);
// Brings head[] up to date with what we acknowledge.
void head_update(struct tcp *c);
// Recomputes <room>.
void room_update(struct tcp *c);
// The end, with or without an RST to the peer.
void tcp_end(struct tcp *c, enum tcp_reason reason, bool reset) COLD;
void time_wait_enter(struct tcp *c, uint64_t now_ns) COLD;
// An acknowledgement that nobody has earned: rate limited.
void challenge(struct tcp *c, uint64_t now_ns) COLD;

// --- ack.c

// What the segment says about what we sent. False: it is not to be believed.
bool ack_take(struct tcp *c, const struct tcp_segment *s, uint64_t now_ns);
void rtt_sample(struct tcp *c, uint64_t rtt_ns);
// Congestion window of a connection that begins (RFC 6928).
uint32_t cwnd_initial(const struct tcp *c);
// The retransmission timer ran out while data was out.
void loss_timeout(struct tcp *c, uint64_t now_ns) COLD;

// --- receive.c

// Payload and FIN of a segment that is acceptable.
void payload_take(struct tcp *c, const struct tcp_segment *s, uint64_t now_ns,
                  struct tcp_runs *runs);

// --- timers.c

// Window probes start on their own when the window is closed and nothing is out.
void probe_arm(struct tcp *c, uint64_t now_ns);
