// A model of the gate that is slow and obvious: lists of everything that has happened, added up
// anew for every question. cmocka.h is included before this header.
#pragma once

#include <string.h>

#include "tests/lib/risk_rig.h"

enum {
    MODEL_ORDERS = 30,
    MODEL_LONG = 4000, // of a list
    MODEL_ACCOUNTS = 2,
    MODEL_STRATEGIES = 2,
    MODEL_SYMBOLS = 3,
    MODEL_SESSIONS = 2,
    MODEL_PRICE = 1000000,
};

struct model_order {
    bool open;
    struct gate_order o; // as approved last: o.worst is what it holds
};

struct model_fill {
    struct exposure_owner owner;
    uint64_t shares, price, at; // ticks
    bool gone;                  // broken since
};

struct model_sent {
    struct exposure_owner owner;
    uint64_t at;
};

// An order that passed DUPLICATE, refused by something else later or not.
struct model_ask {
    uint32_t account, instrument, quantity, price, kind;
    bool sells;
    uint64_t at; // ticks
};

struct model {
    struct risk_rig *rig;
    uint64_t random, now;
    struct model_order orders[MODEL_ORDERS];
    struct model_fill fills[MODEL_LONG];
    struct model_sent sent[MODEL_LONG];
    uint32_t fill_count, sent_count;
    struct model_ask asks[MODEL_LONG];
    uint32_t ask_count;
    uint32_t marks[MODEL_ACCOUNTS][MODEL_SYMBOLS];
    int64_t best[1 + MODEL_ACCOUNTS]; // of the firm, of accounts
    struct model_broken {
        bool is;
        uint64_t value, limit;
    } broken[1 + MODEL_ACCOUNTS][LOSS_KINDS];
    struct model_period {
        uint32_t price;
        uint64_t until;
    } periods[MODEL_SYMBOLS];
    uint64_t session_at[MODEL_SESSIONS], symbol_at[MODEL_SYMBOLS], cancel_at[MODEL_SESSIONS];
    // Where in <sent> and <fills> the ratio of an owner began to be counted, and in which steps.
    struct model_ratio {
        uint32_t sent, fill, step;
    } ratios[TRADE_SCOPES][2];
    uint64_t approved, executed;
    uint64_t told; // bits of the refusals that came
    struct gate_verdict v;
};

static inline uint32_t model_draw(struct model *m, uint32_t below)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (uint32_t)((m->random >> 11) % below);
}

static inline uint32_t model_index(const struct exposure_owner *w, uint32_t scope)
{
    const uint32_t of[] = {0, w->account, w->strategy, w->instrument, w->session};
    return of[scope];
}

static inline const struct limit_row *model_row(const struct model *m,
                                                const struct exposure_owner *w, uint32_t scope)
{
    return limit_row_of(m->rig->table, (enum trade_scope)scope, model_index(w, scope));
}

static inline bool model_same(const struct exposure_owner *a, const struct exposure_owner *b,
                              uint32_t scope)
{
    return model_index(a, scope) == model_index(b, scope);
}

// --- adding up ---

struct model_sum {
    uint64_t orders, notional, open_buy, open_sell, buys;
};

// What is open under a scope, and under <also>: of the symbol only what is this account's, or
// strategy's.
static inline struct model_sum model_open_sum(const struct model *m, const struct exposure_owner *w,
                                              uint32_t scope, uint32_t also)
{
    struct model_sum s = {0};
    for (uint32_t i = 0; i < MODEL_ORDERS; i++) {
        const struct model_order *k = &m->orders[i];
        if (!k->open || !model_same(&k->o.owner, w, scope) || !model_same(&k->o.owner, w, also))
            continue;
        s.orders += k->o.worst.orders;
        s.notional += k->o.worst.notional;
        s.buys += k->o.owner.sells ? 0 : k->o.worst.notional;
        *(k->o.owner.sells ? &s.open_sell : &s.open_buy) += k->o.worst.shares;
    }
    return s;
}

