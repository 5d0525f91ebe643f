// An order session with one exchange: SoupBinTCP 3.00 or 4.x over a transport, OUCH 5.0 or 4.2 in
// it.
//
//   DOWN ─► CONNECTING ─► LOGIN ─► REPLAY ─► READY
//    ▲           │           │        │         │      lost, silent, framing broken, end of
//    session: └───────────┴───────────┴────────┴─────────┘      DOWN, and again after the back-off
//
// REPLAY: the exchange repeats what we have not read. It is over when the account query is answered
// (OUCH 5.0), or with the first server heartbeat, which says that nothing more is waiting
// (OUCH 4.2). The owner then compares its orders with what is known (session_replayed) and says
// session_go. GAP is a REPLAY that cannot become READY before session_resume: the exchange began
// beyond what was asked for, messages are missing; or before it, there are fewer than were read,
// and nothing is applied. Cancels pass from REPLAY on, enters and replaces only in READY.
//
// A doubt about the stream outlives the connection: it halts the session (enum session_halt).
//
// One lane owns a session. Times are ticks. Nothing here waits or allocates.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/trade.h"
#include "dataplane/base/error.h"
#include "dataplane/venue/frames.h"
#include "dataplane/venue/transport.h"
#include "dataplane/wire/ouch.h"
#include "dataplane/wire/soupbin.h"

enum {
    SESSION_STREAM_BYTES = 8192, // longest packet that is read; OUCH has none near it
    SESSION_QUERIES_DUE_MAX = 16 // so often lost without an answer: one may be taken for another
};

struct session_config {
    struct frames_config frames;
    char username[SOUPBIN_USERNAME_LEN + 1];
    char password[SOUPBIN_PASSWORD_LEN + 1];
    char session[SOUPBIN_SESSION_LEN + 1]; // empty: the current one
    uint64_t sequence;                     // next message wanted at the first login; 1: all
    uint32_t timeout_ms;      // SoupBinTCP 4.10: the server's patience; 0: 3.00 or 4.00
    uint64_t heartbeat_ticks; // we say something at least this often
    uint64_t silence_ticks;   // the server is given up after this long without a word
    uint64_t login_ticks;     // for connecting, for the login and for the account query
    uint64_t retry_ticks;     // back-off after the first failure ...
    uint64_t retry_ticks_max; // ... doubled up to here
};

struct session_counters {
    uint64_t logins;
    uint64_t rejected;
    uint64_t lost;
    uint64_t packets;
    uint64_t sequenced; // messages applied
    uint64_t repeated;  // read before, not applied again
    uint64_t missing;   // messages that the exchange could not repeat
    uint64_t renewed;   // names that another took the place of before they had ended
    uint64_t malformed; // packets or messages that make no sense
    uint64_t foreign;   // about orders that this session never had
    uint64_t unsequenced;
    uint64_t heartbeats_in;
    uint64_t heartbeats_out;
    uint64_t sent; // orders, replaces, modifies
    uint64_t cancels;
    uint64_t queries;
    uint64_t refused; // frames that the transport did not take
    uint64_t egress;  // frames that were not what was approved
};

struct session {
    // What an order needs.
    CACHE_ALIGN struct transport *transport;
    uint8_t state;    // enum session_state
    uint8_t halted;   // enum session_halt: no order until a person says so
    bool enabled;     // false: stays down
    bool wants_query; // the owner sends it with session_query
    bool replayed;    // the owner compares, then session_go
    uint64_t last_sent;
    struct egress approved;
    const struct ouch_extras *approved_extras; // null: none; used up with <approved>

