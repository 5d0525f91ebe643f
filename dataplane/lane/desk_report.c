// Hot path. What exchanges say: to the order, then to exposure, position, record and owner.
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_route.h"

#include <string.h>

static void order_tell(struct desk *d, const struct own_order *o, uint32_t index,
                       const struct ouch_report *r, enum order_message message,
                       const struct order_outcome *out)
{
    struct event event = {.type = EVENT_ORDER};
    struct event_order *e = &event.order;
    e->client_id = o->client_id;
    e->exchange_ref = o->exchange_ref;
    e->match = out->match;
    e->order = index;
    e->ref = o->ref;
    e->did = (uint16_t)out->did;
    e->open = o->open;
    e->filled = o->filled;
    e->price = o->price;
    e->fill_shares = out->shares;
    e->fill_price = out->price;
    e->broken_shares = out->broken_shares;
    e->broken_price = out->broken_price;
    e->account = o->account;
    e->strategy = o->strategy;
    e->instrument = o->instrument;
    e->session = o->session;
    e->message = (uint8_t)message;
    e->life = o->life;
    e->waits = o->waits;
    e->side = (uint8_t)o->side;
    e->reason = r ? r->reason : o->reason;
    if (r) {
        e->exchange_ns = r->time_ns;
        e->match = order_report_number(r);
        e->sequence = (uint32_t)(d->sessions[o->session].session->next_sequence - 1);
        e->named = r->ref;
        e->liquidity = (uint8_t)r->liquidity;
        e->display = (uint8_t)r->display;
        e->letter = r->letter;
    }
    desk_publish(d, &event);
}

void desk_quarantine(struct desk *d, uint32_t instrument, bool on)
{
    _Atomic uint64_t *word = &d->board->quarantined[instrument / 64];
    const uint64_t bit = 1ull << instrument % 64;
    const uint64_t was = atomic_load_explicit(word, memory_order_relaxed);
    d->risk.symbols[instrument].quarantined = on;
    atomic_store_explicit(word, on ? was | bit : was & ~bit, memory_order_relaxed);
}

void desk_settle(struct desk *d, uint32_t index, const struct ouch_report *r,
                 enum order_message message, const struct order_outcome *out)
{
    struct own_order *o = orders_at(&d->orders, index);
    const struct exposure_owner owner = desk_burden(o);
    desk_book(d, &owner, out);
    d->count.fills += (out->did & DID_FILL) != 0;
    if (out->did & DID_UNCLAIMED) {
        desk_quarantine(d, o->instrument, true);
        d->count.unclaimed++;
    }
    if (UNLIKELY(message == ORDER_MESSAGE_NOT_SEEN && out->did & DID_END))
        d->count.refusals[REFUSAL_NOT_RECEIVED]++;
    desk_hold(d, o);
    desk_show(d, o->position);
    order_tell(d, o, index, r, message, out);
    const uint32_t route = d->routes ? desk_route_report(d, index, out) : ROUTE_NONE;
    if (d->told)
        d->told(d, index, out);
    if (UNLIKELY(route != ROUTE_NONE))
        desk_route_next(d, route);
    if (out->did & DO_ASK && d->sessions[o->session].session->frames.query.len > 0)
        d->sessions[o->session].session->wants_query = true;
    if (out->did & DO_CANCEL && o->life != LIFE_DEAD)
        desk_cancel_repeat(d, index);
}

// --- what is not ours to our knowledge ---

static uint32_t instrument_named(const struct desk *d, const char symbol[8])
{
    for (uint32_t i = 0; i < d->instrument_count; i++) // at most INSTRUMENTS_MAX, and very rare
        if (memcmp(d->instruments[i].symbol, symbol, 8) == 0)
            return i;
    return INSTRUMENT_NONE;
}

