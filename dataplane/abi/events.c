#include "dataplane/abi/events.h"

#include <stddef.h>

#define EVENT(upper, lower, ring, help) static const struct event_field fields_##lower[] = {
#define EVENT_SAME(upper, lower, ring, help)
#define FIELD(lower, kind, field)                                      \
    {#field, #kind, FIELD_##kind, offsetof(struct event, lower.field), \
     sizeof(((struct event *)0)->lower.field)},
#define EVENT_END(lower) \
    }                    \
    ;
#include "dataplane/abi/events.def"

#define FIELDS_OF(lower) fields_##lower, sizeof fields_##lower / sizeof fields_##lower[0]

static const struct event_info infos[EVENT_TYPES] = {
#define EVENT(upper, lower, ring, help) \
    [EVENT_##upper] = {#upper, help, EVENT_RING_##ring, FIELDS_OF(lower)},
#define EVENT_SAME(upper, lower, ring, help) \
    [EVENT_##upper] = {#upper, help, EVENT_RING_##ring, FIELDS_OF(lower)},
#define FIELD(lower, kind, field)
#define EVENT_END(lower)
#include "dataplane/abi/events.def"
};

const struct event_info *event_info(uint16_t type)
{
    return type > EVENT_NONE && type < EVENT_TYPES ? &infos[type] : NULL;
}
