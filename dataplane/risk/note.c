// Seldom gone: checks that only tell.
#include "dataplane/risk/gate_parts.h"

COLD bool gate_note(struct risk *r, const struct gate_order *o, const struct gate_verdict *why,
                    bool told)
{
    const struct exposure_owner *w = &o->owner;
    if (r->limits->actions[REFUSAL_BIT(why->refusal)] != ACTION_NOTIFY)
        return false;
    if (told || r->practises)
        return true;
    r->notes[r->noted++ % RISK_NOTES] = (struct risk_note){.value = why->value,
                                                           .limit = why->limit,
                                                           .version = r->limits->version,
                                                           .index = scope_index(w, why->scope),
                                                           .quantity = o->quantity,
                                                           .price = o->price,
                                                           .account = w->account,
                                                           .strategy = w->strategy,
                                                           .instrument = w->instrument,
                                                           .refusal = why->refusal,
                                                           .session = w->session,
                                                           .scope = why->scope,
                                                           .owner = why->owner};
    r->broken++;
    return true;
}
