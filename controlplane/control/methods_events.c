// The newest events, with indices and codes turned into words.
#include <string.h>

#include "controlplane/control/event_view.h"
#include "controlplane/control/stream.h"
#include "controlplane/control/view.h"

// Names of the configuration are those of the attached instance; an event of another keeps its
// numbers.
static const char *name_of(const void *context, enum event_field_kind kind, uint32_t channel,
                           uint64_t number)
{
    const struct snapshot *s = context;
    const bool known = channel < s->shape.channels;
    switch (kind) {
    case FIELD_channel: return known ? s->channels[channel].name : NULL;
    case FIELD_line: return known && number < LINES_MAX ? s->lines[channel][number].name : NULL;
    case FIELD_port: return number < s->shape.ports ? s->ports[number].name : NULL;
    default: return NULL;
    }
}

// The names of a region that has gone are those of its last events.
static bool names_take(struct control *control)
{
    return snapshot_take(&control->snapshot, &control->contact) || control->snapshot.whole;
}

json_t *event_show(const struct control *control, const struct logged_event *logged, bool names)
{
    const struct event *event = &logged->event;
    const struct snapshot *s = &control->snapshot;
    names = names && logged->epoch == s->identity.epoch;
    const struct event_names of = {.context = s, .name = names ? name_of : NULL};
    const char *lane = names && event->lane < s->shape.lanes ? s->lanes[event->lane].name : NULL;
    json_t *view = event_view(logged, lane, &of);
    if (event->type == EVENT_DECISION && event->decision.refusal != REFUSAL_NONE) {
        const struct event_decision *d = &event->decision;
        json_t *fields = json_object_get(view, "fields");
        char why[REFUSAL_TEXT_LEN + 16];
        refusal_text(why, d->refusal, d->value, d->limit, names ? s->identity.clock.tsc_hz : 0);
        if (d->checks & CHECKS_OF_BROKER)
            snprintf(why + strlen(why), 16, ", the broker's");
        json_object_set_new(fields, "why", json_string(why));
        if (limit_control_of(d->refusal) != LIMIT_CONTROL_NONE)
            json_object_set_new(fields, "binds",
                                json_string(limit_owner_name((d->checks & CHECKS_OF_BROKER) != 0)));
    }
    return view;
}

struct choice {
    uint64_t first; // numbers looked at: [first, end)
    uint64_t end;
    uint64_t count; // at most so many
    const char *type;
};

static bool chosen(const struct logged_event *logged, const struct choice *choice)
{
    const struct event_info *info = event_info(logged->event.type);
    return choice->type == NULL || (info && strcmp(info->name, choice->type) == 0);
}

// Without <after> the newest <count>; with it the oldest ones behind that number, so that a reader
// can follow without a hole. Oldest first in both cases.
static void choice_narrow(const struct event_log *log, bool follow, struct choice *choice)
{
    uint64_t found = 0;
    if (follow) {
        for (uint64_t n = choice->first; n < choice->end; n++)
            if (chosen(event_log_at(log, n), choice) && ++found == choice->count)
                choice->end = n + 1;
        return;
    }
    for (uint64_t n = choice->end; n > choice->first; n--)
        if (chosen(event_log_at(log, n - 1), choice) && ++found == choice->count)
            choice->first = n - 1;
}

static bool type_exists(const char *type)
{
    for (uint16_t i = 0; i < EVENT_TYPES; i++) {
        const struct event_info *info = event_info(i);
        if (info && strcmp(info->name, type) == 0)
            return true;
    }
    return false;
}

void method_events(struct control *control, struct job *job)
{
    struct event_log *log = &control->log;
    if (!job_settle(control, job))
        return;
    int64_t after = job_integer(job, "after", -1);
    struct choice choice = {
        .first = log->count >= EVENT_LOG_LEN ? log->count - EVENT_LOG_LEN + 1 : 1,
        .end = log->count + 1,
        .count = (uint64_t)job_integer(job, "count", 100),
        .type = job_string(job, "type"),
    };
    if (choice.type && !type_exists(choice.type)) {
        job_fail(job, RPC_ERROR_PARAMS,
                 "events: there is no type '%s'; docs/abi.md lists them, for example GAP_OPEN",
                 choice.type);
        return;
    }
    if (after >= 0 && (uint64_t)after >= choice.first)
        choice.first = (uint64_t)after < choice.end ? (uint64_t)after + 1 : choice.end;
    choice_narrow(log, after >= 0, &choice);
    bool names = names_take(control);
    json_t *list = json_array();
    for (uint64_t n = choice.first; n < choice.end; n++)
        if (chosen(event_log_at(log, n), &choice))
            json_array_append_new(list, event_show(control, event_log_at(log, n), names));
    job->result = json_pack("{s:o,s:o}", "events", list, "next_after", view_count(choice.end - 1));
}

static bool is_refused(const struct event *event)
{
    return event->type == EVENT_ORDER_NOT_SENT ||
           (event->type == EVENT_DECISION && event->decision.refusal != REFUSAL_NONE);
}

json_t *events_refused(struct control *control, uint32_t count)
{
    const struct event_log *log = &control->log;
    json_t *list = json_array();
    const bool names = names_take(control);
    for (uint64_t n = log->count; n > 0 && json_array_size(list) < count; n--) {
        const struct logged_event *logged = event_log_at(log, n);
        if (logged == NULL)
            break;
        if (logged->ring == EVENT_RING_TRADING && is_refused(&logged->event))
            json_array_append_new(list, event_show(control, logged, names));
    }
    return list;
}

void method_subscribe(struct control *control, struct job *job)
{
    const json_t *words = json_object_get(job->params, "topics");
    job->topics = 0;
    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *word = json_string_value(json_array_get(words, i));
        const uint32_t topic = stream_topic_of(word);
        if (topic == 0) {
            job_fail(job, RPC_ERROR_PARAMS,
                     "subscribe: no topic '%.16s'; there are events, counters and logs", word);
            return;
        }
        job->topics |= topic;
    }
    if (!job_settle(control, job))
        return;
    job->after = (uint64_t)job_integer(job, "after", INT64_MAX);
    if (job->after > control->log.count)
        job->after = control->log.count;
    job->subscribes = true;
    job->result = json_pack("{s:O,s:o}", "topics", words, "after", view_count(job->after));
}

void method_unsubscribe(struct control *control, struct job *job)
{
    (void)control;
    job->topics = 0;
    job->after = 0;
    job->subscribes = true;
    job->result = json_pack("{s:[]}", "topics");
}
