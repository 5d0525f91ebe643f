// Hot path, but for set-up. Routed orders: rounds of child orders.
#include "dataplane/lane/desk_route.h"

#include <string.h>

#include "dataplane/book/book.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_strategy.h"

enum { TAKE_AT_ONCE = '3', FOR_THE_DAY = '0', DISPLAYED = 'Y' };

// --- what the venues show ---

// Why a venue cannot be asked, whatever it shows; VENUE_TAKES: it can.
HOT_INLINE enum route_verdict venue_verdict(const struct desk *d, const struct route *r,
                                            uint32_t session, uint16_t slot, uint8_t quality,
                                            bool rests)
{
    const uint32_t bit = 1u << session;
    if (!(r->allowed & bit))
        return VENUE_EXCLUDED;
    if (!(d->limits->strategies[r->strategy].venues & bit))
        return VENUE_FORBIDDEN;
    if (r->failed & bit)
        return VENUE_FAILED;
    if (r->spent & bit && !rests)
        return VENUE_SPENT;
    if (r->children[session].order != OWN_NONE)
        return VENUE_OPEN;
    const struct session *s = d->sessions[session].session;
    if (s == NULL || !session_may_enter(s)) // null: another lane's
        return VENUE_SESSION;
    if (slot == SYMBOL_NONE)
        return VENUE_NO_BOOK;
    return quality == QUALITY_GOOD ? VENUE_TAKES : VENUE_QUALITY;
}

// The side that the order would take from, best level first.
HOT_INLINE void levels_read(const struct desk *d, const struct route *r, uint32_t session,
                            uint16_t slot, bool deep, struct route_offer *out)
{
    const struct book *book = &d->sessions[session].channel->book;
    const enum book_side side = side_sells(r->side) ? BOOK_BID : BOOK_ASK;
    struct book_level levels[ROUTE_LEVELS];
    if (deep) {
        out->level_count = book_depth(book, slot, side, ROUTE_LEVELS, levels);
        for (uint32_t i = 0; i < out->level_count; i++)
            out->levels[i] = (struct route_level){levels[i].shares, levels[i].price};
        return;
    }
    const struct level *best = book_best(book, &book->symbols[slot], side);
    out->level_count = best != NULL;
    if (best)
        out->levels[0] = (struct route_level){best->shares, best->price};
}

// What every venue shows now.
HOT_INLINE void look(struct desk *d, const struct route *r, bool rests)
{
    struct desk_look *out = &d->routes->seen;
    for (uint32_t i = 0; i < d->session_count; i++) {
        const uint16_t slot = desk_slot(d, i, r->instrument);
        const bool readable = slot != SYMBOL_NONE && !desk_book_lent(d, i);
        struct route_offer *o = &out->offers[i];
        out->quality[i] = readable ? (uint8_t)channel_symbol_quality(d->sessions[i].channel, slot)
                                   : QUALITY_SUSPECT;
        o->level_count = 0;
        o->levels[0] = (struct route_level){0};
        o->verdict = (uint8_t)venue_verdict(d, r, i, slot, out->quality[i], rests);
        // Also of venues that are passed over: the record says what was seen.
        if (readable)
            levels_read(d, r, i, slot, r->how == ROUTE_SWEEP, o);
    }
}

// --- what is recorded ---

static void route_tell(struct desk *d, const struct route *r, uint32_t route, uint16_t type,
                       uint32_t best)
{
    struct event event = {.type = type};
    struct event_route *e = &event.route;
    e->client_id = r->client_id;
    e->route = route;
    e->quantity = r->quantity;
    e->price = r->limit;
    e->wanted = route_remainder(r);
    e->open = r->open;
    e->filled = r->filled;
    e->best = best;
    e->round = r->rounds;
    e->account = r->account;
    e->strategy = r->strategy;
    e->instrument = r->instrument;
    e->how = r->how;
    e->rest = r->rest;
    e->ending = r->ending;
    e->side = (uint8_t)r->side;
    desk_publish(d, &event);
}

