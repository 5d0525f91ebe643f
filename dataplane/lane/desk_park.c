// Hot path of durable sessions.
#include "dataplane/lane/desk_park.h"

#include "dataplane/base/check.h"
#include "dataplane/lane/desk_act.h"
#include "dataplane/lane/desk_decision.h"

// --- set-up ---

uint64_t desk_park_bytes(uint32_t orders)
{
    return sizeof(struct desk_park) + (uint64_t)orders * sizeof(struct desk_parked);
}

void desk_park_add(struct desk *d, uint32_t session, uint32_t orders, uint64_t wait_ticks,
                   void *memory)
{
    struct desk_park *p = memory;
    MUST(orders && (orders & (orders - 1)) == 0);
    *p = (struct desk_park){.mask = orders - 1, .wait_ticks = wait_ticks};
    d->sessions[session].park = p;
}

// --- the queue ---

static struct desk_parked *entry_at(struct desk_park *p, uint32_t place)
{
    return &p->queue[(p->first + place) & p->mask];
}

static void entry_add(struct desk *d, struct desk_park *p, const struct desk_parked *e)
{
    *entry_at(p, p->count++) = *e;
    d->commits_wanted++;
}

static struct desk_parked entry_take(struct desk *d, struct desk_park *p)
{
    const struct desk_parked e = *entry_at(p, 0);
    p->first++;
    p->count--;
    p->cancelled -= e.cancelled;
    d->commits_wanted--;
    return e;
}

enum refusal desk_park_may(const struct desk *d, uint32_t session)
{
    const struct desk_park *p = d->sessions[session].park;
    if (d->record_seen != RECORD_WRITTEN || p->stalled)
        return REFUSAL_NOT_DURABLE;
    return p->count > p->mask ? REFUSAL_PARK_FULL : REFUSAL_NONE;
}

uint32_t desk_park_next_ref(const struct desk *d, uint32_t session)
{
    struct desk_park *p = d->sessions[session].park;
    return p && p->count ? entry_at(p, 0)->ref : d->orders.sessions[session].next_ref;
}

// --- waiting ---

static bool decision_publish(struct desk *d, struct decision *c, uint32_t index)
{
    struct event_decision *e = &c->event.decision;
    e->order = index;
    e->encoded = e->gated; // there is no frame yet
    c->number = d->lane->trading.sequence;
    return desk_publish(d, &c->event);
}

static void not_sent_tell(struct desk *d, const struct desk_parked *e, uint32_t session,
                          enum refusal refusal)
{
    struct event event = {.type = EVENT_ORDER_NOT_SENT};
    event.order_sent.decision = e->decision;
    event.order_sent.order = e->order;
    event.order_sent.ref = e->ref;
    event.order_sent.session = (uint8_t)session;
    event.order_sent.kind = (uint8_t)e->kind;
    event.order_sent.refusal = (uint16_t)refusal;
    desk_publish(d, &event);
    d->count.not_sent++;
    d->count.refusals[refusal]++;
}

static struct desk_parked entry_of(const struct desk *d, const struct decision *c, uint32_t index)
{
    return (struct desk_parked){.decision = c->number,
                                .tail = d->lane->trading.tail,
                                .at = d->lane->stamp,
                                .order = index,
                                .generation = orders_at(&d->orders, index)->generation,
                                .ref = c->frame.ref,
                                .total = c->frame.quantity,
                                .price = c->frame.price,
                                .kind = (char)c->event.decision.kind,
                                .side = c->frame.side};
}

enum refusal desk_park_enter(struct desk *d, struct decision *c, uint32_t index)
{
    struct own_order *o = orders_at(&d->orders, index);
    const bool published = decision_publish(d, c, index);
    const struct desk_parked e = entry_of(d, c, index);
    struct order_outcome out;
    if (UNLIKELY(!published)) {
        not_sent_tell(d, &e, o->session, REFUSAL_EVENT_CREDIT);
        order_found_out(&d->orders, index, ORDER_MESSAGE_NOT_SENT, &out);
        desk_hold(d, o);
        order_ref_return(&d->orders, o->session, c->frame.ref);
        return REFUSAL_EVENT_CREDIT;
    }
    o->flags |= ORDER_PARKED;
    entry_add(d, d->sessions[o->session].park, &e);
    desk_show(d, o->position);
    return REFUSAL_NONE;
}

