#include "controlplane/region/events.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256 };

bool event_log_init(struct event_log *log)
{
    memset(log, 0, sizeof *log);
    log->records = calloc(EVENT_LOG_LEN, sizeof *log->records);
    return log->records != NULL && order_fold_init(&log->orders);
}

void event_log_free(struct event_log *log)
{
    free(log->records);
    locate_names_reset(&log->names);
    order_fold_free(&log->orders);
    log->records = NULL;
}

const struct logged_event *event_log_at(const struct event_log *log, uint64_t number)
{
    if (number == 0 || number > log->count || log->count - number >= EVENT_LOG_LEN)
        return NULL;
    return &log->records[number % EVENT_LOG_LEN];
}

struct chunk {
    struct locate_names *names;
    uint32_t ring_source;
    enum event_ring_kind kind;
    uint64_t cursor;
    uint64_t looked; // at for starts of sessions, up to here
    uint64_t lost;
    uint32_t count;
    bool damaged;
    struct event events[CHUNK];
};

static void copy_chunk(const struct region_view *view, void *context)
{
    struct chunk *chunk = context;
    const struct event_ring *ring = region_ring(view, chunk->ring_source, chunk->kind);
    locate_names_look(chunk->names, view, chunk->ring_source, chunk->kind, &chunk->looked);
    chunk->lost = atomic_load_explicit(&ring->lost, memory_order_relaxed);
    chunk->damaged = !event_read(ring, region_ring_events(view, chunk->ring_source, chunk->kind),
                                 region_ring_slots(view, chunk->kind), &chunk->cursor,
                                 chunk->events, CHUNK, &chunk->count);
    if (chunk->damaged)
        chunk->cursor = atomic_load_explicit(&ring->tail, memory_order_acquire);
}

static void commit_chunk(const struct region_view *view, void *context)
{
    const struct chunk *chunk = context;
    event_commit(region_ring(view, chunk->ring_source, chunk->kind), chunk->cursor);
}

struct cursors {
    uint64_t at[EVENT_SOURCES_MAX][EVENT_RING_KINDS];
};

// Where the control plane before this one stopped.
static void copy_cursors(const struct region_view *view, void *context)
{
    struct cursors *cursors = context;
    for (uint32_t s = 0; s < region_sources(&view->shape); s++)
        for (int kind = 0; kind < EVENT_RING_KINDS; kind++)
            cursors->at[s][kind] =
                atomic_load_explicit(&region_ring(view, s, kind)->committed, memory_order_acquire);
}

static void store(struct event_log *log, struct contact *contact, const struct chunk *chunk)
{
    for (uint32_t i = 0; i < chunk->count; i++) {
        const char *symbol = locate_names_event(&log->names, contact, &chunk->events[i]);
        struct logged_event *record = &log->records[++log->count % EVENT_LOG_LEN];
        *record = (struct logged_event){
            .event = chunk->events[i],
            .epoch = log->epoch,
            .utc_ns = contact_utc_ns(contact, chunk->events[i].tsc),
            .number = log->count,
            .ring = chunk->kind,
        };
        memcpy(record->symbol, symbol, strlen(symbol));
        if (chunk->kind == EVENT_RING_TRADING)
            order_fold_event(&log->orders, chunk->ring_source, &chunk->events[i],
                             contact_utc_ns(contact, chunk->events[i].tsc));
    }
    log->drained[chunk->kind] += chunk->count;
}

// One ring until it is empty or has been emptied once. False: the region has vanished.
static bool drain_ring(struct event_log *log, struct contact *contact, uint32_t ring_source,
                       enum event_ring_kind kind, uint32_t *total)
{
    static struct chunk chunk; // 32 KiB: not for the stack; one thread drains
    uint32_t slots = region_ring_slots(&contact->reader.view, kind);
    chunk.names = &log->names;
    chunk.ring_source = ring_source;
    chunk.kind = kind;
    chunk.cursor = chunk.looked = log->cursor[ring_source][kind];
    for (uint32_t n = 0; n < slots; n += chunk.count) {
        if (!contact_pass(contact, copy_chunk, &chunk))
            return false;
        log->damaged += chunk.damaged;
        log->orders.missed += chunk.damaged;
        if (chunk.count == 0 && !chunk.damaged)
            break;
        // Stored first: what is committed may be overwritten at once.
        store(log, contact, &chunk);
        if (!contact_pass(contact, commit_chunk, &chunk))
            return false;
        log->cursor[ring_source][kind] = chunk.cursor;
        *total += chunk.count;
        if (chunk.damaged)
            break;
    }
    log->lost[kind] += chunk.lost;
    return true;
}

uint32_t event_log_drain(struct event_log *log, struct contact *contact)
{
    uint32_t total = 0;
    if (!contact_attached(contact))
        return 0;
    uint64_t epoch = contact_header(contact)->identity.epoch;
    if (log->epoch != epoch) {
        struct cursors cursors;
        if (!contact_pass(contact, copy_cursors, &cursors))
            return 0;
        memcpy(log->cursor, cursors.at, sizeof log->cursor);
        log->epoch = epoch;
        locate_names_reset(&log->names);
        order_fold_reset(&log->orders);
        for (uint32_t s = 0; s < region_sources(&contact->reader.view.shape); s++)
            log->orders.missed += cursors.at[s][EVENT_RING_TRADING]; // read by another
    }
    uint32_t sources = region_sources(&contact->reader.view.shape);
    memset(log->lost, 0, sizeof log->lost);
    for (uint32_t s = 0; s < sources; s++)
        for (int kind = 0; kind < EVENT_RING_KINDS; kind++)
            if (!drain_ring(log, contact, s, kind, &total))
                return total;
    return total;
}
