// Hot path: the state machine of a session.
#include "dataplane/venue/session.h"

#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/wire/alpha.h"

static void state_set(struct session *s, enum session_state state, uint64_t now)
{
    s->state = (uint8_t)state;
    s->since = now;
}

// --- sending ---

static bool send_bytes(struct session *s, const void *bytes, uint32_t len, uint64_t now)
{
    if (UNLIKELY(!s->transport->ops->send(s->transport, bytes, len, now))) {
        s->count.refused++;
        return false;
    }
    s->last_sent = now;
    return true;
}

// One packet and nothing behind it: what follows would be read by nobody here.
static bool one_packet(const struct frame_bytes *frame)
{
    return 2u + be16_load(frame->bytes) == frame->len;
}

// The frame of an order that was approved with extras, whichever of the session's frames it is.
static COLD bool with_approved(struct session *s, const struct frame_bytes *frame, bool same)
{
    const struct ouch_extras *extras = s->approved_extras;
    s->approved_extras = NULL;
    return same &&
           egress_reach(&s->frames, frame->bytes, frame->len) == ouch_extras_reach(extras) &&
           egress_rest_with(&s->frames, frame, extras);
}

// What a letter does not have is zero on both sides.
enum session_sent session_send_order(struct session *s, const struct frame_bytes *frame,
                                     uint64_t now)
{
    struct egress found;
    const bool is_order = egress_read(&s->frames, frame->bytes, frame->len, &found);
    bool same = is_order && one_packet(frame) && memcmp(&found, &s->approved, sizeof found) == 0;
    if (UNLIKELY(s->approved_extras != NULL))
        same = with_approved(s, frame, same);
    else
        same = same && egress_rest(&s->frames, frame);
    s->approved.letter = 0;
    if (UNLIKELY(!same || !session_may_enter(s))) {
        session_halt(s);
        s->count.egress++;
        return SESSION_EGRESS;
    }
    if (UNLIKELY(!send_bytes(s, frame->bytes, frame->len, now)))
        return SESSION_NOT_SENT;
    s->count.sent++;
    return SESSION_SENT;
}

// What leaves without an approval is no order, and none stands behind it.
static bool no_order(struct session *s, const struct frame_bytes *frame)
{
    struct egress found;
    if (LIKELY(one_packet(frame) && !egress_read(&s->frames, frame->bytes, frame->len, &found)))
        return true;
    session_halt(s);
    s->count.egress++;
    return false;
}

bool session_send_cancel(struct session *s, const struct frame_bytes *frame, uint64_t now)
{
    if (UNLIKELY(!no_order(s, frame)))
        return false;
    if (!session_may_cancel(s) || !session_free(s, frame->len) ||
        !send_bytes(s, frame->bytes, frame->len, now))
        return false;
    s->count.cancels++;
    return true;
}

bool session_query(struct session *s, uint32_t next_ref, uint64_t now)
{
    const struct frame_bytes *query = &s->frames.query;
    if (query->len == 0 || s->query_at || !session_may_cancel(s) || !session_free(s, query->len) ||
        !no_order(s, query) || !send_bytes(s, query->bytes, query->len, now))
        return false;
    s->wants_query = false;
    s->query_at = now;
    if (s->answers_left == 0) {
        s->answers_left = s->queries_due + 1;
        s->query_ref = next_ref;
    }
    s->queries_due++;
    s->count.queries++;
    return true;
}

void session_go(struct session *s, uint64_t now)
{
    s->replayed = false;
    if (s->state != SESSION_REPLAY)
        return;
    state_set(s, SESSION_READY, now);
}

static COLD void queries_due_set(struct session *s, uint64_t due)
{
    s->queries_due = due < SESSION_QUERIES_DUE_MAX ? (uint8_t)due : SESSION_QUERIES_DUE_MAX;
}

// Of a stream that fell short also those that were read behind its end.
COLD uint8_t session_queries_due(const struct session *s)
{
    const uint64_t due = s->queries_due + (s->short_at ? s->next_sequence - s->short_at : 0);
    return due < SESSION_QUERIES_DUE_MAX ? (uint8_t)due : SESSION_QUERIES_DUE_MAX;
}

// What was taken for the end was a pause, or (OUCH 5.0) the answer to what an earlier run had
// asked.
COLD void session_go_back(struct session *s, uint64_t now)
{
    s->replayed = s->replay_told = s->wants_query = false;
    if (s->frames.query.len > 0) {
        s->query_stale = true;
        queries_due_set(s, s->queries_due + 1u);
    }
    state_set(s, SESSION_REPLAY, now);
}

