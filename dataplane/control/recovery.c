#include "dataplane/control/recovery.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/wire/iextp.h"
#include "dataplane/wire/mold64.h"

static const uint64_t ms = 1000000; // in ns

// Messages that one request may name.
static uint32_t chunk_max(const struct recovery *r)
{
    uint32_t most = r->config.messages_max;
    if (r->protocol == &feed_deep10 && most > IEXTP_UDP_MESSAGES_MAX)
        most = IEXTP_UDP_MESSAGES_MAX;
    return most;
}

bool recovery_init(struct recovery *r, const struct config_recovery *config, uint8_t channel,
                   const struct feed_protocol *protocol, struct lane *lane,
                   struct main_counters *count, struct error *err)
{
    memset(r, 0, sizeof *r);
    r->config = *config;
    r->channel = channel;
    r->protocol = protocol;
    r->lane = lane;
    r->count = count;
    r->fd = -1;
    if (config->server_count == 0)
        return true;
    r->window = 1;
    r->chunk = chunk_max(r);
    r->gap_ns = 1000 * ms / config->rate_per_s;
    r->buffers = calloc(RECOVERY_BUFFERS, RECOVERY_BUFFER_LEN);
    if (config->via == CONFIG_VIA_KERNEL)
        r->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (r->buffers == NULL || (config->via == CONFIG_VIA_KERNEL && r->fd < 0))
        return error_set(err, EXIT_FAILED, "recovery of channel %u: no socket or memory: %s",
                         channel, strerror(errno));
    int room = 4 << 20;
    if (r->fd >= 0)
        setsockopt(r->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    for (uint16_t i = 0; i < RECOVERY_BUFFERS; i++)
        r->free[r->free_count++] = i;
    return true;
}

void recovery_close(struct recovery *r)
{
    if (r->fd >= 0)
        close(r->fd);
    free(r->buffers);
    r->fd = -1;
}

void recovery_through(struct recovery *r, struct slow_port *port, uint64_t now_ns)
{
    if (r->config.server_count == 0 || r->config.via != CONFIG_VIA_PORT)
        return;
    r->port = port;
    for (uint32_t i = 0; i < r->config.server_count; i++)
        slow_neighbour_want(port, r->config.servers[i].ip, now_ns);
}

// --- parts ---

static void part_remove(struct recovery *r, uint32_t at)
{
    if (r->parts[at].len)
        r->free[r->free_count++] = r->parts[at].buffer;
    r->part_count--;
    memmove(&r->parts[at], &r->parts[at + 1], (r->part_count - at) * sizeof r->parts[0]);
}

// What is tried now and then: whether the server's datagrams have room for more.
static uint32_t chunk_longer(const struct recovery *r)
{
    const uint32_t most = chunk_max(r), longer = r->chunk + r->chunk / 16 + 1;
    return longer < most ? longer : most;
}

// As many parts without an answer as the window has, while there is something to ask for.
static void parts_add(struct recovery *r)
{
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < r->part_count; i++)
        waiting += r->parts[i].len == 0;
    while (waiting < r->window && r->part_count < RECOVERY_PARTS_NEW && r->asked < r->end) {
        const uint64_t left = r->end - r->asked;
        const bool longer = ++r->parts_made % RECOVERY_TRY_LONGER == 0;
        uint64_t count = longer ? chunk_longer(r) : r->chunk;
        count = left < count ? left : count;
        r->parts[r->part_count++] =
            (struct recovery_part){.first = r->asked, .end = r->asked + count};
        r->asked += count;
        waiting++;
    }
}

// The part ends at <end>; the rest becomes a part of its own. Where there is no place for it, the
// last part is given up, to be asked for again.
static void part_split(struct recovery *r, uint32_t at, uint64_t end)
{
    if (r->part_count == RECOVERY_PARTS) {
        r->asked = at == r->part_count - 1 ? end : r->parts[r->part_count - 1].first;
        if (at == r->part_count - 1) {
            r->parts[at].end = end;
            return;
        }
        part_remove(r, r->part_count - 1);
    }
    memmove(&r->parts[at + 2], &r->parts[at + 1], (r->part_count - at - 1) * sizeof r->parts[0]);
    r->parts[at + 1] = (struct recovery_part){.first = end, .end = r->parts[at].end};
    r->parts[at].end = end;
    r->part_count++;
}

