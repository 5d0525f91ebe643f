// Limits on sums that several lanes share: the main lcore's end (dataplane/risk/lease.h).
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/clock.h"
#include "dataplane/control/dataplane.h"
#include "dataplane/control/limits_fill.h"
#include "dataplane/lane/desk_lease.h"

enum {
    LEASE_NOTES_MAX = 64,     // of a lane, in one turn
    LEASE_TRIM_NS = 10000000, // between two looks at what is above its limit
};

struct dataplane_leases {
    struct lease_book book;
    uint64_t trim_at_ns;
    CACHE_ALIGN uint8_t pools[];
};

// What a lane holds of a share already: after a restart orders are open.
static uint64_t held(const struct desk *desk, uint32_t share)
{
    const struct risk_use *use = share < 2 ? &desk->risk.firm : &desk->risk.accounts[share / 2 - 1];
    return share % 2 ? use->notional : use->orders;
}

// The first grants go the usual way, before anything runs: no lane finds its desk without. First
// for what lanes hold, so that none is given what another one uses.
static void first_grants(const struct dataplane *d, bool holding)
{
    struct lease_book *book = &d->leases->book;
    uint32_t number = 0;
    for (uint32_t lane = 0; lane < d->config->lane_count; lane++) {
        if (d->desks[lane] == NULL)
            continue;
        struct desk *desk = &d->desks[lane]->desk;
        for (uint32_t i = 0; i < book->share_count; i++) {
            const uint64_t holds = held(desk, i);
            if ((holds > 0) != holding)
                continue;
            if (holding && book->pools[i].limit != LEASE_NOT_SHARED)
                lease_join(&desk->leases->lane, i, holds);
            else if (!holding)
                lease_want(&desk->leases->lane, i, desk->leases->shares[i].chunk);
            lease_serve(book, number);
        }
        number++;
    }
}

bool leases_start(struct dataplane *d, struct error *err)
{
    const struct config *config = d->config;
    const uint32_t shares = lease_shares(config->account_count);
    const uint64_t bytes = sizeof(struct dataplane_leases) + lease_book_bytes(shares);
    if (config_trade_lanes(config) < 2)
        return true;
    d->leases = aligned_alloc(CACHE_LINE, cache_lines(bytes));
    if (d->leases == NULL)
        return error_set(err, EXIT_FAILED, "no memory for limits that lanes share");
    memset(d->leases, 0, bytes);
    lease_book_init(&d->leases->book, shares, d->leases->pools);
    for (uint32_t lane = 0; lane < config->lane_count; lane++) {
        if (d->desks[lane] == NULL)
            continue;
        struct desk_leases *l = d->desks[lane]->desk.leases;
        for (uint32_t i = 0; d->leases->book.lane_count == 0 && i < shares; i++)
            lease_limit(&d->leases->book, i, l->shares[i].whole); // there is nobody to be told
        lease_lane_add(&d->leases->book, &l->lane);
    }
    first_grants(d, true);
    first_grants(d, false);
    return true;
}

// --- limits that change ---

// As lanes see it (desk_lease.c): firm orders, firm notional, the same two of every account.
static uint64_t whole_of(const struct limits_source *source, uint32_t share)
{
    const uint32_t account = share / 2 - 1;
    struct config_limits l;
    limits_bind(share < 2 ? &source->firm : &source->accounts[account],
                share < 2 ? &source->broker : &source->broker_accounts[account], &l);
    if (share % 2 ? l.open_notional >= LIMIT_NOTIONAL_MAX : l.open_orders == UINT32_MAX)
        return LEASE_NOT_SHARED;
    return share % 2 ? l.open_notional : l.open_orders;
}

static uint32_t notes_read(struct lease_book *b)
{
    uint32_t work = 0;
    for (uint32_t lane = 0; lane < b->lane_count; lane++)
        for (uint32_t n = 0; n < LEASE_NOTES_MAX && lease_serve(b, lane); n++)
            work++;
    return work;
}

void leases_lower(struct dataplane *d, const struct limits_source *next)
{
    if (d->leases == NULL)
        return;
    struct lease_book *b = &d->leases->book;
    for (uint32_t i = 0; i < b->share_count; i++)
        if (whole_of(next, i) != LEASE_NOT_SHARED && whole_of(next, i) < b->pools[i].limit)
            lease_limit(b, i, whole_of(next, i));
}

void leases_set(struct dataplane *d, const struct limits_source *now)
{
    if (d->leases == NULL)
        return;
    struct lease_book *b = &d->leases->book;
    while (notes_read(b)) // what lanes hold of limits that were none: they said so before they
        continue;         // answered, and what follows is bounded by their rings
    for (uint32_t i = 0; i < b->share_count; i++)
        if (whole_of(now, i) != b->pools[i].limit)
            lease_limit(b, i, whole_of(now, i));
}

bool leases_settled(const struct dataplane *d)
{
    const struct lease_book *b = d->leases ? &d->leases->book : NULL;
    for (uint32_t i = 0; b && i < b->share_count; i++)
        if (b->pools[i].out > b->pools[i].limit && b->pools[i].shed)
            return false;
    return true;
}

// What is still above a limit that was lowered is asked back again.
static void leases_trim(struct dataplane *d)
{
    struct lease_book *b = &d->leases->book;
    const uint64_t now_ns = clock_mono_ns();
    if (now_ns < d->leases->trim_at_ns)
        return;
    d->leases->trim_at_ns = now_ns + LEASE_TRIM_NS;
    for (uint32_t i = 0; i < b->share_count; i++)
        lease_trim(b, i);
}

uint32_t leases_turn(struct dataplane *d)
{
    if (d->leases == NULL)
        return 0;
    const uint32_t work = notes_read(&d->leases->book);
    leases_trim(d);
    return work;
}

void leases_free(struct dataplane *d)
{
    free(d->leases);
    d->leases = NULL;
}
