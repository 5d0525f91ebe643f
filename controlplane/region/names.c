#include "controlplane/region/names.h"

#include <stdlib.h>
#include <string.h>

#include "controlplane/region/snapshot.h"

void locate_names_reset(struct locate_names *names)
{
    for (uint32_t i = 0; i < CHANNELS_MAX; i++) {
        free(names->channels[i].now.names);
        free(names->channels[i].before.names);
    }
    memset(names, 0, sizeof *names);
}

void locate_names_look(struct locate_names *names, const struct region_view *view, uint32_t source,
                       enum event_ring_kind kind, uint64_t *looked)
{
    const struct event_ring *ring = region_ring(view, source, kind);
    const struct event *events = region_ring_events(view, source, kind);
    const uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    const uint32_t slots = region_ring_slots(view, kind);
    for (uint32_t i = 0; i < CHANNELS_MAX; i++)
        names->channels[i].asked = false;
    if (tail - *looked > slots)
        *looked = tail; // impossible: whoever reads the events will say so
    for (; *looked != tail; ++*looked) {
        const struct event *event = &events[*looked & (slots - 1)];
        const uint8_t channel = event->session.channel;
        if (event->type == EVENT_SESSION_START && channel < CHANNELS_MAX &&
            event->tsc > names->channels[channel].newest_tsc)
            names->channels[channel].newest_tsc = event->tsc;
    }
}

struct ask {
    char (*names)[LOCATE_NAME_LEN];
    uint32_t channel;
};

// What is known already stays: it was right when it was found.
static void copy_names(const struct region_view *view, void *context)
{
    const struct ask *ask = context;
    if (ask->channel >= view->shape.channels)
        return;
    const struct symbol_name *cells = region_names(view, ask->channel);
    for (uint32_t slot = 0; slot < view->shape.symbols[ask->channel]; slot++) {
        char name[LOCATE_NAME_LEN];
        const uint16_t locate = symbol_name_read(&cells[slot], name);
        text_clean(name, sizeof name);
        if (locate && ask->names[locate][0] == 0)
            memcpy(ask->names[locate], name, sizeof name);
    }
}

static const char *name_now(struct channel_names *c, struct contact *contact, uint32_t channel,
                            uint16_t locate)
{
    if (c->now.names == NULL)
        c->now.names = calloc(LOCATES, sizeof *c->now.names);
    if (c->now.names == NULL)
        return ""; // shown as a number
    if (c->now.names[locate][0] == 0 && !c->asked) {
        struct ask ask = {c->now.names, channel};
        c->asked = true;
        contact_pass(contact, copy_names, &ask);
    }
    return c->now.names[locate];
}

static void session_begin(struct channel_names *c, uint64_t tsc)
{
    free(c->before.names);
    c->before = c->now;
    c->now = (struct session_names){.since_tsc = tsc};
    c->asked = false;
    if (tsc > c->newest_tsc)
        c->newest_tsc = tsc;
}

// Rings are read one after the other: an event may be older than a session that has begun in
// another ring, and the newest session may stand behind it.
static const char *name_then(struct channel_names *c, struct contact *contact, uint32_t channel,
                             uint16_t locate, uint64_t tsc)
{
    if (tsc < c->now.since_tsc)
        return c->before.names && tsc >= c->before.since_tsc ? c->before.names[locate] : "";
    if (c->now.since_tsc == c->newest_tsc)
        return name_now(c, contact, channel, locate);
    return c->now.names ? c->now.names[locate] : "";
}

const char *locate_names_event(struct locate_names *names, struct contact *contact,
                               const struct event *event)
{
    const struct event_info *info = event_info(event->type);
    uint32_t channel = CHANNELS_MAX;
    uint16_t locate = 0;
    for (uint32_t i = 0; info && i < info->field_count; i++) {
        const struct event_field *field = &info->fields[i];
        if (field->kind == FIELD_channel)
            channel = ((const uint8_t *)event)[field->offset];
        else if (field->kind == FIELD_locate)
            memcpy(&locate, (const char *)event + field->offset, sizeof locate);
    }
    if (channel >= CHANNELS_MAX)
        return "";
    struct channel_names *c = &names->channels[channel];
    if (event->type == EVENT_SESSION_START)
        session_begin(c, event->tsc);
    return locate ? name_then(c, contact, channel, locate, event->tsc) : "";
}
