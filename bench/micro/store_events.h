// A made-up day of trading as events of one lane, the same for the same seed: orders that are
// refused, sent, accepted, executed in part, cancelled, and now and then something else: one of a
// durable session, gated again and sent or not.
#pragma once

#include <string.h>

#include "controlplane/journal/format.h"

enum { STORE_ORDERS_OPEN = 64, STORE_TICKS_NS = 2, STORE_STEP_RELEASED = 100 };

struct store_events {
    uint64_t random;
    uint64_t sequence; // of the last event
    uint64_t tsc;
    uint32_t gap_ticks; // between two orders
    uint32_t ref;
    uint32_t instruments, accounts;
    uint32_t step;      // of the order in work
    uint64_t decision;  // its sequence
    bool refused_later; // gated again
    struct event_decision order;
};

static inline uint64_t store_random(struct store_events *g, uint64_t below)
{
    g->random = g->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (g->random >> 33) % below;
}

static inline void store_events_init(struct store_events *g, uint64_t seed, uint64_t tsc)
{
    *g = (struct store_events){
        .random = seed * 2 + 1, .tsc = tsc, .gap_ticks = 20000, .instruments = 500, .accounts = 8};
}

static inline void store_order_begin(struct store_events *g)
{
    struct event_decision *o = &g->order;
    memset(o, 0, sizeof *o);
    g->tsc += 1 + store_random(g, 2 * (uint64_t)g->gap_ticks);
    o->client_id = ~(uint64_t)g->ref; // above 2^63
    o->ref = ++g->ref;
    o->order = g->ref % STORE_ORDERS_OPEN;
    o->quantity = 100 * (1 + (uint32_t)store_random(g, 10));
    o->bid = 1000000 + 100 * (uint32_t)store_random(g, 100);
    o->ask = o->bid + 100;
    o->bid_shares = o->ask_shares = 500;
    o->side = store_random(g, 2) ? 'B' : 'S';
    o->price = o->side == 'B' ? o->ask : o->bid;
    o->account = (uint16_t)store_random(g, g->accounts);
    o->strategy = o->account;
    o->instrument = (uint16_t)store_random(g, g->instruments);
    o->session = (uint8_t)(o->instrument % 2);
    o->kind = 'O';
    o->time_in_force = '0';
    o->display = 'Y';
    o->limits_version = 3;
    o->started = 200 + (uint32_t)store_random(g, 100);
    o->gated = o->started + 100;
    o->checks = 0x3fffe;
    if (store_random(g, 20) == 0) {
        o->refusal = REFUSAL_POSITION;
        o->order = UINT32_MAX;
        o->ref = 0;
        o->value = 10100;
        o->limit = 10000;
        return;
    }
    o->encoded = o->gated + 60;
    if (o->ref % 8 == 0)
        o->checks |= CHECKS_OF_MARKET;
}

static inline void store_order_told(const struct store_events *g, struct event *e, uint8_t message)
{
    const struct event_decision *o = &g->order;
    e->type = EVENT_ORDER;
    e->order = (struct event_order){.client_id = o->client_id,
                                    .exchange_ns = g->tsc,
                                    .exchange_ref = 7000000 + o->ref,
                                    .order = o->order,
                                    .ref = o->ref,
                                    .did = 1,
                                    .open = o->quantity,
                                    .price = o->price,
                                    .account = o->account,
                                    .strategy = o->strategy,
                                    .instrument = o->instrument,
                                    .session = o->session,
                                    .message = message,
                                    .life = 1,
                                    .side = o->side};
}

