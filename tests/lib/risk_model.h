// A model of the gate that is slow and obvious: what was sent before, and sums. The rest of it, and
// what it keeps: risk_model_parts.h. cmocka.h is included before this header.
#pragma once

#include "tests/lib/risk_model_parts.h"

static inline bool model_duplicate(struct model *m, const struct gate_order *o)
{
    const struct limit_owner *l = &model_row(m, &o->owner, TRADE_ACCOUNT)->owner;
    const struct model_ask ask = {.account = o->owner.account,
                                  .instrument = o->owner.instrument,
                                  .quantity = o->quantity,
                                  .price = o->price,
                                  .kind = o->asks >> PERMISSION_REPLACE & 3u,
                                  .sells = o->owner.sells,
                                  .at = o->now};
    uint64_t same = 0, all = 0;
    if (l->duplicates == UINT16_MAX)
        return true;
    for (uint32_t i = 0; i < m->ask_count; i++) {
        const struct model_ask *a = &m->asks[i];
        if (a->account != ask.account || a->at + l->duplicate_window * 8192ull < ask.at)
            continue;
        all++;
        same += a->instrument == ask.instrument && a->quantity == ask.quantity &&
                a->price == ask.price && a->kind == ask.kind && a->sells == ask.sells;
    }
    if (same >= l->duplicates)
        return model_refuse(m, REFUSAL_DUPLICATE, TRADE_ACCOUNT, l->duplicates + 1, l->duplicates);
    if (all >= RIG_PRIORS)
        return model_refuse(m, REFUSAL_DUPLICATE, TRADE_ACCOUNT, RIG_PRIORS + 1, RIG_PRIORS);
    m->asks[m->ask_count++] = ask;
    return true;
}

// Orders and executions of an owner from a time on, of those that are counted for the ratio.
static inline uint64_t model_ratio_sent(const struct model *m, const struct gate_order *o,
                                        uint32_t s, uint64_t from)
{
    uint64_t sent = 0;
    for (uint32_t i = m->ratios[s][model_index(&o->owner, s)].sent; i < m->sent_count; i++)
        sent += model_same(&m->sent[i].owner, &o->owner, s) && m->sent[i].at >= from;
    return sent;
}

static inline uint64_t model_ratio_fills(const struct model *m, const struct gate_order *o,
                                         uint32_t s, uint64_t from)
{
    uint64_t fills = 0;
    for (uint32_t i = m->ratios[s][model_index(&o->owner, s)].fill; i < m->fill_count; i++)
        fills += model_same(&m->fills[i].owner, &o->owner, s) && m->fills[i].at >= from;
    return fills;
}

// The scope that is beyond its limit by most.
struct model_tight {
    bool is;
    uint32_t scope;
    uint64_t value, limit;
};

static inline void model_take(struct model_tight *t, uint32_t scope, uint64_t value, uint64_t limit)
{
    if (value > limit && (!t->is || value - limit > t->value - t->limit))
        *t = (struct model_tight){true, scope, value, limit};
}

static inline bool model_told(struct model *m, enum refusal refusal, const struct model_tight *t)
{
    return !t->is || model_refuse(m, refusal, t->scope, t->value, t->limit);
}

static inline void model_ratio(struct model *m, const struct gate_order *o, uint32_t s,
                               struct model_tight *tight)
{
    const struct limit_owner *l = &model_row(m, &o->owner, s)->owner;
    if (l->ratio == UINT16_MAX)
        return;
    const uint64_t step = l->ratio_step * 1024ull, begun = o->now / step * step;
    const uint64_t sent = model_ratio_sent(m, o, s, begun - 8 * step);
    const uint64_t most = (model_ratio_fills(m, o, s, begun - 7 * step) + 1) * l->ratio;
    model_take(tight, s, sent + 1, most);
    if (sent >= most)
        return;
    // What it is for: in the time that ends now there are no more than its executions allow.
    const uint64_t from = o->now - 8 * step;
    assert_true(model_ratio_sent(m, o, s, from) <
                (model_ratio_fills(m, o, s, from) + 1) * l->ratio);
}

// The limits are others: where the time or the limit began, it begins anew.
static inline void model_ratios(struct model *m)
{
    for (uint32_t s = 0; s < TRADE_SCOPES; s++)
        for (uint32_t i = 0; i < 2 && s != TRADE_SYMBOL; i++) {
            const struct limit_owner *l =
                &limit_row_of(m->rig->table, (enum trade_scope)s, s == TRADE_FIRM ? 0 : i)->owner;
            const uint32_t step = l->ratio == UINT16_MAX ? 0 : l->ratio_step;
            if (m->ratios[s][i].step != step)
                m->ratios[s][i] = (struct model_ratio){m->sent_count, m->fill_count, step};
        }
}

static inline bool model_habits(struct model *m, const struct gate_order *o)
{
    const struct limit_owner *strategy = &model_row(m, &o->owner, TRADE_STRATEGY)->owner;
    const uint64_t applied = model_sent_of(m, &o->owner, TRADE_STRATEGY, 0);
    uint32_t symbols = 0, own = 0;
    if (!model_duplicate(m, o))
        return false;
    if (applied >= strategy->repeats)
        return model_refuse(m, REFUSAL_REPEATED, TRADE_STRATEGY, applied + 1, strategy->repeats);
    for (uint32_t i = 0; i < m->sent_count; i++)
        if (m->sent[i].owner.strategy == o->owner.strategy)
            own |= 1u << m->sent[i].owner.instrument;
    symbols = (uint32_t)__builtin_popcount(own);
    if (!(own >> o->owner.instrument & 1) && symbols >= strategy->instruments)
        return model_refuse(m, REFUSAL_INSTRUMENTS, TRADE_STRATEGY, symbols + 1,
                            strategy->instruments);
    struct model_tight orders = {0}, ratio = {0};
    for (uint32_t s = 0; s < TRADE_SCOPES; s++) {
        if (s == TRADE_SYMBOL)
            continue;
        model_take(&orders, s, model_sent_of(m, &o->owner, s, 0) + 1,
                   model_row(m, &o->owner, s)->owner.day_orders);
        model_ratio(m, o, s, &ratio);
    }
    return model_told(m, REFUSAL_DAY_ORDERS, &orders) && model_told(m, REFUSAL_ORDER_RATIO, &ratio);
}

