// Leased sub-limits: one limit on a sum (open orders, open notional of an account or of the firm)
// for lanes that each keep their own sum.
//
//     lane ── WANT amount ─► main lcore ── RECALL amount ─► the other lanes
//     lane ◄─ GRANT amount ─ main lcore ◄─ BACK amount ──── what they do not use
//
// SPARE asks ahead of need: it gets what is in the pool and takes nothing from another lane, so
// that two lanes near the limit do not pull the rest back and forth.
//
// A lane checks against what it was granted, nothing else: the check is local, and conservative.
// The main lcore keeps for every lane what it has granted and not got back. So at any time, however
// the notes are delayed:
//
//     used by a lane <= granted to it <= out of the pool for it;  sum of all that is out <= limit
//
// and the sum over the lanes never exceeds the limit. When the limit is lowered nothing more is
// granted until enough has come back; what is in use stays.
//
// What an exchange says a lane has open, and what a restart finds open, is in use without a grant.
// The lane says HOLD and may use none of it again; the main lcore takes it out of the pool, though
// it may be more than there is, and answers HELD. Of what is too much the other lanes owe as after
// a lower limit.
//
// Positions need no lease: a symbol belongs to one lane.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/limits.h"
#include "dataplane/base/spsc.h"

// --- notes

enum lease_word {
    LEASE_WANT,   // lane: so much more
    LEASE_SPARE,  // lane: so much more, if it is nobody's
    LEASE_BACK,   // lane: so much less, the answer to RECALL; may be 0
    LEASE_LESS,   // lane: so much less, the answer to SHED; may be 0
    LEASE_HOLD,   // lane: so much is in use that was not granted
    LEASE_LEFT,   // lane: all of it, of what is not shared any more
    LEASE_GRANT,  // main: so much more, the answer to WANT and SPARE; may be less, or 0
    LEASE_RECALL, // main: give back up to so much
    LEASE_SHED,   // main: the same, as so much is above the limit: what of it is in use is owed
    LEASE_HELD,   // main: the answer to HOLD: so much is above the limit, and owed
};

struct lease_note {
    uint64_t amount;
    uint32_t share;
    uint8_t word; // enum lease_word
    uint8_t unused[3];
};

// --- the lane's side: written by the lane only, but for the ring

struct lease_share {
    uint64_t granted;
    uint64_t owes; // of that, to be given back as soon as it is not in use
    bool waits;    // for the answer to a WANT
    uint8_t holds; // HOLD that have no answer yet
};

struct lease_lane {
    struct lease_share *shares;
    uint32_t share_count;
    struct spsc to_main;
    struct spsc to_lane;
    struct spsc *heard; // what a tape puts between the lane and to_lane, null: nothing
};

// What the lane may have in use.
static inline uint64_t lease_may(const struct lease_lane *l, uint32_t share)
{
    return l->shares[share].granted - l->shares[share].owes;
}

// <more> fits beside <used>.
static inline bool lease_covers(const struct lease_lane *l, uint32_t share, uint64_t used,
                                uint64_t more)
{
    const uint64_t may = lease_may(l, share);
    return used <= may && more <= may - used;
}

// Asks for more; nothing while an answer is waited for.
void lease_want(struct lease_lane *l, uint32_t share, uint64_t amount);
void lease_want_spare(struct lease_lane *l, uint32_t share, uint64_t amount);
// The next note of the main lcore. The caller looks up what the lane uses of note->share and hands
// both to lease_take.
bool lease_read(struct lease_lane *l, struct lease_note *note);
void lease_take(struct lease_lane *l, const struct lease_note *note, uint64_t used);
// The share is limited from now on, and was not: what the lane uses of it is out of the pool. The
// main lcore grants nothing of it until it has read so of every lane (the pool's limit is 0).
void lease_join(struct lease_lane *l, uint32_t share, uint64_t used);
// More may be in use than was granted: says so, once the last HOLD has its answer.
void lease_hold(struct lease_lane *l, uint32_t share, uint64_t used);
// It is not limited any more.
void lease_leave(struct lease_lane *l, uint32_t share);

// --- the main lcore's side

struct lease_pool {
    uint64_t limit;
    uint64_t out;               // sum of the next
    uint64_t out_of[LANES_MAX]; // granted to a lane and not come back
    uint64_t wants[LANES_MAX];  // 0: nothing
    uint16_t looked;            // bit of a lane for whose want the others have been asked
    uint16_t recalled;          // bit of a lane that was asked and has not answered
    uint16_t shed;              // the same of SHED
    uint16_t again;             // bit of a lane that is to be told anew when it has
    uint32_t next;              // lane whose want comes first
};

struct lease_book {
    struct lease_pool *pools;
    uint32_t share_count;
    uint32_t lane_count;
    struct lease_lane *lanes[LANES_MAX];
};

// Every lane has its notes in two rings of lease_ring_len() records: never full, as every share has
// one note of a kind on its way at most, and a second HOLD where it is joined meanwhile.
uint32_t lease_ring_len(uint32_t shares);
// Memory of a lane and of the main lcore, zeroed, aligned to a cache line.
uint64_t lease_lane_bytes(uint32_t shares);
uint64_t lease_book_bytes(uint32_t shares);
void lease_lane_init(struct lease_lane *l, uint32_t shares, void *memory);
void lease_book_init(struct lease_book *b, uint32_t shares, void *memory);
void lease_lane_add(struct lease_book *b, struct lease_lane *lane);

// Another limit of a share. Of a lower one every lane owes what is too much: from the moment it
// reads so, nothing is taken that would make the sum more than the limit. Lanes give back as they
// stop using it. lease_trim says it anew while b->pools[share].out is above the limit; that it is
// not any more all lanes hear at once.
void lease_limit(struct lease_book *b, uint32_t share, uint64_t limit);
void lease_trim(struct lease_book *b, uint32_t share);
// One note of a lane; false: there is none.
bool lease_serve(struct lease_book *b, uint32_t lane);
