#include "controlplane/dropcopy/copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "controlplane/dropcopy/told.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

enum {
    NS_PER_MS = 1000000,
    SLICE = 1024, // events of the journal between two looks at the copy
    IDLE_MS = 10,
    DUE_MS = 20,
    KEEP_MS = 1000,
    RETRY_MS = 200,
    DAY_S = 86400,
};

// --- the copy ---

static void stream_look(struct drop_copy *d)
{
    if (d->link.session[0] == 0 || strcmp(d->link.session, d->stream) == 0)
        return;
    for (uint32_t i = 0; d->stream[0] && i < d->sessions.count; i++) {
        const uint8_t place = d->sessions.rows[i].place;
        drop_table_turn(&d->table, place, DROP_THEIRS, false, &d->ours.heard[place].turned);
    }
    if (d->stream[0])
        d->before = (struct drop_before){d->counts.foreign, d->counts.dropped};
    memcpy(d->stream, d->link.session, sizeof d->stream);
    d->changed = true;
}

static void take(void *context, uint64_t sequence, const uint8_t *p, uint32_t len)
{
    struct drop_copy *d = context;
    struct drop_item item;
    stream_look(d);
    d->counts.messages++;
    d->changed = true;
    switch (drop_theirs_read(&d->sessions, p, len, sequence, &item)) {
    case DROP_READ:
        if (!drop_table_put(&d->table, DROP_THEIRS, &item, clock_mono_ns()))
            told_full(d, true);
        break;
    case DROP_NOT_OURS: told_foreign(d, &item); break;
    case DROP_UNREADABLE: told_unreadable(d, sequence); break;
    case DROP_NOTHING: break;
    }
}

// --- the journal ---

// The last segment that was begun a day ago or earlier; without one, the first.
static uint64_t segment_of_yesterday(const struct journal_reader *r)
{
    struct journal_segment_header header;
    const uint64_t now_ns = clock_utc_ns();
    for (uint32_t i = r->segment_count; i-- > 1;)
        if (journal_segment_header_of(r, r->segments[i], &header) &&
            header.created_ns + DAY_S * UINT64_C(1000000000) < now_ns)
            return r->segments[i];
    return r->segments[0];
}

static bool journal_begin(struct drop_copy *d, uint64_t now_ns)
{
    struct error err = {0};
    struct journal_segment_header header;
    if (now_ns < d->open_ns)
        return false;
    d->open_ns = now_ns + RETRY_MS * NS_PER_MS;
    d->open = journal_events_open(&d->events, d->directory, &err);
    if (!d->open) {
        journal_events_close(&d->events);
        d->events.reader.fd = -1;
        return false; // there is none yet
    }
    struct journal_reader *r = &d->events.reader;
    const bool named = journal_segment_header_of(r, r->segments[0], &header);
    if (named && memcmp(header.journal, d->kept.journal, sizeof header.journal) != 0) {
        d->begins = true; // another journal than the one that was read
        d->kept.record = d->kept.segment = 0;
        memcpy(d->kept.journal, header.journal, sizeof header.journal);
    }
    journal_reader_from(r, d->kept.segment ? d->kept.segment : segment_of_yesterday(r));
    journal_reader_follow(r, atomic_load_explicit(d->committed, memory_order_acquire));
    return true;
}

static void event_take(struct drop_copy *d, const struct logged_event *e, uint64_t now_ns)
{
    struct drop_item item;
    bool again;
    const int index = drop_ours_session(&e->event);
    const char *name = index < 0 ? ""
                                 : journal_events_name(&d->events, JOURNAL_NAME_SESSION,
                                                       e->event.lane, (uint32_t)index);
    const struct drop_session *session = *name ? drop_session_named(&d->sessions, name) : NULL;
    const bool said = drop_ours_read(&d->ours, session, &e->event, &item, &again);
    if (session && again)
        drop_table_turn(&d->table, session->place, DROP_OURS, d->begins && !d->follow,
                        &d->ours.heard[session->place].turned);
    if (said && !drop_table_put(&d->table, DROP_OURS, &item, now_ns))
        told_full(d, true);
    d->changed |= said || again;
}

// True: there is more.
static bool journal_take(struct drop_copy *d, uint64_t now_ns)
{
    struct error err = {0};
    if (!d->open && !journal_begin(d, now_ns))
        return false;
    d->events.reader.committed = atomic_load_explicit(d->committed, memory_order_acquire);
    for (uint32_t n = 0; n < SLICE; n++) {
        const struct logged_event *e = journal_events_next(&d->events, &err);
        if (e == NULL) {
            d->follow |= err.code == EXIT_OK;
            if (err.code == EXIT_OK)
                return false;
            snprintf(d->journal_why, sizeof d->journal_why, "%.159s", err.text);
            journal_events_close(&d->events);
            d->open = false;
            return false;
        }
        d->kept.segment = d->events.segment;
        if (e->number <= d->kept.record)
            continue;
        d->kept.record = e->number;
        event_take(d, e, now_ns);
    }
    return true;
}

