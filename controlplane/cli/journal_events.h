// Events of a journal one after the other, with the names that stand in it.
#pragma once

#include "controlplane/control/event_view.h"
#include "controlplane/journal/locates.h"
#include "controlplane/journal/reader.h"

struct journal_events {
    struct journal_reader reader;
    struct journal_instance instance; // of the event
    struct locates locates;
    struct known_names *names;
    struct logged_event event; // number: of its record
    uint64_t segment, block;   // in which it stands
};

// False with <err>.
bool journal_events_open(struct journal_events *f, const char *directory, struct error *err);
void journal_events_close(struct journal_events *f);
// Null at the end, with <err> when the disk does not give what it has.
const struct logged_event *journal_events_next(struct journal_events *f, struct error *err);
// False with <err>: the first place of what was read that is damaged.
bool journal_events_whole(const struct journal_events *f, struct error *err);
// "" for what has no name. <lane>: of sessions and strategies.
const char *journal_events_name(const struct journal_events *f, enum journal_name_kind kind,
                                uint32_t lane, uint32_t index);
json_t *journal_events_view(const struct journal_events *f);
