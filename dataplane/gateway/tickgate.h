// libtickgate: trading through a tickgate dataplane from another process of the same machine. This
// header is all that a client includes; it stands by itself.
//
//     struct tickgate *t = tickgate_attach("/run/tickgate/gateway.sock", "desk1", &code);
//     tickgate_enter(t, &order);                    // a request into one ring ...
//     while (tickgate_poll(t, &answer) == 0)        // ... what becomes of it out of the other
//         ;
//
// Requests and answers go through two rings of shared memory that the dataplane made for this
// client: no system call, and nobody waits for anybody. An attachment belongs to one thread at a
// time. When the process ends, or detaches, all its orders are cancelled.
//
// Prices are integers with four implied decimals, quantities shares. Symbols and venues are indices
// (tickgate_symbol, tickgate_venue). Letters are those of OUCH 5.0.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TICKGATE_API __attribute__((visibility("default")))

enum {
    TICKGATE_INTERFACE = 4, // of this header and the rings; the dataplane refuses any other
    TICKGATE_NONE = 0xffff, // no such symbol or venue
};

// Why there is no attachment, or none any more. TICKGATE_CODE(number, NAME, help); numbers are
// stable.
#define TICKGATE_CODE_LIST(X)                                                           \
    X(0, ATTACHED, "attached")                                                          \
    X(1, NO_DATAPLANE, "nobody listens at the socket")                                  \
    X(2, OTHER_INTERFACE, "library and dataplane are of different interfaces")          \
    X(3, UNKNOWN_CLIENT, "the configuration names no such client")                      \
    X(4, WRONG_USER, "the client belongs to another user")                              \
    X(5, ATTACHED_ALREADY, "somebody is attached under this name, or was a moment ago") \
    X(6, PROTOCOL, "what came over the socket makes no sense")                          \
    X(7, NO_MEMORY, "memory for the rings could not be had")                            \
    X(8, DETACHED, "the client detached, or its process ended")                         \
    X(9, INDEX, "an index of a ring was impossible")                                    \
    X(10, REQUEST, "a request was of no known kind")                                    \
    X(11, SLOW, "answers were not read: their ring was full")                           \
    X(12, SILENT, "the client gave no sign of life for longer than its heartbeat")      \
    X(13, STOPPED, "the dataplane stopped")

enum tickgate_code {
#define TICKGATE_CODE_ENUM(number, upper, help) TICKGATE_##upper = (number),
    TICKGATE_CODE_LIST(TICKGATE_CODE_ENUM)
#undef TICKGATE_CODE_ENUM
        TICKGATE_CODES
};

