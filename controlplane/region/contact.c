#include "controlplane/region/contact.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/region/path.h"
#include "dataplane/base/clock.h"

enum { NS_PER_MS = 1000000 };

void contact_init(struct contact *contact, const char *where)
{
    memset(contact, 0, sizeof *contact);
    contact->reader.fd = -1;
    snprintf(contact->where, sizeof contact->where, "%s", where);
    snprintf(contact->why, sizeof contact->why, "%s: not looked at yet", where);
}

void contact_close(struct contact *contact)
{
    region_detach(&contact->reader);
    contact->state = CONTACT_ABSENT;
    contact->replaced = false;
}

bool contact_share(const struct contact *from, struct contact *to)
{
    *to = *from;
    to->reader.fd = fcntl(from->reader.fd, F_DUPFD_CLOEXEC, 0);
    void *memory = to->reader.fd < 0 ? MAP_FAILED
                                     : mmap(NULL, from->reader.mapped, PROT_READ | PROT_WRITE,
                                            MAP_SHARED, to->reader.fd, 0);
    if (memory != MAP_FAILED) {
        to->reader.view.base = memory;
        return true;
    }
    snprintf(to->why, sizeof to->why, "%s: cannot be mapped again: %s", from->reader.path,
             strerror(errno));
    if (to->reader.fd >= 0)
        close(to->reader.fd);
    to->reader.fd = -1;
    to->state = CONTACT_ABSENT;
    return false;
}

bool contact_pass(struct contact *contact,
                  void (*copy)(const struct region_view *view, void *context), void *context)
{
    if (!contact_attached(contact))
        return false;
    if (region_pass(&contact->reader, copy, context))
        return true;
    snprintf(contact->why, sizeof contact->why,
             "%s: the region has vanished (its file was cut); waiting for the dataplane",
             contact->reader.path);
    contact_close(contact);
    return false;
}

uint64_t contact_ticks_ns(const struct contact *contact, uint64_t ticks)
{
    uint64_t hz = contact_header(contact)->identity.clock.tsc_hz;
    return hz ? (uint64_t)((unsigned __int128)ticks * 1000000000 / hz) : 0;
}

uint64_t contact_utc_ns(const struct contact *contact, uint64_t tsc)
{
    const struct region_clock *clock = &contact_header(contact)->identity.clock;
    if (tsc >= clock->tsc_at)
        return clock->utc_ns_at + contact_ticks_ns(contact, tsc - clock->tsc_at);
    return clock->utc_ns_at - contact_ticks_ns(contact, clock->tsc_at - tsc);
}

// --- life ---

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

static enum contact_state judge(struct contact *contact, const struct pulse *pulse)
{
    const struct region_identity *identity = &contact_header(contact)->identity;
    uint64_t now = clock_tsc();
    // A heartbeat from the future is a clock that differs between cores, by little.
    uint64_t age = now > pulse->heartbeat_tsc ? now - pulse->heartbeat_tsc : 0;
    contact->heartbeat_age_ns = contact_ticks_ns(contact, age);
    contact->why[0] = 0;
    if (pulse->state == REGION_STOPPED) {
        snprintf(contact->why, sizeof contact->why,
                 "%s: the dataplane (pid %u) has stopped; start it again", contact->reader.path,
                 identity->pid);
        return CONTACT_DEAD;
    }
    if (process_gone(identity)) {
        snprintf(contact->why, sizeof contact->why,
                 "%s: the dataplane (pid %u) has ended without stopping; see its log and start it "
                 "again",
                 contact->reader.path, identity->pid);
        return CONTACT_DEAD;
    }
    if (contact->heartbeat_age_ns > (uint64_t)CONTACT_SILENT_MS * NS_PER_MS) {
        snprintf(contact->why, sizeof contact->why,
                 "%s: no heartbeat of the dataplane (pid %u) for %llu ms; it hangs or was stopped",
                 contact->reader.path, identity->pid,
                 (unsigned long long)(contact->heartbeat_age_ns / NS_PER_MS));
        return CONTACT_SILENT;
    }
    return pulse->state == REGION_STARTING ? CONTACT_STARTING : CONTACT_LIVE;
}

// False: what is attached is no longer the region of this name. A region that was replaced is kept
// for one more look, so that its last events are drained.
static bool look_attached(struct contact *contact)
{
    struct pulse pulse;
    if (!contact_pass(contact, copy_pulse, &pulse))
        return false;
    if (contact->replaced || pulse.version != REGION_VERSION ||
        pulse.epoch != contact_header(contact)->identity.epoch) {
        contact_close(contact);
        return false;
    }
    contact->replaced = region_replaced(&contact->reader);
    contact->state = judge(contact, &pulse);
    return true;
}

// A region that is being formatted is no answer yet.
static void try_attach(struct contact *contact)
{
    char path[256];
    if (!region_path_find(contact->where, path, sizeof path)) {
        snprintf(contact->why, sizeof contact->why, "%.200s: the path is too long", contact->where);
        contact->refused = REGION_ABSENT;
        return;
    }
    const enum region_fault fault =
        region_attach(&contact->reader, path, REGION_DRAIN, contact->why, sizeof contact->why);
    if (fault != REGION_NOT_READY)
        contact->refused = fault;
    if (fault != REGION_FINE)
        return;
    contact->attached++;
    look_attached(contact);
}

bool contact_look(struct contact *contact, uint64_t now_ns)
{
    const enum contact_state was = contact->state;
    const enum region_fault refused = contact->refused;
    bool was_attached = contact_attached(contact);
    if (was_attached && look_attached(contact))
        return contact->state != was;
    if (was_attached)
        contact->retry_ns = 0;
    if (now_ns >= contact->retry_ns) {
        contact->retry_ns = now_ns + (uint64_t)CONTACT_RETRY_MS * NS_PER_MS;
        try_attach(contact);
    }
    return was_attached || contact_attached(contact) || contact->state != was ||
           contact->refused != refused;
}
