// The region of an instance that has ended, and holds what the journal does not have. The next
// region takes the name of its file, so a start waits for the control plane, which reads that
// first; and an end leaves the file where nobody has.
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <unistd.h>

#include "dataplane/abi/attach.h"
#include "dataplane/base/log.h"
#include "dataplane/base/memory.h"
#include "dataplane/control/dataplane.h"

enum {
    WAIT_MS = 2000, // with trading.start: venue, which needs no control plane
    LEAVE_MS = 500, // an end waits for a control plane that is there
    LOOK_MS = 5,
};

struct left {
    bool restores;   // who starts, or ends, goes on from the journal
    bool taken;      // a control plane has taken events out of this region
    uint64_t events; // that none has taken
};

static void count(const struct region_view *view, void *context)
{
    struct left *left = context;
    left->events = 0;
    for (uint32_t source = 0; source <= view->shape.lanes; source++) {
        const struct event_ring *ring = region_ring(view, source, EVENT_RING_TRADING);
        const uint64_t committed = atomic_load_explicit(&ring->committed, memory_order_acquire);
        left->events += atomic_load_explicit(&ring->tail, memory_order_relaxed) - committed;
        left->taken |= committed > 0;
    }
}

// Where no control plane ever was, and none has to be, there is no journal that misses anything.
static uint64_t missed(const struct left *left)
{
    return left->restores || left->taken ? left->events : 0;
}

static bool restores(const struct config *config)
{
    return config->trading.start == CONFIG_TRADE_JOURNAL;
}

// A dataplane that lives holds its file; so does another that starts, and each says so itself.
static bool left_behind(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool left = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0)
        close(fd);
    return left;
}

// Events in a file that the journal misses; 0 also where nobody of this build could read them.
static uint64_t waiting(const struct config *config, const char *path)
{
    struct region_reader reader;
    struct left left = {.restores = restores(config)};
    char why[256];
    if (!left_behind(path) || region_attach(&reader, path, REGION_READ, why, sizeof why))
        return 0;
    const bool counted = region_pass(&reader, count, &left);
    region_detach(&reader);
    return counted ? missed(&left) : 0;
}

static bool file_wait(const struct config *config, const char *path, struct error *err)
{
    const uint64_t wait_ms = restores(config) ? config->trading.restore_ms : WAIT_MS;
    const uint64_t from = clock_mono_ns();
    uint64_t events = waiting(config, path);
    if (events)
        log_info(LOG_REGION_LEFT, LOG_FIELDS(LOG_TEXT("path", path), LOG_NUMBER("events", events)),
                 "%s: %" PRIu64 " events of an instance that died are not in the journal yet; "
                 "waiting for tickgate-controlplane",
                 path, events);
    while (events && clock_mono_ns() - from < wait_ms * UINT64_C(1000000)) {
        usleep(LOOK_MS * 1000);
        events = waiting(config, path);
    }
    if (events && restores(config))
        return error_set(err, EXIT_FAILED,
                         "restart: no control plane has taken the last %" PRIu64
                         " events of the instance before out of %s for %" PRIu64
                         " ms (trading.restore_ms); start tickgate-controlplane on region %s, or "
                         "start with trading.start: venue",
                         events, path, wait_ms, config->node.region);
    if (events)
        log_warn(LOG_REGION_LOST, LOG_FIELDS(LOG_TEXT("path", path), LOG_NUMBER("events", events)),
                 "%s: the last %" PRIu64
                 " events of an instance that died are in no journal: no control plane came in "
                 "%d ms",
                 path, events, WAIT_MS);
    return true;
}

bool region_left_wait(const struct config *config, struct error *err)
{
    char path[256];
    for (int huge = 0; config->journal.enabled && huge < 2; huge++)
        if (memory_region_path(config->node.region, config->node.page_size, huge, path,
                               sizeof path) &&
            !file_wait(config, path, err))
            return false;
    return true;
}

void region_leave(struct dataplane *d)
{
    struct left left = {.restores = restores(d->config)};
    const uint64_t from = clock_mono_ns();
    if (!d->config->journal.enabled)
        return;
    for (count(&d->view, &left);
         missed(&left) && clock_mono_ns() - from < LEAVE_MS * UINT64_C(1000000);
         count(&d->view, &left))
        usleep(LOOK_MS * 1000);
    if (missed(&left) == 0)
        return;
    log_info(LOG_REGION_LEFT,
             LOG_FIELDS(LOG_TEXT("path", d->region.path), LOG_NUMBER("events", left.events)),
             "%s: stays, as %" PRIu64 " events in it are not in the journal yet", d->region.path,
             left.events);
    d->region.named = false;
}
