// The gateway of a lane: its clients, and how the main lcore and the lane hand them to each other.
//
// The main lcore opens the door (door.h), knows who attaches, makes the memory and sees when a
// process dies. The lane takes requests and puts answers (lane/desk_gateway.h). Between them are
// words with one writer each:
//
//   bell      main, release, after any change below; the lane loads it with acquire once a turn
//   attached  main, release, after <inward>, <outward>, <uid> and <pid>: number of the attachment
//   ended     main, release, after <why>: the attachment that is over, as its process is gone
//   cut       lane, release: code, when it is the lane that ends it; cleared by nobody: attachments
//             have their own numbers
//   left      lane, release, after its last look at the memory: the attachment that the lane has
//             left; every order of it has its cancel. The main lcore loads it with acquire before
//             it takes the memory away, and only then attaches the next.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/limits.h"
#include "dataplane/base/hints.h"
#include "dataplane/gateway/pipe.h"

enum {
    GATEWAY_CLIENTS_MAX = 32,    // of a lane
    GATEWAY_REQUESTS_A_TURN = 4, // of a client
};

struct gateway_client_config {
    char name[GATEWAY_NAME_LEN];
    uint32_t uid; // whose processes may attach
    uint16_t account;
    uint16_t strategy;     // the client's own, in the gate's scopes
    uint32_t open_orders;  // most that may be open, for who attaches; the gate has the limit
    uint32_t rate_per_s;   // orders, replaces and modifies; cancels always pass
    uint32_t burst;        // how many may come at once
    uint32_t heartbeat_ms; // 0: only its socket says that it lives
};

struct gateway_client {
    // Set-up.
    CACHE_ALIGN struct gateway_client_config config;
    uint64_t rate_ticks;  // between two messages in the long run
    uint64_t burst_ticks; // how far ahead of that a burst may be

    // Main lcore.
    CACHE_ALIGN _Atomic uint32_t attached;
    _Atomic uint32_t ended;
    uint32_t why; // enum tickgate_code
    uint32_t uid;
    uint32_t pid;
    uint32_t attachments;
    struct gateway_inward *inward; // null: nobody is attached
    struct gateway_outward *outward;

    // Lane, read by the main lcore.
    CACHE_ALIGN _Atomic uint32_t left;
    _Atomic uint32_t cut;

    // Lane.
    CACHE_ALIGN struct gateway_pipe pipe;
    uint32_t attachment; // 0: nobody is attached
    uint64_t rate_at;    // when the next message would be on time (virtual scheduling)
    uint64_t requests;   // of this attachment
    // Since the start; read by the main lcore to be shown.
    uint64_t taken;
    uint64_t refused;
    uint64_t answers;
};

struct gateway {
    CACHE_ALIGN _Atomic uint32_t bell;
    CACHE_ALIGN uint32_t count;
    uint32_t first_strategy; // clients have strategies one after the other, from this one on
    uint32_t requests;       // slots of each client's rings
    uint32_t answers;
    struct gateway_client clients[GATEWAY_CLIENTS_MAX];
};

static inline void gateway_ring(struct gateway *g)
{
    atomic_fetch_add_explicit(&g->bell, 1, memory_order_release);
}
