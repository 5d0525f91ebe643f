// Hot path: what each effect of states.def does.
#include "dataplane/abi/trade.h"
#include "dataplane/base/check.h"
#include "dataplane/order/order.h"

void order_place_free(struct order_table *t, uint32_t index); // table.c
void order_cancel_leave(struct order_table *t, uint32_t index);

struct step {
    struct order_table *t;
    struct own_order *o;
    const struct ouch_report *r; // null: the session found it out
    struct order_outcome *out;
    struct execution *known; // of an execution, a break or a correction: what is remembered of it
    uint32_t index;
    enum order_message message;
};

// --- pieces ---

static void wrong(struct step *s)
{
    s->o->flags |= ORDER_QUARANTINED;
    s->t->wrong++;
    s->out->did |= DID_WRONG;
}

static void end(struct step *s, uint32_t reason)
{
    struct own_order *o = s->o;
    o->life = LIFE_DEAD;
    o->waits = 0;
    o->open = 0;
    o->reason_kind = (uint8_t)s->message;
    o->reason = reason;
    order_place_free(s->t, s->index);
    s->out->did |= DID_CHANGE | DID_END;
}

static bool turned(const struct step *s)
{
    return side_sells(s->r->side) != side_sells(s->o->side);
}

// Whatever the exchange says about an order shows that it has it.
static void lives(struct step *s)
{
    if (s->o->life == LIFE_LIVE)
        return;
    s->o->life = LIFE_LIVE;
    s->out->did |= DID_CHANGE;
}

static void settle(struct step *s)
{
    if (s->o->waits == 0)
        order_timer_stop(s->t, s->index);
    s->out->did |= DID_CHANGE;
}

static void cancel_done(struct step *s)
{
    s->o->waits &= (uint8_t)~WAIT_CANCEL;
    s->o->cancels = 0;
    settle(s);
}

// The cancel named a number that is not alive: it was ignored.
static void recancel_if_missed(struct step *s)
{
    if (s->o->waits & WAIT_CANCEL && s->o->cancel_ref != s->o->ref)
        s->out->did |= DO_CANCEL;
}

static void change_done(struct step *s)
{
    s->o->waits &= (uint8_t)~WAIT_CHANGE;
    s->o->change_ref = 0;
    recancel_if_missed(s);
    settle(s);
}

// What the exchange says is open now; the total of the chain is never less than its parts.
static void open_set(struct own_order *o, uint32_t open)
{
    const uint64_t parts = (uint64_t)open + o->filled + o->prevented;
    const uint64_t total = parts > o->change_total ? parts : o->change_total;
    o->quantity = total < UINT32_MAX ? (uint32_t)total : UINT32_MAX;
    o->open = open;
}

// The replacement is what the exchange works with from here on.
static void replaced(struct step *s, uint32_t open, uint32_t price)
{
    struct own_order *o = s->o;
    o->ref = o->change_ref;
    open_set(o, open);
    o->price = price;
    o->limit = o->change_price;
    change_done(s);
}

// The acknowledgement of the replace has not come, but something that only follows it.
static void replaced_unsaid(struct step *s)
{
    replaced(s, order_change_open(s->o), s->o->change_price);
}

// True: the message names a link of the chain that has been replaced. What it takes off is known:
// the replaced message has left it out already. A later number that was given up never came to be.
static bool of_old_link(struct step *s)
{
    const struct own_order *o = s->o;
    if (LIKELY(s->r->ref == o->ref) || (o->waits & WAIT_REPLACE && s->r->ref == o->change_ref))
        return false;
    if (UNLIKELY(s->r->ref > o->ref))
        wrong(s);
    return true;
}

// --- effects ---

static void do_NOTHING(struct step *s)
{
    (void)s;
}

static void do_WRONG(struct step *s)
{
    wrong(s);
}

// A person, or the account query, has said that the exchange does not have it.
static bool closed(const struct own_order *o)
{
    return o->life == LIFE_DEAD &&
           (o->reason_kind == ORDER_MESSAGE_CLOSED || o->reason_kind == ORDER_MESSAGE_NOT_SEEN);
}

