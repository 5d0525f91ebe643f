#include "dataplane/lane/desk_restore.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/abi/commands.h"
#include "dataplane/abi/limit_control.h"
#include "dataplane/lane/desk_extras.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_restore_parts.h"
#include "dataplane/lane/desk_strategy.h"

bool restore_refuse(struct desk_restore *r, const struct event *e, const char *fmt, ...)
{
    va_list ap;
    const struct event_info *info = event_info(e->type);
    const int n = snprintf(r->why, sizeof r->why, "event %" PRIu64 " of lane %u, %s: ", e->sequence,
                           e->lane, info ? info->name : "?");
    va_start(ap, fmt);
    vsnprintf(r->why + n, sizeof r->why - (size_t)n, fmt, ap);
    va_end(ap);
    return false;
}

void desk_restore_init(struct desk_restore *r, struct desk *d, uint32_t *places)
{
    *r = (struct desk_restore){.desk = d, .places = places};
    desk_restore_instance(r);
}

// The journal has no parameters: who had others than the file says waits for a person.
static void parameters_end(struct desk_restore *r)
{
    struct desk_strategies *s = r->desk->strategies;
    for (uint32_t i = 0; s && i < s->count; i++) {
        if (!(r->set_live >> i & 1) || s->hosts[i].slot.strategy == NULL)
            continue;
        s->hosts[i].slot.off = STRATEGY_OFF_RESET;
        s->on &= ~(1ull << i);
    }
    r->set_live = 0;
}

void desk_restore_instance(struct desk_restore *r)
{
    parameters_end(r);
    restore_parks_end(r);
    for (uint32_t i = 0; i < r->desk->orders.capacity; i++)
        r->places[i] = i;
    r->options.type = EVENT_NONE;
}

bool restore_session(const struct desk_restore *r, uint32_t session)
{
    return session < r->desk->session_count && r->desk->sessions[session].session;
}

void restore_place(struct desk_restore *r, uint32_t place, uint32_t index)
{
    if (place < r->desk->orders.capacity)
        r->places[place] = index;
}

// --- decisions ---

static void extras_from(const struct event_order_options *e, struct ouch_extras *x)
{
    struct ouch50_options *o = &x->options;
    *x = (struct ouch_extras){
        .capacity = (char)e->capacity,
        .iso = (char)e->iso,
        .cross = (char)e->cross,
        .options = {.present = e->present,
                    .min_quantity = e->min_quantity,
                    .max_floor = e->max_floor,
                    .random_reserves = e->random_reserves,
                    .expire_s = e->expire_s,
                    .discretion_price = e->discretion_price,
                    .peg_offset = (int32_t)e->peg_offset,
                    .discretion_offset = (int32_t)e->discretion_offset,
                    .group = e->group,
                    .customer = (char)e->customer,
                    .price_type = (char)e->price_type,
                    .discretion_type = (char)e->discretion_type,
                    .post_only = (char)e->post_only,
                    .trade_now = (char)e->trade_now,
                    .handle = (char)e->handle,
                    .located = (char)e->located,
                    .aiq_strategy = (char)e->aiq_strategy,
                    .aiq_group = {(char)e->aiq_group_first, (char)e->aiq_group_second}}};
    memcpy(o->firm, e->firm, sizeof o->firm);
    memcpy(o->route, e->route, sizeof o->route);
    memcpy(o->locate_broker, e->locate_broker, sizeof o->locate_broker);
}

