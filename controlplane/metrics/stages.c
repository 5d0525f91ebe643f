#include "controlplane/metrics/stages.h"

#include <string.h>

static const struct {
    const char *name;
    const char *help;
} stage_table[STAGES] = {
#define STAGE_ROW(upper, name, help) {name, help},
    STAGE_LIST(STAGE_ROW)
#undef STAGE_ROW
};

const char *stage_name(enum stage stage)
{
    return stage_table[stage].name;
}

const char *stage_help(enum stage stage)
{
    return stage_table[stage].help;
}

static uint64_t ticks_to_ns(uint64_t ticks, uint64_t tsc_hz)
{
    return tsc_hz ? (uint64_t)((unsigned __int128)ticks * 1000000000 / tsc_hz) : 0;
}

// histogram_record compares ticks with edges that only the dataplane has set up; here nanoseconds
// decide, so that an instance with another clock needs no new table.
static uint32_t record(struct histogram *h, uint64_t ticks, uint64_t tsc_hz)
{
    const uint64_t ns = ticks_to_ns(ticks, tsc_hz);
    uint32_t at = 0;
    while (histogram_edges_ns[at] < ns)
        at++;
    h->bucket[at]++;
    h->sum_ticks += ticks;
    if (ticks > h->max_ticks)
        h->max_ticks = ticks;
    return at;
}

static uint64_t between(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0;
}

static void exemplar_take(struct stages *s, const struct logged_event *logged, uint64_t handed,
                          uint32_t at, uint64_t tsc_hz)
{
    const struct event_order_sent *sent = &logged->event.order_sent;
    const uint64_t handed_ns = ticks_to_ns(handed, tsc_hz);
    if (!s->traced || trace_sampled(sent->decision, handed_ns, s->one_in) == TRACE_NOT)
        return;
    s->exemplars[at] = (struct stage_exemplar){
        .key = {.epoch = logged->epoch, .lane = logged->event.lane, .sequence = sent->decision},
        .ticks = handed,
        .utc_ns = logged->utc_ns};
}

static void take(struct stages *s, const struct logged_event *logged, uint64_t tsc_hz)
{
    const struct event *event = &logged->event;
    struct stage_decision *slot;
    if (event->lane >= LANES_MAX)
        return;
    if (event->type == EVENT_DECISION) {
        const struct event_decision *d = &event->decision;
        record(&s->histograms[STAGE_DECIDE], d->started, tsc_hz);
        record(&s->histograms[STAGE_GATE], between(d->started, d->gated), tsc_hz);
        if (d->refusal != REFUSAL_NONE)
            return;
        record(&s->histograms[STAGE_ENCODE], between(d->gated, d->encoded), tsc_hz);
        slot = &s->decisions[event->lane][event->sequence % STAGE_DECISIONS];
        slot->sequence = event->sequence;
        slot->tsc = event->tsc;
        slot->encoded = d->encoded;
    } else if (event->type == EVENT_ORDER_SENT) {
        const struct event_order_sent *sent = &event->order_sent;
        slot = &s->decisions[event->lane][sent->decision % STAGE_DECISIONS];
        const bool known = sent->decision && slot->sequence == sent->decision;
        // One that waited for the journal left in a later turn than it was decided in.
        const uint64_t handed = sent->handed + (known ? event->tsc - slot->tsc : 0);
        const uint32_t at = record(&s->histograms[STAGE_ORDER], handed, tsc_hz);
        exemplar_take(s, logged, handed, at, tsc_hz);
        if (known)
            record(&s->histograms[STAGE_SEND], between(slot->encoded, handed), tsc_hz);
    }
}

void stages_take(struct stages *stages, const struct event_log *log, uint64_t tsc_hz)
{
    if (log->epoch != stages->epoch) {
        memset(stages->histograms, 0, sizeof stages->histograms);
        memset(stages->decisions, 0, sizeof stages->decisions);
        memset(stages->exemplars, 0, sizeof stages->exemplars);
        stages->epoch = log->epoch;
    }
    if (stages->next == 0)
        stages->next = 1;
    if (log->count >= EVENT_LOG_LEN && stages->next + EVENT_LOG_LEN <= log->count) {
        const uint64_t oldest = log->count - EVENT_LOG_LEN + 1;
        stages->missed += oldest - stages->next;
        stages->next = oldest;
    }
    for (; stages->next <= log->count; stages->next++) {
        const struct logged_event *logged = event_log_at(log, stages->next);
        if (logged && logged->epoch == stages->epoch && logged->ring == EVENT_RING_TRADING) {
            take(stages, logged, tsc_hz);
            kill_watch_event(&stages->kills, logged, tsc_hz);
        }
    }
}
