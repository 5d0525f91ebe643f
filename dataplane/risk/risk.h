// The risk gate and what it knows: limits, exposure, positions.
//
// One lane owns it; nothing here allocates, waits or divides. Prices are price4, notional is price4
// x shares, positions are shares. Money is kept as what was bought and sold: profit and loss is
// sold - bought + position x mark, exact, and a broken trade takes back what it brought.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/record.h"
#include "dataplane/abi/trade.h"
#include "dataplane/base/hints.h"
#include "dataplane/risk/limits.h"

#define POSITION_NONE UINT32_MAX

// DUPLICATE: the last orders of an account in a symbol (duplicates.h).
enum { POSITION_CHAINS = 7 };

struct position_asked {
    uint32_t at;                      // DUPLICATE_UNIT ticks: of the newest
    uint32_t newest[POSITION_CHAINS]; // numbers, of each chain
};

// One account in one symbol: what an order looks at. Alone, as orders look for their positions at
// random: what is looked through is half as long.
struct position {
    CACHE_ALIGN uint32_t key; // account and instrument, 0: free
    uint32_t fills;
    int64_t shares;
    struct position_asked asked;
    uint64_t open_buy; // shares that may still be bought, at worst
    uint64_t open_sell;
};
_Static_assert(sizeof(struct position) == CACHE_LINE, "one line per position");

// And what executions change: at the same place of its table.
struct position_money {
    CACHE_ALIGN uint64_t bought; // shares, since the start
    uint64_t sold;
    uint64_t bought_value; // price4 x shares
    uint64_t sold_value;
    // The average price of what is held, times shares: below 0 when they are short. What was
    // realised is sold_value - bought_value + cost, exact.
    int64_t cost;
    int64_t marked; // shares x mark
    uint32_t mark;  // price4; 0: not known, no shares were ever held
};
_Static_assert(sizeof(struct position_money) == CACHE_LINE, "and one for its money");

// What is open under a scope.
struct risk_use {
    uint32_t orders;
    uint32_t unused;
    uint64_t notional;
};

// A symbol over all accounts.
struct symbol_use {
    CACHE_ALIGN struct risk_use use;
    int64_t shares;
    uint64_t open_buy;
    uint64_t open_sell;
    uint64_t rate_at;      // when the next message in the symbol would be on time
    bool quarantined;      // an execution that nobody ordered: no new orders until it is claimed
    uint32_t period_price; // reference of the period that ends then, taken by its first order
    uint64_t period_until; // ticks
};
_Static_assert(sizeof(struct symbol_use) == CACHE_LINE, "one line per symbol");

// A strategy in a symbol, over all accounts: what its own orders have brought and may still bring.
// Two of them to a line.
struct strategy_use {
    _Alignas(32) int64_t shares;
    uint64_t open_buy;
    uint64_t open_sell;
};

// Limits on losses that were broken stay so until a person resumes whose they are, whatever the
// market does: bits of owner_day.broken.
enum loss_kind { LOSS_OF_DAY, LOSS_FROM_BEST, LOSS_KINDS };

struct loss_broken {
    uint64_t value; // the most that was lost, and the limit that it was beyond
    uint64_t limit;
};

// The day of the firm, an account, a strategy or a session, beside what is open. Money is price4 x
// shares.
struct owner_day {
    CACHE_ALIGN uint64_t open_buy; // notional of the open buys
    uint64_t traded;               // executed, either side
    int64_t paid;                  // bought less sold
    int64_t marked;                // firm, accounts: of all positions
    uint64_t gross;                // firm, accounts: the same without signs
    int64_t best;                  // firm, accounts: the best profit of the day, 0 at first
    uint32_t orders;               // approved: enters, replaces and modifies
    uint32_t applied;              // approved since the start, or since a person resumed the scope
    uint32_t instruments;          // symbols in which an order was approved
    uint16_t broken;               // firm, accounts: bits of enum loss_kind
    uint16_t broken_told;          // of them those that somebody has recorded
    // ORDER_RATIO (habits.c): below which <orders> another one may enter.
    CACHE_ALIGN uint64_t
        ratio_until; // ticks: then another step of its time begins; 0: it does anew
    uint64_t ratio_most;
    uint32_t fills;      // executions
    uint32_t ratio_step; // RATIO_UNIT ticks, 0: nothing limits it
    struct loss_broken losses[LOSS_KINDS];
    uint64_t ratio_at; // number of the present step
    // What <orders> and <fills> were when the steps began, by number.
    CACHE_ALIGN struct ratio_mark {
        uint32_t orders, fills;
    } ratio_marks[2 * RATIO_STEPS];
};
_Static_assert(sizeof(struct owner_day) == 4 * CACHE_LINE, "an order looks at the first two");

