// SoupBinTCP and GLIMPSE as a client reads them from a stream. Input: a size of the stream buffer,
// then chunks, each behind a byte of length. The packets that come out of the chunks are those of
// the bytes in one piece.
#include <stdlib.h>
#include <string.h>

#include "dataplane/wire/glimpse.h"
#include "dataplane/wire/soupbin.h"

enum { BUFFER_MAX = 2048 };

static void look(const struct soupbin_packet *p)
{
    struct soupbin_accepted accepted;
    uint64_t sequence;
    if (p->type == SOUPBIN_LOGIN_ACCEPTED && soupbin_accepted_read(p, &accepted))
        if (memchr(accepted.session, 0, sizeof accepted.session) == NULL)
            abort();
    if (p->type == SOUPBIN_LOGIN_REJECTED)
        (void)soupbin_rejected_read(p);
    if (p->type == SOUPBIN_SEQUENCED && p->len == GLIMPSE_END_LEN && p->payload[0] == GLIMPSE_END)
        (void)glimpse_end_read(p->payload, &sequence);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t buffer[BUFFER_MAX], whole[65536];
    struct soupbin_stream stream;
    struct soupbin_packet a, b;
    uint32_t len = 0, at = 0, used;
    bool broken = false;
    if (size < 2 || size > sizeof whole)
        return 0;
    // At least one header fits.
    soupbin_stream_init(&stream, buffer, 3 + (data[0] << 8 | data[1]) % (BUFFER_MAX - 3));
    for (size_t i = 2; i < size && !broken;) {
        uint32_t chunk = data[i++], room;
        chunk = chunk < size - i ? chunk : (uint32_t)(size - i);
        uint8_t *to = soupbin_stream_room(&stream, &room);
        chunk = chunk < room ? chunk : room;
        memcpy(to, data + i, chunk);
        memcpy(whole + len, data + i, chunk);
        soupbin_stream_received(&stream, chunk);
        len += chunk;
        i += chunk;
        for (;;) {
            enum soupbin_code code = soupbin_stream_next(&stream, &a);
            broken = code == SOUPBIN_BAD;
            if (code != SOUPBIN_PACKET)
                break;
            look(&a);
            if (soupbin_next(whole + at, len - at, &used, &b) != SOUPBIN_PACKET ||
                a.type != b.type || a.len != b.len || memcmp(a.payload, b.payload, a.len) != 0)
                abort();
            at += used;
        }
    }
    return 0;
}