struct model_money {
    int64_t shares, paid;
    uint64_t traded;
};

static inline struct model_money model_traded(const struct model *m, const struct exposure_owner *w,
                                              uint32_t scope, uint32_t also)
{
    struct model_money s = {0};
    for (uint32_t i = 0; i < m->fill_count; i++) {
        const struct model_fill *f = &m->fills[i];
        const int64_t shares = (int64_t)f->shares, value = (int64_t)(f->shares * f->price);
        if (f->gone || !model_same(&f->owner, w, scope) || !model_same(&f->owner, w, also))
            continue;
        s.shares += f->owner.sells ? -shares : shares;
        s.paid += f->owner.sells ? -value : value;
        s.traded += (uint64_t)value;
    }
    return s;
}

// Marked value of the positions of the firm or an account, with and without signs.
static inline int64_t model_marked(const struct model *m, uint32_t scope, uint32_t account,
                                   uint64_t *gross)
{
    int64_t marked = 0;
    *gross = 0;
    for (uint16_t a = 0; a < MODEL_ACCOUNTS; a++)
        for (uint16_t i = 0; i < MODEL_SYMBOLS; i++) {
            const struct exposure_owner w = {.account = a, .instrument = i};
            if (scope == TRADE_ACCOUNT && a != account)
                continue;
            const int64_t value =
                model_traded(m, &w, TRADE_SYMBOL, TRADE_ACCOUNT).shares * (int64_t)m->marks[a][i];
            marked += value;
            *gross += (uint64_t)(value < 0 ? -value : value);
        }
    return marked;
}

static inline int64_t model_profit(const struct model *m, uint32_t scope, uint32_t account)
{
    uint64_t gross;
    const struct exposure_owner w = {.account = (uint16_t)account};
    return model_marked(m, scope, account, &gross) - model_traded(m, &w, scope, TRADE_FIRM).paid;
}

// The profit of the firm or an account may have changed, or its limits.
static inline void model_lost(struct model *m, uint32_t scope, uint32_t account)
{
    const uint32_t at = scope == TRADE_FIRM ? 0 : 1 + account;
    const struct limit_owner *l =
        &limit_row_of(m->rig->table, (enum trade_scope)scope, account)->owner;
    const int64_t profit = model_profit(m, scope, account);
    m->best[at] = profit > m->best[at] ? profit : m->best[at];
    const int64_t lost[LOSS_KINDS] = {
        [LOSS_OF_DAY] = -profit, [LOSS_FROM_BEST] = m->best[at] - profit};
    const uint64_t limits[LOSS_KINDS] = {[LOSS_OF_DAY] = l->loss, [LOSS_FROM_BEST] = l->drawdown};
    for (uint32_t kind = 0; kind < LOSS_KINDS; kind++) {
        struct model_broken *b = &m->broken[at][kind];
        if (lost[kind] <= (int64_t)limits[kind] || (b->is && (uint64_t)lost[kind] <= b->value))
            continue;
        *b = (struct model_broken){true, (uint64_t)lost[kind], limits[kind]};
    }
}

static inline void model_best(struct model *m, uint32_t account)
{
    model_lost(m, TRADE_FIRM, 0);
    model_lost(m, TRADE_ACCOUNT, account);
}

static inline void model_resume(struct model *m, uint32_t scope, uint32_t account)
{
    const uint32_t at = scope == TRADE_FIRM ? 0 : 1 + account;
    const int64_t profit = model_profit(m, scope, account);
    const uint64_t most = limit_row_of(m->rig->table, (enum trade_scope)scope, account)->owner.loss;
    m->best[at] = m->broken[at][LOSS_FROM_BEST].is ? profit : m->best[at];
    m->broken[at][LOSS_FROM_BEST].is = false;
    m->broken[at][LOSS_OF_DAY].is &= -profit > (int64_t)most;
}

// Approved orders under a scope, since <from> where it is not 0.
static inline uint64_t model_sent_of(const struct model *m, const struct exposure_owner *w,
                                     uint32_t scope, uint64_t from)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < m->sent_count; i++)
        count += model_same(&m->sent[i].owner, w, scope) && m->sent[i].at >= from;
    return count;
}

