// What trades: sessions, strategies, open orders, and what is in force.
#include <stdlib.h>
#include <string.h>

#include "controlplane/control/view.h"
#include "dataplane/base/clock.h"

static void set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
}

bool job_board(struct control *control, struct job *job)
{
    if (!job_snapshot(control, job))
        return false;
    if (!board_take(control->board, &control->contact)) {
        job_fail(job, RPC_ERROR_NOT_CONNECTED, "%s", control->contact.why);
        return false;
    }
    if (board_trades(control->board))
        return true;
    job_fail(job, RPC_ERROR_STATE,
             "nothing trades: the dataplane's configuration has no order sessions");
    return false;
}

// --- what is in force ---

static const char *const askers[KILL_ASKERS] = {[KILL_BY_OPERATOR] = "operator",
                                                [KILL_BY_MAIN] = "main",
                                                [KILL_BY_LANE] = "lane",
                                                [KILL_BY_DIRECT] = "direct"};

static json_t *scope_word(uint32_t scope)
{
    return json_string(scope == TRADE_FIRM ? "global" : scope_name(scope));
}

// One line of what is in force; <by>: null for a state.
static json_t *force_view(const struct control *control, uint32_t lane, uint32_t scope,
                          uint32_t index, const char *what, const char *by)
{
    const char *name = board_name(control->board, lane, (enum trade_scope)scope, index);
    json_t *row = json_object();
    set(row, "what", json_string(what));
    set(row, "scope", scope_word(scope));
    set(row, "name",
        scope == TRADE_FIRM ? json_null()
        : *name             ? json_string(name)
                            : view_count(index));
    set(row, "by", by ? json_string(by) : json_null());
    set(row, "lane", json_string(control->snapshot.lanes[lane].name));
    return row;
}

static uint32_t scope_most(const struct board *b, uint32_t scope)
{
    switch (scope) {
    case TRADE_FIRM: return 1;
    case TRADE_ACCOUNT: return ACCOUNTS_MAX;
    case TRADE_STRATEGY: return STRATEGIES_MAX;
    case TRADE_SYMBOL: return b->shape.instruments;
    default: return SESSIONS_MAX;
    }
}

static void force_scope(const struct control *control, uint32_t lane, uint32_t scope, json_t *list)
{
    struct board *b = control->board;
    const _Atomic uint8_t *states = board_states(&b->boards[lane], (enum trade_scope)scope);
    const uint32_t most = scope_most(b, scope);
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++) {
        const _Atomic uint64_t *words = kill_scope(&b->kills[lane][asker], (enum trade_scope)scope);
        for (uint32_t i = 0; i < most; i++)
            if (kill_bit(words, i))
                json_array_append_new(list,
                                      force_view(control, lane, scope, i, "kill", askers[asker]));
    }
    for (uint32_t i = 0; i < most; i++)
        if (states[i] != TRADING_ACTIVE)
            json_array_append_new(
                list, force_view(control, lane, scope, i, trading_state_name(states[i]), NULL));
    for (uint32_t i = 0; scope == TRADE_SYMBOL && i < most; i++)
        if (b->boards[lane].quarantined[i / 64] >> i % 64 & 1)
            json_array_append_new(list, force_view(control, lane, scope, i, "quarantine", "lane"));
}

json_t *trade_in_force(const struct control *control)
{
    json_t *list = json_array();
    for (uint32_t lane = 0; lane < control->board->shape.lanes; lane++)
        for (uint32_t scope = 0; scope < TRADE_SCOPES && board_lane_trades(control->board, lane);
             scope++)
            force_scope(control, lane, scope, list);
    return list;
}

json_t *trading_word(const struct board *b, uint64_t lanes, enum trade_scope scope, uint32_t index)
{
    uint8_t worst = TRADING_ACTIVE;
    for (uint32_t lane = 0; lane < b->shape.lanes; lane++) {
        struct trade_board *board = (struct trade_board *)(uintptr_t)&b->boards[lane];
        if (!(lanes >> lane & 1))
            continue;
        if (board_killed(b, lane, scope, index))
            return json_string("killed");
        const uint8_t state = board_states(board, scope)[index];
        worst = state > worst ? state : worst;
    }
    return json_string(trading_state_name(worst));
}

// --- trading ---

static json_t *refusals_view(const struct board *b)
{
    json_t *view = json_object();
    for (uint32_t n = 1; n < REFUSALS; n++) {
        uint64_t sum = 0;
        for (uint32_t lane = 0; lane < b->shape.lanes; lane++)
            sum += b->refusals[lane].count[n];
        if (sum)
            set(view, refusal_name(n), view_count(sum));
    }
    return view;
}

