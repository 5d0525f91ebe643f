// A TCP client for a few long-lived exchange sessions: it opens connections, it never listens.
//
// Implements RFC 9293 (all states but LISTEN and SYN-RECEIVED; no simultaneous open, no urgent
// pointer), RFC 6298 (retransmission timer, with a low floor instead of one second), RFC 5681 and
// 6582 (congestion window, fast retransmit, NewReno), RFC 2018 (SACK both ways), RFC 7323 (window
// scale, timestamps, PAWS), RFC 3522 (time-outs that were too early are taken back), RFC 5961
// (blind RST, SYN and data). Nagle's algorithm is not there. docs/tcp.md has the table of states.
//
// What is sent for the first time is sent at once or not at all: tcp_send_ready says whether a
// payload may go now, and tcp_frame writes it into one frame. Nothing waits behind a closed window.
// Everything else (acknowledgements, retransmissions, probes, SYN, FIN, RST) comes out of
// tcp_output. A byte of the stream that has been sent stays in the send buffer until the peer has
// acknowledged it, and is sent again from there: with the same value, though perhaps not in a frame
// of the same length.
//
// No call of a lane allocates, waits, logs or reads a clock: time is an argument (ns, any epoch but
// never backwards), random numbers come with tcp_connect. Every loop is bounded by a constant
// below. One thread at a time. A lane uses a connection like this, once per poll:
//
//     frames in:  tcp_parse → tcp_match → tcp_input → runs of payload to the session
//     timers:     if (now_ns >= c->deadline_ns) tcp_timers(c, now_ns)
//     events:     tcp_events
//     frames out: while (c->due && a buffer is there && (len = tcp_output(c, now_ns, p))) send
//     orders:     tcp_send_ready → (decision) → tcp_frame → send; refused → tcp_frame_undo
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/error.h"
#include "dataplane/base/hints.h"
#include "dataplane/wire/tcp.h"

enum {
    // Ethernet, one VLAN tag, IP, TCP, timestamps: headers of a frame with data; rounded up, as
    // the template is copied whole.
    TCP_HEAD_MAX = 72,
    TCP_HOLES_MAX = 16,  // pieces of payload that wait for bytes before them
    TCP_SACKED_MAX = 16, // pieces that the peer has although it lacks bytes before them
    TCP_RUNS_MAX = 3,    // one in the frame, two of a ring that wraps
    TCP_BUFFER_MIN = 2048,
    TCP_BUFFER_MAX = 1 << 22,
};

// Of RFC 9293, section 3.3.2. The client has no LISTEN and no SYN-RECEIVED.
enum tcp_state {
    TCP_CLOSED,
    TCP_SYN_SENT,
    TCP_ESTABLISHED,
    TCP_FIN_WAIT_1,
    TCP_FIN_WAIT_2,
    TCP_CLOSING,
    TCP_TIME_WAIT,
    TCP_CLOSE_WAIT,
    TCP_LAST_ACK,
    TCP_STATES,
};

enum tcp_event {
    TCP_EVENT_OPEN = 1u << 0,     // established
    TCP_EVENT_PEER_FIN = 1u << 1, // nothing more will come; tcp_close is what is left to do
    TCP_EVENT_CLOSED = 1u << 2,   // over, see <reason>: TCP_CLOSED, or TCP_TIME_WAIT
};

enum tcp_reason {
    TCP_REASON_NONE,    // not closed
    TCP_REASON_FIN,     // both sides have finished
    TCP_REASON_RESET,   // by the peer
    TCP_REASON_REFUSED, // by the peer, instead of a connection
    TCP_REASON_TIMEOUT, // user_timeout_ms without an answer to data, SYN or FIN
    TCP_REASON_SILENT,  // no answer to keepalives
    TCP_REASON_ABORTED, // tcp_abort
    TCP_REASONS,
};

