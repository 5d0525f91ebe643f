// The account of routed orders, by counting.
#include <stdio.h>

#include "dataplane/order/route.h"

#define HOLDS(cond, ...)                         \
    do {                                         \
        if (!(cond)) {                           \
            snprintf(why, why_len, __VA_ARGS__); \
            return false;                        \
        }                                        \
    } while (0)

static bool route_holds(const struct route_table *t, const struct order_table *orders,
                        uint32_t index, char *why, uint32_t why_len)
{
    const struct route *r = &t->routes[index];
    uint64_t open = 0;
    uint32_t alive = 0;
    for (uint32_t v = 0; v < SESSIONS_MAX; v++) {
        const struct route_child *c = &r->children[v];
        if (c->order == OWN_NONE)
            continue;
        const struct own_order *o = orders_at(orders, c->order);
        HOLDS(o->generation == c->generation && o->life != LIFE_DEAD,
              "route %u: child at venue %u is not alive", index, v);
        HOLDS(o->open == c->open, "route %u: venue %u has %u open, known %u", index, v, o->open,
              c->open);
        HOLDS(route_of_order(t, c->order, o->generation) == index,
              "route %u: child at venue %u does not know it", index, v);
        open += o->open;
        alive++;
    }
    HOLDS(open == r->open && alive == r->alive, "route %u: %u open, %u alive, counted %llu and %u",
          index, r->open, r->alive, (unsigned long long)open, alive);
    HOLDS((uint64_t)r->used + r->open + route_remainder(r) == (uint64_t)r->quantity + r->excess ||
              r->excess > 0,
          "route %u: %u used, %u open, %u left of %u", index, r->used, r->open, route_remainder(r),
          r->quantity);
    HOLDS(r->alive || !route_works(r), "route %u: works without a child", index);
    return true;
}

bool routes_check(const struct route_table *t, const struct order_table *orders, char *why,
                  uint32_t why_len)
{
    uint32_t works = 0;
    for (uint32_t i = 0; i < t->capacity; i++) {
        if (!route_works(&t->routes[i]))
            continue;
        works++;
        if (!route_holds(t, orders, i, why, why_len))
            return false;
    }
    HOLDS(works + t->ended_count == t->capacity, "%u routes work, %u are free of %u", works,
          t->ended_count, t->capacity);
    return true;
}
