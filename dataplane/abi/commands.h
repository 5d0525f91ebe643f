// Commands: what the control plane asks of the dataplane. A few slots in the region, each with one
// request and its answer.
//
//   FREE ─claimed─► CLAIMED ─written─► POSTED ─taken─► TAKEN ─answered─► DONE ─read─► FREE
//                                        │               │
//                          poster gave up └─► FREE        └─► ABANDONED ─answered─► FREE
//
// FREE to CLAIMED, POSTED to TAKEN, POSTED to FREE, TAKEN to DONE and TAKEN to ABANDONED are
// compare-and-swap: two may want to leave the same state. The rest are release stores of the one
// who holds the slot. Request: written by the poster before POSTED (release), read by the taker
// after TAKEN (acquire). Answer: written by the taker before DONE (release), read by the poster
// after it saw DONE (acquire).
//
// The taker copies the request before it looks at it and checks every value: the poster is another
// process.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/abi/day_control.h"
#include "dataplane/abi/drop_copy.h"
#include "dataplane/abi/limit_control.h"
#include "dataplane/abi/limits.h"

enum command_type {
    COMMAND_NONE = 0,
#define COMMAND(upper, lower, target, help) COMMAND_##upper,
#include "dataplane/abi/commands.def"
    COMMAND_TYPES
};

enum command_state {
    COMMAND_FREE = 0,
    COMMAND_CLAIMED,
    COMMAND_POSTED,
    COMMAND_TAKEN,
    COMMAND_DONE,
    COMMAND_ABANDONED,
};

// COMMAND_RESULT(NAME, text)
#define COMMAND_RESULT_LIST(X)                                                              \
    X(OK, "done")                                                                           \
    X(UNKNOWN, "the dataplane does not know this command")                                  \
    X(BAD_ARGUMENT, "an argument is out of range")                                          \
    X(NO_SYMBOL, "the channel has no such symbol")                                          \
    X(NO_ORDER, "no such order in the book, or too many orders stand before it")            \
    X(BUSY, "a book is being loaded, or what was asked before is not done; ask again")      \
    X(NO_TRADING, "the lane does not trade: its configuration has no sessions")             \
    X(NO_PARAMETERS, "the strategy takes no parameters while it runs")                      \
    X(NOTHING, "it is so already")                                                          \
    X(NO_ROOM, "nobody drains the event ring: no room for its record, nothing was changed") \
    X(LIMIT_REFUSED, "a limit is not good; nothing was changed")                            \
    X(BEYOND, "the loss is still beyond its limit: set another limit first")                \
    X(NOT_RECORDED, "the journal has not taken the record in time; nothing was changed")    \
    X(DAY_REFUSED, "a file of the day is not good; what was in force stays")                \
    X(NOT_OPEN, "the session has no open order of this reference")                          \
    X(NOT_IN_DOUBT, "the order is not in doubt: cancel it")                                 \
    X(PARAMETERS_REFUSED, "the strategy refuses these parameters; those before hold")

enum command_result {
#define COMMAND_RESULT_ENUM(upper, text) COMMAND_RESULT_##upper,
    COMMAND_RESULT_LIST(COMMAND_RESULT_ENUM)
#undef COMMAND_RESULT_ENUM
        COMMAND_RESULTS
};

// Of a lane that trades, with a govern_request.
static inline bool command_governs(uint32_t type)
{
    return (type >= COMMAND_KILL && type <= COMMAND_STRATEGY_SET) || type == COMMAND_SIGNAL_STOP ||
           type == COMMAND_SIGNAL_RESUME || type == COMMAND_ORDER_CLOSE;
}

struct book_snapshot_request {
    uint32_t channel;
    uint32_t locate;
    uint32_t depth;      // levels a side, 1 to BOOK_DEPTH_MAX
    uint32_t instrument; // the symbol's row of limits, whose price band is asked for too; else none
};

// Whose limit up, limit down band holds the orders of a symbol. UNKNOWN: one should, but there is
// none to hold them to.
enum band_source { BAND_NONE, BAND_OF_FILE, BAND_ESTIMATED, BAND_UNKNOWN, BAND_SOURCES };

struct command_level {
    uint32_t price; // price4
    uint32_t orders;
    uint64_t shares;
};

