// What the exchange's own log says and what the lane's events say, as rows of one kind, so that
// equality is a comparison of two sorted lists.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bench/exchange/trade/bourse.h"
#include "dataplane/abi/events.h"
#include "dataplane/wire/ouch.h"

enum ledger_kind {
    LEDGER_ENTER,
    LEDGER_REPLACE,
    LEDGER_MODIFY,
    LEDGER_CANCEL,
    LEDGER_FILL,
    LEDGER_BREAK
};

struct ledger_row {
    uint64_t match;
    uint32_t kind, venue;
    uint32_t ref; // of a fill or break: the first of the chain
    uint32_t quantity, price, instrument;
    uint32_t sells;
    uint32_t unused;
};

struct ledger_rows {
    struct ledger_row *rows;
    uint32_t count, room;
};

enum {
    LEDGER_VENUES = 2,
    LEDGER_REFS = 8192,
    LEDGER_INSTRUMENTS = 8,
    LEDGER_PENDING = 8192, // more than there are events while an order waits for the journal
    LEDGER_ACCOUNTS = 4
};

struct ledger_money {
    int64_t shares, value; // value: price4 x shares, what came in
    int64_t cost;          // of what is held, at average cost
};

struct trade_ledger {
    const char (*symbols)[8];
    uint32_t symbol_count;
    struct ouch_prefix prefix; // of the tokens of 4.2
    struct ledger_rows theirs, ours;
    uint32_t replaced[LEDGER_VENUES][LEDGER_REFS]; // the exchange: number that this one replaced
    struct ledger_row decided[LEDGER_PENDING];     // approved, not said to be sent yet
    uint64_t decided_number[LEDGER_PENDING];
    struct ledger_money account[LEDGER_ACCOUNTS][LEDGER_INSTRUMENTS]; // from our events
    uint64_t log_hash;
};

void ledger_free(struct trade_ledger *l);
// The number that we gave an order, of what an exchange calls it.
uint32_t ledger_number(const struct trade_ledger *l, enum ouch_version version, uint32_t ref,
                       const char *token);
// A record of the log of venue <venue>, which speaks <version>.
void ledger_record(struct trade_ledger *l, uint32_t venue, enum ouch_version version,
                   const struct bourse_record *r);
void ledger_event(struct trade_ledger *l, const struct event *e);
// A line about it on stderr.
void ledger_show(const struct event *e);

// Everything that traded and was broken, and under which order: the same on both sides. False with
// a line of text.
bool ledger_trades_equal(struct trade_ledger *l, char *why, uint32_t why_len);
// Everything that the exchange read was decided, exactly as it stands there, and <all>: the other
// way round too.
bool ledger_requests_equal(struct trade_ledger *l, bool all, char *why, uint32_t why_len);
// What the exchange's log adds up to.
struct ledger_money ledger_exchange(const struct trade_ledger *l, uint32_t instrument);
