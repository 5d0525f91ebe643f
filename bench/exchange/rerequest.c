#include "bench/exchange/rerequest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/exchange/pack.h"
#include "bench/exchange/random.h"
#include "dataplane/base/bytes.h"

enum { REQUESTS_A_POLL = 64 };

// Walks to message <sequence> of a packet and answers its offset.
static uint32_t block_offset(const uint8_t *payload, const struct store_packet *p,
                             uint64_t sequence)
{
    uint32_t offset = PACK_HEADER;
    for (uint64_t at = p->sequence; at < sequence; at++)
        offset += 2u + be16_load(payload + offset);
    return offset;
}

// Copies messages from <sequence> on, at most <wanted>, as many as fit. Answers how many.
static uint32_t messages_copy(const struct channel *c, uint64_t sequence, uint32_t wanted,
                              uint8_t *answer, uint32_t *length)
{
    uint32_t count = 0;
    uint64_t number = store_find(&c->store, sequence);
    const struct store_packet *p;
    while ((p = store_packet(&c->store, number)) != NULL && number < c->offered) {
        if (p->sequence > sequence) // a capture with a hole
            return count;
        const uint8_t *payload = store_payload(&c->store, p);
        uint32_t offset = block_offset(payload, p, sequence);
        for (; sequence < p->sequence + p->count; sequence++) {
            uint32_t block = 2u + be16_load(payload + offset);
            if (count == wanted || *length + block > PACK_PAYLOAD_MAX)
                return count;
            memcpy(answer + *length, payload + offset, block);
            *length += block;
            offset += block;
            count++;
        }
        number++;
    }
    return count;
}

uint32_t rerequest_answer(void *context, const uint8_t *request, uint32_t length, uint8_t *answer)
{
    struct rerequest *r = context;
    r->received++;
    const struct channel *c = NULL;
    for (uint32_t i = 0; i < r->channel_count && length == PACK_HEADER; i++)
        if (r->channels[i].numbered &&
            memcmp(request, r->channels[i].pack.session, PACK_SESSION) == 0)
            c = &r->channels[i];
    uint32_t bytes = PACK_HEADER, count = 0;
    uint64_t sequence = length == PACK_HEADER ? be64_load(request + 10) : 0;
    if (c && sequence > 0)
        count = messages_copy(c, sequence, be16_load(request + 18), answer, &bytes);
    if (!count) {
        r->silent++;
        return 0;
    }
    if (r->loss_below && random_mix(r->seed ^ random_mix(r->received)) >> 32 < r->loss_below) {
        r->lost++;
        return 0;
    }
    pack_header(answer, c->pack.session, sequence, (uint16_t)count);
    r->answered++;
    r->messages += count;
    return bytes;
}

bool rerequest_listen(struct rerequest *r, uint32_t address, uint16_t port, struct error *err)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
    int on = 1, size = 4 << 20;
    r->socket = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (r->socket < 0)
        return error_set(err, EXIT_FAILED, "--rerequest: socket: %s", strerror(errno));
    (void)setsockopt(r->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)setsockopt(r->socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (bind(r->socket, (struct sockaddr *)&at, sizeof at) != 0)
        return error_set(err, EXIT_FAILED,
                         "--rerequest %s:%u: %s; give an address of this host and a free port",
                         inet_ntoa(at.sin_addr), port, strerror(errno));
    return true;
}

bool rerequest_poll(struct rerequest *r)
{
    if (r->socket < 0)
        return false;
    uint8_t request[64], answer[PACK_PAYLOAD_MAX];
    struct sockaddr_in from;
    uint32_t n = 0;
    for (; n < REQUESTS_A_POLL; n++) {
        socklen_t size = sizeof from;
        ssize_t got =
            recvfrom(r->socket, request, sizeof request, 0, (struct sockaddr *)&from, &size);
        if (got < 0)
            break;
        uint32_t length = rerequest_answer(r, request, (uint32_t)got, answer);
        if (length) // a full socket buffer loses the answer, as a network would
            (void)sendto(r->socket, answer, length, 0, (struct sockaddr *)&from, size);
    }
    return n > 0;
}

void rerequest_close(struct rerequest *r)
{
    if (r->socket >= 0)
        close(r->socket);
    r->socket = -1;
}
