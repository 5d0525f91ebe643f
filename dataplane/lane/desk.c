// Hot path. From what is asked for to the frame on the transmit ring.
#include "dataplane/lane/desk_act.h"
#include "dataplane/lane/desk_decision.h"
#include "dataplane/lane/desk_extras.h"
#include "dataplane/lane/desk_lease.h"
#include "dataplane/lane/desk_park.h"
#include "dataplane/lane/desk_route.h"
#include "dataplane/lane/desk_self.h"
#include "dataplane/lane/desk_warm.h"

// --- shared ---

bool desk_publish(struct desk *d, struct event *event)
{
    struct lane *lane = d->lane;
    event->tsc = lane->stamp;
    event->input = lane->input;
    struct event_writer *w = &lane->trading;
    if (LIKELY(event_write(w, event))) {
        // The slot after the next one: DECISION and SENT follow each other too closely to wait for.
        const uint8_t *slot = (const uint8_t *)&w->slots[(w->tail + 1) & w->mask];
        PREFETCHW(slot);
        PREFETCHW(slot + CACHE_LINE);
        lane->count->events++;
        return true;
    }
    lane->count->events_refused++;
    return false;
}

struct exposure_owner desk_burden(const struct own_order *o)
{
    return (struct exposure_owner){.position = o->position,
                                   .account = o->account,
                                   .strategy = o->strategy,
                                   .instrument = o->instrument,
                                   .session = o->session,
                                   .sells = side_sells(o->side)};
}

void desk_hold(struct desk *d, struct own_order *o)
{
    const struct order_worst worst = order_worst(o);
    const struct exposure was = {o->held_notional, o->held_shares, o->held_orders};
    const struct exposure now = {worst.notional, worst.shares, worst.orders};
    const struct exposure_owner owner = desk_burden(o);
    exposure_move(&d->risk, &owner, &was, &now);
    o->held_notional = now.notional;
    o->held_shares = now.shares;
    o->held_orders = now.orders;
    if (UNLIKELY(d->self != NULL) && !desk_practises(d))
        desk_self_follow(d, (uint32_t)(o - d->orders.orders));
}

// --- one decision ---

HOT_INLINE void decision_begin(struct desk *d, struct decision *c, const struct desk_owner *who,
                               char kind)
{
    memset(&c->event, 0, sizeof c->event);
    memset(&c->frame, 0, sizeof c->frame);
    memset(&c->gate, 0, sizeof c->gate);
    c->started = d->lane->now(d->lane->clock);
    c->event.type = EVENT_DECISION;
    c->event.decision.started =
        c->started - d->lane->stamp < UINT32_MAX ? (uint32_t)(c->started - d->lane->stamp) : 0;
    c->event.decision.kind = (uint8_t)kind;
    c->event.decision.account = who->account;
    c->event.decision.strategy = who->strategy;
    c->event.decision.order = OWN_NONE;
    c->self.said = false;
    c->positions = d->risk.position_count;
}

// Practice asks for nothing: its own ring of events gives it away.
COLD enum refusal decision_shared(struct desk *d, struct decision *c, enum refusal refusal,
                                  uint64_t at)
{
    struct event_decision *e = &c->event.decision;
    const bool shared = refusal == REFUSAL_OPEN_ORDERS || refusal == REFUSAL_OPEN_NOTIONAL;
    if (d->leases == NULL || desk_practises(d) || !shared ||
        !desk_lease_short(d, refusal, e->scope, e->account, e->value, &e->limit))
        return refusal;
    prior_forget(&d->risk, &c->gate, at);
    return refusal == REFUSAL_OPEN_ORDERS ? REFUSAL_LEASE : REFUSAL_LEASE_NOTIONAL;
}

static COLD enum refusal decision_refuse(struct desk *d, struct decision *c, enum refusal refusal)
{
    refusal = decision_shared(d, c, refusal, c->gate.now);
    if (d->risk.position_count != c->positions)
        position_close(&d->risk, c->gate.owner.position);
    if (d->self)
        desk_self_refused(d, &c->self, refusal == REFUSAL_SELF_TRADE);
    c->event.decision.refusal = (uint16_t)refusal;
    d->count.refused++;
    d->count.refusals[refusal]++;
    desk_publish(d, &c->event);
    if (desk_practises(d))
        return refusal;
    desk_act(d, &c->event.decision, (c->event.decision.checks & CHECKS_OF_BROKER) != 0);
    desk_refused_keep(d, &c->event.decision);
    return refusal;
}

