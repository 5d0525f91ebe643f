// What the files of the desk share.
#pragma once

#include <stddef.h>
#include <string.h>

#include "dataplane/book/book.h"
#include "dataplane/lane/desk.h"

// Another core writes the book: nothing of it is read, not even where a symbol is.
static inline bool desk_book_lent(const struct desk *d, uint32_t session)
{
    const struct channel *ch = d->sessions[session].channel;
    return ch && ch->book_lent;
}

// The symbol's place in the book of the session's channel. Of a book that is lent only a place that
// is known already.
static inline uint16_t desk_slot(struct desk *d, uint32_t session, uint32_t instrument)
{
    const struct channel *ch = d->sessions[session].channel;
    struct desk_instrument *in = &d->instruments[instrument];
    if (UNLIKELY(ch == NULL))
        return SYMBOL_NONE;
    if (UNLIKELY(in->slot[session] == SYMBOL_NONE) && !ch->book_lent)
        in->slot[session] = book_symbol_find(&ch->book, in->symbol);
    return in->slot[session];
}

// Publishes; false: the ring is full.
bool desk_publish(struct desk *d, struct event *event);
// Exposure follows what the order may still do.
void desk_hold(struct desk *d, struct own_order *o);
struct exposure_owner desk_burden(const struct own_order *o);
// Positions and money follow what was executed and undone, by the rule of EVENT_ORDER (events.def).
static inline void desk_book(struct desk *d, const struct exposure_owner *owner,
                             const struct order_outcome *out)
{
    const struct exposure_trade was = {out->broken_shares, out->broken_price};
    const struct exposure_trade now = {out->shares, out->price};
    if (UNLIKELY(out->did & DID_BREAK && out->did & DID_FILL))
        exposure_correct(&d->risk, owner, &was, &now);
    else if (out->did & DID_FILL)
        exposure_fill(&d->risk, owner, now.shares, now.price, d->lane->stamp);
    else if (UNLIKELY(out->did & DID_BREAK))
        exposure_break(&d->risk, owner, was.shares, was.price);
}
// Takes in what a message or a finding did to an order: exposure, position, event, owner, cancels.
void desk_settle(struct desk *d, uint32_t index, const struct ouch_report *r,
                 enum order_message message, const struct order_outcome *out);
// From now on, or no longer: an execution in the symbol is not claimed.
void desk_quarantine(struct desk *d, uint32_t instrument, bool on);
// Somebody has used the reference: it is not given again.
void desk_ref_spent(struct desk *d, uint32_t session, uint32_t ref);
void desk_report(struct desk *d, uint32_t session, const struct ouch_report *r);
// The cancel goes into the session's queue, and says so.
void desk_cancel_wait(struct desk *d, uint32_t order, uint32_t total);
// The oldest of them leaves.
void desk_cancel_next(struct desk *d, uint32_t session);
bool desk_killed(const struct desk *d, const struct own_order *o);
// One position is marked anew.
void desk_mark_turn(struct desk *d);
// Records limits on losses that were broken since the last call.
void desk_losses_tell(struct desk *d);
// Takes notice of kills: KILL is published, what is open will be swept.
void desk_kills_look(struct desk *d);
// A kill is about to be lifted: what its sweep has not come to yet is cancelled all the same.
void desk_kill_outlast(struct desk *d, enum trade_scope scope, uint32_t index);

// What does not even come to the gate counts for the rates of its session and symbol, where it has
// them: a loop of such orders ends in MESSAGE_RATE, which <e> says then.
void desk_refused_charge(struct desk *d, struct event_decision *e);
// <e> has refused an order: what it has compared is kept until the next one.
void desk_refused_keep(struct desk *d, const struct event_decision *e);
struct strategy_refusal;
// What <refusal> has compared that <strategy> was just given; times are ns. False: nothing, and all
// of <out> is zero.
bool desk_refused_tell(const struct desk *d, uint32_t strategy, enum refusal refusal,
                       struct strategy_refusal *out);
// An order is refused before there is a message of it: recorded and counted like every other.
// <why>: refusal, and what is known of the order; <session> UINT8_MAX: it is for none.
enum refusal desk_refuse(struct desk *d, const struct event_decision *why);
// How much credit an order has to find; after what stops orders has changed.
void desk_credit_ask(struct desk *d);
// The journal is written to, or not any more.
void desk_record_take(struct desk *d, uint64_t state);

static inline void desk_record_look(struct desk *d)
{
    const uint64_t state = atomic_load_explicit(&d->record->state, memory_order_acquire);
    if (UNLIKELY(state != d->record_seen))
        desk_record_take(d, state);
}

// The position as it is now, for whoever looks at the region: one cell, some twenty instructions.
static inline void desk_show(const struct desk *d, uint32_t position)
{
    if (UNLIKELY(d->shown == NULL))
        return;
    const struct position *p = &d->risk.positions[position];
    struct position_cell *cell = &d->shown[position];
    position_cell_begin(cell);
    cell->key = p->key;
    cell->open_buy = p->open_buy;
    cell->open_sell = p->open_sell;
    memcpy(&cell->bought, &d->risk.money[position],
           sizeof *cell - offsetof(struct position_cell, bought));
    position_cell_end(cell);
}
_Static_assert(offsetof(struct position_money, marked) ==
                   sizeof(struct position_cell) - offsetof(struct position_cell, bought),
               "a cell shows what stands in a position's money up to its cost");
