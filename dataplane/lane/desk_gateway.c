// Hot path, but for what is for set-up: clients of the gateway ask, and are told.
//
// The lane waits for no client. One whose answers find no room is cut off, as is one whose rings
// say something impossible: its orders are cancelled, its memory is not looked at again.
#include "dataplane/lane/desk_gateway.h"

#include <string.h>

#include "dataplane/lane/desk_extras.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_signal.h"

// Below this many free answers a client gets no new order: what its open orders still have to say
// needs them.
#define ANSWERS_KEPT(pipe) ((pipe)->answers_mask / 4 + 1)

// --- coming and going ---

static COLD void client_tell(struct desk *d, uint32_t index, uint16_t type, uint32_t code)
{
    const struct gateway_client *c = &d->gateway->gateway->clients[index];
    struct event event = {.type = type};
    event.client.requests = c->requests;
    event.client.attachment = c->attachment;
    event.client.uid = c->uid;
    event.client.pid = c->pid;
    event.client.open_orders = d->risk.strategies[c->config.strategy].orders;
    event.client.account = c->config.account;
    event.client.strategy = c->config.strategy;
    event.client.client = (uint8_t)index;
    event.client.code = (uint8_t)code;
    desk_publish(d, &event);
}

static COLD void client_cut(struct desk *d, uint32_t index, enum tickgate_code code)
{
    struct desk_gateway *dg = d->gateway;
    struct gateway_client *c = &dg->gateway->clients[index];
    dg->on &= ~(1u << index);
    dg->leaving |= 1u << index;
    atomic_store_explicit(&c->cut, (uint32_t)code, memory_order_release);
    atomic_store_explicit(&c->pipe.outward->closed, (uint32_t)code, memory_order_release);
    d->lane->count->clients_cut += code != TICKGATE_DETACHED;
    client_tell(d, index, EVENT_CLIENT_LEFT, code);
    desk_mass_cancel(d, TRADE_STRATEGY, c->config.strategy);
}

static COLD void client_attach(struct desk *d, uint32_t index, uint32_t attachment)
{
    struct desk_gateway *dg = d->gateway;
    struct gateway_client *c = &dg->gateway->clients[index];
    pipe_init(&c->pipe, c->inward, c->outward, dg->gateway->requests, dg->gateway->answers);
    c->attachment = attachment;
    c->requests = 0;
    dg->on |= 1u << index;
    client_tell(d, index, EVENT_CLIENT_ATTACHED, TICKGATE_ATTACHED);
}

// The main lcore has rung: somebody has attached, or has gone.
static COLD void clients_review(struct desk *d)
{
    struct desk_gateway *dg = d->gateway;
    for (uint32_t i = 0; i < dg->gateway->count; i++) {
        struct gateway_client *c = &dg->gateway->clients[i];
        const uint32_t attached = atomic_load_explicit(&c->attached, memory_order_acquire);
        const uint32_t ended = atomic_load_explicit(&c->ended, memory_order_acquire);
        if (attached != c->attachment) {
            d->lane->input++;
            client_attach(d, i, attached);
        }
        if (ended == c->attachment && dg->on >> i & 1) {
            d->lane->input++;
            client_cut(d, i, (enum tickgate_code)c->why);
        }
    }
}

// Every order of a client that leaves has its cancel: on its way, or in its session's queue.
static COLD void leaving_review(struct desk *d)
{
    struct desk_gateway *dg = d->gateway;
    for (uint32_t bits = dg->leaving; bits; bits &= bits - 1) {
        const uint32_t i = (uint32_t)__builtin_ctz(bits);
        struct gateway_client *c = &dg->gateway->clients[i];
        if (kill_bit(d->mass.strategies, c->config.strategy))
            continue;
        dg->leaving &= ~(1u << i);
        atomic_store_explicit(&c->left, c->attachment, memory_order_release);
    }
}

// --- answers ---

