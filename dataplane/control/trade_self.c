// Self-trade prevention: which groups have a policy, and the words that lanes share of them.
#include <stdlib.h>
#include <string.h>

#include "dataplane/control/dataplane.h"
#include "dataplane/lane/desk_self.h"

// Group 0 is the firm.
static bool has_policy(const struct config *config, uint32_t group)
{
    const struct config_limits *l =
        group ? &config->accounts[group - 1].limits : &config->trading.limits;
    return l->self_trade != SELF_TRADE_PASSES;
}

static uint64_t words_bytes(const struct dataplane *d)
{
    uint64_t bytes = 0;
    for (uint32_t g = 0; g <= d->config->account_count; g++)
        if (has_policy(d->config, g))
            bytes += cache_lines(self_group_bytes(d->config->lane_count, d->instrument_count));
    return bytes;
}

static void *zeroed(uint64_t bytes)
{
    void *memory = aligned_alloc(CACHE_LINE, cache_lines(bytes));
    if (memory)
        memset(memory, 0, cache_lines(bytes));
    return memory;
}

bool self_start(struct dataplane *d, struct error *err)
{
    const uint64_t words = words_bytes(d), head = cache_lines(sizeof(struct self_reach));
    uint64_t bytes = head + words, of_lane[LANES_MAX] = {0};
    if (words == 0)
        return true;
    for (uint32_t i = 0; i < LANES_MAX; i++)
        if (d->desks[i])
            bytes += of_lane[i] =
                desk_self_bytes(d->desks[i]->desk.orders.capacity, d->instrument_count);
    uint8_t *p = d->self_trade = zeroed(bytes);
    if (p == NULL)
        return error_set(err, EXIT_FAILED,
                         "no memory for limits.self_trade: %lu bytes for %u symbols", bytes,
                         d->instrument_count);
    struct self_reach *reach = (void *)p;
    reach->lanes = d->config->lane_count;
    reach->instruments = d->instrument_count;
    p += head;
    for (uint32_t g = 0; g <= d->config->account_count; g++) {
        if (!has_policy(d->config, g))
            continue;
        reach->groups[g] = (void *)p;
        p += cache_lines(self_group_bytes(reach->lanes, reach->instruments));
    }
    for (uint32_t i = 0; i < LANES_MAX; i++) {
        if (d->desks[i] == NULL)
            continue;
        desk_self_init(&d->desks[i]->desk, p, reach, i);
        p += of_lane[i];
    }
    return true;
}

void self_free(struct dataplane *d)
{
    free(d->self_trade);
    d->self_trade = NULL;
}
