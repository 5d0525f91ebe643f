#include "controlplane/journal/drain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

enum { NAP_US = 500, STOP_MS = 5000 };

// --- to the views ---

static void view_push(struct drain *d, const struct logged_event *event)
{
    if (!spsc_push(&d->views, event))
        atomic_fetch_add_explicit(&d->views_missed, 1, memory_order_relaxed);
}

// A record that is durable. An event without a type says that another instance follows.
static void on_durable(void *context, const struct journal_record *r)
{
    struct drain *d = context;
    struct logged_event logged = {.ring = r->ring};
    uint32_t channel;
    uint16_t locate;
    if (r->type == JOURNAL_INSTANCE) {
        locates_reset(&d->told_locates);
        memcpy(&d->told, r + 1, sizeof d->told);
        logged.epoch = d->told.epoch;
        logged.number = d->told_missed;
        view_push(d, &logged);
    } else if (r->type == JOURNAL_EVENT) {
        memcpy(&logged.event, r + 1, sizeof logged.event);
        logged.epoch = d->told.epoch;
        logged.utc_ns = journal_clock_utc_ns(&d->told.clock, logged.event.tsc);
        logged.source = logged.event.lane < LANES_MAX ? logged.event.lane : LANES_MAX;
        if (logged.event.type < EVENT_TYPES && d->located[logged.event.type] &&
            locate_of_event(&logged.event, &channel, &locate))
            snprintf(logged.symbol, sizeof logged.symbol, "%s",
                     locates_get(&d->told_locates, channel, locate));
        view_push(d, &logged);
    } else if (r->type == JOURNAL_NAMES) {
        locates_note(&d->told_locates, r + 1, r->len - (uint32_t)sizeof *r);
    }
}

uint32_t drain_take(struct drain *d, struct event_log *log)
{
    struct logged_event logged;
    uint32_t count = 0;
    for (; count < DRAIN_VIEWS && spsc_pop(&d->views, &logged); count++) {
        if (logged.event.type == EVENT_NONE)
            event_log_begin(log, logged.epoch, logged.number);
        else
            event_log_add(log, &logged);
    }
    const uint64_t missed = atomic_load_explicit(&d->views_missed, memory_order_relaxed);
    log->orders.missed += missed - d->missed_seen;
    d->missed_seen = missed;
    return count;
}

// --- regions ---

void drain_attach(struct drain *d, const struct contact *contact)
{
    struct contact way = {.reader = {.fd = -1}};
    if (contact_attached(contact) && !contact_share(contact, &way))
        log_error(LOG_JOURNAL_NOT_ATTACHED, NULL, "%s", way.why);
    pthread_mutex_lock(&d->lock);
    if (d->inbox_count == DRAIN_REGIONS) { // so many came and went while the disk was full
        log_error(LOG_JOURNAL_GIVEN_UP, LOG_FIELDS(LOG_TEXT("path", d->inbox[0].reader.path)),
                  "events of %s are given up: too many regions wait for the journal",
                  d->inbox[0].reader.path);
        contact_close(&d->inbox[0]);
        memmove(&d->inbox[0], &d->inbox[1], sizeof d->inbox - sizeof d->inbox[0]);
        d->inbox_count--;
    }
    drain_record_greet(d, &way);
    d->inbox[d->inbox_count++] = way;
    pthread_mutex_unlock(&d->lock);
}

static bool inbox_waits(struct drain *d)
{
    pthread_mutex_lock(&d->lock);
    const bool waits = d->inbox_count > 0;
    pthread_mutex_unlock(&d->lock);
    return waits;
}

static bool writes(const struct drain *d)
{
    return d->opened && d->journal.state == JOURNAL_WRITING;
}

static bool failed(const struct drain *d)
{
    return !d->opened || d->journal.state == JOURNAL_FAILED;
}

