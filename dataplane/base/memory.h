// Memory of the dataplane: huge pages through libhugetlbfs, NUMA placement through libnuma, and the
// bill of it all. Start and stop only; nothing here is for a lane.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dataplane/base/error.h"

// What does not fit on its node is an error; with <allowed> other nodes are used and a warning says
// how much of it is there. One setting for the process, made before the first allocation.
void memory_remote_allow(bool allowed);

// --- the region: a named file

enum {
    MEMORY_PATH_LEN = 192,
    MEMORY_PLACES_MAX = 17, // every size of huge pages, and ordinary ones
};

struct memory_region {
    void *memory;
    uint64_t length; // rounded up to whole pages
    uint64_t page_size;
    char path[MEMORY_PATH_LEN];
    int fd;     // holds an exclusive flock for as long as the instance lives
    bool huge;  // on hugetlbfs; false: ordinary pages under /dev/shm
    bool named; // the file is there under <path>, and ours to remove
};

// Path of the region file <name> on the hugetlbfs mount that libhugetlbfs reports for <page_size>,
// or under /dev/shm when <huge> is false. False when there is no such mount.
bool memory_region_path(const char *name, uint64_t page_size, bool huge, char *path,
                        uint64_t path_len);

// Every path where a region of this name may lie, whatever pages it has. Returns how many.
uint32_t memory_region_places(const char *name, char paths[MEMORY_PLACES_MAX][MEMORY_PATH_LEN]);

// Creates <name>: locked, zeroed, every page there and on <node> (-1: any), and only then visible.
// A file that an instance left when it died is replaced; one that another process has locked is an
// error that names the process; both also where the other instance had pages of another size.
// <huge_pages> true on a machine that has none reserved falls back to ordinary pages with a
// warning; too few are an error that says how many are missing.
bool memory_region_open(struct memory_region *r, const char *name, uint64_t length,
                        uint64_t page_size, int node, bool huge_pages, struct error *err);
// Unmaps and removes the file.
void memory_region_close(struct memory_region *r);

// --- private tables

// Zeroed memory that nobody else sees, every page there and on <node> (-1: any); <*huge>: in 2 MiB
// pages. Null with <err>.
void *memory_private(uint64_t bytes, int node, bool huge_pages, bool *huge, struct error *err);
void memory_private_free(void *memory, uint64_t bytes);

// Asks the kernel (numa_move_pages) where pages of [p, p + bytes) are; looks at up to 4,096 of
// them, evenly spread. False when it does not say.
bool memory_locality(const void *p, uint64_t bytes, int node, uint64_t *local, uint64_t *looked_at);

// Code and data of the program and its libraries are read in, and they, stacks and whatever else
// is touched stay in memory from now on (mlock(2), mlockall(2) with MCL_ONFAULT): a lane that runs
// what has not run yet, or what a kernel that needed room took away, waits for the disk. False,
// with a warning: the limit of locked memory is too low. Libraries loaded later are not meant.
bool memory_stay(void);

// --- the bill

enum { BILL_ITEMS_MAX = 256 };

struct memory_bill {
    struct memory_bill_item {
        char name[48];
        uint64_t bytes;
        uint64_t page_size;
        int node; // -1: not bound
    } items[BILL_ITEMS_MAX];
    uint32_t count;
};

void bill_add(struct memory_bill *bill, const char *name, uint64_t bytes, uint64_t page_size,
              int node);
uint64_t bill_total(const struct memory_bill *bill);
void bill_print(const struct memory_bill *bill, FILE *out);
// Its sum and its largest item.
void bill_log(const struct memory_bill *bill);
// EXIT_USAGE when the total is above <limit>; names the largest item.
bool bill_check(const struct memory_bill *bill, uint64_t limit, struct error *err);
