// Hot path. One turn of the trading half: sessions, cancels that wait, kills, silence.
#include <string.h>

#include "dataplane/lane/desk_act.h"
#include "dataplane/lane/desk_gateway.h"
#include "dataplane/lane/desk_lease.h"
#include "dataplane/lane/desk_park.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_signal.h"
#include "dataplane/lane/desk_strategy.h"
#include "dataplane/wire/frame.h"

// --- walks over the open orders of a session ---

static void walk_begin(struct desk_walk *w)
{
    *w = (struct desk_walk){.at = OWN_NONE, .on = true};
}

// The next order; OWN_NONE: the walk is over. The order may end before the next call.
static uint32_t walk_next(struct desk *d, uint32_t session, struct desk_walk *w)
{
    uint32_t at = w->at;
    if (at == OWN_NONE || orders_at(&d->orders, at)->generation != w->generation ||
        orders_at(&d->orders, at)->life == LIFE_DEAD)
        at = d->orders.sessions[session].open.first;
    if (at == OWN_NONE) {
        w->on = false;
        return OWN_NONE;
    }
    const uint32_t next = orders_at(&d->orders, at)->open_next;
    w->at = next;
    if (next == OWN_NONE)
        w->on = false;
    else
        w->generation = orders_at(&d->orders, next)->generation;
    return at;
}

// --- after a reconnect, or an account query ---

// Which row of the state machine an order's unanswered message gets.
static enum order_message finding_of(const struct desk_session *ds, const struct own_order *o)
{
    if (ds->replay_next_ref == 0)
        return ORDER_MESSAGE_NO_QUERY;
    const uint32_t ref = o->waits & WAIT_REPLACE ? o->change_ref : o->ref;
    return ref >= ds->replay_next_ref ? ORDER_MESSAGE_NOT_SEEN : ORDER_MESSAGE_SEEN;
}

static void settle_unanswered(struct desk *d, struct desk_session *ds, uint32_t index)
{
    struct own_order *o = orders_at(&d->orders, index);
    struct order_outcome out;
    if (UNLIKELY(o->flags & ORDER_PARKED && o->life == LIFE_PENDING))
        return; // it has not left
    const bool unanswered = o->life == LIFE_PENDING || o->waits & WAIT_CHANGE ||
                            (o->life == LIFE_UNKNOWN && !(o->flags & ORDER_ACCEPTED));
    const bool sent_before = (o->waits & WAIT_REPLACE ? o->change_ref : o->ref) <
                             ds->replay_sent_ref; // what left after the query is not its business
    const bool concerned = ds->replay_all || (o->flags & ORDER_ASKED && sent_before);
    if (unanswered && concerned) {
        const enum order_message finding = finding_of(ds, o);
        o->flags &= (uint8_t)~ORDER_ASKED;
        order_found_out(&d->orders, index, finding, &out);
        desk_settle(d, index, NULL, finding, &out);
    }
    // A cancel may have been lost with the connection: repeating it is harmless.
    if (ds->replay_all && o->life != LIFE_DEAD && o->waits & WAIT_CANCEL &&
        !(o->flags & ORDER_CANCEL_QUEUED))
        desk_cancel_wait(d, index, o->cancel_total);
    // What the stream has told of since the sweep of a kill that is in force.
    else if (ds->replay_all && o->life != LIFE_DEAD && !(o->flags & ORDER_CANCEL_QUEUED) &&
             desk_killed(d, o))
        desk_cancel_wait(d, index, 0);
}

static uint32_t replay_walk(struct desk *d, uint32_t session, uint64_t now)
{
    struct desk_session *ds = &d->sessions[session];
    uint32_t steps = 0;
    while (ds->replay.on && steps < DESK_STEPS_A_TURN) {
        const uint32_t index = walk_next(d, session, &ds->replay);
        if (index != OWN_NONE)
            settle_unanswered(d, ds, index);
        steps++;
    }
    if (!ds->replay.on) {
        ds->replay_all = false;
        session_go(ds->session, now);
    }
    return steps;
}

static void replayed(struct desk *d, struct desk_session *ds)
{
    struct session *s = ds->session;
    struct order_session *os = &d->orders.sessions[ds - d->sessions];
    s->replayed = false;
    ds->replay_all |= s->state != SESSION_READY;
    ds->replay_next_ref = s->frames.query.len ? s->query_next : 0;
    ds->replay_sent_ref = s->query_ref;
    if (ds->replay_next_ref > os->next_ref)
        os->next_ref = ds->replay_next_ref;
    walk_begin(&ds->replay);
}

// --- kills and mass cancels ---

