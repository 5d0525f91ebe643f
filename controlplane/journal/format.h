// The journal on disk, version 1: what format.md says, as structures. Little-endian, all offsets
// fixed.
//
//   DIR/<segment, 16 digits>.journal = segment header, then blocks, then zeros
//   block                            = block header, then records, then zeros to a multiple of
//   align
//
// Every block carries the hash of what stands before it, so that nothing can be taken out or
// changed without a trace.
#pragma once

#include <stdint.h>

#include "controlplane/region/contact.h"

enum {
    JOURNAL_VERSION = 1,
    JOURNAL_HASH_LEN = 32,   // SHA-256
    JOURNAL_ALIGN_MIN = 512, // of blocks, where the disk can
    JOURNAL_ALIGN_MAX = 4096,
    JOURNAL_BLOCK_MAX = 1 << 20, // bytes
    JOURNAL_PAYLOAD_MAX = 4096,  // bytes of a record
};

#define JOURNAL_SEGMENT_MAGIC 0x534a4754u // "TGJS"
#define JOURNAL_BLOCK_MAGIC   0x424a4754u // "TGJB"
#define JOURNAL_SUFFIX        ".journal"

// UTC = utc_ns_at + (tsc - tsc_at) * 1e9 / tsc_hz.
struct journal_clock {
    uint64_t tsc_hz; // 0: not known
    uint64_t tsc_at;
    uint64_t utc_ns_at;
};

static inline uint64_t journal_clock_ns(const struct journal_clock *c, uint64_t ticks)
{
    return c->tsc_hz ? (uint64_t)((unsigned __int128)ticks * 1000000000u / c->tsc_hz) : 0;
}

static inline uint64_t journal_clock_utc_ns(const struct journal_clock *c, uint64_t tsc)
{
    return tsc >= c->tsc_at ? c->utc_ns_at + journal_clock_ns(c, tsc - c->tsc_at)
                            : c->utc_ns_at - journal_clock_ns(c, c->tsc_at - tsc);
}

// The dataplane whose events follow.
struct journal_instance {
    uint64_t epoch;                         // UTC ns of its start
    uint64_t config_hash;                   // of the configuration file's bytes, as in the region
    uint64_t abi_hash[2];                   // of the contract that the events are laid out by
    uint8_t program_hash[JOURNAL_HASH_LEN]; // SHA-256 of the dataplane's program, 0: not known
    uint32_t limits_version;                // of the table in force when the instance was met
    uint32_t restores;                      // 1: it goes on from the journal of its day
    struct journal_clock clock;
    char node[64];
};
_Static_assert(sizeof(struct journal_instance) == 160, "format.md");

// The table of limits in force on a lane.
struct journal_limits {
    uint64_t hash; // as it was made, without trading states; 0: nothing trades there
    uint64_t version;
};

struct journal_segment_header {
    uint32_t magic;
    uint32_t crc; // CRC32C of what follows, to the end of the structure
    uint32_t version;
    uint32_t align;        // of blocks; the first is at this offset
    uint64_t segment;      // number, from 1
    uint64_t first_record; // number of the first record; the segment before ends before it
    uint64_t created_ns;   // UTC
    uint8_t journal[16];   // which journal: the same in all its segments
    uint8_t previous[JOURNAL_HASH_LEN];      // of the last block before, cut to its whole records
    struct journal_instance instance;        // the newest one that is known; epoch 0: none yet
    struct journal_limits limits[LANES_MAX]; // of its lanes, when the segment was made
    uint8_t unused[8];
};
_Static_assert(sizeof(struct journal_segment_header) == JOURNAL_ALIGN_MIN, "format.md");

enum journal_block_flag {
    JOURNAL_CLOSED = 1, // the last block of a journal that was closed in order
};

struct journal_block_header {
    uint32_t magic;
    uint32_t crc;  // CRC32C of what follows, to the end of the structure
    uint32_t len;  // bytes of the block, multiple of align
    uint32_t used; // bytes up to the end of the last record
    uint64_t segment;
    uint64_t block;        // number in the segment, from 0
    uint64_t first_record; // number of its first record
    uint64_t committed;    // all records up to this one were durable when the block was made
    uint64_t closed_ns;    // UTC
    uint32_t records;
    uint32_t flags;
    uint8_t previous[JOURNAL_HASH_LEN]; // SHA-256 of <used> bytes of the block before; of the
                                        // segment header in the first
    uint8_t unused[32];
};
_Static_assert(sizeof(struct journal_block_header) == 128, "format.md");

enum journal_record_type {
    JOURNAL_EVENT = 1,    // struct event of dataplane/abi/events.h
    JOURNAL_INSTANCE = 2, // struct journal_instance: events that follow are its
    JOURNAL_CURSORS = 3,  // struct journal_cursors: first record of each segment but the first
    JOURNAL_NAMES = 4,    // struct journal_names: of what events name by number
};

struct journal_record {
    uint32_t crc; // CRC32C of what follows, to the end of the payload
    uint16_t len; // of header and payload, multiple of 8
    uint8_t type;
    uint8_t ring;    // of an event, enum event_ring_kind
    uint64_t number; // from 1, without a hole over all segments
};
_Static_assert(sizeof(struct journal_record) == 16, "format.md");

enum { JOURNAL_SOURCES = LANES_MAX + 1 }; // lanes, and the main lcore behind them

enum journal_name_kind {
    JOURNAL_NAME_LANE,
    JOURNAL_NAME_CHANNEL,
    JOURNAL_NAME_LINE, // channel * CHANNEL_LINES + line
    JOURNAL_NAME_PORT,
    JOURNAL_NAME_ACCOUNT,
    JOURNAL_NAME_INSTRUMENT,
    JOURNAL_NAME_SESSION,  // of a lane
    JOURNAL_NAME_STRATEGY, // of a lane
    JOURNAL_NAME_LOCATE,   // of a channel, from the next event on
    JOURNAL_NAME_SIGNAL,   // source of signals
    JOURNAL_NAME_KINDS
};

// Names of the instance, <count> from number <first> on. They are written behind its record, and
// again in every segment; those of locates before the first event that needs them.
struct journal_names {
    uint8_t kind;
    uint8_t lane; // of sessions and strategies; of a locate its channel
    uint16_t count;
    uint32_t first;
    char names[][NAME_LEN]; // zero-terminated
};
_Static_assert(sizeof(struct journal_names) == 8 && NAME_LEN == 32, "format.md");
enum { JOURNAL_NAMES_MAX = (JOURNAL_PAYLOAD_MAX - 8) / NAME_LEN };

// The last sequence number that stands in the journal, of each ring of the instance.
struct journal_cursors {
    uint64_t epoch;
    uint64_t sequence[JOURNAL_SOURCES][2];
};
