// Which datagrams of a capture are market data: of one protocol, one session.
#pragma once

#include "bench/book/input.h"
#include "dataplane/feed/channel.h"

struct capture {
    const struct feed_protocol *protocol;
    uint64_t foreign; // datagrams of something else, taken out of <in>
    uint64_t first;   // lowest number of a message
};

// Leaves in <in> only the datagrams of the feed. False with EXIT_FAILED: there are none, or they
// are of several sessions; the message says what there is instead.
bool capture_sort(struct capture *c, struct input *in, const char *path, struct error *err);