struct sent {
    uint64_t decision; // number of the record, 0: none
    uint32_t order;
    enum refusal refusal;
};

static void venue_tell(struct desk *d, const struct route *r, uint32_t route, uint32_t venue,
                       const struct route_plan *plan, const struct route_share *share,
                       const struct sent *sent)
{
    const struct desk_look *seen = &d->routes->seen;
    const struct route_offer *o = &seen->offers[venue];
    const bool sells = side_sells(r->side);
    const int64_t net = route_net6(o->levels[0].price, d->routes->venues[venue].take_fee6, sells);
    struct event event = {.type = EVENT_ROUTE_VENUE};
    struct event_route_venue *e = &event.route_venue;
    e->decision = sent->decision;
    e->shares = o->levels[0].shares;
    e->net = o->levels[0].price && net > 0 ? (uint64_t)net : 0;
    e->route = route;
    e->round = r->rounds;
    e->best = o->levels[0].price;
    e->quantity = share ? share->quantity : 0;
    e->price = share ? share->price : 0;
    e->order = sent->order;
    e->refusal = (uint16_t)sent->refusal;
    e->session = (uint8_t)venue;
    e->rank = plan->ranks[venue];
    e->verdict = sent->refusal ? VENUE_REFUSED : plan->verdicts[venue];
    e->quality = seen->quality[venue];
    desk_publish(d, &event);
}

// --- rounds ---

// One child order. It passes the gate like any other.
HOT_INLINE struct sent child_send(struct desk *d, struct route *r, uint32_t route,
                                  const struct route_share *share, bool rests)
{
    struct sent sent = {.decision = d->lane->trading.sequence, .order = OWN_NONE};
    const struct desk_owner who = {.account = r->account, .strategy = r->strategy};
    const struct desk_order ask = {.client_id = r->client_id,
                                   .quantity = share->quantity,
                                   .price = share->price,
                                   .instrument = r->instrument,
                                   .session = share->venue,
                                   .side = r->side,
                                   .time_in_force = rests ? FOR_THE_DAY : TAKE_AT_ONCE,
                                   .display = DISPLAYED};
    uint32_t order = OWN_NONE;
    sent.refusal = desk_enter(d, &who, &ask, &order);
    if (LIKELY(sent.refusal == REFUSAL_NONE)) {
        sent.order = order;
        route_child_add(&d->routes->table, route, share->venue, order,
                        orders_at(&d->orders, order));
        d->routes->children++;
    } else {
        r->failed |= (uint16_t)(1u << share->venue);
    }
    return sent;
}

// The owner may send to none of the venues that the order names.
static bool nowhere(const struct desk *d, const struct route *r)
{
    const uint32_t venues = (1u << d->session_count) - 1;
    return !(r->allowed & venues & d->limits->strategies[r->strategy].venues);
}

// Looks once, and sends what the plan says. *<refusal>: of the preferred child, if that was not
// sent. True: the gate refused a child, others may take its share.
static bool round_send(struct desk *d, struct route *r, uint32_t route, bool rests,
                       enum refusal *refusal)
{
    static const struct sent nothing = {.order = OWN_NONE};
    const struct route_wish wish = {.quantity = route_remainder(r),
                                    .limit = r->limit,
                                    .how = r->how,
                                    .sells = side_sells(r->side),
                                    .rests = rests};
    struct route_plan plan;
    bool refused = false;
    look(d, r, rests);
    route_plan(&wish, d->routes->seen.offers, d->routes->venues, d->session_count, &plan);
    r->rounds++;
    d->routes->rounds++;
    route_tell(d, r, route, EVENT_ROUTE, plan.best);
    for (uint32_t i = 0; i < plan.count; i++) { // at most one a venue
        const struct route_share *share = &plan.shares[i];
        const struct sent sent = child_send(d, r, route, share, rests);
        venue_tell(d, r, route, share->venue, &plan, share, &sent);
        refused |= sent.refusal != REFUSAL_NONE;
        if (sent.refusal && *refusal == REFUSAL_ROUTE) {
            *refusal = sent.refusal;
            d->routes->refused = d->refused;
        }
    }
    for (uint32_t v = 0; v < d->session_count; v++)
        if (plan.verdicts[v] != VENUE_TAKES)
            venue_tell(d, r, route, v, &plan, NULL, &nothing);
    return refused;
}

