// A channel: one numbered stream of a venue, its lines, its book, and how far both can be trusted.
//
//   frame ─► transport header ─► arbiter ─► messages ─► book ─► best price published
//                                  │ gap
//                                  └─► wait for the other line ─► recovery request ─► splice ─►
//                                  GOOD
//                                                                 └► snapshot ─► splice ─► GOOD
//                                                                 └► given up: SUSPECT until a
//                                                                 snapshot or the next session
//
// One owner: the lane. While <book_lent> the main lcore owns the book, the participants and
// <loaded> (it resets them for the session that has begun, or loads a snapshot into them) and the
// lane only holds frames. Ticks are TSC ticks; nothing here reads a clock.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/cell.h"
#include "dataplane/abi/counters.h"
#include "dataplane/abi/events.h"
#include "dataplane/abi/histograms.h"
#include "dataplane/abi/limits.h"
#include "dataplane/base/hints.h"
#include "dataplane/book/book.h"
#include "dataplane/feed/arbiter.h"
#include "dataplane/feed/luld.h"
#include "dataplane/feed/participants.h"

enum {
    SESSION_LEN = 10,
    DRAIN_PACKETS = 64, // held packets applied before frames are received again
};

// What a datagram of a line turned out to be.
enum feed_kind {
    FEED_DATA,      // at least one message
    FEED_HEARTBEAT, // packet.sequence is the next number
    FEED_END,       // end of session; packet.sequence is the next number there would have been
};

struct feed_datagram {
    enum feed_kind kind;
    uint8_t session[SESSION_LEN]; // raw bytes, compared only
    struct feed_packet packet;
};

struct channel;

// A protocol behind the seam: a transport and the messages it carries. Tables are static and fixed
// at READY.
struct feed_protocol {
    const char *name;
    bool (*parse)(const uint8_t *payload, uint32_t len, struct feed_datagram *out);
    // Applies the messages of a packet from <skip> on; returns how many whole messages there were
    // (skipped ones included): fewer than packet->count when the packet is cut.
    uint32_t (*apply)(struct channel *ch, const struct feed_packet *packet, uint32_t skip);
};

extern const struct feed_protocol feed_itch50; // ITCH 5.0 over MoldUDP64
extern const struct feed_protocol feed_deep10; // IEX DEEP 1.0 over IEX-TP

const struct feed_protocol *feed_protocol_find(const char *name);

enum channel_state {
    CHANNEL_IDLE,       // nothing heard yet
    CHANNEL_LIVE,       // in sequence
    CHANNEL_WAITING,    // a gap, within the reorder window
    CHANNEL_RECOVERING, // a gap, re-request outstanding
    CHANNEL_SNAPSHOT,   // the book is with the main lcore
    CHANNEL_AHEAD,      // a snapshot is loaded that no line has reached yet
    CHANNEL_ENDED,      // end of session seen and everything before it delivered
};

// Where a new session is entered when its first packet is not message 1.
enum channel_start {
    CHANNEL_START_FIRST,    // message 1: what is missing is a gap like any other
    CHANNEL_START_SNAPSHOT, // load a snapshot, then splice
    CHANNEL_START_LIVE,     // from the first packet on: every symbol stays SUSPECT
};

struct channel_config {
    const struct feed_protocol *protocol;
    enum channel_start start;
    bool can_request;              // there is a re-request server
    bool can_snapshot;             // there is a snapshot server
    uint32_t reorder_frames;       // a gap is declared when this many packets wait behind it ...
    uint64_t reorder_ticks;        // ... or when the one next to the gap has waited this long
    uint32_t hold_frames;          // packets held while a gap is recovered: part of the memory bill
    uint64_t request_messages_max; // a larger gap is left to the snapshot, where there is one
    uint64_t line_stale_ticks;     // a line without any packet for this long
    uint32_t line_count;
    bool luld; // price bands are estimated
    struct book_config book;
};

// What a channel asks of the main lcore.
enum feed_request_kind {
    FEED_REQUEST_MESSAGES, // [sequence, sequence + count) of <session>
    FEED_REQUEST_SNAPSHOT, // reset the book, load a snapshot into it, give it back
    FEED_REQUEST_RESET,    // reset the book, give it back
};

struct feed_request {
    enum feed_request_kind kind;
    uint8_t channel;
    uint8_t session[SESSION_LEN];
    uint64_t sequence;
    uint64_t count;
};

// The channel's way out; the lane fills it. All three are cold: they are called when something goes
// wrong or ends.
struct channel_sink {
    void *context;
    void (*event)(void *context,
                  const struct event *event); // sequence, stamps and lane are filled in by the lane
    bool (*request)(void *context,
                    const struct feed_request *request); // false: no room, ask again later
    void (*release)(void *context, struct frame *frame); // gives a held frame back
};

