#include "dataplane/wire/soupbin.h"

#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/wire/alpha.h"

enum soupbin_code soupbin_next(const uint8_t *p, uint32_t len, uint32_t *used,
                               struct soupbin_packet *out)
{
    if (len < 2)
        return SOUPBIN_MORE;
    uint32_t packet_len = be16_load(p);
    if (packet_len == 0)
        return SOUPBIN_BAD;
    if (len - 2 < packet_len)
        return SOUPBIN_MORE;
    out->type = p[2];
    out->payload = p + SOUPBIN_HEADER_LEN;
    out->len = packet_len - 1;
    *used = 2 + packet_len;
    return SOUPBIN_PACKET;
}

void soupbin_stream_init(struct soupbin_stream *s, uint8_t *buffer, uint32_t size)
{
    s->buffer = buffer;
    s->size = size;
    s->start = 0;
    s->end = 0;
}

uint8_t *soupbin_stream_room(struct soupbin_stream *s, uint32_t *room)
{
    uint32_t held = s->end - s->start;
    if (s->start > 0) {
        memmove(s->buffer, s->buffer + s->start, held);
        s->start = 0;
        s->end = held;
    }
    *room = s->size - held;
    return s->buffer + held;
}

void soupbin_stream_received(struct soupbin_stream *s, uint32_t n)
{
    s->end += n;
}

enum soupbin_code soupbin_stream_next(struct soupbin_stream *s, struct soupbin_packet *out)
{
    const uint8_t *p = s->buffer + s->start;
    uint32_t held = s->end - s->start;
    uint32_t used = 0;
    enum soupbin_code code = soupbin_next(p, held, &used, out);
    // A packet that can never be whole here would otherwise be waited for without end.
    if (code == SOUPBIN_MORE && held >= 2 && 2u + be16_load(p) > s->size)
        return SOUPBIN_BAD;
    s->start += used;
    return code;
}

bool soupbin_accepted_read(const struct soupbin_packet *packet, struct soupbin_accepted *out)
{
    if (packet->type != SOUPBIN_LOGIN_ACCEPTED ||
        packet->len != SOUPBIN_SESSION_LEN + SOUPBIN_SEQUENCE_LEN)
        return false;
    const char *session = (const char *)packet->payload;
    uint32_t left = 0;
    // Names are compared over their whole length: nothing undefined behind the end of a short one.
    memset(out, 0, sizeof *out);
    while (left < SOUPBIN_SESSION_LEN && session[left] == ' ')
        left++;
    alpha_text(out->session, session + left, SOUPBIN_SESSION_LEN - left);
    return alpha_u64_read(session + SOUPBIN_SESSION_LEN, SOUPBIN_SEQUENCE_LEN, &out->sequence);
}

char soupbin_rejected_read(const struct soupbin_packet *packet)
{
    if (packet->type != SOUPBIN_LOGIN_REJECTED || packet->len != 1)
        return 0;
    // A zero byte as reason would read as "no reject".
    return packet->payload[0] ? (char)packet->payload[0] : '?';
}

static void header_write(uint8_t *p, uint8_t type, uint32_t payload_len)
{
    be16_store(p, (uint16_t)(payload_len + 1));
    p[2] = type;
}

uint32_t soupbin_login_write(uint8_t *p, const struct soupbin_login *login)
{
    // Offsets: specification 3.00, section 2.2.1; 4.10 appends the timeout. The texts leave the
    // padding of session and number open: left, as Login Accepted has it and as captured logins do.
    char *field = (char *)p;
    uint32_t len = login->timeout_ms ? SOUPBIN_LOGIN_LEN_410 : SOUPBIN_LOGIN_LEN;
    if (!alpha_write(field + 3, SOUPBIN_USERNAME_LEN, login->username) ||
        !alpha_write(field + 9, SOUPBIN_PASSWORD_LEN, login->password) ||
        !alpha_write_right(field + 19, SOUPBIN_SESSION_LEN, login->session) ||
        !alpha_u64_write(field + 29, SOUPBIN_SEQUENCE_LEN, login->sequence))
        return 0;
    if (login->timeout_ms && !alpha_u64_write(field + 49, 5, login->timeout_ms))
        return 0;
    header_write(p, SOUPBIN_LOGIN_REQUEST, len - SOUPBIN_HEADER_LEN);
    return len;
}

uint32_t soupbin_heartbeat_write(uint8_t *p)
{
    header_write(p, SOUPBIN_CLIENT_HEARTBEAT, 0);
    return SOUPBIN_HEADER_LEN;
}

uint32_t soupbin_logout_write(uint8_t *p)
{
    header_write(p, SOUPBIN_LOGOUT, 0);
    return SOUPBIN_HEADER_LEN;
}

uint32_t soupbin_unsequenced_write(uint8_t *p, uint32_t len)
{
    if (len > SOUPBIN_PAYLOAD_MAX)
        return 0;
    header_write(p, SOUPBIN_UNSEQUENCED, len);
    return SOUPBIN_HEADER_LEN;
}
