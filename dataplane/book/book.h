// L3 order book of one channel: every displayed order of every symbol, in price-time priority, in
// memory that is fixed at start.
//
// One writer: the lane that owns the channel (the main lcore while the channel is handed over for a
// snapshot). All prices are price4 (integers with four implied decimals), all sizes are shares. The
// operations of the hot path are in book_hot.h; this header is the data model and the slow side.
//
//   reference ─► order index ─► order ─► level ─► symbol side
//                               prev/next: time priority within the level
//                               levels of a side: sorted span, best at the end
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/hints.h"
#include "dataplane/book/order_index.h"
#include "dataplane/book/span.h"
#include "dataplane/book/symbol.h"

#define LEVEL_NONE UINT32_MAX

enum book_side { BOOK_BID = 0, BOOK_ASK = 1 };

struct level {
    uint32_t price;
    uint32_t owner; // symbol slot << 1 | side, LEVEL_NONE while the level is free
    uint32_t orders;
    uint32_t head; // oldest order; next free level in the pool
    uint32_t tail; // youngest order
    uint32_t unused;
    uint64_t shares;
};
_Static_assert(sizeof(struct level) == 32, "two levels to a cache line");

// What an operation did. Several bits may be set; 0 = done, best prices untouched.
enum book_result {
    BOOK_BEST = 1u << 0,    // price, shares or orders at the best bid or ask changed
    BOOK_UNKNOWN = 1u << 1, // no such reference: ignored (lost data or a start in mid-day)
    BOOK_FULL = 1u << 2, // orders, levels, spans or index exhausted: the order is not in the book
    BOOK_DUPLICATE = 1u << 3, // the reference is live already: ignored
    BOOK_CLAMPED = 1u << 4,   // a reduction larger than what was left: the order is gone
    BOOK_FOREIGN = 1u << 5,   // the reference belongs to another symbol: ignored
    BOOK_EMPTY = 1u << 6,     // an order without shares: ignored
};

struct book_config {
    uint32_t symbols; // symbol slots
    uint32_t orders;  // live orders
    uint32_t levels;  // live price levels, all symbols
    uint32_t spans;   // units of SPAN_UNIT bytes for the sorted price arrays
    uint32_t matches; // executions remembered for broken trades, power of two
};

// One execution, remembered so that a broken trade can be taken back from the volume.
struct book_match {
    uint64_t number; // 0: empty
    uint32_t shares;
    uint32_t price;
    uint32_t slot; // symbol
    uint32_t unused;
};

struct book {
    struct order *orders;
    struct level *levels;
    struct book_symbol *symbols;
    struct order_index index;
    struct span_arena spans;
    uint32_t
        order_free; // head of the pool's free list (last in, first out: the warmest line first)
    uint32_t order_next; // orders never used yet start here
    uint32_t level_free;
    uint32_t level_next;
    uint32_t orders_live;
    uint32_t orders_peak;
    uint32_t levels_live;
    uint32_t symbol_count;
    uint16_t *slot_of_locate; // 65,536 entries, SYMBOL_NONE where no symbol
    uint16_t *slot_of_name;   // hash of the name -> slot, open addressing, name_mask + 1 entries
    uint32_t name_mask;
    struct symbol_info *infos;
    struct book_match *matches;
    struct book_config config;
};

// Fills the sizes that follow from <orders> where they are 0: levels = orders, spans = 4 entries
// per level, matches = 262,144.
void book_config_defaults(struct book_config *config);

struct bill_line {
    const char *name;
    uint64_t bytes;
};
enum { BOOK_BILL_LINES = 9 };

// Bytes of the block that book_init needs; <bill> (may be null) gets BOOK_BILL_LINES items that add
// up to it.
uint64_t book_bytes(const struct book_config *config, struct bill_line *bill);

// <memory> holds book_bytes() zeroed bytes, aligned to a cache line, and outlives the book.
void book_init(struct book *book, const struct book_config *config, void *memory);

// Forgets all orders, symbols and matches (new session, snapshot). Not for a lane: time grows with
// the book.
void book_reset(struct book *book);

// Slot of a locate, opened if it is new; SYMBOL_NONE when all slots are taken. A new symbol is
// QUALITY_HALTED: the exchange has not said that it trades.
uint16_t book_symbol_open(struct book *book, uint16_t locate);

// Gives a symbol its name (8 characters, blanks on the right), once. False when it has another name
// already.
bool book_symbol_name(struct book *book, uint16_t slot, const char name[8]);

// Slot of a name of 8 characters as on the wire; SYMBOL_NONE when no symbol has it.
uint16_t book_symbol_find(const struct book *book, const char name[8]);

// --- reading (any thread that owns the book) ---

struct book_level {
    uint32_t price;
    uint32_t orders;
    uint64_t shares;
};

// Best <depth> levels of a side, best first; returns how many there are.
uint32_t book_depth(const struct book *book, uint32_t slot, enum book_side side, uint32_t depth,
                    struct book_level *out);

struct book_position {
    uint32_t price;
    uint32_t shares;       // of the order itself
    uint32_t orders_ahead; // displayed orders of the same level with priority
    uint64_t shares_ahead;
    uint16_t slot;
    uint8_t side;
};

// Queue position of a live order among displayed orders (hidden orders are not on the feed). Walks
// the queue: at most <steps_max> orders; false when the reference is unknown or the walk would be
// longer.
bool book_queue_position(const struct book *book, uint64_t ref, uint32_t steps_max,
                         struct book_position *out);

static inline const struct level *book_best(const struct book *book, const struct book_symbol *sym,
                                            enum book_side side)
{
    return sym->side[side].count ? &book->levels[sym->side[side].top] : NULL;
}

// --- invariants ---

// Walks everything: counts, sums, order of spans, queue links, index entries, best levels. False
// and one line of text at the first thing that does not hold.
bool book_check(const struct book *book, char *why, size_t why_len);
// The same for one symbol only: cheap enough after every message in tests.
bool book_check_symbol(const struct book *book, uint32_t slot, char *why, size_t why_len);