// Everything that the region holds is durable, or will never be.
static bool region_done(struct drain *d)
{
    if (failed(d) || !rings_look(&d->contact, &d->now.rings))
        return failed(d) || journal_idle(&d->journal);
    return d->introduced && journal_idle(&d->journal) &&
           memcmp(&d->now.rings.tail, &d->cursor, sizeof d->cursor) == 0;
}

static void region_enter(struct drain *d)
{
    const uint64_t epoch = contact_header(&d->contact)->identity.epoch;
    d->introduced = 0;
    locate_names_reset(&d->locates);
    if (!rings_look(&d->contact, &d->now.rings) ||
        !instance_describe(&d->contact, &d->instance, &d->names)) {
        contact_close(&d->contact);
        return;
    }
    d->cursor = d->now.rings.committed; // where the control plane before this one stopped
    drain_resume_look(d, d->opened && d->journal.cursors.epoch == epoch);
    log_info(LOG_JOURNAL_REGION,
             LOG_FIELDS(LOG_TEXT("path", d->contact.reader.path),
                        LOG_NUMBER("pid", contact_header(&d->contact)->identity.pid)),
             "%s: events of the instance with pid %u", d->contact.reader.path,
             contact_header(&d->contact)->identity.pid);
}

static void inbox_take(struct drain *d)
{
    contact_close(&d->contact);
    pthread_mutex_lock(&d->lock);
    d->contact = d->inbox[0];
    memmove(&d->inbox[0], &d->inbox[1], sizeof d->inbox - sizeof d->inbox[0]);
    d->inbox_count--;
    pthread_mutex_unlock(&d->lock);
    d->asking = 0; // <target> was of the region before
    memset(&d->now.rings, 0, sizeof d->now.rings);
    d->told_record = RECORD_ABSENT;
    if (contact_attached(&d->contact))
        region_enter(d);
}

// --- from the rings ---

// A trading ring numbers without a hole: what it could not take stands in an OVERRUN.
static void sequence_check(struct drain *d, uint32_t source, const struct event *event)
{
    const uint64_t last = d->journal.cursors.sequence[source][EVENT_RING_TRADING];
    if (event->type == EVENT_OVERRUN) {
        d->now.overrun += event->overrun.lost;
        log_error(LOG_JOURNAL_OVERRUN,
                  LOG_FIELDS(LOG_NUMBER("lane_number", event->lane),
                             LOG_NUMBER("events", event->overrun.lost),
                             LOG_NUMBER("before", event->sequence)),
                  "lane %u: %" PRIu64 " events before number %" PRIu64
                  " found the event ring full and are lost",
                  event->lane, event->overrun.lost, event->sequence);
    }
    if (event->sequence > last + 1) {
        d->now.gaps += event->sequence - last - 1;
        log_error(LOG_JOURNAL_GAP,
                  LOG_FIELDS(LOG_NUMBER("lane_number", event->lane), LOG_NUMBER("first", last + 1),
                             LOG_NUMBER("last", event->sequence - 1)),
                  "lane %u: events %" PRIu64 " to %" PRIu64 " are not in this journal: they were "
                  "read by another, or are lost",
                  event->lane, last + 1, event->sequence - 1);
    }
}

// What the event's locate means stands before the event. False: the journal has no room.
static bool locate_note(struct drain *d, const struct event *event, uint64_t now_ns)
{
    uint32_t channel;
    uint16_t locate;
    union {
        struct journal_names names;
        uint8_t bytes[sizeof(struct journal_names) + NAME_LEN];
    } note = {.bytes = {0}};
    if (!locate_of_event(event, &channel, &locate))
        return true;
    const char *name = locate_names_event(&d->locates, &d->contact, event);
    if (strcmp(locates_get(&d->noted, channel, locate), name) == 0)
        return true;
    note.names.kind = JOURNAL_NAME_LOCATE;
    note.names.lane = (uint8_t)channel;
    note.names.count = 1;
    note.names.first = locate;
    snprintf(note.names.names[0], NAME_LEN, "%s", name);
    if (!journal_note(&d->journal, JOURNAL_NAMES, &note, sizeof note, now_ns))
        return false;
    locates_set(&d->noted, channel, locate, name);
    return true;
}

