// The risk gate and what it knows: limits, exposure, positions.
//
// One lane owns it; nothing here allocates, waits or divides. Prices are price4, notional is price4
// x shares, positions are shares. Money is kept as what was bought and sold: profit and loss is
// sold - bought + position x mark, exact, and a broken trade takes back what it brought.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/trade.h"
#include "dataplane/base/hints.h"
#include "dataplane/risk/limits.h"

#define POSITION_NONE UINT32_MAX

// One account in one symbol.
struct position {
    CACHE_ALIGN uint32_t key; // account and instrument, 0: free
    uint32_t fills;
    int64_t shares;
    uint64_t open_buy; // shares that may still be bought, at worst
    uint64_t open_sell;
    uint64_t bought; // shares, since the start
    uint64_t sold;
    uint64_t bought_value; // price4 x shares
    uint64_t sold_value;
};
_Static_assert(sizeof(struct position) == CACHE_LINE, "one line per position");

// What is open under a scope.
struct risk_use {
    uint32_t orders;
    uint32_t unused;
    uint64_t notional;
};

// A symbol over all accounts.
struct symbol_use {
    struct risk_use use;
    int64_t shares;
    uint64_t open_buy;
    uint64_t open_sell;
    bool quarantined; // an execution that nobody ordered: no new orders until it is claimed
};

struct risk {
    const struct limit_table *limits; // swapped whole
    struct kill_words *kills;         // KILL_ASKERS of them
    uint64_t event_credit;            // slots of the trading ring; the lane keeps it
    uint64_t event_credit_min;
    struct risk_use firm;
    struct risk_use sessions[SESSIONS_MAX];
    uint64_t rate_at[SESSIONS_MAX]; // when the next message would be on time (virtual scheduling)
    struct risk_use strategies[STRATEGIES_MAX];
    struct risk_use accounts[ACCOUNTS_MAX];
    struct symbol_use *symbols; // per instrument
    struct position *positions; // hash of account and instrument
    uint32_t position_mask;
    uint32_t position_count;
    uint32_t symbol_count;
    uint32_t overflows; // sums that did not fit 64 bits: never, unless an exchange says nonsense
};

// <positions>: power of two, at most half of them are used.
uint64_t risk_bytes(uint32_t symbols, uint32_t positions);
// <memory>: risk_bytes() zeroed bytes, aligned to a cache line. <kills>: KILL_ASKERS words.
void risk_init(struct risk *r, uint32_t symbols, uint32_t positions,
               const struct limit_table *limits, struct kill_words *kills, void *memory);

// The position of an account in a symbol, opened if it is new; POSITION_NONE: the table is full.
uint32_t position_open(struct risk *r, uint32_t account, uint32_t instrument);

static inline uint32_t position_key(uint32_t account, uint32_t instrument)
{
    return (account << 16 | instrument) + 1;
}
_Static_assert(ACCOUNTS_MAX <= 256 && INSTRUMENTS_MAX < 65536, "position_key");

// Where the search for it begins.
static inline uint32_t position_home(const struct risk *r, uint32_t account, uint32_t instrument)
{
    return position_key(account, instrument) * 0x9E3779B1u >> 8 & r->position_mask;
}

// --- exposure ---

// Whom an order burdens.
struct exposure_owner {
    uint32_t position;
    uint16_t account;
    uint16_t strategy;
    uint16_t instrument;
    uint8_t session;
    bool sells;
};

// What an order may still do, at worst. All zero: it is over.
struct exposure {
    uint64_t notional;
    uint32_t shares;
    uint32_t orders; // 1 while it counts as open
};

// The order held <was> and holds <now>.
void exposure_move(struct risk *r, const struct exposure_owner *owner, const struct exposure *was,
                   const struct exposure *now);
// <shares> were executed at <price>; the open part is moved by exposure_move.
void exposure_fill(struct risk *r, const struct exposure_owner *owner, uint32_t shares,
                   uint32_t price);
// The execution is undone.
void exposure_break(struct risk *r, const struct exposure_owner *owner, uint32_t shares,
                    uint32_t price);

// --- the gate ---

struct gate_order {
    struct exposure_owner owner;
    struct exposure held;  // what a replaced or modified order holds; zero for a new one
    struct exposure worst; // what it would hold
    uint64_t now;          // ticks
    uint32_t quantity;     // of the order as sent
    uint32_t price;
    uint8_t quality;   // enum quality of the book
    bool session_up;   // logged in and reconciled
    bool session_free; // the session takes one frame now
};

struct gate_verdict {
    uint64_t value; // what was compared, and with what; 0 where there is nothing to compare
    uint64_t limit;
    uint32_t version; // of the limits
    uint16_t refusal; // enum refusal, REFUSAL_NONE: approved
    uint8_t scope;    // enum trade_scope: whose limit; TRADE_FIRM where nobody's
};

// Approves or refuses; true: approved. The session's message rate is charged either way, everything
// else is as before: the caller reserves with exposure_move.
bool gate(struct risk *r, const struct gate_order *o, struct gate_verdict *v);
