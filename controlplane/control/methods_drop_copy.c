// Drop copies: how far each is read, what waits, what differs.
#include <string.h>

#include "controlplane/control/view.h"
#include "controlplane/dropcopy/act.h"

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static json_t *row_view(const struct drop_copy *d, const struct drop_copy_record *r)
{
    const char *session = drop_session_at(&d->sessions, r->session);
    json_t *row = json_object();
    set(row, "drop_copy", json_string(d->config.name));
    set(row, "session", session ? json_string(session) : json_null());
    set(row, "what", view_letter(r->what));
    set(row, "ref", view_count(r->ref));
    set(row, "match", view_count(r->match));
    set(row, "difference", json_string(drop_difference_name(r->difference)));
    set(row, "our_count", view_count(r->our_count));
    set(row, "our_shares", view_count(r->our_shares));
    set(row, "our_price", view_price(r->our_price));
    set(row, "their_count", view_count(r->their_count));
    set(row, "their_shares", view_count(r->their_shares));
    set(row, "their_price", view_price(r->their_price));
    set(row, "their_sequence", view_count(r->their_sequence));
    return row;
}

static json_t *copy_view(const struct drop_copy *d, const struct drop_status *s)
{
    json_t *row = json_object(), *sessions = json_array();
    for (uint32_t i = 0; i < d->sessions.count; i++)
        json_array_append_new(sessions, json_string(d->sessions.rows[i].name));
    set(row, "drop_copy", json_string(s->name));
    set(row, "server", json_string(s->server));
    set(row, "state", json_string(s->lost ? "lost" : drop_link_state_name(s->state)));
    set(row, "why", *s->why ? json_string(s->why) : json_null());
    set(row, "sessions", sessions);
    set(row, "session", *s->session ? json_string(s->session) : json_null());
    set(row, "next_sequence", view_count(s->next));
    set(row, "silent_ms", view_count(s->silent_ms));
    set(row, "connects", view_count(s->connects));
    set(row, "journal_read", json_boolean(s->following));
    set(row, "waiting", view_count(s->waiting));
    set(row, "differing", view_count(s->differing));
    set(row, "full", json_boolean(s->full));
#define COUNT_SET(name, help) set(row, #name, view_count(s->counts.name));
    DROP_COUNTS(COUNT_SET)
#undef COUNT_SET
    set(row, "foreign_before", view_count(s->before.foreign));
    set(row, "dropped_before", view_count(s->before.dropped));
    return row;
}

void method_drop_copies(struct control *control, struct job *job)
{
    struct drop_status s;
    json_t *copies = json_array(), *differences = json_array();
    for (uint32_t i = 0; control->drops && i < control->drops->count; i++) {
        struct drop_copy *d = control->drops->copies[i];
        drop_copy_look(d, &s);
        json_array_append_new(copies, copy_view(d, &s));
        for (uint32_t k = 0; k < s.shown; k++)
            json_array_append_new(differences, row_view(d, &s.rows[k]));
    }
    job->result = json_object();
    set(job->result, "drop_copies", copies);
    set(job->result, "differences", differences);
}
