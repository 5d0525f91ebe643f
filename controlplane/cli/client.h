// A request to the control plane and its answer.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "dataplane/base/error.h"

enum { CLIENT_PATIENCE_S = 5 };

struct client {
    int fd; // -1: not connected
    char path[108];
    char *in; // received, not yet used
    size_t in_len;
    size_t in_max;
    json_int_t id; // of the last request
};

// Connects. False with EXIT_NOT_CONNECTED and what to do about it, or EXIT_USAGE for a path that is
// none.
bool client_open(struct client *client, const char *path, struct error *err);
void client_close(struct client *client);

// Sends the request and waits for its answer; <params> is taken over. The result is the caller's;
// null with <err>: EXIT_NOT_CONNECTED when the control plane or the dataplane is not there,
// EXIT_USAGE when a parameter was refused, EXIT_STATE when the state was against it, else
// EXIT_FAILED.
json_t *client_call(struct client *client, const char *method, json_t *params, struct error *err);

// The next message, an answer or a notification, to be released. Null with <err> where the
// connection ended; null without it when a signal came or nothing did for CLIENT_PATIENCE_S.
json_t *client_next(struct client *client, struct error *err);
