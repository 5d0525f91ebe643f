// Line arbitration of one channel: which packet is next, which is a copy, which has to wait.
//
// Lines A and B (and recovery) carry the same numbered messages; packets need not be cut at the
// same message. The first arrival of a number wins. A packet beyond the next number is held, in a
// heap ordered by sequence and bounded by the configuration, until the missing ones come or the
// channel gives them up. Nothing here knows a protocol, a clock or a driver: time is a tick count
// passed in, and the same calls in the same order give the same answers.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/limits.h"
#include "dataplane/base/hints.h"
#include "dataplane/port/port.h"

enum {
    ARBITER_LINES = LINES_MAX + 1, // the lines of a channel and recovery
    ARBITER_RECOVERY = LINES_MAX,  // line number of recovered packets
    ARBITER_ASIDES = 4,            // other numberings of which packets are kept
    ARBITER_RECENT = 1024,         // packets remembered to tell copies and their lag; power of two
};

// One packet of a line, as the transport header describes it. Sequence + count never wraps (the
// parsers refuse it).
struct feed_packet {
    uint64_t sequence;     // number of the first message
    uint32_t count;        // messages the header announces
    uint32_t len;          // bytes of <blocks>
    const uint8_t *blocks; // first message block
};

// A packet that waits. The frame (and with it <packet>.blocks) belongs to the arbiter until it is
// popped.
struct arbiter_held {
    struct feed_packet packet;
    struct frame frame;
    uint64_t arrived;    // ticks
    uint32_t aside_next; // slot of the one that was set aside after it
    uint8_t line;
};

// Packets that are of another numbering, in the order of their arrival.
struct arbiter_aside {
    uint32_t first, last; // slots
    uint32_t count;
    uint64_t lowest; // number among them
};

struct arbiter_recent {
    uint64_t sequence; // 0: empty
    uint64_t arrived;
    uint32_t count;
    uint32_t line;
};

struct arbiter_line {
    uint64_t next;                 // next number this line should bring, 0 before its first packet
    uint64_t seen[ARBITER_RECENT]; // first numbers of recent packets: tells a copy from a late one
};

enum arbiter_verdict {
    ARBITER_DELIVER,   // apply the messages from <skip> on, then call arbiter_advance
    ARBITER_HOLD,      // the arbiter keeps the frame
    ARBITER_DUPLICATE, // nothing new in it
    ARBITER_FULL,      // should be held, but the bill is reached: its numbers stay missing
};

struct arbiter_offer {
    enum arbiter_verdict verdict;
    uint32_t skip; // messages at the start of the packet that were delivered already
    uint64_t lag;  // ticks behind the first copy; only where lag_known
    bool lag_known;
    uint8_t first_line; // line that brought the first copy; only where lag_known
    bool late;          // out of order on its own line (not a copy the line sent before)
    uint64_t line_gap;  // numbers its line skipped just before this packet
};

struct arbiter {
    uint64_t next;     // number of the next message to deliver
    uint64_t seen_end; // one past the highest number any line has announced
    uint32_t held;     // in the heap
    uint32_t used;     // slots: held or set aside
    uint32_t held_max;
    struct arbiter_held *slots; // held_max
    struct arbiter_order *heap; // held_max, smallest sequence first
    uint32_t *free_slots;       // held_max - used indices
    struct arbiter_aside aside[ARBITER_ASIDES];
    struct arbiter_recent recent[ARBITER_RECENT];
    struct arbiter_line lines[ARBITER_LINES];
};

struct arbiter_order {
    uint64_t sequence;
    uint32_t slot;
    uint32_t unused;
};

uint64_t arbiter_bytes(uint32_t held_max);
// <memory>: arbiter_bytes(held_max), aligned to a cache line.
void arbiter_init(struct arbiter *a, uint32_t held_max, void *memory);

// Asks the caches for what the next packet that is due will be compared with.
void arbiter_near(const struct arbiter *a);

// New numbering (session start, after a snapshot): next message is <next>, perhaps one that was
// delivered before. Held packets must have been popped if the session changed; after a snapshot
// they stay.
void arbiter_start(struct arbiter *a, uint64_t next);
// Forgets what lines and recent packets brought: a new session numbers from the start.
void arbiter_forget(struct arbiter *a);

// A packet with at least one message. On ARBITER_HOLD the arbiter owns <frame>; in all other cases
// the caller keeps it. <hold_all>: nothing may be delivered now (the book is being loaded), hold
// even what is next.
struct arbiter_offer arbiter_offer(struct arbiter *a, uint32_t line,
                                   const struct feed_packet *packet, const struct frame *frame,
                                   uint64_t now, bool hold_all);

// A heartbeat or end of session on <line>: the next number its sender will use. Returns the numbers
// the line lost.
uint64_t arbiter_heartbeat(struct arbiter *a, uint32_t line, uint64_t next);

// Messages up to <next> (exclusive) are delivered.
static inline void arbiter_advance(struct arbiter *a, uint64_t next)
{
    a->next = next;
    if (a->seen_end < next)
        a->seen_end = next;
}

// The packet that was just delivered turned out shorter than announced: another copy of it is
// welcome.
void arbiter_unremember(struct arbiter *a, uint64_t sequence);

static inline bool arbiter_gap(const struct arbiter *a)
{
    return a->seen_end > a->next;
}

// A held packet starts at or before <next>: it is to be popped before anything is called a gap.
static inline bool arbiter_due(const struct arbiter *a)
{
    return a->held && a->heap[0].sequence <= a->next;
}

// First number that is not missing: the end of the gap at <next>.
static inline uint64_t arbiter_gap_end(const struct arbiter *a)
{
    return a->held ? a->heap[0].sequence : a->seen_end;
}

// Arrival of the oldest packet behind the gap, UINT64_MAX when none is held.
static inline uint64_t arbiter_gap_arrived(const struct arbiter *a)
{
    return a->held ? a->slots[a->heap[0].slot].arrived : UINT64_MAX;
}

// Takes the held packet with the smallest sequence, if it is due (starts at or before <next>) or
// <any>. The caller owns its frame from then on. False when there is none.
bool arbiter_pop(struct arbiter *a, bool any, struct arbiter_held *out);

// Keeps a packet of numbering <index>, whose session may or may not begin: it takes a place of the
// bill and no part in the arbitration. False: the bill is reached.
bool arbiter_set_aside(struct arbiter *a, uint32_t index, uint32_t line,
                       const struct feed_packet *packet, const struct frame *frame, uint64_t now);
// Takes the oldest of them; the caller owns its frame from then on. False when there is none.
bool arbiter_take_aside(struct arbiter *a, uint32_t index, struct arbiter_held *out);