// A child that the gate refused leaves its share to the others at once. Every further look has a
// venue less: at most ROUTE_ROUNDS_MAX of them.
static enum refusal place(struct desk *d, struct route *r, uint32_t route, bool rests)
{
    enum refusal refusal = REFUSAL_ROUTE;
    r->due = false;
    while (r->rounds < ROUTE_ROUNDS_MAX && route_remainder(r) > 0 &&
           round_send(d, r, route, rests, &refusal))
        ;
    r->posted |= rests && r->alive > 0;
    return refusal;
}

static bool owner_is_off(const struct desk *d, const struct route *r)
{
    const struct desk_strategies *s = d->strategies;
    return s && r->strategy < s->count && s->hosts[r->strategy].slot.off != STRATEGY_ON;
}

static enum route_ending ending_of(const struct route *r)
{
    if (route_remainder(r) == 0)
        return ROUTE_ENDED_FILLED;
    if (r->stopping)
        return ROUTE_ENDED_CANCELLED;
    if (r->rest == ROUTE_REST_END || r->posted)
        return ROUTE_ENDED_RETURNED;
    return r->rounds >= ROUTE_ROUNDS_MAX ? ROUTE_ENDED_ROUNDS : ROUTE_ENDED_NO_VENUE;
}

// Nothing of it is open any more.
static void finish(struct desk *d, struct route *r, uint32_t route)
{
    route_close(&d->routes->table, route, ending_of(r));
    route_tell(d, r, route, EVENT_ROUTE_END, 0);
}

// --- asking ---

static enum refusal ask_check(const struct desk *d, const struct desk_owner *who,
                              const struct desk_route *ask)
{
    const bool side = ask->side == 'B' || ask->side == 'S' || ask->side == 'T' || ask->side == 'E';
    if (UNLIKELY(d->routes == NULL))
        return REFUSAL_ROUTE;
    if (UNLIKELY(who->account >= ACCOUNTS_MAX || who->strategy >= STRATEGIES_MAX))
        return REFUSAL_UNKNOWN_ACCOUNT;
    if (UNLIKELY(ask->instrument >= d->instrument_count))
        return REFUSAL_UNKNOWN_SYMBOL;
    if (UNLIKELY(!side || ask->how >= ROUTE_HOWS || ask->rest >= ROUTE_RESTS))
        return REFUSAL_ORDER_FIELD;
    if (UNLIKELY(ask->quantity == 0))
        return REFUSAL_QUANTITY_RANGE;
    return UNLIKELY(ask->limit == 0) ? REFUSAL_PRICE_RANGE : REFUSAL_NONE;
}

uint8_t desk_route_first(const struct desk *d, const struct desk_route *ask)
{
    const uint32_t allowed = ask->venues ? ask->venues : UINT16_MAX;
    for (uint32_t v = 0; v < d->session_count; v++)
        if (allowed >> v & 1 && d->sessions[v].session)
            return (uint8_t)v;
    return UINT8_MAX;
}

