// The table of limits: one row for the firm and one per account, strategy, symbol and session.
// Built by the slow side; what changes it changes it between two packets and gives it another
// version; every decision names the version it was made by.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/limit_control.h"
#include "dataplane/abi/limits.h"
#include "dataplane/abi/quality.h"
#include "dataplane/abi/trade.h"
#include "dataplane/base/hints.h"
#include "dataplane/feed/luld.h"

// Bands are in hundredths of a percent (basis points); this one is as wide as it gets.
#define LIMIT_BAND_OPEN UINT32_MAX
// The same of those that have 16 bits.
#define LIMIT_BAND16_OPEN UINT16_MAX

// Second line of the rows of firm, accounts, strategies and sessions. Money is price4 x shares.
struct limit_owner {
    uint64_t gross;            // firm, accounts: value of all positions and of all that is open
    uint64_t day_value;        // executed today, and open
    uint64_t credit;           // firm, accounts: paid for executions, and open buys
    uint64_t loss;             // firm, accounts: realised and marked, since the start of the day
    uint64_t drawdown;         // the same since the day's best
    uint32_t day_orders;       // enters, replaces and modifies of the day
    uint32_t repeats;          // strategies: approved orders until a person resumes it
    uint32_t ratio_step;       // RATIO_UNIT ticks: of its time one of RATIO_STEPS
    uint32_t duplicate_window; // accounts: DUPLICATE_UNIT ticks; of <duplicates>
    uint16_t ratio;            // orders for each execution within its time, and as many more
    uint16_t duplicates;       // accounts: orders of the same side, price and quantity in a symbol
    uint16_t instruments;      // strategies: symbols of the day
    uint8_t self_trade;        // firm, accounts: enum self_trade
    uint8_t market;            // accounts: enum market_policy
};

// Times are rounded up to these; an hour fits in 32 bits of them at any rate of the clock, a second
// in those of rates.
enum { RATIO_UNIT = 1 << 10, RATIO_STEPS = 8, DUPLICATE_SHIFT = 13, DUPLICATE_UNIT = 1 << 13 };
enum { RATE_UNIT = 2 };

enum market_policy { MARKET_REFUSED, MARKET_CONVERTED };

// Second line of the rows of symbols.
struct limit_symbol {
    uint64_t tick_magic; // multiple_magic
    uint64_t lot_magic;
    uint32_t tick; // price4, from one dollar on
    uint32_t lot;
    uint32_t volume;      // shares of one order: a part of the average daily volume
    uint32_t touch;       // band around the best price of either side ...
    uint32_t touch_least; // ... or so far away, price4: what is more
    uint32_t last;        // the same around the last trade
    uint32_t last_least;
    uint32_t previous_close; // stands for the last trade before there is one; 0: not known
    uint32_t locates;        // shares that may be short at worst, all accounts together
    uint32_t band_low;       // limit_band_set; the other edge is in the first line
    uint16_t spread;         // 16 bits: band around the middle of best bid and best ask
    uint16_t period;         // 16 bits: band around the reference of the period ...
    uint16_t period_least;   // ... or so far away, price4
    uint8_t phases;          // bits of enum trading_phase: those in which orders enter
    uint8_t restricted : 3;  // enum restriction
    bool short_marking : 1;  // a sale marked long has to be covered by the account's position
    bool rule_201 : 1;       // no short sale while the feed says that Rule 201 is in force
    bool no_reference : 1;   // enum no_reference
    bool band_needed : 1;    // without a price band no_reference says what happens
    bool band_estimate : 1;  // the feed's estimate holds while no band is known
};

// What becomes of cancels that are ahead of their rate; no order follows them either way.
enum cancel_rate { CANCELS_UNCOUNTED, CANCELS_PASS, CANCELS_WAIT };

enum no_reference { NO_REFERENCE_REFUSES, NO_REFERENCE_PASSES };