static json_t *desks_view(const struct control *control)
{
    const struct board *b = control->board;
    json_t *list = json_array();
    for (uint32_t lane = 0; lane < b->shape.lanes; lane++) {
        const struct trade_counters *c = &b->desk_counters[lane];
        if (!board_lane_trades(b, lane))
            continue;
        json_t *row = json_object();
        set(row, "lane", json_string(control->snapshot.lanes[lane].name));
        set(row, "trading", trading_word(b, 1ull << lane, TRADE_FIRM, 0));
        set(row, "journal", json_string(record_state_name(b->boards[lane].record)));
        set(row, "clock", json_string(clock_state_name(b->boards[lane].clock)));
        set(row, "limits_version", view_count(b->boards[lane].limits_version));
        set(row, "approved", view_count(c->approved));
        set(row, "refused", view_count(c->refused));
        set(row, "not_sent", view_count(c->not_sent));
        set(row, "reports", view_count(c->reports));
        set(row, "fills", view_count(c->fills));
        set(row, "unclaimed", view_count(c->unclaimed));
        set(row, "open_orders", view_count(c->open_orders));
        set(row, "open_notional", view_notional(c->open_notional));
        set(row, "practised", view_count(c->practised));
        set(row, "practice_passed", view_count(c->practice_passed));
        json_array_append_new(list, row);
    }
    return list;
}

void method_trading(struct control *control, struct job *job)
{
    if (!job_board(control, job))
        return;
    job->result = json_object();
    set(job->result, "lanes", desks_view(control));
    set(job->result, "in_force", trade_in_force(control));
    set(job->result, "refusals", refusals_view(control->board));
}

// --- sessions ---

static json_t *session_row(const struct control *control, uint32_t i)
{
    const struct board *b = control->board;
    const struct order_session_info *info = &b->sessions[i];
    const struct order_session_counters *c = &b->session_counters[i];
    json_t *row = json_object();
    set(row, "session", json_string(info->name));
    set(row, "lane", json_string(control->snapshot.lanes[info->lane].name));
    set(row, "protocol", json_string(info->protocol));
    set(row, "server", view_ip(info->server));
    set(row, "server_port", view_count(info->server_port));
    set(row, "channel",
        info->channel < b->shape.channels
            ? json_string(control->snapshot.channels[info->channel].name)
            : json_null());
    set(row, "state", json_string(session_state_name((unsigned)c->state)));
    set(row, "halted", json_boolean(c->halted != 0));
    set(row, "trading", trading_word(b, 1ull << info->lane, TRADE_SESSION, info->index));
    set(row, "next_sequence", view_count(c->next_sequence));
    set(row, "open_orders", view_count(c->open_orders));
    set(row, "open_notional", view_notional(c->open_notional));
    set(row, "cancels_waiting", view_count(c->cancels_waiting));
    set(row, "reject", view_letter((uint8_t)c->reject));
    set(row, "logins", view_count(c->logins));
    set(row, "rejected", view_count(c->rejected));
    set(row, "lost", view_count(c->lost));
    set(row, "sequenced", view_count(c->sequenced));
    set(row, "repeated", view_count(c->repeated));
    set(row, "missing", view_count(c->missing));
    set(row, "malformed", view_count(c->malformed));
    set(row, "foreign", view_count(c->foreign));
    set(row, "sent", view_count(c->sent));
    set(row, "cancels", view_count(c->cancels));
    set(row, "refused", view_count(c->refused));
    set(row, "egress", view_count(c->egress));
    set(row, "connection", view_counters(SCOPE_CONNECTION, &b->connection_counters[i]));
    return row;
}

void method_sessions(struct control *control, struct job *job)
{
    if (!job_board(control, job))
        return;
    json_t *list = json_array();
    for (uint32_t i = 0; i < control->board->shape.order_sessions; i++)
        json_array_append_new(list, session_row(control, i));
    job->result = json_pack("{s:o}", "sessions", list);
}

// --- clients ---

static json_t *client_row(const struct control *control, uint32_t i)
{
    const struct board *b = control->board;
    const struct client_info *info = &b->clients[i];
    const struct client_counters *c = &b->client_counters[i];
    json_t *row = json_object();
    set(row, "client", json_string(info->name));
    set(row, "lane", json_string(control->snapshot.lanes[info->lane].name));
    set(row, "account", json_string(b->accounts[info->account].name));
    set(row, "user", view_count(info->user));
    set(row, "state", json_string(c->attached ? "attached" : "away"));
    set(row, "pid", c->attached ? view_count(c->pid) : json_null());
    set(row, "ended", view_count(c->ended));
    set(row, "trading", trading_word(b, 1ull << info->lane, TRADE_STRATEGY, info->strategy));
    set(row, "attachments", view_count(c->attachments));
    set(row, "requests", view_count(c->requests));
    set(row, "refused", view_count(c->refused));
    set(row, "answers", view_count(c->answers));
    set(row, "requests_waiting", view_count(c->requests_waiting));
    set(row, "requests_slots", view_count(info->requests_slots));
    set(row, "answers_unread", view_count(c->answers_unread));
    set(row, "answers_slots", view_count(info->answers_slots));
    set(row, "open_orders", view_count(c->open_orders));
    set(row, "open_notional", view_notional(c->open_notional));
    set(row, "open_orders_limit",
        info->open_orders == UINT32_MAX ? json_null() : view_count(info->open_orders));
    set(row, "rate_per_s",
        info->rate_per_s == UINT32_MAX ? json_null() : view_count(info->rate_per_s));
    return row;
}

