// Hot path. The gate: an order that is surely within every limit is approved here; all others are
// for the checks one by one (gate.c), which refuse, say why and charge what a refused order is
// charged.
//
// An order passes where nothing is beyond its limit, whatever the order of the checks. So it is
// compared owner by owner: a row of limits and the sums beside it are looked up once, and nothing
// has to be kept for an explanation. Where it is shorter this asks for more than a check does (a
// sale is held against credit too, only a book with both sides has a touch): the checks then
// approve what they approve. It never asks for less. Nothing is written before everything holds.
#include <stddef.h>
#include <string.h>

#include "dataplane/risk/gate_parts.h"

// A check that is added is added here too, or below it.
enum { GATE_CHECKS = 50 };
_Static_assert(GATE_CHECKS == 0
#define REFUSAL(number, upper, help)
#define CHECK(number, upper, unit, word, help) +1
#include "dataplane/abi/refusals.def"
               ,
               "is an order that fails it kept from passing?");

// What the order adds to sums.
struct growth {
    uint64_t notional; // of the order as sent
    uint64_t open_notional;
    uint64_t shares;
    uint64_t orders;
};

// --- may anything enter ---

// JOURNAL and CLOCK (no credit is enough then), EVENT_CREDIT, SESSION_DOWN, SESSION_BUSY,
// MARKET, QUANTITY_RANGE, PRICE_RANGE, SELF_TRADE, LULD_ESTIMATED. AUCTION_QUANTITY and
// what has a discretion are for the checks: few orders are that.
HOT_INLINE bool may_enter(const struct risk *r, const struct gate_order *o)
{
    return r->event_credit >= r->event_credit_min && o->session_up && o->session_free &&
           o->quantity - 1 < OUCH50_QUANTITY_MAX && o->price - 1 < OUCH50_PRICE_MAX &&
           (o->self_met | o->apart) == 0;
}

// --- every row ---

// State, quality and forbidden kinds of a row, as they stand side by side in it.
HOT_INLINE uint32_t row_word(const struct limit_row *row)
{
    uint32_t word;
    memcpy(&word, (const uint8_t *)row + offsetof(struct limit_row, state), sizeof word);
    return word;
}
_Static_assert(offsetof(struct limit_row, forbids) == offsetof(struct limit_row, state) + 2 &&
                   sizeof((struct limit_row *)0)->state == 1 && TRADING_ACTIVE == 0 &&
                   __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "row_word");

// HALTED, REDUCING, PERMISSION: of all rows at once.
HOT_INLINE bool words_allow(uint32_t words, uint32_t asks)
{
    return (words & UINT8_MAX) == TRADING_ACTIVE && (words >> 16 & asks) == 0;
}

// QUANTITY, NOTIONAL, OPEN_ORDERS, OPEN_NOTIONAL.
HOT_INLINE bool row_holds(const struct limit_row *row, const struct risk_use *use,
                          const struct gate_order *o, const struct growth *g)
{
    return o->quantity <= row->quantity && g->notional <= row->notional &&
           use->orders + g->orders <= row->open_orders &&
           use->notional + g->open_notional <= row->open_notional;
}

// MESSAGE_RATE, as virtual scheduling of ITU-T I.371: not further ahead of the clock than a burst.
HOT_INLINE bool rate_holds(const struct limit_row *row, uint64_t at, uint64_t now)
{
    return at <= now + limit_burst(row);
}

HOT_INLINE uint64_t rate_next(const struct limit_row *row, uint64_t at, uint64_t now)
{
    return (at > now ? at : now) + limit_apart(row);
}

// CANCEL_RATE: sessions. Where cancels have no rate none is ahead of it.
HOT_INLINE bool cancels_hold(const struct limit_row *row, uint64_t at, uint64_t now)
{
    return at <= now + limit_cancels_burst(row);
}

// --- rows of owners ---

// ORDER_RATIO: <ratio> orders for each execution of the time, and as many more. The first order of
// a step of it is for the checks.
HOT_INLINE bool ratio_holds(const struct limit_owner *l, const struct owner_day *day, uint64_t now)
{
    return LIKELY(l->ratio == UINT16_MAX) ||
           (now < day->ratio_until && day->orders < day->ratio_most);
}

// DAY_ORDERS, DAY_VALUE, ORDER_RATIO: firm, account, strategy, session.
HOT_INLINE bool owner_holds(const struct limit_owner *l, const struct owner_day *day,
                            const struct risk_use *use, const struct gate_order *o,
                            const struct growth *g)
{
    return day->orders < l->day_orders &&
           day->traded + use->notional + g->open_notional <= l->day_value &&
           ratio_holds(l, day, o->now);
}