static bool entered(struct desk_restore *r, const struct event *e)
{
    struct desk *d = r->desk;
    const struct event_decision *c = &e->decision;
    const struct order_new new = {.client_id = c->client_id,
                                  .ref = c->ref,
                                  .quantity = c->quantity,
                                  .price = c->price,
                                  .position = position_open(&d->risk, c->account, c->instrument),
                                  .account = c->account,
                                  .strategy = c->strategy,
                                  .instrument = c->instrument,
                                  .session = c->session,
                                  .side = (char)c->side,
                                  .time_in_force = (char)c->time_in_force,
                                  .display = (char)c->display};
    if (new.position == POSITION_NONE)
        return restore_refuse(r, e, "no more room for positions; raise trading.positions");
    if (c->ref < d->orders.sessions[c->session].next_ref)
        return restore_refuse(r, e, "reference %u was used before", c->ref);
    const uint32_t index = orders_open(&d->orders, &new);
    if (index == OWN_NONE)
        return restore_refuse(r, e,
                              "no place for order %u; raise trading.orders or the session's "
                              "references",
                              c->ref);
    if (r->options.type == EVENT_ORDER_OPTIONS) {
        struct ouch_extras extras;
        extras_from(&r->options.order_options, &extras);
        order_extras_set(&d->orders, index, &extras);
    }
    restore_place(r, c->order, index);
    r->orders++;
    return true;
}

// The order that a replace or a modify is about: its place in the instance's table says which.
static struct own_order *changed(struct desk_restore *r, const struct event *e, uint32_t *index)
{
    const struct event_decision *c = &e->decision;
    struct own_order *o;
    *index = c->order < r->desk->orders.capacity ? r->places[c->order] : OWN_NONE;
    if (*index == OWN_NONE)
        return NULL;
    o = orders_at(&r->desk->orders, *index);
    return o->generation && o->life == LIFE_LIVE && o->waits == 0 && o->account == c->account &&
                   o->strategy == c->strategy && o->instrument == c->instrument &&
                   o->session == c->session
               ? o
               : NULL;
}

static bool decision(struct desk_restore *r, const struct event *e)
{
    struct desk *d = r->desk;
    const struct event_decision *c = &e->decision;
    uint32_t index;
    if (c->limits_version > r->version)
        r->version = c->limits_version;
    if (c->refusal != REFUSAL_NONE)
        return true;
    if (!restore_session(r, c->session) || c->account >= ACCOUNTS_MAX ||
        c->strategy >= STRATEGIES_MAX || c->instrument >= d->instrument_count)
        return restore_refuse(r, e, "names what the configuration does not have");
    if (c->kind == 'O') {
        if (!entered(r, e))
            return false;
        index = orders_find(&d->orders, c->session, c->ref);
        if (restore_parks(r, c->session) && !restore_park_enter(r, e, index))
            return false;
    } else {
        struct own_order *o = changed(r, e, &index);
        if (o == NULL)
            return restore_refuse(r, e, "changes an order that is not there");
        if (restore_parks(r, c->session)) {
            if (!restore_park_change(r, e, index))
                return false;
        } else if (c->kind == 'M')
            order_modify_begin(&d->orders, index, c->quantity, (char)c->side);
        else if (!order_replace_begin(&d->orders, index, c->ref, c->quantity, c->price))
            return restore_refuse(r, e, "reference %u has no place; raise the session's references",
                                  c->ref);
    }
    struct own_order *o = orders_at(&d->orders, index);
    const struct exposure_owner owner = desk_burden(o);
    owners_count(&d->risk, &owner);
    desk_hold(d, o);
    desk_show(d, o->position);
    return true;
}

static bool sent(struct desk_restore *r, const struct event *e)
{
    struct desk *d = r->desk;
    const struct event_order_sent *s = &e->order_sent;
    if (restore_parks(r, s->session))
        return restore_park_sent(r, e);
    const uint32_t index =
        restore_session(r, s->session) ? orders_find(&d->orders, s->session, s->ref) : OWN_NONE;
    if (index == OWN_NONE)
        return restore_refuse(r, e, "order %u is not there", s->ref);
    struct own_order *o = orders_at(&d->orders, index);
    if (e->type == EVENT_ORDER_SENT) {
        o->sent_tsc = e->tsc;
        order_timer_start(&d->orders, index, e->tsc);
        return true;
    }
    struct order_outcome out;
    order_found_out(&d->orders, index, ORDER_MESSAGE_NOT_SENT, &out);
    desk_hold(d, o);
    if (s->kind != 'M')
        order_ref_return(&d->orders, s->session, s->ref);
    desk_show(d, o->position);
    return true;
}

