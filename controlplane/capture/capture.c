#include "controlplane/capture/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

enum {
    NAP_US = 500,
    WAIT_US = 500,
    STOP_MS = 3000,
    RETRY_MS = 1000, // after an error, then twice as long each time
    RETRY_MS_MAX = 60000,
};

// --- regions ---

void capture_attach(struct capture *c, const struct contact *contact)
{
    struct contact way = {.reader = {.fd = -1}};
    if (contact_attached(contact) && !contact_share(contact, &way))
        log_error(LOG_CAPTURE_STOPPED, NULL, "%s", way.why);
    pthread_mutex_lock(&c->lock);
    if (c->waits)
        contact_close(&c->inbox);
    c->inbox = way;
    c->waits = true;
    pthread_mutex_unlock(&c->lock);
}

static bool inbox_waits(struct capture *c)
{
    pthread_mutex_lock(&c->lock);
    const bool waits = c->waits;
    pthread_mutex_unlock(&c->lock);
    return waits;
}

static void copy_names(const struct region_view *view, void *context)
{
    struct capture *c = context;
    c->instance.lanes = view->shape.lanes;
    c->instance.ports = view->shape.ports;
    for (uint32_t i = 0; i < view->shape.lanes; i++)
        snprintf(c->lanes[i], NAME_LEN, "%.31s", region_lane_info(view, i)->name);
    for (uint32_t i = 0; i < view->shape.ports; i++)
        snprintf(c->ports[i], NAME_LEN, "%.31s", region_port_info(view, i)->name);
}

static void region_enter(struct capture *c)
{
    const struct region_header *h = contact_header(&c->contact);
    c->introduced = c->gave_up = false;
    memset(&c->at, 0, sizeof c->at);
    c->instance = (struct capture_instance){
        .epoch = h->identity.epoch,
        .config_hash = h->identity.config_hash,
        .abi_hash = {h->abi_hash[0], h->abi_hash[1]},
        .clock = {h->identity.clock.tsc_hz, h->identity.clock.tsc_at, h->identity.clock.utc_ns_at},
    };
    snprintf(c->instance.node, sizeof c->instance.node, "%s", h->identity.node);
    if (!captures_look(&c->contact, &c->seen) || !contact_pass(&c->contact, copy_names, c)) {
        contact_close(&c->contact);
        return;
    }
    for (uint32_t i = 0; i < c->seen.lanes; i++)
        c->at.at[i] = c->seen.lane[i].head; // where the control plane before this one stopped
    c->files.written = c->files.taken = c->at;
    // The one before could not write, and ended before it could again.
    if (c->seen.lanes && c->seen.lane[0].held)
        captures_want(&c->contact, CAPTURES_RECORD);
}

// Everything that the region holds is in a file, or will never be.
static bool region_done(struct capture *c)
{
    if (!contact_attached(&c->contact) || c->files.error || !captures_look(&c->contact, &c->seen))
        return true;
    for (uint32_t i = 0; i < c->seen.lanes; i++)
        if (c->seen.lane[i].tail != c->at.at[i])
            return false;
    return capture_files_idle(&c->files);
}

static void inbox_take(struct capture *c)
{
    contact_close(&c->contact);
    pthread_mutex_lock(&c->lock);
    c->contact = c->inbox;
    c->inbox = (struct contact){.reader = {.fd = -1}};
    c->waits = false;
    pthread_mutex_unlock(&c->lock);
    memset(&c->seen, 0, sizeof c->seen);
    if (c->files.error) { // of the region before: an instance's first inputs are worth a try
        capture_files_abandon(&c->files);
        c->files.error = 0;
    }
    if (contact_attached(&c->contact))
        region_enter(c);
}

// --- from the rings ---

