#include "controlplane/control/past_orders.h"

#include <stdlib.h>
#include <string.h>

#include "controlplane/journal/day.h"
#include "dataplane/base/log.h"

// --- the thread ---

static bool segment_is_of(const struct journal_reader *r, uint64_t segment, uint64_t epoch)
{
    struct journal_segment_header header;
    return journal_segment_header_of(r, segment, &header) && header.instance.epoch == epoch;
}

// The instance may begin in the segment before the first whose header knows it.
static uint64_t first_segment(const struct journal_reader *r, uint64_t epoch)
{
    uint32_t i = r->segment_count;
    while (i > 0 && segment_is_of(r, r->segments[i - 1], epoch))
        i--;
    return r->segment_count == 0 ? 0 : r->segments[i > 0 ? i - 1 : 0];
}

static void record_take(struct past_orders *p, const struct journal_record *r)
{
    struct event event;
    const uint32_t len = r->len - (uint32_t)sizeof *r;
    if (r->type == JOURNAL_INSTANCE && len >= sizeof p->reader.header.instance) {
        struct journal_instance instance;
        memcpy(&instance, r + 1, sizeof instance);
        p->ours = instance.epoch == p->epoch;
        p->clock = instance.clock;
    } else if (r->type == JOURNAL_EVENT && p->ours && r->ring == EVENT_RING_TRADING &&
               len >= sizeof event) {
        memcpy(&event, r + 1, sizeof event);
        order_fold_event(&p->fold, event.lane < LANES_MAX ? event.lane : LANES_MAX, &event,
                         journal_clock_utc_ns(&p->clock, event.tsc));
    }
}

struct days_before {
    struct past_orders *p;
    struct day_config wanted; // as the instance has asked for it
    struct restore_names names;
    struct day day;
};

static bool never(void *context)
{
    (void)context;
    return false;
}

static bool day_event(void *context, const struct event *event)
{
    const struct days_before *b = context;
    if (event->type != EVENT_NONE) // another instance: its numbers are not those of ours
        order_fold_event(&b->p->fold, FOLD_SOURCES_MAX, event,
                         journal_clock_utc_ns(&b->day.instance.clock, event->tsc));
    return true;
}

static void days_free(struct past_orders *p)
{
    if (p->days == NULL)
        return;
    restore_names_free(&p->days->names);
    free(p->days);
    p->days = NULL;
}

// False: it was to stop, or p->why.
static bool days_read(struct past_orders *p)
{
    struct day *day = &p->days->day;
    const bool good = day_read(day, &p->days->wanted);
    if (day->refused)
        error_set(&p->why, EXIT_FAILED, "%s", day->why);
    day_free(day);
    days_free(p);
    return good;
}

static void *read_on(void *context)
{
    struct past_orders *p = context;
    const struct journal_record *r;
    const bool stand = p->days == NULL || days_read(p);
    p->reader.committed = p->committed;
    while (stand && !atomic_load_explicit(&p->stop, memory_order_relaxed) &&
           (r = journal_reader_next(&p->reader, &p->why)) != NULL) {
        // A journal that goes on in a new segment says there whose its events are.
        if (p->reader.records == 1) {
            p->ours = p->reader.header.instance.epoch == p->epoch;
            p->clock = p->reader.header.instance.clock;
        }
        record_take(p, r);
    }
    atomic_store_explicit(&p->done, true, memory_order_release);
    return NULL;
}

static bool thread_start(struct past_orders *p, const struct drain *drain)
{
    p->committed = atomic_load_explicit(drain->config.committed, memory_order_acquire);
    p->done = p->stop = false;
    p->started = pthread_create(&p->thread, NULL, read_on, p) == 0;
    return p->started;
}

// --- the owner of the log ---

static void close_all(struct past_orders *p)
{
    if (p->open)
        journal_reader_close(&p->reader);
    if (p->fold.slots)
        order_fold_free(&p->fold);
    days_free(p);
    p->open = false;
}

void past_orders_end(struct past_orders *p)
{
    if (p->started) {
        atomic_store(&p->stop, true);
        pthread_join(p->thread, NULL);
    }
    p->started = false;
    close_all(p);
}

