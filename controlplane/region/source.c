#include "controlplane/region/source.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "controlplane/region/path.h"
#include "dataplane/base/clock.h"

enum { NS_PER_MS = 1000000 };

void source_init(struct source *source, const char *where)
{
    memset(source, 0, sizeof *source);
    source->reader.fd = -1;
    snprintf(source->where, sizeof source->where, "%s", where);
    snprintf(source->why, sizeof source->why, "%s: not looked at yet", where);
}

void source_close(struct source *source)
{
    region_detach(&source->reader);
    source->state = SOURCE_ABSENT;
    source->replaced = false;
}

bool source_pass(struct source *source, void (*copy)(const struct region_view *view, void *context),
                 void *context)
{
    if (!source_attached(source))
        return false;
    if (region_pass(&source->reader, copy, context))
        return true;
    snprintf(source->why, sizeof source->why,
             "%s: the region has vanished (its file was cut); waiting for the dataplane",
             source->reader.path);
    source_close(source);
    return false;
}

uint64_t source_ticks_ns(const struct source *source, uint64_t ticks)
{
    uint64_t hz = source_header(source)->identity.clock.tsc_hz;
    return hz ? (uint64_t)((unsigned __int128)ticks * 1000000000 / hz) : 0;
}

uint64_t source_utc_ns(const struct source *source, uint64_t tsc)
{
    const struct region_clock *clock = &source_header(source)->identity.clock;
    if (tsc >= clock->tsc_at)
        return clock->utc_ns_at + source_ticks_ns(source, tsc - clock->tsc_at);
    return clock->utc_ns_at - source_ticks_ns(source, clock->tsc_at - tsc);
}

// --- life
// -------------------------------------------------------------------------------------------

struct pulse {
    uint64_t epoch;
    uint64_t heartbeat_tsc;
    uint32_t version;
    uint32_t state;
};

static void copy_pulse(const struct region_view *view, void *context)
{
    struct pulse *pulse = context;
    const struct region_header *header = region_header(view);
    pulse->version = atomic_load_explicit(&header->version, memory_order_acquire);
    pulse->epoch = header->identity.epoch;
    pulse->state = atomic_load_explicit(&header->state, memory_order_acquire);
    pulse->heartbeat_tsc = atomic_load_explicit(&header->heartbeat_tsc, memory_order_relaxed);
}

// The pid means something only to processes of the same pid namespace.
static bool process_gone(const struct region_identity *identity)
{
    struct stat status;
    if (identity->pid == 0 || stat("/proc/self/ns/pid", &status) != 0 ||
        status.st_ino != identity->pid_namespace)
        return false;
    return kill((pid_t)identity->pid, 0) != 0 && errno == ESRCH;
}

static enum source_state judge(struct source *source, const struct pulse *pulse)
{
    const struct region_identity *identity = &source_header(source)->identity;
    uint64_t now = clock_tsc();
    // A heartbeat from the future is a clock that differs between cores, by little.
    uint64_t age = now > pulse->heartbeat_tsc ? now - pulse->heartbeat_tsc : 0;
    source->heartbeat_age_ns = source_ticks_ns(source, age);
    source->why[0] = 0;
    if (pulse->state == REGION_STOPPED) {
        snprintf(source->why, sizeof source->why,
                 "%s: the dataplane (pid %u) has stopped; start it again", source->reader.path,
                 identity->pid);
        return SOURCE_DEAD;
    }
    if (process_gone(identity)) {
        snprintf(source->why, sizeof source->why,
                 "%s: the dataplane (pid %u) has ended without stopping; see its log and start it "
                 "again",
                 source->reader.path, identity->pid);
        return SOURCE_DEAD;
    }
    if (source->heartbeat_age_ns > (uint64_t)SOURCE_SILENT_MS * NS_PER_MS) {
        snprintf(source->why, sizeof source->why,
                 "%s: no heartbeat of the dataplane (pid %u) for %llu ms; it hangs or was stopped",
                 source->reader.path, identity->pid,
                 (unsigned long long)(source->heartbeat_age_ns / NS_PER_MS));
        return SOURCE_SILENT;
    }
    return pulse->state == REGION_STARTING ? SOURCE_STARTING : SOURCE_LIVE;
}

// False: what is attached is no longer the region of this name. A region that was replaced is kept
// for one more look, so that its last events are drained.
static bool look_attached(struct source *source)
{
    struct pulse pulse;
    if (!source_pass(source, copy_pulse, &pulse))
        return false;
    if (source->replaced || pulse.version != REGION_VERSION ||
        pulse.epoch != source_header(source)->identity.epoch) {
        source_close(source);
        return false;
    }
    source->replaced = region_replaced(&source->reader);
    source->state = judge(source, &pulse);
    return true;
}

bool source_look(struct source *source, uint64_t now_ns)
{
    enum source_state was = source->state;
    bool was_attached = source_attached(source);
    if (was_attached && look_attached(source))
        return source->state != was;
    if (was_attached)
        source->retry_ns = 0;
    if (now_ns >= source->retry_ns) {
        char path[256];
        source->retry_ns = now_ns + (uint64_t)SOURCE_RETRY_MS * NS_PER_MS;
        if (!region_path_find(source->where, path, sizeof path)) {
            snprintf(source->why, sizeof source->why, "%.200s: the path is too long",
                     source->where);
        } else if (region_attach(&source->reader, path, REGION_DRAIN, source->why,
                                 sizeof source->why) == REGION_FINE) {
            source->attached++;
            look_attached(source);
        }
    }
    return was_attached || source_attached(source) || source->state != was;
}
