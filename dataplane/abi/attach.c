#include "dataplane/abi/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// --- guard ---

struct guard {
    sigjmp_buf back;
    const uint8_t *begin;
    const uint8_t *end;
};

static _Thread_local struct guard *guard_active;

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    (void)context;
    const uint8_t *at = info->si_addr;
    struct guard *guard = guard_active;
    if (guard && at >= guard->begin && at < guard->end)
        siglongjmp(guard->back, 1);
    // Not ours: with the default action back in place the same access ends the process as it
    // should.
    signal(number, SIG_DFL);
}

static void guard_install(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &action, NULL);
}

// Not inlined: nothing of the caller lives in registers across sigsetjmp.
static __attribute__((noinline)) bool guarded(const void *memory, uint64_t length,
                                              void (*copy)(const struct region_view *view,
                                                           void *context),
                                              const struct region_view *view, void *context)
{
    struct guard guard = {.begin = memory, .end = (const uint8_t *)memory + length};
    if (sigsetjmp(guard.back, 1)) {
        guard_active = NULL;
        return false;
    }
    guard_active = &guard;
    copy(view, context);
    guard_active = NULL;
    return true;
}

// --- checks ---

__attribute__((format(printf, 4, 5))) static enum region_fault
fault(enum region_fault code, char *why, size_t why_len, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    vsnprintf(why, why_len, text, args);
    va_end(args);
    return code;
}

static enum region_fault check_version(const struct region_header *header, uint32_t version,
                                       char *why, size_t why_len)
{
    uint64_t hash[2];
    region_abi_hash(hash);
    if (header->magic != REGION_MAGIC && !(header->magic == 0 && version == 0))
        return fault(
            REGION_BAD_MAGIC, why, why_len,
            "not a tickgate region (magic 0x%016llx); give the file of a running dataplane",
            (unsigned long long)header->magic);
    if (version == 0)
        return fault(REGION_NOT_READY, why, why_len,
                     "the dataplane is still writing the region; try again");
    if (version >> 16 != REGION_MAJOR || (version & 0xffff) != REGION_MINOR)
        return fault(
            REGION_BAD_VERSION, why, why_len,
            "region version %u.%u, this program reads %u.%u; install dataplane and control "
            "plane of the same release",
            version >> 16, version & 0xffff, REGION_MAJOR, REGION_MINOR);
    if (header->abi_hash[0] != hash[0] || header->abi_hash[1] != hash[1])
        return fault(REGION_BAD_HASH, why, why_len,
                     "region of another build (hash %016llx%016llx, this program has "
                     "%016llx%016llx); install dataplane and control plane of the same build",
                     (unsigned long long)header->abi_hash[0],
                     (unsigned long long)header->abi_hash[1], (unsigned long long)hash[0],
                     (unsigned long long)hash[1]);
    return REGION_FINE;
}

struct header_copy {
    struct region_header header;
    uint32_t version;
};

static void copy_header(const struct region_view *view, void *context)
{
    struct header_copy *out = context;
    const struct region_header *header = region_header(view);
    // Version first, with acquire: if it is there, what was written before it is there.
    out->version = atomic_load_explicit(&header->version, memory_order_acquire);
    memcpy(&out->header, header, sizeof out->header);
}

static bool end_texts(struct region_identity *identity)
{
    bool ended = memchr(identity->node, 0, sizeof identity->node) &&
                 memchr(identity->program, 0, sizeof identity->program);
    identity->node[sizeof identity->node - 1] = 0;
    identity->program[sizeof identity->program - 1] = 0;
    return ended && identity->clock.tsc_hz != 0;
}

enum region_fault region_check(const void *memory, uint64_t length, struct region_header *header,
                               struct region_view *view, char *why, size_t why_len)
{
    struct header_copy copy;
    memset(view, 0, sizeof *view);
    if (length < sizeof *header)
        return fault(
            REGION_BAD_LENGTH, why, why_len,
            "%llu bytes, shorter than a region's header; the dataplane is still making it, "
            "or it is not a region",
            (unsigned long long)length);
    view->base = (uint8_t *)(uintptr_t)memory;
    if (!guarded(memory, length, copy_header, view, &copy))
        return fault(REGION_VANISHED, why, why_len, "the file was cut while its header was read");
    *header = copy.header;
    enum region_fault code = check_version(header, copy.version, why, why_len);
    if (code != REGION_FINE)
        return code;
    if (header->header_len != sizeof *header || !region_layout(&header->shape, view))
        return fault(REGION_BAD_LAYOUT, why, why_len,
                     "the region's header is damaged (shape beyond limits); restart the dataplane");
    if (header->length != view->length || length < view->length)
        return fault(REGION_BAD_LENGTH, why, why_len,
                     "the region has %llu bytes, its parts need %llu; restart the dataplane",
                     (unsigned long long)length, (unsigned long long)view->length);
    if (memcmp(header->parts, view->parts, sizeof view->parts) != 0 ||
        !end_texts(&header->identity))
        return fault(REGION_BAD_LAYOUT, why, why_len,
                     "the region's header is damaged (table of parts or identity); restart the "
                     "dataplane");
    return REGION_FINE;
}

