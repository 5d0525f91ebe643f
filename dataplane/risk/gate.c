// Hot path, seldom gone. Every check in the order of refusals.def; the first that fails answers.
// What surely passes all of them does not come here (pass.c).
#include "dataplane/risk/gate_prices.h"
#include "dataplane/risk/gate_sums.h"

static COLD bool killed(struct gate_verdict *v, const struct risk *r,
                        const struct exposure_owner *w)
{
    uint32_t scope = TRADE_SCOPES, asker = 0;
    for (; asker < KILL_ASKERS && scope == TRADE_SCOPES; asker++)
        scope = kill_hit(&r->kills[asker], w->account, w->strategy, w->instrument, w->session);
    return scope != TRADE_SCOPES && !refuse(v, REFUSAL_KILLED, scope, asker, 0);
}

// One comparison stands for all three of them: whatever takes records their place, or lets none be
// made, asks for more credit than there can be.
static COLD bool refuse_record(struct gate_verdict *v, const struct risk *r)
{
    if (r->event_credit_min == RISK_NO_RECORD && r->clock_only)
        return refuse(v, REFUSAL_CLOCK, TRADE_FIRM, r->clock_error, r->clock_limit);
    return r->event_credit_min == RISK_NO_RECORD
               ? refuse(v, REFUSAL_JOURNAL, TRADE_FIRM, r->record, 0)
               : refuse(v, REFUSAL_EVENT_CREDIT, TRADE_FIRM, r->event_credit, r->event_credit_min);
}

HOT_INLINE uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

// The tightest of all rows for a value of the order itself.
#define TIGHTEST(k, field)                                    \
    least(least(least((k)->of[0]->field, (k)->of[1]->field),  \
                least((k)->of[2]->field, (k)->of[3]->field)), \
          (k)->of[4]->field)

#define BINDING(k, field, limit)                     \
    ((k)->of[0]->field == (limit)   ? TRADE_FIRM     \
     : (k)->of[1]->field == (limit) ? TRADE_ACCOUNT  \
     : (k)->of[2]->field == (limit) ? TRADE_STRATEGY \
     : (k)->of[3]->field == (limit) ? TRADE_SYMBOL   \
                                    : TRADE_SESSION)

// Rows that have an owner's second line.
#define FOR_OWNERS(s) \
    for (uint32_t s = TRADE_FIRM; s < TRADE_SCOPES; s += 1 + (s == TRADE_STRATEGY))

HOT_INLINE void look_make(struct look *k, struct risk *r, const struct gate_order *o,
                          struct gate_verdict *v)
{
    const struct limit_table *t = r->limits;
    const struct exposure_owner *w = &o->owner;
    k->r = r;
    k->o = o;
    k->v = v;
    k->of[TRADE_FIRM] = &t->firm;
    k->of[TRADE_ACCOUNT] = &t->accounts[w->account];
    k->of[TRADE_STRATEGY] = &t->strategies[w->strategy];
    k->of[TRADE_SYMBOL] = &t->symbols[w->instrument];
    k->of[TRADE_SESSION] = &t->sessions[w->session];
    k->all = &r->symbols[w->instrument];
    k->own = &r->positions[w->position];
    k->use[TRADE_FIRM] = &r->firm;
    k->use[TRADE_ACCOUNT] = &r->accounts[w->account];
    k->use[TRADE_STRATEGY] = &r->strategies[w->strategy];
    k->use[TRADE_SYMBOL] = &k->all->use;
    k->use[TRADE_SESSION] = &r->sessions[w->session];
    k->days[TRADE_FIRM] = &r->day;
    k->days[TRADE_ACCOUNT] = &r->account_days[w->account];
    k->days[TRADE_STRATEGY] = &r->strategy_days[w->strategy];
    k->days[TRADE_SYMBOL] = NULL;
    k->days[TRADE_SESSION] = &r->session_days[w->session];
    k->lowest = gate_lowest(o);
    k->highest = gate_highest(o);
    k->notional = (uint64_t)o->quantity * k->highest;
    k->more = more_than(o->worst.shares, o->held.shares);
    k->more_orders = more_than(o->worst.orders, o->held.orders);
    k->more_notional = more_than(o->worst.notional, o->held.notional);
    k->state = TRADING_ACTIVE;
    for (uint32_t s = 0; s < TRADE_SCOPES; s++)
        k->state = k->of[s]->state > k->state ? k->of[s]->state : k->state;
    *v = (struct gate_verdict){.version = t->version};
}

