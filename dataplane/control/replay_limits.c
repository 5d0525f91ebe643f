#include "dataplane/control/replay_limits.h"

#include <string.h>

#include "dataplane/control/limits_runs.h"
#include "dataplane/control/limits_table.h"

bool replay_limits_sound(const struct replay_record *r)
{
    return r->payload_len >= sizeof(struct capture_limits) + (uint64_t)r->header.value;
}

// The next table, as the lane's is, trading states included.
static struct limit_table *next_of(struct dataplane *d, uint32_t lane, struct limits_swap *s)
{
    struct dataplane_desk *dd = d->desks[lane];
    if (dd == NULL)
        return NULL;
    if (s->table == NULL)
        memcpy(dd->limits_spare, dd->limits, limit_table_bytes(dd->limits));
    s->table = dd->limits_spare;
    return s->table;
}

bool replay_limits_put(struct dataplane *d, uint32_t lane, struct limits_swap *s,
                       const struct replay_record *r)
{
    struct limit_table *t = next_of(d, lane, s);
    struct capture_limits place;
    memcpy(&place, r->payload, sizeof place);
    return t && limits_run_apply(&place, r->payload + sizeof place, r->header.value, t);
}

bool replay_limits_ask(struct dataplane *d, uint32_t lane, struct limits_swap *s,
                       const struct replay_record *r)
{
    struct capture_answer c;
    memcpy(&c, r->payload, sizeof c);
    if (next_of(d, lane, s) == NULL || r->header.value > sizeof s->records ||
        r->header.value % sizeof s->records[0] != 0)
        return false;
    s->states = (uint32_t)c.sequence;
    s->widens = c.loaded;
    s->count = r->header.value / (uint32_t)sizeof s->records[0];
    memcpy(s->records, r->payload + sizeof c, r->header.value);
    return true;
}

void replay_limits_settle(struct dataplane *d, uint32_t lane, struct limits_swap *s)
{
    if (s->table && s->taken == LIMITS_TAKEN)
        limits_table_swap(d->desks[lane]);
    s->table = NULL;
}
