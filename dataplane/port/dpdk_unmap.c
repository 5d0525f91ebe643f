#include "dataplane/port/dpdk_unmap.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dataplane/abi/limits.h"
#include "dataplane/base/check.h"
#include "dataplane/port/dpdk_compat.h"

enum {
    WAIT_US = 100,         // between looks at the pollers
    WAIT_MAX_US = 1000000, // who has not polled for so long is at rest, not in a burst
};

// One entry per device. The lock is never taken by who polls.
static struct {
    pthread_mutex_t lock;
    struct {
        struct poller *pollers;
        uint32_t count;
    } devices[PORTS_MAX];
    uint32_t count;
} watched = {.lock = PTHREAD_MUTEX_INITIALIZER};

void pollers_watch(struct poller *pollers, uint32_t count)
{
    pthread_mutex_lock(&watched.lock);
    MUST(watched.count < PORTS_MAX);
    watched.devices[watched.count].pollers = pollers;
    watched.devices[watched.count++].count = count;
    pthread_mutex_unlock(&watched.lock);
}

void pollers_forget(const struct poller *pollers)
{
    pthread_mutex_lock(&watched.lock);
    for (uint32_t i = 0; i < watched.count; i++)
        if (watched.devices[i].pollers == pollers)
            watched.devices[i--] = watched.devices[--watched.count];
    pthread_mutex_unlock(&watched.lock);
}

static uint64_t looks_of(struct poller *poller)
{
    return atomic_load_explicit(&poller->looks, memory_order_acquire);
}

static void look_await(struct poller *poller, uint64_t before, uint32_t *waited_us)
{
    while (looks_of(poller) == before && *waited_us < WAIT_MAX_US) {
        usleep(WAIT_US);
        *waited_us += WAIT_US;
    }
}

static void pollers_await(void)
{
    uint64_t before[PORTS_MAX][LANES_MAX + 1] = {{0}};
    uint32_t waited_us = 0;
    pthread_mutex_lock(&watched.lock);
    for (uint32_t i = 0; i < watched.count; i++)
        for (uint32_t j = 0; j < watched.devices[i].count; j++)
            before[i][j] = looks_of(&watched.devices[i].pollers[j]);
    for (uint32_t i = 0; i < watched.count; i++)
        for (uint32_t j = 0; j < watched.devices[i].count; j++)
            look_await(&watched.devices[i].pollers[j], before[i][j], &waited_us);
    pthread_mutex_unlock(&watched.lock);
}

// A thread with an lcore polls itself, and unmaps a device's memory only when nobody polls it.
int munmap(void *address, size_t len)
{
    if (rte_lcore_id() == LCORE_ID_ANY)
        pollers_await();
    return (int)syscall(SYS_munmap, address, len);
}
