// Metrics of what stands behind the rings: the journal, who reads it, and the capture.
#include <string.h>

#include "controlplane/capture/capture.h"
#include "controlplane/dropcopy/act.h"
#include "controlplane/metrics/parts.h"
#include "controlplane/store/store.h"
#include "controlplane/trace/export.h"

void gauge_write(struct metric_text *text, const char *name, const char *help, double value)
{
    metric_family(text, METRIC_GAUGE, name, help);
    metric_real(text, NULL, value);
}

void counter_own(struct metric_text *text, const char *name, const char *help, uint64_t value)
{
    metric_family(text, METRIC_COUNTER, name, help);
    metric_count(text, NULL, value);
}

// The edges are powers of two of a microsecond.
static void commits_write(struct metric_text *text, const struct drain_status *s)
{
    double edges[JOURNAL_LATENCIES];
    uint64_t below[JOURNAL_LATENCIES], seen = 0;
    const struct metric_buckets buckets = {.edges = edges,
                                           .below = below,
                                           .count = JOURNAL_LATENCIES,
                                           .sum = (double)s->latency_ns / 1e9};
    for (uint32_t i = 0; i < JOURNAL_LATENCIES; i++) {
        seen += s->latency[i];
        edges[i] = (double)(UINT64_C(1) << i) / 1e6;
        below[i] = seen;
    }
    metric_family(text, METRIC_HISTOGRAM, "tickgate_journal_commit_seconds",
                  "First record of a block to the block being durable");
    metric_buckets(text, NULL, &buckets);
}

static void journal_write(struct metric_text *text, struct drain *drain, bool brief)
{
    struct drain_status s;
    if (drain == NULL)
        return;
    drain_status_take(drain, &s);
    gauge_write(text, "tickgate_journal_writing", "1 while events become durable",
                drain_state_writes(s.state));
    gauge_write(text, "tickgate_journal_lag_events", "Published and not durable yet",
                (double)s.behind);
    counter_own(text, "tickgate_journal_records", "Durable records", s.committed);
    if (brief)
        return;
    commits_write(text, &s);
    counter_own(text, "tickgate_journal_bytes", "Written by this control plane", s.bytes);
    counter_own(text, "tickgate_journal_commits", "Blocks that were made durable", s.blocks);
    counter_own(text, "tickgate_journal_missing_events",
                "Numbers of trading events that are missing", s.gaps);
}

// What the attached dataplane's lanes have taken in; without one there is nothing to say.
static void capture_write(struct metric_text *text, struct capture *capture)
{
    struct capture_status s = {.there = false};
    uint64_t lost = 0, frames = 0, gaps = 0, holes = 0;
    bool recording = false;
    if (capture)
        capture_status_take(capture, &s);
    if (!s.there)
        return;
    for (uint32_t i = 0; i < s.seen.lanes; i++) {
        lost += s.seen.lane[i].lost;
        frames += s.seen.lane[i].lost_frames;
        gaps += s.seen.lane[i].gaps;
        holes += s.seen.lane[i].holes;
        recording |= s.seen.lane[i].recording;
    }
    gauge_write(text, "tickgate_capture_recording",
                "1 while what lanes take in is recorded and can be written", recording && !s.error);
    counter_own(text, "tickgate_capture_lost_turns",
                "Turns of lanes that found no room in the ring of the capture", lost);
    counter_own(text, "tickgate_capture_lost_frames", "Frames of those turns", frames);
    counter_own(text, "tickgate_capture_gaps", "Times a lane recorded again after it had not",
                gaps);
    counter_own(text, "tickgate_capture_holes",
                "Times a ring of the capture held what cannot be read", holes);
    gauge_write(text, "tickgate_capture_lag_bytes", "Recorded and in no file yet",
                (double)s.behind);
    counter_own(text, "tickgate_capture_bytes", "Written by this control plane", s.bytes);
}

