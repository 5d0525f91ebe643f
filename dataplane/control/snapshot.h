// Snapshot loader of the main lcore: GLIMPSE 5.0 over SoupBinTCP, on a kernel socket, into the book
// that a channel has lent.
//
// While it loads, the main lcore owns the channel's book and its published cells; the lane only
// holds frames. Nothing blocks: a turn connects, reads what is there, applies it, and gives up
// after the configured time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/counters.h"
#include "dataplane/config/config.h"
#include "dataplane/lane/lane.h"
#include "dataplane/wire/soupbin.h"

enum { SNAPSHOT_TRIES = 3, SNAPSHOT_MESSAGES_A_TURN = 4096 };

enum snapshot_state {
    SNAPSHOT_IDLE,
    SNAPSHOT_CONNECTING,
    SNAPSHOT_LOGIN,
    SNAPSHOT_LOADING,
    SNAPSHOT_WAITING,  // for the next attempt
    SNAPSHOT_RETURNING // the lane's ring has no room yet
};

struct snapshot {
    struct config_snapshot config;
    struct channel *channel; // the lane's; only its book may be touched, and only while it is lent
    struct lane *lane;
    struct main_counters *count;
    enum snapshot_state state;
    uint32_t tries;
    int fd;
    uint64_t deadline_ns;
    uint64_t beat_ns;      // when the server is to hear from us
    struct channel loader; // the channel's book behind counters and a sink of our own
    struct channel_counters scratch;
    struct lane_answer answer;
    struct soupbin_stream stream;
    uint8_t buffer[2 * SOUPBIN_PACKET_MAX];
};

void snapshot_init(struct snapshot *s, const struct config_snapshot *config, struct channel *ch,
                   struct lane *lane, struct main_counters *count);
// FEED_REQUEST_SNAPSHOT and FEED_REQUEST_RESET.
void snapshot_request(struct snapshot *s, const struct feed_request *request, uint64_t now_ns);
uint32_t snapshot_turn(struct snapshot *s, uint64_t now_ns);
