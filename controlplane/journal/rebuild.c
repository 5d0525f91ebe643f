#include "controlplane/journal/rebuild.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/journal/reader.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/hints.h"
#include "dataplane/base/log.h"

enum {
    NAP_US = 100,
    NEW_INSTANCE_MS = 20000, // until its record stands in the journal
    TAKE_MS = 20000,         // until a dataplane has worked in what stands in the area
    HASHES_NICE = 19,
};

struct work {
    struct rebuild *r;
    struct journal_reader reader;
    bool open;
    uint64_t first; // segment
    struct restore_seen seen;
    struct restore_names names;
    struct restore_chunk chunk;
    struct event *events; // slots of them, on their way into the area
    uint64_t epoch;       // of the dataplane that asks
    uint64_t begun_ns;
    struct journal_instance instance; // whose events are read
    bool of_today;
    bool named; // its names are those of the region, or have to be looked at
    uint64_t sequences[JOURNAL_SOURCES];
    bool refused;
};

// --- refusals ---

static bool refuse(struct work *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(struct work *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(w->chunk.why, sizeof w->chunk.why, fmt, ap);
    va_end(ap);
    w->refused = true;
    return false;
}

static const char *time_of(uint64_t utc_ns, char out[32])
{
    const time_t seconds = (time_t)(utc_ns / 1000000000u);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm);
    return out;
}

// --- into the area ---

