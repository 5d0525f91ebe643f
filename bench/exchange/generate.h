// A full-market ITCH 5.0 day made from a seed: the same configuration gives the same bytes
// everywhere.
//
// The day: start of messages; stock directory (R) with trading status (H) and Reg SHO (Y)
// interleaved; participants (L) and circuit-breaker levels (V); an opening book of adds; opening
// crosses; the mix of a whole real day (Nasdaq, 30 January 2019: A 44.2 %, D 43.0 %, U 7.4 %, E 2.2
// %, X 1.3 %, I 1.0 %, F 0.5 %, P 0.4 %, C 0.04 %, with halts, auction collars, broken trades and
// an IPO in between); closing crosses; end of messages. The book is never locked or crossed,
// executions take the best price in time priority, and every reference points to a live order.
//
// A library: no threads, no files, no DPDK. One instance belongs to one thread; memory is sized at
// init (about 90 MiB for 8,000 symbols and 1.6 million live orders) and does not grow.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bench/exchange/market.h"
#include "bench/exchange/random.h"
#include "bench/exchange/universe.h"

enum {
    GENERATOR_MESSAGE_MAX = 50, // bytes of the longest message
    // Of 100 victims of a delete, cancel or replace, so many are among the MARKET_RECENT newest
    // orders of the symbol; the others are drawn uniformly from all its live orders. In the real
    // sample of AAPL half of the deleted orders had seen fewer than 20 messages of the symbol go
    // by.
    GENERATOR_RECENT_PERCENT = 50,
};

struct generator_config {
    uint64_t seed;
    uint32_t symbols;        // 1 .. 65,535
    uint32_t live_max;       // target of live orders during the day
    uint32_t opening_orders; // orders of the opening book, at most live_max; 0: live_max, but not
                             // more than half of the messages that the rest of the day leaves
    uint64_t messages;       // of the whole day, everything included
};

enum generator_phase {
    PHASE_START,
    PHASE_DIRECTORY,
    PHASE_PARTICIPANTS,
    PHASE_LEVELS,
    PHASE_IPO,
    PHASE_SYSTEM_HOURS,
    PHASE_OPENING_BOOK,
    PHASE_MARKET_HOURS,
    PHASE_OPENING_CROSS,
    PHASE_MIX,
    PHASE_MARKET_END,
    PHASE_CLOSING_CROSS,
    PHASE_SYSTEM_END,
    PHASE_MESSAGES_END,
    PHASE_OVER,
};

// A symbol on its way through a halt; each step is one message.
struct generator_halt {
    uint32_t symbol;
    uint8_t step;
    uint64_t at; // message number of the next step
};

// What one message of the mix will be about.
struct generator_turn {
    uint64_t pick; // a random number for whatever the message needs
    uint32_t symbol;
    uint32_t kind;
    uint16_t place, level; // guesses to fetch ahead
};

enum { GENERATOR_HALTS = 8, GENERATOR_AHEAD = 16 };

struct generator {
    struct generator_config config; // opening_orders as decided
    uint64_t emitted;               // messages so far
    uint64_t clock_ns;              // since midnight, of the last message
    uint32_t
        live_target; // live orders held during the mix: opening_orders, rounded for each symbol
    // Everything below is private.
    struct market market;
    struct random random;
    struct alias *alias; // symbols by orders (opening book), then by activity
    uint32_t *rank;
    uint32_t *weights;
    uint64_t *alias_work;
    enum generator_phase phase;
    uint64_t done;         // messages of this phase
    uint64_t participants; // L messages of the day
    uint64_t gap_ns;       // mean distance of messages in this phase
    uint64_t clock_limit_ns;
    uint32_t directory[3]; // R, H, Y sent
    uint32_t ipo;          // symbol, or config.symbols when the day has none
    bool crossed;       // the current symbol's non-printable execution was sent, its cross follows
    uint64_t engine[4]; // order counters of the matching engines
    uint64_t match;
    uint64_t printed; // match number of a printed execution, for broken trades
    uint32_t churn_below, replace_below, executed_below, cancel_below, imbalance_below,
        trade_below; // of 2^32
    uint32_t attributed_below;
    struct generator_turn ahead[GENERATOR_AHEAD];
    uint32_t ahead_at;
    uint64_t rare_at, rare_interval;
    struct generator_halt halts[GENERATOR_HALTS];
    uint32_t halt_count;
    uint64_t event_at; // the nearest of rare_at and the halts
};

// False with the error filled when a value is out of range or memory is missing. <g> needs no
// preparation.
bool generator_init(struct generator *g, const struct generator_config *config, struct error *err);

// Writes the next message (at most GENERATOR_MESSAGE_MAX bytes) and answers its length; 0 when the
// day is over.
uint32_t generator_next(struct generator *g, uint8_t *message);

// Also after a failed init.
void generator_free(struct generator *g);
