// Words of trading that both processes use: refusals, scopes of a limit, trading states, and the
// kill words.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/limits.h"

enum refusal {
#define REFUSAL(number, upper, help) REFUSAL_##upper = (number),
#include "dataplane/abi/refusals.def"
    REFUSALS = 96
};

// "?" for a number that this version does not know.
const char *refusal_name(unsigned refusal);
const char *refusal_help(unsigned refusal);

// What value and limit of a refusal are counted in, and how they are written.
enum limit_unit {
    UNIT_NOTHING, // there is nothing to compare
    UNIT_NUMBER,
    UNIT_SHARES,
    UNIT_PRICE,       // price4
    UNIT_MONEY,       // price4 x shares
    UNIT_TICKS,       // of the time stamp counter, written in microseconds
    UNIT_QUALITY,     // enum quality
    UNIT_STATE,       // enum trading_state
    UNIT_ASKER,       // enum kill_asker + 1; no limit
    UNIT_PERMISSION,  // enum order_permission; no limit
    UNIT_RESTRICTION, // enum restriction; no limit
    UNIT_PHASE,       // enum trading_phase; no limit
    UNIT_SESSION,     // number of a session; no limit
    UNIT_BAND,        // hundredths of a percent
    UNIT_MILLISECONDS,
    UNIT_RECORD,      // enum record_state; no limit
    UNIT_NANOSECONDS, // written in microseconds; UINT64_MAX: not known
    UNIT_ACTION,      // as the configuration counts actions; no limit of a check
};

// The bit of a check in a word of checks: its number; from 64 on those of 32 to 52, which are no
// checks'. 79 is none either: CHECKS_OF_MARKET.
#define REFUSAL_BIT(number) ((number) < 64 ? (number) : (number)-32)

// Bits of all checks of the gate.
static inline uint64_t refusal_checks(void)
{
    return 0
#define REFUSAL(number, upper, help)
#define CHECK(number, upper, unit, word, help) | 1ull << REFUSAL_BIT(number)
#include "dataplane/abi/refusals.def"
        ;
}

// In the same word: the limit that has refused it is the broker's. The bit of REFUSAL_NONE, which
// is no check.
#define CHECKS_OF_BROKER UINT64_C(1)
// In the same word: a market order was asked for, and what is decided on is the limit that was made
// of it. The bit of 79, which is no check.
#define CHECKS_OF_MARKET (UINT64_C(1) << 47)

// The check that the gate makes as number <place>, from 0; REFUSAL_NONE: there are no more.
unsigned refusal_check(unsigned place);
// Is it a check of the gate, and does the word of checks <passed> have it?
bool refusal_is_check(unsigned refusal);
static inline bool refusal_has_passed(uint64_t passed, unsigned refusal)
{
    return refusal_is_check(refusal) && passed >> REFUSAL_BIT(refusal) & 1;
}

// Bits of the checks that an order has passed before it was refused by one; REFUSAL_NONE, or a
// number that is no check: all of them.
uint64_t refusal_passed(unsigned refusal);
// Are its value and limit ticks?
bool refusal_in_ticks(unsigned refusal);
// "PRICE_COLLAR: price=101.2500 limit=101.0000"; the name alone where nothing was compared.
// <ticks_hz>: of the time stamp counter, 0: ticks stay ticks. Always zero-terminated; returns
// <out>.
enum { REFUSAL_TEXT_LEN = 96 };
char *refusal_text(char out[REFUSAL_TEXT_LEN], unsigned refusal, uint64_t value, uint64_t limit,
                   uint64_t ticks_hz);

// What becomes of an order that fails a check, and of whom it belongs to. REFUSE: this order does
// not enter. BLOCK: and nothing of the scope whose limit it is. CANCEL: and what is open of it is
// cancelled. DISABLE: and everything of the order's session is cancelled, and it is logged out. All
// but the first last until a person resumes. NOTIFY: it is told, and the check lets the order pass.
#define ACTION_LIST(X)  \
    X(REFUSE, refuse)   \
    X(BLOCK, block)     \
    X(CANCEL, cancel)   \
    X(DISABLE, disable) \
    X(NOTIFY, notify)

enum control_action {
#define ACTION_ENUM(upper, lower) ACTION_##upper,
    ACTION_LIST(ACTION_ENUM)
#undef ACTION_ENUM
        CONTROL_ACTIONS
};

