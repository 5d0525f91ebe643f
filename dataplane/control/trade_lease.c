// Limits on sums that several lanes share: the main lcore's end (dataplane/risk/lease.h).
#include <stdlib.h>
#include <string.h>

#include "dataplane/control/dataplane.h"
#include "dataplane/lane/desk_lease.h"

enum { LEASE_NOTES_MAX = 64 }; // of a lane, in one turn

struct dataplane_leases {
    struct lease_book book;
    CACHE_ALIGN uint8_t pools[];
};

// The first grants go the usual way, before anything runs: no lane finds its desk without.
static void first_grants(const struct dataplane *d, uint32_t lane)
{
    struct lease_book *book = &d->leases->book;
    struct desk *desk = &d->desks[lane]->desk;
    const uint32_t number = book->lane_count - 1;
    for (uint32_t i = 0; i < book->share_count; i++) {
        const struct desk_lease_share *s = &desk->leases->shares[i];
        lease_want(&desk->leases->lane, i, s->chunk);
        lease_serve(book, number);
    }
}

bool leases_start(struct dataplane *d, struct error *err)
{
    const struct config *config = d->config;
    const uint32_t shares = lease_shares(config->account_count);
    const uint64_t bytes = sizeof(struct dataplane_leases) + lease_book_bytes(shares);
    if (trade_lanes(config) < 2)
        return true;
    d->leases = aligned_alloc(CACHE_LINE, (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    if (d->leases == NULL)
        return error_set(err, EXIT_FAILED, "no memory for limits that lanes share");
    memset(d->leases, 0, bytes);
    lease_book_init(&d->leases->book, shares, d->leases->pools);
    for (uint32_t lane = 0; lane < config->lane_count; lane++) {
        if (d->desks[lane] == NULL)
            continue;
        struct desk_leases *l = d->desks[lane]->desk.leases;
        lease_lane_add(&d->leases->book, &l->lane);
        for (uint32_t i = 0; d->leases->book.lane_count == 1 && i < shares; i++)
            lease_limit(&d->leases->book, i, l->shares[i].whole);
        first_grants(d, lane);
    }
    return true;
}

uint32_t leases_turn(struct dataplane *d)
{
    uint32_t work = 0;
    if (d->leases == NULL)
        return 0;
    for (uint32_t lane = 0; lane < d->leases->book.lane_count; lane++)
        for (uint32_t n = 0; n < LEASE_NOTES_MAX && lease_serve(&d->leases->book, lane); n++)
            work++;
    return work;
}

void leases_free(struct dataplane *d)
{
    free(d->leases);
    d->leases = NULL;
}