// --- who may be waited for ---

static bool journal_writing(const struct drop_copy *d)
{
    struct drain_status s;
    if (d->drain == NULL)
        return true;
    drain_status_take(d->drain, &s);
    return drain_state_writes(s.state);
}

// A side that catches up, or is away, has its time from when it is back.
static void holds_take(struct drop_copy *d, bool journal_more, bool link_more, uint64_t now_ns)
{
    const uint32_t ready = atomic_load_explicit(&d->ready, memory_order_relaxed);
    const bool behind = journal_more || !d->follow || !journal_writing(d);
    for (uint32_t i = 0; i < d->sessions.count; i++) {
        const uint32_t place = d->sessions.rows[i].place;
        uint64_t *held = &d->holds.ours_ns[place];
        if (!(ready >> place & 1))
            *held = UINT64_MAX;
        else if (behind || *held == UINT64_MAX)
            *held = now_ns;
    }
    if (d->link.state != DROP_LINK_UP)
        d->holds.theirs_ns = UINT64_MAX;
    else if (link_more || d->holds.theirs_ns == UINT64_MAX)
        d->holds.theirs_ns = now_ns;
    d->ready_ns = ready == 0 ? 0 : d->ready_ns ? d->ready_ns : now_ns;
    if (d->link.state == DROP_LINK_UP)
        d->down_ns = 0;
    else if (d->down_ns == 0)
        d->down_ns = now_ns;
}

static void loss_look(struct drop_copy *d, uint64_t now_ns)
{
    const uint64_t since = d->ready_ns > d->down_ns ? d->ready_ns : d->down_ns;
    const bool lost =
        d->down_ns && d->ready_ns && now_ns - since > d->config.lost_ms * (uint64_t)NS_PER_MS;
    // Once lost it is so until it is read again, whatever the sessions do.
    if (lost && !d->lost)
        told_lost(d, true, now_ns - since);
    else if (d->lost && d->down_ns == 0)
        told_lost(d, false, 0);
}

// --- what is kept ---

static void keep(struct drop_copy *d, uint64_t now_ns, bool at_end)
{
    struct error err = {0};
    const uint64_t epoch = atomic_load_explicit(&d->epoch, memory_order_relaxed);
    if (!d->follow || (!at_end && (now_ns - d->kept_ns < KEEP_MS * (uint64_t)NS_PER_MS ||
                                   (!d->changed && epoch == d->kept.epoch))))
        return;
    // What is not recorded yet would not be told again.
    pthread_mutex_lock(&d->lock);
    const bool told = d->count == 0;
    pthread_mutex_unlock(&d->lock);
    if (!told || atomic_load_explicit(&d->wanted, memory_order_relaxed))
        return;
    d->kept_ns = now_ns;
    d->kept.epoch = epoch;
    snprintf(d->kept.session, sizeof d->kept.session, "%s",
             drop_link_place(&d->link, &d->kept.next));
    memcpy(d->kept.counts, &d->counts, sizeof d->kept.counts);
    memcpy(d->kept.before, &d->before, sizeof d->kept.before);
    memcpy(d->kept.heard, d->ours.heard, sizeof d->kept.heard);
    d->changed = false;
    if (!drop_keep_write(d->path, &d->kept, &d->table, &err))
        log_warn(LOG_DROP_COPY_KEPT, LOG_FIELDS(LOG_TEXT("path", d->path)),
                 "drop copy %s: %s: a control plane that is started again reads all of the day",
                 d->config.name, err.text);
}

static void kept_take(struct drop_copy *d)
{
    struct error err = {0};
    struct drop_kept kept;
    const enum drop_found found =
        drop_keep_read(d->path, &d->sessions, &kept, &d->table, clock_mono_ns(), &err);
    d->begins = found != DROP_FOUND;
    if (found == DROP_FOUND) {
        d->kept = kept;
        memcpy(&d->counts, kept.counts, sizeof d->counts);
        memcpy(&d->before, kept.before, sizeof d->before);
        memcpy(d->ours.heard, kept.heard, sizeof d->ours.heard);
        atomic_store_explicit(&d->epoch, kept.epoch, memory_order_relaxed);
    } else if (found == DROP_NO_GOOD) {
        log_warn(LOG_DROP_COPY_KEPT, LOG_FIELDS(LOG_TEXT("path", d->path)),
                 "drop copy %s: %s: all of the day is read again", d->config.name, err.text);
    }
    memset(d->kept.names, 0, sizeof d->kept.names);
    for (uint32_t i = 0; i < d->sessions.count; i++)
        memcpy(d->kept.names[d->sessions.rows[i].place], d->sessions.rows[i].name, NAME_LEN);
}

