// What the lanes are told about the journal: the word in the region.
#include <inttypes.h>
#include <stdio.h>

#include "controlplane/journal/drain.h"
#include "dataplane/base/log.h"

const char *drain_state_name(enum drain_state state)
{
    static const char *const names[] = {
        [DRAIN_WRITING] = "writing", [DRAIN_FULL] = "full",       [DRAIN_SLOW] = "slow",
        [DRAIN_FAILED] = "failed",   [DRAIN_DAMAGED] = "damaged", [DRAIN_VERIFYING] = "verifying"};
    return names[state];
}

void drain_doubt(struct drain *d, const char *why)
{
    if (atomic_load(&d->doubted))
        return;
    pthread_mutex_lock(&d->lock);
    snprintf(d->doubt, sizeof d->doubt, "%s", why);
    pthread_mutex_unlock(&d->lock);
    atomic_store_explicit(&d->doubted, true, memory_order_release);
}

void drain_doubt_lift(struct drain *d)
{
    if (!atomic_load(&d->ends_short))
        atomic_store_explicit(&d->doubted, false, memory_order_release);
}

void drain_verify(struct drain *d, bool verifying)
{
    atomic_store_explicit(&d->verifying, verifying, memory_order_release);
}

void drain_verified(struct drain *d, const struct drain_verified *verified)
{
    pthread_mutex_lock(&d->lock);
    d->verified = *verified;
    pthread_mutex_unlock(&d->lock);
}

void drain_verifying_text(const struct drain *d, struct drain_status *status)
{
    const struct drain_verified *v = &status->verified;
    char far[96] = "";
    if (v->records && v->records <= v->of)
        snprintf(far, sizeof far, ": %" PRIu64 " of %" PRIu64 " records, about %.0f s more",
                 v->records, v->of,
                 (double)v->us / 1e6 * (double)(v->of - v->records) / (double)v->records);
    snprintf(status->why, sizeof status->why,
             "%s: the day is being verified%s; no order is taken meanwhile",
             d->config.journal.directory, far);
}

// Only what was durable is given back to the rings. Where the journal has less behind an end that
// is not whole, no crash has torn that off: something has destroyed it since.
void drain_resume_look(struct drain *d, bool same)
{
    char why[sizeof d->doubt];
    uint64_t lost = 0;
    d->told_missed = 0;
    for (uint32_t s = 0; s < d->now.rings.sources; s++) {
        const uint64_t written =
            same ? d->journal.cursors.sequence[drain_source(d, s)][EVENT_RING_TRADING] : 0;
        const uint64_t released = d->cursor.at[s][EVENT_RING_TRADING];
        d->told_missed += written > released ? written : released;
        lost += written < released ? released - written : 0;
    }
    if (!same || !d->journal.torn || lost == 0)
        return;
    snprintf(why, sizeof why,
             "%s: damage: its end is not whole, and %" PRIu64 " events that were durable, as the "
             "region says, are not in it; nothing is written, so that each start finds it; look "
             "with `tickgate journal verify`, then move the directory away",
             d->config.journal.directory, lost);
    log_error(LOG_JOURNAL_DAMAGED, LOG_FIELDS(LOG_TEXT("directory", d->config.journal.directory)),
              "%s", why);
    atomic_store(&d->ends_short, true);
    d->journal.state =
        JOURNAL_FAILED; // for good: what is written would hide it from the next start
    drain_doubt(d, why);
}

static enum record_state record_of(enum drain_state state)
{
    static const enum record_state states[] = {
        [DRAIN_WRITING] = RECORD_ABSENT,  [DRAIN_FULL] = RECORD_FULL,
        [DRAIN_SLOW] = RECORD_SLOW,       [DRAIN_FAILED] = RECORD_FAILED,
        [DRAIN_DAMAGED] = RECORD_DAMAGED, [DRAIN_VERIFYING] = RECORD_UNVERIFIED};
    return states[state];
}

// A region is said to be written only once its own instance stands durably in the journal. One that
// waits for the disk behind others hears only what stops orders.
void drain_record_tell(struct drain *d)
{
    enum record_state record = record_of(d->now.state);
    if (record == RECORD_ABSENT && d->introduced && d->journal.committed >= d->introduced)
        record = d->config.journal.cached ? RECORD_MEMORY : RECORD_WRITTEN;
    const bool again = atomic_exchange_explicit(&d->hangs, false, memory_order_acquire);
    if (record == d->told_record && !again)
        return;
    d->told_record = record;
    if (record != RECORD_ABSENT)
        rings_record(&d->contact, record);
    pthread_mutex_lock(&d->lock);
    for (uint32_t i = 0; i < d->inbox_count && record_stops(record); i++)
        rings_record(&d->inbox[i], record);
    pthread_mutex_unlock(&d->lock);
}

void drain_record_greet(const struct drain *d, struct contact *way)
{
    const enum record_state record = record_of(d->shown.state);
    if (record_stops(record))
        rings_record(way, record);
}

void drain_record_end(struct drain *d)
{
    // What stops orders stays until somebody writes again.
    if (!record_stops(d->told_record))
        rings_record(&d->contact, RECORD_ABSENT);
}

void drain_watch(struct drain *d, struct contact *contact, uint64_t now_ns)
{
    const uint64_t turned = atomic_load_explicit(&d->turned_ns, memory_order_relaxed);
    if (turned == 0 || now_ns <= turned || now_ns - turned <= d->config.stall_ns ||
        atomic_load_explicit(&d->hangs, memory_order_relaxed))
        return;
    if (rings_record(contact, RECORD_SLOW))
        atomic_store_explicit(&d->hangs, true, memory_order_release);
}