// --- the questions, in their order ---

static inline bool model_refuse(struct model *m, enum refusal refusal, uint32_t scope,
                                uint64_t value, uint64_t limit)
{
    m->v.refusal = (uint16_t)refusal;
    m->v.scope = (uint8_t)scope;
    m->v.value = value;
    m->v.limit = limit;
    return false;
}

// Lowest and highest price at which the order may execute.
static inline uint32_t model_lowest(const struct gate_order *o)
{
    return o->discretion && o->discretion < o->price ? o->discretion : o->price;
}

static inline uint32_t model_highest(const struct gate_order *o)
{
    return o->discretion > o->price ? o->discretion : o->price;
}

static inline uint64_t model_more(uint64_t now, uint64_t was)
{
    return now > was ? now - was : 0;
}

// Shares on the wrong side of flat if everything open on the order's side executes.
static inline uint64_t model_worst(const struct model *m, const struct gate_order *o, uint32_t also,
                                   uint64_t more)
{
    const struct model_sum open = model_open_sum(m, &o->owner, TRADE_SYMBOL, also);
    const int64_t shares = model_traded(m, &o->owner, TRADE_SYMBOL, also).shares;
    const int64_t worst = o->owner.sells ? (int64_t)(open.open_sell + more) - shares
                                         : (int64_t)(open.open_buy + more) + shares;
    return worst > 0 ? (uint64_t)worst : 0;
}

static inline bool model_replaces(const struct gate_order *o)
{
    return (o->asks & 1u << PERMISSION_REPLACE) != 0;
}

static inline bool model_reduces(const struct model *m, const struct gate_order *o)
{
    const uint64_t more = model_more(o->worst.shares, o->held.shares);
    return (!model_replaces(o) && more == 0 &&
            model_more(o->worst.notional, o->held.notional) == 0) ||
           model_worst(m, o, TRADE_ACCOUNT, more) == 0;
}

static inline bool model_trading_on(struct model *m, const struct gate_order *o)
{
    const struct limit_row *session = model_row(m, &o->owner, TRADE_SESSION);
    const struct limit_row *symbol = model_row(m, &o->owner, TRADE_SYMBOL);
    uint64_t *at = &m->session_at[o->owner.session], *there = &m->symbol_at[o->owner.instrument];
    if (kill_bit(m->rig->kills[KILL_BY_MAIN].accounts, o->owner.account))
        return model_refuse(m, REFUSAL_KILLED, TRADE_ACCOUNT, KILL_BY_MAIN + 1, 0);
    for (uint32_t halt = TRADING_STATES - 1; halt >= TRADING_HALTED; halt--) // the worst binds
        for (uint32_t s = 0; s < TRADE_SCOPES; s++)
            if (model_row(m, &o->owner, s)->state == halt)
                return model_refuse(m, REFUSAL_HALTED, s, halt, TRADING_REDUCING);
    const uint64_t apart = 2ull * session->rate_ticks, burst = apart * session->burst;
    const uint64_t apart_there = 2ull * symbol->rate_ticks,
                   burst_there = apart_there * symbol->burst;
    if (*at > o->now + burst + apart) // a table before this one charged it
        *at = o->now + burst + apart;
    if (*there > o->now + burst_there + apart_there)
        *there = o->now + burst_there + apart_there;
    if (model_more(*at, o->now) > burst)
        return model_refuse(m, REFUSAL_MESSAGE_RATE, TRADE_SESSION, *at - o->now, burst);
    *at = (*at > o->now ? *at : o->now) + apart;
    if (model_more(*there, o->now) > burst_there)
        return model_refuse(m, REFUSAL_MESSAGE_RATE, TRADE_SYMBOL, *there - o->now, burst_there);
    *there = (*there > o->now ? *there : o->now) + apart_there;
    return true;
}

