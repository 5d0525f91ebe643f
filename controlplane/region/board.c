#include "controlplane/region/board.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "controlplane/region/snapshot.h"
#include "controlplane/region/words.h"

enum { POSITIONS_SPARE = 64 };

struct board *board_new(void)
{
    struct board *board = aligned_alloc(_Alignof(struct board), sizeof *board);
    return board ? memset(board, 0, sizeof *board) : NULL;
}

void board_free(struct board *board)
{
    if (board)
        free(board->positions);
    free(board);
}

// --- copies ---

static void copy_board(const struct region_view *view, void *context)
{
    struct board *b = context;
    const struct region_shape *s = &view->shape;
    memcpy(b->accounts, region_account_info(view, 0), s->accounts * sizeof b->accounts[0]);
    memcpy(b->instruments, region_instrument_info(view, 0),
           s->instruments * sizeof b->instruments[0]);
    memcpy(b->sessions, region_order_session_info(view, 0),
           s->order_sessions * sizeof b->sessions[0]);
    memcpy(b->strategies, region_strategy_info(view, 0), s->strategies * sizeof b->strategies[0]);
    memcpy(b->clients, region_client_info(view, 0), s->clients * sizeof b->clients[0]);
    memcpy(b->signals, region_signal_info(view, 0), s->signals * sizeof b->signals[0]);
    copy_words(b->values, region_strategy_values(view, 0), s->strategies * sizeof b->values[0]);
    copy_words(b->kills, region_kill_words(view, 0), s->lanes * sizeof b->kills[0]);
    copy_words(b->boards, region_trade_board(view, 0), s->lanes * sizeof b->boards[0]);
    copy_words(b->refusals, region_refusal_counters(view, 0), s->lanes * sizeof b->refusals[0]);
    copy_words(b->desk_counters, region_trade_counters(view, 0),
               s->lanes * sizeof b->desk_counters[0]);
    copy_words(b->session_counters, region_order_session_counters(view, 0),
               s->order_sessions * sizeof b->session_counters[0]);
    copy_words(b->strategy_counters, region_strategy_counters(view, 0),
               s->strategies * sizeof b->strategy_counters[0]);
    copy_words(b->account_counters, region_account_counters(view, 0),
               s->accounts * sizeof b->account_counters[0]);
    copy_words(b->client_counters, region_client_counters(view, 0),
               s->clients * sizeof b->client_counters[0]);
    copy_words(b->signal_counters, region_signal_counters(view, 0),
               s->signals * sizeof b->signal_counters[0]);
    copy_words(b->connection_counters, region_connection_counters(view, 0),
               s->order_sessions * sizeof b->connection_counters[0]);
}

static void clean(struct board *b)
{
    for (uint32_t i = 0; i < b->shape.accounts; i++)
        text_clean(b->accounts[i].name, NAME_LEN);
    for (uint32_t i = 0; i < b->shape.instruments; i++)
        text_clean(b->instruments[i].symbol, sizeof b->instruments[i].symbol);
    for (uint32_t i = 0; i < b->shape.order_sessions; i++) {
        struct order_session_info *info = &b->sessions[i];
        text_clean(info->name, NAME_LEN);
        text_clean(info->protocol, sizeof info->protocol);
        info->lane = info->lane < b->shape.lanes ? info->lane : 0;
        info->index = info->index < SESSIONS_MAX ? info->index : 0;
    }
    for (uint32_t i = 0; i < b->shape.strategies; i++) {
        struct strategy_info *info = &b->strategies[i];
        const uint32_t symbols_max = sizeof info->symbols / sizeof info->symbols[0];
        text_clean(info->name, NAME_LEN);
        text_clean(info->kind, NAME_LEN);
        info->lane = info->lane < b->shape.lanes ? info->lane : 0;
        info->index = info->index < STRATEGIES_MAX ? info->index : 0;
        info->account = info->account < b->shape.accounts ? info->account : 0;
        info->symbol_count = info->symbol_count < symbols_max ? info->symbol_count : symbols_max;
        for (uint32_t k = 0; k < info->symbol_count; k++)
            info->symbols[k] = info->symbols[k] < b->shape.instruments ? info->symbols[k] : 0;
        for (uint32_t k = 0; k < PARAMETERS_MAX; k++)
            text_clean(info->parameters[k], PARAMETER_LEN);
        if (b->values[i].count > PARAMETERS_MAX)
            b->values[i].count = PARAMETERS_MAX;
    }
}

