#include "dataplane/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <hugetlbfs.h>
#include <limits.h>
#include <numa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dataplane/base/log.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 // Linux 5.14; the C library of Debian 12 has it, older ones do not
#endif
#define MMAP_HUGE_2MIB (21 << 26) // MAP_HUGE_2MB of linux/mman.h: whatever the default size is

static const uint64_t mib = 1 << 20;
static const uint64_t private_page = 2 << 20;
static bool remote_allowed;

void memory_remote_allow(bool allowed)
{
    remote_allowed = allowed;
}

static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

// --- huge pages ---

static bool count_read(const char *path, uint64_t *count)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    bool read = fscanf(file, "%lu", count) == 1;
    fclose(file);
    return read;
}

// Free pages of a size by the kernel's own count: of <node>, or of the machine when <node> is -1 or
// other nodes may be used.
static uint64_t pages_free(uint64_t page_size, int node)
{
    char path[128];
    uint64_t count;
    snprintf(path, sizeof path,
             "/sys/devices/system/node/node%d/hugepages/hugepages-%lukB/free_hugepages", node,
             page_size / 1024);
    if (node >= 0 && !remote_allowed && count_read(path, &count))
        return count;
    snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-%lukB/free_hugepages",
             page_size / 1024);
    return count_read(path, &count) ? count : 0;
}

// Pages of a size that the machine has set aside, in use or not.
static uint64_t pages_reserved(uint64_t page_size)
{
    char path[128];
    uint64_t count;
    snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-%lukB/nr_hugepages",
             page_size / 1024);
    return count_read(path, &count) ? count : 0;
}

// The machine has pages of this size at all.
static bool page_size_known(uint64_t page_size)
{
    long sizes[16];
    int count = gethugepagesizes(sizes, 16);
    for (int i = 0; i < count; i++)
        if ((uint64_t)sizes[i] == page_size)
            return true;
    return false;
}

static bool pages_suffice(const char *what, uint64_t length, uint64_t page_size, int node,
                          struct error *err)
{
    uint64_t wanted = length / page_size, have = pages_free(page_size, node);
    char where[32] = "";
    if (have >= wanted)
        return true;
    if (node >= 0 && !remote_allowed)
        snprintf(where, sizeof where, " on NUMA node %d", node);
    return error_set(err, EXIT_FAILED,
                     "%s: %lu huge pages of %lu MiB are needed%s, %lu are free; reserve %lu more "
                     "(/sys/kernel/mm/hugepages), lower what takes them (channels.orders, "
                     "hold_frames), or set node.huge_pages: false",
                     what, wanted, page_size / mib, where, have, wanted - have);
}

// --- placement ---

bool memory_locality(const void *p, uint64_t bytes, int node, uint64_t *local, uint64_t *looked_at)
{
    enum { LOOKS = 4096 };
    static void *pages[LOOKS];
    static int nodes[LOOKS];
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t total = round_up(bytes, page) / page;
    const uint64_t count = total < LOOKS ? total : LOOKS;
    *local = *looked_at = 0;
    for (uint64_t i = 0; i < count; i++)
        pages[i] = (void *)((uintptr_t)p / page * page + i * total / count * page);
    if (count == 0 || numa_available() < 0 || numa_move_pages(0, count, pages, NULL, nodes, 0) < 0)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        *looked_at += nodes[i] >= 0;
        *local += nodes[i] == node;
    }
    return *looked_at > 0;
}

// Touches every page now, where a failure is an answer and not a signal in the middle of a session.
static bool pages_fault_in(void *memory, uint64_t length)
{
    if (madvise(memory, length, MADV_POPULATE_WRITE) == 0)
        return true;
    if (errno != EINVAL)
        return false;
    memset(memory, 0, length); // Linux before 5.14
    return true;
}

static bool placed_check(const char *what, const void *memory, uint64_t length, int node,
                         struct error *err)
{
    uint64_t local, looked_at;
    if (node < 0 || !memory_locality(memory, length, node, &local, &looked_at) ||
        local == looked_at)
        return true;
    if (!remote_allowed)
        return error_set(err, EXIT_FAILED,
                         "%s: %lu of %lu pages looked at are not on NUMA node %d; reserve memory "
                         "there, move the lane, or set node.remote_memory: true",
                         what, looked_at - local, looked_at, node);
    log_warn(LOG_MEMORY_REMOTE,
             LOG_FIELDS(LOG_TEXT("what", what), LOG_NUMBER("pages_remote", looked_at - local),
                        LOG_NUMBER("pages", looked_at), LOG_NUMBER("node_wanted", node)),
             "%s: %lu of %lu pages looked at are not on NUMA node %d", what, looked_at - local,
             looked_at, node);
    return true;
}