static inline bool model_sums(struct model *m, const struct gate_order *o)
{
    const uint64_t more = model_more(o->worst.shares, o->held.shares);
    const uint64_t more_orders = model_more(o->worst.orders, o->held.orders);
    const uint64_t value = model_more(o->worst.notional, o->held.notional);
    struct model_tight orders = {0}, notional = {0}, position = {0};
    for (uint32_t s = 0; s < TRADE_SCOPES; s++) {
        const struct limit_row *row = model_row(m, &o->owner, s);
        const struct model_sum open = model_open_sum(m, &o->owner, s, TRADE_FIRM);
        if (more_orders)
            model_take(&orders, s, open.orders + more_orders, row->open_orders);
        if (value)
            model_take(&notional, s, open.notional + value, row->open_notional);
        if (more && s >= TRADE_ACCOUNT && s <= TRADE_SYMBOL)
            model_take(&position, s, model_worst(m, o, s == TRADE_SYMBOL ? TRADE_FIRM : s, more),
                       row->position);
    }
    return model_told(m, REFUSAL_OPEN_ORDERS, &orders) &&
           model_told(m, REFUSAL_OPEN_NOTIONAL, &notional) &&
           model_told(m, REFUSAL_POSITION, &position);
}

static inline bool model_losses(struct model *m, const struct gate_order *o)
{
    struct model_tight lost[LOSS_KINDS] = {{0}};
    for (uint32_t s = TRADE_FIRM; s <= TRADE_ACCOUNT && !model_reduces(m, o); s++)
        for (uint32_t kind = 0; kind < LOSS_KINDS; kind++) {
            const struct model_broken *b =
                &m->broken[s == TRADE_FIRM ? 0 : 1 + o->owner.account][kind];
            if (b->is)
                model_take(&lost[kind], s, b->value, b->limit);
        }
    return model_told(m, REFUSAL_LOSS, &lost[LOSS_OF_DAY]) &&
           model_told(m, REFUSAL_DRAWDOWN, &lost[LOSS_FROM_BEST]);
}

// What may still be sold of a long position, bought of a short one, and what would be open then.
static inline bool model_refuse_reducing(struct model *m, const struct gate_order *o, uint32_t s)
{
    const struct model_sum open = model_open_sum(m, &o->owner, TRADE_SYMBOL, TRADE_ACCOUNT);
    const int64_t shares = model_traded(m, &o->owner, TRADE_SYMBOL, TRADE_ACCOUNT).shares;
    const uint64_t more = model_more(o->worst.shares, o->held.shares);
    if (o->owner.sells)
        return model_refuse(m, REFUSAL_REDUCING, s, open.open_sell + more,
                            shares > 0 ? (uint64_t)shares : 0);
    return model_refuse(m, REFUSAL_REDUCING, s, open.open_buy + more,
                        shares < 0 ? (uint64_t)-shares : 0);
}

static inline bool model_money(struct model *m, const struct gate_order *o)
{
    const uint64_t more = model_more(o->worst.notional, o->held.notional);
    struct model_tight grosses = {0}, values = {0}, credits = {0};
    for (uint32_t s = 0; s < TRADE_SCOPES && more; s++) {
        const struct limit_owner *l = &model_row(m, &o->owner, s)->owner;
        const struct model_money traded = model_traded(m, &o->owner, s, TRADE_FIRM);
        const struct model_sum open = model_open_sum(m, &o->owner, s, TRADE_FIRM);
        uint64_t gross;
        if (s == TRADE_SYMBOL)
            continue;
        model_take(&values, s, traded.traded + open.notional + more, l->day_value);
        if (s > TRADE_ACCOUNT)
            continue;
        model_marked(m, s, o->owner.account, &gross);
        model_take(&grosses, s, gross + open.notional + more, l->gross);
        if (!o->owner.sells)
            model_take(&credits, s,
                       (traded.paid > 0 ? (uint64_t)traded.paid : 0) + open.buys + more, l->credit);
    }
    if (!model_told(m, REFUSAL_GROSS, &grosses) || !model_told(m, REFUSAL_DAY_VALUE, &values) ||
        !model_told(m, REFUSAL_CREDIT, &credits) || !model_losses(m, o))
        return false;
    for (uint32_t s = 0; s < TRADE_SCOPES; s++)
        if (model_row(m, &o->owner, s)->state == TRADING_REDUCING && !model_reduces(m, o))
            return model_refuse_reducing(m, o, s);
    if (o->self_met)
        return model_refuse(m, REFUSAL_SELF_TRADE, o->self_scope,
                            o->owner.sells ? model_lowest(o) : model_highest(o), o->self_met);
    return true;
}

static inline bool model_gate(struct model *m, const struct gate_order *o)
{
    m->v = (struct gate_verdict){.version = m->rig->table->version};
    return model_trading_on(m, o) && model_standing(m, o) && model_terms(m, o) &&
           model_market(m, o) && model_sale(m, o) && model_habits(m, o) && model_sums(m, o) &&
           model_money(m, o);
}
