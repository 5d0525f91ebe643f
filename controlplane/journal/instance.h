// What a journal says of the dataplane whose events follow: its instance, and the names of what
// events name by number.
#pragma once

#include <stdbool.h>

#include "controlplane/journal/journal.h"

// Records that are to be written, one behind the other; <at> is the next.
struct instance_notes {
    uint8_t *bytes;
    uint32_t len, max;
    uint32_t at;
};

// Of the attached region. False: it has vanished, or no memory.
bool instance_describe(struct contact *contact, struct journal_instance *instance,
                       struct instance_notes *names);
// Writes what is left of the notes; false: not all found room.
bool instance_notes_write(struct instance_notes *notes, struct journal *journal, uint64_t now_ns);
void instance_notes_free(struct instance_notes *notes);
