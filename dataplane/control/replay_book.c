#include "dataplane/control/replay_book.h"

#include <string.h>

#include "dataplane/base/bytes.h"

static struct book_load *load_of(const struct dataplane *d, const struct replay_record *r,
                                 struct capture_answer *c)
{
    memcpy(c, r->payload, sizeof *c);
    return c->channel < CHANNELS_MAX && d->channels[c->channel]
               ? &d->channels[c->channel]->snapshot.load
               : NULL;
}

bool replay_book_put(struct dataplane *d, const struct replay_record *r)
{
    struct capture_answer c;
    struct book_load *load = load_of(d, r, &c);
    const uint8_t *bytes = r->payload + sizeof c;
    if (load == NULL || !load->channel->book_lent || (!c.loaded && !load->borrowed))
        return false;
    if (!load->borrowed)
        book_load_borrow(load);
    if (c.loaded)
        book_load_clear(load);
    for (uint32_t at = 0, len; at < r->header.value; at += len) {
        if (r->header.value - at < 2)
            return false;
        len = 2u + be16_load(bytes + at);
        if (len > r->header.value - at)
            return false;
        book_load_message(load, bytes + at, len);
    }
    return true;
}

bool replay_book_return(struct dataplane *d, const struct replay_record *r)
{
    struct capture_answer c;
    struct book_load *load = load_of(d, r, &c);
    if (load == NULL || !load->borrowed)
        return false;
    book_load_return(load);
    return true;
}
