// What exchanges said, once more: the message is made from its event, and goes through the state
// machine that made the event.
#include <inttypes.h>
#include <string.h>

#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_restore_parts.h"

static void settle(struct desk_restore *r, uint32_t index, const struct order_outcome *out)
{
    struct desk *d = r->desk;
    struct own_order *o = orders_at(&d->orders, index);
    const struct exposure_owner owner = desk_burden(o);
    desk_book(d, &owner, out);
    r->fills += (out->did & DID_FILL) != 0;
    if (out->did & DID_UNCLAIMED)
        desk_quarantine(d, o->instrument, true);
    desk_hold(d, o);
    desk_show(d, o->position);
}

// The shares that the message must have had to leave what the event says is left.
static uint32_t quantity_of(const struct own_order *o, const struct event_order *e)
{
    const bool wrong = e->did & DID_WRONG;
    const uint32_t off = o->quantity - o->open;
    switch (e->message) {
    case REPORT_ACCEPTED: return wrong && !(e->did & DID_CHANGE) ? UINT32_MAX : e->open + off;
    case REPORT_REPLACED:
    case REPORT_MODIFIED: return e->open;
    case REPORT_EXECUTED: return e->did & DID_BREAK ? e->broken_shares : e->fill_shares;
    case REPORT_CORRECTED: return e->fill_shares;
    case REPORT_CANCELED: return (uint32_t)e->match;
    default: return 0;
    }
}

static void report_of(const struct own_order *o, const struct event_order *e, struct ouch_report *r)
{
    *r = (struct ouch_report){.time_ns = e->exchange_ns,
                              .exchange_ref = e->exchange_ref,
                              .match = e->message == REPORT_CANCELED ? 0 : e->match,
                              .ref = e->named,
                              .quantity = quantity_of(o, e),
                              .price = e->price,
                              .reason = (uint16_t)e->reason,
                              .kind = e->message,
                              .letter = e->letter,
                              .side = (char)e->side,
                              .display = (char)e->display,
                              .liquidity = (char)e->liquidity};
    if (e->message == REPORT_EXECUTED || e->message == REPORT_CORRECTED)
        r->price = e->did & DID_FILL ? e->fill_price : e->broken_price;
    if (e->message == REPORT_REPLACED || e->message == REPORT_REPLACED_DEAD)
        r->ref_was = e->did & DID_CHANGE ? o->ref : ~o->ref;
    // A contradiction about the side, not about the quantity. That of a replaced message is not
    // taken, so it may stand for every other one.
    const bool wrong = e->did & DID_WRONG;
    if (wrong && (e->message == REPORT_REPLACED ||
                  (e->message == REPORT_MODIFIED && e->open <= order_change_open(o))))
        r->side = side_sells(o->side) ? 'B' : 'S';
}

// An execution that was read behind its correction: its event says what it was corrected to, and
// the order's open shares what had been executed.
static void corrected_before(struct desk *d, const struct own_order *o, const struct event_order *e,
                             struct ouch_report *r)
{
    const bool next = o->waits & WAIT_REPLACE && e->named == o->change_ref;
    struct execution *x = execution_find(&d->orders, e->session, e->named, e->match);
    if (x == NULL || !x->early || (e->did & (DID_FILL | DID_BREAK)) != DID_FILL)
        return;
    x->shares = e->fill_shares;
    x->price = e->fill_price;
    if (next || e->named == o->ref)
        r->quantity = (next ? order_change_open(o) : o->open) - e->open;
}