// --- may anything enter ---

static COLD bool refuse_restricted(const struct look *k, uint32_t restricted)
{
    const struct gate_order *o = k->o;
    const bool could_be_short = o->owner.sells && (k->more || is_replace(o)) &&
                                worst_position(k->all->shares, k->all->open_sell, k->more, true);
    const bool passes = restricted == RESTRICTION_SHORT     ? !could_be_short
                        : restricted == RESTRICTION_OPENING ? only_reduces(k)
                                                            : false;
    return passes || refuse(k->v, REFUSAL_RESTRICTED, TRADE_SYMBOL, restricted, 0);
}

HOT_INLINE bool trading_on(const struct look *k)
{
    if (UNLIKELY(!nobody_killed(k->r)) && killed(k->v, k->r, &k->o->owner))
        return false;
    if (UNLIKELY(k->state >= TRADING_HALTED))
        return refuse(k->v, REFUSAL_HALTED, BINDING(k, state, k->state), k->state,
                      TRADING_REDUCING);
    return true;
}

HOT_INLINE bool standing(const struct look *k)
{
    const struct risk *r = k->r;
    const struct gate_order *o = k->o;
    const struct limit_row *symbol = k->of[TRADE_SYMBOL];
    struct gate_verdict *v = k->v;
    if (UNLIKELY(r->event_credit < r->event_credit_min))
        return refuse_record(v, r);
    if (UNLIKELY(!o->session_up))
        return refuse(v, REFUSAL_SESSION_DOWN, TRADE_SESSION, 0, 0);
    if (UNLIKELY(!o->session_free))
        return refuse(v, REFUSAL_SESSION_BUSY, TRADE_SESSION, 0, 0);
    if (UNLIKELY(k->all->quarantined))
        return refuse(v, REFUSAL_SYMBOL_QUARANTINED, TRADE_SYMBOL, 1, 0);
    if (UNLIKELY(symbol->symbol.restricted) && !refuse_restricted(k, symbol->symbol.restricted))
        return false;
    if (UNLIKELY(o->quality > symbol->quality))
        return refuse(v, REFUSAL_BOOK_QUALITY, TRADE_SYMBOL, o->quality, symbol->quality);
    if (UNLIKELY(!(symbol->symbol.phases >> o->phase & 1)))
        return refuse(v, REFUSAL_PHASE, TRADE_SYMBOL, o->phase, symbol->symbol.phases);
    if (UNLIKELY(o->market))
        return refuse(v, REFUSAL_MARKET, TRADE_ACCOUNT, 0, 0);
    if (UNLIKELY(o->quantity - 1 >= OUCH50_QUANTITY_MAX))
        return refuse(v, REFUSAL_QUANTITY_RANGE, TRADE_FIRM, o->quantity, OUCH50_QUANTITY_MAX);
    if (UNLIKELY(k->lowest == 0 || k->highest > OUCH50_PRICE_MAX))
        return refuse(v, REFUSAL_PRICE_RANGE, TRADE_FIRM, k->lowest ? k->highest : 0,
                      OUCH50_PRICE_MAX);
    return true;
}

// --- rates ---

// A message that is refused by its session charges nothing, one that its symbol refuses charges the
// session: a loop of refused orders ends there.
HOT_INLINE bool rates_charge(struct risk *r, uint32_t session, uint32_t instrument, uint64_t now,
                             struct gate_verdict *v)
{
    const struct limit_row *of = &r->limits->sessions[session],
                           *in = &r->limits->symbols[instrument];
    struct symbol_use *all = &r->symbols[instrument];
    const uint64_t burst = limit_burst(of), burst_there = limit_burst(in);
    const uint64_t ahead = rate_ahead(&r->rate_at[session], limit_apart(of), burst, now);
    const uint64_t there = rate_ahead(&all->rate_at, limit_apart(in), burst_there, now);
    if (UNLIKELY(ahead > burst))
        return refuse(v, REFUSAL_MESSAGE_RATE, TRADE_SESSION, ahead, burst);
    r->rate_at[session] = now + ahead + limit_apart(of);
    if (UNLIKELY(there > burst_there))
        return refuse(v, REFUSAL_MESSAGE_RATE, TRADE_SYMBOL, there, burst_there);
    all->rate_at = now + there + limit_apart(in);
    return true;
}