// --- files ---

// Which process drains is decided by a lock on the first byte. It belongs to the open file, so it
// goes with the process however that ends, and it is not the lock that the dataplane holds on the
// whole file.
static bool drain_lock(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static enum region_fault map(struct region_reader *reader, enum region_access access, char *why,
                             size_t why_len)
{
    struct stat status;
    if (fstat(reader->fd, &status) != 0)
        return fault(REGION_SYSTEM, why, why_len, "%s: %s", reader->path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return fault(REGION_BAD_MAGIC, why, why_len, "%s: not a regular file", reader->path);
    uint64_t length = (uint64_t)status.st_size;
    if (length < sizeof reader->header)
        return fault(
            REGION_BAD_LENGTH, why, why_len,
            "%s: %llu bytes, shorter than a region's header; the dataplane is still making "
            "it, or it is not a region",
            reader->path, (unsigned long long)length);
    int protection = access == REGION_READ ? PROT_READ : PROT_READ | PROT_WRITE;
    void *memory = mmap(NULL, length, protection, MAP_SHARED, reader->fd, 0);
    if (memory == MAP_FAILED)
        return fault(REGION_SYSTEM, why, why_len, "%s: cannot map %llu bytes: %s", reader->path,
                     (unsigned long long)length, strerror(errno));
    char cause[200];
    enum region_fault code =
        region_check(memory, length, &reader->header, &reader->view, cause, sizeof cause);
    if (code != REGION_FINE) {
        munmap(memory, length);
        return fault(code, why, why_len, "%s: %s", reader->path, cause);
    }
    reader->mapped = length; // huge pages make a file longer than its region
    reader->device = status.st_dev;
    reader->inode = status.st_ino;
    return REGION_FINE;
}

enum region_fault region_attach(struct region_reader *reader, const char *path,
                                enum region_access access, char *why, size_t why_len)
{
    memset(reader, 0, sizeof *reader);
    snprintf(reader->path, sizeof reader->path, "%s", path);
    guard_install();
    reader->fd = open(path, (access == REGION_READ ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (reader->fd < 0)
        return fault(errno == ENOENT ? REGION_ABSENT : REGION_SYSTEM, why, why_len, "%s: %s%s",
                     path, strerror(errno),
                     errno == ENOENT   ? "; is the dataplane running?"
                     : errno == EACCES ? "; use the account that the dataplane runs under"
                                       : "");
    enum region_fault code = map(reader, access, why, why_len);
    if (code == REGION_FINE && access == REGION_DRAIN && !drain_lock(reader->fd)) {
        code = fault(REGION_BUSY, why, why_len,
                     "%s: another control plane is attached; stop it first", path);
        munmap(reader->view.base, reader->mapped);
    }
    if (code != REGION_FINE) {
        close(reader->fd);
        reader->fd = -1;
    }
    return code;
}

void region_detach(struct region_reader *reader)
{
    if (reader->fd < 0)
        return;
    munmap(reader->view.base, reader->mapped);
    close(reader->fd);
    reader->fd = -1;
}

bool region_pass(struct region_reader *reader,
                 void (*copy)(const struct region_view *view, void *context), void *context)
{
    struct stat status;
    if (reader->fd < 0 || fstat(reader->fd, &status) != 0 ||
        (uint64_t)status.st_size < reader->view.length)
        return false;
    return guarded(reader->view.base, reader->view.length, copy, &reader->view, context);
}

bool region_replaced(const struct region_reader *reader)
{
    struct stat status;
    return stat(reader->path, &status) != 0 || status.st_dev != reader->device ||
           status.st_ino != reader->inode;
}
