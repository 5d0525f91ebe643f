#include "tests/sim/trade_ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/check.h"
#include "dataplane/base/hints.h"
#include "dataplane/order/order.h"

void ledger_free(struct trade_ledger *l)
{
    free(l->theirs.rows);
    free(l->ours.rows);
}

static void row_add(struct ledger_rows *rows, const struct ledger_row *row)
{
    if (rows->count == rows->room) {
        rows->room = rows->room ? 2 * rows->room : 4096;
        rows->rows = realloc(rows->rows, rows->room * sizeof *rows->rows);
        MUST(rows->rows);
    }
    rows->rows[rows->count++] = *row;
}

// --- the exchange's log ---

static uint32_t instrument_of(const struct trade_ledger *l, const char *symbol)
{
    char padded[8];
    size_t len = strnlen(symbol, 8);
    memset(padded, ' ', sizeof padded);
    memcpy(padded, symbol, len);
    for (uint32_t i = 0; i < l->symbol_count; i++)
        if (memcmp(l->symbols[i], padded, sizeof padded) == 0)
            return i;
    return UINT32_MAX;
}

uint32_t ledger_number(const struct trade_ledger *l, enum ouch_version version, uint32_t ref,
                       const char *token)
{
    char padded[14];
    if (version == OUCH_50)
        return ref;
    memset(padded, ' ', sizeof padded);
    memcpy(padded, token, strnlen(token, sizeof padded));
    return ouch_token_read(padded, &l->prefix);
}

static void hash_in(uint64_t *hash, const uint64_t *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < 64; k += 8)
            *hash = (*hash ^ (words[i] >> k & 255)) * 0x100000001b3ull;
}

static void request(struct trade_ledger *l, const struct ledger_row *from,
                    const struct bourse_record *r)
{
    static const struct {
        const char *text;
        enum ledger_kind kind;
    } kinds[] = {{"enter", LEDGER_ENTER},
                 {"replace", LEDGER_REPLACE},
                 {"modify", LEDGER_MODIFY},
                 {"cancel", LEDGER_CANCEL},
                 {"mass cancel", LEDGER_CANCEL}};
    for (uint32_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(r->text, kinds[i].text) != 0)
            continue;
        struct ledger_row row = *from;
        row.kind = kinds[i].kind;
        row.quantity = r->quantity;
        row.price = row.kind <= LEDGER_REPLACE ? (uint32_t)r->price : 0;
        if (row.kind != LEDGER_ENTER)
            row.sells = row.instrument = 0;
        row_add(&l->theirs, &row);
    }
}

void ledger_record(struct trade_ledger *l, uint32_t venue, enum ouch_version version,
                   const struct bourse_record *r)
{
    struct ledger_row row = {.venue = venue,
                             .ref = ledger_number(l, version, r->user_ref, r->token),
                             .instrument = instrument_of(l, r->symbol),
                             .sells = side_sells(r->side)};
    const uint64_t words[] = {venue,       r->number, r->now_ns,   r->day_ns,   r->event,
                              row.ref,     r->locate, r->quantity, r->open,     r->price,
                              r->executed, r->match,  r->reason,   r->reference};
    hash_in(&l->log_hash, words, ARRAY_LEN(words));
    if (r->member != 0)
        return;
    if (r->event == BOURSE_REQUEST)
        request(l, &row, r);
    if (r->event == BOURSE_REPLACED) {
        MUST(row.ref < LEDGER_REFS);
        l->replaced[venue][row.ref] =
            ledger_number(l, version, r->user_ref_original, r->token_original);
    }
    if (r->event != BOURSE_EXECUTED && r->event != BOURSE_BROKEN)
        return;
    row.kind = r->event == BOURSE_EXECUTED ? LEDGER_FILL : LEDGER_BREAK;
    row.match = r->match;
    row.quantity = r->quantity;
    row.price = (uint32_t)r->price;
    row_add(&l->theirs, &row);
}

// --- the lane's events ---

