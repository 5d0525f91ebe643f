// A region in a temporary file, for tests that play the dataplane.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataplane/abi/region.h"
#include "dataplane/base/clock.h"

struct region_file {
    char path[64];
    int fd;
    struct region_view view;
};

static inline struct region_shape region_file_shape(void)
{
    struct region_shape shape = {.lanes = 2,
                                 .channels = 2,
                                 .ports = 1,
                                 .pools = 1,
                                 .bill_items = 3,
                                 .trading_slots = 64,
                                 .diagnostic_slots = 64,
                                 .symbols = {100, 50}};
    return shape;
}

static inline struct region_identity region_file_identity(void)
{
    struct region_identity identity = {.epoch = 1234567,
                                       .pid = (uint32_t)getpid(),
                                       .node = "node-1",
                                       .program = "test",
                                       .clock = {.tsc_hz = 2000000000}};
    return identity;
}

// Zeroed memory for a struct that holds parts of a region, which are aligned to cache lines.
static inline void *region_file_alloc(size_t bytes)
{
    size_t whole = (bytes + CACHE_LINE_LEN - 1) / CACHE_LINE_LEN * CACHE_LINE_LEN;
    void *memory = aligned_alloc(CACHE_LINE_LEN, whole);
    if (memory == NULL)
        abort();
    return memset(memory, 0, whole);
}

// Formats, but does not publish. A failure ends the program: no test goes on without its region.
static inline void region_file_make(struct region_file *file, const struct region_shape *shape,
                                    const struct region_identity *identity)
{
    uint64_t length = region_bytes(shape);
    snprintf(file->path, sizeof file->path, "/tmp/tickgate-region-XXXXXX");
    file->fd = mkstemp(file->path);
    if (file->fd < 0 || ftruncate(file->fd, (off_t)length) != 0)
        abort();
    void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
    if (memory == MAP_FAILED || !region_format(memory, length, shape, identity, &file->view))
        abort();
}

// A dataplane that runs, for whoever looks.
static inline void region_file_ready(struct region_file *file)
{
    region_beat(&file->view, clock_tsc());
    region_state_set(&file->view, REGION_READY);
    region_publish(&file->view);
}

static inline void region_file_remove(struct region_file *file)
{
    munmap(file->view.base, file->view.length);
    close(file->fd);
    unlink(file->path);
}
