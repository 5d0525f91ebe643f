// The SoupBinTCP server (3.00 and 4.x): connections, logins, heartbeats, the sequenced stream from
// any number, as functions over bytes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bench/exchange/trade/state.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/base/hints.h"

enum {
    PACKET_HEADER = 3,
    UNREAD_MAX = 1 << 20,  // bytes of a client that are not handled yet
    OUT_AHEAD = 16 * 1024, // bytes made ready before any are taken
    LOGIN = 46,            // bytes of the login's payload; 4.10: five more
    LOGIN_410 = 51,
};

static void bytes_add(uint8_t **buffer, uint32_t *have, uint32_t *room, const uint8_t *bytes,
                      uint32_t length)
{
    while (*have + length > *room) {
        *room = *room ? 2 * *room : 4096;
        *buffer = realloc(*buffer, *room);
        MUST(*buffer);
    }
    if (length)
        memcpy(*buffer + *have, bytes, length);
    *have += length;
}

static void put(struct bourse *b, struct visitor *v, char type, const uint8_t *payload,
                uint32_t length)
{
    uint8_t head[PACKET_HEADER];
    be16_store(head, (uint16_t)(1 + length));
    head[2] = (uint8_t)type;
    bytes_add(&v->out, &v->out_have, &v->out_room, head, sizeof head);
    bytes_add(&v->out, &v->out_have, &v->out_room, payload, length);
    v->said_ns = b->now_ns;
}

// What is due of the stream, at most so that <ahead> bytes wait; <all>: whatever its time.
static void pump(struct bourse *b, struct visitor *v, uint32_t ahead, bool all)
{
    const struct tape *t = &b->members[v->member].tape;
    while (v->state == VISITOR_IN && v->out_have < ahead && v->next <= t->count) {
        const struct tape_message *m = &t->messages[v->next - 1];
        if (!all && m->due_ns > b->now_ns)
            break;
        put(b, v, 'S', t->bytes + m->offset, m->length);
        v->next++;
    }
}

// Ends a connection from here. The number stays taken until the owner of the socket lets go of it.
static void leave(struct bourse *b, struct visitor *v, enum bourse_closing closing,
                  const char *text)
{
    if (v->state != VISITOR_NEW && v->state != VISITOR_IN)
        return;
    bool in = v->state == VISITOR_IN;
    v->state = VISITOR_OUT;
    v->closing = closing;
    if (closing == BOURSE_RESETS)
        v->out_have = 0;
    b->counters.disconnects++;
    record_plain(b, BOURSE_DISCONNECT, in ? v->member : BOURSE_NONE, 0, 0, text);
    if (!in)
        return;
    struct member *m = &b->members[v->member];
    m->visitor = -1;
    if (b->config.members[v->member].cancel_on_disconnect)
        member_cancel_all(b, v->member, 'Z', "cancel on disconnect");
}

static int visitor_new(struct bourse *b, bool copy)
{
    for (int i = 0; i < BOURSE_VISITORS; i++) {
        struct visitor *v = &b->visitors[i];
        if (v->state != VISITOR_FREE)
            continue;
        v->state = VISITOR_NEW;
        v->closing = BOURSE_STAYS;
        v->copy = copy;
        v->connected_ns = v->heard_ns = v->said_ns = b->now_ns;
        v->silence_ms = b->config.silence_ms ? b->config.silence_ms : 15000;
        mischief_connected(b, v);
        record_plain(b, BOURSE_CONNECT, BOURSE_NONE, 0, 0, NULL);
        return i;
    }
    return -1;
}

int bourse_connect(struct bourse *b)
{
    return visitor_new(b, false);
}

int bourse_connect_copy(struct bourse *b)
{
    return visitor_new(b, true);
}

void visitor_free(struct visitor *v)
{
    free(v->in);
    free(v->out);
    free(v->arrivals);
    memset(v, 0, sizeof *v);
}

void bourse_disconnect(struct bourse *b, int visitor)
{
    struct visitor *v = &b->visitors[visitor];
    leave(b, v, BOURSE_RESETS, "by the member");
    visitor_free(v);
}

// --- login
// -------------------------------------------------------------------------------------------