    uint64_t next_sequence; // of the session's next message that has not been applied
    uint64_t wire_sequence; // of the next message on this connection
    uint64_t heard;
    uint64_t since;       // of the state
    uint64_t reopen_at;   // DOWN
    uint64_t retry_ticks; // the next back-off
    uint64_t query_at;    // when it was sent; 0: no answer is waited for
    uint32_t query_ref;   // next free reference when the first of them was sent
    uint32_t query_next;  // the answer
    uint8_t queries_due;  // at most so many answers to what was asked before may still come
    uint8_t answers_left; // up to the one that is no answer to these; 0: nothing is asked
    bool query_stale;     // one of an earlier connection was not answered: not before a heartbeat
    bool was_connected;   // there was an earlier connection: what was unanswered then is in doubt
    char session_id[SOUPBIN_SESSION_LEN + 1]; // what next_sequence counts in; empty: none yet
    bool asks_any;                            // the next login takes what session there is
    bool asks_rest;        // and this one, too, but not from its start: it was session_id
    uint64_t asked;        // number in the last login
    bool ended;            // the exchange has said that session_id is over
    bool replay_told;      // by a heartbeat: not again in a GAP
    uint64_t short_at;     // 0, or the first number of which another message was read
    bool quiet;            // up to <quiet_at> the session has nothing to tell that can be lost
    uint64_t quiet_at;     // next_sequence at its start or its end (Z), answers to queries left out
    uint64_t quiet_frames; // orders and cancels sent until then
    char reject;           // of the last login that was refused, 0: none
    struct session_counters count;
    struct session_config config;
    struct soupbin_stream stream;
    struct frames frames;
    uint8_t login[SOUPBIN_LOGIN_LEN_410]; // all but session and sequence
    uint32_t login_len;
    uint8_t buffer[SESSION_STREAM_BYTES];
};

// False: EXIT_USAGE with what is wrong. <place> starts the message.
bool session_init(struct session *s, const struct session_config *config,
                  struct transport *transport, const char *place, struct error *err);

// --- what the transport reports

void session_opened(struct session *s, uint64_t now);
void session_lost(struct session *s, uint64_t now);
// Bytes that it takes at once: more than 0 when session_next has said that there is no more.
static inline uint32_t session_room(const struct session *s)
{
    return s->stream.size - (s->stream.end - s->stream.start);
}
// Bytes of the stream; all are taken unless the session gives up the connection.
void session_received(struct session *s, const uint8_t *data, uint32_t len, uint64_t now);

// --- what the exchange says

// The next message about orders (or REPORT_SYSTEM, REPORT_QUERY_ANSWER, REPORT_NOTICE); false: no
// more for now. Everything of the session itself is dealt with on the way.
bool session_next(struct session *s, uint64_t now, struct ouch_report *out);

// --- what we say

static inline bool session_may_enter(const struct session *s)
{
    return s->state == SESSION_READY && !s->halted;
}

static inline bool session_may_cancel(const struct session *s)
{
    return s->state >= SESSION_REPLAY;
}

static inline bool session_free(const struct session *s, uint32_t len)
{
    return s->transport->ops->ready(s->transport, len);
}

enum session_sent {
    SESSION_SENT,
    SESSION_NOT_SENT, // the transport did not take it
    SESSION_EGRESS,   // not what was approved: the session is halted
};

// Sends a frame that enters, replaces or modifies. It has to be exactly what stands in
// <s->approved>, which is used up.
enum session_sent session_send_order(struct session *s, const struct frame_bytes *frame,
                                     uint64_t now);
// A cancel.
bool session_send_cancel(struct session *s, const struct frame_bytes *frame, uint64_t now);
// The account query; <next_ref>: the owner's next reference, so that it knows what was sent before.
// An answer does not name its query: where k earlier ones may still be answered, k + 1 are sent,
// one after the other, and the last answer is taken.
bool session_query(struct session *s, uint32_t next_ref, uint64_t now);
// Everything from before is settled: READY.
void session_go(struct session *s, uint64_t now);
// READY, and yet the stream goes on with what an earlier run was told: REPLAY, for one end more.
void session_go_back(struct session *s, uint64_t now);
// A frame, an execution or a control halts it. That the stream fell short stays what is said: a
// restart has to know it.
static inline void session_halt(struct session *s)
{
    if (s->halted != SESSION_HALT_SHORT)
        s->halted = SESSION_HALT_ORDER;
}
// A person has looked: not halted any more, and a GAP is replayed like what has none. Has the
// exchange less than was read, it is read on from there with another login.
void session_resume(struct session *s, uint64_t now);
// Answers to account queries that may still come, as a record has them.
uint8_t session_queries_due(const struct session *s);
// As it was left by an earlier run, after <s->halted>: <next> is to be read. <ended>: by the
// exchange, too. <queries>: as last recorded.
void session_restore(struct session *s, const void *id, uint64_t next, bool ended, uint8_t queries);
// Down and waiting for the back-off: not any more.
void session_retry(struct session *s);
// Ends the session and stays down.
void session_stop(struct session *s, uint64_t now);

// --- time

// Heartbeats, silence, logins, back-off. Cheap: call it every turn.
void session_timers(struct session *s, uint64_t now);
