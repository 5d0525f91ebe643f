// The lane's side of a trip over a port of DPDK.
#include <sched.h>
#include <unistd.h>

#include "bench/latency/trip_parts.h"
#include "dataplane/port/eal.h"

static int lane_thread(void *arg)
{
    struct trip *t = arg;
    thread_first(true);
    const int id = gettid();
    quiet_begin(t->quiet, true);
    atomic_store(&t->runs, id);
    lane_run(&t->world->lane);
    quiet_end(t->quiet);
    thread_first(false);
    return 0;
}

static int echo_thread(void *arg)
{
    struct trip *t = arg;
    thread_first(true);
    atomic_store(&t->runs, gettid());
    while (!atomic_load_explicit(&t->stop, memory_order_relaxed))
        t->leg->echo_turn(t);
    thread_first(false);
    return 0;
}

bool trip_of_kernel(const struct trip *t)
{
    const enum trip_port port = t->options->port;
    return port == TRIP_PORT_BLOCKING || port == TRIP_PORT_ASLEEP || port == TRIP_PORT_SPINNING;
}

bool near_open(struct trip *t, const struct lane_options *lane, struct error *err)
{
    struct lane_options all = *lane;
    if (trip_of_kernel(t) && t->options->leg != TRIP_LEG_TICK)
        return error_set(err, EXIT_USAGE,
                         "--leg %s: sockets of the kernel carry the whole way only; leave --leg "
                         "out, or choose a port of DPDK",
                         trip_leg_name(t->options->leg));
    if (trip_of_kernel(t))
        return sockets_open(t, lane, err);
    if (!trip_ports_open(t->options, &all.ports, err))
        return false;
    t->world = lane_world_open(&all, err);
    return t->world != NULL;
}

bool near_start(struct trip *t, struct error *err)
{
    atomic_store(&t->stop, false);
    atomic_store(&t->world->lane.stop, false);
    t->world->desk.warm->every =
        clock_ns_to_ticks(&t->world->cal, t->options->practice_us * 1000ull);
    t->world->desk.warm->at = t->options->practice_us ? 0 : UINT64_MAX;
    atomic_store(&t->runs, 0);
    if (trip_of_kernel(t) ? !sockets_start(t, err)
                          : !eal_launch((uint32_t)t->options->near_core,
                                        t->orders ? lane_thread : echo_thread, t, err))
        return false;
    while (!atomic_load(&t->runs))
        sched_yield(); // it was launched, so it will come
    return true;
}

void near_stop(struct trip *t)
{
    atomic_store(&t->stop, true);
    atomic_store(&t->world->lane.stop, true);
    if (trip_of_kernel(t))
        sockets_stop(t);
    else
        eal_join((uint32_t)t->options->near_core);
}

void near_close(struct trip *t)
{
    if (t->world)
        lane_world_close(t->world);
    if (trip_of_kernel(t))
        sockets_close();
    else
        trip_ports_close();
}