// A field without the blanks around it: fields come padded on either side.
static void trimmed(char *out, const uint8_t *field, uint32_t length)
{
    while (length && field[length - 1] == ' ')
        length--;
    while (length && *field == ' ') {
        field++;
        length--;
    }
    memcpy(out, field, length);
    out[length] = 0;
}

// A decimal number; false when there is anything else, or nothing.
static bool number_read(const char *text, uint64_t *number)
{
    *number = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*number > UINT64_MAX / 10 - 10)
            return false;
        if (*text < '0' || *text > '9')
            return false;
        *number = *number * 10 + (uint64_t)(*text - '0');
    }
    return true;
}

static int member_find(const struct bourse *b, bool copy, const uint8_t *payload)
{
    char user[7], password[11];
    trimmed(user, payload, 6);
    trimmed(password, payload + 6, 10);
    const uint32_t first = copy ? BOURSE_MEMBERS : 0;
    const uint32_t count = copy ? b->config.copy_count : b->config.member_count;
    for (uint32_t i = first; i < first + count; i++)
        if (strcasecmp(user, b->config.members[i].user) == 0 &&
            strcasecmp(password, b->config.members[i].password) == 0)
            return (int)i;
    return -1;
}

static void refuse(struct bourse *b, struct visitor *v, char reason, uint32_t member,
                   const char *text)
{
    put(b, v, 'J', (const uint8_t *)&reason, 1);
    b->counters.logins_refused++;
    record_plain(b, BOURSE_LOGIN_REFUSED, member, 0, (uint8_t)reason, text);
    leave(b, v, BOURSE_CLOSES, "login refused");
}

// Numbers beyond the next one get the next one: the client sees the difference in the answer. 0
// asks for what comes from now on.
static void welcome(struct bourse *b, struct visitor *v, uint32_t member, uint64_t wanted)
{
    struct member *m = &b->members[member];
    char payload[31];
    uint64_t newest = m->tape.count + 1;
    v->next = wanted == 0 || wanted > newest ? newest : wanted;
    v->member = (uint8_t)member;
    v->state = VISITOR_IN;
    m->visitor = (int)(v - b->visitors);
    snprintf(payload, sizeof payload, "%10s%20llu", m->session, (unsigned long long)v->next);
    put(b, v, 'A', (const uint8_t *)payload, 30);
    b->counters.logins++;
    record_plain(b, BOURSE_LOGIN, member, v->next, 0, NULL);
    if (!v->copy)
        day_member(b, member);
}

static void login(struct bourse *b, struct visitor *v, const uint8_t *payload, uint32_t length)
{
    char session[11], digits[21], timeout[6];
    uint64_t wanted, silence;
    if ((length != LOGIN && length != LOGIN_410) || v->state != VISITOR_NEW) {
        leave(b, v, BOURSE_RESETS, "not a login");
        return;
    }
    int found = member_find(b, v->copy, payload);
    if (found < 0) {
        refuse(b, v, 'A', BOURSE_NONE, "no such user or another password");
        return;
    }
    uint32_t member = (uint32_t)found;
    if (!v->copy)
        mischief_login(b, member);
    trimmed(session, payload + 16, 10);
    trimmed(digits, payload + 26, 20);
    if (length == LOGIN_410) {
        trimmed(timeout, payload + 46, 5);
        if (number_read(timeout, &silence) && silence)
            v->silence_ms = (uint32_t)silence;
    }
    if (b->ended || (session[0] && strcmp(session, b->members[member].session) != 0)) {
        refuse(b, v, 'S', member, "no such session");
    } else if (!number_read(digits, &wanted)) {
        refuse(b, v, 'S', member, "no sequence number");
    } else {
        int other = b->members[member].visitor;
        if (other >= 0)
            leave(b, &b->visitors[other], BOURSE_CLOSES, "the member has logged in again");
        welcome(b, v, member, wanted);
    }
}

// --- packets in
// ----------------------------------------------------------------------------------------

static void data(struct bourse *b, struct visitor *v, const uint8_t *payload, uint32_t length)
{
    if (!v->copy) // who reads a copy has nothing to say
        desk_message(b, v->member, payload, length);
}

static void logout(struct bourse *b, struct visitor *v, const uint8_t *payload, uint32_t length)
{
    (void)payload;
    (void)length;
    leave(b, v, BOURSE_CLOSES, "logout");
}