// Realised and marked.
static inline int64_t owner_profit(const struct owner_day *day)
{
    return day->marked - day->paid;
}

// A check that an order failed and passed all the same: its action is NOTIFY.
struct risk_note {
    uint64_t value, limit;
    uint32_t version, index, quantity, price;
    uint16_t account, strategy, instrument, refusal;
    uint8_t session, scope, owner;
};
enum { RISK_NOTES = 32 }; // the newest; older ones that were not told by then are counted

// DUPLICATE: an order that came before.
struct prior {
    _Alignas(32) uint64_t print; // side, kind, price and quantity; 0: none
    uint64_t at;                 // ticks
    uint32_t before;             // number of the next older one of its chain
};

enum { PRIORS_KEPT = 4096 }; // of each account

#define RISK_NO_RECORD UINT64_MAX

struct risk {
    const struct limit_table *limits; // swapped whole
    struct kill_words *kills;         // KILL_ASKERS of them
    uint64_t kills_none[KILL_ASKERS]; // <rung> of an asker when none of its kills was in force
    uint64_t event_credit;            // slots of the trading ring; the lane keeps it
    uint64_t event_credit_min;        // RISK_NO_RECORD: no record has a place, whatever the credit
    uint32_t record;                  // enum record_state, for the refusal
    bool clock_only;      // RISK_NO_RECORD stands for the clock: a record would have its place
    uint64_t clock_error; // ns, UINT64_MAX: not known; for the refusal
    uint64_t clock_limit; // ns
    struct risk_use firm;
    struct risk_use sessions[SESSIONS_MAX];
    uint64_t rate_at[SESSIONS_MAX];   // when the next message would be on time (virtual scheduling)
    uint64_t cancel_at[SESSIONS_MAX]; // the same of cancels, which are never refused
    struct risk_use strategies[STRATEGIES_MAX];
    struct risk_use accounts[ACCOUNTS_MAX];
    struct owner_day day; // of the firm
    struct owner_day account_days[ACCOUNTS_MAX];
    struct owner_day strategy_days[STRATEGIES_MAX];
    struct owner_day session_days[SESSIONS_MAX];
    uint64_t traded_in[STRATEGIES_MAX][INSTRUMENTS_MAX / 64]; // bits of instruments
    struct symbol_use *symbols;                               // per instrument
    // Per strategy and instrument. Strategies that are not the lane's have one row together, which
    // nothing limits: orders of earlier runs.
    struct strategy_use *held[STRATEGIES_MAX];
    struct prior *priors; // of all accounts, a ring each
    uint32_t prior_bits;  // of the places of a ring
    struct {
        uint32_t last; // number of the newest
        uint32_t free; // up to this one nothing is overwritten that counts
    } prior_rings[ACCOUNTS_MAX];
    struct position *positions; // hash of account and instrument
    struct position_money *money;
    uint32_t position_mask;
    uint32_t position_count;
    uint32_t symbol_count;
    uint32_t overflows; // sums that did not fit 64 bits: never, unless an exchange says nonsense
    uint32_t broken;    // counts what is to be recorded: limits on losses that were broken, notes
    bool practises;     // orders are practice: nothing is noted
    uint32_t noted;     // counts notes: number n is at n % RISK_NOTES
    struct risk_note notes[RISK_NOTES];
};