// The part reaches to <end>: what others were to bring up to there need not come.
static void part_widen(struct recovery *r, uint32_t at, uint64_t end)
{
    while (at + 1 < r->part_count && r->parts[at + 1].end <= end)
        part_remove(r, at + 1);
    if (at + 1 < r->part_count)
        r->parts[at + 1].first = end;
    else
        r->asked = end;
    r->parts[at].end = end;
}

void recovery_cancel(struct recovery *r)
{
    while (r->part_count)
        part_remove(r, r->part_count - 1);
    r->active = r->failed = false;
}

void recovery_request(struct recovery *r, const struct feed_request *request)
{
    recovery_cancel(r);
    r->active = true;
    r->failed = r->config.server_count == 0;
    r->next = r->asked = request->sequence;
    r->end = request->sequence + request->count;
    memcpy(r->session, request->session, SESSION_LEN);
}

void recovery_return(struct recovery *r, const struct frame *frame)
{
    uint64_t offset = (uint64_t)((const uint8_t *)frame->owner - r->buffers);
    r->free[r->free_count++] = (uint16_t)(offset / RECOVERY_BUFFER_LEN);
}

// --- requests ---

static uint32_t request_write(const struct recovery *r, const struct recovery_part *part,
                              uint8_t *p)
{
    const uint64_t count = part->end - part->first;
    if (r->protocol != &feed_deep10) {
        mold64_request_write(p, r->session, part->first, (uint16_t)count);
        return MOLD64_REQUEST_LEN;
    }
    // The session of a DEEP channel is protocol, channel and session of IEX-TP as they stand in its
    // header.
    const struct iextp_header feed = {.protocol = le16_load(r->session),
                                      .channel = le32_load(r->session + 2),
                                      .session = le32_load(r->session + 6)};
    const struct iextp_range range = {.first = part->first, .last = part->end - 1};
    return iextp_request_write(p, &feed, &range, 1);
}

// A send that fails, or whose neighbour is not known yet, is a datagram that was lost: the retry or
// the next server deals with it.
static void request_send(struct recovery *r, const struct config_endpoint *server,
                         const uint8_t *bytes, uint32_t len, uint64_t now_ns)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(server->port),
                                   .sin_addr.s_addr = htonl(server->ip)};
    if (r->port)
        slow_udp_send(r->port, server->ip, server->port,
                      (uint16_t)(RECOVERY_UDP_FIRST + r->channel), bytes, len, now_ns);
    else
        sendto(r->fd, bytes, len, 0, (const struct sockaddr *)&to, sizeof to);
    r->count->requests_sent++;
    r->send_at = (r->send_at > now_ns ? r->send_at : now_ns) + r->gap_ns;
}

// The rate has room for another request: what is due may be sent up to RECOVERY_BURST_US ahead.
static bool may_send(const struct recovery *r, uint64_t now_ns)
{
    const uint64_t burst_ns = RECOVERY_BURST_US * UINT64_C(1000);
    return r->send_at + r->gap_ns <= now_ns + burst_ns || r->send_at <= now_ns;
}

// Asks the server that answered last; after as many retries as it may have, the one after it.
static void part_ask(struct recovery *r, struct recovery_part *part, uint64_t now_ns)
{
    uint8_t bytes[IEXTP_REQUEST_HEADER_LEN + IEXTP_RANGE_LEN];
    const uint32_t each = r->config.retries + 1;
    const bool lost = part->passed == RECOVERY_PASSED; // the server is there: no retry is used up
    part->tries -= lost;
    part->passed += lost; // once between two silences
    r->count->request_retries += lost || part->tries > 0;
    if (!lost) {
        part->passed = 0;
        r->window = part->tries > 0 ? 1 : r->window;
    }
    const uint32_t again = part->tries % each; // each retry waits twice as long
    const uint32_t server = (r->server + part->tries / each) % r->config.server_count;
    request_send(r, &r->config.servers[server], bytes, request_write(r, part, bytes), now_ns);
    part->tries++;
    part->request = ++r->requests;
    part->due = now_ns + (r->config.retry_ms * ms << (again < 6 ? again : 6));
}

