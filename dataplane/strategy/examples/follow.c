// Follows a forecast: when a signal says that a symbol will move by more than the spread costs, it
// takes at the best price, at most once a signal and up to a position. A signal that is no longer
// good, or a book in doubt, moves nothing.
//
// The first value of a signal is the change of the price that the model expects, price4.
//
// Parameters: 0 shares, 1 least gain beyond the price that is paid (price4), 2 largest position
// (shares), also when the order executes, 3 least confidence (of 10,000).
#include "dataplane/strategy/strategy.h"

enum { NO_ORDER = UINT32_MAX };

struct follow {
    struct strategy_setup setup;
    struct strategy_signal last[STRATEGY_SYMBOLS_MAX]; // of each symbol; <sequence> 0: used up
    uint32_t order;                                    // it waits for the answer to; NO_ORDER: none
};

static bool start(void *state, const struct strategy_setup *setup, const char **why)
{
    struct follow *f = state;
    const int64_t *value = setup->parameters.value;
    f->setup = *setup;
    f->order = NO_ORDER;
    if (setup->source_count == 0) {
        *why = "wants a source of signals on its lane; add one to the section signals";
        return false;
    }
    *why = "wants four parameters: shares, gain, position, confidence";
    return setup->parameters.count >= 4 && value[0] >= 1 && value[0] <= 999999 && value[2] >= 0 &&
           value[2] <= INT64_MAX / 2;
}

// Place of the strategy's symbol; STRATEGY_SYMBOLS_MAX: none of its own.
static uint32_t place_of(const struct follow *f, uint16_t symbol)
{
    for (uint32_t i = 0; i < f->setup.symbol_count; i++)
        if (f->setup.symbols[i] == symbol)
            return i;
    return STRATEGY_SYMBOLS_MAX;
}

static void act(struct follow *f, struct strategy_signal *s, const struct strategy_best *b)
{
    struct strategy_position position = {.shares = 0};
    const int64_t *value = f->setup.parameters.value;
    if (s->sequence == 0 || f->order != NO_ORDER || b->quality != 0 || !b->bid || !b->ask)
        return;
    if (s->until_ns <= f->setup.calls->now_ns(f->setup.host)) {
        s->sequence = 0;
        return;
    }
    // From the middle; a forecast beyond what prices can be is none.
    if (s->value[0] > UINT32_MAX || s->value[0] < -(int64_t)UINT32_MAX)
        return;
    const int64_t expected = ((int64_t)b->bid + b->ask) / 2 + s->value[0];
    const bool up = expected - b->ask >= value[1], down = b->bid - expected >= value[1];
    f->setup.calls->position(f->setup.host, b->symbol, &position);
    const int64_t most = up ? value[2] - position.shares : value[2] + position.shares;
    if ((!up && !down) || most <= 0)
        return;
    const struct strategy_order ask = {.client_id = s->sequence,
                                       .quantity = (uint32_t)(most < value[0] ? most : value[0]),
                                       .price = up ? b->ask : b->bid,
                                       .symbol = b->symbol,
                                       .venue = b->venue,
                                       .side = up ? 'B' : 'S',
                                       .time_in_force = '3',
                                       .display = 'N'};
    if (f->setup.calls->submit(f->setup.host, &ask, &f->order) == 0)
        s->sequence = 0;
    else
        f->order = NO_ORDER;
}

static void signal(void *state, const struct strategy_signal *s)
{
    struct follow *f = state;
    struct strategy_best best;
    const uint32_t place = place_of(f, s->symbol);
    if (place == STRATEGY_SYMBOLS_MAX || s->confidence < f->setup.parameters.value[3])
        return;
    f->last[place] = *s;
    for (uint32_t venue = 0; venue < f->setup.venue_count; venue++)
        if (f->setup.calls->best(f->setup.host, (uint8_t)venue, s->symbol, &best))
            act(f, &f->last[place], &best);
}

static void best(void *state, const struct strategy_best *b)
{
    struct follow *f = state;
    const uint32_t place = place_of(f, b->symbol);
    if (place < STRATEGY_SYMBOLS_MAX)
        act(f, &f->last[place], b);
}

static void order(void *state, const struct strategy_report *r)
{
    struct follow *f = state;
    if (r->state == STRATEGY_DEAD && r->order == f->order)
        f->order = NO_ORDER;
}

// Either way: who was late is not told when it is disabled.
static void enabled(void *state, bool on)
{
    struct follow *f = state;
    (void)on;
    for (uint32_t i = 0; i < STRATEGY_SYMBOLS_MAX; i++)
        f->last[i].sequence = 0;
}

const struct strategy tickgate_strategy = {
    .interface = STRATEGY_INTERFACE,
    .state_bytes = sizeof(struct follow),
    .name = "follow",
    .start = start,
    .best = best,
    .order = order,
    .enabled = enabled,
    .signal = signal,
    .parameter_names = {"shares", "gain", "position", "confidence"},
};