// The order has no child that says why.
static COLD enum refusal route_refuse(struct desk *d, const struct desk_owner *who,
                                      const struct desk_route *ask, enum refusal refusal)
{
    const uint8_t venue = desk_route_first(d, ask);
    const struct event_decision why = {
        .client_id = ask->client_id,
        .value = refusal == REFUSAL_VENUES ? venue : 0,
        .limit = refusal == REFUSAL_QUANTITY_RANGE ? OUCH50_QUANTITY_MAX
                 : refusal == REFUSAL_PRICE_RANGE  ? OUCH50_PRICE_MAX
                                                   : 0,
        .quantity = ask->quantity,
        .price = ask->limit,
        .account = who->account,
        .strategy = who->strategy,
        .instrument = ask->instrument,
        .refusal = (uint16_t)refusal,
        .session = venue,
        .side = (uint8_t)ask->side,
        .scope = refusal == REFUSAL_VENUES ? TRADE_STRATEGY : TRADE_FIRM};
    return desk_refuse(d, &why);
}

enum refusal desk_route(struct desk *d, const struct desk_owner *who, const struct desk_route *ask,
                        uint32_t *route)
{
    enum refusal refusal = ask_check(d, who, ask);
    if (UNLIKELY(refusal != REFUSAL_NONE))
        return route_refuse(d, who, ask, refusal);
    const struct route_new new = {.client_id = ask->client_id,
                                  .quantity = ask->quantity,
                                  .limit = ask->limit,
                                  .account = who->account,
                                  .strategy = who->strategy,
                                  .instrument = ask->instrument,
                                  .allowed = ask->venues ? ask->venues : UINT16_MAX,
                                  .how = ask->how,
                                  .rest = ask->rest,
                                  .side = ask->side};
    const uint32_t index = route_open(&d->routes->table, &new);
    if (UNLIKELY(index == ROUTE_NONE))
        return route_refuse(d, who, ask, REFUSAL_ROUTES_FULL);
    struct route *r = route_at(&d->routes->table, index);
    refusal = place(d, r, index, false);
    if (r->alive == 0 && r->rest == ROUTE_REST_POST) {
        const enum refusal posting = place(d, r, index, true);
        refusal = refusal == REFUSAL_ROUTE ? posting : refusal;
    }
    if (LIKELY(r->alive > 0)) {
        *route = index;
        return REFUSAL_NONE;
    }
    finish(d, r, index);
    if (refusal != REFUSAL_ROUTE) {
        d->refused = d->routes->refused;
        return refusal; // the gate has recorded its own
    }
    return route_refuse(d, who, ask, nowhere(d, r) ? REFUSAL_VENUES : REFUSAL_ROUTE);
}

void desk_route_facts(const struct route *r, uint32_t route, struct strategy_route_report *out)
{
    *out = (struct strategy_route_report){.client_id = r->client_id,
                                          .route = route,
                                          .quantity = r->quantity,
                                          .filled = r->filled,
                                          .open = r->open,
                                          .remainder = route_remainder(r),
                                          .rounds = r->rounds,
                                          .symbol = r->instrument,
                                          .side = r->side,
                                          .ending = r->ending};
}

const struct route *desk_route_of(const struct desk *d, const struct desk_owner *who,
                                  uint32_t route)
{
    if (UNLIKELY(d->routes == NULL || route >= d->routes->table.capacity))
        return NULL;
    const struct route *r = route_at(&d->routes->table, route);
    const bool own = r->account == who->account && r->strategy == who->strategy;
    return LIKELY(own && r->quantity > 0) ? r : NULL;
}

enum refusal desk_route_cancel(struct desk *d, const struct desk_owner *who, uint32_t route)
{
    if (UNLIKELY(desk_route_of(d, who, route) == NULL))
        return REFUSAL_UNKNOWN_ORDER;
    struct route *r = route_at(&d->routes->table, route);
    if (UNLIKELY(!route_works(r)))
        return REFUSAL_ORDER_NOT_LIVE;
    r->stopping = true;
    for (uint32_t v = 0; v < d->session_count; v++)
        if (r->children[v].order != OWN_NONE)
            desk_cancel(d, r->children[v].order, 0);
    return REFUSAL_NONE;
}

