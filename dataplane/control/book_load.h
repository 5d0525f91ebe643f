// A book that a lane has lent: emptied, filled with the messages of a snapshot, and given back. The
// main lcore does it from what a server sends (snapshot.h), a replay from what its capture says.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/feed/channel.h"

struct book_load {
    struct channel *channel; // the lane's; only its book may be touched, and only while it is lent
    struct channel loader;   // the channel's book behind counters and a sink of our own
    struct channel_counters scratch;
    bool borrowed;
};

// <load>: zeroed.
void book_load_init(struct book_load *load, struct channel *ch);
// As the lane has left it.
void book_load_borrow(struct book_load *load);
// No orders, no symbols, nothing published.
void book_load_clear(struct book_load *load);
// One message behind the two bytes of its length.
void book_load_message(struct book_load *load, const uint8_t *block, uint32_t len);
// Into the channel; the lane has to be told.
void book_load_return(struct book_load *load);