struct risk_config {
    uint32_t symbols;
    uint32_t positions;  // power of two, at most half of them are used
    uint64_t strategies; // bits: those that have positions of their own
    uint32_t accounts;
    uint32_t priors; // of each account: power of two
};

uint64_t risk_bytes(const struct risk_config *config);
// <memory>: risk_bytes() zeroed bytes, aligned to a cache line. <kills>: KILL_ASKERS words.
void risk_init(struct risk *r, const struct risk_config *config, const struct limit_table *limits,
               struct kill_words *kills, void *memory);

// After a kill was lifted: is none of its asker in force any more?
void risk_kills_look(struct risk *r);

// The position of an account in a symbol, opened if it is new; POSITION_NONE: the table is full.
uint32_t position_open(struct risk *r, uint32_t account, uint32_t instrument);
// The one that was opened last, for an order that was refused: it is free again, unless DUPLICATE
// remembers the order.
void position_close(struct risk *r, uint32_t position);

static inline uint32_t position_key(uint32_t account, uint32_t instrument)
{
    return (account << 16 | instrument) + 1;
}
_Static_assert(ACCOUNTS_MAX <= 256 && INSTRUMENTS_MAX < 65536, "position_key");

// Where the search for it begins.
static inline uint32_t position_home(const struct risk *r, uint32_t account, uint32_t instrument)
{
    return position_key(account, instrument) * 0x9E3779B1u >> 8 & r->position_mask;
}

// Where it stands, or where the search for it begins as long as there is none.
static inline uint32_t position_look(const struct risk *r, uint32_t account, uint32_t instrument)
{
    const uint32_t key = position_key(account, instrument),
                   home = position_home(r, account, instrument);
    uint32_t at = home;
    while (r->positions[at].key != key && r->positions[at].key != 0) // ends: half of it is free
        at = (at + 1) & r->position_mask;
    return r->positions[at].key == key ? at : home;
}

// An order with this position may follow: the lines that no other order has brought are asked for,
// with all that the search for the position goes through. Nothing is read.
static inline void risk_expect(const struct risk *r, uint32_t account, uint32_t strategy,
                               uint32_t instrument, uint32_t position)
{
    const struct limit_row *row = &r->limits->symbols[instrument];
    PREFETCHW(&r->held[strategy][instrument]);
    PREFETCHW(&r->symbols[instrument]);
    PREFETCH(row);
    PREFETCH(&row->symbol);
    for (uint32_t at = position_home(r, account, instrument);; at = (at + 1) & r->position_mask) {
        PREFETCHW(&r->positions[at]);
        if (LIKELY(at == position)) // the search ends here
            break;
    }
}

// --- exposure ---

// Whom an order burdens.
struct exposure_owner {
    uint32_t position;
    uint16_t account;
    uint16_t strategy;
    uint16_t instrument;
    uint8_t session;
    bool sells;
};

// What an order may still do, at worst. All zero: it is over.
struct exposure {
    uint64_t notional;
    uint32_t shares;
    uint32_t orders; // 1 while it counts as open
};

// The order held <was> and holds <now>.
void exposure_move(struct risk *r, const struct exposure_owner *owner, const struct exposure *was,
                   const struct exposure *now);
// An order of <owner> was approved before the start: it counts for its owners' day.
void owners_count(struct risk *r, const struct exposure_owner *owner);
// <shares> were executed at <price>; the open part is moved by exposure_move. <now>: ticks.
void exposure_fill(struct risk *r, const struct exposure_owner *owner, uint32_t shares,
                   uint32_t price, uint64_t now);
// The account holds <shares> (below 0: short) since before the start, worth <price> each: as if
// they had been bought or sold at it, but nothing was traded today. Before the first order.
void exposure_carry(struct risk *r, const struct exposure_owner *owner, int64_t shares,
                    uint32_t price);
// The execution is undone.
void exposure_break(struct risk *r, const struct exposure_owner *owner, uint32_t shares,
                    uint32_t price);

