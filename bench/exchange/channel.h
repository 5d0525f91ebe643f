// One channel: a session with its own numbers, its past packets, its two lines, and the state of
// its market for snapshots.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bench/exchange/line.h"
#include "bench/exchange/pack.h"
#include "bench/exchange/picture.h"
#include "bench/exchange/source.h"
#include "bench/exchange/store.h"

enum { CHANNEL_LINES = 2, CHANNELS_MAX = 2 };

struct channel {
    struct pack pack; // session and numbers
    struct store store;
    struct picture *picture; // NULL: no snapshots
    struct line lines[CHANNEL_LINES];
    uint64_t fault_seed;
    uint32_t both_below;       // of 2^32: a packet is lost on both lines
    bool numbered;             // MoldUDP64; otherwise payloads pass as they are
    bool open;                 // a packet is being filled
    uint64_t open_ns, last_ns; // due times of its first and last message
    uint64_t offered;          // packets that have reached the lines: store numbers below this one
    uint64_t sent_next;        // sequence number after the last offered message
    uint64_t messages;         // offered
    uint64_t lost_both;        // packets lost on every line
};

// False: the store is full and keeps all.
bool channel_add(struct channel *c, const struct source_item *item, uint64_t due_ns);

// Closes the open packet when a message that is due at <due_ns> comes too late for it.
void channel_close_before(struct channel *c, uint64_t due_ns, uint64_t pack_ns);
void channel_close(struct channel *c);

// Takes a whole payload over as it is. A MoldUDP64 packet gives its session and numbers to the
// channel. False as above.
bool channel_add_payload(struct channel *c, const struct source_item *item, uint64_t due_ns,
                         uint64_t sequence, uint32_t count);

// The next packet that has not reached the lines yet, or NULL.
static inline const struct store_packet *channel_pending(const struct channel *c)
{
    return store_packet(&c->store, c->offered);
}

static inline bool channel_room(const struct channel *c)
{
    for (uint32_t i = 0; i < CHANNEL_LINES; i++)
        if (c->lines[i].used && !line_room(&c->lines[i]))
            return false;
    return true;
}

// The pending packet reaches the lines. There must be one, and room.
void channel_offer(struct channel *c, uint64_t now_ns);