static COLD bool halted(const struct limit_table *t, const struct exposure_owner *w)
{
    return t->firm.state >= TRADING_HALTED || t->accounts[w->account].state >= TRADING_HALTED ||
           t->strategies[w->strategy].state >= TRADING_HALTED ||
           t->symbols[w->instrument].state >= TRADING_HALTED ||
           t->sessions[w->session].state >= TRADING_HALTED;
}

COLD bool gate_refused_before(struct risk *r, const struct exposure_owner *w, uint64_t now,
                              struct gate_verdict *v)
{
    const bool stopped = (!nobody_killed(r) && killed(v, r, w)) || halted(r->limits, w);
    *v = (struct gate_verdict){.version = r->limits->version};
    return stopped || rates_charge(r, w->session, w->instrument, now, v);
}

HOT_INLINE bool rates(const struct look *k)
{
    const struct exposure_owner *w = &k->o->owner;
    return rates_charge(k->r, w->session, w->instrument, k->o->now, k->v);
}

HOT_INLINE bool cancels_good(const struct look *k)
{
    const struct limit_row *session = k->of[TRADE_SESSION];
    if (LIKELY(!session->cancel_rate))
        return true;
    uint64_t *at = &k->r->cancel_at[k->o->owner.session];
    const uint64_t burst = limit_cancels_burst(session), apart = limit_cancels_apart(session);
    const uint64_t cancels = session->cancel_rate == CANCELS_WAIT
                                 ? rate_ahead(at, apart, burst, k->o->now)
                                 : ahead_of(*at, k->o->now);
    return LIKELY(cancels <= burst) ||
           passes(k, REFUSAL_CANCEL_RATE, TRADE_SESSION, cancels, burst);
}

// --- the order itself ---

static COLD bool refuse_permission(const struct look *k, uint32_t asks)
{
    const uint32_t wrong = (uint32_t)__builtin_ctz(asks);
    uint32_t scope = TRADE_FIRM;
    while (!(k->of[scope]->forbids >> wrong & 1))
        scope++;
    return refuse(k->v, REFUSAL_PERMISSION, scope, wrong, 0);
}

static COLD bool refuse_band(const struct look *k)
{
    const struct limit_row *symbol = k->of[TRADE_SYMBOL];
    const uint32_t low = symbol->symbol.band_low;
    const bool none = low > symbol->band_high; // no band is known
    const bool below = !none && k->lowest < low;
    return refuse(k->v, REFUSAL_LULD, TRADE_SYMBOL, below ? k->lowest : k->highest,
                  none    ? 0
                  : below ? low
                          : symbol->band_high);
}

// Rule 612 of Regulation NMS: below one dollar an increment of 0.0001. A modify carries no price:
// that of the order is the exchange's, and a peg's may be half a tick.
HOT_INLINE bool tick_good(const struct look *k, uint32_t price)
{
    const struct limit_symbol *s = &k->of[TRADE_SYMBOL]->symbol;
    return LIKELY(multiple_of(price, s->tick_magic)) || price < 10000 ||
           k->o->asks >> PERMISSION_MODIFY & 1 ||
           refuse(k->v, REFUSAL_TICK, TRADE_SYMBOL, price, s->tick);
}