static void store_write(struct metric_text *text, struct store *store, bool brief)
{
    struct store_status s;
    if (store == NULL)
        return;
    store_look(store, &s);
    gauge_write(text, "tickgate_store_connected", "1 while the database takes what the journal has",
                s.state == STORE_BEHIND || s.state == STORE_CURRENT);
    gauge_write(text, "tickgate_store_lag_records",
                "Durable records that are not in the database yet",
                s.committed > s.taken ? (double)(s.committed - s.taken) : 0);
    if (brief)
        return;
    gauge_write(text, "tickgate_store_lag_seconds",
                "How long the journal has had more than the database, 0 while it has not",
                (double)s.lag_ns / 1e9);
    counter_own(text, "tickgate_store_events", "Events that went into the database", s.events);
    counter_own(text, "tickgate_store_batches", "Transactions they went in", s.batches);
    counter_own(text, "tickgate_store_failures",
                "Failures of the database, or of reading the journal", s.failures);
    gauge_write(text, "tickgate_store_memory_bytes", "Memory of what is on its way to the database",
                (double)s.memory_bytes);
}

static void trace_write(struct metric_text *text, struct trace_export *trace, bool brief)
{
    struct trace_status s;
    if (trace == NULL)
        return;
    trace_export_look(trace, &s);
    gauge_write(text, "tickgate_trace_connected", "1 while the collector takes traces",
                s.state == TRACE_STATE_SENDING);
    counter_own(text, "tickgate_trace_dropped_spans", "Spans that found no room", s.dropped_spans);
    if (brief)
        return;
    counter_own(text, "tickgate_trace_traces", "Orders and kills whose trace was told", s.traces);
    counter_own(text, "tickgate_trace_spans", "Spans that the collector has taken", s.spans);
    counter_own(text, "tickgate_trace_rejected_spans", "Spans that the collector did not want",
                s.rejected_spans);
    counter_own(text, "tickgate_trace_failures", "Requests that failed", s.failures);
    gauge_write(text, "tickgate_trace_queue_bytes", "Waiting to be sent", (double)s.queue_bytes);
}

// One family over all copies: <value> of each.
static void drop_family(struct metric_text *text, const struct drop_copies *drops,
                        enum metric_type type, const char *name, const char *help,
                        uint64_t (*value)(const struct drop_status *s))
{
    struct drop_status s;
    metric_family(text, type, name, help);
    for (uint32_t i = 0; i < drops->count; i++) {
        const struct metric_label labels[] = {{"drop_copy", drops->copies[i]->config.name}, {0}};
        drop_copy_look(drops->copies[i], &s);
        metric_count(text, labels, value(&s));
    }
}

static uint64_t drop_up(const struct drop_status *s)
{
    return s->state == DROP_LINK_UP;
}
static uint64_t drop_waiting(const struct drop_status *s)
{
    return s->waiting;
}
static uint64_t drop_differing(const struct drop_status *s)
{
    return s->differing;
}
#define DROP_VALUE(name, help)                               \
    static uint64_t drop_##name(const struct drop_status *s) \
    {                                                        \
        return s->counts.name;                               \
    }
DROP_COUNTS(DROP_VALUE)
#undef DROP_VALUE

static void drops_write(struct metric_text *text, const struct drop_copies *drops, bool brief)
{
    if (drops == NULL)
        return;
    drop_family(text, drops, METRIC_GAUGE, "tickgate_drop_copy_up", "1 while the copy is read",
                drop_up);
    drop_family(text, drops, METRIC_GAUGE, "tickgate_drop_copy_differing",
                "Messages that differ now", drop_differing);
    if (brief)
        return;
    drop_family(text, drops, METRIC_GAUGE, "tickgate_drop_copy_waiting",
                "Messages that wait for the other side", drop_waiting);
#define DROP_FAMILY(name, help) \
    drop_family(text, drops, METRIC_COUNTER, "tickgate_drop_copy_" #name, help, drop_##name);
    DROP_COUNTS(DROP_FAMILY)
#undef DROP_FAMILY
}

void durable_write(struct metric_text *text, struct control *control, bool brief)
{
    journal_write(text, control->drain, brief);
    if (!brief) // there is no room for more series a second
        capture_write(text, control->capture);
    store_write(text, control->store, brief);
    trace_write(text, control->trace, brief);
    drops_write(text, control->drops, brief);
}
