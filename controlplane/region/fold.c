#include "controlplane/region/fold.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = FOLD_ORDERS_MAX * 2 };
_Static_assert((SLOTS & (SLOTS - 1)) == 0, "a mask finds the slot");

bool order_fold_init(struct order_fold *fold)
{
    memset(fold, 0, sizeof *fold);
    fold->slots = calloc(SLOTS, sizeof *fold->slots);
    return fold->slots != NULL;
}

void order_fold_free(struct order_fold *fold)
{
    free(fold->slots);
    fold->slots = NULL;
}

void order_fold_reset(struct order_fold *fold)
{
    struct folded_order *slots = fold->slots;
    memset(slots, 0, SLOTS * sizeof *slots);
    memset(fold, 0, sizeof *fold);
    fold->slots = slots;
}

// --- the table: linear probing, at most half full ---

static uint32_t home_of(uint32_t lane, uint32_t order)
{
    return ((order ^ lane << 27) * 0x9E3779B1u) >> 8 & (SLOTS - 1);
}

static struct folded_order *find(const struct order_fold *fold, uint32_t lane, uint32_t order)
{
    for (uint32_t at = home_of(lane, order); fold->slots[at].used; at = (at + 1) & (SLOTS - 1))
        if (fold->slots[at].order == order && fold->slots[at].lane == lane)
            return &fold->slots[at];
    return NULL;
}

// The order's slot, cleared if it is new; null: the table is full.
static struct folded_order *place(struct order_fold *fold, uint32_t lane, uint32_t order)
{
    uint32_t at = home_of(lane, order);
    while (fold->slots[at].used) {
        if (fold->slots[at].order == order && fold->slots[at].lane == lane)
            return &fold->slots[at];
        at = (at + 1) & (SLOTS - 1);
    }
    if (fold->count >= FOLD_ORDERS_MAX) {
        fold->not_kept++;
        return NULL;
    }
    fold->count++;
    fold->slots[at] = (struct folded_order){.used = true, .lane = (uint8_t)lane, .order = order};
    return &fold->slots[at];
}

// What stands behind moves up, so that no search ends at a hole before its order.
static void take_out(struct order_fold *fold, struct folded_order *order)
{
    uint32_t hole = (uint32_t)(order - fold->slots);
    for (uint32_t at = (hole + 1) & (SLOTS - 1); fold->slots[at].used;
         at = (at + 1) & (SLOTS - 1)) {
        const uint32_t home = home_of(fold->slots[at].lane, fold->slots[at].order);
        if (((at - home) & (SLOTS - 1)) < ((at - hole) & (SLOTS - 1)))
            continue;
        fold->slots[hole] = fold->slots[at];
        hole = at;
    }
    fold->slots[hole].used = false;
    fold->count--;
}

// --- events ---

static void decided(struct order_fold *fold, const struct event *event, uint64_t utc_ns)
{
    const struct event_decision *e = &event->decision;
    struct folded_order *o;
    if (e->refusal != REFUSAL_NONE)
        return;
    if (e->kind != 'O') {
        o = find(fold, event->lane, e->order);
        if (o == NULL)
            return;
        o->waits |= e->kind == 'U' ? FOLD_REPLACE : FOLD_MODIFY;
        o->change_total = e->quantity;
        o->change_price = e->price;
        return;
    }
    o = place(fold, event->lane, e->order);
    if (o == NULL)
        return;
    *o = (struct folded_order){.used = true,
                               .lane = event->lane,
                               .session = e->session,
                               .life = FOLD_PENDING,
                               .side = (char)e->side,
                               .time_in_force = (char)e->time_in_force,
                               .display = (char)e->display,
                               .account = e->account,
                               .strategy = e->strategy,
                               .instrument = e->instrument,
                               .order = e->order,
                               .ref = e->ref,
                               .price = e->price,
                               .open = e->quantity,
                               .client_id = e->client_id,
                               .since_ns = utc_ns};
}

static void not_sent(struct order_fold *fold, const struct event *event)
{
    struct folded_order *o = find(fold, event->lane, event->order_sent.order);
    if (o && event->order_sent.kind == 'O')
        take_out(fold, o);
    else if (o)
        o->waits &= (uint8_t) ~(FOLD_REPLACE | FOLD_MODIFY);
}

static void reported(struct order_fold *fold, const struct event *event, uint64_t utc_ns)
{
    const struct event_order *e = &event->order;
    struct folded_order *o = find(fold, event->lane, e->order);
    if (e->order == UINT32_MAX) // about an execution whose order has lost its place
        return;
    if (e->life >= FOLD_DEAD) {
        if (o)
            take_out(fold, o);
        return;
    }
    if (o == NULL) { // taken over from an earlier run, or its beginning was missed
        o = place(fold, event->lane, e->order);
        if (o == NULL)
            return;
        o->since_ns = utc_ns;
    }
    o->session = e->session;
    o->life = e->life;
    o->waits = e->waits;
    o->side = (char)e->side;
    o->account = e->account;
    o->strategy = e->strategy;
    o->instrument = e->instrument;
    o->ref = e->ref;
    o->price = e->price;
    o->open = e->open;
    o->filled = e->filled;
    o->client_id = e->client_id;
    o->exchange_ref = e->exchange_ref;
}

void order_fold_event(struct order_fold *fold, uint32_t source, const struct event *event,
                      uint64_t utc_ns)
{
    struct folded_order *o;
    if (source < FOLD_SOURCES_MAX) {
        if (event->sequence < fold->next[source])
            return; // told twice
        if (fold->next[source] && event->sequence != fold->next[source])
            fold->missed++;
        fold->next[source] = event->sequence + 1;
    }
    switch (event->type) {
    case EVENT_OVERRUN: fold->missed += event->overrun.lost; break;
    case EVENT_DECISION: decided(fold, event, utc_ns); break;
    case EVENT_ORDER_NOT_SENT: not_sent(fold, event); break;
    case EVENT_ORDER: reported(fold, event, utc_ns); break;
    case EVENT_CANCEL_SENT:
        o = find(fold, event->lane, event->cancel_sent.order);
        if (o)
            o->waits |= FOLD_CANCEL;
        break;
    default: break;
    }
}
