// A desk as it was when its events end: the events of the day, in order, through the same order
// table, exposure and positions that made them. Before the lane runs, on the main lcore.
//
// What an event says of an order's state after it is compared with what the state machine makes of
// it here: a journal that tells another story than the program would is refused.
//
// Not restored: what lasts shorter than a restart (message rates, windows of repeated orders and of
// ratios), routed orders (their child orders are there, and stay), cancels that waited for a
// session that was down, and what strategies remembered.
#pragma once

#include "dataplane/lane/desk.h"

struct desk_restore {
    struct desk *desk;
    uint32_t *places; // of the desk's table, by place in the table of the instance; its capacity
    struct event options;          // the last ORDER_OPTIONS; its decision follows
    uint64_t stream[SESSIONS_MAX]; // last message read, 0: none
    uint8_t named[SESSIONS_MAX][SOUPBIN_SESSION_LEN]; // the stream that this numbers
    bool ended[SESSIONS_MAX];      // that stream: the exchange has said that it is over
    bool up[SESSIONS_MAX];         // connected, as last told
    uint8_t queries[SESSIONS_MAX]; // whose answers may still come, as last told
    uint64_t orders, fills;
    uint32_t version; // of the limits, the latest
    // Limits on losses that are broken, and told: firm first, then accounts.
    struct owner_day broken[1 + ACCOUNTS_MAX];
    uint32_t kills;
    uint64_t set_live; // strategies whose parameters a person has set in this instance
    bool breached;     // a control has cancelled: its kills are whom BREACH names
    char why[192];
};

// <places>: as many words as the table has orders.
void desk_restore_init(struct desk_restore *r, struct desk *d, uint32_t *places);
// Another instance: its table was made as this one is.
void desk_restore_instance(struct desk_restore *r);
// An event of the lane; those that say nothing about state are passed over. False: <why>.
bool desk_restore_event(struct desk_restore *r, const struct event *e);
// All are there: sessions go on behind what was read, orders without an answer are waited for, and
// what is under a kill, belonged to a client (bits of <strategies>), or was open on a connection
// that cancels on disconnect and ended with the instance, will be cancelled.
void desk_restore_end(struct desk_restore *r, uint64_t strategies);
