// The restore area of an attached region, for the one thread that fills it
// (dataplane/abi/restore.h).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/region/contact.h"

// What the dataplane says, and what stands there.
struct restore_seen {
    bool wanted;
    uint32_t slots;
    uint32_t state;   // enum restore_state
    uint64_t verdict; // enum restore_verdict
    uint64_t from_ns, to_ns;
    uint32_t extracts, extracts_sum; // that the day came from
    uint64_t taken, filled;
};

struct restore_chunk {
    const struct event *events;
    uint32_t count;
    uint32_t sum;       // of these, from the sum before on
    uint32_t state;     // enum restore_state
    uint32_t instances; // the rest as in the area
    uint32_t skipped;
    uint32_t read_us;
    uint32_t extracts, extracts_sum;
    uint64_t total;
    char why[RESTORE_WHY_LEN];
};

// Names of the region that events name by number.
struct restore_names {
    struct region_shape shape;
    struct lane_info lanes[LANES_MAX];
    struct account_info *accounts;
    struct instrument_info *instruments;
    struct order_session_info *sessions;
    struct strategy_info *strategies;
};

// All return false when the region has vanished.
bool restore_look(struct contact *contact, struct restore_seen *seen);
// The slots have been taken: seen.taken == seen.filled.
bool restore_fill(struct contact *contact, const struct restore_chunk *chunk);
// Stays for the next control plane.
bool restore_judge(struct contact *contact, enum restore_verdict verdict);
// False also without memory. Freed in both cases by restore_names_free.
bool restore_names_take(struct contact *contact, struct restore_names *names);
void restore_names_free(struct restore_names *names);
