// A disk for the journal's tests: real files, faults and crashes from a seed.
//
// What was submitted and not reaped is on its way: a crash leaves none, a part or all of its
// sectors. What was reaped without an error is there after every crash.
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controlplane/journal/disk.h"

enum { FAULT_SECTOR = 512 };

struct fault_disk {
    uint64_t random;
    uint32_t segments_left;   // then ENOSPC
    uint32_t write_errors_in; // this many blocks on: EIO; 0: never
    uint32_t sync_errors_in;  // the same of the sync: some of the block's sectors may be there
    uint32_t full_in;         // this many blocks on the disk is full
    bool full;                // ENOSPC: some of the block's sectors may be there
    bool holds;               // nothing gets done
    struct {
        bool on;
        uint32_t len;
        uint64_t offset;
    } flying[DISK_SLOTS];
};

static inline uint32_t fault_random(struct fault_disk *f, uint32_t below)
{
    f->random ^= f->random << 13;
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return (uint32_t)(f->random >> 32) % below;
}

static inline int fault_segment(struct disk *d, const char *path, uint64_t bytes,
                                const void *header)
{
    struct fault_disk *f = d->engine;
    if (f->segments_left == 0)
        return ENOSPC;
    f->segments_left--;
    return disk_segment_make(d, path, bytes, header);
}

static inline void fault_submit(struct disk *d, uint32_t slot, uint32_t len, uint64_t offset)
{
    struct fault_disk *f = d->engine;
    f->flying[slot].on = true;
    f->flying[slot].len = len;
    f->flying[slot].offset = offset;
}

// A block of which nobody knows how much is there: nothing (2), some (1) or all (0).
static inline void fault_land(struct disk *d, uint32_t slot, uint32_t luck)
{
    struct fault_disk *f = d->engine;
    for (uint32_t at = 0; f->flying[slot].on && at < f->flying[slot].len; at += FAULT_SECTOR)
        if (luck == 0 || (luck == 1 && fault_random(f, 2)))
            if (pwrite(d->fd, disk_slot(d, slot) + at, FAULT_SECTOR,
                       (off_t)(f->flying[slot].offset + at)) != FAULT_SECTOR)
                abort();
}

static inline uint32_t fault_reap(struct disk *d, struct disk_done *done, uint32_t max,
                                  uint32_t wait_us)
{
    struct fault_disk *f = d->engine;
    uint32_t count = 0;
    const uint32_t from = fault_random(f, DISK_SLOTS); // in any order
    if (f->holds)
        return 0;
    for (uint32_t i = 0; i < DISK_SLOTS && count < max; i++) {
        const uint32_t slot = (from + i) % DISK_SLOTS;
        if (!f->flying[slot].on || (wait_us == 0 && fault_random(f, 2)))
            continue;
        f->full = f->full || (f->full_in && --f->full_in == 0);
        int error = f->write_errors_in && --f->write_errors_in == 0 ? EIO : 0;
        if (!error && f->sync_errors_in && --f->sync_errors_in == 0) {
            fault_land(d, slot, fault_random(f, 3));
            error = EIO;
        }
        if (!error && f->full) {
            fault_land(d, slot, fault_random(f, 3));
            error = ENOSPC;
        }
        if (!error && pwrite(d->fd, disk_slot(d, slot), f->flying[slot].len,
                             (off_t)f->flying[slot].offset) != (ssize_t)f->flying[slot].len)
            error = errno;
        f->flying[slot].on = false;
        done[count++] = (struct disk_done){.slot = slot, .error = error};
    }
    return count;
}

static inline void fault_close(struct disk *d)
{
    d->engine = NULL;
}

// What is on its way gets as far as it gets.
static inline void fault_crash(struct disk *d)
{
    struct fault_disk *f = d->engine;
    for (uint32_t slot = 0; slot < DISK_SLOTS; slot++) {
        fault_land(d, slot, fault_random(f, 3));
        f->flying[slot].on = false;
    }
}

static inline void fault_disk_open(struct disk *d, struct fault_disk *f, uint64_t seed)
{
    static const struct disk_ops ops = {.name = "faults",
                                        .segment = fault_segment,
                                        .submit = fault_submit,
                                        .reap = fault_reap,
                                        .close = fault_close};
    *f = (struct fault_disk){.random = seed * 0x9E3779B97F4A7C15u + 1, .segments_left = UINT32_MAX};
    *d = (struct disk){.ops = &ops, .engine = f, .fd = -1, .align = FAULT_SECTOR};
    d->slots = aligned_alloc(JOURNAL_ALIGN_MAX, (size_t)DISK_SLOTS * JOURNAL_BLOCK_MAX);
    if (d->slots == NULL)
        abort();
}
