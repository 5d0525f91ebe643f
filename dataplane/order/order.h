// Our own orders: a fixed pool, the way from an exchange's reference to an order, and the state
// machine (states.def).
//
// One lane owns a table. An order keeps its place from approval until long after its end: places
// are taken again in the order in which their orders ended, so that a late message still finds its
// order. A reference leads to its order in one step: a table with a word per reference of the day
// and session.
//
// Prices are price4, quantities shares. The owner of the table moves exposure and positions by what
// order_outcome says; this room knows nothing of risk.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/limits.h"
#include "dataplane/base/hints.h"
#include "dataplane/wire/ouch.h"
#include "dataplane/wire/ouch_extras.h"

#define OWN_NONE UINT32_MAX

enum order_life {
    LIFE_PENDING, // sent, the exchange has not answered
    LIFE_LIVE,
    LIFE_UNKNOWN, // sent, the exchange may have it; what it may execute stays reserved
    LIFE_DEAD,
    LIVES
};

enum order_wait {
    WAIT_REPLACE = 1u << 0,
    WAIT_MODIFY = 1u << 1,
    WAIT_CANCEL = 1u << 2,
    WAIT_CHANGE = WAIT_REPLACE | WAIT_MODIFY,
    WAITS = 8
};

enum order_flag {
    ORDER_ACCEPTED = 1u << 0,      // its acceptance has been read
    ORDER_QUARANTINED = 1u << 1,   // the exchange contradicted itself: it can only be cancelled
    ORDER_CANCEL_QUEUED = 1u << 2, // a cancel waits for the session
    ORDER_ADOPTED = 1u << 3,       // from the venue's stream, not from a decision of this process
    ORDER_ASKED = 1u << 4,         // silent: the session was told
    ORDER_TIMED = 1u << 5,         // in the list of timers
    ORDER_EXTRAS = 1u << 6,        // order_extras has what it asked for beside its price
    ORDER_PARKED = 1u << 7,        // it, or a change of it, has not left yet: change_total, _price
};

// Rows of states.def: reports first.
enum order_message {
#define ORDER_ROW(message, ...) ORDER_MESSAGE_##message,
#include "dataplane/order/states.def"
    ORDER_MESSAGES
};

enum { ORDER_SEEN_MESSAGES = 4, ORDER_CANCELS_MAX = 8 };

struct own_order {
    // What its messages touch.
    CACHE_ALIGN uint64_t exchange_ref;
    uint32_t ref;        // by which the exchange knows it
    uint32_t change_ref; // of the replace on its way
    uint32_t cancel_ref; // which the last cancel named
    uint32_t quantity;   // as entered, or as replaced: total of the chain
    uint32_t open;       // shares that the exchange has not executed or taken off
    uint32_t filled;     // executed in the chain, broken ones taken off again
    uint32_t prevented;  // taken off by the exchange's self-match prevention, in the chain
    uint32_t price;
    uint32_t change_total; // of the replace or modify on its way
    uint32_t change_price;
    uint32_t cancel_total; // shares that may execute in total after the cancel; 0: no more
    uint32_t executed;     // taken off the chain by executions, whatever became of them since
    uint8_t life;          // enum order_life
    uint8_t waits;         // enum order_wait
    uint8_t flags;         // enum order_flag
    char side;             // B S T E
    char change_side;
    char time_in_force;
    char display;
    uint8_t cancels; // sent with cancel_total

    // Whose it is, and what it holds.
    CACHE_ALIGN uint64_t client_id; // the owner's own name for it
    uint64_t held_notional;         // reserved
    uint32_t held_shares;
    uint32_t held_orders;
    uint32_t position; // in the risk room's table
    uint32_t generation;
    uint16_t account;
    uint16_t strategy;
    uint16_t instrument;
    uint8_t session;
    uint8_t reason_kind; // enum order_message that ended it
    uint32_t reason;     // letter, code or refusal that came with it
    uint32_t seen_count;
    uint64_t sent_tsc;
    uint32_t limit;      // as asked for: a better price that was accepted may come back to it
    uint32_t discretion; // goes beyond the price; 0: none

    // Lists and memory of what was read.
    CACHE_ALIGN uint64_t silent_at;
    uint32_t timer_next, timer_prev;
    uint32_t open_next, open_prev;      // of the session
    uint32_t cancel_next, cancel_prev;  // of the session's queue
    uint64_t seen[ORDER_SEEN_MESSAGES]; // fingerprints, to know a message that comes twice
};
_Static_assert(sizeof(struct own_order) == 3 * CACHE_LINE, "three lines an order");

