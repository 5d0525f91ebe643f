#include "controlplane/trace/export.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/trace/names.h"
#include "controlplane/trace/otlp.h"
#include "controlplane/trace/post.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

enum {
    BATCH_SPANS = 1024,
    BATCHES_MAX = 4096,
    SLICE = 256, // events between two looks at the collector
    IDLE_MS = 20,
    RETRY_MS = 200,
    RETRY_MAX_MS = 10000,
};

// A request that waits; it is sent until the collector takes or refuses it.
struct waiting_batch {
    uint8_t *bytes;
    size_t len;
    uint32_t spans;
};

struct trace_export {
    struct trace_export_config config;
    const _Atomic uint64_t *committed;
    pthread_t thread;
    _Atomic uint64_t finish_ns; // CLOCK_MONOTONIC; 0: runs
    pthread_mutex_t lock;
    struct trace_status shown;
    // The thread's own.
    struct trace_status now;
    struct post *post;
    struct trace_tree *tree;
    struct journal_events events;
    bool open;        // <events> is
    uint64_t segment; // of the last event; 0: none was read yet
    uint64_t from;    // records up to this one are only looked at for what stands open
    struct otlp_batch *batch;
    uint64_t batch_ns; // when it was begun
    struct trace_resource resource;
    struct waiting_batch queue[BATCHES_MAX];
    uint32_t first, count;
    uint64_t retry_ns; // not before
    uint32_t tries;
    uint64_t open_ns; // the journal is tried again not before
    char said[256];
};

const char *trace_state_name(enum trace_state state)
{
    static const char *const names[] = {
#define TRACE_STATE(upper, lower, help) #lower,
        TRACE_STATES(TRACE_STATE)
#undef TRACE_STATE
    };
    return names[state];
}

// --- status ---

static void report(struct trace_export *t)
{
    t->now.committed = atomic_load_explicit(t->committed, memory_order_acquire);
    pthread_mutex_lock(&t->lock);
    t->shown = t->now;
    pthread_mutex_unlock(&t->lock);
}

static void state_set(struct trace_export *t, enum trace_state state, const char *why)
{
    t->now.state = state;
    t->now.failures += *why != 0;
    snprintf(t->now.why, sizeof t->now.why, "%s", why);
    if (strcmp(why, t->said) == 0)
        return;
    if (*why)
        log_warn(LOG_TRACE_FAILED,
                 LOG_FIELDS(LOG_TEXT("endpoint", t->config.endpoint), LOG_TEXT("cause", why)),
                 "%s: %s", t->config.endpoint, why);
    else
        log_info(LOG_TRACE, LOG_FIELDS(LOG_TEXT("endpoint", t->config.endpoint)),
                 "%s: takes traces", t->config.endpoint);
    snprintf(t->said, sizeof t->said, "%s", why);
}

void trace_export_look(struct trace_export *t, struct trace_status *out)
{
    pthread_mutex_lock(&t->lock);
    *out = t->shown;
    pthread_mutex_unlock(&t->lock);
    out->committed = atomic_load_explicit(t->committed, memory_order_acquire);
}

// --- batches ---

// The batch goes behind those that wait, or is dropped where they take too much.
static void batch_close(struct trace_export *t)
{
    const uint32_t spans = otlp_batch_count(t->batch);
    size_t len = 0;
    uint8_t *bytes = otlp_batch_pack(t->batch, &t->resource, &len);
    if (bytes == NULL || t->count == BATCHES_MAX ||
        t->now.queue_bytes + len > t->config.queue_bytes) {
        t->now.dropped_spans += spans;
        free(bytes);
        return;
    }
    t->queue[(t->first + t->count++) % BATCHES_MAX] = (struct waiting_batch){bytes, len, spans};
    t->now.queue_bytes += len;
}

static void batch_pop(struct trace_export *t)
{
    struct waiting_batch *b = &t->queue[t->first];
    t->now.queue_bytes -= b->len;
    free(b->bytes);
    t->first = (t->first + 1) % BATCHES_MAX;
    t->count--;
}

static void emit(void *context, const struct trace_key *key, const struct trace_span *spans,
                 uint32_t count)
{
    struct trace_export *t = context;
    if (t->events.event.number <= t->from)
        return; // before this began
    if (!otlp_batch_add(t->batch, key, spans, count)) {
        batch_close(t);
        if (!otlp_batch_add(t->batch, key, spans, count)) {
            t->now.dropped_spans += count;
            return;
        }
    }
    t->now.traces += spans[0].parent == 0;
    if (t->batch_ns == 0)
        t->batch_ns = clock_mono_ns();
}

// --- the journal ---

static bool journal_begin(struct trace_export *t)
{
    struct error err = {0};
    const uint64_t committed = atomic_load_explicit(t->committed, memory_order_acquire);
    journal_events_close(&t->events);
    t->open = journal_events_open(&t->events, t->config.directory, &err);
    if (!t->open) {
        journal_events_close(&t->events);
        if (t->segment)
            state_set(t, TRACE_STATE_FAILED, err.text);
        return false;
    }
    // Names stand in every segment: the newest is enough for what comes.
    const struct journal_reader *r = &t->events.reader;
    journal_reader_from(&t->events.reader,
                        t->segment ? t->segment : r->segments[r->segment_count - 1]);
    t->from = t->segment ? t->now.taken : t->config.from;
    journal_reader_follow(&t->events.reader, committed);
    if (t->now.state == TRACE_STATE_WAITING || t->now.state == TRACE_STATE_FAILED) {
        t->now.state = TRACE_STATE_SENDING;
        t->now.why[0] = t->said[0] = 0;
    }
    return true;
}