// False: the journal takes no more for now.
static bool chunk_write(struct drain *d, uint64_t now_ns)
{
    struct ring_chunk *chunk = &d->chunk;
    const uint32_t source = drain_source(d, chunk->source);
    uint64_t *cursor = &d->cursor.at[chunk->source][chunk->kind];
    for (uint32_t i = 0; i < chunk->count; i++) {
        struct event *event = &chunk->events[i];
        event->lane =
            source < LANES_MAX ? (uint8_t)source : LANE_MAIN; // it decides where it counts
        const uint64_t before = d->journal.cursors.sequence[source][chunk->kind];
        if (chunk->kind == EVENT_RING_TRADING && event->sequence > before)
            sequence_check(d, source, event);
        const bool located = event->type < EVENT_TYPES && d->located[event->type];
        if (located && !locate_note(d, event, now_ns))
            return false;
        if (!journal_event(&d->journal, source, chunk->kind, event, *cursor + 1, now_ns))
            return false;
        if (located && event->type == EVENT_SESSION_START)
            locate_names_event(&d->locates, &d->contact, event);
        d->now.events[chunk->kind] += event->sequence > before;
        ++*cursor;
    }
    return true;
}

static bool ring_drain(struct drain *d, uint32_t source, enum event_ring_kind kind, uint64_t now_ns,
                       bool *came)
{
    struct ring_chunk *chunk = &d->chunk;
    chunk->names = &d->locates;
    chunk->looked = d->cursor.at[source][kind];
    while (d->cursor.at[source][kind] != d->now.rings.tail.at[source][kind]) {
        chunk->source = source;
        chunk->kind = kind;
        chunk->cursor = d->cursor.at[source][kind];
        if (!ring_read(&d->contact, chunk))
            return false;
        if (chunk->damaged) {
            d->now.damaged++;
            log_error(
                LOG_JOURNAL_RING,
                LOG_FIELDS(LOG_TEXT("path", d->contact.reader.path), LOG_NUMBER("source", source)),
                "%s: the ring of source %u says something impossible; "
                "reading goes on at its end",
                d->contact.reader.path, source);
            d->cursor.at[source][kind] = chunk->cursor;
            d->journal.mark.cursor[drain_source(d, source)][kind] = chunk->cursor;
            return true;
        }
        *came = true;
        if (!chunk_write(d, now_ns))
            return false;
        if (chunk->count < RING_CHUNK)
            break;
    }
    return true;
}

// False: the journal has no room for what introduces the instance.
static bool introduce(struct drain *d, uint64_t now_ns)
{
    if (d->introduced == 0) {
        if (!journal_instance(&d->journal, &d->instance, now_ns))
            return false;
        d->introduced = d->journal.number - 1;
        d->named_segment = 0;
    }
    if (d->named_segment != d->journal.header.segment) {
        d->named_segment = d->journal.header.segment;
        d->names.at = 0;
        locates_reset(&d->noted);
    }
    return instance_notes_write(&d->names, &d->journal, now_ns);
}

// Everything that stands in the rings now. True: something came.
static bool sweep(struct drain *d, uint64_t now_ns)
{
    bool came = false;
    // A disk without space is asked again by what waits for it.
    if (!rings_look(&d->contact, &d->now.rings) || failed(d))
        return false;
    for (uint32_t lane = 0; lane < LANES_MAX; lane++)
        journal_limits(&d->journal, lane, d->now.rings.limits[lane].version,
                       d->now.rings.limits[lane].hash);
    if (!introduce(d, now_ns))
        return false;
    for (uint32_t s = 0; s < d->now.rings.sources; s++)
        for (int kind = 0; kind < EVENT_RING_KINDS; kind++)
            if (!ring_drain(d, s, kind, now_ns, &came))
                return came;
    return came;
}

// --- what became durable ---