// It is there after all: somebody has to look.
static void do_THERE(struct step *s)
{
    wrong(s);
    if (LIKELY(closed(s->o)))
        s->out->did |= DID_UNCLAIMED;
}

static void do_LIVES(struct step *s)
{
    lives(s);
}

// Accepted values win over entered ones: a price as good or better, never more shares. A worse one
// is a contradiction, and believed, as more is reserved then. What was taken off stays off.
static bool accepted_take(struct step *s)
{
    struct own_order *o = s->o;
    const uint32_t off = o->quantity - o->open;
    if (UNLIKELY(o->flags & ORDER_ACCEPTED || s->r->quantity > o->quantity || turned(s))) {
        wrong(s);
        return false;
    }
    if (UNLIKELY(order_beyond(s->t, s->index, s->r->price)))
        wrong(s);
    o->flags |= ORDER_ACCEPTED;
    o->exchange_ref = s->r->exchange_ref;
    o->quantity = s->r->quantity;
    o->open = s->r->quantity > off ? s->r->quantity - off : 0;
    o->price = s->r->price;
    o->side = s->r->side;
    o->display = s->r->display;
    return true;
}

static void do_ACCEPT(struct step *s)
{
    if (!accepted_take(s))
        return;
    lives(s);
    settle(s);
    if (UNLIKELY(s->o->open == 0))
        end(s, 0);
}

// Something else has shown before that the exchange took it; by now it may be replaced or over.
static void do_TARDY(struct step *s)
{
    if (s->o->life == LIFE_LIVE && s->r->ref == s->o->ref) {
        do_ACCEPT(s);
        return;
    }
    if (UNLIKELY(s->o->flags & ORDER_ACCEPTED || closed(s->o)))
        do_THERE(s);
    s->o->flags |= ORDER_ACCEPTED;
}

static void do_STILLBORN(struct step *s)
{
    if (UNLIKELY(s->o->flags & ORDER_ACCEPTED)) {
        wrong(s);
        return;
    }
    s->o->flags |= ORDER_ACCEPTED;
    s->o->exchange_ref = s->r->exchange_ref;
    end(s, 0);
}

static bool replace_fits(struct step *s)
{
    if (LIKELY(s->r->ref == s->o->change_ref && s->r->ref_was == s->o->ref))
        return true;
    wrong(s);
    return false;
}

// Fewer shares than we think: executions that are still to be read. More, and a price beyond what
// was asked for, are contradictions, and believed, as they are the worse.
static void do_REPLACE(struct step *s)
{
    if (!replace_fits(s))
        return;
    const uint32_t expected = order_change_open(s->o);
    lives(s);
    replaced(s, s->r->quantity, s->r->price);
    s->o->exchange_ref = s->r->exchange_ref;
    if (UNLIKELY(s->r->quantity > expected || turned(s) ||
                 order_beyond(s->t, s->index, s->r->price)))
        wrong(s);
    if (UNLIKELY(s->r->quantity == 0))
        end(s, 0);
}

static void do_REPLACE_D(struct step *s)
{
    if (!replace_fits(s))
        return;
    replaced(s, 0, s->r->price);
    end(s, 0);
}

static void do_REDUCE(struct step *s)
{
    struct own_order *o = s->o;
    if (of_old_link(s))
        return;
    if (UNLIKELY(s->r->ref != o->ref))
        replaced_unsaid(s);
    lives(s);
    const uint32_t off = s->r->quantity < o->open ? s->r->quantity : o->open;
    if (UNLIKELY(s->r->quantity > o->open || s->r->quantity == 0))
        wrong(s);
    o->open -= off;
    if (s->r->reason == 'Q')
        o->prevented += off;
    s->out->did |= DID_CHANGE;
    if (o->open == 0) {
        end(s, s->r->reason);
        return;
    }
    // A cancel of everything is done when nothing is left: this may answer an earlier one.
    if (s->r->reason == 'U' && o->cancel_total)
        cancel_done(s);
}

