// What a channel does about missing messages: wait for the other line, ask for them, load a
// snapshot (loan.h), or give them up.
//
//   LIVE ──gap──► WAITING ──window over──► RECOVERING ──all there──► LIVE (GOOD)
//                    │ the other line has it      │ failed, or too many
//                    └──────► LIVE (no doubt)     ├──► SNAPSHOT ──loaded──► LIVE (GOOD, or WAITING
//                    for the rest)
//                                                 └──► LIVE, but SUSPECT until the next session or
//                                                 snapshot
#pragma once

#include "dataplane/feed/channel.h"

// Looks at the gap (or its end) after something changed: packet, heartbeat, timer, answer of the
// main lcore. That time is up for a gap only channel_timers finds: a packet may have waited in the
// receive ring as long as the lane was busy elsewhere, and its copy waits behind it.
void gap_review(struct channel *ch, uint64_t now);

// Trust that follows from the state and from the lines: what was missing may come back, or a book,
// while all of them are silent.
enum quality gap_quality(const struct channel *ch);

// An event about the numbers [from, to).
void gap_event(struct channel *ch, uint16_t type, uint64_t from, uint64_t to);
// Asks the main lcore; when its ring has no room, the timer tries again.
void gap_request(struct channel *ch, enum feed_request_kind kind, uint64_t from, uint64_t to);

// In channel.c: applies held packets that are due, at most DRAIN_PACKETS a turn.
void channel_drain(struct channel *ch);
// In channel.c: gives the packets that wait for missing ones back.
void channel_drop_waiting(struct channel *ch);