struct tcp_config {
    uint32_t local_ip; // host order
    uint32_t remote_ip;
    uint16_t remote_port;
    uint16_t vlan; // FRAME_NO_VLAN: untagged
    uint8_t local_mac[FRAME_MAC_LEN];
    uint8_t tos;            // of the IP header
    uint16_t mtu;           // IP header to end, 576 to 1500
    uint32_t send_bytes;    // power of two: bytes sent and not acknowledged, at most
    uint32_t receive_bytes; // power of two: the window we offer
    uint32_t rto_first_us;  // before anything was measured (SYN)
    uint32_t rto_min_us;    // floor; 1,000 at least
    uint32_t rto_max_us;    // ceiling of the back-off, of window probes too
    uint32_t ack_delay_us;  // 0: at the next tcp_output. Two full segments never wait
    uint32_t user_timeout_ms;
    uint32_t keepalive_idle_ms; // silence of the peer before the first question; 0: none
    uint32_t keepalive_interval_ms;
    uint32_t keepalive_count; // questions without an answer, then TCP_REASON_SILENT
    uint32_t time_wait_ms;
    uint32_t challenges_max; // challenge acknowledgements in about a second (2^30 ns)
    bool timestamps;         // offered
    bool sack;               // offered
    bool sums_by_card_out;   // the driver fills in TCP's checksum: the field holds the sum of the
                             // pseudo header, as cards want it
    bool sums_by_card_in;    // the card has looked at IP's and TCP's checksums (for tcp_parse)
};

struct tcp_counters {
#define COUNTER(name, help) uint64_t name;
#include "dataplane/tcp/counters.def"
#undef COUNTER
};

// Payload in order. Runs are valid until the frame is released and until the connection's next
// tcp_input, whichever is first; the caller takes all of them, and may send in between.
struct tcp_runs {
    uint32_t count;
    struct tcp_run {
        const uint8_t *data;
        uint32_t len;
    } run[TCP_RUNS_MAX];
};

// Everything is private but <state>, <reason>, <due>, <deadline_ns>, <count> and the figures marked
// so. Aligned to a cache line; all zero until tcp_init.
struct tcp {
    // --- what an order needs: the first three cache lines
    CACHE_ALIGN uint8_t head[TCP_HEAD_MAX]; // of the next frame with data, all but what a frame
                                            // changes
    uint64_t deadline_ns;                   // read by the caller: tcp_timers has work from then on
    uint64_t rto_at_ns;                     // retransmission or window probe; UINT64_MAX: none
    uint64_t rto_ns;
    uint8_t *send_ring; // the byte of sequence number s stands at s & mask
    uint32_t send_mask;
    uint32_t room;       // bytes that may be sent now, all conditions taken together
    uint32_t snd_una;    // oldest byte not acknowledged
    uint32_t snd_nxt;    // next byte to send for the first time
    uint32_t mss;        // payload of a segment, timestamps deducted
    uint32_t head_sum;   // of all that stands in head[]'s TCP part and pseudo header
    uint32_t pseudo_sum; // of the pseudo header without its length
    uint32_t ip_sum;     // of head[]'s IP header, without its length
    uint32_t timed_seq;  // the byte whose acknowledgement is measured
    uint64_t timed_ns;   // when it was sent; 0: none
    uint64_t oldest_ns;  // when the peer last made progress, or data first went out after none
    uint32_t ts_offset;  // our timestamps: time in units of 2^20 ns and this
    uint16_t head_len;   // of head[], up to the payload
    uint8_t eth_len;     // 14, or 18 with a tag
    bool timestamps;     // agreed on
    bool sums_by_card;   // of frames out
    uint8_t due;         // read by the caller: tcp_output has something to write
    uint8_t state;       // enum tcp_state; read by the caller
    uint8_t reason;      // enum tcp_reason; read by the caller
    uint8_t events;      // enum tcp_event, not taken yet
    bool neighbour;      // the next hop's address stands in head[]
    bool fin_sent;       // ours, at fin_seq
    bool peer_fin_known; // at peer_fin_seq, though bytes before it may be missing
    bool peer_fin;       // received in order

