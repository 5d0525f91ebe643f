// Capture: everything a lane takes in, as one stream of records per lane, so that the same code can
// be run again on the same inputs. The lane writes it to a ring of bytes in the region, the control
// plane reads it and writes files.
//
//   head <= tail <= head + bytes of the ring       both only grow, from 0, multiples of 8
//
//   tail    writer: the lane, with release, once a turn of its loop: a turn is there whole or not
//   head    writer: the control plane, with release, when what is below is in a file; the lane
//           loads it with acquire before it writes there again, and believes of it only what is
//           between its last value and its own tail
//   wanted  writer: the control plane: 1 record, 0 do not
//   held    writer: the control plane: 1 while it is not wanted as nothing can be written, so that
//           the control plane after it knows that no person stopped it
//
// A turn that finds no room is left out. CAPTURE_LOST says so of the first of several at once, and
// of the others before the next that is there, or the end: a stream in which nothing is told of a
// loss has none, also when the process was killed. All numbers
// little-endian. What the reader finds is input from a file or from shared memory: nothing of it is
// believed before it is checked.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "dataplane/abi/day_control.h"
#include "dataplane/abi/limits.h"

_Static_assert(PORTS_MAX == 16, "capture_ring.ports: four bits each");

enum {
    CAPTURE_VERSION = 2,
    CAPTURE_UNIT = 8,                // records are multiples of it
    CAPTURE_RING_MIN = 1 << 20,      // bytes; a power of two
    CAPTURE_RING_MAX = 1 << 30,      //
    CAPTURE_FRAME_MAX = 9216,        // bytes of a frame that are recorded
    CAPTURE_RECORD_MAX = 16384,      // bytes of a record
    CAPTURE_SPAN_MAX = 1 << 24,      // bytes of a turn
    CAPTURE_RANDOMS_A_RECORD = 1024, // words
};

struct capture_ring {
    _Alignas(CACHE_LINE_LEN) _Atomic uint64_t tail; // lane
    _Atomic uint64_t lost;                          // lane: turns that found no room
    _Atomic uint64_t lost_frames;                   // lane: in them
    _Atomic uint64_t frames;                        // lane: recorded, both ways
    _Atomic uint64_t recording;                     // lane: 1 while it records
    _Atomic uint64_t ports; // before the lane runs: port of input n in bits 4 n to 4 n + 3
    _Atomic uint64_t gaps;  // lane: times recording began behind inputs that are not recorded
    uint64_t unused1;
    _Alignas(CACHE_LINE_LEN) _Atomic uint64_t head; // control plane
    _Atomic uint64_t wanted;                        // control plane; at first the dataplane
    _Atomic uint64_t held;                          // control plane
    _Atomic uint64_t holes; // control plane: times it found what it could not read, and left it
    uint64_t unused2[4];
};

// <index> and <value> by kind; what follows the header is named in brackets.
#define CAPTURE_KIND_LIST(X)                                                                     \
    X(SKIP, "the rest of the ring is not used")                                                  \
    X(START, "recording begins [capture_start]")                                                 \
    X(PORT, "input <index> of the lane [capture_port]")                                          \
    X(RANDOM, "of session <index>, from number <value> on [words]")                              \
    X(TURN, "a turn, after <value> idle ones [u64: its time, ticks]")                            \
    X(CLOCK, "the clock was read: <value> ticks after the turn's time")                          \
    X(CLOCK_WIDE, "the same [u64: ticks]")                                                       \
    X(BURST, "<value> frames came together from input <index> [u64: input number before]")       \
    X(FRAME_IN, "one of them, <value> bytes [capture_frame, bytes]")                             \
    X(FRAME_OUT, "handed to the port of input <index>, <value> bytes [capture_frame, bytes]")    \
    X(NO_BUFFER, "the port had none [u64: number of the call]")                                  \
    X(NO_ROOM, "the transmit ring of input <index> took nothing of a frame")                     \
    X(ANSWER, "of the main lcore, <value> bytes behind its facts [capture_answer, bytes]")       \
    X(COMMAND, "of the control plane, slot <index>, type <value> [request]")                     \
    X(KILLS, "words of asker <index> as they are from then on, <value> is enum capture_when "    \
             "[kill_words]")                                                                     \
    X(CREDIT, "slots of the trading ring are free again [u64: committed]")                       \
    X(JOURNAL, "how it is with the journal, before the turn [u64: enum record_state]")           \
    X(NOT_RECORDED, "an input that is not in the capture: <value> is enum capture_not_recorded") \
    X(LOST, "<value> turns before this record found no room")                                    \
    X(STOP, "recording ends")                                                                    \
    X(END, "the lane has left its loop")                                                         \
    X(COMMIT, "orders wait, and the journal has so many events, before the turn [u64]")          \
    X(CLIENT, "client <index> of the gateway came or went, before the turn [capture_client]")    \
    X(REQUESTS, "client <index> has put <value> slots of requests, before the turn "             \
                "[capture_requests, slots]")                                                     \
    X(LATE, "practice of strategy <index> was beyond its budget, and its late ones weigh "       \
            "<value> with it, behind the turn [u64: ticks]")                                     \
    X(LIMITS, "<value> bytes in which the next table of limits is another than the one before "  \
              "[capture_limits, bytes]")                                                         \
    X(LEASE, "the main lcore says word <index> (enum lease_word) of the share <value> of a "     \
             "limit, before the turn [u64: amount]")                                             \
    X(OTHERS, "other lanes' orders were looked at: one at price <value> would be met, 0: none")

