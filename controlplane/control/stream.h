// What a client of the control socket follows: events, counters, log lines, as notifications.
//
// Nothing is queued for a client but what waits in its buffer: it reads on in the logs that all
// share (the newest EVENT_LOG_LEN events, the newest LOG_LINES lines). One that is so slow that the
// log has gone on without it is to be cut off.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/control/control.h"

enum { LOG_LINES = 256, LOG_LINE_LEN = 640, STREAM_COUNTERS_MS = 1000 };

enum stream_topic { STREAM_EVENTS = 1, STREAM_COUNTERS = 2, STREAM_LOGS = 4 };

struct stream {
    uint32_t topics; // enum stream_topic, ored
    uint64_t event;  // numbers that come next
    uint64_t line;
    uint64_t counters_ns; // when the last ones were sent
    bool names;           // those of the attached dataplane are at hand
    bool behind;          // it was full, and what it missed is gone
};

// 0 for a word that is no topic.
enum stream_topic stream_topic_of(const char *word);

// From now on, the events from behind number <after>.
void stream_begin(struct stream *stream, const struct control *control, uint32_t topics,
                  uint64_t after);
// Before the notifications of a turn: names for its events.
void stream_round(struct stream *stream, struct control *control);
// The next notification, to be freed; null when there is nothing new. <full>: the client has all
// that it may have waiting; null then, and the stream is <behind> when something was lost to it.
char *stream_next(struct stream *stream, struct control *control, bool full, uint64_t now_ns);

// Keeps what this process logs from now on for the streams.
void stream_logs_begin(void);
