// What a lane may use of limits on sums that several lanes share: open orders and open notional of
// the firm and of every account. The lane's own rows of the limit table hold what it was granted,
// so the gate compares as ever; it is the record of a refusal that tells want of lease from a
// limit.
//
// A share of a limit: firm orders, firm notional, then the same two of every account. Limits that
// limit nothing are not shared. The lane owns everything here, the main lcore the other ends of the
// rings in <lane>.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/lane/desk.h"
#include "dataplane/risk/lease.h"

enum {
    LEASE_NOTES_A_TURN = 8,
    LEASE_NOT_SHARED = 0, // as <whole>
};

struct desk_lease_share {
    uint64_t whole;   // what the lanes share
    uint64_t chunk;   // asked for at a time
    uint64_t wanted;  // with the last note, 0: there was none
    uint64_t want_at; // not before: the last answer was less than asked for
};

struct desk_leases {
    struct lease_lane lane;
    struct desk_lease_share *shares;
    uint32_t share_count;
    uint32_t next; // to be looked at in the next turn
    uint32_t lanes;
    uint64_t retry_ticks;
};

static inline uint32_t lease_shares(uint32_t accounts)
{
    return 2 * (1 + accounts);
}

uint64_t desk_leases_bytes(uint32_t accounts);
// <memory>: desk_leases_bytes() zeroed bytes, aligned to a cache line. The desk's limits are those
// of all <lanes> together; from here on the lane may use nothing of what is shared until it is
// granted.
void desk_leases_init(struct desk *d, void *memory, uint32_t accounts, uint32_t lanes,
                      uint64_t retry_ticks);
// What the first grant of a share should be: half of an even part, the rest is for who needs it.
static inline uint64_t lease_part(uint64_t whole, uint32_t lanes)
{
    const uint64_t part = whole / (2 * (uint64_t)lanes);
    return part ? part : whole ? 1 : 0;
}

// The table of limits is another one: its rows hold the limits of all lanes together, and get what
// the lane may use of them. Divides for each limit that has changed.
void desk_leases_limits(struct desk *d);

// Takes in what the main lcore says, and asks ahead of need. Returns how much there was to do.
uint32_t desk_leases_turn(struct desk *d, uint64_t now);
// A sum of <scope> would have been <value>. True: the limit may allow that, the lane's lease does
// not; more is asked for. Else *<limit> is the limit of all lanes.
bool desk_lease_short(struct desk *d, enum refusal refusal, enum trade_scope scope,
                      uint32_t account, uint64_t value, uint64_t *limit);
