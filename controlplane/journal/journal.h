// The journal's writer: records into blocks, blocks to the disk, and how far they are durable.
//
// A block leaves as soon as none is on its way, else when it is full or old: records that come
// while the disk works share the next commit. One thread uses a journal.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/journal/block.h"
#include "controlplane/journal/disk.h"
#include "dataplane/base/error.h"

enum journal_state {
    JOURNAL_WRITING,
    JOURNAL_FULL,   // no space for a segment or a block: tried again every JOURNAL_RETRY_MS
    JOURNAL_FAILED, // the disk refused a write or a sync: what it holds is not known any more
};

enum {
    JOURNAL_RETRY_MS = 500,
    JOURNAL_RETAIN_MS = 10000, // between two looks for what is too old
    JOURNAL_MARK_MS = 100,     // without a record, until a block says that the last one was durable
    JOURNAL_SEGMENT_MIB_MIN = 4, // two blocks of the largest size and the header fit
    JOURNAL_BLOCK_MIN = 64 << 10,
    JOURNAL_LATENCIES = 32,
};

struct journal_config {
    const char *directory; // made if it is not there
    uint64_t segment_bytes;
    uint64_t commit_ns;   // age of a block that waits for others
    uint32_t block_bytes; // a block of this size leaves at once; 0: JOURNAL_BLOCK_MAX
    uint64_t keep_bytes;  // old segments go when all of them take more; 0: they stay
    uint64_t keep_ns;     // age at which a segment goes; 0: never
    // Segments from this one on stay, whatever the limits say: somebody still reads them. Null:
    // none.
    const _Atomic uint64_t *keep_from;
    bool cached; // durable is what the kernel has: lost when the machine stops
    enum disk_engine engine;
};

// How far each event ring has been read.
struct journal_mark {
    uint64_t cursor[JOURNAL_SOURCES][EVENT_RING_KINDS];
};

enum slot_state {
    SLOT_FREE,
    SLOT_FILLING,
    SLOT_ON_ITS_WAY,
    SLOT_REFUSED, // there was no space for it: sent again
    SLOT_DURABLE
};

struct journal_slot {
    struct block block;
    enum slot_state state;
    uint32_t len;
    uint64_t offset; // where it goes
    uint64_t begun_ns;
    struct journal_mark mark; // behind its last event
};

struct journal {
    struct journal_config config;
    char directory[512];
    struct disk disk;
    int lock; // file that keeps a second writer out
    enum journal_state state;
    int error; // errno of what stopped it
    uint64_t retry_ns;
    struct journal_segment_header header; // of the segment that is written
    struct block_place place;             // of the next block to leave
    uint64_t offset;                      // where it goes
    uint64_t number;                      // of the next record
    uint64_t committed;                   // records up to this one are durable
    uint64_t committed_ns;                // since when
    uint64_t retained_ns;                 // last look
    bool marked;                          // a durable block says so, or none has to
    bool torn;                            // as was found: its last segments have such an end
    struct journal_mark mark, committed_mark;
    struct journal_cursors cursors; // sequences that stand in it, of the instance
    struct journal_slot slots[DISK_SLOTS];
    uint32_t first, filling; // slots in order: the oldest on its way, the one that fills
    uint64_t bytes, blocks;
    // From the first record of a block to its commit: [i] up to 2^i us, the last without a bound.
    uint64_t latency[JOURNAL_LATENCIES];
    uint64_t latency_ns; // of all of them together
    // Told of every record once it is durable, in order; null: nobody.
    void (*durable)(void *context, const struct journal_record *record);
    void *context;
};

// Opens or makes a journal and goes on behind what is there, in a new segment. <engine> of the
// configuration unless <disk> has been opened by the caller (then it is taken over). False:
// EXIT_STATE for damage and a newer format, EXIT_FAILED for the rest, among it a second writer.
bool journal_open(struct journal *j, const struct journal_config *config, struct disk *disk,
                  struct error *err);
// Writes what is left, marks the end, and lets go. False: not everything became durable.
bool journal_close(struct journal *j);

// Lets another writer in.
void journal_unlock(struct journal *j);

// The table of limits that is in force on a lane: for the header of the next segment.
void journal_limits(struct journal *j, uint32_t lane, uint64_t version, uint64_t hash);
// The instance whose events follow. False: no room now, or it does not write.
bool journal_instance(struct journal *j, const struct journal_instance *instance, uint64_t now_ns);
// An event of a ring, read up to <cursor>. What stands in the journal already (by its sequence) is
// taken without being written again. False: no room now, or it does not write.
bool journal_event(struct journal *j, uint32_t source, enum event_ring_kind kind,
                   const struct event *event, uint64_t cursor, uint64_t now_ns);
// Any other record.
bool journal_note(struct journal *j, enum journal_record_type type, const void *payload,
                  uint32_t len, uint64_t now_ns);
// Age of the oldest block that is on its way, 0: none is.
uint64_t journal_waits_ns(const struct journal *j, uint64_t now_ns);
// Everything that was given to it is durable, and nothing is on its way.
bool journal_idle(const struct journal *j);
// Sends what is due and takes note of what has become durable. Returns whether anything did.
bool journal_turn(struct journal *j, uint64_t now_ns, uint32_t wait_us);
