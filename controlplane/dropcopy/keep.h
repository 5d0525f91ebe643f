// Where a control plane that is started again goes on: a file of one copy, replaced whole.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/dropcopy/match.h"
#include "controlplane/dropcopy/ours.h"
#include "dataplane/base/error.h"

struct drop_kept {
    uint64_t epoch;      // dataplane whose orders were last stopped, or need not be
    uint8_t journal[16]; // which one
    uint64_t segment;    // of the journal ...
    uint64_t record;     // ... up to which it was read
    uint64_t next;       // number of the copy's next message ...
    char session[16];    // ... in this session
    uint64_t counts[8];  // as shown, so that they go on
    uint64_t before[2];  // of them foreign and dropped, before this session
    struct drop_heard heard[SESSIONS_MAX];
    char names[SESSIONS_MAX][NAME_LEN]; // of the sessions, by place
};

enum drop_found { DROP_FOUND, DROP_NONE_THERE, DROP_NO_GOOD };

// DROP_NO_GOOD with <err>: it cannot be read, or is not what was written. <table> is empty;
// sessions that stand at another place now, or nowhere, are left out.
enum drop_found drop_keep_read(const char *path, const struct drop_sessions *sessions,
                               struct drop_kept *kept, struct drop_table *table, uint64_t now_ns,
                               struct error *err);
// What waits and what differs. False with <err>.
bool drop_keep_write(const char *path, const struct drop_kept *kept, const struct drop_table *table,
                     struct error *err);
