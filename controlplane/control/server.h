// The control socket: JSON-RPC 2.0, one request and one answer a line, over a Unix stream socket.
//
// Bounded everywhere: clients, the length of a request, what waits to be sent. A client's requests
// are answered in order, one at a time; while its answers wait to be sent it is not read from. One
// that does not read for SERVER_PATIENCE_MS, or lets more than SERVER_OUT_MAX bytes pile up, is cut
// off and counted.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controlplane/control/control.h"
#include "controlplane/control/method.h"
#include "controlplane/control/stream.h"
#include "dataplane/base/error.h"

enum {
    SERVER_CLIENTS_MAX = 1280,
    SERVER_USER_MAX = 1024,        // of one user: others still get through
    SERVER_LINE_MAX = 64 * 1024,   // one request, newline included
    SERVER_OUT_SOFT = 1024 * 1024, // with more than this to send no further request is taken
    SERVER_OUT_MAX = 64 * 1024 * 1024,
    SERVER_STREAM_SOFT = 256 * 1024, // with more than this no notification is added
    SERVER_PATIENCE_MS = 10000,
};

struct http;

struct client {
    int fd;          // -1: the slot is free
    bool skipping;   // the rest of a line that was too long
    bool ended;      // the client sends no more
    uint32_t events; // what epoll watches for
    size_t in_len;
    size_t out_len;
    size_t out_at;     // sent so far
    size_t out_max;    // bytes of <out>
    uint64_t moved_ns; // when it last took something, while something waits
    char *out;
    struct job job;
    struct stream stream;
    char in[SERVER_LINE_MAX];
};

struct server {
    struct control *control;
    struct client *clients; // SERVER_CLIENTS_MAX
    uint32_t top;           // places that were ever taken: the first ones
    int epoll_fd;
    int listen_fd;
    bool bound; // <path> is ours to remove
    char path[108];
    uint64_t patience_ns;
    struct roles roles;
    struct http *http; // may be null; served in the same loop
};

// The folder that is made where it is missing; of any other path the folder must be there.
#define SERVER_FOLDER "/run/tickgate"

// Binds the socket: takes the place of a socket that nobody answers on, refuses one that is
// answered.
bool server_open(struct server *server, struct control *control, const char *path,
                 struct error *err);
// Who may connect and do what; before it everybody who can connect may do everything.
bool server_set_roles(struct server *server, const struct roles *roles, struct error *err);
// Lets the loop serve <http> too, until it ends.
bool server_add_http(struct server *server, struct http *http, struct error *err);
// Until *<stop> is set, which a signal handler may do.
void server_run(struct server *server, const atomic_bool *stop);
void server_close(struct server *server);
