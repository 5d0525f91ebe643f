// Hot path, but for set-up: places, references, lists, executions.
#include "dataplane/order/order.h"

#include <string.h>

// --- set-up ---

uint64_t orders_bytes(const struct order_config *c)
{
    return cache_lines((uint64_t)c->orders * sizeof(struct own_order)) +
           cache_lines((uint64_t)c->orders * sizeof(uint32_t)) +
           c->sessions * cache_lines((uint64_t)c->refs_max * sizeof(struct order_ref)) +
           cache_lines((uint64_t)c->executions * sizeof(struct execution)) +
           cache_lines((uint64_t)c->orders * sizeof(struct ouch_extras));
}

void orders_init(struct order_table *t, const struct order_config *c, void *memory)
{
    uint8_t *p = memory;
    memset(t, 0, sizeof *t);
    t->orders = (struct own_order *)(void *)p;
    p += cache_lines((uint64_t)c->orders * sizeof(struct own_order));
    t->ended = (uint32_t *)(void *)p;
    p += cache_lines((uint64_t)c->orders * sizeof(uint32_t));
    for (uint32_t i = 0; i < SESSIONS_MAX; i++) {
        struct order_session *s = &t->sessions[i];
        s->open = s->cancels = (struct order_list){OWN_NONE, OWN_NONE};
        s->next_ref = 1;
        if (i < c->sessions) {
            s->refs = (struct order_ref *)(void *)p;
            p += cache_lines((uint64_t)c->refs_max * sizeof(struct order_ref));
        }
    }
    t->executions = (struct execution *)(void *)p;
    p += cache_lines((uint64_t)c->executions * sizeof(struct execution));
    t->extras = (struct ouch_extras *)(void *)p;
    t->execution_mask = c->executions - 1;
    t->capacity = c->orders;
    t->refs_max = c->refs_max;
    t->silence_ticks = c->silence_ticks;
    t->timers = (struct order_list){OWN_NONE, OWN_NONE};
    t->ended_count = c->orders;
    for (uint32_t i = 0; i < c->orders; i++) {
        t->ended[i] = i;
        t->orders[i].life = LIFE_DEAD;
    }
}

// --- lists ---

// Doubly linked through two members of the order.
#define LIST_ADD(t, list, index, next, prev)                                                      \
    do {                                                                                          \
        struct own_order *added = &(t)->orders[index];                                            \
        added->next = OWN_NONE;                                                                   \
        added->prev = (list)->last;                                                               \
        *((list)->last == OWN_NONE ? &(list)->first : &(t)->orders[(list)->last].next) = (index); \
        (list)->last = (index);                                                                   \
    } while (0)

#define LIST_REMOVE(t, list, index, next, prev)                                                  \
    do {                                                                                         \
        const struct own_order *gone = &(t)->orders[index];                                      \
        *(gone->prev == OWN_NONE ? &(list)->first : &(t)->orders[gone->prev].next) = gone->next; \
        *(gone->next == OWN_NONE ? &(list)->last : &(t)->orders[gone->next].prev) = gone->prev;  \
    } while (0)

void order_timer_stop(struct order_table *t, uint32_t index)
{
    struct own_order *o = &t->orders[index];
    if (!(o->flags & ORDER_TIMED))
        return;
    LIST_REMOVE(t, &t->timers, index, timer_next, timer_prev);
    o->flags &= (uint8_t)~ORDER_TIMED;
}

// Every answer is waited for equally long: the list stays sorted by itself.
void order_timer_start(struct order_table *t, uint32_t index, uint64_t now)
{
    struct own_order *o = &t->orders[index];
    order_timer_stop(t, index);
    o->silent_at = now + t->silence_ticks;
    LIST_ADD(t, &t->timers, index, timer_next, timer_prev);
    o->flags |= ORDER_TIMED;
}

uint32_t order_overdue(struct order_table *t, uint64_t now)
{
    const uint32_t index = t->timers.first;
    if (index == OWN_NONE || t->orders[index].silent_at > now)
        return OWN_NONE;
    order_timer_stop(t, index);
    return index;
}

// Repeats of a cancel are counted; one of another total is another cancel.
static void cancel_name(struct own_order *o, uint32_t total)
{
    if (o->cancel_total != total)
        o->cancels = 0;
    o->cancel_total = total;
}

void order_cancel_enqueue(struct order_table *t, uint32_t index, uint32_t total)
{
    struct own_order *o = &t->orders[index];
    struct order_session *s = &t->sessions[o->session];
    cancel_name(o, total);
    if (o->flags & ORDER_CANCEL_QUEUED)
        return;
    o->flags |= ORDER_CANCEL_QUEUED;
    LIST_ADD(t, &s->cancels, index, cancel_next, cancel_prev);
    s->cancel_count++;
}