// Before the gate.
static COLD enum refusal refuse_early(struct desk *d, struct decision *c, enum refusal refusal)
{
    struct event_decision *e = &c->event.decision;
    const bool nowhere = refusal == REFUSAL_UNKNOWN_ACCOUNT || refusal == REFUSAL_UNKNOWN_SYMBOL ||
                         refusal == REFUSAL_UNKNOWN_ORDER;
    e->refusal = (uint16_t)refusal;
    if (!nowhere)
        desk_refused_charge(d, e);
    return decision_refuse(d, c, (enum refusal)e->refusal);
}

// Would the order meet one of the same account or firm? <order>: which it changes.
static COLD void self_look(struct desk *d, struct decision *c, uint32_t order)
{
    const uint32_t reach = c->frame.extras ? ouch_extras_reach(c->frame.extras) : 0;
    const uint32_t price = c->frame.price;
    const bool sells = side_sells(c->frame.side);
    if (desk_practises(d))
        return;
    c->self = (struct self_found){.sells = sells,
                                  .account = c->gate.owner.account,
                                  .instrument = c->gate.owner.instrument,
                                  .session = c->gate.owner.session,
                                  .asked = c->frame.quantity,
                                  .price = reach == 0                                ? price
                                           : (sells ? reach < price : reach > price) ? reach
                                                                                     : price,
                                  .order = order};
    desk_self_look(d, &c->self);
    c->gate.self_scope = c->self.scope;
    c->gate.self_met = desk_self_refuses(&c->self) ? c->self.met : 0;
    c->frame.quantity = desk_self_quantity(&c->self);
    c->event.decision.quantity = c->frame.quantity;
}

// What an approved order would meet is out of its way.
static COLD bool self_cleared(struct desk *d, struct decision *c)
{
    struct event_decision *e = &c->event.decision;
    if (!c->self.said || c->self.count == 0)
        return true;
    if (desk_self_clear(d, &c->self) && session_free(c->session, FRAME_BYTES))
        return true;
    e->checks = (e->checks & CHECKS_OF_MARKET) | refusal_passed(REFUSAL_SELF_TRADE);
    e->scope = c->self.scope;
    e->value = c->self.price;
    e->limit = c->self.met;
    c->self.count = 0; // it is dealt with
    return false;
}

// The gate itself. True: approved.
HOT_INLINE bool decision_gate(struct desk *d, struct decision *c, uint32_t frame_len)
{
    struct event_decision *e = &c->event.decision;
    struct gate_verdict verdict;
    gate_prepare(d, c, frame_len);
    const bool approved = gate(&d->risk, &c->gate, &verdict);
    e->limits_version = verdict.version;
    e->refusal = verdict.refusal;
    e->gated = ticks_since(d, d->lane->stamp);
    e->checks |= LIKELY(approved) ? refusal_checks()
                                  : refusal_passed(verdict.refusal) |
                                        (verdict.owner == LIMIT_OF_BROKER ? CHECKS_OF_BROKER : 0);
    e->scope = verdict.scope;
    e->value = verdict.value;
    e->limit = verdict.limit;
    return approved;
}

// The frame is ready and the order holds its exposure: publish, hand over, publish. A record that
// finds no room keeps the frame here.
HOT_INLINE enum refusal decision_send(struct desk *d, struct decision *c, uint32_t index,
                                      const struct frame_bytes *frame, char letter)
{
    struct event_decision *e = &c->event.decision;
    e->order = index;
    e->encoded = ticks_since(d, d->lane->stamp);
    c->number = d->lane->trading.sequence;
    if (LIKELY(desk_publish(d, &c->event)))
        return decision_hand_over(d, c, index, frame, letter);
    sent_tell(d, c, index, letter, REFUSAL_EVENT_CREDIT);
    return REFUSAL_EVENT_CREDIT;
}

static COLD enum refusal decision_undo(struct desk *d, const struct decision *c, uint32_t index,
                                       enum refusal refusal)
{
    struct order_outcome out;
    struct own_order *o = orders_at(&d->orders, index);
    order_found_out(&d->orders, index, ORDER_MESSAGE_NOT_SENT, &out);
    desk_hold(d, o);
    if (c->event.decision.kind != 'M')
        order_ref_return(&d->orders, o->session, c->frame.ref);
    desk_show(d, o->position);
    d->count.not_sent++;
    d->count.refusals[refusal]++;
    if (out.did & DO_CANCEL)
        desk_cancel_repeat(d, index);
    d->refused.refusal = REFUSAL_NONE; // the gate had compared nothing that it refused for
    return refusal;
}

