// The gateway, from the configuration: clients of each lane, and the door at which they attach.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/cpu.h"
#include "dataplane/control/dataplane.h"
#include "dataplane/control/limits_fill.h"
#include "dataplane/control/limits_live.h"
#include "dataplane/gateway/door.h"
#include "dataplane/lane/desk_gateway.h"

_Static_assert(CLIENTS_MAX <= (int)GATEWAY_CLIENTS_MAX && NAME_LEN <= (int)GATEWAY_NAME_LEN,
               "what the configuration takes fits into a gateway");

// One for each lane with clients, in one block of memory with a word per place of the order table.
struct dataplane_gateway {
    struct gateway gateway;
    struct desk_gateway at_desk;
    uint64_t bytes;
    CACHE_ALIGN uint8_t orders[];
};

static uint32_t lane_clients(const struct config *config, uint32_t lane)
{
    uint32_t clients = 0;
    for (uint32_t i = 0; i < config->client_count; i++)
        clients += config->clients[i].lane == lane;
    return clients;
}

// Numbers of clients follow those of the strategies, lane after lane, so that those of a lane are
// one after the other.
static uint32_t first_of_lane(const struct config *config, uint32_t lane)
{
    uint32_t first = config->strategy_count;
    for (uint32_t i = 0; i < lane; i++)
        first += lane_clients(config, i);
    return first;
}

uint32_t gateway_strategy(const struct config *config, uint32_t client)
{
    uint32_t number = first_of_lane(config, config->clients[client].lane);
    for (uint32_t i = 0; i < client; i++)
        number += config->clients[i].lane == config->clients[client].lane;
    return number;
}

uint64_t lane_strategies(const struct config *config, uint32_t lane)
{
    uint64_t bits = ((1ull << lane_clients(config, lane)) - 1) << first_of_lane(config, lane);
    for (uint32_t i = 0; i < config->strategy_count; i++)
        bits |= (uint64_t)(config->strategies[i].lane == lane) << i;
    return bits;
}

static uint64_t gateway_bytes(const struct config *config)
{
    return sizeof(struct dataplane_gateway) +
           desk_gateway_bytes(config->trading.orders, config->trading.routes);
}

void gateway_bill(struct dataplane *d, uint32_t lane, uint32_t symbols)
{
    const struct config *config = d->config;
    const uint32_t clients = lane_clients(config, lane);
    const uint64_t rings =
        gateway_inward_bytes(config->gateway.requests) +
        gateway_outward_bytes(config->gateway.answers, symbols, config->session_count);
    char name[sizeof d->bill.items[0].name];
    if (clients == 0)
        return;
    snprintf(name, sizeof name, "%.15s: clients", config->lanes[lane].name);
    bill_add(&d->bill, name, gateway_bytes(config), config->node.page_size,
             cpu_node(config->lanes[lane].core));
    snprintf(name, sizeof name, "%.15s: rings of clients", config->lanes[lane].name);
    bill_add(&d->bill, name, clients * rings, 4096, -1);
}

bool gateway_start(struct dataplane *d, uint32_t lane, struct error *err)
{
    const struct config *config = d->config;
    bool huge;
    if (lane_clients(config, lane) == 0)
        return true;
    struct dataplane_gateway *dg = memory_private(
        gateway_bytes(config), cpu_node(config->lanes[lane].core), d->region.huge, &huge, err);
    if (dg == NULL)
        return false;
    d->gateways[lane] = dg;
    dg->bytes = gateway_bytes(config);
    if (!gateway_init(&dg->gateway, config->gateway.requests, config->gateway.answers,
                      first_of_lane(config, lane), err))
        return false;
    for (uint32_t i = 0; i < config->client_count; i++) {
        const struct config_client *from = &config->clients[i];
        struct gateway_client_config c = {.uid = from->user,
                                          .account = (uint16_t)from->account,
                                          .open_orders = from->limits.open_orders,
                                          .rate_per_s = from->rate_per_s,
                                          .burst = from->burst,
                                          .heartbeat_ms = from->heartbeat_ms};
        snprintf(c.name, sizeof c.name, "%s", from->name);
        if (from->lane == lane && !gateway_client_add(&dg->gateway, &c, d->clock.tsc_hz, err))
            return false;
    }
    desk_gateway_init(&d->desks[lane]->desk, &dg->at_desk, &dg->gateway, dg->orders);
    return true;
}

void clients_limits_show(const struct dataplane *d)
{
    for (uint32_t i = 0; i < d->config->client_count; i++) {
        const uint32_t strategy = gateway_strategy(d->config, i), lane = d->config->clients[i].lane;
        uint64_t limit[LIMIT_OWNERS];
        enum limit_owned binds;
        if (d->gateways[lane] == NULL || !limits_both(limits_set_now(d), TRADE_STRATEGY, strategy,
                                                      LIMIT_LIMITS_open_orders, limit, &binds))
            continue;
        struct gateway *g = &d->gateways[lane]->gateway;
        const uint32_t most = limit[binds] < UINT32_MAX ? (uint32_t)limit[binds] : UINT32_MAX;
        g->clients[strategy - g->first_strategy].config.open_orders = most;
        __atomic_store_n(&region_client_info(&d->view, i)->open_orders, most, __ATOMIC_RELAXED);
    }
}

// Sessions of other lanes have their number, but no name by which a client could find them.
static void venues_fill(const struct config *config, uint32_t lane,
                        char (*venues)[GATEWAY_NAME_LEN])
{
    for (uint32_t i = 0; i < config->session_count; i++)
        if (config->sessions[i].lane == lane)
            snprintf(venues[i], sizeof venues[i], "%s", config->sessions[i].name);
}

bool gateway_open(struct dataplane *d, struct error *err)
{
    const struct config *config = d->config;
    if (config->client_count == 0)
        return true;
    d->door = calloc(1, sizeof *d->door);
    d->venues = calloc(LANES_MAX, sizeof *d->venues);
    if (d->door == NULL || d->venues == NULL)
        return error_set(err, EXIT_FAILED, "no memory for the door of the gateway");
    if (!door_open(d->door, config->gateway.socket, err))
        return false;
    for (uint32_t lane = 0; lane < config->lane_count; lane++) {
        if (d->gateways[lane] == NULL)
            continue;
        const struct door_names names = {
            .symbols = (const char(*)[GATEWAY_SYMBOL_LEN])d->instruments,
            .venues = (const char(*)[GATEWAY_NAME_LEN])d->venues[lane],
            .symbol_count = d->instrument_count,
            .venue_count = config->session_count,
        };
        venues_fill(config, lane, d->venues[lane]);
        door_gateway_add(d->door, &d->gateways[lane]->gateway, &names);
    }
    return true;
}

uint32_t gateway_turn(struct dataplane *d, uint64_t now_ns)
{
    return d->door ? door_turn(d->door, now_ns) : 0;
}

void gateway_stop(struct dataplane *d)
{
    if (d->door)
        door_close(d->door);
    free(d->door);
    free(d->venues);
    d->door = NULL;
    d->venues = NULL;
    for (uint32_t lane = 0; lane < LANES_MAX; lane++) {
        if (d->gateways[lane])
            memory_private_free(d->gateways[lane], d->gateways[lane]->bytes);
        d->gateways[lane] = NULL;
    }
}
