// A driver's munmap waits for those who poll: a thread that reads the memory in bursts, as a lane
// does, never meets it unmapped. (A memif peer that is killed: system_peer_test.py.)
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataplane/port/dpdk_unmap.h"

enum { LEN = 4096, ROUNDS = 200 };

static struct poller pollers[2];
static _Atomic(volatile char *) shared; // null: not connected, as the driver's flag says
static _Atomic bool stop;
static _Atomic uint64_t bursts;

// A burst looks whether there is memory and then reads it for as long as a lane that loses its core
// in the middle.
static void *poll_it(void *poller)
{
    while (!atomic_load(&stop)) {
        poller_look(poller);
        volatile char *memory = atomic_load(&shared);
        if (memory == NULL)
            continue;
        (void)memory[0];
        usleep(500);
        (void)memory[LEN - 1];
        atomic_fetch_add(&bursts, 1);
    }
    return NULL;
}

static void *memory_make(void)
{
    void *memory = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

static void no_burst_meets_memory_that_is_gone(void **state)
{
    pthread_t threads[2];
    (void)state;
    atomic_store(&stop, false);
    pollers_watch(pollers, 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, poll_it, &pollers[i]), 0);
    for (int i = 0; i < ROUNDS; i++) {
        void *memory = memory_make();
        uint64_t before = atomic_load(&bursts);
        atomic_store(&shared, memory);
        while (atomic_load(&bursts) == before)
            usleep(10);
        atomic_store(&shared, NULL);
        assert_int_equal(munmap(memory, LEN), 0); // a burst that is still in it would end here
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    pollers_forget(pollers);
}

// It waits for a while and then goes on: a lane that does not poll is not in a burst.
static void who_is_at_rest_is_not_waited_for_forever(void **state)
{
    (void)state;
    void *memory = memory_make();
    pollers_watch(pollers, 1);
    assert_int_equal(munmap(memory, LEN), 0);
    pollers_forget(pollers);
}

static _Atomic uint32_t inside;

// A lane that goes in and out of a driver as fast as it can, and touches what is the driver's.
static void *enter_it(void *poller)
{
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        if (!poller_enter(poller))
            continue;
        atomic_store_explicit(&inside, atomic_load_explicit(&inside, memory_order_relaxed) + 1,
                              memory_order_relaxed);
        poller_leave(poller);
    }
    return NULL;
}

static void who_is_held_stays_out(void **state)
{
    pthread_t thread;
    uint32_t held = 0, entered = 0;
    (void)state;
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&thread, NULL, enter_it, &pollers[0]), 0);
    for (uint32_t i = 1; held < ROUNDS || entered < 2; i++) {
        if (!poller_hold(&pollers[0], i))
            continue;
        // Nobody but this thread writes now: an update between the two is lost or seen.
        const uint32_t before = atomic_load_explicit(&inside, memory_order_relaxed);
        entered += before > 0 && held > 0;
        for (int look = 0; look < 200; look++)
            assert_int_equal(atomic_load_explicit(&inside, memory_order_relaxed), before);
        atomic_store_explicit(&inside, 0, memory_order_relaxed);
        poller_release(&pollers[0]);
        held++;
        if (i % 16 == 0)
            usleep(100);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
}

// The drivers are shared objects: what they call must be found here before it is found in the C
// library.
static void drivers_find_this_munmap(void **state)
{
    (void)state;
    assert_ptr_equal(dlsym(RTLD_DEFAULT, "munmap"), munmap);
    assert_ptr_not_equal(dlsym(RTLD_NEXT, "munmap"), munmap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_burst_meets_memory_that_is_gone),
        cmocka_unit_test(who_is_at_rest_is_not_waited_for_forever),
        cmocka_unit_test(who_is_held_stays_out),
        cmocka_unit_test(drivers_find_this_munmap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