struct exposure_trade {
    uint32_t shares;
    uint32_t price;
};

// The execution was <now>, not <was>. <was> leaves first, so that what it cost does not stay in the
// average, and limits on losses look at the end only: in between stands a position that nobody had.
// Both alike: an execution that did not stand, or did not change. Nothing moves.
void exposure_correct(struct risk *r, const struct exposure_owner *owner,
                      const struct exposure_trade *was, const struct exposure_trade *now);

// --- money ---

// What an execution, or one that is undone, does to cost, marks and the owners' day; the position
// has moved already. Divides once where a position becomes smaller. money_look follows.
void money_fill(struct risk *r, const struct exposure_owner *owner, uint32_t shares, uint32_t price,
                bool undone);
// The profit of an account has changed, and with it the firm's: limits on losses.
void money_look(struct risk *r, uint32_t account);
// What exposure_carry does to cost, marks and the owners' day.
void money_carry(struct risk *r, const struct exposure_owner *owner, int64_t shares,
                 uint32_t price);
// The position is worth <mark> a share now.
void money_mark(struct risk *r, uint32_t position, uint32_t mark);
// The table of limits is another one: a loss may be beyond its limit now. At most 257 owners.
void money_limits(struct risk *r);
// The day of the firm or an account, whose limits on losses are broken or not; null: it has none.
struct owner_day *money_day(struct risk *r, enum trade_scope scope, uint32_t index);
// A person lets it trade again. A drawdown begins anew, at the present profit; a loss of the day
// that is still beyond its limit stays broken. Returns bits of enum loss_kind that were taken back.
uint32_t money_resume(struct risk *r, enum trade_scope scope, uint32_t index);

static inline int64_t position_realised(const struct position_money *m)
{
    return (int64_t)(m->sold_value - m->bought_value) + m->cost;
}

static inline int64_t position_profit(const struct position_money *m)
{
    return (int64_t)(m->sold_value - m->bought_value) + m->marked;
}

// --- orders for executions ---

// When the time that counts began: for orders, and a step later for executions.
static inline uint32_t ratio_orders(const struct owner_day *day)
{
    return day->ratio_marks[(day->ratio_at - RATIO_STEPS) % (2 * RATIO_STEPS)].orders;
}

static inline uint32_t ratio_fills(const struct owner_day *day)
{
    return day->ratio_marks[(day->ratio_at - RATIO_STEPS + 1) % (2 * RATIO_STEPS)].fills;
}

// A step of the time has passed: what counts begins later.
void ratio_turn(struct owner_day *day, const struct limit_owner *l, uint64_t now);
// An execution counts.
void ratio_fill(struct risk *r, const struct exposure_owner *owner, uint64_t now);
// What was restored has its times from before: every ratio begins anew with what counts now.
void habits_begin(struct risk *r);
// The table of limits is another one: whose time of the ratio is another begins anew.
void habits_limits(struct risk *r);

// --- the gate ---

// A cancel leaves the session: it passes, and is counted.
void gate_cancel(struct risk *r, uint32_t session, uint64_t now);
// Cancels of the session leave at their rate, those above it wait.
static inline bool gate_cancels_paced(const struct risk *r, uint32_t session)
{
    return UNLIKELY(r->limits->sessions[session].cancel_rate == CANCELS_WAIT);
}
// Is the next one of such a session due?
bool gate_cancel_due(struct risk *r, uint32_t session, uint64_t now);
// Before <next> is in force: what cancels are ahead of an old rate is so many cancels ahead of the
// new one. Rounded up to a whole cancel.
void gate_cancels_limits(struct risk *r, const struct limit_table *next, uint64_t now);
// And <cancels> of them, at once?
bool gate_cancels_due(struct risk *r, uint32_t session, uint32_t cancels, uint64_t now);