enum capture_kind {
#define CAPTURE_KIND(upper, text) CAPTURE_##upper,
    CAPTURE_KIND_LIST(CAPTURE_KIND)
#undef CAPTURE_KIND
        CAPTURE_KINDS
};

// Why a capture cannot be replayed though nothing was lost.
#define CAPTURE_NOT_RECORDED_LIST(X)                                          \
    X(BOOK, "a book that was loaded while the ring of the capture was full")  \
    X(LIMITS, "a table of limits for which there was no memory")              \
    X(CREDIT, "slots of the event ring that became free while orders waited") \
    X(NOTES, "a ring to the main lcore that was nearly full")

enum capture_not_recorded {
#define CAPTURE_NOT_RECORDED(upper, text) CAPTURE_WITHOUT_##upper,
    CAPTURE_NOT_RECORDED_LIST(CAPTURE_NOT_RECORDED)
#undef CAPTURE_NOT_RECORDED
        CAPTURE_WITHOUTS
};

// When the lane sees it.
enum capture_when { CAPTURE_BEFORE_TURN, CAPTURE_AT_CLOCK, CAPTURE_BEHIND_TURN };

struct capture_record {
    uint16_t units; // of the record with this header; SKIP: 1
    uint8_t kind;
    uint8_t index;
    uint32_t value;
};
_Static_assert(sizeof(struct capture_record) == CAPTURE_UNIT, "one unit");

struct capture_start {
    uint32_t version;
    uint32_t first;    // 1: the lane has taken in nothing before
    uint64_t step;     // ticks between two idle turns
    uint64_t setup;    // stamp of what was done before the lane ran
    uint64_t restored; // of what came back from the journal behind it; nothing did: <setup>
    uint64_t now;      // time of the first turn
    uint64_t input;    // number of the last input
    uint64_t sequence; // of the next trading event
    uint32_t inputs;   // PORT records that follow
    uint32_t verify_checksums;
};

struct capture_port {
    uint8_t mac[6];
    uint8_t port; // index in the configuration
    uint8_t sums_tcp;
};

struct capture_frame {
    uint64_t number; // IN: of the burst; OUT: of the input that caused it
    uint64_t hw_ns;
    uint16_t flags; // enum frame_flag
    uint16_t place; // IN: in its burst, from 1; OUT: queue
    uint32_t len;   // of the frame; what is recorded may be less
};

struct capture_answer {
    uint64_t sequence;
    uint32_t frame_flags;
    uint8_t kind; // enum lane_answer_kind
    uint8_t channel;
    uint8_t port;
    uint8_t loaded;
    uint8_t session;
    uint8_t mac[6];
    uint8_t unused[5];
};
_Static_assert(sizeof(struct capture_answer) % CAPTURE_UNIT == 0, "whole units");

struct capture_client {
    uint32_t attached, ended; // attachments
    uint32_t why;             // it ended: enum tickgate_code
    uint32_t uid, pid;
    uint32_t unused;
};

struct capture_requests {
    uint32_t tail;         // behind the slots
    uint32_t answers_head; // how far the client has read
};

struct capture_limits {
    uint32_t at; // byte of the table
    uint32_t unused;
};

enum { CAPTURE_SLOT_LEN = 64, CAPTURE_SLOTS_MAX = 64 }; // of a record; one more may belong to it

static inline uint32_t capture_units(uint64_t payload)
{
    return (uint32_t)(1 + (payload + CAPTURE_UNIT - 1) / CAPTURE_UNIT);
}

// Before the records of a lane, for a replay. Of an instance that went on from the journal of its
// day a record SKIP stands before the first turn, and behind it the events that it was given
// (restore.h), with its own RESTORED as the last.
#define REPLAY_MAGIC 0x59414c5045524754ull // "TGREPLAY"
struct replay_header {
    uint64_t magic;
    uint64_t abi_hash[2];
    uint64_t config_hash;
    uint64_t tsc_hz;
    uint64_t tsc_at;
    uint64_t utc_ns_at;
    uint64_t files[DAY_FILES_MAX]; // hashes of the day's files at the start; 0: there was none
    uint32_t lane;
    uint32_t unused;
};
