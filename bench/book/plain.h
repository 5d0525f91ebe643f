// The yardstick of bench-book: the book that one writes first. Orders in one hash table with linear
// probing, each side of each symbol a sorted vector of price levels; no queues, no look-ahead, no
// bound on memory. What it takes for the same packets in the same run says how quick the machine is
// today.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/feed/arbiter.h"

struct plain_level {
    uint32_t price;
    uint32_t orders;
    uint64_t shares;
};

// Levels of one side, the best last.
struct plain_side {
    struct plain_level *levels;
    uint32_t count, room;
};

struct plain_book {
    struct plain_order *orders;
    uint32_t mask;            // places less one
    struct plain_side *sides; // by locate, bid and ask
    struct plain_level *tops; // their best levels, as they would be published
    uint64_t best_changes;
};

// Room for <orders> live ones, half full. False: no memory.
bool plain_open(struct plain_book *book, uint32_t orders);
void plain_close(struct plain_book *book);
// Messages that are no orders are passed over.
void plain_apply(struct plain_book *book, const struct feed_packet *packet);
