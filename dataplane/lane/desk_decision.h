// What both ways of a decision share: an order that is asked for (desk.c), and one that waited for
// its record and is gated again (desk_park.c).
#pragma once

#include <string.h>

#include "dataplane/book/book.h"
#include "dataplane/lane/desk_luld.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_self.h"

// Slots of the ring that are surely free; the reader's word is only looked at when they run short.
HOT_INLINE uint64_t credit(struct desk *d)
{
    struct event_writer *w = &d->lane->trading;
    const uint64_t known = (uint64_t)w->mask + 1 - (w->tail - w->committed);
    return LIKELY(known >= d->risk.event_credit_min) ? known : event_credit(w);
}

// --- one decision ---

// What the gate and the record of a decision need to know; on its way through the functions below.
struct decision {
    struct event event;
    struct gate_order gate;
    struct frame_order frame;
    struct session *session;
    struct self_found self;
    uint64_t started;   // ticks
    uint64_t number;    // of the published DECISION
    uint32_t positions; // open before it
};

// A limit that lanes share is compared with what this lane was granted of it: LEASE where that
// alone was short. <at>: when the order was asked for. What was compared stands in the record.
enum refusal decision_shared(struct desk *d, struct decision *c, enum refusal refusal, uint64_t at);

// With a discretion the order may execute there: both prices are judged, and the worse of the two
// is reserved.
HOT_INLINE uint32_t price_worst(const struct decision *c)
{
    if (LIKELY(c->frame.extras == NULL))
        return c->frame.price;
    const uint32_t reach = ouch_extras_reach(c->frame.extras);
    return reach > c->frame.price ? reach : c->frame.price;
}

HOT_INLINE uint32_t ticks_since(const struct desk *d, uint64_t from)
{
    const uint64_t ticks = d->lane->now(d->lane->clock) - from;
    return ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
}

// Hours of the market are its system events: Q (ITCH) or R (DEEP) begins them, M ends them.
// What the feed does not say the calendar does.
HOT_INLINE uint32_t phase_of(const struct desk *d, const struct channel *ch,
                             const struct book_symbol *symbol)
{
    switch (symbol->trading_state) {
    case 'T':
        if (UNLIKELY(ch->market.system_event == 0 && d->limits->market != PHASE_UNKNOWN))
            return d->limits->market;
        return ch->market.system_event == 'O' || ch->market.system_event == 'S' ? PHASE_BEFORE
               : ch->market.system_event == 'M' || ch->market.system_event == 'E' ||
                       ch->market.system_event == 'C'
                   ? PHASE_AFTER
                   : PHASE_TRADING;
    case 'Q': return PHASE_QUOTATION;
    case 'P': return PHASE_PAUSED;
    case 'H': return PHASE_HALTED;
    default: return PHASE_UNKNOWN;
    }
}

// What the order asks for that can be forbidden. <kind>: O U M.
HOT_INLINE uint32_t asks_of(const struct frame_order *f, char kind)
{
    const char tif = f->time_in_force;
    uint32_t asks = f->side == 'B' ? 1u << PERMISSION_BUY : 1u << PERMISSION_SELL;
    asks |= (uint32_t)(f->side == 'T' || f->side == 'E') << PERMISSION_SHORT;
    asks |= tif == '0'   ? 1u << PERMISSION_DAY
            : tif == '3' ? 1u << PERMISSION_IOC
            : tif == '6' ? 1u << PERMISSION_TIMED
                         : 1u << PERMISSION_EXTENDED;
    asks |= (uint32_t)(f->display == 'N') << PERMISSION_HIDDEN;
    asks |= (uint32_t)(f->display == 'A') << PERMISSION_ATTRIBUTED;
    asks |= (uint32_t)(f->extras != NULL) << PERMISSION_OPTIONS;
    asks |= (uint32_t)(kind == 'U') << PERMISSION_REPLACE;
    asks |= (uint32_t)(kind == 'M') << PERMISSION_MODIFY;
    return asks;
}

// The market as the decision saw it. Without a book of the venue its quality is the worst; a book
// that is lent is none, as another core writes it.
HOT_INLINE void look_at_market(struct desk *d, struct decision *c, uint32_t session,
                               uint32_t instrument)
{
    const struct channel *ch = d->sessions[session].channel;
    struct event_decision *e = &c->event.decision;
    c->gate.quality = e->quality = QUALITY_SUSPECT;
    if (UNLIKELY(ch == NULL || ch->book_lent)) {
        c->gate.phase = d->limits->market;
        c->gate.short_rule = ch != NULL; // what the feed has said of it cannot be read
        return;
    }
    const uint16_t slot = desk_slot(d, session, instrument);
    if (UNLIKELY(slot == SYMBOL_NONE)) {
        c->gate.short_rule = true; // it has not said anything yet
        return;
    }
    const struct book_symbol *symbol = &ch->book.symbols[slot];
    const struct level *bid = book_best(&ch->book, symbol, BOOK_BID);
    const struct level *ask = book_best(&ch->book, symbol, BOOK_ASK);
    if (bid) {
        e->bid = bid->price;
        e->bid_shares = bid->shares < UINT32_MAX ? (uint32_t)bid->shares : UINT32_MAX;
    }
    if (ask) {
        e->ask = ask->price;
        e->ask_shares = ask->shares < UINT32_MAX ? (uint32_t)ask->shares : UINT32_MAX;
    }
    c->gate.bid = e->bid;
    c->gate.ask = e->ask;
    c->gate.last = symbol->last_price;
    c->gate.phase = (uint8_t)phase_of(d, ch, symbol);
    c->gate.collecting =
        (uint32_t)c->gate.phase - PHASE_QUOTATION <= PHASE_HALTED - PHASE_QUOTATION;
    c->gate.quality = e->quality = (uint8_t)channel_symbol_quality(ch, slot);
    // Rule 201 may have begun with one of the messages that are missing.
    c->gate.short_rule =
        symbol->flags & SYMBOL_SHORT_RESTRICTED || c->gate.quality == QUALITY_SUSPECT;
}

