#include "dataplane/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <hugetlbfs.h>
#include <numa.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/log.h"

static const uint64_t mib = 1 << 20;

static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

// Free pages of a size, from the kernel's own count.
static uint64_t pages_free(uint64_t page_size)
{
    char path[96];
    unsigned long long count = 0;
    snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-%lukB/free_hugepages",
             page_size / 1024);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%llu", &count) != 1)
        count = 0;
    fclose(file);
    return count;
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
    snprintf(path, path_len, "%s/tickgate.%s", mount, name);
    return true;
}

static void node_bind(void *memory, uint64_t length, int node)
{
    if (node >= 0 && numa_available() >= 0)
        numa_tonode_memory(memory, length, node);
}

// A file that another process holds is its region; one that nobody holds was left by an instance
// that died.
static bool stale_remove(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || error_set(err, EXIT_FAILED, "%s: %s", path, strerror(errno));
    bool held = flock(fd, LOCK_EX | LOCK_NB) != 0;
    if (!held) {
        log_info("region_stale", "%s was left by an instance that died; replaced", path);
        unlink(path);
    }
    close(fd);
    return !held || error_set(err, EXIT_FAILED,
                              "%s: another dataplane runs on this region; stop it, or give this "
                              "one another node.region "
                              "(fuser -v %s shows who)",
                              path, path);
}

static bool pages_suffice(const struct memory_region *r, struct error *err)
{
    uint64_t wanted = r->length / r->page_size, have = pages_free(r->page_size);
    return have >= wanted ||
           error_set(err, EXIT_FAILED,
                     "%s: %lu huge pages of %lu MiB are needed, %lu are free; reserve more "
                     "(sysctl vm.nr_hugepages=%lu), or set node.huge_pages: false",
                     r->path, wanted, r->page_size / mib, have, wanted - have + 256);
}

// Under a temporary name until it is locked and whole, so that nobody sees half a file.
static bool region_create(struct memory_region *r, int node, struct error *err)
{
    char temporary[224];
    snprintf(temporary, sizeof temporary, "%s.%d", r->path, (int)getpid());
    r->fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
    bool ok = r->fd >= 0 && flock(r->fd, LOCK_EX | LOCK_NB) == 0 &&
              ftruncate(r->fd, (off_t)r->length) == 0;
    if (ok) {
        r->memory = mmap(NULL, r->length, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
        ok = r->memory != MAP_FAILED;
    }
    if (!ok) {
        error_set(err, EXIT_FAILED, "%s: %s", temporary, strerror(errno));
        r->memory = NULL;
    } else {
        node_bind(r->memory, r->length, node);
        memset(r->memory, 0, r->length);
        mlock(r->memory, r->length); // without the right to lock, huge pages stay all the same
        ok = rename(temporary, r->path) == 0 ||
             error_set(err, EXIT_FAILED, "%s: %s", r->path, strerror(errno));
    }
    if (!ok)
        unlink(temporary);
    return ok;
}

bool memory_region_open(struct memory_region *r, const char *name, uint64_t length,
                        uint64_t page_size, int node, bool huge_pages, struct error *err)
{
    memset(r, 0, sizeof *r);
    r->fd = -1;
    r->huge = huge_pages && page_size_known(page_size) && pages_free(page_size) > 0 &&
              memory_region_path(name, page_size, true, r->path, sizeof r->path);
    if (huge_pages && !r->huge)
        log_warn("huge_pages",
                 "no free huge pages of %lu MiB or no hugetlbfs mount: ordinary memory is used; "
                 "latency suffers (sysctl "
                 "vm.nr_hugepages=512, mount -t hugetlbfs none /dev/hugepages)",
                 page_size / mib);
    if (!r->huge)
        memory_region_path(name, page_size, false, r->path, sizeof r->path);
    r->page_size = r->huge ? page_size : (uint64_t)sysconf(_SC_PAGESIZE);
    r->length = round_up(length, r->page_size);
    if (!stale_remove(r->path, err) || (r->huge && !pages_suffice(r, err)))
        return false;
    if (region_create(r, node, err))
        return true;
    memory_region_close(r);
    return false;
}

void memory_region_close(struct memory_region *r)
{
    if (r->memory) {
        munmap(r->memory, r->length);
        unlink(r->path);
    }
    if (r->fd >= 0)
        close(r->fd);
    r->memory = NULL;
    r->fd = -1;
}

void *memory_private(uint64_t bytes, int node, bool huge_pages, bool *huge, struct error *err)
{
    const uint64_t page = 2 * mib;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    uint64_t length = round_up(bytes, page);
    void *p = MAP_FAILED;
    *huge = false;
    if (huge_pages && pages_free(page) >= length / page) {
        p = mmap(NULL, length, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB, -1, 0);
        *huge = p != MAP_FAILED;
    }
    if (huge_pages && !*huge) {
        error_set(err, EXIT_FAILED,
                  "%lu huge pages of 2 MiB are needed for book tables, %lu are free; reserve more "
                  "(sysctl "
                  "vm.nr_hugepages), lower channels.orders, or set node.huge_pages: false",
                  length / page, pages_free(page));
        return NULL;
    }
    if (p == MAP_FAILED) {
        p = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (p == MAP_FAILED) {
            error_set(err, EXIT_FAILED, "no memory for %lu MiB of book tables: %s", length / mib,
                      strerror(errno));
            return NULL;
        }
        madvise(p, length, MADV_HUGEPAGE);
    }
    node_bind(p, length, node);
    memset(p, 0, length);
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
    uint64_t count = bytes / page < LOOKS ? bytes / page : LOOKS;
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
    if (bill->count == BILL_ITEMS_MAX)
        return;
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
