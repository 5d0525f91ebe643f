#include "dataplane/control/recovery.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/wire/iextp.h"
#include "dataplane/wire/mold64.h"

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
    r->gap_ns = 1000000000ull / config->rate_per_s;
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

void recovery_request(struct recovery *r, const struct feed_request *request)
{
    r->active = true;
    r->failed = r->config.server_count == 0;
    r->next = request->sequence;
    r->end = request->sequence + request->count;
    r->tries = 0;
    r->send_at = 0;
    memcpy(r->session, request->session, SESSION_LEN);
}

void recovery_return(struct recovery *r, const struct frame *frame)
{
    uint64_t offset = (uint64_t)((const uint8_t *)frame->owner - r->buffers);
    r->free[r->free_count++] = (uint16_t)(offset / RECOVERY_BUFFER_LEN);
}

// --- requests ---

static uint32_t request_write(const struct recovery *r, uint8_t *p)
{
    uint64_t count = r->end - r->next;
    if (count > r->config.messages_max)
        count = r->config.messages_max;
    if (r->protocol != &feed_deep10) {
        mold64_request_write(p, r->session, r->next, (uint16_t)count);
        return MOLD64_REQUEST_LEN;
    }
    // The session of a DEEP channel is protocol, channel and session of IEX-TP as they stand in its
    // header.
    const struct iextp_header feed = {.protocol = le16_load(r->session),
                                      .channel = le32_load(r->session + 2),
                                      .session = le32_load(r->session + 6)};
    const struct iextp_range range = {.first = r->next, .last = r->next + count - 1};
    return iextp_request_write(p, &feed, &range, 1);
}

// A send that fails, or whose neighbour is not known yet, is a datagram that was lost: the retry or
// the next server deals with it.
static void request_send(struct recovery *r, const uint8_t *bytes, uint32_t len, uint64_t now_ns)
{
    const struct config_endpoint *server = &r->config.servers[r->server];
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(server->port),
                                   .sin_addr.s_addr = htonl(server->ip)};
    if (r->port)
        slow_udp_send(r->port, server->ip, server->port,
                      (uint16_t)(RECOVERY_UDP_FIRST + r->channel), bytes, len, now_ns);
    else
        sendto(r->fd, bytes, len, 0, (const struct sockaddr *)&to, sizeof to);
}

static void ask(struct recovery *r, uint64_t now_ns)
{
    uint8_t bytes[IEXTP_REQUEST_HEADER_LEN + IEXTP_RANGE_LEN];
    uint32_t len = request_write(r, bytes);
    r->count->requests_sent++;
    r->count->request_retries += r->tries > 0;
    r->tries++;
    r->sent_at = now_ns;
    r->send_at = now_ns + (uint64_t)r->config.retry_ms * 1000000;
    request_send(r, bytes, len, now_ns);
}

// The server has not answered in time: again, the next one, or nobody has it. Each retry waits
// twice as long.
static void unanswered(struct recovery *r, uint64_t now_ns)
{
    if (r->tries > 0 && r->tries % (r->config.retries + 1) == 0) {
        r->server = (r->server + 1) % r->config.server_count;
        if (r->tries >= (r->config.retries + 1) * r->config.server_count) {
            r->failed = true;
            return;
        }
    }
    ask(r, now_ns);
    uint32_t doubled = (r->tries - 1) % (r->config.retries + 1);
    r->send_at = now_ns + ((uint64_t)r->config.retry_ms * 1000000 << (doubled < 6 ? doubled : 6));
}

// --- answers ---

// An answer that brings the first missing message goes to the lane; anything else is stray.
static bool answer_take(struct recovery *r, uint16_t buffer, uint32_t len, uint64_t now_ns)
{
    uint8_t *payload = r->buffers + (size_t)buffer * RECOVERY_BUFFER_LEN;
    struct feed_datagram d;
    if (!r->active || !r->protocol->parse(payload, len, &d) || d.kind != FEED_DATA ||
        memcmp(d.session, r->session, SESSION_LEN) != 0 || d.packet.sequence > r->next ||
        d.packet.sequence + d.packet.count <= r->next) {
        r->count->answers_refused++;
        return false;
    }
    const struct lane_answer answer = {
        .kind = ANSWER_FRAME,
        .channel = r->channel,
        .frame = {.data = payload, .len = len, .input = r->channel, .owner = payload},
    };
    if (!spsc_push(&r->lane->answers, &answer))
        return false; // asked for again when the retry is due
    r->count->answers++;
    r->next = d.packet.sequence + d.packet.count;
    r->tries = 0;
    r->active = r->next < r->end;
    r->send_at = now_ns < r->sent_at + r->gap_ns ? r->sent_at + r->gap_ns : 0;
    return true;
}

static uint32_t answers_read(struct recovery *r, uint64_t now_ns)
{
    uint32_t work = 0;
    while (work < RECOVERY_READS_MAX && r->free_count > 0) {
        uint16_t buffer = r->free[r->free_count - 1];
        ssize_t len =
            recv(r->fd, r->buffers + (size_t)buffer * RECOVERY_BUFFER_LEN, RECOVERY_BUFFER_LEN, 0);
        if (len < 0)
            break;
        work++;
        if (answer_take(r, buffer, (uint32_t)len, now_ns))
            r->free_count--;
    }
    return work;
}

bool recovery_datagram(struct recovery *r, const struct slow_port *port, const struct frame_udp *f,
                       uint64_t now_ns)
{
    if (r->port != port || f->dst_port != RECOVERY_UDP_FIRST + r->channel)
        return false;
    bool known = false;
    for (uint32_t i = 0; i < r->config.server_count; i++)
        known |= r->config.servers[i].ip == f->src_ip;
    if (!known || f->payload_len > RECOVERY_BUFFER_LEN || r->free_count == 0) {
        r->count->answers_refused++;
        return true;
    }
    uint16_t buffer = r->free[r->free_count - 1];
    memcpy(r->buffers + (size_t)buffer * RECOVERY_BUFFER_LEN, f->payload, f->payload_len);
    if (answer_take(r, buffer, f->payload_len, now_ns))
        r->free_count--;
    return true;
}

uint32_t recovery_turn(struct recovery *r, uint64_t now_ns)
{
    uint32_t work = r->fd >= 0 ? answers_read(r, now_ns) : 0;
    if (!r->active)
        return work;
    if (!r->failed && now_ns >= r->send_at) {
        if (r->tries == 0)
            ask(r, now_ns);
        else
            unanswered(r, now_ns);
        work++;
    }
    if (r->failed) {
        const struct lane_answer answer = {
            .kind = ANSWER_FAILED, .channel = r->channel, .sequence = r->next};
        if (spsc_push(&r->lane->answers, &answer))
            r->active = r->failed = false;
    }
    return work;
}