static inline bool model_standing(struct model *m, const struct gate_order *o)
{
    const struct limit_row *symbol = model_row(m, &o->owner, TRADE_SYMBOL);
    const struct limit_row *session = model_row(m, &o->owner, TRADE_SESSION);
    const uint64_t cancels = m->cancel_at[o->owner.session];
    const uint64_t more = model_more(o->worst.shares, o->held.shares);
    const uint32_t restricted = symbol->symbol.restricted;
    if (m->rig->risk.event_credit_min == RISK_NO_RECORD && m->rig->risk.clock_only)
        return model_refuse(m, REFUSAL_CLOCK, 0, m->rig->risk.clock_error,
                            m->rig->risk.clock_limit);
    if (m->rig->risk.event_credit_min == RISK_NO_RECORD)
        return model_refuse(m, REFUSAL_JOURNAL, 0, m->rig->risk.record, 0);
    if (m->rig->risk.event_credit < m->rig->risk.event_credit_min)
        return model_refuse(m, REFUSAL_EVENT_CREDIT, 0, m->rig->risk.event_credit,
                            m->rig->risk.event_credit_min);
    if (!o->session_up)
        return model_refuse(m, REFUSAL_SESSION_DOWN, TRADE_SESSION, 0, 0);
    if (!o->session_free)
        return model_refuse(m, REFUSAL_SESSION_BUSY, TRADE_SESSION, 0, 0);
    if (m->rig->risk.symbols[o->owner.instrument].quarantined)
        return model_refuse(m, REFUSAL_SYMBOL_QUARANTINED, TRADE_SYMBOL, 1, 0);
    if (restricted == RESTRICTION_ALL ||
        (restricted == RESTRICTION_OPENING && !model_reduces(m, o)) ||
        (restricted == RESTRICTION_SHORT && o->owner.sells && (more || model_replaces(o)) &&
         model_worst(m, o, TRADE_FIRM, more) > 0))
        return model_refuse(m, REFUSAL_RESTRICTED, TRADE_SYMBOL, restricted, 0);
    if (o->quality > symbol->quality)
        return model_refuse(m, REFUSAL_BOOK_QUALITY, TRADE_SYMBOL, o->quality, symbol->quality);
    if ((symbol->symbol.phases & 1u << o->phase) == 0)
        return model_refuse(m, REFUSAL_PHASE, TRADE_SYMBOL, o->phase, symbol->symbol.phases);
    if (o->market)
        return model_refuse(m, REFUSAL_MARKET, TRADE_ACCOUNT, 0, 0);
    if (o->quantity < 1 || o->quantity > 999999)
        return model_refuse(m, REFUSAL_QUANTITY_RANGE, TRADE_FIRM, o->quantity, 999999);
    if (model_lowest(o) < 1)
        return model_refuse(m, REFUSAL_PRICE_RANGE, TRADE_FIRM, 0, 1999999900);
    if (model_highest(o) > 1999999900)
        return model_refuse(m, REFUSAL_PRICE_RANGE, TRADE_FIRM, model_highest(o), 1999999900);
    const uint64_t cancel_burst = 2ull * session->price_low * session->price_high;
    if (session->cancel_rate && model_more(cancels, o->now) > cancel_burst)
        return model_refuse(m, REFUSAL_CANCEL_RATE, TRADE_SESSION, cancels - o->now, cancel_burst);
    return true;
}