static void release(struct drain *d)
{
    struct ring_cursors to = {0};
    if (d->introduced == 0 || d->journal.committed < d->introduced)
        return; // what the journal knows is of the instance before
    for (uint32_t s = 0; s < d->now.rings.sources; s++)
        memcpy(to.at[s], d->journal.committed_mark.cursor[drain_source(d, s)], sizeof to.at[s]);
    rings_release(&d->contact, &to);
    uint64_t behind = 0;
    for (uint32_t s = 0; s < d->now.rings.sources; s++)
        for (int kind = 0; kind < EVENT_RING_KINDS; kind++) {
            const uint64_t committed = d->now.rings.committed.at[s][kind], done = to.at[s][kind];
            behind += d->now.rings.tail.at[s][kind] - (done > committed ? done : committed);
        }
    d->now.behind = behind;
}

// Every ring is durable, and released, up to <target>.
static bool target_reached(struct drain *d)
{
    if (!rings_look(&d->contact, &d->now.rings))
        return false;
    for (uint32_t s = 0; s < d->now.rings.sources; s++)
        for (int kind = 0; kind < EVENT_RING_KINDS; kind++)
            if (d->now.rings.committed.at[s][kind] < d->target.at[s][kind])
                return false;
    return true;
}

static void answer(struct drain *d)
{
    if (d->asking == 0) {
        const uint64_t asked = atomic_load_explicit(&d->asked, memory_order_acquire);
        if (asked == atomic_load_explicit(&d->answered, memory_order_relaxed))
            return;
        if (!failed(d) && inbox_waits(d))
            return;
        // Looked at after the question: what was published before it is below these tails.
        rings_look(&d->contact, &d->now.rings);
        d->asking = asked;
        d->target = d->now.rings.tail;
    }
    if (writes(d) && contact_attached(&d->contact) && !target_reached(d))
        return;
    atomic_store_explicit(&d->answered, d->asking, memory_order_release);
    d->asking = 0;
}

uint64_t drain_ask(struct drain *d)
{
    return atomic_fetch_add_explicit(&d->asked, 1, memory_order_acq_rel) + 1;
}

bool drain_asked(const struct drain *d, uint64_t ticket)
{
    return atomic_load_explicit(&d->answered, memory_order_acquire) >= ticket;
}

// --- what it says ---

static enum drain_state state_now(const struct drain *d, uint64_t now_ns)
{
    if (!d->opened || atomic_load_explicit(&d->doubted, memory_order_acquire))
        return DRAIN_DAMAGED;
    if (d->journal.state == JOURNAL_FAILED)
        return DRAIN_FAILED;
    if (d->journal.state == JOURNAL_FULL)
        return DRAIN_FULL;
    if (journal_waits_ns(&d->journal, now_ns) > d->config.stall_ns)
        return DRAIN_SLOW;
    return atomic_load_explicit(&d->verifying, memory_order_acquire) ? DRAIN_VERIFYING
                                                                     : DRAIN_WRITING;
}

static void state_say(struct drain *d, enum drain_state state)
{
    const char *directory = d->config.journal.directory;
    const bool wrote = drain_state_writes(d->now.state);
    d->now.state = state;
    d->now.error = d->journal.error;
    if (drain_state_writes(state)) {
        d->now.why[0] = 0;
        if (!wrote)
            log_info(LOG_JOURNAL_WRITING, LOG_FIELDS(LOG_TEXT("directory", directory)),
                     "%s: written again", directory);
        return;
    }
    switch (state) {
    case DRAIN_FULL:
        snprintf(d->now.why, sizeof d->now.why,
                 "%s: %s; no order is taken; make room, it goes on by itself", directory,
                 strerror(d->now.error));
        break;
    case DRAIN_SLOW:
        snprintf(d->now.why, sizeof d->now.why,
                 "%s: a commit takes longer than %" PRIu64 " ms; no order is taken meanwhile",
                 directory, d->config.stall_ns / 1000000);
        break;
    case DRAIN_DAMAGED:
        pthread_mutex_lock(&d->lock);
        snprintf(d->now.why, sizeof d->now.why, "%s; no order is taken", d->doubt);
        pthread_mutex_unlock(&d->lock);
        break;
    default:
        snprintf(d->now.why, sizeof d->now.why,
                 "%s: %s; what the disk holds is not known any more: nothing is written and no "
                 "order taken until this control plane is started again; look at the disk first",
                 directory, strerror(d->now.error));
        break;
    }
    log_error(
        LOG_JOURNAL_STOPPED,
        LOG_FIELDS(LOG_TEXT("directory", directory), LOG_TEXT("cause", strerror(d->now.error))),
        "%s", d->now.why);
}

