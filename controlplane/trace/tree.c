#include "controlplane/trace/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/region/snapshot.h"
#include "controlplane/trace/parts.h"

enum {
    PENDING = 4096,   // decisions that wait for their answer; more: told without it
    PLACES = 1 << 20, // of a lane's order table; what stands behind them is told without an answer
    PLACES_FIRST = 1024,
    KILL_WAIT_MS = 10000,
};

// A place of a lane's order table.
struct place {
    uint64_t entered; // DECISION that took it; 0: not known
    uint64_t traced;  // DECISION whose trace gets what is heard; 0: none
    uint64_t pending; // number of the decision that waits, 0: none
};

struct lane_state {
    struct place *places;
    uint32_t place_count;
    struct open_kill kills[KILL_ASKERS];
    struct governed governed; // the newest kill that a person asked for
};

struct trace_tree {
    struct trace_config config;
    uint64_t epoch;
    uint64_t first, next; // numbers of the oldest decision that waits, and of the next
    struct pending pending[PENDING];
    struct lane_state lanes[LANES_MAX];
};

// --- identifiers ---

void trace_id_make(const struct trace_key *key, uint8_t out[TRACE_ID_LEN])
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(key->epoch >> (56 - 8 * i));
    out[8] = key->lane;
    for (int i = 0; i < 7; i++)
        out[9 + i] = (uint8_t)(key->sequence >> (48 - 8 * i));
}

void trace_id_text(const struct trace_key *key, char out[TRACE_ID_TEXT])
{
    uint8_t id[TRACE_ID_LEN];
    trace_id_make(key, id);
    for (int i = 0; i < TRACE_ID_LEN; i++)
        snprintf(out + 2 * i, 3, "%02x", id[i]);
}