bool desk_killed(const struct desk *d, const struct own_order *o)
{
    bool hit =
        kill_hit(&d->mass, o->account, o->strategy, o->instrument, o->session) != TRADE_SCOPES;
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++)
        hit |= kill_hit(&d->kills[asker], o->account, o->strategy, o->instrument, o->session) !=
               TRADE_SCOPES;
    return hit;
}

static bool whole_session(const struct kill_words *k, uint32_t session)
{
    return atomic_load_explicit(&k->all, memory_order_relaxed) || kill_bit(k->sessions, session);
}

// One message for everything of the session, where its exchange takes that; it counts as a cancel,
// but waits behind none. The cancels of the single orders follow all the same: one for an order
// that is gone gets no answer and does no harm. Not before the account query of a new connection is
// answered: the message uses up a number, and orders below it that were lost with the last
// connection would pass for seen.
static COLD void mass_cancel_send(struct desk *d, uint32_t i)
{
    struct session *s = d->sessions[i].session;
    const uint32_t ref = orders_next_ref(&d->orders, i);
    struct event event = {.type = EVENT_CANCEL_SENT};
    bool whole = whole_session(&d->mass, i);
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++)
        whole |= whole_session(&d->kills[asker], i);
    if (!whole || ref == 0 || d->orders.sessions[i].open_count == 0 || s->state != SESSION_READY ||
        !session_send_cancel(s, frame_mass_cancel(&s->frames, ref), d->lane->stamp))
        return;
    gate_cancel(&d->risk, i, d->lane->stamp);
    order_mass_begin(&d->orders, i);
    event.cancel_sent.order = OWN_NONE;
    event.cancel_sent.ref = ref;
    event.cancel_sent.session = (uint8_t)i;
    desk_publish(d, &event);
}

static void sweeps_begin(struct desk *d)
{
    desk_parks_sweep(d);
    for (uint32_t i = 0; i < d->session_count; i++) {
        const struct session *s = d->sessions[i].session;
        walk_begin(&d->sessions[i].sweep);
        if (s && s->frames.mass_cancel.len > 0)
            mass_cancel_send(d, i);
    }
}

void desk_mass_cancel(struct desk *d, enum trade_scope scope, uint32_t index)
{
    kill_ask(&d->mass, scope, index);
    sweeps_begin(d);
}

static uint32_t open_orders(const struct desk *d)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < d->session_count; i++)
        open += d->orders.sessions[i].open_count;
    return open;
}

// The number of the record; 0: it found no room.
static uint64_t kill_tell(struct desk *d, uint16_t type, uint32_t asker, uint64_t rung)
{
    struct event event = {.type = type};
    event.kill.rung = rung;
    event.kill.open_orders = open_orders(d);
    event.kill.asker = (uint8_t)asker;
    return desk_publish(d, &event) ? d->lane->trading.sequence - 1 : 0;
}

// A kill is asked for: from here on the gate refuses; what is open is swept.
static COLD void kill_take(struct desk *d, uint32_t asker, uint64_t rung)
{
    d->kill_rung[asker] = rung;
    d->lane->input++;
    board_kill(d->board, asker, rung, kill_tell(d, EVENT_KILL, asker, rung));
    sweeps_begin(d);
}

static uint32_t sweep_walk(struct desk *d, uint32_t session)
{
    struct desk_session *ds = &d->sessions[session];
    uint32_t steps = 0, cancels = 0;
    while (ds->sweep.on && steps < DESK_STEPS_A_TURN && cancels < DESK_CANCELS_A_TURN) {
        const uint32_t index = walk_next(d, session, &ds->sweep);
        steps++;
        if (index == OWN_NONE)
            break;
        const struct own_order *o = orders_at(&d->orders, index);
        if ((o->waits & WAIT_CANCEL && o->cancel_total == 0) || !desk_killed(d, o))
            continue;
        desk_cancel(d, index, 0);
        cancels++;
    }
    return steps;
}

static bool sweeps(const struct desk *d)
{
    for (uint32_t i = 0; i < d->session_count; i++)
        if (d->sessions[i].sweep.on)
            return true;
    return false;
}

// As a mass cancel, which ends with the sweeps that there are.
void desk_kill_outlast(struct desk *d, enum trade_scope scope, uint32_t index)
{
    if (sweeps(d))
        kill_ask(&d->mass, scope, index);
}

static COLD void sweeps_done(struct desk *d)
{
    if (sweeps(d))
        return;
    memset(&d->mass, 0, sizeof d->mass);
    kill_tell(d, EVENT_KILL_DONE, KILL_ASKERS, 0);
}

void desk_kills_look(struct desk *d)
{
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++) {
        const uint64_t rung = atomic_load_explicit(&d->kills[asker].rung, memory_order_acquire);
        if (UNLIKELY(rung != d->kill_rung[asker]))
            kill_take(d, asker, rung);
    }
}

