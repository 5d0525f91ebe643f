#include "controlplane/capture/pcapng.h"

#include <string.h>

static uint32_t padded(uint32_t len)
{
    return (len + 3) & ~3u;
}

static uint8_t *word(uint8_t *p, uint32_t value)
{
    memcpy(p, &value, sizeof value);
    return p + sizeof value;
}

static uint8_t *bytes(uint8_t *p, const void *from, uint32_t len)
{
    memcpy(p, from, len);
    memset(p + len, 0, padded(len) - len);
    return p + padded(len);
}

static uint8_t *option(uint8_t *p, uint16_t code, const void *value, uint16_t len)
{
    p = word(p, (uint32_t)len << 16 | code);
    return bytes(p, value, len);
}

// Both lengths, once the block's end is known.
static uint32_t block_end(uint8_t *block, uint8_t *p)
{
    const uint32_t len = (uint32_t)(p - block) + 4;
    word(block + 4, len);
    word(p, len);
    return len;
}

uint32_t pcapng_section(uint8_t *out)
{
    static const uint8_t unknown[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    static const char program[] = "tickgate " TICKGATE_VERSION;
    uint8_t *p = word(out, PCAPNG_SECTION) + 4;
    p = word(p, PCAPNG_MAGIC);
    p = word(p, 1); // version 1.0
    p = bytes(p, unknown, sizeof unknown);
    p = option(p, 4, program, sizeof program - 1); // shb_userappl
    p = word(p, 0);
    return block_end(out, p);
}

uint32_t pcapng_interface(uint8_t *out, const char *name)
{
    static const uint8_t ns = 9;
    uint8_t *p = word(out, PCAPNG_INTERFACE) + 4;
    p = word(p, PCAPNG_ETHERNET);
    p = word(p, 0); // no limit of its packets' lengths
    p = option(p, PCAPNG_IF_NAME, name, (uint16_t)strlen(name));
    p = option(p, PCAPNG_IF_RESOLUTION, &ns, 1);
    p = word(p, 0);
    return block_end(out, p);
}

uint32_t pcapng_block(uint8_t *out, uint32_t type, const void *body, uint32_t len)
{
    uint8_t *p = word(out, type) + 4;
    return block_end(out, bytes(p, body, len));
}

uint32_t pcapng_sealed(uint8_t *out, uint32_t type, uint32_t len)
{
    word(out, type);
    return block_end(out, out + 8 + len);
}

uint32_t pcapng_padding(uint8_t *out, uint32_t len)
{
    uint8_t *p = word(out, PCAPNG_PADDING) + 4;
    memset(p, 0, len - PCAPNG_BLOCK_BYTES);
    return block_end(out, p + len - PCAPNG_BLOCK_BYTES);
}

uint32_t pcapng_packet(uint8_t *out, const struct pcapng_packet *packet)
{
    const uint32_t flags = packet->outward ? 2 : 1;
    uint8_t *p = word(out, PCAPNG_PACKET) + 4;
    p = word(p, packet->interface);
    p = word(p, (uint32_t)(packet->utc_ns >> 32));
    p = word(p, (uint32_t)packet->utc_ns);
    p = word(p, packet->captured);
    p = word(p, packet->len);
    p = bytes(p, packet->data, packet->captured);
    p = option(p, PCAPNG_COMMENT, packet->comment, (uint16_t)strlen(packet->comment));
    p = option(p, PCAPNG_FLAGS, &flags, sizeof flags);
    p = word(p, 0);
    return block_end(out, p);
}
