// What copies want done to the dataplane, by the owner of the contact: records, and new orders
// stopped.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/dropcopy/copy.h"
#include "controlplane/region/board.h"
#include "controlplane/region/call.h"

struct drop_copies {
    struct drop_copy *copies[DROP_COPIES_MAX];
    uint32_t count;
    struct board *board; // of its own
    // The command on its way.
    struct call call;
    bool calling;
    uint32_t of;      // index of the copy
    uint32_t records; // in it; 0: a stop
};

// All copies of the configuration. False with <err>; drop_copies_stop afterwards in both cases.
bool drop_copies_start(struct drop_copies *a, const struct config *config, const char *directory,
                       struct drain *drain, const _Atomic uint64_t *committed, struct error *err);
void drop_copies_stop(struct drop_copies *a);
// With every tick.
void drop_copies_turn(struct drop_copies *a, struct contact *contact, uint64_t now_ns);