static COLD uint32_t sweep_turn(struct desk *d, uint32_t session)
{
    const uint32_t steps = sweep_walk(d, session);
    if (!d->sessions[session].sweep.on)
        sweeps_done(d);
    return steps;
}

static uint32_t kills_turn(struct desk *d)
{
    uint32_t work = 0;
    desk_kills_look(d);
    for (uint32_t i = 0; i < d->session_count; i++)
        if (UNLIKELY(d->sessions[i].sweep.on))
            work += sweep_turn(d, i);
    return work;
}

// --- sessions ---

// <unread>: messages that count as read and are not applied yet.
static COLD void session_tell(struct desk *d, uint32_t i, uint32_t unread)
{
    struct desk_session *ds = &d->sessions[i];
    const struct session *s = ds->session;
    struct event event = {.type = EVENT_ORDER_SESSION};
    event.order_session.next_sequence = s->short_at ? s->short_at : s->next_sequence - unread;
    event.order_session.missing = s->count.missing;
    event.order_session.open_orders = d->orders.sessions[i].open_count;
    event.order_session.session = (uint8_t)i;
    event.order_session.was = ds->known_state;
    event.order_session.now = s->state;
    event.order_session.halted = s->halted;
    event.order_session.reject = (uint8_t)s->reject;
    event.order_session.queries = session_queries_due(s);
    if (!s->ended)
        memcpy(event.order_session.id, s->session_id, sizeof event.order_session.id);
    desk_publish(d, &event);
    ds->known_state = s->state;
    ds->known_halted = s->halted;
}

// Everything that stands in the session's buffer.
static uint32_t reports_take(struct desk *d, uint32_t i, uint64_t now)
{
    struct desk_session *ds = &d->sessions[i];
    struct ouch_report report;
    uint32_t taken = 0;
    while (session_next(ds->session, now, &report)) {
        taken++;
        d->lane->input++;
        // A restart must not know what stands behind a gap, and not the gap.
        if (UNLIKELY(ds->session->halted != ds->known_halted))
            session_tell(d, i, 1);
        if (LIKELY(report.kind < REPORT_ORDER_KINDS))
            desk_report(d, i, &report);
    }
    if (UNLIKELY(ds->session->replayed))
        replayed(d, ds);
    return taken;
}

// In pieces that the session's buffer takes beside the beginning of a packet.
static void run_take(struct desk *d, uint32_t i, const struct tcp_run *run, uint64_t now)
{
    struct session *s = d->sessions[i].session;
    uint32_t piece = 0;
    for (uint32_t at = 0; at < run->len; at += piece) {
        const uint32_t left = run->len - at, room = session_room(s);
        piece = left < room ? left : room;
        session_received(s, run->data + at, piece, now);
        reports_take(d, i, now);
    }
}

bool desk_frame(struct desk *d, const struct frame *frame, bool sums_good)
{
    struct frame_udp ip;
    struct tcp_segment segment;
    struct tcp_runs runs;
    const uint64_t now = d->lane->stamp;
    if (frame_parse(frame->data, frame->len, &ip) != FRAME_NOT_UDP ||
        ip.protocol != IP_PROTOCOL_TCP || tcp_parse(&ip, sums_good, &segment) != TCP_SEGMENT)
        return false;
    for (uint32_t i = 0; i < d->session_count; i++) {
        struct tcp_link *link = d->sessions[i].link;
        if (link && tcp_link_segment(link, &segment, now, &runs)) {
            for (uint32_t r = 0; r < runs.count; r++)
                run_take(d, i, &runs.run[r], now);
            return true;
        }
    }
    for (uint32_t i = 0; i < d->session_count; i++)
        if (d->sessions[i].link && tcp_link_stray(d->sessions[i].link, &segment, frame->data, now))
            return true;
    return false;
}

void desk_unpace(struct desk *d, uint32_t session)
{
    if (session < d->session_count)
        d->sessions[session].unpaced = true;
}

void desk_logout(struct desk *d, uint32_t session, uint64_t now)
{
    if (session < d->session_count && d->sessions[session].session)
        session_stop(d->sessions[session].session, now);
}

void desk_neighbour(struct desk *d, uint32_t session, bool known, const uint8_t mac[6])
{
    struct tcp_link *link = session < d->session_count ? d->sessions[session].link : NULL;
    if (link == NULL)
        return;
    if (!known) {
        tcp_neighbour_clear(&link->tcp);
        return;
    }
    if (!link->tcp.neighbour) // what waited for it need not wait for its back-off
        session_retry(d->sessions[session].session);
    tcp_neighbour_set(&link->tcp, mac);
}

