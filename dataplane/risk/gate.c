// Hot path. Every check in the order of its number in refusals.def; the first that fails answers.
#include "dataplane/risk/risk.h"
#include "dataplane/wire/ouch50.h"

struct rows {
    const struct limit_row *of[TRADE_SCOPES];
};

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

static COLD bool refuse_killed(struct gate_verdict *v, const struct risk *r,
                               const struct exposure_owner *w)
{
    uint32_t scope = TRADE_SCOPES, asker = 0;
    for (; asker < KILL_ASKERS && scope == TRADE_SCOPES; asker++)
        scope = kill_hit(&r->kills[asker], w->account, w->strategy, w->instrument, w->session);
    return refuse(v, REFUSAL_KILLED, scope == TRADE_SCOPES ? TRADE_FIRM : scope, asker, 0);
}

HOT_INLINE bool is_killed(const struct risk *r, const struct exposure_owner *w)
{
    bool hit = false;
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++)
        hit |= kill_hit(&r->kills[asker], w->account, w->strategy, w->instrument, w->session) !=
               TRADE_SCOPES;
    return hit;
}

// The tightest of all rows for a value of the order itself.
#define TIGHTEST(rows, field)                                                                      \
    least5((rows)->of[0]->field, (rows)->of[1]->field, (rows)->of[2]->field, (rows)->of[3]->field, \
           (rows)->of[4]->field)

HOT_INLINE uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

HOT_INLINE uint64_t least5(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    return least(least(least(a, b), least(c, d)), e);
}

#define BINDING(rows, field, limit)                     \
    ((rows)->of[0]->field == (limit)   ? TRADE_FIRM     \
     : (rows)->of[1]->field == (limit) ? TRADE_ACCOUNT  \
     : (rows)->of[2]->field == (limit) ? TRADE_STRATEGY \
     : (rows)->of[3]->field == (limit) ? TRADE_SYMBOL   \
                                       : TRADE_SESSION)

// One message more on the session, if it is not too early (virtual scheduling of ITU-T I.371: the
// schedule moves by one interval per message, and may be ahead of the clock by the burst).
HOT_INLINE bool rate_charge(struct risk *r, const struct limit_row *row, uint32_t session,
                            uint64_t now, uint64_t *ahead)
{
    const uint64_t at = r->rate_at[session] > now ? r->rate_at[session] : now;
    *ahead = at - now;
    if (UNLIKELY(*ahead > row->burst_ticks))
        return false;
    r->rate_at[session] = at + row->rate_ticks;
    return true;
}

// What an order adds to what it holds already; nothing when it becomes smaller.
HOT_INLINE uint64_t more_than(uint64_t worst, uint64_t held)
{
    return worst > held ? worst - held : 0;
}

// Net position if all that is open on the side executes, <more> included; 0 when that does not even
// reach flat.
HOT_INLINE uint64_t worst_position(int64_t shares, uint64_t open, uint64_t more, bool sells)
{
    const int64_t worst = (sells ? -shares : shares) + (int64_t)(open + more);
    return worst > 0 ? (uint64_t)worst : 0;
}

// All that is open on the side, <more> included, cannot turn the position round.
HOT_INLINE bool reduces(int64_t shares, uint64_t open, uint64_t more, bool sells)
{
    return (int64_t)(open + more) <= (sells ? shares : -shares);
}

// Limits on sums: the first scope whose sum is above its limit with the order, or TRADE_SCOPES.
// What does not grow passes, however low a limit has become meanwhile.
HOT_INLINE uint32_t orders_over(const struct risk_use *const *use, const struct rows *rows,
                                uint64_t more)
{
    for (uint32_t s = 0; s < TRADE_SCOPES; s++)
        if (UNLIKELY(use[s]->orders + more > rows->of[s]->open_orders) && more)
            return s;
    return TRADE_SCOPES;
}

HOT_INLINE uint32_t notional_over(const struct risk_use *const *use, const struct rows *rows,
                                  uint64_t more)
{
    for (uint32_t s = 0; s < TRADE_SCOPES; s++)
        if (UNLIKELY(use[s]->notional + more > rows->of[s]->open_notional) && more)
            return s;
    return TRADE_SCOPES;
}

// An account's row limits its position in each symbol, a symbol's row the position of all accounts
// together.
HOT_INLINE uint32_t position_over(const struct position *own, const struct symbol_use *firm,
                                  const struct gate_order *o, const struct rows *rows,
                                  uint64_t more, uint64_t *value)
{
    const bool sells = o->owner.sells;
    *value = worst_position(own->shares, sells ? own->open_sell : own->open_buy, more, sells);
    if (UNLIKELY(*value > rows->of[TRADE_ACCOUNT]->position) && more)
        return TRADE_ACCOUNT;
    *value = worst_position(firm->shares, sells ? firm->open_sell : firm->open_buy, more, sells);
    if (UNLIKELY(*value > rows->of[TRADE_SYMBOL]->position) && more)
        return TRADE_SYMBOL;
    return TRADE_SCOPES;
}

HOT_INLINE uint32_t worst_state(const struct rows *rows)
{
    uint32_t state = TRADING_ACTIVE;
    for (uint32_t s = 0; s < TRADE_SCOPES; s++)
        state = rows->of[s]->state > state ? rows->of[s]->state : state;
    return state;
}

