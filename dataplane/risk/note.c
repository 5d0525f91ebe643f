// Seldom gone: checks that only tell.
#include "dataplane/risk/gate_parts.h"

static const struct limit_row *row_of(const struct risk *r, uint32_t scope, uint32_t index)
{
    const struct limit_table *t = r->limits;
    switch (scope) {
    case TRADE_ACCOUNT: return &t->accounts[index];
    case TRADE_STRATEGY: return &t->strategies[index];
    case TRADE_SYMBOL: return &t->symbols[index];
    case TRADE_SESSION: return &t->sessions[index];
    default: return &t->firm;
    }
}

COLD bool gate_note(struct risk *r, const struct gate_order *o, enum refusal refusal,
                    uint32_t scope, uint64_t value, uint64_t limit, bool told)
{
    const struct exposure_owner *w = &o->owner;
    if (r->limits->actions[REFUSAL_BIT(refusal)] != ACTION_NOTIFY)
        return false;
    if (told || r->practises)
        return true;
    const uint32_t index = scope_index(w, scope);
    r->notes[r->noted++ % RISK_NOTES] = (struct risk_note){
        .value = value,
        .limit = limit,
        .version = r->limits->version,
        .index = index,
        .quantity = o->quantity,
        .price = o->price,
        .account = w->account,
        .strategy = w->strategy,
        .instrument = w->instrument,
        .refusal = (uint16_t)refusal,
        .session = w->session,
        .scope = (uint8_t)scope,
        .owner = (uint8_t)limit_row_owner(row_of(r, scope, index), limit_control_of(refusal))};
    r->broken++;
    return true;
}