static uint32_t cancels_send(struct desk *d, uint32_t i)
{
    struct session *s = d->sessions[i].session;
    uint32_t sent = 0;
    while (sent < DESK_CANCELS_A_TURN && d->orders.sessions[i].cancel_count &&
           session_may_cancel(s) && session_free(s, s->frames.cancel.len) &&
           (!desk_cancels_paced(d, i) || gate_cancel_due(&d->risk, i, d->lane->stamp))) {
        desk_cancel_next(d, i);
        sent++;
    }
    return sent;
}

// The market cannot be seen any more: what is open on the session is cancelled, once.
static void feed_look(struct desk *d, uint32_t i)
{
    struct desk_session *ds = &d->sessions[i];
    const bool lost = ds->channel->quality > QUALITY_HALTED;
    if (UNLIKELY(lost && !ds->feed_lost))
        desk_mass_cancel(d, TRADE_SESSION, i);
    ds->feed_lost = lost;
}

static uint32_t session_turn(struct desk *d, uint32_t i, uint64_t now)
{
    struct desk_session *ds = &d->sessions[i];
    struct session *s = ds->session;
    uint32_t work = reports_take(d, i, now);
    if (UNLIKELY(ds->cancels_on_feed_loss))
        feed_look(d, i);
    if (UNLIKELY(ds->disabled))
        desk_disabled_look(d, i);
    session_timers(s, now);
    if (ds->link)
        work += tcp_link_turn(ds->link, now);
    // A restart has to know how many answers may still come.
    const bool asked = UNLIKELY(s->wants_query) && session_query(s, desk_park_next_ref(d, i), now);
    if (UNLIKELY(ds->replay.on))
        work += replay_walk(d, i, now);
    if (UNLIKELY(d->orders.sessions[i].cancel_count))
        work += cancels_send(d, i);
    if (UNLIKELY(asked || s->state != ds->known_state || s->halted != ds->known_halted)) {
        // The cancels wait for the next connection. Not where we have ended it: what happens to the
        // orders then is said elsewhere.
        if (ds->cancels_on_disconnect && s->enabled && s->state < SESSION_REPLAY &&
            ds->known_state >= SESSION_REPLAY)
            desk_mass_cancel(d, TRADE_SESSION, i);
        session_tell(d, i, 0);
    }
    return work;
}

// What was last told of a place was told of another symbol.
static void watches_forget(struct desk_watch *watches, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        watches[i] = (struct desk_watch){.quality = UINT8_MAX};
}

COLD void desk_book_back(struct desk *d, const struct channel *ch)
{
    for (uint32_t s = 0; s < d->session_count; s++) {
        if (d->sessions[s].channel != ch)
            continue;
        for (uint32_t i = 0; i < d->instrument_count; i++)
            d->instruments[i].slot[s] = SYMBOL_NONE;
        if (d->strategies && d->strategies->watches[s])
            watches_forget(d->strategies->watches[s], ch->config.book.symbols);
    }
}

// --- silence ---

static uint32_t overdue_take(struct desk *d, uint64_t now)
{
    uint32_t taken = 0;
    while (taken < DESK_OVERDUE_A_TURN) {
        struct order_outcome out;
        const uint32_t index = order_overdue(&d->orders, now);
        if (index == OWN_NONE)
            break;
        taken++;
        // While the session is away silence says nothing; the replay will.
        if (d->sessions[orders_at(&d->orders, index)->session].session->state != SESSION_READY) {
            order_timer_start(&d->orders, index, now);
            continue;
        }
        d->lane->input++;
        order_found_out(&d->orders, index, ORDER_MESSAGE_SILENCE, &out);
        desk_settle(d, index, NULL, ORDER_MESSAGE_SILENCE, &out);
        if (out.did & DO_ASK) // again, should the query be lost too
            order_timer_start(&d->orders, index, now);
    }
    return taken;
}

uint32_t desk_turn(struct desk *d, uint64_t now)
{
    d->lane->stamp = now;
    desk_market(d); // what timers and answers of the main lcore have changed
    desk_record_look(d);
    uint32_t work = kills_turn(d);
    if (UNLIKELY(d->leases != NULL))
        work += desk_leases_turn(d, now);
    if (UNLIKELY(d->commits_wanted))
        work += desk_park_turn(d, now);
    for (uint32_t i = 0; i < d->session_count; i++)
        if (LIKELY(d->sessions[i].session != NULL))
            work += session_turn(d, i, now);
    work += desk_gateway_turn(d, now);
    if (UNLIKELY(d->signals != NULL))
        work += desk_signals_turn(d, now);
    desk_mark_turn(d);
    if (UNLIKELY(d->risk.broken != d->broken))
        desk_losses_tell(d);
    if (UNLIKELY(d->orders.timers.first != OWN_NONE))
        work += overdue_take(d, now);
    return work + desk_strategy_timers(d, now);
}
