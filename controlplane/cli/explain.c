// `tickgate explain order`: what became of an order and why, from a journal.
//
// Twice through the journal: first the order's DECISION is looked for, and where its place in the
// order table was taken; then everything about that place from there on is told, until the order
// is over.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/cli/command.h"
#include "controlplane/cli/explain_route.h"
#include "controlplane/cli/explain_text.h"
#include "controlplane/cli/journal_events.h"
#include "controlplane/control/view.h"

// References of an order: each replace has its own.
enum { REFS_MAX = 4096 };

// An order at a place behind these is told from the DECISION on that was asked for.
enum { PLACES = 1 << 20 };

// One order: the place of a lane's table, from its first record to its last. An instance that goes
// on from the journal has a place of its own for it, which its references tell.
struct chosen {
    uint64_t epoch;
    uint64_t first;   // record of its first DECISION
    uint64_t refused; // record of a DECISION that found no place, 0: it has one
    uint64_t number;  // of that DECISION in its ring
    uint64_t input;   // and its input
    uint32_t order;
    uint32_t ref;     // the exchange's, now
    uint32_t ref_new; // asked for by a replace
    uint8_t lane;
    uint8_t session;
    bool astray;             // its place in this instance is not known yet
    bool twins;              // so far in this day another one was entered as it was
    bool elsewhere;          // an instance before entered it
    bool unsure;             // a replace was seen that may be its own, or a twin's
    uint32_t refs[REFS_MAX]; // that the exchange named, the newest ones: executions keep theirs
    uint32_t ref_count;
    struct event_decision asked;
    struct explain_round round;
};

struct search {
    uint32_t ref;
    uint64_t decision; // number of a DECISION, 0: <ref> counts
    const char *session;
    uint64_t (*entered)[PLACES]; // of each lane: record of the DECISION that took the place
    uint64_t since;              // first record of the instance
    struct chosen found;
    uint32_t matches;
    struct error damage; // of the journal
};

static bool search_read(struct search *s, const struct invocation *invocation, struct error *err)
{
    const char *id = json_string_value(json_object_get(invocation->options, "ID"));
    const char *digits = *id == '#' ? id + 1 : id;
    char *end;
    const unsigned long long number = strtoull(digits, &end, 10);
    *s = (struct search){.session =
                             json_string_value(json_object_get(invocation->options, "--session"))};
    if (*digits < '0' || *digits > '9' || *end || (*id != '#' && number > UINT32_MAX))
        return error_set(err, EXIT_USAGE,
                         "ID: '%.32s' is neither a reference nor # and the number of a DECISION",
                         id);
    s->ref = (uint32_t)number;
    s->decision = *id == '#' ? number : 0;
    return true;
}

static bool is_it(const struct search *s, const struct journal_events *f)
{
    const struct event *e = &f->event.event;
    const struct event_decision *d = &e->decision;
    if (s->session &&
        strcmp(journal_events_name(f, JOURNAL_NAME_SESSION, e->lane, d->session), s->session) != 0)
        return false;
    if (s->decision)
        return e->sequence == s->decision;
    return d->ref == s->ref && d->refusal == REFUSAL_NONE;
}

// It has the reference of what was found already: the order is that one, wherever its place is now.
static bool modifies(const struct search *s, const struct event *e)
{
    return s->decision == 0 && s->matches && e->lane == s->found.lane &&
           e->decision.session == s->found.session && e->decision.ref == s->found.ref;
}

// Whose it is, by what a replace says, too. A client's numbers are its own business, so another
// order may be alike.
static bool alike(const struct event_decision *a, const struct event_decision *b)
{
    return a->client_id == b->client_id && a->session == b->session && a->account == b->account &&
           a->strategy == b->strategy && a->instrument == b->instrument;
}

// An instance that does not go on from the journal, or from none of its day, knows of no order
// before.
static bool begins_anew(const struct journal_events *f, uint64_t *epoch)
{
    const struct logged_event *e = &f->event;
    const bool changed = e->epoch != *epoch;
    *epoch = e->epoch;
    return (changed && !f->instance.restores) ||
           (e->event.type == EVENT_RESTORED && e->event.restored.instances == 0);
}