static void answer_put(struct desk *d, uint32_t index, const struct tickgate_answer *answer)
{
    struct gateway_pipe *p = &d->gateway->gateway->clients[index].pipe;
    if (UNLIKELY(!(d->gateway->on >> index & 1)))
        return; // cut off while its request was in work
    if (UNLIKELY(pipe_room(p) == 0)) {
        const bool sound = pipe_look(p);
        if (!sound || pipe_room(p) == 0) {
            client_cut(d, index, sound ? TICKGATE_SLOW : TICKGATE_INDEX);
            return;
        }
    }
    pipe_put(p, answer);
    d->gateway->gateway->clients[index].answers++;
    d->lane->count->client_answers++;
}

static void answer_order(struct tickgate_answer *a, const struct own_order *o, uint32_t order)
{
    a->client_id = o->client_id;
    a->order = order;
    a->open = o->open;
    a->filled = o->filled;
    a->price = o->price;
    a->reason = o->reason;
    a->symbol = o->instrument;
    a->venue = o->session;
    a->state = o->life;
    a->side = o->side;
    a->quarantined = (o->flags & ORDER_QUARANTINED) != 0;
}

static void answer_route(struct tickgate_answer *a, const struct route *r, uint32_t route)
{
    a->client_id = r->client_id;
    a->order = OWN_NONE;
    a->route = route;
    a->rounds = r->rounds;
    a->open = r->open;
    a->filled = r->filled;
    a->price = r->limit;
    a->symbol = r->instrument;
    a->side = r->side;
    a->ending = r->ending;
}
_Static_assert((int)TICKGATE_DEAD == (int)LIFE_DEAD && (int)TICKGATE_LIVE == (int)LIFE_LIVE &&
                   (int)TICKGATE_UNKNOWN == (int)LIFE_UNKNOWN,
               "lives have the same numbers");

// Which attachment entered an order, itself or as a child of a routed one.
static uint32_t attachment_of(const struct desk *d, uint32_t order)
{
    const struct desk_gateway *dg = d->gateway;
    const uint32_t route = desk_route_of_order(d, order);
    return LIKELY(route == ROUTE_NONE) || !dg->routes_of ? dg->attachment_of[order]
                                                         : dg->routes_of[route];
}

// What the refusal has compared, if it has, stands where price and reason of the order do: after
// answer_order and answer_route.
static COLD void answer_refused(struct desk *d, uint32_t strategy, enum refusal refusal,
                                struct tickgate_answer *a)
{
    struct strategy_refusal why;
    a->kind = TICKGATE_REFUSED;
    a->refusal = (uint16_t)refusal;
    if (!desk_refused_tell(d, strategy, refusal, &why))
        return;
    a->value = why.value;
    a->limit = why.limit;
    a->scope = why.scope;
    a->owner = why.owner;
}
_Static_assert((int)TICKGATE_SCOPE_FIRM == (int)STRATEGY_SCOPE_FIRM &&
                   (int)TICKGATE_SCOPE_SESSION == (int)STRATEGY_SCOPE_SESSION,
               "scopes have the same numbers");

static void tell_client(struct desk *d, uint32_t order, const struct order_outcome *out)
{
    struct desk_gateway *dg = d->gateway;
    const struct own_order *o = orders_at(&d->orders, order);
    const uint32_t index = o->strategy - dg->gateway->first_strategy;
    if (index >= dg->gateway->count) {
        if (dg->others)
            dg->others(d, order, out);
        return;
    }
    const struct gateway_client *c = &dg->gateway->clients[index];
    if (UNLIKELY(!(dg->on >> index & 1) || attachment_of(d, order) != c->attachment ||
                 o->flags & ORDER_ADOPTED)) {
        dg->untold++;
        return;
    }
    struct tickgate_answer a = {
        .kind = TICKGATE_REPORT,
        .fill_shares = out->did & DID_FILL ? out->shares : 0,
        .fill_price = out->did & DID_FILL ? out->price : 0,
        .broken_shares = out->did & DID_BREAK ? out->broken_shares : 0,
        .route = desk_route_of_order(d, order),
    };
    answer_order(&a, o, order);
    answer_put(d, index, &a);
}

