// One gate, one order that passes, and what narrows it. cmocka.h is included before this header.
#pragma once

#include "tests/lib/risk_rig.h"

enum { ACCOUNT = 3, STRATEGY = 5, SYMBOL = 2, SESSION = 1, PRICE = 1000000, SHARES = 100 };

static struct risk_rig rig;
static struct gate_verdict verdict;

static inline int open_rig(void **state)
{
    (void)state;
    risk_rig_open(&rig);
    return 0;
}

static inline int close_rig(void **state)
{
    (void)state;
    risk_rig_close(&rig);
    return 0;
}

static inline struct limit_row *row_of(enum trade_scope scope)
{
    const uint32_t index[] = {0, ACCOUNT, STRATEGY, SYMBOL, SESSION};
    return limit_row_of(rig.table, scope, index[scope]);
}

static inline struct limit_owner *owner_of(enum trade_scope scope)
{
    assert_int_not_equal(scope, TRADE_SYMBOL);
    return &row_of(scope)->owner;
}

static inline struct gate_order order_of(uint32_t shares, uint32_t price, char side)
{
    return (struct gate_order){
        .owner = {.position = position_open(&rig.risk, ACCOUNT, SYMBOL),
                  .account = ACCOUNT,
                  .strategy = STRATEGY,
                  .instrument = SYMBOL,
                  .session = SESSION,
                  .sells = side != 'B'},
        .worst = {.notional = (uint64_t)shares * price, .shares = shares, .orders = 1},
        .now = 1 << 30,
        .quantity = shares,
        .price = price,
        .phase = PHASE_TRADING,
        .side = side,
        .session_up = true,
        .session_free = true,
    };
}

static inline void reserve(const struct gate_order *o)
{
    exposure_move(&rig.risk, &o->owner, &o->held, &o->worst);
}

static inline void fill(uint32_t shares, uint32_t price, bool sells)
{
    const struct gate_order o = order_of(shares, price, sells ? 'S' : 'B');
    exposure_fill(&rig.risk, &o.owner, shares, price, o.now);
}

static inline void passes(const struct gate_order *o)
{
    if (!gate(&rig.risk, o, &verdict))
        fail_msg("refused: %s", refusal_name(verdict.refusal));
}

static inline void refused(const struct gate_order *o, enum refusal refusal, enum trade_scope scope,
                           uint64_t value, uint64_t limit)
{
    assert_false(gate(&rig.risk, o, &verdict));
    assert_string_equal(refusal_name(verdict.refusal), refusal_name(refusal));
    assert_int_equal(verdict.scope, scope);
    assert_int_equal(verdict.value, value);
    assert_int_equal(verdict.limit, limit);
}
