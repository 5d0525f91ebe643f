// One cancels other: the way out of a position, by a target that rests at a venue or by a stop that
// waits here, whichever comes first. When somebody trades at the stop's trigger, the target is
// cancelled first; what it has not executed is sold (or bought) once the exchange has confirmed
// that: the two are never open together, so never too much executes.
//
// Parameters: 0 side (0 buys, 1 sells), 1 shares, 2 target (price4), 3 trigger of the stop
// (price4), 4 limit of the stop (price4), 5 venue of the target.
#include "dataplane/strategy/strategy.h"

enum { NO_ORDER = UINT32_MAX };

struct oco {
    struct strategy_setup setup;
    uint32_t target; // order; NO_ORDER: not open
    uint32_t route;  // of the stop; STRATEGY_NO_ROUTE: none
    int64_t filled;
    bool lives;   // the exchange has accepted the target
    bool refused; // it has rejected it: only the stop is left
    bool stopped; // the trigger was reached
};

static bool is_price(int64_t value)
{
    return value >= 1 && value <= UINT32_MAX;
}

static bool start(void *state, const struct strategy_setup *setup, const char **why)
{
    struct oco *o = state;
    const int64_t *value = setup->parameters.value;
    o->setup = *setup;
    o->target = NO_ORDER;
    o->route = STRATEGY_NO_ROUTE;
    *why = "wants one symbol and six parameters: side, shares, target, trigger, limit, venue";
    return setup->symbol_count == 1 && setup->parameters.count >= 6 &&
           (value[0] == 0 || value[0] == 1) && value[1] >= 1 && value[1] <= 999999 &&
           is_price(value[2]) && is_price(value[3]) && is_price(value[4]) && value[5] >= 0 &&
           value[5] < (int64_t)setup->venue_count;
}

static void target_enter(struct oco *o, uint32_t shares)
{
    const int64_t *value = o->setup.parameters.value;
    const struct strategy_order ask = {.quantity = shares,
                                       .price = (uint32_t)value[2],
                                       .symbol = o->setup.symbols[0],
                                       .venue = (uint8_t)value[5],
                                       .side = value[0] ? 'S' : 'B',
                                       .time_in_force = '0',
                                       .display = 'Y'};
    o->lives = false;
    if (o->setup.calls->submit(o->setup.host, &ask, &o->target) != 0)
        o->target = NO_ORDER; // the next change
}

static void stop_route(struct oco *o, uint32_t shares)
{
    const int64_t *value = o->setup.parameters.value;
    const struct strategy_route ask = {.quantity = shares,
                                       .price = (uint32_t)value[4],
                                       .symbol = o->setup.symbols[0],
                                       .side = value[0] ? 'S' : 'B',
                                       .how = STRATEGY_ROUTE_SWEEP,
                                       .rest = STRATEGY_REST_AGAIN};
    if (o->setup.calls->route(o->setup.host, &ask, &o->route) != 0)
        o->route = STRATEGY_NO_ROUTE; // the next change
}

// At most one of the two is open.
static void work(struct oco *o)
{
    const int64_t left = o->setup.parameters.value[1] - o->filled;
    if (o->target != NO_ORDER || o->route != STRATEGY_NO_ROUTE || left <= 0)
        return;
    if (o->stopped)
        stop_route(o, (uint32_t)left);
    else if (!o->refused)
        target_enter(o, (uint32_t)left);
}

static void best(void *state, const struct strategy_best *b)
{
    if (b->quality == 0)
        work(state);
}

static void trade(void *state, const struct strategy_best *b)
{
    struct oco *o = state;
    const int64_t *value = o->setup.parameters.value;
    if (b->quality != 0 || b->last_price == 0 || o->stopped)
        return;
    o->stopped = value[0] ? b->last_price <= value[3] : b->last_price >= value[3];
    if (!o->stopped)
        return;
    if (o->target != NO_ORDER)
        o->setup.calls->cancel(o->setup.host, o->target);
    work(o);
}

static void order(void *state, const struct strategy_report *r)
{
    struct oco *o = state;
    o->filled += (int64_t)r->fill_shares - r->broken_shares;
    if (r->order != o->target || r->route != STRATEGY_NO_ROUTE)
        return;
    o->lives |= r->state == STRATEGY_LIVE || r->filled > 0;
    if (r->state != STRATEGY_DEAD)
        return;
    o->target = NO_ORDER;
    o->refused = !o->lives && !r->not_received;
    if (o->stopped)
        work(o);
}

static void routed(void *state, const struct strategy_route_report *r)
{
    (void)r; // what is left is tried with the next change
    ((struct oco *)state)->route = STRATEGY_NO_ROUTE;
}

const struct strategy tickgate_strategy = {
    .interface = STRATEGY_INTERFACE,
    .state_bytes = sizeof(struct oco),
    .name = "oco",
    .start = start,
    .best = best,
    .trade = trade,
    .quality = best,
    .order = order,
    .routed = routed,
    .parameter_names = {"side", "shares", "target", "trigger", "limit", "venue"},
};
