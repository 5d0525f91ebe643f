// Hot path, for the few market orders: which limit the limits on prices make of them.
#include "dataplane/risk/gate_parts.h"

struct furthest {
    uint64_t low, high; // what passes so far
    bool none;          // a check has no price to compare with
};

// A check that nothing is compared with says nothing where the symbol lets such orders pass.
static void narrow(struct furthest *f, const struct limit_symbol *s, uint32_t low, uint32_t high,
                   uint32_t band, uint32_t sum)
{
    const uint64_t up = high + band_of(high, band, sum), down = band_of(low, band, sum);
    if (low == 0) {
        f->none |= s->no_reference == NO_REFERENCE_REFUSES;
        return;
    }
    f->high = up < f->high ? up : f->high;
    f->low = down < low && low - down > f->low ? low - down : f->low;
}

// The step of prices from one dollar on. Where the gate leaves it to the exchange it is that of
// Rule 612 of Regulation NMS: exchanges take nothing between two cents.
static uint32_t step_of(const struct limit_symbol *s)
{
    return s->tick == 1 ? 100 : s->tick;
}

// Below one dollar every price is on the tick. The quotient as in multiple_of; of 1 there is none.
static uint32_t tick_below(const struct limit_symbol *s, uint32_t price)
{
    if (price < 10000)
        return price;
    if (s->tick == 1)
        return price - price % 100;
    const uint32_t ticks = (uint32_t)((unsigned __int128)s->tick_magic * price >> 64);
    return ticks * s->tick;
}

uint32_t gate_furthest(const struct risk *r, const struct gate_order *o, uint32_t low,
                       uint32_t high)
{
    const struct limit_row *row = &r->limits->symbols[o->owner.instrument];
    const struct limit_symbol *s = &row->symbol;
    const struct symbol_use *all = &r->symbols[o->owner.instrument];
    uint32_t first, last;
    struct furthest f = {.low = low > row->price_low ? low : row->price_low,
                         .high = high < row->price_high ? high : row->price_high};
    if (s->touch != LIMIT_BAND_OPEN) {
        touch_references(s, o, &first, &last);
        narrow(&f, s, first, last, s->touch, s->touch_least);
    }
    if (s->last != LIMIT_BAND_OPEN)
        narrow(&f, s, last_reference(s, o), last_reference(s, o), s->last, s->last_least);
    if (s->period != LIMIT_BAND16_OPEN) {
        const uint32_t from =
            o->now < all->period_until ? all->period_price : continuous_reference(s, o);
        narrow(&f, s, from, from, s->period, s->period_least);
    }
    const uint64_t edge = o->owner.sells ? f.low : f.high;
    if (f.none || f.low > f.high || edge == 0 || edge > OUCH50_PRICE_MAX)
        return 0;
    const uint32_t below = tick_below(s, (uint32_t)edge);
    const uint64_t price = o->owner.sells && below < edge ? (uint64_t)below + step_of(s) : below;
    const bool good = price >= f.low && price <= f.high && price <= OUCH50_PRICE_MAX;
    return good ? (uint32_t)price : 0;
}
