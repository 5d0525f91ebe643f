// What a channel does about missing messages: wait for the other line, ask for them, load a
// snapshot, or give them up.
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
// main lcore.
void gap_review(struct channel *ch, uint64_t now);

// Trust that follows from the state alone, were all lines alive.
enum quality gap_quality(const struct channel *ch);

// A session begins, with the book of the one before or of none.
void gap_session_begin(struct channel *ch);

// In channel.c: applies held packets that are due.
void channel_drain(struct channel *ch);
