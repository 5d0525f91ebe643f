// What the lane has told of each symbol and of the market.
//
// Each change is an event, whoever made it. What the main lcore loads into a book that is lent it
// tells nobody: when the book is back, the lane compares it with what it last said, a slice of the
// symbols each turn, and tells what differs. What a message changes meanwhile is told at once, and
// the slice that comes to it finds nothing new: events of a symbol are in order.
#pragma once

#include "dataplane/feed/channel.h"

enum { TOLD_SYMBOLS_A_TURN = 64 };

// An event if the symbol's own quality is not what was last told.
void told_quality(struct channel *ch, uint32_t slot);
// A message says so: always an event.
void told_status(struct channel *ch, uint32_t slot);
void told_system_event(struct channel *ch, uint8_t code);
void told_breaker(struct channel *ch, uint8_t level);

// The book is back: takes over what <loaded> says of the market, and begins to compare.
void told_review_begin(struct channel *ch);
// The next slice, if one is left.
void told_review(struct channel *ch);
static inline bool told_review_due(const struct channel *ch)
{
    return ch->told_next < ch->told_end && !ch->book_lent;
}