void method_clients(struct control *control, struct job *job)
{
    if (!job_board(control, job))
        return;
    json_t *list = json_array();
    for (uint32_t i = 0; i < control->board->shape.clients; i++)
        json_array_append_new(list, client_row(control, i));
    job->result = json_pack("{s:o}", "clients", list);
}

// --- strategies ---

static json_t *parameters_view(const struct strategy_info *info, const struct strategy_values *v)
{
    json_t *view = json_object();
    for (uint32_t i = 0; i < v->count; i++) {
        char number[8];
        snprintf(number, sizeof number, "%u", i);
        set(view, info->parameters[i][0] ? info->parameters[i] : number, json_integer(v->value[i]));
    }
    return view;
}

static json_t *strategy_row(const struct control *control, uint32_t i)
{
    static const char *const whys[] = {"", "not enabled yet", "by a person", "was late",
                                       "restarted: parameters are those of the file"};
    const struct board *b = control->board;
    const struct strategy_info *info = &b->strategies[i];
    const struct strategy_counters *c = &b->strategy_counters[i];
    const struct contact *contact = &control->contact;
    json_t *row = json_object(), *symbols = json_array();
    for (uint32_t k = 0; k < info->symbol_count; k++)
        json_array_append_new(symbols, json_string(b->instruments[info->symbols[k]].symbol));
    set(row, "strategy", json_string(info->name));
    set(row, "kind", json_string(info->kind));
    set(row, "lane", json_string(control->snapshot.lanes[info->lane].name));
    set(row, "account", json_string(b->accounts[info->account].name));
    set(row, "state", json_string(c->off ? "off" : "on"));
    set(row, "why", json_string(c->off < sizeof whys / sizeof whys[0] ? whys[c->off] : "?"));
    set(row, "trading", trading_word(b, 1ull << info->lane, TRADE_STRATEGY, info->index));
    set(row, "symbols", symbols);
    set(row, "budget_ns", view_count(info->budget_ns));
    set(row, "calls", view_count(c->calls));
    set(row, "mean_ns", view_count(c->calls ? contact_ticks_ns(contact, c->ticks / c->calls) : 0));
    set(row, "max_ns", view_count(contact_ticks_ns(contact, c->ticks_max)));
    set(row, "late", view_count(c->late));
    set(row, "open_orders", view_count(c->open_orders));
    set(row, "open_notional", view_notional(c->open_notional));
    set(row, "parameters", parameters_view(info, &b->values[i]));
    return row;
}

void method_strategies(struct control *control, struct job *job)
{
    if (!job_board(control, job))
        return;
    json_t *list = json_array();
    for (uint32_t i = 0; i < control->board->shape.strategies; i++)
        json_array_append_new(list, strategy_row(control, i));
    job->result = json_pack("{s:o}", "strategies", list);
}

// --- filters by name ---

bool job_named(struct control *control, struct job *job, const char *param,
               int (*find)(const struct board *board, const char *name), int *found)
{
    const char *name = job_string(job, param);
    *found = name ? find(control->board, name) : -1;
    if (name == NULL || *found >= 0)
        return true;
    job_fail(job, RPC_ERROR_UNKNOWN, "no %s '%.31s'; %s", param, name,
             strcmp(param, "account") == 0   ? "`positions` lists the accounts"
             : strcmp(param, "session") == 0 ? "`sessions` lists them"
             : strcmp(param, "symbol") == 0  ? "no limits are configured for it"
                                             : "`strategies` lists them");
    return false;
}

// --- orders ---

struct order_choice {
    int account;
    int symbol;
    int strategy; // rows
    int session;
};

static bool order_chosen(const struct board *b, const struct folded_order *o,
                         const struct order_choice *c)
{
    return (c->account < 0 || o->account == c->account) &&
           (c->symbol < 0 || o->instrument == c->symbol) &&
           (c->strategy < 0 || c->strategy == board_strategy_at(b, o->lane, o->strategy)) &&
           (c->session < 0 || c->session == board_session_at(b, o->lane, o->session));
}

