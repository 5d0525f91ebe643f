// Clients of the gateway in front of the lane under test. In this process: their rings are those of
// clients of their own, without the door, which only hands them over.
#include <stdio.h>

#include "bench/latency/lane_world.h"
#include "dataplane/gateway/door.h"

enum { REQUESTS = 256, ANSWERS = 1024, SHARES = 100, RATE = 100000000, BURST = 1000 };

bool lane_client_open(struct lane_world *w, uint32_t count,
                      void *(*table)(struct lane_world *, uint64_t, struct error *),
                      struct error *err)
{
    struct lane_client *c = &w->client;
    if (!gateway_init(&c->gateway, REQUESTS, ANSWERS, w->instances, err))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct gateway_client_config config = {
            .account = LANE_ACCOUNT, .open_orders = 1000, .rate_per_s = RATE, .burst = BURST};
        snprintf(config.name, sizeof config.name, "bench%u", i);
        if (!gateway_client_add(&c->gateway, &config, w->cal.tsc_hz, err))
            return false;
        c->gateway.clients[i].inward = table(w, gateway_inward_bytes(REQUESTS), err);
        c->gateway.clients[i].outward = table(w, gateway_outward_bytes(ANSWERS, 0, 0), err);
    }
    void *memory = table(w, desk_gateway_bytes(LANE_ORDERS, 0), err);
    if (err->code)
        return false;
    desk_gateway_init(&w->desk, &c->at_desk, &c->gateway, memory);
    for (uint32_t i = 0; i < count; i++)
        atomic_store(&c->gateway.clients[i].attached, 1);
    gateway_ring(&c->gateway);
    c->inward = c->gateway.clients[0].inward;
    c->outward = c->gateway.clients[0].outward;
    return true;
}

void lane_client_ask(struct lane_world *w, uint16_t locate, bool up)
{
    struct lane_client *c = &w->client;
    const uint32_t tail = atomic_load_explicit(&c->inward->requests_tail, memory_order_relaxed);
    w->pushed = clock_tsc();
    c->inward->requests[tail % REQUESTS] =
        (struct gateway_request){.kind = GATEWAY_ENTER,
                                 .client_id = ++c->asked,
                                 .request = (uint32_t)c->asked,
                                 .quantity = SHARES,
                                 .price = LANE_TOUCH_MIDDLE,
                                 .symbol = (uint16_t)(locate - 1),
                                 .side = up ? 'B' : 'S',
                                 .time_in_force = '3',
                                 .display = 'N'};
    atomic_store_explicit(&c->inward->requests_tail, tail + 1, memory_order_release);
}

bool lane_client_read(struct lane_world *w)
{
    struct lane_client *c = &w->client;
    const uint32_t tail = atomic_load_explicit(&c->outward->answers_tail, memory_order_acquire);
    const uint32_t head = atomic_load_explicit(&c->inward->answers_head, memory_order_relaxed);
    bool ok = atomic_load_explicit(&c->outward->closed, memory_order_acquire) == 0;
    for (uint32_t at = head; at != tail; at++)
        ok &= c->outward->slots[at % ANSWERS].refusal == 0;
    if (tail != head)
        atomic_store_explicit(&c->inward->answers_head, tail, memory_order_release);
    return ok;
}
