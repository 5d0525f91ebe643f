// A strategy for tests of lanes that hang: rests a few orders in its symbol, and never returns from
// being given the parameter 1. With 2 it practises for longer than the budget that tests give it.
#include <time.h>

#include "dataplane/strategy/strategy.h"

enum { ORDERS = 3, PRACTICE_MS = 150 };

struct hang {
    struct strategy_setup setup;
    uint32_t entered;
};

static bool start(void *state, const struct strategy_setup *setup, const char **why)
{
    struct hang *h = state;
    h->setup = *setup;
    *why = "wants one symbol and one parameter";
    return setup->symbol_count == 1 && setup->parameters.count == 1;
}

// Far from the market, so that they stay.
static void best(void *state, const struct strategy_best *b)
{
    struct hang *h = state;
    const struct strategy_order ask = {.quantity = 100,
                                       .price = b->bid / 20000 * 10000,
                                       .symbol = h->setup.symbols[0],
                                       .venue = b->venue,
                                       .side = 'B',
                                       .time_in_force = '0',
                                       .display = 'Y'};
    uint32_t order;
    if (b->quality == 0 && ask.price > 0 && h->entered < ORDERS)
        h->entered += h->setup.calls->submit(h->setup.host, &ask, &order) == 0;
}

static bool parameters(void *state, const struct strategy_parameters *p)
{
    static volatile bool forever = true;
    struct hang *h = state;
    h->setup.parameters = *p;
    while (p->value[0] == 1 && forever)
        ;
    return true;
}

static int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void practise(void *state, const struct strategy_best *b)
{
    const struct hang *h = state;
    const int64_t from = clock_ms();
    (void)b;
    while (h->setup.parameters.value[0] == 2 && clock_ms() - from <= PRACTICE_MS)
        ;
}

const struct strategy tickgate_strategy = {
    .interface = STRATEGY_INTERFACE,
    .state_bytes = sizeof(struct hang),
    .name = "hang",
    .start = start,
    .best = best,
    .parameters = parameters,
    .parameter_names = {"hang"},
    .practise = practise,
};