HOT_INLINE enum refusal decision_sent(struct desk *d, uint32_t index)
{
    struct own_order *o = orders_at(&d->orders, index);
    o->sent_tsc = d->lane->stamp;
    order_timer_start(&d->orders, index, d->lane->stamp);
    d->count.approved++;
    desk_show(d, o->position);
    return REFUSAL_NONE;
}

// --- a new order ---

// What stands before the gate: places, numbers, and letters that the session does not have.
HOT_INLINE enum refusal enter_prepare(struct desk *d, struct decision *c,
                                      const struct desk_owner *who, const struct desk_order *ask)
{
    if (UNLIKELY(ask->session >= d->session_count || who->account >= ACCOUNTS_MAX ||
                 who->strategy >= STRATEGIES_MAX || !d->sessions[ask->session].session))
        return REFUSAL_UNKNOWN_ACCOUNT;
    if (UNLIKELY(ask->instrument >= d->instrument_count))
        return REFUSAL_UNKNOWN_SYMBOL;
    c->frame.ref = orders_next_ref(&d->orders, ask->session);
    c->frame.quantity = ask->quantity;
    c->frame.price = ask->price;
    c->frame.side = ask->side;
    c->frame.time_in_force = ask->time_in_force;
    c->frame.display = ask->display;
    c->frame.extras = ask->extras;
    memcpy(c->frame.symbol, d->instruments[ask->instrument].symbol, sizeof c->frame.symbol);
    decision_describe(d, c, ask->session, ask->instrument, ask->client_id);
    if (UNLIKELY(!frames_can(&c->session->frames, &c->frame)))
        return REFUSAL_ORDER_FIELD;
    if (UNLIKELY(c->frame.ref == 0))
        return REFUSAL_REFERENCES_USED;
    if (UNLIKELY(orders_full(&d->orders)))
        return REFUSAL_ORDER_TABLE_FULL;
    const uint32_t position = position_open(&d->risk, who->account, ask->instrument);
    if (UNLIKELY(position == POSITION_NONE))
        return REFUSAL_POSITION_TABLE_FULL;
    c->gate.owner = (struct exposure_owner){.position = position,
                                            .account = who->account,
                                            .strategy = who->strategy,
                                            .instrument = ask->instrument,
                                            .session = ask->session,
                                            .sells = side_sells(ask->side)};
    return REFUSAL_NONE;
}

// A market order becomes immediate or cancel at the furthest price that passes, or is refused. One
// with options would be another order then.
static COLD void market_convert(struct desk *d, struct decision *c)
{
    struct frame_order *f = &c->frame;
    uint32_t low, high;
    c->gate.now = d->lane->stamp;
    desk_luld_band(d, &c->gate, &low, &high);
    const uint32_t price = gate_furthest(&d->risk, &c->gate, low, high);
    const bool takes = d->limits->accounts[c->gate.owner.account].owner.market == MARKET_CONVERTED;
    f->time_in_force = '3';
    if (!takes || f->extras != NULL || price == 0 || !frames_can(&c->session->frames, f)) {
        c->gate.market = true;
        return;
    }
    c->event.decision.checks = CHECKS_OF_MARKET;
    c->event.decision.time_in_force = (uint8_t)f->time_in_force;
    c->event.decision.price = f->price = price;
}