// Asks for the first parts without an answer, as many as the window has, and as there are buffers
// for: the lane may take its time with those that it was lent.
static uint32_t parts_ask(struct recovery *r, uint64_t now_ns)
{
    const uint32_t tries_max = (r->config.retries + 1) * r->config.server_count;
    uint32_t waiting = 0, work = 0;
    for (uint32_t i = 0; i < r->part_count; i++) {
        struct recovery_part *part = &r->parts[i];
        if (part->len)
            continue;
        if (waiting >= r->window || waiting >= r->free_count)
            break; // a request that meets silence narrows the window
        waiting++;
        if (now_ns < part->due)
            continue;
        if (part->tries == tries_max && part->passed != RECOVERY_PASSED) {
            r->failed |= waiting == 1; // those behind the first have time
            continue;
        }
        if (!may_send(r, now_ns))
            break;
        part_ask(r, part, now_ns);
        work++;
    }
    return work;
}

// --- answers ---

// Which server it is, by its address and, where several share that, its port; or none.
static uint32_t server_find(const struct recovery *r, uint32_t ip, uint16_t port)
{
    uint32_t found = SERVERS_MAX;
    for (uint32_t i = r->config.server_count; i-- > 0;)
        if (r->config.servers[i].ip == ip &&
            (found == SERVERS_MAX || r->config.servers[i].port == port))
            found = i;
    return found;
}

// The whole messages of a datagram. A lane takes these and no others, whatever the header says.
static uint32_t messages_whole(const struct recovery *r, const struct feed_packet *p)
{
    uint32_t count = 0;
    if (r->protocol == &feed_deep10) {
        struct iextp_walk walk = {.next = p->blocks, .end = p->blocks + p->len, .left = p->count};
        for (struct iextp_block block; iextp_next(&walk, &block);)
            count++;
    } else {
        struct mold64_walk walk = {.next = p->blocks, .end = p->blocks + p->len, .left = p->count};
        for (struct mold64_block block; mold64_next(&walk, &block);)
            count++;
    }
    return count;
}

// What an answer up to <end> says about the size of the server's datagrams: the small ones count,
// as a part that does not fit costs a request more. One very short answer is no rule yet, nor is
// one longer part that did fit.
static void chunk_learn(struct recovery *r, const struct recovery_part *part, uint64_t end)
{
    const uint64_t asked = part->end - part->first, got = end - part->first;
    if (end >= part->end) {
        if (asked <= r->chunk || ++r->longer_fitted < RECOVERY_LONGER_FITTED)
            return;
        r->chunk = (uint32_t)asked;
    } else if (got < r->chunk) {
        r->chunk = got > r->chunk / 2 ? (uint32_t)got : (uint32_t)(3 * r->chunk + got) / 4;
    }
    r->longer_fitted = 0;
}

// Another server than before answers: it is asked from now on, from the first try.
static void server_take(struct recovery *r, uint32_t server)
{
    if (r->server == server)
        return;
    r->server = server;
    for (uint32_t i = 0; i < r->part_count; i++)
        r->parts[i].due = r->parts[i].tries = r->parts[i].passed = 0;
}

// The answer to request <request> is here; those before it may have been lost.
static void others_pass(struct recovery *r, uint64_t request)
{
    for (uint32_t i = 0; i < r->part_count; i++) {
        struct recovery_part *part = &r->parts[i];
        if (part->len || part->tries == 0 || part->request > request ||
            part->passed >= RECOVERY_PASSED)
            continue;
        part->passed++;
        if (part->passed == RECOVERY_PASSED)
            part->due = 0;
    }
}

