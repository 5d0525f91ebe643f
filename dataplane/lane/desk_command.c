// What people order, between two bursts. Rare, bounded, and in force when it returns.
#include "dataplane/lane/desk_command.h"

#include <string.h>

#include "dataplane/lane/desk_act.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_signal.h"
#include "dataplane/lane/desk_strategy.h"

_Static_assert((int)PARAMETERS_MAX == (int)STRATEGY_PARAMETERS_MAX,
               "a request holds all parameters");

// Most events that one command publishes: GOVERNED, and of a RESUME LIFTED per asker and
// quarantine, ORDER_SESSION, TRADING_STATE.
enum { EVENTS_OF_A_COMMAND = 4 + KILL_ASKERS };

// One command in work.
struct order_of {
    struct desk *desk;
    enum command_type type;
    struct govern_request ask; // private copy
    struct govern_answer *answer;
    uint64_t sequence;
};

// The number of the record, 0 where it found no room.
static uint64_t tell(struct desk *d, struct event *event)
{
    return desk_publish(d, event) ? d->lane->trading.sequence - 1 : 0;
}

static void tell_governed(struct order_of *o)
{
    struct event event = {.type = EVENT_GOVERNED};
    event.governed.index = o->ask.index;
    event.governed.user = o->ask.user;
    event.governed.command = (uint8_t)o->type;
    event.governed.scope = (uint8_t)o->ask.scope;
    memcpy(event.governed.reason, o->ask.reason, sizeof event.governed.reason);
    o->sequence = tell(o->desk, &event);
}

// --- scopes ---

static uint32_t scope_size(const struct desk *d, uint32_t scope)
{
    switch (scope) {
    case TRADE_FIRM: return 1;
    case TRADE_ACCOUNT: return ACCOUNTS_MAX;
    case TRADE_STRATEGY: return STRATEGIES_MAX;
    case TRADE_SYMBOL: return d->instrument_count;
    case TRADE_SESSION: return d->session_count;
    default: return 0;
    }
}

static bool room(struct desk *d)
{
    return event_credit(&d->lane->trading) >= EVENTS_OF_A_COMMAND;
}

// --- trading states ---

static void state_set(struct order_of *o, enum trading_state state)
{
    o->sequence = desk_state_set(o->desk, o->ask.scope, o->ask.index, state);
}

static enum command_result do_state(struct order_of *o)
{
    const bool copy = o->ask.chosen == HALT_BY_DROP_COPY;
    const enum trading_state state = o->type != COMMAND_HALT ? TRADING_REDUCING
                                     : copy                  ? TRADING_DROP_COPY
                                                             : TRADING_HALTED;
    const bool widens = limit_row_of(o->desk->limits, o->ask.scope, o->ask.index)->state > state;
    if (widens && !room(o->desk))
        return COMMAND_RESULT_NO_ROOM;
    tell_governed(o);
    state_set(o, state);
    return COMMAND_RESULT_OK;
}

// --- kill, resume, cancel ---

static enum command_result do_kill(struct order_of *o)
{
    struct desk *d = o->desk;
    struct kill_words *k = &d->kills[KILL_BY_OPERATOR];
    if (!kill_bit(kill_scope(k, o->ask.scope), o->ask.index))
        kill_ask(k, o->ask.scope, o->ask.index);
    tell_governed(o);
    desk_kills_look(d);
    o->sequence =
        atomic_load_explicit(&d->board->kill_sequence[KILL_BY_OPERATOR], memory_order_relaxed);
    return COMMAND_RESULT_OK;
}

static enum command_result do_cancel(struct order_of *o)
{
    tell_governed(o);
    desk_mass_cancel(o->desk, o->ask.scope, o->ask.index);
    return COMMAND_RESULT_OK;
}

// <losses>: bits of enum loss_kind that are taken back; another one of that owner stays broken.
static void tell_lifted(struct order_of *o, uint32_t asker, uint32_t losses)
{
    struct event event = {.type = EVENT_LIFTED};
    event.lifted.index = o->ask.index;
    event.lifted.asker = (uint8_t)asker;
    event.lifted.scope = (uint8_t)o->ask.scope;
    event.lifted.losses = (uint8_t)losses;
    o->sequence = tell(o->desk, &event);
}

// What a RESUME of this scope would take back: bits of enum govern_lift.
static uint64_t liftable(const struct order_of *o)
{
    struct desk *d = o->desk;
    const uint32_t scope = o->ask.scope, index = o->ask.index;
    uint64_t lift = limit_row_of(d->limits, scope, index)->state != TRADING_ACTIVE ? LIFT_STATE : 0;
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++)
        if (kill_bit(kill_scope(&d->kills[asker], scope), index))
            lift |= LIFT_KILL;
    if (scope == TRADE_SYMBOL && d->risk.symbols[index].quarantined)
        lift |= LIFT_QUARANTINE;
    if (scope == TRADE_SESSION && d->sessions[index].session && d->sessions[index].session->halted)
        lift |= LIFT_SESSION;
    if (scope == TRADE_STRATEGY &&
        d->risk.strategy_days[index].applied >= d->risk.limits->strategies[index].owner.repeats)
        lift |= LIFT_REPEATS;
    return lift;
}

