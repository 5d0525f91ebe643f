// Only where bands are estimated; for trades, halts and orders.
#include "dataplane/feed/luld.h"

#include <string.h>

enum {
    DAY_S = 24 * 3600,
    PRICE_3_00 = 30000, // price4
    PRICE_0_75 = 7500,
    PRICE_0_15 = 1500,
    LEVERAGE_MAX = 10, // whatever the feed says
};

static uint32_t open_of(const struct luld *l)
{
    return l->hours.close_s ? l->hours.open_s : LULD_OPEN_S;
}

static uint32_t close_of(const struct luld *l)
{
    return l->hours.close_s ? l->hours.close_s : LULD_CLOSE_S;
}

// ITCH counts from the midnight of the exchange, DEEP from 1970 in UTC: no day is that long.
uint32_t luld_second(const struct luld *l, uint64_t time_ns)
{
    const uint64_t s = time_ns / 1000000000;
    return s < DAY_S ? (uint32_t)s
                     : (uint32_t)((s + DAY_S + (uint64_t)(int64_t)l->hours.zone_s) % DAY_S);
}

// --- the last five minutes ---

static void window_clear(struct luld_symbol *e, uint32_t second)
{
    e->since_s = second;
    e->bucket = second / LULD_BUCKET_S;
    e->trades = 0;
    e->value = 0;
    memset(e->counts, 0, sizeof e->counts);
    memset(e->values, 0, sizeof e->values);
}

// The symbol as of now. A book that is another one begins from nothing: its symbols may stand
// elsewhere in it, and a feed that was entered late, or has gone on from a snapshot, has missed
// trades, auctions and halts.
static struct luld_symbol *symbol_at(struct luld *l, uint32_t slot, uint32_t book, uint32_t second)
{
    struct luld_symbol *e = &l->of[slot];
    if (UNLIKELY(l->book != book)) {
        l->book = book;
        l->since_s = second > open_of(l) ? second : open_of(l);
    }
    if (UNLIKELY(e->book != book)) {
        memset(e, 0, sizeof *e);
        e->book = book;
        window_clear(e, l->since_s);
    }
    return e;
}

static void window_turn(struct luld_symbol *e, uint32_t second)
{
    const uint32_t now = second / LULD_BUCKET_S;
    for (uint32_t i = 0; i < LULD_BUCKETS && e->bucket + i < now; i++) {
        const uint32_t at = (e->bucket + i + 1) % LULD_BUCKETS;
        e->trades -= e->counts[at];
        e->value -= e->values[at];
        e->counts[at] = 0;
        e->values[at] = 0;
    }
    if (now > e->bucket)
        e->bucket = now;
}

// --- the reference price ---

static void reference_set(struct luld_symbol *e, uint32_t price, uint32_t second)
{
    e->reference = price;
    e->reference_s = second;
    e->quoted = false;
}

// Section V(A) and V(B)(2). Divides where the reference price changes: twice a minute at most.
static void reference_turn(struct luld_symbol *e, uint32_t second)
{
    window_turn(e, second);
    if (e->trades == 0 ||
        second < (e->reference ? e->reference_s + LULD_STAYS_S : e->since_s + LULD_WINDOW_S))
        return;
    const uint64_t was = (uint64_t)e->reference * e->trades,
                   moved = e->value > was ? e->value - was : was - e->value;
    if (moved * 100 >= was) // by 1 % or more
        reference_set(e, (uint32_t)((e->value + e->trades / 2) / e->trades), second);
}
_Static_assert((uint64_t)LULD_TRADES *LULD_BUCKETS * 100 < UINT32_MAX, "moved * 100 fits");

static bool in_hours(const struct luld *l, uint32_t second)
{
    return second >= open_of(l) && second < close_of(l);
}

