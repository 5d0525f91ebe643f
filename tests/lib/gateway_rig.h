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
    rig_client(rig_names[0], getuid(), 0);
    rig_client(rig_names[1], getuid(), 0);
    rig_client(rig_names[2], getuid() + 1, 0);
    rig_client(rig_names[3], getuid(), 20);
    rig.memory = zeroed(desk_gateway_bytes(ORDERS));
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