enum refusal desk_park_change(struct desk *d, struct decision *c, uint32_t index, uint32_t total,
                              uint32_t price)
{
    struct own_order *o = orders_at(&d->orders, index);
    const bool published = decision_publish(d, c, index);
    struct desk_parked e = entry_of(d, c, index);
    e.total = total;
    e.price = price;
    if (UNLIKELY(!published)) {
        not_sent_tell(d, &e, o->session, REFUSAL_EVENT_CREDIT);
        return REFUSAL_EVENT_CREDIT;
    }
    if (e.kind == 'U')
        order_ref_use(&d->orders, o->session);
    else
        e.ref = d->orders.sessions[o->session].next_ref;
    o->flags |= ORDER_PARKED;
    o->change_total = total;
    o->change_price = price;
    desk_hold(d, o);
    desk_show(d, o->position);
    entry_add(d, d->sessions[o->session].park, &e);
    return REFUSAL_NONE;
}

// --- taking back ---

static void cancel_mark(struct desk_park *p, uint32_t order, uint32_t generation)
{
    for (uint32_t i = 0; i < p->count; i++) { // at most the places of the queue
        struct desk_parked *e = entry_at(p, i);
        if (e->kind == 0 || e->cancelled || e->order != order || e->generation != generation)
            continue;
        e->cancelled = true;
        p->cancelled++;
    }
}

// Told in the next turn: whoever cancels may be in the middle of a call.
bool desk_park_cancel(struct desk *d, uint32_t order, uint32_t total)
{
    struct own_order *o = orders_at(&d->orders, order);
    struct desk_park *p = d->sessions[o->session].park;
    if (o->life != LIFE_PENDING) {
        cancel_mark(p, order, o->generation);
        return false;
    }
    if (!(o->waits & WAIT_CANCEL) || o->cancel_total > total)
        o->cancel_total = total;
    o->waits |= WAIT_CANCEL;
    if (o->cancel_total == 0)
        cancel_mark(p, order, o->generation);
    return true;
}

void desk_parks_sweep(struct desk *d)
{
    for (uint32_t i = 0; i < d->session_count; i++) {
        struct desk_park *p = d->sessions[i].park;
        for (uint32_t k = 0; p && k < p->count; k++) {
            struct desk_parked *e = entry_at(p, k);
            const struct own_order *o = orders_at(&d->orders, e->order);
            if (e->kind == 0 || e->cancelled || o->generation != e->generation ||
                !desk_killed(d, o))
                continue;
            e->cancelled = true;
            p->cancelled++;
        }
    }
}

// --- leaving the queue ---

static bool is_enter(const struct desk_parked *e)
{
    return e->kind == 'O';
}

static bool still_there(const struct own_order *o, const struct desk_parked *e)
{
    return o->generation == e->generation && o->flags & ORDER_PARKED && o->life != LIFE_DEAD;
}

// The order will not leave, or its change will not: whose it is, is told.
static void settle(struct desk *d, const struct desk_parked *e, enum refusal refusal)
{
    struct own_order *o = orders_at(&d->orders, e->order);
    struct order_outcome out = {.did = DID_CHANGE};
    if (is_enter(e))
        order_found_out(&d->orders, e->order, ORDER_MESSAGE_NOT_SENT, &out);
    o->reason = refusal;
    desk_settle(d, e->order, NULL, ORDER_MESSAGE_NOT_SENT, &out);
    if (o->generation == e->generation && o->life != LIFE_DEAD)
        o->reason = 0; // it is the change's, not the order's
}

