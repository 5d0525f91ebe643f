// One line of a channel: what happens to each packet on its way (loss, duplication, reordering,
// skew), and the packets that wait for their time. What happens depends only on the seed, the line
// and the number of the packet, never on time: the same run has the same faults.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    LINE_QUEUE = 4096,   // packets that can wait to be sent
    LINE_HELD = 64,      // packets that can wait for later ones to pass
    LINE_DEPTH_MAX = 64, // how many later packets can pass at most
    LINE_NAME = 4,
};

// Probabilities are of 2^32.
struct line_faults {
    uint64_t seed;
    uint32_t loss_below, duplicate_below, reorder_below;
    uint32_t depth; // a reordered packet lets 1 .. depth later ones pass
    uint32_t skew_least_us, skew_most_us;
};

struct line_fate {
    bool lost;
    bool duplicated;
    uint32_t behind;  // later packets that pass, 0: in order
    uint64_t skew_ns; // drawn between least and most
};

struct line_counters {
    uint64_t offered;                             // packets of the channel
    uint64_t packets;                             // sent, duplicates included
    uint64_t bytes;                               // of their payloads
    uint64_t lost, duplicated, reordered, skewed; // injected
    uint64_t dropped;                             // the port was full and --when-full is drop
    uint64_t heartbeats, ends;
};

struct line_waiting {
    uint64_t packet, due_ns;
};

struct line {
    struct line_faults faults;
    struct line_counters counters;
    char name[LINE_NAME];
    uint16_t endpoint; // of the link
    bool used;
    uint32_t head, tail; // of the queue; they only grow
    uint32_t held_count;
    uint64_t last_due_ns; // order is kept: nothing leaves before what was queued earlier
    uint64_t sent_ns;     // when a packet of any kind was sent last
    struct {
        uint64_t packet;
        uint64_t after; // leaves when so many packets have been offered
        uint64_t skew_ns;
        bool duplicated;
    } held[LINE_HELD];
    struct line_waiting queue[LINE_QUEUE];
};

struct line_fate line_fate(const struct line_faults *f, uint64_t packet);

// True when an offer cannot overflow the queue, whatever happens to the packet.
static inline bool line_room(const struct line *l)
{
    return l->tail - l->head + 2 * (l->held_count + 1) <= LINE_QUEUE;
}

// A packet of the channel reaches the line. <lost>: lost in any case (on both lines). Answers
// whether it was lost.
bool line_offer(struct line *l, uint64_t packet, bool lost, uint64_t now_ns);

// Lets go of what waits for later packets, because none come for a while.
void line_flush(struct line *l, uint64_t now_ns);

static inline const struct line_waiting *line_peek(const struct line *l, uint32_t ahead)
{
    return ahead < l->tail - l->head ? &l->queue[(l->head + ahead) % LINE_QUEUE]
                                     : (const struct line_waiting *)0;
}

static inline void line_pop(struct line *l, uint32_t count)
{
    l->head += count;
}

static inline bool line_empty(const struct line *l)
{
    return l->head == l->tail && l->held_count == 0;
}
