// ITCH 5.0 and DEEP 1.0 messages into a small book, whose invariants are walked after every packet.
// Input: a byte that chooses the protocol, then packets: two bytes of length, and blocks as the
// transport holds them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/book/offline.h"
#include "dataplane/base/bytes.h"
#include "dataplane/wire/iextp.h"
#include "dataplane/wire/mold64.h"

enum { SYMBOLS = 6 };

static const struct feed_protocol *const protocols[2] = {&feed_itch50, &feed_deep10};

// Blocks in a packet, counted as the transport's header would.
static uint32_t blocks_in(const uint8_t *p, uint32_t len, bool big)
{
    uint32_t count = 0;
    for (uint32_t at = 0; at + 2 <= len; count++)
        at += 2u + (big ? (uint32_t)p[at] << 8 | p[at + 1] : (uint32_t)p[at + 1] << 8 | p[at]);
    return count;
}

// The blocks as a lane meets them: behind a header that counts them, in memory that ends with them.
// Parsed, then applied from <skip> on.
static void packet(struct channel *ch, const uint8_t *blocks, uint32_t len, uint32_t skip)
{
    const bool deep = ch->protocol == &feed_deep10;
    const uint32_t head = deep ? IEXTP_HEADER_LEN : MOLD64_HEADER_LEN;
    const uint32_t count = blocks_in(blocks, len, !deep);
    uint8_t *copy = calloc(1, head + len);
    struct feed_datagram d;
    memcpy(copy + head, blocks, len);
    if (deep) {
        copy[0] = IEXTP_VERSION;
        le16_store(copy + 2, IEXTP_DEEP10);
        le16_store(copy + 12, (uint16_t)len);
        le16_store(copy + 14, (uint16_t)count);
        le64_store(copy + 24, 1);
    } else {
        be64_store(copy + 10, 1);
        be16_store(copy + 18, (uint16_t)count);
    }
    if (!ch->protocol->parse(copy, head + len, &d) || d.packet.count != count ||
        d.packet.blocks != copy + head || d.packet.len != len)
        abort();
    if (ch->protocol->apply(ch, &d.packet, skip) > count)
        abort();
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct offline o;
    struct error err = {0};
    char why[256];
    if (size == 0)
        return 0;
    const bool deep = data[0] & 1;
    struct channel_config config = {.protocol = protocols[deep],
                                    .hold_frames = 16,
                                    .book = {.symbols = SYMBOLS,
                                             .orders = deep ? 0 : 48,
                                             .levels = 32,
                                             .spans = 4096,
                                             .matches = 16}};
    if (!offline_init(&o, &config, &err))
        abort();
    for (size_t at = 1; at + 2 <= size;) {
        uint32_t len = (uint32_t)data[at] << 8 | data[at + 1];
        at += 2;
        len = len < size - at ? len : (uint32_t)(size - at);
        packet(&o.channel, data + at, len, data[at - 1] % 3);
        at += len;
        if (!book_check(&o.channel.book, why, sizeof why)) {
            fprintf(stderr, "%s\n", why);
            abort();
        }
    }
    offline_free(&o);
    return 0;
}
