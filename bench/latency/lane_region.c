// The lane's region where a control plane reads it: a named one, that lives and takes part as that
// of a dataplane does. The control plane then takes the events, and the lane waits for it between
// two measured orders where it is behind.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/latency/lane_world.h"
#include "dataplane/lane/desk_park.h"

// For the signal that ends us: memory of a region would stay taken.
static char files[2][sizeof((struct memory_region *)0)->path];

static void on_end(int number)
{
    for (uint32_t i = 0; i < 2; i++)
        unlink(files[i]); // one without a name is none
    signal(number, SIG_DFL);
    raise(number);
}

void lane_file_leave(enum lane_file file, const char *path)
{
    snprintf(files[file], sizeof files[file], "%s", path);
    signal(SIGINT, on_end);
    signal(SIGTERM, on_end);
}

enum { PAGE_BYTES = 2 << 20, BEAT_US = 50000, PATIENCE_S = 5 };

static void *beat_run(void *arg)
{
    struct lane_world *w = arg;
    while (!atomic_load(&w->beat_stop)) {
        region_beat(&w->view, clock_tsc());
        usleep(BEAT_US);
    }
    return NULL;
}

void *lane_region_open(struct lane_world *w, const char *name, uint64_t bytes, struct error *err)
{
    sigset_t ends, before; // the file is there before its name is known: no end between the two
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, &before);
    const bool open = memory_region_open(&w->region, name, bytes, PAGE_BYTES, -1, true, err);
    if (open)
        lane_file_leave(LANE_FILE_REGION, w->region.path);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    w->huge_pages &= w->region.huge;
    return w->region.memory;
}

struct region_identity lane_region_identity(const struct lane_world *w)
{
    struct stat ns;
    struct region_identity identity = {
        .epoch = clock_utc_ns(),
        .pid = (uint32_t)getpid(),
        .clock = {w->cal.tsc_hz, w->cal.tsc_at, w->cal.utc_ns_at},
    };
    if (stat("/proc/self/ns/pid", &ns) == 0)
        identity.pid_namespace = ns.st_ino;
    snprintf(identity.node, sizeof identity.node, "bench");
    snprintf(identity.program, sizeof identity.program, "%s", TICKGATE_VERSION);
    return identity;
}

bool lane_region_publish(struct lane_world *w, struct error *err)
{
    region_beat(&w->view, clock_tsc());
    region_publish(&w->view);
    region_state_set(&w->view, REGION_READY);
    w->shared = pthread_create(&w->beat, NULL, beat_run, w) == 0;
    return w->shared || error_set(err, EXIT_FAILED, "no thread for the region's heartbeat");
}

static bool orders_taken(const struct lane_world *w)
{
    const struct event_writer *ring = &w->lane.trading;
    if (ring->tail - atomic_load_explicit(&ring->ring->committed, memory_order_acquire) >
        LANE_REGION_SLOTS / 2)
        return false;
    return w->desk.sessions[0].park ? desk_park_may(&w->desk, 0) == REFUSAL_NONE
                                    : !record_stops(w->desk.record_seen);
}

bool lane_region_ready(struct lane_world *w)
{
    // Who has taken nothing in all this time is not waited for again.
    const uint64_t end = clock_tsc() + (w->untaken ? 0 : PATIENCE_S * w->cal.tsc_hz);
    while (!orders_taken(w)) {
        w->untaken = clock_tsc() > end;
        if (w->untaken)
            return false;
        lane_world_turn(w);
    }
    return true;
}

void lane_region_close(struct lane_world *w)
{
    if (w->shared) {
        region_state_set(&w->view, REGION_STOPPED);
        atomic_store(&w->beat_stop, true);
        pthread_join(w->beat, NULL);
    }
    if (w->region.memory)
        memory_region_close(&w->region);
}