void desk_ref_spent(struct desk *d, uint32_t session, uint32_t ref)
{
    if (ref >= d->orders.sessions[session].next_ref && ref < d->orders.refs_max)
        d->orders.sessions[session].next_ref = ref + 1;
}

// A message that names no symbol stops the session's orders, one that does only its symbol.
static COLD void unclaimed(struct desk *d, uint32_t session, const struct ouch_report *r)
{
    const bool named = r->symbol[0] != 0;
    const uint32_t instrument = named ? instrument_named(d, r->symbol) : INSTRUMENT_NONE;
    struct event event = {.type = EVENT_UNCLAIMED};
    event.unclaimed.match = r->match;
    event.unclaimed.exchange_ns = r->time_ns;
    event.unclaimed.ref = r->ref;
    event.unclaimed.shares = r->quantity;
    event.unclaimed.price = r->price;
    event.unclaimed.sequence = (uint32_t)(d->sessions[session].session->next_sequence - 1);
    event.unclaimed.instrument = (uint16_t)instrument;
    event.unclaimed.session = (uint8_t)session;
    event.unclaimed.message = r->kind;
    memcpy(event.unclaimed.symbol, r->symbol, sizeof r->symbol);
    desk_publish(d, &event);
    d->count.unclaimed++;
    desk_ref_spent(d, session, r->ref);
    if (instrument != INSTRUMENT_NONE)
        desk_quarantine(d, instrument, true);
    else if (r->kind == REPORT_EXECUTED || r->kind == REPORT_BROKEN ||
             r->kind == REPORT_CORRECTED || named)
        session_halt(d->sessions[session].session);
}

// The stream tells of earlier runs. As long as nothing has been sent, what seemed its end may have
// been a pause.
static bool replays(const struct session *s)
{
    return s->state == SESSION_REPLAY || (s->state == SESSION_READY && s->count.sent == 0);
}

// An order that an earlier run of this program entered: the stream says all about it. It belongs to
// the session's house account and no strategy: it counts for the limits of firm, account, symbol
// and session.
static COLD bool adopt(struct desk *d, uint32_t session, const struct ouch_report *r)
{
    const uint32_t instrument = instrument_named(d, r->symbol);
    const uint16_t account = d->sessions[session].account;
    struct session *s = d->sessions[session].session;
    if (!replays(s) || instrument == INSTRUMENT_NONE || orders_full(&d->orders) ||
        r->ref < d->orders.sessions[session].next_ref)
        return false;
    const struct order_new new = {.ref = r->ref,
                                  .quantity = r->quantity,
                                  .price = r->price,
                                  .position = position_open(&d->risk, account, instrument),
                                  .account = account,
                                  .strategy = STRATEGY_NOBODY,
                                  .instrument = (uint16_t)instrument,
                                  .session = (uint8_t)session,
                                  .side = r->side,
                                  .time_in_force = '0',
                                  .display = r->display};
    if (new.position == POSITION_NONE)
        return false;
    const uint32_t index = orders_open(&d->orders, &new);
    if (index == OWN_NONE)
        return false;
    orders_at(&d->orders, index)->flags |= ORDER_ADOPTED;
    if (s->state == SESSION_READY)
        session_go_back(s, d->lane->stamp);
    return true;
}

// An adopted order was replaced by the run that entered it: the chain goes on under the new number.
static COLD void adopt_replace(struct desk *d, uint32_t index, const struct ouch_report *r)
{
    struct own_order *o = orders_at(&d->orders, index);
    if (o->flags & ORDER_ADOPTED && o->life == LIFE_LIVE && !(o->waits & WAIT_CHANGE))
        order_replace_begin(&d->orders, index, r->ref, r->quantity + o->filled + o->prevented,
                            r->price);
}