const char *action_name(unsigned action);
// Bits of enum control_action: those that a check may have. What is about the machine, or is what
// an action leads to, refuses; what the law or a hard limit asks for never only tells.
uint32_t actions_permitted(unsigned refusal);
// The configuration counts them by what they let pass: 0 notify, 1 refuse, ... 4 disable.
static inline enum control_action action_of(uint64_t configured)
{
    return configured == 0                ? ACTION_NOTIFY
           : configured < CONTROL_ACTIONS ? (enum control_action)(configured - 1)
                                          : ACTION_REFUSE;
}

// Whose limit it is. The tightest binds.
#define SCOPE_LIST(X)     \
    X(FIRM, firm)         \
    X(ACCOUNT, account)   \
    X(STRATEGY, strategy) \
    X(SYMBOL, symbol)     \
    X(SESSION, session)

enum trade_scope {
#define SCOPE_ENUM(upper, lower) TRADE_##upper,
    SCOPE_LIST(SCOPE_ENUM)
#undef SCOPE_ENUM
        TRADE_SCOPES
};

enum trading_state {
    TRADING_ACTIVE = 0,
    TRADING_REDUCING = 1,  // orders that make the position smaller, and cancels
    TRADING_HALTED = 2,    // cancels only
    TRADING_DROP_COPY = 3, // the same, as a drop copy differs or is lost
    TRADING_STATES
};

// How far an order session is; its counter <state>.
#define SESSION_STATE_LIST(X) \
    X(DOWN, down)             \
    X(CONNECTING, connecting) \
    X(LOGIN, login)           \
    X(REPLAY, replay)         \
    X(GAP, gap)               \
    X(READY, ready)

enum session_state {
#define SESSION_STATE_ENUM(upper, lower) SESSION_##upper,
    SESSION_STATE_LIST(SESSION_STATE_ENUM)
#undef SESSION_STATE_ENUM
        SESSION_STATES
};

// Why a session takes no order until a person says so.
enum session_halt {
    SESSION_HALT_NONE,
    SESSION_HALT_ORDER, // a frame was not what was approved, an unknown execution, or a control
    SESSION_HALT_GAP,   // messages are missing that the exchange does not repeat
    SESSION_HALT_NAME,  // another session took the place of one that had not ended
    SESSION_HALT_SHORT, // the exchange has less of the session than was read
    SESSION_HALTS
};

// What an order asks for that a limit row can forbid: bit <number> of its mask. Day: it rests for
// the day; extended: GTX and the like; short: also short exempt; options: with an appendage.
#define PERMISSION_LIST(X)    \
    X(DAY, day)               \
    X(IOC, ioc)               \
    X(EXTENDED, extended)     \
    X(TIMED, timed)           \
    X(HIDDEN, hidden)         \
    X(ATTRIBUTED, attributed) \
    X(OPTIONS, options)       \
    X(BUY, buy)               \
    X(SELL, sell)             \
    X(SHORT, short)           \
    X(REPLACE, replace)       \
    X(MODIFY, modify)         \
    X(ISO, iso)               \
    X(POST_ONLY, post_only)

enum order_permission {
#define PERMISSION_ENUM(upper, lower) PERMISSION_##upper,
    PERMISSION_LIST(PERMISSION_ENUM)
#undef PERMISSION_ENUM
        PERMISSIONS
};

// How far a symbol is restricted.
enum restriction {
    RESTRICTION_NONE,
    RESTRICTION_SHORT,   // nothing that could make the firm's position short
    RESTRICTION_OPENING, // only orders that make the account's position smaller
    RESTRICTION_ALL,     // no orders
    RESTRICTIONS
};

// Phases of a symbol's trading, by what its feed says: bit <number> of a mask.
enum trading_phase {
    PHASE_UNKNOWN, // the feed has not said
    PHASE_TRADING,
    PHASE_QUOTATION, // quotes only, before an auction
    PHASE_PAUSED,
    PHASE_HALTED,
    PHASE_BEFORE, // trading, but the market's own hours have not begun
    PHASE_AFTER,  // or are over
    TRADING_PHASES
};

// "?" for a number that this version does not know.
const char *trading_phase_name(unsigned phase);

// How it is with the node's clock, as a lane knows it: the configuration sets no bound; within it;
// beyond it, or nobody knows, and no order enters.
#define CLOCK_STATE_LIST(X) \
    X(UNWATCHED, unwatched) \
    X(GOOD, good)           \
    X(DOUBTFUL, doubtful)

