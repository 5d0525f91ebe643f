#include "controlplane/control/control.h"

#include "controlplane/capture/capture.h"
#include "controlplane/dropcopy/act.h"
#include "controlplane/journal/rebuild.h"

#include <string.h>

#include "controlplane/region/call.h"
#include "controlplane/region/restore.h"
#include "dataplane/base/clock.h"

enum { RATE_NS = 1000000000 };

bool control_init(struct control *control, const char *region)
{
    memset(control, 0, sizeof *control);
    contact_init(&control->contact, region);
    control->started_ns = clock_mono_ns();
    control->board = board_new();
    return event_log_init(&control->log) && control->board;
}

void control_free(struct control *control)
{
    approvals_free(&control->approvals);
    past_orders_end(&control->past);
    contact_close(&control->contact);
    event_log_free(&control->log);
    board_free(control->board);
    symbol_table_free(&control->symbols);
}

static void sample_rates(struct control *control, uint64_t now_ns)
{
    struct rate_sample *newer = &control->rates[1];
    if (now_ns - newer->ns < RATE_NS || !snapshot_take(&control->snapshot, &control->contact))
        return;
    const struct snapshot *s = &control->snapshot;
    control->rates[0] = *newer;
    newer->epoch = s->identity.epoch;
    newer->ns = now_ns;
    newer->tsc = s->tsc;
    for (uint32_t i = 0; i < s->shape.lanes; i++) {
        newer->frames[i] = s->lane_counters[i].frames;
        newer->busy_ticks[i] = s->lane_counters[i].busy_ticks;
    }
    for (uint32_t i = 0; i < s->shape.channels; i++)
        newer->messages[i] = s->channel_counters[i].messages;
}

void control_events(struct control *control)
{
    struct drain_status status;
    if (control->drain == NULL) {
        event_log_drain(&control->log, &control->contact);
        return;
    }
    drain_take(control->drain, &control->log);
    drain_status_take(control->drain, &status);
    event_log_losses(&control->log, &status.rings);
    control->log.damaged = status.damaged;
    past_orders_turn(&control->past, control->drain, &control->contact, &control->log);
}

// Nobody keeps a journal: whatever was said before us counts no more. But an instance that went on
// from one takes no order until somebody has found that good.
static enum record_state record_without(struct contact *contact)
{
    struct restore_seen seen;
    if (!contact_attached(contact) || !contact_header(contact)->identity.restores)
        return RECORD_ABSENT;
    restore_look(contact, &seen);
    if (seen.verdict == RESTORE_HASHED)
        return RECORD_ABSENT;
    return seen.verdict == RESTORE_BAD ? RECORD_DAMAGED : RECORD_UNVERIFIED;
}

bool control_tick(struct control *control, uint64_t now_ns)
{
    const uint64_t attached = control->contact.attached;
    const bool was = contact_attached(&control->contact);
    // Before the look, which lets go of a region that has been replaced.
    control_events(control);
    if (contact_attached(&control->contact))
        stages_take(&control->stages, &control->log,
                    contact_header(&control->contact)->identity.clock.tsc_hz);
    bool changed = contact_look(&control->contact, now_ns);
    if (contact_attached(&control->contact))
        rings_beat(&control->contact);
    if (control->contact.attached != attached)
        call_sweep(&control->contact);
    if (control->contact.attached != attached && control->drain == NULL)
        rings_record(&control->contact, record_without(&control->contact));
    if (control->drain)
        drain_watch(control->drain, &control->contact, now_ns);
    if (control->contact.attached != attached || was != contact_attached(&control->contact)) {
        if (control->rebuild) // first: whether the lanes may hear that the journal is good
            rebuild_attach(control->rebuild, &control->contact);
        if (control->drain)
            drain_attach(control->drain, &control->contact);
        if (control->capture)
            capture_attach(control->capture, &control->contact);
    }
    if (control->drops)
        drop_copies_turn(control->drops, &control->contact, now_ns);
    sample_rates(control, now_ns);
    return changed;
}

static bool rates_valid(const struct control *control)
{
    const struct rate_sample *older = &control->rates[0], *newer = &control->rates[1];
    return older->ns && older->epoch == newer->epoch && newer->ns > older->ns &&
           newer->tsc > older->tsc;
}

uint64_t control_rate(const struct control *control, uint64_t newer, uint64_t older)
{
    if (!rates_valid(control) || newer < older)
        return 0;
    uint64_t elapsed_ns = control->rates[1].ns - control->rates[0].ns;
    return (uint64_t)((unsigned __int128)(newer - older) * 1000000000 / elapsed_ns);
}

uint64_t control_busy_permille(const struct control *control, uint32_t lane)
{
    const struct rate_sample *older = &control->rates[0], *newer = &control->rates[1];
    if (!rates_valid(control) || newer->busy_ticks[lane] < older->busy_ticks[lane])
        return 0;
    uint64_t busy = newer->busy_ticks[lane] - older->busy_ticks[lane];
    uint64_t all = newer->tsc - older->tsc;
    return busy >= all ? 1000 : busy * 1000 / all;
}