// Binds, faults in, locks, and looks where the pages are.
static bool pages_settle(const char *what, void *memory, uint64_t length, int node, bool huge,
                         struct error *err)
{
    if (node >= 0 && numa_available() >= 0) {
        numa_set_bind_policy(!remote_allowed);
        numa_tonode_memory(memory, length, node);
    }
    if (!pages_fault_in(memory, length))
        return error_set(err, EXIT_FAILED,
                         "%s: %lu MiB could not be had although they were counted free: %s; a "
                         "limit of the cgroup, or another process was faster",
                         what, length / mib, strerror(errno));
    // Huge pages stay where they are without a lock.
    if (mlock(memory, length) != 0 && !huge)
        log_warn(LOG_MEMORY_UNLOCKED,
                 LOG_FIELDS(LOG_TEXT("what", what), LOG_TEXT("cause", strerror(errno))),
                 "%s: may be paged out (%s); raise the limit of locked memory (ulimit -l)", what,
                 strerror(errno));
    return placed_check(what, memory, length, node, err);
}

// Code and data of the program and its libraries, also what has not run yet: mlock(2) reads it in
// and makes its own copy of what may be written. mlockall(2) without MCL_ONFAULT would do that to
// all that is mapped, and drivers reserve far more than there is.
static bool files_lock(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    if (maps == NULL)
        return false;
    char line[PATH_MAX + 128], mode[5];
    unsigned long from, to, file;
    bool locked = true;
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s %*x %*s %lu", &from, &to, mode, &file) == 4 && file &&
            mode[0] == 'r' && mode[3] == 'p')
            locked = mlock((void *)from, to - from) == 0 && locked;
    fclose(maps);
    return locked;
}

bool memory_stay(void)
{
    if (mlockall(MCL_CURRENT | MCL_ONFAULT) == 0 && files_lock())
        return true;
    log_warn(LOG_MEMORY_UNLOCKED,
             LOG_FIELDS(LOG_TEXT("what", "code"), LOG_TEXT("cause", strerror(errno))),
             "code and stacks: may be paged out (%s); raise the limit of locked memory (ulimit -l)",
             strerror(errno));
    return false;
}

// --- region ---

bool memory_region_path(const char *name, uint64_t page_size, bool huge, char *path,
                        uint64_t path_len)
{
    const char *mount = huge ? hugetlbfs_find_path_for_size((long)page_size) : "/dev/shm";
    if (mount == NULL)
        return false;
    int n = snprintf(path, path_len, "%s/tickgate.%s", mount, name);
    return n > 0 && (uint64_t)n < path_len;
}

// Process that holds the flock of a file, 0 when the kernel does not tell (another container).
static int lock_holder(int fd)
{
    char line[256];
    struct stat file;
    int holder = 0;
    FILE *locks = fopen("/proc/locks", "r");
    while (locks && holder == 0 && fstat(fd, &file) == 0 && fgets(line, sizeof line, locks)) {
        int pid;
        unsigned major_of, minor_of;
        unsigned long inode;
        if (sscanf(line, "%*d: FLOCK %*s WRITE %d %x:%x:%lu", &pid, &major_of, &minor_of, &inode) ==
                4 &&
            major_of == major(file.st_dev) && minor_of == minor(file.st_dev) &&
            inode == file.st_ino)
            holder = pid;
    }
    if (locks)
        fclose(locks);
    return holder;
}

static bool region_held(const char *path, int fd, struct error *err)
{
    char by[48] = "";
    int pid = lock_holder(fd);
    if (pid > 0)
        snprintf(by, sizeof by, " (process %d)", pid);
    return error_set(err, EXIT_FAILED,
                     "%s: another dataplane%s runs on this region; stop it, or give this one "
                     "another node.region",
                     path, by);
}

// A file that another process holds is its region; one that nobody holds was left by an instance
// that died. Only the holder of a file's lock removes it, and only after a look that the path still
// means that file: of two starting at once, neither removes what the other has just made.
static bool stale_remove(const char *path, struct error *err)
{
    struct stat opened, named;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || error_set(err, EXIT_FAILED,
                                            "%s: %s; remove it, or give this dataplane another "
                                            "node.region",
                                            path, strerror(errno));
    bool free = flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (!free) {
        region_held(path, fd, err);
    } else if (fstat(fd, &opened) == 0 && stat(path, &named) == 0 &&
               opened.st_ino == named.st_ino && opened.st_dev == named.st_dev) {
        log_info(LOG_REGION_STALE, LOG_FIELDS(LOG_TEXT("path", path)),
                 "%s was left by an instance that died; replaced", path);
        unlink(path);
    }
    close(fd);
    return free;
}

// Gives the nameless file its name. The kernel refuses a name that is taken, so of two instances
// that start at once one gets it.
static bool region_name(struct memory_region *r, struct error *err)
{
    char self[48];
    snprintf(self, sizeof self, "/proc/self/fd/%d", r->fd);
    for (int tries = 0; tries < 3; tries++) {
        if (!stale_remove(r->path, err))
            return false;
        if (linkat(AT_FDCWD, self, AT_FDCWD, r->path, AT_SYMLINK_FOLLOW) == 0)
            return true;
        if (errno != EEXIST)
            break;
    }
    return error_set(err, EXIT_FAILED, "%s: %s", r->path, strerror(errno));
}

