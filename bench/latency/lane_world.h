// A whole lane in one process: a channel with a full book, the desk, the example strategy and a
// session that is logged in over our own TCP, on the simulated port. This program is the other end
// of that port: the exchange's market data (lane_market.c) and its order entry (lane_venue.c).
// Nothing here is in the measured path but what the dataplane itself runs.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/exchange/random.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/error.h"
#include "dataplane/base/memory.h"
#include "dataplane/lane/desk_gateway.h"
#include "dataplane/lane/desk_strategy.h"
#include "dataplane/lane/desk_warm.h"
#include "dataplane/lane/tape.h"
#include "dataplane/port/port_sim.h"
#include "dataplane/wire/ouch50.h"

enum {
    LANE_WATCHED = 64,        // symbols that the strategy trades: as many as one may watch
    LANE_TOUCH_BID = 1000000, // their book: one tick of free room between the best prices
    LANE_TOUCH_ASK = 1000200,
    LANE_TOUCH_MIDDLE = 1000100,
    LANE_PACKET_MAX = 1400,
    LANE_RING_SLOTS = 4096,
    LANE_REGION_SLOTS = 1 << 16, // where a control plane takes the events
    LANE_ORDERS = 4096,          // places of the order table
    LANE_ACCOUNT = 1,
    LANE_CAPTURE_BYTES = 64 << 20, // as by default
    LANE_PARK_ORDERS = 256,
    LANE_PARK_US = 2000000,
    LANE_VENUE_ORDERS = 128,
};

// Where a lane's frames come from and go to, and the exchange's ends of the same ways.
struct lane_ports {
    struct port *in, *out;
    struct port *far_in, *far_out;
};

struct lane_sockets;

// Whether somebody takes the events away, as the control plane does.
enum lane_control { LANE_CONTROL_ALIVE, LANE_CONTROL_STOPPED, LANE_CONTROL_ABSENT };

struct lane_options {
    uint64_t seed;
    uint32_t symbols;                   // in the book, the watched ones included
    uint32_t live;                      // resting orders of the others
    uint64_t orders;                    // that the run will send, at most
    uint32_t silences;                  // pauses of a second, each with practice orders and without
    uint32_t practice_us;               // time between two practice orders
    uint32_t noise;                     // messages of other symbols between two triggers
    uint32_t control;                   // enum lane_control; without <region>
    bool uncounted;                     // system calls are not
    bool first;                         // with a real-time priority, where we may
    const char *strategies;             // directory of the examples
    struct lane_ports ports;            // all null: the simulated one
    const struct lane_sockets *sockets; // instead of ports; null: none
    void *sockets_state;
    struct transport *transport; // of the session, with sockets
    uint32_t instances;          // of the strategy: each its account, its part of the symbols; 0: 1
    uint32_t clients;            // of the gateway, attached
    const char *region;          // its name, for a control plane; null: nobody sees it
    bool durable;                // the session's orders wait for the journal: with a region
    bool capture;                // the lane hands out what it takes in
};

// Clients of the gateway: the first one's end of its rings, and what the lane has of all.
struct lane_client {
    struct gateway gateway;
    struct desk_gateway at_desk;
    struct gateway_inward *inward;
    struct gateway_outward *outward;
    uint64_t asked;
};

// The exchange's end of the session.
struct lane_venue {
    uint32_t seq, ack; // TCP's, next to send and next expected
    uint16_t local_port;
    uint32_t ts_value, ts_echo;
    uint64_t time_ns;
    uint64_t match;
    uint32_t got;                                  // orders taken from the port
    uint32_t again;                                // segments that came once more
    struct ouch50_enter last;                      // of them
    struct ouch50_enter orders[LANE_VENUE_ORDERS]; // the newest ones: of number n % this
    uint64_t order_at[LANE_VENUE_ORDERS];          // ticks: when each was taken
    uint8_t stream[4096];                          // of the client, not yet taken apart
    uint32_t stream_len;
    bool logged_in, asked;
};

// An order of the other symbols' books.
struct lane_resting {
    uint64_t ref;
    uint16_t locate;
};

struct lane_world;

// The exchange's end where there are no frames but sockets of the kernel.
struct lane_sockets {
    void (*datagram)(struct lane_world *w, const void *bytes, uint32_t len);
    void (*stream)(struct lane_world *w, const void *bytes, uint32_t len);
    // Bytes of the lane's session that have come, 0: none.
    uint32_t (*take)(struct lane_world *w, uint8_t *bytes, uint32_t max);
    // The lane's end: one turn.
    uint32_t (*turn)(struct lane_world *w);
};

struct lane_world {
    struct lane lane;
    struct desk desk;
    struct desk_strategies strategies;
    uint32_t instances; // of the strategy, loaded
    struct channel channel;
    struct session session;
    struct tcp_link link;
    struct port_sim port;
    struct lane_ports ports;
    struct frame popped; // not yet given back
    uint64_t pushed;     // ticks: just before the newest frame was handed to the exchange's port
    uint64_t popped_at;  // ticks: just after the newest one was taken from it
    const struct lane_sockets *sockets; // null: frames on a port
    void *sockets_state;
    struct limit_table *limits;
    struct clock_calibration cal;
    uint64_t memory; // bytes of all tables
    bool huge_pages;