static bool enters(const struct logged_event *e, const struct chosen *c)
{
    const struct event_decision *d = &e->event.decision;
    return e->event.type == EVENT_DECISION && e->event.lane == c->lane && d->kind == 'O' &&
           d->refusal == REFUSAL_NONE && alike(d, &c->asked);
}

// What was found changes an order that an instance before entered: the story begins there, if only
// one is alike.
static bool origin_find(struct chosen *c, struct journal_events *f, struct error *err)
{
    const struct logged_event *e;
    struct chosen origin = *c;
    uint64_t epoch = 0;
    uint32_t count = 0;
    while (!invocation_stopped() && (e = journal_events_next(f, err)) != NULL &&
           e->number < c->first) {
        count = begins_anew(f, &epoch) ? 0 : count;
        if (!enters(e, c) || count++)
            continue;
        origin.epoch = e->epoch;
        origin.first = e->number;
        origin.order = e->event.decision.order;
        origin.ref = e->event.decision.ref;
        origin.asked = e->event.decision;
    }
    if (count == 1)
        *c = origin;
    return err->code == EXIT_OK;
}

// The newest that matches wins: references begin anew with every day of a session.
static bool search_run(struct search *s, struct journal_events *f, struct error *err)
{
    const struct logged_event *e;
    uint64_t epoch = 0;
    while (!invocation_stopped() && (e = journal_events_next(f, err)) != NULL) {
        const struct event_decision *d = &e->event.decision;
        const uint8_t lane = e->event.lane;
        s->since = e->epoch == epoch ? s->since : e->number;
        epoch = e->epoch;
        if (e->event.type != EVENT_DECISION || lane >= LANES_MAX)
            continue;
        const bool placed = d->refusal == REFUSAL_NONE, known = placed && d->order < PLACES;
        if (known && d->kind == 'O')
            s->entered[lane][d->order] = e->number;
        if (!is_it(s, f) || (d->kind == 'M' && modifies(s, &e->event)))
            continue;
        s->matches++;
        s->found = (struct chosen){.epoch = e->epoch,
                                   .first = e->number,
                                   .refused = placed ? 0 : e->number,
                                   .number = placed ? 0 : e->event.sequence,
                                   .order = d->order,
                                   .ref = d->ref,
                                   .lane = lane,
                                   .session = d->session,
                                   .asked = *d};
        if (known && s->entered[lane][d->order] >= s->since)
            s->found.first = s->entered[lane][d->order];
        else
            s->found.elsewhere = known;
    }
    if (!journal_events_whole(f, &s->damage) && s->matches == 0)
        *err = s->damage; // it may stand where nothing can be read
    return err->code == EXIT_OK &&
           (s->matches || error_set(err, EXIT_FAILED, "%s: no DECISION of this journal is about it",
                                    f->reader.directory));
}

// --- one event ---

static uint64_t ticks_ns(const struct journal_events *f, uint32_t ticks)
{
    return journal_clock_ns(&f->instance.clock, ticks);
}

static json_t *checks_view(const struct event_decision *d)
{
    json_t *checks = json_array();
    unsigned n;
    for (unsigned i = 0; (n = refusal_check(i)) != REFUSAL_NONE; i++) {
        const bool failed = d->refusal == n;
        if (!failed && !refusal_has_passed(d->checks, n))
            continue;
        json_t *row = json_pack("{s:s,s:s}", "check", refusal_name(n), "verdict",
                                failed ? "failed" : "passed");
        if (failed) {
            json_object_set_new(row, "value", view_count(d->value));
            json_object_set_new(row, "limit", view_count(d->limit));
            json_object_set_new(row, "scope", json_string(scope_name(d->scope)));
            json_object_set_new(row, "binds",
                                json_string(limit_owner_name((d->checks & CHECKS_OF_BROKER) != 0)));
        }
        json_array_append_new(checks, row);
    }
    return checks;
}

