// Set-up of the trading half, and its check for tests.
#include <stdio.h>
#include <string.h>

#include "dataplane/lane/desk_luld.h"
#include "dataplane/lane/desk_parts.h"

static struct risk_config risk_config_of(const struct desk_config *c)
{
    return (struct risk_config){
        .symbols = c->instruments,
        .positions = c->positions,
        .strategies = c->strategies,
        .accounts = c->accounts,
        .priors = PRIORS_KEPT,
    };
}

uint64_t desk_bytes(const struct desk_config *c)
{
    const struct risk_config rc = risk_config_of(c);
    return cache_lines(orders_bytes(&c->orders)) + cache_lines(risk_bytes(&rc)) +
           cache_lines((uint64_t)c->instruments * sizeof(struct desk_instrument));
}

static void states_show(struct trade_board *b, enum trade_scope scope, const struct limit_row *rows,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        atomic_store_explicit(&board_states(b, scope)[i], rows[i].state, memory_order_relaxed);
}

// What the region shows of this lane's desk.
static void board_init(struct desk *d, const struct desk_config *c)
{
    const struct region_view *view = &d->lane->view;
    const struct limit_table *t = d->limits;
    d->board = region_trade_board(view, d->lane->index);
    if (view->shape.positions == c->positions)
        d->shown = region_position_cell(view, (uint64_t)d->lane->index * c->positions);
    states_show(d->board, TRADE_FIRM, &t->firm, 1);
    states_show(d->board, TRADE_ACCOUNT, t->accounts, ACCOUNTS_MAX);
    states_show(d->board, TRADE_STRATEGY, t->strategies, STRATEGIES_MAX);
    states_show(d->board, TRADE_SYMBOL, t->symbols, c->instruments);
    states_show(d->board, TRADE_SESSION, t->sessions, SESSIONS_MAX);
    atomic_store_explicit(&d->board->limits_hash, t->hash, memory_order_relaxed);
    atomic_store_explicit(&d->board->limits_version, t->version, memory_order_relaxed);
}

void desk_init(struct desk *d, struct lane *lane, const struct desk_config *c,
               const char (*symbols)[8], struct limit_table *limits, void *memory)
{
    const struct risk_config rc = risk_config_of(c);
    uint8_t *p = memory;
    memset(d, 0, sizeof *d);
    d->lane = lane;
    d->ns_per_tick =
        lane->tsc_hz ? ((1000000000ull << 32) + lane->tsc_hz - 1) / lane->tsc_hz : 1ull << 32;
    d->kills = region_kill_words(&lane->view, (uint64_t)lane->index * KILL_ASKERS);
    d->limits = limits;
    board_init(d, c);
    orders_init(&d->orders, &c->orders, p);
    p += cache_lines(orders_bytes(&c->orders));
    risk_init(&d->risk, &rc, limits, d->kills, p);
    p += cache_lines(risk_bytes(&rc));
    d->record = region_record_word(&lane->view, 0);
    d->commit = &lane->trading.ring->committed;
    d->event_credit_min = c->event_credit_min;
    d->record_needed = c->record_needed;
    d->clock = c->clock_limit ? CLOCK_DOUBTFUL : CLOCK_UNWATCHED;
    d->risk.clock_error = UINT64_MAX;
    d->risk.clock_limit = c->clock_limit;
    atomic_store_explicit(&d->board->clock, d->clock, memory_order_relaxed);
    desk_credit_ask(d);
    d->instruments = (struct desk_instrument *)(void *)p;
    d->instrument_count = c->instruments;
    for (uint32_t i = 0; i < c->instruments; i++) {
        memcpy(d->instruments[i].symbol, symbols[i], sizeof d->instruments[i].symbol);
        for (uint32_t s = 0; s < SESSIONS_MAX; s++)
            d->instruments[i].slot[s] = SYMBOL_NONE;
    }
}

void desk_session_add(struct desk *d, struct session *session, struct channel *channel,
                      struct tcp_link *link)
{
    d->sessions[d->session_count++] =
        (struct desk_session){.session = session, .channel = channel, .link = link};
    desk_luld_limits(d);
}