// Everything is a maximum that may be reached. A row that does not limit something has its type's
// largest value there (limit_row_open); all zero refuses everything.
struct limit_row {
    CACHE_ALIGN uint32_t quantity; // shares of one order
    uint32_t open_orders;
    uint64_t notional;      // price4 x shares, of one order
    uint64_t open_notional; // of all that is open
    uint64_t position;      // shares, either way. Firm and session rows do not limit it
    uint32_t price_low;     // symbol rows: static collar, price4
    uint32_t price_high;
    uint32_t rate_ticks;  // session and symbol rows: RATE_UNIT ticks from a message to the next
    uint32_t burst;       // how many messages may be ahead of that
    uint8_t state;        // enum trading_state
    uint8_t quality;      // symbol rows: the worst enum quality that is traded on
    uint16_t forbids;     // bits of enum order_permission
    uint8_t cancel_rate;  // session rows: enum cancel_rate; <price_low>, <price_high>: its two
    uint8_t of_broker[3]; // bits of enum limit_control: this limit is the broker's
    uint32_t auction_quantity; // shares of one order for an auction, instead of <quantity>
    union {
        uint32_t band_high; // symbol rows: limit_band_set
        uint32_t venues;    // strategy rows: bits of the sessions that its orders may go to
    };
    union {
        CACHE_ALIGN struct limit_owner owner;
        struct limit_symbol symbol;
    };
};
_Static_assert(sizeof(struct limit_row) == 2 * CACHE_LINE, "two lines per row");

// Ticks between two messages in the long run, and how far ahead of that a burst of them may be.
static inline uint64_t limit_apart(const struct limit_row *row)
{
    return (uint64_t)row->rate_ticks * RATE_UNIT;
}
static inline uint64_t limit_burst(const struct limit_row *row)
{
    return limit_apart(row) * row->burst;
}
// The same of cancels.
static inline uint64_t limit_cancels_apart(const struct limit_row *row)
{
    return (uint64_t)row->price_low * RATE_UNIT;
}
static inline uint64_t limit_cancels_burst(const struct limit_row *row)
{
    return limit_cancels_apart(row) * row->price_high;
}

// Whose limit it is that stands in the row: the lower of the two.
static inline enum limit_owned limit_row_owner(const struct limit_row *row, unsigned control)
{
    return control / 8 < sizeof row->of_broker && row->of_broker[control / 8] >> control % 8 & 1
               ? LIMIT_OF_BROKER
               : LIMIT_OF_FIRM;
}

static inline void limit_row_owners(struct limit_row *row, uint32_t of_broker)
{
    for (uint32_t i = 0; i < sizeof row->of_broker; i++)
        row->of_broker[i] = (uint8_t)(of_broker >> i * 8);
}
_Static_assert(LIMIT_LIMITS_auction_quantity < 24, "limit_row.of_broker");

// The largest of what a table may allow: sums of open notional stay within 64 bits (INT64_MAX, and
// one order more).
#define LIMIT_NOTIONAL_MAX ((uint64_t)INT64_MAX / 2)
#define LIMIT_POSITION_MAX ((uint64_t)1 << 40)

struct limit_table {
    uint32_t version;
    uint32_t symbol_count;
    uint64_t hash;          // of what follows as it was made; states change later
    uint8_t market;         // enum trading_phase by the calendar, where a feed does not say it
    struct luld_hours luld; // of the day, by the calendar
    uint64_t period_ticks;  // for how long a symbol's price of reference stands
    uint8_t actions[64];    // by REFUSAL_BIT: enum control_action of each check
    struct limit_row firm;
    struct limit_row accounts[ACCOUNTS_MAX];
    struct limit_row strategies[STRATEGIES_MAX];
    struct limit_row sessions[SESSIONS_MAX];
    struct limit_row symbols[]; // INSTRUMENTS_MAX at most
};

// Whether n is a multiple of d, by one multiplication (Lemire, Kaser and Kurz: Faster remainder by
// direct computation, 2019): exact for all 32-bit n and d, d not 0.
static inline uint64_t multiple_magic(uint32_t d)
{
    return UINT64_MAX / d + 1;
}

static inline bool multiple_of(uint32_t n, uint64_t magic)
{
    return n * magic <= magic - 1;
}

static inline struct limit_row *limit_row_of(struct limit_table *t, enum trade_scope scope,
                                             uint32_t index)
{
    switch (scope) {
    case TRADE_ACCOUNT: return &t->accounts[index];
    case TRADE_STRATEGY: return &t->strategies[index];
    case TRADE_SYMBOL: return &t->symbols[index];
    case TRADE_SESSION: return &t->sessions[index];
    default: return &t->firm;
    }
}

// A symbol's price band, of which the static collar leaves what lies within both: so whoever passes
// the collar has passed the band. <low> above <high>: no price.
void limit_band_set(struct limit_row *row, uint32_t low, uint32_t high);
// Limits nothing; the collar is wide open, only good books are traded on. Of firm, accounts,
// strategies and sessions.
void limit_row_open(struct limit_row *row);
// The same of a symbol.
void limit_symbol_open(struct limit_row *row);