static void tell_client_route(struct desk *d, const struct route *r, uint32_t route)
{
    struct desk_gateway *dg = d->gateway;
    const uint32_t index = r->strategy - dg->gateway->first_strategy;
    if (index >= dg->gateway->count) {
        if (dg->other_routes)
            dg->other_routes(d, r, route);
        return;
    }
    if (!(dg->on >> index & 1) || dg->routes_of[route] != dg->gateway->clients[index].attachment) {
        dg->untold++;
        return;
    }
    struct tickgate_answer a = {.kind = TICKGATE_ROUTED};
    answer_route(&a, r, route);
    answer_put(d, index, &a);
}
_Static_assert((int)TICKGATE_SWEEP == (int)ROUTE_SWEEP &&
                   (int)TICKGATE_REST_POST == (int)ROUTE_REST_POST &&
                   (int)TICKGATE_CANCELLED == (int)ROUTE_ENDED_CANCELLED &&
                   (int)TICKGATE_CANCELLED + 1 == (int)ROUTE_ENDINGS &&
                   TICKGATE_NO_ROUTE == ROUTE_NONE,
               "words of the router have the same numbers");

// --- requests ---

// Whether the client may ask for this now; its own limits, before the gate's. What they refuse is
// answered and counted but has no event: a client that asks without end must not fill the ring.
static enum refusal client_may(struct desk *d, uint32_t index, uint64_t now)
{
    struct gateway_client *c = &d->gateway->gateway->clients[index];
    if (UNLIKELY(pipe_room(&c->pipe) < ANSWERS_KEPT(&c->pipe))) {
        if (!pipe_look(&c->pipe)) {
            client_cut(d, index, TICKGATE_INDEX);
            return REFUSAL_CLIENT_SLOW;
        }
        if (pipe_room(&c->pipe) < ANSWERS_KEPT(&c->pipe))
            return REFUSAL_CLIENT_SLOW;
    }
    const uint64_t at = c->rate_at > now ? c->rate_at : now;
    if (UNLIKELY(at - now > c->burst_ticks))
        return REFUSAL_CLIENT_RATE;
    c->rate_at = at + c->rate_ticks;
    return REFUSAL_NONE;
}

// The client's own order, by number and name, of this attachment; null: none.
static struct own_order *client_order(struct desk *d, const struct gateway_client *c,
                                      const struct desk_owner *who, const struct gateway_request *r)
{
    struct own_order *o = desk_order_of(d, who, r->order);
    const bool own = o && o->client_id == r->client_id && !(o->flags & ORDER_ADOPTED) &&
                     attachment_of(d, r->order) == c->attachment;
    return LIKELY(own) ? o : NULL;
}

