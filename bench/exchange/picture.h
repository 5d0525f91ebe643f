// What a snapshot shows: the directory, the state of every symbol and every displayed order, kept
// up to date with what has been sent. Its own small hash-based book, written apart from the
// dataplane's. Belongs to one thread; a copy can be given to another.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct picture_order {
    uint64_t reference;
    uint64_t arrival; // priority inside a price: smaller is first
    uint64_t time_ns; // since midnight, of the message that made it
    uint32_t shares, price;
    uint16_t locate;
    char side;
    bool attributed; // an MPID was given
    char mpid[4];
};

// The last message of each kind, as it was sent; empty where there was none.
struct picture_symbol {
    uint8_t directory[39], trading[25], reg_sho[20], operational[21];
};

struct picture {
    struct picture_order *orders; // <live> of them, in no particular order
    uint64_t live, room;
    uint32_t *slots; // open addressing by reference: index into <orders> + 1, 0 where empty
    uint64_t slot_count;
    struct picture_symbol *symbols; // by locate, 65,536
    uint8_t system_event[12];       // the last one
    uint64_t arrivals, unknown;     // unknown: messages about orders we do not have
    uint16_t locate_max;
};

// Sized for so many orders at first; grows. NULL: no memory.
struct picture *picture_make(uint64_t orders);
void picture_drop(struct picture *p);
void picture_apply(struct picture *p, const uint8_t *message, uint32_t length);
void picture_prefetch(const struct picture *p, const uint8_t *message,
                      uint32_t length); // ahead of the apply

// A copy without the index, for reading in another thread; the caller drops it. NULL: no memory.
struct picture *picture_copy(const struct picture *p);

// Sorts the orders of a copy: by locate, bids before asks, best price first, in each price by
// priority.
void picture_sort(struct picture *copy);
