#include "controlplane/dropcopy/ours.h"

#include <string.h>

// Bits of <did> in ORDER events (docs/abi.md: what the message did to the order).
enum { DID_DUPLICATE = 1 << 5 };

int drop_ours_session(const struct event *event)
{
    switch (event->type) {
    case EVENT_ORDER: return event->order.session;
    case EVENT_UNCLAIMED: return event->unclaimed.session;
    case EVENT_ORDER_SESSION: return event->order_session.session;
    default: return -1;
    }
}

// --- messages ---

// False: the stream was read up to here before.
static bool fresh(struct drop_heard *h, uint32_t sequence)
{
    if (sequence == 0 || sequence <= h->sequence)
        return false;
    h->sequence = sequence;
    return true;
}

static bool order_read(struct drop_ours *o, const struct drop_session *s, const struct event *event,
                       struct drop_item *item)
{
    const struct event_order *e = &event->order;
    item->what = drop_what(e->message);
    item->ref = e->named;
    item->match = item->what == 'C' ? 0 : e->match;
    if (!fresh(&o->heard[s->place], e->sequence) || item->what == 0 || e->did & DID_DUPLICATE)
        return false;
    if (item->what == 'E') {
        item->shares = e->fill_shares;
        item->price = e->fill_price;
        item->bare = e->fill_shares == 0;
    } else if (item->what == 'C') {
        item->shares = (uint32_t)e->match;
    } else {
        item->bare = true;
    }
    return true;
}

static bool unclaimed_read(struct drop_ours *o, const struct drop_session *s,
                           const struct event *event, struct drop_item *item)
{
    const struct event_unclaimed *e = &event->unclaimed;
    item->what = drop_what(e->message);
    item->ref = e->ref;
    item->match = e->match;
    if (!fresh(&o->heard[s->place], e->sequence) || item->what == 0)
        return false;
    item->bare = item->what != 'E' && item->what != 'C';
    item->shares = item->bare ? 0 : e->shares;
    item->price = item->what == 'E' ? e->price : 0;
    return true;
}

// A session that has no name yet is not another one. A stream that fell short says under numbers
// that were read before what was not.
static bool session_read(struct drop_heard *h, const struct event_order_session *e)
{
    static const uint8_t none[sizeof h->id];
    if (e->halted == SESSION_HALT_SHORT && e->next_sequence && e->next_sequence <= h->sequence)
        h->sequence = (uint32_t)e->next_sequence - 1;
    if (memcmp(e->id, none, sizeof none) == 0 || memcmp(e->id, h->id, sizeof h->id) == 0)
        return false;
    const bool again = memcmp(h->id, none, sizeof none) != 0;
    memcpy(h->id, e->id, sizeof h->id);
    if (again)
        h->sequence = 0;
    return again;
}

bool drop_ours_read(struct drop_ours *o, const struct drop_session *session,
                    const struct event *event, struct drop_item *item, bool *again)
{
    *again = false;
    if (session == NULL)
        return false;
    *item = (struct drop_item){.session = session->place};
    switch (event->type) {
    case EVENT_ORDER: return order_read(o, session, event, item);
    case EVENT_UNCLAIMED: return unclaimed_read(o, session, event, item);
    case EVENT_ORDER_SESSION:
        *again = session_read(&o->heard[session->place], &event->order_session);
        return false;
    default: return false;
    }
}
