// A taker: when the spread of a symbol is one tick or less and one side shows several times the
// shares of the other, it takes from the thin side, at most once per change and up to a position.
// Of sessions that share a feed it trades at the first.
//
// Parameters: 0 shares, 1 widest spread (price4), 2 how many times thicker the other side is, 3
// largest position (shares), also when the order executes.
#include "dataplane/strategy/strategy.h"

enum { NO_ORDER = UINT32_MAX };

struct taker {
    struct strategy_setup setup;
    uint32_t order; // it waits for the answer to; NO_ORDER: none
};

static bool start(void *state, const struct strategy_setup *setup, const char **why)
{
    struct taker *t = state;
    const int64_t *value = setup->parameters.value;
    t->setup = *setup;
    t->order = NO_ORDER;
    *why = "wants four parameters: shares, spread, ratio, position";
    return setup->parameters.count >= 4 && value[0] >= 1 && value[0] <= 999999 && value[1] >= 0 &&
           value[1] <= INT32_MAX && value[2] >= 1 && value[2] <= 999999 && value[3] >= 0 &&
           value[3] <= INT64_MAX / 2;
}

// One copy of it: what practice runs is what an order runs.
static __attribute__((noinline)) bool wants(const struct taker *t, const struct strategy_best *b,
                                            struct strategy_order *ask)
{
    struct strategy_position position = {.shares = 0};
    const int64_t *value = t->setup.parameters.value;
    if (t->order != NO_ORDER || b->quality != 0 || !b->bid || !b->ask || b->ask - b->bid > value[1])
        return false;
    const uint64_t ratio = (uint64_t)value[2];
    const bool up = b->bid_shares > b->ask_shares * ratio;
    const bool down = b->ask_shares > b->bid_shares * ratio;
    t->setup.calls->position(t->setup.host, b->symbol, &position);
    const int64_t most = up ? value[3] - position.shares : value[3] + position.shares;
    if ((!up && !down) || most <= 0)
        return false;
    *ask = (struct strategy_order){.quantity = (uint32_t)(most < value[0] ? most : value[0]),
                                   .price = up ? b->ask : b->bid,
                                   .symbol = b->symbol,
                                   .venue = b->venue,
                                   .side = up ? 'B' : 'S',
                                   .time_in_force = '3',
                                   .display = 'N'};
    return true;
}

static void best(void *state, const struct strategy_best *b)
{
    struct taker *t = state;
    struct strategy_order ask;
    if (wants(t, b, &ask) && t->setup.calls->submit(t->setup.host, &ask, &t->order) != 0)
        t->order = NO_ORDER;
}

static void practise(void *state, const struct strategy_best *b)
{
    struct strategy_order ask;
    wants(state, b, &ask);
}

static void order(void *state, const struct strategy_report *r)
{
    struct taker *t = state;
    if (r->state == STRATEGY_DEAD && r->order == t->order)
        t->order = NO_ORDER;
}

const struct strategy tickgate_strategy = {
    .interface = STRATEGY_INTERFACE,
    .state_bytes = sizeof(struct taker),
    .name = "taker",
    .start = start,
    .best = best,
    .order = order,
    .practise = practise,
    .parameter_names = {"shares", "spread", "ratio", "position"},
};