// It was broken or corrected before it was told.
static COLD void fill_early(struct step *s, uint32_t shares)
{
    struct execution *e = s->known;
    e->early = false;
    if (e->shares) { // as corrected
        s->out->shares = e->shares;
        s->out->price = e->price;
        s->o->filled += e->shares;
        return;
    }
    s->out->did |= DID_BREAK;
    s->out->broken_shares = shares;
    s->out->broken_price = s->r->price;
}

static void fill_told(struct step *s, uint32_t shares)
{
    s->out->did |= DID_FILL | DID_CHANGE;
    s->out->executed = shares;
    s->o->executed += shares;
    s->out->shares = shares;
    s->out->price = s->r->price;
    s->out->match = s->r->match;
    if (UNLIKELY(s->known != NULL)) {
        fill_early(s, shares);
        return;
    }
    s->o->filled += shares;
    if (!execution_add(s->t, s->index, s->r->ref, s->r->match, shares, s->r->price))
        s->out->did |= DID_UNCLAIMED; // nor could it be broken, or known when it comes again
}

// Too much, or beyond the price: it is a position all the same. An old link's limit is not known.
static void do_FILL(struct step *s)
{
    struct own_order *o = s->o;
    const uint32_t shares = s->r->quantity;
    const bool old = of_old_link(s);
    if (!old) {
        if (UNLIKELY(s->r->ref != o->ref))
            replaced_unsaid(s);
        lives(s);
    }
    fill_told(s, shares);
    if (!old) {
        if (UNLIKELY(shares > o->open || order_beyond(s->t, s->index, s->out->price)))
            wrong(s);
        o->open -= shares < o->open ? shares : o->open;
    }
    if (o->open == 0) // a replace on its way finds nothing to replace, and is ignored
        end(s, 0);
}

// The exchange traded what we thought was over: the position is real, and somebody has to look.
static void do_FILL_DEAD(struct step *s)
{
    fill_told(s, s->r->quantity);
    if (s->r->ref < s->o->ref && !closed(s->o))
        return; // accounted for by the replaced message
    s->out->did |= DID_UNCLAIMED;
    wrong(s);
}

// The execution has not been read: what has become of it is kept for when it is.
static void early(struct step *s)
{
    const uint32_t shares = s->message == ORDER_MESSAGE_CORRECTED ? s->r->quantity : 0;
    struct execution *e =
        execution_add(s->t, s->index, s->r->ref, s->r->match, shares, s->r->price);
    if (e)
        e->early = true;
    wrong(s);
}

// Shares of a broken trade do not come back to the order.
static void do_BREAK(struct step *s)
{
    struct execution *e = s->known;
    if (UNLIKELY(e == NULL)) {
        early(s);
    } else if (UNLIKELY(e->shares == 0 || e->early)) {
        e->shares = s->message == ORDER_MESSAGE_BROKEN ? 0 : e->shares; // after all
        wrong(s);
    } else {
        s->o->filled -= e->shares < s->o->filled ? e->shares : s->o->filled;
        s->out->did |= DID_BREAK | DID_CHANGE;
        s->out->broken_shares = e->shares;
        s->out->broken_price = e->price;
        s->out->match = e->match;
        e->shares = 0;
    }
}

// The same execution with other shares or another price.
static void do_CORRECT(struct step *s)
{
    struct execution *e = s->known;
    do_BREAK(s);
    if (UNLIKELY(!(s->out->did & DID_BREAK)))
        return;
    e->shares = s->r->quantity;
    e->price = s->r->price;
    s->o->filled += e->shares;
    s->out->did |= DID_FILL;
    s->out->shares = e->shares;
    s->out->price = e->price;
}

static void do_REFUSE(struct step *s)
{
    if (UNLIKELY(s->o->flags & ORDER_ACCEPTED || s->r->ref != s->o->ref ||
                 s->o->life == LIFE_LIVE)) {
        wrong(s);
        return;
    }
    end(s, s->r->reason);
}

// The original stays as it is. While nobody knows whether there is one, the answer may also be its.
static void do_REFUSE_R(struct step *s)
{
    if (s->r->ref == s->o->change_ref) {
        lives(s);
        change_done(s);
    } else {
        do_REFUSE(s);
    }
}

