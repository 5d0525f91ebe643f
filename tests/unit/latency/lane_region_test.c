// A lane whose region has a control plane with a slow disk: orders that are refused meanwhile are
// waited for and counted, and no defect.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "bench/latency/lane.h"
#include "controlplane/region/path.h"
#include "dataplane/abi/attach.h"

enum { ORDERS = 20000, WARM = 100, WRITTEN_US = 300, SLOW_US = 200 };

static char name[32];
static atomic_bool stop;
static unsigned slow; // how often it was

static void committed(const struct region_view *view)
{
    struct event_ring *ring = region_ring(view, 0, EVENT_RING_TRADING);
    event_commit(ring, atomic_load_explicit(&ring->tail, memory_order_acquire));
}

static void say(const struct region_view *view, enum record_state state, unsigned us)
{
    atomic_store_explicit(&region_record_word(view, 0)->state, state, memory_order_release);
    usleep(us);
    committed(view);
}

// Takes all events, and says now and then that a commit takes too long.
static void *control_plane(void *arg)
{
    struct region_reader reader = {.fd = -1};
    char path[256], why[256];
    (void)arg;
    while (!region_path_find(name, path, sizeof path) ||
           region_attach(&reader, path, REGION_DRAIN, why, sizeof why) != REGION_FINE)
        if (atomic_load(&stop))
            return NULL;
    while (!atomic_load(&stop)) {
        say(&reader.view, RECORD_WRITTEN, WRITTEN_US);
        say(&reader.view, RECORD_SLOW, SLOW_US);
        slow++;
    }
    say(&reader.view, RECORD_WRITTEN, 0);
    region_detach(&reader);
    return NULL;
}

static void a_slow_journal_is_waited_for(void **state)
{
    static struct lane_result r;
    const struct lane_options o = {.seed = 1,
                                   .symbols = 80,
                                   .live = 500,
                                   .orders = ORDERS,
                                   .noise = 8,
                                   .uncounted = true,
                                   .strategies = STRATEGIES_DIR,
                                   .region = name};
    struct error err = {0};
    pthread_t thread;
    (void)state;
    snprintf(name, sizeof name, "lane-region-test-%d", (int)getpid());
    assert_int_equal(pthread_create(&thread, NULL, control_plane, NULL), 0);
    const bool whole = lane_measure(&o, WARM, &r, &err);
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    if (!whole)
        fail_msg("%s", err.text);
    assert_int_equal(r.orders, ORDERS);
    assert_int_equal(r.figures[LANE_FIGURE_OUT].total, ORDERS);
    assert_true(slow > 0);
    assert_in_range(r.unrecorded, 1, ORDERS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_slow_journal_is_waited_for)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