// Nameless until it is locked and whole: nobody sees half a region, and an instance that dies
// before leaves nothing.
static bool region_create(struct memory_region *r, int node, struct error *err)
{
    char folder[sizeof r->path];
    snprintf(folder, sizeof folder, "%s", r->path);
    *strrchr(folder, '/') = '\0';
    r->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0660);
    if (r->fd < 0 || flock(r->fd, LOCK_EX | LOCK_NB) != 0 ||
        ftruncate(r->fd, (off_t)r->length) != 0)
        return error_set(err, EXIT_FAILED, "%s: a file of %lu MiB cannot be made: %s", folder,
                         r->length / mib, strerror(errno));
    r->memory = mmap(NULL, r->length, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
    if (r->memory == MAP_FAILED) {
        r->memory = NULL;
        return error_set(err, EXIT_FAILED, "%s: %lu MiB cannot be mapped: %s", r->path,
                         r->length / mib, strerror(errno));
    }
    if (!pages_settle(r->path, r->memory, r->length, node, r->huge, err))
        return false;
    r->named = region_name(r, err);
    return r->named;
}

uint32_t memory_region_places(const char *name, char paths[MEMORY_PLACES_MAX][MEMORY_PATH_LEN])
{
    long sizes[MEMORY_PLACES_MAX - 1];
    const int known = gethugepagesizes(sizes, MEMORY_PLACES_MAX - 1);
    uint32_t count = memory_region_path(name, 0, false, paths[0], MEMORY_PATH_LEN) ? 1 : 0;
    for (int i = 0; i < known; i++)
        if (memory_region_path(name, (uint64_t)sizes[i], true, paths[count], MEMORY_PATH_LEN))
            count++;
    return count;
}

// A region of this name may lie elsewhere: an instance with another page size, or with huge pages
// where this one has none, runs or has died.
static bool elsewhere_clear(const char *name, const char *own, struct error *err)
{
    char paths[MEMORY_PLACES_MAX][MEMORY_PATH_LEN];
    const uint32_t count = memory_region_places(name, paths);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(paths[i], own) != 0 && !stale_remove(paths[i], err))
            return false;
    return true;
}

bool memory_region_open(struct memory_region *r, const char *name, uint64_t length,
                        uint64_t page_size, int node, bool huge_pages, struct error *err)
{
    memset(r, 0, sizeof *r);
    r->fd = -1;
    r->huge = huge_pages && page_size_known(page_size) && pages_reserved(page_size) > 0 &&
              memory_region_path(name, page_size, true, r->path, sizeof r->path);
    if (huge_pages && !r->huge)
        log_warn(LOG_HUGE_PAGES, LOG_FIELDS(LOG_NUMBER("page_bytes", page_size)),
                 "no huge pages of %lu MiB are reserved, or no hugetlbfs mount is there that this "
                 "user may write: ordinary memory is used, latency suffers; reserve some "
                 "(/sys/kernel/mm/hugepages/hugepages-%lukB/nr_hugepages) and mount them "
                 "(mount -t hugetlbfs -o pagesize=%luM none /dev/hugepages)",
                 page_size / mib, page_size / 1024, page_size / mib);
    if (!r->huge && !memory_region_path(name, page_size, false, r->path, sizeof r->path))
        return error_set(err, EXIT_USAGE, "%s: too long for the name of a region", name);
    r->page_size = r->huge ? page_size : (uint64_t)sysconf(_SC_PAGESIZE);
    r->length = round_up(length, r->page_size);
    // Before the pages are counted: what a dead instance left has pages of its own.
    if (!stale_remove(r->path, err) || !elsewhere_clear(name, r->path, err) ||
        (r->huge && !pages_suffice(r->path, r->length, r->page_size, node, err)))
        return false;
    // Again when ours has its name: of two that start at once at least one sees the other.
    if (region_create(r, node, err) && elsewhere_clear(name, r->path, err))
        return true;
    memory_region_close(r);
    return false;
}

void memory_region_close(struct memory_region *r)
{
    if (r->memory)
        munmap(r->memory, r->length);
    if (r->named)
        unlink(r->path);
    if (r->fd >= 0)
        close(r->fd);
    r->memory = NULL;
    r->named = false;
    r->fd = -1;
}

// --- private tables ---

void *memory_private(uint64_t bytes, int node, bool huge_pages, bool *huge, struct error *err)
{
    static const char what[] = "tables of the channel";
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | (huge_pages ? MAP_HUGETLB | MMAP_HUGE_2MIB : 0);
    uint64_t length = round_up(bytes, private_page);
    *huge = huge_pages;
    if (huge_pages && !pages_suffice(what, length, private_page, node, err))
        return NULL;
    void *p = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (p == MAP_FAILED) {
        error_set(err, EXIT_FAILED, "%s: %lu MiB cannot be mapped: %s", what, length / mib,
                  strerror(errno));
        return NULL;
    }
    if (!huge_pages)
        madvise(p, length, MADV_HUGEPAGE); // what the kernel can do without a reservation
    if (pages_settle(what, p, length, node, huge_pages, err))
        return p;
    munmap(p, length);
    return NULL;
}

void memory_private_free(void *memory, uint64_t bytes)
{
    munmap(memory, round_up(bytes, private_page));
}