struct book_snapshot_answer {
    uint64_t next_sequence; // of the channel: every message before it is in these levels
    uint64_t time_ns;       // of the channel's last message, by the exchange's clock
    uint32_t bid_count;
    uint32_t ask_count;
    uint8_t quality; // enum quality, the worst of symbol and channel
    uint8_t trading_state;
    uint8_t band; // enum band_source
    uint8_t unused[5];
    uint32_t band_low; // price4; of BAND_OF_FILE and BAND_ESTIMATED
    uint32_t band_high;
    struct command_level bids[BOOK_DEPTH_MAX]; // best first
    struct command_level asks[BOOK_DEPTH_MAX];
};

struct queue_position_request {
    uint32_t channel;
    uint32_t unused;
    uint64_t reference;
};

struct queue_position_answer {
    uint64_t next_sequence;
    uint64_t shares_ahead;
    uint32_t orders_ahead;
    uint32_t price;  // price4
    uint32_t shares; // of the order itself
    uint16_t locate;
    uint8_t side; // 0 bid, 1 ask
    uint8_t quality;
};

struct filter_set_request {
    uint32_t channel;
    uint32_t all;                  // 1: every symbol, the bitmap does not count
    uint64_t bitmap[LOCATES / 64]; // bit of a locate: follow it
};

struct filter_set_answer {
    uint32_t symbols; // followed from now on; LOCATES for all
    uint32_t unused;
};

// What a person orders of a lane that trades: KILL to STRATEGY_SET, ORDER_CLOSE, and
// SIGNAL_*, for the firm.
struct govern_request {
    uint32_t scope;                     // enum trade_scope; TRADE_STRATEGY for STRATEGY_*,
                                        // TRADE_SESSION for ORDER_CLOSE
    uint32_t index;                     // within the scope, 0 for TRADE_FIRM
    uint32_t user;                      // uid of whoever asks
    uint32_t chosen;                    // STRATEGY_SET: bits of the parameters that change;
                                        // SIGNAL_*: the source; HALT: enum halt_asker;
                                        // ORDER_CLOSE: the exchange's reference of the order
    int64_t parameters[PARAMETERS_MAX]; // STRATEGY_SET
    char reason[REASON_LEN];            // zero-terminated
};

// Who halts: trading state TRADING_HALTED, or TRADING_DROP_COPY.
enum halt_asker { HALT_BY_PERSON, HALT_BY_DROP_COPY };

struct govern_answer {
    uint64_t lifted;      // RESUME: bits of enum govern_lift
    uint32_t open_orders; // of the lane, before their cancels
    uint32_t limits_version;
    uint8_t was; // enum trading_state of the scope
    uint8_t now;
    uint8_t unused[6];
};

// What a RESUME took back.
enum govern_lift {
    LIFT_KILL = 1u << 0,       // of any asker
    LIFT_STATE = 1u << 1,      // HALTED or REDUCING
    LIFT_QUARANTINE = 1u << 2, // a symbol's: an execution that nobody ordered is claimed
    LIFT_SESSION = 1u << 3,    // a session that its egress check halted
    LIFT_REPEATS = 1u << 4,    // of a strategy: its orders are counted anew
    LIFT_LOSS = 1u << 5,       // the firm's or an account's: a limit on losses that was broken
};

enum { COMMAND_CONTROLS_MAX = 64 };

// SELF_TEST has no arguments. <at_limit>, <beyond>: enum refusal; what an order at the limit and
// one beyond it were answered with.
struct self_test_row {
    uint64_t value;
    uint64_t limit;
    uint16_t number; // enum refusal of the control, 0: no more rows
    uint16_t at_limit;
    uint16_t beyond;
    uint8_t scope; // enum trade_scope
    uint8_t passed;
};

struct self_test_answer {
    uint32_t controls;
    uint32_t failed;
    uint32_t untested;
    uint32_t recorded; // 1: the file that the configuration names was written
    struct self_test_row rows[COMMAND_CONTROLS_MAX];
};