static void decision(struct trade_ledger *l, const struct event *e)
{
    const struct event_decision *d = &e->decision;
    if (d->refusal != REFUSAL_NONE)
        return;
    const uint32_t at = e->sequence % LEDGER_PENDING;
    l->decided_number[at] = e->sequence;
    l->decided[at] = (struct ledger_row){
        .kind = d->kind == 'O'   ? LEDGER_ENTER
                : d->kind == 'U' ? LEDGER_REPLACE
                                 : LEDGER_MODIFY,
        .venue = d->session,
        .ref = d->ref,
        .quantity = d->quantity,
        .price = d->kind == 'M' ? 0 : d->price,
        .instrument = d->kind == 'O' ? d->instrument : 0,
        .sells = d->kind == 'O' && side_sells((char)d->side),
    };
}

static void sent(struct trade_ledger *l, const struct event *e)
{
    const uint32_t at = e->order_sent.decision % LEDGER_PENDING;
    MUST(l->decided_number[at] == e->order_sent.decision);
    row_add(&l->ours, &l->decided[at]);
    l->decided_number[at] = 0; // once
}

// <change> shares come in, or go below 0: what is closed takes its part of the cost along, rounded
// towards zero, what goes beyond it begins anew.
static void cost_change(struct ledger_money *m, int64_t change, uint32_t price)
{
    const int64_t held = m->shares, after = held + change;
    if ((held >= 0 && change > 0) || (held <= 0 && change < 0))
        m->cost += change * (int64_t)price;
    else if ((held > 0) == (after > 0) && after != 0)
        m->cost -= (int64_t)((__int128)m->cost * (held - after) / held);
    else
        m->cost = after * (int64_t)price;
}

// <moves>: the position and its money, too.
static void traded(struct trade_ledger *l, const struct event_order *o, bool broken, bool moves)
{
    const uint32_t shares = broken ? o->broken_shares : o->fill_shares;
    const uint32_t price = broken ? o->broken_price : o->fill_price;
    const bool sells = side_sells((char)o->side);
    const struct ledger_row row = {.kind = broken ? LEDGER_BREAK : LEDGER_FILL,
                                   .venue = o->session,
                                   .ref = o->ref,
                                   .match = o->match,
                                   .quantity = shares,
                                   .price = price,
                                   .instrument = o->instrument,
                                   .sells = sells};
    struct ledger_money *m = &l->account[o->account][o->instrument];
    const int64_t sign = sells == broken ? 1 : -1; // of the shares
    row_add(&l->ours, &row);
    if (!moves)
        return;
    cost_change(m, sign * (int64_t)shares, price);
    m->shares += sign * (int64_t)shares;
    m->value -= sign * (int64_t)((uint64_t)shares * price);
}

void ledger_event(struct trade_ledger *l, const struct event *e)
{
    if (e->type == EVENT_DECISION)
        decision(l, e);
    else if (e->type == EVENT_ORDER_SENT)
        sent(l, e);
    else if (e->type == EVENT_CANCEL_SENT)
        row_add(&l->ours, &(struct ledger_row){.kind = LEDGER_CANCEL,
                                               .venue = e->cancel_sent.session,
                                               .ref = e->cancel_sent.ref,
                                               .quantity = e->cancel_sent.total});
    if (e->type != EVENT_ORDER)
        return;
    MUST(e->order.account < LEDGER_ACCOUNTS && e->order.instrument < LEDGER_INSTRUMENTS);
    const struct event_order *o = &e->order;
    const bool both = o->did & DID_BREAK && o->did & DID_FILL;
    const bool alike = o->fill_shares == o->broken_shares && o->fill_price == o->broken_price;
    if (o->did & DID_BREAK)
        traded(l, o, true, !(both && alike));
    if (o->did & DID_FILL)
        traded(l, o, false, !(both && alike));
}

