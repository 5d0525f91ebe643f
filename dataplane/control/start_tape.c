// Tapes of the lanes, from the configuration (dataplane/lane/tape.h).
#include <stdlib.h>
#include <string.h>

#include "dataplane/control/dataplane.h"
#include "dataplane/lane/desk_gateway.h"
#include "dataplane/lane/tape_gateway.h"

bool tapes_start(struct dataplane *d, struct error *err)
{
    const uint64_t bytes = cache_lines(sizeof(struct tape));
    const uint32_t ring_bytes = d->view.shape.capture_bytes;
    for (uint32_t i = 0; ring_bytes && i < d->config->lane_count; i++) {
        struct capture_ring *ring = region_capture_ring(&d->view, i);
        d->tapes[i] = aligned_alloc(CACHE_LINE, bytes);
        if (d->tapes[i] == NULL)
            return error_set(err, EXIT_FAILED, "no memory for the captures of lanes");
        memset(d->tapes[i], 0, bytes);
        atomic_store_explicit(&ring->wanted, 1, memory_order_relaxed); // from the first input on
        tape_init(d->tapes[i], d->lanes[i], ring,
                  region_capture_byte(&d->view, (uint64_t)i * ring_bytes), ring_bytes);
    }
    return true;
}

static bool tape_clients(struct tape *t, struct desk_gateway *dg, struct error *err)
{
    const uint64_t bytes = tape_gateway_bytes(dg->door);
    void *memory = aligned_alloc(CACHE_LINE, bytes);
    if (memory == NULL)
        return error_set(err, EXIT_FAILED, "no memory for the captures of clients");
    memset(memory, 0, bytes);
    tape_gateway_init(t, dg->door, memory);
    return true;
}

bool tapes_desks(const struct dataplane *d, struct error *err)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < d->config->lane_count; i++) {
        struct desk *desk = d->tapes[i] ? d->lanes[i]->desk : NULL;
        if (desk == NULL)
            continue;
        tape_kills(d->tapes[i]);
        ok = desk->gateway == NULL || tape_clients(d->tapes[i], desk->gateway, err);
    }
    return ok;
}

void tapes_free(struct dataplane *d)
{
    for (uint32_t i = 0; i < LANES_MAX; i++) {
        if (d->tapes[i])
            free(d->tapes[i]->gateway);
        free(d->tapes[i]);
        d->tapes[i] = NULL;
    }
}
