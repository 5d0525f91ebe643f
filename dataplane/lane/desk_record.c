// Hot path, seldom gone. What becomes of the events, and whether their times can be believed:
// orders enter only while their record has a place, and a time.
#include "dataplane/lane/desk_act.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_strategy.h"
#include "dataplane/lane/desk_warm.h"

// The gate compares one word for every order, whatever stops them.
COLD void desk_credit_ask(struct desk *d)
{
    const bool record = record_stops(d->record_seen) || d->record_needed;
    d->risk.clock_only = !record && d->clock == CLOCK_DOUBTFUL;
    d->risk.event_credit_min =
        record || d->clock == CLOCK_DOUBTFUL ? RISK_NO_RECORD : d->event_credit_min;
}

// An input like every other: the event says from which number on the gate answers differently.
COLD void desk_record_take(struct desk *d, uint64_t state)
{
    const uint8_t now = state < RECORD_STATES ? (uint8_t)state : RECORD_STATES;
    struct event event = {.type = EVENT_JOURNAL};
    event.journal.was = d->record_seen < RECORD_STATES ? (uint8_t)d->record_seen : RECORD_STATES;
    event.journal.now = now;
    d->record_seen = state;
    d->record_needed = d->record_needed && state != RECORD_WRITTEN && state != RECORD_MEMORY;
    event.journal.stops = record_stops(state) || d->record_needed;
    d->risk.record = now;
    desk_credit_ask(d);
    d->lane->input++;
    atomic_store_explicit(&d->board->record, now, memory_order_relaxed);
    desk_publish(d, &event);
}

// Told whenever the error is another one, recorded when it makes a difference.
COLD void desk_clock_take(struct desk *d, uint64_t error)
{
    struct event event = {.type = EVENT_CLOCK};
    const uint8_t was = d->clock;
    if (was == CLOCK_UNWATCHED)
        return;
    d->clock = error <= d->risk.clock_limit ? CLOCK_GOOD : CLOCK_DOUBTFUL;
    d->risk.clock_error = error;
    if (d->clock == was)
        return;
    desk_credit_ask(d);
    atomic_store_explicit(&d->board->clock, d->clock, memory_order_relaxed);
    event.clock.error = error;
    event.clock.limit = d->risk.clock_limit;
    event.clock.was = was;
    event.clock.now = d->clock;
    desk_publish(d, &event);
}

COLD void desk_refused_charge(struct desk *d, struct event_decision *e)
{
    struct gate_verdict v;
    const bool somewhere = e->session < d->session_count && d->sessions[e->session].session &&
                           e->instrument < d->instrument_count && e->account < ACCOUNTS_MAX &&
                           e->strategy < STRATEGIES_MAX;
    const struct exposure_owner owner = {.account = e->account,
                                         .strategy = e->strategy,
                                         .instrument = e->instrument,
                                         .session = e->session};
    if (!somewhere || desk_practises(d) ||
        gate_refused_before(&d->risk, &owner, d->lane->stamp, &v))
        return;
    e->refusal = v.refusal;
    e->scope = v.scope;
    e->value = v.value;
    e->limit = v.limit;
    e->limits_version = v.version;
    e->checks = 0;
}

COLD void desk_refused_keep(struct desk *d, const struct event_decision *e)
{
    d->refused = (struct desk_refused){.value = e->value,
                                       .limit = e->limit,
                                       .refusal = e->refusal,
                                       .strategy = e->strategy,
                                       .scope = e->scope,
                                       .owner = (e->checks & CHECKS_OF_BROKER) != 0};
}

COLD bool desk_refused_tell(const struct desk *d, uint32_t strategy, enum refusal refusal,
                            struct strategy_refusal *out)
{
    const struct desk_refused *r = &d->refused;
    const bool compared =
        refusal_is_check(refusal) || refusal == REFUSAL_LEASE || refusal == REFUSAL_LEASE_NOTIONAL;
    const uint64_t unit = refusal_in_ticks(refusal) ? d->ns_per_tick : 1ull << 32;
    *out = (struct strategy_refusal){.scope = STRATEGY_SCOPE_NONE};
    if (!compared || r->refusal != refusal || r->strategy != strategy)
        return false;
    out->value = (uint64_t)((unsigned __int128)r->value * unit >> 32);
    out->limit = (uint64_t)((unsigned __int128)r->limit * unit >> 32);
    out->scope = (uint8_t)(r->scope + 1);
    out->owner = r->owner;
    return true;
}
_Static_assert((int)STRATEGY_SCOPE_FIRM == (int)TRADE_FIRM + 1 &&
                   (int)STRATEGY_SCOPE_SESSION == (int)TRADE_SESSION + 1 &&
                   (int)STRATEGY_SCOPE_SESSION == (int)TRADE_SCOPES,
               "scopes have the same numbers");

// No message was made of the order, so it has no place and no number; its control acts as it does
// on an order that the gate refuses.
COLD enum refusal desk_refuse(struct desk *d, const struct event_decision *why)
{
    struct event event = {.type = EVENT_DECISION, .decision = *why};
    struct event_decision *e = &event.decision;
    const uint64_t ticks = d->lane->now(d->lane->clock) - d->lane->stamp;
    e->started = e->gated = ticks < UINT32_MAX ? (uint32_t)ticks : 0;
    e->order = OWN_NONE;
    e->kind = 'O';
    e->limits_version = d->limits->version;
    e->clock_quality = d->clock;
    desk_refused_charge(d, e);
    d->count.refused++;
    d->count.refusals[e->refusal]++;
    desk_publish(d, &event);
    if (e->session < d->session_count && d->sessions[e->session].session)
        desk_act(d, e, (e->checks & CHECKS_OF_BROKER) != 0);
    desk_refused_keep(d, e);
    return e->refusal;
}