static void drop(struct desk *d, const struct desk_parked *e, uint32_t session,
                 enum refusal refusal)
{
    struct own_order *o = orders_at(&d->orders, e->order);
    not_sent_tell(d, e, session, refusal);
    if (!still_there(o, e))
        return;
    o->flags &= (uint8_t)~ORDER_PARKED;
    settle(d, e, refusal);
}

// Whether the message still makes sense, whatever the gate says.
static enum refusal refused_by_order(const struct own_order *o, const struct desk_parked *e)
{
    const uint32_t gone = o->filled + o->prevented;
    if (e->cancelled)
        return REFUSAL_PARK_CANCELLED;
    if (!still_there(o, e) || o->life != (is_enter(e) ? LIFE_PENDING : LIFE_LIVE))
        return REFUSAL_ORDER_NOT_LIVE;
    if (is_enter(e))
        return REFUSAL_NONE;
    if (o->waits || o->flags & ORDER_CANCEL_QUEUED)
        return REFUSAL_ORDER_CHANGING;
    if (o->flags & ORDER_QUARANTINED)
        return REFUSAL_ORDER_QUARANTINED;
    return e->total <= gone || (e->kind == 'M' && e->total - gone > o->open)
               ? REFUSAL_REPLACE_QUANTITY
               : REFUSAL_NONE;
}

// What it reserves is given back first: it is compared with the limits like one that is new.
static void let_go(struct desk *d, struct own_order *o, const struct desk_parked *e)
{
    static const struct exposure none;
    const struct exposure was = {o->held_notional, o->held_shares, o->held_orders};
    const struct exposure_owner owner = desk_burden(o);
    o->flags &= (uint8_t)~ORDER_PARKED;
    if (!is_enter(e)) {
        desk_hold(d, o);
        return;
    }
    exposure_move(&d->risk, &owner, &was, &none);
    o->held_notional = o->held_shares = o->held_orders = 0;
}

static void decision_again(struct desk *d, struct decision *c, const struct own_order *o,
                           const struct desk_parked *e)
{
    memset(c, 0, sizeof *c);
    c->event.decision.kind = (uint8_t)e->kind;
    c->number = e->decision;
    c->frame.ref = e->kind == 'M' ? o->ref : e->ref;
    c->frame.ref_was = e->kind == 'U' ? o->ref : 0;
    c->frame.quantity = is_enter(e) ? o->quantity : e->total;
    c->frame.price = e->kind == 'U' ? e->price : o->price;
    c->frame.side = e->kind == 'M' ? e->side : o->side;
    c->gate.turns = c->frame.side != o->side;
    c->frame.time_in_force = o->time_in_force;
    c->frame.display = e->kind == 'U' && o->display == 'Z' ? 'Y' : o->display;
    c->frame.extras = e->kind == 'M' ? NULL : order_extras(&d->orders, e->order);
    if (e->kind == 'M' && order_extras(&d->orders, e->order) != NULL)
        gate_options(&c->gate, order_extras(&d->orders, e->order));
    memcpy(c->frame.symbol, d->instruments[o->instrument].symbol, sizeof c->frame.symbol);
    decision_describe(d, c, o->session, o->instrument, o->client_id);
    look_at_market(d, c, o->session, o->instrument);
    const uint32_t open = c->frame.quantity - o->filled - o->prevented;
    const uint64_t notional = (uint64_t)open * price_worst(c);
    c->gate.owner = desk_burden(o);
    c->gate.held = (struct exposure){o->held_notional, o->held_shares, o->held_orders};
    c->gate.worst = (struct exposure){notional > o->held_notional ? notional : o->held_notional,
                                      open > o->held_shares ? open : o->held_shares, 1};
}

// The order holds its exposure again.
static const struct frame_bytes *frame_make(struct desk *d, const struct decision *c,
                                            struct own_order *o, const struct desk_parked *e)
{
    struct frames *frames = &c->session->frames;
    if (e->kind == 'U')
        order_replace_begin(&d->orders, e->order, e->ref, e->total, e->price);
    if (e->kind == 'M')
        order_modify_begin(&d->orders, e->order, e->total, e->side);
    desk_hold(d, o);
    return e->kind == 'O'   ? frame_enter(frames, &c->frame)
           : e->kind == 'U' ? frame_replace(frames, &c->frame)
                            : frame_modify(frames, o->ref, e->side, e->total);
}