// --- the check ---

#define HOLDS(cond, ...)                         \
    do {                                         \
        if (!(cond)) {                           \
            snprintf(why, why_len, __VA_ARGS__); \
            return false;                        \
        }                                        \
    } while (0)

// What one scope should hold, by counting.
static struct risk_use counted(const struct desk *d, enum trade_scope scope, uint32_t index)
{
    struct risk_use use = {0};
    for (uint32_t i = 0; i < d->orders.capacity; i++) {
        const struct own_order *o = orders_at(&d->orders, i);
        const uint32_t of[TRADE_SCOPES] = {0, o->account, o->strategy, o->instrument, o->session};
        const struct order_worst worst = order_worst(o);
        if (of[scope] != index || o->life == LIFE_DEAD)
            continue;
        use.orders += worst.orders;
        use.notional += worst.notional;
    }
    return use;
}

static bool use_holds(const struct desk *d, enum trade_scope scope, uint32_t index,
                      const struct risk_use *use, char *why, uint32_t why_len)
{
    const struct risk_use want = counted(d, scope, index);
    HOLDS(use->orders == want.orders && use->notional == want.notional,
          "scope %u, %u: %u orders and %llu open, counted %u and %llu", scope, index, use->orders,
          (unsigned long long)use->notional, want.orders, (unsigned long long)want.notional);
    return true;
}

bool desk_carry(struct desk *d, uint32_t account, uint32_t instrument, int64_t shares,
                uint32_t price)
{
    const struct exposure_owner owner = {.position = position_open(&d->risk, account, instrument),
                                         .account = (uint16_t)account,
                                         .instrument = (uint16_t)instrument};
    if (owner.position == POSITION_NONE)
        return false;
    exposure_carry(&d->risk, &owner, shares, price);
    desk_show(d, owner.position);
    return true;
}

static bool positions_hold(const struct desk *d, char *why, uint32_t why_len)
{
    for (uint32_t p = 0; p <= d->risk.position_mask; p++) {
        const struct position *position = &d->risk.positions[p];
        uint64_t buy = 0, sell = 0;
        if (position->key == 0)
            continue;
        for (uint32_t i = 0; i < d->orders.capacity; i++) {
            const struct own_order *o = orders_at(&d->orders, i);
            if (o->life == LIFE_DEAD || o->position != p)
                continue;
            *(side_sells(o->side) ? &sell : &buy) += order_worst(o).shares;
        }
        HOLDS(position->open_buy == buy && position->open_sell == sell,
              "position %u: %llu and %llu open, counted %llu and %llu", p,
              (unsigned long long)position->open_buy, (unsigned long long)position->open_sell,
              (unsigned long long)buy, (unsigned long long)sell);
        HOLDS(position->shares == (int64_t)d->risk.money[p].bought - (int64_t)d->risk.money[p].sold,
              "position %u: %lld shares", p, (long long)position->shares);
    }
    return true;
}

bool desk_check(const struct desk *d, char *why, uint32_t why_len)
{
    const struct risk *r = &d->risk;
    if (!orders_check(&d->orders, why, why_len) || !positions_hold(d, why, why_len) ||
        !use_holds(d, TRADE_FIRM, 0, &r->firm, why, why_len))
        return false;
    for (uint32_t i = 0; i < SESSIONS_MAX; i++)
        if (!use_holds(d, TRADE_SESSION, i, &r->sessions[i], why, why_len))
            return false;
    for (uint32_t i = 0; i < d->instrument_count; i++)
        if (!use_holds(d, TRADE_SYMBOL, i, &r->symbols[i].use, why, why_len))
            return false;
    for (uint32_t i = 0; i < 8; i++) // as many accounts and strategies as tests use
        if (!use_holds(d, TRADE_ACCOUNT, i, &r->accounts[i], why, why_len) ||
            !use_holds(d, TRADE_STRATEGY, i, &r->strategies[i], why, why_len))
            return false;
    return true;
}