// Limits on losses are looked at apart: one that is still beyond its limit stays broken.
static bool losses_broken(const struct order_of *o)
{
    const struct owner_day *day = money_day(&o->desk->risk, o->ask.scope, o->ask.index);
    return day && day->broken;
}

static bool losses_liftable(const struct order_of *o)
{
    const struct owner_day *day = money_day(&o->desk->risk, o->ask.scope, o->ask.index);
    const struct limit_row *row = limit_row_of(o->desk->limits, o->ask.scope, o->ask.index);
    return day && day->broken &&
           (day->broken != 1u << LOSS_OF_DAY || -owner_profit(day) <= (int64_t)row->owner.loss);
}

// What a control has logged out connects again.
static void resume(struct desk_session *ds, uint64_t now)
{
    session_resume(ds->session, now);
    if (!ds->disabled)
        return;
    ds->disabled = false;
    ds->session->enabled = true;
    session_retry(ds->session);
}

static enum command_result do_resume(struct order_of *o)
{
    struct desk *d = o->desk;
    const uint32_t scope = o->ask.scope, index = o->ask.index;
    desk_kills_look(d); // every kill has its record before it is lifted
    const uint64_t lift = liftable(o) | (losses_liftable(o) ? LIFT_LOSS : 0);
    if (lift == 0)
        return losses_broken(o) ? COMMAND_RESULT_BEYOND : COMMAND_RESULT_NOTHING;
    if (!room(d))
        return COMMAND_RESULT_NO_ROOM;
    tell_governed(o);
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++) {
        if (!kill_bit(kill_scope(&d->kills[asker], scope), index))
            continue;
        tell_lifted(o, asker, 0);
        desk_kill_outlast(d, scope, index);
        kill_lift(&d->kills[asker], scope, index);
    }
    risk_kills_look(&d->risk);
    const uint32_t losses = lift & LIFT_LOSS ? money_resume(&d->risk, scope, index) : 0;
    if (lift & (LIFT_QUARANTINE | LIFT_SESSION | LIFT_REPEATS | LIFT_LOSS))
        tell_lifted(o, KILL_ASKERS, losses); // nobody's kill: what the lane stopped by itself
    if (lift & LIFT_QUARANTINE)
        desk_quarantine(d, index, false);
    if (lift & LIFT_SESSION)
        resume(&d->sessions[index], d->lane->stamp);
    if (lift & LIFT_REPEATS)
        d->risk.strategy_days[index].applied = 0;
    if (lift & LIFT_STATE)
        state_set(o, TRADING_ACTIVE);
    o->answer->lifted = lift;
    return COMMAND_RESULT_OK;
}

// --- strategies ---

static struct strategy_slot *slot_of(const struct order_of *o)
{
    const struct desk_strategies *s = o->desk->strategies;
    if (o->ask.scope != TRADE_STRATEGY || s == NULL || o->ask.index >= s->count)
        return NULL;
    struct strategy_slot *slot = &o->desk->strategies->hosts[o->ask.index].slot;
    return slot->strategy ? slot : NULL; // else it is another lane's
}

static enum command_result do_switch(struct order_of *o)
{
    const bool enable = o->type == COMMAND_STRATEGY_ENABLE;
    const struct strategy_slot *slot = slot_of(o);
    if (slot == NULL)
        return COMMAND_RESULT_BAD_ARGUMENT;
    if (enable && slot->off == STRATEGY_ON)
        return COMMAND_RESULT_NOTHING;
    if (enable && !room(o->desk))
        return COMMAND_RESULT_NO_ROOM;
    tell_governed(o);
    if (!enable && slot->off != STRATEGY_ON)
        return COMMAND_RESULT_OK;
    desk_strategy_switch(o->desk, o->ask.index, enable ? STRATEGY_ON : STRATEGY_OFF_ASKED);
    return COMMAND_RESULT_OK;
}

// Row of the lane's strategy in the region; null: it is not described there.
static struct strategy_values *values_of(const struct order_of *o)
{
    const struct lane *lane = o->desk->lane;
    for (uint32_t i = 0; i < lane->view.shape.strategies; i++) { // STRATEGIES_MAX times LANES_MAX
        const struct strategy_info *info = region_strategy_info(&lane->view, i);
        if (info->lane == lane->index && info->index == o->ask.index)
            return region_strategy_values(&lane->view, i);
    }
    return NULL;
}

