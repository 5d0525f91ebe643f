// What is added up on the way: trading and latency by minute, positions. Memory only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/store/rows.h"
#include "controlplane/store/table.h"
#include "controlplane/store/text.h"

// Columns of tickgate.sums_minute behind its key.
enum sum {
    SUM_DECISIONS,
    SUM_REFUSED,
    SUM_MESSAGES,
    SUM_EXECUTIONS,
    SUM_SHARES,
    SUM_VALUE,
    SUM_CLOSES,
    SUM_WINS,
    SUM_REALISED,
    SUMS
};

// An account's position in an instrument, at average cost. Rounding: the cost that closed shares
// take along is rounded down.
struct holding {
    int64_t position;
    int64_t cost; // of the open position, never negative
    int64_t bought, bought_value;
    int64_t sold, sold_value;
    int64_t realised;
    int64_t last_price;
    uint64_t moved_ns;
    bool moved; // since the last sums_close
};

// Trades <shares> at <price>. True: a position was closed, at least in part; *gain is what that
// brought.
bool holding_trade(struct holding *h, bool sells, uint64_t shares, uint64_t price, int64_t *gain);

struct sums {
    struct key_table minutes;   // int64_t[SUMS]
    struct key_table latencies; // int64_t
    struct key_table holdings;  // struct holding, of one instance
};

void sums_init(struct sums *s);
void sums_free(struct sums *s);
// Adds a decision, or what an exchange said. An execution's position and gain go into <w> first.
void sums_decision(struct sums *s, const struct row_writer *w, const struct event *e);
void sums_sent(struct sums *s, const struct row_writer *w, const struct event *e);
void sums_order(struct sums *s, struct row_writer *w, const struct event *e);
// Another start holds what the one before held: it is written again, as of that start.
void sums_carry(struct sums *s);
// The position that stands in the database.
struct holding *sums_holding(struct sums *s, uint32_t account, uint32_t instrument);

// What is to be added to the database, as the calls of tickgate.sums_add and so on; the sums begin
// anew, positions stay.
void sums_close(struct sums *s, const struct row_writer *w, struct sql_text *out);

// Upper edges of the buckets of latency; the last has none (INT64_MAX).
extern const int64_t latency_edges[];
extern const uint32_t latency_edge_count;