bool trace_id_read(const char *text, struct trace_key *key)
{
    uint64_t half[2] = {0};
    if (strlen(text) != TRACE_ID_TEXT - 1 || strspn(text, "0123456789abcdefABCDEF") != 32)
        return false;
    for (int i = 0; i < 32; i++) {
        const char c = text[i];
        half[i / 16] = half[i / 16] << 4 | (uint64_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    *key = (struct trace_key){
        .epoch = half[0], .lane = (uint8_t)(half[1] >> 56), .sequence = half[1] << 8 >> 8};
    return true;
}

enum trace_why trace_sampled(uint64_t sequence, uint64_t handed_ns, uint32_t one_in)
{
    if (handed_ns > TRACE_LATE_NS)
        return TRACE_LATE;
    return one_in && sequence % one_in == 0 ? TRACE_ONE_IN : TRACE_NOT;
}

// --- memory ---

struct trace_tree *trace_tree_new(const struct trace_config *config)
{
    struct trace_tree *t = calloc(1, sizeof *t);
    if (t) {
        t->config = *config;
        t->first = t->next = 1;
    }
    return t;
}

static void lanes_reset(struct trace_tree *t)
{
    for (uint32_t i = 0; i < LANES_MAX; i++)
        free(t->lanes[i].places);
    memset(t->lanes, 0, sizeof t->lanes);
}

void trace_tree_free(struct trace_tree *t)
{
    if (t)
        lanes_reset(t);
    free(t);
}

// Null: too far, or no memory.
static struct place *place_of(struct trace_tree *t, uint8_t lane, uint32_t order)
{
    struct lane_state *l = &t->lanes[lane];
    if (order >= PLACES)
        return NULL;
    if (order >= l->place_count) {
        uint32_t count = l->place_count ? l->place_count : PLACES_FIRST;
        while (count <= order)
            count *= 2;
        struct place *places = realloc(l->places, count * sizeof *places);
        if (places == NULL)
            return NULL;
        memset(places + l->place_count, 0, (count - l->place_count) * sizeof *places);
        l->places = places;
        l->place_count = count;
    }
    return &l->places[order];
}

// --- decisions ---

static void tell(struct trace_tree *t, const struct trace_key *key, const struct trace_span *spans,
                 uint32_t count)
{
    t->config.emit(t->config.context, key, spans, count);
}

static struct trace_key key_of(const struct trace_tree *t, uint8_t lane, uint64_t sequence)
{
    return (struct trace_key){.epoch = t->epoch, .lane = lane, .sequence = sequence};
}

// <answer>: null for none in time.
static void pending_tell(struct trace_tree *t, struct pending *p, const struct logged_event *answer)
{
    struct trace_span spans[TRACE_SPANS_MAX];
    const uint8_t lane = p->event.lane;
    const struct trace_key key = key_of(t, lane, p->event.sequence);
    const uint32_t count = spans_of_decision(p, answer, spans);
    p->waits = false;
    if (p->place && lane < LANES_MAX && p->event.decision.order < t->lanes[lane].place_count) {
        struct place *place = &t->lanes[lane].places[p->event.decision.order];
        if (place->pending == p->number)
            place->pending = 0;
    }
    tell(t, &key, spans, count);
}

void trace_tree_wait(struct trace_tree *t, uint64_t utc_ns)
{
    for (; t->first < t->next; t->first++) {
        struct pending *p = &t->pending[t->first % PENDING];
        if (p->waits && utc_ns != UINT64_MAX &&
            utc_ns < p->utc_ns + TRACE_ANSWER_MS * UINT64_C(1000000))
            break;
        if (p->waits && !p->left) // nobody says whether it did: the dataplane ended
            p->why = trace_sampled(p->event.sequence, 0, t->config.one_in);
        if (p->waits && p->why != TRACE_NOT)
            pending_tell(t, p, NULL);
        p->waits = false;
    }
    for (uint8_t lane = 0; lane < LANES_MAX; lane++)
        for (uint32_t asker = 0; asker < KILL_ASKERS; asker++) {
            struct open_kill *k = &t->lanes[lane].kills[asker];
            if (k->sequence == 0 ||
                (utc_ns != UINT64_MAX && utc_ns < k->utc_ns + KILL_WAIT_MS * UINT64_C(1000000)))
                continue;
            struct trace_span root;
            const struct trace_key key = key_of(t, lane, k->sequence);
            span_of_kill(k, NULL, &t->lanes[lane].governed, &root);
            tell(t, &key, &root, 1);
            k->sequence = 0;
        }
}

static void names_take(const struct trace_tree *t, struct pending *p)
{
    const struct trace_names *n = &t->config.names;
    const struct event_decision *d = &p->event.decision;
    const uint8_t lane = p->event.lane;
    snprintf(p->account, NAME_LEN, "%s", n->account(n->context, d->account));
    snprintf(p->strategy, NAME_LEN, "%s", n->strategy(n->context, lane, d->strategy));
    snprintf(p->session, NAME_LEN, "%s", n->session(n->context, lane, d->session));
    snprintf(p->symbol, NAME_LEN, "%s", n->instrument(n->context, d->instrument));
    snprintf(p->lane, NAME_LEN, "%s", n->lane(n->context, lane));
}

static void decision_take(struct trace_tree *t, const struct logged_event *logged, uint64_t tsc_hz)
{
    const struct event *e = &logged->event;
    const bool refused = e->decision.refusal != REFUSAL_NONE;
    struct place *place = refused ? NULL : place_of(t, e->lane, e->decision.order);
    if (t->next - t->first == PENDING) { // the oldest makes place
        struct pending *oldest = &t->pending[t->first++ % PENDING];
        if (oldest->waits && oldest->why != TRACE_NOT)
            pending_tell(t, oldest, NULL);
    }
    struct pending *p = &t->pending[t->next % PENDING];
    *p = (struct pending){.number = t->next++,
                          .event = *e,
                          .utc_ns = logged->utc_ns,
                          .tsc_hz = tsc_hz,
                          .epoch = t->epoch,
                          .waits = true,
                          .place = place != NULL,
                          .why = refused ? TRACE_REFUSED : TRACE_NOT};
    names_take(t, p);
    if (refused) {
        pending_tell(t, p, NULL);
        return;
    }
    if (place == NULL)
        return;
    if (e->decision.kind == 'O')
        *place = (struct place){.entered = e->sequence};
    else if (place->entered && place->entered != e->sequence)
        p->first = key_of(t, e->lane, place->entered);
    place->pending = p->number;
}

// The decision that waits at a place, null: none.
static struct pending *waiting(struct trace_tree *t, const struct place *place)
{
    if (place == NULL || place->pending < t->first || place->pending >= t->next)
        return NULL;
    struct pending *p = &t->pending[place->pending % PENDING];
    return p->waits ? p : NULL;
}

static void sent_take(struct trace_tree *t, const struct event *e)
{
    struct place *place = place_of(t, e->lane, e->order_sent.order);
    struct pending *p = waiting(t, place);
    if (p == NULL || p->event.sequence != e->order_sent.decision)
        return;
    p->sent = e->order_sent;
    // One that waited for the journal left in a later turn than it was decided in.
    const uint64_t handed = e->order_sent.handed + (e->tsc - p->event.tsc);
    p->sent.handed = handed < UINT32_MAX ? (uint32_t)handed : UINT32_MAX;
    p->left = e->type == EVENT_ORDER_SENT;
    const uint64_t handed_ns = ticks_to_ns(p, p->sent.handed);
    p->why =
        p->left ? trace_sampled(p->event.sequence, handed_ns, t->config.one_in) : TRACE_NOT_SENT;
    if (p->why == TRACE_NOT || !p->left)
        place->pending = 0;
    if (p->why != TRACE_NOT && p->left)
        place->traced = p->event.sequence;
    if (!p->left)
        pending_tell(t, p, NULL);
    else if (p->why == TRACE_NOT)
        p->waits = false;
}

// --- what is heard ---

static void order_take(struct trace_tree *t, const struct logged_event *logged)
{
    const struct event *e = &logged->event;
    struct place *place = place_of(t, e->lane, e->order.order);
    struct pending *p = waiting(t, place);
    if (place == NULL)
        return;
    if (p && p->left && e->order.ref == p->event.decision.ref) {
        pending_tell(t, p, logged);
    } else if (place->traced) {
        struct trace_span span;
        const struct trace_key key = key_of(t, e->lane, place->traced);
        span_of_report(logged, trace_root_span(place->traced), &span);
        tell(t, &key, &span, 1);
    }
    if (e->order.life >= FOLD_DEAD)
        *place = (struct place){0};
}

static void cancel_take(struct trace_tree *t, const struct logged_event *logged)
{
    const struct event *e = &logged->event;
    const struct place *place = place_of(t, e->lane, e->cancel_sent.order);
    struct trace_span span;
    if (place && place->traced) {
        const struct trace_key key = key_of(t, e->lane, place->traced);
        span_of_cancel(logged, logged->utc_ns, trace_root_span(place->traced), &span);
        tell(t, &key, &span, 1);
    }
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++) {
        struct open_kill *k = &t->lanes[e->lane].kills[asker];
        if (k->sequence == 0)
            continue;
        const struct trace_key key = key_of(t, e->lane, k->sequence);
        k->cancels++;
        span_of_cancel(logged, k->utc_ns, trace_root_span(k->sequence), &span);
        tell(t, &key, &span, 1);
    }
}

static void kill_take(struct trace_tree *t, const struct logged_event *logged)
{
    const struct event *e = &logged->event;
    struct lane_state *l = &t->lanes[e->lane];
    if (e->kill.asker >= KILL_ASKERS)
        return;
    struct open_kill *k = &l->kills[e->kill.asker];
    if (e->type == EVENT_KILL) {
        *k = (struct open_kill){.sequence = e->sequence,
                                .utc_ns = logged->utc_ns,
                                .open_orders = e->kill.open_orders,
                                .asker = e->kill.asker};
        const struct trace_names *n = &t->config.names;
        snprintf(k->lane, NAME_LEN, "%s", n->lane(n->context, e->lane));
        return;
    }
    if (k->sequence == 0)
        return;
    struct trace_span root;
    const struct trace_key key = key_of(t, e->lane, k->sequence);
    span_of_kill(k, logged, &l->governed, &root);
    tell(t, &key, &root, 1);
    k->sequence = 0;
}

static void governed_take(struct governed *g, const struct logged_event *logged)
{
    *g = (struct governed){.utc_ns = logged->utc_ns, .user = logged->event.governed.user};
    memcpy(g->reason, logged->event.governed.reason, sizeof g->reason);
    text_clean(g->reason, sizeof g->reason);
}

void trace_tree_event(struct trace_tree *t, const struct logged_event *logged, uint64_t tsc_hz)
{
    const struct event *e = &logged->event;
    if (logged->ring != EVENT_RING_TRADING)
        return;
    if (logged->epoch != t->epoch) {
        trace_tree_wait(t, UINT64_MAX);
        lanes_reset(t);
        t->epoch = logged->epoch;
    }
    if (e->lane >= LANES_MAX)
        return;
    trace_tree_wait(t, logged->utc_ns);
    switch (e->type) {
    case EVENT_DECISION: decision_take(t, logged, tsc_hz); break;
    case EVENT_ORDER_SENT:
    case EVENT_ORDER_NOT_SENT: sent_take(t, e); break;
    case EVENT_ORDER: order_take(t, logged); break;
    case EVENT_CANCEL_SENT: cancel_take(t, logged); break;
    case EVENT_KILL:
    case EVENT_KILL_DONE: kill_take(t, logged); break;
    case EVENT_GOVERNED:
        if (e->governed.command == COMMAND_KILL)
            governed_take(&t->lanes[e->lane].governed, logged);
        break;
    default: break;
    }
}