static void clean_clients(struct board *b)
{
    for (uint32_t i = 0; i < b->shape.clients; i++) {
        struct client_info *info = &b->clients[i];
        text_clean(info->name, NAME_LEN);
        info->lane = info->lane < b->shape.lanes ? info->lane : 0;
        info->strategy = info->strategy < STRATEGIES_MAX ? info->strategy : 0;
        info->account = info->account < b->shape.accounts ? info->account : 0;
    }
}

static void clean_signals(struct board *b)
{
    for (uint32_t i = 0; i < b->shape.signals; i++) {
        struct signal_info *info = &b->signals[i];
        text_clean(info->name, NAME_LEN);
        text_clean(info->role, NAME_LEN);
        text_clean(info->client, NAME_LEN);
        info->lane = info->lane < b->shape.lanes ? info->lane : 0;
        info->first = info->first < b->shape.signals ? info->first : 0;
    }
}

bool board_take(struct board *board, struct contact *contact)
{
    if (!contact_attached(contact))
        return false;
    board->shape = contact->reader.view.shape;
    if (!contact_pass(contact, copy_board, board))
        return false;
    clean(board);
    clean_clients(board);
    clean_signals(board);
    return true;
}

// --- positions ---

static uint64_t cells_of(const struct region_view *view)
{
    return (uint64_t)view->shape.lanes * view->shape.positions;
}

static void count_positions(const struct region_view *view, void *context)
{
    struct board *b = context;
    b->position_count = 0;
    for (uint64_t i = 0; i < cells_of(view); i++) {
        const struct position_cell *cell = region_position_cell(view, i);
        b->position_count += __atomic_load_n(&cell->key, __ATOMIC_RELAXED) != 0;
    }
}

// As many as there is room for: a position that opens meanwhile is seen the next time.
static void copy_positions(const struct region_view *view, void *context)
{
    struct board *b = context;
    b->position_count = 0;
    for (uint64_t i = 0; i < cells_of(view) && b->position_count < b->position_max; i++) {
        const struct position_cell *cell = region_position_cell(view, i);
        struct board_position *p = &b->positions[b->position_count];
        memset(p->shares, 0, sizeof p->shares);
        p->torn = !position_cell_read(cell, &p->sum);
        p->shares[i / view->shape.positions] = position_cell_shares(&p->sum);
        b->position_count += p->torn || p->sum.key != 0;
    }
}

static int position_compare(const void *pa, const void *pb)
{
    const struct board_position *a = pa, *b = pb;
    return (a->sum.key > b->sum.key) - (a->sum.key < b->sum.key);
}

static void position_add(struct board_position *to, const struct board_position *from)
{
    to->torn |= from->torn;
    for (uint32_t lane = 0; lane < LANES_MAX; lane++)
        to->shares[lane] = (int64_t)((uint64_t)to->shares[lane] + (uint64_t)from->shares[lane]);
    // Another process's numbers: they may wrap, that is all.
    to->sum.open_buy += from->sum.open_buy;
    to->sum.open_sell += from->sum.open_sell;
    to->sum.bought += from->sum.bought;
    to->sum.sold += from->sum.sold;
    to->sum.bought_value += from->sum.bought_value;
    to->sum.sold_value += from->sum.sold_value;
    to->sum.cost = (int64_t)((uint64_t)to->sum.cost + (uint64_t)from->sum.cost);
}

bool board_take_positions(struct board *board, struct contact *contact)
{
    board->position_count = 0;
    if (!contact_attached(contact))
        return false;
    const struct region_shape *shape = &contact->reader.view.shape;
    if (!contact_pass(contact, count_positions, board))
        return false;
    const uint32_t most = board->position_count + POSITIONS_SPARE;
    if (most > board->position_max) {
        board->position_count = board->position_max = 0;
        free(board->positions);
        board->positions =
            aligned_alloc(_Alignof(struct board_position), most * sizeof *board->positions);
        if (board->positions == NULL)
            return false;
        board->position_max = most;
    }
    if (!contact_pass(contact, copy_positions, board)) {
        board->position_count = 0;
        return false;
    }
    qsort(board->positions, board->position_count, sizeof *board->positions, position_compare);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < board->position_count; i++) {
        struct board_position *p = &board->positions[i];
        const uint32_t key = p->sum.key - 1;
        p->account = (uint16_t)(key >> 16);
        p->instrument = (uint16_t)key;
        if (p->account >= shape->accounts || p->instrument >= shape->instruments)
            continue; // a cell that was torn before it had a key, or nonsense
        if (kept && board->positions[kept - 1].sum.key == p->sum.key)
            position_add(&board->positions[kept - 1], p);
        else
            board->positions[kept++] = *p;
    }
    board->position_count = kept;
    return true;
}

