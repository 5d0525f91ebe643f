// Orders of durable sessions, once more (desk_park.h). Of what still waited when the events end
// nobody knows whether it left: a machine that stops takes the word of it along. The exchange is
// asked, as for every order without an answer.
#include "dataplane/lane/desk_park.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_restore_parts.h"

static const char other[] = "the session's durability was another; it stays the same for a day";

static struct desk_park *park_of(const struct desk_restore *r, uint32_t session)
{
    return restore_session(r, session) ? r->desk->sessions[session].park : NULL;
}

static struct desk_parked *entry_at(struct desk_park *p, uint32_t place)
{
    return &p->queue[(p->first + place) & p->mask];
}

static bool entry_add(struct desk_restore *r, const struct event *e, const struct desk_parked *add)
{
    struct desk_park *p = park_of(r, e->decision.session);
    if (p->count > p->mask)
        return restore_refuse(r, e, "no place for it to wait; raise the session's park_orders");
    *entry_at(p, p->count++) = *add;
    r->desk->commits_wanted++;
    return true;
}

static void entry_done(struct desk *d, struct desk_park *p, struct desk_parked *e)
{
    e->kind = 0;
    while (p->count && entry_at(p, 0)->kind == 0) {
        p->first++;
        p->count--;
        d->commits_wanted--;
    }
}

// By the number of its decision, which another instance may have used too, and what it was.
static struct desk_parked *entry_find(struct desk_park *p, uint64_t decision, uint32_t ref,
                                      uint8_t kind)
{
    for (uint32_t i = 0; i < p->count; i++) {
        struct desk_parked *e = entry_at(p, i);
        if (e->kind && e->decision == decision && e->ref == ref && (uint8_t)e->kind == kind)
            return e;
    }
    return NULL;
}

static struct desk_parked entry_of(const struct desk_restore *r, const struct event *e,
                                   uint32_t index)
{
    const struct event_decision *c = &e->decision;
    return (struct desk_parked){.decision = e->sequence,
                                .order = index,
                                .generation = orders_at(&r->desk->orders, index)->generation,
                                .ref = c->ref,
                                .total = c->quantity,
                                .price = c->price,
                                .kind = (char)c->kind,
                                .side = (char)c->side};
}

bool restore_parks(const struct desk_restore *r, uint32_t session)
{
    return park_of(r, session) != NULL;
}

bool restore_park_enter(struct desk_restore *r, const struct event *e, uint32_t index)
{
    const struct desk_parked entry = entry_of(r, e, index);
    orders_at(&r->desk->orders, index)->flags |= ORDER_PARKED;
    return entry_add(r, e, &entry);
}

bool restore_park_change(struct desk_restore *r, const struct event *e, uint32_t index)
{
    struct order_table *t = &r->desk->orders;
    struct own_order *o = orders_at(t, index);
    struct desk_parked entry = entry_of(r, e, index);
    if (o->flags & ORDER_PARKED)
        return restore_refuse(r, e, "changes an order that waits");
    if (entry.kind == 'U') {
        if (entry.ref < t->sessions[o->session].next_ref || entry.ref >= t->refs_max)
            return restore_refuse(r, e, "reference %u is not the next", entry.ref);
        t->sessions[o->session].next_ref = entry.ref; // what the stream says moves it, too
        order_ref_use(t, o->session);
    } else {
        entry.price = o->price;
        entry.ref = t->sessions[o->session].next_ref;
    }
    o->flags |= ORDER_PARKED;
    o->change_total = entry.total;
    o->change_price = entry.price;
    return entry_add(r, e, &entry);
}

// What the exchange is told of it, or may have been.
static void leave(struct desk *d, const struct desk_parked *e)
{
    struct own_order *o = orders_at(&d->orders, e->order);
    o->flags &= (uint8_t)~ORDER_PARKED;
    if (e->kind == 'U')
        order_replace_begin(&d->orders, e->order, e->ref, e->total, e->price);
    if (e->kind == 'M')
        order_modify_begin(&d->orders, e->order, e->total, e->side);
    desk_hold(d, o);
    desk_show(d, o->position);
}

static bool still_there(const struct desk *d, const struct desk_parked *e)
{
    const struct own_order *o = orders_at(&d->orders, e->order);
    return o->generation == e->generation && o->flags & ORDER_PARKED && o->life != LIFE_DEAD;
}

bool restore_released(struct desk_restore *r, const struct event *ev)
{
    const struct event_order_released *e = &ev->order_released;
    struct desk *d = r->desk;
    struct desk_park *p = park_of(r, e->session);
    if (p == NULL)
        return restore_refuse(r, ev, "%s", other);
    struct desk_parked *entry = entry_find(p, e->decision, e->ref, e->kind);
    if (entry == NULL || !still_there(d, entry))
        return restore_refuse(r, ev, "order %u does not wait", e->ref);
    const struct desk_parked was = *entry;
    if (e->refusal != REFUSAL_NONE)
        return true; // NOT_SENT follows
    leave(d, &was);
    entry_done(d, p, entry);
    return true;
}

// It did not leave: told by ORDER, too, if the order is still there.
static void not_sent(struct desk *d, const struct event_order_sent *s, uint32_t index)
{
    struct own_order *o = orders_at(&d->orders, index);
    struct order_outcome out;
    if (s->kind == 'O' || o->waits & WAIT_CHANGE)
        order_found_out(&d->orders, index, ORDER_MESSAGE_NOT_SENT, &out);
    o->reason = o->life == LIFE_DEAD ? s->refusal : 0;
    desk_hold(d, o);
    desk_show(d, o->position);
}

bool restore_park_sent(struct desk_restore *r, const struct event *ev)
{
    const struct event_order_sent *s = &ev->order_sent;
    struct desk *d = r->desk;
    struct desk_park *p = park_of(r, s->session);
    struct desk_parked *entry = entry_find(p, s->decision, s->ref, s->kind);
    if (entry && ev->type == EVENT_ORDER_SENT)
        return restore_refuse(r, ev, "%s", other);
    if (entry) { // out of the queue
        const struct desk_parked was = *entry;
        const bool there = still_there(d, entry);
        entry_done(d, p, entry);
        if (!there)
            return true;
        orders_at(&d->orders, was.order)->flags &= (uint8_t)~ORDER_PARKED;
        not_sent(d, s, was.order);
        return true;
    }
    const uint32_t index = s->order < d->orders.capacity ? r->places[s->order] : OWN_NONE;
    if (index == OWN_NONE || orders_at(&d->orders, index)->generation == 0 ||
        orders_at(&d->orders, index)->session != s->session)
        return restore_refuse(r, ev, "order %u is not there", s->ref);
    if (ev->type == EVENT_ORDER_NOT_SENT) {
        not_sent(d, s, index);
        return true;
    }
    orders_at(&d->orders, index)->sent_tsc = ev->tsc;
    order_timer_start(&d->orders, index, ev->tsc);
    return true;
}

void restore_parks_end(struct desk_restore *r)
{
    struct desk *d = r->desk;
    for (uint32_t i = 0; i < d->session_count; i++) {
        struct desk_park *p = park_of(r, i);
        while (p && p->count) {
            struct desk_parked *entry = entry_at(p, 0);
            const struct desk_parked was = *entry;
            const bool there = still_there(d, entry);
            entry_done(d, p, entry);
            if (!there)
                continue;
            leave(d, &was);
            order_timer_start(&d->orders, was.order, d->lane->stamp);
        }
    }
}
