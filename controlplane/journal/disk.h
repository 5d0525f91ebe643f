// The disk under the journal: segments made beforehand, blocks written and made durable while the
// next one fills.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/journal/format.h"
#include "dataplane/base/error.h"

enum { DISK_SLOTS = 4 }; // blocks in memory: one fills, the others are on their way

struct disk_done {
    uint32_t slot;
    int error; // errno; 0: written and durable; what a sync says is EIO
};

struct disk;

// One way to write; tests have one of their own, with faults.
struct disk_ops {
    const char *name;
    // Makes the file at <path>, <bytes> long and preallocated, with <header> (<align> bytes of a
    // slot's alignment) written and durable, and its name durable too. What is submitted afterwards
    // goes there. Nothing is on its way when it is called. Returns errno; what a sync says is EIO.
    int (*segment)(struct disk *d, const char *path, uint64_t bytes, const void *header);
    // Writes <len> bytes of a slot at <offset> and makes them durable. Always taken.
    void (*submit)(struct disk *d, uint32_t slot, uint32_t len, uint64_t offset);
    // What is done, in any order; waits up to <wait_us> for the first.
    uint32_t (*reap)(struct disk *d, struct disk_done *done, uint32_t max, uint32_t wait_us);
    void (*close)(struct disk *d);
};

struct disk {
    const struct disk_ops *ops;
    void *engine; // of the ops
    int fd;       // of the segment; -1: none
    bool direct;  // past the page cache
    bool cached;  // written is enough: nothing is synced
    uint32_t align;
    uint8_t *slots; // DISK_SLOTS x JOURNAL_BLOCK_MAX
};

static inline uint8_t *disk_slot(const struct disk *d, uint32_t slot)
{
    return d->slots + (uint64_t)slot * JOURNAL_BLOCK_MAX;
}

enum disk_engine { DISK_AUTO, DISK_URING, DISK_THREAD };

// <directory> tells what alignment and whether direct writes are possible. With DISK_AUTO io_uring,
// where the kernel refuses it the thread. False: EXIT_FAILED.
bool disk_open(struct disk *d, enum disk_engine engine, const char *directory, struct error *err);
void disk_close(struct disk *d);

// --- for engines

// ops->segment by plain calls.
int disk_segment_make(struct disk *d, const char *path, uint64_t bytes, const void *header);
// False: errno says why.
bool disk_uring_open(struct disk *d);
bool disk_thread_open(struct disk *d);