void luld_trade(struct luld *l, uint32_t slot, uint32_t book, uint64_t time_ns, uint32_t price)
{
    const uint32_t second = luld_second(l, time_ns);
    if (!in_hours(l, second))
        return;
    struct luld_symbol *e = symbol_at(l, slot, book, second);
    if (e->halted)
        return;
    reference_turn(e, second); // what was in force until now
    const uint32_t at = e->bucket % LULD_BUCKETS;
    if (e->counts[at] >= LULD_TRADES)
        return;
    e->counts[at]++;
    e->values[at] += price;
    e->trades++;
    e->value += price;
    reference_turn(e, second);
}

// Section V(B)(1) and V(C)(1): the opening, and what ends a halt, is the next reference price; the
// mean begins anew behind it.
void luld_auction(struct luld *l, uint32_t slot, uint32_t book, uint64_t time_ns, uint32_t price,
                  uint64_t shares, bool opens)
{
    const uint32_t second = luld_second(l, time_ns);
    struct luld_symbol *e;
    if (!in_hours(l, second))
        return;
    e = symbol_at(l, slot, book, second);
    if (opens && second >= open_of(l) + LULD_WINDOW_S)
        return;
    if (shares) {
        window_clear(e, second);
        reference_set(e, price, second);
    } else if (opens && e->reference == 0) {
        e->quoted = true;
    }
}

void luld_halt(struct luld *l, uint32_t slot, uint32_t book, uint64_t time_ns, bool halted)
{
    const uint32_t now = luld_second(l, time_ns);
    const uint32_t second = now > open_of(l) ? now : open_of(l); // also before the open
    struct luld_symbol *e = symbol_at(l, slot, book, second);
    if (halted && !e->halted) {
        window_clear(e, second);
        reference_set(e, 0, second);
    } else if (!halted && e->halted && e->reference == 0) {
        window_clear(e, second); // no auction has ended it
    }
    e->halted = halted;
}

// --- the band ---

// Appendix A. Hundredths of the reference price, or dollars for cheap ones.
static uint64_t width_of(uint32_t reference, const struct luld_terms *terms, bool last_minutes)
{
    const uint32_t price = terms->previous_close ? terms->previous_close : reference;
    const bool first_tier = terms->tier == '1';
    uint64_t times = !first_tier && terms->leverage > 1 ? terms->leverage : 1;
    times = times < LEVERAGE_MAX ? times : LEVERAGE_MAX;
    if (last_minutes && (first_tier || price <= PRICE_3_00))
        times *= 2;
    if (price > PRICE_3_00)
        return (uint64_t)reference * (first_tier ? 5 : 10) * times / 100;
    if (price >= PRICE_0_75)
        return (uint64_t)reference * 20 * times / 100;
    const uint64_t width = (uint64_t)reference * 75 * times / 100;
    return width < PRICE_0_15 * times ? width : PRICE_0_15 * times;
}

enum luld_known luld_look(struct luld *l, uint32_t slot, uint32_t book, uint64_t time_ns,
                          const struct luld_terms *terms, uint32_t *low, uint32_t *high)
{
    const uint32_t second = luld_second(l, time_ns), close = close_of(l);
    struct luld_symbol *e;
    if (!in_hours(l, second) || (terms->tier != 0 && terms->tier != '1' && terms->tier != '2'))
        return LULD_OUT_OF_HOURS;
    e = symbol_at(l, slot, book, second);
    if (e->halted || terms->tier == 0)
        return LULD_UNKNOWN;
    reference_turn(e, second);
    const uint32_t reference = e->reference ? e->reference : e->quoted ? terms->previous_close : 0;
    if (reference == 0)
        return LULD_UNKNOWN;
    const uint64_t width = width_of(reference, terms, second + LULD_WIDE_S >= close);
    *low = width < reference ? reference - (uint32_t)width : 1;
    *high = reference + width < UINT32_MAX ? (uint32_t)(reference + width) : UINT32_MAX;
    return LULD_KNOWN;
}
