// The checks that compare a price with the market (gate.c).
#pragma once

#include "dataplane/risk/gate_look.h"

struct outside {
    uint64_t price, bound;
};

// Outside of <low> less its band or <high> and its band: false, with the bound.
HOT_INLINE bool within(const struct look *k, uint32_t low, uint32_t high, uint32_t band,
                       uint32_t sum, struct outside *out)
{
    const uint64_t above = high + band_of(high, band, sum), below = band_of(low, band, sum);
    const bool over = k->highest > above;
    out->price = over ? k->highest : k->lowest;
    out->bound = over ? above : below < low ? low - below : 0;
    return !over && k->lowest >= out->bound;
}

HOT_INLINE bool spread_good(const struct look *k)
{
    const struct gate_order *o = k->o;
    const uint64_t band = k->of[TRADE_SYMBOL]->symbol.spread;
    if (band == LIMIT_BAND16_OPEN || o->bid == 0 || o->ask == 0)
        return true;
    // A crossed book: by how much, none is allowed.
    const bool crossed = o->bid > o->ask;
    const uint64_t wide = crossed ? o->bid - o->ask : o->ask - o->bid;
    const uint64_t most = crossed ? 0 : ((uint64_t)o->bid + o->ask) / 2 * band / 10000;
    return LIKELY(wide <= most) || passes(k, REFUSAL_SPREAD, TRADE_SYMBOL, wide, most);
}

HOT_INLINE bool no_reference(const struct look *k)
{
    return k->of[TRADE_SYMBOL]->symbol.no_reference == NO_REFERENCE_PASSES ||
           refuse(k->v, REFUSAL_REFERENCE, TRADE_SYMBOL, 0, 0);
}

HOT_INLINE bool touch_good(const struct look *k)
{
    const struct limit_symbol *s = &k->of[TRADE_SYMBOL]->symbol;
    uint32_t low, high;
    struct outside out;
    if (s->touch == LIMIT_BAND_OPEN)
        return true;
    touch_references(s, k->o, &low, &high);
    if (UNLIKELY(low == 0))
        return no_reference(k);
    return LIKELY(within(k, low, high, s->touch, s->touch_least, &out)) ||
           passes(k, REFUSAL_TOUCH, TRADE_SYMBOL, out.price, out.bound);
}

HOT_INLINE bool last_good(const struct look *k)
{
    const struct limit_symbol *s = &k->of[TRADE_SYMBOL]->symbol;
    const struct gate_order *o = k->o;
    struct outside out;
    if (s->last == LIMIT_BAND_OPEN)
        return true;
    const uint32_t last = last_reference(s, o);
    if (UNLIKELY(last == 0))
        return no_reference(k);
    return LIKELY(within(k, last, last, s->last, s->last_least, &out)) ||
           passes(k, REFUSAL_LAST_TRADE, TRADE_SYMBOL, out.price, out.bound);
}

// The first order of a period takes its reference, whether it is refused or not. Only who moves the
// market step by step, each within the bands above, comes here at its end.
HOT_INLINE bool period_good(const struct look *k)
{
    const struct limit_symbol *s = &k->of[TRADE_SYMBOL]->symbol;
    const struct gate_order *o = k->o;
    uint32_t from = k->all->period_price;
    struct outside out;
    if (s->period == LIMIT_BAND16_OPEN)
        return true;
    if (o->now >= k->all->period_until) {
        from = continuous_reference(s, o);
        if (UNLIKELY(from == 0))
            return no_reference(k);
        if (!k->again) {
            k->all->period_price = from;
            k->all->period_until = o->now + k->r->limits->period_ticks;
        }
    }
    return LIKELY(within(k, from, from, s->period, s->period_least, &out)) ||
           passes(k, REFUSAL_PRICE_PERIOD, TRADE_SYMBOL, out.price, out.bound);
}