// What the instance has gone on from, if it has.
static bool days_ask(struct past_orders *p, struct drain *drain, struct contact *contact)
{
    const struct region_identity *identity = &contact_header(contact)->identity;
    struct restore_seen seen;
    if (!identity->restores)
        return true;
    p->days = calloc(1, sizeof *p->days);
    if (p->days == NULL || !restore_look(contact, &seen) ||
        !restore_names_take(contact, &p->days->names))
        return error_set(&p->why, EXIT_FAILED, "no memory, or the dataplane has gone");
    p->days->p = p;
    p->days->wanted = (struct day_config){.directory = drain->config.journal.directory,
                                          .committed = drain->config.committed,
                                          .stop = &p->stop,
                                          .from_ns = seen.from_ns,
                                          .to_ns = seen.to_ns,
                                          .epoch = p->epoch,
                                          .config_hash = identity->config_hash,
                                          .names = &p->days->names,
                                          .take = day_event,
                                          .idle = never,
                                          .context = p->days};
    return true;
}

static void begin(struct past_orders *p, struct drain *drain, struct contact *contact)
{
    const char *directory = drain->config.journal.directory;
    p->why = (struct error){0};
    p->ours = false;
    p->open = days_ask(p, drain, contact) && order_fold_init(&p->fold) &&
              journal_reader_open(&p->reader, directory, 0, &p->why);
    if (p->open) {
        // From the first on: what is missing is counted.
        for (uint32_t s = 0; s < FOLD_SOURCES_MAX; s++)
            p->fold.next[s] = 1;
        journal_reader_from(&p->reader, first_segment(&p->reader, p->epoch));
        journal_reader_follow(&p->reader, 0);
    }
    if (!p->open || !thread_start(p, drain)) {
        log_warn(LOG_PAST_ORDERS_UNKNOWN, LOG_FIELDS(LOG_TEXT("directory", directory)),
                 "%s: orders of before are not known: %s", directory,
                 p->why.code != EXIT_OK ? p->why.text : "no memory or thread");
        close_all(p);
    }
}

// Everything that the log has taken in and the fold has not is still in the log.
static bool meets(const struct past_orders *p, const struct event_log *log, uint64_t first)
{
    uint64_t there[FOLD_SOURCES_MAX] = {0};
    for (uint64_t n = first; n <= log->count; n++) {
        const struct logged_event *e = event_log_at(log, n);
        if (e->epoch == p->epoch && e->ring == EVENT_RING_TRADING &&
            e->event.sequence >= p->fold.next[e->source])
            there[e->source]++;
    }
    for (uint32_t s = 0; s < FOLD_SOURCES_MAX; s++) {
        const uint64_t next = log->orders.next[s], have = p->fold.next[s];
        if (next > have && there[s] != next - have)
            return false;
    }
    return true;
}

static void put_under(struct past_orders *p, struct event_log *log, uint64_t first)
{
    for (uint64_t n = first; n <= log->count; n++) {
        const struct logged_event *e = event_log_at(log, n);
        if (e->epoch == p->epoch && e->ring == EVENT_RING_TRADING)
            order_fold_event(&p->fold, e->source, &e->event, e->utc_ns);
    }
    order_fold_free(&log->orders);
    log->orders = p->fold;
    p->fold.slots = NULL;
    log_info(LOG_PAST_ORDERS,
             LOG_FIELDS(LOG_NUMBER("open_orders", log->orders.count),
                        LOG_NUMBER("missing", log->orders.missed)),
             "%u open orders are known, %lu events of before are not", log->orders.count,
             log->orders.missed);
}

void past_orders_turn(struct past_orders *p, struct drain *drain, struct contact *contact,
                      struct event_log *log)
{
    if (p->epoch != log->epoch) {
        if (!contact_attached(contact) || contact_header(contact)->identity.epoch != log->epoch)
            return;
        past_orders_end(p);
        p->epoch = log->epoch;
        // Events of the instances before are not in the log: it is not complete without them.
        log->orders.missed += contact_header(contact)->identity.restores;
        if (log->orders.missed && drain->config.committed)
            begin(p, drain, contact);
        return;
    }
    if (!p->started || !atomic_load_explicit(&p->done, memory_order_acquire))
        return;
    pthread_join(p->thread, NULL);
    p->started = false;
    const uint64_t first = log->count < EVENT_LOG_LEN ? 1 : log->count - EVENT_LOG_LEN + 1;
    if (p->why.code != EXIT_OK) {
        log_warn(LOG_PAST_ORDERS_UNKNOWN, LOG_FIELDS(LOG_TEXT("cause", p->why.text)),
                 "orders of before are not known: %s", p->why.text);
    } else if (meets(p, log, first)) {
        put_under(p, log, first);
    } else if (thread_start(p, drain)) {
        return;
    }
    close_all(p);
}