static void decision_add(json_t *row, const struct journal_events *f)
{
    const struct event *e = &f->event.event;
    const struct event_decision *d = &e->decision;
    json_object_set_new(row, "cause",
                        json_pack("{s:i,s:I,s:o}", "lane", e->lane, "input", (json_int_t)e->input,
                                  "received", view_utc(f->event.utc_ns)));
    json_object_set_new(row, "account",
                        json_string(journal_events_name(f, JOURNAL_NAME_ACCOUNT, 0, d->account)));
    json_object_set_new(
        row, "strategy",
        json_string(journal_events_name(f, JOURNAL_NAME_STRATEGY, e->lane, d->strategy)));
    json_object_set_new(
        row, "symbol",
        json_string(journal_events_name(f, JOURNAL_NAME_INSTRUMENT, 0, d->instrument)));
    json_object_set_new(
        row, "session",
        json_string(journal_events_name(f, JOURNAL_NAME_SESSION, e->lane, d->session)));
    json_object_set_new(row, "price", view_price(d->price));
    json_object_set_new(row, "market", json_boolean(d->checks & CHECKS_OF_MARKET));
    json_object_set_new(row, "book",
                        json_pack("{s:o,s:I,s:o,s:I,s:o}", "bid", view_price(d->bid), "bid_shares",
                                  (json_int_t)d->bid_shares, "ask", view_price(d->ask),
                                  "ask_shares", (json_int_t)d->ask_shares, "quality",
                                  view_quality(d->quality, 0)));
    json_object_set_new(row, "checks", checks_view(d));
    json_object_set_new(row, "why", json_string(refusal_help(d->refusal)));
    json_object_set_new(row, "ns_until",
                        json_pack("{s:I,s:I,s:I}", "decided", (json_int_t)ticks_ns(f, d->started),
                                  "gated", (json_int_t)ticks_ns(f, d->gated), "encoded",
                                  (json_int_t)ticks_ns(f, d->encoded)));
}

static void released_add(json_t *row, const struct journal_events *f)
{
    const struct event_order_released *r = &f->event.event.order_released;
    char verdict[REFUSAL_TEXT_LEN];
    refusal_text(verdict, r->refusal, r->value, r->limit, 0);
    json_object_set_new(row, "parked_ns",
                        view_count(journal_clock_ns(&f->instance.clock, r->parked)));
    json_object_set_new(row, "verdict",
                        json_string(r->refusal == REFUSAL_NONE ? "approved" : verdict));
}

// The signal that a strategy was told when it asked: the last one of the same input.
static json_t *signal_view(const struct journal_events *f)
{
    const struct event_signal *g = &f->event.event.signal;
    return json_pack("{s:s,s:o,s:o,s:s,s:o,s:o,s:o}", "source",
                     journal_events_name(f, JOURNAL_NAME_SIGNAL, 0, g->source), "number",
                     view_count(g->number), "as_of", view_utc(g->as_of_ns), "symbol",
                     journal_events_name(f, JOURNAL_NAME_INSTRUMENT, 0, g->instrument), "value",
                     json_integer(g->value_0), "confidence", view_count(g->confidence),
                     "horizon_ms", view_count(g->horizon_ms));
}

static json_t *step_view(const struct journal_events *f, uint64_t begun_ns)
{
    const struct event *e = &f->event.event;
    json_t *row = journal_events_view(f);
    json_object_set_new(row, "after_ns",
                        view_count(f->event.utc_ns > begun_ns ? f->event.utc_ns - begun_ns : 0));
    if (e->type == EVENT_DECISION)
        decision_add(row, f);
    else if (e->type == EVENT_ORDER_RELEASED)
        released_add(row, f);
    else if (e->type == EVENT_ORDER_SENT || e->type == EVENT_ORDER_NOT_SENT)
        json_object_set_new(row, "ns_until_handed", view_count(ticks_ns(f, e->order_sent.handed)));
    explain_round_add(row, f);
    return row;
}

// --- the story ---

