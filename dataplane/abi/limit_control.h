// Limits that a person may set while it runs: their names, numbers and units, and what is asked and
// answered about them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/limits.h"
#include "dataplane/abi/trade.h"

enum limit_section { LIMIT_LIMITS, LIMIT_SYMBOL, LIMIT_SESSION, LIMIT_ACTIONS };
enum limit_wider {
    LIMIT_WIDER_MORE,
    LIMIT_WIDER_LESS,
    LIMIT_WIDER_FEWER,
    LIMIT_WIDER_BITS,
    LIMIT_WIDER_EITHER
};

enum limit_control {
    LIMIT_CONTROL_NONE = 0,
#define LIMIT_CONTROL(number, section, key, unit, wider) LIMIT_##section##_##key = (number),
#include "dataplane/abi/limit_controls.def"
    LIMIT_CONTROL_ACTION = 64, // of the firm: what a check does, behind it by REFUSAL_BIT
    LIMIT_CONTROLS = 128
};

struct limit_control_info {
    const char *name; // of the key, null: there is no such number
    uint8_t section;  // enum limit_section
    uint8_t unit;     // enum limit_unit
    uint8_t wider;    // enum limit_wider
};

extern const struct limit_control_info limit_control_table[LIMIT_CONTROLS];

// "?" for a number that this version does not know.
const char *limit_control_name(unsigned control);
// The control of a name in a scope; LIMIT_CONTROL_NONE: it has none.
enum limit_control limit_control_find(enum trade_scope scope, const char *name);
bool limit_control_has(enum trade_scope scope, unsigned control);
// <now> instead of <was> may let something pass that was refused.
bool limit_widens(unsigned control, uint64_t was, uint64_t now);

// --- LIMIT_SET: all or nothing, at one place in the stream of every lane's orders

enum {
    LIMIT_CHANGES_MAX = 32,
    LIMIT_NAME_LEN = 24,
    LIMIT_VALUE_LEN = 96, // as many words as a list may have
    LIMIT_WHY_LEN = 640,  // the names of all limits of a symbol
};

struct limit_change {
    uint32_t scope; // enum trade_scope
    uint32_t index; // within the scope, 0 for TRADE_FIRM
    uint32_t owner; // enum limit_owned
    uint32_t unused;
    uint64_t until_ns;            // UTC; a raise ends by itself. 0: no end
    char control[LIMIT_NAME_LEN]; // key of the configuration, zero-terminated
    char value[LIMIT_VALUE_LEN];  // as the configuration takes it
};

// Who has set a limit. The most restrictive of them binds.
enum limit_owned { LIMIT_OF_FIRM, LIMIT_OF_BROKER, LIMIT_OWNERS };

// "firm", "broker"; "?" for a number that this version does not know.
const char *limit_owner_name(unsigned owner);
// LIMIT_OWNERS: there is no such owner.
enum limit_owned limit_owner_find(const char *name);
// What both owners may limit: X(CHECK that compares with it, key).
#define LIMIT_OWNED_LIST(X)               \
    X(QUANTITY, quantity)                 \
    X(AUCTION_QUANTITY, auction_quantity) \
    X(NOTIONAL, notional)                 \
    X(OPEN_ORDERS, open_orders)           \
    X(OPEN_NOTIONAL, open_notional)       \
    X(POSITION, position)                 \
    X(GROSS, gross)                       \
    X(DAY_VALUE, day_value)               \
    X(CREDIT, credit)                     \
    X(LOSS, loss)                         \
    X(DRAWDOWN, drawdown)                 \
    X(DAY_ORDERS, day_orders)             \
    X(ORDER_RATIO, order_ratio)           \
    X(DUPLICATE, duplicates)              \
    X(REPEATED, repeats)                  \
    X(INSTRUMENTS, instruments)

// The broker has what the section limits counts, and nothing of symbols and sessions alone.
bool limit_owner_has(enum limit_owned owner, unsigned control);
// The control whose limit a check compares with, where both owners may have one; else
// LIMIT_CONTROL_NONE.
enum limit_control limit_control_of(unsigned refusal);

// What became of a raise: it began, its time was over, a person has set the limit lower meanwhile.
enum limit_raise_state { LIMIT_RAISED, LIMIT_RAISE_OVER, LIMIT_RAISE_TAKEN_BACK };

enum limit_set_flag {
    LIMIT_SET_DRY = 1u << 0,  // says what it would do, and does nothing
    LIMIT_SET_BASE = 1u << 1, // another configuration: what no raise goes beyond without an end
};

#define LIMIT_NOBODY UINT32_MAX

struct limit_set_request {
    uint32_t user;   // uid of whoever asks
    uint32_t second; // uid of whoever has approved it, LIMIT_NOBODY: nobody had to
    uint32_t flags;  // bits of enum limit_set_flag
    uint32_t count;
    char reason[REASON_LEN];
    struct limit_change changes[LIMIT_CHANGES_MAX];
};

struct limit_changed {
    uint64_t was; // of this owner, as the configuration counts it
    uint64_t now;
    uint64_t bound; // what holds now, of both owners
    uint32_t binds; // enum limit_owned: whose that is
    uint32_t unused;
    uint64_t until_ns; // UTC; of the raise that it is part of, 0: of none
    uint64_t back;     // what holds behind that
};

struct limit_set_answer {
    uint64_t lanes;               // bits of the lanes that trade
    uint64_t sequence[LANES_MAX]; // the lane's event from which on it is in force; 0: that found no
                                  // room in the ring
    uint32_t version[LANES_MAX];  // of the lane's table
    uint32_t widens;              // 1: one of them lets more pass
    uint32_t unused;
    uint32_t count;  // changes that were made
    uint32_t faulty; // LIMIT_REFUSED: the change that was not good, and why
    struct limit_changed changes[LIMIT_CHANGES_MAX];
    char why[LIMIT_WHY_LEN];
};

// --- LIMITS_LIST: what is limited, from <cursor> on

struct limits_list_request {
    uint32_t scope;  // enum trade_scope, TRADE_SCOPES: all but symbols
    uint32_t index;  // UINT32_MAX: all of the scope
    uint64_t cursor; // 0: from the first
};

enum { LIMIT_ENTRIES_MAX = 60 };

enum limit_entry_flag {
    LIMIT_ENTRY_USE = 1u << 0,  // <use> and <room> say something: it is a sum
    LIMIT_ENTRY_PART = 1u << 1, // each lane has a part of it
    // Of losses: it was broken on a lane, and only what reduces a position enters there until a
    // person resumes its owner.
    LIMIT_ENTRY_BROKEN = 1u << 2,
    LIMIT_ENTRY_WARNED = 1u << 3, // <use> has reached <warn_at>, of a lane's part where it has one
};

struct limit_entry {
    uint64_t limit[LIMIT_OWNERS]; // LIMIT_NOTHING: this owner does not limit it
    uint64_t use;                 // of all lanes
    uint64_t room;                // what is left of it
    uint64_t until_ns;            // UTC: then it is <back> again; 0: no raise
    uint64_t back;
    uint64_t warn_at; // of the limit that binds; LIMIT_NOTHING: nobody is warned
    uint32_t index;
    uint8_t scope;
    uint8_t control;
    uint8_t flags;
    uint8_t binds; // enum limit_owned
};

#define LIMIT_NOTHING UINT64_MAX

struct limits_list_answer {
    uint64_t next; // cursor of what follows, 0: that was all
    uint32_t count;
    uint32_t unused;
    struct limit_entry entries[LIMIT_ENTRIES_MAX];
};
