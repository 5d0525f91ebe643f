// Rare, and bounded: as many records as a person sets limits at once, and what lanes share.
#include "dataplane/lane/desk_limits.h"

#include "dataplane/lane/desk_lease.h"
#include "dataplane/lane/desk_luld.h"
#include "dataplane/lane/desk_parts.h"

static void records_publish(struct desk *d, struct limits_swap *s, uint32_t version)
{
    struct event table = {.type = EVENT_LIMITS, .limits = {.version = version, .was = version - 1}};
    s->sequence = 0;
    if (s->count == 0 && desk_publish(d, &table)) // no person's: the day's files have changed it
        s->sequence = d->lane->trading.sequence - 1;
    for (uint32_t i = 0; i < s->count; i++) { // LIMIT_CHANGES_MAX
        struct event event = {.type = EVENT_LIMIT_CHANGED, .limit_changed = s->records[i]};
        event.limit_changed.limits_version = version;
        if (desk_publish(d, &event) && s->sequence == 0)
            s->sequence = d->lane->trading.sequence - 1;
    }
}

static void table_take(struct desk *d, struct limit_table *table, uint32_t version)
{
    table->version = version;
    gate_cancels_limits(&d->risk, table, d->lane->stamp);
    d->limits = table;
    d->risk.limits = table;
    money_limits(&d->risk);
    habits_limits(&d->risk);
    desk_luld_limits(d);
    if (d->leases)
        desk_leases_limits(d);
    atomic_store_explicit(&d->board->limits_hash, table->hash, memory_order_relaxed);
    atomic_store_explicit(&d->board->limits_version, version, memory_order_relaxed);
}

void desk_limits_restore(struct desk *d, struct limit_table *table, uint32_t version)
{
    table_take(d, table, version > table->version ? version : table->version);
}

static enum limits_taken take(struct desk *d, struct limits_swap *s)
{
    const uint32_t version = d->limits->version + 1;
    if (s->states != d->limits_states)
        return LIMITS_AGAIN;
    if (s->widens && event_credit(&d->lane->trading) < s->count + (s->count == 0))
        return LIMITS_NO_ROOM;
    s->version = version;
    if (s->widens)
        records_publish(d, s, version);
    table_take(d, s->table, version);
    if (!s->widens)
        records_publish(d, s, version);
    return LIMITS_TAKEN;
}

void desk_limits_swap(struct desk *d, struct limits_swap *s)
{
    s->taken = (uint8_t)take(d, s);
    atomic_store_explicit(&s->done, true, memory_order_release);
}
