// Metrics, health and the status page over HTTP, in the thread of the control plane.
//
// Bounded everywhere: connections, memory of each, open pages. A connection that has not brought a
// whole request for HTTP_PATIENCE_MS is closed; when most places are taken the one that has waited
// longest is, so that there is always a place for the next. Answers are made at most ten times a
// second and shared.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/control/control.h"
#include "dataplane/config/config.h"

enum {
    HTTP_CONNECTIONS_MAX = 64,
    HTTP_CONNECTIONS_EASY = 48, // with more than these the one that waits longest goes
    HTTP_STREAMS_MAX = 8,
    HTTP_PATIENCE_MS = 30000,
    HTTP_STREAM_PATIENCE_MS = 10000, // for one state of the page to be taken
    HTTP_STATE_MS = 1000,            // between two states of the page
    HTTP_CACHE_MS = 100,
};

struct http;

// Opens where <options> says. Null with <err>: EXIT_USAGE for an address beyond loopback without
// TLS and a way to tell who asks, and for files that do not fit together; EXIT_FAILED when the
// address cannot be had. <config>: where <options> stands, for the place of an error; may be null.
struct http *http_open(struct control *control, const struct config *config,
                       const struct config_http *options, struct error *err);
void http_close(struct http *http);

// Becomes readable when there is something to do; http_run does it, and is called at least every
// CONTROL_TICK_MS.
int http_fd(const struct http *http);
void http_run(struct http *http);
// How long it may be left alone: 0, there is something to do already; never more than <most_ms>.
int http_wait_ms(const struct http *http, int most_ms);
// The port that is listened on, for an address with port 0.
uint16_t http_port(const struct http *http);
