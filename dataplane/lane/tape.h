// The tape of a lane: everything it takes in, into the capture ring of the region
// (dataplane/abi/capture.h), so that a replay can run the same code on the same inputs.
//
// Nothing of the lane's own code knows of it but two words of struct lane and one test where a
// command is taken. It stands between the lane and what it asks: ports, the clock, the answers of
// the main lcore and the kill words are reached through the tape, and tape_run turns instead of
// lane_run. Without a tape nothing of this is there.
//
//     port ──► tape_port ──► lane_burst            clock ──► tape_clock ──► lane->now
//     main lcore ─► answers ─► inbox ─► lane       kill words ─► copies ─► gate
//     main lcore ─► leases ──► notes ─► lane
//
// Turns that find nothing are not recorded one by one. While a lane with a tape has nothing to do
// it polls, but takes a turn only every TAPE_STEP_US, at a time that follows from the last one: so
// a silence is one number. Timers may be that much late.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/capture.h"
#include "dataplane/lane/lane.h"
#include "dataplane/risk/lease.h"

enum {
    TAPE_STEP_US = 10,
    TAPE_INBOX_LEN = 64,      // answers on their way through
    TAPE_LEASES_LEN = 64,     // notes of leases, the same
    TAPE_IDLE_MAX = 1 << 16,  // idle turns before one is written down, so that readers see time
    TAPE_NOTES_MAX = 1024,    // waiting for the main lcore: more may run into its ring's end
    TAPE_CREDIT_MIN = 32,     // slots that what is not an order asks for, at most
    TAPE_BEHIND_MAX = 1 << 8, // steps; after a longer pause time is taken from the clock again
    // Bytes of the ring that turns leave free, so that the stream says of a loss at once, and how
    // recording ended: LOST, then LOST, TURN and STOP or END, with a SKIP among them.
    TAPE_RESERVE = 64,
};

struct tape_port {
    struct port port; // what the lane sees
    struct port *real;
    struct tape *tape;
    uint64_t buffers; // asked for since recording began
    uint16_t input;
    uint16_t queue;
    uint16_t waiting; // frames that were received and not handed on
    struct frame frames[PORT_BURST];
};

struct tape_gateway; // tape_gateway.h

struct tape {
    struct lane *lane;
    struct capture_ring *ring;
    uint8_t *bytes;
    uint64_t mask;       // bytes of the ring - 1
    uint64_t at;         // written up to here
    uint64_t begun;      // published up to here
    uint64_t head;       // the reader's, as last believed
    uint64_t body;       // <at> behind the TURN of the turn in work
    uint64_t reserve;    // bytes that are not for the record in work
    uint64_t now;        // time of the turn in work
    uint64_t step;       // ticks
    uint64_t setup;      // lane->stamp before anything came back from the journal; 0: nothing did
    uint64_t credit_min; // free slots with which no decision depends on how many there are
    uint64_t credit;     // of the trading ring, as last recorded
    uint32_t idle;       // turns since the last TURN
    uint32_t lost;       // turns since the last record, and not yet told
    uint32_t frames;     // of the turn in work
    bool on;
    bool full;       // the turn in work does not fit
    bool hole;       // the newest record says that turns are lost
    bool first;      // nothing has been taken in yet
    bool commanded;  // in the turn in work
    uint8_t without; // bits of enum capture_not_recorded that were said
    uint64_t (*clock)(void *context);
    void *context;
    struct spsc inbox;
    struct lane_answer inbox_memory[TAPE_INBOX_LEN];
    struct spsc leases; // what the main lcore says of limits that lanes share
    struct lease_note leases_memory[TAPE_LEASES_LEN];
    const _Atomic uint64_t *commit_shared;   // in the region; null: the lane does not trade
    _Atomic uint64_t commit;                 // what the lane sees
    const struct record_word *record_shared; // the same
    struct record_word record;               // what the lane sees
    struct kill_words *kills_shared;         // in the region
    struct kill_words kills[KILL_ASKERS];    // what the lane sees
    struct kill_words synced[KILL_ASKERS];   // both were like this
    struct tape_gateway *gateway;            // null: no clients
    struct tape_port ports[PORTS_MAX];
};

// Set-up, once the lane has its inputs and its clock, and before anything is given the ports of its
// inputs. <ring>, <bytes>: of the lane. <tape>: zeroed.
void tape_init(struct tape *t, struct lane *lane, struct capture_ring *ring, uint8_t *bytes,
               uint64_t ring_bytes);
// Once the lane has its desk: from here on it sees copies of the kill words, and hears of leases
// through the tape.
void tape_kills(struct tape *t);
// The port that the lane sees for <port>; <port> itself where there is no tape or no such input.
struct port *tape_port_of(struct tape *t, struct port *port);

// Turns until lane->stop, as lane_run.
void tape_run(struct lane *lane);

// One pass of that loop, as lane_turn: a turn when something waits, when the last one had work, or
// when it is time for one.
uint32_t tape_pass(struct tape *t, uint64_t now, uint32_t work);

// A command is carried out.
void tape_command(struct tape *t, uint32_t slot, uint32_t type,
                  const struct govern_request *request);

// What other lanes have open was looked at for an order: one at <price> would be met, 0: none.
void tape_others(struct tape *t, uint32_t price);

// A strategy was late in practice, which is not recorded otherwise.
void tape_late(struct tape *t, uint32_t strategy, uint32_t weight, uint64_t ticks);

// --- tape_write.c

// Room for <payload> bytes of a record; null: the turn does not fit, or nothing is recorded.
void *tape_put(struct tape *t, enum capture_kind kind, uint32_t index, uint32_t value,
               uint32_t payload);
void tape_turn_begin(struct tape *t, uint64_t now);
// <step>: a turn without anything but its time need not be written down.
void tape_turn_end(struct tape *t, bool step);
void tape_start(struct tape *t, uint64_t now);
void tape_stop(struct tape *t);
// The lane has left its loop.
void tape_end(struct tape *t, uint64_t now);
void tape_without(struct tape *t, enum capture_not_recorded what);
