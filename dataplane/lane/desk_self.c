// Hot path, where a policy is set. Lists of open orders by symbol and side, and their reach.
#include "dataplane/lane/desk_self.h"

#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/tape.h"

// --- set-up ---

uint64_t desk_self_bytes(uint32_t orders, uint32_t instruments)
{
    return cache_lines(sizeof(struct desk_self)) +
           cache_lines((uint64_t)orders * sizeof(struct self_link)) +
           cache_lines(2ull * instruments * sizeof(uint32_t));
}

void desk_self_init(struct desk *d, void *memory, struct self_reach *reach, uint32_t lane)
{
    uint8_t *p = memory;
    struct desk_self *s = d->self = memory;
    s->links = (void *)(p += cache_lines(sizeof *s));
    s->first = (void *)(p + cache_lines((uint64_t)d->orders.capacity * sizeof *s->links));
    s->reach = reach;
    s->lane = lane;
    s->kept = OWN_NONE;
    for (uint32_t i = 0; i < 2 * d->instrument_count; i++)
        s->first[i] = OWN_NONE;
}

// --- groups: the firm, and the account ---

static enum self_trade policy_of(const struct desk *d, uint32_t group)
{
    const struct limit_table *t = d->limits;
    const struct limit_row *row = group ? &t->accounts[group - 1] : &t->firm;
    return (enum self_trade)row->owner.self_trade;
}

