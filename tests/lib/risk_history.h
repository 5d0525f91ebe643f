// Random histories for the gate and its model at once. cmocka.h is included before this header.
#pragma once

#include "tests/lib/risk_model.h"

// --- limits ---

// Now and then one that binds.
static inline uint64_t history_limit(struct model *m, uint64_t none, uint64_t about)
{
    return model_draw(m, 4) ? none : about / 2 + model_draw(m, (uint32_t)about);
}

static inline void history_line(struct model *m, struct limit_row *row)
{
    const uint64_t order = 500ull * MODEL_PRICE;
    row->quantity = (uint32_t)history_limit(m, UINT32_MAX, 700);
    row->auction_quantity = (uint32_t)history_limit(m, UINT32_MAX, 700);
    row->notional = history_limit(m, LIMIT_NOTIONAL_MAX, 1000) * (order / 1000);
    row->notional = row->notional < LIMIT_NOTIONAL_MAX ? row->notional : LIMIT_NOTIONAL_MAX;
    row->open_orders = (uint32_t)history_limit(m, UINT32_MAX, 12);
    if (model_draw(m, 4) == 0)
        row->open_notional = (1 + model_draw(m, 8)) * order;
    if (model_draw(m, 4) == 0)
        row->position = 500 + model_draw(m, 2000);
    row->rate_ticks = model_draw(m, 3) ? 0 : model_draw(m, 1500);
    row->burst = model_draw(m, 8);
    row->state = model_draw(m, 30) ? TRADING_ACTIVE : (uint8_t)model_draw(m, TRADING_STATES);
    row->forbids = model_draw(m, 3) ? 0 : (uint16_t)(1u << model_draw(m, PERMISSIONS));
}

static inline void history_owner(struct model *m, struct limit_row *row, enum trade_scope scope)
{
    struct limit_owner *l = &row->owner;
    const uint64_t order = 500ull * MODEL_PRICE;
    limit_row_open(row);
    if (model_draw(m, 3)) // most limit nothing: something has to pass
        return;
    history_line(m, row);
    if (model_draw(m, 5) == 0)
        l->gross = (1 + model_draw(m, 12)) * order;
    if (model_draw(m, 5) == 0)
        l->day_value = (1 + model_draw(m, 40)) * order;
    if (model_draw(m, 5) == 0)
        l->credit = (1 + model_draw(m, 8)) * order;
    if (model_draw(m, 5) == 0)
        l->loss = model_draw(m, 200) * order / 10000;
    if (model_draw(m, 5) == 0)
        l->drawdown = model_draw(m, 200) * order / 10000;
    l->day_orders = (uint32_t)history_limit(m, UINT32_MAX, 300);
    l->ratio = model_draw(m, 4) ? UINT16_MAX : (uint16_t)(1 + model_draw(m, 6));
    l->ratio_step = 1 + model_draw(m, 40);
    l->duplicates = model_draw(m, 3) ? UINT16_MAX : (uint16_t)(1 + model_draw(m, 2));
    l->duplicate_window = model_draw(m, 60);
    if (scope == TRADE_STRATEGY) {
        row->venues = model_draw(m, 4) ? UINT32_MAX : (uint32_t)model_draw(m, 1u << MODEL_SESSIONS);
        l->repeats = (uint32_t)history_limit(m, UINT32_MAX, 100);
        l->instruments = model_draw(m, 4) ? UINT16_MAX : (uint16_t)model_draw(m, MODEL_SYMBOLS);
    }
    row->cancel_rate = scope == TRADE_SESSION && model_draw(m, 2);
    if (row->cancel_rate) {
        row->price_low = model_draw(m, 10000);
        row->price_high = model_draw(m, 3);
    }
}

