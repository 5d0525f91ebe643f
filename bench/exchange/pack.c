#include "bench/exchange/pack.h"

void pack_init(struct pack *p, const char *session, uint32_t payload_max, uint32_t messages_max)
{
    size_t length = strnlen(session, PACK_SESSION);
    memset(p, 0, sizeof *p);
    memset(p->session, ' ', PACK_SESSION);
    memcpy(p->session, session, length);
    p->next = 1;
    p->payload_max = payload_max;
    p->messages_max = messages_max;
}

void pack_open(struct pack *p, uint8_t *payload)
{
    p->payload = payload;
    p->length = PACK_HEADER;
    p->count = 0;
}

bool pack_add(struct pack *p, const uint8_t *message, uint32_t length)
{
    if (p->length + 2 + length > p->payload_max || p->count == p->messages_max)
        return false;
    be16_store(p->payload + p->length, (uint16_t)length);
    memcpy(p->payload + p->length + 2, message, length);
    p->length += 2 + length;
    p->count++;
    p->next++;
    return true;
}

uint32_t pack_close(struct pack *p)
{
    pack_header(p->payload, p->session, p->next - p->count, (uint16_t)p->count);
    return p->length;
}

bool pack_parse(const uint8_t *payload, uint32_t length, uint64_t *sequence, uint32_t *count)
{
    if (length < PACK_HEADER)
        return false;
    *sequence = be64_load(payload + 10);
    *count = be16_load(payload + 18);
    if (*count == PACK_COUNT_END)
        *count = 0;
    uint32_t offset = PACK_HEADER;
    for (uint32_t i = 0; i < *count; i++) {
        if (length - offset < 2 || length - offset - 2 < be16_load(payload + offset))
            return false;
        offset += 2u + be16_load(payload + offset);
    }
    return offset == length;
}