    // Market data.
    struct random random;
    uint64_t sequence, ref;
    struct lane_resting *resting;
    uint64_t touches[LANE_WATCHED + 1]; // order that lane_market_touch has made the best, 0: none
    uint32_t resting_count, symbols;
    uint8_t packet[LANE_PACKET_MAX];
    uint32_t packet_len, packet_count;

    struct lane_venue venue;
    struct lane_client client;
    struct tape *tape; // null: no capture
    bool drained;      // somebody takes the events away
    uint64_t events_read;

    // The region: private memory, or a named one that a control plane reads.
    struct region_view view;
    struct memory_region region;
    bool shared;           // it is published: whoever reads it commits the events
    bool untaken;          // nobody has done so for as long as one waits
    uint64_t silent_until; // ticks: no frame before
    char wrong[96];        // what an order did that it should not
    uint64_t unrecorded;   // orders that were refused while the journal took no records
    pthread_t beat;
    _Atomic bool beat_stop;
};

// The book is open and the session ready when it returns.
// Null: <err> says why. Tables stay until the process ends.
struct lane_world *lane_world_open(const struct lane_options *o, struct error *err);
void lane_world_close(struct lane_world *w);

static inline uint32_t lane_world_turn_at(struct lane_world *w, uint64_t now)
{
    return w->tape ? tape_pass(w->tape, now, 0) : lane_turn(&w->lane, now);
}

// One turn of the lane, as lane_run makes it.
static inline uint32_t lane_world_turn(struct lane_world *w)
{
    if (w->sockets)
        return w->sockets->turn(w);
    return lane_world_turn_at(w, clock_tsc());
}

// A frame from the exchange to the lane.
void lane_wire_push(struct lane_world *w, const void *bytes, uint32_t len);
// The oldest frame of the lane that the exchange has not looked at, valid until the next call.
bool lane_wire_pop(struct lane_world *w, struct frame *frame);
// Turns of the lane until it has all market data that was pushed: ports of the kernel take time.
bool lane_world_settle(struct lane_world *w);

// What the lane has published since the last call: the newest <max> records, or (<out> null) none;
// returns how many.
uint32_t lane_world_events(struct lane_world *w, struct event *out, uint32_t max);

// --- the exchange's market data

// The opening: directory, trading, resting orders, the watched symbols' first prices.
void lane_market_open(struct lane_world *w, uint32_t live);
// Puts a frame on the port with <messages> adds and deletes of symbols that nobody watches.
void lane_market_noise(struct lane_world *w, uint32_t messages);
// Puts a frame on the port that makes the strategy buy (<up>) or sell <locate>. Returns the
// reference of the order that it will hit.
uint64_t lane_market_trigger(struct lane_world *w, uint16_t locate, bool up);
// Puts a frame on the port that changes the best bid of <locate>, and nobody trades on that.
// Returns what that bid is from then on.
uint32_t lane_market_touch(struct lane_world *w, uint16_t locate);
// ... and one that says that the order behind <ref> was executed.
void lane_market_executed(struct lane_world *w, uint16_t locate, uint64_t ref);

// --- a region for a control plane (lane_region.c)

// Files that go when a signal ends the process.
enum lane_file { LANE_FILE_REGION, LANE_FILE_SOCKET };
void lane_file_leave(enum lane_file file, const char *path);

// Null: <err> says why.
void *lane_region_open(struct lane_world *w, const char *name, uint64_t bytes, struct error *err);
struct region_identity lane_region_identity(const struct lane_world *w);
// From here on a control plane takes the events.
bool lane_region_publish(struct lane_world *w, struct error *err);
// Turns of the lane while it is behind, or its journal takes no records, or, for a durable session,
// makes none durable; false: that lasts.
bool lane_region_ready(struct lane_world *w);
void lane_region_close(struct lane_world *w);

// --- clients of the gateway

// <count> that are attached; only the first one asks. <table>: zeroed memory of the lane's. False:
// <err> says why.
bool lane_client_open(struct lane_world *w, uint32_t count,
                      void *(*table)(struct lane_world *, uint64_t, struct error *),
                      struct error *err);
// Puts an order to buy (<up>) or sell into its ring; w->pushed is from just before.
void lane_client_ask(struct lane_world *w, uint16_t locate, bool up);
// Takes what it is told; false when an order was refused or the lane has cut it off.
bool lane_client_read(struct lane_world *w);

// --- the exchange's order entry

// Takes every frame that the lane has sent; false when one of them makes no sense. The last order
// is in w->venue.last.
bool lane_venue_take(struct lane_world *w);
// Puts frames on the port: the answer to a SYN, a login, an account query, as they have been taken.
void lane_venue_greet(struct lane_world *w);
// Puts a frame on the port that accepts and executes the last order.
void lane_venue_answer(struct lane_world *w);
