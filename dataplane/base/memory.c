#include "dataplane/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <hugetlbfs.h>
#include <numa.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dataplane/base/log.h"

static const uint64_t mib = 1 << 20;

static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

// One of the kernel's counts of huge pages; of <node> alone where it is given and the kernel tells.
static uint64_t pages_count(uint64_t page_size, int node, const char *what)
{
    char path[128];
    unsigned long long count = 0;
    if (node >= 0)
        snprintf(path, sizeof path, "/sys/devices/system/node/node%d/hugepages/hugepages-%lukB/%s",
                 node, page_size / 1024, what);
    else
        snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-%lukB/%s", page_size / 1024,
                 what);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return node >= 0 ? pages_count(page_size, -1, what) : 0;
    if (fscanf(file, "%llu", &count) != 1)
        count = 0;
    fclose(file);
    return count;
}

static uint64_t pages_free(uint64_t page_size, int node)
{
    return pages_count(page_size, node, "free_hugepages");
}

// "<what>: <wanted> huge pages ...": too few are found out before the first is touched.
static bool pages_suffice(const char *what, uint64_t wanted, uint64_t page_size, int node,
                          struct error *err)
{
    uint64_t have = pages_free(page_size, node);
    return have >= wanted ||
           error_set(err, EXIT_FAILED,
                     "%s: %lu huge pages of %lu MiB are needed%s, %lu are free; reserve more "
                     "(echo %lu > /sys/kernel/mm/hugepages/hugepages-%lukB/nr_hugepages), lower "
                     "channels.orders, or set node.huge_pages: false",
                     what, wanted, page_size / mib, node > 0 ? " on the lane's NUMA node" : "",
                     have, pages_count(page_size, -1, "nr_hugepages") + wanted - have,
                     page_size / 1024);
}

// The page size is one that this machine has at all.
static bool page_size_known(uint64_t page_size)
{
    long sizes[16];
    int count = gethugepagesizes(sizes, 16);
    for (int i = 0; i < count; i++)
        if ((uint64_t)sizes[i] == page_size)
            return true;
    return false;
}

bool memory_region_path(const char *name, uint64_t page_size, bool huge, char *path,
                        uint64_t path_len)
{
    const char *mount = huge ? hugetlbfs_find_path_for_size((long)page_size) : "/dev/shm";
    if (mount == NULL)
        return false;
    int n = snprintf(path, path_len, "%s/tickgate.%s", mount, name);
    return n > 0 && (uint64_t)n < path_len;
}

static void node_bind(void *memory, uint64_t length, int node)
{
    if (node >= 0 && numa_available() >= 0)
        numa_tonode_memory(memory, length, node);
}

// Every page there and zeroed. The kernel answers an error where touching the page would raise
// SIGBUS (a node without huge pages, a full tmpfs).
static bool pages_touch(void *memory, uint64_t length)
{
    if (madvise(memory, length, MADV_POPULATE_WRITE) == 0)
        return true;
    if (errno != EINVAL) // EINVAL: a kernel before 5.14
        return false;
    memset(memory, 0, length);
    return true;
}

// Process that holds the lock of <fd>'s file, 0 when the kernel does not say.
static int holder_of(int fd)
{
    char line[160];
    struct stat s;
    int holder = 0;
    FILE *locks = fopen("/proc/locks", "r");
    if (locks == NULL)
        return 0;
    while (fstat(fd, &s) == 0 && holder == 0 && fgets(line, sizeof line, locks)) {
        int pid;
        unsigned major, minor;
        unsigned long inode;
        if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%lu", &pid, &major, &minor, &inode) == 4 &&
            inode == s.st_ino && major == major(s.st_dev) && minor == minor(s.st_dev))
            holder = pid;
    }
    fclose(locks);
    return holder;
}

static bool held_by_other(const char *path, int holder, struct error *err)
{
    char who[32] = "";
    if (holder > 0)
        snprintf(who, sizeof who, " (process %d)", holder);
    return error_set(err, EXIT_FAILED,
                     "%s: another dataplane%s runs on this region; stop it, or give this one "
                     "another node.region",
                     path, who);
}

