// What an order session said and what a drop copy says, side by side, until both say the same. No
// clock and no file of its own; one thread.
//
// A thing is told apart by session, letter, reference and match number; each side counts how often
// it was said and adds up the shares, so that the order in which the sides come does not count.
// Fixed memory: things that are equal make room for new ones, oldest first; things that wait never
// do.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/region/call.h"

enum drop_side { DROP_OURS, DROP_THEIRS, DROP_SIDES };

// One message about an order.
struct drop_item {
    uint64_t match; // of executions, breaks and corrections
    uint64_t shares;
    uint64_t sequence; // of theirs, in the copy's stream
    uint32_t ref;
    uint32_t price;  // price4
    uint8_t session; // place in the configuration
    uint8_t what;    // A accepted, U replaced, C cancelled, E executed, B broken, F corrected
    bool bare;       // shares and price are not known: only that it was said counts
};

struct drop_entry {
    uint64_t match;
    uint64_t since_ns; // of the last change
    uint64_t theirs_sequence;
    uint64_t shares[DROP_SIDES];
    uint32_t price[DROP_SIDES];
    uint32_t count[DROP_SIDES];
    uint32_t ref;
    uint32_t chain; // the next of its bucket
    uint32_t before, behind;
    uint8_t session, what, list, told; // told: enum drop_difference
    bool bare;
    bool old; // of a stream of ours that is over: what we say is another thing
};
_Static_assert(sizeof(struct drop_entry) == 80, "docs/drop-copy.md says what an entry takes");

enum drop_list { DROP_FREE, DROP_EQUAL, DROP_WAITS, DROP_DIFFERS, DROP_LISTS };

// A difference begins (<now>), or is none any more.
typedef void drop_tell(void *context, const struct drop_entry *e, enum drop_difference difference,
                       bool now, uint64_t now_ns);

struct drop_table {
    struct drop_entry *entries; // DROP_LISTS heads of lists, then the capacity
    uint32_t *buckets;          // 0: empty
    uint32_t mask;
    uint32_t capacity;
    uint32_t counts[DROP_LISTS];
    uint64_t equal;   // things that became equal
    uint64_t dropped; // items that found no room
    drop_tell *tell;
    void *context;
};

// Until when each side is not complete: what is missing there is not missed before. UINT64_MAX: for
// now never.
struct drop_holds {
    uint64_t ours_ns[SESSIONS_MAX];
    uint64_t theirs_ns;
};

// <capacity>: a power of two. False: no memory.
bool drop_table_init(struct drop_table *t, uint32_t capacity, drop_tell *tell, void *context);
void drop_table_free(struct drop_table *t);

// False: full of what waits; the item is not compared.
bool drop_table_put(struct drop_table *t, enum drop_side side, const struct drop_item *item,
                    uint64_t now_ns);
// Tells what has waited for longer than <grace_ns>.
void drop_table_due(struct drop_table *t, const struct drop_holds *holds, uint64_t grace_ns,
                    uint64_t now_ns);
// Which side of a session has begun another stream, with references of its own, while the other has
// not; kept over restarts.
enum drop_turned { DROP_TURNED_BOTH, DROP_TURNED_OURS, DROP_TURNED_THEIRS };

// A side begins another stream. Once both have, or we have twice, what was before is over, whether
// it differs or not. <at_once>: the other side's is not read any more. What the copy alone has
// said, and nobody was told about, may be ahead of us, and stays.
void drop_table_turn(struct drop_table *t, uint8_t session, enum drop_side side, bool at_once,
                     uint8_t *turned);

// The entries of a list, oldest first: null at its end.
const struct drop_entry *drop_table_first(const struct drop_table *t, enum drop_list list);
const struct drop_entry *drop_table_next(const struct drop_table *t, const struct drop_entry *e);
// Puts back what was taken from another table's list; false: it makes no sense, or there is no
// room.
bool drop_table_restore(struct drop_table *t, const struct drop_entry *from, uint64_t now_ns);

enum drop_difference drop_entry_verdict(const struct drop_entry *e);
