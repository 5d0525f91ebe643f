#include "dataplane/control/limits_table.h"

#include <stddef.h>
#include <string.h>

#include "dataplane/base/hash.h"
#include "dataplane/base/log.h"
#include "dataplane/control/limits_live.h"
#include "dataplane/control/limits_runs.h"
#include "dataplane/lane/desk_limits.h"

static void state_copy(struct limit_row *to, const struct limit_row *from)
{
    to->state = __atomic_load_n(&from->state, __ATOMIC_RELAXED);
}

static void states_copy(struct limit_table *to, const struct limit_table *from)
{
    state_copy(&to->firm, &from->firm);
    for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
        state_copy(&to->accounts[i], &from->accounts[i]);
    for (uint32_t i = 0; i < STRATEGIES_MAX; i++)
        state_copy(&to->strategies[i], &from->strategies[i]);
    for (uint32_t i = 0; i < SESSIONS_MAX; i++)
        state_copy(&to->sessions[i], &from->sessions[i]);
    for (uint32_t i = 0; i < to->symbol_count; i++)
        state_copy(&to->symbols[i], &from->symbols[i]);
}

void limits_table_seal(struct limit_table *t)
{
    const uint64_t from = offsetof(struct limit_table, hash) + sizeof t->hash;
    t->hash = hash_of((const uint8_t *)t + from, limit_table_bytes(t) - from);
}

uint64_t limits_table_make(const struct dataplane *d, uint32_t lane,
                           const struct limits_source *source, bool back)
{
    struct dataplane_desk *dd = d->desks[lane];
    struct limit_table *t = dd->limits_spare;
    memset(t, 0, limit_table_bytes(dd->limits));
    limits_fill(source, config_trade_lanes(d->config), d->clock.tsc_hz, t);
    day_tighten(&d->day, back, t);
    limits_table_seal(t);
    const uint64_t states = __atomic_load_n(&dd->desk.limits_states, __ATOMIC_ACQUIRE);
    states_copy(t, dd->limits);
    return states;
}

void limits_table_swap(struct dataplane_desk *dd)
{
    struct limit_table *old = dd->limits;
    dd->limits = dd->limits_spare;
    dd->limits_spare = old;
}

bool limits_restored_good(const struct dataplane *d, struct error *err)
{
    struct limits_source *s = limits_set_now(d);
    struct limit_fault f;
    if (s == NULL)
        return true;
    if (!limits_actions_good(s, &f))
        return error_set(err, EXIT_STATE,
                         "restart: what was set before does not go with the configuration: %s: %s; "
                         "configure it as it was, or start with trading.start: venue",
                         f.key, f.text);
    if (!limits_room_good(s, &f))
        log_warn(LOG_LIMITS_ROOM,
                 LOG_FIELDS(LOG_TEXT("scope", scope_name(f.scope)), LOG_NUMBER("row", f.index),
                            LOG_TEXT("control", f.key)),
                 "as it was set before the restart, beside the lots and ticks of now: %s %u: %s: "
                 "%s; set it (tickgate set limit)",
                 scope_name(f.scope), f.index, f.key, f.text);
    return true;
}

void limits_restored(struct dataplane *d, const uint32_t versions[LANES_MAX])
{
    for (uint32_t lane = 0; d->limits && lane < LANES_MAX; lane++) {
        struct dataplane_desk *dd = d->desks[lane];
        if (dd == NULL)
            continue;
        limits_table_make(d, lane, limits_set_now(d), false);
        limits_table_swap(dd);
        desk_limits_restore(&dd->desk, dd->limits, versions[lane]);
    }
}