// --- the thread ---

static void *work(void *context)
{
    struct drop_copy *d = context;
    bool link_more = false;
    while (!atomic_load_explicit(&d->stop, memory_order_acquire)) {
        const bool journal_more = journal_take(d, clock_mono_ns());
        // The journal first: what the copy says was said to us, too, as a rule.
        const uint64_t now_ns = clock_mono_ns();
        link_more =
            d->follow && drop_link_turn(&d->link, now_ns, journal_more || link_more ? 0 : IDLE_MS);
        stream_look(d);
        if (!d->follow && !journal_more)
            nanosleep(&(struct timespec){.tv_nsec = IDLE_MS * NS_PER_MS}, NULL);
        holds_take(d, journal_more, link_more, clock_mono_ns());
        told_link(d);
        if (now_ns - d->due_ns < DUE_MS * (uint64_t)NS_PER_MS)
            continue;
        d->due_ns = now_ns;
        drop_table_due(&d->table, &d->holds, d->config.grace_ms * (uint64_t)NS_PER_MS,
                       clock_mono_ns());
        told_full(d, false);
        loss_look(d, clock_mono_ns());
        told_show(d, clock_mono_ns());
        keep(d, clock_mono_ns(), false);
    }
    keep(d, clock_mono_ns(), true);
    drop_link_close(&d->link);
    return NULL;
}

static void release(struct drop_copy *d)
{
    if (d->open)
        journal_events_close(&d->events);
    drop_table_free(&d->table);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

struct drop_copy *drop_copy_start(const struct config *config, uint32_t place,
                                  const char *directory, struct drain *drain,
                                  const _Atomic uint64_t *committed, struct error *err)
{
    const struct config_drop_copy *c = &config->drop_copies[place];
    struct drop_copy *d = calloc(1, sizeof *d);
    if (d == NULL) {
        error_set(err, EXIT_FAILED, "drop copy %s: no memory", c->name);
        return NULL;
    }
    struct drop_link_config link = {.ip = c->server.ip,
                                    .port = c->server.port,
                                    .heartbeat_ms = c->heartbeat_ms,
                                    .silence_ms = c->silence_ms,
                                    .retry_ms = c->retry_ms,
                                    .retry_max_ms = c->retry_max_ms};
    snprintf(link.username, sizeof link.username, "%s", c->username);
    snprintf(link.password, sizeof link.password, "%s", c->password);
    d->place = (uint8_t)place;
    d->config = *c;
    d->drain = drain;
    d->committed = committed;
    d->events.reader.fd = -1;
    d->holds.theirs_ns = UINT64_MAX;
    pthread_mutex_init(&d->lock, NULL);
    drop_sessions_of(&d->sessions, config, place);
    snprintf(d->directory, sizeof d->directory, "%s", directory);
    const int n = snprintf(d->path, sizeof d->path, "%s.drop-copy", directory);
    mkdir(d->path, 0700); // where it cannot be made, writing says so
    if (n < (int)sizeof d->path)
        snprintf(d->path + n, sizeof d->path - (size_t)n, "/%s", c->name);
    if (drop_table_init(&d->table, c->entries, told_entry, d)) {
        kept_take(d);
        drop_link_init(&d->link, &link, d->kept.session, d->kept.next);
        memcpy(d->stream, d->link.session, sizeof d->stream);
        d->link.take = take;
        d->link.context = d;
        told_begin(d);
        d->started = pthread_create(&d->thread, NULL, work, d) == 0;
    }
    if (d->started) {
        pthread_setname_np(d->thread, "drop-copy");
        return d;
    }
    error_set(err, EXIT_FAILED, "drop copy %s: no memory, or no thread", c->name);
    release(d);
    return NULL;
}

void drop_copy_stop(struct drop_copy *d)
{
    if (d == NULL)
        return;
    atomic_store_explicit(&d->stop, true, memory_order_release);
    pthread_join(d->thread, NULL);
    release(d);
}

void drop_copy_look(struct drop_copy *d, struct drop_status *out)
{
    pthread_mutex_lock(&d->lock);
    *out = d->status;
    pthread_mutex_unlock(&d->lock);
}