// A session that is not the channel's: candidate.h. Its packets are those that the arbiter has set
// aside under the same index.
struct channel_candidate {
    uint8_t id[SESSION_LEN];
    uint8_t lines;    // bitmap: where it was heard; 0: the place is free
    bool other;       // two different data packets, and nothing of the own session in between
    bool watched;     // the first that waits has waited a window
    uint32_t packets; // of any kind, likewise
    uint64_t first;   // number of the first data packet among them, UINT64_MAX before it
    uint64_t own;     // packets of the own session, of all lines, when it was last heard
    uint64_t line_own[LINES_MAX]; // ... and of each line, when it was last heard there
    uint8_t
        in_a_row[LINES_MAX]; // packets on each line since its last one of the own session: 0 to 2
    uint64_t since;          // ticks: when the window of what waits began
    uint64_t own_then;       // packets of the own session when the one before was over
};
_Static_assert(LINES_MAX <= 8, "bitmap of lines");

// What lines number, as opposed to what the channel believes: number.h.
struct channel_numbers {
    uint64_t said[ARBITER_LINES];  // where the last packet of each line ended, in this session
    uint64_t leap[ARBITER_LINES];  // a number far beyond, refused so far; 0: none
    uint32_t leaps[ARBITER_LINES]; // how often in a row
    uint64_t
        leap_said[ARBITER_LINES]; // what the line had said before: it stands until it says more
    uint64_t entered;             // around this one the session was entered
    uint64_t rewind_next;         // what was next when a line last numbered far below it
    uint64_t below_since;         // ticks: from when on every line has numbered below next; 0: not
    bool rewound;                 // the lines number from below: the book is of another past
};

// Snapshots: what is loaded and what is asked for. loan.h.
struct channel_loan {
    uint64_t ahead;       // CHANNEL_AHEAD: what a line has to reach ...
    uint64_t ahead_until; // ... and by when, ticks
    uint64_t after;       // ticks: not asked for again before
    uint32_t asks;        // since the channel was last good for longer than it had to wait
    uint32_t in_vain;     // asks since it was last good at all
    bool wanted;          // put off
};

// What a session says of the market as a whole.
struct channel_market {
    uint64_t mwcb_levels[3]; // market-wide circuit breaker, price8
    uint8_t mwcb_breached;   // '1'..'3', 0 none
    uint8_t system_event;    // last ITCH S / DEEP S code, 0 none
};

// What the lane has last told of a symbol: told.h.
struct symbol_told {
    uint32_t session; // channel.session_number; of another one nothing has been told
    uint8_t quality;  // enum quality
    uint8_t trading_state;
    uint8_t operational_halt;
    uint8_t unused;
    char reason[4];
};

// Which symbols have changed since the lane last looked, each once. Lists have an entry per slot.
struct channel_touch {
    uint32_t count;
    uint16_t *slots;
    uint8_t *marks; // 1: is in the list
};

struct channel {
    // Touched by every packet.
    struct book book;
    struct symbol_top *tops;   // per symbol slot, published
    struct symbol_name *names; // per symbol slot, published
    struct channel_counters *count;
    const uint64_t *filter;      // bitmap by locate, null: every symbol
    struct channel_touch *touch; // null: nobody trades on this channel
    const struct feed_protocol *protocol;
    enum channel_state state;
    bool book_lent;
    bool lost;       // messages were given up: SUSPECT until snapshot or session change
    uint8_t quality; // enum quality, of the channel as a whole
    uint8_t index;
    uint64_t deadline;     // next tick at which channel_timers has something to do
    uint64_t time_ns;      // of the last message, by its own clock
    uint64_t newest_ref;   // of the last order that was added: the next ones follow it
    const uint8_t *behind; // channel_expect
    uint32_t behind_len;

    // Touched when something is not in sequence.
    struct arbiter arbiter;
    struct channel_config config;
    struct channel_sink sink;
    struct line_counters *lines[ARBITER_LINES];
    struct histogram *lag[ARBITER_LINES]; // per line: copies behind the first, in ticks
    struct histogram *recovery;           // gap declared to closed, in ticks
    uint64_t last_seen[ARBITER_LINES];
    uint64_t gap_since; // ticks: when the gap at arbiter.next was first seen
    uint64_t gap_declared;
    uint64_t gap_end;        // of the declared gap
    uint64_t first_sequence; // where the session was entered
    uint32_t drained;        // held packets applied ...
    uint64_t drain_tick;     // ... since this tick
    struct channel_numbers numbers;
    struct channel_loan loan;
    struct channel_candidate candidates[ARBITER_ASIDES];
    uint32_t aside[LINES_MAX];   // their packets that wait, by line
    uint32_t aside_max;          // of one line
    uint64_t not_own[LINES_MAX]; // packets of a line that were not of the channel's session
    bool candidate_told;         // one event per session of the channel
    uint8_t session[SESSION_LEN];
    uint8_t session_before[SESSION_LEN]; // its late packets are no candidate until ...
    bool session_settled;                // ... they have had the time of a window
    uint64_t session_since;              // ticks: when the session was entered
    bool session_follows;                // there was a session before
    bool session_pending;                // the book that is lent is of a session before
    bool session_ended;                  // end of session heard, perhaps not yet reached
    bool request_pending;                // the sink had no room
    struct feed_request request;
    struct participants participants;
    struct luld luld;              // of == NULL: no band is estimated on this channel
    uint64_t filter_active[1024];  // bitmap in force, where not every symbol is followed
    const uint64_t *filter_next;   // bitmap being put in force, null: none
    const char (*follow)[8];       // names to follow from the start, padded with blanks
    uint32_t follow_count;         // 0: every symbol
    uint32_t filter_word;          // how far
    _Atomic uint32_t filters_done; // bitmaps put in force; writer: the lane, with release
    struct channel_market market;
    struct channel_market loaded; // what the snapshot in the book says of it, 0 where nothing
    struct symbol_told *told;     // by locate; null: nobody is told (the main lcore loads)
    uint32_t told_next;           // slots of a book that came back, still to be compared: from here
    uint32_t told_end;            // ... to here
    uint32_t session_number;      // from 1
    uint32_t book_number;         // from 1; another one whenever the book was filled anew
};