// GROSS, CREDIT, LOSS, DRAWDOWN: firm and account.
HOT_INLINE bool holder_holds(const struct limit_owner *l, const struct owner_day *day,
                             const struct risk_use *use, const struct growth *g)
{
    const uint64_t paid = day->paid > 0 ? (uint64_t)day->paid : 0;
    return day->gross + use->notional + g->open_notional <= l->gross &&
           paid + day->open_buy + g->open_notional <= l->credit && day->broken == 0;
}

// INSTRUMENTS, REPEATED: strategy. <traded>: the bits of its symbols.
HOT_INLINE bool strategy_holds(const struct limit_owner *l, const struct owner_day *day,
                               const struct gate_order *o, uint64_t traded)
{
    return day->applied < l->repeats &&
           (LIKELY(day->instruments < l->instruments) || traded >> (o->owner.instrument % 64) & 1);
}

// --- the symbol's row ---

// SYMBOL_QUARANTINED, RESTRICTED, BOOK_QUALITY, PHASE, LOT, TICK, VOLUME, PRICE_COLLAR, and with it
// LULD (limit_band_set). Below one dollar another tick applies: the checks know it.
HOT_INLINE bool terms_hold(const struct limit_row *row, const struct symbol_use *all,
                           const struct gate_order *o)
{
    const struct limit_symbol *s = &row->symbol;
    return !all->quarantined && !s->restricted && o->quality <= row->quality &&
           s->phases >> o->phase & 1 && multiple_of(o->quantity, s->lot_magic) &&
           multiple_of(o->price, s->tick_magic) && o->quantity <= s->volume &&
           o->price >= row->price_low && o->price <= row->price_high;
}

// <away> is at most <band> hundredths of a percent of <reference>, or <least>. x <= y / 10000,
// rounded down, is x * 10000 <= y.
HOT_INLINE bool near(uint64_t away, uint64_t reference, uint64_t band, uint64_t least)
{
    return away * 10000 <= reference * band || away <= least;
}

// SPREAD, REFERENCE, TOUCH. A price between the best prices, or at one, is near them.
HOT_INLINE bool book_holds(const struct limit_symbol *s, const struct gate_order *o)
{
    const uint32_t low = o->bid < o->ask ? o->bid : o->ask,
                   high = o->bid < o->ask ? o->ask : o->bid;
    if (s->spread != LIMIT_BAND16_OPEN &&
        UNLIKELY(o->bid > o->ask || !near(high - low, ((uint64_t)low + high) / 2, s->spread, 0)))
        return false;
    if (s->touch == LIMIT_BAND_OPEN)
        return true;
    if (UNLIKELY(low == 0))
        return false;
    return LIKELY(o->price - low <= high - low) ||
           (o->price > high ? near(o->price - high, high, s->touch, s->touch_least)
                            : near(low - o->price, low, s->touch, s->touch_least));
}

// REFERENCE, LAST_TRADE.
HOT_INLINE bool last_holds(const struct limit_symbol *s, const struct gate_order *o)
{
    if (s->last == LIMIT_BAND_OPEN)
        return true;
    const uint32_t last = o->last ? o->last : s->previous_close;
    const uint32_t away = o->price > last ? o->price - last : last - o->price;
    return last != 0 && near(away, last, s->last, s->last_least);
}

// PRICE_PERIOD. The first order of a period is for the checks: they take its reference.
HOT_INLINE bool period_holds(const struct limit_symbol *s, const struct symbol_use *all,
                             const struct gate_order *o)
{
    if (s->period == LIMIT_BAND16_OPEN)
        return true;
    const uint32_t from = all->period_price;
    const uint32_t away = o->price > from ? o->price - from : from - o->price;
    return o->now < all->period_until && near(away, from, s->period, s->period_least);
}

// --- positions ---

// Net position if all that is open on the order's side executes, it included.
HOT_INLINE int64_t worst_position(int64_t shares, uint64_t buys, uint64_t sales, uint64_t more,
                                  bool sells)
{
    return (sells ? -shares : shares) + (int64_t)((sells ? sales : buys) + more);
}

// POSITION of a strategy. Its line is not waited for where nothing limits it.
HOT_INLINE bool held_holds(const struct limit_row *strategy, const struct risk *r,
                           const struct gate_order *o, const struct growth *g)
{
    if (strategy->position == LIMIT_POSITION_MAX)
        return true;
    const struct strategy_use *held = strategy_use(r, &o->owner);
    return worst_position(held->shares, held->open_buy, held->open_sell, g->shares,
                          o->owner.sells) <= (int64_t)strategy->position;
}

