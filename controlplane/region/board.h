// A copy of what the region shows of trading: who trades, what is in force, counts, positions. What
// another process wrote is made safe here: texts end and are printable, indices are within their
// tables.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/region/contact.h"

enum {
    BOARD_SESSIONS_MAX = SESSIONS_MAX * LANES_MAX,
    BOARD_STRATEGIES_MAX = STRATEGIES_MAX * LANES_MAX,
};

// One account in one symbol on all lanes.
struct board_position {
    struct position_cell sum;
    int64_t shares[LANES_MAX]; // of each lane
    uint16_t account;
    uint16_t instrument;
    bool torn; // a lane was in the way each time: not to be shown
};

// Some hundred KiB, by the shape; on the heap.
struct board {
    struct region_shape shape;
    struct account_info accounts[ACCOUNTS_MAX];
    struct instrument_info instruments[INSTRUMENTS_MAX];
    struct order_session_info sessions[BOARD_SESSIONS_MAX];
    struct strategy_info strategies[BOARD_STRATEGIES_MAX];
    struct strategy_values values[BOARD_STRATEGIES_MAX];
    struct client_info clients[CLIENTS_MAX];
    struct signal_info signals[SIGNALS_MAX];
    struct kill_words kills[LANES_MAX][KILL_ASKERS];
    struct trade_board boards[LANES_MAX];
    struct refusal_counters refusals[LANES_MAX];
    struct trade_counters desk_counters[LANES_MAX];
    struct order_session_counters session_counters[BOARD_SESSIONS_MAX];
    struct strategy_counters strategy_counters[BOARD_STRATEGIES_MAX];
    struct account_counters account_counters[ACCOUNTS_MAX];
    struct client_counters client_counters[CLIENTS_MAX];
    struct signal_counters signal_counters[SIGNALS_MAX];
    struct connection_counters connection_counters[BOARD_SESSIONS_MAX];
    struct board_position *positions; // sorted by account, then symbol
    uint32_t position_count;
    uint32_t position_max;
};

// Null: no memory.
struct board *board_new(void);
void board_free(struct board *board);

// Everything but positions. False: the region has vanished.
bool board_take(struct board *board, struct contact *contact);
// Positions, added up over the lanes. False: no memory, or the region has vanished.
bool board_take_positions(struct board *board, struct contact *contact);

// The configuration has order sessions.
static inline bool board_trades(const struct board *board)
{
    return board->shape.order_sessions > 0;
}
bool board_lane_trades(const struct board *board, uint32_t lane);

// --- names and what they stand for: -1, none

int board_account(const struct board *board, const char *name);
int board_symbol(const struct board *board, const char *name);
int board_session(const struct board *board, const char *name);  // row
int board_strategy(const struct board *board, const char *name); // row
int board_signal(const struct board *board, const char *name);   // source of signals
// Rows of what a lane's desk calls <index>.
int board_session_at(const struct board *board, uint32_t lane, uint32_t index);
int board_strategy_at(const struct board *board, uint32_t lane, uint32_t index);
// Name of what a lane calls <index> in a scope; "" where it has none.
const char *board_name(const struct board *board, uint32_t lane, enum trade_scope scope,
                       uint32_t index);

// --- scopes

// What an order of a person means on each lane.
struct board_target {
    enum trade_scope scope;
    uint64_t lanes; // bit of a lane that it concerns
    uint32_t index[LANES_MAX];
    char name[NAME_LEN]; // "" for all
};

#define BOARD_SCOPES "firm, account:NAME, strategy:NAME, session:NAME and symbol:NAME"

enum board_found {
    BOARD_FOUND,
    BOARD_NO_SCOPE, // not firm, account, strategy, symbol, session
    BOARD_NO_NAME,  // a name is missing, or too much
    BOARD_UNKNOWN,  // nothing has this name
};

// <scope>: null, "firm" or "global" for all, else account, strategy, symbol or session with <name>,
// or "account:NAME" without it. Whatever is answered, target->name is the name that was meant.
enum board_found board_find(const struct board *board, const char *scope, const char *name,
                            struct board_target *target);

// A worse state than active, or a kill, in the target's own scope on <lane>.
bool board_in_force(const struct board *board, const struct board_target *target, uint32_t lane);
bool board_killed(const struct board *board, uint32_t lane, enum trade_scope scope, uint32_t index);

// --- kills, past the command slots

// Sets the words of <asker>, which only sets, on every lane of the target, and rings. <rung>: what
// kill_seen waits for. False: the region has vanished.
bool kill_set(struct region_reader *reader, enum kill_asker asker,
              const struct board_target *target, uint64_t rung[LANES_MAX]);
// Bits of the lanes that have seen <rung>, and the numbers of their KILL events.
bool kill_seen(struct region_reader *reader, enum kill_asker asker,
               const struct board_target *target, const uint64_t rung[LANES_MAX], uint64_t *lanes,
               uint64_t sequence[LANES_MAX]);
