// Set-up of signals, before the lane runs.
#include "dataplane/lane/desk_signal.h"

#include <stdio.h>
#include <string.h>

_Static_assert((int)SIGNALS_MAX == (int)STRATEGY_SOURCES_MAX &&
                   (int)NAME_LEN == (int)sizeof((struct strategy_setup *)0)->sources[0],
               "strategies may know every source");
_Static_assert((int)INSTRUMENTS_MAX < (int)INSTRUMENT_NONE, "a place that is empty names none");

// At most half of the places are taken, so that every search ends.
static uint32_t places_of(uint32_t instruments)
{
    uint32_t places = 16;
    while (places < 2 * instruments)
        places *= 2;
    return places;
}

uint64_t desk_signals_bytes(uint32_t instruments)
{
    return (uint64_t)places_of(instruments) * sizeof(uint16_t);
}

void desk_signals_init(struct desk *d, struct desk_signals *s, uint32_t sources,
                       const struct desk_signal_clock *clock, void *memory)
{
    memset(s, 0, sizeof *s);
    signals_init(&s->table, sources);
    s->clock = *clock;
    s->ns_per_tick = (1000000000ull << 32) / clock->tsc_hz;
    s->places = memory;
    s->places_mask = places_of(d->instrument_count) - 1;
    for (uint32_t i = 0; i <= s->places_mask; i++)
        s->places[i] = INSTRUMENT_NONE;
    for (uint32_t i = 0; i < d->instrument_count; i++) {
        uint32_t at = desk_signal_place(s, d->instruments[i].symbol);
        while (s->places[at & s->places_mask] != INSTRUMENT_NONE)
            at++;
        s->places[at & s->places_mask] = (uint16_t)i;
    }
    d->signals = s;
}

void desk_signal_add(struct desk *d, uint32_t source, const char *name, uint16_t first,
                     const struct signal_policy *policy, const struct desk_signal_way *way)
{
    struct desk_signals *s = d->signals;
    signal_add(&s->table, source, first, policy);
    snprintf(s->names[source], NAME_LEN, "%s", name);
    s->ways[source] = *way;
}

void desk_signals_name(const struct desk *d, struct strategy_setup *setup)
{
    if (d->signals == NULL)
        return;
    setup->source_count = d->signals->table.count;
    memcpy(setup->sources, d->signals->names, sizeof setup->sources);
}