static void nothing(struct bourse *b, struct visitor *v, const uint8_t *payload, uint32_t length)
{
    (void)b;
    (void)v;
    (void)payload;
    (void)length;
}

static const struct {
    char type;
    bool before_login;
    void (*handle)(struct bourse *b, struct visitor *v, const uint8_t *payload, uint32_t length);
} packets[] = {{'U', false, data},
               {'R', false, nothing},
               {'L', true, login},
               {'O', false, logout},
               {'+', true, nothing}};

static void packet(struct bourse *b, struct visitor *v, const uint8_t *p, uint32_t length)
{
    for (uint32_t i = 0; i < ARRAY_LEN(packets); i++) {
        if (packets[i].type != (char)p[0])
            continue;
        if (v->state == VISITOR_IN || packets[i].before_login)
            packets[i].handle(b, v, p + 1, length - 1);
        else
            leave(b, v, BOURSE_RESETS, "not logged in");
        return;
    }
    leave(b, v, BOURSE_RESETS, "unknown packet");
}

// Bytes whose time has come, in whole packets.
static void handle_ready(struct bourse *b, struct visitor *v)
{
    uint32_t at = 0;
    while (v->arrival_count && v->arrivals[0].due_ns <= b->now_ns) {
        v->in_ready += v->arrivals[0].length;
        v->arrival_count--;
        memmove(v->arrivals, v->arrivals + 1, v->arrival_count * sizeof *v->arrivals);
    }
    while ((v->state == VISITOR_NEW || v->state == VISITOR_IN) && v->in_ready - at >= 2) {
        uint32_t length = be16_load(v->in + at);
        if (length == 0) {
            leave(b, v, BOURSE_RESETS, "a packet of length 0");
            break;
        }
        if (v->in_ready - at < 2 + length)
            break;
        packet(b, v, v->in + at + 2, length);
        at += 2 + length;
    }
    if (!at)
        return;
    v->in_have -= at;
    v->in_ready -= at;
    memmove(v->in, v->in + at, v->in_have);
}

void bourse_receive(struct bourse *b, int visitor, const uint8_t *bytes, uint32_t length)
{
    struct visitor *v = &b->visitors[visitor];
    if (v->state != VISITOR_NEW && v->state != VISITOR_IN)
        return;
    bool cut = v->cut_in_at && v->in_total + length >= v->cut_in_at;
    if (cut)
        length = (uint32_t)(v->cut_in_at - v->in_total);
    v->in_total += length;
    v->heard_ns = b->now_ns;
    bytes_add(&v->in, &v->in_have, &v->in_room, bytes, length);
    v->arrivals = array_room(v->arrivals, v->arrival_count, &v->arrival_room, sizeof *v->arrivals);
    v->arrivals[v->arrival_count++] =
        (struct arrival){b->now_ns + b->config.latency_in_us * 1000ull, length};
    handle_ready(b, v);
    if (cut) {
        mischief_cut(b, v);
        leave(b, v, b->config.faults.cut_resets ? BOURSE_RESETS : BOURSE_CLOSES, "cut on purpose");
    } else if (v->in_have > UNREAD_MAX) {
        leave(b, v, BOURSE_RESETS, "too much at once");
    }
}

// --- bytes out
// -----------------------------------------------------------------------------------------

uint32_t bourse_send(struct bourse *b, int visitor, uint8_t *bytes, uint32_t room)
{
    struct visitor *v = &b->visitors[visitor];
    if (v->silent)
        return 0;
    pump(b, v, OUT_AHEAD, false);
    uint32_t n = room < v->out_have ? room : v->out_have;
    bool cut = n && v->cut_out_at && v->state == VISITOR_IN && v->out_total + n >= v->cut_out_at;
    if (cut)
        n = v->cut_out_at > v->out_total ? (uint32_t)(v->cut_out_at - v->out_total) : 0;
    if (n) {
        v->out_have -= n;
        v->out_total += n;
        memcpy(bytes, v->out, n);
        memmove(v->out, v->out + n, v->out_have);
    }
    if (cut) {
        v->out_have = 0;
        mischief_cut(b, v);
        leave(b, v, b->config.faults.cut_resets ? BOURSE_RESETS : BOURSE_CLOSES, "cut on purpose");
    }
    return n;
}

