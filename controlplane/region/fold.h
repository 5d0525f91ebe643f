// Open orders, folded from the trading events of all lanes: what a lane's order table holds, as far
// as its events have been read. A bounded table; what was missed or found no room is counted, and
// whoever shows the orders says that they are not all.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/events.h"

enum { FOLD_ORDERS_MAX = 1 << 15, FOLD_SOURCES_MAX = LANES_MAX + 1 };

// Values of the ORDER event's <life> and bits of its <waits>.
enum fold_life { FOLD_PENDING, FOLD_LIVE, FOLD_UNKNOWN, FOLD_DEAD };
enum fold_wait { FOLD_REPLACE = 1, FOLD_MODIFY = 2, FOLD_CANCEL = 4 };

struct folded_order {
    bool used;
    uint8_t lane;
    uint8_t session; // at the lane's desk
    uint8_t life;    // enum fold_life
    uint8_t waits;   // enum fold_wait
    char side;
    char time_in_force; // 0: not known, the order was there before its lane
    char display;
    uint16_t account;
    uint16_t strategy;
    uint16_t instrument;
    uint32_t order; // place in the lane's order table
    uint32_t ref;
    uint32_t price; // price4
    uint32_t open;
    uint32_t filled;
    uint32_t change_total; // of a replace or modify on its way
    uint32_t change_price;
    uint64_t client_id;
    uint64_t exchange_ref;
    uint64_t since_ns; // UTC of the event that began it
};

struct order_fold {
    struct folded_order *slots; // FOLD_ORDERS_MAX * 2
    uint32_t count;
    uint64_t missed;                 // events that were not read, or were lost before
    uint64_t not_kept;               // orders that found no room
    uint64_t next[FOLD_SOURCES_MAX]; // sequence that comes next, 0: any
};

// False: no memory.
bool order_fold_init(struct order_fold *fold);
void order_fold_free(struct order_fold *fold);
// Another instance of the dataplane: its orders are none of the last one's.
void order_fold_reset(struct order_fold *fold);
// The next trading event of a source (lane, or the one behind the last lane); one that it has had
// changes nothing.
void order_fold_event(struct order_fold *fold, uint32_t source, const struct event *event,
                      uint64_t utc_ns);

static inline bool order_fold_complete(const struct order_fold *fold)
{
    return fold->missed == 0 && fold->not_kept == 0;
}
