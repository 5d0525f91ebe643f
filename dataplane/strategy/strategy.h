// The interface of trading strategies: shared objects that the dataplane loads before it is ready,
// and calls on its lane. This header is all that a strategy includes; it stands by itself.
//
// A strategy exports
//
//     const struct strategy tickgate_strategy = {.interface = STRATEGY_INTERFACE, ...};
//
// Its functions run on the lane's thread, between two frames: they do not wait, allocate, log or
// make system calls, and return within their budget; whoever is later is disabled. State lives in
// <state_bytes> that the dataplane provides, zeroed. Orders that a function enters are on the wire
// when the call returns, or refused with a number of docs/abi.md's refusals.
//
// Prices are integers with four implied decimals, quantities shares, times nanoseconds of a clock
// that does not go back. Symbols and venues are indices given at start.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    STRATEGY_INTERFACE = 8,
    STRATEGY_PARAMETERS_MAX = 16,
    STRATEGY_SYMBOLS_MAX = 64,
    STRATEGY_VENUES_MAX = 16,
    STRATEGY_DEPTH_MAX = 16,
    STRATEGY_SIGNAL_VALUES = 4,
    STRATEGY_SOURCES_MAX = 16,
};

struct strategy_host; // the dataplane's; passed back with every call

// Options of OUCH 5.0, and fields in which few orders differ from their session. What is zero is
// not said: then the session's holds. A replace says again what it may (docs/orders.md).
struct strategy_options {
    uint32_t min_quantity;     // executes at least so many shares at once
    uint32_t max_floor;        // shares displayed; the others wait behind them
    uint32_t random_reserves;  // with max_floor: what is displayed varies by up to so many shares
    uint32_t expire_s;         // with time in force 6, and only then: seconds to live, below 86,400
    uint32_t discretion_price; // executes up to there; a buy not below its price, a sell not above
    int32_t peg_offset;        // price4; with a price type P, M, R or Q
    int32_t discretion_offset; // price4; with a discretion type P, M or R
    uint16_t group;            // customer group
    char post_only;            // P: takes nothing; N
    char customer;             // R retail designated, N not
    char price_type; // L limit; P market, M midpoint, R primary, Q market maker peg; m midpoint
    char discretion_type;  // L P M R; with a discretion price
    char trade_now;        // Y N
    char handle;           // I (cross O, C), O T Q R (cross R), B (cross E), D (cross H)
    char located;          // short sales: Y shares are located, N
    char capacity;         // A P R O; 0: the session's
    char iso;              // Y intermarket sweep, N
    char cross;            // N continuous; O C H S R E A
    char firm[4];          // capitals and digits, padded with blanks; 0: the session's
    char route[4];         // padded with blanks
    char locate_broker[4]; // padded with blanks; short sales, revision 1.05 of the protocol
    char aiq_strategy;     // self-match prevention of the exchange, revision 1.05
    char aiq_group[2];     // padded with a blank; revision 1.05
    uint8_t unused;
};

// What a strategy asks for. Letters as in OUCH 5.0: side B S T E, time in force 0 (day) 3 (IOC) 5
// (extended hours) 6 (until it expires) E (after hours; cannot be replaced), display Y N A.
struct strategy_order {
    uint64_t client_id; // comes back with every report
    uint32_t quantity;
    uint32_t price;
    uint16_t symbol;
    uint8_t venue;
    char side;
    char time_in_force;
    char display;
    uint8_t unused[2];
    const struct strategy_options *options; // null: none; read during the call
};

// An order that the dataplane spreads over the venues: child orders, each through the gate.
enum strategy_route_how {
    STRATEGY_ROUTE_BEST,  // all shares at the preferred venue
    STRATEGY_ROUTE_SPLIT, // each venue what it shows at its best price
    STRATEGY_ROUTE_SWEEP, // level by level over all venues, up to the limit
};

// What happens to shares that no venue took, or that came back.
enum strategy_route_rest {
    STRATEGY_REST_END,   // they are not sent again
    STRATEGY_REST_AGAIN, // they are placed again with the venues that have not failed yet
    STRATEGY_REST_POST,  // they rest at the limit, at one venue, once nothing else is open
};

struct strategy_route {
    uint64_t client_id; // comes back with every report, those of the child orders too
    uint32_t quantity;
    uint32_t price; // limit
    uint16_t symbol;
    uint16_t venues; // bit of a venue that may be asked; 0: any
    char side;
    uint8_t how;  // enum strategy_route_how
    uint8_t rest; // enum strategy_route_rest
    uint8_t unused[5];
};

