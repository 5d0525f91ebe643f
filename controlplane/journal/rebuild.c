#include "controlplane/journal/rebuild.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controlplane/journal/behind.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

enum {
    NAP_US = 100,
    LOOKS_US = 200,  // before the first nap: one would be longer than what is waited for
    TAKE_MS = 20000, // until a dataplane has worked in what stands in the area
};

struct work {
    struct rebuild *r;
    struct restore_seen seen;
    struct restore_names names;
    struct restore_chunk chunk;
    struct event *events; // slots of them, on their way into the area
    uint64_t begun_ns;
    struct day day;
};

// --- into the area ---

// False: the dataplane is gone, or we are to stop.
static bool taken_wait(struct work *w)
{
    const uint64_t begun = clock_mono_ns();
    while (restore_look(&w->r->contact, &w->seen)) {
        if (w->seen.taken == w->seen.filled)
            return true;
        const uint64_t waited_us = (clock_mono_ns() - begun) / 1000;
        if (atomic_load(&w->r->stop) || waited_us > TAKE_MS * UINT64_C(1000))
            return false;
        if (waited_us > LOOKS_US)
            usleep(NAP_US);
    }
    return false;
}

static bool chunk_send(struct work *w, enum restore_state state)
{
    if (!taken_wait(w))
        return false;
    if (w->chunk.total == 0)
        w->chunk.read_us = (uint32_t)((clock_mono_ns() - w->begun_ns) / 1000);
    w->chunk.events = w->events;
    w->chunk.state = state;
    w->chunk.instances = w->day.instances;
    w->chunk.skipped = w->day.skipped;
    w->chunk.extracts = w->day.given.count;
    w->chunk.extracts_sum = w->day.given.sum;
    w->chunk.total += w->chunk.count;
    w->chunk.sum =
        restore_sum(w->chunk.sum, w->events, (uint64_t)w->chunk.count * sizeof *w->events);
    const bool sent = restore_fill(&w->r->contact, &w->chunk);
    w->chunk.count = 0;
    return sent;
}

// --- what the day takes ---

static bool event_send(void *context, const struct event *event)
{
    struct work *w = context;
    if (w->chunk.count == w->seen.slots && !chunk_send(w, RESTORE_MORE))
        return false;
    w->events[w->chunk.count++] = *event;
    return true;
}

// Why the journal does not go on; false while it does.
static bool stands_still(void *context)
{
    struct work *w = context;
    struct drain_status status;
    if (w->r->drain == NULL)
        return false;
    drain_status_take(w->r->drain, &status);
    if (status.state != DRAIN_DAMAGED && status.state != DRAIN_FAILED)
        return false;
    day_refuse(&w->day, "the journal is %s: %.300s", drain_state_name(status.state), status.why);
    return true;
}

static struct day_config config_of(struct work *w)
{
    const struct rebuild *r = w->r;
    const struct region_identity *identity = &contact_header(&r->contact)->identity;
    return (struct day_config){.directory = r->directory,
                               .committed = r->committed,
                               .stop = &r->stop,
                               .direct = r->drain && !r->drain->config.journal.cached,
                               .verify = r->verify,
                               .from_ns = w->seen.from_ns,
                               .to_ns = w->seen.to_ns,
                               .epoch = identity->epoch,
                               .config_hash = identity->config_hash,
                               .names = &w->names,
                               .take = event_send,
                               .idle = stands_still,
                               .context = w};
}

// --- the thread ---

static void told(const struct work *w)
{
    const struct day *d = &w->day;
    const uint64_t us = (clock_mono_ns() - w->begun_ns) / 1000;
    if (d->passed[0])
        log_warn(LOG_EXTRACT, LOG_FIELDS(LOG_NUMBER("segment", d->first + d->used_count)),
                 "%s; the journal is read from there on", d->passed);
    log_info(LOG_RESTORE_SENT,
             LOG_FIELDS(LOG_NUMBER("events", w->chunk.total), LOG_NUMBER("instances", d->instances),
                        LOG_NUMBER("extracts", d->used_count), LOG_NUMBER("took_us", us)),
             "%" PRIu64 " events of %u instances went back to the dataplane in %.3f s, from %u "
             "extracts of segments and %" PRIu64 " records%s",
             w->chunk.total, d->instances, (double)us / 1e6, d->used_count, d->reader.records,
             d->hashed ? ", with their hashes" : "");
}

static void work_do(struct work *w)
{
    struct day *d = &w->day;
    const struct day_config config = config_of(w);
    if (w->r->directory == NULL) {
        day_refuse(d, "tickgate-controlplane keeps no journal (--journal none); start it with one, "
                      "or with trading.start: venue");
    } else if (w->seen.filled || w->seen.taken) {
        day_refuse(d, "a control plane ended while it read the journal; start the dataplane again");
    } else if (!restore_names_take(&w->r->contact, &w->names)) {
        return; // it has gone
    } else if (day_read(d, &config) && chunk_send(w, RESTORE_DONE)) {
        told(w);
        w->r->given_epoch = config.epoch;
        w->r->given_last = d->last;
        if (w->r->drain)
            behind_work(d, w->r->drain, &w->r->contact, RESTORE_UNVERIFIED);
    }
    if (!d->refused)
        return;
    log_error(LOG_RESTORE_REFUSED, NULL, "%s", d->why);
    memcpy(w->chunk.why, d->why, sizeof w->chunk.why);
    w->chunk.count = 0;
    chunk_send(w, RESTORE_REFUSED);
}

