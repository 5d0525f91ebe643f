// An iceberg: works a large order at one price by showing one slice at a time. The next slice goes
// out when the one before has executed; a slice is taken away while the book is not good.
//
// Parameters: 0 side (0 buys, 1 sells), 1 shares in all, 2 shares of a slice, 3 price (price4), 4
// venue. Other shares in all, while it runs, are worked up to the new number: a slice that is too
// large for it is taken away.
#include "dataplane/strategy/strategy.h"

enum { NO_ORDER = UINT32_MAX };

struct iceberg {
    struct strategy_setup setup;
    uint32_t slice; // order; NO_ORDER: none
    bool lives;     // the exchange has accepted it
    bool stopped;   // it has rejected one: until there are new parameters
    int64_t filled; // of all slices
    int64_t open;   // of the slice
};

static bool parameters_fit(const struct strategy_setup *setup, const struct strategy_parameters *p)
{
    const int64_t *value = p->value;
    return p->count >= 5 && (value[0] == 0 || value[0] == 1) && value[1] >= 1 && value[2] >= 1 &&
           value[2] <= 999999 && value[3] >= 1 && value[3] <= UINT32_MAX && value[4] >= 0 &&
           value[4] < (int64_t)setup->venue_count;
}

static bool start(void *state, const struct strategy_setup *setup, const char **why)
{
    struct iceberg *i = state;
    i->setup = *setup;
    i->slice = NO_ORDER;
    *why = "wants one symbol and five parameters: side, shares, slice, price, venue";
    return setup->symbol_count == 1 && parameters_fit(setup, &setup->parameters);
}

static void work(struct iceberg *i)
{
    const int64_t *value = i->setup.parameters.value;
    const int64_t left = value[1] - i->filled;
    if (i->slice != NO_ORDER || i->stopped || left <= 0)
        return;
    const struct strategy_order ask = {.quantity = (uint32_t)(left < value[2] ? left : value[2]),
                                       .price = (uint32_t)value[3],
                                       .symbol = i->setup.symbols[0],
                                       .venue = (uint8_t)value[4],
                                       .side = value[0] ? 'S' : 'B',
                                       .time_in_force = '0',
                                       .display = 'Y'};
    i->lives = false;
    i->open = ask.quantity;
    if (i->setup.calls->submit(i->setup.host, &ask, &i->slice) != 0)
        i->slice = NO_ORDER; // the next change
}

static void best(void *state, const struct strategy_best *b)
{
    struct iceberg *i = state;
    const uint8_t venue = (uint8_t)i->setup.parameters.value[4];
    struct strategy_best at; // two venues of one feed: it is told of the first only
    if (!i->setup.calls->best(i->setup.host, venue, b->symbol, &at))
        return;
    if (at.quality == 0)
        work(i);
    else if (i->slice != NO_ORDER)
        i->setup.calls->cancel(i->setup.host, i->slice);
}

static void order(void *state, const struct strategy_report *r)
{
    struct iceberg *i = state;
    i->filled += (int64_t)r->fill_shares - r->broken_shares;
    if (r->order != i->slice)
        return;
    i->open = r->open;
    i->lives |= r->state == STRATEGY_LIVE || r->filled > 0;
    if (r->state != STRATEGY_DEAD)
        return;
    i->slice = NO_ORDER;
    i->stopped = !i->lives && !r->not_received;
    if (r->fill_shares) // the whole slice has executed; what was cancelled waits for a change
        work(i);
}

static bool parameters(void *state, const struct strategy_parameters *p)
{
    struct iceberg *i = state;
    if (!parameters_fit(&i->setup, p))
        return false;
    const bool moves = p->value[0] != i->setup.parameters.value[0] ||
                       p->value[3] != i->setup.parameters.value[3] ||
                       p->value[4] != i->setup.parameters.value[4] ||
                       i->open > p->value[1] - i->filled;
    i->setup.parameters = *p;
    i->stopped = false;
    if (moves && i->slice != NO_ORDER)
        i->setup.calls->cancel(i->setup.host, i->slice);
    return true;
}

const struct strategy tickgate_strategy = {
    .interface = STRATEGY_INTERFACE,
    .state_bytes = sizeof(struct iceberg),
    .name = "iceberg",
    .start = start,
    .best = best,
    .quality = best,
    .order = order,
    .parameters = parameters,
    .parameter_names = {"side", "shares", "slice", "price", "venue"},
};
