// The datagram codecs against arbitrary frames: Ethernet with tags, IPv4, UDP, ARP, IGMP queries,
// MoldUDP64, IEX-TP. Whatever a parser hands out lies inside the frame, in order, and once.
#include <stdlib.h>
#include <string.h>

#include "dataplane/wire/arp.h"
#include "dataplane/wire/frame.h"
#include "dataplane/wire/igmp.h"
#include "dataplane/wire/iextp.h"
#include "dataplane/wire/mold64.h"

struct range {
    const uint8_t *from, *to;
};

static void inside(struct range whole, const uint8_t *p, uint64_t len)
{
    if (p < whole.from || p > whole.to || len > (uint64_t)(whole.to - p))
        abort();
}

static void mold(struct range payload)
{
    struct mold64_header h;
    struct mold64_walk w;
    struct mold64_block b;
    uint32_t len = (uint32_t)(payload.to - payload.from), blocks = 0;
    const uint8_t *end = payload.from + MOLD64_HEADER_LEN;
    if (!mold64_parse(payload.from, len, &h))
        return;
    if (h.sequence + h.count < h.sequence)
        abort();
    mold64_walk_begin(&w, payload.from, len, &h);
    while (mold64_next(&w, &b)) {
        inside(payload, b.data, b.len);
        if (b.data != end + 2)
            abort();
        end = b.data + b.len;
        blocks++;
    }
    if (blocks + w.left != mold64_messages(&h) || end + mold64_trailing(&w) > payload.to)
        abort();
}

static void iextp(struct range payload)
{
    struct iextp_header h;
    struct iextp_walk w;
    struct iextp_block b;
    uint32_t blocks = 0;
    if (!iextp_parse(payload.from, (uint32_t)(payload.to - payload.from), &h))
        return;
    const struct range body = {payload.from + IEXTP_HEADER_LEN,
                               payload.from + IEXTP_HEADER_LEN + h.payload_len};
    inside(payload, body.from, h.payload_len);
    iextp_walk_begin(&w, payload.from, &h);
    while (iextp_next(&w, &b)) {
        inside(body, b.data, b.len);
        blocks++;
    }
    if (blocks + w.left != h.count)
        abort();
}

static void arp(struct range payload)
{
    struct arp in, again;
    uint8_t bytes[ARP_LEN];
    if (!arp_parse(payload.from, (uint32_t)(payload.to - payload.from), &in))
        return;
    arp_write(bytes, &in);
    if (!arp_parse(bytes, sizeof bytes, &again) || memcmp(bytes, payload.from, ARP_LEN) != 0)
        abort();
}

static void igmp(struct range payload)
{
    struct igmp_query q;
    if (igmp_query_parse(payload.from, (uint32_t)(payload.to - payload.from), &q) && q.sources)
        inside(payload, q.source_list, 4ull * q.sources);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    // A copy of its own size, so that the sanitizer sees a read behind it.
    uint8_t *copy = malloc(size ? size : 1);
    struct frame_udp f = {0};
    memcpy(copy, data, size);
    const struct range whole = {copy, copy + size};
    enum frame_code code = frame_parse(copy, (uint32_t)size, &f);
    if (code <= FRAME_ARP) {
        inside(whole, f.payload, (uint64_t)f.payload_len + f.trailing);
        const struct range payload = {f.payload, f.payload + f.payload_len};
        if (code != FRAME_ARP)
            (void)frame_ip_checksum_ok(&f);
        if (code == FRAME_UDP) {
            mold(payload);
            iextp(payload);
        } else if (code == FRAME_ARP) {
            arp(payload);
        } else {
            igmp(payload);
        }
    }
    // Also without the headers: most mutations would die in them.
    mold(whole);
    iextp(whole);
    arp(whole);
    igmp(whole);
    free(copy);
    return 0;
}