// quantity = executed + open + remainder. <filled> is what was executed without broken trades.
struct strategy_route_report {
    uint64_t client_id;
    uint32_t route;
    uint32_t quantity;
    uint32_t filled;
    uint32_t open;      // may still execute
    uint32_t remainder; // is at no venue
    uint32_t rounds;    // how often it was placed
    uint16_t symbol;
    char side;
    uint8_t ending; // 0: it works; docs/abi.md tells the others
    uint8_t unused[4];
};

struct strategy_level {
    uint64_t shares;
    uint32_t price;
    uint32_t orders;
};

// Best prices of a symbol at a venue.
struct strategy_best {
    uint32_t bid, ask; // 0: the side is empty
    uint64_t bid_shares, ask_shares;
    uint32_t last_price;
    uint16_t symbol;
    uint8_t venue;
    uint8_t quality; // 0 good; 1 halted, 2 stale, 3 recovering, 4 suspect
};

// The best prices over all venues whose book is good and whose session is ready.
struct strategy_consolidated {
    uint32_t bid, ask;               // 0: none
    uint64_t bid_shares, ask_shares; // at that price, all venues together
    uint8_t bid_venue, ask_venue;    // preferred among those that show it
    uint8_t unused[6];
};

#define STRATEGY_NO_ROUTE UINT32_MAX

enum strategy_order_state { STRATEGY_PENDING, STRATEGY_LIVE, STRATEGY_UNKNOWN, STRATEGY_DEAD };

// What became of an order. With fill_shares and broken_shares in one report an execution was
// corrected: the broken shares leave the position, then the others come in at fill_price. Alike, it
// may also be the only report of an execution that was broken before it was told: nothing is left
// of it. <filled> is after both.
struct strategy_report {
    uint64_t client_id;
    uint32_t order;
    uint32_t open;   // shares that may still execute
    uint32_t filled; // so far
    uint32_t price;
    uint32_t fill_shares; // with this report; 0: no execution
    uint32_t fill_price;
    uint32_t broken_shares; // an earlier execution is undone
    uint32_t reason;        // letter or code of the exchange
    uint32_t route;         // whose child it is; STRATEGY_NO_ROUTE: an order by itself
    uint16_t symbol;
    uint8_t venue;
    uint8_t state; // enum strategy_order_state
    char side;
    bool quarantined;  // can only be cancelled
    bool not_received; // over because the exchange never saw it: no reject. A retry is a new order
    uint8_t unused[5];
};

// Whose limit has refused what was asked for: the tightest of those that hold for it.
enum strategy_scope {
    STRATEGY_SCOPE_NONE, // no control of the gate: nothing was compared
    STRATEGY_SCOPE_FIRM,
    STRATEGY_SCOPE_ACCOUNT,
    STRATEGY_SCOPE_STRATEGY,
    STRATEGY_SCOPE_SYMBOL,
    STRATEGY_SCOPE_SESSION,
};

// What a refusal has compared: prices and dollars price4, times ns; else as docs/controls.md says.
// All zero: nothing.
struct strategy_refusal {
    uint64_t value;
    uint64_t limit;
    uint8_t scope; // enum strategy_scope
    uint8_t owner; // of the limit: 0 the firm, 1 the broker
    uint8_t unused[6];
};

struct strategy_position {
    int64_t shares;
    uint64_t bought_value,
        sold_value;               // price x shares: sold - bought + shares x mark is the profit
    uint64_t open_buy, open_sell; // shares, at worst
};

// A number from a model outside: advice, never an order. Only the first good source of each role is
// heard; <first> names the role, whoever stands in.
struct strategy_signal {
    uint64_t as_of_ns; // when it was made, UTC; does not go back
    uint64_t until_ns; // no longer good from then on, by the clock of <now_ns>; UINT64_MAX: stays
    uint64_t sequence; // of the source; rises
    int64_t value[STRATEGY_SIGNAL_VALUES]; // what they mean is between source and strategy
    uint32_t horizon_ms;                   // it is about that far ahead
    uint16_t symbol;
    uint16_t source;     // number: setup->sources has its name
    uint16_t confidence; // 0 to 10,000
    uint16_t first;      // source that goes before all others of its role; else the same
    uint8_t unused[4];
};