    // --- windows
    uint32_t snd_wnd; // bytes from snd_una on that the peer takes; readable
    uint32_t snd_wl1; // number of the segment that it was taken from
    uint32_t snd_wnd_max;
    uint32_t want;      // longest payload refused for the window; 0: none
    uint32_t first_seq; // of the first byte of the stream
    uint32_t fin_seq;
    uint32_t peer_fin_seq;
    uint32_t rcv_nxt;
    uint32_t rcv_mask;
    uint32_t rcv_wnd; // what we offer: always all of it, as the caller takes every run
    uint8_t *rcv_ring;
    uint32_t last_ack; // the last that we sent
    uint8_t snd_shift, rcv_shift;
    uint8_t sack_ok; // agreed on
    uint8_t backoff; // times that rto_ns was doubled

    // --- loss and congestion
    uint32_t cwnd; // readable
    uint32_t ssthresh;
    uint32_t cwnd_acked; // bytes acknowledged towards the next increase
    uint32_t recover;    // loss recovery ends here
    uint32_t rtx_nxt;    // next byte to look at for sending again
    uint32_t rtx_end;    // behind the last one
    uint32_t rtx_credit; // segments that may be sent again now
    uint32_t dup_acks;
    bool in_recovery;     // after duplicate acknowledgements
    bool in_timeout;      // after a time-out
    uint8_t spurious;     // enum in parts.h: will the next acknowledgement tell whether the
                          // time-out came too early
    uint32_t spurious_ts; // time stamp of the first segment sent again
    uint32_t cwnd_before, ssthresh_before;
    uint64_t srtt_ns; // smoothed round trip, 0: nothing measured; readable
    uint64_t rttvar_ns;
    uint32_t sacked_count;
    struct tcp_range sacked[TCP_SACKED_MAX]; // in order, apart

    // --- receiving
    uint32_t ts_recent;
    uint64_t ts_recent_ns; // when it was taken
    uint64_t heard_ns;     // the peer's last segment
    uint64_t ack_at_ns;    // a delayed acknowledgement; UINT64_MAX: none
    uint64_t keep_at_ns;
    uint64_t close_at_ns; // end of TIME-WAIT, or of waiting for the peer's FIN
    uint32_t unacked;     // payload bytes received since the last acknowledgement
    uint32_t keepalives;  // without an answer
    uint32_t probes;      // of the window, without an answer
    uint32_t hole_count;
    struct tcp_range held[TCP_HOLES_MAX]; // in order, apart
    struct tcp_range held_last;           // what came last goes first into a SACK option
    uint64_t challenge_window;            // time in units of 2^30 ns
    uint32_t challenges;                  // in that window
    uint16_t local_port;
    uint32_t reset_seq; // of the RST that is due
    bool reset_bare;    // it acknowledges nothing

    struct tcp_counters count;
    struct tcp_config config;
};

// --- set-up: not for a lane

// Everything but addresses and buffers: 200 ms, 5 ms and 2 s of retransmission, acknowledgements
// at once, 10 s to give up, 64 KiB each way.
void tcp_config_default(struct tcp_config *config);
// Bytes that tcp_init wants as <memory>.
uint64_t tcp_memory_bytes(const struct tcp_config *config);
// <memory> is the connection's from then on; the owner of both frees them. False: EXIT_USAGE with
// what is wrong with <config>. <place> starts the message: where the values come from.
bool tcp_init(struct tcp *c, const struct tcp_config *config, void *memory, const char *place,
              struct error *err);
const char *tcp_state_name(enum tcp_state state);
const char *tcp_reason_name(enum tcp_reason reason);

// --- the next hop

// The Ethernet address of the peer or of the gateway to it. The caller has it resolved and kept up
// to date elsewhere; nothing is sent before the first call.
void tcp_neighbour_set(struct tcp *c, const uint8_t mac[FRAME_MAC_LEN]);
// The next hop is gone: sends are refused and tcp_output writes nothing until the next
// tcp_neighbour_set. Timers run on.
void tcp_neighbour_clear(struct tcp *c);

// --- opening and closing

