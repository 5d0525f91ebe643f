// Clients of the gateway at the desk: what they ask for, and what they are told.
#pragma once

#include "dataplane/gateway/gateway.h"
#include "dataplane/lane/desk.h"

struct desk_gateway {
    struct gateway *gateway;
    uint32_t bell_seen;
    uint32_t on;             // bit of a client whose requests are taken
    uint32_t leaving;        // bit of a client whose orders are being cancelled
    uint32_t *attachment_of; // per place of the order table: whose order it is
    void (*others)(struct desk *d, uint32_t order, const struct order_outcome *outcome);
    uint64_t untold; // reports about orders of attachments that are over
};
_Static_assert(GATEWAY_CLIENTS_MAX <= 32, "a bit per client");

// Bytes for <orders> places of the order table.
uint64_t desk_gateway_bytes(uint32_t orders);
// Once the strategies are there, as orders that are no client's go on to whoever is told now.
// <gateway> has its clients; <memory>: desk_gateway_bytes(), zeroed.
void desk_gateway_init(struct desk *d, struct desk_gateway *dg, struct gateway *gateway,
                       void *memory);

// Who has come and gone, and up to GATEWAY_REQUESTS_A_TURN requests of each. Returns how much there
// was to do.
uint32_t desk_gateway_turn(struct desk *d, uint64_t now);
