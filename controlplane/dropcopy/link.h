// The client of a drop copy: SoupBinTCP over a kernel socket, never waiting but in poll. One
// thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/wire/soupbin.h"

#define DROP_LINK_STATES(X)                                           \
    X(DOWN, down, "no connection; tried again")                       \
    X(CONNECTING, connecting, "a connection is being made")           \
    X(LOGIN, login, "logged in, not answered yet")                    \
    X(UP, up, "what is said is read")                                 \
    X(REFUSED, refused, "the server does not let us in; tried again") \
    X(ENDED, ended, "the server has ended its session; the next one is waited for")

enum drop_link_state {
#define DROP_LINK_STATE(upper, lower, help) DROP_LINK_##upper,
    DROP_LINK_STATES(DROP_LINK_STATE)
#undef DROP_LINK_STATE
        DROP_LINK_STATE_COUNT
};
const char *drop_link_state_name(enum drop_link_state state);

struct drop_link_config {
    uint32_t ip; // host order
    uint16_t port;
    char username[7], password[11];
    uint32_t heartbeat_ms, silence_ms, retry_ms, retry_max_ms;
};

struct drop_link {
    struct drop_link_config config;
    // One sequenced message; called by drop_link_turn.
    void (*take)(void *context, uint64_t sequence, const uint8_t *p, uint32_t len);
    void *context;

    enum drop_link_state state;
    int fd;                                // -1: none
    char session[SOUPBIN_SESSION_LEN + 1]; // "" : whatever is current
    uint64_t next;                         // number of the next message
    // A session that was over, and how far it was read: offered again it goes on from there.
    char over[SOUPBIN_SESSION_LEN + 1];
    uint64_t over_next; // 0: none
    uint64_t since_ns;  // of the state
    uint64_t heard_ns, said_ns, retry_at_ns;
    uint32_t retries;
    uint64_t connects;
    char why[128]; // of the last connection that ended; "" while all is well
    struct soupbin_stream stream;
    uint8_t buffer[SOUPBIN_PACKET_MAX];
};

// <session>, <next>: where an earlier run has stopped, "" and 1 where there was none.
void drop_link_init(struct drop_link *l, const struct drop_link_config *config, const char *session,
                    uint64_t next);
// Where a later run has to go on, for drop_link_init().
const char *drop_link_place(const struct drop_link *l, uint64_t *next);
void drop_link_close(struct drop_link *l);
// Connects, reads, says that we are there; waits for at most <wait_ms> for something to read. True:
// there is more to read already.
bool drop_link_turn(struct drop_link *l, uint64_t now_ns, uint32_t wait_ms);