// An order that the instance took over from the venue's stream: it belongs to nobody's decision.
static bool adopted(struct desk_restore *r, const struct event *ev, uint32_t *index)
{
    struct desk *d = r->desk;
    const struct event_order *e = &ev->order;
    const struct order_new new = {.ref = e->named,
                                  .quantity = e->open ? e->open : 1,
                                  .price = e->price,
                                  .position = position_open(&d->risk, e->account, e->instrument),
                                  .account = e->account,
                                  .strategy = e->strategy,
                                  .instrument = e->instrument,
                                  .session = e->session,
                                  .side = (char)e->side,
                                  .time_in_force = '0',
                                  .display = (char)e->display};
    if (new.position == POSITION_NONE || new.ref < d->orders.sessions[e->session].next_ref)
        return restore_refuse(r, ev, "order %u is not there", e->ref);
    *index = orders_open(&d->orders, &new);
    if (*index == OWN_NONE)
        return restore_refuse(r, ev, "no place for order %u; raise trading.orders", e->ref);
    orders_at(&d->orders, *index)->flags |= ORDER_ADOPTED;
    r->orders++;
    return true;
}

// An execution whose order's place was taken again.
static bool broken_late(struct desk_restore *r, const struct event *ev)
{
    struct desk *d = r->desk;
    const struct event_order *e = &ev->order;
    struct execution *x = execution_find(&d->orders, e->session, e->named, e->match);
    if (x == NULL || x->shares != e->broken_shares || x->price != e->broken_price)
        return restore_refuse(r, ev, "execution %" PRIu64 " is not remembered", e->match);
    const struct exposure_owner owner = {.position = x->position,
                                         .account = x->account,
                                         .strategy = x->strategy,
                                         .instrument = x->instrument,
                                         .session = x->session,
                                         .sells = x->sells};
    const struct order_outcome out = {.did = e->did,
                                      .shares = e->fill_shares,
                                      .price = e->fill_price,
                                      .broken_shares = e->broken_shares,
                                      .broken_price = e->broken_price};
    x->shares = e->did & DID_FILL ? e->fill_shares : 0;
    if (e->did & DID_FILL)
        x->price = e->fill_price;
    desk_book(d, &owner, &out);
    desk_show(d, owner.position);
    return true;
}

static bool same(const struct own_order *o, const struct event_order *e,
                 const struct order_outcome *out)
{
    return o->ref == e->ref && o->open == e->open && o->filled == e->filled &&
           o->price == e->price && o->life == e->life && o->waits == e->waits &&
           o->side == (char)e->side && out->did == e->did && out->shares == e->fill_shares &&
           out->price == e->fill_price && out->broken_shares == e->broken_shares &&
           out->broken_price == e->broken_price;
}

static void stream_read(struct desk_restore *r, uint32_t session, uint32_t sequence)
{
    uint64_t *last = &r->stream[session];
    if (sequence) // the low 32 bits of the next one that has them
        *last += (uint32_t)(sequence - (uint32_t)*last);
}

static void finding_apply(struct desk *d, uint32_t index, enum order_message message,
                          struct order_outcome *out)
{
    struct own_order *o = orders_at(&d->orders, index);
    if (message >= ORDER_MESSAGE_SEEN && message <= ORDER_MESSAGE_NO_QUERY)
        o->flags &= (uint8_t)~ORDER_ASKED;
    order_found_out(&d->orders, index, message, out);
}

static void report_apply(struct desk *d, uint32_t index, const struct event_order *e,
                         struct order_outcome *out)
{
    struct own_order *o = orders_at(&d->orders, index);
    struct ouch_report report;
    if (e->did == DID_DUPLICATE) {
        *out = (struct order_outcome){.did = DID_DUPLICATE};
        o->flags |= ORDER_QUARANTINED;
        d->orders.duplicates++;
        return;
    }
    const bool replaces = e->message == REPORT_REPLACED || e->message == REPORT_REPLACED_DEAD;
    if (replaces && o->flags & ORDER_ADOPTED && o->life == LIFE_LIVE && !(o->waits & WAIT_CHANGE))
        order_replace_begin(&d->orders, index, e->named, e->open + o->filled + o->prevented,
                            e->price);
    report_of(o, e, &report);
    if (e->message == REPORT_EXECUTED)
        corrected_before(d, o, e, &report);
    order_report(&d->orders, index, &report, out);
}

