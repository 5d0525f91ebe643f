// The examples as users load them, between the two venues of two_venues.h.
#pragma once

#include "tests/lib/two_venues.h"

enum { A, B };

static inline int open_world(void **state)
{
    (void)state;
    two_open(1);
    return 0;
}

static inline int close_world(void **state)
{
    (void)state;
    two_close();
    return 0;
}

#define LOAD(name, ...)                                                                            \
    strategy_begin(                                                                                \
        STRATEGIES_DIR "/" name ".so",                                                             \
        &(struct strategy_parameters){.count = sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), \
                                      .value = {__VA_ARGS__}})

static inline uint32_t entered_by_all(void)
{
    return w->venues[A].entered_count + w->venues[B].entered_count;
}

static inline void entered_is(uint32_t v, uint32_t number, char side, uint32_t quantity,
                              uint32_t price)
{
    const struct ouch50_enter *e = entered(v, number);
    assert_int_equal(e->side, side);
    assert_int_equal(e->quantity, quantity);
    assert_int_equal(e->price, price);
}

static inline int64_t position(void)
{
    return w->desk.risk.positions[position_open(&w->desk.risk, 1, 0)].shares;
}

// A usual market: 99.98 to 100.02 at both.
static inline void market_opens(void)
{
    for (uint32_t v = A; v <= B; v++) {
        feed_add(v, 0, 1, 'B', 300, 999800);
        feed_add(v, 0, 2, 'S', 400, 1000200);
    }
    turn();
}