static enum command_result do_parameters(struct order_of *o)
{
    struct strategy_slot *slot = slot_of(o);
    if (slot == NULL)
        return COMMAND_RESULT_BAD_ARGUMENT;
    struct strategy_parameters p = slot->setup.parameters;
    if (slot->strategy->parameters == NULL)
        return COMMAND_RESULT_NO_PARAMETERS;
    if (o->ask.chosen == 0 || o->ask.chosen >> p.count)
        return COMMAND_RESULT_BAD_ARGUMENT;
    if (!room(o->desk))
        return COMMAND_RESULT_NO_ROOM;
    tell_governed(o); // before what the strategy does with them
    for (uint32_t i = 0; i < p.count; i++)
        if (o->ask.chosen >> i & 1)
            p.value[i] = o->ask.parameters[i];
    if (!desk_strategy_parameters(o->desk, o->ask.index, &p))
        return COMMAND_RESULT_PARAMETERS_REFUSED;
    slot->setup.parameters = p;
    struct strategy_values *shown = values_of(o);
    for (uint32_t i = 0; shown && i < p.count; i++)
        __atomic_store_n(&shown->value[i], p.value[i], __ATOMIC_RELAXED);
    return COMMAND_RESULT_OK;
}

// --- orders in doubt ---

// Nothing that the exchange may still say by itself is waited for: an order that it has never
// answered, or eight cancels without an answer.
static bool in_doubt(const struct desk *d, const struct own_order *o)
{
    const bool asks = d->sessions[o->session].session->frames.query.len > 0;
    if (o->flags & ORDER_PARKED)
        return false; // it, or a change of it, has not left
    switch (o->life) {
    case LIFE_UNKNOWN: return true;
    case LIFE_PENDING: return o->flags & ORDER_ASKED && !asks;
    default:
        return o->waits & WAIT_CANCEL && o->cancel_total == 0 && o->cancels >= ORDER_CANCELS_MAX &&
               !(o->flags & ORDER_TIMED);
    }
}

// What it held is free. Should the exchange have it all the same, an execution moves the position
// and stops its symbol, like every one of an order that was over.
static enum command_result do_order_close(struct order_of *o)
{
    struct desk *d = o->desk;
    struct order_outcome out;
    if (o->ask.scope != TRADE_SESSION)
        return COMMAND_RESULT_BAD_ARGUMENT;
    const uint32_t index = orders_find(&d->orders, o->ask.index, o->ask.chosen);
    if (index == OWN_NONE || orders_at(&d->orders, index)->life == LIFE_DEAD)
        return COMMAND_RESULT_NOT_OPEN;
    if (!in_doubt(d, orders_at(&d->orders, index)))
        return COMMAND_RESULT_NOT_IN_DOUBT;
    if (!room(d))
        return COMMAND_RESULT_NO_ROOM;
    tell_governed(o);
    order_found_out(&d->orders, index, ORDER_MESSAGE_CLOSED, &out);
    desk_settle(d, index, NULL, ORDER_MESSAGE_CLOSED, &out);
    return COMMAND_RESULT_OK;
}

// --- signals ---

static enum command_result do_signal(struct order_of *o)
{
    const bool resume = o->type == COMMAND_SIGNAL_RESUME;
    if (!desk_signal_own(o->desk, o->ask.chosen))
        return COMMAND_RESULT_BAD_ARGUMENT;
    if (resume && !room(o->desk))
        return COMMAND_RESULT_NO_ROOM;
    if (!desk_signal_can(o->desk, o->ask.chosen, resume))
        return COMMAND_RESULT_NOTHING;
    o->ask.index = o->ask.chosen;
    tell_governed(o);
    desk_signal_switch(o->desk, o->ask.chosen, resume);
    o->ask.index = 0;
    return COMMAND_RESULT_OK;
}

// --- all ---

enum command_result desk_command(struct lane *lane, enum command_type type,
                                 const struct govern_request *request, struct govern_answer *answer,
                                 uint64_t *sequence)
{
    struct desk *d = lane->desk;
    struct order_of o = {.desk = d, .type = type, .ask = *request, .answer = answer};
    enum command_result result = COMMAND_RESULT_UNKNOWN;
    if (d == NULL)
        return COMMAND_RESULT_NO_TRADING;
    if (o.ask.index >= scope_size(d, o.ask.scope))
        return COMMAND_RESULT_BAD_ARGUMENT;
    o.ask.reason[REASON_LEN - 1] = 0;
    answer->lifted = 0;
    answer->open_orders = 0;
    for (uint32_t i = 0; i < d->session_count; i++)
        answer->open_orders += d->orders.sessions[i].open_count;
    const struct limit_row *row = limit_row_of(d->limits, o.ask.scope, o.ask.index);
    answer->was = row->state;
    switch (type) {
    case COMMAND_KILL: result = do_kill(&o); break;
    case COMMAND_HALT:
    case COMMAND_REDUCE: result = do_state(&o); break;
    case COMMAND_RESUME: result = do_resume(&o); break;
    case COMMAND_CANCEL: result = do_cancel(&o); break;
    case COMMAND_STRATEGY_ENABLE:
    case COMMAND_STRATEGY_DISABLE: result = do_switch(&o); break;
    case COMMAND_STRATEGY_SET: result = do_parameters(&o); break;
    case COMMAND_ORDER_CLOSE: result = do_order_close(&o); break;
    case COMMAND_SIGNAL_STOP:
    case COMMAND_SIGNAL_RESUME: result = do_signal(&o); break;
    default: break;
    }
    answer->now = row->state;
    answer->limits_version = d->limits->version;
    *sequence = o.sequence;
    return result;
}