static bool cancelled(struct desk_restore *r, const struct event *e)
{
    struct desk *d = r->desk;
    const struct event_cancel_sent *c = &e->cancel_sent;
    if (!restore_session(r, c->session))
        return restore_refuse(r, e, "session %u is not there", c->session);
    if (c->order == OWN_NONE) { // of everything: the message has used up a reference
        if (c->ref < d->orders.sessions[c->session].next_ref || c->ref >= d->orders.refs_max)
            return restore_refuse(r, e, "reference %u is not the next", c->ref);
        d->orders.sessions[c->session].next_ref = c->ref; // what the stream says moves it, too
        order_mass_begin(&d->orders, c->session);
        return true;
    }
    const uint32_t index = orders_find(&d->orders, c->session, c->ref);
    if (index == OWN_NONE || orders_at(&d->orders, index)->life == LIFE_DEAD ||
        (e->type == EVENT_CANCEL_SENT && order_cancel_ref(orders_at(&d->orders, index)) != c->ref))
        return restore_refuse(r, e, "order %u is not there, or over", c->ref);
    restore_place(r, c->order, index);
    if (e->type == EVENT_CANCEL_WAITS) {
        // The same once more: its turn came, and the session took none. It is the last now.
        const struct own_order *o = orders_at(&d->orders, index);
        if (o->flags & ORDER_CANCEL_QUEUED && o->cancel_total == c->total &&
            order_cancel_dequeue(&d->orders, c->session) != index)
            return restore_refuse(r, e, "the cancel of another order waits");
        order_cancel_enqueue(&d->orders, index, c->total);
        return true;
    }
    // From the queue, or past it.
    if (c->waiting < d->orders.sessions[c->session].cancel_count &&
        order_cancel_dequeue(&d->orders, c->session) != index)
        return restore_refuse(r, e, "the cancel of another order waits");
    order_cancel_begin(&d->orders, index, c->total);
    order_timer_start(&d->orders, index, e->tsc);
    return true;
}

// --- what people ordered ---

static struct limit_row *row_of(struct desk *d, uint32_t scope, uint32_t index)
{
    struct limit_table *t = d->limits;
    switch (scope) {
    case TRADE_FIRM: return &t->firm;
    case TRADE_ACCOUNT: return index < ACCOUNTS_MAX ? &t->accounts[index] : NULL;
    case TRADE_STRATEGY: return index < STRATEGIES_MAX ? &t->strategies[index] : NULL;
    case TRADE_SYMBOL: return index < d->instrument_count ? &t->symbols[index] : NULL;
    case TRADE_SESSION: return index < d->session_count ? &t->sessions[index] : NULL;
    default: return NULL;
    }
}

static bool state_set(struct desk_restore *r, const struct event *e)
{
    const struct event_trading_state *s = &e->trading_state;
    struct limit_row *row = row_of(r->desk, s->scope, s->index);
    if (row == NULL || s->now >= TRADING_STATES)
        return restore_refuse(r, e, "names what the configuration does not have");
    row->state = s->now;
    atomic_store_explicit(&board_states(r->desk->board, s->scope)[s->index], s->now,
                          memory_order_relaxed);
    if (s->limits_version > r->version)
        r->version = s->limits_version;
    return true;
}

static bool governed(struct desk_restore *r, const struct event *e)
{
    const struct event_governed *g = &e->governed;
    struct kill_words *k = &r->desk->kills[KILL_BY_OPERATOR];
    if (g->command == COMMAND_STRATEGY_SET && g->index < STRATEGIES_MAX)
        r->set_live |= 1ull << g->index;
    if (g->command != COMMAND_KILL)
        return true;
    if (row_of(r->desk, g->scope, g->index) == NULL)
        return restore_refuse(r, e, "names what the configuration does not have");
    if (!kill_bit(kill_scope(k, g->scope), g->index))
        kill_ask(k, g->scope, g->index);
    return true;
}

