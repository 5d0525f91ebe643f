// The newest events, with indices and codes turned into words.
#include <string.h>

#include "controlplane/control/stream.h"
#include "controlplane/control/view.h"

static uint64_t field_number(const struct event *event, const struct event_field *field)
{
    uint64_t value = 0; // little-endian: the low bytes are the value
    memcpy(&value, (const char *)event + field->offset, field->len);
    return value;
}

static json_t *name_or_number(const char *name, uint64_t number)
{
    return name && *name ? json_string(name) : view_count(number);
}

// Names of the configuration are those of the attached instance; an event of another keeps its
// numbers.
static json_t *field_view(const struct control *control, bool names,
                          const struct logged_event *logged, const struct event_field *field,
                          uint32_t channel)
{
    const struct event *event = &logged->event;
    const struct snapshot *s = &control->snapshot;
    uint64_t number = field->len <= sizeof number ? field_number(event, field) : 0;
    bool channel_known = names && channel < s->shape.channels;
    const char *name = NULL;
    char text[REASON_LEN + 1] = "";
    switch (field->kind) {
    case FIELD_chr4:
    case FIELD_chr8:
    case FIELD_text:
    case FIELD_id:
        if (field->len < sizeof text)
            memcpy(text, (const char *)event + field->offset, field->len);
        text_clean(text, sizeof text);
        return json_string(text);
    case FIELD_letter: return view_letter((uint8_t)number);
    case FIELD_quality: return view_quality(number, 0);
    case FIELD_channel: name = channel_known ? s->channels[channel].name : NULL; break;
    case FIELD_line:
        name = channel_known && number < LINES_MAX ? s->lines[channel][number].name : NULL;
        break;
    case FIELD_port: name = names && number < s->shape.ports ? s->ports[number].name : NULL; break;
    case FIELD_locate: name = logged->symbol; break;
    case FIELD_refusal: name = refusal_name((unsigned)number); break;
    case FIELD_route_verdict: name = route_verdict_name((unsigned)number); break;
    case FIELD_route_ending: name = route_ending_name((unsigned)number); break;
    default: break;
    }
    return name_or_number(name, number);
}

static json_t *fields_view(const struct control *control, bool names,
                           const struct logged_event *logged, const struct event_info *info)
{
    const struct event *event = &logged->event;
    uint32_t channel = UINT32_MAX;
    json_t *fields = json_object();
    for (uint32_t i = 0; i < info->field_count; i++)
        if (info->fields[i].kind == FIELD_channel)
            channel = (uint32_t)field_number(event, &info->fields[i]);
    for (uint32_t i = 0; i < info->field_count; i++) {
        const struct event_field *field = &info->fields[i];
        const char *name = field->kind == FIELD_locate ? "symbol" : field->name;
        json_object_set_new(fields, name, field_view(control, names, logged, field, channel));
    }
    return fields;
}

json_t *event_show(const struct control *control, const struct logged_event *logged, bool names)
{
    const struct event *event = &logged->event;
    const struct event_info *info = event_info(event->type);
    const struct snapshot *s = &control->snapshot;
    names = names && logged->epoch == s->identity.epoch;
    const char *lane = event->lane == LANE_MAIN                ? "main"
                       : names && event->lane < s->shape.lanes ? s->lanes[event->lane].name
                                                               : NULL;
    json_t *view = json_object();
    json_object_set_new(view, "number", view_count(logged->number));
    json_object_set_new(view, "time", view_utc(logged->utc_ns));
    json_object_set_new(view, "event", name_or_number(info ? info->name : NULL, event->type));
    json_object_set_new(view, "ring",
                        json_string(logged->ring == EVENT_RING_TRADING ? "trading" : "diagnostic"));
    json_object_set_new(view, "lane", name_or_number(lane, event->lane));
    json_object_set_new(view, "epoch", view_count(logged->epoch));
    json_object_set_new(view, "sequence", view_count(event->sequence));
    json_object_set_new(view, "input", view_count(event->input));
    json_object_set_new(view, "fields",
                        info ? fields_view(control, names, logged, info) : json_object());
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
    bool names = snapshot_take(&control->snapshot, &control->contact);
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
    const bool names = snapshot_take(&control->snapshot, &control->contact);
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
    event_log_drain(&control->log, &control->contact);
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
