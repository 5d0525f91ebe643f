// Clients of the gateway through the tape: the lane sees a gateway of its own, into which the tape
// lets who comes and goes, and what clients have put, before a turn; and rings of its own, so that
// what is recorded is what the lane takes, whatever a client writes meanwhile. Answers go to the
// clients' own rings.
#pragma once

#include "dataplane/gateway/gateway.h"
#include "dataplane/lane/tape.h"

struct tape_gateway {
    struct gateway *door;                               // the main lcore's
    struct gateway seen;                                // the lane's
    struct gateway_inward *inward[GATEWAY_CLIENTS_MAX]; // the lane's, by client
    bool more[GATEWAY_CLIENTS_MAX]; // the last slot let in wants the next one with it
};

// Set-up, once the desk has its clients. <memory>: zeroed, tape_gateway_bytes().
uint64_t tape_gateway_bytes(const struct gateway *door);
void tape_gateway_init(struct tape *t, struct gateway *door, void *memory);
// Before a turn, and behind it.
void tape_gateway_let_in(struct tape *t);
void tape_gateway_tell(struct tape *t);
// A turn would take something.
bool tape_gateway_waits(const struct tape *t);
