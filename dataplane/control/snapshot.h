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
#include "dataplane/control/book_load.h"
#include "dataplane/lane/lane.h"
#include "dataplane/wire/soupbin.h"

enum { SNAPSHOT_TRIES = 3, SNAPSHOT_MESSAGES_A_TURN = 4096, SNAPSHOT_PARTS = 4 };

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
    struct book_load load;
    struct lane *lane;
    struct main_counters *count;
    enum snapshot_state state;
    uint32_t tries;
    int fd;
    uint64_t deadline_ns;
    uint64_t beat_ns; // when the server is to hear from us
    struct lane_answer answer;
    struct soupbin_stream stream;
    uint8_t buffer[2 * SOUPBIN_PACKET_MAX];
    // For the lane's tape.
    bool recorded;     // nothing is missing so far
    uint64_t hurry_ns; // then the book does not wait for the tape any more
    uint32_t part;     // which is filled
    struct book_part parts[SNAPSHOT_PARTS];
};

void snapshot_init(struct snapshot *s, const struct config_snapshot *config, struct channel *ch,
                   struct lane *lane, struct main_counters *count);
// FEED_REQUEST_SNAPSHOT and FEED_REQUEST_RESET.
void snapshot_request(struct snapshot *s, const struct feed_request *request, uint64_t now_ns);
uint32_t snapshot_turn(struct snapshot *s, uint64_t now_ns);

// --- snapshot_record.c: what goes into the book, to the tape of a lane that has one

// The book is borrowed.
void snapshot_record_begin(struct snapshot *s, uint64_t now_ns);
// It was emptied.
void snapshot_record_clear(struct snapshot *s);
// False: the tape has to take something first.
bool snapshot_record_room(struct snapshot *s, uint64_t now_ns);
void snapshot_record(struct snapshot *s, const uint8_t *block, uint32_t len);
// Before it goes back; from here on s->recorded says whether the tape has everything.
void snapshot_record_end(struct snapshot *s);
