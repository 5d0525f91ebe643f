// A session that is not the channel's: perhaps the next one, perhaps a stray datagram, perhaps a
// line that carries something else.
//
//   heard on a line ──► set aside, packet by packet ──► confirmed: it is the channel's session now
//                                  └──► refuted: given back, and counted
//
// It is confirmed by two different data packets with none of the own session on any line in
// between, or by two packets of any kind once the own session has ended or fallen silent; and only
// when every line that lives has left the own session, with two packets in a row. Until then its
// packets wait, a part of the held frames' bill per line, so that a session that does begin has all
// of them. It is refuted when the own session goes on after the window in which a slower line
// brings what is left of that. ARBITER_ASIDES of them are told apart; one more takes the place of
// the one of which the least waits.
#pragma once

#include "dataplane/feed/channel.h"

enum candidate_verdict {
    CANDIDATE_REFUSED,   // the caller keeps the frame
    CANDIDATE_ASIDE,     // the frame waits
    CANDIDATE_CONFIRMED, // it begins; the frame is the caller's
};

// A packet of <line> that is not of the channel's session.
enum candidate_verdict candidate_offer(struct channel *ch, uint32_t line,
                                       const struct feed_datagram *d, const struct frame *frame,
                                       uint64_t now);

// The lowest number among <d>, which confirmed the session, and what was set aside of it.
uint64_t candidate_first(const struct channel *ch, const struct feed_datagram *d);

// Takes a packet of the channel's session, which has just begun, out of what was set aside, oldest
// first. False when there are no more: those of other sessions went back.
bool candidate_take(struct channel *ch, struct arbiter_held *out);

// Gives all that was set aside back.
void candidate_drop(struct channel *ch);

// A timer: has the own session gone on?
void candidate_review(struct channel *ch, uint64_t now, uint64_t received);
// Ticks: when that is to be asked next.
uint64_t candidate_deadline(const struct channel *ch);
