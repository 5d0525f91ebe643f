// Hot path. Which venue gets how many shares.
#include "dataplane/order/route.h"

#include <string.h>

HOT_INLINE bool within(const struct route_wish *w, uint32_t price)
{
    return w->sells ? price >= w->limit : price <= w->limit;
}

// Who is preferred among the venues of <open> (bits), each at its next price.
HOT_INLINE uint32_t preferred(const struct route_wish *w, const struct route_offer *offers,
                              const struct route_venue *venues, const uint32_t *level,
                              uint32_t open)
{
    uint32_t best = (uint32_t)__builtin_ctz(open);
    uint32_t price = w->rests ? w->limit : offers[best].levels[level[best]].price;
    for (open &= open - 1; open; open &= open - 1) { // at most SESSIONS_MAX
        const uint32_t v = (uint32_t)__builtin_ctz(open);
        const uint32_t at = w->rests ? w->limit : offers[v].levels[level[v]].price;
        if (route_prefers_second(w->sells, w->rests, &venues[best], price, &venues[v], at)) {
            best = v;
            price = at;
        }
    }
    return best;
}

HOT_INLINE void share_add(struct route_plan *p, uint8_t *share_of, uint32_t venue,
                          uint32_t quantity, uint32_t price)
{
    if (share_of[venue] == 0) {
        p->shares[p->count].venue = (uint8_t)venue;
        p->shares[p->count].quantity = 0;
        share_of[venue] = (uint8_t)++p->count;
        p->verdicts[venue] = VENUE_TAKES;
    }
    struct route_share *s = &p->shares[share_of[venue] - 1];
    s->quantity += quantity;
    s->price = price;
    p->unplaced -= quantity;
}

// Who may take a share at all; VENUE_LATER until it does.
static uint32_t open_venues(const struct route_wish *w, const struct route_offer *offers,
                            uint32_t count, struct route_plan *p)
{
    uint32_t open = 0;
    for (uint32_t v = 0; v < count; v++) {
        const struct route_offer *o = &offers[v];
        p->verdicts[v] = o->verdict;
        if (o->verdict != VENUE_TAKES)
            continue;
        const bool can = w->rests || (o->level_count && within(w, o->levels[0].price));
        p->verdicts[v] = can ? VENUE_LATER : VENUE_PRICE;
        open |= can ? 1u << v : 0;
    }
    return open;
}

void route_plan(const struct route_wish *w, const struct route_offer *offers,
                const struct route_venue *venues, uint32_t count, struct route_plan *p)
{
    uint32_t level[SESSIONS_MAX] = {0};
    uint8_t share_of[SESSIONS_MAX] = {0}; // + 1
    uint32_t rank = 0;
    p->count = p->best = 0;
    p->unplaced = w->quantity;
    memset(p->ranks, 0, sizeof p->ranks);
    uint32_t open = open_venues(w, offers, count, p);
    // Every step takes a level or a venue away: at most ROUTE_LEVELS x SESSIONS_MAX of them.
    while (open) {
        const uint32_t v = preferred(w, offers, venues, level, open);
        const struct route_offer *o = &offers[v];
        if (level[v] == 0)
            p->ranks[v] = (uint8_t)++rank;
        if (p->best == 0)
            p->best = w->rests ? w->limit : o->levels[0].price;
        if (p->unplaced == 0) { // only ranks are still wanted
            open &= ~(1u << v);
            continue;
        }
        if (w->rests || w->how == ROUTE_BEST) {
            share_add(p, share_of, v, p->unplaced, w->limit);
            open &= ~(1u << v);
            continue;
        }
        const struct route_level *l = &o->levels[level[v]];
        const uint32_t take = l->shares < p->unplaced ? (uint32_t)l->shares : p->unplaced;
        if (take)
            share_add(p, share_of, v, take, l->price);
        level[v]++;
        if (w->how != ROUTE_SWEEP || level[v] == o->level_count ||
            !within(w, o->levels[level[v]].price))
            open &= ~(1u << v);
    }
}
