// Clients of the gateway at the desk: what they ask for, and what they are told.
#pragma once

#include "dataplane/gateway/gateway.h"
#include "dataplane/lane/desk_route.h"

struct desk_gateway {
    struct gateway *gateway; // what the lane sees
    struct gateway *door;    // what the main lcore sees: the same, but where a tape is between them
    uint32_t bell_seen;
    uint32_t on;             // bit of a client whose requests are taken
    uint32_t leaving;        // bit of a client whose orders are being cancelled
    uint32_t *attachment_of; // per place of the order table: whose order it is
    uint32_t *routes_of;     // the same for routed orders; null: there are none
    void (*others)(struct desk *d, uint32_t order, const struct order_outcome *outcome);
    void (*other_routes)(struct desk *d, const struct route *r, uint32_t route);
    uint64_t untold; // reports about orders of attachments that are over
};
_Static_assert(GATEWAY_CLIENTS_MAX <= 32, "a bit per client");

// Bytes for <orders> places of the order table and <routes> of the table of routed orders.
uint64_t desk_gateway_bytes(uint32_t orders, uint32_t routes);
// Once strategies and routed orders are there, as what is no client's goes on to whoever is told
// now. <gateway> has its clients; <memory>: desk_gateway_bytes(), zeroed.
void desk_gateway_init(struct desk *d, struct desk_gateway *dg, struct gateway *gateway,
                       void *memory);

// Who has come and gone, and up to GATEWAY_REQUESTS_A_TURN requests of each. Returns how much there
// was to do.
uint32_t desk_gateway_turn(struct desk *d, uint64_t now);