HOT_INLINE bool terms(const struct look *k)
{
    const struct gate_order *o = k->o;
    const struct limit_row *symbol = k->of[TRADE_SYMBOL];
    const struct limit_symbol *more = &symbol->symbol;
    struct gate_verdict *v = k->v;
    uint64_t limit;
    const uint32_t forbidden =
        o->asks & (k->of[0]->forbids | k->of[1]->forbids | k->of[2]->forbids | k->of[3]->forbids |
                   k->of[4]->forbids);
    if (UNLIKELY(forbidden))
        return refuse_permission(k, forbidden);
    if (UNLIKELY(!venue_good(k->of[TRADE_STRATEGY], o)))
        return refuse(v, REFUSAL_VENUES, TRADE_STRATEGY, o->owner.session, 0);
    if (UNLIKELY(!multiple_of(o->quantity, more->lot_magic)))
        return refuse(v, REFUSAL_LOT, TRADE_SYMBOL, o->quantity, more->lot);
    if (!tick_good(k, o->price) || (UNLIKELY(o->reaches) && !tick_good(k, o->discretion)))
        return false;
    if (UNLIKELY(o->auction)) {
        if (o->quantity > (limit = TIGHTEST(k, auction_quantity)))
            return refuse(v, REFUSAL_AUCTION_QUANTITY, BINDING(k, auction_quantity, limit),
                          o->quantity, limit);
    } else if (UNLIKELY(o->quantity > (limit = TIGHTEST(k, quantity))))
        return refuse(v, REFUSAL_QUANTITY, BINDING(k, quantity, limit), o->quantity, limit);
    if (UNLIKELY(k->notional > (limit = TIGHTEST(k, notional))))
        return refuse(v, REFUSAL_NOTIONAL, BINDING(k, notional, limit), k->notional, limit);
    if (UNLIKELY(o->quantity > more->volume) &&
        !passes(k, REFUSAL_VOLUME, TRADE_SYMBOL, o->quantity, more->volume))
        return false;
    // Before the collar, which is no wider in the table than the band.
    if (UNLIKELY(k->lowest < more->band_low || k->highest > symbol->band_high))
        return refuse_band(k);
    if (UNLIKELY(o->band_out)) // worked out by the desk: trades are not the gate's
        return refuse(v, REFUSAL_LULD_ESTIMATED, TRADE_SYMBOL,
                      o->band_below ? k->lowest : k->highest, o->band_edge);
    if (UNLIKELY(k->lowest < symbol->price_low))
        return refuse(v, REFUSAL_PRICE_COLLAR, TRADE_SYMBOL, k->lowest, symbol->price_low);
    if (UNLIKELY(k->highest > symbol->price_high))
        return refuse(v, REFUSAL_PRICE_COLLAR, TRADE_SYMBOL, k->highest, symbol->price_high);
    return true;
}

// --- the market ---

// Rule 200(g) and Rule 201 of Regulation SHO, and what was located.
HOT_INLINE bool sale_good(const struct look *k)
{
    const struct limit_symbol *s = &k->of[TRADE_SYMBOL]->symbol;
    const struct gate_order *o = k->o;
    const uint64_t sold = k->own->open_sell + k->more;
    const uint64_t held = k->own->shares > 0 ? (uint64_t)k->own->shares : 0;
    if (UNLIKELY(s->short_marking && o->side == 'S' && (k->more || o->turns || is_replace(o)) &&
                 sold > held))
        return refuse(k->v, REFUSAL_SHORT_MARK, TRADE_SYMBOL, sold, held);
    if (UNLIKELY(o->short_rule && o->side == 'T' && s->rule_201))
        return refuse(k->v, REFUSAL_SHORT_RESTRICTED, TRADE_SYMBOL, 1, 0);
    const uint64_t worst = worst_position(k->all->shares, k->all->open_sell, k->more, true);
    if (UNLIKELY(s->locates != UINT32_MAX && worst > s->locates && k->more))
        return refuse(k->v, REFUSAL_LOCATE, TRADE_SYMBOL, worst, s->locates);
    return true;
}

HOT_INLINE bool market(const struct look *k)
{
    return spread_good(k) && touch_good(k) && last_good(k) && period_good(k) &&
           (!k->o->owner.sells || sale_good(k));
}

// --- habits ---