enum bourse_closing bourse_closing(const struct bourse *b, int visitor)
{
    return b->visitors[visitor].closing;
}

static uint64_t heartbeat_ns(const struct bourse *b)
{
    return (b->config.heartbeat_ms ? b->config.heartbeat_ms : 1000) * 1000000ull;
}

static uint64_t login_ns(const struct bourse *b)
{
    return (b->config.login_ms ? b->config.login_ms : 30000) * 1000000ull;
}

void visitor_clock(struct bourse *b)
{
    for (uint32_t i = 0; i < BOURSE_VISITORS; i++) {
        struct visitor *v = &b->visitors[i];
        if (v->state == VISITOR_NEW || v->state == VISITOR_IN)
            handle_ready(b, v);
        if (v->state == VISITOR_NEW && b->now_ns - v->connected_ns >= login_ns(b))
            leave(b, v, BOURSE_CLOSES, "no login");
        if (v->state == VISITOR_IN && b->now_ns - v->heard_ns >= v->silence_ms * 1000000ull)
            leave(b, v, BOURSE_CLOSES, "the member is silent");
        if (v->state != VISITOR_IN || v->silent)
            continue;
        pump(b, v, OUT_AHEAD, false);
        if (b->now_ns - v->said_ns < heartbeat_ns(b))
            continue;
        put(b, v, 'H', NULL, 0);
        mischief_heartbeat(b, v);
    }
}

static void sooner(uint64_t *due_ns, uint64_t other_ns)
{
    if (other_ns < *due_ns)
        *due_ns = other_ns;
}

uint64_t visitor_due(const struct bourse *b)
{
    uint64_t due_ns = UINT64_MAX;
    for (uint32_t i = 0; i < BOURSE_VISITORS; i++) {
        const struct visitor *v = &b->visitors[i];
        if (v->state == VISITOR_NEW)
            sooner(&due_ns, v->connected_ns + login_ns(b));
        if ((v->state == VISITOR_NEW || v->state == VISITOR_IN) && v->arrival_count)
            sooner(&due_ns, v->arrivals[0].due_ns);
        if (v->state != VISITOR_IN)
            continue;
        const struct tape *t = &b->members[v->member].tape;
        sooner(&due_ns, v->heard_ns + v->silence_ms * 1000000ull);
        if (!v->silent)
            sooner(&due_ns, v->said_ns + heartbeat_ns(b));
        if (!v->silent && v->next <= t->count && t->messages[v->next - 1].due_ns > b->now_ns)
            sooner(&due_ns, t->messages[v->next - 1].due_ns);
    }
    return due_ns;
}

// --- sessions
// ------------------------------------------------------------------------------------------

void bourse_drop(struct bourse *b, uint32_t member, bool reset)
{
    int visitor = b->members[member].visitor;
    if (visitor >= 0)
        leave(b, &b->visitors[visitor], reset ? BOURSE_RESETS : BOURSE_CLOSES, "dropped");
}

void member_session_next(struct bourse *b, uint32_t member)
{
    struct member *m = &b->members[member];
    record_plain(b, BOURSE_SESSION_END, member, m->tape.count, 0, m->session);
    b->counters.resets++;
    tape_clear(&m->tape);
    m->day_told = false;
    // Digits at the end count up; a name without any counts in its last place.
    size_t last = strlen(m->session), i = last;
    while (i-- > 0) {
        char *c = &m->session[i];
        if (*c >= '0' && *c < '9') {
            ++*c;
            break;
        }
        if (*c != '9') {
            m->session[last - 1] = m->session[last - 1] == '0' ? '1' : '0';
            break;
        }
        *c = '0';
    }
}

void visitor_say_end(struct bourse *b, uint32_t member)
{
    int visitor = b->members[member].visitor;
    mischief_release(b, member, true);
    if (visitor < 0)
        return;
    struct visitor *v = &b->visitors[visitor];
    pump(b, v, UINT32_MAX, true);
    put(b, v, 'Z', NULL, 0);
    leave(b, v, BOURSE_CLOSES, "end of session");
}

void bourse_session_end(struct bourse *b, uint32_t member)
{
    member_cancel_all(b, member, 'Z', "the session ends");
    visitor_say_end(b, member);
    member_session_next(b, member);
}
