#include "controlplane/region/events.h"

#include <stdlib.h>
#include <string.h>

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

void event_log_add(struct event_log *log, const struct logged_event *logged)
{
    struct logged_event *to;
    log->count++;
    to = &log->records[log->count % EVENT_LOG_LEN];
    *to = *logged;
    to->number = log->count;
    log->drained[logged->ring]++;
    if (logged->ring == EVENT_RING_TRADING)
        order_fold_event(&log->orders, logged->source, &logged->event, logged->utc_ns);
}

void event_log_begin(struct event_log *log, uint64_t epoch, uint64_t missed)
{
    log->epoch = epoch;
    order_fold_reset(&log->orders);
    log->orders.missed = missed;
}

static void store(struct event_log *log, struct contact *contact, const struct ring_chunk *chunk)
{
    for (uint32_t i = 0; i < chunk->count; i++) {
        const char *symbol = locate_names_event(&log->names, contact, &chunk->events[i]);
        struct logged_event logged = {
            .event = chunk->events[i],
            .epoch = log->epoch,
            .utc_ns = contact_utc_ns(contact, chunk->events[i].tsc),
            .ring = chunk->kind,
            .source = chunk->source,
        };
        memcpy(logged.symbol, symbol, strlen(symbol));
        event_log_add(log, &logged);
    }
}

// One ring until it is empty or has been emptied once. False: the region has vanished.
static bool drain_ring(struct event_log *log, struct contact *contact, uint32_t source,
                       enum event_ring_kind kind, uint32_t *total)
{
    static struct ring_chunk chunk; // 32 KiB: not for the stack; one thread drains
    uint32_t slots = region_ring_slots(&contact->reader.view, kind);
    chunk.source = source;
    chunk.kind = kind;
    chunk.names = &log->names;
    chunk.cursor = chunk.looked = log->cursor.at[source][kind];
    for (uint32_t n = 0; n < slots; n += chunk.count) {
        if (!ring_read(contact, &chunk))
            return false;
        log->damaged += chunk.damaged;
        log->orders.missed += chunk.damaged;
        if (chunk.count == 0 && !chunk.damaged)
            break;
        // Stored first: what is released may be overwritten at once.
        store(log, contact, &chunk);
        log->cursor.at[source][kind] = chunk.cursor;
        if (!rings_release(contact, &log->cursor))
            return false;
        *total += chunk.count;
        if (chunk.damaged)
            break;
    }
    return true;
}

uint32_t event_log_drain(struct event_log *log, struct contact *contact)
{
    uint32_t total = 0;
    struct rings_seen seen;
    if (!rings_look(contact, &seen))
        return 0;
    if (log->epoch != contact_header(contact)->identity.epoch) {
        uint64_t missed = 0; // read by another
        for (uint32_t s = 0; s < seen.sources; s++)
            missed += seen.committed.at[s][EVENT_RING_TRADING];
        locate_names_reset(&log->names);
        log->cursor = seen.committed; // where the control plane before this one stopped
        event_log_begin(log, contact_header(contact)->identity.epoch, missed);
    }
    for (uint32_t s = 0; s < seen.sources; s++)
        for (int kind = 0; kind < EVENT_RING_KINDS; kind++)
            if (!drain_ring(log, contact, s, kind, &total))
                return total;
    if (rings_look(contact, &seen))
        event_log_losses(log, &seen);
    return total;
}

void event_log_losses(struct event_log *log, const struct rings_seen *seen)
{
    memset(log->lost, 0, sizeof log->lost);
    for (uint32_t s = 0; s < seen->sources; s++)
        for (int kind = 0; kind < EVENT_RING_KINDS; kind++)
            log->lost[kind] += seen->lost.at[s][kind];
}