static inline void store_rare(struct store_events *g, struct event *e)
{
    static const uint16_t types[] = {
        EVENT_ORDER_SESSION, EVENT_KILL,          EVENT_KILL_DONE,      EVENT_LIFTED,
        EVENT_LIMITS,        EVENT_TRADING_STATE, EVENT_GOVERNED,       EVENT_ROUTE,
        EVENT_ROUTE_VENUE,   EVENT_ROUTE_END,     EVENT_UNCLAIMED,      EVENT_STRATEGY,
        EVENT_GAP_OPEN,      EVENT_SYSTEM_EVENT,  EVENT_CLIENT_ATTACHED};
    e->type = types[store_random(g, sizeof types / sizeof *types)];
    if (e->type == EVENT_GOVERNED)
        strcpy(e->governed.reason, "it's \"wrong\" \\ \x01\xff");
    if (e->type == EVENT_SYSTEM_EVENT)
        e->system_event.code = 'Q';
    if (e->type == EVENT_UNCLAIMED)
        memcpy(e->unclaimed.symbol, "AAPL    ", 8);
}

static inline void store_sent(const struct store_events *g, struct event *e, uint16_t type)
{
    const struct event_decision *o = &g->order;
    e->type = type;
    e->order_sent = (struct event_order_sent){.decision = g->decision,
                                              .order = o->order,
                                              .ref = o->ref,
                                              .handed = o->encoded + 80,
                                              .session = o->session,
                                              .kind = o->kind};
}

// The decision is gated again; one in four is refused now.
static inline void store_released(struct store_events *g, struct event *e)
{
    const struct event_decision *o = &g->order;
    g->refused_later = store_random(g, 4) == 0;
    g->tsc += 100000;
    e->type = EVENT_ORDER_RELEASED;
    e->order_released = (struct event_order_released){.decision = g->decision,
                                                      .parked = 100000,
                                                      .order = o->order,
                                                      .ref = o->ref,
                                                      .limits_version = 4,
                                                      .bid = o->bid,
                                                      .ask = o->ask,
                                                      .instrument = o->instrument,
                                                      .session = o->session,
                                                      .kind = o->kind};
    if (g->refused_later) {
        e->order_released.refusal = REFUSAL_NOTIONAL;
        e->order_released.value = 501;
        e->order_released.limit = 500;
    }
}

// The next event.
static inline void store_events_next(struct store_events *g, struct event *e)
{
    memset(e, 0, sizeof *e);
    if (g->step == 0)
        store_order_begin(g);
    const struct event_decision *o = &g->order;
    switch (g->step++) {
    case 0:
        e->type = EVENT_DECISION;
        e->decision = *o;
        if (o->refusal)
            g->step = 0;
        break;
    case 1:
        g->decision = g->sequence;
        if (store_random(g, 40) == 0) {
            store_released(g, e);
            g->step = STORE_STEP_RELEASED;
            break;
        }
        store_sent(g, e, EVENT_ORDER_SENT);
        break;
    case STORE_STEP_RELEASED:
        store_sent(g, e, g->refused_later ? EVENT_ORDER_NOT_SENT : EVENT_ORDER_SENT);
        e->order_sent.refusal = g->refused_later ? REFUSAL_NOTIONAL : REFUSAL_NONE;
        g->step = g->refused_later ? 0 : 2;
        break;
    case 2: store_order_told(g, e, 0); break;
    case 3:
        if (store_random(g, 2)) {
            store_order_told(g, e, 5);
            e->order.match = g->sequence;
            e->order.fill_shares = o->quantity / 2;
            e->order.filled = e->order.fill_shares;
            e->order.open = o->quantity - e->order.filled;
            e->order.fill_price = o->price;
            e->order.liquidity = 'R';
            if (store_random(g, 500) == 0) { // a correction
                e->order.broken_shares = 10;
                e->order.broken_price = o->price + 100;
            }
            break;
        }
        g->step = 5;
        __attribute__((fallthrough));
    case 4:
        e->type = EVENT_CANCEL_SENT;
        e->cancel_sent = (struct event_cancel_sent){
            .order = o->order, .ref = o->ref, .session = o->session, .cancels = 1};
        break;
    case 5:
        store_order_told(g, e, 4);
        e->order.open = 0;
        e->order.life = 3;
        if (store_random(g, 100))
            g->step = 0;
        break;
    default: store_rare(g, e); g->step = 0;
    }
    e->sequence = ++g->sequence;
    e->tsc = g->tsc;
}
