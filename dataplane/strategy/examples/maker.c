// A market maker: one buy order below and one sell order above the middle of a symbol, moved when
// the best prices move, taken away when the book is not good.
//
// Parameters: 0 shares a side, 1 distance from the middle (price4), 2 largest position (shares).
#include "dataplane/strategy/strategy.h"

enum { TICK = 100, NO_ORDER = UINT32_MAX };

struct quote {
    uint32_t order; // NO_ORDER: none
    uint32_t price;
    uint32_t filled;
    bool settled; // the exchange has answered the last change
};

struct maker {
    struct strategy_setup setup;
    struct quote quotes[2]; // buy, sell
};

static bool start(void *state, const struct strategy_setup *setup, const char **why)
{
    struct maker *m = state;
    m->setup = *setup;
    m->quotes[0].order = m->quotes[1].order = NO_ORDER;
    if (setup->symbol_count != 1 || setup->parameters.count < 3 || setup->parameters.value[0] < 1 ||
        setup->parameters.value[0] > 999999) {
        *why = "wants one symbol and three parameters: shares, distance, position";
        return false;
    }
    return true;
}

static void quote(struct maker *m, int side, uint32_t price, bool wanted)
{
    const struct strategy_calls *calls = m->setup.calls;
    struct quote *q = &m->quotes[side];
    const uint32_t shares = (uint32_t)m->setup.parameters.value[0];
    if (q->order == NO_ORDER && wanted) {
        const struct strategy_order ask = {.client_id = (uint64_t)side,
                                           .quantity = shares,
                                           .price = price,
                                           .symbol = m->setup.symbols[0],
                                           .side = side ? 'S' : 'B',
                                           .time_in_force = '0',
                                           .display = 'Y'};
        if (calls->submit(m->setup.host, &ask, &q->order) != 0)
            q->order = NO_ORDER;
        q->price = price;
        q->filled = 0;
        q->settled = false;
    } else if (q->order != NO_ORDER && !wanted) {
        calls->cancel(m->setup.host, q->order);
    } else if (q->order != NO_ORDER && q->settled && q->price != price) {
        if (calls->replace(m->setup.host, q->order, q->filled + shares, price) != 0)
            return;
        q->price = price;
        q->settled = false;
    }
}

static void best(void *state, const struct strategy_best *b)
{
    struct maker *m = state;
    struct strategy_position position = {.shares = 0};
    const int64_t distance = m->setup.parameters.value[1], most = m->setup.parameters.value[2];
    const bool good = b->quality == 0 && b->bid && b->ask && b->bid < b->ask;
    const int64_t middle = ((int64_t)b->bid + b->ask) / 2;
    m->setup.calls->position(m->setup.host, b->symbol, &position);
    const int64_t buy = (middle - distance) / TICK * TICK;
    const int64_t sell = (middle + distance + TICK - 1) / TICK * TICK;
    quote(m, 0, (uint32_t)buy, good && buy > 0 && position.shares < most);
    quote(m, 1, (uint32_t)sell, good && position.shares > -most);
}

static void order(void *state, const struct strategy_report *r)
{
    struct maker *m = state;
    struct quote *q = &m->quotes[r->client_id & 1];
    if (r->order != q->order)
        return;
    q->filled = r->filled;
    q->price = r->price;
    q->settled = true;
    if (r->state == STRATEGY_DEAD)
        q->order = NO_ORDER;
}

static void parameters(void *state, const struct strategy_parameters *p)
{
    struct maker *m = state;
    if (p->count >= 3 && p->value[0] >= 1 && p->value[0] <= 999999)
        m->setup.parameters = *p;
}

const struct strategy tickgate_strategy = {
    .interface = STRATEGY_INTERFACE,
    .state_bytes = sizeof(struct maker),
    .name = "maker",
    .start = start,
    .best = best,
    .quality = best,
    .order = order,
    .parameters = parameters,
    .parameter_names = {"shares", "distance", "position"},
};