// It will be cancelled after the cross, all of it: its own cancel, or one of the whole session. One
// that has not left would have no answer any more.
static void do_LATER(struct step *s)
{
    struct own_order *o = s->o;
    const bool mass = s->r->ref < s->t->sessions[o->session].mass_ref;
    if (UNLIKELY(!mass && !(o->waits & WAIT_CANCEL))) {
        wrong(s);
        return;
    }
    lives(s);
    s->out->did |= o->waits & WAIT_CANCEL ? 0 : DID_CHANGE;
    o->waits |= WAIT_CANCEL;
    o->cancel_total = mass ? 0 : o->cancel_total;
    if (o->cancel_total == 0)
        order_cancel_leave(s->t, s->index);
    if (o->waits & WAIT_CHANGE) // whose timer it is, too
        return;
    o->cancels = 0; // they are answered: the order is not in doubt
    order_timer_stop(s->t, s->index);
}

// Of a cancel to less: one of everything that was sent behind it is still to be answered.
static void do_REFUSE_C(struct step *s)
{
    lives(s);
    if (s->o->cancel_total)
        cancel_done(s);
}

static void do_MOVE(struct step *s)
{
    struct own_order *o = s->o;
    lives(s);
    s->out->did |= DID_CHANGE;
    if (UNLIKELY(s->r->ref != o->ref)) // where the order is, a replaced message says
        return;
    if (UNLIKELY(order_beyond(s->t, s->index, s->r->price)))
        wrong(s); // what the exchange says is reserved
    o->price = s->r->price;
    o->exchange_ref = s->r->exchange_ref;
    o->display = s->r->display;
}

static void do_MODIFY(struct step *s)
{
    struct own_order *o = s->o;
    const uint32_t expected = order_change_open(o);
    const bool other = turned(s);
    lives(s);
    if (LIKELY(!other))
        o->side = s->r->side;
    open_set(o, s->r->quantity);
    change_done(s);
    if (UNLIKELY(other || s->r->quantity > expected))
        wrong(s);
    if (o->open == 0)
        end(s, 0);
}

// --- what the session finds out ---

static void do_NEVER(struct step *s)
{
    end(s, s->message == ORDER_MESSAGE_NOT_SEEN ? REFUSAL_NOT_RECEIVED : 0);
}

static void do_DROP(struct step *s)
{
    change_done(s);
}

// What the exchange has is cancelled, all of it: a part that was asked for once says nothing now.
static void do_DOUBT_R(struct step *s)
{
    struct own_order *o = s->o;
    o->cancels = o->cancel_total ? 0 : o->cancels;
    o->cancel_total = 0;
    o->flags |= ORDER_QUARANTINED;
    s->out->did |= DID_CHANGE | DO_CANCEL;
}

// The exchange has it, and does not say what became of it: what it may execute stays reserved.
static void do_DOUBT(struct step *s)
{
    s->o->life = LIFE_UNKNOWN;
    do_DOUBT_R(s);
}

static void do_ASK(struct step *s)
{
    s->o->flags |= ORDER_ASKED;
    s->out->did |= DO_ASK;
}

// Repeating a cancel is harmless; after some times somebody has to look. One that leaves the order
// what it has is ignored for good; to one that has not left nobody could answer. A replace or
// modify that has no answer either is asked about, until the answer was that nobody knows.
static void do_RECANCEL(struct step *s)
{
    struct own_order *o = s->o;
    if (o->flags & ORDER_CANCEL_QUEUED)
        return;
    const bool superfluous = o->cancel_total && o->cancel_total >= order_total(o);
    const bool asks = o->life == LIFE_LIVE && o->waits & WAIT_CHANGE;
    if (superfluous) {
        cancel_done(s);
    } else if (o->cancels < ORDER_CANCELS_MAX) {
        s->out->did |= DO_CANCEL;
    } else {
        wrong(s);
        return;
    }
    if (asks && (superfluous || !(o->flags & ORDER_QUARANTINED)))
        do_ASK(s);
}

