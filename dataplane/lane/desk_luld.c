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

static struct luld_terms terms_of(const struct desk *d, const struct channel *ch, uint16_t slot,
                                  uint32_t instrument)
{
    const struct symbol_info *info = &ch->book.infos[slot];
    return (struct luld_terms){.tier = info->luld_tier,
                               .leverage = info->etp_leverage,
                               .previous_close =
                                   d->limits->symbols[instrument].symbol.previous_close};
}

// Only of a band that is known something is written.
static enum luld_known look(struct desk *d, const struct gate_order *o, uint32_t *low,
                            uint32_t *high)
{
    struct channel *ch = d->sessions[o->owner.session].channel;
    const uint16_t slot = d->instruments[o->owner.instrument].slot[o->owner.session];
    if (ch == NULL || ch->luld.of == NULL || ch->book_lent || slot == SYMBOL_NONE)
        return LULD_UNKNOWN;
    const struct luld_terms terms = terms_of(d, ch, slot, o->owner.instrument);
    return luld_look(&ch->luld, slot, ch->book_number, ch->time_ns, &terms, low, high);
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
        o->band_below = gate_lowest(o) < low;
        o->band_edge = o->band_below ? low : high;
        o->band_out = o->band_below || gate_highest(o) > high;
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

// On a copy: whoever looks changes nothing that an order is judged by.
COLD enum band_source desk_luld_shown(const struct desk *d, const struct channel *ch, uint16_t slot,
                                      uint32_t instrument, uint32_t *low, uint32_t *high)
{
    if (instrument >= d->instrument_count ||
        book_symbol_find(&ch->book, d->instruments[instrument].symbol) != slot)
        return BAND_NONE;
    const struct limit_row *row = &d->limits->symbols[instrument];
    if (row->symbol.band_low > row->band_high)
        return BAND_UNKNOWN;
    *low = row->symbol.band_low;
    *high = row->band_high;
    if (*low > 0 || *high < UINT32_MAX)
        return BAND_OF_FILE;
    if (!row->symbol.band_estimate || ch->luld.of == NULL)
        return BAND_NONE;
    const struct luld_terms terms = terms_of(d, ch, slot, instrument);
    struct luld_symbol one = ch->luld.of[slot];
    struct luld luld = ch->luld;
    luld.of = &one;
    switch (luld_look(&luld, 0, ch->book_number, ch->time_ns, &terms, low, high)) {
    case LULD_KNOWN: return BAND_ESTIMATED;
    case LULD_UNKNOWN: return BAND_UNKNOWN;
    case LULD_OUT_OF_HOURS: break;
    }
    return BAND_NONE;
}