// An execution, so that it can be broken, corrected, and known when it comes twice.
struct execution {
    uint64_t match;
    uint32_t order;
    uint32_t generation; // of the order: its place may have been taken again
    uint32_t shares;     // 0: broken
    uint32_t price;
    uint32_t ref; // 0: no execution
    uint32_t position;
    uint16_t account;
    uint16_t strategy;
    uint16_t instrument;
    uint8_t session;
    bool sells;
    bool early; // broken or corrected before it was told
};

enum order_effect_bits {
    DID_CHANGE = 1u << 0,    // life, quantities, price or what is on its way
    DID_END = 1u << 1,       // it is dead now
    DID_FILL = 1u << 2,      // <shares> at <price>: move the position
    DID_BREAK = 1u << 3,     // <shares> at <price> of an earlier execution are undone
    DID_WRONG = 1u << 4,     // impossible: counted, quarantined
    DID_DUPLICATE = 1u << 5, // read before: ignored, quarantined
    DID_UNCLAIMED = 1u << 6, // an execution, or acceptance, of an order that was over
    DO_CANCEL = 1u << 7,     // send a cancel (again)
    DO_ASK = 1u << 8,        // the exchange is silent: an account query tells
};

struct order_outcome {
    uint32_t did; // enum order_effect_bits
    uint32_t shares;
    uint32_t price;
    uint32_t broken_shares; // DID_BREAK; with DID_FILL: first these leave the position
    uint32_t broken_price;
    uint32_t executed; // shares that an execution has taken off the order
    uint64_t match;
};

struct order_ref {
    uint32_t generation;
    uint32_t order; // + 1; 0: none
};

struct order_list {
    uint32_t first, last;
};

struct order_session {
    struct order_ref *refs; // refs_max of them, by reference
    uint32_t next_ref;
    uint32_t mass_ref; // of the last cancel of everything, which is for all numbers below it
    uint32_t open_count;
    struct order_list open;    // not dead, oldest first
    struct order_list cancels; // ORDER_CANCEL_QUEUED, oldest first
    uint32_t cancel_count;
};

struct order_config {
    uint32_t orders; // pool
    uint32_t sessions;
    uint32_t refs_max;   // of a day and session
    uint32_t executions; // power of two, at most half of them are used
    uint64_t silence_ticks;
};

struct order_table {
    struct own_order *orders;
    uint32_t *ended; // ring of free places, those that ended first come first
    uint32_t ended_first;
    uint32_t ended_count;
    uint32_t capacity;
    uint32_t refs_max;
    uint32_t execution_mask;
    uint32_t execution_count;
    struct execution *executions;
    struct ouch_extras *extras; // by order
    struct order_list timers;   // the next to fall silent first
    uint64_t silence_ticks;
    uint64_t wrong; // impossible messages
    uint64_t duplicates;
    uint64_t executions_refused; // found no room: cannot be broken any more
    struct order_session sessions[SESSIONS_MAX];
};

// --- set-up

uint64_t orders_bytes(const struct order_config *config);
// <memory>: orders_bytes() zeroed bytes, aligned to a cache line.
void orders_init(struct order_table *t, const struct order_config *config, void *memory);

// --- the pool

struct order_new {
    uint64_t client_id;
    uint32_t ref;
    uint32_t quantity;
    uint32_t price;
    uint32_t position;
    uint16_t account;
    uint16_t strategy;
    uint16_t instrument;
    uint8_t session;
    char side;
    char time_in_force;
    char display;
};

// What is open goes on executing: that has the room from here to seven eighths.
static inline bool orders_executed_full(const struct order_table *t)
{
    return t->execution_count > t->execution_mask / 2;
}

static inline bool orders_full(const struct order_table *t)
{
    return t->ended_count == 0 || orders_executed_full(t);
}

// A pending order with its reference; OWN_NONE: no place, or the reference is beyond the day's.
uint32_t orders_open(struct order_table *t, const struct order_new *new);

static inline struct own_order *orders_at(const struct order_table *t, uint32_t index)
{
    return &t->orders[index];
}

// What a new order asks for beside its price. <extras> have been checked; they are copied.
void order_extras_set(struct order_table *t, uint32_t index, const struct ouch_extras *extras);
// Null: nothing.
static inline const struct ouch_extras *order_extras(const struct order_table *t, uint32_t index)
{
    return UNLIKELY(t->orders[index].flags & ORDER_EXTRAS) ? &t->extras[index] : NULL;
}

// The order that a reference belongs or belonged to; OWN_NONE: not in the table any more, or never.
uint32_t orders_find(const struct order_table *t, uint32_t session, uint32_t ref);
// The next free reference of a session; 0: used up.
static inline uint32_t orders_next_ref(const struct order_table *t, uint32_t session)
{
    const uint32_t ref = t->sessions[session].next_ref;
    return ref < t->refs_max ? ref : 0;
}