// An event about the place <order>. <ref>: with that reference, 0: it names none.
static bool named(struct chosen *c, uint32_t order, uint8_t session, uint32_t ref)
{
    if (c->astray && session == c->session && ref && (ref == c->ref || ref == c->ref_new)) {
        c->order = order;
        c->astray = false;
    }
    return !c->astray && order == c->order;
}

static bool ref_known(const struct chosen *c, uint32_t ref)
{
    const uint32_t count = c->ref_count < REFS_MAX ? c->ref_count : REFS_MAX;
    for (uint32_t i = 0; i < count; i++)
        if (c->refs[i] == ref)
            return true;
    return false;
}

static void ref_note(struct chosen *c, uint32_t ref)
{
    if (ref && !ref_known(c, ref))
        c->refs[c->ref_count++ % REFS_MAX] = ref;
}

static bool report_about(const struct event_order *o, struct chosen *c)
{
    if (!named(c, o->order, o->session, o->ref) && !named(c, o->order, o->session, o->named))
        return false;
    c->ref = o->ref;
    ref_note(c, o->ref);
    ref_note(c, o->named);
    return true;
}

// The order is over, and its place may have another one: a trade of it that is broken or corrected
// is told by the reference that it had.
static bool undone(const struct event *e, const struct chosen *c)
{
    return e->type == EVENT_ORDER && e->lane == c->lane && e->order.session == c->session &&
           e->order.broken_shares && ref_known(c, e->order.named);
}

static bool decision_about(const struct event_decision *d, struct chosen *c)
{
    // A modify has the order's reference, a replace only the one that it asks for.
    if (!named(c, d->order, d->session, d->kind == 'M' ? d->ref : 0)) {
        const bool may_be = c->astray && d->kind == 'U' && alike(d, &c->asked);
        c->unsure |= may_be && c->twins;
        if (!may_be || c->twins)
            return false;
        c->order = d->order;
        c->astray = false;
    }
    c->ref_new = d->ref;
    return true;
}

// Whether the event is about the place; *<over>: with it the order is over.
static bool about(const struct event *e, struct chosen *c, bool *over)
{
    if (e->lane != c->lane)
        return false;
    switch (e->type) {
    case EVENT_DECISION: return decision_about(&e->decision, c);
    case EVENT_ORDER_SENT: return named(c, e->order_sent.order, c->session, 0);
    case EVENT_ORDER_RELEASED: return named(c, e->order_released.order, c->session, 0);
    case EVENT_ORDER_NOT_SENT:
        *over = named(c, e->order_sent.order, c->session, 0) && e->order_sent.kind == 'O';
        return named(c, e->order_sent.order, c->session, 0);
    case EVENT_CANCEL_WAITS:
    case EVENT_CANCEL_SENT:
        return named(c, e->cancel_sent.order, e->cancel_sent.session, e->cancel_sent.ref);
    case EVENT_ORDER:
        if (!report_about(&e->order, c))
            return false;
        *over = e->order.life >= FOLD_DEAD;
        return true;
    case EVENT_ROUTE_VENUE:
        return explain_round_tells(
            &c->round, e, named(c, e->route_venue.order, c->session, 0) && e->route_venue.decision);
    default: return false;
    }
}

// The session's references have begun anew.
static bool is_another(const struct event *e, const struct chosen *c)
{
    const struct event_decision *d = &e->decision;
    return e->type == EVENT_DECISION && e->lane == c->lane && d->session == c->session &&
           d->kind == 'O' && d->refusal == REFUSAL_NONE && ref_known(c, d->ref);
}

// The order's instance has ended, and this one goes on from the journal, or not.
static bool goes_on(struct chosen *c, const struct journal_events *f)
{
    c->epoch = f->event.epoch;
    c->astray = true;
    c->round.ours = false; // routed orders do not go on
    return f->instance.restores && !c->refused;
}

