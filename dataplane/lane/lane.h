// A lane: one pinned core, its port queues, its channels. Everything it touches belongs to it; it
// talks to the main lcore through two bounded rings and to the control plane through the region.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/region.h"
#include "dataplane/base/spsc.h"
#include "dataplane/feed/channel.h"
#include "dataplane/port/port.h"

enum {
    LANE_DEMUX_MAX = 256,   // entries of the demultiplexing table; at most half are used
    LANE_ANSWERS_MAX = 32,  // answers of the main lcore taken in one turn
    LANE_RING_LEN = 4096,   // records of each ring to and from the main lcore
    LANE_BEHIND_MAX = 1024, // full bursts after which the longest receive ring has been emptied
    QUEUE_STEPS_MAX = 4096, // orders walked to answer for a queue position
};

// Lane to main lcore.
enum lane_note_kind {
    NOTE_REQUEST, // a channel asks
    NOTE_FRAME,   // a frame that is not market data (ARP, IGMP, replies to requests): main owns it
                  // now
    NOTE_RETURN,  // a buffer of an ANSWER_FRAME comes back
};

struct lane_note {
    enum lane_note_kind kind;
    uint8_t port; // index of the port a NOTE_FRAME came from
    struct feed_request request;
    struct frame frame;
};

// Main lcore to lane.
enum lane_answer_kind {
    ANSWER_FRAME,  // recovered datagram: payload in frame.data, buffer in frame.owner, returned as
                   // NOTE_RETURN
    ANSWER_FAILED, // nobody has the messages from <sequence> on
    ANSWER_BOOK,   // the channel's book comes back; <sequence>: first message not in it
    ANSWER_SEND,   // a frame to send on <port>; the lane owns it
    ANSWER_FILTER, // follow the symbols of <bitmap> from now on
    ANSWER_NEIGHBOUR, // next hop of <session>: <mac>, or (<loaded> false) nobody
    ANSWER_LOGOUT,    // <session> ends and stays down
    ANSWER_LIMITS,    // another table of limits: <swap>
    ANSWER_CLOCK,  // the node's clock: <sequence> ns from true time at most, UINT64_MAX: not known
    ANSWER_UTC,    // UTC is <sequence> ns (two's complement) later than the calibration says
    ANSWER_ACT,    // a control of another lane has acted: <sequence> is an act_word (desk_act.h)
    ANSWER_LOADED, // <part> went into a book that is lent: for the lane's tape, no input of the
                   // lane
    ANSWER_UNPACE, // cancels of <session> wait for no rate any more
};

enum { BOOK_PART_LEN = 8192 };

// Messages of a snapshot, each behind two bytes of length.
struct book_part {
    _Atomic bool given; // to the lane, which clears it when it has copied them
    bool begins;        // the book was emptied before them
    uint32_t len;
    uint8_t bytes[BOOK_PART_LEN];
};

struct lane_answer {
    enum lane_answer_kind kind;
    uint8_t channel;
    uint8_t port;
    bool loaded;   // ANSWER_BOOK, ANSWER_NEIGHBOUR; ANSWER_LOADED: the book was emptied before
    bool recorded; // ANSWER_BOOK: the tape has all that is in it
    uint8_t session;
    uint8_t mac[6];
    uint64_t sequence;
    struct frame frame;
    const uint64_t *bitmap;   // valid until the lane's next FILTER_CHANGED event
    struct limits_swap *swap; // desk_limits.h
    struct book_part *part;
};

struct lane_input {
    struct port *port;
    uint16_t queue;
    uint64_t emptied; // ticks: every frame that had arrived by then was received
    uint64_t
        full_at;   // while bursts are full: when the ring was last known to be no longer than ...
    uint32_t full; // ... so many bursts
};

// Where a datagram goes: destination address and port to channel and line.
struct lane_route {
    uint32_t ip;
    uint16_t udp_port;
    uint8_t channel; // index into lane.channels
    uint8_t line;
    uint8_t port; // index of the port it must come from
    bool used;
};

enum lane_idle { IDLE_POLL, IDLE_PAUSE, IDLE_YIELD, IDLE_SLEEP };

struct desk;
struct tape;

struct lane {
    // Hot: every turn.
    struct lane_input inputs[PORTS_MAX];
    uint32_t input_count;
    uint32_t channel_count;
    uint64_t input;     // number of the last input (law 5)
    uint64_t deadline;  // earliest channel deadline
    uint64_t stamp;     // receive stamp of the burst in work
    uint64_t delivered; // messages of all channels, behind the last burst
    uint64_t gauges_at; // when the channels' gauges are published next
    struct desk *desk;  // the trading half, null: market data only
    struct lane_counters *count;
    struct lane_histograms *histograms;
    struct channel *channels[CHANNELS_MAX];
    struct lane_route routes[LANE_DEMUX_MAX];
    struct command_bell *bell;
    uint64_t bell_seen;

    struct spsc notes;   // lane to main
    struct spsc answers; // main to lane
    struct spsc *inbox;  // where the lane takes them from: <answers>, or what a tape lets through
    struct tape *tape;   // tape.h; null: nothing is captured
    struct event_writer trading;
    struct event_writer diagnostics;
    struct region_view view;
    uint64_t (*now)(void *clock); // fixed at READY: the TSC, or a test's clock
    void *clock;
    uint64_t tsc_hz;
    uint64_t gauges_ticks; // between two publications
    enum lane_idle idle;
    uint8_t index;
    bool verify_checksums; // where the driver does not
    _Atomic bool stop;     // writer: main lcore
};

// Rings, writers and counters of lane <index> of the region; <notes>, <answers>: LANE_RING_LEN
// records each.
void lane_init(struct lane *lane, const struct region_view *view, uint8_t index, void *notes,
               void *answers);
void lane_input_add(struct lane *lane, struct port *port, uint16_t queue);
void lane_channel_add(struct lane *lane, struct channel *ch);
// False when the table is full or the destination is taken.
bool lane_route_add(struct lane *lane, uint8_t port, uint32_t ip, uint16_t udp_port,
                    uint8_t channel, uint8_t line);

// One burst of an input; returns its frames. Part of a turn, and of practice.
uint32_t lane_burst(struct lane *lane, uint16_t input);
// One turn of the loop; returns how much there was to do. <now>: ticks.
uint32_t lane_turn(struct lane *lane, uint64_t now);

// Turns until lane->stop. The thread is pinned and owns everything above.
void lane_run(struct lane *lane);

// --- parts of lane_run, for tape_run (tape.h) and replays

void lane_begin(struct lane *lane, uint64_t now);
// A turn that took from <now> to <end> and found <work>.
void lane_account(struct lane *lane, uint32_t work, uint64_t now, uint64_t end);
void lane_end(struct lane *lane, uint64_t now);
