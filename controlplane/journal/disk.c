#include "controlplane/journal/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// --- what the file system can do ---

// Tries a file: not every file system that takes O_DIRECT says what alignment it wants.
static void look(struct disk *d, const char *directory)
{
    char path[4096];
    d->align = JOURNAL_ALIGN_MIN;
    d->direct = false;
    if (snprintf(path, sizeof path, "%s/.direct-XXXXXX", directory) >= (int)sizeof path)
        return;
    int fd = mkostemp(path, O_DIRECT | O_CLOEXEC);
    if (fd < 0)
        return;
    for (uint32_t align = JOURNAL_ALIGN_MIN; align <= JOURNAL_ALIGN_MAX && !d->direct; align *= 2) {
        d->direct = pwrite(fd, d->slots, align, align) == (ssize_t)align;
        d->align = align;
    }
    if (!d->direct)
        d->align = JOURNAL_ALIGN_MIN;
    close(fd);
    unlink(path);
}

// --- segments ---

// A sync that fails is final whatever it says: an ENOSPC here is not the one that waits for room.
static int whole_sync(int fd)
{
    return fsync(fd) == 0 ? 0 : EIO;
}

static int directory_sync(const char *path)
{
    char copy[4096];
    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
        return ENAMETOOLONG;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int failed = whole_sync(fd);
    close(fd);
    return failed;
}

// Where the file system cannot preallocate (ext2), the C library writes a byte into each block,
// which O_DIRECT does not take.
static int preallocate(const struct disk *d, int fd, uint64_t bytes)
{
    if (fallocate(fd, 0, 0, (off_t)bytes) == 0)
        return 0;
    if (errno != EOPNOTSUPP)
        return errno;
    const int flags = fcntl(fd, F_GETFL);
    if (d->direct && (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_DIRECT) != 0))
        return errno;
    const int failed = posix_fallocate(fd, 0, (off_t)bytes);
    if (d->direct && fcntl(fd, F_SETFL, flags) != 0)
        return errno;
    return failed;
}

static int segment_fill(const struct disk *d, int fd, uint64_t bytes, const void *header)
{
    int failed = preallocate(d, fd, bytes);
    if (failed)
        return failed;
    ssize_t n = pwrite(fd, header, d->align, 0);
    if (n != (ssize_t)d->align)
        return n < 0 ? errno : EIO;
    return d->cached ? 0 : whole_sync(fd); // the length too
}

int disk_segment_make(struct disk *d, const char *path, uint64_t bytes, const void *header)
{
    int fd =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | (d->direct ? O_DIRECT : 0), 0640);
    if (fd < 0)
        return errno;
    int failed = segment_fill(d, fd, bytes, header);
    if (failed == 0 && !d->cached)
        failed = directory_sync(path);
    if (failed) {
        close(fd);
        unlink(path); // nothing was written to it
        return failed;
    }
    if (d->fd >= 0)
        close(d->fd);
    d->fd = fd;
    return 0;
}

// --- opening ---

bool disk_open(struct disk *d, enum disk_engine engine, const char *directory, struct error *err)
{
    *d = (struct disk){.fd = -1};
    d->slots = aligned_alloc(JOURNAL_ALIGN_MAX, (size_t)DISK_SLOTS * JOURNAL_BLOCK_MAX);
    if (d->slots == NULL)
        return error_set(err, EXIT_FAILED, "%s: no memory for blocks", directory);
    memset(d->slots, 0, (size_t)DISK_SLOTS * JOURNAL_BLOCK_MAX);
    look(d, directory);
    if (engine != DISK_THREAD && disk_uring_open(d))
        return true;
    if (engine != DISK_URING && disk_thread_open(d))
        return true;
    error_set(err, EXIT_FAILED, "%s: %s: %s%s", directory,
              engine == DISK_URING ? "io_uring" : "a thread for the disk", strerror(errno),
              engine == DISK_URING ? "; let the engine be auto, or allow io_uring_setup" : "");
    free(d->slots);
    d->slots = NULL;
    return false;
}

void disk_close(struct disk *d)
{
    if (d->ops)
        d->ops->close(d);
    if (d->fd >= 0)
        close(d->fd);
    free(d->slots);
    *d = (struct disk){.fd = -1};
}