struct command_slot {
    _Alignas(CACHE_LINE_LEN) _Atomic uint32_t state;
    uint32_t type;   // poster
    uint32_t result; // taker
    uint32_t unused1;
    uint64_t sequence; // taker: trading event of the taker from which on the command is in force, 0
                       // = none
    uint64_t unused2[5];
    union {
        struct book_snapshot_request book_snapshot;
        struct queue_position_request queue_position;
        struct filter_set_request filter_set;
        struct govern_request govern;
        struct limit_set_request limit_set;
        struct limits_list_request limits_list;
        struct reload_request reload;
        struct drop_copy_request drop_copy;
        uint8_t bytes[8256];
    } request;
    union {
        struct book_snapshot_answer book_snapshot;
        struct queue_position_answer queue_position;
        struct filter_set_answer filter_set;
        struct govern_answer govern;
        struct limit_set_answer limit_set;
        struct limits_list_answer limits_list;
        struct self_test_answer self_test;
        struct reload_answer reload;
        struct drop_copy_answer drop_copy;
        uint8_t bytes[COMMAND_SLOT_LEN - 64 - 8256];
    } answer;
};
_Static_assert(sizeof(struct command_slot) == COMMAND_SLOT_LEN, "command_slot");

// Doorbells: a taker looks at one word per turn, and at the slots only when it changed. Writers:
// posters, by atomic add after the slot is POSTED. One line each, so that a turn finds it in its
// own cache.
struct command_bell {
    _Alignas(CACHE_LINE_LEN) _Atomic uint64_t rung;
    uint64_t unused[7];
};

// --- taker (dataplane) ---

static inline bool command_rung(const struct command_bell *bell, uint64_t *seen)
{
    uint64_t rung = atomic_load_explicit(&bell->rung, memory_order_acquire);
    bool changed = rung != *seen;
    *seen = rung;
    return changed;
}

// The state of a slot that is posted names who may take it, so that a taker cannot get hold of a
// slot that was withdrawn and posted for another meanwhile. <target>: lane, or LANE_MAIN.
static inline uint32_t command_posted(uint32_t target)
{
    return COMMAND_POSTED | target << 8;
}

// Takes the slot if it is posted for <target>.
static inline bool command_take(struct command_slot *slot, uint32_t target)
{
    uint32_t expected = command_posted(target);
    return atomic_load_explicit(&slot->state, memory_order_relaxed) == expected &&
           atomic_compare_exchange_strong_explicit(&slot->state, &expected, COMMAND_TAKEN,
                                                   memory_order_acquire, memory_order_relaxed);
}

// The answer is written; <sequence> as in struct command_slot.
static inline void command_answer(struct command_slot *slot, enum command_result result,
                                  uint64_t sequence)
{
    uint32_t expected = COMMAND_TAKEN;
    slot->result = result;
    slot->sequence = sequence;
    if (!atomic_compare_exchange_strong_explicit(&slot->state, &expected, COMMAND_DONE,
                                                 memory_order_release, memory_order_relaxed))
        atomic_store_explicit(&slot->state, COMMAND_FREE, memory_order_release); // was abandoned
}

// --- poster (control plane) ---

// A free slot, claimed; null when all are in use.
static inline struct command_slot *command_claim(struct command_slot *slots)
{
    for (uint32_t i = 0; i < COMMAND_SLOTS; i++) {
        uint32_t expected = COMMAND_FREE;
        if (atomic_compare_exchange_strong_explicit(&slots[i].state, &expected, COMMAND_CLAIMED,
                                                    memory_order_acquire, memory_order_relaxed))
            return &slots[i];
    }
    return NULL;
}

// Type and request are written; <bell> is that of <target>.
static inline void command_post(struct command_slot *slot, uint32_t target,
                                struct command_bell *bell)
{
    atomic_store_explicit(&slot->state, command_posted(target), memory_order_release);
    atomic_fetch_add_explicit(&bell->rung, 1, memory_order_release);
}

static inline bool command_done(const struct command_slot *slot)
{
    return atomic_load_explicit(&slot->state, memory_order_acquire) == COMMAND_DONE;
}

static inline void command_release(struct command_slot *slot)
{
    atomic_store_explicit(&slot->state, COMMAND_FREE, memory_order_release);
}

// The poster no longer waits for <target>. True: it was done in the meantime, and the slot is still
// the poster's.
static inline bool command_abandon(struct command_slot *slot, uint32_t target)
{
    uint32_t state = command_posted(target);
    if (atomic_compare_exchange_strong_explicit(&slot->state, &state, COMMAND_FREE,
                                                memory_order_relaxed, memory_order_relaxed))
        return false;
    state = COMMAND_TAKEN;
    if (atomic_compare_exchange_strong_explicit(&slot->state, &state, COMMAND_ABANDONED,
                                                memory_order_acquire, memory_order_acquire))
        return false;
    return state == COMMAND_DONE;
}