// True: the buffer is kept. An answer that does not bring the first message of a part is stray.
static bool answer_take(struct recovery *r, uint16_t buffer, uint32_t len, uint32_t server)
{
    const uint8_t *payload = r->buffers + (size_t)buffer * RECOVERY_BUFFER_LEN;
    struct feed_datagram d;
    uint64_t end = 0;
    uint32_t at = r->part_count;
    if (r->active && server < r->config.server_count && r->protocol->parse(payload, len, &d) &&
        d.kind == FEED_DATA && memcmp(d.session, r->session, SESSION_LEN) == 0) {
        end = d.packet.sequence + messages_whole(r, &d.packet);
        for (at = 0; at < r->part_count; at++)
            if (r->parts[at].len == 0 && d.packet.sequence <= r->parts[at].first &&
                r->parts[at].first < end)
                break;
    }
    if (at == r->part_count)
        return false;
    struct recovery_part *part = &r->parts[at];
    end = end < r->end ? end : r->end;
    chunk_learn(r, part, end);
    if (end < part->end)
        part_split(r, at, end);
    else if (end > part->end)
        part_widen(r, at, end);
    part->len = len;
    part->buffer = buffer;
    server_take(r, server);
    others_pass(r, part->request);
    r->window += r->window < RECOVERY_WINDOW;
    r->count->answers++;
    return true;
}

// Takes a datagram in, or gives its buffer back.
static void answer_sort(struct recovery *r, uint16_t buffer, uint32_t len, uint32_t server)
{
    if (!answer_take(r, buffer, len, server)) {
        r->free[r->free_count++] = buffer;
        r->count->answers_refused++;
    }
}

static uint32_t answers_read(struct recovery *r)
{
    uint32_t work = 0;
    for (; work < RECOVERY_READS_MAX && r->free_count > 0; work++) {
        struct sockaddr_in from = {0};
        socklen_t from_len = sizeof from;
        uint16_t buffer = r->free[r->free_count - 1];
        ssize_t len = recvfrom(r->fd, r->buffers + (size_t)buffer * RECOVERY_BUFFER_LEN,
                               RECOVERY_BUFFER_LEN, 0, (struct sockaddr *)&from, &from_len);
        if (len < 0)
            break;
        r->free_count--;
        answer_sort(r, buffer, (uint32_t)len,
                    server_find(r, ntohl(from.sin_addr.s_addr), ntohs(from.sin_port)));
    }
    return work;
}

bool recovery_datagram(struct recovery *r, const struct slow_port *port, const struct frame_udp *f)
{
    if (r->port != port || f->dst_port != RECOVERY_UDP_FIRST + r->channel)
        return false;
    if (f->payload_len > RECOVERY_BUFFER_LEN || r->free_count == 0) {
        r->count->answers_refused++;
        return true;
    }
    uint16_t buffer = r->free[--r->free_count];
    memcpy(r->buffers + (size_t)buffer * RECOVERY_BUFFER_LEN, f->payload, f->payload_len);
    answer_sort(r, buffer, f->payload_len, server_find(r, f->src_ip, f->src_port));
    return true;
}

// --- to the lane ---

// Hands on what is next, in order: a lane whose held packets have reached the bill could not keep
// anything else. What its ring has no room for waits here.
static uint32_t answers_give(struct recovery *r)
{
    uint32_t work = 0;
    while (r->part_count && r->parts[0].len) {
        struct recovery_part *part = &r->parts[0];
        uint8_t *payload = r->buffers + (size_t)part->buffer * RECOVERY_BUFFER_LEN;
        const struct lane_answer answer = {
            .kind = ANSWER_FRAME,
            .channel = r->channel,
            .frame = {.data = payload, .len = part->len, .input = r->channel, .owner = payload},
        };
        if (!spsc_push(&r->lane->answers, &answer))
            return work;
        r->next = part->end;
        part->len = 0; // the buffer is the lane's
        part_remove(r, 0);
        work++;
    }
    r->active = r->next < r->end;
    return work;
}

uint32_t recovery_turn(struct recovery *r, uint64_t now_ns)
{
    uint32_t work = r->fd >= 0 ? answers_read(r) : 0;
    if (r->active)
        work += answers_give(r);
    if (!r->active)
        return work;
    if (!r->failed) {
        parts_add(r);
        work += parts_ask(r, now_ns);
    }
    if (r->failed) {
        const struct lane_answer answer = {
            .kind = ANSWER_FAILED, .channel = r->channel, .sequence = r->next};
        if (spsc_push(&r->lane->answers, &answer))
            recovery_cancel(r);
    }
    return work;
}