enum refusal desk_enter(struct desk *d, const struct desk_owner *who, const struct desk_order *ask,
                        uint32_t *order)
{
    struct decision c;
    decision_begin(d, &c, who, 'O');
    enum refusal refusal = enter_prepare(d, &c, who, ask);
    if (UNLIKELY(c.frame.extras != NULL))
        desk_extras_publish(d, who, &c.event, c.frame.extras);
    struct desk_park *park =
        LIKELY(refusal == REFUSAL_NONE) ? d->sessions[ask->session].park : NULL;
    if (UNLIKELY(park != NULL))
        refusal = desk_park_may(d, ask->session);
    if (UNLIKELY(refusal != REFUSAL_NONE))
        return refuse_early(d, &c, refusal);
    look_at_market(d, &c, ask->session, ask->instrument);
    if (UNLIKELY(ask->price == OUCH50_PRICE_MARKET))
        market_convert(d, &c);
    if (UNLIKELY(d->self != NULL))
        self_look(d, &c, OWN_NONE);
    const uint32_t quantity = c.frame.quantity;
    c.gate.held = (struct exposure){0};
    c.gate.worst = (struct exposure){(uint64_t)quantity * price_worst(&c), quantity, 1};
    if (UNLIKELY(!decision_gate(d, &c, FRAME_BYTES)))
        return decision_refuse(d, &c, c.event.decision.refusal);
    if (UNLIKELY(d->self != NULL) && !self_cleared(d, &c))
        return decision_refuse(d, &c, REFUSAL_SELF_TRADE);
    const struct order_new new = {.client_id = ask->client_id,
                                  .ref = c.frame.ref,
                                  .quantity = quantity,
                                  .price = c.frame.price,
                                  .position = c.gate.owner.position,
                                  .account = who->account,
                                  .strategy = who->strategy,
                                  .instrument = ask->instrument,
                                  .session = ask->session,
                                  .side = ask->side,
                                  .time_in_force = c.frame.time_in_force,
                                  .display = ask->display};
    const uint32_t index = orders_open(&d->orders, &new);
    if (UNLIKELY(index == OWN_NONE))
        return decision_refuse(d, &c, REFUSAL_ORDER_TABLE_FULL);
    if (UNLIKELY(ask->extras != NULL))
        order_extras_set(&d->orders, index, ask->extras);
    desk_hold(d, orders_at(&d->orders, index));
    *order = index;
    if (UNLIKELY(park != NULL))
        return desk_park_enter(d, &c, index);
    const struct frame_bytes *frame = frame_enter(&c.session->frames, &c.frame);
    refusal = decision_send(d, &c, index, frame, 'O');
    return LIKELY(refusal == REFUSAL_NONE) ? decision_sent(d, index)
                                           : decision_undo(d, &c, index, refusal);
}

// --- changes ---

struct own_order *desk_order_of(struct desk *d, const struct desk_owner *who, uint32_t order)
{
    if (UNLIKELY(order >= d->orders.capacity))
        return NULL;
    struct own_order *o = orders_at(&d->orders, order);
    // What an adopted order asked for is not known: nobody can say it again in a replace.
    const bool own =
        o->account == who->account && o->strategy == who->strategy && !(o->flags & ORDER_ADOPTED);
    return LIKELY(own && o->generation > 0) ? o : NULL;
}

HOT_INLINE enum refusal change_prepare(struct desk *d, struct decision *c, struct own_order *o,
                                       uint32_t total)
{
    if (UNLIKELY(o == NULL))
        return REFUSAL_UNKNOWN_ORDER;
    c->frame.quantity = total;
    decision_describe(d, c, o->session, o->instrument, o->client_id);
    if (UNLIKELY(o->life != LIFE_LIVE))
        return REFUSAL_ORDER_NOT_LIVE;
    if (UNLIKELY(o->waits || o->flags & (ORDER_CANCEL_QUEUED | ORDER_PARKED)))
        return REFUSAL_ORDER_CHANGING;
    if (UNLIKELY(o->flags & ORDER_QUARANTINED))
        return REFUSAL_ORDER_QUARANTINED;
    if (UNLIKELY(total <= o->filled + o->prevented))
        return REFUSAL_REPLACE_QUANTITY;
    if (UNLIKELY(d->sessions[o->session].park != NULL)) {
        const enum refusal refusal = desk_park_may(d, o->session);
        if (refusal != REFUSAL_NONE)
            return refusal;
    }
    c->gate.owner = desk_burden(o);
    c->gate.held = (struct exposure){o->held_notional, o->held_shares, o->held_orders};
    const uint32_t open = total - o->filled - o->prevented;
    const uint64_t notional = (uint64_t)open * price_worst(c);
    c->gate.worst = (struct exposure){
        notional > o->held_notional ? notional : o->held_notional,
        open > o->held_shares ? open : o->held_shares,
        1,
    };
    return REFUSAL_NONE;
}

