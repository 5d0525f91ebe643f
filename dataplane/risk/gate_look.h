// Of the checks one by one (gate.c): what they look at, and how they refuse.
#pragma once

#include "dataplane/risk/gate_parts.h"

// What the checks of one order look at.
struct look {
    struct risk *r;
    const struct gate_order *o;
    struct gate_verdict *v;
    const struct limit_row *of[TRADE_SCOPES];
    const struct risk_use *use[TRADE_SCOPES];
    struct owner_day *days[TRADE_SCOPES]; // of the symbol: null
    struct position *own;
    struct symbol_use *all; // of the symbol, over all accounts
    uint32_t lowest;        // of price and discretion
    uint32_t highest;
    uint64_t notional; // of the order as sent, at the higher of them
    uint64_t more;     // shares that it adds to what it holds already
    uint64_t more_orders;
    uint64_t more_notional;
    uint32_t state; // the worst enum trading_state
    bool again;     // what it fails and passes all the same was told
};

static inline bool is_replace(const struct gate_order *o)
{
    return o->asks >> PERMISSION_REPLACE & 1;
}

// Cold: the order is refused, and says by what.
static COLD bool refuse(struct gate_verdict *v, enum refusal refusal, uint32_t scope,
                        uint64_t value, uint64_t limit)
{
    v->refusal = (uint16_t)refusal;
    v->scope = (uint8_t)scope;
    v->value = value;
    v->limit = limit;
    return false;
}

// Whose limit it is that refuses.
static COLD uint8_t owner_of(const struct look *k, const struct gate_verdict *v)
{
    return (uint8_t)limit_row_owner(k->of[v->scope], limit_control_of(v->refusal));
}

// The same where a check may be one that only tells. True: it is, and the walk goes on.
static COLD bool passes(const struct look *k, enum refusal refusal, uint32_t scope, uint64_t value,
                        uint64_t limit)
{
    struct gate_verdict why = *k->v;
    refuse(&why, refusal, scope, value, limit);
    why.owner = owner_of(k, &why);
    if (gate_note(k->r, k->o, &why, k->again))
        return true;
    *k->v = why;
    return false;
}