// --- connections ---

// The back-off starts over with a session that works, not with one that is dropped whenever it is
// ready.
static bool worked(const struct session *s, uint64_t now)
{
    return s->state == SESSION_READY && now - s->since >= s->config.heartbeat_ticks;
}

static void back_off(struct session *s, uint64_t now)
{
    s->reopen_at = now + s->retry_ticks;
    s->retry_ticks = s->retry_ticks * 2 < s->config.retry_ticks_max ? s->retry_ticks * 2
                                                                    : s->config.retry_ticks_max;
}

void session_retry(struct session *s)
{
    if (s->state != SESSION_DOWN)
        return;
    s->reopen_at = 0;
    s->retry_ticks = s->config.retry_ticks;
}

void session_lost(struct session *s, uint64_t now)
{
    if (s->state == SESSION_DOWN)
        return;
    s->count.lost++;
    s->was_connected |= s->state >= SESSION_REPLAY;
    s->wants_query = false;
    s->replayed = false;
    s->query_stale |= s->query_at != 0;
    s->query_at = 0;
    s->answers_left = 0;
    queries_due_set(s, s->queries_due);
    if (worked(s, now))
        s->retry_ticks = s->config.retry_ticks;
    state_set(s, SESSION_DOWN, now);
    soupbin_stream_init(&s->stream, s->buffer, sizeof s->buffer);
    back_off(s, now);
}

static COLD void give_up(struct session *s, uint64_t now)
{
    s->transport->ops->abort(s->transport);
    session_lost(s, now);
}

// Session and sequence of the prepared login: right-justified, as Login Accepted has them.
static void login_patch(struct session *s)
{
    char *id = (char *)s->login + 19, *sequence = (char *)s->login + 29;
    const bool blank = s->asks_any || s->asks_rest;
    uint32_t len = 0;
    while (!blank && len < SOUPBIN_SESSION_LEN && s->session_id[len])
        len++;
    memset(id, ' ', SOUPBIN_SESSION_LEN);
    memcpy(id + SOUPBIN_SESSION_LEN - len, s->session_id, len);
    s->asked = s->asks_any ? 1 : s->next_sequence;
    alpha_u64_write(sequence, SOUPBIN_SEQUENCE_LEN, s->asked);
}

void session_opened(struct session *s, uint64_t now)
{
    if (s->state != SESSION_CONNECTING)
        return;
    state_set(s, SESSION_LOGIN, now);
    s->heard = now;
    login_patch(s);
    if (!send_bytes(s, s->login, s->login_len, now))
        give_up(s, now);
}

void session_stop(struct session *s, uint64_t now)
{
    uint8_t logout[SOUPBIN_HEADER_LEN];
    s->enabled = false;
    if (s->state >= SESSION_REPLAY)
        send_bytes(s, logout, soupbin_logout_write(logout), now);
    if (s->state != SESSION_DOWN)
        s->transport->ops->close(s->transport, now);
}

// What the exchange has said in a stream that fell short was not applied: it is asked for again,
// from where that stream ended. Should its tail be there again, so are the answers in it.
static COLD void short_accept(struct session *s, uint64_t now)
{
    if (s->frames.query.len > 0)
        s->queries_due = session_queries_due(s);
    s->next_sequence = s->short_at;
    s->short_at = 0;
    if (s->state != SESSION_DOWN)
        give_up(s, now);
    session_retry(s);
}

COLD void session_resume(struct session *s, uint64_t now)
{
    s->halted = SESSION_HALT_NONE;
    if (s->short_at) {
        short_accept(s, now);
        return;
    }
    if (s->state != SESSION_GAP)
        return;
    s->replay_told = false;
    state_set(s, SESSION_REPLAY, now); // whose end is waited for once more
    s->wants_query = s->frames.query.len > 0 && s->query_at == 0 && !s->query_stale;
}

// --- what the server says about the session ---

static uint64_t frames_out(const struct session *s)
{
    return s->count.sent + s->count.cancels;
}

static COLD void quiet_from_here(struct session *s, bool quiet)
{
    s->quiet = quiet;
    s->quiet_at = s->next_sequence;
    s->quiet_frames = frames_out(s);
}