static bool released_tell(struct desk *d, const struct decision *c, const struct desk_parked *e,
                          const struct gate_verdict *v)
{
    struct event event = {.type = EVENT_ORDER_RELEASED};
    struct event_order_released *r = &event.order_released;
    r->decision = e->decision;
    r->parked = d->lane->stamp - e->at;
    r->value = v->value;
    r->limit = v->limit;
    r->order = e->order;
    r->ref = e->ref;
    r->limits_version = v->version;
    r->bid = c->event.decision.bid;
    r->ask = c->event.decision.ask;
    r->instrument = c->event.decision.instrument;
    r->refusal = v->refusal;
    r->session = c->event.decision.session;
    r->kind = (uint8_t)e->kind;
    r->scope = v->scope;
    r->quality = c->event.decision.quality;
    r->owner = v->owner;
    return desk_publish(d, &event);
}

static void sent(struct desk *d, const struct desk_parked *e)
{
    struct own_order *o = orders_at(&d->orders, e->order);
    o->sent_tsc = d->lane->stamp;
    order_timer_start(&d->orders, e->order, d->lane->stamp);
    d->count.approved++;
    desk_show(d, o->position);
    if (UNLIKELY(is_enter(e) && o->waits & WAIT_CANCEL)) // of a part, asked for meanwhile
        desk_cancel_repeat(d, e->order);
}

// Want of a lease is no breach of the limit: the lane's part of it has become smaller meanwhile.
static COLD void look_shared(struct desk *d, struct decision *c, const struct desk_parked *e,
                             struct gate_verdict *v)
{
    struct event_decision *said = &c->event.decision;
    said->account = c->gate.owner.account;
    said->scope = v->scope;
    said->value = v->value;
    said->limit = v->limit;
    v->refusal = (uint16_t)decision_shared(d, c, (enum refusal)v->refusal, e->at);
    v->limit = said->limit;
}

// What the second look has refused, as the first one would have.
static COLD struct event_decision refused_look(const struct decision *c,
                                               const struct gate_verdict *v)
{
    struct event_decision e = c->event.decision;
    e.value = v->value;
    e.limit = v->limit;
    e.limits_version = v->version;
    e.refusal = v->refusal;
    e.scope = v->scope;
    e.account = c->gate.owner.account;
    e.strategy = c->gate.owner.strategy;
    e.checks = v->owner ? CHECKS_OF_BROKER : 0;
    return e;
}

// Its record is durable: the market and the limits as they are now decide.
static void release(struct desk *d, const struct desk_parked *e, uint32_t session)
{
    struct own_order *o = orders_at(&d->orders, e->order);
    struct decision c;
    struct gate_verdict v;
    enum refusal refusal = refused_by_order(o, e);
    if (UNLIKELY(refusal != REFUSAL_NONE)) {
        drop(d, e, session, refusal);
        return;
    }
    let_go(d, o, e);
    decision_again(d, &c, o, e);
    gate_prepare(d, &c, FRAME_BYTES);
    const bool approved = gate_again(&d->risk, &c.gate, &v);
    if (UNLIKELY(!approved))
        look_shared(d, &c, e, &v);
    const bool told = released_tell(d, &c, e, &v);
    if (UNLIKELY(!approved || !told)) {
        refusal = approved ? REFUSAL_EVENT_CREDIT : (enum refusal)v.refusal;
        const struct event_decision look = refused_look(&c, &v);
        not_sent_tell(d, e, session, refusal);
        if (!approved)
            desk_refused_keep(d, &look); // whose it is, may ask when it is told
        settle(d, e, refusal);
        if (!approved)
            desk_act(d, &look, v.owner);
        return;
    }
    const struct frame_bytes *frame = frame_make(d, &c, o, e);
    refusal = decision_hand_over(d, &c, e->order, frame, e->kind);
    if (LIKELY(refusal == REFUSAL_NONE)) {
        sent(d, e);
        return;
    }
    d->count.not_sent++;
    d->count.refusals[refusal]++;
    if (!is_enter(e)) {
        struct order_outcome out;
        order_found_out(&d->orders, e->order, ORDER_MESSAGE_NOT_SENT, &out);
    }
    settle(d, e, refusal);
}

