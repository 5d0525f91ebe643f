// A stop order: when somebody trades at the trigger price or beyond, in a book that is good, it
// takes from all venues up to its limit, until its shares have executed.
//
// Parameters: 0 side (0 buys when the price rises, 1 sells when it falls), 1 shares, 2 trigger
// (price4), 3 limit (price4). New parameters are a new order: it counts from zero and waits for its
// trigger.
#include "dataplane/strategy/strategy.h"

struct stop {
    struct strategy_setup setup;
    uint32_t route;      // STRATEGY_NO_ROUTE: none
    uint64_t generation; // of the parameters: executions of earlier ones do not count
    int64_t filled;
    bool triggered;
};

static bool parameters_fit(const struct strategy_parameters *p)
{
    const int64_t *value = p->value;
    return p->count >= 4 && (value[0] == 0 || value[0] == 1) && value[1] >= 1 &&
           value[1] <= UINT32_MAX && value[2] >= 1 && value[2] <= UINT32_MAX && value[3] >= 1 &&
           value[3] <= UINT32_MAX;
}

static bool start(void *state, const struct strategy_setup *setup, const char **why)
{
    struct stop *s = state;
    s->setup = *setup;
    s->route = STRATEGY_NO_ROUTE;
    *why = "wants one symbol and four parameters: side, shares, trigger, limit";
    return setup->symbol_count == 1 && parameters_fit(&setup->parameters);
}

static void fire(struct stop *s)
{
    const int64_t *value = s->setup.parameters.value;
    const int64_t left = value[1] - s->filled;
    if (!s->triggered || s->route != STRATEGY_NO_ROUTE || left <= 0)
        return;
    const struct strategy_route ask = {.client_id = s->generation,
                                       .quantity = (uint32_t)left,
                                       .price = (uint32_t)value[3],
                                       .symbol = s->setup.symbols[0],
                                       .side = value[0] ? 'S' : 'B',
                                       .how = STRATEGY_ROUTE_SWEEP,
                                       .rest = STRATEGY_REST_AGAIN};
    if (s->setup.calls->route(s->setup.host, &ask, &s->route) != 0)
        s->route = STRATEGY_NO_ROUTE; // no venue takes it now: the next change
}

static void best(void *state, const struct strategy_best *b)
{
    if (b->quality == 0)
        fire(state);
}

static void trade(void *state, const struct strategy_best *b)
{
    struct stop *s = state;
    const int64_t *value = s->setup.parameters.value;
    if (b->quality != 0 || b->last_price == 0)
        return; // a price in doubt triggers nothing
    s->triggered |= value[0] ? b->last_price <= value[2] : b->last_price >= value[2];
    fire(s);
}

static void order(void *state, const struct strategy_report *r)
{
    struct stop *s = state;
    if (r->client_id == s->generation)
        s->filled += (int64_t)r->fill_shares - r->broken_shares;
}

static void routed(void *state, const struct strategy_route_report *r)
{
    struct stop *s = state;
    if (r->route == s->route)
        s->route = STRATEGY_NO_ROUTE; // what is left is tried with the next change
}

static bool parameters(void *state, const struct strategy_parameters *p)
{
    struct stop *s = state;
    if (!parameters_fit(p))
        return false;
    if (s->route != STRATEGY_NO_ROUTE)
        s->setup.calls->route_cancel(s->setup.host, s->route);
    s->setup.parameters = *p;
    s->generation++;
    s->filled = 0;
    s->triggered = false;
    return true;
}

const struct strategy tickgate_strategy = {
    .interface = STRATEGY_INTERFACE,
    .state_bytes = sizeof(struct stop),
    .name = "stop",
    .start = start,
    .best = best,
    .trade = trade,
    .quality = best,
    .order = order,
    .parameters = parameters,
    .routed = routed,
    .parameter_names = {"side", "shares", "trigger", "limit"},
};
