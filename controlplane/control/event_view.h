// Events as JSON, with indices and codes turned into words.
#pragma once

#include <jansson.h>

#include "controlplane/region/events.h"

// Who knows what the configuration calls things. <name> null, or its answer null: the number stays.
struct event_names {
    const void *context;
    const char *(*name)(const void *context, enum event_field_kind kind, uint32_t channel,
                        uint64_t number);
};

// <lane>: name of a lane, null: its number.
json_t *event_view(const struct logged_event *logged, const char *lane,
                   const struct event_names *names);