// The directory is made with the first thing to write. False: nothing can be written.
static bool introduce(struct capture *c)
{
    struct error err = {0};
    if (c->files.error)
        return false;
    if (c->files.disk.slots == NULL && !capture_files_open(&c->files, &c->config, &err)) {
        c->files.error = EIO;
        log_error(LOG_CAPTURE_STOPPED, LOG_FIELDS(LOG_TEXT("directory", c->config.directory)),
                  "%s; nothing is captured, and it is tried again", err.text);
        return false;
    }
    if (c->introduced && !capture_files_full(&c->files))
        return true;
    if (!c->introduced)
        log_info(LOG_CAPTURE,
                 LOG_FIELDS(LOG_TEXT("directory", c->config.directory),
                            LOG_TEXT("path", c->contact.reader.path),
                            LOG_TEXT("engine", c->files.disk.ops->name)),
                 "%s: what the instance of %s takes in, by %s", c->config.directory,
                 c->contact.reader.path, c->files.disk.ops->name);
    c->introduced = capture_files_begin(&c->files, &c->instance, (const char(*)[NAME_LEN])c->lanes,
                                        (const char(*)[NAME_LEN])c->ports);
    if (c->introduced)
        c->retry_ms = 0;
    return c->introduced;
}

// True: something was taken.
static bool lane_take(struct capture *c, uint32_t lane, uint64_t now_ns)
{
    bool damaged = false;
    struct capture_piece piece = {
        .lane = lane, .position = c->at.at[lane], .room = CAPTURE_PIECE_MAX, .bytes = c->bytes};
    if (c->seen.lane[lane].tail == piece.position || !introduce(c) ||
        !capture_read(&c->contact, &piece))
        return false;
    c->files.lane[lane].ports = c->seen.lane[lane].ports;
    const uint32_t taken =
        piece.damaged ? 0 : capture_files_take(&c->files, &piece, now_ns, &damaged);
    c->at.at[lane] += taken;
    if (piece.damaged || damaged) {
        captures_hole(&c->contact, lane);
        c->at.at[lane] = c->seen.lane[lane].tail; // the hole makes the capture incomplete
        capture_files_pass(&c->files, lane, c->at.at[lane]); // a full ring goes on, too
        log_error(
            LOG_CAPTURE_RING,
            LOG_FIELDS(LOG_TEXT("path", c->contact.reader.path), LOG_NUMBER("lane_number", lane)),
            "%s: the capture of lane %u says something impossible; reading "
            "goes on at its end",
            c->contact.reader.path, lane);
    }
    return taken > 0;
}

static bool sweep(struct capture *c, uint64_t now_ns)
{
    bool came = false;
    if (!captures_look(&c->contact, &c->seen))
        return false;
    for (uint32_t lane = 0; lane < c->seen.lanes; lane++)
        came |= lane_take(c, lane, now_ns);
    return came;
}

static void wants_take(struct capture *c)
{
    const uint64_t asked = atomic_load_explicit(&c->asked, memory_order_acquire);
    if (asked == c->done || !contact_attached(&c->contact))
        return;
    c->done = asked;
    const bool wanted = atomic_load_explicit(&c->wanted, memory_order_relaxed);
    if (c->gave_up)
        c->resume = wanted;
    captures_want(&c->contact, !wanted      ? CAPTURES_STOP
                               : c->gave_up ? CAPTURES_HOLD
                                            : CAPTURES_RECORD);
}

void capture_want(struct capture *c, bool wanted)
{
    atomic_store_explicit(&c->wanted, wanted, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->asked, 1, memory_order_release);
}

// Nothing can be written. Lanes need not record what nobody reads, so they stop; after a pause they
// go on, and what their rings still hold is taken from where the files end.
static void failed_turn(struct capture *c, uint64_t now_ns)
{
    if (!c->gave_up) {
        capture_files_abandon(&c->files);
        c->retry_ms = c->retry_ms == 0                 ? RETRY_MS
                      : c->retry_ms < RETRY_MS_MAX / 2 ? 2 * c->retry_ms
                                                       : RETRY_MS_MAX;
        c->retry_ns = now_ns + c->retry_ms * UINT64_C(1000000);
        c->resume = c->seen.lanes && c->seen.lane[0].wanted;
        c->gave_up = captures_want(&c->contact, c->resume ? CAPTURES_HOLD : CAPTURES_STOP);
        return;
    }
    if (now_ns < c->retry_ns)
        return;
    c->files.error = 0;
    c->gave_up = c->introduced = false;
    c->at = c->files.written;
    if (c->resume)
        captures_want(&c->contact, CAPTURES_RECORD);
}

