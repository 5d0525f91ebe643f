// The trading half of a lane: what strategies and clients ask for goes through the gate, becomes an
// order and a frame, and what exchanges answer comes back to orders, exposure and positions.
//
//     ask ─► gate ─► order, exposure reserved ─► frame ─► DECISION published ─► port ─► SENT
//     exchange ─► session ─► order ─► exposure, position ─► ORDER published ─► who asked
//
// One lane owns a desk. Nothing here waits, allocates or loops without a bound.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/lane/lane.h"
#include "dataplane/order/order.h"
#include "dataplane/risk/risk.h"
#include "dataplane/venue/session.h"
#include "dataplane/venue/tcp_link.h"

enum {
    DESK_CANCELS_A_TURN = 16, // queued cancels and those of a kill, per session
    DESK_STEPS_A_TURN = 256,  // orders looked at for a kill or after a reconnect, per session
    DESK_OVERDUE_A_TURN = 16, // orders whose silence is noticed
    INSTRUMENT_NONE = UINT16_MAX,
};

struct desk_instrument {
    char symbol[8];              // padded with blanks, as on the wire
    uint16_t slot[SESSIONS_MAX]; // in the book of the session's channel; SYMBOL_NONE: not seen yet
};

// A walk over a session's open orders, some a turn. An order that is gone when the walk comes back
// to it starts it again: what it does to an order twice is harmless.
struct desk_walk {
    uint32_t at; // OWN_NONE: from the first
    uint32_t generation;
    bool on;
};

struct desk_session {
    struct session *session;  // null: another lane's
    struct channel *channel;  // the venue's market data; null: none
    struct tcp_link *link;    // null: somebody else hands over what arrives
    struct desk_walk replay;  // orders without an answer, after a reconnect or an account query
    struct desk_walk sweep;   // orders under a kill or a mass cancel
    uint32_t replay_next_ref; // what the exchange has processed ends before it; 0: it does not say
    uint32_t replay_sent_ref; // and what left before the query too
    bool replay_all;          // after a reconnect; else only orders that have fallen silent
    bool cancels_on_disconnect;
    bool cancels_on_feed_loss;
    bool feed_lost;         // as last seen
    uint16_t account;       // gets the orders of earlier runs
    struct desk_park *park; // desk_park.h; null: its orders do not wait for the journal
    uint8_t known_state;    // as last published
    uint8_t known_halted;
    bool unpaced;  // its cancels leave without their rate: it stops
    bool disabled; // by a control: logged out once nothing is open, until a person resumes it
};

// Whom controls have blocked, and whose orders they have cancelled; the main lcore takes the bits.
enum { ACTED_BLOCK, ACTED_CANCEL, ACTED_KINDS };

// Whose order it is.
struct desk_owner {
    uint16_t account;
    uint16_t strategy;
};

// What is asked for. Letters as in OUCH 5.0.
struct desk_order {
    uint64_t client_id;
    uint32_t quantity;
    uint32_t price;
    uint16_t instrument;
    uint8_t session;
    char side;
    char time_in_force;
    char display;
    const struct ouch_extras *extras; // null: none but the session's
};

struct desk;

// What the last refusal has compared, for whoever asked (desk_refused_tell).
struct desk_refused {
    uint64_t value;
    uint64_t limit;
    uint16_t refusal; // REFUSAL_NONE: nothing was
    uint16_t strategy;
    uint8_t scope; // enum trade_scope
    uint8_t owner; // enum limit_owned
};

struct desk_counters {
    uint64_t approved;
    uint64_t refused;
    uint64_t not_sent;
    uint64_t reports;
    uint64_t fills;
    uint64_t unclaimed;
    uint64_t breaches_untold;
    uint64_t refusals[REFUSALS];
};

struct desk_config {
    struct order_config orders;
    uint32_t instruments;
    uint32_t positions;  // power of two
    uint64_t strategies; // bits: those of this lane, clients included
    uint32_t accounts;
    uint32_t event_credit_min;
    bool record_needed; // no order before a journal is written to
    uint64_t
        clock_limit; // ns; no order unless the clock is known to be that near; 0: not looked at
};

