#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "bench/exchange/exchange.h"
#include "dataplane/base/bytes.h"

static enum feed_result source_over(struct exchange *x)
{
    x->source_over = true;
    memcpy(x->warning, x->source.warning, sizeof x->warning);
    for (uint32_t i = 0; i < x->options->channels; i++)
        channel_close(&x->channels[i]);
    return FEED_OVER;
}

// Odd locates go to the first channel, even ones to the second, what concerns no symbol to both.
enum feed_result feeder_route(struct exchange *x, const struct source_item *item, uint64_t due_ns)
{
    uint32_t channels = x->options->channels;
    uint16_t locate = item->length >= 3 ? be16_load(item->data + 1) : 0;
    uint64_t pack_ns = (uint64_t)x->options->pack_us * 1000;
    for (uint32_t i = 0; i < channels; i++) {
        channel_close_before(&x->channels[i], due_ns, pack_ns);
        bool here = channels == 1 || locate == 0 || (locate - 1u) % channels == i;
        if (here && !channel_add(&x->channels[i], item, due_ns))
            return FEED_STORE_FULL;
    }
    return FEED_MORE;
}

// A capture is MoldUDP64 when its first payload is; then only whole packets of that session in
// ascending order pass (source_order.c has put them so): captures may hold both lines, and what was
// captured twice need not be sent twice.
static enum feed_result payload_route(struct exchange *x, const struct source_item *item,
                                      uint64_t due_ns)
{
    struct channel *c = &x->channels[0];
    uint64_t sequence = 0;
    uint32_t count = 0;
    bool mold = pack_parse(item->data, item->length, &sequence, &count);
    if (x->items == 1) {
        c->numbered = x->payloads_numbered = mold;
        if (mold) {
            memcpy(c->pack.session, item->data, PACK_SESSION);
            c->pack.next = c->sent_next = sequence;
        }
    }
    if (x->payloads_numbered) {
        if (!mold || !count || sequence < c->pack.next ||
            memcmp(item->data, c->pack.session, PACK_SESSION) != 0) {
            x->skipped++;
            return FEED_MORE;
        }
        c->pack.next = sequence + count;
    }
    return channel_add_payload(c, item, due_ns, x->payloads_numbered ? sequence : 0,
                               x->payloads_numbered ? count : 0)
               ? FEED_MORE
               : FEED_STORE_FULL;
}

enum feed_result feeder_next(struct exchange *x, struct error *err)
{
    struct source_item item;
    enum source_result got = x->source.next(&x->source, &item, err);
    if (got == SOURCE_FAILED)
        return FEED_FAILED;
    if (got == SOURCE_END)
        return source_over(x);
    x->items++;
    uint64_t due_ns = pace_next(&x->pace, item.time_ns);
    if (x->source.kind == SOURCE_PAYLOADS)
        return payload_route(x, &item, due_ns);
    if (item.length + 2u + PACK_HEADER > x->options->payload_max)
        return error_set(
                   err, EXIT_FAILED,
                   "%s: message %llu has %u bytes, more than a packet holds; raise --payload-max",
                   x->options->source, (unsigned long long)x->items, item.length),
               FEED_FAILED;
    return feeder_route(x, &item, due_ns);
}

bool feeder_all(struct exchange *x, struct error *err)
{
    for (;;) {
        switch (feeder_next(x, err)) {
        case FEED_MORE: break;
        case FEED_OVER: return true;
        case FEED_FAILED: return false;
        case FEED_STORE_FULL:
            return error_set(
                err, EXIT_FAILED,
                "--mode saturate: %u MiB are full after %llu messages; raise --store-mib or lower "
                "--messages",
                x->options->store_mib, (unsigned long long)x->items - 1);
        }
    }
}

bool feeder_write(struct source *source, const char *path, uint64_t *messages, struct error *err)
{
    size_t length = strlen(path);
    bool gz = length > 3 && strcmp(path + length - 3, ".gz") == 0;
    errno = 0;
    gzFile file = gzopen(path, gz ? "wb6" : "wbT");
    if (!file)
        return error_set(err, EXIT_FAILED, "--write %s: %s", path,
                         strerror(errno ? errno : ENOMEM));
    gzbuffer(file, 1 << 18);
    struct source_item item;
    enum source_result got;
    bool written = true;
    *messages = 0;
    while (written && (got = source->next(source, &item, err)) == SOURCE_ITEM) {
        uint8_t head[2];
        be16_store(head, (uint16_t)item.length);
        written = gzwrite(file, head, 2) == 2 &&
                  gzwrite(file, item.data, item.length) == (int)item.length;
        ++*messages;
    }
    written &= gzclose(file) == Z_OK;
    if (written && got == SOURCE_END)
        return true;
    return error_set(err, EXIT_FAILED, "--write %s: %s", path, strerror(errno ? errno : EIO));
}