static void committed_tell(const struct drain *d)
{
    if (d->config.committed)
        atomic_store_explicit(d->config.committed, d->journal.committed, memory_order_release);
}

static void report(struct drain *d, uint64_t now_ns)
{
    const struct journal *j = &d->journal;
    const enum drain_state state = state_now(d, now_ns);
    if (state != d->now.state)
        state_say(d, state);
    d->now.segment = j->header.segment;
    d->now.records = j->number - 1;
    d->now.committed = j->committed;
    d->now.bytes = j->bytes;
    d->now.blocks = j->blocks;
    memcpy(d->now.latency, j->latency, sizeof d->now.latency);
    d->now.latency_ns = j->latency_ns;
    pthread_mutex_lock(&d->lock);
    d->shown = d->now;
    pthread_mutex_unlock(&d->lock);
    drain_record_tell(d);
    committed_tell(d); // whoever sees its record may act: the lanes have been told before
}

void drain_status_take(struct drain *d, struct drain_status *status)
{
    pthread_mutex_lock(&d->lock);
    *status = d->shown;
    status->verified = d->verified;
    pthread_mutex_unlock(&d->lock);
    // The thread may not have come round since a doubt was lifted.
    if (status->state == DRAIN_DAMAGED && d->opened && !atomic_load(&d->doubted)) {
        status->state = atomic_load(&d->verifying) ? DRAIN_VERIFYING : DRAIN_WRITING;
        status->why[0] = 0;
    }
    if (status->state == DRAIN_VERIFYING)
        drain_verifying_text(d, status);
    if (atomic_load_explicit(&d->hangs, memory_order_relaxed) &&
        drain_state_writes(status->state)) {
        status->state = DRAIN_SLOW;
        snprintf(status->why, sizeof status->why, "%s: a new segment takes its time",
                 d->config.journal.directory);
    }
}

// --- the thread ---

static bool turn(struct drain *d)
{
    const uint64_t now_ns = clock_mono_ns();
    bool came = false, moved = false;
    if (inbox_waits(d) && region_done(d))
        inbox_take(d);
    if (contact_attached(&d->contact))
        came = sweep(d, now_ns);
    atomic_store_explicit(&d->turned_ns, now_ns, memory_order_relaxed);
    if (d->opened)
        moved = journal_turn(&d->journal, now_ns, came ? 0 : NAP_US);
    if (contact_attached(&d->contact) && d->opened)
        release(d);
    answer(d);
    report(d, now_ns);
    return came || moved;
}

static void nap(const struct drain *d)
{
    // While something is on its way to the disk its end has been waited for.
    if (!d->opened || journal_waits_ns(&d->journal, clock_mono_ns()) == 0)
        nanosleep(&(struct timespec){.tv_nsec = NAP_US * 1000L}, NULL);
}

static void *work(void *context)
{
    struct drain *d = context;
    while (!atomic_load_explicit(&d->stop, memory_order_relaxed))
        if (!turn(d))
            nap(d);
    // What the rings hold, unless the disk does not take it.
    const uint64_t last = drain_ask(d);
    const uint64_t end_ns = clock_mono_ns() + STOP_MS * UINT64_C(1000000);
    while (!drain_asked(d, last) && clock_mono_ns() < end_ns)
        if (!turn(d))
            nap(d);
    return NULL;
}

