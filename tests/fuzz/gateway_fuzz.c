// The desk against a client that writes what it likes into its memory. Input: operations, each one
// byte and its operands. Honest requests, bytes anywhere in the inward memory, indices of any
// value, processes that come and go, an exchange that answers. Whatever is written: no access out
// of bounds, nobody else's orders are touched, and at the end nothing is open or reserved.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define MUST_HOLD(cond) \
    do {                \
        if (!(cond))    \
            abort();    \
    } while (0)
#define assert_true(cond)     MUST_HOLD(cond)
#define assert_false(cond)    MUST_HOLD(!(cond))
#define assert_non_null(p)    MUST_HOLD((p) != NULL)
#define fail_msg(format, ...) (fprintf(stderr, format "\n", __VA_ARGS__), abort())

#include "dataplane/gateway/door.h"
#include "dataplane/lane/desk_gateway.h"
#include "tests/lib/desk_world.h"

enum { REQUESTS = 16, ANSWERS = 32, FIRST = 3, HONEST = 1, SETTLE = 3000 };

static struct gateway *gateway;
static struct desk_gateway desk;
static struct gateway_inward *inward[2];
static struct gateway_outward *outward[2];
static uint32_t attachments;
static uint32_t honest_order;

static void client_come(uint32_t i)
{
    struct gateway_client *c = &gateway->clients[i];
    // As the door does it: only when the lane has left the one before.
    if (atomic_load(&c->attached) != atomic_load(&c->left))
        return;
    memset(inward[i], 0, gateway_inward_bytes(REQUESTS));
    memset(outward[i], 0, gateway_outward_bytes(ANSWERS, 0, 0));
    c->inward = inward[i];
    c->outward = outward[i];
    atomic_store(&c->attached, ++attachments);
    gateway_ring(gateway);
}

static void client_go(uint32_t i)
{
    struct gateway_client *c = &gateway->clients[i];
    c->why = TICKGATE_DETACHED;
    atomic_store(&c->ended, atomic_load(&c->attached));
    gateway_ring(gateway);
}

static void put(uint32_t i, const struct gateway_request *r)
{
    const uint32_t tail = atomic_load(&inward[i]->requests_tail);
    inward[i]->requests[tail % REQUESTS] = *r;
    atomic_store(&inward[i]->requests_tail, tail + 1);
}

static void open_all(void)
{
    static void *memory;
    struct error err = {0};
    struct gateway_client_config c = {
        .account = 1, .open_orders = 16, .rate_per_s = 1000, .burst = 64, .name = "fuzz"};
    world_open(1);
    free(gateway);
    free(memory);
    gateway = zeroed(sizeof *gateway);
    memory = zeroed(desk_gateway_bytes(ORDERS, 0));
    MUST_HOLD(gateway_init(gateway, REQUESTS, ANSWERS, FIRST, &err));
    for (uint32_t i = 0; i < 2; i++) {
        MUST_HOLD(gateway_client_add(gateway, &c, 1000ull * STEP, &err));
        free(inward[i]);
        free(outward[i]);
        inward[i] = zeroed(gateway_inward_bytes(REQUESTS));
        outward[i] = zeroed(gateway_outward_bytes(ANSWERS, 0, 0));
    }
    attachments = 0;
    desk_gateway_init(&w->desk, &desk, gateway, memory);
    w->model.random = 0x9E3779B97F4A7C15ull;
    for (uint32_t i = 0; i < 200 && w->session.state != SESSION_READY; i++)
        step();
}

// An order of the honest client that rests, so that there is something to lose.
static void honest_rests(void)
{
    const struct gateway_request r = {.kind = GATEWAY_ENTER,
                                      .client_id = 5,
                                      .quantity = 100,
                                      .price = 1000000,
                                      .side = 'S',
                                      .time_in_force = '0',
                                      .display = 'Y'};
    client_come(HONEST);
    put(HONEST, &r);
    for (uint32_t i = 0; i < 8; i++)
        step();
    honest_order = outward[HONEST]->slots[0].order;
    MUST_HOLD(outward[HONEST]->slots[0].kind == TICKGATE_DONE);
}

struct input {
    const uint8_t *p;
    size_t left;
};

static uint32_t take(struct input *in, uint32_t bytes)
{
    uint32_t value = 0;
    for (; bytes && in->left; bytes--, in->left--)
        value = value << 8 | *in->p++;
    return value;
}

static void scribble(struct input *in)
{
    uint8_t *memory = (uint8_t *)inward[0];
    const uint32_t at = take(in, 2) % (uint32_t)gateway_inward_bytes(REQUESTS);
    uint32_t len = take(in, 1) % 65;
    if (len > gateway_inward_bytes(REQUESTS) - at)
        len = (uint32_t)gateway_inward_bytes(REQUESTS) - at;
    if (len > in->left)
        len = (uint32_t)in->left;
    memcpy(memory + at, in->p, len);
    in->p += len;
    in->left -= len;
}

static void request(struct input *in)
{
    struct gateway_request r = {.kind = (uint8_t)(1 + take(in, 1) % 5), .client_id = take(in, 1)};
    r.order = take(in, 1) % (ORDERS + 2);
    r.quantity = take(in, 2);
    r.price = 1000000 + take(in, 1) * 100;
    r.symbol = (uint16_t)(take(in, 1) % (MODEL_SYMBOLS + 1));
    r.venue = (uint8_t)(take(in, 1) % 16 == 15);
    r.side = "BSTEx"[take(in, 1) % 5];
    r.time_in_force = "03x"[take(in, 1) % 3];
    r.display = 'Y';
    put(0, &r);
}

static void operation(struct input *in)
{
    switch (take(in, 1) % 10) {
    case 0: client_come(0); break;
    case 1: client_go(0); break;
    case 2: scribble(in); break;
    case 3: atomic_store(&inward[0]->requests_tail, take(in, 4)); break;
    case 4: atomic_store(&inward[0]->answers_head, take(in, 4)); break;
    case 5: // as an honest reader
        atomic_store(&inward[0]->answers_head, atomic_load(&outward[0]->answers_tail));
        break;
    case 6: model_live(&w->model); break;
    case 7: w->rig.busy = !w->rig.busy; break;
    default: request(in);
    }
}

static void settle(void)
{
    w->rig.busy = false;
    client_go(0);
    client_go(HONEST);
    for (uint32_t i = 0; i < SETTLE && w->desk.orders.sessions[0].open_count; i++)
        step();
    check();
    for (uint32_t i = 0; i < 8; i++)
        step();
    MUST_HOLD(atomic_load(&gateway->clients[0].left) == atomic_load(&gateway->clients[0].attached));
    for (uint32_t i = 0; i < w->model.order_count; i++)
        MUST_HOLD(!w->model.orders[i].live);
    MUST_HOLD(w->desk.risk.firm.orders == 0 && w->desk.risk.firm.notional == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    open_all();
    honest_rests();
    client_come(0);
    step();
    const uint32_t cancels = orders_at(&w->desk.orders, honest_order)->cancels;
    for (uint32_t i = 0; in.left; i++) {
        operation(&in);
        step();
        // The honest one reads what it is told.
        atomic_store(&inward[HONEST]->answers_head, atomic_load(&outward[HONEST]->answers_tail));
        if (i % 8 == 0)
            check();
    }
    // Nobody but itself cancels what it has, and it is not cut off for the other's nonsense.
    const struct own_order *o = orders_at(&w->desk.orders, honest_order);
    MUST_HOLD(desk.on >> HONEST & 1);
    MUST_HOLD(o->strategy != FIRST + HONEST || o->cancels == cancels);
    settle();
    world_close();
    return 0;
}
