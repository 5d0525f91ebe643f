#include "controlplane/journal/locates.h"

#include <stdlib.h>
#include <string.h>

#include "controlplane/region/snapshot.h"

bool locate_of_event(const struct event *event, uint32_t *channel, uint16_t *locate)
{
    const struct event_info *info = event_info(event->type);
    bool found = false;
    *channel = CHANNELS_MAX;
    for (uint32_t i = 0; info && i < info->field_count; i++) {
        const struct event_field *field = &info->fields[i];
        if (field->kind == FIELD_channel)
            *channel = ((const uint8_t *)event)[field->offset];
        if (field->kind != FIELD_locate)
            continue;
        memcpy(locate, (const char *)event + field->offset, sizeof *locate);
        found = *locate != 0;
    }
    return found && *channel < CHANNELS_MAX;
}

const char *locates_get(const struct locates *l, uint32_t channel, uint16_t locate)
{
    return channel < CHANNELS_MAX && l->names[channel] ? l->names[channel][locate] : "";
}

bool locates_set(struct locates *l, uint32_t channel, uint16_t locate, const char *name)
{
    if (channel >= CHANNELS_MAX)
        return false;
    if (l->names[channel] == NULL)
        l->names[channel] = calloc(LOCATES, sizeof *l->names[channel]);
    if (l->names[channel] == NULL)
        return false;
    memset(l->names[channel][locate], 0, LOCATE_NAME_LEN);
    memcpy(l->names[channel][locate], name, strnlen(name, LOCATE_NAME_LEN - 1));
    return true;
}

void locates_note(struct locates *l, const void *names, uint32_t len)
{
    struct journal_names head;
    char name[NAME_LEN];
    if (len < sizeof head + NAME_LEN)
        return;
    memcpy(&head, names, sizeof head);
    memcpy(name, (const char *)names + sizeof head, sizeof name);
    text_clean(name, sizeof name);
    if (head.kind == JOURNAL_NAME_LOCATE && head.first < LOCATES)
        locates_set(l, head.lane, (uint16_t)head.first, name);
}

void locates_reset(struct locates *l)
{
    for (uint32_t i = 0; i < CHANNELS_MAX; i++)
        free(l->names[i]);
    *l = (struct locates){0};
}
