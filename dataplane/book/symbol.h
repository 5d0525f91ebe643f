// What the feed says about an instrument: directory, trading state, auctions, prints.
//
// The hot line (struct book_symbol) is touched by every message; everything else stands in struct
// symbol_info.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/quality.h"
#include "dataplane/base/hints.h"

#define SYMBOL_NONE UINT16_MAX

// One side of one symbol: its price levels in a span, sorted so that the best is last.
struct symbol_side {
    uint32_t span;      // first unit, SPAN_NONE while the side never had a level
    uint16_t count;     // levels
    uint8_t size_class; // of the span
    uint8_t unused;
    uint32_t top; // level of the best price, LEVEL_NONE while there is none
};

enum symbol_flag {
    SYMBOL_SUSPECT = 1u << 0, // unknown reference or refused order: until a snapshot
    SYMBOL_OP_HALT = 1u << 1, // operational halt on this market
    SYMBOL_SHORT_RESTRICTED = 1u << 2,
    SYMBOL_KNOWN = 1u << 3,      // announced by the directory
    SYMBOL_TRANSITION = 1u << 4, // best changed within an event that is not complete (DEEP)
};

struct book_symbol {
    CACHE_ALIGN struct symbol_side side[2];
    uint64_t volume;     // printable shares: E, C with Printable Y, P, Q, less B
    uint32_t last_price; // of the last printable trade
    uint32_t last_shares;
    uint16_t locate;
    uint8_t trading_state; // ITCH H: 'T' trading, 'H' halted, 'P' paused, 'Q' quotation only; 0 not
                           // said yet
    uint8_t flags;         // enum symbol_flag
    uint8_t quality;       // enum quality, as last reported
    uint8_t unused[3];
    uint64_t changes; // best-price changes: activity
};
_Static_assert(sizeof(struct book_symbol) == CACHE_LINE, "one line per symbol");

// Auction imbalance (ITCH I, IEX A).
struct symbol_imbalance {
    uint64_t paired_shares;
    uint64_t imbalance_shares;
    uint32_t far_price;
    uint32_t near_price;
    uint32_t reference_price;
    char direction;
    char cross_type;
    char variation;
};

struct symbol_info {
    char name[9]; // without trailing blanks
    char market_category;
    char financial_status;
    char round_lots_only;
    char classification;
    char sub_type[2];
    char authenticity; // 'P' production, 'T' test issue
    char short_threshold;
    char ipo_flag;
    char luld_tier;
    char etp_flag;
    char inverse;
    char reg_sho; // '0', '1', '2'; 0 not said yet
    char halt_reason[4];
    char retail_interest; // RPII / retail liquidity indicator
    uint32_t round_lot;
    uint32_t etp_leverage;
    uint32_t collar_reference; // LULD auction collar (reopening after a pause), not the LULD band
    uint32_t collar_upper;
    uint32_t collar_lower;
    uint32_t collar_extension;
    uint32_t ipo_time_s; // seconds since midnight, 0 cancelled
    uint32_t ipo_price;
    char ipo_qualifier;
    char dlcr_eligible; // direct listing with capital raise
    char last_cross_type;
    uint32_t dlcr_min, dlcr_max, dlcr_near, dlcr_lower, dlcr_upper;
    uint64_t dlcr_near_time;
    uint32_t cross_price;
    uint64_t cross_shares;
    uint32_t market_makers; // active market participant positions (ITCH L), counted
    uint32_t official_open, official_close;
    struct symbol_imbalance imbalance;
};
