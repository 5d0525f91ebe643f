// Requests to a collector over HTTP, one at a time, without waiting for it. Not thread-safe.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/error.h"

struct post_config {
    const char *url;
    const char *ca;           // file; empty: those of the system
    const char *headers_file; // empty: none
    uint32_t timeout_ms;
};

enum post_state {
    POST_IDLE,
    POST_BUSY,
    POST_TAKEN,   // <rejected> of its spans were not
    POST_REFUSED, // it does not want them: again is no use
    POST_FAILED,  // perhaps later
};

struct post;

// Null with EXIT_USAGE or EXIT_FAILED.
struct post *post_open(const struct post_config *config, struct error *err);
void post_close(struct post *p);
// <body> stays where it is until the state is not BUSY any more. False: it cannot be begun.
bool post_begin(struct post *p, const uint8_t *body, size_t len);
// Goes on, and waits up to <wait_ms> for something to do. After anything but BUSY it is idle again.
enum post_state post_turn(struct post *p, uint32_t wait_ms, uint64_t *rejected, char *why,
                          size_t why_len);
// Ends a wait of post_turn, from any thread.
void post_wake(struct post *p);
