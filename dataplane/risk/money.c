// Hot path. What executions cost, what positions are worth, and the sums of their owners.
//
// Nothing overflows while a position is within 2^40 shares and a price within 2^31: sums that leave
// 63 bits all the same stay at their end and are counted.
#include "dataplane/risk/risk.h"

#include <stddef.h>

static int64_t clamp(struct risk *r, __int128 value)
{
    const __int128 most = (__int128)LIMIT_NOTIONAL_MAX;
    if (LIKELY(value <= most && value >= -most))
        return (int64_t)value;
    r->overflows++;
    return value > 0 ? (int64_t)most : (int64_t)-most;
}

static uint64_t size_of(int64_t value)
{
    return value < 0 ? (uint64_t)-value : (uint64_t)value;
}

// The part of <cost> that <closed> of <held> shares have, towards zero: exact in 64 bits as long as
// held x closed is.
static int64_t cost_part(int64_t cost, uint64_t closed, uint64_t held)
{
    const uint64_t size = size_of(cost), each = size / held;
    const uint64_t part = each * closed + (size - each * held) * closed / held;
    return cost < 0 ? -(int64_t)part : (int64_t)part;
}

static void day_mark(struct risk *r, struct owner_day *day, int64_t was, int64_t now)
{
    day->marked = clamp(r, (__int128)day->marked - was + now);
    const uint64_t gross = day->gross - size_of(was) + size_of(now);
    day->gross = gross <= LIMIT_NOTIONAL_MAX ? gross : LIMIT_NOTIONAL_MAX;
}

// Cold: a limit is broken, or by more than before.
static COLD void day_break(struct risk *r, struct owner_day *day, enum loss_kind kind,
                           uint64_t value, uint64_t limit)
{
    const uint16_t bit = (uint16_t)(1u << kind);
    struct loss_broken *b = &day->losses[kind];
    if (day->broken & bit && value <= b->value)
        return;
    r->broken += !(day->broken & bit);
    day->broken |= bit;
    *b = (struct loss_broken){value, limit};
}

static void day_look(struct risk *r, struct owner_day *day, const struct limit_owner *l)
{
    const int64_t profit = owner_profit(day);
    day->best = profit > day->best ? profit : day->best;
    if (UNLIKELY(-profit > (int64_t)l->loss))
        day_break(r, day, LOSS_OF_DAY, (uint64_t)-profit, l->loss);
    if (UNLIKELY(day->best - profit > (int64_t)l->drawdown))
        day_break(r, day, LOSS_FROM_BEST, (uint64_t)(day->best - profit), l->drawdown);
}

void money_look(struct risk *r, uint32_t account)
{
    day_look(r, &r->day, &r->limits->firm.owner);
    day_look(r, &r->account_days[account], &r->limits->accounts[account].owner);
}

void money_limits(struct risk *r)
{
    day_look(r, &r->day, &r->limits->firm.owner);
    for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
        day_look(r, &r->account_days[i], &r->limits->accounts[i].owner);
}

struct owner_day *money_day(struct risk *r, enum trade_scope scope, uint32_t index)
{
    return scope == TRADE_FIRM ? &r->day : scope == TRADE_ACCOUNT ? &r->account_days[index] : NULL;
}

uint32_t money_resume(struct risk *r, enum trade_scope scope, uint32_t index)
{
    struct owner_day *day = money_day(r, scope, index);
    if (day == NULL)
        return 0;
    const uint16_t was = day->broken;
    const struct limit_owner *l =
        scope == TRADE_FIRM ? &r->limits->firm.owner : &r->limits->accounts[index].owner;
    const bool still = -owner_profit(day) > (int64_t)l->loss;
    day->broken &= still ? 1u << LOSS_OF_DAY : 0;
    day->broken_told &= day->broken;
    if (was >> LOSS_FROM_BEST & 1)
        day->best = owner_profit(day);
    return was & (uint16_t)~day->broken;
}

static void position_remark(struct risk *r, uint32_t position, uint32_t account)
{
    struct position_money *m = &r->money[position];
    const int64_t was = m->marked;
    m->marked = clamp(r, (__int128)r->positions[position].shares * m->mark);
    day_mark(r, &r->day, was, m->marked);
    day_mark(r, &r->account_days[account], was, m->marked);
}

void money_mark(struct risk *r, uint32_t position, uint32_t mark)
{
    const uint32_t account = (r->positions[position].key - 1) >> 16;
    r->money[position].mark = mark;
    position_remark(r, position, account);
    money_look(r, account);
}

static void day_trade(struct risk *r, struct owner_day *day, int64_t paid, bool undone)
{
    const uint64_t value = size_of(paid);
    day->paid = clamp(r, (__int128)day->paid + paid);
    day->traded = undone ? (day->traded > value ? day->traded - value : 0) : day->traded + value;
    day->traded = day->traded < LIMIT_NOTIONAL_MAX ? day->traded : LIMIT_NOTIONAL_MAX;
}

// Shares came in (<change> above 0) or went at <price>.
static void cost_move(struct risk *r, uint32_t position, int64_t change, uint32_t price)
{
    struct position_money *m = &r->money[position];
    const int64_t shares = r->positions[position].shares, held = shares - change;
    const uint64_t size = size_of(change), closed = size < size_of(held) ? size : size_of(held);
    if (held == 0 || (held > 0) == (change > 0)) {
        m->cost = clamp(r, m->cost + (__int128)change * price);
        return;
    }
    m->cost -= cost_part(m->cost, closed, size_of(held));
    if (size > closed) // turned round
        m->cost = clamp(r, (__int128)shares * price);
}

void money_fill(struct risk *r, const struct exposure_owner *owner, uint32_t shares, uint32_t price,
                bool undone)
{
    struct position_money *m = &r->money[owner->position];
    const bool out = owner->sells != undone;
    const int64_t change = out ? -(int64_t)shares : (int64_t)shares;
    const int64_t paid = clamp(r, (__int128)change * price);
    struct owner_day *days[] = {&r->day, &r->account_days[owner->account],
                                &r->strategy_days[owner->strategy],
                                &r->session_days[owner->session]};
    for (uint32_t i = 0; i < ARRAY_LEN(days); i++)
        day_trade(r, days[i], paid, undone);
    cost_move(r, owner->position, change, price);
    if (m->mark == 0)
        m->mark = price;
    position_remark(r, owner->position, owner->account);
}

void money_carry(struct risk *r, const struct exposure_owner *owner, int64_t shares, uint32_t price)
{
    struct position_money *m = &r->money[owner->position];
    struct owner_day *days[] = {&r->day, &r->account_days[owner->account]};
    const int64_t paid = clamp(r, (__int128)shares * price);
    m->cost = clamp(r, m->cost + (__int128)paid);
    m->mark = price;
    for (uint32_t i = 0; i < ARRAY_LEN(days); i++)
        days[i]->paid = clamp(r, (__int128)days[i]->paid + paid);
    position_remark(r, owner->position, owner->account);
}