// True: there is more.
static bool journal_take(struct trace_export *t, uint64_t now_ns)
{
    struct error err = {0};
    if (!t->open && (now_ns < t->open_ns || !journal_begin(t))) {
        t->open_ns = now_ns < t->open_ns ? t->open_ns : now_ns + RETRY_MS * UINT64_C(1000000);
        return false;
    }
    t->events.reader.committed = atomic_load_explicit(t->committed, memory_order_acquire);
    for (uint32_t n = 0; n < SLICE; n++) {
        const struct logged_event *e = journal_events_next(&t->events, &err);
        if (e == NULL) {
            t->open = err.code == EXIT_OK;
            if (!t->open)
                state_set(t, TRACE_STATE_FAILED, err.text);
            trace_tree_wait(t->tree, clock_utc_ns());
            return false;
        }
        t->now.taken = e->number > t->now.taken ? e->number : t->now.taken;
        t->segment = t->events.segment;
        trace_tree_event(t->tree, e, t->events.instance.clock.tsc_hz);
    }
    return true;
}

// --- the collector ---

static void failed(struct trace_export *t, uint64_t now_ns, const char *why)
{
    const uint32_t doubled = t->tries < 16 ? t->tries++ : 16;
    uint64_t ms = (uint64_t)RETRY_MS << doubled;
    ms = ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
    t->retry_ns = now_ns + ms * 1000000;
    state_set(t, TRACE_STATE_DOWN, why);
}

static void collector_turn(struct trace_export *t, uint64_t now_ns, uint32_t wait_ms)
{
    char why[sizeof t->now.why];
    uint64_t rejected;
    switch (post_turn(t->post, wait_ms, &rejected, why, sizeof why)) {
    case POST_TAKEN:
        t->now.requests++;
        t->now.rejected_spans += rejected;
        t->now.spans +=
            t->queue[t->first].spans > rejected ? t->queue[t->first].spans - rejected : 0;
        t->tries = 0;
        t->retry_ns = 0;
        state_set(t, TRACE_STATE_SENDING, rejected ? why : "");
        batch_pop(t);
        break;
    case POST_REFUSED:
        t->now.rejected_spans += t->queue[t->first].spans;
        state_set(t, TRACE_STATE_REFUSED, why);
        batch_pop(t);
        break;
    case POST_FAILED: failed(t, now_ns, why); break;
    case POST_BUSY: return;
    case POST_IDLE: break;
    }
    if (t->count && now_ns >= t->retry_ns &&
        !post_begin(t->post, t->queue[t->first].bytes, t->queue[t->first].len))
        failed(t, now_ns, "libcurl does not begin a request");
}

// --- the thread ---

static bool done(const struct trace_export *t, uint64_t now_ns, bool more)
{
    const uint64_t finish_ns = atomic_load_explicit(&t->finish_ns, memory_order_acquire);
    if (finish_ns == 0)
        return false;
    return now_ns >= finish_ns || (!more && t->count == 0 && otlp_batch_count(t->batch) == 0);
}

static void *work(void *context)
{
    struct trace_export *t = context;
    bool more = true;
    for (uint64_t now_ns = clock_mono_ns(); !done(t, now_ns, more); now_ns = clock_mono_ns()) {
        const bool finishing = atomic_load_explicit(&t->finish_ns, memory_order_acquire) != 0;
        more = journal_take(t, now_ns);
        if (!more && finishing)
            trace_tree_wait(t->tree, UINT64_MAX);
        if (otlp_batch_count(t->batch) &&
            (finishing || now_ns - t->batch_ns >= t->config.flush_ms * UINT64_C(1000000))) {
            batch_close(t);
            t->batch_ns = 0;
        }
        collector_turn(t, now_ns, more ? 0 : IDLE_MS);
        t->now.missed_records = 0;
        for (uint32_t i = 0; t->open && i < t->events.reader.finding_count; i++)
            t->now.missed_records += t->events.reader.findings[i].lost;
        report(t);
    }
    return NULL;
}

static void release(struct trace_export *t)
{
    post_close(t->post); // before the bodies that it may be sending
    while (t->count)
        batch_pop(t);
    journal_events_close(&t->events);
    trace_tree_free(t->tree);
    otlp_batch_free(t->batch);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

struct trace_export *trace_export_start(const struct trace_export_config *config,
                                        const _Atomic uint64_t *committed, struct error *err)
{
    const struct post_config to = {.url = config->endpoint,
                                   .ca = config->ca,
                                   .headers_file = config->headers_file,
                                   .timeout_ms = config->timeout_ms};
    struct trace_export *t = calloc(1, sizeof *t);
    if (t == NULL) {
        error_set(err, EXIT_FAILED, "trace: no memory");
        return NULL;
    }
    t->config = *config;
    t->committed = committed;
    t->events.reader.fd = -1;
    pthread_mutex_init(&t->lock, NULL);
    struct trace_config tree = {.emit = emit, .context = t, .one_in = config->one_in};
    trace_names_of(&t->events, &tree.names);
    trace_resource_make(&t->resource, config->node);
    t->tree = trace_tree_new(&tree);
    t->batch = otlp_batch_new(BATCH_SPANS);
    t->post = post_open(&to, err);
    if (t->post && t->tree && t->batch && pthread_create(&t->thread, NULL, work, t) == 0) {
        pthread_setname_np(t->thread, "trace");
        return t;
    }
    if (err->code == EXIT_OK)
        error_set(err, EXIT_FAILED, "trace: no memory, or no thread");
    release(t);
    return NULL;
}

void trace_export_stop(struct trace_export *t, uint32_t wait_ms)
{
    if (t == NULL)
        return;
    atomic_store_explicit(&t->finish_ns, clock_mono_ns() + wait_ms * UINT64_C(1000000),
                          memory_order_release);
    post_wake(t->post);
    pthread_join(t->thread, NULL);
    release(t);
}