// Everything of the order that is known before the gate, into record and frame.
HOT_INLINE void decision_describe(struct desk *d, struct decision *c, uint32_t session,
                                  uint32_t instrument, uint64_t client_id)
{
    struct event_decision *e = &c->event.decision;
    e->client_id = client_id;
    e->ref = c->frame.ref;
    e->quantity = c->frame.quantity;
    e->price = c->frame.price;
    e->instrument = (uint16_t)instrument;
    e->session = (uint8_t)session;
    e->side = (uint8_t)c->frame.side;
    e->time_in_force = (uint8_t)c->frame.time_in_force;
    e->display = (uint8_t)c->frame.display;
    e->clock_quality = d->clock;
    c->session = d->sessions[session].session;
}

// What holds for an order with options as long as it lives: a modify does not say them again.
static COLD void gate_options(struct gate_order *o, const struct ouch_extras *extras)
{
    o->discretion = ouch_extras_reach(extras);
    o->reaches = o->discretion != 0;
    o->auction = ouch_extras_auction(extras);
    o->opening = ouch_extras_opening(extras);
}

static COLD void gate_prepare_extras(struct decision *c)
{
    const struct ouch_extras *extras = c->frame.extras;
    c->gate.asks |= (uint16_t)((extras->iso == 'Y') << PERMISSION_ISO |
                               ouch_extras_post_only(extras) << PERMISSION_POST_ONLY);
    gate_options(&c->gate, extras);
}

// What the gate asks for beside owner and exposure.
HOT_INLINE void gate_prepare(struct desk *d, struct decision *c, uint32_t frame_len)
{
    d->risk.event_credit = credit(d);
    c->gate.now = d->lane->stamp;
    c->gate.quantity = c->frame.quantity;
    c->gate.price = c->frame.price;
    c->gate.side = c->frame.side;
    c->gate.asks = (uint16_t)asks_of(&c->frame, (char)c->event.decision.kind);
    if (UNLIKELY(c->frame.extras != NULL))
        gate_prepare_extras(c);
    c->gate.session_up = session_may_enter(c->session);
    c->gate.session_free = c->gate.session_up && session_free(c->session, frame_len);
    if (UNLIKELY(d->luld))
        desk_luld_gate(d, &c->gate);
}

// OUCH 4.2 has one letter for what the display and the options say.
static COLD void approve_extras(struct session *s, const struct frame_order *o, char letter)
{
    s->approved_extras = o->extras;
    if (s->frames.version == OUCH_42 && letter != 'M')
        s->approved.display = ouch42_display(o->extras, o->display);
}

// Its record is published: the frame goes to the port, and another record says what became of it.
HOT_INLINE enum session_sent frame_hand_over(struct decision *c, const struct frame_bytes *frame,
                                             char letter, uint64_t stamp)
{
    struct session *s = c->session;
    s->approved = (struct egress){.ref = c->frame.ref,
                                  .ref_was = c->frame.ref_was,
                                  .quantity = c->frame.quantity,
                                  .price = c->frame.price,
                                  .side = c->frame.side,
                                  .letter = letter,
                                  .time_in_force = c->frame.time_in_force,
                                  .display = c->frame.display};
    if (letter == 'O')
        memcpy(s->approved.symbol, c->frame.symbol, sizeof s->approved.symbol);
    else if (letter == 'U')
        s->approved.side = 0;
    else
        s->approved = (struct egress){.ref = c->frame.ref,
                                      .quantity = c->frame.quantity,
                                      .side = c->frame.side,
                                      .letter = letter};
    if (UNLIKELY(c->frame.extras != NULL))
        approve_extras(s, &c->frame, letter);
    return session_send_order(s, frame, stamp);
}

HOT_INLINE void sent_tell(struct desk *d, const struct decision *c, uint32_t index, char letter,
                          enum refusal refusal)
{
    struct event done = {.type = refusal ? EVENT_ORDER_NOT_SENT : EVENT_ORDER_SENT};
    done.order_sent.decision = c->number;
    done.order_sent.order = index;
    done.order_sent.ref = c->frame.ref;
    done.order_sent.session = c->event.decision.session;
    done.order_sent.kind = (uint8_t)letter;
    done.order_sent.refusal = (uint16_t)refusal;
    done.order_sent.handed = ticks_since(d, d->lane->stamp);
    desk_publish(d, &done);
}

HOT_INLINE enum refusal decision_hand_over(struct desk *d, struct decision *c, uint32_t index,
                                           const struct frame_bytes *frame, char letter)
{
    const enum session_sent sent = frame_hand_over(c, frame, letter, d->lane->stamp);
    const enum refusal refusal = sent == SESSION_SENT     ? REFUSAL_NONE
                                 : sent == SESSION_EGRESS ? REFUSAL_EGRESS
                                                          : REFUSAL_TRANSMIT;
    sent_tell(d, c, index, letter, refusal);
    return refusal;
}