// --- names ---

bool board_lane_trades(const struct board *board, uint32_t lane)
{
    for (uint32_t i = 0; i < board->shape.order_sessions; i++)
        if (board->sessions[i].lane == lane)
            return true;
    return false;
}

int board_account(const struct board *board, const char *name)
{
    for (uint32_t i = 0; i < board->shape.accounts; i++)
        if (strcmp(board->accounts[i].name, name) == 0)
            return (int)i;
    return -1;
}

int board_symbol(const struct board *board, const char *name)
{
    for (uint32_t i = 0; i < board->shape.instruments; i++)
        if (strcmp(board->instruments[i].symbol, name) == 0)
            return (int)i;
    return -1;
}

int board_session(const struct board *board, const char *name)
{
    for (uint32_t i = 0; i < board->shape.order_sessions; i++)
        if (strcmp(board->sessions[i].name, name) == 0)
            return (int)i;
    return -1;
}

int board_strategy(const struct board *board, const char *name)
{
    for (uint32_t i = 0; i < board->shape.strategies; i++)
        if (strcmp(board->strategies[i].name, name) == 0)
            return (int)i;
    return -1;
}

int board_signal(const struct board *board, const char *name)
{
    for (uint32_t i = 0; i < board->shape.signals; i++)
        if (strcmp(board->signals[i].name, name) == 0)
            return (int)i;
    return -1;
}

int board_session_at(const struct board *board, uint32_t lane, uint32_t index)
{
    for (uint32_t i = 0; i < board->shape.order_sessions; i++)
        if (board->sessions[i].lane == lane && board->sessions[i].index == index)
            return (int)i;
    return -1;
}

int board_strategy_at(const struct board *board, uint32_t lane, uint32_t index)
{
    for (uint32_t i = 0; i < board->shape.strategies; i++)
        if (board->strategies[i].lane == lane && board->strategies[i].index == index)
            return (int)i;
    return -1;
}

const char *board_name(const struct board *board, uint32_t lane, enum trade_scope scope,
                       uint32_t index)
{
    int row;
    switch (scope) {
    case TRADE_ACCOUNT: return index < board->shape.accounts ? board->accounts[index].name : "";
    case TRADE_SYMBOL:
        return index < board->shape.instruments ? board->instruments[index].symbol : "";
    case TRADE_SESSION:
        row = board_session_at(board, lane, index);
        return row < 0 ? "" : board->sessions[row].name;
    case TRADE_STRATEGY:
        row = board_strategy_at(board, lane, index);
        return row < 0 ? "" : board->strategies[row].name;
    default: return "";
    }
}

// --- scopes ---

static void target_all_lanes(const struct board *board, uint32_t index, struct board_target *target)
{
    for (uint32_t lane = 0; lane < board->shape.lanes; lane++) {
        target->index[lane] = index;
        if (board_lane_trades(board, lane))
            target->lanes |= 1ull << lane;
    }
}

static void target_lane(uint32_t lane, uint32_t index, struct board_target *target)
{
    target->index[lane] = index;
    target->lanes = 1ull << lane;
}

static bool scope_is(const char *scope, size_t len, const char *word)
{
    return strncmp(scope, word, len) == 0 && word[len] == 0;
}