// The order's place has been taken again, but the execution is remembered.
static COLD bool late_break(struct desk *d, uint32_t session, const struct ouch_report *r)
{
    struct execution *e = execution_find(&d->orders, session, r->ref, r->match);
    if (e == NULL)
        return false;
    if (e->shares == 0 || e->early) {
        d->orders.duplicates++;
        return true;
    }
    const struct exposure_owner owner = {.position = e->position,
                                         .account = e->account,
                                         .strategy = e->strategy,
                                         .instrument = e->instrument,
                                         .session = e->session,
                                         .sells = e->sells};
    struct own_order gone = {.ref = r->ref,
                             .life = LIFE_DEAD,
                             .account = e->account,
                             .strategy = e->strategy,
                             .instrument = e->instrument,
                             .session = e->session,
                             .side = e->sells ? 'S' : 'B'};
    struct order_outcome out = {
        .did = DID_BREAK, .broken_shares = e->shares, .broken_price = e->price, .match = e->match};
    e->shares = 0;
    if (r->kind == REPORT_CORRECTED) {
        e->shares = out.shares = r->quantity;
        e->price = out.price = r->price;
        out.did |= DID_FILL;
    }
    desk_book(d, &owner, &out);
    desk_show(d, owner.position);
    order_tell(d, &gone, OWN_NONE, r, (enum order_message)r->kind, &out);
    return true;
}

// True: dealt with although there is no order of that reference.
static COLD bool without_order(struct desk *d, uint32_t session, const struct ouch_report *r,
                               uint32_t *index)
{
    struct order_session *os = &d->orders.sessions[session];
    struct session *s = d->sessions[session].session;
    const struct execution *known;
    switch (r->kind) {
    case REPORT_ACCEPTED:
    case REPORT_ACCEPTED_DEAD:
        if (!adopt(d, session, r))
            break;
        *index = orders_find(&d->orders, session, r->ref);
        return false;
    case REPORT_BROKEN:
    case REPORT_CORRECTED:
        if (late_break(d, session, r))
            return true;
        break;
    case REPORT_EXECUTED:
        known = execution_find(&d->orders, session, r->ref, r->match);
        if (known == NULL || known->early)
            break;
        d->orders.duplicates++;
        return true;
    case REPORT_REJECTED: // of an earlier run: the number is used up, nothing else
        if (!replays(s) || r->ref < os->next_ref)
            break;
        os->next_ref = r->ref + 1;
        if (s->state == SESSION_READY)
            session_go_back(s, d->lane->stamp);
        return true;
    default: break;
    }
    // Without an execution, about an order of ours that is long over: it can do no harm.
    const bool trades =
        r->kind == REPORT_EXECUTED || r->kind == REPORT_BROKEN || r->kind == REPORT_CORRECTED;
    if (!trades && r->ref < os->next_ref)
        d->orders.wrong++;
    else
        unclaimed(d, session, r);
    return true;
}

// Whatever else it says is about another order than ours.
static bool names_other(const struct desk *d, uint32_t index, const struct ouch_report *r)
{
    const uint16_t instrument = orders_at(&d->orders, index)->instrument;
    return r->symbol[0] != 0 &&
           memcmp(r->symbol, d->instruments[instrument].symbol, sizeof r->symbol) != 0;
}

void desk_report(struct desk *d, uint32_t session, const struct ouch_report *r)
{
    enum order_message message = (enum order_message)r->kind;
    struct order_outcome out;
    d->count.reports++;
    uint32_t index = orders_find(&d->orders, session, order_ref_of(r));
    if (UNLIKELY(index == OWN_NONE) && without_order(d, session, r, &index))
        return;
    if (UNLIKELY(names_other(d, index, r))) {
        message = ORDER_MESSAGE_OTHER_SYMBOL;
        order_found_out(&d->orders, index, message, &out);
    } else {
        if (UNLIKELY(r->kind == REPORT_REPLACED || r->kind == REPORT_REPLACED_DEAD))
            adopt_replace(d, index, r);
        order_report(&d->orders, index, r, &out);
    }
    desk_settle(d, index, r, message, &out);
}
