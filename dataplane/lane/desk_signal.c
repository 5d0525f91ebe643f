// Hot path. A signal is an input: it is recorded before anybody acts on it, and without its record
// nobody may.
#include "dataplane/lane/desk_signal.h"

#include "dataplane/lane/desk_decision.h"
#include "dataplane/lane/desk_strategy.h"

_Static_assert(ARRAY_LEN(((struct tickgate_signal *)0)->value) == STRATEGY_SIGNAL_VALUES,
               "a signal has the same values everywhere");

// Orders need records more: signals leave as much room again as they ask for.
static bool record_has_room(struct desk *d)
{
    return credit(d) / 2 >= d->risk.event_credit_min;
}

enum refusal desk_signal(struct desk *d, uint16_t strategy, uint32_t source,
                         const struct tickgate_signal *s)
{
    struct event event = {.type = EVENT_SIGNAL};
    struct event_signal *e = &event.signal;
    if (UNLIKELY(!record_has_room(d)))
        return d->risk.event_credit_min == RISK_NO_RECORD ? REFUSAL_JOURNAL : REFUSAL_EVENT_CREDIT;
    e->as_of_ns = s->as_of_ns;
    e->number = s->sequence;
    e->value_0 = (uint64_t)s->value[0];
    e->value_1 = (uint64_t)s->value[1];
    e->value_2 = (uint64_t)s->value[2];
    e->value_3 = (uint64_t)s->value[3];
    e->horizon_ms = s->horizon_ms;
    e->ttl_ms = s->ttl_ms;
    e->strategy = strategy;
    e->instrument = s->symbol;
    e->confidence = s->confidence;
    if (UNLIKELY(!desk_publish(d, &event)))
        return REFUSAL_EVENT_CREDIT;
    desk_strategies_signal(d, source, s);
    return REFUSAL_NONE;
}
