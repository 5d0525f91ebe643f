// Cold: a control does what it is configured to do. In force when it returns.
#include "dataplane/lane/desk_act.h"

// The lane's own table is changed, by the thread that reads it; decisions from here on name the new
// version.
uint64_t desk_state_set(struct desk *d, enum trade_scope scope, uint32_t index,
                        enum trading_state state)
{
    struct limit_row *row = limit_row_of(d->limits, scope, index);
    struct event event = {.type = EVENT_TRADING_STATE};
    d->limits->version++;
    event.trading_state.index = index;
    event.trading_state.limits_version = d->limits->version;
    event.trading_state.scope = (uint8_t)scope;
    event.trading_state.was = row->state;
    event.trading_state.now = (uint8_t)state;
    row->state = (uint8_t)state;
    __atomic_store_n(&d->limits_states, d->limits_states + 1, __ATOMIC_RELEASE);
    atomic_store_explicit(&board_states(d->board, scope)[index], (uint8_t)state,
                          memory_order_relaxed);
    atomic_store_explicit(&d->board->limits_version, d->limits->version, memory_order_relaxed);
    return desk_publish(d, &event) ? d->lane->trading.sequence - 1 : 0;
}

// --- acting ---

static void kill_here(struct desk *d, enum trade_scope scope, uint32_t index)
{
    struct kill_words *k = &d->kills[KILL_BY_LANE];
    if (!kill_bit(kill_scope(k, scope), index))
        kill_ask(k, scope, index);
}

// A kill of the session refuses and cancels; once nothing is open the session ends.
static void disable(struct desk *d, uint32_t session)
{
    kill_here(d, TRADE_SESSION, session);
    session_halt(d->sessions[session].session);
    d->sessions[session].disabled = true;
}

static void scope_act(struct desk *d, enum control_action action, enum trade_scope scope,
                      uint32_t index)
{
    if (action == ACTION_BLOCK && limit_row_of(d->limits, scope, index)->state < TRADING_HALTED)
        desk_state_set(d, scope, index, TRADING_HALTED);
    if (action == ACTION_CANCEL || action == ACTION_DISABLE)
        kill_here(d, scope, index);
}

void desk_act(struct desk *d, const struct event_decision *e, enum limit_owned owner)
{
    const enum control_action action =
        refusal_is_check(e->refusal)
            ? (enum control_action)d->limits->actions[REFUSAL_BIT(e->refusal)]
            : ACTION_REFUSE;
    const struct exposure_owner who = {.account = e->account,
                                       .strategy = e->strategy,
                                       .instrument = e->instrument,
                                       .session = e->session};
    if (action != ACTION_BLOCK && action != ACTION_CANCEL && action != ACTION_DISABLE)
        return;
    const uint32_t index = scope_index(&who, e->scope);
    struct event event = {.type = EVENT_BREACH};
    event.breach = (struct event_breach){.value = e->value,
                                         .limit = e->limit,
                                         .index = index,
                                         .quantity = e->quantity,
                                         .price = e->price,
                                         .limits_version = e->limits_version,
                                         .account = e->account,
                                         .strategy = e->strategy,
                                         .instrument = e->instrument,
                                         .refusal = e->refusal,
                                         .session = e->session,
                                         .scope = e->scope,
                                         .owner = (uint8_t)owner,
                                         .action = (uint8_t)action};
    desk_publish(d, &event);
    scope_act(d, action, e->scope, index);
    if (action == ACTION_DISABLE)
        disable(d, e->session);
    kill_ask(&d->acted[action == ACTION_BLOCK ? ACTED_BLOCK : ACTED_CANCEL], e->scope, index);
}

void desk_act_take(struct desk *d, uint64_t what)
{
    const enum control_action action = (enum control_action)(what >> 40);
    const enum trade_scope scope = (enum trade_scope)(what >> 32 & 0xff);
    struct event event = {.type = EVENT_BREACH};
    const uint32_t index = (uint32_t)what;
    event.breach.index = index;
    event.breach.limits_version = d->limits->version;
    event.breach.instrument = scope == TRADE_SYMBOL ? (uint16_t)index : INSTRUMENT_NONE;
    event.breach.scope = (uint8_t)scope;
    event.breach.action = (uint8_t)action;
    event.breach.of_lane = 1;
    desk_publish(d, &event);
    scope_act(d, action, scope, index);
}

COLD void desk_disabled_look(struct desk *d, uint32_t session)
{
    const struct desk_session *ds = &d->sessions[session];
    if (ds->session->enabled && !ds->sweep.on && d->orders.sessions[session].open_count == 0)
        session_stop(ds->session, d->lane->stamp);
}

// --- telling ---

// At most RISK_NOTES: of more the oldest are not there any more, and are counted.
void desk_notes_tell(struct desk *d)
{
    struct risk *r = &d->risk;
    if (r->noted - d->noted > RISK_NOTES) {
        d->count.breaches_untold += r->noted - d->noted - RISK_NOTES;
        d->noted = r->noted - RISK_NOTES;
    }
    for (; d->noted != r->noted; d->noted++) {
        const struct risk_note *n = &r->notes[d->noted % RISK_NOTES];
        struct event event = {.type = EVENT_BREACH};
        event.breach = (struct event_breach){.value = n->value,
                                             .limit = n->limit,
                                             .index = n->index,
                                             .quantity = n->quantity,
                                             .price = n->price,
                                             .limits_version = n->version,
                                             .account = n->account,
                                             .strategy = n->strategy,
                                             .instrument = n->instrument,
                                             .refusal = n->refusal,
                                             .session = n->session,
                                             .scope = n->scope,
                                             .owner = n->owner,
                                             .action = ACTION_NOTIFY};
        if (!desk_publish(d, &event)) {
            d->broken--; // no room: again in the next turn
            return;
        }
    }
}
