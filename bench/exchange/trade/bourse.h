// The trading half of the exchange as functions over bytes: what members send comes in, what they
// get, what the market data lines say and what the log holds come out. No sockets, no threads, no
// clock of its own, no randomness but its seed: the same calls give the same bytes. The program
// puts it behind TCP; simulations call it with virtual time.
//
// It shares no codec, session or book code with the dataplane, so that one misreading of a
// specification is not made twice. One instance belongs to one thread.
//
// A step of a simulation:
//
//     bourse_clock(b, now_ns, day_ns);             timers, heartbeats, what is due
//     bourse_market(b, message, length);           ITCH of everybody else, as it happens
//     bourse_receive(b, visitor, bytes, length);   what TCP has delivered, cut anywhere
//     while ((n = bourse_send(b, visitor, out, sizeof out)) > 0) ...   what TCP shall carry
//     if (bourse_closing(b, visitor) != BOURSE_STAYS) ... close or reset, then bourse_disconnect
//
// config.publish is called, inside these calls, with each ITCH message in its order; config.record
// with each line of the log.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/error.h"

enum {
    BOURSE_MEMBERS = 16, // accounts
    BOURSE_COPIES = 4,   // drop copies
    BOURSE_PARTIES = BOURSE_MEMBERS + BOURSE_COPIES,
    BOURSE_VISITORS = 64,     // connections at a time
    BOURSE_NONE = 255,        // no member
    BOURSE_ITCH_MAX = 50,     // bytes of a published message
    BOURSE_MESSAGE_MAX = 512, // bytes of an OUCH message in either direction
};

enum bourse_protocol { BOURSE_OUCH_50, BOURSE_OUCH_42 };

// Prevention of trades of a member with itself.
enum bourse_self_match {
    BOURSE_SELF_TRADES,    // none
    BOURSE_SELF_DECREMENT, // both orders lose the shares that would have traded
    BOURSE_SELF_NEWEST,    // the incoming order is cancelled
    BOURSE_SELF_OLDEST,    // the resting order is cancelled
};

struct bourse_member {
    char user[7], password[11]; // compared without case
    char firm[5];               // MPID, blank: "TGTE"
    char session[11];           // of SoupBinTCP, digits at its end count up when it is reset
    enum bourse_protocol protocol;
    enum bourse_self_match self_match;
    bool cancel_on_disconnect;
};

struct bourse_rules {
    uint32_t
        price_limit_percent; // orders further than this from the last price are refused; 0: none
    uint32_t orders_max;     // open orders of a member; 0: 1,000,000
    bool post_only_slides;   // such an order moves one tick away instead of being cancelled
    bool status_needed;      // a symbol without trading status is halted (else it trades)
    bool pegs_refused;       // no pegged orders
};

// What the exchange does wrong on purpose. Probabilities are of 2^32 for each chance; every choice
// comes from the seed and the number of the chance, never from time.
struct bourse_faults {
    uint32_t seed;            // in the place of the day's; 0: that
    uint32_t cut_bytes;       // a connection ends after 1 to 2 x cut_bytes more bytes out; 0: never
    uint32_t cut_in_bytes;    // the same for bytes in: the last packet may be read in part only
    bool cut_resets;          // with a reset, and what was not taken yet is lost
    uint32_t late_below;      // a sequenced message and all behind it wait
    uint32_t late_us;         // for 1 to this many microseconds (10,000 when 0)
    uint32_t duplicate_below; // a sequenced message comes twice, with a number each
    uint32_t missing_below;   // a sequenced message of <missing_types> does not come at all
    char missing_types[16];   // OUCH letters; empty: "AUM"
    uint32_t reorder_below;   // a sequenced message of <reorder_types> changes places with the next
    char reorder_types[16];   // empty: "AUMCJPI", acknowledgements
    uint32_t reject_below;    // an enter or replace that is in order is rejected (any reason)
    uint32_t cancel_below;    // at each request some open order of its member is cancelled unasked
    uint32_t break_below;     // at each execution some execution of that member is broken
    uint32_t reset_below;     // at each heartbeat of a member its session ends: orders cancelled,
                              // end of session, a new one with number 1
    uint32_t forget_below;    // at each login the old session is forgotten without a word
    uint32_t garbage_below;   // a sequenced message that means nothing comes in between
    uint32_t silent_below;    // at each heartbeat: nothing at all is sent any more until reconnect
    // Of drop copies only; members are told what is true.
    uint32_t drop_missing_below; // a message of <drop_types> is not copied
    uint32_t drop_double_below;  // it is copied twice
    uint32_t drop_wrong_below;   // it is copied with one share more
    char drop_types[16];         // OUCH letters; empty: "ECDB"
    uint32_t drop_foreign_below; // at each execution another one is copied that never was
    uint32_t drop_late_below;    // a copy and all behind it wait
    uint32_t drop_late_us;       // for 1 to this many microseconds (10,000 when 0)
};