enum refusal desk_replace(struct desk *d, const struct desk_owner *who, uint32_t order,
                          uint32_t total, uint32_t price)
{
    struct decision c;
    struct own_order *o = desk_order_of(d, who, order);
    decision_begin(d, &c, who, 'U');
    if (LIKELY(o != NULL)) {
        c.frame.ref = orders_next_ref(&d->orders, o->session);
        c.frame.ref_was = o->ref;
        c.frame.side = o->side;
        c.frame.time_in_force = o->time_in_force;
        c.frame.display = o->display == 'Z' ? 'Y' : o->display;
        c.frame.price = price;
        c.frame.extras = order_extras(&d->orders, order);
    }
    enum refusal refusal = change_prepare(d, &c, o, total);
    if (LIKELY(refusal == REFUSAL_NONE) && UNLIKELY(c.frame.ref == 0))
        refusal = REFUSAL_REFERENCES_USED;
    if (LIKELY(refusal == REFUSAL_NONE) && UNLIKELY(orders_executed_full(&d->orders)))
        refusal = REFUSAL_ORDER_TABLE_FULL;
    if (LIKELY(refusal == REFUSAL_NONE) && UNLIKELY(!frames_can(&c.session->frames, &c.frame)))
        refusal = REFUSAL_ORDER_FIELD;
    if (UNLIKELY(refusal != REFUSAL_NONE))
        return refuse_early(d, &c, refusal);
    if (UNLIKELY(c.frame.extras != NULL))
        desk_extras_publish(d, who, &c.event, c.frame.extras);
    look_at_market(d, &c, o->session, o->instrument);
    if (UNLIKELY(d->self != NULL))
        self_look(d, &c, order);
    if (UNLIKELY(!decision_gate(d, &c, FRAME_BYTES)))
        return decision_refuse(d, &c, c.event.decision.refusal);
    if (UNLIKELY(d->self != NULL) && !self_cleared(d, &c))
        return decision_refuse(d, &c, REFUSAL_SELF_TRADE);
    if (UNLIKELY(d->sessions[o->session].park != NULL))
        return desk_park_change(d, &c, order, total, price);
    order_replace_begin(&d->orders, order, c.frame.ref, total, price);
    desk_hold(d, o);
    const struct frame_bytes *frame = frame_replace(&c.session->frames, &c.frame);
    refusal = decision_send(d, &c, order, frame, 'U');
    return LIKELY(refusal == REFUSAL_NONE) ? decision_sent(d, order)
                                           : decision_undo(d, &c, order, refusal);
}

enum refusal desk_modify(struct desk *d, const struct desk_owner *who, uint32_t order,
                         uint32_t total, char side)
{
    struct decision c;
    struct own_order *o = desk_order_of(d, who, order);
    decision_begin(d, &c, who, 'M');
    if (LIKELY(o != NULL)) {
        c.frame.ref = o->ref;
        c.frame.side = side;
        c.gate.turns = side != o->side;
        c.frame.price = o->price;
        c.frame.time_in_force = o->time_in_force;
        c.frame.display = o->display;
        const struct ouch_extras *extras = order_extras(&d->orders, order);
        if (UNLIKELY(extras != NULL))
            gate_options(&c.gate, extras);
    }
    enum refusal refusal = change_prepare(d, &c, o, total);
    if (LIKELY(refusal == REFUSAL_NONE) &&
        UNLIKELY(!frames_can_turn(&c.session->frames, o->side, side)))
        refusal = REFUSAL_ORDER_FIELD;
    // A modify has no number of its own: after a lost connection nobody can tell whether it
    // arrived. One that never makes an order larger cannot leave more at the exchange than is
    // reserved here.
    if (LIKELY(refusal == REFUSAL_NONE) && UNLIKELY(total - o->filled - o->prevented > o->open))
        refusal = REFUSAL_REPLACE_QUANTITY;
    if (UNLIKELY(refusal != REFUSAL_NONE))
        return refuse_early(d, &c, refusal);
    look_at_market(d, &c, o->session, o->instrument);
    if (UNLIKELY(!decision_gate(d, &c, FRAME_BYTES)))
        return decision_refuse(d, &c, c.event.decision.refusal);
    if (UNLIKELY(d->sessions[o->session].park != NULL))
        return desk_park_change(d, &c, order, total, o->price);
    order_modify_begin(&d->orders, order, total, side);
    desk_hold(d, o);
    const struct frame_bytes *frame = frame_modify(&c.session->frames, o->ref, side, total);
    refusal = decision_send(d, &c, order, frame, 'M');
    return LIKELY(refusal == REFUSAL_NONE) ? decision_sent(d, order)
                                           : decision_undo(d, &c, order, refusal);
}