static inline void history_symbol(struct model *m, struct limit_row *row)
{
    struct limit_symbol *s = &row->symbol;
    limit_symbol_open(row);
    if (model_draw(m, 2))
        return;
    history_line(m, row);
    row->quality = (uint8_t)model_draw(m, QUALITIES);
    row->price_low = model_draw(m, 3) ? 0 : MODEL_PRICE - 50000;
    row->price_high = model_draw(m, 3) ? UINT32_MAX : MODEL_PRICE + 50000;
    if (model_draw(m, 4) == 0)
        limit_band_set(row, MODEL_PRICE - model_draw(m, 60000), MODEL_PRICE + model_draw(m, 60000));
    else if (model_draw(m, 40) == 0)
        limit_band_set(row, UINT32_MAX, 0);
    s->tick = model_draw(m, 2) ? 1 : 100;
    s->lot = model_draw(m, 2) ? 1 : 1 + model_draw(m, 10);
    s->tick_magic = multiple_magic(s->tick);
    s->lot_magic = multiple_magic(s->lot);
    s->volume = (uint32_t)history_limit(m, UINT32_MAX, 700);
    s->spread = model_draw(m, 2) ? LIMIT_BAND16_OPEN : (uint16_t)model_draw(m, 400);
    s->touch = model_draw(m, 2) ? LIMIT_BAND_OPEN : model_draw(m, 1000);
    s->touch_least = model_draw(m, 40000);
    s->last = model_draw(m, 2) ? LIMIT_BAND_OPEN : model_draw(m, 1000);
    s->last_least = model_draw(m, 40000);
    s->period = model_draw(m, 2) ? LIMIT_BAND16_OPEN : (uint16_t)model_draw(m, 1000);
    s->period_least = (uint16_t)model_draw(m, 40000);
    s->previous_close = model_draw(m, 2) ? 0 : MODEL_PRICE;
    s->no_reference = model_draw(m, 4) != 0;
    s->locates = (uint32_t)history_limit(m, UINT32_MAX, 3000);
    s->restricted = model_draw(m, 4) ? RESTRICTION_NONE : model_draw(m, RESTRICTIONS) & 3;
    s->short_marking = model_draw(m, 3) == 0;
    s->rule_201 = model_draw(m, 2);
    s->phases = model_draw(m, 3) ? UINT8_MAX : (uint8_t)(1u << PHASE_TRADING);
}

static inline void history_limits(struct model *m)
{
    struct limit_table *t = m->rig->table;
    t->version++;
    t->period_ticks = 1 + model_draw(m, 400000);
    history_owner(m, &t->firm, TRADE_FIRM);
    for (uint32_t i = 0; i < 2; i++) {
        history_owner(m, &t->accounts[i], TRADE_ACCOUNT);
        history_owner(m, &t->strategies[i], TRADE_STRATEGY);
        history_owner(m, &t->sessions[i], TRADE_SESSION);
    }
    for (uint32_t i = 0; i < MODEL_SYMBOLS; i++)
        history_symbol(m, &t->symbols[i]);
    money_limits(&m->rig->risk);
    habits_limits(&m->rig->risk);
    model_ratios(m);
    for (uint32_t a = 0; a < MODEL_ACCOUNTS; a++)
        model_best(m, a);
}

static inline void history_open(struct model *m, struct risk_rig *rig, uint64_t seed)
{
    memset(m, 0, sizeof *m);
    m->rig = rig;
    m->random = seed * 0x9E3779B97F4A7C15ull + 1;
    m->now = (seed + 1) << 40;
    history_limits(m);
}

// --- orders ---

static inline uint32_t history_price(struct model *m)
{
    if (model_draw(m, 200) == 0)
        return model_draw(m, 2) ? 0 : 1999999901;
    return MODEL_PRICE + (model_draw(m, 21) - 10) * (model_draw(m, 6) ? 1000 : 8111);
}

static inline void history_terms(struct model *m, struct gate_order *o)
{
    o->quantity = model_draw(m, 200) ? 10 * (1 + model_draw(m, 60)) + (model_draw(m, 8) == 0)
                                     : 1000000 * model_draw(m, 2);
    o->price = history_price(m);
    o->discretion = model_draw(m, 6) ? 0 : history_price(m);
    o->reaches = o->discretion != 0;
    o->now = m->now;
    o->bid = model_draw(m, 12) ? MODEL_PRICE - 100 * model_draw(m, 60) : 0;
    o->ask = model_draw(m, 12) ? MODEL_PRICE + 100 * model_draw(m, 60) - 200 : 0;
    o->last = model_draw(m, 5) ? MODEL_PRICE + 100 * model_draw(m, 40) : 0;
    o->phase = model_draw(m, 10) ? PHASE_TRADING : (uint8_t)model_draw(m, TRADING_PHASES);
    o->short_rule = model_draw(m, 4) == 0;
    o->quality = model_draw(m, 20) ? QUALITY_GOOD : (uint8_t)model_draw(m, QUALITIES);
    o->self_met = model_draw(m, 40) ? 0 : MODEL_PRICE;
    o->band_out = !model_draw(m, 60);
    o->band_below = o->band_out && model_draw(m, 2);
    o->band_edge = o->band_out && model_draw(m, 2) ? MODEL_PRICE : 0;
    o->self_scope = (uint8_t)model_draw(m, 2);
    o->auction = model_draw(m, 8) == 0;
    o->opening = o->auction && model_draw(m, 2);
    o->market = model_draw(m, 100) == 0;
    o->collecting = model_draw(m, 30) == 0;
    o->session_up = model_draw(m, 100) != 0;
    o->session_free = model_draw(m, 100) != 0;
}