struct bourse_record; // below

struct bourse_config {
    char name[11]; // of the venue, in the log
    uint64_t seed;
    // Drop copies stand behind the places of members, from BOURSE_MEMBERS on: they get what happens
    // to the orders of all members of their firm.
    struct bourse_member members[BOURSE_PARTIES];
    uint32_t member_count, copy_count;
    struct bourse_rules rules;
    struct bourse_faults faults;
    uint32_t latency_in_us;  // from the arrival of a request until it is handled
    uint32_t latency_out_us; // from an answer until its bytes can be taken
    uint32_t heartbeat_ms;   // 0: 1,000
    uint32_t silence_ms;     // a member is disconnected after so long without a byte; 0: 15,000
    uint32_t login_ms;       // and without a login; 0: 30,000
    // Millionths of a dollar a share, paid by the member: positive is a fee, negative a rebate.
    int32_t fee_add_micro, fee_remove_micro;
    void *context;                                                           // of both
    void (*publish)(void *context, const uint8_t *message, uint32_t length); // may be NULL
    void (*record)(void *context, const struct bourse_record *record);       // may be NULL
};

enum bourse_event {
#define BOURSE_EVENT(name, text, help) BOURSE_##name,
#include "bench/exchange/trade/bourse_events.def"
#undef BOURSE_EVENT
    BOURSE_EVENTS,
};

// One line of the log. Fields without a meaning for the event are 0 or empty.
struct bourse_record {
    uint64_t number; // 1, 2, 3 ...
    uint64_t now_ns, day_ns;
    enum bourse_event event;
    uint8_t member;                       // BOURSE_NONE: nobody's
    uint8_t user_ref_index;               // OUCH 5.0 with several series of numbers
    uint32_t user_ref, user_ref_original; // OUCH 5.0; original: of a replace
    char token[15], token_original[15];   // OUCH 4.2: Order Token; 5.0: ClOrdID
    uint16_t locate;
    char symbol[9];
    char side;          // B S T E
    char liquidity;     // of an execution
    uint16_t reason;    // letter or number as sent
    uint32_t quantity;  // of the event
    uint32_t open;      // shares of the order still open afterwards
    uint32_t executed;  // shares of its chain executed so far, broken ones not counted
    uint64_t price;     // four decimals
    uint64_t reference; // of the order on the market data lines
    uint64_t match;     // of an execution
    int64_t position;   // shares of the member in the symbol afterwards
    int64_t cash_micro; // money of the member from this symbol afterwards, fees included
    int64_t fee_micro;  // of this execution
    const char *text;   // a few words or NULL; valid during the call
};

extern const char *const bourse_event_names[BOURSE_EVENTS];

struct bourse;

// NULL with the error filled: a configuration that cannot be, or no memory.
struct bourse *bourse_make(const struct bourse_config *config, struct error *err);
void bourse_free(struct bourse *b);

// Time goes on; neither clock goes back. <now_ns> drives timers, latencies and heartbeats, <day_ns>
// (since midnight) is what messages are stamped with and what expires orders; 0: only market
// messages move it. Does all that has become due.
void bourse_clock(struct bourse *b, uint64_t now_ns, uint64_t day_ns);

// When bourse_clock next has something to do, in now_ns; UINT64_MAX: only on new input.
uint64_t bourse_due(const struct bourse *b);

