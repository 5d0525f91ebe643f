// Re-request client of the main lcore: turns a channel's request for messages into datagrams to its
// servers, and hands what comes back to the lane, in order.
//
// One gap of a channel is in work at a time (the lane asks for the next when it is closed). It is
// asked for in parts of as many messages as the server was seen to put into one datagram, several
// parts at once. How many may be without an answer is a window that each answer widens and silence
// narrows to one; the rate of request datagrams is bounded besides, so that a burst of gaps does
// not become a burst of requests. A part that answers to later requests have passed is asked for
// once more at once; silence is met with a retry, then with the next server, then with
// ANSWER_FAILED. Of an answer counts what it holds, not what it says.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/counters.h"
#include "dataplane/base/error.h"
#include "dataplane/config/config.h"
#include "dataplane/lane/lane.h"
#include "dataplane/port/slow.h"

enum {
    RECOVERY_BUFFER_LEN = 2048,              // longer answers are no MoldUDP64 over Ethernet
    RECOVERY_BUFFERS = 112,                  // per channel; lent to the lane with each answer
    RECOVERY_WINDOW = 32,                    // requests without an answer
    RECOVERY_PARTS = 2 * RECOVERY_WINDOW,    // asked for, or here and waiting for what comes before
    RECOVERY_PARTS_NEW = RECOVERY_PARTS - 8, // the other places are left to what answers leave over
    RECOVERY_TRY_LONGER = 16,   // of so many parts one is longer than the server's datagrams were
    RECOVERY_LONGER_FITTED = 2, // of these in a row: all are longer
    RECOVERY_PASSED = 3,        // answers to later requests that say: this one is lost
    RECOVERY_BURST_US = 10000,  // requests of this time may go out at once
    RECOVERY_READS_MAX = 64,    // answers read per channel and turn
    RECOVERY_UDP_FIRST = 49152, // own UDP port of channel 0 on a port of the dataplane, and so on
};

// The ring of notes always has room for what was lent to come back: frames that a lane hands over
// take the other half of it.
enum { RECOVERY_LENT_MAX = RECOVERY_BUFFERS * CHANNELS_MAX };
_Static_assert(RECOVERY_LENT_MAX <= LANE_RING_LEN / 2 - 256, "notes of the lane");
// Answers that wait here for what comes before them never take the last buffer.
_Static_assert(RECOVERY_PARTS < RECOVERY_BUFFERS, "parts of a gap");

// Messages [first, end) of the gap.
struct recovery_part {
    uint64_t first;
    uint64_t end;
    uint64_t due;     // ns: when to ask (again)
    uint64_t request; // number of the last request for it
    uint32_t tries;   // requests for it that ended in silence, or may
    uint32_t passed;  // answers to later requests since the last one
    uint32_t len;     // bytes of the answer; 0: none yet
    uint16_t buffer;  // of the answer
};

struct recovery {
    struct config_recovery config;
    struct lane *lane;
    const struct feed_protocol *protocol;
    struct main_counters *count;
    uint8_t channel;        // index
    int fd;                 // UDP, non-blocking; -1 when the channel has no server, or another way
    struct slow_port *port; // way to the servers; null: the kernel's
    bool active;
    bool failed;     // ANSWER_FAILED is due
    uint32_t server; // that answered last
    uint32_t window; // parts that may be without an answer: 1 to RECOVERY_WINDOW
    uint32_t chunk;  // messages of a part: what the server puts into a datagram
    uint64_t next;   // first message that the lane was not given
    uint64_t asked;  // first message that is in no part yet
    uint64_t end;
    uint64_t gap_ns;   // between request datagrams
    uint64_t send_at;  // ns: when the next request is due at that rate
    uint64_t requests; // sent so far
    uint32_t parts_made;
    uint32_t longer_fitted; // parts that were longer, and came whole
    uint8_t session[SESSION_LEN];
    struct recovery_part parts[RECOVERY_PARTS]; // ascending, [next, asked) without holes
    uint32_t part_count;
    uint8_t *buffers; // RECOVERY_BUFFERS * RECOVERY_BUFFER_LEN
    uint32_t free_count;
    uint16_t free[RECOVERY_BUFFERS];
};

bool recovery_init(struct recovery *r, const struct config_recovery *config, uint8_t channel,
                   const struct feed_protocol *protocol, struct lane *lane,
                   struct main_counters *count, struct error *err);
// Requests go through <port> from now on: for a channel with via: port, before the first turn.
void recovery_through(struct recovery *r, struct slow_port *port, uint64_t now_ns);
// The messages of a gap are wanted, instead of those of the one before.
void recovery_request(struct recovery *r, const struct feed_request *request);
// Nobody waits for the messages any more: the book is loaded or put away.
void recovery_cancel(struct recovery *r);
// A datagram to our address on <port>. True: it is an answer to this channel's requests.
bool recovery_datagram(struct recovery *r, const struct slow_port *port, const struct frame_udp *f);
// The lane is done with a buffer.
void recovery_return(struct recovery *r, const struct frame *frame);
// One turn: reads answers, hands them on, asks, retries. Returns work done.
uint32_t recovery_turn(struct recovery *r, uint64_t now_ns);
void recovery_close(struct recovery *r);
