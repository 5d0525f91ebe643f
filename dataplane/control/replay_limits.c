#include "dataplane/control/replay_limits.h"

#include <string.h>

#include "dataplane/control/limits_live.h"

static bool records_put(struct limits_source *source, const struct limits_swap *s, bool back)
{
    for (uint32_t i = 0; i < s->count; i++) {
        struct event_limit_changed r = s->records[i];
        r.now = back ? r.was : r.now;
        if (!limits_restore(source, &r))
            return false;
    }
    return true;
}

// Trading states are the lane's. They stand still while the table is made: one lane, one thread.
static void states_copy(struct limit_table *to, const struct limit_table *from)
{
    to->firm.state = from->firm.state;
    for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
        to->accounts[i].state = from->accounts[i].state;
    for (uint32_t i = 0; i < STRATEGIES_MAX; i++)
        to->strategies[i].state = from->strategies[i].state;
    for (uint32_t i = 0; i < SESSIONS_MAX; i++)
        to->sessions[i].state = from->sessions[i].state;
    for (uint32_t i = 0; i < to->symbol_count; i++)
        to->symbols[i].state = from->symbols[i].state;
}

bool replay_limits_make(struct dataplane *d, uint32_t lane, struct limits_swap *s)
{
    struct dataplane_desk *dd = d->desks[lane];
    struct limits_source *source = limits_set_now(d);
    if (dd == NULL || source == NULL || !records_put(source, s, false))
        return false;
    struct limit_table *to = dd->limits_spare;
    memset(to, 0, sizeof *to + dd->limits->symbol_count * sizeof to->symbols[0]);
    limits_fill(source, trade_lanes(d->config), d->clock.tsc_hz, to);
    day_tighten(&d->day, false, to);
    states_copy(to, dd->limits);
    s->table = to;
    return true;
}

void replay_limits_settle(struct dataplane *d, uint32_t lane, struct limits_swap *s)
{
    struct dataplane_desk *dd = d->desks[lane];
    struct limit_table *old = dd->limits;
    if (s->taken != LIMITS_TAKEN) {
        records_put(limits_set_now(d), s, true); // it comes again, or not at all
        return;
    }
    dd->limits = dd->limits_spare;
    dd->limits_spare = old;
}
