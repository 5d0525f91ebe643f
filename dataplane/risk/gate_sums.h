// The checks that add up what an owner has, and what the order adds to it (gate.c).
#pragma once

#include "dataplane/risk/gate_look.h"

// Net position if all that is open on the side executes, <more> included; 0 when that does not even
// reach flat.
HOT_INLINE uint64_t worst_position(int64_t shares, uint64_t open, uint64_t more, bool sells)
{
    const int64_t worst = (sells ? -shares : shares) + (int64_t)(open + more);
    return worst > 0 ? (uint64_t)worst : 0;
}

struct sum {
    uint64_t value; // with the order
    uint64_t limit;
};

// All that is open on the order's side, and the position that it may make smaller at most.
static COLD struct sum sum_reducing(const struct look *k)
{
    const bool sells = k->o->owner.sells;
    const int64_t held = sells ? k->own->shares : -k->own->shares;
    return (struct sum){(sells ? k->own->open_sell : k->own->open_buy) + k->more,
                        held > 0 ? (uint64_t)held : 0};
}

// The order makes the account's position smaller: all that is open on its side cannot turn the
// position round. Or it is a modify that makes nothing larger; a replace may have another price,
// and execute sooner.
static COLD bool only_reduces(const struct look *k)
{
    const struct sum sum = sum_reducing(k);
    return (!is_replace(k->o) && k->more == 0 && k->more_notional == 0) || sum.value <= sum.limit;
}

static COLD bool refuse_reducing(const struct look *k, uint32_t scope)
{
    const struct sum sum = sum_reducing(k);
    return refuse(k->v, REFUSAL_REDUCING, scope, sum.value, sum.limit);
}

// The row of an account or a strategy limits its position in each symbol, a symbol's row the
// position of all accounts together; firm and sessions have none.
static inline struct sum sum_position(const struct look *k, uint32_t scope)
{
    const struct position *own = k->own;
    const struct strategy_use *held = strategy_use(k->r, &k->o->owner);
    const struct symbol_use *all = k->all;
    const bool sells = k->o->owner.sells;
    const uint64_t limit = k->of[scope]->position;
    switch (scope) {
    case TRADE_ACCOUNT:
        return (struct sum){
            worst_position(own->shares, sells ? own->open_sell : own->open_buy, k->more, sells),
            limit};
    case TRADE_STRATEGY:
        return (struct sum){
            worst_position(held->shares, sells ? held->open_sell : held->open_buy, k->more, sells),
            limit};
    case TRADE_SYMBOL:
        return (struct sum){
            worst_position(all->shares, sells ? all->open_sell : all->open_buy, k->more, sells),
            limit};
    default: return (struct sum){0};
    }
}

// The time of the owner's ratio is that of now.
static inline void ratio_look(const struct look *k, uint32_t scope)
{
    const struct limit_owner *l = &k->of[scope]->owner;
    if (l->ratio != UINT16_MAX && k->o->now >= k->days[scope]->ratio_until)
        ratio_turn(k->days[scope], l, k->o->now);
}

static inline struct sum sum_ratio(const struct limit_owner *l, const struct owner_day *day)
{
    const uint64_t sent = day->orders - ratio_orders(day);
    const uint64_t most = ((uint64_t)(day->fills - ratio_fills(day)) + 1) * l->ratio;
    if (l->ratio == UINT16_MAX)
        return (struct sum){0};
    return (struct sum){sent + 1, most};
}

// Once a limit on losses is broken it does not matter what the profit is now (money.c).
static inline struct sum sum_loss(const struct look *k, const struct owner_day *day,
                                  enum loss_kind kind)
{
    if (!(day->broken >> kind & 1) || only_reduces(k))
        return (struct sum){0};
    return (struct sum){day->losses[kind].value, day->losses[kind].limit};
}

// Of the firm, an account, a strategy or a session.
static inline struct sum sum_owner(const struct look *k, enum refusal check, uint32_t scope)
{
    const struct limit_owner *l = &k->of[scope]->owner;
    const struct owner_day *day = k->days[scope];
    const uint64_t open = k->use[scope]->notional + k->more_notional;
    const uint64_t paid = day->paid > 0 ? (uint64_t)day->paid : 0;
    const bool holds = scope <= TRADE_ACCOUNT; // positions and money
    switch (check) {
    case REFUSAL_DAY_ORDERS: return (struct sum){(uint64_t)day->orders + 1, l->day_orders};
    case REFUSAL_ORDER_RATIO: return sum_ratio(l, day);
    case REFUSAL_DAY_VALUE:
        return k->more_notional ? (struct sum){day->traded + open, l->day_value} : (struct sum){0};
    case REFUSAL_GROSS:
        return holds && k->more_notional ? (struct sum){day->gross + open, l->gross}
                                         : (struct sum){0};
    case REFUSAL_CREDIT:
        return holds && k->more_notional && !k->o->owner.sells
                   ? (struct sum){paid + day->open_buy + k->more_notional, l->credit}
                   : (struct sum){0};
    case REFUSAL_LOSS: return holds ? sum_loss(k, day, LOSS_OF_DAY) : (struct sum){0};
    case REFUSAL_DRAWDOWN: return holds ? sum_loss(k, day, LOSS_FROM_BEST) : (struct sum){0};
    default: return (struct sum){0};
    }
}

// What does not grow passes, however low a limit has become meanwhile: nothing is compared.
static inline struct sum sum_of(const struct look *k, enum refusal check, uint32_t scope)
{
    const struct risk_use *use = k->use[scope];
    switch (check) {
    case REFUSAL_OPEN_ORDERS:
        return k->more_orders
                   ? (struct sum){use->orders + k->more_orders, k->of[scope]->open_orders}
                   : (struct sum){0};
    case REFUSAL_OPEN_NOTIONAL:
        return k->more_notional
                   ? (struct sum){use->notional + k->more_notional, k->of[scope]->open_notional}
                   : (struct sum){0};
    case REFUSAL_POSITION: return k->more ? sum_position(k, scope) : (struct sum){0};
    default: break;
    }
    if (scope == TRADE_SYMBOL)
        return (struct sum){0};
    return sum_owner(k, check, scope);
}

// Of all scopes whose sum is above its limit the tightest refuses: the one that would have to be
// raised by most; of two alike the first.
static inline bool sum_good(const struct look *k, enum refusal check)
{
    uint64_t worst = 0;
    bool good = true;
    for (uint32_t s = TRADE_FIRM; s < TRADE_SCOPES; s++) {
        const struct sum sum = sum_of(k, check, s);
        if (LIKELY(sum.value <= sum.limit) || (!good && sum.value - sum.limit <= worst))
            continue;
        if (passes(k, check, s, sum.value, sum.limit))
            continue;
        worst = sum.value - sum.limit;
        good = false;
    }
    return good;
}