// Why nobody knows whether the day is good. False: it is not looked at again.
static bool doubt(const struct work *w, uint64_t known, uint32_t *naps)
{
    const struct rebuild *r = w->r;
    char why[RESTORE_WHY_LEN];
    snprintf(why, sizeof why, "%.100s: %.200s", r->directory, w->day.why);
    if (w->seen.verdict == RESTORE_HASHED) { // no order waits
        log_warn(LOG_EXTRACT, LOG_FIELDS(LOG_NUMBER("segment", 0)),
                 "%s; hashes are not looked at any more, nor extracts made", why);
        return false;
    }
    drain_doubt(r->drain, why);
    // Where nothing was there when this control plane began, what comes is its own.
    return known && behind_again(r->drain, &r->stop, naps);
}

// Another control plane has given the day back, and died.
static void work_resume(struct work *w)
{
    const struct day_config config = config_of(w);
    const struct rebuild *r = w->r;
    struct drain_status status;
    uint32_t naps = 0;
    if (!r->drain->opened)
        return; // its state says why, and there is nothing to judge by
    drain_status_take(r->drain, &status);
    // What was written since is no word of what the dataplane went on from.
    const uint64_t known = r->given_epoch == config.epoch ? r->given_last : status.found;
    while (!day_resume(&w->day, &config, &w->seen, known)) {
        if (!doubt(w, known, &naps))
            return;
        day_free(&w->day);
    }
    behind_work(&w->day, r->drain, &w->r->contact, (enum restore_verdict)w->seen.verdict);
}

static void *thread_main(void *arg)
{
    struct rebuild *r = arg;
    struct work *w = calloc(1, sizeof *w);
    if (w && restore_look(&r->contact, &w->seen) && w->seen.wanted && w->seen.slots &&
        w->seen.slots <= RESTORE_EVENTS_MAX && w->seen.state != RESTORE_REFUSED) {
        w->r = r;
        w->begun_ns = clock_mono_ns();
        w->events = calloc(w->seen.slots, sizeof *w->events);
        if (w->seen.state == RESTORE_DONE && w->seen.verdict != RESTORE_BAD && r->drain)
            work_resume(w);
        else if (w->seen.state != RESTORE_DONE && w->events)
            work_do(w);
        else if (w->seen.state == RESTORE_DONE && w->seen.verdict != RESTORE_HASHED && !r->drain)
            log_error(LOG_JOURNAL_DAMAGED, LOG_FIELDS(LOG_TEXT("directory", "none")),
                      "tickgate-controlplane keeps no journal (--journal none), and nobody has "
                      "found good what the dataplane went on from: no order is taken; start it "
                      "with the journal");
        else if (w->seen.state != RESTORE_DONE)
            log_error(LOG_RESTORE_REFUSED, LOG_FIELDS(LOG_NUMBER("events", w->seen.slots)),
                      "no memory for %u events", w->seen.slots);
        day_free(&w->day);
        restore_names_free(&w->names);
        free(w->events);
    }
    free(w);
    return NULL;
}

void rebuild_stop(struct rebuild *r)
{
    if (!r->started)
        return;
    atomic_store(&r->stop, true);
    pthread_join(r->thread, NULL);
    contact_close(&r->contact);
    r->started = false;
}

// Whether orders wait, before the lanes of the region hear anything of the journal.
static void verdict_take(struct rebuild *r)
{
    struct restore_seen seen;
    char why[384];
    if (r->drain == NULL || !restore_look(&r->contact, &seen))
        return;
    // Beside damage it is not heard, and there is no moment in which neither stands.
    drain_verify(r->drain, seen.verdict != RESTORE_HASHED);
    if (seen.verdict != RESTORE_BAD)
        return;
    snprintf(why, sizeof why,
             "%.200s: a control plane before this one has found damage; look with `tickgate "
             "journal verify`",
             r->directory);
    log_error(LOG_JOURNAL_DAMAGED, LOG_FIELDS(LOG_TEXT("directory", r->directory)), "%s", why);
    drain_doubt(r->drain, why);
    r->inherited = true;
}

void rebuild_attach(struct rebuild *r, const struct contact *contact)
{
    rebuild_stop(r);
    if (!contact_attached(contact))
        return; // the drain still has the region before, and tells it what holds for that
    const bool restores = contact_header(contact)->identity.restores;
    if (r->drain) {
        drain_verified(r->drain, &(struct drain_verified){0});
        drain_verify(r->drain, restores);
    }
    if (r->drain && r->inherited)
        drain_doubt_lift(r->drain);
    r->inherited = false;
    if (!restores)
        return;
    if (!contact_share(contact, &r->contact)) {
        log_error(LOG_RESTORE_REFUSED, NULL, "%s", r->contact.why);
        return;
    }
    verdict_take(r);
    atomic_store(&r->stop, false);
    r->started = pthread_create(&r->thread, NULL, thread_main, r) == 0;
    if (!r->started) {
        log_error(LOG_RESTORE_REFUSED, NULL, "no thread to read the journal with");
        contact_close(&r->contact);
    }
}