// A cancel of everything of the session has left under the next reference.
static inline void order_mass_begin(struct order_table *t, uint32_t session)
{
    t->sessions[session].mass_ref = t->sessions[session].next_ref++;
}

// A message of the session itself has used the next reference.
static inline void order_ref_use(struct order_table *t, uint32_t session)
{
    t->sessions[session].next_ref++;
}

// The message with this reference did not leave: if it was the session's last one it is free again.
void order_ref_return(struct order_table *t, uint32_t session, uint32_t ref);

// --- what we do

// A replace (with its own reference) or a modify is approved and goes out. <total>: as in the
// message.
bool order_replace_begin(struct order_table *t, uint32_t index, uint32_t ref, uint32_t total,
                         uint32_t price);
void order_modify_begin(struct order_table *t, uint32_t index, uint32_t total, char side);
// Which number a cancel names: while a replace is on its way the new one. In doubt nobody knows
// whether the replace has ever arrived, so the two in turn.
static inline uint32_t order_cancel_ref(const struct own_order *o)
{
    const bool old = o->flags & ORDER_QUARANTINED && o->cancels & 1;
    return o->waits & WAIT_REPLACE && !old ? o->change_ref : o->ref;
}

// Over, and the exchange never had it: lost with its connection, or it has not left.
static inline bool order_not_received(const struct own_order *o)
{
    return o->life == LIFE_DEAD &&
           (o->reason_kind == ORDER_MESSAGE_NOT_SEEN || o->reason_kind == ORDER_MESSAGE_NOT_SENT);
}

// What the exchange compares the total of a cancel with, at most: from there on it changes nothing,
// and there is no answer.
static inline uint64_t order_total(const struct own_order *o)
{
    const bool changes = o->waits & WAIT_CHANGE || o->flags & ORDER_PARKED;
    const uint64_t total = (uint64_t)o->open + o->executed + o->prevented;
    return changes && o->change_total > total ? o->change_total : total;
}

// What a replace or modify on its way leaves open.
static inline uint32_t order_change_open(const struct own_order *o)
{
    const uint32_t gone = o->filled + o->prevented;
    return o->change_total > gone ? o->change_total - gone : 0;
}

// A cancel goes out; <total> as in the message. Returns the reference that it names.
uint32_t order_cancel_begin(struct order_table *t, uint32_t index, uint32_t total);
void order_cancel_enqueue(struct order_table *t, uint32_t index, uint32_t total);
// The oldest queued cancel leaves the queue; OWN_NONE: there is none.
uint32_t order_cancel_dequeue(struct order_table *t, uint32_t session);
// An answer is expected from now on.
void order_timer_start(struct order_table *t, uint32_t index, uint64_t now);
void order_timer_stop(struct order_table *t, uint32_t index);
// The next order whose answer is overdue, taken out of the list; OWN_NONE: none.
uint32_t order_overdue(struct order_table *t, uint64_t now);

// --- what the exchange says

// <r->kind> is one of an order's, and the order that orders_find gave for <r->ref>.
void order_report(struct order_table *t, uint32_t index, const struct ouch_report *r,
                  struct order_outcome *out);
// What the session, a person or the desk finds out: rows NOT_SENT to OTHER_SYMBOL.
void order_found_out(struct order_table *t, uint32_t index, enum order_message message,
                     struct order_outcome *out);
// What an event has as <match>: the number of an execution, of a cancel the shares it takes off.
static inline uint64_t order_report_number(const struct ouch_report *r)
{
    return r->kind == REPORT_CANCELED ? r->quantity : r->match;
}
// A replaced message names the chain by its old reference; a fill may name the new one.
static inline uint32_t order_ref_of(const struct ouch_report *r)
{
    return r->kind == REPORT_REPLACED || r->kind == REPORT_REPLACED_DEAD ? r->ref_was : r->ref;
}

// --- what it may still do

struct order_worst {
    uint64_t notional;
    uint32_t shares;
    uint32_t orders;
};

// At worst, whichever of the replace on its way and the order as it is comes true.
struct order_worst order_worst(const struct own_order *o);
// The exchange may neither hold nor execute it at <price>: beyond its limit and its discretion.
bool order_beyond(const struct order_table *t, uint32_t index, uint32_t price);

static inline bool side_sells(char side)
{
    return side != 'B';
}

// --- executions

struct execution *execution_find(struct order_table *t, uint32_t session, uint32_t ref,
                                 uint64_t match);
// Remembers one; null: the table is full.
struct execution *execution_add(struct order_table *t, uint32_t index, uint32_t ref, uint64_t match,
                                uint32_t shares, uint32_t price);

const char *order_life_name(enum order_life life);
const char *order_message_name(enum order_message message);

// --- invariants, for tests: false with a line of text

bool orders_check(const struct order_table *t, char *why, uint32_t why_len);
