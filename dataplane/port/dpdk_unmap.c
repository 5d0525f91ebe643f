#include "dataplane/port/dpdk_unmap.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
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

bool poller_hold(struct poller *poller, uint32_t pause)
{
    // Registered once in a process; a kernel without it refuses both, and nobody is held.
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0)
        return false;
    atomic_store_explicit(&poller->pause, pause, memory_order_seq_cst);
    // From here on a poller has either said that it is inside, or will see <pause>.
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0 &&
        atomic_load_explicit(&poller->inside, memory_order_acquire) == 0)
        return true;
    poller_release(poller);
    return false;
}

// --- on the interrupt thread ---

static _Thread_local bool waits_for_nobody;

struct interrupt_call {
    void (*fn)(void *arg);
    void *arg;
    sem_t done;
};

static void interrupt_call_do(void *arg)
{
    struct interrupt_call *call = arg;
    waits_for_nobody = true;
    call->fn(call->arg);
    waits_for_nobody = false;
    sem_post(&call->done);
}

// Makes the thread look.
static void nudge(void *arg)
{
    (void)arg;
}

// Until <done>. Two closes under load looked as if the thread had slept through its alarm until
// something else woke it: every second there is another one.
static void interrupt_call_await(sem_t *done)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    while (sem_timedwait(done, &until) != 0) { // or a signal came
        if (errno != ETIMEDOUT)
            continue;
        (void)rte_eal_alarm_set(1, nudge, NULL);
        until.tv_sec++;
    }
}

void interrupt_thread_call(void (*fn)(void *arg), void *arg)
{
    struct interrupt_call call = {fn, arg, {{0}}};
    sem_init(&call.done, 0, 0);
    // Alarms go off on that thread. Where none is to be had nothing else can be done than this.
    if (rte_eal_alarm_set(1, interrupt_call_do, &call) != 0) {
        fn(arg);
    } else {
        interrupt_call_await(&call.done);
        rte_eal_alarm_cancel(interrupt_call_do, &call); // has nothing to do any more with the call
    }
    sem_destroy(&call.done);
}

// A thread with an lcore polls itself, and unmaps a device's memory only when nobody polls it.
int munmap(void *address, size_t len)
{
    if (rte_lcore_id() == LCORE_ID_ANY && !waits_for_nobody)
        pollers_await();
    return (int)syscall(SYS_munmap, address, len);
}
