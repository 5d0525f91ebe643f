// Blocks through io_uring: registered buffers and file, the write linked to its fdatasync.
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

#include "controlplane/journal/disk.h"

enum { RING_ENTRIES = 4 * DISK_SLOTS };
enum step { STEP_WRITE, STEP_SYNC, STEPS };

struct uring {
    struct io_uring ring;
    struct {
        uint32_t len;
        uint64_t offset;
        uint8_t tries;
        uint8_t waiting; // completions that are due
        int error;
        bool refused; // by the call itself: no completion will come
    } slots[DISK_SLOTS];
};

enum { TRIES_MAX = 8 }; // of a block that was written in part

static void uring_submit(struct disk *d, uint32_t slot, uint32_t len, uint64_t offset)
{
    struct uring *u = d->engine;
    struct io_uring_sqe *write = io_uring_get_sqe(&u->ring);
    struct io_uring_sqe *sync = d->cached ? NULL : io_uring_get_sqe(&u->ring);
    u->slots[slot].len = len;
    u->slots[slot].offset = offset;
    u->slots[slot].waiting = sync ? STEPS : 1;
    u->slots[slot].error = 0;
    io_uring_prep_write_fixed(write, 0, disk_slot(d, slot), len, offset, (int)slot);
    write->flags |= IOSQE_FIXED_FILE;
    write->user_data = slot * STEPS + STEP_WRITE;
    if (sync) {
        write->flags |= IOSQE_IO_LINK;
        io_uring_prep_fsync(sync, 0, IORING_FSYNC_DATASYNC);
        sync->flags |= IOSQE_FIXED_FILE;
        sync->user_data = slot * STEPS + STEP_SYNC;
    }
    const int submitted = io_uring_submit(&u->ring);
    if (submitted < 0) { // the kernel took nothing: said with the next reap
        u->slots[slot].error = -submitted;
        u->slots[slot].refused = true;
    }
}

// True: the block is done, one way or the other. The sync of a block that was written in part is
// cancelled by the kernel, and the block is written again.
static bool completion(struct disk *d, uint32_t slot, enum step step, int result)
{
    struct uring *u = d->engine;
    const bool in_part = step == STEP_WRITE && result >= 0 && (uint32_t)result < u->slots[slot].len;
    if (in_part && ++u->slots[slot].tries >= TRIES_MAX)
        u->slots[slot].error = EIO;
    else if (result < 0 && result != -ECANCELED && u->slots[slot].error == 0)
        u->slots[slot].error = step == STEP_SYNC ? EIO : -result;
    else if (result == -ECANCELED && u->slots[slot].error == 0)
        u->slots[slot].error = EAGAIN; // unless the write said why
    if (in_part && u->slots[slot].error == 0)
        u->slots[slot].error = EAGAIN;
    if (--u->slots[slot].waiting)
        return false;
    if (u->slots[slot].error == EAGAIN && u->slots[slot].tries) {
        uring_submit(d, slot, u->slots[slot].len, u->slots[slot].offset);
        return false;
    }
    u->slots[slot].tries = 0;
    return true;
}

static uint32_t uring_reap(struct disk *d, struct disk_done *done, uint32_t max, uint32_t wait_us)
{
    struct uring *u = d->engine;
    struct io_uring_cqe *cqe;
    uint32_t count = 0;
    for (uint32_t i = 0; i < DISK_SLOTS && count < max; i++)
        if (u->slots[i].refused) {
            u->slots[i].refused = false;
            done[count++] = (struct disk_done){.slot = i, .error = u->slots[i].error};
        }
    if (count == 0 && wait_us) {
        struct __kernel_timespec t = {.tv_sec = wait_us / 1000000,
                                      .tv_nsec = wait_us % 1000000 * 1000L};
        if (io_uring_wait_cqe_timeout(&u->ring, &cqe, &t) < 0)
            return 0;
    }
    while (count < max && io_uring_peek_cqe(&u->ring, &cqe) == 0) {
        const uint32_t slot = (uint32_t)cqe->user_data / STEPS;
        const enum step step = (enum step)(cqe->user_data % STEPS);
        const int result = cqe->res;
        const bool ours = cqe->user_data < (uint64_t)DISK_SLOTS * STEPS;
        io_uring_cqe_seen(&u->ring, cqe);
        if (ours && completion(d, slot, step, result))
            done[count++] = (struct disk_done){.slot = slot, .error = u->slots[slot].error};
    }
    return count;
}

static int uring_segment(struct disk *d, const char *path, uint64_t bytes, const void *header)
{
    struct uring *u = d->engine;
    int failed = disk_segment_make(d, path, bytes, header);
    if (failed)
        return failed;
    int n = io_uring_register_files_update(&u->ring, 0, &d->fd, 1);
    return n < 0 ? -n : 0;
}

static void uring_close(struct disk *d)
{
    struct uring *u = d->engine;
    io_uring_queue_exit(&u->ring);
    free(u);
}

// One round that does nothing: a ring that was made is of no use where entering it is refused.
static int uring_try(struct io_uring *ring)
{
    struct io_uring_cqe *done;
    io_uring_prep_nop(io_uring_get_sqe(ring));
    int failed = io_uring_submit(ring);
    if (failed >= 0)
        failed = io_uring_wait_cqe(ring, &done);
    if (failed == 0)
        io_uring_cqe_seen(ring, done);
    return failed;
}

bool disk_uring_open(struct disk *d)
{
    static const struct disk_ops ops = {.name = "io_uring",
                                        .segment = uring_segment,
                                        .submit = uring_submit,
                                        .reap = uring_reap,
                                        .close = uring_close};
    struct uring *u = calloc(1, sizeof *u);
    struct iovec buffers[DISK_SLOTS];
    const int none = -1;
    if (u == NULL)
        return false;
    int failed = io_uring_queue_init(RING_ENTRIES, &u->ring, 0);
    if (failed < 0) {
        free(u);
        errno = -failed;
        return false;
    }
    for (uint32_t i = 0; i < DISK_SLOTS; i++)
        buffers[i] = (struct iovec){.iov_base = disk_slot(d, i), .iov_len = JOURNAL_BLOCK_MAX};
    failed = io_uring_register_buffers(&u->ring, buffers, DISK_SLOTS);
    if (failed == 0)
        failed = io_uring_register_files(&u->ring, &none, 1);
    if (failed == 0)
        failed = uring_try(&u->ring);
    if (failed < 0) {
        io_uring_queue_exit(&u->ring);
        free(u);
        errno = -failed;
        return false;
    }
    d->engine = u;
    d->ops = &ops;
    return true;
}