// Past the control plane nobody wrote down whom it concerned: everybody. Those of the main lcore
// were the end of that process.
static void killed(struct desk_restore *r, const struct event *e)
{
    const uint32_t asker = e->kill.asker;
    if ((asker != KILL_BY_DIRECT && asker != KILL_BY_LANE) ||
        (asker == KILL_BY_LANE && r->breached)) // whom that was, BREACH says
        return;
    if (!kill_bit(kill_scope(&r->desk->kills[asker], TRADE_FIRM), 0))
        kill_ask(&r->desk->kills[asker], TRADE_FIRM, 0);
}

// A block is a TRADING_STATE, too.
static bool breached(struct desk_restore *r, const struct event *e)
{
    const struct event_breach *b = &e->breach;
    struct kill_words *k = &r->desk->kills[KILL_BY_LANE];
    if (b->action != ACTION_CANCEL && b->action != ACTION_DISABLE)
        return true;
    if (row_of(r->desk, b->scope, b->index) == NULL ||
        row_of(r->desk, TRADE_SESSION, b->session) == NULL)
        return restore_refuse(r, e, "names what the configuration does not have");
    if (!kill_bit(kill_scope(k, b->scope), b->index))
        kill_ask(k, b->scope, b->index);
    if (b->action == ACTION_DISABLE && !b->of_lane && !kill_bit(k->sessions, b->session))
        kill_ask(k, TRADE_SESSION, b->session);
    r->breached = true;
    return true;
}

static bool lifted(struct desk_restore *r, const struct event *e)
{
    struct desk *d = r->desk;
    const struct event_lifted *l = &e->lifted;
    if (row_of(d, l->scope, l->index) == NULL || l->asker > KILL_ASKERS)
        return restore_refuse(r, e, "names what the configuration does not have");
    if (l->asker < KILL_ASKERS) {
        kill_lift(&d->kills[l->asker], l->scope, l->index);
        if (l->asker != KILL_BY_OPERATOR) // which was restored as everybody's
            kill_lift(&d->kills[l->asker], TRADE_FIRM, 0);
        return true;
    }
    if (l->scope == TRADE_SYMBOL)
        desk_quarantine(d, l->index, false);
    if (l->scope == TRADE_SESSION && d->sessions[l->index].session)
        d->sessions[l->index].session->halted = SESSION_HALT_NONE;
    if (l->scope == TRADE_STRATEGY)
        d->risk.strategy_days[l->index].applied = 0;
    if (l->scope == TRADE_FIRM || l->scope == TRADE_ACCOUNT)
        r->broken[l->scope == TRADE_FIRM ? 0 : 1 + l->index].broken &= (uint16_t)~l->losses;
    return true;
}

static bool loss_broken(struct desk_restore *r, const struct event *e)
{
    const struct event_loss_broken *b = &e->loss_broken;
    const enum loss_kind kind = b->control == LIMIT_LIMITS_loss ? LOSS_OF_DAY : LOSS_FROM_BEST;
    if ((b->scope != TRADE_FIRM && b->scope != TRADE_ACCOUNT) ||
        row_of(r->desk, b->scope, b->index) == NULL)
        return restore_refuse(r, e, "names what the configuration does not have");
    struct owner_day *day = &r->broken[b->scope == TRADE_FIRM ? 0 : 1 + b->index];
    day->broken |= (uint16_t)(1u << kind);
    day->losses[kind] = (struct loss_broken){b->value, b->limit};
    return true;
}

static bool marked(struct desk_restore *r, const struct event *e)
{
    const struct event_mark *m = &e->mark;
    struct risk *risk = &r->desk->risk;
    if (m->account >= ACCOUNTS_MAX || m->instrument >= r->desk->instrument_count)
        return restore_refuse(r, e, "names what the configuration does not have");
    const uint32_t at = position_look(risk, m->account, m->instrument);
    if (risk->positions[at].key == position_key(m->account, m->instrument))
        money_mark(risk, at, m->price);
    return true;
}

// What was worked out on the way may have been broken by marks that are older than they were then:
// what counts is what was told.
static void losses_end(struct desk_restore *r)
{
    struct desk *d = r->desk;
    for (uint32_t i = 0; i <= ACCOUNTS_MAX; i++) {
        struct owner_day *day = i == 0 ? &d->risk.day : &d->risk.account_days[i - 1];
        day->broken = day->broken_told = r->broken[i].broken;
        memcpy(day->losses, r->broken[i].losses, sizeof day->losses);
    }
    d->broken = d->risk.broken;
}

