// What locates mean, as a journal's records of names say.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/journal/format.h"
#include "controlplane/region/names.h"

struct locates {
    char (*names[CHANNELS_MAX])[LOCATE_NAME_LEN]; // LOCATES of them; null: none was needed yet
};

// Channel and locate that an event names; false: it has none.
bool locate_of_event(const struct event *event, uint32_t *channel, uint16_t *locate);
// "" for one that is not known.
const char *locates_get(const struct locates *l, uint32_t channel, uint16_t locate);
// False: no memory; the name stays unknown.
bool locates_set(struct locates *l, uint32_t channel, uint16_t locate, const char *name);
// A record of names of <len> bytes; those of other kinds are passed over.
void locates_note(struct locates *l, const void *names, uint32_t len);
void locates_reset(struct locates *l);
