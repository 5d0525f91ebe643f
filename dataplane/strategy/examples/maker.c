// A market maker: one buy order below and one sell order above the middle of a symbol, moved when
// the best prices move, taken away when the book is not good. It quotes at one venue.
//
// Parameters: 0 shares a side, 1 distance from the middle (price4), 2 largest position (shares),
// also when the quotes that are open execute, 3 venue: fixed while it runs; without it the first
// that takes a quote.
#include "dataplane/strategy/strategy.h"

enum { TICK = 100, NO_ORDER = UINT32_MAX, NO_VENUE = -1 };

struct quote {
    uint32_t order; // NO_ORDER: none
    uint32_t price;
    uint32_t filled;
    uint32_t open;
    bool settled; // the exchange has answered the last change
};

struct maker {
    struct strategy_setup setup;
    struct quote quotes[2]; // buy, sell
    int64_t venue;          // NO_VENUE: none yet
};

static bool parameters_fit(const struct strategy_setup *setup, const struct strategy_parameters *p)
{
    const int64_t *value = p->value;
    return p->count >= 3 && value[0] >= 1 && value[0] <= 999999 && value[1] >= 0 &&
           value[1] <= INT32_MAX && value[2] >= 0 && value[2] <= INT64_MAX / 2 &&
           (p->count == 3 || (value[3] >= 0 && value[3] < (int64_t)setup->venue_count));
}

static bool start(void *state, const struct strategy_setup *setup, const char **why)
{
    struct maker *m = state;
    m->setup = *setup;
    m->quotes[0].order = m->quotes[1].order = NO_ORDER;
    m->venue = setup->parameters.count > 3 ? setup->parameters.value[3] : NO_VENUE;
    *why = "wants one symbol and three or four parameters: shares, distance, position, venue";
    return setup->symbol_count == 1 && parameters_fit(setup, &setup->parameters);
}

// <most>: shares that may be open; none: no quote.
static void quote(struct maker *m, int side, uint8_t venue, uint32_t price, int64_t most)
{
    const struct strategy_calls *calls = m->setup.calls;
    struct quote *q = &m->quotes[side];
    const int64_t usual = m->setup.parameters.value[0];
    const uint32_t shares = (uint32_t)(most < usual ? most : usual);
    if (q->order == NO_ORDER && most > 0) {
        const struct strategy_order ask = {.client_id = (uint64_t)side,
                                           .quantity = shares,
                                           .price = price,
                                           .symbol = m->setup.symbols[0],
                                           .venue = venue,
                                           .side = side ? 'S' : 'B',
                                           .time_in_force = '0',
                                           .display = 'Y'};
        if (calls->submit(m->setup.host, &ask, &q->order) != 0)
            q->order = NO_ORDER;
        else
            m->venue = venue;
        q->price = price;
        q->filled = 0;
        q->open = shares;
        q->settled = false;
    } else if (q->order != NO_ORDER && most <= 0) {
        calls->cancel(m->setup.host, q->order);
    } else if (q->order != NO_ORDER && q->settled && (q->price != price || q->open > most)) {
        if (calls->replace(m->setup.host, q->order, q->filled + shares, price) != 0)
            return;
        q->price = price;
        q->settled = false;
    }
}

static void best(void *state, const struct strategy_best *b)
{
    struct maker *m = state;
    const struct strategy_calls *calls = m->setup.calls;
    struct strategy_best at = *b;
    struct strategy_position position = {.shares = 0};
    const int64_t distance = m->setup.parameters.value[1], most = m->setup.parameters.value[2];
    if (m->venue != NO_VENUE && !calls->best(m->setup.host, (uint8_t)m->venue, b->symbol, &at))
        return; // its venue has no such symbol
    const bool good = at.quality == 0 && at.bid && at.ask && at.bid < at.ask;
    const int64_t middle = ((int64_t)at.bid + at.ask) / 2;
    calls->position(m->setup.host, b->symbol, &position);
    const int64_t buy = (middle - distance) / TICK * TICK;
    const int64_t sell = (middle + distance + TICK - 1) / TICK * TICK;
    quote(m, 0, at.venue, (uint32_t)buy, good && buy > 0 ? most - position.shares : 0);
    quote(m, 1, at.venue, (uint32_t)sell, good && sell <= UINT32_MAX ? most + position.shares : 0);
}

static void order(void *state, const struct strategy_report *r)
{
    struct maker *m = state;
    struct quote *q = &m->quotes[r->client_id & 1];
    if (r->order != q->order)
        return;
    q->filled = r->filled;
    q->price = r->price;
    q->open = r->open;
    q->settled = true;
    if (r->state == STRATEGY_DEAD)
        q->order = NO_ORDER;
}

static bool parameters(void *state, const struct strategy_parameters *p)
{
    struct maker *m = state;
    if (!parameters_fit(&m->setup, p) || (p->count > 3 && p->value[3] != m->venue))
        return false;
    m->setup.parameters = *p;
    return true;
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
    .parameter_names = {"shares", "distance", "position", "venue"},
};