// For states.c: its cancel waits for the session no longer.
void order_cancel_leave(struct order_table *t, uint32_t index);
void order_cancel_leave(struct order_table *t, uint32_t index)
{
    struct own_order *o = &t->orders[index];
    struct order_session *s = &t->sessions[o->session];
    if (!(o->flags & ORDER_CANCEL_QUEUED))
        return;
    LIST_REMOVE(t, &s->cancels, index, cancel_next, cancel_prev);
    s->cancel_count--;
    o->flags &= (uint8_t)~ORDER_CANCEL_QUEUED;
}

uint32_t order_cancel_dequeue(struct order_table *t, uint32_t session)
{
    const uint32_t index = t->sessions[session].cancels.first;
    if (index != OWN_NONE)
        order_cancel_leave(t, index);
    return index;
}

// --- places ---

static bool ref_bind(struct order_table *t, uint32_t session, uint32_t ref, uint32_t index)
{
    struct order_session *s = &t->sessions[session];
    if (UNLIKELY(ref == 0 || ref >= t->refs_max))
        return false;
    s->refs[ref] = (struct order_ref){t->orders[index].generation, index + 1};
    if (ref >= s->next_ref)
        s->next_ref = ref + 1;
    return true;
}

void order_ref_return(struct order_table *t, uint32_t session, uint32_t ref)
{
    struct order_session *s = &t->sessions[session];
    if (ref + 1 != s->next_ref)
        return;
    s->refs[ref] = (struct order_ref){0};
    s->next_ref = ref;
}

uint32_t orders_open(struct order_table *t, const struct order_new *n)
{
    if (UNLIKELY(t->ended_count == 0 || n->ref == 0 || n->ref >= t->refs_max))
        return OWN_NONE;
    const uint32_t index = t->ended[t->ended_first];
    struct own_order *o = &t->orders[index];
    t->ended_first = t->ended_first + 1 == t->capacity ? 0 : t->ended_first + 1;
    t->ended_count--;
    const uint32_t generation = o->generation + 1;
    memset(o, 0, sizeof *o);
    o->generation = generation;
    o->ref = n->ref;
    o->quantity = o->open = n->quantity;
    o->price = o->limit = n->price;
    o->life = LIFE_PENDING;
    o->side = n->side;
    o->time_in_force = n->time_in_force;
    o->display = n->display;
    o->client_id = n->client_id;
    o->position = n->position;
    o->account = n->account;
    o->strategy = n->strategy;
    o->instrument = n->instrument;
    o->session = n->session;
    struct order_session *s = &t->sessions[n->session];
    LIST_ADD(t, &s->open, index, open_next, open_prev);
    s->open_count++;
    ref_bind(t, n->session, n->ref, index);
    // The next place and the next reference are asked for while this order is on its way.
    const uint8_t *next = (const uint8_t *)&t->orders[t->ended[t->ended_first]];
    PREFETCHW(next);
    PREFETCHW(next + CACHE_LINE);
    PREFETCHW(next + 2 * CACHE_LINE);
    PREFETCHW(&s->refs[n->ref + 1 < t->refs_max ? n->ref + 1 : 0]);
    return index;
}

void order_extras_set(struct order_table *t, uint32_t index, const struct ouch_extras *extras)
{
    struct own_order *o = &t->orders[index];
    t->extras[index] = *extras;
    o->flags |= ORDER_EXTRAS;
    o->discretion = ouch_extras_reach(extras);
}

// For states.c: the order is over. Its place goes behind all that ended before it.
void order_place_free(struct order_table *t, uint32_t index);
void order_place_free(struct order_table *t, uint32_t index)
{
    struct own_order *o = &t->orders[index];
    struct order_session *s = &t->sessions[o->session];
    order_timer_stop(t, index);
    order_cancel_leave(t, index);
    LIST_REMOVE(t, &s->open, index, open_next, open_prev);
    s->open_count--;
    uint32_t at = t->ended_first + t->ended_count;
    t->ended[at >= t->capacity ? at - t->capacity : at] = index;
    t->ended_count++;
}

uint32_t orders_find(const struct order_table *t, uint32_t session, uint32_t ref)
{
    if (UNLIKELY(ref >= t->refs_max || t->sessions[session].refs == NULL))
        return OWN_NONE;
    const struct order_ref at = t->sessions[session].refs[ref];
    if (UNLIKELY(at.order == 0 || t->orders[at.order - 1].generation != at.generation))
        return OWN_NONE;
    return at.order - 1;
}

// --- what we do ---

bool order_replace_begin(struct order_table *t, uint32_t index, uint32_t ref, uint32_t total,
                         uint32_t price)
{
    struct own_order *o = &t->orders[index];
    if (!ref_bind(t, o->session, ref, index))
        return false;
    o->waits |= WAIT_REPLACE;
    o->change_ref = ref;
    o->change_total = total;
    o->change_price = price;
    return true;
}