// POSITION of account and symbol, SHORT_MARK, SHORT_RESTRICTED, LOCATE.
HOT_INLINE bool position_holds(const struct limit_row *account, const struct limit_row *symbol,
                               const struct position *own, const struct symbol_use *all,
                               const struct gate_order *o, const struct growth *g)
{
    const struct limit_symbol *s = &symbol->symbol;
    const bool sells = o->owner.sells;
    const int64_t of_own =
        worst_position(own->shares, own->open_buy, own->open_sell, g->shares, sells);
    const int64_t of_all =
        worst_position(all->shares, all->open_buy, all->open_sell, g->shares, sells);
    const int64_t locates = sells ? (int64_t)s->locates : INT64_MAX;
    return of_own <= (int64_t)account->position && of_all <= (int64_t)symbol->position &&
           of_all <= locates && !(s->short_marking && o->side == 'S' && of_own > 0) &&
           !(o->short_rule && o->side == 'T');
}

// --- repeated orders ---

// DUPLICATE
HOT_INLINE bool duplicates_hold(const struct limit_owner *l, const struct risk *r,
                                const struct gate_order *o)
{
    return l->duplicates == UINT16_MAX ||
           (priors_count(r, o, l) < l->duplicates && priors_free(r, o->owner.account));
}

// --- approved ---

HOT_INLINE void symbol_counts(struct owner_day *strategy, uint64_t *traded, uint32_t instrument)
{
    const uint64_t bit = 1ull << (instrument % 64);
    strategy->applied++;
    strategy->instruments += !(*traded & bit);
    *traded |= bit;
}

bool gate(struct risk *r, const struct gate_order *o, struct gate_verdict *v)
{
    const struct limit_table *t = r->limits;
    const struct exposure_owner *w = &o->owner;
    const struct limit_row *firm = &t->firm, *account = &t->accounts[w->account],
                           *strategy = &t->strategies[w->strategy],
                           *session = &t->sessions[w->session],
                           *symbol = &t->symbols[w->instrument];
    struct owner_day *firm_day = &r->day, *account_day = &r->account_days[w->account],
                     *strategy_day = &r->strategy_days[w->strategy],
                     *session_day = &r->session_days[w->session];
    const struct risk_use *account_use = &r->accounts[w->account];
    struct symbol_use *all = &r->symbols[w->instrument];
    struct position *own = &r->positions[w->position];
    uint64_t *traded = traded_word(r, w), *session_at = &r->rate_at[w->session];
    const struct growth g = {.notional = (uint64_t)o->quantity * o->price,
                             .open_notional = more_than(o->worst.notional, o->held.notional),
                             .shares = more_than(o->worst.shares, o->held.shares),
                             .orders = more_than(o->worst.orders, o->held.orders)};
    const uint32_t words = row_word(firm) | row_word(account) | row_word(strategy) |
                           row_word(symbol) | row_word(session);

    if (UNLIKELY(
            !(nobody_killed(r) && may_enter(r, o) && words_allow(words, o->asks) &&
              // the firm, the account
              row_holds(firm, &r->firm, o, &g) &&
              owner_holds(&firm->owner, firm_day, &r->firm, o, &g) &&
              holder_holds(&firm->owner, firm_day, &r->firm, &g) &&
              row_holds(account, account_use, o, &g) &&
              owner_holds(&account->owner, account_day, account_use, o, &g) &&
              holder_holds(&account->owner, account_day, account_use, &g) &&
              // the strategy
              venue_good(strategy, o) && row_holds(strategy, &r->strategies[w->strategy], o, &g) &&
              owner_holds(&strategy->owner, strategy_day, &r->strategies[w->strategy], o, &g) &&
              strategy_holds(&strategy->owner, strategy_day, o, *traded) &&
              held_holds(strategy, r, o, &g) &&
              // the session
              row_holds(session, &r->sessions[w->session], o, &g) &&
              owner_holds(&session->owner, session_day, &r->sessions[w->session], o, &g) &&
              rate_holds(session, *session_at, o->now) &&
              cancels_hold(session, r->cancel_at[w->session], o->now) &&
              // the symbol, and the account in it
              row_holds(symbol, &all->use, o, &g) && rate_holds(symbol, all->rate_at, o->now) &&
              terms_hold(symbol, all, o) && book_holds(&symbol->symbol, o) &&
              last_holds(&symbol->symbol, o) && period_holds(&symbol->symbol, all, o) &&
              position_holds(account, symbol, own, all, o, &g) &&
              duplicates_hold(&account->owner, r, o))))
        return gate_in_order(r, o, v);

    *session_at = rate_next(session, *session_at, o->now);
    all->rate_at = rate_next(symbol, all->rate_at, o->now);
    if (account->owner.duplicates != UINT16_MAX)
        prior_add(r, o);
    firm_day->orders++;
    account_day->orders++;
    strategy_day->orders++;
    session_day->orders++;
    symbol_counts(strategy_day, traded, w->instrument);
    *v = (struct gate_verdict){.version = t->version};
    return true;
}
