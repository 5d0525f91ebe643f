// The gateway before the desk of desk_world.h: a door with a real socket, three clients, and the
// library at the other end. cmocka.h is included before this header.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "dataplane/gateway/door.h"
#include "dataplane/lane/desk_gateway.h"
#include "tests/lib/desk_world.h"

enum { RIG_REQUESTS = 64, RIG_ANSWERS = 256, FIRST_STRATEGY = 3, RIG_OPEN = 40, RIG_RATE = 1000 };
enum { RIG_ROUTES = 16 };

struct gateway_rig {
    struct gateway *gateway;
    struct desk_gateway desk;
    struct door door;
    void *memory;
    uint64_t ns;
    char path[DOOR_PATH_LEN];
};

static struct gateway_rig rig;

static const char rig_venues[1][GATEWAY_NAME_LEN] = {"model"};
static const char *const rig_names[] = {"alpha", "beta", "other", "quiet"};

static void rig_client(const char *name, uint32_t uid, uint32_t heartbeat_ms)
{
    struct error err = {0};
    // One message in a thousand ticks: every step has room for one, after a burst.
    struct gateway_client_config c = {.uid = uid,
                                      .account = 1,
                                      .open_orders = RIG_OPEN,
                                      .rate_per_s = RIG_RATE,
                                      .burst = 64,
                                      .heartbeat_ms = heartbeat_ms};
    snprintf(c.name, sizeof c.name, "%s", name);
    assert_true(gateway_client_add(rig.gateway, &c, (uint64_t)RIG_RATE * STEP, &err));
}

static void gateway_open(uint64_t seed)
{
    static uint32_t number;
    struct error err = {0};
    const struct door_names names = {symbols, rig_venues, MODEL_SYMBOLS, 1};
    world_open(seed);
    memset(&rig, 0, sizeof rig);
    rig.gateway = zeroed(sizeof *rig.gateway);
    assert_true(gateway_init(rig.gateway, RIG_REQUESTS, RIG_ANSWERS, FIRST_STRATEGY, &err));
    for (uint32_t i = 0; i < sizeof rig_names / sizeof rig_names[0]; i++)
        w->limits->strategies[FIRST_STRATEGY + i].open_orders = RIG_OPEN;
    rig_client(rig_names[0], getuid(), 0);
    rig_client(rig_names[1], getuid(), 0);
    rig_client(rig_names[2], getuid() + 1, 0);
    rig_client(rig_names[3], getuid(), 20);
    rig.memory = zeroed(desk_gateway_bytes(ORDERS, RIG_ROUTES));
    desk_gateway_init(&w->desk, &rig.desk, rig.gateway, rig.memory);
    snprintf(rig.path, sizeof rig.path, "/tmp/tickgate-gateway-%d-%u", (int)getpid(), number++);
    if (!door_open(&rig.door, rig.path, &err))
        fail_msg("%s", err.text);
    door_gateway_add(&rig.door, rig.gateway, &names);
}

static void gateway_close(void)
{
    door_close(&rig.door);
    free(rig.memory);
    free(rig.gateway);
    world_close();
}

// Lane and main lcore, by turns.
static void gateway_step(void)
{
    step();
    rig.ns += 1000000;
    door_turn(&rig.door, rig.ns);
}

static inline void gateway_ready(void)
{
    for (uint32_t i = 0; i < 1000 && w->session.state != SESSION_READY; i++)
        gateway_step();
    assert_int_equal(w->session.state, SESSION_READY);
}

// The same while a process or thread knocks: the door looks, but its patience does not run out,
// however long the other is not scheduled.
static inline void gateway_wait(void)
{
    step();
    rig.door.next_ns = 0;
    door_turn(&rig.door, rig.ns);
    usleep(100);
}

struct rig_attach {
    const char *name;
    struct tickgate *client;
    int code;
    _Atomic bool done;
};

static inline void *attach_run(void *arg)
{
    struct rig_attach *a = arg;
    a->client = tickgate_attach(rig.path, a->name, &a->code);
    atomic_store(&a->done, true);
    return NULL;
}

// The library waits for the door's answer: it has a thread of its own meanwhile.
static inline struct tickgate *gateway_attach(const char *name, int *code)
{
    struct rig_attach a = {.name = name};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, attach_run, &a), 0);
    while (!atomic_load(&a.done)) { // without the lane: it may have to stand still
        rig.door.next_ns = 0;
        door_turn(&rig.door, rig.ns);
        usleep(50);
    }
    pthread_join(thread, NULL);
    if (code)
        *code = a.code;
    gateway_step(); // the lane takes it in
    return a.client;
}

// --- what most tests ask for

static const struct tickgate_order some_order = {.client_id = 7,
                                                 .quantity = 100,
                                                 .price = 1000000,
                                                 .side = 'B',
                                                 .time_in_force = '0',
                                                 .display = 'Y'};

static inline struct gateway_client *client(uint32_t index)
{
    return &rig.gateway->clients[index];
}

static inline uint64_t left_at_exchange(void)
{
    uint64_t open = 0;
    for (uint32_t i = 0; i < w->model.order_count; i++)
        open += w->model.orders[i].live;
    return open;
}

// Until nobody's order is open any more; nothing is reserved then.
static inline void dust_settles(void)
{
    for (uint32_t i = 0; i < LOOSE_ENDS && w->desk.orders.sessions[0].open_count; i++)
        gateway_step();
    check();
    assert_int_equal(left_at_exchange(), 0);
    assert_int_equal(w->desk.risk.firm.orders, 0);
    assert_int_equal(w->desk.risk.firm.notional, 0);
}

// The next answer to request <number>; reports on the way are passed over.
static inline struct tickgate_answer answer_to(struct tickgate *t, uint32_t number)
{
    struct tickgate_answer a;
    assert_int_not_equal(number, 0);
    for (uint32_t i = 0; i < 100; i++) {
        while (tickgate_poll(t, &a) == 1)
            if (a.kind != TICKGATE_REPORT && a.request == number)
                return a;
        gateway_step();
    }
    fail_msg("request %u is not answered", number);
    return a;
}

// An order that rests at the exchange; the model executes, refuses and kills some.
static inline struct tickgate_answer rest(struct tickgate *t, uint64_t client_id)
{
    struct tickgate_order o = some_order;
    o.client_id = client_id;
    for (uint32_t tries = 0; tries < 50; tries++) {
        struct tickgate_answer a = answer_to(t, tickgate_enter(t, &o));
        assert_int_equal(a.kind, TICKGATE_DONE);
        for (uint32_t i = 0; i < 10; i++)
            gateway_step();
        const struct own_order *own = orders_at(&w->desk.orders, a.order);
        if (own->life == LIFE_LIVE && own->filled == 0)
            return a;
        tickgate_cancel(t, a.order, client_id, 0);
    }
    fail_msg("no order rests");
    return (struct tickgate_answer){0};
}

static inline uint16_t refused(struct tickgate *t, uint32_t number)
{
    const struct tickgate_answer a = answer_to(t, number);
    assert_int_equal(a.kind, TICKGATE_REFUSED);
    return a.refusal;
}

// Everything until the end; answers the code of it.
static inline int end_of(struct tickgate *t)
{
    struct tickgate_answer a;
    for (uint32_t i = 0; i < 2000; i++) {
        const int n = tickgate_poll(t, &a);
        if (n < 0)
            return -n;
        if (n == 0)
            gateway_step();
    }
    return 0;
}