// --- turns ---

// Those that were taken back leave their place to be passed over; the exchange knows nothing of
// them.
static uint32_t cancelled_tell(struct desk *d, struct desk_park *p, uint32_t session)
{
    uint32_t told = 0;
    for (uint32_t i = 0; i < p->count && p->cancelled; i++) {
        struct desk_parked *place = entry_at(p, i);
        if (!place->cancelled)
            continue;
        const struct desk_parked e = *place;
        place->kind = 0;
        place->cancelled = false;
        p->cancelled--;
        d->lane->input++;
        drop(d, &e, session, REFUSAL_PARK_CANCELLED);
        told++;
    }
    return told;
}

// Why the first of the queue need not wait any longer; NONE: it waits, or it is covered.
static enum refusal given_up(const struct desk *d, const struct desk_park *p,
                             const struct desk_parked *e, uint32_t session, uint64_t now)
{
    if (d->record_seen != RECORD_WRITTEN)
        return REFUSAL_NOT_DURABLE;
    if (!session_may_enter(d->sessions[session].session))
        return REFUSAL_SESSION_DOWN;
    return now - e->at > p->wait_ticks && e->tail > d->committed ? REFUSAL_PARK_LATE : REFUSAL_NONE;
}

static void stall(struct desk *d, struct desk_park *p)
{
    d->commits_wanted += p->stalled == 0;
    p->stalled = p->count ? entry_at(p, p->count - 1)->tail : d->lane->trading.tail;
}

static uint32_t queue_turn(struct desk *d, uint32_t session, uint64_t now)
{
    struct desk_park *p = d->sessions[session].park;
    uint32_t work = p->cancelled ? cancelled_tell(d, p, session) : 0;
    if (UNLIKELY(p->stalled && p->stalled <= d->committed)) {
        p->stalled = 0;
        d->commits_wanted--;
        work++;
    }
    for (uint32_t n = 0; n < DESK_RELEASES_A_TURN && p->count; n++) {
        const struct desk_parked *first = entry_at(p, 0);
        const enum refusal refusal =
            first->kind ? given_up(d, p, first, session, now) : REFUSAL_NONE;
        if (first->kind && refusal == REFUSAL_NONE && first->tail > d->committed)
            break;
        if (UNLIKELY(refusal == REFUSAL_PARK_LATE))
            stall(d, p);
        const struct desk_parked e = entry_take(d, p);
        work++;
        if (e.kind == 0)
            continue;
        histogram_record(&d->lane->histograms->parked, now - e.at);
        if (UNLIKELY(refusal != REFUSAL_NONE)) {
            d->lane->input++;
            drop(d, &e, session, refusal);
        } else {
            desk_self_keep(d, e.order);
            release(d, &e, session);
            desk_self_let_go(d, e.order);
        }
    }
    return work;
}

// First how far the journal is, then whether that means anything (record.h): a control plane that
// does not sync says so before it commits.
static void commit_look(struct desk *d)
{
    const uint64_t committed = atomic_load_explicit(d->commit, memory_order_acquire);
    if (committed > d->committed && committed <= d->lane->trading.tail) {
        d->committed = committed;
        d->lane->input++;
    }
    desk_record_look(d);
}

uint32_t desk_park_turn(struct desk *d, uint64_t now)
{
    uint32_t work = 0;
    commit_look(d);
    for (uint32_t i = 0; i < d->session_count; i++)
        if (d->sessions[i].park)
            work += queue_turn(d, i, now);
    return work;
}