static bool journal_begin(struct drain *d, struct error *err)
{
    struct journal *j = &d->journal;
    d->opened = journal_open(j, &d->config.journal, NULL, err);
    if (!d->opened && err->code != EXIT_STATE)
        return false;
    if (!d->opened) {
        d->now.state = DRAIN_DAMAGED;
        snprintf(d->now.why, sizeof d->now.why,
                 "%s; nothing is written and no order taken until then", err->text);
        log_error(LOG_JOURNAL_DAMAGED,
                  LOG_FIELDS(LOG_TEXT("directory", d->config.journal.directory)), "%s", d->now.why);
        *err = (struct error){0};
        return true;
    }
    for (uint32_t type = 0; type < EVENT_TYPES; type++) {
        const struct event_info *info = event_info((uint16_t)type);
        d->located[type] = type == EVENT_SESSION_START;
        for (uint32_t i = 0; info && i < info->field_count; i++)
            d->located[type] |= info->fields[i].kind == FIELD_locate;
    }
    j->durable = on_durable;
    j->context = d;
    d->now.found = j->number - 1;
    d->now.direct = j->disk.direct;
    d->now.align = j->disk.align;
    snprintf(d->now.engine, sizeof d->now.engine, "%s", j->disk.ops->name);
    log_info(LOG_JOURNAL,
             LOG_FIELDS(LOG_TEXT("directory", j->directory), LOG_TEXT("engine", j->disk.ops->name),
                        LOG_NUMBER("block_bytes", j->disk.align),
                        LOG_NUMBER("record", j->number - 1)),
             "%s: %s, %s, blocks of %u bytes, %s; goes on behind record %" PRIu64, j->directory,
             j->disk.ops->name, j->disk.direct ? "O_DIRECT" : "not O_DIRECT", j->disk.align,
             j->disk.cached ? "not synced" : "synced", j->number - 1);
    return true;
}

bool drain_start(struct drain *d, const struct drain_config *config, struct error *err)
{
    memset(d, 0, sizeof *d);
    d->config = *config;
    d->contact.reader.fd = -1;
    d->views_memory = calloc(DRAIN_VIEWS, sizeof(struct logged_event));
    if (d->views_memory == NULL)
        return error_set(err, EXIT_FAILED, "no memory for events on their way to the views");
    spsc_init(&d->views, d->views_memory, DRAIN_VIEWS, sizeof(struct logged_event));
    pthread_mutex_init(&d->lock, NULL);
    if (!journal_begin(d, err))
        return false;
    d->shown = d->now;
    if (d->opened)
        committed_tell(d); // before anybody asks what stands there
    const int failed = pthread_create(&d->thread, NULL, work, d);
    d->started = failed == 0;
    return d->started ||
           error_set(err, EXIT_FAILED, "no thread for the journal: %s", strerror(failed));
}

void drain_stop(struct drain *d)
{
    if (d->started) {
        atomic_store(&d->stop, true);
        pthread_join(d->thread, NULL);
    }
    if (d->opened && !journal_close(&d->journal))
        log_error(LOG_JOURNAL_NOT_DURABLE,
                  LOG_FIELDS(LOG_TEXT("directory", d->config.journal.directory)),
                  "%s: not everything became durable", d->config.journal.directory);
    // Closing may have made the last block durable.
    if (d->opened)
        committed_tell(d);
    if (d->opened && contact_attached(&d->contact))
        release(d);
    drain_record_end(d);
    contact_close(&d->contact);
    for (uint32_t i = 0; i < d->inbox_count; i++)
        contact_close(&d->inbox[i]);
    instance_notes_free(&d->names);
    locate_names_reset(&d->locates);
    locates_reset(&d->noted);
    locates_reset(&d->told_locates);
    free(d->views_memory);
    pthread_mutex_destroy(&d->lock);
    memset(d, 0, sizeof *d);
}