// What was enabled by hand is not enabled by itself again; what was disabled stays so.
static void strategy_state(struct desk_restore *r, const struct event *e)
{
    const struct desk_strategies *s = r->desk->strategies;
    const uint32_t index = e->strategy.strategy;
    if (s == NULL || index >= s->count || s->hosts[index].slot.strategy == NULL)
        return;
    struct strategy_slot *slot = &r->desk->strategies->hosts[index].slot;
    uint64_t *on = &r->desk->strategies->on;
    slot->off = e->strategy.enabled ? STRATEGY_ON : e->strategy.reason;
    *on = e->strategy.enabled ? *on | 1ull << index : *on & ~(1ull << index);
}

// --- all ---

bool desk_restore_event(struct desk_restore *r, const struct event *e)
{
    bool ok = true;
    switch (e->type) {
    case EVENT_ORDER_OPTIONS: r->options = *e; return true;
    case EVENT_DECISION: ok = decision(r, e); break;
    case EVENT_ORDER_SENT:
    case EVENT_ORDER_NOT_SENT: ok = sent(r, e); break;
    case EVENT_ORDER_RELEASED: ok = restore_released(r, e); break;
    case EVENT_CANCEL_WAITS:
    case EVENT_CANCEL_SENT: ok = cancelled(r, e); break;
    case EVENT_ORDER: ok = restore_told(r, e); break;
    case EVENT_UNCLAIMED: ok = restore_unclaimed(r, e); break;
    case EVENT_ORDER_SESSION: ok = restore_session_state(r, e); break;
    case EVENT_TRADING_STATE: ok = state_set(r, e); break;
    case EVENT_GOVERNED: ok = governed(r, e); break;
    case EVENT_KILL: killed(r, e); break;
    case EVENT_BREACH: ok = breached(r, e); break;
    case EVENT_LIFTED: ok = lifted(r, e); break;
    case EVENT_LOSS_BROKEN: ok = loss_broken(r, e); break;
    case EVENT_MARK: ok = marked(r, e); break;
    case EVENT_STRATEGY: strategy_state(r, e); break;
    default: break;
    }
    r->options.type = EVENT_NONE;
    return ok;
}

static void session_end(struct desk_restore *r, uint32_t i)
{
    struct session *s = r->desk->sessions[i].session;
    if (r->named[i][0] == 0)
        return; // never logged in: as the configuration says
    session_restore(s, r->named[i], r->stream[i] + 1, r->ended[i], r->queries[i]);
}

static void orders_end(struct desk *d)
{
    for (uint32_t i = 0; i < d->orders.capacity; i++) {
        struct own_order *o = orders_at(&d->orders, i);
        if (o->generation && o->flags & ORDER_TIMED)
            order_timer_start(&d->orders, i, d->lane->stamp);
    }
}

static uint32_t kills_count(struct desk *d)
{
    uint32_t kills = 0;
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++)
        kills += d->kills[asker].rung > 0;
    return kills;
}

void desk_restore_end(struct desk_restore *r, uint64_t strategies)
{
    struct desk *d = r->desk;
    restore_parks_end(r);
    parameters_end(r);
    for (uint32_t i = 0; i < d->session_count; i++)
        if (d->sessions[i].session)
            session_end(r, i);
    orders_end(d);
    losses_end(r);
    habits_begin(&d->risk);
    risk_kills_look(&d->risk);
    r->kills = kills_count(d);
    // A connection that ended with us, and that nobody has closed, was lost like any other.
    for (uint32_t i = 0; i < d->session_count; i++)
        if (r->up[i] && d->sessions[i].cancels_on_disconnect && d->orders.sessions[i].open_count)
            desk_mass_cancel(d, TRADE_SESSION, i);
    for (uint32_t i = 0; i < STRATEGIES_MAX; i++)
        if (strategies >> i & 1 && d->risk.strategies[i].orders)
            desk_mass_cancel(d, TRADE_STRATEGY, i);
}