static const char *side_word(char side)
{
    switch (side) {
    case 'B': return "buy";
    case 'S': return "sell";
    case 'T': return "sell short";
    case 'E': return "sell short exempt";
    default: return "?";
    }
}

static json_t *named(const struct board *b, const struct folded_order *o, enum trade_scope scope,
                     uint32_t index)
{
    const char *name = board_name(b, o->lane, scope, index);
    return *name ? json_string(name) : view_count(index);
}

static json_t *order_row(const struct control *control, const struct folded_order *o)
{
    static const char *const lives[] = {"pending", "live", "unknown"};
    const struct board *b = control->board;
    json_t *row = json_object(), *waits = json_array();
    if (o->waits & FOLD_REPLACE)
        json_array_append_new(waits, json_string("replace"));
    if (o->waits & FOLD_MODIFY)
        json_array_append_new(waits, json_string("modify"));
    if (o->waits & FOLD_CANCEL)
        json_array_append_new(waits, json_string("cancel"));
    set(row, "lane",
        o->lane < b->shape.lanes ? json_string(control->snapshot.lanes[o->lane].name)
                                 : view_count(o->lane));
    set(row, "order", view_count(o->order));
    set(row, "session", named(b, o, TRADE_SESSION, o->session));
    set(row, "ref", view_count(o->ref));
    set(row, "account", named(b, o, TRADE_ACCOUNT, o->account));
    set(row, "strategy", named(b, o, TRADE_STRATEGY, o->strategy));
    set(row, "symbol", named(b, o, TRADE_SYMBOL, o->instrument));
    set(row, "side", json_string(side_word(o->side)));
    set(row, "price", view_price(o->price));
    set(row, "open", view_count(o->open));
    set(row, "filled", view_count(o->filled));
    set(row, "state", json_string(o->life < FOLD_DEAD ? lives[o->life] : "?"));
    set(row, "waits", waits);
    set(row, "client_id", view_number(o->client_id));
    set(row, "exchange_ref", view_number(o->exchange_ref));
    set(row, "since", view_utc(o->since_ns));
    return row;
}

// Oldest first.
static int order_compare(const void *pa, const void *pb)
{
    const struct folded_order *a = *(const struct folded_order *const *)pa,
                              *b = *(const struct folded_order *const *)pb;
    if (a->since_ns != b->since_ns)
        return (a->since_ns > b->since_ns) - (a->since_ns < b->since_ns);
    return (a->ref > b->ref) - (a->ref < b->ref);
}

void method_orders(struct control *control, struct job *job)
{
    const struct order_fold *fold = &control->log.orders;
    const struct board *b = control->board;
    struct order_choice c;
    if (!job_settle(control, job))
        return;
    // Those of before this control plane began are on their way.
    if (past_orders_reading(&control->past) && clock_mono_ns() < job->deadline_ns) {
        job->pending = job->settling = true;
        return;
    }
    if (!job_board(control, job) ||
        !job_named(control, job, "account", board_account, &c.account) ||
        !job_named(control, job, "symbol", board_symbol, &c.symbol) ||
        !job_named(control, job, "strategy", board_strategy, &c.strategy) ||
        !job_named(control, job, "session", board_session, &c.session))
        return;
    const uint64_t top = (uint64_t)job_integer(job, "top", INT64_MAX);
    const struct folded_order **chosen = malloc(FOLD_ORDERS_MAX * sizeof *chosen);
    uint32_t count = 0;
    uint64_t told = 0;
    if (chosen == NULL) {
        job_fail(job, RPC_ERROR_INTERNAL, "no memory for a list of the orders");
        return;
    }
    for (uint32_t i = 0; i < FOLD_ORDERS_MAX * 2; i++)
        if (fold->slots[i].used && order_chosen(b, &fold->slots[i], &c))
            chosen[count++] = &fold->slots[i];
    if (count)
        qsort(chosen, count, sizeof *chosen, order_compare);
    json_t *list = json_array();
    for (uint32_t i = 0; i < count && i < top; i++)
        json_array_append_new(list, order_row(control, chosen[i]));
    free(chosen);
    for (uint32_t lane = 0; lane < b->shape.lanes; lane++)
        told += b->desk_counters[lane].open_orders;
    // Orders whose events were read by nobody, or by a control plane before this one: only their
    // number is known.
    const bool complete = order_fold_complete(fold);
    const uint64_t missing = complete || told < fold->count ? 0 : told - fold->count;
    job->result = json_pack("{s:o,s:o,s:b,s:o,s:o,s:o,s:o}", "orders", list, "total",
                            view_count(count), "complete", complete, "missing", view_count(missing),
                            "missed_events", view_count(fold->missed), "not_kept",
                            view_count(fold->not_kept), "open_orders", view_count(told));
}
