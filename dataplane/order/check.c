// Invariants of the order table: walks everything. Tests only.
#include <stdio.h>
#include <string.h>

#include "dataplane/order/order.h"

#define HOLDS(cond, ...)                         \
    do {                                         \
        if (!(cond)) {                           \
            snprintf(why, why_len, __VA_ARGS__); \
            return false;                        \
        }                                        \
    } while (0)

static bool order_holds(const struct order_table *t, uint32_t i, char *why, uint32_t why_len)
{
    const struct own_order *o = &t->orders[i];
    HOLDS(o->life < LIVES && o->waits < WAITS, "order %u: life %u, waits %u", i, o->life, o->waits);
    HOLDS((o->waits & WAIT_CHANGE) != WAIT_CHANGE, "order %u: replace and modify", i);
    HOLDS(o->life != LIFE_PENDING || !(o->waits & WAIT_CHANGE), "order %u: pending, changes", i);
    if (o->life == LIFE_DEAD)
        HOLDS(!o->waits && !o->open && !(o->flags & (ORDER_TIMED | ORDER_CANCEL_QUEUED)),
              "order %u: dead with something left", i);
    else
        HOLDS(o->open > 0 && o->open <= o->quantity && orders_find(t, o->session, o->ref) == i,
              "order %u: %u open of %u, reference %u", i, o->open, o->quantity, o->ref);
    return true;
}

static bool session_holds(const struct order_table *t, uint32_t session, uint32_t *open, char *why,
                          uint32_t why_len)
{
    const struct order_session *s = &t->sessions[session];
    uint32_t n = 0, cancels = 0;
    for (uint32_t i = s->open.first; i != OWN_NONE && n <= t->capacity; i = t->orders[i].open_next)
        HOLDS(t->orders[i].life != LIFE_DEAD && t->orders[i].session == session && ++n,
              "session %u: order %u in its list", session, i);
    HOLDS(n == s->open_count, "session %u: %u open, counted %u", session, n, s->open_count);
    for (uint32_t i = s->cancels.first; i != OWN_NONE && cancels <= t->capacity;
         i = t->orders[i].cancel_next)
        HOLDS(t->orders[i].flags & ORDER_CANCEL_QUEUED && t->orders[i].session == session &&
                  ++cancels,
              "session %u: order %u in its queue", session, i);
    HOLDS(cancels == s->cancel_count, "session %u: %u cancels, counted %u", session, cancels,
          s->cancel_count);
    *open += n;
    return true;
}

bool orders_check(const struct order_table *t, char *why, uint32_t why_len)
{
    uint32_t live = 0, listed = 0, timed = 0, timers = 0, dead = 0;
    uint64_t at = 0;
    for (uint32_t i = 0; i < t->capacity; i++) {
        if (!order_holds(t, i, why, why_len))
            return false;
        live += t->orders[i].life != LIFE_DEAD;
        timed += (t->orders[i].flags & ORDER_TIMED) != 0;
    }
    for (uint32_t s = 0; s < SESSIONS_MAX; s++)
        if (!session_holds(t, s, &listed, why, why_len))
            return false;
    for (uint32_t i = t->timers.first; i != OWN_NONE; i = t->orders[i].timer_next) {
        HOLDS(++timers <= t->capacity && t->orders[i].silent_at >= at, "timer of order %u", i);
        at = t->orders[i].silent_at;
    }
    for (uint32_t i = 0; i < t->ended_count; i++)
        dead += t->orders[t->ended[(t->ended_first + i) % t->capacity]].life == LIFE_DEAD;
    HOLDS(live == listed, "%u live, %u listed", live, listed);
    HOLDS(timed == timers, "%u with a timer, %u listed", timed, timers);
    HOLDS(dead == t->ended_count && dead + live == t->capacity, "%u free, %u live of %u", dead,
          live, t->capacity);
    return true;
}
