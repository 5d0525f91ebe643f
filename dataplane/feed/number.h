// What a channel thinks of the numbers of its lines.
//
// A number far beyond all that was announced (a leap) or far below what was delivered (a rewind) is
// told, and neither followed nor taken for the truth until it is said again, and no line that lives
// says otherwise. One line alone, whatever it sends, moves nothing while another one goes on.
#pragma once

#include "dataplane/feed/channel.h"

// How far beyond all that was announced one packet is believed: half a minute of the busiest feed.
#define NUMBER_LEAP_MAX (UINT64_C(1) << 24)
// No session has a higher number: a day of twelve million messages a second.
#define NUMBER_MAX (UINT64_C(1) << 40)
// A line that is merely slow is not so far behind.
#define NUMBER_REWIND_MIN (UINT64_C(1) << 20)

// A session begins, and <first> is the lowest number that is here.
void number_session_begin(struct channel *ch, uint64_t first);

// A packet of <line> ends at <end>, far from the next number. False: it is not to be used.
bool number_odd(struct channel *ch, uint32_t line, uint64_t end, uint64_t now);

// The same, for a packet that may be where it should.
HOT_INLINE bool number_watch(struct channel *ch, uint32_t line, uint64_t end, uint64_t now)
{
    // One branch for all: what is too low is far above, too, but for the last numbers there are.
    const uint64_t from = end + NUMBER_REWIND_MIN - ch->arbiter.next;
    const bool odd = (from > NUMBER_REWIND_MIN + NUMBER_LEAP_MAX) | (end > NUMBER_MAX);
    if (UNLIKELY(odd) && !number_odd(ch, line, end, now))
        return false;
    ch->numbers.said[line] = end;
    return true;
}

// Whether numbers up to <end> may be of this session without a word of a line: a server says so.
bool number_plausible(const struct channel *ch, uint64_t end);

// One past the last number that any line said lately, and the lowest of those: the line that went
// back first is the one to believe.
uint64_t number_shown(const struct channel *ch);
uint64_t number_lowest(const struct channel *ch);

// A timer: does every line that lives stay below what was delivered?
void number_below_review(struct channel *ch, uint64_t now);