// The order by any of its references: after a replace the event has the new one.
static uint32_t order_of(const struct desk *d, const struct event_order *e)
{
    const uint32_t index = orders_find(&d->orders, e->session, e->ref);
    return index != OWN_NONE ? index : orders_find(&d->orders, e->session, e->named);
}

bool restore_told(struct desk_restore *r, const struct event *ev)
{
    struct desk *d = r->desk;
    const struct event_order *e = &ev->order;
    struct order_outcome out;
    if (!restore_session(r, e->session) || e->message >= ORDER_MESSAGES ||
        e->account >= ACCOUNTS_MAX || e->strategy >= STRATEGIES_MAX ||
        e->instrument >= d->instrument_count)
        return restore_refuse(r, ev, "names what the configuration does not have");
    stream_read(r, e->session, e->sequence);
    if (e->order == OWN_NONE)
        return broken_late(r, ev);
    uint32_t index = order_of(d, e);
    // Of a replace that no decision of ours asked for only the place names the order.
    if (index == OWN_NONE &&
        (e->message == REPORT_REPLACED || e->message == REPORT_REPLACED_DEAD) &&
        e->order < d->orders.capacity && orders_at(&d->orders, r->places[e->order])->generation)
        index = r->places[e->order];
    if (index == OWN_NONE && !adopted(r, ev, &index))
        return false;
    restore_place(r, e->order, index);
    // NOT_SENT came before it, and did what there was to do.
    const bool settled = e->message == ORDER_MESSAGE_NOT_SENT && restore_parks(r, e->session);
    if (settled)
        out = (struct order_outcome){.did = e->did & ~(uint32_t)(DID_FILL | DID_BREAK)};
    else if (e->message < REPORT_ORDER_KINDS)
        report_apply(d, index, e, &out);
    else
        finding_apply(d, index, (enum order_message)e->message, &out);
    const struct own_order *o = orders_at(&d->orders, index);
    if (!same(o, e, &out))
        return restore_refuse(
            r, ev,
            "order %u is %s with %u open and %u filled at %u, bits %x, where the journal "
            "says %s, %u, %u, %u, %x",
            e->ref, order_life_name((enum order_life)o->life), o->open, o->filled, o->price,
            out.did, order_life_name((enum order_life)e->life), e->open, e->filled, e->price,
            e->did);
    settle(r, index, &out);
    return true;
}

bool restore_unclaimed(struct desk_restore *r, const struct event *e)
{
    const struct event_unclaimed *u = &e->unclaimed;
    if (!restore_session(r, u->session))
        return restore_refuse(r, e, "session %u is not there", u->session);
    stream_read(r, u->session, u->sequence);
    desk_ref_spent(r->desk, u->session, u->ref);
    if (u->instrument < r->desk->instrument_count)
        desk_quarantine(r->desk, u->instrument, true);
    else if (u->message == REPORT_EXECUTED || u->message == REPORT_BROKEN ||
             u->message == REPORT_CORRECTED || u->symbol[0])
        session_halt(r->desk->sessions[u->session].session);
    return true;
}

bool restore_session_state(struct desk_restore *r, const struct event *e)
{
    const struct event_order_session *s = &e->order_session;
    static const uint8_t none[SOUPBIN_SESSION_LEN];
    if (!restore_session(r, s->session))
        return restore_refuse(r, e, "session %u is not there", s->session);
    r->desk->sessions[s->session].session->halted = s->halted;
    r->up[s->session] = s->now >= SESSION_REPLAY;
    r->queries[s->session] = s->queries;
    r->ended[s->session] = memcmp(s->id, none, sizeof none) == 0;
    if (!r->ended[s->session]) {
        memcpy(r->named[s->session], s->id, sizeof none);
        r->stream[s->session] = s->next_sequence ? s->next_sequence - 1 : 0;
    }
    return true;
}
