// What is limited, what of it the lanes use, and what is left. The lanes' words are read while they
// change: each is right by itself.
#include <string.h>

#include "dataplane/control/limits_live.h"
#include "dataplane/control/limits_rows.h"
#include "dataplane/control/limits_warn.h"

enum { ROWS_A_CALL = 512 }; // looked at for one answer: the main lcore has more to do

#define WORD(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)

// --- what is used ---

static const struct risk_use *use_of(const struct risk *r, uint32_t scope, uint32_t index)
{
    switch (scope) {
    case TRADE_ACCOUNT: return &r->accounts[index];
    case TRADE_STRATEGY: return &r->strategies[index];
    case TRADE_SYMBOL: return &r->symbols[index].use;
    case TRADE_SESSION: return &r->sessions[index];
    default: return &r->firm;
    }
}

// Of a symbol: null.
static const struct owner_day *day_of(const struct risk *r, uint32_t scope, uint32_t index)
{
    switch (scope) {
    case TRADE_ACCOUNT: return &r->account_days[index];
    case TRADE_STRATEGY: return &r->strategy_days[index];
    case TRADE_SYMBOL: return NULL;
    case TRADE_SESSION: return &r->session_days[index];
    default: return &r->day;
    }
}

static uint64_t above_zero(int64_t value)
{
    return value > 0 ? (uint64_t)value : 0;
}

static uint64_t symbol_use_of(const struct symbol_use *s, enum limit_control control)
{
    const int64_t shares = WORD(s->shares);
    const uint64_t shorter = above_zero((int64_t)WORD(s->open_sell) - shares);
    const uint64_t longer = above_zero((int64_t)WORD(s->open_buy) + shares);
    return control == LIMIT_SYMBOL_locates || shorter > longer ? shorter : longer;
}

// Of the symbols that it has traded the one that is furthest from flat, at worst.
static uint64_t strategy_use_of(const struct risk *r, uint32_t strategy)
{
    uint64_t most = 0;
    for (uint32_t at = 0; at < r->symbol_count; at += 64)
        for (uint64_t left = WORD(r->traded_in[strategy][at / 64]); left; left &= left - 1) {
            const struct strategy_use *s = &r->held[strategy][at + (uint32_t)__builtin_ctzll(left)];
            const int64_t shares = WORD(s->shares);
            const uint64_t longer = above_zero((int64_t)WORD(s->open_buy) + shares);
            const uint64_t shorter = above_zero((int64_t)WORD(s->open_sell) - shares);
            const uint64_t worst = longer > shorter ? longer : shorter;
            most = worst > most ? worst : most;
        }
    return most;
}

static bool day_use_of(const struct owner_day *day, enum limit_control control, uint64_t notional,
                       uint64_t *use)
{
    const int64_t profit = WORD(day->marked) - WORD(day->paid);
    switch (control) {
    case LIMIT_LIMITS_gross: *use = WORD(day->gross) + notional; return true;
    case LIMIT_LIMITS_day_value: *use = WORD(day->traded) + notional; return true;
    case LIMIT_LIMITS_credit: *use = above_zero(WORD(day->paid)) + WORD(day->open_buy); return true;
    case LIMIT_LIMITS_loss: *use = above_zero(-profit); return true;
    case LIMIT_LIMITS_drawdown: *use = above_zero(WORD(day->best) - profit); return true;
    case LIMIT_LIMITS_day_orders: *use = WORD(day->orders); return true;
    case LIMIT_LIMITS_repeats: *use = WORD(day->applied); return true;
    case LIMIT_LIMITS_instruments: *use = WORD(day->instruments); return true;
    default: return false;
    }
}

bool limit_lane_use(const struct dataplane *d, uint32_t lane, const struct limit_entry *e,
                    uint64_t *use)
{
    const struct risk *r = &d->desks[lane]->desk.risk;
    const enum limit_control control = (enum limit_control)e->control;
    const struct risk_use *open = use_of(r, e->scope, e->index);
    const struct owner_day *day = day_of(r, e->scope, e->index);
    switch (control) {
    case LIMIT_LIMITS_open_orders: *use = WORD(open->orders); return true;
    case LIMIT_LIMITS_open_notional: *use = WORD(open->notional); return true;
    case LIMIT_LIMITS_position:
    case LIMIT_SYMBOL_locates:
        if (e->scope == TRADE_STRATEGY)
            *use = strategy_use_of(r, e->index);
        else if (e->scope == TRADE_SYMBOL)
            *use = symbol_use_of(&r->symbols[e->index], control);
        return e->scope == TRADE_STRATEGY || e->scope == TRADE_SYMBOL;
    default: return day && day_use_of(day, control, WORD(open->notional), use);
    }
}

// Of the limits that several lanes have: leased as a whole, or each lane its part.
static bool leased(const struct limit_entry *e)
{
    return (e->scope == TRADE_FIRM || e->scope == TRADE_ACCOUNT) &&
           (e->control == LIMIT_LIMITS_open_orders || e->control == LIMIT_LIMITS_open_notional);
}

bool limit_in_parts(const struct dataplane *d, const struct limit_entry *e)
{
    const bool owned = e->scope == TRADE_STRATEGY || e->scope == TRADE_SESSION;
    return config_trade_lanes(d->config) > 1 && !owned && !leased(e);
}

static uint64_t left_of(uint64_t limit, uint64_t use)
{
    return limit > use ? limit - use : 0;
}

