// Hot path. What becomes of the events: orders enter only while their record has a place.
#include "dataplane/lane/desk_parts.h"

// An input like every other: the event says from which number on the gate answers differently.
COLD void desk_record_take(struct desk *d, uint64_t state)
{
    const uint8_t now = state < RECORD_STATES ? (uint8_t)state : RECORD_STATES;
    struct event event = {.type = EVENT_JOURNAL};
    event.journal.was = d->record_seen < RECORD_STATES ? (uint8_t)d->record_seen : RECORD_STATES;
    event.journal.now = now;
    d->record_seen = state;
    d->record_needed = d->record_needed && state != RECORD_WRITTEN && state != RECORD_MEMORY;
    const bool stops = record_stops(state) || d->record_needed;
    event.journal.stops = stops;
    d->risk.record = now;
    d->risk.event_credit_min = stops ? RISK_NO_RECORD : d->event_credit_min;
    d->lane->input++;
    atomic_store_explicit(&d->board->record, now, memory_order_relaxed);
    desk_publish(d, &event);
}