struct strategy_parameters {
    uint32_t count;
    int64_t value[STRATEGY_PARAMETERS_MAX]; // what they mean is the strategy's
};

// What a strategy may call, from within its functions only.
struct strategy_calls {
    // 0: the order is on the wire, *<order> is its number. Else why not.
    uint32_t (*submit)(struct strategy_host *h, const struct strategy_order *ask, uint32_t *order);
    // Another total (executed shares included) and price.
    uint32_t (*replace)(struct strategy_host *h, uint32_t order, uint32_t total, uint32_t price);
    uint32_t (*cancel)(struct strategy_host *h, uint32_t order);
    bool (*best)(struct strategy_host *h, uint8_t venue, uint16_t symbol,
                 struct strategy_best *out);
    // Levels of a side, best first; how many there are.
    uint32_t (*depth)(struct strategy_host *h, uint8_t venue, uint16_t symbol, bool bids,
                      uint32_t levels_max, struct strategy_level *out);
    bool (*position)(struct strategy_host *h, uint16_t symbol, struct strategy_position *out);
    uint64_t (*now_ns)(struct strategy_host *h);
    // One timer per strategy: the next call of <timer>. 0 takes it back.
    void (*timer_set)(struct strategy_host *h, uint64_t at_ns);
    // 0: child orders are on the wire, *<route> is the order's number. Else why not. A child can be
    // cancelled, not replaced.
    uint32_t (*route)(struct strategy_host *h, const struct strategy_route *ask, uint32_t *route);
    // Cancels what is open of it; nothing is placed again.
    uint32_t (*route_cancel)(struct strategy_host *h, uint32_t route);
    bool (*route_state)(struct strategy_host *h, uint32_t route, struct strategy_route_report *out);
    bool (*consolidated)(struct strategy_host *h, uint16_t symbol,
                         struct strategy_consolidated *out);
    // What <refusal> has compared, which submit, replace or route has just returned, or which is
    // the <reason> of the report that a durable session's order did not leave: asked before
    // anything else is. False: nothing.
    bool (*refused)(struct strategy_host *h, uint32_t refusal, struct strategy_refusal *out);
};

struct strategy_setup {
    const struct strategy_calls *calls;
    struct strategy_host *host;
    uint32_t symbol_count;
    uint16_t symbols[STRATEGY_SYMBOLS_MAX]; // the strategy's, by index
    char names[STRATEGY_SYMBOLS_MAX][9];
    uint32_t venue_count;
    struct strategy_parameters parameters;
    uint32_t source_count;
    char sources[STRATEGY_SOURCES_MAX][32]; // of signals; empty: those of other lanes
};

// What a shared object exports. Functions may be null, but start.
struct strategy {
    uint32_t interface; // STRATEGY_INTERFACE
    uint32_t state_bytes;
    const char *name;
    // Before the lane runs. False: the setup cannot work; *<why> says in one line what would.
    bool (*start)(void *state, const struct strategy_setup *setup, const char **why);
    // Sessions that share a feed: told under the first of them only. calls->best answers for each.
    void (*best)(void *state, const struct strategy_best *best);
    void (*trade)(void *state, const struct strategy_best *best); // last_price has changed
    void (*quality)(void *state, const struct strategy_best *best);
    void (*order)(void *state, const struct strategy_report *report);
    void (*timer)(void *state, uint64_t now_ns);
    // All of them, those that a person has changed included. False: they cannot be; nothing
    // changes, and the person is told so.
    bool (*parameters)(void *state, const struct strategy_parameters *parameters);
    void (*enabled)(void *state, bool enabled);
    // For whoever sets them while it runs: up to 15 characters each, null: by number.
    const char *parameter_names[STRATEGY_PARAMETERS_MAX];
    void (*routed)(void *state, const struct strategy_route_report *report); // it is over
    void (*signal)(void *state, const struct strategy_signal *signal); // of a symbol of its own
    // Practice, many times a second while the lane has nothing else to do: goes the way of best()
    // as far as nothing is asked for, so that its code is near when an order is wanted. It changes
    // nothing that counts, cancels nothing and sets no timer; what else it asks for is refused. A
    // frame that comes meanwhile waits for its end, so the budget holds here too: two late ones in
    // a row, or three close by, and the strategy is disabled.
    void (*practise)(void *state, const struct strategy_best *best);
};