struct desk {
    struct lane *lane;
    struct risk risk;
    struct order_table orders;
    struct desk_instrument *instruments;
    uint32_t instrument_count;
    uint32_t session_count;
    struct desk_session sessions[SESSIONS_MAX];
    struct limit_table *limits;  // its own; risk.limits reads it
    uint32_t limits_states;      // how often a trading state was changed in it; lane: release
    struct trade_board *board;   // in the region: what is in force
    struct position_cell *shown; // in the region, as risk.positions; null: nobody wants to see them
    struct kill_words *kills;    // KILL_ASKERS, in the region
    struct kill_words mass;      // scopes of mass cancels: like a kill that stops no order
    uint64_t kill_rung[KILL_ASKERS];
    const struct record_word *record; // in the region: what becomes of the events
    uint64_t record_seen;
    const _Atomic uint64_t
        *commit;               // in the region: so many records are durable, while it is WRITTEN
    uint64_t committed;        // as last believed
    uint32_t commits_wanted;   // orders and sessions that wait for more; 0: nobody looks
    uint32_t event_credit_min; // while the journal is written to
    bool record_needed;        // and it has not been yet
    uint8_t clock;             // enum clock_state
    bool luld;                 // bands are estimated on a channel (desk_luld.h)
    uint32_t mark_at;          // position that is marked next
    uint32_t broken;           // of risk.broken: how much is recorded
    uint64_t input;            // of the burst or message that is being worked on
    // Who wants to know; null: nobody. Fixed at READY.
    void (*told)(struct desk *d, uint32_t order, const struct order_outcome *outcome);
    struct desk_strategies *strategies; // desk_strategy.h; null: none
    struct desk_gateway *gateway;       // desk_gateway.h; null: none
    struct desk_warm *warm;             // desk_warm.h; null: no practice orders
    struct desk_routes *routes;         // desk_route.h; null: no routed orders
    struct desk_leases *leases;         // desk_lease.h; null: no other lane shares its limits
    struct desk_self *self;             // desk_self.h; null: no policy against self-trades
    struct desk_signals *signals;       // desk_signal.h; null: no sources of signals
    struct desk_counters count;
    struct desk_refused refused;
    uint64_t ns_per_tick; // 32 bits behind the point, rounded up
    uint32_t noted;       // of risk.noted: how many are recorded
    struct kill_words acted[ACTED_KINDS];
};

uint64_t desk_bytes(const struct desk_config *config);
// <memory>: desk_bytes() zeroed bytes, aligned to a cache line. <symbols>: config->instruments
// names. <limits> belong to the desk from here on: a person who halts a scope changes its row.
void desk_init(struct desk *d, struct lane *lane, const struct desk_config *config,
               const char (*symbols)[8], struct limit_table *limits, void *memory);
// The account holds <shares> since before the start (exposure_carry). Before the lane runs; false:
// no more room for positions.
bool desk_carry(struct desk *d, uint32_t account, uint32_t instrument, int64_t shares,
                uint32_t price);
// Sessions have one number in all lanes, in the order in which they are added; <session> null:
// another lane's. <link>: null when somebody else hands over what arrives.
void desk_session_add(struct desk *d, struct session *session, struct channel *channel,
                      struct tcp_link *link);

// --- asking

// A new order. REFUSAL_NONE: its frame is on the transmit ring, or it waits for its record where
// the session is durable; *<order> is its place.
enum refusal desk_enter(struct desk *d, const struct desk_owner *who, const struct desk_order *ask,
                        uint32_t *order);
// Another total and price; executed shares are part of the total.
enum refusal desk_replace(struct desk *d, const struct desk_owner *who, uint32_t order,
                          uint32_t total, uint32_t price);
// Another total or another kind of sale (frames_can_turn), priority kept. Never larger than what is
// open: that is a replace (OUCH 5.0, Modify Order: a larger one is ignored).
enum refusal desk_modify(struct desk *d, const struct desk_owner *who, uint32_t order,
                         uint32_t total, char side);
// At most <total> shares may execute, 0: no more. Always taken for an order that is open; sent once
// while it has no answer, however often it is asked for.
enum refusal desk_cancel(struct desk *d, uint32_t order, uint32_t total);
// The last one again, which had no answer or missed the order.
void desk_cancel_repeat(struct desk *d, uint32_t order);
// The owner's order; null: no such order, or somebody else's.
struct own_order *desk_order_of(struct desk *d, const struct desk_owner *who, uint32_t order);
// Cancels everything open of a scope, some a turn.
void desk_mass_cancel(struct desk *d, enum trade_scope scope, uint32_t index);

// --- turning

// A frame that is no datagram; <sums_good>: its checksums have been looked at. True: a TCP segment
// of a session, and all that it says has been taken in; the frame stays the caller's.
bool desk_frame(struct desk *d, const struct frame *frame, bool sums_good);
// The next hop of a session's connection; <known> false: it does not answer any more.
void desk_neighbour(struct desk *d, uint32_t session, bool known, const uint8_t mac[6]);
// How far the node's clock may be from true time, ns; UINT64_MAX: nobody knows.
void desk_clock_take(struct desk *d, uint64_t error);
// Before it ends: cancels that wait for their rate leave as fast as the window lets them.
void desk_unpace(struct desk *d, uint32_t session);
static inline bool desk_cancels_paced(const struct desk *d, uint32_t session)
{
    return gate_cancels_paced(&d->risk, session) && !d->sessions[session].unpaced;
}
// The session ends and stays down.
void desk_logout(struct desk *d, uint32_t session, uint64_t now);

// Everything that has arrived for the sessions, and what is due: cancels, queries, kills, timers.
// Returns how much there was to do.
uint32_t desk_turn(struct desk *d, uint64_t now);

// --- state, for tests and whoever shows it

// Exposure is the sum over all open orders, kept step by step: the same by counting; false with a
// line of text. Walks everything.
bool desk_check(const struct desk *d, char *why, uint32_t why_len);