static inline bool model_terms(struct model *m, const struct gate_order *o)
{
    const struct limit_row *symbol = model_row(m, &o->owner, TRADE_SYMBOL);
    const uint32_t lowest = model_lowest(o), highest = model_highest(o);
    const uint64_t notional = (uint64_t)o->quantity * highest;
    uint64_t quantity = UINT64_MAX, most = UINT64_MAX;
    for (uint32_t p = 0; p < PERMISSIONS; p++)
        for (uint32_t s = 0; s < TRADE_SCOPES; s++)
            if (o->asks & model_row(m, &o->owner, s)->forbids & 1u << p)
                return model_refuse(m, REFUSAL_PERMISSION, s, p, 0);
    if ((model_row(m, &o->owner, TRADE_STRATEGY)->venues & 1u << o->owner.session) == 0)
        return model_refuse(m, REFUSAL_VENUES, TRADE_STRATEGY, o->owner.session, 0);
    if (o->quantity % symbol->symbol.lot)
        return model_refuse(m, REFUSAL_LOT, TRADE_SYMBOL, o->quantity, symbol->symbol.lot);
    for (uint32_t i = 0; i < 2; i++) { // a discretion that is none is on every tick
        const uint32_t price = i ? o->discretion : o->price;
        if (!(o->asks & 1u << PERMISSION_MODIFY) && price >= 10000 && price % symbol->symbol.tick)
            return model_refuse(m, REFUSAL_TICK, TRADE_SYMBOL, price, symbol->symbol.tick);
    }
    for (uint32_t s = 0; s < TRADE_SCOPES; s++) {
        const struct limit_row *row = model_row(m, &o->owner, s);
        const uint64_t shares = o->auction ? row->auction_quantity : row->quantity;
        quantity = shares < quantity ? shares : quantity;
        most = row->notional < most ? row->notional : most;
    }
    for (uint32_t s = 0; s < TRADE_SCOPES; s++) {
        const struct limit_row *row = model_row(m, &o->owner, s);
        if (o->auction && o->quantity > quantity && row->auction_quantity == quantity)
            return model_refuse(m, REFUSAL_AUCTION_QUANTITY, s, o->quantity, quantity);
        if (!o->auction && o->quantity > quantity && row->quantity == quantity)
            return model_refuse(m, REFUSAL_QUANTITY, s, o->quantity, quantity);
    }
    for (uint32_t s = 0; s < TRADE_SCOPES; s++)
        if (notional > most && model_row(m, &o->owner, s)->notional == most)
            return model_refuse(m, REFUSAL_NOTIONAL, s, notional, most);
    if (o->quantity > symbol->symbol.volume)
        return model_refuse(m, REFUSAL_VOLUME, TRADE_SYMBOL, o->quantity, symbol->symbol.volume);
    if (symbol->symbol.band_low > symbol->band_high)
        return model_refuse(m, REFUSAL_LULD, TRADE_SYMBOL, highest, 0);
    if (lowest < symbol->symbol.band_low)
        return model_refuse(m, REFUSAL_LULD, TRADE_SYMBOL, lowest, symbol->symbol.band_low);
    if (highest > symbol->band_high)
        return model_refuse(m, REFUSAL_LULD, TRADE_SYMBOL, highest, symbol->band_high);
    if (o->band_out)
        return model_refuse(m, REFUSAL_LULD_ESTIMATED, TRADE_SYMBOL,
                            o->band_below ? lowest : highest, o->band_edge);
    if (lowest < symbol->price_low)
        return model_refuse(m, REFUSAL_PRICE_COLLAR, TRADE_SYMBOL, lowest, symbol->price_low);
    if (highest > symbol->price_high)
        return model_refuse(m, REFUSAL_PRICE_COLLAR, TRADE_SYMBOL, highest, symbol->price_high);
    return true;
}

static inline bool model_reference(struct model *m, const struct gate_order *o)
{
    return model_row(m, &o->owner, TRADE_SYMBOL)->symbol.no_reference == NO_REFERENCE_PASSES ||
           model_refuse(m, REFUSAL_REFERENCE, TRADE_SYMBOL, 0, 0);
}

static inline bool model_band(struct model *m, const struct gate_order *o, enum refusal refusal,
                              uint64_t low, uint64_t high, uint32_t band, uint32_t sum)
{
    const uint64_t down = low * band / 10000 > sum ? low * band / 10000 : sum;
    const uint64_t up = high * band / 10000 > sum ? high * band / 10000 : sum;
    if (model_highest(o) > high + up)
        return model_refuse(m, refusal, TRADE_SYMBOL, model_highest(o), high + up);
    if (model_lowest(o) < model_more(low, down))
        return model_refuse(m, refusal, TRADE_SYMBOL, model_lowest(o), low - down);
    return true;
}