// Another session. What the old one had not said about our orders, nobody says any more.
static COLD void session_renew(struct session *s, const char *id)
{
    const bool nothing_lost =
        s->quiet && s->quiet_at == s->next_sequence && s->quiet_frames == frames_out(s);
    if (s->was_connected && !nothing_lost) {
        s->halted = SESSION_HALT_NAME;
        s->count.renewed++;
    }
    memcpy(s->session_id, id, sizeof s->session_id);
    s->next_sequence = 1;
    s->short_at = 0;
    s->queries_due = 0; // the answers stand in the old one
    quiet_from_here(s, false);
}

// The exchange has less than was asked for, as a login's number is that of the next message it
// sends: another stream under the same name, or one that has lost its end. Nothing of it is applied
// before a person has looked, and then all of it, also of what it has grown by until then.
static COLD void falls_short(struct session *s, uint64_t sequence, uint64_t now)
{
    if (s->short_at == 0 || sequence < s->short_at)
        s->short_at = sequence;
    s->wire_sequence = 0;
    s->quiet_at = 0;
    s->halted = SESSION_HALT_SHORT;
    state_set(s, SESSION_GAP, now);
}

static COLD void goes_beyond(struct session *s, uint64_t sequence, uint64_t now)
{
    s->count.missing += sequence - s->next_sequence;
    s->next_sequence = sequence;
    s->halted = SESSION_HALT_GAP;
    state_set(s, SESSION_GAP, now);
}

// False: what was asked for does not fit the session that there is; the next login asks again.
static COLD bool named(struct session *s, const struct soupbin_accepted *a)
{
    s->asks_any = s->asks_rest = s->ended = s->replay_told = false;
    if (s->session_id[0] == 0) {
        memcpy(s->session_id, a->session, sizeof s->session_id);
        quiet_from_here(s, false);
    } else if (memcmp(s->session_id, a->session, sizeof s->session_id) != 0) {
        session_renew(s, a->session);
        return a->sequence == 1 || s->asked == 1;
    } else if (s->asked < s->next_sequence) {
        // Asked without its name, and from the start: what begins at 1 need not be what was read.
        // Asked for what was not read, the exchange says how far it is.
        s->asks_rest = true;
        return false;
    }
    return true;
}

static void accepted(struct session *s, const struct soupbin_packet *packet, uint64_t now)
{
    struct soupbin_accepted a;
    if (s->state != SESSION_LOGIN || !soupbin_accepted_read(packet, &a) || a.sequence == 0) {
        s->count.malformed++;
        give_up(s, now);
        return;
    }
    s->count.logins++;
    s->reject = 0;
    if (!named(s, &a)) {
        give_up(s, now);
        return;
    }
    s->wire_sequence = a.sequence;
    state_set(s, SESSION_REPLAY, now);
    if (s->short_at || a.sequence < s->next_sequence) {
        falls_short(s, a.sequence, now);
        return;
    }
    if (a.sequence > s->next_sequence)
        goes_beyond(s, a.sequence, now);
    s->wants_query = s->frames.query.len > 0 && !s->query_stale;
}

// The session that was asked for is not there, maybe only for now: the next login takes what there
// is.
static void rejected(struct session *s, const struct soupbin_packet *packet, uint64_t now)
{
    s->reject = soupbin_rejected_read(packet);
    s->count.rejected++;
    if (s->reject == SOUPBIN_NO_SESSION)
        s->asks_any = true;
    s->asks_rest = false;
    give_up(s, now);
}

static void ended(struct session *s, uint64_t now)
{
    s->asks_any = s->ended = true;
    if (s->state >= SESSION_REPLAY && s->short_at == 0)
        quiet_from_here(s, true);
    give_up(s, now);
}

// The answer to our query is news of no order.
static COLD void query_answered(struct session *s, uint64_t sequence, uint32_t next_ref)
{
    if (s->quiet_at == sequence) {
        s->quiet_at = sequence + 1;
        s->quiet = true;
    }
    if (s->query_at == 0)
        return;
    s->query_at = 0;
    s->queries_due--;
    if (--s->answers_left > 0) { // it may be that of an earlier query
        s->wants_query = true;
        return;
    }
    s->query_next = next_ref;
    s->replayed = true;
}

// Read before. Of a stream that fell short nothing is counted.
static COLD void repeated(struct session *s, uint64_t sequence)
{
    s->count.repeated++;
    if (s->short_at)
        s->wire_sequence = sequence;
}

