#include "bench/exchange/channel.h"

#include "bench/exchange/random.h"
#include "dataplane/base/check.h"
#include "dataplane/base/hints.h"

void channel_close(struct channel *c)
{
    if (!c->open)
        return;
    uint32_t length = pack_close(&c->pack);
    store_commit(&c->store, length, c->pack.next - c->pack.count, (uint16_t)c->pack.count,
                 c->last_ns);
    c->open = false;
}

void channel_close_before(struct channel *c, uint64_t due_ns, uint64_t pack_ns)
{
    if (c->open && due_ns - c->open_ns > pack_ns)
        channel_close(c);
}

static bool packet_open(struct channel *c, uint64_t due_ns)
{
    uint8_t *payload = store_reserve(&c->store, c->pack.payload_max);
    if (!payload)
        return false;
    pack_open(&c->pack, payload);
    c->open = true;
    c->open_ns = due_ns;
    return true;
}

bool channel_add(struct channel *c, const struct source_item *item, uint64_t due_ns)
{
    if (!c->open && !packet_open(c, due_ns))
        return false;
    if (!pack_add(&c->pack, item->data, item->length)) {
        channel_close(c);
        if (!packet_open(c, due_ns))
            return false;
        MUST(pack_add(&c->pack, item->data,
                      item->length)); // its length was checked where it was read
    }
    c->last_ns = due_ns;
    return true;
}

bool channel_add_payload(struct channel *c, const struct source_item *item, uint64_t due_ns,
                         uint64_t sequence, uint32_t count)
{
    uint8_t *payload = store_reserve(&c->store, item->length);
    if (!payload)
        return false;
    memcpy(payload, item->data, item->length);
    store_commit(&c->store, item->length, sequence, (uint16_t)count, due_ns);
    return true;
}

static void picture_follow(struct channel *c, const struct store_packet *p)
{
    const uint8_t *payload = store_payload(&c->store, p), *message;
    uint32_t offset = PACK_HEADER;
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t length = pack_block(payload, &offset, &message);
        picture_prefetch(c->picture, message, length);
    }
    offset = PACK_HEADER;
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t length = pack_block(payload, &offset, &message);
        picture_apply(c->picture, message, length);
    }
}

void channel_offer(struct channel *c, uint64_t now_ns)
{
    const struct store_packet *p = channel_pending(c);
    uint64_t number = c->offered;
    bool lost = c->both_below &&
                random_mix(c->fault_seed + number * 0xd1342543de82ef95ull) >> 32 < c->both_below;
    bool everywhere = true;
    for (uint32_t i = 0; i < CHANNEL_LINES; i++)
        if (c->lines[i].used)
            everywhere &= line_offer(&c->lines[i], number, lost, now_ns);
    c->lost_both += everywhere;
    if (c->picture)
        picture_follow(c, p);
    c->offered++;
    c->messages += c->numbered ? p->count : 1;
    if (c->numbered)
        c->sent_next = p->sequence + p->count;
}