void order_modify_begin(struct order_table *t, uint32_t index, uint32_t total, char side)
{
    struct own_order *o = &t->orders[index];
    o->waits |= WAIT_MODIFY;
    o->change_total = total;
    o->change_price = o->price;
    o->change_side = side;
}

// A replace on its way is before the cancel in the stream: if it is taken, only its number is
// alive.
uint32_t order_cancel_begin(struct order_table *t, uint32_t index, uint32_t total)
{
    struct own_order *o = &t->orders[index];
    o->waits |= WAIT_CANCEL;
    cancel_name(o, total);
    o->cancel_ref = order_cancel_ref(o);
    o->cancels += o->cancels < UINT8_MAX;
    return o->cancel_ref;
}

// --- what it may still do ---

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

struct order_worst order_worst(const struct own_order *o)
{
    struct order_worst w = {0};
    if (o->life == LIFE_DEAD)
        return w;
    w.orders = 1;
    w.shares = o->open;
    w.notional = (uint64_t)o->open * larger(o->price, larger(o->limit, o->discretion));
    if (o->waits & WAIT_CHANGE || UNLIKELY(o->flags & ORDER_PARKED)) {
        const uint32_t open = order_change_open(o);
        const uint32_t limit = o->waits & WAIT_MODIFY ? o->limit : o->discretion;
        const uint64_t notional =
            (uint64_t)open * larger(o->change_price, larger(limit, o->discretion));
        w.shares = open > w.shares ? open : w.shares;
        w.notional = notional > w.notional ? notional : w.notional;
    }
    return w;
}

// What pegs has no price of its own, and what an earlier run asked for is not known.
static COLD bool beyond_reach(const struct order_table *t, uint32_t index, uint32_t price)
{
    const struct own_order *o = &t->orders[index];
    const struct ouch_extras *extras = order_extras(t, index);
    if (o->flags & ORDER_ADOPTED || (extras && ouch_extras_pegs(extras)))
        return false;
    const bool reaches = side_sells(o->side) ? price >= o->discretion : price <= o->discretion;
    return o->discretion == 0 || !reaches;
}

bool order_beyond(const struct order_table *t, uint32_t index, uint32_t price)
{
    const struct own_order *o = &t->orders[index];
    const bool worse = side_sells(o->side) ? price < o->limit : price > o->limit;
    return UNLIKELY(worse) && beyond_reach(t, index, price);
}

// --- executions ---

static uint32_t execution_home(const struct order_table *t, uint32_t session, uint32_t ref,
                               uint64_t match)
{
    const uint64_t key = (match ^ (uint64_t)ref << 32 ^ session) * 0x9E3779B97F4A7C15ull;
    return (uint32_t)(key >> 32) & t->execution_mask;
}

struct execution *execution_find(struct order_table *t, uint32_t session, uint32_t ref,
                                 uint64_t match)
{
    uint32_t at = execution_home(t, session, ref, match);
    for (;; at = (at + 1) & t->execution_mask) { // ends: the table is never full
        struct execution *e = &t->executions[at];
        if (e->ref == 0)
            return NULL;
        if (e->match == match && e->ref == ref && e->session == session)
            return e;
    }
}

struct execution *execution_add(struct order_table *t, uint32_t index, uint32_t ref, uint64_t match,
                                uint32_t shares, uint32_t price)
{
    const struct own_order *o = &t->orders[index];
    if (UNLIKELY(t->execution_count > t->execution_mask - t->execution_mask / 8)) {
        t->executions_refused++;
        return NULL;
    }
    uint32_t at = execution_home(t, o->session, ref, match);
    while (t->executions[at].ref != 0)
        at = (at + 1) & t->execution_mask;
    t->execution_count++;
    t->executions[at] = (struct execution){
        .match = match,
        .order = index,
        .generation = o->generation,
        .shares = shares,
        .price = price,
        .ref = ref,
        .position = o->position,
        .account = o->account,
        .strategy = o->strategy,
        .instrument = o->instrument,
        .session = o->session,
        .sells = side_sells(o->side),
    };
    return &t->executions[at];
}

// --- names ---

const char *order_life_name(enum order_life life)
{
    static const char *const names[LIVES] = {"pending", "live", "unknown", "dead"};
    return life < LIVES ? names[life] : "?";
}

const char *order_message_name(enum order_message message)
{
    static const char *const names[ORDER_MESSAGES] = {
#define ORDER_ROW(name, ...) #name,
#include "dataplane/order/states.def"
    };
    return message < ORDER_MESSAGES ? names[message] : "?";
}