// A limit on losses that was broken stays so.
static bool broken(const struct risk *r, const struct limit_entry *e)
{
    const struct owner_day *day = day_of(r, e->scope, e->index);
    const bool of_day = e->control == LIMIT_LIMITS_loss;
    return day && (of_day || e->control == LIMIT_LIMITS_drawdown) &&
           WORD(day->broken) >> (of_day ? LOSS_OF_DAY : LOSS_FROM_BEST) & 1;
}

static void entry_use(const struct dataplane *d, struct limit_entry *e)
{
    const uint64_t limit = e->limit[e->binds];
    const uint32_t lanes = config_trade_lanes(d->config);
    const bool parts = limit_in_parts(d, e);
    uint64_t use;
    for (uint32_t lane = 0; lane < d->config->lane_count; lane++) {
        if (d->desks[lane] == NULL || !limit_lane_use(d, lane, e, &use))
            continue;
        e->flags |= LIMIT_ENTRY_USE | (parts ? LIMIT_ENTRY_PART : 0) |
                    (broken(&d->desks[lane]->desk.risk, e) ? LIMIT_ENTRY_BROKEN : 0);
        e->use += use;
        e->room += parts ? left_of(limit / lanes, use) : 0;
    }
    if (!parts)
        e->room = left_of(limit, e->use);
}

// --- one row after the other ---

uint64_t limit_rows(const struct limits_source *s, uint32_t scope)
{
    const uint64_t symbols = scope == TRADE_SCOPES ? 0 : s->symbol_count;
    return 1 + (uint64_t)s->account_count + STRATEGIES_MAX + s->session_count + symbols;
}

struct row_name limit_row_at(const struct limits_source *s, uint64_t at)
{
    const uint32_t counts[] = {1, s->account_count, STRATEGIES_MAX, s->session_count,
                               s->symbol_count};
    static const enum trade_scope scopes[] = {TRADE_FIRM, TRADE_ACCOUNT, TRADE_STRATEGY,
                                              TRADE_SESSION, TRADE_SYMBOL};
    uint32_t i = 0;
    while (i + 1 < TRADE_SCOPES && at >= counts[i])
        at -= counts[i++];
    return (struct row_name){scopes[i], (uint32_t)at};
}

// By itself: a quantity of his that holds in auctions too is told once.
static bool broker_limits(struct limits_source *s, const struct limit_entry *e)
{
    const struct config_limits *broker =
        limits_owned(s, LIMIT_OF_BROKER, e->scope, e->index, LIMIT_LIMITS);
    return e->limit[LIMIT_OF_BROKER] != LIMIT_NOTHING &&
           (e->control != LIMIT_LIMITS_auction_quantity ||
            config_limit_get(e->control, broker) != LIMIT_NOTHING);
}

// False: the scope does not limit it.
static bool entry_make(struct dataplane *d, struct limits_source *s, uint64_t at, unsigned control,
                       struct limit_entry *e)
{
    const struct row_name row = limit_row_at(s, at);
    enum limit_owned binds;
    *e = (struct limit_entry){
        .index = row.index, .scope = (uint8_t)row.scope, .control = (uint8_t)control};
    if (!limits_both(s, row.scope, row.index, control, e->limit, &binds) ||
        (!broker_limits(s, e) &&
         config_limit_default(
             control, limits_base(s, row.scope, row.index, limit_control_table[control].section))))
        return false;
    e->binds = (uint8_t)binds;
    const struct limit_raise *raise =
        raises_find(limits_raised(d), row.scope, row.index, binds, control);
    e->until_ns = raise ? raise->until_ns : 0;
    e->back = raise ? raise->back : 0;
    entry_use(d, e);
    const bool own_look = row.scope == TRADE_ACCOUNT && control == LIMIT_LIMITS_position;
    e->warn_at = LIMIT_NOTHING;
    if (own_look || e->flags & LIMIT_ENTRY_USE)
        e->warn_at = warning_at(s, row.scope, row.index, e->limit[e->binds]);
    e->flags |= warning_on(d, at, e) ? LIMIT_ENTRY_WARNED : 0;
    return true;
}

enum command_result limits_list(struct dataplane *d, const struct limits_list_request *request,
                                struct limits_list_answer *answer)
{
    struct limits_source *s = limits_set_now(d);
    uint32_t count = 0;
    answer->next = 0;
    answer->count = 0;
    if (s == NULL)
        return COMMAND_RESULT_NO_TRADING;
    uint64_t at = request->cursor / LIMIT_CONTROLS;
    unsigned control = (unsigned)(request->cursor % LIMIT_CONTROLS);
    const uint64_t rows = limit_rows(s, request->scope), last = at + ROWS_A_CALL;
    for (; at < rows && at < last && count < LIMIT_ENTRIES_MAX; at++, control = 0) {
        const struct row_name row = limit_row_at(s, at);
        if ((request->scope != TRADE_SCOPES && request->scope != row.scope) ||
            (request->index != UINT32_MAX && request->index != row.index))
            continue;
        while (control < LIMIT_CONTROLS && count < LIMIT_ENTRIES_MAX)
            count += entry_make(d, s, at, control++, &answer->entries[count]);
        if (control < LIMIT_CONTROLS)
            break;
    }
    answer->count = count;
    answer->next = at < rows ? at * LIMIT_CONTROLS + control : 0;
    return COMMAND_RESULT_OK;
}
