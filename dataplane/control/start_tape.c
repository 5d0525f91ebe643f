// Tapes of the lanes, from the configuration (dataplane/lane/tape.h).
#include <stdlib.h>
#include <string.h>

#include "dataplane/control/dataplane.h"
#include "dataplane/lane/tape.h"

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

void tapes_kills(const struct dataplane *d)
{
    for (uint32_t i = 0; i < d->config->lane_count; i++)
        if (d->tapes[i] && d->lanes[i]->desk)
            tape_kills(d->tapes[i]);
}

void tapes_free(struct dataplane *d)
{
    for (uint32_t i = 0; i < LANES_MAX; i++) {
        free(d->tapes[i]);
        d->tapes[i] = NULL;
    }
}
