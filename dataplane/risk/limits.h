// The table of limits: one row for the firm and one per account, strategy, symbol and session.
// Built by the slow side, immutable from then on, swapped whole between two packets; every decision
// names the version it was made by.
#pragma once

#include <stdint.h>

#include "dataplane/abi/limits.h"
#include "dataplane/abi/quality.h"
#include "dataplane/abi/trade.h"
#include "dataplane/base/hints.h"

// Everything is a maximum that may be reached. A row that does not limit something has its type's
// largest value there (limit_row_open); all zero refuses everything.
struct limit_row {
    CACHE_ALIGN uint32_t quantity; // shares of one order
    uint32_t open_orders;
    uint64_t notional;      // price4 x shares, of one order
    uint64_t open_notional; // of all that is open
    uint64_t position;      // shares, either way. Firm, strategy and session rows do not limit it
    uint32_t price_low;     // symbol rows: static collar, price4
    uint32_t price_high;
    uint32_t rate_ticks;  // session rows: ticks between two messages in the long run
    uint32_t burst_ticks; // how far ahead of that a burst may be
    uint8_t state;        // enum trading_state
    uint8_t quality;      // symbol rows: the worst enum quality that is traded on
    uint8_t unused[6];
};
_Static_assert(sizeof(struct limit_row) == CACHE_LINE, "one line per row");

// The largest of what a table may allow: sums of open notional stay within 64 bits (INT64_MAX, and
// one order more).
#define LIMIT_NOTIONAL_MAX ((uint64_t)INT64_MAX / 2)
#define LIMIT_POSITION_MAX ((uint64_t)1 << 40)

struct limit_table {
    uint32_t version;
    uint32_t symbol_count;
    struct limit_row firm;
    struct limit_row accounts[ACCOUNTS_MAX];
    struct limit_row strategies[STRATEGIES_MAX];
    struct limit_row sessions[SESSIONS_MAX];
    struct limit_row symbols[]; // INSTRUMENTS_MAX at most
};

// Limits nothing; the collar is wide open, only good books are traded on.
static inline void limit_row_open(struct limit_row *row)
{
    *row = (struct limit_row){
        .quantity = UINT32_MAX,
        .open_orders = UINT32_MAX,
        .notional = LIMIT_NOTIONAL_MAX,
        .open_notional = LIMIT_NOTIONAL_MAX,
        .position = LIMIT_POSITION_MAX,
        .price_high = UINT32_MAX,
        .state = TRADING_ACTIVE,
        .quality = QUALITY_GOOD,
    };
}