// Both are seen by programs that are built apart.
#define OUCH_EXTRA(upper, lower, kind, replace, version_42)      \
    _Static_assert(offsetof(struct strategy_options, lower) ==   \
                       offsetof(struct tickgate_options, lower), \
                   #lower);
#include "dataplane/wire/ouch_extras.def"
_Static_assert(sizeof(struct strategy_options) == sizeof(struct tickgate_options), "options");

// The client's own limit, before anything is made of its request: a person may have set another
// one than the file says.
static bool orders_used_up(const struct desk *d, uint32_t strategy)
{
    return d->risk.strategies[strategy].orders >= d->limits->strategies[strategy].open_orders;
}

static COLD enum refusal open_orders_refuse(struct desk *d, const struct desk_owner *who,
                                            const struct gateway_request *r, uint8_t session)
{
    const struct limit_row *row = &d->limits->strategies[who->strategy];
    const bool of_broker = limit_row_owner(row, LIMIT_LIMITS_open_orders) == LIMIT_OF_BROKER;
    const struct event_decision why = {.client_id = r->client_id,
                                       .checks = of_broker ? CHECKS_OF_BROKER : 0,
                                       .value = d->risk.strategies[who->strategy].orders + 1ull,
                                       .limit = row->open_orders,
                                       .quantity = r->quantity,
                                       .price = r->price,
                                       .account = who->account,
                                       .strategy = who->strategy,
                                       .instrument = r->symbol,
                                       .refusal = REFUSAL_OPEN_ORDERS,
                                       .session = session,
                                       .side = (uint8_t)r->side,
                                       .time_in_force = (uint8_t)r->time_in_force,
                                       .display = (uint8_t)r->display,
                                       .scope = TRADE_STRATEGY};
    return desk_refuse(d, &why);
}

static enum refusal enter(struct desk *d, const struct gateway_client *c,
                          const struct desk_owner *who, const struct gateway_request *r,
                          const struct gateway_options *options, uint32_t *order)
{
    struct strategy_options said;
    struct ouch_extras extras;
    struct desk_order o = {.client_id = r->client_id,
                           .quantity = r->quantity,
                           .price = r->price,
                           .instrument = r->symbol,
                           .session = r->venue,
                           .side = r->side,
                           .time_in_force = r->time_in_force,
                           .display = r->display};
    if (UNLIKELY(orders_used_up(d, who->strategy)))
        return open_orders_refuse(d, who, r, r->venue);
    if (UNLIKELY(r->more)) {
        memcpy(&said, &options->options, sizeof said);
        desk_extras_from(&said, &extras);
        o.extras = &extras;
    }
    const enum refusal refusal = desk_enter(d, who, &o, order);
    if (LIKELY(refusal == REFUSAL_NONE))
        d->gateway->attachment_of[*order] = c->attachment;
    return refusal;
}

// A cancel that says no more than one that is on its way is not sent again: a client cannot flood
// the session with them. One that leaves less passes, and taking an order off altogether always
// does, once. Of one that takes nothing off an exchange says nothing: here it is said at once.
static enum refusal cancel(struct desk *d, uint32_t index, const struct own_order *o,
                           const struct gateway_request *r, uint64_t now)
{
    const bool waits = o->waits & WAIT_CANCEL || o->flags & ORDER_CANCEL_QUEUED;
    if (o->life != LIFE_DEAD && waits && r->quantity >= o->cancel_total)
        return REFUSAL_ORDER_CHANGING;
    if (o->life != LIFE_DEAD && r->quantity && r->quantity >= order_total(o))
        return REFUSAL_CANCEL_QUANTITY;
    const enum refusal refusal = r->quantity ? client_may(d, index, now) : REFUSAL_NONE;
    return refusal ? refusal : desk_cancel(d, r->order, r->quantity);
}

static enum refusal change(struct desk *d, uint32_t index, const struct desk_owner *who,
                           const struct gateway_request *r, uint64_t now)
{
    const struct own_order *o = client_order(d, &d->gateway->gateway->clients[index], who, r);
    if (UNLIKELY(o == NULL))
        return REFUSAL_UNKNOWN_ORDER;
    if (r->kind == GATEWAY_CANCEL)
        return cancel(d, index, o, r, now);
    if (UNLIKELY(desk_is_child(d, r->order)))
        return REFUSAL_ROUTED;
    const enum refusal refusal = client_may(d, index, now);
    if (UNLIKELY(refusal != REFUSAL_NONE))
        return refusal;
    if (r->kind == GATEWAY_REPLACE)
        return desk_replace(d, who, r->order, r->quantity, r->price);
    const bool side = r->side == 'B' || r->side == 'S' || r->side == 'T' || r->side == 'E';
    return side ? desk_modify(d, who, r->order, r->quantity, r->side) : REFUSAL_ORDER_FIELD;
}

// --- routed orders ---

static enum refusal route_enter(struct desk *d, const struct gateway_client *c,
                                const struct desk_owner *who, const struct gateway_request *r,
                                uint32_t *route)
{
    const struct desk_route ask = {.client_id = r->client_id,
                                   .quantity = r->quantity,
                                   .limit = r->price,
                                   .instrument = r->symbol,
                                   .venues = r->venues,
                                   .how = r->how,
                                   .rest = r->rest,
                                   .side = r->side};
    if (UNLIKELY(orders_used_up(d, who->strategy)))
        return open_orders_refuse(d, who, r, desk_route_first(d, &ask));
    const enum refusal refusal = desk_route(d, who, &ask, route);
    if (refusal == REFUSAL_NONE)
        d->gateway->routes_of[*route] = c->attachment;
    return refusal;
}

// The client's own, of this attachment, and not over.
static enum refusal route_cancel(struct desk *d, const struct gateway_client *c,
                                 const struct desk_owner *who, const struct gateway_request *r)
{
    const struct route *own = desk_route_of(d, who, r->order);
    if (own == NULL || own->client_id != r->client_id ||
        d->gateway->routes_of[r->order] != c->attachment)
        return REFUSAL_UNKNOWN_ORDER;
    if (!route_works(own))
        return REFUSAL_ORDER_NOT_LIVE;
    return own->stopping ? REFUSAL_ORDER_CHANGING : desk_route_cancel(d, who, r->order);
}

// <r->kind> is one of the two.
static void route_request_do(struct desk *d, uint32_t index, const struct desk_owner *who,
                             const struct gateway_request *r, uint64_t now)
{
    struct gateway_client *c = &d->gateway->gateway->clients[index];
    struct tickgate_answer a = {
        .request = r->request, .client_id = r->client_id, .order = OWN_NONE, .route = ROUTE_NONE};
    uint32_t route = r->order;
    enum refusal refusal = REFUSAL_NONE;
    if (r->kind == GATEWAY_ROUTE_CANCEL) {
        refusal = route_cancel(d, c, who, r);
    } else {
        refusal = client_may(d, index, now);
        if (refusal == REFUSAL_NONE)
            refusal = route_enter(d, c, who, r, &route);
        route = refusal == REFUSAL_NONE ? route : ROUTE_NONE;
    }
    d->lane->count->client_refused += refusal != REFUSAL_NONE;
    c->refused += refusal != REFUSAL_NONE;
    a.kind = TICKGATE_DONE;
    const struct route *own = desk_route_of(d, who, route);
    if (own && refusal != REFUSAL_UNKNOWN_ORDER)
        answer_route(&a, own, route);
    if (refusal != REFUSAL_NONE)
        answer_refused(d, who->strategy, refusal, &a);
    answer_put(d, index, &a);
}

// --- signals ---

_Static_assert((int)TICKGATE_SIGNAL_SENDER == (int)SIGNAL_SENDER &&
                   (int)TICKGATE_SIGNAL_RATE == (int)SIGNAL_RATE,
               "verdicts have the same numbers");

static void signal_request_do(struct desk *d, uint32_t index, const struct gateway_request *r,
                              const struct tickgate_signal *s, uint64_t now)
{
    struct gateway_client *c = &d->gateway->gateway->clients[index];
    enum signal_verdict verdict = SIGNAL_TAKEN;
    enum refusal refusal = client_may(d, index, now);
    if (LIKELY(refusal == REFUSAL_NONE))
        refusal = desk_signal_client(d, index, c->attachment, s, &verdict);
    const struct tickgate_answer a = {.request = r->request,
                                      .client_id = r->client_id,
                                      .order = OWN_NONE,
                                      .route = ROUTE_NONE,
                                      .reason = verdict,
                                      .symbol = s->symbol,
                                      .kind = refusal ? TICKGATE_REFUSED : TICKGATE_DONE,
                                      .refusal = (uint16_t)refusal};
    d->lane->count->client_refused += refusal != REFUSAL_NONE;
    c->refused += refusal != REFUSAL_NONE;
    answer_put(d, index, &a);
}

// What stands behind a request, where it says so and may; false: it cannot be.
static bool more_take(struct gateway_client *c, const struct gateway_request *r,
                      union gateway_more *out)
{
    const bool signal = r->kind == GATEWAY_SIGNAL;
    if (LIKELY(r->more == 0))
        return !signal;
    return r->more == 1 && (signal || r->kind == GATEWAY_ENTER) && pipe_take_more(&c->pipe, out);
}

static void request_do(struct desk *d, uint32_t index, const struct gateway_request *r,
                       uint64_t now)
{
    struct gateway_client *c = &d->gateway->gateway->clients[index];
    const struct desk_owner who = {.account = c->config.account, .strategy = c->config.strategy};
    struct tickgate_answer a = {
        .request = r->request, .client_id = r->client_id, .route = ROUTE_NONE};
    union gateway_more more;
    enum refusal refusal;
    uint32_t order = r->order;
    if (UNLIKELY(!more_take(c, r, &more))) {
        client_cut(d, index, TICKGATE_REQUEST);
        return;
    }
    d->lane->input++;
    c->requests++;
    if (UNLIKELY(r->kind == GATEWAY_SIGNAL)) {
        signal_request_do(d, index, r, &more.signal.signal, now);
        return;
    }
    if (UNLIKELY(r->kind == GATEWAY_ROUTE || r->kind == GATEWAY_ROUTE_CANCEL)) {
        route_request_do(d, index, &who, r, now);
        return;
    }
    if (r->kind == GATEWAY_ENTER) {
        refusal = client_may(d, index, now);
        if (LIKELY(refusal == REFUSAL_NONE))
            refusal = enter(d, c, &who, r, &more.options, &order);
        if (UNLIKELY(refusal != REFUSAL_NONE))
            order = OWN_NONE;
    } else if (LIKELY(r->kind > GATEWAY_ENTER && r->kind <= GATEWAY_CANCEL)) {
        refusal = change(d, index, &who, r, now);
    } else {
        client_cut(d, index, TICKGATE_REQUEST);
        return;
    }
    d->lane->count->client_refused += refusal != REFUSAL_NONE;
    c->refused += refusal != REFUSAL_NONE;
    a.kind = TICKGATE_DONE;
    a.order = order;
    if (order != OWN_NONE && refusal != REFUSAL_UNKNOWN_ORDER) {
        answer_order(&a, orders_at(&d->orders, order), order);
        if (r->kind != GATEWAY_ENTER)
            a.route = desk_route_of_order(d, order);
    }
    if (UNLIKELY(refusal != REFUSAL_NONE))
        answer_refused(d, who.strategy, refusal, &a);
    answer_put(d, index, &a);
}

static uint32_t requests_take(struct desk *d, uint32_t index, uint64_t now)
{
    struct desk_gateway *dg = d->gateway;
    struct gateway_pipe *p = &dg->gateway->clients[index].pipe;
    struct gateway_request r;
    uint32_t taken = 0;
    while (taken < GATEWAY_REQUESTS_A_TURN && dg->on >> index & 1) {
        const enum pipe_look look = pipe_take(p, &r);
        if (LIKELY(look == PIPE_EMPTY))
            break;
        if (UNLIKELY(look == PIPE_BROKEN)) {
            client_cut(d, index, TICKGATE_INDEX);
            break;
        }
        request_do(d, index, &r, now);
        taken++;
    }
    d->lane->count->client_requests += taken;
    dg->gateway->clients[index].taken += taken;
    return taken;
}

uint32_t desk_gateway_turn(struct desk *d, uint64_t now)
{
    struct desk_gateway *dg = d->gateway;
    uint32_t work = 0;
    if (dg == NULL)
        return 0;
    const uint32_t bell = atomic_load_explicit(&dg->gateway->bell, memory_order_acquire);
    if (UNLIKELY(bell != dg->bell_seen)) {
        dg->bell_seen = bell;
        clients_review(d);
    }
    for (uint32_t bits = dg->on; bits; bits &= bits - 1)
        work += requests_take(d, (uint32_t)__builtin_ctz(bits), now);
    if (UNLIKELY(dg->leaving))
        leaving_review(d);
    return work;
}

// --- set-up ---

uint64_t desk_gateway_bytes(uint32_t orders, uint32_t routes)
{
    return ((uint64_t)orders + routes) * sizeof(uint32_t);
}

void desk_gateway_init(struct desk *d, struct desk_gateway *dg, struct gateway *gateway,
                       void *memory)
{
    *dg = (struct desk_gateway){
        .gateway = gateway, .door = gateway, .attachment_of = memory, .others = d->told};
    d->gateway = dg;
    d->told = tell_client;
    if (d->routes == NULL)
        return;
    dg->routes_of = dg->attachment_of + d->orders.capacity;
    dg->other_routes = d->routes->told;
    d->routes->told = tell_client_route;
}
