#include "bench/book/capture.h"

#include <stdio.h>
#include <string.h>

#include "dataplane/wire/deep10.h"
#include "dataplane/wire/iextp.h"
#include "dataplane/wire/itch50.h"
#include "dataplane/wire/mold64.h"

static bool is_deep10(const struct input_datagram *d)
{
    struct iextp_header h;
    return iextp_parse(d->payload, d->len, &h) && h.protocol == IEXTP_DEEP10;
}

// Any 20 bytes could be a header of MoldUDP64: what follows has to be a message of ITCH, or
// nothing.
static bool is_itch50(const struct input_datagram *d)
{
    struct mold64_header h;
    struct mold64_walk walk;
    struct mold64_block block;
    if (!mold64_parse(d->payload, d->len, &h))
        return false;
    mold64_walk_begin(&walk, d->payload, d->len, &h);
    if (walk.left == 0)
        return d->len == MOLD64_HEADER_LEN;
    while (mold64_next(&walk, &block))
        if (block.len)
            return block.len == itch50_length(block.data[0]);
    return false;
}

static bool is_of(const struct feed_protocol *protocol, const struct input_datagram *d)
{
    return protocol == &feed_deep10 ? is_deep10(d) : is_itch50(d);
}

static const struct feed_protocol *protocol_of(const struct input *in)
{
    for (uint64_t i = 0; i < in->datagram_count; i++) {
        if (is_deep10(&in->datagrams[i]))
            return &feed_deep10;
        if (is_itch50(&in->datagrams[i]))
            return &feed_itch50;
    }
    return NULL;
}

// Every packet of a channel is of its session: another one is another channel, or another day.
// Finds the first message on the way.
static bool one_session(struct capture *c, const struct input *in, const char *path,
                        struct error *err)
{
    struct feed_datagram first, d;
    c->first = UINT64_MAX;
    for (uint64_t i = 0; i < in->datagram_count; i++) {
        if (!c->protocol->parse(in->datagrams[i].payload, in->datagrams[i].len, &d))
            continue;
        if (i == 0)
            first = d;
        if (memcmp(first.session, d.session, SESSION_LEN) != 0)
            return error_set(err, EXIT_FAILED,
                             "%s: datagram %lu is of another session than the first; cut the "
                             "capture to one channel, for example with tcpdump -r FILE -w ONE udp "
                             "port N",
                             path, i + 1);
        if (d.kind == FEED_DATA && d.packet.sequence < c->first)
            c->first = d.packet.sequence;
    }
    return true;
}

// What the first datagram looks like, where none is of a feed that we read.
static void describe(const struct input *in, char *text, size_t room)
{
    const struct input_datagram *d = in->datagrams;
    struct iextp_header iex;
    text[0] = '\0';
    if (in->datagram_count == 0)
        return;
    if (iextp_parse(d->payload, d->len, &iex)) {
        snprintf(text, room, " (the first: IEX-TP with messages of protocol 0x%04x)", iex.protocol);
        return;
    }
    int at =
        snprintf(text, room, " (the first: %u bytes to %u.%u.%u.%u:%u,", d->len, d->dst_ip >> 24,
                 d->dst_ip >> 16 & 255, d->dst_ip >> 8 & 255, d->dst_ip & 255, d->dst_port);
    for (uint32_t i = 0; i < d->len && i < 8; i++)
        at += snprintf(text + at, room - (size_t)at, " %02x", d->payload[i]);
    snprintf(text + at, room - (size_t)at, "%s)", d->len > 8 ? " ..." : "");
}

bool capture_sort(struct capture *c, struct input *in, const char *path, struct error *err)
{
    const uint64_t found = in->datagram_count;
    uint64_t kept = 0;
    *c = (struct capture){.protocol = protocol_of(in)};
    if (c->protocol == NULL) {
        char first[128];
        describe(in, first, sizeof first);
        return error_set(err, EXIT_FAILED,
                         "%s: no market data in it: %lu datagrams that are neither ITCH 5.0 over "
                         "MoldUDP64 nor DEEP 1.0 over IEX-TP%s, %lu frames that are no UDP or are "
                         "cut%s%s; name a capture of one of these feeds",
                         path, found, first, in->other_frames, in->why[0] ? ", and then: " : "",
                         in->why);
    }
    for (uint64_t i = 0; i < found; i++)
        if (is_of(c->protocol, &in->datagrams[i]))
            in->datagrams[kept++] = in->datagrams[i];
    in->datagram_count = kept;
    c->foreign = found - kept;
    return one_session(c, in, path, err);
}
