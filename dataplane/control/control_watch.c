// A control plane that is lost. Nobody could see or stop the trading then, so it ends here: the
// dead-man's lease of a dataplane that is told to have one.
#include "dataplane/base/log.h"
#include "dataplane/control/dataplane.h"

void control_watch(struct dataplane *d, uint64_t since_ns)
{
    struct control_watch *w = &d->control;
    const uint64_t beat =
        atomic_load_explicit(&region_record_word(&d->view, 0)->beat, memory_order_relaxed);
    if (beat != w->beat) {
        if (w->lost)
            log_warn(LOG_CONTROL_BACK, NULL,
                     "the control plane is back; trading goes on once a person "
                     "resumes: tickgate resume");
        *w = (struct control_watch){.beat = beat};
        return;
    }
    w->silent_ns += since_ns;
    const uint64_t most_ns = d->config->trading.control_loss_ms * UINT64_C(1000000);
    // One that has never been there is not missed: trading.journal says whether orders wait for it.
    if (most_ns == 0 || beat == 0 || w->lost || w->silent_ns < most_ns)
        return;
    w->lost = true;
    d->count->control_lost++;
    for (uint32_t lane = 0; lane < d->config->lane_count; lane++)
        if (d->desks[lane])
            kill_ask(region_kill_words(&d->view, (uint64_t)lane * KILL_ASKERS + KILL_BY_MAIN),
                     TRADE_FIRM, 0);
    log_error(LOG_CONTROL_LOST, LOG_FIELDS(LOG_NUMBER("silent_ms", w->silent_ns / 1000000)),
              "no sign of life of the control plane for %lu ms: everything is cancelled, and no "
              "order enters until a person resumes",
              w->silent_ns / 1000000);
}
