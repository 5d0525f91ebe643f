// Hot path, but for set-up. The account of routed orders.
#include <stddef.h>
#include <string.h>

#include "dataplane/order/route.h"

uint64_t routes_bytes(uint32_t routes, uint32_t orders)
{
    return cache_lines((uint64_t)routes * sizeof(struct route)) +
           cache_lines((uint64_t)orders * sizeof(struct route_of)) +
           cache_lines((uint64_t)routes * sizeof(uint32_t));
}

void routes_init(struct route_table *t, uint32_t routes, uint32_t orders, void *memory)
{
    uint8_t *p = memory;
    memset(t, 0, sizeof *t);
    t->capacity = t->ended_count = routes;
    t->order_capacity = orders;
    t->routes = (struct route *)(void *)p;
    p += cache_lines((uint64_t)routes * sizeof(struct route));
    t->of = (struct route_of *)(void *)p;
    p += cache_lines((uint64_t)orders * sizeof(struct route_of));
    t->ended = (uint32_t *)(void *)p;
    for (uint32_t i = 0; i < routes; i++)
        t->ended[i] = i;
}

uint32_t route_open(struct route_table *t, const struct route_new *n)
{
    if (UNLIKELY(t->ended_count == 0))
        return ROUTE_NONE;
    const uint32_t index = t->ended[t->ended_first];
    struct route *r = &t->routes[index];
    t->ended_first = t->ended_first + 1 == t->capacity ? 0 : t->ended_first + 1;
    t->ended_count--;
    const uint32_t generation = r->generation + 1;
    memset(r, 0, offsetof(struct route, children));
    r->generation = generation;
    r->client_id = n->client_id;
    r->quantity = n->quantity;
    r->limit = n->limit;
    r->account = n->account;
    r->strategy = n->strategy;
    r->instrument = n->instrument;
    r->allowed = n->allowed;
    r->how = n->how;
    r->rest = n->rest;
    r->side = n->side;
    for (uint32_t i = 0; i < SESSIONS_MAX; i++)
        r->children[i] = (struct route_child){.order = OWN_NONE};
    return index;
}

void route_close(struct route_table *t, uint32_t route, enum route_ending ending)
{
    struct route *r = &t->routes[route];
    r->ending = (uint8_t)ending;
    uint32_t at = t->ended_first + t->ended_count;
    t->ended[at >= t->capacity ? at - t->capacity : at] = route;
    t->ended_count++;
}

void route_child_add(struct route_table *t, uint32_t route, uint32_t venue, uint32_t index,
                     const struct own_order *o)
{
    struct route *r = &t->routes[route];
    r->children[venue] = (struct route_child){index, o->generation, o->quantity, o->open};
    r->open += o->open;
    r->alive++;
    t->of[index] = (struct route_of){route + 1, r->generation, o->generation};
}

uint32_t route_of_order(const struct route_table *t, uint32_t index, uint32_t generation)
{
    const struct route_of *of = &t->of[index];
    if (of->route == 0 || of->order_generation != generation ||
        t->routes[of->route - 1].generation != of->route_generation)
        return ROUTE_NONE;
    return of->route - 1;
}

// The child is over: did it do what it was sent for, and did we want it?
static void child_over(struct route *r, const struct own_order *o, uint32_t venue)
{
    r->alive--;
    r->due = true;
    if (!(o->flags & ORDER_ACCEPTED))
        r->failed |= (uint16_t)(1u << venue);
    if (o->filled < o->quantity)
        r->spent |= (uint16_t)(1u << venue);
    if (o->cancels || o->waits & WAIT_CANCEL || o->flags & ORDER_CANCEL_QUEUED)
        r->stopping = true; // what we took back is sent nowhere else
}

uint32_t route_report(struct route_table *t, uint32_t index, const struct own_order *o,
                      const struct order_outcome *out)
{
    // An execution that came after the order's place was taken again has no place.
    if (UNLIKELY(index >= t->order_capacity))
        return ROUTE_NONE;
    const uint32_t route = route_of_order(t, index, o->generation);
    if (route == ROUTE_NONE)
        return ROUTE_NONE;
    struct route *r = &t->routes[route];
    struct route_child *c = &r->children[o->session];
    r->used += out->executed; // nothing with a correction: it was taken when it executed
    if (out->did & DID_FILL)
        r->filled += out->shares;
    if (out->did & DID_BREAK)
        r->filled -= out->broken_shares;
    if (LIKELY(c->order == index && c->generation == o->generation)) {
        const uint32_t open = o->life == LIFE_DEAD ? 0 : o->open;
        r->open += open - c->open;
        c->open = open;
        if (o->life == LIFE_DEAD) {
            c->order = OWN_NONE;
            child_over(r, o, o->session);
        }
    }
    const uint64_t taken = (uint64_t)r->used + r->open;
    const uint32_t excess = taken > r->quantity ? (uint32_t)(taken - r->quantity) : 0;
    if (UNLIKELY(excess > r->excess)) {
        t->excess += excess - r->excess;
        r->excess = excess;
    }
    return route;
}