// What the ring has no place for counts as one too many.
HOT_INLINE bool duplicate_good(const struct look *k)
{
    const struct limit_owner *l = &k->of[TRADE_ACCOUNT]->owner;
    const struct gate_order *o = k->o;
    if (l->duplicates == UINT16_MAX)
        return true;
    const uint64_t count = priors_count(k->r, o, l), places = 1ull << k->r->prior_bits;
    if (UNLIKELY(count >= l->duplicates)) {
        if (!passes(k, REFUSAL_DUPLICATE, TRADE_ACCOUNT, count + 1, l->duplicates))
            return false;
    }
    if (UNLIKELY(!priors_free(k->r, o->owner.account)) && !priors_room(k->r, o, l)) {
        if (!passes(k, REFUSAL_DUPLICATE, TRADE_ACCOUNT, places + 1, places))
            return false;
        k->r->prior_rings[o->owner.account].free++; // only told: the oldest is forgotten
    }
    prior_add(k->r, o);
    return true;
}

HOT_INLINE bool instruments_good(const struct look *k)
{
    const uint32_t most = k->of[TRADE_STRATEGY]->owner.instruments;
    const uint64_t count = k->days[TRADE_STRATEGY]->instruments;
    if (LIKELY(most == UINT16_MAX || count < most ||
               *traded_word(k->r, &k->o->owner) >> (k->o->owner.instrument % 64) & 1))
        return true;
    return passes(k, REFUSAL_INSTRUMENTS, TRADE_STRATEGY, count + 1, most);
}

HOT_INLINE bool habits(const struct look *k)
{
    const struct owner_day *strategy = k->days[TRADE_STRATEGY];
    const uint32_t repeats = k->of[TRADE_STRATEGY]->owner.repeats;
    if (UNLIKELY(!duplicate_good(k)))
        return false;
    if (UNLIKELY(strategy->applied >= repeats) &&
        !passes(k, REFUSAL_REPEATED, TRADE_STRATEGY, (uint64_t)strategy->applied + 1, repeats))
        return false;
    if (UNLIKELY(!instruments_good(k)))
        return false;
    FOR_OWNERS(s)
    ratio_look(k, s);
    return sum_good(k, REFUSAL_DAY_ORDERS) && sum_good(k, REFUSAL_ORDER_RATIO);
}

HOT_INLINE bool sums(const struct look *k)
{
    static const enum refusal checks[] = {
        REFUSAL_OPEN_ORDERS, REFUSAL_OPEN_NOTIONAL, REFUSAL_POSITION, REFUSAL_GROSS,
        REFUSAL_DAY_VALUE,   REFUSAL_CREDIT,        REFUSAL_LOSS,     REFUSAL_DRAWDOWN};
    for (uint32_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (UNLIKELY(!sum_good(k, checks[i])))
            return false;
    if (UNLIKELY(k->state == TRADING_REDUCING) && !only_reduces(k))
        return refuse_reducing(k, BINDING(k, state, k->state));
    if (UNLIKELY(k->o->self_met != 0)) // looked for by the desk: orders are not the gate's
        return refuse(k->v, REFUSAL_SELF_TRADE, k->o->self_scope,
                      k->o->owner.sells ? k->lowest : k->highest, k->o->self_met);
    return true;
}

// --- all ---

// An approved order counts, also where nothing limits it yet: a limit may come in the middle of the
// day.
HOT_INLINE void count(const struct look *k)
{
    struct owner_day *strategy = k->days[TRADE_STRATEGY];
    const uint64_t bit = 1ull << (k->o->owner.instrument % 64);
    uint64_t *word = traded_word(k->r, &k->o->owner);
    FOR_OWNERS(s)
    k->days[s]->orders++;
    strategy->applied++;
    strategy->instruments += !(*word & bit);
    *word |= bit;
}

static bool in_order(struct risk *r, const struct gate_order *o, struct gate_verdict *v, bool again)
{
    struct look k;
    look_make(&k, r, o, v);
    k.again = again;
    if (UNLIKELY(!trading_on(&k) || (!again && !rates(&k)) || !standing(&k) || !cancels_good(&k) ||
                 !terms(&k) || !market(&k) || (!again && !habits(&k)) || !sums(&k))) {
        v->owner = owner_of(&k, v);
        return false;
    }
    if (!again)
        count(&k);
    return true;
}

bool gate_in_order(struct risk *r, const struct gate_order *o, struct gate_verdict *v)
{
    return in_order(r, o, v, false);
}

bool gate_again(struct risk *r, const struct gate_order *o, struct gate_verdict *v)
{
    return in_order(r, o, v, true);
}