struct gate_order {
    struct exposure_owner owner;
    struct exposure held;  // what a replaced or modified order holds; zero for a new one
    struct exposure worst; // what it would hold
    uint64_t now;          // ticks
    uint32_t quantity;     // of the order as sent
    uint32_t price;
    uint32_t bid; // best prices of the venue's book, 0: none
    uint32_t ask;
    uint32_t last;     // price of the last trade, 0: none
    uint16_t asks;     // bits of enum order_permission
    uint8_t phase;     // enum trading_phase
    char side;         // B S T E
    bool turns;        // a modify gives a sale this side
    bool short_rule;   // Rule 201 is in force for the symbol
    uint8_t quality;   // enum quality of the book
    bool session_up;   // logged in and reconciled
    bool session_free; // the session takes one frame now
    uint8_t
        self_scope; // whose order it would meet, and at which price; 0: none, or it is dealt with
    uint32_t self_met;
    union {
        uint32_t apart; // not 0: it is for the checks one by one
        struct {
            bool band_out : 1;   // outside of the estimated price band, or none is known and one is
                                 // needed
            bool band_below : 1; // below it
            bool reaches : 1;    // it has a discretion
            bool auction : 1;    // it is for an auction: another limit on its quantity
            bool opening : 1;    // which is the opening one
            // The symbol is not traded, but orders are taken for the auction that ends that.
            bool collecting : 1;
            bool market : 1; // a market order that did not become another (gate_furthest)
        };
    };
    uint32_t band_edge;  // the edge it is beyond; 0: none is known
    uint32_t discretion; // of an order that reaches: where it may execute, too
};

// The furthest prices that an order stands for.
static inline uint32_t gate_lowest(const struct gate_order *o)
{
    return o->reaches && o->discretion < o->price ? o->discretion : o->price;
}

static inline uint32_t gate_highest(const struct gate_order *o)
{
    return o->reaches && o->discretion > o->price ? o->discretion : o->price;
}

struct gate_verdict {
    uint64_t value; // what was compared, and with what; 0 where there is nothing to compare
    uint64_t limit;
    uint32_t version; // of the limits
    uint16_t refusal; // enum refusal, REFUSAL_NONE: approved
    uint8_t scope;    // enum trade_scope: whose limit; TRADE_FIRM where nobody's
    uint8_t owner;    // enum limit_owned: who has set it
};

// Of a scope the row that an order of <owner> belongs to.
static inline uint32_t scope_index(const struct exposure_owner *w, uint32_t scope)
{
    switch (scope) {
    case TRADE_ACCOUNT: return w->account;
    case TRADE_STRATEGY: return w->strategy;
    case TRADE_SYMBOL: return w->instrument;
    case TRADE_SESSION: return w->session;
    default: return 0;
    }
}

// The highest price of a buy, or the lowest of a sale, that collar, TOUCH, LAST_TRADE and
// PRICE_PERIOD let pass, on the tick, and not beyond <low> and <high>; 0: none of them says one, or
// one has no price to compare with. Where the tick is left to the exchange it is a cent from one
// dollar on.
uint32_t gate_furthest(const struct risk *r, const struct gate_order *o, uint32_t low,
                       uint32_t high);

// Approves or refuses; true: approved. Message rates are charged and repeated orders counted for a
// refused order too, unless it is killed or halted; an approved order counts for its owners' day;
// everything else is as before: the caller reserves with exposure_move.
bool gate(struct risk *r, const struct gate_order *o, struct gate_verdict *v);
// An order that is refused before it comes to the gate counts for the rates all the same, unless it
// is killed or halted. False: it is beyond them, as <v> says. <w->position> is not looked at.
bool gate_refused_before(struct risk *r, const struct exposure_owner *w, uint64_t now,
                         struct gate_verdict *v);
// Once more, for an order that was approved and holds nothing now: all checks but those that count
// orders (rates, repetitions, orders of the day), which have counted it. Charges nothing.
bool gate_again(struct risk *r, const struct gate_order *o, struct gate_verdict *v);
// The order, which the gate has looked at first <at>, is none that DUPLICATE counts: it may be sent
// again.
void prior_forget(struct risk *r, const struct gate_order *o, uint64_t at);