// A refused order is its DECISION, and of a part of a routed one what is said of the venues. All of
// it has one input.
static bool about_refused(const struct logged_event *e, struct chosen *c, bool *over)
{
    const struct event *v = &e->event;
    if (v->lane != c->lane || e->epoch != c->epoch)
        return false;
    if (e->number == c->refused) {
        c->input = v->input;
        return true;
    }
    *over = v->input != c->input || v->type == EVENT_ROUTE;
    return !*over && v->type == EVENT_ROUTE_VENUE &&
           explain_round_tells(&c->round, v, v->route_venue.decision == c->number);
}

static bool routes(const struct event *e)
{
    return e->type == EVENT_ROUTE || e->type == EVENT_ROUTE_VENUE;
}

static json_t *story(struct journal_events *f, struct chosen *c, const char **end,
                     struct error *err)
{
    const struct logged_event *e;
    json_t *steps = json_array(), *told = NULL;
    uint64_t begun_ns = 0, input = 0, epoch = 0;
    bool over = false;
    *end = "the order is still open where this journal ends";
    while (!invocation_stopped() && (e = journal_events_next(f, err)) != NULL) {
        if (e->epoch == c->epoch && e->event.type == EVENT_SIGNAL && e->event.lane == c->lane) {
            json_decref(told);
            told = signal_view(f);
            input = e->event.input;
        }
        c->twins = begins_anew(f, &epoch) ? false : c->twins;
        c->twins |= e->number != c->first && enters(e, c);
        if (e->number < c->first) {
            if (routes(&e->event) && e->epoch == c->epoch && e->event.lane == c->lane)
                explain_round_note(&c->round, f, step_view(f, e->utc_ns));
            continue;
        }
        if (e->epoch != c->epoch && !goes_on(c, f)) {
            *end = "the order is still open where its instance ends; the next one did not go on "
                   "from the journal (start: venue)";
            break;
        }
        if (e->event.type == EVENT_RESTORED && c->astray && e->event.restored.instances == 0) {
            *end = "the order is still open where its day ends";
            break;
        }
        if (over && is_another(&e->event, c))
            break;
        const bool is_told = c->refused ? about_refused(e, c, &over)
                             : over     ? undone(&e->event, c)
                                        : about(&e->event, c, &over);
        if (c->refused && over)
            break;
        if (!is_told)
            continue;
        begun_ns = begun_ns ? begun_ns : e->utc_ns;
        json_t *step = step_view(f, begun_ns);
        if (e->event.type == EVENT_DECISION && told && e->event.input == input)
            json_object_set(step, "signal", told);
        json_array_append_new(steps, step);
        if (c->round.ours && c->round.before)
            steps = explain_round_begin(&c->round, steps);
    }
    json_decref(told);
    json_decref(c->round.before);
    if (over || c->refused)
        *end = "the order is over";
    else if (c->unsure)
        *end =
            "the end is not known: behind a restart one of several orders with the same client's "
            "number was replaced, and nothing says which; look for the reference of the replace";
    return steps;
}

void run_explain(const struct invocation *invocation, struct error *err)
{
    static struct journal_events f;
    const char *directory = json_string_value(json_object_get(invocation->options, "DIR"));
    struct search s;
    const char *end;
    if (!search_read(&s, invocation, err))
        return;
    s.entered = calloc(LANES_MAX, sizeof *s.entered); // touched where it is used
    if (s.entered == NULL) {
        error_set(err, EXIT_FAILED, "no memory for the places of orders");
        return;
    }
    if (journal_events_open(&f, directory, err) && search_run(&s, &f, err)) {
        journal_events_close(&f);
        bool again = journal_events_open(&f, directory, err);
        if (again && s.found.elsewhere) {
            again = origin_find(&s.found, &f, err);
            journal_events_close(&f);
            again = again && journal_events_open(&f, directory, err);
        }
        if (again) {
            json_t *steps = story(&f, &s.found, &end, err);
            if (invocation->json)
                json_dumpf(steps, stdout, JSON_INDENT(2));
            else
                explain_print(steps, end);
            if (invocation->json)
                fputc('\n', stdout);
            json_decref(steps);
            if (err->code == EXIT_OK)
                *err = s.damage;
        }
    }
    journal_events_close(&f);
    free(s.entered);
}