// --- the thread ---

static void report(struct capture *c)
{
    struct capture_status now = {.there = contact_attached(&c->contact) && c->seen.lanes,
                                 .seen = c->seen,
                                 .file = c->introduced ? c->files.instance.file : 0,
                                 .bytes = c->files.bytes,
                                 .error = c->files.error};
    for (uint32_t i = 0; i < c->seen.lanes; i++)
        now.behind += c->seen.lane[i].tail - c->files.written.at[i];
    if (c->files.disk.ops)
        snprintf(now.engine, sizeof now.engine, "%s", c->files.disk.ops->name);
    pthread_mutex_lock(&c->lock);
    c->shown = now;
    pthread_mutex_unlock(&c->lock);
}

void capture_status_take(struct capture *c, struct capture_status *status)
{
    pthread_mutex_lock(&c->lock);
    *status = c->shown;
    pthread_mutex_unlock(&c->lock);
}

static bool turn(struct capture *c)
{
    const uint64_t now_ns = clock_mono_ns();
    bool came = false;
    if (inbox_waits(c) && region_done(c))
        inbox_take(c);
    wants_take(c);
    if (contact_attached(&c->contact))
        came = sweep(c, now_ns);
    if (c->files.disk.slots) {
        capture_files_turn(&c->files, now_ns, came ? 0 : WAIT_US);
        if (contact_attached(&c->contact) && c->files.error == 0)
            captures_release(&c->contact, &c->files.written);
    }
    capture_files_look(&c->files, now_ns);
    if (c->files.error && contact_attached(&c->contact))
        failed_turn(c, now_ns);
    else if (c->files.error)
        capture_files_abandon(&c->files);
    report(c);
    return came;
}

static void *work(void *context)
{
    struct capture *c = context;
    const struct timespec nap = {.tv_nsec = NAP_US * 1000L};
    while (!atomic_load_explicit(&c->stop, memory_order_relaxed))
        if (!turn(c))
            nanosleep(&nap, NULL);
    const uint64_t end_ns = clock_mono_ns() + STOP_MS * UINT64_C(1000000);
    while (clock_mono_ns() < end_ns && turn(c))
        continue;
    return NULL;
}

bool capture_open(struct capture *c, const struct capture_config *config, struct error *err)
{
    memset(c, 0, sizeof *c);
    c->config = *config;
    c->contact.reader.fd = -1;
    c->inbox.reader.fd = -1;
    c->files.disk.fd = -1;
    c->files.config = c->config; // what is there already is looked at before anything is written
    c->bytes = malloc(CAPTURE_PIECE_MAX);
    if (c->bytes == NULL)
        return error_set(err, EXIT_FAILED, "no memory for captures");
    pthread_mutex_init(&c->lock, NULL);
    const int failed = pthread_create(&c->thread, NULL, work, c);
    c->started = failed == 0;
    return c->started ||
           error_set(err, EXIT_FAILED, "no thread for captures: %s", strerror(failed));
}

void capture_close(struct capture *c)
{
    if (c->bytes == NULL)
        return;
    if (c->started) {
        atomic_store(&c->stop, true);
        pthread_join(c->thread, NULL);
    }
    capture_files_close(&c->files);
    if (contact_attached(&c->contact) && c->files.error == 0)
        captures_release(&c->contact, &c->files.written);
    contact_close(&c->contact);
    contact_close(&c->inbox);
    pthread_mutex_destroy(&c->lock);
    free(c->bytes);
    memset(c, 0, sizeof *c);
}
