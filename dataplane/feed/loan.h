// The book away from the lane: with the main lcore, which empties it for a session that has begun,
// or loads a snapshot into it.
//
// What a snapshot says of itself is not believed: one that ends beyond what the lines have shown is
// AHEAD until a line reaches it, and is refused when none does in time. Snapshots are asked for in
// pairs (a server that was a little behind has caught up by the second), each pair after twice the
// time of the one before, and after SNAPSHOT_ASKS_MAX of which none made the channel good not at
// all in this session.
#pragma once

#include "dataplane/feed/channel.h"

enum { SNAPSHOT_ASKS_MAX = 12 };

// A session begins, with the book of the one before or of none.
void loan_session_begin(struct channel *ch);

// Asks for a snapshot now, or later if the last one was not long ago. False: not now.
bool loan_ask(struct channel *ch, uint64_t now);
// None will be asked for in this session.
bool loan_spent(const struct channel *ch);

// The channel is good, whatever made it so.
static inline void loan_helped(struct channel *ch)
{
    ch->loan.in_vain = 0;
}

// The lines number from below what was delivered: the book is of another past.
void loan_rewound(struct channel *ch, uint64_t now);

// The snapshot in the book is of a message that no line has come to. False: one has by now.
bool loan_ahead(struct channel *ch);

// A timer: nobody comes to where the snapshot ends; or it is time to ask again.
void loan_review(struct channel *ch, uint64_t now);
// Ticks: when one of these is due, UINT64_MAX when neither is.
uint64_t loan_deadline(const struct channel *ch);