// Starts a connection from <local_port>. <isn> (RFC 9293, section 3.4.1) and <ts_offset> are random
// numbers that a stranger cannot guess. False unless the state is TCP_CLOSED or TCP_TIME_WAIT; from
// the latter the port has to be another one. TCP_EVENT_OPEN or TCP_EVENT_CLOSED follows.
bool tcp_connect(struct tcp *c, uint16_t local_port, uint32_t isn, uint32_t ts_offset,
                 uint64_t now_ns);
// Nothing more will be sent; what is on its way is still delivered, then our FIN. What the peer
// sends until its own FIN is handed over. Without effect when that has been done already; in
// TCP_SYN_SENT it ends the attempt.
void tcp_close(struct tcp *c, uint64_t now_ns);
// Ends the connection at once with an RST, which the next tcp_output writes.
void tcp_abort(struct tcp *c);
// What has happened since the last call.
static inline uint32_t tcp_events(struct tcp *c)
{
    uint32_t events = c->events;
    c->events = 0;
    return events;
}

// --- sending

// Counts why <len> bytes may not go and remembers it for window probes. Always false.
bool tcp_send_refused(struct tcp *c, uint32_t len) COLD;

// True when a payload of <len> bytes (1 or more) may go now in one frame; tcp_frame will then take
// it. False is SESSION_BUSY: not established, next hop unknown, a window closed, send buffer full,
// or longer than a segment.
static inline bool tcp_send_ready(struct tcp *c, uint32_t len)
{
    if (LIKELY(len <= c->room && len <= c->mss))
        return true;
    return tcp_send_refused(c, len);
}

// Writes one whole frame with <payload> to <out>, which has room for PORT_FRAME_MAX bytes, and
// returns its length; 0 when tcp_send_ready would say no. From then on the bytes are part of the
// stream, unless tcp_frame_undo takes them back.
uint32_t tcp_frame(struct tcp *c, const void *payload, uint32_t len, uint64_t now_ns, void *out);
// The port did not take the last frame, which carried <len> bytes: they leave the stream again.
// Several frames are taken back last one first. Between tcp_frame and this no other call.
void tcp_frame_undo(struct tcp *c, uint32_t len);

// Writes the next frame that is not an order (see above) to <out>, of PORT_FRAME_MAX bytes, and
// returns its length; 0: nothing is due. A frame that the port then refuses counts as lost on the
// wire. The caller bounds the frames per poll; what is left stays due.
uint32_t tcp_output(struct tcp *c, uint64_t now_ns, void *out);
// Looks at every timer; a fixed amount of work.
void tcp_timers(struct tcp *c, uint64_t now_ns);

// --- receiving

// The segment is the connection's.
static inline bool tcp_match(const struct tcp *c, const struct tcp_segment *s)
{
    return s->dst_port == c->local_port && s->src_port == c->config.remote_port &&
           s->src_ip == c->config.remote_ip && s->dst_ip == c->config.local_ip &&
           c->state != TCP_CLOSED;
}

// A segment of the connection, as tcp_parse left it. Payload that is in order now is in <runs>; the
// session takes it before the frame is released. Look at <due> and tcp_events afterwards.
void tcp_input(struct tcp *c, const struct tcp_segment *s, uint64_t now_ns, struct tcp_runs *runs);

// --- resets from outside

// Writes an RST for a segment that no connection matches (RFC 9293, section 3.10.7.1), so that a
// peer does not keep what we have forgotten. <frame> is the frame it came in; the answer goes back
// to where that came from. 0: nothing may be sent (it was an RST). The caller limits the rate.
uint32_t tcp_refuse(const struct tcp_segment *s, const uint8_t *frame, void *out);
// Writes an RST that would end the connection, from another thread: for the main lcore when the
// lane that owns <c> hangs. Its number is that of the next byte, or <unanswered>: of the first that
// the peer has not acknowledged; it is the exact one (RFC 5961) when all, or none, of what is out
// has arrived. Changes nothing. 0: no connection.
uint32_t tcp_reset_write(const struct tcp *c, bool unanswered, void *out);