static COLD bool reducing_allows(const struct position *own, bool sells, uint64_t more,
                                 uint64_t more_notional)
{
    if (more == 0 && more_notional == 0)
        return true;
    return reduces(own->shares, sells ? own->open_sell : own->open_buy, more, sells);
}

bool gate(struct risk *r, const struct gate_order *o, struct gate_verdict *v)
{
    const struct limit_table *t = r->limits;
    const struct exposure_owner *w = &o->owner;
    const struct rows rows = {{&t->firm, &t->accounts[w->account], &t->strategies[w->strategy],
                               &t->symbols[w->instrument], &t->sessions[w->session]}};
    const struct limit_row *symbol = rows.of[TRADE_SYMBOL], *session = rows.of[TRADE_SESSION];
    const struct symbol_use *firm = &r->symbols[w->instrument];
    const struct position *own = &r->positions[w->position];
    const struct risk_use *use[] = {&r->firm, &r->accounts[w->account], &r->strategies[w->strategy],
                                    &firm->use, &r->sessions[w->session]};
    const uint64_t notional = (uint64_t)o->quantity * o->price;
    const uint64_t more = more_than(o->worst.shares, o->held.shares);
    const uint64_t more_orders = more_than(o->worst.orders, o->held.orders);
    const uint64_t more_notional = more_than(o->worst.notional, o->held.notional);
    const uint32_t state = worst_state(&rows);
    uint64_t limit, value;
    uint32_t scope;
    *v = (struct gate_verdict){.version = t->version};

    if (UNLIKELY(is_killed(r, w)))
        return refuse_killed(v, r, w);
    if (UNLIKELY(state >= TRADING_HALTED))
        return refuse(v, REFUSAL_HALTED, BINDING(&rows, state, state), state, TRADING_REDUCING);
    if (UNLIKELY(r->event_credit < r->event_credit_min))
        return refuse(v, REFUSAL_EVENT_CREDIT, TRADE_FIRM, r->event_credit, r->event_credit_min);
    if (UNLIKELY(!o->session_up))
        return refuse(v, REFUSAL_SESSION_DOWN, TRADE_SESSION, 0, 0);
    if (UNLIKELY(!o->session_free))
        return refuse(v, REFUSAL_SESSION_BUSY, TRADE_SESSION, 0, 0);
    if (UNLIKELY(firm->quarantined))
        return refuse(v, REFUSAL_SYMBOL_QUARANTINED, TRADE_SYMBOL, 1, 0);
    if (UNLIKELY(o->quality > symbol->quality))
        return refuse(v, REFUSAL_BOOK_QUALITY, TRADE_SYMBOL, o->quality, symbol->quality);
    if (UNLIKELY(o->quantity - 1 >= OUCH50_QUANTITY_MAX))
        return refuse(v, REFUSAL_QUANTITY_RANGE, TRADE_FIRM, o->quantity, OUCH50_QUANTITY_MAX);
    if (UNLIKELY(o->price - 1 >= OUCH50_PRICE_MAX))
        return refuse(v, REFUSAL_PRICE_RANGE, TRADE_FIRM, o->price, OUCH50_PRICE_MAX);
    if (UNLIKELY(!rate_charge(r, session, w->session, o->now, &value)))
        return refuse(v, REFUSAL_MESSAGE_RATE, TRADE_SESSION, value, session->burst_ticks);
    if (UNLIKELY(o->quantity > (limit = TIGHTEST(&rows, quantity))))
        return refuse(v, REFUSAL_QUANTITY, BINDING(&rows, quantity, limit), o->quantity, limit);
    if (UNLIKELY(notional > (limit = TIGHTEST(&rows, notional))))
        return refuse(v, REFUSAL_NOTIONAL, BINDING(&rows, notional, limit), notional, limit);
    if (UNLIKELY(o->price < symbol->price_low))
        return refuse(v, REFUSAL_PRICE_COLLAR, TRADE_SYMBOL, o->price, symbol->price_low);
    if (UNLIKELY(o->price > symbol->price_high))
        return refuse(v, REFUSAL_PRICE_COLLAR, TRADE_SYMBOL, o->price, symbol->price_high);
    if (UNLIKELY((scope = orders_over(use, &rows, more_orders)) != TRADE_SCOPES))
        return refuse(v, REFUSAL_OPEN_ORDERS, scope, use[scope]->orders + more_orders,
                      rows.of[scope]->open_orders);
    if (UNLIKELY((scope = notional_over(use, &rows, more_notional)) != TRADE_SCOPES))
        return refuse(v, REFUSAL_OPEN_NOTIONAL, scope, use[scope]->notional + more_notional,
                      rows.of[scope]->open_notional);
    if (UNLIKELY((scope = position_over(own, firm, o, &rows, more, &value)) != TRADE_SCOPES))
        return refuse(v, REFUSAL_POSITION, scope, value, rows.of[scope]->position);
    if (UNLIKELY(state == TRADING_REDUCING) && !reducing_allows(own, w->sells, more, more_notional))
        return refuse(v, REFUSAL_REDUCING, BINDING(&rows, state, state), o->worst.shares, 0);
    return true;
}
