// What order sessions said, from the events in the journal.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/dropcopy/theirs.h"

// How far the stream of an order session was read: after a restart that reads it again, what was
// there before is not counted twice.
struct drop_heard {
    uint8_t id[10];
    uint8_t turned; // enum drop_turned
    uint32_t sequence;
};

struct drop_ours {
    struct drop_heard heard[SESSIONS_MAX];
};

// <session>: that the event names, null: none that is compared. True: <item> was said. <*again>:
// the session has a new stream.
bool drop_ours_read(struct drop_ours *o, const struct drop_session *session,
                    const struct event *event, struct drop_item *item, bool *again);
// The place of the session in the lane's desk that an event names; -1: it names none.
int drop_ours_session(const struct event *event);
