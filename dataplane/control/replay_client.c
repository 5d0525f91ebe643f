#include "dataplane/control/replay_client.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/lane/desk_gateway.h"

bool replay_client_sound(const struct replay_record *r)
{
    if (r->header.kind == CAPTURE_CLIENT)
        return r->payload_len >= sizeof(struct capture_client);
    return r->header.value <= CAPTURE_SLOTS_MAX + 1 &&
           r->payload_len >=
               sizeof(struct capture_requests) + (uint64_t)r->header.value * CAPTURE_SLOT_LEN;
}

static void *zeroed(uint64_t bytes)
{
    void *p = aligned_alloc(CACHE_LINE, cache_lines(bytes));
    if (p)
        memset(p, 0, cache_lines(bytes));
    return p;
}

// Rings of the size that they had; nobody reads what is answered.
static bool client_put(struct gateway *g, struct gateway_client *c,
                       const struct capture_client *told)
{
    if (told->attached != atomic_load_explicit(&c->attached, memory_order_relaxed)) {
        free(c->inward);
        free(c->outward);
        c->inward = zeroed(gateway_inward_bytes(g->requests));
        c->outward = zeroed(gateway_outward_bytes(g->answers, 0, 0));
    }
    c->why = told->why;
    c->uid = told->uid;
    c->pid = told->pid;
    atomic_store_explicit(&c->attached, told->attached, memory_order_relaxed);
    atomic_store_explicit(&c->ended, told->ended, memory_order_relaxed);
    gateway_ring(g);
    return c->inward && c->outward;
}

static bool requests_put(const struct gateway *g, const struct gateway_client *c,
                         const struct replay_record *r)
{
    struct capture_requests told;
    const uint8_t *slots = r->payload + sizeof told;
    if (c->inward == NULL)
        return false;
    memcpy(&told, r->payload, sizeof told);
    for (uint32_t i = 0; i < r->header.value; i++)
        memcpy(&c->inward->requests[(told.tail - r->header.value + i) & (g->requests - 1)],
               slots + (size_t)i * CAPTURE_SLOT_LEN, CAPTURE_SLOT_LEN);
    atomic_store_explicit(&c->inward->answers_head, told.answers_head, memory_order_relaxed);
    atomic_store_explicit(&c->inward->requests_tail, told.tail, memory_order_relaxed);
    return true;
}

bool replay_client_put(struct desk *d, const struct replay_record *r)
{
    struct gateway *g = d && d->gateway ? d->gateway->gateway : NULL;
    struct capture_client told;
    if (g == NULL || r->header.index >= g->count)
        return false;
    struct gateway_client *c = &g->clients[r->header.index];
    if (r->header.kind == CAPTURE_REQUESTS)
        return requests_put(g, c, r);
    memcpy(&told, r->payload, sizeof told);
    return client_put(g, c, &told);
}
