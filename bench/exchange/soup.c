#include "bench/exchange/soup.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "dataplane/base/bytes.h"

enum { SLICE_MS = 50, LOGIN_BYTES = 49 };

void soup_init(struct soup *s, int fd, const _Atomic bool *stop)
{
    s->fd = fd;
    s->stop = stop;
    s->broken = false;
    s->have = 0;
}

// In slices, so that a stop is noticed. False: time over, stop, or an error.
static bool ready(struct soup *s, short events, int limit_ms)
{
    for (int waited = 0; waited < limit_ms; waited += SLICE_MS) {
        if (atomic_load_explicit(s->stop, memory_order_relaxed))
            return false;
        struct pollfd p = {.fd = s->fd, .events = events};
        int n = poll(&p, 1, SLICE_MS);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
    }
    return false;
}

void soup_flush(struct soup *s)
{
    for (uint32_t at = 0; at < s->have && !s->broken;) {
        ssize_t n = send(s->fd, s->buffer + at, s->have - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            at += (uint32_t)n;
        else if (n == 0 || (errno != EAGAIN && errno != EINTR) ||
                 !ready(s, POLLOUT, SOUP_SILENCE_MS))
            s->broken = true;
    }
    s->have = 0;
}

static void packet(struct soup *s, char type, const uint8_t *payload, uint32_t length)
{
    if (s->have + 3 + length > sizeof s->buffer)
        soup_flush(s);
    be16_store(s->buffer + s->have, (uint16_t)(1 + length));
    s->buffer[s->have + 2] = (uint8_t)type;
    if (length)
        memcpy(s->buffer + s->have + 3, payload, length);
    s->have += 3 + length;
}

// A field without the blanks around it.
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

bool soup_login(struct soup *s, struct soup_login *login)
{
    uint8_t in[LOGIN_BYTES];
    for (uint32_t have = 0; have < sizeof in;) {
        if (!ready(s, POLLIN, SOUP_LOGIN_MS))
            return false;
        ssize_t n = recv(s->fd, in + have, sizeof in - have, MSG_DONTWAIT);
        if (n <= 0 && !(n < 0 && (errno == EAGAIN || errno == EINTR)))
            return false;
        have += n > 0 ? (uint32_t)n : 0;
        // Decided as early as it can be: the peer may have sent less than a login and wait.
        if (have >= 3 && (be16_load(in) != LOGIN_BYTES - 2 || in[2] != 'L'))
            return false;
    }
    char digits[21];
    trimmed(login->user, in + 3, 6);
    trimmed(login->password, in + 9, 10);
    trimmed(login->session, in + 19, 10);
    trimmed(digits, in + 29, 20);
    login->sequence = 0;
    login->sequence_valid = digits[0] != 0 && strlen(digits) < 19;
    for (const char *d = digits; *d && login->sequence_valid; d++) {
        login->sequence_valid = *d >= '0' && *d <= '9';
        login->sequence = login->sequence * 10 + (uint64_t)(*d - '0');
    }
    return true;
}

void soup_accept(struct soup *s, const uint8_t session[10], uint64_t sequence)
{
    char name[11], payload[31];
    trimmed(name, session, 10);
    snprintf(payload, sizeof payload, "%10s%20llu", name, (unsigned long long)sequence);
    packet(s, 'A', (const uint8_t *)payload, 30);
    soup_flush(s);
}

void soup_reject(struct soup *s, char reason)
{
    packet(s, 'J', (const uint8_t *)&reason, 1);
    soup_flush(s);
}

void soup_sequenced(struct soup *s, const uint8_t *message, uint32_t length)
{
    packet(s, 'S', message, length);
}

void soup_heartbeat(struct soup *s)
{
    packet(s, 'H', NULL, 0);
    soup_flush(s);
}

void soup_end(struct soup *s)
{
    packet(s, 'Z', NULL, 0);
    soup_flush(s);
}