#define FOR_GROUPS(s, g, account)                                          \
    for (uint32_t g##_i = 0, g = 0; g##_i < 2; g##_i++, g = 1 + (account)) \
        if ((s)->reach->groups[g])

static bool in_group(const struct own_order *o, uint32_t group)
{
    return group == 0 || o->account == group - 1;
}

// --- reach of what is open ---

// As far as an order may go, whichever of its changes comes true.
static uint32_t reach_of(const struct own_order *o)
{
    const bool sells = side_sells(o->side);
    const bool change = o->waits & WAIT_REPLACE || o->flags & ORDER_PARKED;
    const uint32_t more[] = {change ? o->change_price : 0, o->limit, o->discretion};
    uint32_t price = o->price;
    for (uint32_t i = 0; i < ARRAY_LEN(more); i++)
        if (more[i] && (sells ? more[i] < price : more[i] > price))
            price = more[i];
    return price;
}

// The best price of a side of a group by looking at its orders; where there are too many of them
// what was said stays, which lets less pass.
static uint64_t looked_up(const struct desk *d, uint32_t group, uint32_t instrument, uint64_t word)
{
    const struct desk_self *s = d->self;
    uint64_t now = 0;
    uint32_t steps = 0;
    for (uint32_t side = 0; side < 2; side++)
        for (uint32_t i = s->first[2 * instrument + side]; i != OWN_NONE; i = s->links[i].next) {
            if (++steps > SELF_STEPS)
                return word;
            if (in_group(orders_at(&d->orders, i), group))
                now = reach_with(now, side, s->links[i].price);
        }
    return now;
}

// An order at <price> is not there any more: where it was the best, another one is.
static void reach_shrink(struct desk *d, uint32_t account, uint32_t instrument, bool sells,
                         uint32_t price)
{
    struct desk_self *s = d->self;
    FOR_GROUPS(s, g, account)
    {
        const uint64_t word = self_own(s->reach, g, s->lane, instrument);
        if (reach_best(word, sells) == price)
            self_say(s->reach, g, s->lane, instrument, looked_up(d, g, instrument, word));
    }
}

static void reach_grow(struct desk *d, uint32_t account, uint32_t instrument, bool sells,
                       uint32_t price)
{
    struct desk_self *s = d->self;
    FOR_GROUPS(s, g, account)
    {
        const uint64_t word = self_own(s->reach, g, s->lane, instrument);
        const uint64_t now = reach_with(word, sells, price);
        if (now != word)
            self_say(s->reach, g, s->lane, instrument, now);
    }
}

// --- lists ---

static void link_in(struct desk_self *s, uint32_t order, uint32_t list)
{
    struct self_link *l = &s->links[order];
    const uint32_t next = s->first[list - 1];
    *l = (struct self_link){.next = next, .prev = OWN_NONE, .list = list};
    if (next != OWN_NONE)
        s->links[next].prev = order;
    s->first[list - 1] = order;
}

static void link_out(struct desk_self *s, uint32_t order)
{
    struct self_link *l = &s->links[order];
    if (l->prev != OWN_NONE)
        s->links[l->prev].next = l->next;
    else
        s->first[l->list - 1] = l->next;
    if (l->next != OWN_NONE)
        s->links[l->next].prev = l->prev;
    l->list = 0;
}

void desk_self_follow(struct desk *d, uint32_t order)
{
    struct desk_self *s = d->self;
    const struct own_order *o = orders_at(&d->orders, order);
    struct self_link *l = &s->links[order];
    const bool sells = side_sells(o->side), open = o->held_orders > 0;
    const uint32_t price = reach_of(o), was = l->list ? l->price : 0;
    if (UNLIKELY(order == s->kept))
        return;
    if (open && l->list == 0)
        link_in(s, order, 2u * o->instrument + sells + 1);
    else if (!open && l->list)
        link_out(s, order);
    if (open) {
        l->price = price;
        reach_grow(d, o->account, o->instrument, sells, price);
    }
    if (was && (!open || was != price))
        reach_shrink(d, o->account, o->instrument, sells, was);
}

// --- an order that is asked for ---

// A cancel that is on its way before the order leaves is believed; not where a replace is under way
// of which nobody knows whether it has arrived, or where the cancel itself may be lost.
static bool surely_cancelled(const struct self_found *f, const struct own_order *o)
{
    return o->session == f->session && o->life != LIFE_UNKNOWN && !(o->waits & WAIT_REPLACE) &&
           !(o->flags & (ORDER_QUARANTINED | ORDER_CANCEL_QUEUED | ORDER_PARKED));
}

// Without what a cancel that is on its way, or waits, takes off.
static uint32_t stays_open(const struct own_order *o)
{
    const bool cancelled = o->waits & WAIT_CANCEL || o->flags & ORDER_CANCEL_QUEUED;
    const uint32_t left = o->cancel_total > o->executed ? o->cancel_total - o->executed : 0;
    return cancelled && left < o->open ? left : o->open;
}

static void found_add(struct self_found *f, const struct own_order *o, uint32_t order,
                      enum self_trade policy, uint32_t price)
{
    // Two policies that differ: the newest is refused, as all but OLDEST and DECREMENT would.
    f->policy =
        (uint8_t)(f->policy == SELF_TRADE_PASSES || f->policy == policy ? policy
                                                                        : SELF_TRADE_NEWEST);
    f->met = price;
    f->whole &= f->count < SELF_FOUND_MAX && surely_cancelled(f, o);
    if (f->count == SELF_FOUND_MAX)
        return;
    f->found[f->count++] = order;
    f->shares += stays_open(o);
}

static COLD void find(const struct desk *d, struct self_found *f, uint32_t group)
{
    const struct desk_self *s = d->self;
    const enum self_trade policy = policy_of(d, group);
    uint32_t steps = 0;
    uint32_t i = s->first[2u * f->instrument + !f->sells];
    for (; i != OWN_NONE && steps < SELF_STEPS; i = s->links[i].next, steps++) {
        const struct own_order *o = orders_at(&d->orders, i);
        const uint32_t price = s->links[i].price;
        const bool own = o->account == f->account;
        // Of one account, with a policy of its own: that one has dealt with it already.
        if (!in_group(o, group) || (group == 0 && own && policy_of(d, 1u + f->account)) ||
            !(f->sells ? price >= f->price : price <= f->price) || i == f->order)
            continue;
        f->scope = f->count ? f->scope : (uint8_t)(group ? TRADE_ACCOUNT : TRADE_FIRM);
        found_add(f, o, i, policy, price);
    }
    if (i == OWN_NONE)
        return;
    f->met = f->met ? f->met : f->price; // too many to look at: none is known to be harmless
    f->whole = false;
    f->policy = SELF_TRADE_NEWEST;
}

static COLD void met_elsewhere(struct self_found *f, uint32_t group, uint32_t price)
{
    f->met = price;
    f->policy = SELF_TRADE_NEWEST;
    f->scope = group ? TRADE_ACCOUNT : TRADE_FIRM;
    f->whole = false;
    f->count = 0; // what this lane has would be dealt with for nothing
}

// What others have open is an input.
static uint32_t others_look(const struct desk *d, const struct self_found *f, uint32_t group)
{
    const struct desk_self *s = d->self;
    if (UNLIKELY(s->others != NULL))
        return s->others(s->context);
    const uint32_t met = self_others(s->reach, group, s->lane, f->instrument, f->sells, f->price);
    if (LIKELY(d->lane->tape != NULL))
        tape_others(d->lane->tape, met);
    return met;
}

// All of them may leave at once: asked before the gate, which counts what it approves.
static COLD bool cancels_due(struct desk *d, const struct self_found *f)
{
    uint32_t cancels = 0;
    for (uint32_t i = 0; i < f->count; i++) {
        const struct own_order *o = orders_at(&d->orders, f->found[i]);
        cancels += !(o->waits & WAIT_CANCEL && o->cancel_total == 0);
    }
    return cancels == 0 || (d->orders.sessions[f->session].cancel_count == 0 &&
                            gate_cancels_due(&d->risk, f->session, cancels, d->lane->stamp));
}

void desk_self_look(struct desk *d, struct self_found *f)
{
    struct desk_self *s = d->self;
    uint32_t elsewhere[2] = {0};
    f->policy = SELF_TRADE_PASSES;
    f->met = f->shares = f->count = 0;
    f->whole = f->said = true;
    // The account first: its policy goes before the firm's.
    for (uint32_t n = 0; n < 2; n++) {
        const uint32_t g = n ? 0 : 1u + f->account;
        if (s->reach->groups[g] == NULL || policy_of(d, g) == SELF_TRADE_PASSES)
            continue;
        const uint64_t word = self_own(s->reach, g, s->lane, f->instrument);
        if (s->reach->lanes > 1) {
            self_say(s->reach, g, s->lane, f->instrument, reach_with(word, f->sells, f->price));
            elsewhere[n] = others_look(d, f, g);
        }
        if (UNLIKELY(reach_meets(word, f->sells, f->price)))
            find(d, f, g);
    }
    for (uint32_t n = 0; n < 2; n++)
        if (UNLIKELY(elsewhere[n] != 0))
            met_elsewhere(f, n ? 0 : 1u + f->account, elsewhere[n]);
    if (f->count > 0 && desk_cancels_paced(d, f->session))
        f->whole = f->whole && cancels_due(d, f);
}

bool desk_self_refuses(const struct self_found *f)
{
    switch ((enum self_trade)f->policy) {
    case SELF_TRADE_PASSES: return false;
    case SELF_TRADE_OLDEST: return !f->whole;
    case SELF_TRADE_DECREMENT: return !f->whole || f->order != OWN_NONE || f->asked <= f->shares;
    default: return true;
    }
}

uint32_t desk_self_quantity(const struct self_found *f)
{
    return f->policy == SELF_TRADE_DECREMENT && !desk_self_refuses(f) ? f->asked - f->shares
                                                                      : f->asked;
}

// --- what is done to those that are open ---

static void tell(struct desk *d, const struct self_found *f, uint32_t order, uint32_t shares)
{
    const struct own_order *o = orders_at(&d->orders, order);
    struct event event = {.type = EVENT_SELF_TRADE};
    event.self_trade.client_id = o->client_id;
    event.self_trade.order = order;
    event.self_trade.ref = o->ref;
    event.self_trade.shares = shares;
    event.self_trade.price = f->price;
    event.self_trade.met = d->self->links[order].price;
    event.self_trade.account = o->account;
    event.self_trade.strategy = o->strategy;
    event.self_trade.instrument = o->instrument;
    event.self_trade.session = o->session;
    event.self_trade.policy = f->policy;
    event.self_trade.scope = f->scope;
    desk_publish(d, &event);
}

// The oldest first; at most <shares> are taken off, UINT32_MAX: all.
static void take_off(struct desk *d, const struct self_found *f, uint32_t shares)
{
    const bool all = shares == UINT32_MAX;
    for (uint32_t n = f->count; n > 0 && shares > 0; n--) {
        const uint32_t order = f->found[n - 1];
        const struct own_order *o = orders_at(&d->orders, order);
        const uint32_t open = all ? o->open : stays_open(o);
        const uint32_t off = open < shares ? open : shares;
        if (o->life == LIFE_DEAD || (open == 0 && !all))
            continue;
        shares -= off;
        tell(d, f, order, off);
        desk_cancel(d, order, off == open ? 0 : o->executed + open - off);
    }
}

bool desk_self_clear(struct desk *d, const struct self_found *f)
{
    take_off(d, f, UINT32_MAX);
    for (uint32_t i = 0; i < f->count; i++)
        if (orders_at(&d->orders, f->found[i])->flags & ORDER_CANCEL_QUEUED)
            return false;
    return true;
}

void desk_self_refused(struct desk *d, struct self_found *f, bool own)
{
    if (!f->said)
        return;
    f->said = false;
    reach_shrink(d, f->account, f->instrument, f->sells, f->price);
    if (!own)
        return;
    if (f->policy == SELF_TRADE_BOTH || f->policy == SELF_TRADE_OLDEST)
        take_off(d, f, UINT32_MAX);
    else if (f->policy == SELF_TRADE_DECREMENT && f->order == OWN_NONE)
        take_off(d, f, f->asked);
}