// --- the table ---

enum { COLUMNS = 15 };

#define ROW_OF_15(P, PC, L, LR, LM, LC, LRC, LMC, U, UR, UM, UC, URC, UMC, D)                    \
    {                                                                                            \
        do_##P, do_##PC, do_##L, do_##LR, do_##LM, do_##LC, do_##LRC, do_##LMC, do_##U, do_##UR, \
            do_##UM, do_##UC, do_##URC, do_##UMC, do_##D,                                        \
    }

static void (*const effects[ORDER_MESSAGES][COLUMNS])(struct step *) = {
#define ORDER_ROW(message, ...) [ORDER_MESSAGE_##message] = ROW_OF_15(__VA_ARGS__),
#include "dataplane/order/states.def"
};

#define ORDER_REPORT_IS(m) _Static_assert((int)ORDER_MESSAGE_##m == (int)REPORT_##m, #m);
ORDER_REPORT_IS(ACCEPTED)
ORDER_REPORT_IS(CANCELED)
ORDER_REPORT_IS(BROKEN)
ORDER_REPORT_IS(RESTATED)
_Static_assert((int)ORDER_MESSAGE_NOT_SENT == (int)REPORT_ORDER_KINDS, "reports come first");

// States that cannot be have no column.
static uint32_t column_of(const struct own_order *o)
{
    enum { NO = COLUMNS };
    static const uint8_t columns[LIVES][WAITS] = {
        [LIFE_PENDING] = {0, NO, NO, NO, 1, NO, NO, NO},
        [LIFE_LIVE] = {2, 3, 4, NO, 5, 6, 7, NO},
        [LIFE_UNKNOWN] = {8, 9, 10, NO, 11, 12, 13, NO},
        [LIFE_DEAD] = {14, NO, NO, NO, NO, NO, NO, NO},
    };
    const uint32_t column = columns[o->life][o->waits];
    MUST(column < COLUMNS);
    return column;
}

// --- reading ---

// Time and letter name a message, a cancel its shares and reason too: several may go at one time.
static bool seen_before(struct own_order *o, const struct ouch_report *r)
{
    const uint64_t part = (uint64_t)r->reason << 32 | r->quantity,
                   number = r->kind == REPORT_CANCELED ? part : r->match;
    const uint64_t print = (r->time_ns << 8 | r->letter) ^ number * 0x9E3779B97F4A7C15ull;
    for (uint32_t i = 0; i < ORDER_SEEN_MESSAGES; i++)
        if (o->seen[i] == print)
            return true;
    o->seen[o->seen_count++ % ORDER_SEEN_MESSAGES] = print;
    return false;
}

static bool is_duplicate(const struct step *s)
{
    return s->r->kind == REPORT_EXECUTED ? s->known != NULL && !s->known->early
                                         : seen_before(s->o, s->r);
}

static struct execution *execution_known(struct order_table *t, uint32_t session,
                                         const struct ouch_report *r)
{
    const bool trades =
        r->kind == REPORT_EXECUTED || r->kind == REPORT_BROKEN || r->kind == REPORT_CORRECTED;
    return trades ? execution_find(t, session, r->ref, r->match) : NULL;
}

void order_report(struct order_table *t, uint32_t index, const struct ouch_report *r,
                  struct order_outcome *out)
{
    struct own_order *o = &t->orders[index];
    struct step s = {
        t, o, r, out, execution_known(t, o->session, r), index, (enum order_message)r->kind};
    *out = (struct order_outcome){.did = 0};
    if (UNLIKELY(is_duplicate(&s))) {
        t->duplicates++;
        o->flags |= ORDER_QUARANTINED;
        out->did = DID_DUPLICATE;
        return;
    }
    effects[r->kind][column_of(o)](&s);
}

void order_found_out(struct order_table *t, uint32_t index, enum order_message message,
                     struct order_outcome *out)
{
    struct step s = {t, &t->orders[index], NULL, out, NULL, index, message};
    *out = (struct order_outcome){.did = 0};
    effects[message][column_of(s.o)](&s);
}
