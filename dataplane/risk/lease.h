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
    LEASE_GRANT,  // main: so much more, the answer to WANT and SPARE; may be less, or 0
    LEASE_RECALL, // main: give back up to so much
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
    bool waits; // for the answer to a WANT
};

struct lease_lane {
    struct lease_share *shares;
    uint32_t share_count;
    struct spsc to_main;
    struct spsc to_lane;
};

// <more> fits beside <used>.
static inline bool lease_covers(const struct lease_lane *l, uint32_t share, uint64_t used,
                                uint64_t more)
{
    const uint64_t granted = l->shares[share].granted;
    return used <= granted && more <= granted - used;
}

// Asks for more; nothing while an answer is waited for.
void lease_want(struct lease_lane *l, uint32_t share, uint64_t amount);
void lease_want_spare(struct lease_lane *l, uint32_t share, uint64_t amount);
// The next note of the main lcore. The caller looks up what the lane uses of note->share and hands
// both to lease_take.
bool lease_read(struct lease_lane *l, struct lease_note *note);
void lease_take(struct lease_lane *l, const struct lease_note *note, uint64_t used);

// --- the main lcore's side

struct lease_pool {
    uint64_t limit;
    uint64_t out;               // sum of the next
    uint64_t out_of[LANES_MAX]; // granted to a lane and not come back
    uint64_t wants[LANES_MAX];  // 0: nothing
    uint16_t looked;            // bit of a lane for whose want the others have been asked
    uint16_t recalled;          // bit of a lane that was asked and has not answered
    uint32_t next;              // lane whose want comes first
};

struct lease_book {
    struct lease_pool *pools;
    uint32_t share_count;
    uint32_t lane_count;
    struct lease_lane *lanes[LANES_MAX];
};

// Every lane has its notes in two rings of lease_ring_len() records: never full, as every share has
// one want and one recall on their way at most.
uint32_t lease_ring_len(uint32_t shares);
// Memory of a lane and of the main lcore, zeroed, aligned to a cache line.
uint64_t lease_lane_bytes(uint32_t shares);
uint64_t lease_book_bytes(uint32_t shares);
void lease_lane_init(struct lease_lane *l, uint32_t shares, void *memory);
void lease_book_init(struct lease_book *b, uint32_t shares, void *memory);
void lease_lane_add(struct lease_book *b, struct lease_lane *lane);

// Another limit of a share. A lower one recalls what is too much: call lease_trim from time to time
// while b->pools[share].out is above it, as lanes give back only what they do not use.
void lease_limit(struct lease_book *b, uint32_t share, uint64_t limit);
void lease_trim(struct lease_book *b, uint32_t share);
// One note of a lane; false: there is none.
bool lease_serve(struct lease_book *b, uint32_t lane);