enum clock_state {
#define CLOCK_STATE_ENUM(upper, lower) CLOCK_##upper,
    CLOCK_STATE_LIST(CLOCK_STATE_ENUM)
#undef CLOCK_STATE_ENUM
        CLOCK_STATES
};

// "?" for a number that this version does not know.
const char *clock_state_name(unsigned state);
const char *permission_name(unsigned permission);
const char *restriction_name(unsigned restriction);

// "firm" "account" ...; "?" for a number that this version does not know.
const char *scope_name(unsigned scope);
const char *trading_state_name(unsigned state);
const char *session_state_name(unsigned state);

// --- kill ---
//
// One set of words per lane and asker. An asker only sets bits (atomic or) and then rings; only the
// lane clears them, on a RESUME command. The lane reads them for every order, and in the turn after
// <rung> has changed it cancels what is open under them.

enum kill_asker {
    KILL_BY_OPERATOR, // control plane
    KILL_BY_MAIN,     // main lcore: dead-man's lease, client that died
    KILL_BY_LANE,     // the lane itself: contradictions, budgets
    KILL_BY_DIRECT,   // the command line, past a control plane that does not answer
    KILL_ASKERS
};

struct kill_words {
    _Alignas(CACHE_LINE_LEN) _Atomic uint64_t rung; // asker: counts what it asked for
    _Atomic uint64_t all;                           // 1: everything
    _Atomic uint64_t sessions[SESSIONS_MAX / 64 + 1];
    _Atomic uint64_t strategies[STRATEGIES_MAX / 64];
    _Atomic uint64_t accounts[ACCOUNTS_MAX / 64];
    _Atomic uint64_t symbols[INSTRUMENTS_MAX / 64];
    uint64_t unused[(8 - (2 + SESSIONS_MAX / 64 + 1 + STRATEGIES_MAX / 64 + ACCOUNTS_MAX / 64 +
                          INSTRUMENTS_MAX / 64) %
                             8) %
                    8];
};

static inline bool kill_bit(const _Atomic uint64_t *words, uint32_t index)
{
    return atomic_load_explicit(&words[index / 64], memory_order_relaxed) >> (index % 64) & 1;
}

// The words of <scope>; TRADE_FIRM is <all>.
static inline _Atomic uint64_t *kill_scope(struct kill_words *k, enum trade_scope scope)
{
    switch (scope) {
    case TRADE_ACCOUNT: return k->accounts;
    case TRADE_STRATEGY: return k->strategies;
    case TRADE_SYMBOL: return k->symbols;
    case TRADE_SESSION: return k->sessions;
    default: return &k->all;
    }
}

// The asker's side. <index> is below the maximum of its scope (limits.h); 0 for TRADE_FIRM.
static inline void kill_ask(struct kill_words *k, enum trade_scope scope, uint32_t index)
{
    atomic_fetch_or_explicit(&kill_scope(k, scope)[index / 64], 1ull << (index % 64),
                             memory_order_release);
    atomic_fetch_add_explicit(&k->rung, 1, memory_order_release);
}

// The lane's side.
static inline void kill_lift(struct kill_words *k, enum trade_scope scope, uint32_t index)
{
    atomic_fetch_and_explicit(&kill_scope(k, scope)[index / 64], ~(1ull << (index % 64)),
                              memory_order_release);
}

// Who is killed by <k>, or TRADE_SCOPES: nobody.
static inline enum trade_scope kill_hit(const struct kill_words *k, uint32_t account,
                                        uint32_t strategy, uint32_t symbol, uint32_t session)
{
    const uint64_t all = atomic_load_explicit(&k->all, memory_order_relaxed);
    // Integers, as clang warns of | between truth values; && would branch four times.
    const int one = (int)kill_bit(k->accounts, account) | (int)kill_bit(k->strategies, strategy) |
                    (int)kill_bit(k->symbols, symbol) | (int)kill_bit(k->sessions, session);
    if (__builtin_expect(!all && !one, 1))
        return TRADE_SCOPES;
    return all                                 ? TRADE_FIRM
           : kill_bit(k->accounts, account)    ? TRADE_ACCOUNT
           : kill_bit(k->strategies, strategy) ? TRADE_STRATEGY
           : kill_bit(k->symbols, symbol)      ? TRADE_SYMBOL
                                               : TRADE_SESSION;
}