enum board_found board_find(const struct board *board, const char *scope, const char *name,
                            struct board_target *target)
{
    int row = 0;
    memset(target, 0, sizeof *target);
    const char *colon = scope && name == NULL ? strchr(scope, ':') : NULL;
    const size_t len = colon ? (size_t)(colon - scope) : scope ? strlen(scope) : 0;
    name = colon ? colon + 1 : name;
    if (name)
        snprintf(target->name, sizeof target->name, "%s", name);
    if (scope == NULL || scope_is(scope, len, "global") || scope_is(scope, len, "firm")) {
        target->scope = TRADE_FIRM;
        target_all_lanes(board, 0, target);
        return name ? BOARD_NO_NAME : BOARD_FOUND;
    }
    for (uint32_t s = TRADE_ACCOUNT; s < TRADE_SCOPES; s++)
        if (scope_is(scope, len, scope_name(s)))
            target->scope = (enum trade_scope)s;
    if (target->scope == TRADE_FIRM)
        return BOARD_NO_SCOPE;
    if (name == NULL || *name == 0)
        return BOARD_NO_NAME;
    if (strlen(name) >= sizeof target->name)
        return BOARD_UNKNOWN;
    switch (target->scope) {
    case TRADE_ACCOUNT: row = board_account(board, name); break;
    case TRADE_SYMBOL: row = board_symbol(board, name); break;
    case TRADE_SESSION: row = board_session(board, name); break;
    default: row = board_strategy(board, name); break;
    }
    if (row < 0)
        return BOARD_UNKNOWN;
    if (target->scope == TRADE_SESSION)
        target_lane(board->sessions[row].lane, board->sessions[row].index, target);
    else if (target->scope == TRADE_STRATEGY)
        target_lane(board->strategies[row].lane, board->strategies[row].index, target);
    else
        target_all_lanes(board, (uint32_t)row, target);
    return BOARD_FOUND;
}

bool board_killed(const struct board *board, uint32_t lane, enum trade_scope scope, uint32_t index)
{
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++) {
        struct kill_words *k = (struct kill_words *)(uintptr_t)&board->kills[lane][asker];
        if (kill_bit(kill_scope(k, scope), index))
            return true;
    }
    return false;
}

bool board_in_force(const struct board *board, const struct board_target *target, uint32_t lane)
{
    struct trade_board *b = (struct trade_board *)(uintptr_t)&board->boards[lane];
    return board_killed(board, lane, target->scope, target->index[lane]) ||
           board_states(b, target->scope)[target->index[lane]] != TRADING_ACTIVE;
}

// --- kills ---

struct kill_pass {
    enum kill_asker asker;
    const struct board_target *target;
    uint64_t rung[LANES_MAX];
    uint64_t sequence[LANES_MAX];
    uint64_t seen;
};

static void do_set(const struct region_view *view, void *context)
{
    struct kill_pass *p = context;
    for (uint32_t lane = 0; lane < view->shape.lanes; lane++) {
        struct kill_words *k = region_kill_words(view, (uint64_t)lane * KILL_ASKERS + p->asker);
        if (!(p->target->lanes >> lane & 1))
            continue;
        kill_ask(k, p->target->scope, p->target->index[lane]);
        p->rung[lane] = atomic_load_explicit(&k->rung, memory_order_relaxed);
    }
}

static void do_seen(const struct region_view *view, void *context)
{
    struct kill_pass *p = context;
    for (uint32_t lane = 0; lane < view->shape.lanes; lane++) {
        const struct trade_board *b = region_trade_board(view, lane);
        const uint64_t rung = atomic_load_explicit(&b->kill_rung[p->asker], memory_order_acquire);
        if (!(p->target->lanes >> lane & 1) || (int64_t)(rung - p->rung[lane]) < 0)
            continue;
        p->seen |= 1ull << lane;
        p->sequence[lane] = atomic_load_explicit(&b->kill_sequence[p->asker], memory_order_relaxed);
    }
}

bool kill_set(struct region_reader *reader, enum kill_asker asker,
              const struct board_target *target, uint64_t rung[LANES_MAX])
{
    struct kill_pass pass = {.asker = asker, .target = target};
    const bool set = region_pass(reader, do_set, &pass);
    memcpy(rung, pass.rung, sizeof pass.rung);
    return set;
}

bool kill_seen(struct region_reader *reader, enum kill_asker asker,
               const struct board_target *target, const uint64_t rung[LANES_MAX], uint64_t *lanes,
               uint64_t sequence[LANES_MAX])
{
    struct kill_pass pass = {.asker = asker, .target = target};
    memcpy(pass.rung, rung, sizeof pass.rung);
    const bool done = region_pass(reader, do_seen, &pass);
    *lanes = pass.seen;
    memcpy(sequence, pass.sequence, sizeof pass.sequence);
    return done;
}