// A file that another process holds is its region; one that nobody holds was left by an instance
// that died.
static bool stale_remove(const char *path, struct error *err)
{
    for (int tries = 0; tries < 8; tries++) {
        struct stat opened, named;
        int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            return errno == ENOENT || error_set(err, EXIT_FAILED, "%s: %s", path, strerror(errno));
        bool held = flock(fd, LOCK_EX | LOCK_NB) != 0;
        int holder = held ? holder_of(fd) : 0;
        // Between opening and locking another instance may have put its own file in this place.
        bool same =
            fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino;
        if (!held && same) {
            log_info("region_stale", "%s was left by an instance that died; replaced", path);
            unlink(path);
        }
        close(fd);
        if (held)
            return held_by_other(path, holder, err);
        if (same)
            return true;
    }
    return held_by_other(path, 0, err);
}

// Temporary files "<path>.<pid>" of instances that died before they were ready.
static void temporaries_remove(const char *path)
{
    char pattern[224];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s.[0-9]*", path);
    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *end;
        long pid = strtol(found.gl_pathv[i] + strlen(path) + 1, &end, 10);
        int fd = *end == '\0' && pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH
                     ? open(found.gl_pathv[i], O_RDWR | O_CLOEXEC)
                     : -1;
        if (fd < 0)
            continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlink(found.gl_pathv[i]);
        close(fd);
    }
    globfree(&found);
}

// Under a temporary name until it is locked and whole, so that nobody sees half a file; the link
// fails where another instance was faster.
static bool region_create(struct memory_region *r, int node, struct error *err)
{
    char temporary[224];
    snprintf(temporary, sizeof temporary, "%s.%d", r->path, (int)getpid());
    r->fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
    bool ok = r->fd >= 0 && flock(r->fd, LOCK_EX | LOCK_NB) == 0 &&
              ftruncate(r->fd, (off_t)r->length) == 0;
    if (ok) {
        r->memory = mmap(NULL, r->length, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
        if (r->memory == MAP_FAILED)
            r->memory = NULL;
        else
            node_bind(r->memory, r->length, node);
        ok = r->memory && pages_touch(r->memory, r->length);
    }
    if (!ok) {
        error_set(err, EXIT_FAILED,
                  "%s: no memory for %lu MiB: %s; free some, or lower "
                  "channels.orders",
                  temporary, r->length / mib, strerror(errno));
    } else {
        mlock(r->memory, r->length); // without the right to lock, huge pages stay all the same
        r->named = link(temporary, r->path) == 0;
        ok = r->named ||
             (errno == EEXIST ? held_by_other(r->path, 0, err)
                              : error_set(err, EXIT_FAILED, "%s: %s", r->path, strerror(errno)));
    }
    if (r->fd >= 0)
        unlink(temporary);
    return ok;
}

bool memory_region_open(struct memory_region *r, const char *name, uint64_t length,
                        uint64_t page_size, int node, bool huge_pages, struct error *err)
{
    memset(r, 0, sizeof *r);
    r->fd = -1;
    r->huge = huge_pages && page_size_known(page_size) && pages_free(page_size, -1) > 0 &&
              memory_region_path(name, page_size, true, r->path, sizeof r->path);
    if (huge_pages && !r->huge)
        log_warn("huge_pages",
                 "no free huge pages of %lu MiB or no hugetlbfs mount: ordinary memory is used; "
                 "latency suffers (sysctl "
                 "vm.nr_hugepages=512, mount -t hugetlbfs none /dev/hugepages)",
                 page_size / mib);
    if (!r->huge && !memory_region_path(name, page_size, false, r->path, sizeof r->path))
        return error_set(err, EXIT_USAGE, "node.region: '%s' is too long; shorten it", name);
    r->page_size = r->huge ? page_size : (uint64_t)sysconf(_SC_PAGESIZE);
    r->length = round_up(length, r->page_size);
    temporaries_remove(r->path);
    if (!stale_remove(r->path, err) ||
        (r->huge && !pages_suffice(r->path, r->length / r->page_size, r->page_size, node, err)))
        return false;
    if (region_create(r, node, err))
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

void *memory_private(uint64_t bytes, int node, bool huge_pages, bool *huge, struct error *err)
{
    const uint64_t page = 2 * mib, length = round_up(bytes, page);
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | (huge_pages ? MAP_HUGETLB : 0);
    *huge = huge_pages;
    if (huge_pages && !pages_suffice("book tables", length / page, page, node, err))
        return NULL;
    void *p = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, -1, 0);
    bool mapped = p != MAP_FAILED;
    if (mapped) {
        node_bind(p, length, node);
        if (!huge_pages)
            madvise(p, length, MADV_HUGEPAGE);
    }
    if (!mapped || !pages_touch(p, length)) {
        error_set(err, EXIT_FAILED,
                  "no memory for %lu MiB of book tables: %s; free some, or lower channels.orders",
                  length / mib, strerror(errno));
        if (mapped)
            munmap(p, length);
        return NULL;
    }
    mlock(p, length);
    return p;
}

void memory_private_free(void *memory, uint64_t bytes)
{
    munmap(memory, round_up(bytes, 2 * mib));
}

bool memory_locality(const void *p, uint64_t bytes, int node, uint64_t *local, uint64_t *looked_at)
{
    enum { LOOKS = 4096 };
    static void *pages[LOOKS];
    static int nodes[LOOKS];
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t all = round_up(bytes, page) / page;
    uint64_t count = all < LOOKS ? all : LOOKS;
    *local = *looked_at = 0;
    for (uint64_t i = 0; i < count; i++)
        pages[i] = (void *)((uintptr_t)p + i * (bytes / count) / page * page);
    if (count == 0 || numa_available() < 0 || numa_move_pages(0, count, pages, NULL, nodes, 0) < 0)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        *looked_at += nodes[i] >= 0;
        *local += nodes[i] == node;
    }
    return *looked_at > 0;
}