// An ITCH message of the replayed or generated market. It is published as it is, or as what is left
// of it when orders of members have taken its shares or stand before it in priority.
void bourse_market(struct bourse *b, const uint8_t *message, uint32_t length);

// A symbol that no market message has named: publishes its directory entry and trading status T.
// <name> is padded with blanks. False when the locate is taken.
bool bourse_symbol(struct bourse *b, uint16_t locate, const char *name);

// A client has connected. Answers the visitor's number, -1 when there are too many.
int bourse_connect(struct bourse *b);
// The same at the door of the drop copies.
int bourse_connect_copy(struct bourse *b);

// Bytes of a visitor; all are taken.
void bourse_receive(struct bourse *b, int visitor, const uint8_t *bytes, uint32_t length);

// Bytes for a visitor, at most <room>; they are gone from here. 0: nothing now.
uint32_t bourse_send(struct bourse *b, int visitor, uint8_t *bytes, uint32_t room);

enum bourse_closing {
    BOURSE_STAYS,
    BOURSE_CLOSES, // close the connection once bourse_send answers 0
    BOURSE_RESETS, // reset it at once
};
enum bourse_closing bourse_closing(const struct bourse *b, int visitor);

// The connection is gone, whoever ended it. The number may be used again afterwards.
void bourse_disconnect(struct bourse *b, int visitor);

// --- the exchange acts by itself
// -------------------------------------------------------------------

// Breaks an execution, for both sides when both are members; false when there is none of this
// number.
bool bourse_break(struct bourse *b, uint64_t match, char reason);
// Cancels what is open of an order; by its reference number. False when no such order is open.
bool bourse_cancel(struct bourse *b, uint64_t reference, char reason);
// Trading state of a symbol: T, H, P or Q; published. False when there is no such symbol.
bool bourse_halt(struct bourse *b, uint16_t locate, char state);
// No misbehaviour from here on; what was held back goes out.
void bourse_behave(struct bourse *b);
// Ends the connection of a member, if it has one.
void bourse_drop(struct bourse *b, uint32_t member, bool reset);
// Cancels its open orders, ends its session, and opens the next one.
void bourse_session_end(struct bourse *b, uint32_t member);
// End of the day: OUCH end-of-day event, open orders cancelled, a BALANCE record for every member
// and symbol with trades, end of session for everybody. Nothing is accepted afterwards.
void bourse_end(struct bourse *b);

// --- what is true --------------------------------------------------------------------------------

struct bourse_order {
    uint32_t user_ref;
    uint8_t user_ref_index;
    char token[15];
    uint16_t locate;
    char side;
    uint64_t price;
    uint64_t limit;      // as entered: a better price may come back to it
    uint64_t discretion; // price up to which it trades, 0: its price
    uint64_t reference;
    uint32_t quantity; // accepted with
    uint32_t open;     // 0: dead
    uint32_t executed; // of this order, broken executions not counted
};

// Orders ever accepted of a member, and one of them by place (0 is the first).
uint32_t bourse_order_count(const struct bourse *b, uint32_t member);
void bourse_order_at(const struct bourse *b, uint32_t member, uint32_t place,
                     struct bourse_order *order);
int64_t bourse_position(const struct bourse *b, uint32_t member, uint16_t locate);
int64_t bourse_cash_micro(const struct bourse *b, uint32_t member, uint16_t locate);
uint32_t bourse_open_orders(const struct bourse *b, uint32_t member);
// Sequenced messages of the member's current session so far.
uint64_t bourse_sequenced(const struct bourse *b, uint32_t member);
// Best displayed price of a side (four decimals) and its shares; 0 when empty.
uint32_t bourse_best(const struct bourse *b, uint16_t locate, bool bid, uint64_t *shares);

struct bourse_counters {
    uint64_t requests, accepted, replaced, canceled, executed, rejected, ignored, broken, malformed;
    uint64_t market_messages, clamped_messages, clamped_shares, displaced_shares, suppressed;
    uint64_t published, sequenced, copied, logins, logins_refused, disconnects, faults, resets;
};
const struct bourse_counters *bourse_counters(const struct bourse *b);
