#include "bench/latency/cores.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench/latency/trip_parts.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/hints.h"

enum { ROUNDS_MAX = 2000000, PAUSE_US = 20, STOP = UINT32_MAX };

static const char *const names[] = {
#define CORES_FIGURE_NAME(upper, lower, what) #lower,
    CORES_FIGURE_LIST(CORES_FIGURE_NAME)};
static const char *const meanings[] = {
#define CORES_FIGURE_MEANING(upper, lower, what) what,
    CORES_FIGURE_LIST(CORES_FIGURE_MEANING)};

// Each word has one writer and a line of its own.
struct pair {
    CACHE_ALIGN _Atomic uint32_t asked;    // this thread
    CACHE_ALIGN _Atomic uint32_t answered; // the other one
    CACHE_ALIGN int wake_near;             // eventfds
    int wake_far;
    long near;
    enum cores_figure figure;
    _Atomic bool runs;
};

static void core_take(long core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void wake(int fd)
{
    const uint64_t one = 1;
    if (write(fd, &one, sizeof one) != sizeof one)
        return; // the counter is full: it is awake
}

static void sleep_until_woken(int fd)
{
    uint64_t count;
    if (read(fd, &count, sizeof count) != sizeof count)
        return; // a signal: the caller looks again
}

static void *near_run(void *arg)
{
    struct pair *p = arg;
    core_take(p->near);
    thread_first(true);
    atomic_store(&p->runs, true);
    for (uint32_t seen = 0;;) {
        if (p->figure != CORES_LINE)
            sleep_until_woken(p->wake_near);
        const uint32_t asked = atomic_load_explicit(&p->asked, memory_order_acquire);
        if (asked == seen)
            continue;
        if (asked == STOP)
            return NULL;
        seen = asked;
        atomic_store_explicit(&p->answered, seen, memory_order_release);
        if (p->figure == CORES_BOTH)
            wake(p->wake_far);
    }
}

static void round_make(struct pair *p, uint32_t number)
{
    atomic_store_explicit(&p->asked, number, memory_order_release);
    if (p->figure != CORES_LINE)
        wake(p->wake_near);
    while (atomic_load_explicit(&p->answered, memory_order_acquire) != number)
        if (p->figure == CORES_BOTH)
            sleep_until_woken(p->wake_far);
}

static void figure_measure(struct pair *p, const struct clock_calibration *cal, double seconds,
                           struct hdr *h)
{
    const uint64_t ticks = clock_ns_to_ticks(cal, (uint64_t)(seconds * 1e9));
    const uint64_t pause = clock_ns_to_ticks(cal, PAUSE_US * 1000);
    const uint64_t start = clock_tsc();
    for (uint32_t number = 1; number < ROUNDS_MAX && clock_tsc() - start < ticks; number++) {
        const uint64_t from = clock_tsc();
        round_make(p, number);
        hdr_record(h, clock_ticks_to_ns(cal, clock_tsc() - from));
        // Time for the other one to go to sleep.
        for (const uint64_t end = clock_tsc() + pause; clock_tsc() < end;)
            ;
    }
}

bool cores_measure(long near, long far, double seconds, struct cores_result *r, struct error *err)
{
    static struct pair p;
    struct clock_calibration cal;
    pthread_t thread;
    bool ok = true;
    core_take(far);
    clock_calibrate(&cal, 100);
    const uint64_t from = clock_tsc();
    for (uint32_t f = 0; f < CORES_FIGURES && ok; f++) {
        p = (struct pair){.wake_near = eventfd(0, EFD_CLOEXEC),
                          .wake_far = eventfd(0, EFD_CLOEXEC),
                          .near = near,
                          .figure = (enum cores_figure)f};
        hdr_reset(&r->figures[f]);
        ok =
            p.wake_near >= 0 && p.wake_far >= 0 && pthread_create(&thread, NULL, near_run, &p) == 0;
        if (ok) {
            while (!atomic_load(&p.runs))
                sched_yield();
            thread_first(true);
            figure_measure(&p, &cal, seconds, &r->figures[f]);
            thread_first(false);
            atomic_store(&p.asked, STOP);
            wake(p.wake_near);
            pthread_join(thread, NULL);
        } else {
            error_set(err, EXIT_FAILED, "no thread for the other core");
        }
        close(p.wake_near);
        close(p.wake_far);
    }
    r->ns = clock_ticks_to_ns(&cal, clock_tsc() - from);
    return ok;
}

const char *cores_figure_name(enum cores_figure figure)
{
    return names[figure];
}

void cores_print(FILE *out, const struct cores_result *r)
{
    fprintf(out, "%-18s %7s %7s %7s %8s %9s\n", "ns", "p50", "p90", "p99", "p99.9", "max");
    for (uint32_t f = 0; f < CORES_FIGURES; f++) {
        const struct hdr *h = &r->figures[f];
        fprintf(out, "%-18s %7lu %7lu %7lu %8lu %9lu  %s\n", names[f], hdr_percentile(h, 50),
                hdr_percentile(h, 90), hdr_percentile(h, 99), hdr_percentile(h, 99.9), h->max,
                meanings[f]);
    }
}

void cores_write(FILE *out, const struct cores_result *r)
{
    fprintf(out, "  \"figures_ns\": {");
    for (uint32_t f = 0; f < CORES_FIGURES; f++)
        hdr_write_json(&r->figures[f], out, names[f], f ? "," : "");
    fprintf(out, "\n  }\n");
}
