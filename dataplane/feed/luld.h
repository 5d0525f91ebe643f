// Price bands of the Limit Up-Limit Down Plan, worked out by its formula from the trades of one
// feed: an estimate of what the processors of the consolidated tape publish, who see the trades of
// all markets. (Plan to Address Extraordinary Market Volatility, section V and Appendix A, as
// amended by Amendment 18.)
//
// One lane owns it. A trade costs one symbol's three lines and at most LULD_BUCKETS steps.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/hints.h"

enum {
    LULD_BUCKET_S = 30,
    LULD_BUCKETS = 11, // the newest is not complete: five minutes to five and a half
    LULD_WINDOW_S = 300,
    LULD_STAYS_S = 30,       // a reference price stays in force for so long at least
    LULD_WIDE_S = 25 * 60,   // before the close bands are twice as wide
    LULD_TRADES = 1 << 20,   // of a bucket; more do not count
    LULD_OPEN_S = 34200,     // 09:30, where no calendar says otherwise
    LULD_CLOSE_S = 57600,    // 16:00
    LULD_NEVER_S = 24 * 3600 // a day without trading opens and closes then
};

// Seconds of the day in the exchange's zone. <zone_s>: what that zone is ahead of UTC, for feeds
// whose clock counts from 1970.
struct luld_hours {
    uint32_t open_s;
    uint32_t close_s; // 0: LULD_OPEN_S and LULD_CLOSE_S
    int32_t zone_s;
};

struct luld_symbol {
    CACHE_ALIGN uint32_t book; // channel.book_number; of another one nothing here holds
    uint32_t bucket;           // the newest, in LULD_BUCKET_S of the day
    uint32_t since_s;          // from when trades have been counted
    uint32_t reference;        // price4; 0: there is none yet
    uint32_t reference_s;      // in force since
    uint32_t trades;           // of all buckets
    uint64_t value;            // their prices' sum
    uint32_t counts[LULD_BUCKETS];
    bool halted;
    bool quoted; // opened without a trade: the previous close is the first reference price
    uint64_t values[LULD_BUCKETS];
};
_Static_assert(sizeof(struct luld_symbol) == 3 * CACHE_LINE, "three lines per symbol");

struct luld {
    struct luld_symbol *of; // by slot; null: nothing is estimated
    struct luld_hours hours;
    uint32_t book; // channel.book_number, and from when its trades have been heard
    uint32_t since_s;
};

// What decides on the width of a band beside the reference price.
struct luld_terms {
    char tier;               // of the directory: '1', '2', 0 not said; others have no band
    uint32_t leverage;       // of an exchange-traded product, 0 or 1: none
    uint32_t previous_close; // price4; 0: not known, the reference price stands for it
};

enum luld_known {
    LULD_OUT_OF_HOURS, // or no security of the plan: there is no band
    LULD_UNKNOWN,      // halted, no trade yet, or not heard for long enough
    LULD_KNOWN,
};

// Second of the day.
uint32_t luld_second(const struct luld *l, uint64_t time_ns);

// An eligible trade: at least a round lot, one that counts as last sale.
void luld_trade(struct luld *l, uint32_t slot, uint32_t book, uint64_t time_ns, uint32_t price);
// An auction of the listing exchange, of <shares>, 0: nothing traded. <opens>: the opening of the
// day, else the end of a halt.
void luld_auction(struct luld *l, uint32_t slot, uint32_t book, uint64_t time_ns, uint32_t price,
                  uint64_t shares, bool opens);
// The symbol is halted or paused, or trades again.
void luld_halt(struct luld *l, uint32_t slot, uint32_t book, uint64_t time_ns, bool halted);

// The band now. Rounded inwards to price4, so never wider than by the formula.
enum luld_known luld_look(struct luld *l, uint32_t slot, uint32_t book, uint64_t time_ns,
                          const struct luld_terms *terms, uint32_t *low, uint32_t *high);
