// Two-venue arbitrage: when one venue bids more than another asks, it buys at the one and sells at
// the other, both at once and for what both show. What executes on one side only is given back by a
// routed order before anything else is done.
//
// Parameters: 0 most shares at a time, 1 least gain a share (price4), 2 how far from the best price
// the routed order may go (price4).
#include "dataplane/strategy/strategy.h"

enum { BUY, SELL, NO_ORDER = UINT32_MAX };

struct arbitrage {
    struct strategy_setup setup;
    uint32_t legs[2]; // NO_ORDER: over
    uint32_t route;   // STRATEGY_NO_ROUTE: none
    int64_t naked;    // bought - sold
};

static bool parameters_fit(const struct strategy_parameters *p)
{
    return p->count >= 3 && p->value[0] >= 1 && p->value[0] <= 999999 && p->value[1] >= 1 &&
           p->value[2] >= 0 && p->value[2] <= INT32_MAX;
}

static bool start(void *state, const struct strategy_setup *setup, const char **why)
{
    struct arbitrage *a = state;
    a->setup = *setup;
    a->legs[BUY] = a->legs[SELL] = NO_ORDER;
    a->route = STRATEGY_NO_ROUTE;
    *why = "wants one symbol, two venues and three parameters: shares, gain, distance";
    return setup->symbol_count == 1 && setup->venue_count >= 2 &&
           parameters_fit(&setup->parameters);
}

// One side has executed more than the other.
static void give_back(struct arbitrage *a)
{
    const struct strategy_calls *calls = a->setup.calls;
    const int64_t distance = a->setup.parameters.value[2];
    struct strategy_consolidated all;
    if (!calls->consolidated(a->setup.host, a->setup.symbols[0], &all))
        return;
    const bool sells = a->naked > 0;
    const int64_t best = sells ? all.bid : all.ask;
    const int64_t limit = sells ? best - distance : best + distance;
    if (best == 0 || limit < 1)
        return; // nobody to trade with: the next change
    const struct strategy_route ask = {.quantity = (uint32_t)(sells ? a->naked : -a->naked),
                                       .price = (uint32_t)limit,
                                       .symbol = a->setup.symbols[0],
                                       .side = sells ? 'S' : 'B',
                                       .how = STRATEGY_ROUTE_SWEEP,
                                       .rest = STRATEGY_REST_AGAIN};
    if (calls->route(a->setup.host, &ask, &a->route) != 0)
        a->route = STRATEGY_NO_ROUTE;
}

static bool leg(struct arbitrage *a, int side, const struct strategy_best *at, uint32_t shares)
{
    const struct strategy_order ask = {.client_id = (uint64_t)side,
                                       .quantity = shares,
                                       .price = side == SELL ? at->bid : at->ask,
                                       .symbol = at->symbol,
                                       .venue = at->venue,
                                       .side = side == SELL ? 'S' : 'B',
                                       .time_in_force = '3',
                                       .display = 'N'};
    if (a->setup.calls->submit(a->setup.host, &ask, &a->legs[side]) == 0)
        return true;
    a->legs[side] = NO_ORDER;
    return false;
}

static uint32_t fewest(uint64_t a, uint64_t b, int64_t c)
{
    const uint64_t least = a < b ? a : b;
    return (uint32_t)(least < (uint64_t)c ? least : (uint64_t)c);
}

static void best(void *state, const struct strategy_best *b)
{
    struct arbitrage *a = state;
    const int64_t *value = a->setup.parameters.value;
    struct strategy_best bid = {.bid = 0}, ask = {.ask = 0};
    if (a->legs[BUY] != NO_ORDER || a->legs[SELL] != NO_ORDER || a->route != STRATEGY_NO_ROUTE)
        return;
    if (a->naked) {
        give_back(a);
        return;
    }
    for (uint32_t v = 0; v < a->setup.venue_count; v++) {
        struct strategy_best at;
        if (!a->setup.calls->best(a->setup.host, (uint8_t)v, b->symbol, &at) || at.quality != 0)
            continue;
        bid = at.bid > bid.bid ? at : bid;
        ask = at.ask && (ask.ask == 0 || at.ask < ask.ask) ? at : ask;
    }
    if (bid.bid == 0 || ask.ask == 0 || (int64_t)bid.bid - ask.ask < value[1] ||
        bid.venue == ask.venue)
        return;
    const uint32_t shares = fewest(bid.bid_shares, ask.ask_shares, value[0]);
    if (leg(a, SELL, &bid, shares)) // a refused second leg is given back like one that failed
        leg(a, BUY, &ask, shares);
}

static void order(void *state, const struct strategy_report *r)
{
    struct arbitrage *a = state;
    const int64_t more = (int64_t)r->fill_shares - r->broken_shares;
    a->naked += r->side == 'B' ? more : -more;
    if (r->route != STRATEGY_NO_ROUTE || r->state != STRATEGY_DEAD)
        return;
    for (uint32_t side = BUY; side <= SELL; side++)
        if (a->legs[side] == r->order)
            a->legs[side] = NO_ORDER;
    if (a->legs[BUY] == NO_ORDER && a->legs[SELL] == NO_ORDER && a->naked &&
        a->route == STRATEGY_NO_ROUTE)
        give_back(a);
}

static void routed(void *state, const struct strategy_route_report *r)
{
    (void)r; // what is still naked is tried again with the next change
    ((struct arbitrage *)state)->route = STRATEGY_NO_ROUTE;
}

static bool parameters(void *state, const struct strategy_parameters *p)
{
    if (!parameters_fit(p))
        return false;
    ((struct arbitrage *)state)->setup.parameters = *p;
    return true;
}

const struct strategy tickgate_strategy = {
    .interface = STRATEGY_INTERFACE,
    .state_bytes = sizeof(struct arbitrage),
    .name = "arbitrage",
    .start = start,
    .best = best,
    .quality = best,
    .order = order,
    .parameters = parameters,
    .routed = routed,
    .parameter_names = {"shares", "gain", "give_back"},
};
