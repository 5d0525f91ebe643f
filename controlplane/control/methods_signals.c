// Sources of signals: how each is, who of its role is heard, what was refused.
#include "controlplane/control/view.h"

static void set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
}

// Since its last signal was taken; null before the first.
static json_t *age(const struct control *control, const struct signal_counters *c)
{
    const uint64_t now = control->snapshot.tsc;
    const uint64_t ticks = now > c->last_taken ? now - c->last_taken : 0;
    return c->last_taken ? view_count(contact_ticks_ns(&control->contact, ticks)) : json_null();
}

static json_t *refused_view(const struct signal_counters *c, uint64_t *sum)
{
    const uint64_t *counters = &c->refused_format;
    json_t *view = json_object();
    *sum = 0;
    for (unsigned v = SIGNAL_FORMAT; v <= SIGNAL_RECORD; v++) {
        *sum += counters[v - SIGNAL_FORMAT];
        if (counters[v - SIGNAL_FORMAT])
            set(view, signal_verdict_name(v), view_count(counters[v - SIGNAL_FORMAT]));
    }
    return view;
}

// Who of the role is heard; "" where none is good.
static const char *heard_of(const struct board *b, uint32_t first)
{
    for (uint32_t i = 0; i < b->shape.signals; i++)
        if (b->signals[i].first == first && b->signal_counters[i].heard)
            return b->signals[i].name;
    return "";
}

static json_t *signal_row(const struct control *control, uint32_t i)
{
    const struct board *b = control->board;
    const struct signal_info *info = &b->signals[i];
    const struct signal_counters *c = &b->signal_counters[i];
    const char *heard = heard_of(b, info->first);
    const bool udp = info->client[0] == 0;
    json_t *row = json_object();
    uint64_t refused;
    set(row, "source", json_string(info->name));
    set(row, "lane", json_string(control->snapshot.lanes[info->lane].name));
    set(row, "role", info->role[0] ? json_string(info->role) : json_null());
    set(row, "client", udp ? json_null() : json_string(info->client));
    set(row, "sender", udp ? view_ip(info->sender) : json_null());
    set(row, "state", json_string(signal_state_name((unsigned)c->state)));
    set(row, "heard", *heard ? json_string(heard) : json_null());
    set(row, "number", view_count(c->number));
    set(row, "age_ns", age(control, c));
    set(row, "rate", view_count(c->rate));
    set(row, "rate_limit", view_count(info->rate_per_s));
    set(row, "faults", view_count(c->faults));
    set(row, "faults_limit", view_count(info->faults));
    set(row, "told", view_count(c->told));
    set(row, "stood_by", view_count(c->stood_by));
    set(row, "missing", view_count(c->missing));
    set(row, "opened", view_count(c->opened));
    set(row, "silences", view_count(c->silences));
    set(row, "refused_by", refused_view(c, &refused));
    set(row, "refused", view_count(refused));
    return row;
}

void method_signals(struct control *control, struct job *job)
{
    uint64_t strangers = 0;
    if (!job_board(control, job))
        return;
    json_t *list = json_array();
    for (uint32_t i = 0; i < control->board->shape.signals; i++)
        json_array_append_new(list, signal_row(control, i));
    for (uint32_t lane = 0; lane < control->snapshot.shape.lanes; lane++)
        strangers += control->snapshot.lane_counters[lane].signal_strangers;
    job->result = json_pack("{s:o,s:o}", "signals", list, "strangers", view_count(strangers));
}