// Is the venue asked when the order is for what one side of its book shows?
static const struct level *shown(struct desk *d, uint32_t session, uint32_t instrument,
                                 enum book_side side)
{
    const uint16_t slot = desk_slot(d, session, instrument);
    const struct session *s = d->sessions[session].session;
    if (slot == SYMBOL_NONE || s == NULL || !session_may_enter(s) || desk_book_lent(d, session) ||
        channel_symbol_quality(d->sessions[session].channel, slot) != QUALITY_GOOD)
        return NULL;
    const struct book *book = &d->sessions[session].channel->book;
    return book_best(book, &book->symbols[slot], side);
}

static void consolidate(struct desk *d, uint32_t instrument, enum book_side side,
                        struct desk_best_of_all *out)
{
    static const struct route_venue no_fees[SESSIONS_MAX];
    const struct route_venue *venues = d->routes ? d->routes->venues : no_fees;
    for (uint32_t v = 0; v < d->session_count; v++) {
        const struct level *l = shown(d, v, instrument, side);
        if (l == NULL)
            continue;
        // Whoever takes from the bids sells.
        if (out->price == 0 || route_prefers_second(side == BOOK_BID, false, &venues[out->venue],
                                                    out->price, &venues[v], l->price)) {
            out->shares = l->price == out->price ? out->shares : 0;
            out->price = l->price;
            out->venue = (uint8_t)v;
        }
        out->shares += l->price == out->price ? l->shares : 0;
    }
}

bool desk_consolidated(struct desk *d, uint32_t instrument, struct desk_best_of_all *bid,
                       struct desk_best_of_all *ask)
{
    *bid = *ask = (struct desk_best_of_all){0};
    if (UNLIKELY(instrument >= d->instrument_count))
        return false;
    consolidate(d, instrument, BOOK_BID, bid);
    consolidate(d, instrument, BOOK_ASK, ask);
    return true;
}

uint32_t desk_route_of_order(const struct desk *d, uint32_t order)
{
    if (d->routes == NULL || order >= d->orders.capacity)
        return ROUTE_NONE;
    return route_of_order(&d->routes->table, order, orders_at(&d->orders, order)->generation);
}

// --- going on ---

uint32_t desk_route_report(struct desk *d, uint32_t order, const struct order_outcome *out)
{
    struct route_table *t = &d->routes->table;
    const struct own_order *o = orders_at(&d->orders, order);
    const uint32_t route = route_report(t, order, o, out);
    // One message may have cancelled a whole session, before the cancels of its orders.
    if (route != ROUTE_NONE && o->life == LIFE_DEAD && desk_killed(d, o))
        route_at(t, route)->stopping = true;
    // What is told of an order that is over changes its sums, nothing else.
    return route != ROUTE_NONE && route_works(route_at(t, route)) ? route : ROUTE_NONE;
}

void desk_route_taken_back(struct desk *d, uint32_t order)
{
    const uint32_t route = desk_route_of_order(d, order);
    if (route != ROUTE_NONE)
        route_at(&d->routes->table, route)->stopping = true;
}

void desk_route_next(struct desk *d, uint32_t route)
{
    struct route *r = route_at(&d->routes->table, route);
    if (!r->due)
        return;
    r->due = false;
    r->stopping |= owner_is_off(d, r);
    const bool more = !r->stopping && !r->posted && route_remainder(r) > 0;
    if (more && r->rest == ROUTE_REST_AGAIN)
        place(d, r, route, false);
    else if (more && r->rest == ROUTE_REST_POST && r->alive == 0)
        place(d, r, route, true);
    if (r->alive > 0)
        return;
    finish(d, r, route);
    if (d->routes->told)
        d->routes->told(d, r, route);
}

// --- set-up ---

void desk_routes_init(struct desk *d, struct desk_routes *r, uint32_t routes, void *memory)
{
    memset(r, 0, sizeof *r);
    routes_init(&r->table, routes, d->orders.capacity, memory);
    d->routes = r;
}

void desk_route_venue(struct desk *d, uint32_t session, const struct route_venue *venue)
{
    d->routes->venues[session] = *venue;
}