static inline struct gate_order history_new(struct model *m)
{
    struct gate_order o = {.owner = {.account = (uint16_t)model_draw(m, MODEL_ACCOUNTS),
                                     .strategy = (uint16_t)model_draw(m, MODEL_STRATEGIES),
                                     .instrument = (uint16_t)model_draw(m, MODEL_SYMBOLS),
                                     .session = (uint8_t)model_draw(m, MODEL_SESSIONS)}};
    o.side = "BBBSTE"[model_draw(m, 6)];
    o.owner.sells = o.side != 'B';
    o.owner.position = position_open(&m->rig->risk, o.owner.account, o.owner.instrument);
    history_terms(m, &o);
    o.asks = (uint16_t)(1u << (model_draw(m, 9) ? model_draw(m, PERMISSION_REPLACE)
                                                : PERMISSION_ISO + model_draw(m, 2)));
    o.worst = (struct exposure){(uint64_t)o.quantity * model_highest(&o), o.quantity, 1};
    return o;
}

// A replace or modify of an open order; what it holds can only grow until it is answered.
static inline struct gate_order history_change(struct model *m, const struct model_order *was)
{
    struct gate_order o = was->o;
    history_terms(m, &o);
    o.held = was->o.worst;
    o.turns = model_draw(m, 4) == 0;
    o.asks = (uint16_t)(1u << (model_draw(m, 2) ? PERMISSION_REPLACE : PERMISSION_MODIFY));
    const uint64_t notional = (uint64_t)o.quantity * model_highest(&o);
    o.worst.notional = notional > o.held.notional ? notional : o.held.notional;
    o.worst.shares = o.quantity > o.held.shares ? o.quantity : o.held.shares;
    return o;
}

static inline void history_ask(struct model *m, struct model_order *place)
{
    struct gate_order o = place->open ? history_change(m, place) : history_new(m);
    struct gate_verdict v;
    if (model_draw(m, 3) == 0 && m->sent_count) { // the one before once more
        const struct gate_order *again = &m->orders[model_draw(m, MODEL_ORDERS)].o;
        if (again->quantity && !place->open) {
            const struct exposure none = {0};
            o = *again;
            o.now = m->now;
            o.held = none;
            o.asks &= (uint16_t) ~(1u << PERMISSION_REPLACE | 1u << PERMISSION_MODIFY);
            o.worst = (struct exposure){(uint64_t)o.quantity * model_highest(&o), o.quantity, 1};
        }
    }
    const bool want = model_gate(m, &o);
    const bool have = gate(&m->rig->risk, &o, &v);
    if (want != have || m->v.refusal != v.refusal || m->v.scope != v.scope ||
        m->v.value != v.value || m->v.limit != v.limit || m->v.version != v.version)
        fail_msg(
            "the gate says %s (scope %u, %lu against %lu), the model %s (scope %u, %lu against "
            "%lu)",
            refusal_name(v.refusal), v.scope, v.value, v.limit, refusal_name(m->v.refusal),
            m->v.scope, m->v.value, m->v.limit);
    m->told |= 1ull << REFUSAL_BIT(v.refusal);
    if (!have)
        return;
    exposure_move(&m->rig->risk, &o.owner, &o.held, &o.worst);
    place->open = true;
    place->o = o;
    if (m->sent_count < MODEL_LONG)
        m->sent[m->sent_count++] = (struct model_sent){o.owner, o.now};
    m->approved++;
}

// --- what happens to them ---

static inline void history_end(struct model *m, struct model_order *place)
{
    const struct exposure none = {0};
    if (!place->open)
        return;
    exposure_move(&m->rig->risk, &place->o.owner, &place->o.worst, &none);
    place->open = false;
}

// Some of its shares execute; all: it is over.
static inline void history_fill(struct model *m, struct model_order *place)
{
    struct gate_order *o = &place->o;
    if (!place->open || m->fill_count == MODEL_LONG)
        return;
    const uint32_t shares = 1 + model_draw(m, o->worst.shares);
    const uint32_t price = model_draw(m, 2) ? model_lowest(o) : model_highest(o);
    const struct exposure was = o->worst, none = {0};
    exposure_fill(&m->rig->risk, &o->owner, shares, price, m->now);
    m->fills[m->fill_count++] = (struct model_fill){o->owner, shares, price, m->now, false};
    uint32_t *mark = &m->marks[o->owner.account][o->owner.instrument];
    *mark = *mark ? *mark : price;
    model_best(m, o->owner.account);
    m->executed++;
    o->worst.shares -= shares;
    o->worst.notional = (uint64_t)o->worst.shares * model_highest(o);
    o->worst = o->worst.shares ? o->worst : none;
    place->open = o->worst.shares > 0;
    exposure_move(&m->rig->risk, &o->owner, &was, &o->worst);
}

