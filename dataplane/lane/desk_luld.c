// Where price bands are estimated; an order of a symbol without that costs one comparison.
#include "dataplane/lane/desk_luld.h"

#include "dataplane/book/book.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_warm.h"

void desk_luld_limits(struct desk *d)
{
    d->luld = false;
    for (uint32_t s = 0; s < d->session_count; s++) {
        struct channel *ch = d->sessions[s].channel;
        if (ch == NULL || ch->luld.of == NULL)
            continue;
        ch->luld.hours = d->limits->luld;
        d->luld = true;
    }
}

// Only of a band that is known something is written.
static enum luld_known look(struct desk *d, const struct gate_order *o, uint32_t *low,
                            uint32_t *high)
{
    struct channel *ch = d->sessions[o->owner.session].channel;
    const uint16_t slot = d->instruments[o->owner.instrument].slot[o->owner.session];
    struct luld_terms terms = {.previous_close =
                                   d->limits->symbols[o->owner.instrument].symbol.previous_close};
    if (ch == NULL || ch->luld.of == NULL || slot == SYMBOL_NONE)
        return LULD_UNKNOWN;
    const struct symbol_info *info = &ch->book.infos[slot];
    terms.tier = info->luld_tier;
    terms.leverage = info->etp_leverage;
    return luld_look(&ch->luld, slot, ch->session_number, ch->time_ns, &terms, low, high);
}

void desk_luld_gate(struct desk *d, struct gate_order *o)
{
    const struct limit_symbol *s = &d->limits->symbols[o->owner.instrument].symbol;
    uint32_t low = 0, high = 0;
    if (!s->band_estimate || desk_practises(d)) // practice changes nothing
        return;
    switch (look(d, o, &low, &high)) {
    case LULD_OUT_OF_HOURS: return;
    case LULD_UNKNOWN:
        o->band_out = s->band_needed && s->no_reference == NO_REFERENCE_REFUSES;
        return;
    case LULD_KNOWN:
        o->band_edge = o->price < low ? low : high;
        o->band_out = o->price < low || o->price > high;
        return;
    }
}

void desk_luld_band(struct desk *d, const struct gate_order *o, uint32_t *low, uint32_t *high)
{
    const struct limit_symbol *s = &d->limits->symbols[o->owner.instrument].symbol;
    *low = 0;
    *high = UINT32_MAX;
    if (d->luld && s->band_estimate && !desk_practises(d))
        look(d, o, low, high);
}