static inline bool model_period(struct model *m, const struct gate_order *o, uint32_t last)
{
    const struct limit_symbol *s = &model_row(m, &o->owner, TRADE_SYMBOL)->symbol;
    struct model_period *p = &m->periods[o->owner.instrument];
    if (p->price == 0 || o->now >= p->until) {
        if (last == 0)
            return model_reference(m, o);
        *p = (struct model_period){last, o->now + m->rig->table->period_ticks};
    }
    return model_band(m, o, REFUSAL_PRICE_PERIOD, p->price, p->price, s->period, s->period_least);
}

static inline bool model_market(struct model *m, const struct gate_order *o)
{
    const struct limit_symbol *s = &model_row(m, &o->owner, TRADE_SYMBOL)->symbol;
    const uint32_t traded = o->last ? o->last : s->previous_close;
    const bool auction = o->auction || o->collecting;
    const uint32_t last = auction && o->opening ? s->previous_close : traded;
    const uint32_t meets = o->owner.sells ? o->bid : o->ask, own = o->owner.sells ? o->ask : o->bid;
    const uint32_t other = auction ? last : meets, same = auction || own == 0 ? other : own;
    if (s->spread != LIMIT_BAND16_OPEN && o->bid && o->ask) {
        const uint64_t middle = ((uint64_t)o->bid + o->ask) / 2, wide = model_more(o->ask, o->bid);
        if (o->bid > o->ask)
            return model_refuse(m, REFUSAL_SPREAD, TRADE_SYMBOL, o->bid - o->ask, 0);
        if (wide * 10000 > middle * s->spread)
            return model_refuse(m, REFUSAL_SPREAD, TRADE_SYMBOL, wide, middle * s->spread / 10000);
    }
    if (s->touch != LIMIT_BAND_OPEN && other == 0 && !model_reference(m, o))
        return false;
    if (s->touch != LIMIT_BAND_OPEN && other != 0 &&
        !model_band(m, o, REFUSAL_TOUCH, same < other ? same : other, same > other ? same : other,
                    s->touch, s->touch_least))
        return false;
    if (s->last != LIMIT_BAND_OPEN && last == 0 && !model_reference(m, o))
        return false;
    if (s->last != LIMIT_BAND_OPEN && last != 0 &&
        !model_band(m, o, REFUSAL_LAST_TRADE, last, last, s->last, s->last_least))
        return false;
    return s->period == LIMIT_BAND16_OPEN || model_period(m, o, traded);
}

static inline bool model_sale(struct model *m, const struct gate_order *o)
{
    const struct limit_symbol *s = &model_row(m, &o->owner, TRADE_SYMBOL)->symbol;
    const uint64_t more = model_more(o->worst.shares, o->held.shares);
    const uint64_t sold =
        model_open_sum(m, &o->owner, TRADE_SYMBOL, TRADE_ACCOUNT).open_sell + more;
    const int64_t shares = model_traded(m, &o->owner, TRADE_SYMBOL, TRADE_ACCOUNT).shares;
    const uint64_t held = shares > 0 ? (uint64_t)shares : 0;
    if (!o->owner.sells)
        return true;
    if (s->short_marking && o->side == 'S' && (more || o->turns || model_replaces(o)) &&
        sold > held)
        return model_refuse(m, REFUSAL_SHORT_MARK, TRADE_SYMBOL, sold, held);
    if (s->rule_201 && o->short_rule && o->side == 'T')
        return model_refuse(m, REFUSAL_SHORT_RESTRICTED, TRADE_SYMBOL, 1, 0);
    if (s->locates != UINT32_MAX && more && model_worst(m, o, TRADE_FIRM, more) > s->locates)
        return model_refuse(m, REFUSAL_LOCATE, TRADE_SYMBOL, model_worst(m, o, TRADE_FIRM, more),
                            s->locates);
    return true;
}