// Options of OUCH 5.0, and fields in which few orders differ from their session. What is zero is
// not said: then the session's holds. A replace says again what it may (docs/orders.md).
struct tickgate_options {
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

// What a client asks for. side B S T E; time_in_force 0 (day), 3 (immediate or cancel) ...; display
// Y N A.
struct tickgate_order {
    uint64_t client_id; // comes back with every answer
    uint32_t quantity;
    uint32_t price;
    uint16_t symbol;
    uint8_t venue;
    char side;
    char time_in_force;
    char display;
    uint8_t unused[2];
    const struct tickgate_options *options; // null: none; read during the call
};

// An order that the dataplane spreads over the venues: child orders, each through the gate. A child
// can be cancelled, not replaced.
enum tickgate_how {
    TICKGATE_BEST,  // all shares at the preferred venue
    TICKGATE_SPLIT, // each venue what it shows at its best price
    TICKGATE_SWEEP, // level by level over all venues, up to the limit
};

// What happens to shares that no venue took, or that came back.
enum tickgate_rest {
    TICKGATE_REST_END,   // they are not sent again
    TICKGATE_REST_AGAIN, // they are placed again with the venues that have not failed yet
    TICKGATE_REST_POST,  // they rest at the limit, at one venue, once nothing else is open
};

struct tickgate_route {
    uint64_t client_id; // comes back with every answer, those of the child orders too
    uint32_t quantity;
    uint32_t price; // limit
    uint16_t symbol;
    uint16_t venues; // bit of a venue that may be asked; 0: any
    char side;       // B S T E
    uint8_t how;     // enum tickgate_how
    uint8_t rest;    // enum tickgate_rest
    uint8_t unused[5];
};

// A number from a model, for the strategies of the client's lane that watch its symbol. It is
// advice: no order comes from it unless a strategy decides so. The client has to be a source of
// signals in the configuration, whose policy it is held to (docs/signals.md).
struct tickgate_signal {
    uint64_t as_of_ns;   // when it was made, UTC since 1970; does not go back
    uint64_t sequence;   // of one attachment: one more each time, from 1
    int64_t value[4];    // what they mean is between client and strategy
    uint32_t horizon_ms; // it is about that far ahead
    uint32_t ttl_ms;     // how long it is good from <as_of_ns> on; 0: until the next one
    uint16_t symbol;
    uint16_t confidence; // 0 to 10,000
    uint8_t unused[4];
};

// Why a signal is refused: <reason> of its answer.
enum tickgate_signal_verdict {
    TICKGATE_SIGNAL_TAKEN,      // it is not, or not by the policy of its source
    TICKGATE_SIGNAL_FORMAT,     // a field that cannot be
    TICKGATE_SIGNAL_DUPLICATE,  // its number came before
    TICKGATE_SIGNAL_BACK,       // its number or its as-of goes back
    TICKGATE_SIGNAL_FUTURE,     // its as-of is later than now
    TICKGATE_SIGNAL_LATE,       // its as-of is longer ago than it is good for
    TICKGATE_SIGNAL_RATE,       // more than the source's rate
    TICKGATE_SIGNAL_SYMBOL,     // a symbol that nobody trades here
    TICKGATE_SIGNAL_CONFIDENCE, // below the source's least confidence
    TICKGATE_SIGNAL_BREAKER,    // the source's circuit breaker is open, or a person has stopped it
    TICKGATE_SIGNAL_RECORD,     // no room for its record, or the journal takes none
    TICKGATE_SIGNAL_SENDER,     // the client is no source of signals
};

enum tickgate_ending {
    TICKGATE_WORKS,     // it is not over
    TICKGATE_FILLED,    // everything has executed
    TICKGATE_RETURNED,  // the rest is not sent again, as was asked
    TICKGATE_NO_VENUE,  // no venue takes the rest
    TICKGATE_ROUNDS,    // it was placed as often as an order may be
    TICKGATE_CANCELLED, // it, or one of its children, was cancelled by us
};

enum tickgate_kind {
    TICKGATE_DONE,    // the request's frame is on its way to the exchange, or the signal told
    TICKGATE_REFUSED, // it is not, and <refusal> says why
    TICKGATE_REPORT,  // something became of an order
    TICKGATE_ROUTED,  // a routed order is over, and <ending> says why
};

enum tickgate_state {
    TICKGATE_PENDING, // sent, the exchange has not answered
    TICKGATE_LIVE,
    TICKGATE_UNKNOWN, // sent, and in doubt since the connection was lost
    TICKGATE_DEAD,
};

// Whose limit has refused a request: the tightest of those that hold for it.
enum tickgate_scope {
    TICKGATE_SCOPE_NONE, // no control of the gate: <value> and <limit> are not there
    TICKGATE_SCOPE_FIRM,
    TICKGATE_SCOPE_ACCOUNT,
    TICKGATE_SCOPE_STRATEGY, // or client
    TICKGATE_SCOPE_SYMBOL,
    TICKGATE_SCOPE_SESSION,
};

// With fill_shares and broken_shares in one answer an execution was corrected: the broken shares
// leave the position, then the others come in at fill_price. Alike, it may also be the only answer
// about an execution that was broken before it was told: nothing is left of it. <filled> is after
// both.
struct tickgate_answer {
    uint64_t client_id;
    uint32_t request;       // number that the request's function returned; 0 in reports
    uint32_t order;         // number of the order, for the requests that change it
    uint32_t open;          // shares that may still execute
    uint32_t filled;        // so far
    uint32_t fill_shares;   // with this report; 0: no execution
    uint32_t broken_shares; // an earlier execution is undone
    __extension__ union {
        __extension__ struct {
            uint32_t price;
            uint32_t fill_price;
            uint32_t reason; // letter or code of the exchange; of a signal tickgate_signal_verdict
            uint32_t rounds; // of a routed order: how often it was placed
        };
        // Instead of them, REFUSED with another scope than TICKGATE_SCOPE_NONE: what <refusal> has
        // compared. Prices and dollars price4, times ns; else as docs/controls.md says.
        __extension__ struct {
            uint64_t value;
            uint64_t limit;
        };
    };
    // Of a routed order: its number, in answers about its children too; TICKGATE_NO_ROUTE
    // elsewhere. In answers about itself <order> is no order, <open> and <filled> are of all
    // children, and what is neither is at no venue.
    uint32_t route;
    uint16_t refusal; // number of the dataplane's refusals, tickgate_refusal_name
    uint16_t symbol;
    uint8_t kind; // enum tickgate_kind
    uint8_t venue;
    uint8_t state; // enum tickgate_state
    char side;
    bool quarantined; // the exchange contradicted itself: the order can only be cancelled
    uint8_t ending;   // enum tickgate_ending, of a routed order
    uint8_t scope;    // enum tickgate_scope, of a refusal
    uint8_t owner;    // of its limit: 0 the firm, 1 the broker
};

#define TICKGATE_NO_ROUTE UINT32_MAX

struct tickgate; // an attachment

// Attaches as <client> of the dataplane whose gateway listens at <socket_path>. Null: *<code>
// (enum tickgate_code) says why. Waits for the dataplane's answer, 5 s at most.
TICKGATE_API struct tickgate *tickgate_attach(const char *socket_path, const char *client,
                                              int *code);
// Ends the attachment: all orders are cancelled. <t> is not valid any more.
TICKGATE_API void tickgate_detach(struct tickgate *t);

// Indices by name ("AAPL"; the name of the order session); TICKGATE_NONE: it does not trade there.
TICKGATE_API uint16_t tickgate_symbol(const struct tickgate *t, const char *name);
TICKGATE_API uint16_t tickgate_venue(const struct tickgate *t, const char *name);

// Requests. Each returns its number, which its DONE or REFUSED carries; 0: the ring of requests is
// full, or the client is cut off. <order> and <client_id> together name an order: as in its
// answers.
TICKGATE_API uint32_t tickgate_enter(struct tickgate *t, const struct tickgate_order *order);
// Another total (executed shares included) and price.
TICKGATE_API uint32_t tickgate_replace(struct tickgate *t, uint32_t order, uint64_t client_id,
                                       uint32_t total, uint32_t price);
// Another total, not above the present one, or another kind of sale, priority kept. OUCH 5.0 takes
// S to E, S to T and E to T; 4.2 any of them. ORDER_FIELD: the venue does not take this one.
TICKGATE_API uint32_t tickgate_modify(struct tickgate *t, uint32_t order, uint64_t client_id,
                                      uint32_t total, char side);
// At most <total> shares may execute, those that have executed included; 0: no more. REFUSED with
// CANCEL_QUANTITY: the order has no more than that.
TICKGATE_API uint32_t tickgate_cancel(struct tickgate *t, uint32_t order, uint64_t client_id,
                                      uint32_t total);
// A routed order: DONE carries its number in <route>, at least one child is on its way. REFUSED:
// what the gate said about the preferred venue, or ROUTE: no venue could be asked.
TICKGATE_API uint32_t tickgate_route(struct tickgate *t, const struct tickgate_route *route);
// Cancels what is open of it; nothing is placed again.
TICKGATE_API uint32_t tickgate_route_cancel(struct tickgate *t, uint32_t route, uint64_t client_id);
// A signal. DONE: the strategies of its symbol have been told. It counts as a message of the
// client's rate.
TICKGATE_API uint32_t tickgate_signal(struct tickgate *t, const struct tickgate_signal *signal);

// 1: *<answer> is the next one. 0: there is none now. Below 0: there is none, and the client is cut
// off: minus an enum tickgate_code. Is the client's heartbeat: call it even when nothing is
// expected. Every 65,536th call that finds nothing looks at the socket, the only system call here.
TICKGATE_API int tickgate_poll(struct tickgate *t, struct tickgate_answer *answer);

TICKGATE_API const char *tickgate_code_text(int code);
TICKGATE_API const char *tickgate_refusal_name(unsigned refusal); // "?" for an unknown number
TICKGATE_API const char *tickgate_refusal_help(unsigned refusal);
// "PRICE_COLLAR: price=101.2500 limit=101.0000" of a REFUSED answer, the name alone where nothing
// was compared; cut to <size> bytes, always zero-terminated. Returns <out>.
TICKGATE_API char *tickgate_refusal_text(const struct tickgate_answer *answer, char *out,
                                         uint64_t size);
TICKGATE_API const char *tickgate_scope_name(unsigned scope); // "account"; "none"

#ifdef __cplusplus
}
#endif