// False: the dataplane is gone, or we are to stop.
static bool taken_wait(struct work *w)
{
    const uint64_t until = clock_mono_ns() + TAKE_MS * UINT64_C(1000000);
    while (restore_look(&w->r->contact, &w->seen)) {
        if (w->seen.taken == w->seen.filled)
            return true;
        if (atomic_load(&w->r->stop) || clock_mono_ns() > until)
            return false;
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
    w->chunk.total += w->chunk.count;
    w->chunk.sum =
        restore_sum(w->chunk.sum, w->events, (uint64_t)w->chunk.count * sizeof *w->events);
    const bool sent = restore_fill(&w->r->contact, &w->chunk);
    w->chunk.count = 0;
    return sent;
}

static bool event_send(struct work *w, const struct event *event)
{
    if (w->chunk.count == w->seen.slots && !chunk_send(w, RESTORE_MORE))
        return false;
    w->events[w->chunk.count++] = *event;
    return true;
}

// --- instances ---

static bool instance_begin(struct work *w, const struct journal_instance *i)
{
    char when[32];
    uint64_t hash[2];
    if (i->epoch == w->instance.epoch)
        return true; // another control plane met it once more
    w->instance = *i;
    w->of_today = i->epoch >= w->seen.from_ns && i->epoch < w->seen.to_ns;
    if (!w->of_today) {
        w->chunk.skipped++;
        return true;
    }
    region_abi_hash(hash);
    if (memcmp(hash, i->abi_hash, sizeof hash) != 0)
        return refuse(w,
                      "the instance of %s UTC wrote another version of events; start with "
                      "trading.start: venue, or with the programs of that instance",
                      time_of(i->epoch, when));
    if (!i->restores)
        return refuse(w,
                      "the instance of %s UTC did not go on from the journal (trading.start: "
                      "venue): what it knew stands in no journal; start with trading.start: "
                      "venue until the day is over",
                      time_of(i->epoch, when));
    w->chunk.instances++;
    memset(w->sequences, 0, sizeof w->sequences);
    w->named = i->config_hash == contact_header(&w->r->contact)->identity.config_hash;
    const struct event marker = {.type = EVENT_NONE, .input = i->epoch};
    return event_send(w, &marker);
}

// The name that the region has for it; null: none.
static const char *name_now(const struct work *w, const struct journal_names *n, uint32_t index)
{
    const struct restore_names *r = &w->names;
    switch (n->kind) {
    case JOURNAL_NAME_LANE: return index < r->shape.lanes ? r->lanes[index].name : NULL;
    case JOURNAL_NAME_ACCOUNT: return index < r->shape.accounts ? r->accounts[index].name : NULL;
    case JOURNAL_NAME_INSTRUMENT:
        return index < r->shape.instruments ? r->instruments[index].symbol : NULL;
    case JOURNAL_NAME_SESSION:
        for (uint32_t i = 0; i < r->shape.order_sessions; i++)
            if (r->sessions[i].lane == n->lane && r->sessions[i].index == index)
                return r->sessions[i].name;
        return NULL;
    case JOURNAL_NAME_STRATEGY:
        for (uint32_t i = 0; i < r->shape.strategies; i++)
            if (r->strategies[i].lane == n->lane && r->strategies[i].index == index)
                return r->strategies[i].name;
        return NULL;
    default: return NULL;
    }
}

// Another configuration may only have more names: numbers mean what they meant.
static bool names_check(struct work *w, const struct journal_names *n, uint32_t len)
{
    static const char *const kinds[] = {[JOURNAL_NAME_LANE] = "lane",
                                        [JOURNAL_NAME_ACCOUNT] = "account",
                                        [JOURNAL_NAME_INSTRUMENT] = "symbol",
                                        [JOURNAL_NAME_SESSION] = "session",
                                        [JOURNAL_NAME_STRATEGY] = "strategy or client"};
    if (len < sizeof *n || len < sizeof *n + (uint64_t)n->count * NAME_LEN ||
        n->kind >= ARRAY_LEN(kinds) || kinds[n->kind] == NULL)
        return true;
    for (uint32_t i = 0; i < n->count; i++) {
        const char *now = name_now(w, n, n->first + i);
        if (now == NULL || strncmp(now, n->names[i], NAME_LEN) != 0)
            return refuse(w,
                          "the configuration has changed: %s %u was %.31s and is %.31s; bring "
                          "the order of names back, or start with trading.start: venue",
                          kinds[n->kind], n->first + i, n->names[i], now ? now : "not there");
    }
    return true;
}

// --- events ---

static bool matters(const struct event *e)
{
    switch (e->type) {
    case EVENT_DECISION: return e->decision.refusal == REFUSAL_NONE;
    case EVENT_ORDER_SENT:
    case EVENT_ORDER_NOT_SENT:
    case EVENT_CANCEL_SENT:
    case EVENT_CANCEL_WAITS:
    case EVENT_ORDER:
    case EVENT_ORDER_OPTIONS:
    case EVENT_UNCLAIMED:
    case EVENT_ORDER_SESSION:
    case EVENT_KILL:
    case EVENT_LIFTED:
    case EVENT_GOVERNED:
    case EVENT_TRADING_STATE:
    case EVENT_LIMIT_CHANGED:
    case EVENT_LIMIT_RAISE:
    case EVENT_STRATEGY:
    case EVENT_LOSS_BROKEN:
    case EVENT_MARK:
    case EVENT_DAY_BEST: return true;
    default: return false;
    }
}

static bool event_take(struct work *w, const struct journal_record *r)
{
    const struct event *event = (const void *)(r + 1); // records begin at multiples of 8
    char when[32];
    if (!w->of_today || r->ring != EVENT_RING_TRADING || r->len < sizeof *r + sizeof *event)
        return true;
    const uint32_t source = event->lane < LANES_MAX ? event->lane : LANES_MAX;
    uint64_t *last = &w->sequences[source];
    if (event->sequence != *last + 1)
        return refuse(w,
                      "events %" PRIu64 " to %" PRIu64 " of lane %u of the instance of %s UTC "
                      "are not in the journal (record %" PRIu64 "); start with trading.start: "
                      "venue",
                      *last + 1, event->sequence - 1, event->lane, time_of(w->instance.epoch, when),
                      r->number);
    *last = event->sequence;
    if (event->type == EVENT_OVERRUN)
        return refuse(w,
                      "%" PRIu64 " events of lane %u found the event ring full and are lost "
                      "(record %" PRIu64 "); start with trading.start: venue",
                      event->overrun.lost, event->lane, r->number);
    return !matters(event) || event_send(w, event);
}

// --- the journal ---

// The newest segment that begins before the day does, by what its header says of the instance.
static uint64_t segment_first(const struct work *w)
{
    const struct journal_reader *reader = &w->reader;
    uint64_t first = reader->segment_count ? reader->segments[0] : 0;
    for (uint32_t i = 0; i < reader->segment_count; i++) {
        struct journal_segment_header h;
        if (!journal_segment_header_of(reader, reader->segments[i], &h) || // the reader says why
            h.instance.epoch >= w->seen.from_ns)
            break;
        first = reader->segments[i];
    }
    return first;
}

static bool reader_begin(struct work *w)
{
    struct error err = {0};
    journal_reader_close(&w->reader);
    w->open = journal_reader_open(&w->reader, w->r->directory, 0, &err);
    if (!w->open)
        return false;
    w->first = segment_first(w);
    journal_reader_from(&w->reader, w->first);
    journal_reader_unhashed(&w->reader, w->r->drain && !w->r->drain->config.journal.cached);
    journal_reader_follow(&w->reader, atomic_load(w->r->committed));
    return true;
}

// The first damage that a reader has found.
static const char *damage_of(const struct journal_reader *r, char text[256])
{
    text[0] = 0;
    for (uint32_t i = 0; i < r->finding_count && text[0] == 0; i++)
        if (!r->findings[i].torn)
            journal_finding_text(&r->findings[i], text, 256);
    return text;
}

static bool damaged(struct work *w)
{
    char text[256];
    return refuse(w,
                  "%s: %s; look with `tickgate journal verify`, or start with trading.start: "
                  "venue and another directory",
                  w->r->directory, damage_of(&w->reader, text));
}

// A record; *<done>: the one that names the dataplane that asks.
static bool record_take(struct work *w, const struct journal_record *r, bool *done)
{
    const uint32_t len = r->len - (uint32_t)sizeof *r;
    struct journal_instance instance;
    if (w->instance.epoch == 0 && w->reader.header.instance.epoch && r->type != JOURNAL_INSTANCE)
        w->instance = w->reader.header.instance; // in the middle of one that began before
    if (r->type == JOURNAL_INSTANCE && len >= sizeof instance) {
        memcpy(&instance, r + 1, sizeof instance);
        *done = instance.epoch == w->epoch;
        return *done || instance_begin(w, &instance);
    }
    if (r->type == JOURNAL_NAMES && w->of_today && !w->named)
        return names_check(w, (const void *)(r + 1), len);
    return r->type != JOURNAL_EVENT || event_take(w, r);
}

// Why the journal does not go on; "" while it does.
static bool stands_still(struct work *w)
{
    struct drain_status status;
    if (w->r->drain == NULL)
        return false;
    drain_status_take(w->r->drain, &status);
    if (status.state != DRAIN_DAMAGED && status.state != DRAIN_FAILED)
        return false;
    refuse(w, "the journal is %s: %.300s", drain_state_name(status.state), status.why);
    return true;
}

// Reading takes what it takes; what is waited for is the next record.
static bool journal_read(struct work *w)
{
    uint64_t idle_since = 0;
    struct error err = {0};
    bool done = false;
    while (!done) {
        const struct journal_record *r = NULL;
        if (w->open || reader_begin(w)) {
            journal_reader_follow(&w->reader, atomic_load(w->r->committed));
            r = journal_reader_next(&w->reader, &err);
            if (w->reader.damaged)
                return damaged(w);
            if (err.code != EXIT_OK)
                return refuse(w, "%.300s", err.text);
        }
        if (r) {
            idle_since = 0;
            if (!record_take(w, r, &done))
                return false;
            continue;
        }
        if (stands_still(w) || atomic_load(&w->r->stop))
            return false;
        const uint64_t now = clock_mono_ns();
        idle_since = idle_since ? idle_since : now;
        if (now - idle_since > NEW_INSTANCE_MS * UINT64_C(1000000))
            return refuse(w,
                          "%s: the new instance has not come into the journal for %u s; see "
                          "the log of tickgate-controlplane",
                          w->r->directory, NEW_INSTANCE_MS / 1000);
        usleep(NAP_US);
    }
    return true;
}

// --- hashes ---

// Of everything that went back, behind whatever else there is to do.
static void hashes_look(struct work *w)
{
    struct error err = {0};
    char text[256], why[384];
    const uint64_t begun = clock_mono_ns(), last = w->reader.number - 1;
    journal_reader_close(&w->reader);
    setpriority(PRIO_PROCESS, 0, HASHES_NICE); // of this thread
    w->open = journal_reader_open(&w->reader, w->r->directory, 0, &err);
    if (!w->open)
        return;
    journal_reader_from(&w->reader, w->first);
    journal_reader_follow(&w->reader, last);
    while (!atomic_load_explicit(&w->r->stop, memory_order_relaxed) &&
           journal_reader_next(&w->reader, &err))
        ;
    if (w->reader.damaged) {
        snprintf(why, sizeof why, "%s: %s; look with `tickgate journal verify`", w->r->directory,
                 damage_of(&w->reader, text));
        log_error(LOG_JOURNAL_DAMAGED, LOG_FIELDS(LOG_TEXT("directory", w->r->directory)), "%s",
                  why);
        drain_doubt(w->r->drain, why);
    } else if (w->reader.number > last) {
        log_info(LOG_RESTORE_HASHES,
                 LOG_FIELDS(LOG_NUMBER("records", w->reader.records),
                            LOG_NUMBER("took_us", (clock_mono_ns() - begun) / 1000)),
                 "the hashes of %" PRIu64 " records are good; %.3f s", w->reader.records,
                 (double)(clock_mono_ns() - begun) / 1e9);
    }
}

// --- the thread ---

static void work_do(struct work *w)
{
    if (w->r->directory == NULL) {
        refuse(w, "tickgate-controlplane keeps no journal (--journal none); start it with one, or "
                  "with trading.start: venue");
    } else if (w->seen.filled || w->seen.taken) {
        refuse(w, "a control plane ended while it read the journal; start the dataplane again");
    } else if (!restore_names_take(&w->r->contact, &w->names)) {
        return; // it has gone
    } else if (journal_read(w) && chunk_send(w, RESTORE_DONE)) {
        const uint64_t us = (clock_mono_ns() - w->begun_ns) / 1000;
        log_info(LOG_RESTORE_SENT,
                 LOG_FIELDS(LOG_NUMBER("events", w->chunk.total),
                            LOG_NUMBER("instances", w->chunk.instances), LOG_NUMBER("took_us", us)),
                 "%" PRIu64 " events of %u instances went back to the dataplane in %.3f "
                 "s",
                 w->chunk.total, w->chunk.instances, (double)us / 1e6);
        if (w->r->drain)
            hashes_look(w);
    }
    if (!w->refused)
        return;
    log_error(LOG_RESTORE_REFUSED, NULL, "%s", w->chunk.why);
    w->chunk.count = 0;
    chunk_send(w, RESTORE_REFUSED);
}

static void *thread_main(void *arg)
{
    struct rebuild *r = arg;
    struct work *w = calloc(1, sizeof *w);
    if (w && restore_look(&r->contact, &w->seen) && w->seen.wanted && w->seen.slots &&
        w->seen.slots <= RESTORE_EVENTS_MAX &&
        (w->seen.state != RESTORE_DONE && w->seen.state != RESTORE_REFUSED)) {
        w->r = r;
        w->reader.fd = -1;
        w->begun_ns = clock_mono_ns();
        w->epoch = contact_header(&r->contact)->identity.epoch;
        w->events = calloc(w->seen.slots, sizeof *w->events);
        if (w->events)
            work_do(w);
        else
            log_error(LOG_RESTORE_REFUSED, LOG_FIELDS(LOG_NUMBER("events", w->seen.slots)),
                      "no memory for %u events", w->seen.slots);
        if (w->open)
            journal_reader_close(&w->reader);
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

void rebuild_attach(struct rebuild *r, const struct contact *contact)
{
    rebuild_stop(r);
    if (!contact_attached(contact) || !contact_header(contact)->identity.restores)
        return;
    if (!contact_share(contact, &r->contact)) {
        log_error(LOG_RESTORE_REFUSED, NULL, "%s", r->contact.why);
        return;
    }
    atomic_store(&r->stop, false);
    r->started = pthread_create(&r->thread, NULL, thread_main, r) == 0;
    if (!r->started) {
        log_error(LOG_RESTORE_REFUSED, NULL, "no thread to read the journal with");
        contact_close(&r->contact);
    }
}
