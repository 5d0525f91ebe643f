// What the control plane sees of trading: who trades, what is in force, positions. Orders come as
// events; counts come as counters (scopes DESK, SESSION, STRATEGY, ACCOUNT).
//
// Accounts and symbols have the same index on every lane. Sessions and strategies belong to one
// lane: events, kill words and commands of that lane name them by <index>, their place at its desk.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/abi/cell.h"
#include "dataplane/abi/limits.h"
#include "dataplane/abi/trade.h"

// --- descriptors: written once, before region_publish ---

struct account_info {
    char name[NAME_LEN];
};

struct instrument_info {
    char symbol[12]; // without trailing blanks, zero-terminated
    uint32_t unused;
};

struct order_session_info {
    char name[NAME_LEN];
    char protocol[16]; // ouch50, ouch42
    uint32_t server;   // IPv4 address, host byte order
    uint16_t server_port;
    uint8_t lane;
    uint8_t index;   // at the desk of its lane
    uint8_t channel; // the venue's market data, 255: none
    uint8_t unused[7];
};

struct strategy_info {
    char name[NAME_LEN];
    char kind[NAME_LEN]; // name that the plug-in gives itself
    uint64_t budget_ns;  // of a call
    uint16_t account;
    uint8_t lane;
    uint8_t index; // at the desk of its lane
    uint32_t symbol_count;
    uint16_t symbols[64];                           // instruments
    char parameters[PARAMETERS_MAX][PARAMETER_LEN]; // names, empty: by number
};

// A client of the gateway. It trades under a number of strategies: a row of theirs has it too.
struct client_info {
    char name[NAME_LEN];
    uint32_t user;    // whose processes may attach
    uint32_t account; // index
    uint32_t open_orders;
    uint32_t rate_per_s;
    uint32_t burst;
    uint32_t heartbeat_ms;   // 0: only its socket says that it lives
    uint32_t requests_slots; // of its rings
    uint32_t answers_slots;
    uint8_t lane;
    uint8_t strategy; // number in the scopes of its lane
    uint8_t unused[6];
};

// --- what is in force on a lane ---

// Single words of one writer, the lane, stored relaxed but where it is said. States are enum
// trading_state.
struct trade_board {
    // Of an asker: how often it has rung when the lane last looked, and the KILL event that said
    // so. Rung with release, after sequence.
    _Alignas(CACHE_LINE_LEN) _Atomic uint64_t kill_rung[KILL_ASKERS];
    _Atomic uint64_t kill_sequence[KILL_ASKERS];
    _Atomic uint64_t limits_version;
    _Atomic uint64_t limits_hash; // of that table as it was made, without trading states
    _Atomic uint8_t firm;
    _Atomic uint8_t sessions[SESSIONS_MAX];
    _Atomic uint8_t strategies[STRATEGIES_MAX];
    _Atomic uint8_t accounts[ACCOUNTS_MAX];
    _Atomic uint8_t symbols[INSTRUMENTS_MAX];
    _Atomic uint8_t record; // enum record_state that the lane has seen
    _Atomic uint8_t clock;  // enum clock_state that the lane has seen
    uint8_t unused[29];
    // Bits of symbols: no order enters, because an execution in it is not claimed.
    _Atomic uint64_t quarantined[INSTRUMENTS_MAX / 64];
};
_Static_assert(sizeof(struct trade_board) % CACHE_LINE_LEN == 0, "trade_board");

// The states of a scope; TRADE_FIRM has one.
static inline _Atomic uint8_t *board_states(struct trade_board *b, enum trade_scope scope)
{
    switch (scope) {
    case TRADE_ACCOUNT: return b->accounts;
    case TRADE_STRATEGY: return b->strategies;
    case TRADE_SYMBOL: return b->symbols;
    case TRADE_SESSION: return b->sessions;
    default: return &b->firm;
    }
}

// The lane has seen what <asker> asked for, <sequence>: its KILL event, 0 where that found no room.
static inline void board_kill(struct trade_board *b, uint32_t asker, uint64_t rung,
                              uint64_t sequence)
{
    atomic_store_explicit(&b->kill_sequence[asker], sequence, memory_order_relaxed);
    atomic_store_explicit(&b->kill_rung[asker], rung, memory_order_release);
}

// --- positions ---

// One account in one symbol, a sequence cell as symbol_top. What it holds is bought less sold.
// Money: sold_value - bought_value + cost is realised, shares x mark - cost is not yet.
struct position_cell {
    _Alignas(CACHE_LINE_LEN) _Atomic uint32_t version; // odd while being written
    uint32_t key;      // account << 16 | instrument, + 1; 0: the place was never used
    uint64_t open_buy; // shares that may still be bought, at worst
    uint64_t open_sell;
    uint64_t bought; // shares, since the start
    uint64_t sold;
    uint64_t bought_value; // price4 x shares
    uint64_t sold_value;
    int64_t cost; // average price of what is held, times shares: below 0 when they are short
};
_Static_assert(sizeof(struct position_cell) == CACHE_LINE_LEN, "one line per position");

static inline void position_cell_begin(struct position_cell *cell)
{
    uint32_t version = atomic_load_explicit(&cell->version, memory_order_relaxed);
    atomic_store_explicit(&cell->version, version + 1, memory_order_relaxed);
    CELL_ORDER(); // the odd version is visible before the fields change
}

static inline void position_cell_end(struct position_cell *cell)
{
    uint32_t version = atomic_load_explicit(&cell->version, memory_order_relaxed);
    atomic_store_explicit(&cell->version, version + 1, memory_order_release);
}

// Below 0: short. Numbers of another process may wrap, that is all.
static inline int64_t position_cell_shares(const struct position_cell *cell)
{
    return (int64_t)(cell->bought - cell->sold);
}

// A consistent copy of the fields; false when the writer was in the way each time.
static inline bool position_cell_read(const struct position_cell *cell, struct position_cell *out)
{
    enum { POSITION_TRIES = 64 };
    for (int i = 0; i < POSITION_TRIES; i++) {
        uint32_t before = atomic_load_explicit(&cell->version, memory_order_acquire);
        memcpy((char *)out + sizeof before, (const char *)cell + sizeof before,
               sizeof *cell - sizeof before);
        CELL_ORDER();
        if (!(before & 1) && atomic_load_explicit(&cell->version, memory_order_relaxed) == before)
            return true;
    }
    return false;
}

// --- strategies ---

// Each word is loaded whole.
struct strategy_values {
    _Alignas(CACHE_LINE_LEN) uint64_t count;
    int64_t value[PARAMETERS_MAX];
    uint64_t unused[7];
};

// --- refusals ---

#define REFUSAL_NUMBERS 96
_Static_assert((int)REFUSALS <= REFUSAL_NUMBERS, "a counter for every refusal");

struct refusal_counters {
    _Alignas(CACHE_LINE_LEN) uint64_t count[REFUSAL_NUMBERS]; // by enum refusal
};