void ledger_show(const struct event *e)
{
    const struct event_order *o = &e->order;
    if (e->type == EVENT_DECISION)
        fprintf(stderr, "  decision %c %u of session %u: %u at %u, %c: %s\n", e->decision.kind,
                e->decision.ref, e->decision.session, e->decision.quantity, e->decision.price,
                e->decision.side, refusal_name(e->decision.refusal));
    else if (e->type == EVENT_ORDER_NOT_SENT)
        fprintf(stderr, "  not sent: %u of session %u\n", e->order_sent.ref, e->order_sent.session);
    else if (e->type == EVENT_CANCEL_SENT)
        fprintf(stderr, "  cancel %u of session %u to %u\n", e->cancel_sent.ref,
                e->cancel_sent.session, e->cancel_sent.total);
    else if (e->type == EVENT_ORDER)
        fprintf(stderr,
                "  order %u of session %u: %s, did %x, %s, waits %x, %u open, %u filled, fill %u, "
                "match %llx\n",
                o->ref, o->session, order_message_name(o->message), o->did,
                order_life_name(o->life), o->waits, o->open, o->filled, o->fill_shares,
                (unsigned long long)o->match);
    else if (e->type == EVENT_ORDER_SESSION)
        fprintf(stderr, "  session %u: state %u to %u, next %llu, missing %llu, %c\n",
                e->order_session.session, e->order_session.was, e->order_session.now,
                (unsigned long long)e->order_session.next_sequence,
                (unsigned long long)e->order_session.missing,
                e->order_session.reject ? e->order_session.reject : '-');
    else
        fprintf(stderr, "  event %u\n", e->type);
}

// --- comparison ---

static int row_compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ledger_row));
}

static bool is_trade(const struct ledger_row *row)
{
    return row->kind >= LEDGER_FILL;
}

// A sorted copy of trades or requests; trades under the first number of their chain.
static struct ledger_rows selected(const struct trade_ledger *l, const struct ledger_rows *from,
                                   bool trades)
{
    struct ledger_rows out = {NULL, 0, 0};
    for (uint32_t i = 0; i < from->count; i++) {
        struct ledger_row row = from->rows[i];
        if (is_trade(&row) != trades)
            continue;
        while (trades && row.ref < LEDGER_REFS && l->replaced[row.venue][row.ref])
            row.ref = l->replaced[row.venue][row.ref];
        row_add(&out, &row);
    }
    if (out.count)
        qsort(out.rows, out.count, sizeof *out.rows, row_compare);
    return out;
}

static void row_say(const struct ledger_row *r, const char *who, char *why, uint32_t why_len)
{
    static const char *const names[] = {"enter", "replace", "modify", "cancel", "fill", "break"};
    snprintf(why, why_len,
             "%s only: %s of venue %u, number %u, %u at %u, match %llx, symbol %u, %s", who,
             names[r->kind], r->venue, r->ref, r->quantity, r->price, (unsigned long long)r->match,
             r->instrument, r->sells ? "sells" : "buys");
}

static bool rows_equal(struct trade_ledger *l, bool trades, bool all, char *why, uint32_t why_len)
{
    struct ledger_rows theirs = selected(l, &l->theirs, trades);
    struct ledger_rows ours = selected(l, &l->ours, trades);
    uint32_t at = 0;
    bool equal = true;
    for (uint32_t i = 0; equal && i < theirs.count; at++) {
        const int order = at < ours.count ? row_compare(&ours.rows[at], &theirs.rows[i]) : 1;
        if (order == 0) {
            i++;
            continue;
        }
        equal = order < 0 && !all;
        if (!equal)
            row_say(order < 0 ? &ours.rows[at] : &theirs.rows[i], order < 0 ? "ours" : "theirs",
                    why, why_len);
    }
    if (equal && all && at < ours.count) {
        equal = false;
        row_say(&ours.rows[at], "ours", why, why_len);
    }
    free(theirs.rows);
    free(ours.rows);
    return equal;
}

bool ledger_trades_equal(struct trade_ledger *l, char *why, uint32_t why_len)
{
    return rows_equal(l, true, true, why, why_len);
}

bool ledger_requests_equal(struct trade_ledger *l, bool all, char *why, uint32_t why_len)
{
    return rows_equal(l, false, all, why, why_len);
}

struct ledger_money ledger_exchange(const struct trade_ledger *l, uint32_t instrument)
{
    struct ledger_money m = {0};
    for (uint32_t i = 0; i < l->theirs.count; i++) {
        const struct ledger_row *r = &l->theirs.rows[i];
        if (!is_trade(r) || r->instrument != instrument)
            continue;
        const int64_t sign = (r->sells != 0) == (r->kind == LEDGER_BREAK) ? 1 : -1;
        m.shares += sign * (int64_t)r->quantity;
        m.value -= sign * (int64_t)((uint64_t)r->quantity * r->price);
    }
    return m;
}
