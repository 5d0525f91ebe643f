#include "controlplane/cli/explain_route.h"

#include "controlplane/control/view.h"

static const char *verdict_help(unsigned verdict)
{
    static const char *const texts[] = {
#define TEXT(upper, number, lower, help) [number] = (help),
        ROUTE_VERDICT_LIST(TEXT)
#undef TEXT
    };
    return verdict < sizeof texts / sizeof texts[0] ? texts[verdict] : "?";
}

static const char *how_name(unsigned how)
{
    static const char *const names[] = {
#define NAME(upper, lower, help) #lower,
        ROUTE_HOW_LIST(NAME)
#undef NAME
    };
    return how < sizeof names / sizeof names[0] ? names[how] : "?";
}

static void route_add(json_t *row, const struct journal_events *f)
{
    const struct event *e = &f->event.event;
    const struct event_route *r = &e->route;
    json_object_set_new(row, "account",
                        json_string(journal_events_name(f, JOURNAL_NAME_ACCOUNT, 0, r->account)));
    json_object_set_new(
        row, "strategy",
        json_string(journal_events_name(f, JOURNAL_NAME_STRATEGY, e->lane, r->strategy)));
    json_object_set_new(
        row, "symbol",
        json_string(journal_events_name(f, JOURNAL_NAME_INSTRUMENT, 0, r->instrument)));
    json_object_set_new(row, "how", json_string(how_name(r->how)));
    json_object_set_new(row, "price", view_price(r->price));
    json_object_set_new(row, "best", view_price(r->best));
}

static void venue_add(json_t *row, const struct journal_events *f)
{
    const struct event *e = &f->event.event;
    const struct event_route_venue *v = &e->route_venue;
    json_object_set_new(
        row, "session",
        json_string(journal_events_name(f, JOURNAL_NAME_SESSION, e->lane, v->session)));
    json_object_set_new(row, "why",
                        json_string(v->verdict == VENUE_REFUSED ? refusal_help(v->refusal)
                                                                : verdict_help(v->verdict)));
    json_object_set_new(row, "price", view_price(v->price));
    json_object_set_new(row, "best", view_price(v->best));
}

void explain_round_add(json_t *row, const struct journal_events *f)
{
    if (f->event.event.type == EVENT_ROUTE)
        route_add(row, f);
    else if (f->event.event.type == EVENT_ROUTE_VENUE)
        venue_add(row, f);
}

void explain_round_note(struct explain_round *r, const struct journal_events *f, json_t *row)
{
    const struct event *e = &f->event.event;
    if (e->type == EVENT_ROUTE) {
        json_decref(r->before);
        r->before = json_array();
        r->input = e->input;
        r->route = e->route.route;
        r->round = e->route.round;
    }
    json_array_append_new(r->before, row); // frees the row where no round has begun
}

bool explain_round_tells(struct explain_round *r, const struct event *e, bool child)
{
    const struct event_route_venue *v = &e->route_venue;
    const bool same = e->input == r->input && v->route == r->route && v->round == r->round;
    r->ours |= same && child;
    return child || (r->ours && same);
}

json_t *explain_round_begin(struct explain_round *r, json_t *steps)
{
    json_t *all = r->before;
    json_array_extend(all, steps);
    json_decref(steps);
    r->before = NULL;
    return all;
}
