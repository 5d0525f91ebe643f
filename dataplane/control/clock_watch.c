#include "dataplane/control/clock_watch.h"

#include "dataplane/base/kernel_clock.h"
#include "dataplane/base/log.h"
#include "dataplane/control/dataplane.h"

enum { LOOK_MS = 200, TELL_MS = 1000, NS_PER_MS = 1000000, NS_PER_US = 1000 };
enum told { TOLD_NOTHING, TOLD_GOOD, TOLD_DOUBTFUL, TOLD_UNKNOWN };

static uint64_t kernel_error(void)
{
    struct timex t;
    const int state = kernel_clock_read(&t);
    return clock_error_of(state, &t);
}

static enum told verdict(uint64_t error_ns, uint64_t limit_ns)
{
    return error_ns == CLOCK_ERROR_UNKNOWN ? TOLD_UNKNOWN
           : error_ns <= limit_ns          ? TOLD_GOOD
                                           : TOLD_DOUBTFUL;
}

static void say(uint64_t error_ns, uint32_t limit_us, enum told now)
{
    const uint64_t error_us = error_ns / NS_PER_US;
    if (now == TOLD_GOOD)
        log_info(LOG_CLOCK,
                 LOG_FIELDS(LOG_NUMBER("error_us", error_us), LOG_NUMBER("limit_us", limit_us)),
                 "the clock is within %lu us, as it has to be", error_us);
    else if (now == TOLD_DOUBTFUL)
        log_warn(LOG_CLOCK,
                 LOG_FIELDS(LOG_NUMBER("error_us", error_us), LOG_NUMBER("limit_us", limit_us)),
                 "the clock may be off by %lu us, more than trading.clock_error_us=%u: no order "
                 "enters; look at whatever keeps it (chronyc tracking)",
                 error_us, limit_us);
    else
        log_warn(LOG_CLOCK, LOG_FIELDS(LOG_NUMBER("limit_us", limit_us)),
                 "the kernel does not know how far the clock is off: no order enters; start what "
                 "keeps it (chronyd, or phc2sys for PTP)");
}

// True: the lane knows it.
static bool known(const struct clock_watch *w, uint32_t lane, enum told now, uint64_t now_ns)
{
    return w->told[lane].verdict == now &&
           (now != TOLD_DOUBTFUL || w->told[lane].error_ns == w->error_ns ||
            now_ns < w->told[lane].at_ns + TELL_MS * (uint64_t)NS_PER_MS);
}

uint32_t clock_watch_turn(struct dataplane *d, uint64_t now_ns, const uint64_t *error)
{
    struct clock_watch *w = &d->clock_watch;
    const uint32_t limit_us = d->config->trading.clock_error_us;
    uint32_t told = 0;
    bool said = false;
    if (limit_us == 0 || now_ns < w->look_at_ns)
        return 0;
    w->look_at_ns = now_ns + LOOK_MS * NS_PER_MS;
    w->error_ns = error ? *error : kernel_error();
    const enum told now = verdict(w->error_ns, limit_us * (uint64_t)NS_PER_US);
    const struct lane_answer answer = {.kind = ANSWER_CLOCK, .sequence = w->error_ns};
    for (uint32_t i = 0; i < d->config->lane_count; i++) {
        if (d->desks[i] == NULL || known(w, i, now, now_ns) ||
            !spsc_push(&d->lanes[i]->answers, &answer))
            continue;
        told++;
        if (w->told[i].verdict != now && !said)
            say(w->error_ns, limit_us, now);
        said |= w->told[i].verdict != now;
        w->told[i].verdict = (uint8_t)now;
        w->told[i].error_ns = w->error_ns;
        w->told[i].at_ns = now_ns;
    }
    return told;
}
