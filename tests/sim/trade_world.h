// The whole trading lane against exchanges of the simulation, in virtual time: frames of lines A
// and B in, orders out over a wire with delays that breaks at any byte, a main lcore that answers
// requests, strategies and a random client at the desk. Each venue is a bourse of
// bench/exchange/trade with a generated day around it. No threads, no clock: the same seed gives
// the same run. cmocka.h is included before this header.
#pragma once

#include <stdio.h>

#include "bench/exchange/generate.h"
#include "bench/exchange/trade/bourse.h"
#include "dataplane/lane/desk_strategy.h"
#include "dataplane/port/port_sim.h"
#include "tests/sim/trade_ledger.h"

enum {
    TRADE_VENUES = 2,
    TRADE_LINES = 2,
    TRADE_SYMBOLS = 6, // of a venue; both list the same
    TRADE_ORDERS = 256,
    TRADE_REFS = 8192,
    TRADE_MATCHES = 32768,
    TRADE_BLOCKS = 32,
    TRADE_STEP_NS = 20000,
    TRADE_ARRIVALS = 512,
    TRADE_ACCOUNTS = 4,
    TRADE_POSITIONS = 64,
    TRADE_DRIVER = 7, // the random client's strategy; loaded strategies come first
};

struct trade_config {
    uint64_t seed;
    uint32_t steps, messages; // of the market, spread over the steps
    uint32_t asks;            // of the random client: up to so many a step
    struct bourse_faults faults;
    enum bourse_self_match self_match;
    bool cancel_on_disconnect, extras;
    bool slides;            // post-only orders that would take
    uint32_t wire_breaks;   // one in so many steps the connection breaks; 0: never
    uint32_t wire_busy;     // one in so many steps the window opens or closes; 0: always open
    uint32_t line_loss_ppm; // packets of one line
    uint32_t both_loss_ppm; // of both
    uint32_t reorder_ppm;   // packets that come late
    uint32_t server_loss_ppm;
    bool bands;      // are estimated where a symbol's row says so
    bool durable;    // orders wait for the journal, ...
    uint32_t people; // do something in one of so many steps (trade_people.h); 0: never
    uint32_t
        journal_stalls; // ... which one in so many steps stalls for a while, or fails; 0: never
};

// Bytes on their way, in order.
struct trade_pipe {
    uint8_t *bytes;
    uint32_t have, room, ready; // ready: bytes whose time has come
    struct {
        uint64_t due;
        uint32_t len;
    } pieces[1024];
    uint32_t first, count;
    uint64_t last_due;
};

// A packet of a line that will arrive.
struct trade_arrival {
    uint64_t due, order;
    uint32_t packet;
    uint8_t line;
};

struct trade_packet {
    uint64_t sequence;
    uint32_t count, len;
    uint8_t *bytes; // MoldUDP64 header and blocks
};

struct trade_world;

struct trade_venue {
    struct trade_world *w;
    uint8_t index;
    struct bourse *b;
    struct bourse_config bourse;
    struct generator market;
    bool market_over;
    // The wire.
    struct transport transport;
    struct session session;
    struct trade_pipe to_exchange, to_client;
    int visitor; // -1: no connection
    uint64_t open_at;
    bool opening, busy, closing;
    uint64_t ended_messages; // of sessions of the exchange that are over
    uint32_t orders_over;    // the first so many of the exchange
    // The lines.
    struct channel channel;
    struct trade_packet *packets;
    uint32_t packet_count, packet_room;
    uint8_t building[1200];
    uint32_t building_len, building_count;
    uint64_t next_sequence, beat_at;
    struct trade_arrival arrivals[TRADE_ARRIVALS];
    uint32_t arrival_count;
    uint64_t arrival_order;
    // The re-request server.
    bool asked;
    uint64_t ask_next, ask_end, answer_at;
};

struct trade_world {
    const struct trade_config *config;
    uint64_t now, random;
    struct lane lane;
    struct desk desk;
    struct desk_strategies strategies;
    struct limit_table *limits;
    uint16_t locates[TRADE_SYMBOLS]; // by instrument
    struct port_sim port;
    struct trade_venue venues[TRADE_VENUES];
    struct trade_ledger ledger;
    uint64_t event_cursor, event_hash, event_total;
    uint64_t committed;   // of the events, when the lane's last turn began
    uint64_t stall_until; // the journal commits nothing before
    uint64_t commit_at;   // and what it has begun is done then
    uint64_t commit_to;
    uint32_t event_count[EVENT_TYPES];
    uint32_t frames_out;     // recovered ones that the lane holds
    uint32_t contradictions; // impossible messages, silence left out
    bool trace;
    FILE *wire; // NULL: nobody wants it
    void *blocks[TRADE_BLOCKS];
    uint32_t block_count;
};

extern struct trade_world *sim;

void trade_open(const struct trade_config *config);
void trade_close(void);
uint32_t trade_draw(uint32_t below);

// One step: market, wires, lines, main lcore, a turn of the lane, its events into the ledger.
void trade_step(void);
// The market stands still, nobody asks, nothing fails any more: steps until nothing is on its way.
// False: it never came to rest.
bool trade_settle(void);
// Messages that the client has never read, as the session that they belong to is over.
int64_t trade_lost(const struct trade_venue *v);

// trade_wire.c
void wire_open(struct trade_venue *v);
void wire_step(struct trade_venue *v);
void wire_break(struct trade_venue *v);

// trade_lines.c
void lines_open(struct trade_venue *v);
void lines_message(struct trade_venue *v, const uint8_t *message, uint32_t length);
void lines_step(struct trade_venue *v);
void lines_asked(struct trade_venue *v, const struct feed_request *request);
void lines_close(struct trade_venue *v);
