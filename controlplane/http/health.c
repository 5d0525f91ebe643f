// Is everything as it should be, and how long do things take: answers for machines.
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "controlplane/control/view.h"
#include "controlplane/dropcopy/act.h"
#include "controlplane/http/parts.h"
#include "controlplane/metrics/stages.h"

enum { ALARM_NS = 2750 };

bool dataplane_ready(const struct control *control)
{
    return control->contact.state == CONTACT_LIVE;
}

// --- health ---

static void check_add(json_t *checks, bool *healthy, bool ok, const char *what, const char *name,
                      const char *state)
{
    json_t *row = json_object();
    json_object_set_new(row, "check", json_string(what));
    json_object_set_new(row, "name", json_string(name));
    json_object_set_new(row, "ok", json_boolean(ok));
    json_object_set_new(row, "state", json_string(state));
    json_array_append_new(checks, row);
    *healthy = *healthy && ok;
}

static void checks_trade(const struct board *b, json_t *checks, bool *healthy)
{
    for (uint32_t i = 0; i < b->shape.order_sessions; i++) {
        const struct order_session_counters *c = &b->session_counters[i];
        check_add(checks, healthy, c->state == SESSION_READY && !c->halted, "session",
                  b->sessions[i].name,
                  c->halted ? "halted" : session_state_name((unsigned)c->state));
    }
}

static void checks_market(const struct snapshot *s, json_t *checks, bool *healthy)
{
    for (uint32_t i = 0; i < s->shape.ports; i++)
        check_add(checks, healthy, s->port_counters[i].link_up, "link", s->ports[i].name,
                  s->port_counters[i].link_up ? "up" : "down");
    for (uint32_t i = 0; i < s->shape.channels; i++) {
        const uint64_t quality = s->channel_counters[i].quality;
        check_add(checks, healthy, quality <= QUALITY_HALTED, "channel", s->channels[i].name,
                  quality_name(quality > QUALITIES ? QUALITIES : (unsigned)quality));
    }
}

static void checks_drops(const struct drop_copies *drops, json_t *checks, bool *healthy)
{
    struct drop_status s;
    for (uint32_t i = 0; drops && i < drops->count; i++) {
        drop_copy_look(drops->copies[i], &s);
        check_add(checks, healthy, !s.lost && !s.full && s.differing == 0, "drop_copy", s.name,
                  s.lost        ? "lost"
                  : s.full      ? "full"
                  : s.differing ? "differs"
                                : drop_link_state_name(s.state));
    }
}

char *health_text(struct control *control, bool *healthy)
{
    json_t *checks = json_array();
    *healthy = true;
    check_add(checks, healthy, dataplane_ready(control), "dataplane", control->contact.where,
              dataplane_ready(control)  ? "ready"
              : control->contact.why[0] ? control->contact.why
                                        : "starting");
    if (contact_attached(&control->contact) &&
        snapshot_take(&control->snapshot, &control->contact) &&
        board_take(control->board, &control->contact)) {
        checks_market(&control->snapshot, checks, healthy);
        checks_trade(control->board, checks, healthy);
    }
    checks_drops(control->drops, checks, healthy);
    json_t *view = json_pack("{s:b,s:o}", "healthy", *healthy, "checks", checks);
    char *text = json_dumps(view, JSON_INDENT(2));
    json_decref(view);
    return text;
}

// --- latency ---

static json_t *stage_row(const struct contact *contact, const char *stage, const char *lane,
                         const struct histogram *h)
{
    json_t *row = json_object(), *view = view_latency(contact, h);
    static const char *const keys[] = {"samples", "p50_ns", "p99_ns", "p999_ns", "max_ns"};
    const uint64_t samples = histogram_samples(h);
    json_object_set_new(row, "stage", json_string(stage));
    json_object_set_new(row, "lane", lane ? json_string(lane) : json_null());
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_t *value = json_object_get(view, keys[i]);
        if (value)
            json_object_set(row, keys[i], value);
        else
            json_object_set_new(row, keys[i], json_null());
    }
    const double over = (double)json_integer_value(json_object_get(view, "over_2750_ns"));
    json_object_set_new(row, "fraction_above_alarm",
                        samples ? json_real(over / (double)samples) : json_null());
    json_decref(view);
    return row;
}

char *latency_text(struct control *control)
{
    json_t *list = json_array();
    if (contact_attached(&control->contact) &&
        snapshot_take(&control->snapshot, &control->contact)) {
        const struct snapshot *s = &control->snapshot;
        for (uint32_t i = 0; i < s->shape.lanes; i++)
            json_array_append_new(list,
                                  stage_row(&control->contact, "frame_to_book", s->lanes[i].name,
                                            &s->lane_histograms[i].frame_to_book));
        for (uint32_t i = 0; i < STAGES; i++)
            json_array_append_new(list, stage_row(&control->contact, stage_name((enum stage)i),
                                                  NULL, &control->stages.histograms[i]));
    }
    json_t *view = json_pack("{s:i,s:o}", "alarm_ns", ALARM_NS, "stages", list);
    char *text = json_dumps(view, JSON_INDENT(2));
    json_decref(view);
    return text;
}
