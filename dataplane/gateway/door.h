// The door of the gateway: a Unix socket at which local processes attach. Main lcore only; lanes
// know nothing of it.
//
// Who a process is says the kernel (SO_PEERCRED): it must be of the user that the configuration
// names for the client. The socket file itself lets everybody knock.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/limits.h"
#include "dataplane/base/error.h"
#include "dataplane/gateway/gateway.h"

enum {
    DOOR_WAITING_MAX = 8, // processes that have connected and not said who they are
    DOOR_TURN_MS = 1,     // sockets are looked at this often
    DOOR_HELLO_MS = 1000, // for saying who it is
    DOOR_PATH_LEN = 108,
};

// What a client may know: names that it turns into indices.
struct door_names {
    const char (*symbols)[GATEWAY_SYMBOL_LEN]; // padded with blanks
    const char (*venues)[GATEWAY_NAME_LEN];    // order sessions of the lane
    uint32_t symbol_count;
    uint32_t venue_count;
};

struct door_waiting {
    int fd; // -1: free
    uint64_t until_ns;
};

// The process that is attached as a client.
struct door_guest {
    int fd; // -1: nobody
    uint32_t attachment;
    uint32_t beat;
    uint64_t beat_ns; // when it was last seen to move
    uint64_t inward_bytes;
    uint64_t outward_bytes;
    bool ended;
};

struct door {
    struct gateway *gateways[LANES_MAX]; // lanes with clients
    struct door_names names[LANES_MAX];
    struct door_guest guests[LANES_MAX][GATEWAY_CLIENTS_MAX];
    uint32_t gateway_count;
    uint32_t attachments; // so far; numbers start at 1
    struct door_waiting waiting[DOOR_WAITING_MAX];
    uint64_t next_ns;
    uint64_t refused; // processes that were sent away
    int fd;           // -1: closed
    char path[DOOR_PATH_LEN];
};

// A lane's clients, before any lane runs. <g> is zeroed memory on a cache line. False: EXIT_USAGE
// with what is wrong.
bool gateway_init(struct gateway *g, uint32_t requests, uint32_t answers, uint32_t first_strategy,
                  struct error *err);
// The clients of a lane have the strategies first_strategy, + 1, ... in the order in which they are
// added; <config->strategy> is filled in.
bool gateway_client_add(struct gateway *g, struct gateway_client_config *config, uint64_t tsc_hz,
                        struct error *err);
// Bytes that an attached client's memory takes.
uint64_t gateway_client_bytes(const struct gateway *g, const struct door_names *names);

// Listens at <path>; a socket that nobody listens at any more is replaced.
bool door_open(struct door *door, const char *path, struct error *err);
// <names> outlives the door.
void door_gateway_add(struct door *door, struct gateway *g, const struct door_names *names);
// Who knocks, who has gone, who has been cut off. Returns how much there was to do.
uint32_t door_turn(struct door *door, uint64_t now_ns);
// After the lanes have stopped: sends everybody home.
void door_close(struct door *door);
