// What a lane asks for while it is replayed, out of the records of one turn. Private to replay.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/capture.h"
#include "dataplane/abi/trade.h"
#include "dataplane/port/port.h"

enum { REPLAY_RECORDS_MAX = CAPTURE_SPAN_MAX / CAPTURE_UNIT };

struct replay_record {
    struct capture_record header;
    const uint8_t *payload;
    uint32_t payload_len;
    bool used;
};

struct replay_source;

struct replay_port {
    struct replay_source *source;
    uint32_t input;
    uint64_t buffers; // asked for
};

struct replay_source {
    uint64_t now;                  // of the turn
    uint64_t last;                 // what the clock said last
    struct replay_record *records; // of the turn, REPLAY_RECORDS_MAX
    uint32_t count;
    uint32_t at_clock, at_out, at_others; // all before is used
    struct kill_words *kills;             // of the lane; null: it does not trade
    struct replay_port ports[PORTS_MAX];  // by input of the lane
    uint64_t turns, frames_in, frames_out;
    char difference[256]; // the first one; "": none
};

extern const struct port_ops replay_port_ops;

uint64_t replay_clock(void *source);
uint32_t replay_others(void *source);
void replay_differs(struct replay_source *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
// Everything that was recorded for the turn was asked for.
void replay_turn_check(struct replay_source *s);