// Bytes of the channel's tables and the lines of the bill that add up to them.
enum { CHANNEL_BILL_LINES = BOOK_BILL_LINES + 4 };
uint64_t channel_bytes(const struct channel_config *config, struct bill_line *bill);

// <memory>: channel_bytes(), zeroed, aligned to a cache line. tops, names, count, lines, lag,
// recovery and sink are set by the caller before the first packet; tops and names hold
// config->book.symbols entries.
void channel_init(struct channel *ch, const struct channel_config *config, void *memory);

// One datagram of <line>. True: the channel keeps <frame> (it will come back through sink.release);
// false: the caller still owns it.
bool channel_datagram(struct channel *ch, uint32_t line, const uint8_t *payload, uint32_t len,
                      const struct frame *frame, uint64_t now);

// What will be offered behind the next datagram, where the caller has it already: its orders are
// asked for while that one is worked on. A hint: nothing of it is believed, and a protocol may
// ignore it. <payload> must stay readable until the next call, and 0 bytes take the hint back.
static inline void channel_expect(struct channel *ch, const uint8_t *payload, uint32_t len)
{
    ch->behind = payload;
    ch->behind_len = len;
}

// Gap and line timers. Cheap to call when now < ch->deadline: the caller checks. <received>: every
// frame that had arrived by then was offered; that time is up is believed no further.
void channel_timers(struct channel *ch, uint64_t now, uint64_t received);

// Answers of the main lcore.
bool channel_recovered(struct channel *ch, const uint8_t *payload, uint32_t len,
                       const struct frame *frame, uint64_t now);
void channel_request_failed(struct channel *ch, uint64_t sequence);
// The book comes back. <next>: first message that is not in it (1 after a reset); <loaded>: false
// when no snapshot could be had, and the book is empty.
void channel_book_returned(struct channel *ch, uint64_t next, bool loaded, uint64_t now);

// Forgets the book and the participants: for whom they are lent to. Not for a lane.
void channel_book_reset(struct channel *ch);

// Follow only <names> (8 characters each, padded with blanks) from the first message on; the caller
// keeps them.
void channel_follow(struct channel *ch, const char (*names)[8], uint32_t count);
// A symbol is announced: its locate is followed if its name is on that list.
void channel_announced(struct channel *ch, uint16_t locate, const char *name);

// Live change of the symbols that are followed: <bitmap> (by locate, 65,536 bits) must stay until
// the FILTER_CHANGED event; the lane calls the step once per turn until then. Returns work done.
// Nothing changes while the book is lent: it comes back with the bitmap that it was lent with.
void channel_filter_begin(struct channel *ch, const uint64_t *bitmap);
uint32_t channel_filter_step(struct channel *ch);
static inline uint32_t channel_filters_done(const struct channel *ch)
{
    return atomic_load_explicit(&ch->filters_done, memory_order_acquire);
}
// How long lines may be silent, below the next number or behind a snapshot: ticks.
static inline uint64_t channel_patience(const struct channel *ch)
{
    enum { WINDOWS = 1024 }; // where silence is not watched for
    return ch->config.line_stale_ticks ? ch->config.line_stale_ticks
                                       : ch->config.reorder_ticks * WINDOWS;
}

// The line brings the channel's session: what another one says against it is not enough.
static inline bool channel_line_lives(const struct channel *ch, uint32_t line, uint64_t now)
{
    return ch->lines[line]->packets > ch->not_own[line] &&
           now - ch->last_seen[line] < channel_patience(ch);
}

// What the channel keeps for itself and readers want: into its counters.
void channel_gauges(struct channel *ch);

// Gives every held frame back (stop).
void channel_drop_held(struct channel *ch);

static inline void channel_touched(struct channel *ch, uint32_t slot)
{
    struct channel_touch *t = ch->touch;
    if (t == NULL || t->marks[slot])
        return;
    t->marks[slot] = 1;
    t->slots[t->count++] = (uint16_t)slot;
}

// Trust in a symbol: the worst of the channel's and its own.
static inline enum quality channel_symbol_quality(const struct channel *ch, uint32_t slot)
{
    uint8_t own = ch->book.symbols[slot].quality;
    return own > ch->quality ? own : ch->quality;
}

static inline bool channel_wants(const struct channel *ch, uint16_t locate)
{
    return ch->filter == NULL || (ch->filter[locate >> 6] >> (locate & 63) & 1) || locate == 0;
}
