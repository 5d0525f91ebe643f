// L3 order book of one channel: every displayed order of every symbol, in price-time priority, in
// memory that is fixed at start.
//
// One writer: the lane that owns the channel (the main lcore while the channel is handed over for a
// snapshot). All prices are price4 (integers with four implied decimals), all sizes are shares. The
// operations of the hot path are in book_hot.h; this header is the data model and the slow side.
//
//   reference ─► order ─► level ◄─ symbol, side, price
//                ring of a level and its orders: time priority
//   symbol side ─► span of sorted prices, best at the end
//
// Orders and levels are records of two hash tables in one array, and do not move (pair_table.h). A
// message that joins or leaves a queue therefore reads one line of orders and one of levels; the
// sorted prices are only needed when a level opens or closes, which few messages do.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/hints.h"
#include "dataplane/book/pair_table.h"
#include "dataplane/book/span.h"
#include "dataplane/book/symbol.h"

#define ORDER_NONE UINT32_MAX
#define LEVEL_NONE UINT32_MAX

enum book_side { BOOK_BID = 0, BOOK_ASK = 1 };

// One displayed order. Price, side and symbol are those of its level. A record of the order table:
// <away> and <reach> are the table's.
struct order {
    uint64_t ref; // 0: no order
    uint8_t away, reach;
    uint16_t unused;
    uint32_t shares; // displayed and still open
    uint32_t level;
    uint32_t mpid; // attribution as on the wire, 0 without one
    uint32_t next; // younger order, behind the youngest the level itself
    uint32_t prev; // older order, before the oldest the level itself
};
_Static_assert(sizeof(struct order) == PAIR_RECORD, "two orders to a cache line");

// One price of one side of one symbol: a record of the level table, whose key is price and owner.
struct level {
    uint32_t price;
    uint32_t owner; // (symbol slot + 1) << 1 | side; 0: no level
    uint8_t away, reach;
    uint8_t best; // 1: the best price of its side
    uint8_t unused;
    uint32_t orders;
    uint64_t shares;
    uint32_t first; // oldest order, the level itself while it has none
    uint32_t last;  // youngest order
};
_Static_assert(sizeof(struct level) == PAIR_RECORD, "two levels to a cache line");
_Static_assert(offsetof(struct order, next) == offsetof(struct pair_record, next) &&
                   offsetof(struct order, prev) == offsetof(struct pair_record, prev) &&
                   offsetof(struct level, first) == offsetof(struct pair_record, next) &&
                   offsetof(struct level, last) == offsetof(struct pair_record, prev),
               "a level and its orders are one ring");

// What an operation did. Several bits may be set; 0 = done, best prices untouched.
enum book_result {
    BOOK_BEST_BID = 1u << BOOK_BID, // price, shares or orders at the best bid changed
    BOOK_BEST_ASK = 1u << BOOK_ASK,
    BOOK_BEST = BOOK_BEST_BID | BOOK_BEST_ASK,
    BOOK_UNKNOWN = 1u << 2,   // no such reference: ignored (lost data or a start in mid-day)
    BOOK_FULL = 1u << 3,      // orders, levels or spans exhausted: the order is not in the book
    BOOK_DUPLICATE = 1u << 4, // the reference is live already: ignored
    BOOK_CLAMPED = 1u << 5,   // a reduction larger than what was left: the order is gone
    BOOK_FOREIGN = 1u << 6,   // the reference belongs to another symbol: ignored
    BOOK_EMPTY = 1u << 7,     // an order without shares or without a reference: ignored
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
    uint64_t shares; // a cross may print more than 32 bits hold
    uint32_t price;
    uint32_t slot; // symbol
};

struct book {
    struct pair_record *records; // orders, then levels
    struct book_symbol *symbols;
    struct pair_table order_table;
    struct pair_table level_table;
    struct span_arena spans;
    uint32_t orders_live;
    uint32_t orders_peak; // as of the packets' ends
    uint32_t levels_live;
    uint32_t symbol_count;
    uint16_t *slot_of_locate; // 65,536 entries, SYMBOL_NONE where no symbol
    uint16_t *slot_of_name;   // hash of the name -> slot, open addressing, name_mask + 1 entries
    uint32_t name_mask;
    struct symbol_info *infos;
    struct book_match *matches;
    struct book_config config;
};

static inline struct order *order_at(const struct book *book, uint32_t index)
{
    return (struct order *)(void *)&book->records[index];
}

static inline struct level *level_at(const struct book *book, uint32_t index)
{
    return (struct level *)(void *)&book->records[index];
}

// Fills the sizes that follow from <orders> where they are 0: levels = orders, spans = 4 entries
// per level, matches = 262,144.
void book_config_defaults(struct book_config *config);

struct bill_line {
    const char *name;
    uint64_t bytes;
};
enum { BOOK_BILL_LINES = 8 };

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
    return sym->side[side].top != LEVEL_NONE ? level_at(book, sym->side[side].top) : NULL;
}

// --- invariants ---

// Walks everything: counts, sums, order of spans, queue links, index entries, best levels. False
// and one line of text at the first thing that does not hold.
bool book_check(const struct book *book, char *why, size_t why_len);
// The same for one symbol only: cheap enough after every message in tests.
bool book_check_symbol(const struct book *book, uint32_t slot, char *why, size_t why_len);