// --- the bill
// --------------------------------------------------------------------------------------------------

void bill_add(struct memory_bill *bill, const char *name, uint64_t bytes, uint64_t page_size,
              int node)
{
    if (bill->count == BILL_ITEMS_MAX) { // the total stays right
        bill->items[BILL_ITEMS_MAX - 1].bytes += bytes;
        return;
    }
    struct memory_bill_item *item = &bill->items[bill->count++];
    snprintf(item->name, sizeof item->name, "%s", name);
    item->bytes = bytes;
    item->page_size = page_size;
    item->node = node;
}

uint64_t bill_total(const struct memory_bill *bill)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < bill->count; i++)
        total += bill->items[i].bytes;
    return total;
}

void bill_print(const struct memory_bill *bill, FILE *out)
{
    fprintf(out, "memory bill\n");
    for (uint32_t i = 0; i < bill->count; i++)
        fprintf(out, "  %-48s %9.2f MiB\n", bill->items[i].name,
                (double)bill->items[i].bytes / (double)mib);
    fprintf(out, "  %-48s %9.2f MiB\n", "total", (double)bill_total(bill) / (double)mib);
    fflush(out);
}

bool bill_check(const struct memory_bill *bill, uint64_t limit, struct error *err)
{
    const struct memory_bill_item *largest = &bill->items[0];
    for (uint32_t i = 1; i < bill->count; i++)
        if (bill->items[i].bytes > largest->bytes)
            largest = &bill->items[i];
    return bill_total(bill) <= limit ||
           error_set(err, EXIT_USAGE,
                     "the configuration needs %lu MiB, node.memory_limit is %lu MiB; the largest "
                     "item is '%s' with %lu "
                     "MiB: lower it (orders, levels, hold_frames) or raise the limit",
                     bill_total(bill) / mib + 1, limit / mib, largest->name, largest->bytes / mib);
}
