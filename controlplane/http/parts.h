// What the files of this room share. Private to it.
#pragma once

#include <microhttpd.h>

#include "controlplane/control/method.h"
#include "controlplane/http/http.h"
#include "controlplane/metrics/text.h"

// A state of the page as a server-sent event; shared by the streams that send it.
struct document {
    uint64_t number;
    uint32_t users;
    size_t len;
    char text[];
};

// What /benchmarks/run is answered with; <text> is owned.
struct benchmark_report {
    unsigned status;
    char *text;
};

// One connection; the slot is its socket context.
struct http_connection {
    struct http *http;
    struct MHD_Connection *handle; // null: the slot is free
    int fd;
    bool cut;          // shut down, about to end
    uint64_t since_ns; // begin, or its last whole request
    bool asleep;       // suspended until there is another state, or the report
    struct benchmark_report report;
    // Of a stream:
    bool stream;
    uint64_t number;
    uint64_t doc_ns; // when <doc> was begun
    struct document *doc;
    size_t doc_at;
};

struct http_credentials {
    char *certificate; // PEM texts; null: not configured
    char *key;
    char *client_ca;
    char *token;
};

struct cached {
    struct MHD_Response *response;
    uint64_t ns; // when it was made
};

enum { CACHED_METRICS = 4 }; // brief and full, each in two formats

struct http {
    struct control *control;
    struct MHD_Daemon *daemon;
    bool started;
    struct http_credentials credentials;
    uint32_t connections;
    struct http_connection slots[HTTP_CONNECTIONS_MAX];
    struct metric_text text;
    struct cached metrics[CACHED_METRICS];
    struct document *latest; // state of the page
    uint64_t latest_ns;
    uint64_t states; // made so far
    struct job benchmark;
    uint64_t benchmark_ns;         // CLOCK_MONOTONIC when it began
    struct http_connection *asker; // waits for it; null: nobody any more
    struct job limits_job;
    uint64_t limits_ns; // CLOCK_MONOTONIC when it was asked last
    json_t *limits;     // the last answer's rows of which most is used; null: none
};

// --- credentials.c

// Reads the files of <options> and sees that they fit together. False with <err>, which names the
// file and the remedy.
bool credentials_load(struct http_credentials *credentials, const struct config_http *options,
                      struct error *err);
void credentials_free(struct http_credentials *credentials);
// Whoever asks has the token, or a certificate of the configured authority; true where neither is
// configured.
bool credentials_fit(const struct http_credentials *credentials, struct MHD_Connection *connection);

// --- health.c: answers as JSON or text, owned by the caller

char *health_text(struct control *control, bool *healthy);
char *latency_text(struct control *control);
bool dataplane_ready(const struct control *control);

// --- benchmark.c

// True: <asker> has its report; false: it will have it, and is to be suspended meanwhile.
bool benchmark_begin(struct http *http, struct http_connection *asker);
void benchmark_turn(struct http *http);
// The connection ends, or has taken its report.
void benchmark_leave(struct http_connection *asker);
void benchmark_end(struct http *http);

// --- limits.c

// Asks for them when it is time and somebody looks.
void limits_turn(struct http *http, uint64_t now_ns);
void limits_end(struct http *http);

// --- stream.c

struct MHD_Response *stream_open(struct http_connection *connection);
void stream_end(struct http_connection *connection);
// Makes another state when it is time and somebody looks; cuts streams that do not take theirs.
void streams_tick(struct http *http, uint64_t now_ns);
void connection_cut(struct http_connection *connection);

// --- page.c

extern const char page_begin[], page_end[];
// Content-Security-Policy that lets in the page's own style and script only.
const char *page_policy(void);