// True: a message for the owner.
static bool sequenced(struct session *s, const struct soupbin_packet *packet,
                      struct ouch_report *out)
{
    if (s->state < SESSION_REPLAY) {
        s->count.malformed++;
        return false;
    }
    const uint64_t sequence = s->wire_sequence++;
    if (UNLIKELY(sequence < s->next_sequence)) {
        repeated(s, sequence);
        return false;
    }
    s->next_sequence = sequence + 1;
    s->count.sequenced++;
    const enum ouch_code code =
        s->frames.version == OUCH_50
            ? ouch50_report(packet->payload, packet->len, out)
            : ouch42_report(packet->payload, packet->len, &s->frames.prefix, out);
    if (UNLIKELY(code != OUCH_OK)) {
        s->count.malformed += code != OUCH_FOREIGN;
        s->count.foreign += code == OUCH_FOREIGN;
        return false;
    }
    if (UNLIKELY(out->kind == REPORT_QUERY_ANSWER))
        query_answered(s, sequence, out->ref);
    return true;
}

static void heartbeat(struct session *s)
{
    s->count.heartbeats_in++;
    if (s->state < SESSION_REPLAY || s->state == SESSION_READY || s->short_at)
        return;
    s->quiet |= s->quiet_at == s->next_sequence;
    // Nothing has been sent for a second: the replay is over, once.
    if (s->frames.query.len > 0)
        s->wants_query = s->wants_query || s->query_stale;
    else if (!s->replay_told)
        s->replayed = s->replay_told = true;
    s->query_stale = false;
}

static bool packet_take(struct session *s, const struct soupbin_packet *packet, uint64_t now,
                        struct ouch_report *out)
{
    s->count.packets++;
    switch (packet->type) {
    case SOUPBIN_SEQUENCED: return sequenced(s, packet, out);
    case SOUPBIN_SERVER_HEARTBEAT: heartbeat(s); break;
    case SOUPBIN_LOGIN_ACCEPTED: accepted(s, packet, now); break;
    case SOUPBIN_LOGIN_REJECTED: rejected(s, packet, now); break;
    case SOUPBIN_END_OF_SESSION: ended(s, now); break;
    case SOUPBIN_UNSEQUENCED: s->count.unsequenced++; break;
    case SOUPBIN_DEBUG: break;
    default: s->count.malformed++; break;
    }
    return false;
}

void session_received(struct session *s, const uint8_t *data, uint32_t len, uint64_t now)
{
    uint32_t room;
    if (s->state < SESSION_LOGIN)
        return;
    s->heard = now;
    uint8_t *to = soupbin_stream_room(&s->stream, &room);
    if (UNLIKELY(len > room)) { // the owner has not taken what was there
        s->count.malformed++;
        give_up(s, now);
        return;
    }
    memcpy(to, data, len);
    soupbin_stream_received(&s->stream, len);
}

bool session_next(struct session *s, uint64_t now, struct ouch_report *out)
{
    struct soupbin_packet packet;
    for (;;) { // ends: every packet takes at least three bytes of the buffer
        const enum soupbin_code code = soupbin_stream_next(&s->stream, &packet);
        if (code == SOUPBIN_MORE)
            return false;
        if (UNLIKELY(code == SOUPBIN_BAD)) {
            s->count.malformed++;
            give_up(s, now);
            return false;
        }
        if (packet_take(s, &packet, now, out))
            return true;
    }
}

// --- time ---

static COLD void open_again(struct session *s, uint64_t now)
{
    if (!s->enabled)
        return;
    if (s->transport->ops->open(s->transport, now))
        state_set(s, SESSION_CONNECTING, now);
    else
        back_off(s, now);
}

static COLD void beat(struct session *s, uint64_t now)
{
    uint8_t heartbeat_bytes[SOUPBIN_HEADER_LEN];
    const uint32_t len = soupbin_heartbeat_write(heartbeat_bytes);
    if (session_free(s, len) && send_bytes(s, heartbeat_bytes, len, now))
        s->count.heartbeats_out++;
}

void session_timers(struct session *s, uint64_t now)
{
    if (LIKELY(s->state >= SESSION_REPLAY)) {
        if (UNLIKELY(now - s->last_sent >= s->config.heartbeat_ticks && now > s->last_sent))
            beat(s, now);
        const bool silent = now > s->heard && now - s->heard >= s->config.silence_ticks;
        // A second query would not tell which of the two is answered.
        const bool unanswered = s->query_at && now - s->query_at >= s->config.login_ticks;
        if (UNLIKELY(silent || unanswered))
            give_up(s, now);
        return;
    }
    if (s->state == SESSION_DOWN) {
        if (now >= s->reopen_at)
            open_again(s, now);
    } else if (now - s->since >= s->config.login_ticks) {
        give_up(s, now);
    }
}