// --- cancels ---

static void cancel_tell(struct desk *d, uint16_t type, uint32_t order, uint32_t ref, uint32_t total)
{
    const struct own_order *o = orders_at(&d->orders, order);
    struct event event = {.type = type};
    event.cancel_sent.order = order;
    event.cancel_sent.ref = ref;
    event.cancel_sent.total = total;
    event.cancel_sent.waiting = d->orders.sessions[o->session].cancel_count;
    event.cancel_sent.session = o->session;
    event.cancel_sent.cancels = o->cancels;
    desk_publish(d, &event);
}

// Once for every cancel, however often it is asked for meanwhile.
void desk_cancel_wait(struct desk *d, uint32_t order, uint32_t total)
{
    struct own_order *o = orders_at(&d->orders, order);
    if (o->flags & ORDER_CANCEL_QUEUED && o->cancel_total == total)
        return;
    order_cancel_enqueue(&d->orders, order, total);
    cancel_tell(d, EVENT_CANCEL_WAITS, order, o->ref, total);
}

// Leaves, or waits until the session's window lets it go.
static void cancel_now(struct desk *d, uint32_t order, uint32_t total)
{
    const struct own_order *o = orders_at(&d->orders, order);
    struct session *s = d->sessions[o->session].session;
    const uint32_t ref = order_cancel_ref(o);
    const struct frame_bytes *frame = frame_cancel(&s->frames, ref, total);
    if (UNLIKELY(!session_send_cancel(s, frame, d->lane->stamp))) {
        desk_cancel_wait(d, order, total);
        return;
    }
    gate_cancel(&d->risk, o->session, d->lane->stamp);
    order_cancel_begin(&d->orders, order, total);
    order_timer_start(&d->orders, order, d->lane->stamp);
    cancel_tell(d, EVENT_CANCEL_SENT, order, ref, total);
}

// One that leaves no more is at the exchange, or on its way there, and the timer repeats it.
// Another passes when somebody asks: after as many as the timer may, and after an answer that was
// none yet (Cancel Pending).
static bool cancel_said(const struct own_order *o, uint32_t total)
{
    const bool repeats =
        o->flags & ORDER_TIMED || (o->cancels > 0 && o->cancels < ORDER_CANCELS_MAX);
    return o->waits & WAIT_CANCEL && !(o->flags & ORDER_CANCEL_QUEUED) &&
           o->cancel_total <= total && repeats;
}

static enum refusal cancel(struct desk *d, uint32_t order, uint32_t total, bool repeats)
{
    const struct own_order *o = orders_at(&d->orders, order);
    if (UNLIKELY(o->life == LIFE_DEAD))
        return REFUSAL_ORDER_NOT_LIVE;
    if (UNLIKELY(d->routes != NULL))
        desk_route_taken_back(d, order);
    if (UNLIKELY(o->flags & ORDER_PARKED) && desk_park_cancel(d, order, total))
        return REFUSAL_NONE;
    if (!repeats && cancel_said(o, total))
        return REFUSAL_NONE;
    // One that is on its way, or waits, is not weakened.
    if ((o->waits & WAIT_CANCEL || o->flags & ORDER_CANCEL_QUEUED) && o->cancel_total < total)
        total = o->cancel_total;
    // One that waits leaves in its turn: past the others it would leave twice.
    if (o->flags & ORDER_CANCEL_QUEUED ||
        (desk_cancels_paced(d, o->session) &&
         (d->orders.sessions[o->session].cancel_count > 0 ||
          !gate_cancel_due(&d->risk, o->session, d->lane->stamp)))) {
        desk_cancel_wait(d, order, total);
        return REFUSAL_NONE;
    }
    cancel_now(d, order, total);
    return REFUSAL_NONE;
}

enum refusal desk_cancel(struct desk *d, uint32_t order, uint32_t total)
{
    return cancel(d, order, total, false);
}

void desk_cancel_repeat(struct desk *d, uint32_t order)
{
    cancel(d, order, orders_at(&d->orders, order)->cancel_total, true);
}

void desk_cancel_next(struct desk *d, uint32_t session)
{
    const uint32_t index = order_cancel_dequeue(&d->orders, session);
    cancel_now(d, index, orders_at(&d->orders, index)->cancel_total);
}
