// What the two ways through the gate share (pass.c, gate.c).
#pragma once

#include "dataplane/risk/duplicates.h"
#include "dataplane/risk/risk.h"
#include "dataplane/wire/ouch50.h"

// The checks one by one, in the order of refusals.def: what gate() answers for every order, and
// charges for it. gate() comes here with what it does not approve by itself.
bool gate_in_order(struct risk *r, const struct gate_order *o, struct gate_verdict *v);

// What an order adds to what it holds already; nothing when it becomes smaller.
HOT_INLINE uint64_t more_than(uint64_t worst, uint64_t held)
{
    return worst > held ? worst - held : 0;
}

// Where the symbols are counted in which a strategy's orders were approved.
HOT_INLINE uint64_t *traded_word(struct risk *r, const struct exposure_owner *w)
{
    return &r->traded_in[w->strategy][w->instrument / 64];
}

// What the order's strategy holds in its symbol.
HOT_INLINE struct strategy_use *strategy_use(const struct risk *r, const struct exposure_owner *w)
{
    return &r->held[w->strategy][w->instrument];
}

// How far a schedule is ahead of the clock (virtual scheduling of ITU-T I.371: it moves by one
// interval per message, and may be ahead by the burst).
HOT_INLINE uint64_t ahead_of(uint64_t at, uint64_t now)
{
    return at > now ? at - now : 0;
}

// The same where nothing that is refused is charged: more than one message beyond the burst was
// charged by a table before this one, whose rate is not waited for.
HOT_INLINE uint64_t rate_ahead(uint64_t *at, uint64_t apart, uint64_t burst, uint64_t now)
{
    const uint64_t most = burst + apart;
    if (UNLIKELY(*at > now + most))
        *at = now + most;
    return ahead_of(*at, now);
}

// False: somebody has asked for a kill since there was none; whom it hits is looked up then. An
// asker sets the kill before it counts (kill_ask), so what has been counted is seen.
HOT_INLINE bool nobody_killed(const struct risk *r)
{
    const struct kill_words *k = r->kills;
    uint64_t changed = 0;
#pragma GCC unroll 4
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++)
        changed |=
            atomic_load_explicit(&k[asker].rung, memory_order_acquire) ^ r->kills_none[asker];
    return changed == 0;
}

// VENUES: a strategy's row.
HOT_INLINE bool venue_good(const struct limit_row *strategy, const struct gate_order *o)
{
    return strategy->venues >> o->owner.session & 1;
}

// --- what prices are compared with, 0: with nothing ---

// How far a price may be from <reference>: the larger of a band and a sum. Rounded down.
HOT_INLINE uint64_t band_of(uint32_t reference, uint32_t band, uint32_t least_away)
{
    const uint64_t away = band == LIMIT_BAND_OPEN ? UINT32_MAX : (uint64_t)reference * band / 10000;
    return away > least_away ? away : least_away;
}

HOT_INLINE bool in_auction(const struct gate_order *o)
{
    return UNLIKELY(o->auction | o->collecting);
}

// What the prices of an auction are compared with: best prices are those of the continuous market,
// and orders that wait for an auction may cross each other. The opening ends a night: the previous
// close. The others end hours of trading: the last trade.
HOT_INLINE uint32_t auction_reference(const struct limit_symbol *s, const struct gate_order *o)
{
    return o->last && !o->opening ? o->last : s->previous_close;
}

// Of a period that begins now, too.
HOT_INLINE uint32_t continuous_reference(const struct limit_symbol *s, const struct gate_order *o)
{
    return o->last ? o->last : s->previous_close;
}

HOT_INLINE uint32_t last_reference(const struct limit_symbol *s, const struct gate_order *o)
{
    return in_auction(o) ? auction_reference(s, o) : continuous_reference(s, o);
}

// Buying dear and selling cheap is compared with the other side; the own side counts for the other
// bound, and where it is empty the other side stands for it. low 0: there is no other side.
HOT_INLINE void touch_references(const struct limit_symbol *s, const struct gate_order *o,
                                 uint32_t *low, uint32_t *high)
{
    const bool auction = in_auction(o), sells = o->owner.sells;
    const uint32_t other = auction ? auction_reference(s, o) : sells ? o->bid : o->ask;
    const uint32_t own = sells ? o->ask : o->bid, same = auction || own == 0 ? other : own;
    *low = same < other ? same : other;
    *high = same > other ? same : other;
}

// An order fails a check whose action is NOTIFY: true, it is told later (desk_act.h), and the walk
// goes on. <told>: that the order fails it has been told before. Practice is not told.
bool gate_note(struct risk *r, const struct gate_order *o, const struct gate_verdict *why,
               bool told);
