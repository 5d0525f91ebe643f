// Captures of an attached region, for the one thread that reads them (dataplane/abi/capture.h).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/region/contact.h"

// What the lanes say, taken in one pass.
struct captures_seen {
    uint32_t lanes; // 0: nothing is captured
    struct {
        uint64_t tail, head;
        uint64_t frames;
        uint64_t ports; // as in struct capture_ring
        uint64_t lost, lost_frames;
        uint64_t gaps, holes; // the same
        bool recording;
        bool wanted, held; // the same
    } lane[LANES_MAX];
};

// What the lanes have taken in so far is recorded, and was written or can be.
bool captures_complete(const struct captures_seen *seen);

// A piece of one lane's ring.
struct capture_piece {
    uint32_t lane;
    uint64_t position; // where to read
    uint32_t room;     // of <bytes>
    uint32_t len;      // read; never around the ring's end
    bool damaged;      // the ring says something impossible
    uint8_t *bytes;
};

struct capture_heads {
    uint64_t at[LANES_MAX];
};

// All return false when the region has vanished.
bool captures_look(struct contact *contact, struct captures_seen *seen);
bool capture_read(struct contact *contact, struct capture_piece *piece);
// What is below may be written over; what is behind a ring's own word changes nothing.
bool captures_release(struct contact *contact, const struct capture_heads *heads);
enum captures_want {
    CAPTURES_STOP,   // lanes do not record
    CAPTURES_RECORD, // they do
    CAPTURES_HOLD,   // they do not until it can be written
};
bool captures_want(struct contact *contact, enum captures_want want);
// What a lane's ring holds cannot be read, and is left out.
bool captures_hole(struct contact *contact, uint32_t lane);
