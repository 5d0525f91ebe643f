#include "controlplane/control/event_view.h"

#include <string.h>

#include "controlplane/control/view.h"

static uint64_t field_number(const struct event *event, const struct event_field *field)
{
    uint64_t value = 0; // little-endian: the low bytes are the value
    memcpy(&value, (const char *)event + field->offset, field->len);
    return value;
}

static json_t *name_or_number(const char *name, uint64_t number)
{
    return name && *name ? json_string(name) : view_number(number);
}

static json_t *field_view(const struct logged_event *logged, const struct event_names *names,
                          const struct event_field *field, uint32_t channel)
{
    const struct event *event = &logged->event;
    uint64_t number = field->len <= sizeof number ? field_number(event, field) : 0;
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
    case FIELD_i64: return json_integer((json_int_t)number);
    case FIELD_letter: return view_letter((uint8_t)number);
    case FIELD_quality: return view_quality(number, 0);
    case FIELD_locate: name = logged->symbol; break;
    case FIELD_refusal: name = refusal_name((unsigned)number); break;
    case FIELD_route_verdict: name = route_verdict_name((unsigned)number); break;
    case FIELD_control: name = limit_control_name((unsigned)number); break;
    case FIELD_route_ending: name = route_ending_name((unsigned)number); break;
    case FIELD_record: name = record_state_name((unsigned)number); break;
    case FIELD_difference: name = drop_difference_name((unsigned)number); break;
    default:
        name = names->name ? names->name(names->context, field->kind, channel, number) : NULL;
        break;
    }
    return name_or_number(name, number);
}

static json_t *fields_view(const struct logged_event *logged, const struct event_names *names)
{
    const struct event *event = &logged->event;
    const struct event_info *info = event_info(event->type);
    uint32_t channel = UINT32_MAX;
    json_t *fields = json_object();
    for (uint32_t i = 0; info && i < info->field_count; i++)
        if (info->fields[i].kind == FIELD_channel)
            channel = (uint32_t)field_number(event, &info->fields[i]);
    for (uint32_t i = 0; info && i < info->field_count; i++) {
        const struct event_field *field = &info->fields[i];
        const char *name = field->kind == FIELD_locate ? "symbol" : field->name;
        json_object_set_new(fields, name, field_view(logged, names, field, channel));
    }
    return fields;
}

json_t *event_view(const struct logged_event *logged, const char *lane,
                   const struct event_names *names)
{
    const struct event *event = &logged->event;
    const struct event_info *info = event_info(event->type);
    json_t *view = json_object();
    json_object_set_new(view, "number", view_count(logged->number));
    json_object_set_new(view, "time", view_utc(logged->utc_ns));
    json_object_set_new(view, "event", name_or_number(info ? info->name : NULL, event->type));
    json_object_set_new(view, "ring",
                        json_string(logged->ring == EVENT_RING_TRADING ? "trading" : "diagnostic"));
    json_object_set_new(view, "lane",
                        name_or_number(event->lane == LANE_MAIN ? "main" : lane, event->lane));
    json_object_set_new(view, "epoch", view_count(logged->epoch));
    json_object_set_new(view, "sequence", view_count(event->sequence));
    json_object_set_new(view, "input", view_count(event->input));
    json_object_set_new(view, "fields", fields_view(logged, names));
    return view;
}
