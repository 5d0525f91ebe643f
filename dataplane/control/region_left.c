// The region of an instance that has ended, and holds what the journal does not have. The next
// region takes the name of its file, so a start waits for the control plane, which reads that
// first; and an end leaves the file where nobody has. What is lost all the same is said, counted
// and written down.
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/abi/attach.h"
#include "dataplane/base/file.h"
#include "dataplane/base/log.h"
#include "dataplane/control/dataplane.h"

enum {
    WAIT_MS = 2000, // with trading.start: venue, which needs no control plane
    LEAVE_MS = 500, // an end waits for a control plane that is there
    LOOK_MS = 5,
    FILE_MS = 100,  // between two looks at the file, and at who drains it
    TOLD_MS = 5000, // between two words about what is waited for
    COPY_MODE = 0660,
    KEPT_WORDS = 3, // events, regions, whether one more cannot be counted
};

#define MS UINT64_C(1000000)

struct left {
    bool restores;   // who starts, or ends, goes on from the journal
    bool taken;      // a control plane has taken events out of this region, or is there
    uint64_t events; // that none has taken
    int fd;          // of the region's file
    struct control_seen control;
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

static void look(const struct region_view *view, void *context)
{
    struct left *left = context;
    left->control = control_plane_look(left->fd, view);
    left->taken |= left->control.attached && left->control.journal != RECORD_ABSENT;
    count(view, left);
}

// What to wait for: where no control plane ever was, and none has to be, none would come.
static uint64_t missed(const struct left *left)
{
    return left->restores || left->taken ? left->events : 0;
}

// A dataplane that lives holds its file; so does another that starts, and each says so itself.
static bool left_behind(int fd)
{
    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && flock(fd, LOCK_UN) == 0;
}

static void lost(struct dataplane *d, uint64_t events, bool counted)
{
    d->lost.regions++;
    d->lost.events += events;
    d->lost.uncounted |= !counted;
}

// --- one file of this build ---

static void wait_told(const char *path, const struct left *left, const char *cause)
{
    log_info(LOG_REGION_LEFT,
             LOG_FIELDS(LOG_TEXT("path", path), LOG_NUMBER("events", left->events),
                        LOG_TEXT("cause", cause)),
             "%s: %" PRIu64 " events of an instance that died are not in the journal yet; waiting: "
             "%s",
             path, left->events, cause);
}

// Until they are taken, the file is another's or gone, or it takes too long. False: a signal.
static bool events_wait(struct dataplane *d, struct region_reader *reader, struct left *left,
                        uint64_t wait_ms, struct error *err)
{
    const uint64_t from = clock_mono_ns();
    uint64_t now = from, file_at = from, told_at = 0;
    struct control_seen told = {0};
    char cause[CONTROL_CAUSE_LEN];
    while (missed(left) && now - from < wait_ms * MS) {
        const bool news =
            told.attached != left->control.attached || told.journal != left->control.journal;
        if (told_at == 0 || now - told_at > (news ? TOLD_MS / 5 : TOLD_MS) * MS) {
            told = left->control;
            told_at = now;
            wait_told(reader->path, left,
                      control_plane_cause(d->config, told, cause, sizeof cause));
        }
        usleep(LOOK_MS * 1000);
        if (start_stopped(d, "a control plane", err))
            return false;
        now = clock_mono_ns();
        const bool whole = now - file_at > FILE_MS * MS;
        if ((whole && (region_replaced(reader) || !left_behind(reader->fd))) ||
            !region_pass(reader, whole ? look : count, left))
            left->events = 0;
        file_at = whole ? now : file_at;
    }
    return true;
}

static bool left_take(struct dataplane *d, struct region_reader *reader, struct error *err)
{
    struct left left = {.restores = restore_wanted(d->config), .fd = reader->fd};
    const uint64_t wait_ms = left.restores ? d->config->trading.restore_ms : WAIT_MS;
    char cause[CONTROL_CAUSE_LEN];
    if (!left_behind(reader->fd) || !region_pass(reader, look, &left))
        return true;
    if (!events_wait(d, reader, &left, wait_ms, err))
        return false;
    if (left.events == 0)
        return true;
    control_plane_cause(d->config, left.control, cause, sizeof cause);
    if (left.restores)
        return error_set(err, EXIT_FAILED,
                         "restart: the last %" PRIu64
                         " events of the instance before are in no journal, and still in %s after "
                         "%" PRIu64 " ms (trading.restore_ms): %s, or start with trading.start: "
                         "venue",
                         left.events, reader->path, wait_ms, cause);
    log_warn(LOG_REGION_LOST,
             LOG_FIELDS(LOG_TEXT("path", reader->path), LOG_NUMBER("events", left.events)),
             "%s: the last %" PRIu64 " events of an instance that died are in no journal: %s",
             reader->path, left.events, cause);
    lost(d, left.events, true);
    return true;
}

// --- one that this build cannot read ---

// A copy in ordinary memory, as the next region needs the huge pages. One of a name: the last that
// is whole.
static bool copied(int from, const char *to)
{
    struct error why = {0};
    struct stat status;
    const int old = open(to, O_RDONLY | O_CLOEXEC);
    const bool held = old >= 0 && !left_behind(old);
    if (old >= 0)
        close(old);
    if (held || fstat(from, &status) != 0 || status.st_size <= 0)
        return false;
    const uint64_t len = (uint64_t)status.st_size;
    void *bytes = mmap(NULL, len, PROT_READ, MAP_SHARED, from, 0);
    const bool whole = bytes != MAP_FAILED && file_replace(to, bytes, len, COPY_MODE, &why);
    if (bytes != MAP_FAILED)
        munmap(bytes, len);
    return whole;
}

// Nobody of this build can say how many events it holds that no journal has, nor whether a control
// plane that is there writes them down. False with <err>: it would be replaced without a copy, and
// the journal counts.
static bool foreign_take(struct dataplane *d, const char *path, struct error *err)
{
    char name[128], kept[MEMORY_PATH_LEN];
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool left = left_behind(fd);
    snprintf(name, sizeof name, "%s.left", d->config->node.region);
    const bool stays =
        left && memory_region_path(name, 0, false, kept, sizeof kept) && copied(fd, kept);
    if (fd >= 0)
        close(fd);
    if (!left)
        return true;
    if (!stays && restore_wanted(d->config))
        return error_set(err, EXIT_STATE,
                         "%s: an instance of another build died, its last events may be in no "
                         "journal, and it could not be copied to /dev/shm: start that build's "
                         "tickgate-controlplane until it has taken them, make room in /dev/shm, or "
                         "remove the file",
                         path);
    log_warn(
        LOG_REGION_LOST, LOG_FIELDS(LOG_TEXT("path", path), LOG_TEXT("kept", stays ? kept : "")),
        "%s: an instance of another build died, and its last events may be in no journal; %s%s%s",
        path,
        stays ? "write them down with that build's tickgate-controlplane --region "
              : "it could not be copied to /dev/shm",
        stays ? kept : "", stays ? " --journal DIR, then remove the file" : "");
    lost(d, 0, false);
    return true;
}

static bool file_take(struct dataplane *d, const char *path, struct error *err)
{
    struct region_reader reader;
    char why[256];
    switch (region_attach(&reader, path, REGION_READ, why, sizeof why)) {
    case REGION_FINE: break;
    case REGION_BAD_VERSION:
    case REGION_BAD_HASH:
    case REGION_BAD_LENGTH:
    case REGION_BAD_LAYOUT: return foreign_take(d, path, err);
    default: return true; // not there, or never was a region; or the next one says what is wrong
    }
    const bool goes_on = left_take(d, &reader, err);
    region_detach(&reader);
    return goes_on;
}

// --- what is lost, until an instance runs that says so ---

static bool kept_path(const struct dataplane *d, char path[MEMORY_PATH_LEN])
{
    char name[128];
    snprintf(name, sizeof name, "%s.lost", d->config->node.region);
    return memory_region_path(name, 0, false, path, MEMORY_PATH_LEN);
}

// A start that ends before its lanes run takes its events with it, and the region that it has
// replaced is gone: the next one says what was lost.
static void lost_keep(const struct dataplane *d)
{
    const uint64_t words[KEPT_WORDS] = {d->lost.events, d->lost.regions, d->lost.uncounted};
    char path[MEMORY_PATH_LEN];
    struct error why = {0};
    if (kept_path(d, path) &&
        !file_replace(path, (const char *)words, sizeof words, COPY_MODE, &why))
        log_warn(LOG_REGION_LOST, LOG_FIELDS(LOG_TEXT("path", path)),
                 "%s; if this start fails, no event will say what is lost", why.text);
}

static void lost_take(struct dataplane *d)
{
    uint64_t words[KEPT_WORDS];
    char path[MEMORY_PATH_LEN];
    const int fd = kept_path(d, path) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    const bool whole = fd >= 0 && read(fd, words, sizeof words) == sizeof words;
    if (fd >= 0)
        close(fd);
    if (!whole)
        return;
    d->lost.events += words[0];
    d->lost.regions += (uint32_t)words[1];
    d->lost.uncounted |= words[2] != 0;
    log_warn(LOG_REGION_LOST, LOG_FIELDS(LOG_TEXT("path", path), LOG_NUMBER("events", words[0])),
             "%s: a start that failed has found that the last %" PRIu64
             " events of an instance that died are in no journal",
             path, words[0]);
}

void region_lost_said(const struct dataplane *d)
{
    char path[MEMORY_PATH_LEN];
    if (d->lost.regions && kept_path(d, path))
        unlink(path);
}

// --- a start, and an end ---

bool region_left_wait(struct dataplane *d, struct error *err)
{
    char paths[MEMORY_PLACES_MAX][MEMORY_PATH_LEN];
    const uint32_t places =
        d->config->journal.enabled ? memory_region_places(d->config->node.region, paths) : 0;
    for (uint32_t i = 0; i < places; i++)
        if (!file_take(d, paths[i], err))
            return false;
    if (places)
        lost_take(d);
    if (d->lost.regions)
        lost_keep(d);
    return true;
}

void region_lost_tell(struct dataplane *d)
{
    struct event event = {.type = EVENT_REGION_LOST, .tsc = clock_tsc()};
    if (d->lost.regions == 0)
        return;
    event.region_lost.events = d->lost.events;
    event.region_lost.regions = d->lost.regions;
    event.region_lost.counted = !d->lost.uncounted;
    d->count->region_lost = d->lost.regions;
    d->count->region_lost_events = d->lost.events;
    event_write(&d->events, &event);
}

void region_leave(struct dataplane *d)
{
    struct left left = {.restores = restore_wanted(d->config), .fd = d->region.fd};
    const uint64_t from = clock_mono_ns();
    if (!d->config->journal.enabled)
        return;
    for (look(&d->view, &left); missed(&left) && clock_mono_ns() - from < LEAVE_MS * MS;
         count(&d->view, &left))
        usleep(LOOK_MS * 1000);
    if (left.events == 0)
        return;
    if (missed(&left) == 0) {
        log_warn(LOG_REGION_LOST,
                 LOG_FIELDS(LOG_TEXT("path", d->region.path), LOG_NUMBER("events", left.events)),
                 "%s: the %" PRIu64 " events of this instance are in no journal: no control plane "
                 "took any of them",
                 d->region.path, left.events);
        return;
    }
    log_info(LOG_REGION_LEFT,
             LOG_FIELDS(LOG_TEXT("path", d->region.path), LOG_NUMBER("events", left.events)),
             "%s: stays, as %" PRIu64 " events in it are not in the journal yet", d->region.path,
             left.events);
    d->region.named = false;
}