static inline void history_break(struct model *m)
{
    if (m->fill_count == 0)
        return;
    struct model_fill *f = &m->fills[model_draw(m, m->fill_count)];
    if (f->gone)
        return;
    f->gone = true;
    exposure_break(&m->rig->risk, &f->owner, (uint32_t)f->shares, (uint32_t)f->price);
    model_best(m, f->owner.account);
}

static inline void history_mark(struct model *m)
{
    const uint32_t account = model_draw(m, MODEL_ACCOUNTS), symbol = model_draw(m, MODEL_SYMBOLS);
    m->marks[account][symbol] = MODEL_PRICE + 100 * (model_draw(m, 201) - 100);
    money_mark(&m->rig->risk, position_open(&m->rig->risk, account, symbol),
               m->marks[account][symbol]);
    model_best(m, account);
}

// A person lets the firm or an account trade again.
static inline void history_resume(struct model *m)
{
    const enum trade_scope scope = model_draw(m, 2) ? TRADE_FIRM : TRADE_ACCOUNT;
    const uint32_t account = scope == TRADE_FIRM ? 0 : model_draw(m, MODEL_ACCOUNTS);
    money_resume(&m->rig->risk, scope, account);
    model_resume(m, scope, account);
}

static inline void history_cancel(struct model *m)
{
    const uint32_t session = model_draw(m, MODEL_SESSIONS);
    const struct limit_row *row = &m->rig->table->sessions[session];
    uint64_t *at = &m->cancel_at[session];
    gate_cancel(&m->rig->risk, session, m->now);
    if (row->cancel_rate)
        *at = (*at > m->now ? *at : m->now) + 2ull * row->price_low;
}

static inline void history_trouble(struct model *m)
{
    struct risk *r = &m->rig->risk;
    const uint32_t account = model_draw(m, MODEL_ACCOUNTS);
    r->symbols[model_draw(m, MODEL_SYMBOLS)].quarantined = model_draw(m, 8) == 0;
    r->record = model_draw(m, RECORD_STATES);
    r->event_credit_min = model_draw(m, 16) ? 10 : RISK_NO_RECORD;
    r->event_credit = model_draw(m, 8) ? 10 : 9;
    r->clock_only = model_draw(m, 2);
    r->clock_limit = 1000;
    r->clock_error = model_draw(m, 2) ? 1001 : UINT64_MAX;
    kill_lift(&m->rig->kills[KILL_BY_MAIN], TRADE_ACCOUNT, account);
    if (model_draw(m, 8) == 0)
        kill_ask(&m->rig->kills[KILL_BY_MAIN], TRADE_ACCOUNT, account);
}

// Everything that the gate keeps, added up anew.
static inline void history_check(const struct model *m)
{
    const struct risk *r = &m->rig->risk;
    for (uint16_t a = 0; a < MODEL_ACCOUNTS; a++) {
        const struct exposure_owner w = {.account = a};
        uint64_t gross;
        const struct owner_day *day = &r->account_days[a];
        assert_int_equal(day->marked, model_marked(m, TRADE_ACCOUNT, a, &gross));
        assert_int_equal(day->gross, gross);
        assert_int_equal(day->best, m->best[1 + a]);
        assert_int_equal(owner_profit(day), model_profit(m, TRADE_ACCOUNT, a));
        assert_int_equal(day->traded, model_traded(m, &w, TRADE_ACCOUNT, false).traded);
        for (uint16_t i = 0; i < MODEL_SYMBOLS; i++) {
            const struct exposure_owner at = {.account = a, .instrument = i};
            const struct model_money told = model_traded(m, &at, TRADE_SYMBOL, true);
            const uint32_t place = position_open(&m->rig->risk, a, i);
            const struct position_money *money = &r->money[place];
            assert_int_equal(r->positions[place].shares, told.shares);
            assert_int_equal(position_profit(money),
                             told.shares * (int64_t)money->mark - told.paid);
            if (told.shares == 0)
                assert_int_equal(money->cost, 0);
        }
    }
    assert_int_equal(r->overflows, 0);
}

static inline void history_step(struct model *m)
{
    struct model_order *place = &m->orders[model_draw(m, MODEL_ORDERS)];
    const uint32_t dice = model_draw(m, 100);
    m->now += model_draw(m, 4) ? model_draw(m, 20000) : 0;
    if (dice < 70)
        history_ask(m, place);
    else if (dice < 78)
        history_end(m, place);
    else if (dice < 87)
        history_fill(m, place);
    else if (dice < 89)
        history_break(m);
    else if (dice < 93)
        history_mark(m);
    else if (dice < 97)
        history_cancel(m);
    else if (dice < 98)
        history_trouble(m);
    else if (model_draw(m, 2))
        history_resume(m);
    else if (model_draw(m, 2) == 0)
        history_limits(m);
    if (model_draw(m, 50) == 0)
        history_check(m);
}
