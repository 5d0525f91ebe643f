// ITCH 5.0 and DEEP 1.0 messages into a small book, whose invariants are walked after every packet.
// Input: a byte that chooses the protocol, then packets: two bytes of length, and blocks as the
// transport would hold them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/book/offline.h"

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
        uint8_t *copy = malloc(len ? len : 1);
        memcpy(copy, data + at, len);
        const struct feed_packet packet = {
            .sequence = 1, .count = blocks_in(copy, len, !deep), .len = len, .blocks = copy};
        uint32_t done = config.protocol->apply(&o.channel, &packet, data[at - 1] % 3);
        if (done > packet.count)
            abort();
        free(copy);
        at += len;
        if (!book_check(&o.channel.book, why, sizeof why)) {
            fprintf(stderr, "%s\n", why);
            abort();
        }
    }
    offline_free(&o);
    return 0;
}
